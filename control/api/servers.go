package api

import (
	"encoding/base64"
	"net/http"

	"portcullis/control"
	"portcullis/control/api/openapi"
	"portcullis/control/web"
)

// server is a workspace on the wire.
type server struct {
	control.Workspace
	IssuerURL string `json:"issuer_url"`
}

// serverContract names the members of the published Server that the document leaves out.
var serverContract = web.Contract{Answers: []any{openapi.ServerResponse{}}, Empty: []string{"access_token_strategies", "advanced",
	"authentication_context_settings", "dynamic_client_registration", "initialize", "issuer_id", "jwks", "mtls_issuer_url", "parent_id", "root_cas",
	"secret", "settings", "styling", "subject_format", "template", "theme_id", "token_endpoint_authn_methods", "version"}}

func (a *API) serverOf(w control.Workspace) server {
	return server{Workspace: w, IssuerURL: a.Admin.IssuerURL(w.TenantID, w.ID)}
}

func (a *API) serverPage(r *http.Request, actor control.Actor, noun string) ([]control.WorkspaceSummary, control.Page, error) {
	p, err := pageOf(r, noun)
	if err != nil {
		return nil, p, err
	}
	p.Types = queryList(r, noun+"_types")
	page, err := a.Admin.PageWorkspaces(r.Context(), actor, p)
	return page, p, err
}

func (a *API) listServers(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	page, _, err := a.serverPage(r, actor, "server")
	if err != nil {
		return err
	}
	out := struct {
		Servers []server `json:"servers"`
	}{make([]server, 0, len(page))}
	for _, s := range page {
		out.Servers = append(out.Servers, a.serverOf(s.Workspace))
	}
	return reply(w, http.StatusOK, out)
}

func (a *API) createServer(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in control.Workspace
	if _, err := decode[openapi.Server](r, &in, serverContract); err != nil {
		return err
	}
	if err := sameTenant(&in.TenantID, r); err != nil {
		return err
	}
	create := a.Admin.CreateWorkspace
	switch r.URL.Query().Get("with_demo_client") {
	case "", "false":
	case "true":
		create = a.Admin.CreateDemoWorkspace
	default:
		return badParameter("with_demo_client", "must be true or false")
	}
	ws, err := create(r.Context(), actor, in)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusCreated, a.serverOf(ws))
}

func (a *API) serverNow(r *http.Request, actor control.Actor) (any, error) {
	ws, err := a.Admin.GetWorkspace(r.Context(), actor, r.PathValue("wid"))
	return a.serverOf(ws), err
}

func (a *API) getServer(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	out, err := a.serverNow(r, actor)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusOK, out)
}

func (a *API) updateServer(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in control.Workspace
	if _, err := decode[openapi.Server](r, &in, serverContract); err != nil {
		return err
	}
	if err := sameTenant(&in.TenantID, r); err != nil {
		return err
	}
	if err := sameID(&in.ID, "id", r.PathValue("wid")); err != nil {
		return err
	}
	r, err := precondition(r, actor, a.serverNow)
	if err != nil {
		return err
	}
	ws, err := a.Admin.UpdateWorkspace(r.Context(), actor, in)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusOK, a.serverOf(ws))
}

func (a *API) deleteServer(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	r, err := precondition(r, actor, a.serverNow)
	if err != nil {
		return err
	}
	if err := a.Admin.DeleteWorkspace(r.Context(), actor, r.PathValue("wid")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// workspaceOf is the lighter form that a directory shows, without what was noted about it.
func (a *API) workspaceOf(s control.Workspace) openapi.Workspace {
	return openapi.Workspace{ID: s.ID, TenantID: s.TenantID, Name: s.Name, Description: s.Description, Color: s.Color, Type: openapi.WorkspaceType(s.Type),
		IssuerURL: a.Admin.IssuerURL(s.TenantID, s.ID), CreatedAt: &s.CreatedAt, UpdatedAt: &s.UpdatedAt}
}

func (a *API) listWorkspaces(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	page, _, err := a.serverPage(r, actor, "workspace")
	if err != nil {
		return err
	}
	out := openapi.WorkspacesResponse{Workspaces: make([]openapi.Workspace, 0, len(page))}
	for _, s := range page {
		out.Workspaces = append(out.Workspaces, a.workspaceOf(s.Workspace))
	}
	return reply(w, http.StatusOK, out)
}

// listUserWorkspaces is listWorkspaces with a cursor that says where the next page begins; there is none on the last page.
func (a *API) listUserWorkspaces(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	q := r.URL.Query()
	if c := q.Get("cursor"); c != "" {
		id, err := base64.RawURLEncoding.DecodeString(c)
		if err != nil || q.Get("after_workspace_id") != "" || q.Get("before_workspace_id") != "" {
			return badParameter("cursor", "must be the cursor of an earlier answer, alone")
		}
		q.Set("after_workspace_id", string(id))
		r = r.Clone(r.Context())
		r.URL.RawQuery = q.Encode()
	}
	page, p, err := a.serverPage(r, actor, "workspace")
	if err != nil {
		return err
	}
	out := openapi.WorkspacesResponse{Workspaces: make([]openapi.Workspace, 0, len(page))}
	for _, s := range page {
		out.Workspaces = append(out.Workspaces, a.workspaceOf(s.Workspace))
	}
	if len(page) == p.Limit && p.Before == "" { // there may be more
		p.After, p.Limit = page[len(page)-1].ID, 1
		next, err := a.Admin.PageWorkspaces(r.Context(), actor, p)
		if err != nil {
			return err
		}
		if len(next) > 0 {
			cursor := base64.RawURLEncoding.EncodeToString([]byte(p.After))
			out.Cursor = &cursor
		}
	}
	return reply(w, http.StatusOK, out)
}
