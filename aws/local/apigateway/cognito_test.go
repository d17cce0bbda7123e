package apigateway_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsapi "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"

	"portcullis/aws/local/apigateway"
)

// TestCognitoAuthorizer: tokens of the issuer that stands for a user pool, ID tokens for methods without scopes and access
// tokens for those with, and what the backend sees. Source: Developer Guide, "Control access to REST APIs using Amazon
// Cognito user pools as an authorizer".
func TestCognitoAuthorizer(t *testing.T) {
	const pool, unknown = "arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_abc", "arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_none"
	i := newTokenIssuer(t)
	b := newBench(t, func(o *apigateway.Options) { o.UserPools = map[string]string{pool: i.srv.URL} })
	ctx, c := t.Context(), b.sdk()
	b.returns("my-function", map[string]any{"statusCode": 200, "body": "ok"})
	doc := withIntegration(document([]string{"GET /pets"}, ""), "        type: aws_proxy\n        httpMethod: POST\n        uri: "+functionURI+"\n")
	id := b.importAPI(doc)
	rs, err := c.GetResources(ctx, &awsapi.GetResourcesInput{RestApiId: &id})
	if err != nil {
		t.Fatal(err)
	}
	var pets string
	for _, r := range rs.Items {
		if aws.ToString(r.Path) == "/pets" {
			pets = *r.Id
		}
	}
	authorizer := func(name, expression string, pools ...string) string {
		t.Helper()
		in := &awsapi.CreateAuthorizerInput{RestApiId: &id, Name: &name, Type: types.AuthorizerTypeCognitoUserPools, ProviderARNs: pools, IdentitySource: aws.String("method.request.header.Authorization")}
		if expression != "" {
			in.IdentityValidationExpression = &expression
		}
		z, err := c.CreateAuthorizer(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		return *z.Id
	}
	first := authorizer("users", "", pool)
	guard := func(z string, scopes ...string) {
		t.Helper()
		if _, err := c.DeleteMethod(ctx, &awsapi.DeleteMethodInput{RestApiId: &id, ResourceId: &pets, HttpMethod: aws.String("GET")}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.PutMethod(ctx, &awsapi.PutMethodInput{RestApiId: &id, ResourceId: &pets, HttpMethod: aws.String("GET"), AuthorizationType: aws.String("COGNITO_USER_POOLS"), AuthorizerId: &z, AuthorizationScopes: scopes}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.PutIntegration(ctx, &awsapi.PutIntegrationInput{RestApiId: &id, ResourceId: &pets, HttpMethod: aws.String("GET"), Type: types.IntegrationTypeAwsProxy, IntegrationHttpMethod: aws.String("POST"), Uri: aws.String(functionURI)}); err != nil {
			t.Fatal(err)
		}
		b.deploy(id, "dev")
	}
	now := b.clock().Unix()
	token := func(change ...any) string {
		claims := map[string]any{"iss": i.srv.URL, "aud": "client1", "exp": now + 60, "iat": now, "sub": "jane", "token_use": "id", "cognito:groups": []any{"a", "b"}}
		for k := 0; k < len(change); k += 2 {
			claims[change[k].(string)] = change[k+1]
		}
		return i.token("RS256", "k1", claims)
	}
	access := token("token_use", "access", "scope", "pets/read openid")
	type attempt struct {
		name, header string
		status       int
		body         string
	}
	const refused, expired = `{"message":"Unauthorized"}`, `{"message":"The incoming token has expired"}`
	for _, setting := range []struct {
		authorizer string
		scopes     []string
		cases      []attempt
	}{
		{first, nil, []attempt{
			{"ID token", token(), 200, "ok"},
			{"with Bearer", "Bearer " + token(), 200, "ok"},
			{"no token", "", 401, refused},
			{"no JWT", "opaque", 401, refused},
			{"expired", token("exp", now), 401, expired},
			{"another issuer", token("iss", "https://example.com"), 401, refused},
			{"forged", token()[:len(token())-8] + "AAAAAAAA", 401, refused},
			{"access token", access, 401, refused},
		}},
		{first, []string{"pets/read", "pets/write"}, []attempt{
			{"access token with a scope", access, 200, "ok"},
			{"access token without", token("token_use", "access", "scope", "openid"), 401, refused},
			{"ID token that claims a scope", token("scope", "pets/read"), 401, refused},
		}},
		{authorizer("one-client", "client[0-9]", pool), nil, []attempt{
			{"the audience matches", token(), 200, "ok"},
			{"it does not", token("aud", "client10"), 401, refused},
		}},
		{authorizer("nobody", "", unknown), nil, []attempt{
			{"a pool that nothing stands for", token(), 500, `{"message":null}`},
		}},
	} {
		guard(setting.authorizer, setting.scopes...)
		for _, tt := range setting.cases {
			if r := b.call(id, "GET", "/dev/pets", "", "Authorization", tt.header); r.status != tt.status || r.body != tt.body {
				t.Errorf("%s: %d %s, want %d %s", tt.name, r.status, r.body, tt.status, tt.body)
			}
		}
	}
	guard(first)
	b.call(id, "GET", "/dev/pets", "", "Authorization", token())
	claims := map[string]any{"iss": i.srv.URL, "aud": "client1", "exp": "1773480473", "iat": "1773480413", "sub": "jane", "token_use": "id", "cognito:groups": "[a b]"}
	if d := cmp.Diff(map[string]any{"claims": claims}, b.lastEvent()["requestContext"].(map[string]any)["authorizer"]); d != "" {
		t.Error(d)
	}
	tested, err := c.TestInvokeAuthorizer(ctx, &awsapi.TestInvokeAuthorizerInput{RestApiId: &id, AuthorizerId: &first, Headers: map[string]string{"Authorization": token()}})
	if err != nil || tested.ClientStatus != 0 || tested.Claims["sub"] != "jane" {
		t.Errorf("%+v %v", tested, err)
	}
	tested, err = c.TestInvokeAuthorizer(ctx, &awsapi.TestInvokeAuthorizerInput{RestApiId: &id, AuthorizerId: &first, Headers: map[string]string{"Authorization": "x"}})
	if err != nil || tested.ClientStatus != 401 || strings.Contains(aws.ToString(tested.Log), "Successfully") {
		t.Errorf("%+v %v", tested, err)
	}
}
