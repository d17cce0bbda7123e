package web

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"portcullis/control"
)

// Options of Secure. The zero value is safe: nothing is logged, no proxy is believed, bodies end at DefaultMaxBody.
type Options struct {
	Logger *slog.Logger
	Now    func() time.Time
	// HTTPS says that browsers reach us over https (the public URL does): sends Strict-Transport-Security.
	HTTPS bool
	// MaxBody is the most bytes that any request body may have; 0 means DefaultMaxBody. Routes may ask for less.
	MaxBody int64
	// TrustedProxies may say who the caller is in X-Forwarded-For. Nobody else is believed.
	TrustedProxies []netip.Prefix
	// Timeout ends the context of a request; 0 means DefaultTimeout.
	Timeout time.Duration
	// Metrics counts the requests; nil counts none.
	Metrics *Metrics
}

// DefaultTimeout bounds one request.
const DefaultTimeout = time.Minute

// DefaultMaxBody fits the largest inventory that is accepted (100,000 methods).
const DefaultMaxBody = 32 << 20

const requestIDHeader = "X-Request-Id"

// Secure wraps the whole server, once: request id, security headers, CSP nonce, body limit, panic to 500, one log line.
func Secure(next http.Handler, o Options) http.Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := o.Now()
		e := &RequestEvent{
			RequestID: requestID(r), Method: clip(r.Method, 16), Path: clip(r.URL.Path, 512),
			IP: clientIP(r, o.TrustedProxies), UserAgent: clip(r.UserAgent(), 256), https: o.HTTPS,
		}
		nonce := random(16)
		ctx, cancel := context.WithTimeout(r.Context(), o.Timeout)
		defer cancel()
		ctx = context.WithValue(ctx, eventKey, e)
		ctx = context.WithValue(ctx, nonceKey, nonce)
		r = r.WithContext(ctx)
		if r.Body != nil {
			r.Body = http.MaxBytesReader(w, r.Body, o.MaxBody)
		}
		setSecurityHeaders(w.Header(), nonce, o.HTTPS)
		w.Header().Set(requestIDHeader, e.RequestID)

		rec := &recorder{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				err := fmt.Errorf("panic: %v\n%s", p, debug.Stack())
				if rec.status == 0 {
					WriteError(rec, r, err)
				} else {
					e.Err = err
				}
			}
			e.Route, e.Status, e.Bytes, e.Duration = r.Pattern, rec.status, rec.bytes, o.Now().Sub(start)
			if e.Status == 0 {
				e.Status = http.StatusOK
			}
			e.log(ctx, o.Logger)
			if o.Metrics != nil {
				o.Metrics.count(e.Path, e.Status, e.Duration)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// constantHeaders are the same for every answer, made once; names are in canonical form, values of no spare capacity.
var constantHeaders = []struct {
	name  string
	value []string
}{
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"X-Frame-Options", []string{"DENY"}},
	{"Referrer-Policy", []string{"same-origin"}},
	{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
	{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
	{"Permissions-Policy", []string{"camera=(), geolocation=(), microphone=()"}},
}

// setSecurityHeaders sets what holds for every answer, JSON included. The policy allows our own scripts and styles, or
// inline ones with the nonce of this answer; nothing may frame us.
func setSecurityHeaders(h http.Header, nonce string, https bool) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'nonce-"+nonce+"'; style-src 'self' 'nonce-"+nonce+
		"'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	for _, c := range constantHeaders {
		h[c.name] = c.value // shared: Set and Add of a later handler replace or copy it
	}
	if https {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

// CrossOrigin refuses state-changing requests that a browser sends from another origin (CSRF). It is for surfaces that
// authenticate by cookie; a bearer token is not sent by a browser on its own.
func CrossOrigin(next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		WriteError(w, r, control.Errorf(control.Forbidden, "cross_origin",
			"This request came from another site and was refused. Open the page from the portal and try again."))
	}))
	return p.Handler(next)
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// requestID keeps a caller's id when it is one that is safe in a log, and makes one otherwise.
func requestID(r *http.Request) string {
	id := r.Header.Get(requestIDHeader)
	if len(id) < 8 || len(id) > 64 {
		return random(12)
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return random(12)
		}
	}
	return id
}

// clientIP walks X-Forwarded-For from the right for as long as the hop to the right is a trusted proxy.
func clientIP(r *http.Request, trusted []netip.Prefix) string {
	ip := peerIP(r.RemoteAddr)
	if len(trusted) == 0 {
		return ip
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		addr, err := netip.ParseAddr(ip)
		if err != nil || !contains(trusted, addr.Unmap()) {
			return ip
		}
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return ip
		}
		ip = next.Unmap().WithZone("").String()
	}
	return ip
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

func peerIP(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return host
}

func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "?")
}

// random is n random bytes as base64url.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
