package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portcullis/control/api/openapi/openapitest"
	"portcullis/edge/waist"
)

// server is a running `portcullis serve`.
type server struct {
	t      *testing.T
	url    string
	greet  []string // what it said on standard output
	cancel context.CancelFunc
	done   chan error
	// secrets are those that were sent and the tokens that came back; the log is searched for them at the end.
	secrets []string
}

// start runs serve on a free port and waits until it says where it is.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	s := &server{t: t, cancel: cancel, done: make(chan error, 1)}
	logs := &bytes.Buffer{}
	go func() {
		err := run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...), in, logs)
		in.CloseWithError(io.EOF)
		s.done <- err
	}()
	t.Cleanup(func() {
		cancel()
		<-s.done
		for _, bad := range append(s.secrets, testSecret) {
			if bad != "" && strings.Contains(logs.String(), bad) {
				t.Errorf("the server logged a secret or a token: %.12s…", bad)
			}
		}
		if t.Failed() {
			t.Logf("log of the server:\n%s", logs)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		s.greet = append(s.greet, lines.Text())
		if _, addr, ok := strings.Cut(lines.Text(), " is listening on "); ok {
			s.url = "http://" + addr
		}
		if strings.HasPrefix(lines.Text(), "Portal: ") {
			break
		}
	}
	if s.url != "" {
		go io.Copy(io.Discard, out)
		return s
	}
	err := <-s.done
	s.done <- err
	t.Fatalf("serve ended before it was listening: %v\n%s", err, logs)
	return nil
}

// stop ends the server as SIGTERM does.
func (s *server) stop() {
	s.t.Helper()
	s.cancel()
	select {
	case err := <-s.done:
		if err != nil {
			s.t.Errorf("an orderly stop ended with: %v", err)
		}
		s.done <- err
	case <-time.After(2 * drainTime):
		s.t.Fatal("the server did not stop")
	}
}

// token gets an access token of a workspace by client credentials.
func (s *server) token(workspace, id, secret string) string {
	s.t.Helper()
	req, _ := http.NewRequest("POST", s.url+"/default/"+workspace+"/oauth2/token", strings.NewReader("grant_type=client_credentials"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	var out struct {
		AccessToken string `json:"access_token"`
	}
	s.send(req, 200, &out)
	s.secrets = append(s.secrets, secret, out.AccessToken)
	return out.AccessToken
}

// call sends JSON with a bearer token, checks the status and decodes the answer into out unless it is nil.
func (s *server) call(token, method, path string, in any, want int, out any, headers ...string) http.Header {
	s.t.Helper()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			s.t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return s.send(req, want, out)
}

func (s *server) send(req *http.Request, want int, out any) http.Header {
	s.t.Helper()
	resp, err := (&http.Client{Transport: openapitest.RoundTripper(s.t, nil)}).Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if resp.StatusCode != want {
		s.t.Fatalf("%s %s answered %d, want %d: %s", req.Method, req.URL.Path, resp.StatusCode, want, body)
	}
	if (want == 204 || want == 304) && len(body) > 0 {
		s.t.Errorf("%s %s: %d with a body", req.Method, req.URL.Path, want)
	}
	if out != nil {
		if err := json.Unmarshal(body, out); err != nil {
			s.t.Fatalf("%s %s answered %s: %v", req.Method, req.URL.Path, body, err)
		}
	}
	return resp.Header
}

const (
	testClient = "automation"
	testSecret = "a-secret-of-at-least-32-characters-0123"
)

// environment sets what a new database is born with, and makes a master key.
func environment(t *testing.T) (keyFile string) {
	t.Helper()
	t.Setenv("PORTCULLIS_BOOTSTRAP_ADMIN_PASSWORD", "correct horse battery staple")
	t.Setenv("PORTCULLIS_BOOTSTRAP_CLIENT_ID", testClient)
	t.Setenv("PORTCULLIS_BOOTSTRAP_CLIENT_SECRET", testSecret)
	keyFile = filepath.Join(t.TempDir(), "master.key")
	if err := run(context.Background(), []string{"keygen", keyFile}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	return keyFile
}

type id struct {
	ID string `json:"id"`
}

// The guide from the control plane's side: gateway, discovery, service, policy, decision, and a restart in between.
func TestGuide(t *testing.T) {
	key := environment(t)
	db := "sqlite://" + filepath.Join(t.TempDir(), "portcullis.db")
	const publicURL = "http://portcullis.localhost" // the same before and after the restart, as tokens name it
	s := start(t, "--database", db, "--master-key-file", key, "--public-url", publicURL)
	admin := s.token("admin", testClient, testSecret)

	var gw struct {
		id
		ClientID  string `json:"client_id"`
		IssuerURL string `json:"issuer_url"`
		ServerURL string `json:"server_url"`
		Client    struct {
			Secret string   `json:"client_secret"`
			Scopes []string `json:"scopes"`
			Server string   `json:"authorization_server_id"`
		} `json:"client"`
	}
	create := map[string]any{"name": "AWS", "description": "", "type": "aws", "server_id": "default", "create_and_bind_services_automatically": false}
	s.call(admin, "POST", "/api/admin/default/gateways", create, 201, &gw)
	if gw.IssuerURL != publicURL+"/default/system" || gw.ServerURL != publicURL || gw.Client.Server != "system" || len(gw.Client.Scopes) != 4 {
		t.Errorf("created %+v", gw)
	}
	var refused waist.Error
	s.call(admin, "POST", "/api/admin/default/gateways", create, 409, &refused)
	if refused.Code != "gateway_limit" || refused.StatusCode != 409 {
		t.Errorf("the second AWS gateway: %+v", refused)
	}

	// The authorizer comes: token, configuration, nothing new, inventory.
	gateway := s.token("system", gw.ClientID, gw.Client.Secret)
	const configuration = "/api/system/default/gateways/configuration"
	var cfg waist.Configuration
	tag := s.call(gateway, "GET", configuration, nil, 200, &cfg).Get("ETag")
	if cfg.IssuerURL != publicURL+"/default/default" || cfg.ServerID != "default" || len(cfg.JWKS) == 0 || tag == "" {
		t.Errorf("configuration %+v, ETag %q", cfg, tag)
	}
	s.call(gateway, "GET", configuration, nil, 304, nil, "If-None-Match", tag)
	group := waist.APIGroup{ID: "abc123-dev", Name: "PetStore/dev",
		Metadata: waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: "abc123", APIName: "PetStore", Stage: "dev", Region: "us-east-1"}},
		APIs:     []waist.GatewayAPI{{Method: "GET", Path: "/pets"}, {Method: "GET", Path: "/pets/{petId}"}}}
	var added waist.InventoryResult
	s.call(gateway, "POST", configuration, waist.Inventory{APIGroups: []waist.APIGroup{group}}, 200, &added)
	if added.NumberOfAddedAPIGroups != 1 {
		t.Errorf("added %+v", added)
	}

	// Connect a service, assign a policy.
	var groups struct{ Groups []id }
	s.call(admin, "GET", "/api/admin/default/gateways/"+gw.ID+"/groups", nil, 200, &groups)
	if len(groups.Groups) != 1 {
		t.Fatalf("groups %+v", groups)
	}
	var service id
	s.call(admin, "POST", "/api/admin/default/services", map[string]any{"authorization_server_id": "default", "name": "Pet store"}, 201, &service)
	s.call(admin, "POST", "/api/admin/default/gateways/"+gw.ID+"/groups/"+groups.Groups[0].ID+"/bind", map[string]string{"service_id": service.ID}, 200, nil)
	var apis struct{ APIs []waist.API }
	s.call(admin, "GET", "/api/admin/default/services/"+service.ID+"/apis", nil, 200, &apis)
	if len(apis.APIs) != 2 {
		t.Fatalf("apis %+v", apis)
	}
	var policy id
	s.call(admin, "POST", "/api/admin/default/policies", map[string]any{"server_id": "default", "policy_name": "Known caller", "type": "api", "language": "cloudentity",
		"validators": []any{map[string]any{"name": "identity-context", "conf": map[string]any{"fields": []any{map[string]any{"field": "sub", "comparator": "present", "value": ""}}}, "recovery": nil}}}, 201, &policy)
	s.call(admin, "PUT", "/api/admin/default/apis/"+apis.APIs[0].ID, map[string]string{"policy_id": policy.ID}, 200, nil)

	// A restart: nothing is lost, nothing is born again, and the environment of the first start counts no more.
	s.stop()
	t.Setenv("PORTCULLIS_BOOTSTRAP_CLIENT_SECRET", "another-secret-of-at-least-32-characters")
	s = start(t, "--database", db, "--master-key-file", key, "--public-url", publicURL)
	s.call(admin, "GET", "/api/admin/default/servers", nil, 200, nil) // a token outlives a restart

	cfg = waist.Configuration{}
	gateway = s.token("system", gw.ClientID, gw.Client.Secret)
	changed := s.call(gateway, "GET", configuration, nil, 200, &cfg, "If-None-Match", tag).Get("ETag")
	var assigned, known bool
	for _, a := range cfg.APIs {
		assigned = assigned || a.ID == apis.APIs[0].ID && a.PolicyID == policy.ID
	}
	for _, p := range cfg.Policies {
		known = known || p.ID == policy.ID && len(p.Validators) == 1
	}
	if !assigned || !known || changed == tag || len(cfg.Services) != 1 || cfg.Services[0].APIGroupID != group.ID {
		t.Errorf("after the assignment the configuration is %+v", cfg)
	}
	event := map[string]any{"api_id": apis.APIs[0].ID, "token": "never stored", "result": map[string]any{"result": "AUTHORIZED", "failure": nil, "recovery": nil}}
	var pushed waist.RequestEventsResult
	s.call(gateway, "POST", "/api/system/default/gateways/requests", map[string]any{"events": []any{event}}, 200, &pushed)
	if pushed.NumberOfPushedEvents != 1 {
		t.Errorf("pushed %+v", pushed)
	}

	// A caller's token, as the gateway sees it.
	var app struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	s.call(admin, "POST", "/api/admin/default/clients", map[string]any{"tenant_id": "default", "authorization_server_id": "default", "client_name": "Pet app",
		"grant_types": []string{"client_credentials"}}, 201, &app)
	introspect := func(token string) (active bool) {
		req, _ := http.NewRequest("POST", s.url+"/api/system/default/gateways/introspect", strings.NewReader(url.Values{"token": {token}}.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", "Bearer "+gateway)
		var out struct{ Active bool }
		s.send(req, 200, &out)
		return out.Active
	}
	if !introspect(s.token("default", app.ID, app.Secret)) || introspect("invalid_token") || introspect(gateway) {
		t.Error("introspection: the application's token must be active, garbage and a token of another workspace not")
	}

	var removed struct {
		APIs []waist.API `json:"removed_apis"`
	}
	s.call(admin, "DELETE", "/api/admin/default/gateways/"+gw.ID+"/groups/"+group.ID+"/unbind", nil, 200, &removed)
	if len(removed.APIs) != 2 {
		t.Errorf("unbind removed %+v", removed)
	}
	s.call(admin, "DELETE", "/api/admin/default/gateways/"+gw.ID, nil, 204, nil)
	s.call(gateway, "GET", configuration, nil, 401, nil)
	s.stop()
}

func TestHealth(t *testing.T) {
	key := environment(t)
	s := start(t, "--database", "sqlite://"+filepath.Join(t.TempDir(), "p.db"), "--master-key-file", key)
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
		resp, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || string(body) != want {
			t.Errorf("%s: %d %q", path, resp.StatusCode, body)
		}
	}
}

// Everything is mounted, and nothing shadows anything else.
func TestRoutes(t *testing.T) {
	key := environment(t)
	s := start(t, "--database", "sqlite://"+filepath.Join(t.TempDir(), "p.db"), "--master-key-file", key)
	for _, c := range []struct {
		path        string
		status      int
		contentType string
		says        string // part of the body or the Location
	}{
		{"/", 303, "", "/app/"},
		{"/app/login", 303, "", s.url + "/default/admin/oauth2/authorize?"},
		{"/openapi.yaml", 200, "application/yaml", "openapi: 3.1"},
		{"/default/default/.well-known/openid-configuration", 200, "application/json", `"issuer":"` + s.url + `/default/default"`},
		{"/.well-known/oauth-authorization-server/default/system", 200, "application/json", `"issuer":"` + s.url + `/default/system"`},
		{"/default/nowhere/.well-known/openid-configuration", 404, "application/json", "not_found"},
		{"/api/admin/default/servers", 401, "application/json", "unauthenticated"},
		{"/api/nothing", 404, "application/json", "not_found"},
		{"/nothing", 404, "application/json", "not_found"},
	} {
		resp, err := http.DefaultTransport.RoundTrip(get(t, s.url+c.path))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		text := string(body) + resp.Header.Get("Location")
		if resp.StatusCode != c.status || c.contentType != "" && resp.Header.Get("Content-Type") != c.contentType || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %s %s", c.path, resp.StatusCode, resp.Header.Get("Content-Type"), text)
		}
		if resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: headers %v", c.path, resp.Header)
		}
	}
}

func get(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// Every refusal to start is one line that says what to do.
func TestRefusals(t *testing.T) {
	key := environment(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.key")
	if err := os.WriteFile(bad, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	db := "sqlite://" + filepath.Join(dir, "p.db")
	cases := []struct {
		name string
		args []string
		says string
	}{
		{"no master key", []string{"serve"}, "portcullis keygen"},
		{"missing master key file", []string{"serve", "--master-key-file", filepath.Join(dir, "none")}, "portcullis keygen"},
		{"unusable master key", []string{"serve", "--master-key-file", bad}, "not usable"},
		{"busy port", []string{"serve", "--master-key-file", key, "--listen", taken.Addr().String()}, "--listen"},
		{"database is a directory", []string{"serve", "--master-key-file", key, "--listen", "127.0.0.1:0", "--database", "sqlite://" + dir}, dir},
		{"unknown kind of database", []string{"serve", "--master-key-file", key, "--listen", "127.0.0.1:0", "--database", "mysql://x"}, "sqlite://"},
		{"public URL with a path", []string{"serve", "--master-key-file", key, "--listen", "127.0.0.1:0", "--public-url", "https://example.com/acp", "--database", db}, "nothing behind it"},
		{"http that leaves the machine", []string{"serve", "--master-key-file", key, "--listen", "127.0.0.1:0", "--public-url", "http://example.com", "--database", db}, "--allow-http"},
		{"all addresses without a public URL", []string{"serve", "--master-key-file", key, "--listen", "0.0.0.0:0", "--database", db}, "--public-url"},
		{"not a network", []string{"serve", "--master-key-file", key, "--listen", "127.0.0.1:0", "--trusted-proxies", "ten", "--database", db}, "10.0.0.0/8"},
		{"unknown flag", []string{"serve", "--nope"}, "--nope"},
		{"unknown command", []string{"sreve"}, "sreve"},
		{"keygen over a file", []string{"keygen", key}, "never overwritten"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			err := run(ctx, c.args, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v; want one line with %q", err, c.says)
			}
		})
	}
}

func TestKeygen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "k")
	var out bytes.Buffer
	if err := run(context.Background(), []string{"keygen", file}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	text, _ := os.ReadFile(file)
	if strings.Contains(out.String(), strings.TrimSpace(string(text))) {
		t.Error("the key was printed")
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"version"}} {
		var out bytes.Buffer
		if err := run(context.Background(), args, &out, io.Discard); err != nil || out.Len() == 0 {
			t.Errorf("%v: %v, %q", args, err, out.String())
		}
	}
}

// Without credentials in the environment they are made, shown once, and work.
func TestFirstStartShowsCredentialsOnce(t *testing.T) {
	key := environment(t)
	for _, v := range []string{"ADMIN_PASSWORD", "CLIENT_ID", "CLIENT_SECRET"} {
		t.Setenv("PORTCULLIS_BOOTSTRAP_"+v, "")
	}
	db := "sqlite://" + filepath.Join(t.TempDir(), "p.db")
	s := start(t, "--database", db, "--master-key-file", key)
	text := strings.Join(s.greet, "\n")
	_, rest, ok := strings.Cut(text, "client id ")
	clientID, rest, ok2 := strings.Cut(rest, ", secret ")
	secret, _, _ := strings.Cut(rest, "\n")
	if !ok || !ok2 || strings.Count(text, "shown only now") != 2 {
		t.Fatalf("the first start said:\n%s", text)
	}
	s.token("admin", clientID, secret)
	s.stop()
	s = start(t, "--database", db, "--master-key-file", key)
	if text := strings.Join(s.greet, "\n"); strings.Contains(text, "shown only now") {
		t.Errorf("the second start said:\n%s", text)
	}
}

var update = flag.Bool("update", false, "write docs/reference/cli.md")

// docs/reference/cli.md is what --help says; go test ./cmd/portcullis -run TestReference -update writes it anew.
func TestReference(t *testing.T) {
	const file = "../../docs/reference/cli.md"
	var b strings.Builder
	b.WriteString("# Command line of the control plane\n\nWhat `portcullis COMMAND --help` says. Every flag of serve is also an environment variable. Besides them `serve` reads\n" +
		"`PORTCULLIS_MASTER_KEY` (the master key itself, instead of a file) and, only while it makes a new database,\n" +
		"`PORTCULLIS_BOOTSTRAP_ADMIN_PASSWORD`, `PORTCULLIS_BOOTSTRAP_CLIENT_ID` and `PORTCULLIS_BOOTSTRAP_CLIENT_SECRET`; without them the\n" +
		"first start prints the credentials that it made, once.\n\n" +
		"It listens with plain HTTP: for anything but this machine, put it behind a proxy that ends TLS. `/healthz` says that the process\n" +
		"runs, `/readyz` that the database answers. SIGTERM ends it in order: no new connections, ten seconds for what is under way, then\n" +
		"request events that are still queued are written.\n")
	for _, command := range []string{"serve", "pull", "push", "diff", "keygen", "backup", "check", "reseal", "policy test", "version"} {
		var out bytes.Buffer
		if err := run(context.Background(), append(strings.Fields(command), "--help"), &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n## portcullis %s\n\n```\n%s```\n", command, out.String())
	}
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil || string(have) != b.String() {
		t.Errorf("%s is not what --help says (%v); run: go test ./cmd/portcullis -run TestReference -update", file, err)
	}
}
