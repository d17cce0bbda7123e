package policy

import (
	"maps"
	"net/textproto"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// regoInput builds the input document of Rego policies:
//
//	{"authn_ctx": {…}, "contexts": {…}, "scopes": {…}, "request": {"method", "path", "headers", "path_params", "query_params", "body", …}}
//
// "scopes" is contexts.scopes again, for older samples. Header values are lists. A header is present under its
// canonical name (X-Request-Id) and under every other spelling of it that the policy writes, so a policy that asks for
// "x-request-id" or "X-Custom-User-IP" finds it. Parts that the policy cannot read are left out.
func regoInput(in *Input, r *Reads, spellings []string) ast.Value {
	top := make([][2]*ast.Term, 0, 4)
	top = append(top, member("authn_ctx", regoClaims(in.AuthnCtx, r)))
	if r.All || len(r.Contexts) > 0 || r.AllContexts {
		top = append(top, member("contexts", regoValue(in.Contexts)))
		if scopes, ok := in.Contexts["scopes"]; ok {
			top = append(top, member("scopes", regoValue(scopes)))
		}
	}
	return ast.NewObject(append(top, member("request", regoRequest(&in.Request, r, spellings)))...)
}

func member(name string, v ast.Value) [2]*ast.Term {
	return [2]*ast.Term{ast.InternedTerm(name), ast.NewTerm(v)}
}

func regoClaims(claims map[string]any, r *Reads) ast.Value {
	if r.All || r.AllClaims {
		return regoValue(claims)
	}
	members := make([][2]*ast.Term, 0, len(r.Claims))
	for _, name := range r.Claims {
		if x, ok := claims[name]; ok {
			members = append(members, member(name, regoValue(x)))
		}
	}
	return ast.NewObject(members...)
}

func regoRequest(req *Request, r *Reads, spellings []string) ast.Value {
	members := make([][2]*ast.Term, 0, 8)
	if r.All || r.Method || r.Path || r.Body {
		members = append(members,
			member("method", ast.String(req.Method)),
			member("path", ast.String(req.Path)),
			member("body", ast.String(req.Body)))
	}
	if r.All || r.AllHeaders || len(r.Headers) > 0 {
		members = append(members, member("headers", regoHeaders(req.Headers, spellings)))
	}
	if r.All || r.AllPathParams || len(r.PathParams) > 0 {
		members = append(members, member("path_params", regoTexts(req.PathParams)))
	}
	if r.All || r.AllQueryParams || len(r.QueryParams) > 0 {
		q := make([][2]*ast.Term, 0, len(req.QueryParams))
		for k, vs := range req.QueryParams {
			q = append(q, member(k, regoList(vs)))
		}
		members = append(members, member("query_params", ast.NewObject(q...)))
	}
	if !r.All && !r.MTLS && !r.SourceIP && !r.API {
		return ast.NewObject(members...)
	}
	if req.MTLS != nil {
		members = append(members, member("mtls", regoValue(req.MTLS)))
	}
	for _, m := range [...]struct{ name, value string }{{"source_ip", req.SourceIP}, {"service", req.Service}, {"template", req.Template}} {
		if m.value != "" {
			members = append(members, member(m.name, ast.String(m.value)))
		}
	}
	if len(req.Tags) > 0 {
		members = append(members, member("tags", regoTexts(req.Tags)))
	}
	return ast.NewObject(members...)
}

func regoTexts(m map[string]string) ast.Value {
	members := make([][2]*ast.Term, 0, len(m))
	for k, v := range m {
		members = append(members, member(k, ast.String(v)))
	}
	return ast.NewObject(members...)
}

func regoList(vs []string) ast.Value {
	terms := make([]*ast.Term, len(vs))
	for i, v := range vs {
		terms[i] = ast.StringTerm(v)
	}
	return ast.NewArray(terms...)
}

func regoHeaders(headers map[string][]string, spellings []string) ast.Value {
	merged := make(map[string][]string, len(headers)+len(spellings))
	joined := false
	for k, vs := range headers {
		name := textproto.CanonicalMIMEHeaderKey(k)
		joined = joined || merged[name] != nil
		merged[name] = vs
	}
	if joined { // in the order of their spellings, so that the same request always looks the same
		clear(merged)
		for _, k := range slices.Sorted(maps.Keys(headers)) {
			name := textproto.CanonicalMIMEHeaderKey(k)
			merged[name] = append(merged[name][:len(merged[name]):len(merged[name])], headers[k]...)
		}
	}
	members := make([][2]*ast.Term, 0, len(merged)+len(spellings))
	for name, vs := range merged {
		list := ast.NewTerm(regoList(vs))
		members = append(members, [2]*ast.Term{ast.InternedTerm(name), list})
		for _, s := range spellings {
			if s != name && len(s) == len(name) && strings.EqualFold(s, name) {
				members = append(members, [2]*ast.Term{ast.InternedTerm(s), list})
			}
		}
	}
	return ast.NewObject(members...)
}

// regoValue converts what a JSON decoder made. Anything else, which no decoder makes, becomes null: a policy that
// reads it then does not find what it asks for.
func regoValue(x any) ast.Value {
	switch x := x.(type) {
	case string:
		return ast.String(x)
	case map[string]any:
		members := make([][2]*ast.Term, 0, len(x))
		for k, v := range x {
			members = append(members, member(k, regoValue(v)))
		}
		return ast.NewObject(members...)
	case []any:
		terms := make([]*ast.Term, len(x))
		for i, v := range x {
			terms[i] = ast.NewTerm(regoValue(v))
		}
		return ast.NewArray(terms...)
	case []string:
		return regoList(x)
	}
	v, err := ast.InterfaceToValue(x)
	if err != nil {
		return ast.NullValue
	}
	return v
}

// regoReads finds what a compiled module can read of the input, never less than it does: every reference below input
// counts up to its first part that is not a constant, whether or not it is ever evaluated. spellings are the texts of
// the module that could be names of headers in another than their canonical spelling.
func regoReads(m *ast.Module) (r Reads, spellings []string) {
	vis := ast.NewGenericVisitor(nil)
	visit := func(x any) bool {
		switch x := x.(type) {
		case *ast.Term:
			switch v := x.Value.(type) {
			case ast.Var:
				if v.Equal(ast.InputRootDocument.Value) {
					r.All = true
				}
			case ast.String:
				if s := string(v); len(s) <= 64 && headerName(s) && textproto.CanonicalMIMEHeaderKey(s) != s && !slices.Contains(spellings, s) {
					spellings = append(spellings, s)
				}
			case ast.Ref:
				if len(v) > 0 && v[0].Equal(ast.InputRootDocument) {
					r.addRegoRef(v[1:])
				} else if slices.Contains(regoTimed, v.String()) {
					r.Time = true
				}
				for i, part := range v {
					if i > 0 || !part.Equal(ast.InputRootDocument) {
						vis.Walk(part)
					}
				}
				return true
			}
		}
		return false
	}
	vis = ast.NewGenericVisitor(visit)
	for _, rule := range m.Rules {
		vis.Walk(rule)
	}
	slices.Sort(spellings)
	r.normalise()
	return r, spellings
}

// addRegoRef adds input.<path>.
func (r *Reads) addRegoRef(path ast.Ref) {
	name := func(i int) (string, bool) {
		if i >= len(path) {
			return "", false
		}
		s, ok := path[i].Value.(ast.String)
		return string(s), ok
	}
	first, ok := name(0)
	if !ok {
		r.All = true
		return
	}
	second, ok := name(1)
	switch first {
	case "authn_ctx":
		r.addClaim(second, ok)
	case "contexts":
		r.addContext(second, ok)
	case "scopes":
		r.addContext("scopes", true)
	case "request":
		third, named := name(2)
		r.addRequest(second, ok, third, named)
	}
}
