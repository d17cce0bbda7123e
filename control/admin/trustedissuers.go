package admin

import (
	"context"
	"encoding/json"

	"portcullis/control"
	"portcullis/edge/waist"
)

// ListTrustedIssuers lists the other issuers whose access tokens the workspace's authorizers accept.
func (a *Admin) ListTrustedIssuers(ctx context.Context, actor control.Actor, wid string) ([]waist.TrustedIssuer, error) {
	if err := a.allow(actor, "ListTrustedIssuers", wid); err != nil {
		return nil, err
	}
	out, err := a.store.TrustedIssuers(ctx, actor.TenantID, wid)
	return out, notFound(err, "workspace", wid)
}

// SetTrustedIssuers replaces them. Whoever holds the keys of one lets anybody in, as far as the policies allow: it takes an
// admin. Authorizers follow with their next poll.
func (a *Admin) SetTrustedIssuers(ctx context.Context, actor control.Actor, wid string, all []waist.TrustedIssuer) ([]waist.TrustedIssuer, error) {
	if err := a.allow(actor, "SetTrustedIssuers", wid); err != nil {
		return nil, err
	}
	out := make([]waist.TrustedIssuer, len(all))
	for i, t := range all {
		if text := string(t.JWKS); text == "null" || text == "{}" {
			t.JWKS = nil
		}
		if t.IssuerURL == a.IssuerURL(actor.TenantID, wid) {
			var check control.Checks
			check.Add("trusted_issuers", "must not hold the workspace's own issuer, which is trusted anyway")
			return nil, check.Err("workspace")
		}
		out[i] = t
	}
	if err := control.ValidateTrustedIssuers(out); err != nil {
		return nil, err
	}
	if wid == control.AdminWorkspace || wid == control.SystemWorkspace {
		return nil, control.Errorf(control.Malformed, "system_workspace", "the workspace %q protects this server itself, which takes its own tokens only", wid)
	}
	err := a.change(ctx, actor, wid, func(c *change) error {
		old, err := c.TrustedIssuers(ctx, actor.TenantID, wid)
		if err != nil {
			return err
		}
		c.revise = true
		if err := c.SetTrustedIssuers(ctx, actor.TenantID, wid, out); err != nil {
			return err
		}
		return c.audit(ctx, "server", "updated", wid, trust(old), trust(out))
	})
	return out, err
}

// trust is the list as the audit shows it.
func trust(all []waist.TrustedIssuer) map[string]json.RawMessage {
	b, err := json.Marshal(all)
	if err != nil { // of parts that were JSON before: does not happen
		b = nil
	}
	return map[string]json.RawMessage{"trusted_issuers": b}
}
