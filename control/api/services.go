package api

import (
	"net/http"
	"slices"

	"portcullis/control"
	"portcullis/control/web"
)

// service is a service as requests carry it: what was read may be sent back, so its read-only members are here too.
type service struct {
	control.Service
	Scopes              []scope `json:"scopes,omitempty"`
	NumberOfAPIs        int     `json:"number_of_apis,omitempty"`
	NumberOfScopes      int     `json:"number_of_scopes,omitempty"`
	NumberOfSubscribers int     `json:"number_of_subscribers,omitempty"`
}

var services = lister[control.ServiceSummary]{"service",
	func(s control.ServiceSummary) string { return s.ID }, func(s control.ServiceSummary) string { return s.Name }}

func (a *API) listServices(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	all, err := a.Admin.ListServices(r.Context(), actor, r.PathValue("wid"))
	if err != nil {
		return err
	}
	if types := queryList(r, "service_types"); len(types) > 0 {
		all = slices.DeleteFunc(slices.Clone(all), func(s control.ServiceSummary) bool { return !slices.Contains(types, s.Type) })
	}
	page, err := services.cut(r, all)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct {
		Services []control.ServiceSummary `json:"services"`
	}{page})
}

func (a *API) createService(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in service
	if err := web.DecodeJSON(r, &in, maxBody); err != nil {
		return err
	}
	if err := sameTenant(&in.TenantID, r); err != nil {
		return err
	}
	s, err := a.Admin.CreateService(r.Context(), actor, in.Service)
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
	var in service
	if err := web.DecodeJSON(r, &in, maxBody); err != nil {
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
	s, err := a.Admin.UpdateService(r.Context(), actor, in.Service)
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
