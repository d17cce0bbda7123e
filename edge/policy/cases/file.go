package cases

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"portcullis/edge/policy"
	"portcullis/edge/waist"
)

// File is one file of cases.
type File struct {
	// Policies of this file by id; they shadow policies of the same id that the caller brings.
	Policies map[string]Policy `json:"policies,omitempty"`
	// CedarSchema is a schema in Cedar's own syntax, which the file's Cedar policies must fit.
	CedarSchema string `json:"cedar_schema,omitempty"`
	// Input is the base: the input of every case is laid over it, member by member.
	Input map[string]any `json:"input,omitempty"`
	// Now is the clock of cases that set none. The zero value means 2026-01-15T12:00:00Z, a Thursday: a case whose
	// outcome depends on when it runs is no test.
	Now   time.Time `json:"now,omitzero"`
	Cases []Case    `json:"cases"`
}

// Policy is a policy as it is written in a file: Conf may be any YAML, a definition usually is a block of text.
type Policy struct {
	Name       string          `json:"policy_name,omitempty"`
	Language   string          `json:"language"`
	Type       string          `json:"type,omitempty"` // absent means "api"
	EnvVersion string          `json:"env_version,omitempty"`
	Definition string          `json:"definition,omitempty"`
	Validators json.RawMessage `json:"validators,omitempty"`
	// Reads is what the policy is expected to read, as policy.Reads.List prints it; it is checked when present.
	Reads *[]string `json:"reads,omitempty"`
	// Check lists parts of the messages that the check on save is expected to give, in order; absent means that the
	// policy must have no problem but warnings.
	Check []string `json:"check,omitempty"`
}

// Case is one input and what is expected.
type Case struct {
	Name   string         `json:"name,omitempty"`
	Policy string         `json:"policy"`
	Input  map[string]any `json:"input,omitempty"`
	// Allow is the expected decision.
	Allow bool `json:"allow"`
	// Reason is the expected reason code; absent means "policy_denied" when Allow is false.
	Reason string `json:"reason,omitempty"`
	// Output is checked when present.
	Output map[string]any `json:"output,omitempty"`
	// Failure is a part of one of the failures' messages or details; checked when present.
	Failure string `json:"failure,omitempty"`

	line int
}

// Limits of one file.
const (
	maxFileBytes = 4 << 20
	maxCases     = 10000
)

var defaultNow = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// Parse reads a file. Unknown members are errors: a misspelt expectation would never fail.
func Parse(src []byte) (*File, error) {
	root, err := parseYAML(src)
	if err != nil {
		return nil, err
	}
	doc, err := toJSON(root, 0)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	f := &File{}
	if err := dec.Decode(f); err != nil {
		return nil, fmt.Errorf("the file is not a file of cases: %w", err)
	}
	if len(f.Cases) > maxCases {
		return nil, fmt.Errorf("the file has %d cases; %d are allowed", len(f.Cases), maxCases)
	}
	for i, line := range caseLines(root) {
		if i < len(f.Cases) {
			f.Cases[i].line = line
		}
	}
	if f.Now.IsZero() {
		f.Now = defaultNow
	}
	return f, nil
}

// ParsePolicies reads policies by id from YAML, as they stand under "policies" of a file of cases.
func ParsePolicies(src []byte) ([]waist.Policy, error) {
	f, err := Parse(append([]byte("cases: []\npolicies:\n"), indent(src)...))
	if err != nil {
		return nil, err
	}
	return f.policies()
}

func indent(src []byte) []byte {
	return append([]byte("  "), bytes.ReplaceAll(src, []byte("\n"), []byte("\n  "))...)
}

func parseYAML(src []byte) (*yaml.Node, error) {
	if len(src) > maxFileBytes {
		return nil, fmt.Errorf("the file has %d bytes; %d are allowed", len(src), maxFileBytes)
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var root yaml.Node
	switch err := dec.Decode(&root); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the file is empty")
	case err != nil:
		return nil, err
	}
	if len(root.Content) != 1 {
		return nil, errors.New("the file is empty")
	}
	return root.Content[0], nil
}

// caseLines is the line of every case.
func caseLines(root *yaml.Node) []int {
	var lines []int
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "cases" {
			for _, c := range root.Content[i+1].Content {
				lines = append(lines, c.Line)
			}
		}
	}
	return lines
}

const maxYAMLDepth = 64

// toJSON turns YAML into what encoding/json makes. Numbers keep their spelling, timestamps stay texts, and aliases and
// merge keys are refused: a file is meant to be read by people.
func toJSON(n *yaml.Node, depth int) (any, error) {
	if depth > maxYAMLDepth {
		return nil, fmt.Errorf("line %d: nested more than %d deep", n.Line, maxYAMLDepth)
	}
	switch n.Kind {
	case yaml.MappingNode:
		out := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
				return nil, fmt.Errorf("line %d: a key must be a plain text", k.Line)
			}
			if _, ok := out[k.Value]; ok {
				return nil, fmt.Errorf("line %d: the key %q is there twice", k.Line, k.Value)
			}
			v, err := toJSON(n.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			out[k.Value] = v
		}
		return out, nil
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := toJSON(c, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case yaml.ScalarNode:
		return scalar(n)
	}
	return nil, fmt.Errorf("line %d: anchors and aliases are not used in files of cases", n.Line)
}

func scalar(n *yaml.Node) (any, error) {
	switch n.Tag {
	case "!!null":
		return nil, nil
	case "!!bool":
		var b bool
		err := n.Decode(&b)
		return b, err
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value), nil
		}
		var i int64
		if err := n.Decode(&i); err == nil {
			return json.Number(strconv.FormatInt(i, 10)), nil
		}
		return nil, fmt.Errorf("line %d: %q is not a number that JSON has", n.Line, n.Value)
	}
	return n.Value, nil
}

// policies turns the policies of the file into those of the wire, sorted by id.
func (f *File) policies() ([]waist.Policy, error) {
	out := make([]waist.Policy, 0, len(f.Policies))
	for _, id := range slices.Sorted(maps.Keys(f.Policies)) {
		p := f.Policies[id]
		w := waist.Policy{ID: id, PolicyName: p.Name, Language: p.Language, Type: p.Type, Definition: p.Definition, EnvVersion: p.EnvVersion}
		if w.Type == "" {
			w.Type = "api"
		}
		if len(p.Validators) > 0 {
			if err := json.Unmarshal(p.Validators, &w.Validators); err != nil {
				return nil, fmt.Errorf("policy %s: validators: %w", id, err)
			}
		}
		out = append(out, w)
	}
	return out, nil
}

// input lays the case's input over the file's.
func (f *File) input(c *Case) (*policy.Input, error) {
	text, err := json.Marshal(overlay(f.Input, c.Input))
	if err != nil {
		return nil, err
	}
	return DecodeInput(text, f.Now)
}

// DecodeInput reads the JSON of an input document strictly. Numbers keep their precision; now is the clock when the
// document has none.
func DecodeInput(text []byte, now time.Time) (*policy.Input, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	in := &policy.Input{}
	if err := dec.Decode(in); err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	if in.Now.IsZero() {
		in.Now = now
	}
	return in, nil
}

func overlay(base, over map[string]any) map[string]any {
	out := maps.Clone(base)
	if out == nil {
		out = map[string]any{}
	}
	for k, v := range over {
		b, okBase := out[k].(map[string]any)
		o, okOver := v.(map[string]any)
		if okBase && okOver {
			v = overlay(b, o)
		}
		out[k] = v
	}
	return out
}
