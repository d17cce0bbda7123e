package portal

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"portcullis/control"
	"portcullis/edge/waist"
)

// languages are the policy languages that can be chosen, with what each is for and what a new policy says: nobody.
var languages = []struct{ wire, text, fresh string }{
	{waist.LanguageVisual, "Conditions on the caller and the request, all of which must hold. Edited as cards or YAML.", ""},
	{waist.LanguageRego, "Open Policy Agent's language, for anything that can be computed.", "package acp.authz\n\ndefault allow := false\n"},
	{waist.LanguageCedar, "permit and forbid over principal, action, resource and context.", "forbid (principal, action, resource);\n"},
}

// policyTypeName is a policy type as people say it.
func policyTypeName(t string) string {
	switch t {
	case control.PolicyAPI, "":
		return "API"
	case "dcr":
		return "Dynamic client registration"
	}
	return sentence(t)
}

// bornWith reports whether a policy is one of those that every workspace is made with, by its id.
func bornWith(p control.Policy) bool {
	prefix, ok := strings.CutSuffix(p.ID, "_"+p.ServerID+"_"+p.Type)
	return ok && slices.Contains([]string{"block", "nist-aal-1", "nist-aal-2", "nist-aal-3", "mfa"}, prefix)
}

func editorLabel(language string) string {
	if language == waist.LanguageVisual {
		return "Validators"
	}
	return "Definition"
}

func editorHint(language string) string {
	switch language {
	case waist.LanguageVisual:
		return "YAML or JSON with the single top member validators. All of them must pass."
	case waist.LanguageRego:
		return "Package acp.authz; the decision is allow. Other rules of the package become outputs."
	}
	return "The request is allowed when a permit applies and no forbid does."
}

// policyList is what the query asks for of the workspace's policies.
func (p *portal) policyList(r *request) (policiesPage, error) {
	v := policiesPage{query: clip(strings.TrimSpace(r.query("q")), 128), kind: r.query("type")}
	all, err := p.admin.ListPolicies(r.ctx(), r.actor, r.wid(), nil)
	if err != nil {
		return v, err
	}
	v.total = len(all)
	for _, t := range control.PolicyTypes {
		if slices.ContainsFunc(all, func(s control.PolicySummary) bool { return s.Type == t }) {
			v.kinds = append(v.kinds, t)
		}
	}
	if !slices.Contains(v.kinds, v.kind) {
		v.kind = ""
	}
	v.list = slices.DeleteFunc(all, func(s control.PolicySummary) bool {
		return v.kind != "" && s.Type != v.kind || !strings.Contains(strings.ToLower(s.PolicyName+" "+s.ID), strings.ToLower(v.query))
	})
	return v, nil
}

func (p *portal) policies(r *request) error {
	v, err := p.policyList(r)
	if err != nil {
		return err
	}
	return r.render(http.StatusOK, policiesView(r.frame("Policies", "policies"), v))
}

func (p *portal) policiesCSV(r *request) error {
	v, err := p.policyList(r)
	if err != nil {
		return err
	}
	rows := [][]string{{"policy_id", "policy_name", "type", "language", "used_by_apis"}}
	for _, s := range v.list {
		rows = append(rows, []string{cell(s.ID), cell(s.PolicyName), s.Type, s.Language, itoa(s.UsedBy)})
	}
	return r.sendCSV("policies-"+r.wid(), rows)
}

func (p *portal) newPolicy(r *request) error {
	if err := r.needManager(); err != nil {
		return err
	}
	return p.renderNewPolicy(r, http.StatusOK, policyForm{language: waist.LanguageVisual, start: clip(r.query("start"), 64)})
}

func (p *portal) renderNewPolicy(r *request, status int, v policyForm) error {
	gallery, err := p.admin.PolicyGallery(r.ctx(), r.actor, r.wid())
	if err != nil {
		return err
	}
	return r.render(status, newPolicyView(r.frame("Create policy", "policies"), v, gallery))
}

func (p *portal) createPolicy(r *request) error {
	v := policyForm{id: r.value("id"), name: r.value("policy_name"), language: r.value("language"), start: r.value("start")}
	pol := control.Policy{ID: v.id, ServerID: r.wid(), PolicyName: v.name, Language: v.language, Type: control.PolicyAPI}
	if err := p.startPolicy(r, &pol, v.start); err != nil {
		status, errs, ok := formProblem(err, "start")
		if !ok {
			return err
		}
		v.errs = errs
		return p.renderNewPolicy(r, status, v)
	}
	created, err := p.admin.CreatePolicy(r.ctx(), r.actor, pol)
	if err != nil {
		status, errs, ok := formProblem(err, "policy_name", "id", "language")
		if !ok {
			return err
		}
		v.errs = errs
		return p.renderNewPolicy(r, status, v)
	}
	return r.done(in(r.wid(), "policies", created.ID), "policy-created")
}

// startPolicy gives a new policy its first text: that of an example, or one that denies everybody.
func (p *portal) startPolicy(r *request, pol *control.Policy, start string) error {
	if start != "" {
		gallery, err := p.admin.PolicyGallery(r.ctx(), r.actor, r.wid())
		if err != nil {
			return err
		}
		for _, x := range gallery {
			for _, example := range x.Policies {
				if x.ID == start && example.Language == pol.Language {
					pol.Definition, pol.Validators = example.Definition, example.Validators
					return nil
				}
			}
		}
		e := control.Errorf(control.Invalid, "", "there is no example %q in this language", clip(start, 64))
		e.Fields = map[string]string{"start": e.Message}
		return e
	}
	for _, l := range languages {
		if l.wire == pol.Language {
			pol.Definition = l.fresh
		}
	}
	if pol.Language == waist.LanguageVisual {
		pol.Validators = []waist.Validator{{Name: "false"}}
	}
	return nil
}

// policy is the policy of the address, which must be one of the workspace.
func (r *request) policy() (control.Policy, error) {
	pol, err := r.p.admin.GetPolicy(r.ctx(), r.actor, r.PathValue("policy"))
	if err == nil && pol.ServerID != r.wid() {
		err = control.Errorf(control.NotFound, "", "There is no policy %q in this workspace.", clip(r.PathValue("policy"), 128))
	}
	return pol, err
}

func (p *portal) editPolicy(r *request) error {
	pol, err := r.policy()
	if err != nil {
		return err
	}
	v, err := pageOf(pol)
	if err != nil {
		return err
	}
	if r.query("ask") == "delete" {
		if err := r.needManager(); err != nil {
			return err
		}
		v.popup = "delete"
	}
	if id := r.query("from"); id != "" {
		d, err := r.decisionByID(id)
		if err != nil {
			return err
		}
		v.input, v.from = inputOf(d), &d
	}
	if id := r.query("version"); id != "" {
		if v, err = p.version(r, v, id); err != nil {
			return err
		}
	}
	return p.renderPolicy(r, http.StatusOK, v)
}

// version puts an earlier text of a policy, which the audit has kept, into its editor.
func (p *portal) version(r *request, v policyPage, id string) (policyPage, error) {
	past, err := p.history(r, v.policy.ID, 100)
	if err != nil {
		return v, err
	}
	for i := range past {
		if past[i].ID != id || len(past[i].After) == 0 {
			continue
		}
		old := v.policy
		if err := json.Unmarshal(past[i].After, &old); err != nil {
			return v, fmt.Errorf("read version %s of policy %s: %w", id, v.policy.ID, err)
		}
		page, err := pageOf(old)
		page.policy, page.shown = v.policy, &past[i]
		return page, err
	}
	return v, control.Errorf(control.NotFound, "", "The audit has no such version of this policy.")
}

// pageOf is the page of a policy as it is stored.
func pageOf(pol control.Policy) (policyPage, error) {
	v := policyPage{policy: pol, input: testInput, form: policyForm{name: pol.PolicyName, text: pol.Definition}}
	if pol.Language == waist.LanguageVisual {
		text, err := visualText(pol.Validators)
		if err != nil {
			return v, err
		}
		v.form.text = text
	}
	return v, nil
}

func (p *portal) renderPolicy(r *request, status int, v policyPage) error {
	services, err := p.admin.ListServiceAPIs(r.ctx(), r.actor, r.wid())
	if err != nil {
		return err
	}
	for _, s := range services {
		s.APIs = slices.DeleteFunc(slices.Clone(s.APIs), func(a control.APIState) bool { return a.PolicyID != v.policy.ID })
		if len(s.APIs) > 0 {
			v.usedBy = append(v.usedBy, s)
			v.uses += len(s.APIs)
		}
	}
	if err := p.otherUses(r, &v); err != nil {
		return err
	}
	if r.audits() {
		if v.past, err = p.history(r, v.policy.ID, maxHistory); err != nil {
			return err
		}
	}
	if v.warnings, err = p.admin.PolicyWarnings(r.ctx(), r.actor, v.policy.ID); err != nil {
		return err
	}
	if v.recorded, err = p.recordedOf(r, v.policy.ID); err != nil {
		return err
	}
	if v.words, err = p.editorWords(r, v.policy); err != nil {
		return err
	}
	return r.render(status, editPolicyView(r.frame(nameOr(v.policy.PolicyName, v.policy.ID), "policies"), clock{p.now()}, v))
}

// otherUses finds what uses a policy besides APIs: policies that embed it, and gateways that give it to new APIs.
func (p *portal) otherUses(r *request, v *policyPage) error {
	all, err := p.admin.ListPolicies(r.ctx(), r.actor, r.wid(), []string{v.policy.Type})
	if err != nil {
		return err
	}
	for _, x := range all {
		if cards, err := cardsOf(x.Validators); err == nil && embeds(cards, v.policy.ID) {
			v.embeddedIn = append(v.embeddedIn, x)
		}
	}
	gateways, err := p.admin.ListGateways(r.ctx(), r.actor, r.wid())
	if err != nil {
		return err
	}
	for _, g := range gateways {
		if g.DefaultPolicyID == v.policy.ID {
			v.defaultOf = append(v.defaultOf, g)
		}
	}
	return nil
}

// embeds reports whether one of the cards, or of those inside them, is the policy.
func embeds(cards []card, policy string) bool {
	return slices.ContainsFunc(cards, func(c card) bool {
		return c.shape() == shapePolicy && c.policy == policy || slices.ContainsFunc(c.lists, func(l cardList) bool { return embeds(l.cards, policy) })
	})
}

// refusePolicy shows an error about the text in the editor beside it; any other error is returned.
func (p *portal) refusePolicy(r *request, v policyPage, places map[string]position, err error) error {
	status, ok := v.form.refused(err, places)
	if !ok {
		return err
	}
	return p.renderPolicy(r, status, v)
}

// typed is the policy with what was typed put in, and the page that shows it. ok is false when the text cannot be read;
// the page says where then.
func typed(r *request, pol control.Policy) (out control.Policy, v policyPage, places map[string]position, ok bool) {
	text := strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n")
	v = policyPage{policy: pol, input: strings.ReplaceAll(r.PostForm.Get("input"), "\r\n", "\n"), cases: strings.ReplaceAll(r.PostForm.Get("cases"), "\r\n", "\n"), form: policyForm{name: r.value("policy_name"), text: text}}
	out = pol
	out.PolicyName, out.Definition = v.form.name, text
	if pol.Language == waist.LanguageVisual {
		out.Definition = ""
		out.Validators, places, v.form.lines = readVisual(text)
	}
	return out, v, places, len(v.form.lines) == 0
}

func (p *portal) savePolicy(r *request) error {
	pol, err := r.policy()
	if err != nil {
		return err
	}
	next, v, places, ok := typed(r, pol)
	if !ok {
		return p.renderPolicy(r, http.StatusUnprocessableEntity, v)
	}
	if _, err := p.admin.UpdatePolicy(r.ctx(), r.actor, next); err != nil {
		return p.refusePolicy(r, v, places, err)
	}
	return r.done(in(r.wid(), "policies", pol.ID), "policy-saved")
}

// refused puts what admin says of a policy beside what it is about.
func (f *policyForm) refused(err error, places map[string]position) (status int, ok bool) {
	var e *control.Error
	status, f.errs, ok = formProblem(err, "policy_name")
	if !ok || !errors.As(err, &e) {
		return status, ok
	}
	f.lines = textProblems(e, places)
	if len(f.lines) > 0 {
		f.errs.text = "" // what it would say stands beside the text
	}
	return status, true
}

func (p *portal) deletePolicy(r *request) error {
	pol, err := r.policy()
	if err != nil {
		return err
	}
	if err := p.admin.DeletePolicy(r.ctx(), r.actor, pol.ID); err != nil {
		status, errs, ok := formProblem(err)
		if !ok {
			return err
		}
		v, perr := pageOf(pol)
		if perr != nil {
			return perr
		}
		v.popup, v.delete = "delete", errs
		return p.renderPolicy(r, status, v)
	}
	return r.done(in(r.wid(), "policies"), "policy-deleted")
}
