package store

import (
	"context"

	"portcullis/control"
)

// A service's gateway_id is that of its bound group, so it cannot disagree with the binding.
const serviceColumns = `s.tenant_id, s.id, s.workspace_id, s.name, s.description, s.custom_audience, s.system, s.type,
	s.with_specification, s.updated_at,
	COALESCE((SELECT g.gateway_id FROM api_groups g WHERE g.tenant_id = s.tenant_id AND g.service_id = s.id), '')`

func serviceDest(s *control.Service) []any {
	return []any{&s.TenantID, &s.ID, &s.WorkspaceID, &s.Name, &s.Description, &s.CustomAudience, &s.System, &s.Type,
		&s.WithSpecification, at{&s.UpdatedAt}, &s.GatewayID}
}

func scanService(r scanner) (s control.Service, err error) { return s, r.Scan(serviceDest(&s)...) }

// Service reads one. Its Audience is left empty: it depends on the public URL.
func (r Reader) Service(ctx context.Context, tenant, id string) (control.Service, error) {
	return one(ctx, r.q, scanService, "SELECT "+serviceColumns+" FROM services s WHERE s.tenant_id = $1 AND s.id = $2", tenant, id)
}

// Services lists the services of a workspace with their counts. Subscribers are clients with a scope of the
// service; they are counted in package admin, because scopes are lists.
func (r Reader) Services(ctx context.Context, tenant, workspace string, p Page) ([]control.ServiceSummary, error) {
	var w where
	w.add("s.tenant_id = ?", tenant)
	w.add("s.workspace_id = ?", workspace)
	w.in("s.type", p.Types)
	return page(ctx, r.q, func(sc scanner) (x control.ServiceSummary, err error) {
		return x, sc.Scan(append(serviceDest(&x.Service), &x.NumberOfAPIs, &x.NumberOfScopes)...)
	}, "SELECT "+serviceColumns+`,
		(SELECT COUNT(*) FROM apis a WHERE a.tenant_id = s.tenant_id AND a.service_id = s.id AND NOT a.gone),
		(SELECT COUNT(*) FROM scopes c WHERE c.tenant_id = s.tenant_id AND c.service_id = s.id)
		FROM services s`, &w, "s.id", "s.name", p)
}

// AddService makes a service; ErrExists when the id is taken.
func (tx *Tx) AddService(ctx context.Context, s control.Service) error {
	return tx.exec(ctx, `INSERT INTO services (tenant_id, id, workspace_id, name, description, custom_audience, system, type,
		with_specification, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		s.TenantID, s.ID, s.WorkspaceID, s.Name, s.Description, s.CustomAudience, s.System, s.Type, s.WithSpecification, micros(s.UpdatedAt))
}

// SetService changes name, description and custom audience.
func (tx *Tx) SetService(ctx context.Context, s control.Service) error {
	return tx.exec(ctx, "UPDATE services SET name = $1, description = $2, custom_audience = $3, updated_at = $4 WHERE tenant_id = $5 AND id = $6",
		s.Name, s.Description, s.CustomAudience, micros(s.UpdatedAt), s.TenantID, s.ID)
}

// RemoveService removes a service with its scopes; ErrReferenced while it has APIs or a bound group.
func (tx *Tx) RemoveService(ctx context.Context, tenant, id string) error {
	if _, err := tx.count(ctx, "DELETE FROM scopes WHERE tenant_id = $1 AND service_id = $2", tenant, id); err != nil {
		return err
	}
	return tx.exec(ctx, "DELETE FROM services WHERE tenant_id = $1 AND id = $2", tenant, id)
}
