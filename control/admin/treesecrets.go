package admin

import (
	"slices"
	"unicode/utf8"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/waist"
)

// treeTrust are trusted issuers as the document shows them.
func treeTrust(all []waist.TrustedIssuer) []waist.TrustedIssuer {
	out := make([]waist.TrustedIssuer, len(all))
	for i, t := range all {
		if t.JWKS != nil {
			t.JWKS = ordered(t.JWKS)
		}
		out[i] = t
	}
	return out
}

// planTrust plans the trusted issuers, which are one list: the document's, or as they are when it has none.
func (p *plan) planTrust() error {
	if p.want.TrustedIssuers == nil {
		return nil
	}
	list, err := p.admin.trustable(p.actor.TenantID, p.change.workspace, *p.want.TrustedIssuers)
	if err != nil {
		return p.invalid("", err)
	}
	if sameJSON(treeTrust(list), treeTrust(p.have.TrustedIssuers)) {
		return nil
	}
	switch {
	case p.opts.Mode == control.ImportFail && len(p.have.TrustedIssuers) > 0:
		p.in.conflicts.Add(p.at+"trusted_issuers", "are there already, and others")
		return nil
	case p.opts.Mode == control.ImportIgnore && len(p.have.TrustedIssuers) > 0:
		return nil
	}
	// The scope manage_configuration is worth as much as the role that the verb asks for.
	if p.actor.Kind != control.GatewayActor {
		if err := p.admin.allow(p.actor, "SetTrustedIssuers", p.change.workspace); err != nil {
			return err
		}
	}
	p.trust = &list
	return nil
}

func (p *plan) writeTrust() error {
	if p.trust == nil {
		return nil
	}
	if err := p.SetTrustedIssuers(p.ctx, p.actor.TenantID, p.change.workspace, *p.trust); err != nil {
		return err
	}
	return p.audit(p.ctx, "server", "updated", p.change.workspace, trust(p.have.TrustedIssuers), trust(*p.trust))
}

// planKept plans the secrets that policies read. One that is there keeps its value when the document has none; a new one
// needs a value.
func (p *plan) planKept() error {
	p.kept = edit(p.have.Kept, func(s store.WorkspaceSecret) string { return s.ID })
	p.values = map[string]string{}
	for _, id := range keys(p.want.Secrets) {
		t, path := p.want.Secrets[id], "secrets."+id
		old, exists := p.kept.have[id]
		x := store.WorkspaceSecret{Secret: control.Secret{ID: id, Name: t.Name, WorkspaceID: p.change.workspace, TenantID: p.actor.TenantID,
			CreatedAt: p.change.at(), UpdatedAt: p.change.at()}}
		value := t.Value
		if exists {
			x.CreatedAt, x.Sealed = old.CreatedAt, old.Sealed
			have, err := p.admin.keyring.open(workspaceSecretPlace(old.TenantID, old.WorkspaceID, id), old.Sealed)
			if err != nil {
				return err
			}
			if value == "" || value == string(have) {
				value = ""
			}
		} else if value == "" {
			p.wrong(path+".value", "is missing: a new secret needs its value; take the document with secrets, or make the secret first")
			continue
		}
		same := exists && value == "" && old.Name == t.Name
		if !same {
			checked := value
			if checked == "" {
				checked = "kept"
			}
			if err := p.invalid(path, x.Validate(checked)); err != nil {
				return err
			}
		}
		put(p, &p.kept, p.at+path, id, x, same)
		if value != "" && utf8.ValidString(value) && (slices.Contains(p.kept.added, id) || slices.Contains(p.kept.changed, id)) {
			p.values[id] = value
		}
	}
	if p.whole && p.want.Secrets != nil {
		drop(p, &p.kept, func(id string) string { return p.at + "secrets." + id }, func(id string, _ store.WorkspaceSecret) bool { _, ok := p.want.Secrets[id]; return ok })
	}
	if n := len(p.kept.final); n > control.MaxSecrets {
		p.wrong("secrets", "would be %d; a workspace has at most %d", n, control.MaxSecrets)
	}
	names := map[string]string{}
	for _, id := range keys(p.kept.final) {
		name := p.kept.final[id].Name
		if other, twice := names[name]; twice {
			p.wrong("secrets."+id+".secret", "is the name of %s as well", other)
		}
		names[name] = id
	}
	return nil
}

func (p *plan) writeKept() error {
	e := &p.kept
	for _, id := range e.remove {
		if err := p.RemoveWorkspaceSecret(p.ctx, p.actor.TenantID, p.change.workspace, id); err != nil {
			return err
		}
		if err := p.note("secret", id, e.have[id].Secret, nil); err != nil {
			return err
		}
	}
	// A name may pass from one secret to another: whoever changes it first gets one that nobody has.
	for _, id := range e.changed {
		if e.final[id].Name == e.have[id].Name {
			continue
		}
		x := e.have[id]
		x.Name = store.NewID()
		if err := p.SetWorkspaceSecret(p.ctx, x); err != nil {
			return err
		}
	}
	for _, id := range append(slices.Clone(e.changed), e.added...) {
		x, old, exists := e.final[id], any(nil), false
		if value, ok := p.values[id]; ok {
			x.Sealed = p.admin.keyring.seal(workspaceSecretPlace(x.TenantID, x.WorkspaceID, id), []byte(value))
		}
		write := p.AddWorkspaceSecret
		if _, exists = e.have[id]; exists {
			write, old = p.SetWorkspaceSecret, e.have[id].Secret
		}
		if err := write(p.ctx, x); err != nil {
			return err
		}
		if err := p.note("secret", id, old, x.Secret); err != nil {
			return err
		}
	}
	return nil
}
