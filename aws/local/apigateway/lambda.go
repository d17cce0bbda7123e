package apigateway

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// lambdaProxy hands the whole request to a function and takes its status, headers and body.
// Source: Developer Guide, "Lambda proxy integrations in API Gateway".
func (x *exchange) lambdaProxy(in *integration) (*answer, error) {
	payload, err := json.Marshal(x.proxyEvent())
	if err != nil {
		return nil, internalError(500, "encoding the event: "+err.Error())
	}
	res, err := x.invokeFunction(in, payload)
	if err != nil {
		return nil, err
	}
	malformed := func(detail string) error { return internalError(http.StatusBadGateway, detail) }
	if res.FunctionError != "" {
		return nil, malformed("Lambda execution failed: " + cut(res.Payload))
	}
	var out struct {
		StatusCode        json.RawMessage            `json:"statusCode"`
		Headers           map[string]json.RawMessage `json:"headers"`
		MultiValueHeaders map[string][]any           `json:"multiValueHeaders"`
		Body              json.RawMessage            `json:"body"`
		IsBase64Encoded   bool                       `json:"isBase64Encoded"`
	}
	d := json.NewDecoder(strings.NewReader(string(res.Payload)))
	if err := d.Decode(&out); err != nil {
		return nil, malformed("malformed Lambda proxy response: " + err.Error())
	}
	status := http.StatusOK
	if len(out.StatusCode) > 0 {
		if _, err := fmt.Sscanf(strings.Trim(string(out.StatusCode), `"`), "%d", &status); err != nil || status < 100 || status > 599 {
			return nil, malformed("malformed Lambda proxy response: statusCode " + string(out.StatusCode))
		}
	} else if string(res.Payload) == "null" {
		return nil, malformed("malformed Lambda proxy response: null")
	}
	a := &answer{status: status, header: http.Header{}}
	for k, raw := range out.Headers {
		v, err := contextString(raw)
		if err != nil {
			return nil, malformed("malformed Lambda proxy response: header " + k)
		}
		if v != nil {
			a.header.Set(k, *v)
		}
	}
	for k, vs := range out.MultiValueHeaders {
		a.header.Del(k)
		for _, v := range vs {
			a.header.Add(k, fmt.Sprint(v))
		}
	}
	if len(out.Body) > 0 && string(out.Body) != "null" {
		var body string
		if json.Unmarshal(out.Body, &body) != nil {
			return nil, malformed("malformed Lambda proxy response: body is not a string")
		}
		a.body = []byte(body)
	}
	if out.IsBase64Encoded && x.binaryAccepted() {
		raw, err := base64.StdEncoding.DecodeString(string(a.body))
		if err != nil {
			return nil, malformed("malformed Lambda proxy response: body is not base64")
		}
		a.body = raw
	}
	if a.header.Get("Content-Type") == "" {
		a.header.Set("Content-Type", "application/json")
	}
	a.header.Set("X-Amzn-Trace-Id", x.forwardedHeaders().Get("X-Amzn-Trace-Id"))
	return a, nil
}

// binaryAccepted reports whether the API treats what the caller accepts as binary.
func (x *exchange) binaryAccepted() bool {
	accept, _, _ := strings.Cut(x.header.Get("Accept"), ",")
	accept, _, _ = strings.Cut(strings.TrimSpace(accept), ";")
	return x.isBinary(accept)
}

func (x *exchange) isBinary(mediaType string) bool {
	for _, t := range x.def.API.BinaryMediaTypes {
		if t == "*/*" || mediaType != "" && wildcard(t, mediaType) {
			return true
		}
	}
	return false
}

// proxyEvent is the version 1.0 event of a proxy integration. Empty maps are null here.
func (x *exchange) proxyEvent() map[string]any {
	headers, multi := x.eventHeaders()
	query, multiQuery := x.eventQuery()
	ev := map[string]any{
		"resource": x.match.resource.Path, "path": x.eventPath(), "httpMethod": x.verb,
		"headers": headers, "multiValueHeaders": multi,
		"queryStringParameters": nil, "multiValueQueryStringParameters": nil, "pathParameters": nil, "stageVariables": nil,
		"requestContext": x.requestContext(), "body": nil, "isBase64Encoded": false,
	}
	if len(query) > 0 {
		ev["queryStringParameters"], ev["multiValueQueryStringParameters"] = query, multiQuery
	}
	if len(x.match.params) > 0 {
		ev["pathParameters"] = x.match.params
	}
	if len(x.vars) > 0 {
		ev["stageVariables"] = x.vars
	}
	if len(x.body) > 0 {
		if x.isBinary(x.contentType()) || !utf8.Valid(x.body) {
			ev["body"], ev["isBase64Encoded"] = base64.StdEncoding.EncodeToString(x.body), true
		} else {
			ev["body"] = string(x.body)
		}
	}
	if x.claims != nil {
		ev["requestContext"].(map[string]any)["authorizer"] = map[string]any{"claims": x.claims}
	}
	if x.auth != nil {
		ctx := map[string]any{}
		for k, v := range x.auth.context {
			ctx[k] = nil
			if v != nil {
				ctx[k] = *v
			}
		}
		ctx["principalId"], ctx["integrationLatency"] = x.auth.principal, x.authMS
		ev["requestContext"].(map[string]any)["authorizer"] = ctx
	}
	return ev
}

// lambdaCustom calls a function with the rendered request template; its error message selects the response.
func (x *exchange) lambdaCustom(in *integration) (*answer, error) {
	body, err := x.requestBody(in)
	if err != nil {
		return nil, err
	}
	if body == "" {
		body = "{}"
	}
	if !json.Valid([]byte(body)) {
		return nil, internalError(500, "the rendered request template is not JSON")
	}
	res, err := x.invokeFunction(in, []byte(body))
	if err != nil {
		return nil, err
	}
	b := &backend{status: 200, header: http.Header{"Content-Type": {"application/json"}}, body: res.Payload}
	if res.FunctionError != "" {
		var e struct {
			Message string `json:"errorMessage"`
		}
		json.Unmarshal(res.Payload, &e) // what does not parse has no message and selects the default
		b.selector = e.Message
	}
	return x.mapResponse(in, b)
}
