package portal_test

import (
	"strings"
	"testing"
)

// TestPolicyCases runs files of cases against the text in the editor, saved or not.
func TestPolicyCases(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn("admin", password)
	b.post("/app/default/policies", "policy_name", "Only joe", "language", "rego").wants(200, "Test cases", "policy: default-only-joe", "Run cases")
	const address = "/app/default/policies/default-only-joe/cases"
	const rego = "package acp.authz\n\ndefault allow := false\n\nallow if input.authn_ctx.sub == \"joe\"\n"
	const joe = "- name: joe\n  policy: default-only-joe\n  input: {authn_ctx: {sub: joe}}\n  allow: true\n"
	const jane = "- name: jane\n  policy: default-only-joe\n  input: {authn_ctx: {sub: jane}}\n  allow: false\n"
	for _, c := range []struct {
		name, cases string
		status      int
		words       []string
	}{
		{"both hold", "cases:\n" + joe + jane, 200, []string{"2 cases passed, 0 failed"}},
		{"no policy named: this one", "cases:\n" + strings.ReplaceAll(joe, "  policy: default-only-joe\n", ""), 200, []string{"1 case passed, 0 failed"}},
		{"one is wrong", "cases:\n" + joe + strings.ReplaceAll(jane, "allow: false", "allow: true"), 200, []string{"1 case passed, 1 failed", "jane (line 6)"}},
		{"a policy that is not there", "cases:\n- name: x\n  policy: nobody\n  allow: true\n", 200, []string{"0 cases passed, 1 failed", "x (line 2)"}},
		{"a misspelt member", "cases:\n- policy: default-only-joe\n  alow: true\n", 422, []string{"The cases", "alow"}},
		{"no YAML", "cases: [", 422, []string{"The cases"}},
		{"too many", "cases:\n" + strings.Repeat("- {policy: default-only-joe, allow: false}\n", 501), 422, []string{"The cases are 501", "portcullis policy test"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := w.signedIn("admin", password)
			b.post(address, "policy_name", "Only joe", "text", rego, "cases", c.cases).wants(c.status, append(c.words, "input.authn_ctx.sub")...)
		})
	}
	b.post(address, "policy_name", "Only joe", "text", "package acp.authz\n\nallow if {", "cases", "cases:\n"+joe).wants(422, "Line")
	b.get("/app/default/policies/default-only-joe").lacks("allow if input.authn_ctx.sub") // nothing was saved
}
