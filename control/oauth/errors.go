package oauth

import (
	"errors"
	"net/http"
	"strconv"

	"portcullis/control"
	"portcullis/control/web"
)

// The error codes of RFC 6749 5.2 (and 7662 through 6750).
const (
	errInvalidRequest       = "invalid_request"
	errInvalidClient        = "invalid_client"
	errUnauthorizedClient   = "unauthorized_client"
	errUnsupportedGrantType = "unsupported_grant_type"
	errInvalidScope         = "invalid_scope"
	errInvalidTarget        = "invalid_target" // RFC 8707 2
	errServerError          = "server_error"
	errTemporarily          = "temporarily_unavailable"
)

// protocolError is an answer of RFC 6749 5.2. Description is for the developer of the client and holds no secret.
type protocolError struct {
	code, description, hint string
	status                  int
}

func (e *protocolError) Error() string { return e.code + ": " + e.description }

func refuse(code, description string) *protocolError {
	return &protocolError{code: code, description: description, status: http.StatusBadRequest}
}

// refuseClient is the one answer to every way a client can fail to prove who it is.
func refuseClient(description string) *protocolError {
	return &protocolError{code: errInvalidClient, description: description, status: http.StatusUnauthorized,
		hint: "check the client id and the secret, and that the client belongs to this workspace"}
}

func notBuilt(path string) error {
	return control.Errorf(control.NotImplemented, "", "%s is not part of this server; the metadata document lists what is", path)
}

// errorBody is the superset that the three generations of clients read: error_code is the HTTP status.
type errorBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Hint        string `json:"error_hint,omitempty"`
	Cause       string `json:"cause,omitempty"`
	StatusCode  int    `json:"status_code"`
	ErrorCode   int    `json:"error_code"`
}

// writeError maps any error to the protocol.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	body := errorBody{}
	var pe *protocolError
	if errors.As(err, &pe) {
		body = errorBody{Error: pe.code, Description: pe.description, Hint: pe.hint, StatusCode: pe.status}
	} else {
		p := web.ProblemOf(err)
		body = errorBody{Error: p.Code, Description: p.Message, StatusCode: p.Status}
		switch {
		case p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests:
			body.Error = errTemporarily
		case p.Status >= 500 && p.Status != http.StatusNotImplemented:
			body.Error = errServerError
		}
		if p.Status >= 500 {
			web.Event(r.Context()).Err = err
		}
		if p.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
		}
	}
	body.ErrorCode = body.StatusCode
	if body.StatusCode == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="portcullis"`) // RFC 6749 5.2
	}
	noStore(w.Header())
	web.WriteJSON(w, body.StatusCode, body)
}

// noStore is RFC 6749 5.1.
func noStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
}
