package store

import (
	"context"
	"strconv"

	"portcullis/control"
)

// StoredAPI is an API with what the wire does not show: Gone means that the gateway no longer reports it and that it is
// kept for its policy, outside every configuration.
type StoredAPI struct {
	control.API
	Gone bool
}

const apiColumns = `a.tenant_id, a.id, a.workspace_id, a.service_id, a.method, a.path, a.policy_id, a.api_type, a.can_have_policy,
	a.position, a.data_classifications_json, a.gone`

func scanAPI(s scanner) (a StoredAPI, err error) {
	a.DataClassifications = []string{}
	return a, s.Scan(&a.TenantID, &a.ID, &a.ServerID, &a.ServiceID, &a.Method, &a.Path, text{&a.PolicyID}, &a.APIType, &a.CanHavePolicy,
		&a.Position, fromJSON{&a.DataClassifications}, &a.Gone)
}

// API reads one.
func (r Reader) API(ctx context.Context, tenant, id string) (StoredAPI, error) {
	return one(ctx, r.q, scanAPI, "SELECT "+apiColumns+" FROM apis a WHERE a.tenant_id = $1 AND a.id = $2", tenant, id)
}

// MaxAPIs bounds the APIs of one workspace that a list returns.
const MaxAPIs = 200_000

// APIsOfService lists a service's APIs in position order, those that are gone at the end.
func (r Reader) APIsOfService(ctx context.Context, tenant, service string) ([]StoredAPI, error) {
	return list(ctx, r.q, scanAPI, "SELECT "+apiColumns+" FROM apis a WHERE a.tenant_id = $1 AND a.service_id = $2 ORDER BY a.gone, a.position, a.id LIMIT "+
		strconv.Itoa(MaxAPIs), tenant, service)
}

// APIs lists a workspace's APIs by service, then position; those that are gone at the end of their service.
func (r Reader) APIs(ctx context.Context, tenant, workspace string) ([]StoredAPI, error) {
	return list(ctx, r.q, scanAPI, "SELECT "+apiColumns+` FROM apis a WHERE a.tenant_id = $1 AND a.workspace_id = $2
		ORDER BY a.service_id, a.gone, a.position, a.id LIMIT `+strconv.Itoa(MaxAPIs), tenant, workspace)
}

// APIsOfGateway lists the APIs of the services bound to a gateway's groups, by service, then position, without those
// that are gone: what the gateway's authorizer enforces.
func (r Reader) APIsOfGateway(ctx context.Context, tenant, gateway string) ([]StoredAPI, error) {
	return list(ctx, r.q, scanAPI, "SELECT "+apiColumns+` FROM api_groups g JOIN apis a ON a.tenant_id = g.tenant_id AND a.service_id = g.service_id
		WHERE g.tenant_id = $1 AND g.gateway_id = $2 AND NOT a.gone ORDER BY a.service_id, a.position, a.id LIMIT `+strconv.Itoa(MaxAPIs), tenant, gateway)
}

// APIsOfPolicy lists at most limit APIs that a policy is assigned to, those that are gone included.
func (r Reader) APIsOfPolicy(ctx context.Context, tenant, policy string, limit int) ([]StoredAPI, error) {
	return list(ctx, r.q, scanAPI, "SELECT "+apiColumns+" FROM apis a WHERE a.tenant_id = $1 AND a.policy_id = $2 ORDER BY a.service_id, a.position, a.id LIMIT "+
		strconv.Itoa(limit), tenant, policy)
}

// AddAPI makes an API; ErrExists when the service has that method and path, ErrReferenced when service or policy is not
// there.
func (tx *Tx) AddAPI(ctx context.Context, a control.API) error {
	return tx.exec(ctx, `INSERT INTO apis (tenant_id, id, workspace_id, service_id, method, path, policy_id, api_type, can_have_policy, position,
		data_classifications_json, gone) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		a.TenantID, a.ID, a.ServerID, a.ServiceID, a.Method, a.Path, orNull(a.PolicyID), a.APIType, a.CanHavePolicy, a.Position,
		jsonList(a.DataClassifications), false)
}

// SetAPI changes policy, data classifications, position and whether it is gone.
func (tx *Tx) SetAPI(ctx context.Context, a StoredAPI) error {
	return tx.exec(ctx, "UPDATE apis SET policy_id = $1, data_classifications_json = $2, position = $3, gone = $4 WHERE tenant_id = $5 AND id = $6",
		orNull(a.PolicyID), jsonList(a.DataClassifications), a.Position, a.Gone, a.TenantID, a.ID)
}

// RemoveAPI removes an API.
func (tx *Tx) RemoveAPI(ctx context.Context, tenant, id string) error {
	return tx.exec(ctx, "DELETE FROM apis WHERE tenant_id = $1 AND id = $2", tenant, id)
}

// RemoveAPIsOfService removes all APIs of a service.
func (tx *Tx) RemoveAPIsOfService(ctx context.Context, tenant, service string) error {
	_, err := tx.count(ctx, "DELETE FROM apis WHERE tenant_id = $1 AND service_id = $2", tenant, service)
	return err
}
