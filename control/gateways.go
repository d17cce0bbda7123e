package control

import (
	"time"

	"portcullis/edge/waist"
)

// Gateway is an authorizer deployment; its OAuth client lives in the system workspace of the same tenant.
type Gateway struct {
	ID              string    `json:"id"`
	TenantID        string    `json:"tenant_id"`
	WorkspaceID     string    `json:"authorization_server_id"`
	ClientID        string    `json:"client_id"`
	Name            string    `json:"name"`
	Description     string    `json:"description"`
	Type            string    `json:"type"` // waist.GatewayTypeAWS
	AutoBind        bool      `json:"create_and_bind_services_automatically"`
	DefaultPolicyID string    `json:"default_policy_id"`
	LastActive      time.Time `json:"last_active"` // last fetch of the configuration; zero until then
	// TokenExchange says whose tokens the gateway may exchange for the workspace's own.
	TokenExchange TokenExchange `json:"token_exchange"`
	CreatedAt     time.Time     `json:"-"`
	// FirstAuthenticated, FirstDiscovered and FirstAttached drive the check marks of QUICK START; zero: not yet.
	FirstAuthenticated time.Time `json:"-"`
	FirstDiscovered    time.Time `json:"-"`
	FirstAttached      time.Time `json:"-"`
}

// TokenExchange is for authorizers that hand tokens of other issuers in and get tokens of the workspace for them. The zero
// value exchanges nothing.
type TokenExchange struct {
	Enabled bool `json:"enabled"`
	// TrustedIDPs are identity providers of the workspace, of method oidc.
	TrustedIDPs []string `json:"trusted_idp_ids"`
}

// Exchange is what the client of a gateway may exchange.
type Exchange struct {
	TenantID, WorkspaceID, ClientID string
	IDPs                            []IDP
}

// GatewayWithClient is a gateway with the values of its SETTINGS tab.
type GatewayWithClient struct {
	Gateway
	Client       Client
	ClientSecret string // shown again on request; never logged, never audited
	IssuerURL    string // ACP_ISSUER_URL: the issuer of the system workspace
	ServerURL    string // public URL of the control plane
}

// GatewaySummary is a gateway as lists show it.
type GatewaySummary struct {
	Gateway
	Groups, BoundGroups int
}

// GatewayCreate is the body of POST /gateways.
type GatewayCreate struct {
	WorkspaceID     string `json:"server_id"`
	Name            string `json:"name"`
	Description     string `json:"description"`
	Type            string `json:"type"`
	AutoBind        bool   `json:"create_and_bind_services_automatically"`
	DefaultPolicyID string `json:"default_policy_id"`
}

// GatewayUpdate is the body of PUT /gateways/{gw}; the type cannot change.
type GatewayUpdate struct {
	Name            string         `json:"name"`
	Description     string         `json:"description"`
	DefaultPolicyID string         `json:"default_policy_id"`
	AutoBind        *bool          `json:"create_and_bind_services_automatically,omitempty"` // nil leaves it; additive
	TokenExchange   *TokenExchange `json:"token_exchange,omitempty"`                         // nil leaves it
}

// APIGroup is one discovered unit of a gateway: on AWS a REST API and stage.
type APIGroup struct {
	ID          string              `json:"id"`
	TenantID    string              `json:"tenant_id"`
	WorkspaceID string              `json:"server_id"`
	GatewayID   string              `json:"gateway_id"`
	ServiceID   string              `json:"service_id"` // empty: not bound
	Name        string              `json:"name"`
	Metadata    waist.GroupMetadata `json:"metadata"`
	APIs        []waist.GatewayAPI  `json:"apis"`
	Gone        bool                `json:"gone,omitempty"` // no longer reported; kept while it is bound. Additive.
	LastSeen    time.Time           `json:"last_seen"`      // last report that changed it, or of its going; additive
}

// BindResult is the answer of bind and unbind.
type BindResult struct {
	RemovedAPIs        []API    `json:"removed_apis"`
	RemovedPolicies    []Policy `json:"removed_policies"`
	NotRemovedPolicies []Policy `json:"not_removed_policies"`
}

// Environment is one Lambda environment that polls for a gateway, as it described itself last. Environments that have
// been silent for ten minutes are forgotten.
type Environment struct {
	ID, Version, AuthorizerVersion string
	Revision, AgeSeconds           int64 // of the configuration in use
	FirstSeen, SeenAt              time.Time
}

// GatewayPoll is what an authorizer says of itself when it fetches its configuration; members may be empty.
type GatewayPoll struct {
	ETag, Environment, Version, AuthorizerVersion string
	Revision                                      int64
	AgeSeconds                                    int64
	// Sign asks for signatures although the configuration may be unchanged.
	Sign bool
}
