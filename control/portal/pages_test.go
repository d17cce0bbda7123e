package portal_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/edge/waist"
)

func TestLogin(t *testing.T) {
	w := newWorld(t)
	b := w.browser()

	for _, c := range []struct{ name, username, password string }{
		{"wrong password", "admin", "not it"},
		{"unknown user", "nobody", password},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := w.browser()
			b.t = t
			b.login(c.username, c.password, "").
				wants(401, "The username or the password is wrong.").has(`value="`+c.username+`"`).lacks("not it", password)
		})
	}

	t.Run("comes back to where it was", func(t *testing.T) {
		p := b.get("/app/default/policies?q=block").wants(200, "Log in")
		if p := b.fill(p, "admin", password); p.path != "/app/default/policies?q=block" {
			t.Errorf("after the login the browser is at %s", p.path)
		}
	})
	t.Run("never leaves the portal", func(t *testing.T) {
		for _, next := range []string{"https://evil.example/app/", "//evil.example/app/", "/app/\\evil", "/app//evil.example", "javascript:alert(1)", "/api/admin", "/app/login", "/app/login/callback?code=x"} {
			if p := w.browser().login("admin", password, next); p.path != "/app/" {
				t.Errorf("next=%s led to %s", next, p.path)
			}
		}
	})
	t.Run("a new session at every login", func(t *testing.T) {
		b := w.browser()
		token := func() string {
			for _, c := range b.client.Jar.Cookies(must(http.NewRequest("GET", b.base, nil))(t).URL) {
				if strings.HasSuffix(c.Name, "portcullis") {
					return c.Value
				}
			}
			return ""
		}
		b.login("admin", password, "")
		first := token()
		b.get("/app/login").wants(200, "Workspace Directory")
		if token() != first {
			t.Error("a session that is there was not used")
		}
		b.fill(b.get("/app/login?other=1"), "admin", password).wants(200, "Workspace Directory")
		if first == "" || token() == first {
			t.Error("the second login kept the first session's token")
		}
		if _, _, err := w.admin.Session(t.Context(), first); control.KindOf(err) != control.Unauthenticated {
			t.Errorf("the first session is still there: %v", err)
		}
	})
	t.Run("an idle session ends", func(t *testing.T) {
		b := w.signedIn("admin", password)
		w.clock.add(13 * time.Hour)
		b.get("/app/default/overview").wants(200, "Log in", "to continue to Admin Portal")
	})
}

func TestAnotherSiteIsRefused(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn("admin", password)
	p := b.send("POST", "/app/default/services", "name=Forged", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	p.wants(403, "another site")
	for _, s := range must(w.admin.ListServices(t.Context(), w.operator, "default"))(t) {
		if s.Name == "Forged" {
			t.Error("the request of another site made a service")
		}
	}
}

// TestErrors: each mistake gets a page that says what it was and offers a way on.
func TestErrors(t *testing.T) {
	w := newWorld(t)
	gw, svc := petStore(t, w)
	must(w.admin.CreateWorkspace(t.Context(), w.operator, control.Workspace{ID: "other", Name: "Other"}))(t)
	b := w.signedIn("admin", password)
	api := apiOf(t, w, "Pet store", "GET", "/pets")
	gateway := "/app/default/gateways/" + gw.ID

	for _, c := range []struct {
		name   string
		do     func(b *browser) page
		status int
		words  []string
	}{
		{"unknown workspace", func(b *browser) page { return b.get("/app/nowhere/overview") }, 404, []string{"Not found", `no workspace "nowhere"`, "Workspace Directory"}},
		{"unknown page", func(b *browser) page { return b.get("/app/default/nonsense") }, 404, []string{"Not found", "Workspace Directory"}},
		{"unknown gateway", func(b *browser) page { return b.get("/app/default/gateways/none/apis") }, 404, []string{"Not found"}},
		{"gateway of another workspace", func(b *browser) page { return b.get("/app/other/gateways/" + gw.ID + "/settings") }, 404, []string{"Not found"}},
		{"secret of another workspace's gateway", func(b *browser) page { return b.post("/app/other/gateways/" + gw.ID + "/settings/secret") }, 404, []string{"Not found"}},
		{"API of another workspace", func(b *browser) page { return b.post("/app/other/apis/"+api+"/policy", "policy_id", "") }, 404, []string{"Not found"}},
		{"service of another workspace", func(b *browser) page { return b.post("/app/other/services/" + svc.ID + "/delete") }, 404, []string{"Not found"}},
		{"policy of another workspace", func(b *browser) page { return b.get("/app/other/policies/block_default_api") }, 404, []string{"Not found"}},
		{"popup about nothing", func(b *browser) page { return b.get("/app/default/apis/authorization?edit=gone") }, 404, []string{"no longer there"}},
		{"unknown architecture", func(b *browser) page { return b.get(gateway + "/package?arch=mips") }, 400, []string{"mips"}},
		{"gateway without a name", func(b *browser) page {
			return b.post("/app/other/gateways", "type", "aws", "name", " ", "description", "kept words")
		}, 422, []string{"Must not be empty", "NEXT"}},
		{"second gateway of a workspace", func(b *browser) page {
			return b.post("/app/default/gateways", "type", "aws", "name", "Second one", "description", "kept words")
		}, 409, []string{"NEXT"}},
		{"group without a service", func(b *browser) page { return b.post(gateway+"/groups/abc123-prod/bind", "service", "") }, 422, []string{"Choose a service."}},
		{"group with a foreign service", func(b *browser) page { return b.post(gateway+"/groups/abc123-prod/bind", "service", "nope") }, 422, []string{"names no service"}},
		{"group into a service without a name", func(b *browser) page {
			return b.post(gateway+"/groups/abc123-prod/bind", "service", "+new", "name", "", "description", "kept words")
		}, 422, []string{"Connect to new service", "Must not be empty"}},
		{"service without a name", func(b *browser) page {
			return b.post("/app/default/services", "name", "", "description", "kept words")
		}, 422, []string{"Create service", "Must not be empty"}},
		{"unknown policy for an API", func(b *browser) page { return b.post("/app/default/apis/"+api+"/policy", "policy_id", "nope") }, 422, []string{"Edit API", "Update"}},
		{"application without a name", func(b *browser) page {
			return b.post("/app/default/applications", "client_name", "", "description", "kept words")
		}, 422, []string{"Must not be empty"}},
		{"workspace that is there", func(b *browser) page {
			return b.post("/app/workspaces", "name", "Default", "id", "default", "description", "kept words")
		}, 409, []string{"Create workspace"}},
		{"workspace named like a page", func(b *browser) page {
			return b.post("/app/workspaces", "name", "Login", "id", "login", "description", "kept words")
		}, 422, []string{"choose another"}},
		{"token lifetime that is none", func(b *browser) page {
			return b.post("/app/default/settings", "name", "Default", "access_token_ttl", "soon", "description", "kept words")
		}, 422, []string{"no duration"}},
		{"workspace deleted without its id", func(b *browser) page { return b.post("/app/other/settings/delete", "confirm", "othr") }, 422, []string{"Nothing was deleted"}},
		{"form that is too large", func(b *browser) page {
			return b.post("/app/default/services", "name", strings.Repeat("x", 3<<20))
		}, 400, []string{"more than 2 MB"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			p := c.do(b).wants(c.status, c.words...)
			p.has(`href="/app/`)
			if strings.Contains(p.path, "done=") {
				t.Errorf("the page %s claims success", p.path)
			}
		})
	}
	b.t = t
	t.Run("typed values are kept", func(t *testing.T) {
		b.t = t
		b.post("/app/other/gateways", "type", "aws", "name", "", "description", "kept words", "auto_bind", "1").has(`value="kept words"`, `aria-invalid`, "checked")
		b.post("/app/default/services", "name", "", "description", "kept words").has(`value="kept words"`)
		b.post("/app/workspaces", "name", "Login", "id", "login", "description", "kept words").has(`value="kept words"`)
	})
}

// TestRoles: a member sees and does not change; what the page does not offer, the address refuses too.
func TestRoles(t *testing.T) {
	w := newWorld(t)
	gw, svc := petStore(t, w)
	must(w.admin.CreateUser(t.Context(), w.operator, control.User{Username: "mia", Name: "Mia Member", Role: control.Member}, password))(t)
	api := apiOf(t, w, "Pet store", "GET", "/pets")
	b := w.signedIn("mia", password)

	b.get("/app/").wants(200, "Mia Member").lacks("CREATE WORKSPACE")
	b.get("/app/default/gateways").wants(200, "Pet gateway").lacks("ADD GATEWAY</a>", "/gateways/new")
	b.get("/app/default/apis/authorization").wants(200, "Pet store", "None").lacks(">Edit<", "CREATE SERVICE", "unbind=")
	b.get("/app/default/policies").wants(200, "Block API").lacks("CREATE POLICY")
	b.get("/app/default/gateways/"+gw.ID+"/settings").wants(200, "ACP_CLIENT_ID").lacks(gw.ClientSecret, ">Show<", ">Rotate<", ">Save<", "Delete gateway")

	for _, address := range []string{
		"/app/workspaces/new", "/app/default/gateways/new", "/app/default/policies/new", "/app/default/applications/new",
		"/app/default/apis/authorization?edit=" + api, "/app/default/gateways/" + gw.ID + "/settings?ask=delete",
	} {
		b.get(address).wants(403, "Not allowed").has(`href="/app/`)
	}
	for _, post := range [][]string{
		{"/app/workspaces", "name", "Mine"}, {"/app/default/gateways", "type", "aws", "name", "Mine"}, {"/app/default/services", "name", "Mine"},
		{"/app/default/apis/" + api + "/policy", "policy_id", "block_default_api"}, {"/app/default/services/" + svc.ID + "/delete"},
		{"/app/default/gateways/" + gw.ID + "/settings/secret"}, {"/app/default/gateways/" + gw.ID + "/settings/rotate"}, {"/app/default/gateways/" + gw.ID + "/settings/delete"},
		{"/app/default/gateways/" + gw.ID + "/groups/abc123-prod/bind", "service", "+new", "name", "Mine"}, {"/app/default/gateways/" + gw.ID + "/groups/abc123-dev/unbind"},
		{"/app/default/policies", "policy_name", "Mine", "language", "rego"}, {"/app/default/policies/block_default_api", "policy_name", "Mine", "text", "validators: [{name: \"true\"}]"},
		{"/app/default/policies/block_default_api/delete"}, {"/app/default/applications", "client_name", "Mine"}, {"/app/default/settings", "name", "Mine"}, {"/app/default/settings/delete", "confirm", "default"},
	} {
		b.post(post[0], post[1:]...).wants(403, "Not allowed").lacks(gw.ClientSecret)
	}
	if again := w.gateway(gw.ID); again.ClientSecret != gw.ClientSecret || again.Name != gw.Name {
		t.Error("a member has changed the gateway")
	}
}

// TestSecrets: a secret is on a page only in answer to a POST that asks for it, and that page is not stored.
func TestSecrets(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	b := w.signedIn("admin", password)
	client, secret, err := w.admin.CreateClient(t.Context(), w.operator, control.Client{WorkspaceID: "default", Name: "Shop"}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, page, secret string }{
		{"gateway", "/app/default/gateways/" + gw.ID + "/settings", gw.ClientSecret},
		{"application", "/app/default/applications/" + client.ID, secret},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			for _, address := range []string{c.page, c.page + "?show=1", c.page + "?ask=rotate"} {
				b.get(address).wants(200).lacks(c.secret)
			}
			shown := b.post(c.page + "/secret").wants(200).has(c.secret)
			if strings.Contains(shown.path, c.secret) || shown.header.Get("Cache-Control") != "no-store" {
				t.Errorf("the secret's page is %s, Cache-Control %q", shown.path, shown.header.Get("Cache-Control"))
			}
			bare := b.send("POST", c.page+"/secret", "", "Accept", "text/plain", "Sec-Fetch-Site", "same-origin", "Content-Type", "application/x-www-form-urlencoded")
			if bare.body != c.secret || !strings.HasPrefix(bare.header.Get("Content-Type"), "text/plain") {
				t.Errorf("a script that asks for the secret gets %d bytes of %s", len(bare.body), bare.header.Get("Content-Type"))
			}
			rotated := b.post(c.page+"/rotate").wants(200, "is new").lacks(c.secret)
			b.post(c.page + "/secret").lacks(c.secret)
			if !regexp.MustCompile(`value="[A-Za-z0-9_-]{20,}" data-copy`).MatchString(rotated.body) {
				t.Error("the page after a rotation does not show the new secret")
			}
		})
	}
}

func TestPolicies(t *testing.T) {
	w := newWorld(t)
	petStore(t, w)
	b := w.signedIn("admin", password)
	b.post("/app/default/policies", "policy_name", "Visual one", "language", "cloudentity").wants(200, "Policy created.", `name: "false"`)
	b.post("/app/default/policies", "policy_name", "Rego one", "language", "rego").wants(200, "Policy created.", "package acp.authz")

	const visual, rego = "/app/default/policies/default-visual-one", "/app/default/policies/default-rego-one"
	for _, c := range []struct {
		name, address, text string
		words               []string
	}{
		{"YAML that is none", visual, "validators:\n  - name: [\n", []string{"Line"}},
		{"unknown top member", visual, "validators: []\nrules: []\n", []string{"Line 2, column 1", "rules"}},
		{"unknown validator member", visual, "validators:\n  - name: \"true\"\n    cnf: {}\n", []string{"Line 3", "cnf"}},
		{"a member twice", visual, "validators:\n  - name: \"true\"\n    name: \"false\"\n", []string{"Line 3, column 5", "twice"}},
		{"an alias", visual, "validators:\n  - &a {name: \"true\"}\n  - *a\n", []string{"Line 2", "anchors"}},
		{"unknown comparator", visual, "validators:\n  - name: identity-context\n    conf:\n      fields:\n        - {field: sub, comparator: sounds_like, value: joe}\n", []string{"Line 5, column", "sounds_like"}},
		{"unknown validator", visual, "validators:\n  - name: \"true\"\n  - name: perhaps\n", []string{"Line 3", "perhaps"}},
		{"wrong type", visual, "validators: 7\n", []string{"Line 1"}},
		{"empty", visual, "", []string{"empty"}},
		{"Rego syntax", rego, "package acp.authz\n\nallow if {\n  input.x ==\n}\n", []string{"Line"}},
		{"Rego package", rego, "package other\n\nallow := true\n", []string{"package"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			p := b.post(c.address, "policy_name", "Kept name", "text", c.text).wants(422, c.words...).has(`value="Kept name"`, `aria-invalid`)
			first, _, _ := strings.Cut(strings.TrimSpace(c.text), "\n")
			p.wants(422, first)
		})
	}
	b.t = t
	stored := must(w.admin.GetPolicy(t.Context(), w.operator, "default-visual-one"))(t)
	if stored.PolicyName != "Visual one" || len(stored.Validators) != 1 || stored.Validators[0].Name != "false" {
		t.Errorf("a text with mistakes has changed the policy: %+v", stored)
	}

	t.Run("JSON is read, YAML comes back, values keep their types", func(t *testing.T) {
		b.t = t
		p := b.post(visual, "policy_name", "Visual one", "text",
			`{"validators":[{"name":"identity-context","conf":{"fields":[{"field":"sub","comparator":"equals","value":"true"},{"field":"level","comparator":"equals","value":3}]},"recovery":[{"type":"mfa"}]}]}`)
		p.wants(200, "Policy saved.", `value: "true"`, "value: 3", "type: mfa")
		conf := string(must(w.admin.GetPolicy(t.Context(), w.operator, "default-visual-one"))(t).Validators[0].Conf)
		if !strings.Contains(conf, `"true"`) || !regexp.MustCompile(`:\s*3\b`).MatchString(conf) {
			t.Errorf("the stored conf is %s", conf)
		}
	})
	t.Run("test runs the text in the editor", func(t *testing.T) {
		b.t = t
		input := `{"authn_ctx":{"sub":"joe"},"request":{"method":"GET","path":"/pets"}}`
		allow := "package acp.authz\n\nimport rego.v1\n\ndefault allow := false\n\nallow if input.authn_ctx.sub == \"joe\"\n"
		b.post(rego+"/test", "policy_name", "Rego one", "text", allow, "input", input).wants(200, "AUTHORIZED")
		b.post(rego+"/test", "policy_name", "Rego one", "text", allow, "input", `{"authn_ctx":{"sub":"eve"}}`).wants(200, "UNAUTHORIZED", `"eve"`)
		b.post(rego+"/test", "policy_name", "Rego one", "text", allow, "input", `{"authn":{}}`).wants(422, "cannot be read")
		b.post(rego+"/test", "policy_name", "Rego one", "text", "package acp.authz\nallow {", "input", input).wants(422, "Line")
		if got := must(w.admin.GetPolicy(t.Context(), w.operator, "default-rego-one"))(t); strings.Contains(got.Definition, "joe") {
			t.Error("a test has saved the text")
		}
	})
	t.Run("an earlier version can be restored", func(t *testing.T) {
		b.t = t
		for _, text := range []string{"first", "second"} {
			w.clock.add(time.Second)
			b.post(rego, "policy_name", "Rego one", "text", "package acp.authz\n\n# "+text+"\nallow := false\n").wants(200, "Policy saved.")
		}
		versions := regexp.MustCompile(`/versions/([^"?]*)"`).FindAllStringSubmatch(b.get(rego).wants(200, "History", "Created", "Updated").body, -1)
		if len(versions) != 3 {
			t.Fatalf("the history has %d versions, want 3", len(versions))
		}
		b.get(rego+"?version="+versions[1][1]).wants(200, "# first", "Save to restore it.").lacks("# second")
		b.get(rego).wants(200, "# second").lacks("Save to restore it.")
		b.get(rego+"?version=nope").wants(404, "no such version")
	})
	t.Run("a policy in use stays", func(t *testing.T) {
		b.t = t
		b.post("/app/default/apis/"+apiOf(t, w, "Pet store", "GET", "/pets")+"/policy", "policy_id", "default-rego-one").wants(200)
		b.get(rego+"?ask=delete").wants(200, "1 API uses")
		b.post(rego + "/delete").wants(400)
		b.get(visual+"?ask=delete").wants(200, "No API uses it")
		b.post(visual+"/delete").wants(200, "Policy deleted.").lacks("default-visual-one")
	})
	b.get("/app/default/policies?q=rego").wants(200, "Rego one").lacks("Block API")
	b.get("/app/default/policies?q=zzz").wants(200, "No policy matches zzz")
}

func TestApplications(t *testing.T) {
	w := newWorld(t)
	_, svc := petStore(t, w)
	must(w.admin.CreateScope(t.Context(), w.operator, control.Scope{WorkspaceID: "default", ServiceID: svc.ID, Name: "pets.read", DisplayName: "Read pets"}))(t)
	b := w.signedIn("admin", password)
	b.get("/app/default/applications/new").wants(200, "pets.read", "Read pets")
	p := b.post("/app/default/applications", "client_name", "Shop", "description", "", "scopes", "pets.read").
		wants(200, "Application created.", "grant_type=client_credentials", "scope=pets.read", w.admin.IssuerURL("default", "default")+"/oauth2/token")
	address := "/app/default/applications/" + p.element(4)
	b.post(address, "client_name", "Shop 2", "description", "x").wants(200, "Application saved.", "Shop 2")
	p.lacks("Get a test token")
	b.post(address+"/secret").wants(200, "Get a test token").has(`action="/default/default/oauth2/token" target="_blank"`, `name="client_id" value="`+p.element(4)+`"`)
	c := must(w.admin.GetClient(t.Context(), w.operator, p.element(4)))(t)
	if c.Status != "inactive" || len(c.Scopes) != 0 {
		t.Errorf("the boxes were left empty and the application is %q with scopes %v", c.Status, c.Scopes)
	}
	b.get("/app/default/applications").wants(200, "Shop 2", "Inactive")
	b.get(address+"?ask=delete").wants(200, "Delete application Shop 2?")
	b.post(address+"/delete").wants(200, "Application deleted.").lacks("Shop 2")
}

func TestOverviewShowsDecisions(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	b := w.signedIn("admin", password)
	b.get("/app/default/overview").wants(200, "No decisions yet.")
	api := apiOf(t, w, "Pet store", "GET", "/pets")
	events := []waist.RequestEvent{
		{APIID: api, DecisionID: "d1", Time: w.clock.Now(), Reason: "token_malformed", PolicyID: "block_default_api", DurationUS: 431, Result: waist.Validation{Result: waist.ResultUnauthorized}},
		{DecisionID: "d2", Time: w.clock.Now(), Reason: "api_unknown", Method: "PUT", Path: "/<b>", Result: waist.Validation{Result: waist.ResultUnauthorized,
			Failure: []waist.ValidationFailure{{Validator: "x", Message: "<script>alert(1)</script>"}}}},
	}
	must(w.analytics.Ingest(t.Context(), w.gatewayActor(gw.ID), waist.RequestEvents{Events: events}))(t)
	w.clock.add(90 * time.Second)
	b.get("/app/default/overview").wants(200, "Denied", "/pets", "The token is not an access token", "token_malformed", "0.43 ms", "a minute ago").lacks("<script>alert", "<b>")

	page := b.get("/app/default/analytics?span=1h").wants(200, "Decisions 2", "Denied 2", "Share denied 100 %", "By reason", "api_unknown", "/<b>").has(`<rect class="denied"`).lacks(`<rect class="allowed"`, "<script>alert")
	b.get("/app/default/analytics?reason=api_unknown").wants(200, "/<b>").lacks(`Decision of GET`)
	b.get("/app/default/analytics?result=AUTHORIZED").wants(200, "No decision matches.")
	link := regexp.MustCompile(`href="([^"]*/decisions/[^"]*)" aria-label="Decision of GET /pets`).FindStringSubmatch(page.body)
	if link == nil {
		t.Fatal("the decision cannot be opened")
	}
	b.get(strings.ReplaceAll(link[1], "&amp;", "&")).wants(200, "token_malformed", "d1", "Revision", "Block API", "What decided", "Test with this request")
	b.get("/app/default/decisions/nope").wants(404)
	csv := b.get("/app/default/analytics.csv?span=1h").wants(200)
	if !strings.HasPrefix(csv.body, "minute,result,reason,decisions,duration_us\n") || !strings.Contains(csv.body, "UNAUTHORIZED,token_malformed,1,431") {
		t.Errorf("the CSV is %s", csv.body)
	}
	w.clock.add(2 * time.Hour)
	b = w.signedIn("admin", password)
	b.get("/app/default/analytics?span=1h").wants(200, "No decisions in this time.")
	b.get("/app/default/analytics?span=7d").wants(200, "Decisions 2")
}

func TestWorkspaces(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn("admin", password)
	b.post("/app/workspaces", "name", "Pet shop", "id", "", "description", "Shop of pets", "color", "#AA3377").wants(200, "Workspace created.", "Pet shop")
	b.get("/app/").wants(200, "Pet shop", "Shop of pets").has(`fill="#AA3377"`)
	b.post("/app/pet-shop/settings", "name", "Pet shop 2", "access_token_ttl", "15m", "color", "#AA3377").wants(200, "Settings saved.", "Pet shop 2").has(`value="15m0s"`)
	b.get("/app/pet-shop/settings?delete=1").wants(200, "Delete workspace Pet shop 2?")
	b.post("/app/pet-shop/settings/delete", "confirm", "pet-shop").wants(200, "Workspace deleted.").lacks("Pet shop 2")
	b.get("/app/admin/settings").wants(200).lacks("Delete workspace")
}

// TestPagesAreSelfContained: nothing inline that the Content-Security-Policy would stop, nothing from elsewhere, and every
// asset is there and kept for long. A page with all it needs but the islands weighs at most 60 kB, uncompressed.
func TestPagesAreSelfContained(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	b := w.signedIn("admin", password)
	assets := map[string]bool{}
	refs := regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	islands := regexp.MustCompile(`/(?:editor|cards)\.`)
	const maxWeight = 60_000
	var heaviest struct {
		bytes   int
		address string
	}
	for _, address := range everyPage(t, w, gw.ID) {
		p := b.get(address).wants(200).lacks(" style=", " onclick=", "<style", "javascript:")
		if strings.Count(p.body, "<h1") != 1 {
			t.Errorf("%s has %d main headings", address, strings.Count(p.body, "<h1"))
		}
		weight := len(p.body)
		for _, m := range refs.FindAllStringSubmatch(p.body, -1) {
			if strings.HasPrefix(m[1], "/app/assets/") && !islands.MatchString(m[1]) {
				weight += len(b.get(m[1]).body)
			}
		}
		if heaviest.bytes < weight {
			heaviest.bytes, heaviest.address = weight, address
		}
		if weight > maxWeight {
			t.Errorf("%s weighs %d bytes with its style, scripts and icon; at most %d", address, weight, maxWeight)
		}
		for _, m := range refs.FindAllStringSubmatch(p.body, -1) {
			switch {
			case strings.HasPrefix(m[1], "/app/assets/"):
				assets[m[1]] = true
			case !strings.HasPrefix(m[1], "/app/") && !strings.HasPrefix(m[1], "#"):
				t.Errorf("%s refers to %s", address, m[1])
			}
		}
	}
	t.Logf("the heaviest page is %s with %d bytes", heaviest.address, heaviest.bytes)
	if len(assets) < 2 {
		t.Errorf("the pages refer to %d assets", len(assets))
	}
	stranger := w.browser()
	for a := range assets {
		p := stranger.get(a).wants(200)
		if !strings.Contains(p.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s has Cache-Control %q", a, p.header.Get("Cache-Control"))
		}
	}
	stranger.get("/app/assets/README").wants(404)
	stranger.get("/app/assets/portal.css").wants(404)
}

// notPages are the addresses that answer with something else than a page of their own.
var notPages = map[string]string{
	"GET /app/login": "leads to the issuer", "GET /app/login/callback": "comes from the issuer", "GET /app/assets/": "files",
	"GET /app/{wid}": "leads to overview", "GET /app/{wid}/{$}": "leads to overview", "GET /app/{wid}/apis": "leads to AUTHORIZATION", "GET /app/{wid}/gateways/{gateway}": "leads to a tab",
	"GET /app/{wid}/analytics/events": "a stream", "GET /app/{wid}/audit/export": "a file", "GET /app/{wid}/gateways/{gateway}/install": "files", "GET /app/{wid}/gateways/{gateway}/package": "a file",
	"GET /app/{wid}/gateways/{gateway}/progress": "a part of QUICK START", "GET /app/{wid}/policies/{policy}/download": "a file",
}

// TestEveryPageIsListed: each address that portal.go routes is among the pages that are checked, or known to be none.
func TestEveryPageIsListed(t *testing.T) {
	source, err := os.ReadFile("portal.go")
	if err != nil {
		t.Fatal(err)
	}
	top, ws := http.NewServeMux(), http.NewServeMux()
	left := map[string]bool{}
	for _, m := range regexp.MustCompile(`"(GET /app/[^"]*)"`).FindAllStringSubmatch(string(source), -1) {
		if notPages[m[1]] != "" || strings.HasSuffix(m[1], ".csv") {
			continue
		}
		left[m[1]] = true
		if strings.HasPrefix(m[1], "GET /app/{wid}") {
			ws.Handle(m[1], http.NotFoundHandler())
		} else {
			top.Handle(m[1], http.NotFoundHandler())
		}
	}
	if len(left) < 30 {
		t.Fatalf("portal.go has %d pages", len(left))
	}
	w := newWorld(t)
	gw, _ := petStore(t, w)
	for _, address := range everyPage(t, w, gw.ID) {
		r := httptest.NewRequest(http.MethodGet, address, nil)
		_, pattern := top.Handler(r)
		if pattern == "" {
			_, pattern = ws.Handler(r)
		}
		if pattern == "" {
			t.Errorf("%s is no address of the portal", address)
		}
		delete(left, pattern)
	}
	for pattern := range left {
		t.Errorf("everyPage has no address of %s: the page is not checked for accessibility, weight and width", pattern)
	}
}

// everyPage is the address of every page and popup, for a workspace made by petStore.
func everyPage(t *testing.T, w *world, gateway string) []string {
	t.Helper()
	client, _, err := w.admin.CreateClient(t.Context(), w.operator, control.Client{WorkspaceID: "default", Name: "Shop"}, "")
	if err != nil {
		t.Fatal(err)
	}
	svc := must(w.admin.CreateService(t.Context(), w.operator, control.Service{WorkspaceID: "default", Name: "Free service"}))(t)
	must(w.admin.CreatePolicy(t.Context(), w.operator, control.Policy{ID: "deep", ServerID: "default", PolicyName: "Deep", Validators: []waist.Validator{
		{Name: "if-else", Conf: []byte(`{"if":[{"name":"time","conf":{"days":["mon"]}}],"then":[{"name":"any","conf":{"validators":[{"name":"true"},{"name":"embedded-policy","conf":{"policy_id":"block_default_api"}}]}}]}`)}}}))(t)
	must(w.admin.CreatePolicy(t.Context(), w.operator, control.Policy{ID: "rego", ServerID: "default", PolicyName: "Rego", Language: "rego", Definition: "package acp.authz\n\nallow if input.authn_ctx.unseen\n"}))(t)
	user := must(w.admin.CreateUser(t.Context(), w.operator, control.User{Username: "page", Role: control.Member}, password))(t)
	person := must(w.admin.CreateWorkspaceUser(t.Context(), w.operator, control.User{WorkspaceID: "default", Username: "joe"}, password))(t)
	must(w.analytics.Ingest(t.Context(), w.gatewayActor(gateway), waist.RequestEvents{Events: []waist.RequestEvent{
		{APIID: apiOf(t, w, "Pet store", "GET", "/pets"), DecisionID: "page", Time: w.clock.Now(), Reason: "token_expired", PolicyID: "block_default_api", Result: waist.Validation{Result: waist.ResultUnauthorized}}}}))(t)
	record := func(subject, target string) string {
		return must(w.admin.ListAudit(t.Context(), w.operator, "default", control.AuditFilter{Subjects: []string{subject}, TargetID: target, Limit: 1}))(t)[0].ID
	}
	version := "/app/default/policies/rego/versions/" + record("policy", "rego")
	gw := "/app/default/gateways/" + gateway
	return []string{
		"/app/", "/app/workspaces/new", "/app/default/overview", "/app/default/apis/authorization",
		"/app/default/apis/authorization?edit=" + apiOf(t, w, "Pet store", "GET", "/pets"), "/app/default/apis/authorization?connect=" + svc.ID,
		"/app/default/apis/authorization?create=service", "/app/default/services/" + svc.ID + "/import", "/app/default/apis/authorization?change=" + svc.ID, "/app/default/apis/authorization?remove=" + svc.ID,
		"/app/default/apis/authorization?unbind=" + serviceID(t, w, "Pet store"), "/app/default/apis/open-doors", "/app/default/apis/authorization?show=open",
		"/app/default/gateways", "/app/default/gateways/new", gw + "/quick-start", gw + "/apis", gw + "/apis?connect=abc123-prod", gw + "/apis?unbind=abc123-dev",
		gw + "/settings", gw + "/settings?ask=rotate", gw + "/settings?ask=delete",
		"/app/default/policies", "/app/default/policies/new", "/app/default/policies/block_default_api", "/app/default/policies/block_default_api?ask=delete", "/app/default/policies/nist-aal-3_default_api/visual",
		"/app/default/policies/deep", "/app/default/policies/deep/visual", "/app/default/policies/rego", version, version + "?against=present",
		"/app/default/applications", "/app/default/applications/new", "/app/default/applications/" + client.ID, "/app/default/applications/" + client.ID + "?ask=delete",
		"/app/default/settings", "/app/default/settings?delete=1", "/app/default/settings?ask=rotate",
		"/app/default/scopes", "/app/default/scopes?create=scope", "/app/default/audit", "/app/default/audit/" + record("gateway", ""), "/app/default/decisions/" + w.newest().ID,
		"/app/default/analytics", "/app/default/analytics/live", "/app/default/search?q=pet", "/app/account", "/app/users", "/app/users/new", "/app/users/" + user.ID, "/app/default/users", "/app/default/users/new", "/app/default/users/" + person.ID, "/app/default/idps", "/app/default/idps/new", "/app/default/idps/static", "/app/default/trusted-issuers", "/app/admin/idps", "/app/admin/idps/new", "/app/admin/overview", "/app/system/applications",
	}
}

func TestTheme(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn("admin", password)
	p := b.post("/app/theme", "theme", "dark", "back", "/app/default/policies?q=a")
	p.wants(200).has(`data-theme="dark"`)
	if p.path != "/app/default/policies?q=a" {
		t.Errorf("the form came back to %s", p.path)
	}
	b.post("/app/theme", "theme", `"><script>`, "back", "//evil.example").wants(200, "Workspace Directory").has(`data-theme=""`)
}

func TestWithoutPackages(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	b := w.signedInWithoutPackages(t)
	b.get("/app/default/gateways/"+gw.ID+"/quick-start").wants(200, "make packages").lacks("package?arch=")
	b.get("/app/default/gateways/"+gw.ID+"/package?arch=arm64").wants(501, "Not available", "make packages")
}

// TestManyAPIs: a workspace of 1,000 APIs is one page that works.
func TestManyAPIs(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	w.discoverMany(gw.ID, 1000)
	p := w.signedIn("admin", password).get("/app/default/apis/authorization").wants(200, "All 1000", "/things/999")
	if n := strings.Count(p.body, `<tr id="api-`); n != 1000 {
		t.Errorf("the page has %d rows", n)
	}
}
