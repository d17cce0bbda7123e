package waist

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// Headers of the signature over a configuration. Additive: the original has none.
const (
	// HeaderSignature of an answer is one signature for each client secret that is valid at the moment, each in a line of
	// its own, or joined by commas on the way.
	HeaderSignature = "Portcullis-Signature"
	// HeaderSign of a poll, "true", asks for signatures with a 304 as well; a 200 always has them.
	HeaderSign = "Portcullis-Sign"
)

// MaxSignatures bounds how many signatures come with one configuration.
const MaxSignatures = 16

// MaxSignature bounds one signature, in bytes.
const MaxSignature = 4096

// ConfigurationValidity is how long after it was made a signature is good at most. An authorizer's own limit,
// CONFIG_MAX_STALENESS, can be as long and is usually much shorter.
const ConfigurationValidity = 30 * 24 * time.Hour

// ConfigurationSignature is the protected header of a JSON Web Signature by which the control plane vouches for a
// configuration: RFC 7515 in compact form, the payload detached (appendix F) and not encoded (RFC 7797), so that it is
// the exact bytes of the answer. The algorithm is HS256 with a key derived from the client secret: the only secret that
// a function has when it starts while nobody can be asked.
//
// Whoever holds the client secret can sign. They could as well fetch the configuration and report a false inventory.
type ConfigurationSignature struct {
	Algorithm string   `json:"alg"` // "HS256"
	Type      string   `json:"typ"` // "portcullis-configuration"
	Encoded   bool     `json:"b64"` // false
	Critical  []string `json:"crit"`

	TenantID  string `json:"tid"`
	ServerID  string `json:"server_id"`
	GatewayID string `json:"gateway_id"`
	ClientID  string `json:"client_id"`
	Revision  int64  `json:"revision"`
	ETag      string `json:"etag,omitempty"`
	IssuedAt  int64  `json:"iat"` // seconds since 1970: when the control plane vouched for the bytes
	NotAfter  int64  `json:"exp"` // from this second on it does not
}

const signatureType = "portcullis-configuration"

// ErrSignature is what is wrong with a signature, without a word about which part of it.
var ErrSignature = errors.New("the signature does not fit: the configuration was altered, or signed for another client secret")

// Sign writes the signature over the exact bytes of a configuration for the holder of a client secret.
func (s ConfigurationSignature) Sign(secret string, configuration []byte) (string, error) {
	s.Algorithm, s.Type, s.Encoded, s.Critical = "HS256", signatureType, false, []string{"b64"}
	h, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	protected := base64.RawURLEncoding.EncodeToString(h)
	mac, err := signatureMAC(secret, protected, configuration)
	if err != nil {
		return "", err
	}
	return protected + ".." + base64.RawURLEncoding.EncodeToString(mac), nil
}

// VerifySignature checks a signature over the exact bytes of a configuration and returns what it says. Nothing in it is
// looked at before it was found good. Whether it is still good, and about whom, is for the caller to judge.
func VerifySignature(secret, signature string, configuration []byte) (ConfigurationSignature, error) {
	protected, rest, ok := strings.Cut(signature, ".")
	payload, macText, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 || payload != "" || secret == "" || len(signature) > MaxSignature {
		return ConfigurationSignature{}, ErrSignature
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(macText)
	if err != nil {
		return ConfigurationSignature{}, ErrSignature
	}
	want, err := signatureMAC(secret, protected, configuration)
	if err != nil || !hmac.Equal(mac, want) {
		return ConfigurationSignature{}, ErrSignature
	}
	h, err := base64.RawURLEncoding.Strict().DecodeString(protected)
	if err != nil {
		return ConfigurationSignature{}, ErrSignature
	}
	s := ConfigurationSignature{Encoded: true} // RFC 7797 section 3: what "b64" means where it is left out
	if err := json.Unmarshal(h, &s); err != nil || s.Algorithm != "HS256" || s.Type != signatureType || s.Encoded || !slices.Equal(s.Critical, []string{"b64"}) {
		return ConfigurationSignature{}, ErrSignature
	}
	return s, nil
}

// signatureMAC is HMAC SHA-256 over the signing input of RFC 7797 section 3: the header, a full stop, the payload as it is.
func signatureMAC(secret, protected string, payload []byte) ([]byte, error) {
	key, err := SignatureKey(secret)
	if err != nil {
		return nil, err
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte(protected))
	m.Write([]byte{'.'})
	m.Write(payload)
	return m.Sum(nil), nil
}

// SignatureKey derives the key from a client secret (HKDF with SHA-256, RFC 5869), so that the secret itself signs
// nothing.
func SignatureKey(secret string) ([]byte, error) {
	return hkdf.Key(sha256.New, []byte(secret), nil, "portcullis configuration signature v1", sha256.Size)
}
