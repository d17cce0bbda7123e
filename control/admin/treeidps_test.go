package admin_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
)

const okta = `"okta":{"name":"Okta","method":"oidc","client_secret":"nobody may see this","oidc":{"issuer_url":"https://okta.example.com","client_id":"portcullis",
	"mappings":[{"source":"org.team","target":"team"}]}}`

// idpsOf is the document's providers with their secrets.
func (w *world) idpsOf(wid string) map[string]control.TreeIDP {
	w.t.Helper()
	return must(w.ExportWorkspace(ctx, w.root, wid, true))(w.t).IDPs
}

// TestTreeHoldsIDPs: identity providers go through a document and come out the same, before the gateways that trust them;
// their secrets are in it with credentials only, and a document without them keeps what is there.
func TestTreeHoldsIDPs(t *testing.T) {
	pair(t, func(t *testing.T, a, b *world) {
		g, _ := a.gateway()
		if err := a.ImportWorkspace(ctx, a.root, "default", parsed(t, `{"idps":{`+okta+`,"public":{"name":"Public","method":"oidc","disabled":true,
			"oidc":{"issuer_url":"https://public.example.com","client_id":"p","token_endpoint_auth_method":"none","scopes":["openid"],"fetch_userinfo":true}}}}`), updating); err != nil {
			t.Fatalf("%v %v", err, wrongs(t, err))
		}
		must(a.UpdateGateway(ctx, a.root, g.ID, control.GatewayUpdate{Name: "AWS", TokenExchange: &control.TokenExchange{Enabled: true, TrustedIDPs: []string{"okta"}}}))(t)

		bare := must(a.ExportWorkspace(ctx, a.root, "default", false))(t)
		if text := jsonOf(t, bare); strings.Contains(text, "nobody may see") || !strings.Contains(text, "https://okta.example.com") {
			t.Errorf("%s", text)
		}
		with := must(a.ExportWorkspace(ctx, a.root, "default", true))(t)
		if p := with.IDPs["okta"]; len(with.IDPs) != 3 || p.Secret != "nobody may see this" || p.OIDC.AuthMethod != control.AuthBasic || len(p.OIDC.Algorithms) != 4 ||
			!slices.Equal(p.OIDC.Mappings, []control.ClaimMapping{{Source: "org.team", Target: "team"}}) || with.IDPs["static"].Method != control.MethodStatic {
			t.Errorf("%+v", with.IDPs)
		}

		// To another database: not without the secret, and nothing half; a dry run changes nothing.
		was := jsonOf(t, must(b.ExportTenant(ctx, b.root, false))(t))
		if w := wrongs(t, b.ImportWorkspace(ctx, b.root, "default", document(t, bare), updating)); len(w) != 1 || w["idps.okta.client_secret"] == "" {
			t.Errorf("%v", w)
		}
		if err := b.ImportWorkspace(ctx, b.root, "default", document(t, with), control.ImportOptions{Mode: control.ImportUpdate, DryRun: true}); err != nil {
			t.Fatal(err)
		}
		if is := jsonOf(t, must(b.ExportTenant(ctx, b.root, false))(t)); is != was {
			t.Error("a refused document, or a dry run, was taken in")
		}
		if err := b.ImportWorkspace(ctx, b.root, "default", document(t, with), updating); err != nil {
			t.Fatalf("%v %v", err, wrongs(t, err))
		}
		if x, y := jsonOf(t, with), jsonOf(t, must(b.ExportWorkspace(ctx, b.root, "default", true))(t)); x != y {
			t.Errorf("the round trip changed\n%s\nto\n%s", x, y)
		}
		if s := must(b.IDPSecret(ctx, "default", "default", "okta"))(t); s != "nobody may see this" {
			t.Errorf("the issuer logs in with %q", s)
		}
		if x := must(b.GetGateway(ctx, b.root, g.ID))(t); !x.TokenExchange.Enabled || !slices.Contains(x.Client.Scopes, control.ScopeExchange) {
			t.Errorf("%+v", x)
		}
		for _, again := range []any{document(t, with), document(t, bare)} {
			unchanged(t, b, "default", func() error { return b.ImportWorkspace(ctx, b.root, "default", again, updating) })
		}
		dump := must(a.DumpTenant(ctx, a.root, "default", true))(t)
		unchanged(t, b, "default", func() error { return b.ImportDump(ctx, b.root, document(t, dump), updating) })

		// A new workspace by a document: with the one that it is born with, unless the document says which it has.
		for _, x := range []struct {
			wid, text string
			want      int
		}{{"born", `{"name":"Born"}`, 1}, {"bare", `{"idps":{}}`, 0}, {"own", `{"idps":{` + okta + `}}`, 1}} {
			if err := b.ImportWorkspace(ctx, b.root, x.wid, parsed(t, x.text), updating); err != nil {
				t.Fatal(err)
			}
			if all := must(b.ListIDPs(ctx, b.root, x.wid))(t); len(all) != x.want {
				t.Errorf("%s has %+v", x.wid, all)
			}
		}
		if all := must(b.ListIDPs(ctx, b.root, "born"))(t); all[0].ID != control.StaticIDP || all[0].Name != "Users of this workspace" {
			t.Errorf("%+v", all)
		}
		for _, e := range must(b.ListAudit(ctx, b.root, "default", control.AuditFilter{Limit: 100}))(t) {
			if strings.Contains(string(e.Before)+string(e.After), "nobody may see") {
				t.Errorf("a secret is in the audit: %s %s", e.Before, e.After)
			}
		}
	})
}

// TestTreeChangesIDPs: a patch changes and removes providers with what follows for their users, and refuses what the verbs
// refuse.
func TestTreeChangesIDPs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		take := func(text string) error { return w.ImportWorkspace(ctx, w.root, "default", parsed(t, text), updating) }
		patch := func(text string) error {
			return w.PatchWorkspace(ctx, w.root, "default", control.MergePatch(parsed(t, text)), updating)
		}
		if err := take(`{"idps":{` + okta + `}}`); err != nil {
			t.Fatal(err)
		}
		login := func() string {
			p := must(w.GetIDP(ctx, w.root, "default", "okta"))(t)
			token, _, err := w.LoginExternal(ctx, admin.Identity{IDP: p, Subject: "1", Claims: claims(t, `{"name":"Mia"}`),
				Authentication: control.Authentication{At: w.clock.Now()}}, "192.0.2.1", "Firefox")
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		over := func(token, why string) {
			t.Helper()
			_, err := w.IssuerSession(ctx, "default", "default", token)
			if control.KindOf(err) != control.Unauthenticated {
				t.Errorf("%s, and a session goes on: %v", why, err)
			}
		}
		token := login()
		if err := patch(`{"idps":{"okta":{"name":"Renamed","client_secret":"another secret"}}}`); err != nil {
			t.Fatal(err)
		}
		must(w.IssuerSession(ctx, "default", "default", token))(t)
		if p := w.idpsOf("default")["okta"]; p.Name != "Renamed" || p.Secret != "another secret" || len(p.OIDC.Mappings) != 1 {
			t.Errorf("%+v", p)
		}
		if err := patch(`{"idps":{"okta":{"disabled":true}}}`); err != nil {
			t.Fatal(err)
		}
		over(token, "the provider is off")
		if err := patch(`{"idps":{"okta":{"disabled":false}}}`); err != nil {
			t.Fatal(err)
		}
		if users := must(w.ListWorkspaceUsers(ctx, w.root, "default", "", 10))(t); len(users) != 1 {
			t.Errorf("%d users", len(users))
		}
		login()
		if err := patch(`{"idps":{"okta":{"oidc":{"issuer_url":"https://other.example.com"}}}}`); err != nil {
			t.Fatal(err)
		}
		if users := must(w.ListWorkspaceUsers(ctx, w.root, "default", "", 10))(t); len(users) != 0 {
			t.Errorf("the provider is another one, and has %d users", len(users))
		}
		if err := patch(`{"idps":null}`); err != nil || len(w.idpsOf("default")) != 2 {
			t.Errorf("%v, %+v", err, w.idpsOf("default"))
		}

		// A gateway trusts one that comes with it, and then it stays.
		if err := take(`{"idps":{"second":{"name":"Second","method":"oidc","oidc":{"issuer_url":"https://second.example.com","client_id":"p","token_endpoint_auth_method":"none"}}},
			"gateways":{"g1":{"name":"G","type":"aws","token_exchange":{"enabled":true,"trusted_idp_ids":["second","okta"]}}}}`); err != nil {
			t.Fatalf("%v %v", err, wrongs(t, err))
		}
		if x := must(w.GetGateway(ctx, w.root, "g1"))(t); !slices.Equal(x.TokenExchange.TrustedIDPs, []string{"okta", "second"}) {
			t.Errorf("%+v", x.TokenExchange)
		}
		if wrong := wrongs(t, patch(`{"idps":{"second":null}}`)); !strings.Contains(wrong["idps.second"], `"g1"`) {
			t.Errorf("%v", wrong)
		}
		if err := patch(`{"idps":{"second":null},"gateways":{"g1":{"token_exchange":{"trusted_idp_ids":["okta"]}}}}`); err != nil {
			t.Fatalf("%v %v", err, wrongs(t, err))
		}
		if err := w.PatchDump(ctx, w.root, func(v any) (any, error) {
			d := v.(map[string]any)
			d["idps"] = slices.DeleteFunc(slices.Clone(d["idps"].([]any)), func(x any) bool {
				o := x.(map[string]any)
				return o["id"] == "static" && o["authorization_server_id"] == "default"
			})
			return d, nil
		}, updating); err != nil {
			t.Fatal(err)
		}
		if left := w.idpsOf("default"); len(left) != 1 || left["okta"].Secret != "another secret" {
			t.Errorf("%+v", left)
		}
	})
}

// TestTreeRefusesIDPs: every mistake by its path, the modes, and who may not.
func TestTreeRefusesIDPs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		take := func(wid, text, mode string) error {
			return w.ImportWorkspace(ctx, w.root, wid, parsed(t, text), control.ImportOptions{Mode: mode})
		}
		if err := take("default", `{"idps":{`+okta+`}}`, control.ImportUpdate); err != nil {
			t.Fatal(err)
		}
		for _, x := range []struct{ wid, text, path string }{
			{"default", `{"idps":{"x":{"name":"X","method":"oidc","client_secret":"s","oidc":{"issuer_url":"http://plain.example.com","client_id":"p"}}}}`, "idps.x.oidc.issuer_url"},
			{"default", `{"idps":{"x":{"name":"X","method":"oidc","client_secret":"s"}}}`, "idps.x.oidc"},
			{"default", `{"idps":{"x":{"name":"X"}}}`, "idps.x.method"},
			{"default", `{"idps":{"Not An Id":{"name":"X","method":"static"}}}`, "idps.Not An Id.id"},
			{"default", `{"idps":{"x":{"name":"X","method":"static"}}}`, "idps.x.id"},
			{"default", `{"idps":{"okta":{"name":"X","method":"static"}}}`, "idps.okta.method"},
			{"default", `{"idps":{"static":{"name":"X","method":"static","client_secret":"s"}}}`, "idps.static.client_secret"},
			{"default", `{"idps":{"static":{"name":"X","method":"static","credentials":{"static":{"users":[{"username":"user"}]}}}}}`, "idps.static.credentials"},
			{"default", `{"idps":{"okta":{"name":"X","method":"oidc","oidc":{"issuer_url":"https://okta.example.com","client_id":"p","scops":[]}}}}`, "idps.okta.oidc.scops"},
			{"default", `{"idps":{"okta":{"name":"X","method":"oidc","oidc":{"issuer_url":"https://okta.example.com","client_id":"p","roles":[{"claim":"a","value":"b","role":"king"}]}}}}`, "idps.okta.oidc.roles[0].role"},
			{"default", `{"idps":{"okta":{"name":"X","method":"oidc","oidc":{"issuer_url":"https://okta.example.com","client_id":"p","roles":[{"claim":"a","value":"b","role":4}]}}}}`, "idps.okta.oidc.roles[0].role"},
			{"default", `{"idps":{"okta":{"name":"X","method":"oidc","oidc":{"issuer_url":"https://okta.example.com","client_id":"p","roles":[{"claim":"a","value":"b","role":"admin"}]}}}}`, "idps.okta.oidc.roles"},
			{"system", `{"idps":{` + okta + `}}`, "idps.okta"},
			{"admin", `{"idps":{"static":{"name":"Local","disabled":true}}}`, "idps.static.disabled"},
		} {
			if wrong := wrongs(t, take(x.wid, x.text, control.ImportUpdate)); len(wrong) != 1 && !strings.Contains(x.text, "roles") || wrong[x.path] == "" {
				t.Errorf("%s: %v", x.text, wrong)
			}
		}
		many := `{"idps":{"static":{"name":"X","method":"static"}`
		for i := range control.MaxIDPs {
			many += `,"p` + strings.Repeat("x", i) + `":{"name":"P","method":"oidc","oidc":{"issuer_url":"https://p.example.com","client_id":"p","token_endpoint_auth_method":"none"}}`
		}
		if wrong := wrongs(t, take("default", many+`}}`, control.ImportUpdate)); len(wrong) != 1 || wrong["idps"] == "" {
			t.Errorf("%v", wrong)
		}
		if wrong := wrongs(t, w.PatchWorkspace(ctx, w.root, "admin", control.MergePatch(parsed(t, `{"idps":{"static":null}}`)), updating)); wrong["idps.static"] == "" {
			t.Errorf("%v", wrong)
		}
		// Rules of the workspace admin give roles.
		if err := take("admin", `{"idps":{"sso":{"name":"SSO","method":"oidc","oidc":{"issuer_url":"https://sso.example.com","client_id":"p","token_endpoint_auth_method":"none",
			"roles":[{"claim":"groups","value":"pets","role":"manager","server_id":"default"}]}}}}`, control.ImportUpdate); err != nil {
			t.Fatalf("%v %v", err, wrongs(t, err))
		}
		if p := must(w.GetIDP(ctx, w.root, "admin", "sso"))(t); p.OIDC.Roles[0].Role != control.Manager {
			t.Errorf("%+v", p.OIDC)
		}

		other := `{"idps":{"okta":{"name":"Other","method":"oidc","oidc":{"issuer_url":"https://evil.example.com","client_id":"p"}}}}`
		refused(t, take("default", other, control.ImportFail), control.Conflict, "configuration_exists")
		if err := take("default", other, control.ImportIgnore); err != nil {
			t.Error(err)
		}
		// Who may change everything else may not say who decides who logs in, nor take what proves us there.
		manager := control.Actor{Kind: control.UserActor, ID: "m", TenantID: "default", Role: control.Manager}
		for _, mine := range []string{other, `{"idps":{"mine":{"name":"M","method":"oidc","oidc":{"issuer_url":"https://m.example.com","client_id":"p","token_endpoint_auth_method":"none"}}}}`} {
			refused(t, w.ImportWorkspace(ctx, manager, "default", parsed(t, mine), updating), control.Forbidden, "insufficient_role")
		}
		refused(t, w.PatchWorkspace(ctx, manager, "default", control.MergePatch(parsed(t, `{"idps":{"okta":null}}`)), updating), control.Forbidden, "insufficient_role")
		w.clock.Add(time.Second)
		seen := must(w.ExportWorkspace(ctx, manager, "default", true))(t)
		if p := seen.IDPs["okta"]; p.Secret != "" || p.Name != "Okta" {
			t.Errorf("%+v", p)
		}
		if err := w.ImportWorkspace(ctx, manager, "default", document(t, seen), updating); err != nil {
			t.Errorf("what a manager took out: %v", err)
		}
		reader := control.Actor{Kind: control.GatewayActor, ID: "ci", TenantID: "default", Scopes: []string{control.ScopeManageTree}}
		if p := must(w.ExportWorkspace(ctx, reader, "default", true))(t).IDPs["okta"]; p.Secret != "nobody may see this" {
			t.Errorf("%+v", p)
		}
	})
}
