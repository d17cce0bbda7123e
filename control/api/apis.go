package api

import (
	"net/http"
	"slices"
	"strings"

	"portcullis/control"
	"portcullis/control/api/openapi"
	"portcullis/control/web"
)

// apisOf narrows a list by data_classification and leaves the tags out on without_data_classifications=true.
func apisOf(r *http.Request, all []control.API) []control.API {
	tags, bare := queryList(r, "data_classification"), r.URL.Query().Get("without_data_classifications") == "true"
	out := make([]control.API, 0, len(all))
	for _, a := range all {
		if len(tags) > 0 && !slices.ContainsFunc(tags, func(t string) bool { return slices.Contains(a.DataClassifications, t) }) {
			continue
		}
		if bare {
			a.DataClassifications = nil
		}
		out = append(out, a)
	}
	return out
}

func (a *API) listAPIsByService(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	all, err := a.Admin.ListAPIsByService(r.Context(), actor, r.PathValue("sid"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct {
		APIs []control.API `json:"apis"`
	}{apisOf(r, all)})
}

func (a *API) listAPIsByServer(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	all, err := a.Admin.ListAPIs(r.Context(), actor, r.PathValue("wid"))
	if err != nil {
		return err
	}
	out := struct {
		APIs map[string][]control.API `json:"apis_by_services"`
	}{make(map[string][]control.API, len(all))}
	for sid, apis := range all {
		out.APIs[sid] = apisOf(r, apis)
	}
	return reply(w, http.StatusOK, out)
}

// savedAPI is the answer to a save of an API. Warnings say what makes its policy doubtful at its path.
type savedAPI struct {
	control.API
	Warnings []control.PolicyWarning `json:"warnings"`
}

func (a *API) savedAPI(w http.ResponseWriter, r *http.Request, actor control.Actor, status int, x control.API) error {
	list, err := a.Admin.APIWarnings(r.Context(), actor, x.ID)
	return replySaved(w, status, x, savedAPI{x, orDoubt(list, err)})
}

var apiContract = web.Contract{Answers: []any{openapi.API{}}, Reads: []string{"warnings"}}

func (a *API) createAPI(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in control.API
	if _, err := decode[openapi.APIRequest](r, &in, apiContract); err != nil {
		return err
	}
	if err := sameTenant(&in.TenantID, r); err != nil {
		return err
	}
	out, err := a.Admin.CreateAPI(r.Context(), actor, in)
	if err != nil {
		return err
	}
	return a.savedAPI(w, r, actor, http.StatusCreated, out)
}

func (a *API) apiNow(r *http.Request, actor control.Actor) (any, error) {
	return a.Admin.GetAPI(r.Context(), actor, r.PathValue("api"))
}

func (a *API) getAPI(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	out, err := a.apiNow(r, actor)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusOK, out)
}

// updateAPI is the call behind the portal's Edit API popup: it changes the policy and the tags. The other members may be
// sent as they were read; an absent or empty policy_id makes the API open.
func (a *API) updateAPI(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in control.API
	if _, err := decode[openapi.UpdateAPIRequest](r, &in, apiContract); err != nil {
		return err
	}
	if err := sameTenant(&in.TenantID, r); err != nil {
		return err
	}
	if err := sameID(&in.ID, "id", r.PathValue("api")); err != nil {
		return err
	}
	if in.Method != "" || in.Path != "" || in.ServiceID != "" {
		now, err := a.Admin.GetAPI(r.Context(), actor, in.ID)
		if err != nil {
			return err
		}
		for _, m := range []struct {
			name string
			sent *string
			have string
		}{{"method", &in.Method, now.Method}, {"path", &in.Path, now.Path}, {"service_id", &in.ServiceID, now.ServiceID}} {
			if *m.sent != "" && *m.sent != m.have {
				e := control.Errorf(control.Invalid, "", "%s of an API cannot change; it is %q", m.name, m.have)
				e.Fields = map[string]string{m.name: "cannot change"}
				return e
			}
		}
	}
	r, err := precondition(r, actor, a.apiNow)
	if err != nil {
		return err
	}
	out, err := a.Admin.UpdateAPI(r.Context(), actor, in.ID, control.APIUpdate{PolicyID: in.PolicyID, DataClassifications: in.DataClassifications})
	if err != nil {
		return err
	}
	return a.savedAPI(w, r, actor, http.StatusOK, out)
}

func (a *API) deleteAPI(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	r, err := precondition(r, actor, a.apiNow)
	if err != nil {
		return err
	}
	if err := a.Admin.DeleteAPI(r.Context(), actor, r.PathValue("api")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// testAPI answers by method and path template, as API Gateway matches them; the other APIs of the service, which may be
// more specific, play no part.
func (a *API) testAPI(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in openapi.TestAPIRequest
	if err := web.DecodeJSON(r, &in, maxBody); err != nil {
		return no400(err)
	}
	method, path := in.TestRequest.Method, in.TestRequest.Path
	if method == "" || !strings.HasPrefix(path, "/") {
		return invalid("test_request", "needs a method and a path that begins with /")
	}
	tested := control.API{Method: value(in.API.Method), Path: value(in.API.Path), PolicyID: value(in.API.PolicyID)}
	if id := value(in.API.ID); id != "" { // as it is stored
		var err error
		if tested, err = a.Admin.GetAPI(r.Context(), actor, id); err != nil {
			return err
		}
	} else if tested.Method == "" || !strings.HasPrefix(tested.Path, "/") {
		return invalid("api", "needs an id, or a method and a path that begins with /")
	}
	out := openapi.TestAPIResult{Match: takes(tested, method, path)}
	policy := ""
	if out.Match {
		policy = tested.PolicyID
	}
	out.PolicyID = &policy
	return reply(w, http.StatusOK, out)
}

// takes says whether the API's method and template take a request: {x} is one segment, {x+} at the end is the rest of the
// path, at least one segment.
func takes(a control.API, method, path string) bool {
	if a.Method != "ANY" && !strings.EqualFold(a.Method, method) {
		return false
	}
	want, have := strings.Split(a.Path, "/"), strings.Split(path, "/")
	for i, w := range want {
		if i >= len(have) {
			return false
		}
		inner, variable := strings.CutPrefix(w, "{")
		switch {
		case variable && strings.HasSuffix(inner, "+}"):
			return i == len(want)-1 && have[i] != ""
		case variable && strings.HasSuffix(inner, "}"):
			if have[i] == "" {
				return false
			}
		case w != have[i]:
			return false
		}
	}
	return len(want) == len(have)
}
