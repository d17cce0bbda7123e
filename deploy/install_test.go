package deploy_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portcullis/aws/local"
	"portcullis/deploy"
)

const clientSecret = "the-secret-wJalrXUtnFEMI"

// installation is a directory with the rendered script and a zip, and an account to install into.
type installation struct {
	t   *testing.T
	dir string
	env []string
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	if _, err := exec.LookPath("aws"); err != nil {
		if os.Getenv("PORTCULLIS_REQUIRE_AWSCLI") != "" {
			t.Fatal("the AWS CLI is not installed")
		}
		t.Skip("the AWS CLI is not installed")
	}
	aws, err := local.New(local.Options{ManualSchedule: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(aws.Handler())
	aws.SetPublicURL(server.URL)
	t.Cleanup(func() { server.Close(); aws.Close() })

	in := &installation{t: t, dir: t.TempDir()}
	in.env = []string{"HOME=" + in.dir, "TMPDIR=" + in.dir, "AWS_CONFIG_FILE=" + filepath.Join(in.dir, "config"), "AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(in.dir, "credentials"),
		"AWS_ENDPOINT_URL=" + server.URL, "AWS_ACCESS_KEY_ID=111122223333", "AWS_SECRET_ACCESS_KEY=any", "AWS_MAX_ATTEMPTS=1", "AWS_EC2_METADATA_DISABLED=true"}
	for _, kv := range os.Environ() {
		if k, _, _ := strings.Cut(kv, "="); k == "PATH" || strings.HasPrefix(k, "PYENV") {
			in.env = append(in.env, kv)
		}
	}
	script, err := deploy.Render(deploy.CLI, deploy.Values{Region: "eu-west-1", Function: "my-function", Architecture: "arm64", ClientID: "c0ffee", IssuerURL: "https://portcullis.example.com/default/system"})
	if err != nil {
		t.Fatal(err)
	}
	var code bytes.Buffer
	z := zip.NewWriter(&code)
	_, err = z.Create("bootstrap")
	in.write("install.sh", script)
	in.write("secret", []byte(clientSecret+"\n"))
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	in.write("authorizer-arm64.zip", code.Bytes())
	return in
}

func (in *installation) write(name string, b []byte) {
	in.t.Helper()
	if err := os.WriteFile(filepath.Join(in.dir, name), b, 0o600); err != nil {
		in.t.Fatal(err)
	}
}

// command runs a program in the directory with these variables besides the account's.
func (in *installation) command(env []string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(in.t.Context(), 8*time.Minute) // Python starts for every call: seconds each on a busy machine
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = in.dir, append(in.env[:len(in.env):len(in.env)], env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// install runs the script; -x shows every command with its arguments, where no secret may be.
func (in *installation) install(env ...string) {
	in.t.Helper()
	out, err := in.command(env, "sh", "-x", "install.sh")
	if err != nil {
		in.t.Fatalf("install.sh: %v\n%s", err, out)
	}
	if strings.Contains(out, clientSecret) {
		in.t.Errorf("the secret is an argument or was printed:\n%s", out)
	}
	if !strings.Contains(out, "\nInstalled: arn:aws:lambda:eu-west-1:111122223333:function:my-function\n") {
		in.t.Errorf("the script ended with\n%s", out)
	}
}

func (in *installation) aws(into any, args ...string) {
	in.t.Helper()
	out, err := in.command([]string{"AWS_DEFAULT_REGION=eu-west-1"}, "aws", append(args, "--output", "json")...)
	if err != nil {
		in.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		in.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// state is what there is after the script, as the services tell it.
type state struct {
	Runtime, Role, Handler, FunctionArn string
	Architectures                       []string
	Environment                         struct{ Variables map[string]string }
	Policies                            []string
	Permissions                         struct{ Statement []map[string]any }
	Targets                             []map[string]string
}

func (in *installation) state() state {
	in.t.Helper()
	var s state
	var policy struct{ Policy string }
	var names struct{ PolicyNames []string }
	var targets struct{ Targets []map[string]string }
	in.aws(&s, "lambda", "get-function-configuration", "--function-name", "my-function")
	in.aws(&names, "iam", "list-role-policies", "--role-name", "my-function")
	in.aws(&policy, "lambda", "get-policy", "--function-name", "my-function")
	in.aws(&targets, "events", "list-targets-by-rule", "--rule", "my-function")
	if err := json.Unmarshal([]byte(policy.Policy), &s.Permissions); err != nil {
		in.t.Fatal(err)
	}
	s.Policies, s.Targets = names.PolicyNames, targets.Targets
	return s
}

// TestInstallScript runs the script that the portal shows, twice, with the AWS CLI against the local AWS.
func TestInstallScript(t *testing.T) {
	if testing.Short() {
		t.Skip("some forty calls of the AWS CLI")
	}
	t.Parallel()
	in := newInstallation(t)
	out, err := in.command(nil, "sh", "install.sh")
	if err == nil || !strings.Contains(out, "ACP_CLIENT_SECRET_FILE or ACP_CLIENT_SECRET_ARN must be set") {
		t.Errorf("without a secret and a terminal: %v\n%s", err, out)
	}
	in.install("ACP_CLIENT_SECRET_FILE=secret")
	first := in.state()
	variables := first.Environment.Variables
	secret := variables["ACP_CLIENT_SECRET"]
	if first.Runtime != "provided.al2023" || first.Handler != deploy.Handler || first.Architectures[0] != "arm64" || first.Role != "arn:aws:iam::111122223333:role/my-function" ||
		variables["ACP_CLIENT_ID"] != "c0ffee" || variables["ACP_ISSUER_URL"] != "https://portcullis.example.com/default/system" ||
		!strings.HasPrefix(secret, "arn:aws:secretsmanager:eu-west-1:111122223333:secret:portcullis/my-function-") {
		t.Errorf("the function: %+v", first)
	}
	if got := strings.Join(first.Policies, " "); got != "portcullis-attach portcullis-discover portcullis-secret" {
		t.Errorf("policies %s", got)
	}
	if len(first.Permissions.Statement) != 2 || len(first.Targets) != 1 || first.Targets[0]["Arn"] != first.FunctionArn {
		t.Errorf("permissions %v, targets %v", first.Permissions, first.Targets)
	}
	var value struct{ SecretString string }
	in.aws(&value, "secretsmanager", "get-secret-value", "--secret-id", secret)
	if value.SecretString != clientSecret {
		t.Errorf("the secret reads %q", value.SecretString)
	}

	// A person adds a variable; the second run has other wishes and no secret.
	in.aws(&state{}, "lambda", "update-function-configuration", "--function-name", "my-function", "--environment",
		`{"Variables":{"ACP_CLIENT_ID":"old","INJECT_CONTEXT":"true"}}`)
	in.install("ATTACH=false", "AWS_LOCAL_CONFIGURATION=s3://my-bucket/conf")
	second := in.state()
	variables = second.Environment.Variables
	if variables["INJECT_CONTEXT"] != "true" || variables["ACP_CLIENT_ID"] != "c0ffee" || variables["ACP_CLIENT_SECRET"] != secret || variables["AWS_CREATE_AUTHORIZER"] != "false" {
		t.Errorf("variables %v", variables)
	}
	if got := strings.Join(second.Policies, " "); got != "portcullis-discover portcullis-secret portcullis-store" {
		t.Errorf("policies %s", got)
	}
	if len(second.Permissions.Statement) != 2 || len(second.Targets) != 1 {
		t.Errorf("permissions %v, targets %v", second.Permissions, second.Targets)
	}
	want, err := deploy.RolePolicy(deploy.Values{Region: "eu-west-1", Account: "111122223333", Function: "my-function", Store: "s3://my-bucket/conf"}, deploy.Store)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ PolicyDocument json.RawMessage }
	in.aws(&got, "iam", "get-role-policy", "--role-name", "my-function", "--policy-name", "portcullis-store")
	if canonical(t, got.PolicyDocument) != canonical(t, want) {
		t.Errorf("the policy is %s, want %s", got.PolicyDocument, want)
	}
	if left, _ := filepath.Glob(filepath.Join(in.dir, "tmp*")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

// canonical is JSON in one form.
func canonical(t *testing.T, b []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
