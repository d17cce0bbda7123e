package admin_test

import (
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store/storetest"
)

// TestWorkspaceSecrets: a value is sealed, never in the audit, comes out where it is revealed, and moves to a new master key.
func TestWorkspaceSecrets(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const value = "s3cr3t-value-of-upstream"
		s := must(w.CreateSecret(ctx, w.root, control.Secret{WorkspaceID: "default", Name: "upstream"}, value))(t)
		row := must(w.st.WorkspaceSecret(ctx, "default", "default", s.ID))(t)
		if strings.Contains(row.Sealed, value) || row.Name != "upstream" {
			t.Errorf("stored as %+v", row)
		}
		_, err := w.CreateSecret(ctx, w.root, control.Secret{WorkspaceID: "default", Name: "upstream"}, "other")
		refused(t, err, control.Conflict, "secret_exists")
		_, err = w.CreateSecret(ctx, w.root, control.Secret{WorkspaceID: "default", Name: "big"}, strings.Repeat("x", control.MaxSecretValue+1))
		refused(t, err, control.Invalid, "invalid_secret")

		again, err := admin.ParseKeyring("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n" + masterKey)
		if err != nil {
			t.Fatal(err)
		}
		rotated := admin.New(admin.Options{Store: w.st, Now: w.clock.Now, PublicURL: "http://127.0.0.1:8080/", Keyring: again})
		if n := must(rotated.ResealSecrets(ctx, w.root))(t); n == 0 {
			t.Error("nothing was sealed anew")
		}
		if after := must(w.st.WorkspaceSecret(ctx, "default", "default", s.ID))(t); after.Sealed == row.Sealed {
			t.Error("the secret is still sealed with the old key")
		}
		w.clock.Add(time.Second)
		if got := must(rotated.RevealSecrets(ctx, w.root, "default"))(t); got[s.ID] != value {
			t.Errorf("revealed %v", got)
		}
		w.clock.Add(time.Second) // records of one microsecond have no order
		if err := w.DeleteSecret(ctx, w.root, "default", s.ID); err != nil {
			t.Fatal(err)
		}
		for _, e := range must(w.ListAudit(ctx, w.root, "default", control.AuditFilter{Subjects: []string{"secret"}, Ascending: true}))(t) {
			if strings.Contains(string(e.Before)+string(e.After), value) {
				t.Errorf("the audit tells the value: %+v", e)
			}
		}
		var actions []string
		for _, e := range must(w.ListAudit(ctx, w.root, "default", control.AuditFilter{Subjects: []string{"secret"}, Ascending: true}))(t) {
			actions = append(actions, e.Action)
		}
		if got := strings.Join(actions, " "); got != "created revealed deleted" {
			t.Errorf("audit: %s", got)
		}
	})
}

// TestAutomationClients: a client of the system workspace has the scopes it was given, none of a gateway, and reaches no
// administrator.
func TestAutomationClients(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		manager := control.Actor{Kind: control.UserActor, ID: "m", TenantID: "default", Role: control.Manager}
		in := control.Client{WorkspaceID: "system", Name: "CI", Scopes: []string{control.ScopeViewClients, control.ScopeManageClients}}
		_, _, err := w.CreateClient(ctx, manager, in, "")
		refused(t, err, control.Forbidden, "insufficient_role")
		gatewayLike := in
		gatewayLike.Scopes = []string{control.ScopeReadConfiguration}
		_, _, err = w.CreateClient(ctx, w.root, gatewayLike, "")
		refused(t, err, control.Malformed, "system_workspace")
		ci, _, err := w.CreateClient(ctx, w.root, in, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.ClientSecret(ctx, manager, ci.ID)
		refused(t, err, control.Forbidden, "insufficient_role")
		gatewayLike.ID = ci.ID
		_, err = w.UpdateClient(ctx, w.root, gatewayLike)
		refused(t, err, control.Malformed, "system_workspace")

		actor := must(w.ActorForToken(ctx, "default", "system", ci.ID, ci.Scopes))(t)
		app, _, err := w.CreateClient(ctx, w.root, control.Client{WorkspaceID: "default", Name: "App"}, "")
		if err != nil {
			t.Fatal(err)
		}
		if all := must(w.ListClients(ctx, actor, "default"))(t); len(all) != 1 {
			t.Errorf("%+v", all)
		}
		must(w.RotateClientSecret(ctx, actor, app.ID))(t)
		_, err = w.ListScopes(ctx, actor, "default")
		refused(t, err, control.Forbidden, "insufficient_scope")
		_, err = w.RotateClientSecret(ctx, actor, w.boot.ClientID)
		refused(t, err, control.Forbidden, "insufficient_role")
		_, err = w.RotateClientSecret(ctx, actor, ci.ID)
		refused(t, err, control.Forbidden, "insufficient_role")
		_, err = w.ClientSecret(ctx, actor, app.ID)
		refused(t, err, control.Forbidden, "forbidden")
		_, _, err = w.Configuration(ctx, actor, control.GatewayPoll{})
		refused(t, err, control.Forbidden, "insufficient_scope")
	})
}

// TestRevealIsAudited: who was shown a secret is in the audit, and nobody else.
func TestRevealIsAudited(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	c, secret, err := w.CreateClient(ctx, w.root, control.Client{WorkspaceID: "default", Name: "App"}, "")
	if err != nil {
		t.Fatal(err)
	}
	count := func() int {
		return len(must(w.ListAudit(ctx, w.root, "default", control.AuditFilter{Actions: []string{"revealed"}}))(t))
	}
	if same := must(w.IsClientSecret(ctx, w.root, c.ID, secret))(t); !same || must(w.IsClientSecret(ctx, w.root, c.ID, "x"))(t) || count() != 0 {
		t.Errorf("%v, %d records", same, count())
	}
	if got := must(w.ClientSecret(ctx, w.root, c.ID))(t); got != secret || count() != 1 {
		t.Errorf("%d records", count())
	}
	_, err = w.ClientSecret(ctx, control.Actor{Kind: control.UserActor, ID: "x", TenantID: "default", Role: control.Member}, c.ID)
	refused(t, err, control.Forbidden, "insufficient_role")
	if count() != 1 {
		t.Error("a refusal is recorded as a reveal")
	}
}

// TestPolicyExecutionPoints: all or none, and what is not named stays as it is.
func TestPolicyExecutionPoints(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sid := must(w.CreateService(ctx, w.root, control.Service{WorkspaceID: "default", Name: "S"}))(t).ID
		var ids []string
		for _, p := range []string{"/a", "/b"} {
			ids = append(ids, must(w.CreateAPI(ctx, w.root, control.API{ServiceID: sid, Method: "GET", Path: p}))(t).ID)
		}
		set := func(points ...control.PolicyExecutionPoint) error {
			return w.SetPolicyExecutionPoints(ctx, w.root, "default", points)
		}
		at := func(id, policy string) control.PolicyExecutionPoint {
			return control.PolicyExecutionPoint{Type: "api", Target: id, PolicyID: policy}
		}
		const block = "block_default_api"
		refused(t, set(at(ids[0], block), at(ids[1], "nobody")), control.Invalid, "invalid_execution_points")
		refused(t, set(at(ids[0], block), control.PolicyExecutionPoint{Type: "server_user_token", PolicyID: block}), control.Invalid, "invalid_execution_points")
		if got := must(w.ListPolicyExecutionPoints(ctx, w.root, "default"))(t); len(got) != 0 {
			t.Fatalf("half of it was done: %+v", got)
		}
		if err := set(at(ids[0], block), at(ids[1], block)); err != nil {
			t.Fatal(err)
		}
		before := must(w.GetWorkspace(ctx, w.root, "default"))(t).Revision
		all := must(w.ListPolicyExecutionPoints(ctx, w.root, "default"))(t)
		if len(all) != 2 || all[0].PolicyID != block {
			t.Fatalf("%+v", all)
		}
		if err := set(all...); err != nil {
			t.Fatal(err)
		}
		if after := must(w.GetWorkspace(ctx, w.root, "default"))(t).Revision; after != before {
			t.Errorf("sending back what was read is a new revision: %d, %d", before, after)
		}
		if err := set(at(ids[0], "")); err != nil {
			t.Fatal(err)
		}
		if got := must(w.ListPolicyExecutionPoints(ctx, w.root, "default"))(t); len(got) != 1 || got[0].Target != ids[1] {
			t.Errorf("%+v", got)
		}
	})
}
