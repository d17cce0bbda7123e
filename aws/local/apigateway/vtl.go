package apigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// renderOverrides are what a response template sets through $context.responseOverride.
type renderOverrides struct {
	status int
	header map[string]string
}

const (
	maxRendered = 10 << 20
	maxSteps    = 100_000 // nodes evaluated in one rendering, so that nested loops end
)

// render evaluates a mapping template against this exchange and a body.
func (x *exchange) render(template, body string, over *renderOverrides) (string, error) {
	nodes, err := parseTemplate(template)
	if err != nil {
		return "", err
	}
	v := &vtl{x: x, body: body, vars: map[string]any{}, over: over}
	if err := v.run(nodes); err != nil {
		return "", err
	}
	return v.out.String(), nil
}

type vtl struct {
	x     *exchange
	body  string
	doc   any // the body as JSON, parsed once
	read  bool
	vars  map[string]any
	over  *renderOverrides
	out   strings.Builder
	steps int
}

// The built-in objects of a mapping template.
type (
	vtlInput   struct{}
	vtlUtil    struct{}
	vtlContext struct{ path string }
)

func (v *vtl) run(nodes []vtlNode) error {
	for _, n := range nodes {
		if v.steps++; v.steps > maxSteps || v.out.Len() > maxRendered {
			return errors.New("the template produces too much or runs too long")
		}
		switch n := n.(type) {
		case vtlText:
			v.out.WriteString(string(n))
		case vtlRef:
			val, err := v.path(n.expr)
			if err != nil {
				return err
			}
			if _, isContext := val.(vtlContext); val == nil && !isContext {
				if _, defined := v.vars[n.expr.name]; !n.quiet && !v.builtin(n.expr.name) && !defined {
					v.out.WriteString(n.text) // Velocity prints an undefined reference as it stands
				}
				continue
			}
			v.out.WriteString(v.text(val))
		case vtlSet:
			if err := v.set(n); err != nil {
				return err
			}
		case vtlIf:
			for i, c := range n.conds {
				ok := c == nil
				if !ok {
					val, err := v.eval(c)
					if err != nil {
						return err
					}
					ok = v.truthy(val)
				}
				if ok {
					if err := v.run(n.parts[i]); err != nil {
						return err
					}
					break
				}
			}
		case vtlForeach:
			if err := v.foreach(n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *vtl) builtin(name string) bool {
	return name == "input" || name == "context" || name == "stageVariables" || name == "util"
}

func (v *vtl) foreach(n vtlForeach) error {
	val, err := v.eval(n.in)
	if err != nil {
		return err
	}
	var items []any
	switch val := val.(type) {
	case nil:
	case []any:
		items = val
	case map[string]any:
		for _, k := range sortedKeys(val) {
			items = append(items, val[k])
		}
	default:
		return fmt.Errorf("#foreach over %T", val)
	}
	outerItem, outerLoop, outerCount := v.vars[n.name], v.vars["foreach"], v.vars["velocityCount"]
	for i, item := range items {
		v.vars[n.name] = item
		v.vars["foreach"] = map[string]any{"index": float64(i), "count": float64(i + 1), "hasNext": i+1 < len(items), "first": i == 0, "last": i+1 == len(items)}
		v.vars["velocityCount"] = float64(i + 1)
		if err := v.run(n.body); err != nil {
			return err
		}
	}
	v.vars[n.name], v.vars["foreach"], v.vars["velocityCount"] = outerItem, outerLoop, outerCount
	return nil
}

func (v *vtl) set(n vtlSet) error {
	val, err := v.eval(n.value)
	if err != nil {
		return err
	}
	t := n.target
	if len(t.steps) == 0 {
		v.vars[t.name] = val
		return nil
	}
	if t.name == "context" && len(t.steps) >= 2 && t.steps[0].name == "responseOverride" && v.over != nil {
		switch {
		case t.steps[1].name == "status" && len(t.steps) == 2:
			s, err := strconv.Atoi(v.text(val))
			if err != nil || s < 100 || s > 599 {
				return fmt.Errorf("$context.responseOverride.status = %q", v.text(val))
			}
			v.over.status = s
			return nil
		case t.steps[1].name == "header" && len(t.steps) == 3:
			name := t.steps[2].name
			if t.steps[2].index != nil {
				k, err := v.eval(t.steps[2].index)
				if err != nil {
					return err
				}
				name = v.text(k)
			}
			v.over.header[name] = v.text(val)
			return nil
		}
	}
	parent, err := v.path(vtlPath{t.name, t.steps[:len(t.steps)-1]})
	if err != nil {
		return err
	}
	m, ok := parent.(map[string]any)
	last := t.steps[len(t.steps)-1]
	if !ok || last.call {
		return fmt.Errorf("#set of $%s is not supported by this simulator", t.name)
	}
	key := last.name
	if last.index != nil {
		k, err := v.eval(last.index)
		if err != nil {
			return err
		}
		key = v.text(k)
	}
	m[key] = val
	return nil
}

func (v *vtl) eval(e vtlExpr) (any, error) {
	if v.steps++; v.steps > maxSteps {
		return nil, errors.New("the template runs too long")
	}
	switch e := e.(type) {
	case vtlLiteral:
		return e.value, nil
	case vtlInterp:
		sub := *v
		sub.out = strings.Builder{}
		err := sub.run(e.parts)
		v.steps = sub.steps
		return sub.out.String(), err
	case vtlList:
		out := []any{}
		for _, i := range e.items {
			val, err := v.eval(i)
			if err != nil {
				return nil, err
			}
			out = append(out, val)
		}
		return out, nil
	case vtlMap:
		out := map[string]any{}
		for i := range e.keys {
			k, err := v.eval(e.keys[i])
			if err != nil {
				return nil, err
			}
			if out[v.text(k)], err = v.eval(e.values[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	case vtlNot:
		val, err := v.eval(e.e)
		return !v.truthy(val), err
	case vtlPath:
		return v.path(e)
	case vtlBinary:
		return v.binary(e)
	}
	return nil, fmt.Errorf("expression %T", e)
}

func (v *vtl) binary(e vtlBinary) (any, error) {
	l, err := v.eval(e.l)
	if err != nil {
		return nil, err
	}
	switch {
	case e.op == "&&" && !v.truthy(l):
		return false, nil
	case e.op == "||" && v.truthy(l):
		return true, nil
	}
	r, err := v.eval(e.r)
	if err != nil {
		return nil, err
	}
	switch e.op {
	case "&&", "||":
		return v.truthy(r), nil
	case "==":
		return v.equal(l, r), nil
	case "!=":
		return !v.equal(l, r), nil
	}
	ln, lok := l.(float64)
	rn, rok := r.(float64)
	if !lok || !rok {
		if e.op == "+" {
			return v.text(l) + v.text(r), nil
		}
		return nil, fmt.Errorf("%s needs numbers", e.op)
	}
	switch e.op {
	case "+":
		return ln + rn, nil
	case "-":
		return ln - rn, nil
	case "*":
		return ln * rn, nil
	case "<":
		return ln < rn, nil
	case ">":
		return ln > rn, nil
	case "<=":
		return ln <= rn, nil
	case ">=":
		return ln >= rn, nil
	}
	if rn == 0 {
		return nil, errors.New("division by zero")
	}
	if e.op == "%" {
		return float64(int64(ln) % int64(rn)), nil
	}
	return ln / rn, nil
}

func (v *vtl) equal(l, r any) bool {
	if l == nil || r == nil {
		return l == nil && r == nil
	}
	return v.text(l) == v.text(r)
}

// truthy: null and false are false. Whatever else is true, the empty string included, as in Velocity 1.7.
func (v *vtl) truthy(val any) bool {
	switch val := val.(type) {
	case nil:
		return false
	case bool:
		return val
	}
	return true
}

// text prints a value. Containers print as JSON.
func (v *vtl) text(val any) string {
	switch val := val.(type) {
	case nil:
		return ""
	case string:
		return val
	case bool:
		return strconv.FormatBool(val)
	case float64:
		return strconv.FormatFloat(val, 'f', -1, 64)
	case vtlContext:
		s, _ := v.x.contextValue(val.path)
		return s
	case vtlInput, vtlUtil:
		return ""
	}
	b, _ := json.Marshal(val)
	return string(b)
}

// path evaluates a reference: the object, then each step.
func (v *vtl) path(p vtlPath) (any, error) {
	var val any
	switch p.name {
	case "input":
		val = vtlInput{}
	case "util":
		val = vtlUtil{}
	case "context":
		val = vtlContext{}
	case "stageVariables":
		m := map[string]any{}
		for k, s := range v.x.vars {
			m[k] = s
		}
		val = m
	default:
		val = v.vars[p.name]
	}
	for _, st := range p.steps {
		if val == nil {
			return nil, nil
		}
		var args []any
		for _, a := range st.args {
			arg, err := v.eval(a)
			if err != nil {
				return nil, err
			}
			args = append(args, arg)
		}
		var err error
		if st.index != nil {
			key, err2 := v.eval(st.index)
			if err2 != nil {
				return nil, err2
			}
			val = v.index(val, key)
			continue
		}
		if val, err = v.step(val, st, args); err != nil {
			return nil, fmt.Errorf("$%s: %w", p.name, err)
		}
	}
	if c, ok := val.(vtlContext); ok { // an empty variable is null in conditions
		if s, known := v.x.contextValue(c.path); !known || s == "" {
			return nil, nil
		}
	}
	return val, nil
}

func (v *vtl) index(val, key any) any {
	switch val := val.(type) {
	case []any:
		if n, ok := key.(float64); ok && int(n) >= 0 && int(n) < len(val) {
			return val[int(n)]
		}
	case map[string]any:
		return val[v.text(key)]
	case vtlContext:
		return vtlContext{strings.TrimPrefix(val.path+"."+v.text(key), ".")}
	}
	return nil
}

// step applies one .member or .method(args).
func (v *vtl) step(val any, st vtlStep, args []any) (any, error) {
	switch val := val.(type) {
	case vtlContext:
		if !st.call {
			return vtlContext{strings.TrimPrefix(val.path+"."+st.name, ".")}, nil
		}
		return v.stringMethod(v.text(val), st.name, args)
	case vtlInput:
		return v.inputMethod(st, args)
	case vtlUtil:
		return v.utilMethod(st.name, args)
	case map[string]any:
		if !st.call {
			return val[st.name], nil
		}
		return v.mapMethod(val, st.name, args)
	case []any:
		return v.listMethod(val, st.name, args)
	case string:
		return v.stringMethod(val, st.name, args)
	case float64, bool:
		if st.name == "toString" || st.name == "intValue" {
			if st.name == "toString" {
				return v.text(val), nil
			}
			return val, nil
		}
	}
	return nil, fmt.Errorf("%s is not supported by this simulator", st.name)
}
