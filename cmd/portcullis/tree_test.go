package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portcullis/control"
)

// checkout is a directory of files and the server it belongs to.
type checkout struct {
	t   *testing.T
	s   *server
	dir string
}

const ciSecret = "the secret of the pipeline, 32 or more"

// checkoutOf makes the client of a pipeline on a server.
func checkoutOf(t *testing.T, s *server) *checkout {
	t.Helper()
	admin := s.token("admin", testClient, testSecret)
	s.call(admin, "POST", "/api/admin/default/clients", map[string]any{"authorization_server_id": "system", "client_id": "ci", "client_secret": ciSecret, "client_name": "CI",
		"scopes": []string{control.ScopeManageTree, control.ScopeReadTree}}, 201, nil)
	t.Setenv("PORTCULLIS_CLIENT_SECRET", ciSecret)
	return &checkout{t, s, t.TempDir()}
}

// run runs a command on the workspace default, checks its exit status and returns what it wrote; of a failure, its message.
func (c *checkout) run(want int, args ...string) string {
	c.t.Helper()
	var out bytes.Buffer
	if !contains(args, "--tenant") {
		args = append(args, "--workspace", "default")
	}
	err := run(context.Background(), append(args, "--issuer-url", c.s.url+"/default/system", "--client-id", "ci", "--dir", c.dir), &out, &bytes.Buffer{})
	code := 0
	if err != nil {
		if code = status(err); out.Len() == 0 {
			out.WriteString(err.Error())
		}
	}
	if code != want {
		c.t.Fatalf("%v: exit status %d, want %d: %v\n%s", args, code, want, err, out.String())
	}
	return out.String()
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func (c *checkout) path(name string) string {
	return filepath.Join(c.dir, "workspaces", "default", name)
}

func (c *checkout) read(name string) string {
	c.t.Helper()
	b, err := os.ReadFile(c.path(name))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

func (c *checkout) edit(name string, oldNew ...string) {
	c.t.Helper()
	was := c.read(name)
	now := strings.NewReplacer(oldNew...).Replace(was)
	if now == was {
		c.t.Fatalf("%s has nothing to replace:\n%s", name, was)
	}
	c.write(name, now)
}

func (c *checkout) write(name, text string) {
	c.t.Helper()
	if err := os.MkdirAll(filepath.Dir(c.path(name)), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(c.path(name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

const sampleRego = "package acp.authz\n\n# {{ no template }}\ndefault allow = false\n\nallow {\n\tinput.request.method == \"GET\"\n}\n"

// TestConfigurationAsCode walks pull, diff and push of a workspace, and moves it to another server.
func TestConfigurationAsCode(t *testing.T) {
	key := environment(t)
	s := start(t, "--database", "sqlite://"+filepath.Join(t.TempDir(), "p.db"), "--master-key-file", key)
	admin := s.token("admin", testClient, testSecret)
	c := checkoutOf(t, s)
	s.call(admin, "POST", "/api/admin/default/policies", map[string]any{"server_id": "default", "id": "default-rego", "policy_name": "Readers / only", "language": "rego", "type": "api",
		"definition": sampleRego}, 201, nil)
	s.call(admin, "POST", "/api/admin/default/policies", map[string]any{"server_id": "default", "id": "default-zodd", "policy_name": "readers _ only", "language": "cloudentity", "type": "api",
		"validators": []any{map[string]any{"name": "attributes", "conf": map[string]any{"fields": []any{map[string]any{"field": "authnCtx.sub", "comparator": "equals", "value": "{{x}} 0123: yes"}}}}}}, 201, nil)
	s.call(admin, "POST", "/api/admin/default/services", map[string]any{"authorization_server_id": "default", "id": "petstore", "name": "PetStore"}, 201, nil)
	s.call(admin, "POST", "/api/admin/default/apis", map[string]any{"service_id": "petstore", "method": "GET", "path": "/pets", "policy_id": "default-rego"}, 201, nil)
	s.call(admin, "POST", "/api/admin/default/scopes", map[string]any{"authorization_server_id": "default", "name": "users.*"}, 201, nil)
	s.call(admin, "POST", "/api/admin/default/clients", map[string]any{"authorization_server_id": "default", "client_id": "app", "client_name": "App", "client_secret": testSecret}, 201, nil)
	s.call(admin, "POST", "/api/admin/default/gateways", map[string]any{"name": "AWS", "type": "aws", "server_id": "default"}, 201, nil)

	c.run(0, "pull")
	if got := c.read("policies/Readers___only.rego"); got != sampleRego {
		t.Errorf("the Rego file is %q", got)
	}
	if got := c.read("policies/Readers___only.yaml"); !strings.HasPrefix(got, "id: default-rego\n") || !strings.HasSuffix(got, "definition: |2-{{ include \"Readers___only.rego\" | nindent 2 }}\n") {
		t.Errorf("the policy's file is:\n%s", got)
	}
	if got := c.read("policies/readers___only_2.yaml"); !strings.Contains(got, `{{ "{{" }}x}} 0123: yes`) {
		t.Errorf("a text that looks like a template is written as:\n%s", got)
	}
	if got := c.read("clients/App.yaml"); strings.Contains(got, testSecret) || strings.Contains(got, "client_secret:") {
		t.Errorf("a secret was pulled:\n%s", got)
	}
	for _, name := range []string{"server.yaml", "scopes.yaml", "services/PetStore.yaml", "gateways/AWS.yaml"} {
		c.read(name)
	}
	if out := c.run(0, "diff"); out != "" {
		t.Errorf("right after the pull:\n%s", out)
	}
	c.write("policies/Readers___only.rego", strings.TrimRight(sampleRego, "\n"))
	if out := c.run(0, "diff"); out != "" {
		t.Errorf("without the last line end:\n%s", out)
	}
	c.edit("server.yaml", "name: Default", "# what people see\nname: Default")
	if out := c.run(0, "pull"); !strings.Contains(out, "0 files changed") || !strings.Contains(c.read("server.yaml"), "# what people see") {
		t.Errorf("a pull of what is there: %s", out)
	}

	c.edit("policies/Readers___only.rego", "GET", "HEAD")
	c.write("policies/New.yaml", "policy_name: New\nvalidators:\n- name: \"false\"\n")
	c.edit("services/PetStore.yaml", "policy_id: default-rego", "policy_id: New")
	c.edit("server.yaml", "name: Default", "name: Demo")
	want := "~ name: \"Default\" → \"Demo\"\n+ policies.New\n~ policies.default-rego.definition: "
	if out := c.run(1, "diff"); !strings.HasPrefix(out, want) || !strings.HasSuffix(out, ".policy_id: \"default-rego\" → \"New\"\n") || strings.Count(out, "\n") != 4 {
		t.Errorf("diff:\n%s", out)
	}
	c.run(0, "push", "--dry-run", "--out", filepath.Join(c.dir, "patch.json"))
	if b, _ := os.ReadFile(filepath.Join(c.dir, "patch.json")); !bytes.Contains(b, []byte(`"name": "Demo"`)) || bytes.Contains(b, []byte("default-zodd")) {
		t.Errorf("the patch is %s", b)
	}
	c.run(1, "diff")
	c.run(0, "push")
	if out := c.run(0, "diff"); out != "" {
		t.Errorf("after the push:\n%s", out)
	}
	c.run(0, "push", "--method", "import")
	c.run(0, "diff")
	if out := c.run(1, "push", "--method", "import", "--mode", "fail"); !strings.Contains(out, "policies.New") {
		t.Errorf("mode fail: %s", out)
	}

	// Every mistake at once, by path, and nothing of it is taken in.
	c.edit("policies/New.yaml", "policy_name: New", "policy_nmae: New")
	c.write("policies/Worse.yaml", "policy_name: Worse\nlanguage: rego\ndefinition: package x {\n")
	if out := c.run(1, "push"); !strings.Contains(out, "policies.New.policy_nmae is not a member") || !strings.Contains(out, "policies.Worse.definition") {
		t.Errorf("mistakes: %s", out)
	}
	c.edit("policies/New.yaml", "policy_nmae: New", "policy_name: New")
	os.Remove(c.path("policies/Worse.yaml"))
	c.run(0, "diff")

	// What the files do not have stays, unless it is to be pruned.
	os.Remove(c.path("policies/readers___only_2.yaml"))
	lost := c.run(1, "diff")
	c.run(0, "push")
	if out := c.run(1, "diff"); out != lost || out != "- policies.default-zodd\n" {
		t.Errorf("diff without the file:\n%s", out)
	}
	c.run(0, "diff", "--only-present")
	c.run(0, "push", "--prune")
	if out := c.run(0, "diff"); out != "" {
		t.Errorf("after pruning:\n%s", out)
	}

	// An identity provider has a file; without any, those of the server stay even so: their users would go with them.
	c.run(0, "pull", "--with-secrets")
	c.write("idps/Okta.yaml", "id: okta\nname: Okta\nmethod: oidc\nclient_secret: {{ env \"OKTA_SECRET\" }}\noidc:\n  issuer_url: https://okta.example.com\n  client_id: portcullis\n")
	t.Setenv("OKTA_SECRET", "what proves us there")
	c.write("secrets.yaml", "s1:\n  secret: pepper\n  value: a pinch of salt\n")
	if out := c.run(1, "diff", "--with-secrets"); out != "+ idps.okta\n+ secrets.s1\n" {
		t.Errorf("diff with a provider and a secret:\n%s", out)
	}
	c.run(0, "push")
	if out := c.run(0, "diff") + c.run(0, "diff", "--with-secrets"); out != "" {
		t.Errorf("after the push of a provider:\n%s", out)
	}
	t.Setenv("OKTA_SECRET", "another secret")
	c.edit("secrets.yaml", "salt", "sugar")
	if out := c.run(1, "diff", "--with-secrets"); strings.Contains(out, "another") || strings.Contains(out, "pinch") || strings.Count(out, "(a secret)") != 4 {
		t.Errorf("the difference of secrets:\n%s", out)
	}
	c.run(0, "push")
	c.run(0, "diff", "--with-secrets")
	if err := os.RemoveAll(c.path("idps")); err != nil {
		t.Fatal(err)
	}
	c.run(0, "push", "--prune")
	if out := c.run(1, "diff"); out != "- idps.okta\n- idps.static\n" {
		t.Errorf("diff without the folder of providers:\n%s", out)
	}
	c.run(0, "pull")
	if got := c.read("idps/Okta.yaml"); strings.Contains(got, "secret:") || strings.Contains(got, "scopes") {
		t.Errorf("the provider's file is:\n%s", got)
	}
	c.moved(key)
}

// moved takes the files with secrets to a new server.
func (c *checkout) moved(key string) {
	c.t.Helper()
	c.run(0, "pull", "--with-secrets")
	if info, err := os.Stat(c.path("clients/App.yaml")); err != nil || info.Mode().Perm() != 0o600 || !strings.Contains(c.read("clients/App.yaml"), testSecret) {
		c.t.Errorf("the pulled secret: %v %v", info, err)
	}
	other := checkoutOf(c.t, start(c.t, "--database", "sqlite://"+filepath.Join(c.t.TempDir(), "p.db"), "--master-key-file", key))
	other.dir = c.dir
	other.run(1, "diff")
	if out := other.run(0, "push", "--prune") + other.run(0, "diff", "--with-secrets"); out != "" {
		c.t.Errorf("on the new server:\n%s", out)
	}
	other.s.token("default", "app", testSecret)

	// The tenant, into a directory of its own.
	other.dir = c.t.TempDir()
	if out := other.run(0, "pull", "--tenant"); !strings.Contains(out, "workspaces/admin/server.yaml") {
		c.t.Errorf("%s", out)
	}
	other.run(0, "diff", "--tenant")
	other.edit("server.yaml", "name: Demo", "name: Tenant")
	other.run(1, "diff", "--tenant")
	other.run(0, "push", "--tenant")
	other.run(0, "diff", "--tenant")
	other.run(0, "push", "--tenant", "--method", "import")
	other.run(0, "diff", "--tenant")
}

// TestTreeCommandsSayWhatIsWrong: before anything is sent, where that is possible.
func TestTreeCommandsSayWhatIsWrong(t *testing.T) {
	key := environment(t)
	s := start(t, "--database", "sqlite://"+filepath.Join(t.TempDir(), "p.db"), "--master-key-file", key)
	c := checkoutOf(t, s)
	c.run(0, "pull")
	for name, text := range map[string]string{
		"services/a.yaml": "name: [",
		"services/b.yaml": "- a list",
		"services/c.yaml": "name: {{ include \"../../x\" }}",
		"services/d.yaml": "name: {{ include \"gone.rego\" }}",
		"services/e.yaml": "name: {{ env \"NOT_SET_ANYWHERE\" }}",
		"services/f.yaml": "name: {{ nope }}",
		"services/g.yaml": "name: x\nname: y\n",
	} {
		c.write(name, text)
		if out := c.run(2, "diff"); !strings.Contains(out, filepath.Base(name)) {
			t.Errorf("%s: %s", name, out)
		}
		os.Remove(c.path(name))
	}
	for _, x := range []struct {
		args []string
		says string
	}{
		{[]string{"push", "--tenant", "--workspace", "default"}, "either --workspace ID or --tenant"},
		{[]string{"push", "--prune", "--method", "import"}, "--prune"},
		{[]string{"pull", "--client-secret-file", filepath.Join(c.dir, "none")}, "none"},
	} {
		if out := c.run(1, x.args...); !strings.Contains(out, x.says) {
			t.Errorf("%v: %s", x.args, out)
		}
	}
	t.Setenv("PORTCULLIS_CLIENT_SECRET", "")
	if out := c.run(2, "diff"); !strings.Contains(out, "PORTCULLIS_CLIENT_SECRET") {
		t.Errorf("without a secret: %s", out)
	}
	t.Setenv("PORTCULLIS_CLIENT_SECRET", "wrong, and long enough to be a secret")
	if out := c.run(2, "diff"); !strings.Contains(out, "gave no access token") || strings.Contains(out, "wrong, and long") {
		t.Errorf("with a wrong secret: %s", out)
	}
	err := run(context.Background(), []string{"diff", "--workspace", "default", "--issuer-url", "http://example.com/default/system", "--client-id", "ci"}, &bytes.Buffer{}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "in clear") {
		t.Errorf("plain http to another machine: %v", err)
	}
}

// TestFilesRoundTrip: any texts come back from the files as they were, but for line ends at the end of a definition.
func TestFilesRoundTrip(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		at := filepath.Join(dir, strings.Repeat("x", n%3+1)+string(rune('a'+n%26))+rapid.StringMatching(`[a-z]{8}`).Draw(t, "dir"))
		defer os.RemoveAll(at)
		policies := map[string]any{}
		for _, id := range rapid.SliceOfN(rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9_.:-]{0,6}`), 0, 5).Draw(t, "ids") {
			policies[id] = map[string]any{"policy_name": rapid.String().Draw(t, "name"), "language": rapid.SampledFrom([]string{"rego", "cedar", "cloudentity"}).Draw(t, "language"),
				"definition": rapid.OneOf(rapid.String(), rapid.StringMatching(`[ \t\na{}|"'#:-]{0,20}`)).Draw(t, "definition")}
		}
		want := tidyServer(map[string]any{"name": rapid.String().Draw(t, "server"), "policies": policies})
		w, err := readWorkspace(at)
		if err == nil {
			_, err = w.write(want)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := readWorkspace(at)
		if err != nil {
			t.Fatal(err)
		}
		if !same(want, got.tree) {
			t.Fatalf("wrote %v\nread  %v", want, got.tree)
		}
		changed, err := got.write(want)
		if err != nil || len(changed) > 0 {
			t.Fatalf("written again: %v %v", changed, err)
		}
	})
}
