package local_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"portcullis/aws/local"
)

// clock is a time that tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

// user creates a user with an inline policy and returns a configuration that signs with its key.
func (w *world) user(name, policy string) aws.Config {
	w.t.Helper()
	c, ctx := iam.NewFromConfig(w.admin()), w.t.Context()
	if _, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String(name)}); err != nil {
		w.t.Fatal(err)
	}
	if policy != "" {
		if _, err := c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String(name), PolicyName: aws.String("inline"), PolicyDocument: aws.String(policy)}); err != nil {
			w.t.Fatal(err)
		}
	}
	key, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String(name)})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.config(aws.ToString(key.AccessKey.AccessKeyId), aws.ToString(key.AccessKey.SecretAccessKey), "")
}

func TestRolesAndPoliciesOverTheSDK(t *testing.T) {
	w := start(t, local.Options{})
	c, ctx, role := iam.NewFromConfig(w.admin()), t.Context(), aws.String("my-role")
	arn := w.role("my-role", "")
	if arn != "arn:aws:iam::111122223333:role/my-role" {
		t.Errorf("ARN %s", arn)
	}
	got, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: role})
	if err != nil || aws.ToString(got.Role.AssumeRolePolicyDocument) == "" || got.Role.CreateDate == nil || !strings.HasPrefix(aws.ToString(got.Role.RoleId), "AROA") {
		t.Fatalf("%+v, %v", got, err)
	}
	_, err = c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: role, AssumeRolePolicyDocument: aws.String(trustLambda)})
	expect(t, err, "EntityAlreadyExists", "Role with name my-role already exists.")
	for name, doc := range map[string]string{
		"not JSON":          `{`,
		"unknown member":    `{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","When":"now"}]}`,
		"unknown operator":  `{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringIs":{"a":"b"}}}]}`,
		"unknown effect":    `{"Statement":[{"Effect":"Maybe","Action":"s3:*","Resource":"*"}]}`,
		"principal in role": `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}`,
	} {
		_, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: role, PolicyName: aws.String("p"), PolicyDocument: aws.String(doc)})
		if code(err) != "MalformedPolicyDocument" {
			t.Errorf("%s: %v", name, err)
		}
	}
	doc := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "apigateway:GET", "Resource": "*"}]}`
	if _, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: role, PolicyName: aws.String("p"), PolicyDocument: aws.String(doc)}); err != nil {
		t.Fatal(err)
	}
	shown, err := c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: role, PolicyName: aws.String("p")})
	if err != nil {
		t.Fatal(err)
	}
	// Clients decode it as RFC 3986 has it, where a plus sign is a plus sign.
	if text, err := url.PathUnescape(aws.ToString(shown.PolicyDocument)); err != nil || text != doc {
		t.Errorf("the policy came back as %s, %v", text, err)
	}
	list, err := c.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: role})
	if err != nil || len(list.PolicyNames) != 1 || list.PolicyNames[0] != "p" {
		t.Errorf("%+v, %v", list, err)
	}
	basic := aws.String("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
	if _, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: basic}); err != nil {
		t.Fatal(err)
	}
	_, err = c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: aws.String("arn:aws:iam::aws:policy/Nonsense")})
	expect(t, err, "NoSuchEntity", "does not exist or is not attachable")
	_, err = c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: role})
	expect(t, err, "DeleteConflict", "must delete policies first")
	if _, err := c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: role, PolicyName: aws.String("p")}); err != nil {
		t.Fatal(err)
	}
	_, err = c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: role})
	expect(t, err, "DeleteConflict", "must detach all policies first")
	if _, err := c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: role, PolicyArn: basic}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: role}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetRole(ctx, &iam.GetRoleInput{RoleName: role})
	expect(t, err, "NoSuchEntity", "The role with name my-role cannot be found.")
}

func TestUsersAreHeldToTheirPolicies(t *testing.T) {
	w := start(t, local.Options{})
	ctx := t.Context()
	reader := w.user("reader", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["apigateway:GET","lambda:*","events:*"],"Resource":"*"},
		{"Effect":"Deny","Action":"lambda:ListFunctions","Resource":"*"}]}`)
	if _, err := apigateway.NewFromConfig(reader).GetRestApis(ctx, &apigateway.GetRestApisInput{}); err != nil {
		t.Error(err)
	}
	_, err := apigateway.NewFromConfig(reader).CreateRestApi(ctx, &apigateway.CreateRestApiInput{Name: aws.String("PetStore")})
	expect(t, err, "AccessDeniedException", "User: arn:aws:iam::111122223333:user/reader is not authorized to perform: apigateway:POST on resource: arn:aws:apigateway:eu-west-1::/restapis because no identity-based policy allows the apigateway:POST action")
	_, err = lambda.NewFromConfig(reader).ListFunctions(ctx, &lambda.ListFunctionsInput{})
	expect(t, err, "AccessDeniedException", "is not authorized to perform: lambda:ListFunctions on resource: * with an explicit deny in an identity-based policy")
	_, err = iam.NewFromConfig(reader).ListRoles(ctx, &iam.ListRolesInput{})
	expect(t, err, "AccessDenied", "is not authorized to perform: iam:ListRoles")
	nobody := w.user("nobody", "")
	_, err = eventbridge.NewFromConfig(nobody).ListRules(ctx, &eventbridge.ListRulesInput{})
	expect(t, err, "AccessDeniedException", "events:ListRules")
	who, err := sts.NewFromConfig(nobody).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || aws.ToString(who.Arn) != "arn:aws:iam::111122223333:user/nobody" || aws.ToString(who.Account) != "111122223333" {
		t.Errorf("%+v, %v", who, err)
	}
}

func TestSignaturesOfIssuedKeysAreVerified(t *testing.T) {
	w := start(t, local.Options{})
	ctx := t.Context()
	good := w.user("jane", "")
	creds, err := good.Credentials.Retrieve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	identity := func(c aws.Config) error {
		_, err := sts.NewFromConfig(c).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		return err
	}
	if err := identity(good); err != nil {
		t.Error(err)
	}
	expect(t, identity(w.config(creds.AccessKeyID, "wrong", "")), "SignatureDoesNotMatch", "The request signature we calculated does not match")
	expect(t, identity(w.config(creds.AccessKeyID, creds.SecretAccessKey, "token")), "InvalidClientTokenId", "The security token included in the request is invalid.")
	expect(t, identity(w.config("AKIALOCALAAAAAAAAAAA", "x", "")), "InvalidClientTokenId", "The security token included in the request is invalid.")
	// Paths and queries with characters that need encoding.
	if _, err := lambda.NewFromConfig(good).GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("arn:aws:lambda:eu-west-1:111122223333:function:x")}); code(err) != "AccessDeniedException" {
		t.Errorf("an ARN in the path: %v", err)
	}
	if _, err := apigateway.NewFromConfig(good).GetRestApis(ctx, &apigateway.GetRestApisInput{Position: aws.String("a b+c/=&")}); code(err) != "AccessDeniedException" {
		t.Errorf("special characters in the query: %v", err)
	}
}

func TestWhoSigns(t *testing.T) {
	w := start(t, local.Options{})
	for key, want := range map[string]string{"test": "123456789012", "AKIAIOSFODNN7EXAMPLE": "123456789012", "444455556666": "444455556666"} {
		who, err := sts.NewFromConfig(w.config(key, "any", "")).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil || aws.ToString(who.Account) != want || aws.ToString(who.Arn) != "arn:aws:iam::"+want+":user/administrator" {
			t.Errorf("%s: %+v, %v", key, who, err)
		}
	}
	resp, err := httpClient.Get(w.url + "/restapis")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden || resp.Header.Get("X-Amzn-Errortype") != "MissingAuthenticationTokenException" {
		t.Errorf("unsigned: %d %v", resp.StatusCode, resp.Header)
	}
}

func TestAccountsAndRegionsAreApart(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", nil)
	elsewhere := w.admin()
	elsewhere.Region = "us-east-1"
	for name, c := range map[string]aws.Config{"region": elsewhere, "account": w.config("444455556666", "any", "")} {
		_, err := lambda.NewFromConfig(c).GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("my-function")})
		if code(err) != "ResourceNotFoundException" {
			t.Errorf("seen from another %s: %v", name, err)
		}
	}
}

func TestAssumeRoleWithExternalID(t *testing.T) {
	at := &clock{time.Now()}
	w := start(t, local.Options{Now: at.now})
	c, ctx := iam.NewFromConfig(w.admin()), t.Context()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"42"}}}]}`
	if _, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("visitor"), AssumeRolePolicyDocument: aws.String(trust)}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("visitor"), PolicyName: aws.String("p"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"apigateway:GET","Resource":"arn:aws:apigateway:eu-west-1::/restapis"}]}`)}); err != nil {
		t.Fatal(err)
	}
	other := sts.NewFromConfig(w.config("444455556666", "any", ""))
	in := &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111122223333:role/visitor"), RoleSessionName: aws.String("session"), ExternalId: aws.String("41"), DurationSeconds: aws.Int32(900)}
	_, err := other.AssumeRole(ctx, in)
	expect(t, err, "AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/visitor")
	_, err = sts.NewFromConfig(w.config("777788889999", "any", "")).AssumeRole(ctx, in)
	expect(t, err, "AccessDenied", "sts:AssumeRole")
	in.ExternalId = aws.String("42")
	out, err := other.AssumeRole(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	session := w.config(aws.ToString(out.Credentials.AccessKeyId), aws.ToString(out.Credentials.SecretAccessKey), aws.ToString(out.Credentials.SessionToken))
	who, err := sts.NewFromConfig(session).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || aws.ToString(who.Arn) != "arn:aws:sts::111122223333:assumed-role/visitor/session" {
		t.Fatalf("%+v, %v", who, err)
	}
	if _, err := apigateway.NewFromConfig(session).GetRestApis(ctx, &apigateway.GetRestApisInput{}); err != nil {
		t.Error(err)
	}
	session.Region = "us-east-1"
	_, err = apigateway.NewFromConfig(session).GetRestApis(ctx, &apigateway.GetRestApisInput{})
	expect(t, err, "AccessDeniedException", "User: arn:aws:sts::111122223333:assumed-role/visitor/session is not authorized to perform: apigateway:GET on resource: arn:aws:apigateway:us-east-1::/restapis")
	at.t = at.t.Add(901 * time.Second)
	_, err = sts.NewFromConfig(session).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	expect(t, err, "ExpiredToken", "The security token included in the request is expired")
}
