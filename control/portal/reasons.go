package portal

// reasons puts the closed reason codes of a decision (edge/authorizer, edge/token, edge/policy) in words and says what
// to do. A code that is not here is shown as it is.
var reasons = map[string]string{
	"allowed":             "The policy allowed it",
	"open":                "No policy is assigned: open",
	"unknown_allowed":     "Unknown to the configuration, allowed by ENFORCEMENT_ALLOW_UNKNOWN",
	"configuration_none":  "The authorizer has never loaded a configuration",
	"configuration_stale": "The authorizer's configuration is too old; it does not reach the control plane",
	"api_group_not_bound": "The API group is not connected to a service",
	"api_unknown":         "The group has no such method and path; run discovery or deploy the API",
	"path_ambiguous":      "The path can be read as two different APIs",
	"event_malformed":     "The event did not come from API Gateway as it should",
	"internal_error":      "The authorizer failed; its log has the decision id",

	"policy_denied":  "The policy did not pass",
	"policy_error":   "The policy failed while it was evaluated",
	"policy_timeout": "The policy took too long",
	"policy_unknown": "The authorizer has no policy with this id",
	"policy_invalid": "The policy does not compile",

	"token_malformed":            "The token is not an access token",
	"token_too_long":             "The token is too long",
	"token_alg_refused":          "The token's algorithm is not accepted",
	"token_header_refused":       "The token's header asks for something that is not accepted",
	"token_wrong_type":           "The token is of another type",
	"token_wrong_issuer":         "The token comes from an issuer that is not trusted here",
	"token_unknown_key":          "The token names a key that its issuer does not publish",
	"token_keys_unavailable":     "The issuer's keys could not be fetched",
	"token_bad_signature":        "The token's signature does not match",
	"token_expired":              "The token has expired",
	"token_not_yet_valid":        "The token is not valid yet; compare the clocks",
	"token_wrong_audience":       "The token is for another audience than this service",
	"token_inactive":             "The issuer does not know the token, or it was revoked or has expired",
	"token_introspection_failed": "The token could not be introspected",
	"token_opaque_refused":       "Opaque tokens are not accepted here",
	"token_binding_mismatch":     "The token is bound to another client certificate",
	"token_binding_unsupported":  "The token is bound in a way that cannot be checked here",
	"token_ambiguous":            "The request carries more than one Authorization value",
	"token_scheme_refused":       "The Authorization header is not of the Bearer scheme",
}

func reasonText(code string) string { return reasons[code] }
