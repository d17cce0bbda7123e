package api

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/api/openapi"
)

// keyOf is a signing key of a workspace without its private part (RFC 7517 4, RFC 7518 6, RFC 8037 2).
func keyOf(k admin.SigningKey) (openapi.ServerJWK, error) {
	out := openapi.ServerJWK{Kid: k.ID, Use: openapi.ServerJWKUse("sig"), Alg: openapi.ServerJWKAlg(k.Algorithm), CreatedAt: k.CreatedAt}
	b64 := func(b []byte) *string { s := base64.RawURLEncoding.EncodeToString(b); return &s }
	switch pub := k.Private.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := pub.Bytes() // 0x04, x, y
		if err != nil {
			return out, err
		}
		half := (len(point) - 1) / 2
		curve := pub.Curve.Params().Name
		out.Kty, out.Crv, out.X, out.Y = "EC", &curve, b64(point[1:1+half]), b64(point[1+half:])
	case *rsa.PublicKey:
		out.Kty, out.N, out.E = "RSA", b64(pub.N.Bytes()), b64(big.NewInt(int64(pub.E)).Bytes())
	case ed25519.PublicKey:
		curve := "Ed25519"
		out.Kty, out.Crv, out.X = "OKP", &curve, b64(pub)
	default:
		return out, fmt.Errorf("signing key %s is a %T", k.ID, pub)
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
	out := openapi.KeysResponse{} // rotated ones verify and no longer sign; a revoked one is not kept
	current := false
	for _, k := range all {
		pub, err := keyOf(k)
		if err != nil {
			return err
		}
		if k.Active && !current {
			current, out.CurrentKey = true, pub
		} else {
			out.RotatedKeys = append(out.RotatedKeys, pub)
		}
	}
	if !current {
		return fmt.Errorf("workspace %s has no active signing key", r.PathValue("wid"))
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

func (a *API) findKey(r *http.Request, actor control.Actor, kid string) (openapi.ServerJWK, error) {
	all, err := a.keys(r, actor)
	if err != nil {
		return openapi.ServerJWK{}, err
	}
	for _, k := range all {
		if k.ID == kid {
			return keyOf(k)
		}
	}
	return openapi.ServerJWK{}, control.Errorf(control.NotFound, "", "there is no key %q in this workspace", kid)
}

// revokeKey answers with the key that was taken back.
func (a *API) revokeKey(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	pub, err := a.findKey(r, actor, r.PathValue("kid"))
	if err != nil {
		return err
	}
	if err := a.Admin.RevokeKey(r.Context(), actor, r.PathValue("wid"), pub.Kid); err != nil {
		return err
	}
	return reply(w, http.StatusOK, pub)
}
