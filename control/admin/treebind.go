package admin

import (
	"reflect"
	"sort"
	"strings"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/waist"
)

func (p *plan) planGateways() error {
	p.gateways = edit(p.have.Gateways, func(x control.Gateway) string { return x.ID })
	for _, id := range keys(p.want.Gateways) {
		t, path := p.want.Gateways[id], "gateways."+id
		old, exists := p.gateways.have[id]
		x := old
		x.ID, x.TenantID, x.WorkspaceID, x.Name, x.Description, x.AutoBind, x.DefaultPolicyID = id, p.actor.TenantID, p.change.workspace, t.Name, t.Description, t.AutoBind, t.DefaultPolicyID
		if t.Type != "" || !exists {
			x.Type = t.Type
		}
		if !exists {
			x.CreatedAt, x.ClientID = p.change.at(), t.Client.ID
			if x.ClientID == "" {
				x.ClientID = store.NewID()
			} else if !control.ValidateID(x.ClientID) {
				p.wrong(path+".client.client_id", "must be 1 to 128 letters, digits or any of - _ . : and begin with a letter or digit")
			}
			if p.workspace.Type != "regular" {
				p.wrong(path, "the workspace has no APIs to protect")
			}
		}
		if exists && x.Type != old.Type {
			p.wrong(path+".type", "cannot change; it is %s", old.Type)
		}
		if exists && t.Client.ID != "" && t.Client.ID != old.ClientID {
			p.wrong(path+".client.client_id", "cannot change; it is %s", old.ClientID)
		}
		if !control.ValidateID(id) {
			p.wrong(path, "the id must be 1 to 128 letters, digits or any of - _ . : and begin with a letter or digit")
		}
		if x.TokenExchange = t.TokenExchange; x.TokenExchange.TrustedIDPs == nil {
			x.TokenExchange.TrustedIDPs = []string{}
		}
		if !exists {
			old.TokenExchange.TrustedIDPs = []string{}
		}
		if !reflect.DeepEqual(x.TokenExchange, old.TokenExchange) {
			if err := p.invalid(path, exchangeable(&x.TokenExchange, p.idp)); err != nil {
				return err
			}
		}
		same := reflect.DeepEqual(x, old)
		if !same {
			if err := p.invalid(path, x.Validate()); err != nil {
				return err
			}
		}
		p.policyFor(path+".default_policy_id", x.DefaultPolicyID)
		changesSecret, err := p.planSecret(path+".client", x.ClientID, t.Client.Secret, exists)
		if err != nil {
			return err
		}
		put(p, &p.gateways, p.at+path, id, x, same && !changesSecret)
	}
	if p.whole {
		drop(p, &p.gateways, func(id string) string { return p.at + "gateways." + id }, func(id string, _ control.Gateway) bool { _, ok := p.want.Gateways[id]; return ok })
	}
	if len(p.gateways.added) > 0 && len(p.gateways.final) > p.admin.awsLimit {
		p.wrong("gateways."+p.gateways.added[0], limitText, p.workspace.Name)
	}
	return nil
}

func groupKey(gateway, id string) string { return gateway + "/" + id }

// planGroups binds the groups that are there and makes those that are not, as if the gateway had reported them.
func (p *plan) planGroups() error {
	p.groups = edit(p.have.Groups, func(g store.StoredGroup) string { return groupKey(g.GatewayID, g.ID) })
	for _, gid := range keys(p.want.Gateways) {
		if _, ok := p.gateways.final[gid]; !ok {
			continue
		}
		groups := p.want.Gateways[gid].Groups
		for _, id := range keys(groups) {
			t, path := groups[id], "gateways."+gid+".gateway_api_groups."+id
			x, exists := p.groups.have[groupKey(gid, id)]
			same := exists && x.ServiceID == t.ServiceID
			if exists {
				x.ServiceID = t.ServiceID
			} else {
				reported := waist.APIGroup{ID: id, Name: t.Name, Metadata: t.Metadata, APIs: methodsOf(t.APIs)}
				list, err := normalise(waist.Inventory{APIGroups: []waist.APIGroup{reported}})
				if err := p.invalid(path, trimFields(err, "api_groups[0]")); err != nil {
					return err
				}
				if len(list) == 1 {
					reported = list[0]
				}
				x = store.StoredGroup{APIGroup: control.APIGroup{ID: id, TenantID: p.actor.TenantID, WorkspaceID: p.change.workspace, GatewayID: gid,
					ServiceID: t.ServiceID, Name: reported.Name, Metadata: reported.Metadata, APIs: reported.APIs, Gone: t.Gone, LastSeen: p.change.at()},
					NaturalKey: naturalKey(reported)}
				for _, k := range keys(p.groups.final) {
					if o := p.groups.final[k]; o.GatewayID == gid && o.NaturalKey == x.NaturalKey {
						p.wrong(path+".metadata", "names the same REST API and stage as the group %q", o.ID)
					}
				}
			}
			put(p, &p.groups, p.at+path, groupKey(gid, id), x, same)
		}
	}
	if p.whole {
		drop(p, &p.groups, func(k string) string {
			gid, id, _ := strings.Cut(k, "/")
			return p.at + "gateways." + gid + ".gateway_api_groups." + id
		}, func(_ string, g store.StoredGroup) bool {
			gw, ok := p.want.Gateways[g.GatewayID]
			_, listed := gw.Groups[g.ID]
			if ok && !listed && !g.Gone {
				p.wrong("gateways."+g.GatewayID+".gateway_api_groups."+g.ID, "is reported by its gateway and cannot be removed; to unbind it, make its service_id empty")
			}
			return ok && (listed || !g.Gone)
		})
	}
	p.checkBindings()
	return nil
}

// checkBindings: a bound service is there, is no system service, and has one group.
func (p *plan) checkBindings() {
	bound := map[string]string{} // :: service → path of its group
	for _, k := range keys(p.groups.final) {
		g := p.groups.final[k]
		if g.ServiceID == "" {
			continue
		}
		path := "gateways." + g.GatewayID + ".gateway_api_groups." + g.ID + ".service_id"
		if s, ok := p.services.final[g.ServiceID]; !ok || s.System {
			p.wrong(path, "names no service of this workspace that a group can be bound to")
		}
		if other, ok := bound[g.ServiceID]; ok {
			p.wrong(path, "names the service of %s; a service has one group", other)
		}
		bound[g.ServiceID] = path
	}
}

// trimFields takes a prefix away from the paths of an error.
func trimFields(err error, prefix string) error {
	var e *control.Error
	if !asControl(err, &e) {
		return err
	}
	c := *e
	c.Fields = map[string]string{}
	for k, v := range e.Fields {
		c.Fields[strings.TrimPrefix(strings.TrimPrefix(k, prefix), ".")] = v
	}
	return &c
}

// bindings are the groups of services, before or after.
func bindings(groups map[string]store.StoredGroup) map[string]store.StoredGroup {
	out := map[string]store.StoredGroup{}
	for _, g := range groups {
		if g.ServiceID != "" {
			out[g.ServiceID] = g
		}
	}
	return out
}

// apiPlace is what an API is in its workspace.
type apiPlace struct {
	service string
	methodPath
}

// planAPIs plans the APIs. A service that is bound has the methods of its group: others are refused, unless they are
// marked as gone; those that the document leaves out get what reconcile gives them.
func (p *plan) planAPIs() error {
	p.apis = edit(p.have.APIs, func(x store.StoredAPI) string { return x.ID })
	byPlace := map[apiPlace]string{}
	for _, x := range p.have.APIs {
		byPlace[apiPlace{x.ServiceID, methodPath{x.Method, x.Path}}] = x.ID
	}
	before, after := bindings(p.groups.have), bindings(p.groups.final)
	listed := map[apiPlace]string{} // :: place → where the document has it
	for _, sid := range keys(p.want.Services) {
		if _, ok := p.services.final[sid]; !ok {
			continue
		}
		var methods map[methodPath]bool // of the bound group
		if g, ok := after[sid]; ok {
			methods = map[methodPath]bool{}
			for _, m := range g.APIs {
				methods[methodPath{m.Method, m.Path}] = true
			}
		}
		apis := p.want.Services[sid].APIs
		for _, key := range keys(apis) {
			t, path := apis[key], "services."+sid+".apis."+key
			at := apiPlace{sid, methodPath{t.Method, t.Path}}
			if first, twice := listed[at]; twice {
				p.wrong(path, "is %s %s, as is %s", t.Method, t.Path, first)
				continue
			}
			listed[at] = path
			id, exists := byPlace[at]
			switch {
			case exists:
			case key == t.Method+" "+t.Path:
				id = apiID(sid, t.Method, t.Path)
			default:
				id = key
			}
			if methods == nil && t.Gone && p.apis.have[id].Gone && !p.services.final[sid].WithSpecification { // it was kept for a binding that ends
				delete(listed, at)
				continue
			}
			if err := p.planAPI(path, id, sid, t, exists, methods); err != nil {
				return err
			}
		}
	}
	p.planLeftAPIs(before, after, listed)
	for sid, g := range after {
		if old, ok := before[sid]; !ok || groupKey(old.GatewayID, old.ID) != groupKey(g.GatewayID, g.ID) {
			p.rebound[sid] = true
		}
	}
	p.place()
	return nil
}

// planAPI plans one API of the document. methods are those of the group that its service is bound to, nil when it is not.
func (p *plan) planAPI(path, id, sid string, t control.TreeAPI, exists bool, methods map[methodPath]bool) error {
	old := p.apis.have[id]
	if !exists && old.ID != "" {
		p.wrong(path, "is %s %s of the service %q; method and path of an API cannot change: give the new one another key", old.Method, old.Path, old.ServiceID)
		return nil
	}
	x := store.StoredAPI{API: control.API{ID: id, TenantID: p.actor.TenantID, ServerID: p.change.workspace, ServiceID: sid, Method: t.Method, Path: t.Path,
		PolicyID: t.PolicyID, APIType: t.APIType, CanHavePolicy: t.CanHavePolicy == nil || *t.CanHavePolicy, Position: old.Position,
		DataClassifications: t.DataClassifications}}
	if x.APIType == "" {
		x.APIType = "rest"
	}
	if x.DataClassifications == nil {
		x.DataClassifications = []string{}
	}
	specified := methods == nil && p.services.final[sid].WithSpecification
	x.Gone = methods != nil && !methods[methodPath{t.Method, t.Path}] || specified && t.Gone
	switch {
	case methods == nil && t.Gone && !specified:
		p.wrong(path+".gone", "is for services that are bound to an API group or have a specification")
	case x.Gone && !t.Gone && !old.Gone:
		p.wrong(path, "is %s %s, which the API group bound to the service does not report; remove it, or unbind the group", t.Method, t.Path)
	case x.Gone && t.PolicyID == "":
		p.wrong(path, "is gone and has no policy to be kept for; remove it")
	}
	same := exists && sameJSON(apiState(old), apiState(x))
	if !same {
		if err := p.invalid(path, control.ValidateAPI(x.API)); err != nil {
			return err
		}
		p.policyFor(path+".policy_id", x.PolicyID)
	}
	put(p, &p.apis, p.at+path, id, x, same)
	return nil
}

// planLeftAPIs plans what becomes of the APIs that the document does not have: a patch removes them, and so does the end of
// their service or of its binding.
func (p *plan) planLeftAPIs(before, after map[string]store.StoredGroup, listed map[apiPlace]string) {
	for _, id := range keys(p.apis.have) {
		x := p.apis.have[id]
		_, isBound := after[x.ServiceID]
		_, stays := p.services.final[x.ServiceID]
		_, wasBound := before[x.ServiceID]
		switch {
		case listed[apiPlace{x.ServiceID, methodPath{x.Method, x.Path}}] != "":
		case p.whole && isBound && stays && !x.Gone:
			p.wrong("services."+x.ServiceID+".apis."+id, "comes from the API group that the service is bound to and cannot be removed; to open it, make its policy_id empty")
		case p.whole && p.opts.Mode == control.ImportFail:
			p.in.conflicts.Add(p.at+"services."+x.ServiceID+".apis."+id, "is there already, and would be removed")
		case p.whole && p.opts.Mode == control.ImportUpdate, !stays, wasBound && !isBound:
			delete(p.apis.final, id)
			p.apis.remove = append(p.apis.remove, id)
		}
	}
}

// apiState is what makes two APIs the same.
func apiState(x store.StoredAPI) any {
	return []any{x.PolicyID, x.CanHavePolicy, x.DataClassifications, x.Gone, x.APIType}
}

// place gives the APIs of each service that changes their positions, so that they are written once.
func (p *plan) place() {
	touched := map[string]bool{}
	for _, list := range [][]string{p.apis.added, p.apis.changed} {
		for _, id := range list {
			touched[p.apis.final[id].ServiceID] = true
		}
	}
	for _, id := range p.apis.remove {
		touched[p.apis.have[id].ServiceID] = true
	}
	of := map[string][]store.StoredAPI{}
	for _, x := range p.apis.final {
		if touched[x.ServiceID] {
			of[x.ServiceID] = append(of[x.ServiceID], x)
		}
	}
	changed := map[string]bool{}
	for _, list := range [][]string{p.apis.added, p.apis.changed} {
		for _, id := range list {
			changed[id] = true
		}
	}
	for _, sid := range keys(of) {
		all := of[sid]
		sort.Slice(all, func(i, j int) bool {
			if all[i].Gone != all[j].Gone {
				return all[j].Gone
			}
			if before(all[i].API, all[j].API) != before(all[j].API, all[i].API) {
				return before(all[i].API, all[j].API)
			}
			return all[i].ID < all[j].ID
		})
		for i, x := range all {
			if x.Position == i+1 {
				continue
			}
			x.Position = i + 1
			p.apis.final[x.ID] = x
			if !changed[x.ID] {
				p.moved = append(p.moved, x.ID)
			}
		}
	}
}
