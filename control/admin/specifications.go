package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"

	"portcullis/control"
	"portcullis/control/specification"
	"portcullis/control/store"
)

// ImportSpecification makes the APIs of a service those of an OpenAPI document, in one transaction.
//
// An API that the document has keeps its policy. One that it does not have is removed when it is open, and set aside when
// it has a policy: it returns with it. New ones are open. A service that is bound to an API group has that group's APIs,
// and an import is refused. A document that changes nothing writes nothing.
func (a *Admin) ImportSpecification(ctx context.Context, actor control.Actor, sid string, in control.SpecificationImport) (control.SpecificationResult, error) {
	svc, err := a.specified(ctx, actor, "ImportSpecification", sid)
	if err != nil {
		return control.SpecificationResult{}, err
	}
	return a.importSpecification(ctx, actor, svc, in)
}

// ImportSpecificationFromURL fetches the document (by Options.Outbound) and imports it.
func (a *Admin) ImportSpecificationFromURL(ctx context.Context, actor control.Actor, sid, address string, dryRun bool) (control.SpecificationResult, error) {
	svc, err := a.specified(ctx, actor, "ImportSpecificationFromURL", sid)
	if err != nil {
		return control.SpecificationResult{}, err
	}
	text, err := specification.Fetch(ctx, a.outbound, address)
	if err != nil {
		return control.SpecificationResult{}, err
	}
	source := ""
	if u, err := url.Parse(address); err == nil { // a query may hold a secret
		u.RawQuery, u.Fragment, u.User = "", "", nil
		source = u.String()
	}
	return a.importSpecification(ctx, actor, svc, control.SpecificationImport{Text: text, Source: source, DryRun: dryRun})
}

// specified reads a service whose APIs a specification may make, before anything is fetched or read.
func (a *Admin) specified(ctx context.Context, actor control.Actor, verb, sid string) (control.Service, error) {
	svc, err := a.service(ctx, actor, verb, sid)
	switch {
	case err != nil:
		return svc, err
	case svc.System:
		return svc, control.Errorf(control.Malformed, "system_service", "the service %q belongs to the workspace itself and has no APIs", svc.Name)
	case svc.GatewayID != "":
		return svc, serviceBound(svc)
	}
	return svc, nil
}

func serviceBound(svc control.Service) error {
	return control.Errorf(control.Malformed, "service_bound", "the service %q is bound to an API group of a gateway and has that group's APIs; unbind it first", svc.Name)
}

func (a *Admin) importSpecification(ctx context.Context, actor control.Actor, svc control.Service, in control.SpecificationImport) (control.SpecificationResult, error) {
	doc, err := specification.Read(in.Text)
	if err != nil {
		return control.SpecificationResult{}, err
	}
	var result control.SpecificationResult
	plan := func(r store.Reader) (p specificationPlan, err error) {
		switch _, err := r.GroupOfService(ctx, actor.TenantID, svc.ID); {
		case err == nil:
			return p, serviceBound(svc)
		case !errors.Is(err, store.ErrNotFound):
			return p, err
		}
		have, err := r.APIsOfService(ctx, actor.TenantID, svc.ID)
		if err != nil {
			return p, err
		}
		p = planSpecification(svc, have, doc.Methods)
		result = p.result()
		result.DryRun = in.DryRun
		result.NotRemovedPolicies, err = policiesOf(ctx, r, actor.TenantID, result.SetAsideAPIs)
		return p, err
	}
	if in.DryRun {
		err = a.store.Snapshot(ctx, func(r store.Reader) error { _, err := plan(r); return err })
	} else {
		err = a.change(ctx, actor, svc.WorkspaceID, func(c *change) error {
			old, err := c.Service(ctx, actor.TenantID, svc.ID)
			if err != nil {
				return notFound(err, "service", svc.ID)
			}
			p, err := plan(c.Reader)
			if err != nil || old.WithSpecification && !p.changes() {
				return err
			}
			if err := p.write(ctx, c); err != nil {
				return err
			}
			if err := c.SetSpecification(ctx, actor.TenantID, svc.ID, true); err != nil {
				return err
			}
			return c.audit(ctx, "service", "specification_imported", svc.ID, nil, specificationRecord(in, doc, p))
		})
	}
	if err != nil {
		return control.SpecificationResult{}, internal(err)
	}
	return result, nil
}

// specificationPlan is what an import changes.
type specificationPlan struct {
	added    []store.StoredAPI // new
	returned []store.StoredAPI // set aside before
	removed  []store.StoredAPI
	aside    []store.StoredAPI
	kept     []store.StoredAPI
	final    []store.StoredAPI          // what the service has then, with positions
	had      map[string]store.StoredAPI // :: id → before
}

// planSpecification compares what a service has with what a document has. It is a pure function: a dry run is the same.
func planSpecification(svc control.Service, have []store.StoredAPI, methods []specification.Method) specificationPlan {
	p := specificationPlan{had: make(map[string]store.StoredAPI, len(have))}
	at := make(map[methodPath]store.StoredAPI, len(have))
	for _, x := range have {
		p.had[x.ID] = x
		at[methodPath{x.Method, x.Path}] = x
	}
	for _, m := range methods {
		k := methodPath{m.Method, m.Path}
		x, known := at[k]
		delete(at, k)
		switch {
		case !known:
			x = store.StoredAPI{API: control.API{ID: apiID(svc.ID, m.Method, m.Path), TenantID: svc.TenantID, ServerID: svc.WorkspaceID, ServiceID: svc.ID,
				Method: m.Method, Path: m.Path, APIType: "rest", CanHavePolicy: true, DataClassifications: []string{}}}
			p.added = append(p.added, x)
		case x.Gone:
			x.Gone = false
			p.returned = append(p.returned, x)
		default:
			p.kept = append(p.kept, x)
		}
		p.final = append(p.final, x)
	}
	for _, x := range have { // in order
		if _, left := at[methodPath{x.Method, x.Path}]; !left {
			continue
		}
		switch {
		case x.PolicyID == "":
			p.removed = append(p.removed, x)
		case x.Gone:
			p.final = append(p.final, x)
		default:
			x.Gone = true
			p.aside, p.final = append(p.aside, x), append(p.final, x)
		}
	}
	place(p.final)
	return p
}

func (p specificationPlan) changes() bool {
	return len(p.added)+len(p.returned)+len(p.removed)+len(p.aside) > 0
}

// write makes the service what the plan says.
func (p specificationPlan) write(ctx context.Context, c *change) error {
	for _, x := range p.removed {
		if err := c.RemoveAPI(ctx, x.TenantID, x.ID); err != nil {
			return err
		}
	}
	for _, x := range p.final {
		was, known := p.had[x.ID]
		switch {
		case !known:
			if err := c.AddAPI(ctx, x.API); err != nil {
				return exists(err, "api_exists", "an API of another service has the id %q that %s %s would get; delete that one first", x.ID, x.Method, x.Path)
			}
		case was.Position != x.Position || was.Gone != x.Gone:
			if err := c.SetAPI(ctx, x); err != nil {
				return err
			}
		}
	}
	return nil
}

// result is what the caller is told, in position order.
func (p specificationPlan) result() control.SpecificationResult {
	r := control.SpecificationResult{CreatedAPIs: []control.API{}, CreatedPolicies: []control.Policy{}, CreatedScopes: []control.Scope{}, RemovedPolicies: []control.Policy{},
		RemovedAPIs: []control.API{}, SetAsideAPIs: []control.API{}, UnchangedAPIs: len(p.kept)}
	for _, x := range p.final {
		if was, known := p.had[x.ID]; !known || was.Gone && !x.Gone {
			r.CreatedAPIs = append(r.CreatedAPIs, x.API)
		} else if x.Gone && !was.Gone {
			r.SetAsideAPIs = append(r.SetAsideAPIs, was.API)
		}
	}
	for _, x := range p.removed {
		r.RemovedAPIs = append(r.RemovedAPIs, x.API)
	}
	return r
}

// policiesOf reads the policies that APIs use, each once.
func policiesOf(ctx context.Context, r store.Reader, tenant string, apis []control.API) ([]control.Policy, error) {
	out := []control.Policy{}
	seen := map[string]bool{"": true}
	for _, x := range apis {
		if seen[x.PolicyID] {
			continue
		}
		seen[x.PolicyID] = true
		p, err := r.Policy(ctx, tenant, x.PolicyID)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// maxRecorded bounds the methods that one audit record lists of each kind; the counts are whole.
const maxRecorded = 500

func specificationRecord(in control.SpecificationImport, doc specification.Document, p specificationPlan) any {
	names := func(all []store.StoredAPI) map[string]any {
		list := []string{}
		for _, x := range all[:min(len(all), maxRecorded)] {
			list = append(list, x.Method+" "+x.Path)
		}
		return map[string]any{"count": len(all), "apis": list}
	}
	sum := sha256.Sum256(in.Text)
	return map[string]any{"source": cut(printable(in.Source), 500), "sha256": hex.EncodeToString(sum[:]), "bytes": len(in.Text), "version": doc.Version,
		"title": cut(printable(doc.Title), 200), "created": names(p.added), "returned": names(p.returned), "removed": names(p.removed),
		"set_aside": names(p.aside), "unchanged": len(p.kept)}
}

// RemoveSpecification takes the specification's APIs away from a service, with their assignments and those that were set
// aside. Policies stay.
func (a *Admin) RemoveSpecification(ctx context.Context, actor control.Actor, sid string) (control.BindResult, error) {
	svc, err := a.specified(ctx, actor, "RemoveSpecification", sid)
	if err != nil {
		return control.BindResult{}, err
	}
	var result control.BindResult
	err = a.change(ctx, actor, svc.WorkspaceID, func(c *change) error {
		result = emptyResult()
		old, err := c.Service(ctx, actor.TenantID, sid)
		if err != nil {
			return notFound(err, "service", sid)
		}
		if !old.WithSpecification {
			return control.Errorf(control.Malformed, "no_specification", "no specification was imported into the service %q", svc.Name)
		}
		if old.GatewayID != "" {
			return serviceBound(svc)
		}
		all, err := c.APIsOfService(ctx, actor.TenantID, sid)
		if err != nil {
			return err
		}
		for _, x := range all { // those that were set aside too: from here on nothing brings them back
			result.RemovedAPIs = append(result.RemovedAPIs, x.API)
		}
		if result.NotRemovedPolicies, err = policiesOf(ctx, c.Reader, actor.TenantID, result.RemovedAPIs); err != nil {
			return err
		}
		if err := c.RemoveAPIsOfService(ctx, actor.TenantID, sid); err != nil {
			return err
		}
		if err := c.SetSpecification(ctx, actor.TenantID, sid, false); err != nil {
			return err
		}
		return c.audit(ctx, "service", "specification_removed", sid, map[string]any{"apis": len(all)}, nil)
	})
	return result, err
}
