package token

import (
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestParseObject(t *testing.T) {
	good := map[string]map[string]any{
		`{}`: {},
		` { "a" : [ 1 , -2.5e3, true, null, "x" ] } `: {"a": []any{1.0, -2500.0, true, nil, "x"}},
		`{"a":9007199254740992}`:                      {"a": 9007199254740992.0},
		`{"a":9007199254740993}`:                      {"a": json.Number("9007199254740993")},
		`{"a":"\u0041\n\ud83d\ude00\/"}`:              {"a": "A\n😀/"},
		`{"a":{"b":{"a":1}}}`:                         {"a": map[string]any{"b": map[string]any{"a": 1.0}}},
		`{"":0}`:                                      {"": 0.0},
	}
	for text, want := range good {
		if got, err := parseObject([]byte(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, %v", text, got, err)
		}
	}
	for _, text := range []string{``, `[]`, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{"a":01}`, `{"a":+1}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":1e999}`,
		`{"a":tru}`, `{"a":"x}`, "{\"a\":\"\x01\"}", `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u+123"}`, `{"a":"\u12_4"}`, `{'a':1}`, `{"a":1}x`, `{"a":NaN}`, `{"a":[1,]}`, `{"a":[}`, `{"a":1,"a":1}`, "\ufeff{}", `{"a":"\`, `{"a":"\u`} {
		if got, err := parseObject([]byte(text)); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

// sameAsStandard: what we accept, encoding/json accepts, and sees the same in it.
func sameAsStandard(t interface {
	Errorf(string, ...any)
}, b []byte) {
	got, err := parseObject(b)
	if err != nil {
		return
	}
	var want map[string]any
	if err := json.Unmarshal(b, &want); err != nil {
		t.Errorf("%q: accepted, but encoding/json says %v", b, err)
		return
	}
	if !reflect.DeepEqual(plainNumbers(got), want) {
		t.Errorf("%q: %#v, encoding/json sees %#v", b, got, want)
	}
}

// plainNumbers makes float64 of the large integers that we keep exactly.
func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, _ := v.Float64()
		return f
	case map[string]any:
		for k := range v {
			v[k] = plainNumbers(v[k])
		}
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	}
	return v
}

// TestParseEverything: every JSON object that encoding/json writes is read, and read the same.
func TestParseEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.Just[any](nil), rapid.Map(rapid.String(), func(s string) any { return s }),
			rapid.Map(rapid.Float64Range(-1e15, 1e15), func(f float64) any { return f }), rapid.Map(rapid.Bool(), func(b bool) any { return b }))
		in := map[string]any{"deep": rapid.SliceOf(value).Draw(t, "list")}
		for k, v := range rapid.MapOf(rapid.String(), value).Draw(t, "map") {
			in[k] = v
		}
		b, err := json.Marshal(in)
		if err != nil {
			t.Skip()
		}
		if _, err := parseObject(b); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		sameAsStandard(t, b)
	})
}

func FuzzParseObject(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,-2.5e3,"\ud83d\ude00",null,{"b":true}]}`, `{"a":1,"a":2}`, `{"a":"\u0000"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) { sameAsStandard(t, b) })
}

// FuzzVerify: no text is accepted but the one good token, and nothing panics.
func FuzzVerify(f *testing.F) {
	tok := good(f, nil)
	f.Add(tok)
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	v := newVerifier(f, Options{})
	f.Fuzz(func(t *testing.T, raw string) {
		if _, err := v.Verify(t.Context(), raw, forService); err == nil && raw != tok {
			t.Errorf("accepted %q", raw)
		}
	})
}
