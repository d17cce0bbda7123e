package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"portcullis/control"
)

// Backup writes a copy of a SQLite database, as it is at one moment, to a new file while the server runs. The copy
// appears under its name when it is whole. PostgreSQL has pg_dump.
func (s *Store) Backup(ctx context.Context, path string) error {
	if s.engine != SQLite {
		return control.Errorf(control.NotImplemented, "", "a backup of a PostgreSQL database is made with pg_dump")
	}
	if _, err := os.Lstat(path); err == nil {
		return control.Errorf(control.Conflict, "", "%s exists already; name a new file", path)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".portcullis-backup-") // mode 0700
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer os.RemoveAll(dir)
	part := filepath.Join(dir, "part")
	// The read pool refuses writes with query_only, which covers VACUUM INTO; the writer would stop the server meanwhile.
	// A connection of its own does neither.
	db, err := openSQLiteFile(s.path, "FULL", "", 1)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO $1", part); err != nil {
		return fmt.Errorf("backup: %w", wrap(err))
	}
	if err := os.Chmod(part, 0o600); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	f, err := os.Open(part)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	err = errors.Join(f.Sync(), f.Close())
	if err == nil {
		err = os.Link(part, path) // refuses to replace a file that has appeared since
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// Check reads through a SQLite database and reports the first damage; a restored backup is checked with it.
func (s *Store) Check(ctx context.Context) error {
	if s.engine != SQLite {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	found, err := list(ctx, s.read, scanString, "SELECT integrity_check FROM pragma_integrity_check LIMIT 10")
	if err != nil {
		return err
	}
	if len(found) != 1 || found[0] != "ok" {
		return fmt.Errorf("database %s is damaged: %v; restore a backup", s.path, found)
	}
	orphans, err := list(ctx, s.read, scanString, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`)
	if err == nil && len(orphans) > 0 {
		err = fmt.Errorf("database %s is damaged: a row of %s points at nothing; restore a backup", s.path, orphans[0])
	}
	return err
}
