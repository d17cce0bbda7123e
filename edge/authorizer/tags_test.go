package authorizer

import (
	"encoding/json"
	"testing"

	"portcullis/edge/waist"
)

// TestTags: the data classifications of an API are tags that its policy can ask for.
func TestTags(t *testing.T) {
	for classification, allow := range map[string]bool{"public": true, "PII": false} {
		b := newBench(t, nil)
		b.plane.change(func(cfg *waist.Configuration) {
			cfg.Policies = append([]waist.Policy(nil), cfg.Policies...)
			cfg.Policies = append(cfg.Policies, waist.Policy{ID: "public-only", Language: waist.LanguageVisual, Type: "api", Validators: []waist.Validator{{
				Name: "attributes", Conf: json.RawMessage(`{"fields":[{"field":"request.tags.public","comparator":"equals","value":"true"}]}`)}}})
			for i := range cfg.APIs {
				if cfg.APIs[i].Method == "GET" && cfg.APIs[i].Path == "/pets" {
					cfg.APIs[i].PolicyID, cfg.APIs[i].DataClassifications = "public-only", []string{classification}
				}
			}
		})
		if got := b.ask(get("/pets").event()); got.Allow != allow {
			t.Errorf("an API tagged %s: allow %v (%s), want %v", classification, got.Allow, got.Reason, allow)
		}
	}
}
