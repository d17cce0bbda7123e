package local_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"portcullis/aws/local"
)

// With credentials, API Gateway calls a function as that role: the trust policy must name API Gateway and the role's
// policies must allow the call, and then the function needs no policy of its own, unless it is of another account.
func TestIntegrationCredentials(t *testing.T) {
	w := start(t, local.Options{})
	ctx := t.Context()
	fn := w.function("my-function", nil)
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	may := func(resource string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"` + resource + `"}]}`
	}
	foreign := w.config("444455556666", "any", "")
	role := func(cfg aws.Config, name, trust, policy string) string {
		t.Helper()
		c := iam.NewFromConfig(cfg)
		out, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("inline"), PolicyDocument: &policy}); err != nil {
			t.Fatal(err)
		}
		return *out.Role.Arn
	}
	all := role(foreign, "foreign", trust, may("*"))
	c := apigatewayv2.NewFromConfig(w.admin())
	api, err := c.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("PetStore"), ProtocolType: types.ProtocolTypeHttp})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	try := func(path, role string) int {
		t.Helper()
		in, err := c.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{ApiId: api.ApiId, IntegrationType: types.IntegrationTypeAwsProxy, PayloadFormatVersion: aws.String("2.0"),
			IntegrationUri: fn.FunctionArn, CredentialsArn: &role})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: api.ApiId, RouteKey: aws.String("GET " + path), Target: aws.String("integrations/" + *in.IntegrationId)}); err != nil {
			t.Fatal(err)
		}
		status, _ := get(t, w.url+"/_aws/execute-api/"+*api.ApiId+path, "")
		return status
	}
	for _, r := range []struct {
		path, role string
		status     int
	}{
		{"/none", "arn:aws:iam::111122223333:role/none", 500},
		{"/trust", role(w.admin(), "other", trustLambda, may("*")), 500},
		{"/policy", role(w.admin(), "elsewhere", trust, may(*fn.FunctionArn+"-other")), 500},
		{"/good", role(w.admin(), "gateway", trust, may(*fn.FunctionArn)), 200},
		{"/foreign", all, 500},
	} {
		if got := try(r.path, r.role); got != r.status {
			t.Errorf("%s: %d, want %d", r.path, got, r.status)
		}
	}
	if _, err := lambda.NewFromConfig(w.admin()).AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: fn.FunctionName, StatementId: aws.String("foreign"), Action: aws.String("lambda:InvokeFunction"), Principal: &all}); err != nil {
		t.Fatal(err)
	}
	if got := try("/foreign-allowed", all); got != 200 {
		t.Errorf("a role of another account that the function allows: %d", got)
	}
}
