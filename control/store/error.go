package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"portcullis/control"
)

// ErrNotFound is what reading one row answers when it is not there.
var ErrNotFound = errors.New("store: not found")

// ErrExists is what an insert answers when a unique key is taken.
var ErrExists = errors.New("store: exists")

// ErrReferenced is what a write answers when a row it needs is not there, or a row it removes is still pointed at.
var ErrReferenced = errors.New("store: referenced")

// Result codes of SQLite (https://www.sqlite.org/rescode.html).
const (
	sqliteBusy       = 5
	sqliteLocked     = 6
	sqliteReadOnly   = 8
	sqliteIOErr      = 10
	sqliteFull       = 13
	sqliteCantOpen   = 14
	sqliteForeignKey = 787
	sqlitePrimaryKey = 1555
	sqliteUnique     = 2067
)

// wrap gives an engine's error a meaning: one of the errors above, control.Unavailable for an outage that may pass, or
// itself.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	var le *sqlite.Error
	if errors.As(err, &le) {
		switch le.Code() {
		case sqliteUnique, sqlitePrimaryKey:
			return fmt.Errorf("%w (%w)", ErrExists, err)
		case sqliteForeignKey:
			return fmt.Errorf("%w (%w)", ErrReferenced, err)
		}
		switch le.Code() & 0xff {
		case sqliteBusy, sqliteLocked:
			return unavailable("the database is locked by another program; try again", err)
		case sqliteFull:
			return unavailable("the disk of the database is full; nothing was changed", err)
		case sqliteIOErr, sqliteCantOpen, sqliteReadOnly:
			return unavailable("the database file cannot be read or written", err)
		}
		return err
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		switch pe.Code {
		case "23505": // unique_violation
			return fmt.Errorf("%w (%w)", ErrExists, err)
		case "23503": // foreign_key_violation
			return fmt.Errorf("%w (%w)", ErrReferenced, err)
		case "22021", "22P05": // character_not_in_repertoire, untranslatable_character
			return control.Errorf(control.Malformed, "bad_text", "a text holds a NUL character or is not UTF-8")
		}
		switch class := pe.Code[:min(2, len(pe.Code))]; {
		case class == "08", class == "53", class == "57", class == "58":
			return unavailable("the database does not answer as it should; try again", err)
		case pe.Code == "25006": // read_only_sql_transaction: a replica after a fail-over
			return unavailable("the database takes no writes at the moment; try again", err)
		}
		return err
	}
	var ne net.Error
	var ce *pgconn.ConnectError
	if errors.Is(err, driver.ErrBadConn) || errors.As(err, &ce) || errors.As(err, &ne) || strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "unexpected EOF") {
		if errors.Is(err, context.Canceled) {
			return err
		}
		return unavailable("the database cannot be reached; try again", err)
	}
	return err
}

// outage is a control.Error of kind Unavailable that keeps its cause for the log.
type outage struct {
	shown *control.Error
	cause error
}

func (o *outage) Error() string   { return o.shown.Message }
func (o *outage) Unwrap() []error { return []error{o.shown, o.cause} }

func unavailable(message string, cause error) error {
	e := control.Errorf(control.Unavailable, "database_unavailable", "%s", message)
	e.RetryAfter = 1
	return &outage{shown: e, cause: cause}
}

// retryable reports whether PostgreSQL gave a transaction up for another one.
func retryable(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (pe.Code == "40001" || pe.Code == "40P01")
}
