package openapitest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// recorder is a test that only remembers what it was told.
type recorder struct {
	testing.TB
	errors []string
}

func (*recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// A client behind RoundTripper sees what the server said, the server sees what the client said, and the test fails only
// on what breaks the contract.
func TestRoundTripper(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/bind"):
			io.WriteString(w, `{"removed_apis":null,"removed_policies":[],"not_removed_policies":[]}`)
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		default:
			io.WriteString(w, `{"gateways":[]}`)
		}
	}))
	defer server.Close()
	var rec recorder
	client := http.Client{Transport: RoundTripper(&rec, server.Client().Transport)}
	call := func(method, path, body string) (int, string) {
		t.Helper()
		var in io.Reader
		if body != "" {
			in = strings.NewReader(body)
		}
		req, err := http.NewRequest(method, server.URL+path, in)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}

	if status, body := call("GET", "/api/admin/default/servers/default/gateways", ""); status != 200 || body != `{"gateways":[]}` {
		t.Errorf("the client saw %d %s", status, body)
	}
	if status, _ := call("DELETE", "/api/admin/default/gateways/g1", ""); status != 204 {
		t.Errorf("the client saw %d", status)
	}
	if len(rec.errors) != 0 {
		t.Fatalf("answers as declared were found to break the contract: %q", rec.errors)
	}
	const bind = `{"service_id":"petstore"}`
	if call("POST", "/api/admin/default/gateways/g1/groups/a-dev/bind", bind); got != bind {
		t.Errorf("the server saw %q", got)
	}
	if len(rec.errors) != 1 || !strings.Contains(rec.errors[0], "/removed_apis: got null, want array") {
		t.Errorf("a null array: %q", rec.errors)
	}
	rec.errors = nil
	Validate(&rec, "POST", "/api/admin/default/gateways/g1/groups/a-dev/bind", nil, 418, http.Header{}, nil)
	if len(rec.errors) != 1 || !strings.Contains(rec.errors[0], "the status 418 is not declared") {
		t.Errorf("another status: %q", rec.errors)
	}
}
