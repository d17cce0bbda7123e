package apigateway

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// patchOp is one operation of an Update… call. Values are always strings on the wire.
type patchOp struct {
	Op    string `json:"op"`
	Path  string `json:"path"` // "null" when it was not sent, which is how the service's errors show it
	Value string `json:"value"`
	From  string `json:"from"`
}

// patchRule says which operations a path takes. A "{}" in the path stands for one segment, "{*}" for the rest.
type patchRule struct {
	path  string
	ops   string // comma list, in the order in which AWS names them in the error
	apply func(op patchOp, seg []string) error
}

var patchEnum = []string{"add", "remove", "move", "test", "replace", "copy"}

// refusal words the error for an operation whose path is unknown (rule is nil) or that its path does not take. The
// service has several ways to say so, by noun.
type refusal func(op patchOp, rule *patchRule, all []patchRule) string

func plainRefusal(op patchOp, rule *patchRule, _ []patchRule) string {
	if rule != nil {
		return "Invalid patch operation specified. Must be one of: [" + strings.ReplaceAll(rule.ops, ",", ", ") + "]"
	}
	return "Invalid patch path " + op.Path
}

// pathRefusal answers a wrong operation like an unknown path.
func pathRefusal(op patchOp, _ *patchRule, _ []patchRule) string {
	return "Invalid patch path " + op.Path
}

// listedRefusal names the paths that exist.
func listedRefusal(op patchOp, _ *patchRule, all []patchRule) string {
	if op.Op != "replace" {
		return "Invalid patch path  '" + op.Path + "' specified for op '" + op.Op + "'. Please choose supported operations"
	}
	var paths []string
	for _, r := range all {
		paths = append(paths, r.path)
	}
	return "Invalid patch path  '" + op.Path + "' specified for op 'replace'. Must be one of: [" + strings.Join(paths, ", ") + "]"
}

// patch reads the operations of the call and applies them by rules, which work on a copy: nothing may show before all
// operations have passed.
func (q *request) patch(rules []patchRule) error { return q.patchAs(rules, plainRefusal) }

func (q *request) patchAs(rules []patchRule, refuse refusal) error {
	var body struct {
		PatchOperations []patchOp `json:"patchOperations"`
	}
	if err := q.decode(&body); err != nil {
		return err
	}
	if len(body.PatchOperations) > 1000 {
		return badRequest("Too many patch operations")
	}
	var wrong []string
	for i, op := range body.PatchOperations {
		if !slices.Contains(patchEnum, op.Op) {
			wrong = append(wrong, fmt.Sprintf("Value '%s' at '%s.patchOperations.%d.member.op' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
				op.Op, q.inputName(), i+1, strings.Join(patchEnum, ", ")))
		}
	}
	if code := q.params["status_code"]; code != "" && !statusCode.MatchString(code) {
		wrong = append(wrong, wrongStatusCode(code))
	}
	if err := invalid(wrong); err != nil {
		return err
	}
	for _, op := range body.PatchOperations {
		if op.Path == "" {
			op.Path = "null"
		}
		if err := applyPatch(op, rules, refuse); err != nil {
			return err
		}
	}
	return nil
}

// inputName is the name of the request shape as the service's validation texts show it: "updateMethodInput".
func (q *request) inputName() string {
	return strings.ToLower(q.operation[:1]) + q.operation[1:] + "Input"
}

// invalid joins constraint violations into one ValidationException; nil when there are none.
func invalid(wrong []string) error {
	switch len(wrong) {
	case 0:
		return nil
	case 1:
		return validation("1 validation error detected: " + wrong[0])
	}
	return validation(fmt.Sprintf("%d validation errors detected: %s", len(wrong), strings.Join(wrong, "; ")))
}

func wrongStatusCode(code string) string {
	return "Value '" + code + "' at 'statusCode' failed to satisfy constraint: Member must satisfy regular expression pattern: [1-5]\\d\\d"
}

func applyPatch(op patchOp, rules []patchRule, refuse refusal) error {
	for i, r := range rules {
		seg, ok := matchPatchPath(r.path, op.Path)
		if !ok {
			continue
		}
		if !slices.Contains(strings.Split(r.ops, ","), op.Op) {
			return badRequest(refuse(op, &rules[i], rules))
		}
		return r.apply(op, seg)
	}
	return badRequest(refuse(op, nil, rules))
}

// matchPatchPath returns the decoded segments that stand where the pattern has "{}" or "{*}".
func matchPatchPath(pattern, path string) ([]string, bool) {
	ps, xs := strings.Split(pattern, "/"), strings.Split(path, "/")
	var seg []string
	for i, p := range ps {
		if p == "{*}" {
			if i >= len(xs) {
				return nil, false
			}
			return append(seg, strings.Join(xs[i:], "/")), true
		}
		if i >= len(xs) {
			return nil, false
		}
		if p == "{}" {
			if xs[i] == "" {
				return nil, false
			}
			seg = append(seg, unescapePointer(xs[i]))
		} else if p != xs[i] {
			return nil, false
		}
	}
	return seg, len(ps) == len(xs)
}

// unescapePointer decodes one segment of a JSON pointer (RFC 6901).
func unescapePointer(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
}

// The constructors below make the rules that recur.

func setString(path string, to *string) patchRule {
	return patchRule{path, "replace", func(op patchOp, _ []string) error { *to = op.Value; return nil }}
}

// setBool takes anything but "true" for false, as the service does.
func setBool(path string, to *bool) patchRule {
	return patchRule{path, "replace", func(op patchOp, _ []string) error { *to = strings.EqualFold(op.Value, "true"); return nil }}
}

func setInt(path string, to *int) patchRule {
	return patchRule{path, "replace", func(op patchOp, _ []string) error {
		n, err := strconv.Atoi(op.Value)
		if err != nil {
			return badRequest("Invalid integer value '" + op.Value + "' for " + op.Path)
		}
		*to = n
		return nil
	}}
}

func setFloat(path string, to *float64) patchRule {
	return patchRule{path, "replace", func(op patchOp, _ []string) error {
		n, err := strconv.ParseFloat(op.Value, 64)
		if err != nil {
			return badRequest("Invalid number '" + op.Value + "' for " + op.Path)
		}
		*to = n
		return nil
	}}
}

// inMap takes add, remove and replace of one entry of a map of strings; the last segment is the key.
func inMap(path string, to *map[string]string) patchRule {
	return patchRule{path, "add,remove,replace", func(op patchOp, seg []string) error {
		key := seg[len(seg)-1]
		if op.Op == "remove" {
			delete(*to, key)
			return nil
		}
		if *to == nil {
			*to = map[string]string{}
		}
		(*to)[key] = op.Value
		return nil
	}}
}

// present refuses a replacement or removal of an entry that is not there, with the text that the service has for it.
func present(rule patchRule, has func(key string) bool, message string) patchRule {
	return patchRule{rule.path, rule.ops, func(op patchOp, seg []string) error {
		if op.Op != "add" && !has(seg[len(seg)-1]) {
			return notFound(message)
		}
		return rule.apply(op, seg)
	}}
}

const (
	noParameter   = "Invalid parameter name specified"
	noContentType = "Content-Type specified was not found"
)

func inBoolMap(path string, to *map[string]bool) patchRule {
	return patchRule{path, "add,remove,replace", func(op patchOp, seg []string) error {
		key := seg[len(seg)-1]
		if op.Op == "remove" {
			delete(*to, key)
			return nil
		}
		if *to == nil {
			*to = map[string]bool{}
		}
		(*to)[key] = op.Op == "add" && op.Value == "" || strings.EqualFold(op.Value, "true")
		return nil
	}}
}

// inSet takes add and remove of one member of a list whose members are named in the path, and replace of one by another.
func inSet(path string, to *[]string) patchRule {
	return patchRule{path, "add,remove,replace", func(op patchOp, seg []string) error {
		v := seg[len(seg)-1]
		at := slices.Index(*to, v)
		switch op.Op {
		case "add":
			if at < 0 {
				*to = append(*to, v)
			}
		case "remove":
			if at >= 0 {
				*to = slices.Delete(*to, at, at+1)
			}
		case "replace":
			if at >= 0 {
				*to = slices.Delete(*to, at, at+1)
			}
			*to = append(*to, op.Value)
		}
		return nil
	}}
}
