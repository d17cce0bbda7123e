package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/control/store/storetest"
)

// TestMain is also the writer that TestKill kills.
func TestMain(m *testing.M) {
	if path := os.Getenv("STORE_TEST_WRITER"); path != "" {
		if err := writer(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writer makes services as fast as it can and says the number of each once it is committed.
func writer(path string) error {
	ctx := context.Background()
	st, err := store.Open(ctx, "sqlite://"+path)
	if err != nil {
		return err
	}
	start, err := strconv.Atoi(os.Getenv("STORE_TEST_START"))
	if err != nil {
		return err
	}
	for i := start; ; i++ {
		err := st.Tx(ctx, func(tx *store.Tx) error {
			id := fmt.Sprintf("s%08d", i)
			if err := tx.AddService(ctx, control.Service{TenantID: "default", WorkspaceID: "demo", ID: id, Name: id}); err != nil {
				return err
			}
			if err := tx.AddScope(ctx, control.Scope{TenantID: "default", WorkspaceID: "demo", ServiceID: id, ID: "of-" + id, Name: "of-" + id}); err != nil {
				return err
			}
			_, err := tx.Revise(ctx, "default", "demo", now)
			return err
		})
		if err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// TestKill kills a writer 50 times in the midst of its work: every change that it acknowledged is there, none is there
// by half, and the database is whole.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills 50 processes")
	}
	path := filepath.Join(t.TempDir(), "kill.db")
	st := storetest.Open(t, "sqlite://"+path+"?durability=none")
	seed(t, st)
	ctx := context.Background()
	acknowledged := map[int]bool{}
	next := 0
	for round := range 50 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "STORE_TEST_WRITER="+path, "STORE_TEST_START="+strconv.Itoa(next))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < 2+round%5 && lines.Scan(); n++ {
			i, _ := strconv.Atoi(lines.Text())
			acknowledged[i] = true
		}
		cmd.Process.Kill()
		for lines.Scan() { // said before the end
			if i, err := strconv.Atoi(lines.Text()); err == nil {
				acknowledged[i] = true
			}
		}
		cmd.Wait()
		services, err := st.Services(ctx, "default", "demo", store.Page{})
		if err != nil {
			t.Fatal(err)
		}
		next = len(services)
	}
	if len(acknowledged) < 100 {
		t.Fatalf("only %d changes were acknowledged", len(acknowledged))
	}
	services, err := st.Services(ctx, "default", "demo", store.Page{})
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, s := range services {
		have[s.ID] = true
		if s.NumberOfScopes != 1 {
			t.Errorf("%s is there by half", s.ID)
		}
	}
	for i := range acknowledged {
		if !have[fmt.Sprintf("s%08d", i)] {
			t.Errorf("change %d was acknowledged and is lost", i)
		}
	}
	if n, _, _ := st.Revision(ctx, "default", "demo"); n != int64(1+len(services)) {
		t.Errorf("revision %d for %d changes", n, len(services))
	}
	if err := st.Check(ctx); err != nil {
		t.Error(err)
	}
}

// TestBackup copies a database while it is written to; the copy opens, is whole, and is of one moment.
func TestBackup(t *testing.T) {
	ctx := context.Background()
	st := storetest.SQLite(t)
	seed(t, st)
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			err := st.Tx(ctx, func(tx *store.Tx) error {
				id := fmt.Sprintf("s%08d", i)
				_, err := tx.Revise(ctx, "default", "demo", now)
				return errors.Join(err, tx.AddService(ctx, control.Service{TenantID: "default", WorkspaceID: "demo", ID: id, Name: id}))
			})
			if err != nil {
				done <- err
				return
			}
		}
	}()
	path := filepath.Join(t.TempDir(), "backup.db")
	if err := st.Backup(ctx, path); err != nil {
		t.Fatal(err)
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	restored := storetest.Open(t, "sqlite://"+path)
	if err := restored.Check(ctx); err != nil {
		t.Fatal(err)
	}
	services, err := restored.Services(ctx, "default", "demo", store.Page{})
	if n, _, _ := restored.Revision(ctx, "default", "demo"); err != nil || n != int64(1+len(services)) {
		t.Errorf("the copy is of several moments: revision %d, %d services, %v", n, len(services), err)
	}
	if err := st.Backup(ctx, path); control.KindOf(err) != control.Conflict {
		t.Errorf("over an existing file: %v", err)
	}
	if err := st.Backup(ctx, "/nonexistent/backup.db"); err == nil {
		t.Error("a backup into nowhere")
	}
}

// TestDamageIsFound: a damaged file is told from a whole one.
func TestDamageIsFound(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "damaged.db")
	st, err := store.Open(ctx, "sqlite://"+path)
	if err != nil {
		t.Fatal(err)
	}
	seed(t, st)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	// Foreign keys are off on a plain connection.
	if _, err := db.Exec("UPDATE workspaces SET tenant_id = 'nobody'"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if err := storetest.Open(t, "sqlite://"+path).Check(ctx); err == nil || !strings.Contains(err.Error(), "workspaces") {
		t.Errorf("%v", err)
	}
}

// TestLockedDatabase: another program that holds the file's lock is an outage that passes.
func TestLockedDatabase(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "locked.db")
	st := storetest.Open(t, "sqlite://"+path)
	seed(t, st)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	err = st.Tx(ctx, func(tx *store.Tx) error { return tx.LockWorkspace(ctx, "default", "demo") })
	if control.KindOf(err) != control.Unavailable || !strings.Contains(err.Error(), "locked") {
		t.Errorf("a write against the lock of another program: %v", err)
	}
	if _, err := st.Workspace(ctx, "default", "demo"); err != nil {
		t.Errorf("reading while another program writes: %v", err)
	}
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := st.Tx(ctx, func(tx *store.Tx) error { return tx.LockWorkspace(ctx, "default", "demo") }); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

// TestFullDisk: a write that finds no room is refused as Unavailable, changes nothing, and works again when there is.
func TestFullDisk(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "full.db")
	st := storetest.Open(t, "sqlite://"+path+"?durability=none")
	seed(t, st)
	limit := func(tx *store.Tx, pages string) { // SQLite's own limit answers as a full disk does (SQLITE_FULL)
		if err := store.ExecForTest(tx, "PRAGMA max_page_count = "+pages); err != nil {
			t.Fatal(err)
		}
	}
	fill := func() error {
		return st.Tx(ctx, func(tx *store.Tx) error {
			limit(tx, "1")
			for i := range 200 {
				id := fmt.Sprint("s", i)
				if err := tx.AddService(ctx, control.Service{TenantID: "default", WorkspaceID: "demo", ID: id, Description: strings.Repeat("x", 4000)}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := fill()
	if control.KindOf(err) != control.Unavailable || !strings.Contains(err.Error(), "disk") {
		t.Fatalf("%v", err)
	}
	if all, err := st.Services(ctx, "default", "demo", store.Page{}); err != nil || len(all) != 0 {
		t.Errorf("half of it was written: %d, %v", len(all), err)
	}
	err = st.Tx(ctx, func(tx *store.Tx) error {
		limit(tx, "1073741823")
		return tx.AddService(ctx, control.Service{TenantID: "default", WorkspaceID: "demo", ID: "s"})
	})
	if err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestPostgresRestart: while PostgreSQL is down requests are Unavailable; when it is back they work, without a restart
// of ours.
func TestPostgresRestart(t *testing.T) {
	ctx := context.Background()
	st := storetest.Postgres(t)
	seed(t, st)
	for range 5 { // several pooled connections
		if _, err := st.Workspace(ctx, "default", "demo"); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Disconnect(t) // what a restart does to every connection
	var failures int
	for range 10 {
		_, err := st.Workspace(ctx, "default", "demo")
		if err == nil {
			break
		}
		failures++
		if control.KindOf(err) != control.Unavailable {
			t.Errorf("%v", err)
		}
	}
	if failures == 10 {
		t.Error("the store does not recover")
	}
	if err := st.Tx(ctx, func(tx *store.Tx) error { return tx.LockWorkspace(ctx, "default", "demo") }); err != nil {
		t.Errorf("writing after the restart: %v", err)
	}
	gone, err := store.Open(ctx, "postgres://postgres@127.0.0.1:1/nowhere?connect_timeout=2")
	if err == nil {
		gone.Close()
		t.Fatal("opened nothing")
	}
	if control.KindOf(err) != control.Unavailable {
		t.Errorf("a server that is not there: %v", err)
	}
}
