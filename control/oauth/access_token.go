package oauth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/admin"

	"github.com/go-jose/go-jose/v4"
)

// Claims are the payload of an access token: those of RFC 9068 2.2 with the names that policies written for the original
// read (scp, tid, aid, idp, amr).
type Claims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"` // the client's id, for client_credentials
	Audience  []string `json:"aud"`
	Expiry    int64    `json:"exp"` // seconds
	IssuedAt  int64    `json:"iat"`
	NotBefore int64    `json:"nbf"`
	ID        string   `json:"jti"`
	ClientID  string   `json:"client_id"`
	Scope     string   `json:"scope"` // space separated
	Scopes    []string `json:"scp"`   // the same as a list
	Tenant    string   `json:"tid"`
	Workspace string   `json:"aid"`
	IDP       string   `json:"idp"` // empty: no user is involved
	AMR       []string `json:"amr"`

	// Only of grants of a user.
	ACR      string `json:"acr,omitempty"`
	AuthTime int64  `json:"auth_time,omitempty"`
	Grant    string `json:"gid,omitempty"` // ending the grant ends the token
	Name     string `json:"name,omitempty"`
	Username string `json:"preferred_username,omitempty"`
	Email    string `json:"email,omitempty"`

	// Attributes of the user stand beside the claims above, and never for one of them. :: claim → value
	Attributes map[string]json.RawMessage `json:"-"`
}

// MarshalJSON puts the attributes beside the claims.
func (c Claims) MarshalJSON() ([]byte, error) {
	type plain Claims
	return beside(plain(c), c.Attributes)
}

// UnmarshalJSON takes every claim that is none of ours as an attribute.
func (c *Claims) UnmarshalJSON(b []byte) error {
	type plain Claims
	if err := json.Unmarshal(b, (*plain)(c)); err != nil {
		return err
	}
	c.Attributes = nil
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for _, name := range control.IssuedClaims {
		delete(all, name)
	}
	if len(all) > 0 {
		c.Attributes = all
	}
	return nil
}

// beside is the JSON object of v with further members, which never replace one that control.ReservedClaim keeps or v has.
func beside(v any, more map[string]json.RawMessage) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil || len(more) == 0 {
		return b, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	for name, value := range more {
		if _, ok := all[name]; !ok && !control.ReservedClaim(name) {
			all[name] = value
		}
	}
	return json.Marshal(all)
}

// idToken is OpenID Connect Core 2.
type idToken struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience string   `json:"aud"` // the client
	Expiry   int64    `json:"exp"`
	IssuedAt int64    `json:"iat"`
	AuthTime int64    `json:"auth_time"`
	Nonce    string   `json:"nonce,omitempty"`
	AMR      []string `json:"amr"`
	ACR      string   `json:"acr,omitempty"`
	Session  string   `json:"sid,omitempty"` // OpenID Connect Front-Channel Logout 1.0 3
	Name     string   `json:"name,omitempty"`
	Username string   `json:"preferred_username,omitempty"`
	Email    string   `json:"email,omitempty"`
}

const (
	defaultTTL = time.Hour
	maxTTL     = 24 * time.Hour
	idTTL      = time.Hour
	maxToken   = 16 << 10 // bytes
	// clockSkew is how far the clock of another node of ours may be ahead.
	clockSkew = 30 * time.Second
)

// idTokenType tells ID tokens from access tokens of the same keys.
const idTokenType = "JWT"

// algorithms are those that a workspace's keys may have; nothing else is verified.
var algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.PS256, jose.EdDSA}

// accessTTL is how long the access tokens of a workspace live.
func accessTTL(ws control.Workspace) time.Duration {
	if ws.AccessTokenTTL <= 0 {
		return defaultTTL
	}
	return min(time.Duration(ws.AccessTokenTTL), maxTTL)
}

// mint makes an access token: signed with the workspace's active key (RFC 9068 2.1: typ at+jwt), or opaque, as the
// workspace's strategy is. With an Expiry in the claims it lives no longer than that.
func (i *Issuer) mint(ctx context.Context, ws control.Workspace, c Claims) (token string, ttl time.Duration, err error) {
	ttl = accessTTL(ws)
	now := i.now()
	c.Issuer, c.Tenant, c.Workspace = i.issuerURL(ws.TenantID, ws.ID), ws.TenantID, ws.ID
	if left := time.Unix(c.Expiry, 0).Sub(now); c.Expiry > 0 && left < ttl {
		ttl = left.Truncate(time.Second)
	}
	c.IssuedAt, c.NotBefore, c.Expiry = now.Unix(), now.Unix(), now.Add(ttl).Unix()
	c.Scope = strings.Join(c.Scopes, " ")
	id := make([]byte, 16)
	rand.Read(id)
	c.ID = base64.RawURLEncoding.EncodeToString(id)
	if c.AMR == nil {
		c.AMR = []string{}
	}
	switch ws.AccessTokenStrategy {
	case control.TokensOpaque:
		token, err = i.keep(ctx, c, now)
	case control.TokensJWT, "":
		token, err = i.sign(ctx, ws, "at+jwt", c)
	default:
		err = fmt.Errorf("workspace %s has the unknown access token strategy %q", ws.ID, ws.AccessTokenStrategy)
	}
	return token, ttl, err
}

// mintID signs an ID token for the user of the claims.
func (i *Issuer) mintID(ctx context.Context, ws control.Workspace, c Claims, nonce, session string) (string, error) {
	now := i.now()
	if c.AMR == nil {
		c.AMR = []string{}
	}
	id := idToken{Issuer: i.issuerURL(ws.TenantID, ws.ID), Subject: c.Subject, Audience: c.ClientID, Expiry: now.Add(idTTL).Unix(),
		IssuedAt: now.Unix(), AuthTime: c.AuthTime, Nonce: nonce, AMR: c.AMR, ACR: c.ACR, Session: session, Name: c.Name, Username: c.Username, Email: c.Email}
	if !slices.Contains(c.Scopes, "profile") { // OpenID Connect Core 5.4
		return i.sign(ctx, ws, idTokenType, id)
	}
	with, err := beside(id, c.Attributes)
	if err != nil {
		return "", err
	}
	return i.sign(ctx, ws, idTokenType, json.RawMessage(with))
}

func (i *Issuer) sign(ctx context.Context, ws control.Workspace, typ string, claims any) (string, error) {
	keys, err := i.admin.SigningKeys(ctx, ws.TenantID, ws.ID)
	if err != nil {
		return "", err
	}
	n := slices.IndexFunc(keys, func(k admin.SigningKey) bool { return k.Active })
	if n < 0 {
		return "", fmt.Errorf("workspace %s has no active signing key", ws.ID)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(keys[n].Algorithm), Key: jose.JSONWebKey{Key: keys[n].Private, KeyID: keys[n].ID}},
		(&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		return "", fmt.Errorf("signing key %s: %w", keys[n].ID, err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing key %s: %w", keys[n].ID, err)
	}
	return jws.CompactSerialize()
}

// errToken is what a bearer learns about any token that does not verify (RFC 6750 3.1 invalid_token).
var errToken = control.Errorf(control.Unauthenticated, "invalid_token", "the access token is not valid here: it is malformed, expired, or from another issuer; get a new one from the token endpoint")

// VerifyAccessToken checks a bearer token that is meant for the API which the workspace guards (admin: the admin API,
// system: the system API; otherwise its services): signature by a current key of the workspace, type, issuer, audience,
// time. The error is control.Unauthenticated for every token that fails.
func (i *Issuer) VerifyAccessToken(ctx context.Context, tenant, wid, bearer string) (Claims, error) {
	c, err := i.verify(ctx, tenant, wid, bearer)
	if err != nil {
		return Claims{}, err
	}
	if want := i.apiAudience(tenant, wid); want != "" && !slices.Contains(c.Audience, want) {
		return Claims{}, errToken
	}
	return c, nil
}

// verify is VerifyAccessToken without the audience.
func (i *Issuer) verify(ctx context.Context, tenant, wid, bearer string) (Claims, error) {
	c, err := i.claims(ctx, tenant, wid, bearer)
	if err != nil {
		return Claims{}, err
	}
	if err := c.check(i.issuerURL(tenant, wid), tenant, wid, i.now()); err != nil {
		return Claims{}, errToken
	}
	if err := i.notRevoked(ctx, c); err != nil {
		return Claims{}, err
	}
	return c, nil
}

// claims are what we once wrote into a token, by its signature or by looking it up. They may be over.
func (i *Issuer) claims(ctx context.Context, tenant, wid, bearer string) (Claims, error) {
	if strings.HasPrefix(bearer, opaquePrefix) {
		return i.kept(ctx, tenant, wid, bearer)
	}
	if len(bearer) > maxToken || tenant == "" {
		return Claims{}, errToken
	}
	keys, err := i.admin.SigningKeys(ctx, tenant, wid)
	if err != nil {
		if control.KindOf(err) == control.NotFound {
			return Claims{}, errToken
		}
		return Claims{}, err
	}
	c, ok := i.verified.find(tenant, wid, bearer, keys)
	if !ok {
		if !compact(bearer) {
			return Claims{}, errToken
		}
		kid := ""
		if c, kid, err = signedClaims(bearer, keys); err != nil {
			return Claims{}, errToken
		}
		i.verified.remember(tenant, wid, bearer, kid, c)
	}
	return c, nil
}

// signedClaims are the claims of an access token that one of the keys has signed.
func signedClaims(bearer string, keys []admin.SigningKey) (c Claims, kid string, err error) {
	jws, err := jose.ParseSignedCompact(bearer, algorithms)
	if err != nil || len(jws.Signatures) != 1 {
		return c, "", errToken
	}
	h := jws.Signatures[0].Protected
	// RFC 9068 4: typ keeps other JWTs of the same keys (ID tokens, logout tokens) from passing as access tokens.
	if typ, _ := h.ExtraHeaders[jose.HeaderType].(string); !strings.EqualFold(typ, "at+jwt") && !strings.EqualFold(typ, "application/at+jwt") {
		return c, "", errToken
	}
	for _, k := range keys {
		if k.ID != h.KeyID || k.Algorithm != h.Algorithm { // a key signs with one algorithm only (RFC 8725 3.1)
			continue
		}
		payload, err := jws.Verify(k.Private.Public())
		if err != nil {
			return c, "", errToken
		}
		return c, k.ID, json.Unmarshal(payload, &c)
	}
	return c, "", errToken
}

// check is RFC 9068 4 on the claims. What is missing does not pass.
func (c *Claims) check(issuer, tenant, wid string, now time.Time) error {
	switch {
	case c.Issuer != issuer || c.Tenant != tenant || c.Workspace != wid:
		return errors.New("another issuer")
	case c.Subject == "" || c.ClientID == "" || c.ID == "" || len(c.Audience) == 0:
		return errors.New("a required claim is missing")
	case c.Expiry <= 0 || !now.Before(time.Unix(c.Expiry, 0)):
		return errors.New("expired")
	case now.Add(clockSkew).Before(time.Unix(c.NotBefore, 0)) || now.Add(clockSkew).Before(time.Unix(c.IssuedAt, 0)):
		return errors.New("not yet valid")
	}
	return nil
}

// compact says whether s can be a JWS in compact form: three parts of the strict base64url alphabet without padding. The
// decoder alone would also take line breaks, and other spellings of the same bytes.
func compact(s string) bool {
	if len(s) == 0 || len(s) > maxToken || strings.Count(s, ".") != 2 {
		return false
	}
	for part := range strings.SplitSeq(s, ".") {
		if !compactPart(part) {
			return false
		}
	}
	return true
}

func compactPart(s string) bool {
	_, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && s != "" && !strings.ContainsAny(s, "\r\n")
}

// TenantOf is the tenant that a token claims to be from, not verified: it only chooses whose keys to verify it with.
func TenantOf(bearer string) string {
	if !compact(bearer) {
		return ""
	}
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(bearer, ".")[1])
	var c struct {
		Tenant string `json:"tid"`
	}
	if json.Unmarshal(payload, &c) != nil {
		return ""
	}
	return c.Tenant
}
