package control

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Patch makes a new document out of an old one, which it leaves as it is.
type Patch func(document any) (any, error)

// MergePatch is RFC 7396.
func MergePatch(patch any) Patch {
	return func(document any) (any, error) {
		if _, ok := patch.(map[string]any); !ok {
			return nil, Errorf(Invalid, "invalid_patch", "a merge patch is a JSON object")
		}
		return merge(document, patch), nil
	}
}

// merge is the function MergePatch of RFC 7396 section 2, without changing target.
func merge(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	old, _ := target.(map[string]any)
	out := make(map[string]any, len(old)+len(p))
	for k, v := range old {
		out[k] = v
	}
	for k, v := range p {
		if v == nil {
			delete(out, k)
			continue
		}
		out[k] = merge(out[k], v)
	}
	return out
}

// MergePatchBetween is a merge patch that makes b out of a (RFC 7396). Nulls inside b mean the same as absence.
func MergePatchBetween(a, b any) any {
	to, ok := b.(map[string]any)
	if !ok {
		return b
	}
	from, ok := a.(map[string]any)
	if !ok {
		return b
	}
	out := map[string]any{}
	for k := range from {
		if to[k] == nil {
			out[k] = nil
		}
	}
	for k, v := range to {
		if v == nil || canonical(from[k]) == canonical(v) {
			continue
		}
		out[k] = MergePatchBetween(from[k], v)
	}
	for k := range out {
		if out[k] == nil && from[k] == nil {
			delete(out, k)
		}
	}
	return out
}

const maxOperations = 10_000

// JSONPatch is RFC 6902: a list of operations, each on the outcome of the one before, all or none. Errors name the
// operation by its place in the list.
func JSONPatch(patch any) (Patch, error) {
	list, ok := patch.([]any)
	if !ok {
		return nil, Errorf(Invalid, "invalid_patch", "a JSON patch is an array of operations")
	}
	if len(list) > maxOperations {
		return nil, Errorf(Invalid, "invalid_patch", "a JSON patch has at most %d operations", maxOperations)
	}
	return func(document any) (any, error) {
		var err error
		document = clone(document)
		for i, o := range list {
			op, ok := o.(map[string]any)
			if !ok {
				err = fmt.Errorf("is not an object")
			} else {
				document, err = operate(document, op)
			}
			if err != nil {
				at := "[" + strconv.Itoa(i) + "]"
				e := Errorf(Invalid, "invalid_patch", "operation %d of the patch: %v", i, err)
				e.Fields = map[string]string{at: err.Error()}
				return nil, e
			}
		}
		return document, nil
	}, nil
}

func operate(document any, op map[string]any) (any, error) {
	name, _ := op["op"].(string)
	path, ok := op["path"].(string)
	if !ok {
		return nil, fmt.Errorf("path is missing")
	}
	to, err := pointer(path)
	if err != nil {
		return nil, err
	}
	value, given := op["value"]
	switch name {
	case "add", "replace", "test":
		if !given {
			return nil, fmt.Errorf("value is missing")
		}
	case "move", "copy":
		from, ok := op["from"].(string)
		if !ok {
			return nil, fmt.Errorf("from is missing")
		}
		source, err := pointer(from)
		if err != nil {
			return nil, err
		}
		if name == "move" && strings.HasPrefix(path+"/", from+"/") && path != from {
			return nil, fmt.Errorf("%s cannot be moved into itself", from)
		}
		if value, err = get(document, source); err != nil {
			return nil, err
		}
		if name == "move" {
			if document, err = edit(document, source, "remove", nil); err != nil {
				return nil, err
			}
		}
		return edit(document, to, "add", clone(value))
	case "remove":
	default:
		return nil, fmt.Errorf("op %q is not one of add, remove, replace, move, copy, test", name)
	}
	if name == "test" {
		have, err := get(document, to)
		if err == nil && canonical(have) != canonical(value) {
			err = fmt.Errorf("the test of %s failed", path)
		}
		return document, err
	}
	return edit(document, to, name, clone(value))
}

// clone copies the objects and arrays of a parsed value.
func clone(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, m := range x {
			out[k] = clone(m)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, m := range x {
			out[i] = clone(m)
		}
		return out
	}
	return v
}

// pointer splits a JSON pointer (RFC 6901).
func pointer(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	if s[0] != '/' {
		return nil, fmt.Errorf("%q is not a JSON pointer: it must begin with /", s)
	}
	parts := strings.Split(s[1:], "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "~1", "/"), "~0", "~")
	}
	return parts, nil
}

func get(v any, path []string) (any, error) {
	for _, p := range path {
		switch x := v.(type) {
		case map[string]any:
			m, ok := x[p]
			if !ok {
				return nil, fmt.Errorf("there is no %q", p)
			}
			v = m
		case []any:
			i, err := index(p, len(x)-1)
			if err != nil {
				return nil, err
			}
			v = x[i]
		default:
			return nil, fmt.Errorf("there is no %q", p)
		}
	}
	return v, nil
}

// index reads an array index (RFC 6901 section 4) of at most last.
func index(p string, last int) (int, error) {
	i, err := strconv.Atoi(p)
	if err != nil || i < 0 || i > last || strconv.Itoa(i) != p {
		return 0, fmt.Errorf("the array has no element %q", p)
	}
	return i, nil
}

// edit changes one place of v and returns what v is then.
func edit(v any, path []string, op string, value any) (any, error) {
	if len(path) == 0 {
		return value, nil // nil for remove
	}
	p, last := path[0], len(path) == 1
	switch x := v.(type) {
	case map[string]any:
		old, there := x[p]
		if !there && (!last || op != "add") {
			return nil, fmt.Errorf("there is no %q", p)
		}
		if last && op == "remove" {
			delete(x, p)
			return x, nil
		}
		m, err := edit(old, path[1:], op, value)
		x[p] = m
		return x, err
	case []any:
		end := len(x) - 1
		if last && op == "add" {
			if end++; p == "-" {
				p = strconv.Itoa(end)
			}
		}
		i, err := index(p, end)
		switch {
		case err != nil:
			return nil, err
		case last && op == "add":
			return slices.Insert(x, i, value), nil
		case last && op == "remove":
			return slices.Delete(x, i, i+1), nil
		}
		x[i], err = edit(x[i], path[1:], op, value)
		return x, err
	}
	return nil, fmt.Errorf("there is no %q", p)
}
