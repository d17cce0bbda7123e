package admin

import (
	"context"
	"errors"
	"net/url"

	"portcullis/control"
	"portcullis/control/store"
)

// audience fills in what tokens for the service carry in "aud".
func (a *Admin) audience(s *control.Service) {
	s.Audience = s.CustomAudience
	if s.Audience == "" {
		host := a.publicURL
		if u, err := url.Parse(a.publicURL); err == nil && u.Host != "" {
			host = u.Hostname()
		}
		s.Audience = "spiffe://" + host + "/" + s.TenantID + "/" + s.WorkspaceID + "/" + s.ID
	}
}

// ListServices lists the services of a workspace with their counts. A subscriber is a client that may request a scope
// of the service.
func (a *Admin) ListServices(ctx context.Context, actor control.Actor, wid string) ([]control.ServiceSummary, error) {
	return a.PageServices(ctx, actor, wid, control.Page{})
}

// PageServices is a page of ListServices.
func (a *Admin) PageServices(ctx context.Context, actor control.Actor, wid string, p control.Page) ([]control.ServiceSummary, error) {
	if err := a.allow(actor, "ListServices", wid); err != nil {
		return nil, err
	}
	var out []control.ServiceSummary
	err := a.store.Snapshot(ctx, func(r store.Reader) error {
		if _, err := r.Workspace(ctx, actor.TenantID, wid); err != nil {
			return notFound(err, "workspace", wid)
		}
		var err error
		if out, err = r.Services(ctx, actor.TenantID, wid, p); err != nil {
			return err
		}
		subscribers, err := subscribers(ctx, r, actor.TenantID, wid)
		for i := range out {
			a.audience(&out[i].Service)
			out[i].NumberOfSubscribers = subscribers[out[i].ID]
		}
		return err
	})
	return out, internal(err)
}

// subscribers counts the clients of each service. :: service id → clients
func subscribers(ctx context.Context, r store.Reader, tenant, wid string) (map[string]int, error) {
	scopes, err := r.Scopes(ctx, tenant, wid, store.Page{})
	if err != nil {
		return nil, err
	}
	clients, err := r.Clients(ctx, tenant, wid, control.ClientFilter{}, store.Page{})
	if err != nil {
		return nil, err
	}
	serviceOf := map[string]string{}
	for _, s := range scopes {
		serviceOf[s.Name] = s.ServiceID
	}
	out := map[string]int{}
	for _, c := range clients {
		seen := map[string]bool{}
		for _, s := range c.Scopes {
			if id := serviceOf[s]; id != "" && !seen[id] {
				seen[id] = true
				out[id]++
			}
		}
	}
	return out, nil
}

// GetService reads one service with its scopes.
func (a *Admin) GetService(ctx context.Context, actor control.Actor, sid string) (control.Service, []control.Scope, error) {
	s, err := a.service(ctx, actor, "GetService", sid)
	if err != nil {
		return control.Service{}, nil, err
	}
	scopes, err := a.store.ScopesOfService(ctx, actor.TenantID, sid)
	return s, scopes, internal(err)
}

// service reads a service for a verb: NotFound also when the actor has no role in its workspace.
func (a *Admin) service(ctx context.Context, actor control.Actor, verb, sid string) (control.Service, error) {
	if err := a.known(actor, verb); err != nil {
		return control.Service{}, err
	}
	s, err := a.store.Service(ctx, actor.TenantID, sid)
	if err != nil {
		return control.Service{}, notFound(err, "service", sid)
	}
	if err := a.allowOn(actor, verb, s.WorkspaceID, "service", sid); err != nil {
		return control.Service{}, err
	}
	a.audience(&s)
	return s, nil
}

// known refuses actors before anything is read: those who may not use the verb anywhere.
func (a *Admin) known(actor control.Actor, verb string) error {
	best := actor
	for _, r := range actor.Roles {
		best.Role = max(best.Role, r)
	}
	best.Roles = nil
	return a.allow(best, verb, "")
}

// allowOn is allow for an object found by its own id: an actor without a role in its workspace is told that there is no
// such object.
func (a *Admin) allowOn(actor control.Actor, verb, workspace, noun, id string) error {
	err := a.allow(actor, verb, workspace)
	if control.KindOf(err) == control.NotFound && err != nil {
		return control.Errorf(control.NotFound, "not_found", "there is no %s %q", noun, id)
	}
	return err
}

// CreateService makes a service; the id may be left out.
func (a *Admin) CreateService(ctx context.Context, actor control.Actor, s control.Service) (control.Service, error) {
	if err := a.allow(actor, "CreateService", s.WorkspaceID); err != nil {
		return control.Service{}, err
	}
	err := a.change(ctx, actor, s.WorkspaceID, func(c *change) (err error) {
		s, err = c.newService(ctx, s)
		return err
	})
	if err != nil {
		return control.Service{}, err
	}
	return s, nil
}

// newService adds a service of the change's workspace.
func (c *change) newService(ctx context.Context, s control.Service) (control.Service, error) {
	if s.ID == "" {
		s.ID = store.NewID()
	}
	s.TenantID, s.WorkspaceID, s.Type, s.System, s.GatewayID, s.WithSpecification, s.UpdatedAt = c.actor.TenantID, c.workspace, "user", false, "", false, c.at()
	if err := s.Validate(); err != nil {
		return s, err
	}
	if err := c.AddService(ctx, s); err != nil {
		return s, exists(err, "service_exists", "there is a service %q already; choose another id, or leave it out", s.ID)
	}
	c.admin.audience(&s)
	return s, c.audit(ctx, "service", "created", s.ID, nil, s)
}

// UpdateService changes name, description and custom audience.
func (a *Admin) UpdateService(ctx context.Context, actor control.Actor, s control.Service) (control.Service, error) {
	found, err := a.service(ctx, actor, "UpdateService", s.ID)
	if err != nil {
		return control.Service{}, err
	}
	var out control.Service
	err = a.change(ctx, actor, found.WorkspaceID, func(c *change) error {
		old, err := c.Service(ctx, actor.TenantID, s.ID)
		if err != nil {
			return notFound(err, "service", s.ID)
		}
		a.audience(&old)
		out = old
		out.Name, out.Description, out.CustomAudience, out.UpdatedAt = s.Name, s.Description, s.CustomAudience, c.at()
		if err := out.Validate(); err != nil {
			return err
		}
		a.audience(&out)
		c.revise = true
		if err := c.SetService(ctx, out); err != nil {
			return err
		}
		return c.audit(ctx, "service", "updated", s.ID, old, out)
	})
	return out, err
}

// DeleteService removes a service with its scopes and APIs; a bound group is unbound first.
func (a *Admin) DeleteService(ctx context.Context, actor control.Actor, sid string) error {
	found, err := a.service(ctx, actor, "DeleteService", sid)
	if err != nil {
		return err
	}
	if found.System {
		return control.Errorf(control.Malformed, "system_service", "the service %q belongs to the workspace itself and cannot be deleted", found.Name)
	}
	return a.change(ctx, actor, found.WorkspaceID, func(c *change) error {
		old, err := c.Service(ctx, actor.TenantID, sid)
		if err != nil {
			return notFound(err, "service", sid)
		}
		switch g, err := c.GroupOfService(ctx, actor.TenantID, sid); {
		case err == nil:
			if _, err := c.unbind(ctx, g); err != nil {
				return err
			}
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		if err := c.RemoveAPIsOfService(ctx, actor.TenantID, sid); err != nil {
			return err
		}
		c.revise = true
		if err := c.RemoveService(ctx, actor.TenantID, sid); err != nil {
			return err
		}
		return c.audit(ctx, "service", "deleted", sid, old, nil)
	})
}
