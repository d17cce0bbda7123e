package policy

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// test compares one context value with one policy value (already expanded to a pattern).
type test struct {
	positive func(pattern []rune, policyValue, value string) bool
	negated  bool // the operator holds when no policy value matches
}

var operators = map[string]test{
	"stringequals":              {positive: stringEquals},
	"stringnotequals":           {positive: stringEquals, negated: true},
	"stringequalsignorecase":    {positive: stringFold},
	"stringnotequalsignorecase": {positive: stringFold, negated: true},
	"stringlike":                {positive: func(p []rune, _, v string) bool { return match(p, v) }},
	"stringnotlike":             {positive: func(p []rune, _, v string) bool { return match(p, v) }, negated: true},
	"arnequals":                 {positive: func(p []rune, _, v string) bool { return matchARN(p, v) }},
	"arnlike":                   {positive: func(p []rune, _, v string) bool { return matchARN(p, v) }},
	"arnnotequals":              {positive: func(p []rune, _, v string) bool { return matchARN(p, v) }, negated: true},
	"arnnotlike":                {positive: func(p []rune, _, v string) bool { return matchARN(p, v) }, negated: true},
	"bool":                      {positive: stringFold},
	"numericequals":             {positive: numeric(func(a, b float64) bool { return a == b })},
	"numericnotequals":          {positive: numeric(func(a, b float64) bool { return a == b }), negated: true},
	"numericlessthan":           {positive: numeric(func(a, b float64) bool { return a < b })},
	"numericlessthanequals":     {positive: numeric(func(a, b float64) bool { return a <= b })},
	"numericgreaterthan":        {positive: numeric(func(a, b float64) bool { return a > b })},
	"numericgreaterthanequals":  {positive: numeric(func(a, b float64) bool { return a >= b })},
	"dateequals":                {positive: date(func(c int) bool { return c == 0 })},
	"datenotequals":             {positive: date(func(c int) bool { return c == 0 }), negated: true},
	"datelessthan":              {positive: date(func(c int) bool { return c < 0 })},
	"datelessthanequals":        {positive: date(func(c int) bool { return c <= 0 })},
	"dategreaterthan":           {positive: date(func(c int) bool { return c > 0 })},
	"dategreaterthanequals":     {positive: date(func(c int) bool { return c >= 0 })},
	"ipaddress":                 {positive: inNetwork},
	"notipaddress":              {positive: inNetwork, negated: true},
	"null":                      {},
}

// named is an operator with its qualifier and suffix taken apart.
type named struct {
	test
	null     bool
	all      bool // ForAllValues:
	anyValue bool // ForAnyValue:
	ifExists bool
}

func operator(name string) (named, error) {
	n, rest := named{}, strings.ToLower(name)
	if cut, ok := strings.CutPrefix(rest, "forallvalues:"); ok {
		n.all, rest = true, cut
	} else if cut, ok := strings.CutPrefix(rest, "foranyvalue:"); ok {
		n.anyValue, rest = true, cut
	}
	if cut, ok := strings.CutSuffix(rest, "ifexists"); ok {
		n.ifExists, rest = true, cut
	}
	t, ok := operators[rest]
	n.test, n.null = t, rest == "null"
	if !ok || n.null && (n.ifExists || n.all || n.anyValue) {
		return n, fmt.Errorf("the condition operator %q is not known", name)
	}
	return n, nil
}

// holds evaluates one condition. A key that the request lacks fails a positive operator and satisfies a negated one;
// ...IfExists and ForAllValues hold without it.
func (c Condition) holds(version string, ctx map[string][]string) bool {
	op, err := operator(c.Operator)
	if err != nil {
		return false
	}
	values, present := ctx[strings.ToLower(c.Key)]
	if op.null {
		for _, v := range c.Values {
			if strings.EqualFold(v, strconv.FormatBool(!present)) {
				return true
			}
		}
		return false
	}
	if !present || len(values) == 0 {
		return op.ifExists || op.all || op.negated && !op.anyValue
	}
	one := func(value string) bool {
		for _, v := range c.Values {
			if p, ok := expand(v, version, ctx); ok && op.positive(p, v, value) {
				return !op.negated
			}
		}
		return op.negated
	}
	for _, v := range values {
		held := one(v)
		// Without a qualifier the context should hold one value; more than one must all hold, which is the safe reading.
		if op.anyValue && held {
			return true
		}
		if !op.anyValue && !held {
			return false
		}
	}
	return !op.anyValue
}

// plain is the text of a pattern, wildcards as they were written.
func plain(pattern []rune) string {
	out := make([]rune, len(pattern))
	for i, r := range pattern {
		switch r {
		case any1:
			r = '?'
		case anyN:
			r = '*'
		}
		out[i] = r
	}
	return string(out)
}

func stringEquals(p []rune, _, v string) bool { return plain(p) == v }
func stringFold(p []rune, _, v string) bool   { return strings.EqualFold(plain(p), v) }

func numeric(cmp func(value, policy float64) bool) func([]rune, string, string) bool {
	return func(_ []rune, policyValue, value string) bool {
		a, err1 := strconv.ParseFloat(value, 64)
		b, err2 := strconv.ParseFloat(policyValue, 64)
		return err1 == nil && err2 == nil && cmp(a, b)
	}
}

func date(cmp func(int) bool) func([]rune, string, string) bool {
	parse := func(s string) (time.Time, bool) {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return time.Unix(n, 0), true
		}
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02"} {
			if t, err := time.Parse(layout, s); err == nil {
				return t, true
			}
		}
		return time.Time{}, false
	}
	return func(_ []rune, policyValue, value string) bool {
		a, ok1 := parse(value)
		b, ok2 := parse(policyValue)
		return ok1 && ok2 && cmp(a.Compare(b))
	}
}

func inNetwork(_ []rune, policyValue, value string) bool {
	addr, err := netip.ParseAddr(value)
	if err != nil {
		return false
	}
	if prefix, err := netip.ParsePrefix(policyValue); err == nil {
		return prefix.Contains(addr.Unmap())
	}
	other, err := netip.ParseAddr(policyValue)
	return err == nil && other.Unmap() == addr.Unmap()
}
