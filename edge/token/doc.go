// Package token verifies access tokens: JWTs against the key sets of known issuers, opaque tokens through a hook that
// introspects them.
//
// It owns everything that can be said about a token without knowing what it is used for: its form, its signature, its
// issuer, its life time and its audience. It leaves policies to edge/policy, certificate binding to edge/authorizer
// (which sees the certificate), and the introspection call to edge/acp.
//
// go-jose does the cryptography. The facade around it is stricter than go-jose: see parse.go for what is refused
// before a key is looked at. Errors carry a reason from a closed list and never a piece of the token.
//
// A Verifier without issuers refuses every token.
package token
