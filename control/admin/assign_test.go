package admin_test

import (
	"testing"

	"portcullis/control"
	"portcullis/control/store/storetest"
	"portcullis/edge/waist"
)

// TestAssignPolicy: several APIs in one transaction and one revision, and none when one of them is not there.
func TestAssignPolicy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		svc := must(w.CreateService(ctx, w.root, control.Service{WorkspaceID: "default", Name: "Pets"}))(t)
		var ids []string
		for _, path := range []string{"/a", "/b", "/c"} {
			ids = append(ids, must(w.CreateAPI(ctx, w.root, control.API{ServiceID: svc.ID, Method: "GET", Path: path}))(t).ID)
		}
		p := must(w.CreatePolicy(ctx, w.root, control.Policy{ServerID: "default", PolicyName: "Deny", Validators: []waist.Validator{{Name: "false"}}}))(t)
		must(w.UpdateAPI(ctx, w.root, ids[0], control.APIUpdate{PolicyID: p.ID}))(t)
		revision := func() int64 { return must(w.GetWorkspace(ctx, w.root, "default"))(t).Revision }
		before := revision()

		_, err := w.AssignPolicy(ctx, w.root, "default", append(ids[1:2:2], "nothing"), p.ID)
		refused(t, err, control.NotFound, "not_found")
		if x := must(w.GetAPI(ctx, w.root, ids[1]))(t); x.PolicyID != "" || revision() != before {
			t.Errorf("a refused assignment changed %+v", x)
		}
		if _, err := w.AssignPolicy(ctx, w.root, "default", ids, "nothing"); control.KindOf(err) != control.Invalid {
			t.Errorf("an unknown policy: %v", err)
		}
		for _, wrong := range [][]string{nil, make([]string, 1001)} {
			_, err := w.AssignPolicy(ctx, w.root, "default", wrong, p.ID)
			refused(t, err, control.Invalid, "invalid_assignment")
		}
		if _, err := w.AssignPolicy(ctx, w.root, "system", ids, ""); control.KindOf(err) != control.NotFound {
			t.Errorf("APIs of another workspace: %v", err)
		}

		if n := must(w.AssignPolicy(ctx, w.root, "default", ids, p.ID))(t); n != 2 || revision() != before+1 {
			t.Errorf("%d changed, revision %d after %d", n, revision(), before)
		}
		for _, id := range ids {
			if x := must(w.GetAPI(ctx, w.root, id))(t); x.PolicyID != p.ID {
				t.Errorf("%+v", x)
			}
		}
		records := must(w.ListAudit(ctx, w.root, "default", control.AuditFilter{Subjects: []string{"gateway_policy"}}))(t)
		if len(records) != 3 {
			t.Errorf("%d audit records, want 3", len(records))
		}
		one := must(w.GetAudit(ctx, w.root, "default", records[1].ID))(t)
		if one.ID != records[1].ID || one.TargetID != records[1].TargetID || string(one.After) != string(records[1].After) {
			t.Errorf("%+v", one)
		}
		_, err = w.GetAudit(ctx, w.root, "admin", records[1].ID)
		refused(t, err, control.NotFound, "not_found")
	})
}

// TestAutoBindChanges: the setting can be changed, and a client that does not know the member leaves it.
func TestAutoBindChanges(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g, authorizer := w.gateway()
		on := true
		must(w.UpdateGateway(ctx, w.root, g.ID, control.GatewayUpdate{Name: "AWS", AutoBind: &on}))(t)
		if x := must(w.UpdateGateway(ctx, w.root, g.ID, control.GatewayUpdate{Name: "Renamed"}))(t); !x.AutoBind {
			t.Error("a change without the member switched it off")
		}
		must(w.SetInventory(ctx, authorizer, inventory(petStore("GET", "/pets"))))(t)
		if groups := must(w.ListGroups(ctx, w.root, g.ID))(t); groups[0].ServiceID == "" {
			t.Error("a new group was not bound")
		}
	})
}

// TestReservedWorkspace: an id that is a page of the portal is refused wherever it comes from.
func TestReservedWorkspace(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	for _, id := range []string{"login", "users", "assets", "search", "account"} {
		_, err := w.CreateWorkspace(ctx, w.root, control.Workspace{ID: id, Name: "X"})
		if control.KindOf(err) != control.Invalid {
			t.Errorf("%s: %v", id, err)
		}
	}
	if ws := must(w.CreateWorkspace(ctx, w.root, control.Workspace{Name: "Users"}))(t); ws.ID == "users" {
		t.Error("a name made a reserved id")
	}
}

// TestChangePassword: with the present one only, throttled, and every session ends.
func TestChangePassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		login := func(password string) (string, error) {
			token, _, err := w.Login(ctx, "default", "admin", password, "192.0.2.1", "Firefox")
			return token, err
		}
		token := must(login("correct horse battery"))(t)
		change := func(token, current, next string) error {
			_, err := w.ChangePassword(ctx, token, current, next, "192.0.2.1", "Firefox")
			return err
		}
		refused(t, change("unknown", "correct horse battery", "another long one"), control.Unauthenticated, "session_over")
		if err := change(token, "wrong", "another long one"); control.KindOf(err) != control.Invalid {
			t.Errorf("a wrong present password: %v", err)
		}
		if err := change(token, "correct horse battery", "x"); control.KindOf(err) != control.Invalid {
			t.Errorf("a short password: %v", err)
		}
		if err := change(token, "correct horse battery", "another long one"); err != nil {
			t.Fatal(err)
		}
		_, _, err := w.Session(ctx, token)
		refused(t, err, control.Unauthenticated, "session_over")
		_, err = login("correct horse battery")
		refused(t, err, control.Unauthenticated, "login_failed")
		token = must(login("another long one"))(t)
		for range 5 {
			_ = change(token, "wrong", "yet another one")
		}
		refused(t, change(token, "another long one", "yet another one"), control.TooMany, "too_many_logins")
	})
}
