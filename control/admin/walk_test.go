package admin_test

import (
	"errors"
	"testing"

	"portcullis/control"
	"portcullis/edge/waist"
)

func asError(err error, e **control.Error) bool { return errors.As(err, e) }

// TestGuide walks the guide's steps: gateway, discovery, binding, policy, configuration.
func TestGuide(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g, authorizer := w.gateway()
		if g.ClientSecret == "" || g.IssuerURL != "http://127.0.0.1:8080/default/system" || g.Client.WorkspaceID != "system" {
			t.Fatalf("%+v", g)
		}
		if again := must(w.ClientSecret(ctx, w.root, g.ClientID))(t); again != g.ClientSecret {
			t.Error("SETTINGS does not show the secret again")
		}
		must(w.AuthenticateClient(ctx, "default", "system", g.ClientID, g.ClientSecret))(t)

		cfg, etag, err := w.Configuration(ctx, authorizer, control.GatewayPoll{})
		if err != nil || len(cfg.APIs) != 0 || cfg.APIs == nil || len(cfg.JWKS) < 50 {
			t.Fatalf("%+v, %v", cfg, err)
		}
		if cfg, tag, err := w.Configuration(ctx, authorizer, control.GatewayPoll{ETag: etag}); cfg != nil || tag != etag || err != nil {
			t.Fatalf("an unchanged poll: %v, %s, %v", cfg, tag, err)
		}

		pets := petStore("GET", "/pets", "GET", "/pets/{petId}", "ANY", "/{proxy+}", "OPTIONS", "/pets")
		if r := must(w.SetInventory(ctx, authorizer, inventory(pets)))(t); r.NumberOfAddedAPIGroups != 1 {
			t.Errorf("%+v", r)
		}
		groups := must(w.ListGroups(ctx, w.root, g.ID))(t)
		if len(groups) != 1 || groups[0].Name != "PetStore/dev" || len(groups[0].APIs) != 4 || groups[0].ServiceID != "" {
			t.Fatalf("%+v", groups)
		}
		if _, tag, _ := w.Configuration(ctx, authorizer, control.GatewayPoll{ETag: etag}); tag != etag {
			t.Error("a discovery that binds nothing is a new revision")
		}

		svc := must(w.BindGroupToNewService(ctx, w.root, g.ID, groups[0].ID, control.Service{Name: "PetStore"}))(t)
		get, ok := w.api(svc.ID, "GET", "/pets")
		if !ok || get.PolicyID != "" {
			t.Fatalf("%+v, %v", get, ok)
		}
		if greedy, _ := w.api(svc.ID, "ANY", "/{proxy+}"); greedy.Position != 4 {
			t.Errorf("the greedy path has position %d, want the last, 4", greedy.Position)
		}
		p := must(w.CreatePolicy(ctx, w.root, control.Policy{ServerID: "default", PolicyName: "Deny All!", Validators: []waist.Validator{{Name: "false"}}}))(t)
		if p.ID != "default-deny-all" {
			t.Errorf("policy id %q", p.ID)
		}
		must(w.UpdateAPI(ctx, w.root, get.ID, control.APIUpdate{PolicyID: p.ID}))(t)

		cfg, tag, err := w.Configuration(ctx, authorizer, control.GatewayPoll{ETag: etag})
		if err != nil || cfg == nil || tag == etag {
			t.Fatalf("after the change: %v, %s, %v", cfg, tag, err)
		}
		if len(cfg.APIs) != 4 || len(cfg.Policies) != 1 || cfg.Policies[0].ID != p.ID || len(cfg.Services) != 1 ||
			cfg.Services[0].APIGroupID != pets.ID || cfg.Services[0].Audience != "spiffe://127.0.0.1/default/default/"+svc.ID ||
			cfg.IssuerURL != "http://127.0.0.1:8080/default/default" {
			t.Errorf("%+v", cfg)
		}
		refused(t, w.DeletePolicy(ctx, w.root, p.ID), control.Malformed, "policy_in_use")

		overview := must(w.ListServiceAPIs(ctx, w.root, "default"))(t)
		if len(overview) != 1 || overview[0].Gateway == nil || overview[0].Group == nil || len(overview[0].APIs) != 4 {
			t.Fatalf("%+v", overview)
		}
		if s := must(w.ListWorkspaces(ctx, w.root))(t); len(s) != 3 || s[1].ID != "default" || s[1].APIs != 4 || s[1].OpenAPIs != 3 || s[1].Gateways != 1 || s[1].LastActive.IsZero() {
			t.Errorf("%+v", s)
		}

		r := must(w.UnbindGroup(ctx, w.root, g.ID, pets.ID))(t)
		if len(r.RemovedAPIs) != 4 || len(r.NotRemovedPolicies) != 1 {
			t.Errorf("%+v", r)
		}
		if cfg := w.configuration(authorizer); len(cfg.APIs) != 0 || len(cfg.Services) != 0 || len(cfg.Policies) != 0 {
			t.Errorf("after unbinding: %+v", cfg)
		}
		if err := w.DeleteGateway(ctx, w.root, g.ID); err != nil {
			t.Fatal(err)
		}
		_, _, err = w.Configuration(ctx, authorizer, control.GatewayPoll{})
		refused(t, err, control.NotFound, "not_found")
		_, err = w.ActorForToken(ctx, "default", "system", g.ClientID, nil)
		refused(t, err, control.Unauthenticated, "invalid_token")
	})
}
