package specification

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"portcullis/control"
)

// Reach is what a Fetcher may fetch from. Whoever may import names the URL, so the server must not lend them its place in
// the network; the zero value is the narrow one.
type Reach int

const (
	Public Reach = iota // https, addresses of the public internet
	Any                 // http too, and every address, loopback and the cloud's metadata service included
	Off                 // nothing
)

// ParseReach reads a setting: public, any or off.
func ParseReach(s string) (Reach, error) {
	for i, name := range []string{"public", "any", "off"} {
		if s == name {
			return Reach(i), nil
		}
	}
	return Off, fmt.Errorf("%q is not one of: public, any, off", s)
}

// The bounds of one fetch.
const (
	fetchTime    = 15 * time.Second // all redirects included
	maxRedirects = 3
	maxURL       = 2048 // bytes
)

// Fetcher gets documents by HTTP. The zero value fetches from public addresses only.
type Fetcher struct {
	Reach Reach
	// Transport is for tests with certificates of their own; nil means a plain one. Its Dial functions are not used.
	Transport *http.Transport

	judge func(netip.Addr) bool // instead of public, for tests
}

// open reports that an address may be connected to.
func (f *Fetcher) open(ip netip.Addr) bool {
	if f.judge != nil {
		return f.judge(ip)
	}
	return f.Reach == Any || public(ip)
}

// Fetch gets the document at a URL. It sends no credentials, follows at most three redirects, and reads at most MaxBytes.
// The address is judged when the connection is made, so a name that resolves to something else later does not matter;
// proxies of the environment are not used, because they would connect in our place. The error is one of kind Invalid
// about the field url.
func (f *Fetcher) Fetch(ctx context.Context, address string) ([]byte, error) {
	u, err := f.allowed(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	transport := &http.Transport{}
	if f.Transport != nil {
		transport = f.Transport.Clone()
	}
	transport.Proxy, transport.DialTLSContext, transport.DisableKeepAlives = nil, nil, true
	transport.DialContext = (&net.Dialer{Timeout: fetchTime, Control: f.control}).DialContext
	transport.MaxResponseHeaderBytes = 64 << 10
	client := &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return refused("redirects more than %d times", maxRedirects)
		}
		r.Header.Del("Referer") // it would carry what the first URL's query holds
		_, err := f.allowed(r.URL.String())
		return err
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, refused("is no URL that can be fetched")
	}
	req.Header.Set("Accept", "application/json, application/yaml;q=0.9, text/plain;q=0.8, */*;q=0.1")
	req.Header.Set("User-Agent", "portcullis")
	resp, err := client.Do(req)
	if err != nil {
		return nil, failed(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, refused("answers with status %d", resp.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, MaxBytes+1)) // of what it is without compression
	if err != nil {
		return nil, failed(ctx, err)
	}
	if len(text) > MaxBytes {
		return nil, refused("has more than %d bytes", MaxBytes)
	}
	return text, nil
}

// allowed judges a URL before anything is sent.
func (f *Fetcher) allowed(address string) (*url.URL, error) {
	if f.Reach == Off {
		return nil, refused("cannot be used: this server fetches nothing; send the document itself")
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || len(address) > maxURL || u.Host == "" || u.Hostname() == "":
		return nil, refused("must be an absolute URL of at most %d bytes", maxURL)
	case u.Scheme != "https" && (u.Scheme != "http" || f.Reach != Any):
		return nil, refused("must begin with https://")
	case u.User != nil:
		return nil, refused("must not hold a user name or password")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !f.open(ip) {
		return nil, refused("leads to an address that is not public, where this server fetches nothing from")
	}
	return u, nil
}

// control judges the address that a connection is about to be made to.
func (f *Fetcher) control(network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") || !f.open(ap.Addr()) {
		return refused("leads to an address that is not public, where this server fetches nothing from")
	}
	return nil
}

// special are the networks that are not of the public internet and not known to package net/netip as such (IANA's
// special-purpose registries), and those that wrap an IPv4 address.
var special = func() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}()

// public reports that an address is one of the public internet.
func public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return false
	}
	for _, p := range special {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

func refused(format string, args ...any) *control.Error {
	what := fmt.Sprintf(format, args...)
	e := control.Errorf(control.Invalid, "specification_not_fetched", "the specification was not fetched: the URL %s", what)
	e.Fields = map[string]string{"url": what}
	return e
}

// failed says of a connection that did not work out what the one who named the URL may know: not what a resolver, a
// certificate or an address looks like from here.
func failed(ctx context.Context, err error) error {
	var known *control.Error
	var dns *net.DNSError
	switch {
	case errors.As(err, &known):
		return known
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case ctx.Err() != nil:
		return refused("did not answer within %s", fetchTime)
	case errors.As(err, &dns):
		return refused("has a host name that is not known")
	}
	return refused("could not be reached, or its certificate is not valid here")
}
