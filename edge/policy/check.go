package policy

import (
	"fmt"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/open-policy-agent/opa/v1/ast"

	"portcullis/edge/waist"
)

// Problem is one thing that is wrong with a policy, or that its author probably did not mean (Warning). Line and
// Column count from 1 in the definition of a Rego or Cedar policy and are 0 where there is none; Path names the
// member, e.g. "validators[0].conf.fields[1].comparator".
type Problem struct {
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path"`
	Message string `json:"message"`
	Warning bool   `json:"warning,omitempty"`
}

// String is "definition:3:7: message" or "validators[0].name: message".
func (p Problem) String() string {
	if p.Line > 0 {
		return fmt.Sprintf("%s:%d:%d: %s", p.Path, p.Line, p.Column, p.Message)
	}
	return p.Path + ": " + p.Message
}

func comparatorNames() string {
	return "equals, not_equals, in, not_in, contains, not_contains, contains_all, contains_any, present, absent, starts_with, " +
		"ends_with, matches, greater_than, greater_or_equal, less_than, less_or_equal, in_cidr"
}

// CheckOptions is what a check knows about the workspace. Every member may be left out.
type CheckOptions struct {
	// Others finds the other policies of the workspace, for embedded ones; nil means that there are none.
	Others func(id string) (waist.Policy, bool)
	// Claims are the claims that tokens of the workspace have carried; nil means that this is not known. A policy that
	// reads another one gets a warning.
	Claims []string
	// Template is the path template of the API that the policy is assigned to; a policy that reads a path parameter
	// that is not in it gets a warning.
	Template string
	// CedarSchema is a schema in Cedar's own syntax that Cedar policies are validated against.
	CedarSchema string
}

// Check is what the control plane runs on save: nil, or every problem found. others finds the other policies of the
// workspace, for embedded ones; nil means that there are none.
func Check(p waist.Policy, others func(id string) (waist.Policy, bool)) []Problem {
	return CheckWith(p, CheckOptions{Others: others})
}

// CheckWith is Check with what is known about the workspace. It never panics.
func CheckWith(p waist.Policy, o CheckOptions) (list []Problem) {
	defer func() {
		if x := recover(); x != nil {
			list = append(list, Problem{Path: "definition", Message: "the compiler panicked; please report this policy"})
		}
	}()
	var ps problems
	w := &warner{ps: &ps, opts: &o, seen: map[string]bool{}}
	switch p.Language {
	case waist.LanguageVisual:
		checkVisual(p, w)
	case waist.LanguageRego:
		checkRego(p, w)
	case waist.LanguageCedar:
		checkCedar(p, w)
	default:
		ps.add("language", "unknown language %q; known are %s (visual), %s and %s", p.Language, waist.LanguageVisual, waist.LanguageRego, waist.LanguageCedar)
	}
	return ps.list
}

func checkVisual(p waist.Policy, w *warner) {
	ps := w.ps
	if strings.TrimSpace(p.Definition) != "" {
		ps.add("definition", "a visual policy has validators and no definition; set the language to rego or cedar if this is one")
	}
	v := compileVisual(p.Validators, ps)
	if ps.failed() {
		return
	}
	checkEmbedded(v, p, w.opts.Others, ps)
	eachRead(v.steps, "validators", w.reads)
	if o, ok := allConstant(v.steps); ok && len(v.steps) > 1 {
		word := "denies"
		if o == yes {
			word = "allows"
		}
		ps.warn("validators", "constant validators decide: this policy always %s, and nothing else in it matters", word)
	}
}

// checkEmbedded refuses embedded policies that are missing, of another type, or that lead back to p.
func checkEmbedded(v *visual, p waist.Policy, others lookup, ps *problems) {
	seen := map[string]bool{}
	var visit func(steps []namedStep, trail []string)
	visit = func(steps []namedStep, trail []string) {
		eachEmbedded(steps, func(m *embedded) {
			if m.id == p.ID {
				ps.add("validators", "the policy embeds itself: %s", strings.Join(append(trail, m.id), " embeds "))
				return
			}
			if seen[m.id] {
				return
			}
			seen[m.id] = true
			if others == nil {
				ps.add("validators", "the embedded policy %q does not exist", m.id)
				return
			}
			q, ok := others(m.id)
			switch {
			case !ok:
				ps.add("validators", "the embedded policy %q does not exist", m.id)
			case q.Type != p.Type && p.Type != "" && q.Type != "":
				ps.add("validators", "the embedded policy %q is of type %s, this one of type %s; only the same type can be embedded", m.id, q.Type, p.Type)
			case len(trail) > maxEmbedding:
				ps.add("validators", "policies are embedded more than %d deep: %s", maxEmbedding, strings.Join(trail, " embeds "))
			case q.Language != waist.LanguageVisual:
			default:
				var inner problems
				if w := compileVisual(q.Validators, &inner); !inner.failed() {
					visit(w.steps, append(trail[:len(trail):len(trail)], m.id))
				}
			}
		})
	}
	visit(v.steps, []string{p.ID})
}

func eachEmbedded(steps []namedStep, f func(*embedded)) {
	for i := range steps {
		switch s := steps[i].step.(type) {
		case *embedded:
			f(s)
		case *group:
			eachEmbedded(s.steps, f)
		case *branch:
			eachEmbedded(s.cond, f)
			eachEmbedded(s.then, f)
			eachEmbedded(s.other, f)
		}
	}
}

func checkRego(p waist.Policy, w *warner) {
	ps := w.ps
	if len(p.Validators) > 0 {
		ps.add("validators", "a Rego policy has a definition and no validators")
	}
	m, problems := parseRego(&p)
	ps.list = append(ps.list, problems...)
	if len(problems) > 0 {
		return
	}
	c := newRegoCompiler(regoOptions{})
	c.Compile(map[string]*ast.Module{p.ID: m})
	for _, err := range c.Errors {
		ps.list = append(ps.list, regoProblem(err))
	}
	if c.Failed() {
		return
	}
	if r := newRegoPolicy(c, p.ID); r.err != "" {
		ps.add("definition", "%s", r.err)
	}
	w.rego(c.Modules[p.ID])
	w.regoOrder(m)
}

func checkCedar(p waist.Policy, w *warner) {
	ps := w.ps
	if len(p.Validators) > 0 {
		ps.add("validators", "a Cedar policy has a definition and no validators")
	}
	c := compileCedar(p.Definition, ps)
	if ps.failed() {
		return
	}
	permits := false
	for _, s := range c.statements {
		permits = permits || s.policy.Effect() == cedar.Permit
	}
	if !permits {
		ps.warn("definition", "there is no permit: this policy denies everybody")
	}
	w.cedar(c)
	if w.opts.CedarSchema != "" {
		validateCedar(c, w.opts.CedarSchema, ps)
	}
}
