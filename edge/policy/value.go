package policy

import (
	"cmp"
	"encoding/json"
	"math"
	"strconv"
)

// kind is what a field of the input turned out to be. JSON null counts as absent.
type kind uint8

const (
	kindAbsent kind = iota
	kindBool
	kindNumber
	kindText
	kindList  // []any, or []string
	kindOther // an object, or a Go type that no JSON decoder makes
)

// value is one field of the input, without boxing: reading a header or the method allocates nothing.
type value struct {
	kind  kind
	b     bool // of kindOther: it is an object with no members
	n     number
	s     string
	list  []any
	texts []string
}

// number is an exact integer, or else a float. A rough one has more digits than a float holds: two such numbers that are
// the same float may still be different numbers, and which is greater is not known then.
type number struct {
	whole bool
	rough bool
	i     int64
	f     float64
}

func wholeNumber(i int64) number {
	return number{whole: true, i: i, f: float64(i), rough: i > maxExact || i < -maxExact}
}

const (
	maxExact    = 1 << 53 // up to here every integer is a float
	exactDigits = 15      // decimals of so many digits are different floats when they are different (IEEE 754 binary64)
)

func floatNumber(f float64) number {
	if f == math.Trunc(f) && math.Abs(f) < maxExact {
		return wholeNumber(int64(f))
	}
	return number{f: f, rough: math.Abs(f) >= maxExact}
}

// parseNumber reads a JSON number. It refuses what JSON refuses ("Inf", "0x10", "1_000", "+1", "").
func parseNumber(s string) (number, bool) {
	if s == "" || len(s) > 64 {
		return number{}, false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && c != '-' && c != '.' && c != 'e' && c != 'E' && (c != '+' || i == 0) {
			return number{}, false
		}
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return wholeNumber(i), true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return number{}, false
	}
	if n := digits(s); n > exactDigits || f == 0 && n > 0 {
		return number{f: f, rough: true}, true
	}
	return floatNumber(f), true
}

// digits counts the significant digits of a number: 0 for zero, 2 for 0.0120e5 and for 1200.
func digits(s string) int {
	n, zeros := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == 'e' || c == 'E':
			return n
		case c == '0':
			zeros++ // counts when another digit follows one that counts
		case c >= '1' && c <= '9':
			if n > 0 {
				n += zeros
			}
			n, zeros = n+1, 0
		}
	}
	return n
}

// cmp is -1, 0 or +1, and false when that is not known. NaN never gets here: JSON has none.
func (a number) cmp(b number) (int, bool) {
	if a.whole && b.whole {
		return cmp.Compare(a.i, b.i), true
	}
	if c := cmp.Compare(a.f, b.f); c != 0 {
		return c, true // rounding keeps the order
	}
	return 0, !a.rough && !b.rough
}

// isText reports whether s is the shortest decimal form of the number: 42 is "42", and neither "042" nor "42.0".
func (a number) isText(s string) bool {
	if len(s) > 32 || a.rough && !a.whole {
		return false
	}
	var buf [32]byte
	return string(a.append(buf[:0])) == s
}

func (a number) append(b []byte) []byte {
	if a.whole {
		return strconv.AppendInt(b, a.i, 10)
	}
	return strconv.AppendFloat(b, a.f, 'g', -1, 64)
}

// valueOf reads what a JSON decoder made. Integers of Go callers are understood as well.
func valueOf(x any) value {
	switch x := x.(type) {
	case nil:
		return value{}
	case string:
		return value{kind: kindText, s: x}
	case bool:
		return value{kind: kindBool, b: x}
	case float64:
		return value{kind: kindNumber, n: floatNumber(x)}
	case json.Number:
		if n, ok := parseNumber(string(x)); ok {
			return value{kind: kindNumber, n: n}
		}
		return value{kind: kindOther}
	case []any:
		return value{kind: kindList, list: x}
	case []string:
		return value{kind: kindList, texts: x}
	case int64:
		return value{kind: kindNumber, n: wholeNumber(x)}
	case int:
		return value{kind: kindNumber, n: wholeNumber(int64(x))}
	case map[string]any:
		return value{kind: kindOther, b: len(x) == 0}
	}
	return value{kind: kindOther}
}

func textOf(s string) value { return value{kind: kindText, s: s} }

// textsOf makes a header or query parameter: one value is a text, several are a list, none is absent.
func textsOf(vs []string) value {
	switch len(vs) {
	case 0:
		return value{}
	case 1:
		return textOf(vs[0])
	}
	return value{kind: kindList, texts: vs}
}

// size is the number of elements: those of a list, 1 for a scalar, 0 for what is absent.
func (v *value) size() int {
	switch v.kind {
	case kindAbsent:
		return 0
	case kindList:
		return len(v.list) + len(v.texts)
	}
	return 1
}

// at is element i of a list, or the scalar itself.
func (v *value) at(i int) value {
	if v.kind != kindList {
		return *v
	}
	if v.texts != nil {
		return textOf(v.texts[i])
	}
	return valueOf(v.list[i])
}

// present reports whether there is something: not absent, not null, not "", not an empty list or object. An empty claim
// must not satisfy a policy that asks for one.
func (v *value) present() bool {
	switch v.kind {
	case kindAbsent:
		return false
	case kindText:
		return v.s != ""
	case kindList:
		return v.size() > 0
	case kindOther:
		return !v.b
	}
	return true
}

// equalScalars compares two scalars. Text equals a number or a boolean when it is its shortest spelling, because path
// parameters and headers are always text. Nothing equals a list, an object or what is absent: such a pair is unknown.
func equalScalars(a, b *value) outcome {
	switch {
	case a.kind == kindText && b.kind == kindText:
		return outcomeOf(a.s == b.s)
	case a.kind == kindNumber && b.kind == kindNumber:
		if c, ok := a.n.cmp(b.n); ok || c != 0 {
			return outcomeOf(c == 0)
		}
		return unknown
	case a.kind == kindBool && b.kind == kindBool:
		return outcomeOf(a.b == b.b)
	case a.kind == kindText && b.kind == kindNumber:
		return outcomeOf(b.n.isText(a.s))
	case a.kind == kindNumber && b.kind == kindText:
		return outcomeOf(a.n.isText(b.s))
	case a.kind == kindText && b.kind == kindBool:
		return outcomeOf(a.s == strconv.FormatBool(b.b))
	case a.kind == kindBool && b.kind == kindText:
		return outcomeOf(b.s == strconv.FormatBool(a.b))
	case a.kind == kindAbsent || b.kind == kindAbsent:
		return no
	case a.kind >= kindList || b.kind >= kindList:
		return unknown
	}
	return no // a number and a boolean
}

// outcome is the three-valued result of a step. Only yes lets a request pass; the zero value is unknown, and a NOT
// around unknown stays unknown, so what could not be compared never opens a door.
type outcome int8

const (
	unknown outcome = iota
	no
	yes
)

func outcomeOf(b bool) outcome {
	if b {
		return yes
	}
	return no
}

func (o outcome) negate() outcome {
	switch o {
	case yes:
		return no
	case no:
		return yes
	}
	return unknown
}
