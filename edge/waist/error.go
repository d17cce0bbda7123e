package waist

// Error is the error body of the admin and system APIs: the HTTP status repeated, a message for people, a code from
// the closed list in docs/reference/errors.md, and details that depend on the code.
type Error struct {
	StatusCode int            `json:"status_code"`
	Message    string         `json:"error"`
	Code       string         `json:"error_code"`
	Details    map[string]any `json:"details"`
}

// Headers that our authorizer sends with each poll of the configuration, so that the portal can show which
// environments enforce which revision. Additive: the original ignores them.
const (
	HeaderEnvironment = "Portcullis-Environment" // random id of one Lambda environment, 22 base64url characters
	HeaderVersion     = "Portcullis-Version"     // version of the authorizer
	HeaderRevision    = "Portcullis-Revision"    // revision in use, decimal; absent before the first one
	HeaderAge         = "Portcullis-Age"         // age of that configuration in whole seconds
)
