package analytics

import (
	"context"
	"log/slog"
	"time"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/waist"
)

// Options are what Analytics needs; Store is required.
type Options struct {
	Store     *store.Store
	Now       func() time.Time // nil means time.Now
	Retention time.Duration    // of single decisions; 0 means 7 days
	Queue     int              // events waiting to be written; 0 means 20,000
	Logger    *slog.Logger     // nil means slog.Default
}

// Analytics takes in and answers. Close it to write what is queued.
type Analytics struct{}

// New starts the writer.
func New(o Options) *Analytics { return &Analytics{} }

// Close writes what is queued and stops the writer; it waits until ctx ends at most.
func (a *Analytics) Close(ctx context.Context) error { return nil }

// Decision is one request event as it was stored: stamped with the gateway and workspace it came from.
type Decision struct {
	ID          string
	TenantID    string
	WorkspaceID string
	GatewayID   string
	ServiceID   string // of the API; empty when no API matched
	At          time.Time
	Method      string // of the API, or what was asked for
	Path        string // template
	waist.RequestEvent
}

// Filter narrows Recent; empty members do not.
type Filter struct {
	Result   string // waist.ResultAuthorized, waist.ResultUnauthorized
	Reason   string
	APIID    string
	PolicyID string
	Before   string // cursor: the ID of the last decision already shown
	Limit    int    // 0 means 20; at most 100
}

// Count is how many decisions of one kind were taken in one minute, or in the whole time asked for.
type Count struct {
	Minute    time.Time // zero in totals
	Result    string
	Reason    string
	Decisions int64
	Duration  time.Duration // sum
}

// Ingest stores the events of a gateway's client (scope push_gateway_requests) and returns how many; they are durable
// when it returns. TooMany when the queue is full.
func (a *Analytics) Ingest(ctx context.Context, actor control.Actor, events []waist.RequestEvent) (int, error) {
	return 0, control.Errorf(control.NotImplemented, "not_implemented", "not implemented")
}

// Recent lists the newest decisions of a workspace first.
func (a *Analytics) Recent(ctx context.Context, actor control.Actor, wid string, f Filter) ([]Decision, error) {
	return nil, control.Errorf(control.NotImplemented, "not_implemented", "not implemented")
}

// Counts are the decisions of a workspace per minute, result and reason since a time, at most 24 hours back.
func (a *Analytics) Counts(ctx context.Context, actor control.Actor, wid string, since time.Time) ([]Count, error) {
	return nil, control.Errorf(control.NotImplemented, "not_implemented", "not implemented")
}
