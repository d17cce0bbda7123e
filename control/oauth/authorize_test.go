package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
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

const (
	callback = "https://app.example.com/cb"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
	password = "correct horse battery staple"
)

func challengeOf(v string) string {
	sum := sha256.Sum256([]byte(v))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// browser keeps the cookies of one user agent.
type browser struct {
	w      *world
	cookie string
}

func (b *browser) send(method, path string, form url.Values, headers ...string) answer {
	b.w.t.Helper()
	req, err := http.NewRequest(method, b.w.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.w.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.cookie != "" {
		req.Header.Set("Cookie", b.cookie)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	a := b.w.do(req)
	kept := map[string]string{}
	for pair := range strings.SplitSeq(b.cookie, "; ") {
		name, value, _ := strings.Cut(pair, "=")
		kept[name] = value
	}
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if kept[c.Name] = c.Value; c.MaxAge < 0 {
			delete(kept, c.Name)
		}
	}
	delete(kept, "")
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		pairs = append(pairs, name+"="+kept[name])
	}
	b.cookie = strings.Join(pairs, "; ")
	return a
}

// app is a client with everything that the code flow needs.
func (w *world) app(change func(*control.Client)) (control.Client, string) {
	w.t.Helper()
	c := control.Client{Name: "Pet app", GrantTypes: []string{"authorization_code", "refresh_token"}, RedirectURIs: []string{callback}, Scopes: []string{"read"}}
	if change != nil {
		change(&c)
	}
	return w.client(c)
}

func request(client control.Client, change ...string) url.Values {
	q := url.Values{"response_type": {"code"}, "client_id": {client.ID}, "redirect_uri": {callback}, "state": {"xyz"}, "nonce": {"n-1"},
		"scope": {"openid profile read offline_access"}, "code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"}}
	for i := 0; i+1 < len(change); i += 2 {
		if q.Set(change[i], change[i+1]); change[i+1] == "" {
			q.Del(change[i])
		}
	}
	return q
}

const (
	authorizePath = "/default/default/oauth2/authorize?"
	pagePath      = "/default/default/login?"
)

// open follows the redirect from the authorization endpoint to our own page, if there is one.
func (b *browser) open(q url.Values) answer {
	b.w.t.Helper()
	a := b.send("GET", authorizePath+q.Encode(), nil)
	if at := a.header.Get("Location"); a.status == 302 && strings.HasPrefix(at, pagePath) {
		return b.send("GET", at, nil)
	}
	return a
}

func (b *browser) login(q url.Values) {
	b.w.t.Helper()
	if a := b.open(q); a.status != 200 || !strings.Contains(a.raw, `name="password"`) {
		b.w.t.Fatalf("no log-in page: %d %s", a.status, a.raw)
	}
	a := b.send("POST", pagePath+q.Encode(), url.Values{"step": {"login"}, "username": {"admin"}, "password": {password}})
	if a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), "/default/default/oauth2/authorize?") {
		b.w.t.Fatalf("the log-in led to %d %s", a.status, a.raw)
	}
}

// back is what the browser carries to the client.
func back(t *testing.T, a answer) url.Values {
	t.Helper()
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.status != 302 && a.status != 303 || !strings.HasPrefix(u.String(), callback+"?") {
		t.Fatalf("not sent back: %d %v %s", a.status, a.header, a.raw)
	}
	return u.Query()
}

func (b *browser) code(q url.Values) string {
	b.w.t.Helper()
	b.login(q)
	if a := b.open(q); a.status != 200 || !strings.Contains(a.raw, "asks for access") {
		b.w.t.Fatalf("no consent page: %d %s", a.status, a.raw)
	}
	r := back(b.w.t, b.send("POST", pagePath+q.Encode(), url.Values{"step": {"allow"}}))
	if r.Get("code") == "" || r.Get("state") != q.Get("state") {
		b.w.t.Fatalf("sent back with %v", r)
	}
	return r.Get("code")
}

func exchange(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
}

// RFC 6749 4.1 from the link to the refreshed token, with PKCE, OpenID Connect and userinfo.
func TestCodeFlow(t *testing.T) {
	w := newWorld(t)
	w.scope("read")
	app, secret := w.app(nil)
	b := &browser{w: w}
	q := request(app)
	page := b.open(q)
	if csp := page.header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://app.example.com") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("RFC 9700 4.16: %s", csp)
	}
	if page.header.Get("Cache-Control") != "no-store" {
		t.Error("the log-in page may be cached")
	}
	b.login(q)
	consent := b.open(q)
	for _, word := range []string{"Pet app", "<li>read</li>", "app.example.com"} {
		if !strings.Contains(consent.raw, word) {
			t.Errorf("the consent page does not show %q", word)
		}
	}
	r := back(t, b.send("POST", pagePath+q.Encode(), url.Values{"step": {"allow"}}))
	if r.Get("iss") != w.server.URL+"/default/default" || r.Get("state") != "xyz" {
		t.Errorf("RFC 9207 2: %v", r)
	}
	a := w.post(tokenPath, exchange(r.Get("code")), app.ID, secret)
	if a.status != 200 || a.body["refresh_token"] == nil || a.body["scope"] != "openid profile read offline_access" {
		t.Fatalf("RFC 6749 4.1.4: %d %s", a.status, a.raw)
	}
	claims, err := w.issuer.VerifyAccessToken(context.Background(), "default", "default", a.body["access_token"].(string))
	if err != nil || claims.Subject == app.ID || claims.ClientID != app.ID || claims.IDP != "static" || len(claims.AMR) != 1 || claims.AuthTime != w.now.Unix() || claims.Username != "admin" {
		t.Errorf("access token: %+v, %v", claims, err)
	}
	jws, err := jose.ParseSignedCompact(a.body["id_token"].(string), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var id map[string]any
	json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &id)
	if id["sub"] != claims.Subject || id["aud"] != app.ID || id["nonce"] != "n-1" || id["iss"] != w.server.URL+"/default/default" {
		t.Errorf("OpenID Connect Core 2: %v", id)
	}
	if _, err := w.issuer.VerifyAccessToken(context.Background(), "default", "default", a.body["id_token"].(string)); err == nil {
		t.Error("RFC 9068 4: an ID token passed as an access token")
	}
	user := b.send("GET", "/default/default/userinfo", nil, "Authorization", "Bearer "+a.body["access_token"].(string))
	if user.status != 200 || user.body["sub"] != claims.Subject || user.body["preferred_username"] != "admin" {
		t.Errorf("OpenID Connect Core 5.3: %d %s", user.status, user.raw)
	}
	refreshed := w.post(tokenPath, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.body["refresh_token"].(string)}, "scope": {"read"}}, app.ID, secret)
	if refreshed.status != 200 || refreshed.body["scope"] != "read" || refreshed.body["refresh_token"] == a.body["refresh_token"] || refreshed.body["id_token"] != nil {
		t.Errorf("RFC 6749 6: %d %s", refreshed.status, refreshed.raw)
	}
	again := w.post(tokenPath, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshed.body["refresh_token"].(string)}}, app.ID, secret)
	if again.status != 200 || again.body["scope"] != "openid profile read offline_access" {
		t.Errorf("RFC 6749 6: a narrowed refresh narrowed the grant: %s", again.raw)
	}
	// The tokens of a grant without refresh tokens live their whole time.
	w.now = w.now.Add(59 * time.Minute)
	(&browser{w: w}).code(request(app, "scope", "read")) // prunes
	if _, err := w.issuer.VerifyAccessToken(context.Background(), "default", "default", again.body["access_token"].(string)); err != nil {
		t.Errorf("after 59 minutes: %v", err)
	}
}

func TestAuthorizeRefusals(t *testing.T) {
	w := newWorld(t)
	w.scope("read", "write")
	app, _ := w.app(nil)
	noCode, _ := w.client(control.Client{Name: "Machine", RedirectURIs: []string{callback}})
	off, _ := w.app(func(c *control.Client) { c.Name, c.Status = "Off", "inactive" })
	loop, _ := w.app(func(c *control.Client) { c.Name, c.RedirectURIs = "Loop", []string{"http://127.0.0.1/cb"} })
	cases := []struct {
		name  string
		query url.Values
		page  int    // shown to the person, never redirected
		error string // or told to the client
	}{
		{"RFC 6749 4.1.2.1: unknown client", request(app, "client_id", "nobody"), 400, ""},
		{"RFC 6749 4.1.2.1: inactive client", request(off), 400, ""},
		{"RFC 9700 2.1: another redirect URI", request(app, "redirect_uri", "https://evil.example.com/cb"), 400, ""},
		{"RFC 9700 2.1: a longer path", request(app, "redirect_uri", callback+"/x"), 400, ""},
		{"RFC 9700 2.1: a query more", request(app, "redirect_uri", callback+"?x=1"), 400, ""},
		{"RFC 9700 2.1: another case", request(app, "redirect_uri", "https://APP.example.com/cb"), 400, ""},
		{"RFC 8252 7.3: only the port may differ", request(loop, "redirect_uri", "http://127.0.0.1:9876/other"), 400, ""},
		{"RFC 8252 7.3: and only on loopback", request(loop, "redirect_uri", "http://127.0.0.1.evil.example.com:80/cb"), 400, ""},
		{"javascript", request(app, "redirect_uri", "javascript:alert(1)"), 400, ""},
		{"RFC 6749 3.1: twice", url.Values{"client_id": {app.ID, app.ID}}, 400, ""},
		{"RFC 9126 4: unknown request_uri", url.Values{"client_id": {app.ID}, "request_uri": {"urn:ietf:params:oauth:request_uri:x"}}, 400, ""},
		{"RFC 6749 4.1.2.1 unsupported_response_type", request(app, "response_type", "token"), 0, "unsupported_response_type"},
		{"RFC 6749 4.1.2.1 unauthorized_client", request(noCode, "scope", ""), 0, "unauthorized_client"},
		{"RFC 6749 4.1.2.1 invalid_scope", request(app, "scope", "write"), 0, "invalid_scope"},
		{"RFC 9700 2.1.1: plain", request(app, "code_challenge_method", "plain"), 0, "invalid_request"},
		{"RFC 7636 4.3: without a method it would be plain", request(app, "code_challenge_method", ""), 0, "invalid_request"},
		{"RFC 7636 4.2: not a hash", request(app, "code_challenge", "short"), 0, "invalid_request"},
		{"OpenID Connect Core 6: request objects", request(app, "request", "x.y.z"), 0, "request_not_supported"},
		{"OpenID Connect Core 3.1.2.6 login_required", request(app, "prompt", "none"), 0, "login_required"},
		{"response_mode", request(app, "response_mode", "fragment"), 0, "invalid_request"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := (&browser{w: w}).open(c.query)
			if c.error == "" {
				if a.status != c.page || a.header.Get("Location") != "" || !strings.Contains(a.raw, "<main>") {
					t.Errorf("got %d %v", a.status, a.header)
				}
				return
			}
			r := back(t, a)
			if r.Get("error") != c.error || r.Get("state") != "xyz" || r.Get("iss") == "" || r.Get("code") != "" {
				t.Errorf("sent back with %v", r)
			}
		})
	}
	if a := (&browser{w: w}).open(request(loop, "redirect_uri", "http://127.0.0.1:9876/cb")); a.status != 200 {
		t.Errorf("RFC 8252 7.3: another port on loopback: %d", a.status)
	}

	// The page says what is wrong and shows nothing of the request.
	if a := (&browser{w: w}).open(request(app, "redirect_uri", "https://evil.example.com/<script>")); !strings.Contains(a.raw, "registered") || strings.Contains(a.raw, "evil") {
		t.Errorf("the page: %s", a.raw)
	}

	b := &browser{w: w}
	q := request(app)
	if a := b.send("POST", pagePath+q.Encode(), url.Values{"step": {"login"}, "username": {"admin"}, "password": {"wrong"}}); a.status != 401 || strings.Contains(a.raw, "wrong\"") || b.cookie != "" {
		t.Errorf("a wrong password: %d %s", a.status, a.raw)
	}
	if a := b.send("POST", pagePath+q.Encode(), url.Values{"step": {"allow"}}); a.status != 401 {
		t.Errorf("consent without a session: %d", a.status)
	}
	b.login(q)
	if a := b.send("POST", pagePath+q.Encode(), url.Values{"step": {"allow"}}, "Sec-Fetch-Site", "cross-site"); a.status != 403 {
		t.Errorf("RFC 6749 10.12: another site consented for the user: %d", a.status)
	}
	if r := back(t, b.send("POST", pagePath+q.Encode(), url.Values{"step": {"deny"}})); r.Get("error") != "access_denied" {
		t.Errorf("refused consent: %v", r)
	}
	if r := back(t, b.send("GET", authorizePath+request(app, "prompt", "none").Encode(), nil)); r.Get("error") != "consent_required" {
		t.Errorf("prompt=none without consent: %v", r)
	}
	w.now = w.now.Add(10 * time.Minute)
	for _, p := range []string{"prompt=login", "max_age=60"} {
		name, value, _ := strings.Cut(p, "=")
		if a := b.open(request(app, name, value)); !strings.Contains(a.raw, `name="password"`) {
			t.Errorf("OpenID Connect Core 3.1.2.1, %s: no log-in page (%d)", p, a.status)
		}
	}
}

// A trusted client is not asked for; only the workspace's own users who are not switched off get in.
func TestTrustedClientAndUsers(t *testing.T) {
	w := newWorld(t)
	app, secret := w.app(func(c *control.Client) { c.Trusted = true })
	b := &browser{w: w}
	b.login(request(app))
	r := back(t, b.send("GET", authorizePath+request(app).Encode(), nil))
	if r.Get("code") == "" {
		t.Fatalf("sent back with %v", r)
	}
	if a := b.open(request(app, "prompt", "consent")); !strings.Contains(a.raw, "asks for access") {
		t.Errorf("prompt=consent: %d", a.status)
	}
	// Administrators are users of the workspace admin, and no other's.
	stranger := &browser{w: w}
	if _, err := w.admin.CreateUser(context.Background(), w.actor, control.User{Username: "guest", Role: control.Admin}, password); err != nil {
		t.Fatal(err)
	}
	if a := stranger.send("POST", pagePath+request(app).Encode(), url.Values{"step": {"login"}, "username": {"guest"}, "password": {password}}); a.status != 401 || stranger.cookie != "" {
		t.Errorf("a user of another workspace: %d", a.status)
	}
	// Being switched off ends the grant at the next refresh.
	user, err := w.admin.CreateWorkspaceUser(context.Background(), w.actor, control.User{WorkspaceID: "default", Username: "joe"}, password)
	if err != nil {
		t.Fatal(err)
	}
	joe := &browser{w: w}
	joe.send("POST", pagePath+request(app).Encode(), url.Values{"step": {"login"}, "username": {"joe"}, "password": {password}})
	tokens := w.post(tokenPath, exchange(back(t, joe.send("GET", authorizePath+request(app).Encode(), nil)).Get("code")), app.ID, secret)
	if tokens.status != 200 {
		t.Fatalf("%d %s", tokens.status, tokens.raw)
	}
	user.Disabled = true
	if _, err := w.admin.UpdateWorkspaceUser(context.Background(), w.actor, user); err != nil {
		t.Fatal(err)
	}
	if a := w.get("/default/default/userinfo"); a.status != 401 {
		t.Errorf("userinfo without a token: %d", a.status)
	}
	if a := w.post(tokenPath, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.body["refresh_token"].(string)}}, app.ID, secret); a.status != 400 || a.body["error"] != "invalid_grant" {
		t.Errorf("after being switched off: %d %s", a.status, a.raw)
	}
	if a := joe.send("GET", authorizePath+request(app).Encode(), nil); !strings.HasPrefix(a.header.Get("Location"), pagePath) {
		t.Errorf("the session of a user who was switched off: %d %v", a.status, a.header)
	}
}

func TestCodeErrors(t *testing.T) {
	w := newWorld(t)
	w.scope("read")
	app, secret := w.app(nil)
	other, otherSecret := w.app(func(c *control.Client) { c.Name = "Other" })
	with := func(form url.Values, change ...string) url.Values {
		for i := 0; i+1 < len(change); i += 2 {
			if form.Set(change[i], change[i+1]); change[i+1] == "" {
				form.Del(change[i])
			}
		}
		return form
	}
	b := &browser{w: w}
	fresh := func(change ...string) string { b.cookie = ""; return b.code(request(app, change...)) }
	cases := []struct {
		name     string
		form     func() url.Values
		id, pass string
		error    string
	}{
		{"RFC 6749 4.1.3: no code", func() url.Values { return with(exchange(""), "code", "") }, app.ID, secret, "invalid_request"},
		{"unknown code", func() url.Values { return exchange("unknown") }, app.ID, secret, "invalid_grant"},
		{"RFC 6749 4.1.3: another client's", func() url.Values { return exchange(fresh()) }, other.ID, otherSecret, "invalid_grant"},
		{"RFC 6749 4.1.3: another redirect URI", func() url.Values { return with(exchange(fresh()), "redirect_uri", "https://app.example.com/other") }, app.ID, secret, "invalid_grant"},
		{"RFC 6749 4.1.3: no redirect URI", func() url.Values { return with(exchange(fresh()), "redirect_uri", "") }, app.ID, secret, "invalid_grant"},
		{"RFC 7636 4.6: another verifier", func() url.Values { return with(exchange(fresh()), "code_verifier", strings.Repeat("a", 43)) }, app.ID, secret, "invalid_grant"},
		{"RFC 7636 4.6: no verifier", func() url.Values { return with(exchange(fresh()), "code_verifier", "") }, app.ID, secret, "invalid_grant"},
		{"RFC 9700 4.8.2: a verifier without a challenge", func() url.Values { return exchange(fresh("code_challenge", "", "code_challenge_method", "")) }, app.ID, secret, "invalid_grant"},
		{"RFC 6749 4.1.2: expired", func() url.Values { f := exchange(fresh()); w.now = w.now.Add(codeTTL); return f }, app.ID, secret, "invalid_grant"},
		{"RFC 6749 3.2.1: no client authentication", func() url.Values { return exchange(fresh()) }, "", "", "invalid_client"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if a := w.post(tokenPath, c.form(), c.id, c.pass); a.body["error"] != c.error {
				t.Errorf("got %d %s, want %s", a.status, a.raw, c.error)
			}
		})
	}
	// RFC 6749 4.1.3: absent in the request, absent in the exchange.
	code := fresh("redirect_uri", "")
	if a := w.post(tokenPath, with(exchange(code), "redirect_uri", ""), app.ID, secret); a.status != 200 {
		t.Errorf("without redirect_uri in both: %d %s", a.status, a.raw)
	}
}

// RFC 6749 4.1.2 and RFC 9700 4.14.2: a second use of a code or of a refresh token ends all that came of it.
func TestReuseEndsTheGrant(t *testing.T) {
	w := newWorld(t)
	w.scope("read")
	app, secret := w.app(nil)
	refresh := func(token string) answer {
		return w.post(tokenPath, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, app.ID, secret)
	}
	active := func(token string) bool {
		return w.post("/default/default/oauth2/introspect", url.Values{"token": {token}}, app.ID, secret).body["active"] == true
	}
	code := (&browser{w: w}).code(request(app))
	first := w.post(tokenPath, exchange(code), app.ID, secret)
	if !active(first.body["access_token"].(string)) {
		t.Fatal("the token is not active")
	}
	if a := w.post(tokenPath, exchange(code), app.ID, secret); a.body["error"] != "invalid_grant" || !active(first.body["access_token"].(string)) {
		t.Errorf("a client that asked twice at once: %d %s", a.status, a.raw)
	}
	w.now = w.now.Add(reuseGrace)
	if a := w.post(tokenPath, exchange(code), app.ID, secret); a.body["error"] != "invalid_grant" {
		t.Errorf("the code worked twice: %d %s", a.status, a.raw)
	}
	if a := refresh(first.body["refresh_token"].(string)); a.body["error"] != "invalid_grant" || active(first.body["access_token"].(string)) {
		t.Errorf("RFC 6749 4.1.2: what came of the code still works: %s", a.raw)
	}

	one := w.post(tokenPath, exchange((&browser{w: w}).code(request(app))), app.ID, secret).body["refresh_token"].(string)
	two := refresh(one)
	if two.status != 200 {
		t.Fatal(two.raw)
	}
	if a := refresh(one); a.body["error"] != "invalid_grant" || !active(two.body["access_token"].(string)) {
		t.Errorf("a client that refreshed twice at once: %s", a.raw)
	}
	w.now = w.now.Add(reuseGrace)
	if a := refresh(one); a.body["error"] != "invalid_grant" {
		t.Errorf("the refresh token worked twice: %s", a.raw)
	}
	if a := refresh(two.body["refresh_token"].(string)); a.body["error"] != "invalid_grant" || active(two.body["access_token"].(string)) {
		t.Errorf("RFC 9700 4.14.2: the family lives on: %s", a.raw)
	}
	// One that never was ends nothing.
	three := w.post(tokenPath, exchange((&browser{w: w}).code(request(app))), app.ID, secret).body["refresh_token"].(string)
	refresh("made-up." + strings.Repeat("a", 43))
	w.now = w.now.Add(refreshTTL - time.Second)
	if a := refresh(three); a.status != 200 {
		t.Errorf("after 30 days less a second: %s", a.raw)
	}
	events, err := w.admin.ListAudit(context.Background(), w.actor, "default", control.AuditFilter{Subjects: []string{"tokens"}})
	if err != nil || len(events) != 2 {
		t.Errorf("audit of the two thefts: %+v, %v", events, err)
	}
}

// Two requests race for one code, or one refresh token: exactly one wins.
func TestRaces(t *testing.T) {
	w := newWorld(t)
	w.scope("read")
	app, secret := w.app(nil)
	race := func(form url.Values) (won int) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		for range 8 {
			wg.Go(func() {
				if a := w.post(tokenPath, form, app.ID, secret); a.status == 200 {
					mu.Lock()
					won++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		return won
	}
	if n := race(exchange((&browser{w: w}).code(request(app)))); n != 1 {
		t.Errorf("%d of 8 got tokens for one code", n)
	}
	refresh := w.post(tokenPath, exchange((&browser{w: w}).code(request(app))), app.ID, secret).body["refresh_token"].(string)
	if n := race(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}); n != 1 {
		t.Errorf("%d of 8 got tokens for one refresh token", n)
	}
}

func TestRevoke(t *testing.T) {
	w := newWorld(t)
	w.scope("read")
	app, secret := w.app(nil)
	other, otherSecret := w.app(func(c *control.Client) { c.Name = "Other" })
	const path = "/default/default/oauth2/revoke"
	tokens := w.post(tokenPath, exchange((&browser{w: w}).code(request(app))), app.ID, secret).body
	access, refresh := tokens["access_token"].(string), tokens["refresh_token"].(string)
	active := func() bool {
		_, err := w.issuer.VerifyAccessToken(context.Background(), "default", "default", access)
		return err == nil
	}
	for name, a := range map[string]answer{
		"unknown (RFC 7009 2.2)":          w.post(path, url.Values{"token": {"unknown"}}, app.ID, secret),
		"another client's (RFC 7009 2.1)": w.post(path, url.Values{"token": {access}}, other.ID, otherSecret),
		"another client's refresh token":  w.post(path, url.Values{"token": {refresh}}, other.ID, otherSecret),
	} {
		if a.status != 200 || a.raw != "" || !active() {
			t.Errorf("%s: %d %q, active %v", name, a.status, a.raw, active())
		}
	}
	if a := w.post(path, url.Values{"token": {access}}, "", ""); a.status != 401 {
		t.Errorf("RFC 7009 2.1: without authentication: %d", a.status)
	}
	if a := w.post(path, url.Values{}, app.ID, secret); a.status != 400 {
		t.Errorf("RFC 7009 2.1: without a token: %d", a.status)
	}
	if a := w.post(path, url.Values{"token": {access}, "token_type_hint": {"refresh_token"}}, app.ID, secret); a.status != 200 || active() {
		t.Errorf("RFC 7009 2.1, access token with a wrong hint: %d, active %v", a.status, active())
	}
	renewed := w.post(tokenPath, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}, app.ID, secret)
	if renewed.status != 200 {
		t.Fatalf("revoking an access token ended the grant: %s", renewed.raw)
	}
	access, refresh = renewed.body["access_token"].(string), renewed.body["refresh_token"].(string)
	if a := w.post(path, url.Values{"token": {refresh}}, app.ID, secret); a.status != 200 || active() {
		t.Errorf("RFC 7009 2.1: the refresh token's access tokens live on (%d)", a.status)
	}
	if a := w.post(tokenPath, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}, app.ID, secret); a.status != 400 {
		t.Errorf("a revoked refresh token: %d", a.status)
	}
}

// RFC 9126: pushed once, used once.
func TestPushedRequest(t *testing.T) {
	w := newWorld(t)
	w.scope("read")
	app, secret := w.app(nil)
	q := request(app)
	a := w.post("/default/default/par", q, app.ID, secret)
	uri, _ := a.body["request_uri"].(string)
	if a.status != 201 || !strings.HasPrefix(uri, "urn:ietf:params:oauth:request_uri:") || a.body["expires_in"] != 300.0 {
		t.Fatalf("RFC 9126 2.2: %d %s", a.status, a.raw)
	}
	b := &browser{w: w}
	short := url.Values{"client_id": {app.ID}, "request_uri": {uri}}
	b.login(short)
	r := back(t, b.send("POST", pagePath+short.Encode(), url.Values{"step": {"allow"}}))
	if w.post(tokenPath, exchange(r.Get("code")), app.ID, secret).status != 200 || r.Get("state") != "xyz" {
		t.Errorf("sent back with %v", r)
	}
	if a := b.send("POST", pagePath+short.Encode(), url.Values{"step": {"allow"}}); a.status != 400 {
		t.Errorf("RFC 9126 7.3: used twice: %d", a.status)
	}
	for name, c := range map[string]struct {
		form url.Values
		want int
	}{
		"RFC 9126 2.1: request_uri inside": {request(app, "request_uri", "urn:x"), 400},
		"another redirect URI":             {request(app, "redirect_uri", "https://evil.example.com"), 400},
		"another client_id":                {request(app, "client_id", "other"), 400},
	} {
		if a := w.post("/default/default/par", c.form, app.ID, secret); a.status != c.want {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	if a := w.post("/default/default/par", q, "", ""); a.status != 401 {
		t.Errorf("RFC 9126 2: without authentication: %d", a.status)
	}
	uri = w.post("/default/default/par", q, app.ID, secret).body["request_uri"].(string)
	w.now = w.now.Add(pushedTTL)
	if a := b.send("GET", authorizePath+url.Values{"client_id": {app.ID}, "request_uri": {uri}}.Encode(), nil); a.status != 400 {
		t.Errorf("RFC 9126 4: expired: %d", a.status)
	}
}

func TestUserinfoRefusals(t *testing.T) {
	w := newWorld(t)
	machine, secret := w.client(control.Client{Name: "Machine"})
	get := func(headers ...string) answer {
		return (&browser{w: w}).send("GET", "/default/default/userinfo", nil, headers...)
	}
	if a := get(); a.status != 401 || a.header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("RFC 6750 3: %d %q", a.status, a.header.Get("WWW-Authenticate"))
	}
	if a := get("Authorization", "Bearer x"); a.status != 401 || !strings.Contains(a.header.Get("WWW-Authenticate"), "invalid_token") {
		t.Errorf("RFC 6750 3.1: %d %q", a.status, a.header.Get("WWW-Authenticate"))
	}
	if a := get("Authorization", "Bearer "+w.token(machine.ID, secret)); a.status != 403 || !strings.Contains(a.header.Get("WWW-Authenticate"), "insufficient_scope") {
		t.Errorf("RFC 6750 3.1: %d %q", a.status, a.header.Get("WWW-Authenticate"))
	}
}

// At the admin API a user's token is worth what the user's roles are, whatever its client is.
func TestActor(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	app, secret := w.app(func(c *control.Client) { c.WorkspaceID, c.Trusted, c.Scopes = "admin", true, nil })
	user, err := w.admin.CreateUser(ctx, w.actor, control.User{Username: "joe", Role: control.Member}, password)
	if err != nil {
		t.Fatal(err)
	}
	q := request(app, "scope", "openid")
	b := &browser{w: w}
	b.send("POST", "/default/admin/login?"+q.Encode(), url.Values{"step": {"login"}, "username": {"joe"}, "password": {password}})
	code := back(t, b.send("GET", "/default/admin/oauth2/authorize?"+q.Encode(), nil)).Get("code")
	token := w.post("/default/admin/oauth2/token", exchange(code), app.ID, secret).body["access_token"].(string)
	actor, err := w.issuer.Actor(ctx, "admin", token)
	if err != nil || actor.Kind != control.UserActor || actor.ID != user.ID || actor.Role != control.Member {
		t.Errorf("joe's token acts as %+v, %v", actor, err)
	}
	if _, err := w.admin.CreateWorkspace(ctx, actor, control.Workspace{Name: "Mine"}); control.KindOf(err) != control.Forbidden {
		t.Errorf("a member made a workspace: %v", err)
	}
	user.Role = control.Auditor
	if _, err := w.admin.UpdateUser(ctx, w.actor, user); err != nil {
		t.Fatal(err)
	}
	if actor, err = w.issuer.Actor(ctx, "admin", token); err != nil || actor.Role != control.Auditor {
		t.Errorf("after a change of the role: %+v, %v", actor, err)
	}
	if _, err := w.issuer.Actor(ctx, "system", token); control.KindOf(err) != control.Unauthenticated {
		t.Errorf("at the system API: %v", err)
	}
	machine := w.post("/default/admin/oauth2/token", credentialsGrant, rootID, rootSecret).body["access_token"].(string)
	if actor, err := w.issuer.Actor(ctx, "admin", machine); err != nil || actor.Kind != control.ClientActor || actor.ID != rootID {
		t.Errorf("the automation client acts as %+v, %v", actor, err)
	}
	if err := w.admin.DeleteUser(ctx, w.actor, user.ID); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(goodFor)
	if _, err := w.issuer.Actor(ctx, "admin", token); control.KindOf(err) != control.Unauthenticated {
		t.Errorf("the token outlives its user: %v", err)
	}
}
