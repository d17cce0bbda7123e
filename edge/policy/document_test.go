package policy

import (
	"os"
	"strings"
	"testing"

	"portcullis/edge/waist"
)

// TestMembers: every name of every member is one that its language knows, no part of the input is missing, and the
// reference has the same table.
func TestMembers(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	example := strings.NewReplacer("<claim>", "x", "<name>", "x", "<scope>", "x.read")
	visual, rego := map[string]bool{}, map[string]bool{}
	for _, m := range Members() {
		if m.Text == "" {
			t.Errorf("%v does not say what it is", m)
		}
		if row := "| `" + m.Visual + "` | `" + m.Rego + "` | `" + m.Cedar + "` | " + m.Text + " |"; !strings.Contains(string(page), row) {
			t.Errorf("docs/reference/policies.md lacks the row\n%s", row)
		}
		if m.Visual != "" {
			if _, err := parseField(example.Replace(m.Visual)); err != nil {
				t.Errorf("%s: %v", m.Visual, err)
			}
			head, rest, _ := strings.Cut(m.Visual, ".")
			next, _, _ := strings.Cut(rest, ".")
			visual[head+"."+next] = true
		}
		for language, source := range map[string]string{
			waist.LanguageRego:  "package acp.authz\n\nallow if " + example.Replace(m.Rego) + " == 1\n",
			waist.LanguageCedar: "permit (principal, action, resource) when { " + example.Replace(m.Cedar) + " == 1 };\n",
		} {
			for _, p := range Check(waist.Policy{ID: "p", Language: language, Definition: source}, nil) {
				t.Errorf("%s: %s", source, p)
			}
		}
		rego[m.Rego] = true
		parts := strings.SplitN(strings.NewReplacer(`["`, ".").Replace(m.Rego), ".", 4)
		if len(parts) > 2 {
			rego[parts[1]+"."+parts[2]] = true
		}
	}
	for _, part := range requestParts {
		if !rego["request."+part] {
			t.Errorf("Members lacks request.%s", part)
		}
	}
	for _, part := range contextMembers {
		if part != "login" && !rego["contexts."+part] { // login is there in login flows only
			t.Errorf("Members lacks contexts.%s", part)
		}
	}
	for name := range requestMembers {
		if !strings.Contains(name, "_") && !visual["request."+name] {
			t.Errorf("Members lacks request.%s", name)
		}
	}
}
