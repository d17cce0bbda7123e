package apigateway

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
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
		if val == nil {
			return nil, nil
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

func (v *vtl) json() any {
	if !v.read {
		v.read = true
		if json.Unmarshal([]byte(v.body), &v.doc) != nil {
			v.doc = nil
		}
	}
	return v.doc
}

func (v *vtl) inputMethod(st vtlStep, args []any) (any, error) {
	switch {
	case st.name == "body" && !st.call:
		return v.body, nil
	case st.name == "params" && len(args) == 0:
		headers, query := map[string]any{}, map[string]any{}
		for k, h := range v.x.header {
			headers[k] = lastOf(h)
		}
		for k, q := range v.x.query {
			query[k] = lastOf(q)
		}
		path := map[string]any{}
		for k, s := range v.x.match.params {
			path[k] = s
		}
		return map[string]any{"path": path, "querystring": query, "header": headers}, nil
	case st.name == "params" && len(args) == 1:
		name := v.text(args[0])
		if s, ok := v.x.match.params[name]; ok {
			return s, nil
		}
		if q, ok := v.x.query[name]; ok {
			return lastOf(q), nil
		}
		return lastOf(v.x.headerValues(name)), nil
	case st.name == "json" && len(args) == 1:
		got, err := jsonPath(v.json(), v.text(args[0]))
		if err != nil {
			return nil, err
		}
		if got == nil {
			return `""`, nil // a missing member is the empty JSON string
		}
		b, err := json.Marshal(got)
		return string(b), err
	case st.name == "path" && len(args) == 1:
		return jsonPath(v.json(), v.text(args[0]))
	}
	return nil, fmt.Errorf("input.%s is not supported by this simulator", st.name)
}

func (v *vtl) utilMethod(name string, args []any) (any, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("util.%s takes one argument", name)
	}
	s := v.text(args[0])
	switch name {
	case "escapeJavaScript":
		b, _ := json.Marshal(s)
		return strings.NewReplacer("'", `\'`, "/", `\/`).Replace(string(b[1 : len(b)-1])), nil
	case "urlEncode":
		return url.QueryEscape(s), nil
	case "urlDecode":
		return url.QueryUnescape(s)
	case "base64Encode":
		return base64.StdEncoding.EncodeToString([]byte(s)), nil
	case "base64Decode":
		b, err := base64.StdEncoding.DecodeString(s)
		return string(b), err
	case "parseJson":
		var doc any
		err := json.Unmarshal([]byte(s), &doc)
		return doc, err
	}
	return nil, fmt.Errorf("util.%s is not supported by this simulator", name)
}

func (v *vtl) stringMethod(s, name string, args []any) (any, error) {
	arg := func(i int) string {
		if i < len(args) {
			return v.text(args[i])
		}
		return ""
	}
	switch name {
	case "length":
		return float64(len([]rune(s))), nil
	case "isEmpty":
		return s == "", nil
	case "toString":
		return s, nil
	case "trim":
		return strings.TrimSpace(s), nil
	case "toUpperCase":
		return strings.ToUpper(s), nil
	case "toLowerCase":
		return strings.ToLower(s), nil
	case "equals":
		return s == arg(0), nil
	case "equalsIgnoreCase":
		return strings.EqualFold(s, arg(0)), nil
	case "contains":
		return strings.Contains(s, arg(0)), nil
	case "startsWith":
		return strings.HasPrefix(s, arg(0)), nil
	case "endsWith":
		return strings.HasSuffix(s, arg(0)), nil
	case "indexOf":
		return float64(strings.Index(s, arg(0))), nil
	case "replace":
		return strings.ReplaceAll(s, arg(0), arg(1)), nil
	case "replaceAll", "matches", "split":
		re, err := regexp.Compile(arg(0))
		if err != nil {
			return nil, err
		}
		switch name {
		case "matches":
			return re.FindString(s) == s && re.MatchString(s), nil
		case "replaceAll":
			return re.ReplaceAllString(s, arg(1)), nil
		}
		out := []any{}
		for _, part := range re.Split(s, -1) {
			out = append(out, part)
		}
		return out, nil
	case "substring":
		from, _ := strconv.Atoi(arg(0))
		to := len(s)
		if len(args) > 1 {
			to, _ = strconv.Atoi(arg(1))
		}
		if from < 0 || to > len(s) || from > to {
			return nil, fmt.Errorf("substring(%d,%d) of %d characters", from, to, len(s))
		}
		return s[from:to], nil
	}
	return nil, fmt.Errorf("%s of a string is not supported by this simulator", name)
}

func (v *vtl) mapMethod(m map[string]any, name string, args []any) (any, error) {
	switch {
	case name == "get" && len(args) == 1:
		return m[v.text(args[0])], nil
	case name == "containsKey" && len(args) == 1:
		_, ok := m[v.text(args[0])]
		return ok, nil
	case name == "put" && len(args) == 2:
		m[v.text(args[0])] = args[1]
		return "", nil
	case name == "size":
		return float64(len(m)), nil
	case name == "isEmpty":
		return len(m) == 0, nil
	}
	keys := slices.Sorted(maps.Keys(m))
	out := []any{}
	for _, k := range keys {
		switch name {
		case "keySet":
			out = append(out, k)
		case "values":
			out = append(out, m[k])
		case "entrySet":
			out = append(out, map[string]any{"key": k, "value": m[k]})
		default:
			return nil, fmt.Errorf("%s of a map is not supported by this simulator", name)
		}
	}
	return out, nil
}

func (v *vtl) listMethod(l []any, name string, args []any) (any, error) {
	switch {
	case name == "size":
		return float64(len(l)), nil
	case name == "isEmpty":
		return len(l) == 0, nil
	case name == "get" && len(args) == 1:
		return v.index(l, args[0]), nil
	case name == "contains" && len(args) == 1:
		return slices.ContainsFunc(l, func(e any) bool { return v.equal(e, args[0]) }), nil
	}
	return nil, fmt.Errorf("%s of a list is not supported by this simulator", name)
}

// jsonPath reads $, .name, ['name'], [0] and [*]. A missing member is nil; other syntax is an error.
func jsonPath(doc any, path string) (any, error) {
	if !strings.HasPrefix(path, "$") {
		return nil, fmt.Errorf("the path %q does not begin with $", path)
	}
	rest := path[1:]
	for rest != "" {
		var key string
		switch {
		case strings.HasPrefix(rest, "['") || strings.HasPrefix(rest, `["`):
			end := strings.Index(rest, rest[1:2]+"]")
			if end < 2 {
				if end = strings.Index(rest[2:], rest[1:2]+"]"); end < 0 {
					return nil, fmt.Errorf("the path %q has an open bracket", path)
				}
				end += 2
			}
			key, rest = rest[2:end], rest[end+2:]
		case strings.HasPrefix(rest, "["):
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, fmt.Errorf("the path %q has an open bracket", path)
			}
			n := rest[1:end]
			rest = rest[end+1:]
			if n == "*" {
				return eachOf(doc, rest)
			}
			i, err := strconv.Atoi(n)
			if err != nil {
				return nil, fmt.Errorf("the path %q uses a filter that this simulator does not support", path)
			}
			l, _ := doc.([]any)
			if i < 0 {
				i += len(l)
			}
			if i < 0 || i >= len(l) {
				return nil, nil
			}
			doc = l[i]
			continue
		case strings.HasPrefix(rest, "..") || strings.HasPrefix(rest, ".*"):
			return nil, fmt.Errorf("the path %q uses a form that this simulator does not support", path)
		case strings.HasPrefix(rest, "."):
			rest = rest[1:]
			n := strings.IndexAny(rest, ".[")
			if n < 0 {
				n = len(rest)
			}
			key, rest = rest[:n], rest[n:]
		default:
			return nil, fmt.Errorf("the path %q is malformed", path)
		}
		m, ok := doc.(map[string]any)
		if !ok {
			return nil, nil
		}
		doc = m[key]
	}
	return doc, nil
}

func eachOf(doc any, rest string) (any, error) {
	l, _ := doc.([]any)
	out := []any{}
	for _, e := range l {
		v, err := jsonPath(e, "$"+rest)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out = append(out, v)
		}
	}
	return out, nil
}
