// Package oauth is the OAuth 2.0 and OpenID Connect issuer of every workspace, at {public URL}/{tenant}/{workspace}:
// metadata, keys, the token endpoint (client_credentials, authorization_code, refresh_token), log-in and consent,
// introspection, revocation, userinfo, pushed requests, log-out. It mints and verifies access tokens (JWT, RFC 9068).
//
// Who a client or a user is, secrets, sessions and private keys are package admin's; grants, codes and refresh tokens are
// this package's, in package store. The users of every workspace are the local accounts of the tenant that have a role in
// it; their session is the portal's. What is not built is neither advertised in the metadata nor half there: it answers 501.
//
// Whoever can sign with a workspace's active key is that workspace to every authorizer: the keys leave the store only
// into this process.
package oauth
