package portal

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"portcullis/control"
)

// auditSubjects are what records are about, in the order of the filter.
var auditSubjects = []string{"service", "api", "gateway", "gateway_policy", "policy", "client", "scopes", "server", "user", "credential", "login"}

// subjectName is what a record is about, in words.
func subjectName(subject string) string {
	switch subject {
	case "server":
		return "workspace"
	case "client":
		return "application"
	case "scopes":
		return "scope"
	case "gateway_policy":
		return "policy assignment"
	case "credential":
		return "password or secret"
	case "":
		return "record"
	}
	return subject
}

const auditPageSize = 50

// auditFilter is what the query asks for; wrong holds what it asks that cannot be.
func auditFilter(r *request, v *auditPage) (f control.AuditFilter) {
	v.subjects = []option{{value: "", text: "Everything"}}
	for _, s := range auditSubjects {
		chosen := s == r.query("subject")
		if chosen {
			v.subject = s
			f.Subjects = []string{s}
		}
		v.subjects = append(v.subjects, option{value: s, text: sentence(subjectName(s)), chosen: chosen})
	}
	v.action, v.who, v.target = clip(strings.TrimSpace(r.query("action")), 64), clip(strings.TrimSpace(r.query("actor")), 128), clip(strings.TrimSpace(r.query("target")), 256)
	if v.action != "" {
		f.Actions = []string{v.action}
	}
	f.ActorID, f.TargetID = v.who, v.target
	v.from, v.to = clip(r.query("from"), 10), clip(r.query("to"), 10)
	f.From, v.errs = auditDay(v.from, "from", v.errs)
	f.To, v.errs = auditDay(v.to, "to", v.errs)
	if !f.To.IsZero() {
		f.To = f.To.AddDate(0, 0, 1) // the day is inside
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		v.errs.fields = map[string]string{"to": "This day is before the first one."}
		f.To = time.Time{}
	}
	return f
}

// auditDay reads a day, UTC.
func auditDay(text, name string, errs formErrors) (time.Time, formErrors) {
	if text == "" {
		return time.Time{}, errs
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		if errs.fields == nil {
			errs.fields = map[string]string{}
		}
		errs.fields[name] = "Write a day like 2026-03-01."
	}
	return day, errs
}

func (p *portal) audit(r *request) error {
	v := auditPage{newer: r.query("before") != ""}
	filter := auditFilter(r, &v)
	filter.Limit, filter.AfterID = auditPageSize, clip(r.query("before"), 128)
	var err error
	if v.events, err = p.admin.ListAudit(r.ctx(), r.actor, r.wid(), filter); err != nil {
		return err
	}
	if len(v.events) == auditPageSize {
		v.older = v.events[auditPageSize-1].ID
	}
	status := http.StatusOK
	if len(v.errs.fields) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return r.render(status, auditView(r.frame("Audit", "audit"), clock{p.now()}, v))
}

// auditEvent is the page of one record.
func (p *portal) auditEvent(r *request) error {
	e, err := p.admin.GetAudit(r.ctx(), r.actor, r.wid(), clip(r.PathValue("event"), 128))
	if err != nil {
		if control.KindOf(err) == control.NotFound {
			return control.Errorf(control.NotFound, "", "There is no such record in this workspace's audit.")
		}
		return err
	}
	return r.render(http.StatusOK, auditEventView(r.frame("Audit record", "audit"), e, changes(e.Before, e.After)))
}

// change is one member of a noun that a record changed; a value that was not there is empty.
type change struct{ member, before, after string }

// changes compares the members of two JSON objects. Where either is none, there is nothing to compare.
func changes(before, after []byte) []change {
	var b, a map[string]json.RawMessage
	if json.Unmarshal(before, &b) != nil || json.Unmarshal(after, &a) != nil {
		return nil
	}
	names := map[string]string{}
	for n := range b {
		names[n] = ""
	}
	for n := range a {
		names[n] = ""
	}
	var out []change
	for _, n := range sortedKeys(names) {
		if !bytes.Equal(b[n], a[n]) {
			out = append(out, change{n, plainValue(b[n]), plainValue(a[n])})
		}
	}
	return out
}

// plainValue shows a JSON string as its text and everything else indented.
func plainValue(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if len(raw) == 0 {
		return ""
	}
	return indented(raw)
}

// exportAudit is the filtered audit as a file: CSV, or JSON lines with what was before and after. It is bounded; a longer
// audit is taken day by day.
func (p *portal) exportAudit(r *request) error {
	var v auditPage
	filter := auditFilter(r, &v)
	if len(v.errs.fields) > 0 {
		return control.Errorf(control.Malformed, "", "%s", v.errs.whole())
	}
	var all []control.AuditEvent
	err := p.admin.ExportAudit(r.ctx(), r.actor, r.wid(), filter, func(page []control.AuditEvent) error {
		all = append(all, page...)
		return nil
	})
	if err != nil {
		return err
	}
	if r.query("format") == "jsonl" {
		return r.sendAuditLines(all)
	}
	rows := [][]string{{"time", "subject", "action", "target", "actor", "actor_id", "ip", "user_agent", "event_id"}}
	for _, e := range all {
		rows = append(rows, []string{e.Timestamp.UTC().Format(time.RFC3339Nano), e.Subject, e.Action, cell(e.TargetID), cell(e.ActorName), cell(e.ActorID), cell(e.IP), cell(e.UserAgent), e.ID})
	}
	return r.sendCSV("audit-"+r.wid(), rows)
}

func (r *request) sendAuditLines(all []control.AuditEvent) error {
	r.w.Header().Set("Content-Type", "application/jsonl; charset=utf-8")
	r.w.Header().Set("Content-Disposition", `attachment; filename="audit-`+r.wid()+`.jsonl"`)
	out := json.NewEncoder(r.w)
	for _, e := range all {
		line := struct {
			control.AuditEvent
			Before json.RawMessage `json:"before,omitempty"`
			After  json.RawMessage `json:"after,omitempty"`
		}{e, e.Before, e.After}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// indented is JSON to be read; what is none is shown as it is.
func indented(raw []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return string(raw)
	}
	return b.String()
}
