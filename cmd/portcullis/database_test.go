package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDatabaseCommands: a copy made while the server runs is whole and opens with the key; after the key was changed
// everything is sealed with the new one, and the old one is not needed any more.
func TestDatabaseCommands(t *testing.T) {
	key := environment(t)
	dir := t.TempDir()
	db, backup := "sqlite://"+filepath.Join(dir, "portcullis.db"), filepath.Join(dir, "backup.db")
	do := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := run(context.Background(), args, &out, io.Discard)
		return out.String(), err
	}
	if _, err := do("backup", "--database", db, backup); err == nil || !strings.Contains(err.Error(), "there is no database") {
		t.Errorf("a backup of nothing: %v", err)
	}
	s := start(t, "--database", db, "--master-key-file", key)
	if _, err := do("backup", "--database", db, backup); err != nil {
		t.Fatal(err)
	}
	if _, err := do("backup", "--database", db, backup); err == nil {
		t.Error("a backup was overwritten")
	}
	s.stop()
	if out, err := do("check", "--database", "sqlite://"+backup, "--master-key-file", key); err != nil || !strings.Contains(out, "the master key fits") {
		t.Errorf("%q, %v", out, err)
	}

	next := filepath.Join(dir, "next.key")
	if _, err := do("keygen", next); err != nil {
		t.Fatal(err)
	}
	if _, err := do("check", "--database", "sqlite://"+backup, "--master-key-file", next); err == nil {
		t.Error("another master key fits")
	}
	text := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	both := filepath.Join(dir, "both.key")
	if err := os.WriteFile(both, []byte(text(next)+text(key)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := do("reseal", "--database", "sqlite://"+backup, "--master-key-file", both); err != nil || strings.HasPrefix(out, "0 ") {
		t.Fatalf("%q, %v", out, err)
	}
	if _, err := do("check", "--database", "sqlite://"+backup, "--master-key-file", next); err != nil {
		t.Errorf("the new key alone: %v", err)
	}
	restored := start(t, "--database", "sqlite://"+backup, "--master-key-file", next)
	restored.token("admin", testClient, testSecret)

	damaged := filepath.Join(dir, "damaged.db")
	b := []byte(text(filepath.Join(dir, "portcullis.db")))
	for i := 4096 * 3; i < 4096*40 && i < len(b); i += 64 {
		b[i] ^= 0xff
	}
	if err := os.WriteFile(damaged, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := do("check", "--database", "sqlite://"+damaged); err == nil {
		t.Error("a damaged database is whole")
	}
}
