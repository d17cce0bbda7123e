// Package discover reads the REST APIs of an account and region: what is edited, what is deployed on which stage, and
// what stands in front of each method.
//
// It owns the reading: pages, the account's request budget (through aws/signed), going on where the time ran out, APIs
// and stages that vanish half-way. It changes nothing; aws/attach does, from the same model.
//
// REST APIs are read, and HTTP and WebSocket APIs where that is asked for; stages that have a deployment become API groups.
package discover
