package control

// Role is what an actor may do in a workspace; roles are ordered. The zero value may do nothing.
type Role int

const (
	NoRole  Role = iota
	Member       // sees the workspace's APIs, policies and analytics
	Auditor      // Member, and reads the audit
	Manager      // Auditor, and changes everything inside the workspace
	Admin        // Manager, and creates and deletes workspaces, users and keys
)

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
