package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// comparator is the closed list of comparators of visual policies. equals, contains, contains_all, contains_any and
// present are those of published policies; the others are ours.
type comparator uint8

const (
	cmpNone comparator = iota
	cmpEquals
	cmpNotEquals
	cmpIn
	cmpNotIn
	cmpContains
	cmpNotContains
	cmpContainsAll
	cmpContainsAny
	cmpPresent
	cmpAbsent
	cmpStartsWith
	cmpEndsWith
	cmpMatches
	cmpGreater
	cmpGreaterEqual
	cmpLess
	cmpLessEqual
	cmpInCIDR
)

var comparators = map[string]comparator{
	"equals": cmpEquals, "not_equals": cmpNotEquals,
	"in": cmpIn, "not_in": cmpNotIn,
	"contains": cmpContains, "not_contains": cmpNotContains,
	"contains_all": cmpContainsAll, "contains_any": cmpContainsAny,
	"present": cmpPresent, "absent": cmpAbsent,
	"starts_with": cmpStartsWith, "ends_with": cmpEndsWith, "matches": cmpMatches,
	"greater_than": cmpGreater, "greater_or_equal": cmpGreaterEqual,
	"less_than": cmpLess, "less_or_equal": cmpLessEqual,
	"in_cidr": cmpInCIDR,
}

func (c comparator) ordered() bool { return c >= cmpGreater && c <= cmpLessEqual }

// operand is the right side of a comparison: one element, or a list of them.
type operand struct {
	elems []element
	list  bool // written as a list
}

// element is one literal, or one reference ("$authnCtx.sub").
type element struct {
	ref    *field
	shift  time.Duration // "$now-15m"
	lit    value         // literal; text has its escapes resolved unless pat is wild
	pat    pattern
	cidr   netip.Prefix
	ordn   number // the literal as a number or a time in Unix seconds, for the ordered comparators
	hasOrd bool
	src    string // as written, for messages
}

const maxOperandElements = 1000

// parseOperand reads the "value" of a comparison.
func parseOperand(raw json.RawMessage, op comparator) (operand, error) {
	x, err := decodeAny(raw)
	if err != nil {
		return operand{}, fmt.Errorf("value is not JSON: %v", err)
	}
	if op == cmpPresent || op == cmpAbsent {
		switch x := x.(type) {
		case nil:
			return operand{}, nil
		case string:
			if x == "" {
				return operand{}, nil
			}
		case []any:
			if len(x) == 0 {
				return operand{}, nil
			}
		}
		return operand{}, errors.New(`value must be absent, null or "": present and absent compare with nothing`)
	}
	if list, ok := x.([]any); ok {
		if op.ordered() {
			return operand{}, errors.New("value must be one number or time, not a list")
		}
		if len(list) == 0 {
			return operand{}, errors.New("value is an empty list; a comparison with nothing would never or always hold")
		}
		if len(list) > maxOperandElements {
			return operand{}, fmt.Errorf("value has %d elements; %d are allowed", len(list), maxOperandElements)
		}
		o := operand{list: true, elems: make([]element, 0, len(list))}
		for i, item := range list {
			el, err := parseElement(item, op)
			if err != nil {
				return operand{}, fmt.Errorf("element %d: %w", i, err)
			}
			o.elems = append(o.elems, el)
		}
		return o, nil
	}
	el, err := parseElement(x, op)
	if err != nil {
		return operand{}, err
	}
	return operand{elems: []element{el}}, nil
}

func parseElement(x any, op comparator) (element, error) {
	switch x := x.(type) {
	case nil:
		return element{}, errors.New(`value is missing; use the comparator "absent" for what is not there`)
	case []any, map[string]any:
		return element{}, errors.New("value must be a text, a number, true, false or a list of these")
	case string:
		if strings.HasPrefix(x, "$") {
			return parseReference(x)
		}
		return parseTextElement(x, op)
	}
	v := valueOf(x)
	el := element{lit: v, src: string(appendValue(nil, &v))}
	switch v.kind {
	case kindNumber:
		el.ordn, el.hasOrd = v.n, true
	case kindBool:
	default:
		return element{}, fmt.Errorf("value %v is not a usable number", x)
	}
	switch op {
	case cmpStartsWith, cmpEndsWith, cmpMatches, cmpInCIDR:
		return element{}, errors.New("value must be a text")
	}
	if op.ordered() && !el.hasOrd {
		return element{}, errors.New("value must be a number or a time")
	}
	return el, nil
}

// parseTextElement reads a literal text. A leading `\$` is a dollar sign.
func parseTextElement(x string, op comparator) (element, error) {
	switch op {
	case cmpContains, cmpNotContains, cmpStartsWith, cmpEndsWith:
		if x == "" {
			return element{}, errors.New(`value is empty: every text contains, starts and ends with nothing; use "present"`)
		}
	}
	el := element{src: x}
	text := x
	if strings.HasPrefix(x, `\$`) {
		text = x[1:]
	}
	el.pat = parsePattern(text)
	el.lit = textOf(el.pat.plain)
	switch {
	case op.ordered():
		n, err := orderedText(text)
		if err != nil {
			return element{}, err
		}
		el.ordn, el.hasOrd = n, true
	case op == cmpInCIDR:
		p, ok := parsePrefix(text)
		if !ok {
			return element{}, fmt.Errorf("value %q is not a network such as 192.0.2.0/24 or 2001:db8::/32", x)
		}
		el.cidr = p
	}
	return el, nil
}

// parseReference reads "$authnCtx.sub", "$now" and "$now-15m".
func parseReference(x string) (element, error) {
	if rest, ok := strings.CutPrefix(x, "$now"); ok && (rest == "" || rest[0] == '+' || rest[0] == '-') {
		el := element{ref: &field{src: "now", root: rootNow}, src: x}
		if rest != "" {
			d, err := time.ParseDuration(rest)
			if err != nil {
				return element{}, fmt.Errorf("value %q: %q is not a duration such as -15m or +24h", x, rest)
			}
			el.shift = d
		}
		return el, nil
	}
	f, err := parseField(x[1:])
	if err != nil {
		return element{}, fmt.Errorf("value %q is not a reference (write \\$ for a dollar sign): %w", x, err)
	}
	return element{ref: &f, src: x}, nil
}

// orderedText reads a number or an RFC 3339 time.
func orderedText(s string) (number, error) {
	if n, ok := parseNumber(s); ok {
		return n, nil
	}
	if n, ok := parseTime(s); ok {
		return n, nil
	}
	return number{}, fmt.Errorf("value %q is neither a number nor a time such as 2026-01-31T08:00:00Z", s)
}

func parseTime(s string) (number, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || len(s) > 40 || s[4] != '-' {
		return number{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return number{}, false
	}
	if t.Nanosecond() == 0 {
		return wholeNumber(t.Unix()), true
	}
	return floatNumber(float64(t.Unix()) + float64(t.Nanosecond())/1e9), true
}

func parsePrefix(s string) (netip.Prefix, bool) {
	if strings.IndexByte(s, '/') < 0 {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, false
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, false
	}
	return p.Masked(), true
}

// ordered reads a field or reference as a number: a JSON number, a decimal text or an RFC 3339 time.
func ordered(v *value) (number, bool) {
	switch v.kind {
	case kindNumber:
		return v.n, true
	case kindText:
		if n, ok := parseNumber(v.s); ok {
			return n, true
		}
		return parseTime(v.s)
	}
	return number{}, false
}

// get is the element's value in this request.
func (el *element) get(e *env) value {
	if el.ref == nil {
		return el.lit
	}
	v := el.ref.get(e)
	if el.shift != 0 {
		v.n = floatNumber(v.n.f + el.shift.Seconds())
	}
	return v
}

// compare evaluates "v op operand". A field that is absent satisfies only "absent". The comparators for one value
// hold for a list when they hold for every element of it, so a second header line cannot help a caller; contains,
// contains_all and contains_any look for members.
func compare(e *env, v *value, op comparator, o *operand) outcome {
	switch op {
	case cmpPresent:
		return outcomeOf(v.present())
	case cmpAbsent:
		return outcomeOf(!v.present())
	}
	if v.kind == kindAbsent {
		return no
	}
	switch op {
	case cmpContains, cmpContainsAll, cmpContainsAny, cmpNotContains:
		return compareMembers(e, v, op, o)
	case cmpEquals:
		if o.isList(e) {
			return compareSets(e, v, o)
		}
	}
	n := v.size()
	if n == 0 {
		return no
	}
	result := yes
	for i := range n {
		item := v.at(i)
		switch compareOne(e, &item, op, o) {
		case no:
			return no
		case unknown:
			result = unknown
		}
	}
	return result
}

// compareOne compares one scalar with the operand; with a list as operand one fitting element is enough.
func compareOne(e *env, v *value, op comparator, o *operand) outcome {
	switch {
	case op == cmpNotEquals || op == cmpNotIn:
		return anyElement(e, v, o, op).negate()
	case op.ordered():
		return compareOrdered(e, v, op, &o.elems[0])
	}
	return anyElement(e, v, o, op)
}

// elementTest compares one scalar with one value of the operand. (A switch, because a pointer that is passed to a
// function value escapes to the heap.)
func elementTest(op comparator, v *value, el *element, w *value) outcome {
	switch op {
	case cmpEquals, cmpIn:
		return equalElement(v, el, w)
	case cmpNotEquals, cmpNotIn:
		return differs(v, el, w)
	case cmpStartsWith:
		return startsWith(v, el, w)
	case cmpEndsWith:
		return endsWith(v, el, w)
	case cmpMatches:
		return matches(v, el, w)
	case cmpInCIDR:
		return inCIDR(v, el, w)
	}
	return unknown
}

// anyElement is yes when op holds for one element of the operand; a reference to a list stands for its elements.
func anyElement(e *env, v *value, o *operand, op comparator) outcome {
	result := no
	for i := range o.elems {
		el := &o.elems[i]
		w := el.get(e)
		if w.kind != kindList {
			switch elementTest(op, v, el, &w) {
			case yes:
				return yes
			case unknown:
				result = unknown
			}
			continue
		}
		for j := range w.size() {
			item := w.at(j)
			switch elementTest(op, v, el, &item) {
			case yes:
				return yes
			case unknown:
				result = unknown
			}
		}
	}
	return result
}

func equalElement(v *value, el *element, w *value) outcome {
	if el.ref == nil && el.pat.wild() {
		if v.kind != kindText {
			return unknown
		}
		return outcomeOf(el.pat.match(v.s))
	}
	return equalScalars(v, w)
}

// differs is equalElement for the negative comparators: there a reference to something absent is unknown, so that
// "not_equals" with nothing to compare with does not pass.
func differs(v *value, el *element, w *value) outcome {
	if w.kind == kindAbsent && el.ref != nil {
		return unknown
	}
	return equalElement(v, el, w)
}

func textPair(v, w *value) outcome {
	switch {
	case w.kind == kindAbsent:
		return no
	case v.kind != kindText || w.kind != kindText:
		return unknown
	}
	return yes
}

func startsWith(v *value, el *element, w *value) outcome {
	if el.ref == nil {
		if v.kind != kindText {
			return unknown
		}
		return outcomeOf(el.pat.prefix(v.s))
	}
	if o := textPair(v, w); o != yes {
		return o
	}
	return outcomeOf(w.s != "" && strings.HasPrefix(v.s, w.s))
}

func endsWith(v *value, el *element, w *value) outcome {
	if el.ref == nil {
		if v.kind != kindText {
			return unknown
		}
		return outcomeOf(el.pat.suffix(v.s))
	}
	if o := textPair(v, w); o != yes {
		return o
	}
	return outcomeOf(w.s != "" && strings.HasSuffix(v.s, w.s))
}

func matches(v *value, el *element, w *value) outcome {
	if el.ref == nil {
		if v.kind != kindText {
			return unknown
		}
		return outcomeOf(el.pat.match(v.s))
	}
	if o := textPair(v, w); o != yes {
		return o
	}
	return outcomeOf(v.s == w.s)
}

func inCIDR(v *value, el *element, w *value) outcome {
	if v.kind != kindText {
		return unknown
	}
	addr, err := netip.ParseAddr(v.s)
	if err != nil || addr.Zone() != "" {
		return unknown
	}
	p := el.cidr
	if el.ref != nil {
		if w.kind == kindAbsent {
			return no
		}
		var ok bool
		if p, ok = parsePrefix(w.s); !ok || w.kind != kindText {
			return unknown
		}
	}
	return outcomeOf(p.Contains(addr.Unmap()))
}

func compareOrdered(e *env, v *value, op comparator, el *element) outcome {
	a, ok := ordered(v)
	if !ok {
		return unknown
	}
	b := el.ordn
	if el.ref != nil {
		w := el.get(e)
		if w.kind == kindAbsent {
			return no
		}
		if b, ok = ordered(&w); !ok {
			return unknown
		}
	}
	c, ok := a.cmp(b)
	if !ok {
		return unknown
	}
	switch op {
	case cmpGreater:
		return outcomeOf(c > 0)
	case cmpGreaterEqual:
		return outcomeOf(c >= 0)
	case cmpLess:
		return outcomeOf(c < 0)
	case cmpLessEqual:
		return outcomeOf(c <= 0)
	}
	return unknown
}

// appendValue writes a value for people: texts quoted, lists in brackets.
func appendValue(b []byte, v *value) []byte {
	switch v.kind {
	case kindAbsent:
		return append(b, "absent"...)
	case kindBool:
		return fmt.Appendf(b, "%t", v.b)
	case kindNumber:
		return v.n.append(b)
	case kindText:
		return fmt.Appendf(b, "%q", v.s)
	case kindList:
		b = append(b, '[')
		for i := range v.size() {
			if i > 0 {
				b = append(b, ", "...)
			}
			item := v.at(i)
			b = appendValue(b, &item)
		}
		return append(b, ']')
	}
	return append(b, "an object"...)
}
