package admin_test

import (
	"slices"
	"testing"

	"portcullis/control"
)

// exchanging lets a gateway of the workspace default exchange tokens of the provider "okta".
func (w *world) exchanging(gateway string) control.Gateway {
	w.t.Helper()
	if _, err := w.GetIDP(ctx, w.root, "default", "okta"); control.KindOf(err) == control.NotFound {
		must(w.CreateIDP(ctx, w.root, control.IDP{ID: "okta", TenantID: "default", WorkspaceID: "default", Name: "Okta", Method: control.MethodOIDC,
			OIDC: &control.OIDCSettings{IssuerURL: "https://okta.example.com", ClientID: "portcullis", AuthMethod: control.AuthNone, Scopes: []string{"openid"}, Algorithms: []string{"ES256"}}}, ""))(w.t)
	}
	return must(w.UpdateGateway(ctx, w.root, gateway, control.GatewayUpdate{Name: "AWS", TokenExchange: &control.TokenExchange{Enabled: true, TrustedIDPs: []string{"okta", "okta"}}}))(w.t)
}

// TestTokenExchange: switching it on gives the gateway's client the scope and tells authorizers; off takes both away at once.
func TestTokenExchange(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g, authorizer := w.gateway()
		if cfg := w.configuration(authorizer); cfg.TokenExchangeEnabled {
			t.Error("a new gateway exchanges tokens")
		}
		up := w.exchanging(g.ID)
		if !up.TokenExchange.Enabled || !slices.Equal(up.TokenExchange.TrustedIDPs, []string{"okta"}) {
			t.Errorf("%+v", up.TokenExchange)
		}
		read := must(w.GetGateway(ctx, w.root, g.ID))(t)
		if !read.TokenExchange.Enabled || !slices.Contains(read.Client.Scopes, control.ScopeExchange) || len(read.Client.Scopes) != 5 {
			t.Errorf("%+v, %v", read.TokenExchange, read.Client.Scopes)
		}
		if cfg := w.configuration(authorizer); !cfg.TokenExchangeEnabled {
			t.Error("the configuration does not say it")
		}
		authorizer.Scopes = append(authorizer.Scopes, control.ScopeExchange)
		x := must(w.TokenExchange(ctx, authorizer))(t)
		if x.WorkspaceID != "default" || x.ClientID != g.ClientID || len(x.IDPs) != 1 || x.IDPs[0].ID != "okta" {
			t.Errorf("%+v", x)
		}
		// What is not said stays.
		if same := must(w.UpdateGateway(ctx, w.root, g.ID, control.GatewayUpdate{Name: "Renamed"}))(t); !same.TokenExchange.Enabled {
			t.Errorf("%+v", same)
		}
		for name, bad := range map[string]control.TokenExchange{
			"without providers":    {Enabled: true},
			"an unknown provider":  {TrustedIDPs: []string{"nobody"}},
			"the workspace's own":  {Enabled: true, TrustedIDPs: []string{control.StaticIDP}},
			"one good and one not": {Enabled: true, TrustedIDPs: []string{"okta", "nobody"}},
		} {
			_, err := w.UpdateGateway(ctx, w.root, g.ID, control.GatewayUpdate{Name: "AWS", TokenExchange: &bad})
			if control.KindOf(err) != control.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		// It is part of the workspace's document, in both directions.
		tree := must(w.ExportWorkspace(ctx, w.root, "default", false))(t)
		if x := tree.Gateways[g.ID].TokenExchange; !x.Enabled || !slices.Equal(x.TrustedIDPs, []string{"okta"}) {
			t.Errorf("exported: %+v", x)
		}
		unchanged(t, w, "default", func() error { return w.ImportWorkspace(ctx, w.root, "default", document(t, tree), updating) })
		off := tree.Gateways[g.ID]
		off.TokenExchange = control.TokenExchange{}
		tree.Gateways[g.ID] = off
		if err := w.ImportWorkspace(ctx, w.root, "default", document(t, tree), updating); err != nil {
			t.Fatal(err)
		}
		if read := must(w.GetGateway(ctx, w.root, g.ID))(t); read.TokenExchange.Enabled || slices.Contains(read.Client.Scopes, control.ScopeExchange) {
			t.Errorf("an import did not switch it off: %+v, %v", read.TokenExchange, read.Client.Scopes)
		}
		off.TokenExchange = control.TokenExchange{Enabled: true, TrustedIDPs: []string{"nobody"}}
		tree.Gateways[g.ID] = off
		if err := w.ImportWorkspace(ctx, w.root, "default", document(t, tree), updating); control.KindOf(err) != control.Invalid {
			t.Errorf("an import with an unknown provider: %v", err)
		}
		off.TokenExchange.TrustedIDPs = []string{"okta"}
		tree.Gateways[g.ID] = off
		if err := w.ImportWorkspace(ctx, w.root, "default", document(t, tree), updating); err != nil {
			t.Fatal(err)
		}
		if read := must(w.GetGateway(ctx, w.root, g.ID))(t); !read.TokenExchange.Enabled || !slices.Contains(read.Client.Scopes, control.ScopeExchange) {
			t.Errorf("an import did not switch it on: %+v, %v", read.TokenExchange, read.Client.Scopes)
		}
		if err := w.DeleteIDP(ctx, w.root, "default", "okta"); err != nil {
			t.Fatal(err)
		}
		if x := must(w.TokenExchange(ctx, authorizer))(t); len(x.IDPs) != 0 {
			t.Errorf("a provider that is gone is trusted: %+v", x)
		}
		must(w.UpdateGateway(ctx, w.root, g.ID, control.GatewayUpdate{Name: "AWS", TokenExchange: &control.TokenExchange{}}))(t)
		if cfg := w.configuration(authorizer); cfg.TokenExchangeEnabled {
			t.Error("the configuration still says it")
		}
		_, err := w.TokenExchange(ctx, authorizer) // with the token from before
		refused(t, err, control.Forbidden, "insufficient_scope")
		if read := must(w.GetGateway(ctx, w.root, g.ID))(t); slices.Contains(read.Client.Scopes, control.ScopeExchange) {
			t.Errorf("%v", read.Client.Scopes)
		}
	})
}
