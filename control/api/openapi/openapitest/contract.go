package openapitest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"portcullis/docs/reference"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// contract is the document, with its schemas compiled as they are first needed.
type contract struct {
	doc    map[string]any
	routes []route
	codes  []string // that an error may carry

	mu       sync.Mutex
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema // :: JSON pointer into doc → schema
}

// route is one path of the document.
type route struct {
	template string
	segments []string
	item     map[string]any
}

// base names the document for the compiler.
const base = "https://portcullis.example.com/openapi.json"

// loaded is the contract of this build: it is read once in a process and does not change.
var loaded = sync.OnceValues(func() (*contract, error) { return parse(reference.OpenAPI()) })

func parse(text []byte) (*contract, error) {
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	asJSON, err := json.Marshal(tree) // so that every number and key is what a JSON reader makes of it
	if err != nil {
		return nil, err
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(asJSON)))
	if err != nil {
		return nil, err
	}
	doc, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the document is no object")
	}
	c := &contract{doc: doc, compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}, codes: reference.ErrorCodes()}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	c.compiler.UseLoader(jsonschema.SchemeURLLoader{}) // nothing is fetched, from nowhere
	if err := c.compiler.AddResource(base, doc); err != nil {
		return nil, err
	}
	for template, item := range object(doc["paths"]) {
		c.routes = append(c.routes, route{template, strings.Split(template, "/"), object(item)})
	}
	slices.SortFunc(c.routes, func(a, b route) int { return strings.Compare(a.template, b.template) })
	return c, nil
}

// find is the path of the document that an escaped request path belongs to: where several fit, the one that is literal
// for longest.
func (c *contract) find(escaped string) (route, bool) {
	got := strings.Split(escaped, "/")
	var best route
	found := false
	for _, r := range c.routes {
		if r.fits(got) && (!found || r.before(best)) {
			best, found = r, true
		}
	}
	return best, found
}

func parameter(segment string) bool { return strings.HasPrefix(segment, "{") }

func (r route) fits(got []string) bool {
	if len(got) != len(r.segments) {
		return false
	}
	for i, s := range r.segments {
		if parameter(s) {
			if v, err := url.PathUnescape(got[i]); err != nil || v == "" {
				return false
			}
		} else if s != got[i] {
			return false
		}
	}
	return true
}

func (r route) before(other route) bool {
	for i, s := range r.segments {
		if a, b := parameter(s), parameter(other.segments[i]); a != b {
			return b
		}
	}
	return false
}

// schema compiles the schema at a JSON pointer.
func (c *contract) schema(pointer string) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.compiled[pointer]; s != nil {
		return s, nil
	}
	s, err := c.compiler.Compile(base + "#" + (&url.URL{Path: pointer}).EscapedPath())
	if err != nil {
		return nil, err
	}
	c.compiled[pointer] = s
	return s, nil
}

// at follows a JSON pointer (RFC 6901) into the document, and every $ref that it meets; where is the pointer without them.
func (c *contract) at(pointer string) (v any, where string, err error) {
	v, where = c.doc, ""
	for _, token := range strings.Split(pointer, "/")[1:] {
		if v, where, err = c.deref(v, where); err != nil {
			return nil, "", err
		}
		v, where = member(v, strings.NewReplacer("~1", "/", "~0", "~").Replace(token)), where+"/"+token
	}
	return c.deref(v, where)
}

func (c *contract) deref(v any, where string) (any, string, error) {
	ref, ok := object(v)["$ref"].(string)
	if !ok {
		return v, where, nil
	}
	target, local := strings.CutPrefix(ref, "#")
	if !local {
		return nil, "", fmt.Errorf("%s: %s is outside the document", where, ref)
	}
	v, where, err := c.at(target)
	if err == nil && v == nil {
		err = fmt.Errorf("%s leads nowhere", ref)
	}
	return v, where, err
}

func member(v any, token string) any {
	if l, ok := v.([]any); ok {
		if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(l) {
			return l[i]
		}
		return nil
	}
	return object(v)[token]
}

// pointer joins tokens to a JSON pointer.
func pointer(tokens ...string) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(t))
	}
	return b.String()
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }

func list(v any) []any { l, _ := v.([]any); return l }
