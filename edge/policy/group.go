package policy

import (
	"bytes"
	"encoding/json"

	"portcullis/edge/waist"
)

// group is "all", "any" or "not" over nested validators. "not" negates their AND.
type group struct {
	op    string
	steps []namedStep
}

type groupConf struct {
	Validators []waist.Validator `json:"validators"`
}

func compileGroup(v *waist.Validator, at string, depth int, ps *problems) step {
	var conf groupConf
	if err := decodeConf(v.Conf, &conf); err != nil {
		ps.add(at+".conf", "%v", err)
		return nil
	}
	return &group{op: v.Name, steps: compileSteps(conf.Validators, at+".conf.validators", depth+1, ps)}
}

func (g *group) eval(e *env) outcome {
	switch g.op {
	case "all":
		return evalAll(e, g.steps)
	case "any":
		return evalAny(e, g.steps)
	case "not":
		return evalAll(e, g.steps).negate()
	}
	return unknown
}

func (g *group) constant() (outcome, bool) {
	switch g.op {
	case "any":
		return foldSteps(g.steps, no)
	case "not":
		o, ok := allConstant(g.steps)
		return o.negate(), ok
	}
	return allConstant(g.steps)
}

func (g *group) trace(e *env, at string) Step {
	s := Step{Path: at, Outcome: shown(g.eval(e)), Steps: traceSteps(e, g.steps, at+".conf.validators")}
	switch {
	case g.op == "not" && s.Outcome == Fails:
		s.Message = "the negated validators all hold"
	case g.op == "not" && s.Outcome == Unknown:
		s.Message = "what cannot be compared stays unknown when negated"
	case g.op == "any" && s.Outcome != Holds:
		s.Message = "none of the alternatives holds"
	case g.op == "any":
		s.Message = "one of the alternatives holds"
	case g.op == "not":
		s.Message = "the negated validators do not all hold"
	default:
		s.inner = s.Steps
	}
	return s
}

// branch is if-else. Without "else" nobody passes whom "if" does not let into "then".
type branch struct {
	cond, then, other []namedStep
}

type branchConf struct {
	If   []waist.Validator `json:"if"`
	Then []waist.Validator `json:"then"`
	Else json.RawMessage   `json:"else"`
}

func compileBranch(v *waist.Validator, at string, depth int, ps *problems) step {
	var conf branchConf
	if err := decodeConf(v.Conf, &conf); err != nil {
		ps.add(at+".conf", "%v", err)
		return nil
	}
	b := &branch{
		cond: compileSteps(conf.If, at+".conf.if", depth+1, ps),
		then: compileSteps(conf.Then, at+".conf.then", depth+1, ps),
	}
	if len(conf.Else) == 0 || bytes.Equal(conf.Else, []byte("null")) {
		ps.warn(at+".conf", `there is no "else": requests for which "if" does not hold are denied`)
		b.other = []namedStep{{step: literal(no), name: "false"}}
		return b
	}
	var other []waist.Validator
	if err := decodeConf(conf.Else, &other); err != nil {
		ps.add(at+".conf.else", "%v", err)
		return nil
	}
	b.other = compileSteps(other, at+".conf.else", depth+1, ps)
	return b
}

func (b *branch) eval(e *env) outcome {
	switch evalAll(e, b.cond) {
	case yes:
		return evalAll(e, b.then)
	case no:
		return evalAll(e, b.other)
	}
	return unknown
}

func (b *branch) constant() (outcome, bool) {
	then, thenOK := allConstant(b.then)
	other, otherOK := allConstant(b.other)
	switch cond, ok := allConstant(b.cond); {
	case ok && cond == yes:
		return then, thenOK
	case ok && cond == no:
		return other, otherOK
	case ok:
		return unknown, true
	}
	return unknown, false
}

func (b *branch) trace(e *env, at string) Step {
	s := Step{Path: at, Outcome: shown(b.eval(e)), Steps: traceSteps(e, b.cond, at+".conf.if")}
	switch evalAll(e, b.cond) {
	case yes:
		s.Message = `"if" holds, so "then" decides`
		s.inner = traceSteps(e, b.then, at+".conf.then")
		s.Steps = append(s.Steps, s.inner...)
	case no:
		s.Message = `"if" does not hold, so "else" decides`
		s.inner = traceSteps(e, b.other, at+".conf.else")
		s.Steps = append(s.Steps, s.inner...)
	default:
		s.inner = s.Steps
		s.Message = `"if" compares what cannot be compared`
	}
	return s
}

// embedded evaluates another policy of the workspace, of any language.
type embedded struct{ id string }

type embeddedConf struct {
	PolicyID string `json:"policy_id"`
}

func compileEmbedded(v *waist.Validator, at string, ps *problems) step {
	var conf embeddedConf
	if err := decodeConf(v.Conf, &conf); err != nil {
		ps.add(at+".conf", "%v", err)
		return nil
	}
	if conf.PolicyID == "" {
		ps.add(at+".conf.policy_id", "the policy to embed is missing")
		return nil
	}
	return &embedded{id: conf.PolicyID}
}

// eval is unknown, with the reason kept, when the embedded policy could not be evaluated: a policy that negates a
// broken one must not let people in.
func (m *embedded) eval(e *env) outcome {
	quiet := e.quiet
	e.quiet = true
	r := m.run(e)
	e.quiet = quiet
	switch {
	case r.Decision == Allow:
		return yes
	case r.Reason == ReasonDenied:
		return no
	}
	e.fault = r.Reason
	return unknown
}

func (m *embedded) run(e *env) Result {
	if e.set == nil || e.depth >= maxEmbedding {
		return Result{Reason: ReasonInvalid}
	}
	return e.set.evaluateNested(e, m.id)
}

func (m *embedded) constant() (outcome, bool) { return unknown, false }

func (m *embedded) trace(e *env, at string) Step {
	r := m.run(e)
	if r.Decision == Allow {
		return Step{Path: at, Outcome: Holds, Message: "the embedded policy " + m.id + " allows"}
	}
	s := Step{Path: at, Outcome: Fails, Message: "the embedded policy " + m.id + " does not allow (" + r.Reason + ")"}
	if r.Reason != ReasonDenied {
		s.Outcome = Unknown
	}
	if len(r.Failures) > 0 {
		s.why = r.Failures[0].Message
	}
	for _, f := range r.Failures {
		s.Steps = append(s.Steps, Step{Path: at, Outcome: s.Outcome, Message: f.Message})
	}
	return s
}
