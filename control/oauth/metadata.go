package oauth

import (
	"net/http"
	"slices"

	"portcullis/control"
	"portcullis/control/web"

	"github.com/go-jose/go-jose/v4"
)

// Metadata is the document of RFC 8414 2, with the members that OpenID Connect Discovery 1.0 3 requires. Endpoints that
// are not built are left out.
type Metadata struct {
	Issuer                            string   `json:"issuer"`
	AuthorizationEndpoint             string   `json:"authorization_endpoint"`
	TokenEndpoint                     string   `json:"token_endpoint"`
	UserinfoEndpoint                  string   `json:"userinfo_endpoint"`
	JWKSURI                           string   `json:"jwks_uri"`
	PushedRequestEndpoint             string   `json:"pushed_authorization_request_endpoint"`
	IntrospectionEndpoint             string   `json:"introspection_endpoint"`
	RevocationEndpoint                string   `json:"revocation_endpoint"`
	EndSessionEndpoint                string   `json:"end_session_endpoint"` // OpenID Connect RP-Initiated Logout 1.0 2.1
	GrantTypesSupported               []string `json:"grant_types_supported"`
	ResponseTypesSupported            []string `json:"response_types_supported"`
	ResponseModesSupported            []string `json:"response_modes_supported"`
	SubjectTypesSupported             []string `json:"subject_types_supported"`
	ScopesSupported                   []string `json:"scopes_supported"`
	ClaimsSupported                   []string `json:"claims_supported"`
	PromptValuesSupported             []string `json:"prompt_values_supported"`
	CodeChallengeMethodsSupported     []string `json:"code_challenge_methods_supported"`
	IDTokenSigningAlgValuesSupported  []string `json:"id_token_signing_alg_values_supported"`
	TokenEndpointAuthMethodsSupported []string `json:"token_endpoint_auth_methods_supported"`
	IntrospectionAuthMethodsSupported []string `json:"introspection_endpoint_auth_methods_supported"`
	RevocationAuthMethodsSupported    []string `json:"revocation_endpoint_auth_methods_supported"`
	AuthSigningAlgValuesSupported     []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAuthSigningAlgValues []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	RevocationAuthSigningAlgValues    []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	ResponseIssSupported              bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207
	ClaimsParameterSupported          bool     `json:"claims_parameter_supported"`
	RequestParameterSupported         bool     `json:"request_parameter_supported"`
	RequestURIParameterSupported      bool     `json:"request_uri_parameter_supported"` // those of RFC 9126 only
}

// authMethods are the ways a client may prove itself. One with a secret may use either of the first two, whichever it is
// registered with, because deployed gateways use both; a client of the others uses its own and nothing else.
var authMethods = []string{control.AuthBasic, control.AuthPost, control.AuthPrivateKeyJWT}

func (i *Issuer) metadata(w http.ResponseWriter, r *http.Request) {
	tenant, wid := r.PathValue("tid"), r.PathValue("wid")
	ws, err := i.admin.Workspace(r.Context(), tenant, wid)
	if err != nil {
		writeError(w, r, err)
		return
	}
	keys, err := i.admin.SigningKeys(r.Context(), tenant, wid)
	if err != nil {
		writeError(w, r, err)
		return
	}
	scopes, err := i.admin.ScopesOf(r.Context(), tenant, wid)
	if err != nil {
		writeError(w, r, err)
		return
	}
	iss := i.issuerURL(tenant, ws.ID)
	withNone := slices.Concat(authMethods, []string{control.AuthNone})
	algs := make([]string, len(algorithms))
	for n, a := range algorithms {
		algs[n] = string(a)
	}
	m := Metadata{
		Issuer: iss, AuthorizationEndpoint: iss + "/oauth2/authorize", TokenEndpoint: iss + "/oauth2/token", UserinfoEndpoint: iss + "/userinfo",
		JWKSURI: iss + "/.well-known/jwks.json", PushedRequestEndpoint: iss + "/par", IntrospectionEndpoint: iss + "/oauth2/introspect",
		RevocationEndpoint:     iss + "/oauth2/revoke",
		GrantTypesSupported:    []string{"client_credentials", "authorization_code", "refresh_token"},
		ResponseTypesSupported: []string{"code"}, ResponseModesSupported: []string{"query"}, SubjectTypesSupported: []string{"public"},
		ScopesSupported:               slices.Clone(oidcScopes),
		ClaimsSupported:               []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr", "acr", "sid", "name", "preferred_username", "email"},
		PromptValuesSupported:         []string{"none", "login", "consent"},
		CodeChallengeMethodsSupported: []string{"S256"}, IDTokenSigningAlgValuesSupported: []string{},
		EndSessionEndpoint:                iss + "/oidc/logout",
		TokenEndpointAuthMethodsSupported: withNone, IntrospectionAuthMethodsSupported: authMethods, RevocationAuthMethodsSupported: withNone,
		AuthSigningAlgValuesSupported: algs, IntrospectionAuthSigningAlgValues: algs, RevocationAuthSigningAlgValues: algs,
		ResponseIssSupported: true,
	}
	for _, s := range scopes {
		if !slices.Contains(m.ScopesSupported, s.Name) {
			m.ScopesSupported = append(m.ScopesSupported, s.Name)
		}
	}
	for _, k := range keys {
		if k.Active && !slices.Contains(m.IDTokenSigningAlgValuesSupported, k.Algorithm) {
			m.IDTokenSigningAlgValuesSupported = append(m.IDTokenSigningAlgValuesSupported, k.Algorithm)
		}
	}
	public(w.Header())
	web.WriteJSON(w, http.StatusOK, m)
}

func (i *Issuer) jwks(w http.ResponseWriter, r *http.Request) {
	keys, err := i.admin.SigningKeys(r.Context(), r.PathValue("tid"), r.PathValue("wid"))
	if err != nil {
		writeError(w, r, err)
		return
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Private.Public(), KeyID: k.ID, Algorithm: k.Algorithm, Use: "sig"})
	}
	public(w.Header())
	web.WriteJSON(w, http.StatusOK, set)
}

// public lets anybody read the answer, from any origin, and keep it as long as a rotation can wait.
func public(h http.Header) {
	h.Set("Cache-Control", "public, max-age=300")
	readable(h)
}

// apiAudience is what a token must carry in "aud" to be taken by the API that the workspace guards: "" for regular
// workspaces, whose tokens are for their services.
func (i *Issuer) apiAudience(tenant, wid string) string {
	switch wid {
	case control.AdminWorkspace:
		return i.publicURL + "/api/admin/" + tenant
	case control.SystemWorkspace:
		return i.publicURL + "/api/system/" + tenant
	}
	return ""
}
