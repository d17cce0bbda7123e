package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"portcullis/edge/waist"
)

// Explanation is a Result with everything that led to it. It is for the test bench: making it costs many times an
// evaluation.
type Explanation struct {
	Result
	// Steps are the validators of a visual policy, the rules of a Rego policy, or the statements of a Cedar policy.
	Steps []Step `json:"steps"`
	// Decided are the steps that the decision rests on, without those inside: what did not hold first, or all that had to
	// hold; the rules "allow" that hold, or else all of them; the statements that forbid or permit, or else the permits.
	Decided []Step `json:"decided,omitempty"`
	// Prints is what the print calls of a Rego policy wrote, at most maxPrints lines.
	Prints []string `json:"prints,omitempty"`
	// Reads says which parts of the input can change the outcome.
	Reads Reads `json:"reads"`
	// Duration is that of the evaluation alone, without compiling and explaining.
	Duration time.Duration `json:"duration"`
}

// Step is one part of a policy and what became of it.
type Step struct {
	// Path names the part: "validators[0].conf.fields[1]", "allow" for a Rego rule, the id of a Cedar statement.
	Path string `json:"path"`
	// Line is where the part starts in a definition, 0 for validators.
	Line    int         `json:"line,omitempty"`
	Outcome StepOutcome `json:"outcome"`
	Message string      `json:"message,omitempty"`
	Steps   []Step      `json:"steps,omitempty"`

	inner []Step // those of Steps that must all hold for this one to hold
	why   string // what an embedded policy said first
	says  bool   // a rule "allow" that holds, with another value than false
}

// StepOutcome is what became of a step.
type StepOutcome string

// The outcomes of a step. Unknown means that values could not be compared or that the evaluation failed; such a step
// denies, also when it is negated.
const (
	Holds   StepOutcome = "holds"
	Fails   StepOutcome = "fails"
	Unknown StepOutcome = "unknown"
)

func shown(o outcome) StepOutcome {
	switch o {
	case yes:
		return Holds
	case no:
		return Fails
	}
	return Unknown
}

func (o StepOutcome) verb() string {
	switch o {
	case Holds:
		return "holds"
	case Fails:
		return "does not hold"
	}
	return "cannot be compared"
}

// failures appends the messages of the steps that do not hold.
func (s *Step) failures(list []string) []string {
	if s.Outcome == Holds {
		return list
	}
	if s.Message != "" {
		list = append(list, s.Message)
	}
	for i := range s.Steps {
		list = s.Steps[i].failures(list)
	}
	return list
}

func traceSteps(e *env, steps []namedStep, path string) []Step {
	out := make([]Step, len(steps))
	for i := range steps {
		out[i] = steps[i].trace(e, fmt.Sprintf("%s[%d]", path, i))
	}
	return out
}

// Explain evaluates a policy like Evaluate and says how it came to its decision. The decision is that of Evaluate.
func (s *Set) Explain(ctx context.Context, policyID string, in *Input) (x Explanation) {
	if in == nil {
		in = &Input{}
	}
	fixed := *in // the same instant for the evaluation and the explanation
	if fixed.Now.IsZero() && s != nil && s.now != nil {
		fixed.Now = s.now()
	}
	s.Evaluate(ctx, policyID, &fixed) // compiles; the second one is measured
	start := time.Now()
	x.Result = s.Evaluate(ctx, policyID, &fixed)
	x.Duration = time.Since(start)
	x.Reads, _ = s.Inputs(policyID)
	if x.Reason == ReasonUnknown || x.Reason == ReasonInvalid {
		return x
	}
	defer func() {
		if p := recover(); p != nil {
			x.Steps = append(x.Steps, Step{Outcome: Unknown, Message: "the explanation panicked"})
		}
	}()
	p := s.entries[policyID]
	e := env{in: &fixed, set: s, now: fixed.Now, ctx: ctx}
	switch p.policy.Language {
	case waist.LanguageVisual:
		x.Steps = traceSteps(&e, p.visual.steps, "validators")
	case waist.LanguageCedar:
		x.Steps = p.cedar.trace(&e)
	case waist.LanguageRego:
		x.Steps, x.Prints = traceRego(&e, &p.policy, s.timeout)
	}
	x.Decided = decided(p.policy.Language, x.Steps, x.Decision == Allow)
	return x
}

// decided picks the steps that a decision rests on.
func decided(language string, steps []Step, allowed bool) []Step {
	var out []Step
	add := func(s Step) {
		if s.Steps = nil; s.why != "" {
			s.Message += ": " + s.why
		}
		out = append(out, s)
	}
	switch language {
	case waist.LanguageVisual:
		for _, s := range steps {
			if allowed {
				eachInner(&s, add)
			} else if s.Outcome != Holds {
				add(*decisive(&s))
				break
			}
		}
	case waist.LanguageRego:
		rank := func(s *Step) int {
			switch {
			case s.Path != "allow":
				return 4
			case allowed && s.says, !allowed && s.Outcome == Holds:
				return 1
			case !allowed && s.Outcome != Holds:
				return 2
			}
			return 3 // the default, when no other rule holds
		}
		out = first(steps, rank, 3)
	case waist.LanguageCedar:
		rank := func(s *Step) int { // the first of these that any statement has
			forbid := strings.HasPrefix(s.Message, "forbid")
			switch {
			case s.Outcome == Unknown:
				return 1
			case s.Outcome == Holds && forbid:
				return 2
			case s.Outcome == Holds:
				return 3
			case !forbid:
				return 4
			}
			return 5
		}
		out = first(steps, rank, 5)
	}
	return out
}

// first are the steps of the lowest rank that any of them has, up to worst.
func first(steps []Step, rank func(*Step) int, worst int) (out []Step) {
	best := worst
	for i := range steps {
		best = min(best, rank(&steps[i]))
	}
	for i := range steps {
		if rank(&steps[i]) == best {
			out = append(out, steps[i])
		}
	}
	return out
}

// eachInner calls f with the steps that all hold where s holds: its rows, or s itself where it has no such parts.
func eachInner(s *Step, f func(Step)) {
	if s.inner == nil {
		f(*s)
	}
	for i := range s.inner {
		eachInner(&s.inner[i], f)
	}
}

// decisive is the innermost step that keeps s from holding: of rows and groups that must all hold the first that does
// not, of a branch that of the side that counts; s itself where there is no single one.
func decisive(s *Step) *Step {
	for s.inner != nil {
		i := slices.IndexFunc(s.inner, func(x Step) bool { return x.Outcome != Holds })
		if i < 0 {
			break
		}
		s = &s.inner[i]
	}
	return s
}

// maxShown is how many bytes of one value an explanation shows.
const maxShown = 64

// secretNames are the header, parameter and claim names whose values never appear in an explanation. A name that
// contains one of secretParts is secret as well.
var (
	secretNames = []string{"authorization", "proxy-authorization", "cookie", "set-cookie", "code", "jti", "sid", "nonce", "assertion"}
	secretParts = []string{"secret", "token", "password", "passwd", "api-key", "api_key", "apikey", "credential", "session", "signature", "private"}
)

func secretName(name string) bool {
	name = strings.ToLower(name)
	if slices.Contains(secretNames, name) {
		return true
	}
	return slices.ContainsFunc(secretParts, func(p string) bool { return strings.Contains(name, p) })
}

// show is a field's value for people: clipped, and redacted where the field may hold a secret. The body is never
// shown.
func (f *field) show(v *value) string {
	if v.kind == kindAbsent {
		return "absent"
	}
	if f.root == rootBody {
		return "(body, not shown)"
	}
	for _, s := range f.path {
		if secretName(s.name) {
			return "(redacted)"
		}
	}
	return clip(string(appendValue(nil, v)))
}

func clip(s string) string {
	if len(s) <= maxShown {
		return s
	}
	cut := maxShown
	for cut > 0 && s[cut]&0xC0 == 0x80 { // not inside a UTF-8 sequence
		cut--
	}
	return s[:cut] + "…"
}

// appendSource writes the operand as it stands in the policy.
func (o *operand) appendSource(b []byte) []byte {
	if o.list {
		b = append(b, '[')
	}
	for i := range o.elems {
		if i > 0 {
			b = append(b, ", "...)
		}
		if i == 8 {
			b = append(b, "…"...)
			break
		}
		el := &o.elems[i]
		if el.ref == nil && el.lit.kind == kindText {
			b = append(append(append(b, '"'), clip(el.src)...), '"')
		} else {
			b = append(b, clip(el.src)...)
		}
	}
	if o.list {
		b = append(b, ']')
	}
	return b
}

// trace names the rows, with the values seen on both sides.
func (s *fieldsStep) trace(e *env, at string) Step {
	out := Step{Path: at, Outcome: shown(s.eval(e))}
	for i := range s.rows {
		c := &s.rows[i]
		row := Step{Path: fmt.Sprintf("%s.conf.fields[%d]", at, i), Outcome: shown(c.eval(e))}
		v := c.field.get(e)
		b := append([]byte(c.field.src), ' ')
		b = append(b, c.name...)
		if c.op != cmpPresent && c.op != cmpAbsent {
			b = append(b, ' ')
			b = c.right.appendSource(b)
		}
		b = append(append(append(b, ' '), row.Outcome.verb()...), ": "...)
		b = append(append(append(b, c.field.src...), " is "...), c.field.show(&v)...)
		for j := range c.right.elems {
			if el := &c.right.elems[j]; el.ref != nil && j < 8 {
				w := el.get(e)
				b = append(append(append(append(b, ", "...), el.src[1:]...), " is "...), el.ref.show(&w)...)
			}
		}
		row.Message = string(b)
		out.Steps = append(out.Steps, row)
	}
	out.inner = out.Steps
	return out
}
