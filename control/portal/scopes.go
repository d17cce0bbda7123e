package portal

import (
	"net/http"

	"portcullis/control"
)

// scopes lists them. The query opens a popup: create, edit (a scope), delete (a scope).
func (p *portal) scopes(r *request) error {
	v := scopesPage{}
	id := ""
	switch {
	case r.query("create") != "":
		v.popup = "create"
	case r.query("edit") != "":
		v.popup, id = "edit", r.query("edit")
	case r.query("delete") != "":
		v.popup, id = "delete", r.query("delete")
	}
	if v.popup != "" {
		if err := r.needManager(); err != nil {
			return err
		}
	}
	if id != "" {
		var err error
		if v.scope, err = r.scopeByID(id); err != nil {
			return err
		}
	}
	return p.renderScopes(r, http.StatusOK, v)
}

func (p *portal) renderScopes(r *request, status int, v scopesPage) error {
	var err error
	if v.scopes, err = p.admin.ListScopes(r.ctx(), r.actor, r.wid()); err != nil {
		return err
	}
	services, err := p.admin.ListServices(r.ctx(), r.actor, r.wid())
	if err != nil {
		return err
	}
	v.services = map[string]string{}
	v.options = []option{{value: "", text: "Every service", chosen: v.scope.ServiceID == ""}}
	for _, s := range services {
		v.services[s.ID] = s.Name
		v.options = append(v.options, option{value: s.ID, text: s.Name, chosen: s.ID == v.scope.ServiceID})
	}
	return r.render(status, scopesView(r.frame("Scopes", "scopes"), v))
}

// scopeByID finds a scope, which must be one of the workspace.
func (r *request) scopeByID(id string) (control.Scope, error) {
	s, err := r.p.admin.GetScope(r.ctx(), r.actor, id)
	if err == nil && s.WorkspaceID != r.wid() {
		err = control.Errorf(control.NotFound, "", "There is no such scope in this workspace.")
	}
	return s, err
}

func (p *portal) createScope(r *request) error {
	s := control.Scope{WorkspaceID: r.wid(), ServiceID: r.value("service_id"), Name: r.value("name"), DisplayName: r.value("display_name"), Description: r.value("description")}
	if _, err := p.admin.CreateScope(r.ctx(), r.actor, s); err != nil {
		return p.scopeRefused(r, "create", s, err)
	}
	return r.done(in(r.wid(), "scopes"), "scope-created")
}

func (p *portal) scopeRefused(r *request, popup string, s control.Scope, err error) error {
	status, errs, ok := formProblem(err, "name", "service_id", "display_name", "description")
	if !ok {
		return err
	}
	return p.renderScopes(r, status, scopesPage{popup: popup, scope: s, errs: errs})
}

func (p *portal) saveScope(r *request) error {
	s, err := r.scopeByID(r.PathValue("scope"))
	if err != nil {
		return err
	}
	s.DisplayName, s.Description = r.value("display_name"), r.value("description")
	if _, err := p.admin.UpdateScope(r.ctx(), r.actor, s); err != nil {
		return p.scopeRefused(r, "edit", s, err)
	}
	return r.done(in(r.wid(), "scopes"), "scope-saved")
}

func (p *portal) deleteScope(r *request) error {
	s, err := r.scopeByID(r.PathValue("scope"))
	if err != nil {
		return err
	}
	if err := p.admin.DeleteScope(r.ctx(), r.actor, s.ID); err != nil {
		return p.scopeRefused(r, "delete", s, err)
	}
	return r.done(in(r.wid(), "scopes"), "scope-deleted")
}
