// Package reference embeds the parts of the reference documentation that the server hands out.
//
// openapi.yaml is written by hand and decides what the JSON APIs and the issuer answer, errors.md which codes their errors
// carry; the tests here and package control/api/openapi/openapitest hold them and the server together. The package serves
// nothing itself.
package reference

import (
	_ "embed"
	"regexp"
	"slices"
)

//go:embed openapi.yaml
var openAPI []byte

// OpenAPI is the contract of the control plane: OpenAPI 3.1 in YAML, media type application/yaml. The slice is the
// caller's own.
func OpenAPI() []byte { return slices.Clone(openAPI) }

//go:embed errors.md
var errorsPage string

var codeRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| \\d{3} \\|")

// ErrorCodes are the codes that errors.md lists: all that an error of the JSON APIs may carry.
func ErrorCodes() []string {
	var out []string
	for _, m := range codeRow.FindAllStringSubmatch(errorsPage, -1) {
		out = append(out, m[1])
	}
	return out
}
