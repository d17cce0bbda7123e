package oauth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"portcullis/control"

	"github.com/go-jose/go-jose/v4"
)

// keyOf makes a key pair for an algorithm.
func keyOf(t *testing.T, algorithm jose.SignatureAlgorithm) crypto.Signer {
	t.Helper()
	var k crypto.Signer
	var err error
	switch algorithm {
	case jose.ES256:
		k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, k, err = ed25519.GenerateKey(rand.Reader)
	default:
		k, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func setOf(t *testing.T, keys ...jose.JSONWebKey) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// keyed is a client that signs assertions with an ES256 key.
func (w *world) keyed(change func(*control.Client)) (control.Client, crypto.Signer) {
	w.t.Helper()
	k := keyOf(w.t, jose.ES256)
	c := control.Client{AuthMethod: control.AuthPrivateKeyJWT, JWKS: setOf(w.t, jose.JSONWebKey{Key: k.Public(), KeyID: "k1"})}
	if change != nil {
		change(&c)
	}
	out, secret := w.client(c)
	if secret != "" {
		w.t.Errorf("a client with keys got a secret")
	}
	return out, k
}

// claimsOf are those of a good assertion; a nil value removes a claim.
func (w *world) claimsOf(id string, change ...any) map[string]any {
	c := map[string]any{"iss": id, "sub": id, "aud": w.server.URL + "/default/default", "exp": w.now.Add(time.Minute).Unix(), "iat": w.now.Unix(), "jti": randomToken()}
	for i := 0; i+1 < len(change); i += 2 {
		if c[change[i].(string)] = change[i+1]; change[i+1] == nil {
			delete(c, change[i].(string))
		}
	}
	return c
}

func (w *world) sign(algorithm jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	w.t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := json.Marshal(claims)
	if err != nil {
		w.t.Fatal(err)
	}
	jws, err := s.Sign(b)
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := jws.CompactSerialize()
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func asserted(assertion string, more ...string) url.Values {
	f := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {assertionType}, "client_assertion": {assertion}}
	for i := 0; i+1 < len(more); i += 2 {
		f.Set(more[i], more[i+1])
	}
	return f
}

// RFC 7523 2.2, 3 and RFC 7521 4.2.
func TestPrivateKeyJWT(t *testing.T) {
	w := newWorld(t)
	client, key := w.keyed(nil)
	other, otherKey := w.keyed(nil)
	iss := w.server.URL + "/default/default"
	cases := []struct {
		name   string
		key    any
		kid    string
		claims []any
		form   []string
		status int
	}{
		{"RFC 7523 3: aud is the issuer", key, "k1", nil, nil, 200},
		{"RFC 7523 3: aud is the token endpoint", key, "k1", []any{"aud", iss + "/oauth2/token"}, nil, 200},
		{"RFC 7519 4.1.3: aud as a list", key, "k1", []any{"aud", []string{iss}}, nil, 200},
		{"RFC 7515 4.1.4: kid is optional", key, "", nil, nil, 200},
		{"RFC 7521 4.2: client_id may be sent along", key, "k1", nil, []string{"client_id", client.ID}, 200},
		{"RFC 7521 4.2: but not another's", key, "k1", nil, []string{"client_id", other.ID}, 401},
		{"RFC 7523 3: aud is another server", key, "k1", []any{"aud", "https://elsewhere.example.com"}, nil, 401},
		{"RFC 7523 3: aud is another workspace", key, "k1", []any{"aud", w.server.URL + "/default/admin"}, nil, 401},
		{"an aud besides us could be passed on", key, "k1", []any{"aud", []string{iss, "https://elsewhere.example.com"}}, nil, 401},
		{"RFC 7523 3: aud is required", key, "k1", []any{"aud", nil}, nil, 401},
		{"RFC 7523 3: an empty list", key, "k1", []any{"aud", []string{}}, nil, 401},
		{"RFC 7523 3: iss is the client", key, "k1", []any{"iss", other.ID}, nil, 401},
		{"RFC 7523 3: iss is required", key, "k1", []any{"iss", nil}, nil, 401},
		{"RFC 7523 3: sub is required", key, "k1", []any{"sub", nil}, nil, 401},
		{"RFC 7523 3: exp is required", key, "k1", []any{"exp", nil}, nil, 401},
		{"RFC 7523 3: expired", key, "k1", []any{"exp", w.now.Unix()}, nil, 401},
		{"exp in six minutes", key, "k1", []any{"exp", w.now.Add(6 * time.Minute).Unix()}, nil, 401},
		{"exp beyond any number", key, "k1", []any{"exp", 1e300}, nil, 401},
		{"RFC 7523 3: nbf in the future", key, "k1", []any{"nbf", w.now.Add(time.Minute).Unix()}, nil, 401},
		{"RFC 7523 3: iat in the future", key, "k1", []any{"iat", w.now.Add(time.Minute).Unix()}, nil, 401},
		{"jti is required here", key, "k1", []any{"jti", nil}, nil, 401},
		{"a jti of a kilobyte", key, "k1", []any{"jti", strings.Repeat("x", 1000)}, nil, 401},
		{"RFC 7523 3: another's key", otherKey, "k1", nil, nil, 401},
		{"a kid that is not registered", key, "k2", nil, nil, 401},
		{"an unknown client", key, "k1", []any{"iss", "nobody", "sub", "nobody"}, nil, 401},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := w.post(tokenPath, asserted(w.sign(jose.ES256, c.key, c.kid, w.claimsOf(client.ID, c.claims...)), c.form...), "", "")
			if a.status != c.status || a.status == 401 && a.body["error"] != "invalid_client" {
				t.Errorf("%d %s; want %d", a.status, a.raw, c.status)
			}
		})
	}
	t.Run("RFC 7515: a changed payload", func(t *testing.T) {
		parts := strings.Split(w.sign(jose.ES256, key, "k1", w.claimsOf(client.ID)), ".")
		parts[1] = strings.Split(w.sign(jose.ES256, otherKey, "k1", w.claimsOf(client.ID)), ".")[1]
		if a := w.post(tokenPath, asserted(strings.Join(parts, ".")), "", ""); a.status != 401 {
			t.Errorf("%d %s", a.status, a.raw)
		}
	})
	t.Run("RFC 8725 3.1: HS256 with the public key as secret", func(t *testing.T) {
		a := w.post(tokenPath, asserted(w.sign(jose.HS256, []byte(client.JWKS), "k1", w.claimsOf(client.ID))), "", "")
		if a.status != 401 {
			t.Errorf("%d %s", a.status, a.raw)
		}
	})
	t.Run("client_secret_jwt is not offered", func(t *testing.T) {
		with, secret := w.client(control.Client{})
		if a := w.post(tokenPath, asserted(w.sign(jose.HS256, []byte(secret), "", w.claimsOf(with.ID))), "", ""); a.status != 401 {
			t.Errorf("%d %s", a.status, a.raw)
		}
	})
	t.Run("a client with a secret may not assert", func(t *testing.T) {
		with, _ := w.client(control.Client{JWKS: client.JWKS})
		if a := w.post(tokenPath, asserted(w.sign(jose.ES256, key, "k1", w.claimsOf(with.ID))), "", ""); a.status != 401 {
			t.Errorf("%d %s", a.status, a.raw)
		}
	})
	t.Run("a client with keys may not come without", func(t *testing.T) {
		if a := w.post(tokenPath, url.Values{"grant_type": {"client_credentials"}, "client_id": {client.ID}}, "", ""); a.status != 401 {
			t.Errorf("%d %s", a.status, a.raw)
		}
	})
	t.Run("an inactive client", func(t *testing.T) {
		off, k := w.keyed(func(c *control.Client) { c.Status = "inactive" })
		if a := w.post(tokenPath, asserted(w.sign(jose.ES256, k, "k1", w.claimsOf(off.ID))), "", ""); a.status != 401 {
			t.Errorf("%d %s", a.status, a.raw)
		}
	})
}

// Every algorithm that the metadata names works (RFC 8414 2), at every endpoint that clients authenticate at.
func TestAssertionAlgorithms(t *testing.T) {
	w := newWorld(t)
	listed := w.get("/default/default/.well-known/openid-configuration").body["token_endpoint_auth_signing_alg_values_supported"].([]any)
	if len(listed) != len(algorithms) {
		t.Errorf("%v", listed)
	}
	for _, algorithm := range algorithms {
		k := keyOf(t, algorithm)
		c, _ := w.keyed(func(c *control.Client) {
			c.JWKS = setOf(t, jose.JSONWebKey{Key: k.Public(), Algorithm: string(algorithm)})
		})
		a := w.post(tokenPath, asserted(w.sign(algorithm, k, "", w.claimsOf(c.ID))), "", "")
		if a.status != 200 {
			t.Errorf("%s: %d %s", algorithm, a.status, a.raw)
			continue
		}
		token := a.body["access_token"].(string)
		f := asserted(w.sign(algorithm, k, "", w.claimsOf(c.ID)), "token", token)
		if a := w.post("/default/default/oauth2/introspect", f, "", ""); a.status != 200 || a.body["active"] != true {
			t.Errorf("RFC 7662 2.1 %s: %d %s", algorithm, a.status, a.raw)
		}
		f = asserted(w.sign(algorithm, k, "", w.claimsOf(c.ID)), "token", token)
		if a := w.post("/default/default/oauth2/revoke", f, "", ""); a.status != 200 {
			t.Errorf("RFC 7009 2.1 %s: %d %s", algorithm, a.status, a.raw)
		}
	}
}

// RFC 7523 3 (7): of many that send one assertion at once, one gets a token, on both engines by the same statement.
func TestAssertionReplay(t *testing.T) {
	w := newWorld(t)
	client, key := w.keyed(nil)
	assertion := w.sign(jose.ES256, key, "k1", w.claimsOf(client.ID, "jti", "once"))
	var mu sync.Mutex
	var wg sync.WaitGroup
	good := 0
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			resp, err := http.PostForm(w.server.URL+tokenPath, asserted(assertion))
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			if resp.StatusCode == 200 {
				good++
			} else if resp.StatusCode != 401 {
				t.Errorf("a replay answers %d", resp.StatusCode)
			}
		}()
	}
	wg.Wait()
	if good != 1 {
		t.Errorf("%d of 8 got a token", good)
	}
	// The jti belongs to the client: another may use the same.
	other, otherKey := w.keyed(nil)
	if a := w.post(tokenPath, asserted(w.sign(jose.ES256, otherKey, "k1", w.claimsOf(other.ID, "jti", "once"))), "", ""); a.status != 200 {
		t.Errorf("another client's jti: %d %s", a.status, a.raw)
	}
	// It is remembered for as long as the assertion could be used.
	w.now = w.now.Add(59 * time.Second)
	if a := w.post(tokenPath, asserted(assertion), "", ""); a.status != 401 {
		t.Errorf("a replay after 59 s: %d %s", a.status, a.raw)
	}
	w.now = w.now.Add(time.Second)
	if a := w.post(tokenPath, asserted(assertion), "", ""); a.status != 401 {
		t.Errorf("expired: %d %s", a.status, a.raw)
	}
}

// RFC 6749 2.1, RFC 7636 4.4.1: a public client has no secret, and its proof is the code verifier.
func TestPublicClient(t *testing.T) {
	w := newWorld(t)
	w.scope("read")
	app, secret := w.app(func(c *control.Client) { c.AuthMethod = control.AuthNone })
	if secret != "" {
		t.Error("a public client got a secret")
	}
	public := func(f url.Values) url.Values { f.Set("client_id", app.ID); return f }

	b := &browser{w: w}
	if r := back(t, b.open(request(app, "code_challenge", "", "code_challenge_method", ""))); r.Get("error") != "invalid_request" {
		t.Errorf("RFC 7636 4.4.1: without PKCE: %v", r)
	}
	if r := back(t, b.open(request(app, "code_challenge_method", "plain"))); r.Get("error") != "invalid_request" {
		t.Errorf("RFC 9700 2.1.1: plain: %v", r)
	}
	a := w.post(tokenPath, public(exchange(b.code(request(app)))), "", "")
	if a.status != 200 || a.body["refresh_token"] == nil {
		t.Fatalf("RFC 6749 4.1.3: %d %s", a.status, a.raw)
	}
	refresh := a.body["refresh_token"].(string)
	if a := w.post(tokenPath, public(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}), "", ""); a.status != 200 || a.body["refresh_token"] == refresh {
		t.Errorf("RFC 9700 2.2.2: rotation: %d %s", a.status, a.raw)
	}
	wrong := exchange((&browser{w: w}).code(request(app)))
	wrong.Set("code_verifier", strings.Repeat("x", 43))
	if a := w.post(tokenPath, public(wrong), "", ""); a.status != 400 || a.body["error"] != "invalid_grant" {
		t.Errorf("RFC 7636 4.6: %d %s", a.status, a.raw)
	}
	token := a.body["access_token"].(string)
	refusals := []struct {
		name, path string
		form       url.Values
		user       string
		status     int
		code       string
	}{
		{"RFC 6749 4.4: client_credentials", tokenPath, public(url.Values{"grant_type": {"client_credentials"}}), "", 400, "unauthorized_client"},
		{"a secret that it does not have", tokenPath, url.Values{"grant_type": {"client_credentials"}}, app.ID, 401, "invalid_client"},
		{"RFC 7662 2.1: introspection", "/default/default/oauth2/introspect", public(url.Values{"token": {token}}), "", 401, "invalid_client"},
		{"an unknown client", tokenPath, url.Values{"grant_type": {"client_credentials"}, "client_id": {"nobody"}}, "", 401, "invalid_client"},
		{"a client of another workspace", "/default/admin/oauth2/token", public(url.Values{"grant_type": {"authorization_code"}}), "", 401, "invalid_client"},
	}
	for _, c := range refusals {
		if a := w.post(c.path, c.form, c.user, "some-secret"); a.status != c.status || a.body["error"] != c.code {
			t.Errorf("%s: %d %s", c.name, a.status, a.raw)
		}
	}
	if a := w.post("/default/default/oauth2/revoke", public(url.Values{"token": {token}}), "", ""); a.status != 200 {
		t.Errorf("RFC 7009 2.1: %d %s", a.status, a.raw)
	}
	if _, err := w.issuer.VerifyAccessToken(context.Background(), "default", "default", token); err == nil {
		t.Error("RFC 7009 2: the revoked token still works")
	}
	pushed := w.post("/default/default/par", request(app), "", "")
	if pushed.status != 201 {
		t.Errorf("RFC 9126 2: %d %s", pushed.status, pushed.raw)
	}
	confidential, _ := w.app(nil)
	if a := w.post(tokenPath, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {confidential.ID}}, "", ""); a.status != 401 {
		t.Errorf("RFC 6749 2.3: a confidential client without its secret: %d %s", a.status, a.raw)
	}
}

// RFC 8252 8.6: a program on the user's machine can be any program; a trusted one is asked about all the same.
func TestTrustedPublicClient(t *testing.T) {
	w := newWorld(t)
	w.scope("read")
	for redirect, asks := range map[string]bool{callback: false, "http://127.0.0.1/cb": true, "com.example.app:/cb": true} {
		app, _ := w.app(func(c *control.Client) {
			c.AuthMethod, c.Trusted, c.RedirectURIs = control.AuthNone, true, []string{redirect}
		})
		b := &browser{w: w}
		q := request(app, "redirect_uri", redirect)
		b.login(q)
		if a := b.open(q); strings.Contains(a.raw, "asks for access") != asks {
			t.Errorf("%s: %d %v %s", redirect, a.status, a.header, a.raw)
		}
	}
}

// RFC 7591 2: what a client may be registered with.
func TestClientKeys(t *testing.T) {
	w := newWorld(t)
	private := keyOf(t, jose.ES256)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	one, two := jose.JSONWebKey{Key: private.Public(), KeyID: "a"}, jose.JSONWebKey{Key: keyOf(t, jose.EdDSA).Public(), KeyID: "b"}
	cases := map[string]struct {
		jwks json.RawMessage
		ok   bool
	}{
		"two keys":                        {setOf(t, one, two), true},
		"none":                            {nil, false},
		"null":                            {json.RawMessage("null"), false},
		"no keys":                         {json.RawMessage(`{"keys":[]}`), false},
		"RFC 7517 9.2: a private key":     {setOf(t, jose.JSONWebKey{Key: private}), false},
		"RFC 7518 6.4: a symmetric key":   {setOf(t, jose.JSONWebKey{Key: []byte("0123456789abcdef0123456789abcdef")}), false},
		"RFC 7518 3.3: RSA of 1024 bits":  {setOf(t, jose.JSONWebKey{Key: small.Public()}), false},
		"P-384":                           {setOf(t, jose.JSONWebKey{Key: p384.Public()}), false},
		"not on the curve":                {json.RawMessage(`{"keys":[{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}`), false},
		"RFC 7517 4.5: two without a kid": {setOf(t, jose.JSONWebKey{Key: one.Key}, jose.JSONWebKey{Key: two.Key}), false},
		"a key for encryption":            {setOf(t, jose.JSONWebKey{Key: one.Key, Use: "enc"}), false},
		"an algorithm of another type":    {setOf(t, jose.JSONWebKey{Key: one.Key, Algorithm: "RS256"}), false},
		"not JSON":                        {json.RawMessage(`{"keys":`), false},
	}
	for name, c := range cases {
		_, _, err := w.admin.CreateClient(context.Background(), w.actor, control.Client{TenantID: "default", WorkspaceID: "default", Name: "App",
			AuthMethod: control.AuthPrivateKeyJWT, JWKS: c.jwks}, "")
		if (err == nil) != c.ok || err != nil && control.KindOf(err) != control.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]control.Client{
		"RFC 6749 4.4: a public client with client_credentials": {AuthMethod: control.AuthNone},
		"client_secret_jwt": {AuthMethod: "client_secret_jwt"},
	} {
		c.TenantID, c.WorkspaceID, c.Name = "default", "default", "App"
		if _, _, err := w.admin.CreateClient(context.Background(), w.actor, c, ""); control.KindOf(err) != control.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A client that changes how it proves itself loses what it proved itself with.
func TestChangeOfAuthMethod(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	client, secret := w.client(control.Client{})
	key := keyOf(t, jose.ES256)
	client.AuthMethod, client.JWKS = control.AuthPrivateKeyJWT, setOf(t, jose.JSONWebKey{Key: key.Public()})
	client, err := w.admin.UpdateClient(ctx, w.actor, client)
	if err != nil {
		t.Fatal(err)
	}
	if a := w.post(tokenPath, credentialsGrant, client.ID, secret); a.status != 401 {
		t.Errorf("the secret still works: %d", a.status)
	}
	if a := w.post(tokenPath, asserted(w.sign(jose.ES256, key, "", w.claimsOf(client.ID))), "", ""); a.status != 200 {
		t.Errorf("the key does not work: %d %s", a.status, a.raw)
	}
	if s, err := w.admin.ClientSecret(ctx, w.actor, client.ID); s != "" || err != nil {
		t.Errorf("a secret is left: %v", err)
	}
	if _, err := w.admin.RotateClientSecret(ctx, w.actor, client.ID); control.KindOf(err) != control.Malformed || err == nil {
		t.Errorf("rotated: %v", err)
	}
	client.AuthMethod = control.AuthBasic
	if _, err := w.admin.UpdateClient(ctx, w.actor, client); err != nil {
		t.Fatal(err)
	}
	if a := w.post(tokenPath, credentialsGrant, client.ID, secret); a.status != 401 {
		t.Errorf("the old secret came back: %d", a.status)
	}
	if s, err := w.admin.ClientSecret(ctx, w.actor, client.ID); err != nil || w.token(client.ID, s) == "" {
		t.Errorf("no new secret: %v", err)
	}
}
