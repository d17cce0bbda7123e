// Package reference embeds the parts of the reference documentation that the server hands out.
//
// openapi.yaml is written by hand and decides what the JSON APIs and the issuer answer; the tests here and package
// control/api/openapi/openapitest hold it and the server together. The package serves nothing itself.
package reference

import (
	_ "embed"
	"slices"
)

//go:embed openapi.yaml
var openAPI []byte

// OpenAPI is the contract of the control plane: OpenAPI 3.1 in YAML, media type application/yaml. The slice is the
// caller's own.
func OpenAPI() []byte { return slices.Clone(openAPI) }
