package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// RequestEvent is what happened in one request. Secure makes it, handlers fill it on the way, and Secure writes it as
// one log line at the end. It never holds a query string, a header value that authenticates, or a body.
type RequestEvent struct {
	RequestID string
	Method    string
	Path      string // without the query
	Route     string // the pattern that matched; empty when none did
	IP        string
	UserAgent string
	ActorID   string // user id or client id, once known
	Tenant    string
	Workspace string
	Status    int
	Bytes     int64
	Duration  time.Duration
	Err       error // what an answer of 500 or more was about; never shown to the caller

	https bool // Options.HTTPS
}

type contextKey int

const (
	eventKey contextKey = iota
	nonceKey
)

// Event is the event of the request that ctx belongs to; outside of Secure a fresh one that nobody writes, so that
// handlers need no check.
func Event(ctx context.Context) *RequestEvent {
	if e, ok := ctx.Value(eventKey).(*RequestEvent); ok {
		return e
	}
	return &RequestEvent{}
}

// Nonce is the CSP nonce of this response for <script> and <style> elements; empty outside of Secure, and then nothing
// inline runs.
func Nonce(ctx context.Context) string {
	n, _ := ctx.Value(nonceKey).(string)
	return n
}

// ClientIP is the address of the caller: the peer's, or what the trusted proxies say (Options.TrustedProxies).
func ClientIP(r *http.Request) string {
	if e, ok := r.Context().Value(eventKey).(*RequestEvent); ok && e.IP != "" {
		return e.IP
	}
	return peerIP(r.RemoteAddr)
}

func (e *RequestEvent) log(ctx context.Context, logger *slog.Logger) {
	level := slog.LevelInfo
	switch {
	case e.Status >= 500 && e.Status != http.StatusNotImplemented:
		level = slog.LevelError
	case e.Route == "GET /healthz" || e.Route == "GET /readyz":
		level = slog.LevelDebug // probes come every few seconds
	}
	if !logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", e.RequestID), slog.String("method", e.Method), slog.String("path", e.Path),
		slog.String("route", e.Route), slog.Int("status", e.Status), slog.Int64("bytes", e.Bytes),
		slog.Int64("duration_us", e.Duration.Microseconds()), slog.String("ip", e.IP), slog.String("user_agent", e.UserAgent),
	}
	if e.ActorID != "" {
		attrs = append(attrs, slog.String("actor", e.ActorID))
	}
	if e.Tenant != "" {
		attrs = append(attrs, slog.String("tenant", e.Tenant))
	}
	if e.Workspace != "" {
		attrs = append(attrs, slog.String("workspace", e.Workspace))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	logger.LogAttrs(ctx, level, "request", attrs...)
}
