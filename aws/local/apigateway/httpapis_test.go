package apigateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v2 "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/google/go-cmp/cmp"

	"portcullis/aws/local/apigateway"
	"portcullis/aws/local/wire"
)

func (b *bench) sdkv2() *v2.Client {
	return v2.New(v2.Options{Region: testRegion, BaseEndpoint: aws.String(b.url), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIA" + testAccount, SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, nil
		})})
}

// httpBench is an HTTP API with an automatically deployed $default stage and one function behind every route, which
// answers with the route key.
type httpBench struct {
	*bench
	c           *v2.Client
	id, backend string
}

func newHTTPBench(t *testing.T, change func(*apigateway.Options)) *httpBench {
	t.Helper()
	b := newBench(t, change)
	h := &httpBench{bench: b, c: b.sdkv2()}
	api, err := h.c.CreateApi(t.Context(), &v2.CreateApiInput{Name: aws.String("PetStore"), ProtocolType: types.ProtocolTypeHttp})
	if err != nil {
		t.Fatal(err)
	}
	h.id = *api.ApiId
	if *api.ApiEndpoint != "https://"+h.id+".execute-api.eu-west-1.amazonaws.com" || api.CreatedDate.Unix() != b.clock().Unix() || *api.RouteSelectionExpression != "$request.method $request.path" {
		t.Errorf("created %+v", api)
	}
	in, err := h.c.CreateIntegration(t.Context(), &v2.CreateIntegrationInput{ApiId: &h.id, IntegrationType: types.IntegrationTypeAwsProxy, PayloadFormatVersion: aws.String("2.0"),
		IntegrationUri: aws.String("arn:aws:lambda:eu-west-1:111122223333:function:backend")})
	if err != nil {
		t.Fatal(err)
	}
	h.backend = "integrations/" + *in.IntegrationId
	if _, err := h.c.CreateStage(t.Context(), &v2.CreateStageInput{ApiId: &h.id, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true), StageVariables: map[string]string{"k": "v"}}); err != nil {
		t.Fatal(err)
	}
	b.functions["backend"] = func(in wire.Invocation) (wire.InvokeResult, error) {
		var ev struct {
			RouteKey string `json:"routeKey"`
		}
		if err := json.Unmarshal(in.Payload, &ev); err != nil {
			return wire.InvokeResult{}, err
		}
		out, err := json.Marshal(ev.RouteKey)
		return wire.InvokeResult{Payload: out}, err
	}
	return h
}

func (h *httpBench) route(key, authorizer string) string {
	h.t.Helper()
	in := &v2.CreateRouteInput{ApiId: &h.id, RouteKey: &key, Target: &h.backend}
	if authorizer != "" {
		in.AuthorizationType, in.AuthorizerId = types.AuthorizationTypeCustom, &authorizer
	}
	r, err := h.c.CreateRoute(h.t.Context(), in)
	if err != nil {
		h.t.Fatal(err)
	}
	return *r.RouteId
}

func (h *httpBench) authorizer(version string, simple bool, ttl int32, sources ...string) string {
	h.t.Helper()
	if sources == nil {
		sources = []string{} // the SDK insists on the member
	}
	z, err := h.c.CreateAuthorizer(h.t.Context(), &v2.CreateAuthorizerInput{ApiId: &h.id, Name: aws.String("guard"), AuthorizerType: types.AuthorizerTypeRequest, AuthorizerUri: aws.String(functionURI),
		AuthorizerPayloadFormatVersion: &version, EnableSimpleResponses: &simple, AuthorizerResultTtlInSeconds: &ttl, IdentitySource: sources})
	if err != nil {
		h.t.Fatal(err)
	}
	return *z.AuthorizerId
}

// TestHTTPRouting: full match before greedy before $default, a trailing slash is another path.
// Source: Developer Guide, "Create routes for HTTP APIs"; InfoQ 2026-06 on the trailing slash.
func TestHTTPRouting(t *testing.T) {
	h := newHTTPBench(t, nil)
	for _, key := range []string{"GET /pets", "GET /pets/{id}", "ANY /pets/{id}", "GET /pets/new", "ANY /shops/{proxy+}", "GET /slash/"} {
		h.route(key, "")
	}
	for req, want := range map[string]string{"GET /pets": "GET /pets", "GET /pets/": "", "POST /pets": "", "GET /pets/7": "GET /pets/{id}", "PUT /pets/7": "ANY /pets/{id}", "GET /pets/new": "GET /pets/new",
		"GET /shops/a/b": "ANY /shops/{proxy+}", "GET /shops": "", "GET /slash/": "GET /slash/", "GET /slash": "", "GET /": ""} {
		verb, path, _ := strings.Cut(req, " ")
		r := h.call(h.id, verb, path, "")
		if want == "" {
			wantReply(t, r, 404, `{"message":"Not Found"}`)
		} else {
			wantReply(t, r, 200, want)
		}
	}
	h.route("$default", "")
	wantReply(t, h.call(h.id, "DELETE", "/anything/", ""), 200, "$default")
}

// TestHTTPAuthorizers: the three kinds of answers, and every failure.
// Source: Developer Guide, "Control access to HTTP APIs with AWS Lambda authorizers".
func TestHTTPAuthorizers(t *testing.T) {
	const iam = `{"principalId":"u","policyDocument":{"Statement":[{"Action":"execute-api:Invoke","Effect":"%s","Resource":"%s"}]},"context":{"list":[1]}}`
	for _, c := range []struct {
		name, version string
		simple        bool
		out           string
		status        int
		body          string
	}{
		{"simple yes", "2.0", true, `{"isAuthorized":true}`, 200, "GET /pets"},
		{"simple no", "2.0", true, `{"isAuthorized":false}`, 403, `{"message":"Forbidden"}`},
		{"simple, no boolean", "2.0", true, `{"isAuthorized":"true"}`, 500, `{"message":"Internal Server Error"}`},
		{"simple, a policy", "2.0", true, fmt.Sprintf(iam, "Allow", "*"), 500, `{"message":"Internal Server Error"}`},
		{"policy 2.0", "2.0", false, fmt.Sprintf(iam, "Allow", "*"), 200, "GET /pets"},
		{"policy 1.0", "1.0", false, fmt.Sprintf(iam, "Allow", "*"), 200, "GET /pets"},
		{"policy denies", "1.0", false, fmt.Sprintf(iam, "Deny", "*"), 403, `{"message":"Forbidden"}`},
		{"policy for another route", "2.0", false, fmt.Sprintf(iam, "Allow", "*/POST/*"), 403, `{"message":"Forbidden"}`},
		{"policy, a simple answer", "2.0", false, `{"isAuthorized":true}`, 500, `{"message":"Internal Server Error"}`},
		{"not JSON", "1.0", false, `yes`, 500, `{"message":"Internal Server Error"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHTTPBench(t, nil)
			h.route("GET /pets", h.authorizer(c.version, c.simple, 0, "$request.header.Authorization"))
			h.returns("my-function", c.out)
			wantReply(t, h.call(h.id, "GET", "/pets", "", "Authorization", "x"), c.status, c.body)
			before := h.called()
			wantReply(t, h.call(h.id, "GET", "/pets", ""), 401, `{"message":"Unauthorized"}`)
			if h.called() != before {
				t.Error("the authorizer was asked without an identity")
			}
		})
	}
	for name, f := range map[string]func(wire.Invocation) (wire.InvokeResult, error){"error": unhandled("boom"), "no permission": refused(403, "AccessDeniedException"), "Unauthorized": unhandled("Unauthorized")} {
		for _, other := range []bool{false, true} {
			h := newHTTPBench(t, func(o *apigateway.Options) { o.HTTPUnauthorizedError = other })
			h.route("GET /pets", h.authorizer("2.0", true, 0))
			h.functions["my-function"] = f
			status, body := 500, `{"message":"Internal Server Error"}`
			if other && name == "Unauthorized" {
				status, body = 401, `{"message":"Unauthorized"}`
			}
			wantReply(t, h.call(h.id, "GET", "/pets", ""), status, body)
		}
	}
}

// TestHTTPCache: a simple answer serves every route with the same identity, a policy is evaluated again.
func TestHTTPCache(t *testing.T) {
	h := newHTTPBench(t, nil)
	z := h.authorizer("2.0", true, 60, "$request.header.Authorization")
	h.route("GET /a", z)
	h.route("GET /b", z)
	h.returns("my-function", `{"isAuthorized":true}`)
	for _, path := range []string{"/a", "/b", "/a"} {
		if r := h.call(h.id, "GET", path, "", "Authorization", "x"); r.status != 200 {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	if n := h.called(); n != 4 { // three times the backend, once the authorizer
		t.Errorf("%d calls", n)
	}
	if _, err := h.c.UpdateAuthorizer(t.Context(), &v2.UpdateAuthorizerInput{ApiId: &h.id, AuthorizerId: &z, EnableSimpleResponses: aws.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.c.ResetAuthorizersCache(t.Context(), &v2.ResetAuthorizersCacheInput{ApiId: &h.id, StageName: aws.String("$default")}); err != nil {
		t.Fatal(err)
	}
	h.functions["my-function"] = func(in wire.Invocation) (wire.InvokeResult, error) {
		var ev struct{ RouteArn string }
		err := json.Unmarshal(in.Payload, &ev)
		return wire.InvokeResult{Payload: []byte(`{"principalId":"u","policyDocument":{"Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"` + ev.RouteArn + `"}]}}`)}, err
	}
	for _, c := range []struct {
		path   string
		status int
		after  time.Duration
	}{{"/a", 200, 0}, {"/b", 403, 0}, {"/b", 200, time.Minute}} {
		h.advance(c.after)
		if r := h.call(h.id, "GET", c.path, "", "Authorization", "x"); r.status != c.status {
			t.Errorf("%s: %d, want %d", c.path, r.status, c.status)
		}
	}
}

func TestHTTPEvents(t *testing.T) {
	h := newHTTPBench(t, nil)
	z := h.authorizer("2.0", true, 0, "$request.header.Authorization", "$request.querystring.k")
	h.route("GET /items/{id}", z)
	var events []map[string]any
	record := func(out string) func(in wire.Invocation) (wire.InvokeResult, error) {
		return func(in wire.Invocation) (wire.InvokeResult, error) {
			var ev map[string]any
			if err := json.Unmarshal(in.Payload, &ev); err != nil {
				t.Error(err)
			}
			events = append(events, ev)
			return wire.InvokeResult{Payload: []byte(out)}, nil
		}
	}
	h.functions["my-function"] = record(`{"isAuthorized":true,"context":{"n":1,"l":["a"]}}`)
	h.functions["backend"] = record(`{"statusCode":201,"headers":{"X-A":"b"},"cookies":["c=1"],"body":"made"}`)
	r := h.call(h.id, "GET", "/items/42?a=1&a=2&k=x", "", "Authorization", "Bearer x", "X-Twice", "1", "X-Twice", "2", "Cookie", "c1=v1; c2=v2", "User-Agent", "u")
	if r.status != 201 || r.body != "made" || r.header.Get("X-A") != "b" || r.header.Get("Set-Cookie") != "c=1" || r.header.Get("Apigw-Requestid") == "" {
		t.Errorf("%d %s %v", r.status, r.body, r.header)
	}
	if len(events) != 2 {
		t.Fatalf("%d events", len(events))
	}
	for i, ev := range events {
		ctx := ev["requestContext"].(map[string]any)
		headers := ev["headers"].(map[string]any)
		want := map[string]any{"version": "2.0", "routeKey": "GET /items/{id}", "rawPath": "/items/42", "rawQueryString": "a=1&a=2&k=x", "queryStringParameters": map[string]any{"a": "1,2", "k": "x"},
			"pathParameters": map[string]any{"id": "42"}, "stageVariables": map[string]any{"k": "v"}, "cookies": []any{"c1=v1", "c2=v2"}}
		for k, v := range want {
			if d := cmp.Diff(v, ev[k]); d != "" {
				t.Errorf("event %d: %s %s", i, k, d)
			}
		}
		if headers["x-twice"] != "1,2" || headers["authorization"] != "Bearer x" || headers["cookie"] != nil || ctx["stage"] != "$default" || ctx["timeEpoch"] != 1773480413000.0 || ctx["http"].(map[string]any)["path"] != "/items/42" {
			t.Errorf("event %d: %v", i, ev)
		}
	}
	if d := cmp.Diff([]any{"REQUEST", "arn:aws:execute-api:eu-west-1:111122223333:" + h.id + "/$default/GET/items/42", []any{"Bearer x", "x"}}, []any{events[0]["type"], events[0]["routeArn"], events[0]["identitySource"]}); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]any{"lambda": map[string]any{"n": 1.0, "l": []any{"a"}}}, events[1]["requestContext"].(map[string]any)["authorizer"]); d != "" {
		t.Error(d)
	}

	// Format 1.0: the REST shape with a version.
	events = nil
	if _, err := h.c.UpdateAuthorizer(t.Context(), &v2.UpdateAuthorizerInput{ApiId: &h.id, AuthorizerId: &z, AuthorizerPayloadFormatVersion: aws.String("1.0"), EnableSimpleResponses: aws.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	h.functions["my-function"] = record(`{"principalId":"u","policyDocument":{"Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}]}}`)
	h.call(h.id, "GET", "/items/42?k=x", "", "Authorization", "Bearer x")
	ev := events[0]
	if ev["version"] != "1.0" || ev["identitySource"] != "Bearer x,x" || ev["authorizationToken"] != "Bearer x,x" || ev["resource"] != "/items/{id}" || ev["path"] != "/items/42" || ev["type"] != "REQUEST" || ev["body"] != nil {
		t.Errorf("event %v", ev)
	}
}

func TestHTTPStages(t *testing.T) {
	h := newHTTPBench(t, nil)
	ctx := t.Context()
	route := h.route("GET /pets", "")
	if _, err := h.c.CreateStage(ctx, &v2.CreateStageInput{ApiId: &h.id, StageName: aws.String("prod")}); err != nil {
		t.Fatal(err)
	}
	wantReply(t, h.call(h.id, "GET", "/pets", ""), 200, "GET /pets") // deployed by itself
	wantReply(t, h.call(h.id, "GET", "/prod/pets", ""), 404, `{"message":"Not Found"}`)
	d, err := h.c.CreateDeployment(ctx, &v2.CreateDeploymentInput{ApiId: &h.id, StageName: aws.String("prod")})
	if err != nil || d.DeploymentStatus != types.DeploymentStatusDeployed {
		t.Fatal(d, err)
	}
	wantReply(t, h.call(h.id, "GET", "/prod/pets", ""), 200, "GET /pets")
	if ev := h.lastEvent(); ev["rawPath"] != "/prod/pets" {
		t.Errorf("rawPath %v", ev["rawPath"])
	}
	_, err = h.c.CreateDeployment(ctx, &v2.CreateDeploymentInput{ApiId: &h.id, StageName: aws.String("$default")})
	wantError(t, err, "BadRequestException", "")
	if _, err := h.c.DeleteRoute(ctx, &v2.DeleteRouteInput{ApiId: &h.id, RouteId: &route}); err != nil {
		t.Fatal(err)
	}
	wantReply(t, h.call(h.id, "GET", "/pets", ""), 404, `{"message":"Not Found"}`)
	wantReply(t, h.call(h.id, "GET", "/prod/pets", ""), 200, "GET /pets") // still the former deployment
	ds, err := h.c.GetDeployments(ctx, &v2.GetDeploymentsInput{ApiId: &h.id})
	if err != nil || len(ds.Items) != 2 { // prod's, and the last automatic one
		t.Errorf("%d deployments, %v", len(ds.Items), err)
	}
	_, err = h.c.DeleteDeployment(ctx, &v2.DeleteDeploymentInput{ApiId: &h.id, DeploymentId: d.DeploymentId})
	wantError(t, err, "BadRequestException", "Active stages pointing to this deployment must be moved or deleted")
}

// TestHTTPControlPlane: attach, detach, conflicts, what is not there.
func TestHTTPControlPlane(t *testing.T) {
	h := newHTTPBench(t, nil)
	ctx := t.Context()
	route := h.route("POST /pdf/generate", "")
	z := h.authorizer("2.0", true, 0)
	up, err := h.c.UpdateRoute(ctx, &v2.UpdateRouteInput{ApiId: &h.id, RouteId: &route, AuthorizationType: types.AuthorizationTypeCustom, AuthorizerId: &z})
	if err != nil || *up.AuthorizerId != z || *up.Target != h.backend || *up.RouteKey != "POST /pdf/generate" {
		t.Fatal(up, err)
	}
	_, err = h.c.DeleteAuthorizer(ctx, &v2.DeleteAuthorizerInput{ApiId: &h.id, AuthorizerId: &z})
	wantError(t, err, "ConflictException", "Cannot delete authorizer 'guard', is referenced in route: POST /pdf/generate")
	id := strings.TrimPrefix(h.backend, "integrations/")
	_, err = h.c.DeleteIntegration(ctx, &v2.DeleteIntegrationInput{ApiId: &h.id, IntegrationId: &id})
	wantError(t, err, "ConflictException", "")
	if up, err = h.c.UpdateRoute(ctx, &v2.UpdateRouteInput{ApiId: &h.id, RouteId: &route, OperationName: aws.String("pdf")}); err != nil || up.AuthorizationType != types.AuthorizationTypeCustom {
		t.Errorf("a patch without the type detached: %+v %v", up, err)
	}
	if up, err = h.c.UpdateRoute(ctx, &v2.UpdateRouteInput{ApiId: &h.id, RouteId: &route, AuthorizationType: types.AuthorizationTypeNone}); err != nil || up.AuthorizerId != nil {
		t.Errorf("detached %+v %v", up, err)
	}
	_, err = h.c.UpdateRoute(ctx, &v2.UpdateRouteInput{ApiId: &h.id, RouteId: &route, AuthorizationType: types.AuthorizationTypeCustom, AuthorizerId: aws.String("zzzzzz")})
	wantError(t, err, "BadRequestException", "")
	_, err = h.c.CreateRoute(ctx, &v2.CreateRouteInput{ApiId: &h.id, RouteKey: aws.String("POST /pdf/generate")})
	wantError(t, err, "ConflictException", "Route with key POST /pdf/generate already exists for this API")
	_, err = h.c.CreateRoute(ctx, &v2.CreateRouteInput{ApiId: &h.id, RouteKey: aws.String("FETCH /x")})
	wantError(t, err, "BadRequestException", "")
	for name, in := range map[string]*v2.CreateAuthorizerInput{
		"no version":        {},
		"simple with 1.0":   {AuthorizerPayloadFormatVersion: aws.String("1.0"), EnableSimpleResponses: aws.Bool(true)},
		"cache, no source":  {AuthorizerPayloadFormatVersion: aws.String("2.0"), AuthorizerResultTtlInSeconds: aws.Int32(60)},
		"REST style source": {AuthorizerPayloadFormatVersion: aws.String("2.0"), IdentitySource: []string{"method.request.header.A"}},
	} {
		in.ApiId, in.Name, in.AuthorizerType, in.AuthorizerUri = &h.id, aws.String(name), types.AuthorizerTypeRequest, aws.String(functionURI)
		if in.IdentitySource == nil {
			in.IdentitySource = []string{}
		}
		_, err := h.c.CreateAuthorizer(ctx, in)
		wantError(t, err, "BadRequestException", "")
	}
	_, err = h.c.CreateApi(ctx, &v2.CreateApiInput{Name: aws.String("quick"), ProtocolType: types.ProtocolTypeHttp, Target: aws.String("https://petstore.example/")})
	wantError(t, err, "NotImplemented", "")
	_, err = h.c.GetApi(ctx, &v2.GetApiInput{ApiId: aws.String("zzzzzzzzzz")})
	wantError(t, err, "NotFoundException", "")
	if got := h.asked[len(h.asked)-1]; got != "apigateway:GET arn:aws:apigateway:eu-west-1::/apis/zzzzzzzzzz" {
		t.Errorf("IAM was asked %s", got)
	}
	for range 3 {
		if _, err := h.c.CreateApi(ctx, &v2.CreateApiInput{Name: aws.String("more"), ProtocolType: types.ProtocolTypeHttp}); err != nil {
			t.Fatal(err)
		}
	}
	seen, token := 0, (*string)(nil)
	for {
		page, err := h.c.GetApis(ctx, &v2.GetApisInput{MaxResults: aws.String("3"), NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		seen += len(page.Items)
		if token = page.NextToken; token == nil {
			break
		}
	}
	if seen != 4 {
		t.Errorf("%d APIs on all pages", seen)
	}
	if _, err := h.c.DeleteApi(ctx, &v2.DeleteApiInput{ApiId: &h.id}); err != nil {
		t.Fatal(err)
	}
	wantReply(t, h.call(h.id, "GET", "/pets", ""), 403, `{"message":"Forbidden"}`)
}

func TestHTTPBackendsAndCORS(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Access-Control-Allow-Origin", "backend")
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.RequestURI(), body)
	}))
	defer srv.Close()
	h := newHTTPBench(t, nil)
	ctx := t.Context()
	in, err := h.c.CreateIntegration(ctx, &v2.CreateIntegrationInput{ApiId: &h.id, IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("ANY"), IntegrationUri: aws.String(srv.URL + "/b/{proxy}"), PayloadFormatVersion: aws.String("1.0")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.c.CreateRoute(ctx, &v2.CreateRouteInput{ApiId: &h.id, RouteKey: aws.String("ANY /x/{proxy+}"), Target: aws.String("integrations/" + *in.IntegrationId)}); err != nil {
		t.Fatal(err)
	}
	wantReply(t, h.call(h.id, "POST", "/x/a/b?q=1", "body", "Origin", "https://example.com"), 200, "POST /b/a/b?q=1 body")
	if _, err := h.c.UpdateApi(ctx, &v2.UpdateApiInput{ApiId: &h.id, CorsConfiguration: &types.Cors{AllowOrigins: []string{"https://example.com"}, AllowMethods: []string{"GET"}, AllowHeaders: []string{"authorization"}, MaxAge: aws.Int32(60)}}); err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]string{"https://example.com": "https://example.com", "https://evil.example": ""} {
		r := h.call(h.id, "GET", "/x/a", "", "Origin", origin)
		if got := r.header.Get("Access-Control-Allow-Origin"); r.status != 200 || got != want {
			t.Errorf("%s: %d %q", origin, r.status, got)
		}
		r = h.call(h.id, "OPTIONS", "/nowhere", "", "Origin", origin, "Access-Control-Request-Method", "GET")
		if r.status != 204 || r.header.Get("Access-Control-Allow-Origin") != want || want != "" && (r.header.Get("Access-Control-Allow-Headers") != "authorization" || r.header.Get("Access-Control-Max-Age") != "60") {
			t.Errorf("preflight from %s: %d %v", origin, r.status, r.header)
		}
	}
	h.route("GET /f", "")
	for _, c := range []struct {
		out    string
		status int
		body   string
	}{{`{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`, 200, "hi"}, {`{"a":1}`, 200, `{"a":1}`}, {`"text"`, 200, "text"}, {`{"statusCode":9}`, 500, `{"message":"Internal Server Error"}`}} {
		h.returns("backend", c.out)
		wantReply(t, h.call(h.id, "GET", "/f", ""), c.status, c.body)
	}
	h.functions["backend"] = unhandled("boom")
	wantReply(t, h.call(h.id, "GET", "/f", ""), 500, `{"message":"Internal Server Error"}`)
}

// TestHTTPTags: tags of APIs and stages, by the ARNs of apigatewayv2.
func TestHTTPTags(t *testing.T) {
	h := newHTTPBench(t, nil)
	ctx := t.Context()
	for _, arn := range []string{"arn:aws:apigateway:eu-west-1::/apis/" + h.id, "arn:aws:apigateway:eu-west-1::/apis/" + h.id + "/stages/$default"} {
		if _, err := h.c.TagResource(ctx, &v2.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"team": "a", "stage": "dev"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.c.UntagResource(ctx, &v2.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"stage"}}); err != nil {
			t.Fatal(err)
		}
		if got, err := h.c.GetTags(ctx, &v2.GetTagsInput{ResourceArn: &arn}); err != nil || len(got.Tags) != 1 || got.Tags["team"] != "a" {
			t.Errorf("%s: %+v %v", arn, got, err)
		}
	}
	api, err := h.c.GetApi(ctx, &v2.GetApiInput{ApiId: &h.id})
	if err != nil || api.Tags["team"] != "a" {
		t.Errorf("%+v %v", api, err)
	}
	_, err = h.c.GetTags(ctx, &v2.GetTagsInput{ResourceArn: aws.String("arn:aws:apigateway:eu-west-1::/apis/zzz")})
	wantError(t, err, "NotFoundException", "")
	wantReply(t, h.call(h.id, "GET", "/none", ""), 404, `{"message":"Not Found"}`)
}

// TestHTTPPaths: whether event paths of HTTP APIs are decoded, and whether format 1.0 has the stage in path, is not known.
func TestHTTPPaths(t *testing.T) {
	for _, c := range []struct {
		name        string
		change      func(*apigateway.Options)
		raw, v1path string
	}{
		{"as sent", nil, "/test/items/a%20b", "/test/items/a%20b"},
		{"decoded", func(o *apigateway.Options) { o.DecodeHTTPPath = true }, "/test/items/a b", "/test/items/a b"},
		{"without the stage", func(o *apigateway.Options) { o.HTTPPathWithoutStage = true }, "/test/items/a%20b", "/items/a%20b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHTTPBench(t, c.change)
			ctx := t.Context()
			if _, err := h.c.CreateStage(ctx, &v2.CreateStageInput{ApiId: &h.id, StageName: aws.String("test"), AutoDeploy: aws.Bool(true)}); err != nil {
				t.Fatal(err)
			}
			h.returns("my-function", allow("*"))
			z := h.authorizer("2.0", false, 0)
			h.route("GET /items/{id}", z)
			h.functions["backend"] = refused(500, "ServiceException") // the authorizer's event is the one that counts
			see := func() map[string]any {
				t.Helper()
				h.call(h.id, "GET", "/test/items/a%20b", "")
				h.mu.Lock()
				defer h.mu.Unlock()
				var ev map[string]any
				if err := json.Unmarshal(h.calls[len(h.calls)-2].Payload, &ev); err != nil {
					t.Fatal(err)
				}
				return ev
			}
			ev := see()
			if path := ev["requestContext"].(map[string]any)["http"].(map[string]any)["path"]; ev["rawPath"] != c.raw || path != c.raw {
				t.Errorf("2.0: rawPath %v, path %v", ev["rawPath"], path)
			}
			if _, err := h.c.UpdateAuthorizer(ctx, &v2.UpdateAuthorizerInput{ApiId: &h.id, AuthorizerId: &z, AuthorizerPayloadFormatVersion: aws.String("1.0")}); err != nil {
				t.Fatal(err)
			}
			if ev := see(); ev["version"] != "1.0" || ev["path"] != c.v1path {
				t.Errorf("1.0: %v", ev["path"])
			}
		})
	}
}
