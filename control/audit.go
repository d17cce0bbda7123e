package control

import "time"

// AuditEvent is who did what to what, written in the transaction of the change itself. Before and After are JSON of
// the noun with secrets left out.
type AuditEvent struct {
	ID          string    `json:"event_id"`
	TenantID    string    `json:"tenant_id"`
	WorkspaceID string    `json:"server_id"`
	Subject     string    `json:"event_subject"` // policy, gateway, gateway_policy, service, client, server, user, tokens, …
	Action      string    `json:"action"`        // created, updated, deleted, generated, …
	TargetID    string    `json:"target_id"`
	ActorKind   ActorKind `json:"-"`
	ActorID     string    `json:"actor_id"`
	ActorName   string    `json:"actor_name"`
	IP          string    `json:"ip"`
	UserAgent   string    `json:"user_agent"`
	Timestamp   time.Time `json:"timestamp"`
	Before      []byte    `json:"-"`
	After       []byte    `json:"-"`
}

// AuditFilter narrows a list of audit events; empty members do not. Events come newest first unless Ascending.
type AuditFilter struct {
	Subjects, Actions []string
	TargetID          string
	ActorID           string // a user or client id
	IP                string
	From, To          time.Time // From is inside, To is outside
	AfterID, BeforeID string    // cursors: events that follow or precede this one in the chosen order
	Ascending         bool
	Limit             int // 0 means 20; at most 100
}
