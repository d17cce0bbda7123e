package control

import (
	"encoding/json"

	"portcullis/edge/waist"
)

// The scopes that a client of the system workspace needs for configuration as code. ScopeManageConfiguration is worth as
// much as the role admin: who can replace the configuration of a tenant can make an administrator.
const (
	ScopeManageTree = "manage_configuration"
	ScopeReadTree   = "read_configuration"
)

// TreeTenant is the configuration of a tenant as one document. :: workspace id → workspace
type TreeTenant struct {
	Servers map[string]TreeServer `json:"servers"`
}

// TreeServer is the configuration of a workspace as one document: its own members, and its objects keyed by what
// identifies them in it. A nil member of the workspace itself means: as it is, or the default of a new workspace. An
// object below it is whole: what it leaves out is empty.
type TreeServer struct {
	Name                *string   `json:"name"`
	Description         *string   `json:"description"`
	Color               *string   `json:"color"`
	Type                *string   `json:"type"` // cannot change
	KeyType             *string   `json:"key_type"`
	AccessTokenStrategy *string   `json:"access_token_strategy"`
	AccessTokenTTL      *Duration `json:"access_token_ttl"`
	DynamicScopeSep     *string   `json:"dynamic_scope_separator"`

	Services             map[string]TreeService `json:"services"`
	ScopesWithoutService map[string]TreeScope   `json:"scopes_without_service"` // :: name → scope
	Policies             map[string]TreePolicy  `json:"policies"`
	Clients              map[string]TreeClient  `json:"clients"`
	Gateways             map[string]TreeGateway `json:"gateways"`
	ExecutionPoints      map[string]string      `json:"policy_execution_points"` // always empty here

	// IDPs have members of our own: the published ones are not documented. nil means as it is, or the default of a new workspace.
	IDPs map[string]TreeIDP `json:"idps"`

	// Additive. TrustedIssuers is one list; nil means as it is. Secrets are those that policies read, by id.
	TrustedIssuers *[]waist.TrustedIssuer `json:"trusted_issuers"`
	Secrets        map[string]TreeSecret  `json:"secrets"`
}

// TreeIDP is an identity provider, without its users. Secret is ours at the provider and there with credentials only. Absent in
// an import it stays; a new provider needs it, unless it takes none.
type TreeIDP struct {
	Name     string        `json:"name"`
	Method   string        `json:"method"` // cannot change
	Disabled bool          `json:"disabled"`
	OIDC     *OIDCSettings `json:"oidc,omitempty"`
	Secret   string        `json:"client_secret,omitempty"`
}

// TreeSecret is a secret that policies read; Value is there with credentials only. Absent in an import it stays; a new
// secret needs one.
type TreeSecret struct {
	Name  string `json:"secret"` // by which policies name it
	Value string `json:"value,omitempty"`
}

// TreeService is a service with its scopes and APIs.
type TreeService struct {
	Name              string               `json:"name"`
	Description       string               `json:"description"`
	CustomAudience    string               `json:"custom_audience"`
	Type              string               `json:"type"`
	System            bool                 `json:"system"`
	WithSpecification bool                 `json:"with_specification"`
	GatewayID         string               `json:"gateway_id"` // follows from the bound group; ignored in an import
	Scopes            map[string]TreeScope `json:"scopes"`     // :: name → scope
	APIs              map[string]TreeAPI   `json:"apis"`
}

// TreeScope is a scope; its name is its key.
type TreeScope struct {
	DisplayName string `json:"display_name"`
	Description string `json:"description"`
	Implicit    bool   `json:"implicit"`
}

// TreeAPI is an API of a service.
type TreeAPI struct {
	Method              string   `json:"method"`
	Path                string   `json:"path"`
	PolicyID            string   `json:"policy_id"`
	APIType             string   `json:"api_type"`
	CanHavePolicy       *bool    `json:"can_have_policy"` // nil: true
	Position            int      `json:"position"`        // follows from method and path; ignored in an import
	DataClassifications []string `json:"data_classifications"`
	Gone                bool     `json:"gone,omitempty"` // additive: the bound group no longer reports it
}

// TreePolicy is a policy.
type TreePolicy struct {
	PolicyName string            `json:"policy_name"`
	Type       string            `json:"type"`
	Language   string            `json:"language"`
	Definition string            `json:"definition"`
	Validators []waist.Validator `json:"validators"`
	EnvVersion string            `json:"env_version"`
}

// TreeClient is a client; Secret is there with credentials only. Absent in an import it stays, or is random.
type TreeClient struct {
	Name         string   `json:"client_name"`
	Description  string   `json:"description"`
	GrantTypes   []string `json:"grant_types"`
	RedirectURIs []string `json:"redirect_uris"`
	Scopes       []string `json:"scopes"`
	Audience     []string `json:"audience"`
	AuthMethod   string   `json:"token_endpoint_auth_method"`
	Status       string   `json:"client_status"`
	Trusted      bool     `json:"trusted"`

	JWKS                   json.RawMessage `json:"jwks,omitempty"`
	PostLogoutRedirectURIs []string        `json:"post_logout_redirect_uris"`

	Secret string `json:"client_secret,omitempty"`
}

// TreeGateway is a gateway with its API groups.
type TreeGateway struct {
	Name            string               `json:"name"`
	Description     string               `json:"description"`
	Type            string               `json:"type"` // cannot change
	AutoBind        bool                 `json:"create_and_bind_services_automatically"`
	DefaultPolicyID string               `json:"default_policy_id"`
	TokenExchange   TokenExchange        `json:"token_exchange,omitzero"` // its providers must be there
	Client          TreeGatewayClient    `json:"client"`
	Groups          map[string]TreeGroup `json:"gateway_api_groups"`
}

// TreeGatewayClient is the client of a gateway: only its credentials are its own, all else follows from the gateway.
type TreeGatewayClient struct {
	ID     string `json:"client_id"` // additive: with it an authorizer goes on working after a move. Empty: as it is, or random
	Secret string `json:"client_secret,omitempty"`
}

// TreeGroup is an API group. What a group that is there reports stays as it is; an import binds it (ServiceID).
type TreeGroup struct {
	Name      string              `json:"name"`
	Metadata  waist.GroupMetadata `json:"metadata"`
	APIs      []waist.GatewayAPI  `json:"apis"` // without what stands in front of them
	ServiceID string              `json:"service_id"`
	Gone      bool                `json:"gone,omitempty"` // additive
}

// The modes of an import: what happens to an object that is there already.
const (
	ImportIgnore = "ignore" // it stays
	ImportFail   = "fail"   // nothing at all is changed
	ImportUpdate = "update" // it becomes as the document says
)

// ImportOptions say how a document is taken in. The zero value is refused: its mode is none of the three.
type ImportOptions struct {
	Mode   string
	DryRun bool // check everything, change nothing
}

// Tree member tables. A member of the published tree that this server does not have may come empty, or with the value
// that the published server gives it by default; any other value is refused as not supported. Those in ignored follow
// from elsewhere and are skipped.
type treeMembers struct {
	key     string              // the member that repeats the object's key
	ignored []string            // read-only, or said by the place in the tree
	neutral map[string][]string // :: member → JSON of further values that mean nothing here
}

var treeIgnored = []string{"tenant_id", "authorization_server_id", "server_id", "created_at", "updated_at"}

func neutral(names ...string) map[string][]string {
	m := map[string][]string{}
	for _, n := range names {
		m[n] = nil
	}
	return m
}

// with adds values that a neutral member may have besides empty ones.
func with(m map[string][]string, pairs ...string) map[string][]string {
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = append(m[pairs[i]], pairs[i+1])
	}
	return m
}

var (
	treeTenantMembers = treeMembers{ignored: []string{"id", "tenant_id", "url"},
		neutral: neutral("name", "jwks", "metadata", "settings", "styling", "schemas", "pools", "mfa_methods", "themes", "templates", "servers_bindings",
			"hooks", "permission_systems", "secrets", "translations")}
	treeServerMembers = treeMembers{key: "id",
		ignored: append([]string{"issuer_url", "mtls_issuer_url", "revision", "supported_application_purposes", "initialize",
			"do_not_create_default_claims", "version"}, treeIgnored...),
		neutral: with(neutral("access_token_strategies", "advanced", "authentication_context_settings", "ciba_authentication_service", "claims",
			"cookie_max_age", "custom_apps", "custom_issuer_url", "dynamic_client_registration", "enforce_pkce", "enforce_pkce_for_public_clients",
			"issuer_id", "jwks", "parent_id", "pools", "require_pushed_authorization_requests", "response_types", "root_cas", "rotated_secrets",
			"script_execution_points", "scripts", "secret", "server_consent", "servers_bindings", "settings", "styling", "template", "theme_binding",
			"theme_id", "token_endpoint_auth_signing_alg_values", "token_endpoint_authn_methods", "webhooks"),
			"authorization_code_ttl", `"10m0s"`, "id_token_ttl", `"1h0m0s"`, "refresh_token_ttl", `"720h0m0s"`, "profile", `"default"`,
			"grant_types", `["authorization_code","implicit","client_credentials","refresh_token"]`,
			"grant_types", `["authorization_code","client_credentials","refresh_token"]`, "scope_claim_formats", `["scp_array"]`,
			"subject_format", `"hash"`, "subject_identifier_types", `["public","pairwise"]`,
			"token_endpoint_auth_methods", `["client_secret_basic","client_secret_post","client_secret_jwt","private_key_jwt","self_signed_tls_client_auth","tls_client_auth","none"]`,
			"token_endpoint_auth_methods", `["client_secret_basic","client_secret_post"]`)}
	treeServiceMembers = treeMembers{key: "id", ignored: append([]string{"audience", "number_of_apis", "number_of_scopes", "number_of_subscribers"}, treeIgnored...)}
	treeScopeMembers   = treeMembers{key: "name", ignored: append([]string{"id", "service_id", "with_service", "service"}, treeIgnored...),
		neutral: neutral("implicit_grant", "metadata", "transient")}
	treeAPIMembers    = treeMembers{key: "id", ignored: append([]string{"service_id"}, treeIgnored...), neutral: neutral("graphql_schema", "graphql_types")}
	treeSecretMembers = treeMembers{key: "id", ignored: treeIgnored}
	treeIDPMembers    = treeMembers{key: "id", ignored: treeIgnored, neutral: neutral("credentials", "mappings", "settings")}
	treePolicyMembers = treeMembers{key: "id", ignored: treeIgnored, neutral: neutral("cross_tenant_api_policy_bindings", "query")}
	clientNeutral     = with(neutral("application_purpose", "application_url", "app_url", "authorization_details_types",
		"authorization_encrypted_response_alg", "authorization_encrypted_response_enc", "authorization_signed_response_alg",
		"backchannel_authentication_request_signing_alg", "backchannel_logout_session_required", "backchannel_logout_uri",
		"backchannel_token_delivery_mode", "backchannel_client_notification_endpoint", "backchannel_user_code_parameter", "client_uri",
		"default_acr_values", "default_max_age", "developer_id", "developer_metadata", "dpop_bound_access_tokens", "dynamically_registered",
		"hashed_secret", "id_token_encrypted_response_alg", "id_token_encrypted_response_enc", "id_token_signed_response_alg",
		"introspection_endpoint_auth_method", "jwks", "jwks_uri", "logo_uri", "metadata", "obbr", "organisation_id", "policy_uri",
		"post_logout_redirect_uris", "privacy", "request_object_encryption_alg", "request_object_encryption_enc", "request_object_signing_alg",
		"request_uris", "require_pushed_authorization_requests", "revocation_endpoint_auth_method", "rotated_secrets", "saml_metadata",
		"saml_metadata_url", "saml_service_provider_id", "sector_identifier_uri", "server_mtls_issuer_url", "software_id", "software_statement",
		"software_version", "system", "tls_client_auth_san_dns", "tls_client_auth_san_email", "tls_client_auth_san_ip", "tls_client_auth_san_uri",
		"tls_client_auth_subject_dn", "tls_client_certificate_bound_access_tokens", "token_endpoint_auth_signing_alg", "token_exchange", "token_ttls",
		"tos_uri", "trust_anchor_id", "use_custom_token_ttls", "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc",
		"userinfo_signed_response_alg"),
		"application_type", `"web"`, "application_types", `["service"]`, "response_types", `["code"]`, "response_types", `["token"]`, "response_types", `["none"]`, "subject_type", `"public"`)
	treeClientMembers = treeMembers{key: "client_id", neutral: clientNeutral,
		ignored: append([]string{"scope", "server_issuer_url", "client_id_issued_at", "client_secret_expires_at"}, treeIgnored...)}
	treeGatewayMembers = treeMembers{key: "id", ignored: append([]string{"last_active", "client_id", "issuer_url", "server_url"}, treeIgnored...),
		neutral: neutral("token_exchange_client_id")}
	treeGatewayClientMembers = treeMembers{neutral: clientNeutral, ignored: append([]string{"client_name", "description", "grant_types", "redirect_uris",
		"scopes", "audience", "token_endpoint_auth_method", "client_status", "trusted", "system", "scope", "server_issuer_url", "client_id_issued_at",
		"client_secret_expires_at"}, treeIgnored...)}
	treeGroupMembers    = treeMembers{key: "id", ignored: append([]string{"gateway_id", "last_seen"}, treeIgnored...)}
	treeGroupAPIMembers = treeMembers{ignored: []string{"authorizer", "deployed"}, neutral: neutral("graphql_schema")}
	treeMetadataMembers = treeMembers{neutral: neutral("apigee", "azure")}
)
