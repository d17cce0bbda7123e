// Command islands bundles the portal's scripts into control/portal/assets/dist: portal.js and cards.js, which are ours
// alone, and editor.js, which takes an editor from npm and is left out where those packages are not installed. It is run from the
// root of the repository by `make assets`; the portal is complete without its result.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

const (
	source = "control/portal/islands"
	dist   = "control/portal/assets/dist"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "islands:", err)
		os.Exit(1)
	}
}

func run() error {
	for _, name := range []string{"portal", "cards"} {
		if err := bundle(name); err != nil {
			return err
		}
	}
	if _, err := os.Stat(source + "/node_modules/@codemirror"); errors.Is(err, fs.ErrNotExist) {
		// An older bundle would be one of other sources.
		if err := os.Remove(dist + "/editor.js"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		fmt.Println("islands: the packages of npm are not installed: policies are edited in plain text areas")
		return nil
	}
	return bundle("editor")
}

// bundle writes dist/name.js, with the licences of what it holds of others at its end.
func bundle(name string) error {
	r := api.Build(api.BuildOptions{
		EntryPoints: []string{source + "/" + name + ".ts"}, Outfile: dist + "/" + name + ".js", Metafile: true,
		Bundle: true, Format: api.FormatESModule, Target: api.ES2022,
		MinifySyntax: true, MinifyWhitespace: true, MinifyIdentifiers: true, LegalComments: api.LegalCommentsInline,
	})
	if len(r.Errors) > 0 {
		m := r.Errors[0]
		if m.Location != nil {
			return fmt.Errorf("%s:%d:%d: %s", m.Location.File, m.Location.Line, m.Location.Column, m.Text)
		}
		return fmt.Errorf("%s (run it from the root of the repository)", m.Text)
	}
	licences, err := licencesOf(r.Metafile)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dist, name+".js"), append(r.OutputFiles[0].Contents, licences...), 0o644)
}

// licencesOf is a comment with the licence of every package in a bundle, each text once.
func licencesOf(metafile string) ([]byte, error) {
	var meta struct {
		Inputs map[string]json.RawMessage `json:"inputs"`
	}
	if err := json.Unmarshal([]byte(metafile), &meta); err != nil {
		return nil, fmt.Errorf("read what was bundled: %w", err)
	}
	packages := map[string][]string{} // :: text → packages under it
	seen := map[string]bool{}
	for file := range meta.Inputs {
		_, inside, ok := strings.Cut(file, "node_modules/")
		if !ok {
			continue
		}
		parts := strings.SplitN(inside, "/", 3)
		name := parts[0]
		if strings.HasPrefix(name, "@") {
			name += "/" + parts[1]
		}
		if seen[name] {
			continue
		}
		seen[name] = true
		text, err := os.ReadFile(filepath.Join(source, "node_modules", name, "LICENSE"))
		if err != nil {
			return nil, fmt.Errorf("the bundle holds %s: %w", name, err)
		}
		packages[string(text)] = append(packages[string(text)], name)
	}
	if len(packages) == 0 {
		return nil, nil
	}
	var blocks []string
	for text, names := range packages {
		slices.Sort(names)
		blocks = append(blocks, strings.Join(names, ", ")+":\n\n"+strings.ReplaceAll(strings.TrimSpace(text), "*/", "* /"))
	}
	slices.Sort(blocks)
	return []byte("/*\n" + strings.Join(blocks, "\n\n") + "\n*/\n"), nil
}
