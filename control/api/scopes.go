package api

import (
	"net/http"

	"portcullis/control"
	"portcullis/control/api/openapi"
	"portcullis/control/web"
	"portcullis/edge/waist"
)

// scope is a scope with the service that it belongs to.
type scope struct {
	control.Scope
	WithService bool                `json:"with_service"`
	Service     *waist.ScopeService `json:"service,omitempty"`
}

var scopeContract = web.Contract{Answers: []any{openapi.ScopeWithService{}}, Reads: []string{"service"}}

func scopeOf(s control.Scope, serviceName string) scope {
	out := scope{Scope: s, WithService: s.ServiceID != ""}
	if out.WithService {
		out.Service = &waist.ScopeService{ID: s.ServiceID, Name: serviceName}
	}
	return out
}

func (a *API) listScopes(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	all, err := a.Admin.ListScopes(r.Context(), actor, r.PathValue("wid"))
	if err != nil {
		return err
	}
	names := map[string]string{} // :: service id → name
	services, err := a.Admin.ListServices(r.Context(), actor, r.PathValue("wid"))
	if err != nil {
		return err
	}
	for _, s := range services {
		names[s.ID] = s.Name
	}
	out := struct {
		Scopes []scope `json:"scopes"`
	}{make([]scope, 0, len(all))}
	for _, s := range all {
		out.Scopes = append(out.Scopes, scopeOf(s, names[s.ServiceID]))
	}
	return reply(w, http.StatusOK, out)
}

func (a *API) createScope(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in control.Scope
	if _, err := decode[openapi.Scope](r, &in, scopeContract); err != nil {
		return err
	}
	if err := sameTenant(&in.TenantID, r); err != nil {
		return err
	}
	s, err := a.Admin.CreateScope(r.Context(), actor, in)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", scopeTag(s))
	return reply(w, http.StatusCreated, s)
}

// scopeTag is the ETag of a scope: of what its own operations change, not of its service's name.
func scopeTag(s control.Scope) string { return etag(s) }

func (a *API) scopeNow(r *http.Request, actor control.Actor) (any, error) {
	return a.Admin.GetScope(r.Context(), actor, r.PathValue("scp"))
}

func (a *API) getScope(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	s, err := a.Admin.GetScope(r.Context(), actor, r.PathValue("scp"))
	if err != nil {
		return err
	}
	name := ""
	if s.ServiceID != "" {
		service, _, err := a.Admin.GetService(r.Context(), actor, s.ServiceID)
		if err != nil {
			return err
		}
		name = service.Name
	}
	w.Header().Set("ETag", scopeTag(s))
	return reply(w, http.StatusOK, scopeOf(s, name))
}

func (a *API) updateScope(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in control.Scope
	if _, err := decode[openapi.Scope](r, &in, scopeContract); err != nil {
		return err
	}
	if err := sameTenant(&in.TenantID, r); err != nil {
		return err
	}
	if err := sameID(&in.ID, "id", r.PathValue("scp")); err != nil {
		return err
	}
	r, err := precondition(r, actor, a.scopeNow)
	if err != nil {
		return err
	}
	s, err := a.Admin.UpdateScope(r.Context(), actor, in)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", scopeTag(s))
	return reply(w, http.StatusOK, s)
}

func (a *API) deleteScope(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	r, err := precondition(r, actor, a.scopeNow)
	if err != nil {
		return err
	}
	if err := a.Admin.DeleteScope(r.Context(), actor, r.PathValue("scp")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
