package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"portcullis/control"
)

// auditEvent is an audit record on the wire (metadata and payload as published; before and after are ours).
type auditEvent struct {
	control.AuditEvent
	Metadata map[string]string `json:"metadata"`
	Payload  auditPayload      `json:"payload"`
}

type auditPayload struct {
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

func (a *API) listAudit(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	f, err := auditFilter(r)
	if err != nil {
		return err
	}
	events, err := a.Admin.ListAudit(r.Context(), actor, r.PathValue("wid"), f)
	if err != nil {
		return err
	}
	out := struct {
		Events []auditEvent `json:"audit_events"`
	}{make([]auditEvent, 0, len(events))}
	for _, e := range events {
		out.Events = append(out.Events, auditEvent{e,
			map[string]string{"ip": e.IP, "user_agent": e.UserAgent, "subject": e.ActorID},
			auditPayload{e.Before, e.After}})
	}
	return reply(w, http.StatusOK, out)
}

// unknownAuditFilters narrow by things that no record of this server has; they are refused, not ignored.
var unknownAuditFilters = []string{"session_id", "authorization_correlation_id", "idp_subject", "idp_id", "user_pool_id", "user_id",
	"idp_method", "organization_id", "group_id"}

func auditFilter(r *http.Request) (control.AuditFilter, error) {
	q := r.URL.Query()
	for _, name := range unknownAuditFilters {
		if q.Get(name) != "" {
			return control.AuditFilter{}, control.Errorf(control.NotImplemented, "", "the filter %s is not supported", name)
		}
	}
	f := control.AuditFilter{Subjects: queryList(r, "event_subject"), Actions: queryList(r, "event_action"),
		TargetID: q.Get("affected_id"), ActorID: q.Get("client_id"), IP: q.Get("ip"),
		AfterID: q.Get("after_event_id"), BeforeID: q.Get("before_event_id")}
	if s := q.Get("subject"); s != "" {
		f.ActorID = s
	}
	switch q.Get("order") {
	case "", "desc":
	case "asc":
		f.Ascending = true
	default:
		return f, badParameter("order", "must be asc or desc")
	}
	if s := q.Get("sort"); s != "" && s != "timestamp" {
		return f, badParameter("sort", "must be timestamp")
	}
	var err error
	if f.From, err = timestamp(q.Get("timestamp_from")); err != nil {
		return f, badParameter("timestamp_from", err.Error())
	}
	if f.To, err = timestamp(q.Get("timestamp_to")); err != nil {
		return f, badParameter("timestamp_to", err.Error())
	}
	if s := q.Get("limit"); s != "" {
		if f.Limit, err = strconv.Atoi(s); err != nil || f.Limit < 1 || f.Limit > 100 {
			return f, badParameter("limit", "must be 1 to 100")
		}
	}
	return f, nil
}

type timestampError struct{}

func (timestampError) Error() string {
	return "must be seconds since 1970 or a time such as 2026-01-02T15:04:05Z"
}

// timestamp reads seconds since 1970 or RFC 3339; "" is the zero time.
func timestamp(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(n, 0).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, timestampError{}
	}
	return t, nil
}
