package oauth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"portcullis/control/outbound"

	"github.com/go-jose/go-jose/v4"
)

// otherProvider is an OpenID provider that somebody else runs. It is strict with its clients, and each part of its answers
// can be made hostile.
type otherProvider struct {
	t      *testing.T
	w      *world
	server *httptest.Server
	key    *ecdsa.PrivateKey

	mu      sync.Mutex
	codes   map[string]url.Values // :: code → the authorization request that it was issued for
	asked   url.Values            // the last authorization request
	claims  func(map[string]any)  // changes the claims of ID tokens
	info    map[string]any        // of the userinfo endpoint
	idToken func(claims []byte) string
	answer  func(q url.Values) url.Values                            // the authorization response instead of code, state and iss
	handle  func(w http.ResponseWriter, r *http.Request) (done bool) // before everything else
	meta    func(map[string]any)
	post    bool // client_secret_post
}

const otherClient, otherSecret = "portcullis at other", "the secret/at other%"

func newProvider(w *world) *otherProvider {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &otherProvider{t: w.t, w: w, key: key, codes: map[string]url.Values{}}
	p.server = httptest.NewServer(p)
	*w.admin.Outbound() = *outbound.Client(outbound.Options{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: time.Second})
	w.t.Cleanup(p.server.Close)
	return p
}

func (p *otherProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.handle != nil && p.handle(w, r) {
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		m := map[string]any{"issuer": p.server.URL, "authorization_endpoint": p.server.URL + "/authorize", "token_endpoint": p.server.URL + "/token", "jwks_uri": p.server.URL + "/keys",
			"userinfo_endpoint": p.server.URL + "/userinfo", "id_token_signing_alg_values_supported": []string{"ES256", "none", "HS256"},
			"authorization_response_iss_parameter_supported": true}
		if p.meta != nil {
			p.meta(m)
		}
		p.write(w, m)
	case "/keys":
		p.write(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	case "/token":
		p.token(w, r)
	case "/userinfo":
		if r.Header.Get("Authorization") != "Bearer access" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		p.write(w, p.info)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (p *otherProvider) write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Error(err)
	}
}

// token is RFC 6749 4.1.3 with RFC 7636 4.6.
func (p *otherProvider) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(code string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		p.write(w, map[string]string{"error": code, "error_description": "the code was " + r.PostFormValue("code")})
	}
	id, secret, basic := r.BasicAuth()
	if p.post {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	} else {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	}
	if basic == p.post || id != otherClient || secret != otherSecret {
		refuse("invalid_client")
		return
	}
	asked, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	if !ok || r.PostFormValue("redirect_uri") != asked.Get("redirect_uri") || challengeOf(r.PostFormValue("code_verifier")) != asked.Get("code_challenge") || len(r.PostFormValue("code_verifier")) < 43 {
		refuse("invalid_grant")
		return
	}
	now := p.w.now
	claims := map[string]any{"iss": p.server.URL, "sub": "u-1", "aud": otherClient, "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(), "nonce": asked.Get("nonce"),
		"auth_time": now.Add(-time.Hour).Unix(), "amr": []string{"pwd", "mfa"}, "acr": "urn:example:aal2", "email": "mia@example.com", "name": "Mia", "groups": []string{"pets", "ops"}}
	if p.claims != nil {
		p.claims(claims)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		p.t.Error(err)
	}
	text := ""
	if p.idToken != nil {
		text = p.idToken(payload)
	} else {
		text = p.sign(jose.ES256, p.key, payload)
	}
	answer := map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 60}
	if text != "" {
		answer["id_token"] = text
	}
	p.write(w, answer)
}

func (p *otherProvider) sign(alg jose.SignatureAlgorithm, key any, payload []byte) string {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	jws, err := s.Sign(payload)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		p.t.Error(err)
	}
	return text
}

// authorize is what its log-in page does: it takes the browser's request and sends it back with a code. The result is the
// address that the browser goes to.
func (p *otherProvider) authorize(address string) string {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, p.server.URL+"/authorize?") {
		p.t.Fatalf("the browser was sent to %s", address)
	}
	q := u.Query()
	p.asked = q
	if q.Get("response_type") != "code" || q.Get("client_id") != otherClient || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 ||
		len(q.Get("nonce")) < 22 || len(q.Get("state")) < 22 || !strings.Contains(q.Get("scope"), "openid") {
		p.t.Errorf("the authorization request is %v", q)
	}
	code := randomToken()
	p.codes[code] = q
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.server.URL}}
	if p.answer != nil {
		back = p.answer(back)
	}
	return q.Get("redirect_uri") + "?" + back.Encode()
}
