package apigateway_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsapi "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"portcullis/aws/local/apigateway"
	"portcullis/aws/local/wire"
)

// echoPolicy answers with an Allow for exactly the method ARN it was asked about: the mistake that caching punishes.
func echoPolicy(in wire.Invocation) (wire.InvokeResult, error) {
	_, rest, _ := strings.Cut(string(in.Payload), `"methodArn":"`)
	arn, _, _ := strings.Cut(rest, `"`)
	return wire.InvokeResult{Payload: []byte(`{"principalId":"u","policyDocument":{"Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"` + arn + `"}]}}`)}, nil
}

// TestCache: the policy is cached by identity per API, stage and authorizer, and evaluated again for every method.
// Source: serverless#626 (an AWS engineer's answer), re:Post article on 403 of Lambda authorizers.
func TestCache(t *testing.T) {
	b := newBench(t, nil)
	b.functions["my-function"] = echoPolicy
	id := b.importAPI(document([]string{"GET /a", "GET /b"}, byHeader))
	get := func(path, token string) int { return b.call(id, "GET", path, "", "Authorization", token).status }
	steps := []struct {
		name, path, token string
		status, calls     int
		before            func()
	}{
		{"first call", "/dev/a", "x", 200, 1, nil},
		{"same method from the cache", "/dev/a", "x", 200, 1, nil},
		{"another method: cached policy does not allow it", "/dev/b", "x", 403, 1, nil},
		{"another token", "/dev/b", "y", 200, 2, nil},
		{"another stage", "/prod/a", "x", 200, 3, func() { b.deploy(id, "prod") }},
		{"just before the TTL", "/dev/a", "x", 200, 3, func() { b.advance(300*time.Second - time.Nanosecond) }},
		{"after the TTL", "/dev/a", "x", 200, 4, func() { b.advance(time.Nanosecond) }},
		{"flushed", "/dev/a", "x", 200, 5, func() { b.must("DELETE", "/restapis/"+id+"/stages/dev/cache/authorizers", nil) }},
		{"flushing one stage leaves the other", "/prod/a", "x", 200, 6, nil}, // its entry had expired by the clock
	}
	for _, s := range steps {
		if s.before != nil {
			s.before()
		}
		if got := get(s.path, s.token); got != s.status || b.called() != s.calls {
			t.Errorf("%s: %d after %d calls, want %d after %d", s.name, got, b.called(), s.status, s.calls)
		}
	}
	b.must("DELETE", "/restapis/"+id+"/stages/dev/cache/authorizers", nil)
	if get("/prod/a", "x") != 200 || b.called() != 6 {
		t.Error("flushing dev emptied the cache of prod")
	}
}

func TestDenialsAreCachedErrorsAreNot(t *testing.T) {
	b := newBench(t, nil)
	id := b.importAPI(document([]string{"GET /a"}, byHeader))
	b.functions["my-function"] = unhandled("Unauthorized")
	for range 2 {
		wantReply(t, b.call(id, "GET", "/dev/a", "", "Authorization", "x"), 401, `{"message":"Unauthorized"}`)
	}
	if b.called() != 2 {
		t.Errorf("an error was cached: %d calls", b.called())
	}
	b.returns("my-function", `{"principalId":"u","policyDocument":{"Statement":[{"Action":"execute-api:Invoke","Effect":"Deny","Resource":"*"}]}}`)
	for range 3 {
		wantReply(t, b.call(id, "GET", "/dev/a", "", "Authorization", "x"), 403, `{"Message":"User is not authorized to access this resource with an explicit deny"}`)
	}
	if b.called() != 3 {
		t.Errorf("a denial was not cached: %d calls", b.called())
	}
}

// TestIdentitySources: what stands for a caller, and when the function is not asked. Both variants of the open question.
func TestIdentitySources(t *testing.T) {
	authorizer := func(ttl, source string) string {
		return `{type: request, authorizerUri: "` + functionURI + `", authorizerResultTtlInSeconds: ` + ttl + `, identitySource: "` + source + `"}`
	}
	lenient := func(o *apigateway.Options) { o.SkipSourceCheckUncached = true }
	for _, c := range []struct {
		name, authorizer, target string
		headers                  []string
		change                   func(*apigateway.Options)
		status, calls            int
	}{
		{"header present", authorizer("300", "method.request.header.Authorization"), "/dev/a", []string{"authorization", "x"}, nil, 200, 1},
		{"header missing, cached", authorizer("300", "method.request.header.Authorization"), "/dev/a", nil, nil, 401, 0},
		{"header empty, cached", authorizer("300", "method.request.header.Authorization"), "/dev/a", []string{"Authorization", ""}, nil, 401, 0},
		{"one of two missing", authorizer("300", "method.request.header.Authorization, method.request.querystring.k"), "/dev/a", []string{"Authorization", "x"}, nil, 401, 0},
		{"both present", authorizer("300", "method.request.header.Authorization, method.request.querystring.k"), "/dev/a?k=1", []string{"Authorization", "x"}, nil, 200, 1},
		{"context", authorizer("300", "context.httpMethod,context.resourcePath,context.identity.sourceIp"), "/dev/a", nil, nil, 200, 1},
		{"stage variable missing", authorizer("300", "stageVariables.tenant"), "/dev/a", nil, nil, 401, 0},
		{"missing, uncached, default", authorizer("0", "method.request.header.Authorization"), "/dev/a", nil, nil, 401, 0},
		{"missing, uncached, other variant", authorizer("0", "method.request.header.Authorization"), "/dev/a", nil, lenient, 200, 1},
		{"missing, cached, other variant", authorizer("60", "method.request.header.Authorization"), "/dev/a", nil, lenient, 401, 0},
		{"none, uncached", authorizer("0", ""), "/dev/a", nil, nil, 200, 1},
		{"token", byToken, "/dev/a", []string{"Authorization", "x"}, nil, 200, 1},
		{"token missing", byToken, "/dev/a", nil, nil, 401, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.change)
			b.returns("my-function", allow("*"))
			id := b.importAPI(document([]string{"GET /a"}, c.authorizer))
			if r := b.call(id, "GET", c.target, "", c.headers...); r.status != c.status || b.called() != c.calls {
				t.Errorf("%d %s after %d calls, want %d after %d", r.status, r.body, b.called(), c.status, c.calls)
			}
		})
	}
}

// TestKeysOfIdentitySourcesDoNotCollide: two sources that join to the same text are two callers.
func TestKeysOfIdentitySourcesDoNotCollide(t *testing.T) {
	b := newBench(t, nil)
	b.functions["my-function"] = echoPolicy
	id := b.importAPI(document([]string{"GET /a"}, `{type: request, authorizerUri: "`+functionURI+`", identitySource: "method.request.header.X-A,method.request.header.X-B"}`))
	b.call(id, "GET", "/dev/a", "", "X-A", "1,1:2", "X-B", "3")
	b.call(id, "GET", "/dev/a", "", "X-A", "1", "X-B", "2,1:3")
	b.call(id, "GET", "/dev/a", "", "X-A", "1", "X-B", "2,1:3")
	if b.called() != 2 {
		t.Errorf("%d calls, want 2", b.called())
	}
}

// TestAttachedButNotDeployed walks the states that a discovery has to tell apart.
func TestAttachedButNotDeployed(t *testing.T) {
	b := newBench(t, nil)
	ctx, c := t.Context(), b.sdk()
	id := b.importAPI(document([]string{"GET /pets"}, ""))
	z, err := c.CreateAuthorizer(ctx, &awsapi.CreateAuthorizerInput{RestApiId: &id, Name: aws.String("portcullis"), Type: types.AuthorizerTypeRequest, AuthorizerUri: aws.String(functionURI), AuthorizerResultTtlInSeconds: aws.Int32(0)})
	if err != nil {
		t.Fatal(err)
	}
	if *z.AuthType != "custom" || *z.AuthorizerResultTtlInSeconds != 0 || z.IdentitySource != nil {
		t.Errorf("created %+v", z)
	}
	edited := func() types.Method {
		rs, err := c.GetResources(ctx, &awsapi.GetResourcesInput{RestApiId: &id, Embed: []string{"methods"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs.Items {
			if *r.Path == "/pets" {
				return r.ResourceMethods["GET"]
			}
		}
		t.Fatal("no /pets")
		return types.Method{}
	}
	deployed := func() (types.MethodSnapshot, string) {
		st, err := c.GetStage(ctx, &awsapi.GetStageInput{RestApiId: &id, StageName: aws.String("dev")})
		if err != nil {
			t.Fatal(err)
		}
		d, err := c.GetDeployment(ctx, &awsapi.GetDeploymentInput{RestApiId: &id, DeploymentId: st.DeploymentId, Embed: []string{"apisummary"}})
		if err != nil {
			t.Fatal(err)
		}
		x, err := c.GetExport(ctx, &awsapi.GetExportInput{RestApiId: &id, StageName: aws.String("dev"), ExportType: aws.String("oas30"), Parameters: map[string]string{"extensions": "authorizers"}, Accepts: aws.String("application/json")})
		if err != nil {
			t.Fatal(err)
		}
		return d.ApiSummary["/pets"]["GET"], string(x.Body)
	}
	patch := func(ops ...types.PatchOperation) {
		t.Helper()
		rs, err := c.GetResources(ctx, &awsapi.GetResourcesInput{RestApiId: &id})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs.Items {
			if *r.Path == "/pets" {
				if m := r.ResourceMethods["GET"]; m.AuthorizationType != nil {
					t.Errorf("without embed the methods are empty, got %+v", m)
				}
				if _, err := c.UpdateMethod(ctx, &awsapi.UpdateMethodInput{RestApiId: &id, ResourceId: r.Id, HttpMethod: aws.String("GET"), PatchOperations: ops}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	replace := func(path, value string) types.PatchOperation {
		return types.PatchOperation{Op: types.OpReplace, Path: &path, Value: &value}
	}
	if s, _ := deployed(); *s.AuthorizationType != "NONE" {
		t.Errorf("deployed %+v", s)
	}
	patch(replace("/authorizerId", *z.Id))
	if m := edited(); m.AuthorizerId != nil || *m.AuthorizationType != "NONE" {
		t.Errorf("an authorizerId alone was not ignored: %+v", m)
	}
	patch(replace("/authorizationType", "CUSTOM"), replace("/authorizerId", *z.Id))
	if m := edited(); m.AuthorizerId == nil || *m.AuthorizerId != *z.Id {
		t.Errorf("edited %+v", m)
	}
	if s, x := deployed(); *s.AuthorizationType != "NONE" || strings.Contains(x, "portcullis") {
		t.Errorf("the attach is live before a deployment: %+v %s", s, x)
	}
	b.deploy(id, "dev")
	if s, x := deployed(); *s.AuthorizationType != "CUSTOM" || !strings.Contains(x, `"portcullis": {`) || !strings.Contains(x, functionURI) {
		t.Errorf("deployed %+v %s", s, x)
	}
	patch(replace("/authorizationType", "NONE"))
	if m := edited(); m.AuthorizerId != nil {
		t.Errorf("detached %+v", m)
	}
	if s, _ := deployed(); *s.AuthorizationType != "CUSTOM" {
		t.Error("the detach is live before a deployment")
	}
	// Nothing refers to it in the edited state, so it goes; what is deployed keeps working.
	if _, err := c.DeleteAuthorizer(ctx, &awsapi.DeleteAuthorizerInput{RestApiId: &id, AuthorizerId: z.Id}); err != nil {
		t.Fatal(err)
	}
	b.returns("my-function", allow("*"))
	wantReply(t, b.call(id, "GET", "/dev/pets", ""), 200, "GET /pets")
}

// TestIAMMethods: without somebody to verify signatures nobody passes; with one, what is wrong with the signature shows as
// API Gateway's own types, and identity and resource policy decide together.
// Source: Developer Guide, "How API Gateway resource policies affect authorization workflow", tables A and B.
func TestIAMMethods(t *testing.T) {
	const jane = "arn:aws:iam::111122223333:user/jane"
	var asked string
	implicit := &wire.Error{Status: 403, Code: "AccessDeniedException", Message: "User: " + jane + " is not authorized to perform: x on resource: y because no identity-based policy allows the x action"}
	explicit := &wire.Error{Status: 403, Code: "AccessDeniedException", Message: "User: " + jane + " is not authorized to perform: x on resource: y with an explicit deny in an identity-based policy"}
	by := func(account string, err error) func(*apigateway.Options) {
		return func(o *apigateway.Options) {
			o.VerifyIAM = func(r *http.Request, action, arn string) (*apigateway.Caller, error) {
				asked = action + " " + arn
				if body, err := io.ReadAll(r.Body); err != nil || string(body) != "payload" {
					return nil, errors.New("the verifier cannot see the body")
				}
				if account == "" {
					return nil, err
				}
				return &apigateway.Caller{Principal: wire.Principal{ARN: "arn:aws:iam::" + account + ":user/jane", UserID: "AIDAJANE"}, Account: account, AccessKey: "AKIAIOSFODNN7EXAMPLE"}, err
			}
		}
	}
	bad := func(code, message string) func(*apigateway.Options) {
		return by("", &wire.Error{Status: 403, Code: code, Message: message})
	}
	statement := func(effect, principal string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Principal":{"AWS":"` + principal + `"},"Action":"execute-api:Invoke","Resource":"execute-api:/*"}]}`
	}
	const here, there = "111122223333", "444455556666"
	const no = `{"Message":"User: arn:aws:iam::%s:user/jane is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:eu-west-1:********3333:{api}/dev/GET/a%s"}`
	denied := func(account string) string { return fmt.Sprintf(no, account, "") }
	explicitly := fmt.Sprintf(no, here, " with an explicit deny")
	doc := strings.Replace(document([]string{"GET /a"}, ""), "paths:\n", "components: {securitySchemes: {sigv4: {type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: awsSigv4}}}\nsecurity: [{sigv4: []}]\npaths:\n", 1)
	for _, c := range []struct {
		name, policy string
		change       func(*apigateway.Options)
		status       int
		body, kind   string
	}{
		{"no verifier", "", nil, 403, `{"message":"Missing Authentication Token"}`, "MissingAuthenticationTokenException"},
		{"no signature", "", bad("MissingAuthenticationTokenException", "m"), 403, `{"message":"Missing Authentication Token"}`, "MissingAuthenticationTokenException"},
		{"bad signature", "", bad("InvalidSignatureException", "differs"), 403, `{"message":"differs"}`, "InvalidSignatureException"},
		{"expired session", "", bad("ExpiredTokenException", "expired"), 403, `{"message":"expired"}`, "ExpiredTokenException"},
		{"unknown key", "", bad("UnrecognizedClientException", "unknown"), 403, `{"message":"unknown"}`, "UnrecognizedClientException"},
		{"half a signature", "", bad("IncompleteSignatureException", "half"), 403, `{"message":"half"}`, "IncompleteSignatureException"},
		{"allowed by identity", "", by(here, nil), 200, "GET /a", ""},
		{"allowed by nobody", "", by(here, implicit), 403, denied(here), "AccessDeniedException"},
		{"denied by identity", statement("Allow", jane), by(here, explicit), 403, explicitly, "AccessDeniedException"},
		{"allowed by the API's policy", statement("Allow", jane), by(here, implicit), 200, "GET /a", ""},
		{"allowed by the API's policy, to the account", statement("Allow", here), by(here, implicit), 200, "GET /a", ""},
		{"allowed by the API's policy, to others", statement("Allow", "arn:aws:iam::111122223333:user/joe"), by(here, implicit), 403, denied(here), "AccessDeniedException"},
		{"denied by the API's policy", statement("Deny", jane), by(here, nil), 403, explicitly, "AccessDeniedException"},
		{"another account, only its own policy", "", by(there, nil), 403, denied(there), "AccessDeniedException"},
		{"another account, only the API's policy", statement("Allow", there), by(there, implicit), 403, denied(there), "AccessDeniedException"},
		{"another account, both", statement("Allow", there), by(there, nil), 200, "GET /a", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.change)
			id := b.importAPI(doc)
			if c.policy != "" {
				b.must("PATCH", "/restapis/"+id, map[string]any{"patchOperations": []any{map[string]any{"op": "replace", "path": "/policy", "value": c.policy}}})
				b.deploy(id, "dev")
			}
			asked = ""
			got := b.call(id, "GET", "/dev/a", "payload", "Authorization", "x")
			wantReply(t, got, c.status, strings.ReplaceAll(c.body, "{api}", id))
			if e := got.header.Get("X-Amzn-Errortype"); e != c.kind {
				t.Errorf("error type %q", e)
			}
			if c.change != nil && asked != "execute-api:Invoke arn:aws:execute-api:eu-west-1:111122223333:"+id+"/dev/GET/a" {
				t.Errorf("asked for %q", asked)
			}
		})
	}
}

// TestResourcePolicyWithAuthorizer: in the same account either may allow, and any denial wins.
// Source: Developer Guide, "How API Gateway resource policies affect authorization workflow", table A.
func TestResourcePolicyWithAuthorizer(t *testing.T) {
	const allowed, silent = `{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"}`, ``
	const someone = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"execute-api:Invoke","Resource":"execute-api:/*"}`
	const denied = `{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"execute-api:Invoke","Resource":"execute-api:/*","Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.1"}}}`
	for _, c := range []struct {
		name, policy, effect string
		status, calls        int
	}{
		{"both allow", allowed, "Allow", 200, 1},
		{"only the policy allows", allowed, "", 200, 1},
		{"only the authorizer allows", silent, "Allow", 200, 1},
		{"nobody allows", silent, "", 403, 1},
		{"allowed for somebody else", someone, "", 403, 1},
		{"the authorizer denies", allowed, "Deny", 403, 1},
		{"the policy denies before the authorizer is asked", denied, "Allow", 403, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, nil)
			id := b.importAPI(document([]string{"GET /a"}, uncached))
			b.must("PATCH", "/restapis/"+id, map[string]any{"patchOperations": []any{map[string]any{"op": "replace", "path": "/policy", "value": `{"Version":"2012-10-17","Statement":[` + c.policy + `]}`}}})
			b.deploy(id, "dev")
			statement := ""
			if c.effect != "" {
				statement = `{"Action":"execute-api:Invoke","Effect":"` + c.effect + `","Resource":"*"}`
			}
			b.returns("my-function", `{"principalId":"u","policyDocument":{"Statement":[`+statement+`]}}`)
			if r := b.call(id, "GET", "/dev/a", ""); r.status != c.status || b.called() != c.calls {
				t.Errorf("%d %s after %d calls, want %d after %d", r.status, r.body, b.called(), c.status, c.calls)
			}
		})
	}
}

func TestTestInvokeAuthorizer(t *testing.T) {
	b := newBench(t, nil)
	ctx, c := t.Context(), b.sdk()
	id := b.importAPI(document([]string{"GET /pets"}, byHeader))
	zs, err := c.GetAuthorizers(ctx, &awsapi.GetAuthorizersInput{RestApiId: &id})
	if err != nil || len(zs.Items) != 1 {
		t.Fatal(err, zs)
	}
	if z := zs.Items[0]; *z.AuthorizerResultTtlInSeconds != 300 || *z.AuthType != "custom" || *z.Name != "guard" {
		t.Errorf("imported %+v", z)
	}
	out := allow("*")
	out["context"] = map[string]any{"k": "v"}
	b.returns("my-function", out)
	test := func(headers map[string]string) *awsapi.TestInvokeAuthorizerOutput {
		t.Helper()
		r, err := c.TestInvokeAuthorizer(ctx, &awsapi.TestInvokeAuthorizerInput{RestApiId: &id, AuthorizerId: zs.Items[0].Id, Headers: headers, PathWithQueryString: aws.String("/pets?a=1")})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := test(map[string]string{"Authorization": "x"})
	if r.ClientStatus != 0 || *r.PrincipalId != "user|123" || !strings.Contains(*r.Policy, "execute-api:Invoke") || r.Claims["k"] != "v" || r.Log == nil {
		t.Errorf("tested %+v", r)
	}
	if ev := b.lastEvent(); ev["requestContext"].(map[string]any)["stage"] != "test-invoke-stage" || ev["queryStringParameters"].(map[string]any)["a"] != "1" {
		t.Errorf("event %v", ev)
	}
	if r := test(nil); r.ClientStatus != http.StatusUnauthorized {
		t.Errorf("without a source: %+v", r)
	}
	b.functions["my-function"] = unhandled("boom")
	if r := test(map[string]string{"Authorization": "x"}); r.ClientStatus != http.StatusInternalServerError || !strings.Contains(*r.Log, "boom") {
		t.Errorf("failing: %+v", r)
	}
}
