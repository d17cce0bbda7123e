package control

import (
	"time"
	"unicode/utf8"
)

// Secret is a named value for the policies of a workspace. The value is not a member: it is stored encrypted and read by
// its own verb.
type Secret struct {
	ID          string    `json:"id"`
	Name        string    `json:"secret"` // by which policies name it
	WorkspaceID string    `json:"server_id"`
	TenantID    string    `json:"tenant_id"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// The bounds of secrets: how many a workspace has, and how long a value is, in bytes.
const (
	MaxSecrets     = 200
	MaxSecretValue = 16 << 10
)

// Validate checks a secret with its value.
func (s Secret) Validate(value string) error {
	var c Checks
	c.matches("id", s.ID, objectID, objectIDForm)
	c.name("secret", s.Name)
	switch {
	case value == "":
		c.Add("value", "must not be empty")
	case len(value) > MaxSecretValue || !utf8.ValidString(value):
		c.Add("value", "must be UTF-8 of at most 16 KiB")
	}
	return c.Err("secret")
}
