package admin_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"portcullis/control/store/storetest"
	"portcullis/edge/waist"
)

// TestLargeInventory takes in what AWS lets an account and region hold by default: 600 REST APIs of 300 resources. The
// request fits its limit, and the next one, which changes one method, is not the work of the first.
func TestLargeInventory(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	g, authorizer := w.gateway()
	inv := waist.Inventory{}
	for i := range 600 {
		id := fmt.Sprintf("api%03d", i)
		group := waist.APIGroup{ID: id + "-dev", Name: fmt.Sprintf("API %d/dev", i), Metadata: waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: id, APIName: fmt.Sprint("API ", i), Stage: "dev", Region: "eu-west-1"}}}
		live := true
		for j := range 300 {
			group.APIs = append(group.APIs, waist.GatewayAPI{APIType: "rest", Method: "GET", Path: fmt.Sprintf("/resources/%d/{id}", j), Authorizer: waist.AuthorizerNone, Deployed: &live})
		}
		inv.APIGroups = append(inv.APIGroups, group)
	}
	body, err := json.Marshal(inv)
	if err != nil || len(body) > 32<<20 {
		t.Fatalf("%d bytes, %v", len(body), err)
	}
	start := time.Now()
	if r := must(w.SetInventory(ctx, authorizer, inv))(t); r.NumberOfAddedAPIGroups != 600 {
		t.Errorf("%+v", r)
	}
	first := time.Since(start)
	inv.APIGroups[7].APIs[0].Authorizer = waist.AuthorizerOurs
	start = time.Now()
	if r := must(w.SetInventory(ctx, authorizer, inv))(t); r.NumberOfAddedAPIGroups != 0 {
		t.Errorf("%+v", r)
	}
	t.Logf("%d MB, taken in in %v; with one method changed in %v", len(body)>>20, first, time.Since(start))
	if groups := must(w.ListGroups(ctx, w.root, g.ID))(t); len(groups) != 600 || len(groups[599].APIs) != 300 {
		t.Errorf("%d groups", len(groups))
	}
}
