package admin

import (
	"slices"

	"portcullis/control"
	"portcullis/control/store"
)

// mayConnect refuses an actor who may not connect identity providers. The scope manage_configuration is worth as much as the
// role that it takes.
func (a *Admin) mayConnect(actor control.Actor, wid string) error {
	if actor.Kind == control.GatewayActor {
		return mayReveal(actor, true)
	}
	return a.allow(actor, "UpdateIDP", wid)
}

// treeIDP is an identity provider as the document shows it, with the defaults for what is not there.
func treeIDP(p control.IDP) control.TreeIDP {
	idpDefaults(&p)
	return control.TreeIDP{Name: p.Name, Method: p.Method, Disabled: p.Disabled, OIDC: p.OIDC}
}

// treeIDPs adds the identity providers to the document.
func (a *Admin) treeIDPs(out *control.TreeServer, all []store.IDP, credentials bool) error {
	out.IDPs = map[string]control.TreeIDP{}
	for _, p := range all {
		x := treeIDP(p.IDP)
		if credentials && p.Sealed != "" {
			secret, err := a.keyring.open(idpPlace(p.TenantID, p.WorkspaceID, p.ID), p.Sealed)
			if err != nil {
				return err
			}
			x.Secret = string(secret)
		}
		out.IDPs[p.ID] = x
	}
	return nil
}

// planIDPs plans the identity providers. One that is there keeps our secret when the document has none; a new one needs it,
// unless it takes none.
func (p *plan) planIDPs() error {
	p.idps = edit(p.have.IDPs, func(x store.IDP) string { return x.ID })
	p.proofs = map[string]string{}
	for _, id := range keys(p.want.IDPs) {
		if err := p.planIDP(id, p.want.IDPs[id]); err != nil {
			return err
		}
	}
	if p.whole && p.want.IDPs != nil {
		drop(p, &p.idps, func(id string) string { return p.at + "idps." + id }, func(id string, _ store.IDP) bool { _, ok := p.want.IDPs[id]; return ok })
	}
	if p.change.workspace == control.AdminWorkspace && slices.Contains(p.idps.remove, control.StaticIDP) {
		p.wrong("idps."+control.StaticIDP, "cannot be removed: the local accounts of this workspace are the way in when another provider is down")
	}
	if n := len(p.idps.final); n > control.MaxIDPs {
		p.wrong("idps", "would be %d; a workspace has at most %d", n, control.MaxIDPs)
	}
	if p.idps.any() {
		return p.admin.mayConnect(p.actor, p.change.workspace)
	}
	return nil
}

func (p *plan) planIDP(id string, t control.TreeIDP) error {
	path := "idps." + id
	old, exists := p.idps.have[id]
	x := control.IDP{ID: id, TenantID: p.actor.TenantID, WorkspaceID: p.change.workspace, Name: t.Name, Method: t.Method, Disabled: t.Disabled, OIDC: t.OIDC,
		CreatedAt: p.change.at(), UpdatedAt: p.change.at()}
	if exists {
		x.CreatedAt = old.CreatedAt
		if x.Method == "" {
			x.Method = old.Method
		}
		if x.Method != old.Method {
			p.wrong(path+".method", "cannot change; it is %s", old.Method)
			return nil
		}
	}
	idpDefaults(&x)
	x.ID = id // one that is no provider's is a mistake, not another id
	secret := t.Secret
	if exists && secret != "" && old.Sealed != "" {
		have, err := p.admin.keyring.open(idpPlace(old.TenantID, old.WorkspaceID, id), old.Sealed)
		if err != nil {
			return err
		}
		if secret == string(have) {
			secret = ""
		}
	}
	// checkIDP looks at a secret that is the one there as at none.
	same := exists && secret == "" && sameJSON(treeIDP(old.IDP), treeIDP(x))
	if !same {
		if err := p.invalid(path, inSettings(checkIDP(x, secret, old.Sealed != ""))); err != nil {
			return err
		}
	}
	p.proofs[id] = secret
	put(p, &p.idps, p.at+path, id, store.IDP{IDP: x, Sealed: old.Sealed}, same)
	return nil
}

// inSettings moves what is wrong with the settings of a provider to where the document has them.
func inSettings(err error) error {
	var e *control.Error
	if !asControl(err, &e) {
		return err
	}
	c := *e
	c.Fields = map[string]string{}
	for k, v := range e.Fields {
		if !slices.Contains([]string{"id", "name", "method", "disabled", "oidc", "client_secret"}, k) {
			k = "oidc." + k
		}
		c.Fields[k] = v
	}
	return &c
}

// idp finds a provider that will be there, for the gateways that trust it.
func (p *plan) idp(id string) (store.IDP, error) {
	if x, ok := p.idps.final[id]; ok {
		return x, nil
	}
	return store.IDP{}, store.ErrNotFound
}

// checkExchanges refuses to remove a provider that a gateway trusts.
func (p *plan) checkExchanges() error {
	for _, id := range p.idps.remove {
		for _, gid := range keys(p.gateways.final) {
			if slices.Contains(p.gateways.final[gid].TokenExchange.TrustedIDPs, id) {
				p.wrong("idps."+id, "is removed, and the gateway %q exchanges its tokens; take it out of its token_exchange", gid)
			}
		}
	}
	return nil
}

// writeIDPs writes the providers, before the gateways that trust them.
func (p *plan) writeIDPs() error {
	e := &p.idps
	for _, id := range e.remove {
		if err := p.RemoveIDP(p.ctx, p.actor.TenantID, p.change.workspace, id); err != nil {
			return err
		}
		if err := p.note("idp", id, e.have[id].IDP, nil); err != nil {
			return err
		}
	}
	for _, id := range e.changed {
		if err := p.replaceIDP(p.ctx, e.have[id], e.final[id].IDP, p.proofs[id]); err != nil {
			return err
		}
	}
	for _, id := range e.added {
		if err := p.AddIDP(p.ctx, p.sealedIDP(e.final[id].IDP, p.proofs[id], "")); err != nil {
			return err
		}
		if err := p.note("idp", id, nil, e.final[id].IDP); err != nil {
			return err
		}
	}
	return nil
}
