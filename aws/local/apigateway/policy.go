package apigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// policyDoc is an IAM policy document as authorizers return it and as resource policies hold it.
type policyDoc struct {
	version    string
	statements []statement
}

type statement struct {
	deny         bool
	actions      []string
	notActions   bool
	resources    []string
	notResources bool
	anyone       bool // Principal "*" or {"AWS":"*"}; only resource policies have one
	conditions   map[string]map[string][]string
}

// verdict is what a policy says about one method. The zero value denies.
type verdict int

const (
	implicitDeny verdict = iota
	explicitDeny
	allowed
)

// list is a JSON string or an array of strings.
type list []string

func (l *list) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = list{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil {
		return errors.New("neither a string nor a list of strings")
	}
	*l = many
	return nil
}

// parsePolicy reads a policy document and refuses what cannot be evaluated.
func parsePolicy(b []byte) (*policyDoc, error) {
	var doc struct {
		Version   string          `json:"Version"`
		Statement json.RawMessage `json:"Statement"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("could not parse policy: %w", err)
	}
	type rawStatement struct {
		Effect                                   string
		Action, NotAction, Resource, NotResource list
		Principal, NotPrincipal                  json.RawMessage
		Condition                                map[string]map[string]json.RawMessage
	}
	var raws []rawStatement
	if err := json.Unmarshal(doc.Statement, &raws); err != nil {
		var one rawStatement
		if json.Unmarshal(doc.Statement, &one) != nil {
			return nil, errors.New("could not parse policy: Statement is neither an object nor a list of objects: " + err.Error())
		}
		raws = []rawStatement{one}
	}
	p := &policyDoc{version: doc.Version}
	for i, r := range raws {
		st := statement{deny: r.Effect == "Deny", actions: r.Action, resources: r.Resource, conditions: map[string]map[string][]string{}}
		if r.Effect != "Allow" && r.Effect != "Deny" {
			return nil, fmt.Errorf("could not parse policy: statement %d has the effect %q, neither Allow nor Deny", i, r.Effect)
		}
		if r.NotAction != nil {
			st.actions, st.notActions = r.NotAction, true
		}
		if r.NotResource != nil {
			st.resources, st.notResources = r.NotResource, true
		}
		if len(st.actions) == 0 || len(st.resources) == 0 {
			return nil, fmt.Errorf("could not parse policy: statement %d needs an Action and a Resource", i)
		}
		if r.NotPrincipal != nil {
			return nil, fmt.Errorf("could not parse policy: statement %d has a NotPrincipal, which this simulator does not evaluate", i)
		}
		st.anyone = principalIsAnyone(r.Principal)
		for op, keys := range r.Condition {
			st.conditions[op] = map[string][]string{}
			for key, raw := range keys {
				values, err := conditionValues(raw)
				if err != nil {
					return nil, fmt.Errorf("could not parse policy: condition %s of %s: %w", key, op, err)
				}
				st.conditions[op][key] = values
			}
		}
		p.statements = append(p.statements, st)
	}
	return p, nil
}

func principalIsAnyone(raw json.RawMessage) bool {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s == "*"
	}
	var m map[string]list
	if json.Unmarshal(raw, &m) != nil {
		return false
	}
	for _, v := range m["AWS"] {
		if v == "*" {
			return true
		}
	}
	return false
}

// conditionValues accepts strings, booleans and numbers, single or in a list.
func conditionValues(raw json.RawMessage) ([]string, error) {
	var many []any
	if json.Unmarshal(raw, &many) != nil {
		var one any
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, err
		}
		many = []any{one}
	}
	var out []string
	for _, v := range many {
		switch v.(type) {
		case string, bool, float64:
			out = append(out, fmt.Sprint(v))
		default:
			return nil, errors.New("values must be strings, numbers or booleans")
		}
	}
	return out, nil
}

// facts are the condition keys known at evaluation.
type facts map[string]string

// evaluate says what the policy means for execute-api:Invoke on arn. A condition that it does not know is an error, never
// a guess. match narrows the statements (a resource policy counts only those for everybody); nil takes all.
func (p *policyDoc) evaluate(arn string, f facts, match func(statement) bool) (verdict, error) {
	out := implicitDeny
	for _, st := range p.statements {
		if match != nil && !match(st) {
			continue
		}
		if matchesAny(st.actions, "execute-api:Invoke", true) == st.notActions || matchesAny(st.resources, arn, false) == st.notResources {
			continue
		}
		ok, err := st.holds(f)
		if err != nil {
			return implicitDeny, err
		}
		if !ok {
			continue
		}
		if st.deny {
			return explicitDeny, nil
		}
		out = allowed
	}
	return out, nil
}

func matchesAny(patterns []string, s string, fold bool) bool {
	for _, p := range patterns {
		if fold {
			p, s = strings.ToLower(p), strings.ToLower(s)
		}
		if wildcard(p, s) {
			return true
		}
	}
	return false
}

// wildcard matches * (any run, slashes and colons included) and ? (one character) as IAM does for execute-api ARNs.
func wildcard(p, s string) bool {
	pi, si, star, mark := 0, 0, -1, 0
	for si < len(s) {
		switch {
		case pi < len(p) && p[pi] == '*':
			star, mark = pi, si
			pi++
		case pi < len(p) && (p[pi] == '?' || p[pi] == s[si] || p[pi] == literalStar && s[si] == '*' || p[pi] == literalMark && s[si] == '?'):
			pi, si = pi+1, si+1
		case star >= 0:
			mark++
			pi, si = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(p[pi:], "*") == ""
}

// holds evaluates the conditions of a statement: every operator and key must hold, one value of each is enough.
func (st statement) holds(f facts) (bool, error) {
	for op, keys := range st.conditions {
		for key, values := range keys {
			got, known := f[strings.ToLower(key)]
			if !known {
				return false, fmt.Errorf("condition key %s is not known to this simulator", key)
			}
			ok, err := holdsAny(op, got, values)
			if err != nil {
				return false, err
			}
			if !ok {
				return false, nil
			}
		}
	}
	return true, nil
}

func holdsAny(op, got string, values []string) (bool, error) {
	negative := strings.Contains(op, "Not")
	for _, want := range values {
		var ok bool
		switch op {
		case "StringEquals", "StringNotEquals":
			ok = got == want
		case "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase":
			ok = strings.EqualFold(got, want)
		case "StringLike", "StringNotLike":
			ok = wildcard(want, got)
		case "Bool":
			ok = strings.EqualFold(got, want)
		case "IpAddress", "NotIpAddress":
			in, err := inNetwork(got, want)
			if err != nil {
				return false, err
			}
			ok = in
		case "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals":
			a, errA := time.Parse(time.RFC3339, got)
			b, errB := time.Parse(time.RFC3339, want)
			if errA != nil || errB != nil {
				return false, fmt.Errorf("condition %s needs a date in RFC 3339 form, not %q", op, want)
			}
			ok = strings.HasPrefix(op, "DateLess") && a.Before(b) || strings.HasPrefix(op, "DateGreater") && a.After(b) ||
				strings.HasSuffix(op, "Equals") && a.Equal(b)
		default:
			return false, fmt.Errorf("condition operator %s is not known to this simulator", op)
		}
		if ok {
			return !negative, nil
		}
	}
	return negative, nil
}

func inNetwork(ip, network string) (bool, error) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return false, fmt.Errorf("source address %q: %w", ip, err)
	}
	if !strings.Contains(network, "/") {
		one, err := netip.ParseAddr(network)
		return err == nil && one == addr.Unmap(), err
	}
	p, err := netip.ParsePrefix(network)
	if err != nil {
		return false, err
	}
	return p.Contains(addr.Unmap()), nil
}
