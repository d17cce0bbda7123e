// Package oauth is the OAuth 2.0 issuer of every workspace, at {public URL}/{tenant}/{workspace}: metadata, keys, the
// token endpoint, introspection. It mints and verifies access tokens (JWT, RFC 9068).
//
// Who a client is, its secret and the private keys are package admin's; the package decides what a token may carry and
// how it is said on the wire. What is not built is neither advertised in the metadata nor half there: it answers 501.
//
// Whoever can sign with a workspace's active key is that workspace to every authorizer: the keys leave the store only
// into this process.
package oauth
