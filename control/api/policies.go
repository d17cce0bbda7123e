package api

import (
	"net/http"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/api/openapi"
	"portcullis/control/web"
)

var policyContract = web.Contract{Answers: []any{openapi.Policy{}}, Reads: []string{"cedar_schema", "warnings"}, Empty: []string{"cross_tenant_api_policy_bindings", "query"}}

func (a *API) listPolicies(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	types := queryList(r, "policy_types")
	if len(types) == 0 {
		types = []string{"api"}
	}
	p, err := pageOf(r, "policy")
	if err != nil {
		return err
	}
	all, err := a.Admin.PagePolicies(r.Context(), actor, r.PathValue("wid"), types, p)
	if err != nil {
		return err
	}
	page := make([]control.Policy, 0, len(all))
	for _, p := range all {
		page = append(page, p.Policy)
	}
	return reply(w, http.StatusOK, struct {
		Policies []control.Policy `json:"policies"`
	}{page})
}

// savedPolicy is the answer to a save.
type savedPolicy struct {
	control.Policy
	Warnings []control.PolicyWarning `json:"warnings"`
}

// saved answers a save of a policy with its warnings. The ETag is that of the policy alone, as it is read.
func (a *API) saved(w http.ResponseWriter, r *http.Request, actor control.Actor, p control.Policy) error {
	list, err := a.Admin.PolicyWarnings(r.Context(), actor, p.ID)
	return replySaved(w, http.StatusCreated, p, savedPolicy{p, orDoubt(list, err)})
}

// orDoubt keeps a save that has happened from being answered with an error: without its warnings, it says that they are
// missing.
func orDoubt(list []control.PolicyWarning, err error) []control.PolicyWarning {
	if err != nil {
		return []control.PolicyWarning{{Message: "saved; the warnings could not be worked out, ask for them again"}}
	}
	return list
}

func (a *API) createPolicy(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in control.Policy
	body, err := decode[openapi.PolicyRequest](r, &in, policyContract)
	if err != nil {
		return err
	}
	if err := sameTenant(&in.TenantID, r); err != nil {
		return err
	}
	p, err := a.Admin.CreatePolicy(r.Context(), actor, in, admin.PolicyChecks{CedarSchema: value(body.CedarSchema)})
	if err != nil {
		return err
	}
	return a.saved(w, r, actor, p)
}

func (a *API) policyNow(r *http.Request, actor control.Actor) (any, error) {
	return a.Admin.GetPolicy(r.Context(), actor, r.PathValue("pid"))
}

func (a *API) getPolicy(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	out, err := a.policyNow(r, actor)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusOK, out)
}

// updatePolicy answers 201, as published.
func (a *API) updatePolicy(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in control.Policy
	body, err := decode[openapi.PolicyRequest](r, &in, policyContract)
	if err != nil {
		return err
	}
	if err := sameTenant(&in.TenantID, r); err != nil {
		return err
	}
	if err := sameID(&in.ID, "id", r.PathValue("pid")); err != nil {
		return err
	}
	r, err = precondition(r, actor, a.policyNow)
	if err != nil {
		return err
	}
	p, err := a.Admin.UpdatePolicy(r.Context(), actor, in, admin.PolicyChecks{CedarSchema: value(body.CedarSchema)})
	if err != nil {
		return err
	}
	return a.saved(w, r, actor, p)
}

func (a *API) deletePolicy(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	r, err := precondition(r, actor, a.policyNow)
	if err != nil {
		return err
	}
	if err := a.Admin.DeletePolicy(r.Context(), actor, r.PathValue("pid")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) testPolicy(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in control.PolicyTest
	if err := web.DecodeJSON(r, &in, maxBody); err != nil {
		return err
	}
	res, err := a.Admin.TestPolicy(r.Context(), actor, in)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, res)
}

// warnings is the answer of both lists of warnings.
type warnings struct {
	Warnings []control.PolicyWarning `json:"warnings"`
}

func (a *API) policyWarnings(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	list, err := a.Admin.PolicyWarnings(r.Context(), actor, r.PathValue("pid"))
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusOK, warnings{list})
}

func (a *API) apiWarnings(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	list, err := a.Admin.APIWarnings(r.Context(), actor, r.PathValue("api"))
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusOK, warnings{list})
}

func (a *API) policyGallery(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	list, err := a.Admin.PolicyGallery(r.Context(), actor, r.PathValue("wid"))
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusOK, struct {
		Examples []control.PolicyExample `json:"examples"`
	}{list})
}
