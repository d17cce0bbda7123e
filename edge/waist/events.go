package waist

import "time"

// RequestEvents is the body of POST /gateways/requests, at most MaxEventsPerPush events.
type RequestEvents struct {
	Events []RequestEvent `json:"events"`
	// Dropped counts the decisions of this environment since its last push of which there is no event: the limit per second
	// or the bounds of its queue left them out. Additive.
	Dropped int64 `json:"dropped,omitempty"`
}

// MaxEventsPerPush bounds one push.
const MaxEventsPerPush = 100

// RequestEventsResult is the answer to RequestEvents.
type RequestEventsResult struct {
	NumberOfPushedEvents int `json:"number_of_pushed_events"`
}

// The two values of Validation.Result.
const (
	ResultAuthorized   = "AUTHORIZED"
	ResultUnauthorized = "UNAUTHORIZED"
)

// RequestEvent records one decision. Portcullis never fills Token: a bearer token does not leave the Lambda.
type RequestEvent struct {
	APIID         string            `json:"api_id"`
	Token         string            `json:"token,omitempty"` // read from other clients, dropped on arrival
	DurationMS    int64             `json:"duration_ms"`
	UserAgent     string            `json:"user_agent,omitempty"`
	XForwardedFor string            `json:"x_forwarded_for,omitempty"`
	XRealIP       string            `json:"x_real_ip,omitempty"`
	InvocationCtx map[string]any    `json:"invocation_ctx,omitempty"`
	Output        map[string]string `json:"output,omitempty"`
	Result        Validation        `json:"result"`

	// The members below are additive.

	DecisionID string    `json:"decision_id,omitempty"`
	Time       time.Time `json:"time,omitzero"`
	Revision   int64     `json:"revision,omitempty"`
	// Reason is the closed reason code of the decision, e.g. "policy_denied", "token_expired".
	Reason   string `json:"reason,omitempty"`
	PolicyID string `json:"policy_id,omitempty"`
	// GroupID, Method and Path (a template) say what was asked for when no API matched.
	GroupID string `json:"group_id,omitempty"`
	Method  string `json:"method,omitempty"`
	Path    string `json:"path,omitempty"`
	// TokenHash is hex SHA-256 of the bearer token, cut to 16 digits.
	TokenHash string `json:"token_hash,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	// DurationUS is the decision's duration in microseconds; DurationMS is the same, rounded down.
	DurationUS int64 `json:"duration_us,omitempty"`
}

// Validation is the outcome of a policy.
type Validation struct {
	Result   string               `json:"result"`
	Failure  []ValidationFailure  `json:"failure"`
	Recovery []ValidationRecovery `json:"recovery"`
}

// ValidationFailure says which validator refused, and why.
type ValidationFailure struct {
	Validator string `json:"validator"`
	Message   string `json:"message"`
	Details   string `json:"details"`
}

// ValidationRecovery is one recovery that is offered to the caller.
type ValidationRecovery struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}
