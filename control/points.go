package control

// PointAPI is the one kind of policy execution point that this product has: an API of a service.
const PointAPI = "api"

// PolicyExecutionPoint says where a policy is asked.
type PolicyExecutionPoint struct {
	TenantID    string `json:"tenant_id"`
	WorkspaceID string `json:"server_id"`
	Type        string `json:"type"`      // PointAPI
	Target      string `json:"target_fk"` // id of the API
	PolicyID    string `json:"policy_id"` // empty: open
}
