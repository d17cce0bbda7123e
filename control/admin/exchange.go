package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"portcullis/control"
	"portcullis/control/store"
)

// exchangeable checks whose tokens a gateway is to exchange, and brings the list into one form. find gives the providers of the
// gateway's workspace, or store.ErrNotFound.
func exchangeable(t *control.TokenExchange, find func(id string) (store.IDP, error)) error {
	var check control.Checks
	if t.TrustedIDPs == nil {
		t.TrustedIDPs = []string{}
	}
	slices.Sort(t.TrustedIDPs)
	t.TrustedIDPs = slices.Compact(t.TrustedIDPs)
	if len(t.TrustedIDPs) > control.MaxIDPs {
		check.Add("token_exchange", fmt.Sprintf("names more than %d identity providers", control.MaxIDPs))
		return check.Err("gateway")
	}
	for _, id := range t.TrustedIDPs {
		p, err := find(id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err != nil || p.Method != control.MethodOIDC {
			check.Add("token_exchange", fmt.Sprintf("names %q, which is no identity provider of method oidc of this workspace", id))
		}
	}
	if t.Enabled && len(t.TrustedIDPs) == 0 {
		check.Add("token_exchange", "needs trusted_idp_ids: without any there is nothing to exchange")
	}
	return check.Err("gateway")
}

// setExchange writes whose tokens a gateway may exchange, and gives or takes the scope that its client needs for it. g is the
// gateway as it was.
func (c *change) setExchange(ctx context.Context, g control.Gateway, t control.TokenExchange) (control.TokenExchange, error) {
	find := func(id string) (store.IDP, error) { return c.IDP(ctx, g.TenantID, g.WorkspaceID, id) }
	if err := exchangeable(&t, find); err != nil {
		return t, err
	}
	client, err := c.Client(ctx, g.TenantID, g.ClientID)
	if err != nil {
		return t, err
	}
	if has := slices.Contains(client.Scopes, control.ScopeExchange); has != t.Enabled {
		client.Scopes = slices.DeleteFunc(slices.Clone(client.Scopes), func(s string) bool { return s == control.ScopeExchange })
		if t.Enabled {
			client.Scopes = append(client.Scopes, control.ScopeExchange)
		}
		client.UpdatedAt = c.at()
		if err := c.SetClient(ctx, client); err != nil {
			return t, err
		}
	}
	c.revise = c.revise || g.TokenExchange.Enabled != t.Enabled
	return t, c.SetTokenExchange(ctx, g.TenantID, g.ID, t)
}

// TokenExchange says which providers' tokens the actor's gateway may exchange in which workspace. Providers that were
// switched off or removed since are left out.
func (a *Admin) TokenExchange(ctx context.Context, actor control.Actor) (control.Exchange, error) {
	if err := a.allow(actor, "TokenExchange", ""); err != nil {
		return control.Exchange{}, err
	}
	g, err := a.store.GatewayOfClient(ctx, actor.TenantID, actor.ID)
	if errors.Is(err, store.ErrNotFound) {
		return control.Exchange{}, control.Errorf(control.NotFound, "not_found", "the client %q belongs to no gateway; it may have been deleted", actor.ID)
	}
	if err != nil {
		return control.Exchange{}, internal(err)
	}
	if !g.TokenExchange.Enabled { // since the actor's token was issued
		return control.Exchange{}, control.Errorf(control.Forbidden, "insufficient_scope", "the gateway may not exchange tokens any more")
	}
	all, err := a.IDPs(ctx, g.TenantID, g.WorkspaceID)
	if err != nil {
		return control.Exchange{}, err
	}
	out := control.Exchange{TenantID: g.TenantID, WorkspaceID: g.WorkspaceID, ClientID: g.ClientID, IDPs: []control.IDP{}}
	for _, p := range all {
		if p.Method == control.MethodOIDC && p.OIDC != nil && !p.Disabled && slices.Contains(g.TokenExchange.TrustedIDPs, p.ID) {
			out.IDPs = append(out.IDPs, p)
		}
	}
	return out, nil
}

// Mapped is what a provider's mappings make of the claims of somebody who is not stored: names and attributes, no roles.
func Mapped(s control.OIDCSettings, subject string, claims map[string]json.RawMessage) control.User {
	u := control.User{Subject: subject}
	s.Roles = nil
	take(&u, s, claims)
	return u
}
