package admin

import (
	"context"

	"portcullis/control"
	"portcullis/control/store"
)

// ListUsers lists the portal users of the tenant.
func (a *Admin) ListUsers(ctx context.Context, actor control.Actor) ([]control.User, error) {
	if err := a.allow(actor, "ListUsers", ""); err != nil {
		return nil, err
	}
	out, err := a.store.Users(ctx, actor.TenantID, store.Page{})
	return out, internal(err)
}

// CreateUser makes a portal user.
func (a *Admin) CreateUser(ctx context.Context, actor control.Actor, u control.User, password string) (control.User, error) {
	if err := a.allow(actor, "CreateUser", ""); err != nil {
		return control.User{}, err
	}
	u.ID, u.TenantID, u.CreatedAt = store.NewID(), actor.TenantID, a.now().UTC()
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
		c.workspace = control.AdminWorkspace
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

// UpdateUser changes a user's name and roles. The last admin stays one.
func (a *Admin) UpdateUser(ctx context.Context, actor control.Actor, u control.User) (control.User, error) {
	if err := a.allow(actor, "UpdateUser", ""); err != nil {
		return control.User{}, err
	}
	err := a.users(ctx, actor, u.ID, func(c *change, old control.User) error {
		u.TenantID, u.Username, u.CreatedAt = old.TenantID, old.Username, old.CreatedAt
		if err := u.Validate(); err != nil {
			return err
		}
		if err := c.SetUser(ctx, u); err != nil {
			return err
		}
		return c.audit(ctx, "user", "updated", u.ID, old, u)
	})
	if err != nil {
		return control.User{}, err
	}
	return u, nil
}

// users runs a change of one user while no other user changes, and refuses it when no admin would be left.
func (a *Admin) users(ctx context.Context, actor control.Actor, uid string, f func(*change, control.User) error) error {
	return a.change(ctx, actor, control.AdminWorkspace, func(c *change) error {
		old, err := c.User(ctx, actor.TenantID, uid)
		if err != nil {
			return notFound(err, "user", uid)
		}
		if err := f(c, old); err != nil {
			return err
		}
		all, err := c.Users(ctx, actor.TenantID, store.Page{})
		if err != nil {
			return err
		}
		for _, u := range all {
			if u.Role == control.Admin {
				return nil
			}
		}
		return control.Errorf(control.Malformed, "last_admin", "%q is the only administrator; make another one first", old.Username)
	})
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
	return a.users(ctx, actor, uid, func(c *change, _ control.User) error {
		if err := c.SetPassword(ctx, actor.TenantID, uid, hash); err != nil {
			return err
		}
		return c.audit(ctx, "credential", "updated", uid, nil, nil)
	})
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
