package admin

import (
	"context"

	"portcullis/control"
	"portcullis/control/store"
)

// Workspace reads a workspace for the issuer, at most half a second old when it was changed on another node.
func (a *Admin) Workspace(ctx context.Context, tenant, wid string) (control.Workspace, error) {
	w, err := recall(&a.cache, &a.cache.workspaces, key(tenant, wid), a.now(), func() (control.Workspace, error) {
		return a.store.Workspace(ctx, tenant, wid)
	})
	return w, notFound(err, "workspace", wid)
}

// ActorForToken is who presents a verified access token of the admin or the system workspace. A client of the admin
// workspace acts as an administrator; one of the system workspace as a gateway, within the token's scopes. The client
// must still be there and active: deleting it ends its tokens, on other nodes within half a second.
func (a *Admin) ActorForToken(ctx context.Context, tenant, wid, clientID string, scopes []string) (control.Actor, error) {
	denied := control.Errorf(control.Unauthenticated, "invalid_token", "the access token's client is unknown or inactive; get a new token")
	client, err := recall(&a.cache, &a.cache.clients, key(tenant, clientID), a.now(), func() (control.Client, error) {
		return a.store.Client(ctx, tenant, clientID)
	})
	if err != nil {
		if err = notFound(err, "client", clientID); control.KindOf(err) == control.NotFound {
			return control.Actor{}, denied
		}
		return control.Actor{}, err
	}
	if client.WorkspaceID != wid || client.Status != "active" {
		return control.Actor{}, denied
	}
	actor := control.Actor{ID: client.ID, Name: client.Name, TenantID: tenant, Scopes: scopes}
	switch wid {
	case control.AdminWorkspace:
		actor.Kind, actor.Role = control.ClientActor, control.Admin
	case control.SystemWorkspace:
		actor.Kind = control.GatewayActor
	default:
		return control.Actor{}, denied
	}
	return actor, nil
}

// ServiceAudiences are the audiences of all services of a workspace.
func (a *Admin) ServiceAudiences(ctx context.Context, tenant, wid string) ([]string, error) {
	all, err := a.store.Services(ctx, tenant, wid, store.Page{})
	if err != nil {
		return nil, internal(err)
	}
	out := make([]string, len(all))
	for i := range all {
		a.audience(&all[i].Service)
		out[i] = all[i].Audience
	}
	return out, nil
}

// AudienceOf is the audience of one service. :: service id → audience
func (a *Admin) AudienceOf(ctx context.Context, tenant, wid string) (map[string]string, error) {
	all, err := a.store.Services(ctx, tenant, wid, store.Page{})
	if err != nil {
		return nil, internal(err)
	}
	out := map[string]string{}
	for i := range all {
		a.audience(&all[i].Service)
		out[all[i].ID] = all[i].Audience
	}
	return out, nil
}

// ScopesOf are the scopes of a workspace.
func (a *Admin) ScopesOf(ctx context.Context, tenant, wid string) ([]control.Scope, error) {
	out, err := a.store.Scopes(ctx, tenant, wid, store.Page{})
	return out, internal(err)
}
