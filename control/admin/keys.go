package admin

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"portcullis/control"
	"portcullis/control/store"
)

// SigningKey is a key of a workspace's issuer.
type SigningKey struct {
	ID        string // kid: the key's thumbprint (RFC 7638)
	Algorithm string // ES256, RS256, PS256 (RFC 7518 section 3.1), EdDSA (RFC 8037 section 3.1)
	Use       string // "sig"
	CreatedAt time.Time
	Private   crypto.Signer
	PublicJWK json.RawMessage // RFC 7517
	Active    bool            // signs new tokens; the others only verify
}

// newKey adds a signing key of the workspace's type and makes it the active one.
func (c *change) newKey(ctx context.Context, w control.Workspace) error {
	old, err := c.SigningKeys(ctx, w.TenantID, w.ID)
	if err != nil {
		return err
	}
	for _, k := range old {
		if k.Active {
			k.Active = false
			if err := c.SetSigningKey(ctx, k); err != nil {
				return err
			}
		}
	}
	var private crypto.Signer
	algorithm := "ES256"
	switch w.KeyType {
	case "rsa", "ps":
		algorithm = map[string]string{"rsa": "RS256", "ps": "PS256"}[w.KeyType]
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "eddsa":
		algorithm = "EdDSA"
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		return fmt.Errorf("making a signing key: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("making a signing key: %w", err)
	}
	kid, jwk, err := publicJWK(private.Public(), algorithm)
	if err != nil {
		return err
	}
	return c.AddSigningKey(ctx, store.SigningKey{TenantID: w.TenantID, WorkspaceID: w.ID, ID: kid, Algorithm: algorithm, Use: "sig",
		Sealed: c.admin.keyring.seal(keyPlace(w.TenantID, w.ID, kid), pkcs8), Public: string(jwk), Active: true, CreatedAt: c.at()})
}

func keyPlace(tenant, wid, kid string) string {
	return "signing_keys/" + tenant + "/" + wid + "/" + kid
}

// publicJWK is a public key as a JWK (RFC 7518 section 6) and its thumbprint (RFC 7638 section 3): SHA-256 of the
// required members in alphabetical order without spaces.
func publicJWK(public crypto.PublicKey, algorithm string) (kid string, jwk json.RawMessage, err error) {
	b64 := base64.RawURLEncoding.EncodeToString
	var members map[string]string
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		ecdh, err := k.ECDH()
		if err != nil {
			return "", nil, fmt.Errorf("signing key: %w", err)
		}
		point := ecdh.Bytes() // 4, x, y
		members = map[string]string{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:65])}
	case *rsa.PublicKey:
		members = map[string]string{"kty": "RSA", "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())}
	case ed25519.PublicKey:
		members = map[string]string{"kty": "OKP", "crv": "Ed25519", "x": b64(k)} // RFC 8037 2
	default:
		return "", nil, fmt.Errorf("signing key: unknown kind %T", public)
	}
	required, err := json.Marshal(members) // sorted, no spaces, nothing that JSON escapes
	if err != nil {
		return "", nil, err
	}
	sum := sha256.Sum256(required)
	kid = b64(sum[:])
	members["kid"], members["alg"], members["use"] = kid, algorithm, "sig"
	jwk, err = json.Marshal(members)
	return kid, jwk, err
}

// SigningKeys are the keys of a workspace, newest first. They are remembered per revision of the workspace.
func (a *Admin) SigningKeys(ctx context.Context, tenant, wid string) ([]SigningKey, error) {
	w, err := a.Workspace(ctx, tenant, wid)
	if err != nil {
		return nil, err
	}
	k := key(tenant, wid)
	a.cache.mu.Lock()
	e, ok := a.cache.keys[k]
	a.cache.mu.Unlock()
	if ok && e.revision == w.Revision {
		return e.value, nil
	}
	var revision int64
	var out []SigningKey
	err = a.store.Snapshot(ctx, func(r store.Reader) (err error) {
		if revision, _, err = r.Revision(ctx, tenant, wid); err != nil {
			return err
		}
		stored, err := r.SigningKeys(ctx, tenant, wid)
		if err != nil {
			return err
		}
		out, err = a.openKeys(stored)
		return err
	})
	if err != nil {
		return nil, notFound(err, "workspace", wid)
	}
	a.cache.mu.Lock()
	defer a.cache.mu.Unlock()
	if a.cache.keys == nil || len(a.cache.keys) >= maxKeySets {
		a.cache.keys = map[string]revised[[]SigningKey]{}
	}
	a.cache.keys[k] = revised[[]SigningKey]{out, revision}
	return out, nil
}

func (a *Admin) openKeys(stored []store.SigningKey) ([]SigningKey, error) {
	out := []SigningKey{}
	for _, s := range stored {
		der, err := a.keyring.open(keyPlace(s.TenantID, s.WorkspaceID, s.ID), s.Sealed)
		if err != nil {
			return nil, err
		}
		parsed, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", s.ID, err)
		}
		private, ok := parsed.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("signing key %s: unknown kind %T", s.ID, parsed)
		}
		out = append(out, SigningKey{ID: s.ID, Algorithm: s.Algorithm, Use: s.Use, CreatedAt: s.CreatedAt, Private: private,
			PublicJWK: json.RawMessage(s.Public), Active: s.Active})
	}
	return out, nil
}

// ListKeys lists the keys of a workspace, newest first, without their private parts.
func (a *Admin) ListKeys(ctx context.Context, actor control.Actor, wid string) ([]SigningKey, error) {
	if err := a.allow(actor, "ListKeys", wid); err != nil {
		return nil, err
	}
	all, err := a.SigningKeys(ctx, actor.TenantID, wid)
	out := make([]SigningKey, len(all))
	for i, k := range all {
		k.Private = nil
		out[i] = k
	}
	return out, err
}

// maxKeys bounds the keys that a workspace keeps for verifying.
const maxKeys = 10

// RotateKey gives a workspace a new signing key of its key type. The old keys go on verifying until they are revoked.
func (a *Admin) RotateKey(ctx context.Context, actor control.Actor, wid string) (SigningKey, error) {
	if err := a.allow(actor, "RotateKey", wid); err != nil {
		return SigningKey{}, err
	}
	err := a.change(ctx, actor, wid, func(c *change) error {
		w, err := c.Workspace(ctx, actor.TenantID, wid)
		if err != nil {
			return err
		}
		old, err := c.SigningKeys(ctx, actor.TenantID, wid)
		if err != nil {
			return err
		}
		if len(old) >= maxKeys {
			return control.Errorf(control.Malformed, "too_many_keys", "the workspace keeps %d keys already; revoke the oldest first", len(old))
		}
		c.revise = true
		if err := c.newKey(ctx, w); err != nil {
			return err
		}
		return c.audit(ctx, "server", "generated", wid, nil, map[string]any{"signing_key": w.KeyType})
	})
	if err != nil {
		return SigningKey{}, err
	}
	all, err := a.ListKeys(ctx, actor, wid)
	for _, k := range all {
		if k.Active {
			return k, nil
		}
	}
	return SigningKey{}, err
}

// RevokeKey removes a key: tokens signed with it stop verifying. The active key cannot be revoked; rotate first.
func (a *Admin) RevokeKey(ctx context.Context, actor control.Actor, wid, kid string) error {
	if err := a.allow(actor, "RevokeKey", wid); err != nil {
		return err
	}
	return a.change(ctx, actor, wid, func(c *change) error {
		all, err := c.SigningKeys(ctx, actor.TenantID, wid)
		if err != nil {
			return err
		}
		for _, k := range all {
			if k.ID != kid {
				continue
			}
			if k.Active {
				return control.Errorf(control.Malformed, "key_active", "this key signs the workspace's tokens; rotate the key first")
			}
			c.revise = true
			if err := c.RemoveSigningKey(ctx, actor.TenantID, wid, kid); err != nil {
				return err
			}
			return c.audit(ctx, "server", "revoked", wid, map[string]any{"signing_key": kid}, nil)
		}
		return control.Errorf(control.NotFound, "not_found", "there is no key %q in this workspace", kid)
	})
}

// ResealSecrets seals every secret that was sealed with an older master key anew with the active one, and says how many
// there were. Afterwards the older keys can be taken out of the master key file.
func (a *Admin) ResealSecrets(ctx context.Context, actor control.Actor) (int, error) {
	if err := a.allow(actor, "ResealSecrets", ""); err != nil {
		return 0, err
	}
	const batch = 100
	total := 0
	for tenant, client, id := "", "", ""; ; {
		all, err := a.store.AllClientSecrets(ctx, tenant, client, id, batch)
		if err != nil || len(all) == 0 {
			if err != nil {
				return total, internal(err)
			}
			break
		}
		last := all[len(all)-1]
		tenant, client, id = last.TenantID, last.ClientID, last.ID
		err = a.store.Tx(ctx, func(tx *store.Tx) error {
			for _, s := range all {
				sealed, done, err := a.reseal(secretPlace(s.TenantID, s.ClientID, s.ID), s.Sealed)
				if err != nil || !done {
					if err != nil {
						return err
					}
					continue
				}
				s.Sealed = sealed
				// A secret that was rotated away meanwhile needs no sealing.
				if err := tx.SetClientSecret(ctx, s); err != nil && notFoundOnly(err) != nil {
					return err
				}
				total++
			}
			return nil
		})
		if err != nil {
			return total, internal(err)
		}
	}
	for tenant, wid, id := "", "", ""; ; {
		all, err := a.store.AllSigningKeys(ctx, tenant, wid, id, batch)
		if err != nil || len(all) == 0 {
			if err != nil {
				return total, internal(err)
			}
			break
		}
		last := all[len(all)-1]
		tenant, wid, id = last.TenantID, last.WorkspaceID, last.ID
		err = a.store.Tx(ctx, func(tx *store.Tx) error {
			for _, k := range all {
				sealed, done, err := a.reseal(keyPlace(k.TenantID, k.WorkspaceID, k.ID), k.Sealed)
				if err != nil || !done {
					if err != nil {
						return err
					}
					continue
				}
				k.Sealed = sealed
				if err := tx.SetSigningKey(ctx, k); err != nil && notFoundOnly(err) != nil {
					return err
				}
				total++
			}
			return nil
		})
		if err != nil {
			return total, internal(err)
		}
	}
	for _, others := range []func(context.Context) (int, error){a.resealWorkspaceSecrets, a.resealIDPs} {
		n, err := others(ctx)
		total += n
		if err != nil {
			return total, internal(err)
		}
	}
	err := a.change(ctx, actor, "", func(c *change) error {
		c.workspace = control.AdminWorkspace
		return c.audit(ctx, "server", "generated", "master_key", nil, map[string]any{"resealed": total})
	})
	return total, err
}

// reseal seals a text with the active key; done is false when it is already.
func (a *Admin) reseal(place, sealed string) (anew string, done bool, err error) {
	if a.keyring.current(sealed) {
		return "", false, nil
	}
	text, err := a.keyring.open(place, sealed)
	if err != nil {
		return "", false, err
	}
	return a.keyring.seal(place, text), true, nil
}
