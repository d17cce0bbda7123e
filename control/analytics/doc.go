// Package analytics takes in the request events of the authorizers, keeps them for a while, and answers what the portal
// and the analytics API ask of them.
//
// It owns: the ingest queue and its batches, the counters of what was dropped, the per-minute roll-up, retention. It
// leaves authentication to the surfaces and SQL to package store.
package analytics
