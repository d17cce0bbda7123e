package control

import (
	"encoding/json"
	"time"
)

// Client is an OAuth client. Its secret is not a member: it is stored encrypted and read by its own verb.
type Client struct {
	ID           string    `json:"client_id"`
	TenantID     string    `json:"tenant_id"`
	WorkspaceID  string    `json:"authorization_server_id"`
	Name         string    `json:"client_name"`
	Description  string    `json:"description"`
	GrantTypes   []string  `json:"grant_types"`
	RedirectURIs []string  `json:"redirect_uris"`
	Scopes       []string  `json:"scopes"`
	Audience     []string  `json:"audience"`
	AuthMethod   string    `json:"token_endpoint_auth_method"` // one of AuthMethods
	Status       string    `json:"client_status"`              // active, inactive
	System       bool      `json:"system"`
	Trusted      bool      `json:"trusted"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`

	// JWKS are the public keys of a client that signs assertions (RFC 7517 5, RFC 7591 2); empty: none.
	JWKS json.RawMessage `json:"jwks,omitempty"`
	// PostLogoutRedirectURIs are where a user who logged out may be sent (OpenID Connect RP-Initiated Logout 1.0 3.1).
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris"`
}

// How a client proves itself at the token endpoint (RFC 7591 2). A client with a secret may use either way, whichever it is
// registered with, because deployed gateways do.
const (
	AuthBasic         = "client_secret_basic" // the default
	AuthPost          = "client_secret_post"
	AuthPrivateKeyJWT = "private_key_jwt" // RFC 7523, with the keys in JWKS
	AuthNone          = "none"            // a public client: it proves nothing, and must use PKCE
)

// HasSecret says whether the client proves itself by a secret.
func (cl Client) HasSecret() bool { return cl.AuthMethod == AuthBasic || cl.AuthMethod == AuthPost }

// The scopes that a gateway's client gets.
const (
	ScopeReadConfiguration  = "read_gateway_configuration"
	ScopeWriteConfiguration = "write_gateway_configuration"
	ScopePushRequests       = "push_gateway_requests"
	ScopeExchange           = "gateway_exchange_tokens" // of a gateway that exchanges tokens
	ScopeIntrospect         = "introspect_tokens"
)

// The scopes of clients of the system workspace that are made for automation; each opens its operations in every workspace
// of the tenant.
const (
	ScopeViewClients   = "view_clients"
	ScopeManageClients = "manage_clients"
	ScopeViewScopes    = "view_scopes"
	ScopeViewAudit     = "view_audit_events"
	ScopeReadSecrets   = "read_secrets"
	ScopeManageSecrets = "manage_secrets"
	ScopeRevokeTokens  = "revoke_tokens"
)

// AutomationScopes are the scopes that a client of the system workspace may have without being a gateway's.
func AutomationScopes() []string {
	return []string{ScopeViewClients, ScopeManageClients, ScopeViewScopes, ScopeViewAudit, ScopeReadSecrets, ScopeManageSecrets, ScopeRevokeTokens,
		ScopeReadTree, ScopeManageTree}
}
