package control

import (
	"fmt"
	"net/url"
	"strings"

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
