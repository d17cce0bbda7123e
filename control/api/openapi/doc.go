// Package openapi holds the Go types of docs/reference/openapi.yaml: every request and answer of the JSON APIs and of the
// issuer, generated, for the server and for programs that speak to it. It validates nothing and does no I/O.
//
// An optional member is a pointer. The server reads requests into these types, and writes them, or nouns of package control
// and edge/waist that a test of package api holds equal to them; that the values are what the document says is checked by
// openapitest.
package openapi

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config oapi-codegen.yaml ../../../docs/reference/openapi.yaml
