package admin_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store"
	"portcullis/control/store/storetest"
	"portcullis/edge/waist"
)

// bound makes a gateway with the pet store bound to a new service.
func (w *world) bound(methods ...string) (gid string, authorizer control.Actor, sid string) {
	w.t.Helper()
	g, authorizer := w.gateway()
	must(w.SetInventory(ctx, authorizer, inventory(petStore(methods...))))(w.t)
	svc := must(w.BindGroupToNewService(ctx, w.root, g.ID, "a1b2c3-dev", control.Service{Name: "PetStore"}))(w.t)
	return g.ID, authorizer, svc.ID
}

func (w *world) push(authorizer control.Actor, groups ...waist.APIGroup) waist.InventoryResult {
	w.t.Helper()
	return must(w.SetInventory(ctx, authorizer, inventory(groups...)))(w.t)
}

func (w *world) assign(sid, method, path, policy string) {
	w.t.Helper()
	x, ok := w.api(sid, method, path)
	if !ok {
		w.t.Fatalf("no API %s %s", method, path)
	}
	must(w.UpdateAPI(ctx, w.root, x.ID, control.APIUpdate{PolicyID: policy}))(w.t)
}

func (w *world) revision() int64 {
	w.t.Helper()
	n, _, err := w.st.Revision(ctx, control.DefaultTenant, "default")
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// TestVanishedMethodReturnsProtected: the policy of a method outlives its absence, and is not enforced meanwhile in the
// place of another API.
func TestVanishedMethodReturnsProtected(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, authorizer, sid := w.bound("GET", "/pets", "POST", "/pets", "ANY", "/{proxy+}")
		w.assign(sid, "GET", "/pets", "block_default_api")

		w.push(authorizer, petStore("ANY", "/{proxy+}"))
		if all := must(w.ListAPIsByService(ctx, w.root, sid))(t); len(all) != 1 {
			t.Errorf("%+v", all)
		}
		if cfg := w.configuration(authorizer); len(cfg.APIs) != 1 || len(cfg.Policies) != 0 {
			t.Errorf("a method that is gone is enforced: %+v", cfg.APIs)
		}
		states := must(w.ListServiceAPIs(ctx, w.root, "default"))(t)[0].APIs
		if len(states) != 2 || !states[1].Gone || states[1].PolicyID != "block_default_api" {
			t.Errorf("%+v", states)
		}
		refused(t, w.DeletePolicy(ctx, w.root, "block_default_api"), control.Malformed, "policy_in_use")

		w.push(authorizer, petStore("GET", "/pets", "POST", "/pets", "ANY", "/{proxy+}"))
		if x, ok := w.api(sid, "GET", "/pets"); !ok || x.PolicyID != "block_default_api" {
			t.Errorf("a method came back open: %+v, %v", x, ok)
		}
		if x, ok := w.api(sid, "POST", "/pets"); !ok || x.PolicyID != "" {
			t.Errorf("%+v, %v", x, ok)
		}

		w.push(authorizer, petStore("ANY", "/{proxy+}"))
		gone := must(w.ListServiceAPIs(ctx, w.root, "default"))(t)[0].APIs[1]
		if err := w.DeleteAPI(ctx, w.root, gone.ID); err != nil {
			t.Errorf("forgetting a method that is gone: %v", err)
		}
		any, _ := w.api(sid, "ANY", "/{proxy+}")
		refused(t, w.DeleteAPI(ctx, w.root, any.ID), control.Malformed, "service_bound")
	})
}

// TestGroupsAcrossInventories: renames keep bindings, vanished groups stay as long as they are bound.
func TestGroupsAcrossInventories(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		gid, authorizer, sid := w.bound("GET", "/pets")
		w.assign(sid, "GET", "/pets", "block_default_api")
		other := petStore("GET", "/")
		other.ID, other.Name = "zzz-prod", "Other/prod"
		other.Metadata.AWS = &waist.AWSMetadata{APIID: "zzz", APIName: "Other", Stage: "prod", Region: "eu-west-1"}
		if r := w.push(authorizer, petStore("GET", "/pets"), other); r.NumberOfAddedAPIGroups != 1 {
			t.Errorf("%+v", r)
		}

		renamed := petStore("GET", "/pets")
		renamed.ID, renamed.Name, renamed.Metadata.AWS.APIName = "another-id", "Pets and more/dev", "Pets and more"
		if r := w.push(authorizer, renamed, other); r.NumberOfAddedAPIGroups != 0 {
			t.Errorf("a renamed group counts as new: %+v", r)
		}
		groups := must(w.ListGroups(ctx, w.root, gid))(t)
		if len(groups) != 2 || groups[1].ID != "another-id" || groups[1].Name != "Pets and more/dev" || groups[1].ServiceID != sid {
			t.Errorf("%+v", groups)
		}
		if cfg := w.configuration(authorizer); len(cfg.Services) != 1 || cfg.Services[0].APIGroupID != "another-id" {
			t.Errorf("%+v", cfg.Services)
		}

		w.push(authorizer)
		groups = must(w.ListGroups(ctx, w.root, gid))(t)
		if len(groups) != 1 || !groups[0].Gone || groups[0].ServiceID != sid {
			t.Errorf("%+v", groups)
		}
		if x, ok := w.api(sid, "GET", "/pets"); !ok || x.PolicyID == "" {
			t.Errorf("the APIs of a group that is gone: %+v, %v", x, ok)
		}
		w.push(authorizer, petStore("GET", "/pets"))
		groups = must(w.ListGroups(ctx, w.root, gid))(t)
		if len(groups) != 1 || groups[0].Gone || groups[0].ServiceID != sid || groups[0].ID != "a1b2c3-dev" {
			t.Errorf("%+v", groups)
		}
		w.push(authorizer)
		if r := must(w.UnbindGroup(ctx, w.root, gid, "a1b2c3-dev"))(t); len(r.RemovedAPIs) != 1 {
			t.Errorf("%+v", r)
		}
		if groups := must(w.ListGroups(ctx, w.root, gid))(t); len(groups) != 0 {
			t.Errorf("a group that is gone outlives its binding: %+v", groups)
		}
	})
}

// TestRegions: the same REST API and stage in two regions are two groups; a client that does not report regions means
// the one that is known.
func TestRegions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		gid, authorizer, sid := w.bound("GET", "/pets")
		east := petStore("GET", "/pets")
		east.ID, east.Metadata.AWS.Region = "east", "us-east-1"
		if r := w.push(authorizer, petStore("GET", "/pets"), east); r.NumberOfAddedAPIGroups != 1 {
			t.Errorf("%+v", r)
		}
		w.push(authorizer, petStore("GET", "/pets"))
		silent := petStore("GET", "/pets", "PUT", "/pets")
		silent.Metadata.AWS.Region = ""
		if r := w.push(authorizer, silent); r.NumberOfAddedAPIGroups != 0 {
			t.Errorf("%+v", r)
		}
		groups := must(w.ListGroups(ctx, w.root, gid))(t)
		if len(groups) != 1 || groups[0].ServiceID != sid || groups[0].Metadata.AWS.Region != "eu-west-1" {
			t.Errorf("%+v", groups)
		}
		// Two groups that swap their ids keep their bindings.
		w.push(authorizer, petStore("GET", "/pets"), east)
		a, b := petStore("GET", "/pets"), east
		a.ID, b.ID = east.ID, "a1b2c3-dev"
		w.push(authorizer, a, b)
		groups = must(w.ListGroups(ctx, w.root, gid))(t)
		if len(groups) != 2 {
			t.Fatalf("%+v", groups)
		}
		for _, g := range groups {
			if (g.ServiceID == sid) != (g.Metadata.AWS.Region == "eu-west-1") {
				t.Errorf("%+v", g)
			}
		}
	})
}

// TestUnchangedInventoryWritesNothing, and what changes without concerning an authorizer makes no revision.
func TestUnchangedInventoryWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, authorizer, sid := w.bound("GET", "/pets", "POST", "/pets")
		before, records := w.revision(), lastAudit(t, w)
		w.push(authorizer, petStore("post", "/pets", "GET", "/pets", "GET", "/pets")) // another order, case, and a repetition
		if w.revision() != before || lastAudit(t, w) != records {
			t.Error("an equal inventory was written")
		}
		deployed := true
		attached := petStore("GET", "/pets", "POST", "/pets")
		attached.APIs[0].Authorizer, attached.APIs[0].Deployed = waist.AuthorizerOurs, &deployed
		w.push(authorizer, attached)
		if w.revision() != before {
			t.Error("a report of what is attached made a revision")
		}
		s := must(w.ListServiceAPIs(ctx, w.root, "default"))(t)[0]
		if s.APIs[0].Method != "GET" || s.APIs[0].Authorizer != waist.AuthorizerOurs || s.APIs[0].Deployed == nil || s.Gateway.FirstAttached.IsZero() || s.Gateway.FirstDiscovered.IsZero() {
			t.Errorf("%+v", s)
		}
		w.push(authorizer, petStore("GET", "/pets", "POST", "/pets", "GET", "/new"))
		if w.revision() != before+1 {
			t.Errorf("a new method of a bound group: revision %d, want %d", w.revision(), before+1)
		}
		if _, ok := w.api(sid, "GET", "/new"); !ok {
			t.Error("a new method of a bound group is not an API")
		}
	})
}

func TestDefaultPolicyAndAutoBind(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g, authorizer := w.gateway(func(in *control.GatewayCreate) {
			in.AutoBind, in.DefaultPolicyID = true, "block_default_api"
		})
		w.push(authorizer, petStore("GET", "/pets"))
		group := must(w.ListGroups(ctx, w.root, g.ID))(t)[0]
		svc, _, err := w.GetService(ctx, w.root, group.ServiceID)
		if err != nil || svc.Name != "PetStore/dev" || svc.GatewayID != g.ID {
			t.Fatalf("%+v, %v", svc, err)
		}
		if x, _ := w.api(svc.ID, "GET", "/pets"); x.PolicyID != "block_default_api" {
			t.Errorf("%+v", x)
		}
		refused(t, w.DeletePolicy(ctx, w.root, "block_default_api"), control.Malformed, "policy_in_use")
		must(w.UpdateGateway(ctx, w.root, g.ID, control.GatewayUpdate{Name: "AWS", DefaultPolicyID: "nist-aal-1_default_api"}))(t)
		w.push(authorizer, petStore("GET", "/pets", "GET", "/new"))
		if x, _ := w.api(svc.ID, "GET", "/new"); x.PolicyID != "nist-aal-1_default_api" {
			t.Errorf("%+v", x)
		}
		// What was unbound by hand is not bound again by the next inventory.
		must(w.UnbindGroup(ctx, w.root, g.ID, group.ID))(t)
		w.push(authorizer, petStore("GET", "/pets"))
		if group := must(w.ListGroups(ctx, w.root, g.ID))(t)[0]; group.ServiceID != "" {
			t.Errorf("%+v", group)
		}
	})
}

// TestBindingKeepsPolicies: whatever is bound to whatever, a method that was protected stays so.
func TestBindingKeepsPolicies(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		gid, authorizer, first := w.bound("GET", "/pets", "GET", "/free", "GET", "/gone")
		w.assign(first, "GET", "/pets", "block_default_api")
		w.assign(first, "GET", "/gone", "nist-aal-1_default_api")
		w.push(authorizer, petStore("GET", "/pets", "GET", "/free"))

		second := must(w.CreateService(ctx, w.root, control.Service{WorkspaceID: "default", Name: "Second"}))(t)
		for _, x := range []control.API{{Method: "GET", Path: "/free", PolicyID: "nist-aal-2_default_api"}, {Method: "GET", Path: "/manual"}} {
			x.ServiceID = second.ID
			must(w.CreateAPI(ctx, w.root, x))(t)
		}
		r := must(w.BindGroup(ctx, w.root, gid, "a1b2c3-dev", second.ID))(t)
		removed := []string{}
		for _, x := range r.RemovedAPIs {
			removed = append(removed, x.ServiceID+" "+x.Path)
		}
		if len(removed) != 3 || r.RemovedPolicies == nil || len(r.NotRemovedPolicies) != 1 {
			t.Errorf("%v, %+v", removed, r)
		}
		for path, policy := range map[string]string{"/pets": "block_default_api", "/free": "nist-aal-2_default_api"} {
			if x, _ := w.api(second.ID, "GET", path); x.PolicyID != policy {
				t.Errorf("%s: %+v, want policy %s", path, x, policy)
			}
		}
		w.push(authorizer, petStore("GET", "/pets", "GET", "/free", "GET", "/gone"))
		if x, _ := w.api(second.ID, "GET", "/gone"); x.PolicyID != "nist-aal-1_default_api" {
			t.Errorf("a method that was away while its group moved: %+v", x)
		}
		if all := must(w.ListAPIsByService(ctx, w.root, first))(t); len(all) != 0 {
			t.Errorf("the former service keeps %+v", all)
		}
		if _, err := w.CreateAPI(ctx, w.root, control.API{ServiceID: second.ID, Method: "GET", Path: "/x"}); err == nil {
			t.Error("an API by hand on a bound service")
		}
		if r := must(w.BindGroup(ctx, w.root, gid, "a1b2c3-dev", second.ID))(t); len(r.RemovedAPIs) != 0 {
			t.Errorf("binding again: %+v", r)
		}
		_, err := w.BindGroup(ctx, w.root, gid, "a1b2c3-dev", "system-gateway")
		refused(t, err, control.Invalid, "invalid_binding")
		_, err = w.BindGroup(ctx, w.root, gid, "unknown", second.ID)
		refused(t, err, control.NotFound, "not_found")
	})
}

func TestInventoryBounds(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	_, authorizer := w.gateway()
	for name, c := range map[string]struct {
		inv   waist.Inventory
		field string
	}{
		"too many groups":   {waist.Inventory{APIGroups: make([]waist.APIGroup, 5001)}, "api_groups"},
		"bad id":            {inventory(waist.APIGroup{ID: "../x"}), "api_groups[0].id"},
		"id twice":          {inventory(waist.APIGroup{ID: "x"}, waist.APIGroup{ID: "x"}), "api_groups[1].id"},
		"same stage twice":  {inventory(petStore(), func() waist.APIGroup { g := petStore(); g.ID = "y"; return g }()), "api_groups[1].metadata"},
		"another gateway":   {inventory(waist.APIGroup{ID: "x", Metadata: waist.GroupMetadata{Type: "azure"}}), "api_groups[0].metadata.type"},
		"path without root": {inventory(petStore("GET", "pets")), "api_groups[0].apis[0]"},
		"bad method":        {inventory(petStore("G T", "/pets")), "api_groups[0].apis[0]"},
		"graphql":           {inventory(waist.APIGroup{ID: "x", APIs: []waist.GatewayAPI{{APIType: "graphql", Method: "POST", Path: "/"}}}), "api_groups[0].apis[0].api_type"},
		"odd authorizer":    {inventory(waist.APIGroup{ID: "x", APIs: []waist.GatewayAPI{{Method: "POST", Path: "/", Authorizer: "mine"}}}), "api_groups[0].apis[0].authorizer"},
		"too many methods":  {inventory(waist.APIGroup{ID: "x", APIs: make([]waist.GatewayAPI, 300_001)}), "api_groups"},
	} {
		_, err := w.SetInventory(ctx, authorizer, c.inv)
		refused(t, err, control.Invalid, "invalid_inventory")
		var e *control.Error
		if errors.As(err, &e); e.Fields[c.field] == "" {
			t.Errorf("%s: fields %v, want %s", name, e.Fields, c.field)
		}
	}
}

// TestRaces: what two callers do at once comes out as if one had come first.
func TestRaces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st)
		second := newWorld2(t, w, st) // another server on the same database
		at := func(i int) *admin.Admin { return []*admin.Admin{w.Admin, second}[i%2] }

		var made, limits atomic.Int32
		together(8, func(i int) {
			_, err := at(i).CreateGateway(ctx, w.root, control.GatewayCreate{WorkspaceID: "default", Name: "AWS", Type: "aws"})
			var e *control.Error
			switch {
			case err == nil:
				made.Add(1)
			case errors.As(err, &e) && e.Kind == control.Conflict && e.Code == "gateway_limit":
				limits.Add(1)
			default:
				t.Error(err)
			}
		})
		if made.Load() != 1 || limits.Load() != 7 {
			t.Errorf("%d gateways made, %d refused; want 1 and 7", made.Load(), limits.Load())
		}
		clients := must(w.ListClients(ctx, w.root, "system"))(t)
		if len(clients) != 1 {
			t.Errorf("%d clients for one gateway", len(clients))
		}
		gid := must(w.ListGateways(ctx, w.root, "default"))(t)[0].ID
		authorizer := must(w.ActorForToken(ctx, "default", "system", clients[0].ID, clients[0].Scopes))(t)

		// One inventory from many environments at once is taken in once.
		var added atomic.Int32
		together(6, func(i int) {
			r, err := at(i).SetInventory(ctx, authorizer, inventory(petStore("GET", "/pets", "POST", "/pets")))
			if err != nil {
				t.Error(err)
			}
			added.Add(int32(r.NumberOfAddedAPIGroups))
		})
		if added.Load() != 1 {
			t.Errorf("one group was added %d times", added.Load())
		}

		// One group to many services: each bind is whole, the group ends up at one of them with all its APIs.
		var sids []string
		for i := range 4 {
			sids = append(sids, must(w.CreateService(ctx, w.root, control.Service{WorkspaceID: "default", Name: fmt.Sprint("S", i)}))(t).ID)
		}
		together(8, func(i int) {
			if _, err := at(i).BindGroup(ctx, w.root, gid, "a1b2c3-dev", sids[i%4]); err != nil {
				t.Error(err)
			}
		})
		all := must(w.ListAPIs(ctx, w.root, "default"))(t)
		n, holders := 0, 0
		for _, apis := range all {
			n += len(apis)
			if len(apis) > 0 {
				holders++
			}
		}
		if n != 2 || holders != 1 {
			t.Errorf("%d APIs in %d services, want 2 in 1", n, holders)
		}

		// A policy is deleted while it is being assigned: whichever comes first, no API names a policy that is not there.
		p := must(w.CreatePolicy(ctx, w.root, control.Policy{ServerID: "default", PolicyName: "Short-lived", Validators: []waist.Validator{{Name: "true"}}}))(t)
		var api control.API
		for _, apis := range all {
			if len(apis) > 0 {
				api = apis[0]
			}
		}
		together(2, func(i int) {
			if i == 0 {
				_, err := at(0).UpdateAPI(ctx, w.root, api.ID, control.APIUpdate{PolicyID: p.ID})
				if err != nil && control.KindOf(err) != control.Invalid {
					t.Error(err)
				}
				return
			}
			if err := at(1).DeletePolicy(ctx, w.root, p.ID); err != nil && control.KindOf(err) != control.Malformed {
				t.Error(err)
			}
		})
		_, err := w.GetPolicy(ctx, w.root, p.ID)
		now := must(w.GetAPI(ctx, w.root, api.ID))(t)
		if (err == nil) != (now.PolicyID == p.ID) {
			t.Errorf("policy there: %v, assigned: %v", err == nil, now.PolicyID == p.ID)
		}
	})
}

func newWorld2(t *testing.T, w *world, st *store.Store) *admin.Admin {
	t.Helper()
	k, err := admin.ParseKeyring(masterKey)
	if err != nil {
		t.Fatal(err)
	}
	return admin.New(admin.Options{Store: st, Now: w.clock.Now, PublicURL: "http://127.0.0.1:8080", Keyring: k})
}

// together runs f n times at once.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() { <-start; f(i) })
	}
	close(start)
	wg.Wait()
}

// TestTwoServers: what one server changes, the other tells its gateways half a second later at most; the server that
// changed it, at once.
func TestTwoServers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		second := newWorld2(t, w, w.st)
		_, authorizer, sid := w.bound("GET", "/pets")
		_, etag, err := second.Configuration(ctx, authorizer, control.GatewayPoll{})
		if err != nil {
			t.Fatal(err)
		}
		w.assign(sid, "GET", "/pets", "block_default_api")
		if cfg, tag, _ := w.Configuration(ctx, authorizer, control.GatewayPoll{ETag: etag}); cfg == nil || tag == etag {
			t.Error("the server that made the change does not tell it")
		}
		w.clock.Add(500 * time.Millisecond)
		cfg, tag, err := second.Configuration(ctx, authorizer, control.GatewayPoll{ETag: etag})
		if err != nil || cfg == nil || tag == etag || cfg.APIs[0].PolicyID != "block_default_api" {
			t.Fatalf("the other server, later: %+v, %s, %v", cfg, tag, err)
		}
		// Both write the same document.
		one, _ := w.ConfigurationJSON(ctx, authorizer, control.GatewayPoll{})
		two, _ := second.ConfigurationJSON(ctx, authorizer, control.GatewayPoll{})
		if string(one.JSON) != string(two.JSON) || one.ETag != two.ETag || !strings.Contains(string(one.JSON), `"policies":[{`) {
			t.Errorf("two servers write different documents:\n%s\n%s", one.JSON, two.JSON)
		}
	})
}

// TestPresence: polls keep the gateway and its environments alive, some seconds' worth in one write.
func TestPresence(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g, authorizer := w.gateway()
		poll := func(env string, revision int64) {
			t.Helper()
			if _, _, err := w.Configuration(ctx, authorizer, control.GatewayPoll{Environment: env, Version: "1.0", Revision: revision, AgeSeconds: 3}); err != nil {
				t.Fatal(err)
			}
		}
		first := w.clock.Now()
		poll("one", 1)
		poll("two", 1)
		w.clock.Add(time.Second)
		poll("one", 2)
		if all := must(w.ListEnvironments(ctx, w.root, g.ID))(t); len(all) != 1 {
			t.Errorf("%+v", all)
		}
		if seen := must(w.GetGateway(ctx, w.root, g.ID))(t); !seen.LastActive.Equal(first) || !seen.FirstAuthenticated.Equal(first) {
			t.Errorf("%+v", seen.Gateway)
		}
		w.clock.Add(time.Second)
		poll("three", 2)
		all := must(w.ListEnvironments(ctx, w.root, g.ID))(t)
		if len(all) != 3 || all[0].ID != "three" || all[1].ID != "one" || all[1].Revision != 2 || all[1].AgeSeconds != 3 {
			t.Errorf("%+v", all)
		}
		w.clock.Add(11 * time.Minute)
		poll("four", 2)
		if all := must(w.ListEnvironments(ctx, w.root, g.ID))(t); len(all) != 1 {
			t.Errorf("silent environments stay: %+v", all)
		}
	})
}
