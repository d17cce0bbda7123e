package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// ExecForTest runs any statement in a transaction.
func ExecForTest(tx *Tx, query string) error {
	_, err := tx.q.ExecContext(context.Background(), query)
	return err
}

// RunSQLForTest runs statements that end in ";" at the end of a line, on a database outside any Store.
func RunSQLForTest(driver, dsn, text string) error {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, s := range strings.Split(text, ";\n") {
		if strings.TrimSpace(s) == "" {
			continue
		}
		if _, err := db.Exec(s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// TableRows is what a table holds: for each row, its values in the order of the columns as one text.
type TableRows struct {
	Columns, Rows []string
}

// RowsForTest reads every table that has rows, on a database outside any Store; with of, only the tables and columns in it.
func RowsForTest(driver, dsn string, of map[string]TableRows) (map[string]TableRows, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	names := "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version'"
	if driver != "sqlite" {
		names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'goose_db_version'"
	}
	tables, err := list(context.Background(), db, scanString, names)
	if err != nil {
		return nil, err
	}
	out := map[string]TableRows{}
	for _, table := range tables {
		columns := "*"
		if of != nil {
			if len(of[table].Columns) == 0 {
				continue
			}
			columns = strings.Join(of[table].Columns, ", ")
		}
		rows, err := tableRows(db, "SELECT "+columns+" FROM "+table)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
		if len(rows.Rows) > 0 {
			out[table] = rows
		}
	}
	return out, nil
}

func tableRows(db *sql.DB, query string) (out TableRows, err error) {
	rows, err := db.Query(query)
	if err != nil {
		return out, err
	}
	defer rows.Close()
	if out.Columns, err = rows.Columns(); err != nil {
		return out, err
	}
	for rows.Next() {
		values, dest := make([]any, len(out.Columns)), make([]any, len(out.Columns))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return out, err
		}
		out.Rows = append(out.Rows, fmt.Sprintf("%#v", values))
	}
	return out, rows.Err()
}
