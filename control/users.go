package control

import (
	"encoding/json"
	"time"
)

// User is a person that an identity provider of a workspace vouches for. Those of the workspace admin are the portal's
// and the tenant's administrators; those of any other log in at that workspace's issuer and nowhere else. The password
// hash of a static user stays in the store.
type User struct {
	ID          string `json:"id"`
	TenantID    string `json:"tenant_id"`
	WorkspaceID string `json:"server_id"`
	IDPID       string `json:"idp_id"`
	Subject     string `json:"subject"` // at the identity provider; of a static user the username
	Username    string `json:"username"`
	Name        string `json:"name"`
	Email       string `json:"email"`
	// Attributes become claims of the user's access tokens. :: claim → value
	Attributes map[string]json.RawMessage `json:"attributes"`
	Disabled   bool                       `json:"disabled"` // cannot log in; sessions and grants do not count
	Role       Role                       `json:"role"`     // in every workspace of the tenant; only of users of the workspace admin
	// Roles differ from Role in single workspaces. :: workspace id → role
	Roles     map[string]Role `json:"roles,omitempty"`
	CreatedAt time.Time       `json:"created_at"`
	LoginAt   time.Time       `json:"login_at"` // zero: never
}

// Static reports whether the user has a password here.
func (u User) Static() bool { return u.IDPID == StaticIDP }

// AnyRole reports whether the user may do anything in the tenant.
func (u User) AnyRole() bool {
	for _, r := range u.Roles {
		if r > NoRole {
			return true
		}
	}
	return u.Role > NoRole
}

// Authentication says how a user proved who it is.
type Authentication struct {
	Methods []string  `json:"amr"`           // RFC 8176: "pwd", "mfa", …
	Class   string    `json:"acr,omitempty"` // OpenID Connect Core 2
	At      time.Time `json:"-"`             // auth_time
}

// Session is a session of the portal or of an issuer; its token is stored as a hash.
type Session struct {
	ID             string // what the sessions of one log-in share (OpenID Connect Front-Channel Logout 1.0 3, "sid")
	User           User
	Authentication Authentication
	CreatedAt      time.Time
	ExpiresAt      time.Time // the earlier of idle and absolute expiry
}
