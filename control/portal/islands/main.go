// Command islands bundles the portal's scripts into control/portal/assets/dist/portal.js. It is run from the root of the
// repository by `make assets`; the portal is complete without its result.
package main

import (
	"fmt"
	"os"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	if err := bundle("control/portal/islands/portal.ts", "control/portal/assets/dist/portal.js"); err != nil {
		fmt.Fprintln(os.Stderr, "islands:", err)
		os.Exit(1)
	}
}

func bundle(entry, out string) error {
	r := api.Build(api.BuildOptions{
		EntryPoints: []string{entry}, Outfile: out, Write: true,
		Bundle: true, Format: api.FormatESModule, Target: api.ES2022,
		MinifySyntax: true, MinifyWhitespace: true, MinifyIdentifiers: true,
		LegalComments: api.LegalCommentsInline,
	})
	if len(r.Errors) == 0 {
		return nil
	}
	m := r.Errors[0]
	if m.Location != nil {
		return fmt.Errorf("%s:%d:%d: %s", m.Location.File, m.Location.Line, m.Location.Column, m.Text)
	}
	return fmt.Errorf("%s (run it from the root of the repository)", m.Text)
}
