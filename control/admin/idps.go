package admin

import (
	"context"
	"net/http"
	"slices"

	"portcullis/control"
	"portcullis/control/store"
)

func idpPlace(tenant, wid, id string) string { return "idps/" + tenant + "/" + wid + "/" + id }

// CallbackURL is where an identity provider sends browsers back to the issuer: the redirect URI to register there.
func CallbackURL(issuer, idp string) string { return issuer + "/login/" + idp + "/callback" }

// Outbound is the client for calls to addresses that a person typed.
func (a *Admin) Outbound() *http.Client { return a.outbound }

// ListIDPs lists the identity providers of a workspace, without secrets.
func (a *Admin) ListIDPs(ctx context.Context, actor control.Actor, wid string) ([]control.IDP, error) {
	if err := a.allow(actor, "ListIDPs", wid); err != nil {
		return nil, err
	}
	if _, err := a.store.Workspace(ctx, actor.TenantID, wid); err != nil {
		return nil, notFound(err, "workspace", wid)
	}
	return a.IDPs(ctx, actor.TenantID, wid)
}

// IDPs are the identity providers of a workspace, for its issuer.
func (a *Admin) IDPs(ctx context.Context, tenant, wid string) ([]control.IDP, error) {
	all, err := a.store.IDPs(ctx, tenant, wid)
	out := make([]control.IDP, len(all))
	for i := range all {
		out[i] = all[i].IDP
	}
	return out, internal(err)
}

// GetIDP reads one, without its secret.
func (a *Admin) GetIDP(ctx context.Context, actor control.Actor, wid, id string) (control.IDP, error) {
	if err := a.allow(actor, "GetIDP", wid); err != nil {
		return control.IDP{}, err
	}
	p, err := a.store.IDP(ctx, actor.TenantID, wid, id)
	return p.IDP, notFound(err, "identity provider", id)
}

// IDPSecret is our client secret at an identity provider, for the issuer that logs in there; "" for one without.
func (a *Admin) IDPSecret(ctx context.Context, tenant, wid, id string) (string, error) {
	p, err := a.store.IDP(ctx, tenant, wid, id)
	if err != nil {
		return "", notFound(err, "identity provider", id)
	}
	if p.Sealed == "" {
		return "", nil
	}
	text, err := a.keyring.open(idpPlace(tenant, wid, id), p.Sealed)
	return string(text), internal(err)
}

// ownUsers is the provider that a workspace is born with: its own list of users.
func ownUsers(tenant, wid string) control.IDP {
	return control.IDP{ID: control.StaticIDP, TenantID: tenant, WorkspaceID: wid, Name: "Users of this workspace", Method: control.MethodStatic}
}

func idpDefaults(p *control.IDP) {
	if p.Method == control.MethodStatic && p.ID == "" {
		p.ID = control.StaticIDP
	}
	if p.ID == "" {
		p.ID = control.Slug(p.Name)
	}
	if p.ID == "" || p.Method != control.MethodStatic && p.ID == control.StaticIDP {
		p.ID = "idp-" + control.Slug(store.NewID())
	}
	if p.OIDC == nil {
		return
	}
	s := *p.OIDC // the caller keeps its own
	p.OIDC = &s
	if s.AuthMethod == "" {
		s.AuthMethod = control.AuthBasic
	}
	if len(s.Scopes) == 0 {
		s.Scopes = []string{"openid", "profile", "email"}
	}
	if len(s.Algorithms) == 0 {
		s.Algorithms = control.IDTokenAlgorithms()[:4]
	}
	if s.Mappings == nil {
		s.Mappings = []control.ClaimMapping{}
	}
	if s.Roles == nil {
		s.Roles = []control.RoleRule{}
	}
}

// checkIDP validates a provider and the secret that goes with it; has says that one is stored already.
func checkIDP(p control.IDP, secret string, has bool) error {
	if p.WorkspaceID == control.SystemWorkspace {
		return control.Errorf(control.Malformed, "system_workspace", "nobody logs in to the workspace %q: its clients are gateways", p.WorkspaceID)
	}
	if err := p.Validate(); err != nil {
		return err
	}
	var check control.Checks
	switch {
	case secret != "" && (p.OIDC == nil || p.OIDC.AuthMethod == control.AuthNone):
		check.Add("client_secret", "must be left out where token_endpoint_auth_method is none")
	case secret == "" && !has && p.OIDC != nil && p.OIDC.AuthMethod != control.AuthNone:
		check.Add("client_secret", "is missing; the identity provider shows it where our client is registered")
	case len(secret) > 1000:
		check.Add("client_secret", "has more than 1000 bytes")
	}
	if p.WorkspaceID == control.AdminWorkspace && p.Method == control.MethodStatic && p.Disabled {
		check.Add("disabled", "is not possible here: the local accounts of the workspace admin are the way in when another provider is down")
	}
	return check.Err("identity provider")
}

// CreateIDP connects an identity provider. Whoever runs it decides who logs in: it takes an admin.
func (a *Admin) CreateIDP(ctx context.Context, actor control.Actor, p control.IDP, secret string) (control.IDP, error) {
	if err := a.allow(actor, "CreateIDP", p.WorkspaceID); err != nil {
		return control.IDP{}, err
	}
	p.TenantID = actor.TenantID
	idpDefaults(&p)
	if err := checkIDP(p, secret, false); err != nil {
		return control.IDP{}, err
	}
	err := a.change(ctx, actor, p.WorkspaceID, func(c *change) error {
		all, err := c.IDPs(ctx, actor.TenantID, p.WorkspaceID)
		if err != nil {
			return err
		}
		if len(all) >= control.MaxIDPs {
			return control.Errorf(control.Invalid, "too_many_idps", "the workspace has %d identity providers, which is the most it can have; remove one first", len(all))
		}
		p.CreatedAt, p.UpdatedAt = c.at(), c.at()
		if err := c.AddIDP(ctx, c.sealedIDP(p, secret, "")); err != nil {
			return exists(err, "idp_exists", "the workspace has an identity provider %q already", p.ID)
		}
		return c.audit(ctx, "idp", "created", p.ID, nil, p)
	})
	if err != nil {
		return control.IDP{}, err
	}
	return p, nil
}

// sealedIDP is a provider as it is stored: with a new secret, or with the one that is there where none is given.
func (c *change) sealedIDP(p control.IDP, secret, there string) store.IDP {
	out := store.IDP{IDP: p, Sealed: there}
	if secret != "" {
		out.Sealed = c.admin.keyring.seal(idpPlace(p.TenantID, p.WorkspaceID, p.ID), []byte(secret))
	}
	if p.OIDC == nil || p.OIDC.AuthMethod == control.AuthNone {
		out.Sealed = ""
	}
	return out
}

// UpdateIDP changes a provider. An empty secret keeps the one that is there. Users are known by the provider's subject:
// one whose issuer changes loses its users, because the same subject may be somebody else there.
func (a *Admin) UpdateIDP(ctx context.Context, actor control.Actor, p control.IDP, secret string) (control.IDP, error) {
	if err := a.allow(actor, "UpdateIDP", p.WorkspaceID); err != nil {
		return control.IDP{}, err
	}
	var out control.IDP
	err := a.change(ctx, actor, p.WorkspaceID, func(c *change) error {
		old, err := c.IDP(ctx, actor.TenantID, p.WorkspaceID, p.ID)
		if err != nil {
			return notFound(err, "identity provider", p.ID)
		}
		out = p
		out.TenantID, out.Method, out.CreatedAt, out.UpdatedAt = old.TenantID, old.Method, old.CreatedAt, c.at()
		idpDefaults(&out)
		if err := checkIDP(out, secret, old.Sealed != ""); err != nil {
			return err
		}
		return c.replaceIDP(ctx, old, out, secret)
	})
	return out, err
}

// replaceIDP writes a provider that was checked over the one that is there, with what follows for its users.
func (c *change) replaceIDP(ctx context.Context, old store.IDP, p control.IDP, secret string) error {
	if err := c.SetIDP(ctx, c.sealedIDP(p, secret, old.Sealed)); err != nil {
		return err
	}
	moved := old.OIDC != nil && p.OIDC != nil && old.OIDC.IssuerURL != p.OIDC.IssuerURL
	if moved || p.Disabled && !old.Disabled {
		if err := c.endUsersOf(ctx, p, moved); err != nil {
			return err
		}
	}
	return c.audit(ctx, "idp", "updated", p.ID, old.IDP, p)
}

// endUsersOf ends the sessions of a provider's users, or removes them.
func (c *change) endUsersOf(ctx context.Context, p control.IDP, remove bool) error {
	users, err := c.UsersOf(ctx, p.TenantID, p.WorkspaceID, p.ID)
	if err != nil {
		return err
	}
	for _, id := range users {
		if remove {
			err = c.RemoveUser(ctx, p.TenantID, id)
		} else {
			err = c.RemoveSessionsOf(ctx, p.TenantID, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// DeleteIDP removes a provider with its users; their sessions and grants end.
func (a *Admin) DeleteIDP(ctx context.Context, actor control.Actor, wid, id string) error {
	if err := a.allow(actor, "DeleteIDP", wid); err != nil {
		return err
	}
	if wid == control.AdminWorkspace && id == control.StaticIDP {
		return control.Errorf(control.Malformed, "system_idp", "the local accounts of the workspace %q are the way in when another provider is down, and stay", wid)
	}
	return a.change(ctx, actor, wid, func(c *change) error {
		old, err := c.IDP(ctx, actor.TenantID, wid, id)
		if err != nil {
			return notFound(err, "identity provider", id)
		}
		if err := c.RemoveIDP(ctx, actor.TenantID, wid, id); err != nil {
			return err
		}
		return c.audit(ctx, "idp", "deleted", id, old.IDP, nil)
	})
}

// resealIDPs seals anew what is not sealed with the active key, and says how many that were.
func (a *Admin) resealIDPs(ctx context.Context) (total int, err error) {
	for tenant, wid, id := "", "", ""; ; {
		all, err := a.store.AllIDPs(ctx, tenant, wid, id, 100)
		if err != nil || len(all) == 0 {
			return total, err
		}
		last := all[len(all)-1]
		tenant, wid, id = last.TenantID, last.WorkspaceID, last.ID
		n := 0
		err = a.store.Tx(ctx, func(tx *store.Tx) error {
			n = 0
			for _, p := range all {
				p, err := tx.IDP(ctx, p.TenantID, p.WorkspaceID, p.ID) // as it is now
				if err != nil || p.Sealed == "" {
					if notFoundOnly(err) == nil {
						continue
					}
					return err
				}
				sealed, done, err := a.reseal(idpPlace(p.TenantID, p.WorkspaceID, p.ID), p.Sealed)
				if err != nil {
					return err
				}
				if !done {
					continue
				}
				p.Sealed = sealed
				if err := tx.SetIDP(ctx, p); err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil {
			return total, err
		}
		total += n
	}
}

// LoginIDP finds the provider that a browser wants to log in with.
func (a *Admin) LoginIDP(ctx context.Context, tenant, wid, id string) (control.IDP, error) {
	all, err := a.IDPs(ctx, tenant, wid)
	if err != nil {
		return control.IDP{}, err
	}
	n := slices.IndexFunc(all, func(p control.IDP) bool { return p.ID == id && !p.Disabled })
	if n < 0 {
		return control.IDP{}, control.Errorf(control.NotFound, "not_found", "there is no identity provider %q in this workspace, or it is switched off", id)
	}
	return all[n], nil
}
