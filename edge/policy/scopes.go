package policy

import (
	"errors"
	"fmt"
	"strings"

	"portcullis/edge/waist"
)

// scopesStep compares granted scopes. "field" is the name of a scope of the workspace: for a plain one the only
// comparators are present and absent; a dynamic one ("users.*") is the list of the parameters it was granted with, so
// {"field":"users.*","comparator":"contains","value":"$request.pathParams.userId"} asks for users.joe where the path
// says joe. A trailing [n] picks the n-th parameter of scopes that have several; [0] is the default.
type scopesStep struct{ rows []scopeRow }

type scopeRow struct {
	scope   string
	dynamic bool
	param   int
	comparison
}

func compileScopes(v *waist.Validator, at string, ps *problems) step {
	rows := decodeRows(v, at, ps)
	if rows == nil {
		return nil
	}
	s := &scopesStep{rows: make([]scopeRow, 0, len(rows))}
	ok := true
	for i, row := range rows {
		path := fmt.Sprintf("%s.conf.fields[%d]", at, i)
		r, err := parseScopeField(row.Field)
		if err != nil {
			ps.add(path+".field", "%v", err)
			ok = false
		}
		op, right, good := compileRight(row, path, ps)
		ok = ok && good
		if good && !r.dynamic && op != cmpPresent && op != cmpAbsent {
			ps.add(path+".comparator", `the scope %q is not dynamic (its name does not end in "*") and has no parameters; use present or absent`, row.Field)
			ok = false
		}
		r.comparison = comparison{op: op, name: row.Comparator, right: right, field: field{src: row.Field}}
		s.rows = append(s.rows, r)
	}
	if !ok {
		return nil
	}
	return s
}

func parseScopeField(src string) (scopeRow, error) {
	r := scopeRow{scope: src}
	if i := strings.LastIndexByte(src, '['); i > 0 && strings.HasSuffix(src, "]") {
		seg, n, err := bracket(src, i)
		if err != nil {
			return r, err
		}
		if seg.elem && i+n == len(src) {
			r.scope, r.param = src[:i], seg.index
		}
	}
	if r.scope == "" || strings.ContainsAny(r.scope, " \t\r\n\"\\") {
		return r, fmt.Errorf("%q is not the name of a scope", src)
	}
	switch stars := strings.Count(r.scope, "*"); {
	case stars == 1 && strings.HasSuffix(r.scope, "*") && len(r.scope) > 1:
		r.dynamic = true
	case stars > 0:
		return r, errors.New(`a dynamic scope ends in its separator and one "*", e.g. users.*`)
	case r.scope != src:
		return r, fmt.Errorf("the scope %q is not dynamic and has no parameters", r.scope)
	}
	return r, nil
}

func (s *scopesStep) eval(e *env) outcome {
	result := yes
	for i := range s.rows {
		switch s.rows[i].eval(e) {
		case no:
			return no
		case unknown:
			result = unknown
		}
	}
	return result
}

func (r *scopeRow) eval(e *env) outcome {
	if !r.dynamic {
		return outcomeOf(grantedScope(e.in, r.scope) == (r.op == cmpPresent))
	}
	params := dynamicParams(e.in, r.scope, r.param)
	v := value{}
	if len(params) > 0 {
		v = value{kind: kindList, texts: params}
	}
	return compare(e, &v, r.op, &r.right)
}

// grantedScope reports whether the token carries the scope: as a key of contexts.scopes, in the list "scp", or in the
// space-separated "scope" (RFC 8693 section 4.2).
func grantedScope(in *Input, name string) bool {
	if scopes, ok := in.Contexts["scopes"].(map[string]any); ok {
		if v := valueOf(scopes[name]); v.kind != kindAbsent && (v.kind != kindList || v.size() > 0) {
			return true
		}
	}
	found := false
	eachScope(in.AuthnCtx, func(s string) bool {
		found = s == name
		return !found
	})
	return found
}

// eachScope calls f for every scope of the token until f returns false.
func eachScope(claims map[string]any, f func(string) bool) {
	for _, name := range [...]string{"scp", "scope"} {
		v := valueOf(claims[name])
		for i := range v.size() {
			item := v.at(i)
			if item.kind != kindText {
				continue
			}
			for s := range strings.FieldsSeq(item.s) {
				if !f(s) {
					return
				}
			}
		}
	}
}

// dynamicParams is the list of parameters that the dynamic scope was granted with. Only contexts.scopes says so: whether
// users.joe is a grant of users.* or a scope of its own is for the workspace to know.
func dynamicParams(in *Input, scope string, param int) []string {
	scopes, _ := in.Contexts["scopes"].(map[string]any)
	grants := valueOf(scopes[scope])
	var out []string
	for _, g := range grants.list {
		grant, ok := g.(map[string]any)
		if !ok {
			continue
		}
		params := valueOf(grant["params"])
		if param < params.size() {
			if p := params.at(param); p.kind == kindText {
				out = append(out, p.s)
			}
		}
	}
	return out
}

func (s *scopesStep) constant() (outcome, bool) { return unknown, false }

func (s *scopesStep) trace(e *env, at string) Step {
	out := Step{Path: at, Outcome: shown(s.eval(e))}
	for i := range s.rows {
		r := &s.rows[i]
		row := Step{Path: fmt.Sprintf("%s.conf.fields[%d]", at, i), Outcome: shown(r.eval(e))}
		b := fmt.Appendf(nil, "scope %s %s", r.field.src, r.name)
		if r.op != cmpPresent && r.op != cmpAbsent {
			b = append(b, ' ')
			b = r.right.appendSource(b)
		}
		b = append(append(b, ' '), row.Outcome.verb()...)
		b = append(b, ": the token's scopes are ["...)
		first := true
		eachScope(e.in.AuthnCtx, func(s string) bool {
			if !first {
				b = append(b, ' ')
			}
			first = false
			b = append(b, clip(s)...)
			return len(b) < maxShown*8
		})
		row.Message = string(append(b, ']'))
		out.Steps = append(out.Steps, row)
	}
	out.inner = out.Steps
	return out
}

// ScopesContext makes contexts.scopes from the scopes of a token and those of the workspace: every granted plain
// scope with an empty list of parameters, every dynamic one with what stands in place of its "*":
//
//	{"users.*": [{"params": ["joe"], "requested_name": "users.joe"}], "pets.read": [{"params": [], "requested_name": "pets.read"}]}
//
// separator is the workspace's dynamic_scope_separator; empty means ".".
func ScopesContext(granted []string, known []waist.Scope, separator string) map[string]any {
	if separator == "" {
		separator = "."
	}
	out := make(map[string]any, len(granted))
	add := func(name, requested string, params []any) {
		list, _ := out[name].([]any)
		out[name] = append(list, map[string]any{"params": params, "requested_name": requested})
	}
	dynamic := make([]string, 0, 8)
	for i := range known {
		if name := known[i].Name; strings.HasSuffix(name, separator+"*") {
			dynamic = append(dynamic, name)
		}
	}
	for _, g := range granted {
		add(g, g, []any{})
		for _, name := range dynamic {
			if rest, ok := strings.CutPrefix(g, name[:len(name)-1]); ok && rest != "" && g != name {
				add(name, g, []any{rest})
			}
		}
	}
	return out
}
