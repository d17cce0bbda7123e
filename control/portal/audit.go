package portal

import (
	"bytes"
	"encoding/json"
	"net/http"

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

func (p *portal) audit(r *request) error {
	v := auditPage{newer: r.query("before") != "", subjects: []option{{value: "", text: "Everything"}}}
	for _, s := range auditSubjects {
		chosen := s == r.query("subject")
		if chosen {
			v.subject = s
		}
		v.subjects = append(v.subjects, option{value: s, text: sentence(subjectName(s)), chosen: chosen})
	}
	filter := control.AuditFilter{Limit: auditPageSize, AfterID: clip(r.query("before"), 128)}
	if v.subject != "" {
		filter.Subjects = []string{v.subject}
	}
	var err error
	if v.events, err = p.admin.ListAudit(r.ctx(), r.actor, r.wid(), filter); err != nil {
		return err
	}
	if len(v.events) == auditPageSize {
		v.older = v.events[auditPageSize-1].ID
	}
	if id := r.query("event"); id != "" {
		if v.open, err = p.auditEvent(r, id, v.events); err != nil {
			return err
		}
	}
	return r.render(http.StatusOK, auditView(r.frame("Audit", "audit"), clock{p.now()}, v))
}

// auditEvent finds a record among those of the page, and otherwise as far back as a link to one is likely to reach.
func (p *portal) auditEvent(r *request, id string, page []control.AuditEvent) (*control.AuditEvent, error) {
	for range 20 {
		for i := range page {
			if page[i].ID == id {
				return &page[i], nil
			}
		}
		if len(page) == 0 {
			break
		}
		var err error
		if page, err = p.admin.ListAudit(r.ctx(), r.actor, r.wid(), control.AuditFilter{Limit: 100, AfterID: page[len(page)-1].ID}); err != nil {
			return nil, err
		}
	}
	return nil, control.Errorf(control.NotFound, "", "There is no such record among the newest of this workspace.")
}

// indented is JSON to be read; what is none is shown as it is.
func indented(raw []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return string(raw)
	}
	return b.String()
}
