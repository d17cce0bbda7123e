package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

// maxDefinitionBytes bounds the source of one Rego or Cedar policy.
const maxDefinitionBytes = 256 << 10

// regoRemoved are the built-ins that a policy does not get: those that reach the network or the process, those that
// are random or read the machine's clock, those that sign, those that make numbers of any size in one step, which no
// deadline interrupts, and the GraphQL parser, which recurses as deep as the caller's text goes.
var regoRemoved = []string{
	"http.send", "net.lookup_ip_addr", "opa.runtime", "rego.parse_module",
	"rand.intn", "uuid.rfc4122",
	"crypto.x509.parse_and_verify_certificates", "crypto.x509.parse_and_verify_certificates_with_options",
	"io.jwt.encode_sign", "io.jwt.encode_sign_raw", "providers.aws.sign_req",
	"bits.lsh", "product",
	"graphql.parse", "graphql.parse_and_verify", "graphql.parse_query", "graphql.parse_schema", "graphql.is_valid", "graphql.schema_is_valid",
}

// regoTimed are the built-ins whose answer depends on the decision's clock.
var regoTimed = []string{"time.now_ns", "io.jwt.decode_verify"}

// regoCapabilities is what this version of OPA can do, less regoRemoved and the network. It is built once: the list
// of built-ins is the same for every policy.
var regoCapabilities = sync.OnceValue(func() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(slices.Clone(c.Builtins), func(b *ast.Builtin) bool {
		return slices.Contains(regoRemoved, b.Name)
	})
	c.AllowNet = []string{} // empty, not nil: no host at all
	return c
})

// quickBuiltins end in time in the length of their operands, and do not make anything much longer than those.
var quickBuiltins = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for name := range strings.FieldsSeq(`eq assign equal neq lt lte gt gte plus minus abs round ceil floor
		internal.member_2 internal.member_3 count max min and or union intersection array.concat array.slice array.reverse
		contains startswith endswith lower upper split indexof substring trim trim_left trim_right trim_prefix trim_suffix trim_space
		object.get object.keys to_number is_number is_string is_boolean is_array is_set is_object is_null type_name
		time.now_ns time.parse_rfc3339_ns time.parse_duration_ns time.clock time.date time.weekday
		net.cidr_contains net.cidr_is_valid strings.any_prefix_match strings.any_suffix_match print internal.print`) {
		m[name] = true
	}
	return m
})

// quickModule reports whether a compiled module calls nothing but quickBuiltins and its own functions.
func quickModule(m *ast.Module) bool {
	quick, known := true, quickBuiltins()
	check := func(operator ast.Value) {
		if ref, ok := operator.(ast.Ref); ok && !ref[0].Equal(ast.DefaultRootDocument) && !known[ref.String()] {
			quick = false
		}
	}
	vis := ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case *ast.Expr:
			if x.IsCall() {
				check(x.OperatorTerm().Value)
			}
		case *ast.Term:
			if call, ok := x.Value.(ast.Call); ok {
				check(call[0].Value)
			}
		}
		return !quick
	})
	for _, r := range m.Rules {
		vis.Walk(r)
	}
	return quick
}

// moveModule moves the module from acp.authz to the package of its policy and refuses references to other data.
func moveModule(m *ast.Module, id string) []Problem {
	if !m.Package.Path.Equal(regoPackage) {
		return []Problem{problemAt(m.Package.Loc(), fmt.Sprintf("the package must be acp.authz, not %s", dotted(m.Package.Path)))}
	}
	mover := mover{to: movedPackage(id)}
	m.Package.Path = mover.to
	for _, imp := range m.Imports {
		mover.term(imp.Path)
	}
	vis := ast.NewGenericVisitor(mover.visit)
	for _, r := range m.Rules {
		vis.Walk(r)
	}
	return mover.problems
}

type mover struct {
	to       ast.Ref
	problems []Problem
}

func (m *mover) visit(x any) bool {
	switch x := x.(type) {
	case *ast.Head:
		// The reference of a head is the rule's own name; its keys, values and arguments may hold references.
		for _, t := range x.Reference[min(1, len(x.Reference)):] {
			m.walk(t)
		}
		for _, t := range x.Args {
			m.walk(t)
		}
		if x.Key != nil {
			m.walk(x.Key)
		}
		if x.Value != nil {
			m.walk(x.Value)
		}
		return true
	case *ast.Term:
		return m.term(x)
	}
	return false
}

func (m *mover) walk(t *ast.Term) { ast.NewGenericVisitor(m.visit).Walk(t) }

// term rewrites one term and reports whether the walk is done below it.
func (m *mover) term(t *ast.Term) bool {
	switch v := t.Value.(type) {
	case ast.Var:
		if v.Equal(ast.DefaultRootDocument.Value) {
			m.refuse(t, ast.Ref{t})
		}
		return true
	case ast.Ref:
		if len(v) == 0 {
			return true
		}
		if !v[0].Equal(ast.DefaultRootDocument) {
			if _, ok := v[0].Value.(ast.Var); !ok {
				m.walk(v[0]) // a call or a literal in front: f(x).y, {"a": 1}[x]
			}
		} else if !v.HasPrefix(regoPackage) {
			m.refuse(t, v)
			return true
		}
		for _, part := range v[1:] {
			m.walk(part)
		}
		if v.HasPrefix(regoPackage) {
			t.Value = slices.Concat(m.to, v[len(regoPackage):])
		}
		return true
	}
	return false
}

func (m *mover) refuse(t *ast.Term, ref ast.Ref) {
	m.problems = append(m.problems, problemAt(t.Loc(), fmt.Sprintf(
		"%s: a policy cannot read other policies or data; it has input and its own package acp.authz", dotted(ref))))
}

func dotted(ref ast.Ref) string {
	return strings.TrimPrefix(ref.String(), "data.acp.authz.")
}

func problemAt(loc *ast.Location, message string) Problem {
	p := Problem{Path: "definition", Message: message}
	if loc != nil {
		p.Line, p.Column = loc.Row, loc.Col
	}
	return p
}

// needsV0 reports whether what a module lacks to be v1 is the keyword if or contains before a rule's body.
func needsV0(err error) bool {
	return strings.Contains(err.Error(), "keyword is required")
}

func regoProblems(err error) []Problem {
	var list ast.Errors
	if !errors.As(err, &list) {
		return []Problem{{Path: "definition", Message: err.Error()}}
	}
	out := make([]Problem, 0, len(list))
	for _, e := range list {
		out = append(out, regoProblem(e))
	}
	return out
}

func regoProblem(e *ast.Error) Problem {
	message := e.Message
	if e.Location != nil {
		message = strings.ReplaceAll(message, movedPackage(e.Location.File).String(), "data.acp.authz")
	}
	if name, ok := strings.CutPrefix(message, "undefined function "); ok && slices.Contains(regoRemoved, name) {
		message = fmt.Sprintf("%s is not available to policies: they decide from their input alone", name)
	}
	return problemAt(e.Location, message)
}
