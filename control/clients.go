package control

import "time"

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
	AuthMethod   string    `json:"token_endpoint_auth_method"` // client_secret_basic (default), client_secret_post
	Status       string    `json:"client_status"`              // active, inactive
	System       bool      `json:"system"`
	Trusted      bool      `json:"trusted"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
}

// The scopes that a gateway's client gets.
const (
	ScopeReadConfiguration  = "read_gateway_configuration"
	ScopeWriteConfiguration = "write_gateway_configuration"
	ScopePushRequests       = "push_gateway_requests"
	ScopeIntrospect         = "introspect_tokens"
)
