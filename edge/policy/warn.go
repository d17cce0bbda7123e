package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	cedarast "github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/open-policy-agent/opa/v1/ast"
)

// warner finds what a policy reads and no input will have: a claim that no token carries, a path parameter that the
// template lacks, a misspelt member of the input document. These are warnings: tomorrow's tokens may carry the claim.
type warner struct {
	ps   *problems
	opts *CheckOptions
	seen map[string]bool
}

func (w *warner) warn(at Problem, format string, args ...any) {
	at.Message, at.Warning = fmt.Sprintf(format, args...), true
	if !w.seen[at.Message] {
		w.seen[at.Message] = true
		w.ps.list = append(w.ps.list, at)
	}
}

// reads warns about one part of a visual policy.
func (w *warner) reads(path string, r Reads) { w.parts(Problem{Path: path}, r.Claims, r.PathParams) }

func (w *warner) parts(at Problem, claims, params []string) {
	for _, c := range claims {
		if w.opts.Claims != nil && !slices.Contains(w.opts.Claims, c) {
			w.warn(at, "no token of this workspace has carried the claim %q so far", c)
		}
	}
	for _, name := range params {
		if w.opts.Template != "" && !strings.Contains(w.opts.Template, "{"+name+"}") && !strings.Contains(w.opts.Template, "{"+name+"+}") {
			w.warn(at, "the path %s has no parameter %q", w.opts.Template, name)
		}
	}
}

// eachRead calls f with what every row of the steps reads.
func eachRead(steps []namedStep, path string, f func(path string, r Reads)) {
	row := func(at string, c *comparison, left bool) {
		var l, r Reads
		if left {
			c.field.reads(&l)
			f(at+".field", l)
		}
		c.right.reads(&r)
		f(at+".value", r)
	}
	for i := range steps {
		at := fmt.Sprintf("%s[%d].conf", path, i)
		switch s := steps[i].step.(type) {
		case *fieldsStep:
			for j := range s.rows {
				row(fmt.Sprintf("%s.fields[%d]", at, j), &s.rows[j], true)
			}
		case *scopesStep:
			for j := range s.rows {
				row(fmt.Sprintf("%s.fields[%d]", at, j), &s.rows[j].comparison, false)
			}
		case *group:
			eachRead(s.steps, at+".validators", f)
		case *branch:
			eachRead(s.cond, at+".if", f)
			eachRead(s.then, at+".then", f)
			eachRead(s.other, at+".else", f)
		}
	}
}

// regoMembers are the members of the input document below input and input.request.
var (
	regoMembers    = []string{"authn_ctx", "contexts", "scopes", "request"}
	requestParts   = []string{"method", "path", "headers", "path_params", "query_params", "body", "mtls", "source_ip", "service", "template", "tags"}
	contextMembers = []string{"scopes", "client", "developer", "login"}
)

func (w *warner) rego(m *ast.Module) {
	for _, rule := range m.Rules {
		ast.WalkTerms(rule, func(t *ast.Term) bool {
			ref, ok := t.Value.(ast.Ref)
			if !ok || len(ref) < 2 || !ref[0].Equal(ast.InputRootDocument) {
				return false
			}
			at := problemAt(t.Loc(), "")
			var r Reads
			r.addRegoRef(ref[1:])
			w.parts(at, r.Claims, r.PathParams)
			first, _ := ref[1].Value.(ast.String)
			if first != "" && !slices.Contains(regoMembers, string(first)) {
				w.warn(at, "the input has no member %q; it has %s", string(first), strings.Join(regoMembers, ", "))
			}
			if len(ref) < 3 {
				return false
			}
			second, _ := ref[2].Value.(ast.String)
			if first == "request" && second != "" && !slices.Contains(requestParts, string(second)) {
				w.warn(at, "input.request has no member %q; it has %s", string(second), strings.Join(requestParts, ", "))
			}
			if first == "contexts" && second != "" && !slices.Contains(contextMembers, string(second)) {
				w.warn(at, "input.contexts has no member %q; it has %s", string(second), strings.Join(contextMembers, ", "))
			}
			return false
		})
	}
}

// regoOrder warns about input.request.query_params.limit[0] > 10: parameters and headers are texts, and in Rego every text
// is greater than every number. m is the module as it was parsed.
func (w *warner) regoOrder(m *ast.Module) {
	compared := func(terms []*ast.Term) {
		if len(terms) != 3 || !slices.Contains([]string{"lt", "lte", "gt", "gte"}, terms[0].Value.String()) {
			return
		}
		for i, t := range terms[1:] {
			_, number := terms[2-i].Value.(ast.Number)
			ref, ok := t.Value.(ast.Ref)
			if !ok || !number || len(ref) < 3 || !ref[0].Equal(ast.InputRootDocument) || !ref[1].Equal(ast.StringTerm("request")) {
				continue
			}
			if name, _ := ref[2].Value.(ast.String); slices.Contains([]string{"headers", "path_params", "query_params", "path", "method", "body"}, string(name)) {
				w.warn(problemAt(t.Loc(), ""), "%s is a text, and every text is greater than every number; use to_number", t)
			}
		}
	}
	vis := ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case *ast.Expr:
			if terms, ok := x.Terms.([]*ast.Term); ok {
				compared(terms)
			}
		case *ast.Term:
			if call, ok := x.Value.(ast.Call); ok {
				compared(call)
			}
		}
		return false
	})
	for _, r := range m.Rules {
		vis.Walk(r)
	}
}

func (w *warner) cedar(p *cedarPolicy) {
	for _, s := range p.statements {
		var walker cedarReader
		walker.policy((*cedarast.Policy)(s.policy.AST()))
		pos := s.policy.Position()
		at := Problem{Path: "definition", Line: pos.Line, Column: pos.Column}
		w.parts(at, walker.claims, walker.r.PathParams)
		for _, name := range walker.unknown {
			w.warn(at, "%s is in no request; see docs/reference/policies.md for what is", name)
		}
	}
}

const maxSchemaBytes = 64 << 10

// validateCedar checks every statement against a schema. cedar-go's validator has the position of statements only.
func validateCedar(p *cedarPolicy, text string, ps *problems) {
	if len(text) > maxSchemaBytes {
		ps.add("cedar_schema", "the schema has %d bytes; %d are allowed", len(text), maxSchemaBytes)
		return
	}
	var s schema.Schema
	if err := s.UnmarshalCedar([]byte(text)); err != nil {
		ps.add("cedar_schema", "the schema does not parse: %v", err)
		return
	}
	resolved, err := s.Resolve()
	if err != nil {
		ps.add("cedar_schema", "the schema does not resolve: %v", err)
		return
	}
	v := validate.New(resolved)
	for _, statement := range p.statements {
		if err := v.Policy(string(statement.id), (*cedarast.Policy)(statement.policy.AST())); err != nil {
			pos := statement.policy.Position()
			ps.list = append(ps.list, Problem{Path: "definition", Line: pos.Line, Column: pos.Column, Message: fmt.Sprintf("%s does not fit the schema: %v", statement.id, err)})
		}
	}
}
