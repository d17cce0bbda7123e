package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portcullis/control"

	"github.com/go-jose/go-jose/v4"
)

// connect makes the provider one of the default workspace.
func (p *otherProvider) connect(change func(*control.IDP)) control.IDP {
	p.t.Helper()
	idp := control.IDP{TenantID: "default", WorkspaceID: "default", Name: "Other", Method: control.MethodOIDC,
		OIDC: &control.OIDCSettings{IssuerURL: p.server.URL, ClientID: otherClient}}
	if change != nil {
		change(&idp)
	}
	out, err := p.w.admin.CreateIDP(context.Background(), p.w.actor, idp, otherSecret)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// local is the path and query of an address of ours.
func (w *world) local(address string) string {
	w.t.Helper()
	rest, ok := strings.CutPrefix(address, w.server.URL)
	if !ok {
		w.t.Fatalf("the browser was sent to %s", address)
	}
	return rest
}

// external logs a browser in at the provider, for an authorization request; the answer is that of our callback.
func (b *browser) external(p *otherProvider, q url.Values) answer {
	b.w.t.Helper()
	start := b.send("GET", "/default/default/login/other?"+q.Encode(), nil)
	if start.status != 302 {
		b.w.t.Fatalf("the log-in did not begin: %d %s", start.status, start.raw)
	}
	return b.send("GET", b.w.local(p.authorize(start.header.Get("Location"))), nil)
}

// TestExternalLogin goes from the client's link by way of another provider to the client's tokens (OpenID Connect Core 3.1).
func TestExternalLogin(t *testing.T) {
	w := newWorld(t)
	w.scope("read")
	p := newProvider(w)
	p.connect(nil)
	app, secret := w.app(func(c *control.Client) { c.Trusted = true })
	b := &browser{w: w}
	q := request(app, "scope", "openid profile email read offline_access")
	if page := b.open(q); page.status != 200 || !strings.Contains(page.raw, `href="/default/default/login/other?`) || !strings.Contains(page.raw, "Log in with Other") {
		t.Fatalf("the log-in page: %d %s", page.status, page.raw)
	}
	a := b.external(p, q)
	if a.status != 302 || !strings.HasPrefix(a.header.Get("Location"), authorizePath) {
		t.Fatalf("after the other provider: %d %s", a.status, a.raw)
	}
	if p.asked.Get("redirect_uri") != w.server.URL+"/default/default/login/other/callback" {
		t.Errorf("RFC 9700 4.4.2.2, a redirect URI of its own: %v", p.asked)
	}
	r := back(t, b.send("GET", a.header.Get("Location"), nil))
	tokens := w.post(tokenPath, exchange(r.Get("code")), app.ID, secret)
	if tokens.status != 200 {
		t.Fatalf("%d %s", tokens.status, tokens.raw)
	}
	c, err := w.issuer.VerifyAccessToken(context.Background(), "default", "default", tokens.body["access_token"].(string))
	if err != nil || c.IDP != "other" || !slices.Equal(c.AMR, []string{"pwd", "mfa"}) || c.ACR != "urn:example:aal2" || c.AuthTime != w.now.Add(-time.Hour).Unix() ||
		c.Name != "Mia" || c.Email != "mia@example.com" || string(c.Attributes["groups"]) != `["pets","ops"]` || c.Subject == "u-1" {
		t.Errorf("%+v %s, %v", c, c.Attributes, err)
	}
	var id map[string]any
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(tokens.body["id_token"].(string), ".")[1])
	if err := json.Unmarshal(payload, &id); err != nil || id["acr"] != "urn:example:aal2" || id["email"] != "mia@example.com" || id["groups"] == nil || id["sid"] == "" || id["nonce"] != "n-1" {
		t.Errorf("%v, %v", id, err)
	}
	req, _ := http.NewRequest("GET", w.server.URL+"/default/default/userinfo", nil)
	req.Header.Set("Authorization", "Bearer "+tokens.body["access_token"].(string))
	if u := w.do(req); u.status != 200 || u.body["sub"] != c.Subject || u.body["email"] != "mia@example.com" || u.body["groups"] == nil {
		t.Errorf("userinfo: %d %s", u.status, u.raw)
	}
	// What the token says outlives a refresh, and an introspection tells it.
	again := w.post(tokenPath, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.body["refresh_token"].(string)}}, app.ID, secret)
	res, err := w.issuer.Introspect(context.Background(), "default", "default", again.body["access_token"].(string))
	if err != nil || !res.Active || res.ACR != "urn:example:aal2" || !slices.Equal(res.AMR, []string{"pwd", "mfa"}) || res.Attributes["groups"] == nil {
		t.Errorf("%+v, %v", res, err)
	}
	// The same person again is the same user, also through another browser; idp_hint leads there without our page.
	other := &browser{w: w}
	hinted := request(app, "idp_hint", "other")
	if a := other.open(hinted); a.status != 302 || !strings.HasPrefix(a.header.Get("Location"), "/default/default/login/other?") {
		t.Errorf("idp_hint: %d %v", a.status, a.header)
	}
	a = other.external(p, hinted)
	r = back(t, other.send("GET", a.header.Get("Location"), nil))
	tokens = w.post(tokenPath, exchange(r.Get("code")), app.ID, secret)
	if c2, err := w.issuer.VerifyAccessToken(context.Background(), "default", "default", tokens.body["access_token"].(string)); err != nil || c2.Subject != c.Subject {
		t.Errorf("%+v, %v", c2, err)
	}
}

// The parameters of a request that concern the log-in go on to the other provider (OpenID Connect Core 3.1.2.1).
func TestExternalLoginPassesOn(t *testing.T) {
	w := newWorld(t)
	p := newProvider(w)
	p.post = true
	p.connect(func(i *control.IDP) {
		i.OIDC.AuthMethod, i.OIDC.UserInfo = control.AuthPost, true
		i.OIDC.Mappings = []control.ClaimMapping{{Source: "department", Target: "team"}, {Source: "login", Target: "preferred_username"}, {Source: "amr", Target: "their_amr"}}
	})
	p.info = map[string]any{"sub": "u-1", "department": "pets", "login": "mia", "amr": "hwk"}
	app, secret := w.app(func(c *control.Client) { c.Trusted, c.Scopes = true, nil })
	b := &browser{w: w}
	q := request(app, "prompt", "login", "max_age", "60", "login_hint", "mia@example.com", "scope", "openid profile")
	p.claims = func(m map[string]any) { m["auth_time"] = w.now.Unix(); m["amr"] = "otp" }
	a := b.external(p, q)
	if p.asked.Get("prompt") != "login" || p.asked.Get("max_age") != "60" || p.asked.Get("login_hint") != "mia@example.com" {
		t.Errorf("%v", p.asked)
	}
	r := back(t, b.send("GET", a.header.Get("Location"), nil))
	tokens := w.post(tokenPath, exchange(r.Get("code")), app.ID, secret)
	c, err := w.issuer.VerifyAccessToken(context.Background(), "default", "default", tokens.body["access_token"].(string))
	if err != nil || c.Username != "mia" || string(c.Attributes["team"]) != `"pets"` || !slices.Equal(c.AMR, []string{"otp"}) || string(c.Attributes["their_amr"]) != `"otp"` {
		t.Errorf("%+v %s, %v (%s)", c, c.Attributes, err, tokens.raw)
	}
	// prompt=login again asks again, although the session is a second old.
	if a := b.send("GET", authorizePath+q.Encode(), nil); !strings.HasPrefix(a.header.Get("Location"), pagePath) {
		t.Errorf("prompt=login used the session that was there: %v", a.header)
	}
}

// Each hostile answer of a provider leaves the browser without a session. The names say what refuses it.
func TestExternalLoginRefuses(t *testing.T) {
	w := newWorld(t)
	app, _ := w.app(func(c *control.Client) { c.Trusted, c.Scopes = true, nil })
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set := func(name string, v any) func(*otherProvider) {
		return func(p *otherProvider) {
			p.claims = func(m map[string]any) {
				if m[name] = v; v == nil {
					delete(m, name)
				}
			}
		}
	}
	respond := func(change func(url.Values)) func(*otherProvider) {
		return func(p *otherProvider) { p.answer = func(q url.Values) url.Values { change(q); return q } }
	}
	at := func(path, contentType, body string, status int) func(*otherProvider) {
		return func(p *otherProvider) {
			p.handle = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != path {
					return false
				}
				w.Header().Set("Content-Type", contentType)
				w.WriteHeader(status)
				w.Write([]byte(body))
				return true
			}
		}
	}
	unsigned := func(header string) func(*otherProvider) {
		return func(p *otherProvider) {
			p.idToken = func(b []byte) string {
				e := base64.RawURLEncoding.EncodeToString
				return e([]byte(header)) + "." + e(b) + "."
			}
		}
	}
	cases := []struct {
		name   string
		change func(p *otherProvider)
		says   string // on the page
	}{
		{"OIDC Core 3.1.3.7 (11): another nonce", set("nonce", "another"), "could not be trusted"},
		{"OIDC Core 3.1.3.7 (11): no nonce", set("nonce", nil), "could not be trusted"},
		{"OIDC Core 3.1.3.7 (3): another audience", set("aud", "somebody else"), "could not be trusted"},
		{"OIDC Core 3.1.3.7 (3): no audience", set("aud", nil), "could not be trusted"},
		{"OIDC Core 3.1.3.7 (4): several audiences without azp", set("aud", []string{otherClient, "x"}), "could not be trusted"},
		{"OIDC Core 3.1.3.7 (5): another azp", set("azp", "somebody else"), "could not be trusted"},
		{"OIDC Core 3.1.3.7 (2): another issuer", set("iss", "https://evil.example.com"), "could not be trusted"},
		{"OIDC Core 3.1.3.7 (9): expired", set("exp", w.now.Add(-time.Second).Unix()), "could not be trusted"},
		{"OIDC Core 2: without exp", set("exp", nil), "could not be trusted"},
		{"OIDC Core 3.1.3.7 (10): from the future", set("iat", w.now.Add(time.Hour).Unix()), "could not be trusted"},
		{"RFC 7519 4.1.5: not yet valid", set("nbf", w.now.Add(time.Hour).Unix()), "could not be trusted"},
		{"OIDC Core 2: no subject", set("sub", ""), "could not be trusted"},
		{"OIDC Core 2: a subject of 256 bytes", set("sub", strings.Repeat("x", 256)), "could not be trusted"},
		{"OIDC Core 2: a subject that is a number", set("sub", 17), "could not be trusted"},
		{"OIDC Core 3.1.3.8: at_hash of another access token", set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), "could not be trusted"},
		{"RFC 8725 3.1: alg none", unsigned(`{"alg":"none"}`), "could not be trusted"},
		{"RFC 8725 3.1: alg None", unsigned(`{"alg":"None","kid":"k"}`), "could not be trusted"},
		{"RFC 8725 3.1: HS256 with the client secret", func(p *otherProvider) {
			p.idToken = func(b []byte) string { return p.sign(jose.HS256, []byte(otherSecret+strings.Repeat(" ", 32)), b) }
		}, "could not be trusted"},
		{"RFC 7515 5.2: another's key", func(p *otherProvider) {
			p.idToken = func(b []byte) string { return p.sign(jose.ES256, stranger, b) }
		}, "could not be trusted"},
		{"RFC 7515 5.2: changed after signing", func(p *otherProvider) {
			p.idToken = func(b []byte) string {
				parts := strings.Split(p.sign(jose.ES256, p.key, b), ".")
				parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(b), "mia@", "eve@", 1)))
				return strings.Join(parts, ".")
			}
		}, "could not be trusted"},
		{"an algorithm that is not among the provider's", func(p *otherProvider) {
			p.idToken = func(b []byte) string {
				k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
				if err != nil {
					t.Error(err)
				}
				return p.sign(jose.ES384, k, b)
			}
		}, "could not be trusted"},
		{"no ID token", func(p *otherProvider) { p.idToken = func([]byte) string { return "" } }, "could not be trusted"},
		{"a huge ID token", func(p *otherProvider) { p.idToken = func([]byte) string { return strings.Repeat("x", maxIDToken+1) } }, "could not be trusted"},
		{"a huge answer", at("/token", "application/json", `{"access_token":"`+strings.Repeat("x", 2<<20)+`"}`, 200), "not"},
		{"RFC 6749 5.2: an error of the token endpoint", at("/token", "application/json", `{"error":"invalid_grant"}`, 400), "could not be trusted"},
		{"the token endpoint answers HTML", at("/token", "text/html", "<html>", 200), "could not be trusted"},
		{"the token endpoint is out of order", at("/token", "text/plain", "down", 500), "could not be trusted"},
		{"the keys are out of order", at("/keys", "text/plain", "down", 500), "could not be trusted"},
		{"OIDC Discovery 4.3: metadata of another issuer", func(p *otherProvider) { p.meta = func(m map[string]any) { m["issuer"] = "https://evil.example.com" } }, "does not answer as it should"},
		{"metadata with an address that is no web address", func(p *otherProvider) {
			p.meta = func(m map[string]any) { m["authorization_endpoint"] = "javascript:alert(1)" }
		}, "does not answer as it should"},
		{"metadata that leads into our network", func(p *otherProvider) {
			p.meta = func(m map[string]any) { m["token_endpoint"] = "https://10.0.0.1/token" }
		}, "does not answer as it should"},
		{"metadata out of order", at("/.well-known/openid-configuration", "text/plain", "down", 503), "does not answer as it should"},
		{"metadata redirects", func(p *otherProvider) {
			p.handle = func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasPrefix(r.URL.Path, "/.well-known/") {
					http.Redirect(w, r, "/elsewhere", http.StatusFound)
					return true
				}
				return false
			}
		}, "does not answer as it should"},
		{"slow", func(p *otherProvider) {
			p.handle = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/token" {
					if err := r.ParseForm(); err != nil {
						t.Error(err)
					}
					<-r.Context().Done() // until we hang up, which the server notices once it has read everything
					return true
				}
				return false
			}
		}, "does not answer as it should"},
		{"RFC 9207 2.4: another iss", respond(func(q url.Values) { q.Set("iss", "https://evil.example.com") }), "could not be trusted"},
		{"RFC 9207 2.4: no iss of one that says it sends it", respond(func(q url.Values) { q.Del("iss") }), "could not be trusted"},
		{"RFC 9207 2.4: an error of another issuer", respond(func(q url.Values) {
			q.Del("code")
			q.Set("error", "access_denied")
			q.Set("iss", "https://evil.example.com")
		}), "could not be trusted"},
		{"RFC 6749 4.1.2.1: access_denied", respond(func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }), "you refused"},
		{"RFC 6749 4.1.2.1: another error", respond(func(q url.Values) { q.Del("code"); q.Set("error", `"><script>`) }), "refused"},
		{"neither code nor error", respond(func(q url.Values) { q.Del("code") }), "could not be trusted"},
		{"a made-up code", respond(func(q url.Values) { q.Set("code", "made up") }), "could not be trusted"},
		{"RFC 6749 3.1: two codes", respond(func(q url.Values) { q.Add("code", "x") }), "cannot go on"},
		{"RFC 6749 10.12: no state", respond(func(q url.Values) { q.Del("state") }), "cannot go on"},
		{"RFC 6749 10.12: another state", respond(func(q url.Values) { q.Set("state", "another") }), "cannot go on"},
		{"OIDC Core 5.3.2: userinfo of another user", func(p *otherProvider) { p.info = map[string]any{"sub": "u-2"} }, "could not be trusted"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			p := newProvider(w)
			idp := p.connect(func(i *control.IDP) { i.OIDC.UserInfo = true })
			defer func() {
				if err := w.admin.DeleteIDP(context.Background(), w.actor, "default", idp.ID); err != nil {
					t.Error(err)
				}
			}()
			p.info = map[string]any{"sub": "u-1"}
			c.change(p)
			b := &browser{w: w}
			q := request(app, "scope", "openid")
			a := b.send("GET", "/default/default/login/other?"+q.Encode(), nil)
			if a.status == 302 {
				a = b.send("GET", w.local(p.authorize(a.header.Get("Location"))), nil)
			}
			if a.status == 302 || a.status < 400 || !strings.Contains(a.raw, c.says) {
				t.Errorf("%d %v %s", a.status, a.header, a.raw)
			}
			if strings.Contains(a.raw, "<script>") || strings.Contains(a.raw, "evil.example.com") || strings.Contains(a.raw, otherSecret) {
				t.Errorf("the page repeats what it was told: %s", a.raw)
			}
			if s := b.send("GET", authorizePath+q.Encode(), nil); !strings.HasPrefix(s.header.Get("Location"), pagePath) {
				t.Errorf("the browser is logged in: %v", s.header)
			}
		})
	}
	// And with nothing changed it works: the table refuses for its own reasons.
	w.t = t
	p := newProvider(w)
	p.connect(func(i *control.IDP) { i.OIDC.UserInfo = true })
	p.info = map[string]any{"sub": "u-1"}
	if a := (&browser{w: w}).external(p, request(app, "scope", "openid")); a.status != 302 {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

// A log-in belongs to one browser, one provider, one workspace and one moment (RFC 6749 10.12, RFC 9700 4.4, 4.5, 4.7).
func TestExternalLoginIsBound(t *testing.T) {
	w := newWorld(t)
	p := newProvider(w)
	p.connect(nil)
	second := newProvider(w)
	second.connect(func(i *control.IDP) { i.ID = "second" })
	app, _ := w.app(func(c *control.Client) { c.Trusted, c.Scopes = true, nil })
	q := request(app, "scope", "openid")
	begin := func(b *browser) string {
		return w.local(p.authorize(b.send("GET", "/default/default/login/other?"+q.Encode(), nil).header.Get("Location")))
	}
	lost := func(what string, a answer) {
		t.Helper()
		if a.status != 400 || !strings.Contains(a.raw, "cannot go on") {
			t.Errorf("%s: %d %s", what, a.status, a.raw)
		}
	}
	b := &browser{w: w}
	callback := begin(b)
	lost("RFC 9700 4.7: another browser", (&browser{w: w}).send("GET", callback, nil))
	lost("RFC 9700 4.5: a state that was spent on it", b.send("GET", callback, nil))

	callback = begin(b)
	if a := b.send("GET", callback, nil); a.status != 302 {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	lost("RFC 9700 4.5: a second time", b.send("GET", callback, nil))

	lost("RFC 9700 4.4.2.2: mix-up, at another provider's address", b.send("GET", strings.Replace(begin(b), "/login/other/", "/login/second/", 1), nil))
	lost("at another workspace's address", b.send("GET", strings.Replace(begin(b), "/default/default/", "/default/admin/", 1), nil))
	callback = begin(b)
	w.now = w.now.Add(externalTTL)
	lost("too late", b.send("GET", callback, nil))

	// Two callbacks with one state race: one is let in.
	callback = begin(b)
	cookie := b.cookie
	var mu sync.Mutex
	in := 0
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			req, err := http.NewRequest("GET", w.server.URL+callback, nil)
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Cookie", cookie)
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			if resp.StatusCode == 302 {
				in++
			}
		})
	}
	wg.Wait()
	if in != 1 {
		t.Errorf("%d of four with one state were let in", in)
	}

	// A provider that is switched off, or not there, takes nobody.
	idp, err := w.admin.GetIDP(context.Background(), w.actor, "default", "other")
	if err != nil {
		t.Fatal(err)
	}
	callback = begin(b)
	idp.Disabled = true
	if _, err := w.admin.UpdateIDP(context.Background(), w.actor, idp, ""); err != nil {
		t.Fatal(err)
	}
	if a := b.send("GET", callback, nil); a.status == 302 {
		t.Errorf("switched off meanwhile: %d", a.status)
	}
	for _, id := range []string{"other", "nowhere", "static"} {
		if a := b.send("GET", "/default/default/login/"+id+"?"+q.Encode(), nil); a.status != 404 {
			t.Errorf("%s: %d", id, a.status)
		}
	}
}
