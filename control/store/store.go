package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"portcullis/control"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Engine is the kind of database behind a Store.
type Engine string

const (
	SQLite     Engine = "sqlite"
	PostgreSQL Engine = "postgres"
)

// Store is an open database. Its embedded Reader reads outside any transaction, or inside the one that Tx.Within put into
// the context: each call sees the latest committed state. It is safe for concurrent use.
type Store struct {
	Reader
	engine Engine
	path   string // of the SQLite file
	write  *sql.DB
	read   *sql.DB
}

// Reader reads; what it reads from is the read pool, a snapshot or a transaction.
type Reader struct{ q querier }

type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// pool reads from a pool of connections, or inside the transaction that the context names.
type pool struct{ db *sql.DB }

func (p pool) of(ctx context.Context) querier {
	if tx := within(ctx); tx != nil {
		return tx.q
	}
	return p.db
}

func (p pool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return p.of(ctx).ExecContext(ctx, query, args...)
}

func (p pool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return p.of(ctx).QueryContext(ctx, query, args...)
}

func (p pool) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return p.of(ctx).QueryRowContext(ctx, query, args...)
}

// Tx is a transaction that writes. It reads what it wrote.
type Tx struct {
	Reader
	tx     *sql.Tx
	engine Engine
}

// Open opens the database that dsn names and brings its schema up to date:
//
//	sqlite:///var/lib/portcullis/portcullis.db   a file; its directory is made when it is missing
//	sqlite:///tmp/test.db?durability=none        the same without waiting for the disk: what was acknowledged survives
//	                                             the end of the process, but not that of the machine. For tests
//	postgres://user@host/database                any DSN that pgx reads
//
// A schema newer than this program is refused and left as it is. On PostgreSQL the migration holds an advisory lock, so
// several nodes may start at once.
func Open(ctx context.Context, dsn string) (*Store, error) {
	switch {
	case strings.HasPrefix(dsn, "sqlite:"):
		return openSQLite(ctx, dsn)
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		return openPostgres(ctx, dsn)
	}
	scheme, _, _ := strings.Cut(dsn, ":")
	return nil, fmt.Errorf("database %q: unknown kind; use sqlite:///path/file.db or postgres://…", scheme+":…")
}

func openSQLite(ctx context.Context, dsn string) (*Store, error) {
	path := strings.TrimPrefix(strings.TrimPrefix(dsn, "sqlite:"), "//")
	path, lax := strings.CutSuffix(path, "?durability=none")
	synchronous := "FULL"
	if lax {
		synchronous = "OFF"
	}
	if path == "" || strings.ContainsAny(path, "?#") || strings.Contains(path, ":memory:") {
		return nil, fmt.Errorf("database %q: name a file: sqlite:///path/file.db", dsn)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	// The file holds sealed secrets and password hashes: nobody but its owner reads it.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	f.Close()
	// One writer: transactions queue here in order instead of fighting for the file's lock.
	write, err := openSQLiteFile(path, synchronous, "&_txlock=immediate", 1)
	if err != nil {
		return nil, err
	}
	read, err := openSQLiteFile(path, synchronous, "&_pragma=query_only(1)", max(4, runtime.GOMAXPROCS(0)))
	if err != nil {
		write.Close()
		return nil, err
	}
	s := &Store{Reader: Reader{pool{read}}, engine: SQLite, path: path, write: write, read: read}
	if err := s.migrate(ctx, goose.DialectSQLite3); err != nil {
		s.Close()
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	return s, nil
}

func openSQLiteFile(path, synchronous, extra string, conns int) (*sql.DB, error) {
	u := url.URL{Scheme: "file", OmitHost: true, Path: path}
	db, err := sql.Open("sqlite", u.String()+"?_pragma=busy_timeout(2000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=synchronous("+synchronous+")"+extra)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func openPostgres(ctx context.Context, dsn string) (*Store, error) {
	// ParseConfig's errors hide the password.
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if cfg.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		return nil, errors.New("database: default_query_exec_mode=simple_protocol is refused; leave it out")
	}
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(20)
	db.SetConnMaxIdleTime(5 * time.Minute)
	s := &Store{Reader: Reader{pool{db}}, engine: PostgreSQL, write: db, read: db}
	if err := s.migrate(ctx, goose.DialectPostgres); err != nil {
		s.Close()
		if control.KindOf(wrap(err)) == control.Unavailable {
			// pgx lists every address it tried on a line of its own.
			cause := strings.Join(strings.Fields(err.Error()), " ")
			return nil, control.Errorf(control.Unavailable, "database_unavailable", "database %s on %s: %s", cfg.Database, cfg.Host, cause)
		}
		return nil, fmt.Errorf("database %s on %s: %w", cfg.Database, cfg.Host, err)
	}
	return s, nil
}

func (s *Store) migrate(ctx context.Context, dialect goose.Dialect) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	var opts []goose.ProviderOption
	if s.engine == PostgreSQL {
		l, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60), lock.WithUnlockTimeout(1, 10))
		if err != nil {
			return err
		}
		opts = append(opts, goose.WithSessionLocker(l))
	}
	p, err := goose.NewProvider(dialect, s.write, sub, opts...)
	if err != nil {
		return err
	}
	have, known, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if have > known {
		return fmt.Errorf("its schema is version %d and this program knows up to %d: run the newer program, or restore a backup", have, known)
	}
	if have == known {
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrating the schema: %w", err)
	}
	return nil
}

// Engine says what is behind the store.
func (s *Store) Engine() Engine { return s.engine }

// Pools are the statistics of the connections that write and that read; on PostgreSQL they are the same.
func (s *Store) Pools() (write, read sql.DBStats) { return s.write.Stats(), s.read.Stats() }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.read.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}

// Close closes the database.
func (s *Store) Close() error {
	if s.read == s.write {
		return s.write.Close()
	}
	return errors.Join(s.read.Close(), s.write.Close())
}

// Tx runs f in one transaction that writes; it is committed when f returns nil and rolled back otherwise. f may run
// again when PostgreSQL gave the transaction up for another one (serialization failure, deadlock): it must change
// nothing but the transaction and variables that it sets from scratch.
func (s *Store) Tx(ctx context.Context, f func(*Tx) error) error {
	for try := 0; ; try++ {
		err := s.tx(ctx, f)
		if err == nil || try == 4 || !retryable(err) || ctx.Err() != nil {
			return err
		}
	}
}

func (s *Store) tx(ctx context.Context, f func(*Tx) error) (err error) {
	if within(ctx) != nil { // it would wait for itself
		return errors.New("store: a transaction inside a transaction")
	}
	t, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return wrap(err)
	}
	defer t.Rollback() // no effect after Commit; also on a panic in f
	tx := &Tx{Reader: Reader{t}, tx: t, engine: s.engine}
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.carryOut(ctx); err != nil {
		return err
	}
	return wrap(t.Commit())
}

// Snapshot runs f with a Reader whose calls all see one state of the database.
func (s *Store) Snapshot(ctx context.Context, f func(Reader) error) error {
	if tx := within(ctx); tx != nil {
		return f(tx.Reader)
	}
	t, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: isolation(s.engine)})
	if err != nil {
		return wrap(err)
	}
	defer t.Rollback()
	return f(Reader{t})
}

func isolation(e Engine) sql.IsolationLevel {
	if e == PostgreSQL {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault // a SQLite read transaction is a snapshot
}
