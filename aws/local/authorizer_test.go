package local_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	agtypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"portcullis/aws/local"
)

// get asks the data plane and returns status and body.
func get(t *testing.T, url, authorization string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := httpClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(b))
}

// A function becomes the REQUEST authorizer of an imported API: nothing changes before the deployment, and without the
// function's permission API Gateway answers 500.
func TestFunctionAsAuthorizer(t *testing.T) {
	w := start(t, local.Options{})
	fn := w.function("my-function", nil)
	spec, err := os.ReadFile("testdata/petstore.json")
	if err != nil {
		t.Fatal(err)
	}
	c, ctx := apigateway.NewFromConfig(w.admin()), t.Context()
	api, err := c.ImportRestApi(ctx, &apigateway.ImportRestApiInput{Body: spec})
	if err != nil {
		t.Fatal(err)
	}
	deploy := func() {
		t.Helper()
		if _, err := c.CreateDeployment(ctx, &apigateway.CreateDeploymentInput{RestApiId: api.Id, StageName: aws.String("dev")}); err != nil {
			t.Fatal(err)
		}
	}
	deploy()
	url := w.url + "/_aws/execute-api/" + aws.ToString(api.Id) + "/dev/pets"
	export, err := c.GetExport(ctx, &apigateway.GetExportInput{RestApiId: api.Id, StageName: aws.String("dev"), ExportType: aws.String("oas30")})
	if err != nil || !strings.Contains(string(export.Body), strings.TrimSuffix(url, "/pets")+`"`) {
		t.Errorf("an export does not show the address that was set after the start: %v", err)
	}
	if status, body := get(t, url, ""); status != 200 || body != `[{"id": 1}]` {
		t.Fatalf("open method: %d %s", status, body)
	}
	authorizer, err := c.CreateAuthorizer(ctx, &apigateway.CreateAuthorizerInput{RestApiId: api.Id, Name: aws.String("ours"), Type: agtypes.AuthorizerTypeRequest,
		AuthorizerUri:                aws.String("arn:aws:apigateway:" + region + ":lambda:path/2015-03-31/functions/" + aws.ToString(fn.FunctionArn) + "/invocations"),
		AuthorizerResultTtlInSeconds: aws.Int32(0)})
	if err != nil {
		t.Fatal(err)
	}
	resources, err := c.GetResources(ctx, &apigateway.GetResourcesInput{RestApiId: api.Id})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range resources.Items {
		if aws.ToString(r.Path) != "/pets" {
			continue
		}
		if _, err := c.UpdateMethod(ctx, &apigateway.UpdateMethodInput{RestApiId: api.Id, ResourceId: r.Id, HttpMethod: aws.String("GET"), PatchOperations: []agtypes.PatchOperation{
			{Op: agtypes.OpReplace, Path: aws.String("/authorizationType"), Value: aws.String("CUSTOM")},
			{Op: agtypes.OpReplace, Path: aws.String("/authorizerId"), Value: authorizer.Id},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	if status, _ := get(t, url, ""); status != 200 {
		t.Errorf("the edit is live before its deployment: %d", status)
	}
	deploy()
	if status, body := get(t, url, "Bearer good"); status != 500 {
		t.Errorf("without a permission: %d %s", status, body)
	}
	if _, err := lambda.NewFromConfig(w.admin()).AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: fn.FunctionName, StatementId: aws.String("gw"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("apigateway.amazonaws.com"), SourceAccount: aws.String("111122223333"), SourceArn: aws.String("arn:aws:execute-api:" + region + ":111122223333:*/authorizers/*")}); err != nil {
		t.Fatal(err)
	}
	if status, body := get(t, url, "Bearer good"); status != 200 {
		t.Errorf("allowed: %d %s", status, body)
	}
	if status, body := get(t, url, "Bearer bad"); status != 403 || !strings.Contains(body, "explicit deny") {
		t.Errorf("denied: %d %s", status, body)
	}
	byHost, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/dev/pets", nil)
	if err != nil {
		t.Fatal(err)
	}
	byHost.Host = aws.ToString(api.Id) + ".execute-api." + region + ".amazonaws.com"
	byHost.Header.Set("Authorization", "Bearer good")
	resp, err := httpClient.Do(byHost)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("by host name: %d", resp.StatusCode)
	}
}
