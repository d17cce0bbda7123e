package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/control/store/storetest"
)

// Single-use things are used once, whoever races for them, on both engines.
func TestTakeOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		ctx, now := context.Background(), time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
		g := store.Grant{TenantID: "default", ID: "g1", WorkspaceID: "w1", ClientID: "c1", UserID: "u1", Scopes: []string{"read"},
			CodeHash: "code", FamilyHash: "family", Authentication: control.Authentication{At: now}, CreatedAt: now, ExpiresAt: now.Add(time.Minute)}
		err := st.Tx(ctx, func(tx *store.Tx) error {
			return errors.Join(
				tx.AddTenant(ctx, "default", "Default", now),
				tx.AddWorkspace(ctx, control.Workspace{TenantID: "default", ID: "w1", Name: "W", Type: "regular", KeyType: "ecdsa"}),
				tx.AddClient(ctx, control.Client{TenantID: "default", ID: "c1", WorkspaceID: "w1", Name: "C"}),
				tx.AddUser(ctx, control.User{TenantID: "default", ID: "u1", WorkspaceID: "admin", IDPID: "static", Subject: "joe", Username: "joe"}, "hash"),
				tx.AddGrant(ctx, g, store.Code{RedirectURI: "https://app.example.com", Challenge: "ch", Nonce: "n", ExpiresAt: now.Add(time.Minute)}),
				tx.AddRefreshToken(ctx, "default", "g1", "refresh", now, now.Add(time.Hour)),
				tx.AddPushedRequest(ctx, store.PushedRequest{Hash: "pushed", TenantID: "default", WorkspaceID: "w1", ClientID: "c1", Query: "a=b", ExpiresAt: now.Add(time.Minute)}),
				tx.RevokeToken(ctx, "default", "w1", "jti", now.Add(time.Hour)),
				tx.RevokeToken(ctx, "default", "w1", "jti", now.Add(time.Hour)),
			)
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, take := range map[string]func(*store.Tx) error{
			"code":           func(tx *store.Tx) error { _, err := tx.TakeCode(ctx, "code"); return err },
			"refresh token":  func(tx *store.Tx) error { _, _, _, err := tx.TakeRefreshToken(ctx, "refresh"); return err },
			"pushed request": func(tx *store.Tx) error { _, err := tx.TakePushedRequest(ctx, "pushed"); return err },
			"assertion": func(tx *store.Tx) error {
				if fresh, err := tx.UseAssertion(ctx, "default", "c1", "jti", now, now.Add(time.Minute)); err != nil || fresh {
					return err
				}
				return store.ErrNotFound
			},
		} {
			var wg sync.WaitGroup
			var mu sync.Mutex
			won := 0
			for range 8 {
				wg.Go(func() {
					err := st.Tx(ctx, take)
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						won++
					} else if !errors.Is(err, store.ErrNotFound) {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			wg.Wait()
			if won != 1 {
				t.Errorf("%s was taken %d times", name, won)
			}
		}
		got, err := st.GrantOfCode(ctx, "code")
		if err != nil || got.Scopes[0] != "read" || !got.ExpiresAt.Equal(now.Add(time.Hour)) || !got.UsedAt.Equal(now) {
			t.Errorf("the grant of a code that was taken: %+v, %v", got, err)
		}
		if revoked, err := st.Revoked(ctx, "default", "w1", "jti"); err != nil || !revoked {
			t.Errorf("revoked %v, %v", revoked, err)
		}
		for _, c := range []struct {
			at   time.Duration
			want bool
		}{{time.Minute, false}, {time.Minute + time.Second, true}} { // a jti may come again once it is over
			err := st.Tx(ctx, func(tx *store.Tx) error {
				fresh, err := tx.UseAssertion(ctx, "default", "c1", "jti", now.Add(c.at), now.Add(time.Hour))
				if fresh != c.want {
					t.Errorf("an assertion after %v: fresh is %v", c.at, fresh)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		opaque := store.AccessToken{Hash: "opaque", TenantID: "default", WorkspaceID: "w1", Claims: []byte(`{"sub":"c1"}`), ExpiresAt: now.Add(time.Minute)}
		if err := st.Tx(ctx, func(tx *store.Tx) error { return tx.AddAccessToken(ctx, opaque, now) }); err != nil {
			t.Fatal(err)
		}
		if got, err := st.AccessToken(ctx, "opaque"); err != nil || string(got.Claims) != `{"sub":"c1"}` || !got.ExpiresAt.Equal(opaque.ExpiresAt) {
			t.Errorf("an opaque token: %+v, %v", got, err)
		}
		another := opaque
		another.Hash, another.ExpiresAt = "another", now.Add(time.Hour)
		if err := st.Tx(ctx, func(tx *store.Tx) error { return tx.AddAccessToken(ctx, another, now.Add(2*time.Minute)) }); err != nil {
			t.Fatal(err)
		}
		if _, err := st.AccessToken(ctx, "opaque"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an opaque token outlives its end: %v", err)
		}
		// What is over is pruned; what belongs to a user ends with the user.
		prune := func(at time.Time) {
			if err := st.Tx(ctx, func(tx *store.Tx) error { return tx.PruneGrants(ctx, at) }); err != nil {
				t.Fatal(err)
			}
		}
		prune(now.Add(30 * time.Minute))
		if _, err := st.Grant(ctx, "default", "g1"); err != nil {
			t.Errorf("pruned before its time: %v", err)
		}
		if err := st.Tx(ctx, func(tx *store.Tx) error { return tx.RemoveUser(ctx, "default", "u1") }); err != nil {
			t.Fatal(err)
		}
		if _, err := st.Grant(ctx, "default", "g1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the grant outlives its user: %v", err)
		}
		prune(now.Add(2 * time.Hour))
		if revoked, _ := st.Revoked(ctx, "default", "w1", "jti"); revoked {
			t.Error("a revoked token is remembered beyond its end")
		}
	})
}
