package apigateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"portcullis/aws/local/wire"
)

// integrateSocket calls what stands behind the route of this event.
func (x *wsExchange) integrateSocket() (*answer, error) {
	in := x.frozen.Integrations[strings.TrimPrefix(x.route.Target, "integrations/")]
	if in == nil {
		return nil, errors.New("the route's integration is not part of the deployment")
	}
	switch in.IntegrationType {
	case "MOCK":
		return x.socketMock(in)
	case "HTTP_PROXY":
		return x.socketHTTP(in)
	}
	return x.socketLambda(in)
}

// socketMock answers without a backend: the status that the rendered request template names, 200 without a template.
func (x *wsExchange) socketMock(in *httpIntegration) (*answer, error) {
	out := &answer{status: http.StatusOK, header: http.Header{}, body: x.body}
	if len(in.RequestTemplates) > 0 {
		text, err := x.socketTemplate(in.RequestTemplates, in.TemplateSelection, string(x.body))
		if err != nil {
			return nil, err
		}
		var t struct {
			StatusCode json.RawMessage `json:"statusCode"`
		}
		if err := json.Unmarshal([]byte(looseJSON(text)), &t); err != nil {
			return nil, errors.New("MOCK: the rendered request template is not JSON: " + err.Error())
		}
		if out.status, err = strconv.Atoi(strings.Trim(string(t.StatusCode), `"`)); err != nil {
			return nil, errors.New("MOCK: the rendered request template has no statusCode")
		}
		out.body = []byte(text)
	}
	r, err := x.socketIntegrationResponse(in, out.status)
	if err != nil || r == nil {
		out.body = nil
		return out, err
	}
	text, err := x.socketTemplate(r.ResponseTemplates, r.TemplateSelection, string(out.body))
	out.body = []byte(text)
	return out, err
}

// socketIntegrationResponse picks the response whose key matches the status, else $default, else none.
func (x *wsExchange) socketIntegrationResponse(in *httpIntegration, status int) (*socketIntegrationResponse, error) {
	all := x.frozen.IntegrationResponses[in.IntegrationID]
	var fallback *socketIntegrationResponse
	for _, id := range sortedKeys(all) {
		r := all[id]
		if r.IntegrationResponseKey == "$default" {
			fallback = r
			continue
		}
		re, err := regexp.Compile("^(?:" + strings.Trim(r.IntegrationResponseKey, "/") + ")$")
		if err != nil {
			return nil, errors.New("integration response key " + r.IntegrationResponseKey + ": " + err.Error())
		}
		if re.MatchString(strconv.Itoa(status)) {
			return r, nil
		}
	}
	return fallback, nil
}

// socketTemplate renders the template that the selection expression names, else $default, else the only one there is.
// Without templates the body stays as it is.
func (x *wsExchange) socketTemplate(templates map[string]string, expression, body string) (string, error) {
	if len(templates) == 0 {
		return body, nil
	}
	key := strings.TrimPrefix(expression, `\`)
	if strings.Contains(key, "$request.body.") || strings.Contains(key, "${request.body.") {
		key = selectRoute(expression, x.body)
	}
	t, ok := templates[key]
	if !ok {
		t, ok = templates["$default"]
	}
	if !ok && len(templates) == 1 {
		t, ok = templates[sortedKeys(templates)[0]], true
	}
	if !ok {
		return "", errors.New("no template is called " + strconv.Quote(key))
	}
	return x.render(t, body, nil)
}

// socketLambda calls a function with the whole event.
func (x *wsExchange) socketLambda(in *httpIntegration) (*answer, error) {
	fn, ok := functionARN(x.substituteVariables(in.IntegrationURI))
	if !ok {
		return nil, errors.New("the integration's URI names no function: " + in.IntegrationURI)
	}
	payload, err := json.Marshal(x.socketProxyEvent())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(x.ctx.Context(), time.Duration(in.TimeoutInMillis)*time.Millisecond)
	defer cancel()
	res, err := x.svc.opt.Invoke(ctx, wire.Invocation{Function: fn, Principal: "apigateway.amazonaws.com", Payload: payload, SourceAccount: x.scope.Account, SourceARN: x.routeARN(), Role: in.CredentialsARN})
	if err != nil {
		if ctx.Err() != nil {
			return nil, httpFailure(http.StatusGatewayTimeout, "Endpoint request timed out", "calling "+fn+": "+err.Error())
		}
		return nil, errors.New("calling " + fn + ": " + err.Error())
	}
	malformed := func(detail string) error {
		return httpFailure(http.StatusBadGateway, "Internal server error", detail)
	}
	if res.FunctionError != "" {
		return nil, malformed("the function failed: " + cut(res.Payload))
	}
	if x.event == "DISCONNECT" {
		return &answer{status: http.StatusOK, header: http.Header{}}, nil // what it answers reaches nobody
	}
	var out struct {
		StatusCode      *int              `json:"statusCode"`
		Headers         map[string]string `json:"headers"`
		Body            *string           `json:"body"`
		IsBase64Encoded bool              `json:"isBase64Encoded"`
	}
	if err := json.Unmarshal(res.Payload, &out); err != nil || out.StatusCode == nil || *out.StatusCode < 100 || *out.StatusCode > 599 {
		return nil, malformed("malformed Lambda proxy response: " + cut(res.Payload))
	}
	a := &answer{status: *out.StatusCode, header: http.Header{}}
	for k, v := range out.Headers {
		a.header.Set(k, v)
	}
	if out.Body != nil {
		a.body = []byte(*out.Body)
		if out.IsBase64Encoded {
			if a.body, err = base64.StdEncoding.DecodeString(*out.Body); err != nil {
				return nil, malformed("malformed Lambda proxy response: body is not base64")
			}
		}
	}
	return a, nil
}

// socketHTTP sends the message, or at $connect the handshake's headers and query, to an endpoint.
func (x *wsExchange) socketHTTP(in *httpIntegration) (*answer, error) {
	rest := &integration{URI: in.IntegrationURI, HTTPMethod: in.IntegrationMethod, TimeoutInMillis: in.TimeoutInMillis, RequestParameters: map[string]string{}}
	for to, from := range in.RequestParameters {
		rest.RequestParameters[to] = socketSourceName(from)
	}
	m := x.mapRequest(rest)
	header := http.Header{}
	if x.event == "CONNECT" {
		header = x.forwardedHeaders()
		for k := range header {
			if k == "Host" || k == "Content-Length" || strings.HasPrefix(k, "Sec-Websocket-") {
				header.Del(k)
			}
		}
	}
	if len(x.body) > 0 {
		header.Set("Content-Type", "application/json")
	}
	query := map[string][]string{}
	for k, v := range x.query {
		query[k] = v
	}
	for k, v := range m.query {
		query[k] = v
	}
	for k, v := range m.header {
		header[k] = v
	}
	b, err := x.callHTTP(rest, m, header, query, string(x.body))
	if err != nil {
		return nil, err
	}
	return &answer{status: b.status, header: b.header, body: b.body}, nil
}

// routeResponse is what goes back over the connection: nothing, unless the route is two-way.
// Source: Developer Guide, "Set up a route response for a WebSocket API".
func (x *wsExchange) routeResponse(got *answer) ([]byte, error) {
	if x.route.RouteResponseSelection == "" {
		return nil, nil
	}
	for _, r := range x.frozen.RouteResponses[x.route.RouteID] {
		if r.RouteResponseKey != "$default" {
			continue
		}
		if len(got.body) > maxMessage {
			return nil, errors.New("the answer is above 128 KB")
		}
		return got.body, nil
	}
	return nil, nil
}
