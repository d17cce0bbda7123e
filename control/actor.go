package control

import "fmt"

// Role is what an actor may do in a workspace; roles are ordered. The zero value may do nothing.
type Role int

const (
	NoRole  Role = iota
	Member       // sees the workspace's APIs, policies and analytics
	Auditor      // Member, and reads the audit
	Manager      // Auditor, and changes everything inside the workspace
	Admin        // Manager, and creates and deletes workspaces, users and keys
)

var roleNames = [...]string{"none", "member", "auditor", "manager", "admin"} // :: Role → name

// String is the role's name: none, member, auditor, manager, admin.
func (r Role) String() string {
	if r < NoRole || r > Admin {
		return roleNames[NoRole]
	}
	return roleNames[r]
}

// MarshalText writes the role's name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a role's name; an unknown one is an error.
func (r *Role) UnmarshalText(b []byte) error {
	for i, name := range roleNames {
		if string(b) == name {
			*r = Role(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a role; use none, member, auditor, manager or admin", b)
}

// ActorKind says how the actor proved who it is.
type ActorKind int

const (
	Anonymous     ActorKind = iota
	UserActor               // a person with a portal session
	ClientActor             // a client with an access token of the admin workspace
	GatewayActor            // a gateway's client with an access token of the system workspace
	OperatorActor           // the command line on the server itself
)

// Actor is who asks. It is the first argument of every verb in package admin.
type Actor struct {
	Kind      ActorKind
	ID        string // user id or client id
	Name      string // for people
	TenantID  string
	Role      Role            // in every workspace of the tenant
	Roles     map[string]Role // :: workspace id → role, where it differs
	Scopes    []string        // of the access token, for ClientActor and GatewayActor
	IP        string
	UserAgent string
}

// RoleIn is the actor's role in a workspace.
func (a Actor) RoleIn(workspace string) Role {
	if r, ok := a.Roles[workspace]; ok {
		return r
	}
	return a.Role
}

// HasScope reports whether the access token carries the scope.
func (a Actor) HasScope(scope string) bool {
	for _, s := range a.Scopes {
		if s == scope {
			return true
		}
	}
	return false
}
