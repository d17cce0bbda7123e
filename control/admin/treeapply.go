package admin

import (
	"errors"
	"reflect"

	"portcullis/control"
	"portcullis/control/store"
)

// apply writes the plan: first what others point at, last what nothing points at any more. One audit record says that
// there was an import, and one for each object what became of it.
func (p *plan) apply() error {
	for _, step := range []func() error{p.writeWorkspace, p.writeTrust, p.writeKept, p.writeIDPs, p.writePolicies, p.writeServices, p.loosenGroups, p.writeAPIs, p.writeScopes, p.writeClients,
		p.writeGateways, p.writeGroups, p.removeOld} {
		if err := step(); err != nil {
			return err
		}
	}
	// Clients, names of gateways and groups that nothing is bound to are nothing that an authorizer sees.
	if (p.setWorkspace || p.trust != nil || p.policies.any() || p.services.any() || p.apis.any() || p.scopes.any() || len(p.rebound) > 0 || p.change.revise) && !p.fresh {
		if _, err := p.Revise(p.ctx, p.actor.TenantID, p.change.workspace, p.admin.now()); err != nil {
			return err
		}
	}
	return p.audit(p.ctx, "configuration", "imported", p.change.workspace, nil, p.summary())
}

// summary is what the audit says of an import.
func (p *plan) summary() any {
	counts := map[string][3]int{}
	add := func(noun string, added, changed, removed int) {
		if added+changed+removed > 0 {
			counts[noun] = [3]int{added, changed, removed}
		}
	}
	add("policies", len(p.policies.added), len(p.policies.changed), len(p.policies.remove))
	add("services", len(p.services.added), len(p.services.changed), len(p.services.remove))
	add("apis", len(p.apis.added), len(p.apis.changed), len(p.apis.remove))
	add("scopes", len(p.scopes.added), len(p.scopes.changed), len(p.scopes.remove))
	add("clients", len(p.clients.added), len(p.clients.changed), len(p.clients.remove))
	add("gateways", len(p.gateways.added), len(p.gateways.changed), len(p.gateways.remove))
	add("idps", len(p.idps.added), len(p.idps.changed), len(p.idps.remove))
	add("secrets", len(p.kept.added), len(p.kept.changed), len(p.kept.remove))
	add("api_groups", len(p.groups.added), len(p.groups.changed), len(p.groups.remove))
	return map[string]any{"mode": p.opts.Mode, "patch": p.whole, "added_changed_removed": counts, "new_workspace": p.fresh, "workspace_changed": p.setWorkspace, "trusted_issuers_changed": p.trust != nil}
}

// note audits one object: nil before when it is new, nil after when it is removed.
func (p *plan) note(subject, id string, before, after any) error {
	action := "updated"
	switch {
	case before == nil:
		action = "created"
	case after == nil:
		action = "deleted"
	}
	return p.audit(p.ctx, subject, action, id, before, after)
}

func (p *plan) writeWorkspace() error {
	w := p.workspace
	if p.fresh {
		if err := p.AddWorkspace(p.ctx, w); err != nil {
			return exists(err, "workspace_exists", "there is a workspace %q already; choose another id", w.ID)
		}
		if err := p.newKey(p.ctx, w); err != nil {
			return err
		}
		return p.note("server", w.ID, nil, w)
	}
	if !p.setWorkspace {
		return nil
	}
	w.UpdatedAt = p.change.at()
	if err := p.SetWorkspace(p.ctx, w); err != nil {
		return err
	}
	return p.note("server", w.ID, p.have.Workspace, w)
}

func (p *plan) writePolicies() error {
	e := &p.policies
	for _, id := range e.added {
		if err := p.AddPolicy(p.ctx, e.final[id], p.admin.now()); err != nil {
			return err
		}
		if err := p.note("policy", id, nil, e.final[id]); err != nil {
			return err
		}
	}
	for _, id := range e.changed {
		if err := p.SetPolicy(p.ctx, e.final[id], p.admin.now()); err != nil {
			return err
		}
		if err := p.note("policy", id, e.have[id], e.final[id]); err != nil {
			return err
		}
	}
	for _, id := range keys(p.embeds) {
		if len(p.embeds[id]) == 0 && contains(e.added, id) {
			continue
		}
		if err := p.SetEmbeds(p.ctx, p.actor.TenantID, id, p.embeds[id]); err != nil {
			return err
		}
	}
	return nil
}

// contains looks in a list that is in order, as added is.
func contains(list []string, s string) bool {
	for lo, hi := 0, len(list); lo < hi; {
		switch mid := (lo + hi) / 2; {
		case list[mid] == s:
			return true
		case list[mid] < s:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return false
}

func (p *plan) writeServices() error {
	e := &p.services
	for _, id := range e.added {
		if err := p.AddService(p.ctx, e.final[id]); err != nil {
			return err
		}
		if err := p.note("service", id, nil, e.final[id]); err != nil {
			return err
		}
	}
	for _, id := range e.changed {
		x := e.final[id]
		if err := p.SetService(p.ctx, x); err != nil {
			return err
		}
		if x.WithSpecification != e.have[id].WithSpecification {
			if err := p.SetSpecification(p.ctx, x.TenantID, id, x.WithSpecification); err != nil {
				return err
			}
		}
		if err := p.note("service", id, e.have[id], x); err != nil {
			return err
		}
	}
	return nil
}

// loosenGroups takes the services away from groups that change or go, so that two can swap them.
func (p *plan) loosenGroups() error {
	for _, list := range [][]string{p.groups.changed, p.groups.remove} {
		for _, k := range list {
			g := p.groups.have[k]
			if g.ServiceID == "" {
				continue
			}
			was := g.APIGroup
			g.ServiceID = ""
			if err := p.SetGroup(p.ctx, g.ID, g); err != nil {
				return err
			}
			p.change.revise = true
			if err := p.audit(p.ctx, "gateway", "unbound", g.GatewayID, groupRecord(was), groupRecord(g.APIGroup)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *plan) writeAPIs() error {
	e := &p.apis
	for _, id := range e.remove {
		if err := p.RemoveAPI(p.ctx, p.actor.TenantID, id); err != nil {
			return err
		}
		if err := p.note("api", id, e.have[id].API, nil); err != nil {
			return err
		}
	}
	for _, id := range e.added {
		x := e.final[id]
		if err := p.AddAPI(p.ctx, x.API); err != nil {
			return err
		}
		if x.Gone {
			if err := p.ReplaceAPI(p.ctx, x); err != nil {
				return err
			}
		}
		if err := p.note("api", id, nil, x.API); err != nil {
			return err
		}
	}
	for _, id := range e.changed {
		if err := p.ReplaceAPI(p.ctx, e.final[id]); err != nil {
			return err
		}
		if err := p.note("gateway_policy", id, e.have[id].API, e.final[id].API); err != nil {
			return err
		}
	}
	for _, id := range p.moved {
		if err := p.ReplaceAPI(p.ctx, e.final[id]); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) writeScopes() error {
	e := &p.scopes
	for _, name := range e.remove {
		x := e.have[name]
		if err := p.RemoveScope(p.ctx, x.TenantID, x.ID); err != nil {
			return err
		}
		if err := p.note("scopes", x.ID, x, nil); err != nil {
			return err
		}
	}
	for _, name := range e.changed {
		x := e.final[name]
		if err := p.SetScope(p.ctx, x); err != nil {
			return err
		}
		if err := p.note("scopes", x.ID, e.have[name], x); err != nil {
			return err
		}
	}
	for _, name := range e.added {
		x := e.final[name]
		if err := p.AddScope(p.ctx, x); err != nil {
			return err
		}
		if err := p.note("scopes", x.ID, nil, x); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) writeClients() error {
	e := &p.clients
	for _, id := range e.remove {
		if err := p.RemoveClient(p.ctx, p.actor.TenantID, id); err != nil {
			return err
		}
		if err := p.note("client", id, e.have[id], nil); err != nil {
			return err
		}
	}
	for _, id := range e.added {
		if err := p.AddClient(p.ctx, e.final[id]); err != nil {
			return err
		}
		if err := p.writeSecret(id, true); err != nil {
			return err
		}
		if err := p.note("client", id, nil, e.final[id]); err != nil {
			return err
		}
	}
	for _, id := range e.changed {
		if err := p.SetClient(p.ctx, e.final[id]); err != nil {
			return err
		}
		if !e.final[id].HasSecret() && e.have[id].HasSecret() {
			if _, err := p.RemoveClientSecrets(p.ctx, p.actor.TenantID, id, true); err != nil {
				return err
			}
		}
		if err := p.writeSecret(id, false); err != nil {
			return err
		}
		if err := p.note("client", id, e.have[id], e.final[id]); err != nil {
			return err
		}
	}
	return nil
}

// writeSecret sets the planned secret of a client; the one before stops working at once.
func (p *plan) writeSecret(client string, fresh bool) error {
	secret, ok := p.secrets[client]
	if !ok {
		return nil
	}
	if secret == "" {
		secret = randomSecret()
	}
	if !fresh {
		if _, err := p.RemoveClientSecrets(p.ctx, p.actor.TenantID, client, true); err != nil {
			return err
		}
		if err := p.audit(p.ctx, "client", "generated", client, nil, map[string]any{"client_id": client, "from": "configuration"}); err != nil {
			return err
		}
	}
	return p.addSecret(p.ctx, client, secret)
}

func (p *plan) writeGateways() error {
	e := &p.gateways
	for _, id := range e.remove {
		g := e.have[id]
		if err := p.RemoveGateway(p.ctx, g.TenantID, id); err != nil {
			return err
		}
		if err := p.RemoveClient(p.ctx, g.TenantID, g.ClientID); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		p.change.revise = true
		if err := p.note("gateway", id, g, nil); err != nil {
			return err
		}
	}
	for _, id := range e.added {
		g := e.final[id]
		if err := p.AddClient(p.ctx, gatewayClient(g, p.workspace.Name)); err != nil {
			return err
		}
		if err := p.writeSecret(g.ClientID, true); err != nil {
			return err
		}
		slot, err := p.freeSlot(p.ctx, p.workspace, g.Type)
		if err != nil {
			return err
		}
		if err := p.AddGateway(p.ctx, g, slot); err != nil {
			return err
		}
		if g.TokenExchange.Enabled || len(g.TokenExchange.TrustedIDPs) > 0 {
			bare := g
			bare.TokenExchange = control.TokenExchange{}
			if _, err := p.setExchange(p.ctx, bare, g.TokenExchange); err != nil {
				return err
			}
		}
		if err := p.note("gateway", id, nil, g); err != nil {
			return err
		}
	}
	for _, id := range e.changed {
		g := e.final[id]
		if err := p.ReplaceGateway(p.ctx, g); err != nil {
			return err
		}
		if err := p.writeSecret(g.ClientID, false); err != nil {
			return err
		}
		if !reflect.DeepEqual(g.TokenExchange, e.have[id].TokenExchange) {
			if _, err := p.setExchange(p.ctx, e.have[id], g.TokenExchange); err != nil {
				return err
			}
		}
		if !reflect.DeepEqual(g, e.have[id]) {
			if err := p.note("gateway", id, e.have[id], g); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *plan) writeGroups() error {
	e := &p.groups
	for _, k := range e.remove {
		g := e.have[k]
		if contains(p.gateways.remove, g.GatewayID) {
			continue // they went with it
		}
		if err := p.RemoveGroup(p.ctx, g.TenantID, g.GatewayID, g.ID); err != nil {
			return err
		}
	}
	for _, k := range e.added {
		g := e.final[k]
		if err := p.AddGroup(p.ctx, g); err != nil {
			return err
		}
		// The gateway's next report says whether the group is really there.
		if err := p.ForgetInventory(p.ctx, g.TenantID, g.GatewayID); err != nil {
			return err
		}
	}
	for _, k := range e.changed {
		if err := p.loosen(p.ctx, e.final[k]); err != nil {
			return err
		}
	}
	for _, sid := range keys(p.rebound) {
		g := bindings(e.final)[sid]
		kept := map[methodPath]store.StoredAPI{}
		for _, x := range p.apis.have {
			if from := e.have[groupKey(g.GatewayID, g.ID)].ServiceID; x.PolicyID != "" && !x.Gone && (x.ServiceID == sid || x.ServiceID == from && from != "") {
				if _, there := p.policies.final[x.PolicyID]; there {
					kept[methodPath{x.Method, x.Path}] = x
				}
			}
		}
		if _, err := p.reconcile(p.ctx, g, kept); err != nil {
			return err
		}
		if err := p.audit(p.ctx, "gateway", "bound", g.GatewayID, nil, groupRecord(g.APIGroup)); err != nil {
			return err
		}
	}
	return nil
}

// removeOld removes the services and policies that nothing uses any more.
func (p *plan) removeOld() error {
	for _, id := range p.services.remove {
		if err := p.RemoveService(p.ctx, p.actor.TenantID, id); err != nil {
			return err
		}
		if err := p.note("service", id, p.services.have[id], nil); err != nil {
			return err
		}
	}
	for _, id := range p.policies.remove {
		if err := p.SetEmbeds(p.ctx, p.actor.TenantID, id, nil); err != nil {
			return err
		}
	}
	for _, id := range p.policies.remove {
		if err := p.RemovePolicy(p.ctx, p.actor.TenantID, id); err != nil {
			return err
		}
		if err := p.note("policy", id, p.policies.have[id], nil); err != nil {
			return err
		}
	}
	return nil
}
