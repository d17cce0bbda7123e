package policy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/rego"
	"go.yaml.in/yaml/v3"

	"portcullis/edge/waist"
)

// TestDocs: the reference names every validator, comparator, member of the input and removed built-in, and its JSON
// Schema lists the same validators and comparators as the compiler knows.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/reference/policy.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs struct {
			Validator struct {
				Properties struct{ Name struct{ Enum []string } }
			}
			Field struct {
				Properties struct{ Comparator struct{ Enum []string } }
			}
		} `json:"definitions"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	inSchema := schema.Defs.Field.Properties.Comparator.Enum
	var words []string
	for name := range comparators {
		words = append(words, name)
		if !slices.Contains(inSchema, name) {
			t.Errorf("the schema lacks the comparator %s", name)
		}
		if !strings.Contains(comparatorNames(), name) {
			t.Errorf("comparatorNames lacks %s", name)
		}
	}
	if len(inSchema) != len(comparators) {
		t.Errorf("the schema has %d comparators, the compiler %d", len(inSchema), len(comparators))
	}
	names := schema.Defs.Validator.Properties.Name.Enum
	if len(names) < 16 {
		t.Errorf("the schema has %d validators", len(names))
	}
	for _, name := range names {
		var ps problems
		compileStep(&waist.Validator{Name: name}, "x", 0, &ps)
		for _, p := range ps.list {
			if p.Path == "x.name" {
				t.Errorf("the schema has the validator %s: %s", name, p.Message)
			}
		}
		words = append(words, name)
	}
	words = append(words, requestParts...)
	words = append(words, contextMembers...)
	words = append(words, ReasonDenied, ReasonError, ReasonTimeout, ReasonInvalid, ReasonUnknown)
	for _, name := range []string{"http.send", "net.lookup_ip_addr", "opa.runtime", "rego.parse_module", "rand.intn", "bits.lsh", "product"} {
		if !slices.Contains(regoRemoved, name) {
			t.Errorf("%s is documented as removed and is not", name)
		}
	}
	for _, w := range words {
		if !strings.Contains(string(page), w) {
			t.Errorf("docs/reference/policies.md does not mention %s", w)
		}
	}
}

// TestDocExamples: the examples of the reference compile without a remark.
func TestDocExamples(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{waist.LanguageRego, waist.LanguageCedar} {
		_, rest, ok := strings.Cut(string(page), "```"+language+"\n")
		source, _, closed := strings.Cut(rest, "```")
		if !ok || !closed {
			t.Errorf("the reference has no example in %s", language)
			continue
		}
		if problems := Check(waist.Policy{ID: "x", Language: language, Definition: source}, nil); len(problems) > 0 {
			t.Errorf("%s: %v", language, problemTexts(problems))
		}
	}
}

// schemaMatcher is the JSON Schema of a policy, with the validator that OPA brings (draft 7).
func schemaMatcher(t *testing.T) func(policy any) bool {
	t.Helper()
	text, err := os.ReadFile("../../docs/reference/policy.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	q, err := rego.New(rego.Query("json.match_schema(input.policy, input.schema)")).PrepareForEval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return func(policy any) bool {
		t.Helper()
		rs, err := q.Eval(t.Context(), rego.EvalInput(map[string]any{"policy": policy, "schema": string(text)}))
		if err != nil || len(rs) != 1 {
			t.Fatal(err, rs)
		}
		return rs[0].Expressions[0].Value.([]any)[0].(bool)
	}
}

// beyondSchema are the mistakes that a JSON Schema cannot see: what is inside of texts, between policies, or in the
// source of a definition. What is refused for another reason must be refused by the schema as well.
var beyondSchema = []string{
	// definitions
	"definition:", "there is no statement", "brackets are nested", "a policy cannot read", "is not available", "no rule \"allow\"", "the package must be", "is recursive", "keyword",
	"conflicting rules", "must not shadow input", "multiple default rules",
	// other policies
	"embeds", "only the same type", "does not exist",
	// inside of texts
	"brackets at position", "is neither a number nor a time", "is not a duration", "is not a network", "validators[0].conf.zone",
	// two members together; members that come twice, of which a reader of JSON keeps one
	"from and to are the same", "comes twice",
}

// TestSchemaAndCompilerAgree: every golden policy that compiles matches the schema, and of those that do not, every one
// whose mistake a schema can see is refused by it.
func TestSchemaAndCompilerAgree(t *testing.T) {
	matches := schemaMatcher(t)
	files, err := filepath.Glob("testdata/cases/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	accepted, refused, used := 0, 0, map[string]bool{}
	agree := func(name string, policy any, problems []string) {
		ok := matches(policy)
		switch {
		case len(problems) == 0 && !ok:
			t.Errorf("%s: the schema refuses what compiles", name)
		case len(problems) == 0:
			accepted++
		case ok:
			for _, p := range problems {
				at := slices.IndexFunc(beyondSchema, func(b string) bool { return strings.Contains(p, b) })
				if at < 0 {
					t.Errorf("%s: the schema accepts it, the compiler says %q", name, p)
				} else {
					used[beyondSchema[at]] = true
				}
			}
		default:
			refused++
		}
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Policies map[string]map[string]any }
		if err := yaml.Unmarshal(src, &file); err != nil {
			t.Fatal(err)
		}
		for id, p := range file.Policies {
			var problems []string
			for _, want := range asList(p["check"]) {
				problems = append(problems, fmt.Sprint(want))
			}
			delete(p, "check")
			delete(p, "reads")
			agree(name+" "+id, p, problems)
		}
	}
	for _, c := range refusedVisual {
		var validators any
		if err := json.Unmarshal([]byte(c.validators), &validators); err != nil {
			t.Fatal(err)
		}
		agree(c.validators, map[string]any{"language": "cloudentity", "validators": validators}, []string{c.want})
	}
	for _, b := range beyondSchema {
		if !used[b] {
			t.Errorf("no policy is refused for %q alone", b)
		}
	}
	if accepted < 150 || refused < 30 {
		t.Errorf("%d accepted, %d refused by both", accepted, refused)
	}
	t.Logf("%d accepted and %d refused by both", accepted, refused)
}

func asList(x any) []any {
	list, _ := x.([]any)
	return list
}

// TestSchema: the JSON Schema accepts the published policies, the gallery and the default ones, and refuses mistakes.
func TestSchema(t *testing.T) {
	matches := schemaMatcher(t)
	var good []any
	if err := json.Unmarshal([]byte(publishedPolicies), &good); err != nil {
		t.Fatal(err)
	}
	for _, x := range Gallery() {
		for _, language := range allLanguages {
			p, _ := x.Policy(language)
			good = append(good, p)
		}
	}
	for _, p := range DefaultPolicies("demo") {
		good = append(good, p)
	}
	for _, p := range good {
		if !matches(p) {
			text, _ := json.Marshal(p)
			t.Errorf("the schema refuses %s", text)
		}
	}
	for _, bad := range []string{
		`{}`, `{"language":"xacml","definition":"x"}`, `{"language":"rego"}`, `{"language":"cloudentity","validators":[]}`,
		`{"language":"cloudentity","validators":[{"name":"magic"}]}`,
		`{"language":"cloudentity","validators":[{"name":"attributes","conf":null}]}`,
		`{"language":"cloudentity","validators":[{"name":"attributes","conf":{"fields":[]}}]}`,
		`{"language":"cloudentity","validators":[{"name":"attributes","conf":{"fields":[{"field":"authnCtx.a","comparator":"==","value":1}]}}]}`,
		`{"language":"cloudentity","validators":[{"name":"attributes","conf":{"fields":[{"field":"authnCtx.a","comparator":"equals"}]}}]}`,
		`{"language":"cloudentity","validators":[{"name":"attributes","conf":{"fields":[{"field":"authnCtx.a","comparator":"present","value":"x"}]}}]}`,
		`{"language":"cloudentity","validators":[{"name":"not","conf":{"validators":[{"name":"any","conf":{"validators":[]}}]}}]}`,
		`{"language":"cloudentity","validators":[{"name":"if-else","conf":{"if":[{"name":"true"}]}}]}`,
		`{"language":"cloudentity","validators":[{"name":"time","conf":{"from":"8:00"}}]}`,
		`{"language":"cloudentity","validators":[{"name":"embedded-policy","conf":{}}]}`,
	} {
		var p any
		if err := json.Unmarshal([]byte(bad), &p); err != nil {
			t.Fatal(err)
		}
		if matches(p) {
			t.Errorf("the schema accepts %s", bad)
		}
	}
}
