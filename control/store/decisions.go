package store

import (
	"context"
	"database/sql"
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

// AddDecisions stores decisions and adds them to the minutes they fall in.
func (tx *Tx) AddDecisions(ctx context.Context, all []Decision) error {
	err := tx.addRows(ctx, "INSERT INTO decisions (tenant_id, workspace_id, id, gateway_id, at, result, reason, api_id, policy_id, duration_us, event_json) VALUES ", 11, "",
		len(all), func(args []any, i int) []any {
			d := &all[i]
			return append(args, d.TenantID, d.WorkspaceID, d.ID, d.GatewayID, micros(d.At), d.Result, d.Reason, d.APIID, d.PolicyID, d.DurationUS, d.Event)
		})
	if err != nil {
		return err
	}
	if err := tx.addMinutes(ctx, all); err != nil {
		return err
	}
	return tx.addLatencies(ctx, all)
}

func (tx *Tx) addMinutes(ctx context.Context, all []Decision) error {
	type minute struct {
		tenant, workspace, api, policy, result, reason string
		at                                             int64
	}
	type sum struct{ n, us int64 }
	sums := map[minute]sum{}
	order := []minute{}
	for i := range all {
		d := &all[i]
		m := minute{d.TenantID, d.WorkspaceID, d.APIID, d.PolicyID, d.Result, d.Reason, micros(d.At.Truncate(time.Minute))}
		s, ok := sums[m]
		if !ok {
			order = append(order, m)
		}
		sums[m] = sum{s.n + 1, s.us + d.DurationUS}
	}
	return tx.addRows(ctx, "INSERT INTO decision_minutes (tenant_id, workspace_id, minute, api_id, policy_id, result, reason, decisions, duration_us) VALUES ", 9,
		` ON CONFLICT (tenant_id, workspace_id, minute, api_id, policy_id, result, reason) DO UPDATE SET
			decisions = decision_minutes.decisions + excluded.decisions, duration_us = decision_minutes.duration_us + excluded.duration_us`,
		len(order), func(args []any, i int) []any {
			m := order[i]
			return append(args, m.tenant, m.workspace, m.at, m.api, m.policy, m.result, m.reason, sums[m].n, sums[m].us)
		})
}

// rowBatch is how many rows one INSERT of addRows carries. PostgreSQL wants many, because each statement is a round trip.
var rowBatch = map[Engine]int{SQLite: 32, PostgreSQL: 64}

// addRows inserts n rows, several with one statement: insert is the text up to the rows, after the text behind them, row
// appends the values of one to args.
//
// SQLite gets "?" instead of "$1", because its driver looks named parameters up by walking the list of all of them; and
// statements that are not interrupted one by one, because that costs a goroutine each: ctx is looked at between them.
func (tx *Tx) addRows(ctx context.Context, insert string, columns int, after string, n int, row func(args []any, i int) []any) error {
	size := rowBatch[tx.engine]
	args := make([]any, 0, min(n, size)*columns)
	var stmt *sql.Stmt
	prepared := 0
	for from := 0; from < n; from += size {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows := min(size, n-from)
		if rows != prepared {
			var err error
			if stmt, err = tx.prepare(ctx, insert+rowsText(tx.engine, rows, columns)+after); err != nil {
				return err
			}
			defer stmt.Close() // two at most: the whole batches' and the last one's
			prepared = rows
		}
		args = args[:0]
		for i := range rows {
			args = row(args, from+i)
		}
		run := ctx
		if tx.engine == SQLite {
			run = context.WithoutCancel(ctx)
		}
		if _, err := stmt.ExecContext(run, args...); err != nil {
			return wrap(err)
		}
	}
	return nil
}

// rowsText is "($1, $2), ($3, $4)" for two rows of two columns.
func rowsText(e Engine, rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		if e == SQLite {
			b.WriteByte('?')
			continue
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(i + 1))
	}
	b.WriteByte(')')
	return b.String()
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

// AllWorkspaces lists the ids (tenant, workspace) of all workspaces of all tenants.
func (r Reader) AllWorkspaces(ctx context.Context) ([][2]string, error) {
	return list(ctx, r.q, func(s scanner) (w [2]string, err error) { return w, s.Scan(&w[0], &w[1]) },
		"SELECT tenant_id, id FROM workspaces ORDER BY tenant_id, id")
}
