package apigateway

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// This file holds the members of the objects that a mapping template can reach.

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
