package api

import (
	"net/http"

	"portcullis/control"
	"portcullis/control/api/openapi"
	"portcullis/control/web"
)

var serviceContract = web.Contract{Answers: []any{openapi.ServiceWithScopesResponse{}, openapi.ServiceResponse{}}}

func (a *API) listServices(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	p, err := pageOf(r, "service")
	if err != nil {
		return err
	}
	p.Types = queryList(r, "service_types")
	page, err := a.Admin.PageServices(r.Context(), actor, r.PathValue("wid"), p)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct {
		Services []control.ServiceSummary `json:"services"`
	}{page})
}

func (a *API) createService(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in control.Service
	if _, err := decode[openapi.Service](r, &in, serviceContract); err != nil {
		return err
	}
	if err := sameTenant(&in.TenantID, r); err != nil {
		return err
	}
	s, err := a.Admin.CreateService(r.Context(), actor, in)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusCreated, s)
}

// serviceNow is the service without its scopes, which have operations of their own: its ETag is of this.
func (a *API) serviceNow(r *http.Request, actor control.Actor) (any, error) {
	s, _, err := a.Admin.GetService(r.Context(), actor, r.PathValue("sid"))
	return s, err
}

func (a *API) getService(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	s, scopes, err := a.Admin.GetService(r.Context(), actor, r.PathValue("sid"))
	if err != nil {
		return err
	}
	out := struct {
		control.Service
		Scopes []scope `json:"scopes"`
	}{s, make([]scope, 0, len(scopes))}
	for _, sc := range scopes {
		out.Scopes = append(out.Scopes, scopeOf(sc, s.Name))
	}
	w.Header().Set("ETag", etag(s))
	return reply(w, http.StatusOK, out)
}

func (a *API) updateService(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in control.Service
	if _, err := decode[openapi.Service](r, &in, serviceContract); err != nil {
		return err
	}
	if err := sameTenant(&in.TenantID, r); err != nil {
		return err
	}
	if err := sameID(&in.ID, "id", r.PathValue("sid")); err != nil {
		return err
	}
	r, err := precondition(r, actor, a.serviceNow)
	if err != nil {
		return err
	}
	s, err := a.Admin.UpdateService(r.Context(), actor, in)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusOK, s)
}

func (a *API) deleteService(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	r, err := precondition(r, actor, a.serviceNow)
	if err != nil {
		return err
	}
	if err := a.Admin.DeleteService(r.Context(), actor, r.PathValue("sid")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
