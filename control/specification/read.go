package specification

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"portcullis/control"
)

// The bounds of a document.
const (
	MaxBytes   = 6 << 20 // API Gateway's own limit of an import
	MaxMethods = 10_000
	maxErrors  = 20
	maxRefs    = 10 // references in a row
)

// Document is what was read.
type Document struct {
	Version string // as it says itself: "2.0", "3.1.0"
	Title   string
	Methods []Method // in the order of the document; no two with the same method and path
}

// Method is one operation.
type Method struct {
	Method string // upper case; ANY for x-amazon-apigateway-any-method
	Path   string // the template as it is written, without basePath and servers
	Line   int
}

// anyMethod is how API Gateway's exports name the operation that takes every method.
const anyMethod = "x-amazon-apigateway-any-method"

var operations = map[string]string{ // :: member of a path item → method
	"get": "GET", "put": "PUT", "post": "POST", "delete": "DELETE", "options": "OPTIONS", "head": "HEAD", "patch": "PATCH", "trace": "TRACE",
	"query": "QUERY", anyMethod: "ANY",
}

// besides are the members of a path item that are no operations.
var besides = []string{"$ref", "summary", "description", "servers", "parameters"}

// Read reads a document. The error is one of kind Invalid whose Fields name each mistake by its JSON pointer, with its
// line; a document without any method is a mistake too.
func Read(text []byte) (Document, error) {
	root, err := parse(text)
	if err != nil {
		return Document{}, err
	}
	r := reader{root: root, seen: map[string]string{}}
	r.document()
	if err := r.check.Err("specification"); err != nil {
		return Document{}, err
	}
	return r.out, nil
}

// reader walks a document and collects what is wrong with it.
type reader struct {
	root   *yaml.Node
	out    Document
	check  control.Checks
	errors int
	seen   map[string]string // :: path without the names of its parameters → path
}

// wrong notes a mistake at a place of the document.
func (r *reader) wrong(pointer string, line int, format string, args ...any) {
	if r.errors++; r.errors > maxErrors {
		return
	}
	at := ""
	if line > 0 {
		at = fmt.Sprintf("line %d: ", line)
	}
	r.check.Add(pointer, at+fmt.Sprintf(format, args...))
}

func (r *reader) document() {
	if r.root.Kind != yaml.MappingNode {
		r.wrong("#", r.root.Line, "is no object; an OpenAPI document begins with swagger or openapi, info and paths")
		return
	}
	root := r.members("#", r.root)
	r.version(root)
	if info := root["info"].value; info != nil && info.Kind == yaml.MappingNode {
		if title := r.members("#/info", info)["title"].value; title != nil {
			r.out.Title = title.Value
		}
	}
	paths := root["paths"]
	if paths.value == nil || isNull(paths.value) {
		r.wrong("#/paths", r.root.Line, "is missing, so that there is nothing to import")
		return
	}
	if paths.value.Kind != yaml.MappingNode {
		r.wrong("#/paths", paths.line, "must be an object of paths")
		return
	}
	before := r.errors
	for _, m := range r.inOrder("#/paths", paths.value) {
		if !strings.HasPrefix(m.name, "x-") {
			r.path(m)
		}
		if r.errors > maxErrors || len(r.out.Methods) > MaxMethods {
			break
		}
	}
	switch n := len(r.out.Methods); {
	case n > MaxMethods:
		r.wrong("#/paths", paths.line, "has more than %d operations", MaxMethods)
	case n == 0 && r.errors == before:
		r.wrong("#/paths", paths.line, "has no operation; to take all APIs away, remove the specification")
	}
}

func (r *reader) version(root map[string]entry) {
	v, line := "", 0
	if e := root["openapi"]; e.value != nil {
		v, line = e.value.Value, e.line
		if !slices.ContainsFunc([]string{"3.0", "3.1", "3.2"}, func(known string) bool { return v == known || strings.HasPrefix(v, known+".") }) {
			r.wrong("#/openapi", line, "is %q; 3.0, 3.1 and 3.2 are known", clip(v))
		}
	} else if e := root["swagger"]; e.value != nil {
		if v, line = e.value.Value, e.line; v != "2.0" {
			r.wrong("#/swagger", line, "is %q; 2.0 is known", clip(v))
		}
	} else {
		r.wrong("#/openapi", r.root.Line, "is missing: this is no OpenAPI document (nor one of Swagger 2.0)")
	}
	r.out.Version = v
}

// path reads one path with its operations.
func (r *reader) path(m entry) {
	at := "#/paths/" + escape(m.name)
	if problem := control.ValidateMethod("GET", m.name); problem != "" {
		r.wrong(at, m.line, "%s", problem)
		return
	}
	shape, problem := shapeOf(m.name)
	if problem != "" {
		r.wrong(at, m.line, "%s", problem)
		return
	}
	if other, twice := r.seen[shape]; twice {
		r.wrong(at, m.line, "is the same path as %s: they differ in names of parameters only", clip(other))
		return
	}
	r.seen[shape] = m.name
	r.item(at, m.name, m.value, m.line, 0, map[string]bool{})
}

// item reads a path item, and what it refers to. have holds the methods that the path has already.
func (r *reader) item(at, path string, item *yaml.Node, line, refs int, have map[string]bool) {
	item = deref(item)
	if isNull(item) {
		return
	}
	if item.Kind != yaml.MappingNode {
		r.wrong(at, line, "must be an object of operations")
		return
	}
	for _, m := range r.inOrder(at, item) {
		here := at + "/" + escape(m.name)
		switch method, known := operations[m.name]; {
		case known:
			r.operation(here, method, path, m, have)
		case m.name == "additionalOperations": // 3.2
			if m.value.Kind != yaml.MappingNode {
				r.wrong(here, m.line, "must be an object of operations")
				continue
			}
			for _, more := range r.inOrder(here, m.value) {
				r.operation(here+"/"+escape(more.name), more.name, path, more, have)
			}
		case m.name == "$ref":
			if refs == maxRefs {
				r.wrong(here, m.line, "is the %dth reference in a row", maxRefs+1)
				continue
			}
			target, problem := r.resolve(m.value)
			if problem != "" {
				r.wrong(here, m.line, "%s", problem)
				continue
			}
			r.item(at, path, target, m.line, refs+1, have)
		case slices.Contains(besides, m.name), strings.HasPrefix(m.name, "x-"):
		case operations[strings.ToLower(m.name)] != "":
			r.wrong(here, m.line, "must be written %s", strings.ToLower(m.name))
		default:
			r.wrong(here, m.line, "is neither a method nor another member of a path")
		}
	}
}

func (r *reader) operation(at, method, path string, m entry, have map[string]bool) {
	if problem := control.ValidateMethod(method, path); problem != "" {
		r.wrong(at, m.line, "%s", problem)
		return
	}
	if v := deref(m.value); v.Kind != yaml.MappingNode && !isNull(v) {
		r.wrong(at, m.line, "must be an object")
		return
	}
	if !have[method] { // a reference may name what stands beside it
		have[method] = true
		r.out.Methods = append(r.out.Methods, Method{method, path, m.line})
	}
}

// resolve follows a reference within the document (RFC 6901 in a URI fragment).
func (r *reader) resolve(ref *yaml.Node) (*yaml.Node, string) {
	fragment, local := strings.CutPrefix(ref.Value, "#/")
	if ref.Kind != yaml.ScalarNode || !local {
		return nil, "refers to another document; bundle the parts into one, this importer fetches none"
	}
	at := r.root
	for token := range strings.SplitSeq(fragment, "/") {
		token, err := url.PathUnescape(token)
		if err != nil {
			return nil, "is no URI reference"
		}
		token = fromPointer.Replace(token)
		var next *yaml.Node
		if at = deref(at); at.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(at.Content); i += 2 {
				if at.Content[i].Value == token {
					next = at.Content[i+1]
				}
			}
		}
		if next == nil {
			return nil, fmt.Sprintf("refers to %s, which is not there", clip(ref.Value))
		}
		at = next
	}
	return deref(at), ""
}

// entry is one member of an object.
type entry struct {
	name  string
	value *yaml.Node
	line  int
}

// inOrder lists the members of an object; names that come twice and YAML's merge keys are mistakes, because readers
// disagree about them.
func (r *reader) inOrder(at string, object *yaml.Node) []entry {
	out := make([]entry, 0, len(object.Content)/2)
	seen := make(map[string]bool, len(object.Content)/2)
	for i := 0; i+1 < len(object.Content); i += 2 {
		k := deref(object.Content[i])
		here := at + "/" + escape(k.Value)
		switch {
		case k.Kind != yaml.ScalarNode:
			r.wrong(at, k.Line, "has a member whose name is no text")
			continue
		case k.Tag == "!!merge":
			r.wrong(here, k.Line, "is a merge key, which OpenAPI does not have; write the members out")
			continue
		case seen[k.Value]:
			r.wrong(here, k.Line, "comes twice")
			continue
		}
		seen[k.Value] = true
		out = append(out, entry{k.Value, deref(object.Content[i+1]), k.Line})
	}
	return out
}

func (r *reader) members(at string, object *yaml.Node) map[string]entry {
	all := r.inOrder(at, object)
	out := make(map[string]entry, len(all))
	for _, m := range all {
		out[m.name] = m
	}
	return out
}

// shapeOf is a path without the names of its parameters.
func shapeOf(path string) (shape, problem string) {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		for rest := s; ; {
			open := strings.IndexAny(rest, "{}")
			if open < 0 {
				break
			}
			end := strings.IndexAny(rest[open+1:], "{}")
			if rest[open] == '}' || end <= 0 || rest[open+1+end] != '}' {
				return "", "has braces that enclose no parameter"
			}
			name := rest[open+1 : open+1+end]
			mark := "{}"
			if strings.HasSuffix(name, "+") {
				mark = "{+}"
				if i != len(segments)-1 || s != "{"+name+"}" {
					return "", "has a greedy parameter ({" + clip(name) + "}) that is not the whole last segment"
				}
			}
			segments[i] = strings.Replace(segments[i], "{"+name+"}", mark, 1)
			rest = rest[open+1+end+1:]
		}
	}
	return strings.Join(segments, "/"), ""
}

// deref follows a YAML alias.
func deref(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

var (
	toPointer   = strings.NewReplacer("~", "~0", "/", "~1") // RFC 6901
	fromPointer = strings.NewReplacer("~1", "/", "~0", "~")
)

func escape(token string) string { return toPointer.Replace(clip(token)) }

// clip keeps what a message quotes short.
func clip(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
