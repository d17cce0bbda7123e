package admin_test

import (
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/edge/waist"
)

// TestTreeHoldsTrustAndSecrets: trusted issuers and the secrets that policies read go through a document and come out the
// same; values are in it with credentials only, and a document without them keeps what is there.
func TestTreeHoldsTrustAndSecrets(t *testing.T) {
	update := control.ImportOptions{Mode: control.ImportUpdate}
	pair(t, func(t *testing.T, a, b *world) {
		must(a.SetTrustedIssuers(ctx, a.root, "default", []waist.TrustedIssuer{{IssuerURL: "https://idp.example.com", JWKSURL: "https://idp.example.com/jwks", Audiences: []string{"pets"}}}))(t)
		must(a.CreateSecret(ctx, a.root, control.Secret{ID: "s1", WorkspaceID: "default", Name: "webhook"}, "a value that nobody may see"))(t)
		must(a.CreateSecret(ctx, a.root, control.Secret{ID: "s2", WorkspaceID: "default", Name: "pepper"}, "salt"))(t)

		bare := must(a.ExportWorkspace(ctx, a.root, "default", false))(t)
		if text := jsonOf(t, bare); strings.Contains(text, "nobody may see") || !strings.Contains(text, `"secret": "webhook"`) || !strings.Contains(text, "idp.example.com") {
			t.Errorf("%s", text)
		}
		a.clock.Add(time.Second)
		with := must(a.ExportWorkspace(ctx, a.root, "default", true))(t)
		if said := must(a.ListAudit(ctx, a.root, "default", control.AuditFilter{Subjects: []string{"configuration"}, Limit: 1}))(t); len(said) != 1 || said[0].Action != "revealed" || said[0].ActorID != "root" {
			t.Errorf("who took the secrets is not in the audit: %+v", said)
		}

		// To another database: not without the values, and nothing half.
		was := jsonOf(t, must(b.ExportWorkspace(ctx, b.root, "default", false))(t))
		if w := wrongs(t, b.ImportWorkspace(ctx, b.root, "default", document(t, bare), update)); len(w) != 2 || w["secrets.s1.value"] == "" || w["secrets.s2.value"] == "" {
			t.Errorf("%v", w)
		}
		if is := jsonOf(t, must(b.ExportWorkspace(ctx, b.root, "default", false))(t)); is != was {
			t.Error("half of a refused document was taken in")
		}
		if err := b.ImportWorkspace(ctx, b.root, "default", document(t, with), update); err != nil {
			t.Fatal(err)
		}
		if x, y := jsonOf(t, with), jsonOf(t, must(b.ExportWorkspace(ctx, b.root, "default", true))(t)); x != y {
			t.Errorf("the round trip changed\n%s\nto\n%s", x, y)
		}
		if v := must(b.RevealSecrets(ctx, b.root, "default"))(t); v["s1"] != "a value that nobody may see" || v["s2"] != "salt" {
			t.Errorf("%v", v)
		}
		for _, again := range []any{document(t, with), document(t, bare)} {
			revision := b.revision()
			if err := b.ImportWorkspace(ctx, b.root, "default", again, update); err != nil || b.revision() != revision {
				t.Errorf("over itself: %v, revision %d after %d", err, b.revision(), revision)
			}
		}
		if v := must(b.RevealSecrets(ctx, b.root, "default"))(t); v["s1"] != "a value that nobody may see" {
			t.Error("a document without values took one away")
		}

		// By the flat lists, too.
		dump := must(a.DumpTenant(ctx, a.root, "default", true))(t)
		if err := b.ImportDump(ctx, b.root, document(t, dump), update); err != nil {
			t.Error(err)
		}

		// Two secrets exchange their names; one gets a new value; the issuers go.
		patch := control.MergePatch(parsed(t, `{"trusted_issuers":[],"secrets":{"s1":{"secret":"pepper","value":"new"},"s2":{"secret":"webhook"}}}`))
		before := b.revision()
		if err := b.PatchWorkspace(ctx, b.root, "default", patch, update); err != nil {
			t.Fatal(err)
		}
		now := must(b.ExportWorkspace(ctx, b.root, "default", true))(t)
		if len(*now.TrustedIssuers) != 0 || now.Secrets["s1"] != (control.TreeSecret{Name: "pepper", Value: "new"}) || now.Secrets["s2"] != (control.TreeSecret{Name: "webhook", Value: "salt"}) {
			t.Errorf("%+v %+v", now.TrustedIssuers, now.Secrets)
		}
		if b.revision() != before+1 {
			t.Error("authorizers are not told that an issuer is no longer trusted")
		}
		if err := b.PatchWorkspace(ctx, b.root, "default", control.MergePatch(parsed(t, `{"secrets":{"s1":null}}`)), update); err != nil {
			t.Fatal(err)
		}
		if all := must(b.ListSecrets(ctx, b.root, "default"))(t); len(all) != 1 || all[0].ID != "s2" {
			t.Errorf("%+v", all)
		}

		// Who may change everything else may not say whom the authorizers trust.
		manager := control.Actor{Kind: control.UserActor, ID: "m", TenantID: "default", Role: control.Manager}
		err := b.ImportWorkspace(ctx, manager, "default", parsed(t, `{"trusted_issuers":[{"issuer_url":"https://evil.example.com","jwks_url":"https://evil.example.com/j","audiences":["x"]}]}`), update)
		refused(t, err, control.Forbidden, "insufficient_role")
		for _, mistake := range []string{`{"trusted_issuers":[{"issuer_url":"http://plain.example.com"}]}`, `{"secrets":{"s3":{"secret":"","value":"x"}}}`,
			`{"secrets":{"s3":{"secret":"webhook","value":"x"}}}`, `{"secrets":{"s2":{"secret":"x","valu":"x"}}}`} {
			if w := wrongs(t, b.ImportWorkspace(ctx, b.root, "default", parsed(t, mistake), update)); len(w) == 0 {
				t.Errorf("%s is taken in", mistake)
			}
		}
		err = b.ImportWorkspace(ctx, b.root, "default", parsed(t, `{"secrets":{"s2":{"secret":"other"}}}`), control.ImportOptions{Mode: control.ImportFail})
		refused(t, err, control.Conflict, "configuration_exists")
		if err := b.ImportWorkspace(ctx, b.root, "default", parsed(t, `{"secrets":{"s2":{"secret":"other"}}}`), control.ImportOptions{Mode: control.ImportIgnore}); err != nil {
			t.Error(err)
		}
		for _, e := range must(b.ListAudit(ctx, b.root, "default", control.AuditFilter{Limit: 100}))(t) {
			if text := string(e.Before) + string(e.After); strings.Contains(text, "nobody may see") || strings.Contains(text, "salt") {
				t.Errorf("a secret is in the audit: %s", text)
			}
		}
	})
}
