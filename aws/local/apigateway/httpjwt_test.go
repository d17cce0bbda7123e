package apigateway_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v2 "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/google/go-cmp/cmp"
)

// tokenIssuer is an OpenID Connect issuer with one key.
type tokenIssuer struct {
	t     *testing.T
	key   *rsa.PrivateKey
	srv   *httptest.Server
	asked int
}

func newTokenIssuer(t *testing.T) *tokenIssuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &tokenIssuer{t: t, key: key}
	i.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked++
		if r.URL.Path == "/.well-known/openid-configuration" {
			json.NewEncoder(w).Encode(map[string]string{"issuer": i.srv.URL, "jwks_uri": i.srv.URL + "/keys"})
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{"kty": "EC", "kid": "other"},
			map[string]string{"kty": "RSA", "kid": "k1", "n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())}}})
	}))
	t.Cleanup(i.srv.Close)
	return i
}

// token signs claims; alg PS256 is signed as such, everything else with PKCS #1.
func (i *tokenIssuer) token(alg, kid string, claims map[string]any) string {
	i.t.Helper()
	enc := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			i.t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := enc(map[string]string{"alg": alg, "kid": kid}) + "." + enc(claims)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(nil, i.key, crypto.SHA256, sum[:])
	if alg == "PS256" {
		sig, err = rsa.SignPSS(rand.Reader, i.key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	if err != nil {
		i.t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// TestJWTAuthorizer: each check on a token, what the integration sees of it, and keys that are kept for two hours.
// Source: Developer Guide, "Control access to HTTP APIs with JWT authorizers in API Gateway".
func TestJWTAuthorizer(t *testing.T) {
	i := newTokenIssuer(t)
	h := newHTTPBench(t, nil)
	z, err := h.c.CreateAuthorizer(t.Context(), &v2.CreateAuthorizerInput{ApiId: &h.id, Name: aws.String("tokens"), AuthorizerType: types.AuthorizerTypeJwt, IdentitySource: []string{"$request.header.Authorization"},
		JwtConfiguration: &types.JWTConfiguration{Issuer: &i.srv.URL, Audience: []string{"shop", "pets"}}})
	if err != nil {
		t.Fatal(err)
	}
	for key, scopes := range map[string][]string{"GET /pets": nil, "POST /pets": {"write", "admin"}} {
		if _, err := h.c.CreateRoute(t.Context(), &v2.CreateRouteInput{ApiId: &h.id, RouteKey: &key, Target: &h.backend, AuthorizationType: types.AuthorizationTypeJwt, AuthorizerId: z.AuthorizerId, AuthorizationScopes: scopes}); err != nil {
			t.Fatal(err)
		}
	}
	now := h.clock().Unix()
	with := func(change ...any) map[string]any {
		c := map[string]any{"iss": i.srv.URL, "aud": "pets", "exp": now + 60, "iat": now, "sub": "user|123", "roles": []any{"a", "b"}, "n": 7}
		for k := 0; k < len(change); k += 2 {
			c[change[k].(string)] = change[k+1]
			if change[k+1] == nil {
				delete(c, change[k].(string))
			}
		}
		return c
	}
	good := i.token("RS256", "k1", with())
	forged := strings.Split(good, ".")
	for _, c := range []struct {
		name, verb, token string
		status            int
		challenge         string
	}{
		{"good", "GET", good, 200, ""},
		{"PS256", "GET", i.token("PS256", "k1", with()), 200, ""},
		{"list of audiences", "GET", i.token("RS256", "k1", with("aud", []string{"x", "shop"})), 200, ""},
		{"client_id for aud", "GET", i.token("RS256", "k1", with("aud", nil, "client_id", "shop")), 200, ""},
		{"client_id beside aud", "GET", i.token("RS256", "k1", with("aud", "x", "client_id", "shop")), 401, "the token has an invalid audience"},
		{"no audience", "GET", i.token("RS256", "k1", with("aud", nil)), 401, "the token has an invalid audience"},
		{"expired", "GET", i.token("RS256", "k1", with("exp", now)), 401, "the token has expired"},
		{"no end", "GET", i.token("RS256", "k1", with("exp", nil)), 401, "the token has expired"},
		{"not yet", "GET", i.token("RS256", "k1", with("nbf", now+1)), 401, "the token is not valid yet (nbf)"},
		{"from the future", "GET", i.token("RS256", "k1", with("iat", now+1)), 401, "the token is not valid yet (iat)"},
		{"another issuer", "GET", i.token("RS256", "k1", with("iss", "https://example.com")), 401, "the token has an invalid issuer"},
		{"unknown key", "GET", i.token("RS256", "k2", with()), 401, "the signing key of the token is unknown"},
		{"none", "GET", i.token("none", "k1", with()), 401, "the token is signed with an unsupported algorithm"},
		{"HS256", "GET", i.token("HS256", "k1", with()), 401, "the token is signed with an unsupported algorithm"},
		{"forged", "GET", forged[0] + "." + forged[1] + "." + strings.Repeat("A", len(forged[2])), 401, "the signature of the token is wrong"},
		{"no JWT", "GET", "opaque", 401, "the token is not a JWT"},
		{"scope", "POST", i.token("RS256", "k1", with("scope", "read write")), 200, ""},
		{"scp", "POST", i.token("RS256", "k1", with("scp", []string{"admin"})), 200, ""},
		{"no scope", "POST", i.token("RS256", "k1", with("scope", "read writes")), 403, "the token has none of the scopes that the route needs"},
	} {
		for _, prefix := range []string{"Bearer ", ""} {
			r := h.call(h.id, c.verb, "/pets", "", "Authorization", prefix+c.token)
			if r.status != c.status || c.challenge != "" && !strings.HasSuffix(r.header.Get("Www-Authenticate"), ` error_description="`+c.challenge+`"`) {
				t.Errorf("%s: %d %s %s", c.name, r.status, r.body, r.header.Get("Www-Authenticate"))
			}
		}
	}
	r := h.call(h.id, "GET", "/pets", "")
	if wantReply(t, r, 401, `{"message":"Unauthorized"}`); r.header.Get("Www-Authenticate") != "Bearer" {
		t.Errorf("%v", r.header)
	}
	if i.asked != 2 {
		t.Errorf("the issuer was asked %d times", i.asked)
	}
	h.call(h.id, "POST", "/pets", "", "Authorization", i.token("RS256", "k1", with("scope", "read write", "exp", now+99999, "iat", nil)))
	want := map[string]any{"jwt": map[string]any{"scopes": []any{"write"}, "claims": map[string]any{"iss": i.srv.URL, "aud": "pets", "exp": new(big.Int).SetInt64(now + 99999).String(), "sub": "user|123", "roles": "[a b]", "n": "7", "scope": "read write"}}}
	if d := cmp.Diff(want, h.lastEvent()["requestContext"].(map[string]any)["authorizer"]); d != "" {
		t.Error(d)
	}
	i.srv.Close()
	h.advance(time.Hour)
	late := i.token("RS256", "k1", with("exp", now+99999))
	wantReply(t, h.call(h.id, "GET", "/pets", "", "Authorization", late), 200, "GET /pets")
	h.advance(time.Hour)
	wantReply(t, h.call(h.id, "GET", "/pets", "", "Authorization", late), 401, `{"message":"Unauthorized"}`)

	for name, in := range map[string]*v2.CreateAuthorizerInput{
		"no configuration": {},
		"no audience":      {JwtConfiguration: &types.JWTConfiguration{Issuer: aws.String("https://example.com")}},
		"http":             {JwtConfiguration: &types.JWTConfiguration{Issuer: aws.String("http://example.com"), Audience: []string{"x"}}},
		"a function":       {JwtConfiguration: &types.JWTConfiguration{Issuer: aws.String("https://example.com"), Audience: []string{"x"}}, AuthorizerUri: aws.String(functionURI)},
	} {
		in.ApiId, in.Name, in.AuthorizerType, in.IdentitySource = &h.id, &name, types.AuthorizerTypeJwt, []string{"$request.header.Authorization"}
		_, err := h.c.CreateAuthorizer(t.Context(), in)
		t.Log(name)
		wantError(t, err, "BadRequestException", "")
	}
	_, err = h.c.CreateRoute(t.Context(), &v2.CreateRouteInput{ApiId: &h.id, RouteKey: aws.String("PUT /pets"), AuthorizationType: types.AuthorizationTypeCustom, AuthorizerId: z.AuthorizerId})
	wantError(t, err, "BadRequestException", "")
}
