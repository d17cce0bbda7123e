package portal_test

import (
	"archive/zip"
	"html"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/deploy"
	"portcullis/edge/waist"
)

func TestUsers(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn("admin", password)
	b.get("/app/").has(`href="/app/users"`)
	b.get("/app/users").wants(200, "Users", "admin", "CREATE USER")
	b.post("/app/users", "username", "mia", "name", "Mia", "password", "short", "role", "member").
		wants(422, "12").has(`value="mia"`).lacks(`value="short"`)
	b.post("/app/users", "username", "mia", "name", "Mia", "password", password, "role", "none", "role.default", "manager").wants(200, "User created.", "mia", "Default: manager")

	mia := w.signedIn("mia", password)
	mia.get("/app/default/apis").wants(200, "CREATE SERVICE")
	mia.get("/app/users").wants(403, "Not allowed")
	mia.post("/app/users", "username", "eve", "password", password, "role", "admin").wants(403)
	mia.get("/app/system/overview").wants(404)

	var id string
	for _, u := range must(w.admin.ListUsers(t.Context(), w.operator))(t) {
		if u.Username == "mia" {
			id = u.ID
		}
	}
	b.post("/app/users/"+id, "name", "Mia M", "role", "auditor", "role.default", "").wants(200, "User saved.", "mia")
	mia.get("/app/default/apis").wants(200).lacks("CREATE SERVICE")
	b.post("/app/users/"+id+"/password", "password", "no").wants(422, "12")
	b.post("/app/users/"+id+"/password", "password", password+"!").wants(200, "Password set.")
	mia.get("/app/default/apis").wants(200, "Log in")
	w.signedIn("mia", password+"!")

	admin := regexp.MustCompile(`/app/users/([^"?]+)"><strong>admin`).FindStringSubmatch(b.get("/app/users").body)[1]
	b.post("/app/users/"+admin, "name", "A", "role", "member").wants(400, "only administrator")
	b.post("/app/users/"+admin+"/delete").wants(400, "cannot delete yourself")
	b.get("/app/users/"+id+"?ask=delete").wants(200, "Delete user mia?")
	b.post("/app/users/"+id+"/delete").wants(200, "User deleted.").lacks("Mia M")
}

func TestScopes(t *testing.T) {
	w := newWorld(t)
	_, svc := petStore(t, w)
	b := w.signedIn("admin", password)
	b.get("/app/default/scopes").wants(200, "No scopes yet", "CREATE SCOPE")
	b.get("/app/default/scopes?create=scope").wants(200, "Create scope", "Pet store", "Every service")
	b.post("/app/default/scopes", "name", "two words", "display_name", "kept words").wants(422, "Create scope").has(`value="kept words"`)
	b.post("/app/default/scopes", "name", "pets.read", "service_id", svc.ID, "display_name", "Read pets").wants(200, "Scope created.", "pets.read", "Pet store")
	b.post("/app/default/scopes", "name", "pets.read").wants(409, "already")
	id := must(w.admin.ListScopes(t.Context(), w.operator, "default"))(t)[0].ID
	b.get("/app/default/scopes?edit="+id).wants(200, "Edit pets.read")
	b.post("/app/default/scopes/"+id, "display_name", "See pets", "description", "All of them").wants(200, "Scope saved.", "See pets", "All of them")
	b.get("/app/default/scopes?delete="+id).wants(200, "Delete scope pets.read?")
	b.post("/app/default/scopes/"+id+"/delete").wants(200, "Scope deleted.", "No scopes yet")
}

func TestAudit(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	b := w.signedIn("admin", password)
	b.post("/app/default/policies", "policy_name", "Known caller", "language", "rego").wants(200)
	page := b.get("/app/default/audit").wants(200, "policy created", "default-known-caller", "gateway created", "admin").lacks(gw.ClientSecret)
	b.get("/app/default/audit?subject=policy").wants(200, "policy created").lacks("gateway created")
	event := regexp.MustCompile(`href="([^"]*/audit/[^"]*)" aria-label="Details of policy created default-known-caller"`).FindStringSubmatch(page.body)
	if event == nil {
		t.Fatal("the record of the policy has no details")
	}
	b.get(strings.ReplaceAll(event[1], "&amp;", "&")).wants(200, "Policy created", "After", `"policy_name": "Known caller"`)
	b.get("/app/default/audit/nope").wants(404)

	for i := range 60 {
		w.clock.add(time.Second)
		b.post("/app/default/services", "name", "Service "+string(rune('A'+i%26))+string(rune('a'+i/26))).wants(200)
	}
	older := regexp.MustCompile(`href="([^"]*before=[^"]*)"`).FindStringSubmatch(b.get("/app/default/audit").body)
	if older == nil {
		t.Fatal("a long audit has no Older")
	}
	b.get(strings.ReplaceAll(older[1], "&amp;", "&")).wants(200, "policy created", "Newest")

	must(w.admin.CreateUser(t.Context(), w.operator, control.User{Username: "mia", Role: control.Member}, password))(t)
	m := w.signedIn("mia", password)
	m.get("/app/default/overview").wants(200).lacks("/audit")
	m.get("/app/default/audit").wants(403)
}

func TestSigningKeys(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn("admin", password)
	before := must(w.admin.ListKeys(t.Context(), w.operator, "default"))(t)
	b.get("/app/default/settings").wants(200, "Signing keys", before[0].ID, "Signs")
	b.get("/app/default/settings?ask=rotate").wants(200, "Rotate the signing key?")
	b.post("/app/default/keys").wants(200, "New signing key made.", before[0].ID, "Verifies")
	b.get("/app/default/settings?ask=revoke&key="+before[0].ID).wants(200, "Revoke key")
	b.post("/app/default/keys/"+before[0].ID+"/revoke").wants(200, "Key revoked.").lacks(before[0].ID)
	b.post("/app/default/keys/"+must(w.admin.ListKeys(t.Context(), w.operator, "default"))(t)[0].ID+"/revoke").wants(400, "signs the workspace's tokens")
}

func TestSearchAndAssign(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	b := w.signedIn("admin", password)
	const auth = "/app/default/apis/authorization"
	b.get(auth+"?q=post+pets").wants(200, "POST").lacks("/pets/{petId}", ">ANY<")
	b.get(auth+"?q=nothing-like-it").wants(200, "All 5").lacks(`<tr id="api-`)

	get, post := apiOf(t, w, "Pet store", "GET", "/pets"), apiOf(t, w, "Pet store", "POST", "/pets")
	b.post("/app/default/apis/policy", "policy_id", "block_default_api").wants(422, "Tick the APIs first.")
	b.post("/app/default/apis/policy", "policy_id", "nope", "api", get, "api", post).wants(422).has(`value="` + get + `" checked`)
	b.post("/app/default/apis/policy", "policy_id", "block_default_api", "api", get, "api", "gone").wants(404, "nothing was changed")
	if a := must(w.admin.GetAPI(t.Context(), w.operator, get))(t); a.PolicyID != "" {
		t.Error("an assignment that was refused has changed an API")
	}
	b.post("/app/default/apis/policy", "policy_id", "block_default_api", "api", get, "api", post, "show", "protected").wants(200, "Policy assigned.", "Protected 2").lacks("/pets/{petId}")

	no := false
	w.discover(gw.ID, waist.AuthorizerOurs, &no)
	b.get(auth+"?show=drifted").wants(200, "Not enforced in AWS 4", "Needs Deploy API").lacks(">OPTIONS<")
}

func TestEnvironments(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	b := w.signedIn("admin", password)
	ws := must(w.admin.GetWorkspace(t.Context(), w.operator, "default"))(t)
	// Polls are recorded some seconds' worth at a time, so each environment polls again later.
	for range 2 {
		for env, revision := range map[string]int64{"envA": ws.Revision, "envB": ws.Revision - 1} {
			poll := control.GatewayPoll{Environment: env, AuthorizerVersion: "v9", Revision: revision}
			if _, _, err := w.admin.Configuration(t.Context(), w.gatewayActor(gw.ID), poll); err != nil {
				t.Fatal(err)
			}
		}
		w.clock.add(20 * time.Second)
	}
	var p page
	for range 50 { // the poll is recorded beside the answer
		if p = b.get("/app/default/gateways/" + gw.ID + "/apis"); strings.Contains(p.body, "envB") {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.wants(200, "1 of 2 environments on revision", "envA", "envB", "v9")
	b.get("/app/default/gateways").wants(200, "less than a minute ago")
}

func TestServices(t *testing.T) {
	w := newWorld(t)
	_, svc := petStore(t, w)
	b := w.signedIn("admin", password)
	b.get("/app/default/apis/authorization?change="+svc.ID).wants(200, "Edit service", "Save", svc.Audience).has(`value="Pet store"`)
	b.post("/app/default/services/"+svc.ID, "name", "Pets", "custom_audience", "not a uri").wants(422, "Edit service").has(`value="not a uri"`, `value="Pets"`)
	b.post("/app/default/services/"+svc.ID, "name", "Pets", "description", "All", "custom_audience", "https://pets.example.com").wants(200, "Service saved.", "Pets", "All")
	s, _, err := w.admin.GetService(t.Context(), w.operator, svc.ID)
	if err != nil || s.Audience != "https://pets.example.com" {
		t.Errorf("the audience is %q, %v", s.Audience, err)
	}
	b.get("/app/default/apis/authorization?remove="+svc.ID).wants(200, "Delete service Pets?")
}

// TestWaysToInstall: the role policy of the page is that of package deploy, and each file is filled in with the gateway's
// values and without its secret.
func TestWaysToInstall(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	b := w.signedIn("admin", password)
	address := "/app/default/gateways/" + gw.ID
	p := b.get(address+"/quick-start").wants(200, "In the AWS console", "With the AWS CLI", "With SAM or CloudFormation", "With Terraform", "provided.al2023").lacks(gw.ClientSecret)
	want := must(deploy.RolePolicy(deploy.Values{Region: "*", Account: "*", Function: deploy.DefaultFunction}, deploy.Discover, deploy.Attach))(t)
	if !strings.Contains(html.UnescapeString(p.body), strings.TrimSpace(string(want))) {
		t.Error("the page does not show the role policy of package deploy")
	}
	for _, kind := range []string{"cli", "sam"} {
		file := b.get(address+"/install?kind="+kind).wants(200).lacks(gw.ClientSecret).has(gw.ClientID, gw.IssuerURL)
		if !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s is no file", kind)
		}
	}
	packed := b.get(address + "/install?kind=terraform").wants(200)
	z, err := zip.NewReader(strings.NewReader(packed.body), int64(len(packed.body)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r := must(f.Open())(t)
		files[f.Name] = string(must(io.ReadAll(r))(t))
		_ = r.Close()
	}
	if main := files["main.tf"]; !strings.Contains(main, gw.ClientID) || !strings.Contains(main, `"./portcullis/terraform"`) || strings.Contains(main, gw.ClientSecret) {
		t.Errorf("main.tf is %s", main)
	}
	for _, name := range []string{"portcullis/terraform/main.tf", "portcullis/terraform/variables.tf", "portcullis/iam/discover.json"} {
		if files[name] == "" {
			t.Errorf("the zip has no %s", name)
		}
	}
	b.get(address + "/install?kind=console").wants(404)
	no := false
	w.discover(gw.ID, waist.AuthorizerOurs, &no)
	w.signedIn("admin", password).get("/app/default/gateways/"+gw.ID+"/apis").wants(200, "aws apigateway create-deployment --rest-api-id abc123 --stage-name dev --region eu-west-1")
}

// TestApplicationsWithoutSecret: what has no secret shows none, and no command that needs one.
func TestApplicationsWithoutSecret(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn("admin", password)
	for _, c := range []control.Client{
		{WorkspaceID: "default", Name: "Pet page", AuthMethod: control.AuthNone, GrantTypes: []string{"authorization_code"}, RedirectURIs: []string{"https://pets.example.com/cb"}},
		{WorkspaceID: "default", Name: "Signer", AuthMethod: control.AuthPrivateKeyJWT, JWKS: []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k","use":"sig","alg":"EdDSA"}]}`)},
	} {
		made, _, err := w.admin.CreateClient(t.Context(), w.operator, c, "")
		if err != nil {
			t.Fatal(err)
		}
		b.get("/app/default/applications/"+made.ID).wants(200, "has no secret", "Token endpoint").lacks("client-secret", "Rotate", "CLIENT_SECRET", "Get a test token")
		b.get("/app/default/applications/" + made.ID + "?ask=rotate").wants(200).lacks("<dialog")
		b.post("/app/default/applications/"+made.ID+"/rotate").wants(400, "has no secret to rotate")
	}
}
