package store

import (
	"context"
	"time"
)

// DecisionTotal is what was decided about one thing: an API, a policy or a whole workspace.
type DecisionTotal struct {
	Key             string
	Allowed, Denied int64
	DurationUS      int64
}

func scanTotal(s scanner) (t DecisionTotal, err error) {
	return t, s.Scan(&t.Key, &t.Allowed, &t.Denied, &t.DurationUS)
}

// sums: AUTHORIZED is waist.ResultAuthorized; every other result counts as denied.
const sums = `CAST(SUM(CASE WHEN result = 'AUTHORIZED' THEN decisions ELSE 0 END) AS BIGINT),
	CAST(SUM(CASE WHEN result = 'AUTHORIZED' THEN 0 ELSE decisions END) AS BIGINT), CAST(SUM(duration_us) AS BIGINT)`

// DecisionsByAPI sums the decisions of a workspace by API ("" for those that matched none), most first; from is inside,
// to is outside.
func (r Reader) DecisionsByAPI(ctx context.Context, tenant, workspace string, from, to time.Time) ([]DecisionTotal, error) {
	return list(ctx, r.q, scanTotal, "SELECT api_id, "+sums+` FROM decision_minutes WHERE tenant_id = $1 AND workspace_id = $2 AND minute >= $3 AND minute < $4
		GROUP BY api_id ORDER BY SUM(decisions) DESC, api_id LIMIT 10000`, tenant, workspace, micros(from), micros(to))
}

// DecisionsByWorkspace sums the decisions of each of the workspaces; those without any are left out.
func (r Reader) DecisionsByWorkspace(ctx context.Context, tenant string, workspaces []string, from, to time.Time) ([]DecisionTotal, error) {
	if len(workspaces) == 0 {
		return []DecisionTotal{}, nil
	}
	var w where
	w.add("tenant_id = ?", tenant)
	w.in("workspace_id", workspaces)
	w.add("minute >= ?", micros(from))
	w.add("minute < ?", micros(to))
	return list(ctx, r.q, scanTotal, "SELECT workspace_id, "+sums+" FROM decision_minutes"+w.String()+" GROUP BY workspace_id ORDER BY workspace_id", w.args...)
}

// DecisionSample reads the newest decisions of a workspace that came in since a time, newest first, at most limit.
func (r Reader) DecisionSample(ctx context.Context, tenant, workspace string, since time.Time, limit int) ([]Decision, error) {
	// Ids grow with time: the sample is a range of the primary key.
	return list(ctx, r.q, scanDecision, decisionColumns+" WHERE d.tenant_id = $1 AND d.workspace_id = $2 AND d.id >= $3 ORDER BY d.id DESC LIMIT $4",
		tenant, workspace, NewTimeID(since), limit)
}

// Decision reads one.
func (r Reader) Decision(ctx context.Context, tenant, workspace, id string) (Decision, error) {
	return one(ctx, r.q, scanDecision, decisionColumns+" WHERE d.tenant_id = $1 AND d.workspace_id = $2 AND d.id = $3", tenant, workspace, id)
}
