package specification_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/outbound"
	"portcullis/control/specification"
)

// site is a server on this machine and how often it was asked.
type site struct {
	*httptest.Server
	asked atomic.Int64
}

func newSite(t *testing.T, h http.HandlerFunc) *site {
	s := &site{}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.asked.Add(1); h(w, r) }))
	t.Cleanup(s.Close)
	return s
}

// client trusts the site's certificate and may reach the networks besides public ones.
func (s *site) client(networks ...netip.Prefix) *http.Client {
	return outbound.Client(outbound.Options{Networks: networks, TLS: s.Client().Transport.(*http.Transport).TLSClientConfig, MaxBody: 1 << 10, Timeout: 5 * time.Second})
}

var loopback = netip.MustParsePrefix("127.0.0.0/8")

// urlError is what is said of the URL.
func urlError(t *testing.T, err error) string {
	t.Helper()
	var e *control.Error
	if !errors.As(err, &e) || e.Kind != control.Invalid || e.Code != "specification_not_fetched" {
		t.Fatalf("%v", err)
	}
	return e.Fields["url"]
}

// TestFetchStaysOutside: nothing on this machine or in its networks is connected to, by address, by name, or by a proxy.
func TestFetchStaysOutside(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, petStore) })
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	t.Setenv("HTTPS_PROXY", s.URL)
	for u, want := range map[string]string{
		s.URL: "not a public one", "https://localhost" + port: "not a public one", "https://[::1]" + port: "not a public one", "https://[::ffff:127.0.0.1]" + port: "not a public one",
		"https://0.0.0.0" + port: "not a public one", "https://169.254.169.254/latest/meta-data/": "not a public one", "https://10.0.0.1/": "not a public one",
		"http://example.com/spec.yaml": "must be https://", "file:///etc/passwd": "must be an https://", "gopher://example.com/": "must be an https://", "//example.com/x": "must be an https://",
		"https://user:secret@example.com/": "user name or password", "https://:443/": "must be an https://", "https://exa mple.com/": "must be an https://",
		"https://example.com/" + strings.Repeat("x", 3000): "at most 2048 bytes",
	} {
		_, err := specification.Fetch(context.Background(), s.client(), u)
		if got := urlError(t, err); !strings.Contains(got, want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %s", u, got)
		}
	}
	if n := s.asked.Load(); n != 0 {
		t.Errorf("the server was asked %d times", n)
	}
}

func TestFetch(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/spec.yaml":
			if r.Header.Get("Authorization")+r.Header.Get("Cookie")+r.Header.Get("Referer") != "" {
				t.Errorf("%v", r.Header)
			}
			io.WriteString(w, petStore)
		case "/large": // more than other documents may have
			io.WriteString(w, petStore+strings.Repeat("# more\n", 100_000))
		case "/moved":
			http.Redirect(w, r, "/spec.yaml", http.StatusFound)
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write(bytes.Repeat([]byte{' '}, specification.MaxBytes+1))
			z.Close()
		case "/short":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "x")
		default:
			http.NotFound(w, r)
		}
	})
	c := s.client(loopback)
	for path, size := range map[string]int{"/spec.yaml": len(petStore), "/spec.yaml?a=b": len(petStore), "/large": len(petStore) + 700_000} {
		if text, err := specification.Fetch(context.Background(), c, s.URL+path); err != nil || len(text) != size {
			t.Errorf("%s: %d bytes, %v", path, len(text), err)
		}
	}
	for path, want := range map[string]string{"/moved": "redirects", "/bomb": "too large", "/short": "could not be reached", "/none": "status 404"} {
		if _, err := specification.Fetch(context.Background(), c, s.URL+path); !strings.Contains(urlError(t, err), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	// A certificate that nobody vouches for.
	if _, err := specification.Fetch(context.Background(), outbound.Client(outbound.Options{Networks: []netip.Prefix{loopback}}), s.URL+"/spec.yaml"); !strings.Contains(urlError(t, err), "certificate") {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := specification.Fetch(gone, c, s.URL+"/spec.yaml"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
