package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portcullis/aws/local"
)

// cli runs the AWS CLI against the local AWS and decodes what it prints.
type cli struct {
	t       *testing.T
	program string
	env     []string
}

func newCLI(t *testing.T, w *world) *cli {
	t.Helper()
	program, err := exec.LookPath("aws")
	if err != nil {
		if os.Getenv("PORTCULLIS_REQUIRE_AWSCLI") != "" {
			t.Fatal("the AWS CLI is not installed")
		}
		t.Skip("the AWS CLI is not installed")
	}
	home := t.TempDir()
	env := []string{"HOME=" + home, "AWS_CONFIG_FILE=" + filepath.Join(home, "config"), "AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(home, "credentials"),
		"AWS_ENDPOINT_URL=" + w.url, "AWS_ACCESS_KEY_ID=111122223333", "AWS_SECRET_ACCESS_KEY=any", "AWS_DEFAULT_REGION=" + region, "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1", "AWS_EC2_METADATA_DISABLED=true"}
	for _, kv := range os.Environ() {
		if k, _, _ := strings.Cut(kv, "="); k == "PATH" || strings.HasPrefix(k, "PYENV") {
			env = append(env, kv)
		}
	}
	return &cli{t, program, env}
}

func (c *cli) try(args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.program, args...)
	cmd.Env, cmd.Dir = c.env, c.t.TempDir()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func (c *cli) run(into any, args ...string) {
	c.t.Helper()
	out, errs, err := c.try(args...)
	if err != nil {
		c.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, errs)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		c.t.Fatalf("aws %s printed %q: %v", strings.Join(args, " "), out, err)
	}
}

// The guide's AWS steps as a person types them.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	w := start(t, local.Options{})
	c := newCLI(t, w)
	zip := filepath.Join(t.TempDir(), "function.zip")
	if err := os.WriteFile(zip, fnZip(t), 0o600); err != nil {
		t.Fatal(err)
	}
	var apis struct{ Items []any }
	c.run(&apis, "apigateway", "get-rest-apis")
	if len(apis.Items) != 0 {
		t.Errorf("%v", apis)
	}
	var role struct{ Role struct{ Arn string } }
	c.run(&role, "iam", "create-role", "--role-name", "authorizer", "--assume-role-policy-document", trustLambda)
	c.run(nil, "iam", "put-role-policy", "--role-name", "authorizer", "--policy-name", "inline", "--policy-document",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"apigateway:*","Resource":"*"}]}`)
	var policy struct{ PolicyDocument struct{ Statement []any } }
	c.run(&policy, "iam", "get-role-policy", "--role-name", "authorizer", "--policy-name", "inline")
	if len(policy.PolicyDocument.Statement) != 1 {
		t.Errorf("the policy came back as %v", policy)
	}
	var fn struct{ FunctionArn, State, CodeSha256 string }
	c.run(&fn, "lambda", "create-function", "--function-name", "my-function", "--runtime", "provided.al2023", "--handler", "any", "--role", role.Role.Arn, "--zip-file", "fileb://"+zip,
		"--environment", "Variables={GREETING=hello}")
	if fn.State != "Active" || fn.CodeSha256 == "" {
		t.Errorf("%+v", fn)
	}
	out := filepath.Join(t.TempDir(), "out.json")
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(`{"do":"echo"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	// As a file of bytes, because versions 1 and 2 of the CLI read the text of --payload differently.
	c.run(nil, "lambda", "invoke", "--function-name", "my-function", "--payload", "fileb://"+event, out)
	if b, err := os.ReadFile(out); err != nil || string(b) != `{"do":"echo"}` {
		t.Errorf("%s, %v", b, err)
	}
	var rule struct{ RuleArn string }
	c.run(&rule, "events", "put-rule", "--name", "every-minute", "--schedule-expression", "rate(1 minute)")
	c.run(nil, "events", "put-targets", "--rule", "every-minute", "--targets", "Id=1,Arn="+fn.FunctionArn)
	c.run(nil, "lambda", "add-permission", "--function-name", "my-function", "--statement-id", "events", "--action", "lambda:InvokeFunction", "--principal", "events.amazonaws.com", "--source-arn", rule.RuleArn)
	var who struct{ Account, Arn string }
	c.run(&who, "sts", "get-caller-identity")
	if who.Account != "111122223333" {
		t.Errorf("%+v", who)
	}
	_, errs, err := c.try("lambda", "get-function", "--function-name", "nobody")
	if err == nil || !strings.Contains(errs, "An error occurred (ResourceNotFoundException) when calling the GetFunction operation: Function not found: arn:aws:lambda:eu-west-1:111122223333:function:nobody") {
		t.Errorf("%v: %s", err, errs)
	}
	_, errs, err = c.try("iam", "get-role", "--role-name", "nobody")
	if err == nil || !strings.Contains(errs, "An error occurred (NoSuchEntity) when calling the GetRole operation: The role with name nobody cannot be found.") {
		t.Errorf("%v: %s", err, errs)
	}
	_, errs, err = c.try("events", "describe-rule", "--name", "nobody")
	if err == nil || !strings.Contains(errs, "An error occurred (ResourceNotFoundException) when calling the DescribeRule operation") {
		t.Errorf("%v: %s", err, errs)
	}
	_, errs, err = c.try("dynamodb", "list-tables")
	if err == nil || !strings.Contains(errs, "NotImplemented") {
		t.Errorf("a service that is not there: %v: %s", err, errs)
	}
}

func TestBoto3(t *testing.T) {
	t.Parallel()
	if err := exec.CommandContext(t.Context(), "python3", "-c", "import boto3").Run(); err != nil {
		if os.Getenv("PORTCULLIS_REQUIRE_BOTO3") != "" {
			t.Fatal("boto3 is not installed: ", err)
		}
		t.Skip("boto3 is not installed")
	}
	w := start(t, local.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "python3", "testdata/boto.py", w.url)
	if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Errorf("%v\n%s", err, out)
	}
}
