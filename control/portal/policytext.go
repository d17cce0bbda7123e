package portal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"portcullis/control"
	"portcullis/edge/waist"
)

// A visual policy is edited as YAML with the single top key "validators", the form in which ACP downloads and uploads
// one. JSON is read as well: it is YAML.

// visualText writes validators as YAML, members in the order they have in the policy.
func visualText(validators []waist.Validator) (string, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for i, v := range validators {
		m := &yaml.Node{Kind: yaml.MappingNode}
		put(m, "name", scalar(v.Name))
		if len(v.Conf) > 0 && string(v.Conf) != "null" {
			conf, err := fromJSON(v.Conf)
			if err != nil {
				return "", fmt.Errorf("read conf of validator %d: %w", i, err)
			}
			put(m, "conf", conf)
		}
		if len(v.Recovery) > 0 {
			recovery := &yaml.Node{Kind: yaml.SequenceNode}
			for _, r := range v.Recovery {
				one := &yaml.Node{Kind: yaml.MappingNode}
				put(one, "type", scalar(r.Type))
				recovery.Content = append(recovery.Content, one)
			}
			put(m, "recovery", recovery)
		}
		list.Content = append(list.Content, m)
	}
	root := &yaml.Node{Kind: yaml.MappingNode}
	put(root, "validators", list)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return "", fmt.Errorf("write validators: %w", err)
	}
	return out.String(), nil
}

func put(m *yaml.Node, key string, value *yaml.Node) {
	m.Content = append(m.Content, scalar(key), value)
}

// scalar is a text. One with line ends, tabs or signs that do not print is put in quotes: as a block it would not always
// be read back.
func scalar(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if strings.ContainsFunc(s, func(r rune) bool { return r != ' ' && !unicode.IsGraphic(r) || unicode.IsSpace(r) && r != ' ' }) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// fromJSON is a JSON value as a YAML node, members in their order.
func fromJSON(raw []byte) (*yaml.Node, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return nextJSON(dec)
}

func nextJSON(dec *json.Decoder) (*yaml.Node, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.MappingNode}
		if t == '[' {
			n.Kind = yaml.SequenceNode
		}
		for dec.More() {
			child, err := nextJSON(dec)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		if len(n.Content) == 0 {
			n.Style = yaml.FlowStyle
		}
		_, err := dec.Token()
		return n, err
	case string:
		return scalar(t), nil
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: t.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(t)}, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
}

// position is a place in a text, both counted from 1.
type position struct{ line, column int }

// readVisual reads validators and where each member stands: path as package policy names it → position.
func readVisual(text string) ([]waist.Validator, map[string]position, []textProblem) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, nil, []textProblem{yamlProblem(err)}
	}
	if doc.Kind == 0 {
		return nil, nil, []textProblem{{text: `The text is empty; it starts with "validators:".`}}
	}
	w := walker{places: map[string]position{}}
	body := w.toJSON(doc.Content[0], "", 0)
	if len(w.problems) > 0 {
		return nil, nil, w.problems
	}
	var policy struct {
		Validators []waist.Validator `json:"validators"`
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&policy); err != nil {
		return nil, nil, []textProblem{w.decodeProblem(err)}
	}
	return policy.Validators, w.places, nil
}

// walker turns a YAML tree into JSON. Anchors, aliases and merge keys are refused: they have no place in a policy, and a
// few of them can stand for a text of any size.
type walker struct {
	places   map[string]position
	problems []textProblem
}

const maxTextDepth = 64

func (w *walker) fail(n *yaml.Node, format string, args ...any) []byte {
	w.problems = append(w.problems, textProblem{line: n.Line, column: n.Column, text: fmt.Sprintf(format, args...)})
	return []byte("null")
}

func (w *walker) toJSON(n *yaml.Node, path string, depth int) []byte {
	w.places[path] = position{n.Line, n.Column}
	if depth > maxTextDepth {
		return w.fail(n, "nested more than %d deep", maxTextDepth)
	}
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		return w.fail(n, "anchors and aliases are not supported; write the value out")
	}
	switch n.Kind {
	case yaml.MappingNode:
		return w.object(n, path, depth)
	case yaml.SequenceNode:
		parts := make([][]byte, len(n.Content))
		for i, c := range n.Content {
			parts[i] = w.toJSON(c, path+"["+strconv.Itoa(i)+"]", depth+1)
		}
		return slicesJoin('[', parts, ']')
	}
	return w.scalar(n)
}

func (w *walker) object(n *yaml.Node, path string, depth int) []byte {
	seen := map[string]bool{}
	var parts [][]byte
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode || k.Tag == "!!merge":
			w.fail(k, "a member's name is a plain word")
			continue
		case seen[k.Value]:
			w.fail(k, "%s stands here twice", strconv.Quote(k.Value))
			continue
		case depth == 0 && k.Value != "validators":
			w.fail(k, "the only top member is validators; %s is not known", strconv.Quote(k.Value))
			continue
		}
		seen[k.Value] = true
		at := k.Value
		if path != "" {
			at = path + "." + k.Value
		}
		name, _ := json.Marshal(k.Value)
		parts = append(parts, append(append(name, ':'), w.toJSON(v, at, depth+1)...))
	}
	return slicesJoin('{', parts, '}')
}

func (w *walker) scalar(n *yaml.Node) []byte {
	var v any = n.Value
	switch n.ShortTag() {
	case "!!null", "!!bool", "!!int", "!!float":
		if err := n.Decode(&v); err != nil {
			return w.fail(n, "%s cannot be read", strconv.Quote(n.Value))
		}
	case "!!str", "!!timestamp":
	default:
		return w.fail(n, "values of the type %s are not supported", n.Tag)
	}
	b, err := json.Marshal(v)
	if err != nil { // .inf and .nan
		return w.fail(n, "%s is not a number that a policy can compare", n.Value)
	}
	return b
}

func slicesJoin(open byte, parts [][]byte, end byte) []byte {
	out := append([]byte{open}, bytes.Join(parts, []byte{','})...)
	return append(out, end)
}

// decodeProblem places an error of encoding/json as well as it can be placed.
func (w *walker) decodeProblem(err error) textProblem {
	var typed *json.UnmarshalTypeError
	if errors.As(err, &typed) {
		at := w.places["validators"]
		return textProblem{line: at.line, column: at.column, text: fmt.Sprintf("%s must not be a %s", nameOr(typed.Field, "the policy"), typed.Value)}
	}
	if _, member, ok := strings.Cut(err.Error(), "unknown field "); ok {
		bare, _ := strconv.Unquote(member)
		for path, at := range w.places {
			if strings.HasSuffix(path, "."+bare) && !strings.Contains(path, ".conf") {
				return textProblem{line: at.line, column: at.column, text: "a validator has name, conf and recovery; " + member + " is not known"}
			}
		}
	}
	return textProblem{text: strings.TrimPrefix(err.Error(), "json: ")}
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

func yamlProblem(err error) textProblem {
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1])
		return textProblem{line: line, text: m[2]}
	}
	return textProblem{text: strings.TrimPrefix(err.Error(), "yaml: ")}
}

func (p textProblem) place() string {
	if p.column == 0 {
		return fmt.Sprintf("Line %d", p.line)
	}
	return fmt.Sprintf("Line %d, column %d", p.line, p.column)
}

var lineColumn = regexp.MustCompile(`(?s)^line (\d+), column (\d+): (.*)$`)

// textProblems are the errors of a policy's body out of a control.Error: those of a visual policy by the place of the
// member they name, those of a source by the "line 3, column 7:" that their text starts with.
func textProblems(e *control.Error, places map[string]position) []textProblem {
	var out []textProblem
	for _, field := range sortedKeys(e.Fields) {
		member := strings.HasPrefix(field, "validators")
		if !member && field != "definition" {
			continue
		}
		one := textProblem{text: e.Fields[field]}
		if m := lineColumn.FindStringSubmatch(one.text); m != nil {
			one.line, _ = strconv.Atoi(m[1])
			one.column, _ = strconv.Atoi(m[2])
			one.text = m[3]
		}
		if at, ok := nearest(places, field); member && ok {
			one.line, one.column, one.text = at.line, at.column, field+": "+one.text
		}
		out = append(out, one)
	}
	return out
}

// nearest is the position of a member, or of the closest one around it that the text has.
func nearest(places map[string]position, path string) (position, bool) {
	for path != "" {
		if at, ok := places[path]; ok {
			return at, true
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return position{}, false
}
