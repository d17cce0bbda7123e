package admin

import (
	"context"
	"time"

	"portcullis/control"
	"portcullis/control/store"
)

// ListAudit lists audit records of a workspace, newest first unless the filter says otherwise. Those of the tenant —
// users, log-ins, deleted workspaces — are in the workspace "admin".
func (a *Admin) ListAudit(ctx context.Context, actor control.Actor, wid string, f control.AuditFilter) ([]control.AuditEvent, error) {
	if err := a.allow(actor, "ListAudit", wid); err != nil {
		return nil, err
	}
	if err := a.auditFilter(ctx, actor, wid, f); err != nil {
		return nil, err
	}
	out, err := a.store.AuditEvents(ctx, actor.TenantID, wid, f)
	return out, internal(err)
}

// auditFilter checks what a list or an export is asked for.
func (a *Admin) auditFilter(ctx context.Context, actor control.Actor, wid string, f control.AuditFilter) error {
	if _, err := a.store.Workspace(ctx, actor.TenantID, wid); err != nil {
		return notFound(err, "workspace", wid)
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
	return check.Err("audit filter")
}

// MaxAuditExport bounds one export.
const MaxAuditExport = 100_000

// ExportAudit calls yield with what ListAudit would list, page after page, whole: more than MaxAuditExport records are
// refused before the first. The export is a record of the audit itself, written before anything is handed out.
func (a *Admin) ExportAudit(ctx context.Context, actor control.Actor, wid string, f control.AuditFilter, yield func([]control.AuditEvent) error) error {
	if err := a.allow(actor, "ExportAudit", wid); err != nil {
		return err
	}
	f.AfterID, f.BeforeID, f.Limit = "", "", 100
	if err := a.auditFilter(ctx, actor, wid, f); err != nil {
		return err
	}
	if f.To.IsZero() {
		f.To = a.now().Add(time.Microsecond) // what is recorded later, this export too, is not in it
	}
	n, err := a.store.CountAudit(ctx, actor.TenantID, wid, f, MaxAuditExport+1)
	if err != nil {
		return internal(err)
	}
	if n > MaxAuditExport {
		return control.Errorf(control.Malformed, "export_too_large", "these are more than %d audit records; narrow them by time, and export one span after the other", MaxAuditExport)
	}
	err = a.change(ctx, actor, wid, func(c *change) error {
		return c.audit(ctx, "audit", "exported", wid, nil, map[string]any{"records": n, "from": f.From, "to": f.To})
	})
	if err != nil {
		return err
	}
	for {
		page, err := a.store.AuditEvents(ctx, actor.TenantID, wid, f)
		if err != nil {
			return internal(err)
		}
		if len(page) > 0 {
			if err := yield(page); err != nil {
				return err
			}
		}
		if len(page) < f.Limit {
			return nil
		}
		f.AfterID = page[len(page)-1].ID
	}
}

// pruneAuditAtOnce bounds one transaction of PruneAudit, so that changes do not wait for it.
const pruneAuditAtOnce = 1_000

// PruneAudit removes audit records that are older than keep; that they are gone is itself recorded, in the workspace
// admin of their tenant.
func (a *Admin) PruneAudit(ctx context.Context, keep time.Duration) (total int64, err error) {
	all, err := a.store.AuditedWorkspaces(ctx)
	if err != nil {
		return 0, internal(err)
	}
	before := a.now().Add(-keep)
	for _, w := range all {
		removed := int64(0)
		for n := int64(pruneAuditAtOnce); n == pruneAuditAtOnce; removed += n {
			err := a.store.Tx(ctx, func(tx *store.Tx) (err error) {
				if n, err = tx.PruneAudit(ctx, w[0], w[1], before, pruneAuditAtOnce); err != nil || removed+n == 0 || n == pruneAuditAtOnce {
					return err // more to come: one record for all
				}
				c := &change{Tx: tx, admin: a, workspace: control.AdminWorkspace,
					actor: control.Actor{Kind: control.OperatorActor, ID: "retention", Name: "retention", TenantID: w[0]}}
				return c.audit(ctx, "audit", "deleted", w[1], nil, map[string]any{"records": removed + n, "before": before})
			})
			if err != nil {
				return total + removed, internal(err)
			}
		}
		total += removed
	}
	return total, nil
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
