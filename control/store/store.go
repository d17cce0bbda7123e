package store

import "database/sql"

// Store is an open database.
type Store struct {
	write *sql.DB
	read  *sql.DB
}
