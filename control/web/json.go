package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"portcullis/control"
	"portcullis/edge/waist"
)

// WriteJSON answers with v as JSON. Nothing here may be cached unless the caller has said so before.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // a defect: every v is a struct of ours
		status, body = http.StatusInternalServerError, []byte(`{"status_code":500,"error":"internal error","error_code":"internal","details":{}}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

// Problem is an error as the surfaces show it: mapped once, here, so that every surface says the same.
type Problem struct {
	Status     int
	Code       string
	Message    string            // safe to show
	Fields     map[string]string // :: member → what is wrong with it
	RetryAfter int               // seconds; 0: none
}

// kinds maps control.Kind to status and default code. A kind without a row is Internal.
var kinds = map[control.Kind]struct {
	status int
	code   string
}{
	control.Internal:           {http.StatusInternalServerError, "internal"},
	control.Invalid:            {http.StatusUnprocessableEntity, "invalid"},
	control.Malformed:          {http.StatusBadRequest, "malformed"},
	control.Unauthenticated:    {http.StatusUnauthorized, "unauthenticated"},
	control.Forbidden:          {http.StatusForbidden, "forbidden"},
	control.NotFound:           {http.StatusNotFound, "not_found"},
	control.Conflict:           {http.StatusConflict, "conflict"},
	control.PreconditionFailed: {http.StatusPreconditionFailed, "precondition_failed"},
	control.TooMany:            {http.StatusTooManyRequests, "too_many_requests"},
	control.NotImplemented:     {http.StatusNotImplemented, "not_implemented"},
	control.Unavailable:        {http.StatusServiceUnavailable, "unavailable"},
}

// statuses are of the codes whose status is not their kind's.
var statuses = map[string]int{
	"body_too_large":     http.StatusRequestEntityTooLarge,
	"method_not_allowed": http.StatusMethodNotAllowed,
}

// ProblemOf maps an error to what may be shown of it. The message of an internal error is never shown.
func ProblemOf(err error) Problem {
	var e *control.Error
	if !errors.As(err, &e) {
		switch {
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			e = control.Errorf(control.Unavailable, "", "the request took too long and was given up; try again")
		default:
			e = &control.Error{Kind: control.Internal}
		}
	}
	k, ok := kinds[e.Kind]
	if !ok {
		k = kinds[control.Internal]
	}
	p := Problem{Status: k.status, Code: e.Code, Message: e.Message, Fields: e.Fields, RetryAfter: e.RetryAfter}
	if p.Code == "" {
		p.Code = k.code
	}
	if status, ok := statuses[p.Code]; ok {
		p.Status = status
	}
	if k.status == http.StatusInternalServerError {
		p = Problem{Status: k.status, Code: k.code, Message: "something went wrong on our side; the server's log has it under this request id"}
	}
	if p.RetryAfter == 0 && (e.Kind == control.TooMany || e.Kind == control.Unavailable) {
		p.RetryAfter = 1
	}
	return p
}

// WriteError answers with the error body of the admin and system APIs (waist.Error).
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	p := ProblemOf(err)
	e := Event(r.Context())
	if p.Status >= 500 {
		e.Err = err
	}
	details := map[string]any{}
	if len(p.Fields) > 0 {
		details["fields"] = p.Fields
	}
	if p.Status >= 500 && e.RequestID != "" {
		details["request_id"] = e.RequestID
	}
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if p.Status == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.Header().Del("ETag")
	w.Header().Set("Cache-Control", "no-store")
	WriteJSON(w, p.Status, waist.Error{StatusCode: p.Status, Message: p.Message, Code: p.Code, Details: details})
}
