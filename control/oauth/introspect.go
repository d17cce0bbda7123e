package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"portcullis/control"
	"portcullis/control/web"
)

// Introspection is the answer of RFC 7662 2.2 with the members of the original. For a token that is not active nothing
// but active=false is said.
type Introspection struct {
	Active    bool     `json:"active"`
	Issuer    string   `json:"iss,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  []string `json:"aud,omitempty"`
	Expiry    int64    `json:"exp,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	NotBefore int64    `json:"nbf,omitempty"`
	ID        string   `json:"jti,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	Scope     string   `json:"scope,omitempty"`
	TokenType string   `json:"token_type,omitempty"`
	Tenant    string   `json:"tenant_id,omitempty"`
	Server    string   `json:"server_id,omitempty"`
	IDP       string   `json:"idp,omitempty"`
	AMR       []string `json:"amr,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`

	Attributes map[string]json.RawMessage `json:"-"` // of the user, beside the members above
}

// MarshalJSON puts the attributes beside the members.
func (p Introspection) MarshalJSON() ([]byte, error) {
	type plain Introspection
	return beside(plain(p), p.Attributes)
}

// Introspect says what an access token of a workspace is worth now. An error is an outage, never a bad token.
func (i *Issuer) Introspect(ctx context.Context, tenant, wid, token string) (Introspection, error) {
	c, err := i.verify(ctx, tenant, wid, token)
	if err != nil {
		if control.KindOf(err) == control.Unauthenticated {
			return Introspection{}, nil
		}
		return Introspection{}, err
	}
	return Introspection{Active: true, Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience, Expiry: c.Expiry, IssuedAt: c.IssuedAt,
		NotBefore: c.NotBefore, ID: c.ID, ClientID: c.ClientID, Scope: c.Scope, TokenType: "bearer",
		Tenant: c.Tenant, Server: c.Workspace, IDP: c.IDP, AMR: c.AMR, ACR: c.ACR, AuthTime: c.AuthTime, Attributes: c.Attributes}, nil
}

// introspect is the endpoint of RFC 7662 2. The caller proves itself by an access token of the workspace with the scope
// introspect_tokens, and then may ask about any token of the workspace; or as a client (2.1), and then learns only about
// tokens that were issued to it or are meant for it.
func (i *Issuer) introspect(w http.ResponseWriter, r *http.Request) {
	f, err := parseForm(r)
	event := web.Event(r.Context())
	event.Tenant, event.Workspace = f.tenant, f.workspace
	if err == nil && f.values["token"] == "" {
		err = refuse(errInvalidRequest, "token is missing (RFC 7662 2.1)")
	}
	if err != nil {
		writeError(w, r, err)
		return
	}
	clientID, anyToken, err := i.introspector(r, f)
	if err != nil {
		writeError(w, r, err)
		return
	}
	event.ActorID = clientID
	res, err := i.Introspect(r.Context(), f.tenant, f.workspace, f.values["token"])
	if err != nil {
		writeError(w, r, err)
		return
	}
	if res.Active && !anyToken && res.ClientID != clientID && !slices.Contains(res.Audience, clientID) {
		res = Introspection{} // RFC 7662 2.2: as if the token were not active
	}
	noStore(w.Header())
	web.WriteJSON(w, http.StatusOK, res)
}

func (i *Issuer) introspector(r *http.Request, f form) (clientID string, anyToken bool, err error) {
	scheme, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		c, err := i.confidential(r.Context(), f) // RFC 7662 2.1
		return c.ID, false, err
	}
	c, err := i.verify(r.Context(), f.tenant, f.workspace, strings.TrimSpace(bearer))
	if err != nil {
		return "", false, err
	}
	if !slices.Contains(c.Scopes, control.ScopeIntrospect) {
		return "", false, control.Errorf(control.Forbidden, "insufficient_scope", "the access token lacks the scope %s", control.ScopeIntrospect)
	}
	return c.ClientID, true, nil
}
