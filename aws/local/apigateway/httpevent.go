package apigateway

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// httpAuthorizerEvent is the input of a Lambda authorizer of an HTTP API, in the format that the authorizer asks for.
// Source: Developer Guide, "Create AWS Lambda authorizers for HTTP APIs".
func (x *httpExchange) httpAuthorizerEvent(z *httpAuthorizer) map[string]any {
	if z.PayloadFormatVersion == "1.0" {
		ev := x.proxyEventV1()
		delete(ev, "body")
		delete(ev, "isBase64Encoded")
		joined := strings.Join(x.sources, ",")
		ev["type"], ev["methodArn"], ev["identitySource"], ev["authorizationToken"] = "REQUEST", x.methodARN(), joined, joined
		return ev
	}
	ev := x.proxyEventV2()
	delete(ev, "body")
	delete(ev, "isBase64Encoded")
	ev["type"], ev["routeArn"], ev["identitySource"] = "REQUEST", x.methodARN(), nil
	if len(x.sources) > 0 {
		ev["identitySource"] = x.sources
	}
	return ev
}

// proxyEventV2 is the version 2.0 event: header names in lower case, repeated values joined, cookies apart, absent maps
// left out. Source: Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs".
func (x *httpExchange) proxyEventV2() map[string]any {
	headers := map[string]string{}
	forwarded := x.forwardedHeaders()
	cookies := strings.Split(strings.Join(forwarded.Values("Cookie"), "; "), "; ")
	forwarded.Del("Cookie")
	for k, v := range forwarded {
		headers[strings.ToLower(k)] = strings.Join(v, ",")
	}
	request := map[string]any{
		"accountId": x.scope.Account, "apiId": x.def.API.ID, "domainName": x.domainName(), "domainPrefix": x.def.API.ID,
		"http":      map[string]any{"method": x.verb, "path": x.shownPath(x.rawPath), "protocol": x.ctx.Proto, "sourceIp": x.sourceIP(), "userAgent": x.header.Get("User-Agent")},
		"requestId": x.extendedID, "routeKey": x.route.RouteKey, "stage": x.stage.StageName,
		"time": x.start.UTC().Format("02/Jan/2006:15:04:05 -0700"), "timeEpoch": x.start.UnixMilli(),
	}
	if x.ctx.TLS != nil && len(x.ctx.TLS.PeerCertificates) > 0 {
		request["authentication"] = map[string]any{"clientCert": clientCert(x.ctx.TLS.PeerCertificates[0])}
	}
	if x.auth != nil {
		request["authorizer"] = map[string]any{"lambda": x.auth.rawContext}
	}
	if c := x.caller; c != nil {
		request["authorizer"] = map[string]any{"iam": map[string]any{"accessKey": c.AccessKey, "accountId": c.Account, "callerId": c.UserID, "cognitoIdentity": nil, "principalOrgId": nil, "userArn": c.ARN, "userId": c.UserID}}
	}
	if x.jwt != nil {
		request["authorizer"] = map[string]any{"jwt": x.jwt}
	}
	ev := map[string]any{"version": "2.0", "routeKey": x.route.RouteKey, "rawPath": x.shownPath(x.rawPath), "rawQueryString": x.rawQ, "headers": headers, "requestContext": request, "isBase64Encoded": false}
	if cookies[0] != "" {
		ev["cookies"] = cookies
	}
	if len(x.query) > 0 {
		query := map[string]string{}
		for k, v := range x.query {
			query[k] = strings.Join(v, ",")
		}
		ev["queryStringParameters"] = query
	}
	if len(x.match.params) > 0 {
		ev["pathParameters"] = x.match.params
	}
	if len(x.vars) > 0 {
		ev["stageVariables"] = x.vars
	}
	if len(x.body) > 0 {
		ev["body"], ev["isBase64Encoded"] = eventBody(x.body)
	}
	return ev
}

// shownPath is a path as events have it.
func (x *httpExchange) shownPath(path string) string {
	if decoded, err := url.PathUnescape(path); err == nil && x.svc.opt.DecodeHTTPPath {
		return decoded
	}
	return path
}

func eventBody(body []byte) (string, bool) {
	if utf8.Valid(body) {
		return string(body), false
	}
	return base64.StdEncoding.EncodeToString(body), true
}

// proxyEventV1 is the version 1.0 event, which is that of REST APIs with "version".
func (x *httpExchange) proxyEventV1() map[string]any {
	_, path, ok := strings.Cut(x.route.RouteKey, " ")
	if !ok {
		path = x.route.RouteKey
	}
	x.match.resource = &resource{Path: path, ID: x.route.RouteKey}
	auth := x.auth
	x.auth = nil
	ev := x.proxyEvent()
	x.auth = auth
	ev["version"], ev["resource"], ev["path"] = "1.0", path, x.shownPath(x.rawPath)
	if x.svc.opt.HTTPPathWithoutStage {
		ev["path"] = x.shownPath(x.path)
	}
	ctx := ev["requestContext"].(map[string]any)
	if auth != nil {
		m := map[string]any{"principalId": auth.principal}
		for k, v := range auth.rawContext {
			m[k] = v
		}
		ctx["authorizer"] = m
	}
	if x.jwt != nil {
		ctx["authorizer"] = x.jwt
	}
	if len(x.body) > 0 {
		ev["body"], ev["isBase64Encoded"] = eventBody(x.body)
	}
	return ev
}

// httpProxyAnswer reads a function's answer. In format 2.0 an answer without statusCode is the body itself.
func httpProxyAnswer(payload []byte, version string) (*answer, error) {
	var out struct {
		StatusCode        *int                       `json:"statusCode"`
		Headers           map[string]json.RawMessage `json:"headers"`
		MultiValueHeaders map[string][]string        `json:"multiValueHeaders"`
		Cookies           []string                   `json:"cookies"`
		Body              *string                    `json:"body"`
		IsBase64Encoded   bool                       `json:"isBase64Encoded"`
	}
	err := json.Unmarshal(payload, &out)
	if version == "2.0" && (err != nil || out.StatusCode == nil) {
		a := &answer{status: 200, header: http.Header{"Content-Type": {"application/json"}}, body: payload}
		var text string
		if json.Unmarshal(payload, &text) == nil { // a string is sent without its quotes
			a.body = []byte(text)
		}
		return a, nil
	}
	if err != nil || out.StatusCode == nil || *out.StatusCode < 100 || *out.StatusCode > 599 {
		return nil, errors.New("malformed answer of the function")
	}
	a := &answer{status: *out.StatusCode, header: http.Header{}}
	for k, raw := range out.Headers {
		v, err := contextString(raw)
		if err != nil {
			return nil, errors.New("malformed answer of the function: header " + k)
		}
		if v != nil {
			a.header.Set(k, *v)
		}
	}
	for k, vs := range out.MultiValueHeaders {
		a.header[http.CanonicalHeaderKey(k)] = vs
	}
	for _, c := range out.Cookies {
		a.header.Add("Set-Cookie", c)
	}
	if out.Body != nil {
		a.body = []byte(*out.Body)
		if out.IsBase64Encoded {
			if a.body, err = base64.StdEncoding.DecodeString(*out.Body); err != nil {
				return nil, errors.New("malformed answer of the function: body is not base64")
			}
		}
	}
	if a.header.Get("Content-Type") == "" {
		a.header.Set("Content-Type", "text/plain;charset=utf-8")
	}
	return a, nil
}
