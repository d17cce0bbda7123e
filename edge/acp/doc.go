// Package acp is the authorizer's client of the control plane's system API: a token by client credentials, the gateway
// configuration by ETag, and pushes of inventory and request events.
//
// It speaks the published ACP API (paths under /api/system/{tenant}/gateways) and works against a control plane that
// knows none of Portcullis's additions: without ETag every poll is a full answer.
//
// It owns the wire: URLs, authentication, limits on size and time, one retry when a token was refused. It leaves it to
// edge/authorizer when to call and what an answer means. The client secret appears in one request header and nowhere
// else.
package acp
