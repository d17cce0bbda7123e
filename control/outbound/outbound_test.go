package outbound

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// RFC 6890: what is not globally reachable is not reached, in any spelling.
func TestAllowed(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.215.14": true, "2606:2800:21f:cb07:6820:80da:af6b:8b2c": true, "::ffff:93.184.215.14": true,
		"127.0.0.1": false, "127.8.8.8": false, "::1": false, "::ffff:127.0.0.1": false, "0.0.0.0": false, "::": false,
		"10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "fc00::1": false, "fd12::1": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "fd00:ec2::254": false, // instance metadata
		"100.64.0.1": false, "198.18.0.1": false, "192.0.2.1": false, "203.0.113.7": false, "240.0.0.1": false, "255.255.255.255": false,
		"224.0.0.1": false, "ff02::1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "::7f00:1": false,
	} {
		if got := allowed(netip.MustParseAddr(address), nil); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	named := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	if !allowed(netip.MustParseAddr("10.1.2.3"), named) || allowed(netip.MustParseAddr("10.2.2.3"), named) {
		t.Error("a network that the operator named")
	}
}

func TestClient(t *testing.T) {
	stuck := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/large":
			w.Write([]byte(strings.Repeat("x", 2000)))
		case "/exact":
			w.Write([]byte(strings.Repeat("x", 1000)))
		case "/moved":
			http.Redirect(w, r, "/exact", http.StatusFound)
		case "/slow":
			select {
			case <-stuck:
			case <-r.Context().Done():
			}
		case "/status":
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(stuck) })
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	c := Client(Options{Networks: loopback, MaxBody: 1000, Timeout: 5 * time.Second})
	if b, err := Get(t.Context(), c, server.URL+"/exact"); err != nil || len(b) != 1000 {
		t.Errorf("%d, %v", len(b), err)
	}
	for path, want := range map[string]error{"/large": ErrTooLarge, "/moved": ErrRedirects} {
		if _, err := Get(t.Context(), c, server.URL+path); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	if _, err := Get(t.Context(), c, server.URL+"/status"); err == nil || !strings.Contains(err.Error(), "418") {
		t.Error(err)
	}
	hasty := Client(Options{Networks: loopback, Timeout: 50 * time.Millisecond})
	if _, err := Get(t.Context(), hasty, server.URL+"/slow"); err == nil {
		t.Error("an answer that never comes was waited for")
	}
	// The zero options reach neither the machine itself, by address or by name, nor anything in clear.
	zero := Client(Options{})
	https := strings.Replace(server.URL, "http://", "https://", 1)
	for address, want := range map[string]error{
		server.URL: ErrPlain, "http://93.184.215.14/": ErrPlain, https: ErrAddress,
		strings.Replace(https, "127.0.0.1", "localhost", 1): ErrAddress, "https://[::ffff:127.0.0.1]:1/": ErrAddress,
	} {
		if _, err := Get(t.Context(), zero, address); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", address, err, want)
		}
	}
	if _, err := Get(t.Context(), c, "http://10.0.0.1/"); !errors.Is(err, ErrPlain) {
		t.Error(err)
	}
}
