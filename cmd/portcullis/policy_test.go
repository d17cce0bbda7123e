package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// asCommand makes this test binary the program: TestMain runs main instead of the tests.
const asCommand = "PORTCULLIS_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// command runs the program as a process of its own, in dir.
func command(t *testing.T, dir string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self, args...)
	c.Dir, c.Env = dir, []string{asCommand + "=1"}
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err = c.Run()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// TestPolicyTest is the command as CI systems see it: statuses, lines, report.
func TestPolicyTest(t *testing.T) {
	example, err := os.ReadFile("../../docs/reference/examples/petstore-policies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	shared := "owner:\n  language: cloudentity\n  validators:\n    - name: identity-context\n      conf: {fields: [{field: sub, comparator: equals, value: joe}]}\n"
	dir := t.TempDir()
	for name, text := range map[string]string{
		"good.yaml":    string(example),
		"wrong.yaml":   strings.Replace(string(example), "policy: owner, allow: true", "policy: owner, allow: false", 1),
		"invalid.yaml": "policies: {p: {language: rego, definition: 'package acp.authz'}}\ncases: [{policy: p, allow: false}]\n",
		"typo.yaml":    "cases: [{policy: p, alow: true}]\n",
		"none.yaml":    "cases: []\n",
		"shared.yaml":  shared,
		"uses.yaml":    "cases: [{policy: owner, input: {authn_ctx: {sub: joe}}, allow: true}, {policy: owner, allow: false}]\n",
		"doubtful.yaml": "policies: {p: {language: rego, definition: \"package acp.authz\\n\\nallow if { input.authn_ctx.token; not input.tenant }\\n\\nwho := input.authn_ctx.sub\\n\"}}\n" +
			"cases: [{policy: p, input: {authn_ctx: {sub: joe, token: abc}}, allow: true}]\n",
		"less.yaml": "cases: [{policy: owner, input: {authn_ctx: {sub: joe}}, allow: true}]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args   string
		status int
		stdout []string // parts, in order
		stderr string
	}{
		{"good.yaml", 0, []string{"ok   good.yaml: 9 cases\n"}, ""},
		{"--cover good.yaml", 0, []string{"ok ", "policy office-hours: ", "policy owner: 100% covered", "policy readers: "}, ""},
		{"good.yaml wrong.yaml", 1, []string{"ok   good.yaml", "FAIL wrong.yaml:37: own profile (policy owner): got allow"}, "1 problems in 18 cases of 2 files"},
		{"invalid.yaml", 1, []string{"FAIL invalid.yaml: policy p: definition", "FAIL invalid.yaml:2: line 2 (policy p): got deny policy_invalid"}, "2 problems"},
		{"--policies shared.yaml uses.yaml", 0, []string{"ok   uses.yaml: 2 cases"}, ""},
		{"--policies shared.yaml --cover less.yaml", 0, []string{"policy owner: 50% covered", "never failed"}, ""},
		{"--explain good.yaml", 0, []string{"good.yaml:", "own profile (policy owner): allow in ", "validators[0].conf.fields[0] holds: sub equals $request.pathParams.userId holds: sub is \"joe\"", "(policy_denied) in ", "ok   good.yaml"}, ""},
		{"-v doubtful.yaml", 0, []string{"warn doubtful.yaml: policy p: definition:3:", "no member \"tenant\"", "allow (line 3) holds: the rule holds; input.authn_ctx.token is (redacted)", "output who: \"joe\"", "ok   doubtful.yaml"}, ""},
		{"uses.yaml", 1, []string{"policy_unknown"}, "2 problems"},
		{"good.yaml missing.yaml", 2, nil, "missing.yaml"},
		{"good.yaml typo.yaml", 2, nil, "alow"},
		{"none.yaml", 2, nil, "no cases"},
		{"--policies typo.yaml good.yaml", 2, nil, "typo.yaml"},
		{"--junit no/such/directory.xml good.yaml", 2, []string{"ok "}, "was not written"},
		{"", 1, nil, "expected"},
	} {
		status, stdout, stderr := command(t, dir, append([]string{"policy", "test"}, strings.Fields(c.args)...)...)
		if status != c.status || !strings.Contains(stderr, c.stderr) || c.stderr == "" && stderr != "" {
			t.Errorf("%s: status %d, want %d; %s%s", c.args, status, c.status, stdout, stderr)
		}
		rest := stdout
		for _, part := range c.stdout {
			_, after, ok := strings.Cut(rest, part)
			if !ok {
				t.Errorf("%s: no %q in\n%s", c.args, part, stdout)
			}
			rest = after
		}
		if status == 2 && c.stdout == nil && strings.Contains(stdout, "cases\n") {
			t.Errorf("%s: something was run\n%s", c.args, stdout)
		}
	}

	status, _, _ := command(t, dir, "policy", "test", "--junit", "report.xml", "good.yaml", "wrong.yaml")
	text, err := os.ReadFile(filepath.Join(dir, "report.xml"))
	if err != nil || status != 1 {
		t.Fatal(err, status)
	}
	var report struct {
		Suites []struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Suites) != 2 || report.Suites[0].Tests != 9 || report.Suites[0].Failures != 0 || report.Suites[1].Name != "wrong.yaml" || report.Suites[1].Failures != 1 {
		t.Errorf("%+v", report)
	}
}
