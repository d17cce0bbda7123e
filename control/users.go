package control

import "time"

// User is a portal user of the tenant. The password hash stays in the store.
type User struct {
	ID       string `json:"id"`
	TenantID string `json:"tenant_id"`
	Username string `json:"username"`
	Name     string `json:"name"`
	Role     Role   `json:"role"` // in every workspace of the tenant
	// Roles differ from Role in single workspaces. :: workspace id → role
	Roles     map[string]Role `json:"roles,omitempty"`
	CreatedAt time.Time       `json:"created_at"`
}

// Session is a portal session; its token is stored as a hash.
type Session struct {
	User      User
	CreatedAt time.Time
	ExpiresAt time.Time // the earlier of idle and absolute expiry
}
