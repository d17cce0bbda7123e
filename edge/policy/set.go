package policy

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"portcullis/edge/waist"
)

// DefaultTimeout is the deadline of one evaluation when Options says nothing.
const DefaultTimeout = 50 * time.Millisecond

// Options of Compile.
type Options struct {
	// Timeout is the deadline of one evaluation, compiling not counted; zero means DefaultTimeout.
	Timeout time.Duration
	// Now is the clock for inputs that carry no time; nil means time.Now.
	Now func() time.Time
}

// Set is the policies of one configuration, ready to be evaluated. It is safe for concurrent use. The zero value holds
// no policy and denies.
type Set struct {
	timeout time.Duration
	now     func() time.Time
	entries map[string]*entry // policy id -> policy
	rego    regoSet
}

// entry is one policy; everything but policy is filled on first use.
type entry struct {
	policy waist.Policy
	once   sync.Once
	ready  atomic.Bool // compile has ended
	visual *visual
	cedar  *cedarPolicy
	err    string       // why the policy does not compile; empty when it does
	rows   []comparison // of a visual policy that has nothing but short ways
}

// Result of one evaluation. Decision is Allow only after a clean evaluation to true.
type Result struct {
	Decision Decision
	// Reason is one of the Reason… codes, "" when allowed.
	Reason string
	// Failures say what did not hold, for people; values that may be secret are redacted.
	Failures []waist.ValidationFailure
	Recovery []waist.ValidationRecovery
	// Output holds the other package-level rules of a Rego policy.
	Output map[string]any
}

// Compile prepares the policies of one configuration. It never fails as a whole: a policy that does not compile denies
// with ReasonInvalid. Nothing is compiled before it is first used; Warm does it ahead. When two policies have the same
// id, both are refused: which of them was meant cannot be known.
func Compile(policies []waist.Policy, opts Options) *Set {
	s := &Set{timeout: opts.Timeout, now: opts.Now, entries: make(map[string]*entry, len(policies))}
	if s.timeout <= 0 {
		s.timeout = DefaultTimeout
	}
	if s.now == nil {
		s.now = time.Now
	}
	for i := range policies {
		p := policies[i]
		if other, ok := s.entries[p.ID]; ok {
			other.err = "two policies have this id"
			continue
		}
		s.entries[p.ID] = &entry{policy: p}
	}
	s.rego.prepare(s.entries)
	return s
}

// Warm compiles everything that is not compiled yet.
func (s *Set) Warm() {
	if s == nil {
		return
	}
	for _, e := range s.entries {
		e.compile()
	}
	s.rego.warm()
}

// Settle brings Rego policies that were compiled one by one, as requests came for them, into one compiler, once there are
// more than a few. The authorizer calls it when an answer has left; evaluations go on meanwhile.
func (s *Set) Settle() {
	if s != nil {
		s.rego.settle()
	}
}

// Unsettled reports whether Settle has something to do.
func (s *Set) Unsettled() bool { return s != nil && s.rego.crowded() }

// Evaluate decides one request. It never panics, and it returns soon after the deadline of ctx or Options.Timeout,
// whichever is earlier. An unknown id denies with ReasonUnknown.
func (s *Set) Evaluate(ctx context.Context, policyID string, in *Input) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			r = failed(ReasonError, policyID, "the evaluation panicked", fmt.Sprintf("%T", p))
		}
	}()
	if s == nil || s.entries == nil {
		return failed(ReasonUnknown, policyID, "there is no policy with this id", "")
	}
	if in == nil {
		in = &Input{}
	}
	p, ok := s.entries[policyID]
	if ok && p.holds(in) && ctx.Err() == nil {
		r.Decision = Allow
		return r
	}
	e := envs.Get().(*env)
	e.in, e.set, e.now, e.ctx = in, s, in.Now, ctx
	if e.now.IsZero() {
		e.now = s.now()
	}
	if ok && p.allows(e) {
		r.Decision = Allow
	} else {
		e.runs, e.fault = 0, ""
		r = s.evaluate(e, policyID)
	}
	*e = env{} // keep nothing of the request
	envs.Put(e)
	return r
}

// holds is the shortest way: a compiled policy of nothing but rows that compare texts, and all of them hold. Everything
// else, and every denial, takes a longer way.
func (p *entry) holds(in *Input) bool {
	if !p.ready.Load() || len(p.rows) == 0 || p.err != "" {
		return false
	}
	for i := range p.rows {
		if p.rows[i].quick(in) != yes {
			return false
		}
	}
	return true
}

// allows is the short way of most requests: a visual policy that is compiled and holds. Everything else takes the long
// way, which decides the same and says why.
func (p *entry) allows(e *env) bool {
	return p.ready.Load() && p.visual != nil && p.err == "" && e.ctx.Err() == nil && evalAll(e, p.visual.steps) == yes
}

func (s *Set) evaluate(e *env, policyID string) Result {
	if e.ctx.Err() != nil {
		return failed(ReasonTimeout, policyID, "the request's deadline had passed before the policy was evaluated", "")
	}
	p, ok := s.entries[policyID]
	if !ok {
		return failed(ReasonUnknown, policyID, "there is no policy with this id", "")
	}
	p.compile()
	if p.err != "" {
		return failed(ReasonInvalid, policyID, "the policy does not compile", p.err)
	}
	if p.visual != nil {
		return p.visual.evaluate(e, policyID)
	}
	switch p.policy.Language {
	case waist.LanguageRego:
		return s.evaluateRego(e, policyID)
	case waist.LanguageCedar:
		return p.cedar.evaluate(e, policyID)
	}
	return failed(ReasonInvalid, policyID, "the policy's language is not known", p.policy.Language)
}

// maxEmbeddedRuns bounds how many embedded policies one decision may evaluate: without it, eight policies that each
// embed the next one many times would take for ever.
const maxEmbeddedRuns = 256

// evaluateNested decides an embedded policy.
func (s *Set) evaluateNested(e *env, policyID string) Result {
	if e.runs++; e.runs > maxEmbeddedRuns {
		return Result{Reason: ReasonTimeout}
	}
	e.depth++
	fault := e.fault
	e.fault = ""
	defer func() { e.depth--; e.fault = fault }()
	return s.evaluate(e, policyID)
}

func (p *entry) compile() {
	if p.ready.Load() {
		return
	}
	p.once.Do(func() {
		defer p.ready.Store(true)
		if p.err != "" {
			return
		}
		defer func() {
			if x := recover(); x != nil {
				p.err = "the compiler panicked"
			}
		}()
		var ps problems
		switch p.policy.Language {
		case waist.LanguageVisual:
			p.visual = compileVisual(p.policy.Validators, &ps)
		case waist.LanguageCedar:
			p.cedar = compileCedar(p.policy.Definition, &ps)
		case waist.LanguageRego:
		default:
			ps.add("language", "unknown language %q", p.policy.Language)
		}
		for _, problem := range ps.list {
			if !problem.Warning {
				p.err = problem.String()
				return
			}
		}
		if p.visual != nil {
			p.rows = p.visual.shortWays()
		}
	})
}

func failed(reason, policyID, message, details string) Result {
	return Result{Reason: reason, Failures: []waist.ValidationFailure{{Validator: policyID, Message: message, Details: details}}}
}
