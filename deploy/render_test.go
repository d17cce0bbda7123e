package deploy

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// minimal is what the portal knows of a gateway whose authorizer has not called yet.
var minimal = Values{ClientID: "c0ffee", IssuerURL: "https://portcullis.example.com/default/system"}

func TestRender(t *testing.T) {
	full := example
	full.Store = ""
	for _, k := range Kinds() {
		for name, v := range map[string]Values{"minimal": minimal, "full": full, "any": {Region: "*", Account: "*", ClientID: "c0ffee", IssuerURL: minimal.IssuerURL}} {
			text, err := Render(k, v)
			if err != nil {
				t.Errorf("%s, %s: %v", k, name, err)
				continue
			}
			want := []string{v.ClientID, v.IssuerURL, DefaultFunction, "provided.al2023"}
			if k == Terraform { // the runtime is the module's business
				want = want[:3]
			}
			if name == "full" && k != Console {
				want = append(want, v.SecretARN, "arm64")
			}
			if name == "full" && k != SAM { // a stack has its region from where it is
				want = append(want, v.Region)
			}
			for _, w := range want {
				if !strings.Contains(string(text), w) {
					t.Errorf("%s, %s: %q is not in\n%s", k, name, w, text)
				}
			}
			if strings.Contains(strings.ReplaceAll(string(text), "printf %s", ""), "%s") || strings.Contains(string(text), "{{") {
				t.Errorf("%s, %s: something is not filled in:\n%s", k, name, text)
			}
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	change := func(f func(*Values)) Values { v := example; f(&v); return v }
	for name, c := range map[string]struct {
		kind   Kind
		values Values
		want   string
	}{
		"another kind":         {"helm", minimal, `no kind "helm"`},
		"no gateway":           {CLI, Values{}, "ClientID and IssuerURL are needed"},
		"an alias":             {CLI, change(func(v *Values) { v.Function = "my-function:live" }), "without an alias"},
		"a command in a value": {CLI, change(func(v *Values) { v.ClientID = "$(reboot)" }), "ClientID must be"},
		"a quote in a URL":     {Terraform, change(func(v *Values) { v.IssuerURL = `https://example.com/"}` }), "IssuerURL must be"},
		"a line end in a URL":  {SAM, change(func(v *Values) { v.IssuerURL = "https://example.com/\nx" }), "IssuerURL must be"},
		"a line end at last":   {SAM, change(func(v *Values) { v.ClientID = "c0ffee\n" }), "ClientID must be"},
	} {
		if text, err := Render(c.kind, c.values); err == nil || !strings.Contains(err.Error(), c.want) || text != nil {
			t.Errorf("%s: %v, %d bytes", name, err, len(text))
		}
	}
}

func TestConsoleSteps(t *testing.T) {
	steps, err := Steps(minimal)
	if err != nil {
		t.Fatal(err)
	}
	want, err := RolePolicy(Values{Region: "*", Account: "*", Function: DefaultFunction}, Discover, Attach)
	if err != nil || steps[len(steps)-1].Code != string(want) {
		t.Errorf("%v: the policy is %s, want %s", err, steps[len(steps)-1].Code, want)
	}
	text, err := Render(Console, minimal)
	if err != nil || !strings.HasPrefix(string(text), "1. Create the function. ") || !strings.Contains(string(text), "\n7. Give it permissions. ") {
		t.Errorf("%v in\n%s", err, text)
	}
}

// statements are those of a policy, by Sid, each as canonical JSON.
func statements(t *testing.T, text []byte) map[string]string {
	t.Helper()
	var p struct{ Statement []map[string]any }
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	out := map[string]string{}
	for _, s := range p.Statement {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		out[s["Sid"].(string)] = string(b)
	}
	return out
}

func same(t *testing.T, where string, got, want []byte) {
	t.Helper()
	g, w := statements(t, got), statements(t, want)
	if len(g) != len(w) {
		t.Errorf("%s has %d statements, want %d", where, len(g), len(w))
	}
	for sid, s := range w {
		if g[sid] != s {
			t.Errorf("%s: statement %s is\n%s, want\n%s", where, sid, g[sid], s)
		}
	}
}

// TestInstallScriptHasOurPolicy: the documents in the script are those of iam with shell variables in them.
func TestInstallScriptHasOurPolicy(t *testing.T) {
	text, err := os.ReadFile("cli/install.sh")
	if err != nil {
		t.Fatal(err)
	}
	shell := map[string]string{"partition": "${PARTITION}", "region": "${REGION}", "account": "${ACCOUNT}", "function": "${FUNCTION}",
		"secret": "${SECRET_ARN}", "bucket": "${BUCKET}", "prefix": "${PREFIX}"}
	seen := map[Part]int{}
	for _, m := range regexp.MustCompile(`(?s)put_policy ([a-z]+) <<POLICY\n(.*?)\nPOLICY\n`).FindAllStringSubmatch(string(text), -1) {
		part := Part(m[1])
		want, err := policy(shell, []Part{part}, part == Secret && seen[Secret] == 0) // the parameter comes first
		if err != nil {
			t.Fatal(err)
		}
		same(t, "cli/install.sh", []byte(m[2]), want)
		seen[part]++
	}
	if len(seen) != 6 || seen[Secret] != 2 {
		t.Errorf("the script has the parts %v", seen)
	}
}

// TestTemplateHasOurPolicy: the policies in the template, with its pseudo parameters, are those of iam.
func TestTemplateHasOurPolicy(t *testing.T) {
	text, err := os.ReadFile("sam/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	root, _ := plain(doc.Content[0]).(map[string]any)
	var policies []any
	for _, step := range []string{"Resources", "Role", "Properties"} {
		root, _ = root[step].(map[string]any)
	}
	policies, _ = root["Policies"].([]any)
	cfn := map[string]string{"partition": "${AWS::Partition}", "region": "${AWS::Region}", "account": "${AWS::AccountId}", "function": "${FunctionName}",
		"secret": "MakeSecret", "bucket": "${ConfigurationBucket}", "prefix": "portcullis/"}
	conditions := map[Part]string{Attach: "Attaches", Replace: "Replaces", Cache: "Caches", Store: "Keeps"}
	seen := map[Part]bool{}
	for _, p := range policies {
		condition := ""
		p := p.(map[string]any)
		if branch, ok := p["Fn::If"].([]any); ok {
			condition = branch[0].(string)
			p = branch[1].(map[string]any)
		}
		part := Part(strings.TrimPrefix(p["PolicyName"].(string), "portcullis-"))
		if conditions[part] != condition {
			t.Errorf("part %s depends on %q, want %q", part, condition, conditions[part])
		}
		got, err := json.Marshal(p["PolicyDocument"])
		if err != nil {
			t.Fatal(err)
		}
		want, err := policy(cfn, []Part{part}, false)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "sam/template.yaml", got, want)
		seen[part] = true
	}
	if len(seen) != 6 {
		t.Errorf("the template has the parts %v", seen)
	}
}

// plain turns YAML into what encoding/json would give. !Sub "x" and !Ref are their argument; of !If [c, a, b] only the
// name of the condition is kept, and a test that expects "c" there.
func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return out
	case yaml.SequenceNode:
		if n.Tag == "!If" {
			return n.Content[0].Value
		}
		out := []any{}
		for _, c := range n.Content {
			out = append(out, plain(c))
		}
		return out
	}
	return n.Value
}

// TestTemplateIsClean runs cfn-lint on the template as the portal hands it out.
func TestTemplateIsClean(t *testing.T) {
	t.Parallel()
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not installed")
	}
	v := example
	v.Store = ""
	rendered, err := Render(SAM, v)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, rendered, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), lint, file).CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}

// terraform runs Terraform without a configuration file of its own; no registry is asked for what is tried here.
func terraform(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	program, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not installed")
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE=/dev/null", "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// copied writes embedded files into a directory that Terraform may litter.
func copied(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		err := fs.WalkDir(Files(), name, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := fs.ReadFile(Files(), path)
			if err != nil {
				return err
			}
			to := filepath.Join(dir, path)
			if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
				return err
			}
			return os.WriteFile(to, b, 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTerraformFormat(t *testing.T) {
	t.Parallel()
	dir := copied(t, "terraform")
	v := example
	v.Store = ""
	rendered, err := Render(Terraform, v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rendered.tf"), rendered, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := terraform(t, dir, "fmt", "-check", "-diff", "-recursive"); err != nil {
		t.Errorf("terraform fmt: %v\n%s", err, out)
	}
}

// TestTerraformHasOurPolicy applies the part of the module that needs no provider and compares its output with RolePolicy.
func TestTerraformHasOurPolicy(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(copied(t, "iam", "terraform/policy"), "terraform", "policy")
	if out, err := terraform(t, dir, "init", "-input=false"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	parameter := example
	parameter.SecretARN, parameter.Store = "arn:aws:ssm:eu-west-1:111122223333:parameter/portcullis/authorizer", "s3://my-bucket"
	for _, v := range []Values{example, parameter} {
		if out, err := terraform(t, dir, "apply", "-auto-approve", "-input=false", "-no-color", "-var", "region="+v.Region, "-var", "account="+v.Account, "-var", "function="+v.Function,
			"-var", "secret="+v.SecretARN, "-var", "store="+v.Store, "-var", `parts=["discover","attach","replace","cache","store","secret"]`); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		out, err := terraform(t, dir, "output", "-json", "policies")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var policies map[Part]string
		if err := json.Unmarshal([]byte(out), &policies); err != nil {
			t.Fatal(err)
		}
		for _, p := range Parts() {
			want, err := RolePolicy(v, p)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "terraform/policy", []byte(policies[p]), want)
		}
	}
}

// TestTerraformVariables plans the module's variables alone: what is right passes, what is wrong is refused with the
// variable's own words.
func TestTerraformVariables(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text, err := fs.ReadFile(Files(), "terraform/variables.tf")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "variables.tf"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := terraform(t, dir, "init", "-input=false"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	right := map[string]string{"region": "eu-west-1", "client_id": "c0ffee", "issuer_url": minimal.IssuerURL, "client_secret_arn": example.SecretARN, "package": "authorizer.zip"}
	plan := func(changes map[string]string) (string, error) {
		args := []string{"plan", "-input=false", "-no-color"}
		for k, v := range right {
			if _, changed := changes[k]; !changed {
				args = append(args, "-var", k+"="+v)
			}
		}
		for k, v := range changes {
			args = append(args, "-var", k+"="+v)
		}
		return terraform(t, dir, args...)
	}
	for _, good := range []map[string]string{
		nil,
		{"client_secret_arn": "arn:aws:ssm:eu-west-1:111122223333:parameter/portcullis/authorizer", "configuration_store": "s3://my-bucket/conf", "architecture": "arm64"},
	} {
		if out, err := plan(good); err != nil {
			t.Errorf("%v: %v\n%s", good, err, out)
		}
	}
	// All wrong values at once: one plan reports them all.
	wrong := map[string]string{"region": "europe", "client_id": "a b", "issuer_url": "portcullis.example.com", "client_secret_arn": "wJalrXUtnFEMI", "architecture": "riscv",
		"function_name": "my function", "timeout": "600", "configuration_store": "/tmp", "environment": `{ACP_CLIENT_SECRET="x"}`, "memory_size": "1"}
	out, err := plan(wrong)
	if err == nil {
		t.Errorf("wrong values were taken:\n%s", out)
	}
	for name := range wrong {
		if !strings.Contains(out, `variable "`+name+`"`) || !strings.Contains(strings.Join(strings.Fields(out), " "), name+" must") {
			t.Errorf("nothing is said about %s in\n%s", name, out)
		}
	}
}
