package policy

import "testing"

func TestLocate(t *testing.T) {
	doc := "{\n  \"validators\": [\n    {\"name\": \"attributes\",\n     \"conf\": {\"fields\": [\n       {\"field\": \"authnCtx.a\", \"comparator\": \"equals\", \"value\": 1},\n       {\"field\": \"authnCtx.b\",\n        \"comparator\": \"==\"}\n     ]}},\n    {\"name\": \"true\"}\n  ]\n}\n"
	for _, c := range []struct {
		path         string
		line, column int
	}{
		{"", 1, 1},
		{"validators", 2, 17},
		{"validators[0]", 3, 5},
		{"validators[0].name", 3, 14},
		{"validators[0].conf.fields[0].field", 5, 18},
		{"validators[0].conf.fields[1].comparator", 7, 23},
		{"validators[0].conf.fields[1].value", 6, 8}, // missing: the row
		{"validators[1].conf", 9, 5},
		{"validators[12]", 2, 17},
		{"nothing", 1, 1},
	} {
		if line, column := Locate([]byte(doc), c.path); line != c.line || column != c.column {
			t.Errorf("%s: %d:%d, want %d:%d", c.path, line, column, c.line, c.column)
		}
	}
	for _, broken := range []string{"", "{", `{"validators": [{"name": `, "[[[[", "nonsense"} {
		if line, column := Locate([]byte(broken), "validators[0].name"); line != 1 || column < 1 {
			t.Errorf("%q: %d:%d", broken, line, column)
		}
	}
}
