package policy

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Input is the one document every language sees: {authn_ctx, contexts, request}. It belongs to one request; Evaluate
// only reads it, so one Input may be evaluated against several policies at the same time.
type Input struct {
	// AuthnCtx holds the claims of the verified token, as encoding/json decodes them (json.Number is understood). It is
	// empty for an anonymous caller.
	AuthnCtx map[string]any `json:"authn_ctx"`
	// Contexts holds "scopes" (see ScopesContext), "client" and "developer".
	Contexts map[string]any `json:"contexts"`
	Request  Request        `json:"request"`
	// Now is the decision's clock; zero means the time at which Evaluate is called.
	Now time.Time `json:"now,omitzero"`
}

// Request is the part of the input that describes what was asked for. The caller controls all of it but Template,
// Service, Tags, SourceIP and MTLS.
type Request struct {
	Method      string              `json:"method"`
	Path        string              `json:"path"`         // the concrete request path
	Headers     map[string][]string `json:"headers"`      // looked up without regard to case
	PathParams  map[string]string   `json:"path_params"`  // {petId} of the template -> value
	QueryParams map[string][]string `json:"query_params"` // case matters
	Body        string              `json:"body"`
	// MTLS is {"x5t#S256": "..."} when the caller presented a client certificate, else nil (RFC 8705 section 3.1).
	MTLS map[string]any `json:"mtls,omitempty"`

	// SourceIP is the address the connection came from, as API Gateway saw it; empty when unknown.
	SourceIP string `json:"source_ip,omitempty"`
	// Service and Template name the API: "PetStore", "/pets/{petId}". Cedar policies see them as the resource.
	Service  string `json:"service,omitempty"`
	Template string `json:"template,omitempty"`
	// Tags are labels of the API; Cedar policies see them as tags of the resource.
	Tags map[string]string `json:"tags,omitempty"`
}

// Decision is the outcome of an evaluation. The zero value is Deny.
type Decision int

// The two decisions.
const (
	Deny Decision = iota
	Allow
)

// String is "deny" or "allow".
func (d Decision) String() string {
	if d == Allow {
		return "allow"
	}
	return "deny"
}

// The closed list of reasons of a Result that is not Allow.
const (
	ReasonDenied  = "policy_denied"  // the policy was evaluated and did not allow
	ReasonError   = "policy_error"   // the evaluation failed
	ReasonTimeout = "policy_timeout" // the evaluation did not end before its deadline
	ReasonUnknown = "policy_unknown" // no policy has this id
	ReasonInvalid = "policy_invalid" // the policy does not compile
)

// header returns all values of a header, whatever the case of its name. Keys that differ only in case are joined, in the
// order of their spellings: a caller must not be able to show the policy one of them and the backend the other.
func (r *Request) header(name string) []string {
	first, more := "", false
	for k, vs := range r.Headers {
		if len(k) != len(name) || len(vs) == 0 || !strings.EqualFold(k, name) {
			continue
		}
		more = more || first != ""
		first = k
	}
	if !more {
		return r.Headers[first]
	}
	var found []string
	for _, k := range slices.Sorted(maps.Keys(r.Headers)) {
		if len(k) == len(name) && strings.EqualFold(k, name) {
			found = append(found, r.Headers[k]...)
		}
	}
	return found
}
