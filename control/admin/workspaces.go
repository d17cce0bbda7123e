package admin

import (
	"context"
	"errors"
	"time"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/policy"
)

// IssuerURL is the issuer of a workspace: {public URL}/{tenant}/{workspace}.
func (a *Admin) IssuerURL(tenant, wid string) string { return a.publicURL + "/" + tenant + "/" + wid }

// ListWorkspaces lists the workspaces in which the actor has a role, with what their cards show.
func (a *Admin) ListWorkspaces(ctx context.Context, actor control.Actor) ([]control.WorkspaceSummary, error) {
	return a.PageWorkspaces(ctx, actor, control.Page{})
}

// PageWorkspaces is a page of ListWorkspaces.
func (a *Admin) PageWorkspaces(ctx context.Context, actor control.Actor, p control.Page) ([]control.WorkspaceSummary, error) {
	if err := a.allow(actor, "ListWorkspaces", ""); err != nil {
		return nil, err
	}
	only, but := a.visible(actor)
	out, err := a.store.Workspaces(ctx, actor.TenantID, only, but, p)
	return out, internal(err)
}

// visible are the workspaces that an actor may read: those of only (nil: all of the tenant) without those of but.
func (a *Admin) visible(actor control.Actor) (only, but []string) {
	everywhere := actor
	everywhere.Roles = nil
	if a.allow(everywhere, "GetWorkspace", "any") != nil {
		only = []string{}
	}
	for _, wid := range keys(actor.Roles) {
		switch may := a.allow(actor, "GetWorkspace", wid) == nil; {
		case may && only != nil:
			only = append(only, wid)
		case !may && only == nil:
			but = append(but, wid)
		}
	}
	return only, but
}

// GetWorkspace reads one workspace.
func (a *Admin) GetWorkspace(ctx context.Context, actor control.Actor, wid string) (control.Workspace, error) {
	if err := a.allow(actor, "GetWorkspace", wid); err != nil {
		return control.Workspace{}, err
	}
	w, err := a.store.Workspace(ctx, actor.TenantID, wid)
	return w, notFound(err, "workspace", wid)
}

// workspaceDefaults fills in what a new workspace may leave out (acp.md A.2: access token 1h, ecdsa, "#007FFF").
func workspaceDefaults(w *control.Workspace) {
	if w.Color == "" {
		w.Color = "#007FFF"
	}
	if w.Type == "" {
		w.Type = "regular"
	}
	if w.KeyType == "" {
		w.KeyType = "ecdsa"
	}
	if w.AccessTokenStrategy == "" {
		w.AccessTokenStrategy = "jwt"
	}
	if w.AccessTokenTTL == 0 {
		w.AccessTokenTTL = control.Duration(time.Hour)
	}
	if w.DynamicScopeSep == "" {
		w.DynamicScopeSep = "."
	}
}

// CreateWorkspace makes a regular workspace with a signing key and the default policies. The id may be left out: it is
// then made from the name, or random when that is taken or has no letters.
func (a *Admin) CreateWorkspace(ctx context.Context, actor control.Actor, w control.Workspace) (control.Workspace, error) {
	return a.createWorkspace(ctx, actor, w, nil)
}

// CreateDemoWorkspace is CreateWorkspace with a client to get a first token by, or neither of them.
func (a *Admin) CreateDemoWorkspace(ctx context.Context, actor control.Actor, w control.Workspace) (control.Workspace, error) {
	return a.createWorkspace(ctx, actor, w, func(c *change) error {
		_, _, err := c.createClient(ctx, control.Client{Name: "Demo client", Description: "Made with the workspace, to get a first token",
			GrantTypes: []string{"client_credentials"}}, "")
		return err
	})
}

// createWorkspace makes a workspace and, in the same transaction, what more puts into it.
func (a *Admin) createWorkspace(ctx context.Context, actor control.Actor, w control.Workspace, more func(*change) error) (control.Workspace, error) {
	if err := a.allow(actor, "CreateWorkspace", ""); err != nil {
		return control.Workspace{}, err
	}
	workspaceDefaults(&w)
	if w.Type != "regular" {
		return control.Workspace{}, control.Errorf(control.Invalid, "invalid_workspace", "only workspaces of type regular can be created")
	}
	given := w.ID != ""
	if !given {
		if w.ID = control.Slug(w.Name); w.ID == "" {
			w.ID = store.NewID()
		}
	}
	w.TenantID, w.CreatedAt = actor.TenantID, a.now().UTC().Truncate(time.Microsecond)
	w.UpdatedAt = w.CreatedAt
	if err := w.Validate(); err != nil {
		return control.Workspace{}, err
	}
	if !given {
		switch _, err := a.store.Workspace(ctx, w.TenantID, w.ID); {
		case err == nil, control.ReservedWorkspace(w.ID):
			w.ID = store.NewID()
		case !errors.Is(err, store.ErrNotFound):
			return control.Workspace{}, internal(err)
		}
	}
	err := a.change(ctx, actor, "", func(c *change) error {
		if err := c.birth(ctx, w); err != nil {
			return err
		}
		if more != nil {
			if err := more(c); err != nil {
				return err
			}
		}
		return c.audit(ctx, "server", "created", w.ID, nil, w)
	})
	if err != nil {
		return control.Workspace{}, err
	}
	w.Revision = 1
	return w, nil
}

// birth adds a workspace with its key and default policies, and makes it the workspace of the change.
func (c *change) birth(ctx context.Context, w control.Workspace) error {
	if control.ReservedWorkspace(w.ID) {
		var check control.Checks
		check.Add("id", "is taken by a page of the portal; choose another")
		return check.Err("workspace")
	}
	if err := c.AddWorkspace(ctx, w); err != nil {
		return exists(err, "workspace_exists", "there is a workspace %q already; choose another id", w.ID)
	}
	c.workspace = w.ID
	if err := c.newKey(ctx, w); err != nil {
		return err
	}
	if w.ID != control.SystemWorkspace { // where nobody logs in
		p := ownUsers(w.TenantID, w.ID)
		p.CreatedAt, p.UpdatedAt = c.at(), c.at()
		if err := c.AddIDP(ctx, store.IDP{IDP: p}); err != nil {
			return err
		}
	}
	for _, p := range defaultPolicies(w.TenantID, w.ID) {
		if err := c.AddPolicy(ctx, p, c.admin.now()); err != nil {
			return err
		}
	}
	return nil
}

// defaultPolicies are the policies that every workspace is born with, by the ids the published product gives them. Those
// that are not for APIs are stored for imports and exports that name them.
func defaultPolicies(tenant, wid string) []control.Policy {
	out := policy.DefaultPolicies(wid)
	for i := range out {
		out[i].TenantID = tenant
		policyDefaults(&out[i])
	}
	return out
}

// UpdateWorkspace changes name, description, colour, token settings and scope separator. A new key type takes effect
// with the next rotation of the key.
func (a *Admin) UpdateWorkspace(ctx context.Context, actor control.Actor, w control.Workspace) (control.Workspace, error) {
	if err := a.allow(actor, "UpdateWorkspace", w.ID); err != nil {
		return control.Workspace{}, err
	}
	workspaceDefaults(&w)
	var out control.Workspace
	err := a.change(ctx, actor, w.ID, func(c *change) error {
		old, err := c.Workspace(ctx, actor.TenantID, w.ID)
		if err != nil {
			return notFound(err, "workspace", w.ID)
		}
		out = w
		out.TenantID, out.Type, out.CreatedAt, out.UpdatedAt, out.Revision = old.TenantID, old.Type, old.CreatedAt, c.at(), old.Revision
		if err := out.Validate(); err != nil {
			return err
		}
		// Issuers sign with the token settings and authorizers split dynamic scopes: both follow the revision.
		c.revise = true
		if err := c.SetWorkspace(ctx, out); err != nil {
			return err
		}
		out.Revision++
		return c.audit(ctx, "server", "updated", w.ID, old, out)
	})
	return out, err
}

// at is the time of the change as it is stored.
func (c *change) at() time.Time { return c.admin.now().UTC().Truncate(time.Microsecond) }

// DeleteWorkspace removes a workspace with everything in it, its gateways and their clients included. Its authorizers
// lose their credentials and deny once their last configuration is too old.
func (a *Admin) DeleteWorkspace(ctx context.Context, actor control.Actor, wid string) error {
	if err := a.allow(actor, "DeleteWorkspace", wid); err != nil {
		return err
	}
	if wid == control.AdminWorkspace || wid == control.SystemWorkspace {
		return control.Errorf(control.Malformed, "system_workspace", "the workspace %q belongs to the tenant itself and cannot be deleted", wid)
	}
	return a.change(ctx, actor, wid, func(c *change) error {
		old, err := c.Workspace(ctx, actor.TenantID, wid)
		if err != nil {
			return notFound(err, "workspace", wid)
		}
		gateways, err := c.Gateways(ctx, actor.TenantID, wid, store.Page{})
		if err != nil {
			return err
		}
		for _, g := range gateways {
			if err := c.removeGateway(ctx, g.Gateway); err != nil {
				return err
			}
		}
		if err := c.RemoveWorkspace(ctx, actor.TenantID, wid); err != nil {
			return err
		}
		c.revise = false                     // nothing is left that could have a revision
		c.workspace = control.AdminWorkspace // its own audit can no longer be listed
		return c.audit(ctx, "server", "deleted", wid, old, nil)
	})
}
