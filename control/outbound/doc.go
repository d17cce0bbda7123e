// Package outbound makes the HTTP calls that go to addresses which a person typed: the metadata, keys, token and userinfo
// endpoints of other OpenID providers.
//
// Whoever may type such an address could make this server ask its own network (server-side request forgery), so the guard
// looks at the address that is really dialled, after DNS: it must be a public one, or in a network that the operator has
// named. The zero Options allow no more than that. What is asked and what the answer means is the caller's.
package outbound
