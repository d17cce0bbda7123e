package cases

import (
	"os"
	"strings"
	"testing"
)

// TestDocExample: the file of cases in the reference runs and passes.
func TestDocExample(t *testing.T) {
	page, err := os.ReadFile("../../../docs/reference/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "## Tests as a file")
	_, rest, _ = strings.Cut(rest, "```yaml\n")
	source, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("there is no example")
	}
	if r := run(t, source); r.Failed() || len(r.Results) != 2 {
		t.Errorf("%+v", r)
	}
}
