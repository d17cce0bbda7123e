package store

import (
	"context"
	"time"

	"portcullis/control"
)

// AddTenant makes a tenant; ErrExists when it is there.
func (tx *Tx) AddTenant(ctx context.Context, id, name string, now time.Time) error {
	return tx.exec(ctx, "INSERT INTO tenants (id, name, created_at) VALUES ($1, $2, $3)", id, name, micros(now))
}

// HasTenant reports whether a tenant exists.
func (r Reader) HasTenant(ctx context.Context, id string) (bool, error) {
	var n int
	err := r.q.QueryRowContext(ctx, "SELECT COUNT(*) FROM tenants WHERE id = $1", id).Scan(&n)
	return n > 0, wrap(err)
}

const workspaceColumns = `w.tenant_id, w.id, w.name, w.description, w.color, w.type, w.key_type, w.access_token_strategy,
	w.access_token_ttl, w.dynamic_scope_separator, w.revision, w.created_at, w.updated_at`

func workspaceDest(w *control.Workspace) []any {
	return []any{&w.TenantID, &w.ID, &w.Name, &w.Description, &w.Color, &w.Type, &w.KeyType, &w.AccessTokenStrategy,
		&w.AccessTokenTTL, &w.DynamicScopeSep, &w.Revision, at{&w.CreatedAt}, at{&w.UpdatedAt}}
}

func scanWorkspace(s scanner) (w control.Workspace, err error) {
	return w, s.Scan(workspaceDest(&w)...)
}

// Workspace reads one.
func (r Reader) Workspace(ctx context.Context, tenant, id string) (control.Workspace, error) {
	return one(ctx, r.q, scanWorkspace, "SELECT "+workspaceColumns+" FROM workspaces w WHERE w.tenant_id = $1 AND w.id = $2", tenant, id)
}

// Revision is a workspace's configuration counter and when it last grew.
func (r Reader) Revision(ctx context.Context, tenant, id string) (revision int64, since time.Time, err error) {
	err = wrap(r.q.QueryRowContext(ctx, "SELECT revision, revised_at FROM workspaces WHERE tenant_id = $1 AND id = $2", tenant, id).
		Scan(&revision, at{&since}))
	return revision, since, err
}

// Workspaces lists workspaces with their counts: those with an id among only (nil: any) and not among but.
func (r Reader) Workspaces(ctx context.Context, tenant string, only, but []string, p Page) ([]control.WorkspaceSummary, error) {
	var w where
	w.add("w.tenant_id = ?", tenant)
	w.in("w.type", p.Types)
	if only != nil {
		w.in("w.id", append(only, "")) // nothing when it is empty
	}
	for _, id := range but {
		w.add("w.id <> ?", id)
	}
	return page(ctx, r.q, func(s scanner) (x control.WorkspaceSummary, err error) {
		dest := append(workspaceDest(&x.Workspace), &x.Services, &x.APIs, &x.OpenAPIs, &x.Gateways, &x.Policies, at{&x.LastActive})
		return x, s.Scan(dest...)
	}, "SELECT "+workspaceColumns+`,
		(SELECT COUNT(*) FROM services s WHERE s.tenant_id = w.tenant_id AND s.workspace_id = w.id),
		(SELECT COUNT(*) FROM apis a WHERE a.tenant_id = w.tenant_id AND a.workspace_id = w.id AND NOT a.gone),
		(SELECT COUNT(*) FROM apis a WHERE a.tenant_id = w.tenant_id AND a.workspace_id = w.id AND NOT a.gone AND a.policy_id IS NULL),
		(SELECT COUNT(*) FROM gateways g WHERE g.tenant_id = w.tenant_id AND g.workspace_id = w.id),
		(SELECT COUNT(*) FROM policies p WHERE p.tenant_id = w.tenant_id AND p.workspace_id = w.id),
		(SELECT COALESCE(MAX(g.last_active), 0) FROM gateways g WHERE g.tenant_id = w.tenant_id AND g.workspace_id = w.id)
		FROM workspaces w`, &w, "w.id", "w.name", p)
}

// AddWorkspace makes a workspace at revision 1; ErrExists when the id is taken.
func (tx *Tx) AddWorkspace(ctx context.Context, w control.Workspace) error {
	return tx.exec(ctx, `INSERT INTO workspaces (tenant_id, id, name, description, color, type, key_type, access_token_strategy,
		access_token_ttl, dynamic_scope_separator, revision, revised_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $12, $13)`,
		w.TenantID, w.ID, w.Name, w.Description, w.Color, w.Type, w.KeyType, w.AccessTokenStrategy,
		int64(w.AccessTokenTTL), w.DynamicScopeSep, micros(w.CreatedAt), micros(w.CreatedAt), micros(w.UpdatedAt))
}

// SetWorkspace changes what may change: all but ids, type, revision and the time of birth.
func (tx *Tx) SetWorkspace(ctx context.Context, w control.Workspace) error {
	return tx.exec(ctx, `UPDATE workspaces SET name = $1, description = $2, color = $3, key_type = $4, access_token_strategy = $5,
		access_token_ttl = $6, dynamic_scope_separator = $7, updated_at = $8 WHERE tenant_id = $9 AND id = $10`,
		w.Name, w.Description, w.Color, w.KeyType, w.AccessTokenStrategy, int64(w.AccessTokenTTL), w.DynamicScopeSep,
		micros(w.UpdatedAt), w.TenantID, w.ID)
}

// LockWorkspace makes other writers of the workspace wait until this transaction ends. ErrNotFound when there is no such
// workspace.
func (tx *Tx) LockWorkspace(ctx context.Context, tenant, id string) error {
	return tx.exec(ctx, "UPDATE workspaces SET revision = revision WHERE tenant_id = $1 AND id = $2", tenant, id)
}

// Revise makes the workspace's revision grow and returns it.
func (tx *Tx) Revise(ctx context.Context, tenant, id string, now time.Time) (int64, error) {
	var n int64
	err := tx.q.QueryRowContext(ctx, "UPDATE workspaces SET revision = revision + 1, revised_at = $1 WHERE tenant_id = $2 AND id = $3 RETURNING revision",
		micros(now), tenant, id).Scan(&n)
	return n, wrap(err)
}

// RemoveWorkspace removes a workspace with everything in it but its audit; gateways and their clients (which live in the
// system workspace) must be gone. ErrReferenced when they are not.
func (tx *Tx) RemoveWorkspace(ctx context.Context, tenant, id string) error {
	for _, table := range []string{"apis", "scopes", "services", "policy_embeds", "policies", "clients", "users", "decisions", "decision_minutes", "decision_latencies", "dropped_minutes"} {
		query := "DELETE FROM " + table + " WHERE tenant_id = $1 AND workspace_id = $2"
		if table == "policy_embeds" {
			query = "DELETE FROM policy_embeds WHERE tenant_id = $1 AND policy_id IN (SELECT id FROM policies WHERE tenant_id = $2 AND workspace_id = $3)"
			if _, err := tx.count(ctx, query, tenant, tenant, id); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.count(ctx, query, tenant, id); err != nil {
			return err
		}
	}
	return tx.exec(ctx, "DELETE FROM workspaces WHERE tenant_id = $1 AND id = $2", tenant, id)
}
