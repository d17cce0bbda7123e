package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/analytics"
	"portcullis/control/api/openapi/openapitest"
	"portcullis/control/oauth"
	"portcullis/control/store"
	"portcullis/control/store/storetest"
	"portcullis/control/web"
	"portcullis/edge/waist"
)

// world is the API and the issuer over a real store, wired as the server does it.
type world struct {
	t      *testing.T
	server *httptest.Server
	admin  *admin.Admin
	api    *API
	now    time.Time
	root   string // access token of the automation client
}

const (
	rootID     = "automation"
	rootSecret = "a-secret-of-at-least-32-characters-0123"
)

func newWorld(t *testing.T) *world { return newWorldOn(t, storetest.SQLite(t)) }

func newWorldOn(t *testing.T, st *store.Store, options ...func(*admin.Options)) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)}
	keyring, err := admin.ParseKeyring(admin.GenerateMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return w.now }
	mux := http.NewServeMux()
	w.server = httptest.NewServer(web.Secure(mux, web.Options{Now: now}))
	t.Cleanup(w.server.Close)
	o := admin.Options{Store: st, Now: now, PublicURL: w.server.URL, Keyring: keyring}
	for _, f := range options {
		f(&o)
	}
	w.admin = admin.New(o)
	if _, err := w.admin.Bootstrap(context.Background(), admin.BootstrapOptions{AdminPassword: "correct horse battery staple", ClientID: rootID, ClientSecret: rootSecret}); err != nil {
		t.Fatal(err)
	}
	events := analytics.New(analytics.Options{Store: st, Now: now})
	t.Cleanup(func() { events.Close(context.Background()) })
	issuer := oauth.New(oauth.Options{Admin: w.admin, Store: st, PublicURL: w.server.URL, Now: now})
	w.api = New(Options{Admin: w.admin, Analytics: events, PublicURL: w.server.URL, Now: now,
		Packages:     web.Packages{FS: fstest.MapFS{"authorizer-x86_64.zip": {Data: []byte("zip of x86")}}},
		Authenticate: issuer.Actor,
		Introspect: func(ctx context.Context, tenant, workspace, token string) (any, error) {
			return issuer.Introspect(ctx, tenant, workspace, token)
		},
		Exchange: func(ctx context.Context, x control.Exchange, token string) (any, error) {
			return issuer.Exchange(ctx, x, token)
		}})
	mux.Handle("/api/", w.api)
	mux.Handle("/", issuer.Handler())
	w.root = w.token("admin", rootID, rootSecret)
	return w
}

func (w *world) token(workspace, id, secret string) string {
	w.t.Helper()
	token, status := w.tryToken(workspace, id, secret)
	if token == "" {
		w.t.Fatalf("no token in %s: %d", workspace, status)
	}
	return token
}

func (w *world) tokenStatus(workspace, id, secret string) int {
	w.t.Helper()
	_, status := w.tryToken(workspace, id, secret)
	return status
}

func (w *world) tryToken(workspace, id, secret string) (token string, status int) {
	w.t.Helper()
	req, _ := http.NewRequest("POST", w.server.URL+"/default/"+workspace+"/oauth2/token", strings.NewReader("grant_type=client_credentials"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out struct {
		AccessToken string `json:"access_token"`
	}
	json.NewDecoder(resp.Body).Decode(&out)
	return out.AccessToken, resp.StatusCode
}

// call sends in (nil, a string as it is, or JSON) with the root token to the admin API, checks the status and decodes the
// answer into out unless that is nil. headers come in pairs.
func (w *world) call(method, path string, in any, want int, out any, headers ...string) http.Header {
	w.t.Helper()
	return w.callAs(w.root, method, "/api/admin/default"+path, in, want, out, headers...)
}

func (w *world) callAs(token, method, path string, in any, want int, out any, headers ...string) http.Header {
	w.t.Helper()
	var body io.Reader
	switch in := in.(type) {
	case nil:
	case string:
		body = strings.NewReader(in)
	default:
		b, err := json.Marshal(in)
		if err != nil {
			w.t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, w.server.URL+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := openapitest.RoundTripper(w.t, nil).RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if resp.StatusCode != want {
		w.t.Fatalf("%s %s answered %d, want %d: %s", method, path, resp.StatusCode, want, answer)
	}
	switch out := out.(type) {
	case nil:
	case *[]byte:
		*out = answer
	default:
		if err := json.Unmarshal(answer, out); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, answer)
		}
	}
	return resp.Header
}

type obj = map[string]any

type gatewayCreated struct {
	ID       string `json:"id"`
	ClientID string `json:"client_id"`
	Client   struct {
		Secret string `json:"client_secret"`
	} `json:"client"`
}

// gateway makes the workspace's gateway and returns its access token.
func (w *world) gateway() (gatewayCreated, string) {
	w.t.Helper()
	var g gatewayCreated
	w.call("POST", "/gateways", obj{"name": "AWS", "type": "aws", "server_id": "default"}, 201, &g)
	return g, w.token("system", g.ClientID, g.Client.Secret)
}

const configurationPath = "/api/system/default/gateways/configuration"

func petStore() waist.Inventory {
	return waist.Inventory{APIGroups: []waist.APIGroup{{ID: "abc123-dev", Name: "PetStore/dev",
		Metadata: waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: "abc123", APIName: "PetStore", Stage: "dev", Region: "us-east-1"}},
		APIs:     []waist.GatewayAPI{{Method: "GET", Path: "/pets"}, {Method: "GET", Path: "/pets/{petId}"}, {Method: "ANY", Path: "/{proxy+}"}}}}}
}

// Whatever is read may be sent back as it is, and changes nothing: each noun is made, read, sent back, and deleted.
func TestReadModifyWrite(t *testing.T) {
	w := newWorld(t)
	var policy, service obj
	w.call("POST", "/policies", obj{"server_id": "default", "policy_name": "Nobody", "type": "api", "language": "cloudentity", "validators": []any{obj{"name": "false"}}}, 201, &policy)
	w.call("POST", "/services", obj{"authorization_server_id": "default", "name": "Pets"}, 201, &service)
	gw, _ := w.gateway()
	cases := []struct {
		noun, collection string
		create           obj
		id               string // member; and if path is empty, the object is not made here
		path             string
		put              int
	}{
		{"server", "/servers", obj{"name": "Second"}, "id", "/servers/", 200},
		{"service", "/services", obj{"authorization_server_id": "default", "name": "Toys"}, "id", "/services/", 200},
		{"scope", "/scopes", obj{"authorization_server_id": "default", "name": "read", "service_id": service["id"]}, "id", "/scopes/", 200},
		{"api", "/apis", obj{"server_id": "default", "service_id": service["id"], "method": "GET", "path": "/pets/{petId}", "policy_id": policy["id"]}, "id", "/apis/", 200},
		{"policy", "/policies", obj{"server_id": "default", "policy_name": "Rego", "type": "api", "language": "rego", "definition": "package acp.authz\n\ndefault allow = false\n"}, "id", "/policies/", 201},
		{"client", "/clients", obj{"authorization_server_id": "default", "client_name": "App", "grant_types": []string{"client_credentials"}}, "client_id", "/clients/", 200},
	}
	for _, c := range cases {
		t.Run(c.noun, func(t *testing.T) {
			sub := *w
			sub.t = t
			var made, read, put, again obj
			created := sub.call("POST", c.collection, c.create, 201, &made).Get("ETag")
			path := c.path + made[c.id].(string)
			tag := sub.call("GET", path, nil, 200, &read).Get("ETag")
			updated := sub.call("PUT", path, read, c.put, &put, "If-Match", tag).Get("ETag")
			second := sub.call("GET", path, nil, 200, &again).Get("ETag")
			if created != tag || updated != second {
				t.Errorf("the tag of what was made is %s and is read as %s; of what was changed %s, read as %s", created, tag, updated, second)
			}
			for _, volatile := range []string{"updated_at"} {
				delete(read, volatile)
				delete(again, volatile)
			}
			a, _ := json.Marshal(read)
			b, _ := json.Marshal(again)
			if string(a) != string(b) {
				t.Errorf("sending it back changed it:\n%s\n%s", a, b)
			}
			// RFC 9110 13.1.1: not over somebody else's change; and "*" is whatever is there.
			sub.call("PUT", path, again, 412, nil, "If-Match", `"0123456789"`)
			sub.call("DELETE", path, nil, 412, nil, "If-Match", `"0123456789"`)
			sub.call("DELETE", path, nil, 204, nil, "If-Match", `"x", `+second)
			sub.call("GET", path, nil, 404, nil)
			sub.call("PUT", path, again, 404, nil)
		})
	}
	var read obj
	w.call("GET", "/gateways/"+gw.ID, nil, 200, &read)
	w.call("PUT", "/gateways/"+gw.ID, read, 200, nil)
	read["type"] = "kong"
	w.call("PUT", "/gateways/"+gw.ID, read, 422, nil)
}

func TestGateways(t *testing.T) {
	w := newWorld(t)
	gw, token := w.gateway()
	if len(gw.Client.Secret) < 32 {
		t.Errorf("secret of %d characters", len(gw.Client.Secret))
	}
	var refused waist.Error
	w.call("POST", "/gateways", obj{"name": "Second", "type": "aws", "server_id": "default"}, 409, &refused)
	if refused.Code != "gateway_limit" {
		t.Errorf("%+v", refused)
	}
	// createGateway declares no 400.
	w.call("POST", "/gateways", `{"name":`, 422, nil)
	w.call("POST", "/gateways", obj{"name": "K", "type": "kong", "server_id": "default"}, 422, nil)
	w.call("POST", "/gateways", obj{"name": "X", "type": "aws", "server_id": "nowhere"}, 404, nil)
	w.call("POST", "/gateways", obj{"name": "X", "type": "aws", "server_id": "default", "token_exchange": obj{"enabled": true}}, 422, nil)

	var list struct{ Gateways []obj }
	w.call("GET", "/servers/default/gateways", nil, 200, &list)
	if len(list.Gateways) != 1 || list.Gateways[0]["token_exchange"] == nil {
		t.Errorf("gateways %+v", list)
	}
	fetched := w.callAs(token, "GET", configurationPath, nil, 200, nil)
	if n := len(fetched.Values(waist.HeaderSignature)); n != 1 {
		t.Errorf("%d signatures", n)
	}
	tag := fetched.Get("ETag")
	w.callAs(token, "GET", configurationPath, nil, 304, nil, "If-None-Match", tag)
	w.callAs(token, "GET", configurationPath, nil, 304, nil, "If-None-Match", "W/"+tag)
	for header, want := range map[string]int{"": 0, "true": 1} { // who stores the configuration has it vouched for anew
		if h := w.callAs(token, "GET", configurationPath, nil, 304, nil, "If-None-Match", tag, waist.HeaderSign, header); len(h.Values(waist.HeaderSignature)) != want {
			t.Errorf("%s %q: signatures %q", waist.HeaderSign, header, h.Values(waist.HeaderSignature))
		}
	}
	w.callAs(token, "POST", configurationPath, petStore(), 200, nil)
	var groups struct{ Groups []control.APIGroup }
	w.call("GET", "/gateways/"+gw.ID+"/groups", nil, 200, &groups)
	if len(groups.Groups) != 1 || len(groups.Groups[0].APIs) != 3 {
		t.Fatalf("groups %+v", groups)
	}
	var service obj
	w.call("POST", "/services", obj{"authorization_server_id": "default", "name": "Pets"}, 201, &service)
	bind := "/gateways/" + gw.ID + "/groups/abc123-dev/"
	w.call("POST", bind+"bind", obj{}, 422, nil)
	w.call("POST", bind+"bind", obj{"service_id": "nowhere"}, 422, nil)
	w.call("POST", bind+"bind", obj{"service_id": service["id"]}, 200, nil)
	var by struct {
		APIs map[string][]waist.API `json:"apis_by_services"`
	}
	w.call("GET", "/servers/default/apis", nil, 200, &by)
	if apis := by.APIs[service["id"].(string)]; len(apis) != 3 {
		t.Errorf("apis %+v", by)
	}
	var cfg waist.Configuration
	next := w.callAs(token, "GET", configurationPath, nil, 200, &cfg, "If-None-Match", tag).Get("ETag")
	if next == tag || len(cfg.APIs) != 3 || len(cfg.Services) != 1 {
		t.Errorf("ETag %s, configuration %+v", next, cfg)
	}
	var removed struct {
		APIs []waist.API `json:"removed_apis"`
	}
	w.call("DELETE", bind+"unbind", nil, 200, &removed)
	if len(removed.APIs) != 3 {
		t.Errorf("removed %+v", removed)
	}
	w.call("DELETE", "/gateways/"+gw.ID, nil, 204, nil)
	w.call("GET", "/gateways/"+gw.ID, nil, 404, nil)
	w.callAs(token, "GET", configurationPath, nil, 401, nil)
}

// savesWarn: the answers to saves carry the warnings, may be sent back as they are, and have the ETag of what is read.
func (w *world) savesWarn(api string, doubtful obj) {
	w.t.Helper()
	messages := func(o obj) (out []string) {
		list, ok := o["warnings"].([]any)
		if !ok {
			w.t.Errorf("warnings are %v", o["warnings"])
		}
		for _, x := range list {
			out = append(out, x.(obj)["message"].(string))
		}
		return out
	}
	path := "/policies/" + doubtful["id"].(string)
	if got := messages(doubtful); len(got) != 1 || !strings.Contains(got[0], "departmnt") {
		w.t.Errorf("made with %q", got)
	}
	var saved, read obj
	h := w.call("PUT", path, doubtful, 201, &saved)
	if got := messages(saved); len(got) != 2 || !strings.Contains(got[1], "/pets") {
		w.t.Errorf("saved with %q", got)
	}
	if now := w.call("GET", path, nil, 200, &read).Get("ETag"); now == "" || now != h.Get("ETag") || read["warnings"] != nil {
		w.t.Errorf("saved as %s, read as %s", h.Get("ETag"), now)
	}
	w.call("PUT", path, saved, 201, &saved, "If-Match", h.Get("ETag"))

	path = "/apis/" + api
	saved = nil // not into what the policy was
	h = w.call("PUT", path, obj{"policy_id": doubtful["id"]}, 200, &saved)
	if got := messages(saved); len(got) != 1 || !strings.Contains(got[0], "petId") {
		w.t.Errorf("assigned with %q", got)
	}
	if now := w.call("GET", path, nil, 200, nil).Get("ETag"); now != h.Get("ETag") {
		w.t.Errorf("assigned as %s, read as %s", h.Get("ETag"), now)
	}
	w.call("PUT", path, saved, 200, &saved, "If-Match", h.Get("ETag"))
	open := obj{}
	for name, v := range saved {
		open[name] = v
	}
	open["policy_id"] = ""
	w.call("PUT", path, open, 200, &saved)
	if got := messages(saved); len(got) != 0 {
		w.t.Errorf("an open API with %q", got)
	}
	w.call("PUT", path, obj{"policy_id": doubtful["id"]}, 200, nil)
	cedar := obj{"server_id": "default", "policy_name": "Cedar", "language": "cedar", "definition": "permit(principal == Person::\"joe\", action, resource);"}
	cedar["cedar_schema"] = "entity User; action GET appliesTo { principal: User, resource: User };"
	w.call("POST", "/policies", cedar, 422, nil)
	cedar["cedar_schema"] = "entity User, Person; action GET appliesTo { principal: [User, Person], resource: User };"
	w.call("POST", "/policies", cedar, 201, nil)
	var user obj
	w.call("POST", "/policies", obj{"server_id": "default", "policy_name": "At login", "type": "user", "validators": []any{obj{"name": "true"}}}, 201, &user)
	if got := messages(user); len(got) != 1 || !strings.Contains(got[0], "nothing asks this one") {
		w.t.Errorf("a policy for users with %q", got)
	}
	w.call("PUT", path, obj{"policy_id": user["id"]}, 422, nil)
	var listed struct{ Policies []waist.Policy }
	w.call("GET", "/servers/default/policies?policy_types=user&policy_types=machine", nil, 200, &listed)
	if len(listed.Policies) != 7 {
		w.t.Errorf("%d policies for users and machines", len(listed.Policies))
	}
	w.call("GET", "/servers/default/policies", nil, 200, &listed)
	for _, p := range listed.Policies {
		if p.Type != "api" {
			w.t.Errorf("%s is listed without being asked for", p.ID)
		}
	}
}

func TestPackage(t *testing.T) {
	w := newWorld(t)
	gw, _ := w.gateway()
	var zip []byte
	h := w.call("GET", "/gateways/"+gw.ID+"/package", nil, 200, &zip)
	if string(zip) != "zip of x86" || h.Get("Content-Type") != "application/octet-stream" || !strings.Contains(h.Get("Content-Disposition"), "x86_64.zip") || !strings.HasPrefix(h.Get("Digest"), "sha-256=") {
		t.Errorf("%q %v", zip, h)
	}
	w.call("GET", "/gateways/"+gw.ID+"/package?arch=x86_64", nil, 304, nil, "If-None-Match", h.Get("ETag"))
	w.call("GET", "/gateways/"+gw.ID+"/package?arch=arm64", nil, 501, nil) // this binary has none
	w.call("GET", "/gateways/"+gw.ID+"/package?arch=mips", nil, 400, nil)
	w.call("GET", "/gateways/nowhere/package", nil, 404, nil)
}

func TestPolicies(t *testing.T) {
	w := newWorld(t)
	var policy, service, api obj
	allow := []any{obj{"name": "true", "conf": nil, "recovery": nil}}
	w.call("POST", "/policies", obj{"server_id": "default", "policy_name": "Known caller", "type": "api", "language": "cloudentity", "validators": allow}, 201, &policy)
	w.call("POST", "/policies", obj{"server_id": "default", "policy_name": "Known caller", "type": "api", "language": "cloudentity", "validators": allow, "id": policy["id"]}, 409, nil)
	var refused waist.Error
	w.call("POST", "/policies", obj{"server_id": "default", "policy_name": "Broken", "type": "api", "language": "rego", "definition": "package acp.authz\nallow {"}, 422, &refused)
	if fields, _ := refused.Details["fields"].(obj); len(fields) == 0 {
		t.Errorf("a policy that does not compile: %+v", refused)
	}
	w.call("POST", "/services", obj{"authorization_server_id": "default", "name": "Pets"}, 201, &service)
	w.call("POST", "/apis", obj{"server_id": "default", "service_id": service["id"], "method": "GET", "path": "/pets", "policy_id": policy["id"]}, 201, &api)
	w.call("DELETE", "/policies/"+policy["id"].(string), nil, 400, &refused)
	if refused.Code != "policy_in_use" || !strings.Contains(refused.Message, "/pets") {
		t.Errorf("a policy in use: %+v", refused)
	}
	w.call("PUT", "/apis/"+api["id"].(string), obj{"policy_id": "nowhere"}, 422, nil)
	w.call("PUT", "/apis/"+api["id"].(string), obj{"path": "/other"}, 422, nil)
	w.call("PUT", "/apis/"+api["id"].(string), obj{"policy_id": ""}, 200, nil)
	var opened waist.API
	w.call("GET", "/apis/"+api["id"].(string), nil, 200, &opened)
	if opened.PolicyID != "" {
		t.Errorf("opened: %+v", opened)
	}
	w.call("DELETE", "/policies/"+policy["id"].(string), nil, 204, nil)

	test := func(sub string) (out control.PolicyTestResult) {
		w.call("POST", "/policies/test", obj{"server_id": "default",
			"policy": obj{"language": "rego", "definition": "package acp.authz\n\ndefault allow = false\n\nallow {\n\tinput.authn_ctx.sub == \"joe\"\n}\n"},
			"input":  obj{"authn_ctx": obj{"sub": sub}, "request": obj{"method": "GET", "path": "/pets", "headers": obj{"X-Custom": []string{"v"}}}}}, 200, &out)
		return out
	}
	if r := test("joe"); !r.Status || r.Result != waist.ResultAuthorized {
		t.Errorf("joe: %+v", r)
	}
	if r := test("eve"); r.Status || r.Result != waist.ResultUnauthorized || r.Reason != "policy_denied" || r.DurationUS <= 0 || len(r.Explanation.Steps) != 2 ||
		r.Explanation.Steps[1].Outcome != "fails" || len(r.Explanation.Reads) != 1 {
		t.Errorf("eve: %+v", r)
	}
	var doubtful obj
	w.call("POST", "/policies", obj{"server_id": "default", "policy_name": "Typo", "language": "rego", "definition": "package acp.authz\n\nallow if input.authn_ctx.departmnt == input.request.path_params.petId\n"}, 201, &doubtful)
	w.call("PUT", "/apis/"+api["id"].(string), obj{"policy_id": doubtful["id"]}, 200, nil)
	var warned struct{ Warnings []control.PolicyWarning }
	w.call("GET", "/policies/"+doubtful["id"].(string)+"/warnings", nil, 200, &warned)
	if len(warned.Warnings) != 2 || warned.Warnings[0].Line != 3 || !strings.Contains(warned.Warnings[0].Message, "departmnt") {
		t.Errorf("warnings: %+v", warned)
	}
	w.call("GET", "/apis/"+api["id"].(string)+"/warnings", nil, 200, &warned)
	if len(warned.Warnings) != 1 || warned.Warnings[0].APIID != api["id"] {
		t.Errorf("warnings of the API: %+v", warned)
	}
	w.savesWarn(api["id"].(string), doubtful)
	var gallery struct{ Examples []control.PolicyExample }
	w.call("GET", "/servers/default/policy-gallery", nil, 200, &gallery)
	if len(gallery.Examples) < 8 || len(gallery.Examples[0].Policies) != 3 {
		t.Errorf("gallery: %+v", gallery)
	}
	var list struct{ Policies []obj }
	w.call("GET", "/servers/default/policies?policy_types=api,user&search_phrase=BLOCK", nil, 200, &list)
	if len(list.Policies) == 0 || !strings.Contains(list.Policies[0]["id"].(string), "block") {
		t.Errorf("search: %+v", list)
	}
}

func TestClients(t *testing.T) {
	w := newWorld(t)
	var c, again obj
	w.call("POST", "/clients", obj{"tenant_id": "default", "authorization_server_id": "default", "client_name": "App", "grant_types": []string{"client_credentials"},
		"subject_type": "public", "application_type": "web", "response_types": []string{"code"}, "tls_client_auth_subject_dn": "", "require_pushed_authorization_requests": false}, 201, &c)
	id := c["client_id"].(string)
	secret := c["client_secret"].(string)
	w.token("default", id, secret)
	w.call("GET", "/clients/"+id, nil, 200, &again)
	if again["client_secret"] != secret {
		t.Error("the secret cannot be read again")
	}
	var list struct{ Clients []obj }
	w.call("GET", "/servers/default/clients", nil, 200, &list)
	for _, l := range list.Clients {
		if l["client_secret"] != nil {
			t.Error("a list shows secrets")
		}
	}
	again["client_secret"] = "another-secret-of-at-least-32-characters"
	w.call("PUT", "/clients/"+id, again, 422, nil)
	var rotated struct{ Secret string }
	w.call("POST", "/clients/"+id+"/rotateSecret", nil, 200, &rotated)
	if rotated.Secret == secret || len(rotated.Secret) < 32 {
		t.Errorf("rotated to %d characters", len(rotated.Secret))
	}
	w.token("default", id, rotated.Secret)
	// With overlap both work, until the old one is revoked.
	old := rotated.Secret
	w.call("POST", "/clients/"+id+"/rotateSecret?auto_revoke_after=1h", nil, 200, &rotated)
	w.token("default", id, old)
	w.token("default", id, rotated.Secret)
	w.call("POST", "/clients/"+id+"/revokeRotatedSecrets", nil, 204, nil)
	if status := w.tokenStatus("default", id, old); status != 401 {
		t.Errorf("a revoked secret: %d", status)
	}
	w.call("POST", "/clients/"+id+"/rotateSecret?auto_revoke_after=soon", nil, 400, nil)
	w.call("POST", "/clients", obj{"authorization_server_id": "default", "client_name": "P", "subject_type": "pairwise"}, 422, nil)
	w.call("POST", "/clients", obj{"authorization_server_id": "default", "client_name": "P", "tls_client_auth_subject_dn": "CN=x"}, 422, nil)
	w.call("POST", "/clients", obj{"authorization_server_id": "default", "client_name": "P", "jwks_uri": "https://keys.example.com"}, 422, nil)
	keys := obj{"keys": []obj{{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}} // RFC 8037 A.2
	var keyed obj
	w.call("POST", "/clients", obj{"authorization_server_id": "default", "client_name": "P", "token_endpoint_auth_method": "private_key_jwt", "jwks": keys}, 201, &keyed)
	if keyed["client_secret"] != nil || keyed["jwks"] == nil {
		t.Errorf("a client with keys: %v", keyed)
	}
	w.call("POST", "/clients/"+keyed["client_id"].(string)+"/rotateSecret", nil, 400, nil)
	w.call("PUT", "/clients/"+keyed["client_id"].(string), keyed, 200, nil)
	w.call("POST", "/clients", `[]`, 422, nil) // createClient declares no 400
}

// Who may not ask, learns nothing; what is not there, is not there in JSON.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	_, gateway := w.gateway()
	cases := []struct {
		name, token, method, path string
		in                        any
		status                    int
		code                      string
	}{
		{"no token", "", "GET", "/api/admin/default/servers", nil, 401, "unauthenticated"},
		{"garbage", "garbage", "GET", "/api/admin/default/servers", nil, 401, "invalid_token"},
		{"a gateway at the admin API", gateway, "GET", "/api/admin/default/servers", nil, 401, "invalid_token"},
		{"an administrator at the system API", w.root, "GET", configurationPath, nil, 401, "invalid_token"},
		{"another tenant", w.root, "GET", "/api/admin/other/servers", nil, 404, "not_found"},
		{"unknown path", w.root, "GET", "/api/admin/default/nothing", nil, 404, "not_found"},
		{"unknown path without a token", "", "GET", "/api/nothing", nil, 404, "not_found"},
		{"wrong method", w.root, "PATCH", "/api/admin/default/servers", nil, 405, "method_not_allowed"},
		{"another tenant in the body", w.root, "POST", "/api/admin/default/services", obj{"tenant_id": "other", "authorization_server_id": "default", "name": "x"}, 422, "invalid"},
		{"unknown member", w.root, "POST", "/api/admin/default/services", obj{"nam": "x"}, 422, "invalid"},
		{"broken JSON", w.root, "POST", "/api/admin/default/services", `{"name"`, 400, "malformed_json"},
		{"no body", w.root, "POST", "/api/admin/default/services", ``, 400, "malformed_json"},
		{"a limit too high", w.root, "GET", "/api/admin/default/servers?limit=101", nil, 400, "malformed"},
		{"an unknown cursor", w.root, "GET", "/api/admin/default/servers?sort=name&after_server_id=none", nil, 400, "malformed"},
		{"too many events", gateway, "POST", "/api/system/default/gateways/requests", obj{"events": make([]obj, 101)}, 422, "invalid"},
		{"an unknown workspace", w.root, "GET", "/api/admin/default/servers/nowhere/services", nil, 404, "not_found"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			sub := *w
			sub.t = t
			var e waist.Error
			h := sub.callAs(c.token, c.method, c.path, c.in, c.status, &e)
			if e.StatusCode != c.status || e.Code != c.code || e.Message == "" || e.Details == nil {
				t.Errorf("body %+v, want code %s", e, c.code)
			}
			if c.status == 401 && !strings.HasPrefix(h.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("RFC 6750 3: WWW-Authenticate %q", h.Get("WWW-Authenticate"))
			}
			if c.status == 405 && h.Get("Allow") != "GET, HEAD, POST" {
				t.Errorf("RFC 9110 15.5.6: Allow %q", h.Get("Allow"))
			}
		})
	}
}

// A retry with the same key answers the same and changes nothing; another body with the key is refused.
func TestIdempotency(t *testing.T) {
	w := newWorld(t)
	const key = "0123456789012345678901234567890123456789"
	body := obj{"authorization_server_id": "default", "name": "Pets"}
	var first, second obj
	w.call("POST", "/services", body, 201, &first, idempotencyKey, key)
	if h := w.call("POST", "/services", body, 201, &second, idempotencyKey, key); h.Get(idempotencyReplays) != "true" || first["id"] != second["id"] {
		t.Errorf("the retry made %v, the first call %v", second["id"], first["id"])
	}
	w.call("POST", "/services", obj{"authorization_server_id": "default", "name": "Toys"}, 422, nil, idempotencyKey, key)
	w.call("POST", "/services", body, 400, nil, idempotencyKey, "short")
	// A refusal is not remembered: the corrected request may use the key.
	const other = "x0123456789012345678901234567890123456789"
	w.call("POST", "/services", obj{"authorization_server_id": "nowhere", "name": "Toys"}, 404, nil, idempotencyKey, other)
	w.call("POST", "/services", obj{"authorization_server_id": "default", "name": "Toys"}, 201, nil, idempotencyKey, other)
	w.now = w.now.Add(24*time.Hour + time.Second)
	w.root = w.token("admin", rootID, rootSecret)
	body["name"] = "Pets again"
	w.call("POST", "/services", body, 201, &second, idempotencyKey, key)
	if first["id"] == second["id"] {
		t.Error("after the window the key is new")
	}
}

func TestPaging(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) { testPaging(t, newWorldOn(t, st)) })
}

func testPaging(t *testing.T, w *world) {
	for _, n := range []string{"d", "a", "c", "b", "e"} {
		w.call("POST", "/services", obj{"authorization_server_id": "default", "name": n, "id": "svc-" + n}, 201, nil)
	}
	names := func(query string) string {
		t.Helper()
		var list struct{ Services []struct{ Name string } }
		w.call("GET", "/servers/default/services?search_phrase=svc-&"+query, nil, 200, &list)
		var out []string
		for _, s := range list.Services {
			out = append(out, s.Name)
		}
		return strings.Join(out, "")
	}
	for query, want := range map[string]string{
		"":                                   "abcde",
		"limit=2":                            "ab",
		"limit=2&after_service_id=svc-b":     "cd",
		"limit=2&before_service_id=svc-d":    "bc",
		"order=desc&limit=3":                 "edc",
		"order=desc&after_service_id=svc-c":  "ba",
		"order=desc&before_service_id=svc-c": "ed",
		"sort=name&after_service_id=svc-d":   "e",
		"after_service_id=svc-e":             "",
		"service_types=system":               "",
	} {
		if got := names(query); got != want {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "sort=age", "order=up", "after_service_id=a&before_service_id=b", "sort=name&after_service_id=gone"} {
		w.call("GET", "/servers/default/services?"+query, nil, 400, nil)
	}
	// The cursor of a list of workspaces leads through all of them.
	for _, n := range []string{"x", "y", "z"} {
		w.call("POST", "/servers", obj{"id": "ws-" + n, "name": n}, 201, nil)
	}
	for _, query := range []string{"limit=2", "limit=3&order=desc", "limit=2&sort=name"} {
		met, cursor := 0, ""
		for range 10 {
			var list struct {
				Workspaces []obj
				Cursor     string
			}
			w.call("GET", "/user/workspaces?"+query+"&cursor="+cursor, nil, 200, &list)
			met += len(list.Workspaces)
			if cursor = list.Cursor; cursor == "" {
				break
			}
		}
		if met != 6 {
			t.Errorf("%s: met %d of 6 workspaces", query, met)
		}
	}
}

// TestPlainLists reads the lists that no other test needs.
func TestPlainLists(t *testing.T) {
	w := newWorld(t)
	var service, list obj
	w.call("POST", "/services", obj{"authorization_server_id": "default", "name": "Pets"}, 201, &service)
	w.call("POST", "/scopes", obj{"authorization_server_id": "default", "service_id": service["id"], "name": "pets.read"}, 201, nil)
	w.call("POST", "/apis", obj{"service_id": service["id"], "method": "GET", "path": "/pets"}, 201, nil)
	for path, want := range map[string]int{"/servers": 3, "/workspaces": 3, "/servers/default/scopes": 1, "/services/" + service["id"].(string) + "/apis": 1} {
		w.call("GET", path, nil, 200, &list)
		n := -1
		for _, member := range list {
			n = len(member.([]any))
		}
		if n != want {
			t.Errorf("%s lists %d, want %d", path, n, want)
		}
		list = nil
	}
}

// TestAuditExport: a line for every event that the list pages through.
func TestAuditExport(t *testing.T) {
	w := newWorld(t)
	w.gateway()
	w.now = w.now.Add(time.Second)
	req, err := http.NewRequest("GET", w.server.URL+"/api/admin/default/servers/default/audit-events/export?event_subject=gateway", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.root)
	resp, err := openapitest.RoundTripper(t, nil).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp.Status, err)
	}
	var event obj
	if strings.Count(string(body), "\n") != 1 || json.Unmarshal(body, &event) != nil || event["action"] != "created" || event["payload"] == nil {
		t.Errorf("%s", body)
	}
	w.call("GET", "/servers/default/audit-events/export?order=up", nil, 400, nil)
	w.call("GET", "/servers/default/audit-events?client_id=a&subject=b", nil, 400, nil)
	w.call("GET", "/servers/default/audit-events?user_id=a", nil, 200, nil)
}

func TestAudit(t *testing.T) {
	w := newWorld(t)
	w.gateway()
	var list struct {
		Events []obj `json:"audit_events"`
	}
	w.call("GET", "/servers/default/audit-events?event_subject=gateway&event_action=created", nil, 200, &list)
	if len(list.Events) != 1 || list.Events[0]["actor_id"] != rootID {
		t.Errorf("%+v", list)
	}
	w.call("GET", "/servers/default/audit-events?timestamp_to=1", nil, 200, &list)
	if len(list.Events) != 0 {
		t.Errorf("before 1970: %+v", list)
	}
	w.call("GET", "/servers/default/audit-events?timestamp_from=yesterday", nil, 400, nil)
	w.call("GET", "/servers/default/audit-events?limit=0", nil, 400, nil)
	w.call("GET", "/servers/default/audit-events?session_id=x", nil, 501, nil)
}

func TestTestAPI(t *testing.T) {
	w := newWorld(t)
	cases := []struct {
		method, path, asks, at string
		match                  bool
	}{
		{"GET", "/pets", "GET", "/pets", true},
		{"GET", "/pets", "get", "/pets", true},
		{"GET", "/pets", "POST", "/pets", false},
		{"ANY", "/pets", "PATCH", "/pets", true},
		{"GET", "/pets/{petId}", "GET", "/pets/7", true},
		{"GET", "/pets/{petId}", "GET", "/pets/", false},
		{"GET", "/pets/{petId}", "GET", "/pets/7/toys", false},
		{"GET", "/pets/{petId}", "GET", "/Pets/7", false},
		{"ANY", "/{proxy+}", "GET", "/a/b/c", true},
		{"ANY", "/{proxy+}", "GET", "/", false},
		{"GET", "/files/{proxy+}", "GET", "/files", false},
		{"GET", "/", "GET", "/", true},
	}
	for _, c := range cases {
		var out struct{ Match bool }
		w.call("POST", "/apis/test", obj{"api": obj{"method": c.method, "path": c.path}, "test_request": obj{"method": c.asks, "path": c.at}}, 200, &out)
		if out.Match != c.match {
			t.Errorf("%s %s against %s %s: %v", c.asks, c.at, c.method, c.path, out.Match)
		}
	}
	w.call("POST", "/apis/test", obj{"api": obj{"id": "nowhere"}, "test_request": obj{"method": "GET", "path": "/"}}, 404, nil)
	w.call("POST", "/apis/test", obj{"api": obj{}, "test_request": obj{"method": "GET", "path": "/"}}, 422, nil)
	w.call("POST", "/apis/test", `[]`, 422, nil)
}

// A rotation overlaps: tokens of the old key are good until it is revoked.
func TestKeys(t *testing.T) {
	w := newWorld(t)
	type key struct {
		ID string `json:"kid"`
	}
	var list struct {
		Current key   `json:"current_key"`
		Rotated []key `json:"rotated_keys"`
	}
	keys := "/servers/admin/keys"
	w.call("GET", keys, nil, 200, &list)
	old := list.Current.ID
	if old == "" || len(list.Rotated) != 0 {
		t.Fatalf("%+v", list)
	}
	w.call("POST", keys+"/revoke/"+old, nil, 400, nil) // it is in use
	w.call("POST", keys+"/revoke/nowhere", nil, 404, nil)
	w.call("POST", keys+"/rotate?key_type=rsa", nil, 400, nil)
	w.call("POST", keys+"/rotate", nil, 200, nil)
	w.call("GET", keys, nil, 200, &list) // with a token of the old key
	if list.Current.ID == old || len(list.Rotated) != 1 || list.Rotated[0].ID != old {
		t.Fatalf("%+v", list)
	}
	fresh := w.token("admin", rootID, rootSecret)
	w.call("POST", keys+"/revoke/"+old, nil, 200, nil)
	w.call("GET", keys, nil, 401, nil)
	w.callAs(fresh, "GET", "/api/admin/default"+keys, nil, 200, nil)

	// Every kind of key reads as its JWKS says.
	for kind, kty := range map[string]string{"ecdsa": "EC", "rsa": "RSA", "ps": "RSA"} {
		var made obj
		w.callAs(fresh, "POST", "/api/admin/default/servers", obj{"name": kind, "id": "of-" + kind, "key_type": kind}, 201, &made)
		var got struct {
			Current obj `json:"current_key"`
		}
		w.callAs(fresh, "GET", "/api/admin/default/servers/of-"+kind+"/keys", nil, 200, &got)
		var set struct{ Keys []obj }
		resp, err := http.Get(w.server.URL + "/default/of-" + kind + "/.well-known/jwks.json")
		if err != nil {
			t.Fatal(err)
		}
		json.NewDecoder(resp.Body).Decode(&set)
		resp.Body.Close()
		if len(set.Keys) != 1 || got.Current["kty"] != kty {
			t.Fatalf("%s: %v, %v", kind, set, got)
		}
		for member, v := range set.Keys[0] {
			if got.Current[member] != v {
				t.Errorf("%s: %s is %v, in the JWKS %v", kind, member, got.Current[member], v)
			}
		}
	}
}

// What a gateway may do is what its token's scopes say; introspection is about the workspace that it protects.
func TestGatewayScopesAndIntrospection(t *testing.T) {
	w := newWorld(t)
	gw, _ := w.gateway()
	form := func(token, path, body string, want int, out any) http.Header {
		t.Helper()
		return w.callAs(token, "POST", path, body, want, out, "Content-Type", "application/x-www-form-urlencoded")
	}
	with := func(scope string) string {
		t.Helper()
		req, _ := http.NewRequest("POST", w.server.URL+"/default/system/oauth2/token", strings.NewReader(url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(gw.ClientID, gw.Client.Secret)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var out struct {
			AccessToken string `json:"access_token"`
		}
		json.NewDecoder(resp.Body).Decode(&out)
		return out.AccessToken
	}
	read, check := with(control.ScopeReadConfiguration), with(control.ScopeIntrospect)
	const path = "/api/system/default/gateways/introspect"
	for _, h := range []http.Header{
		form(read, path, "token=x", 403, nil),
		w.callAs(check, "GET", configurationPath, nil, 403, nil),
		w.callAs(read, "POST", configurationPath, petStore(), 403, nil),
		w.callAs(read, "POST", "/api/system/default/gateways/requests", obj{"events": []obj{}}, 403, nil),
	} {
		if !strings.Contains(h.Get("WWW-Authenticate"), "insufficient_scope") {
			t.Errorf("RFC 6750 3.1: WWW-Authenticate %q", h.Get("WWW-Authenticate"))
		}
	}
	var app obj
	w.call("POST", "/clients", obj{"authorization_server_id": "default", "client_name": "App"}, 201, &app)
	token := w.token("default", app["client_id"].(string), app["client_secret"].(string))
	var out obj
	form(check, path, url.Values{"token": {token}}.Encode(), 200, &out)
	if out["active"] != true || out["client_id"] != app["client_id"] || out["server_id"] != "default" {
		t.Errorf("%v", out)
	}
	for name, other := range map[string]string{"garbage": "garbage", "of the system workspace": read, "of the admin workspace": w.root} {
		var answer []byte
		form(check, path, url.Values{"token": {other}}.Encode(), 200, &answer)
		if string(answer) != `{"active":false}` {
			t.Errorf("RFC 7662 2.2, %s: %s", name, answer)
		}
	}
	form(check, path, "", 422, nil)
	form(check, path, "token=a&token=b", 422, nil)
	w.callAs(check, "POST", path, obj{"token": token}, 400, nil)
	// RFC 7662: and about opaque tokens, which nobody can read by himself.
	var ws obj
	w.call("GET", "/servers/default", nil, 200, &ws)
	ws["access_token_strategy"] = "opaque"
	w.call("PUT", "/servers/default", ws, 200, nil)
	opaque := w.token("default", app["client_id"].(string), app["client_secret"].(string))
	out = nil
	if form(check, path, "token="+opaque, 200, &out); out["active"] != true || out["client_id"] != app["client_id"] || strings.Contains(opaque, ".") {
		t.Errorf("an opaque token: %v", out)
	}
}
