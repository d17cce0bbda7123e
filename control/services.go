package control

import "time"

// Service is a protected resource: it has an audience, scopes and APIs.
type Service struct {
	ID                string    `json:"id"`
	TenantID          string    `json:"tenant_id"`
	WorkspaceID       string    `json:"authorization_server_id"`
	Name              string    `json:"name"`
	Description       string    `json:"description"`
	CustomAudience    string    `json:"custom_audience"`
	GatewayID         string    `json:"gateway_id"` // set while an API group of that gateway is bound
	System            bool      `json:"system"`
	Type              string    `json:"type"` // user, system
	WithSpecification bool      `json:"with_specification"`
	UpdatedAt         time.Time `json:"updated_at"`
	// Audience is computed: CustomAudience, or spiffe://{host}/{tenant}/{workspace}/{id}.
	Audience string `json:"audience"`
}

// ServiceSummary is a service with its counts, as lists show it.
type ServiceSummary struct {
	Service
	NumberOfAPIs        int `json:"number_of_apis"`
	NumberOfScopes      int `json:"number_of_scopes"`
	NumberOfSubscribers int `json:"number_of_subscribers"`
}

// Scope is a permission that a token can carry; a name that ends in separator and "*" is dynamic.
type Scope struct {
	ID          string `json:"id"`
	TenantID    string `json:"tenant_id"`
	WorkspaceID string `json:"authorization_server_id"`
	ServiceID   string `json:"service_id"`
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
	Description string `json:"description"`
	Implicit    bool   `json:"implicit"`
}
