package waist

import (
	"encoding/json"
	"time"
)

// Configuration is the answer of GET /gateways/configuration: everything an authorizer needs to decide.
type Configuration struct {
	TenantID string `json:"tenant_id"`
	ServerID string `json:"server_id"`
	// IssuerURL is the expected "iss" of access tokens of the protected workspace.
	IssuerURL string `json:"issuer_url"`
	// JWKSURL is where the workspace publishes its keys; JWKS carries the same keys inline.
	JWKSURL               string             `json:"jwks_url"`
	DynamicScopeSeparator string             `json:"dynamic_scope_separator"`
	EventsPerSecond       int                `json:"events_per_second"`
	TokenExchangeEnabled  bool               `json:"token_exchange_enabled"`
	APIs                  []API              `json:"apis"`
	Policies              []Policy           `json:"policies"`
	Services              []ConnectedService `json:"services"`
	Scopes                []Scope            `json:"scopes"`
	IssuerAPIs            []API              `json:"issuer_apis"`
	IssuerPolicies        []Policy           `json:"issuer_policies"`

	// Revision is the workspace's configuration counter; it grows with every change an authorizer must see. Additive.
	Revision int64 `json:"revision,omitempty"`
	// GeneratedAt is when the control plane wrote this document. Additive.
	GeneratedAt time.Time `json:"generated_at,omitzero"`
	// JWKS is the workspace's key set (RFC 7517), so that a cold start needs no second fetch. Additive.
	JWKS json.RawMessage `json:"jwks,omitempty"`
	// TrustedIssuers are other issuers whose access tokens the workspace accepts. Additive.
	TrustedIssuers []TrustedIssuer `json:"trusted_issuers,omitempty"`
}

// API is one method and path template of a service. An empty PolicyID means that the API is open ("None").
type API struct {
	ID                  string   `json:"id"`
	TenantID            string   `json:"tenant_id"`
	ServerID            string   `json:"server_id"`
	ServiceID           string   `json:"service_id"`
	Method              string   `json:"method"` // upper case, or "ANY"
	Path                string   `json:"path"`   // template as API Gateway prints it: "/pets/{petId}", "/files/{proxy+}"
	PolicyID            string   `json:"policy_id,omitempty"`
	APIType             string   `json:"api_type"` // "rest"; absent means "rest"
	CanHavePolicy       bool     `json:"can_have_policy"`
	Position            int      `json:"position"`
	DataClassifications []string `json:"data_classifications"`
}

// The policy languages on the wire.
const (
	LanguageVisual = "cloudentity" // visual policies: validators
	LanguageRego   = "rego"
	LanguageCedar  = "cedar"
)

// Policy is one policy with its full body: Validators for visual policies, Definition for the others.
type Policy struct {
	ID         string      `json:"id"`
	TenantID   string      `json:"tenant_id"`
	ServerID   string      `json:"server_id"`
	PolicyName string      `json:"policy_name"`
	Language   string      `json:"language"`
	Type       string      `json:"type"` // api, user, developer, machine, dcr
	Definition string      `json:"definition"`
	Validators []Validator `json:"validators"`
	EnvVersion string      `json:"env_version,omitempty"` // Rego: "v0" or "v1"; empty means: try v1, then v0
}

// Validator is one step of a visual policy. Conf is {"fields":[{"field","comparator","value"}]} for most of them and
// null for "true" and "false".
type Validator struct {
	Name     string          `json:"name"`
	Conf     json.RawMessage `json:"conf"`
	Recovery []Recovery      `json:"recovery"`
}

// Recovery is what a caller may be offered when a validator fails, e.g. {"type":"mfa"}.
type Recovery struct {
	Type string `json:"type"`
}

// ConnectedService is a service that is bound to an API group of the calling gateway.
type ConnectedService struct {
	ID                    string        `json:"id"`
	Name                  string        `json:"name"`
	TenantID              string        `json:"tenant_id"`
	AuthorizationServerID string        `json:"authorization_server_id"`
	GatewayID             string        `json:"gateway_id"`
	Description           string        `json:"description,omitempty"`
	CustomAudience        string        `json:"custom_audience,omitempty"`
	Type                  string        `json:"type"`
	System                bool          `json:"system"`
	WithSpecification     bool          `json:"with_specification"`
	APIGroupID            string        `json:"api_group_id"`
	APIGroupMetadata      GroupMetadata `json:"api_group_metadata"`
	// Audience is what a token for this service must carry in "aud": CustomAudience, or the computed one. Additive.
	Audience string `json:"audience,omitempty"`
}

// Scope is one scope of the workspace. A name that ends in separator and "*" is dynamic.
type Scope struct {
	ID          string        `json:"id"`
	Name        string        `json:"name"`
	WithService bool          `json:"with_service"`
	Service     *ScopeService `json:"service,omitempty"`
}

// ScopeService names the service that a scope belongs to.
type ScopeService struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// TrustedIssuer is an external issuer whose JWT access tokens are accepted. Additive.
type TrustedIssuer struct {
	IssuerURL string          `json:"issuer_url"`
	JWKSURL   string          `json:"jwks_url"`
	JWKS      json.RawMessage `json:"jwks,omitempty"`
	Audiences []string        `json:"audiences,omitempty"`
}
