package token

import (
	"encoding/base64"
	"strings"
	"sync/atomic"
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
	header
	claims    map[string]any
	signed    string // the first two parts with their dot: what the signature is over (RFC 7515 section 5.2)
	signature []byte
}

// header is what is used of the first part.
type header struct{ alg, kid, typ string }

// lastHeader remembers the one header that was accepted last: all tokens of an issuer have the same until it changes its
// key. It holds no other part of a token. Safe for concurrent use.
type lastHeader struct{ seen atomic.Pointer[seenHeader] }

type seenHeader struct {
	part string
	header
}

func (l *lastHeader) read(part string) (header, error) {
	if s := l.seen.Load(); s != nil && s.part == part {
		return s.header, nil
	}
	members, err := decodePart(part)
	if err != nil {
		return header{}, refuse(Malformed, "header: "+err.Error())
	}
	h, err := checkHeader(members)
	if err == nil && len(part) <= 512 {
		l.seen.Store(&seenHeader{strings.Clone(part), h}) // a part alone would keep the whole token
	}
	return h, err
}

// parse checks the form of raw: three non-empty parts of unpadded base64url without stray trailing bits, a header and
// a payload that are JSON objects without duplicate members at any depth, an algorithm of the allow-list, a type that
// an access token may have (RFC 9068 section 2.1), and no header that asks for processing we do not do.
func parse(raw string, last *lastHeader) (*jwt, error) {
	if strings.ContainsAny(raw, "\r\n") { // base64 decoders skip them
		return nil, refuse(Malformed, "line break")
	}
	first, rest, _ := strings.Cut(raw, ".")
	second, third, found := strings.Cut(rest, ".")
	if !found || first == "" || second == "" || strings.Contains(third, ".") {
		return nil, refuse(Malformed, "not three parts")
	}
	t := &jwt{signed: raw[:len(first)+1+len(second)]}
	var err error
	if t.header, err = last.read(first); err != nil {
		return nil, err
	}
	if third == "" {
		return nil, refuse(Malformed, "no signature")
	}
	if t.claims, err = decodePart(second); err != nil {
		return nil, refuse(Malformed, "claims: "+err.Error())
	}
	if t.signature, err = strict.DecodeString(third); err != nil {
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

func checkHeader(members map[string]any) (h header, err error) {
	for _, name := range []string{"crit", "b64", "zip", "enc", "jwk"} {
		if _, there := members[name]; there {
			return header{}, refuse(HeaderRefused, "header member "+name)
		}
	}
	// jku, x5u, x5c and x5t are read by nobody: keys come from configuration only.
	h.alg, _ = members["alg"].(string)
	if !algorithms[h.alg] {
		return header{}, refuse(AlgRefused, "alg is not on the allow-list")
	}
	if h.kid, err = optionalString(members, "kid"); err != nil {
		return header{}, err
	}
	if h.typ, err = optionalString(members, "typ"); err != nil {
		return header{}, err
	}
	switch strings.TrimPrefix(strings.ToLower(h.typ), "application/") {
	case "", "jwt", "at+jwt":
	default:
		return header{}, refuse(WrongType, "typ is not that of an access token")
	}
	return h, nil
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
