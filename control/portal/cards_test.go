package portal_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portcullis/control"
	"portcullis/edge/waist"
)

func TestCards(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn("admin", password)
	group := `{"validators":[{"name":"true","conf":null}]}`
	must(w.admin.CreatePolicy(t.Context(), w.operator, control.Policy{ID: "mixed", ServerID: "default", PolicyName: "Mixed", Validators: []waist.Validator{
		{Name: "identity-context", Conf: json.RawMessage(`{"fields":[{"field":"amr","comparator":"contains_all","value":["mfa","pwd"]},{"field":"level","comparator":"equals","value":"3"}]}`), Recovery: []waist.Recovery{{Type: "mfa"}}},
		{Name: "all", Conf: json.RawMessage(group)},
	}}))(t)
	const address = "/app/default/policies/mixed/visual"
	p := b.get(address).wants(200, "Authentication context", "Passes when amr contains all of", "Edited as YAML.")
	p.has(`value="mfa, pwd"`, `value="&#34;3&#34;"`) // a text that looks like a number is quoted

	// What is saved unchanged is unchanged.
	card := func(i string, pairs ...string) []string {
		out := []string{}
		for k := 0; k+1 < len(pairs); k += 2 {
			out = append(out, "c"+i+"."+pairs[k], pairs[k+1])
		}
		return out
	}
	first := card("0", "name", "identity-context", "rows", "2", "recovery", `[{"type":"mfa"}]`, "0.field", "amr", "0.comparator", "contains_all", "0.value", `mfa, pwd`,
		"1.field", "level", "1.comparator", "equals", "1.value", `"3"`)
	second := card("1", "name", "all", "rows", "0", "fixed", `{"name":"all","conf":`+group+`,"recovery":[]}`)
	form := func(do string, cards ...[]string) []string {
		out := []string{"do", do, "kind", "header", "cards", string(rune('0' + len(cards)))}
		for _, c := range cards {
			out = append(out, c...)
		}
		return out
	}
	before := must(w.admin.GetPolicy(t.Context(), w.operator, "mixed"))(t)
	b.post(address, form("save", first, second)...).wants(200, "Policy saved.")
	after := must(w.admin.GetPolicy(t.Context(), w.operator, "mixed"))(t)
	if diff := cmp.Diff(compact(before), compact(after)); diff != "" {
		t.Errorf("saving the cards as they were changed the policy (-before +after):\n%s", diff)
	}

	// Buttons change what is shown and nothing else.
	b.post(address, form("add", first)...).wants(200, "2. Request headers", "Not saved yet").has(`name="c1.0.field"`)
	b.post(address, form("row 0", first)...).wants(200).has(`name="c0.2.field"`)
	b.post(address, form("unrow 0 0", first)...).wants(200, "Passes when level equals").lacks("contains_all\" selected")
	b.post(address, form("down 0", first, second)...).wants(200, "2. Authentication context")
	b.post(address, form("remove 0", first, second)...).wants(200, "1. all").lacks(`name="c1.name"`)
	b.post(address, form("remove 9", first)...).wants(200, "1. Authentication context")
	if got := must(w.admin.GetPolicy(t.Context(), w.operator, "mixed"))(t); cmp.Diff(compact(after), compact(got)) != "" {
		t.Error("a button other than Save has changed the policy")
	}

	// Errors stand beside the row, and the values stay.
	b.post(address, form("save", card("0", "name", "identity-context", "rows", "1", "0.field", "sub", "0.comparator", "sounds_like", "0.value", "kept"))...).
		wants(422, "sounds_like").has(`value="kept"`, "aria-invalid")
	b.post(address, form("save", card("0", "name", "identity-context", "rows", "1", "0.field", "sub", "0.comparator", "in", "0.value", "[a"))...).wants(422, "This is no list")
	b.post(address, form("save")...).wants(422)

	b.post(address, form("save", card("0", "name", "identity-context", "rows", "3", "0.field", "amr", "0.comparator", "contains_any", "0.value", "pwd, mfa",
		"1.field", "level", "1.comparator", "greater_than", "1.value", "3", "2.field", "sub", "2.comparator", "equals", "2.value", "$request.headers.x-user"))...).wants(200, "Policy saved.")
	conf := string(must(w.admin.GetPolicy(t.Context(), w.operator, "mixed"))(t).Validators[0].Conf)
	if want := `{"fields":[{"field":"amr","comparator":"contains_any","value":["pwd","mfa"]},{"field":"level","comparator":"greater_than","value":3},{"field":"sub","comparator":"equals","value":"$request.headers.x-user"}]}`; strings.ReplaceAll(conf, " ", "") != want {
		t.Errorf("the conf is %s, want %s", conf, want)
	}
	must(w.admin.CreatePolicy(t.Context(), w.operator, control.Policy{ID: "rego", ServerID: "default", PolicyName: "R", Language: "rego", Definition: "package acp.authz\n\nallow := true\n"}))(t)
	b.get("/app/default/policies/rego/visual").wants(404, "REGO")
}

// compact is a policy's validators without the accidents of spacing.
func compact(p control.Policy) any {
	b, err := json.Marshal(p.Validators)
	if err != nil {
		return err
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	return v
}
