package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Document is a parsed policy.
type Document struct {
	Version    string
	ID         string
	Statements []Statement
}

// Statement is one statement. Exactly one of Actions and NotActions is set; resource statements likewise.
type Statement struct {
	Sid          string
	Deny         bool
	Principals   *Principals
	NotPrincipal bool // Principals names who is not meant
	Actions      []string
	NotActions   []string
	Resources    []string
	NotResources []string
	Conditions   []Condition
}

// Principals is the Principal member of a resource or trust policy.
type Principals struct {
	Anyone    bool
	AWS       []string // ARNs, account numbers, "*"
	Services  []string // "lambda.amazonaws.com"
	Federated []string
}

// Condition is one operator on one context key; several values are alternatives.
type Condition struct {
	Operator string
	Key      string
	Values   []string
}

// Kind says where a document stands, which decides the members it must and must not have.
type Kind int

const (
	Identity Kind = iota // of a role or user: Resource, no Principal
	Trust                // AssumeRolePolicyDocument: Principal, no Resource
	Resource             // of a function or bucket: Principal and Resource
)

// maxDocument is the size AWS allows the largest policy kind (20,480 for functions); identity policies are bounded by
// package iam.
const maxDocument = 20480

// list accepts a string or an array of strings, booleans and numbers, as IAM does.
type list []string

func (l *list) UnmarshalJSON(b []byte) error {
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return err
	}
	items, ok := v.([]any)
	if !ok {
		items = []any{v}
	}
	for _, it := range items {
		switch x := it.(type) {
		case string:
			*l = append(*l, x)
		case bool, json.Number:
			*l = append(*l, fmt.Sprint(x))
		default:
			return errors.New("expected a string or a list of strings")
		}
	}
	return nil
}

type rawStatement struct {
	Sid          string
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Action       list
	NotAction    list
	Resource     list
	NotResource  list
	Condition    map[string]map[string]list
}

// Parse reads a document. Errors say what is wrong; package iam wraps them as MalformedPolicyDocument.
func Parse(text []byte, kind Kind) (*Document, error) {
	if len(text) > maxDocument {
		return nil, fmt.Errorf("the policy is %d bytes long, more than %d", len(text), maxDocument)
	}
	var raw struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if err := strict(text, &raw); err != nil {
		return nil, err
	}
	switch raw.Version {
	case "", "2008-10-17", "2012-10-17":
	default:
		return nil, fmt.Errorf("the version %q is neither 2008-10-17 nor 2012-10-17", raw.Version)
	}
	var raws []rawStatement
	if s := bytes.TrimSpace(raw.Statement); len(s) > 0 && s[0] == '{' {
		raws = make([]rawStatement, 1)
		if err := strict(s, &raws[0]); err != nil {
			return nil, err
		}
	} else if len(s) == 0 {
		return nil, errors.New("the policy has no Statement")
	} else if err := strict(s, &raws); err != nil {
		return nil, err
	}
	d := &Document{Version: raw.Version, ID: raw.ID}
	for i, r := range raws {
		st, err := r.statement(kind)
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
		d.Statements = append(d.Statements, st)
	}
	return d, nil
}

func strict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("text after the end of the JSON document")
	}
	return nil
}

func (r rawStatement) statement(kind Kind) (Statement, error) {
	s := Statement{Sid: r.Sid, Actions: r.Action, NotActions: r.NotAction, Resources: r.Resource, NotResources: r.NotResource}
	switch r.Effect {
	case "Allow":
	case "Deny":
		s.Deny = true
	default:
		return s, fmt.Errorf("the Effect is %q, not Allow or Deny", r.Effect)
	}
	if (len(s.Actions) == 0) == (len(s.NotActions) == 0) {
		return s, errors.New("exactly one of Action and NotAction is needed")
	}
	for _, a := range append(append([]string{}, s.Actions...), s.NotActions...) {
		if service, verb, ok := strings.Cut(a, ":"); a != "*" && (!ok || service == "" || verb == "") {
			return s, fmt.Errorf("the action %q is not of the form service:Action", a)
		}
	}
	if kind == Trust {
		if len(s.Resources)+len(s.NotResources) > 0 {
			return s, errors.New("a trust policy has no Resource")
		}
	} else if (len(s.Resources) == 0) == (len(s.NotResources) == 0) {
		return s, errors.New("exactly one of Resource and NotResource is needed")
	}
	for _, res := range append(append([]string{}, s.Resources...), s.NotResources...) {
		if res != "*" && !strings.HasPrefix(res, "arn:") {
			return s, fmt.Errorf("the resource %q is neither * nor an ARN", res)
		}
	}
	if err := s.readPrincipals(r, kind); err != nil {
		return s, err
	}
	for op, keys := range r.Condition {
		if _, err := operator(op); err != nil {
			return s, err
		}
		for k, v := range keys {
			s.Conditions = append(s.Conditions, Condition{Operator: op, Key: k, Values: v})
		}
	}
	return s, nil
}

func (s *Statement) readPrincipals(r rawStatement, kind Kind) error {
	raw := r.Principal
	if len(r.NotPrincipal) > 0 {
		if len(raw) > 0 {
			return errors.New("a statement has Principal or NotPrincipal, not both")
		}
		raw, s.NotPrincipal = r.NotPrincipal, true
	}
	if kind == Identity {
		if len(raw) > 0 {
			return errors.New("an identity policy has no Principal")
		}
		return nil
	}
	if len(raw) == 0 {
		return errors.New("a Principal is needed")
	}
	var word string
	if json.Unmarshal(raw, &word) == nil {
		if word != "*" {
			return fmt.Errorf("the Principal %q is neither * nor an object", word)
		}
		s.Principals = &Principals{Anyone: true}
		return nil
	}
	var p struct {
		AWS       list
		Service   list
		Federated list
	}
	if err := strict(raw, &p); err != nil {
		return err
	}
	s.Principals = &Principals{AWS: p.AWS, Services: p.Service, Federated: p.Federated}
	return nil
}
