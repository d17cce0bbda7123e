package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portcullis/edge/waist"
)

func visualPolicy(t *testing.T, validators string) waist.Policy {
	t.Helper()
	p := waist.Policy{ID: "x", Language: waist.LanguageVisual, Type: "api"}
	if err := json.Unmarshal([]byte(validators), &p.Validators); err != nil {
		t.Fatal(err)
	}
	return p
}

func problemTexts(list []Problem) []string {
	var out []string
	for _, p := range list {
		s := p.String()
		if p.Warning {
			s = "warning: " + s
		}
		out = append(out, s)
	}
	return out
}

func oneRow(field string) string {
	return `[{"name":"attributes","conf":{"fields":[` + field + `]}}]`
}

// refusedVisual are validators with what is wrong in them, and where.
var refusedVisual = []struct{ validators, want string }{
	{`[]`, "validators: there is no validator"},
	{`[{"name":"identity"}]`, `validators[0].name: unknown validator "identity"`},
	{`[{"name":"True"}]`, `validators[0].name: unknown validator "True"`},
	{`[{"name":"consent","conf":{}}]`, `validators[0].name: the validator "consent" needs a consent page`},
	{`[{"name":"attributes","conf":null}]`, "validators[0].conf: conf is missing"},
	{`[{"name":"attributes","conf":{"fields":[]}}]`, "validators[0].conf.fields: there is no field"},
	{`[{"name":"attributes","conf":{"fields":{}}}]`, "validators[0].conf: conf: json: cannot unmarshal object"},
	{`[{"name":"attributes","conf":{"fields":[{"field":"authnCtx.sub","comparator":"equals","value":"a"}],"operator":"or"}}]`, `unknown field "operator"`},
	{oneRow(`{"field":"sub","comparator":"equals","value":"a"}`), "validators[0].conf.fields[0].field: field \"sub\" must start with"},
	{oneRow(`{"field":"","comparator":"equals","value":"a"}`), "the field is empty"},
	{oneRow(`{"field":"authnCtx","comparator":"equals","value":"a"}`), "names a whole document"},
	{oneRow(`{"field":"authnCtx.a..b","comparator":"equals","value":"a"}`), "empty name at position"},
	{oneRow(`{"field":"authnCtx.a.","comparator":"equals","value":"a"}`), "ends in a dot"},
	{oneRow(`{"field":"authnCtx[x]","comparator":"equals","value":"a"}`), "brackets at position"},
	{oneRow(`{"field":"request.header.x","comparator":"equals","value":"a"}`), `request has no member "header"`},
	{oneRow(`{"field":"request.headers","comparator":"equals","value":"a"}`), "needs the name of one header"},
	{oneRow(`{"field":"request.method.x","comparator":"equals","value":"a"}`), "is a text and has no members"},
	{oneRow(`{"field":"authnCtx.sub","comparator":"==","value":"a"}`), `validators[0].conf.fields[0].comparator: unknown comparator "=="`},
	{oneRow(`{"field":"authnCtx.sub","comparator":"equals"}`), "validators[0].conf.fields[0].value: value is missing"},
	{oneRow(`{"field":"authnCtx.sub","comparator":"equals","value":{"a":1}}`), "value must be a text"},
	{oneRow(`{"field":"authnCtx.sub","comparator":"in","value":[]}`), "value is an empty list"},
	{oneRow(`{"field":"authnCtx.sub","comparator":"in","value":["a",["b"]]}`), "element 1: value must be a text"},
	{oneRow(`{"field":"authnCtx.sub","comparator":"present","value":"a"}`), "present and absent compare with nothing"},
	{oneRow(`{"field":"authnCtx.sub","comparator":"contains","value":""}`), "value is empty"},
	{oneRow(`{"field":"authnCtx.sub","comparator":"equals","value":"$authn.sub"}`), "is not a reference"},
	{oneRow(`{"field":"authnCtx.sub","comparator":"equals","value":"$"}`), "is not a reference"},
	{oneRow(`{"field":"authnCtx.exp","comparator":"less_than","value":"soon"}`), "is neither a number nor a time"},
	{oneRow(`{"field":"authnCtx.exp","comparator":"less_than","value":[1]}`), "value must be one number or time"},
	{oneRow(`{"field":"authnCtx.exp","comparator":"less_than","value":"$now-5 minutes"}`), "is not a duration"},
	{oneRow(`{"field":"request.sourceIp","comparator":"in_cidr","value":"192.0.2.0/33"}`), "is not a network"},
	{oneRow(`{"field":"request.sourceIp","comparator":"in_cidr","value":10}`), "value must be a text"},
	{`[{"name":"header","conf":{"fields":[{"field":"x y","comparator":"present"}]}}]`, "is not the name of a header"},
	{`[{"name":"scopes","conf":{"fields":[{"field":"pets.read","comparator":"contains","value":"a"}]}}]`, "is not dynamic"},
	{`[{"name":"scopes","conf":{"fields":[{"field":"a.*.b","comparator":"present"}]}}]`, "a dynamic scope ends in"},
	{`[{"name":"any","conf":{"validators":[]}}]`, "validators[0].conf.validators: there is no validator"},
	{`[{"name":"not","conf":{"validators":[{"name":"any","conf":{"validators":[{"name":"x"}]}}]}}]`, "validators[0].conf.validators[0].conf.validators[0].name"},
	{`[{"name":"if-else","conf":{"then":[{"name":"true"}]}}]`, "validators[0].conf.if: there is no validator"},
	{`[{"name":"if-else","conf":{"if":[{"name":"true"}],"then":[{"name":"true"}],"else":5}}]`, "validators[0].conf.else"},
	{`[{"name":"time","conf":{}}]`, "there are neither days nor hours"},
	{`[{"name":"time","conf":{"zone":"Mars/Olympus","days":["mon"]}}]`, "validators[0].conf.zone"},
	{`[{"name":"time","conf":{"zone":"Local","days":["mon"]}}]`, "validators[0].conf.zone"},
	{`[{"name":"time","conf":{"days":["monday"]}}]`, "validators[0].conf.days[0]"},
	{`[{"name":"time","conf":{"from":"8:00","to":"25:00"}}]`, "validators[0].conf.from"},
	{`[{"name":"time","conf":{"from":"08:00","to":"08:00"}}]`, "from and to are the same"},
	{`[{"name":"attributes","conf":{"fields":[{"field":"authnCtx.a","comparator":"equals","value":"x"}],"Fields":[{"field":"now","comparator":"present"}]}}]`, `unknown field "Fields"`},
	{`[{"name":"attributes","conf":{"fields":[{"field":"authnCtx.a","comparator":"equals","value":"x"}],"fields":[{"field":"now","comparator":"present"}]}}]`, `the member "fields" comes twice`},
	{`[{"name":"attributes","conf":{"fields":[{"field":"authnCtx.a","Field":"now","comparator":"present"}]}}]`, `unknown field "Field"`},
	{`[{"name":"not","conf":{"validators":[{"name":"false","conf":{"x":1},"name":"true"}]}}]`, `the member "name" comes twice`},
	{`[{"name":"attributes","conf":{"fields":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}]`, "nested more than"},
	{`[{"name":"embedded-policy","conf":{"policy_id":""}}]`, "the policy to embed is missing"},
	{`[{"name":"embedded-policy","conf":{"policy_id":"y"}}]`, `the embedded policy "y" does not exist`},
}

// TestCheckVisual: what is wrong with a visual policy is said with its place. Each of them denies as well.
func TestCheckVisual(t *testing.T) {
	for _, c := range refusedVisual {
		p := visualPolicy(t, c.validators)
		got := strings.Join(problemTexts(Check(p, nil)), "\n")
		if !strings.Contains(got, c.want) || strings.Contains(got, "warning: "+c.want) {
			t.Errorf("%s:\n got %s\nwant %s", c.validators, got, c.want)
		}
		if r := Compile([]waist.Policy{p}, Options{}).Evaluate(context.Background(), "x", nil); r.Decision != Deny {
			t.Errorf("%s: allowed", c.validators)
		}
	}
}

func TestCheckWarnings(t *testing.T) {
	o := CheckOptions{Claims: []string{"sub", "tenant"}, Template: "/pets/{petId}/{proxy+}"}
	cases := []struct {
		name string
		p    waist.Policy
		want []string
	}{
		{"visual", visualPolicy(t, `[{"name":"identity-context","conf":{"fields":[
			{"field":"tennant","comparator":"equals","value":"acme"},{"field":"sub","comparator":"equals","value":"$request.pathParams.userId"},
			{"field":"tenant","comparator":"equals","value":"$request.pathParams.proxy"}]}}]`), []string{
			`warning: validators[0].conf.fields[0].field: no token of this workspace has carried the claim "tennant" so far`,
			`warning: validators[0].conf.fields[1].value: the path /pets/{petId}/{proxy+} has no parameter "userId"`,
		}},
		{"no else", visualPolicy(t, `[{"name":"if-else","conf":{"if":[{"name":"scopes","conf":{"fields":[{"field":"a","comparator":"present"}]}}],"then":[{"name":"true"}]}}]`), []string{
			`warning: validators[0].conf: there is no "else": requests for which "if" does not hold are denied`,
		}},
		{"constant", visualPolicy(t, `[{"name":"identity-context","conf":{"fields":[{"field":"sub","comparator":"present"}]}},{"name":"false"}]`), []string{
			"warning: validators: constant validators decide: this policy always denies, and nothing else in it matters",
		}},
		{"rego", waist.Policy{ID: "x", Language: waist.LanguageRego, Definition: "package acp.authz\n\nallow if {\n  input.authn_ctx.tennant == \"acme\"\n  input.request.pathParams.id == input.request.path_params.userId\n  input.token.sub\n  input.contexts.user.x\n}\n"}, []string{
			`warning: definition:4:3: no token of this workspace has carried the claim "tennant" so far`,
			`warning: definition:5:3: input.request has no member "pathParams"; it has method, path, headers, path_params, query_params, body, mtls, source_ip, service, template, tags`,
			`warning: definition:5:34: the path /pets/{petId}/{proxy+} has no parameter "userId"`,
			`warning: definition:6:3: the input has no member "token"; it has authn_ctx, contexts, scopes, request`,
			`warning: definition:7:3: input.contexts has no member "user"; it has scopes, client, developer, login`,
		}},
		{"rego order", waist.Policy{ID: "x", Language: waist.LanguageRego, Definition: "package acp.authz\n\nallow if {\n  input.request.query_params.limit[0] >= 10\n  5 < input.request.path_params.petId\n" +
			"  to_number(input.request.headers.Age[0]) > 1\n  every x in input.request.query_params.q { x != \"1\" }\n}\n"}, []string{
			"warning: definition:4:3: input.request.query_params.limit[0] is a text, and every text is greater than every number; use to_number",
			"warning: definition:5:7: input.request.path_params.petId is a text, and every text is greater than every number; use to_number",
		}},
		{"cedar", waist.Policy{ID: "x", Language: waist.LanguageCedar, Definition: "permit(principal, action, resource);\nforbid(principal, action, resource)\nwhen { context.claims.tennant == resource.path_params.userId || context.token == resource.colour };"}, []string{
			`warning: definition:2:1: no token of this workspace has carried the claim "tennant" so far`,
			`warning: definition:2:1: the path /pets/{petId}/{proxy+} has no parameter "userId"`,
			`warning: definition:2:1: context.token is in no request; see docs/reference/policies.md for what is`,
			`warning: definition:2:1: resource.colour is in no request; see docs/reference/policies.md for what is`,
		}},
		{"no permit", waist.Policy{ID: "x", Language: waist.LanguageCedar, Definition: "forbid(principal, action, resource);"}, []string{
			"warning: definition: there is no permit: this policy denies everybody",
		}},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, problemTexts(CheckWith(c.p, o))); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.name, diff)
		}
		if c.name != "constant" && c.name != "no else" && c.name != "no permit" {
			for _, p := range Check(c.p, nil) {
				if strings.Contains(p.Message, "claim") || strings.Contains(p.Message, "path /") {
					t.Errorf("%s: %s, although nothing is known of the workspace", c.name, p)
				}
			}
		}
	}
}

func TestCedarSchema(t *testing.T) {
	schema := `
entity Group; entity Role; entity Service;
entity User in [Group, Role] = { sub?: String };
entity Client in [Group, Role]; entity Anonymous;
entity API in [Service] = { path_params: { petId?: String } };
action read; action write;
action GET in [read] appliesTo { principal: [User, Client, Anonymous], resource: [API], context: { claims: { sub?: String }, scopes: Set<String> } };
`
	ok := waist.Policy{ID: "x", Language: waist.LanguageCedar, Definition: `permit(principal, action == Action::"GET", resource) when { context.scopes.contains("pets.read") };`}
	bad := ok
	bad.Definition += "\n\n@id(\"typo\")\npermit(principal, action == Action::\"GET\", resource) when { context.scope.contains(\"pets.read\") };"
	if list := CheckWith(ok, CheckOptions{CedarSchema: schema}); len(list) > 0 {
		t.Errorf("%v", problemTexts(list))
	}
	list := CheckWith(bad, CheckOptions{CedarSchema: schema})
	if got := strings.Join(problemTexts(list), "\n"); !strings.Contains(got, "definition:4:1: typo does not fit the schema") && !strings.Contains(got, "definition:3:1: typo does not fit the schema") {
		t.Errorf("%s", got)
	}
	if list := CheckWith(ok, CheckOptions{CedarSchema: "entity"}); len(list) != 1 || list[0].Path != "cedar_schema" {
		t.Errorf("%v", problemTexts(list))
	}
}

// TestExampleSchema: the schema of the reference parses, the Cedar policies of the gallery and of the reference fit it, and
// a misspelt member does not.
func TestExampleSchema(t *testing.T) {
	schema, err := os.ReadFile("../../docs/reference/examples/petstore.cedarschema")
	if err != nil {
		t.Fatal(err)
	}
	fits := func(definition string) []Problem {
		return CheckWith(waist.Policy{ID: "x", Language: waist.LanguageCedar, Definition: definition}, CheckOptions{CedarSchema: string(schema)})
	}
	page, err := os.ReadFile("../../docs/reference/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```cedar\n")
	example, _, _ := strings.Cut(rest, "```")
	good := map[string]string{"reference": example, "tag": `permit(principal, action, resource) when { resource.hasTag("pii") && resource.getTag("pii") == "true" };`}
	for _, x := range Gallery() {
		good[x.ID] = x.Cedar
	}
	for name, definition := range good {
		if list := fits(definition); len(list) > 0 {
			t.Errorf("%s: %v", name, problemTexts(list))
		}
	}
	for _, bad := range []string{
		`permit(principal, action, resource) when { context.claims has sub && context.claims.sbu == "joe" };`,
		`permit(principal, action, resource) when { context.claims.sub == "joe" };`, // without has
		`permit(principal, action, resource) when { context.weekday > 3 };`,
		`permit(principal, action == Action::"GTE", resource);`,
		`permit(principal is Person, action, resource);`,
	} {
		if list := fits(bad); len(list) == 0 {
			t.Errorf("%s fits", bad)
		}
	}
	if list := fits(`permit(principal, action, resource);`); len(list) > 0 {
		t.Errorf("%v", problemTexts(list))
	}
	long := CheckWith(waist.Policy{ID: "x", Language: waist.LanguageCedar, Definition: "permit(principal, action, resource);"}, CheckOptions{CedarSchema: strings.Repeat(" ", maxSchemaBytes+1)})
	if len(long) != 1 || !strings.Contains(long[0].Message, "the schema has 65537 bytes; 65536 are allowed") {
		t.Errorf("%v", problemTexts(long))
	}
}

func TestCheckSet(t *testing.T) {
	now := time.Unix(0, 0)
	clock := func() time.Time { now = now.Add(2 * time.Second); return now }
	loops := regoPolicyOf("some a in input.authn_ctx.groups\nsome b in input.authn_ctx.groups\nsome c in input.authn_ctx.groups\nconcat(\"\", [a, b, c]) == \"x\"")
	cases := []struct {
		name   string
		p      waist.Policy
		budget Budget
		want   string
	}{
		{"small", regoPolicyOf("true"), Budget{}, ""},
		{"visual", visualPolicy(t, `[{"name":"true"}]`), Budget{}, ""},
		{"slow to compile", regoPolicyOf("true"), Budget{CompileTime: time.Second}, "policies: compiling the 1 policies of the workspace takes 2s; 1s is allowed"},
		{"loops", loops, Budget{Steps: 5000}, "definition: one evaluation takes more than 5000 steps; 5000 are allowed"},
		{"products", regoPolicyOf(hostile[5]), Budget{}, "definition: one evaluation did not end within 500ms"},
		{"many rows", visualPolicy(t, `[{"name":"attributes","conf":{"fields":[{"field":"authnCtx.a","comparator":"in","value":["a","b","c","d"]},{"field":"authnCtx.b","comparator":"present"}]}}]`),
			Budget{Steps: 4}, "validators: the policy can take 5 steps in one evaluation; 4 are allowed"},
		{"many statements", waist.Policy{ID: "x", Language: waist.LanguageCedar, Definition: strings.Repeat("permit(principal, action, resource) when { context.claims has a };", 3)},
			Budget{Steps: 8}, "definition: the policy can take 12 steps in one evaluation; 8 are allowed"},
		{"large", regoPolicyOf("true"), Budget{Bytes: 10}, "policies: the policies of the workspace have"},
		{"many", regoPolicyOf("true"), Budget{Policies: -1}, "policies: the workspace has 1 policies"},
	}
	for _, c := range cases {
		cost, problems := CheckSet([]waist.Policy{c.p}, "x", nil, c.budget, clock)
		got := strings.Join(problemTexts(problems), "\n")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if cost.Policies != 1 {
			t.Errorf("%s: cost %+v", c.name, cost)
		}
	}
}

// TestEmbeddedSizes: what a policy and those it embeds can do together is refused with the figure, also when it is an
// inner one that grows; a branch counts once.
func TestEmbeddedSizes(t *testing.T) {
	embeds := func(id, inner string, n int) waist.Policy {
		p := visualPolicy(t, `[`+strings.TrimSuffix(strings.Repeat(`{"name":"embedded-policy","conf":{"policy_id":"`+inner+`"}},`, n), ",")+`]`)
		p.ID = id
		return p
	}
	leaf := visualPolicy(t, `[{"name":"identity-context","conf":{"fields":[{"field":"sub","comparator":"present"}]}}]`)
	leaf.ID = "leaf"
	branch := visualPolicy(t, `[{"name":"if-else","conf":{"if":[{"name":"embedded-policy","conf":{"policy_id":"leaf"}}],"then":[{"name":"embedded-policy","conf":{"policy_id":"leaf"}}],"else":[{"name":"embedded-policy","conf":{"policy_id":"leaf"}}]}}]`)
	branch.ID = "branch"
	all := []waist.Policy{leaf, branch, embeds("mid", "leaf", 20), embeds("top", "mid", 20), embeds("fine", "mid", 2)}
	chain := []waist.Policy{leaf, embeds("chain1", "leaf", 1)}
	for i := 2; i <= 9; i++ { // the short way to leaf comes first, and does not hide the long one
		p := embeds(fmt.Sprint("chain", i), "leaf", 1)
		p.Validators = append(p.Validators, embeds("", fmt.Sprint("chain", i-1), 1).Validators...)
		chain = append(chain, p)
	}
	refused := func(changed string, b Budget) string {
		list := all
		if strings.HasPrefix(changed, "chain") {
			list = chain
		}
		_, found := CheckSet(list, changed, nil, b, nil)
		return strings.Join(problemTexts(found), "\n")
	}
	for _, c := range []struct {
		changed string
		b       Budget
		want    string
	}{
		{"top", Budget{}, "validators: the policy can evaluate 420 embedded policies for one decision; 256 are allowed"},
		{"mid", Budget{}, `policies: the policy "top" can evaluate 420 embedded policies for one decision; 256 are allowed`},
		{"", Budget{}, `policies: the policy "top" can evaluate 420 embedded policies for one decision; 256 are allowed`},
		{"chain9", Budget{}, "validators: the policy embeds policies 9 deep; 8 are allowed"},
		{"chain8", Budget{}, `policies: the policy "chain9" embeds policies 9 deep; 8 are allowed`},
		{"fine", Budget{}, ""},
		{"branch", Budget{}, ""},
		{"fine", Budget{Steps: 39}, "validators: the policy can take 40 steps in one evaluation; 39 are allowed"},
		{"branch", Budget{Steps: 1}, "validators: the policy can take 2 steps in one evaluation; 1 are allowed"},
	} {
		if got := refused(c.changed, c.b); got != c.want {
			t.Errorf("%q: %q, want %q", c.changed, got, c.want)
		}
	}
}

// TestThousandPolicies: the decision of one policy takes what it takes alone, whatever language the thousand others have,
// and embeds are followed for that one only: the figures are in the benchmarks, here it is the work that is counted.
func TestThousandPolicies(t *testing.T) {
	var all []waist.Policy
	for i := range 999 {
		p := waist.Policy{ID: fmt.Sprintf("p%03d", i), Type: "api"}
		switch i % 3 {
		case 0:
			p = embeds(t, p.ID, fmt.Sprintf("p%03d", max(0, i-3)), i)
		case 1:
			p.Language, p.Definition = waist.LanguageRego, fmt.Sprintf("package acp.authz\n\nimport data.acp.authz.who\n\nallow if input.authn_ctx.sub in who\n\nwho := {\"u%d\"}\n", i)
		default:
			p.Language, p.Definition = waist.LanguageCedar, fmt.Sprintf("permit(principal == User::\"u%d\", action, resource);", i)
		}
		all = append(all, p)
	}
	cost, list := CheckSet(all, "", nil, Budget{CompileTime: time.Minute}, nil)
	if len(list) > 0 || cost.Policies != 999 {
		t.Fatalf("%+v %v", cost, problemTexts(list))
	}
	s := Compile(all, Options{Timeout: time.Minute})
	for i := range all {
		for _, sub := range []string{fmt.Sprintf("u%d", i), "eve"} {
			want := Deny
			if sub != "eve" {
				want = Allow
			}
			if r := s.Evaluate(context.Background(), all[i].ID, &Input{AuthnCtx: map[string]any{"sub": sub}}); r.Decision != want {
				t.Fatalf("%s for %s: %+v", all[i].ID, sub, r)
			}
		}
	}
	// Compiled is what was asked for, and what that embeds.
	fresh := Compile(all, Options{})
	fresh.Evaluate(context.Background(), "p006", &Input{})
	ready := 0
	for _, e := range fresh.entries {
		if e.ready.Load() {
			ready++
		}
	}
	if ready > 3 {
		t.Errorf("%d policies were compiled to decide one that embeds two", ready)
	}
}

// embeds is a policy that holds for its own user, or else asks another one, at most eight deep.
func embeds(t *testing.T, id, inner string, i int) waist.Policy {
	own := fmt.Sprintf(`{"name":"identity-context","conf":{"fields":[{"field":"sub","comparator":"equals","value":"u%d"}]}}`, i)
	if i%24 == 0 {
		p := visualPolicy(t, `[`+own+`]`)
		p.ID, p.Type = id, "api"
		return p
	}
	p := visualPolicy(t, `[{"name":"any","conf":{"validators":[`+own+`,{"name":"embedded-policy","conf":{"policy_id":"`+inner+`"}}]}}]`)
	p.ID, p.Type = id, "api"
	return p
}

func TestDefaultPolicies(t *testing.T) {
	list := DefaultPolicies("demo")
	ids := map[string]bool{}
	for _, p := range list {
		ids[p.ID] = true
		if problems := Check(p, nil); len(problems) > 0 {
			t.Errorf("%s: %v", p.ID, problemTexts(problems))
		}
	}
	for _, id := range []string{"block_demo_api", "block_demo_dcr", "block_demo_developer", "block_demo_machine", "block_demo_user",
		"nist-aal-1_demo_api", "nist-aal-2_demo_api", "nist-aal-3_demo_api", "nist-aal-1_demo_user", "mfa_demo_user"} {
		if !ids[id] {
			t.Errorf("%s is missing", id)
		}
	}
	s := Compile(list, Options{})
	amr := func(values ...any) *Input { return &Input{AuthnCtx: map[string]any{"amr": values}} }
	for _, c := range []struct {
		id    string
		in    *Input
		allow bool
	}{
		{"block_demo_api", amr("pwd"), false}, {"nist-aal-1_demo_api", amr("pwd"), true}, {"nist-aal-2_demo_api", amr("pwd"), false},
		{"nist-aal-2_demo_api", amr("pwd", "mfa"), true}, {"nist-aal-3_demo_api", amr("pwd", "mfa"), false}, {"nist-aal-3_demo_api", amr("pwd", "mfa", "vbm"), true},
	} {
		if r := s.Evaluate(context.Background(), c.id, c.in); (r.Decision == Allow) != c.allow {
			t.Errorf("%s: %+v", c.id, r)
		}
	}
	r := s.Evaluate(context.Background(), "mfa_demo_user", &Input{})
	if diff := cmp.Diff([]waist.ValidationRecovery{{ID: "mfa_demo_user", Type: "mfa"}}, r.Recovery); diff != "" {
		t.Error(diff)
	}
}

func TestScopesContext(t *testing.T) {
	known := []waist.Scope{{Name: "pets.read"}, {Name: "users.*"}, {Name: "usersx"}}
	got := ScopesContext([]string{"pets.read", "users.joe", "users.ann.x", "users.", "other"}, known, ".")
	plain := func(s string) map[string]any { return map[string]any{"params": []any{}, "requested_name": s} }
	grant := func(s, p string) map[string]any { return map[string]any{"params": []any{p}, "requested_name": s} }
	want := map[string]any{
		"pets.read": []any{plain("pets.read")}, "users.joe": []any{plain("users.joe")}, "users.ann.x": []any{plain("users.ann.x")},
		"users.": []any{plain("users.")}, "other": []any{plain("other")},
		"users.*": []any{grant("users.joe", "joe"), grant("users.ann.x", "ann.x")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
