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

	"portcullis/control"
	"portcullis/control/specification"
)

// site is a server on this machine and what it was asked for.
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

// reaching is a fetcher that trusts the site's certificate.
func (s *site) reaching(r specification.Reach) *specification.Fetcher {
	return &specification.Fetcher{Reach: r, Transport: s.Client().Transport.(*http.Transport)}
}

// urlError is what is said of the URL.
func urlError(t *testing.T, err error) string {
	t.Helper()
	var e *control.Error
	if !errors.As(err, &e) || e.Kind != control.Invalid || e.Code != "specification_not_fetched" {
		t.Fatalf("%v", err)
	}
	return e.Fields["url"]
}

// TestFetchStaysOutside: with the default reach nothing on this machine or in its networks is connected to, by address or by name.
func TestFetchStaysOutside(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, petStore) })
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	for _, u := range []string{
		s.URL, "https://localhost" + port, "https://[::1]" + port, "https://[::ffff:127.0.0.1]" + port, "https://127.1.2.3" + port, "https://0.0.0.0" + port,
		"https://[::]" + port, "https://169.254.169.254/latest/meta-data/", "https://[fd00:ec2::254]/", "https://10.0.0.1/", "https://192.168.1.1/", "https://172.16.0.1/",
		"https://100.64.0.1/", "https://[fe80::1%25eth0]/", "https://[64:ff9b::7f00:1]" + port, "https://[2002:7f00:1::]/", "https://224.0.0.1/", "https://255.255.255.255/",
	} {
		_, err := s.reaching(specification.Public).Fetch(context.Background(), u)
		if got := urlError(t, err); !strings.Contains(got, "not public") {
			t.Errorf("%s: %s", u, got)
		}
	}
	for u, want := range map[string]string{
		"http://example.com/spec.yaml":                     "must begin with https://",
		"file:///etc/passwd":                               "absolute URL",
		"gopher://example.com/":                            "must begin with https://",
		"//example.com/x":                                  "must begin with https://",
		"/spec.yaml":                                       "absolute URL",
		"https://user:secret@example.com/":                 "user name or password",
		"https://:443/":                                    "absolute URL",
		"https://exa mple.com/":                            "absolute URL",
		"https://example.com/" + strings.Repeat("x", 3000): "absolute URL",
		"https://name.invalid/":                            "host name that is not known",
	} {
		_, err := s.reaching(specification.Public).Fetch(context.Background(), u)
		if got := urlError(t, err); !strings.Contains(got, want) && !(want == "host name that is not known" && strings.Contains(got, "could not be reached")) {
			t.Errorf("%s: %q, want %q", u, got, want)
		}
	}
	if _, err := s.reaching(specification.Off).Fetch(context.Background(), "https://example.com/"); !strings.Contains(urlError(t, err), "fetches nothing") {
		t.Error(err)
	}
	// A proxy would connect in our place.
	t.Setenv("HTTPS_PROXY", s.URL)
	if _, err := s.reaching(specification.Public).Fetch(context.Background(), s.URL); !strings.Contains(urlError(t, err), "not public") {
		t.Error(err)
	}
	if n := s.asked.Load(); n != 0 {
		t.Errorf("the server was asked %d times", n)
	}
}

func TestFetch(t *testing.T) {
	var s *site
	s = newSite(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/spec.yaml":
			if r.Header.Get("Authorization")+r.Header.Get("Cookie")+r.Header.Get("Referer") != "" {
				t.Errorf("%v", r.Header)
			}
			io.WriteString(w, petStore)
		case "/moved":
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
			http.Redirect(w, r, "/spec.yaml", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/out":
			http.Redirect(w, r, "ftp://example.com/", http.StatusFound)
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
	f := s.reaching(specification.Any)
	for _, path := range []string{"/spec.yaml", "/moved?token=secret"} {
		text, err := f.Fetch(context.Background(), s.URL+path)
		if err != nil || string(text) != petStore {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
	for path, want := range map[string]string{"/round": "redirects more", "/out": "must begin with https://", "/bomb": "more than", "/short": "could not be reached", "/none": "status 404"} {
		if _, err := f.Fetch(context.Background(), s.URL+path); !strings.Contains(urlError(t, err), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if n := s.asked.Load(); n > 12 {
		t.Errorf("%d requests", n)
	}
	// A certificate that nobody vouches for.
	if _, err := (&specification.Fetcher{Reach: specification.Any}).Fetch(context.Background(), s.URL+"/spec.yaml"); !strings.Contains(urlError(t, err), "certificate") {
		t.Error(err)
	}
	// The caller has gone.
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := f.Fetch(gone, s.URL+"/spec.yaml"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestFetchRedirectInside: a site outside cannot send us inside, neither to an address nor to a name, nor out of TLS.
func TestFetchRedirectInside(t *testing.T) {
	inside := newSite(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, petStore) })
	var to string
	outside := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		io.WriteString(w, petStore)
	})
	// 127.0.0.1 stands for outside, the rest is inside.
	f := outside.reaching(specification.Public)
	specification.Judge(f, func(ip netip.Addr) bool { return ip.String() == "127.0.0.1" })
	port := inside.URL[strings.LastIndex(inside.URL, ":"):]
	for to = range map[string]bool{"https://127.0.0.2" + port + "/": true, "http://127.0.0.1" + port + "/": true, "https://ip6-localhost" + port: true, "https://[::1]" + port: true} {
		if text, err := f.Fetch(context.Background(), outside.URL+"/"); err == nil {
			t.Errorf("%s was fetched: %q", to, text)
		}
	}
	if n := inside.asked.Load(); n != 0 {
		t.Errorf("what lies inside was asked %d times", n)
	}
	to = outside.URL + "/spec"
	if text, err := f.Fetch(context.Background(), outside.URL+"/"); err != nil || string(text) != petStore {
		t.Errorf("a redirect outside: %q, %v", text, err)
	}
	for _, ip := range []string{"8.8.8.8", "2606:4700::1111", "1.1.1.1"} {
		if !specification.IsPublic(netip.MustParseAddr(ip)) {
			t.Errorf("%s is taken for an address that is not public", ip)
		}
	}
}
