package admin_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/outbound"
	"portcullis/control/store/storetest"
)

// oidcIDP is another provider of a workspace.
func oidcIDP(workspace string) control.IDP {
	return control.IDP{WorkspaceID: workspace, Name: "Example Login", Method: control.MethodOIDC,
		OIDC: &control.OIDCSettings{IssuerURL: "https://idp.example.com", ClientID: "portcullis"}}
}

func claims(t *testing.T, text string) map[string]json.RawMessage {
	t.Helper()
	var out map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestIDPs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		all := must(w.ListIDPs(ctx, w.root, "default"))(t)
		if len(all) != 1 || all[0].ID != control.StaticIDP || all[0].Method != control.MethodStatic || all[0].Disabled {
			t.Fatalf("a workspace is born with %+v", all)
		}
		if none := must(w.ListIDPs(ctx, w.root, "system"))(t); len(none) != 0 {
			t.Errorf("gateways log in with %+v", none)
		}
		p := must(w.CreateIDP(ctx, w.root, oidcIDP("default"), "the client secret"))(t)
		if p.ID != "example-login" || p.OIDC.AuthMethod != control.AuthBasic || !slices.Equal(p.OIDC.Scopes, []string{"openid", "profile", "email"}) || len(p.OIDC.Algorithms) != 4 {
			t.Errorf("%+v %+v", p, p.OIDC)
		}
		if s := must(w.IDPSecret(ctx, "default", "default", p.ID))(t); s != "the client secret" {
			t.Errorf("the secret reads back as %q", s)
		}
		_, err := w.CreateIDP(ctx, w.root, oidcIDP("default"), "x")
		refused(t, err, control.Conflict, "idp_exists")

		p.Name = "Renamed"
		p = must(w.UpdateIDP(ctx, w.root, p, ""))(t)
		if s := must(w.IDPSecret(ctx, "default", "default", p.ID))(t); s != "the client secret" || p.Name != "Renamed" {
			t.Errorf("an update without a secret left %q, %+v", s, p)
		}
		p.OIDC.AuthMethod = control.AuthNone
		p = must(w.UpdateIDP(ctx, w.root, p, ""))(t)
		if s := must(w.IDPSecret(ctx, "default", "default", p.ID))(t); s != "" {
			t.Error("a public client kept its secret")
		}
		events := must(w.ListAudit(ctx, w.root, "default", control.AuditFilter{Subjects: []string{"idp"}, Limit: 10}))(t)
		if len(events) != 3 || strings.Contains(string(events[0].Before)+string(events[2].After), "the client secret") {
			t.Errorf("%d records: %s", len(events), events[0].Before)
		}

		refused(t, w.DeleteIDP(ctx, w.root, "admin", control.StaticIDP), control.Malformed, "system_idp")
		_, err = w.UpdateIDP(ctx, w.root, control.IDP{ID: control.StaticIDP, WorkspaceID: "admin", Name: "Local", Disabled: true}, "")
		refused(t, err, control.Invalid, "invalid_identity_provider")
		system := oidcIDP("system")
		_, err = w.CreateIDP(ctx, w.root, system, "x")
		refused(t, err, control.Malformed, "system_workspace")

		if err := w.DeleteIDP(ctx, w.root, "default", control.StaticIDP); err != nil {
			t.Fatal(err)
		}
		_, err = w.CreateWorkspaceUser(ctx, w.root, control.User{WorkspaceID: "default", Username: "joe"}, "a password of joe")
		refused(t, err, control.Malformed, "no_static_idp")
		must(w.CreateIDP(ctx, w.root, control.IDP{WorkspaceID: "default", Name: "Ours", Method: control.MethodStatic}, ""))(t)
	})
}

func TestIDPIsValidated(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	for name, c := range map[string]struct {
		change func(*control.IDP)
		secret string
		field  string
	}{
		"no issuer":                   {func(p *control.IDP) { p.OIDC.IssuerURL = "" }, "s", "issuer_url"},
		"http":                        {func(p *control.IDP) { p.OIDC.IssuerURL = "http://idp.example.com" }, "s", "issuer_url"},
		"a query":                     {func(p *control.IDP) { p.OIDC.IssuerURL += "?a=b" }, "s", "issuer_url"},
		"a password in it":            {func(p *control.IDP) { p.OIDC.IssuerURL = "https://a:b@idp.example.com" }, "s", "issuer_url"},
		"no client id":                {func(p *control.IDP) { p.OIDC.ClientID = "" }, "s", "client_id"},
		"no secret":                   {func(p *control.IDP) {}, "", "client_secret"},
		"a secret of a public client": {func(p *control.IDP) { p.OIDC.AuthMethod = control.AuthNone }, "s", "client_secret"},
		"an unknown method":           {func(p *control.IDP) { p.Method = "saml" }, "s", "method"},
		"alg none, RFC 8725 3.1":      {func(p *control.IDP) { p.OIDC.Algorithms = []string{"none"} }, "s", "id_token_signing_algs"},
		"alg HS256, RFC 8725 3.1":     {func(p *control.IDP) { p.OIDC.Algorithms = []string{"HS256"} }, "s", "id_token_signing_algs"},
		"without openid":              {func(p *control.IDP) { p.OIDC.Scopes = []string{"email"} }, "s", "scopes"},
		"mapping to sub":              {func(p *control.IDP) { p.OIDC.Mappings = []control.ClaimMapping{{Source: "x", Target: "sub"}} }, "s", "mappings[0]"},
		"mapping to scp":              {func(p *control.IDP) { p.OIDC.Mappings = []control.ClaimMapping{{Source: "x", Target: "scp"}} }, "s", "mappings[0]"},
		"mapping to cnf":              {func(p *control.IDP) { p.OIDC.Mappings = []control.ClaimMapping{{Source: "x", Target: "cnf"}} }, "s", "mappings[0]"},
		"mapping to a strange name":   {func(p *control.IDP) { p.OIDC.Mappings = []control.ClaimMapping{{Source: "x", Target: "a b"}} }, "s", "mappings[0]"},
		"roles outside of admin": {func(p *control.IDP) {
			p.OIDC.Roles = []control.RoleRule{{Claim: "groups", Value: "x", Role: control.Member}}
		}, "s", "roles"},
		"the id of the workspace list": {func(p *control.IDP) { p.Method, p.ID = control.MethodOIDC, "a/b" }, "s", "id"},
	} {
		p := oidcIDP("default")
		c.change(&p)
		_, err := w.CreateIDP(ctx, w.root, p, c.secret)
		var e *control.Error
		if !asError(err, &e) || e.Kind != control.Invalid || e.Fields[c.field] == "" {
			t.Errorf("%s: %v %+v", name, err, e)
		}
	}
	// An administrator of one workspace is none of the tenant.
	p := oidcIDP("admin")
	p.OIDC.Roles = []control.RoleRule{{Claim: "groups", Value: "x", Role: control.Admin, WorkspaceID: "default"}}
	if _, err := w.CreateIDP(ctx, w.root, p, "s"); control.KindOf(err) != control.Invalid {
		t.Error(err)
	}
}

// TestExternalUsers: users are known by (provider, subject), their attributes and roles follow what the provider says.
func TestExternalUsers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := oidcIDP("admin")
		p.OIDC.Mappings = []control.ClaimMapping{{Source: "email", Target: "email"}, {Source: "given", Target: "name"}, {Source: "org.team", Target: "team"}, {Source: "https://example.com/level", Target: "level"}}
		p.OIDC.Roles = []control.RoleRule{{Claim: "groups", Value: "admins", Role: control.Admin}, {Claim: "groups", Value: "pets", Role: control.Manager, WorkspaceID: "default"},
			{Claim: "org.staff", Value: "true", Role: control.Member}}
		p = must(w.CreateIDP(ctx, w.root, p, "s"))(t)
		login := func(sub, text string) (string, control.Session, error) {
			return w.LoginExternal(ctx, admin.Identity{IDP: p, Subject: sub, Claims: claims(t, text),
				Authentication: control.Authentication{Methods: []string{"pwd", "mfa"}, Class: "aal2", At: w.clock.Now().Add(-time.Minute)}}, "192.0.2.1", "Firefox")
		}
		_, _, err := login("1", `{"email":"mia@example.com","groups":["pets-fans"]}`)
		refused(t, err, control.Forbidden, "no_role")

		token, s, err := login("1", `{"email":"mia@example.com","given":"Mia","groups":["pets","x"],"org":{"team":["a","b"],"staff":true},"https://example.com/level":3}`)
		if err != nil {
			t.Fatal(err)
		}
		u := s.User
		if u.Username != "mia@example.com" || u.Name != "Mia" || u.Email != "mia@example.com" || string(u.Attributes["team"]) != `["a","b"]` || string(u.Attributes["level"]) != "3" ||
			u.Role != control.Member || u.Roles["default"] != control.Manager || u.Subject != "1" || u.IDPID != p.ID {
			t.Errorf("%+v", u)
		}
		back := must(w.IssuerSession(ctx, "default", "admin", token))(t)
		if !slices.Equal(back.Authentication.Methods, []string{"pwd", "mfa"}) || back.Authentication.Class != "aal2" || !back.Authentication.At.Equal(w.clock.Now().Add(-time.Minute)) {
			t.Errorf("%+v", back.Authentication)
		}
		// A token of the issuer is none of the portal, and none of another issuer.
		_, _, err = w.Session(ctx, token)
		refused(t, err, control.Unauthenticated, "session_over")
		_, err = w.IssuerSession(ctx, "default", "default", token)
		refused(t, err, control.Unauthenticated, "session_over")

		// Roles go as the provider's word goes; the same subject is the same user, another one is not, whatever the name.
		_, s, err = login("1", `{"email":"mia@example.com","groups":["admins","pets"]}`)
		if err != nil || s.User.ID != u.ID || s.User.Role != control.Admin || len(s.User.Roles) != 0 || len(s.User.Attributes) != 0 {
			t.Errorf("%+v, %v", s.User, err)
		}
		_, s, err = login("2", `{"email":"mia@example.com","groups":"admins"}`)
		if err != nil || s.User.ID == u.ID || s.User.Role != control.Admin {
			t.Errorf("%+v, %v", s.User, err)
		}
		_, _, err = login("1", `{"email":"mia@example.com","groups":[]}`)
		refused(t, err, control.Forbidden, "no_role")
		if mia := must(w.ListUsers(ctx, w.root))(t); len(mia) != 3 {
			t.Errorf("%d users", len(mia))
		}

		// She can never be the only administrator, and has no password here.
		for _, x := range must(w.ListUsers(ctx, w.root))(t) {
			switch {
			case x.Username == "admin":
				refused(t, w.DeleteUser(ctx, w.root, x.ID), control.Malformed, "last_admin")
				x.Disabled = true
				_, err := w.UpdateUser(ctx, w.root, x)
				refused(t, err, control.Malformed, "last_admin")
			case x.Subject == "2":
				refused(t, w.SetPassword(ctx, w.root, x.ID, "a new password for mia"), control.Malformed, "external_user")
				x.Disabled = true
				must(w.UpdateUser(ctx, w.root, x))(t)
				_, _, err = login("2", `{"groups":"admins"}`)
				refused(t, err, control.Forbidden, "user_disabled")
			}
		}
		// Claims beyond what fits are refused, not cut.
		_, _, err = login("3", `{"groups":"admins","org":{"team":"`+strings.Repeat("x", 9000)+`"}}`)
		refused(t, err, control.Invalid, "invalid_user")

		// Another issuer under the same id: the same subject is somebody else.
		token, _, err = login("4", `{"groups":"admins"}`)
		if err != nil {
			t.Fatal(err)
		}
		moved := p
		settings := *p.OIDC
		moved.OIDC = &settings
		moved.OIDC.IssuerURL = "https://other.example.com"
		must(w.UpdateIDP(ctx, w.root, moved, ""))(t)
		_, err = w.IssuerSession(ctx, "default", "admin", token)
		refused(t, err, control.Unauthenticated, "session_over")
		if left := must(w.ListUsers(ctx, w.root))(t); len(left) != 1 {
			t.Errorf("%d users after the provider moved", len(left))
		}
		_, s, err = login("1", `{"groups":"admins"}`)
		if err != nil || s.User.ID == u.ID {
			t.Errorf("%v, %+v", err, s.User)
		}
		if err := w.DeleteIDP(ctx, w.root, "admin", p.ID); err != nil {
			t.Fatal(err)
		}
		if left := must(w.ListUsers(ctx, w.root))(t); len(left) != 1 {
			t.Errorf("%d users after the provider was removed", len(left))
		}
		_, _, err = login("1", `{"groups":"admins"}`)
		refused(t, err, control.Unauthenticated, "login_failed")
	})
}

// TestWorkspaceUsers: a workspace's own users, who are nobody in the portal and in other workspaces.
func TestWorkspaceUsers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		must(w.CreateWorkspace(ctx, w.root, control.Workspace{ID: "other", Name: "Other"}))(t)
		joe := must(w.CreateWorkspaceUser(ctx, w.root, control.User{WorkspaceID: "default", Username: "joe", Name: "Joe", Email: "joe@example.com",
			Attributes: map[string]json.RawMessage{"groups": json.RawMessage(`["a"]`)}}, "the password of joe"))(t)
		must(w.CreateWorkspaceUser(ctx, w.root, control.User{WorkspaceID: "other", Username: "joe"}, "another password"))(t)
		_, err := w.CreateWorkspaceUser(ctx, w.root, control.User{WorkspaceID: "default", Username: "joe"}, "the password of joe")
		refused(t, err, control.Conflict, "user_exists")
		_, err = w.CreateWorkspaceUser(ctx, w.root, control.User{WorkspaceID: "default", Username: "jim", Role: control.Admin}, "the password of jim")
		refused(t, err, control.Invalid, "invalid_user")
		_, err = w.CreateWorkspaceUser(ctx, w.root, control.User{WorkspaceID: "default", Username: "jim", Attributes: map[string]json.RawMessage{"sub": json.RawMessage(`"x"`)}}, "the password of jim")
		refused(t, err, control.Invalid, "invalid_user")
		for _, wid := range []string{"admin", "system"} {
			_, err = w.CreateWorkspaceUser(ctx, w.root, control.User{WorkspaceID: wid, Username: "jim"}, "the password of jim")
			if control.KindOf(err) != control.Malformed {
				t.Errorf("%s: %v", wid, err)
			}
		}
		// By way of another workspace nobody is found.
		_, err = w.GetWorkspaceUser(ctx, w.root, "other", joe.ID)
		refused(t, err, control.NotFound, "not_found")
		refused(t, w.DeleteUser(ctx, w.root, joe.ID), control.NotFound, "not_found")
		refused(t, w.SetPassword(ctx, w.root, joe.ID, "a password by the back door"), control.NotFound, "not_found")

		token, s, err := w.Admin.Login(ctx, "default", "default", "joe", "the password of joe", "192.0.2.1", "Firefox")
		if err != nil || s.User.ID != joe.ID || string(s.User.Attributes["groups"]) != `["a"]` {
			t.Fatalf("%+v, %v", s, err)
		}
		_, _, err = w.Admin.Login(ctx, "default", "other", "joe", "the password of joe", "192.0.2.1", "Firefox")
		refused(t, err, control.Unauthenticated, "login_failed")
		_, _, err = w.Admin.Login(ctx, "default", "default", "admin", "correct horse battery", "192.0.2.1", "Firefox")
		refused(t, err, control.Unauthenticated, "login_failed")
		_, _, err = w.PortalLogin(ctx, "default", joe.ID, s.ID, "192.0.2.1", "Firefox")
		refused(t, err, control.Forbidden, "no_role")

		joe.Disabled, joe.Name = true, "Joe X"
		joe = must(w.UpdateWorkspaceUser(ctx, w.root, joe))(t)
		_, err = w.IssuerSession(ctx, "default", "default", token)
		refused(t, err, control.Unauthenticated, "session_over")
		_, _, err = w.Admin.Login(ctx, "default", "default", "joe", "the password of joe", "192.0.2.1", "Firefox")
		refused(t, err, control.Unauthenticated, "login_failed")
		joe.Disabled = false
		must(w.UpdateWorkspaceUser(ctx, w.root, joe))(t)
		if err := w.SetWorkspacePassword(ctx, w.root, "default", joe.ID, "a new password of joe"); err != nil {
			t.Fatal(err)
		}
		if _, _, err = w.Admin.Login(ctx, "default", "default", "joe", "a new password of joe", "192.0.2.1", "Firefox"); err != nil {
			t.Error(err)
		}
		// Without the workspace's own list nobody of it gets in.
		must(w.UpdateIDP(ctx, w.root, control.IDP{ID: control.StaticIDP, WorkspaceID: "default", Name: "Ours", Disabled: true}, ""))(t)
		_, _, err = w.Admin.Login(ctx, "default", "default", "joe", "a new password of joe", "192.0.2.1", "Firefox")
		refused(t, err, control.Unauthenticated, "login_failed")

		if list := must(w.ListWorkspaceUsers(ctx, w.root, "default", "JO", 0))(t); len(list) != 1 || list[0].Name != "Joe X" {
			t.Errorf("%+v", list)
		}
		if err := w.DeleteWorkspaceUser(ctx, w.root, "default", joe.ID); err != nil {
			t.Fatal(err)
		}
		if err := w.DeleteWorkspace(ctx, w.root, "other"); err != nil {
			t.Fatal(err)
		}
		if list := must(w.ListUsers(ctx, w.root))(t); len(list) != 1 {
			t.Errorf("%+v", list)
		}
	})
}

// TestSessionsEndTogether: the sessions of one log-in end with any of them; those of another log-in stay.
func TestSessionsEndTogether(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		enter := func() (issuer, portal string) {
			issuer, s, err := w.Admin.Login(ctx, "default", "admin", "admin", "correct horse battery", "192.0.2.1", "Firefox")
			if err != nil {
				t.Fatal(err)
			}
			portal, _, err = w.PortalLogin(ctx, "default", s.User.ID, s.ID, "192.0.2.1", "Firefox")
			if err != nil {
				t.Fatal(err)
			}
			return issuer, portal
		}
		for n := range 2 {
			issuer, portal := enter()
			_, elsewhere := enter()
			if err := w.Logout(ctx, []string{issuer, portal}[n]); err != nil {
				t.Fatal(err)
			}
			_, err := w.IssuerSession(ctx, "default", "admin", issuer)
			refused(t, err, control.Unauthenticated, "session_over")
			_, _, err = w.Session(ctx, portal)
			refused(t, err, control.Unauthenticated, "session_over")
			if _, _, err := w.Session(ctx, elsewhere); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestFetchIssuer(t *testing.T) {
	var answer func(w http.ResponseWriter, r *http.Request)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
	t.Cleanup(server.Close)
	keyring := must(admin.ParseKeyring(admin.GenerateMasterKey()))(t)
	a := admin.New(admin.Options{Store: storetest.SQLite(t), Keyring: keyring, PublicURL: "https://gate.example.com",
		Outbound: outbound.Client(outbound.Options{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, MaxBody: 4096, Timeout: 5 * time.Second})})
	if _, err := a.Bootstrap(context.Background(), admin.BootstrapOptions{AdminPassword: "correct horse battery"}); err != nil {
		t.Fatal(err)
	}
	root := control.Actor{Kind: control.UserActor, ID: "root", TenantID: "default", Role: control.Admin}
	keys := `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k","use":"sig","alg":"EdDSA"},{"kty":"oct","k":"AAAA","kid":"\u0007shared"}]}`
	doc := func(issuer string) string {
		return `{"issuer":"` + issuer + `","jwks_uri":"` + server.URL + `/keys","token_endpoint":"https://idp.example.com/token","code_challenge_methods_supported":["S256"],"authorization_response_iss_parameter_supported":true}`
	}
	for name, c := range map[string]struct {
		path string // of the issuer
		at   string // where the metadata is
		body string
		want string // of the error; empty: none
	}{
		"OpenID Connect Discovery 1.0 4.1": {"/a", "/a/.well-known/openid-configuration", doc(server.URL + "/a"), ""},
		"RFC 8414 3.1":                     {"/a", "/.well-known/oauth-authorization-server/a", doc(server.URL + "/a"), ""},
		"RFC 8414 3.3: another issuer":     {"/a", "/a/.well-known/openid-configuration", doc("https://evil.example.com"), "is the metadata of"},
		"RFC 8414 3.3: a slash too many":   {"/a", "/a/.well-known/openid-configuration", doc(server.URL + "/a/"), "with or without a slash"},
		"not JSON":                         {"", "/.well-known/openid-configuration", "<html>", "not the JSON"},
		"not there":                        {"", "/nowhere", "", "404"},
		"huge":                             {"", "/.well-known/openid-configuration", strings.Repeat(" ", 5000) + doc(server.URL), "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			answer = func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case c.at:
					w.Write([]byte(c.body))
				case "/keys":
					w.Write([]byte(keys))
				default:
					w.WriteHeader(http.StatusNotFound)
				}
			}
			m, err := a.FetchIssuer(ctx, root, "default", server.URL+c.path)
			if c.want != "" {
				var e *control.Error
				if !asError(err, &e) || !strings.Contains(e.Fields["issuer_url"], c.want) {
					t.Fatalf("%+v, %v", m, err)
				}
				return
			}
			if err != nil || m.JWKSURL != server.URL+"/keys" || !m.ResponseIssSupported || !m.CodeChallengeSupported || len(m.Keys) != 2 || !m.Keys[0].Usable || m.Keys[1].Usable || m.Keys[1].ID != "shared" {
				t.Errorf("%+v, %v", m, err)
			}
		})
	}
	t.Run("this server's own network", func(t *testing.T) {
		guarded := newWorld(t, storetest.SQLite(t))
		for _, address := range []string{"https://127.0.0.1/", "https://169.254.169.254/latest", "https://10.0.0.1"} {
			_, err := guarded.FetchIssuer(ctx, guarded.root, "default", address)
			var e *control.Error
			if !asError(err, &e) || !strings.Contains(e.Fields["issuer_url"], "not a public one") {
				t.Errorf("%s: %v", address, err)
			}
		}
	})
}
