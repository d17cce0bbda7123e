package specification_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"portcullis/control"
	"portcullis/control/specification"
)

// list writes methods as "GET /pets".
func list(d specification.Document) []string {
	out := []string{}
	for _, m := range d.Methods {
		out = append(out, m.Method+" "+m.Path)
	}
	return out
}

const petStore = `openapi: 3.0.3
info: {title: PetStore, version: "1"}
paths:
  /pets:
    summary: all of them
    parameters: []
    get: {responses: {"200": {description: fine}}}
    post:
      responses: {"201": {description: made}}
  /pets/{petId}:
    get: {parameters: [{name: petId, in: path, required: true, schema: {type: string}}], responses: {"200": {description: fine}}}
`

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		version string
		want    []string
	}{
		"YAML, 3.0":   {petStore, "3.0.3", []string{"GET /pets", "POST /pets", "GET /pets/{petId}"}},
		"JSON, 2.0":   {`{"swagger":"2.0","basePath":"/v1","paths":{"/a":{"get":{},"x-amazon-apigateway-any-method":{}}}}`, "2.0", []string{"GET /a", "ANY /a"}},
		"YAML, 2.0":   {"swagger: 2.0\npaths:\n  /a: {get: {}}\n", "2.0", []string{"GET /a"}}, // a number, as many write it
		"JSON in tab": {"\ufeff\n\t{\t\"openapi\":\"3.1.0\",\n\t\"paths\":{\"\\u002fa\\/\\ud83d\\ude00\":{\"put\":null}}}", "3.1.0", []string{"PUT /a/😀"}},
		"3.1, path items elsewhere": {`openapi: 3.1.1
paths:
  /a: {$ref: '#/components/pathItems/A~1one', delete: {}, get: {}}
components: {pathItems: {A/one: {get: {}, head: {}}}}
webhooks: {hook: {post: {}}}
`, "3.1.1", []string{"GET /a", "HEAD /a", "DELETE /a"}},
		"3.2": {"openapi: 3.2.0\npaths:\n  /a: {query: {}, additionalOperations: {COPY: {}}}\n", "3.2.0", []string{"QUERY /a", "COPY /a"}},
		"aliases, empty paths, extensions": {`openapi: 3.0.0
x-common: &common {options: {}, x-owner: me}
paths:
  x-paths: ignored
  /a: *common
  /b:
  /c/{proxy+}: {x-amazon-apigateway-any-method: {}}
  /d.{format}/{a}-{b}: {trace: {}}
`, "3.0.0", []string{"OPTIONS /a", "ANY /c/{proxy+}", "TRACE /d.{format}/{a}-{b}"}},
	} {
		d, err := specification.Read([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values(c.want)), slices.Sorted(slices.Values(list(d)))); diff != "" || d.Version != c.version {
			t.Errorf("%s: %q %s", name, d.Version, diff)
		}
	}
	d, err := specification.Read([]byte(petStore))
	if err != nil || d.Title != "PetStore" || d.Methods[1].Line != 8 {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestReadRefused: every mistake is named with its place and its line.
func TestReadRefused(t *testing.T) {
	const head = "openapi: 3.0.0\npaths:\n"
	for name, c := range map[string]struct{ text, pointer, want string }{
		"nothing":            {" \n", "#", "empty"},
		"comment":            {"# nothing\n", "#", "empty"},
		"latin-1":            {"openapi: 3.0.0 # \xe4", "#", "UTF-8"},
		"a list":             {"[]", "#", "line 1: is no object"},
		"a text":             {"hello", "#", "line 1: is no object"},
		"another kind":       {"asyncapi: 2.0.0\npaths: {/a: {get: {}}}", "#/openapi", "missing"},
		"OpenAPI 4":          {"openapi: 4.0.0\npaths: {/a: {get: {}}}", "#/openapi", `line 1: is "4.0.0"`},
		"OpenAPI 3.00":       {"openapi: 3.00\npaths: {/a: {get: {}}}", "#/openapi", "known"},
		"Swagger 1.2":        {"swagger: '1.2'\npaths: {/a: {get: {}}}", "#/swagger", `"1.2"`},
		"no paths":           {"openapi: 3.1.0\n", "#/paths", "missing"},
		"paths null":         {"openapi: 3.1.0\npaths:\n", "#/paths", "missing"},
		"paths a list":       {"openapi: 3.1.0\npaths: []\n", "#/paths", "line 2: must be an object"},
		"no operation":       {head + "  /a: {summary: x}\n", "#/paths", "line 2: has no operation"},
		"relative path":      {head + "  a: {get: {}}\n", "#/paths/a", "line 3: path must begin with /"},
		"query in path":      {head + "  /a?b=1: {get: {}}\n", "#/paths/~1a?b=1", "without query"},
		"same path":          {head + "  /a/{b}: {get: {}}\n  /a/{c}: {get: {}}\n", "#/paths/~1a~1{c}", "line 4: is the same path as /a/{b}"},
		"path twice":         {head + "  /a: {get: {}}\n  /a: {put: {}}\n", "#/paths/~1a", "line 4: comes twice"},
		"method twice":       {"{\"openapi\":\"3.0.0\",\"paths\":{\n\"/a\":{\"get\":{},\n\"get\":{}}}}", "#/paths/~1a/get", "line 3: comes twice"},
		"paths twice":        {"openapi: 3.0.0\npaths: {/a: {get: {}}}\npaths: {/b: {get: {}}}", "#/paths", "line 3: comes twice"},
		"upper case":         {head + "  /a: {GET: {}}\n", "#/paths/~1a/GET", "must be written get"},
		"misspelt":           {head + "  /a: {get: {}, pots: {}}\n", "#/paths/~1a/pots", "neither a method"},
		"item a list":        {head + "  /a: [get]\n", "#/paths/~1a", "must be an object of operations"},
		"operation a text":   {head + "  /a: {get: yes}\n", "#/paths/~1a/get", "must be an object"},
		"open brace":         {head + "  '/a/{b': {get: {}}\n", "#/paths/~1a~1{b", "braces"},
		"close brace":        {head + "  /a/b}: {get: {}}\n", "#/paths/~1a~1b}", "braces"},
		"empty parameter":    {head + "  '/a/{}': {get: {}}\n", "#/paths/~1a~1{}", "braces"},
		"greedy not last":    {head + "  '/{a+}/b': {get: {}}\n", "#/paths/~1{a+}~1b", "greedy"},
		"other document":     {head + "  /a: {$ref: 'paths/a.yaml'}\n", "#/paths/~1a/$ref", "refers to another document"},
		"reference to none":  {head + "  /a: {$ref: '#/components/pathItems/A'}\n", "#/paths/~1a/$ref", "not there"},
		"reference in ring":  {head + "  /a: {$ref: '#/paths/~1a'}\n", "#/paths/~1a/$ref", "in a row"},
		"merge key":          {"openapi: 3.0.0\nx: &x {get: {}}\npaths:\n  /a: {<<: *x}\n", "#/paths/~1a/<<", "merge key"},
		"broken YAML":        {"openapi: 3.0.0\npaths:\n  /a: {get: {}\n", "#", "line "},
		"broken JSON":        {"{\"openapi\": \"3.0.0\",\n\"paths\": {]}", "#", "line 2: "},
		"JSON cut off":       {"{\"openapi\": \"3.0.0\",\n\"paths\": {", "#", "line 2: the JSON ends too early"},
		"more behind JSON":   {"{\"openapi\": \"3.0.0\", \"paths\": {}}\n{}", "#", "line 2: something follows"},
		"second document":    {petStore + "---\n" + petStore, "#", "second document"},
		"deep JSON":          {`{"x":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + "}", "#", "levels deep"},
		"deep YAML":          {"x: " + strings.Repeat("[", 500) + strings.Repeat("]", 500), "#", "levels deep"},
		"too large":          {strings.Repeat(" ", specification.MaxBytes) + "{}", "#", "at most"},
		"too many":           {many(specification.MaxMethods + 1), "#/paths", "more than 10000 operations"},
		"method of 3.2, bad": {"openapi: 3.2.0\npaths: {/a: {additionalOperations: {copy: {}}}}\n", "#/paths/~1a/additionalOperations/copy", "upper-case"},
	} {
		_, err := specification.Read([]byte(c.text))
		var e *control.Error
		if !errors.As(err, &e) || e.Kind != control.Invalid || e.Code != "invalid_specification" {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.Contains(e.Fields[c.pointer], c.want) {
			t.Errorf("%s: %q, want %q at %s", name, e.Fields, c.want, c.pointer)
		}
	}
	// All at once, and not without end.
	_, err := specification.Read([]byte(head + strings.Repeat("  b: {get: {}}\n", 5) + "  c: []\n  /d: {pots: {}}\n"))
	var e *control.Error
	if !errors.As(err, &e) || len(e.Fields) != 3 {
		t.Errorf("%+v", err)
	}
	_, err = specification.Read([]byte(head + strings.Replace(many(500)[len(head):], "/", "", -1)))
	if !errors.As(err, &e) || len(e.Fields) != 20 {
		t.Errorf("%d mistakes are named", len(e.Fields))
	}
}

func many(n int) string {
	var b strings.Builder
	b.WriteString("openapi: 3.0.0\npaths:\n")
	for i := range n {
		fmt.Fprintf(&b, "  /a%d: {get: {}}\n", i)
	}
	return b.String()
}

// TestAgainstPeer: a document that a full reader of OpenAPI takes has the same operations here.
func TestAgainstPeer(t *testing.T) {
	for _, text := range []string{petStore, many(50)} {
		peer, err := openapi3.NewLoader().LoadFromData([]byte(strings.Replace(text, "paths:", "x: 1\npaths:", 1)))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{}
		for path, item := range peer.Paths.Map() {
			for method := range item.Operations() {
				want = append(want, method+" "+path)
			}
		}
		d, err := specification.Read([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(list(d)))); diff != "" {
			t.Error(diff)
		}
	}
}

// FuzzRead: whatever comes in, what comes out can be made into APIs.
func FuzzRead(f *testing.F) {
	f.Add([]byte(petStore))
	f.Add([]byte(`{"swagger":"2.0","paths":{"/a":{"$ref":"#/paths/~1a"},"/{b+}":{"x-amazon-apigateway-any-method":{}}}}`))
	f.Add([]byte("openapi: 3.1.0\na: &a [*a, *a]\npaths: {/a: *a, <<: *a, ? [x] : y}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := specification.Read(text)
		if err != nil {
			if control.KindOf(err) != control.Invalid {
				t.Fatalf("%v", err)
			}
			return
		}
		seen := map[string]bool{}
		for _, m := range d.Methods {
			if p := control.ValidateMethod(m.Method, m.Path); p != "" || seen[m.Method+m.Path] || m.Line < 1 {
				t.Fatalf("%+v: %s", m, p)
			}
			seen[m.Method+m.Path] = true
		}
		if len(d.Methods) == 0 || len(d.Methods) > specification.MaxMethods {
			t.Fatalf("%d methods", len(d.Methods))
		}
	})
}

// BenchmarkRead reads a document of 10,000 operations.
func BenchmarkRead(b *testing.B) {
	text := []byte(many(specification.MaxMethods))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := specification.Read(text); err != nil {
			b.Fatal(err)
		}
	}
}
