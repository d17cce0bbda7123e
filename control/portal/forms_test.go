package portal_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"portcullis/control"
)

// noText are the addresses that take no words of a person's, or none that may come back in an answer.
var noText = map[string]string{
	"/app/logout": "a button", "/app/theme": "a choice", "/app/account/password": "secrets", "/app/users/{user}/password": "secrets", "/app/users/{user}/delete": "a button",
	"/app/{wid}/users/{user}/password": "secrets", "/app/{wid}/users/{user}/delete": "a button", "/app/{wid}/idps/{idp}/delete": "a button", "/app/{wid}/trusted-issuers/remove": "a button",
	"/app/{wid}/settings/delete": "asks for the id again", "/app/{wid}/keys": "a button", "/app/{wid}/keys/{key}/revoke": "a button", "/app/{wid}/scopes/{scope}/delete": "a button",
	"/app/{wid}/apis/{api}/policy": "a choice", "/app/{wid}/apis/policy": "ticks, see TestSearchAndAssign", "/app/{wid}/services/{service}/delete": "a button",
	"/app/{wid}/services/{service}/connect": "a choice", "/app/{wid}/services/{service}/unbind": "a button", "/app/{wid}/services/{service}/specification/delete": "a button",
	"/app/{wid}/services/{service}/import": "a file or a text, see the tests of specifications", "/app/{wid}/gateways/{gateway}/groups/{group}/unbind": "a button",
	"/app/{wid}/gateways/{gateway}/settings/secret": "a button", "/app/{wid}/gateways/{gateway}/settings/rotate": "a button", "/app/{wid}/gateways/{gateway}/settings/delete": "a button",
	"/app/{wid}/policies/{policy}/check": "for the editor", "/app/{wid}/policies/{policy}/upload": "a file", "/app/{wid}/policies/{policy}/delete": "a button",
	"/app/{wid}/applications/{client}/secret": "a button", "/app/{wid}/applications/{client}/rotate": "a button", "/app/{wid}/applications/{client}/delete": "a button",
}

// TestEveryForm: a form with a mistake comes back with the error beside its field and with everything that was typed. Every
// address of portal.go that takes a form has a case, or no words to keep.
func TestEveryForm(t *testing.T) {
	source, err := os.ReadFile("portal.go")
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for _, m := range regexp.MustCompile(`"POST (/app/[^"]*)"`).FindAllStringSubmatch(string(source), -1) {
		if noText[m[1]] == "" {
			left[m[1]] = true
		}
	}
	w := newWorld(t)
	gw, svc := petStore(t, w)
	must(w.admin.CreateWorkspace(t.Context(), w.operator, control.Workspace{ID: "other", Name: "Other"}))(t)
	scope := must(w.admin.CreateScope(t.Context(), w.operator, control.Scope{WorkspaceID: "default", Name: "pets.read"}))(t)
	user := must(w.admin.CreateUser(t.Context(), w.operator, control.User{Username: "mia", Role: control.Member}, password))(t)
	client, _, err := w.admin.CreateClient(t.Context(), w.operator, control.Client{WorkspaceID: "default", Name: "Shop"}, "")
	if err != nil {
		t.Fatal(err)
	}
	must(w.admin.CreatePolicy(t.Context(), w.operator, control.Policy{ID: "rego", ServerID: "default", PolicyName: "R", Language: "rego", Definition: "package acp.authz\n\nallow := false\n"}))(t)
	person := must(w.admin.CreateWorkspaceUser(t.Context(), w.operator, control.User{WorkspaceID: "default", Username: "joe"}, password))(t)
	b := w.signedIn("admin", password)
	long := strings.Repeat("x", 2000)
	for _, c := range []struct {
		route, address string
		form           []string
		kept           []string // markup that holds what was typed
	}{
		{"/app/workspaces", "/app/workspaces", []string{"name", "Login", "id", "login", "description", "kept words"}, []string{`value="kept words"`, `value="Login"`}},
		{"/app/users", "/app/users", []string{"username", "", "name", "kept words", "password", password, "role", "member"}, []string{`value="kept words"`}},
		{"/app/users/{user}", "/app/users/" + user.ID, []string{"name", "kept " + long, "role", "member"}, []string{`value="kept `}},
		{"/app/{wid}/users", "/app/default/users", []string{"username", "", "name", "kept words", "password", password}, []string{`value="kept words"`}},
		{"/app/{wid}/users/{user}", "/app/default/users/" + person.ID, []string{"name", "kept words", "attributes", "{kept"}, []string{`value="kept words"`, "{kept"}},
		{"/app/{wid}/idps", "/app/default/idps", []string{"name", "kept words", "issuer_url", "not a url", "client_id", "kept-client"}, []string{`value="kept words"`, `value="not a url"`, `value="kept-client"`}},
		{"/app/{wid}/idps/{idp}", "/app/default/idps/static", []string{"name", "kept " + long}, []string{`value="kept `}},
		{"/app/{wid}/trusted-issuers", "/app/default/trusted-issuers", []string{"issuer_url", "not a url", "audiences", "kept words"}, []string{`value="not a url"`, "kept words"}},
		{"/app/{wid}/settings", "/app/default/settings", []string{"name", "Default", "access_token_ttl", "soon", "description", "kept words"}, []string{`value="kept words"`, `value="soon"`}},
		{"/app/{wid}/scopes", "/app/default/scopes", []string{"name", "two words", "description", "kept words"}, []string{`value="kept words"`, `value="two words"`}},
		{"/app/{wid}/scopes/{scope}", "/app/default/scopes/" + scope.ID, []string{"name", "two words", "display_name", long, "description", "kept words"}, []string{`value="kept words"`}},
		{"/app/{wid}/services", "/app/default/services", []string{"name", "", "description", "kept words"}, []string{`value="kept words"`}},
		{"/app/{wid}/services/{service}", "/app/default/services/" + svc.ID, []string{"name", "kept words", "custom_audience", "not a uri"}, []string{`value="kept words"`, `value="not a uri"`}},
		{"/app/{wid}/gateways", "/app/other/gateways", []string{"type", "aws", "name", "", "description", "kept words"}, []string{`value="kept words"`}},
		{"/app/{wid}/gateways/{gateway}/settings", "/app/default/gateways/" + gw.ID + "/settings", []string{"name", "", "description", "kept words"}, []string{`value="kept words"`}},
		{"/app/{wid}/gateways/{gateway}/groups/{group}/bind", "/app/default/gateways/" + gw.ID + "/groups/abc123-prod/bind", []string{"service", "+new", "name", "", "description", "kept words"}, []string{`value="kept words"`}},
		{"/app/{wid}/policies", "/app/default/policies", []string{"policy_name", "", "id", "kept-words", "language", "rego"}, []string{`value="kept-words"`}},
		{"/app/{wid}/policies/{policy}", "/app/default/policies/rego", []string{"policy_name", "kept words", "text", "package acp.authz\n\nallow if {"}, []string{`value="kept words"`, "allow if {</textarea>"}},
		{"/app/{wid}/policies/{policy}/visual", "/app/default/policies/block_default_api/visual", form("save", 1, cardForm("c.0", "name", "header", "rows", "1", "0.field", "X-A", "0.comparator", "in", "0.value", "[kept words")), []string{`value="[kept words"`}},
		{"/app/{wid}/policies/{policy}/test", "/app/default/policies/rego/test", []string{"policy_name", "R", "text", "package acp.authz\n\nallow := true\n", "input", "{kept words"}, []string{"{kept words</textarea>", "allow := true"}},
		{"/app/{wid}/policies/{policy}/cases", "/app/default/policies/rego/cases", []string{"policy_name", "R", "text", "package acp.authz\n\nallow := true\n", "cases", "kept: [words"}, []string{"kept: [words</textarea>", "allow := true"}},
		{"/app/{wid}/applications", "/app/default/applications", []string{"client_name", "", "description", "kept words"}, []string{`value="kept words"`}},
		{"/app/{wid}/applications/{client}", "/app/default/applications/" + client.ID, []string{"client_name", "", "description", "kept words"}, []string{`value="kept words"`}},
	} {
		t.Run(c.route, func(t *testing.T) {
			b.t = t
			p := b.post(c.address, c.form...)
			if p.status != 422 && p.status != 409 {
				t.Fatalf("status %d: %s", p.status, clip(p.words()))
			}
			p.has(c.kept...)
			p.has("aria-invalid", `class="err"`)
			if strings.Contains(p.path, "done=") {
				t.Errorf("the page %s claims success", p.path)
			}
		})
		delete(left, c.route)
	}
	for route := range left {
		t.Errorf("POST %s has no case here: does its form keep what was typed?", route)
	}
	for route, why := range noText {
		if !strings.Contains(string(source), `"POST `+route+`"`) {
			t.Errorf("POST %s (%s) is no address any more", route, why)
		}
	}
}

// TestDestructiveActionsAsk: what cannot be undone is a button on a page of its own that says what will break, and the way
// back is what Enter does.
func TestDestructiveActionsAsk(t *testing.T) {
	w := newWorld(t)
	gw, svc := petStore(t, w)
	scope := must(w.admin.CreateScope(t.Context(), w.operator, control.Scope{WorkspaceID: "default", Name: "pets.read"}))(t)
	user := must(w.admin.CreateUser(t.Context(), w.operator, control.User{Username: "mia", Role: control.Member}, password))(t)
	client, _, err := w.admin.CreateClient(t.Context(), w.operator, control.Client{WorkspaceID: "default", Name: "Shop"}, "")
	if err != nil {
		t.Fatal(err)
	}
	b := w.signedIn("admin", password)
	for _, c := range []struct{ address, says string }{
		{"/app/default/gateways/" + gw.ID + "/settings?ask=rotate", "stops working"},
		{"/app/default/gateways/" + gw.ID + "/settings?ask=delete", "authorizer"},
		{"/app/default/gateways/" + gw.ID + "/apis?unbind=abc123-dev", "loses the 5 apis"},
		{"/app/default/apis/authorization?remove=" + svc.ID, "policy assignments are removed"},
		{"/app/default/apis/authorization?unbind=" + svc.ID, "no longer protected"},
		{"/app/default/policies/block_default_api?ask=delete", "cannot be restored"},
		{"/app/default/applications/" + client.ID + "?ask=delete", "token"},
		{"/app/default/scopes?delete=" + scope.ID, "token"},
		{"/app/default/settings?delete=1", "removed for good"},
		{"/app/default/settings?ask=rotate", "key"},
		{"/app/users/" + user.ID + "?ask=delete", "session"},
	} {
		t.Run(c.address, func(t *testing.T) {
			b.t = t
			p := b.get(c.address).wants(200)
			dialog := regexp.MustCompile(`(?s)<dialog.*</dialog>`).FindString(p.body)
			if dialog == "" {
				t.Fatalf("nothing asks: %s", clip(p.words()))
			}
			words := strings.ToLower(page{body: dialog}.words())
			if !strings.Contains(words, c.says) || !strings.Contains(dialog, "danger") && !strings.Contains(dialog, "primary") || !strings.Contains(dialog, "Cancel") {
				t.Errorf("the dialog says %q", words)
			}
		})
	}
}
