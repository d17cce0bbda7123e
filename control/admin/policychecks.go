package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/policy"
	"portcullis/edge/waist"
)

// maxPolicies bounds the policies of a workspace: they are one list in every configuration.
const maxPolicies = 5_000

// checkPolicy compiles a policy among the others of its workspace and returns the ids of those it embeds itself.
func (c *change) checkPolicy(ctx context.Context, p control.Policy) ([]string, error) {
	all, err := c.PoliciesOf(ctx, p.TenantID, p.ServerID)
	if err != nil {
		return nil, err
	}
	byID := map[string]waist.Policy{}
	for _, x := range all {
		byID[x.ID] = x
	}
	byID[p.ID] = p
	if len(byID) > maxPolicies {
		return nil, control.Errorf(control.Invalid, "too_many_policies", "the workspace has %d policies, which is the most one can have", maxPolicies)
	}
	others := func(id string) (waist.Policy, bool) { x, ok := byID[id]; return x, ok }
	if err := problems(policy.Check(p, others)); err != nil {
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
	// A policy that others embed, directly or not, must still fit them: no cycle, same type, not too deep.
	pairs, err := c.Embeds(ctx, p.TenantID, p.ServerID)
	if err != nil {
		return nil, err
	}
	for _, id := range embedders(pairs, p.ID) {
		if err := problems(policy.Check(byID[id], others)); err != nil {
			return nil, control.Errorf(control.Invalid, "invalid_policy", "the policy %q, which embeds this one, would no longer be valid: %s", id, err.Error())
		}
	}
	return embeds, nil
}

// embedders are the policies that embed one, directly or not, by id. A pair is a policy and one that it embeds.
func embedders(pairs [][2]string, id string) []string {
	users := map[string][]string{}
	for _, p := range pairs {
		users[p[1]] = append(users[p[1]], p[0])
	}
	found := map[string]bool{}
	for next := []string{id}; len(next) > 0; next = next[1:] {
		for _, u := range users[next[0]] {
			if u != id && !found[u] {
				found[u] = true
				next = append(next, u)
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
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

// checkBudget refuses a policy with which the workspace's policies would cost more than an authorizer can bear. It
// compiles all of them, so it runs before the transaction, which holds a lock, and one at a time: the figure is to be
// that of the policies, not of a busy machine. Policies that are saved meanwhile are not in the figure; the budget's
// margin is for them, and their number is checked again inside the transaction.
func (a *Admin) checkBudget(ctx context.Context, p control.Policy) error {
	all, err := a.store.PoliciesOf(ctx, p.TenantID, p.ServerID)
	if err != nil {
		return internal(err)
	}
	all = append(slices.DeleteFunc(all, func(x waist.Policy) bool { return x.ID == p.ID }), p)
	if len(all) > maxPolicies {
		return control.Errorf(control.Invalid, "too_many_policies", "the workspace has %d policies, which is the most one can have", maxPolicies)
	}
	// What does not compile is named by the check itself, not by its cost.
	byID := index(all)
	if err := problems(policy.Check(p, byID.get)); err != nil {
		return err
	}
	select {
	case a.measuring <- struct{}{}:
		defer func() { <-a.measuring }()
	case <-ctx.Done():
		return ctx.Err()
	}
	_, list := policy.CheckSet(all, p.ID, nil, a.budget, nil)
	return problems(list)
}

// policyIndex finds policies by id.
type policyIndex map[string]waist.Policy

func index(all []waist.Policy) policyIndex {
	byID := make(policyIndex, len(all))
	for _, x := range all {
		byID[x.ID] = x
	}
	return byID
}

func (x policyIndex) get(id string) (waist.Policy, bool) { p, ok := x[id]; return p, ok }

// with is a policy and all those it embeds, directly or not: p first, then by id.
func (x policyIndex) with(p waist.Policy) []waist.Policy {
	if p.Language != waist.LanguageVisual { // the others embed nothing, and take long to check
		return []waist.Policy{p}
	}
	found := policyIndex{}
	policy.Check(p, func(id string) (waist.Policy, bool) {
		q, ok := x[id]
		if ok && id != p.ID {
			found[id] = q
		}
		return q, ok
	})
	out := []waist.Policy{p}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[id])
	}
	return out
}

// Limits of warnings.
const (
	claimDecisions = 100 // how many recent decisions are looked at for claims
	maxWarned      = 50  // warnings of one list
	maxWarnedAPIs  = 20  // APIs of a policy that get warnings
	maxLookedAt    = 1000
)

// claimsSeen are the claims that tokens of a workspace carry: those of its own issuer, the attributes of its users and what
// its identity providers are mapped to, and those that recent decisions recorded. nil means that this is not known: tokens of trusted issuers carry claims that no decision records. Only names
// leave this function.
func claimsSeen(ctx context.Context, r store.Reader, tenant, wid string) ([]string, error) {
	if trusted, err := r.TrustedIssuers(ctx, tenant, wid); err != nil || len(trusted) > 0 {
		return nil, err
	}
	attributes, err := r.AttributeNames(ctx, tenant, wid)
	if err != nil {
		return nil, err
	}
	providers, err := r.IDPs(ctx, tenant, wid)
	if err != nil {
		return nil, err
	}
	rows, err := r.Decisions(ctx, tenant, wid, store.DecisionFilter{Limit: claimDecisions})
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, name := range control.IssuedClaims {
		seen[name] = true
	}
	for _, name := range attributes {
		seen[name] = true
	}
	for _, p := range providers {
		if p.OIDC == nil {
			continue
		}
		for _, m := range p.OIDC.Mappings {
			seen[m.Target] = true
		}
	}
	for _, row := range rows {
		var e struct {
			InvocationCtx map[string]json.RawMessage `json:"invocation_ctx"`
		}
		if json.Unmarshal([]byte(row.Event), &e) != nil {
			continue // what an authorizer sent is no reason to refuse a policy
		}
		for name := range e.InvocationCtx {
			seen[name] = true
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

// warner collects the warnings of policies of one workspace.
type warner struct {
	byID   policyIndex
	claims []string
	list   []control.PolicyWarning
	paths  map[string]pathReads // policy id → what is known of it, worked out once: a policy may have a thousand APIs
}

// pathReads is what a policy reads of a path, and the warnings that it has at any path.
type pathReads struct {
	params []string
	known  map[policy.Problem]bool
}

func (w *warner) readsOfPath(p waist.Policy) pathReads {
	r, ok := w.paths[p.ID]
	if ok {
		return r
	}
	if r.params = policy.Inputs(p, w.byID.get).PathParams; len(r.params) > 0 {
		r.known = map[policy.Problem]bool{}
		for _, x := range policy.CheckWith(p, policy.CheckOptions{Others: w.byID.get}) {
			r.known[x] = true
		}
	}
	if w.paths == nil {
		w.paths = map[string]pathReads{}
	}
	w.paths[p.ID] = r
	return r
}

func (w *warner) add(p waist.Policy, api string, list []policy.Problem, known map[policy.Problem]bool) {
	for _, x := range list {
		if x.Warning && !known[x] && len(w.list) < maxWarned {
			w.list = append(w.list, control.PolicyWarning{PolicyID: p.ID, APIID: api, Path: x.Path, Line: x.Line, Column: x.Column, Message: x.Message})
		}
	}
}

func (w *warner) policy(p waist.Policy) {
	if p.Type != control.PolicyAPI {
		w.list = append(w.list, control.PolicyWarning{PolicyID: p.ID, Path: "type",
			Message: "policies of type " + p.Type + " are stored and can be tested; this server asks policies at APIs only, so nothing asks this one"})
	}
	for _, q := range w.byID.with(p) {
		w.add(q, "", policy.CheckWith(q, policy.CheckOptions{Others: w.byID.get, Claims: w.claims}), nil)
	}
}

// api adds what is wrong with a policy at an API's path and nowhere else.
func (w *warner) api(p waist.Policy, x control.API) {
	w.template(p, x.Path, x.ID)
}

func (w *warner) template(p waist.Policy, template, api string) {
	for _, q := range w.byID.with(p) {
		r := w.readsOfPath(q)
		lacks := func(param string) bool {
			return !strings.Contains(template, "{"+param+"}") && !strings.Contains(template, "{"+param+"+}")
		}
		if slices.ContainsFunc(r.params, lacks) {
			w.add(q, api, policy.CheckWith(q, policy.CheckOptions{Others: w.byID.get, Template: template}), r.known)
		}
	}
}

func (a *Admin) warner(ctx context.Context, tenant, wid string) (*warner, error) {
	w := &warner{list: []control.PolicyWarning{}}
	err := a.store.Snapshot(ctx, func(r store.Reader) error {
		all, err := r.PoliciesOf(ctx, tenant, wid)
		if err != nil {
			return err
		}
		w.byID = index(all)
		w.claims, err = claimsSeen(ctx, r, tenant, wid)
		return err
	})
	return w, internal(err)
}

// PolicyWarnings are what a stored policy, those it embeds, and the paths of the APIs it is assigned to make doubtful:
// worked out anew, because tokens and paths change. At most 50.
func (a *Admin) PolicyWarnings(ctx context.Context, actor control.Actor, id string) ([]control.PolicyWarning, error) {
	p, err := a.policy(ctx, actor, "PolicyWarnings", id)
	if err != nil {
		return nil, err
	}
	w, err := a.warner(ctx, actor.TenantID, p.ServerID)
	if err != nil {
		return nil, err
	}
	w.policy(p)
	apis, err := a.store.APIsOfPolicy(ctx, actor.TenantID, id, maxLookedAt)
	if err != nil {
		return nil, internal(err)
	}
	warned := 0
	for _, x := range apis {
		if before := len(w.list); !x.Gone && warned < maxWarnedAPIs {
			if w.api(p, x.API); len(w.list) > before {
				warned++
			}
		}
	}
	return w.list, nil
}

// APIWarnings are what makes the policy of one API doubtful at its path: to be asked for after an assignment. An API
// without a policy has none.
func (a *Admin) APIWarnings(ctx context.Context, actor control.Actor, id string) ([]control.PolicyWarning, error) {
	x, err := a.api(ctx, actor, "APIWarnings", id)
	if err != nil {
		return nil, err
	}
	w := &warner{byID: policyIndex{}, list: []control.PolicyWarning{}}
	if x.PolicyID == "" {
		return w.list, nil
	}
	err = a.store.Snapshot(ctx, func(r store.Reader) error { return w.byID.load(ctx, r, actor.TenantID, x.ServerID, x.PolicyID) })
	if err != nil {
		return nil, internal(err)
	}
	w.api(w.byID[x.PolicyID], x.API)
	return w.list, nil
}

// load adds one policy and all those it embeds, directly or not: few, while a workspace may have thousands.
func (x policyIndex) load(ctx context.Context, r store.Reader, tenant, wid, id string) error {
	embeds, err := r.Embeds(ctx, tenant, wid)
	if err != nil {
		return err
	}
	for next := []string{id}; len(next) > 0; next = next[1:] {
		if _, ok := x[next[0]]; ok {
			continue
		}
		if x[next[0]], err = r.Policy(ctx, tenant, next[0]); err != nil {
			return err
		}
		for _, pair := range embeds {
			if pair[0] == next[0] {
				next = append(next, pair[1])
			}
		}
	}
	return nil
}

// PolicyGallery lists the examples that a policy of the workspace can be started from.
func (a *Admin) PolicyGallery(ctx context.Context, actor control.Actor, wid string) ([]control.PolicyExample, error) {
	if err := a.allow(actor, "PolicyGallery", wid); err != nil {
		return nil, err
	}
	if _, err := a.store.Workspace(ctx, actor.TenantID, wid); err != nil {
		return nil, notFound(err, "workspace", wid)
	}
	out := []control.PolicyExample{}
	for _, x := range policy.Gallery() {
		e := control.PolicyExample{ID: x.ID, Title: x.Title, Description: x.Description}
		for _, language := range [...]string{waist.LanguageVisual, waist.LanguageRego, waist.LanguageCedar} {
			if p, ok := x.Policy(language); ok {
				p.ID, p.TenantID, p.ServerID = "", actor.TenantID, wid
				policyDefaults(&p)
				e.Policies = append(e.Policies, p)
			}
		}
		out = append(out, e)
	}
	return out, nil
}
