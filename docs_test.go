package portcullis

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeSpan     = regexp.MustCompile("`([^`\n]+)`")
	sourcePath   = regexp.MustCompile(`^(?:\.ci|aws|cmd|control|deploy|docs|edge)/[\w./+-]+$`)
)

// TestDocsNameWhatExists follows every relative link of the Markdown files, and every `code span` that is a path in
// this repository. Prose that is not executed goes stale; this is the part of it that can be executed.
func TestDocsNameWhatExists(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".md") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range markdownLink.FindAllStringSubmatch(string(text), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), target)); err != nil {
				t.Errorf("%s links to %s, which does not exist", path, m[1])
			}
		}
		for _, m := range codeSpan.FindAllStringSubmatch(string(text), -1) {
			name, _, _ := strings.Cut(m[1], " ")
			name = strings.TrimSuffix(name, "/...")
			if !sourcePath.MatchString(name) || strings.Contains(name, "*") || strings.HasSuffix(name, ".zip") || strings.Contains(name, "assets/dist/") {
				continue
			}
			if _, err := os.Stat(name); err != nil {
				t.Errorf("%s names `%s`, which does not exist", path, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEveryPackageIsInTheArchitecture keeps docs/architecture.md complete: a package without a line fails.
func TestEveryPackageIsInTheArchitecture(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	for dir := range rules {
		name := strings.TrimSuffix(dir, "/...")
		if name != "." && !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/architecture.md has no line for `%s`", name)
		}
	}
}
