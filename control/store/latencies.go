package store

import (
	"context"
	"math/bits"
	"time"

	"portcullis/edge/waist"
)

// A slot is a range of durations in microseconds: up to 15 each has its own, above it every power of two is eight slots,
// so that the largest duration of a slot is less than an eighth above its smallest.
const exactSlots = 16

// LatencySlot is the slot of a duration in microseconds.
func LatencySlot(us int64) int {
	if us < exactSlots {
		return int(max(us, 0))
	}
	top := bits.Len64(uint64(us)) - 1 // 4 at least
	return exactSlots + (top-4)*8 + int(us>>(top-3))&7
}

// SlotDuration is the largest duration of a slot, in microseconds.
func SlotDuration(slot int) int64 {
	if slot < exactSlots {
		return int64(max(slot, 0))
	}
	top, part := (slot-exactSlots)/8+4, int64(slot-exactSlots)%8
	if top > 62 {
		return 1<<63 - 1
	}
	return (8+part+1)<<(top-3) - 1
}

func (tx *Tx) addLatencies(ctx context.Context, all []Decision) error {
	type cell struct {
		tenant, workspace string
		minute            int64
		allowed           bool
		slot              int
	}
	counts := map[cell]int64{}
	order := []cell{}
	for i := range all {
		d := &all[i]
		c := cell{d.TenantID, d.WorkspaceID, micros(d.At.Truncate(time.Minute)), d.Result == waist.ResultAuthorized, LatencySlot(d.DurationUS)}
		if counts[c] == 0 {
			order = append(order, c)
		}
		counts[c]++
	}
	return tx.addRows(ctx, "INSERT INTO decision_latencies (tenant_id, workspace_id, minute, allowed, slot, decisions) VALUES ", 6,
		" ON CONFLICT (tenant_id, workspace_id, minute, allowed, slot) DO UPDATE SET decisions = decision_latencies.decisions + excluded.decisions",
		len(order), func(args []any, i int) []any {
			c := order[i]
			return append(args, c.tenant, c.workspace, c.minute, c.allowed, c.slot, counts[c])
		})
}

// Span is a time cut into points: point n begins at Start + n × Width. From is inside, To is outside; Start is not after
// From, and all are whole minutes.
type Span struct {
	Start, From, To time.Time
	Width           time.Duration
}

// question asks a table of minutes about a span; the columns follow the number of the point.
func (s Span) question(table, columns, tenant string, workspaces []string, more string) (string, []any) {
	w := where{args: []any{micros(s.Start), s.Width.Microseconds()}}
	w.add("tenant_id = ?", tenant)
	w.in("workspace_id", workspaces)
	w.add("minute >= ?", micros(s.From))
	w.add("minute < ?", micros(s.To))
	if more != "" {
		w.add(more)
	}
	return "SELECT (minute - $1) / $2, " + columns + " FROM " + table + w.String(), w.args
}

// DecisionPoint is what was decided in one point of a span.
type DecisionPoint struct {
	Point      int64
	Allowed    bool
	Decisions  int64
	DurationUS int64
}

// DecisionSeries sums the decisions of workspaces by point and outcome, in order of time; with evaluated only those in which
// a policy was asked.
func (r Reader) DecisionSeries(ctx context.Context, tenant string, workspaces []string, s Span, evaluated bool) ([]DecisionPoint, error) {
	if len(workspaces) == 0 {
		return []DecisionPoint{}, nil
	}
	more := ""
	if evaluated {
		more = "policy_id <> ''"
	}
	query, args := s.question("decision_minutes", `CASE WHEN result = 'AUTHORIZED' THEN 1 ELSE 0 END, CAST(SUM(decisions) AS BIGINT), CAST(SUM(duration_us) AS BIGINT)`,
		tenant, workspaces, more)
	return list(ctx, r.q, func(sc scanner) (p DecisionPoint, err error) {
		var allowed int64
		err = sc.Scan(&p.Point, &allowed, &p.Decisions, &p.DurationUS)
		p.Allowed = allowed == 1
		return p, err
	}, query+" GROUP BY 1, 2 ORDER BY 1, 2", args...)
}

// LatencyPoint is how many decisions of one point and outcome fell into one slot.
type LatencyPoint struct {
	Point     int64
	Allowed   bool
	Slot      int
	Decisions int64
}

// LatencySeries is the histogram of the decisions of workspaces by point and outcome, in order of time, then slot.
func (r Reader) LatencySeries(ctx context.Context, tenant string, workspaces []string, s Span) ([]LatencyPoint, error) {
	if len(workspaces) == 0 {
		return []LatencyPoint{}, nil
	}
	query, args := s.question("decision_latencies", "allowed, slot, CAST(SUM(decisions) AS BIGINT)", tenant, workspaces, "")
	return list(ctx, r.q, func(sc scanner) (p LatencyPoint, err error) {
		return p, sc.Scan(&p.Point, &p.Allowed, &p.Slot, &p.Decisions)
	}, query+" GROUP BY 1, 2, 3 ORDER BY 1, 2, 3", args...)
}
