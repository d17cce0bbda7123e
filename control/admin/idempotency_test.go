package admin_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store/storetest"

	"github.com/google/go-cmp/cmp"
)

// TestRequestsAreCarriedOutOnce: what a request with a key changed is changed once, whatever happens to who works on it.
func TestRequestsAreCarriedOutOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		what := sha256.Sum256([]byte("make a service"))
		begin := func(key string) (context.Context, *admin.Request, *admin.Answer, error) {
			return w.BeginRequest(ctx, "default", "root", key, what)
		}
		service := func(ctx context.Context) error {
			_, err := w.CreateService(ctx, w.root, control.Service{WorkspaceID: "default", Name: "Made"})
			return err
		}
		before := len(must(w.ListServices(ctx, w.root, "default"))(t))
		made := func() int { t.Helper(); return len(must(w.ListServices(ctx, w.root, "default"))(t)) - before }

		// The plain way.
		work, r, old, err := begin("plain")
		if err != nil || old != nil {
			t.Fatal(old, err)
		}
		_, _, _, err = begin("plain")
		refused(t, err, control.Conflict, "request_under_way")
		if err := service(work); err != nil || made() != 1 {
			t.Fatal(err, made())
		}
		_, _, _, err = begin("plain") // the change is committed, the answer not kept yet
		refused(t, err, control.Conflict, "request_under_way")
		answer := admin.Answer{Status: 201, Header: map[string]string{"Etag": `"1"`}, Body: []byte("{\"secret\":\"hush\"}\n{}")}
		if err := w.EndRequest(ctx, r, &answer); err != nil {
			t.Fatal(err)
		}
		_, _, old, err = begin("plain")
		if diff := cmp.Diff(&answer, old); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
		_, _, _, err = w.BeginRequest(ctx, "default", "root", "plain", sha256.Sum256([]byte("make two")))
		refused(t, err, control.Invalid, "idempotency_key_reused")
		if _, _, old, err := w.BeginRequest(ctx, "default", "joe", "plain", what); old != nil || err != nil {
			t.Errorf("another actor's key: %v, %v", old, err)
		}

		// Nothing was changed: it may be tried again at once.
		work, r, _, err = begin("refused")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.CreateService(work, w.root, control.Service{WorkspaceID: "nowhere", Name: "Made"}); err == nil {
			t.Fatal("a service of no workspace")
		}
		if err := w.EndRequest(ctx, r, nil); err != nil {
			t.Fatal(err)
		}
		if _, _, old, err := begin("refused"); old != nil || err != nil {
			t.Errorf("%v, %v", old, err)
		}

		// Who works on it is silent for too long: another takes over, and the first can no longer change anything.
		late, _, _, err := begin("late")
		if err != nil {
			t.Fatal(err)
		}
		w.clock.Add(4 * time.Minute)
		work, r, old, err = begin("late")
		if err != nil || old != nil {
			t.Fatal(old, err)
		}
		n := made()
		refused(t, service(late), control.Conflict, "request_under_way")
		if made() != n {
			t.Error("a request that was taken over was carried out")
		}
		if err := service(work); err != nil || made() != n+1 {
			t.Error(err, made())
		}
		if err := w.EndRequest(ctx, r, &answer); err != nil {
			t.Error(err)
		}

		// A node dies between the commit and the answer: what was made is not made again, not even after the claim's end.
		work, _, _, err = begin("died")
		if err != nil {
			t.Fatal(err)
		}
		if err := service(work); err != nil {
			t.Fatal(err)
		}
		w.clock.Add(10 * time.Minute)
		_, _, _, err = begin("died")
		refused(t, err, control.Conflict, "answer_not_kept")

		// A day later the key is new.
		w.clock.Add(24 * time.Hour)
		if _, _, old, err := begin("plain"); old != nil || err != nil {
			t.Errorf("%v, %v", old, err)
		}
	})
}

// TestAnswersAreSealed: an answer may hold a secret, so nothing of it can be read in the database; when the key is gone,
// the answer is, and the request stays carried out.
func TestAnswersAreSealed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sealed.db")
	st := storetest.Open(t, "sqlite://"+path)
	w := newWorld(t, st)
	what := sha256.Sum256(nil)
	_, r, _, err := w.BeginRequest(ctx, "default", "root", "key", what)
	if err != nil {
		t.Fatal(err)
	}
	const secret = "the-secret-of-a-new-client"
	if err := w.EndRequest(ctx, r, &admin.Answer{Status: 201, Body: []byte(secret)}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal"} {
		b, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(secret)) {
			t.Errorf("%s holds the secret", filepath.Base(name))
		}
	}
	keyring, err := admin.ParseKeyring(admin.GenerateMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	other := admin.New(admin.Options{Store: st, Now: w.clock.Now, Keyring: keyring})
	_, _, _, err = other.BeginRequest(ctx, "default", "root", "key", what)
	refused(t, err, control.Conflict, "answer_not_kept")

	// What is too large to be kept was still carried out.
	work, r, _, err := w.BeginRequest(ctx, "default", "root", "large", what)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateService(work, w.root, control.Service{WorkspaceID: "default", Name: "Made"}); err != nil {
		t.Fatal(err)
	}
	if err := w.EndRequest(ctx, r, &admin.Answer{Status: 201, Body: []byte(strings.Repeat("x", 64<<10+1))}); err != nil {
		t.Fatal(err)
	}
	_, _, _, err = w.BeginRequest(ctx, "default", "root", "large", what)
	refused(t, err, control.Conflict, "answer_not_kept")
}
