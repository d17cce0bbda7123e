package portal_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/outbound"
)

// provider is an OpenID provider that logs everybody in at once, as whom is set.
type provider struct {
	t      *testing.T
	w      *world
	server *httptest.Server
	key    *ecdsa.PrivateKey

	mu     sync.Mutex
	claims map[string]any
	nonces map[string]string // :: code → nonce
}

func newProvider(t *testing.T, w *world) *provider {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, w: w, key: key, nonces: map[string]string{}}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	*w.admin.Outbound() = *outbound.Client(outbound.Options{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: 5 * time.Second})
	return p
}

func (p *provider) is(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims = claims
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := base64.RawURLEncoding.EncodeToString
	reply := func(v any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(v); err != nil {
			p.t.Error(err)
		}
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		reply(map[string]any{"issuer": p.server.URL, "authorization_endpoint": p.server.URL + "/authorize", "token_endpoint": p.server.URL + "/token", "jwks_uri": p.server.URL + "/keys"})
	case "/keys":
		point, err := p.key.PublicKey.Bytes()
		if err != nil {
			p.t.Error(err)
		}
		reply(map[string]any{"keys": []any{map[string]string{"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "k1", "use": "sig", "x": e(point[1:33]), "y": e(point[33:])}}})
	case "/authorize":
		q := r.URL.Query()
		code := q.Get("state")[:8]
		p.nonces[code] = q.Get("nonce")
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
	case "/token":
		claims := map[string]any{"iss": p.server.URL, "aud": "portcullis", "exp": p.w.clock.Now().Add(time.Minute).Unix(), "iat": p.w.clock.Now().Unix(), "nonce": p.nonces[r.PostFormValue("code")], "amr": []string{"mfa"}}
		for name, v := range p.claims {
			claims[name] = v
		}
		payload, err := json.Marshal(claims)
		if err != nil {
			p.t.Error(err)
		}
		signed := e([]byte(`{"alg":"ES256","kid":"k1"}`)) + "." + e(payload)
		sum := sha256.Sum256([]byte(signed))
		a, b, err := ecdsa.Sign(rand.Reader, p.key, sum[:])
		if err != nil {
			p.t.Error(err)
		}
		sig := make([]byte, 64)
		a.FillBytes(sig[:32])
		b.FillBytes(sig[32:])
		reply(map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": signed + "." + e(sig)})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

var loginWith = regexp.MustCompile(`<a class="button" href="([^"]*)">Log in with`)

// sso logs a browser in by the button of the log-in page.
func (b *browser) sso(next string) page {
	b.t.Helper()
	form := b.get("/app/login?"+url.Values{"next": {next}}.Encode()).wants(200, "Log in with Company")
	found := loginWith.FindStringSubmatch(form.body)
	if found == nil {
		b.t.Fatalf("no button: %s", form.words())
	}
	return b.get(html.UnescapeString(found[1]))
}

// TestSingleSignOn: an administrator connects the company's provider by forms; its people get in with the roles that its
// groups give, come back to where they were, lose what they lose there, and without a role are told so.
func TestSingleSignOn(t *testing.T) {
	w := newWorld(t)
	p := newProvider(t, w)
	b := w.signedIn("admin", password)
	b.get("/app/users").wants(200, "Single sign-on")
	b.get("/app/admin/idps").wants(200, "Users of this workspace", "Own users", "CONNECT IDENTITY PROVIDER")
	b.get("/app/admin/idps/new").wants(200, "Connect identity provider", "Fetch its metadata", "Roles")
	fields := func(more ...string) []string {
		return append([]string{"name", "Company", "issuer_url", p.server.URL, "client_id", "portcullis", "client_secret", "a secret of ours", "token_endpoint_auth_method", "client_secret_basic",
			"scopes", "openid profile", "enabled", "1", "roles", "groups = admins -> admin\r\ngroups = pets -> manager in default\r\n"}, more...)
	}
	b.post("/app/admin/idps", fields("do", "check")...).wants(200, "What the issuer says", p.server.URL+"/token", "k1", "Can be checked").has("/default/admin/login/company/callback").lacks("a secret of ours")
	b.post("/app/admin/idps", "name", "Company", "issuer_url", p.server.URL+"/other", "do", "check").wants(422, "Could not be asked", "404").has(`value="Company"`)
	b.post("/app/admin/idps", fields("mappings", "nonsense")...).wants(422, "Line 1 must be").lacks("a secret of ours")
	b.post("/app/admin/idps", fields()...).wants(200, "Identity provider connected.", "Try to log in").lacks("a secret of ours").has("groups = pets -&gt; manager in default")

	p.is(map[string]any{"sub": "1", "name": "Mia", "preferred_username": "mia", "groups": []string{"pets"}})
	mia := w.browser()
	if page := mia.sso("/app/default/policies?q=block").wants(200, "Policies"); page.path != "/app/default/policies?q=block" {
		t.Errorf("after the log-in the browser is at %s", page.path)
	}
	mia.get("/app/default/apis").wants(200, "CREATE SERVICE", "Mia")
	mia.get("/app/users").wants(403, "Not allowed")
	mia.get("/app/account").wants(200, "company", "keeps your password").lacks("Change password</button>")
	b.get("/app/users").wants(200, "mia", "company", "Default: manager")

	// Log-out ends it on both sides: the button has to be pressed again.
	mia.post("/app/logout").wants(200, "Log in with Company")
	mia.get("/app/default/apis").wants(200, "Log in with Company")
	mia.sso("").wants(200, "Workspace Directory")

	// Without a role: a page that says so, and no session.
	p.is(map[string]any{"sub": "2", "preferred_username": "joe"})
	joe := w.browser()
	joe.sso("").wants(403, "You cannot log in here", "you are joe at Company, and have no role here", "Log in as somebody else")
	joe.get("/app/").wants(200, "Log in with Company")

	// The other group takes effect with the next log-in.
	p.is(map[string]any{"sub": "1", "preferred_username": "mia", "groups": "admins"})
	mia2 := w.browser()
	mia2.sso("").wants(200, "Workspace Directory")
	mia2.get("/app/users").wants(200, "CREATE USER")

	// The callback of the portal takes nothing that this browser did not begin (RFC 6749 10.12), and says it once.
	eve := w.browser()
	eve.get("/app/login/callback?code=x&state=y").wants(400, "began in another browser", "Log in again")
	eve.get("/app/login")
	eve.get("/app/login/callback?error=access_denied&state=forged&iss=https://evil.example").wants(400, "began in another browser")
	if page := eve.get("/app/login/callback?error=%3Cscript%3E&state=" + url.QueryEscape(stateOf(t, eve)) + "&iss=" + url.QueryEscape(w.server.URL+"/default/admin")); page.status != 400 || strings.Contains(page.body, "<script>") {
		t.Errorf("%d %s", page.status, page.words())
	}
	if page := eve.get("/app/login/callback?code=stolen&state=" + url.QueryEscape(stateOf(t, eve)) + "&iss=" + url.QueryEscape("https://evil.example")); page.status != 400 || !strings.Contains(page.body, "another issuer") {
		t.Errorf("RFC 9207 2.4: %d %s", page.status, page.words())
	}

	idp := "/app/admin/idps/company"
	b.get(idp+"?ask=delete").wants(200, "Remove Company?")
	b.post(idp+"/delete").wants(200, "Identity provider removed.")
	mia2.get("/app/users").wants(200, "Log in").lacks("CREATE USER")
	b.get("/app/admin/idps/static").wants(200, "Users of this workspace").lacks("Remove identity provider")
}

// stateOf begins a log-in and reads the state that this browser got.
func stateOf(t *testing.T, b *browser) string {
	t.Helper()
	u, err := url.Parse(b.get("/app/login").path)
	if err != nil || u.Query().Get("state") == "" {
		t.Fatal("no state", err)
	}
	return u.Query().Get("state")
}

// TestWorkspaceUsersAndIssuers: the screens of a regular workspace.
func TestWorkspaceUsersAndIssuers(t *testing.T) {
	w := newWorld(t)
	p := newProvider(t, w)
	b := w.signedIn("admin", password)
	b.get("/app/default/users").wants(200, "No users yet", "IDENTITY PROVIDERS", "TRUSTED ISSUERS", "CREATE USER")
	b.post("/app/default/users", "username", "mia", "password", "short", "attributes", `{"groups":["a"]}`).wants(422, "12").has(`value="mia"`).lacks(`value="short"`)
	b.post("/app/default/users", "username", "mia", "password", password, "attributes", "[1]").wants(422, "JSON object")
	b.post("/app/default/users", "username", "mia", "password", password, "attributes", `{"sub":"x"}`).wants(422, "own claim")
	b.post("/app/default/users", "username", "mia", "name", "Mia", "email", "mia@example.com", "password", password, "attributes", `{"groups":["a"]}`).wants(200, "User created.", "mia", "Mia")
	id := regexp.MustCompile(`/app/default/users/([a-z0-9]{10,})`).FindStringSubmatch(b.get("/app/default/users?q=MI").wants(200, "mia").body)[1]
	user := "/app/default/users/" + id
	b.get(user).wants(200).has("mia@example.com", "&#34;groups&#34;")
	b.post(user, "name", "Mia M", "email", "", "attributes", "", "enabled", "1").wants(200, "User saved.").has(`value="Mia M"`)
	b.post(user+"/password", "password", "no").wants(422, "12")
	b.post(user+"/password", "password", "another password").wants(200, "Password set.")
	b.post(user, "name", "Mia M").wants(200, "User saved.")
	b.get("/app/default/users").wants(200, "Off")
	if _, _, err := w.admin.Login(t.Context(), "default", "default", "mia", "another password", "192.0.2.1", ""); control.KindOf(err) != control.Unauthenticated {
		t.Errorf("a user who is switched off: %v", err)
	}
	b.get("/app/admin/users").wants(400, "portal")
	b.get(user+"?ask=delete").wants(200, "Delete user mia?")
	b.post(user+"/delete").wants(200, "User deleted.", "No users yet")

	b.post("/app/default/trusted-issuers", "issuer_url", p.server.URL, "do", "check").wants(200, "What the issuer says", "k1", "Can be checked").has(`value="` + p.server.URL + `/keys"`)
	b.post("/app/default/trusted-issuers", "issuer_url", "https://169.254.169.254/", "do", "check").wants(422, "not a public one")
	b.post("/app/default/trusted-issuers", "issuer_url", "https://idp.example.com", "jwks_url", "https://idp.example.com/keys", "audiences", "").wants(422, "Must name 1 to 20 audiences").has(`value="https://idp.example.com/keys"`)
	b.post("/app/default/trusted-issuers", "issuer_url", "https://idp.example.com", "jwks_url", "https://idp.example.com/keys", "audiences", "pets, dogs").wants(200, "The issuer is trusted.", "https://idp.example.com", "pets, dogs")
	b.get("/app/default/trusted-issuers?remove=https://idp.example.com").wants(200, "Stop trusting this issuer?")
	b.post("/app/default/trusted-issuers/remove", "issuer_url", "https://idp.example.com").wants(200, "no longer trusted", "No other issuer is trusted")

	// A member sees who vouches for whom, and changes nothing.
	must(w.admin.CreateUser(t.Context(), w.operator, control.User{Username: "member", Roles: map[string]control.Role{"default": control.Member}}, password))(t)
	m := w.signedIn("member", password)
	m.get("/app/default/idps").wants(200, "Users of this workspace").lacks("CONNECT IDENTITY PROVIDER")
	for _, path := range []string{"/app/default/users", "/app/default/idps/new", "/app/default/idps/static"} {
		m.get(path).wants(403)
	}
	m.post("/app/default/trusted-issuers", "issuer_url", p.server.URL, "do", "check").wants(403)
	m.post("/app/default/idps/static/delete").wants(403)
}
