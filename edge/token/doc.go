// Package token verifies access tokens: JWTs against the key sets of known issuers, opaque tokens through a hook that
// introspects them.
//
// It owns everything that can be said about a token without knowing what it is used for: its form, its signature, its
// issuer, its life time and its audience. It leaves policies to edge/policy, certificate binding to edge/authorizer
// (which sees the certificate), and the introspection call to edge/acp.
//
// Signatures are checked with the standard library (signature.go) over the very bytes that parse.go read, which says
// what is refused before a key is looked at. Nothing else takes a token apart (docs/decisions/0051). Errors carry a
// reason from a closed list and never a piece of the token.
//
// A Verifier without issuers refuses every token.
package token
