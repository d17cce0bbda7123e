package specification

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"portcullis/control"
)

// maxDepth bounds how deep objects and arrays are nested.
const maxDepth = 200

// unreadable is the answer to a text that is no document at all.
func unreadable(line int, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if line > 0 {
		what = fmt.Sprintf("line %d: %s", line, what)
	}
	e := control.Errorf(control.Invalid, "invalid_specification", "the specification cannot be read: %s", what)
	e.Fields = map[string]string{"#": what}
	return e
}

// parse makes one tree of JSON or YAML. JSON gets a reader of its own: YAML's does not read all of it.
func parse(text []byte) (*yaml.Node, error) {
	text = bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF"))
	switch {
	case len(text) > MaxBytes:
		return nil, unreadable(0, "it has %d bytes; at most %d are read", len(text), MaxBytes)
	case len(bytes.TrimSpace(text)) == 0:
		return nil, unreadable(0, "it is empty")
	case !utf8.Valid(text):
		return nil, unreadable(0, "it is not UTF-8")
	}
	if b := bytes.TrimLeft(text, " \t\r\n"); b[0] == '{' {
		return parseJSON(text)
	}
	return parseYAML(text)
}

var yamlLine = regexp.MustCompile(`^line ([0-9]{1,9}): `)

func parseYAML(text []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, unreadable(0, "it is empty")
		}
		message, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
		if m := yamlLine.FindStringSubmatch(message); m != nil {
			line, _ = strconv.Atoi(m[1])
			message = message[len(m[0]):]
		}
		return nil, unreadable(line, "%s", clip(message))
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, unreadable(more.Line, "a second document follows; import them one by one")
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, unreadable(0, "it is empty")
	}
	if !shallow(&doc, 0) {
		return nil, unreadable(0, "it is nested more than %d levels deep", maxDepth)
	}
	return deref(doc.Content[0]), nil
}

// shallow reports that nothing is nested too deep; aliases are not followed, so it ends.
func shallow(n *yaml.Node, depth int) bool {
	if depth > maxDepth {
		return false
	}
	for _, c := range n.Content {
		if !shallow(c, depth+1) {
			return false
		}
	}
	return true
}

// jsonReader reads JSON into the tree that the YAML reader makes.
type jsonReader struct {
	text []byte
	dec  *json.Decoder
	line int // of offset
	read int // bytes of text whose lines are counted
}

func parseJSON(text []byte) (*yaml.Node, error) {
	j := &jsonReader{text: text, dec: json.NewDecoder(bytes.NewReader(text)), line: 1}
	j.dec.UseNumber()
	root, err := j.value(0)
	if err == nil {
		if _, end := j.dec.Token(); !errors.Is(end, io.EOF) {
			return nil, unreadable(j.here(j.dec.InputOffset()), "something follows the end of the JSON")
		}
		return root, nil
	}
	var known *control.Error
	if errors.As(err, &known) {
		return nil, err
	}
	offset := j.dec.InputOffset()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset = syntax.Offset
	}
	message := strings.TrimPrefix(err.Error(), "json: ")
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		message, offset = "the JSON ends too early", int64(len(text))
	}
	return nil, unreadable(j.here(offset), "%s", clip(message))
}

// here is the line of an offset; offsets only grow, but for an error's.
func (j *jsonReader) here(offset int64) int {
	to := min(int(offset), len(j.text))
	if to < j.read {
		return 1 + bytes.Count(j.text[:to], []byte{'\n'})
	}
	j.line += bytes.Count(j.text[j.read:to], []byte{'\n'})
	j.read = to
	return j.line
}

func (j *jsonReader) value(depth int) (*yaml.Node, error) {
	t, err := j.dec.Token()
	if err != nil {
		return nil, err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: j.here(j.dec.InputOffset())}
	switch t := t.(type) {
	case json.Delim:
		if depth >= maxDepth {
			return nil, unreadable(n.Line, "it is nested more than %d levels deep", maxDepth)
		}
		n.Kind = yaml.SequenceNode
		if t == '{' {
			n.Kind = yaml.MappingNode
		}
		for j.dec.More() {
			c, err := j.value(depth + 1) // of an object: names and values in turn
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, c)
		}
		_, err := j.dec.Token()
		return n, err
	case string:
		n.Tag, n.Value = "!!str", t
	case json.Number:
		n.Tag, n.Value = "!!float", t.String()
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(t)
	case nil:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, nil
}
