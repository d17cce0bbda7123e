// Package store keeps the nouns of package control in SQLite or PostgreSQL: one concrete type, one SQL text.
//
// It owns: opening and migrating the database, transactions, the rows, the revision counters, bounded lists.
// It leaves to package admin: who may do what, validation, which changes are audited, encryption (the store sees only
// sealed secrets and hashes).
//
// Rules of the SQL text: parameters $1…$n in order of appearance; times are BIGINT microseconds since 1970 UTC, 0 is the
// zero time; lists and maps are TEXT holding JSON; RETURNING and ON CONFLICT are fine; nothing that only one engine has.
// Every table has tenant_id. A write that belongs to a workspace first locks that workspace's row (Tx.LockWorkspace), so
// that writers of one workspace queue on both engines: SQLite has one writer anyway, PostgreSQL takes the row lock.
package store
