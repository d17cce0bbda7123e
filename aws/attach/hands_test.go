package attach

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"portcullis/aws/discover"
)

// What other hands do between the reading of an account and the work on it, or to that work afterwards. Every case has
// its outcome: the run goes on, the report says what is wrong, and the next run sets it right or says again why it cannot.

// refusal answers the calls that match with an error, as often as times says; -1 is always.
func (a *account) refusal(match func(r *http.Request) bool, times, status int, code, message string) {
	a.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if times == 0 || !match(r) {
			return false
		}
		times--
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"message":%q}`, message)
		return true
	}
}

func patching(r *http.Request) bool {
	return r.Method == "PATCH" && strings.Contains(r.URL.Path, "/methods/")
}

// attachedStore is a pet store that is attached, and a new environment that knows nothing of it.
func attachedStore(t *testing.T) (*account, string) {
	a := newAccount(t)
	api := a.petStore("dev")
	if r := a.run(api + "-dev"); r.Changed != 3 || len(r.Problems) != 0 {
		t.Fatalf("%+v", r)
	}
	a.deploy(api, "dev")
	a.attacher = &Attacher{Client: a.client, Apply: true}
	return a, api
}

// TestConflict: somebody changes the API at the same time; the other methods are attached, and the one that is left with
// the next run.
func TestConflict(t *testing.T) {
	a := newAccount(t)
	api := a.petStore("dev")
	a.refusal(patching, 1, 409, "ConflictException", "Unable to complete operation due to concurrent modification. Please try again later.")
	if r := a.run(api + "-dev"); r.Changed != 2 || len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "concurrent modification") || !r.Complete {
		t.Errorf("%+v", r)
	}
	if r := a.run(api + "-dev"); r.Changed != 1 || len(r.Problems) != 0 {
		t.Errorf("the next run: %+v", r)
	}
	a.expect(attached)
}

// TestThrottled: a call that is refused again and again ends the run; what is left is for the next one. Nothing is tried
// against the account's limits, method by method.
func TestThrottled(t *testing.T) {
	a := newAccount(t)
	one, two := a.petStore("dev"), a.petStore("dev")
	patches := 0
	a.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if !patching(r) {
			return false
		}
		if patches++; patches == 1 {
			return false
		}
		w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
		w.WriteHeader(429)
		return true
	}
	r := a.run(one+"-dev", two+"-dev")
	if r.Changed != 1 || r.Complete || len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "takes no more calls for now") || patches > 6 {
		t.Errorf("%d calls, %+v", patches, r)
	}
	a.intercept = nil
	if r := a.run(one+"-dev", two+"-dev"); r.Changed != 5 || len(r.Problems) != 0 || !r.Complete {
		t.Errorf("the next run: %+v", r)
	}
}

// TestAuthorizerDeleted: somebody detaches the methods and deletes our authorizer, before a run or in the middle of it.
func TestAuthorizerDeleted(t *testing.T) {
	remove := func(a *account, api string) {
		for _, r := range a.scan()[0].Resources {
			for verb := range r.Methods {
				a.do("PATCH", "/restapis/"+api+"/resources/"+r.ID+"/methods/"+verb, nil, replace("/authorizationType", "NONE"), nil)
			}
		}
		a.do("DELETE", "/restapis/"+api+"/authorizers/"+a.scan()[0].Authorizers[0].ID, nil, nil, nil)
	}
	a, api := attachedStore(t)
	remove(a, api)
	if r := a.run(api + "-dev"); r.Changed != 3 || len(r.Problems) != 0 {
		t.Errorf("deleted before the run: %+v", r)
	}
	a.expect(attached)

	read := a.scan()
	remove(a, api)
	for i := range read[0].Resources { // as it was when it was read: attached but for one method
		for verb, m := range read[0].Resources[i].Methods {
			if m.AuthorizationType == "CUSTOM" {
				setMethod(&read[0], Step{ResourceID: read[0].Resources[i].ID, Verb: verb, To: discover.Method{AuthorizationType: "NONE"}})
			}
		}
	}
	r := a.attacher.Run(t.Context(), read, Wanted{Bound: map[string]bool{api + "-dev": true}, FunctionARN: functionARN})
	if r.Changed != 0 || len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "deleted since the account was read") {
		t.Errorf("deleted after the reading: %+v", r)
	}
	if r := a.run(api + "-dev"); r.Changed != 3 || len(r.Problems) != 0 {
		t.Errorf("the next run: %+v", r)
	}
	a.expect(attached)
}

// TestPermissionRemoved: without the permission every request to an attached method is a 500, so it is given anew by every
// new environment and every ten minutes, though nothing is to be attached. A role without the right to do so gets a note.
func TestPermissionRemoved(t *testing.T) {
	a, api := attachedStore(t)
	now := time.Now()
	a.attacher.Now = func() time.Time { return now }
	given := func() (n int) {
		for _, c := range a.changes {
			if strings.HasSuffix(c, "/policy") {
				n++
			}
		}
		return n
	}
	for i, want := range []int{1, 0, 0, 1} { // a run every four minutes
		if r := a.run(api + "-dev"); given() != want || r.Changed != 0 || len(r.Problems) != 0 {
			t.Errorf("run %d gave the permission %d times: %+v", i, given(), r)
		}
		now = now.Add(4 * time.Minute)
	}
	now = now.Add(10 * time.Minute)
	a.refusal(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/policy") }, -1, 403, "AccessDeniedException", "not authorized to perform: lambda:AddPermission")
	for i, want := range []int{1, 0} {
		if r := a.run(api + "-dev"); len(r.Notes) != want || len(r.Problems) != 0 {
			t.Errorf("refused, run %d: %+v", i, r)
		}
	}
	a.intercept = nil
	a.attacher = &Attacher{Client: a.client, Apply: true}
	if a.run(); given() != 0 {
		t.Error("a permission for a function that nothing asks")
	}
	a.attacher = &Attacher{Client: a.client}
	if a.run(api + "-dev"); len(a.changes) != 0 {
		t.Errorf("AWS_CREATE_AUTHORIZER=false changes %q", a.changes)
	}
}

// TestStageDeleted: a bound stage that is deleted binds nothing any more; the methods are given back when it was the only
// one. One that vanishes while its cache is being emptied is nothing to report.
func TestStageDeleted(t *testing.T) {
	a, api := attachedStore(t)
	a.deploy(api, "prod")
	a.do("DELETE", "/restapis/"+api+"/stages/dev", nil, nil, nil)
	if r := a.run(api+"-dev", api+"-prod"); r.Changed != 0 || len(r.Problems) != 0 {
		t.Errorf("one of two: %+v", r)
	}
	a.do("DELETE", "/restapis/"+api+"/stages/prod", nil, nil, nil)
	if r := a.run(api+"-dev", api+"-prod"); r.Changed != 3 || len(r.Problems) != 0 {
		t.Errorf("the last one: %+v", r)
	}
	a.expect(open)
}

// TestAPIDeleted: the REST API goes away after it was read.
func TestAPIDeleted(t *testing.T) {
	for name, before := range map[string]bool{"never attached": false, "attached": true} {
		a := newAccount(t)
		api := a.petStore("dev")
		if before {
			a.run(api + "-dev")
		}
		read := a.scan()
		a.do("DELETE", "/restapis/"+api, nil, nil, nil)
		bound := map[string]bool{api + "-dev": !before} // to be attached, or given back
		if r := a.attacher.Run(t.Context(), read, Wanted{Bound: bound, FunctionARN: functionARN}); r.Changed != 0 || !r.Complete || len(r.Problems) > 1 {
			t.Errorf("%s: %+v", name, r)
		}
		if r := a.run(); r.Changed != 0 || len(r.Problems) != 0 {
			t.Errorf("%s, the next run: %+v", name, r)
		}
	}
}

// TestTwoGateways: two workspaces, each with a gateway and a function of its own, want the same REST API. The first one
// has it, even if the second one may replace authorizers, and the second one's report says so at every run. Neither undoes
// what the other did. When the first one gives it back, its authorizer stays behind under the name that both use.
func TestTwoGateways(t *testing.T) {
	a, api := attachedStore(t)
	const other = "arn:aws:lambda:eu-west-1:123456789012:function:other-function"
	second := &Attacher{Client: a.client, Apply: true, Replace: true}
	run := func(bound bool) Report {
		apis := a.scan()
		a.changes = nil
		return second.Run(t.Context(), apis, Wanted{Bound: map[string]bool{api + "-dev": bound}, FunctionARN: other})
	}
	for range 2 {
		if r := run(true); r.Changed != 0 || len(a.changes) != 0 || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "calls another function; not attached") {
			t.Errorf("%+v %q", r, a.changes)
		}
		if r := run(false); r.Changed != 0 || len(a.changes) != 0 {
			t.Errorf("unbound: %+v %q", r, a.changes)
		}
		a.expect(attached)
	}
	if r := a.run(); r.Changed != 3 {
		t.Errorf("the first one gives back: %+v", r)
	}
	if r := run(true); r.Changed != 0 || len(r.Notes) != 1 {
		t.Errorf("its authorizer is still there: %+v", r)
	}
	a.do("DELETE", "/restapis/"+api+"/authorizers/"+a.scan()[0].Authorizers[0].ID, nil, nil, nil)
	if r := run(true); r.Changed != 3 || len(r.Problems) != 0 {
		t.Errorf("deleted: %+v", r)
	}
}

// TestManyMethods: 598 methods, more than one invocation has time for. Each run goes on where the one before stopped, and
// nothing is done twice but the call that was cut off.
func TestManyMethods(t *testing.T) {
	a := newAccount(t)
	var paths strings.Builder
	const resources = 299 // and the root
	for i := range resources {
		fmt.Fprintf(&paths, `,"/r%d":{"get":{"x-amazon-apigateway-integration":{"type":"MOCK"}},"post":{"x-amazon-apigateway-integration":{"type":"MOCK"}}}`, i)
	}
	var made struct{ ID string }
	a.do("POST", "/restapis", map[string][]string{"mode": {"import"}}, `{"openapi":"3.0.1","info":{"title":"Large","version":"1"},"paths":{`+paths.String()[1:]+`}}`, &made)
	a.deploy(made.ID, "dev")
	apis := a.scan()
	total := 0
	runs := 0
	for done := false; !done; runs++ {
		if runs > 20 {
			t.Fatal("never complete")
		}
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		a.intercept = func(_ http.ResponseWriter, r *http.Request) bool {
			if patching(r) {
				if total, n = total+1, n+1; n == 75 { // the time-out of the function
					cancel()
				}
			}
			return false
		}
		done = a.attacher.Run(ctx, apis, Wanted{Bound: map[string]bool{made.ID + "-dev": true}, FunctionARN: functionARN}).Complete
		cancel()
	}
	a.intercept = nil
	if total < 2*resources || total > 2*resources+runs {
		t.Errorf("%d calls for %d methods in %d runs", total, 2*resources, runs)
	}
	for m, state := range a.edited() {
		if state != "CUSTOM ours" {
			t.Errorf("%s is %s", m, state)
		}
	}
}

// TestPreviousGone: what a method is to be given back to is no longer there. It keeps our authorizer, which denies what is
// not bound; the others are given back, and every run says what is wrong until somebody sets the method's authorization.
func TestPreviousGone(t *testing.T) {
	a := newAccount(t)
	api := a.petStore("dev")
	theirs := a.foreign(api)
	a.attacher.Replace = true
	if r := a.run(api + "-dev"); r.Changed != 3 || len(r.Problems) != 0 {
		t.Fatalf("%+v", r)
	}
	a.do("DELETE", "/restapis/"+api+"/authorizers/"+theirs, nil, nil, nil)
	for i, want := range []int{2, 0} {
		if r := a.run(); r.Changed != want || len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "GET /pets: UpdateMethod: AWS answered 400 BadRequestException: Invalid authorizer ID specified") {
			t.Errorf("run %d: %+v", i, r)
		}
		a.expect(map[string]string{"GET /pets": "CUSTOM ours", "POST /pets": "AWS_IAM other", "OPTIONS /pets": "NONE none", "ANY /{proxy+}": "NONE none"})
	}
	for _, r := range a.scan()[0].Resources {
		if r.Path == "/pets" {
			a.do("PATCH", "/restapis/"+api+"/resources/"+r.ID+"/methods/GET", nil, replace("/authorizationType", "AWS_IAM"), nil)
		}
	}
	if r := a.run(); r.Changed != 0 || len(r.Problems) != 0 {
		t.Errorf("after somebody decided: %+v", r)
	}
}

// TestHTTPAPIsAreLeftAlone: nothing is attached to an HTTP or WebSocket API; of bound stages the report says what asks
// somebody else, or nobody.
func TestHTTPAPIsAreLeftAlone(t *testing.T) {
	a := newAccount(t)
	uri := a.attacher.uri(functionARN)
	api := discover.API{ID: "web123", Name: "Web", Protocol: "HTTP", Authorizers: []discover.Authorizer{{ID: "z1", Name: "mine", URI: uri}},
		Stages: []discover.Stage{{Name: "$default", DeploymentID: "v2:d"}, {Name: "test", DeploymentID: "v2:d"}},
		Resources: []discover.Resource{{ID: "/pets", Path: "/pets", Methods: map[string]discover.Method{"GET": {AuthorizationType: "CUSTOM", AuthorizerID: "z1"}, "POST": {AuthorizationType: "JWT", AuthorizerID: "z2"}, "OPTIONS": {}}},
			{ID: "$default", Path: "$default", Methods: map[string]discover.Method{"ANY": {AuthorizationType: "NONE"}}}}}
	w := Wanted{Bound: map[string]bool{"web123-~default": true}, FunctionARN: functionARN}
	want := "Web/$default: 2 routes of this HTTP API do not ask this function: give them its authorizer in your own code"
	if r := a.attacher.Run(t.Context(), []discover.API{api}, w); len(a.changes) != 0 || r.Changed != 0 || len(r.Problems)+len(r.Redeploy) != 0 || fmt.Sprint(r.Notes) != "["+want+"]" {
		t.Errorf("%+v %q", r, a.changes)
	}
	if text, notes, err := a.attacher.Snippet(t.Context(), []discover.API{api}, w, FormatTerraform); text != "" || fmt.Sprint(notes) != "["+want+"]" || err != nil {
		t.Errorf("%q %q %v", text, notes, err)
	}
	api.Resources = api.Resources[:1]
	delete(api.Resources[0].Methods, "POST")
	if r := a.attacher.Run(t.Context(), []discover.API{api}, w); len(r.Notes) != 0 {
		t.Errorf("all of them ask us: %+v", r)
	}
}
