package policy

import "strings"

// A pattern is text in which the two runes below stand for wildcards, so that a value put in for a policy variable
// cannot bring a wildcard with it.
const (
	any1 rune = -1 // ?
	anyN rune = -2 // *
)

// literal turns text with * and ? into a pattern.
func literal(s string) []rune {
	p := make([]rune, 0, len(s))
	for _, r := range s {
		switch r {
		case '*':
			r = anyN
		case '?':
			r = any1
		}
		p = append(p, r)
	}
	return p
}

// expand does the same and replaces policy variables (${aws:username}, ${*}); it reports false for a variable that the
// context does not hold: such a pattern matches nothing. Variables exist since version 2012-10-17.
func expand(s, version string, ctx map[string][]string) ([]rune, bool) {
	if version != "2012-10-17" || !strings.Contains(s, "${") {
		return literal(s), true
	}
	var p []rune
	for {
		before, rest, ok := strings.Cut(s, "${")
		p = append(p, literal(before)...)
		if !ok {
			return p, true
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, false
		}
		switch name {
		case "*", "?", "$":
			p = append(p, rune(name[0]))
		default:
			name, fallback, _ := strings.Cut(name, ",")
			values := ctx[strings.ToLower(strings.TrimSpace(name))]
			switch fallback = strings.Trim(strings.TrimSpace(fallback), "'"); {
			case len(values) == 1:
				p = append(p, []rune(values[0])...)
			case len(values) == 0 && fallback != "":
				p = append(p, []rune(fallback)...)
			default:
				return nil, false
			}
		}
		s = after
	}
}

// match compares without recursion; its cost is at most len(pattern) × len(s).
func match(pattern []rune, s string) bool {
	text := []rune(s)
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == anyN:
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == any1 || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == anyN {
		p++
	}
	return p == len(pattern)
}

// matchARN compares the six colon-separated parts of an ARN one by one, as ArnLike does: a wildcard does not cross into
// the next part.
func matchARN(pattern []rune, s string) bool {
	var parts [][]rune
	start := 0
	for i, r := range pattern {
		if r == ':' && len(parts) < 5 {
			parts = append(parts, pattern[start:i])
			start = i + 1
		}
	}
	parts = append(parts, pattern[start:])
	if len(parts) == 1 && len(parts[0]) == 1 && parts[0][0] == anyN {
		return true
	}
	values := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || len(values) != 6 {
		return false
	}
	for i := range parts {
		if !match(parts[i], values[i]) {
			return false
		}
	}
	return true
}
