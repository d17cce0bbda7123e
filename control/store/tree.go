package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"portcullis/control"
	"portcullis/edge/waist"
)

// Tree is everything in a workspace that its configuration as one document shows, read in whole: no list is cut.
type Tree struct {
	Workspace control.Workspace
	Policies  []control.Policy
	Embeds    [][2]string // policy, embedded policy
	Services  []control.Service
	APIs      []StoredAPI
	Scopes    []control.Scope
	Clients   []control.Client // without those of gateways
	Gateways  []control.Gateway
	Groups    []StoredGroup
	// TrustedIssuers are other issuers whose tokens the workspace takes; Kept are the sealed secrets that policies read.
	TrustedIssuers []waist.TrustedIssuer
	IDPs           []IDP
	Kept           []WorkspaceSecret
	// Secrets are the sealed current secrets of the clients and of the gateways' clients. :: client id → secret
	Secrets map[string]ClientSecret
}

// Tree reads a workspace; ErrNotFound when there is none. Call it on a snapshot or in a transaction.
func (r Reader) Tree(ctx context.Context, tenant, workspace string) (t Tree, err error) {
	if t.Workspace, err = r.Workspace(ctx, tenant, workspace); err != nil {
		return t, err
	}
	if t.TrustedIssuers, err = r.TrustedIssuers(ctx, tenant, workspace); err != nil {
		return t, err
	}
	if t.IDPs, err = r.IDPs(ctx, tenant, workspace); err != nil {
		return t, err
	}
	if t.Kept, err = r.WorkspaceSecrets(ctx, tenant, workspace); err != nil {
		return t, err
	}
	if t.Policies, err = r.PoliciesOf(ctx, tenant, workspace); err != nil {
		return t, err
	}
	if len(t.Policies) >= MaxPage {
		return t, fmt.Errorf("store: the workspace %s has more policies than one document holds", workspace)
	}
	if t.Embeds, err = r.Embeds(ctx, tenant, workspace); err != nil {
		return t, err
	}
	if t.Services, err = list(ctx, r.q, scanService, "SELECT "+serviceColumns+` FROM services s WHERE s.tenant_id = $1 AND s.workspace_id = $2 ORDER BY s.id`,
		tenant, workspace); err != nil {
		return t, err
	}
	if t.APIs, err = r.APIs(ctx, tenant, workspace); err != nil {
		return t, err
	}
	if len(t.APIs) >= MaxAPIs {
		return t, fmt.Errorf("store: the workspace %s has more APIs than one document holds", workspace)
	}
	if t.Scopes, err = list(ctx, r.q, scanScope, "SELECT "+scopeColumns+" FROM scopes c WHERE c.tenant_id = $1 AND c.workspace_id = $2 ORDER BY c.name",
		tenant, workspace); err != nil {
		return t, err
	}
	if t.Clients, err = list(ctx, r.q, scanClient, "SELECT "+clientColumns+` FROM clients c WHERE c.tenant_id = $1 AND c.workspace_id = $2
		AND NOT EXISTS (SELECT 1 FROM gateways g WHERE g.tenant_id = c.tenant_id AND g.client_id = c.id) ORDER BY c.id`, tenant, workspace); err != nil {
		return t, err
	}
	if t.Gateways, err = list(ctx, r.q, scanGateway, "SELECT "+gatewayColumns+" FROM gateways g WHERE g.tenant_id = $1 AND g.workspace_id = $2 ORDER BY g.id",
		tenant, workspace); err != nil {
		return t, err
	}
	if t.Groups, err = list(ctx, r.q, scanGroup, "SELECT "+groupColumns+` FROM api_groups g WHERE g.tenant_id = $1 AND g.workspace_id = $2
		ORDER BY g.gateway_id, g.id`, tenant, workspace); err != nil {
		return t, err
	}
	secrets, err := list(ctx, r.q, scanSecret, "SELECT "+secretColumns+` FROM client_secrets s WHERE s.tenant_id = $1 AND s.expires_at = 0 AND (
		s.client_id IN (SELECT c.id FROM clients c WHERE c.tenant_id = $2 AND c.workspace_id = $3) OR
		s.client_id IN (SELECT g.client_id FROM gateways g WHERE g.tenant_id = $4 AND g.workspace_id = $5)) ORDER BY s.client_id, s.id`,
		tenant, tenant, workspace, tenant, workspace)
	t.Secrets = map[string]ClientSecret{}
	for _, s := range secrets {
		t.Secrets[s.ClientID] = s
	}
	return t, err
}

// The kinds of objects whose ids are unique in a tenant.
const (
	Policies = "policies"
	Services = "services"
	APIs     = "apis"
	Clients  = "clients"
	Gateways = "gateways"
)

// WorkspacesOf says in which workspaces the objects of a kind with these ids are; ids that nothing has are left out.
// :: id → workspace id
func (r Reader) WorkspacesOf(ctx context.Context, kind, tenant string, ids []string) (map[string]string, error) {
	out := map[string]string{}
	const most = 500 // parameters of one statement
	for len(ids) > 0 {
		n := min(most, len(ids))
		args := []any{tenant}
		var marks []string
		for i, id := range ids[:n] {
			marks = append(marks, "$"+strconv.Itoa(i+2))
			args = append(args, id)
		}
		found, err := list(ctx, r.q, func(s scanner) (p [2]string, err error) { return p, s.Scan(&p[0], &p[1]) },
			"SELECT id, workspace_id FROM "+kind+" WHERE tenant_id = $1 AND id IN ("+strings.Join(marks, ", ")+")", args...)
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			out[p[0]] = p[1]
		}
		ids = ids[n:]
	}
	return out, nil
}

// WorkspaceIDs lists the workspaces of a tenant.
func (r Reader) WorkspaceIDs(ctx context.Context, tenant string) ([]string, error) {
	return list(ctx, r.q, scanString, "SELECT id FROM workspaces WHERE tenant_id = $1 ORDER BY id", tenant)
}

// ReplaceAPI writes everything of an API but its ids, method and path.
func (tx *Tx) ReplaceAPI(ctx context.Context, a StoredAPI) error {
	return tx.exec(ctx, "UPDATE apis SET policy_id = $1, data_classifications_json = $2, position = $3, gone = $4, can_have_policy = $5 WHERE tenant_id = $6 AND id = $7",
		orNull(a.PolicyID), jsonList(a.DataClassifications), a.Position, a.Gone, a.CanHavePolicy, a.TenantID, a.ID)
}

// ReplaceGateway writes name, description, default policy and automatic binding of a gateway.
func (tx *Tx) ReplaceGateway(ctx context.Context, g control.Gateway) error {
	return tx.exec(ctx, "UPDATE gateways SET name = $1, description = $2, default_policy_id = $3, auto_bind = $4 WHERE tenant_id = $5 AND id = $6",
		g.Name, g.Description, orNull(g.DefaultPolicyID), g.AutoBind, g.TenantID, g.ID)
}

// SetSpecification records whether a service's APIs come from a specification.
func (tx *Tx) SetSpecification(ctx context.Context, tenant, service string, with bool) error {
	return tx.exec(ctx, "UPDATE services SET with_specification = $1 WHERE tenant_id = $2 AND id = $3", with, tenant, service)
}

// ForgetInventory makes the next report of a gateway be taken in, whatever it says.
func (tx *Tx) ForgetInventory(ctx context.Context, tenant, gateway string) error {
	return tx.exec(ctx, "UPDATE gateways SET inventory_hash = '' WHERE tenant_id = $1 AND id = $2", tenant, gateway)
}
