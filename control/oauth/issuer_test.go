package oauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/api/openapi/openapitest"
	"portcullis/control/store"
	"portcullis/control/store/storetest"
	"portcullis/control/web"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

// world is an issuer over a real store, with a clock that only the test moves.
type world struct {
	t      *testing.T
	issuer *Issuer
	admin  *admin.Admin
	store  *store.Store
	server *httptest.Server
	actor  control.Actor
	now    time.Time
}

const (
	rootID     = "automation"
	rootSecret = "a-secret-of-at-least-32-characters-0123"
)

func newWorld(t *testing.T, options ...func(*admin.Options)) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC),
		actor: control.Actor{Kind: control.OperatorActor, ID: "operator", TenantID: "default", Role: control.Admin}}
	keyring, err := admin.ParseKeyring(admin.GenerateMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return w.now }
	var handler http.Handler
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	t.Cleanup(w.server.Close)
	w.store = storetest.SQLite(t)
	o := admin.Options{Store: w.store, Now: now, PublicURL: w.server.URL, Keyring: keyring}
	for _, f := range options {
		f(&o)
	}
	w.admin = admin.New(o)
	if _, err := w.admin.Bootstrap(context.Background(), admin.BootstrapOptions{AdminPassword: "correct horse battery staple", ClientID: rootID, ClientSecret: rootSecret}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.admin.CreateWorkspaceUser(context.Background(), w.actor, control.User{WorkspaceID: "default", Username: "admin", Name: "Administrator"}, password); err != nil {
		t.Fatal(err)
	}
	w.issuer = New(Options{Admin: w.admin, Store: w.store, PublicURL: w.server.URL, Now: now})
	handler = web.Secure(w.issuer.Handler(), web.Options{})
	return w
}

// client makes a client of the default workspace.
func (w *world) client(c control.Client) (control.Client, string) {
	w.t.Helper()
	c.TenantID = "default"
	if c.WorkspaceID == "" {
		c.WorkspaceID = "default"
	}
	if c.Name == "" {
		c.Name = "Pet app"
	}
	if c.GrantTypes == nil {
		c.GrantTypes = []string{"client_credentials"}
	}
	out, secret, err := w.admin.CreateClient(context.Background(), w.actor, c, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return out, secret
}

func (w *world) scope(names ...string) {
	w.t.Helper()
	for _, n := range names {
		if _, err := w.admin.CreateScope(context.Background(), w.actor, control.Scope{TenantID: "default", WorkspaceID: "default", Name: n}); err != nil {
			w.t.Fatal(err)
		}
	}
}

type answer struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (w *world) get(path string) answer {
	w.t.Helper()
	req, _ := http.NewRequest("GET", w.server.URL+path, nil)
	return w.do(req)
}

// post sends a form; user and secret go into the header unless user is empty.
func (w *world) post(path string, form url.Values, user, secret string) answer {
	w.t.Helper()
	req, _ := http.NewRequest("POST", w.server.URL+path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if user != "" {
		req.SetBasicAuth(url.QueryEscape(user), url.QueryEscape(secret))
	}
	return w.do(req)
}

func (w *world) do(req *http.Request) answer {
	w.t.Helper()
	resp, err := openapitest.RoundTripper(w.t, nil).RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	a := answer{status: resp.StatusCode, header: resp.Header, raw: string(b)}
	json.Unmarshal(b, &a.body)
	return a
}

const tokenPath = "/default/default/oauth2/token"

var credentialsGrant = url.Values{"grant_type": {"client_credentials"}}

func (w *world) token(id, secret string, extra ...string) string {
	w.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}}
	for i := 0; i+1 < len(extra); i += 2 {
		form.Set(extra[i], extra[i+1])
	}
	a := w.post(tokenPath, form, id, secret)
	token, _ := a.body["access_token"].(string)
	if a.status != 200 || token == "" {
		w.t.Fatalf("no token: %d %s", a.status, a.raw)
	}
	return token
}

func TestMetadata(t *testing.T) {
	w := newWorld(t)
	w.scope("read")
	iss := w.server.URL + "/default/default"
	docs := map[string]string{
		"OpenID Connect Discovery 4":      "/default/default/.well-known/openid-configuration",
		"RFC 8414 3.1: inserted path":     "/.well-known/oauth-authorization-server/default/default",
		"appended path, as some clients ": "/default/default/.well-known/oauth-authorization-server",
	}
	for name, path := range docs {
		a := w.get(path)
		if a.status != 200 || a.header.Get("Content-Type") != "application/json" || !strings.Contains(a.header.Get("Cache-Control"), "max-age") {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
		if a.body["issuer"] != iss || a.body["token_endpoint"] != iss+"/oauth2/token" || a.body["jwks_uri"] != iss+"/.well-known/jwks.json" {
			t.Errorf("%s: %s", name, a.raw)
		}
		for _, list := range []string{"response_types_supported", "subject_types_supported", "grant_types_supported", "scopes_supported", "id_token_signing_alg_values_supported"} {
			if _, ok := a.body[list].([]any); !ok {
				t.Errorf("%s: %s is not an array: %s", name, list, a.raw)
			}
		}
	}
	// RFC 8414 2: every endpoint that is named must be there. (405 and 400 are answers of an endpoint; 404 and 501 are not.)
	for member, v := range w.get(docs["OpenID Connect Discovery 4"]).body {
		u, ok := v.(string)
		if !ok || !strings.HasSuffix(member, "_endpoint") && member != "jwks_uri" {
			continue
		}
		if a := w.get(strings.TrimPrefix(u, w.server.URL)); a.status == 404 || a.status == 501 {
			t.Errorf("%s is advertised as %s, which answers %d", member, u, a.status)
		}
	}
	if a := w.get("/default/nowhere/.well-known/openid-configuration"); a.status != 404 || a.body["error_code"] != 404.0 || a.body["error"] == "" {
		t.Errorf("an unknown workspace: %d %s", a.status, a.raw)
	}
}

// RFC 7517: public keys only, each with kid, alg and use.
func TestJWKS(t *testing.T) {
	w := newWorld(t)
	a := w.get("/default/default/.well-known/jwks.json")
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(a.raw), &set); err != nil || len(set.Keys) == 0 {
		t.Fatalf("%v: %s", err, a.raw)
	}
	for _, k := range set.Keys {
		if !k.IsPublic() || !k.Valid() || k.KeyID == "" || k.Algorithm == "" || k.Use != "sig" {
			t.Errorf("key %+v", k)
		}
	}
	for _, private := range []string{`"d"`, `"p"`, `"q"`, `"dp"`, `"k"`} {
		if strings.Contains(a.raw, private) {
			t.Errorf("a private member %s is published", private)
		}
	}
	other := w.get("/default/admin/.well-known/jwks.json")
	var otherSet jose.JSONWebKeySet
	json.Unmarshal([]byte(other.raw), &otherSet)
	for _, k := range otherSet.Keys {
		if len(set.Key(k.KeyID)) > 0 {
			t.Error("two workspaces share a key")
		}
	}
}

// RFC 6749 4.4, 5.1 and RFC 9068 2.
func TestClientCredentials(t *testing.T) {
	w := newWorld(t)
	w.scope("read", "write")
	c, secret := w.client(control.Client{Scopes: []string{"read", "write"}})
	a := w.post(tokenPath, url.Values{"grant_type": {"client_credentials"}, "scope": {"write"}}, c.ID, secret)
	if a.status != 200 || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Pragma") != "no-cache" {
		t.Fatalf("RFC 6749 5.1: %d %v %s", a.status, a.header, a.raw)
	}
	if a.body["token_type"] != "bearer" || a.body["expires_in"] != 3600.0 || a.body["scope"] != "write" {
		t.Errorf("RFC 6749 5.1: %s", a.raw)
	}
	token := a.body["access_token"].(string)

	var set jose.JSONWebKeySet
	json.Unmarshal([]byte(w.get("/default/default/.well-known/jwks.json").raw), &set)
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	h := jws.Signatures[0].Protected
	if h.ExtraHeaders[jose.HeaderType] != "at+jwt" || h.KeyID == "" {
		t.Errorf("RFC 9068 2.1: header %+v", h)
	}
	payload, err := jws.Verify(set.Key(h.KeyID)[0])
	if err != nil {
		t.Fatalf("the published key does not verify the token: %v", err)
	}
	var got map[string]any
	json.Unmarshal(payload, &got)
	jti, _ := got["jti"].(string)
	if len(jti) < 20 {
		t.Errorf("RFC 9068 2.2: jti %q", jti)
	}
	delete(got, "jti")
	now := float64(w.now.Unix())
	want := map[string]any{"iss": w.server.URL + "/default/default", "sub": c.ID, "client_id": c.ID, "aud": []any{c.ID}, "iat": now, "nbf": now,
		"exp": now + 3600, "scope": "write", "scp": []any{"write"}, "tid": "default", "aid": "default", "idp": "", "amr": []any{}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("RFC 9068 2.2: claims (-want +got)\n%s", d)
	}

	// A service appears in aud.
	s, err := w.admin.CreateService(context.Background(), w.actor, control.Service{TenantID: "default", WorkspaceID: "default", Name: "Pets", CustomAudience: "https://pets.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := w.issuer.VerifyAccessToken(context.Background(), "default", "default", w.token(c.ID, secret))
	if err != nil || !slices.Contains(claims.Audience, "https://pets.example.com") {
		t.Errorf("service %s: aud %v, %v", s.ID, claims.Audience, err)
	}
	if claims, err = w.issuer.VerifyAccessToken(context.Background(), "default", "default", w.token(c.ID, secret, "resource", "https://pets.example.com")); err != nil || len(claims.Audience) != 2 {
		t.Errorf("RFC 8707 2: %v %v", claims.Audience, err)
	}
}

func TestTokenErrors(t *testing.T) {
	w := newWorld(t)
	w.scope("read", "write")
	c, secret := w.client(control.Client{Scopes: []string{"read"}})
	code, codeSecret := w.client(control.Client{Name: "Browser app", GrantTypes: []string{"authorization_code"}, RedirectURIs: []string{"https://app.example.com/cb"}})
	off, offSecret := w.client(control.Client{Name: "Off", Status: "inactive"})
	cases := []struct {
		name     string
		path     string
		form     url.Values
		id, pass string
		status   int
		error    string
	}{
		{"RFC 6749 5.2 invalid_client: wrong secret", tokenPath, credentialsGrant, c.ID, "wrong", 401, "invalid_client"},
		{"RFC 6749 5.2 invalid_client: unknown client", tokenPath, credentialsGrant, "nobody", secret, 401, "invalid_client"},
		{"RFC 6749 5.2 invalid_client: none", tokenPath, credentialsGrant, "", "", 401, "invalid_client"},
		{"invalid_client: switched off", tokenPath, credentialsGrant, off.ID, offSecret, 401, "invalid_client"},
		{"invalid_client: of another workspace", tokenPath, credentialsGrant, rootID, rootSecret, 401, "invalid_client"},
		{"RFC 6749 5.2 invalid_request: no grant_type", tokenPath, url.Values{}, c.ID, secret, 400, "invalid_request"},
		{"RFC 6749 5.2 unsupported_grant_type", tokenPath, url.Values{"grant_type": {"urn:example:other"}}, c.ID, secret, 400, "unsupported_grant_type"},
		{"RFC 9700 2.4: no password grant", tokenPath, url.Values{"grant_type": {"password"}}, c.ID, secret, 400, "unsupported_grant_type"},
		{"RFC 6749 5.2 unauthorized_client", tokenPath, credentialsGrant, code.ID, codeSecret, 400, "unauthorized_client"},
		{"RFC 6749 5.2 invalid_scope: not this client's", tokenPath, url.Values{"grant_type": {"client_credentials"}, "scope": {"read write"}}, c.ID, secret, 400, "invalid_scope"},
		{"RFC 8707 2 invalid_target", tokenPath, url.Values{"grant_type": {"client_credentials"}, "resource": {"https://other.example.com"}}, c.ID, secret, 400, "invalid_target"},
		{"unknown workspace", "/default/nowhere/oauth2/token", credentialsGrant, c.ID, secret, 404, "not_found"},
		{"unknown tenant", "/nobody/default/oauth2/token", credentialsGrant, c.ID, secret, 404, "not_found"},
	}
	texts := map[string]bool{}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			a := w.post(k.path, k.form, k.id, k.pass)
			if a.status != k.status || a.body["error"] != k.error {
				t.Fatalf("got %d %s; want %d %s", a.status, a.raw, k.status, k.error)
			}
			// The superset that all generations of clients decode.
			if a.body["status_code"] != float64(k.status) || a.body["error_code"] != float64(k.status) || a.body["error_description"] == "" {
				t.Errorf("body %s", a.raw)
			}
			if a.header.Get("Cache-Control") != "no-store" {
				t.Error("RFC 6749 5.1: an error may be cached")
			}
			if k.status == 401 && !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic") {
				t.Errorf("RFC 6749 5.2: WWW-Authenticate %q", a.header.Get("WWW-Authenticate"))
			}
			if k.error == "invalid_client" && k.id != "" {
				texts[a.raw] = true
			}
			if strings.Contains(a.raw, secret) || strings.Contains(a.raw, k.pass) && k.pass != "" {
				t.Error("a secret is in the answer")
			}
		})
	}
	if len(texts) > 1 {
		t.Errorf("the answers tell which half was wrong: %v", texts)
	}
	if a := w.get(tokenPath); a.status != 405 {
		t.Errorf("RFC 6749 3.2: GET on the token endpoint answers %d", a.status)
	}
}

func TestVerifyAccessToken(t *testing.T) {
	w := newWorld(t)
	c, secret := w.client(control.Client{})
	token := w.token(c.ID, secret)
	parts := strings.Split(token, ".")
	header := func(h string) string { return base64.RawURLEncoding.EncodeToString([]byte(h)) }
	keys, err := w.admin.SigningKeys(context.Background(), "default", "default")
	if err != nil {
		t.Fatal(err)
	}
	sign := func(typ string, claims map[string]any) string {
		o := &jose.SignerOptions{}
		if typ != "" {
			o = o.WithType(jose.ContentType(typ))
		}
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: keys[0].Private, KeyID: keys[0].ID}}, o)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := json.Marshal(claims)
		jws, err := s.Sign(b)
		if err != nil {
			t.Fatal(err)
		}
		out, _ := jws.CompactSerialize()
		return out
	}
	claims := func(change func(map[string]any)) map[string]any {
		b, _ := base64.RawURLEncoding.DecodeString(parts[1])
		var m map[string]any
		json.Unmarshal(b, &m)
		change(m)
		return m
	}
	cases := []struct {
		name, token string
		ok          bool
	}{
		{"as minted", token, true},
		{"as signed here", sign("at+jwt", claims(func(map[string]any) {})), true},
		{"RFC 9068 4: the long type", sign("application/at+jwt", claims(func(map[string]any) {})), true},
		{"RFC 9068 4: another type", sign("JWT", claims(func(map[string]any) {})), false},
		{"RFC 9068 4: no type", sign("", claims(func(map[string]any) {})), false},
		{"RFC 9068 4: another issuer", sign("at+jwt", claims(func(m map[string]any) { m["iss"] = w.server.URL + "/default/admin" })), false},
		{"RFC 9068 4: expired", sign("at+jwt", claims(func(m map[string]any) { m["exp"] = w.now.Unix() })), false},
		{"RFC 7519 4.1.5: not yet", sign("at+jwt", claims(func(m map[string]any) { m["nbf"] = w.now.Unix() + 120 })), false},
		{"no exp", sign("at+jwt", claims(func(m map[string]any) { delete(m, "exp") })), false},
		{"exp null", sign("at+jwt", claims(func(m map[string]any) { m["exp"] = nil })), false},
		{"no sub", sign("at+jwt", claims(func(m map[string]any) { delete(m, "sub") })), false},
		{"no aud", sign("at+jwt", claims(func(m map[string]any) { delete(m, "aud") })), false},
		{"RFC 8725 3.1: alg none", header(`{"alg":"none","typ":"at+jwt"}`) + "." + parts[1] + ".", false},
		{"RFC 8725 3.1: HS256 with the public key", header(`{"alg":"HS256","typ":"at+jwt","kid":"`+keys[0].ID+`"}`) + "." + parts[1] + "." + parts[2], false},
		{"signature of other content", parts[0] + "." + header(`{}`) + "." + parts[2], false},
		{"one bit off", parts[0] + "." + parts[1] + "." + flip(parts[2]), false},
		{"RFC 7515 2: padding", token + "=", false},
		{"a line break", parts[0] + ".\n" + parts[1] + "." + parts[2], false},
		{"two parts", parts[0] + "." + parts[1], false},
		{"empty", "", false},
		{"huge", strings.Repeat("a", maxToken) + "." + parts[1] + "." + parts[2], false},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			_, err := w.issuer.VerifyAccessToken(context.Background(), "default", "default", k.token)
			if k.ok != (err == nil) || err != nil && control.KindOf(err) != control.Unauthenticated {
				t.Errorf("got %v", err)
			}
		})
	}
	// RFC 9068 4: a token of another workspace, and one that is not for the API.
	if _, err := w.issuer.VerifyAccessToken(context.Background(), "default", "admin", token); control.KindOf(err) != control.Unauthenticated {
		t.Errorf("a token of the workspace default passed as one of admin: %v", err)
	}
	w.now = w.now.Add(time.Hour)
	if _, err := w.issuer.VerifyAccessToken(context.Background(), "default", "default", token); control.KindOf(err) != control.Unauthenticated {
		t.Errorf("an hour later: %v", err)
	}
}

// flip changes the first character of a base64url string.
func flip(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

func TestIntrospect(t *testing.T) {
	w := newWorld(t)
	w.scope("read", control.ScopeIntrospect)
	c, secret := w.client(control.Client{Scopes: []string{"read"}})
	other, otherSecret := w.client(control.Client{Name: "Other"})
	checker, checkerSecret := w.client(control.Client{Name: "Checker", Scopes: []string{control.ScopeIntrospect}})
	token := w.token(c.ID, secret)
	const path = "/default/default/oauth2/introspect"

	a := w.post(path, url.Values{"token": {token}}, c.ID, secret)
	if a.status != 200 || a.body["active"] != true || a.body["client_id"] != c.ID || a.body["scope"] != "read" || a.body["exp"] != float64(w.now.Unix()+3600) {
		t.Errorf("RFC 7662 2.2: %d %s", a.status, a.raw)
	}
	if a.header.Get("Cache-Control") != "no-store" {
		t.Error("RFC 7662 4: the answer may be cached")
	}
	for name, form := range map[string]url.Values{"garbage": {"token": {"garbage"}}, "another workspace's": {"token": {w.post("/default/admin/oauth2/token", credentialsGrant, rootID, rootSecret).body["access_token"].(string)}}} {
		if a := w.post(path, form, c.ID, secret); a.status != 200 || a.raw != `{"active":false}` {
			t.Errorf("RFC 7662 2.2, %s: %d %s", name, a.status, a.raw)
		}
	}
	if a := w.post(path, url.Values{"token": {token}}, other.ID, otherSecret); a.raw != `{"active":false}` {
		t.Errorf("RFC 7662 2.2: a client learned about a token that is not its own: %s", a.raw)
	}
	if a := w.post(path, url.Values{"token": {token}}, "", ""); a.status != 401 {
		t.Errorf("RFC 7662 2.1: without authentication: %d %s", a.status, a.raw)
	}
	if a := w.post(path, url.Values{}, c.ID, secret); a.status != 400 || a.body["error"] != "invalid_request" {
		t.Errorf("RFC 7662 2.1: without a token: %d %s", a.status, a.raw)
	}
	bearer := func(b string) answer {
		req, _ := http.NewRequest("POST", w.server.URL+path, strings.NewReader(url.Values{"token": {token}}.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", "Bearer "+b)
		return w.do(req)
	}
	if a := bearer(w.token(checker.ID, checkerSecret)); a.body["active"] != true {
		t.Errorf("with the scope: %d %s", a.status, a.raw)
	}
	if a := bearer(token); a.status != 403 {
		t.Errorf("RFC 6750 3.1: without the scope: %d %s", a.status, a.raw)
	}
	if a := bearer("garbage"); a.status != 401 {
		t.Errorf("RFC 6750 3.1: with garbage: %d %s", a.status, a.raw)
	}
	w.now = w.now.Add(2 * time.Hour)
	if a := w.post(path, url.Values{"token": {token}}, c.ID, secret); a.raw != `{"active":false}` {
		t.Errorf("expired: %s", a.raw)
	}
}

// What is not built says so.
func TestNotBuilt(t *testing.T) {
	w := newWorld(t)
	for _, p := range []string{"/oauth2/register", "/device/authorization", "/backchannel/authentication"} {
		if a := w.post("/default/default"+p, url.Values{}, "", ""); a.status != 501 {
			t.Errorf("%s: %d", p, a.status)
		}
	}
	if a := w.get("/default/default/nothing"); a.status != 404 {
		t.Errorf("unknown path: %d", a.status)
	}
}
