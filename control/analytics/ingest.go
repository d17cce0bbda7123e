package analytics

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/waist"
)

// The bounds of one event. Longer texts are cut; an event whose JSON is still larger loses its free-form members.
const (
	maxText  = 500       // bytes
	maxEvent = 16 << 10  // bytes of JSON
	clockMay = time.Hour // how far back an event's own time is believed
)

// maxDropped bounds what one push may say that its authorizer could not report.
const maxDropped = 1_000_000_000

// Ingest stores the events of a gateway's client (scope push_gateway_requests), and how many it could not report, and
// returns the number of events; they are durable when it returns. TooMany, with RetryAfter, when the queue is full:
// nothing of the push is stored then. The Token member is dropped here: a bearer token is never stored.
func (a *Analytics) Ingest(ctx context.Context, actor control.Actor, push waist.RequestEvents) (int, error) {
	events := push.Events
	switch {
	case actor.Kind != control.GatewayActor:
		return 0, control.Errorf(control.Forbidden, "gateway_only", "only a gateway's client may do this")
	case !actor.HasScope(control.ScopePushRequests):
		return 0, control.Errorf(control.Forbidden, "insufficient_scope", "the access token lacks the scope %s; request it at the token endpoint", control.ScopePushRequests)
	case len(events) > waist.MaxEventsPerPush:
		return 0, control.Errorf(control.Invalid, "too_many_events", "%d events in one push; at most %d", len(events), waist.MaxEventsPerPush)
	}
	g, err := a.gatewayOf(ctx, actor)
	if errors.Is(err, store.ErrNotFound) {
		return 0, control.Errorf(control.NotFound, "not_found", "the client %q belongs to no gateway; it may have been deleted", actor.ID)
	}
	if err != nil {
		return 0, err
	}
	if len(events) == 0 && push.Dropped <= 0 {
		return 0, nil
	}
	b := &batch{rows: make([]store.Decision, len(events)), done: make(chan error, 1)}
	now := a.now().UTC()
	if push.Dropped > 0 {
		b.dropped = store.Dropped{TenantID: actor.TenantID, WorkspaceID: g.workspace, GatewayID: g.gateway, Minute: now, Dropped: min(push.Dropped, maxDropped)}
	}
	first := a.moments(now, len(events))
	for i, e := range events {
		b.rows[i] = a.row(actor.TenantID, g, now, first.Add(time.Duration(i)*time.Microsecond), e)
	}
	if err := a.enqueue(b); err != nil {
		return 0, err
	}
	select {
	case err := <-b.done:
		if err != nil {
			return 0, err
		}
		return len(events), nil
	case <-ctx.Done(): // they are still written
		return 0, ctx.Err()
	}
}

// enqueue hands a batch to the writer, or refuses it.
func (a *Analytics) enqueue(b *batch) error {
	n, weight := int64(len(b.rows)), b.weight()
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.closed {
		e := control.Errorf(control.Unavailable, "shutting_down", "the server is shutting down; push the events again")
		e.RetryAfter = 5
		a.dropped.Add(n)
		return e
	}
	if a.queued.Add(weight) > a.queue {
		a.queued.Add(-weight)
		a.dropped.Add(n)
		e := control.Errorf(control.TooMany, "events_queue_full", "more request events come in than can be stored; push fewer, or later")
		e.RetryAfter = 1
		return e
	}
	a.batches <- b
	return nil
}

// moments reserves n microseconds for the ids of events, the first of which it returns: now, or as soon as the pushes
// before it leave room. So ids grow in the order of arrival, and a view that continues behind an id misses nothing.
func (a *Analytics) moments(now time.Time, n int) time.Time {
	for {
		last := a.stamped.Load()
		first := max(now.UnixMicro(), last)
		if a.stamped.CompareAndSwap(last, first+int64(n)) {
			return time.UnixMicro(first).UTC()
		}
	}
}

// row is an event as it is stored: cut to its bounds, stamped, without token. moment is its place among all events.
func (a *Analytics) row(tenant string, g gatewayEntry, now, moment time.Time, e waist.RequestEvent) store.Decision {
	e.Token = ""
	for _, s := range []*string{&e.APIID, &e.UserAgent, &e.XForwardedFor, &e.XRealIP, &e.Result.Result, &e.DecisionID, &e.Reason, &e.PolicyID, &e.GroupID,
		&e.Method, &e.TokenHash, &e.RequestID} {
		*s = clean(*s, maxText)
	}
	e.Path = clean(e.Path, 2048)
	e.DurationMS, e.DurationUS = max(0, e.DurationMS), max(0, e.DurationUS)
	if e.DurationUS == 0 {
		e.DurationUS = e.DurationMS * 1000
	}
	if e.Result.Failure == nil {
		e.Result.Failure = []waist.ValidationFailure{}
	}
	if e.Result.Recovery == nil {
		e.Result.Recovery = []waist.ValidationRecovery{}
	}
	// An authorizer's clock is believed within bounds; a client that sends no time means now.
	if e.Time.IsZero() || e.Time.After(now) || now.Sub(e.Time) > clockMay {
		e.Time = now
	}
	e.Time = e.Time.UTC()
	body, err := json.Marshal(e)
	if err != nil || len(body) > maxEvent {
		e.InvocationCtx, e.Output = nil, nil
		e.Result.Failure = e.Result.Failure[:min(len(e.Result.Failure), 10)]
		for i := range e.Result.Failure {
			f := &e.Result.Failure[i]
			f.Validator, f.Message, f.Details = clean(f.Validator, 100), clean(f.Message, maxText), clean(f.Details, maxText)
		}
		e.Result.Recovery = e.Result.Recovery[:min(len(e.Result.Recovery), 10)]
		for i := range e.Result.Recovery {
			e.Result.Recovery[i].ID, e.Result.Recovery[i].Type = clean(e.Result.Recovery[i].ID, 100), clean(e.Result.Recovery[i].Type, 100)
		}
		a.shortened.Add(1)
		if body, err = json.Marshal(e); err != nil {
			body = []byte("{}")
		}
	}
	return store.Decision{TenantID: tenant, WorkspaceID: g.workspace, GatewayID: g.gateway, ID: store.NewTimeID(moment),
		At: e.Time, Result: e.Result.Result, Reason: e.Reason, APIID: e.APIID, PolicyID: e.PolicyID, DurationUS: e.DurationUS, Event: string(body)}
}

// clean drops control characters and cuts at a character's edge.
func clean(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return strings.Map(func(r rune) rune {
				if unicode.IsControl(r) || r == unicode.ReplacementChar {
					return -1
				}
				return r
			}, strings.ToValidUTF8(s, ""))
		}
	}
	return s
}
