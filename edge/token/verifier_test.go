package token

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

const (
	ourIssuer = "https://acp.example.com/default/demo"
	service   = "spiffe://acp.example.com/default/demo/s1"
)

// keyring holds one key of each kind, made once: RSA keys are slow to make.
var keyring = sync.OnceValue(func() map[string]crypto.Signer {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	p521, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	return map[string]crypto.Signer{"rsa": rsaKey, "p256": p256, "p384": p384, "p521": p521, "ed": ed}
})

var keyFor = map[string]string{"RS256": "rsa", "RS384": "rsa", "RS512": "rsa", "PS256": "rsa", "PS384": "rsa", "PS512": "rsa",
	"ES256": "p256", "ES384": "p384", "ES512": "p521", "EdDSA": "ed"}

func jwks(t testing.TB, keys ...jose.JSONWebKey) []byte {
	t.Helper()
	b, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func allKeys(t testing.TB) []byte {
	var keys []jose.JSONWebKey
	for name, k := range keyring() {
		keys = append(keys, jose.JSONWebKey{Key: k.Public(), KeyID: name, Use: "sig"})
	}
	return jwks(t, keys...)
}

func claims(edit func(map[string]any)) map[string]any {
	c := map[string]any{"iss": ourIssuer, "sub": "joe", "aud": []string{"client-1", service}, "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "nbf": now.Unix()}
	if edit != nil {
		edit(c)
	}
	return c
}

func sign(t testing.TB, alg string, payload []byte, headers map[jose.HeaderKey]any) string {
	t.Helper()
	name := keyFor[alg]
	o := &jose.SignerOptions{ExtraHeaders: headers}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: keyring()[name], KeyID: name}}, o)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func good(t testing.TB, edit func(map[string]any)) string {
	b, _ := json.Marshal(claims(edit))
	return sign(t, "ES256", b, map[jose.HeaderKey]any{"typ": "JWT"})
}

func newVerifier(t testing.TB, o Options) *Verifier {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return now }
	}
	v, problems := New(o, []Issuer{{URL: ourIssuer, JWKS: allKeys(t)}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return v
}

var forService = Expect{Audiences: []string{service}}

func reasonOf(v *Verifier, raw string) Reason {
	_, err := v.Verify(context.Background(), raw, forService)
	if err == nil {
		return ""
	}
	return ReasonOf(err)
}

func TestAlgorithms(t *testing.T) {
	v := newVerifier(t, Options{})
	payload, _ := json.Marshal(claims(nil))
	for alg := range keyFor {
		got, err := v.Verify(t.Context(), sign(t, alg, payload, nil), forService)
		if err != nil || got["sub"] != "joe" {
			t.Errorf("%s: %v %v", alg, got, err)
		}
	}
}

func TestClaims(t *testing.T) {
	v := newVerifier(t, Options{})
	at := func(name string, d time.Duration) func(map[string]any) {
		return func(c map[string]any) { c[name] = now.Add(d).Unix() }
	}
	set := func(name string, value any) func(map[string]any) { return func(c map[string]any) { c[name] = value } }
	without := func(name string) func(map[string]any) { return func(c map[string]any) { delete(c, name) } }
	cases := []struct {
		name string
		edit func(map[string]any)
		want Reason
	}{
		{"good", nil, ""},
		{"no sub", without("sub"), ""},
		{"no nbf, no iat", func(c map[string]any) { delete(c, "nbf"); delete(c, "iat") }, ""},
		{"aud is one string", set("aud", service), ""},
		{"fractional exp", set("exp", float64(now.Unix())+0.5), ""},
		{"expired within the leeway", at("exp", -59*time.Second), ""},
		{"expired at the leeway", at("exp", -60*time.Second), Expired},
		{"no exp", without("exp"), Expired},
		{"exp null", set("exp", nil), Expired},
		{"exp is a string", set("exp", "9999999999"), Expired},
		{"exp beyond all clocks", set("exp", 1e300), Expired},
		{"negative exp", set("exp", -1), Expired},
		{"nbf within the leeway", at("nbf", 60*time.Second), ""},
		{"nbf in the future", at("nbf", 61*time.Second), NotYetValid},
		{"nbf is a string", set("nbf", "0"), Malformed},
		{"iat in the future", at("iat", 2*time.Minute), NotYetValid},
		{"iss of somebody else", set("iss", "https://evil.example.com"), WrongIssuer},
		{"iss with a slash more", set("iss", ourIssuer+"/"), WrongIssuer},
		{"iss in another case", set("iss", strings.ToUpper(ourIssuer)), WrongIssuer},
		{"no iss", without("iss"), WrongIssuer},
		{"iss is a list", set("iss", []string{ourIssuer}), WrongIssuer},
		{"aud of somebody else", set("aud", "other"), WrongAudience},
		{"aud is a prefix", set("aud", service[:10]), WrongAudience},
		{"no aud", without("aud"), WrongAudience},
		{"aud empty list", set("aud", []string{}), WrongAudience},
		{"aud empty string", set("aud", ""), WrongAudience},
		{"aud null", set("aud", nil), WrongAudience},
		{"aud holds an object", set("aud", []any{map[string]any{"x": service}}), WrongAudience},
		{"no aud but a fitting client_id: only external issuers", func(c map[string]any) { delete(c, "aud"); c["client_id"] = service }, WrongAudience},
		{"an ID token of Cognito's form", set("token_use", "id"), WrongType},
	}
	for _, c := range cases {
		if got := reasonOf(v, good(t, c.edit)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if _, err := v.Verify(t.Context(), good(t, nil), Expect{}); ReasonOf(err) != WrongAudience {
		t.Errorf("without an expected audience: %v", err)
	}
	if _, err := v.Verify(t.Context(), good(t, func(c map[string]any) { c["aud"] = "" }), Expect{Audiences: []string{""}}); ReasonOf(err) != WrongAudience {
		t.Errorf("an empty audience is none: %v", err)
	}
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// TestAttacks is the list of known tricks with JWTs. None may be accepted; the reason is what the record will say.
func TestAttacks(t *testing.T) {
	v := newVerifier(t, Options{})
	tok := good(t, nil)
	if got := reasonOf(v, tok); got != "" {
		t.Fatal(got)
	}
	parts := strings.Split(tok, ".")
	body, _ := json.Marshal(claims(nil))
	attacker, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	by := func(headers map[jose.HeaderKey]any, kid string) string {
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: attacker, KeyID: kid}}, &jose.SignerOptions{ExtraHeaders: headers})
		if err != nil {
			t.Fatal(err)
		}
		jws, _ := s.Sign(body)
		out, _ := jws.CompactSerialize()
		return out
	}
	embedded := func() string {
		s, _ := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: attacker}, &jose.SignerOptions{EmbedJWK: true})
		jws, _ := s.Sign(body)
		out, _ := jws.CompactSerialize()
		return out
	}
	hmacWith := func(secret []byte, header string) string {
		input := b64(header) + "." + base64.RawURLEncoding.EncodeToString(body)
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(input))
		return input + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
	}
	pub, _ := x509.MarshalPKIXPublicKey(keyring()["rsa"].Public())
	raw := func(payload string) string { return sign(t, "ES256", []byte(payload), nil) }
	exp := fmt.Sprint(now.Add(time.Hour).Unix())
	whole := `"iss":"` + ourIssuer + `","aud":"` + service + `","exp":` + exp
	// The last character of an ES256 signature has four unused bits; flipping one keeps the bytes the same.
	trailing := tok[:len(tok)-1] + string(flip(tok[len(tok)-1]))

	cases := []struct {
		name, raw string
		want      Reason
	}{
		{"alg none", b64(`{"alg":"none"}`) + "." + parts[1] + ".", AlgRefused},
		{"alg none with a signature", b64(`{"alg":"none"}`) + "." + parts[1] + "." + parts[2], AlgRefused},
		{"alg NoNe", b64(`{"alg":"NoNe"}`) + "." + parts[1] + "." + parts[2], AlgRefused},
		{"no alg", b64(`{"kid":"p256"}`) + "." + parts[1] + "." + parts[2], AlgRefused},
		{"alg is a list", b64(`{"alg":["ES256"]}`) + "." + parts[1] + "." + parts[2], AlgRefused},
		{"RS to HS with the public key", hmacWith(pub, `{"alg":"HS256","kid":"rsa"}`), AlgRefused},
		{"HMAC with an empty secret", hmacWith(nil, `{"alg":"HS256","kid":"rsa"}`), AlgRefused},
		{"signature stripped", parts[0] + "." + parts[1] + ".", Malformed},
		{"signature of zeros", parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)), BadSignature},
		{"claims changed", parts[0] + "." + b64(`{"sub":"admin",`+whole+`}`) + "." + parts[2], BadSignature},
		{"alg changed to another one of the list", b64(`{"alg":"RS256","kid":"p256"}`) + "." + parts[1] + "." + parts[2], UnknownKey},
		{"alg of another curve", b64(`{"alg":"ES384","kid":"p256"}`) + "." + parts[1] + "." + parts[2], UnknownKey},
		{"signed by a stranger, our kid", by(nil, "p256"), BadSignature},
		{"signed by a stranger, no kid", by(nil, ""), BadSignature},
		{"kid is a path", by(nil, "../../dev/null"), UnknownKey},
		{"kid is SQL", by(nil, "' OR 1=1 --"), UnknownKey},
		{"kid is no string", b64(`{"alg":"ES256","kid":7}`) + "." + parts[1] + "." + parts[2], Malformed},
		{"jku", by(map[jose.HeaderKey]any{"jku": "https://evil.example.com/jwks"}, "p256"), BadSignature},
		{"x5u", by(map[jose.HeaderKey]any{"x5u": "https://evil.example.com/x"}, "p256"), BadSignature},
		{"embedded jwk", embedded(), HeaderRefused},
		{"crit", sign(t, "ES256", body, map[jose.HeaderKey]any{"crit": []string{"x"}, "x": 1}), HeaderRefused},
		{"b64 false", sign(t, "ES256", body, map[jose.HeaderKey]any{"b64": false, "crit": []string{"b64"}}), HeaderRefused},
		{"zip", b64(`{"alg":"ES256","zip":"DEF"}`) + "." + parts[1] + "." + parts[2], HeaderRefused},
		{"typ of a DPoP proof", sign(t, "ES256", body, map[jose.HeaderKey]any{"typ": "dpop+jwt"}), WrongType},
		{"typ of a logout token", sign(t, "ES256", body, map[jose.HeaderKey]any{"typ": "logout+jwt"}), WrongType},
		{"typ is no string", b64(`{"alg":"ES256","typ":{}}`) + "." + parts[1] + "." + parts[2], Malformed},
		{"duplicate member in claims", raw(`{"sub":"joe","sub":"admin",` + whole + `}`), Malformed},
		{"duplicate member, escaped", raw(`{"sub":"joe","\u0073ub":"admin",` + whole + `}`), Malformed},
		{"duplicate member, deep", raw(`{"a":{"b":[{"c":1,"c":2}]},` + whole + `}`), Malformed},
		{"duplicate alg", b64(`{"alg":"ES256","alg":"none"}`) + "." + parts[1] + "." + parts[2], Malformed},
		{"lone surrogate", raw(`{"sub":"\ud800",` + whole + `}`), Malformed},
		{"surrogates in the wrong order", raw(`{"sub":"\udc00\ud800",` + whole + `}`), Malformed},
		{"invalid UTF-8", raw("{\"sub\":\"\xff\"," + whole + "}"), Malformed},
		{"text after the claims", raw(`{` + whole + `}{}`), Malformed},
		{"claims are a list", raw(`[]`), Malformed},
		{"claims are null", raw(`null`), Malformed},
		{"claims are nothing", raw(``), Malformed},
		{"nested too deeply", raw(`{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `,` + whole + `}`), Malformed},
		{"trailing bits of the signature", trailing, Malformed},
		{"padding", parts[0] + "." + parts[1] + "." + parts[2] + "=", Malformed},
		{"line break in a part", parts[0] + "." + parts[1][:8] + "\n" + parts[1][8:] + "." + parts[2], Malformed},
		{"line break at the end", tok + "\n", Malformed},
		{"standard alphabet", strings.ReplaceAll(strings.ReplaceAll(tok, "-", "+"), "_", "/") + "+", Malformed},
		{"space before", " " + tok, Malformed},
		{"four parts", tok + ".x", OpaqueRefused},
		{"five parts (JWE)", tok + ".x.y", OpaqueRefused},
		{"JSON serialisation", `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, Malformed},
		{"empty", "", Malformed},
		{"dots", "..", Malformed},
		{"too long", tok + strings.Repeat("A", MaxLength), TooLong},
	}
	for _, c := range cases {
		if c.raw == tok {
			t.Errorf("%s: the case is the good token", c.name)
		}
		got := reasonOf(v, c.raw)
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if _, err := v.Verify(t.Context(), c.raw, forService); err != nil && len(c.raw) > 20 && strings.Contains(err.Error(), c.raw[len(c.raw)-15:]) {
			t.Errorf("%s: the error quotes the token", c.name)
		}
	}
	if got := reasonOf(v, tok); got != "" {
		t.Errorf("the good token afterwards: %s", got)
	}
}

// flip changes the lowest of the unused bits in the last base64url character.
func flip(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1]
}

// TestKeySets: which keys of a set count.
func TestKeySets(t *testing.T) {
	weak, _ := rsa.GenerateKey(rand.Reader, 1024)
	p256 := keyring()["p256"]
	b, _ := json.Marshal(claims(nil))
	tok := sign(t, "ES256", b, nil)
	cases := []struct {
		name string
		set  []byte
		want Reason
	}{
		{"plain", jwks(t, jose.JSONWebKey{Key: p256.Public(), KeyID: "p256"}), ""},
		{"alg of the key", jwks(t, jose.JSONWebKey{Key: p256.Public(), KeyID: "p256", Algorithm: "ES256"}), ""},
		{"among others that are unusable", jwks(t, jose.JSONWebKey{Key: []byte("secret-secret-secret-secret-secret"), KeyID: "p256"}, jose.JSONWebKey{Key: weak.Public(), KeyID: "w"}, jose.JSONWebKey{Key: p256.Public(), KeyID: "p256"}), ""},
		{"for encryption", jwks(t, jose.JSONWebKey{Key: p256.Public(), KeyID: "p256", Use: "enc"}), KeysUnavailable},
		{"alg of the key is another", jwks(t, jose.JSONWebKey{Key: p256.Public(), KeyID: "p256", Algorithm: "ECDH-ES"}), KeysUnavailable},
		{"private key published", jwks(t, jose.JSONWebKey{Key: p256, KeyID: "p256"}), KeysUnavailable},
		{"symmetric", jwks(t, jose.JSONWebKey{Key: []byte("secret-secret-secret-secret-secret"), KeyID: "p256"}), KeysUnavailable},
		{"empty set", []byte(`{"keys":[]}`), KeysUnavailable},
		{"no set", nil, KeysUnavailable},
		{"garbage", []byte(`x`), KeysUnavailable},
		{"an unknown key type beside it", []byte(`{"keys":[{"kty":"AKP","kid":"z"},` + strings.TrimPrefix(string(jwks(t, jose.JSONWebKey{Key: p256.Public(), KeyID: "p256"})), `{"keys":[`)), ""},
		{"key_ops without verify", []byte(strings.Replace(string(jwks(t, jose.JSONWebKey{Key: p256.Public(), KeyID: "p256"})), `"kty"`, `"key_ops":["deriveKey"],"kty"`, 1)), KeysUnavailable},
	}
	for _, c := range cases {
		v, _ := New(Options{Now: func() time.Time { return now }}, []Issuer{{URL: ourIssuer, JWKS: c.set}})
		if got := reasonOf(v, tok); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	wb, _ := json.Marshal(claims(nil))
	s, _ := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: weak, KeyID: "w"}}, nil)
	jws, _ := s.Sign(wb)
	weakToken, _ := jws.CompactSerialize()
	v, _ := New(Options{Now: func() time.Time { return now }}, []Issuer{{URL: ourIssuer, JWKS: jwks(t, jose.JSONWebKey{Key: weak.Public(), KeyID: "w"}, jose.JSONWebKey{Key: p256.Public(), KeyID: "p256"})}})
	if got := reasonOf(v, weakToken); got != UnknownKey {
		t.Errorf("1024-bit RSA: %q", got)
	}
}

// TestCache: a token is verified once, judged by time and audience on each use, forgotten with its configuration.
func TestCache(t *testing.T) {
	at := now
	v := newVerifier(t, Options{Now: func() time.Time { return at }, CacheSize: 2})
	tok := good(t, nil)
	for range 3 {
		if got := reasonOf(v, tok); got != "" {
			t.Fatal(got)
		}
	}
	if v.cache.len() != 1 {
		t.Errorf("%d entries", v.cache.len())
	}
	if _, err := v.Verify(t.Context(), tok, Expect{Audiences: []string{"spiffe://other"}}); ReasonOf(err) != WrongAudience {
		t.Errorf("other service: %v", err)
	}
	at = now.Add(time.Hour + 61*time.Second)
	if got := reasonOf(v, tok); got != Expired {
		t.Errorf("after exp: %q", got)
	}
	at = now
	for i := range 10 {
		reasonOf(v, good(t, func(c map[string]any) { c["jti"] = i }))
	}
	if v.cache.len() != 2 {
		t.Errorf("the cache grew to %d", v.cache.len())
	}
	next, _ := v.Next([]Issuer{{URL: ourIssuer, JWKS: []byte(`{"keys":[]}`)}})
	if got := reasonOf(next, tok); got != KeysUnavailable {
		t.Errorf("after the keys went: %q", got)
	}
	none, _ := v.Next(nil)
	if got := reasonOf(none, tok); got != WrongIssuer {
		t.Errorf("no issuers: %q", got)
	}
	if _, err := (&Verifier{o: v.o, cache: newCache(1)}).Verify(t.Context(), tok, forService); err == nil {
		t.Error("a verifier without issuers accepted a token")
	}
}

func TestOpaque(t *testing.T) {
	at := now
	asked := 0
	answers := map[string]map[string]any{
		"live":      {"active": true, "iss": ourIssuer, "sub": "joe", "aud": []any{service}, "exp": float64(now.Add(20 * time.Second).Unix()), "scope": "a"},
		"dead":      {"active": false},
		"odd":       {"active": "true", "aud": service, "exp": float64(now.Add(time.Hour).Unix())},
		"elsewhere": {"active": true, "iss": "https://other.example.com", "aud": service, "exp": float64(now.Add(time.Hour).Unix())},
		"noexp":     {"active": true, "aud": service},
		"otheraud":  {"active": true, "aud": "x", "exp": float64(now.Add(time.Hour).Unix())},
	}
	v := newVerifier(t, Options{Now: func() time.Time { return at }, Introspect: func(_ context.Context, raw string) (map[string]any, error) {
		asked++
		if raw == "down" {
			return nil, errors.New("down")
		}
		out := map[string]any{}
		for k, x := range answers[raw] {
			out[k] = x
		}
		return out, nil
	}})
	// While introspection is down, one token a second asks; the others are refused at once.
	for _, raw := range []string{"down", "live", "dead"} {
		if got := reasonOf(v, raw); got != IntrospectionFailed {
			t.Errorf("while down, %s: %q", raw, got)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times while down", asked)
	}
	at = at.Add(time.Second)
	for raw, want := range map[string]Reason{"live": "", "dead": Inactive, "odd": Inactive, "elsewhere": WrongIssuer, "noexp": Expired, "otheraud": WrongAudience, "unknown": Inactive} {
		for range 3 {
			if got := reasonOf(v, raw); got != want {
				t.Errorf("%s: %q, want %q", raw, got, want)
			}
		}
	}
	if asked > 10 { // "noexp" is not kept: it never was alive
		t.Errorf("asked %d times", asked)
	}
	asked = 0
	at = now.Add(30 * time.Second)
	reasonOf(v, "live")
	if asked != 0 {
		t.Error("asked again within 30 s")
	}
	at = now.Add(32 * time.Second)
	if got := reasonOf(v, "live"); got != "" || asked != 1 {
		t.Errorf("after 30 s: %q, asked %d", got, asked)
	}
	for _, raw := range []string{"", "with space", "tab\t", "ünïcode", `"quoted"`, "====", "a=b"} {
		before := asked
		if got := reasonOf(v, raw); got != Malformed || asked != before {
			t.Errorf("%q: %q, asked %d", raw, got, asked-before)
		}
	}
}

// jwksServer serves a key set that tests change, and counts.
type jwksServer struct {
	*httptest.Server
	mu     sync.Mutex
	body   []byte
	status int
	hits   int
}

func newJWKSServer(t *testing.T, body []byte) *jwksServer {
	s := &jwksServer{body: body, status: 200}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hits++
		w.WriteHeader(s.status)
		_, _ = w.Write(s.body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *jwksServer) set(status int, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.body = status, body
}

func (s *jwksServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hits
}

// TestRemoteKeys: fetch on first need, on an unknown kid at most once per pause, stale while error, and the shapes of
// external issuers.
func TestRemoteKeys(t *testing.T) {
	var mu sync.Mutex
	at := now
	advance := func(d time.Duration) { mu.Lock(); at = at.Add(d); mu.Unlock() }
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return at }
	p256 := keyring()["p256"]
	s := newJWKSServer(t, jwks(t, jose.JSONWebKey{Key: p256.Public(), KeyID: "p256"}))
	const cognito = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example"
	v, _ := New(Options{Now: clock}, []Issuer{{URL: ourIssuer, JWKS: allKeys(t)}, {URL: cognito, JWKSURL: s.URL, Audiences: []string{"app-client", "api://x"}}})
	external := func(edit func(map[string]any)) string {
		return good(t, func(c map[string]any) {
			c["iss"] = cognito
			c["aud"] = "api://x"
			c["exp"] = now.Add(1000 * time.Hour).Unix()
			if edit != nil {
				edit(c)
			}
		})
	}
	if got := reasonOf(v, external(nil)); got != "" || s.count() != 1 {
		t.Fatalf("%q, %d fetches", got, s.count())
	}
	shapes := []struct {
		name string
		edit func(map[string]any)
		want Reason
	}{
		{"Auth0: aud list, azp", func(c map[string]any) {
			c["aud"] = []string{"api://x", "https://t.auth0.com/userinfo"}
			c["azp"] = "app"
		}, ""},
		{"Entra: scp text, ver 2.0", func(c map[string]any) { c["scp"] = "a b"; c["ver"] = "2.0" }, ""},
		{"Cognito access token: client_id, no aud", func(c map[string]any) { delete(c, "aud"); c["client_id"] = "app-client"; c["token_use"] = "access" }, ""},
		{"Cognito of another client", func(c map[string]any) { delete(c, "aud"); c["client_id"] = "other"; c["token_use"] = "access" }, WrongAudience},
		{"Cognito ID token", func(c map[string]any) { c["aud"] = "app-client"; c["token_use"] = "id" }, WrongType},
		{"a service of ours is no audience there", func(c map[string]any) { c["aud"] = service }, WrongAudience},
	}
	for _, sh := range shapes {
		if got := reasonOf(v, external(sh.edit)); got != sh.want {
			t.Errorf("%s: %q, want %q", sh.name, got, sh.want)
		}
	}
	// A flood of tokens with made-up kids costs one fetch per pause.
	stranger, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	strange := func(kid string) string {
		b, _ := json.Marshal(claims(func(c map[string]any) { c["iss"] = cognito; c["exp"] = now.Add(1000 * time.Hour).Unix() }))
		sg, _ := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: stranger, KeyID: kid}}, nil)
		jws, _ := sg.Sign(b)
		out, _ := jws.CompactSerialize()
		return out
	}
	advance(31 * time.Second)
	for i := range 50 {
		if got := reasonOf(v, strange(fmt.Sprint("k", i))); got != UnknownKey {
			t.Fatalf("%q", got)
		}
	}
	if s.count() != 2 {
		t.Errorf("%d fetches", s.count())
	}
	// Rotation: the new key is found by its kid, the old one is gone, and a cached token with it.
	old := external(nil)
	if got := reasonOf(v, old); got != "" {
		t.Fatal(got)
	}
	s.set(200, jwks(t, jose.JSONWebKey{Key: stranger.Public(), KeyID: "new"}))
	advance(31 * time.Second)
	b, _ := json.Marshal(claims(func(c map[string]any) {
		c["iss"] = cognito
		c["aud"] = "api://x"
		c["exp"] = now.Add(1000 * time.Hour).Unix()
	}))
	sg, _ := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: stranger, KeyID: "new"}}, nil)
	jws, _ := sg.Sign(b)
	fresh, _ := jws.CompactSerialize()
	if got := reasonOf(v, fresh); got != "" {
		t.Errorf("new key: %q", got)
	}
	if got := reasonOf(v, old); got != UnknownKey {
		t.Errorf("old key, cached token: %q", got)
	}
	// Stale while error: the keys serve on while the issuer is down, beyond their refresh time.
	for _, broken := range []struct {
		status int
		body   []byte
	}{{500, nil}, {200, []byte(`{"keys":[]}`)}, {200, []byte(`<html>`)}, {302, nil}, {200, []byte(strings.Repeat("x", maxKeySetBytes+10))}} {
		s.set(broken.status, broken.body)
		advance(2 * time.Hour)
		if got := reasonOf(v, fresh); got != "" {
			t.Errorf("status %d: %q", broken.status, got)
		}
		if got := reasonOf(v, strange("x")); got != UnknownKey { // asks for keys, gets none
			t.Errorf("status %d: %q", broken.status, got)
		}
	}
	// The next configuration keeps fetched keys of an issuer that did not change.
	before := s.count()
	next, _ := v.Next([]Issuer{{URL: ourIssuer, JWKS: allKeys(t)}, {URL: cognito, JWKSURL: s.URL, Audiences: []string{"api://x"}}})
	if got := reasonOf(next, fresh); got != "" {
		t.Errorf("next configuration: %q (%d fetches)", got, s.count()-before)
	}
}

// TestSingleFlight: requests at the same time share one fetch.
func TestSingleFlight(t *testing.T) {
	release := make(chan struct{})
	var mu sync.Mutex
	hits := 0
	set := jwks(t, jose.JSONWebKey{Key: keyring()["p256"].Public(), KeyID: "p256"})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		hits++
		mu.Unlock()
		<-release
		_, _ = w.Write(set)
	}))
	defer s.Close()
	v, _ := New(Options{Now: func() time.Time { return now }}, []Issuer{{URL: ourIssuer, JWKSURL: s.URL}})
	tok := good(t, nil)
	var wg sync.WaitGroup
	results := make(chan Reason, 20)
	for range 20 {
		wg.Add(1)
		go func() { defer wg.Done(); results <- reasonOf(v, tok) }()
	}
	close(release)
	wg.Wait()
	close(results)
	for r := range results {
		if r != "" {
			t.Errorf("%q", r)
		}
	}
	if hits != 1 {
		t.Errorf("%d fetches", hits)
	}
}
