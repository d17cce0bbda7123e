package api

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portcullis/control/api/openapi/openapitest"
)

var parameterPattern = regexp.MustCompile(`\{[^}]*\}`)

// TestNotBuilt: what answers 501 here is what the contract marks as not built, and the other way round.
func TestNotBuilt(t *testing.T) {
	marked, err := openapitest.NotBuilt()
	if err != nil {
		t.Fatal(err)
	}
	a := New(Options{})
	inContract := map[string]bool{}
	for _, op := range marked {
		method, path, _ := strings.Cut(op, " ")
		if !strings.HasPrefix(path, "/api/") {
			continue // the issuer's
		}
		inContract[parameterPattern.ReplaceAllString(op, "{}")] = true
		_, pattern := a.mux.Handler(httptest.NewRequest(method, parameterPattern.ReplaceAllString(path, "x"), nil))
		if !slices.Contains(notBuilt, pattern) {
			t.Errorf("%s is marked as not built, and is served by %q", op, pattern)
		}
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest(method, parameterPattern.ReplaceAllString(path, "x"), nil))
		if w.Code != http.StatusNotImplemented {
			t.Errorf("%s answers %d", op, w.Code)
		}
	}
	for _, p := range notBuilt {
		if strings.HasSuffix(p, "/") { // all below: at least one of them is in the contract
			if !slices.ContainsFunc(marked, func(op string) bool { return strings.Contains(op, " "+p) }) {
				t.Errorf("%s answers 501, and the contract marks nothing below it", p)
			}
			continue
		}
		if !inContract[parameterPattern.ReplaceAllString(p, "{}")] {
			t.Errorf("%s answers 501, and the contract does not mark it", p)
		}
	}
}
