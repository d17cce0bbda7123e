package admin

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/policy"
	"portcullis/edge/waist"
)

// ListPolicies lists the policies of a workspace with how many APIs use each; types empty means all types.
func (a *Admin) ListPolicies(ctx context.Context, actor control.Actor, wid string, types []string) ([]control.PolicySummary, error) {
	if err := a.allow(actor, "ListPolicies", wid); err != nil {
		return nil, err
	}
	if _, err := a.store.Workspace(ctx, actor.TenantID, wid); err != nil {
		return nil, notFound(err, "workspace", wid)
	}
	out, err := a.store.Policies(ctx, actor.TenantID, wid, types, store.Page{})
	return out, internal(err)
}

// GetPolicy reads one policy.
func (a *Admin) GetPolicy(ctx context.Context, actor control.Actor, id string) (control.Policy, error) {
	return a.policy(ctx, actor, "GetPolicy", id)
}

func (a *Admin) policy(ctx context.Context, actor control.Actor, verb, id string) (control.Policy, error) {
	if err := a.known(actor, verb); err != nil {
		return control.Policy{}, err
	}
	p, err := a.store.Policy(ctx, actor.TenantID, id)
	if err != nil {
		return control.Policy{}, notFound(err, "policy", id)
	}
	if err := a.allowOn(actor, verb, p.ServerID, "policy", id); err != nil {
		return control.Policy{}, err
	}
	return p, nil
}

func policyDefaults(p *control.Policy) {
	if p.Language == "" {
		p.Language = waist.LanguageVisual
	}
	if p.Type == "" {
		p.Type = "api"
	}
	if p.Validators == nil {
		p.Validators = []waist.Validator{}
	}
	for i := range p.Validators {
		if p.Validators[i].Recovery == nil {
			p.Validators[i].Recovery = []waist.Recovery{}
		}
		if p.Validators[i].Conf == nil {
			p.Validators[i].Conf = []byte("null")
		}
	}
}

// CreatePolicy makes a policy. The id is unique in the tenant; left out, it is "{workspace}-{slug of the name}", or
// random when that is taken.
func (a *Admin) CreatePolicy(ctx context.Context, actor control.Actor, p control.Policy) (control.Policy, error) {
	if err := a.allow(actor, "CreatePolicy", p.ServerID); err != nil {
		return control.Policy{}, err
	}
	policyDefaults(&p)
	p.TenantID = actor.TenantID
	given := p.ID != ""
	if !given {
		if p.ID = p.ServerID + "-" + control.Slug(p.PolicyName); strings.HasSuffix(p.ID, "-") {
			p.ID += store.NewID()
		}
	}
	if err := control.ValidatePolicy(p); err != nil {
		return control.Policy{}, err
	}
	err := a.change(ctx, actor, p.ServerID, func(c *change) error {
		if !given {
			if _, err := c.Policy(ctx, p.TenantID, p.ID); err == nil {
				p.ID = p.ServerID + "-" + store.NewID()
			} else if !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		embeds, err := c.checkPolicy(ctx, p)
		if err != nil {
			return err
		}
		if err := c.AddPolicy(ctx, p, a.now()); err != nil {
			return exists(err, "policy_exists", "there is a policy %q already; choose another id, or leave it out", p.ID)
		}
		if err := c.SetEmbeds(ctx, p.TenantID, p.ID, embeds); err != nil {
			return err
		}
		return c.audit(ctx, "policy", "created", p.ID, nil, p)
	})
	if err != nil {
		return control.Policy{}, err
	}
	return p, nil
}

// maxPolicies bounds the policies of a workspace: they are one list in every configuration.
const maxPolicies = 5_000

// checkPolicy compiles a policy among the others of its workspace and returns the ids of those it embeds itself.
func (c *change) checkPolicy(ctx context.Context, p control.Policy) ([]string, error) {
	all, err := c.PoliciesOf(ctx, p.TenantID, p.ServerID)
	if err != nil {
		return nil, err
	}
	if len(all) >= maxPolicies {
		return nil, control.Errorf(control.Invalid, "too_many_policies", "the workspace has %d policies, which is the most one can have", len(all))
	}
	byID := map[string]waist.Policy{}
	for _, x := range all {
		byID[x.ID] = x
	}
	byID[p.ID] = p
	if err := problems(policy.Check(p, func(id string) (waist.Policy, bool) { x, ok := byID[id]; return x, ok })); err != nil {
		return nil, err
	}
	// Asked for policies that are not there, Check names exactly those that p embeds itself.
	direct := map[string]bool{}
	policy.Check(p, func(id string) (waist.Policy, bool) { direct[id] = true; return waist.Policy{}, false })
	embeds := []string{}
	for id := range direct {
		embeds = append(embeds, id)
	}
	sort.Strings(embeds)
	// A policy that others embed must still fit them: no cycle, same type.
	users, err := c.EmbeddersOf(ctx, p.TenantID, p.ID, 1000)
	if err != nil {
		return nil, err
	}
	for _, id := range users {
		if err := problems(policy.Check(byID[id], func(id string) (waist.Policy, bool) { x, ok := byID[id]; return x, ok })); err != nil {
			return nil, control.Errorf(control.Invalid, "invalid_policy", "the policy %q, which embeds this one, would no longer be valid: %s", id, err.Error())
		}
	}
	return embeds, nil
}

// problems turns what edge/policy found into an error; warnings do not refuse.
func problems(list []policy.Problem) error {
	var check control.Checks
	for _, p := range list {
		if p.Warning {
			continue
		}
		text := p.Message
		if p.Line > 0 {
			text = fmt.Sprintf("line %d, column %d: %s", p.Line, p.Column, p.Message)
		}
		check.Add(p.Path, text)
	}
	return check.Err("policy")
}

// UpdatePolicy changes a policy's name and body; language and type stay.
func (a *Admin) UpdatePolicy(ctx context.Context, actor control.Actor, p control.Policy) (control.Policy, error) {
	found, err := a.policy(ctx, actor, "UpdatePolicy", p.ID)
	if err != nil {
		return control.Policy{}, err
	}
	if p.Language == "" {
		p.Language = found.Language
	}
	if p.Type == "" {
		p.Type = found.Type
	}
	policyDefaults(&p)
	p.TenantID, p.ServerID = found.TenantID, found.ServerID
	if err := control.ValidatePolicy(p); err != nil {
		return control.Policy{}, err
	}
	err = a.change(ctx, actor, p.ServerID, func(c *change) error {
		old, err := c.Policy(ctx, p.TenantID, p.ID)
		if err != nil {
			return notFound(err, "policy", p.ID)
		}
		embeds, err := c.checkPolicy(ctx, p)
		if err != nil {
			return err
		}
		c.revise = true
		if err := c.SetPolicy(ctx, p, a.now()); err != nil {
			return err
		}
		if err := c.SetEmbeds(ctx, p.TenantID, p.ID, embeds); err != nil {
			return err
		}
		return c.audit(ctx, "policy", "updated", p.ID, old, p)
	})
	if err != nil {
		return control.Policy{}, err
	}
	return p, nil
}

// DeletePolicy removes a policy that nothing uses; otherwise Malformed "policy_in_use", naming what does.
func (a *Admin) DeletePolicy(ctx context.Context, actor control.Actor, id string) error {
	found, err := a.policy(ctx, actor, "DeletePolicy", id)
	if err != nil {
		return err
	}
	return a.change(ctx, actor, found.ServerID, func(c *change) error {
		if err := c.unused(ctx, found); err != nil {
			return err
		}
		if err := c.RemovePolicy(ctx, found.TenantID, id); err != nil {
			return notFound(err, "policy", id)
		}
		return c.audit(ctx, "policy", "deleted", id, found, nil)
	})
}

// unused names the users of a policy, ten at most.
func (c *change) unused(ctx context.Context, p control.Policy) error {
	const most = 10
	apis, err := c.APIsOfPolicy(ctx, p.TenantID, p.ID, most+1)
	if err != nil {
		return err
	}
	embedders, err := c.EmbeddersOf(ctx, p.TenantID, p.ID, most+1)
	if err != nil {
		return err
	}
	gateways, err := c.Gateways(ctx, p.TenantID, p.ServerID, store.Page{})
	if err != nil {
		return err
	}
	var users []string
	for _, x := range apis {
		text := "API " + x.Method + " " + x.Path
		if x.Gone {
			text += " (no longer reported by its gateway)"
		}
		users = append(users, text)
	}
	for _, id := range embedders {
		users = append(users, "policy "+id)
	}
	for _, g := range gateways {
		if g.DefaultPolicyID == p.ID {
			users = append(users, "gateway "+g.Name+" (for new APIs)")
		}
	}
	if len(users) == 0 {
		return nil
	}
	more := ""
	if len(users) > most {
		users, more = users[:most], " and others"
	}
	return control.Errorf(control.Malformed, "policy_in_use", "the policy %q is in use by: %s%s; take it away there first", p.PolicyName, strings.Join(users, ", "), more)
}

// TestPolicy evaluates a policy that need not be stored, with the code the authorizer runs, among the stored policies of
// its workspace.
func (a *Admin) TestPolicy(ctx context.Context, actor control.Actor, t control.PolicyTest) (control.PolicyTestResult, error) {
	if err := a.allow(actor, "TestPolicy", t.WorkspaceID); err != nil {
		return control.PolicyTestResult{}, err
	}
	all, err := a.store.PoliciesOf(ctx, actor.TenantID, t.WorkspaceID)
	if err != nil {
		return control.PolicyTestResult{}, internal(err)
	}
	if _, err := a.store.Workspace(ctx, actor.TenantID, t.WorkspaceID); err != nil {
		return control.PolicyTestResult{}, notFound(err, "workspace", t.WorkspaceID)
	}
	p := control.Policy{ID: "policy-under-test", TenantID: actor.TenantID, ServerID: t.WorkspaceID, PolicyName: "policy under test", Language: t.Policy.Language,
		Type: "api", Definition: t.Policy.Definition, Validators: t.Policy.Validators}
	policyDefaults(&p)
	if err := control.ValidatePolicy(p); err != nil {
		return control.PolicyTestResult{}, err
	}
	byID := map[string]waist.Policy{}
	for _, x := range all {
		byID[x.ID] = x
	}
	if err := problems(policy.Check(p, func(id string) (waist.Policy, bool) { x, ok := byID[id]; return x, ok })); err != nil {
		return control.PolicyTestResult{}, err
	}
	in := &policy.Input{AuthnCtx: t.Input.AuthnCtx, Contexts: t.Input.Contexts, Now: a.now(), Request: policy.Request{Method: t.Input.Request.Method,
		Path: t.Input.Request.Path, Headers: t.Input.Request.Headers, PathParams: t.Input.Request.PathParams, QueryParams: t.Input.Request.QueryParams,
		Body: t.Input.Request.Body, MTLS: t.Input.Request.MTLS}}
	r := policy.Compile(append(all, p), policy.Options{}).Evaluate(ctx, p.ID, in)
	out := control.PolicyTestResult{Status: r.Decision == policy.Allow, Result: waist.ResultUnauthorized, Failures: r.Failures, Recovery: r.Recovery, Output: r.Output}
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
	return out, nil
}
