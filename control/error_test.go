package control_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"portcullis/control"
)

// Where codes come from in the sources below control.
var codePatterns = []*regexp.Regexp{
	regexp.MustCompile(`Errorf\((?:control\.)?[A-Z]\w+,\s*"([a-z_]+)",`),
	regexp.MustCompile(`exists\(err, "([a-z_]+)"`),
	regexp.MustCompile(`\{http\.Status\w+, "([a-z_]+)"\}`),
	regexp.MustCompile(`\bCode:\s*"([a-z_]+)"`),
}

var nounPattern = regexp.MustCompile(`\.Err\("([a-z ]+)"\)`)

// TestErrorCodesAreAClosedList: docs/reference/errors.md lists exactly the codes that the sources can answer.
func TestErrorCodesAreAClosedList(t *testing.T) {
	used := map[string]string{} // :: code → file
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "oauth") {
			return err // oauth answers the codes of RFC 6749
		}
		text, err := os.ReadFile(path)
		for _, p := range codePatterns {
			for _, m := range p.FindAllSubmatch(text, -1) {
				used[string(m[1])] = path
			}
		}
		for _, m := range nounPattern.FindAllSubmatch(text, -1) {
			used["invalid_"+strings.ReplaceAll(string(m[1]), " ", "_")] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../docs/reference/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	var order []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\d{3}) \\| .+ \\|$").FindAllSubmatch(doc, -1) {
		if listed[string(m[1])] {
			t.Errorf("%s is listed twice", m[1])
		}
		listed[string(m[1])] = true
		order = append(order, string(m[2])+" "+string(m[1]))
	}
	for code, path := range used {
		if !listed[code] {
			t.Errorf("%s answers %q, which docs/reference/errors.md does not list", path, code)
		}
	}
	for code := range listed {
		if used[code] == "" {
			t.Errorf("docs/reference/errors.md lists %q, which nothing answers", code)
		}
	}
	if !sort.StringsAreSorted(order) {
		t.Errorf("the list is not in order of status and code")
	}
	if len(used) < 30 {
		t.Errorf("only %d codes found in the sources: the patterns of this test are stale", len(used))
	}
}

func TestKindOf(t *testing.T) {
	if control.KindOf(errors.New("x")) != control.Internal || control.KindOf(nil) != control.Internal {
		t.Error("an error without a kind is not internal")
	}
	if err := fmt.Errorf("more: %w", control.Errorf(control.Conflict, "", "x")); control.KindOf(err) != control.Conflict {
		t.Error("the kind of a wrapped error is lost")
	}
}
