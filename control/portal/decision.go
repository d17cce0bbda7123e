package portal

import (
	"encoding/json"
	"net/http"
	"strings"

	"portcullis/control"
	"portcullis/control/analytics"
	"portcullis/edge/waist"
)

// decision is the page of one decision: what came in, what decided, and what it said.
func (p *portal) decision(r *request) error {
	d, err := r.decisionByID(r.PathValue("decision"))
	if err != nil {
		return err
	}
	v := decisionPage{d: d, input: inputOf(d)}
	if d.PolicyID != "" {
		pol, err := p.admin.GetPolicy(r.ctx(), r.actor, d.PolicyID)
		switch {
		case err == nil && pol.ServerID == r.wid():
			v.policy = &pol
			if v.version, err = p.versionAt(r, d); err != nil {
				return err
			}
		case err != nil && control.KindOf(err) != control.NotFound:
			return err
		}
	}
	return r.render(http.StatusOK, decisionView(r.frame("Decision", "analytics"), clock{p.now()}, v))
}

func (r *request) decisionByID(id string) (analytics.Decision, error) {
	d, err := r.p.analytics.Get(r.ctx(), r.actor, r.wid(), clip(id, 128))
	if err != nil && control.KindOf(err) == control.NotFound {
		err = control.Errorf(control.NotFound, "", "There is no such decision; single decisions are kept for some days only.")
	}
	return d, err
}

// versionAt is the audit record of the version of the policy that was in force when the decision was taken; nil when the
// audit does not know it or the actor may not read it. Authorizers learn of a change within their refresh interval, so a
// decision of the seconds after a change may still come from the version before.
func (p *portal) versionAt(r *request, d analytics.Decision) (*control.AuditEvent, error) {
	if !r.audits() {
		return nil, nil
	}
	past, err := p.admin.ListAudit(r.ctx(), r.actor, r.wid(), control.AuditFilter{Subjects: []string{"policy"}, TargetID: d.PolicyID, To: d.At, Limit: 1})
	if err != nil || len(past) == 0 {
		return nil, err
	}
	return &past[0], nil
}

// inputOf is the recorded part of a decision's request as the input of a policy's test: a path is the API's template, and
// of headers and claims only those are there that authorizers record.
func inputOf(d analytics.Decision) string {
	type request struct {
		Method      string              `json:"method"`
		Path        string              `json:"path"`
		Headers     map[string][]string `json:"headers"`
		PathParams  map[string]string   `json:"path_params"`
		QueryParams map[string][]string `json:"query_params"`
	}
	in := struct {
		AuthnCtx map[string]any `json:"authn_ctx"`
		Contexts map[string]any `json:"contexts"`
		Request  request        `json:"request"`
	}{map[string]any{}, map[string]any{}, request{d.Method, d.Path, map[string][]string{}, map[string]string{}, map[string][]string{}}}
	if d.InvocationCtx != nil {
		in.AuthnCtx = d.InvocationCtx
	}
	for name, value := range map[string]string{"User-Agent": d.UserAgent, "X-Forwarded-For": d.XForwardedFor} {
		if value != "" {
			in.Request.Headers[name] = []string{value}
		}
	}
	b, err := json.MarshalIndent(in, "", "  ")
	if err != nil { // it came out of JSON
		return testInput
	}
	return string(b)
}

// headline says in one sentence why the decision is what it is.
func (v decisionPage) headline() string {
	text := nameOr(reasonText(v.d.Reason), "No reason was given")
	if !allowed(v.d) && len(v.d.Result.Failure) > 0 {
		text += ": " + failureText(v.d.Result.Failure[0])
	}
	return text
}

// caller is who the token named.
func caller(d analytics.Decision) string {
	for _, claim := range []string{"client_id", "sub"} {
		if s, ok := d.InvocationCtx[claim].(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// failing lists the validators that refused, each once.
func failing(list []waist.ValidationFailure) string {
	var names []string
	for _, f := range list {
		if f.Validator != "" {
			names = append(names, f.Validator)
		}
	}
	return strings.Join(names, ", ")
}
