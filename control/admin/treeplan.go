package admin

import (
	"context"
	"fmt"
	"reflect"
	"sort"
	"strings"
	"unicode/utf8"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/policy"
	"portcullis/edge/waist"
)

// plan is what an import or a patch will do to one workspace. It is made in full, with every mistake noted, before
// anything is written.
//
// have is what is stored and want the document; final is what will be there. With whole (a patch) what the document does
// not have is removed; without (an import) it stays.
type plan struct {
	*change
	ctx   context.Context
	opts  control.ImportOptions
	whole bool
	at    string // path of the workspace in the document, with a dot at its end; "" for a workspace of its own
	in    *importing
	have  store.Tree
	fresh bool // the workspace is new
	want  control.TreeServer

	workspace control.Workspace
	policies  edits[control.Policy]
	services  edits[control.Service]
	apis      edits[store.StoredAPI]
	scopes    edits[control.Scope]
	clients   edits[control.Client]
	gateways  edits[control.Gateway]
	groups    edits[store.StoredGroup]
	kept      edits[store.WorkspaceSecret] // secrets that policies read
	idps      edits[store.IDP]

	trust  *[]waist.TrustedIssuer // nil: as it is
	values map[string]string      // :: id of a kept secret → its new value
	proofs map[string]string      // :: id of an identity provider → our new secret there; "" for the one that is there

	setWorkspace bool
	secrets      map[string]string   // :: client id → secret to set; "" for a random one
	embeds       map[string][]string // :: changed policy → those it embeds
	rebound      map[string]bool     // services whose bound group is new or has changed
	moved        []string            // APIs of which only the position changes
}

// importing is what the plans of one import share.
type importing struct {
	check     control.Checks
	conflicts control.Checks
	claimed   map[string]string // :: kind, id → path that makes it, for ids unique in the tenant
}

// edits are the objects of one noun. final holds all that will be there; the lists say which of them are written.
type edits[T any] struct {
	have, final            map[string]T
	added, changed, remove []string
}

func edit[T any](all []T, id func(T) string) edits[T] {
	e := edits[T]{have: map[string]T{}, final: map[string]T{}}
	for _, x := range all {
		e.have[id(x)], e.final[id(x)] = x, x
	}
	return e
}

func (e *edits[T]) any() bool { return len(e.added)+len(e.changed)+len(e.remove) > 0 }

// put plans one object of the document. same means that it is there and would stay as it is.
func put[T any](p *plan, e *edits[T], path, id string, x T, same bool) {
	_, exists := e.have[id]
	switch {
	case !exists:
		e.final[id] = x
		e.added = append(e.added, id)
	case p.opts.Mode == control.ImportFail && (!p.whole || !same):
		p.in.conflicts.Add(path, "is there already")
	case same || p.opts.Mode == control.ImportIgnore:
	default:
		e.final[id] = x
		e.changed = append(e.changed, id)
	}
}

// drop plans the removal of everything that keep does not know.
func drop[T any](p *plan, e *edits[T], path func(id string) string, keep func(id string, x T) bool) {
	for _, id := range keys(e.have) {
		if keep(id, e.have[id]) {
			continue
		}
		switch p.opts.Mode {
		case control.ImportFail:
			p.in.conflicts.Add(path(id), "is there already, and would be removed")
		case control.ImportUpdate:
			delete(e.final, id)
			e.remove = append(e.remove, id)
		}
	}
}

func keys[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// wrong notes a mistake at a path of the workspace.
func (p *plan) wrong(path, format string, args ...any) {
	p.in.check.Add(p.at+path, fmt.Sprintf(format, args...))
}

// invalid notes what a validation found. An error that is none of the kind is returned.
func (p *plan) invalid(path string, err error) error {
	if err == nil {
		return nil
	}
	var e *control.Error
	if !asControl(err, &e) || e.Kind == control.Unavailable || e.Kind == control.Internal {
		return err
	}
	if len(e.Fields) == 0 {
		p.wrong(path, "%s", e.Message)
	}
	for member, problem := range e.Fields {
		if member == "" {
			p.wrong(path, "%s", problem)
			continue
		}
		p.wrong(path+"."+member, "%s", problem)
	}
	return nil
}

// make fills the plan.
func (p *plan) make() error {
	p.secrets, p.embeds, p.rebound = map[string]string{}, map[string][]string{}, map[string]bool{}
	for _, step := range []func() error{p.planWorkspace, p.planTrust, p.planKept, p.planIDPs, p.planPolicies, p.planServices, p.planScopes, p.planClients, p.planGateways,
		p.checkExchanges, p.planGroups, p.planAPIs, p.checkPolicies, p.checkIDs} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) planWorkspace() error {
	old := p.have.Workspace
	w := old
	t := p.want
	set(&w.Name, t.Name)
	set(&w.Description, t.Description)
	set(&w.Color, t.Color)
	set(&w.Type, t.Type)
	set(&w.KeyType, t.KeyType)
	set(&w.AccessTokenStrategy, t.AccessTokenStrategy)
	set(&w.AccessTokenTTL, t.AccessTokenTTL)
	set(&w.DynamicScopeSep, t.DynamicScopeSep)
	if w.Name == "" && p.fresh {
		w.Name = w.ID
	}
	workspaceDefaults(&w)
	switch {
	case p.fresh && w.Type != "regular":
		p.wrong("type", "must be regular: no other workspace can be created")
	case !p.fresh && w.Type != old.Type:
		p.wrong("type", "cannot change; it is %s", old.Type)
		w.Type = old.Type
	}
	if err := w.Validate(); err != nil {
		if e := (*control.Error)(nil); asControl(err, &e) {
			for member, problem := range e.Fields {
				p.wrong(member, "%s", problem)
			}
		}
	}
	p.workspace = w
	said := t.Name != nil || t.Description != nil || t.Color != nil || t.KeyType != nil || t.AccessTokenTTL != nil || t.DynamicScopeSep != nil
	switch same := reflect.DeepEqual(w, old); {
	case p.fresh:
	case p.opts.Mode == control.ImportFail && said && (!p.whole || !same):
		p.in.conflicts.Add(strings.TrimSuffix(p.at, "."), "the workspace is there already")
	case !same && p.opts.Mode == control.ImportUpdate:
		p.setWorkspace = true
	default:
		p.workspace = old
	}
	for _, point := range keys(t.ExecutionPoints) {
		if t.ExecutionPoints[point] != "" {
			p.wrong("policy_execution_points."+point, "is not supported by this server; only APIs have policies")
		}
	}
	return nil
}

func set[T any](dest *T, from *T) {
	if from != nil {
		*dest = *from
	}
}

func (p *plan) planPolicies() error {
	p.policies = edit(p.have.Policies, func(x control.Policy) string { return x.ID })
	for _, id := range keys(p.want.Policies) {
		t, path := p.want.Policies[id], "policies."+id
		x := control.Policy{ID: id, TenantID: p.actor.TenantID, ServerID: p.change.workspace, PolicyName: t.PolicyName, Language: t.Language, Type: t.Type,
			Definition: t.Definition, Validators: t.Validators, EnvVersion: t.EnvVersion}
		policyDefaults(&x)
		old, exists := p.policies.have[id]
		same := exists && samePolicy(old, x)
		if exists && old.Type != x.Type && p.opts.Mode == control.ImportUpdate {
			p.wrong(path+".type", "is %s and cannot be changed; make a new policy", old.Type)
		}
		if !same {
			if err := p.invalid(path, control.ValidatePolicy(x)); err != nil {
				return err
			}
		}
		put(p, &p.policies, p.at+path, id, x, same)
	}
	if p.whole {
		drop(p, &p.policies, func(id string) string { return p.at + "policies." + id }, func(id string, _ control.Policy) bool { _, ok := p.want.Policies[id]; return ok })
	}
	if n := len(p.policies.final); n > maxPolicies {
		p.wrong("policies", "would be %d; a workspace has at most %d", n, maxPolicies)
	}
	return nil
}

// checkPolicies compiles what is new, and anew what embeds something that changes or goes.
func (p *plan) checkPolicies() error {
	e := &p.policies
	touched := map[string]bool{}
	for _, id := range append(append(append([]string{}, e.added...), e.changed...), e.remove...) {
		touched[id] = true
	}
	if len(touched) == 0 {
		return nil
	}
	again := map[string]bool{}
	for grown := true; grown; {
		grown = false
		for _, pair := range p.have.Embeds {
			if (touched[pair[1]] || again[pair[1]]) && !touched[pair[0]] && !again[pair[0]] {
				again[pair[0]], grown = true, true
			}
		}
	}
	find := func(id string) (waist.Policy, bool) { x, ok := e.final[id]; return x, ok }
	for _, id := range append(keys(touched), keys(again)...) {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		x, ok := e.final[id]
		if !ok {
			continue // it is removed
		}
		if err := p.invalid("policies."+id, problems(policy.Check(x, find))); err != nil {
			return err
		}
		if !touched[id] {
			continue
		}
		direct := map[string]bool{}
		if x.Language == waist.LanguageVisual {
			policy.Check(x, func(id string) (waist.Policy, bool) { direct[id] = true; return waist.Policy{}, false })
		}
		p.embeds[id] = keys(direct)
	}
	for _, id := range e.remove {
		for _, k := range keys(p.apis.final) {
			if x := p.apis.final[k]; x.PolicyID == id {
				p.wrong("policies."+id, "is removed, and %s %s of the service %q has it", x.Method, x.Path, x.ServiceID)
			}
		}
	}
	return nil
}

// checkBudget refuses policies that would cost more than an authorizer can bear: all of them together, and each new Rego
// policy by itself. It runs when the plan is otherwise without mistakes; one measurement runs at a time.
func (p *plan) checkBudget() error {
	e := &p.policies
	if !e.any() {
		return nil
	}
	select {
	case p.admin.measuring <- struct{}{}:
		defer func() { <-p.admin.measuring }()
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
	for _, list := range [][]string{e.added, e.changed} {
		for _, id := range list {
			if err := p.ctx.Err(); err != nil {
				return err
			}
			if e.final[id].Language != waist.LanguageRego { // the others are measured below, together
				continue
			}
			_, found := policy.CheckSet([]waist.Policy{e.final[id]}, id, nil, p.admin.budget, nil)
			for _, x := range found {
				p.wrong("policies."+id+"."+x.Path, "%s", x.Message)
			}
		}
	}
	all := make([]waist.Policy, 0, len(e.final))
	for _, id := range keys(e.final) {
		all = append(all, e.final[id])
	}
	_, found := policy.CheckSet(all, "", nil, p.admin.budget, nil)
	for _, x := range found {
		p.wrong(x.Path, "%s", x.Message)
	}
	return nil
}

// policyFor checks that a policy can be assigned.
func (p *plan) policyFor(path, id string) {
	if id == "" {
		return
	}
	switch x, ok := p.policies.final[id]; {
	case !ok:
		p.wrong(path, "names no policy of this workspace")
	case x.Type != control.PolicyAPI:
		p.wrong(path, "names a policy of type %s; an API takes one of type api", x.Type)
	}
}

func (p *plan) planServices() error {
	p.services = edit(p.have.Services, func(x control.Service) string { return x.ID })
	for _, id := range keys(p.want.Services) {
		t, path := p.want.Services[id], "services."+id
		x := control.Service{ID: id, TenantID: p.actor.TenantID, WorkspaceID: p.change.workspace, Name: t.Name, Description: t.Description,
			CustomAudience: t.CustomAudience, Type: t.Type, System: t.System, WithSpecification: t.WithSpecification, UpdatedAt: p.change.at()}
		old, exists := p.services.have[id]
		if x.Type == "" {
			x.Type = "user"
			if exists {
				x.Type, x.System = old.Type, old.System
			}
		}
		if x.System != old.System || exists && x.Type != old.Type || !exists && x.Type != "user" {
			p.wrong(path+".type", "services of the workspace itself come with it: they are neither made nor changed here")
			continue
		}
		same := exists && x.Name == old.Name && x.Description == old.Description && x.CustomAudience == old.CustomAudience && x.WithSpecification == old.WithSpecification
		if !same {
			if err := p.invalid(path, x.Validate()); err != nil {
				return err
			}
		}
		put(p, &p.services, p.at+path, id, x, same)
	}
	if p.whole {
		drop(p, &p.services, func(id string) string { return p.at + "services." + id }, func(id string, x control.Service) bool {
			_, ok := p.want.Services[id]
			if !ok && x.System {
				p.wrong("services."+id, "belongs to the workspace itself and cannot be removed")
			}
			return ok || x.System
		})
	}
	return nil
}

func (p *plan) planScopes() error {
	p.scopes = edit(p.have.Scopes, func(x control.Scope) string { return x.Name })
	seen := map[string]string{}
	one := func(path, service, name string, t control.TreeScope) error {
		if first, twice := seen[name]; twice {
			p.wrong(path, "is at %s, too; a scope's name is unique in its workspace", first)
			return nil
		}
		seen[name] = path
		old, exists := p.scopes.have[name]
		x := control.Scope{ID: old.ID, TenantID: p.actor.TenantID, WorkspaceID: p.change.workspace, ServiceID: service, Name: name, DisplayName: t.DisplayName,
			Description: t.Description, Implicit: t.Implicit}
		if !exists {
			x.ID = store.NewID()
		}
		same := reflect.DeepEqual(x, old)
		if !same {
			if err := p.invalid(path, x.Validate()); err != nil {
				return err
			}
		}
		put(p, &p.scopes, p.at+path, name, x, same)
		return nil
	}
	for _, sid := range keys(p.want.Services) {
		if _, ok := p.services.final[sid]; !ok {
			continue // noted already
		}
		scopes := p.want.Services[sid].Scopes
		for _, name := range keys(scopes) {
			if err := one("services."+sid+".scopes."+name, sid, name, scopes[name]); err != nil {
				return err
			}
		}
	}
	for _, name := range keys(p.want.ScopesWithoutService) {
		if err := one("scopes_without_service."+name, "", name, p.want.ScopesWithoutService[name]); err != nil {
			return err
		}
	}
	if p.whole {
		drop(p, &p.scopes, func(name string) string { return p.at + "scopes." + name }, func(name string, x control.Scope) bool {
			return seen[name] != "" || p.services.have[x.ServiceID].System
		})
	}
	return nil
}

func (p *plan) planClients() error {
	p.clients = edit(p.have.Clients, func(x control.Client) string { return x.ID })
	for _, id := range keys(p.want.Clients) {
		t, path := p.want.Clients[id], "clients."+id
		old, exists := p.clients.have[id]
		x := control.Client{ID: id, TenantID: p.actor.TenantID, WorkspaceID: p.change.workspace, Name: t.Name, Description: t.Description,
			GrantTypes: t.GrantTypes, RedirectURIs: t.RedirectURIs, Scopes: t.Scopes, Audience: t.Audience, AuthMethod: t.AuthMethod, Status: t.Status,
			Trusted: t.Trusted, JWKS: t.JWKS, PostLogoutRedirectURIs: t.PostLogoutRedirectURIs, CreatedAt: p.change.at(), UpdatedAt: p.change.at()}
		clientDefaults(&x)
		if exists {
			x.CreatedAt = old.CreatedAt
		}
		same := exists && sameJSON(treeClient(old), treeClient(x))
		if !same {
			if err := p.invalid(path, x.Validate()); err != nil {
				return err
			}
			if err := systemScopes(x); err != nil {
				p.wrong(path+".scopes", "%s", err.Error())
			}
		}
		changesSecret := false
		switch {
		case x.HasSecret():
			var err error
			if changesSecret, err = p.planSecret(path, id, t.Secret, exists && old.HasSecret()); err != nil {
				return err
			}
		case t.Secret != "":
			p.wrong(path+".client_secret", "must be left out: a client with token_endpoint_auth_method %s has no secret", x.AuthMethod)
		}
		put(p, &p.clients, p.at+path, id, x, same && !changesSecret)
	}
	if p.whole {
		drop(p, &p.clients, func(id string) string { return p.at + "clients." + id }, func(id string, _ control.Client) bool { _, ok := p.want.Clients[id]; return ok })
	}
	return nil
}

// planSecret plans the secret of a client and says whether it changes.
func (p *plan) planSecret(path, id, secret string, exists bool) (bool, error) {
	if secret == "" {
		if !exists {
			p.secrets[id] = ""
		}
		return false, nil
	}
	if n := utf8.RuneCountInString(secret); n < 32 || n > 200 || !utf8.ValidString(secret) {
		p.wrong(path+".client_secret", "must have 32 to 200 characters; leave it out for a random one")
		return false, nil
	}
	if s, ok := p.have.Secrets[id]; ok {
		text, err := p.admin.keyring.open(secretPlace(p.actor.TenantID, id, s.ID), s.Sealed)
		if err != nil || string(text) == secret {
			return false, err
		}
	}
	if exists && p.opts.Mode != control.ImportUpdate {
		return true, nil
	}
	p.secrets[id] = secret
	return true, nil
}

// checkIDs looks for ids that are unique in the tenant and taken in another workspace.
func (p *plan) checkIDs() error {
	clientIDs := append([]string{}, p.clients.added...)
	where := map[string]string{} // :: client id → path
	for _, id := range clientIDs {
		where[id] = "clients." + id
	}
	for _, id := range p.gateways.added {
		if c := p.want.Gateways[id].Client.ID; c != "" {
			clientIDs = append(clientIDs, c)
			where[c] = "gateways." + id + ".client.client_id"
		}
	}
	for _, k := range []struct {
		kind, noun string
		ids        []string
		path       func(id string) string
	}{
		{store.Policies, "policy", p.policies.added, func(id string) string { return "policies." + id }},
		{store.Services, "service", p.services.added, func(id string) string { return "services." + id }},
		{store.APIs, "API", p.apis.added, func(id string) string { return "services." + p.apis.final[id].ServiceID + ".apis." + id }},
		{store.Clients, "client", clientIDs, func(id string) string { return where[id] }},
		{store.Gateways, "gateway", p.gateways.added, func(id string) string { return "gateways." + id }},
	} {
		taken, err := p.WorkspacesOf(p.ctx, k.kind, p.actor.TenantID, k.ids)
		if err != nil {
			return err
		}
		for _, id := range k.ids {
			if _, ok := taken[id]; ok { // where is not said: the actor may have no role there
				p.wrong(k.path(id), "the %s id %q is taken elsewhere in the tenant; choose another one", k.noun, id)
			}
			claim := k.kind + " " + id
			if other, ok := p.in.claimed[claim]; ok {
				p.wrong(k.path(id), "the %s id %q is at %s, too; ids are unique in the tenant", k.noun, id, other)
			}
			p.in.claimed[claim] = p.at + k.path(id)
		}
	}
	return nil
}
