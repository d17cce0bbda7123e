// Package control holds the nouns of the control plane — tenant, workspace, service, API, gateway, API group, policy,
// client, scope, key, user, session, audit event — with their validation, the actor who asks, and the kinds of error.
// It does no I/O.
//
// JSON names are those of the published ACP admin API, so that the surfaces can encode a noun as it is. What must never
// be encoded (secrets) has no JSON name here; the surfaces add it where the contract shows it.
package control
