package policy

import (
	"context"
	"encoding/json"
	"testing"

	"portcullis/edge/waist"
)

// TestNumbers: numbers are compared exactly, or not at all. x is compared with y by equals, not_equals, less_than,
// greater_or_equal: yes, no, or ? for what is not known, which denies.
func TestNumbers(t *testing.T) {
	names := [...]string{"equals", "not_equals", "less_than", "greater_or_equal"}
	var policies []waist.Policy
	for _, name := range names {
		conf := `{"fields":[{"field":"x","comparator":"` + name + `","value":"$authnCtx.y"}]}`
		step := waist.Validator{Name: "identity-context", Conf: json.RawMessage(conf)}
		inner, err := json.Marshal(map[string]any{"validators": []waist.Validator{step}})
		if err != nil {
			t.Fatal(err)
		}
		policies = append(policies, waist.Policy{ID: name, Language: waist.LanguageVisual, Validators: []waist.Validator{step}},
			waist.Policy{ID: "not " + name, Language: waist.LanguageVisual, Validators: []waist.Validator{{Name: "not", Conf: inner}}})
	}
	s := Compile(policies, Options{})
	for _, c := range []struct{ x, y, want string }{
		{"1", "1", "yes no no yes"},
		{"1", "1.0", "yes no no yes"},
		{"1e2", "100", "yes no no yes"},
		{"-0", "0", "yes no no yes"},
		{"-0.0", "0", "yes no no yes"},
		{"0.1", "0.10", "yes no no yes"},
		{"0.1", "0.2", "no yes yes no"},
		{"-1", "1", "no yes yes no"},
		{"9007199254740993", "9007199254740992", "no yes no yes"},
		{"9223372036854775807", "9223372036854775806", "no yes no yes"},
		{"9223372036854775807", "9223372036854775807", "yes no no yes"},
		// Beyond 64 bits digits get lost.
		{"18446744073709551617", "18446744073709551616", "? ? ? ?"},
		{"18446744073709551616", "18446744073709551616", "? ? ? ?"},
		{"18446744073709551616", "1", "no yes no yes"},
		{"9007199254740993", "9007199254740992.5", "? ? ? ?"},
		{"0.1", "0.1000000000000000055", "? ? ? ?"},
		{"1.00000000000000000001", "1", "? ? ? ?"},
		{"1e-400", "0", "? ? ? ?"},
		{"0e-400", "0", "yes no no yes"},
		{"123456789012345000000000000000000000", "1", "no yes no yes"},
		{"1e400", "1", "? ? ? ?"},
		{"1e99999999999999999999", "1", "? ? ? ?"},
		// Texts are numbers when they are ordered, and equal to one when they are its shortest spelling.
		{`"42"`, "42", "yes no no yes"},
		{`"042"`, "42", "no yes no yes"},
		{`"42.0"`, "42", "no yes no yes"},
		{`"-0"`, "0", "no yes no yes"},
		{`"18446744073709551616"`, "18446744073709551616", "no yes ? ?"},
		{`"NaN"`, "1", "no yes ? ?"},
		{`"Infinity"`, "1", "no yes ? ?"},
		{`"0x10"`, "1", "no yes ? ?"},
		{`"1_000"`, "1", "no yes ? ?"},
		{`"+1"`, "1", "no yes ? ?"},
		{`" 1"`, "1", "no yes ? ?"},
		{`"１"`, "1", "no yes ? ?"}, // full width
		{"true", "1", "no yes ? ?"},
		{"[1]", "1", "yes no no yes"},
		{"[1,2]", "1", "no no no yes"},
		{`{"a":1}`, "1", "? ? ? ?"},
	} {
		in := &Input{AuthnCtx: map[string]any{"x": jsonValue(t, c.x), "y": jsonValue(t, c.y)}}
		got := ""
		for i, name := range names {
			allowed := s.Evaluate(context.Background(), name, in).Decision == Allow
			refuted := s.Evaluate(context.Background(), "not "+name, in).Decision == Allow
			word := "?"
			switch {
			case allowed && refuted:
				word = "both"
			case allowed:
				word = "yes"
			case refuted:
				word = "no"
			}
			if i > 0 {
				got += " "
			}
			got += word
		}
		if got != c.want {
			t.Errorf("%s with %s: %s, want %s", c.x, c.y, got, c.want)
		}
	}
}

func jsonValue(t *testing.T, text string) any {
	t.Helper()
	x, err := decodeAny(json.RawMessage(text))
	if err != nil {
		t.Fatal(err)
	}
	return x
}
