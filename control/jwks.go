package control

import (
	"bytes"
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
)

const (
	maxJWKS = 16 << 10 // bytes
	maxKeys = 10       // of one client
)

// checkProof checks what a client proves itself with, and that a client without proof cannot act on its own.
func (cl Client) checkProof(c *Checks) {
	if len(cl.JWKS) > 0 {
		if problem := checkJWKS(cl.JWKS); problem != "" {
			c.Add("jwks", problem)
		}
	} else if cl.AuthMethod == AuthPrivateKeyJWT {
		c.Add("jwks", "must hold the client's public keys: private_key_jwt is checked with them")
	}
	if cl.AuthMethod == AuthNone && slices.Contains(cl.GrantTypes, "client_credentials") { // RFC 6749 4.4
		c.Add("grant_types", "must not have client_credentials for a client that proves itself by nothing (token_endpoint_auth_method none)")
	}
}

// checkJWKS says what is wrong with a set of public keys (RFC 7517 5), or "": keys for ES256 (P-256), RS256 and PS256 (RSA
// of 2048 to 8192 bits) and EdDSA (Ed25519), nothing private and nothing symmetric (RFC 7591 2).
func checkJWKS(text []byte) string {
	if len(text) > maxJWKS {
		return "must be at most 16 KiB"
	}
	var set struct {
		Keys []map[string]json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&set); err != nil || len(set.Keys) == 0 || len(set.Keys) > maxKeys {
		return `must be a key set of 1 to 10 keys: {"keys": [...]} (RFC 7517 5)`
	}
	ids := map[string]bool{}
	for _, k := range set.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if _, ok := k[private]; ok {
				return "holds a private or symmetric key; send the public part only, and take this key as disclosed"
			}
		}
		text := func(member string) string {
			var s string
			if json.Unmarshal(k[member], &s) != nil {
				return ""
			}
			return s
		}
		number := func(member string) []byte {
			b, err := base64.RawURLEncoding.Strict().DecodeString(text(member))
			if err != nil {
				return nil
			}
			return b
		}
		if use := text("use"); use != "" && use != "sig" {
			return "holds a key whose use is not sig"
		}
		if id := text("kid"); len(set.Keys) > 1 && (id == "" || ids[id]) {
			return "has several keys, and so each needs a kid of its own"
		} else {
			ids[id] = true
		}
		algorithms := []string{""}
		switch text("kty") {
		case "EC":
			x, y := number("x"), number("y")
			_, err := ecdh.P256().NewPublicKey(slices.Concat([]byte{4}, x, y))
			if text("crv") != "P-256" || len(x) != 32 || len(y) != 32 || err != nil {
				return "holds an EC key that is not a point of P-256"
			}
			algorithms = append(algorithms, "ES256")
		case "RSA":
			n, e := new(big.Int).SetBytes(number("n")), new(big.Int).SetBytes(number("e"))
			if bits := n.BitLen(); bits < 2048 || bits > 8192 || n.Bit(0) == 0 || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 || e.Bit(0) == 0 {
				return "holds an RSA key that is not of 2048 to 8192 bits"
			}
			algorithms = append(algorithms, "RS256", "PS256")
		case "OKP":
			if text("crv") != "Ed25519" || len(number("x")) != 32 {
				return "holds an OKP key that is not Ed25519"
			}
			algorithms = append(algorithms, "EdDSA")
		default:
			return "holds a key of another type than EC, RSA and OKP"
		}
		if !slices.Contains(algorithms, text("alg")) {
			return "holds a key for an algorithm other than ES256, RS256, PS256 and EdDSA, or not the key's own"
		}
	}
	return ""
}
