package attach

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis/aws/discover"
	"portcullis/aws/local"
	"portcullis/aws/signed"
)

const functionARN = "arn:aws:lambda:eu-west-1:123456789012:function:my-function"

// account is a local AWS that forgives everything but what the test intercepts, with a recorder of changes.
type account struct {
	t         *testing.T
	client    *signed.Client
	attacher  *Attacher
	intercept func(w http.ResponseWriter, r *http.Request) bool
	changes   []string
}

func newAccount(t *testing.T) *account {
	t.Helper()
	a := &account{t: t}
	aws, err := local.New(local.Options{ManualSchedule: true})
	if err != nil {
		t.Fatal(err)
	}
	h := aws.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			a.changes = append(a.changes, r.Method+" "+r.URL.Path)
		}
		if a.intercept != nil && a.intercept(w, r) {
			return
		}
		if strings.HasPrefix(r.URL.Path, "/2015-03-31/functions/") { // there is no function here, only its name
			w.WriteHeader(201)
			_, _ = w.Write([]byte(`{"Statement":"{}"}`))
			return
		}
		h.ServeHTTP(w, r)
	}))
	aws.SetPublicURL(server.URL)
	t.Cleanup(func() { server.Close(); aws.Close() })
	env := map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
	a.client = signed.New("eu-west-1")
	a.client.Getenv = func(k string) string { return env[k] }
	a.client.Sleep = func(context.Context, time.Duration) error { return nil }
	a.attacher = &Attacher{Client: a.client, Apply: true}
	return a
}

func (a *account) do(method, path string, query url.Values, body any, out any) {
	a.t.Helper()
	call := signed.Call{Service: "apigateway", Operation: method + " " + path, Method: method, Path: path, Query: query, Body: body}
	if raw, ok := body.(string); ok {
		call.Body, call.Raw = nil, []byte(raw)
	}
	if err := a.client.Do(a.t.Context(), call, out); err != nil {
		a.t.Fatal(err)
	}
}

const petStore = `{"openapi":"3.0.1","info":{"title":"PetStore","version":"1"},"paths":{
 "/pets":{"get":{"x-amazon-apigateway-integration":{"type":"MOCK"}},"post":{"x-amazon-apigateway-integration":{"type":"MOCK"}},"options":{"x-amazon-apigateway-integration":{"type":"MOCK"}}},
 "/{proxy+}":{"x-amazon-apigateway-any-method":{"x-amazon-apigateway-integration":{"type":"MOCK"}}}}}`

func (a *account) petStore(stages ...string) string {
	a.t.Helper()
	var out struct{ ID string }
	a.do("POST", "/restapis", url.Values{"mode": {"import"}}, petStore, &out)
	for _, s := range stages {
		a.deploy(out.ID, s)
	}
	return out.ID
}

func (a *account) deploy(api, stage string) {
	a.t.Helper()
	a.do("POST", "/restapis/"+api+"/deployments", nil, map[string]any{"stageName": stage}, nil)
}

func (a *account) scan() []discover.API {
	a.t.Helper()
	r, err := (&discover.Scanner{Client: a.client}).Scan(a.t.Context())
	if err != nil || !r.Complete {
		a.t.Fatal(err, r.Problems)
	}
	return r.APIs
}

// run scans and attaches with these groups bound; it clears the record of changes first.
func (a *account) run(bound ...string) Report {
	a.t.Helper()
	set := map[string]bool{}
	for _, b := range bound {
		set[b] = true
	}
	apis := a.scan()
	a.changes = nil
	return a.attacher.Run(a.t.Context(), apis, Wanted{Bound: set, FunctionARN: functionARN})
}

// edited is the authorization of every method: "GET /pets" -> "CUSTOM ours".
func (a *account) edited() map[string]string {
	a.t.Helper()
	out := map[string]string{}
	for _, api := range a.scan() {
		for _, r := range api.Resources {
			for verb, m := range r.Methods {
				out[verb+" "+r.Path] = strings.TrimSpace(m.AuthorizationType + " " + api.InFront(m, functionARN))
			}
		}
	}
	return out
}

var (
	open     = map[string]string{"GET /pets": "NONE none", "POST /pets": "NONE none", "OPTIONS /pets": "NONE none", "ANY /{proxy+}": "NONE none"}
	attached = map[string]string{"GET /pets": "CUSTOM ours", "POST /pets": "CUSTOM ours", "OPTIONS /pets": "NONE none", "ANY /{proxy+}": "CUSTOM ours"}
)

func (a *account) expect(want map[string]string) {
	a.t.Helper()
	if d := cmp.Diff(want, a.edited()); d != "" {
		a.t.Errorf("methods (-want +got):\n%s", d)
	}
}

func TestAttachAndDetach(t *testing.T) {
	a := newAccount(t)
	api := a.petStore("dev")
	dev := api + "-dev"
	r := a.run(dev)
	if !r.Complete || r.Changed != 3 || len(r.Problems) != 0 || fmt.Sprint(r.Redeploy) != "[PetStore/dev]" {
		t.Fatalf("attach: %+v", r)
	}
	a.expect(attached)
	if len(a.changes) != 5 || !strings.HasSuffix(a.changes[0], "/policy") || !strings.HasSuffix(a.changes[1], "/authorizers") {
		t.Errorf("changes: %q", a.changes)
	}
	for _, p := range a.scan() {
		if au := p.Authorizers; len(au) != 1 || au[0].Name != Name || au[0].Type != "REQUEST" || au[0].TTL == nil || *au[0].TTL != 0 || au[0].IdentitySource != "" ||
			au[0].URI != "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/"+functionARN+"/invocations" {
			t.Errorf("authorizer: %+v", au)
		}
	}
	// A second run finds nothing to do, and still says that the stage is not deployed.
	if r = a.run(dev); r.Changed != 0 || len(a.changes) != 0 || fmt.Sprint(r.Redeploy) != "[PetStore/dev]" {
		t.Errorf("again: %+v, %q", r, a.changes)
	}
	a.deploy(api, "dev")
	if r = a.run(dev); len(r.Redeploy) != 0 {
		t.Errorf("deployed: %+v", r)
	}
	// Settings that would change decisions are put right.
	id := a.scan()[0].Authorizers[0].ID
	a.do("PATCH", "/restapis/"+api+"/authorizers/"+id, nil, replace("/identitySource", "method.request.header.Authorization", "/authorizerResultTtlInSeconds", "300"), nil)
	if r = a.run(dev); len(r.Problems) != 0 {
		t.Errorf("repair: %+v", r)
	}
	if au := a.scan()[0].Authorizers[0]; *au.TTL != 0 || au.IdentitySource != "" {
		t.Errorf("not repaired: %+v", au)
	}
	// Unbinding restores what was there.
	r = a.run()
	if r.Changed != 3 || fmt.Sprint(r.Redeploy) != "[PetStore/dev]" {
		t.Errorf("detach: %+v", r)
	}
	a.expect(open)
	if r = a.run(); r.Changed != 0 {
		t.Errorf("detach again: %+v", r)
	}
}

// TestSharedStages: methods are edited per REST API, groups are bound per stage.
func TestSharedStages(t *testing.T) {
	a := newAccount(t)
	api := a.petStore("dev", "prod")
	r := a.run(api + "-dev")
	if r.Changed != 0 || len(r.Notes) != 2 || !strings.Contains(r.Notes[1], "not attached, because stages [prod] are not bound") || len(a.changes) != 0 {
		t.Errorf("one of two stages bound: %+v", r)
	}
	a.expect(open)
	if r = a.run(api+"-dev", api+"-prod"); r.Changed != 3 || fmt.Sprint(r.Redeploy) != "[PetStore/dev PetStore/prod]" {
		t.Errorf("both bound: %+v", r)
	}
	// Unbinding one of two keeps the authorizer: taking it away would open the other one.
	if r = a.run(api + "-dev"); r.Changed != 0 || len(r.Notes) != 1 {
		t.Errorf("one unbound again: %+v", r)
	}
	a.expect(attached)
	b := newAccount(t)
	api = b.petStore("dev", "prod")
	b.attacher.UnboundStages = true
	if r = b.run(api + "-dev"); r.Changed != 3 || len(r.Notes) != 1 || fmt.Sprint(r.Redeploy) != "[PetStore/dev]" {
		t.Errorf("AWS_ATTACH_UNBOUND_STAGES: %+v", r)
	}
}

// foreign gives GET /pets another authorizer and POST /pets IAM.
func (a *account) foreign(api string) (authorizer string) {
	a.t.Helper()
	var out struct{ ID string }
	a.do("POST", "/restapis/"+api+"/authorizers", nil, map[string]any{"name": "theirs", "type": "TOKEN", "identitySource": "method.request.header.Authorization",
		"authorizerUri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:other/invocations"}, &out)
	for _, r := range a.scan()[0].Resources {
		if r.Path == "/pets" {
			a.do("PATCH", "/restapis/"+api+"/resources/"+r.ID+"/methods/GET", nil, replace("/authorizationType", "CUSTOM", "/authorizerId", out.ID), nil)
			a.do("PATCH", "/restapis/"+api+"/resources/"+r.ID+"/methods/POST", nil, replace("/authorizationType", "AWS_IAM"), nil)
		}
	}
	return out.ID
}

func TestForeignAuthorizers(t *testing.T) {
	a := newAccount(t)
	api := a.petStore("dev")
	theirs := a.foreign(api)
	r := a.run(api + "-dev")
	if r.Changed != 1 || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "2 methods keep") {
		t.Errorf("left alone: %+v", r)
	}
	before := map[string]string{"GET /pets": "CUSTOM other", "POST /pets": "AWS_IAM other", "OPTIONS /pets": "NONE none", "ANY /{proxy+}": "CUSTOM ours"}
	a.expect(before)
	// Told to, it replaces them, having written down first what was there.
	a.attacher.Replace = true
	if r = a.run(api + "-dev"); r.Changed != 2 || len(r.Problems) != 0 || !strings.HasPrefix(a.changes[0], "PUT /tags/") {
		t.Errorf("replaced: %+v, %q", r, a.changes)
	}
	a.expect(attached)
	// Another environment, which knows nothing, restores it from the tags.
	a.attacher = &Attacher{Client: a.client, Apply: true}
	if r = a.run(); r.Changed != 3 {
		t.Errorf("restored: %+v", r)
	}
	before["ANY /{proxy+}"] = "NONE none"
	a.expect(before)
	for _, res := range a.scan()[0].Resources {
		if m := res.Methods["GET"]; res.Path == "/pets" && m.AuthorizerID != theirs {
			t.Errorf("GET /pets got authorizer %s, had %s", m.AuthorizerID, theirs)
		}
	}
	if n := len(previous(&a.scan()[0])); n != 0 {
		t.Errorf("%d records are left after everything was restored", n)
	}
	// What cannot be written down is not replaced.
	b := newAccount(t)
	api = b.petStore("dev")
	b.foreign(api)
	b.attacher.Replace = true
	b.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/tags/") && r.Method == "PUT" {
			w.WriteHeader(403)
			return true
		}
		return false
	}
	if r = b.run(api + "-dev"); r.Changed != 1 || len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "apigateway:PUT on arn:aws:apigateway:eu-west-1::/tags/") {
		t.Errorf("tags refused: %+v", r)
	}
	b.expect(map[string]string{"GET /pets": "CUSTOM other", "POST /pets": "AWS_IAM other", "OPTIONS /pets": "NONE none", "ANY /{proxy+}": "CUSTOM ours"})
}

// TestSomebodyElsesName: an authorizer of our name that calls another function is not ours to use or to change.
func TestSomebodyElsesName(t *testing.T) {
	a := newAccount(t)
	api := a.petStore("dev")
	a.do("POST", "/restapis/"+api+"/authorizers", nil, map[string]any{"name": Name, "type": "REQUEST", "authorizerResultTtlInSeconds": 0,
		"authorizerUri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:old/invocations"}, nil)
	if r := a.run(api + "-dev"); r.Changed != 0 || len(r.Notes) != 1 || len(a.changes) != 0 {
		t.Errorf("%+v", r)
	}
}

// TestDenied: IAM refuses one kind of call; the report names action and resource, and nothing half-working is left.
func TestDenied(t *testing.T) {
	cases := []struct {
		name    string
		refuse  func(r *http.Request) bool
		changed int
		missing string
	}{
		{"AddPermission", func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/policy") }, 0, "lambda:AddPermission on " + functionARN},
		{"CreateAuthorizer", func(r *http.Request) bool { return r.Method == "POST" && strings.HasSuffix(r.URL.Path, "/authorizers") }, 0, "apigateway:POST on arn:aws:apigateway:eu-west-1::/restapis/"},
		{"UpdateMethod", func(r *http.Request) bool { return r.Method == "PATCH" }, 0, "apigateway:PATCH on arn:aws:apigateway:eu-west-1::/restapis/"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := newAccount(t)
			api := a.petStore("dev")
			a.intercept = func(w http.ResponseWriter, r *http.Request) bool {
				if !c.refuse(r) {
					return false
				}
				w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
				w.WriteHeader(403)
				_, _ = w.Write([]byte(`{"Message":"User is not authorized to perform this"}`))
				return true
			}
			r := a.run(api + "-dev")
			if r.Changed != c.changed || len(r.Problems) != 1 || !strings.Contains(r.Problems[0], c.missing) || !r.Complete {
				t.Errorf("%+v", r)
			}
			a.intercept = nil
			if r = a.run(api + "-dev"); r.Changed != 3 || len(r.Problems) != 0 {
				t.Errorf("once permitted: %+v", r)
			}
		})
	}
}

// TestPermissionAlreadyThere: 409 is success; the permission is asked for once per environment and ten minutes.
func TestPermissionAlreadyThere(t *testing.T) {
	a := newAccount(t)
	asked := 0
	var body map[string]string
	a.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/policy") {
			return false
		}
		asked++
		w.WriteHeader(409)
		_, _ = w.Write([]byte(`{"Type":"User","message":"The statement id (portcullis-apigateway-authorizers) provided already exists."}`))
		return true
	}
	one, two := a.petStore("dev"), a.petStore("dev")
	if r := a.run(one+"-dev", two+"-dev"); r.Changed != 6 || len(r.Problems) != 0 || asked != 1 {
		t.Errorf("%+v, asked %d, %v", r, asked, body)
	}
}

// TestInterrupted: the time runs out after each call in turn; the next run completes the work, and no interruption leaves
// a method in a state that is neither the old nor the new one.
func TestInterrupted(t *testing.T) {
	for stopAt := 1; stopAt <= 5; stopAt++ {
		a := newAccount(t)
		api := a.petStore("dev")
		apis := a.scan()
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		a.intercept = func(_ http.ResponseWriter, r *http.Request) bool {
			if n++; n == stopAt {
				cancel()
			}
			return false
		}
		r := a.attacher.Run(ctx, apis, Wanted{Bound: map[string]bool{api + "-dev": true}, FunctionARN: functionARN})
		if r.Complete && stopAt < 5 {
			t.Errorf("stop at %d: %+v", stopAt, r)
		}
		a.intercept = nil
		for m, state := range a.edited() {
			if state != open[m] && state != attached[m] {
				t.Errorf("stop at %d: %s is %s", stopAt, m, state)
			}
		}
		if r := a.run(api + "-dev"); !r.Complete || len(r.Problems) != 0 {
			t.Errorf("stop at %d, next run: %+v", stopAt, r)
		}
		a.expect(attached)
		if n := len(a.scan()[0].Authorizers); n != 1 {
			t.Errorf("stop at %d: %d authorizers", stopAt, n)
		}
		cancel()
	}
}

// TestPlanOnly: with Apply off nothing changes, and the commands say what would.
func TestPlanOnly(t *testing.T) {
	a := newAccount(t)
	api := a.petStore("dev")
	a.attacher.Apply = false
	r := a.run(api + "-dev")
	if r.Changed != 0 || len(a.changes) != 0 || len(r.Plan) != 5 {
		t.Fatalf("%+v %q", r, a.changes)
	}
	for i, want := range []string{"aws lambda add-permission --function-name my-function --statement-id", "aws apigateway create-authorizer --rest-api-id " + api, "aws apigateway update-method"} {
		if !strings.HasPrefix(r.Plan[i], want) {
			t.Errorf("line %d: %s", i, r.Plan[i])
		}
	}
	if !strings.Contains(r.Plan[2], "op=replace,path=/authorizerId,value=$AUTHORIZER_ID") {
		t.Errorf("%s", r.Plan[2])
	}
	a.expect(open)
}

func TestFunctionARN(t *testing.T) {
	f, err := parseFunction("arn:aws-cn:lambda:cn-north-1:111122223333:function:my-function:live")
	if err != nil || f.name != "my-function" || f.qualifier != "live" || f.sourceARN() != "arn:aws-cn:execute-api:cn-north-1:111122223333:*/authorizers/*" {
		t.Errorf("%+v %v", f, err)
	}
	for _, bad := range []string{"", "my-function", "arn:aws:lambda:eu-west-1::function:x", "arn:aws:s3:::bucket", "arn:aws:lambda:eu-west-1:1:function:a:b:c"} {
		if _, err := parseFunction(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestPreviousRoundTrip: records survive the tags, within AWS's limits on them, or are refused as a whole.
func TestPreviousRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := map[string]discover.Method{}
		n := rapid.IntRange(0, 600).Draw(t, "n")
		for i := range n {
			id := ""
			kind := rapid.SampledFrom([]string{"CUSTOM", "AWS_IAM", "COGNITO_USER_POOLS"}).Draw(t, "kind")
			if kind != "AWS_IAM" {
				id = rapid.StringMatching(`[a-z0-9]{6}`).Draw(t, "id")
			}
			records[fmt.Sprintf("r%05d/GET", i)] = discover.Method{AuthorizationType: kind, AuthorizerID: id}
		}
		tags, err := encodePrevious(records)
		if err != nil {
			if n < 200 {
				t.Fatalf("%d records: %v", n, err)
			}
			return
		}
		keys := make([]string, 0, len(tags))
		for k, v := range tags {
			if len(v) > maxTagValue {
				t.Fatalf("%d characters in %s", len(v), k)
			}
			keys = append(keys, k)
		}
		sort.Strings(keys)
		if len(keys) > maxTags {
			t.Fatalf("%d tags", len(keys))
		}
		if d := cmp.Diff(records, previous(&discover.API{Tags: tags})); d != "" {
			t.Fatal(d)
		}
	})
}
