package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"portcullis/control"
	"portcullis/edge/waist"

	"github.com/google/go-cmp/cmp"
)

func TestSecureHeaders(t *testing.T) {
	for _, https := range []bool{false, true} {
		var nonce string
		h := Secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { nonce = Nonce(r.Context()) }), Options{HTTPS: https})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		want := map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self' 'nonce-" + nonce + "'; style-src 'self' 'nonce-" + nonce +
				"'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
			"Permissions-Policy":        "camera=(), geolocation=(), microphone=()",
			"Strict-Transport-Security": map[bool]string{true: "max-age=31536000; includeSubDomains"}[https],
		}
		got := map[string]string{}
		for k := range want {
			got[k] = w.Header().Get(k)
		}
		if d := cmp.Diff(want, got); d != "" || nonce == "" {
			t.Errorf("https %v: (-want +got)\n%s", https, d)
		}
	}
}

// One line per request; no query, no authorization, no cookie in it.
func TestOneLogLineWithoutSecrets(t *testing.T) {
	var log bytes.Buffer
	mux := http.NewServeMux()
	mux.HandleFunc("POST /things/{id}", func(w http.ResponseWriter, r *http.Request) {
		Event(r.Context()).ActorID = "client-1"
		WriteError(w, r, errors.New("disk on fire"))
	})
	h := Secure(mux, Options{Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	r := httptest.NewRequest("POST", "/things/7?token=s3cret-query", strings.NewReader("s3cret-body"))
	r.Header.Set("Authorization", "Bearer s3cret-bearer")
	r.Header.Set("Cookie", "portcullis=s3cret-cookie")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if strings.Contains(log.String(), "s3cret") {
		t.Errorf("a secret reached the log: %s", log.String())
	}
	if strings.Contains(w.Body.String(), "disk") {
		t.Errorf("an internal error was shown: %s", w.Body)
	}
	var line map[string]any
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatalf("want one JSON line, got %q", log.String())
	}
	for k, want := range map[string]any{"route": "POST /things/{id}", "status": 500.0, "actor": "client-1", "error": "disk on fire", "path": "/things/7", "level": "ERROR"} {
		if line[k] != want {
			t.Errorf("%s = %v, want %v", k, line[k], want)
		}
	}
	if line["request_id"] != w.Header().Get("X-Request-Id") {
		t.Error("the request id of the log is not that of the answer")
	}
}

func TestPanicIs500(t *testing.T) {
	var log bytes.Buffer
	h := Secure(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") }), Options{Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	var e waist.Error
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != 500 || e.Code != "internal" || strings.Contains(e.Message, "boom") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "boom") {
		t.Error("the log does not say what happened")
	}
}

func TestWriteError(t *testing.T) {
	cases := []struct {
		err    error
		status int
		code   string
		retry  string
	}{
		{control.Errorf(control.Invalid, "", "m"), 422, "invalid", ""},
		{control.Errorf(control.Malformed, "policy_in_use", "m"), 400, "policy_in_use", ""},
		{control.Errorf(control.Unauthenticated, "", "m"), 401, "unauthenticated", ""},
		{control.Errorf(control.Forbidden, "", "m"), 403, "forbidden", ""},
		{control.Errorf(control.NotFound, "", "m"), 404, "not_found", ""},
		{control.Errorf(control.Conflict, "gateway_limit", "m"), 409, "gateway_limit", ""},
		{control.Errorf(control.PreconditionFailed, "", "m"), 412, "precondition_failed", ""},
		{&control.Error{Kind: control.TooMany, Message: "m", RetryAfter: 7}, 429, "too_many_requests", "7"},
		{control.Errorf(control.NotImplemented, "", "m"), 501, "not_implemented", ""},
		{control.Errorf(control.Unavailable, "", "m"), 503, "unavailable", "1"},
		{control.Errorf(control.Kind(99), "", "m"), 500, "internal", ""},
		{io.ErrClosedPipe, 500, "internal", ""},
	}
	for _, c := range cases {
		w := httptest.NewRecorder()
		WriteError(w, httptest.NewRequest("GET", "/", nil), c.err)
		var e map[string]any
		json.Unmarshal(w.Body.Bytes(), &e)
		if w.Code != c.status || e["status_code"] != float64(c.status) || e["error_code"] != c.code || e["details"] == nil || w.Header().Get("Retry-After") != c.retry {
			t.Errorf("%v: got %d %s Retry-After %q", c.err, w.Code, w.Body, w.Header().Get("Retry-After"))
		}
	}
}

func TestClientIP(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	cases := []struct{ peer, xff, want string }{
		{"198.51.100.7:1", "203.0.113.9", "198.51.100.7"},                      // not a trusted proxy: its word counts nothing
		{"192.0.2.1:1", "203.0.113.9", "203.0.113.9"},                          //
		{"192.0.2.1:1", "203.0.113.66, 203.0.113.9", "203.0.113.9"},            // the left one was written by the caller
		{"192.0.2.1:1", "203.0.113.66, 203.0.113.9, 192.0.2.2", "203.0.113.9"}, // two proxies
		{"192.0.2.1:1", "evil\x00", "192.0.2.1"},                               //
		{"192.0.2.1:1", "", "192.0.2.1"},                                       //
		{"[2001:db8::1]:1", "", "2001:db8::1"},                                 //
		{"192.0.2.1:1", "::ffff:203.0.113.9", "203.0.113.9"},                   // IPv4 in IPv6 is the same caller
	}
	for _, c := range cases {
		var got string
		h := Secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = ClientIP(r) }), Options{TrustedProxies: trusted})
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		if c.xff != "" {
			r.Header.Set("X-Forwarded-For", c.xff)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got != c.want {
			t.Errorf("peer %s, X-Forwarded-For %q: got %s, want %s", c.peer, c.xff, got, c.want)
		}
	}
}

func TestSessionCookie(t *testing.T) {
	for _, secure := range []bool{false, true} {
		w := httptest.NewRecorder()
		PortalCookie.Set(w, "tok", secure)
		c := w.Result().Cookies()[0]
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure != secure || c.Domain != "" || strings.HasPrefix(c.Name, "__Host-") != secure {
			t.Errorf("secure %v: %v", secure, c)
		}
		var got string
		read := func(r *http.Request) string {
			Secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = PortalCookie.Value(r) }), Options{HTTPS: secure}).ServeHTTP(httptest.NewRecorder(), r)
			return got
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(c)
		if read(r) != "tok" {
			t.Errorf("secure %v: the token does not come back", secure)
		}
		planted := httptest.NewRequest("GET", "/", nil)
		planted.AddCookie(&http.Cookie{Name: "portcullis", Value: "planted"})
		if read(planted) == "planted" && secure {
			t.Error("a plain cookie was taken over https")
		}
	}
}

func TestCrossOrigin(t *testing.T) {
	h := CrossOrigin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }))
	for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 204} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: got %d, want %d", site, w.Code, want)
		}
	}
}

func TestPackages(t *testing.T) {
	p := Packages{FS: fstest.MapFS{"authorizer-arm64.zip": {Data: []byte("zip")}}}
	if b, sum, err := p.Open("arm64"); err != nil || string(b) != "zip" || len(sum) != 64 {
		t.Errorf("got %q %q %v", b, sum, err)
	}
	if _, _, err := p.Open("x86_64"); control.KindOf(err) != control.NotImplemented || !strings.Contains(err.Error(), "make packages") {
		t.Errorf("not built: %v", err)
	}
	if _, _, err := p.Open("../secret"); control.KindOf(err) != control.Malformed {
		t.Errorf("unknown architecture: %v", err)
	}
	if _, _, err := (Packages{}).Open("arm64"); control.KindOf(err) != control.NotImplemented {
		t.Errorf("zero value: %v", err)
	}
}
