package portal_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"portcullis/control"
	"portcullis/edge/waist"
)

// tab is a real browser's tab.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
}

// openTab starts Chromium. Without it the test is skipped, or fails where PORTCULLIS_REQUIRE_CHROMIUM is set.
func openTab(t *testing.T, w *world) *tab {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("PORTCULLIS_REQUIRE_CHROMIUM") != "" {
			t.Fatal("Chromium is not in PATH; on Debian: apt-get install chromium")
		}
		t.Skip("Chromium is not in PATH; on Debian: apt-get install chromium")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("close the browser: %v", err)
		}
		cancel()
	})
	b := &tab{t: t, ctx: ctx, base: w.server.URL}
	// The browser lives as long as the context of the first action, so that one is not a step's.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return b
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.shot("failed")
		b.t.Fatalf("%v; the page says: %s", err, clip(b.text()))
	}
}

func (b *tab) open(path string) { b.t.Helper(); b.do(chromedp.Navigate(b.base + path)) }

// click clicks what a person would call by this name and waits for the page it leads to.
func (b *tab) click(name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(named(name))); err != nil {
		b.shot("failed")
		b.t.Fatalf("click %q: %v; the page says: %s", name, err, clip(b.text()))
	}
}

// named finds a link or a button by its text or label that is not below a popup.
func named(name string) string {
	return fmt.Sprintf(`(//*[self::a or self::button or self::summary][not(ancestor-or-self::*[@inert])][not(@hidden)][normalize-space(.)=%[1]q or @aria-label=%[1]q])[1]`, name)
}

func (b *tab) fill(id, text string) {
	b.t.Helper()
	b.do(chromedp.Clear(chromedp.ID(id)), chromedp.SendKeys(chromedp.ID(id), text))
}

// choose picks an option of a drop-down by its text.
func (b *tab) choose(css, option string) {
	b.t.Helper()
	found := evaluate[bool](b, fmt.Sprintf(`(() => { const s = document.querySelector(%q); const o = [...s.options].find(o => o.text.trim().startsWith(%q)); if (o) s.value = o.value; return !!o })()`, css, option))
	if !found {
		b.t.Fatalf("%s has no option %q", css, option)
	}
}

// says waits until the page shows the words.
func (b *tab) says(words ...string) {
	b.t.Helper()
	for _, w := range words {
		until := time.Now().Add(10 * time.Second)
		for !strings.Contains(b.text(), w) {
			if time.Now().After(until) {
				b.shot("failed")
				b.t.Fatalf("the page does not say %q; it says: %s", w, clip(b.text()))
			}
			b.do(chromedp.Sleep(100 * time.Millisecond))
		}
	}
}

func (b *tab) text() string {
	b.t.Helper()
	return strings.Join(strings.Fields(evaluate[string](b, `(document.body?.innerText || "") + " " + [...document.querySelectorAll("input")].map(i => i.value).join(" ")`)), " ")
}

func evaluate[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("evaluate %s: %v", clip(expression), err)
	}
	return v
}

// shot saves what the tab shows where PORTCULLIS_SCREENSHOTS names a directory.
func (b *tab) shot(name string) {
	dir := os.Getenv("PORTCULLIS_SCREENSHOTS")
	if dir == "" {
		return
	}
	img, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), img, 0o644)
	}
	if err != nil {
		b.t.Logf("screenshot %s: %v", name, err)
	}
}

// TestGuideInBrowser clicks through the portal's share of the guide in a real browser: with scripts, where they are part of
// this build, and without any.
func TestGuideInBrowser(t *testing.T) {
	for _, scripts := range []bool{false, true} {
		t.Run(map[bool]string{false: "without scripts", true: "with scripts"}[scripts], func(t *testing.T) {
			w := newWorld(t)
			if scripts && !strings.Contains(w.browser().get("/app/login").body, "<script") {
				t.Skip("the script bundle is not part of this build; make assets")
			}
			b := openTab(t, w)
			if !scripts {
				if _, err := chromedp.Run(b.ctx, func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
					_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
					return chromedp.Void{}, err
				}); err != nil {
					t.Fatal(err)
				}
			}
			guideByClicks(t, w, b, scripts)
		})
	}
}

func guideByClicks(t *testing.T, w *world, b *tab, scripts bool) {
	b.open("/app/")
	b.shot("login")
	b.fill("username", "admin")
	b.fill("password", password)
	b.click("Log in")
	b.says("Workspace Directory")
	b.shot("directory")
	b.do(chromedp.Click(`//a[.//h2[normalize-space(.)="Default"]]`))
	b.says("Overview", "No gateway yet")

	b.click("APIs")
	b.click("GATEWAYS")
	b.click("ADD GATEWAY")
	b.says("Amazon API Gateway")
	b.fill("name", "Pet gateway")
	b.fill("description", "eu-west-1")
	b.shot("add-gateway")
	b.click("NEXT")
	b.says("Gateway Management", "DOWNLOAD AUTHORIZER", "Waiting for the authorizer to authenticate")
	gid := regexp.MustCompile(`/gateways/([^/]+)/`).FindStringSubmatch(evaluate[string](b, "location.pathname"))[1]

	w.discover(gid, "", nil)
	if scripts {
		b.says("API groups have been discovered") // by itself
	}
	b.shot("quick-start")
	gw := must(w.admin.GetGateway(t.Context(), w.operator, gid))(t)
	b.click("SETTINGS")
	b.says("ACP_CLIENT_ID", gw.ClientID, "ACP_CLIENT_SECRET", "ACP_ISSUER_URL", gw.IssuerURL)
	if scripts {
		b.copies("Copy ACP_CLIENT_ID", gw.ClientID)
		b.copies("Copy secret", gw.ClientSecret)
		if strings.Contains(b.text(), gw.ClientSecret) {
			t.Error("copying the secret has shown it")
		}
	}
	b.click("Show ACP_CLIENT_SECRET")
	b.says(gw.ClientSecret)
	b.click("Hide")
	b.shot("settings")
	b.click("Save")
	b.says("Settings saved.")

	b.click("QUICK START")
	b.click("CONNECT TO YOUR APIS")
	b.says("PetStore/dev", "PetStore/prod")
	b.choose(`[aria-label="Service for PetStore/dev"]`, "+ New service")
	b.click("Connect PetStore/dev")
	b.says("Connect to new service")
	if scripts {
		b.do(chromedp.KeyEvent("\u001b")) // Escape
		b.do(chromedp.WaitNotPresent(chromedp.CSS("dialog")))
		b.choose(`[aria-label="Service for PetStore/dev"]`, "+ New service")
		b.click("Connect PetStore/dev")
	}
	b.fill("name", "Pet store")
	b.shot("connect-to-new-service")
	b.click("Connect")
	b.says("API group connected.", "Pet store")
	b.shot("apis")

	b.click("APIs")
	b.click("CREATE SERVICE")
	b.fill("name", "Live pets")
	b.click("Create")
	b.click("ADD GATEWAY API")
	b.says("Add Gateway API Groups")
	b.choose("#group", "PetStore/prod")
	b.shot("add-gateway-api")
	b.click("Connect")
	b.says("API group connected.", "Live pets")

	b.click("Policies")
	b.click("CREATE POLICY")
	b.fill("name", "Known caller")
	b.click("Create")
	b.says("Policy created.")
	b.fill("text", "validators:\n  - name: identity-context\n    conf:\n      fields:\n        - {field: client_id, comparator: sounds, value: ''}\n")
	b.click("Save")
	b.says("Line 5", "sounds")
	b.fill("text", "validators:\n  - name: identity-context\n    conf:\n      fields:\n        - {field: client_id, comparator: present, value: ''}\n")
	b.click("Save")
	b.says("Policy saved.")
	b.shot("policy")
	b.click("CARDS")
	b.says("Passes when client_id is present")
	b.choose("#kind", "Request headers")
	b.click("Add card")
	b.says("2. Request headers", "Not saved yet")
	b.do(chromedp.SendKeys(`//input[@name="c1.0.field"]`, "X-Version"), chromedp.SendKeys(`//input[@name="c1.0.value"]`, "3"))
	b.click("Move card 2 up")
	b.says("1. Request headers", "X-Version equals 3")
	b.click("Remove card 1")
	b.shot("cards")
	b.click("Save")
	b.says("Policy saved.", "1. Authentication context")

	b.click("APIs")
	b.says("AUTHORIZATION", "None", "Protected 0")
	b.click("Edit GET /pets")
	b.says("Edit API")
	b.choose("#policy_id", "Known caller")
	b.shot("edit-api")
	b.click("Update")
	b.says("Policy assignment updated.", "Known caller", "Protected 1")
	b.shot("authorization")
	no := false
	w.discover(gid, waist.AuthorizerOurs, &no)
	b.open("/app/default/apis")
	b.says("Needs Deploy API")

	b.do(chromedp.Click(chromedp.CSS("details.menu > summary")))
	b.click("Log out")
	b.says("Username")
}

// copies presses a Copy button and looks at the clipboard.
func (b *tab) copies(button, want string) {
	b.t.Helper()
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		if _, err := chromedp.CallBrowser(b.ctx, cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{
			Permission: &cdpbrowser.PermissionDescriptor{Name: name}, Setting: cdpbrowser.PermissionSettingGranted}); err != nil {
			b.t.Fatal(err)
		}
	}
	b.do(chromedp.Click(named(button)))
	b.says("Copied")
	until := time.Now().Add(10 * time.Second)
	for got := ""; got != want; got = evaluate[string](b, "navigator.clipboard.readText()") {
		if time.Now().After(until) {
			b.t.Fatalf("%s put %d characters on the clipboard that are not the value", button, len(got))
		}
	}
}

// TestAccessibility runs axe-core on every page in both themes, wide and narrow, where axe-core has been installed.
func TestAccessibility(t *testing.T) {
	axe, err := os.ReadFile("islands/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Skip("axe-core is not installed; make assets")
	}
	w := newWorld(t)
	gw, _ := petStore(t, w)
	yes := true
	w.discover(gw.ID, waist.AuthorizerOurs, &yes)
	must(w.analytics.Ingest(t.Context(), w.gatewayActor(gw.ID), []waist.RequestEvent{
		{APIID: apiOf(t, w, "Pet store", "GET", "/pets"), DecisionID: "d1", Time: w.clock.Now(), Reason: "token_expired", PolicyID: "block_default_api", Result: waist.Validation{Result: waist.ResultUnauthorized}},
		{APIID: apiOf(t, w, "Pet store", "POST", "/pets"), DecisionID: "d2", Time: w.clock.Now(), Reason: "open", Result: waist.Validation{Result: waist.ResultAuthorized}}}))(t)
	b := openTab(t, w)
	problems := broken(b)
	b.open("/app/login")
	b.check(axe, "/app/login", false)
	b.fill("username", "admin")
	b.fill("password", password)
	b.click("Log in")
	record := must(w.admin.ListAudit(t.Context(), w.operator, "default", control.AuditFilter{Subjects: []string{"gateway"}, Limit: 1}))(t)[0].ID
	decision := "/app/default/decisions/" + w.newest().ID
	every := append(everyPage(t, w, gw.ID), "/app/default/nonsense", decision, "/app/default/audit/"+record)
	for _, theme := range []string{"light", "dark"} {
		b.do(chromedp.EmulateViewport(1280, 900))
		b.theme(theme)
		for _, address := range every {
			b.open(address)
			b.check(axe, theme+" "+address, theme == "dark") // what is not colour does not depend on the theme
		}
		if theme == "dark" {
			break // the same boxes in other colours
		}
		b.do(chromedp.EmulateViewport(375, 800))
		for _, address := range []string{"/app/", "/app/default/overview", "/app/default/apis/authorization", "/app/default/gateways/" + gw.ID + "/quick-start", "/app/default/gateways/" + gw.ID + "/settings", "/app/default/policies/block_default_api", "/app/default/policies/nist-aal-3_default_api/visual",
			"/app/default/apis/open-doors", "/app/default/analytics", "/app/default/analytics/live", decision, "/app/default/audit", "/app/default/audit/" + record, "/app/default/search?q=pet", "/app/account"} {
			b.open(address)
			b.check(axe, theme+" narrow "+address, theme == "dark")
			if width := evaluate[int](b, "document.documentElement.scrollWidth"); width > 375 {
				widest := evaluate[string](b, `[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > 375 && !e.closest("pre")).map(e => e.outerHTML.slice(0, 120))[0] || ""`)
				t.Errorf("%s is %d pixels wide on a screen of 375, because of %s", address, width, widest)
			}
		}
	}
	for _, p := range problems() {
		t.Error(p)
	}
}

// theme sets the theme as the browser's cookie.
func (b *tab) theme(name string) {
	b.t.Helper()
	b.open("/app/")
	if _, err := chromedp.Call(b.ctx, network.SetCookie, network.SetCookieParams{Name: "portcullis-theme", Value: name, URL: b.base + "/app/"}); err != nil {
		b.t.Fatal(err)
	}
}

// check runs axe on the page: every rule, or contrast alone.
func (b *tab) check(axe []byte, what string, contrast bool) {
	b.t.Helper()
	b.shot(strings.NewReplacer("/", "_", "?", "_", " ", "_").Replace(what))
	b.do(chromedp.Evaluate[chromedp.Void](string(axe) + ";0"))
	for _, v := range evaluate[[]string](b, `axe.run(`+map[bool]string{true: `{runOnly: ["color-contrast"]}`}[contrast]+`).then(r => r.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.html.slice(0, 160)).slice(0, 3).join(" | ")))`) {
		b.t.Errorf("%s: %s", what, v)
	}
}

// broken collects what the browser complains of: a Content-Security-Policy that stops something, a script that fails.
func broken(b *tab) func() []string {
	var said []string
	done := make(chan struct{})
	messages := chromedp.Console(b.ctx)
	go func() {
		defer close(done)
		for m, err := range messages {
			if err != nil {
				return
			}
			if s := fmt.Sprint(m); strings.Contains(s, "Content Security Policy") || m.IsException() {
				said = append(said, s)
			}
			if strings.Contains(fmt.Sprint(m), "portcullis: end of test") {
				return
			}
		}
	}()
	return func() []string {
		evaluate[int](b, `console.log("portcullis: end of test"), 0`)
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			b.t.Error("the browser's console does not answer")
			return nil
		}
		return said
	}
}
