package wire

import (
	"crypto/rand"
	"encoding/hex"
	"time"
)

// Credentials are the keys of one role session.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expires         time.Time
}

// AssumeForService issues keys of a role to an AWS service. The role must exist and its trust policy must let the
// service ("lambda.amazonaws.com") assume it; the error is an *Error that says which of the two failed.
type AssumeForService func(roleARN, session, service string) (Credentials, error)

// AllowForService asks whether a service ("apigateway.amazonaws.com") may assume a role and whether the role's identity
// policies then allow action on resource. The error is an *Error that says what is missing.
type AllowForService func(roleARN, service, action, resource string) error

// NewID returns a random UUID, the form of request ids and revision ids.
func NewID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
