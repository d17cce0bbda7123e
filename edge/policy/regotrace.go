package policy

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/print"

	"portcullis/edge/waist"
)

const maxPrints = 100

// traceRego compiles one policy with its print calls, evaluates it with every rule tried (no index, no early exit) and
// reports each rule: whether it held, and the last expression that did not.
func traceRego(e *env, p *waist.Policy, timeout time.Duration) ([]Step, []string) {
	c := compileRego([]waist.Policy{*p}, regoOptions{prints: true})[p.ID]
	if c.err != "" {
		return []Step{{Path: "definition", Outcome: Unknown, Message: c.err}}, nil
	}
	t := &regoTracer{rules: map[*ast.Rule]*ruleTrace{}, input: regoInput(e.in, &Reads{All: true}, c.spellings)}
	c.evaluate(e, p.ID, timeout*4, func(q *topdown.Query) { // tracing slows the evaluation down
		q.WithIndexing(false).WithEarlyExit(false).WithQueryTracer(t).WithPrintHook(t)
	})
	t.mu.Lock() // a query that could not be stopped may still be running
	defer t.mu.Unlock()
	m := c.compiler.Modules[p.ID]
	var out []Step
	for _, r := range m.Rules {
		out = append(out, t.step(r))
	}
	slices.SortStableFunc(out, func(a, b Step) int { return a.Line - b.Line })
	return out, slices.Clone(t.prints)
}

// regoTracer implements topdown.QueryTracer and print.Hook.
type regoTracer struct {
	mu     sync.Mutex
	rules  map[*ast.Rule]*ruleTrace
	open   map[uint64]*ast.Rule // query id -> rule whose body it is
	prints []string
	input  ast.Value
}

type ruleTrace struct {
	entered, held bool
	failed        *ast.Expr
	lines         map[int]bool // of expressions that were evaluated
}

func (t *regoTracer) Enabled() bool { return true }

func (t *regoTracer) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

func (t *regoTracer) TraceEvent(ev topdown.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = map[uint64]*ast.Rule{}
	}
	switch node := ev.Node.(type) {
	case *ast.Rule:
		rt := t.rules[node]
		if rt == nil {
			rt = &ruleTrace{lines: map[int]bool{}}
			t.rules[node] = rt
		}
		switch ev.Op {
		case topdown.EnterOp:
			rt.entered = true
			t.open[ev.QueryID] = node
		case topdown.ExitOp:
			rt.held = true
		}
	case *ast.Expr:
		rule := t.open[ev.QueryID]
		if rule == nil {
			return
		}
		rt := t.rules[rule]
		if node.Location != nil && ev.Op == topdown.EvalOp {
			rt.lines[node.Location.Row] = true
		}
		if ev.Op == topdown.FailOp {
			rt.failed = node
		}
	}
}

// Print collects one line of a print call.
func (t *regoTracer) Print(_ print.Context, line string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.prints) < maxPrints {
		t.prints = append(t.prints, clip(line))
	}
	return nil
}

func (t *regoTracer) step(r *ast.Rule) Step {
	name := strings.TrimPrefix(r.Head.Ref().String(), "data.")
	s := Step{Path: name, Outcome: Fails, Message: "the rule was not needed"}
	if r.Location != nil {
		s.Line = r.Location.Row
	}
	rt := t.rules[r]
	switch {
	case r.Default:
		s.Outcome, s.Message = Fails, "the default, which counts when no other rule holds"
	case rt == nil:
	case rt.held:
		s.Outcome, s.says, s.Message = Holds, true, "the rule holds"
		if no, ok := headValue(r).(ast.Boolean); ok && !bool(no) {
			s.says, s.Message = false, "the rule holds and says false"
		}
		s.Message += t.seen(r.Body)
	case rt.failed != nil:
		s.Message = t.why(rt.failed)
	default:
		s.Message = "the rule does not hold"
	}
	return s
}

// shownValue is a value for people. An object is not shown: its members have names of their own, which may be those of
// secrets (all headers, all claims).
func shownValue(v ast.Value) string {
	objects := false
	ast.WalkTerms(v, func(t *ast.Term) bool {
		_, is := t.Value.(ast.Object)
		objects = objects || is
		return objects
	})
	if _, is := v.(ast.Object); is || objects {
		return "(not shown: name the member)"
	}
	return clip(v.String())
}

// why shows an expression that did not hold, with what the input references in it refer to.
func (t *regoTracer) why(x *ast.Expr) string {
	text := ""
	line := 0
	if x.Location != nil {
		text, line = string(x.Location.Text), x.Location.Row
	}
	return fmt.Sprintf("line %d does not hold: %s", line, clip(strings.TrimSpace(text))) + t.seen(x)
}

func headValue(r *ast.Rule) ast.Value {
	if r.Head.Value == nil {
		return nil
	}
	return r.Head.Value.Value
}

// seen lists what a part of a module reads of the input by name, with the values that are there.
func (t *regoTracer) seen(part any) string {
	var seen []string
	ast.WalkRefs(part, func(ref ast.Ref) bool {
		if len(ref) < 2 || len(seen) == maxSeen || !ref[0].Equal(ast.InputRootDocument) || !ref.IsGround() {
			return false
		}
		shownAs := "absent"
		if v, err := t.input.Find(ref[1:]); err == nil {
			shownAs = shownValue(v)
		}
		for _, part := range ref[1:] {
			if name, ok := part.Value.(ast.String); ok && (secretName(string(name)) || name == "body") {
				shownAs = "(redacted)"
			}
		}
		if text := ref.String() + " is " + shownAs; !slices.Contains(seen, text) {
			seen = append(seen, text)
		}
		return false
	})
	if len(seen) == 0 {
		return ""
	}
	return "; " + strings.Join(seen, "; ")
}
