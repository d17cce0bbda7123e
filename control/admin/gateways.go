package admin

import (
	"context"
	"errors"

	"portcullis/control"
	"portcullis/control/store"
)

// ListGateways lists the gateways of a workspace.
func (a *Admin) ListGateways(ctx context.Context, actor control.Actor, wid string) ([]control.GatewaySummary, error) {
	if err := a.allow(actor, "ListGateways", wid); err != nil {
		return nil, err
	}
	if _, err := a.store.Workspace(ctx, actor.TenantID, wid); err != nil {
		return nil, notFound(err, "workspace", wid)
	}
	out, err := a.store.Gateways(ctx, actor.TenantID, wid, store.Page{})
	return out, internal(err)
}

// gateway reads a gateway for a verb.
func (a *Admin) gateway(ctx context.Context, actor control.Actor, verb, gid string) (control.Gateway, error) {
	if err := a.known(actor, verb); err != nil {
		return control.Gateway{}, err
	}
	g, err := a.store.Gateway(ctx, actor.TenantID, gid)
	if err != nil {
		return control.Gateway{}, notFound(err, "gateway", gid)
	}
	if err := a.allowOn(actor, verb, g.WorkspaceID, "gateway", gid); err != nil {
		return control.Gateway{}, err
	}
	return g, nil
}

// CreateGateway makes a gateway and its client in the system workspace, with a random secret. A workspace has one AWS
// gateway (Options.AWSGatewaysPerWorkspace); one more is a Conflict "gateway_limit".
func (a *Admin) CreateGateway(ctx context.Context, actor control.Actor, in control.GatewayCreate) (control.GatewayWithClient, error) {
	if err := a.allow(actor, "CreateGateway", in.WorkspaceID); err != nil {
		return control.GatewayWithClient{}, err
	}
	var out control.GatewayWithClient
	err := a.change(ctx, actor, in.WorkspaceID, func(c *change) error {
		ws, err := c.Workspace(ctx, actor.TenantID, in.WorkspaceID)
		if err != nil {
			return err
		}
		g := control.Gateway{ID: store.NewID(), TenantID: actor.TenantID, WorkspaceID: in.WorkspaceID, ClientID: store.NewID(), Name: in.Name,
			Description: in.Description, Type: in.Type, AutoBind: in.AutoBind, DefaultPolicyID: in.DefaultPolicyID, CreatedAt: c.at()}
		if err := g.Validate(); err != nil {
			return err
		}
		if ws.Type != "regular" {
			return control.Errorf(control.Malformed, "system_workspace", "the workspace %q has no APIs to protect; create the gateway in another one", ws.Name)
		}
		if err := c.policyFits(ctx, "gateway", "default_policy_id", g.DefaultPolicyID); err != nil {
			return err
		}
		client := gatewayClient(g, ws.Name)
		if err := c.AddClient(ctx, client); err != nil {
			return err
		}
		secret, err := c.newSecret(ctx, client.ID)
		if err != nil {
			return err
		}
		slot, err := c.freeSlot(ctx, ws, g.Type)
		if err != nil {
			return err
		}
		if err := c.AddGateway(ctx, g, slot); err != nil {
			return exists(err, "gateway_limit", limitText, ws.Name)
		}
		out = a.withClient(g, client, secret)
		return c.audit(ctx, "gateway", "created", g.ID, nil, g)
	})
	if err != nil {
		return control.GatewayWithClient{}, err
	}
	return out, nil
}

const limitText = "the workspace %q has its AWS gateway already; use that one, or another workspace"

func gatewayScopes() []string {
	return []string{control.ScopeIntrospect, control.ScopePushRequests, control.ScopeReadConfiguration, control.ScopeWriteConfiguration}
}

// freeSlot is the first free place for a gateway of a type.
func (c *change) freeSlot(ctx context.Context, ws control.Workspace, kind string) (int, error) {
	taken, err := c.Slots(ctx, ws.TenantID, ws.ID, kind)
	if err != nil {
		return 0, err
	}
	slot := 0
	for _, n := range taken { // in order
		if n == slot {
			slot++
		}
	}
	if slot >= c.admin.awsLimit {
		return 0, control.Errorf(control.Conflict, "gateway_limit", limitText, ws.Name)
	}
	return slot, nil
}

func (a *Admin) withClient(g control.Gateway, client control.Client, secret string) control.GatewayWithClient {
	return control.GatewayWithClient{Gateway: g, Client: client, ClientSecret: secret, IssuerURL: a.IssuerURL(g.TenantID, control.SystemWorkspace),
		ServerURL: a.publicURL}
}

// GetGateway reads a gateway with the values of its SETTINGS tab but the secret, which ClientSecret reveals.
func (a *Admin) GetGateway(ctx context.Context, actor control.Actor, gid string) (control.GatewayWithClient, error) {
	g, err := a.gateway(ctx, actor, "GetGateway", gid)
	if err != nil {
		return control.GatewayWithClient{}, err
	}
	client, err := a.store.Client(ctx, actor.TenantID, g.ClientID)
	if err != nil {
		return control.GatewayWithClient{}, internal(err)
	}
	return a.withClient(g, client, ""), nil
}

// UpdateGateway changes name, description, the policy of newly discovered APIs, whether newly discovered groups get services
// of their own, and whose tokens may be exchanged.
func (a *Admin) UpdateGateway(ctx context.Context, actor control.Actor, gid string, u control.GatewayUpdate) (control.Gateway, error) {
	found, err := a.gateway(ctx, actor, "UpdateGateway", gid)
	if err != nil {
		return control.Gateway{}, err
	}
	var out control.Gateway
	err = a.change(ctx, actor, found.WorkspaceID, func(c *change) error {
		old, err := c.Gateway(ctx, actor.TenantID, gid)
		if err != nil {
			return notFound(err, "gateway", gid)
		}
		out = old
		out.Name, out.Description, out.DefaultPolicyID = u.Name, u.Description, u.DefaultPolicyID
		if u.AutoBind != nil {
			out.AutoBind = *u.AutoBind
		}
		if err := out.Validate(); err != nil {
			return err
		}
		if err := c.policyFits(ctx, "gateway", "default_policy_id", out.DefaultPolicyID); err != nil {
			return err
		}
		if err := c.SetGateway(ctx, out); err != nil {
			return err
		}
		if u.TokenExchange != nil {
			if out.TokenExchange, err = c.setExchange(ctx, out, *u.TokenExchange); err != nil {
				return err
			}
		}
		return c.audit(ctx, "gateway", "updated", gid, old, out)
	})
	return out, err
}

// DeleteGateway removes a gateway, its groups and its client; bound groups are unbound first.
func (a *Admin) DeleteGateway(ctx context.Context, actor control.Actor, gid string) error {
	found, err := a.gateway(ctx, actor, "DeleteGateway", gid)
	if err != nil {
		return err
	}
	return a.change(ctx, actor, found.WorkspaceID, func(c *change) error {
		g, err := c.Gateway(ctx, actor.TenantID, gid)
		if err != nil {
			return notFound(err, "gateway", gid)
		}
		c.revise = true
		return c.removeGateway(ctx, g)
	})
}

func (c *change) removeGateway(ctx context.Context, g control.Gateway) error {
	groups, err := c.Groups(ctx, g.TenantID, g.ID)
	if err != nil {
		return err
	}
	for _, x := range groups {
		if x.ServiceID != "" {
			if _, err := c.unbind(ctx, x); err != nil {
				return err
			}
		}
	}
	if err := c.RemoveGateway(ctx, g.TenantID, g.ID); err != nil {
		return err
	}
	if err := c.RemoveClient(ctx, g.TenantID, g.ClientID); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return c.audit(ctx, "gateway", "deleted", g.ID, g, nil)
}

// ListEnvironments lists the Lambda environments that poll for a gateway, last seen first.
func (a *Admin) ListEnvironments(ctx context.Context, actor control.Actor, gid string) ([]control.Environment, error) {
	if _, err := a.gateway(ctx, actor, "ListEnvironments", gid); err != nil {
		return nil, err
	}
	out, err := a.store.Environments(ctx, actor.TenantID, gid)
	return out, internal(err)
}

// gatewayClient is the client that a gateway gets in the system workspace.
func gatewayClient(g control.Gateway, workspace string) control.Client {
	return control.Client{ID: g.ClientID, TenantID: g.TenantID, WorkspaceID: control.SystemWorkspace, Name: g.Name,
		Description: "Client of the gateway " + g.Name + " of the workspace " + workspace, GrantTypes: []string{"client_credentials"}, RedirectURIs: []string{},
		Scopes: gatewayScopes(), Audience: []string{}, PostLogoutRedirectURIs: []string{}, AuthMethod: "client_secret_basic", Status: "active", System: true, CreatedAt: g.CreatedAt,
		UpdatedAt: g.CreatedAt}
}
