package local_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	agtypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"portcullis/aws/local"
)

// conditional is a policy that allows action on everything under one condition.
func conditional(action, condition string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + action + `,"Resource":"*","Condition":` + condition + `}]}`
}

// verdict is "" for a call that IAM let pass, whatever it answered, and the code of the refusal otherwise.
func verdict(err error) string {
	switch c := code(err); c {
	case "AccessDeniedException", "AccessDenied":
		return c
	}
	return ""
}

// TestConditionKeysOfLambda: the keys that the Service Authorization Reference has for the actions that are here.
// lambda:FunctionArn is not among them: it belongs to event source mappings.
func TestConditionKeysOfLambda(t *testing.T) {
	w := start(t, local.Options{})
	ctx := t.Context()
	w.function("tagged", func(in *lambda.CreateFunctionInput) { in.Tags = map[string]string{"team": "a"} })
	w.function("untagged", nil)
	tagged := "arn:aws:lambda:" + region + ":111122223333:function:tagged"
	add := func(principal string) func(*lambda.Client) error {
		return func(c *lambda.Client) error {
			_, err := c.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: aws.String("tagged"), StatementId: aws.String("s-" + principal[:2]), Action: aws.String("lambda:InvokeFunction"), Principal: &principal})
			return err
		}
	}
	if err := add("events.amazonaws.com")(lambda.NewFromConfig(w.admin())); err != nil {
		t.Fatal(err)
	}
	if err := add("s3.amazonaws.com")(lambda.NewFromConfig(w.admin())); err != nil {
		t.Fatal(err)
	}
	remove := func(sid string) func(*lambda.Client) error {
		return func(c *lambda.Client) error {
			_, err := c.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: aws.String("tagged"), StatementId: &sid})
			return err
		}
	}
	invoke := func(name string) func(*lambda.Client) error {
		return func(c *lambda.Client) error {
			_, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte("{}")})
			return err
		}
	}
	get := func(name string) func(*lambda.Client) error {
		return func(c *lambda.Client) error {
			_, err := c.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name})
			return err
		}
	}
	tag := func(tags map[string]string) func(*lambda.Client) error {
		return func(c *lambda.Client) error {
			_, err := c.TagResource(ctx, &lambda.TagResourceInput{Resource: &tagged, Tags: tags})
			return err
		}
	}
	create := func(tags map[string]string) func(*lambda.Client) error {
		return func(c *lambda.Client) error {
			_, err := c.CreateFunction(ctx, &lambda.CreateFunctionInput{FunctionName: aws.String("new"), Tags: tags, Role: aws.String("arn:aws:iam::111122223333:role/tagged-role"), Runtime: "provided.al2023", Handler: aws.String("x"), Code: &lambdatypes.FunctionCode{ZipFile: []byte("no zip")}})
			return err
		}
	}
	untag := func(keys ...string) func(*lambda.Client) error {
		return func(c *lambda.Client) error {
			_, err := c.UntagResource(ctx, &lambda.UntagResourceInput{Resource: &tagged, TagKeys: keys})
			return err
		}
	}
	for _, c := range []struct {
		name, action, condition string
		passes, fails           func(*lambda.Client) error
	}{
		{"lambda:Principal of AddPermission", `"lambda:AddPermission"`, `{"StringEquals":{"lambda:Principal":"apigateway.amazonaws.com"}}`, add("apigateway.amazonaws.com"), add("sns.amazonaws.com")},
		{"lambda:Principal of RemovePermission", `"lambda:RemovePermission"`, `{"StringEquals":{"lambda:Principal":"events.amazonaws.com"}}`, remove("s-ev"), remove("s-s3")},
		{"aws:ResourceTag of InvokeFunction", `"lambda:InvokeFunction"`, `{"StringEquals":{"aws:ResourceTag/team":"a"}}`, invoke("tagged"), invoke("untagged")},
		{"aws:ResourceTag of GetFunction", `"lambda:GetFunction"`, `{"StringEquals":{"aws:ResourceTag/team":"a"}}`, get("tagged"), get("untagged")},
		{"aws:RequestTag of TagResource", `"lambda:TagResource"`, `{"StringEquals":{"aws:RequestTag/stage":"dev"}}`, tag(map[string]string{"stage": "dev"}), tag(map[string]string{"stage": "prod"})},
		{"aws:TagKeys of TagResource", `"lambda:TagResource"`, `{"ForAllValues:StringEquals":{"aws:TagKeys":["stage","team"]}}`, tag(map[string]string{"stage": "dev"}), tag(map[string]string{"stage": "dev", "owner": "x"})},
		{"aws:TagKeys of UntagResource", `"lambda:UntagResource"`, `{"ForAllValues:StringEquals":{"aws:TagKeys":["stage"]}}`, untag("stage"), untag("stage", "team")},
		{"aws:RequestTag of CreateFunction", `["lambda:CreateFunction","iam:PassRole"]`, `{"StringEqualsIfExists":{"aws:RequestTag/team":"a"}}`, create(map[string]string{"team": "a"}), create(map[string]string{"team": "b"})},
		{"lambda:FunctionArn is not a key of these actions", `"lambda:GetFunction"`, `{"Null":{"lambda:FunctionArn":"true"}}`, get("tagged"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{t, w.s, w.url}
			api := lambda.NewFromConfig(w.user("user-"+nameOf(c.name), conditional(c.action, c.condition)))
			if got := verdict(c.passes(api)); got != "" {
				t.Errorf("what the policy allows is refused: %s", got)
			}
			if c.fails == nil {
				return
			}
			if got := verdict(c.fails(api)); got != "AccessDeniedException" {
				t.Errorf("what it does not allow passes: %q", got)
			}
		})
	}
}

// nameOf makes a user name of a test's name.
func nameOf(s string) string {
	var b []rune
	for _, r := range s {
		if r == ' ' || r == ':' || r == '/' {
			r = '-'
		}
		b = append(b, r)
	}
	return string(b)
}

// TestConditionKeysOfAPIGateway: tags of requests and resources, inherited within an API, and what a method or an authorizer is.
func TestConditionKeysOfAPIGateway(t *testing.T) {
	w := start(t, local.Options{})
	ctx := t.Context()
	admin := apigateway.NewFromConfig(w.admin())
	rest := func(team string) *apigateway.CreateRestApiOutput {
		t.Helper()
		out, err := admin.CreateRestApi(ctx, &apigateway.CreateRestApiInput{Name: aws.String(team), Tags: map[string]string{"team": team}})
		if err != nil {
			t.Fatal(err)
		}
		for verb, kind := range map[string]string{"GET": "NONE", "POST": "AWS_IAM"} {
			if _, err := admin.PutMethod(ctx, &apigateway.PutMethodInput{RestApiId: out.Id, ResourceId: out.RootResourceId, HttpMethod: &verb, AuthorizationType: &kind}); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	a, b := rest("a"), rest("b")
	uri := func(name string) *string {
		return aws.String("arn:aws:apigateway:" + region + ":lambda:path/2015-03-31/functions/arn:aws:lambda:" + region + ":111122223333:function:" + name + "/invocations")
	}
	authorizer := func(name string) *string {
		z, err := admin.CreateAuthorizer(ctx, &apigateway.CreateAuthorizerInput{RestApiId: a.Id, Name: &name, Type: agtypes.AuthorizerTypeRequest, AuthorizerUri: uri(name), AuthorizerResultTtlInSeconds: aws.Int32(0)})
		if err != nil {
			t.Fatal(err)
		}
		return z.Id
	}
	ours, theirs := authorizer("ours"), authorizer("theirs")
	type call = func(*apigateway.Client) error
	resources := func(id *string) call {
		return func(c *apigateway.Client) error {
			_, err := c.GetResources(ctx, &apigateway.GetResourcesInput{RestApiId: id})
			return err
		}
	}
	create := func(name string, tags map[string]string) call {
		return func(c *apigateway.Client) error {
			_, err := c.CreateRestApi(ctx, &apigateway.CreateRestApiInput{Name: &name, Tags: tags})
			return err
		}
	}
	arn := "arn:aws:apigateway:" + region + "::/restapis/" + *a.Id
	tag := func(tags map[string]string) call {
		return func(c *apigateway.Client) error {
			_, err := c.TagResource(ctx, &apigateway.TagResourceInput{ResourceArn: &arn, Tags: tags})
			return err
		}
	}
	untag := func(keys ...string) call {
		return func(c *apigateway.Client) error {
			_, err := c.UntagResource(ctx, &apigateway.UntagResourceInput{ResourceArn: &arn, TagKeys: keys})
			return err
		}
	}
	rename := func(id *string) call {
		return func(c *apigateway.Client) error {
			_, err := c.UpdateAuthorizer(ctx, &apigateway.UpdateAuthorizerInput{RestApiId: a.Id, AuthorizerId: id, PatchOperations: []agtypes.PatchOperation{{Op: agtypes.OpReplace, Path: aws.String("/authorizerResultTtlInSeconds"), Value: aws.String("0")}}})
			return err
		}
	}
	method := func(verb string) call {
		return func(c *apigateway.Client) error {
			_, err := c.UpdateMethod(ctx, &apigateway.UpdateMethodInput{RestApiId: a.Id, ResourceId: a.RootResourceId, HttpMethod: &verb, PatchOperations: []agtypes.PatchOperation{{Op: agtypes.OpReplace, Path: aws.String("/operationName"), Value: aws.String("x")}}})
			return err
		}
	}
	for _, c := range []struct {
		name, action, condition string
		passes, fails           call
	}{
		{"aws:ResourceTag within an API", "apigateway:GET", `{"StringEquals":{"aws:ResourceTag/team":"a"}}`, resources(a.Id), resources(b.Id)},
		{"aws:RequestTag", "apigateway:POST", `{"StringEquals":{"aws:RequestTag/team":"a"}}`, create("x", map[string]string{"team": "a"}), create("x", nil)},
		{"aws:TagKeys", "apigateway:PUT", `{"ForAllValues:StringEquals":{"aws:TagKeys":["stage"]}}`, tag(map[string]string{"stage": "dev"}), tag(map[string]string{"stage": "dev", "owner": "x"})},
		{"aws:TagKeys of UntagResource", "apigateway:DELETE", `{"ForAllValues:StringEquals":{"aws:TagKeys":["stage"]}}`, untag("stage"), untag("team")},
		{"apigateway:Request/ApiName", "apigateway:POST", `{"StringLike":{"apigateway:Request/ApiName":"pets-*"}}`, create("pets-1", nil), create("shop", nil)},
		{"apigateway:Resource/AuthorizerUri", "apigateway:PATCH", `{"StringLike":{"apigateway:Resource/AuthorizerUri":"*function:ours/*"}}`, rename(ours), rename(theirs)},
		{"apigateway:Resource/RouteAuthorizationType", "apigateway:PATCH", `{"StringEquals":{"apigateway:Resource/RouteAuthorizationType":"NONE"}}`, method("GET"), method("POST")},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{t, w.s, w.url}
			api := apigateway.NewFromConfig(w.user("user-"+nameOf(c.name), conditional(`"`+c.action+`"`, c.condition)))
			if err := c.passes(api); err != nil {
				t.Errorf("what the policy allows is refused: %v", err)
			}
			if got := verdict(c.fails(api)); got != "AccessDeniedException" {
				t.Errorf("what it does not allow passes: %q", got)
			}
		})
	}
}

// TestConditionKeysOfIAM: who may attach policies may be kept to some of them.
func TestConditionKeysOfIAM(t *testing.T) {
	w := start(t, local.Options{})
	ctx := t.Context()
	w.role("worker", "")
	c := iam.NewFromConfig(w.user("delegate", conditional(`["iam:AttachRolePolicy","iam:DetachRolePolicy"]`, `{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}}`)))
	attach := func(arn string) error {
		_, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("worker"), PolicyArn: &arn})
		return err
	}
	if err := attach("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"); err != nil {
		t.Error(err)
	}
	if got := verdict(attach("arn:aws:iam::aws:policy/AdministratorAccess")); got != "AccessDenied" {
		t.Errorf("attaching another policy: %q", got)
	}
}
