package portal_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"portcullis/control"
	"portcullis/control/portal/portaltest"
	"portcullis/edge/waist"
)

// cardForm writes the members of one card's form: the path, then names and values below it.
func cardForm(path string, pairs ...string) []string {
	var out []string
	for k := 0; k+1 < len(pairs); k += 2 {
		out = append(out, path+"."+pairs[k], pairs[k+1])
	}
	return out
}

// form is a whole form: the button, the number of cards of the policy's list, and the members of cards.
func form(do string, n int, members ...[]string) []string {
	out := []string{"do", do, "c.n", fmt.Sprint(n)}
	for _, m := range members {
		out = append(out, m...)
	}
	return out
}

func TestCards(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn("admin", password)
	must(w.admin.CreatePolicy(t.Context(), w.operator, control.Policy{ID: "mixed", ServerID: "default", PolicyName: "Mixed", Validators: []waist.Validator{
		{Name: "identity-context", Conf: json.RawMessage(`{"fields":[{"field":"amr","comparator":"contains_all","value":["mfa","pwd"]},{"field":"level","comparator":"equals","value":"3"}]}`), Recovery: []waist.Recovery{{Type: "mfa"}}},
		{Name: "any", Conf: json.RawMessage(`{"validators":[{"name":"scopes","conf":{"fields":[{"field":"pets.read","comparator":"present","value":""}]}},{"name":"true"}]}`)},
	}}))(t)
	const address = "/app/default/policies/mixed/visual"
	p := b.get(address).wants(200, "Authentication context", "Passes when amr contains all of", "2. OR group", "2.1. Scopes", "2.2. Pass",
		"A request is allowed when (amr contains all of mfa, pwd and level equals \"3\") and (scope pets.read is granted or anything).", "- name: any")
	p.has(`value="mfa, pwd"`, `value="&#34;3&#34;"`) // a text that looks like a number is quoted
	stored := func() any { return compact(must(w.admin.GetPolicy(t.Context(), w.operator, "mixed"))(t)) }

	first := cardForm("c.0", "name", "identity-context", "rows", "2", "recovery", `[{"type":"mfa"}]`, "0.field", "amr", "0.comparator", "contains_all", "0.value", `mfa, pwd`,
		"1.field", "level", "1.comparator", "equals", "1.value", `"3"`)
	second := append(cardForm("c.1", "name", "any", "validators.n", "2"), append(cardForm("c.1.validators.0", "name", "scopes", "rows", "1", "0.field", "pets.read", "0.comparator", "present", "0.value", ""),
		cardForm("c.1.validators.1", "name", "true")...)...)
	before := stored()
	b.post(address, form("save", 2, first, second)...).wants(200, "Policy saved.")
	if diff := cmp.Diff(before, stored()); diff != "" {
		t.Errorf("saving the cards as they were changed the policy (-before +after):\n%s", diff)
	}

	// Buttons change what is shown and nothing else.
	for _, c := range []struct {
		do      string
		n       int
		members [][]string
		words   []string
		markup  []string
	}{
		{"add c", 1, [][]string{first, {"c.kind", "header"}}, []string{"2. Request headers", "Not saved yet"}, []string{`name="c.1.0.field"`}},
		{"add c", 1, [][]string{first, {"c.kind", "if-else"}}, []string{"2. If / else", "Without a card here, requests for which If does not hold are denied."}, []string{`name="c.1.then.n"`}},
		{"add c.1.validators", 2, [][]string{first, second, {"c.1.validators.kind", "time"}}, []string{"2.3. Time", "it is any day in UTC"}, []string{`name="c.1.validators.2.zone"`}},
		{"row c.0", 1, [][]string{first}, nil, []string{`name="c.0.2.field"`}},
		{"unrow c.0 0", 1, [][]string{first}, []string{"Passes when level equals"}, nil},
		{"down c.0", 2, [][]string{first, second}, []string{"2. Authentication context", "1. OR group"}, nil},
		{"up c.1.validators.1", 2, [][]string{first, second}, []string{"2.1. Pass", "2.2. Scopes"}, nil},
		{"remove c.0", 2, [][]string{first, second}, []string{"1. OR group"}, nil},
		{"remove c.1.validators.0", 2, [][]string{first, second}, []string{"2.1. Pass"}, nil},
		{"remove c.9", 1, [][]string{first}, []string{"1. Authentication context"}, nil},
		{"copy c.0", 1, [][]string{first}, []string{"2. Authentication context"}, []string{`name="c.1.recovery"`}},
		{"not c.0", 1, [][]string{first}, []string{"1. NOT group", "1.1. Authentication context", "not (amr contains all of"}, nil},
		{"any c.1.validators.0", 2, [][]string{first, second}, []string{"2.1. OR group", "2.1.1. Scopes"}, nil},
		{"open c.1", 2, [][]string{first, second}, []string{"2. Scopes", "3. Pass"}, nil},
		{"out c.1.validators.0", 2, [][]string{first, second}, []string{"2.1. Pass", "3. Scopes"}, nil},
		{"into c.1", 2, [][]string{second[:0], cardForm("c.0", "name", "all", "validators.n", "0"), cardForm("c.1", "name", "true")}, []string{"1. AND group", "1.1. Pass"}, nil},
		{"move c.0 c.1.validators 1", 2, [][]string{first, second}, []string{"1. OR group", "1.1. Scopes", "1.2. Authentication context", "1.3. Pass"}, nil},
		{"move c.1 c.1.validators 0", 2, [][]string{first, second}, []string{"1. Authentication context", "2. OR group"}, nil}, // not into itself
		{"move c.0 c 2", 2, [][]string{first, second}, []string{"1. OR group", "2. Authentication context"}, nil},
		{"move c.0 c.7.validators 0", 2, [][]string{first, second}, []string{"1. Authentication context"}, nil},
		{"dance c.0", 1, [][]string{first}, []string{"1. Authentication context"}, nil},
		{"up", 1, [][]string{first}, []string{"1. Authentication context"}, nil},
	} {
		p := b.post(address, form(c.do, c.n, c.members...)...).wants(200, append(c.words, "Not saved yet")...)
		p.has(c.markup...)
	}
	if diff := cmp.Diff(before, stored()); diff != "" {
		t.Errorf("a button other than Save has changed the policy:\n%s", diff)
	}

	// Errors stand beside the row, also deep inside, and the values stay.
	row := func(path, comparator, value string) []string {
		return cardForm(path, "name", "identity-context", "rows", "1", "0.field", "sub", "0.comparator", comparator, "0.value", value)
	}
	b.post(address, form("save", 1, row("c.0", "sounds_like", "kept"))...).wants(422, "sounds_like").has(`value="kept"`, "aria-invalid")
	b.post(address, form("save", 1, row("c.0", "in", "[a"))...).wants(422, "This is no list")
	b.post(address, form("save", 1, cardForm("c.0", "name", "if-else", "if.n", "1", "then.n", "1", "else.n", "0"), row("c.0.if.0", "equals", "x"), row("c.0.then.0", "in_cidr", "not a network"))...).
		wants(422, "not a network").has(`id="c.0.then.0.0.value-help"`)
	b.post(address, form("save", 1, cardForm("c.0", "name", "all", "validators.n", "0"))...).wants(422, "There is no validator")
	b.post(address, form("save", 1, cardForm("c.0", "name", "time", "day", "mon", "from", "8 o'clock", "to", "18:00", "zone", "Mars/Olympus"))...).
		wants(422, "is not a time zone", "is not a time of day").has(`id="c.0.zone-help"`, `id="c.0.from-help"`)
	b.post(address, form("save", 1, cardForm("c.0", "name", "embedded-policy", "policy", ""))...).wants(422, "The policy to embed is missing")
	b.post(address, form("save", 0)...).wants(422)

	b.post(address, form("save", 3, cardForm("c.0", "name", "identity-context", "rows", "3", "0.field", "amr", "0.comparator", "contains_any", "0.value", "pwd, mfa",
		"1.field", "level", "1.comparator", "greater_than", "1.value", "3", "2.field", "sub", "2.comparator", "equals", "2.value", "$request.headers.x-user"),
		cardForm("c.1", "name", "time", "day", "fri", "day", "mon", "from", "08:00", "to", "18:00"), cardForm("c.2", "name", "embedded-policy", "policy", "nist-aal-1_default_api"))...).wants(200, "Policy saved.", "it is Mon, Fri from 08:00 to 18:00 in UTC")
	saved, err := json.Marshal(must(w.admin.GetPolicy(t.Context(), w.operator, "mixed"))(t).Validators)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{"fields":[{"field":"amr","comparator":"contains_any","value":["pwd","mfa"]},{"field":"level","comparator":"greater_than","value":3},{"field":"sub","comparator":"equals","value":"$request.headers.x-user"}]}`,
		`{"days":["mon","fri"],"from":"08:00","to":"18:00"}`, `{"policy_id":"nist-aal-1_default_api"}`} {
		if !strings.Contains(string(saved), want) {
			t.Errorf("saved is %s, want %s in it", saved, want)
		}
	}
	must(w.admin.CreatePolicy(t.Context(), w.operator, control.Policy{ID: "rego", ServerID: "default", PolicyName: "R", Language: "rego", Definition: "package acp.authz\n\nallow := true\n"}))(t)
	b.get("/app/default/policies/rego/visual").wants(404, "REGO")
}

// TestCardsAndText: the two editors hand over what is typed and not saved, and a policy goes to a file and back.
func TestCardsAndText(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn("admin", password)
	const policy = "/app/default/policies/block_default_api"
	b.post(policy+"/visual", "do", "cards", "policy_name", "Block API", "text", "validators:\n  - name: any\n    conf: {validators: [{name: header, conf: {fields: [{field: X-A, comparator: present}]}}]}\n").
		wants(200, "1. OR group", "1.1. Request headers", "header X-A is present", "Not saved yet")
	b.post(policy+"/visual", "do", "cards", "text", "validators: [").wants(422, "Line")
	b.post(policy+"/visual", append(form("yaml", 1, cardForm("c.0", "name", "not", "validators.n", "1"), cardForm("c.0.validators.0", "name", "false")), "policy_name", "Block API")...).
		wants(200, "These are the cards as YAML.", "- name: not", `- name: "false"`)
	if got := must(w.admin.GetPolicy(t.Context(), w.operator, "block_default_api"))(t); got.Validators[0].Name != "false" {
		t.Errorf("going from one editor to the other has saved %+v", got)
	}

	file := b.get(policy + "/download").wants(200)
	if file.body != "validators:\n  - name: \"false\"\n" || !strings.Contains(file.header.Get("Content-Disposition"), "block_default_api.yaml") {
		t.Errorf("%q %s", file.body, file.header)
	}
	upload := func(body string) page {
		const boundary = "xxBOUNDARYxx"
		return b.send("POST", policy+"/upload", "--"+boundary+"\r\nContent-Disposition: form-data; name=\"file\"; filename=\"mine.yaml\"\r\nContent-Type: application/yaml\r\n\r\n"+body+"\r\n--"+boundary+"--\r\n",
			"Content-Type", "multipart/form-data; boundary="+boundary)
	}
	upload("validators:\n  - name: \"true\"\n").wants(200, "This is the file mine.yaml. Save to keep it.").has("- name: &#34;true&#34;")
	upload("\xff\xfe").wants(422, "not text in UTF-8")
	upload("").wants(422, "The file is empty.")
	upload(strings.Repeat("x", 300<<10)).wants(422, "larger than 256 KB")
	b.post(policy+"/upload", "file", "x").wants(422, "Choose a file first.")
	if got := must(w.admin.GetPolicy(t.Context(), w.operator, "block_default_api"))(t); got.Validators[0].Name != "false" {
		t.Errorf("the upload has saved %+v", got)
	}
}

// TestCardsInBrowser: cards are dragged, buttons change the page in place, and the keyboard keeps its place.
func TestCardsInBrowser(t *testing.T) {
	w := newWorld(t)
	must(w.admin.CreatePolicy(t.Context(), w.operator, control.Policy{ID: "p", ServerID: "default", PolicyName: "P", Validators: []waist.Validator{
		{Name: "header", Conf: json.RawMessage(`{"fields":[{"field":"X-A","comparator":"present","value":""}]}`)},
		{Name: "any", Conf: json.RawMessage(`{"validators":[{"name":"true"}]}`)}}}))(t)
	if !strings.Contains(w.signedIn("admin", password).get("/app/default/policies/p/visual").body, "/cards.") {
		t.Skip("the scripts are not part of this build; make assets")
	}
	b := portaltest.OpenTab(t, w.server.URL)
	problems := portaltest.Broken(b)
	b.Open("/app/login")
	b.Fill("username", "admin")
	b.Fill("password", password)
	b.Click("Log in")
	b.Open("/app/default/policies/p/visual")
	b.Says("1. Request headers", "2.1. Pass")
	portaltest.Evaluate[int](b, `window.stays = 1, 0`)
	box := func(css string) (x, y float64) {
		at := portaltest.Evaluate[[]float64](b, fmt.Sprintf(`(() => { const r = document.querySelector(%q).getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2] })()`, css))
		return at[0], at[1]
	}
	drag := func(from, to string, dy float64) {
		t.Helper()
		x, y := box(from)
		tx, ty := box(to)
		b.Do(chromedp.MouseEvent(chromedp.MousePressed, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)), chromedp.MouseEvent(chromedp.MouseMoved, tx, ty, chromedp.ButtonLeft), chromedp.MouseEvent(chromedp.MouseMoved, tx, ty+dy, chromedp.ButtonLeft))
		b.Do(chromedp.MouseEvent(chromedp.MouseReleased, tx, ty+dy, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	}
	drag(`[data-card="c.0"] .grip`, `[data-card="c.1.validators.0"] section`, 24)
	b.Says("1. OR group", "1.1. Pass", "1.2. Request headers", "Not saved yet")
	b.Do(chromedp.Focus(chromedp.CSS(`[value="up c.0.validators.1"]`)), chromedp.KeyEvent("\r"))
	b.Says("1.1. Request headers", "1.2. Pass")
	if got := portaltest.Evaluate[string](b, `document.activeElement.getAttribute("aria-label") ?? ""`); got != "Move card 1.1 down" {
		t.Errorf("the focus is on %q", got) // Up cannot be pressed any more
	}
	if portaltest.Evaluate[int](b, `window.stays ?? 0`) != 1 {
		t.Error("a button has loaded the page anew")
	}
	b.Shot("cards")
	b.Click("Save")
	b.Says("Policy saved.", "1.1. Request headers")
	if got := must(w.admin.GetPolicy(t.Context(), w.operator, "p"))(t).Validators; len(got) != 1 || got[0].Name != "any" {
		t.Errorf("saved is %+v", got)
	}
	for _, p := range problems() {
		t.Error(p)
	}
}

// compact is a policy's validators without the accidents of spacing and of members that say nothing.
func compact(p control.Policy) any {
	b, err := json.Marshal(p.Validators)
	if err != nil {
		return err
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	return lean(v)
}

func lean(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if list, ok := x.([]any); x == nil || ok && len(list) == 0 {
				delete(v, k)
				continue
			}
			v[k] = lean(x)
		}
	case []any:
		for i := range v {
			v[i] = lean(v[i])
		}
	}
	return v
}
