package admin

import (
	"context"
	"errors"
	"time"

	"portcullis/control"
	"portcullis/control/store"
)

// longestToken is how long an access token lives at most, whatever its workspace says.
const longestToken = 24 * time.Hour

// RevokeTokens ends the access tokens of a workspace that were issued until now, and the grants behind them: those of a
// client, of a user, of both at once, or all of them when both are empty. Introspection and this server's own APIs refuse
// them at once (other nodes within half a second); an authorizer that checks a token by its signature takes it until it
// expires.
func (a *Admin) RevokeTokens(ctx context.Context, actor control.Actor, wid, client, subject string) error {
	if err := a.allow(actor, "RevokeTokens", wid); err != nil {
		return err
	}
	return a.change(ctx, actor, wid, func(c *change) error {
		if client != "" {
			found, err := c.Client(ctx, actor.TenantID, client)
			if errors.Is(err, store.ErrNotFound) || err == nil && found.WorkspaceID != wid {
				return control.Errorf(control.NotFound, "not_found", "there is no client %q in the workspace %q", client, wid)
			}
			if err != nil {
				return err
			}
		}
		now := c.admin.now()
		if err := c.PruneCutoffs(ctx, now); err != nil {
			return err
		}
		if err := c.EndTokens(ctx, actor.TenantID, wid, client, subject, now, now.Add(longestToken)); err != nil {
			return err
		}
		return c.audit(ctx, "tokens", "revoked", wid, nil, map[string]any{"client_id": client, "subject": subject})
	})
}
