// Package storetest runs a test on every engine: SQLite in a temporary file, and PostgreSQL in a cluster of its own that
// is made when the first test needs it and gone when the test process ends.
package storetest
