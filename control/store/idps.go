package store

import (
	"context"
	"time"

	"portcullis/control"
)

// IDP is a stored identity provider. Sealed is our client secret there; "" where there is none.
type IDP struct {
	control.IDP
	Sealed string
}

const idpColumns = "tenant_id, workspace_id, id, name, method, disabled, settings_json, sealed, created_at, updated_at"

func scanIDP(s scanner) (p IDP, err error) {
	var settings control.OIDCSettings
	err = s.Scan(&p.TenantID, &p.WorkspaceID, &p.ID, &p.Name, &p.Method, &p.Disabled, fromJSON{&settings}, &p.Sealed, at{&p.CreatedAt}, at{&p.UpdatedAt})
	if p.Method == control.MethodOIDC {
		p.OIDC = &settings
	}
	return p, err
}

func idpSettings(p control.IDP) string {
	if p.OIDC == nil {
		return "{}"
	}
	return jsonText(p.OIDC)
}

// IDP reads one.
func (r Reader) IDP(ctx context.Context, tenant, workspace, id string) (IDP, error) {
	return one(ctx, r.q, scanIDP, "SELECT "+idpColumns+" FROM idps WHERE tenant_id = $1 AND workspace_id = $2 AND id = $3", tenant, workspace, id)
}

// IDPs lists the identity providers of a workspace, by id.
func (r Reader) IDPs(ctx context.Context, tenant, workspace string) ([]IDP, error) {
	return list(ctx, r.q, scanIDP, "SELECT "+idpColumns+" FROM idps WHERE tenant_id = $1 AND workspace_id = $2 ORDER BY id", tenant, workspace)
}

// AllIDPs lists those of every tenant that have a secret, by their key, from behind the given one.
func (r Reader) AllIDPs(ctx context.Context, tenant, workspace, id string, limit int) ([]IDP, error) {
	return list(ctx, r.q, scanIDP, "SELECT "+idpColumns+` FROM idps WHERE sealed <> '' AND (tenant_id > $1 OR tenant_id = $2 AND (workspace_id > $3 OR workspace_id = $4 AND id > $5))
		ORDER BY tenant_id, workspace_id, id LIMIT $6`, tenant, tenant, workspace, workspace, id, limit)
}

// AddIDP makes one; ErrExists when the id is taken.
func (tx *Tx) AddIDP(ctx context.Context, p IDP) error {
	return tx.exec(ctx, "INSERT INTO idps ("+idpColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		p.TenantID, p.WorkspaceID, p.ID, p.Name, p.Method, p.Disabled, idpSettings(p.IDP), p.Sealed, micros(p.CreatedAt), micros(p.UpdatedAt))
}

// SetIDP changes everything but ids, method and the time of birth.
func (tx *Tx) SetIDP(ctx context.Context, p IDP) error {
	return tx.exec(ctx, "UPDATE idps SET name = $1, disabled = $2, settings_json = $3, sealed = $4, updated_at = $5 WHERE tenant_id = $6 AND workspace_id = $7 AND id = $8",
		p.Name, p.Disabled, idpSettings(p.IDP), p.Sealed, micros(p.UpdatedAt), p.TenantID, p.WorkspaceID, p.ID)
}

// RemoveIDP removes one with its users, and so with their sessions and grants.
func (tx *Tx) RemoveIDP(ctx context.Context, tenant, workspace, id string) error {
	if _, err := tx.count(ctx, "DELETE FROM users WHERE tenant_id = $1 AND workspace_id = $2 AND idp_id = $3", tenant, workspace, id); err != nil {
		return err
	}
	return tx.exec(ctx, "DELETE FROM idps WHERE tenant_id = $1 AND workspace_id = $2 AND id = $3", tenant, workspace, id)
}

// ExternalLogin is a log-in that is on its way to another provider.
type ExternalLogin struct {
	StateHash, TenantID, WorkspaceID, IDPID string
	BrowserHash                             string
	Query                                   string // the authorization request to go on with
	ExpiresAt                               time.Time
}

// maxExternalLogins bounds those under way at one provider: anybody can begin one.
const maxExternalLogins = 10_000

// AddExternalLogin stores one, and removes some of those that are over; control.TooMany when too many are under way.
func (tx *Tx) AddExternalLogin(ctx context.Context, l ExternalLogin, now time.Time) error {
	if _, err := tx.count(ctx, "DELETE FROM idp_logins WHERE state_hash IN (SELECT state_hash FROM idp_logins WHERE expires_at < $1 LIMIT "+pruneAtOnce+")", micros(now)); err != nil {
		return err
	}
	n, err := one(ctx, tx.q, func(s scanner) (n int64, err error) { return n, s.Scan(&n) },
		"SELECT count(*) FROM idp_logins WHERE tenant_id = $1 AND workspace_id = $2 AND idp_id = $3", l.TenantID, l.WorkspaceID, l.IDPID)
	if err != nil {
		return err
	}
	if n >= maxExternalLogins {
		e := control.Errorf(control.TooMany, "too_many_logins", "too many log-ins at this identity provider are under way; try again in some minutes")
		e.RetryAfter = 60
		return e
	}
	return tx.exec(ctx, "INSERT INTO idp_logins (state_hash, tenant_id, workspace_id, idp_id, browser_hash, query, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		l.StateHash, l.TenantID, l.WorkspaceID, l.IDPID, l.BrowserHash, l.Query, micros(l.ExpiresAt))
}

// TakeExternalLogin removes one and returns it; ErrNotFound for the second of two.
func (tx *Tx) TakeExternalLogin(ctx context.Context, stateHash string) (ExternalLogin, error) {
	return one(ctx, tx.q, func(s scanner) (l ExternalLogin, err error) {
		return l, s.Scan(&l.StateHash, &l.TenantID, &l.WorkspaceID, &l.IDPID, &l.BrowserHash, &l.Query, at{&l.ExpiresAt})
	}, "DELETE FROM idp_logins WHERE state_hash = $1 RETURNING state_hash, tenant_id, workspace_id, idp_id, browser_hash, query, expires_at", stateHash)
}
