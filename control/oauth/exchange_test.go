package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
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

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

// tokenMaker is another provider with one key, reachable by its metadata.
type tokenMaker struct {
	*httptest.Server
	key *ecdsa.PrivateKey
	w   *world
}

func newTokenMaker(t *testing.T, w *world) *tokenMaker {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m := &tokenMaker{key: key, w: w}
	m.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			json.NewEncoder(rw).Encode(map[string]any{"issuer": m.URL, "authorization_endpoint": m.URL + "/authorize", "token_endpoint": m.URL + "/token", "jwks_uri": m.URL + "/keys"})
		case "/keys":
			json.NewEncoder(rw).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
		default:
			http.NotFound(rw, r)
		}
	}))
	t.Cleanup(m.Close)
	return m
}

// claims are those of a good access token.
func (m *tokenMaker) claims(change map[string]any) map[string]any {
	c := map[string]any{"iss": m.URL, "sub": "joe", "aud": []string{"https://elsewhere.example.com", m.w.server.URL + "/default/default"}, "exp": m.w.now.Add(10 * time.Minute).Unix(),
		"iat": m.w.now.Unix(), "scope": "pets.read users.joe unknown", "name": "Joe", "email": "joe@example.com", "groups": []string{"staff"}, "amr": []string{"pwd", "mfa"}, "acr": "high",
		"tid": "theirs", "client_id": "theirs", "auth_time": m.w.now.Add(-time.Hour).Unix()}
	maps.Copy(c, change)
	for k, v := range c {
		if v == nil {
			delete(c, k)
		}
	}
	return c
}

func (m *tokenMaker) sign(key any, alg jose.SignatureAlgorithm, claims map[string]any) string {
	m.w.t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: "k1"}}, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		m.w.t.Fatal(err)
	}
	body, _ := json.Marshal(claims)
	jws, err := s.Sign(body)
	if err != nil {
		m.w.t.Fatal(err)
	}
	text, _ := jws.CompactSerialize()
	return text
}

// exchangeWorld has the provider "okta", and a gateway that may exchange its tokens.
func exchangeWorld(t *testing.T) (*world, *tokenMaker, func() control.Exchange, control.Gateway) {
	t.Helper()
	w := newWorld(t, func(o *admin.Options) {
		o.Outbound = outbound.Client(outbound.Options{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	})
	m := newTokenMaker(t, w)
	w.scope("pets.read", "pets.write", "users.*")
	ctx := context.Background()
	if _, err := w.admin.CreateIDP(ctx, w.actor, control.IDP{ID: "okta", TenantID: "default", WorkspaceID: "default", Name: "Okta", Method: control.MethodOIDC,
		OIDC: &control.OIDCSettings{IssuerURL: m.URL, ClientID: "portcullis", AuthMethod: control.AuthNone, Scopes: []string{"openid"}, Algorithms: []string{"ES256"}}}, ""); err != nil {
		t.Fatal(err)
	}
	g, err := w.admin.CreateGateway(ctx, w.actor, control.GatewayCreate{WorkspaceID: "default", Name: "AWS", Type: "aws"})
	if err != nil {
		t.Fatal(err)
	}
	up, err := w.admin.UpdateGateway(ctx, w.actor, g.ID, control.GatewayUpdate{Name: "AWS", TokenExchange: &control.TokenExchange{Enabled: true, TrustedIDPs: []string{"okta"}}})
	if err != nil {
		t.Fatal(err)
	}
	return w, m, func() control.Exchange {
		t.Helper()
		client, err := w.store.Client(ctx, "default", g.ClientID)
		if err != nil {
			t.Fatal(err)
		}
		actor, err := w.admin.ActorForToken(ctx, "default", control.SystemWorkspace, g.ClientID, client.Scopes)
		if err != nil {
			t.Fatal(err)
		}
		x, err := w.admin.TokenExchange(ctx, actor)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}, up
}

// TestExchange: RFC 8693 2.2: the token that is given is a good one of the workspace, for the same person.
func TestExchange(t *testing.T) {
	w, m, exchange, g := exchangeWorld(t)
	ctx := context.Background()
	got, err := w.issuer.Exchange(ctx, exchange(), m.sign(m.key, jose.ES256, m.claims(nil)))
	if err != nil || !got.Exchanged || got.Error != "" || got.ExpiresIn != 600 {
		t.Fatalf("%+v, %v", got, err)
	}
	c, err := w.issuer.VerifyAccessToken(ctx, "default", "default", got.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	if c.Subject != "okta:joe" || c.IDP != "okta" || c.ClientID != g.ClientID || c.Tenant != "default" || c.Expiry != w.now.Add(10*time.Minute).Unix() || c.Name != "Joe" || c.Email != "joe@example.com" ||
		c.ACR != "high" || string(c.Attributes["groups"]) != `["staff"]` || c.AuthTime != w.now.Add(-time.Hour).Unix() {
		t.Errorf("%+v", c)
	}
	if diff := cmp.Diff([]string{"pets.read", "users.joe"}, c.Scopes); diff != "" { // never more than both sides know
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"pwd", "mfa"}, c.AMR); diff != "" {
		t.Error(diff)
	}
	// It can be ended as any other.
	if again, err := w.issuer.Exchange(ctx, exchange(), got.AccessToken); err != nil || again.Exchanged || again.Error != "" {
		t.Errorf("a token of the workspace itself: %+v, %v", again, err)
	}
	if err := w.admin.RevokeTokens(ctx, w.actor, "default", "", "okta:joe"); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Second)
	if again, err := w.issuer.Exchange(ctx, exchange(), got.AccessToken); err != nil || again.Error != ExchangeInvalid {
		t.Errorf("a revoked token of the workspace: %+v, %v", again, err)
	}
	// The lifetime is the workspace's where the other token lives longer.
	long, err := w.issuer.Exchange(ctx, exchange(), m.sign(m.key, jose.ES256, m.claims(map[string]any{"exp": w.now.Add(100 * time.Hour).Unix(), "aud": m.w.server.URL + "/default/default",
		"scp": []string{"pets.write"}, "scope": nil})))
	if err != nil || long.ExpiresIn != 3600 {
		t.Errorf("%+v, %v", long, err)
	}
	if c, err := w.issuer.VerifyAccessToken(ctx, "default", "default", long.AccessToken); err != nil || !slices.Equal(c.Scopes, []string{"pets.write"}) {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestExchangeRefuses: what does not prove itself is not exchanged, and neither is what is meant for somebody else.
func TestExchangeRefuses(t *testing.T) {
	w, m, exchange, _ := exchangeWorld(t)
	ctx := context.Background()
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := m.sign(m.key, jose.ES256, m.claims(nil))
	parts := strings.Split(good, ".")
	signed := func(change map[string]any) string { return m.sign(m.key, jose.ES256, m.claims(change)) }
	for name, c := range map[string]struct{ token, want string }{
		"no JWT":                                {"opaque", ExchangeUntrusted},
		"nothing":                               {"", ExchangeUntrusted},
		"another issuer":                        {signed(map[string]any{"iss": "https://evil.example.com"}), ExchangeUntrusted},
		"no issuer":                             {signed(map[string]any{"iss": nil}), ExchangeUntrusted},
		"issuer with a slash":                   {signed(map[string]any{"iss": m.URL + "/"}), ExchangeUntrusted},
		"another key (RFC 7515 5.2)":            {m.sign(other, jose.ES256, m.claims(nil)), ExchangeInvalid},
		"HS256 (RFC 8725 3.1)":                  {m.sign([]byte(strings.Repeat("k", 32)), jose.HS256, m.claims(nil)), ExchangeInvalid},
		"none (RFC 8725 3.1)":                   {"eyJhbGciOiJub25lIn0." + parts[1] + "." + parts[2], ExchangeInvalid},
		"altered":                               {parts[0] + "." + parts[1] + "." + parts[2][:len(parts[2])-4] + "AAAA", ExchangeInvalid},
		"expired (RFC 7519 4.1.4)":              {signed(map[string]any{"exp": w.now.Add(-time.Minute).Unix()}), ExchangeInvalid},
		"without an end":                        {signed(map[string]any{"exp": nil}), ExchangeInvalid},
		"not yet (RFC 7519 4.1.5)":              {signed(map[string]any{"nbf": w.now.Add(time.Hour).Unix()}), ExchangeInvalid},
		"from the future":                       {signed(map[string]any{"iat": w.now.Add(time.Hour).Unix()}), ExchangeInvalid},
		"for somebody else (RFC 9068 4)":        {signed(map[string]any{"aud": "https://elsewhere.example.com"}), ExchangeInvalid},
		"an ID token (aud is the client)":       {signed(map[string]any{"aud": "portcullis", "nonce": "n"}), ExchangeInvalid},
		"for nobody":                            {signed(map[string]any{"aud": nil}), ExchangeInvalid},
		"without a subject":                     {signed(map[string]any{"sub": nil}), ExchangeInvalid},
		"bound to a key (RFC 7800 3.1)":         {signed(map[string]any{"cnf": map[string]string{"jkt": "x"}}), ExchangeInvalid},
		"says it is from the workspace, is not": {m.sign(m.key, jose.ES256, m.claims(map[string]any{"iss": w.server.URL + "/default/default"})), ExchangeInvalid},
	} {
		got, err := w.issuer.Exchange(ctx, exchange(), c.token)
		if err != nil || got != (Exchanged{Error: c.want}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if got, err := w.issuer.Exchange(ctx, exchange(), good); err != nil || !got.Exchanged {
		t.Fatalf("the good one: %+v, %v", got, err)
	}

	// A provider that is switched off, or no longer trusted, is as good as unknown.
	p, err := w.admin.GetIDP(ctx, w.actor, "default", "okta")
	if err != nil {
		t.Fatal(err)
	}
	p.Disabled = true
	if _, err := w.admin.UpdateIDP(ctx, w.actor, p, ""); err != nil {
		t.Fatal(err)
	}
	if got, err := w.issuer.Exchange(ctx, exchange(), good); err != nil || got.Error != ExchangeUntrusted {
		t.Errorf("switched off: %+v, %v", got, err)
	}
	p.Disabled = false
	w.now = w.now.Add(time.Second)
	if _, err := w.admin.UpdateIDP(ctx, w.actor, p, ""); err != nil {
		t.Fatal(err)
	}
	// An outage of the provider is none of the token's fault.
	m.Close()
	if got, err := w.issuer.Exchange(ctx, exchange(), good); control.KindOf(err) != control.Unavailable || got.Exchanged {
		t.Errorf("the provider is away: %+v, %v", got, err)
	}
}
