package portal_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"portcullis/control"
	"portcullis/control/portal/portaltest"
)

// TestCheckPolicy: the address that the editor asks while somebody types.
func TestCheckPolicy(t *testing.T) {
	w := newWorld(t)
	for language, text := range map[string]string{"rego": "package acp.authz\n\nallow := false\n", "cedar": "forbid (principal, action, resource);\n"} {
		must(w.admin.CreatePolicy(t.Context(), w.operator, control.Policy{ID: language, ServerID: "default", PolicyName: language, Language: language, Definition: text}))(t)
	}
	must(w.admin.CreateWorkspace(t.Context(), w.operator, control.Workspace{ID: "other", Name: "Other"}))(t)
	b := w.signedIn("admin", password)
	for _, c := range []struct {
		name, policy, text string
		line, column       int
		words              string // "": nothing is wrong
		warning            bool
	}{
		{"fine", "rego", "package acp.authz\n\nallow if input.authn_ctx.sub == \"joe\"\n", 0, 0, "", false},
		{"Rego", "rego", "package acp.authz\r\n\r\nallow if {\r\n\tinput.x == \r\n}\r\n", 5, 1, "unexpected", false},
		{"member of no input", "rego", "package acp.authz\n\nallow if input.reqest.path == \"/\"\n", 3, 10, "reqest", true},
		{"Cedar", "cedar", "permit (principal, action, resource)\nwhen { context.method == };\n", 2, 27, "primary", false},
		{"YAML", "block_default_api", "validators:\n  - name: [\n", 0, 0, "", false},
		{"comparator", "block_default_api", "validators:\n  - name: identity-context\n    conf: {fields: [{field: sub, comparator: sounds, value: x}]}\n", 3, 46, "sounds", false},
		{"else is missing", "block_default_api", "validators:\n  - name: if-else\n    conf: {if: [{name: \"true\"}], then: [{name: \"true\"}]}\n", 0, 0, "else", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := w.signedIn("admin", password)
			b.t = t
			p := b.post("/app/default/policies/"+c.policy+"/check", "text", c.text)
			var got struct {
				Problems []struct {
					Line, Column int
					Text         string
					Warning      bool
				}
			}
			if p.status != 200 || p.header.Get("Content-Type") != "application/json" || json.Unmarshal([]byte(p.body), &got) != nil || got.Problems == nil {
				t.Fatalf("%d %s", p.status, p.body)
			}
			if c.name == "fine" {
				if len(got.Problems) != 0 {
					t.Errorf("%s", p.body)
				}
				return
			}
			if len(got.Problems) == 0 || !strings.Contains(strings.ToLower(got.Problems[0].Text), c.words) || got.Problems[0].Warning != c.warning ||
				c.line > 0 && (got.Problems[0].Line != c.line || got.Problems[0].Column != c.column) {
				t.Errorf("%s", p.body)
			}
		})
	}
	b.post("/app/other/policies/rego/check", "text", "x").wants(404)
	if p := b.send(http.MethodPost, "/app/default/policies/rego/check", "text=x", "Sec-Fetch-Site", "cross-site"); p.status != 403 {
		t.Errorf("another site may ask: %d", p.status)
	}
	b.get("/app/default/policies/rego").wants(200).lacks("x ++") // nothing was saved
}

// TestEditor: the editor of policies in a real browser, where it is part of this build: colours under the
// Content-Security-Policy, completion, problems while one types, the keyboard's way out, and the same form as without it.
func TestEditor(t *testing.T) {
	w := newWorld(t)
	must(w.admin.CreatePolicy(t.Context(), w.operator, control.Policy{ID: "rego", ServerID: "default", PolicyName: "R", Language: "rego", Definition: "package acp.authz\n\ndefault allow := false\n"}))(t)
	must(w.admin.CreatePolicy(t.Context(), w.operator, control.Policy{ID: "cedar", ServerID: "default", PolicyName: "C", Language: "cedar", Definition: "forbid (principal, action, resource);\n"}))(t)
	plain := w.signedIn("admin", password)
	if !strings.Contains(plain.get("/app/default/policies/rego").body, "/editor.") {
		t.Skip("the editor is not part of this build; make assets")
	}
	if p := plain.get("/app/default/policies"); strings.Contains(p.body, "/editor.") {
		t.Error("a page without an editor loads it")
	}
	b := portaltest.OpenTab(t, w.server.URL)
	problems := portaltest.Broken(b)
	b.Open("/app/login")
	b.Fill("username", "admin")
	b.Fill("password", password)
	b.Click("Log in")

	const editor = `.cm-editor[data-for="text"]`
	class := func(name string) bool {
		return portaltest.Evaluate[bool](b, fmt.Sprintf(`!!document.querySelector('%s %s')`, editor, name))
	}
	b.Open("/app/default/policies/rego")
	if got := portaltest.Evaluate[string](b, fmt.Sprintf(`getComputedStyle(document.querySelector('%s')).display`, editor)); got != "flex" {
		t.Errorf("the editor's own style does not apply: display is %s", got)
	}
	if got := portaltest.Evaluate[string](b, `document.querySelector('.cm-editor[data-for="text"] .cm-content').getAttribute("aria-label")`); got != "Definition" {
		t.Errorf("the editor is called %q", got)
	}
	if !portaltest.Evaluate[bool](b, `document.querySelector("textarea#text").hidden`) {
		t.Error("the plain text area shows beside the editor")
	}
	if !class(".tok-keyword") {
		t.Error("no keyword is coloured")
	}
	// Problems come while one types, at their place, and go when they are mended.
	b.Fill("text", "package acp.authz\n\nallow if input.reqest.path == \"/pets\"\n")
	b.Do(chromedp.WaitVisible(chromedp.CSS(editor + " .cm-lintRange-warning")))
	b.Fill("text", "package acp.authz\n\nallow if {\n")
	b.Do(chromedp.WaitVisible(chromedp.CSS(editor + " .cm-lint-marker-error")))
	if got := portaltest.Evaluate[string](b, `[...document.querySelectorAll("[role=status]")].map(e => e.textContent).join(" ")`); !strings.Contains(got, "Line") {
		t.Errorf("a screen reader hears %q", got)
	}
	b.Fill("text", "package acp.authz\n\nallow if ")
	b.Do(chromedp.KeyEvent("input.req"), chromedp.WaitVisible(chromedp.CSS(".cm-tooltip-autocomplete")))
	if got := portaltest.Evaluate[string](b, `document.querySelector(".cm-tooltip-autocomplete").innerText`); !strings.Contains(got, "input.request.method") {
		t.Errorf("the completion offers %q", got)
	}
	b.Shot("editor-completion")
	b.Do(chromedp.Click(`//*[contains(@class, "cm-tooltip-autocomplete")]//li[starts-with(normalize-space(.), "input.request.method")]`), chromedp.KeyEvent(" == "))
	b.Insert(`"GET"`)
	const want = "package acp.authz\n\nallow if input.request.method == \"GET\""
	if got := portaltest.Evaluate[string](b, `document.querySelector("textarea#text").value`); got != want {
		t.Errorf("the form holds %q", got)
	}
	// Tab stays, Escape and Tab goes on.
	focused := `document.activeElement.closest(".cm-editor")?.dataset.for ?? ""`
	b.Do(chromedp.KeyEvent("\r"), chromedp.KeyEvent("\t"))
	if got := portaltest.Evaluate[string](b, focused); got != "text" {
		t.Error("Tab has left the editor")
	}
	b.Do(chromedp.KeyEvent("\u001b"), chromedp.KeyEvent("\t"))
	if got := portaltest.Evaluate[string](b, focused); got == "text" {
		t.Error("Escape and Tab do not leave the editor")
	}
	b.Shot("editor")
	b.Click("Save")
	b.Says("Policy saved.")
	if got := must(w.admin.GetPolicy(t.Context(), w.operator, "rego"))(t).Definition; strings.TrimSpace(got) != want {
		t.Errorf("saved is %q", got)
	}

	b.Open("/app/default/policies/cedar")
	b.Fill("text", "permit (principal is User, action, resource)\nwhen { context. };\n")
	b.Do(chromedp.WaitVisible(chromedp.CSS(editor + " .cm-lint-marker-error")))
	if !class(".tok-typeName") || !class(".tok-variableName2") {
		t.Error("Cedar is not coloured")
	}
	b.Open("/app/default/policies/block_default_api")
	b.Fill("text", "validators:\n  - name: ")
	b.Do(chromedp.KeyEvent("iden"), chromedp.WaitVisible(chromedp.CSS(".cm-tooltip-autocomplete")))
	// The list takes no click for a moment after it has opened, so that nobody picks what they have not seen.
	holds := ""
	for until := time.Now().Add(10 * time.Second); !strings.HasSuffix(holds, "name: identity-context") && time.Now().Before(until); {
		b.Do(chromedp.Sleep(100 * time.Millisecond))
		portaltest.Evaluate[int](b, `(document.querySelector(".cm-tooltip-autocomplete li")?.dispatchEvent(new MouseEvent("mousedown", {bubbles: true, cancelable: true})), 0)`)
		holds = portaltest.Evaluate[string](b, `document.querySelector("textarea#text").value`)
	}
	if !strings.HasSuffix(holds, "name: identity-context") {
		t.Errorf("the form holds %q", holds)
	}
	b.Theme("dark")
	b.Open("/app/default/policies/rego")
	b.Shot("editor-dark")
	for _, p := range problems() {
		t.Error(p)
	}
}
