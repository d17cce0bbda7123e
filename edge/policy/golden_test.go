package policy_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"portcullis/edge/policy/cases"
)

// minGolden is how many golden cases there must be at least.
const minGolden = 400

// TestGolden runs testdata/cases/*.yaml: decision, reason, output and failures of every case, problems and reads of
// every policy.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	total := 0
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := cases.Parse(src)
			if err != nil {
				t.Fatal(err)
			}
			r, err := cases.Run(context.Background(), f, cases.Options{Cover: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Problems {
				t.Errorf("%s: policy %s: %s", name, p.Policy, p.Message)
			}
			for _, c := range r.Results {
				if c.Mismatch != "" {
					t.Errorf("%s:%d: %s, policy %s: %s", name, c.Line, c.Name, c.Policy, c.Mismatch)
				}
				if c.Explanation.Decision != c.Result.Decision {
					t.Errorf("%s:%d: the explanation says %v, the evaluation %v", name, c.Line, c.Explanation.Decision, c.Result.Decision)
				}
			}
			for id, p := range f.Policies {
				if p.Reads == nil && p.Check == nil {
					t.Errorf("%s: policy %s does not say what it is expected to read", name, id)
				}
			}
			total += len(r.Results)
		})
	}
	if total < minGolden {
		t.Errorf("%d golden cases, at least %d are wanted", total, minGolden)
	}
}
