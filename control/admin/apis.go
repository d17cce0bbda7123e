package admin

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"sort"
	"strings"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/waist"
)

// zbase32 is the human-oriented base-32 encoding (Zooko O'Whielacronx).
var zbase32 = base32.NewEncoding("ybndrfg8ejkmcpqxot1uwisza345h769").WithPadding(base32.NoPadding)

// apiID is the id of an API made from what identifies it, as configuration-as-code tools for the published API make it:
// zbase32("{service}_{METHOD}_{path}"). Where that would be longer than 200 characters it is made from a hash. The same
// method and path of a service thereby keep their id when they vanish and return.
func apiID(service, method, path string) string {
	text := service + "_" + method + "_" + path
	if id := zbase32.EncodeToString([]byte(text)); len(id) <= 200 {
		return id
	}
	sum := sha256.Sum256([]byte(text))
	return "h" + zbase32.EncodeToString(sum[:])
}

// before orders APIs from the specific to the general: segment by segment, a literal before a parameter before a greedy
// parameter; then a verb before ANY. The first API in this order that matches a request is the one API Gateway means.
func before(a, b control.API) bool {
	as, bs := strings.Split(a.Path, "/"), strings.Split(b.Path, "/")
	for i := 0; i < len(as) && i < len(bs); i++ {
		ra, rb := segmentRank(as[i]), segmentRank(bs[i])
		if ra != rb {
			return ra < rb
		}
		if as[i] != bs[i] {
			return as[i] < bs[i]
		}
	}
	if len(as) != len(bs) {
		return len(as) < len(bs)
	}
	if any := "ANY"; (a.Method == any) != (b.Method == any) {
		return b.Method == any
	}
	return a.Method < b.Method
}

func segmentRank(s string) int {
	switch {
	case strings.HasPrefix(s, "{") && strings.HasSuffix(s, "+}"):
		return 2
	case strings.HasPrefix(s, "{"):
		return 1
	}
	return 0
}

// ListAPIsByService lists the APIs of a service in position order.
func (a *Admin) ListAPIsByService(ctx context.Context, actor control.Actor, sid string) ([]control.API, error) {
	if _, err := a.service(ctx, actor, "ListAPIsByService", sid); err != nil {
		return nil, err
	}
	all, err := a.store.APIsOfService(ctx, actor.TenantID, sid)
	return present(all), internal(err)
}

// present are the APIs that are not gone.
func present(all []store.StoredAPI) []control.API {
	out := []control.API{}
	for _, x := range all {
		if !x.Gone {
			out = append(out, x.API)
		}
	}
	return out
}

// ListAPIs lists the APIs of a workspace by service id, each in position order; services without APIs have an empty list.
func (a *Admin) ListAPIs(ctx context.Context, actor control.Actor, wid string) (map[string][]control.API, error) {
	if err := a.allow(actor, "ListAPIs", wid); err != nil {
		return nil, err
	}
	out := map[string][]control.API{}
	err := a.store.Snapshot(ctx, func(r store.Reader) error {
		if _, err := r.Workspace(ctx, actor.TenantID, wid); err != nil {
			return notFound(err, "workspace", wid)
		}
		services, err := r.Services(ctx, actor.TenantID, wid, store.Page{})
		if err != nil {
			return err
		}
		for _, s := range services {
			out[s.ID] = []control.API{}
		}
		all, err := r.APIs(ctx, actor.TenantID, wid)
		for _, x := range present(all) {
			out[x.ServiceID] = append(out[x.ServiceID], x)
		}
		return err
	})
	if err != nil {
		return nil, internal(err)
	}
	return out, nil
}

// ListServiceAPIs lists the user services of a workspace by name, each with its APIs, its bound group and gateway, and
// what the gateway reported of each method.
func (a *Admin) ListServiceAPIs(ctx context.Context, actor control.Actor, wid string) ([]control.ServiceAPIs, error) {
	if err := a.allow(actor, "ListServiceAPIs", wid); err != nil {
		return nil, err
	}
	out := []control.ServiceAPIs{}
	err := a.store.Snapshot(ctx, func(r store.Reader) error {
		if _, err := r.Workspace(ctx, actor.TenantID, wid); err != nil {
			return notFound(err, "workspace", wid)
		}
		services, err := r.Services(ctx, actor.TenantID, wid, store.Page{})
		if err != nil {
			return err
		}
		all, err := r.APIs(ctx, actor.TenantID, wid)
		if err != nil {
			return err
		}
		policies, err := r.PoliciesOf(ctx, actor.TenantID, wid)
		if err != nil {
			return err
		}
		groups, err := r.BoundGroups(ctx, actor.TenantID, wid)
		if err != nil {
			return err
		}
		gateways, err := r.Gateways(ctx, actor.TenantID, wid, store.Page{})
		out = a.serviceAPIs(services, all, policies, groups, gateways)
		return err
	})
	return out, internal(err)
}

func (a *Admin) serviceAPIs(services []control.ServiceSummary, all []store.StoredAPI, policies []control.Policy, groups []store.StoredGroup,
	gateways []control.GatewaySummary) []control.ServiceAPIs {
	names := map[string]string{} // :: policy id → name
	for _, p := range policies {
		names[p.ID] = p.PolicyName
	}
	gatewayOf := map[string]*control.Gateway{}
	for i := range gateways {
		gatewayOf[gateways[i].ID] = &gateways[i].Gateway
	}
	type method struct{ service, method, path string }
	reported := map[method]waist.GatewayAPI{}
	groupOf := map[string]*control.APIGroup{} // :: service id → group
	for i := range groups {
		g := &groups[i].APIGroup
		groupOf[g.ServiceID] = g
		for _, m := range g.APIs {
			reported[method{g.ServiceID, m.Method, m.Path}] = m
		}
	}
	apis := map[string][]control.APIState{} // :: service id → APIs
	for _, x := range all {
		m := reported[method{x.ServiceID, x.Method, x.Path}]
		apis[x.ServiceID] = append(apis[x.ServiceID], control.APIState{API: x.API, PolicyName: names[x.PolicyID], Authorizer: m.Authorizer,
			Deployed: m.Deployed, Gone: x.Gone})
	}
	out := []control.ServiceAPIs{}
	for _, s := range services {
		if s.System {
			continue
		}
		a.audience(&s.Service)
		x := control.ServiceAPIs{Service: s.Service, Group: groupOf[s.ID], APIs: apis[s.ID]}
		if x.APIs == nil {
			x.APIs = []control.APIState{}
		}
		if x.Group != nil {
			x.Gateway = gatewayOf[x.Group.GatewayID]
		}
		out = append(out, x)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Service.Name < out[j].Service.Name })
	return out
}

// GetAPI reads one API.
func (a *Admin) GetAPI(ctx context.Context, actor control.Actor, id string) (control.API, error) {
	x, err := a.api(ctx, actor, "GetAPI", id)
	return x.API, err
}

func (a *Admin) api(ctx context.Context, actor control.Actor, verb, id string) (store.StoredAPI, error) {
	if err := a.known(actor, verb); err != nil {
		return store.StoredAPI{}, err
	}
	x, err := a.store.API(ctx, actor.TenantID, id)
	if err != nil {
		return store.StoredAPI{}, notFound(err, "API", id)
	}
	if err := a.allowOn(actor, verb, x.ServerID, "API", id); err != nil {
		return store.StoredAPI{}, err
	}
	return x, nil
}

// CreateAPI makes an API of a service by hand. A service that is bound to a group has that group's methods and no others,
// and one with a specification those of the specification.
func (a *Admin) CreateAPI(ctx context.Context, actor control.Actor, x control.API) (control.API, error) {
	svc, err := a.service(ctx, actor, "CreateAPI", x.ServiceID)
	if err != nil {
		return control.API{}, err
	}
	if x.ID == "" {
		x.ID = apiID(svc.ID, x.Method, x.Path)
	}
	if x.APIType == "" {
		x.APIType = "rest"
	}
	if x.DataClassifications == nil {
		x.DataClassifications = []string{}
	}
	x.TenantID, x.ServerID, x.CanHavePolicy = svc.TenantID, svc.WorkspaceID, true
	if err := control.ValidateAPI(x); err != nil {
		return control.API{}, err
	}
	err = a.change(ctx, actor, svc.WorkspaceID, func(c *change) error {
		now, err := c.Service(ctx, actor.TenantID, svc.ID)
		switch {
		case err != nil:
			return notFound(err, "service", svc.ID)
		case now.GatewayID != "":
			return serviceBound(now)
		case now.WithSpecification:
			return control.Errorf(control.Malformed, "specification_imported", "the APIs of the service %q come from a specification; import one that has %s %s, or remove the specification", svc.Name, x.Method, x.Path)
		}
		if err := c.policyFits(ctx, "api", "policy_id", x.PolicyID); err != nil {
			return err
		}
		c.revise = true
		if err := c.AddAPI(ctx, x); err != nil {
			return exists(err, "api_exists", "the service %q has an API %s %s already", svc.Name, x.Method, x.Path)
		}
		if err := c.order(ctx, svc.ID); err != nil {
			return err
		}
		stored, err := c.API(ctx, actor.TenantID, x.ID)
		if err != nil {
			return err
		}
		x = stored.API
		return c.audit(ctx, "api", "created", x.ID, nil, x)
	})
	if err != nil {
		return control.API{}, err
	}
	return x, nil
}

// policyFits checks that a policy can be assigned in the change's workspace; "" always can.
func (c *change) policyFits(ctx context.Context, noun, member, policy string) error {
	if policy == "" {
		return nil
	}
	p, err := c.Policy(ctx, c.actor.TenantID, policy)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	var check control.Checks
	switch {
	case err != nil || p.ServerID != c.workspace:
		check.Add(member, "names no policy of this workspace")
	case p.Type != control.PolicyAPI:
		check.Add(member, "names a policy of type "+p.Type+"; an API takes one of type api")
	}
	return check.Err(noun)
}

// order gives the APIs of a service their positions, specific ones first, and writes those that changed.
func (c *change) order(ctx context.Context, sid string) error {
	all, err := c.APIsOfService(ctx, c.actor.TenantID, sid)
	if err != nil {
		return err
	}
	had := make(map[string]int, len(all)) // :: id → position
	for _, x := range all {
		had[x.ID] = x.Position
	}
	place(all)
	for _, x := range all {
		if x.Position != had[x.ID] {
			if err := c.SetAPI(ctx, x); err != nil {
				return err
			}
		}
	}
	return nil
}

// place sorts the APIs of a service, specific ones first and those that are gone last, and gives them their positions.
func place(all []store.StoredAPI) {
	sort.SliceStable(all, func(i, j int) bool {
		if all[i].Gone != all[j].Gone {
			return all[j].Gone
		}
		return before(all[i].API, all[j].API)
	})
	for i := range all {
		all[i].Position = i + 1
	}
}

// UpdateAPI assigns a policy (empty: none, the API is open) and data classifications.
func (a *Admin) UpdateAPI(ctx context.Context, actor control.Actor, id string, u control.APIUpdate) (control.API, error) {
	found, err := a.api(ctx, actor, "UpdateAPI", id)
	if err != nil {
		return control.API{}, err
	}
	if err := u.Validate(); err != nil {
		return control.API{}, err
	}
	var out store.StoredAPI
	err = a.change(ctx, actor, found.ServerID, func(c *change) error {
		old, err := c.API(ctx, actor.TenantID, id)
		if err != nil {
			return notFound(err, "API", id)
		}
		if !old.CanHavePolicy && u.PolicyID != old.PolicyID {
			return control.Errorf(control.Malformed, "policy_declared", "the policy of %s %s is assigned in its specification and cannot be changed here", old.Method, old.Path)
		}
		if err := c.policyFits(ctx, "api", "policy_id", u.PolicyID); err != nil {
			return err
		}
		out = old
		out.PolicyID = u.PolicyID
		if u.DataClassifications != nil {
			out.DataClassifications = u.DataClassifications
		}
		c.revise = out.PolicyID != old.PolicyID
		if err := c.SetAPI(ctx, out); err != nil {
			return err
		}
		return c.audit(ctx, "gateway_policy", "updated", id, old.API, out.API)
	})
	return out.API, err
}

// DeleteAPI removes an API that was made by hand, or one that its gateway no longer reports or its specification no longer
// has.
func (a *Admin) DeleteAPI(ctx context.Context, actor control.Actor, id string) error {
	found, err := a.api(ctx, actor, "DeleteAPI", id)
	if err != nil {
		return err
	}
	return a.change(ctx, actor, found.ServerID, func(c *change) error {
		old, err := c.API(ctx, actor.TenantID, id)
		if err != nil {
			return notFound(err, "API", id)
		}
		svc, err := c.Service(ctx, actor.TenantID, old.ServiceID)
		switch {
		case err != nil:
			return err
		case old.Gone:
		case svc.GatewayID != "":
			return control.Errorf(control.Malformed, "service_bound", "%s %s comes from the API group that its service is bound to; remove the method in API Gateway, or unbind the group", old.Method, old.Path)
		case svc.WithSpecification:
			return control.Errorf(control.Malformed, "specification_imported", "%s %s comes from the specification of its service; import one without it, or remove the specification", old.Method, old.Path)
		}
		c.revise = true
		if err := c.RemoveAPI(ctx, actor.TenantID, id); err != nil {
			return err
		}
		return c.audit(ctx, "api", "deleted", id, old.API, nil)
	})
}
