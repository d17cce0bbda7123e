package admin

import (
	"context"
	"maps"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/policy"
	"portcullis/edge/waist"
)

// policyUnderTest is the id of a policy that need not be stored. No stored policy has it: an id has no spaces.
const policyUnderTest = "policy under test"

// TestPolicy evaluates a policy that need not be stored, with the code the authorizer runs, among the stored policies of
// its workspace, and explains the outcome.
func (a *Admin) TestPolicy(ctx context.Context, actor control.Actor, t control.PolicyTest) (control.PolicyTestResult, error) {
	if err := a.allow(actor, "TestPolicy", t.WorkspaceID); err != nil {
		return control.PolicyTestResult{}, err
	}
	var workspace control.Workspace
	var scopes []control.Scope
	err := a.store.Snapshot(ctx, func(r store.Reader) (err error) {
		if workspace, err = r.Workspace(ctx, actor.TenantID, t.WorkspaceID); err != nil {
			return notFound(err, "workspace", t.WorkspaceID)
		}
		scopes, err = r.Scopes(ctx, actor.TenantID, t.WorkspaceID, store.Page{})
		return err
	})
	if err != nil {
		return control.PolicyTestResult{}, internal(err)
	}
	p := control.Policy{ID: "policy-under-test", TenantID: actor.TenantID, ServerID: t.WorkspaceID, PolicyName: "policy under test", Language: t.Policy.Language,
		Type: t.Policy.Type, Definition: t.Policy.Definition, Validators: t.Policy.Validators}
	policyDefaults(&p)
	if err := control.ValidatePolicy(p); err != nil {
		return control.PolicyTestResult{}, err
	}
	p.ID = policyUnderTest
	w, err := a.warner(ctx, actor.TenantID, t.WorkspaceID)
	if err != nil {
		return control.PolicyTestResult{}, err
	}
	if err := problems(policy.Check(p, w.byID.get)); err != nil {
		return control.PolicyTestResult{}, err
	}
	if err := fits(p, t.Policy.CedarSchema); err != nil {
		return control.PolicyTestResult{}, err
	}
	// Only what the policy embeds is compiled: a workspace may hold thousands.
	set := policy.Compile(w.byID.with(p), policy.Options{Now: a.now})
	x := set.Explain(ctx, p.ID, a.policyInput(&t, workspace, scopes))
	w.policy(p)
	if t.Input.Request.Template != "" {
		w.template(p, t.Input.Request.Template, "")
	}
	for i := range w.list {
		if w.list[i].PolicyID == policyUnderTest {
			w.list[i].PolicyID = ""
		}
	}
	return policyTestResult(&x, w.list), nil
}

// policyInput is the document that the policy sees: what the tester wrote, and what the authorizer would add to it.
func (a *Admin) policyInput(t *control.PolicyTest, w control.Workspace, scopes []control.Scope) *policy.Input {
	r := &t.Input.Request
	in := &policy.Input{AuthnCtx: t.Input.AuthnCtx, Contexts: map[string]any{}, Now: t.Input.Now, Request: policy.Request{Method: r.Method, Path: r.Path,
		Headers: r.Headers, PathParams: r.PathParams, QueryParams: r.QueryParams, Body: r.Body, MTLS: r.MTLS, SourceIP: r.SourceIP, Service: r.Service, Template: r.Template, Tags: r.Tags}}
	if in.Now.IsZero() {
		in.Now = a.now()
	}
	if in.AuthnCtx == nil {
		in.AuthnCtx = map[string]any{}
	}
	maps.Copy(in.Contexts, t.Input.Contexts)
	if _, ok := in.Contexts["scopes"]; !ok {
		known := make([]waist.Scope, 0, len(scopes))
		for _, s := range scopes {
			known = append(known, waist.Scope{Name: s.Name})
		}
		in.Contexts["scopes"] = policy.ScopesContext(grantedScopes(in.AuthnCtx), known, w.DynamicScopeSep)
	}
	if _, ok := in.Contexts["client"]; !ok {
		if id, ok := in.AuthnCtx["client_id"].(string); ok && id != "" {
			in.Contexts["client"] = map[string]any{"client_id": id}
		}
	}
	return in
}

// grantedScopes are the scopes of a token: scp, or scope where there is no scp, as a list or separated by spaces.
func grantedScopes(claims map[string]any) []string {
	for _, name := range [...]string{"scp", "scope"} {
		switch v := claims[name].(type) {
		case string:
			return strings.Fields(v)
		case []any:
			var out []string
			for _, s := range v {
				if s, ok := s.(string); ok {
					out = append(out, s)
				}
			}
			return out
		}
	}
	return nil
}

func policyTestResult(x *policy.Explanation, warnings []control.PolicyWarning) control.PolicyTestResult {
	out := control.PolicyTestResult{Status: x.Decision == policy.Allow, Result: waist.ResultUnauthorized, Failures: x.Failures, Recovery: x.Recovery, Output: x.Output,
		Reason: x.Reason, DurationUS: float64(x.Duration) / float64(time.Microsecond), Warnings: warnings,
		Explanation: control.PolicyExplanation{Steps: policySteps(x.Steps), Decided: policySteps(x.Decided), Prints: x.Prints, Reads: x.Reads.List()}}
	if out.Status {
		out.Result = waist.ResultAuthorized
	}
	if out.Failures == nil {
		out.Failures = []waist.ValidationFailure{}
	}
	if out.Recovery == nil {
		out.Recovery = []waist.ValidationRecovery{}
	}
	if out.Output == nil {
		out.Output = map[string]any{}
	}
	if out.Explanation.Prints == nil {
		out.Explanation.Prints = []string{}
	}
	if out.Explanation.Reads == nil {
		out.Explanation.Reads = []string{}
	}
	return out
}

func policySteps(steps []policy.Step) []control.PolicyStep {
	out := make([]control.PolicyStep, 0, len(steps))
	for _, s := range steps {
		x := control.PolicyStep{Path: s.Path, Line: s.Line, Outcome: string(s.Outcome), Message: s.Message}
		if len(s.Steps) > 0 {
			x.Steps = policySteps(s.Steps)
		}
		out = append(out, x)
	}
	return out
}
