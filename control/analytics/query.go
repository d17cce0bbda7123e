package analytics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/waist"
)

// Decision is one request event as it was stored: stamped with the gateway and workspace it came from.
type Decision struct {
	ID          string
	TenantID    string
	WorkspaceID string
	GatewayID   string
	ServiceID   string // of the API; empty when no API matched, or it is no longer there
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
	Before   string // cursor: the ID of the last decision already shown; older ones follow
	After    string // the ID of a decision: those that followed it, for a tail; ignored when Before is set
	Limit    int    // 0 means 20; at most 100
}

// Count is how many decisions of one kind were taken in one minute.
type Count struct {
	Minute    time.Time
	Result    string
	Reason    string
	Decisions int64
	Duration  time.Duration // sum
}

// allow lets members of the workspace read.
func (a *Analytics) allow(ctx context.Context, actor control.Actor, wid string) error {
	if actor.Kind == control.Anonymous || actor.TenantID == "" {
		return control.Errorf(control.Unauthenticated, "unauthenticated", "log in, or present an access token")
	}
	if actor.Kind == control.GatewayActor {
		return control.Errorf(control.Forbidden, "forbidden", "a gateway's client may not do this")
	}
	missing := control.Errorf(control.NotFound, "not_found", "there is no workspace %q", wid)
	if actor.RoleIn(wid) < control.Member {
		return missing
	}
	if _, err := a.store.Workspace(ctx, actor.TenantID, wid); errors.Is(err, store.ErrNotFound) {
		return missing
	} else if err != nil {
		return fmt.Errorf("analytics: %w", err)
	}
	return nil
}

// Recent lists the decisions of a workspace, newest first.
func (a *Analytics) Recent(ctx context.Context, actor control.Actor, wid string, f Filter) ([]Decision, error) {
	if err := a.allow(ctx, actor, wid); err != nil {
		return nil, err
	}
	if f.Limit <= 0 {
		f.Limit = 20
	}
	out := []Decision{}
	err := a.store.Snapshot(ctx, func(r store.Reader) error {
		rows, err := r.Decisions(ctx, actor.TenantID, wid, store.DecisionFilter{Result: f.Result, Reason: f.Reason, APIID: f.APIID, PolicyID: f.PolicyID,
			Before: f.Before, After: f.After, Limit: min(f.Limit, 100)})
		if err != nil {
			return err
		}
		out, err = decisions(ctx, r, actor.TenantID, wid, rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("analytics: %w", err)
	}
	return out, nil
}

// decisions reads what was stored, with the API that each is about where it is still there.
func decisions(ctx context.Context, r store.Reader, tenant, wid string, rows []store.Decision) ([]Decision, error) {
	out := make([]Decision, 0, len(rows))
	apis := map[string]store.StoredAPI{}
	for _, row := range rows {
		d := Decision{ID: row.ID, TenantID: row.TenantID, WorkspaceID: row.WorkspaceID, GatewayID: row.GatewayID, At: row.At}
		if err := json.Unmarshal([]byte(row.Event), &d.RequestEvent); err != nil {
			return nil, fmt.Errorf("request event %s: %w", row.ID, err)
		}
		d.Method, d.Path = d.RequestEvent.Method, d.RequestEvent.Path
		if id := row.APIID; id != "" {
			x, ok := apis[id]
			if !ok {
				var err error
				if x, err = r.API(ctx, tenant, id); err != nil && !errors.Is(err, store.ErrNotFound) {
					return nil, err
				}
				apis[id] = x
			}
			if x.ServerID == wid { // the zero API when it is no longer there
				d.ServiceID, d.Method, d.Path = x.ServiceID, x.Method, x.Path
			}
		}
		out = append(out, d)
	}
	return out, nil
}

// Dropped is how many decisions the authorizers of one gateway took and did not report, in the minute in which they said
// so: they were limited in events per second, or by the bounds of their queue.
type Dropped struct {
	Minute    time.Time
	GatewayID string
	Decisions int64
}

// Dropped lists what the authorizers of a workspace did not report since a time (at most 31 days back), in order of time.
// Every other figure of this package leaves these decisions out.
func (a *Analytics) Dropped(ctx context.Context, actor control.Actor, wid string, since time.Time) ([]Dropped, error) {
	if err := a.allow(ctx, actor, wid); err != nil {
		return nil, err
	}
	now := a.now()
	if earliest := now.Add(-maxSpan); since.Before(earliest) {
		since = earliest
	}
	rows, err := a.store.DroppedMinutes(ctx, actor.TenantID, wid, since.Truncate(time.Minute), now.Add(time.Minute))
	if err != nil {
		return nil, fmt.Errorf("analytics: %w", err)
	}
	out := make([]Dropped, len(rows))
	for i, r := range rows {
		out[i] = Dropped{Minute: r.Minute, GatewayID: r.GatewayID, Decisions: r.Dropped}
	}
	return out, nil
}

// maxSpan bounds the time that Counts covers.
const maxSpan = 31 * 24 * time.Hour

// Counts are the decisions of a workspace per minute, result and reason since a time (at most 31 days back), in order of
// time. Minutes without decisions are left out.
func (a *Analytics) Counts(ctx context.Context, actor control.Actor, wid string, since time.Time) ([]Count, error) {
	if err := a.allow(ctx, actor, wid); err != nil {
		return nil, err
	}
	now := a.now()
	if earliest := now.Add(-maxSpan); since.Before(earliest) {
		since = earliest
	}
	rows, err := a.store.DecisionCounts(ctx, actor.TenantID, wid, since.Truncate(time.Minute), now.Add(time.Minute))
	if err != nil {
		return nil, fmt.Errorf("analytics: %w", err)
	}
	out := make([]Count, len(rows))
	for i, r := range rows {
		out[i] = Count{Minute: r.Minute, Result: r.Result, Reason: r.Reason, Decisions: r.Decisions, Duration: time.Duration(r.DurationUS) * time.Microsecond}
	}
	return out, nil
}
