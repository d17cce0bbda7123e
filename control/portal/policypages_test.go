package portal_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/edge/waist"
)

// TestPolicyGallery: a policy starts from an example, in the language that was chosen.
func TestPolicyGallery(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn("admin", password)
	b.get("/app/default/policies/new").wants(200, "Start from", "Nothing", "Denies everybody", "Has a scope", "The token carries the scope pets.read.")
	b.post("/app/default/policies", "policy_name", "Readers", "language", "rego", "start", "has-scope").wants(200, "Policy created.", `"pets.read" in granted`)
	b.post("/app/default/policies", "policy_name", "Readers 2", "language", "cloudentity", "start", "owner").wants(200, "Policy created.", "$request.pathParams.userId")
	b.post("/app/default/policies", "policy_name", "Kept", "language", "rego", "start", "no-such-thing").wants(422, "There is no example").has(`value="Kept"`, `value="rego" checked`)
	b.post("/app/default/policies", "policy_name", "", "language", "cedar", "start", "has-scope").wants(422, "Must not be empty").has(`value="has-scope" checked`)
	b.get("/app/default/policies").wants(200, "Block API Default", "Readers default-readers")
	b.get("/app/default/policies?type=user").wants(200, "MFA User", "Stored only").lacks("Readers")
	b.get("/app/default/policies/mfa_default_user").wants(200, "This is a policy for User flows.")
	b.get("/app/default/apis/authorization").lacks("mfa_default_user")
	csv := b.get("/app/default/policies.csv?q=readers").wants(200)
	if csv.body != "policy_id,policy_name,type,language,used_by_apis\ndefault-readers,Readers,api,rego,0\ndefault-readers-2,Readers 2,api,cloudentity,0\n" {
		t.Errorf("%s", csv.body)
	}
}

// TestPolicyTest: the result says what decided, with the values it saw; the form is filled from a caller, an API that uses
// the policy, or a recorded decision, and keeps what was typed.
func TestPolicyTest(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	must(w.admin.CreatePolicy(t.Context(), w.operator, control.Policy{ID: "owner", ServerID: "default", PolicyName: "Owner", Language: "rego",
		Definition: "package acp.authz\n\ndefault allow := false\n\nallow if input.authn_ctx.sub == input.request.path_params.petId\n\npets := [\"rex\"]\n"}))(t)
	id := apiOf(t, w, "Pet store", "GET", "/pets/{petId}")
	must(w.admin.UpdateAPI(t.Context(), w.operator, id, control.APIUpdate{PolicyID: "owner"}))(t)
	must(w.analytics.Ingest(t.Context(), w.gatewayActor(gw.ID), waist.RequestEvents{Events: []waist.RequestEvent{{APIID: id, DecisionID: "d1", Time: w.clock.Now(), Reason: "policy_denied", PolicyID: "owner",
		InvocationCtx: map[string]any{"sub": "eve", "client_id": "shop"}, Result: waist.Validation{Result: waist.ResultUnauthorized}}}}))(t)
	b := w.signedIn("admin", password)
	const address = "/app/default/policies/owner"
	d := w.newest()
	p := b.get(address).wants(200, "GET /pets/{petId}", "denied, shop", "Used by 1 API")
	p.has(`label="APIs that use this policy"`, `label="Recorded decisions (UTC)"`, `value="decision:`+d.ID+`"`, `value="api:`+id+`"`)
	text := []string{"policy_name", "Owner", "text", must(w.admin.GetPolicy(t.Context(), w.operator, "owner"))(t).Definition}
	fill := func(what, input string) string {
		p := b.post(address+"/test", append(text, "do", "fill", "fill", what, "input", input)...).wants(200)
		m := regexp.MustCompile(`(?s)<textarea[^>]*id="input"[^>]*>(.*?)</textarea>`).FindStringSubmatch(p.body)
		return strings.NewReplacer("&#34;", `"`).Replace(m[1])
	}
	input := fill("api:"+id, "{")
	if !strings.Contains(input, `"template": "/pets/{petId}"`) || !strings.Contains(input, `"petId": "1"`) || !strings.Contains(input, `"path": "/pets/1"`) {
		t.Errorf("filled from an API: %s", input)
	}
	input = fill("caller:machine", input)
	if !strings.Contains(input, `"sub": "my-application"`) || !strings.Contains(input, `"petId": "1"`) {
		t.Errorf("a caller beside an API: %s", input)
	}
	if from := fill("decision:"+d.ID, input); !strings.Contains(from, `"eve"`) {
		t.Errorf("filled from a decision: %s", from)
	}
	b.post(address+"/test", append(text, "do", "fill", "fill", "api:nonsense")...).wants(404)
	b.post(address+"/test", append(text, "input", input)...).wants(200, "Denied: UNAUTHORIZED", "policy_denied", "Why", "allow", "Evaluated in", "What can change the outcome", "authn_ctx.sub", "request.path_params.petId")
	b.post(address+"/test", append(text, "input", strings.Replace(input, `"petId": "1"`, `"petId": "my-application"`, 1))...).wants(200, "Allowed: AUTHORIZED", "Output", `{"pets":["rex"]}`)

	visual := "/app/default/policies/nist-aal-1_default_api/test"
	b.post(visual, "policy_name", "N", "text", "validators:\n  - name: any\n    conf: {validators: [{name: identity-context, conf: {fields: [{field: amr, comparator: contains_all, value: [otp]}]}}]}\n", "input", `{"authn_ctx":{"amr":["pwd"]}}`).
		wants(200, "Denied: UNAUTHORIZED", "Card 1 1 field 1", "Fails", "pwd")
}

// TestPolicyUses: a policy's page names the APIs, the policies and the gateways that use it.
func TestPolicyUses(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	b := w.signedIn("admin", password)
	must(w.admin.CreatePolicy(t.Context(), w.operator, control.Policy{ID: "outer", ServerID: "default", PolicyName: "Outer", Validators: []waist.Validator{
		{Name: "not", Conf: []byte(`{"validators":[{"name":"embedded-policy","conf":{"policy_id":"block_default_api"}}]}`)}}}))(t)
	b.post("/app/default/gateways/"+gw.ID+"/settings", "name", "Pet gateway", "default_policy_id", "block_default_api").wants(200)
	b.get("/app/default/policies/block_default_api").wants(200, "Embedded in policy Outer", "Given to new APIs of gateway Pet gateway", "Used by 0 APIs")
	b.get("/app/default/policies/outer").wants(200).lacks("Embedded in policy")
}

// TestPolicyHistory: versions are compared with what was before and with the present one, and come back.
func TestPolicyHistory(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn("admin", password)
	const address = "/app/default/policies/default-p"
	b.post("/app/default/policies", "policy_name", "P", "language", "rego").wants(200)
	w.clock.add(time.Second)
	b.post(address, "policy_name", "P", "text", "package acp.authz\n\ndefault allow := true\n").wants(200, "Policy saved.")
	w.clock.add(time.Second)
	b.post(address, "policy_name", "Second name", "text", "package acp.authz\n\ndefault allow := false\n\nallow if input.authn_ctx.sub\n").wants(200, "Policy saved.")
	page := b.get(address).wants(200, "History", "Present", "What changed", "Compare")
	versions := regexp.MustCompile(`/versions/([0-9a-zA-Z_-]+)"`).FindAllStringSubmatch(page.body, -1)
	if len(versions) != 3 {
		t.Fatalf("%d versions", len(versions))
	}
	middle := address + "/versions/" + versions[1][1]
	b.get(middle).wants(200, "removed: - default allow := false", "added: + default allow := true", "Restore this version")
	b.get(middle+"?against=present").wants(200, "Second name", "added: + default allow := true", "removed: - allow if input.authn_ctx.sub")
	b.get(address+"/versions/"+versions[0][1]).wants(200, "This version is the present one.")
	b.get(address + "/versions/nonsense").wants(404)
	b.get("/app/default/policies/block_default_api/versions/" + versions[1][1]).wants(404)
	b.post(address, "policy_name", "P", "text", "package acp.authz\n\ndefault allow := true\n").wants(200, "Policy saved.")
	if got := must(w.admin.GetPolicy(t.Context(), w.operator, "default-p"))(t); got.PolicyName != "P" || !strings.Contains(got.Definition, "default allow := true") {
		t.Errorf("restored is %+v", got)
	}
	// A member may not read the audit, so neither the versions.
	must(w.admin.CreateUser(t.Context(), w.operator, control.User{Username: "mia", Name: "Mia", Role: control.Member}, password))(t)
	w.signedIn("mia", password).get(middle).wants(403)
}
