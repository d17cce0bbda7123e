package portcullis

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// rules is the import table: package -> what it may import of this module, and which modules beyond the standard
// library. A package without a row fails the test. Test files may import more of our own packages only where
// testOnly says so.
//
// An entry "a/..." stands for a and everything below it. The files are parsed in this process: a test that shells out
// to `go list` would be answered from the test cache with a violation in place.
type rule struct {
	ours     []string // packages of this module
	theirs   []string // modules (or package prefixes) outside the standard library
	testOnly []string // further imports, ours or theirs, allowed in _test.go files only
}

const (
	opa     = "github.com/open-policy-agent/opa/v1/..."
	cedar   = "github.com/cedar-policy/cedar-go/..."
	jose    = "github.com/go-jose/go-jose/v4/..."
	lambdaG = "github.com/aws/aws-lambda-go/..."
	signer  = "github.com/aws/aws-sdk-go-v2/aws/..."
	awssdk  = "github.com/aws/aws-sdk-go-v2/..."
	smithy  = "github.com/aws/smithy-go/..."
	sqlite  = "modernc.org/sqlite/..."
	pgx     = "github.com/jackc/pgx/v5/..."
	goose   = "github.com/pressly/goose/v3/..."
	templ   = "github.com/a-h/templ/..."
	kong    = "github.com/alecthomas/kong"
	xcrypto = "golang.org/x/crypto/..."
	goOIDC  = "github.com/coreos/go-oidc/v3/oidc"
	oauth2  = "golang.org/x/oauth2"
	yaml    = "go.yaml.in/yaml/v3"
	esbuild = "github.com/evanw/esbuild/..."

	cmp       = "github.com/google/go-cmp/..."
	rapid     = "pgregory.net/rapid"
	chromedp  = "github.com/chromedp/..."
	goleak    = "go.uber.org/goleak"
	golangJWT = "github.com/golang-jwt/jwt/v5" // only to compare with
	kin       = "github.com/getkin/kin-openapi/..."
	schema    = "github.com/santhosh-tekuri/jsonschema/v6"
)

var everyTest = []string{cmp, rapid, goleak}

var rules = map[string]rule{
	".": {},

	// Zone 1: runs in the customer's Lambda.
	"edge/waist":        {},
	"edge/policy":       {ours: []string{"edge/waist"}, theirs: []string{opa, cedar}, testOnly: []string{yaml, "edge/policy/cases"}},
	"edge/policy/cases": {ours: []string{"edge/waist", "edge/policy"}, theirs: []string{yaml}},
	"edge/token":        {ours: []string{"edge/scan"}, testOnly: []string{jose, golangJWT}},
	"edge/scan":         {},
	"edge/acp":          {ours: []string{"edge/waist", "edge/scan"}},
	"edge/runtimeapi":   {ours: []string{"edge/scan"}},
	"edge/authorizer":   {ours: []string{"edge/waist", "edge/scan", "edge/policy", "edge/token", "edge/acp"}, testOnly: []string{jose}},

	// Zone 2: runs in our server.
	"control":                   {ours: []string{"edge/waist"}},
	"control/store":             {ours: []string{"control", "edge/waist"}, theirs: []string{sqlite, pgx, goose}, testOnly: []string{"control/store/storetest"}},
	"control/store/storetest":   {ours: []string{"control/store"}},
	"control/admin":             {ours: []string{"control", "control/store", "control/outbound", "control/specification", "edge/waist", "edge/policy", "edge/policy/cases"}, theirs: []string{xcrypto}, testOnly: []string{"control/store/storetest"}},
	"control/analytics":         {ours: []string{"control", "control/store", "edge/waist"}, testOnly: []string{"control/store/storetest"}},
	"control/specification":     {ours: []string{"control", "control/outbound"}, theirs: []string{yaml}, testOnly: []string{kin}},
	"control/web":               {ours: []string{"control", "edge/waist"}},
	"control/outbound":          {},
	"control/oauth":             {ours: []string{"control", "control/store", "control/admin", "control/outbound", "control/web"}, theirs: []string{jose, goOIDC, oauth2}, testOnly: []string{"control/store/storetest", "control/api/openapi/openapitest"}},
	"control/api":               {ours: []string{"control", "control/admin", "control/analytics", "control/api/openapi", "control/specification", "control/web", "edge/waist"}, testOnly: []string{"control/store", yaml, "docs/reference", "control/outbound", "control/store/storetest", "control/oauth", "control/api/openapi/openapitest"}},
	"control/portal":            {ours: []string{"control", "control/admin", "control/analytics", "control/web", "deploy", "edge/waist"}, theirs: []string{templ, yaml, goOIDC, oauth2}, testOnly: []string{"control/oauth", "control/outbound", "control/store", "control/store/storetest", "control/portal/portaltest", chromedp}},
	"control/portal/portaltest": {theirs: []string{chromedp}},
	"control/portal/islands":    {theirs: []string{esbuild}},

	// Zone 3: the only code that knows AWS.
	"aws/discover":  {ours: []string{"edge/waist", "aws/signed"}, testOnly: []string{"aws/local/..."}},
	"aws/attach":    {ours: []string{"edge/waist", "aws/signed", "aws/discover"}, testOnly: []string{"aws/local/..."}},
	"aws/signed":    {theirs: []string{signer}},
	"aws/local/...": {ours: []string{"aws/local/..."}, theirs: []string{yaml}, testOnly: []string{awssdk, smithy, lambdaG}},

	// The contract: the document that the server hands out, its Go types, and what holds the server to it.
	"docs/reference":                  {testOnly: []string{kin}},
	"deploy":                          {testOnly: []string{yaml, "aws/local/..."}},
	"control/api/openapi":             {testOnly: []string{"docs/reference", kin}},
	"control/api/openapi/openapitest": {ours: []string{"docs/reference"}, theirs: []string{schema, yaml}},

	// Programs: wiring.
	"cmd/authorizer":     {ours: []string{"edge/...", "aws/discover", "aws/attach", "aws/signed"}, testOnly: []string{"aws/local/...", "deploy", jose, lambdaG}},
	"cmd/authorizer/zip": {},
	"cmd/portcullis":     {ours: []string{"edge/...", "control/...", "docs/reference"}, theirs: []string{kong, yaml}},
	"cmd/local-aws":      {ours: []string{"aws/local/..."}, theirs: []string{kong}},
	"cmd/demo":           {theirs: []string{awssdk, smithy, kong}, testOnly: []string{chromedp, "control/portal/portaltest"}},
}

func matches(list []string, path string) bool {
	for _, p := range list {
		if base, ok := strings.CutSuffix(p, "/..."); ok {
			if path == base || strings.HasPrefix(path, base+"/") {
				return true
			}
		} else if path == p {
			return true
		}
	}
	return false
}

func ruleFor(dir string) (rule, bool) {
	if r, ok := rules[dir]; ok {
		return r, true
	}
	for p, r := range rules {
		if strings.HasSuffix(p, "/...") && matches([]string{p}, dir) {
			return r, true
		}
	}
	return rule{}, false
}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		r, ok := ruleFor(dir)
		if !ok {
			if !seen[dir] {
				t.Errorf("package %s has no row in the import table of arch_test.go", dir)
			}
			seen[dir] = true
			return nil
		}
		seen[dir] = true
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			imp, _ := strconv.Unquote(spec.Path.Value)
			allowed := r.theirs
			if rest, ours := strings.CutPrefix(imp, "portcullis/"); ours {
				imp, allowed = rest, r.ours
				if imp == dir { // an external test package imports its own package
					continue
				}
			} else if !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
				continue // standard library
			}
			if matches(allowed, imp) {
				continue
			}
			if strings.HasSuffix(path, "_test.go") && (matches(r.testOnly, imp) || matches(everyTest, imp) || matches(r.ours, imp)) {
				continue
			}
			t.Errorf("%s imports %s, which the row of %s in arch_test.go does not allow", path, imp, dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for p := range rules {
		if strings.HasSuffix(p, "/...") {
			continue
		}
		if !seen[p] {
			t.Errorf("the import table of arch_test.go has a row for %s, which holds no Go file", p)
		}
	}
}
