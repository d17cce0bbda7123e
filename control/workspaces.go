package control

import "time"

// The workspaces that every tenant is born with.
const (
	DefaultTenant   = "default"
	AdminWorkspace  = "admin"  // its issuer authenticates administrators and automation
	SystemWorkspace = "system" // its clients are the gateways
)

// ReservedWorkspace reports whether an id is taken by a page of the portal (/app/{id}) and can be no workspace's.
func ReservedWorkspace(id string) bool {
	switch id {
	case "account", "assets", "login", "logout", "search", "theme", "users", "workspaces":
		return true
	}
	return false
}

// Workspace is an authorization server: "server" on the wire. Issuer URL: {public URL}/{tenant}/{id}.
type Workspace struct {
	ID                  string    `json:"id"`
	TenantID            string    `json:"tenant_id"`
	Name                string    `json:"name"`
	Description         string    `json:"description"`
	Color               string    `json:"color"`                 // "#007FFF"
	Type                string    `json:"type"`                  // admin, system, regular
	KeyType             string    `json:"key_type"`              // ecdsa (default), rsa, ps, eddsa
	AccessTokenStrategy string    `json:"access_token_strategy"` // jwt (default), opaque
	AccessTokenTTL      Duration  `json:"access_token_ttl"`
	DynamicScopeSep     string    `json:"dynamic_scope_separator"`
	Revision            int64     `json:"-"` // configuration counter
	CreatedAt           time.Time `json:"created_at"`
	UpdatedAt           time.Time `json:"updated_at"`
}

// What the access tokens of a workspace are: JWTs that say everything themselves, or random strings that only we can read.
const (
	TokensJWT    = "jwt"
	TokensOpaque = "opaque"
)

// WorkspaceSummary is a workspace with what its card in the Workspace Directory shows.
type WorkspaceSummary struct {
	Workspace
	Services, APIs, OpenAPIs, Gateways, Policies int
	LastActive                                   time.Time // last contact of any gateway; zero: never
}
