package store

import (
	"context"
	"strconv"
	"time"

	"portcullis/control"
)

// Audit writes an audit record; its ID must grow with time (NewTimeID).
func (tx *Tx) Audit(ctx context.Context, e control.AuditEvent) error {
	return tx.exec(ctx, `INSERT INTO audit (tenant_id, id, workspace_id, subject, action, target_id, actor_kind, actor_id, actor_name, ip, user_agent, at,
		before_json, after_json) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		e.TenantID, e.ID, e.WorkspaceID, e.Subject, e.Action, e.TargetID, int64(e.ActorKind), e.ActorID, e.ActorName, e.IP, e.UserAgent,
		micros(e.Timestamp), string(e.Before), string(e.After))
}

func scanAudit(s scanner) (e control.AuditEvent, err error) {
	var before, after string
	err = s.Scan(&e.TenantID, &e.ID, &e.WorkspaceID, &e.Subject, &e.Action, &e.TargetID, &e.ActorKind, &e.ActorID, &e.ActorName, &e.IP, &e.UserAgent,
		at{&e.Timestamp}, &before, &after)
	e.Before, e.After = []byte(before), []byte(after)
	return e, err
}

// AuditEvents lists audit records of a workspace ("" for those of the tenant itself); f.Limit 0 means 20, at most 100.
func (r Reader) AuditEvents(ctx context.Context, tenant, workspace string, f control.AuditFilter) ([]control.AuditEvent, error) {
	w := auditWhere(tenant, workspace, f)
	limit := f.Limit
	if limit <= 0 {
		limit = 20
	}
	return page(ctx, r.q, scanAudit, auditColumns, &w, "a.id", "a.target_id",
		Page{After: f.AfterID, Before: f.BeforeID, Desc: !f.Ascending, Limit: min(limit, 100)})
}

// CountAudit counts what AuditEvents would list without cursors, up to most.
func (r Reader) CountAudit(ctx context.Context, tenant, workspace string, f control.AuditFilter, most int) (int, error) {
	w := auditWhere(tenant, workspace, f)
	return one(ctx, r.q, func(s scanner) (n int, err error) { return n, s.Scan(&n) },
		"SELECT COUNT(*) FROM (SELECT 1 FROM audit a"+w.String()+" LIMIT "+strconv.Itoa(most)+") counted", w.args...)
}

// PruneAudit removes audit records of a workspace from before a time, the oldest first, at most limit.
func (tx *Tx) PruneAudit(ctx context.Context, tenant, workspace string, before time.Time, limit int) (int64, error) {
	return tx.count(ctx, `DELETE FROM audit WHERE tenant_id = $1 AND workspace_id = $2 AND id IN
		(SELECT id FROM audit WHERE tenant_id = $3 AND workspace_id = $4 AND at < $5 ORDER BY id LIMIT `+strconv.Itoa(limit)+`)`,
		tenant, workspace, tenant, workspace, micros(before))
}

// AuditedWorkspaces lists (tenant, workspace) of everything that has audit records: workspaces that are gone, too.
func (r Reader) AuditedWorkspaces(ctx context.Context) ([][2]string, error) {
	return list(ctx, r.q, func(s scanner) (w [2]string, err error) { return w, s.Scan(&w[0], &w[1]) },
		"SELECT DISTINCT tenant_id, workspace_id FROM audit ORDER BY tenant_id, workspace_id LIMIT "+strconv.Itoa(MaxPage))
}

func auditWhere(tenant, workspace string, f control.AuditFilter) (w where) {
	w.add("a.tenant_id = ?", tenant)
	w.add("a.workspace_id = ?", workspace)
	w.in("a.subject", f.Subjects)
	w.in("a.action", f.Actions)
	for _, c := range [][2]string{{"a.target_id", f.TargetID}, {"a.actor_id", f.ActorID}, {"a.ip", f.IP}} {
		if c[1] != "" {
			w.add(c[0]+" = ?", c[1])
		}
	}
	if !f.From.IsZero() {
		w.add("a.at >= ?", micros(f.From))
	}
	if !f.To.IsZero() {
		w.add("a.at < ?", micros(f.To))
	}
	return w
}

const auditColumns = `SELECT a.tenant_id, a.id, a.workspace_id, a.subject, a.action, a.target_id, a.actor_kind, a.actor_id, a.actor_name,
	a.ip, a.user_agent, a.at, a.before_json, a.after_json FROM audit a`

// AuditEvent reads one.
func (r Reader) AuditEvent(ctx context.Context, tenant, workspace, id string) (control.AuditEvent, error) {
	return one(ctx, r.q, scanAudit, auditColumns+" WHERE a.tenant_id = $1 AND a.workspace_id = $2 AND a.id = $3", tenant, workspace, id)
}
