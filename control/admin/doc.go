// Package admin holds the verbs of the control plane. Each one authorises its actor, validates, and writes rows, audit
// record and revision in one transaction.
//
// It owns: the authorisation table (allow.go), validation against other nouns, encryption of secrets, sessions, what an
// authorizer is told (system.go). It leaves SQL to package store, protocols and tokens to the surfaces.
package admin
