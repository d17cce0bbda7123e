package analytics_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis/control"
	"portcullis/control/analytics"
	"portcullis/control/store"
	"portcullis/control/store/storetest"
	"portcullis/edge/waist"
)

// show writes a series as "12:00 3, 12:05 0".
func show(s analytics.Series) string {
	out := []string{}
	for _, p := range s.Points {
		text := p.At.Format("02 15:04 ")
		if p.Values == nil {
			text += fmt.Sprint(p.Value)
		} else {
			for _, k := range []string{analytics.Authorized, analytics.Unauthorized} {
				if v, ok := p.Values[k]; ok {
					text += fmt.Sprint(k[:1], v)
				}
			}
		}
		out = append(out, text)
	}
	return s.Bucket + ": " + strings.Join(out, ", ")
}

// TestSeries asks questions about a known hour: at 12:00 two allowed (10 ms, 20 ms) and one denied by a policy (30 ms), at 12:07
// one allowed without a policy (1 ms).
func TestSeries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		var minutes atomic.Int64
		a := open(t, st, analytics.Options{Now: func() time.Time { return now.Add(time.Duration(minutes.Load()) * time.Minute) }})
		push := func(events ...waist.RequestEvent) {
			t.Helper()
			if _, err := a.Ingest(ctx, gateway, waist.RequestEvents{Events: events}); err != nil {
				t.Fatal(err)
			}
		}
		event := func(ms int64, policy, result string) waist.RequestEvent {
			return waist.RequestEvent{APIID: "a1", PolicyID: policy, DurationMS: ms, Result: waist.Validation{Result: result}}
		}
		push(event(10, "p1", waist.ResultAuthorized), event(20, "p1", waist.ResultAuthorized), event(30, "p2", waist.ResultUnauthorized))
		minutes.Store(7)
		push(event(1, "", waist.ResultAuthorized))
		minutes.Store(10)
		from, to := now.Truncate(time.Hour), now.Truncate(time.Hour).Add(10*time.Minute)
		for name, c := range map[string]struct {
			q    analytics.Question
			want string
		}{
			"count":              {analytics.Question{Bucket: "5m", From: from, To: to}, "5m: 01 12:00 3, 01 12:05 1"},
			"zeros between":      {analytics.Question{Bucket: "1m", From: from.Add(6 * time.Minute), To: from.Add(9 * time.Minute)}, "1m: 01 12:06 0, 01 12:07 1, 01 12:08 0"},
			"from not at a mark": {analytics.Question{Bucket: "5m", From: from.Add(-2 * time.Minute), To: to}, "5m: 01 11:55 0, 01 12:00 3, 01 12:05 1"},
			"to is outside":      {analytics.Question{Bucket: "all", From: from, To: from.Add(7 * time.Minute)}, "all: 01 12:00 3"},
			"seconds are whole":  {analytics.Question{Bucket: "all", From: from.Add(30 * time.Second), To: from.Add(7*time.Minute + time.Second)}, "all: 01 12:00 4"},
			"by result":          {analytics.Question{Bucket: "5m", From: from, To: to, ByResult: true}, "5m: 01 12:00 a2u1, 01 12:05 a1u0"},
			"sum":                {analytics.Question{Bucket: "all", From: from, To: to, Function: "sum"}, "all: 01 12:00 61"},
			"sum by result":      {analytics.Question{Bucket: "all", From: from, To: to, Function: "sum", ByResult: true}, "all: 01 12:00 a31u30"},
			"evaluated":          {analytics.Question{Bucket: "5m", From: from, To: to, Evaluated: true}, "5m: 01 12:00 3, 01 12:05 0"},
			"evaluated by result": {analytics.Question{Bucket: "all", From: from, To: to, Evaluated: true, ByResult: true, Function: "count"},
				"all: 01 12:00 a2u1"},
			"median":        {analytics.Question{Bucket: "5m", From: from.Add(-10 * time.Minute), To: to, Function: "p50"}, "5m: 01 12:00 20.479, 01 12:05 1.023"},
			"p99 by result": {analytics.Question{Bucket: "all", From: from, To: to, Function: "p99", ByResult: true}, "all: 01 12:00 a20.479u30.719"},
			"origin":        {analytics.Question{Bucket: "5m", From: from, To: to, Origin: from.Add(3 * time.Minute)}, "5m: 01 11:58 3, 01 12:03 1, 01 12:08 0"},
			"origin later":  {analytics.Question{Bucket: "1h", From: from, To: to, Origin: from.Add(30*time.Minute + 24*time.Hour)}, "1h: 01 11:30 4"},
			"week":          {analytics.Question{Bucket: "1w", From: from, To: to}, "1w: 23 00:00 4"}, // 1 March 2026 is a Sunday
			"month":         {analytics.Question{Bucket: "1M", From: from.Add(-24 * time.Hour), To: to}, "1M: 01 00:00 0, 01 00:00 4"},
			"quarter":       {analytics.Question{Bucket: "3M", From: from, To: to, Origin: time.Date(2026, 8, 15, 6, 0, 0, 0, time.UTC)}, "3M: 15 06:00 4"},
			"year":          {analytics.Question{Bucket: "1Y", From: from.AddDate(0, -11, 0), To: to, ByResult: true}, "1Y: 01 00:00 a0u0, 01 00:00 a3u1"},
			"auto, ten minutes": {analytics.Question{From: from.Add(5 * time.Minute), To: to, Bucket: "auto"},
				"1m: 01 12:05 0, 01 12:06 0, 01 12:07 1, 01 12:08 0, 01 12:09 0"},
		} {
			got, err := a.Workspace(ctx, member, "demo", c.q)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if diff := cmp.Diff(c.want, show(got)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		day, err := a.Workspace(ctx, member, "demo", analytics.Question{})
		if err != nil || day.Bucket != "15m" || len(day.Points) != 97 || !day.Points[96].At.Equal(from) || day.Points[96].Value != 4 {
			t.Errorf("the last day: %s, %v", show(day), err)
		}
		root := control.Actor{Kind: control.UserActor, TenantID: "default", ID: "r", Role: control.Member}
		all, err := a.Tenant(ctx, root, analytics.Question{Bucket: "all"})
		if err != nil || len(all.Points) != 1 || all.Points[0].Value != 4 {
			t.Errorf("the tenant: %+v, %v", all, err)
		}
		root.Roles = map[string]control.Role{"demo": control.NoRole}
		if all, err = a.Tenant(ctx, root, analytics.Question{Bucket: "all"}); err != nil || all.Points[0].Value != 0 {
			t.Errorf("the tenant without the workspace: %+v, %v", all, err)
		}
	})
}

func TestSeriesRefused(t *testing.T) {
	a := open(t, storetest.SQLite(t), analytics.Options{})
	for name, c := range map[string]struct {
		q         analytics.Question
		parameter string
	}{
		"function":             {analytics.Question{Function: "p42"}, "function"},
		"function of policies": {analytics.Question{Function: "sum", Evaluated: true}, "function"},
		"bucket":               {analytics.Question{Bucket: "2m"}, "bucket"},
		"too many points":      {analytics.Question{Bucket: "1m", From: now.AddDate(0, 0, -30)}, "bucket"},
		"backwards":            {analytics.Question{From: now, To: now.Add(-time.Minute)}, "to"},
		"nothing":              {analytics.Question{From: now.Truncate(time.Minute), To: now.Truncate(time.Minute)}, "to"},
		"too long":             {analytics.Question{From: now.AddDate(-2, 0, 0), Bucket: "1Y"}, "from"},
		"long ago":             {analytics.Question{From: now.AddDate(-1500, 0, 0), To: now.AddDate(-1500, 0, 1)}, "from"},
		"percentiles too old":  {analytics.Question{From: now.AddDate(0, 0, -8), Function: "p95"}, "from"},
		"origin":               {analytics.Question{Origin: now.AddDate(9000-2026, 0, 0)}, "origin"},
		"origin of months":     {analytics.Question{Bucket: "1M", Origin: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)}, "origin"},
	} {
		_, err := a.Workspace(ctx, member, "demo", c.q)
		if control.KindOf(err) != control.Malformed || !strings.HasPrefix(err.Error(), "the query parameter "+c.parameter+" ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		actor control.Actor
		kind  control.Kind
	}{
		"nobody":               {control.Actor{}, control.Unauthenticated},
		"a gateway":            {gateway, control.Forbidden},
		"of another workspace": {control.Actor{Kind: control.UserActor, TenantID: "default", Roles: map[string]control.Role{"other": control.Admin}}, control.NotFound},
		"of another tenant":    {control.Actor{Kind: control.UserActor, TenantID: "other", Role: control.Admin}, control.NotFound},
	} {
		if _, err := a.Workspace(ctx, c.actor, "demo", analytics.Question{}); control.KindOf(err) != c.kind {
			t.Errorf("workspace, %s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		actor control.Actor
		kind  control.Kind
	}{
		"nobody":                    {control.Actor{}, control.Unauthenticated},
		"a gateway":                 {gateway, control.Forbidden},
		"a member of one workspace": {member, control.Forbidden},
	} {
		if _, err := a.Tenant(ctx, c.actor, analytics.Question{}); err == nil || control.KindOf(err) != c.kind {
			t.Errorf("tenant, %s: %v", name, err)
		}
	}
}

// TestSeriesCoversTheTime: whatever is asked, the points follow one another, the first begins at or before from and the last
// before to, and their sum is what lies in the time.
func TestSeriesCoversTheTime(t *testing.T) {
	st := storetest.SQLite(t)
	a := open(t, st, analytics.Options{Now: func() time.Time { return now }})
	if err := st.Tx(ctx, func(tx *store.Tx) error {
		all := []store.Decision{}
		for i := range 90 * 24 {
			all = append(all, store.Decision{TenantID: "default", WorkspaceID: "demo", ID: store.NewTimeID(now), At: now.Add(-time.Duration(i) * time.Hour), Result: "AUTHORIZED"})
		}
		return tx.AddDecisions(ctx, all)
	}); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		from := now.Add(-time.Duration(rapid.Int64Range(1, 89*24*60).Draw(t, "minutes ago")) * time.Minute).Truncate(time.Minute)
		to := from.Add(time.Duration(rapid.Int64Range(1, 60*24*60).Draw(t, "minutes long")) * time.Minute)
		q := analytics.Question{From: from, To: to, Bucket: rapid.SampledFrom([]string{"auto", "all", "1h", "3h", "12h", "1d", "1w", "1M", "3M", "1Y"}).Draw(t, "bucket")}
		if rapid.Bool().Draw(t, "origin") {
			q.Origin = time.Date(rapid.IntRange(1971, 2100).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 28).Draw(t, "day"),
				rapid.IntRange(0, 23).Draw(t, "hour"), 0, 0, 0, time.UTC)
		}
		got, err := a.Workspace(ctx, member, "demo", q)
		if err != nil {
			t.Fatal(err)
		}
		want, sum := 0, 0.0
		for i := range 90 * 24 {
			if at := now.Add(-time.Duration(i) * time.Hour); !at.Truncate(time.Minute).Before(from) && at.Truncate(time.Minute).Before(to) {
				want++
			}
		}
		for i, p := range got.Points {
			sum += p.Value
			if i > 0 && !p.At.After(got.Points[i-1].At) {
				t.Fatalf("point %d is not after the one before", i)
			}
		}
		if n := len(got.Points); n == 0 || got.Points[0].At.After(from) || !got.Points[n-1].At.Before(to) || n > 1 && !got.Points[1].At.After(from) {
			t.Fatalf("%s does not cover %s to %s", show(got), from, to)
		}
		if int(sum) != want {
			t.Fatalf("%v decisions, %d are there", sum, want)
		}
	})
}
