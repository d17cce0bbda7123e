package oauth

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"portcullis/control"
	"portcullis/control/web"
)

// tokenResponse is RFC 6749 5.1.
type tokenResponse struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"` // "bearer", as the original writes it; compared without case (RFC 6749 5.1)
	ExpiresIn   int64  `json:"expires_in"`
	Scope       string `json:"scope"`

	// Only of grants of a user.
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
}

// token is the token endpoint, RFC 6749 3.2, in phases: read, who is the client, what does it ask for, mint, answer.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	f, err := parseForm(r)
	event := web.Event(r.Context())
	event.Tenant, event.Workspace = f.tenant, f.workspace
	if err != nil {
		writeError(w, r, err)
		return
	}
	ws, err := i.admin.Workspace(r.Context(), f.tenant, f.workspace)
	if err != nil {
		writeError(w, r, err)
		return
	}
	client, err := i.authenticate(r.Context(), f)
	if err != nil {
		writeError(w, r, err)
		return
	}
	event.ActorID = client.ID
	var res tokenResponse
	switch grant := f.values["grant_type"]; grant {
	case "":
		err = refuse(errInvalidRequest, "grant_type is missing (RFC 6749 4.4.2)")
	case "client_credentials":
		res, err = i.clientCredentials(r.Context(), f, ws, client)
	case "authorization_code":
		res, err = i.authorizationCode(r, f, ws, client)
	case "refresh_token":
		res, err = i.refreshToken(r, f, ws, client)
	default:
		err = refuse(errUnsupportedGrantType, "this grant type is not supported: "+clip(grant))
	}
	if err != nil {
		writeError(w, r, err)
		return
	}
	noStore(w.Header())
	web.WriteJSON(w, http.StatusOK, res)
}

// clientCredentials is RFC 6749 4.4: the client is its own subject.
func (i *Issuer) clientCredentials(ctx context.Context, f form, ws control.Workspace, client control.Client) (tokenResponse, error) {
	if !slices.Contains(client.GrantTypes, "client_credentials") {
		return tokenResponse{}, refuse(errUnauthorizedClient, "this client may not use client_credentials; add it to the client's grant types")
	}
	if client.AuthMethod == control.AuthNone { // 4.4: confidential clients only; package control refuses to store such a client
		return tokenResponse{}, refuse(errUnauthorizedClient, "a public client may not use client_credentials (RFC 6749 4.4)")
	}
	scopes, err := grantScopes(f.values["scope"], client.Scopes, ws.DynamicScopeSep)
	if err != nil {
		return tokenResponse{}, err
	}
	aud, err := i.audience(ctx, ws, client, scopes, f.resources)
	if err != nil {
		return tokenResponse{}, err
	}
	token, ttl, err := i.mint(ctx, ws, Claims{Subject: client.ID, ClientID: client.ID, Audience: aud, Scopes: scopes})
	if err != nil {
		return tokenResponse{}, err
	}
	return tokenResponse{AccessToken: token, TokenType: "bearer", ExpiresIn: int64(ttl.Seconds()), Scope: strings.Join(scopes, " ")}, nil
}

// maxScopes bounds what one request may ask for.
const maxScopes = 100

// grantScopes is what is granted: everything that was asked for, or invalid_scope; all that the client may have when
// nothing was asked for (RFC 6749 3.3). A dynamic scope of the client, "users.*" with separator ".", is asked for by a
// concrete name, "users.joe", and never granted as it stands.
func grantScopes(asked string, allowed []string, separator string) ([]string, error) {
	granted := []string{}
	if asked == "" {
		for _, s := range allowed {
			if !isDynamic(s, separator) && !slices.Contains(granted, s) {
				granted = append(granted, s)
			}
		}
		return granted, nil
	}
	for _, s := range strings.Fields(asked) {
		if slices.Contains(granted, s) {
			continue
		}
		if !validScope(s) || !mayHave(s, allowed, separator) {
			return nil, refuse(errInvalidScope, "this client may not have the scope "+clip(s))
		}
		if granted = append(granted, s); len(granted) > maxScopes {
			return nil, refuse(errInvalidScope, "too many scopes are asked for at once")
		}
	}
	return granted, nil
}

func mayHave(scope string, allowed []string, separator string) bool {
	for _, a := range allowed {
		if !isDynamic(a, separator) {
			if a == scope {
				return true
			}
			continue
		}
		// "users.*" allows "users.joe": a parameter, not empty, and no wildcard of the caller's.
		if param, ok := strings.CutPrefix(scope, strings.TrimSuffix(a, "*")); ok && param != "" && !strings.Contains(param, "*") {
			return true
		}
	}
	return false
}

func isDynamic(scope, separator string) bool {
	return separator != "" && strings.HasSuffix(scope, separator+"*")
}

// validScope is scope-token of RFC 6749 3.3.
func validScope(s string) bool {
	for _, c := range []byte(s) {
		if c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return s != "" && len(s) <= 256
}

// audience is who a token is for (RFC 9068 2.2): the client itself, as the original does; the API that the workspace
// guards; and the services whose scopes were granted, or all services when none of the scopes belongs to one. resource
// (RFC 8707 2) narrows this and may name nothing else.
func (i *Issuer) audience(ctx context.Context, ws control.Workspace, client control.Client, scopes, resources []string) ([]string, error) {
	services, err := i.serviceAudiences(ctx, ws, scopes)
	if err != nil {
		return nil, err
	}
	if a := i.apiAudience(ws.TenantID, ws.ID); a != "" {
		services = append([]string{a}, services...)
	}
	if len(resources) > 0 {
		for _, r := range resources {
			if !slices.Contains(services, r) {
				return nil, refuse(errInvalidTarget, "no service that this client may reach has the audience "+clip(r))
			}
		}
		services = resources
	}
	aud := []string{client.ID}
	for _, a := range slices.Concat(services, client.Audience) {
		if !slices.Contains(aud, a) {
			aud = append(aud, a)
		}
	}
	return aud, nil
}

func (i *Issuer) serviceAudiences(ctx context.Context, ws control.Workspace, scopes []string) ([]string, error) {
	of, err := i.admin.AudienceOf(ctx, ws.TenantID, ws.ID)
	if err != nil {
		return nil, err
	}
	all, err := i.admin.ScopesOf(ctx, ws.TenantID, ws.ID)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, s := range all {
		aud, ok := of[s.ServiceID]
		if ok && !slices.Contains(out, aud) && slices.ContainsFunc(scopes, func(granted string) bool {
			return mayHave(granted, []string{s.Name}, ws.DynamicScopeSep)
		}) {
			out = append(out, aud)
		}
	}
	if out == nil {
		out = slices.Collect(maps.Values(of))
	}
	slices.Sort(out)
	return out, nil
}
