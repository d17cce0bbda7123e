package apigateway

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// This file parses the subset of the Velocity template language that mapping templates use: text, references with
// members, methods and indices, #set, #if/#elseif/#else, #foreach, comments. Everything else is an error that names it,
// never a silent difference.

type vtlNode interface{}

type (
	vtlText string
	vtlRef  struct {
		quiet bool   // $!name
		text  string // as written, which is what Velocity prints for an undefined reference
		expr  vtlPath
	}
	vtlSet struct {
		target vtlPath
		value  vtlExpr
	}
	vtlIf struct {
		conds []vtlExpr // one per branch; the else branch has nil
		parts [][]vtlNode
	}
	vtlForeach struct {
		name string
		in   vtlExpr
		body []vtlNode
	}
)

type vtlExpr interface{}

type (
	vtlLiteral struct{ value any }
	vtlInterp  struct{ parts []vtlNode } // "…" with references inside
	vtlList    struct{ items []vtlExpr }
	vtlMap     struct{ keys, values []vtlExpr }
	vtlBinary  struct {
		op   string
		l, r vtlExpr
	}
	vtlNot  struct{ e vtlExpr }
	vtlPath struct {
		name  string
		steps []vtlStep
	}
	vtlStep struct {
		name  string
		call  bool
		args  []vtlExpr
		index vtlExpr // [index], when not nil
	}
)

type vtlParser struct {
	s     string
	i     int
	depth int
}

const maxTemplateDepth = 50

func parseTemplate(s string) ([]vtlNode, error) {
	p := &vtlParser{s: s}
	nodes, end, err := p.block()
	if err != nil {
		return nil, err
	}
	if end != "" {
		return nil, p.errorf("#%s without its beginning", end)
	}
	return nodes, nil
}

func (p *vtlParser) errorf(format string, args ...any) error {
	return fmt.Errorf("line %d: %s", 1+strings.Count(p.s[:min(p.i, len(p.s))], "\n"), fmt.Sprintf(format, args...))
}

// block reads until the end of the text or an #end, #else or #elseif, which it names and has consumed.
func (p *vtlParser) block() (nodes []vtlNode, end string, err error) {
	if p.depth++; p.depth > maxTemplateDepth {
		return nil, "", p.errorf("nested too deep")
	}
	defer func() { p.depth-- }()
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			nodes = append(nodes, vtlText(text.String()))
			text.Reset()
		}
	}
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case strings.HasPrefix(p.s[p.i:], "##"):
			n := strings.IndexByte(p.s[p.i:], '\n')
			if n < 0 {
				n = len(p.s) - p.i - 1
			}
			p.i += n + 1
		case strings.HasPrefix(p.s[p.i:], "#*"):
			n := strings.Index(p.s[p.i:], "*#")
			if n < 0 {
				return nil, "", p.errorf("a comment #* does not end")
			}
			p.i += n + 2
		case c == '\\' && p.i+1 < len(p.s) && (p.s[p.i+1] == '$' || p.s[p.i+1] == '#'):
			text.WriteByte(p.s[p.i+1])
			p.i += 2
		case c == '#':
			name := p.directive()
			if name == "" {
				text.WriteByte(c)
				p.i++
				continue
			}
			flush()
			switch name {
			case "end", "else", "elseif":
				return nodes, name, nil
			}
			n, err := p.directiveBody(name)
			if err != nil {
				return nil, "", err
			}
			nodes = append(nodes, n)
		case c == '$':
			ref, ok, err := p.reference()
			if err != nil {
				return nil, "", err
			}
			if !ok {
				text.WriteByte(c)
				p.i++
				continue
			}
			flush()
			nodes = append(nodes, ref)
		default:
			text.WriteByte(c)
			p.i++
		}
	}
	flush()
	return nodes, "", nil
}

// directive consumes #name or #{name} and returns the name, "" when there is none (a lone #, as in a colour).
func (p *vtlParser) directive() string {
	rest := p.s[p.i+1:]
	braced := strings.HasPrefix(rest, "{")
	rest = strings.TrimPrefix(rest, "{")
	n := 0
	for n < len(rest) && rest[n] >= 'a' && rest[n] <= 'z' {
		n++
	}
	name := rest[:n]
	switch name {
	case "if", "elseif", "else", "end", "set", "foreach":
	case "stop", "break", "return", "macro", "parse", "include", "define", "evaluate":
	default:
		return ""
	}
	p.i += 1 + n
	if braced {
		p.i += 2
	}
	return name
}

func (p *vtlParser) directiveBody(name string) (vtlNode, error) {
	switch name {
	case "set":
		if err := p.open(); err != nil {
			return nil, err
		}
		p.space()
		ref, ok, err := p.reference()
		if err != nil || !ok {
			return nil, errors.Join(p.errorf("#set needs a reference"), err)
		}
		p.space()
		if !p.eat("=") {
			return nil, p.errorf("#set needs =")
		}
		v, err := p.expr()
		if err != nil {
			return nil, err
		}
		if err := p.close(); err != nil {
			return nil, err
		}
		if p.i < len(p.s) && p.s[p.i] == '\n' { // Velocity swallows the line end after #set
			p.i++
		}
		return vtlSet{ref.expr, v}, nil
	case "if":
		return p.ifBody()
	case "foreach":
		return p.foreachBody()
	}
	return nil, p.errorf("#%s is not supported by this simulator", name)
}

func (p *vtlParser) ifBody() (vtlNode, error) {
	n := vtlIf{}
	next := "if"
	for {
		var cond vtlExpr
		if next != "else" {
			if err := p.open(); err != nil {
				return nil, err
			}
			c, err := p.expr()
			if err != nil {
				return nil, err
			}
			if err := p.close(); err != nil {
				return nil, err
			}
			cond = c
		}
		body, end, err := p.block()
		if err != nil {
			return nil, err
		}
		n.conds, n.parts = append(n.conds, cond), append(n.parts, body)
		switch {
		case end == "end":
			return n, nil
		case end == "" || next == "else":
			return nil, p.errorf("#if without #end")
		}
		next = end
	}
}

func (p *vtlParser) foreachBody() (vtlNode, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	p.space()
	ref, ok, err := p.reference()
	if err != nil || !ok || len(ref.expr.steps) > 0 {
		return nil, errors.Join(p.errorf("#foreach needs a variable"), err)
	}
	p.space()
	if !p.eat("in ") {
		return nil, p.errorf("#foreach needs in")
	}
	in, err := p.expr()
	if err != nil {
		return nil, err
	}
	if err := p.close(); err != nil {
		return nil, err
	}
	body, end, err := p.block()
	if err != nil {
		return nil, err
	}
	if end != "end" {
		return nil, p.errorf("#foreach without #end")
	}
	return vtlForeach{ref.expr.name, in, body}, nil
}

func (p *vtlParser) space() {
	for p.i < len(p.s) && strings.ContainsRune(" \t\r\n", rune(p.s[p.i])) {
		p.i++
	}
}

func (p *vtlParser) eat(tok string) bool {
	if strings.HasPrefix(p.s[p.i:], tok) {
		p.i += len(tok)
		return true
	}
	return false
}

func (p *vtlParser) open() error {
	p.space()
	if !p.eat("(") {
		return p.errorf("a ( is missing")
	}
	return nil
}

func (p *vtlParser) close() error {
	p.space()
	if !p.eat(")") {
		return p.errorf("a ) is missing")
	}
	return nil
}

func identByte(c byte, first bool) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || !first && (c == '-' || c >= '0' && c <= '9')
}

func (p *vtlParser) ident() string {
	start := p.i
	for p.i < len(p.s) && identByte(p.s[p.i], p.i == start) {
		p.i++
	}
	return p.s[start:p.i]
}

// reference reads $name.member(args)[0], ${…} and the quiet forms. ok is false for a $ that begins none.
func (p *vtlParser) reference() (vtlRef, bool, error) {
	start := p.i
	if p.i >= len(p.s) || p.s[p.i] != '$' {
		return vtlRef{}, false, nil
	}
	p.i++
	ref := vtlRef{quiet: p.eat("!")}
	braced := p.eat("{")
	if ref.expr.name = p.ident(); ref.expr.name == "" {
		p.i = start
		return vtlRef{}, false, nil
	}
	for p.i < len(p.s) {
		switch {
		case p.s[p.i] == '.' && p.i+1 < len(p.s) && identByte(p.s[p.i+1], true):
			p.i++
			st := vtlStep{name: p.ident()}
			if p.i < len(p.s) && p.s[p.i] == '(' {
				p.i++
				st.call = true
				args, err := p.items(")")
				if err != nil {
					return ref, false, err
				}
				st.args = args
			}
			ref.expr.steps = append(ref.expr.steps, st)
			continue
		case p.s[p.i] == '[':
			save := p.i
			p.i++
			e, err := p.expr()
			p.space()
			if err != nil || !p.eat("]") { // text after a reference, as in $name[x
				p.i = save
				break
			}
			ref.expr.steps = append(ref.expr.steps, vtlStep{index: e})
			continue
		}
		break
	}
	if braced && !p.eat("}") {
		return ref, false, p.errorf("${%s does not end", ref.expr.name)
	}
	ref.text = p.s[start:p.i]
	return ref, true, nil
}

// items reads expressions up to the closing token.
func (p *vtlParser) items(end string) ([]vtlExpr, error) {
	var out []vtlExpr
	for {
		p.space()
		if p.eat(end) {
			return out, nil
		}
		if len(out) > 0 && !p.eat(",") {
			return nil, p.errorf("a , or %s is missing", end)
		}
		e, err := p.expr()
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
}

// vtlLevels are the binary operators, from the loosest to the tightest.
var vtlLevels = [][]string{{"||"}, {"&&"}, {"==", "!=", ">=", "<=", ">", "<"}, {"+", "-"}, {"*", "/", "%"}}

func (p *vtlParser) expr() (vtlExpr, error) {
	if p.depth++; p.depth > maxTemplateDepth {
		return nil, p.errorf("nested too deep")
	}
	defer func() { p.depth-- }()
	return p.level(0)
}

func (p *vtlParser) level(n int) (vtlExpr, error) {
	if n == len(vtlLevels) {
		return p.unary()
	}
	l, err := p.level(n + 1)
	if err != nil {
		return nil, err
	}
next:
	for {
		p.space()
		for _, op := range vtlLevels[n] {
			if p.eat(op) {
				r, err := p.level(n + 1)
				if err != nil {
					return nil, err
				}
				l = vtlBinary{op, l, r}
				continue next
			}
		}
		return l, nil
	}
}

func (p *vtlParser) unary() (vtlExpr, error) {
	p.space()
	if p.i < len(p.s) && p.s[p.i] == '!' {
		p.i++
		e, err := p.unary()
		return vtlNot{e}, err
	}
	return p.primary()
}

func (p *vtlParser) primary() (vtlExpr, error) {
	if p.i >= len(p.s) {
		return nil, p.errorf("an expression is missing")
	}
	switch c := p.s[p.i]; {
	case c == '(':
		p.i++
		e, err := p.expr()
		if err != nil {
			return nil, err
		}
		return e, p.close()
	case c == '$':
		ref, ok, err := p.reference()
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, p.errorf("a reference is malformed")
		}
		return ref.expr, nil
	case c == '\'' || c == '"':
		return p.quoted(c)
	case c == '[':
		p.i++
		items, err := p.items("]")
		return vtlList{items}, err
	case c == '{':
		return p.mapLiteral()
	case c == '-' || c >= '0' && c <= '9':
		start := p.i
		p.i++
		for p.i < len(p.s) && (p.s[p.i] >= '0' && p.s[p.i] <= '9' || p.s[p.i] == '.' && p.i+1 < len(p.s) && p.s[p.i+1] >= '0' && p.s[p.i+1] <= '9') {
			p.i++
		}
		n, err := strconv.ParseFloat(p.s[start:p.i], 64)
		if err != nil {
			return nil, p.errorf("%q is no number", p.s[start:p.i])
		}
		return vtlLiteral{n}, nil
	}
	switch word := p.ident(); word {
	case "true", "false":
		return vtlLiteral{word == "true"}, nil
	case "null":
		return vtlLiteral{nil}, nil
	}
	return nil, p.errorf("an expression is malformed")
}

// quoted reads '…' as it is, and "…" with references inside. A doubled quote stands for one.
func (p *vtlParser) quoted(q byte) (vtlExpr, error) {
	p.i++
	var b strings.Builder
	for {
		if p.i >= len(p.s) {
			return nil, p.errorf("a string does not end")
		}
		c := p.s[p.i]
		if c == q {
			if p.i+1 < len(p.s) && p.s[p.i+1] == q {
				b.WriteByte(q)
				p.i += 2
				continue
			}
			p.i++
			break
		}
		b.WriteByte(c)
		p.i++
	}
	if q == '\'' {
		return vtlLiteral{b.String()}, nil
	}
	sub := &vtlParser{s: b.String(), depth: p.depth}
	parts, end, err := sub.block()
	if err != nil {
		return nil, err
	}
	if end != "" {
		return nil, p.errorf("#%s inside a string", end)
	}
	return vtlInterp{parts}, nil
}

func (p *vtlParser) mapLiteral() (vtlExpr, error) {
	p.i++
	m := vtlMap{}
	for {
		p.space()
		if p.eat("}") {
			return m, nil
		}
		if len(m.keys) > 0 && !p.eat(",") {
			return nil, p.errorf("a , or } is missing")
		}
		k, err := p.expr()
		if err != nil {
			return nil, err
		}
		p.space()
		if !p.eat(":") {
			return nil, p.errorf("a : is missing")
		}
		v, err := p.expr()
		if err != nil {
			return nil, err
		}
		m.keys, m.values = append(m.keys, k), append(m.values, v)
	}
}
