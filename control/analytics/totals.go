package analytics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/waist"
)

// Total is what was decided about one thing.
type Total struct {
	Allowed, Denied int64
	Duration        time.Duration // sum
}

// Decisions are all of them.
func (t Total) Decisions() int64 { return t.Allowed + t.Denied }

func totals(rows []store.DecisionTotal) map[string]Total {
	out := make(map[string]Total, len(rows))
	for _, r := range rows {
		out[r.Key] = Total{r.Allowed, r.Denied, time.Duration(r.DurationUS) * time.Microsecond}
	}
	return out
}

// ByAPI are the decisions of a workspace by API id ("" for those that matched no API) since a time, at most 31 days back.
func (a *Analytics) ByAPI(ctx context.Context, actor control.Actor, wid string, since time.Time) (map[string]Total, error) {
	if err := a.allow(ctx, actor, wid); err != nil {
		return nil, err
	}
	now := a.now()
	if earliest := now.Add(-maxSpan); since.Before(earliest) {
		since = earliest
	}
	rows, err := a.store.DecisionsByAPI(ctx, actor.TenantID, wid, since.Truncate(time.Minute), now.Add(time.Minute))
	if err != nil {
		return nil, fmt.Errorf("analytics: %w", err)
	}
	return totals(rows), nil
}

// maxWorkspaces bounds one question about several workspaces.
const maxWorkspaces = 500

// ByWorkspace are the decisions of each of the workspaces since a time, at most 31 days back. Workspaces in which the
// actor has no role, those without decisions and those beyond the 500th are left out.
func (a *Analytics) ByWorkspace(ctx context.Context, actor control.Actor, wids []string, since time.Time) (map[string]Total, error) {
	if actor.Kind == control.Anonymous || actor.TenantID == "" || actor.Kind == control.GatewayActor {
		return nil, control.Errorf(control.Unauthenticated, "unauthenticated", "log in, or present an access token")
	}
	seen := make([]string, 0, len(wids))
	for _, w := range wids {
		if actor.RoleIn(w) >= control.Member && len(seen) < maxWorkspaces {
			seen = append(seen, w)
		}
	}
	now := a.now()
	if earliest := now.Add(-maxSpan); since.Before(earliest) {
		since = earliest
	}
	rows, err := a.store.DecisionsByWorkspace(ctx, actor.TenantID, seen, since.Truncate(time.Minute), now.Add(time.Minute))
	if err != nil {
		return nil, fmt.Errorf("analytics: %w", err)
	}
	return totals(rows), nil
}

// Get reads one decision; NotFound when it was never there or is older than the retention.
func (a *Analytics) Get(ctx context.Context, actor control.Actor, wid, id string) (Decision, error) {
	if err := a.allow(ctx, actor, wid); err != nil {
		return Decision{}, err
	}
	var out []Decision
	err := a.store.Snapshot(ctx, func(r store.Reader) error {
		row, err := r.Decision(ctx, actor.TenantID, wid, id)
		if err != nil {
			return err
		}
		out, err = decisions(ctx, r, actor.TenantID, wid, []store.Decision{row})
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return Decision{}, control.Errorf(control.NotFound, "not_found", "there is no such decision; decisions are kept for %s", a.retention)
	}
	if err != nil {
		return Decision{}, fmt.Errorf("analytics: %w", err)
	}
	return out[0], nil
}

// MaxSample is how many decisions a Sample looks at.
const MaxSample = 10_000

// Sample describes the newest decisions of a time, at most MaxSample of them.
type Sample struct {
	N        int       // decisions looked at
	Complete bool      // they are all of that time
	From     time.Time // the oldest of them; zero when there is none
	Latency  Latency
	APIs     map[string]Latency // :: API id; "" for those that matched none
	Clients  []Client           // most decisions first
}

// Latency are percentiles by nearest rank: P95 is a duration that 95 of 100 decisions did not exceed.
type Latency struct {
	N             int
	P50, P95, P99 time.Duration
}

// Client is what was decided for one caller: the client_id of its token, "" for requests without a valid one.
type Client struct {
	ID              string
	Allowed, Denied int64
	Latency         Latency
}

// Sample reads the newest decisions since a time, one by one; decisions are kept for Options.Retention only.
func (a *Analytics) Sample(ctx context.Context, actor control.Actor, wid string, since time.Time) (Sample, error) {
	if err := a.allow(ctx, actor, wid); err != nil {
		return Sample{}, err
	}
	rows, err := a.store.DecisionSample(ctx, actor.TenantID, wid, since, MaxSample)
	if err != nil {
		return Sample{}, fmt.Errorf("analytics: %w", err)
	}
	out := Sample{N: len(rows), Complete: len(rows) < MaxSample, APIs: map[string]Latency{}, Clients: []Client{}}
	all := make([]int64, 0, len(rows))
	byAPI, byClient := map[string][]int64{}, map[string][]int64{}
	clients := map[string]*Client{}
	for _, row := range rows {
		id, err := clientOf(row)
		if err != nil {
			return Sample{}, err
		}
		c := clients[id]
		if c == nil {
			c = &Client{ID: id}
			clients[id] = c
		}
		if row.Result == waist.ResultAuthorized {
			c.Allowed++
		} else {
			c.Denied++
		}
		all, byAPI[row.APIID], byClient[id] = append(all, row.DurationUS), append(byAPI[row.APIID], row.DurationUS), append(byClient[id], row.DurationUS)
		if out.From.IsZero() || row.At.Before(out.From) {
			out.From = row.At
		}
	}
	out.Latency = latency(all)
	for id, us := range byAPI {
		out.APIs[id] = latency(us)
	}
	for id, c := range clients {
		c.Latency = latency(byClient[id])
		out.Clients = append(out.Clients, *c)
	}
	slices.SortFunc(out.Clients, func(a, b Client) int {
		if n := (b.Allowed + b.Denied) - (a.Allowed + a.Denied); n != 0 {
			return int(n)
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return out, nil
}

// clientOf is the client that a decision was taken for, as its token named it.
func clientOf(row store.Decision) (string, error) {
	var e struct {
		Claims struct {
			ClientID any `json:"client_id"`
		} `json:"invocation_ctx"`
	}
	if err := json.Unmarshal([]byte(row.Event), &e); err != nil {
		return "", fmt.Errorf("analytics: request event %s: %w", row.ID, err)
	}
	id, _ := e.Claims.ClientID.(string)
	return id, nil
}

// latency sorts the microseconds in place.
func latency(us []int64) Latency {
	if len(us) == 0 {
		return Latency{}
	}
	slices.Sort(us)
	at := func(percent int) time.Duration {
		return time.Duration(us[(len(us)*percent+99)/100-1]) * time.Microsecond
	}
	return Latency{len(us), at(50), at(95), at(99)}
}
