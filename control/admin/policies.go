package admin

import (
	"context"
	"errors"
	"strings"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/policy"
	"portcullis/edge/waist"
)

// ListPolicies lists the policies of a workspace with how many APIs use each; types empty means all types.
func (a *Admin) ListPolicies(ctx context.Context, actor control.Actor, wid string, types []string) ([]control.PolicySummary, error) {
	return a.PagePolicies(ctx, actor, wid, types, control.Page{})
}

// PagePolicies is a page of ListPolicies.
func (a *Admin) PagePolicies(ctx context.Context, actor control.Actor, wid string, types []string, p control.Page) ([]control.PolicySummary, error) {
	if err := a.allow(actor, "ListPolicies", wid); err != nil {
		return nil, err
	}
	if _, err := a.store.Workspace(ctx, actor.TenantID, wid); err != nil {
		return nil, notFound(err, "workspace", wid)
	}
	out, err := a.store.Policies(ctx, actor.TenantID, wid, types, p)
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
		p.Type = control.PolicyAPI
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

// PolicyChecks are what a policy is held against on this one save, besides what always is.
type PolicyChecks struct {
	CedarSchema string // in Cedar's own syntax; for Cedar policies
}

// fits reports what of a policy does not fit a Cedar schema; "" is none.
func fits(p control.Policy, schema string) error {
	if schema == "" {
		return nil
	}
	var check control.Checks
	if p.Language != waist.LanguageCedar {
		check.Add("cedar_schema", "is for policies in Cedar")
		return check.Err("policy")
	}
	return problems(policy.CheckWith(p, policy.CheckOptions{CedarSchema: schema}))
}

func allFit(p control.Policy, checks []PolicyChecks) error {
	for _, c := range checks {
		if err := fits(p, c.CedarSchema); err != nil {
			return err
		}
	}
	return nil
}

// CreatePolicy makes a policy. The id is unique in the tenant; left out, it is "{workspace}-{slug of the name}", or
// random when that is taken.
func (a *Admin) CreatePolicy(ctx context.Context, actor control.Actor, p control.Policy, checks ...PolicyChecks) (control.Policy, error) {
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
	if err := allFit(p, checks); err != nil {
		return control.Policy{}, err
	}
	if err := a.checkBudget(ctx, p); err != nil {
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

// UpdatePolicy changes a policy's name, language and body. Its type stays: an API, a gateway or another policy may use it.
func (a *Admin) UpdatePolicy(ctx context.Context, actor control.Actor, p control.Policy, checks ...PolicyChecks) (control.Policy, error) {
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
	if p.Type != found.Type {
		var check control.Checks
		check.Add("type", "is "+found.Type+" and cannot be changed; make a new policy")
		return control.Policy{}, check.Err("policy")
	}
	if err := allFit(p, checks); err != nil {
		return control.Policy{}, err
	}
	if err := a.checkBudget(ctx, p); err != nil {
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
