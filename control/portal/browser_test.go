package portal_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"portcullis/control/portal/portaltest"
	"portcullis/edge/waist"
)

// TestGuideInBrowser clicks through the portal's share of the guide in a real browser: with scripts, where they are part of
// this build, and without any.
func TestGuideInBrowser(t *testing.T) {
	for _, scripts := range []bool{false, true} {
		t.Run(map[bool]string{false: "without scripts", true: "with scripts"}[scripts], func(t *testing.T) {
			w := newWorld(t)
			if scripts && !strings.Contains(w.signedIn("admin", password).get("/app/").body, "<script") {
				t.Skip("the script bundle is not part of this build; make assets")
			}
			b := portaltest.OpenTab(t, w.server.URL)
			if !scripts {
				b.NoScripts()
			}
			guideByClicks(t, w, b, scripts)
		})
	}
}

func guideByClicks(t *testing.T, w *world, b *portaltest.Tab, scripts bool) {
	b.Open("/app/")
	b.Shot("login")
	b.Fill("username", "admin")
	b.Fill("password", password)
	b.Click("Log in")
	b.Says("Workspace Directory")
	b.Shot("directory")
	b.Do(chromedp.Click(`//a[.//h2[normalize-space(.)="Default"]]`))
	b.Says("Overview", "No gateway yet")

	b.Click("APIs")
	b.Click("GATEWAYS")
	b.Click("ADD GATEWAY")
	b.Says("Amazon API Gateway")
	b.Fill("name", "Pet gateway")
	b.Fill("description", "eu-west-1")
	b.Shot("add-gateway")
	b.Click("NEXT")
	b.Says("Gateway Management", "DOWNLOAD AUTHORIZER", "Waiting for the authorizer to authenticate")
	gid := regexp.MustCompile(`/gateways/([^/]+)/`).FindStringSubmatch(portaltest.Evaluate[string](b, "location.pathname"))[1]

	w.discover(gid, "", nil)
	if scripts {
		b.Says("API groups have been discovered") // by itself
	}
	b.Shot("quick-start")
	gw := w.gateway(gid)
	b.Click("SETTINGS")
	b.Says("ACP_CLIENT_ID", gw.ClientID, "ACP_CLIENT_SECRET", "ACP_ISSUER_URL", gw.IssuerURL)
	if scripts {
		b.Copies("Copy ACP_CLIENT_ID", gw.ClientID)
		b.Copies("Copy secret", gw.ClientSecret)
		if strings.Contains(b.Text(), gw.ClientSecret) {
			t.Error("copying the secret has shown it")
		}
	}
	b.Click("Show ACP_CLIENT_SECRET")
	b.Says(gw.ClientSecret)
	b.Click("Hide")
	b.Shot("settings")
	b.Click("Save")
	b.Says("Settings saved.")

	b.Click("QUICK START")
	b.Click("CONNECT TO YOUR APIS")
	b.Says("PetStore/dev", "PetStore/prod")
	b.Choose(`[aria-label="Service for PetStore/dev"]`, "+ New service")
	b.Click("Connect PetStore/dev")
	b.Says("Connect to new service")
	if scripts {
		b.Do(chromedp.KeyEvent("\u001b")) // Escape
		b.Do(chromedp.WaitNotPresent(chromedp.CSS("dialog")))
		b.Choose(`[aria-label="Service for PetStore/dev"]`, "+ New service")
		b.Click("Connect PetStore/dev")
	}
	b.Fill("name", "Pet store")
	b.Shot("connect-to-new-service")
	b.Click("Connect")
	b.Says("API group connected.", "Pet store")
	b.Shot("apis")

	b.Click("APIs")
	b.Click("CREATE SERVICE")
	b.Fill("name", "Live pets")
	b.Click("Create")
	b.Click("ADD GATEWAY API")
	b.Says("Add Gateway API Groups")
	b.Choose("#group", "PetStore/prod")
	b.Shot("add-gateway-api")
	b.Click("Connect")
	b.Says("API group connected.", "Live pets")

	b.Click("Policies")
	b.Click("CREATE POLICY")
	b.Fill("name", "Known caller")
	b.Click("Create")
	b.Says("Policy created.")
	b.Fill("text", "validators:\n  - name: identity-context\n    conf:\n      fields:\n        - {field: client_id, comparator: sounds, value: ''}\n")
	b.Click("Save")
	b.Says("Line 5", "sounds")
	b.Fill("text", "validators:\n  - name: identity-context\n    conf:\n      fields:\n        - {field: client_id, comparator: present, value: ''}\n")
	b.Click("Save")
	b.Says("Policy saved.")
	b.Shot("policy")
	b.Click("CARDS")
	b.Says("Passes when client_id is present")
	b.Choose(`[name="c.kind"]`, "Request headers")
	b.Do(chromedp.Click(portaltest.Named("Add card"))) // in place, where there is a script
	b.Says("2. Request headers", "Not saved yet")
	b.Do(chromedp.SendKeys(`//input[@name="c.1.0.field"]`, "X-Version"), chromedp.SendKeys(`//input[@name="c.1.0.value"]`, "3"))
	b.Do(chromedp.Click(portaltest.Named("Move card 2 up")))
	b.Says("1. Request headers", "X-Version equals 3")
	b.Do(chromedp.Click(chromedp.CSS(`[data-card="c.0"] .pop > summary`)), chromedp.Click(portaltest.Named("Remove: card 1")), chromedp.WaitNotPresent(chromedp.CSS(`[data-card="c.1"]`)))
	b.Says("Passes when client_id is present", "Not saved yet")
	b.Shot("cards")
	b.Click("Save")
	b.Says("Policy saved.", "1. Authentication context")

	b.Click("APIs")
	b.Says("AUTHORIZATION", "None", "Protected 0")
	b.Click("Edit GET /pets")
	b.Says("Edit API")
	b.Choose("#policy_id", "Known caller")
	b.Shot("edit-api")
	b.Click("Update")
	b.Says("Policy assignment updated.", "Known caller", "Protected 1")
	b.Shot("authorization")
	no := false
	w.discover(gid, waist.AuthorizerOurs, &no)
	b.Open("/app/default/apis")
	b.Says("Needs Deploy API")

	b.Do(chromedp.Click(chromedp.CSS("details.menu > summary")))
	b.Click("Log out")
	b.Says("Username")
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
	must(w.analytics.Ingest(t.Context(), w.gatewayActor(gw.ID), waist.RequestEvents{Dropped: 1234, Events: []waist.RequestEvent{
		{APIID: apiOf(t, w, "Pet store", "GET", "/pets"), DecisionID: "d1", Time: w.clock.Now(), Reason: "token_expired", PolicyID: "block_default_api", Result: waist.Validation{Result: waist.ResultUnauthorized}},
		{APIID: apiOf(t, w, "Pet store", "POST", "/pets"), DecisionID: "d2", Time: w.clock.Now(), Reason: "open", Result: waist.Validation{Result: waist.ResultAuthorized}}}}))(t)
	b := portaltest.OpenTab(t, w.server.URL)
	problems := portaltest.Broken(b)
	b.Open("/app/login")
	b.Check(axe, "/app/login", false)
	b.Fill("username", "admin")
	b.Fill("password", password)
	b.Click("Log in")
	every := append(everyPage(t, w, gw.ID), "/app/default/nonsense")
	for _, theme := range []string{"light", "dark"} {
		b.Do(chromedp.EmulateViewport(1280, 900))
		b.Theme(theme)
		for _, address := range every {
			b.Open(address)
			b.Check(axe, theme+" "+address, theme == "dark") // what is not colour does not depend on the theme
		}
		if theme == "dark" {
			break // the same boxes in other colours
		}
		b.Do(chromedp.EmulateViewport(375, 800))
		narrow := regexp.MustCompile(`^/app/$|/overview$|/authorization$|/quick-start$|/settings$|/policies/deep|/versions/.*present|/open-doors$|/analytics|/decisions/|/audit|/search|/account`)
		for _, address := range every {
			b.Open(address)
			if narrow.MatchString(address) {
				b.Check(axe, theme+" narrow "+address, theme == "dark")
			}
			if width := portaltest.Evaluate[int](b, "document.documentElement.scrollWidth"); width > 375 {
				widest := portaltest.Evaluate[string](b, `[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > 375 && !e.closest("pre")).map(e => e.outerHTML.slice(0, 120))[0] || ""`)
				t.Errorf("%s is %d pixels wide on a screen of 375, because of %s", address, width, widest)
			}
		}
	}
	for _, p := range problems() {
		t.Error(p)
	}
}
