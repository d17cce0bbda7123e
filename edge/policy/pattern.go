package policy

import "strings"

// pattern is a text with wildcards: "*" stands for any run of characters, also none. `\*` is a star and `\\` a
// backslash; a backslash before anything else is itself. Only what a policy's author wrote is ever a pattern; a value
// from the request, with or without stars, is plain text.
type pattern struct {
	plain string   // the text, when there is no wildcard
	parts []string // the texts between the wildcards, at least two when there is one
}

func parsePattern(src string) pattern {
	if strings.IndexByte(src, '*') < 0 && strings.IndexByte(src, '\\') < 0 {
		return pattern{plain: src}
	}
	var parts []string
	var cur strings.Builder
	for i := 0; i < len(src); i++ {
		switch {
		case src[i] == '\\' && i+1 < len(src) && (src[i+1] == '*' || src[i+1] == '\\'):
			i++
			cur.WriteByte(src[i])
		case src[i] == '*':
			parts = append(parts, cur.String())
			cur.Reset()
		default:
			cur.WriteByte(src[i])
		}
	}
	if parts == nil {
		return pattern{plain: cur.String()}
	}
	return pattern{parts: append(parts, cur.String())}
}

func (p *pattern) wild() bool { return p.parts != nil }

// match reports whether the whole of s fits. It takes time in the length of s times the number of parts: taking the
// leftmost place for each part in turn is enough, because a "*" between parts accepts everything.
func (p *pattern) match(s string) bool {
	if p.parts == nil {
		return s == p.plain
	}
	first, last := p.parts[0], p.parts[len(p.parts)-1]
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	rest, ok := skipParts(s[len(first):], p.parts[1:len(p.parts)-1])
	return ok && len(rest) >= len(last)
}

// within reports whether some part of s fits.
func (p *pattern) within(s string) bool {
	if p.parts == nil {
		return strings.Contains(s, p.plain)
	}
	_, ok := skipParts(s, p.parts)
	return ok
}

// prefix reports whether s starts with something that fits.
func (p *pattern) prefix(s string) bool {
	if p.parts == nil {
		return strings.HasPrefix(s, p.plain)
	}
	if !strings.HasPrefix(s, p.parts[0]) {
		return false
	}
	_, ok := skipParts(s[len(p.parts[0]):], p.parts[1:])
	return ok
}

// suffix reports whether s ends in something that fits.
func (p *pattern) suffix(s string) bool {
	if p.parts == nil {
		return strings.HasSuffix(s, p.plain)
	}
	last := p.parts[len(p.parts)-1]
	if !strings.HasSuffix(s, last) {
		return false
	}
	_, ok := skipParts(s[:len(s)-len(last)], p.parts[:len(p.parts)-1])
	return ok
}

func skipParts(s string, parts []string) (string, bool) {
	for _, part := range parts {
		i := strings.Index(s, part)
		if i < 0 {
			return "", false
		}
		s = s[i+len(part):]
	}
	return s, true
}
