package admin_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store"
	"portcullis/control/store/storetest"
	"portcullis/edge/policy"
	"portcullis/edge/waist"
)

func field(name string) []waist.Validator {
	return []waist.Validator{{Name: "attributes", Conf: json.RawMessage(`{"fields":[{"field":"` + name + `","comparator":"equals","value":"x"}]}`)}}
}

func messages(list []control.PolicyWarning) string {
	var out []string
	for _, x := range list {
		out = append(out, x.PolicyID+" "+x.APIID+" "+x.Path+": "+x.Message)
	}
	return strings.Join(out, "\n")
}

// TestPolicyWarnings: what no token carries and no path has is a warning, also inside an embedded policy, and goes away
// when a token carries it.
func TestPolicyWarnings(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g, _, sid := w.bound("GET", "/pets/{petId}", "GET", "/users/{userId}")
		must(w.CreatePolicy(ctx, w.root, control.Policy{ID: "inner", ServerID: "default", PolicyName: "Inner", Validators: field("authnCtx.departmnt")}))(t)
		outer := append(field("request.pathParams.userId"), embedding("inner")...)
		must(w.CreatePolicy(ctx, w.root, control.Policy{ID: "outer", ServerID: "default", PolicyName: "Outer", Validators: append(outer, field("authnCtx.sub")...)}))(t)
		w.assign(sid, "GET", "/pets/{petId}", "outer")
		w.assign(sid, "GET", "/users/{userId}", "outer")
		pets, _ := w.api(sid, "GET", "/pets/{petId}")
		users, _ := w.api(sid, "GET", "/users/{userId}")

		list := must(w.PolicyWarnings(ctx, w.root, "outer"))(t)
		if len(list) != 2 {
			t.Fatalf("%s", messages(list))
		}
		if x := list[0]; x.PolicyID != "inner" || x.APIID != "" || x.Path != "validators[0].conf.fields[0].field" || !strings.Contains(x.Message, `"departmnt"`) {
			t.Errorf("%+v", x)
		}
		if x := list[1]; x.PolicyID != "outer" || x.APIID != pets.ID || !strings.Contains(x.Message, "/pets/{petId}") || !strings.Contains(x.Message, `"userId"`) {
			t.Errorf("%+v", x)
		}
		if list := must(w.APIWarnings(ctx, w.root, pets.ID))(t); len(list) != 1 || list[0].APIID != pets.ID {
			t.Errorf("%s", messages(list))
		}
		if list := must(w.APIWarnings(ctx, w.root, users.ID))(t); len(list) != 0 || list == nil {
			t.Errorf("%s", messages(list))
		}
		// A user's attribute is a claim of the user's tokens.
		known := func(claim string) bool {
			p := control.Policy{ID: "about-" + claim, ServerID: "default", PolicyName: claim, Validators: field("authnCtx." + claim)}
			must(w.CreatePolicy(ctx, w.root, p))(t)
			return len(must(w.PolicyWarnings(ctx, w.root, p.ID))(t)) == 0
		}
		must(w.CreateWorkspaceUser(ctx, w.root, control.User{WorkspaceID: "default", Username: "joe", Attributes: map[string]json.RawMessage{"team": json.RawMessage(`"a"`)}}, "the password of joe"))(t)
		if !known("team") || known("taem") || !known("client_id") {
			t.Error("the attributes of users are not among the claims, or everything is")
		}
		// What tokens of other issuers carry is not known.
		trusted := []waist.TrustedIssuer{{IssuerURL: "https://login.example.com", JWKSURL: "https://login.example.com/keys", Audiences: []string{"https://api.example.com"}}}
		must(w.SetTrustedIssuers(ctx, w.root, "default", trusted))(t)
		if list := must(w.PolicyWarnings(ctx, w.root, "inner"))(t); len(list) != 0 {
			t.Errorf("with a trusted issuer: %s", messages(list))
		}
		must(w.SetTrustedIssuers(ctx, w.root, "default", nil))(t)
		// A decision about a token with the claim.
		event, err := json.Marshal(waist.RequestEvent{InvocationCtx: map[string]any{"departmnt": "secret-value"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.st.Tx(ctx, func(tx *store.Tx) error {
			return tx.AddDecisions(ctx, []store.Decision{{TenantID: "default", WorkspaceID: "default", ID: store.NewTimeID(w.clock.Now()), GatewayID: g, At: w.clock.Now(), Event: string(event)}})
		}); err != nil {
			t.Fatal(err)
		}
		if list := must(w.PolicyWarnings(ctx, w.root, "inner"))(t); len(list) != 0 {
			t.Errorf("%s", messages(list))
		}
		if list := must(w.PolicyWarnings(ctx, w.root, "outer"))(t); len(list) != 1 {
			t.Errorf("%s", messages(list))
		}
		_, err = w.PolicyWarnings(ctx, w.root, "nowhere")
		refused(t, err, control.NotFound, "not_found")
	})
}

// TestPolicyBudget: a policy that costs too much is refused with the figure, and nothing is written.
func TestPolicyBudget(t *testing.T) {
	budget := policy.Budget{Bytes: 20_000, Steps: 1000, CompileTime: time.Hour}
	w := newWorld(t, storetest.SQLite(t), func(o *admin.Options) { o.PolicyBudget = budget })
	before := lastAudit(t, w)
	loops := "package acp.authz\n\nimport rego.v1\n\ndefault allow := false\n\nallow if {\n\tsome a in input.authn_ctx.groups\n\tsome b in input.authn_ctx.groups\n\tsome c in input.authn_ctx.groups\n\ta == concat(\"\", [b, c])\n}\n"
	_, err := w.CreatePolicy(ctx, w.root, control.Policy{ServerID: "default", PolicyName: "Loops", Language: "rego", Definition: loops})
	refused(t, err, control.Invalid, "invalid_policy")
	if !strings.Contains(err.Error(), "1000 are allowed") {
		t.Errorf("%v", err)
	}
	long := "package acp.authz\n\nallow = true\n# " + strings.Repeat("x", 20_000) + "\n"
	_, err = w.CreatePolicy(ctx, w.root, control.Policy{ServerID: "default", PolicyName: "Long", Language: "rego", Definition: long})
	refused(t, err, control.Invalid, "invalid_policy")
	if !strings.Contains(err.Error(), "20000 are allowed") {
		t.Errorf("%v", err)
	}
	_, err = w.UpdatePolicy(ctx, w.root, control.Policy{ID: "block_default_api", PolicyName: "Block", Validators: field("authnCtx." + strings.Repeat("x", 20_000))})
	refused(t, err, control.Invalid, "invalid_policy")
	if lastAudit(t, w) != before {
		t.Error("something was written")
	}
	// Below the budget there is nothing to refuse.
	must(w.CreatePolicy(ctx, w.root, control.Policy{ServerID: "default", PolicyName: "Short", Language: "rego", Definition: "package acp.authz\n\nallow = true\n"}))(t)
}

// TestPolicyGallery: every example can be stored as it is, in all languages.
func TestPolicyGallery(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	list := must(w.PolicyGallery(ctx, w.root, "default"))(t)
	if len(list) < 8 {
		t.Errorf("%d examples", len(list))
	}
	for _, x := range list {
		var languages []string
		for _, p := range x.Policies {
			p.ID, p.PolicyName = x.ID+"-"+p.Language, x.Title
			must(w.CreatePolicy(ctx, w.root, p))(t)
			languages = append(languages, p.Language)
		}
		if slices.Sort(languages); fmt.Sprint(languages) != "[cedar cloudentity rego]" {
			t.Errorf("%s: %v", x.ID, languages)
		}
	}
}

// TestTestPolicyExplains: every language says which part decided and what it saw, without secrets, and sees what the
// authorizer shows it.
func TestTestPolicyExplains(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	must(w.CreateScope(ctx, w.root, control.Scope{WorkspaceID: "default", ServiceID: must(w.CreateService(ctx, w.root, control.Service{WorkspaceID: "default", Name: "PetStore"}))(t).ID, Name: "users.*"}))(t)
	const secret = "do-not-show-this"
	policies := map[string]func(t *control.PolicyTest){
		"cloudentity": func(t *control.PolicyTest) {
			t.Policy.Validators = []waist.Validator{{Name: "attributes", Conf: json.RawMessage(`{"fields":[
				{"field":"request.headers.authorization","comparator":"equals","value":"x"},
				{"field":"request.sourceIp","comparator":"in_cidr","value":"192.0.2.0/24"},
				{"field":"request.service","comparator":"equals","value":"PetStore"},
				{"field":"request.tags.pii","comparator":"equals","value":"true"},
				{"field":"request.template","comparator":"equals","value":"/users/{userId}"}]}`)},
				{Name: "dynamic-scopes", Conf: json.RawMessage(`{"fields":[{"field":"users.*","comparator":"contains","value":"joe"}]}`)}}
		},
		"rego": func(t *control.PolicyTest) {
			t.Policy.Definition = `package acp.authz

default allow := false

allow if {
	input.request.headers != {"Authorization": ["y"]}
	input.request.headers.Authorization[0] == "x"
}

allow if input.request.headers == {"Authorization": ["z"]}

seen := [input.request.source_ip, input.request.service, input.request.template, input.contexts.scopes["users.*"][0].params[0], input.contexts.client.client_id]
`
		},
		"cedar": func(t *control.PolicyTest) {
			t.Policy.Definition = `permit(principal, action, resource in Service::"PetStore") when { context.headers.authorization.contains("x") };
@id("network") forbid(principal, action, resource) unless { context.source_ip.isInRange(ip("192.0.2.0/24")) };`
		},
	}
	for language, fill := range policies {
		var test control.PolicyTest
		test.WorkspaceID, test.Policy.Language = "default", language
		fill(&test)
		input := `{"authn_ctx": {"sub": "joe", "scp": ["users.joe"], "client_id": "app", "big": 9007199254740993}, "request": {"method": "GET", "path": "/users/joe",
			"headers": {"Authorization": ["` + secret + `"]}, "source_ip": "192.0.2.7", "service": "PetStore", "template": "/users/{userId}", "tags": {"pii": "true"}}}`
		if err := json.Unmarshal([]byte(input), &test.Input); err != nil {
			t.Fatal(err)
		}
		r := must(w.TestPolicy(ctx, w.root, test))(t)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if r.Status || r.Reason != policy.ReasonDenied || r.DurationUS <= 0 || len(r.Explanation.Steps) == 0 || len(r.Explanation.Reads) == 0 {
			t.Errorf("%s: %s", language, text)
		}
		if len(r.Explanation.Decided) == 0 || !strings.Contains(string(text), `is (redacted)`) {
			t.Errorf("%s: it is not said what decided: %s", language, text)
		}
		if strings.Contains(string(text), secret) {
			t.Errorf("%s: the secret is in the answer: %s", language, text)
		}
		switch language {
		case "cloudentity":
			rows := r.Explanation.Steps[0].Steps
			for i, want := range []string{"fails", "holds", "holds", "holds", "holds"} {
				if rows[i].Outcome != want {
					t.Errorf("row %d: %+v", i, rows[i])
				}
			}
			if r.Explanation.Steps[1].Outcome != "holds" {
				t.Errorf("the scopes of the token are not there: %s", text)
			}
		case "rego":
			if got := fmt.Sprint(r.Output["seen"]); got != "[192.0.2.7 PetStore /users/{userId} joe app]" {
				t.Errorf("%s", got)
			}
		}
		// With the right header all of them allow, and say so.
		test.Input.Request.Headers["Authorization"] = []string{"x"}
		if r := must(w.TestPolicy(ctx, w.root, test))(t); !r.Status || r.Reason != "" || r.Explanation.Steps == nil {
			t.Errorf("%s: %+v", language, r)
		}
	}
}

// TestCedarSchema: a save, a test and a file of cases may bring a schema, and what does not fit it is refused with its line.
func TestCedarSchema(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	schema := `entity User = { "sub"?: String }; action GET appliesTo { principal: User, resource: User, context: { "claims": { "sub"?: String } } };`
	good := control.Policy{ID: "typo", ServerID: "default", PolicyName: "Typo", Language: "cedar", Definition: "permit(principal, action, resource)\nwhen { context.claims has sub };"}
	bad := good
	bad.Definition = "permit(principal, action, resource)\nwhen { context.claims has sub && context.claims.sbu == \"joe\" };"
	checks := admin.PolicyChecks{CedarSchema: schema}
	does := func(what string, err error) {
		t.Helper()
		refused(t, err, control.Invalid, "invalid_policy")
		if !strings.Contains(err.Error(), "line 1") || !strings.Contains(err.Error(), "schema") {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := w.CreatePolicy(ctx, w.root, bad, checks)
	does("create", err)
	must(w.CreatePolicy(ctx, w.root, good, checks))(t)
	_, err = w.UpdatePolicy(ctx, w.root, bad, checks)
	does("update", err)
	must(w.UpdatePolicy(ctx, w.root, bad))(t) // without a schema there is nothing that it does not fit
	var test control.PolicyTest
	test.WorkspaceID, test.Policy.Language, test.Policy.Definition, test.Policy.CedarSchema = "default", "cedar", bad.Definition, schema
	_, err = w.TestPolicy(ctx, w.root, test)
	does("test", err)
	_, err = w.RunPolicyCases(ctx, w.root, bad, "cedar_schema: |\n  "+schema+"\ncases: [{allow: false}]\n")
	does("cases", err)
	_, err = w.UpdatePolicy(ctx, w.root, control.Policy{ID: "block_default_api", PolicyName: "Block", Validators: []waist.Validator{{Name: "false"}}}, checks)
	refused(t, err, control.Invalid, "invalid_policy")
}

// TestTestPolicyClock: the clock of a test can be set, a claim keeps its digits, and a template warns.
func TestTestPolicyClock(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	var test control.PolicyTest
	body := `{"server_id": "default", "policy": {"language": "rego", "definition": "package acp.authz\n\nallow if { time.clock(time.now_ns())[0] == 3; input.authn_ctx.big == 9007199254740993 }\n\nx := input.request.path_params.userId\n"},
		"input": {"authn_ctx": {"big": 9007199254740993}, "now": "2026-01-15T03:00:00Z", "request": {"template": "/pets/{petId}"}}}`
	if err := json.Unmarshal([]byte(body), &test); err != nil {
		t.Fatal(err)
	}
	r := must(w.TestPolicy(ctx, w.root, test))(t)
	if !r.Status {
		t.Errorf("%+v", r)
	}
	got := messages(r.Warnings)
	if !strings.Contains(got, `no parameter "userId"`) || !strings.Contains(got, `claim "big"`) || strings.Contains(got, "policy under test") {
		t.Errorf("%s", got)
	}
	test.Input.Now = test.Input.Now.Add(time.Hour)
	if r := must(w.TestPolicy(ctx, w.root, test))(t); r.Status {
		t.Errorf("%+v", r)
	}
}

// BenchmarkPolicyWarnings is what a save adds for a policy that a thousand APIs have, at the paths of all of which it is right,
// and wrong.
func BenchmarkPolicyWarnings(b *testing.B) {
	a, root, _, _ := bench(b, 1000)
	for _, param := range []string{"id", "userId"} {
		p, err := a.UpdatePolicy(ctx, root, control.Policy{ID: "block_default_api", PolicyName: "Owner", Language: "rego",
			Definition: "package acp.authz\n\nallow if input.authn_ctx.sub == input.request.path_params." + param + "\n"})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(param, func(b *testing.B) {
			for b.Loop() {
				list, err := a.PolicyWarnings(ctx, root, p.ID)
				if err != nil || param == "id" && len(list) > 0 || param != "id" && len(list) < 20 {
					b.Fatal(err, list)
				}
			}
		})
	}
}
