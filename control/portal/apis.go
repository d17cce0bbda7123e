package portal

import (
	"net/http"
	"slices"

	"portcullis/control"
)

// apiPolicyTypes are the policy types that can be assigned to an API.
var apiPolicyTypes = []string{"api"}

// authorization is APIs › AUTHORIZATION. The query opens a popup over it: edit (an API), connect, remove, unbind (a
// service), create.
func (p *portal) authorization(r *request) error {
	return p.renderAuthorization(r, http.StatusOK, authorizationPage{show: r.query("show")}, popups{
		edit: r.query("edit"), connect: r.query("connect"), remove: r.query("remove"), unbind: r.query("unbind"), create: r.query("create") != "",
	})
}

// popups names what a popup is about; at most one member is set.
type popups struct {
	edit, connect, remove, unbind string
	create                        bool
}

func (o popups) any() bool { return o != popups{} }

func (p *portal) renderAuthorization(r *request, status int, v authorizationPage, o popups) error {
	if o.any() {
		if err := r.needManager(); err != nil {
			return err
		}
	}
	services, err := p.admin.ListServiceAPIs(r.ctx(), r.actor, r.wid())
	if err != nil {
		return err
	}
	if v.show != "open" && v.show != "protected" {
		v.show = ""
	}
	if err := v.find(services, o); err != nil {
		return err
	}
	v.services = v.filter(services)
	v.create = o.create
	if v.edit != nil {
		if v.policies, err = p.admin.ListPolicies(r.ctx(), r.actor, r.wid(), apiPolicyTypes); err != nil {
			return err
		}
	}
	if v.connectTo != nil {
		if v.choices, err = p.freeGroups(r); err != nil {
			return err
		}
	}
	return r.render(status, authorizationView(r.frame("APIs", "apis"), v))
}

// find looks up what the popup is about among the services.
func (v *authorizationPage) find(services []control.ServiceAPIs, o popups) error {
	for i := range services {
		s := &services[i]
		switch s.Service.ID {
		case o.connect:
			v.connectTo = &s.Service
		case o.remove:
			v.remove, v.removeN = &s.Service, len(s.APIs)
		case o.unbind:
			if s.Group != nil {
				v.unbind = s
			}
		}
		for j := range s.APIs {
			if o.edit != "" && s.APIs[j].ID == o.edit {
				v.edit, v.editOf = &s.APIs[j], s.Service
			}
		}
	}
	if o.any() && !o.create && v.edit == nil && v.connectTo == nil && v.remove == nil && v.unbind == nil {
		return control.Errorf(control.NotFound, "", "What this address is about is no longer there; somebody may have removed or disconnected it.")
	}
	return nil
}

// filter counts, and keeps what the page is to show.
func (v *authorizationPage) filter(services []control.ServiceAPIs) []control.ServiceAPIs {
	out := make([]control.ServiceAPIs, 0, len(services))
	for _, s := range services {
		all := s.APIs
		s.APIs = make([]control.APIState, 0, len(all))
		for _, a := range all {
			v.total++
			if a.PolicyID == "" {
				v.open++
			}
			if v.show == "" || (v.show == "open") == (a.PolicyID == "") {
				s.APIs = append(s.APIs, a)
			}
		}
		out = append(out, s)
	}
	return out
}

// freeGroups are the groups of the workspace's gateways that are not connected and still there.
func (p *portal) freeGroups(r *request) ([]groupChoice, error) {
	gateways, err := p.admin.ListGateways(r.ctx(), r.actor, r.wid())
	if err != nil {
		return nil, err
	}
	var out []groupChoice
	for _, g := range gateways {
		groups, err := p.admin.ListGroups(r.ctx(), r.actor, g.ID)
		if err != nil {
			return nil, err
		}
		groups = slices.DeleteFunc(groups, func(g control.APIGroup) bool { return g.ServiceID != "" || g.Gone })
		out = append(out, groupChoice{gateway: g, groups: groups})
	}
	return out, nil
}

func hasGroup(choices []groupChoice) bool {
	return slices.ContainsFunc(choices, func(c groupChoice) bool { return len(c.groups) > 0 })
}

// api is the API of the address, which must be one of the workspace.
func (r *request) api() (control.API, error) {
	api, err := r.p.admin.GetAPI(r.ctx(), r.actor, r.PathValue("api"))
	if err == nil && api.ServerID != r.wid() {
		err = control.Errorf(control.NotFound, "", "There is no such API in this workspace.")
	}
	return api, err
}

// service is the service of the address, which must be one of the workspace.
func (r *request) service() (control.Service, error) {
	s, _, err := r.p.admin.GetService(r.ctx(), r.actor, r.PathValue("service"))
	if err == nil && s.WorkspaceID != r.wid() {
		err = control.Errorf(control.NotFound, "", "There is no such service in this workspace.")
	}
	return s, err
}

func (p *portal) updateAPI(r *request) error {
	api, err := r.api()
	if err != nil {
		return err
	}
	show := r.value("show")
	_, err = p.admin.UpdateAPI(r.ctx(), r.actor, api.ID, control.APIUpdate{PolicyID: r.value("policy_id"), DataClassifications: api.DataClassifications})
	if err != nil {
		status, errs, ok := formProblem(err, "policy_id")
		if !ok {
			return err
		}
		return p.renderAuthorization(r, status, authorizationPage{show: show, errs: errs}, popups{edit: api.ID})
	}
	return r.done(with(in(r.wid(), "apis", "authorization"), "show", show)+"#api-"+pathEscape(api.ID), "api-updated")
}

func (p *portal) createService(r *request) error {
	s := control.Service{WorkspaceID: r.wid(), Name: r.value("name"), Description: r.value("description")}
	created, err := p.admin.CreateService(r.ctx(), r.actor, s)
	if err != nil {
		status, errs, ok := formProblem(err, "name", "description")
		if !ok {
			return err
		}
		return p.renderAuthorization(r, status, authorizationPage{errs: errs, name: s.Name, text: s.Description}, popups{create: true})
	}
	return r.done(in(r.wid(), "apis", "authorization")+"#service-"+pathEscape(created.ID), "service-created")
}

func (p *portal) deleteService(r *request) error {
	s, err := r.service()
	if err != nil {
		return err
	}
	if err := p.admin.DeleteService(r.ctx(), r.actor, s.ID); err != nil {
		return err
	}
	return r.done(in(r.wid(), "apis", "authorization"), "service-deleted")
}

// connectGroup is Connect of Add Gateway API Groups. A group id alone does not say whose it is, so it must be one of the
// gateway that was chosen beside it.
func (p *portal) connectGroup(r *request) error {
	s, err := r.service()
	if err != nil {
		return err
	}
	fail := func(status int, errs formErrors) error {
		return p.renderAuthorization(r, status, authorizationPage{errs: errs, chosen: r.value("group")}, popups{connect: s.ID})
	}
	gw, err := r.gatewayByID(r.value("gateway"))
	if err != nil {
		return err
	}
	if r.value("group") == "" {
		return fail(http.StatusUnprocessableEntity, formErrors{text: "Choose an API group."})
	}
	if _, err := p.admin.BindGroup(r.ctx(), r.actor, gw.ID, r.value("group"), s.ID); err != nil {
		if control.KindOf(err) == control.NotFound {
			return fail(http.StatusUnprocessableEntity, formErrors{text: "Gateway " + gw.Name + " has no such API group; choose a group that stands under it."})
		}
		status, errs, ok := formProblem(err)
		if !ok {
			return err
		}
		return fail(status, errs)
	}
	return r.done(in(r.wid(), "apis", "authorization")+"#service-"+pathEscape(s.ID), "group-bound")
}

func (p *portal) unbindFromService(r *request) error {
	if _, err := r.service(); err != nil {
		return err
	}
	gw, err := r.gatewayByID(r.value("gateway"))
	if err != nil {
		return err
	}
	if _, err := p.admin.UnbindGroup(r.ctx(), r.actor, gw.ID, r.value("group")); err != nil {
		return err
	}
	return r.done(in(r.wid(), "apis", "authorization"), "group-unbound")
}
