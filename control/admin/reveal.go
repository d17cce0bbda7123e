package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"

	"portcullis/control"
)

// revealed records that the actor was shown the secret of a client of a workspace. No audit, no secret.
func (a *Admin) revealed(ctx context.Context, actor control.Actor, wid, clientID string) error {
	return a.change(ctx, actor, wid, func(c *change) error {
		return c.audit(ctx, "client", "revealed", clientID, nil, map[string]any{"client_id": clientID})
	})
}

// IsClientSecret reports whether a text is the current secret of a client, for callers that send back what they read.
func (a *Admin) IsClientSecret(ctx context.Context, actor control.Actor, cid, secret string) (bool, error) {
	found, err := a.client(ctx, actor, "ClientSecret", cid)
	if err != nil || !found.HasSecret() {
		return false, err
	}
	have, err := a.readSecret(ctx, actor.TenantID, cid)
	if err != nil {
		return false, internal(err)
	}
	x, y := sha256.Sum256([]byte(have)), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1, nil
}
