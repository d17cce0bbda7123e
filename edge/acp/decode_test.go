package acp

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portcullis/edge/waist"
)

// fill gives every exported field below v a value that is not its zero value.
func fill(v reflect.Value, n *int) {
	*n++
	switch x := v.Addr().Interface().(type) {
	case *json.RawMessage:
		*x = json.RawMessage(fmt.Sprintf(`{"n":[%d,"\u003cx\u003e\n"]}`, *n))
		return
	case *time.Time:
		*x = time.Date(2026, 1, 2, 3, 4, 5, *n, time.UTC)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("<text> \"%d\"\n", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n) << 20)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	default:
		panic("fill does not know " + v.Type().String())
	}
}

// TestScannedKnowsEveryMember: with every member of every type set, the quick way reads all of them. Who adds a member to
// waist.Configuration and not to decode.go is told here.
func TestScannedKnowsEveryMember(t *testing.T) {
	var want waist.Configuration
	n := 0
	fill(reflect.ValueOf(&want).Elem(), &n)
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := scanned(string(raw))
	if !ok {
		t.Fatal("not read")
	}
	if d := cmp.Diff(&want, got); d != "" {
		t.Errorf("decode.go misses something of edge/waist: %s", d)
	}
}

// checkScanned holds the quick way against encoding/json.
func checkScanned(t *testing.T, text string) bool {
	t.Helper()
	got, ok := scanned(text)
	if !ok {
		return false
	}
	want := &waist.Configuration{}
	if err := json.Unmarshal([]byte(text), want); err != nil {
		t.Errorf("read, and refused by encoding/json: %v\n%s", err, text)
	} else if !reflect.DeepEqual(want, got) {
		t.Errorf("%s: %s", text, cmp.Diff(want, got))
	}
	return true
}

var documents = []struct {
	text string
	ok   bool
}{
	{`{}`, true},
	{`null`, true},
	{`{"tenant_id":"t","apis":null,"services":[],"policies":[{}],"scopes":[null],"jwks":null,"trusted_issuers":[{"jwks":{"keys":[]}}],"generated_at":null}`, true},
	{`{"apis":[{"id":"a","method":"GET","path":"/x","unknown":{"a":[1,2,{}]},"data_classifications":["pii",null],"position":3}]}`, true},
	{`{"services":[{"api_group_metadata":{"type":"aws","aws":null}},{"api_group_metadata":null},{"api_group_metadata":{"aws":{}}}]}`, true},
	{`{"scopes":[{"name":"a","service":null},{"name":"b","service":{"id":"s","other":1}}]}`, true},
	{`{"policies":[{"validators":[{"name":"true","conf":null,"recovery":null},{"conf":{"fields":[{"field":"a"}]},"recovery":[{"type":"mfa"}]}]}]}`, true},
	{`{"generated_at":"2026-01-02T03:04:05.678+01:00","revision":9007199254740993}`, true},
	{`{"generated_at":"yesterday"}`, false},
	{`{"revision":1e3}`, false},
	{`{"Tenant_ID":"t"}`, false},
	{`{"tenant_id":"t","tenant_id":"u"}`, false},
	{`{"apis":{}}`, false},
	{`{"apis":["x"]}`, false},
	{`{"apis":[{"ID":"a"}]}`, false},
	{`{"tenant_id":"t"`, false},
	{`{"tenant_id":"t"} x`, false},
}

func TestScannedAgreesWithEncodingJSON(t *testing.T) {
	for _, d := range documents {
		if checkScanned(t, d.text) != d.ok {
			t.Errorf("%s: read is not %v", d.text, d.ok)
		}
	}
}

// TestDecodeUnusual: what the quick way leaves is read the other way.
func TestDecodeUnusual(t *testing.T) {
	cfg, err := Decode([]byte(`{"TENANT_ID":"t","server_id":"a","server_id":"b","issuer_url":"https://x","apis":[{"ID":"1"}]}`))
	if err != nil || cfg.TenantID != "t" || cfg.ServerID != "b" || len(cfg.APIs) != 1 || cfg.APIs[0].ID != "1" {
		t.Errorf("%+v, %v", cfg, err)
	}
	for _, bad := range []string{`{`, `[]`, `{"tenant_id":"t","server_id":"s"}`, `{"tenant_id":"t","server_id":"s","issuer_url":"i"}x`, `{"tenant_id":7}`} {
		if _, err := Decode([]byte(bad)); err == nil {
			t.Errorf("%s is a configuration", bad)
		}
	}
}

func FuzzScanned(f *testing.F) {
	for _, d := range documents {
		f.Add(d.text)
	}
	var full waist.Configuration
	n := 0
	fill(reflect.ValueOf(&full).Elem(), &n)
	raw, _ := json.Marshal(full)
	f.Add(string(raw))
	f.Fuzz(func(t *testing.T, text string) { checkScanned(t, text) })
}

// BenchmarkDecode reads a configuration of 10,000 APIs and 1,000 policies, next to encoding/json.
func BenchmarkDecode(b *testing.B) {
	cfg := waist.Configuration{TenantID: "default", ServerID: "demo", IssuerURL: "https://control.example.com/default/demo"}
	for i := range 10_000 {
		cfg.APIs = append(cfg.APIs, waist.API{ID: fmt.Sprintf("a%020d", i), TenantID: "default", ServerID: "demo", ServiceID: "s1", Method: "GET", Path: fmt.Sprintf("/v1/things%d/{id}", i), PolicyID: "p1"})
	}
	for i := range 1000 {
		cfg.Policies = append(cfg.Policies, waist.Policy{ID: fmt.Sprintf("p%d", i), Language: "rego", Type: "api", Definition: strings.Repeat("allow {\n\tinput.x == \"y\"\n}\n", 10)})
	}
	raw, err := json.Marshal(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("scan", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(raw)))
		for b.Loop() {
			if _, ok := scanned(string(raw)); !ok {
				b.Fatal("not read")
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(raw)))
		for b.Loop() {
			if err := json.Unmarshal(raw, &waist.Configuration{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
