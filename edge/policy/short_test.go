package policy

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestShortWays: the short ways of a comparison decide what the long way decides, whatever the input holds.
func TestShortWays(t *testing.T) {
	values := rapid.SampledFrom([]any{
		nil, "", "a", "b", "*", "$authnCtx.y", "1", "true", json.Number("1"), 1.5, true, []any{}, []any{"a"}, []any{"a", "b"}, []any{json.Number("1"), "b"},
		[]any{nil}, []any{[]any{"a"}}, map[string]any{"a": "a"}, []string{"a", "b"},
	})
	literals := rapid.SampledFrom([]string{`"a"`, `"b"`, `""`, `"1"`, `"true"`, `1`, `true`, `"a*"`, `"\\*"`, `"$authnCtx.y"`, `"$request.pathParams.p"`, `"$request.method"`, `["a"]`, `["a","b"]`})
	fields := rapid.SampledFrom([]string{"authnCtx.x", "authnCtx.x[0]", "request.pathParams.p", "request.method", "request.headers.h"})
	used := map[short]bool{}
	try := func(t *rapid.T) bool {
		op := rapid.SampledFrom([]comparator{cmpEquals, cmpNotEquals, cmpContains, cmpContainsAny, cmpIn}).Draw(t, "op")
		f, err := parseField(fields.Draw(t, "field"))
		if err != nil {
			t.Fatal(err)
		}
		right, err := parseOperand(json.RawMessage(literals.Draw(t, "literal")), op)
		if err != nil {
			return false // contains ""
		}
		c := newComparison(f, op, "", right)
		used[c.short] = true
		in := &Input{AuthnCtx: map[string]any{"y": values.Draw(t, "y")}, Request: Request{Method: rapid.SampledFrom([]string{"a", "GET"}).Draw(t, "method")}}
		if rapid.Bool().Draw(t, "has x") {
			in.AuthnCtx["x"] = values.Draw(t, "x")
		}
		if rapid.Bool().Draw(t, "has p") {
			in.Request.PathParams = map[string]string{"p": rapid.SampledFrom([]string{"", "a", "1", "*"}).Draw(t, "p")}
		}
		in.Request.Headers = map[string][]string{"H": []string{"a", "b"}[:rapid.IntRange(0, 2).Draw(t, "headers")]}
		e := &env{in: in, now: time.Unix(0, 0), ctx: context.Background()}
		v := c.field.get(e)
		if got, want := c.eval(e), compare(e, &v, c.op, &c.right); got != want {
			text, _ := json.Marshal(in)
			t.Fatalf("the short way says %d, the long way %d, for %s", got, want, text)
		}
		return true
	}
	rapid.Check(t, func(t *rapid.T) { try(t) })
	examples := rapid.Custom(try)
	for seed := range 500 { // always the same ones, so that the count below does not depend on luck
		examples.Example(seed)
	}
	if len(used) != 5 {
		t.Errorf("only %d of the ways were tried", len(used))
	}
}
