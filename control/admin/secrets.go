package admin

import (
	"context"

	"portcullis/control"
	"portcullis/control/store"
)

func workspaceSecretPlace(tenant, wid, id string) string {
	return "workspace_secrets/" + tenant + "/" + wid + "/" + id
}

// ListSecrets lists the secrets of a workspace by name, without their values.
func (a *Admin) ListSecrets(ctx context.Context, actor control.Actor, wid string) ([]control.Secret, error) {
	if err := a.allow(actor, "ListSecrets", wid); err != nil {
		return nil, err
	}
	all, err := a.secretsOf(ctx, actor.TenantID, wid)
	out := make([]control.Secret, len(all))
	for i := range all {
		out[i] = all[i].Secret
	}
	return out, err
}

func (a *Admin) secretsOf(ctx context.Context, tenant, wid string) ([]store.WorkspaceSecret, error) {
	if _, err := a.store.Workspace(ctx, tenant, wid); err != nil {
		return nil, notFound(err, "workspace", wid)
	}
	all, err := a.store.WorkspaceSecrets(ctx, tenant, wid)
	return all, internal(err)
}

// RevealSecrets are the values of a workspace's secrets. That somebody read them is in the audit.
func (a *Admin) RevealSecrets(ctx context.Context, actor control.Actor, wid string) (map[string]string, error) {
	if err := a.allow(actor, "RevealSecrets", wid); err != nil {
		return nil, err
	}
	all, err := a.secretsOf(ctx, actor.TenantID, wid)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(all)) // :: secret id → value
	names := make([]string, len(all))
	for i, s := range all {
		text, err := a.keyring.open(workspaceSecretPlace(s.TenantID, s.WorkspaceID, s.ID), s.Sealed)
		if err != nil {
			return nil, internal(err)
		}
		out[s.ID], names[i] = string(text), s.Name
	}
	if len(all) == 0 {
		return out, nil
	}
	// No audit, no values.
	err = a.change(ctx, actor, wid, func(c *change) error {
		return c.audit(ctx, "secret", "revealed", wid, nil, map[string]any{"secrets": names})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// GetSecret reads one secret, without its value.
func (a *Admin) GetSecret(ctx context.Context, actor control.Actor, wid, id string) (control.Secret, error) {
	if err := a.allow(actor, "GetSecret", wid); err != nil {
		return control.Secret{}, err
	}
	s, err := a.store.WorkspaceSecret(ctx, actor.TenantID, wid, id)
	return s.Secret, notFound(err, "secret", id)
}

// CreateSecret makes a secret; the id may be left out.
func (a *Admin) CreateSecret(ctx context.Context, actor control.Actor, s control.Secret, value string) (control.Secret, error) {
	if err := a.allow(actor, "CreateSecret", s.WorkspaceID); err != nil {
		return control.Secret{}, err
	}
	if s.ID == "" {
		s.ID = store.NewID()
	}
	s.TenantID = actor.TenantID
	if err := s.Validate(value); err != nil {
		return control.Secret{}, err
	}
	err := a.change(ctx, actor, s.WorkspaceID, func(c *change) error {
		s.CreatedAt, s.UpdatedAt = c.at(), c.at()
		all, err := c.WorkspaceSecrets(ctx, s.TenantID, s.WorkspaceID)
		if err != nil {
			return err
		}
		if len(all) >= control.MaxSecrets {
			return control.Errorf(control.Invalid, "too_many_secrets", "the workspace has %d secrets, which is the most it can have; delete one first", len(all))
		}
		err = c.AddWorkspaceSecret(ctx, store.WorkspaceSecret{Secret: s, Sealed: a.keyring.seal(workspaceSecretPlace(s.TenantID, s.WorkspaceID, s.ID), []byte(value))})
		if err != nil {
			return exists(err, "secret_exists", "the workspace has a secret with the id %q or the name %q already", s.ID, s.Name)
		}
		return c.audit(ctx, "secret", "created", s.ID, nil, s)
	})
	if err != nil {
		return control.Secret{}, err
	}
	return s, nil
}

// UpdateSecret changes name and value of a secret.
func (a *Admin) UpdateSecret(ctx context.Context, actor control.Actor, s control.Secret, value string) (control.Secret, error) {
	if err := a.allow(actor, "UpdateSecret", s.WorkspaceID); err != nil {
		return control.Secret{}, err
	}
	var out control.Secret
	err := a.change(ctx, actor, s.WorkspaceID, func(c *change) error {
		old, err := c.WorkspaceSecret(ctx, actor.TenantID, s.WorkspaceID, s.ID)
		if err != nil {
			return notFound(err, "secret", s.ID)
		}
		out = old.Secret
		out.UpdatedAt = c.at()
		if s.Name != "" {
			out.Name = s.Name
		}
		if err := out.Validate(value); err != nil {
			return err
		}
		err = c.SetWorkspaceSecret(ctx, store.WorkspaceSecret{Secret: out, Sealed: a.keyring.seal(workspaceSecretPlace(out.TenantID, out.WorkspaceID, out.ID), []byte(value))})
		if err != nil {
			return exists(err, "secret_exists", "the workspace has a secret with the name %q already", out.Name)
		}
		return c.audit(ctx, "secret", "updated", out.ID, old.Secret, out)
	})
	return out, err
}

// DeleteSecret removes a secret.
func (a *Admin) DeleteSecret(ctx context.Context, actor control.Actor, wid, id string) error {
	if err := a.allow(actor, "DeleteSecret", wid); err != nil {
		return err
	}
	return a.change(ctx, actor, wid, func(c *change) error {
		old, err := c.WorkspaceSecret(ctx, actor.TenantID, wid, id)
		if err != nil {
			return notFound(err, "secret", id)
		}
		if err := c.RemoveWorkspaceSecret(ctx, actor.TenantID, wid, id); err != nil {
			return err
		}
		return c.audit(ctx, "secret", "deleted", id, old.Secret, nil)
	})
}

// resealWorkspaceSecrets seals anew what is not sealed with the active key, and says how many that were.
func (a *Admin) resealWorkspaceSecrets(ctx context.Context) (total int, err error) {
	for tenant, wid, id := "", "", ""; ; {
		all, err := a.store.AllWorkspaceSecrets(ctx, tenant, wid, id, 100)
		if err != nil || len(all) == 0 {
			return total, err
		}
		last := all[len(all)-1]
		tenant, wid, id = last.TenantID, last.WorkspaceID, last.ID
		n := 0
		err = a.store.Tx(ctx, func(tx *store.Tx) error {
			n = 0
			for _, s := range all {
				// The value as it is now: it may have been changed since it was listed.
				s, err := tx.WorkspaceSecret(ctx, s.TenantID, s.WorkspaceID, s.ID)
				if err != nil {
					if notFoundOnly(err) == nil {
						continue
					}
					return err
				}
				sealed, done, err := a.reseal(workspaceSecretPlace(s.TenantID, s.WorkspaceID, s.ID), s.Sealed)
				if err != nil {
					return err
				}
				if !done {
					continue
				}
				s.Sealed = sealed
				if err := tx.SetWorkspaceSecret(ctx, s); err != nil {
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
