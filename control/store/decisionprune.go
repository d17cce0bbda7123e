package store

import (
	"context"
	"errors"
	"time"
)

// DecisionBounds are what a workspace keeps of what was decided.
type DecisionBounds struct {
	Decisions time.Time // single decisions that came in before are removed; so are the durations
	Minutes   time.Time // sums per minute from before are removed
	// MaxDecisions and MaxMinutes are how many rows of each remain, the newest ones.
	MaxDecisions, MaxMinutes int
}

// DecisionCut is where the rows of a workspace are to end: those of decisions with ids before ID, and those of minutes before
// Minute.
type DecisionCut struct {
	ID     string
	Minute time.Time
	bounds DecisionBounds
}

// DecisionCut finds where the rows of a workspace end under bounds. It reads as many keys as are to remain.
func (r Reader) DecisionCut(ctx context.Context, tenant, workspace string, b DecisionBounds) (DecisionCut, error) {
	// Ids grow with time: what came in before is a range of the primary key.
	cut := DecisionCut{ID: NewTimeID(b.Decisions), Minute: b.Minutes, bounds: b}
	id, err := one(ctx, r.q, scanString, "SELECT id FROM decisions WHERE tenant_id = $1 AND workspace_id = $2 ORDER BY id DESC LIMIT 1 OFFSET $3",
		tenant, workspace, max(b.MaxDecisions, 1)-1)
	switch {
	case err == nil:
		cut.ID = max(cut.ID, id)
	case !errors.Is(err, ErrNotFound):
		return cut, err
	}
	minute, err := one(ctx, r.q, func(s scanner) (t time.Time, err error) { return t, s.Scan(at{&t}) },
		"SELECT minute FROM decision_minutes WHERE tenant_id = $1 AND workspace_id = $2 ORDER BY minute DESC LIMIT 1 OFFSET $3", tenant, workspace, max(b.MaxMinutes, 1)-1)
	switch {
	case err == nil && minute.After(cut.Minute):
		cut.Minute = minute
	case err != nil && !errors.Is(err, ErrNotFound):
		return cut, err
	}
	return cut, nil
}

// PruneDecisions removes at most limit rows of each table behind a cut, and says how many went; 0 means that none is left
// there.
func (tx *Tx) PruneDecisions(ctx context.Context, tenant, workspace string, cut DecisionCut, limit int) (int64, error) {
	total := int64(0)
	for _, p := range []struct {
		table, key string
		before     any
	}{
		{"decisions", "id", cut.ID},
		{"decision_minutes", "minute", micros(cut.Minute)},
		{"decision_latencies", "minute", micros(cut.bounds.Decisions.Truncate(time.Minute))},
		{"dropped_minutes", "minute", micros(cut.bounds.Minutes)},
	} {
		// The key of the last row of the chunk: rows of one minute go together.
		n, err := tx.count(ctx, "DELETE FROM "+p.table+" WHERE tenant_id = $1 AND workspace_id = $2 AND "+p.key+" < $3 AND "+p.key+` <= (
			SELECT MAX(k) FROM (SELECT `+p.key+" AS k FROM "+p.table+" WHERE tenant_id = $4 AND workspace_id = $5 AND "+p.key+" < $6 ORDER BY "+p.key+" LIMIT $7) AS chunk)",
			tenant, workspace, p.before, tenant, workspace, p.before, limit)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
