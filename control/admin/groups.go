package admin

import (
	"context"
	"errors"
	"strings"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/waist"
)

// ListGroups lists the API groups of a gateway, by name.
func (a *Admin) ListGroups(ctx context.Context, actor control.Actor, gid string) ([]control.APIGroup, error) {
	if _, err := a.gateway(ctx, actor, "ListGroups", gid); err != nil {
		return nil, err
	}
	all, err := a.store.Groups(ctx, actor.TenantID, gid)
	out := make([]control.APIGroup, len(all))
	for i := range all {
		out[i] = all[i].APIGroup
	}
	return out, internal(err)
}

// BindGroup binds a group of a gateway to a service of the same workspace: its methods become the service's APIs.
//
// What the service had before goes: APIs made by hand or by a specification, and those of a group bound before, which is
// unbound. A group that is bound to another service leaves it. A method and path that had a policy on either side keeps
// it, whatever its parameters are called, so that binding never opens what was protected; the rest get the gateway's
// default policy. Binding what is bound already changes nothing.
func (a *Admin) BindGroup(ctx context.Context, actor control.Actor, gid, groupID, serviceID string) (result control.BindResult, err error) {
	err = a.changeGroup(ctx, actor, "BindGroup", gid, groupID, func(c *change, g store.StoredGroup) error {
		svc, err := c.Service(ctx, actor.TenantID, serviceID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err != nil || svc.WorkspaceID != g.WorkspaceID || svc.System {
			var check control.Checks
			check.Add("service_id", "names no service of this workspace that a group can be bound to")
			return check.Err("binding")
		}
		result, err = c.bind(ctx, g, svc)
		return err
	})
	return result, err
}

// changeGroup authorises a verb on a group of a gateway and runs f with the group as it is in the change.
func (a *Admin) changeGroup(ctx context.Context, actor control.Actor, verb, gid, groupID string, f func(*change, store.StoredGroup) error) error {
	gw, err := a.gateway(ctx, actor, verb, gid)
	if err != nil {
		return err
	}
	return a.change(ctx, actor, gw.WorkspaceID, func(c *change) error {
		g, err := c.group(ctx, gid, groupID)
		if err != nil {
			return err
		}
		return f(c, g)
	})
}

// group reads a group for a change.
func (c *change) group(ctx context.Context, gid, id string) (store.StoredGroup, error) {
	g, err := c.Group(ctx, c.actor.TenantID, gid, id)
	return g, notFound(err, "API group", id)
}

// BindGroupToNewService makes a service and binds the group to it, both or neither.
func (a *Admin) BindGroupToNewService(ctx context.Context, actor control.Actor, gid, groupID string, svc control.Service) (control.Service, error) {
	var out control.Service
	err := a.changeGroup(ctx, actor, "BindGroupToNewService", gid, groupID, func(c *change, g store.StoredGroup) (err error) {
		if out, err = c.newService(ctx, svc); err != nil {
			return err
		}
		out.GatewayID = gid
		_, err = c.bind(ctx, g, out)
		return err
	})
	if err != nil {
		return control.Service{}, err
	}
	return out, nil
}

// UnbindGroup takes the group's APIs away from its service. Policies stay. Requests to the group's methods are denied
// from then on as unknown, until the authorizer has been taken off them.
func (a *Admin) UnbindGroup(ctx context.Context, actor control.Actor, gid, groupID string) (result control.BindResult, err error) {
	err = a.changeGroup(ctx, actor, "UnbindGroup", gid, groupID, func(c *change, g store.StoredGroup) (err error) {
		if g.ServiceID == "" {
			return control.Errorf(control.Malformed, "not_bound", "the API group %q is not bound to a service", g.Name)
		}
		result, err = c.unbind(ctx, g)
		return err
	})
	return result, err
}

type methodPath struct{ method, path string }

// bind makes svc the service of g.
func (c *change) bind(ctx context.Context, g store.StoredGroup, svc control.Service) (control.BindResult, error) {
	result := emptyResult()
	if g.ServiceID == svc.ID {
		return result, nil
	}
	kept := map[methodPath]store.StoredAPI{} // :: method and path → what it had, the target service's own first
	collect := func(sid string) error {
		all, err := c.APIsOfService(ctx, c.actor.TenantID, sid)
		for _, x := range all {
			k := methodPath{x.Method, x.Path}
			if old, ok := kept[k]; !ok || old.PolicyID == "" {
				kept[k] = x
			}
		}
		result.RemovedAPIs = append(result.RemovedAPIs, present(all)...)
		return err
	}
	if err := collect(svc.ID); err != nil {
		return result, err
	}
	switch other, err := c.GroupOfService(ctx, c.actor.TenantID, svc.ID); {
	case err == nil:
		other.ServiceID = ""
		if err := c.loosen(ctx, other); err != nil {
			return result, err
		}
	case !errors.Is(err, store.ErrNotFound):
		return result, err
	}
	if g.ServiceID != "" {
		if err := collect(g.ServiceID); err != nil {
			return result, err
		}
		if err := c.RemoveAPIsOfService(ctx, c.actor.TenantID, g.ServiceID); err != nil {
			return result, err
		}
	}
	if err := c.RemoveAPIsOfService(ctx, c.actor.TenantID, svc.ID); err != nil {
		return result, err
	}
	sameShape(kept, g.APIs)
	was := g.APIGroup
	g.ServiceID = svc.ID
	if err := c.SetGroup(ctx, g.ID, g); err != nil {
		return result, err
	}
	if svc.WithSpecification {
		if err := c.SetSpecification(ctx, c.actor.TenantID, svc.ID, false); err != nil {
			return result, err
		}
	}
	if _, err := c.reconcile(ctx, g, kept); err != nil {
		return result, err
	}
	// An API that the service still has was not removed.
	now, err := c.APIsOfService(ctx, c.actor.TenantID, svc.ID)
	if err != nil {
		return result, err
	}
	still := map[string]bool{}
	for _, x := range now {
		still[x.ID] = true
	}
	removed := []control.API{}
	for _, x := range result.RemovedAPIs {
		if !still[x.ID] {
			removed = append(removed, x)
		}
	}
	result.RemovedAPIs = removed
	if err := c.fillPolicies(ctx, &result); err != nil {
		return result, err
	}
	c.revise = true
	return result, c.audit(ctx, "gateway", "bound", g.GatewayID, groupRecord(was), groupRecord(g.APIGroup))
}

// sameShape lets methods that are not in kept take over from one whose path differs in the names of parameters only: a
// specification says /pets/{id} where API Gateway says /pets/{petId}.
func sameShape(kept map[methodPath]store.StoredAPI, methods []waist.GatewayAPI) {
	shape := func(path string) string {
		segments := strings.Split(path, "/")
		for i, s := range segments {
			segments[i] = [...]string{s, "{}", "{+}"}[segmentRank(s)]
		}
		return strings.Join(segments, "/")
	}
	byShape := map[methodPath]store.StoredAPI{}
	for k, x := range kept {
		k.path = shape(k.path)
		if old, ok := byShape[k]; !ok || old.PolicyID == "" || x.PolicyID != "" && x.Path < old.Path {
			byShape[k] = x
		}
	}
	for _, m := range methods {
		k := methodPath{m.Method, m.Path}
		if x, ok := byShape[methodPath{m.Method, shape(m.Path)}]; ok && kept[k].PolicyID == "" && x.PolicyID != "" {
			kept[k] = x
		}
	}
}

// loosen writes a group that has lost its service; the caller removes the service's APIs.
func (c *change) loosen(ctx context.Context, g store.StoredGroup) error {
	if g.Gone { // it was kept for its binding only
		return c.RemoveGroup(ctx, c.actor.TenantID, g.GatewayID, g.ID)
	}
	return c.SetGroup(ctx, g.ID, g)
}

// unbind makes g a group without service and removes the service's APIs; a group that is gone goes with its binding.
func (c *change) unbind(ctx context.Context, g store.StoredGroup) (control.BindResult, error) {
	result := emptyResult()
	all, err := c.APIsOfService(ctx, c.actor.TenantID, g.ServiceID)
	if err != nil {
		return result, err
	}
	result.RemovedAPIs = present(all)
	if err := c.RemoveAPIsOfService(ctx, c.actor.TenantID, g.ServiceID); err != nil {
		return result, err
	}
	was := g.APIGroup
	g.ServiceID = ""
	if err := c.loosen(ctx, g); err != nil {
		return result, err
	}
	if err := c.fillPolicies(ctx, &result); err != nil {
		return result, err
	}
	c.revise = true
	return result, c.audit(ctx, "gateway", "unbound", g.GatewayID, groupRecord(was), groupRecord(g.APIGroup))
}

func emptyResult() control.BindResult {
	return control.BindResult{RemovedAPIs: []control.API{}, RemovedPolicies: []control.Policy{}, NotRemovedPolicies: []control.Policy{}}
}

// fillPolicies lists the policies that the removed APIs used. They are never removed: each was made by a person.
func (c *change) fillPolicies(ctx context.Context, r *control.BindResult) (err error) {
	r.NotRemovedPolicies, err = policiesOf(ctx, c.Reader, c.actor.TenantID, r.RemovedAPIs)
	return err
}

// groupRecord is what the audit says of a group: all but its methods.
func groupRecord(g control.APIGroup) any {
	return map[string]any{"api_group_id": g.ID, "name": g.Name, "gateway_id": g.GatewayID, "service_id": g.ServiceID, "metadata": g.Metadata, "gone": g.Gone}
}

// reconcile makes the APIs of a bound group's service those that the group reports, and says whether anything that an
// authorizer sees has changed.
//
// A new method gets what kept remembers of it, else the gateway's default policy. A method that is no longer reported is
// removed when it is open, and kept aside as gone when it has a policy: should it return, it returns protected.
func (c *change) reconcile(ctx context.Context, g store.StoredGroup, kept map[methodPath]store.StoredAPI) (changed bool, err error) {
	tenant := c.actor.TenantID
	gw, err := c.Gateway(ctx, tenant, g.GatewayID)
	if err != nil {
		return false, err
	}
	have, err := c.APIsOfService(ctx, tenant, g.ServiceID)
	if err != nil {
		return false, err
	}
	old := map[methodPath]store.StoredAPI{}
	for _, x := range have {
		old[methodPath{x.Method, x.Path}] = x
	}
	reported := map[methodPath]bool{}
	for _, m := range g.APIs {
		k := methodPath{m.Method, m.Path}
		reported[k] = true
		if x, ok := old[k]; ok {
			if x.Gone {
				x.Gone = false
				changed = true
				if err := c.SetAPI(ctx, x); err != nil {
					return changed, err
				}
			}
			continue
		}
		x := control.API{ID: apiID(g.ServiceID, m.Method, m.Path), TenantID: tenant, ServerID: g.WorkspaceID, ServiceID: g.ServiceID, Method: m.Method,
			Path: m.Path, APIType: "rest", CanHavePolicy: true, PolicyID: gw.DefaultPolicyID, DataClassifications: []string{}}
		if before, ok := kept[k]; ok {
			x.DataClassifications = before.DataClassifications
			if before.PolicyID != "" {
				x.PolicyID = before.PolicyID
			}
		}
		changed = true
		if err := c.AddAPI(ctx, x); err != nil {
			return changed, err
		}
	}
	if changed, err = c.retire(ctx, g, kept, old, reported, changed); err != nil || !changed {
		return changed, err
	}
	return changed, c.order(ctx, g.ServiceID)
}

// retire handles the methods that are not reported: those the service has, and those that kept remembers with a policy.
func (c *change) retire(ctx context.Context, g store.StoredGroup, kept, old map[methodPath]store.StoredAPI, reported map[methodPath]bool, changed bool) (bool, error) {
	for k, x := range old {
		if reported[k] || x.Gone {
			continue
		}
		changed = true
		if x.PolicyID == "" {
			if err := c.RemoveAPI(ctx, x.TenantID, x.ID); err != nil {
				return changed, err
			}
			continue
		}
		x.Gone = true
		if err := c.SetAPI(ctx, x); err != nil {
			return changed, err
		}
	}
	for k, x := range kept {
		// Remembered by the group's former service for a method that is away just now.
		if !reported[k] && x.Gone && x.PolicyID != "" {
			x.ServiceID, x.ID = g.ServiceID, apiID(g.ServiceID, x.Method, x.Path)
			changed = true
			if err := c.AddAPI(ctx, x.API); err != nil {
				return changed, err
			}
			if err := c.SetAPI(ctx, x); err != nil {
				return changed, err
			}
		}
	}
	return changed, nil
}

// attached reports whether any method of an inventory has our authorizer in front of it.
func attached(groups []waist.APIGroup) bool {
	for _, g := range groups {
		for _, m := range g.APIs {
			if m.Authorizer == waist.AuthorizerOurs {
				return true
			}
		}
	}
	return false
}
