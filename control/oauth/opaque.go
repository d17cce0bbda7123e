package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"portcullis/control/store"
)

// opaquePrefix begins every opaque access token: it tells them from JWTs, whose first character is "e", and a leaked one
// is found by a scanner for secrets.
const opaquePrefix = "pct_"

// keep makes an opaque access token: 256 random bits that stand for the claims. Only its hash is stored; whoever has the
// database cannot use it.
func (i *Issuer) keep(ctx context.Context, c Claims, now time.Time) (string, error) {
	token := opaquePrefix + randomToken()
	claims, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return token, i.store.Tx(ctx, func(tx *store.Tx) error {
		return tx.AddAccessToken(ctx, store.AccessToken{Hash: hashOf(token), TenantID: c.Tenant, WorkspaceID: c.Workspace, Claims: claims, ExpiresAt: time.Unix(c.Expiry, 0)}, now)
	})
}

// kept are the claims that an opaque token of a workspace stands for.
func (i *Issuer) kept(ctx context.Context, tenant, wid, bearer string) (c Claims, err error) {
	if len(bearer) > 100 {
		return c, errToken
	}
	t, err := i.store.AccessToken(ctx, hashOf(bearer))
	if errors.Is(err, store.ErrNotFound) || err == nil && (t.TenantID != tenant || t.WorkspaceID != wid) {
		return c, errToken
	}
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(t.Claims, &c)
}
