package api

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
)

// key is a signing key of a workspace without its private part (RFC 7517 4, RFC 7518 6, RFC 8037 2).
type key struct {
	Kty       string    `json:"kty"`
	ID        string    `json:"kid"`
	Use       string    `json:"use"`
	Algorithm string    `json:"alg"`
	Curve     string    `json:"crv,omitempty"`
	X         string    `json:"x,omitempty"`
	Y         string    `json:"y,omitempty"`
	N         string    `json:"n,omitempty"`
	E         string    `json:"e,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

func keyOf(k admin.SigningKey) (key, error) {
	out := key{ID: k.ID, Use: "sig", Algorithm: k.Algorithm, CreatedAt: k.CreatedAt}
	b64 := base64.RawURLEncoding.EncodeToString
	switch pub := k.Private.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := pub.Bytes() // 0x04, x, y
		if err != nil {
			return key{}, err
		}
		half := (len(point) - 1) / 2
		out.Kty, out.Curve, out.X, out.Y = "EC", pub.Curve.Params().Name, b64(point[1:1+half]), b64(point[1+half:])
	case *rsa.PublicKey:
		out.Kty, out.N, out.E = "RSA", b64(pub.N.Bytes()), b64(big.NewInt(int64(pub.E)).Bytes())
	case ed25519.PublicKey:
		out.Kty, out.Curve, out.X = "OKP", "Ed25519", b64(pub)
	default:
		return key{}, fmt.Errorf("signing key %s is a %T", k.ID, pub)
	}
	return out, nil
}

// keys are those of the workspace, after the actor was allowed to list them.
func (a *API) keys(r *http.Request, actor control.Actor) ([]admin.SigningKey, error) {
	if use := r.URL.Query().Get("use"); use != "" && use != "sig" {
		return nil, badParameter("use", "must be sig: there are no other keys")
	}
	if _, err := a.Admin.ListKeys(r.Context(), actor, r.PathValue("wid")); err != nil {
		return nil, err
	}
	return a.Admin.SigningKeys(r.Context(), actor.TenantID, r.PathValue("wid"))
}

func (a *API) getKeys(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	all, err := a.keys(r, actor)
	if err != nil {
		return err
	}
	out := struct {
		Current *key  `json:"current_key"`
		Rotated []key `json:"rotated_keys"` // verify and no longer sign
		Revoked []key `json:"revoked_keys"` // none: a revoked key is not kept
	}{}
	for _, k := range all {
		pub, err := keyOf(k)
		if err != nil {
			return err
		}
		if k.Active && out.Current == nil {
			out.Current = &pub
		} else {
			out.Rotated = append(out.Rotated, pub)
		}
	}
	return reply(w, http.StatusOK, out)
}

// rotateKey makes a new signing key of the workspace's key_type; the old ones go on verifying until they are revoked.
func (a *API) rotateKey(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	if use := r.URL.Query().Get("use"); use != "" && use != "sig" {
		return badParameter("use", "must be sig: there are no other keys")
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
	made, err := a.Admin.RotateKey(r.Context(), actor, r.PathValue("wid"))
	if err != nil {
		return err
	}
	pub, err := a.findKey(r, actor, made.ID)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, pub)
}

func (a *API) findKey(r *http.Request, actor control.Actor, kid string) (key, error) {
	all, err := a.keys(r, actor)
	if err != nil {
		return key{}, err
	}
	for _, k := range all {
		if k.ID == kid {
			return keyOf(k)
		}
	}
	return key{}, control.Errorf(control.NotFound, "", "there is no key %q in this workspace", kid)
}

// revokeKey answers with the key that was taken back.
func (a *API) revokeKey(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	pub, err := a.findKey(r, actor, r.PathValue("kid"))
	if err != nil {
		return err
	}
	if err := a.Admin.RevokeKey(r.Context(), actor, r.PathValue("wid"), pub.ID); err != nil {
		return err
	}
	return reply(w, http.StatusOK, pub)
}
