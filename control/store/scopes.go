package store

import (
	"context"

	"portcullis/control"
)

const scopeColumns = "c.tenant_id, c.id, c.workspace_id, c.service_id, c.name, c.display_name, c.description, c.implicit"

func scanScope(s scanner) (c control.Scope, err error) {
	return c, s.Scan(&c.TenantID, &c.ID, &c.WorkspaceID, &c.ServiceID, &c.Name, &c.DisplayName, &c.Description, &c.Implicit)
}

// Scope reads one.
func (r Reader) Scope(ctx context.Context, tenant, id string) (control.Scope, error) {
	return one(ctx, r.q, scanScope, "SELECT "+scopeColumns+" FROM scopes c WHERE c.tenant_id = $1 AND c.id = $2", tenant, id)
}

// Scopes lists the scopes of a workspace, by id.
func (r Reader) Scopes(ctx context.Context, tenant, workspace string, p Page) ([]control.Scope, error) {
	var w where
	w.add("c.tenant_id = ?", tenant)
	w.add("c.workspace_id = ?", workspace)
	return page(ctx, r.q, scanScope, "SELECT "+scopeColumns+" FROM scopes c", &w, "c.id", "c.name", p)
}

// ScopesOfService lists the scopes of one service, by id.
func (r Reader) ScopesOfService(ctx context.Context, tenant, service string) ([]control.Scope, error) {
	var w where
	w.add("c.tenant_id = ?", tenant)
	w.add("c.service_id = ?", service)
	return page(ctx, r.q, scanScope, "SELECT "+scopeColumns+" FROM scopes c", &w, "c.id", "c.name", Page{})
}

// AddScope makes a scope; ErrExists when the id, or the name in the workspace, is taken.
func (tx *Tx) AddScope(ctx context.Context, c control.Scope) error {
	return tx.exec(ctx, `INSERT INTO scopes (tenant_id, id, workspace_id, service_id, name, display_name, description, implicit)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, c.TenantID, c.ID, c.WorkspaceID, c.ServiceID, c.Name, c.DisplayName, c.Description, c.Implicit)
}

// SetScope changes everything but the ids.
func (tx *Tx) SetScope(ctx context.Context, c control.Scope) error {
	return tx.exec(ctx, "UPDATE scopes SET service_id = $1, name = $2, display_name = $3, description = $4, implicit = $5 WHERE tenant_id = $6 AND id = $7",
		c.ServiceID, c.Name, c.DisplayName, c.Description, c.Implicit, c.TenantID, c.ID)
}

// RemoveScope removes a scope.
func (tx *Tx) RemoveScope(ctx context.Context, tenant, id string) error {
	return tx.exec(ctx, "DELETE FROM scopes WHERE tenant_id = $1 AND id = $2", tenant, id)
}
