package oauth

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"portcullis/control"
)

// A single-page application of another origin reads the metadata, exchanges its code and asks who the user is (Fetch, CORS
// protocol); the endpoints that work with cookies, or are for servers, stay closed to scripts of other origins.
func TestBrowserApplications(t *testing.T) {
	w := newWorld(t)
	w.scope("read")
	app, _ := w.app(func(c *control.Client) { c.AuthMethod = control.AuthNone })
	send := func(method, path string, form url.Values, headers ...string) *http.Response {
		t.Helper()
		req, err := http.NewRequest(method, w.server.URL+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "https://app.example.com")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		if form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		for i := 0; i+1 < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	open := func(what string, r *http.Response, status int) {
		t.Helper()
		if r.StatusCode != status || r.Header.Get("Access-Control-Allow-Origin") != "*" || r.Header.Get("Access-Control-Allow-Credentials") != "" || r.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
			t.Errorf("%s: %d %v", what, r.StatusCode, r.Header)
		}
	}
	for _, path := range []string{"/default/default/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/default/default", "/default/default/.well-known/jwks.json"} {
		open(path, send("GET", path, nil), 200)
	}
	for path, method := range map[string]string{"/oauth2/token": "POST", "/oauth2/revoke": "POST", "/par": "POST", "/userinfo": "GET"} {
		r := send("OPTIONS", "/default/default"+path, nil, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", "authorization")
		open("preflight of "+path, r, 204)
		if !strings.Contains(r.Header.Get("Access-Control-Allow-Methods"), method) || !strings.Contains(r.Header.Get("Access-Control-Allow-Headers"), "Authorization") {
			t.Errorf("%s: %v", path, r.Header)
		}
	}
	code := (&browser{w: w}).code(request(app))
	form := exchange(code)
	form.Set("client_id", app.ID)
	open("RFC 6749 4.1.3 from a script", send("POST", tokenPath, form), 200)
	open("RFC 6749 5.2 from a script: the error can be read", send("POST", tokenPath, form), 400)
	open("RFC 6750 3 from a script: the challenge can be read", send("GET", "/default/default/userinfo", nil), 401)
	for _, path := range []string{authorizePath + request(app).Encode(), pagePath + request(app).Encode(), "/default/default/oidc/logout"} {
		if r := send("GET", path, nil); r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s is open to scripts of other origins", path)
		}
	}
	if r := send("POST", "/default/default/oauth2/introspect", url.Values{"token": {"x"}}); r.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("introspection is open to scripts")
	}
}

// Ending the tokens of a subject ends that user's and no other's, with the refresh tokens behind them, and no log-in.
func TestRevokeBySubject(t *testing.T) {
	w := newWorld(t)
	w.scope("read")
	app, secret := w.app(nil)
	first := &browser{w: w}
	mine := w.post(tokenPath, exchange(first.code(request(app))), app.ID, secret)
	other, err := w.admin.CreateWorkspaceUser(t.Context(), w.actor, control.User{WorkspaceID: "default", Username: "joe"}, password)
	if err != nil {
		t.Fatal(err)
	}
	second := &browser{w: w}
	second.send("POST", pagePath+request(app).Encode(), url.Values{"step": {"login"}, "username": {"joe"}, "password": {password}})
	theirs := w.post(tokenPath, exchange(back(t, second.send("POST", pagePath+request(app).Encode(), url.Values{"step": {"allow"}})).Get("code")), app.ID, secret)
	active := func(a answer) bool {
		t.Helper()
		res, err := w.issuer.Introspect(t.Context(), "default", "default", a.body["access_token"].(string))
		if err != nil {
			t.Fatal(err)
		}
		return res.Active
	}
	refresh := func(a answer) answer {
		return w.post(tokenPath, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.body["refresh_token"].(string)}}, app.ID, secret)
	}
	if !active(mine) || !active(theirs) {
		t.Fatal("the tokens are not active to begin with")
	}
	if err := w.admin.RevokeTokens(t.Context(), w.actor, "default", "", other.ID); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(goodFor)
	if active(theirs) || !active(mine) {
		t.Errorf("the subject's token is active: %v; another's: %v", active(theirs), active(mine))
	}
	if a := refresh(theirs); a.status != 400 || a.body["error"] != "invalid_grant" {
		t.Errorf("the subject's refresh token: %d %s", a.status, a.raw)
	}
	if a := refresh(mine); a.status != 200 {
		t.Errorf("another's refresh token: %d %s", a.status, a.raw)
	}
	if a := second.send("GET", authorizePath+request(app, "prompt", "none").Encode(), nil); back(t, a).Get("error") != "consent_required" {
		t.Errorf("the log-in: %v", a.header)
	}
}
