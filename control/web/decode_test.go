package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"portcullis/control"
	"portcullis/edge/waist"
)

func post(body string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func TestDecodeJSON(t *testing.T) {
	deep := strings.Repeat(`{"authn_ctx":`, 80) + "1" + strings.Repeat("}", 80)
	cases := []struct {
		name, body string
		kind       control.Kind
		says       string // part of the message
		field      string // a key of Fields
	}{
		{"unknown member, named", `{"nam":"x"}`, control.Invalid, "nam is not a member", "nam"},
		{"unknown member further down, by path", `{"server_id":"w","policy":{"validators":[{"name":"true","con":null}]}}`, control.Invalid, "policy.validators[0].con", "policy.validators[0].con"},
		{"another case is another member", `{"SERVER_ID":"w"}`, control.Invalid, "another case", "SERVER_ID"},
		{"twice", `{"server_id":"a","server_id":"b"}`, control.Malformed, "server_id comes twice", "server_id"},
		{"twice in a free-form object", `{"input":{"authn_ctx":{"sub":"a","sub":"b"}}}`, control.Malformed, "comes twice", "input.authn_ctx.sub"},
		{"twice inside raw JSON", `{"policy":{"validators":[{"name":"x","conf":{"a":1,"a":2}}]}}`, control.Malformed, "comes twice", "policy.validators[0].conf.a"},
		{"trailing data", `{} {}`, control.Malformed, "behind the end", ""},
		{"trailing brace", `{}}`, control.Malformed, "", ""},
		{"cut off", `{"server_id":`, control.Malformed, "ends too early", ""},
		{"not JSON", `server_id=w`, control.Malformed, "not JSON", ""},
		{"empty", ` `, control.Malformed, "empty", ""},
		{"too deep", `{"input":{"authn_ctx":` + deep + `}}`, control.Malformed, "levels deep", ""},
		{"invalid UTF-8", "{\"server_id\":\"\xff\"}", control.Malformed, "UTF-8", ""},
		{"too large", `{"server_id":"` + strings.Repeat("a", 5000) + `"}`, control.Malformed, "larger than", ""},
		{"wrong type", `{"server_id":7}`, control.Invalid, "a string is expected", "server_id"},
		{"not an object", `[]`, control.Malformed, "a JSON array; a JSON object", ""},
		{"unsupported member with a value", `{"graphql_schema":"type Query"}`, control.Invalid, "not supported", "graphql_schema"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := control.PolicyTest{WorkspaceID: "before"}
			err := DecodeJSON(post(c.body), &v, 4096, "graphql_schema")
			if err == nil || control.KindOf(err) != c.kind {
				t.Fatalf("got %v (kind %v), want kind %v", err, control.KindOf(err), c.kind)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("the message %q does not say %q", err, c.says)
			}
			if _, ok := err.(*control.Error).Fields[c.field]; c.field != "" && !ok {
				t.Errorf("Fields %v lack %s", err.(*control.Error).Fields, c.field)
			}
			if v.WorkspaceID != "before" {
				t.Error("the target was changed although the request was refused")
			}
		})
	}
}

func TestDecodeJSONAccepts(t *testing.T) {
	var v control.PolicyTest
	if err := DecodeJSON(post(`{"server_id":"demo","graphql_types":{"a":[],"b":"0s","c":{"d":false}},
		"input":{"request":{"headers":{"X-Custom":["v"],"x-custom":["w"]}}},"policy":{"validators":[{"name":"true","conf":null,"recovery":null}]}}`), &v, 4096, "graphql_types"); err != nil {
		t.Fatal(err)
	}
	if v.WorkspaceID != "demo" || len(v.Input.Request.Headers) != 2 || v.Policy.Validators[0].Name != "true" {
		t.Errorf("decoded %+v", v)
	}
	var inv waist.Inventory
	if err := DecodeJSONLenient(post(`{"api_groups":[{"id":"abc-dev","future":{"x":1}}],"more":1}`), &inv, 4096); err != nil || len(inv.APIGroups) != 1 {
		t.Errorf("lenient: %v, %+v", err, inv)
	}
	if err := DecodeJSONLenient(post(`{"more":1,"more":2}`), &inv, 4096); control.KindOf(err) != control.Malformed {
		t.Errorf("lenient must still refuse a member that comes twice, got %v", err)
	}
	r := post(`{}`)
	r.Header.Set("Content-Type", "text/plain")
	if err := DecodeJSON(r, &v, 10); control.KindOf(err) != control.Malformed {
		t.Errorf("text/plain was read as JSON: %v", err)
	}
}

// What is accepted must mean the same to encoding/json: one value, no member twice.
func FuzzDecodeJSON(f *testing.F) {
	for _, s := range []string{`{}`, `{"server_id":"a","input":{"authn_ctx":{"a":[1,{"b":null}]}}}`, `{"a":1,"a":2}`, `[[[[`, "{\"\\u0000\":1}", `{"policy":{"validators":[{"conf":{"fields":[]}}]}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var v control.PolicyTest
		err := decodeBytes(body, &v, true, []string{"graphql_schema"})
		if err == nil && !json.Valid(body) {
			t.Errorf("accepted what is not JSON: %q", body)
		}
		if err != nil && control.KindOf(err) == control.Internal {
			t.Errorf("a bad request must not be an internal error: %v", err)
		}
	})
}
