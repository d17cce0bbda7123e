package scan

import (
	"encoding/json"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds nesting; encoding/json allows more.
const maxDepth = 64

// Text is a JSON text and how far it has been read. After a failure every method returns its zero value at once, so that
// a reader has to ask only at the end, with Done.
type Text struct {
	s      string
	i      int
	depth  int
	first  bool // the next member or element is the first of its object or array
	failed bool
}

// Of starts to read s. The strings that are read share its memory.
func Of(s string) *Text { return &Text{s: s} }

// Done reports whether everything was plain and nothing but white space is left.
func (t *Text) Done() bool {
	t.space()
	return !t.failed && t.i == len(t.s)
}

// Fail gives the text up.
func (t *Text) Fail() { t.failed, t.i = true, len(t.s) }

// peek is the next byte after white space, 0 at the end.
func (t *Text) peek() byte {
	t.space()
	if t.i < len(t.s) {
		return t.s[t.i]
	}
	return 0
}

func (t *Text) space() {
	for t.i < len(t.s) {
		switch t.s[t.i] {
		case ' ', '\n', '\t', '\r':
			t.i++
		default:
			return
		}
	}
}

// Null reads a null if there is one.
func (t *Text) Null() bool { return t.peek() == 'n' && t.word("null") }

func (t *Text) word(w string) bool {
	if strings.HasPrefix(t.s[t.i:], w) {
		t.i += len(w)
		return true
	}
	t.Fail()
	return false
}

// open begins an object or an array; false for null.
func (t *Text) open(c byte) bool {
	if t.Null() {
		return false
	}
	if t.depth++; t.peek() != c || t.depth > maxDepth {
		t.Fail()
		return false
	}
	t.i++
	t.first = true
	return true
}

// more reads what stands before a further member or element, or the end of the object or array.
func (t *Text) more(end byte) bool {
	c := t.peek()
	if c == end {
		t.i++
		t.depth--
		t.first = false
		return false
	}
	if t.first {
		t.first = false
		return !t.failed
	}
	if c != ',' {
		t.Fail()
		return false
	}
	t.i++
	return true
}

// Elements reads an array: its body reads one element. null has none.
func (t *Text) Elements() iter.Seq[struct{}] {
	return func(yield func(struct{}) bool) {
		if t.open('[') {
			for t.more(']') && yield(struct{}{}) {
			}
		}
	}
}

// Members reads an object: its body reads the value of the member that is named. null has none. A name may come twice.
func (t *Text) Members() iter.Seq[string] {
	return func(yield func(string) bool) {
		if t.open('{') {
			for name, ok := t.member(); ok && yield(name); name, ok = t.member() {
			}
		}
	}
}

// member reads the name of the next member; ok is false at the end of the object.
func (t *Text) member() (name string, ok bool) {
	if !t.more('}') {
		return "", false
	}
	if t.peek() != '"' {
		t.Fail()
		return "", false
	}
	name = t.String()
	if t.peek() != ':' {
		t.Fail()
		return "", false
	}
	t.i++
	return name, true
}

// Fields reads an object of which the names are known, 64 at most: its body reads the value of the member that is named.
// Other members are skipped. A member that comes twice fails, and so does one that fits in another case: encoding/json
// would take it.
func (t *Text) Fields(names []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !t.open('{') {
			return
		}
		var seen uint64
		for name, ok := t.member(); ok; name, ok = t.member() {
			i := slices.Index(names, name)
			switch {
			case i < 0 && !slices.ContainsFunc(names, func(known string) bool { return strings.EqualFold(name, known) }):
				t.Skip()
				continue
			case i < 0 || seen&(1<<i) != 0:
				t.Fail()
				return
			}
			seen |= 1 << i
			if !yield(name) {
				return
			}
		}
	}
}

// String reads a string; null is "".
func (t *Text) String() string {
	if t.Null() {
		return ""
	}
	raw, plain := t.quoted()
	if plain || raw == "" {
		return raw
	}
	return t.unescape(raw)
}

// quoted reads a string and returns what is between the quotes, and whether that is what the string says.
func (t *Text) quoted() (raw string, plain bool) {
	if t.peek() != '"' {
		t.Fail()
		return "", false
	}
	s, start := t.s, t.i+1
	plain = true
	high := false
	for i := start; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			t.i = i + 1
			raw = s[start:i]
			if high && !utf8.ValidString(raw) {
				t.Fail()
				return "", false
			}
			return raw, plain
		case c == '\\':
			plain = false
			i++ // whatever is escaped is not the end
		case c < ' ':
			t.Fail()
			return "", false
		case c >= utf8.RuneSelf:
			high = true
		}
	}
	t.Fail()
	return "", false
}

// unescape leaves escapes to encoding/json.
func (t *Text) unescape(raw string) string {
	var s string
	if json.Unmarshal([]byte(`"`+raw+`"`), &s) != nil {
		t.Fail()
		return ""
	}
	return s
}

// Int reads an integer; null is 0.
func (t *Text) Int() int64 {
	if t.Null() {
		return 0
	}
	text := t.number()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fail()
		return 0
	}
	return n
}

// number reads a number (RFC 8259 section 6) and returns its text.
func (t *Text) number() string {
	t.space()
	start := t.i
	if t.at('-') {
		t.i++
	}
	if t.at('0') {
		t.i++
	} else if !t.digits() {
		t.Fail()
		return ""
	}
	if t.at('.') {
		t.i++
		if !t.digits() {
			t.Fail()
			return ""
		}
	}
	if t.at('e') || t.at('E') {
		t.i++
		if t.at('+') || t.at('-') {
			t.i++
		}
		if !t.digits() {
			t.Fail()
			return ""
		}
	}
	return t.s[start:t.i]
}

func (t *Text) at(c byte) bool { return t.i < len(t.s) && t.s[t.i] == c }

func (t *Text) digits() bool {
	start := t.i
	for t.i < len(t.s) && '0' <= t.s[t.i] && t.s[t.i] <= '9' {
		t.i++
	}
	return t.i > start
}

// Bool reads true or false; null is false.
func (t *Text) Bool() bool {
	switch t.peek() {
	case 't':
		return t.word("true")
	case 'f':
		t.word("false")
	case 'n':
		t.word("null")
	default:
		t.Fail()
	}
	return false
}

// Strings reads an array of strings; null is nil.
func (t *Text) Strings() []string {
	if t.Null() {
		return nil
	}
	list := []string{}
	for range t.Elements() {
		list = append(list, t.String())
	}
	return list
}

// Raw reads any value and returns its text as it stands.
func (t *Text) Raw() string {
	t.space()
	start := t.i
	t.Skip()
	if t.failed {
		return ""
	}
	return t.s[start:t.i]
}

// Skip reads any value and checks its grammar.
func (t *Text) Skip() {
	switch c := t.peek(); c {
	case '{':
		for range t.Members() {
			t.Skip()
		}
	case '[':
		for range t.Elements() {
			t.Skip()
		}
	case '"':
		_ = t.String() // an escape may be none
	case 't', 'f':
		t.Bool()
	case 'n':
		t.Null()
	default:
		t.number()
	}
}
