package apigateway_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsapi "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

// petStore is an API with every integration that needs no AWS behind it. %s is the backend.
const petStore = `
openapi: 3.0.1
info: {title: PetStore, version: "1"}
paths:
  /pets:
    get:
      operationId: listPets
      parameters: [{name: type, in: query, schema: {type: string}}]
      responses: {"200": {description: ok, headers: {Access-Control-Allow-Origin: {schema: {type: string}}}}}
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: "%[1]s/pets"
        requestParameters: {integration.request.querystring.type: method.request.querystring.type}
        responses:
          default:
            statusCode: "200"
            responseParameters: {method.response.header.Access-Control-Allow-Origin: "'*'"}
    options:
      responses:
        "200":
          description: ok
          headers:
            Access-Control-Allow-Methods: {schema: {type: string}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: "{statusCode: 200}"}
        responses:
          default:
            statusCode: "200"
            responseParameters: {method.response.header.Access-Control-Allow-Methods: "'GET,OPTIONS'"}
            responseTemplates: {application/json: "#set($n = 1)\n{\"n\":$n,\"at\":\"$context.resourcePath\"}"}
  /pets/{petId}:
    get:
      parameters: [{name: petId, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: ok}}
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: "%[1]s/pets/{petId}"
        requestParameters: {integration.request.path.petId: method.request.path.petId}
  /{proxy+}:
    x-amazon-apigateway-any-method:
      parameters: [{name: proxy, in: path, required: true, schema: {type: string}}]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: ANY
        uri: "%[1]s/any/{proxy}"
        requestParameters: {integration.request.path.proxy: method.request.path.proxy}
`

// newBackend echoes what it was asked.
func newBackend(t *testing.T) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.Header().Set("X-Backend", r.Header.Get("X-Context"))
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.RequestURI(), body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestImportedPetStoreServesOnlyWhatIsDeployed(t *testing.T) {
	b := newBench(t, nil)
	id := b.importAPI(fmt.Sprintf(petStore, newBackend(t)))
	wantReply(t, b.call(id, "GET", "/dev/pets?type=cat", ""), 200, "GET /pets?type=cat ")
	wantReply(t, b.call(id, "GET", "/dev/pets/42", ""), 200, "GET /pets/42 ")
	wantReply(t, b.call(id, "POST", "/dev/pets", `{"a":1}`), 200, `POST /any/pets {"a":1}`) // no POST on /pets: falls to {proxy+}
	wantReply(t, b.call(id, "DELETE", "/dev/a/b/c", ""), 200, "DELETE /any/a/b/c ")
	r := b.call(id, "OPTIONS", "/dev/pets", "")
	wantReply(t, r, 200, `{"n":1,"at":"/pets"}`)
	if got := r.header.Get("Access-Control-Allow-Methods"); got != "GET,OPTIONS" {
		t.Errorf("CORS header %q", got)
	}
	r = b.call(id, "GET", "/dev/pets/1", "")
	if r.header.Get("X-Amzn-Remapped-Www-Authenticate") != "Bearer" || r.header.Get("Www-Authenticate") != "" {
		t.Errorf("WWW-Authenticate is not remapped: %v", r.header)
	}
	r = b.call(id, "GET", "/dev/", "")
	wantReply(t, r, 403, `{"message":"Missing Authentication Token"}`)
	if r.header.Get("X-Amzn-Errortype") != "MissingAuthenticationTokenException" || r.header.Get("X-Amzn-Requestid") == "" || r.header.Get("X-Amz-Apigw-Id") == "" {
		t.Errorf("headers of a refusal: %v", r.header)
	}
	wantReply(t, b.call(id, "GET", "/nostage/pets", ""), 403, `{"message":"Forbidden"}`)

	// Edits show only after a deployment.
	ctx, c := t.Context(), b.sdk()
	z, err := c.CreateAuthorizer(ctx, &awsapi.CreateAuthorizerInput{RestApiId: &id, Name: aws.String("guard"), Type: types.AuthorizerTypeRequest,
		AuthorizerUri: aws.String(functionURI), AuthorizerResultTtlInSeconds: aws.Int32(0)})
	if err != nil {
		t.Fatal(err)
	}
	rs, err := c.GetResources(ctx, &awsapi.GetResourcesInput{RestApiId: &id, Embed: []string{"methods"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs.Items {
		if *r.Path != "/pets" {
			continue
		}
		if r.ResourceMethods["GET"].MethodIntegration == nil {
			t.Error("embed=methods shows no integration")
		}
		_, err := c.UpdateMethod(ctx, &awsapi.UpdateMethodInput{RestApiId: &id, ResourceId: r.Id, HttpMethod: aws.String("GET"), PatchOperations: []types.PatchOperation{
			{Op: types.OpReplace, Path: aws.String("/authorizerId"), Value: z.Id},
			{Op: types.OpReplace, Path: aws.String("/authorizationType"), Value: aws.String("CUSTOM")},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	wantReply(t, b.call(id, "GET", "/dev/pets", ""), 200, "GET /pets ")
	b.deploy(id, "dev")
	b.returns("my-function", allow("*"))
	wantReply(t, b.call(id, "GET", "/dev/pets", ""), 200, "GET /pets ")
	b.returns("my-function", strings.Replace(`{"principalId":"u","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Deny","Resource":"*"}]}}`, "u", "user", 1))
	r = b.call(id, "GET", "/dev/pets", "")
	wantReply(t, r, 403, `{"Message":"User is not authorized to access this resource with an explicit deny"}`)
	if b.called() != 2 {
		t.Errorf("the authorizer was called %d times", b.called())
	}
}
