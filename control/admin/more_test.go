package admin_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store/storetest"
	"portcullis/edge/waist"
)

// TestDeleteWorkspace: everything in it goes, its gateway's client in the system workspace too; its audit is kept.
func TestDeleteWorkspace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ws := must(w.CreateWorkspace(ctx, w.root, control.Workspace{Name: "Pet shop"}))(t)
		if ws.ID != "pet-shop" || ws.Revision != 1 || time.Duration(ws.AccessTokenTTL) != time.Hour || ws.KeyType != "ecdsa" {
			t.Errorf("%+v", ws)
		}
		_, err := w.CreateWorkspace(ctx, w.root, control.Workspace{ID: "pet-shop", Name: "Again"})
		refused(t, err, control.Conflict, "workspace_exists")
		if again := must(w.CreateWorkspace(ctx, w.root, control.Workspace{Name: "Pet shop"}))(t); again.ID == "pet-shop" || again.ID == "" {
			t.Errorf("%+v", again)
		}
		g, authorizer := w.gateway(func(in *control.GatewayCreate) {
			in.WorkspaceID, in.AutoBind, in.DefaultPolicyID = "pet-shop", true, "block_pet-shop_api"
		})
		w.push(authorizer, petStore("GET", "/pets"))
		must(w.CreatePolicy(ctx, w.root, control.Policy{ServerID: "pet-shop", PolicyName: "Outer", Validators: embedding("block_pet-shop_api")}))(t)
		_, _, err = w.CreateClient(ctx, w.root, control.Client{WorkspaceID: "pet-shop", Name: "App"}, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.Configuration(ctx, authorizer, control.GatewayPoll{Environment: "one"}); err != nil {
			t.Fatal(err)
		}
		if err := w.DeleteWorkspace(ctx, w.root, "pet-shop"); err != nil {
			t.Fatal(err)
		}
		_, err = w.GetWorkspace(ctx, w.root, "pet-shop")
		refused(t, err, control.NotFound, "not_found")
		_, err = w.GetClient(ctx, w.root, g.ClientID)
		refused(t, err, control.NotFound, "not_found")
		_, _, err = w.Configuration(ctx, authorizer, control.GatewayPoll{})
		refused(t, err, control.NotFound, "not_found")
		if kept, err := w.st.AuditEvents(ctx, "default", "pet-shop", control.AuditFilter{}); err != nil || len(kept) < 3 {
			t.Errorf("%v, %v", kept, err)
		}
		last := must(w.ListAudit(ctx, w.root, "admin", control.AuditFilter{Subjects: []string{"server"}, Actions: []string{"deleted"}}))(t)
		if len(last) != 1 || last[0].TargetID != "pet-shop" || last[0].ActorID != "root" {
			t.Errorf("%+v", last)
		}
		for _, wid := range []string{"admin", "system"} {
			refused(t, w.DeleteWorkspace(ctx, w.root, wid), control.Malformed, "system_workspace")
		}
		if err := w.st.Check(ctx); err != nil {
			t.Error(err)
		}
	})
}

// TestAuditSaysWhoDidWhat, with what was there before and after, and can be paged and narrowed.
func TestAuditSaysWhoDidWhat(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		joe := control.Actor{Kind: control.UserActor, ID: "joe-id", Name: "joe", TenantID: "default", Role: control.Manager, IP: "192.0.2.7", UserAgent: "Firefox\x00\n" + strings.Repeat("x", 1000)}
		svc := must(w.CreateService(ctx, joe, control.Service{WorkspaceID: "default", Name: "One"}))(t)
		w.clock.Add(time.Minute)
		svc.Name = "Two"
		must(w.UpdateService(ctx, joe, svc))(t)
		w.clock.Add(time.Minute)
		if err := w.DeleteService(ctx, joe, svc.ID); err != nil {
			t.Fatal(err)
		}
		all := must(w.ListAudit(ctx, w.root, "default", control.AuditFilter{ActorID: "joe-id"}))(t)
		if len(all) != 3 {
			t.Fatalf("%+v", all)
		}
		e := all[1]
		var before, after control.Service
		if err := json.Unmarshal(e.Before, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(e.After, &after); err != nil {
			t.Fatal(err)
		}
		if e.Subject != "service" || e.Action != "updated" || e.TargetID != svc.ID || e.ActorName != "joe" || e.IP != "192.0.2.7" || before.Name != "One" ||
			after.Name != "Two" || strings.ContainsAny(e.UserAgent, "\x00\n") || len(e.UserAgent) > 500 {
			t.Errorf("%+v %s %s", e, e.Before, e.After)
		}
		ids := func(f control.AuditFilter) string {
			t.Helper()
			f.ActorID = "joe-id"
			out := []string{}
			for _, x := range must(w.ListAudit(ctx, w.root, "default", f))(t) {
				out = append(out, x.Action)
			}
			return strings.Join(out, " ")
		}
		for name, c := range map[string]struct {
			f    control.AuditFilter
			want string
		}{
			"newest first":   {control.AuditFilter{}, "deleted updated created"},
			"oldest first":   {control.AuditFilter{Ascending: true}, "created updated deleted"},
			"first page":     {control.AuditFilter{Limit: 2}, "deleted updated"},
			"second page":    {control.AuditFilter{Limit: 2, AfterID: all[1].ID}, "created"},
			"the page back":  {control.AuditFilter{Limit: 1, BeforeID: all[2].ID}, "updated"},
			"by action":      {control.AuditFilter{Actions: []string{"created", "deleted"}}, "deleted created"},
			"by subject":     {control.AuditFilter{Subjects: []string{"policy"}}, ""},
			"by target":      {control.AuditFilter{TargetID: svc.ID, Actions: []string{"created"}}, "created"},
			"by address":     {control.AuditFilter{IP: "192.0.2.8"}, ""},
			"from, to":       {control.AuditFilter{From: all[1].Timestamp, To: all[0].Timestamp}, "updated"},
			"from inclusive": {control.AuditFilter{From: all[0].Timestamp}, "deleted"},
		} {
			if got := ids(c.f); got != c.want {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
		}
		_, err := w.ListAudit(ctx, w.root, "default", control.AuditFilter{Limit: 101})
		refused(t, err, control.Invalid, "invalid_audit_filter")
	})
}

// TestServicesAndScopes: counts, audiences, and what a scope may belong to.
func TestServicesAndScopes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		svc := must(w.CreateService(ctx, w.root, control.Service{WorkspaceID: "default", Name: "PetStore", CustomAudience: "https://pets.example.com", System: true, Type: "system"}))(t)
		if svc.System || svc.Type != "user" || svc.Audience != "https://pets.example.com" {
			t.Errorf("%+v", svc)
		}
		read := must(w.CreateScope(ctx, w.root, control.Scope{WorkspaceID: "default", ServiceID: svc.ID, Name: "pets.read"}))(t)
		_, err := w.CreateScope(ctx, w.root, control.Scope{WorkspaceID: "default", Name: "pets.read"})
		refused(t, err, control.Conflict, "scope_exists")
		_, err = w.CreateScope(ctx, w.root, control.Scope{WorkspaceID: "default", ServiceID: "system-gateway", Name: "other"})
		refused(t, err, control.Invalid, "invalid_scope")
		for _, scopes := range [][]string{{"pets.read", "pets.read"}, {"pets.read"}, {"unknown"}} {
			if _, _, err := w.CreateClient(ctx, w.root, control.Client{WorkspaceID: "default", Name: "App", Scopes: scopes}, ""); err != nil {
				t.Fatal(err)
			}
		}
		must(w.CreateAPI(ctx, w.root, control.API{ServiceID: svc.ID, Method: "GET", Path: "/pets"}))(t)
		_, err = w.CreateAPI(ctx, w.root, control.API{ServiceID: svc.ID, Method: "GET", Path: "/pets"})
		refused(t, err, control.Conflict, "api_exists")
		list := must(w.ListServices(ctx, w.root, "default"))(t)
		if len(list) != 1 || list[0].NumberOfAPIs != 1 || list[0].NumberOfScopes != 1 || list[0].NumberOfSubscribers != 2 {
			t.Errorf("%+v", list)
		}
		if a := must(w.ServiceAudiences(ctx, "default", "default"))(t); len(a) != 1 || a[0] != "https://pets.example.com" {
			t.Errorf("%v", a)
		}
		// The configuration tells authorizers of dynamic scopes and the services they belong to.
		_, authorizer := w.gateway()
		if cfg := w.configuration(authorizer); len(cfg.Scopes) != 1 || !cfg.Scopes[0].WithService || cfg.Scopes[0].Service.Name != "PetStore" {
			t.Errorf("%+v", cfg.Scopes)
		}
		if err := w.DeleteService(ctx, w.root, svc.ID); err != nil {
			t.Fatal(err)
		}
		_, err = w.GetScope(ctx, w.root, read.ID)
		refused(t, err, control.NotFound, "not_found")
		refused(t, w.DeleteService(ctx, w.root, "system-gateway"), control.Malformed, "system_service")
	})
}

// TestAPIIDs: ids are those that configuration-as-code tools for the published API compute (their own test vector), and
// stay short.
func TestAPIIDs(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	svc := must(w.CreateService(ctx, w.root, control.Service{WorkspaceID: "default", ID: "service", Name: "S"}))(t)
	x := must(w.CreateAPI(ctx, w.root, control.API{ServiceID: svc.ID, Method: "POST", Path: "/api/test"}))(t)
	if x.ID != "qp1zr7ujcp1i6wnxkpkf6m5bqbw167dfqp4y" {
		t.Errorf("%q", x.ID)
	}
	long := must(w.CreateAPI(ctx, w.root, control.API{ServiceID: svc.ID, Method: "POST", Path: "/" + strings.Repeat("x", 2000)}))(t)
	if len(long.ID) > 60 {
		t.Errorf("%q", long.ID)
	}
}

// TestOrder: specific before general, a verb before ANY.
func TestOrder(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	_, _, sid := w.bound("ANY", "/{proxy+}", "GET", "/{proxy+}", "GET", "/pets/{petId}", "ANY", "/pets/mine", "GET", "/pets/mine", "GET", "/", "GET", "/{kind}/mine",
		"GET", "/pets/{petId}/toys", "GET", "/pets/{proxy+}")
	var got []string
	for i, x := range must(w.ListAPIsByService(ctx, w.root, sid))(t) {
		got = append(got, x.Method+" "+x.Path)
		if x.Position != i+1 {
			t.Errorf("%s has position %d", x.Path, x.Position)
		}
	}
	want := "GET /, GET /pets/mine, ANY /pets/mine, GET /pets/{petId}, GET /pets/{petId}/toys, GET /pets/{proxy+}, GET /{kind}/mine, GET /{proxy+}, ANY /{proxy+}"
	if strings.Join(got, ", ") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, ", "), want)
	}
}

// TestWrongMasterKey: a server whose master key does not open the database's secrets says so at the start.
func TestWrongMasterKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k, err := admin.ParseKeyring(admin.GenerateMasterKey())
		if err != nil {
			t.Fatal(err)
		}
		a := admin.New(admin.Options{Store: w.st, Now: w.clock.Now, PublicURL: "http://127.0.0.1:8080", Keyring: k})
		if _, err := a.Bootstrap(ctx, admin.BootstrapOptions{}); err == nil || !strings.Contains(err.Error(), "master key does not fit") {
			t.Errorf("%v", err)
		}
	})
}

// TestListsAreNeverNull: what a surface encodes as it is has no null lists.
func TestListsAreNeverNull(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	g, authorizer := w.gateway()
	svc := must(w.CreateService(ctx, w.root, control.Service{WorkspaceID: "default", Name: "S"}))(t)
	w.push(authorizer, waist.APIGroup{ID: "empty"})
	answer, err := w.ConfigurationJSON(ctx, authorizer, control.GatewayPoll{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := answer.JSON
	values := map[string]any{
		"apis": must(w.ListAPIsByService(ctx, w.root, svc.ID))(t), "all apis": must(w.ListAPIs(ctx, w.root, "default"))(t),
		"groups": must(w.ListGroups(ctx, w.root, g.ID))(t), "scopes": must(w.ListScopes(ctx, w.root, "default"))(t),
		"clients": must(w.ListClients(ctx, w.root, "default"))(t), "gateway's client": g.Client, "configuration": json.RawMessage(cfg),
		"bound": must(w.BindGroup(ctx, w.root, g.ID, "empty", svc.ID))(t), "policies": must(w.ListPolicies(ctx, w.root, "default", []string{"none"}))(t),
	}
	for name, v := range values {
		if b, err := json.Marshal(v); err != nil || strings.Contains(string(b), "null") {
			t.Errorf("%s: %s, %v", name, b, err)
		}
	}
}
