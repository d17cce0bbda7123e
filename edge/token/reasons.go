package token

// Reason says why a token was refused. The list is closed; docs/reference/reasons.md explains each for people.
type Reason string

// The reasons. All begin with "token_".
const (
	Malformed           Reason = "token_malformed"            // not a JWT by form, or not usable as an opaque token
	TooLong             Reason = "token_too_long"             // longer than MaxLength
	AlgRefused          Reason = "token_alg_refused"          // alg absent, "none", symmetric, or not the one of the key
	HeaderRefused       Reason = "token_header_refused"       // crit, b64, zip, enc or an embedded key in the header
	WrongType           Reason = "token_wrong_type"           // typ says that this is no access token
	WrongIssuer         Reason = "token_wrong_issuer"         // iss absent or not one that the workspace trusts
	UnknownKey          Reason = "token_unknown_key"          // no key of the issuer has this kid and algorithm
	KeysUnavailable     Reason = "token_keys_unavailable"     // the issuer's keys were never had and cannot be fetched
	BadSignature        Reason = "token_bad_signature"        // the signature does not match
	Expired             Reason = "token_expired"              // exp has passed, or is absent
	NotYetValid         Reason = "token_not_yet_valid"        // nbf or iat lies in the future
	WrongAudience       Reason = "token_wrong_audience"       // aud does not name the service
	Inactive            Reason = "token_inactive"             // introspection says the token is not active
	IntrospectionFailed Reason = "token_introspection_failed" // introspection could not be asked
	OpaqueRefused       Reason = "token_opaque_refused"       // opaque tokens are not accepted here
	BindingMismatch     Reason = "token_binding_mismatch"     // cnf names another client certificate, or none was shown
	BindingUnsupported  Reason = "token_binding_unsupported"  // cnf binds to a proof that cannot be checked here (DPoP)
	Ambiguous           Reason = "token_ambiguous"            // more than one different Authorization value
	SchemeRefused       Reason = "token_scheme_refused"       // Authorization is not "Bearer"
)

// Error is the only error that Verify returns. Detail is for logs: it never holds any part of the token, though it may
// name the issuer it was checked against.
type Error struct {
	Reason Reason
	Detail string
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return string(e.Reason)
	}
	return string(e.Reason) + ": " + e.Detail
}

func refuse(r Reason, detail string) error { return &Error{Reason: r, Detail: detail} }

// ReasonOf returns the reason in err, or Malformed for an error of another kind: an unknown failure is a refusal too.
func ReasonOf(err error) Reason {
	if e, ok := err.(*Error); ok {
		return e.Reason
	}
	return Malformed
}
