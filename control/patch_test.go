package control_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"portcullis/control"
)

func parse(t testing.TB, text string) any {
	t.Helper()
	v, err := control.ParseTree([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func compact(v any) string { b, _ := json.Marshal(v); return string(b) }

// TestMergePatch: the cases of RFC 7396 appendix A whose patch is an object.
func TestMergePatch(t *testing.T) {
	for _, c := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		document := parse(t, c[0])
		got, err := control.MergePatch(parse(t, c[1]))(document)
		if err != nil || compact(got) != c[2] {
			t.Errorf("%s patched with %s is %s, %v, want %s", c[0], c[1], compact(got), err, c[2])
		}
		if compact(document) != compact(parse(t, c[0])) {
			t.Errorf("%s was changed by its patch", c[0])
		}
	}
	if _, err := control.MergePatch([]any{})(nil); err == nil {
		t.Error("an array is taken for a merge patch")
	}
}

// TestJSONPatch: operations of RFC 6902 section 4 and appendix A; "" means that the patch is refused.
func TestJSONPatch(t *testing.T) {
	for _, c := range [][3]string{
		{`{"foo":"bar"}`, `[{"op":"add","path":"/baz","value":"qux"}]`, `{"baz":"qux","foo":"bar"}`},
		{`{"foo":["bar","baz"]}`, `[{"op":"add","path":"/foo/1","value":"qux"}]`, `{"foo":["bar","qux","baz"]}`},
		{`{"foo":["bar"]}`, `[{"op":"add","path":"/foo/-","value":["abc","def"]}]`, `{"foo":["bar",["abc","def"]]}`},
		{`{"baz":"qux","foo":"bar"}`, `[{"op":"remove","path":"/baz"}]`, `{"foo":"bar"}`},
		{`{"foo":["bar","qux","baz"]}`, `[{"op":"remove","path":"/foo/1"}]`, `{"foo":["bar","baz"]}`},
		{`{"baz":"qux","foo":"bar"}`, `[{"op":"replace","path":"/baz","value":"boo"}]`, `{"baz":"boo","foo":"bar"}`},
		{`{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}`, `[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]`,
			`{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}`},
		{`{"foo":["all","grass","cows","eat"]}`, `[{"op":"move","from":"/foo/1","path":"/foo/3"}]`, `{"foo":["all","cows","eat","grass"]}`},
		{`{"a":{"b":1}}`, `[{"op":"copy","from":"/a","path":"/c"},{"op":"replace","path":"/c/b","value":2}]`, `{"a":{"b":1},"c":{"b":2}}`},
		{`{"baz":"qux","foo":["a",2,"c"]}`, `[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]`, `{"baz":"qux","foo":["a",2,"c"]}`},
		{`{"baz":"qux"}`, `[{"op":"test","path":"/baz","value":"bar"}]`, ""},
		{`{"/":9,"~1":10}`, `[{"op":"test","path":"/~01","value":10},{"op":"remove","path":"/~1"}]`, `{"~1":10}`},
		{`{"foo":null}`, `[{"op":"replace","path":"/foo","value":1}]`, `{"foo":1}`},
		{`{"foo":"bar"}`, `[{"op":"add","path":"/baz/bat","value":"qux"}]`, ""},
		{`{"foo":"bar"}`, `[{"op":"replace","path":"/baz","value":1}]`, ""},
		{`{"foo":["a"]}`, `[{"op":"add","path":"/foo/2","value":1}]`, ""},
		{`{"foo":["a"]}`, `[{"op":"remove","path":"/foo/01"}]`, ""},
		{`{"foo":["a"]}`, `[{"op":"remove","path":"/foo/-"}]`, ""},
		{`{"a":{"b":{}}}`, `[{"op":"move","from":"/a","path":"/a/b/c"}]`, ""},
		{`{}`, `[{"op":"add","path":"a","value":1}]`, ""},
		{`{}`, `[{"op":"add","path":"/a"}]`, ""},
		{`{}`, `[{"op":"nope","path":"/a"}]`, ""},
		{`{}`, `[1]`, ""},
	} {
		document := parse(t, c[0])
		patch, err := control.JSONPatch(parse(t, c[1]))
		var got any
		if err == nil {
			got, err = patch(document)
		}
		if c[2] == "" {
			if control.KindOf(err) != control.Invalid || err == nil {
				t.Errorf("%s patched with %s is %s, %v", c[0], c[1], compact(got), err)
			}
		} else if err != nil || compact(got) != c[2] {
			t.Errorf("%s patched with %s is %s, %v, want %s", c[0], c[1], compact(got), err, c[2])
		}
		if compact(document) != compact(parse(t, c[0])) {
			t.Errorf("%s was changed by its patch", c[0])
		}
	}
}

// drawJSON is any value without null, which a merge patch cannot say.
func drawJSON(t *rapid.T, depth int) any {
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	if depth == 0 {
		kind %= 3
	}
	switch kind {
	case 0:
		return rapid.StringMatching(`[a-c]{0,2}`).Draw(t, "text")
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return json.Number("7")
	case 3:
		return []any{drawJSON(t, depth-1)}
	}
	out := map[string]any{}
	for _, k := range rapid.SliceOfN(rapid.StringMatching(`[a-d]`), 0, 4).Draw(t, "keys") {
		out[k] = drawJSON(t, depth-1)
	}
	return out
}

// TestMergePatchBetween: the patch between two documents makes one of the other, and none is needed between equals.
func TestMergePatchBetween(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := map[string]any{"x": drawJSON(t, 3), "y": drawJSON(t, 2)}, map[string]any{"x": drawJSON(t, 3), "z": drawJSON(t, 2)}
		got, err := control.MergePatch(control.MergePatchBetween(a, b))(a)
		if err != nil || compact(got) != compact(b) {
			t.Fatalf("%s → %s by %s gives %s, %v", compact(a), compact(b), compact(control.MergePatchBetween(a, b)), compact(got), err)
		}
		if p := compact(control.MergePatchBetween(b, b)); p != "{}" {
			t.Fatalf("between equals: %s", p)
		}
	})
}

// FuzzTree: whatever JSON comes as a tree, a dump or a patch, the answer is a tree and mistakes by path, never a panic. A
// dump of a tree that is whole leads back to it.
func FuzzTree(f *testing.F) {
	for _, s := range []string{
		`{"servers":{"demo":{"name":"x","policies":{"p":{"validators":[{"name":"true","conf":null}]}},"services":{"s":{"apis":{"a":{"method":"GET"}},"scopes":{"x":{}}}},` +
			`"gateways":{"g":{"client":{"client_id":"c"},"gateway_api_groups":{"x":{"metadata":{"aws":{}},"apis":[{}]}}}},"clients":{"c":{"jwks":{}}}}}}`,
		`{"servers":[{"id":"demo"},{}],"services":[{"id":"s","authorization_server_id":"demo","apis":[{"method":"GET","path":"/"},1,null]}],"clients":[null,5],"gateways":{}}`,
		`[{"op":"add","path":"/servers/-","value":1}]`, `{"servers":null}`, `{"servers":{"demo":null}}`, `5`, `[]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := control.ParseTree(text)
		if err != nil || len(text) > 1<<16 {
			return
		}
		var c, d control.Checks
		tree := control.ReadTreeTenant(v, &c)
		control.ReadTreeServer(v, "", &d)
		control.ReadTreeTenant(control.Undump("default", v, &d), &d)
		if patch, err := control.JSONPatch(v); err == nil {
			patch(map[string]any{"servers": map[string]any{}})
		}
		control.MergePatch(v)(map[string]any{})
		if c.Err("configuration") != nil || strings.Contains(string(text), "_id") {
			return
		}
		document, err := control.TreeDocument(tree)
		if err != nil {
			t.Fatal(err)
		}
		var back control.Checks
		again := control.ReadTreeTenant(control.Undump("default", any(control.Dump("default", document)), &back), &back)
		if err := back.Err("configuration"); err != nil {
			for id := range tree.Servers {
				if id == "" {
					return
				}
			}
		} else if len(again.Servers) != len(tree.Servers) {
			t.Fatalf("%s\n%s", compact(tree), compact(again))
		}
	})
}
