package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"portcullis/edge/scan"
)

// maxKeys bounds a key set; the rest is ignored.
const maxKeys = 100

// minRSABits is the floor of RFC 7518 section 3.3.
const minRSABits = 2048

// maxRSABits bounds what one check can cost.
const maxRSABits = 8192

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
	t := scan.Of(string(jwks))
	var keys []key
	n := 0
	for range t.Fields([]string{"keys"}) {
		for range t.Elements() {
			text := t.Raw()
			if n++; n > maxKeys {
				continue
			}
			if k, ok := readKey(text); ok {
				keys = append(keys, k)
			}
		}
	}
	if !t.Done() {
		return nil, errors.New("the key set is not a JSON object with a list of keys")
	}
	if len(keys) == 0 && n > 0 {
		return nil, fmt.Errorf("none of the %d keys of the set can verify a signature", n)
	}
	return keys, nil
}

// jwk is what is looked at of a JSON Web Key (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2). Certificates in
// it (x5c, x5u) are not: the set itself is what is trusted.
type jwk struct {
	kty, kid, use, alg, crv string
	ops                     []string
	n, e, x, y              string // base64url
	secret                  bool   // it holds a private or a symmetric key
}

var jwkFields = []string{"kty", "kid", "use", "alg", "key_ops", "crv", "n", "e", "x", "y", "d", "k", "p", "q"}

// readKey reads one key; ok is false for one that cannot verify a signature here.
func readKey(text string) (k key, ok bool) {
	t := scan.Of(text)
	var j jwk
	for name := range t.Fields(jwkFields) {
		switch name {
		case "kty":
			j.kty = t.String()
		case "kid":
			j.kid = t.String()
		case "use":
			j.use = t.String()
		case "alg":
			j.alg = t.String()
		case "key_ops":
			j.ops = t.Strings()
		case "crv":
			j.crv = t.String()
		case "n":
			j.n = t.String()
		case "e":
			j.e = t.String()
		case "x":
			j.x = t.String()
		case "y":
			j.y = t.String()
		default: // d, k, p, q
			j.secret = true
			t.Skip()
		}
	}
	switch {
	case !t.Done() || j.secret:
		return key{}, false
	case j.use != "" && j.use != "sig", j.alg != "" && !algorithms[j.alg], len(j.ops) > 0 && !contains(j.ops, "verify"):
		return key{}, false
	}
	k = key{id: j.kid, alg: j.alg}
	switch j.kty {
	case "RSA":
		k.public, ok = j.rsa()
	case "EC":
		k.public, ok = j.ecdsa()
	case "OKP":
		x := bytesOf(j.x)
		k.public, ok = ed25519.PublicKey(x), j.crv == "Ed25519" && len(x) == ed25519.PublicKeySize
	}
	return k, ok
}

func (j *jwk) rsa() (*rsa.PublicKey, bool) {
	n, e := new(big.Int).SetBytes(bytesOf(j.n)), new(big.Int).SetBytes(bytesOf(j.e))
	if n.BitLen() < minRSABits || n.BitLen() > maxRSABits || e.BitLen() > 31 || e.Int64() < 3 || e.Bit(0) == 0 {
		return nil, false
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, true
}

func (j *jwk) ecdsa() (*ecdsa.PublicKey, bool) {
	curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[j.crv]
	if curve == nil {
		return nil, false
	}
	x, y, size := bytesOf(j.x), bytesOf(j.y), (curve.Params().BitSize+7)/8
	if len(x) != size || len(y) != size {
		return nil, false
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y)) // refuses points that are not on the curve
	return public, err == nil
}

// bytesOf decodes base64url; padding, which some issuers write, is let pass. nil for anything else.
func bytesOf(text string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil
	}
	return b
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
