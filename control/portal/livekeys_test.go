package portal_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"portcullis/control/portal/portaltest"
	"portcullis/edge/waist"
)

// TestKeysAndLive: the key / goes to the search unless something is being typed, and the live view shows a decision that is
// taken while it is open, pauses and goes on; both with the scripts, where they are part of this build.
func TestKeysAndLive(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	if !strings.Contains(w.signedIn("admin", password).get("/app/").body, "<script") {
		t.Skip("the scripts are not part of this build; make assets")
	}
	b := portaltest.OpenTab(t, w.server.URL)
	problems := portaltest.Broken(b)
	b.Open("/app/login")
	b.Fill("username", "admin")
	b.Fill("password", password)
	b.Click("Log in")

	b.Open("/app/default/overview")
	b.Press('/')
	const typed = `document.querySelector("[data-find] input").value`
	b.Do(chromedp.KeyEvent("pets/x"))
	if got := portaltest.Evaluate[string](b, typed); got != "pets/x" {
		t.Errorf("the search holds %q: the key / either did not reach it or was taken while typing", got)
	}
	b.Do(chromedp.KeyEvent("\r"))
	b.Says("results")
	b.Open("/app/default/policies/new")
	b.Do(chromedp.Focus(chromedp.CSS("#name")), chromedp.KeyEvent("a/b"))
	if got := portaltest.Evaluate[string](b, `document.querySelector("#name").value`); got != "a/b" {
		t.Errorf("in a form / types %q", got)
	}

	push := func(id, reason string) {
		t.Helper()
		must(w.analytics.Ingest(t.Context(), w.gatewayActor(gw.ID), waist.RequestEvents{Events: []waist.RequestEvent{
			{APIID: apiOf(t, w, "Pet store", "GET", "/pets/{petId}"), DecisionID: id, Time: w.clock.Now(), Reason: reason, Result: waist.Validation{Result: waist.ResultUnauthorized}}}}))(t)
	}
	b.Open("/app/default/analytics/live")
	b.Says("New decisions appear as they are taken.")
	push("one", "token_expired")
	b.Says("The token has expired")
	b.Do(chromedp.Click(portaltest.Named("Pause")))
	b.Says("Paused.")
	push("two", "token_wrong_audience")
	b.Do(chromedp.Click(portaltest.Named("Continue")))
	b.Says("The token is for another audience than this service")
	if n := portaltest.Evaluate[int](b, `document.querySelectorAll("[data-tail] tbody tr").length`); n != 2 {
		t.Errorf("the live view has %d rows", n)
	}
	for _, p := range problems() {
		t.Error(p)
	}
}
