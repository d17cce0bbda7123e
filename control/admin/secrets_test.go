package admin_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store"
	"portcullis/control/store/storetest"
)

// TestSecretsStayInside: after a walk through everything that touches a secret, no audit record, log line or error
// repeats one, and the database holds none in clear.
func TestSecretsStayInside(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		var log bytes.Buffer
		w := newWorld(t, st, func(o *admin.Options) {
			o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		said := []string{}
		note := func(err error) {
			if err != nil {
				said = append(said, err.Error())
			}
		}
		g, _ := w.gateway()
		c, own, err := w.CreateClient(ctx, w.root, control.Client{WorkspaceID: "default", Name: "App"}, "a-secret-of-my-own-that-is-long-enough")
		note(err)
		_, _, err = w.CreateClient(ctx, w.root, control.Client{WorkspaceID: "default", Name: "App"}, "too-short-secret")
		note(err)
		rotated := must(w.RotateClientSecretKeeping(ctx, w.root, c.ID, time.Hour))(t)
		gatewayRotated := must(w.RotateClientSecret(ctx, w.root, g.ClientID))(t)
		u := must(w.CreateUser(ctx, w.root, control.User{Username: "joe", Role: control.Member}, "the password of joe"))(t)
		_, err = w.CreateUser(ctx, w.root, control.User{Username: "jim"}, "short-pass")
		note(err)
		note(w.SetPassword(ctx, w.root, u.ID, "the new password of joe"))
		token, _, err := w.Login(ctx, "default", "joe", "the new password of joe", "192.0.2.1", "test")
		note(err)
		_, _, err = w.Login(ctx, "default", "joe", "a wrong password", "192.0.2.1", "test")
		note(err)
		_, err = w.AuthenticateClient(ctx, "default", "default", c.ID, "wrong-client-secret")
		note(err)
		must(w.UpdateClient(ctx, w.root, control.Client{ID: c.ID, Name: "Renamed"}))(t)
		must(w.CreateIDP(ctx, w.root, oidcIDP("default"), "the secret at the provider"))(t)
		_, portal, err := w.PortalClient(ctx, "default")
		note(err)
		must(w.RotateKey(ctx, w.root, "default"))(t)
		note(w.Logout(ctx, token))
		note(w.DeleteClient(ctx, w.root, c.ID))
		note(w.DeleteGateway(ctx, w.root, g.ID))

		secrets := []string{g.ClientSecret, own, rotated, gatewayRotated, w.boot.ClientSecret, "correct horse battery", "the password of joe",
			"the new password of joe", "a wrong password", "wrong-client-secret", "too-short-secret", "short-pass", token, portal, "the secret at the provider"}
		for _, s := range secrets {
			if len(s) < 10 {
				t.Fatalf("%q is no secret", s)
			}
		}
		check := func(where, text string) {
			for _, s := range secrets {
				if strings.Contains(text, s) {
					t.Errorf("%s repeats a secret: %s", where, text)
				}
			}
			if strings.Contains(text, "$argon2id") {
				t.Errorf("%s repeats a password hash: %s", where, text)
			}
		}
		records := 0
		for _, wid := range []string{"admin", "system", "default"} {
			for f := (control.AuditFilter{Limit: 100}); ; {
				all := must(w.ListAudit(ctx, w.root, wid, f))(t)
				for _, e := range all {
					records++
					check("the audit", fmt.Sprintf("%+v %s %s", e, e.Before, e.After))
				}
				if len(all) < 100 {
					break
				}
				f.AfterID = all[len(all)-1].ID
			}
		}
		if records < 17 {
			t.Errorf("only %d audit records", records)
		}
		check("the log", log.String())
		check("the errors", strings.Join(said, "\n"))
		if len(said) != 4 {
			t.Errorf("%d errors, want 4: %q", len(said), said)
		}
		stored, err := st.AllClientSecrets(ctx, "", "", "", 100)
		if err != nil || len(stored) == 0 {
			t.Fatal(stored, err)
		}
		for _, s := range stored {
			check("the database", s.Sealed)
		}
	})
}

func TestClientAuthentication(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, secret, err := w.CreateClient(ctx, w.root, control.Client{WorkspaceID: "default", Name: "App", Scopes: []string{"read"}}, "")
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for name, in := range map[string][4]string{
			"wrong secret":     {"default", "default", c.ID, secret + "x"},
			"empty secret":     {"default", "default", c.ID, ""},
			"unknown client":   {"default", "default", "nobody", secret},
			"other workspace":  {"default", "system", c.ID, secret},
			"unknown tenant":   {"nowhere", "default", c.ID, secret},
			"a NUL in the id":  {"default", "default", c.ID + "\x00", secret},
			"secret as the id": {"default", "default", secret, c.ID},
		} {
			_, err := w.AuthenticateClient(ctx, in[0], in[1], in[2], in[3])
			if err == nil || control.KindOf(err) != control.Unauthenticated {
				if name == "a NUL in the id" && control.KindOf(err) == control.Malformed {
					continue // PostgreSQL has no text with NUL
				}
				t.Errorf("%s: %v", name, err)
			}
			if err != nil {
				texts = append(texts, err.Error())
			}
		}
		for _, s := range texts {
			if s != texts[0] {
				t.Errorf("two failures read differently: %q, %q", s, texts[0])
			}
		}
		must(w.AuthenticateClient(ctx, "default", "default", c.ID, secret))(t)
		inactive := c
		inactive.Status = "inactive"
		must(w.UpdateClient(ctx, w.root, inactive))(t)
		_, err = w.AuthenticateClient(ctx, "default", "default", c.ID, secret)
		refused(t, err, control.Unauthenticated, "client_refused")
	})
}

// TestRotation: with an overlap both secrets work until the old one's time is up, or until it is revoked.
func TestRotation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g, _ := w.gateway()
		works := func(secret string) bool {
			_, err := w.AuthenticateClient(ctx, "default", "system", g.ClientID, secret)
			return err == nil
		}
		second := must(w.RotateClientSecretKeeping(ctx, w.root, g.ClientID, time.Hour))(t)
		third := must(w.RotateClientSecretKeeping(ctx, w.root, g.ClientID, 2*time.Hour))(t)
		if !works(g.ClientSecret) || !works(second) || !works(third) {
			t.Error("an overlapping secret does not work")
		}
		if s := must(w.ClientSecret(ctx, w.root, g.ClientID))(t); s != third {
			t.Error("the secret that is shown is not the newest")
		}
		w.clock.Add(time.Hour)
		if works(g.ClientSecret) || !works(second) || !works(third) {
			t.Error("the first secret outlives its hour")
		}
		if err := w.RevokeRotatedSecrets(ctx, w.root, g.ClientID); err != nil {
			t.Fatal(err)
		}
		if works(second) || !works(third) {
			t.Error("revoking ends the old secrets and no other")
		}
		fourth := must(w.RotateClientSecret(ctx, w.root, g.ClientID))(t)
		if works(third) || !works(fourth) {
			t.Error("a rotation without overlap leaves the old secret working")
		}
		_, err := w.RotateClientSecretKeeping(ctx, w.root, g.ClientID, -1)
		refused(t, err, control.Invalid, "invalid_rotation")
		for range 15 {
			must(w.RotateClientSecretKeeping(ctx, w.root, g.ClientID, time.Hour))(t)
		}
		if all, _ := w.st.ClientSecrets(ctx, "default", g.ClientID); len(all) > 12 {
			t.Errorf("%d secrets are kept", len(all))
		}
	})
}

// TestMasterKeyRotation: a new key in front of the old one, everything sealed anew, the old key taken away.
func TestMasterKeyRotation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g, _ := w.gateway()
		newKey := admin.GenerateMasterKey()
		with := func(text string) *admin.Admin {
			k, err := admin.ParseKeyring(text)
			if err != nil {
				t.Fatal(err)
			}
			return admin.New(admin.Options{Store: w.st, Now: w.clock.Now, PublicURL: "http://127.0.0.1:8080", Keyring: k})
		}
		if _, err := with(newKey).ClientSecret(ctx, w.root, g.ClientID); err == nil || !strings.Contains(err.Error(), "add it to the master key file") {
			t.Errorf("without the key: %v", err)
		}
		must(w.CreateIDP(ctx, w.root, oidcIDP("default"), "the secret at the provider"))(t)
		both := with("# rotated\n" + newKey + "\n\n" + masterKey + "\n")
		n := must(both.ResealSecrets(ctx, w.root))(t)
		if n != 3+3+1 { // the clients of automation, portal and gateway, the keys of three workspaces, an identity provider
			t.Errorf("%d secrets were sealed anew, want 7", n)
		}
		if n := must(both.ResealSecrets(ctx, w.root))(t); n != 0 {
			t.Errorf("a second time: %d", n)
		}
		only := with(newKey)
		if s := must(only.ClientSecret(ctx, w.root, g.ClientID))(t); s != g.ClientSecret {
			t.Error("another secret came out")
		}
		if keys := must(only.SigningKeys(ctx, "default", "default"))(t); len(keys) != 1 || !keys[0].Active {
			t.Errorf("%+v", keys)
		}
		// A sealed secret that was moved to another row does not open there.
		err := w.st.Tx(ctx, func(tx *store.Tx) error {
			all, err := tx.ClientSecrets(ctx, "default", g.ClientID)
			if err != nil {
				return err
			}
			theirs, err := tx.ClientSecrets(ctx, "default", w.boot.ClientID)
			if err != nil {
				return err
			}
			all[0].Sealed = theirs[0].Sealed
			return tx.SetClientSecret(ctx, all[0])
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := only.ClientSecret(ctx, w.root, g.ClientID); err == nil {
			t.Error("a moved secret opens")
		}
	})
	for _, text := range []string{"", "# nothing\n", "n*t valid", "c2hvcnQ=", masterKey + "\nbroken"} {
		if _, err := admin.ParseKeyring(text); err == nil || (len(text) > 5 && strings.Contains(err.Error(), text)) {
			t.Errorf("ParseKeyring(%q): %v", text, err)
		}
	}
}

func TestSigningKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first := must(w.SigningKeys(ctx, "default", "default"))(t)
		if len(first) != 1 || first[0].Algorithm != "ES256" || !strings.Contains(string(first[0].PublicJWK), `"kid":"`+first[0].ID+`"`) ||
			strings.Contains(string(first[0].PublicJWK), `"d"`) {
			t.Fatalf("%+v", first)
		}
		before := w.revision()
		ws := must(w.GetWorkspace(ctx, w.root, "default"))(t)
		ws.KeyType = "ps"
		must(w.UpdateWorkspace(ctx, w.root, ws))(t)
		k := must(w.RotateKey(ctx, w.root, "default"))(t)
		if k.Algorithm != "PS256" || k.Private != nil || !k.Active {
			t.Errorf("%+v", k)
		}
		if w.revision() != before+2 {
			t.Error("a rotation is no new revision")
		}
		keys := must(w.SigningKeys(ctx, "default", "default"))(t)
		if len(keys) != 2 {
			t.Fatalf("%+v", keys)
		}
		refused(t, w.RevokeKey(ctx, w.root, "default", k.ID), control.Malformed, "key_active")
		if err := w.RevokeKey(ctx, w.root, "default", first[0].ID); err != nil {
			t.Fatal(err)
		}
		refused(t, w.RevokeKey(ctx, w.root, "default", first[0].ID), control.NotFound, "not_found")
		for range 9 {
			ws.KeyType = "ecdsa"
			must(w.RotateKey(ctx, w.root, "admin"))(t)
		}
		_, err := w.RotateKey(ctx, w.root, "admin")
		refused(t, err, control.Malformed, "too_many_keys")
	})
}
