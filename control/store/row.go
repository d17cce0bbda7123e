package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"portcullis/control"
)

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// one reads one row; ErrNotFound when there is none.
func one[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	v, err := scan(q.QueryRowContext(ctx, query, args...))
	if err != nil {
		var zero T
		return zero, wrap(err)
	}
	return v, nil
}

// list reads rows; the slice is never nil.
func list[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, wrap(err)
	}
	defer rows.Close()
	out := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, wrap(err)
		}
		out = append(out, v)
	}
	return out, wrap(rows.Err())
}

// exec runs a statement that must touch at least one row; ErrNotFound otherwise.
func (tx *Tx) exec(ctx context.Context, query string, args ...any) error {
	n, err := tx.count(ctx, query, args...)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// count runs a statement and says how many rows it touched.
func (tx *Tx) count(ctx context.Context, query string, args ...any) (int64, error) {
	r, err := tx.q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, wrap(err)
	}
	return r.RowsAffected()
}

// prepare prepares a statement of this transaction.
func (tx *Tx) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	s, err := tx.tx.PrepareContext(ctx, query)
	return s, wrap(err)
}

// micros is how a time is stored; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// at scans a stored time.
type at struct{ t *time.Time }

func (a at) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("store: a time is stored as %T", v)
	}
	*a.t = time.Time{}
	if n != 0 {
		*a.t = time.UnixMicro(n).UTC()
	}
	return nil
}

// jsonText stores a value as JSON text.
func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // our own plain structs: cannot happen
		panic("store: " + err.Error())
	}
	return string(b)
}

// jsonList stores a list as JSON text, nil as "[]".
func jsonList[T any](v []T) string {
	if v == nil {
		return "[]"
	}
	return jsonText(v)
}

// fromJSON scans JSON text.
type fromJSON struct{ dest any }

func (f fromJSON) Scan(v any) error {
	switch s := v.(type) {
	case string:
		if s == "[]" { // most lists of most rows
			if l, ok := f.dest.(*[]string); ok {
				*l = []string{}
				return nil
			}
		}
		return json.Unmarshal([]byte(s), f.dest)
	case []byte:
		return json.Unmarshal(s, f.dest)
	}
	return fmt.Errorf("store: JSON is stored as %T", v)
}

// orNull stores "" as NULL, for optional references.
func orNull(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

// text scans a string that may be NULL, as "".
type text struct{ s *string }

func (t text) Scan(v any) error {
	var n sql.NullString
	if err := n.Scan(v); err != nil {
		return err
	}
	*t.s = n.String
	return nil
}

// Page is a bounded part of a list.
type Page = control.Page

// MaxPage bounds every list.
const MaxPage = 10_000

// where collects conditions with their parameters in order.
type where struct {
	conds []string
	args  []any
}

// add adds a condition; each "?" in it is the next parameter.
func (w *where) add(cond string, args ...any) {
	for _, a := range args {
		w.args = append(w.args, a)
		cond = strings.Replace(cond, "?", "$"+strconv.Itoa(len(w.args)), 1)
	}
	w.conds = append(w.conds, cond)
}

func (w *where) String() string { return " WHERE " + strings.Join(w.conds, " AND ") }

// like is a LIKE pattern (ESCAPE '!') for a part of a text.
func like(s string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(s)) + "%"
}

// page reads a page of a list: sel is "SELECT … FROM …", id and name are its columns. The page is found by the key of the
// object that it begins behind or ends in front of, so that it does not move when others come and go; a page in front of
// one is read backwards and turned round.
func page[T any](ctx context.Context, q querier, scan func(scanner) (T, error), sel string, w *where, id, name string, p Page) ([]T, error) {
	forward, backward := " > ", " < "
	if p.Desc {
		forward, backward = backward, forward
	}
	from := sel[strings.LastIndex(sel, "FROM "):] + w.String()
	args := len(w.args)
	for _, c := range []struct{ id, compare string }{{p.After, forward}, {p.Before, backward}} {
		switch {
		case c.id == "":
		case !p.ByName:
			w.add(id+c.compare+"?", c.id)
		default:
			at, err := one(ctx, q, scanString, "SELECT lower("+name+") "+from+" AND "+id+" = $"+strconv.Itoa(args+1), append(w.args[:args:args], c.id)...)
			if errors.Is(err, ErrNotFound) {
				return nil, control.Errorf(control.Malformed, "", "the cursor %q names nothing that is in the list; start again without one", c.id)
			}
			if err != nil {
				return nil, err
			}
			w.add("(lower("+name+"), "+id+")"+c.compare+"(?, ?)", at, c.id)
		}
	}
	if p.Search != "" {
		w.add("(lower("+name+") LIKE ? ESCAPE '!' OR lower("+id+") LIKE ? ESCAPE '!')", like(p.Search), like(p.Search))
	}
	turn := p.Before != "" && p.After == ""
	direction := " ASC"
	if p.Desc != turn {
		direction = " DESC"
	}
	order := id + direction
	if p.ByName {
		order = "lower(" + name + ")" + direction + ", " + order
	}
	limit := p.Limit
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	out, err := list(ctx, q, scan, sel+w.String()+" ORDER BY "+order+" LIMIT "+strconv.Itoa(limit), w.args...)
	if err == nil && turn {
		slices.Reverse(out)
	}
	return out, err
}
