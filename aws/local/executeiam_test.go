package local_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	v2types "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"portcullis/aws/local"
)

// signed makes a request of the data plane, signed by cfg for a service and region; presigned puts the signature into the
// query. change may spoil it afterwards.
func signed(t *testing.T, cfg aws.Config, url, service, region string, presigned bool, change func(*http.Request)) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	creds, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(nil)
	if presigned {
		req.URL.RawQuery = "X-Amz-Expires=60"
		u, _, err := v4.NewSigner().PresignHTTP(t.Context(), creds, req, hex.EncodeToString(sum[:]), service, region, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if req, err = http.NewRequestWithContext(t.Context(), http.MethodGet, u, nil); err != nil {
			t.Fatal(err)
		}
	} else if err := v4.NewSigner().SignHTTP(t.Context(), creds, req, hex.EncodeToString(sum[:]), service, region, time.Now()); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	return req
}

func send(t *testing.T, req *http.Request) (int, http.Header, string) {
	t.Helper()
	resp, err := httpClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

// guardedAPI imports an API with GET /pets of type AWS_IAM, whose backend is my-function.
func (w *world) guardedAPI(fn string) string {
	w.t.Helper()
	uri := "arn:aws:apigateway:" + region + ":lambda:path/2015-03-31/functions/" + fn + "/invocations"
	doc := `{"openapi":"3.0.1","info":{"title":"PetStore","version":"1"},"components":{"securitySchemes":{"sigv4":{"type":"apiKey","name":"Authorization","in":"header","x-amazon-apigateway-authtype":"awsSigv4"}}},
		"paths":{"/pets":{"get":{"security":[{"sigv4":[]}],"responses":{"200":{"description":"ok"}},"x-amazon-apigateway-integration":{"type":"aws_proxy","httpMethod":"POST","uri":"` + uri + `"}}}}}`
	c := apigateway.NewFromConfig(w.admin())
	api, err := c.ImportRestApi(w.t.Context(), &apigateway.ImportRestApiInput{Body: []byte(doc)})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := c.CreateDeployment(w.t.Context(), &apigateway.CreateDeploymentInput{RestApiId: api.Id, StageName: aws.String("dev")}); err != nil {
		w.t.Fatal(err)
	}
	return aws.ToString(api.Id)
}

// permit lets API Gateway invoke a function.
func (w *world) permit(name string) {
	w.t.Helper()
	if _, err := lambda.NewFromConfig(w.admin()).AddPermission(w.t.Context(), &lambda.AddPermissionInput{FunctionName: &name, StatementId: aws.String("gateway"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("apigateway.amazonaws.com")}); err != nil {
		w.t.Fatal(err)
	}
}

// TestIAMOnTheDataPlane: methods of type AWS_IAM, called with the SDK's own signer by users and a role.
func TestIAMOnTheDataPlane(t *testing.T) {
	w := start(t, local.Options{})
	ctx := t.Context()
	fn := w.function("my-function", nil)
	w.permit("my-function")
	id := w.guardedAPI(aws.ToString(fn.FunctionArn))
	url, arn := w.url+"/_aws/execute-api/"+id+"/dev/pets", "arn:aws:execute-api:"+region+":111122223333:"+id+"/dev/GET/pets"
	may := w.user("may", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"`+arn+`"}]}`)
	elsewhere := w.user("elsewhere", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"`+arn+`/1"}]}`)
	never := w.user("never", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"execute-api:*","Resource":"*"}]}`)
	masked := strings.Replace(arn, "111122223333", "********3333", 1)
	for _, c := range []struct {
		name            string
		by              aws.Config
		service, region string
		presigned       bool
		change          func(*http.Request)
		status          int
		kind, body      string // body: a part of it
	}{
		{"allowed", may, "execute-api", region, false, nil, 200, "", ""},
		{"allowed, presigned", may, "execute-api", region, true, nil, 200, "", ""},
		{"for another resource", elsewhere, "execute-api", region, false, nil, 403, "AccessDeniedException", `{"Message":"User: arn:aws:iam::111122223333:user/elsewhere is not authorized to perform: execute-api:Invoke on resource: ` + masked + `"}`},
		{"explicitly denied", never, "execute-api", region, false, nil, 403, "AccessDeniedException", masked + ` with an explicit deny"}`},
		{"unsigned", may, "execute-api", region, false, func(r *http.Request) { r.Header.Del("Authorization") }, 403, "MissingAuthenticationTokenException", `{"message":"Missing Authentication Token"}`},
		{"a bearer token", may, "execute-api", region, false, func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 403, "IncompleteSignatureException", "Authorization header requires 'Credential' parameter"},
		{"changed on the way", may, "execute-api", region, false, func(r *http.Request) { r.URL.RawQuery = "all=true" }, 403, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided."},
		{"for another service", may, "apigateway", region, false, nil, 403, "InvalidSignatureException", "Credential should be scoped to correct service: 'execute-api'."},
		{"for another region", may, "execute-api", "us-east-1", false, nil, 403, "InvalidSignatureException", "Credential should be scoped to a valid region."},
		{"an unknown key", w.config("AKIALOCAL0000000000X", "x", ""), "execute-api", region, false, nil, 403, "UnrecognizedClientException", "The security token included in the request is invalid."},
		{"an administrator", w.admin(), "execute-api", region, false, nil, 200, "", ""},
		{"an administrator of another account", w.config("444455556666", "any", ""), "execute-api", region, false, nil, 403, "AccessDeniedException", "is not authorized to perform: execute-api:Invoke"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, header, body := send(t, signed(t, c.by, url, c.service, c.region, c.presigned, c.change))
			// The function echoes its event, which is no proxy answer but has none of its members either.
			if status != c.status || header.Get("X-Amzn-Errortype") != c.kind || !strings.Contains(body, c.body) {
				t.Errorf("%d %s %s", status, header.Get("X-Amzn-Errortype"), body)
			}
		})
	}

	t.Run("a role session", func(t *testing.T) {
		api := iam.NewFromConfig(w.admin())
		trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]}`
		role, err := api.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("caller"), AssumeRolePolicyDocument: &trust})
		if err != nil {
			t.Fatal(err)
		}
		session, err := sts.NewFromConfig(w.admin()).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("jane")})
		if err != nil {
			t.Fatal(err)
		}
		by := w.config(*session.Credentials.AccessKeyId, *session.Credentials.SecretAccessKey, *session.Credentials.SessionToken)
		if status, _, body := send(t, signed(t, by, url, "execute-api", region, false, nil)); status != 403 || !strings.Contains(body, "User: arn:aws:sts::111122223333:assumed-role/caller/jane is not authorized") {
			t.Errorf("without a policy: %d %s", status, body)
		}
		policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}]}`
		if _, err := api.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("caller"), PolicyName: aws.String("inline"), PolicyDocument: &policy}); err != nil {
			t.Fatal(err)
		}
		if status, _, body := send(t, signed(t, by, url, "execute-api", region, false, nil)); status != 200 {
			t.Errorf("with a policy: %d %s", status, body)
		}
		w.s.Advance(ctx, 2*time.Hour)
		if status, header, body := send(t, signed(t, by, url, "execute-api", region, false, nil)); status != 403 || header.Get("X-Amzn-Errortype") != "ExpiredTokenException" {
			t.Errorf("after its end: %d %s", status, body)
		}
	})
}

// TestIAMCallersInEvents: the backend learns who signed, in the forms of REST and HTTP APIs.
func TestIAMCallersInEvents(t *testing.T) {
	w := start(t, local.Options{})
	ctx := t.Context()
	fn := w.function("my-function", env(map[string]string{"FN_BODY": "1"}))
	w.permit("my-function")
	jane := w.user("jane", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}]}`)
	creds, err := jane.Credentials.Retrieve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:iam::111122223333:user/jane"
	rest := w.guardedAPI(aws.ToString(fn.FunctionArn))
	status, _, body := send(t, signed(t, jane, w.url+"/_aws/execute-api/"+rest+"/dev/pets", "execute-api", region, false, nil))
	var ev struct {
		RequestContext struct {
			Identity   map[string]any
			Authorizer struct{ IAM map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(body), &ev); err != nil || status != 200 {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	if i := ev.RequestContext.Identity; i["userArn"] != arn || i["accountId"] != "111122223333" || i["accessKey"] != creds.AccessKeyID || i["user"] == nil || i["caller"] != i["user"] {
		t.Errorf("identity %v", i)
	}
	c := apigatewayv2.NewFromConfig(w.admin())
	api, err := c.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("PetStore"), ProtocolType: v2types.ProtocolTypeHttp})
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{ApiId: api.ApiId, IntegrationType: v2types.IntegrationTypeAwsProxy, PayloadFormatVersion: aws.String("2.0"), IntegrationUri: fn.FunctionArn})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: api.ApiId, RouteKey: aws.String("GET /pets"), Target: aws.String("integrations/" + *in.IntegrationId), AuthorizationType: v2types.AuthorizationTypeAwsIam}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	url := w.url + "/_aws/execute-api/" + *api.ApiId + "/pets"
	status, _, body = send(t, signed(t, jane, url, "execute-api", region, false, nil))
	if err := json.Unmarshal([]byte(body), &ev); err != nil || status != 200 {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	if i := ev.RequestContext.Authorizer.IAM; i["userArn"] != arn || i["accountId"] != "111122223333" || i["accessKey"] != creds.AccessKeyID || i["userId"] == nil || i["callerId"] != i["userId"] {
		t.Errorf("authorizer %v", i)
	}
	joe := w.user("joe", "")
	for name, req := range map[string]*http.Request{"no policy": signed(t, joe, url, "execute-api", region, false, nil), "another account": signed(t, w.config("444455556666", "x", ""), url, "execute-api", region, false, nil),
		"unsigned": signed(t, joe, url, "execute-api", region, false, func(r *http.Request) { r.Header.Del("Authorization") })} {
		if status, _, body := send(t, req); status != 403 || body != `{"message":"Forbidden"}` {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

// TestAuthorizerCredentials: REST and WebSocket APIs call an authorizer as the role that it names, whose trust policy and
// own policies decide; without a role the function's policy does.
func TestAuthorizerCredentials(t *testing.T) {
	w := start(t, local.Options{})
	ctx := t.Context()
	fn := aws.ToString(w.function("my-function", nil).FunctionArn)
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	api := iam.NewFromConfig(w.admin())
	role := func(name, trust, resource string) string {
		t.Helper()
		out, err := api.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
		if err != nil {
			t.Fatal(err)
		}
		policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"` + resource + `"}]}`
		if _, err := api.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("inline"), PolicyDocument: &policy}); err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.Role.Arn)
	}
	for _, c := range []struct {
		name, role string
		works      bool
	}{
		{"no role and no permission", "", false},
		{"a role that is not there", "arn:aws:iam::111122223333:role/none", false},
		{"a role that API Gateway may not assume", role("trust", trustLambda, "*"), false},
		{"a role that may not invoke", role("policy", trust, fn+"-other"), false},
		{"a role that may", role("good", trust, fn), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{t, w.s, w.url}
			rest, ws := 500, "HTTP/1.1 500 "
			if c.works {
				rest, ws = 200, "HTTP/1.1 101 "
			}
			if status, body := get(t, w.restWithAuthorizer(fn, c.role), "Bearer good"); status != rest {
				t.Errorf("REST: %d %s", status, body)
			}
			if line := w.handshake(w.socketWithAuthorizer(fn, c.role)); !strings.HasPrefix(line, ws) {
				t.Errorf("WebSocket: %s", line)
			}
		})
	}
}

// restWithAuthorizer deploys a REST API whose GET /pets has fn as authorizer, called with role, and returns its address.
func (w *world) restWithAuthorizer(fn, role string) string {
	w.t.Helper()
	credentials := ""
	if role != "" {
		credentials = `"authorizerCredentials":"` + role + `",`
	}
	doc := fmt.Sprintf(`{"openapi":"3.0.1","info":{"title":"PetStore","version":"1"},"components":{"securitySchemes":{"guard":{"type":"apiKey","name":"Authorization","in":"header","x-amazon-apigateway-authtype":"custom",
		"x-amazon-apigateway-authorizer":{"type":"request",%s"authorizerResultTtlInSeconds":0,"identitySource":"","authorizerUri":"arn:aws:apigateway:%s:lambda:path/2015-03-31/functions/%s/invocations"}}}},
		"paths":{"/pets":{"get":{"security":[{"guard":[]}],"responses":{"200":{"description":"ok"}},"x-amazon-apigateway-integration":{"type":"mock","requestTemplates":{"application/json":"{\"statusCode\":200}"},"responses":{"default":{"statusCode":"200"}}}}}}}`,
		credentials, region, fn)
	c := apigateway.NewFromConfig(w.admin())
	api, err := c.ImportRestApi(w.t.Context(), &apigateway.ImportRestApiInput{Body: []byte(doc)})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := c.CreateDeployment(w.t.Context(), &apigateway.CreateDeploymentInput{RestApiId: api.Id, StageName: aws.String("dev")}); err != nil {
		w.t.Fatal(err)
	}
	return w.url + "/_aws/execute-api/" + aws.ToString(api.Id) + "/dev/pets"
}

// socketWithAuthorizer makes a WebSocket API whose $connect has fn as authorizer, called with role, and returns its id.
func (w *world) socketWithAuthorizer(fn, role string) string {
	w.t.Helper()
	c, ctx := apigatewayv2.NewFromConfig(w.admin()), w.t.Context()
	api, err := c.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("Chat"), ProtocolType: v2types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action")})
	if err != nil {
		w.t.Fatal(err)
	}
	in := &apigatewayv2.CreateAuthorizerInput{ApiId: api.ApiId, Name: aws.String("guard"), AuthorizerType: v2types.AuthorizerTypeRequest, IdentitySource: []string{"route.request.header.Authorization"},
		AuthorizerUri: aws.String("arn:aws:apigateway:" + region + ":lambda:path/2015-03-31/functions/" + fn + "/invocations")}
	if role != "" {
		in.AuthorizerCredentialsArn = &role
	}
	z, err := c.CreateAuthorizer(ctx, in)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: api.ApiId, RouteKey: aws.String("$connect"), AuthorizationType: v2types.AuthorizationTypeCustom, AuthorizerId: z.AuthorizerId}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: aws.String("dev"), AutoDeploy: aws.Bool(true)}); err != nil {
		w.t.Fatal(err)
	}
	return aws.ToString(api.ApiId)
}

// handshake opens a WebSocket and returns the status line of the answer.
func (w *world) handshake(api string) string {
	w.t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(w.url, "http://"), 5*time.Second)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	io.WriteString(conn, "GET /dev HTTP/1.1\r\nHost: "+api+".execute-api.eu-west-1.localhost\r\nAuthorization: Bearer good\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		w.t.Fatal(err)
	}
	return line
}

// TestIAMOnWebSockets: $connect of type AWS_IAM lets in who signed, in headers or in the address, and may.
func TestIAMOnWebSockets(t *testing.T) {
	w := start(t, local.Options{})
	ctx, c := t.Context(), apigatewayv2.NewFromConfig(w.admin())
	api, err := c.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("Chat"), ProtocolType: v2types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: api.ApiId, RouteKey: aws.String("$connect"), AuthorizationType: v2types.AuthorizationTypeAwsIam}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: aws.String("dev"), AutoDeploy: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	policy := func(resource string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + resource + `"}]}`
	}
	prefix := "arn:aws:execute-api:" + region + ":111122223333:" + *api.ApiId
	may, mayNot := w.user("may", policy(prefix+"/dev/$connect")), w.user("may-not", policy(prefix+"/prod/$connect"))
	for _, tt := range []struct {
		name      string
		by        aws.Config
		presigned bool
		unsigned  bool
		status    int
	}{
		{"allowed", may, false, false, 101},
		{"allowed, presigned", may, true, false, 101},
		{"for another stage", mayNot, false, false, 403},
		{"unsigned", may, false, true, 403},
		{"another account", w.config("444455556666", "x", ""), false, false, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := signed(t, tt.by, w.url+"/_aws/execute-api/"+*api.ApiId+"/dev", "execute-api", region, tt.presigned, func(r *http.Request) {
				if tt.unsigned {
					r.Header.Del("Authorization")
				}
				for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
					r.Header.Set(k, v)
				}
			})
			resp, err := httpClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != tt.status {
				t.Errorf("%d, want %d", resp.StatusCode, tt.status)
			}
		})
	}
}

// TestCustomDomainThroughTheFrontDoor: a request whose host is a custom domain is the data plane's, signed or not, and every
// other host stays with the services.
func TestCustomDomainThroughTheFrontDoor(t *testing.T) {
	w := start(t, local.Options{})
	ctx := t.Context()
	fn := w.function("my-function", env(map[string]string{"FN_BODY": "1"}))
	w.permit("my-function")
	id := w.guardedAPI(aws.ToString(fn.FunctionArn))
	c := apigateway.NewFromConfig(w.admin())
	if _, err := c.CreateDomainName(ctx, &apigateway.CreateDomainNameInput{DomainName: aws.String("api.example.com"), CertificateArn: aws.String("arn:aws:acm:us-east-1:111122223333:certificate/x")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateBasePathMapping(ctx, &apigateway.CreateBasePathMappingInput{DomainName: aws.String("api.example.com"), BasePath: aws.String("v1"), RestApiId: &id, Stage: aws.String("dev")}); err != nil {
		t.Fatal(err)
	}
	jane := w.user("jane", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:`+region+`:111122223333:`+id+`/dev/GET/pets"}]}`)
	creds, err := jane.Credentials.Retrieve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/v1/pets", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "api.example.com"
	if status, _, body := send(t, req); status != 403 || body != `{"message":"Missing Authentication Token"}` {
		t.Errorf("unsigned: %d %s", status, body)
	}
	sum := sha256.Sum256(nil)
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), "execute-api", region, time.Now()); err != nil {
		t.Fatal(err)
	}
	status, _, body := send(t, req)
	if status != 200 || !strings.Contains(body, `"path":"/v1/pets"`) || !strings.Contains(body, `"domainName":"api.example.com"`) {
		t.Errorf("signed: %d %s", status, body)
	}
	if records := w.s.Requests("execute-api"); len(records) != 2 {
		t.Errorf("the history has %d requests of the data plane", len(records))
	}
	other := signed(t, w.admin(), w.url+"/restapis", "apigateway", region, false, func(r *http.Request) { r.Host = "other.example.com" })
	if status, _, body := send(t, other); status != 200 || !strings.Contains(body, id) {
		t.Errorf("another host: %d %s", status, body)
	}
}
