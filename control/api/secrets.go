package api

import (
	"net/http"

	"portcullis/control"
	"portcullis/control/api/openapi"
	"portcullis/control/web"
)

// secret is a secret on the wire. The value is written here, and read only by who may read secrets of the system API.
type secret struct {
	control.Secret
	Value string `json:"value,omitempty"`
}

// listSecrets lists names; with values only in the system API, where reading them has a scope of its own.
func (a *API) listSecrets(values bool) verb {
	return func(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
		wid := r.PathValue("wid")
		all, err := a.Admin.ListSecrets(r.Context(), actor, wid)
		if err != nil {
			return err
		}
		value := map[string]string{}
		if values {
			if value, err = a.Admin.RevealSecrets(r.Context(), actor, wid); err != nil {
				return err
			}
		}
		out := struct {
			Secrets []secret `json:"secrets"`
		}{make([]secret, 0, len(all))}
		for _, s := range all {
			out.Secrets = append(out.Secrets, secret{s, value[s.ID]})
		}
		return reply(w, http.StatusOK, out)
	}
}

func decodeSecret(r *http.Request) (secret, error) {
	var in secret
	if _, err := decode[openapi.SecretRequest](r, &in, web.Contract{Answers: []any{openapi.Secret{}}}); err != nil {
		return in, err
	}
	if err := sameTenant(&in.TenantID, r); err != nil {
		return in, err
	}
	return in, sameID(&in.WorkspaceID, "server_id", r.PathValue("wid"))
}

func (a *API) createSecret(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	in, err := decodeSecret(r)
	if err != nil {
		return err
	}
	s, err := a.Admin.CreateSecret(r.Context(), actor, in.Secret, in.Value)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusCreated, secret{Secret: s})
}

func (a *API) secretNow(r *http.Request, actor control.Actor) (any, error) {
	s, err := a.Admin.GetSecret(r.Context(), actor, r.PathValue("wid"), r.PathValue("sid"))
	return secret{Secret: s}, err
}

// updateSecret answers 201, as published.
func (a *API) updateSecret(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	in, err := decodeSecret(r)
	if err != nil {
		return err
	}
	if err := sameID(&in.ID, "id", r.PathValue("sid")); err != nil {
		return err
	}
	if r, err = precondition(r, actor, a.secretNow); err != nil {
		return err
	}
	s, err := a.Admin.UpdateSecret(r.Context(), actor, in.Secret, in.Value)
	if err != nil {
		return err
	}
	return replyObject(w, http.StatusCreated, secret{Secret: s})
}

func (a *API) deleteSecret(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	r, err := precondition(r, actor, a.secretNow)
	if err != nil {
		return err
	}
	if err := a.Admin.DeleteSecret(r.Context(), actor, r.PathValue("wid"), r.PathValue("sid")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// revokeTokens ends the tokens that a body names; without a member, all of the workspace.
func (a *API) revokeTokens(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var in openapi.RevokeTokenRequest
	// A member that was misspelt must not end every token of the workspace.
	if err := web.DecodeJSON(r, &in, maxBody); err != nil {
		return err
	}
	if err := a.Admin.RevokeTokens(r.Context(), actor, r.PathValue("wid"), value(in.ClientID), value(in.Subject)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
