package admin

import (
	"context"

	"portcullis/control"
	"portcullis/control/store"
)

// regular refuses the workspaces whose users are not a workspace's own affair.
func regular(wid string) error {
	switch wid {
	case control.AdminWorkspace:
		return control.Errorf(control.Malformed, "portal_users", "the users of the workspace %q are the portal's; use those operations", wid)
	case control.SystemWorkspace:
		return control.Errorf(control.Malformed, "system_workspace", "nobody logs in to the workspace %q: its clients are gateways", wid)
	}
	return nil
}

// workspaceVerb authorises a verb on the users of a workspace.
func (a *Admin) workspaceVerb(actor control.Actor, verb, wid string) error {
	if err := a.allow(actor, verb, wid); err != nil {
		return err
	}
	return regular(wid)
}

// ListWorkspaceUsers lists users who log in at the issuer of a workspace, by id: those whose username holds a text, at most
// limit of them, or as many as a list may have where it is 0.
func (a *Admin) ListWorkspaceUsers(ctx context.Context, actor control.Actor, wid, search string, limit int) ([]control.User, error) {
	if err := a.workspaceVerb(actor, "ListWorkspaceUsers", wid); err != nil {
		return nil, err
	}
	if _, err := a.store.Workspace(ctx, actor.TenantID, wid); err != nil {
		return nil, notFound(err, "workspace", wid)
	}
	out, err := a.store.Users(ctx, actor.TenantID, wid, store.Page{Search: search, Limit: limit})
	return out, internal(err)
}

// GetWorkspaceUser reads one.
func (a *Admin) GetWorkspaceUser(ctx context.Context, actor control.Actor, wid, uid string) (control.User, error) {
	if err := a.workspaceVerb(actor, "GetWorkspaceUser", wid); err != nil {
		return control.User{}, err
	}
	u, err := a.store.User(ctx, actor.TenantID, uid)
	if err == nil && u.WorkspaceID != wid {
		return control.User{}, notFound(store.ErrNotFound, "user", uid)
	}
	return u, notFound(err, "user", uid)
}

// CreateWorkspaceUser makes a user with a password, in the workspace's own list.
func (a *Admin) CreateWorkspaceUser(ctx context.Context, actor control.Actor, u control.User, password string) (control.User, error) {
	if err := a.workspaceVerb(actor, "CreateWorkspaceUser", u.WorkspaceID); err != nil {
		return control.User{}, err
	}
	if _, err := a.store.Workspace(ctx, actor.TenantID, u.WorkspaceID); err != nil {
		return control.User{}, notFound(err, "workspace", u.WorkspaceID)
	}
	u.ID, u.TenantID, u.CreatedAt = store.NewID(), actor.TenantID, a.now().UTC()
	return a.createUser(ctx, actor, u, password)
}

// UpdateWorkspaceUser changes a user's name, email and attributes, and whether the user can log in.
func (a *Admin) UpdateWorkspaceUser(ctx context.Context, actor control.Actor, u control.User) (control.User, error) {
	if err := a.workspaceVerb(actor, "UpdateWorkspaceUser", u.WorkspaceID); err != nil {
		return control.User{}, err
	}
	var out control.User
	err := a.change(ctx, actor, u.WorkspaceID, func(c *change) error {
		old, err := c.userOf(ctx, u.WorkspaceID, u.ID)
		if err == nil {
			out, err = c.updateUser(ctx, old, u)
		}
		return err
	})
	return out, err
}

// SetWorkspacePassword gives a static user a new password and ends all sessions of the user.
func (a *Admin) SetWorkspacePassword(ctx context.Context, actor control.Actor, wid, uid, password string) error {
	if err := a.workspaceVerb(actor, "SetWorkspacePassword", wid); err != nil {
		return err
	}
	if err := control.ValidatePassword(password); err != nil {
		return err
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return internal(err)
	}
	return a.change(ctx, actor, wid, func(c *change) error {
		u, err := c.userOf(ctx, wid, uid)
		if err != nil {
			return err
		}
		return c.setPassword(ctx, u, hash)
	})
}

// DeleteWorkspaceUser removes a user; sessions and grants end. One of another provider comes back by logging in.
func (a *Admin) DeleteWorkspaceUser(ctx context.Context, actor control.Actor, wid, uid string) error {
	if err := a.workspaceVerb(actor, "DeleteWorkspaceUser", wid); err != nil {
		return err
	}
	return a.change(ctx, actor, wid, func(c *change) error {
		old, err := c.userOf(ctx, wid, uid)
		if err != nil {
			return err
		}
		if err := c.RemoveUser(ctx, actor.TenantID, uid); err != nil {
			return err
		}
		return c.audit(ctx, "user", "deleted", uid, old, nil)
	})
}
