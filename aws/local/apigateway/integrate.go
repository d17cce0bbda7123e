package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"portcullis/aws/local/wire"
)

// integrate calls what stands behind the method and shapes its answer.
func (x *exchange) integrate() (*answer, error) {
	in := x.match.method.MethodIntegration
	if in == nil {
		return nil, internalError(500, "the method has no integration")
	}
	switch in.Type {
	case "MOCK":
		return x.mock(in)
	case "HTTP_PROXY":
		return x.httpProxy(in)
	case "HTTP":
		return x.httpCustom(in)
	case "AWS_PROXY":
		return x.lambdaProxy(in)
	case "AWS":
		return x.lambdaCustom(in)
	}
	return nil, internalError(500, "integration type "+in.Type)
}

// backend is an integration's answer before it is mapped.
type backend struct {
	status   int
	header   http.Header
	body     []byte
	selector string // what selection patterns are matched against
}

// requestBody applies the request template for the content type, or passes the body on as the pass-through behaviour says.
func (x *exchange) requestBody(in *integration) (string, error) {
	t, ok := in.RequestTemplates[x.contentType()]
	if !ok {
		t, ok = in.RequestTemplates["$default"]
	}
	if ok {
		out, err := x.render(t, string(x.body), nil)
		if err != nil {
			return "", internalError(500, "request template: "+err.Error())
		}
		return out, nil
	}
	if in.PassthroughBehavior == "NEVER" || in.PassthroughBehavior == "WHEN_NO_TEMPLATES" && len(in.RequestTemplates) > 0 {
		return "", fail("UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type", "no request template for "+x.contentType())
	}
	return string(x.body), nil
}

// mock answers without a backend: the rendered request template must be JSON with a statusCode.
func (x *exchange) mock(in *integration) (*answer, error) {
	body, err := x.requestBody(in)
	if err != nil {
		return nil, err
	}
	var t struct {
		StatusCode json.RawMessage `json:"statusCode"`
	}
	if err := json.Unmarshal([]byte(looseJSON(body)), &t); err != nil {
		return nil, internalError(500, "MOCK: the rendered request template is not JSON: "+err.Error())
	}
	code := strings.Trim(string(t.StatusCode), `"`)
	n, err := strconv.Atoi(code)
	if err != nil {
		return nil, internalError(500, "MOCK: the rendered request template has no statusCode")
	}
	return x.mapResponse(in, &backend{status: n, header: http.Header{}, body: []byte(body), selector: code})
}

var bareKey = regexp.MustCompile(`([{,]\s*)([A-Za-z_][A-Za-z0-9_]*)(\s*:)`)

// looseJSON quotes bare member names: API Gateway takes {statusCode: 200}, and the console writes it so.
func looseJSON(s string) string {
	if json.Valid([]byte(s)) {
		return s
	}
	return bareKey.ReplaceAllString(s, `$1"$2"$3`)
}

// mapResponse picks the integration response whose pattern matches, else the default one, and applies it.
func (x *exchange) mapResponse(in *integration, b *backend) (*answer, error) {
	ir, err := selectResponse(in, b.selector)
	if err != nil {
		return nil, err
	}
	status, err := strconv.Atoi(ir.StatusCode)
	if err != nil {
		return nil, internalError(500, "integration response status "+ir.StatusCode)
	}
	out := &answer{status: status, header: http.Header{}}
	x.status = status
	contentType, template, has := "application/json", "", false
	if len(ir.ResponseTemplates) > 0 {
		contentType, template = pickTemplate(ir.ResponseTemplates, x.header.Get("Accept"))
		has = true
	}
	out.body = b.body
	var overrides *renderOverrides
	if has {
		overrides = &renderOverrides{header: map[string]string{}}
		text, err := x.render(template, string(b.body), overrides)
		if err != nil {
			return nil, internalError(500, "response template: "+err.Error())
		}
		out.body = []byte(text)
	} else if in.Type == "MOCK" {
		out.body = nil
	} else if ct := b.header.Get("Content-Type"); ct != "" {
		contentType = ct
	}
	out.header.Set("Content-Type", contentType)
	for to, from := range ir.ResponseParameters {
		name, ok := strings.CutPrefix(to, "method.response.header.")
		if !ok {
			continue
		}
		if v, ok := x.responseValue(from, b); ok {
			out.header.Set(name, v)
		}
	}
	if overrides != nil {
		for k, v := range overrides.header {
			out.header.Set(k, v)
		}
		if overrides.status != 0 {
			out.status = overrides.status
		}
	}
	return out, nil
}

// selectResponse matches the whole selector against each pattern; the response without a pattern is the default.
func selectResponse(in *integration, selector string) (*integrationResponse, error) {
	var def *integrationResponse
	for _, code := range sortedKeys(in.IntegrationResponses) {
		ir := in.IntegrationResponses[code]
		if ir.SelectionPattern == "" {
			if def == nil {
				def = ir
			}
			continue
		}
		re, err := regexp.Compile("(?s)^(?:" + ir.SelectionPattern + ")$")
		if err != nil {
			return nil, internalError(500, "selection pattern "+ir.SelectionPattern+": "+err.Error())
		}
		if re.MatchString(selector) {
			return ir, nil
		}
	}
	if in.Type == "MOCK" { // a mock's status also selects the response of that number
		if ir := in.IntegrationResponses[selector]; ir != nil {
			return ir, nil
		}
	}
	if def == nil {
		return nil, internalError(500, "no integration response matches "+strconv.Quote(selector)+" and there is no default")
	}
	return def, nil
}

// responseValue is the value of a response parameter.
func (x *exchange) responseValue(from string, b *backend) (string, bool) {
	if lit, ok := literal(from); ok {
		return lit, true
	}
	if name, ok := strings.CutPrefix(from, "integration.response.header."); ok {
		v := b.header.Values(name)
		return lastOf(v), len(v) > 0
	}
	if name, ok := strings.CutPrefix(from, "integration.response.multivalueheader."); ok {
		v := b.header.Values(name)
		return strings.Join(v, ","), len(v) > 0
	}
	if path, ok := strings.CutPrefix(from, "integration.response.body"); ok {
		return bodyValue(b.body, path)
	}
	v := x.source(from)
	return v, v != ""
}

// bodyValue reads ".a.b" from a JSON body; "" is the whole body.
func bodyValue(body []byte, path string) (string, bool) {
	if path == "" {
		return string(body), len(body) > 0
	}
	var doc any
	if json.Unmarshal(body, &doc) != nil {
		return "", false
	}
	v, err := jsonPath(doc, "$"+path)
	if err != nil || v == nil {
		return "", false
	}
	if s, ok := v.(string); ok {
		return s, true
	}
	b, _ := json.Marshal(v)
	return string(b), true
}

// mappedRequest are the values that requestParameters give to the integration.
type mappedRequest struct {
	header http.Header
	query  map[string][]string
	path   map[string]string
}

func (x *exchange) mapRequest(in *integration) mappedRequest {
	m := mappedRequest{header: http.Header{}, query: map[string][]string{}, path: map[string]string{}}
	for to, from := range in.RequestParameters {
		var values []string
		switch {
		case strings.HasPrefix(from, "method.request.multivalueheader."):
			values = x.headerValues(strings.TrimPrefix(from, "method.request.multivalueheader."))
		case strings.HasPrefix(from, "method.request.multivaluequerystring."):
			values = x.query[strings.TrimPrefix(from, "method.request.multivaluequerystring.")]
		case strings.HasPrefix(from, "method.request.body"):
			if v, ok := bodyValue(x.body, strings.TrimPrefix(from, "method.request.body")); ok {
				values = []string{v}
			}
		default:
			if lit, ok := literal(from); ok {
				values = []string{lit}
			} else if v := x.source(from); v != "" {
				values = []string{v}
			}
		}
		if len(values) == 0 {
			continue
		}
		kind, name, _ := strings.Cut(strings.TrimPrefix(to, "integration.request."), ".")
		switch kind {
		case "header":
			m.header[http.CanonicalHeaderKey(name)] = values
		case "querystring":
			m.query[name] = values
		case "path":
			m.path[name] = values[0]
		}
	}
	return m
}

// invokeFunction calls the integration's function for this request.
func (x *exchange) invokeFunction(in *integration, payload []byte) (wire.InvokeResult, error) {
	uri := x.substituteVariables(in.URI)
	fn, ok := functionARN(uri)
	if !ok {
		return wire.InvokeResult{}, internalError(500, "the integration's URI names no Lambda function: "+uri)
	}
	if in.HTTPMethod != http.MethodPost { // a Lambda function takes POST only, and the service does not correct it
		return wire.InvokeResult{}, spaced("INTEGRATION_FAILURE", 500, "Internal server error", "the integration's httpMethod is "+in.HTTPMethod+", Lambda needs POST")
	}
	ctx, cancel := context.WithTimeout(x.ctx.Context(), time.Duration(in.TimeoutInMillis)*time.Millisecond)
	defer cancel()
	inv := wire.Invocation{Function: fn, Principal: "apigateway.amazonaws.com", Payload: payload, SourceAccount: x.scope.Account, Role: in.Credentials,
		SourceARN: x.executeARN() + "/" + x.stage.StageName + "/" + x.match.method.HTTPMethod + x.match.resource.Path}
	if x.match.method.HTTPMethod == "ANY" {
		inv.SourceARN = x.executeARN() + "/" + x.stage.StageName + "/" + x.verb + x.match.resource.Path
	}
	if name := x.header.Get("X-Amz-Invocation-Type"); in.RequestParameters["integration.request.header.X-Amz-Invocation-Type"] == "'Event'" || name == "Event" && in.Type == "AWS" {
		inv.Async = true
	}
	res, err := x.svc.opt.Invoke(ctx, inv)
	switch {
	case err == nil:
		return res, nil
	case errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
		return res, spaced("INTEGRATION_TIMEOUT", 504, "Endpoint request timed out", "calling "+fn+": "+err.Error())
	}
	return res, internalError(500, "calling "+fn+": "+err.Error())
}
