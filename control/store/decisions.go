package store

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// Decision is a stored request event; Event is its JSON without the token.
type Decision struct {
	TenantID, WorkspaceID, ID string
	GatewayID                 string
	At                        time.Time
	Result, Reason            string
	APIID, PolicyID           string
	DurationUS                int64
	Event                     string
}

// decisionBatch is how many rows one INSERT carries. PostgreSQL wants many: each statement is a round trip. SQLite wants
// one: it runs in this process, and finds named parameters by walking the list of all of them.
var decisionBatch = map[Engine]int{SQLite: 1, PostgreSQL: 64}

// AddDecisions stores decisions and adds them to the minutes they fall in.
func (tx *Tx) AddDecisions(ctx context.Context, all []Decision) error {
	size := decisionBatch[tx.engine]
	whole := len(all) - len(all)%size
	if err := tx.addDecisions(ctx, all[:whole], size); err != nil {
		return err
	}
	if whole < len(all) {
		if err := tx.addDecisions(ctx, all[whole:], len(all)-whole); err != nil {
			return err
		}
	}
	type minute struct {
		tenant, workspace, api, policy, result, reason string
		at                                             int64
	}
	type sum struct{ n, us int64 }
	sums := map[minute]sum{}
	order := []minute{}
	for _, d := range all {
		m := minute{d.TenantID, d.WorkspaceID, d.APIID, d.PolicyID, d.Result, d.Reason, micros(d.At.Truncate(time.Minute))}
		s, ok := sums[m]
		if !ok {
			order = append(order, m)
		}
		sums[m] = sum{s.n + 1, s.us + d.DurationUS}
	}
	for _, m := range order {
		_, err := tx.count(ctx, `INSERT INTO decision_minutes (tenant_id, workspace_id, minute, api_id, policy_id, result, reason, decisions, duration_us)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant_id, workspace_id, minute, api_id, policy_id, result, reason)
			DO UPDATE SET decisions = decision_minutes.decisions + excluded.decisions, duration_us = decision_minutes.duration_us + excluded.duration_us`,
			m.tenant, m.workspace, m.at, m.api, m.policy, m.result, m.reason, sums[m].n, sums[m].us)
		if err != nil {
			return err
		}
	}
	return nil
}

// addDecisions inserts rows, size at a time; their number is a multiple of size.
func (tx *Tx) addDecisions(ctx context.Context, rows []Decision, size int) error {
	if len(rows) == 0 {
		return nil
	}
	const columns = 11
	var b strings.Builder
	b.WriteString("INSERT INTO decisions (tenant_id, workspace_id, id, gateway_id, at, result, reason, api_id, policy_id, duration_us, event_json) VALUES ")
	for i := range size * columns {
		switch {
		case i == 0:
			b.WriteString("($")
		case i%columns == 0:
			b.WriteString("), ($")
		default:
			b.WriteString(", $")
		}
		b.WriteString(strconv.Itoa(i + 1))
	}
	b.WriteString(")")
	stmt, err := tx.prepare(ctx, b.String())
	if err != nil {
		return err
	}
	defer stmt.Close()
	args := make([]any, 0, size*columns)
	for ; len(rows) > 0; rows = rows[size:] {
		args = args[:0]
		for _, d := range rows[:size] {
			args = append(args, d.TenantID, d.WorkspaceID, d.ID, d.GatewayID, micros(d.At), d.Result, d.Reason, d.APIID, d.PolicyID, d.DurationUS, d.Event)
		}
		if _, err := stmt.ExecContext(ctx, args...); err != nil {
			return wrap(err)
		}
	}
	return nil
}

// DecisionFilter narrows Decisions; empty members do not.
type DecisionFilter struct {
	Result, Reason, APIID, PolicyID string
	Before                          string // an id: older ones
	After                           string // an id: the ones that follow it, when Before is empty
	Limit                           int
}

// Decisions lists the decisions of a workspace, newest first.
func (r Reader) Decisions(ctx context.Context, tenant, workspace string, f DecisionFilter) ([]Decision, error) {
	var w where
	w.add("d.tenant_id = ?", tenant)
	w.add("d.workspace_id = ?", workspace)
	for _, c := range [][2]string{{"d.result", f.Result}, {"d.reason", f.Reason}, {"d.api_id", f.APIID}, {"d.policy_id", f.PolicyID}} {
		if c[1] != "" {
			w.add(c[0]+" = ?", c[1])
		}
	}
	return page(ctx, r.q, scanDecision, decisionColumns, &w, "d.id", "d.id", Page{After: f.Before, Before: f.After, Desc: true, Limit: f.Limit})
}

const decisionColumns = `SELECT d.tenant_id, d.workspace_id, d.id, d.gateway_id, d.at, d.result, d.reason, d.api_id, d.policy_id, d.duration_us, d.event_json
	FROM decisions d`

func scanDecision(s scanner) (d Decision, err error) {
	return d, s.Scan(&d.TenantID, &d.WorkspaceID, &d.ID, &d.GatewayID, at{&d.At}, &d.Result, &d.Reason, &d.APIID, &d.PolicyID, &d.DurationUS, &d.Event)
}

// DecisionCount is how many decisions of one result and reason were taken in a minute.
type DecisionCount struct {
	Minute         time.Time
	Result, Reason string
	Decisions      int64
	DurationUS     int64
}

// DecisionCounts sums the decisions of a workspace per minute, result and reason; from is inside, to is outside.
func (r Reader) DecisionCounts(ctx context.Context, tenant, workspace string, from, to time.Time) ([]DecisionCount, error) {
	return list(ctx, r.q, func(s scanner) (c DecisionCount, err error) {
		return c, s.Scan(at{&c.Minute}, &c.Result, &c.Reason, &c.Decisions, &c.DurationUS)
	}, `SELECT minute, result, reason, CAST(SUM(decisions) AS BIGINT), CAST(SUM(duration_us) AS BIGINT) FROM decision_minutes
		WHERE tenant_id = $1 AND workspace_id = $2 AND minute >= $3 AND minute < $4
		GROUP BY minute, result, reason ORDER BY minute, result, reason LIMIT 100000`, tenant, workspace, micros(from), micros(to))
}

// PruneDecisions removes at most limit single decisions that came in before a time, and the minutes from before
// another, of one workspace, and says how many rows went.
func (tx *Tx) PruneDecisions(ctx context.Context, tenant, workspace string, decisions, minutes time.Time, limit int) (int64, error) {
	// Ids grow with time: what came in before is a range of the primary key.
	n, err := tx.count(ctx, `DELETE FROM decisions WHERE tenant_id = $1 AND workspace_id = $2 AND id IN
		(SELECT id FROM decisions WHERE tenant_id = $3 AND workspace_id = $4 AND id < $5 ORDER BY id LIMIT $6)`,
		tenant, workspace, tenant, workspace, NewTimeID(decisions), limit)
	if err != nil {
		return n, err
	}
	m, err := tx.count(ctx, "DELETE FROM decision_minutes WHERE tenant_id = $1 AND workspace_id = $2 AND minute < $3", tenant, workspace, micros(minutes))
	if err != nil {
		return n + m, err
	}
	d, err := tx.count(ctx, "DELETE FROM dropped_minutes WHERE tenant_id = $1 AND workspace_id = $2 AND minute < $3", tenant, workspace, micros(minutes))
	return n + m + d, err
}

// AllWorkspaces lists the ids (tenant, workspace) of all workspaces of all tenants.
func (r Reader) AllWorkspaces(ctx context.Context) ([][2]string, error) {
	return list(ctx, r.q, func(s scanner) (w [2]string, err error) { return w, s.Scan(&w[0], &w[1]) },
		"SELECT tenant_id, id FROM workspaces ORDER BY tenant_id, id")
}
