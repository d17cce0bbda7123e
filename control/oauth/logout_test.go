package oauth

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"portcullis/control"
)

const (
	logoutPath = "/default/default/oidc/logout"
	afterward  = "https://app.example.com/bye"
)

// OpenID Connect RP-Initiated Logout 1.0.
func TestLogout(t *testing.T) {
	w := newWorld(t)
	w.scope("read")
	app, secret := w.app(func(c *control.Client) { c.PostLogoutRedirectURIs = []string{afterward} })
	// loggedIn is a browser with a session and the ID token that came of it.
	loggedIn := func() (*browser, string) {
		b := &browser{w: w}
		a := w.post(tokenPath, exchange(b.code(request(app))), app.ID, secret)
		hint, _ := a.body["id_token"].(string)
		if hint == "" {
			t.Fatal(a.raw)
		}
		return b, hint
	}
	// in says whether the browser still has a session, whatever its cookie says.
	in := func(cookie string) bool {
		a := (&browser{w: w, cookie: cookie}).send("GET", authorizePath+request(app, "prompt", "none").Encode(), nil)
		return back(t, a).Get("error") != "login_required"
	}
	params := func(pairs ...string) url.Values {
		q := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			q.Set(pairs[i], pairs[i+1])
		}
		return q
	}

	t.Run("2, 3: with the user's own ID token, at once and back", func(t *testing.T) {
		b, hint := loggedIn()
		cookie := b.cookie
		a := b.send("GET", logoutPath+"?"+params("id_token_hint", hint, "post_logout_redirect_uri", afterward, "state", "s 1").Encode(), nil)
		if a.status != 302 || a.header.Get("Location") != afterward+"?state=s+1" || in(cookie) {
			t.Errorf("%d %v %s", a.status, a.header, a.raw)
		}
		if b.cookie != "" {
			t.Errorf("the cookie stays: %s", b.cookie)
		}
	})
	t.Run("4: the ID token may have expired", func(t *testing.T) {
		b, hint := loggedIn()
		cookie := b.cookie
		for range 4 { // the session is kept alive
			w.now = w.now.Add(25 * time.Minute)
			if !in(cookie) {
				t.Fatal("no session")
			}
		}
		if a := b.send("GET", logoutPath+"?"+params("id_token_hint", hint).Encode(), nil); a.status != 200 || !strings.Contains(a.raw, "You are logged out") || in(cookie) {
			t.Errorf("%d %s", a.status, a.raw)
		}
	})
	t.Run("2: without a hint the user is asked", func(t *testing.T) {
		b, _ := loggedIn()
		cookie := b.cookie
		q := params("client_id", app.ID, "post_logout_redirect_uri", afterward, "state", "s2")
		a := b.send("GET", logoutPath+"?"+q.Encode(), nil)
		if a.status != 200 || !strings.Contains(a.raw, "Log out?") || !in(cookie) {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://app.example.com") {
			t.Errorf("the form cannot lead back: %s", csp)
		}
		if a := b.send("POST", "/default/default/logout", q, "Sec-Fetch-Site", "cross-site"); a.status != 403 || !in(cookie) {
			t.Errorf("a form of another site logged out: %d %s", a.status, a.raw)
		}
		if a := b.send("POST", "/default/default/logout", q, "Sec-Fetch-Site", "same-origin"); a.status != 303 || a.header.Get("Location") != afterward+"?state=s2" || in(cookie) {
			t.Errorf("%d %v %s", a.status, a.header, a.raw)
		}
	})
	t.Run("2: by POST", func(t *testing.T) {
		b, hint := loggedIn()
		cookie := b.cookie
		q := params("id_token_hint", hint, "post_logout_redirect_uri", afterward)
		// A form of another site comes without the cookie.
		if a := (&browser{w: w}).send("POST", logoutPath, q); a.status != 200 || !strings.Contains(a.raw, "Log out?") || strings.Contains(a.raw, hint) || !in(cookie) {
			t.Errorf("%d %s", a.status, a.raw)
		}
		if a := b.send("POST", logoutPath, q); a.status != 303 || a.header.Get("Location") != afterward || in(cookie) {
			t.Errorf("%d %v %s", a.status, a.header, a.raw)
		}
	})
	t.Run("nobody is logged in", func(t *testing.T) {
		a := (&browser{w: w}).send("GET", logoutPath+"?"+params("client_id", app.ID, "post_logout_redirect_uri", afterward).Encode(), nil)
		if a.status != 302 || a.header.Get("Location") != afterward {
			t.Errorf("%d %s", a.status, a.raw)
		}
	})

	b, hint := loggedIn()
	other, _ := w.app(nil)
	access := w.post(tokenPath, exchange((&browser{w: w}).code(request(app))), app.ID, secret).body["access_token"].(string)
	changed := hint[:len(hint)-4] + "AAAA"
	for name, q := range map[string]url.Values{
		"3.1: a redirect that is not registered": params("id_token_hint", hint, "post_logout_redirect_uri", "https://evil.example.com/"),
		"3.1: one that only begins so":           params("id_token_hint", hint, "post_logout_redirect_uri", afterward+"/more"),
		"3: a redirect of nobody":                params("post_logout_redirect_uri", afterward),
		"3: of another client":                   params("client_id", other.ID, "post_logout_redirect_uri", afterward),
		"2: client_id that is not the token's":   params("id_token_hint", hint, "client_id", other.ID),
		"4: a token of nobody":                   params("id_token_hint", changed),
		"4: an access token is no ID token":      params("id_token_hint", access),
		"4: not a token":                         params("id_token_hint", "x"),
		"an unknown client":                      params("client_id", "nobody"),
		"RFC 6749 3.1: a parameter twice":        {"client_id": {app.ID, app.ID}},
		"a state that is too long":               params("client_id", app.ID, "state", strings.Repeat("x", 2000)),
	} {
		a := b.send("GET", logoutPath+"?"+q.Encode(), nil)
		if a.status != 400 || a.header.Get("Location") != "" || !strings.Contains(a.raw, "This link does not work") {
			t.Errorf("%s: %d %v %s", name, a.status, a.header, a.raw)
		}
	}
	if !in(b.cookie) {
		t.Error("a refused request ended the session")
	}
}
