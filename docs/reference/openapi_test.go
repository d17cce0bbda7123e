package reference

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// document is read once; no test changes it.
var document = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(OpenAPI()) })

func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestValid(t *testing.T) {
	doc := load(t)
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableMultiError()); err != nil {
		t.Fatal(err)
	}
}

// operation is one row of testdata/operations.tsv.
type operation struct {
	method, path, id string
	success          int
	errors           []int // nil: not known
}

func published(t *testing.T) []operation {
	t.Helper()
	text, err := os.ReadFile("testdata/operations.tsv")
	if err != nil {
		t.Fatal(err)
	}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var out []operation
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 5 {
			t.Fatalf("testdata/operations.tsv: %q has %d columns", line, len(f))
		}
		o := operation{method: f[0], path: f[1], id: f[2], success: number(f[3])}
		if f[4] != "-" {
			o.errors = []int{}
			for _, s := range strings.Fields(f[4]) {
				o.errors = append(o.errors, number(s))
			}
		}
		out = append(out, o)
	}
	return out
}

// The document has every published operation with its name, its success status and its errors. What it adds, it marks.
func TestPublishedOperations(t *testing.T) {
	doc := load(t)
	known := map[string]bool{}
	rows := published(t)
	if len(rows) < 102 {
		t.Fatalf("testdata/operations.tsv has %d rows", len(rows))
	}
	for _, row := range rows {
		at := row.method + " " + row.path
		known[at] = true
		item := doc.Paths.Value(row.path)
		if item == nil || item.GetOperation(row.method) == nil {
			t.Errorf("%s is not in the document", at)
			continue
		}
		op := item.GetOperation(row.method)
		if op.OperationID != row.id {
			t.Errorf("%s is called %s, want %s", at, op.OperationID, row.id)
		}
		var declared []int
		for status := range op.Responses.Map() {
			n, err := strconv.Atoi(status)
			if err != nil {
				t.Errorf("%s declares the status %q", at, status)
			}
			declared = append(declared, n)
		}
		additive := statuses(t, at, op)
		for _, n := range append([]int{row.success}, row.errors...) {
			if !slices.Contains(declared, n) {
				t.Errorf("%s does not declare %d, which is published", at, n)
			}
			if slices.Contains(additive, n) {
				t.Errorf("%s marks %d as additive, and it is published", at, n)
			}
		}
		for _, n := range additive {
			if !slices.Contains(declared, n) {
				t.Errorf("%s marks %d as additive and does not declare it", at, n)
			}
		}
		for _, n := range declared {
			if row.errors != nil && n != row.success && !slices.Contains(row.errors, n) && !slices.Contains(additive, n) {
				t.Errorf("%s declares %d, which is neither published nor marked as additive", at, n)
			}
			if n < 400 && n != row.success && !slices.Contains(additive, n) {
				t.Errorf("%s has another success, %d", at, n)
			}
		}
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if at := method + " " + path; !known[at] && op.Extensions["x-portcullis-additive"] != true {
				t.Errorf("%s is neither published nor marked as additive", at)
			}
		}
	}
}

func statuses(t *testing.T, at string, op *openapi3.Operation) (out []int) {
	t.Helper()
	v, ok := op.Extensions["x-portcullis-additive-statuses"].([]any)
	if !ok {
		t.Errorf("%s lacks x-portcullis-additive-statuses", at)
	}
	for _, e := range v {
		n, err := strconv.Atoi(fmt.Sprint(e))
		if err != nil {
			t.Errorf("%s: %v", at, err)
		}
		out = append(out, n)
	}
	return out
}

// What every operation of the JSON APIs must have, whatever it does.
func TestConventions(t *testing.T) {
	doc := load(t)
	ids := map[string]string{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			at := method + " " + path
			if other, ok := ids[op.OperationID]; ok || op.OperationID == "" {
				t.Errorf("%s is called %q, as is %s", at, op.OperationID, other)
			}
			ids[op.OperationID] = at
			if op.Summary == "" || len(op.Tags) != 1 || doc.Tags.Get(op.Tags[0]) == nil || op.Security == nil {
				t.Errorf("%s needs a summary, one declared tag and its security", at)
			}
			if op.Extensions["x-portcullis-built"] == false && op.Responses.Value("501") == nil {
				t.Errorf("%s is not built and does not declare 501", at)
			}
			if !strings.HasPrefix(path, "/api/") {
				continue
			}
			for status, ref := range op.Responses.Map() {
				if status >= "400" && ref.Value.Content["application/json"].Schema.Ref != "#/components/schemas/Error" {
					t.Errorf("%s answers %s with another body than Error", at, status)
				}
			}
			scheme, scopes := "admin", 0
			if strings.HasPrefix(path, "/api/system/") || strings.HasPrefix(path, "/api/hub/") {
				scheme, scopes = "system", 1
			}
			if op.Security == nil || len(*op.Security) != 1 || (*op.Security)[0][scheme] == nil || len((*op.Security)[0][scheme]) != scopes {
				t.Errorf("%s must need a token of the workspace %s with %d scopes, and nothing else", at, scheme, scopes)
			}
			parameter := func(name string) bool {
				return slices.ContainsFunc(op.Parameters, func(p *openapi3.ParameterRef) bool { return p.Value.Name == name })
			}
			if admin := strings.HasPrefix(path, "/api/admin/") || strings.HasPrefix(path, "/api/system/"); admin && method == "POST" && !parameter("X-Idempotency-Key") {
				t.Errorf("%s does not declare X-Idempotency-Key", at)
			}
			if op.Responses.Value("412") != nil != parameter("If-Match") && op.Extensions["x-portcullis-additive"] != true {
				t.Errorf("%s: If-Match and 412 come together", at)
			}
		}
	}
}

// Answers hold no null in place of an array, an object or a text: only the conf of a validator may be null, and what
// export and import hand through.
func TestAnswersAreNotNull(t *testing.T) {
	allowed := map[string]bool{"ValidatorConfig.conf": true, "TenantDump": true, "TreeServer": true, "TreeTenant": true}
	doc := load(t)
	seen := map[*openapi3.Schema]bool{}
	var walk func(at string, ref *openapi3.SchemaRef)
	walk = func(at string, ref *openapi3.SchemaRef) {
		if ref == nil || ref.Value == nil {
			return
		}
		if name, ok := strings.CutPrefix(ref.Ref, "#/components/schemas/"); ok {
			at = name
		}
		if seen[ref.Value] || allowed[at] {
			return
		}
		seen[ref.Value] = true
		s := ref.Value
		if s.Type != nil && s.Type.Includes("null") {
			t.Errorf("%s may be null in an answer", at)
		}
		for name, p := range s.Properties {
			walk(at+"."+name, p)
		}
		walk(at+"[]", s.Items)
		walk(at+".*", s.AdditionalProperties.Schema)
		for _, part := range s.AllOf {
			walk(at, part)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for _, r := range op.Responses.Map() {
				for _, m := range r.Value.Content {
					walk(method+" "+path, m.Schema)
				}
			}
		}
	}
	if len(seen) < 50 {
		t.Errorf("only %d schemas of answers were seen", len(seen))
	}
}

// The operations of a gateway show what is sent and what comes back. TestValid holds the examples against the schemas.
func TestGatewayExamples(t *testing.T) {
	doc := load(t)
	for path, item := range doc.Paths.Map() {
		if !strings.Contains(path, "/gateways") {
			continue
		}
		for method, op := range item.Operations() {
			at := method + " " + path
			if op.RequestBody != nil {
				if m := op.RequestBody.Value.Content["application/json"]; m != nil && len(m.Examples) == 0 {
					t.Errorf("%s has no example of a request", at)
				}
			}
			if r := op.Responses.Value("200"); r != nil {
				if m := r.Value.Content["application/json"]; m != nil && len(m.Examples) == 0 && op.Responses.Value("501") == nil {
					t.Errorf("%s has no example of an answer", at)
				}
			}
		}
	}
}

// Every component is used, so that what is described exists.
func TestNoIdleComponents(t *testing.T) {
	doc, text := load(t), string(OpenAPI())
	check := func(kind, name string) {
		if !strings.Contains(text, "#/components/"+kind+"/"+name+"'") {
			t.Errorf("components/%s/%s is used nowhere", kind, name)
		}
	}
	for name := range doc.Components.Schemas {
		check("schemas", name)
	}
	for name := range doc.Components.Parameters {
		check("parameters", name)
	}
	for name := range doc.Components.Responses {
		check("responses", name)
	}
	for name := range doc.Components.Headers {
		check("headers", name)
	}
}

func TestErrorCodes(t *testing.T) {
	codes := ErrorCodes()
	if len(codes) < 30 || !slices.Contains(codes, "gateway_limit") {
		t.Errorf("errors.md was not read: %q", codes)
	}
}
