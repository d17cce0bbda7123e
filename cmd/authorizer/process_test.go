package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"portcullis/aws/attach"
	"portcullis/aws/local"
	"portcullis/aws/local/lambda"
	"portcullis/aws/signed"
	"portcullis/edge/waist"
)

// The tests in this file run the real program: a zip with its bootstrap, in the local AWS's Lambda, behind its API
// Gateway, against a control plane over HTTP.

const (
	region      = "eu-west-1"
	account     = "123456789012"
	functionARN = "arn:aws:lambda:" + region + ":" + account + ":function:cloudentity-microperimeter-authorizer"
	secretText  = "the-gateways-secret-must-not-be-logged-42"
	scheduled   = `{"version":"0","detail-type":"Scheduled Event","source":"aws.events","region":"eu-west-1","detail":{}}`
)

var buildZip = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "portcullis-bootstrap-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "bootstrap")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.New(string(out))
	}
	b, err := os.ReadFile(bin)
	if err != nil {
		return nil, err
	}
	var z bytes.Buffer
	w := zip.NewWriter(&z)
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(b); err != nil {
		return nil, err
	}
	err = w.Close()
	return z.Bytes(), err
})

// world is a control plane, an AWS account with a pet store, and the function.
type world struct {
	t      *testing.T
	aws    *signed.Client
	url    string       // of the local AWS
	manage http.Handler // its management API
	plane  *controlPlane
	api    string

	mu   sync.Mutex
	logs []string
}

// controlPlane serves the published system API. It binds every group that it hears of.
type controlPlane struct {
	*httptest.Server
	key *ecdsa.PrivateKey

	mu        sync.Mutex
	cfg       waist.Configuration
	inventory waist.Inventory
	events    []waist.RequestEvent
	bind      bool
	down      bool
	signs     bool // as ours does; an ACP does not
	polls     int
	made      []string      // every token that was signed
	hang      chan struct{} // not nil: polls wait for it
}

func newControlPlane(t testing.TB) *controlPlane {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &controlPlane{key: key}
	jwks, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1"}}})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /default/system/oauth2/token", func(w http.ResponseWriter, r *http.Request) {
		if _, secret, _ := r.BasicAuth(); secret != secretText {
			w.WriteHeader(401)
			return
		}
		fmt.Fprint(w, `{"access_token":"system-token","expires_in":3600}`)
	})
	mux.HandleFunc("/api/system/default/gateways/", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		if hang := p.hang; hang != nil && r.Method == http.MethodGet {
			p.mu.Unlock()
			select {
			case <-hang:
			case <-r.Context().Done():
			}
			p.mu.Lock()
		}
		defer p.mu.Unlock()
		switch r.Method + " " + strings.TrimPrefix(r.URL.Path, "/api/system/default/gateways/") {
		case "GET configuration":
			p.polls++
			etag := fmt.Sprintf(`"%d"`, p.cfg.Revision)
			w.Header().Set("ETag", etag)
			body, _ := json.Marshal(p.cfg)
			if p.signs {
				line, _ := waist.ConfigurationSignature{TenantID: "default", ServerID: "demo", GatewayID: "g1", ClientID: "gw", Revision: p.cfg.Revision, ETag: etag,
					IssuedAt: time.Now().Unix(), NotAfter: time.Now().Add(time.Hour).Unix()}.Sign(secretText, body)
				w.Header().Set(waist.HeaderSignature, line)
			}
			if p.down {
				w.WriteHeader(503)
			} else if r.Header.Get("If-None-Match") == etag {
				w.WriteHeader(304)
			} else {
				_, _ = w.Write(body)
			}
		case "POST configuration":
			_ = json.NewDecoder(r.Body).Decode(&p.inventory)
			p.rebind()
			fmt.Fprintf(w, `{"number_of_added_api_groups":%d}`, len(p.inventory.APIGroups))
		case "POST requests":
			var ev waist.RequestEvents
			_ = json.NewDecoder(r.Body).Decode(&ev)
			p.events = append(p.events, ev.Events...)
			fmt.Fprintf(w, `{"number_of_pushed_events":%d}`, len(ev.Events))
		case "POST introspect":
			fmt.Fprint(w, `{"active":false}`)
		default:
			w.WriteHeader(404)
		}
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	p.cfg = waist.Configuration{TenantID: "default", ServerID: "demo", IssuerURL: p.URL + "/default/demo", JWKS: jwks, Revision: 1,
		Policies: []waist.Policy{{ID: "needs-joe", Language: "cloudentity", Type: "api", Validators: []waist.Validator{{Name: "identity-context",
			Conf: json.RawMessage(`{"fields":[{"field":"sub","comparator":"equals","value":"joe"}]}`)}}}}}
	return p
}

// rebind makes one service of each group while bind is set; mu is held.
func (p *controlPlane) rebind() {
	policies := map[string]string{}
	for _, a := range p.cfg.APIs {
		policies[a.ServiceID+a.Method+a.Path] = a.PolicyID
	}
	before, _ := json.Marshal(p.cfg)
	p.cfg.Services, p.cfg.APIs = nil, nil
	for _, g := range p.inventory.APIGroups {
		if !p.bind {
			break
		}
		p.cfg.Services = append(p.cfg.Services, waist.ConnectedService{ID: g.ID, Name: g.Name, APIGroupID: g.ID, APIGroupMetadata: g.Metadata, Audience: "pets"})
		for _, a := range g.APIs {
			p.cfg.APIs = append(p.cfg.APIs, waist.API{ID: g.ID + a.Method + a.Path, ServiceID: g.ID, Method: a.Method, Path: a.Path, PolicyID: policies[g.ID+a.Method+a.Path]})
		}
	}
	if after, _ := json.Marshal(p.cfg); !bytes.Equal(before, after) {
		p.cfg.Revision++
	}
}

func (p *controlPlane) setBind(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bind = on
	p.rebind()
}

func (p *controlPlane) setPolicy(method, path, policy string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.cfg.APIs {
		if a := &p.cfg.APIs[i]; a.Method == method && a.Path == path {
			a.PolicyID = policy
		}
	}
	p.cfg.Revision++
}

func (p *controlPlane) token(t testing.TB, sub string) string { return p.sign(t, p.URL, sub) }

// sign makes a token of the issuer at base.
func (p *controlPlane) sign(t testing.TB, base, sub string) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.key, KeyID: "k1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(map[string]any{"iss": base + "/default/demo", "sub": sub, "aud": "pets", "exp": time.Now().Add(time.Hour).Unix()})
	jws, err := s.Sign(b)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := jws.CompactSerialize()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made = append(p.made, out)
	return out
}

const petStore = `{"openapi":"3.0.1","info":{"title":"PetStore","version":"1"},"paths":{
 "/pets":{"get":{"responses":{"200":{"description":"ok"}},"x-amazon-apigateway-integration":{"type":"MOCK","requestTemplates":{"application/json":"{\"statusCode\":200}"},"responses":{"default":{"statusCode":"200","responseTemplates":{"application/json":"{\"caller\":\"$context.authorizer.principalId\"}"}}}}},
          "options":{"responses":{"200":{"description":"ok"}},"x-amazon-apigateway-integration":{"type":"MOCK","requestTemplates":{"application/json":"{\"statusCode\":200}"},"responses":{"default":{"statusCode":"200"}}}}},
 "/pets/{petId}":{"get":{"responses":{"200":{"description":"ok"}},"x-amazon-apigateway-integration":{"type":"MOCK","requestTemplates":{"application/json":"{\"statusCode\":200}"},"responses":{"default":{"statusCode":"200"}}}}}}}`

func newWorld(t *testing.T, env map[string]string) *world {
	t.Helper()
	w := &world{t: t, plane: newControlPlane(t)}
	aws, err := local.New(local.Options{ManualSchedule: true, Lambda: lambda.Options{Log: func(l lambda.LogLine) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.logs = append(w.logs, l.Text)
	}}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(aws.Handler())
	aws.SetPublicURL(server.URL)
	t.Cleanup(func() {
		aws.Close()
		server.CloseClientConnections()
		server.Close()
		w.grepLogs()
	})
	w.url, w.manage = server.URL, aws.Management()
	w.aws = signed.New(region)
	settings := map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"}
	w.aws.Getenv = func(k string) string { return settings[k] }

	w.iam("CreateRole", url.Values{"RoleName": {"authorizer"}, "AssumeRolePolicyDocument": {`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`}})
	w.iam("PutRolePolicy", url.Values{"RoleName": {"authorizer"}, "PolicyName": {"guide"}, "PolicyDocument": {`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"apigateway:*","Resource":"*"},{"Effect":"Allow","Action":"lambda:*","Resource":"` + functionARN + `"}]}`}})

	var api struct{ ID string }
	w.call(signed.Call{Service: "apigateway", Operation: "ImportRestApi", Method: "POST", Path: "/restapis", Query: url.Values{"mode": {"import"}}, Raw: []byte(petStore)}, &api)
	w.api = api.ID
	w.deploy("dev")

	code, err := buildZip()
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{"ACP_CLIENT_ID": "gw", "ACP_CLIENT_SECRET": secretText, "ACP_ISSUER_URL": w.plane.URL + "/default/system", "CONFIG_REFRESH_INTERVAL": "1 second", "LOGGING_LEVEL": "debug"}
	for k, v := range env {
		variables[k] = v
	}
	arch := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	create := signed.Call{Service: "lambda", Operation: "CreateFunction", Method: "POST", Path: "/2015-03-31/functions", Body: map[string]any{
		"FunctionName": "cloudentity-microperimeter-authorizer", "Runtime": "provided.al2023", "Handler": "cloudentity-mp-aws-gw-authorizer", "Timeout": 10, "MemorySize": 128,
		"Architectures": []string{arch}, "Role": "arn:aws:iam::" + account + ":role/authorizer", "Environment": map[string]any{"Variables": variables},
		"Code": map[string]any{"ZipFile": base64.StdEncoding.EncodeToString(code)}}}
	if err := w.aws.Do(t.Context(), create, nil); err != nil {
		w.created(err)
	}
	return w
}

// created waits for a function whose creation took longer than a client waits: with the race detector, on a busy machine,
// a zip of several megabytes does.
func (w *world) created(err error) {
	w.t.Helper()
	var refused *signed.Error
	for deadline := time.Now().Add(2 * time.Minute); !errors.As(err, &refused) && time.Now().Before(deadline); time.Sleep(time.Second) {
		get := signed.Call{Service: "lambda", Operation: "GetFunction", Method: "GET", Path: "/2015-03-31/functions/cloudentity-microperimeter-authorizer"}
		if w.aws.Do(w.t.Context(), get, nil) == nil {
			return
		}
	}
	w.t.Fatal(err)
}

// grepLogs is the last check of every test: nothing secret was ever logged.
func (w *world) grepLogs() {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := strings.Join(w.logs, "\n")
	w.plane.mu.Lock()
	bad := append(w.plane.made, secretText, "system-token")
	w.plane.mu.Unlock()
	for _, found := range leaked(text, bad) {
		w.t.Errorf("the function logged %s", found)
	}
	if w.t.Failed() {
		w.t.Logf("the function's log:\n%s", text)
	}
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

func (w *world) call(c signed.Call, out any) {
	w.t.Helper()
	if err := w.aws.Do(w.t.Context(), c, out); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) iam(action string, v url.Values) {
	w.t.Helper()
	v.Set("Action", action)
	v.Set("Version", "2010-05-08")
	w.call(signed.Call{Service: "iam", Operation: action, Method: "POST", Path: "/", Raw: []byte(v.Encode()), ContentType: "application/x-www-form-urlencoded"}, nil)
}

func (w *world) deploy(stage string) {
	w.t.Helper()
	w.call(signed.Call{Service: "apigateway", Operation: "CreateDeployment", Method: "POST", Path: "/restapis/" + w.api + "/deployments", Body: map[string]any{"stageName": stage}}, nil)
}

// report is the answer to a scheduled event.
type report struct {
	OK       bool     `json:"ok"`
	Complete bool     `json:"complete"`
	Groups   int      `json:"api_groups"`
	Bound    int      `json:"bound_api_groups"`
	Changed  int      `json:"changed_methods"`
	Redeploy []string `json:"redeploy"`
	Plan     []string `json:"plan"`
	Notes    []string `json:"notes"`
	Problems []string `json:"problems"`
}

func (w *world) sync() report {
	w.t.Helper()
	var r report
	w.invoke(scheduled, &r)
	return r
}

func (w *world) invoke(payload string, out any) {
	w.t.Helper()
	w.call(signed.Call{Service: "lambda", Operation: "Invoke", Method: "POST", Path: "/2015-03-31/functions/cloudentity-microperimeter-authorizer/invocations", Raw: []byte(payload)}, out)
}

func (w *world) get(path, authorization string) (status int, body string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", w.url+"/_aws/execute-api/"+w.api+"/dev"+path, nil)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

// settled waits until no environment of the function is at work. A request that comes while one still works after its
// answer starts another environment, as on AWS, which may know less.
func (w *world) settled() {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		var list struct {
			Environments []struct {
				State string
				Idle  bool
			}
		}
		answer := httptest.NewRecorder()
		w.manage.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/_aws/lambda/environments", nil))
		if err := json.Unmarshal(answer.Body.Bytes(), &list); err != nil {
			w.t.Fatalf("the management API answered %d: %v", answer.Code, err)
		}
		busy := 0
		for _, e := range list.Environments {
			if !e.Idle && e.State != "ended" {
				busy++
			}
		}
		if busy == 0 {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%d environments are still at work", busy)
		}
	}
}

func (w *world) expect(path, authorization string, status int, contains string) {
	w.t.Helper()
	w.settled()
	if got, body := w.get(path, authorization); got != status || !strings.Contains(body, contains) {
		w.t.Errorf("GET %s: %d %s, want %d …%s…", path, got, body, status, contains)
	}
}

// eventually asks until the status is the one that is wanted.
func (w *world) eventually(path string, status int) {
	w.t.Helper()
	deadline := time.Now().Add(time.Minute) // a busy machine is no reason to fail
	for {
		got, body := w.get(path, "")
		if got == status {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("GET %s: still %d %s", path, got, body)
		}
		time.Sleep(25 * time.Millisecond)
	}
}

// TestGuide walks through the mission guide with the real program.
func TestGuide(t *testing.T) {
	w := newWorld(t, nil)
	if r := w.sync(); !r.OK || !r.Complete || r.Groups != 1 || r.Bound != 0 || r.Changed != 0 {
		t.Fatalf("discovery: %+v", r)
	}
	if g := w.plane.inventory.APIGroups; len(g) != 1 || g[0].ID != w.api+"-dev" || g[0].Name != "PetStore/dev" || len(g[0].APIs) != 3 || g[0].Metadata.AWS.Account != account {
		t.Fatalf("inventory: %+v", g)
	}
	w.plane.setBind(true)
	r := w.sync()
	if !r.OK || r.Bound != 1 || r.Changed != 2 || fmt.Sprint(r.Redeploy) != "[PetStore/dev]" {
		t.Fatalf("attachment: %+v", r)
	}
	for _, m := range w.plane.inventory.APIGroups[0].APIs {
		want := waist.AuthorizerOurs
		if m.Method == "OPTIONS" {
			want = waist.AuthorizerNone
		}
		if m.Authorizer != want || m.Method != "OPTIONS" && *m.Deployed {
			t.Errorf("inventory after the attachment: %+v", m)
		}
	}
	w.expect("/pets", "", 200, "") // not deployed yet
	w.deploy("dev")
	if r := w.sync(); !r.OK || r.Changed != 0 || len(r.Redeploy) != 0 {
		t.Errorf("after Deploy API: %+v", r)
	}
	w.expect("/pets", "", 200, `"caller":"anonymous"`) // no policy: None
	w.plane.setPolicy("GET", "/pets", "needs-joe")
	time.Sleep(1100 * time.Millisecond) // the refresh interval: by then every environment, thawed by a request, must ask
	w.expect("/pets", "Bearer invalid_token", 403, "User is not authorized to access this resource with an explicit deny")
	w.expect("/pets", "", 403, "explicit deny")
	w.expect("/pets", "Bearer "+w.plane.token(t, "jane"), 403, "explicit deny")
	w.expect("/pets", "Bearer "+w.plane.token(t, "joe"), 200, `"caller":"joe"`)
	w.expect("/pets/1", "", 200, "")
	w.plane.mu.Lock()
	if e := w.plane.events; len(e) == 0 || e[0].DecisionID == "" || e[0].GroupID != w.api+"-dev" || e[0].Token != "" {
		t.Errorf("request events: %+v", e)
	}
	w.plane.mu.Unlock()
	// Unbinding takes the authorizer away again.
	w.plane.setBind(false)
	if r := w.sync(); !r.OK || r.Changed != 2 || fmt.Sprint(r.Redeploy) != "[PetStore/dev]" {
		t.Errorf("detachment: %+v", r)
	}
	w.deploy("dev")
	w.expect("/pets", "", 200, "")
	var check map[string]any
	w.invoke(`{"portcullis":"self-check"}`, &check)
	if check["state"] != "usable" {
		t.Errorf("self-check: %v", check)
	}
}

// TestPolicyChangeUnderLoad: a change is enforced within the interval and half a second, and the requests meanwhile do
// not wait for the control plane.
func TestPolicyChangeUnderLoad(t *testing.T) {
	w := newWorld(t, nil)
	w.plane.setBind(true)
	w.sync()
	w.sync()
	w.deploy("dev")
	w.expect("/pets", "", 200, "")
	changed := time.Time{}
	start := time.Now()
	slowest := time.Duration(0)
	for time.Since(start) < 4*time.Second {
		if changed.IsZero() && time.Since(start) > 1300*time.Millisecond {
			w.plane.setPolicy("GET", "/pets", "needs-joe")
			changed = time.Now()
		}
		at := time.Now()
		status, _ := w.get("/pets", "")
		slowest = max(slowest, time.Since(at))
		if status == 403 {
			if d := time.Since(changed); d > 1500*time.Millisecond {
				t.Errorf("enforced %s after the change", d)
			}
			t.Logf("enforced %s after the change; slowest request %s", time.Since(changed), slowest)
			return
		}
		time.Sleep(20 * time.Millisecond) // the pace of the requests
	}
	t.Error("the change was never enforced")
}

// TestFrozenAndHanging: a real process that slept longer than its refresh interval, for a second or for an hour, asks
// before it answers; and a control plane that takes the question and never answers costs a bounded wait, not a decision.
func TestFrozenAndHanging(t *testing.T) {
	w := newWorld(t, nil)
	w.plane.setBind(true)
	w.sync()
	w.sync()
	w.deploy("dev")
	w.expect("/pets", "", 200, "")
	count := func() int { w.plane.mu.Lock(); defer w.plane.mu.Unlock(); return w.plane.polls }
	before := count()
	for deadline := time.Now().Add(time.Minute); ; before = count() { // until it sleeps: nothing asks any more
		time.Sleep(1100 * time.Millisecond)
		if count() == before {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the idle environment goes on asking")
		}
	}
	w.plane.setPolicy("GET", "/pets", "needs-joe")
	w.expect("/pets", "", 403, "explicit deny") // the first answer after the thaw knows of the change
	w.expect("/pets", "Bearer "+w.plane.token(t, "joe"), 200, `"caller":"joe"`)

	hang := make(chan struct{})
	w.plane.mu.Lock()
	w.plane.hang = hang
	w.plane.mu.Unlock()
	for range 2 { // each in an environment past its interval
		time.Sleep(1100 * time.Millisecond)
		w.expect("/pets", "", 403, "explicit deny")
		w.expect("/pets", "Bearer "+w.plane.token(t, "joe"), 200, `"caller":"joe"`)
	}
	w.plane.mu.Lock()
	w.plane.hang = nil
	w.plane.mu.Unlock()
	close(hang)
	w.plane.setPolicy("GET", "/pets", "")
	w.eventually("/pets", 200)
}

// TestColdStartDuringOutage: no configuration, everything denied, and nothing but 403 reaches the caller.
func TestColdStartDuringOutage(t *testing.T) {
	w := newWorld(t, nil)
	w.plane.setBind(true)
	w.sync()
	w.sync()
	w.deploy("dev")
	w.expect("/pets", "", 200, "")
	w.plane.mu.Lock()
	w.plane.down = true
	w.plane.mu.Unlock()
	w.newEnvironments()
	w.expect("/pets", "", 403, "explicit deny")
	w.plane.mu.Lock()
	w.plane.down = false
	w.plane.mu.Unlock()
	w.eventually("/pets", 200)
}

// TestOutageWithStoredConfiguration: with AWS_LOCAL_CONFIGURATION a new environment answers during an outage, by what the
// control plane signed and by nothing else.
func TestOutageWithStoredConfiguration(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, map[string]string{"AWS_LOCAL_CONFIGURATION": dir})
	w.plane.setBind(true)
	if r := w.sync(); r.OK || !strings.Contains(fmt.Sprint(r.Problems), "does not sign") {
		t.Errorf("a control plane that does not sign: %+v", r)
	}
	w.plane.mu.Lock()
	w.plane.signs = true
	w.plane.mu.Unlock()
	w.sync()
	w.sync()
	w.deploy("dev")
	w.plane.setPolicy("GET", "/pets", "needs-joe")
	w.sync()
	w.plane.mu.Lock()
	w.plane.down = true
	w.plane.mu.Unlock()
	w.newEnvironments()
	w.expect("/pets", "Bearer "+w.plane.token(t, "joe"), 200, `"caller":"joe"`)
	w.expect("/pets", "Bearer "+w.plane.token(t, "jane"), 403, "explicit deny")
	w.expect("/pets/1", "", 200, "")

	// Somebody who can write there opens an API for everybody.
	files, err := filepath.Glob(filepath.Join(dir, "*.conf"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	good, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, copied := range map[string][]byte{
		"altered":  bytes.ReplaceAll(good, []byte(`"policy_id":"needs-joe"`), []byte(`"policy_id":""         `)),
		"unsigned": good[bytes.Index(good, []byte("\n\n"))+2:],
	} {
		if bytes.Equal(copied, good) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if err := os.WriteFile(files[0], copied, 0o600); err != nil {
			t.Fatal(err)
		}
		w.newEnvironments()
		w.expect("/pets", "", 403, "explicit deny")
		w.expect("/pets/1", "", 403, "explicit deny")
	}
}

// newEnvironments makes every environment that there is the last of its kind: the next request starts another one.
func (w *world) newEnvironments() {
	w.t.Helper()
	w.call(signed.Call{Service: "lambda", Operation: "UpdateFunctionConfiguration", Method: "PUT", Path: "/2015-03-31/functions/cloudentity-microperimeter-authorizer/configuration", Body: map[string]any{"Description": "new environments"}}, nil)
}

// TestLastEventsAreSent: request events that wait for the next flush leave when Lambda takes the environment down.
func TestLastEventsAreSent(t *testing.T) {
	w := newWorld(t, nil)
	w.plane.setBind(true)
	w.sync()
	w.sync()
	w.deploy("dev")
	const requests = 5 // within a second: the first ones are sent after their answer, the last ones wait
	for range requests {
		w.expect("/pets", "", 200, "")
	}
	w.newEnvironments()
	deadline := time.Now().Add(time.Minute)
	for {
		w.plane.mu.Lock()
		n := len(w.plane.events)
		w.plane.mu.Unlock()
		if n == requests {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d events arrived", n, requests)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestNothingIsChanged: AWS_CREATE_AUTHORIZER=false reports the plan and does nothing.
func TestNothingIsChanged(t *testing.T) {
	w := newWorld(t, map[string]string{"AWS_CREATE_AUTHORIZER": "false"})
	w.plane.setBind(true)
	w.sync()
	r := w.sync()
	if !r.OK || r.Changed != 0 || len(r.Plan) != 4 || !strings.HasPrefix(r.Plan[0], "aws lambda add-permission --function-name cloudentity-microperimeter-authorizer") {
		t.Errorf("%+v", r)
	}
	for _, format := range attach.Formats() {
		var p struct{ Plan string }
		if w.invoke(`{"portcullis":"plan","format":"`+format+`"}`, &p); !strings.Contains(p.Plan, "/pets/{petId}") || !strings.Contains(p.Plan, functionARN+"/invocations") {
			t.Errorf("%s: %q", format, p.Plan)
		}
		var check struct {
			State string
			Plan  struct {
				Plan    string
				Caching []struct{ Key, Why string }
			}
		}
		w.invoke(`{"portcullis":"self-check","plan":"`+format+`"}`, &check)
		if check.State != "usable" || check.Plan.Plan != p.Plan || len(check.Plan.Caching) != 1 || check.Plan.Caching[0].Key != "none" || !strings.Contains(check.Plan.Plan, "PetStore/dev: no answer may be kept: GET /pets has no policy") {
			t.Errorf("%s: %+v", format, check)
		}
	}
	w.deploy("dev")
	w.expect("/pets", "", 200, "")
}

// TestMalformedSetting: the function does not start, and its log names the variable.
func TestMalformedSetting(t *testing.T) {
	w := newWorld(t, map[string]string{"CONFIG_REFRESH_INTERVAL": "soon", "INJECT_CONTEXT": "maybe"})
	_, err := w.aws.DoRaw(t.Context(), signed.Call{Service: "lambda", Operation: "Invoke", Method: "POST", Path: "/2015-03-31/functions/cloudentity-microperimeter-authorizer/invocations", Raw: []byte(scheduled)}, nil)
	w.mu.Lock()
	defer w.mu.Unlock()
	text := strings.Join(w.logs, "\n")
	if !strings.Contains(text, "CONFIG_REFRESH_INTERVAL") || !strings.Contains(text, "INJECT_CONTEXT") {
		t.Errorf("log: %s (%v)", text, err)
	}
}
