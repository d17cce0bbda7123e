package policy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"portcullis/edge/waist"
)

// Budget is what the policies of one workspace may cost. A zero member means the default.
type Budget struct {
	// Policies is how many there may be.
	Policies int
	// Bytes is how much source all of them may have together.
	Bytes int
	// CompileTime is how long one compiler may take for all of them on the machine that checks.
	CompileTime time.Duration
	// Steps is how much one evaluation may do: the expressions that a Rego policy tries, the comparisons of a visual
	// policy and of those it embeds, the operations of a Cedar policy. The latter two have no loops, so theirs is the
	// most that can come together.
	Steps int
}

// DefaultBudget keeps a cold start within its limits: a Lambda has about half the speed of the control plane.
var DefaultBudget = Budget{Policies: 5000, Bytes: 8 << 20, CompileTime: 3 * time.Second, Steps: 100_000}

func (b Budget) orDefault() Budget {
	if b.Policies == 0 {
		b.Policies = DefaultBudget.Policies
	}
	if b.Bytes == 0 {
		b.Bytes = DefaultBudget.Bytes
	}
	if b.CompileTime == 0 {
		b.CompileTime = DefaultBudget.CompileTime
	}
	if b.Steps == 0 {
		b.Steps = DefaultBudget.Steps
	}
	return b
}

// Cost is what a policy set was found to cost.
type Cost struct {
	Policies    int
	Bytes       int
	CompileTime time.Duration
}

// CheckSet measures all policies of a workspace together and returns a problem, with the figure, for everything above
// the budget. changed is the policy that is being saved, empty for all of them; the evaluation steps of a Rego policy are
// counted over samples, and over inputs made up from what it reads, for the changed one only. now is the clock that
// compile time is measured with; nil means time.Now.
func CheckSet(all []waist.Policy, changed string, samples []*Input, b Budget, now func() time.Time) (Cost, []Problem) {
	b = b.orDefault()
	if now == nil {
		now = time.Now
	}
	var ps problems
	cost := Cost{Policies: len(all)}
	for i := range all {
		cost.Bytes += len(all[i].Definition)
		for _, v := range all[i].Validators {
			cost.Bytes += len(v.Name) + len(v.Conf)
		}
	}
	if cost.Policies > b.Policies {
		ps.add("policies", "the workspace has %d policies; %d are allowed", cost.Policies, b.Policies)
	}
	if cost.Bytes > b.Bytes {
		ps.add("policies", "the policies of the workspace have %d bytes together; %d are allowed", cost.Bytes, b.Bytes)
	}
	if len(ps.list) > 0 {
		return cost, ps.list
	}
	start := now()
	set := Compile(all, Options{})
	set.Warm()
	cost.CompileTime = now().Sub(start)
	if cost.CompileTime > b.CompileTime {
		ps.add("policies", "compiling the %d policies of the workspace takes %v; %v is allowed", cost.Policies, cost.CompileTime.Round(time.Millisecond), b.CompileTime)
	}
	switch steps, ended := set.countSteps(changed, samples, b.Steps); {
	case steps > b.Steps:
		ps.add("definition", "one evaluation takes more than %d steps; %d are allowed: look for loops inside loops", b.Steps, b.Steps)
	case !ended:
		ps.add("definition", "one evaluation did not end within %v, ten times what it may take; it made %d steps: look for loops inside loops, a product of large numbers, or a large range",
			stepTime(set.timeout), steps)
	}
	set.checkSizes(changed, b.Steps, &ps)
	return cost, ps.list
}

// checkSizes refuses visual and Cedar policies that could do too much in one decision: the changed one and those that
// embed it, or any.
func (s *Set) checkSizes(changed string, limit int, ps *problems) {
	known := map[string]size{}
	for _, id := range slices.Sorted(maps.Keys(s.entries)) {
		n := s.size(id, changed, known)
		if changed != "" && !n.changed {
			continue
		}
		at, who := "policies", fmt.Sprintf("the policy %q", id)
		switch {
		case id != changed:
		case s.entries[id].policy.Language == waist.LanguageVisual:
			at, who = "validators", "the policy"
		default:
			at, who = "definition", "the policy"
		}
		if n.steps > limit {
			ps.add(at, "%s can take %d steps in one evaluation; %d are allowed", who, n.steps, limit)
		}
		if n.runs > maxEmbeddedRuns {
			ps.add(at, "%s can evaluate %d embedded policies for one decision; %d are allowed", who, n.runs, maxEmbeddedRuns)
		}
		if n.deep > maxEmbedding {
			ps.add(at, "%s embeds policies %d deep; %d are allowed", who, n.deep, maxEmbedding)
		}
	}
}

// size is the most that one evaluation of a policy does. Rego counts as nothing here: its steps depend on the input.
type size struct {
	steps, runs, deep int
	changed           bool // it is the changed policy, or embeds it
}

const maxSize = 1 << 40 // sizes multiply with every level of embedding

func (a size) plus(b size) size {
	return size{steps: min(a.steps+b.steps, maxSize), runs: min(a.runs+b.runs, maxSize), deep: max(a.deep, b.deep), changed: a.changed || b.changed}
}

func (s *Set) size(id, changed string, known map[string]size) size {
	if n, ok := known[id]; ok {
		return n
	}
	known[id] = size{} // of a policy that embeds itself, which is refused elsewhere
	e, ok := s.entries[id]
	if !ok {
		return size{}
	}
	e.compile()
	n := size{changed: id == changed}
	switch {
	case e.err != "":
	case e.cedar != nil:
		for i := range e.cedar.statements {
			n.steps += cedarNodes(e.cedar.statements[i].policy)
		}
	case e.visual != nil:
		n = n.plus(s.stepSizes(e.visual.steps, changed, known))
	}
	known[id] = n
	return n
}

func (s *Set) stepSizes(steps []namedStep, changed string, known map[string]size) size {
	var n size
	row := func(c *comparison) { n.steps += max(1, len(c.right.elems)) }
	for i := range steps {
		switch step := steps[i].step.(type) {
		case *fieldsStep:
			for j := range step.rows {
				row(&step.rows[j])
			}
		case *scopesStep:
			for j := range step.rows {
				row(&step.rows[j].comparison)
			}
		case *group:
			n = n.plus(s.stepSizes(step.steps, changed, known))
		case *branch:
			then, other := s.stepSizes(step.then, changed, known), s.stepSizes(step.other, changed, known)
			n = n.plus(s.stepSizes(step.cond, changed, known))
			n = n.plus(size{steps: max(then.steps, other.steps), runs: max(then.runs, other.runs), deep: max(then.deep, other.deep), changed: then.changed || other.changed})
		case *embedded:
			inner := s.size(step.id, changed, known)
			n = n.plus(inner).plus(size{runs: 1, deep: inner.deep + 1})
		default:
			n.steps++
		}
	}
	return n
}

// stepTime is how long one evaluation may take while its steps are counted.
func stepTime(timeout time.Duration) time.Duration { return 10 * timeout }

// countSteps evaluates a Rego policy over the samples and over made-up inputs until one takes more than limit steps, or
// does not end. The tracer itself stops the query there, so this ends soon.
func (s *Set) countSteps(id string, samples []*Input, limit int) (most int, ended bool) {
	e, ok := s.entries[id]
	if !ok || e.policy.Language != waist.LanguageRego {
		return 0, true
	}
	p := s.rego.get(id)
	if p == nil || p.err != "" {
		return 0, true
	}
	for _, in := range append(madeUp(p.reads), samples...) {
		counter := &stepCounter{limit: limit, cancel: topdown.NewCancel()}
		env := &env{in: in, set: s, now: in.Now, ctx: context.Background()}
		r := p.evaluate(env, id, stepTime(s.timeout), func(q *topdown.Query) { q.WithQueryTracer(counter).WithCancel(counter.cancel) })
		steps := int(counter.steps.Load())
		most = max(most, steps)
		if steps > limit || r.Reason == ReasonTimeout {
			return most, false
		}
	}
	return most, true
}

// stepCounter counts the expressions that are tried, and stops the query above limit. A query that could not be
// stopped may still be counting when the figure is read.
type stepCounter struct {
	steps  atomic.Int64
	limit  int
	cancel topdown.Cancel
}

func (c *stepCounter) Enabled() bool               { return true }
func (c *stepCounter) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

func (c *stepCounter) TraceEvent(ev topdown.Event) {
	if _, ok := ev.Node.(*ast.Expr); !ok || ev.Op != topdown.EvalOp && ev.Op != topdown.RedoOp {
		return
	}
	if c.steps.Add(1) > int64(c.limit) {
		c.cancel.Cancel()
	}
}

// madeUp are two inputs in which everything that a policy reads is there: once every claim is a text, once a list of
// a hundred, which is what loops need to be slow.
func madeUp(r Reads) []*Input {
	const many = 100
	items := make([]any, many)
	texts := make([]string, many)
	for i := range items {
		texts[i] = fmt.Sprintf("value-%d", i)
		items[i] = texts[i]
	}
	var out []*Input
	for _, list := range [...]bool{false, true} {
		in := &Input{AuthnCtx: map[string]any{"sub": "joe"}, Contexts: map[string]any{}, Now: time.Unix(1_700_000_000, 0)}
		in.Request = Request{Method: "GET", Path: "/pets/1", Headers: map[string][]string{}, PathParams: map[string]string{}, QueryParams: map[string][]string{}}
		fill := func(x any) any {
			if list {
				return items
			}
			return x
		}
		for _, c := range r.Claims {
			in.AuthnCtx[c] = fill("value-1")
		}
		scopes := map[string]any{}
		for _, s := range texts {
			scopes[s] = []any{map[string]any{"params": []any{}, "requested_name": s}}
		}
		in.Contexts["scopes"] = scopes
		for _, h := range r.Headers {
			in.Request.Headers[h] = texts[:4]
		}
		for _, q := range r.QueryParams {
			in.Request.QueryParams[q] = texts[:4]
		}
		for _, p := range r.PathParams {
			in.Request.PathParams[p] = "value-1"
		}
		out = append(out, in)
	}
	return out
}
