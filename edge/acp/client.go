package acp

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"portcullis/edge/waist"
)

// Limits on what is read and how long is waited. A caller's context may be shorter.
const (
	maxConfigurationBytes = 64 << 20
	maxAnswerBytes        = 1 << 20
	callTimeout           = 10 * time.Second
	idleAfter             = 20 * time.Second // connections unused for longer are not trusted: the environment may have been frozen
)

// Options of a Client. IssuerURL, ClientID and ClientSecret are required.
type Options struct {
	// IssuerURL is ACP_ISSUER_URL, "https://host/{tenant}/system": the issuer of the gateway's own token. The API base
	// is what precedes the last two path elements, plus /api/system/{tenant}.
	IssuerURL    string
	ClientID     string
	ClientSecret string
	// RootCAs are PEM certificates to trust for the control plane instead of the system's: whoever has an authority of
	// their own means that one, and loading the system's costs a cold start several milliseconds.
	RootCAs []byte
	// InsecureSkipVerify turns TLS verification off; for experiments only.
	InsecureSkipVerify bool
	// Environment and Version are sent with each poll (waist.HeaderEnvironment, waist.HeaderVersion).
	Environment, Version string
	Now                  func() time.Time
}

// Client calls the system API. Safe for concurrent use.
type Client struct {
	o      Options
	tenant string
	issuer string // without trailing slash
	base   string // …/api/system/{tenant}
	http   *http.Client

	mu      sync.Mutex
	bearer  string
	expires time.Time
	used    time.Time // last call, to notice a freeze
}

// New checks the options and makes a client. It asks nobody anything yet.
func New(o Options) (*Client, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ClientID == "" || o.ClientSecret == "" {
		return nil, errors.New("the client id and secret of the gateway are required")
	}
	u, err := url.Parse(o.IssuerURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the issuer URL must look like https://host/{tenant}/{workspace}")
	}
	path := strings.Split(strings.TrimSuffix(u.Path, "/"), "/")
	if len(path) < 3 || path[len(path)-1] == "" || path[len(path)-2] == "" {
		return nil, errors.New("the issuer URL must end in /{tenant}/{workspace}")
	}
	c := &Client{o: o, tenant: path[len(path)-2], issuer: strings.TrimSuffix(o.IssuerURL, "/")}
	c.base = u.Scheme + "://" + u.Host + strings.Join(path[:len(path)-2], "/") + "/api/system/" + url.PathEscape(c.tenant)
	roots := (*x509.CertPool)(nil)
	if len(o.RootCAs) > 0 {
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM(o.RootCAs) {
			return nil, errors.New("the root CA holds no PEM certificate")
		}
	}
	if roots == nil && u.Scheme == "https" {
		// The handshake needs the system's authorities, and reading them takes as long as it does; once per process.
		go func() { _, _ = x509.SystemCertPool() }()
	}
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
			TLSClientConfig:       &tls.Config{RootCAs: roots, InsecureSkipVerify: o.InsecureSkipVerify, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:   3 * time.Second,
			ResponseHeaderTimeout: callTimeout,
			MaxIdleConnsPerHost:   2,
			IdleConnTimeout:       idleAfter,
			// No HTTP/2: it is one request at a time, and its set-up is one more thing that a cold start waits for.
		},
		// A redirect would carry credentials to wherever it points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Tenant is the tenant of the issuer URL: configurations of another one are not for us.
func (c *Client) Tenant() string { return c.tenant }

// Host is the scheme and host of the control plane, the base of computed audiences.
func (c *Client) Host() string {
	u, err := url.Parse(c.issuer)
	if err != nil {
		return ""
	}
	return u.Host
}

// KeySets is an HTTP client for key sets. The control plane's own are fetched as everything else from there; other
// issuers know nothing of HTTP_CLIENT_ROOT_CA and HTTP_CLIENT_INSECURE_SKIP_VERIFY and are always verified.
func (c *Client) KeySets() *http.Client {
	others := http.DefaultTransport.(*http.Transport).Clone()
	others.IdleConnTimeout, others.TLSHandshakeTimeout = idleAfter, 3*time.Second
	return &http.Client{CheckRedirect: c.http.CheckRedirect, Timeout: callTimeout, Transport: byHost{host: c.Host(), own: c.http.Transport, others: others}}
}

// byHost sends requests to one host another way than the rest.
type byHost struct {
	host        string
	own, others http.RoundTripper
}

func (t byHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == t.host {
		return t.own.RoundTrip(r)
	}
	return t.others.RoundTrip(r)
}

// Error is an answer of the control plane that is not a success, in a form that may be logged.
type Error struct {
	Op      string // "fetch configuration"
	Status  int
	Message string // the control plane's own text, cut
	Code    string
	// RetryAfter is what the control plane asked for, 0 if nothing.
	RetryAfter time.Duration
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: the control plane answered %d", e.Op, e.Status)
	if e.Message != "" {
		s += ": " + e.Message
	}
	switch e.Status {
	case http.StatusUnauthorized:
		s += " (check ACP_CLIENT_ID and ACP_CLIENT_SECRET)"
	case http.StatusForbidden:
		s += " (the client lacks a scope of the gateway)"
	case http.StatusNotFound:
		s += " (check ACP_ISSUER_URL, and that the gateway still exists)"
	}
	return s
}

// call performs one API call with a bearer token. A 401 or 403 drops the token and tries once more with a new one: it may
// have been revoked, or lack a scope that the client was given since. The second refusal is reported.
func (c *Client) call(ctx context.Context, op, method, path string, header http.Header, body []byte, limit int64) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c.wake()
	for attempt := 0; ; attempt++ {
		bearer, err := c.token(ctx)
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		for k, v := range header {
			req.Header[k] = v
		}
		req.Header.Set("Authorization", "Bearer "+bearer)
		req.Header.Set("Accept", "application/json")
		if req.Header.Get("Content-Type") == "" && body != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		a, err := c.do(req, op, limit)
		if err != nil {
			return nil, err
		}
		if (a.status == http.StatusUnauthorized || a.status == http.StatusForbidden) && attempt == 0 {
			c.drop(bearer)
			continue
		}
		return a, nil
	}
}

// answer is one HTTP answer, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends req and reads the answer up to limit bytes; a longer one is an error, never a cut body.
func (c *Client) do(req *http.Request, op string, limit int64) (*answer, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: the control plane is not reachable: %w", op, plain(err))
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: the answer broke off: %w", op, plain(err))
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s: the answer is larger than %d bytes", op, limit)
	}
	return &answer{status: res.StatusCode, header: res.Header, body: b}, nil
}

// plain unwraps the URL from a client error: what is said is enough, and no URL of a token endpoint reaches a log twice.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (a *answer) err(op string) error {
	e := &Error{Op: op, Status: a.status}
	var body waist.Error
	if json.Unmarshal(a.body, &body) == nil {
		e.Message, e.Code = cut(body.Message, 300), cut(body.Code, 60)
	}
	if s, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = time.Duration(min(s, 3600)) * time.Second
	}
	return e
}

func cut(s string, n int) string {
	if len(s) > n {
		s = s[:n] + "…"
	}
	return strings.ToValidUTF8(s, "?")
}

// wake drops idle connections after a pause: after a freeze they may be dead without either side having said so.
func (c *Client) wake() {
	now := c.o.Now()
	c.mu.Lock()
	idle := !c.used.IsZero() && now.Round(0).Sub(c.used.Round(0)) > idleAfter
	c.used = now
	c.mu.Unlock()
	if idle {
		c.http.CloseIdleConnections()
	}
}
