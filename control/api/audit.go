package api

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"portcullis/control"
	"portcullis/control/web"
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
		out.Events = append(out.Events, auditEventOf(e))
	}
	return reply(w, http.StatusOK, out)
}

func auditEventOf(e control.AuditEvent) auditEvent {
	return auditEvent{e, map[string]string{"ip": e.IP, "user_agent": e.UserAgent, "subject": e.ActorID}, auditPayload{e.Before, e.After}}
}

// exportAudit is the whole of what listAudit pages through, one JSON object a line. A failure on the way cuts
// the connection, so that nobody takes a part for the whole.
func (a *API) exportAudit(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	f, err := auditFilter(r)
	if err != nil {
		return err
	}
	begun := false
	out := json.NewEncoder(w)
	begin := func() {
		if !begun {
			w.Header().Set("Content-Type", "application/jsonl")
			w.Header().Set("Content-Disposition", `attachment; filename="audit.jsonl"`)
			begun = true
		}
	}
	err = a.Admin.ExportAudit(r.Context(), actor, r.PathValue("wid"), f, func(page []control.AuditEvent) error {
		begin()
		for _, e := range page {
			if err := out.Encode(noNulls(auditEventOf(e))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && begun {
		web.Event(r.Context()).Err = err
		panic(http.ErrAbortHandler) // the caller must not take a part for the whole
	}
	if err == nil {
		begin()
	}
	return err
}

// unknownAuditFilters narrow by things that no record of this server has; they are refused, not ignored.
var unknownAuditFilters = []string{"session_id", "authorization_correlation_id", "idp_subject", "idp_id", "user_pool_id",
	"idp_method", "organization_id", "group_id"}

func auditFilter(r *http.Request) (control.AuditFilter, error) {
	q := r.URL.Query()
	for _, name := range unknownAuditFilters {
		if q.Get(name) != "" {
			return control.AuditFilter{}, control.Errorf(control.NotImplemented, "", "the filter %s is not supported", name)
		}
	}
	f := control.AuditFilter{Subjects: queryList(r, "event_subject"), Actions: queryList(r, "event_action"),
		TargetID: q.Get("affected_id"), IP: q.Get("ip"),
		AfterID: q.Get("after_event_id"), BeforeID: q.Get("before_event_id")}
	for _, name := range []string{"client_id", "user_id", "subject"} { // who did it, under three names
		s := q.Get(name)
		if s != "" && f.ActorID != "" && s != f.ActorID {
			return f, badParameter(name, "contradicts another one: client_id, user_id and subject all say who did it")
		}
		f.ActorID = cmp.Or(s, f.ActorID)
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
