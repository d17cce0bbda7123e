package scan

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// all reads any value the way a caller would, by the first byte of what comes next.
func all(t *Text) any {
	switch t.peek() {
	case '{':
		m := map[string]any{}
		for name := range t.Members() {
			m[name] = all(t)
		}
		return m
	case '[':
		list := []any{}
		for range t.Elements() {
			list = append(list, all(t))
		}
		return list
	case '"':
		return t.String()
	case 't', 'f':
		return t.Bool()
	case 'n':
		t.Null()
		return nil
	}
	return json.Number(t.number())
}

// theirs is what encoding/json reads; ok is false when it refuses.
func theirs(text string) (v any, ok bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	ok = json.Valid([]byte(text)) && d.Decode(&v) == nil
	return v, ok
}

// check holds a text against encoding/json: what is read here is read there, and the same.
func check(t *testing.T, text string) (done bool) {
	t.Helper()
	r := Of(text)
	got := all(r)
	done = r.Done()
	s := Of(text)
	s.Skip()
	if s.Done() != done {
		t.Errorf("%q: read %v, skipped %v", text, done, s.Done())
	}
	if !done {
		return false
	}
	want, ok := theirs(text)
	if !ok {
		t.Errorf("%q is read, and encoding/json refuses it", text)
	} else if !reflect.DeepEqual(want, got) { // cmp takes for ever on deep nesting
		t.Errorf("%q is read as %v, by encoding/json as %v", text, got, want)
	}
	return true
}

var plain = []string{
	`{}`, `[]`, `null`, `true`, `false`, `0`, `-1`, `12.5e+3`, `1E9`, `""`, `"x"`, ` [ 1 , 2 ] `, "\t{\n\"a\" : [ ] }\r\n",
	`{"a":{"b":[{"c":null}]},"d":""}`, `{"":1}`, `"\u0041\n\"\\\/"`, `"ü€😀"`, `"\ud83d\ude00"`, `"\ud83d"`, `{"\u0061":1}`, `[[],[[]],{}]`, `{"a":1,"a":2}`,
}

var refused = []string{
	``, ` `, `{`, `}`, `[`, `]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,"a":1}`, `[1,]`, `[,1]`, `[1 2]`, `{"a":1 "b":2}`, `{a:1}`, `{1:1}`, `01`, `-`, `1.`, `.5`, `+1`, `1e`,
	`tru`, `nul`, `nulll`, `truefalse`, `"`, `"\`, `"\x"`, `"\u12"`, "\"\n\"", `"a"b`, `{} {}`, `[1]]`, `{"a":[}`, `{"a":{]}`, "\"\xff\"", `NaN`, `'a'`, strings.Repeat("[", 10000),
	strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1), // encoding/json would read this one
}

func TestGrammar(t *testing.T) {
	for _, text := range plain {
		if !check(t, text) {
			t.Errorf("%q is not read", text)
		}
	}
	for _, text := range refused {
		if check(t, text) {
			t.Errorf("%q is read", text[:min(len(text), 50)])
		}
	}
}

func FuzzGrammar(f *testing.F) {
	for _, text := range append(plain, refused...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { check(t, text) })
}

type record struct {
	Name  string   `json:"name"`
	Count int64    `json:"count"`
	On    bool     `json:"on"`
	List  []string `json:"list"`
	Conf  json.RawMessage
	Inner struct {
		Name string `json:"name"`
	} `json:"inner"`
}

func read(text string) (r record, ok bool) {
	t := Of(text)
	for name := range t.Fields([]string{"name", "count", "on", "list", "Conf", "inner"}) {
		switch name {
		case "name":
			r.Name = t.String()
		case "count":
			r.Count = t.Int()
		case "on":
			r.On = t.Bool()
		case "list":
			r.List = t.Strings()
		case "Conf":
			r.Conf = json.RawMessage(t.Raw())
		case "inner":
			for range t.Fields([]string{"name"}) {
				r.Inner.Name = t.String()
			}
		}
	}
	return r, t.Done()
}

var records = []struct {
	text string
	ok   bool
}{
	{`{"name":"a","count":-3,"on":true,"list":["x",null],"Conf":{"b": [1]},"inner":{"name":"b"}}`, true},
	{`{"other":{"deep":[1,{"x":"\n"}]},"name":"a","more":1.5e3}`, true},
	{`{"name":null,"count":null,"on":null,"list":null,"Conf":null}`, true},
	{`{"list":[]}`, true},
	{`{}`, true},
	{`{"inner":{"other":1}}`, true},
	{`{"Name":"a"}`, false},            // encoding/json takes it
	{`{"LIST":[]}`, false},             //
	{`{"li\u017ft":["x"]}`, false},     // ſ folds to s
	{`{"name":"a","name":"b"}`, false}, // the last one counts
	{`{"count":1.0}`, false},           // not an integer
	{`{"count":"1"}`, false},           //
	{`{"count":9223372036854775808}`, false},
	{`{"name":1}`, false},
	{`{"on":"true"}`, false},
	{`{"list":"x"}`, false},
	{`{"inner":[]}`, false},
	{`[]`, false},
	{`{"other":tru}`, false},
}

func checkRecord(t *testing.T, text string) bool {
	t.Helper()
	got, ok := read(text)
	if !ok {
		return false
	}
	var want record
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Errorf("%q is read, and encoding/json refuses it: %v", text, err)
	} else if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%q: %s", text, d)
	}
	return true
}

// TestFields: what is read is what encoding/json reads; names in another case and members that come twice are left to it.
func TestFields(t *testing.T) {
	for _, c := range records {
		if checkRecord(t, c.text) != c.ok {
			t.Errorf("%s: read is not %v", c.text, c.ok)
		}
	}
}

func FuzzFields(f *testing.F) {
	for _, c := range records {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkRecord(t, text) })
}
