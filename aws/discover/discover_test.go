package discover

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portcullis/aws/local"
	"portcullis/aws/signed"
	"portcullis/edge/waist"
)

const functionARN = "arn:aws:lambda:eu-west-1:123456789012:function:my-function"

// account is a local AWS with a client of its administrator.
type account struct {
	t      *testing.T
	client *signed.Client
	server *httptest.Server
	// intercept, when set, may answer instead of the local AWS; it returns false to let it through.
	intercept func(w http.ResponseWriter, r *http.Request) bool
}

func newAccount(t *testing.T) *account {
	t.Helper()
	a := &account{t: t}
	aws, err := local.New(local.Options{ManualSchedule: true})
	if err != nil {
		t.Fatal(err)
	}
	h := aws.Handler()
	a.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.intercept == nil || !a.intercept(w, r) {
			h.ServeHTTP(w, r)
		}
	}))
	aws.SetPublicURL(a.server.URL)
	t.Cleanup(func() { a.server.Close(); aws.Close() })
	env := map[string]string{"AWS_ENDPOINT_URL": a.server.URL, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
	a.client = signed.New("eu-west-1")
	a.client.Getenv = func(k string) string { return env[k] }
	a.client.Sleep = func(context.Context, time.Duration) error { return nil }
	return a
}

func (a *account) do(method, path string, query url.Values, body any, out any) {
	a.t.Helper()
	if err := a.client.Do(a.t.Context(), signed.Call{Service: "apigateway", Operation: method + " " + path, Method: method, Path: path, Query: query, Body: body}, out); err != nil {
		a.t.Fatal(err)
	}
}

const petStore = `{"openapi":"3.0.1","info":{"title":%q,"version":"1"},"paths":{
 "/pets":{"get":{"x-amazon-apigateway-integration":{"type":"MOCK","requestTemplates":{"application/json":"{\"statusCode\":200}"}}},
          "post":{"x-amazon-apigateway-integration":{"type":"MOCK"}},
          "options":{"x-amazon-apigateway-integration":{"type":"MOCK"}}},
 "/pets/{petId}":{"get":{"x-amazon-apigateway-integration":{"type":"MOCK"}}},
 "/{proxy+}":{"x-amazon-apigateway-any-method":{"x-amazon-apigateway-integration":{"type":"MOCK"}}}}}`

// importAPI makes a REST API and returns its id.
func (a *account) importAPI(name string) string {
	a.t.Helper()
	var out struct{ ID string }
	call := signed.Call{Service: "apigateway", Operation: "ImportRestApi", Method: "POST", Path: "/restapis", Query: url.Values{"mode": {"import"}}, Raw: []byte(fmt.Sprintf(petStore, name))}
	if err := a.client.Do(a.t.Context(), call, &out); err != nil {
		a.t.Fatal(err)
	}
	return out.ID
}

func (a *account) deploy(api, stage string) {
	a.t.Helper()
	a.do("POST", "/restapis/"+api+"/deployments", nil, map[string]any{"stageName": stage}, nil)
}

func (a *account) scan(s *Scanner) Result {
	a.t.Helper()
	r, err := s.Scan(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	return r
}

func TestScan(t *testing.T) {
	a := newAccount(t)
	api := a.importAPI("PetStore")
	a.importAPI("never deployed")
	a.deploy(api, "dev")
	a.deploy(api, "prod")
	s := &Scanner{Client: a.client}
	r := a.scan(s)
	if !r.Complete || len(r.APIs) != 2 || len(r.Problems) != 0 {
		t.Fatalf("%+v", r)
	}
	groups := Groups(r.APIs, functionARN, "eu-west-1", "123456789012")
	live := true
	methods := []waist.GatewayAPI{}
	for _, m := range []string{"GET /pets", "OPTIONS /pets", "POST /pets", "GET /pets/{petId}", "ANY /{proxy+}"} {
		verb, path, _ := strings.Cut(m, " ")
		methods = append(methods, waist.GatewayAPI{APIType: "rest", Method: verb, Path: path, Authorizer: waist.AuthorizerNone, Deployed: &live})
	}
	group := func(stage string) waist.APIGroup {
		return waist.APIGroup{ID: api + "-" + stage, Name: "PetStore/" + stage, APIs: methods, Metadata: waist.GroupMetadata{Type: "aws",
			AWS: &waist.AWSMetadata{APIID: api, APIName: "PetStore", Stage: stage, Region: "eu-west-1", Account: "123456789012"}}}
	}
	if d := cmp.Diff([]waist.APIGroup{group("dev"), group("prod")}, groups); d != "" {
		t.Errorf("inventory (-want +got):\n%s", d)
	}
}

// TestResume: a context that ends half-way is no error; the next scan goes on behind the last API, and asks for nothing
// twice.
func TestResume(t *testing.T) {
	a := newAccount(t)
	for i := range 4 {
		a.deploy(a.importAPI(fmt.Sprint("api", i)), "dev")
	}
	reads := map[string]int{}
	var cancel context.CancelFunc
	a.intercept = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/resources") {
			reads[r.URL.Path]++
			if len(reads) == 3 && reads[r.URL.Path] == 1 {
				cancel()
			}
		}
		return false
	}
	s := &Scanner{Client: a.client}
	ctx, c := context.WithCancel(t.Context())
	cancel = c
	r, err := s.Scan(ctx)
	if err != nil || r.Complete || r.Read != 2 || r.Listed != 4 || r.APIs != nil {
		t.Fatalf("%+v %v", r, err)
	}
	r = a.scan(s)
	if !r.Complete || len(r.APIs) != 4 {
		t.Fatalf("%+v", r)
	}
	twice := 0
	for _, n := range reads {
		twice += n - 1
	}
	if len(reads) != 4 || twice > 1 { // the one that was cut off
		t.Errorf("reads: %v", reads)
	}
}

// TestVanishing: an API deleted between the list and its reading is left out; an API that cannot be read now keeps what
// was known of it, and one that was never read makes the pass incomplete.
func TestVanishing(t *testing.T) {
	a := newAccount(t)
	one, two := a.importAPI("one"), a.importAPI("two")
	a.deploy(one, "dev")
	a.deploy(two, "dev")
	answer := func(id string, status int, code string) {
		a.intercept = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, "/restapis/"+id+"/resources") {
				return false
			}
			w.Header().Set("X-Amzn-Errortype", code)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"message":"made up"}`))
			return true
		}
	}
	s := &Scanner{Client: a.client}
	answer(one, 500, "InternalFailure")
	if r := a.scan(s); r.Complete || len(r.Problems) != 1 {
		t.Errorf("never read: %+v", r)
	}
	answer(one, 403, "AccessDeniedException")
	if r := a.scan(s); !r.Complete || len(r.APIs) != 1 || !strings.Contains(r.Problems[0], "apigateway:GET on arn:aws:apigateway:eu-west-1::/restapis/"+one+"/resources") {
		t.Errorf("hidden by IAM: %+v", r)
	}
	a.intercept = nil
	if r := a.scan(s); !r.Complete || len(r.APIs) != 2 {
		t.Errorf("%+v", r)
	}
	for _, status := range []int{500, 403} {
		answer(one, status, "X")
		if r := a.scan(s); !r.Complete || len(r.APIs) != 2 || len(r.Problems) != 1 {
			t.Errorf("%d, known from before: %+v", status, r)
		}
	}
	answer(one, 404, "NotFoundException")
	if r := a.scan(s); !r.Complete || len(r.APIs) != 1 || len(r.Problems) != 0 {
		t.Errorf("deleted half-way: %+v", r)
	}
	a.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/deployments/") {
			w.WriteHeader(404)
			return true
		}
		return false
	}
	fresh := &Scanner{Client: a.client}
	if r := a.scan(fresh); !r.Complete || len(Groups(r.APIs, "", "", "")) != 0 {
		t.Errorf("deployments gone half-way: %+v", r)
	}
	a.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/restapis" {
			return false
		}
		w.WriteHeader(403)
		return true
	}
	if r := a.scan(&Scanner{Client: a.client}); r.Complete || len(r.Problems) != 2 {
		t.Errorf("listed, and none may be read: %+v", r)
	}
	a.intercept = func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(403); return true }
	if _, err := fresh.Scan(t.Context()); err == nil || !strings.Contains(err.Error(), "apigateway:GET on") {
		t.Errorf("nothing may be listed: %v", err)
	}
}

// TestEditedAgainstDeployed: who stands in front, and whether the stage knows.
func TestEditedAgainstDeployed(t *testing.T) {
	other := Authorizer{ID: "o", URI: "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:other/invocations"}
	ours := Authorizer{ID: "p", URI: "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/" + functionARN + ":live/invocations"}
	api := API{ID: "abc123", Name: "PetStore", Authorizers: []Authorizer{other, ours},
		Resources: []Resource{{ID: "r", Path: "/pets", Methods: map[string]Method{
			"GET": {"CUSTOM", "p"}, "PUT": {"CUSTOM", "p"}, "POST": {"CUSTOM", "o"}, "DELETE": {"AWS_IAM", ""}, "PATCH": {"NONE", ""}, "HEAD": {"CUSTOM", "gone"}}}},
		Stages: []Stage{{Name: "dev", DeploymentID: "d", Deployed: map[string]map[string]string{
			"/pets": {"GET": "CUSTOM", "PUT": "NONE", "POST": "CUSTOM", "DELETE": "AWS_IAM", "PATCH": "CUSTOM", "HEAD": "CUSTOM"},
			"/old":  {"GET": "NONE", "POST": "CUSTOM", "PUT": "AWS_IAM"}}}, {Name: "empty"}}}
	groups := Groups([]API{api}, functionARN, "", "")
	if len(groups) != 1 {
		t.Fatalf("%d groups", len(groups))
	}
	got := map[string]string{}
	for _, m := range groups[0].APIs {
		d := "?"
		if m.Deployed != nil {
			d = fmt.Sprint(*m.Deployed)
		}
		got[m.Method+" "+m.Path] = m.Authorizer + " " + d
	}
	// Two functions' authorizers and no export: whose CUSTOM is deployed is not known, and not claimed.
	want := map[string]string{"GET /pets": "ours ?", "PUT /pets": "ours false", "POST /pets": "other true", "DELETE /pets": "other true", "PATCH /pets": "none false",
		"HEAD /pets": "other true", "GET /old": "none ?", "POST /old": " ?", "PUT /old": "other ?"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestWhoseAuthorizerIsDeployed: a method that went from somebody else's authorizer to ours is CUSTOM before and after;
// the stage's export tells the difference.
func TestWhoseAuthorizerIsDeployed(t *testing.T) {
	a := newAccount(t)
	api := a.importAPI("PetStore")
	authorizer := func(name, function string) string {
		var out struct{ ID string }
		a.do("POST", "/restapis/"+api+"/authorizers", nil, map[string]any{"name": name, "type": "REQUEST", "identitySource": "", "authorizerResultTtlInSeconds": 0,
			"authorizerUri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/" + function + "/invocations"}, &out)
		return out.ID
	}
	theirs, ours := authorizer("theirs", "arn:aws:lambda:eu-west-1:123456789012:function:other"), authorizer("portcullis", functionARN)
	s := &Scanner{Client: a.client}
	set := func(id string) {
		for _, r := range a.scan(s).APIs[0].Resources {
			if r.Path == "/pets" {
				a.do("PATCH", "/restapis/"+api+"/resources/"+r.ID+"/methods/GET", nil, map[string]any{"patchOperations": []map[string]string{
					{"op": "replace", "path": "/authorizationType", "value": "CUSTOM"}, {"op": "replace", "path": "/authorizerId", "value": id}}}, nil)
			}
		}
	}
	state := func() string {
		for _, g := range Groups(a.scan(s).APIs, functionARN, "", "") {
			for _, m := range g.APIs {
				if m.Method+m.Path == "GET/pets" && m.Deployed != nil {
					return fmt.Sprint(m.Authorizer, " ", *m.Deployed)
				}
			}
		}
		return "not known"
	}
	set(theirs)
	a.deploy(api, "dev")
	for _, step := range []struct {
		do   func()
		want string
	}{{func() {}, "other true"}, {func() { set(ours) }, "ours false"}, {func() { a.deploy(api, "dev") }, "ours true"}, {func() {
		s = &Scanner{Client: a.client}
		a.intercept = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/exports/") {
				w.WriteHeader(403)
				return true
			}
			return false
		}
	}, "not known"}} {
		step.do()
		if got := state(); got != step.want {
			t.Errorf("%q, want %q", got, step.want)
		}
	}
	// The report says what is missing, and what comes of it.
	want := []string{"REST API PetStore (" + api + "), stage dev: it is not known whose authorizers are deployed: GetExport: AWS answered 403 (the function's role needs apigateway:GET on arn:aws:apigateway:eu-west-1::/restapis/" + api + "/stages/dev/exports/oas30)"}
	if r := a.scan(s); !r.Complete || cmp.Diff(want, r.Problems) != "" {
		t.Errorf("%+v", r)
	}
	a.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/exports/") {
			w.WriteHeader(404)
			return true
		}
		return false
	}
	if r := a.scan(s); !r.Complete || len(r.Problems) != 0 {
		t.Errorf("a stage that is gone: %+v", r)
	}
}
