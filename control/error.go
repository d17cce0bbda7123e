package control

import (
	"errors"
	"fmt"
)

// Kind is what went wrong, in terms a surface can map to its protocol. The zero value is Internal.
type Kind int

const (
	Internal           Kind = iota // 500: a defect or an outage of ours; the message is not shown
	Invalid                        // 422: the request is understood and wrong; Fields says where
	Malformed                      // 400: the request cannot be read, or the state forbids it (e.g. policy in use)
	Unauthenticated                // 401
	Forbidden                      // 403
	NotFound                       // 404
	Conflict                       // 409
	PreconditionFailed             // 412: if-match names another version
	TooMany                        // 429, with RetryAfter
	NotImplemented                 // 501
	Unavailable                    // 503: try again later
)

// Error is an error that a caller or a person acts on. Message is safe to show; Code is from the closed list in
// docs/reference/errors.md.
type Error struct {
	Kind       Kind
	Code       string            // "gateway_limit", "policy_in_use"; empty means the kind's own code
	Message    string            // what happened, to what, and what to do
	Fields     map[string]string // :: JSON member → what is wrong with it
	RetryAfter int               // seconds, with TooMany and Unavailable
}

func (e *Error) Error() string { return e.Message }

// Errorf makes an Error of a kind.
func Errorf(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// KindOf is the kind of err, Internal when err is no *Error.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}
