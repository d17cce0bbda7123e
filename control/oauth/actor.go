package oauth

import (
	"context"
	"errors"

	"portcullis/control"
	"portcullis/control/store"
)

// Actor is who presents a bearer token at the API that a workspace guards (admin or system); the tenant is the token's
// own. A token of client_credentials acts as its client. A token that a user allowed acts as that user, with the user's
// roles as they are now and never with the client's, and only at the admin API: no person is a gateway.
func (i *Issuer) Actor(ctx context.Context, workspace, bearer string) (control.Actor, error) {
	c, err := i.VerifyAccessToken(ctx, i.verified.tenantOf(workspace, bearer), workspace, bearer)
	if err != nil {
		return control.Actor{}, err
	}
	// Also for a user: a client that was switched off speaks for nobody any more.
	actor, err := i.admin.ActorForToken(ctx, c.Tenant, workspace, c.ClientID, c.Scopes)
	if err != nil {
		return control.Actor{}, err
	}
	if c.Grant == "" && c.Subject == c.ClientID {
		return actor, nil
	}
	if workspace != control.AdminWorkspace || c.Grant == "" {
		return control.Actor{}, errToken
	}
	user, err := i.store.User(ctx, c.Tenant, c.Subject)
	if errors.Is(err, store.ErrNotFound) {
		return control.Actor{}, errToken
	}
	if err != nil {
		return control.Actor{}, err
	}
	if user.WorkspaceID != control.AdminWorkspace || user.Disabled {
		return control.Actor{}, errToken
	}
	return control.Actor{Kind: control.UserActor, ID: user.ID, Name: user.Username, TenantID: user.TenantID, Role: user.Role, Roles: user.Roles, Scopes: c.Scopes}, nil
}
