package store

import (
	"context"
	"time"

	"portcullis/control"
)

// Grant is what a user allowed a client. CodeHash and FamilyHash are of secrets that must not be used twice.
type Grant struct {
	TenantID, ID, WorkspaceID, ClientID, UserID string
	Scopes, Resources                           []string
	CodeHash, FamilyHash                        string
	SessionID                                   string                 // of the log-in that it came from
	Authentication                              control.Authentication // how the user proved who it is
	CreatedAt, UsedAt, ExpiresAt                time.Time              // UsedAt: when its code or a refresh token was taken last
}

const grantColumns = `tenant_id, id, workspace_id, client_id, user_id, scopes_json, resources_json, code_hash, family_hash, sid, authn_json, auth_at, created_at, used_at, expires_at`

func scanGrant(s scanner) (g Grant, err error) {
	return g, s.Scan(&g.TenantID, &g.ID, &g.WorkspaceID, &g.ClientID, &g.UserID, fromJSON{&g.Scopes}, fromJSON{&g.Resources},
		&g.CodeHash, &g.FamilyHash, &g.SessionID, fromJSON{&g.Authentication}, at{&g.Authentication.At}, at{&g.CreatedAt}, at{&g.UsedAt}, at{&g.ExpiresAt})
}

// Code is an authorization code of a grant (RFC 6749 4.1.2).
type Code struct {
	Hash, TenantID, GrantID       string
	RedirectURI, Challenge, Nonce string
	ExpiresAt                     time.Time
}

// Grant reads one.
func (r Reader) Grant(ctx context.Context, tenant, id string) (Grant, error) {
	return one(ctx, r.q, scanGrant, "SELECT "+grantColumns+" FROM grants WHERE tenant_id = $1 AND id = $2", tenant, id)
}

// GrantOfCode reads the grant that came from a code, used or not.
func (r Reader) GrantOfCode(ctx context.Context, hash string) (Grant, error) {
	return one(ctx, r.q, scanGrant, "SELECT "+grantColumns+" FROM grants WHERE code_hash = $1", hash)
}

// GrantOfFamily reads the grant whose refresh tokens begin with a secret.
func (r Reader) GrantOfFamily(ctx context.Context, hash string) (Grant, error) {
	return one(ctx, r.q, scanGrant, "SELECT "+grantColumns+" FROM grants WHERE family_hash = $1", hash)
}

// AddGrant stores a grant with its code.
func (tx *Tx) AddGrant(ctx context.Context, g Grant, c Code) error {
	err := tx.exec(ctx, "INSERT INTO grants ("+grantColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
		g.TenantID, g.ID, g.WorkspaceID, g.ClientID, g.UserID, jsonList(g.Scopes), jsonList(g.Resources), g.CodeHash, g.FamilyHash, g.SessionID, jsonText(g.Authentication),
		micros(g.Authentication.At), micros(g.CreatedAt), micros(g.UsedAt), micros(g.ExpiresAt))
	if err != nil {
		return err
	}
	return tx.exec(ctx, "INSERT INTO codes (code_hash, tenant_id, grant_id, redirect_uri, code_challenge, nonce, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		g.CodeHash, g.TenantID, g.ID, c.RedirectURI, c.Challenge, c.Nonce, micros(c.ExpiresAt))
}

// TakeCode removes a code and returns it: of two that ask, one gets it, the other ErrNotFound.
func (tx *Tx) TakeCode(ctx context.Context, hash string) (Code, error) {
	return one(ctx, tx.q, func(s scanner) (c Code, err error) {
		return c, s.Scan(&c.Hash, &c.TenantID, &c.GrantID, &c.RedirectURI, &c.Challenge, &c.Nonce, at{&c.ExpiresAt})
	}, "DELETE FROM codes WHERE code_hash = $1 RETURNING code_hash, tenant_id, grant_id, redirect_uri, code_challenge, nonce, expires_at", hash)
}

// UseGrant writes down that a code or refresh token of a grant was taken, and moves its end.
func (tx *Tx) UseGrant(ctx context.Context, tenant, id string, used, expires time.Time) error {
	return tx.exec(ctx, "UPDATE grants SET used_at = $1, expires_at = $2 WHERE tenant_id = $3 AND id = $4", micros(used), micros(expires), tenant, id)
}

// RemoveGrant ends a grant with its code and refresh tokens.
func (tx *Tx) RemoveGrant(ctx context.Context, tenant, id string) error {
	return tx.exec(ctx, "DELETE FROM grants WHERE tenant_id = $1 AND id = $2", tenant, id)
}

// AddRefreshToken stores a refresh token of a grant and moves the grant's end to the token's.
func (tx *Tx) AddRefreshToken(ctx context.Context, tenant, grantID, hash string, now, expires time.Time) error {
	if err := tx.UseGrant(ctx, tenant, grantID, now, expires); err != nil {
		return err
	}
	return tx.exec(ctx, "INSERT INTO refresh_tokens (token_hash, tenant_id, grant_id, expires_at) VALUES ($1, $2, $3, $4)",
		hash, tenant, grantID, micros(expires))
}

// TakeRefreshToken removes a refresh token and returns whose it was and when it would have ended; ErrNotFound for the
// second of two.
func (tx *Tx) TakeRefreshToken(ctx context.Context, hash string) (tenant, grantID string, expires time.Time, err error) {
	type row struct {
		tenant, grant string
		expires       time.Time
	}
	r, err := one(ctx, tx.q, func(s scanner) (r row, err error) { return r, s.Scan(&r.tenant, &r.grant, at{&r.expires}) },
		"DELETE FROM refresh_tokens WHERE token_hash = $1 RETURNING tenant_id, grant_id, expires_at", hash)
	return r.tenant, r.grant, r.expires, err
}

// SetFamily says what the refresh tokens of a grant begin with.
func (tx *Tx) SetFamily(ctx context.Context, tenant, grantID, hash string) error {
	return tx.exec(ctx, "UPDATE grants SET family_hash = $1 WHERE tenant_id = $2 AND id = $3", hash, tenant, grantID)
}

// PushedRequest is an authorization request that was pushed ahead (RFC 9126).
type PushedRequest struct {
	Hash, TenantID, WorkspaceID, ClientID string
	Query                                 string
	ExpiresAt                             time.Time
}

// AddPushedRequest stores one.
func (tx *Tx) AddPushedRequest(ctx context.Context, p PushedRequest) error {
	return tx.exec(ctx, "INSERT INTO pushed_requests (uri_hash, tenant_id, workspace_id, client_id, query, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
		p.Hash, p.TenantID, p.WorkspaceID, p.ClientID, p.Query, micros(p.ExpiresAt))
}

// TakePushedRequest removes one and returns it; ErrNotFound for the second of two.
func (tx *Tx) TakePushedRequest(ctx context.Context, hash string) (PushedRequest, error) {
	return one(ctx, tx.q, func(s scanner) (p PushedRequest, err error) {
		return p, s.Scan(&p.Hash, &p.TenantID, &p.WorkspaceID, &p.ClientID, &p.Query, at{&p.ExpiresAt})
	}, "DELETE FROM pushed_requests WHERE uri_hash = $1 RETURNING uri_hash, tenant_id, workspace_id, client_id, query, expires_at", hash)
}

// RevokeToken remembers an access token as revoked until it ends; twice is no error.
func (tx *Tx) RevokeToken(ctx context.Context, tenant, workspace, id string, expires time.Time) error {
	_, err := tx.count(ctx, "INSERT INTO revoked_tokens (tenant_id, workspace_id, id, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
		tenant, workspace, id, micros(expires))
	return err
}

// Revoked reports whether an access token was revoked.
func (r Reader) Revoked(ctx context.Context, tenant, workspace, id string) (bool, error) {
	n, err := one(ctx, r.q, func(s scanner) (n int64, err error) { return n, s.Scan(&n) },
		"SELECT count(*) FROM revoked_tokens WHERE tenant_id = $1 AND workspace_id = $2 AND id = $3", tenant, workspace, id)
	return n > 0, err
}

// AccessToken is what an opaque access token stands for; Claims is JSON of the issuer's own.
type AccessToken struct {
	Hash, TenantID, WorkspaceID string
	Claims                      []byte
	ExpiresAt                   time.Time
}

// AccessToken reads one.
func (r Reader) AccessToken(ctx context.Context, hash string) (AccessToken, error) {
	return one(ctx, r.q, func(s scanner) (t AccessToken, err error) {
		var claims string
		err = s.Scan(&t.Hash, &t.TenantID, &t.WorkspaceID, &claims, at{&t.ExpiresAt})
		t.Claims = []byte(claims)
		return t, err
	}, "SELECT token_hash, tenant_id, workspace_id, claims_json, expires_at FROM access_tokens WHERE token_hash = $1", hash)
}

// pruneAtOnce bounds what one new access token removes, so that a quiet night's end is not one request's burden.
const pruneAtOnce = "100"

// AddAccessToken stores one, and removes some of those that are over.
func (tx *Tx) AddAccessToken(ctx context.Context, t AccessToken, now time.Time) error {
	if _, err := tx.count(ctx, "DELETE FROM access_tokens WHERE token_hash IN (SELECT token_hash FROM access_tokens WHERE expires_at < $1 LIMIT "+pruneAtOnce+")", micros(now)); err != nil {
		return err
	}
	return tx.exec(ctx, "INSERT INTO access_tokens (token_hash, tenant_id, workspace_id, claims_json, expires_at) VALUES ($1, $2, $3, $4, $5)",
		t.Hash, t.TenantID, t.WorkspaceID, string(t.Claims), micros(t.ExpiresAt))
}

// PruneGrants removes what is over.
func (tx *Tx) PruneGrants(ctx context.Context, now time.Time) error {
	for _, table := range []string{"grants", "pushed_requests", "revoked_tokens", "access_tokens"} {
		if _, err := tx.count(ctx, "DELETE FROM "+table+" WHERE expires_at < $1", micros(now)); err != nil {
			return err
		}
	}
	return nil
}

// PushedRequest reads one without using it up.
func (r Reader) PushedRequest(ctx context.Context, hash string) (PushedRequest, error) {
	return one(ctx, r.q, func(s scanner) (p PushedRequest, err error) {
		return p, s.Scan(&p.Hash, &p.TenantID, &p.WorkspaceID, &p.ClientID, &p.Query, at{&p.ExpiresAt})
	}, "SELECT uri_hash, tenant_id, workspace_id, client_id, query, expires_at FROM pushed_requests WHERE uri_hash = $1", hash)
}
