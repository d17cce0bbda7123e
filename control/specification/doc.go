// Package specification reads what matters here of an OpenAPI document: which methods on which paths an API has. It
// reads Swagger 2.0 and OpenAPI 3.0, 3.1 and 3.2 in JSON and YAML, and fetches a document from a URL by package outbound.
//
// It checks nothing else of a document: schemas, parameters and security are the business of those who write it. What the
// methods become is package admin's.
package specification
