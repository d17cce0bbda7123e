package portal

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestDiffLines: both texts can be read out of a comparison that leaves nothing out, and the same texts differ in nothing.
func TestDiffLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SampledFrom([]string{"a", "b", "c", ""})
		x, y := rapid.SliceOfN(line, 0, 12).Draw(t, "x"), rapid.SliceOfN(line, 0, 12).Draw(t, "y")
		var a, b []string
		for _, l := range changedLines(x, y) {
			if l.sign != '+' {
				a = append(a, l.text)
			}
			if l.sign != '-' {
				b = append(b, l.text)
			}
		}
		if !slices.Equal(a, x) || !slices.Equal(b, y) {
			t.Fatalf("%q and %q read as %q and %q", x, y, a, b)
		}
		one, two := strings.Join(x, "\n")+"\n", strings.Join(y, "\n")+"\n"
		if d := diffLines(one, two); (len(d) == 0) != (one == two) {
			t.Fatalf("%q and %q: %v", one, two, d)
		}
	})
	long := strings.Repeat("same\n", 50)
	got := diffLines(long+"old\n"+long, long+"new\n"+long)
	if len(got) != 2+2*diffContext+2 || got[0].text != "47 lines" || got[0].sign != '…' {
		t.Errorf("%v", got)
	}
	if got := diffLines(strings.Repeat("a\n", 3000), strings.Repeat("b\n", 3000)); len(got) != 6000 {
		t.Errorf("%d lines", len(got))
	}
}
