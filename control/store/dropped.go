package store

import (
	"context"
	"time"
)

// Dropped is how many decisions a gateway's authorizers took in a minute and did not report one by one.
type Dropped struct {
	TenantID, WorkspaceID, GatewayID string
	Minute                           time.Time
	Dropped                          int64
}

// AddDropped adds to the minute of a gateway.
func (tx *Tx) AddDropped(ctx context.Context, d Dropped) error {
	return tx.exec(ctx, `INSERT INTO dropped_minutes (tenant_id, workspace_id, gateway_id, minute, dropped) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant_id, workspace_id, minute, gateway_id) DO UPDATE SET dropped = dropped_minutes.dropped + excluded.dropped`,
		d.TenantID, d.WorkspaceID, d.GatewayID, micros(d.Minute.Truncate(time.Minute)), d.Dropped)
}

// DroppedMinutes lists what a workspace's gateways did not report, by minute and gateway; from is inside, to is outside.
func (r Reader) DroppedMinutes(ctx context.Context, tenant, workspace string, from, to time.Time) ([]Dropped, error) {
	return list(ctx, r.q, func(s scanner) (d Dropped, err error) {
		return d, s.Scan(&d.TenantID, &d.WorkspaceID, &d.GatewayID, at{&d.Minute}, &d.Dropped)
	}, `SELECT tenant_id, workspace_id, gateway_id, minute, dropped FROM dropped_minutes
		WHERE tenant_id = $1 AND workspace_id = $2 AND minute >= $3 AND minute < $4 ORDER BY minute, gateway_id LIMIT 100000`,
		tenant, workspace, micros(from), micros(to))
}

// DroppedSum is what the gateways of workspaces did not report; from is inside, to is outside.
func (r Reader) DroppedSum(ctx context.Context, tenant string, workspaces []string, from, to time.Time) (int64, error) {
	if len(workspaces) == 0 {
		return 0, nil
	}
	var w where
	w.add("tenant_id = ?", tenant)
	w.in("workspace_id", workspaces)
	w.add("minute >= ?", micros(from))
	w.add("minute < ?", micros(to))
	return one(ctx, r.q, func(s scanner) (n int64, err error) { return n, s.Scan(&n) },
		"SELECT CAST(COALESCE(SUM(dropped), 0) AS BIGINT) FROM dropped_minutes"+w.String(), w.args...)
}
