package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/outbound"
	"portcullis/edge/waist"
)

// ListTrustedIssuers lists the other issuers whose access tokens the workspace's authorizers accept.
func (a *Admin) ListTrustedIssuers(ctx context.Context, actor control.Actor, wid string) ([]waist.TrustedIssuer, error) {
	if err := a.allow(actor, "ListTrustedIssuers", wid); err != nil {
		return nil, err
	}
	out, err := a.store.TrustedIssuers(ctx, actor.TenantID, wid)
	return out, notFound(err, "workspace", wid)
}

// SetTrustedIssuers replaces them. Whoever holds the keys of one lets anybody in, as far as the policies allow: it takes an
// admin. Authorizers follow with their next poll.
func (a *Admin) SetTrustedIssuers(ctx context.Context, actor control.Actor, wid string, all []waist.TrustedIssuer) ([]waist.TrustedIssuer, error) {
	if err := a.allow(actor, "SetTrustedIssuers", wid); err != nil {
		return nil, err
	}
	out, err := a.trustable(actor.TenantID, wid, all)
	if err != nil {
		return nil, err
	}
	err = a.change(ctx, actor, wid, func(c *change) error {
		old, err := c.TrustedIssuers(ctx, actor.TenantID, wid)
		if err != nil {
			return err
		}
		c.revise = true
		if err := c.SetTrustedIssuers(ctx, actor.TenantID, wid, out); err != nil {
			return err
		}
		return c.audit(ctx, "server", "updated", wid, trust(old), trust(out))
	})
	return out, err
}

// trustable checks a list of trusted issuers for a workspace and returns it as it is stored.
func (a *Admin) trustable(tenant, wid string, all []waist.TrustedIssuer) ([]waist.TrustedIssuer, error) {
	out := make([]waist.TrustedIssuer, len(all))
	for i, t := range all {
		if text := string(t.JWKS); text == "null" || text == "{}" {
			t.JWKS = nil
		}
		if t.IssuerURL == a.IssuerURL(tenant, wid) {
			var check control.Checks
			check.Add("trusted_issuers", "must not hold the workspace's own issuer, which is trusted anyway")
			return nil, check.Err("workspace")
		}
		out[i] = t
	}
	if err := control.ValidateTrustedIssuers(out); err != nil {
		return nil, err
	}
	if (wid == control.AdminWorkspace || wid == control.SystemWorkspace) && len(out) > 0 {
		return nil, control.Errorf(control.Malformed, "system_workspace", "the workspace %q protects this server itself, which takes its own tokens only", wid)
	}
	return out, nil
}

// trust is the list as the audit shows it.
func trust(all []waist.TrustedIssuer) map[string]json.RawMessage {
	b, err := json.Marshal(all)
	if err != nil { // of parts that were JSON before: does not happen
		b = nil
	}
	return map[string]json.RawMessage{"trusted_issuers": b}
}

// FetchIssuer asks another issuer for its metadata and its keys, so that a person can look at them before trusting it.
// Both well-known addresses are tried (OpenID Connect Discovery 1.0 4.1, RFC 8414 3.1). The metadata must be that issuer's
// own, character by character: otherwise somebody else speaks for it (RFC 8414 3.3).
func (a *Admin) FetchIssuer(ctx context.Context, actor control.Actor, wid, issuer string) (control.IssuerMetadata, error) {
	if err := a.allow(actor, "FetchIssuer", wid); err != nil {
		return control.IssuerMetadata{}, err
	}
	bad := func(format string, args ...any) error {
		var check control.Checks
		check.Add("issuer_url", fmt.Sprintf(format, args...))
		return check.Err("issuer")
	}
	if !control.IssuerAddress(issuer) {
		return control.IssuerMetadata{}, bad("must be https:// and a host, without query and fragment")
	}
	if _, err := a.store.Workspace(ctx, actor.TenantID, wid); err != nil {
		return control.IssuerMetadata{}, notFound(err, "workspace", wid)
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	u, err := url.Parse(issuer)
	if err != nil {
		return control.IssuerMetadata{}, bad("is not an address")
	}
	path := strings.TrimSuffix(u.Path, "/")
	inserted := *u
	inserted.Path = "/.well-known/oauth-authorization-server" + path
	var first error
	for _, address := range []string{strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration", inserted.String()} {
		text, err := outbound.Get(ctx, a.outbound, address)
		if err != nil {
			if first == nil {
				first = bad("could not be asked: %s: %s", address, reason(err))
			}
			continue
		}
		m, err := metadataOf(text, issuer)
		if err != nil {
			return control.IssuerMetadata{}, bad("does not say what it should: %s: %s", address, err)
		}
		m.MetadataURL = address
		a.fetchKeys(ctx, &m)
		return m, nil
	}
	return control.IssuerMetadata{}, first
}

// reason is why a call failed, without the address, which the caller knows.
func reason(err error) string {
	var ue *url.Error
	if errors.As(err, &ue) {
		if ue.Timeout() {
			return "it does not answer in time"
		}
		err = ue.Err
	}
	for _, known := range []error{outbound.ErrAddress, outbound.ErrPlain, outbound.ErrTooLarge, outbound.ErrRedirects} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return cut(printable(err.Error()), 300)
}

func metadataOf(text []byte, issuer string) (m control.IssuerMetadata, err error) {
	var doc struct {
		Issuer     string   `json:"issuer"`
		JWKS       string   `json:"jwks_uri"`
		Authorize  string   `json:"authorization_endpoint"`
		Token      string   `json:"token_endpoint"`
		Userinfo   string   `json:"userinfo_endpoint"`
		Scopes     []string `json:"scopes_supported"`
		Claims     []string `json:"claims_supported"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
		Methods    []string `json:"token_endpoint_auth_methods_supported"`
		Challenges []string `json:"code_challenge_methods_supported"`
		Iss        bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return m, errors.New("it is not the JSON of a metadata document")
	}
	if doc.Issuer != issuer {
		return m, fmt.Errorf("it is the metadata of %q; enter that address exactly, with or without a slash at its end", cut(printable(doc.Issuer), 200))
	}
	for _, address := range []string{doc.JWKS, doc.Authorize, doc.Token, doc.Userinfo} {
		if len(address) > 2048 || printable(address) != address {
			return m, errors.New("it holds an address that is none")
		}
	}
	if doc.Methods == nil {
		doc.Methods = []string{control.AuthBasic} // RFC 8414 2: the default
	}
	return control.IssuerMetadata{IssuerURL: issuer, JWKSURL: doc.JWKS, AuthorizationEndpoint: doc.Authorize, TokenEndpoint: doc.Token, UserinfoEndpoint: doc.Userinfo,
		ScopesSupported: some(doc.Scopes), ClaimsSupported: some(doc.Claims), IDTokenAlgorithms: some(doc.Algorithms), TokenEndpointMethods: some(doc.Methods),
		ResponseIssSupported: doc.Iss, CodeChallengeSupported: slices.Contains(doc.Challenges, "S256"), Keys: []control.KeyInfo{}}, nil
}

// some bounds another's list for a page; never nil.
func some(list []string) []string {
	out := []string{}
	for _, s := range list[:min(len(list), 100)] {
		out = append(out, cut(printable(s), 200))
	}
	return out
}

func (a *Admin) fetchKeys(ctx context.Context, m *control.IssuerMetadata) {
	if m.JWKSURL == "" {
		m.KeysProblem = "the metadata names no jwks_uri"
		return
	}
	text, err := outbound.Get(ctx, a.outbound, m.JWKSURL)
	if err == nil {
		m.Keys, err = control.KeysOf(text)
	}
	if err != nil {
		m.KeysProblem = reason(err)
	}
	if m.Keys == nil {
		m.Keys = []control.KeyInfo{}
	}
}
