package admin

import (
	"context"
	"errors"
	"slices"

	"portcullis/control"
	"portcullis/control/store"
)

// portalClient is the id of the portal's client in the workspace admin. What it gets are tokens of users; its own it
// cannot get, since it may not use client_credentials.
const portalClient = "admin-portal"

// PortalCallback is where the issuer sends browsers back to the portal, and PortalHome where it does after logging out.
const (
	PortalCallback = "/app/login/callback"
	PortalHome     = "/app/"
)

// portal is the client as it must be at this public URL.
func (a *Admin) portal(tenant string) control.Client {
	c := control.Client{ID: portalClient, TenantID: tenant, WorkspaceID: control.AdminWorkspace, Name: "Admin Portal", Description: "The portal of this server", GrantTypes: []string{"authorization_code"},
		RedirectURIs: []string{a.publicURL + PortalCallback}, PostLogoutRedirectURIs: []string{a.publicURL + PortalHome}, System: true, Trusted: true}
	clientDefaults(&c)
	return c
}

func (c *change) addPortal(ctx context.Context) error {
	p := c.admin.portal(c.actor.TenantID)
	p.CreatedAt, p.UpdatedAt = c.at(), c.at()
	if err := p.Validate(); err != nil {
		return err
	}
	if err := c.AddClient(ctx, p); err != nil {
		return err
	}
	if _, err := c.newSecret(ctx, p.ID); err != nil {
		return err
	}
	return c.audit(ctx, "client", "created", p.ID, nil, p)
}

// ensurePortal makes the portal's client where an older database lacks it, and lets it follow the public URL.
func (a *Admin) ensurePortal(ctx context.Context) error {
	want := a.portal(control.DefaultTenant)
	fits := func(have control.Client) bool {
		return slices.Equal(have.RedirectURIs, want.RedirectURIs) && slices.Equal(have.PostLogoutRedirectURIs, want.PostLogoutRedirectURIs)
	}
	have, err := a.store.Client(ctx, control.DefaultTenant, portalClient)
	if err == nil && fits(have) {
		return nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return internal(err)
	}
	actor := control.Actor{Kind: control.OperatorActor, ID: "bootstrap", Name: "bootstrap", TenantID: control.DefaultTenant, Role: control.Admin}
	err = a.change(ctx, actor, control.AdminWorkspace, func(c *change) error {
		old, err := c.Client(ctx, control.DefaultTenant, portalClient)
		if errors.Is(err, store.ErrNotFound) {
			return c.addPortal(ctx)
		}
		if err != nil || fits(old) {
			return err
		}
		if !old.System || old.WorkspaceID != control.AdminWorkspace {
			return control.Errorf(control.Conflict, "client_exists", "the client %q is not the portal's; rename it: the portal logs in with a client of this id", portalClient)
		}
		next := old
		next.RedirectURIs, next.PostLogoutRedirectURIs, next.UpdatedAt = want.RedirectURIs, want.PostLogoutRedirectURIs, c.at()
		if err := c.SetClient(ctx, next); err != nil {
			return err
		}
		return c.audit(ctx, "client", "updated", next.ID, old, next)
	})
	return err
}

// PortalClient is what the portal proves itself with at the issuer of the workspace admin.
func (a *Admin) PortalClient(ctx context.Context, tenant string) (id, secret string, err error) {
	secret, err = a.readSecret(ctx, tenant, portalClient)
	return portalClient, secret, internal(err)
}
