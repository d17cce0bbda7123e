package portal

import (
	"net/http"
	"time"

	"portcullis/control"
	"portcullis/control/analytics"
	"portcullis/control/web"
)

func (p *portal) directory(r *request) error {
	list, err := p.admin.ListWorkspaces(r.ctx(), r.actor)
	if err != nil {
		return err
	}
	ids := make([]string, 0, len(list))
	for _, w := range list {
		if !tenantsOwn(w) {
			ids = append(ids, w.ID)
		}
	}
	// The directory is of use without them.
	today, err := p.analytics.ByWorkspace(r.ctx(), r.actor, ids, p.today())
	if err != nil {
		web.Event(r.ctx()).Err = err
	}
	return r.render(http.StatusOK, directoryView(r.frame("Workspace Directory", ""), clock{p.now()}, list, today))
}

// today begins at midnight UTC.
func (p *portal) today() time.Time { return p.now().UTC().Truncate(24 * time.Hour) }

func workspaceKind(w control.Workspace) string {
	switch w.Type {
	case "admin":
		return "Administrators and automation"
	case "system":
		return "Clients of the gateways"
	}
	return ""
}

// needAdmin refuses a page that only an administrator can use; the verbs behind it refuse by themselves.
func (r *request) needAdmin() error {
	if r.actor.Role < control.Admin {
		return control.Errorf(control.Forbidden, "", "Only an administrator can do this; your role is %s.", r.actor.Role)
	}
	return nil
}

// needManager is needAdmin for pages that change something inside the workspace.
func (r *request) needManager() error {
	if !r.manages() {
		return control.Errorf(control.Forbidden, "", "Only a manager of this workspace can do this; your role is %s.", r.actor.RoleIn(r.wid()))
	}
	return nil
}

func (p *portal) newWorkspace(r *request) error {
	if err := r.needAdmin(); err != nil {
		return err
	}
	return r.render(http.StatusOK, newWorkspaceView(r.frame("Create workspace", ""), workspaceForm{}))
}

func (p *portal) createWorkspace(r *request) error {
	v := workspaceForm{name: r.value("name"), id: r.value("id"), description: r.value("description"), color: r.value("color")}
	ws, err := p.admin.CreateWorkspace(r.ctx(), r.actor, control.Workspace{ID: v.id, Name: v.name, Description: v.description, Color: v.color})
	if err != nil {
		status, errs, ok := formProblem(err, "name", "id", "description", "color")
		if !ok {
			return err
		}
		v.errs = errs
		return r.render(status, newWorkspaceView(r.frame("Create workspace", ""), v))
	}
	return r.done(in(ws.ID, "overview"), "workspace-created")
}

// summary is the workspace as the directory shows it.
func (r *request) summary() (control.WorkspaceSummary, error) {
	list, err := r.p.admin.ListWorkspaces(r.ctx(), r.actor)
	if err != nil {
		return control.WorkspaceSummary{}, err
	}
	for _, s := range list {
		if s.ID == r.wid() {
			return s, nil
		}
	}
	return control.WorkspaceSummary{}, control.Errorf(control.NotFound, "", "There is no workspace %q, or you are not a member of it.", r.wid())
}

func (p *portal) overview(r *request) error {
	v := overviewPage{issuer: p.admin.IssuerURL(r.actor.TenantID, r.wid()), noData: "No decisions yet. They appear here seconds after an authorizer has taken them."}
	var err error
	if v.summary, err = r.summary(); err != nil {
		return err
	}
	if v.gateways, err = p.admin.ListGateways(r.ctx(), r.actor, r.wid()); err != nil {
		return err
	}
	today, err := p.analytics.ByWorkspace(r.ctx(), r.actor, []string{r.wid()}, p.today())
	if err != nil {
		web.Event(r.ctx()).Err = err
	}
	v.today = today[r.wid()]
	// The page is of use without them, so a failure here is told in their place.
	if v.decisions, err = p.analytics.Recent(r.ctx(), r.actor, r.wid(), analytics.Filter{Limit: 20}); err != nil {
		v.decisions, v.noData = nil, "The decisions cannot be read at the moment: "+problemText(err)
	}
	return r.render(http.StatusOK, overviewView(r.frame("Overview", "overview"), clock{p.now()}, v))
}

func problemText(err error) string {
	_, page := problemOf(err)
	return page.text
}

func (p *portal) workspaceSettings(r *request) error {
	ws := r.workspace
	v := settingsForm{name: ws.Name, description: ws.Description, color: ws.Color, ttl: time.Duration(ws.AccessTokenTTL).String(), deleting: r.query("delete") != ""}
	if ask := r.query("ask"); ask == "rotate" || ask == "revoke" && r.query("key") != "" {
		if err := r.needAdmin(); err != nil {
			return err
		}
		v.ask, v.key = ask, clip(r.query("key"), 128)
	}
	if v.deleting {
		if err := r.needAdmin(); err != nil {
			return err
		}
		var err error
		if v.summary, err = r.summary(); err != nil {
			return err
		}
	}
	return p.renderSettings(r, http.StatusOK, v)
}

func (p *portal) renderSettings(r *request, status int, v settingsForm) error {
	if r.audits() {
		var err error
		if v.keys, err = p.admin.ListKeys(r.ctx(), r.actor, r.wid()); err != nil {
			return err
		}
	}
	return r.render(status, settingsView(r.frame("Settings", "settings"), clock{p.now()}, p.admin.IssuerURL(r.actor.TenantID, r.wid()), v))
}

func (p *portal) saveWorkspace(r *request) error {
	v := settingsForm{name: r.value("name"), description: r.value("description"), color: r.value("color"), ttl: r.value("access_token_ttl")}
	ws := *r.workspace
	ws.Name, ws.Description, ws.Color = v.name, v.description, v.color
	if v.ttl != "" {
		ttl, err := time.ParseDuration(v.ttl)
		if err != nil || ttl <= 0 {
			v.errs.fields = map[string]string{"access_token_ttl": "This is no duration; write it like 1h0m0s or 15m."}
			return p.renderSettings(r, http.StatusUnprocessableEntity, v)
		}
		ws.AccessTokenTTL = control.Duration(ttl)
	}
	if _, err := p.admin.UpdateWorkspace(r.ctx(), r.actor, ws); err != nil {
		status, errs, ok := formProblem(err, "name", "description", "color", "access_token_ttl")
		if !ok {
			return err
		}
		v.errs = errs
		return p.renderSettings(r, status, v)
	}
	return r.done(in(r.wid(), "settings"), "workspace-saved")
}

func (p *portal) deleteWorkspace(r *request) error {
	if r.value("confirm") != r.wid() {
		ws := r.workspace
		v := settingsForm{name: ws.Name, description: ws.Description, color: ws.Color, ttl: time.Duration(ws.AccessTokenTTL).String(), deleting: true}
		v.confirm.fields = map[string]string{"confirm": "This is not the workspace's ID. Nothing was deleted."}
		var err error
		if v.summary, err = r.summary(); err != nil {
			return err
		}
		return p.renderSettings(r, http.StatusUnprocessableEntity, v)
	}
	if err := p.admin.DeleteWorkspace(r.ctx(), r.actor, r.wid()); err != nil {
		return err
	}
	return r.done("/app/", "workspace-deleted")
}

func (p *portal) rotateKey(r *request) error {
	if _, err := p.admin.RotateKey(r.ctx(), r.actor, r.wid()); err != nil {
		return err
	}
	return r.done(in(r.wid(), "settings")+"#keys", "key-rotated")
}

func (p *portal) revokeKey(r *request) error {
	if err := p.admin.RevokeKey(r.ctx(), r.actor, r.wid(), r.PathValue("key")); err != nil {
		return err
	}
	return r.done(in(r.wid(), "settings")+"#keys", "key-revoked")
}
