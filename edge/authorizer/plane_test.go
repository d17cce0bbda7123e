package authorizer

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"portcullis/edge/acp"
	"portcullis/edge/waist"
)

// clock is a hand-driven clock.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// plane is a control plane that can be told to fail. It speaks the published API only: what it does not do, an ACP
// would not do either.
type plane struct {
	t      *testing.T
	server *httptest.Server
	key    *ecdsa.PrivateKey
	clock  *clock

	mu        sync.Mutex
	cfg       waist.Configuration
	polls     int
	unchanged int
	tokens    int
	events    []waist.RequestEvent
	dropped   int64
	inventory []waist.Inventory
	active    map[string]map[string]any // opaque tokens
	made      []string                  // every token that was signed
	// broken, when set, answers polls instead of the plane.
	broken http.HandlerFunc
	// eventsBroken answers pushes of events.
	eventsBroken http.HandlerFunc
	headers      http.Header // of the last poll
	// signFor, when set, makes it one of ours: it signs for these client secrets. signed edits what is signed.
	signFor []string
	signed  func(*waist.ConfigurationSignature)
}

const (
	clientID     = "gw-client"
	clientSecret = "a-secret-that-must-never-be-logged-0001"
)

func newPlane(t *testing.T) *plane {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &plane{t: t, key: key, clock: newClock(), active: map[string]map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /default/system/oauth2/token", p.token)
	mux.HandleFunc("GET /api/system/default/gateways/configuration", p.guard(p.poll))
	mux.HandleFunc("POST /api/system/default/gateways/configuration", p.guard(p.push))
	mux.HandleFunc("POST /api/system/default/gateways/requests", p.guard(p.requests))
	mux.HandleFunc("POST /api/system/default/gateways/introspect", p.guard(p.introspect))
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	jwks, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	p.cfg = waist.Configuration{
		TenantID: "default", ServerID: "demo", IssuerURL: p.issuer(), JWKS: jwks, Revision: 1, DynamicScopeSeparator: ".",
		Services: []waist.ConnectedService{{ID: "s1", Name: "PetStore", APIGroupID: "abc123-dev", Audience: audience,
			APIGroupMetadata: waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: "abc123", APIName: "PetStore", Stage: "dev"}}}},
		APIs: []waist.API{
			{ID: "a-open", ServiceID: "s1", Method: "GET", Path: "/open"},
			{ID: "a-list", ServiceID: "s1", Method: "GET", Path: "/pets", PolicyID: "has-token"},
			{ID: "a-pet", ServiceID: "s1", Method: "GET", Path: "/pets/{petId}", PolicyID: "allow"},
			{ID: "a-any", ServiceID: "s1", Method: "ANY", Path: "/pets/{petId}", PolicyID: "block"},
			{ID: "a-block", ServiceID: "s1", Method: "GET", Path: "/block", PolicyID: "block"},
			{ID: "a-lost", ServiceID: "s1", Method: "GET", Path: "/lost", PolicyID: "no-such-policy"},
			{ID: "a-broken", ServiceID: "s1", Method: "GET", Path: "/broken", PolicyID: "broken"},
			{ID: "a-rego", ServiceID: "s1", Method: "GET", Path: "/rego", PolicyID: "rego"},
			{ID: "a-mtls", ServiceID: "s1", Method: "GET", Path: "/mtls", PolicyID: "mtls"},
			{ID: "a-any-proxy", ServiceID: "s1", Method: "ANY", Path: "/files/{proxy+}", PolicyID: "allow"},
			{ID: "a-connect", ServiceID: "s1", Method: "ANY", Path: "$connect", PolicyID: "allow"},
			{ID: "a-default", ServiceID: "s1", Method: "ANY", Path: "$default", PolicyID: "allow"},
		},
		Policies: []waist.Policy{
			visual("allow", `[{"name":"true","conf":null}]`),
			visual("block", `[{"name":"false","conf":null}]`),
			visual("has-token", `[{"name":"identity-context","conf":{"fields":[{"field":"sub","comparator":"equals","value":"joe"}]}}]`),
			visual("mtls", `[{"name":"attributes","conf":{"fields":[{"field":"request.mtls.x5t#S256","comparator":"equals","value":"$authnCtx.cnf.x5t#S256"}]}}]`),
			{ID: "broken", Language: "rego", Type: "api", Definition: "package acp.authz\nallow { this is not rego"},
			{ID: "rego", Language: "rego", Type: "api", Definition: "package acp.authz\n\ndefault allow = false\n\nallow {\n  input.authn_ctx.sub == \"joe\"\n}\n\npermissions = {\"read\": [1, 2]}\nrole = \"keeper\"\n"},
		},
	}
	return p
}

const audience = "spiffe://acp.example.com/default/demo/s1"

func visual(id, validators string) waist.Policy {
	var v []waist.Validator
	if err := json.Unmarshal([]byte(validators), &v); err != nil {
		panic(err)
	}
	return waist.Policy{ID: id, Language: "cloudentity", Type: "api", Validators: v}
}

func (p *plane) issuer() string { return p.server.URL + "/default/demo" }

func (p *plane) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id != clientID || secret != clientSecret {
		w.WriteHeader(401)
		fmt.Fprint(w, `{"error":"invalid_client","error_description":"unknown client"}`)
		return
	}
	p.mu.Lock()
	p.tokens++
	p.mu.Unlock()
	fmt.Fprint(w, `{"access_token":"system-token","token_type":"bearer","expires_in":3600}`)
}

func (p *plane) guard(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer system-token" {
			w.WriteHeader(401)
			return
		}
		next(w, r)
	}
}

func (p *plane) poll(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.polls++
	p.headers = r.Header.Clone()
	broken := p.broken
	cfg, signFor, edit := p.cfg, p.signFor, p.signed
	p.mu.Unlock()
	if broken != nil {
		broken(w, r)
		return
	}
	etag := fmt.Sprintf(`"%d"`, cfg.Revision)
	w.Header().Set("ETag", etag)
	unchanged := r.Header.Get("If-None-Match") == etag
	body, _ := json.Marshal(cfg)
	for _, secret := range signFor {
		if unchanged && r.Header.Get(waist.HeaderSign) != "true" {
			break
		}
		now := p.clock.Now()
		s := waist.ConfigurationSignature{TenantID: cfg.TenantID, ServerID: cfg.ServerID, GatewayID: "g1", ClientID: clientID, Revision: cfg.Revision, ETag: etag,
			IssuedAt: now.Unix(), NotAfter: now.Add(waist.ConfigurationValidity).Unix()}
		if edit != nil {
			edit(&s)
		}
		line, err := s.Sign(secret, body)
		if err != nil {
			p.t.Error(err)
		}
		w.Header().Add(waist.HeaderSignature, line)
	}
	if unchanged {
		p.mu.Lock()
		p.unchanged++
		p.mu.Unlock()
		w.WriteHeader(304)
		return
	}
	_, _ = w.Write(body)
}

func (p *plane) push(w http.ResponseWriter, r *http.Request) {
	var inv waist.Inventory
	_ = json.NewDecoder(r.Body).Decode(&inv)
	p.mu.Lock()
	p.inventory = append(p.inventory, inv)
	p.mu.Unlock()
	fmt.Fprintf(w, `{"number_of_added_api_groups":%d}`, len(inv.APIGroups))
}

func (p *plane) requests(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	broken := p.eventsBroken
	p.mu.Unlock()
	if broken != nil {
		broken(w, r)
		return
	}
	var ev waist.RequestEvents
	_ = json.NewDecoder(r.Body).Decode(&ev)
	p.mu.Lock()
	p.events = append(p.events, ev.Events...)
	p.dropped += ev.Dropped
	p.mu.Unlock()
	fmt.Fprintf(w, `{"number_of_pushed_events":%d}`, len(ev.Events))
}

func (p *plane) introspect(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	claims, ok := p.active[r.FormValue("token")]
	p.mu.Unlock()
	if !ok {
		fmt.Fprint(w, `{"active":false}`)
		return
	}
	_ = json.NewEncoder(w).Encode(claims)
}

// change edits the configuration and raises the revision.
func (p *plane) change(edit func(*waist.Configuration)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cfg.APIs = append([]waist.API(nil), p.cfg.APIs...)
	p.cfg.Revision++
	edit(&p.cfg)
}

func (p *plane) breakPolls(h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = h
}

func (p *plane) counts() (polls, unchanged int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.polls, p.unchanged
}

// sign makes an access token; edit changes the default claims.
func (p *plane) sign(edit func(claims map[string]any)) string {
	now := p.clock.Now()
	claims := map[string]any{"iss": p.issuer(), "sub": "joe", "aud": []string{"client-1", audience}, "scp": []string{"pets.read", "users.joe"},
		"exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "client_id": "client-1", "address": map[string]any{"city": "Łódź"}}
	if edit != nil {
		edit(claims)
	}
	raw := signWith(p.t, p.key, "k1", claims)
	p.mu.Lock()
	p.made = append(p.made, raw)
	p.mu.Unlock()
	return raw
}

func signWith(t *testing.T, key *ecdsa.PrivateKey, kid string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(claims)
	jws, err := signer.Sign(b)
	if err != nil {
		t.Fatal(err)
	}
	s, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bench is an Authorizer with its plane and its log.
type bench struct {
	*plane
	a   *Authorizer
	log *logBuffer
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newBench also greps the log of every test for secrets and tokens when it ends.
func newBench(t *testing.T, edit func(*Options)) *bench {
	t.Helper()
	p := newPlane(t)
	b := &bench{plane: p, log: &logBuffer{}}
	client, err := acp.New(acp.Options{IssuerURL: p.server.URL + "/default/system", ClientID: clientID, ClientSecret: clientSecret,
		Environment: "env-1", Version: "test", Now: p.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Client: client, Now: p.clock.Now, Log: slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug - 8}))}
	if edit != nil {
		edit(&o)
	}
	b.a = New(o)
	t.Cleanup(func() {
		for _, bad := range leaked(b.log.String(), append(p.made, clientSecret, "system-token", "opaque-token")) {
			t.Errorf("the log holds %s", bad)
		}
	})
	return b
}

// aJWT is the beginning of any JWT, with the full stop behind its header; a random id may begin like one.
var aJWT = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.`)

// leaked finds secrets and tokens in a log: whole, cut, or one part of them alone.
func leaked(text string, secrets []string) []string {
	found := aJWT.FindAllString(text, -1)
	for _, s := range secrets {
		for part := range strings.SplitSeq(s, ".") {
			if part = part[:min(len(part), 40)]; part != "" && strings.Contains(text, part) {
				found = append(found, part)
			}
		}
	}
	return found
}

// TestLeaked: what every test's log is searched with does find what it is to find.
func TestLeaked(t *testing.T) {
	token := newPlane(t).sign(nil)
	parts := strings.Split(token, ".")
	for text, want := range map[string]bool{
		"": false, `{"decision_id":"eyJhbGciOiJub25lIn0xyz"}`: false, "Authorization: Bearer " + token: true, "payload " + parts[1]: true, "signature " + parts[2]: true,
		"cut " + parts[1][:41] + "…": true, "another eyJhbGciOiJub25lIn0.e30.": true, "the secret " + clientSecret: true,
	} {
		if got := leaked(text, []string{token, clientSecret}); (len(got) > 0) != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// call is a REST REQUEST event in the making.
type call struct {
	method, template, path string
	authorization          []string
	edit                   func(e map[string]any)
}

func (c call) event() []byte {
	if c.path == "" {
		c.path = c.template
	}
	e := map[string]any{
		"type": "REQUEST", "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/" + c.method + c.path,
		"resource": c.template, "path": c.path, "httpMethod": c.method,
		"headers": map[string]any{"Host": "x"}, "multiValueHeaders": map[string]any{"Host": []string{"x"}},
		"queryStringParameters": nil, "multiValueQueryStringParameters": nil, "pathParameters": nil, "stageVariables": nil,
		"requestContext": map[string]any{"resourcePath": c.template, "httpMethod": c.method, "path": "/dev" + c.path, "accountId": "123456789012",
			"apiId": "abc123", "stage": "dev", "requestId": "req-1", "newMemberOfAWS": map[string]any{"x": 1},
			"identity": map[string]any{"sourceIp": "203.0.113.9", "userAgent": "curl/8", "clientCert": nil}},
	}
	if len(c.authorization) > 0 {
		e["headers"].(map[string]any)["Authorization"] = c.authorization[len(c.authorization)-1]
		e["multiValueHeaders"].(map[string]any)["Authorization"] = c.authorization
	}
	if c.edit != nil {
		c.edit(e)
	}
	b, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return b
}

func get(template string, authorization ...string) call {
	return call{method: "GET", template: template, authorization: authorization}
}

// outcome is an answer, read back.
type outcome struct {
	Allow     bool
	Principal string
	Resource  string
	Context   map[string]any
	Reason    string
}

func (b *bench) ask(payload []byte) outcome {
	b.t.Helper()
	raw := b.a.Handle(context.Background(), payload)
	var r response
	if err := json.Unmarshal(raw, &r); err != nil {
		b.t.Fatalf("answer %s: %v", raw, err)
	}
	if n := len(r.PolicyDocument.Statement); n != 1 {
		b.t.Fatalf("%d statements in %s", n, raw)
	}
	st := r.PolicyDocument.Statement[0]
	if st.Effect != "Allow" && st.Effect != "Deny" || st.Action != "execute-api:Invoke" || r.PolicyDocument.Version != "2012-10-17" || r.PrincipalID == "" || len(st.Resource) > 512 {
		b.t.Fatalf("answer out of form: %s", raw)
	}
	for k, v := range r.Context {
		switch v.(type) {
		case string, float64, bool:
		default:
			b.t.Fatalf("context member %s is a %T", k, v)
		}
	}
	o := outcome{Allow: st.Effect == "Allow", Principal: r.PrincipalID, Resource: st.Resource, Context: r.Context}
	// The reason is what the record says; it is the last decision in the log.
	lines := strings.Split(strings.TrimSpace(b.log.String()), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		var line struct{ Msg, Reason string }
		if json.Unmarshal([]byte(lines[i]), &line) == nil && (line.Msg == "decision" || line.Reason != "") {
			o.Reason = line.Reason
			break
		}
	}
	return o
}
