// Package openapitest holds the answers of a running server against its contract, docs/reference/openapi.yaml. It is for
// tests: wrap the transport of the test's HTTP client with RoundTripper, or hand Validate one exchange.
//
// An answer breaks the contract when its operation does not declare the status, the media type or a member of the body,
// when a required header or member is missing, or when a value has another type or form. The document itself leaves
// answers open, so that clients ignore what is new to them; here an undeclared member is a mistake. A request that the
// server accepted must be one that the contract allows.
//
// The package asks the document only. It knows nothing of the server and starts none.
package openapitest
