package cases

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

const sample = `
policies:
  owner:
    language: cloudentity
    reads: [authn_ctx.sub, request.path_params.petId]
    validators:
      - name: identity-context
        conf: {fields: [{field: sub, comparator: equals, value: $request.pathParams.petId}]}
  out:
    language: rego
    definition: |
      package acp.authz
      allow := true
      user := input.authn_ctx.sub
input: {authn_ctx: {sub: joe}}
cases:
  - {name: same, policy: owner, input: {request: {path_params: {petId: joe}}}, allow: true}
  - {name: other, policy: owner, input: {request: {path_params: {petId: eve}}}, allow: false, failure: eve}
  - {policy: out, allow: true, output: {user: joe}}
`

func run(t *testing.T, src string) *Report {
	t.Helper()
	f, err := Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(context.Background(), f, Options{Cover: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRunPasses(t *testing.T) {
	r := run(t, sample)
	if r.Failed() {
		t.Fatalf("%+v", r)
	}
	if r.Results[2].Name != "line 19" {
		t.Errorf("a case without a name is called %q", r.Results[2].Name)
	}
	if len(r.Coverage) != 2 || r.Coverage[1].Policy != "owner" || r.Coverage[1].Percent() != 100 {
		t.Errorf("coverage %+v", r.Coverage)
	}
	var buf bytes.Buffer
	if err := WriteJUnit(&buf, []Suite{{Name: "sample", Report: r}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<testsuite name="sample" tests="3" failures="0"`, `classname="owner" name="same"`} {
		if !strings.Contains(buf.String(), want) {
			t.Errorf("the JUnit report lacks %s:\n%s", want, buf.String())
		}
	}
}

// TestRunFails shows that every kind of expectation can fail.
func TestRunFails(t *testing.T) {
	edits := []struct{ old, new, want string }{
		{"petId: joe}}}, allow: true", "petId: joe}}}, allow: false", "got allow"},
		{"petId: eve}}}, allow: false", "petId: eve}}}, allow: true", "got deny policy_denied"},
		{"failure: eve", "failure: adam", "expected one with"},
		{"output: {user: joe}", "output: {user: eve}", "the output is"},
		{"reads: [authn_ctx.sub, ", "reads: [", "expected"},
		{"comparator: equals", "comparator: equalz", "unknown comparator"},
		{"name: identity-context", "name: identity", "unknown validator"},
		{"allow := true", "allow := ", "definition:3"},
		{"policies:\n", "cedar_schema: |\n  entity User; action GET appliesTo {principal: User, resource: User};\npolicies:\n  c: {language: cedar, definition: 'permit(principal, action == Action::\"GTE\", resource);'}\n", "does not fit the schema"},
		{"policy: out", "policy: gone", "policy_unknown"},
		{"{petId: joe}", "{petId: 5}", "input:"},
		{"path_params: {petId: joe}", "pathParams: {petId: joe}", "unknown field"},
	}
	for _, e := range edits {
		src := strings.Replace(sample, e.old, e.new, 1)
		if src == sample {
			t.Fatalf("%q is not in the sample", e.old)
		}
		r := run(t, src)
		var all []string
		for _, p := range r.Problems {
			all = append(all, p.Message)
		}
		for _, c := range r.Results {
			all = append(all, c.Mismatch)
		}
		if !r.Failed() || !strings.Contains(strings.Join(all, "\n"), e.want) {
			t.Errorf("%s -> %s: failed=%v, want %q in %q", e.old, e.new, r.Failed(), e.want, all)
		}
		var buf bytes.Buffer
		if err := WriteJUnit(&buf, []Suite{{Name: "x", Report: r}}); err != nil || strings.Contains(buf.String(), `failures="0"`) {
			t.Errorf("%s: the JUnit report shows no failure", e.old)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for src, want := range map[string]string{
		"":                                 "empty",
		"cases: [":                         "line",
		"cases: []\ncases: []":             "twice",
		"case: []":                         "unknown field",
		"cases: [{policy: a, alow: true}]": "unknown field",
		"a: &x [1]\ncases: *x":             "anchors",
		"cases: {a: b}":                    "cannot unmarshal",
		"policies: {a: {language: cloudentity, validators: {name: x}}}\ncases: []": "",
	} {
		f, err := Parse([]byte(src))
		if err == nil {
			_, err = Run(context.Background(), f, Options{})
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", src, err, want)
		}
	}
}

func TestParsePolicies(t *testing.T) {
	p, err := ParsePolicies([]byte("open:\n  language: cloudentity\n  validators:\n    - name: \"true\"\n"))
	if err != nil || len(p) != 1 || p[0].ID != "open" || p[0].Type != "api" || len(p[0].Validators) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}
