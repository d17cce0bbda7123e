package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"

	"portcullis/aws/attach"
	"portcullis/aws/discover"
	"portcullis/aws/local/apigateway"
	"portcullis/aws/local/wire"
	"portcullis/aws/signed"
	"portcullis/edge/acp"
	"portcullis/edge/authorizer"
	"portcullis/edge/waist"
)

// The whole of caching: the authorizer behind the local API Gateway with its cache on, next to the same authorizer
// without one, over made-up policies, tokens, requests, clocks and changes. The function runs in this process.

const (
	cacheFunction = "arn:aws:lambda:eu-west-1:111122223333:function:my-function"
	cacheTTL      = 300
	cachePets     = `{"openapi":"3.0.1","info":{"title":"PetStore","version":"1"},"paths":{
 "/pets":{"get":{"x-amazon-apigateway-integration":{"type":"MOCK","requestTemplates":{"application/json":"{\"statusCode\":200}"},"responses":{"default":{"statusCode":"200"}}},"responses":{"200":{}}},
          "post":{"x-amazon-apigateway-integration":{"type":"MOCK","requestTemplates":{"application/json":"{\"statusCode\":200}"},"responses":{"default":{"statusCode":"200"}}},"responses":{"200":{}}}},
 "/pets/{petId}":{"x-amazon-apigateway-any-method":{"x-amazon-apigateway-integration":{"type":"MOCK","requestTemplates":{"application/json":"{\"statusCode\":200}"},"responses":{"default":{"statusCode":"200"}}},"responses":{"200":{}}}}}}`
)

// cacheWorld is one account, one control plane and two authorizers that share a clock.
type cacheWorld struct {
	t        rapid.TB
	clock    func() time.Time
	server   *httptest.Server
	api      string
	key      *ecdsa.PrivateKey
	plain    *authorizer.Authorizer
	caching  *authorizer.Authorizer
	attacher *attach.Attacher
	scanner  *discover.Scanner
	report   attach.Report

	mu      sync.Mutex
	now     time.Time
	cfg     waist.Configuration
	asked   int    // calls of the function
	payload []byte // of the last call
	broken  bool   // the control plane
}

func newCacheWorld(t rapid.TB) *cacheWorld {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := &cacheWorld{t: t, key: key, now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	w.clock = func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }
	gateway := apigateway.New(apigateway.Options{Now: w.clock, Invoke: w.invoke})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /default/system/oauth2/token", func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(rw, `{"access_token":"system-token","token_type":"bearer","expires_in":360000}`)
	})
	mux.HandleFunc("GET /api/system/default/gateways/configuration", w.poll)
	mux.HandleFunc("/_aws/", gateway.ServeExecute)
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		c := &wire.Call{Service: "apigateway", Partition: "aws", Region: "eu-west-1", Account: "111122223333", RequestID: "00000000-0000-4000-8000-000000000000",
			Now: w.clock(), Request: r, Body: body.Bytes()}
		c.Authorize = func(*wire.Call, string, string, map[string][]string) error { return nil }
		if strings.HasPrefix(r.URL.Path, "/2015-03-31/functions/") {
			rw.WriteHeader(http.StatusCreated)
			return
		}
		gateway.ServeAWS(rw, c)
	})
	w.server = httptest.NewServer(mux)
	client := signed.New("eu-west-1")
	client.Getenv = func(k string) string {
		return map[string]string{"AWS_ENDPOINT_URL": w.server.URL, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}[k]
	}
	w.attacher = &attach.Attacher{Client: client, Apply: true, TTL: cacheTTL, Now: w.clock}
	w.scanner = &discover.Scanner{Client: client}
	var made struct{ ID string }
	if err := client.Do(context.Background(), signed.Call{Service: "apigateway", Operation: "ImportRestApi", Method: "POST", Path: "/restapis", Query: url.Values{"mode": {"import"}}, Raw: []byte(cachePets)}, &made); err != nil {
		t.Fatal(err)
	}
	w.api = made.ID
	jwks, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	w.cfg = waist.Configuration{TenantID: "default", ServerID: "demo", IssuerURL: w.server.URL + "/default/demo", JWKS: jwks, Revision: 1, DynamicScopeSeparator: ".",
		Services: []waist.ConnectedService{{ID: "s1", Name: "PetStore", APIGroupID: w.api + "-dev", Audience: "pets",
			APIGroupMetadata: waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: w.api, Stage: "dev"}}}}}
	w.plain, w.caching = w.authorizer(false), w.authorizer(true)
	return w
}

func (w *cacheWorld) close() { w.server.Close() }

// authorizer makes one; the caching one's sync attaches to the local API Gateway.
func (w *cacheWorld) authorizer(caching bool) *authorizer.Authorizer {
	client, err := acp.New(acp.Options{IssuerURL: w.server.URL + "/default/system", ClientID: "c", ClientSecret: "s", Environment: "e", Version: "test", Now: w.clock})
	if err != nil {
		w.t.Fatal(err)
	}
	return authorizer.New(authorizer.Options{Client: client, Now: w.clock, NoAnalytics: true, Caching: caching, MaxStaleness: 1000 * time.Hour, Sync: &authorizer.Sync{
		Attach: func(ctx context.Context, want authorizer.Wanted) (authorizer.Attachment, error) {
			found, err := w.scanner.Scan(ctx)
			if err != nil {
				return authorizer.Attachment{}, err
			}
			w.report = w.attacher.Run(ctx, found.APIs, wanted(want, cacheFunction))
			return authorizer.Attachment{Complete: true, Problems: w.report.Problems}, nil
		},
	}})
}

func (w *cacheWorld) poll(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	etag := fmt.Sprintf(`"%d"`, w.cfg.Revision)
	rw.Header().Set("ETag", etag)
	switch {
	case w.broken:
		rw.WriteHeader(http.StatusServiceUnavailable)
	case r.Header.Get("If-None-Match") == etag:
		rw.WriteHeader(http.StatusNotModified)
	default:
		_ = json.NewEncoder(rw).Encode(w.cfg)
	}
}

func (w *cacheWorld) invoke(ctx context.Context, in wire.Invocation) (wire.InvokeResult, error) {
	w.mu.Lock()
	w.asked++
	w.payload = in.Payload
	w.mu.Unlock()
	b, err := w.caching.Answer(ctx, in.Payload)
	if err != nil {
		return wire.InvokeResult{FunctionError: "Unhandled", Payload: []byte(`{"errorMessage":"` + err.Error() + `"}`)}, nil
	}
	return wire.InvokeResult{Payload: b}, nil
}

func (w *cacheWorld) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// configure replaces policies and their use: method -> policy id.
func (w *cacheWorld) configure(policies []waist.Policy, use map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cfg.Revision++
	w.cfg.Policies, w.cfg.APIs = policies, nil
	for _, m := range []string{"GET /pets", "POST /pets", "ANY /pets/{petId}"} {
		verb, path, _ := strings.Cut(m, " ")
		w.cfg.APIs = append(w.cfg.APIs, waist.API{ID: m, ServiceID: "s1", Method: verb, Path: path, PolicyID: use[m]})
	}
}

// sync is one scheduled event of the caching authorizer.
func (w *cacheWorld) sync() {
	w.caching.Handle(context.Background(), []byte(`{"portcullis":"sync"}`))
	if len(w.report.Problems) > 0 || !w.report.Complete {
		w.t.Fatalf("sync: %+v", w.report)
	}
}

func (w *cacheWorld) deploy() {
	if err := w.attacher.Client.Do(context.Background(), signed.Call{Service: "apigateway", Operation: "CreateDeployment", Method: "POST", Path: "/restapis/" + w.api + "/deployments",
		Body: map[string]any{"stageName": "dev"}}, nil); err != nil {
		w.t.Fatal(err)
	}
}

// settle brings API Gateway to the configuration: attach, deploy, and the run that sees the deployment.
func (w *cacheWorld) settle() {
	w.deploy()
	w.sync()
	w.deploy()
	w.sync()
	w.sync()
}

func (w *cacheWorld) token(sub string, life time.Duration, more map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: w.key, KeyID: "k1"}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		w.t.Fatal(err)
	}
	claims := map[string]any{"iss": w.cfg.IssuerURL, "sub": sub, "aud": "pets", "exp": w.clock().Add(life).Unix(), "scp": []string{"pets.read"}}
	for k, v := range more {
		claims[k] = v
	}
	b, _ := json.Marshal(claims)
	jws, err := signer.Sign(b)
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := jws.CompactSerialize()
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// ask sends a request through API Gateway and reports whether it was let in, and what the authorizer without a cache
// says of the same request at the same moment.
func (w *cacheWorld) ask(verb, path, query string, authorization []string, header string) (cached, uncached bool) {
	req, err := http.NewRequestWithContext(context.Background(), verb, w.server.URL+"/_aws/execute-api/"+w.api+"/dev"+path+query, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(authorization) > 0 {
		req.Header["Authorization"] = authorization
	}
	if header != "" {
		req.Header.Set("X-Tenant", header)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = res.Body.Close()
	switch res.StatusCode {
	case 200:
		cached = true
	case 401, 403:
	default:
		w.t.Fatalf("%s %s answered %d", verb, path, res.StatusCode)
	}
	return cached, w.uncached(verb, path, query, authorization, header)
}

// uncached is what the authorizer without a cache says of a request now.
func (w *cacheWorld) uncached(verb, path, query string, authorization []string, header string) bool {
	template, params := path, map[string]any(nil)
	if id, ok := strings.CutPrefix(path, "/pets/"); ok {
		template, params = "/pets/{petId}", map[string]any{"petId": id}
	}
	headers, multi, q := map[string]any{}, map[string]any{}, map[string]any{}
	if len(authorization) > 0 {
		headers["Authorization"], multi["Authorization"] = authorization[len(authorization)-1], authorization
	}
	if header != "" {
		headers["X-Tenant"] = header
	}
	if query != "" {
		q["tenant"] = strings.TrimPrefix(query, "?tenant=")
	}
	event, _ := json.Marshal(map[string]any{"type": "REQUEST", "methodArn": "arn:aws:execute-api:eu-west-1:111122223333:" + w.api + "/dev/" + verb + path,
		"resource": template, "path": path, "httpMethod": verb, "headers": headers, "multiValueHeaders": multi, "queryStringParameters": q, "pathParameters": params,
		"requestContext": map[string]any{"apiId": w.api, "stage": "dev", "resourcePath": template, "identity": map[string]any{"sourceIp": "127.0.0.1"}}})
	return bytes.Contains(w.plain.Handle(context.Background(), event), []byte(`"Effect":"Allow"`))
}

func cachePolicy(id, validators string) waist.Policy {
	var v []waist.Validator
	if err := json.Unmarshal([]byte(validators), &v); err != nil {
		panic(err)
	}
	return waist.Policy{ID: id, Language: waist.LanguageVisual, Type: "api", Validators: v}
}

func fields(name, field, value string) string {
	return fmt.Sprintf(`{"name":%q,"conf":{"fields":[{"field":%q,"comparator":"equals","value":%q}]}}`, name, field, value)
}

var cacheSteps = []string{
	fields("identity-context", "sub", "joe"), fields("identity-context", "sub", "ann"), `{"name":"true","conf":null}`, `{"name":"false","conf":null}`,
	fields("attributes", "request.method", "GET"), fields("attributes", "request.path", "/pets"), fields("attributes", "request.path_params.petId", "1"),
	fields("attributes", "request.headers.X-Tenant", "a"), fields("attributes", "request.query_params.tenant", "a"),
	`{"name":"any","conf":{"validators":[` + fields("identity-context", "sub", "joe") + `,` + fields("attributes", "request.path", "/pets") + `]}}`,
}

var cacheRego = []string{
	"package acp.authz\n\ndefault allow = false\n\nallow { input.authn_ctx.sub == \"joe\" }\n",
	"package acp.authz\n\ndefault allow = false\n\nallow { input.authn_ctx.sub == \"joe\"; input.request.method == \"GET\" }\n",
	"package acp.authz\n\ndefault allow = false\n\nallow { not input.authn_ctx.sub }\nallow { input.authn_ctx.sub == \"ann\" }\n",
	"package acp.authz\n\ndefault allow = false\n\nallow { time.now_ns() % 2000000000 < 1000000000 }\n",
}

// somePolicies draws policies and who uses them; few of them, so that every method often has the same.
func somePolicies(t *rapid.T) ([]waist.Policy, map[string]string) {
	var policies []waist.Policy
	for i := range rapid.IntRange(1, 2).Draw(t, "policies") {
		id := fmt.Sprintf("p%d", i)
		if rapid.IntRange(0, 3).Draw(t, "rego") == 0 {
			policies = append(policies, waist.Policy{ID: id, Language: waist.LanguageRego, Type: "api", Definition: rapid.SampledFrom(cacheRego).Draw(t, "module")})
			continue
		}
		steps := rapid.SliceOfN(rapid.SampledFrom(cacheSteps), 0, 1).Draw(t, "steps")
		if len(steps) == 0 || rapid.IntRange(0, 4).Draw(t, "token") > 0 { // most policies ask for a token
			steps = append(steps, cacheSteps[rapid.IntRange(0, 1).Draw(t, "who")])
		}
		policies = append(policies, cachePolicy(id, "["+strings.Join(steps, ",")+"]"))
	}
	use := map[string]string{}
	for _, m := range []string{"GET /pets", "POST /pets", "ANY /pets/{petId}"} {
		use[m] = policies[rapid.IntRange(0, len(policies)-1).Draw(t, "use")].ID
		if rapid.IntRange(0, 30).Draw(t, "open") == 30 {
			use[m] = ""
		}
	}
	return policies, use
}

// TestCachedAnswers: once a configuration is deployed, no answer differs from the uncached one, whatever is asked in
// whatever order, while time passes and tokens end.
//
// After a change of policies that is not deployed, what the cache says may be a 403 where the caller would get in, but
// nobody gets in who should not, except by an answer that was given less than keptOnce before.
//
// Authorization twice with different values is refused where the function is asked. API Gateway looks up one of them, and
// lets in who would be let in with that one alone; what it answers to the others afterwards is not touched by it.
func TestCachedAnswers(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a local API Gateway for every case")
	}
	var deployedKeys [3]int
	hits, conflicts, conflictsLetIn := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := newCacheWorld(t)
		defer w.close()
		w.configure(somePolicies(t))
		w.settle()
		deployedKeys[w.key3()]++
		tokens := []string{"", "Bearer nonsense", "Bearer " + w.token("joe", time.Hour, nil), "Bearer " + w.token("ann", 2*time.Minute, nil), "Bearer " + w.token("joe", 3*time.Minute, nil)}
		walk := func(strict bool) {
			for range rapid.IntRange(5, 25).Draw(t, "requests") {
				if rapid.IntRange(0, 4).Draw(t, "wait") == 0 {
					w.advance(time.Duration(rapid.IntRange(1, 100).Draw(t, "seconds")) * time.Second)
				}
				verb, path := "GET", rapid.SampledFrom([]string{"/pets", "/pets", "/pets/1", "/pets/2", "/pets/*"}).Draw(t, "path")
				if rapid.Bool().Draw(t, "post") {
					verb = "POST"
				}
				query, header := rapid.SampledFrom([]string{"", "?tenant=a", "?tenant=b"}).Draw(t, "query"), rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "header")
				authorization := some(rapid.SampledFrom(tokens).Draw(t, "token"))
				if rapid.IntRange(0, 3).Draw(t, "twice") == 0 {
					authorization = append(authorization, some(rapid.SampledFrom(tokens).Draw(t, "second token"))...)
				}
				conflict := len(authorization) == 2 && authorization[0] != authorization[1]
				if !strict {
					w.advance(4 * time.Second)
				}
				before := w.calls()
				cached, uncached := w.ask(verb, path, query, authorization, header)
				if w.calls() == before && len(authorization) > 0 {
					hits++
				}
				if conflict && !uncached { // with an API that is open to everybody it is no conflict
					conflicts++
					if cached && !w.uncached(verb, path, query, authorization[:1], header) && !w.uncached(verb, path, query, authorization[1:], header) {
						t.Fatalf("%s %s%s, tokens %d and %d, header %q: %t with the cache, %t without", verb, path, query, index(tokens, authorization[0]), index(tokens, authorization[1]),
							header, cached, uncached)
					}
					if cached {
						conflictsLetIn++
					}
					continue
				}
				if cached != uncached && (strict || cached) {
					t.Fatalf("%s %s%s, token %d, header %q: %t with the cache, %t without; the function was asked: %t; %v", verb, path, query,
						index(tokens, strings.Join(authorization, "")), header, cached, uncached, w.calls() > before, w.report.Notes)
				}
			}
		}
		walk(true)
		w.configure(somePolicies(t))
		w.advance(6 * time.Second) // every environment has the change
		w.sync()
		w.advance(4 * time.Second)
		w.sync()
		walk(len(w.report.Redeploy) == 0) // strictly, if what is deployed fits the change as well
		w.settle()
		w.advance(6 * time.Second)
		walk(true)
	})
	t.Logf("deployed without a cache %d times, by request %d, by token %d; %d answers from the cache; %d times two tokens, %d of them let in by an answer to one", deployedKeys[0],
		deployedKeys[1], deployedKeys[2], hits, conflicts, conflictsLetIn)
	if deployedKeys[0] == 0 || deployedKeys[1] == 0 || deployedKeys[2] == 0 || hits == 0 || conflicts == 0 {
		t.Error("some kind of key or request was never drawn")
	}
}

// some is no value at all for an empty text.
func some(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

func index(list []string, s string) int {
	for i := range list {
		if list[i] == s {
			return i
		}
	}
	return -1
}

func (w *cacheWorld) calls() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

// key3 is how the authorizer keeps answers as edited: 0 not, 1 by request, 2 by token.
func (w *cacheWorld) key3() int {
	found, err := w.scanner.Scan(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, z := range found.APIs[0].Authorizers {
		switch {
		case z.TTL == nil || *z.TTL == 0:
			return 0
		case strings.Contains(z.IdentitySource, ","):
			return 1
		default:
			return 2
		}
	}
	w.t.Fatal("no authorizer")
	return 0
}

// TestCachingPlan: which key a configuration gets, and what the report says of it.
func TestCachingPlan(t *testing.T) {
	w := newCacheWorld(t)
	defer w.close()
	all := func(id string) map[string]string {
		return map[string]string{"GET /pets": id, "POST /pets": id, "ANY /pets/{petId}": id}
	}
	joe := cachePolicy("joe", "["+cacheSteps[0]+"]")
	method := cachePolicy("method", "["+cacheSteps[0]+","+cacheSteps[4]+"]")
	tenant := cachePolicy("tenant", "["+cacheSteps[0]+","+cacheSteps[7]+"]")
	path := cachePolicy("path", "["+cacheSteps[5]+"]")
	for _, c := range []struct {
		name string
		use  map[string]string
		key  int
		why  string
	}{
		{"one policy, token only", all("joe"), 2, "answers may be kept by token alone: every method has the same policy"},
		{"the method matters", all("method"), 1, "answers may be kept by token, method and path: "},
		{"two policies", map[string]string{"GET /pets": "joe", "POST /pets": "method", "ANY /pets/{petId}": "joe"}, 1, "answers may be kept by token, method and path: "},
		{"a header", all("tenant"), 0, "no answer may be kept: GET /pets has policy tenant, which reads [request.headers.x-tenant]"},
		{"an anonymous caller", all("path"), 0, "no answer may be kept: GET /pets has policy path, which may let anonymous callers in"},
		{"no policy", map[string]string{"GET /pets": "", "POST /pets": "joe", "ANY /pets/{petId}": "joe"}, 0, "no answer may be kept: GET /pets has no policy"},
	} {
		w.configure([]waist.Policy{joe, method, tenant, path}, c.use)
		w.advance(6 * time.Second)
		w.settle()
		if got := w.key3(); got != c.key || !strings.Contains(fmt.Sprint(w.report.Notes), c.why) || len(w.report.Redeploy) != 0 {
			t.Errorf("%s: key %d, notes %q, redeploy %q", c.name, got, w.report.Notes, w.report.Redeploy)
		}
	}
	// Nothing is kept now: the tag is gone, and the cache is not emptied any more.
	w.sync()
	if w.report.Flushed != 0 {
		t.Errorf("emptied %d caches where nothing is kept", w.report.Flushed)
	}
}

// TestCachingAcrossChanges: a new revision empties the cache twice and no more; what an outage denied is not kept; a
// token bound to a certificate is refused; a policy that outgrew the deployed key opens nothing.
func TestCachingAcrossChanges(t *testing.T) {
	w := newCacheWorld(t)
	defer w.close()
	all := map[string]string{"GET /pets": "p", "POST /pets": "p", "ANY /pets/{petId}": "p"}
	w.configure([]waist.Policy{cachePolicy("p", "["+cacheSteps[0]+"]")}, all)
	w.settle()
	joe := "Bearer " + w.token("joe", time.Hour, nil)
	bound := "Bearer " + w.token("joe", time.Hour, map[string]any{"cnf": map[string]any{"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}})
	expect := func(what, authorization, header string, want bool, asked int) {
		t.Helper()
		before := w.calls()
		if got, _ := w.ask("GET", "/pets", "", some(authorization), header); got != want || w.calls()-before != asked {
			t.Errorf("%s: let in %t, the function was asked %d times", what, got, w.calls()-before)
		}
	}
	expect("first", joe, "", true, 1)
	expect("kept", joe, "", true, 0)
	// Two tokens: refused by the function, and the refusal is kept for neither of them.
	ann, twice := "Bearer "+w.token("ann", time.Hour, nil), func(values ...string) bool {
		got, uncached := w.ask("GET", "/pets", "", values, "")
		if uncached {
			t.Errorf("two tokens are let in without a cache")
		}
		return got
	}
	late := "Bearer " + w.token("joe", 2*time.Hour, nil)
	if twice(ann, late) || twice(late, ann) {
		t.Error("two tokens of which nothing is kept")
	}
	expect("the one alone", late, "", true, 1)
	expect("the other one alone", ann, "", false, 1)
	// API Gateway's key holds one value, the last one here: who has that token gets what it gets.
	if !twice(ann, late) || twice(late, ann) {
		t.Error("two tokens, one of which is kept")
	}
	expect("bound to a certificate", bound, "", false, 1)
	w.configure([]waist.Policy{cachePolicy("p", "["+cacheSteps[1]+"]")}, all)
	w.advance(6 * time.Second)
	for i, want := range []int{1, 1, 0} {
		if w.sync(); w.report.Flushed != want {
			t.Errorf("run %d after a change emptied %d caches", i, w.report.Flushed)
		}
	}
	expect("denied by the new policy", joe, "", false, 1)
	expect("and the denial is kept", joe, "", false, 0)
	// The new policy reads a header, and nobody deploys.
	w.configure([]waist.Policy{cachePolicy("p", "["+cacheSteps[0]+","+cacheSteps[7]+"]")}, all)
	w.advance(6 * time.Second)
	for range 3 {
		if w.sync(); w.report.Flushed != 1 || fmt.Sprint(w.report.Redeploy) != "[PetStore/dev]" {
			t.Errorf("not deployed: %+v", w.report)
		}
	}
	expect("the header fits", joe, "a", true, 1)
	w.advance(4 * time.Second)
	expect("it does not, and the answer before is kept", joe, "b", false, 0)
	w.settle()
	expect("deployed: the header fits", joe, "a", true, 1)
	expect("deployed: it does not", joe, "b", false, 1)
	// An environment without a configuration denies, and API Gateway must not keep that.
	w.configure([]waist.Policy{cachePolicy("p", "["+cacheSteps[0]+"]")}, all)
	w.advance(6 * time.Second)
	w.settle()
	w.broken = true
	running := w.caching
	w.caching = w.authorizer(true)
	expect("outage", joe, "", false, 1)
	w.caching = running
	expect("after it", joe, "", true, 1)
}
