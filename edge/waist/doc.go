// Package waist holds the only types that the Lambda authorizer and the control plane share: the gateway
// configuration on its way down, the inventory and the request events on their way up.
//
// The shapes are those of the published ACP system API (paths under /api/system/{tid}/gateways): same JSON names,
// same meaning. Members that Portcullis adds are optional and marked "additive"; a client written for the original
// ignores them, and our authorizer works without them. Decoding is lenient: unknown members are ignored, null stands
// for an empty list.
//
// Beside the types there is one construction that both sides must agree on to the byte: the signature over a
// configuration, which the control plane makes and the authorizer checks.
//
// The package imports the standard library only. It decides nothing and does no I/O.
package waist
