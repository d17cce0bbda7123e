package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/store"

	"github.com/go-jose/go-jose/v4"
)

const (
	maxAssertionTTL = 5 * time.Minute // how far ahead an assertion may expire: as long its jti must be remembered
	maxJTI          = 256             // bytes
)

// errClient is the one answer to a client that did not prove who it is.
var errClient = refuseClient("client authentication failed")

// authenticate proves the client, or takes a public client at its word (RFC 6749 2.1). Every failure reads the same, so
// that nobody learns which half was wrong.
func (i *Issuer) authenticate(ctx context.Context, f form) (control.Client, error) {
	switch f.credentials.method {
	case control.AuthBasic, control.AuthPost:
		c, err := i.admin.AuthenticateClient(ctx, f.tenant, f.workspace, f.credentials.clientID, f.credentials.clientSecret)
		if control.KindOf(err) == control.Unauthenticated && err != nil {
			return control.Client{}, errClient
		}
		return c, err
	case control.AuthPrivateKeyJWT:
		return i.byAssertion(ctx, f)
	case control.AuthNone:
		return i.registered(ctx, f, f.credentials.clientID, control.AuthNone)
	}
	return control.Client{}, refuseClient("the client must authenticate: by HTTP Basic, by client_id and client_secret in the body, or by client_assertion")
}

// confidential is authenticate without public clients.
func (i *Issuer) confidential(ctx context.Context, f form) (control.Client, error) {
	c, err := i.authenticate(ctx, f)
	if err == nil && c.AuthMethod == control.AuthNone {
		return control.Client{}, refuseClient("a client that proves itself by nothing may not use this endpoint")
	}
	return c, err
}

// registered reads an active client of the workspace that is registered with the method.
func (i *Issuer) registered(ctx context.Context, f form, id, method string) (control.Client, error) {
	c, err := i.store.Client(ctx, f.tenant, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && (c.WorkspaceID != f.workspace || c.Status != "active" || c.AuthMethod != method) {
		return control.Client{}, errClient
	}
	return c, err
}

// assertion are the claims of RFC 7523 3.
type assertion struct {
	Issuer    string          `json:"iss"`
	Subject   string          `json:"sub"`
	Audience  jsonAudience    `json:"aud"`
	Expiry    json.Number     `json:"exp"`
	NotBefore json.Number     `json:"nbf"`
	IssuedAt  json.Number     `json:"iat"`
	ID        json.RawMessage `json:"jti"`
}

// jsonAudience is a string or a list of them (RFC 7519 4.1.3).
type jsonAudience []string

func (a *jsonAudience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = jsonAudience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// byAssertion is RFC 7523 2.2 and 3: a JWT that the client signed with a key of its registered set, for us and nobody
// else, that expires soon and was not used before.
func (i *Issuer) byAssertion(ctx context.Context, f form) (control.Client, error) {
	raw := f.credentials.assertion
	if !compact(raw) {
		return control.Client{}, errClient
	}
	jws, err := jose.ParseSignedCompact(raw, algorithms) // never HS256: client_secret_jwt is not offered
	if err != nil || len(jws.Signatures) != 1 {
		return control.Client{}, errClient
	}
	var claimed assertion                                                                                                                      // not verified yet: it only says whose keys to try
	if json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &claimed) != nil || claimed.Subject == "" || claimed.Issuer != claimed.Subject { // 3 (1), (2)
		return control.Client{}, errClient
	}
	if id := f.credentials.clientID; id != "" && id != claimed.Subject { // RFC 7521 4.2
		return control.Client{}, errClient
	}
	client, err := i.registered(ctx, f, claimed.Subject, control.AuthPrivateKeyJWT)
	if err != nil {
		return client, err
	}
	payload, ok := verifyWith(jws, client.JWKS)
	var a assertion
	if !ok || json.Unmarshal(payload, &a) != nil {
		return control.Client{}, errClient
	}
	now := i.now()
	jti, expires, problem := a.check(i.endpointsOf(f.tenant, f.workspace), now)
	if problem != "" { // the client has proved its key: it may know
		return control.Client{}, refuseClient(problem)
	}
	fresh := false
	err = i.store.Tx(ctx, func(tx *store.Tx) (err error) {
		fresh, err = tx.UseAssertion(ctx, client.TenantID, client.ID, hashOf(jti), now, expires)
		return err
	})
	if err != nil {
		return control.Client{}, err
	}
	if !fresh {
		return control.Client{}, refuseClient("the assertion was used before; sign a new one with another jti (RFC 7523 3)")
	}
	return client, nil
}

// endpointsOf are the audiences that mean us in an assertion: RFC 7523 3 (3), RFC 9126 2.
func (i *Issuer) endpointsOf(tenant, wid string) []string {
	iss := i.issuerURL(tenant, wid)
	return []string{iss, iss + "/oauth2/token", iss + "/par"}
}

// check is RFC 7523 3 on the claims. What is missing does not pass.
func (a *assertion) check(us []string, now time.Time) (jti string, expires time.Time, problem string) {
	second := func(n json.Number) (time.Time, bool) {
		f, err := n.Float64() // RFC 7519 2: NumericDate may have a fraction
		return time.Unix(int64(f), 0), err == nil && f > 0 && f < 1<<40
	}
	expires, ok := second(a.Expiry)
	if !ok || !now.Before(expires) || expires.After(now.Add(maxAssertionTTL+clockSkew)) {
		return "", expires, "exp of the assertion must be in the future, at most five minutes ahead (RFC 7523 3)"
	}
	for _, n := range []json.Number{a.NotBefore, a.IssuedAt} {
		if t, ok := second(n); n != "" && (!ok || t.After(now.Add(clockSkew))) {
			return "", expires, "nbf or iat of the assertion is in the future (RFC 7523 3)"
		}
	}
	// Every audience must be us: an assertion that another server may take as well is one that it can pass on.
	if len(a.Audience) == 0 || slices.ContainsFunc(a.Audience, func(s string) bool { return !slices.Contains(us, s) }) {
		return "", expires, "aud of the assertion must be the issuer or its token endpoint, and nobody else (RFC 7523 3)"
	}
	if json.Unmarshal(a.ID, &jti) != nil || jti == "" || len(jti) > maxJTI {
		return "", expires, "the assertion needs a jti of 1 to 256 bytes, used once (RFC 7523 3)"
	}
	return jti, expires, ""
}

// verifyWith is the payload of a JWS that one of the keys of a set signed: the one that kid names, or each without kid.
func verifyWith(jws *jose.JSONWebSignature, jwks []byte) ([]byte, bool) {
	var set jose.JSONWebKeySet
	if json.Unmarshal(jwks, &set) != nil {
		return nil, false
	}
	h := jws.Signatures[0].Protected
	for _, k := range set.Keys {
		if h.KeyID != "" && k.KeyID != "" && k.KeyID != h.KeyID || k.Algorithm != "" && k.Algorithm != h.Algorithm || !k.IsPublic() {
			continue
		}
		if payload, err := jws.Verify(k.Key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// localRedirect says whether a redirect URI is claimed by nothing but a program on the user's machine, which another program
// may be: RFC 8252 8.6.
func localRedirect(uri string) bool {
	return !strings.HasPrefix(uri, "https://")
}
