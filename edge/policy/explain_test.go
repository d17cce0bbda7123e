package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"portcullis/edge/waist"
)

// TestDecided: in each language the explanation names what the decision rests on, with the values that it saw and
// without those of secrets.
func TestDecided(t *testing.T) {
	visual := func(validators string) waist.Policy { return visualPolicy(t, validators) }
	rego := func(body string) waist.Policy {
		return waist.Policy{ID: "x", Language: waist.LanguageRego, Definition: "package acp.authz\n\n" + body}
	}
	cedar := func(text string) waist.Policy {
		return waist.Policy{ID: "x", Language: waist.LanguageCedar, Definition: text}
	}
	inner := visual(`[{"name":"identity-context","conf":{"fields":[{"field":"sub","comparator":"equals","value":"ann"}]}}]`)
	inner.ID = "inner"
	row := func(field, comparator, value string) string {
		return `{"name":"attributes","conf":{"fields":[{"field":"request.method","comparator":"equals","value":"GET"},{"field":"` + field + `","comparator":"` + comparator + `","value":"` + value + `"}]}}`
	}
	const secret = "s3cr3t-value"
	for _, c := range []struct {
		name  string
		p     waist.Policy
		allow bool
		want  []string // "path outcome: message", prefixes with … in the middle left out
	}{
		{"row", visual(`[{"name":"true"},` + row("authnCtx.sub", "equals", "eve") + `]`), false,
			[]string{`validators[1].conf.fields[1] fails: authnCtx.sub equals "eve" does not hold: authnCtx.sub is "joe"`}},
		{"reference", visual(`[` + row("authnCtx.sub", "equals", "$request.pathParams.userId") + `]`), false,
			[]string{`validators[0].conf.fields[1] fails: authnCtx.sub equals $request.pathParams.userId does not hold: authnCtx.sub is "joe", request.pathParams.userId is "ann"`}},
		{"secret", visual(`[` + row("request.headers.authorization", "equals", "x") + `]`), false,
			[]string{`validators[0].conf.fields[1] fails: request.headers.authorization equals "x" does not hold: request.headers.authorization is (redacted)`}},
		{"unknown", visual(`[` + row("authnCtx.sub", "greater_than", "5") + `]`), false,
			[]string{`validators[0].conf.fields[1] unknown: authnCtx.sub greater_than "5" cannot be compared: authnCtx.sub is "joe"`}},
		{"else", visual(`[{"name":"if-else","conf":{"if":[{"name":"false"}],"then":[{"name":"true"}],"else":[{"name":"true"},` + row("authnCtx.sub", "absent", "") + `]}}]`), false,
			[]string{`validators[0].conf.else[1].conf.fields[1] fails: authnCtx.sub absent does not hold: authnCtx.sub is "joe"`}},
		{"any", visual(`[{"name":"any","conf":{"validators":[` + row("authnCtx.sub", "equals", "eve") + `,{"name":"false"}]}}]`), false,
			[]string{"validators[0] fails: none of the alternatives holds"}},
		{"all", visual(`[{"name":"all","conf":{"validators":[{"name":"true"},{"name":"false"}]}}]`), false,
			[]string{"validators[0].conf.validators[1] fails: this validator never passes"}},
		{"scope", visual(`[{"name":"scopes","conf":{"fields":[{"field":"pets.write","comparator":"present"}]}}]`), false,
			[]string{"validators[0].conf.fields[0] fails: scope pets.write present does not hold: the token's scopes are [pets.read]"}},
		{"embedded", visual(`[{"name":"embedded-policy","conf":{"policy_id":"inner"}}]`), false,
			[]string{`validators[0] fails: the embedded policy inner does not allow (policy_denied): sub equals "ann" does not hold: sub is "joe"`}},
		{"visual allows", visual(`[{"name":"true"},{"name":"identity-context","conf":{"fields":[{"field":"sub","comparator":"present"}]}}]`), true,
			[]string{"validators[0] holds: this validator always passes", `validators[1].conf.fields[0] holds: sub present holds: sub is "joe"`}},

		{"rego rule", rego("default allow := false\n\nallow if {\n\tinput.request.method == \"GET\"\n\tinput.authn_ctx.sub == \"eve\"\n}\n"), false,
			[]string{"allow fails: the default, which counts when no other rule holds", `allow fails: line 7 does not hold: input.authn_ctx.sub == "eve"; input.authn_ctx.sub is "joe"`}},
		{"rego allows", rego("allow if input.authn_ctx.sub == \"joe\"\n\nallow if input.authn_ctx.sub == \"eve\"\n"), true,
			[]string{`allow holds: the rule holds; input.authn_ctx.sub is "joe"`}},
		{"rego false", rego("default allow := true\n\nallow := false if input.authn_ctx.sub == \"joe\"\n"), false,
			[]string{`allow holds: the rule holds and says false; input.authn_ctx.sub is "joe"`}},
		{"rego default", rego("default allow := true\n\nallow := false if input.authn_ctx.sub == \"eve\"\n"), true,
			[]string{"allow fails: the default, which counts when no other rule holds", `allow fails: line 5 does not hold`}},
		{"rego secret", rego("allow if input.request.headers.Authorization[0] == \"x\"\n"), false,
			[]string{`allow fails: line 3 does not hold: input.request.headers.Authorization[0] == "x"; input.request.headers.Authorization[0] is (redacted)`}},

		{"cedar forbid", cedar("permit(principal, action, resource);\n@id(\"joe\")\nforbid(principal, action, resource) when { context.claims.sub == \"joe\" };"), false,
			[]string{`joe holds: forbid applies; context.claims.sub is "joe"`}},
		{"cedar permit", cedar("permit(principal, action, resource) when { context.claims has sub && context.claims.sub == \"eve\" };\nforbid(principal, action == Action::\"PUT\", resource);"), false,
			[]string{`statement 1 fails: permit does not apply: when { context.claims has sub && context.claims.sub == "eve" }; context.claims.sub is "joe"`}},
		{"cedar scope", cedar("permit(principal == User::\"eve\", action, resource);"), false,
			[]string{`statement 1 fails: permit does not apply: its scope is for others than User::"joe", Action::"GET"`}},
		{"cedar second", cedar("permit(principal, action, resource) when { true } unless { context.path_params has userId && context.path_params.userId == \"ann\" };"), false,
			[]string{`statement 1 fails: permit does not apply: unless { context.path_params has userId`}},
		{"cedar allows", cedar("permit(principal, action, resource) when { principal.sub == \"joe\" };"), true,
			[]string{`statement 1 holds: permit applies; principal.sub is "joe"`}},
		{"cedar error", cedar("permit(principal, action, resource);\nforbid(principal, action, resource) when { context.claims.nobody };"), false,
			[]string{"statement 2 unknown: forbid failed: ", "; context.claims.nobody is absent"}},
		{"cedar secret", cedar("permit(principal, action, resource) when { context.headers.authorization.contains(\"x\") };"), false,
			[]string{`; context.headers.authorization is (redacted)`}},
		{"cedar record", cedar("permit(principal, action, resource) when { context.claims.cnf == {a: 1} };"), false,
			[]string{`; context.claims.cnf is (not shown: name the member)`}},
	} {
		in := &Input{AuthnCtx: map[string]any{"sub": "joe", "scp": []any{"pets.read"}, "cnf": map[string]any{"x": "y"}},
			Request: Request{Method: "GET", PathParams: map[string]string{"userId": "ann"}, Headers: map[string][]string{"Authorization": {secret}}}}
		x := Compile([]waist.Policy{c.p, inner}, Options{}).Explain(context.Background(), "x", in)
		var got []string
		for _, s := range x.Decided {
			got = append(got, fmt.Sprintf("%s %s: %s", s.Path, s.Outcome, s.Message))
		}
		text := strings.Join(got, "\n")
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: got\n%s\nwant\n%s", c.name, text, want)
			}
		}
		if (x.Decision == Allow) != c.allow || len(got) == 0 || !strings.HasPrefix(c.want[0], ";") && c.name != "cedar error" && len(got) != len(c.want) {
			t.Errorf("%s: %v, %d steps:\n%s", c.name, x.Decision, len(got), text)
		}
		if all, err := json.Marshal(x); err != nil || strings.Contains(string(all), secret) {
			t.Errorf("%s: %v, a secret is shown: %s", c.name, err, all)
		}
	}
}
