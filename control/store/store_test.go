package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/control/store/storetest"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func seed(t *testing.T, st *store.Store) {
	t.Helper()
	err := st.Tx(context.Background(), func(tx *store.Tx) error {
		if err := tx.AddTenant(context.Background(), "default", "Default", now); err != nil {
			return err
		}
		return tx.AddWorkspace(context.Background(), control.Workspace{TenantID: "default", ID: "demo", Name: "Demo", CreatedAt: now, UpdatedAt: now, AccessTokenTTL: control.Duration(time.Hour)})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWorkspaceRoundTripAndRevision(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		ctx := context.Background()
		seed(t, st)
		w, err := st.Workspace(ctx, "default", "demo")
		if err != nil || !w.CreatedAt.Equal(now) || w.AccessTokenTTL != control.Duration(time.Hour) || w.Revision != 1 {
			t.Fatalf("%+v, %v", w, err)
		}
		err = st.Tx(ctx, func(tx *store.Tx) error {
			n, err := tx.Revise(ctx, "default", "demo", now.Add(time.Second))
			if n != 2 {
				t.Errorf("revision %d, want 2", n)
			}
			return errors.Join(err, errors.New("roll back"))
		})
		if err == nil || err.Error() != "roll back" {
			t.Fatal(err)
		}
		if n, since, err := st.Revision(ctx, "default", "demo"); n != 1 || !since.Equal(now) || err != nil {
			t.Errorf("after a roll-back: %d, %v, %v", n, since, err)
		}
		err = st.Tx(ctx, func(tx *store.Tx) error { return tx.AddWorkspace(ctx, w) })
		if !errors.Is(err, store.ErrExists) {
			t.Errorf("a second workspace of the same id: %v, want ErrExists", err)
		}
		err = st.Tx(ctx, func(tx *store.Tx) error {
			return tx.AddService(ctx, control.Service{TenantID: "default", ID: "s", WorkspaceID: "nowhere"})
		})
		if !errors.Is(err, store.ErrReferenced) {
			t.Errorf("a service of an unknown workspace: %v, want ErrReferenced", err)
		}
		if _, err := st.Workspace(ctx, "default", "nowhere"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("unknown workspace: %v, want ErrNotFound", err)
		}
	})
}
