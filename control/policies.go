package control

import (
	"bytes"
	"encoding/json"
	"time"

	"portcullis/edge/waist"
)

// Policy is a policy with its full body.
type Policy = waist.Policy

// PolicyAPI is the type of the policies that this product asks: those of APIs.
const PolicyAPI = "api"

// PolicyTypes are the types of the published product. Policies of the others belong to its login, consent and registration
// flows: they are stored, checked, tested, exported and imported, and nothing here asks them.
var PolicyTypes = [...]string{PolicyAPI, "user", "developer", "machine", "dcr"}

// PolicySummary is a policy with how many APIs use it.
type PolicySummary struct {
	Policy
	UsedBy int
}

// PolicyTest is the body of POST /policies/test.
type PolicyTest struct {
	WorkspaceID string `json:"server_id"`
	Policy      struct {
		Definition string `json:"definition"`
		Language   string `json:"language"`
		Type       string `json:"type"` // additive; empty means PolicyAPI. Only policies of the same type can be embedded
		// CedarSchema is additive: a schema in Cedar's own syntax that the policy must fit.
		CedarSchema string            `json:"cedar_schema"`
		Validators  []waist.Validator `json:"validators"`
	} `json:"policy"`
	Input struct {
		AuthnCtx JSONObject `json:"authn_ctx"`
		// Contexts are taken as they are. A member "scopes" or "client" that is missing is made from the claims, as the
		// authorizer makes it.
		Contexts JSONObject `json:"contexts"`
		Now      time.Time  `json:"now,omitzero"` // additive; zero means the time of the request
		Request  struct {
			Method      string              `json:"method"`
			Path        string              `json:"path"`
			Headers     map[string][]string `json:"headers"`
			PathParams  map[string]string   `json:"path_params"`
			QueryParams map[string][]string `json:"query_params"`
			Body        string              `json:"body"`
			// The members below are additive.
			MTLS     JSONObject `json:"mtls"`
			SourceIP string     `json:"source_ip"` // as API Gateway saw it
			Service  string     `json:"service"`   // name of the service, e.g. "PetStore"
			Template string     `json:"template"`  // path of the API, e.g. "/pets/{petId}"
			// Tags are labels of the API. The authorizer makes them of its data classifications, each with the value "true".
			Tags map[string]string `json:"tags"`
		} `json:"request"`
	} `json:"input"`
}

// JSONObject is a document as the authorizer reads it: numbers keep their digits.
type JSONObject map[string]any

// UnmarshalJSON keeps numbers as json.Number.
func (d *JSONObject) UnmarshalJSON(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		return err
	}
	*d = m
	return nil
}

// PolicyTestResult is its answer.
type PolicyTestResult struct {
	Status   bool                       `json:"status"`
	Result   string                     `json:"result"` // AUTHORIZED, UNAUTHORIZED
	Failures []waist.ValidationFailure  `json:"failures"`
	Recovery []waist.ValidationRecovery `json:"recovery"`
	Output   map[string]any             `json:"output"`

	// The members below are additive.

	// Reason is the closed code of the outcome ("policy_denied", "policy_error", …), empty when allowed.
	Reason string `json:"reason"`
	// DurationUS is how long the evaluation took, in microseconds: without compiling and explaining.
	DurationUS  float64           `json:"duration_us"`
	Explanation PolicyExplanation `json:"explanation"`
	// Warnings are what the author probably did not mean.
	Warnings []PolicyWarning `json:"warnings"`
}

// PolicyExplanation says how a policy came to its decision. Values that may be secret are redacted.
type PolicyExplanation struct {
	// Steps are the validators of a visual policy, the rules of a Rego policy, the statements of a Cedar policy.
	Steps []PolicyStep `json:"steps"`
	// Decided are the steps that the decision rests on, without those inside: what did not hold first, or all that had to.
	Decided []PolicyStep `json:"decided"`
	// Prints are the lines that print calls of a Rego policy wrote.
	Prints []string `json:"prints"`
	// Reads are the parts of the input that can change the outcome: "authn_ctx.sub", "request.method", "time"; "*" is all.
	Reads []string `json:"reads"`
}

// PolicyStep is one part of a policy and what became of it.
type PolicyStep struct {
	Path    string       `json:"path"`           // "validators[0].conf.fields[1]", "allow", the id of a Cedar statement
	Line    int          `json:"line,omitempty"` // in the definition
	Outcome string       `json:"outcome"`        // holds, fails, unknown
	Message string       `json:"message,omitempty"`
	Steps   []PolicyStep `json:"steps,omitempty"`
}

// PolicyWarning is something that a policy is stored with, and that its author probably did not mean: a claim that no
// token carries, a parameter that the path of an API lacks.
type PolicyWarning struct {
	PolicyID string `json:"policy_id,omitempty"` // the policy it is about: the asked one, or one that it embeds
	APIID    string `json:"api_id,omitempty"`    // set when it is about this API
	Path     string `json:"path"`                // member of the policy
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Message  string `json:"message"`
}

// PolicyProblem is what is wrong with the text of a policy, or doubtful about it, while it is written.
type PolicyProblem struct {
	Path         string // member of the policy, "definition" for a source
	Line, Column int    // from 1; 0: no place in particular
	Message      string
	Warning      bool // a save would not be refused for it
}

// PolicyMember is one part of the input that policies see, as each language names it; "" where one does not have it.
type PolicyMember struct {
	Visual, Rego, Cedar string
	Text                string // what it is
}

// PolicyExample is one entry of the gallery that policies are started from, in each language.
type PolicyExample struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Policies    []Policy `json:"policies"` // one of each language, without ids; they decide alike
}

// IssuedClaims are the claims that this server's issuers put into access tokens. A test of control/oauth compares them
// with what is signed.
var IssuedClaims = [...]string{"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "scp", "tid", "aid", "idp", "amr",
	"acr", "auth_time", "gid", "name", "preferred_username", "email"}

// PolicyCases is the outcome of a file of cases that was run against a policy as it is in the editor.
type PolicyCases struct {
	Passed, Failed int
	Cases          []PolicyCase
	// Parts of the policy that the cases showed to hold and to fail; both are needed for a part to be tested.
	Parts, Held, Refuted int
	Missed               []string // "validators[0].conf.fields[1] never failed"
}

// PolicyCase is one case. Mismatch is empty when it passed.
type PolicyCase struct {
	Name     string
	Line     int
	Mismatch string
}
