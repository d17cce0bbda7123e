// Package authorizer turns one event of API Gateway into one answer, and one scheduled event into a synchronisation.
//
// It owns the decision (decide.go), what it is made from (event.go, index.go, snapshot.go), how old the configuration
// may be (freshness.go), the answer's form (answer.go, context.go), the queue of request events (events.go) and the work
// that is done after an answer has left (record.go). It leaves tokens to edge/token, policies to edge/policy, the
// control plane's wire to edge/acp, Lambda's to edge/runtimeapi, and everything that knows AWS's APIs to aws/discover and aws/attach, which
// cmd/authorizer hands in as functions.
//
// Who is trusted: API Gateway, for resource, httpMethod, apiId, stage and the client certificate; the control plane, for
// the configuration. The caller's path, headers and query are not: they are looked at, never used as a key or a pattern.
//
// Everything denies by default: no configuration, an old one, an unknown method, an unreadable event, an error, a
// time-out or a panic each become an explicit Deny with a reason code, never a function error.
package authorizer
