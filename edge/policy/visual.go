package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"portcullis/edge/waist"
)

// step is one compiled validator. eval never allocates for scalar comparisons; trace runs on the deny path and in the
// test bench only.
type step interface {
	eval(e *env) outcome
	// trace evaluates the step again and says what it saw. at is the path of the validator in the policy.
	trace(e *env, at string) Step
	// reads adds the parts of the input that can change the outcome.
	reads(r *Reads, others lookup)
	// constant is the outcome when it depends on nothing, and whether that is so.
	constant() (outcome, bool)
}

// lookup finds another policy of the same workspace.
type lookup func(id string) (waist.Policy, bool)

// visual is a compiled visual policy: its validators are ANDed.
type visual struct {
	steps []namedStep
}

type namedStep struct {
	step
	fields   *fieldsStep // the same as step, when it is one
	name     string
	recovery []waist.Recovery
}

// Limits of one visual policy. They bound the work of one evaluation: 8 levels of 64 validators are more than a person
// can read.
const (
	maxValidators = 64
	maxNesting    = 8
	maxFields     = 64
	maxEmbedding  = 8
	maxConfBytes  = 256 << 10
	maxConfDepth  = 8 * maxNesting // of JSON: a validator in a validator is four levels
)

// problems collects what is wrong with a policy; compilation goes on after the first one.
type problems struct{ list []Problem }

func (p *problems) add(path, format string, args ...any) {
	p.list = append(p.list, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (p *problems) warn(path, format string, args ...any) {
	p.list = append(p.list, Problem{Path: path, Message: fmt.Sprintf(format, args...), Warning: true})
}

func (p *problems) failed() bool {
	return slices.ContainsFunc(p.list, func(p Problem) bool { return !p.Warning })
}

// compileVisual compiles the validators of a policy. The result is usable only when ps.failed() is false.
func compileVisual(validators []waist.Validator, ps *problems) *visual {
	return &visual{steps: compileSteps(validators, "validators", 0, ps)}
}

func compileSteps(validators []waist.Validator, path string, depth int, ps *problems) []namedStep {
	switch {
	case len(validators) == 0:
		ps.add(path, `there is no validator, and a policy that asks for nothing would let everybody in; add one, or "true" when that is what you want`)
		return nil
	case len(validators) > maxValidators:
		ps.add(path, "there are %d validators; %d are allowed", len(validators), maxValidators)
		return nil
	case depth > maxNesting:
		ps.add(path, "validators are nested more than %d deep", maxNesting)
		return nil
	}
	steps := make([]namedStep, 0, len(validators))
	for i := range validators {
		v := &validators[i]
		at := fmt.Sprintf("%s[%d]", path, i)
		if len(v.Conf) > maxConfBytes {
			ps.add(at+".conf", "the configuration has %d bytes; %d are allowed", len(v.Conf), maxConfBytes)
			continue
		}
		s := compileStep(v, at, depth, ps)
		if s == nil {
			s = never{}
		}
		fields, _ := s.(*fieldsStep)
		steps = append(steps, namedStep{step: s, fields: fields, name: v.Name, recovery: v.Recovery})
	}
	return steps
}

// compileStep returns nil when it has added a problem.
func compileStep(v *waist.Validator, at string, depth int, ps *problems) step {
	switch v.Name {
	case "true":
		return literal(yes)
	case "false":
		return literal(no)
	case "identity-context":
		return compileFields(v, at, "authnCtx", ps)
	case "attributes", "authentication-factors":
		return compileFields(v, at, "", ps)
	case "header":
		return compileFields(v, at, "request.headers", ps)
	case "client":
		return compileFields(v, at, "contexts.client", ps)
	case "developer":
		return compileFields(v, at, "contexts.developer", ps)
	case "scopes", "dynamic-scopes":
		return compileScopes(v, at, ps)
	case "time":
		return compileTime(v, at, ps)
	case "all", "any", "not":
		return compileGroup(v, at, depth, ps)
	case "if-else":
		return compileBranch(v, at, depth, ps)
	case "embedded-policy":
		return compileEmbedded(v, at, ps)
	case "consent":
		ps.add(at+".name", `the validator "consent" needs a consent page, which this product does not have`)
	default:
		ps.add(at+".name", "unknown validator %q; see docs/reference/policies.md for the list", v.Name)
	}
	return nil
}

// fieldsConf is the configuration of most validators.
type fieldsConf struct {
	Fields []fieldConf `json:"fields"`
}

type fieldConf struct {
	Field      string          `json:"field"`
	Comparator string          `json:"comparator"`
	Value      json.RawMessage `json:"value"`
}

// decodeConf is strict: a member that we do not know, that comes twice or in another spelling ("Fields", which encoding/json
// takes for "fields") may have been meant to restrict something.
func decodeConf(raw json.RawMessage, into any) error {
	if len(raw) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return errors.New("conf is missing")
	}
	if err := strictMembers(raw); err != nil {
		return fmt.Errorf("conf: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("conf: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("conf: more than one JSON value")
	}
	return nil
}

// strictMembers refuses objects with a member that comes twice or is not in lower case: all members of a configuration
// are. Whether raw is JSON at all is for the decoder to say.
func strictMembers(raw []byte) error {
	type key struct {
		name  []byte
		depth int
	}
	var open [32]key // those of the objects around this place
	keys, depth := open[:0], 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '{', '[':
			if depth++; depth > maxConfDepth {
				return fmt.Errorf("nested more than %d deep", maxConfDepth)
			}
		case '}', ']':
			for len(keys) > 0 && keys[len(keys)-1].depth == depth {
				keys = keys[:len(keys)-1]
			}
			depth--
		case '"':
			start := i + 1
			for i = start; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
			name, rest := raw[start:min(i, len(raw))], bytes.TrimLeft(raw[min(i+1, len(raw)):], " \t\r\n")
			if len(rest) == 0 || rest[0] != ':' {
				continue // a value
			}
			if bytes.ContainsFunc(name, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
				return fmt.Errorf("unknown field %q", name)
			}
			for k := len(keys) - 1; k >= 0 && keys[k].depth == depth; k-- {
				if bytes.Equal(keys[k].name, name) {
					return fmt.Errorf("the member %q comes twice", name)
				}
			}
			keys = append(keys, key{name, depth})
		}
	}
	return nil
}

// decodeAny reads any JSON value, numbers exactly.
func decodeAny(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var x any
	if err := dec.Decode(&x); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON value")
	}
	return x, nil
}

// comparison is one row of "fields".
type comparison struct {
	field field
	op    comparator
	name  string // of the comparator
	right operand
	short short
}

// newComparison is one row, ready to be evaluated.
func newComparison(f field, op comparator, name string, right operand) comparison {
	c := comparison{field: f, op: op, name: name, right: right}
	c.short = c.shortWay()
	return c
}

// fieldsStep holds when every row holds.
type fieldsStep struct{ rows []comparison }

func decodeRows(v *waist.Validator, at string, ps *problems) []fieldConf {
	var conf fieldsConf
	if err := decodeConf(v.Conf, &conf); err != nil {
		ps.add(at+".conf", "%v", err)
		return nil
	}
	switch {
	case len(conf.Fields) == 0:
		ps.add(at+".conf.fields", "there is no field to compare; a validator that asks for nothing would let everybody in")
		return nil
	case len(conf.Fields) > maxFields:
		ps.add(at+".conf.fields", "there are %d fields; %d are allowed", len(conf.Fields), maxFields)
		return nil
	}
	return conf.Fields
}

func compileFields(v *waist.Validator, at, base string, ps *problems) step {
	rows := decodeRows(v, at, ps)
	if rows == nil {
		return nil
	}
	s := &fieldsStep{rows: make([]comparison, 0, len(rows))}
	ok := true
	for i, row := range rows {
		path := fmt.Sprintf("%s.conf.fields[%d]", at, i)
		f, err := relativeField(row.Field, base)
		if err != nil {
			ps.add(path+".field", "%v", err)
			ok = false
		}
		op, right, good := compileRight(row, path, ps)
		ok = ok && good
		s.rows = append(s.rows, newComparison(f, op, row.Comparator, right))
	}
	if !ok {
		return nil
	}
	return s
}

func compileRight(row fieldConf, path string, ps *problems) (comparator, operand, bool) {
	op, ok := comparators[row.Comparator]
	if !ok {
		ps.add(path+".comparator", "unknown comparator %q; known are %s", row.Comparator, comparatorNames())
		return cmpNone, operand{}, false
	}
	right, err := parseOperand(row.Value, op)
	if err != nil {
		ps.add(path+".value", "%v", err)
		return op, right, false
	}
	return op, right, true
}

// relativeField reads a field of a validator whose fields are relative to base. In identity-context the absolute
// spelling is understood too, because both are in use; in header the whole text is the header's name.
func relativeField(src, base string) (field, error) {
	switch base {
	case "":
		return parseField(src)
	case "request.headers":
		if src == "" {
			return field{}, errors.New("the header's name is empty")
		}
		if !headerName(src) {
			return field{}, fmt.Errorf("%q is not the name of a header", src)
		}
		return field{src: "request.headers." + src, root: rootHeader, path: []segment{{name: src}}}, nil
	}
	if segs, err := splitPath(src); err == nil && len(segs) > 1 && base == "authnCtx" {
		if first := segs[0].name; first == "authnCtx" || first == "authn_ctx" {
			return parseField(src)
		}
	}
	if src == "" {
		return field{}, errors.New("the field is empty")
	}
	f, err := parseField(base + "." + src)
	if err == nil {
		f.src = src
	}
	return f, err
}

// headerName reports whether s is a token of RFC 9110 section 5.6.2.
func headerName(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// eval takes the short way for the comparisons that most policies are made of: a text with a text, and a text with the
// members of a list of texts. Whatever else the input turns out to hold goes the long way, which decides the same.
func (c *comparison) eval(e *env) outcome {
	if o := c.quick(e.in); o != unknown {
		return o
	}
	v := c.field.get(e)
	return compare(e, &v, c.op, &c.right)
}

// quick is the outcome when the short way leads to one, else unknown.
func (c *comparison) quick(in *Input) outcome {
	switch c.short {
	case claimIsText:
		if s, ok := in.AuthnCtx[c.field.path[0].name].(string); ok {
			return outcomeOf(s == c.right.elems[0].lit.s)
		}
	case claimHasText:
		if list, ok := in.AuthnCtx[c.field.path[0].name].([]any); ok {
			for _, x := range list {
				if s, ok := x.(string); ok && s == c.right.elems[0].lit.s {
					return yes
				}
			}
		}
	case textIsText, textIsField:
		want, ok := c.right.elems[0].lit.s, true
		if c.short == textIsField {
			want, ok = c.right.elems[0].ref.text(in)
		}
		if got, is := c.field.text(in); is && ok {
			return outcomeOf(got == want)
		}
	}
	return unknown
}

// shortWays are the rows of a policy that consists of nothing but rows with a short way, else nil.
func (v *visual) shortWays() []comparison {
	var rows []comparison
	for i := range v.steps {
		f := v.steps[i].fields
		if f == nil {
			return nil
		}
		for j := range f.rows {
			if f.rows[j].short == noShortWay {
				return nil
			}
		}
		rows = append(rows, f.rows...)
	}
	return rows
}

// short is which short way a comparison may try first.
type short uint8

const (
	noShortWay   short = iota
	claimIsText        // top-level claim equals "text"
	claimHasText       // top-level claim contains "text"
	textIsText         // any field equals "text"
	textIsField        // any field equals $field
)

func (c *comparison) shortWay() short {
	if len(c.right.elems) != 1 || c.right.list {
		return noShortWay
	}
	el := &c.right.elems[0]
	text := el.ref == nil && el.lit.kind == kindText && !el.pat.wild()
	claim := c.field.root == rootClaims && len(c.field.path) == 1
	switch {
	case c.op == cmpContains && text && claim:
		return claimHasText
	case c.op == cmpEquals && text && claim:
		return claimIsText
	case c.op == cmpEquals && text:
		return textIsText
	case c.op == cmpEquals && el.ref != nil && el.shift == 0:
		return textIsField
	}
	return noShortWay
}

func (s *fieldsStep) eval(e *env) outcome {
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

// literal is "true" or "false".
type literal outcome

func (l literal) eval(*env) outcome         { return outcome(l) }
func (l literal) constant() (outcome, bool) { return outcome(l), true }
func (l literal) reads(*Reads, lookup)      {}
func (l literal) trace(_ *env, at string) Step {
	if outcome(l) == yes {
		return Step{Path: at, Outcome: Holds, Message: "this validator always passes"}
	}
	return Step{Path: at, Outcome: Fails, Message: "this validator never passes"}
}

// never stands for a validator that did not compile; the policy around it is never evaluated.
type never struct{}

func (never) eval(*env) outcome         { return unknown }
func (never) constant() (outcome, bool) { return unknown, true }
func (never) reads(*Reads, lookup)      {}
func (never) trace(_ *env, at string) Step {
	return Step{Path: at, Message: "this validator does not compile"}
}
func (s *fieldsStep) constant() (outcome, bool)     { return unknown, false }
func allConstant(steps []namedStep) (outcome, bool) { return foldSteps(steps, yes) }

// foldSteps folds an AND (unit yes) or an OR (unit no): it is constant when one step decides alone, or when all are
// constant.
func foldSteps(steps []namedStep, unit outcome) (outcome, bool) {
	result, all := unit, true
	for i := range steps {
		o, ok := steps[i].constant()
		switch {
		case ok && o == unit.negate():
			return o, true
		case ok && o == unknown:
			result = unknown
		case !ok:
			all = false
		}
	}
	return result, all
}

func evalAll(e *env, steps []namedStep) outcome {
	result := yes
	for i := range steps {
		var o outcome
		if f := steps[i].fields; f != nil { // most steps, without a call through the interface
			o = f.eval(e)
		} else {
			o = steps[i].eval(e)
		}
		switch o {
		case no:
			return no
		case unknown:
			result = unknown
		}
	}
	return result
}

func evalAny(e *env, steps []namedStep) outcome {
	result := no
	for i := range steps {
		switch steps[i].eval(e) {
		case yes:
			return yes
		case unknown:
			result = unknown
		}
	}
	return result
}

// evaluate runs the policy. The failures name every validator that did not hold, not only the first one: the caller's
// developer wants to fix them in one go.
func (p *visual) evaluate(e *env, policyID string) Result {
	if evalAll(e, p.steps) == yes {
		return Result{Decision: Allow}
	}
	r := Result{Reason: ReasonDenied}
	if e.fault != "" {
		r.Reason = e.fault
	}
	if e.quiet {
		return r
	}
	if e.depth == 0 {
		e.runs = 0 // the explanation evaluates embedded policies once more
	}
	for i, s := range traceSteps(e, p.steps, "validators") {
		if s.Outcome == Holds {
			continue
		}
		f := waist.ValidationFailure{Validator: p.steps[i].name, Message: "the validator does not hold"}
		if why := s.failures(nil); len(why) > 0 {
			f.Message, f.Details = why[0], strings.Join(why[1:], "; ")
		}
		r.Failures = append(r.Failures, f)
		for _, rec := range p.steps[i].recovery {
			r.Recovery = append(r.Recovery, waist.ValidationRecovery{ID: policyID, Type: rec.Type})
		}
	}
	return r
}
