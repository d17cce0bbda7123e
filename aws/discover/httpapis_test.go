package discover

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis/edge/waist"
)

// v2 makes an HTTP or WebSocket API with routes, some of which ask a function.
func (a *account) v2(protocol, name, function string, routes ...string) (id string) {
	a.t.Helper()
	var api struct {
		ID string `json:"apiId"`
	}
	a.do("POST", "/v2/apis", nil, map[string]any{"name": name, "protocolType": protocol, "routeSelectionExpression": map[string]string{"WEBSOCKET": "$request.body.action", "HTTP": "$request.method $request.path"}[protocol]}, &api)
	var z struct {
		ID string `json:"authorizerId"`
	}
	authorizer := map[string]any{"name": "z", "authorizerType": "REQUEST", "authorizerUri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/" + function + "/invocations"}
	if protocol == "HTTP" {
		authorizer["authorizerPayloadFormatVersion"] = "2.0"
	}
	a.do("POST", "/v2/apis/"+api.ID+"/authorizers", nil, authorizer, &z)
	var to struct {
		ID string `json:"integrationId"`
	}
	integration := map[string]any{"integrationType": "MOCK"}
	if protocol == "HTTP" {
		integration = map[string]any{"integrationType": "HTTP_PROXY", "integrationMethod": "ANY", "integrationUri": "https://example.com/", "payloadFormatVersion": "1.0"}
	}
	a.do("POST", "/v2/apis/"+api.ID+"/integrations", nil, integration, &to)
	for _, r := range routes {
		key, guarded := strings.CutPrefix(r, "!")
		body := map[string]any{"routeKey": key, "target": "integrations/" + to.ID}
		if guarded {
			body["authorizationType"], body["authorizerId"] = "CUSTOM", z.ID
		}
		a.do("POST", "/v2/apis/"+api.ID+"/routes", nil, body, nil)
	}
	return api.ID
}

func (a *account) v2Stage(api, stage string, auto bool) {
	a.t.Helper()
	a.do("POST", "/v2/apis/"+api+"/stages", nil, map[string]any{"stageName": stage, "autoDeploy": auto}, nil)
}

// TestHTTPAPIs: HTTP and WebSocket APIs are read where that is asked for, by stage; what is live is said only where the
// stage deploys by itself.
func TestHTTPAPIs(t *testing.T) {
	a := newAccount(t)
	rest := a.importAPI("PetStore")
	a.deploy(rest, "dev")
	web := a.v2("HTTP", "Web", functionARN, "!GET /pets", "ANY /pets/{petId}", "!$default")
	a.v2Stage(web, "$default", true)
	a.v2Stage(web, "test", false)
	chat := a.v2("WEBSOCKET", "Chat", "arn:aws:lambda:eu-west-1:123456789012:function:other", "!$connect", "send", "$default")
	a.v2Stage(chat, "prod", true)

	if r := a.scan(&Scanner{Client: a.client}); len(r.APIs) != 1 {
		t.Errorf("without being asked for: %d APIs", len(r.APIs))
	}
	s := &Scanner{Client: a.client, V2: true}
	r := a.scan(s)
	if !r.Complete || len(r.Problems) != 0 || len(r.APIs) != 3 {
		t.Fatalf("%+v", r)
	}
	got := map[string][]string{}
	for _, g := range Groups(r.APIs, functionARN, "eu-west-1", "123456789012") {
		lines := []string{g.Name + " " + g.Metadata.AWS.APIID + " " + g.Metadata.AWS.Stage}
		for _, m := range g.APIs {
			live := "?"
			if m.Deployed != nil {
				live = fmt.Sprint(*m.Deployed)
			}
			lines = append(lines, m.APIType+" "+m.Method+" "+m.Path+" "+m.Authorizer+" "+live)
		}
		got[g.ID] = lines
	}
	delete(got, rest+"-dev")
	want := map[string][]string{
		web + "-~default": {"Web/$default " + web + " $default", "rest ANY $default ours true", "rest GET /pets ours true", "rest ANY /pets/{petId} none true"},
		chat + "-prod":    {"Chat/prod " + chat + " prod", "rest ANY $connect other true"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("groups (-want +got):\n%s", d)
	}
	a.do("POST", "/v2/apis/"+web+"/deployments", nil, map[string]any{"stageName": "test"}, nil)
	byHand := false
	for _, g := range Groups(a.scan(s).APIs, functionARN, "eu-west-1", "123456789012") {
		if g.ID == web+"-test" {
			byHand = len(g.APIs) == 3 && g.APIs[1].Authorizer == waist.AuthorizerOurs && g.APIs[1].Deployed == nil
		}
	}
	if !byHand {
		t.Error("a stage that is deployed by hand is not there, or says what is live")
	}

	// Without the permission nothing is listed, so that no group is taken away.
	a.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v2/apis" {
			w.WriteHeader(403)
			return true
		}
		return false
	}
	if _, err := s.Scan(t.Context()); err == nil || !strings.Contains(err.Error(), "apigateway:GET on arn:aws:apigateway:eu-west-1::/apis)") {
		t.Errorf("%v", err)
	}
	// One API that cannot be read keeps what was known of it; an interruption goes on where it was.
	ctx, cancel := context.WithCancel(t.Context())
	a.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, web+"/routes") {
			cancel()
		}
		return false
	}
	if r, err := s.Scan(ctx); err != nil || r.Complete {
		t.Errorf("interrupted: %+v %v", r, err)
	}
	a.intercept = nil
	if r := a.scan(s); !r.Complete || len(r.APIs) != 3 {
		t.Errorf("after the interruption: %+v", r)
	}
	a.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, chat+"/routes") {
			w.WriteHeader(403)
			return true
		}
		return false
	}
	if r := a.scan(s); !r.Complete || len(r.APIs) != 3 || len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "WEBSOCKET API Chat ("+chat+"): GetRoutes: AWS answered 403") {
		t.Errorf("%+v", r)
	}
}
