package token

import (
	"encoding/base64"
	"strings"
)

// MaxLength bounds a token in bytes. API Gateway bounds all headers together at 10,240 bytes.
const MaxLength = 16 << 10

// algorithms is the allow-list: asymmetric signatures only. HMAC is absent on purpose, since a public key used as an
// HMAC secret is the classic forgery (RFC 8725 section 2.1).
var algorithms = map[string]bool{
	"RS256": true, "RS384": true, "RS512": true,
	"PS256": true, "PS384": true, "PS512": true,
	"ES256": true, "ES384": true, "ES512": true,
	"EdDSA": true,
}

// looksLikeJWT is the fork between JWT and opaque token: exactly two dots make a JWT. Something with two dots is never
// introspected, so a broken JWT cannot be laundered through another endpoint.
func looksLikeJWT(raw string) bool { return strings.Count(raw, ".") == 2 }

// jwt is a token by form; nothing in it is trusted yet.
type jwt struct {
	alg, kid, typ string
	claims        map[string]any
}

// parse checks the form of raw: three non-empty parts of unpadded base64url without stray trailing bits, a header and
// a payload that are JSON objects without duplicate members at any depth, an algorithm of the allow-list, a type that
// an access token may have (RFC 9068 section 2.1), and no header that asks for processing we do not do.
func parse(raw string) (*jwt, error) {
	if strings.ContainsAny(raw, "\r\n") { // base64 decoders skip them
		return nil, refuse(Malformed, "line break")
	}
	parts := strings.Split(raw, ".")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" {
		return nil, refuse(Malformed, "not three parts")
	}
	header, err := decodePart(parts[0])
	if err != nil {
		return nil, refuse(Malformed, "header: "+err.Error())
	}
	t := &jwt{}
	if t.alg, t.kid, t.typ, err = checkHeader(header); err != nil {
		return nil, err
	}
	if parts[2] == "" {
		return nil, refuse(Malformed, "no signature")
	}
	if t.claims, err = decodePart(parts[1]); err != nil {
		return nil, refuse(Malformed, "claims: "+err.Error())
	}
	if _, err := strict.DecodeString(parts[2]); err != nil {
		return nil, refuse(Malformed, "signature is not base64url")
	}
	return t, nil
}

// strict refuses padding, the standard alphabet and non-zero trailing bits, so that one token has one spelling.
var strict = base64.RawURLEncoding.Strict()

func decodePart(part string) (map[string]any, error) {
	b, err := strict.DecodeString(part)
	if err != nil {
		return nil, errJSON("not base64url")
	}
	return parseObject(b)
}

func checkHeader(h map[string]any) (alg, kid, typ string, err error) {
	for _, name := range []string{"crit", "b64", "zip", "enc", "jwk"} {
		if _, there := h[name]; there {
			return "", "", "", refuse(HeaderRefused, "header member "+name)
		}
	}
	// jku, x5u, x5c and x5t are read by nobody: keys come from configuration only.
	alg, _ = h["alg"].(string)
	if !algorithms[alg] {
		return "", "", "", refuse(AlgRefused, "alg is not on the allow-list")
	}
	if kid, err = optionalString(h, "kid"); err != nil {
		return "", "", "", err
	}
	if typ, err = optionalString(h, "typ"); err != nil {
		return "", "", "", err
	}
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") {
	case "", "jwt", "at+jwt":
	default:
		return "", "", "", refuse(WrongType, "typ is not that of an access token")
	}
	return alg, kid, typ, nil
}

func optionalString(h map[string]any, name string) (string, error) {
	v, there := h[name]
	if !there {
		return "", nil
	}
	s, ok := v.(string)
	if !ok {
		return "", refuse(Malformed, "header member "+name+" is not a string")
	}
	return s, nil
}

// opaqueForm reports whether raw can be a bearer token at all: the b64token of RFC 6750 section 2.1.
func opaqueForm(raw string) bool {
	body := strings.TrimRight(raw, "=")
	if body == "" {
		return false
	}
	for i := 0; i < len(body); i++ {
		c := body[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-._~+/", c) >= 0:
		default:
			return false
		}
	}
	return true
}
