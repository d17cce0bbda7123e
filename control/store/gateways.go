package store

import (
	"context"
	"time"

	"portcullis/control"
	"portcullis/edge/waist"
)

const gatewayColumns = `g.tenant_id, g.id, g.workspace_id, g.client_id, g.name, g.description, g.type, g.auto_bind, g.default_policy_id,
	g.last_active, g.created_at, g.first_authenticated, g.first_discovered, g.first_attached, g.token_exchange_json`

func gatewayDest(g *control.Gateway) []any {
	return []any{&g.TenantID, &g.ID, &g.WorkspaceID, &g.ClientID, &g.Name, &g.Description, &g.Type, &g.AutoBind, text{&g.DefaultPolicyID},
		at{&g.LastActive}, at{&g.CreatedAt}, at{&g.FirstAuthenticated}, at{&g.FirstDiscovered}, at{&g.FirstAttached}, fromJSON{&g.TokenExchange}}
}

func scanGateway(s scanner) (g control.Gateway, err error) { return g, s.Scan(gatewayDest(&g)...) }

// Gateway reads one.
func (r Reader) Gateway(ctx context.Context, tenant, id string) (control.Gateway, error) {
	return one(ctx, r.q, scanGateway, "SELECT "+gatewayColumns+" FROM gateways g WHERE g.tenant_id = $1 AND g.id = $2", tenant, id)
}

// GatewayOfClient reads the gateway that a client belongs to.
func (r Reader) GatewayOfClient(ctx context.Context, tenant, client string) (control.Gateway, error) {
	return one(ctx, r.q, scanGateway, "SELECT "+gatewayColumns+" FROM gateways g WHERE g.tenant_id = $1 AND g.client_id = $2", tenant, client)
}

// GatewayState is what a poll that changes nothing needs: one indexed read.
type GatewayState struct {
	GatewayID, WorkspaceID string
	Revision               int64
	InventoryHash          string
}

// StateOfClient reads the state of the gateway that a client belongs to.
func (r Reader) StateOfClient(ctx context.Context, tenant, client string) (GatewayState, error) {
	return one(ctx, r.q, func(s scanner) (g GatewayState, err error) {
		return g, s.Scan(&g.GatewayID, &g.WorkspaceID, &g.Revision, &g.InventoryHash)
	}, `SELECT g.id, g.workspace_id, w.revision, g.inventory_hash FROM gateways g
		JOIN workspaces w ON w.tenant_id = g.tenant_id AND w.id = g.workspace_id WHERE g.tenant_id = $1 AND g.client_id = $2`, tenant, client)
}

// Gateways lists the gateways of a workspace, by id.
func (r Reader) Gateways(ctx context.Context, tenant, workspace string, p Page) ([]control.GatewaySummary, error) {
	var w where
	w.add("g.tenant_id = ?", tenant)
	w.add("g.workspace_id = ?", workspace)
	return page(ctx, r.q, func(s scanner) (x control.GatewaySummary, err error) {
		return x, s.Scan(append(gatewayDest(&x.Gateway), &x.Groups, &x.BoundGroups)...)
	}, "SELECT "+gatewayColumns+`,
		(SELECT COUNT(*) FROM api_groups a WHERE a.tenant_id = g.tenant_id AND a.gateway_id = g.id),
		(SELECT COUNT(*) FROM api_groups a WHERE a.tenant_id = g.tenant_id AND a.gateway_id = g.id AND a.service_id IS NOT NULL)
		FROM gateways g`, &w, "g.id", "g.name", p)
}

// Slots are the slots taken by gateways of a type in a workspace, in order.
func (r Reader) Slots(ctx context.Context, tenant, workspace, kind string) ([]int, error) {
	return list(ctx, r.q, func(s scanner) (n int, err error) { return n, s.Scan(&n) },
		"SELECT slot FROM gateways WHERE tenant_id = $1 AND workspace_id = $2 AND type = $3 ORDER BY slot", tenant, workspace, kind)
}

// AddGateway makes a gateway; ErrExists when its slot is taken.
func (tx *Tx) AddGateway(ctx context.Context, g control.Gateway, slot int) error {
	return tx.exec(ctx, `INSERT INTO gateways (tenant_id, id, workspace_id, client_id, name, description, type, slot, auto_bind, default_policy_id,
		inventory_hash, created_at, last_active, inventory_at, first_authenticated, first_discovered, first_attached)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', $11, 0, 0, 0, 0, 0)`,
		g.TenantID, g.ID, g.WorkspaceID, g.ClientID, g.Name, g.Description, g.Type, slot, g.AutoBind, orNull(g.DefaultPolicyID), micros(g.CreatedAt))
}

// SetTokenExchange changes whose tokens a gateway may exchange.
func (tx *Tx) SetTokenExchange(ctx context.Context, tenant, gateway string, t control.TokenExchange) error {
	return tx.exec(ctx, "UPDATE gateways SET token_exchange_json = $1 WHERE tenant_id = $2 AND id = $3", jsonText(t), tenant, gateway)
}

// SetGateway changes name, description, default policy and automatic binding.
func (tx *Tx) SetGateway(ctx context.Context, g control.Gateway) error {
	return tx.exec(ctx, "UPDATE gateways SET name = $1, description = $2, default_policy_id = $3, auto_bind = $4 WHERE tenant_id = $5 AND id = $6",
		g.Name, g.Description, orNull(g.DefaultPolicyID), g.AutoBind, g.TenantID, g.ID)
}

// SetInventoryHash records which inventory the groups come from, and when a gateway first discovered and first attached
// anything (kept when they are set).
func (tx *Tx) SetInventoryHash(ctx context.Context, tenant, gateway, hash string, now time.Time, attached bool) error {
	first := int64(0)
	if attached {
		first = micros(now)
	}
	return tx.exec(ctx, `UPDATE gateways SET inventory_hash = $1, inventory_at = $2,
		first_discovered = CASE WHEN first_discovered = 0 THEN $3 ELSE first_discovered END,
		first_attached = CASE WHEN first_attached = 0 THEN $4 ELSE first_attached END
		WHERE tenant_id = $5 AND id = $6`, hash, micros(now), micros(now), first, tenant, gateway)
}

// Seen records that a gateway fetched its configuration.
func (tx *Tx) Seen(ctx context.Context, tenant, gateway string, now time.Time) error {
	return tx.exec(ctx, `UPDATE gateways SET last_active = $1,
		first_authenticated = CASE WHEN first_authenticated = 0 THEN $2 ELSE first_authenticated END
		WHERE tenant_id = $3 AND id = $4`, micros(now), micros(now), tenant, gateway)
}

// RemoveGateway removes a gateway with its groups and environments; its groups must not be bound. The client stays.
func (tx *Tx) RemoveGateway(ctx context.Context, tenant, id string) error {
	if _, err := tx.count(ctx, "DELETE FROM api_groups WHERE tenant_id = $1 AND gateway_id = $2", tenant, id); err != nil {
		return err
	}
	return tx.exec(ctx, "DELETE FROM gateways WHERE tenant_id = $1 AND id = $2", tenant, id)
}

// StoredGroup is an API group with the key that makes it the same one when its id or name changes.
type StoredGroup struct {
	control.APIGroup
	NaturalKey string
}

const groupColumns = "g.tenant_id, g.gateway_id, g.id, g.workspace_id, g.natural_key, g.name, g.metadata_json, g.apis_json, g.service_id, g.gone, g.seen_at"

func scanGroup(s scanner) (g StoredGroup, err error) {
	g.APIs = []waist.GatewayAPI{}
	return g, s.Scan(&g.TenantID, &g.GatewayID, &g.ID, &g.WorkspaceID, &g.NaturalKey, &g.Name, fromJSON{&g.Metadata}, fromJSON{&g.APIs},
		text{&g.ServiceID}, &g.Gone, at{&g.LastSeen})
}

// Group reads one.
func (r Reader) Group(ctx context.Context, tenant, gateway, id string) (StoredGroup, error) {
	return one(ctx, r.q, scanGroup, "SELECT "+groupColumns+" FROM api_groups g WHERE g.tenant_id = $1 AND g.gateway_id = $2 AND g.id = $3", tenant, gateway, id)
}

// GroupOfService reads the group that is bound to a service.
func (r Reader) GroupOfService(ctx context.Context, tenant, service string) (StoredGroup, error) {
	return one(ctx, r.q, scanGroup, "SELECT "+groupColumns+" FROM api_groups g WHERE g.tenant_id = $1 AND g.service_id = $2", tenant, service)
}

// Groups lists the groups of a gateway, by name.
func (r Reader) Groups(ctx context.Context, tenant, gateway string) ([]StoredGroup, error) {
	return list(ctx, r.q, scanGroup, "SELECT "+groupColumns+" FROM api_groups g WHERE g.tenant_id = $1 AND g.gateway_id = $2 ORDER BY g.name, g.id", tenant, gateway)
}

// BoundGroups lists the bound groups of a workspace, by service.
func (r Reader) BoundGroups(ctx context.Context, tenant, workspace string) ([]StoredGroup, error) {
	return list(ctx, r.q, scanGroup, "SELECT "+groupColumns+` FROM api_groups g WHERE g.tenant_id = $1 AND g.workspace_id = $2 AND g.service_id IS NOT NULL
		ORDER BY g.service_id`, tenant, workspace)
}

// AddGroup makes a group; ErrExists when its id, key or service is taken.
func (tx *Tx) AddGroup(ctx context.Context, g StoredGroup) error {
	return tx.exec(ctx, `INSERT INTO api_groups (tenant_id, gateway_id, id, workspace_id, natural_key, name, metadata_json, apis_json, service_id, gone, seen_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		g.TenantID, g.GatewayID, g.ID, g.WorkspaceID, g.NaturalKey, g.Name, jsonText(g.Metadata), jsonList(g.APIs), orNull(g.ServiceID), g.Gone, micros(g.LastSeen))
}

// SetGroup changes everything of the group that has the id was.
func (tx *Tx) SetGroup(ctx context.Context, was string, g StoredGroup) error {
	return tx.exec(ctx, `UPDATE api_groups SET id = $1, natural_key = $2, name = $3, metadata_json = $4, apis_json = $5, service_id = $6, gone = $7, seen_at = $8
		WHERE tenant_id = $9 AND gateway_id = $10 AND id = $11`,
		g.ID, g.NaturalKey, g.Name, jsonText(g.Metadata), jsonList(g.APIs), orNull(g.ServiceID), g.Gone, micros(g.LastSeen), g.TenantID, g.GatewayID, was)
}

// RemoveGroup removes a group.
func (tx *Tx) RemoveGroup(ctx context.Context, tenant, gateway, id string) error {
	return tx.exec(ctx, "DELETE FROM api_groups WHERE tenant_id = $1 AND gateway_id = $2 AND id = $3", tenant, gateway, id)
}

// PutEnvironment records a poll of an environment.
func (tx *Tx) PutEnvironment(ctx context.Context, tenant, gateway string, e control.Environment) error {
	_, err := tx.count(ctx, `INSERT INTO environments (tenant_id, gateway_id, id, version, authorizer_version, revision, age_seconds, first_seen, seen_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (tenant_id, gateway_id, id) DO UPDATE SET version = excluded.version, authorizer_version = excluded.authorizer_version,
		revision = excluded.revision, age_seconds = excluded.age_seconds, seen_at = excluded.seen_at`,
		tenant, gateway, e.ID, e.Version, e.AuthorizerVersion, e.Revision, e.AgeSeconds, micros(e.SeenAt), micros(e.SeenAt))
	return err
}

// PruneEnvironments removes what has been silent since a time, and all but the newest max.
func (tx *Tx) PruneEnvironments(ctx context.Context, tenant, gateway string, silentSince time.Time, max int) error {
	_, err := tx.count(ctx, `DELETE FROM environments WHERE tenant_id = $1 AND gateway_id = $2 AND (seen_at < $3 OR id NOT IN
		(SELECT id FROM environments WHERE tenant_id = $4 AND gateway_id = $5 ORDER BY seen_at DESC, id LIMIT $6))`,
		tenant, gateway, micros(silentSince), tenant, gateway, max)
	return err
}

// Environments lists the environments of a gateway, last seen first.
func (r Reader) Environments(ctx context.Context, tenant, gateway string) ([]control.Environment, error) {
	return list(ctx, r.q, func(s scanner) (e control.Environment, err error) {
		return e, s.Scan(&e.ID, &e.Version, &e.AuthorizerVersion, &e.Revision, &e.AgeSeconds, at{&e.FirstSeen}, at{&e.SeenAt})
	}, `SELECT id, version, authorizer_version, revision, age_seconds, first_seen, seen_at FROM environments
		WHERE tenant_id = $1 AND gateway_id = $2 ORDER BY seen_at DESC, id LIMIT 10000`, tenant, gateway)
}
