package api

import (
	"net/http"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
)

// key is a signing key of a workspace without its private part; the public part is in the workspace's JWKS.
type key struct {
	ID        string    `json:"kid"`
	Algorithm string    `json:"alg"`
	Use       string    `json:"use"`
	Active    bool      `json:"active"` // signs new tokens; the others only verify
	CreatedAt time.Time `json:"created_at"`
}

func keyOf(k admin.SigningKey) key { return key{k.ID, k.Algorithm, k.Use, k.Active, k.CreatedAt} }

func onlySigning(r *http.Request) error {
	if use := r.URL.Query().Get("use"); use != "" && use != "sig" {
		return badParameter("use", "must be sig: there are no other keys")
	}
	return nil
}

func (a *API) listKeys(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	if err := onlySigning(r); err != nil {
		return err
	}
	all, err := a.Admin.ListKeys(r.Context(), actor, r.PathValue("wid"))
	if err != nil {
		return err
	}
	out := struct {
		Keys []key `json:"keys"`
	}{make([]key, 0, len(all))}
	for _, k := range all {
		out.Keys = append(out.Keys, keyOf(k))
	}
	return reply(w, http.StatusOK, out)
}

// rotateKey makes a new signing key of the workspace's key_type; the old ones go on verifying until they are revoked.
func (a *API) rotateKey(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	if err := onlySigning(r); err != nil {
		return err
	}
	if kind := r.URL.Query().Get("key_type"); kind != "" {
		ws, err := a.Admin.GetWorkspace(r.Context(), actor, r.PathValue("wid"))
		if err != nil {
			return err
		}
		if ws.KeyType != kind {
			return badParameter("key_type", "is not the workspace's own; change key_type of the workspace first")
		}
	}
	k, err := a.Admin.RotateKey(r.Context(), actor, r.PathValue("wid"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, keyOf(k))
}

func (a *API) revokeKey(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	if err := a.Admin.RevokeKey(r.Context(), actor, r.PathValue("wid"), r.PathValue("kid")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
