package main

import (
	"flag"
	"fmt"
	"go/build"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write deps.txt anew")

// TestDependencies compares what the Lambda links with deps.txt: a new package there is a decision, not an accident. The
// files are read in this process, since a test that asks another one would be answered from the test cache.
func TestDependencies(t *testing.T) {
	modules := readModules(t)
	ctx := build.Default
	ctx.GOOS, ctx.GOARCH, ctx.CgoEnabled = "linux", "arm64", false
	seen := map[string]bool{}
	std := map[string]bool{}
	var visit func(path string)
	visit = func(path string) {
		if seen[path] || std[path] {
			return
		}
		dir, ours := "", path == "portcullis" || strings.HasPrefix(path, "portcullis/")
		switch {
		case ours:
			dir = filepath.Join("..", "..", strings.TrimPrefix(path, "portcullis/"))
		case !strings.Contains(strings.SplitN(path, "/", 2)[0], "."):
			std[path] = true
			return
		default:
			dir = modules.dir(t, path)
		}
		p, err := ctx.ImportDir(dir, 0)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		seen[path] = true
		for _, imp := range p.Imports {
			visit(imp)
		}
	}
	visit("portcullis/cmd/authorizer")
	for _, never := range []string{"html/template", "text/template", "net/rpc", "database/sql", "os/exec"} {
		if std[never] {
			t.Errorf("%s is linked: it keeps the linker from dropping methods, or has no business here", never)
		}
	}
	var list []string
	for p := range seen {
		if strings.Contains(p, "aws-sdk-go-v2/service/") || strings.Contains(p, "aws-sdk-go-v2/config") {
			t.Errorf("%s is linked: only the signer may be", p)
		}
		list = append(list, p)
	}
	sort.Strings(list)
	got := strings.Join(list, "\n") + "\n"
	if *update {
		if err := os.WriteFile("deps.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("deps.txt")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("the Lambda links other packages than deps.txt says (go test ./cmd/authorizer -run Dependencies -update):\n%s", d)
	}
}

// modules maps module paths of go.mod to versions.
type modules map[string]string

func readModules(t *testing.T) modules {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	m := modules{}
	for _, line := range strings.Split(string(b), "\n") {
		f := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(f) >= 2 && strings.Contains(f[0], ".") && strings.HasPrefix(f[1], "v") {
			m[f[0]] = f[1]
		}
	}
	return m
}

// dir is where the module cache keeps a package.
func (m modules) dir(t *testing.T, path string) string {
	t.Helper()
	for mod := path; mod != "."; mod = filepath.ToSlash(filepath.Dir(mod)) {
		if v, ok := m[mod]; ok {
			cache := os.Getenv("GOMODCACHE")
			if cache == "" {
				cache = filepath.Join(filepath.SplitList(build.Default.GOPATH)[0], "pkg", "mod")
			}
			return filepath.Join(cache, escape(mod)+"@"+escape(v), strings.TrimPrefix(path, mod))
		}
	}
	t.Fatalf("no module of go.mod holds %s", path)
	return ""
}

// escape is the module cache's spelling of upper-case letters.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsUpper(r) {
			fmt.Fprintf(&b, "!%c", unicode.ToLower(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
