package token

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	golangjwt "github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"

	jose "github.com/go-jose/go-jose/v4"
)

// TestAgainstAnotherLibrary: whatever we accept, an independent implementation accepts under the same rules and reads
// the same claims from. The reverse does not hold, on purpose: we are stricter.
func TestAgainstAnotherLibrary(t *testing.T) {
	v := newVerifier(t, Options{CacheSize: -1})
	other := golangjwt.NewParser(golangjwt.WithValidMethods([]string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}),
		golangjwt.WithIssuer(ourIssuer), golangjwt.WithAudience(service), golangjwt.WithExpirationRequired(), golangjwt.WithIssuedAt(), golangjwt.WithLeeway(60*time.Second),
		golangjwt.WithTimeFunc(func() time.Time { return now }), golangjwt.WithStrictDecoding())
	keyOf := func(tok *golangjwt.Token) (any, error) {
		kid, _ := tok.Header["kid"].(string)
		if k := keyring()[kid]; k != nil {
			return k.Public(), nil
		}
		return nil, golangjwt.ErrTokenUnverifiable
	}
	accepted, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		alg := rapid.SampledFrom([]string{"RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"}).Draw(t, "alg")
		near := rapid.Int64Range(now.Unix()-120, now.Unix()+120)
		c := map[string]any{"iss": ourIssuer, "aud": service, "exp": now.Unix() + 600}
		for _, name := range []string{"exp", "nbf", "iat"} {
			if rapid.IntRange(0, 3).Draw(t, "set "+name) == 0 {
				c[name] = near.Draw(t, name)
			}
		}
		switch rapid.IntRange(0, 7).Draw(t, "aud") {
		case 0:
			c["aud"] = []string{"a", service}
		case 1:
			c["aud"] = []string{"a"}
		case 2:
			c["iss"] = rapid.SampledFrom([]any{"x", nil, 1, ourIssuer + "/"}).Draw(t, "iss")
		}
		for k, x := range rapid.MapOfN(rapid.StringMatching(`[a-z]{5,8}`), rapid.String(), 0, 4).Draw(t, "more") {
			c[k] = x
		}
		body, _ := json.Marshal(c)
		name := keyFor[alg]
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: keyring()[name], KeyID: name}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		jws, err := s.Sign(body)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := jws.CompactSerialize()
		if rapid.IntRange(0, 2).Draw(t, "mutate") == 0 {
			i := rapid.IntRange(0, len(raw)-1).Draw(t, "at")
			raw = raw[:i] + rapid.SampledFrom([]string{"", "A", "_", ".", "=", "\n", "+"}).Draw(t, "with") + raw[i+1:]
		}
		got, err := v.Verify(t.Context(), raw, forService)
		if err != nil {
			refused++
			return
		}
		accepted++
		claims := golangjwt.MapClaims{}
		if _, err := other.ParseWithClaims(raw, claims, keyOf); err != nil {
			t.Fatalf("accepted a token that golang-jwt refuses: %v", err)
		}
		if want := map[string]any(claims); !reflect.DeepEqual(plainNumbers(clone(got)), want) {
			t.Fatalf("claims: %v, golang-jwt reads %v", got, want)
		}
		if strings.ContainsAny(raw, "\n=+") {
			t.Fatal("accepted another spelling")
		}
	})
	if accepted == 0 || refused == 0 {
		t.Errorf("%d accepted, %d refused: the generator is of no use", accepted, refused)
	}
}

// clone keeps the shared map of the verifier untouched.
func clone(m map[string]any) map[string]any {
	b, _ := json.Marshal(m)
	out, err := parseObject(b)
	if err != nil {
		panic(err)
	}
	return out
}
