package analytics_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"portcullis/control/analytics"
	"portcullis/control/store"
	"portcullis/control/store/storetest"
	"portcullis/edge/waist"
)

// flood pushes n events, each in a row of its own of the counts per minute.
func flood(t *testing.T, a *analytics.Analytics, n int) {
	t.Helper()
	for from := 0; from < n; from += 100 {
		events := make([]waist.RequestEvent, min(100, n-from))
		for i := range events {
			events[i] = waist.RequestEvent{APIID: fmt.Sprint("api-", from+i), Result: waist.Validation{Result: waist.ResultAuthorized}}
		}
		if _, err := a.Ingest(ctx, gateway, waist.RequestEvents{Events: events}); err != nil {
			t.Fatal(err)
		}
	}
}

func stored(t *testing.T, st *store.Store) int {
	t.Helper()
	all, err := st.Decisions(ctx, "default", "demo", store.DecisionFilter{Limit: store.MaxPage})
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// TestKeepsTheNewest: whatever comes in, a workspace keeps so many rows and no more: the newest single decisions, and the
// minutes since the one in which the bound is reached.
func TestKeepsTheNewest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		var minutes atomic.Int64
		a := open(t, st, analytics.Options{KeepDecisions: 150, KeepMinutes: 250, Now: func() time.Time { return now.Add(time.Duration(minutes.Load()) * time.Minute) }})
		for range 4 {
			minutes.Add(1)
			flood(t, a, 100)
		}
		if err := a.Prune(ctx); err != nil {
			t.Fatal(err)
		}
		d := stored(t, st)
		counts, err := a.Counts(ctx, member, "demo", now)
		if err != nil || d != 150 || len(counts) != 3 || !counts[0].Minute.Equal(now.Add(2*time.Minute).Truncate(time.Minute)) {
			t.Errorf("%d decisions, %+v, %v", d, counts, err)
		}
		all, err := a.Recent(ctx, member, "demo", analytics.Filter{Limit: 1})
		if err != nil || all[0].APIID != "api-99" {
			t.Errorf("the newest is not there: %+v, %v", all, err)
		}
	})
}

// TestJanitor: a flood is cut down while it comes in, without anybody asking.
func TestJanitor(t *testing.T) {
	st := storetest.SQLite(t)
	a := open(t, st, analytics.Options{KeepDecisions: 500})
	flood(t, a, 3_000)
	for deadline := time.Now().Add(20 * time.Second); ; {
		if d := stored(t, st); d <= 600 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing was removed")
		}
		flood(t, a, 1)
	}
}
