package attach

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portcullis/aws/discover"
)

// snippetAPIs are an API that has to be attached, and one that is to be given back, with names that try to break out.
func snippetAPIs(a *Attacher) []discover.API {
	zero := 0
	stage := discover.Stage{Name: "dev", DeploymentID: "d1"}
	uri := a.uri(functionARN)
	return []discover.API{
		{ID: "abc123", Name: "PetStore\n}\nresource \"x\" \"${y}\" {", Stages: []discover.Stage{stage}, Resources: []discover.Resource{
			{ID: "r1", Path: "/pets", Methods: map[string]discover.Method{"GET": {AuthorizationType: "NONE"}, "OPTIONS": {AuthorizationType: "NONE"}}},
			{ID: "r2", Path: "/pets/{petId}", Methods: map[string]discover.Method{"ANY": {}}}}},
		{ID: "def456", Name: "Old", Stages: []discover.Stage{stage}, Authorizers: []discover.Authorizer{{ID: "z1", Name: Name, Type: "REQUEST", URI: uri, TTL: &zero}}, Resources: []discover.Resource{
			{ID: "r1", Path: "/old", Methods: map[string]discover.Method{"GET": {AuthorizationType: "CUSTOM", AuthorizerID: "z1"}}}}},
	}
}

// TestSnippets: every format names every method and resource of the plan; the tools of each format accept it as it is.
func TestSnippets(t *testing.T) {
	tools := map[string][]string{
		FormatTerraform: {"terraform", "fmt", "-check", "-diff", "plan.tf"},
		FormatSAM:       {"cfn-lint", "--region", "eu-west-1", "--", "plan.yaml"},
		FormatCDK:       {"node", "--check", "plan.mjs"},
	}
	for _, ttl := range []int{0, 300} {
		a := &Attacher{Client: newAccount(t).client, TTL: ttl}
		w := Wanted{Bound: map[string]bool{"abc123-dev": true}, FunctionARN: functionARN, Caching: map[string]Caching{"abc123-dev": {Key: KeyRequest, Why: "test"}}}
		for _, format := range Formats() {
			text, notes, err := a.Snippet(t.Context(), snippetAPIs(a), w, format)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"abc123", "/pets", "/pets/{petId}", "ANY", "CUSTOM", "/old", functionARN + "/invocations", "arn:aws:execute-api:eu-west-1:123456789012:*/authorizers/*", fmt.Sprint(ttl)} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: %s is missing in\n%s", format, want, text)
				}
			}
			why := "dev: answers may be kept by token, method and path: test"
			if ttl == 0 {
				why += " (AWS_AUTHORIZER_TTL is 0: none are kept)"
			}
			if !strings.Contains(text, why+"\n") || !strings.HasSuffix(strings.Join(notes, "\n"), why) {
				t.Errorf("%s: %q is missing in\n%s\nor in %q", format, why, text, notes)
			}
			if strings.Contains(text, "OPTIONS") || strings.Contains(text, "context.path") != (ttl > 0) {
				t.Errorf("%s with TTL %d:\n%s", format, ttl, text)
			}
			tool := tools[format]
			if tool == nil || ttl == 0 && format != FormatTerraform { // one run of the slow ones
				continue
			}
			if _, err := exec.LookPath(tool[0]); err != nil {
				t.Logf("%s is not installed", tool[0])
				continue
			}
			if format == FormatCDK { // what is left of TypeScript without its types
				text = strings.Replace(text, "(scope: Construct): void", "(scope)", 1)
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, tool[len(tool)-1]), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(tool[0], tool[1:]...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE=/dev/null", "CHECKPOINT_DISABLE=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s\n%s", format, err, out, text)
			}
		}
	}
	a := &Attacher{Client: newAccount(t).client}
	if _, _, err := a.Snippet(t.Context(), nil, Wanted{FunctionARN: functionARN}, "pulumi"); err == nil {
		t.Error("an unknown format was taken")
	}
	if text, _, err := a.Snippet(t.Context(), nil, Wanted{FunctionARN: functionARN}, FormatSAM); err != nil || text != "" {
		t.Errorf("nothing to do: %q %v", text, err)
	}
}
