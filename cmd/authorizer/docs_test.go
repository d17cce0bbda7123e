package main

import (
	"os"
	"regexp"
	"testing"
)

// TestSettingsAreDocumented compares the table of docs/reference/authorizer.md with the names that settings.go reads.
func TestSettingsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/reference/authorizer.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[A-Z_]+`(?:, `[A-Z_]+`)?) \\|").FindAllStringSubmatch(string(doc), -1) {
		for _, name := range regexp.MustCompile("[A-Z_]+").FindAllString(row[1], -1) {
			documented[name] = true
		}
	}
	read := map[string]bool{}
	_, _ = readSettings(func(name string) string {
		read[name] = true
		return ""
	})
	for name := range read {
		switch name {
		case "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": // Lambda's own
		default:
			if !documented[name] {
				t.Errorf("%s is not in docs/reference/authorizer.md", name)
			}
		}
	}
	for name := range documented {
		if !read[name] {
			t.Errorf("docs/reference/authorizer.md has %s, which is not read", name)
		}
	}
}
