package policy

import (
	"slices"
	"strings"
)

// maxShown is how many bytes of one value an explanation shows.
const maxShown = 64

// secretNames are the header, parameter and claim names whose values never appear in an explanation. A name that
// contains one of secretParts is secret as well.
var (
	secretNames = []string{"authorization", "proxy-authorization", "cookie", "set-cookie", "code", "jti", "sid", "nonce", "assertion"}
	secretParts = []string{"secret", "token", "password", "passwd", "api-key", "api_key", "apikey", "credential", "session", "signature", "private"}
)

func secretName(name string) bool {
	name = strings.ToLower(name)
	if slices.Contains(secretNames, name) {
		return true
	}
	return slices.ContainsFunc(secretParts, func(p string) bool { return strings.Contains(name, p) })
}

// show is a field's value for people: clipped, and redacted where the field may hold a secret. The body is never
// shown.
func (f *field) show(v *value) string {
	if v.kind == kindAbsent {
		return "absent"
	}
	if f.root == rootBody {
		return "(body, not shown)"
	}
	for _, s := range f.path {
		if secretName(s.name) {
			return "(redacted)"
		}
	}
	return clip(string(appendValue(nil, v)))
}

func clip(s string) string {
	if len(s) <= maxShown {
		return s
	}
	cut := maxShown
	for cut > 0 && s[cut]&0xC0 == 0x80 { // not inside a UTF-8 sequence
		cut--
	}
	return s[:cut] + "…"
}

func joinLines(lines []string) string { return strings.Join(lines, "; ") }

// appendSource writes the operand as it stands in the policy.
func (o *operand) appendSource(b []byte) []byte {
	if o.list {
		b = append(b, '[')
	}
	for i := range o.elems {
		if i > 0 {
			b = append(b, ", "...)
		}
		if i == 8 {
			b = append(b, "…"...)
			break
		}
		el := &o.elems[i]
		if el.ref == nil && el.lit.kind == kindText {
			b = append(append(append(b, '"'), clip(el.src)...), '"')
		} else {
			b = append(b, clip(el.src)...)
		}
	}
	if o.list {
		b = append(b, ']')
	}
	return b
}

// explain names the rows that do not hold, with the values seen on both sides.
func (s *fieldsStep) explain(e *env, failures []string) []string {
	for i := range s.rows {
		c := &s.rows[i]
		o := c.eval(e)
		if o == yes {
			continue
		}
		v := c.field.get(e)
		b := append([]byte(c.field.src), ' ')
		b = append(b, c.name...)
		if c.op != cmpPresent && c.op != cmpAbsent {
			b = append(b, ' ')
			b = c.right.appendSource(b)
		}
		if o == unknown {
			b = append(b, " cannot be compared: "...)
		} else {
			b = append(b, " does not hold: "...)
		}
		b = append(append(append(b, c.field.src...), " is "...), c.field.show(&v)...)
		for j := range c.right.elems {
			if el := &c.right.elems[j]; el.ref != nil {
				w := el.get(e)
				b = append(append(append(append(b, ", "...), el.src[1:]...), " is "...), el.ref.show(&w)...)
			}
		}
		failures = append(failures, string(b))
	}
	return failures
}
