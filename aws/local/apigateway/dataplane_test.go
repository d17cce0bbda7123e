package apigateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis/aws/local/apigateway"
)

// document writes an OpenAPI document with a mock behind every method; guarded ones carry the authorizer. A mock answers
// with its own verb and template.
func document(methods []string, authorizer string) string {
	var b strings.Builder
	b.WriteString("openapi: 3.0.1\ninfo: {title: Case, version: '1'}\n")
	if authorizer != "" {
		b.WriteString("components:\n  securitySchemes:\n    guard:\n      type: apiKey\n      name: Authorization\n      in: header\n      x-amazon-apigateway-authtype: custom\n      x-amazon-apigateway-authorizer: " + authorizer + "\nsecurity: [{guard: []}]\n")
	}
	b.WriteString("paths:\n")
	byPath := map[string][]string{}
	var order []string
	for _, m := range methods {
		verb, path, _ := strings.Cut(m, " ")
		if byPath[path] == nil {
			order = append(order, path)
		}
		byPath[path] = append(byPath[path], verb)
	}
	for _, path := range order {
		fmt.Fprintf(&b, "  %q:\n", path)
		for _, verb := range byPath[path] {
			key := strings.ToLower(verb)
			if verb == "ANY" {
				key = "x-amazon-apigateway-any-method"
			}
			fmt.Fprintf(&b, "    %s:\n      responses: {'200': {description: ok}}\n      x-amazon-apigateway-integration:\n        type: mock\n        requestTemplates: {application/json: '{\"statusCode\": 200}'}\n        responses: {default: {statusCode: '200', responseTemplates: {application/json: %q}}}\n", key, verb+" "+path)
		}
	}
	return b.String()
}

const (
	uncached = `{type: request, authorizerUri: "` + functionURI + `", authorizerResultTtlInSeconds: 0, identitySource: ""}`
	byHeader = `{type: request, authorizerUri: "` + functionURI + `", authorizerResultTtlInSeconds: 300, identitySource: method.request.header.Authorization}`
	byToken  = `{type: token, authorizerUri: "` + functionURI + `", authorizerResultTtlInSeconds: 0}`
)

func TestRouting(t *testing.T) {
	type row struct {
		Name, Source string
		Methods      []string
		Want         map[string]string
	}
	b := newBench(t, nil)
	for _, r := range load[row](t, "routing.yaml") {
		t.Run(r.Name, func(t *testing.T) {
			id := b.importAPI(document(r.Methods, ""))
			for req, want := range r.Want {
				verb, path, _ := strings.Cut(req, " ")
				got := b.call(id, verb, "/dev"+path, "")
				if want == "none" {
					wantReply(t, got, 403, `{"message":"Missing Authentication Token"}`)
					continue
				}
				if got.status != 200 || got.body != want {
					t.Errorf("%s was served by %d %q, want %q", req, got.status, got.body, want)
				}
			}
		})
	}
}

// TestHosts: the data plane is reached by the host name of the API as well.
func TestHosts(t *testing.T) {
	b := newBench(t, nil)
	id := b.importAPI(document([]string{"GET /pets"}, ""))
	for host, want := range map[string]string{id + ".execute-api.eu-west-1.amazonaws.com": `GET /pets`, id + ".execute-api.localhost:4566": `GET /pets`, "zzzzzzzzzz.execute-api.eu-west-1.amazonaws.com": `{"message":"Forbidden"}`} {
		for _, path := range []string{"/dev/pets", "//dev/pets"} {
			req, err := http.NewRequestWithContext(t.Context(), "GET", b.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = host
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if got := readAll(t, res.Body); got != want {
				t.Errorf("%s%s: %s", host, path, got)
			}
		}
	}
	b.must("PATCH", "/restapis/"+id, map[string]any{"patchOperations": []any{map[string]any{"op": "replace", "path": "/disableExecuteApiEndpoint", "value": "true"}}})
	b.deploy(id, "dev")
	wantReply(t, b.call(id, "GET", "/dev/pets", ""), 403, `{"message":"Forbidden"}`)
}

func TestMethodOverride(t *testing.T) {
	methods := []string{"GET /pets", "DELETE /pets"}
	b := newBench(t, nil)
	wantReply(t, b.call(b.importAPI(document(methods, "")), "GET", "/dev/pets", "", "X-HTTP-Method-Override", "DELETE"), 200, "DELETE /pets")
	b = newBench(t, func(o *apigateway.Options) { o.IgnoreMethodOverride = true })
	wantReply(t, b.call(b.importAPI(document(methods, "")), "GET", "/dev/pets", "", "X-HTTP-Method-Override", "DELETE"), 200, "GET /pets")
}

func TestPaths(t *testing.T) {
	type row struct {
		Request, Source, Path, Resource, Context, Arn, Normalized string
		Params, Query                                             map[string]any
		Multi                                                     map[string]any
	}
	doc := document([]string{"ANY /{proxy+}", "GET /hardcoded", "GET /items/{id}"}, uncached)
	for _, normalize := range []bool{false, true} {
		b := newBench(t, func(o *apigateway.Options) { o.NormalizeMethodARN = normalize })
		b.returns("my-function", allow("*"))
		id := b.importAPI(doc)
		for _, r := range load[row](t, "paths.yaml") {
			t.Run(fmt.Sprintf("%s normalize=%v", r.Request, normalize), func(t *testing.T) {
				if got := b.call(id, "GET", r.Request, ""); got.status != 200 {
					t.Fatalf("answered %d %s", got.status, got.body)
				}
				ev := b.lastEvent()
				arn := r.Arn
				if normalize && r.Normalized != "" {
					arn = r.Normalized
				}
				want := map[string]any{"path": r.Path, "resource": r.Resource, "pathParameters": orEmpty(r.Params), "queryStringParameters": orEmpty(r.Query),
					"multiValueQueryStringParameters": orEmpty(r.Multi), "methodArn": "arn:aws:execute-api:eu-west-1:111122223333:" + id + "/" + arn, "context": r.Context}
				got := map[string]any{"context": ev["requestContext"].(map[string]any)["path"]}
				for k := range want {
					if k != "context" {
						got[k] = ev[k]
					}
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Error(d)
				}
			})
		}
	}
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// The answers that output.yaml names.
var verdicts = map[string]struct {
	status    int
	body      string
	errorType string
}{
	"allow":    {200, "GET /items/{id}", ""},
	"deny":     {403, `{"Message":"User is not authorized to access this resource"}`, "AccessDeniedException"},
	"explicit": {403, `{"Message":"User is not authorized to access this resource with an explicit deny"}`, "AccessDeniedException"},
	"broken":   {500, `{"message":null}`, "AuthorizerConfigurationException"},
}

func TestAuthorizerOutput(t *testing.T) {
	type row struct{ Name, Source, Option, Out, Want, Otherwise string }
	switches := map[string]func(*apigateway.Options){
		"":                      nil,
		"AllowMissingPrincipal": func(o *apigateway.Options) { o.AllowMissingPrincipal = true },
		"IgnoreLongResource":    func(o *apigateway.Options) { o.IgnoreLongResource = true },
	}
	check := func(t *testing.T, change func(*apigateway.Options), out, want string) {
		t.Helper()
		b := newBench(t, change)
		id := b.importAPI(document([]string{"GET /items/{id}"}, uncached))
		prefix := "arn:aws:execute-api:eu-west-1:111122223333:" + id
		b.returns("my-function", strings.NewReplacer("{arn}", prefix+"/dev/GET/items/42", "{prefix}", prefix,
			"{512}", strings.Repeat("*", 512), "{513}", strings.Repeat("*", 513)).Replace(out))
		v, ok := verdicts[want]
		if !ok {
			t.Fatalf("the row wants %q", want)
		}
		got := b.call(id, "GET", "/dev/items/42", "")
		wantReply(t, got, v.status, v.body)
		if e := got.header.Get("X-Amzn-Errortype"); e != v.errorType {
			t.Errorf("error type %q, want %q", e, v.errorType)
		}
	}
	for _, r := range load[row](t, "output.yaml") {
		t.Run(r.Name, func(t *testing.T) {
			change, known := switches[r.Option]
			if !known || r.Source == "" {
				t.Fatalf("the row names option %q and source %q", r.Option, r.Source)
			}
			check(t, nil, r.Out, r.Want)
			if change != nil {
				check(t, change, r.Out, r.Otherwise)
			}
		})
	}
}

// TestContextDelivery: what the authorizer returns reaches the backend flat and as text.
func TestContextDelivery(t *testing.T) {
	b := newBench(t, nil)
	doc := strings.Replace(document([]string{"GET /pets"}, byHeader), "type: mock\n", "type: aws_proxy\n        httpMethod: POST\n        uri: "+strings.Replace(functionURI, "my-function", "backend", 1)+"\n", 1)
	doc = doc[:strings.Index(doc, "        requestTemplates:")]
	id := b.importAPI(doc)
	out := allow("*")
	out["context"] = map[string]any{"s": "x", "n": 123, "b": true, "f": 1.5, "z": nil}
	b.returns("my-function", out)
	b.returns("backend", map[string]any{"statusCode": 200, "body": "ok"})
	for _, want := range []string{"first", "cached"} {
		r := b.call(id, "GET", "/dev/pets", "", "Authorization", "Bearer x")
		wantReply(t, r, 200, "ok")
		if r.header.Get("X-Amzn-Trace-Id") == "" {
			t.Error("no trace id on a proxy answer")
		}
		ctx := b.lastEvent()["requestContext"].(map[string]any)["authorizer"]
		if d := cmp.Diff(map[string]any{"s": "x", "n": "123", "b": "true", "f": "1.5", "z": nil, "principalId": "user|123", "integrationLatency": 0.0}, ctx); d != "" {
			t.Errorf("%s: %s", want, d)
		}
	}
	if b.called() != 3 { // authorizer once, backend twice
		t.Errorf("%d calls", b.called())
	}
}

// TestEventShapes: the members of authorizer events and of proxy events, as documented and recorded.
func TestEventShapes(t *testing.T) {
	b := newBench(t, nil)
	b.returns("my-function", allow("*"))
	id := b.importAPI(document([]string{"GET /items/{id}"}, uncached))
	b.must("PATCH", "/restapis/"+id+"/stages/dev", map[string]any{"patchOperations": []any{map[string]any{"op": "replace", "path": "/variables/k", "value": "v"}}})
	b.call(id, "GET", "/dev/items/42?a=first&a=last", "", "Authorization", "Bearer x", "X-Twice", "1", "X-Twice", "2", "X-Api-Key", "abc")
	ev := b.lastEvent()
	ctx := ev["requestContext"].(map[string]any)
	identity := ctx["identity"].(map[string]any)
	headers, multi := ev["headers"].(map[string]any), ev["multiValueHeaders"].(map[string]any)
	if headers["X-Twice"] != "2" || len(multi["X-Twice"].([]any)) != 2 || headers["Host"] == nil || headers["X-Forwarded-For"] != "127.0.0.1" {
		t.Errorf("headers %v", headers)
	}
	keys := func(m map[string]any) []string {
		var out []string
		for k := range m {
			out = append(out, k)
		}
		return out
	}
	sorted := func(s string) []string { return strings.Fields(s) }
	opt := cmp.Transformer("set", func(s []string) map[string]bool {
		m := map[string]bool{}
		for _, k := range s {
			m[k] = true
		}
		return m
	})
	for name, c := range map[string]struct {
		got  []string
		want []string
	}{
		"event":    {keys(ev), sorted("type methodArn resource path httpMethod headers multiValueHeaders queryStringParameters multiValueQueryStringParameters pathParameters stageVariables requestContext")},
		"context":  {keys(ctx), sorted("resourceId resourcePath httpMethod path accountId apiId stage requestId extendedRequestId protocol domainName domainPrefix deploymentId requestTime requestTimeEpoch identity")},
		"identity": {keys(identity), sorted("sourceIp userAgent apiKey accessKey accountId caller user userArn principalOrgId cognitoIdentityPoolId cognitoIdentityId cognitoAuthenticationType cognitoAuthenticationProvider")},
	} {
		if d := cmp.Diff(c.want, c.got, opt); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if ev["type"] != "REQUEST" || ev["stageVariables"].(map[string]any)["k"] != "v" || ctx["requestTime"] != "14/Mar/2026:09:26:53 +0000" || ctx["requestTimeEpoch"] != 1773480413000.0 {
		t.Errorf("event %v", ev)
	}
	if ctx["domainName"] != id+".execute-api.eu-west-1.amazonaws.com" || ctx["stage"] != "dev" || ctx["resourcePath"] != "/items/{id}" {
		t.Errorf("context %v", ctx)
	}

	id = b.importAPI(document([]string{"GET /items/{id}"}, byToken))
	b.call(id, "GET", "/dev/items/42", "", "Authorization", "Bearer x")
	want := map[string]any{"type": "TOKEN", "authorizationToken": "Bearer x", "methodArn": "arn:aws:execute-api:eu-west-1:111122223333:" + id + "/dev/GET/items/42"}
	if d := cmp.Diff(want, b.lastEvent()); d != "" {
		t.Error(d)
	}
	b.mu.Lock()
	last := b.calls[len(b.calls)-1]
	b.mu.Unlock()
	if !strings.HasPrefix(last.SourceARN, "arn:aws:execute-api:eu-west-1:111122223333:"+id+"/authorizers/") || last.SourceAccount != testAccount || last.Principal != "apigateway.amazonaws.com" {
		t.Errorf("the function was called as %+v", last)
	}
	var compact map[string]any
	if json.Unmarshal(last.Payload, &compact) != nil || len(compact) != 3 {
		t.Errorf("a TOKEN event has exactly three members: %s", last.Payload)
	}
}
