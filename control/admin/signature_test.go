package admin_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portcullis/control"
	"portcullis/edge/waist"
)

// TestConfigurationIsSigned: whoever fetches a configuration gets it signed over its exact bytes, once per client secret
// that is valid then; an ordinary poll that finds nothing new gets no signature, one that asks for it does.
func TestConfigurationIsSigned(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g, authorizer := w.gateway()
		full := must(w.ConfigurationJSON(ctx, authorizer, control.GatewayPoll{}))(t)
		if len(full.Signatures) != 1 {
			t.Fatalf("%d signatures", len(full.Signatures))
		}
		check := func(line, secret string, revision int64) {
			t.Helper()
			s, err := waist.VerifySignature(secret, line, full.JSON)
			now := w.clock.Now()
			want := waist.ConfigurationSignature{Algorithm: "HS256", Type: "portcullis-configuration", Critical: []string{"b64"}, TenantID: "default", ServerID: "default",
				GatewayID: g.ID, ClientID: g.ClientID, Revision: revision, ETag: full.ETag, IssuedAt: now.Unix(), NotAfter: now.Add(30 * 24 * time.Hour).Unix()}
			if diff := cmp.Diff(want, s); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		}
		check(full.Signatures[0], g.ClientSecret, w.revision())

		poll := control.GatewayPoll{ETag: full.ETag}
		if same := must(w.ConfigurationJSON(ctx, authorizer, poll))(t); same.JSON != nil || same.Signatures != nil {
			t.Errorf("an ordinary poll: %+v", same)
		}
		poll.Sign = true
		w.clock.Add(90 * time.Second)
		same := must(w.ConfigurationJSON(ctx, authorizer, poll))(t)
		if same.JSON != nil || same.ETag != full.ETag || len(same.Signatures) != 1 {
			t.Fatalf("a poll that asks for a signature: %+v", same)
		}
		check(same.Signatures[0], g.ClientSecret, w.revision())

		// While a rotation lasts, functions with either secret can check; afterwards those with the new one only.
		fresh := must(w.RotateClientSecretKeeping(ctx, w.root, g.ClientID, time.Hour))(t)
		same = must(w.ConfigurationJSON(ctx, authorizer, poll))(t)
		if len(same.Signatures) != 2 {
			t.Fatalf("during a rotation: %d signatures", len(same.Signatures))
		}
		check(same.Signatures[0], fresh, w.revision())
		check(same.Signatures[1], g.ClientSecret, w.revision())
		if _, err := waist.VerifySignature(g.ClientSecret, same.Signatures[0], full.JSON); err == nil {
			t.Error("the old secret checks what is signed for the new one")
		}
		w.clock.Add(time.Hour)
		same = must(w.ConfigurationJSON(ctx, authorizer, poll))(t)
		if len(same.Signatures) != 1 {
			t.Fatalf("after the rotation: %d signatures", len(same.Signatures))
		}
		check(same.Signatures[0], fresh, w.revision())

		// A poll that asks for a signature and is out of date gets everything.
		must(w.CreateScope(ctx, w.root, control.Scope{WorkspaceID: "default", Name: "pets.read"}))(t)
		full = must(w.ConfigurationJSON(ctx, authorizer, poll))(t)
		if full.JSON == nil || full.ETag == poll.ETag {
			t.Fatalf("%+v", full)
		}
		check(full.Signatures[0], fresh, w.revision())
	})
}
