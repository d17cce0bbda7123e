package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of hashOf
	_ "crypto/sha512"
	"math/big"
)

// signedBy reports whether one of the keys made the signature, over exactly the bytes that parse read. The keys fit the
// algorithm (candidates).
func (t *jwt) signedBy(keys []*key) bool {
	for _, k := range keys {
		if verifies(k.public, t.alg, []byte(t.signed), t.signature) {
			return true
		}
	}
	return false
}

// verifies checks a signature (RFC 7518 sections 3.3 to 3.5, RFC 8037 section 3.1). An algorithm that does not go with the
// key is false.
func verifies(public any, alg string, signed, signature []byte) bool {
	hash, digest := hashOf(alg, signed)
	switch key := public.(type) {
	case *rsa.PublicKey:
		switch {
		case hash == 0:
		case alg[:2] == "RS":
			return rsa.VerifyPKCS1v15(key, hash, digest, signature) == nil
		case alg[:2] == "PS":
			return rsa.VerifyPSS(key, hash, digest, signature, nil) == nil
		}
	case *ecdsa.PublicKey:
		// R and S, each as long as the curve's order.
		half := (key.Curve.Params().N.BitLen() + 7) / 8
		if hash == 0 || alg[:2] != "ES" || len(signature) != 2*half {
			return false
		}
		return ecdsa.Verify(key, digest, new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]))
	case ed25519.PublicKey:
		return alg == "EdDSA" && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, signed, signature)
	}
	return false
}

// hashOf is the hash that an algorithm's name ends in; 0 for those without.
func hashOf(alg string, signed []byte) (crypto.Hash, []byte) {
	var hash crypto.Hash
	switch alg {
	case "RS256", "PS256", "ES256":
		hash = crypto.SHA256
	case "RS384", "PS384", "ES384":
		hash = crypto.SHA384
	case "RS512", "PS512", "ES512":
		hash = crypto.SHA512
	default:
		return 0, nil
	}
	h := hash.New()
	h.Write(signed)
	return hash, h.Sum(nil)
}
