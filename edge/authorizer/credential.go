package authorizer

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"strings"

	"portcullis/edge/token"
)

// credential is what the caller presents. A zero credential is an anonymous caller.
type credential struct {
	raw string // the bearer token; never logged, never sent anywhere but to introspection
}

func (c credential) absent() bool { return c.raw == "" }

// hash is what stands for the token in records: hex SHA-256, cut to 16 digits.
func (c credential) hash() string {
	if c.absent() {
		return ""
	}
	sum := sha256.Sum256([]byte(c.raw))
	return hex.EncodeToString(sum[:8])
}

// parseAuthorization reads the values of the Authorization header (RFC 6750 section 2.1). Empty values count as none.
// Two different values are refused: the backend might read the other one. Another scheme than Bearer is refused too, so
// that a credential that was not checked does not pass for an anonymous caller.
func parseAuthorization(values []string) (credential, string) {
	value := ""
	for _, v := range values {
		v = strings.TrimSpace(v)
		switch {
		case v == "" || v == value:
		case value == "":
			value = v
		default:
			return credential{}, string(token.Ambiguous)
		}
	}
	if value == "" {
		return credential{}, ""
	}
	scheme, raw, found := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return credential{}, string(token.SchemeRefused)
	}
	raw = strings.TrimLeft(raw, " ")
	if !found || raw == "" || strings.ContainsAny(raw, " \t,") {
		return credential{}, string(token.Malformed)
	}
	return credential{raw: raw}, ""
}

// thumbprint is the SHA-256 of the certificate's DER form in base64url (RFC 8705 section 3.1), "" when pemText holds no
// certificate.
func thumbprint(pemText string) string {
	block, _ := pem.Decode([]byte(pemText))
	if block == nil || block.Type != "CERTIFICATE" {
		return ""
	}
	sum := sha256.Sum256(block.Bytes)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// bound checks the token's confirmation (RFC 7800) against what the caller proved. A certificate-bound token needs its
// certificate; a token bound to a DPoP key cannot be checked here, since the proof is not a bearer credential.
func bound(claims map[string]any, certThumbprint string) string {
	c, there := claims["cnf"]
	if !there || c == nil {
		return ""
	}
	cnf, ok := c.(map[string]any)
	if !ok {
		return string(token.BindingUnsupported)
	}
	for name, v := range cnf {
		want, isString := v.(string)
		switch {
		case v == nil || isString && want == "": // introspection may spell out what is not there
		case name != "x5t#S256":
			return string(token.BindingUnsupported)
		case !isString || want != certThumbprint:
			return string(token.BindingMismatch)
		}
	}
	return ""
}
