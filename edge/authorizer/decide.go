package authorizer

import "portcullis/edge/policy"

// configState says whether a configuration may be used. The zero value is "none".
type configState int

const (
	configNone configState = iota
	configStale
	configUsable
)

// tokenState says what is known about the caller's token. The zero value is a token that nothing vouched for.
type tokenState int

const (
	tokenUnverified tokenState = iota
	tokenAbsent
	tokenVerified
)

// facts is all that a decision depends on. It is gathered before and judged here.
type facts struct {
	config       configState
	lookup       string // "" when the API was found, else the reason why not
	allowUnknown bool   // ENFORCEMENT_ALLOW_UNKNOWN
	found        bool   // the API is in the configuration
	hasPolicy    bool
	token        tokenState
	tokenReason  string // why the token is unverified
	policy       policy.Result
}

// verdict is the outcome. The zero value denies.
type verdict struct {
	allow  bool
	reason string
}

// needsPolicy reports whether the policy has to be evaluated for decide to be able to allow.
func (f *facts) needsPolicy() bool {
	return f.config == configUsable && f.found && f.hasPolicy && f.token != tokenUnverified
}

// decide is the decision table of docs/architecture.md, top to bottom. It is pure, and every way out of it that is not
// written as an allow is a deny.
func decide(f *facts) verdict {
	switch f.config {
	case configUsable:
	case configStale:
		return verdict{reason: ReasonStale}
	default:
		return verdict{reason: ReasonNoConfig}
	}
	if !f.found {
		// An ambiguous path or a malformed event is not "unknown": it may well be a known, protected API.
		if f.allowUnknown && (f.lookup == ReasonUnbound || f.lookup == ReasonUnknownAPI) {
			return verdict{allow: true, reason: ReasonUnknownAllowed}
		}
		if f.lookup == "" {
			return verdict{reason: ReasonUnknownAPI}
		}
		return verdict{reason: f.lookup}
	}
	if !f.hasPolicy {
		return verdict{allow: true, reason: ReasonOpen}
	}
	if f.token == tokenUnverified {
		if f.tokenReason == "" {
			return verdict{reason: reasonTokenUnchecked}
		}
		return verdict{reason: f.tokenReason}
	}
	if f.policy.Decision == policy.Allow && f.policy.Reason == "" {
		return verdict{allow: true, reason: ReasonAllowed}
	}
	if f.policy.Reason == "" {
		return verdict{reason: policy.ReasonError}
	}
	return verdict{reason: f.policy.Reason}
}
