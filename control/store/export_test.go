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
