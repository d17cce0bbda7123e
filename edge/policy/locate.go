package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Locate finds a member in the text of a JSON document, for an editor that shows the validators of a visual policy as
// text: path is that of a Problem, e.g. "validators[0].conf.fields[1].comparator", relative to the document. Line and
// column count from 1, the column in bytes; they are those of the member's value. When only the beginning of the path
// is there, because a member is missing, the position is that of the innermost part that is; (1, 1) at worst.
func Locate(doc []byte, path string) (line, column int) {
	l := &locator{dec: json.NewDecoder(bytes.NewReader(doc)), doc: doc, want: path}
	l.dec.UseNumber()
	l.value("")
	before := doc[:min(l.best, len(doc))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}

type locator struct {
	dec     *json.Decoder
	doc     []byte
	want    string
	best    int // offset of the innermost part found
	bestLen int
	depth   int
}

// value reads one value at path; it gives up at the first syntax error, with what was found until then.
func (l *locator) value(path string) bool {
	l.found(path)
	if l.depth++; l.depth > 1000 {
		return false
	}
	defer func() { l.depth-- }()
	tok, err := l.dec.Token()
	if err != nil {
		return false
	}
	switch tok {
	case json.Delim('{'):
		for l.dec.More() {
			key, err := l.dec.Token()
			name, ok := key.(string)
			if err != nil || !ok {
				return false
			}
			sub := name
			if path != "" {
				sub = path + "." + name
			}
			if !l.value(sub) {
				return false
			}
		}
	case json.Delim('['):
		for i := 0; l.dec.More(); i++ {
			if !l.value(fmt.Sprintf("%s[%d]", path, i)) {
				return false
			}
		}
	default:
		return true
	}
	_, err = l.dec.Token() // the closing bracket
	return err == nil
}

// found notes where the value at path starts when path leads to the wanted one.
func (l *locator) found(path string) {
	if len(path) < l.bestLen || len(path) > len(l.want) || l.want[:len(path)] != path {
		return
	}
	if rest := l.want[len(path):]; rest != "" && path != "" && rest[0] != '.' && rest[0] != '[' {
		return
	}
	offset := int(l.dec.InputOffset())
	for offset < len(l.doc) && bytes.IndexByte([]byte(" \t\r\n,:"), l.doc[offset]) >= 0 {
		offset++
	}
	l.best, l.bestLen = offset, len(path)
}
