package oauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/admin"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Exchanged is the answer to a gateway that handed a token in. Where nothing was exchanged and Error is empty the token is
// one of the workspace's own, which needs no exchange.
type Exchanged struct {
	Exchanged   bool   `json:"exchanged"`
	AccessToken string `json:"access_token,omitempty"`
	ExpiresIn   int64  `json:"expires_in,omitempty"` // seconds
	Error       string `json:"error,omitempty"`
}

// The values of Exchanged.Error.
const (
	ExchangeUntrusted = "untrusted_issuer" // of none of the gateway's trusted providers, or no JWT
	ExchangeInvalid   = "invalid_token"    // says it is of one, and does not verify, is over, or is meant for somebody else
)

// Exchange turns an access token of a trusted identity provider into one of the workspace (in the manner of RFC 8693): for
// the same person, with the provider's mappings as claims and those of its scopes that the workspace has, valid no longer
// than the token that was handed in.
//
// The token must be a JWT that the provider signed, and meant for this workspace: its audience holds the workspace's issuer or
// a service's audience. Without that, whatever the provider issues for anybody would open our doors; and an ID token, whose
// audience is a client, would pass as an access token. An error is an outage, never a bad token.
func (i *Issuer) Exchange(ctx context.Context, x control.Exchange, token string) (Exchanged, error) {
	ws, err := i.store.Workspace(ctx, x.TenantID, x.WorkspaceID)
	if err != nil {
		return Exchanged{}, err
	}
	if strings.HasPrefix(token, opaquePrefix) || unverifiedIssuer(token) == i.issuerURL(ws.TenantID, ws.ID) {
		if _, err := i.verify(ctx, ws.TenantID, ws.ID, token); control.KindOf(err) == control.Unauthenticated && err != nil {
			return Exchanged{Error: ExchangeInvalid}, nil
		} else if err != nil {
			return Exchanged{}, err
		}
		return Exchanged{}, nil
	}
	n := slices.IndexFunc(x.IDPs, func(p control.IDP) bool { return p.OIDC.IssuerURL == unverifiedIssuer(token) })
	if n < 0 {
		return Exchanged{Error: ExchangeUntrusted}, nil
	}
	claims, err := i.foreign(ctx, ws, x.IDPs[n], token)
	if err != nil {
		var bad *identityError
		if errors.As(err, &bad) {
			i.logger.InfoContext(ctx, "a token was not exchanged", "tenant", ws.TenantID, "workspace", ws.ID, "idp", x.IDPs[n].ID, "reason", bad.reason)
			return Exchanged{Error: ExchangeInvalid}, nil
		}
		return Exchanged{}, err
	}
	c, err := i.exchanged(ctx, ws, x, x.IDPs[n], claims)
	if err != nil {
		return Exchanged{}, err
	}
	minted, ttl, err := i.mint(ctx, ws, c)
	if err != nil {
		return Exchanged{}, err
	}
	return Exchanged{Exchanged: true, AccessToken: minted, ExpiresIn: int64(ttl.Seconds())}, nil
}

// unverifiedIssuer is who a JWT says it is from; it only chooses whose keys to verify it with.
func unverifiedIssuer(token string) string {
	if !compact(token) {
		return ""
	}
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	var c struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(payload, &c) != nil {
		return ""
	}
	return c.Issuer
}

// foreignClaims are what is read of an access token of another provider.
type foreignClaims struct {
	subject  string
	expiry   time.Time
	AuthTime json.Number     `json:"auth_time"`
	ACR      string          `json:"acr"`
	AMR      json.RawMessage `json:"amr"`
	Scope    json.RawMessage `json:"scope"`
	SCP      json.RawMessage `json:"scp"`
	all      map[string]json.RawMessage
}

// foreign verifies an access token of another provider: signature by one of its published keys with an algorithm that is
// allowed, issuer, time, audience, subject.
func (i *Issuer) foreign(ctx context.Context, ws control.Workspace, idp control.IDP, token string) (c foreignClaims, err error) {
	p, err := i.provider(ctx, idp)
	if err != nil {
		e := control.Errorf(control.Unavailable, "unavailable", "the identity provider %q does not answer; try again", idp.ID)
		e.RetryAfter = 5
		i.logger.WarnContext(ctx, "an identity provider does not answer", "tenant", ws.TenantID, "workspace", ws.ID, "idp", idp.ID, "error", err)
		return c, e
	}
	verifier := p.oidc.VerifierContext(oidc.ClientContext(ctx, i.admin.Outbound()), &oidc.Config{SkipClientIDCheck: true, SupportedSigningAlgs: idp.OIDC.Algorithms, Now: i.now})
	t, err := verifier.Verify(ctx, token)
	if err != nil {
		return c, refuseIdentity("the token is not valid: " + clip100(err.Error()))
	}
	ours := []string{i.issuerURL(ws.TenantID, ws.ID)}
	services, err := i.admin.AudienceOf(ctx, ws.TenantID, ws.ID)
	if err != nil {
		return c, err
	}
	for _, a := range services {
		ours = append(ours, a)
	}
	switch {
	case !slices.ContainsFunc(t.Audience, func(a string) bool { return slices.Contains(ours, a) }):
		return c, refuseIdentity("the token is meant for somebody else (aud)")
	case t.Subject == "" || len(t.Subject) > 255:
		return c, refuseIdentity("the token has no subject, or a huge one")
	case t.IssuedAt.After(i.now().Add(idTokenSkew)):
		return c, refuseIdentity("the token is from the future")
	}
	if err := errors.Join(t.Claims(&c), t.Claims(&c.all)); err != nil {
		return c, refuseIdentity("the token's claims are not of their types")
	}
	if raw, ok := c.all["cnf"]; ok && string(raw) != "null" { // RFC 7800 3.1: it proves nothing without its key
		return c, refuseIdentity("the token is bound to a key (cnf), and the exchanged one would not be")
	}
	c.subject, c.expiry = t.Subject, t.Expiry
	return c, nil
}

// exchanged are the claims of the token that is given for another one. The subject carries the provider's id: two providers may
// have a user of the same name, and a local user may be called so too.
func (i *Issuer) exchanged(ctx context.Context, ws control.Workspace, x control.Exchange, idp control.IDP, f foreignClaims) (Claims, error) {
	declared, err := i.admin.ScopesOf(ctx, ws.TenantID, ws.ID)
	if err != nil {
		return Claims{}, err
	}
	names := make([]string, len(declared))
	for n, s := range declared {
		names[n] = s.Name
	}
	scopes := []string{}
	for _, s := range append(words(f.Scope), words(f.SCP)...) {
		if len(scopes) < maxScopes && !slices.Contains(scopes, s) && validScope(s) && mayHave(s, names, ws.DynamicScopeSep) {
			scopes = append(scopes, s)
		}
	}
	aud, err := i.audience(ctx, ws, control.Client{ID: x.ClientID}, scopes, nil)
	if err != nil {
		return Claims{}, err
	}
	user := admin.Mapped(*idp.OIDC, f.subject, f.all)
	c := Claims{Subject: idp.ID + ":" + f.subject, ClientID: x.ClientID, Audience: aud, Scopes: scopes, IDP: idp.ID, AMR: methodsOf(f.AMR), ACR: clip(f.ACR),
		Name: user.Name, Username: user.Username, Email: user.Email, Attributes: user.Attributes, Expiry: f.expiry.Unix()}
	if at, err := f.AuthTime.Int64(); err == nil && at > 0 {
		c.AuthTime = at
	}
	return c, nil
}

// words are the entries of a list of texts, or of one text with spaces (RFC 8693 4.2; others send a list).
func words(raw json.RawMessage) []string {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return nil
	}
	return strings.Fields(text)
}
