package storetest

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portcullis/control/store"
)

// Each runs f on a fresh store of each engine, as subtests "sqlite" and "postgres". Where PostgreSQL's programs are
// missing, that subtest is skipped, or fails when PORTCULLIS_REQUIRE_POSTGRES is set.
func Each(t *testing.T, f func(t *testing.T, st *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, Postgres(t)) })
}

// SQLite is a fresh store in a temporary file. It does not wait for the disk.
func SQLite(t testing.TB) *store.Store {
	t.Helper()
	return Open(t, "sqlite://"+filepath.Join(t.TempDir(), "test.db")+"?durability=none")
}

// Postgres is a fresh store in a database of its own: a copy of one that was migrated once.
func Postgres(t testing.TB) *store.Store {
	t.Helper()
	c := start(t)
	c.migrated.Do(func() {
		dsn := PostgresDSN(t)
		st, err := store.Open(context.Background(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		st.Close()
		u, _ := url.Parse(dsn)
		c.template = strings.TrimPrefix(u.Path, "/")
	})
	return Open(t, c.database(t, c.template))
}

// Open opens a store for the length of the test.
func Open(t testing.TB, dsn string) *store.Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	st, err := store.Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

var databases atomic.Int64

// PostgresDSN names a new, empty database of the throw-away cluster.
func PostgresDSN(t testing.TB) string {
	t.Helper()
	return start(t).database(t, "template0")
}

func (c *cluster) database(t testing.TB, template string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", databases.Add(1))
	c.run(t, "createdb", "-h", c.dir, "-U", "postgres", "-T", template, name)
	return (&url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + name, RawQuery: url.Values{"host": {c.dir}}.Encode()}).String()
}

// Disconnect ends every connection to the throw-away cluster, as a restart of PostgreSQL does.
func Disconnect(t testing.TB) {
	t.Helper()
	c := start(t)
	c.run(t, "psql", "-h", c.dir, "-U", "postgres", "-d", "postgres", "-q", "-c",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL")
}
