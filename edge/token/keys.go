package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"

	jose "github.com/go-jose/go-jose/v4"
)

// maxKeys bounds a key set; the rest is ignored.
const maxKeys = 100

// minRSABits is the floor of RFC 7518 section 3.3.
const minRSABits = 2048

// key is one public key with the algorithms it may be used for.
type key struct {
	id     string
	alg    string // from the JWK; empty: any algorithm that fits the key
	public any    // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// fits binds an algorithm to a key: by the JWK's own alg where it has one, and by type and curve always.
func (k *key) fits(alg string) bool {
	if k.alg != "" && k.alg != alg {
		return false
	}
	switch pub := k.public.(type) {
	case *rsa.PublicKey:
		return alg[:2] == "RS" || alg[:2] == "PS"
	case *ecdsa.PublicKey:
		switch pub.Curve {
		case elliptic.P256():
			return alg == "ES256"
		case elliptic.P384():
			return alg == "ES384"
		case elliptic.P521():
			return alg == "ES512"
		}
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}

// parseKeys reads a key set (RFC 7517 section 5). Keys that cannot verify a signature here (symmetric, for encryption,
// of an unknown type, weak, private) are left out; a set that yields none is an error, unless it is an empty set.
func parseKeys(jwks []byte) ([]key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(jwks, &set); err != nil {
		return nil, fmt.Errorf("the key set is not JSON: %w", err)
	}
	if len(set.Keys) > maxKeys {
		set.Keys = set.Keys[:maxKeys]
	}
	var keys []key
	for _, raw := range set.Keys {
		var meta struct {
			Ops []string `json:"key_ops"`
		}
		if json.Unmarshal(raw, &meta) != nil || len(meta.Ops) > 0 && !contains(meta.Ops, "verify") {
			continue
		}
		var jwk jose.JSONWebKey
		if jwk.UnmarshalJSON(raw) != nil || !jwk.Valid() || !jwk.IsPublic() {
			continue
		}
		if jwk.Use != "" && jwk.Use != "sig" || jwk.Algorithm != "" && !algorithms[jwk.Algorithm] {
			continue
		}
		if r, ok := jwk.Key.(*rsa.PublicKey); ok && r.N.BitLen() < minRSABits {
			continue
		}
		keys = append(keys, key{id: jwk.KeyID, alg: jwk.Algorithm, public: jwk.Key})
	}
	if len(keys) == 0 && len(set.Keys) > 0 {
		return nil, fmt.Errorf("none of the %d keys of the set can verify a signature", len(set.Keys))
	}
	return keys, nil
}

// candidates are the keys that a token with this kid and alg may have been signed with. Without a kid every key that
// fits is one, up to a small number, since each costs a signature check.
func candidates(keys []key, kid, alg string) []*key {
	const most = 4
	var out []*key
	for i := range keys {
		k := &keys[i]
		if (kid == "" || k.id == kid) && k.fits(alg) && len(out) < most {
			out = append(out, k)
		}
	}
	return out
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}
