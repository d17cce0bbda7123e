package admin

import (
	"context"
	"strings"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/policy"
)

// CheckPolicy lists what is wrong with a policy that need not be stored, and what is doubtful about it, as a save would:
// for an editor that shows it while somebody types. It does not measure the budget of the workspace; a save does.
func (a *Admin) CheckPolicy(ctx context.Context, actor control.Actor, p control.Policy) ([]control.PolicyProblem, error) {
	if err := a.allow(actor, "CheckPolicy", p.ServerID); err != nil {
		return nil, err
	}
	if _, err := a.store.Workspace(ctx, actor.TenantID, p.ServerID); err != nil {
		return nil, notFound(err, "workspace", p.ServerID)
	}
	policyDefaults(&p)
	w, err := a.warner(ctx, actor.TenantID, p.ServerID)
	if err != nil {
		return nil, err
	}
	if p.ID == "" {
		p.ID = policyUnderTest
	}
	// What others embed of this policy is its new text: a cycle is found before it is saved.
	w.byID[p.ID] = p
	out := []control.PolicyProblem{}
	for _, x := range policy.CheckWith(p, policy.CheckOptions{Others: w.byID.get, Claims: w.claims}) {
		if len(out) == maxWarned {
			break
		}
		out = append(out, control.PolicyProblem{Path: x.Path, Line: x.Line, Column: x.Column, Message: x.Message, Warning: x.Warning})
	}
	return out, nil
}

// Limits of the names that an editor completes.
const (
	maxNames     = 100
	maxTemplates = 200 // APIs whose paths are looked at for parameters
)

// PolicyMembers is the input document for an editor of a policy: the members that every request has, then the claims,
// scopes and path parameters of the workspace; parameters of the APIs that use the policy only, where it is named.
func (a *Admin) PolicyMembers(ctx context.Context, actor control.Actor, wid, policyID string) ([]control.PolicyMember, error) {
	if err := a.allow(actor, "PolicyMembers", wid); err != nil {
		return nil, err
	}
	var claims, scopes, params []string
	err := a.store.Snapshot(ctx, func(r store.Reader) error {
		if _, err := r.Workspace(ctx, actor.TenantID, wid); err != nil {
			return notFound(err, "workspace", wid)
		}
		var err error
		if claims, err = claimsSeen(ctx, r, actor.TenantID, wid); err != nil {
			return err
		}
		known, err := r.Scopes(ctx, actor.TenantID, wid, store.Page{Limit: maxNames})
		if err != nil {
			return err
		}
		for _, s := range known {
			scopes = append(scopes, s.Name)
		}
		if policyID == "" {
			return nil
		}
		apis, err := r.APIsOfPolicy(ctx, actor.TenantID, policyID, maxTemplates)
		for _, x := range apis {
			params = append(params, pathParams(x.Path)...)
		}
		return err
	})
	if err != nil {
		return nil, internal(err)
	}
	out := []control.PolicyMember{}
	seen := map[string]bool{}
	add := func(m policy.Member, r *strings.Replacer) {
		x := control.PolicyMember{Visual: r.Replace(m.Visual), Rego: r.Replace(m.Rego), Cedar: r.Replace(m.Cedar), Text: m.Text}
		if !seen[x.Visual] {
			seen[x.Visual] = true
			out = append(out, x)
		}
	}
	for _, m := range policy.Members() {
		add(m, strings.NewReplacer())
	}
	for _, m := range policy.Members() {
		var names []string
		placeholder := "<name>"
		switch m.Visual {
		case "authnCtx.<claim>":
			names, placeholder = claims, "<claim>"
		case "contexts.scopes.<scope>":
			names, placeholder = scopes, "<scope>"
		case "request.pathParams.<name>":
			names = params
		}
		for _, name := range names[:min(len(names), maxNames)] {
			// A name that would have to be quoted is not one to complete.
			if placeholder == "<scope>" || plainName(name) {
				add(m, strings.NewReplacer(placeholder, name))
			}
		}
	}
	return out, nil
}

// pathParams are the names in a path template: /pets/{petId}/{rest+} has petId and rest.
func pathParams(template string) []string {
	var out []string
	for part := range strings.SplitSeq(template, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			if name, ok = strings.CutSuffix(name, "}"); ok {
				out = append(out, strings.TrimSuffix(name, "+"))
			}
		}
	}
	return out
}

// plainName reports whether a name can be written behind a dot in every language.
func plainName(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
