package control

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"portcullis/edge/waist"
)

const maxTrustedIssuers = 20

// ValidateTrustedIssuers checks the list of a workspace, all mistakes at once. An issuer without an audience would let in
// tokens that were meant for somebody else, so each needs one.
func ValidateTrustedIssuers(all []waist.TrustedIssuer) error {
	var c Checks
	if len(all) > maxTrustedIssuers {
		c.Add("trusted_issuers", "has more than 20 entries")
		return c.Err("workspace")
	}
	seen := map[string]bool{}
	for i, t := range all {
		at := func(member string) string { return fmt.Sprintf("trusted_issuers[%d].%s", i, member) }
		if !webURL(t.IssuerURL) || strings.ContainsAny(t.IssuerURL, "?") { // RFC 8414 2: no query, no fragment
			c.Add(at("issuer_url"), "must be https:// and a host, without query and fragment")
		} else if seen[t.IssuerURL] {
			c.Add(at("issuer_url"), "comes twice")
		}
		seen[t.IssuerURL] = true
		if t.JWKSURL != "" && !webURL(t.JWKSURL) {
			c.Add(at("jwks_url"), "must be https:// and a host; the authorizers fetch it")
		}
		if len(t.JWKS) > 0 {
			if problem := checkJWKS(t.JWKS); problem != "" {
				c.Add(at("jwks"), problem)
			}
		} else if t.JWKSURL == "" {
			c.Add(at("jwks_url"), "or jwks must say with which keys the issuer signs")
		}
		if len(t.Audiences) == 0 || len(t.Audiences) > maxTrustedIssuers {
			c.Add(at("audiences"), "must name 1 to 20 audiences: tokens for anybody else are not for this workspace")
		}
		for _, a := range t.Audiences {
			if a == "" {
				c.Add(at("audiences"), "must not hold an empty one")
			}
			c.line(at("audiences"), a, maxName)
		}
	}
	return c.Err("workspace")
}

func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil && u.Fragment == "" && !strings.ContainsAny(s, "#* ") && len(s) <= maxPath
}

// IssuerMetadata is what another issuer says about itself (RFC 8414 2, OpenID Connect Discovery 1.0 3), as far as it was
// found and understood, and the keys it signs with.
type IssuerMetadata struct {
	IssuerURL              string    `json:"issuer_url"`
	MetadataURL            string    `json:"metadata_url"` // where it was found
	JWKSURL                string    `json:"jwks_url"`
	AuthorizationEndpoint  string    `json:"authorization_endpoint"`
	TokenEndpoint          string    `json:"token_endpoint"`
	UserinfoEndpoint       string    `json:"userinfo_endpoint"`
	ScopesSupported        []string  `json:"scopes_supported"`
	ClaimsSupported        []string  `json:"claims_supported"`
	IDTokenAlgorithms      []string  `json:"id_token_signing_algs"`
	TokenEndpointMethods   []string  `json:"token_endpoint_auth_methods"`
	ResponseIssSupported   bool      `json:"authorization_response_iss"` // RFC 9207
	CodeChallengeSupported bool      `json:"pkce_s256"`                  // said so; some support it without
	Keys                   []KeyInfo `json:"keys"`
	KeysProblem            string    `json:"keys_problem"` // why the keys could not be read; empty: they could
}

// KeyInfo is a public key of another issuer, for people to compare.
type KeyInfo struct {
	ID        string `json:"kid"`
	Type      string `json:"kty"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
	Usable    bool   `json:"usable"` // of a kind that authorizers verify signatures with
}

// KeysOf reads a key set (RFC 7517 5) for people; the error says what is wrong with it as a whole.
func KeysOf(text []byte) ([]KeyInfo, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil || set.Keys == nil {
		return nil, Errorf(Malformed, "no_key_set", `what is there is not a key set: {"keys": [...]} (RFC 7517 5)`)
	}
	if len(set.Keys) > 100 {
		return nil, Errorf(Malformed, "no_key_set", "the key set has more than 100 keys")
	}
	out := []KeyInfo{}
	for _, raw := range set.Keys {
		var k struct {
			ID        string `json:"kid"`
			Type      string `json:"kty"`
			Algorithm string `json:"alg"`
			Use       string `json:"use"`
		}
		if json.Unmarshal(raw, &k) != nil {
			continue
		}
		usable := checkJWKS([]byte(`{"keys":[`+string(raw)+`]}`)) == ""
		out = append(out, KeyInfo{ID: short(k.ID), Type: short(k.Type), Algorithm: short(k.Algorithm), Use: short(k.Use), Usable: usable})
	}
	return out, nil
}

// short makes another's text fit for a page.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if utf8.RuneCountInString(s) > 200 {
		s = string([]rune(s)[:200]) + "…"
	}
	return s
}
