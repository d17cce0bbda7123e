package portal

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"portcullis/control"
	"portcullis/edge/waist"
)

// apiPolicyTypes are the policy types that can be assigned to an API.
var apiPolicyTypes = []string{control.PolicyAPI}

// authorization is APIs › AUTHORIZATION. The query opens a popup over it: edit (an API), connect, remove, unbind (a
// service), create.
func (p *portal) authorization(r *request) error {
	return p.renderAuthorization(r, http.StatusOK, authorizationPage{show: r.query("show"), query: clip(strings.TrimSpace(r.query("q")), 128)}, popups{
		edit: r.query("edit"), connect: r.query("connect"), remove: r.query("remove"), unbind: r.query("unbind"), change: r.query("change"), create: r.query("create") != "",
	})
}

// popups names what a popup is about; at most one member is set.
type popups struct {
	edit, connect, remove, unbind, change string
	create                                bool
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
	if v.show != "open" && v.show != "protected" && v.show != "drifted" {
		v.show = ""
	}
	if err := v.find(services, o); err != nil {
		return err
	}
	v.services, v.none = v.filter(services), len(services) == 0
	v.create = o.create
	if v.today, err = p.analytics.ByAPI(r.ctx(), r.actor, r.wid(), p.today()); err != nil {
		return err
	}
	if v.edit != nil && v.edit.PolicyID != "" {
		if v.doubts, err = p.admin.APIWarnings(r.ctx(), r.actor, v.edit.ID); err != nil {
			return err
		}
	}
	if r.manages() {
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

// authorizationCSV is what AUTHORIZATION shows as a file.
func (p *portal) authorizationCSV(r *request) error {
	v := authorizationPage{show: r.query("show"), query: clip(strings.TrimSpace(r.query("q")), 128)}
	services, err := p.admin.ListServiceAPIs(r.ctx(), r.actor, r.wid())
	if err != nil {
		return err
	}
	today, err := p.analytics.ByAPI(r.ctx(), r.actor, r.wid(), p.today())
	if err != nil {
		return err
	}
	rows := [][]string{{"service", "method", "path", "policy_id", "policy_name", "in_front", "deployed", "allowed_today", "denied_today", "api_id"}}
	for _, s := range v.filter(services) {
		for _, a := range s.APIs {
			deployed := ""
			if a.Deployed != nil {
				deployed = strconv.FormatBool(*a.Deployed)
			}
			rows = append(rows, []string{cell(s.Service.Name), cell(a.Method), cell(a.Path), cell(a.PolicyID), cell(a.PolicyName), a.Authorizer, deployed,
				i64(today[a.ID].Allowed), i64(today[a.ID].Denied), cell(a.ID)})
		}
	}
	return r.sendCSV("apis-"+r.wid(), rows)
}

// find looks up what the popup is about among the services.
func (v *authorizationPage) find(services []control.ServiceAPIs, o popups) error {
	for i := range services {
		s := &services[i]
		switch s.Service.ID {
		case o.connect:
			v.connectTo = &s.Service
		case o.change:
			v.change = &s.Service
			if v.errs.text == "" && len(v.errs.fields) == 0 {
				v.name, v.text, v.audience = s.Service.Name, s.Service.Description, s.Service.CustomAudience
			}
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
	if o.any() && !o.create && v.edit == nil && v.connectTo == nil && v.remove == nil && v.unbind == nil && v.change == nil {
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
			if drifted(a) {
				v.drifted++
			}
			if v.shows(s, a) {
				s.APIs = append(s.APIs, a)
				v.found++
			}
		}
		// Services without a match only stand in the way of a search.
		if len(s.APIs) > 0 || v.show == "" && v.query == "" {
			out = append(out, s)
		}
	}
	return out
}

// shows reports whether an API is one that was asked for: by the filter, and by every word of the search.
func (v *authorizationPage) shows(s control.ServiceAPIs, a control.APIState) bool {
	switch v.show {
	case "open":
		if a.PolicyID != "" {
			return false
		}
	case "protected":
		if a.PolicyID == "" {
			return false
		}
	case "drifted":
		if !drifted(a) {
			return false
		}
	}
	text := strings.ToLower(a.Method + " " + a.Path + " " + a.PolicyName + " " + a.PolicyID + " " + s.Service.Name)
	for _, word := range strings.Fields(strings.ToLower(v.query)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// drifted reports that AWS does not do what is decided here: the method of a connected group has not our authorizer in
// front, or has it only in the edited API. What was never reported is not known to have drifted.
func drifted(a control.APIState) bool {
	if a.Method == "OPTIONS" || a.Authorizer == "" {
		return false
	}
	return a.Authorizer != waist.AuthorizerOurs || a.Deployed != nil && !*a.Deployed
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
	show, q := r.value("show"), r.value("q")
	_, err = p.admin.UpdateAPI(r.ctx(), r.actor, api.ID, control.APIUpdate{PolicyID: r.value("policy_id"), DataClassifications: api.DataClassifications})
	if err != nil {
		status, errs, ok := formProblem(err, "policy_id")
		if !ok {
			return err
		}
		return p.renderAuthorization(r, status, authorizationPage{show: show, query: q, errs: errs}, popups{edit: api.ID})
	}
	return r.done(with(in(r.wid(), "apis", "authorization"), "show", show, "q", q)+"#api-"+pathEscape(api.ID), "api-updated")
}

// maxAssign bounds what one form assigns.
const maxAssign = 1000

// updateAPIs assigns one policy to several APIs, all or none.
func (p *portal) updateAPIs(r *request) error {
	ids := r.PostForm["api"]
	v := authorizationPage{show: r.value("show"), query: r.value("q"), assign: r.value("policy_id"), ticked: map[string]bool{}}
	for _, id := range ids {
		v.ticked[id] = true
	}
	refuse := func(status int, text string) error {
		v.assignErr = text
		return p.renderAuthorization(r, status, v, popups{})
	}
	if len(ids) == 0 {
		return refuse(http.StatusUnprocessableEntity, "Tick the APIs first.")
	}
	if len(ids) > maxAssign {
		return refuse(http.StatusUnprocessableEntity, fmt.Sprintf("At most %d APIs can be assigned at once; nothing was changed.", maxAssign))
	}
	if _, err := p.admin.AssignPolicy(r.ctx(), r.actor, r.wid(), ids, v.assign); err != nil {
		if control.KindOf(err) == control.NotFound {
			return control.Errorf(control.NotFound, "", "One of the APIs is no longer there; nothing was changed.")
		}
		status, errs, ok := formProblem(err)
		if !ok {
			return err
		}
		return refuse(status, errs.whole())
	}
	return r.done(with(in(r.wid(), "apis", "authorization"), "show", v.show, "q", v.query), "apis-updated")
}

func (p *portal) createService(r *request) error {
	s := control.Service{WorkspaceID: r.wid(), Name: r.value("name"), Description: r.value("description"), CustomAudience: r.value("custom_audience")}
	created, err := p.admin.CreateService(r.ctx(), r.actor, s)
	if err != nil {
		return p.serviceRefused(r, s, popups{create: true}, err)
	}
	return r.done(in(r.wid(), "apis", "authorization")+"#service-"+pathEscape(created.ID), "service-created")
}

func (p *portal) serviceRefused(r *request, s control.Service, o popups, err error) error {
	status, errs, ok := formProblem(err, "name", "description", "custom_audience")
	if !ok {
		return err
	}
	return p.renderAuthorization(r, status, authorizationPage{errs: errs, name: s.Name, text: s.Description, audience: s.CustomAudience}, o)
}

func (p *portal) saveService(r *request) error {
	s, err := r.service()
	if err != nil {
		return err
	}
	s.Name, s.Description, s.CustomAudience = r.value("name"), r.value("description"), r.value("custom_audience")
	if _, err := p.admin.UpdateService(r.ctx(), r.actor, s); err != nil {
		return p.serviceRefused(r, s, popups{change: s.ID}, err)
	}
	return r.done(in(r.wid(), "apis", "authorization")+"#service-"+pathEscape(s.ID), "service-saved")
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
