package apigateway

import (
	"errors"
	"net/http"
	"strings"
)

// testInvokeMethod runs one method of the edited state without authorizer, API key and throttling, as the console's Test
// tab does.
func (s *Service) testInvokeMethod(q *request) (any, error) {
	var in testRequest
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	x, err := s.testExchange(q, &in)
	if err != nil {
		return nil, notFound(badResource)
	}
	r := x.def.Resources[q.params["resource_id"]]
	if r == nil {
		return nil, notFound(badResource)
	}
	m := r.Methods[q.params["http_method"]]
	if m == nil {
		return nil, notFound(badMethod)
	}
	x.verb = m.HTTPMethod
	if x.verb == "ANY" {
		x.verb = http.MethodGet
	}
	if in.PathWithQueryString == "" { // without a path the template itself is the path, variables included
		x.path = r.Path
	}
	x.match = match{resource: r, method: m, params: templateParams(r.Path, x.path)}
	x.ctx.Method = x.verb
	x.note("Starting execution for request: %s", x.requestID)
	x.note("HTTP Method: %s, Resource Path: %s", x.verb, x.path)
	x.note("Method request path: %s", pairs(x.match.params))
	query, _ := x.eventQuery()
	x.note("Method request query string: %s", pairs(query))
	x.note("Method request headers: %s", pairs(in.Headers))
	x.note("Method request body before transformations: %s", in.Body)
	err = x.validate()
	var out *answer
	if err == nil {
		out, err = x.integrate()
	}
	if err != nil {
		var f *failure
		if errors.As(err, &f) {
			x.note("Execution failed due to configuration error: %s", f.detail)
		}
		out = x.gatewayResponse(err)
		out.header.Set("x-amzn-ErrorType", out.errorType)
	} else {
		x.note("Method response body after transformations: %s", out.body)
		x.note("Successfully completed execution")
	}
	x.note("Method completed with status: %d", out.status)
	single := map[string]string{}
	if v := out.header["X-Amzn-Errortype"]; v != nil {
		delete(out.header, "X-Amzn-Errortype")
		out.header["x-amzn-ErrorType"] = v
	}
	for k, v := range out.header {
		single[k] = lastOf(v)
	}
	return map[string]any{"status": out.status, "body": string(out.body), "headers": single, "multiValueHeaders": out.header,
		"log": x.log(), "latency": s.opt.Now().Sub(x.start).Milliseconds()}, nil
}

// pairs prints a map as the execution log does: {a=1, b=2}.
func pairs(m map[string]string) string {
	var out []string
	for _, k := range sortedKeys(m) {
		out = append(out, k+"="+m[k])
	}
	return "{" + strings.Join(out, ", ") + "}"
}

// templateParams reads the path variables of one template from one path; a path that does not fit has none.
func templateParams(template, path string) map[string]string {
	params := map[string]string{}
	ts, ps := strings.Split(strings.Trim(template, "/"), "/"), strings.Split(strings.Trim(path, "/"), "/")
	for i, t := range ts {
		if i >= len(ps) {
			return map[string]string{}
		}
		switch {
		case isGreedy(t):
			params[strings.TrimSuffix(strings.TrimPrefix(t, "{"), "+}")] = strings.Join(ps[i:], "/")
		case strings.HasPrefix(t, "{"):
			params[strings.Trim(t, "{}")] = ps[i]
		case t != ps[i]:
			return map[string]string{}
		}
	}
	return params
}
