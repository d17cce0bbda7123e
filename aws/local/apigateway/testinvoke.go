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
	if in.PathWithQueryString == "" {
		x.path = r.Path
	}
	x.match = match{resource: r, method: m, params: templateParams(r.Path, x.path)}
	x.ctx.Method = x.verb
	err = x.validate()
	var out *answer
	if err == nil {
		out, err = x.integrate()
	}
	if err != nil {
		var f *failure
		if errors.As(err, &f) {
			x.note("Execution failed: %s", f.detail)
		}
		out = x.gatewayResponse(err)
	}
	x.note("Method completed with status: %d", out.status)
	single := map[string]string{}
	for k, v := range out.header {
		single[k] = lastOf(v)
	}
	return map[string]any{"status": out.status, "body": string(out.body), "headers": single, "multiValueHeaders": out.header,
		"log": x.log(), "latency": s.opt.Now().Sub(x.start).Milliseconds()}, nil
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
