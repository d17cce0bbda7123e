package authorizer

// Reason codes of decisions. The list is closed: these, the "token_…" codes of edge/token and the "policy_…" codes of
// edge/policy. docs/reference/reasons.md explains each.
const (
	ReasonAllowed        = "allowed"             // the policy allowed
	ReasonOpen           = "open"                // the API has no policy
	ReasonUnknownAllowed = "unknown_allowed"     // not in the configuration, and ENFORCEMENT_ALLOW_UNKNOWN is set
	ReasonNoConfig       = "configuration_none"  // no configuration was ever loaded
	ReasonStale          = "configuration_stale" // the last good configuration is older than CONFIG_MAX_STALENESS
	ReasonUnbound        = "api_group_not_bound" // the REST API and stage are not bound to a service
	ReasonUnknownAPI     = "api_unknown"         // the group has no such method and path
	ReasonPathAmbiguous  = "path_ambiguous"      // a TOKEN event's path can be read as two different APIs
	ReasonEventMalformed = "event_malformed"     // the event is not one of API Gateway's, or contradicts itself
	ReasonInternal       = "internal_error"      // a defect or an exhausted deadline; the log has the decision id
	reasonTokenUnchecked = "token_malformed"     // a token that nothing vouched for
)
