package admin

import (
	"context"
	"time"

	"portcullis/control"
	"portcullis/control/store"
)

// ListUsers lists the portal users of the tenant.
func (a *Admin) ListUsers(ctx context.Context, actor control.Actor) ([]control.User, error) {
	if err := a.allow(actor, "ListUsers", ""); err != nil {
		return nil, err
	}
	out, err := a.store.Users(ctx, actor.TenantID, control.AdminWorkspace, store.Page{})
	return out, internal(err)
}

// CreateUser makes a portal user with a password here. Those of other providers come by logging in.
func (a *Admin) CreateUser(ctx context.Context, actor control.Actor, u control.User, password string) (control.User, error) {
	if err := a.allow(actor, "CreateUser", ""); err != nil {
		return control.User{}, err
	}
	u.ID, u.TenantID, u.WorkspaceID, u.CreatedAt = store.NewID(), actor.TenantID, control.AdminWorkspace, a.now().UTC()
	return a.createUser(ctx, actor, u, password)
}

// createUser makes a static user.
func (a *Admin) createUser(ctx context.Context, actor control.Actor, u control.User, password string) (control.User, error) {
	u.IDPID, u.Subject, u.LoginAt = control.StaticIDP, u.Username, time.Time{}
	if err := u.Validate(); err != nil {
		return control.User{}, err
	}
	if err := control.ValidatePassword(password); err != nil {
		return control.User{}, err
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return control.User{}, internal(err)
	}
	err = a.change(ctx, actor, "", func(c *change) error {
		c.workspace = u.WorkspaceID
		if _, err := c.IDP(ctx, u.TenantID, u.WorkspaceID, control.StaticIDP); err != nil {
			if notFoundOnly(err) == nil {
				return control.Errorf(control.Malformed, "no_static_idp", "the workspace %q has no users of its own; connect the identity provider of the method static first", u.WorkspaceID)
			}
			return err
		}
		if err := c.AddUser(ctx, u, hash); err != nil {
			return exists(err, "user_exists", "there is a user %q already", u.Username)
		}
		return c.audit(ctx, "user", "created", u.ID, nil, u)
	})
	if err != nil {
		return control.User{}, err
	}
	return u, nil
}

// UpdateUser changes a user's name, email, attributes and roles, and whether the user can log in. The last local admin
// stays one. What another provider says of its users, and the roles that its rules give, the next log-in sets again.
func (a *Admin) UpdateUser(ctx context.Context, actor control.Actor, u control.User) (control.User, error) {
	if err := a.allow(actor, "UpdateUser", ""); err != nil {
		return control.User{}, err
	}
	var out control.User
	err := a.users(ctx, actor, u.ID, func(c *change, old control.User) (err error) {
		out, err = c.updateUser(ctx, old, u)
		return err
	})
	return out, err
}

func (c *change) updateUser(ctx context.Context, old, u control.User) (control.User, error) {
	u.TenantID, u.WorkspaceID, u.IDPID, u.Subject, u.Username = old.TenantID, old.WorkspaceID, old.IDPID, old.Subject, old.Username
	u.CreatedAt, u.LoginAt = old.CreatedAt, old.LoginAt
	if err := u.Validate(); err != nil {
		return u, err
	}
	if err := c.SetUser(ctx, u); err != nil {
		return u, err
	}
	if u.Disabled && !old.Disabled {
		if err := c.RemoveSessionsOf(ctx, u.TenantID, u.ID); err != nil {
			return u, err
		}
	}
	return u, c.audit(ctx, "user", "updated", u.ID, old, u)
}

// users runs a change of one user while no other user changes, and refuses it when no admin would be left.
func (a *Admin) users(ctx context.Context, actor control.Actor, uid string, f func(*change, control.User) error) error {
	return a.change(ctx, actor, control.AdminWorkspace, func(c *change) error {
		old, err := c.userOf(ctx, control.AdminWorkspace, uid)
		if err != nil {
			return err
		}
		if err := f(c, old); err != nil {
			return err
		}
		// One who logs in elsewhere does not count: when that provider is down, somebody must still get in.
		all, err := c.Users(ctx, actor.TenantID, control.AdminWorkspace, store.Page{})
		if err != nil {
			return err
		}
		for _, u := range all {
			if u.Role == control.Admin && u.Static() && !u.Disabled {
				return nil
			}
		}
		return control.Errorf(control.Malformed, "last_admin", "%q is the only administrator with a local account; make another one first", old.Username)
	})
}

// userOf reads a user of a workspace.
func (c *change) userOf(ctx context.Context, wid, uid string) (control.User, error) {
	u, err := c.User(ctx, c.actor.TenantID, uid)
	if err == nil && u.WorkspaceID != wid {
		err = store.ErrNotFound
	}
	return u, notFound(err, "user", uid)
}

// SetPassword gives a user a new password and ends all sessions of the user.
func (a *Admin) SetPassword(ctx context.Context, actor control.Actor, uid, password string) error {
	if err := a.allow(actor, "SetPassword", ""); err != nil {
		return err
	}
	if err := control.ValidatePassword(password); err != nil {
		return err
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return internal(err)
	}
	return a.users(ctx, actor, uid, func(c *change, u control.User) error { return c.setPassword(ctx, u, hash) })
}

func (c *change) setPassword(ctx context.Context, u control.User, hash string) error {
	if !u.Static() {
		return control.Errorf(control.Malformed, "external_user", "the password of %q is kept by the identity provider %q", u.Username, u.IDPID)
	}
	if err := c.SetPassword(ctx, u.TenantID, u.ID, hash); err != nil {
		return err
	}
	return c.audit(ctx, "credential", "updated", u.ID, nil, nil)
}

// DeleteUser removes a user and ends the user's sessions. The last admin stays.
func (a *Admin) DeleteUser(ctx context.Context, actor control.Actor, uid string) error {
	if err := a.allow(actor, "DeleteUser", ""); err != nil {
		return err
	}
	return a.users(ctx, actor, uid, func(c *change, old control.User) error {
		if err := c.RemoveUser(ctx, actor.TenantID, uid); err != nil {
			return err
		}
		return c.audit(ctx, "user", "deleted", uid, old, nil)
	})
}
