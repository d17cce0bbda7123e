package admin

import (
	"context"

	"portcullis/control"
)

// ListAudit lists audit records of a workspace, newest first unless the filter says otherwise. Those of the tenant —
// users, log-ins, deleted workspaces — are in the workspace "admin".
func (a *Admin) ListAudit(ctx context.Context, actor control.Actor, wid string, f control.AuditFilter) ([]control.AuditEvent, error) {
	if err := a.allow(actor, "ListAudit", wid); err != nil {
		return nil, err
	}
	if _, err := a.store.Workspace(ctx, actor.TenantID, wid); err != nil {
		return nil, notFound(err, "workspace", wid)
	}
	var check control.Checks
	if f.Limit < 0 || f.Limit > 100 {
		check.Add("limit", "must be between 1 and 100")
	}
	if !f.From.IsZero() && !f.To.IsZero() && f.To.Before(f.From) {
		check.Add("timestamp_to", "must not be before timestamp_from")
	}
	if len(f.Subjects) > 50 || len(f.Actions) > 50 {
		check.Add("event_subject", "has too many values")
	}
	if err := check.Err("audit filter"); err != nil {
		return nil, err
	}
	out, err := a.store.AuditEvents(ctx, actor.TenantID, wid, f)
	return out, internal(err)
}

// GetAudit reads one audit record of a workspace.
func (a *Admin) GetAudit(ctx context.Context, actor control.Actor, wid, id string) (control.AuditEvent, error) {
	if err := a.allow(actor, "GetAudit", wid); err != nil {
		return control.AuditEvent{}, err
	}
	e, err := a.store.AuditEvent(ctx, actor.TenantID, wid, id)
	if err != nil {
		return control.AuditEvent{}, notFound(err, "audit record", id)
	}
	return e, nil
}
