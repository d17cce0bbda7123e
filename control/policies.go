package control

import "portcullis/edge/waist"

// Policy is a policy with its full body.
type Policy = waist.Policy

// PolicySummary is a policy with how many APIs use it.
type PolicySummary struct {
	Policy
	UsedBy int
}

// PolicyTest is the body of POST /policies/test.
type PolicyTest struct {
	WorkspaceID string `json:"server_id"`
	Policy      struct {
		Definition string            `json:"definition"`
		Language   string            `json:"language"`
		Validators []waist.Validator `json:"validators"`
	} `json:"policy"`
	Input struct {
		AuthnCtx map[string]any `json:"authn_ctx"`
		Contexts map[string]any `json:"contexts"`
		Request  struct {
			Method      string              `json:"method"`
			Path        string              `json:"path"`
			Headers     map[string][]string `json:"headers"`
			PathParams  map[string]string   `json:"path_params"`
			QueryParams map[string][]string `json:"query_params"`
			Body        string              `json:"body"`
			MTLS        map[string]any      `json:"mtls"` // additive
		} `json:"request"`
	} `json:"input"`
}

// PolicyTestResult is its answer.
type PolicyTestResult struct {
	Status   bool                       `json:"status"`
	Result   string                     `json:"result"` // AUTHORIZED, UNAUTHORIZED
	Failures []waist.ValidationFailure  `json:"failures"`
	Recovery []waist.ValidationRecovery `json:"recovery"`
	Output   map[string]any             `json:"output"`
}
