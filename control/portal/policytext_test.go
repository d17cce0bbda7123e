package portal

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis/edge/waist"
)

// anyText draws what people and attackers write into values: YAML's and JSON's own signs, line ends, words with a meaning.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "true", "null", "~", "no", "3", "-1.5e3", "0x1F", "2026-11-22", "*", "*.example.com", "&a", "!!str x", "$authnCtx.sub", "[a", "{a: b}",
			"a: b", "# c", "- x", "'", `"`, `\`, "a\nb", "a\r\nb", "\t", " lead", "trail ", "é", "😀", "\u2028", "@x", "`x`", "%x", "|", ">", "?", "a,b", "a, b"}),
		rapid.StringMatching(`[a-zA-Z0-9 .,:;#'"$*\[\]{}&!|>%@\\-]{0,20}`),
		rapid.String(),
	)
}

func anyValue(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Map(anyText(), func(s string) any { return s }),
		rapid.Map(rapid.Int32(), func(n int32) any { return float64(n) }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Just[any](nil),
	}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	return rapid.OneOf(append(leaves,
		rapid.Map(rapid.SliceOfN(anyValue(depth-1), 0, 4), func(l []any) any { return l }),
		rapid.Map(rapid.MapOfN(anyText(), anyValue(depth-1), 0, 4), func(m map[string]any) any { return m }))...)
}

// TestVisualTextReadsBack: what the editor shows of a policy is that policy, whatever its values are.
func TestVisualTextReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []waist.Validator
		for range rapid.IntRange(1, 4).Draw(t, "validators") {
			conf, err := json.Marshal(anyValue(3).Draw(t, "conf"))
			if err != nil {
				t.Skip("no JSON")
			}
			want = append(want, waist.Validator{Name: anyText().Draw(t, "name"), Conf: conf})
		}
		shown, err := visualText(want)
		if err != nil {
			t.Fatal(err)
		}
		got, places, problems := readVisual(shown)
		if len(problems) > 0 {
			t.Fatalf("%v in\n%s", problems, shown)
		}
		if diff := cmp.Diff(plainly(t, want), plainly(t, got)); diff != "" {
			t.Fatalf("(-stored +read):\n%s\nfrom\n%s", diff, shown)
		}
		if at, ok := places["validators[0].name"]; !ok || at.line != 2 {
			t.Fatalf("the first name is at %v, want line 2, in\n%s", at, shown)
		}
	})
}

// plainly is validators as JSON values, so that spacing and a missing conf do not count.
func plainly(t *rapid.T, list []waist.Validator) any {
	type one struct{ Name, Conf any }
	var out []one
	for _, v := range list {
		var conf any
		if len(v.Conf) > 0 {
			if err := json.Unmarshal(v.Conf, &conf); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, one{v.Name, conf})
	}
	return out
}

// TestCardValuesReadBack: a value that a card shows is read back as the value it was, with every comparator.
func TestCardValuesReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		comparator := rapid.SampledFrom(comparatorWords).Draw(t, "comparator").wire
		raw, err := json.Marshal(rapid.OneOf(anyValue(0), rapid.Map(rapid.SliceOfN(anyValue(0), 1, 4), func(l []any) any { return l })).Draw(t, "value"))
		if err != nil || string(raw) == "null" {
			t.Skip("nothing to show")
		}
		shown, ok := shownValue(raw, comparator)
		if !ok {
			t.Skip("edited as YAML")
		}
		got, err := typedValue(shown, takesList(comparator))
		if err != nil {
			t.Fatalf("%s is shown as %q, which cannot be read: %v", raw, shown, err)
		}
		var want, have any
		if json.Unmarshal(raw, &want) != nil || json.Unmarshal(got, &have) != nil || !cmp.Equal(want, have) {
			t.Fatalf("%s is shown as %q and read as %s", raw, shown, got)
		}
	})
}

// FuzzReadVisual: no text makes the reader fail in another way than by saying what is wrong.
func FuzzReadVisual(f *testing.F) {
	for _, s := range []string{"", "validators:\n  - name: \"true\"\n", "validators: &a [*a]", "{\"validators\":[]}", "? a", "validators:\n  <<: {a: b}\n", "validators: .inf", "--- \n---\n", "a: !!binary x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, _, problems := readVisual(s)
		if len(problems) == 0 {
			if _, err := visualText(list); err != nil {
				t.Fatalf("%q was read as %+v, which cannot be shown: %v", s, list, err)
			}
		}
	})
}
