package analytics_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portcullis/control"
	"portcullis/control/analytics"
	"portcullis/control/store"
	"portcullis/control/store/storetest"
	"portcullis/edge/waist"
)

var (
	ctx     = context.Background()
	now     = time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	gateway = control.Actor{Kind: control.GatewayActor, TenantID: "default", ID: "client", Scopes: []string{control.ScopePushRequests}}
	member  = control.Actor{Kind: control.UserActor, TenantID: "default", ID: "u", Roles: map[string]control.Role{"demo": control.Member}}
)

// seed makes a workspace with one service, API and gateway.
func seed(t testing.TB, st *store.Store) {
	t.Helper()
	err := st.Tx(ctx, func(tx *store.Tx) error {
		w := control.Workspace{TenantID: "default", ID: "demo", Name: "Demo", CreatedAt: now, UpdatedAt: now}
		sys := w
		sys.ID = "system"
		return errors.Join(tx.AddTenant(ctx, "default", "Default", now), tx.AddWorkspace(ctx, w), tx.AddWorkspace(ctx, sys),
			tx.AddService(ctx, control.Service{TenantID: "default", WorkspaceID: "demo", ID: "s1"}),
			tx.AddAPI(ctx, control.API{TenantID: "default", ServerID: "demo", ServiceID: "s1", ID: "a1", Method: "GET", Path: "/pets", APIType: "rest"}),
			tx.AddClient(ctx, control.Client{TenantID: "default", WorkspaceID: "system", ID: "client"}),
			tx.AddGateway(ctx, control.Gateway{TenantID: "default", WorkspaceID: "demo", ID: "g1", ClientID: "client", Type: "aws", CreatedAt: now}, 0))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, st *store.Store, o analytics.Options) *analytics.Analytics {
	t.Helper()
	seed(t, st)
	o.Store = st
	if o.Now == nil {
		o.Now = func() time.Time { return now }
	}
	a := analytics.New(o)
	t.Cleanup(func() {
		c, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if err := a.Close(c); err != nil {
			t.Error(err)
		}
	})
	return a
}

func TestIngestAndRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		a := open(t, st, analytics.Options{})
		n, err := a.Ingest(ctx, gateway, waist.RequestEvents{Events: []waist.RequestEvent{
			{APIID: "a1", Token: "eyJhbGciOiJ-secret-bearer", DurationMS: 3, PolicyID: "p1", Result: waist.Validation{Result: waist.ResultAuthorized}},
			{Method: "GET", Path: "/other", Reason: "api_unknown", Result: waist.Validation{Result: waist.ResultUnauthorized}, Time: now.Add(-2 * time.Minute)},
			{APIID: "a1\x00", UserAgent: "bad\x00\xffagent", Time: now.Add(100 * time.Hour), Result: waist.Validation{Result: waist.ResultAuthorized},
				InvocationCtx: map[string]any{"big": strings.Repeat("x", 20_000)}},
		}})
		if n != 3 || err != nil {
			t.Fatal(n, err)
		}
		all, err := a.Recent(ctx, member, "demo", analytics.Filter{})
		if err != nil || len(all) != 3 {
			t.Fatal(all, err)
		}
		if d := all[2]; d.ServiceID != "s1" || d.Method != "GET" || d.Path != "/pets" || d.GatewayID != "g1" || d.Token != "" || d.DurationUS != 3000 || !d.At.Equal(now) {
			t.Errorf("%+v", d)
		}
		if d := all[1]; d.Path != "/other" || d.Reason != "api_unknown" || !d.At.Equal(now.Add(-2*time.Minute)) {
			t.Errorf("%+v", d)
		}
		if d := all[0]; d.APIID != "a1" || d.UserAgent != "badagent" || !d.At.Equal(now) || d.InvocationCtx != nil {
			t.Errorf("%+v", d)
		}
		if s := a.Stats(); s.Accepted != 3 || s.Shortened != 1 || s.Dropped != 0 || s.Queued != 0 {
			t.Errorf("%+v", s)
		}
		denied, err := a.Recent(ctx, member, "demo", analytics.Filter{Result: waist.ResultUnauthorized})
		if err != nil || len(denied) != 1 {
			t.Errorf("%v, %v", denied, err)
		}
		rest, err := a.Recent(ctx, member, "demo", analytics.Filter{Before: all[0].ID, Limit: 1})
		if err != nil || len(rest) != 1 || rest[0].ID != all[1].ID {
			t.Errorf("the page behind the first: %v, %v", rest, err)
		}
		counts, err := a.Counts(ctx, member, "demo", now.Add(-time.Hour))
		if err != nil || len(counts) != 2 || counts[0].Decisions != 1 || counts[1].Decisions != 2 || counts[1].Duration != 3*time.Millisecond ||
			!counts[1].Minute.Equal(now.Truncate(time.Minute)) {
			t.Errorf("%+v, %v", counts, err)
		}
		rows, err := st.Decisions(ctx, "default", "demo", store.DecisionFilter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if strings.Contains(fmt.Sprintf("%+v", r), "secret-bearer") {
				t.Errorf("a bearer token is stored: %+v", r)
			}
		}
	})
}

func TestWhoMay(t *testing.T) {
	a := open(t, storetest.SQLite(t), analytics.Options{})
	event := []waist.RequestEvent{{APIID: "a1"}}
	noScope := gateway
	noScope.Scopes = []string{control.ScopeReadConfiguration}
	stranger := gateway
	stranger.ID = "nobody"
	for name, c := range map[string]struct {
		actor control.Actor
		kind  control.Kind
	}{
		"nobody":              {control.Actor{}, control.Forbidden},
		"a member":            {member, control.Forbidden},
		"without the scope":   {noScope, control.Forbidden},
		"of a deleted client": {stranger, control.NotFound},
	} {
		if _, err := a.Ingest(ctx, c.actor, waist.RequestEvents{Events: event}); err == nil || control.KindOf(err) != c.kind {
			t.Errorf("push by %s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		actor     control.Actor
		workspace string
		kind      control.Kind
	}{
		"nobody":             {control.Actor{}, "demo", control.Unauthenticated},
		"a gateway":          {gateway, "demo", control.Forbidden},
		"without a role":     {member, "system", control.NotFound},
		"unknown workspace":  {control.Actor{Kind: control.UserActor, TenantID: "default", Role: control.Admin}, "nowhere", control.NotFound},
		"of another tenant":  {control.Actor{Kind: control.UserActor, TenantID: "other", Role: control.Admin}, "demo", control.NotFound},
		"role taken away":    {control.Actor{Kind: control.UserActor, TenantID: "default", Role: control.Admin, Roles: map[string]control.Role{"demo": control.NoRole}}, "demo", control.NotFound},
		"kind but no tenant": {control.Actor{Kind: control.UserActor, Role: control.Admin}, "demo", control.Unauthenticated},
	} {
		if _, err := a.Recent(ctx, c.actor, c.workspace, analytics.Filter{}); err == nil || control.KindOf(err) != c.kind {
			t.Errorf("reading by %s: %v", name, err)
		}
		if _, err := a.Counts(ctx, c.actor, c.workspace, now); err == nil || control.KindOf(err) != c.kind {
			t.Errorf("counting by %s: %v", name, err)
		}
	}
	if _, err := a.Ingest(ctx, gateway, waist.RequestEvents{Events: make([]waist.RequestEvent, waist.MaxEventsPerPush+1)}); control.KindOf(err) != control.Invalid {
		t.Errorf("too many events: %v", err)
	}
}

// TestFullQueue: a push that does not fit is refused as a whole and counted; after Close nothing is taken in.
func TestFullQueue(t *testing.T) {
	a := open(t, storetest.SQLite(t), analytics.Options{Queue: 10})
	if _, err := a.Ingest(ctx, gateway, waist.RequestEvents{Events: make([]waist.RequestEvent, 11)}); control.KindOf(err) != control.TooMany {
		t.Errorf("%v", err)
	}
	if n, err := a.Ingest(ctx, gateway, waist.RequestEvents{Events: make([]waist.RequestEvent, 10)}); n != 10 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if s := a.Stats(); s.Accepted != 10 || s.Dropped != 11 || s.Queued != 0 {
		t.Errorf("%+v", s)
	}
	if err := a.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Ingest(ctx, gateway, waist.RequestEvents{Events: make([]waist.RequestEvent, 1)}); control.KindOf(err) != control.Unavailable {
		t.Errorf("after Close: %v", err)
	}
}

// TestManyPushers: every acknowledged event is there, none twice.
func TestManyPushers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		a := open(t, st, analytics.Options{})
		const pushers, pushes, each = 8, 5, 20
		var wg sync.WaitGroup
		for p := range pushers {
			wg.Go(func() {
				for i := range pushes {
					events := make([]waist.RequestEvent, each)
					for j := range events {
						events[j] = waist.RequestEvent{APIID: "a1", DecisionID: fmt.Sprint(p, "/", i, "/", j), Result: waist.Validation{Result: waist.ResultAuthorized}}
					}
					if n, err := a.Ingest(ctx, gateway, waist.RequestEvents{Events: events}); n != each || err != nil {
						t.Error(n, err)
					}
				}
			})
		}
		wg.Wait()
		counts, err := a.Counts(ctx, member, "demo", now)
		if err != nil || len(counts) != 1 || counts[0].Decisions != pushers*pushes*each {
			t.Errorf("%+v, %v", counts, err)
		}
	})
}

func TestRetention(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		var mu sync.Mutex
		clock := now
		read := func() time.Time { mu.Lock(); defer mu.Unlock(); return clock }
		a := open(t, st, analytics.Options{Retention: time.Hour, Minutes: 24 * time.Hour, Now: read})
		for _, step := range []struct {
			later               time.Duration
			decisions, sumCount int
		}{{0, 1, 1}, {30 * time.Minute, 2, 2}, {45 * time.Minute, 2, 3}, {48 * time.Hour, 1, 1}} {
			mu.Lock()
			clock = clock.Add(step.later)
			mu.Unlock()
			if _, err := a.Ingest(ctx, gateway, waist.RequestEvents{Events: []waist.RequestEvent{{APIID: "a1"}}}); err != nil {
				t.Fatal(err)
			}
			if err := a.Prune(ctx); err != nil {
				t.Fatal(err)
			}
			left, err := a.Recent(ctx, member, "demo", analytics.Filter{})
			counts, err2 := a.Counts(ctx, member, "demo", now)
			if err != nil || err2 != nil || len(left) != step.decisions || len(counts) != step.sumCount {
				t.Errorf("at %v: %d decisions, %d minutes, want %d and %d (%v, %v)", read().Sub(now), len(left), len(counts), step.decisions, step.sumCount, err, err2)
			}
		}
	})
}

// processTime is the processor time that this process has used, garbage collection included.
func processTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkIngest prints events per second that are durable on SQLite (synchronous FULL, as the server opens it), pushed by
// 64 environments, 100 at a time.
func BenchmarkIngest(b *testing.B) {
	a := open(b, storetest.Open(b, "sqlite://"+filepath.Join(b.TempDir(), "durable.db")), analytics.Options{Now: time.Now})
	events := make([]waist.RequestEvent, 100)
	for i := range events {
		events[i] = waist.RequestEvent{APIID: "a1", PolicyID: "p1", Result: waist.Validation{Result: waist.ResultAuthorized}, DurationUS: 40 + int64(i)*7,
			UserAgent: "curl/8.5.0", XForwardedFor: "203.0.113.7", RequestID: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", TokenHash: "0123456789abcdef"}
	}
	b.SetParallelism(32)
	before := processTime(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := a.Ingest(ctx, gateway, waist.RequestEvents{Events: events}); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N*len(events))/b.Elapsed().Seconds(), "events/s")
	// What the machine's other work does not change: events for each second that a core worked for us.
	b.ReportMetric(float64(b.N*len(events))/(processTime(b)-before).Seconds(), "events/core-s")
	if s := a.Stats(); s.Dropped != 0 || s.Accepted != int64(b.N*len(events)) {
		b.Errorf("%+v", s)
	}
}

// TestDropped: what an authorizer could not report is kept per gateway and minute, with or without events beside it.
func TestDropped(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		at := now
		a := open(t, st, analytics.Options{Now: func() time.Time { return at }})
		push := func(events int, dropped int64) {
			t.Helper()
			if n, err := a.Ingest(ctx, gateway, waist.RequestEvents{Events: make([]waist.RequestEvent, events), Dropped: dropped}); n != events || err != nil {
				t.Fatal(n, err)
			}
		}
		push(2, 40)
		push(0, 2)
		push(1, 0)
		push(1, -7)
		at = at.Add(time.Minute)
		push(1, 1<<62)
		got, err := a.Dropped(ctx, member, "demo", now.Add(-time.Hour))
		want := []analytics.Dropped{{Minute: now.Truncate(time.Minute), GatewayID: "g1", Decisions: 42}, {Minute: at.Truncate(time.Minute), GatewayID: "g1", Decisions: 1_000_000_000}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
		if got, err := a.Dropped(ctx, member, "demo", at); len(got) != 1 || err != nil {
			t.Errorf("since a minute ago: %+v %v", got, err)
		}
		from := now.Add(-time.Hour)
		for _, c := range []struct {
			q    analytics.Question
			want int64
		}{{analytics.Question{Bucket: "all", From: from, To: at.Truncate(time.Minute)}, 42}, {analytics.Question{Bucket: "all", From: from, To: at.Add(time.Minute)}, 1_000_000_042}, {analytics.Question{Bucket: "all", From: from, To: at, Evaluated: true}, 0}} {
			if s, err := a.Workspace(ctx, member, "demo", c.q); s.Dropped != c.want || err != nil {
				t.Errorf("%+v: %+v %v", c.q, s, err)
			}
		}
		if counts, err := a.Counts(ctx, member, "demo", now.Add(-time.Hour)); err != nil || len(counts) != 2 {
			t.Errorf("the counts: %+v %v", counts, err)
		}
		for _, actor := range []control.Actor{gateway, {}, {Kind: control.UserActor, ID: "u2", TenantID: "default"}} {
			if _, err := a.Dropped(ctx, actor, "demo", now); err == nil {
				t.Errorf("%+v may read it", actor)
			}
		}
		at = at.Add(91 * 24 * time.Hour)
		if err := a.Prune(ctx); err != nil {
			t.Fatal(err)
		}
		rows, err := st.DroppedMinutes(ctx, "default", "demo", time.Time{}, at)
		if len(rows) != 0 || err != nil {
			t.Errorf("after the retention: %+v %v", rows, err)
		}
	})
}
