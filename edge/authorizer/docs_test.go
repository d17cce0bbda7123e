package authorizer

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestReasonsAreDocumented compares docs/reference/reasons.md with the constants: the list is closed.
func TestReasonsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/reference/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(string(doc), -1) {
		documented[m[1]] = true
	}
	inCode := map[string]bool{}
	for _, file := range []string{"reasons.go", "../token/reasons.go", "../policy/input.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				for _, v := range spec.Values {
					if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
						if s, _ := strconv.Unquote(lit.Value); !strings.ContainsAny(s, " .") {
							inCode[s] = true
						}
					}
				}
			}
			return true
		})
	}
	if len(inCode) < 25 {
		t.Fatalf("only %d codes were found", len(inCode))
	}
	for c := range inCode {
		if !documented[c] {
			t.Errorf("%s is not in docs/reference/reasons.md", c)
		}
	}
	for c := range documented {
		if !inCode[c] {
			t.Errorf("docs/reference/reasons.md has %s, which no code gives", c)
		}
	}
}
