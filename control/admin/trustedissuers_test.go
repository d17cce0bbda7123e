package admin_test

import (
	"testing"

	"portcullis/control"
	"portcullis/edge/waist"

	"github.com/google/go-cmp/cmp"
)

// On both engines: what was set is listed, polled and audited; a manager may not set it.
func TestTrustedIssuers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := must(w.CreateGateway(ctx, w.root, control.GatewayCreate{WorkspaceID: "default", Name: "AWS", Type: "aws"}))(t)
		authorizer := must(w.ActorForToken(ctx, control.DefaultTenant, control.SystemWorkspace, g.ClientID, g.Client.Scopes))(t)
		all := []waist.TrustedIssuer{{IssuerURL: "https://login.example.com", JWKSURL: "https://login.example.com/keys", Audiences: []string{"https://api.example.com"}}}
		must(w.SetTrustedIssuers(ctx, w.root, "default", all))(t)
		if d := cmp.Diff(all, must(w.ListTrustedIssuers(ctx, w.root, "default"))(t)); d != "" {
			t.Errorf("listed (-want +got)\n%s", d)
		}
		cfg, _, err := w.Configuration(ctx, authorizer, control.GatewayPoll{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(all, cfg.TrustedIssuers); d != "" {
			t.Errorf("polled (-want +got)\n%s", d)
		}
		manager := w.root
		manager.Role, manager.Roles = control.Manager, nil
		if _, err := w.SetTrustedIssuers(ctx, manager, "default", nil); control.KindOf(err) != control.Forbidden || err == nil {
			t.Errorf("a manager: %v", err)
		}
		if got := must(w.ListTrustedIssuers(ctx, w.root, "default"))(t); len(got) != 1 {
			t.Errorf("after a refusal: %v", got)
		}
	})
}
