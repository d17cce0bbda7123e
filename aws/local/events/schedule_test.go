package events

import (
	"testing"
	"time"
)

func TestCronMatches(t *testing.T) {
	for _, c := range []struct {
		expression string
		yes, no    []string
	}{
		{"cron(0 3 * * ? *)", []string{"2026-11-22T03:00:00Z"}, []string{"2026-11-22T03:01:00Z", "2026-11-22T04:00:00Z"}},
		{"cron(0/15 * * * ? *)", []string{"2026-11-22T03:00:00Z", "2026-11-22T03:45:00Z"}, []string{"2026-11-22T03:46:00Z"}},
		{"cron(0 8 ? * MON-FRI *)", []string{"2026-11-23T08:00:00Z"}, []string{"2026-11-22T08:00:00Z"}},
		{"cron(0 8 1 1,JUL ? 2027)", []string{"2027-01-01T08:00:00Z", "2027-07-01T08:00:00Z"}, []string{"2026-07-01T08:00:00Z"}},
		{"cron(0 0 L * ? *)", []string{"2026-11-30T00:00:00Z", "2028-02-29T00:00:00Z"}, []string{"2028-02-28T00:00:00Z"}},
		{"cron(0 0 ? * 6L *)", []string{"2026-11-27T00:00:00Z"}, []string{"2026-11-20T00:00:00Z"}},
		{"cron(0 0 ? * 6#3 *)", []string{"2026-11-20T00:00:00Z"}, []string{"2026-11-27T00:00:00Z", "2026-11-13T00:00:00Z"}},
		{"cron(0 0 1W * ? *)", []string{"2026-08-03T00:00:00Z"}, []string{"2026-08-01T00:00:00Z"}}, // 1 August 2026 is a Saturday
		{"cron(0 0 ? * L *)", []string{"2026-11-21T00:00:00Z"}, []string{"2026-11-22T00:00:00Z"}},
	} {
		s, err := parseSchedule(c.expression)
		if err != nil {
			t.Errorf("%s: %v", c.expression, err)
			continue
		}
		for want, times := range map[bool][]string{true: c.yes, false: c.no} {
			for _, text := range times {
				at, err := time.Parse(time.RFC3339, text)
				if err != nil {
					t.Fatal(err)
				}
				if s.cron.matches(at) != want {
					t.Errorf("%s at %s: got %v", c.expression, text, !want)
				}
			}
		}
	}
}

func TestMissedTicksFireOnce(t *testing.T) {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, expression := range []string{"rate(1 minute)", "cron(* * * * ? *)"} {
		sched, err := parseSchedule(expression)
		if err != nil {
			t.Fatal(err)
		}
		r := &rule{schedule: sched}
		r.restart(start)
		if r.due(start.Add(30 * time.Second)) {
			t.Errorf("%s fires before its time", expression)
		}
		later := start.Add(5*time.Hour + 30*time.Second)
		if !r.due(later) || r.due(later) {
			t.Errorf("%s does not fire once after a gap", expression)
		}
		if !r.due(later.Add(time.Minute)) {
			t.Errorf("%s does not go on after a gap", expression)
		}
	}
}
