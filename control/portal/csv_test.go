package portal_test

import (
	"encoding/csv"
	"os"
	"regexp"
	"strings"
	"testing"

	"portcullis/control"
)

// TestEveryCSV: every table's file is CSV with a row of names and one for each line of the table, and nothing in it is a
// formula for a spreadsheet.
func TestEveryCSV(t *testing.T) {
	source, err := os.ReadFile("portal.go")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	gw, _ := petStore(t, w)
	everyPage(t, w, gw.ID) // so that every table has something
	must(w.admin.CreateScope(t.Context(), w.operator, control.Scope{WorkspaceID: "default", Name: "pets.read", Description: `=HYPERLINK("http://evil.example")`}))(t)
	if _, _, err := w.admin.CreateClient(t.Context(), w.operator, control.Client{WorkspaceID: "default", Name: "@evil"}, ""); err != nil {
		t.Fatal(err)
	}
	b := w.signedIn("admin", password)
	addresses := regexp.MustCompile(`"GET (/app/[^"]*\.csv)"`).FindAllStringSubmatch(string(source), -1)
	if len(addresses) < 8 {
		t.Fatalf("%d files", len(addresses))
	}
	for _, m := range addresses {
		address := strings.NewReplacer("{wid}", "default", "{gateway}", gw.ID).Replace(m[1])
		t.Run(address, func(t *testing.T) {
			b.t = t
			p := b.get(address).wants(200)
			if !strings.HasPrefix(p.header.Get("Content-Type"), "text/csv") || !strings.HasPrefix(p.header.Get("Content-Disposition"), "attachment; filename=") {
				t.Errorf("%v", p.header)
			}
			rows, err := csv.NewReader(strings.NewReader(p.body)).ReadAll()
			if err != nil || len(rows) < 2 {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			for _, row := range rows {
				for _, c := range row {
					if c != "" && strings.ContainsRune("=+@", rune(c[0])) {
						t.Errorf("a spreadsheet would calculate %q", c)
					}
				}
			}
		})
	}
	b.t = t
	// The page has what was decided today beside the API, and leads to it.
	b.get("/app/default/apis/authorization").wants(200, "Today").has(`aria-label="0 / 1 allowed and denied today: GET /pets"`)
	if body := b.get("/app/default/apis/authorization.csv?show=protected").wants(200).body; strings.Count(body, "\n") != 1 {
		t.Errorf("the file does not follow the filter: %s", body)
	}
	if body := b.get("/app/default/apis/authorization.csv?q=post+pets").wants(200).body; strings.Count(body, "\n") != 2 || !strings.Contains(body, "Pet store,POST,/pets,,,") {
		t.Errorf("the file does not follow the search: %s", body)
	}
}
