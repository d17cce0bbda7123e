package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Options of Client. The zero value reaches public addresses by https, with answers of up to DefaultMaxBody.
type Options struct {
	// Networks may be reached although they are not public, and their loopback addresses by http.
	Networks []netip.Prefix
	Timeout  time.Duration // of one call with its answer; 0 means DefaultTimeout
	MaxBody  int64         // bytes of an answer; 0 means DefaultMaxBody
	TLS      *tls.Config   // for roots of one's own; nil means those of the system
}

// Limits that hold unless Options say otherwise.
const (
	DefaultTimeout = 10 * time.Second
	DefaultMaxBody = 1 << 20
)

// Errors of a call, for errors.Is.
var (
	ErrAddress   = errors.New("the address is not a public one; the operator can allow its network with --outbound-networks")
	ErrPlain     = errors.New("the address must be https://")
	ErrTooLarge  = errors.New("the answer is too large")
	ErrRedirects = errors.New("the address redirects; enter the one that it redirects to")
)

// Client makes a client. It follows no redirect, uses no proxy of the environment, and keeps no cookies.
func Client(o Options) *http.Client {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	tlsConfig := o.TLS.Clone()
	if tlsConfig == nil {
		tlsConfig = &tls.Config{}
	}
	tlsConfig.MinVersion = max(tlsConfig.MinVersion, tls.VersionTLS12)
	dialer := &net.Dialer{Timeout: o.Timeout, Control: func(_, address string, _ syscall.RawConn) error {
		a, err := netip.ParseAddrPort(address)
		if err != nil || !allowed(a.Addr(), o.Networks) {
			return ErrAddress
		}
		return nil
	}}
	return &http.Client{
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return ErrRedirects },
		Transport: &guard{networks: o.Networks, maxBody: o.MaxBody, next: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: tlsConfig, TLSHandshakeTimeout: o.Timeout, ForceAttemptHTTP2: true,
			MaxIdleConns: 16, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		}},
	}
}

// Larger is a client of Client's for answers of up to maxBody bytes. Another client is returned as it is.
func Larger(c *http.Client, maxBody int64) *http.Client {
	g, ok := c.Transport.(*guard)
	if !ok {
		return c
	}
	larger, copied := *c, *g
	copied.maxBody = maxBody
	larger.Transport = &copied
	return &larger
}

type guard struct {
	networks []netip.Prefix
	maxBody  int64
	next     http.RoundTripper
}

// RoundTrip refuses clear text, but for loopback addresses in a network that the operator named: nothing else is on the way.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !(r.URL.Scheme == "http" && g.loopback(r.URL.Hostname())) {
		return nil, ErrPlain
	}
	resp, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &bounded{ReadCloser: resp.Body, left: g.maxBody}
	return resp, nil
}

func (g *guard) loopback(host string) bool {
	if host == "localhost" {
		host = "127.0.0.1"
	}
	return Loopback(host) && allowed(netip.MustParseAddr(host), g.networks)
}

// Loopback reports whether a host is an address of the machine itself.
func Loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// bounded fails, where io.LimitReader would pretend that the answer ended.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		if n, err := b.ReadCloser.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}

// special are the networks of the IANA registries of special-purpose addresses (RFC 6890) that IsGlobalUnicast and
// IsPrivate do not know: not globally reachable, or holding an IPv4 address that could be any of them.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
}

func allowed(ip netip.Addr, networks []netip.Prefix) bool {
	ip = ip.Unmap().WithZone("")
	for _, p := range networks {
		if p.Contains(ip) {
			return true
		}
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range special {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

// StatusError is an answer with another status than 200.
type StatusError struct{ Status int }

func (e *StatusError) Error() string { return fmt.Sprintf("it answered with status %d", e.Status) }

// Get fetches one document, of JSON if there is a choice.
func Get(ctx context.Context, c *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json, */*;q=0.1")
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, &StatusError{resp.StatusCode}
	}
	return io.ReadAll(resp.Body)
}
