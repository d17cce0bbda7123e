package admin

import (
	"context"

	"portcullis/control"
	"portcullis/control/store"
)

// ListScopes lists the scopes of a workspace.
func (a *Admin) ListScopes(ctx context.Context, actor control.Actor, wid string) ([]control.Scope, error) {
	if err := a.allow(actor, "ListScopes", wid); err != nil {
		return nil, err
	}
	if _, err := a.store.Workspace(ctx, actor.TenantID, wid); err != nil {
		return nil, notFound(err, "workspace", wid)
	}
	out, err := a.store.Scopes(ctx, actor.TenantID, wid, store.Page{})
	return out, internal(err)
}

// GetScope reads one scope.
func (a *Admin) GetScope(ctx context.Context, actor control.Actor, id string) (control.Scope, error) {
	return a.scope(ctx, actor, "GetScope", id)
}

func (a *Admin) scope(ctx context.Context, actor control.Actor, verb, id string) (control.Scope, error) {
	if err := a.known(actor, verb); err != nil {
		return control.Scope{}, err
	}
	s, err := a.store.Scope(ctx, actor.TenantID, id)
	if err != nil {
		return control.Scope{}, notFound(err, "scope", id)
	}
	if err := a.allowOn(actor, verb, s.WorkspaceID, "scope", id); err != nil {
		return control.Scope{}, err
	}
	return s, nil
}

// CreateScope makes a scope of a workspace, or of one of its services. A name is unique in its workspace, so that a
// token's scope means one thing.
func (a *Admin) CreateScope(ctx context.Context, actor control.Actor, s control.Scope) (control.Scope, error) {
	if err := a.allow(actor, "CreateScope", s.WorkspaceID); err != nil {
		return control.Scope{}, err
	}
	if s.ID == "" {
		s.ID = store.NewID()
	}
	s.TenantID = actor.TenantID
	if err := s.Validate(); err != nil {
		return control.Scope{}, err
	}
	err := a.change(ctx, actor, s.WorkspaceID, func(c *change) error {
		if err := c.scopeFits(ctx, s); err != nil {
			return err
		}
		c.revise = true
		if err := c.AddScope(ctx, s); err != nil {
			return exists(err, "scope_exists", "there is a scope %q in this workspace already", s.Name)
		}
		return c.audit(ctx, "scopes", "created", s.ID, nil, s)
	})
	if err != nil {
		return control.Scope{}, err
	}
	return s, nil
}

// scopeFits checks the service of a scope.
func (c *change) scopeFits(ctx context.Context, s control.Scope) error {
	if s.ServiceID == "" {
		return nil
	}
	svc, err := c.Service(ctx, s.TenantID, s.ServiceID)
	if err == nil && svc.WorkspaceID == c.workspace {
		return nil
	}
	if err = notFound(err, "service", s.ServiceID); err != nil && control.KindOf(err) != control.NotFound {
		return err
	}
	var check control.Checks
	check.Add("service_id", "names no service of this workspace")
	return check.Err("scope")
}

// UpdateScope changes everything but the ids; an empty service id takes the scope out of its service.
func (a *Admin) UpdateScope(ctx context.Context, actor control.Actor, s control.Scope) (control.Scope, error) {
	found, err := a.scope(ctx, actor, "UpdateScope", s.ID)
	if err != nil {
		return control.Scope{}, err
	}
	s.TenantID, s.WorkspaceID = found.TenantID, found.WorkspaceID
	if err := s.Validate(); err != nil {
		return control.Scope{}, err
	}
	err = a.change(ctx, actor, s.WorkspaceID, func(c *change) error {
		old, err := c.Scope(ctx, actor.TenantID, s.ID)
		if err != nil {
			return notFound(err, "scope", s.ID)
		}
		if err := c.scopeFits(ctx, s); err != nil {
			return err
		}
		c.revise = true
		if err := c.SetScope(ctx, s); err != nil {
			return exists(err, "scope_exists", "there is a scope %q in this workspace already", s.Name)
		}
		return c.audit(ctx, "scopes", "updated", s.ID, old, s)
	})
	if err != nil {
		return control.Scope{}, err
	}
	return s, nil
}

// DeleteScope removes a scope; clients that list it can no longer request it.
func (a *Admin) DeleteScope(ctx context.Context, actor control.Actor, id string) error {
	found, err := a.scope(ctx, actor, "DeleteScope", id)
	if err != nil {
		return err
	}
	return a.change(ctx, actor, found.WorkspaceID, func(c *change) error {
		c.revise = true
		if err := c.RemoveScope(ctx, actor.TenantID, id); err != nil {
			return notFound(err, "scope", id)
		}
		return c.audit(ctx, "scopes", "deleted", id, found, nil)
	})
}
