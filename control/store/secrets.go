package store

import (
	"context"

	"portcullis/control"
)

// WorkspaceSecret is a secret with its sealed value.
type WorkspaceSecret struct {
	control.Secret
	Sealed string
}

const workspaceSecretColumns = "s.tenant_id, s.workspace_id, s.id, s.name, s.sealed, s.created_at, s.updated_at"

func scanWorkspaceSecret(r scanner) (s WorkspaceSecret, err error) {
	return s, r.Scan(&s.TenantID, &s.WorkspaceID, &s.ID, &s.Name, &s.Sealed, at{&s.CreatedAt}, at{&s.UpdatedAt})
}

// WorkspaceSecret reads one.
func (r Reader) WorkspaceSecret(ctx context.Context, tenant, workspace, id string) (WorkspaceSecret, error) {
	return one(ctx, r.q, scanWorkspaceSecret, "SELECT "+workspaceSecretColumns+" FROM workspace_secrets s WHERE s.tenant_id = $1 AND s.workspace_id = $2 AND s.id = $3",
		tenant, workspace, id)
}

// WorkspaceSecrets lists the secrets of a workspace, by name.
func (r Reader) WorkspaceSecrets(ctx context.Context, tenant, workspace string) ([]WorkspaceSecret, error) {
	return list(ctx, r.q, scanWorkspaceSecret, "SELECT "+workspaceSecretColumns+` FROM workspace_secrets s WHERE s.tenant_id = $1 AND s.workspace_id = $2
		ORDER BY s.name LIMIT 1000`, tenant, workspace)
}

// AllWorkspaceSecrets lists the secrets of all tenants behind a cursor, for sealing them anew.
func (r Reader) AllWorkspaceSecrets(ctx context.Context, tenant, workspace, id string, limit int) ([]WorkspaceSecret, error) {
	return list(ctx, r.q, scanWorkspaceSecret, "SELECT "+workspaceSecretColumns+` FROM workspace_secrets s WHERE (s.tenant_id, s.workspace_id, s.id) > ($1, $2, $3)
		ORDER BY s.tenant_id, s.workspace_id, s.id LIMIT $4`, tenant, workspace, id, limit)
}

// AddWorkspaceSecret makes a secret; ErrExists when the id or the name is taken in the workspace.
func (tx *Tx) AddWorkspaceSecret(ctx context.Context, s WorkspaceSecret) error {
	return tx.exec(ctx, "INSERT INTO workspace_secrets (tenant_id, workspace_id, id, name, sealed, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		s.TenantID, s.WorkspaceID, s.ID, s.Name, s.Sealed, micros(s.CreatedAt), micros(s.UpdatedAt))
}

// SetWorkspaceSecret changes name and value; ErrExists when the name is taken.
func (tx *Tx) SetWorkspaceSecret(ctx context.Context, s WorkspaceSecret) error {
	return tx.exec(ctx, "UPDATE workspace_secrets SET name = $1, sealed = $2, updated_at = $3 WHERE tenant_id = $4 AND workspace_id = $5 AND id = $6",
		s.Name, s.Sealed, micros(s.UpdatedAt), s.TenantID, s.WorkspaceID, s.ID)
}

// RemoveWorkspaceSecret removes a secret.
func (tx *Tx) RemoveWorkspaceSecret(ctx context.Context, tenant, workspace, id string) error {
	return tx.exec(ctx, "DELETE FROM workspace_secrets WHERE tenant_id = $1 AND workspace_id = $2 AND id = $3", tenant, workspace, id)
}

// WorkspaceMetadata is the free JSON that was noted about a workspace; "{}" when nothing was.
func (r Reader) WorkspaceMetadata(ctx context.Context, tenant, id string) (string, error) {
	return one(ctx, r.q, scanString, "SELECT metadata_json FROM workspaces WHERE tenant_id = $1 AND id = $2", tenant, id)
}

// SetWorkspaceMetadata notes a JSON object about a workspace.
func (tx *Tx) SetWorkspaceMetadata(ctx context.Context, tenant, id, json string) error {
	return tx.exec(ctx, "UPDATE workspaces SET metadata_json = $1 WHERE tenant_id = $2 AND id = $3", json, tenant, id)
}
