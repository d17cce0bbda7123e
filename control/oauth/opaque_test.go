package oauth

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"portcullis/control"

	"github.com/go-jose/go-jose/v4"
)

// with changes the default workspace.
func (w *world) with(change func(*control.Workspace)) {
	w.t.Helper()
	ws, err := w.admin.GetWorkspace(context.Background(), w.actor, "default")
	if err != nil {
		w.t.Fatal(err)
	}
	change(&ws)
	if _, err := w.admin.UpdateWorkspace(context.Background(), w.actor, ws); err != nil {
		w.t.Fatal(err)
	}
}

// RFC 6749 1.4: a token may be a mere identifier; RFC 7662 says what it is worth.
func TestOpaqueTokens(t *testing.T) {
	w := newWorld(t)
	w.scope("read")
	ctx := context.Background()
	app, secret := w.app(func(c *control.Client) { c.GrantTypes = append(c.GrantTypes, "client_credentials") })
	before := w.token(app.ID, secret)
	w.with(func(ws *control.Workspace) { ws.AccessTokenStrategy = control.TokensOpaque })
	token := w.token(app.ID, secret)
	if !strings.HasPrefix(token, opaquePrefix) || strings.Contains(token, ".") {
		t.Fatalf("not opaque: %s", token)
	}
	introspect := func(token string) map[string]any {
		a := w.post("/default/default/oauth2/introspect", url.Values{"token": {token}}, app.ID, secret)
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		return a.body
	}
	got := introspect(token)
	if got["active"] != true || got["sub"] != app.ID || got["client_id"] != app.ID || got["scope"] != "read" || got["exp"] != float64(w.now.Add(time.Hour).Unix()) || got["iss"] != w.server.URL+"/default/default" {
		t.Errorf("RFC 7662 2.2: %v", got)
	}
	if res, err := w.issuer.Introspect(ctx, "default", "default", token); err != nil || !res.Active { // what a gateway asks
		t.Errorf("%+v, %v", res, err)
	}
	if got := introspect(before); got["active"] != true {
		t.Error("a JWT from before the change no longer works")
	}
	if _, err := w.store.AccessToken(ctx, token); err == nil {
		t.Error("the token itself is stored")
	}
	for name, bad := range map[string]string{"another": token[:len(token)-1] + "!", "longer": token + "x", "the prefix": opaquePrefix, "upper case": strings.ToUpper(token)} {
		if got := introspect(bad); got["active"] != false || len(got) != 1 {
			t.Errorf("RFC 7662 2.2: %s: %v", name, got)
		}
	}
	for _, wid := range []string{"admin", "system"} {
		if res, err := w.issuer.Introspect(ctx, "default", wid, token); err != nil || res.Active {
			t.Errorf("the workspace %s takes it: %v", wid, err)
		}
		if _, err := w.issuer.Actor(ctx, wid, token); control.KindOf(err) != control.Unauthenticated || err == nil {
			t.Errorf("the API of %s takes it: %v", wid, err)
		}
	}
	if a := w.post("/default/default/oauth2/revoke", url.Values{"token": {token}}, app.ID, secret); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	if got := introspect(token); got["active"] != false {
		t.Error("RFC 7009 2: revoked, and active")
	}
	second := w.token(app.ID, secret)
	w.now = w.now.Add(time.Hour)
	if got := introspect(second); got["active"] != false {
		t.Error("RFC 7662 4: expired, and active")
	}
	// Of a user: the ID token stays a JWT, userinfo takes the access token, ending the grant ends it.
	b := &browser{w: w}
	a := w.post(tokenPath, exchange(b.code(request(app))), app.ID, secret)
	access, _ := a.body["access_token"].(string)
	if id, _ := a.body["id_token"].(string); !strings.HasPrefix(access, opaquePrefix) || strings.Count(id, ".") != 2 {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	if user := b.send("GET", "/default/default/userinfo", nil, "Authorization", "Bearer "+access); user.status != 200 || user.body["preferred_username"] != "admin" {
		t.Errorf("OpenID Connect Core 5.3: %d %s", user.status, user.raw)
	}
	if a := w.post("/default/default/oauth2/revoke", url.Values{"token": {a.body["refresh_token"].(string)}}, app.ID, secret); a.status != 200 {
		t.Fatal(a.raw)
	}
	if got := introspect(access); got["active"] != false {
		t.Error("RFC 7009 2.1: the grant is over, and its access token active")
	}
}

// RFC 7518 3.1, RFC 8037 3.1: the algorithm of a workspace's tokens follows its key type with the next rotation; old
// tokens go on, and the key set has both keys.
func TestKeyTypes(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	client, secret := w.client(control.Client{})
	old := w.token(client.ID, secret)
	for kind, algorithm := range map[string]jose.SignatureAlgorithm{"rsa": jose.RS256, "ps": jose.PS256, "eddsa": jose.EdDSA, "ecdsa": jose.ES256} {
		w.with(func(ws *control.Workspace) { ws.KeyType = kind })
		if _, err := w.admin.RotateKey(ctx, w.actor, "default"); err != nil {
			t.Fatal(err)
		}
		token := w.token(client.ID, secret)
		jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{algorithm})
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		// By the published key alone, as an authorizer does.
		set := w.get("/default/default/.well-known/jwks.json")
		if payload, ok := verifyWith(jws, []byte(set.raw)); !ok || !strings.Contains(string(payload), client.ID) {
			t.Errorf("%s: the published keys do not verify the token", kind)
		}
		if _, err := w.issuer.VerifyAccessToken(ctx, "default", "default", token); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if _, err := w.issuer.VerifyAccessToken(ctx, "default", "default", old); err != nil {
			t.Errorf("%s: the old token: %v", kind, err)
		}
		algs := w.get("/default/default/.well-known/openid-configuration").body["id_token_signing_alg_values_supported"].([]any)
		if len(algs) != 1 || algs[0] != string(algorithm) {
			t.Errorf("RFC 8414 2: %s: %v", kind, algs)
		}
	}
}

// RFC 8707 2, 2.2.
func TestResource(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	for id, aud := range map[string]string{"pets": "https://pets.example.com", "shop": "https://shop.example.com"} {
		if _, err := w.admin.CreateService(ctx, w.actor, control.Service{TenantID: "default", WorkspaceID: "default", ID: id, Name: id, CustomAudience: aud}); err != nil {
			t.Fatal(err)
		}
	}
	client, secret := w.client(control.Client{})
	audience := func(resources ...string) (answer, []string) {
		a := w.post(tokenPath, url.Values{"grant_type": {"client_credentials"}, "resource": resources}, client.ID, secret)
		if a.status != 200 {
			return a, nil
		}
		c, err := w.issuer.VerifyAccessToken(ctx, "default", "default", a.body["access_token"].(string))
		if err != nil {
			t.Fatal(err)
		}
		return a, c.Audience
	}
	const pets, shop = "https://pets.example.com", "https://shop.example.com"
	for name, c := range map[string]struct{ ask, want []string }{
		"none: all services": {nil, []string{client.ID, pets, shop}},
		"2.2: one":           {[]string{pets}, []string{client.ID, pets}},
		"2: several":         {[]string{shop, pets}, []string{client.ID, shop, pets}},
	} {
		if a, got := audience(c.ask...); !slices.Equal(got, c.want) {
			t.Errorf("RFC 8707 %s: %v (%s)", name, got, a.raw)
		}
	}
	for _, bad := range []string{"https://elsewhere.example.com", pets + "/", pets + "#f", "", w.server.URL + "/api/admin/default"} {
		if a, _ := audience(bad); a.status != 400 || a.body["error"] != "invalid_target" {
			t.Errorf("RFC 8707 2: %q: %d %s", bad, a.status, a.raw)
		}
	}
}
