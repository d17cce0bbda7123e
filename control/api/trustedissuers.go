package api

import (
	"net/http"

	"portcullis/control"
	"portcullis/control/api/openapi"
	"portcullis/control/web"
	"portcullis/edge/waist"
)

// trustedIssuers is the whole list of a workspace, on the wire.
type trustedIssuers struct {
	TrustedIssuers []waist.TrustedIssuer `json:"trusted_issuers"`
}

func (a *API) trusted(r *http.Request, actor control.Actor) (any, error) {
	all, err := a.Admin.ListTrustedIssuers(r.Context(), actor, r.PathValue("wid"))
	return trustedIssuers{all}, err
}

func (a *API) listTrustedIssuers(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	out, err := a.trusted(r, actor)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusOK, out)
}

func (a *API) setTrustedIssuers(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in trustedIssuers
	if _, err := decode[openapi.TrustedIssuers](r, &in, web.Contract{}); err != nil {
		return err
	}
	r, err := precondition(r, actor, a.trusted)
	if err != nil {
		return err
	}
	all, err := a.Admin.SetTrustedIssuers(r.Context(), actor, r.PathValue("wid"), in.TrustedIssuers)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusOK, trustedIssuers{all})
}
