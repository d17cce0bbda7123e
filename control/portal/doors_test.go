package portal_test

import (
	"strings"
	"testing"

	"portcullis/control"
	"portcullis/edge/waist"
)

// TestOpenDoors: what no policy protects, across connected and unconnected groups, the most used first, with the way to
// close each; and nothing else.
func TestOpenDoors(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn("admin", password)
	b.get("/app/default/apis/open-doors").wants(200, "No open door")

	gw, _ := petStore(t, w)
	yes := true
	w.discover(gw.ID, waist.AuthorizerOurs, &yes)
	// Of prod, which is not connected, our authorizer is in front everywhere but at OPTIONS: it denies what it does not know.
	b.get("/app/default/apis/open-doors?kind=unbound").wants(200, "No open door matches.")
	get, proxy := apiOf(t, w, "Pet store", "GET", "/pets"), apiOf(t, w, "Pet store", "ANY", "/{proxy+}")
	must(w.admin.UpdateAPI(t.Context(), w.operator, get, control.APIUpdate{PolicyID: "block_default_api"}))(t)
	events := []waist.RequestEvent{
		{APIID: proxy, Result: waist.Validation{Result: waist.ResultAuthorized}}, {APIID: proxy, Result: waist.Validation{Result: waist.ResultAuthorized}},
		{APIID: apiOf(t, w, "Pet store", "POST", "/pets"), Result: waist.Validation{Result: waist.ResultAuthorized}},
		{APIID: get, Result: waist.Validation{Result: waist.ResultUnauthorized}},
	}
	must(w.analytics.Ingest(t.Context(), w.gatewayActor(gw.ID), waist.RequestEvents{Events: events}))(t)

	p := b.get("/app/default/apis/open-doors").wants(200, "All 5", "Without a policy 3", "OPTIONS 2", "Also catches what just misses /pets", "Our authorizer").
		has(`apis/authorization?edit=` + proxy)
	if first, second := strings.Index(p.body, "Assign policy to ANY /{proxy"), strings.Index(p.body, "Assign policy to POST /pets"); first < 0 || second < first {
		t.Errorf("the most used door is not the first: %d, %d", first, second)
	}
	p.lacks("Assign policy to GET /pets\"")
	b.get("/app/default/apis/open-doors?kind=open&q=proxy").wants(200, "/{proxy+}").lacks("Assign policy to POST")
	b.get("/app/default/apis/open-doors?q=zzz").wants(200, "No open door matches.")

	// Nobody has deployed: the policy is assigned and not enforced, and prod is open.
	no := false
	w.discover(gw.ID, waist.AuthorizerOurs, &no)
	b.get("/app/default/apis/open-doors").wants(200, "Policy not enforced 1", "Group not connected 4", "Nothing until Deploy API", "Connect group")
	w.discover(gw.ID, waist.AuthorizerOther, nil)
	b.get("/app/default/apis/open-doors?kind=unenforced").wants(200, "Another authorizer", "/pets")

	csv := b.get("/app/default/apis/open-doors.csv").wants(200)
	if lines := strings.Split(strings.TrimSpace(csv.body), "\n"); len(lines) != 11 || !strings.HasPrefix(lines[1], "ANY,/{proxy+},open,Pet store,Another authorizer,,2,0,/pets") {
		t.Errorf("the CSV is %s", csv.body)
	}

	// A group that is gone, and one whose methods are all protected, are no doors.
	must(w.admin.SetInventory(t.Context(), w.gatewayActor(gw.ID), waist.Inventory{}))(t)
	b.get("/app/default/apis/open-doors").lacks("Group not connected")
}

// TestManyDoors: a thousand of them are a page that says how many there are.
func TestManyDoors(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	w.discoverMany(gw.ID, 1000)
	p := w.signedIn("admin", password).get("/app/default/apis/open-doors").wants(200, "All 1000", "200 of 1000 are shown.")
	if len(p.body) > 250_000 {
		t.Errorf("the page weighs %d bytes", len(p.body))
	}
}

// TestAutoBindSetting: the box of SETTINGS can be ticked and unticked.
func TestAutoBindSetting(t *testing.T) {
	w := newWorld(t)
	gw, _ := petStore(t, w)
	b := w.signedIn("admin", password)
	address := "/app/default/gateways/" + gw.ID + "/settings"
	b.get(address).has(`name="auto_bind" value="1">`)
	b.post(address, "name", "Pet gateway", "auto_bind", "1").wants(200, "Settings saved.").has(`name="auto_bind" value="1" checked`)
	if !must(w.admin.GetGateway(t.Context(), w.operator, gw.ID))(t).AutoBind {
		t.Error("it was not saved")
	}
	b.post(address, "name", "Pet gateway").wants(200, "Settings saved.").has(`name="auto_bind" value="1">`)
}
