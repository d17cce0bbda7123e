package store

import (
	"context"
	"encoding/json"
	"time"

	"portcullis/control"
)

const clientColumns = `c.tenant_id, c.id, c.workspace_id, c.name, c.description, c.grant_types_json, c.redirect_uris_json, c.scopes_json,
	c.audience_json, c.auth_method, c.status, c.system, c.trusted, c.created_at, c.updated_at, c.jwks_json, c.post_logout_redirect_uris_json`

func scanClient(s scanner) (c control.Client, err error) {
	c.GrantTypes, c.RedirectURIs, c.Scopes, c.Audience, c.PostLogoutRedirectURIs = []string{}, []string{}, []string{}, []string{}, []string{}
	var jwks string
	err = s.Scan(&c.TenantID, &c.ID, &c.WorkspaceID, &c.Name, &c.Description, fromJSON{&c.GrantTypes}, fromJSON{&c.RedirectURIs},
		fromJSON{&c.Scopes}, fromJSON{&c.Audience}, &c.AuthMethod, &c.Status, &c.System, &c.Trusted, at{&c.CreatedAt}, at{&c.UpdatedAt},
		&jwks, fromJSON{&c.PostLogoutRedirectURIs})
	if jwks != "" {
		c.JWKS = json.RawMessage(jwks)
	}
	return c, err
}

// userGrant is a LIKE pattern for the grant types of a client that users log in at.
const userGrant = `'%"authorization_code"%'`

// Client reads one.
func (r Reader) Client(ctx context.Context, tenant, id string) (control.Client, error) {
	return one(ctx, r.q, scanClient, "SELECT "+clientColumns+" FROM clients c WHERE c.tenant_id = $1 AND c.id = $2", tenant, id)
}

// Clients lists the clients of a workspace.
func (r Reader) Clients(ctx context.Context, tenant, workspace string, f control.ClientFilter, p Page) ([]control.Client, error) {
	var w where
	w.add("c.tenant_id = ?", tenant)
	w.add("c.workspace_id = ?", workspace)
	w.any(f.ApplicationTypes, map[string]string{
		"service":     "c.grant_types_json NOT LIKE " + userGrant,
		"single_page": "(c.grant_types_json LIKE " + userGrant + " AND c.auth_method = 'none')",
		"server_web":  "(c.grant_types_json LIKE " + userGrant + " AND c.auth_method <> 'none')",
	})
	w.any(f.Kinds, map[string]string{"public": "c.auth_method = 'none'", "confidential": "c.auth_method <> 'none'"})
	return page(ctx, r.q, scanClient, "SELECT "+clientColumns+" FROM clients c", &w, "c.id", "c.name", p)
}

// AddClient makes a client without a secret; ErrExists when the id is taken in the tenant.
func (tx *Tx) AddClient(ctx context.Context, c control.Client) error {
	return tx.exec(ctx, `INSERT INTO clients (tenant_id, id, workspace_id, name, description, grant_types_json, redirect_uris_json, scopes_json,
		audience_json, auth_method, status, system, trusted, created_at, updated_at, jwks_json, post_logout_redirect_uris_json)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		c.TenantID, c.ID, c.WorkspaceID, c.Name, c.Description, jsonList(c.GrantTypes), jsonList(c.RedirectURIs), jsonList(c.Scopes),
		jsonList(c.Audience), c.AuthMethod, c.Status, c.System, c.Trusted, micros(c.CreatedAt), micros(c.UpdatedAt), string(c.JWKS), jsonList(c.PostLogoutRedirectURIs))
}

// SetClient changes everything but the ids and the time of birth.
func (tx *Tx) SetClient(ctx context.Context, c control.Client) error {
	return tx.exec(ctx, `UPDATE clients SET name = $1, description = $2, grant_types_json = $3, redirect_uris_json = $4, scopes_json = $5,
		audience_json = $6, auth_method = $7, status = $8, system = $9, trusted = $10, updated_at = $11,
		jwks_json = $12, post_logout_redirect_uris_json = $13 WHERE tenant_id = $14 AND id = $15`,
		c.Name, c.Description, jsonList(c.GrantTypes), jsonList(c.RedirectURIs), jsonList(c.Scopes), jsonList(c.Audience), c.AuthMethod,
		c.Status, c.System, c.Trusted, micros(c.UpdatedAt), string(c.JWKS), jsonList(c.PostLogoutRedirectURIs), c.TenantID, c.ID)
}

// RemoveClient removes a client with its secrets; ErrReferenced while it belongs to a gateway.
func (tx *Tx) RemoveClient(ctx context.Context, tenant, id string) error {
	return tx.exec(ctx, "DELETE FROM clients WHERE tenant_id = $1 AND id = $2", tenant, id)
}

// UseAssertion remembers that a client's assertion (RFC 7523) was used; false when it was before. What is over of the same
// client is removed on the way.
func (tx *Tx) UseAssertion(ctx context.Context, tenant, client, jtiHash string, now, expires time.Time) (bool, error) {
	if _, err := tx.count(ctx, "DELETE FROM client_assertions WHERE tenant_id = $1 AND client_id = $2 AND expires_at < $3", tenant, client, micros(now)); err != nil {
		return false, err
	}
	n, err := tx.count(ctx, "INSERT INTO client_assertions (tenant_id, client_id, jti_hash, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
		tenant, client, jtiHash, micros(expires))
	return n == 1, err
}

// ClientSecret is one sealed secret of a client; ExpiresAt is zero for the current one.
type ClientSecret struct {
	TenantID, ClientID, ID string
	Sealed                 string
	CreatedAt, ExpiresAt   time.Time
}

const secretColumns = "s.tenant_id, s.client_id, s.id, s.sealed, s.created_at, s.expires_at"

func scanSecret(s scanner) (c ClientSecret, err error) {
	return c, s.Scan(&c.TenantID, &c.ClientID, &c.ID, &c.Sealed, at{&c.CreatedAt}, at{&c.ExpiresAt})
}

// ClientSecrets lists the secrets of a client, the current one first.
func (r Reader) ClientSecrets(ctx context.Context, tenant, client string) ([]ClientSecret, error) {
	return list(ctx, r.q, scanSecret, "SELECT "+secretColumns+` FROM client_secrets s WHERE s.tenant_id = $1 AND s.client_id = $2
		ORDER BY CASE WHEN s.expires_at = 0 THEN 0 ELSE 1 END, s.expires_at DESC, s.id LIMIT 100`, tenant, client)
}

// AllClientSecrets lists the secrets of all tenants behind a cursor, for sealing them anew.
func (r Reader) AllClientSecrets(ctx context.Context, tenant, client, id string, limit int) ([]ClientSecret, error) {
	return list(ctx, r.q, scanSecret, "SELECT "+secretColumns+` FROM client_secrets s WHERE (s.tenant_id, s.client_id, s.id) > ($1, $2, $3)
		ORDER BY s.tenant_id, s.client_id, s.id LIMIT $4`, tenant, client, id, limit)
}

// AddClientSecret adds a secret.
func (tx *Tx) AddClientSecret(ctx context.Context, s ClientSecret) error {
	return tx.exec(ctx, "INSERT INTO client_secrets (tenant_id, client_id, id, sealed, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
		s.TenantID, s.ClientID, s.ID, s.Sealed, micros(s.CreatedAt), micros(s.ExpiresAt))
}

// SetClientSecret changes the sealed form and the expiry of a secret.
func (tx *Tx) SetClientSecret(ctx context.Context, s ClientSecret) error {
	return tx.exec(ctx, "UPDATE client_secrets SET sealed = $1, expires_at = $2 WHERE tenant_id = $3 AND client_id = $4 AND id = $5",
		s.Sealed, micros(s.ExpiresAt), s.TenantID, s.ClientID, s.ID)
}

// RemoveClientSecrets removes the rotated secrets of a client; with all also the current one.
func (tx *Tx) RemoveClientSecrets(ctx context.Context, tenant, client string, all bool) (int64, error) {
	query := "DELETE FROM client_secrets WHERE tenant_id = $1 AND client_id = $2"
	if !all {
		query += " AND expires_at <> 0"
	}
	return tx.count(ctx, query, tenant, client)
}

// SigningKey is a key of an issuer; Sealed is its sealed PKCS #8 form, Public its JWK.
type SigningKey struct {
	TenantID, WorkspaceID, ID string
	Algorithm, Use            string
	Sealed, Public            string
	Active                    bool
	CreatedAt                 time.Time
}

const keyColumns = "k.tenant_id, k.workspace_id, k.id, k.algorithm, k.use, k.sealed, k.public_json, k.active, k.created_at"

func scanKey(s scanner) (k SigningKey, err error) {
	return k, s.Scan(&k.TenantID, &k.WorkspaceID, &k.ID, &k.Algorithm, &k.Use, &k.Sealed, &k.Public, &k.Active, at{&k.CreatedAt})
}

// SigningKeys lists the keys of a workspace, newest first.
func (r Reader) SigningKeys(ctx context.Context, tenant, workspace string) ([]SigningKey, error) {
	return list(ctx, r.q, scanKey, "SELECT "+keyColumns+" FROM signing_keys k WHERE k.tenant_id = $1 AND k.workspace_id = $2 ORDER BY k.created_at DESC, k.id LIMIT 100",
		tenant, workspace)
}

// AllSigningKeys lists the keys of all tenants behind a cursor, for sealing them anew.
func (r Reader) AllSigningKeys(ctx context.Context, tenant, workspace, id string, limit int) ([]SigningKey, error) {
	return list(ctx, r.q, scanKey, "SELECT "+keyColumns+` FROM signing_keys k WHERE (k.tenant_id, k.workspace_id, k.id) > ($1, $2, $3)
		ORDER BY k.tenant_id, k.workspace_id, k.id LIMIT $4`, tenant, workspace, id, limit)
}

// AddSigningKey adds a key.
func (tx *Tx) AddSigningKey(ctx context.Context, k SigningKey) error {
	return tx.exec(ctx, `INSERT INTO signing_keys (tenant_id, workspace_id, id, algorithm, use, sealed, public_json, active, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, k.TenantID, k.WorkspaceID, k.ID, k.Algorithm, k.Use, k.Sealed, k.Public, k.Active, micros(k.CreatedAt))
}

// SetSigningKey changes the sealed form of a key and whether it is active.
func (tx *Tx) SetSigningKey(ctx context.Context, k SigningKey) error {
	return tx.exec(ctx, "UPDATE signing_keys SET sealed = $1, active = $2 WHERE tenant_id = $3 AND workspace_id = $4 AND id = $5",
		k.Sealed, k.Active, k.TenantID, k.WorkspaceID, k.ID)
}

// RemoveSigningKey removes a key.
func (tx *Tx) RemoveSigningKey(ctx context.Context, tenant, workspace, id string) error {
	return tx.exec(ctx, "DELETE FROM signing_keys WHERE tenant_id = $1 AND workspace_id = $2 AND id = $3", tenant, workspace, id)
}
