package token

import (
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds nesting: a token needs a handful of levels, and the parser recurses.
const maxDepth = 32

type errJSON string

func (e errJSON) Error() string { return string(e) }

// parseObject reads one JSON object (RFC 8259) and refuses what encoding/json lets pass: duplicate members at any
// depth, invalid UTF-8, lone surrogate escapes, and nesting beyond maxDepth. Two readers of such a text could see two
// different claims.
//
// Numbers become float64 where that is exact enough to compare (integers up to 2^53, fractions), json.Number beyond,
// so that two different large identifiers never become equal.
func parseObject(b []byte) (map[string]any, error) {
	p := parser{b: b}
	p.space()
	if p.peek() != '{' {
		return nil, errJSON("not a JSON object")
	}
	v, err := p.object(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.i != len(p.b) {
		return nil, errJSON("text after the JSON object")
	}
	return v, nil
}

type parser struct {
	b []byte
	i int
}

func (p *parser) peek() byte {
	if p.i < len(p.b) {
		return p.b[p.i]
	}
	return 0
}

func (p *parser) space() {
	for p.i < len(p.b) {
		switch p.b[p.i] {
		case ' ', '\t', '\r', '\n':
			p.i++
		default:
			return
		}
	}
}

func (p *parser) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errJSON("nested too deeply")
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.str()
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	switch {
	case p.word("true"):
		return true, nil
	case p.word("false"):
		return false, nil
	case p.word("null"):
		return nil, nil
	}
	return nil, errJSON("not JSON")
}

func (p *parser) word(w string) bool {
	if len(p.b)-p.i >= len(w) && string(p.b[p.i:p.i+len(w)]) == w {
		p.i += len(w)
		return true
	}
	return false
}

func (p *parser) object(depth int) (map[string]any, error) {
	p.i++ // '{'
	m := make(map[string]any, 8)
	p.space()
	if p.peek() == '}' {
		p.i++
		return m, nil
	}
	for {
		p.space()
		if p.peek() != '"' {
			return nil, errJSON("member name expected")
		}
		name, err := p.str()
		if err != nil {
			return nil, err
		}
		if _, twice := m[name]; twice {
			return nil, errJSON("duplicate member")
		}
		p.space()
		if p.peek() != ':' {
			return nil, errJSON("colon expected")
		}
		p.i++
		p.space()
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		m[name] = v
		p.space()
		switch p.peek() {
		case ',':
			p.i++
		case '}':
			p.i++
			return m, nil
		default:
			return nil, errJSON("comma or brace expected")
		}
	}
}

func (p *parser) array(depth int) ([]any, error) {
	p.i++ // '['
	a := []any{}
	p.space()
	if p.peek() == ']' {
		p.i++
		return a, nil
	}
	for {
		p.space()
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
		p.space()
		switch p.peek() {
		case ',':
			p.i++
		case ']':
			p.i++
			return a, nil
		default:
			return nil, errJSON("comma or bracket expected")
		}
	}
}

// str reads a string. The common case, no escape, is one conversion.
func (p *parser) str() (string, error) {
	p.i++ // '"'
	start := p.i
	for p.i < len(p.b) {
		switch c := p.b[p.i]; {
		case c == '"':
			raw := p.b[start:p.i]
			p.i++
			if !utf8.Valid(raw) {
				return "", errJSON("invalid UTF-8")
			}
			return string(raw), nil
		case c == '\\':
			return p.escaped(start)
		case c < 0x20:
			return "", errJSON("control character in string")
		default:
			p.i++
		}
	}
	return "", errJSON("string without end")
}

func (p *parser) escaped(start int) (string, error) {
	out := append([]byte(nil), p.b[start:p.i]...)
	for p.i < len(p.b) {
		c := p.b[p.i]
		switch {
		case c == '"':
			p.i++
			if !utf8.Valid(out) {
				return "", errJSON("invalid UTF-8")
			}
			return string(out), nil
		case c < 0x20:
			return "", errJSON("control character in string")
		case c != '\\':
			out = append(out, c)
			p.i++
			continue
		}
		p.i++
		e := p.peek()
		p.i++
		switch e {
		case '"', '\\', '/':
			out = append(out, e)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, err := p.unicode()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		default:
			return "", errJSON("unknown escape")
		}
	}
	return "", errJSON("string without end")
}

// unicode reads the four digits after \u, and the second half of a surrogate pair.
func (p *parser) unicode() (rune, error) {
	r, err := p.hex4()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if p.i+1 < len(p.b) && p.b[p.i] == '\\' && p.b[p.i+1] == 'u' {
		p.i += 2
		low, err := p.hex4()
		if err != nil {
			return 0, err
		}
		if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
			return full, nil
		}
	}
	return 0, errJSON("lone surrogate")
}

func (p *parser) hex4() (rune, error) {
	if p.i+4 > len(p.b) {
		return 0, errJSON("escape without end")
	}
	n, err := strconv.ParseUint(string(p.b[p.i:p.i+4]), 16, 16)
	if err != nil || p.b[p.i] == '+' || p.b[p.i] == '_' {
		return 0, errJSON("bad \\u escape")
	}
	p.i += 4
	return rune(n), nil
}

func (p *parser) number() (any, error) {
	start := p.i
	if p.peek() == '-' {
		p.i++
	}
	switch c := p.peek(); {
	case c == '0':
		p.i++
	case '1' <= c && c <= '9':
		p.digits()
	default:
		return nil, errJSON("bad number")
	}
	integer := true
	if p.peek() == '.' {
		integer = false
		p.i++
		if !p.digits() {
			return nil, errJSON("bad number")
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		integer = false
		p.i++
		if c := p.peek(); c == '+' || c == '-' {
			p.i++
		}
		if !p.digits() {
			return nil, errJSON("bad number")
		}
	}
	text := string(p.b[start:p.i])
	if integer {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n > 1<<53 || n < -(1<<53) {
			if len(text) > 64 {
				return nil, errJSON("number too long")
			}
			return json.Number(text), nil
		}
		return float64(n), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, errJSON("number out of range")
	}
	return f, nil
}

func (p *parser) digits() bool {
	start := p.i
	for p.i < len(p.b) && '0' <= p.b[p.i] && p.b[p.i] <= '9' {
		p.i++
	}
	return p.i > start
}
