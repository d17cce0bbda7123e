package analytics_test

import (
	"fmt"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/analytics"
	"portcullis/control/store"
	"portcullis/control/store/storetest"
	"portcullis/edge/waist"
)

// TestTotals: sums by API and workspace, percentiles by API and client, one decision by its id, and the tail, on both
// engines.
func TestTotals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		a := open(t, st, analytics.Options{})
		var events []waist.RequestEvent
		for i := range 100 { // 1 to 100 ms
			e := waist.RequestEvent{APIID: "a1", DurationUS: int64(i+1) * 1000, InvocationCtx: map[string]any{"client_id": "app"}, Result: waist.Validation{Result: waist.ResultAuthorized}}
			if i >= 90 {
				e.Result.Result, e.APIID, e.InvocationCtx = waist.ResultUnauthorized, "", nil
			}
			events = append(events, e)
		}
		if _, err := a.Ingest(ctx, gateway, waist.RequestEvents{Events: events}); err != nil {
			t.Fatal(err)
		}
		since := now.Add(-time.Hour)

		byAPI, err := a.ByAPI(ctx, member, "demo", since)
		if err != nil || len(byAPI) != 2 || byAPI["a1"].Allowed != 90 || byAPI["a1"].Denied != 0 || byAPI[""].Denied != 10 || byAPI["a1"].Duration != 4095*time.Millisecond {
			t.Errorf("%+v, %v", byAPI, err)
		}
		today, err := a.ByWorkspace(ctx, member, []string{"demo", "system", "nowhere"}, since)
		if err != nil || len(today) != 1 || today["demo"].Decisions() != 100 {
			t.Errorf("%+v, %v", today, err)
		}
		if later, err := a.ByWorkspace(ctx, member, []string{"demo"}, now.Add(2*time.Minute)); err != nil || len(later) != 0 {
			t.Errorf("after them: %+v, %v", later, err)
		}

		s, err := a.Sample(ctx, member, "demo", since)
		if err != nil || s.N != 100 || !s.Complete || !s.From.Equal(now) {
			t.Fatalf("%+v, %v", s, err)
		}
		if want := (analytics.Latency{N: 100, P50: 50 * time.Millisecond, P95: 95 * time.Millisecond, P99: 99 * time.Millisecond}); s.Latency != want {
			t.Errorf("%+v, want %+v", s.Latency, want)
		}
		if l := s.APIs["a1"]; l.N != 90 || l.P99 != 90*time.Millisecond {
			t.Errorf("%+v", l)
		}
		if len(s.Clients) != 2 || s.Clients[0].ID != "app" || s.Clients[0].Allowed != 90 || s.Clients[1].ID != "" || s.Clients[1].Denied != 10 {
			t.Errorf("%+v", s.Clients)
		}

		all, err := a.Recent(ctx, member, "demo", analytics.Filter{Limit: 100})
		if err != nil || len(all) != 100 {
			t.Fatal(len(all), err)
		}
		d, err := a.Get(ctx, member, "demo", all[7].ID)
		if err != nil || d.ID != all[7].ID || d.DurationUS != all[7].DurationUS {
			t.Errorf("%+v, %v", d, err)
		}
		if _, err := a.Get(ctx, member, "demo", "nothing"); control.KindOf(err) != control.NotFound {
			t.Errorf("an unknown decision: %v", err)
		}
		// The tail: what followed the 10th newest, the nearest first cut to the limit, newest on top.
		tail, err := a.Recent(ctx, member, "demo", analytics.Filter{After: all[9].ID, Limit: 3})
		if err != nil || fmt.Sprint(tail[0].ID, tail[1].ID, tail[2].ID) != fmt.Sprint(all[6].ID, all[7].ID, all[8].ID) {
			t.Errorf("%d, %v", len(tail), err)
		}
		if tail, err := a.Recent(ctx, member, "demo", analytics.Filter{After: all[0].ID}); err != nil || len(tail) != 0 {
			t.Errorf("after the newest: %d, %v", len(tail), err)
		}
	})
}

// TestTotalsRefused: no role, no answer.
func TestTotalsRefused(t *testing.T) {
	a := open(t, storetest.SQLite(t), analytics.Options{})
	stranger := control.Actor{Kind: control.UserActor, TenantID: "default", ID: "x"}
	for name, call := range map[string]func(control.Actor) error{
		"ByAPI":  func(c control.Actor) error { _, err := a.ByAPI(ctx, c, "demo", now); return err },
		"Sample": func(c control.Actor) error { _, err := a.Sample(ctx, c, "demo", now); return err },
		"Get":    func(c control.Actor) error { _, err := a.Get(ctx, c, "demo", "x"); return err },
	} {
		if err := call(stranger); control.KindOf(err) != control.NotFound {
			t.Errorf("%s by a stranger: %v", name, err)
		}
		if err := call(gateway); control.KindOf(err) != control.Forbidden {
			t.Errorf("%s by a gateway: %v", name, err)
		}
		if err := call(control.Actor{}); control.KindOf(err) != control.Unauthenticated {
			t.Errorf("%s by nobody: %v", name, err)
		}
	}
	if m, err := a.ByWorkspace(ctx, stranger, []string{"demo"}, now); err != nil || len(m) != 0 {
		t.Errorf("a stranger: %v, %v", m, err)
	}
	for _, actor := range []control.Actor{gateway, {}} {
		if _, err := a.ByWorkspace(ctx, actor, []string{"demo"}, now); err == nil {
			t.Errorf("%+v may ask", actor)
		}
	}
}
