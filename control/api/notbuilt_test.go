package api

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"portcullis/control/api/openapi/openapitest"
	"portcullis/docs/reference"

	"go.yaml.in/yaml/v3"
)

var parameterPattern = regexp.MustCompile(`\{[^}]*\}`)

// TestNothingIsLeftOut: the contract marks no operation of the JSON APIs as not built, and every one of them has a route.
func TestNothingIsLeftOut(t *testing.T) {
	marked, err := openapitest.NotBuilt()
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range marked {
		if strings.Contains(op, " /api/") {
			t.Errorf("%s is marked as not built", op)
		}
	}
	var doc struct {
		Paths map[string]map[string]any `yaml:"paths"`
	}
	if err := yaml.Unmarshal(reference.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	a := New(Options{})
	n := 0
	for path, item := range doc.Paths {
		if !strings.HasPrefix(path, "/api/") {
			continue
		}
		for method := range item {
			if method = strings.ToUpper(method); method == "PARAMETERS" {
				continue
			}
			n++
			w := httptest.NewRecorder()
			a.ServeHTTP(w, httptest.NewRequest(method, parameterPattern.ReplaceAllString(path, "x"), nil))
			if w.Code != http.StatusUnauthorized { // what is there asks who comes
				t.Errorf("%s %s answers %d to nobody", method, path, w.Code)
			}
		}
	}
	if n < 90 {
		t.Errorf("the document has %d operations", n)
	}
}
