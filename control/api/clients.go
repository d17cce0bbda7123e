package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/api/openapi"
	"portcullis/control/web"
)

// client is openapi.ClientAdminResponse over the noun.
type client struct {
	control.Client
	Secret           string   `json:"client_secret,omitempty"` // only where one client is read, by who may read secrets
	Scope            string   `json:"scope"`                   // Scopes, space separated
	ResponseTypes    []string `json:"response_types"`
	ApplicationType  string   `json:"application_type"`  // web
	ApplicationTypes []string `json:"application_types"` // see applicationTypes
	SubjectType      string   `json:"subject_type"`      // public
	IssuedAt         int64    `json:"client_id_issued_at"`
	SecretExpiresAt  int64    `json:"client_secret_expires_at"` // 0: does not expire
	IssuerURL        string   `json:"server_issuer_url"`
}

// clientContract names the members of the published client that the document leaves out.
var clientContract = web.Contract{Answers: []any{openapi.ClientAdminResponse{}},
	Reads: []string{"application_type", "application_types", "client_secret", "jwks_uri", "response_types", "scope", "subject_type"}, Empty: []string{
		"application_purpose", "application_url", "app_url", "authorization_details_types", "authorization_encrypted_response_alg",
		"authorization_encrypted_response_enc", "authorization_signed_response_alg", "backchannel_authentication_request_signing_alg",
		"backchannel_logout_session_required", "backchannel_logout_uri", "backchannel_token_delivery_mode",
		"backchannel_client_notification_endpoint", "backchannel_user_code_parameter", "client_uri", "default_acr_values",
		"default_max_age", "developer_id", "developer_metadata", "dpop_bound_access_tokens", "id_token_encrypted_response_alg",
		"id_token_encrypted_response_enc", "id_token_signed_response_alg", "introspection_endpoint_auth_method", "logo_uri", "obbr",
		"organisation_id", "policy_uri", "privacy", "request_object_encryption_alg", "request_object_encryption_enc",
		"request_object_signing_alg", "require_pushed_authorization_requests", "revocation_endpoint_auth_method", "saml_metadata",
		"saml_metadata_url", "saml_service_provider_id", "sector_identifier_uri", "software_statement", "tls_client_auth_san_dns",
		"tls_client_auth_san_email", "tls_client_auth_san_ip", "tls_client_auth_san_uri", "tls_client_auth_subject_dn",
		"tls_client_certificate_bound_access_tokens", "token_exchange", "token_ttls", "tos_uri", "trust_anchor_id",
		"use_custom_token_ttls", "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc", "userinfo_signed_response_alg"}}

func (a *API) clientOf(c control.Client, secret string) client {
	return client{Client: c, Secret: secret, Scope: strings.Join(c.Scopes, " "), ResponseTypes: []string{}, ApplicationType: "web", ApplicationTypes: []string{applicationType(c)},
		SubjectType: "public", IssuedAt: c.CreatedAt.Unix(), IssuerURL: a.Admin.IssuerURL(c.TenantID, c.WorkspaceID)}
}

// decodeClient also returns the secret that was sent along.
func decodeClient(r *http.Request) (c control.Client, secret string, err error) {
	in, err := decode[openapi.CreateClientAdminRequest](r, &c, clientContract)
	if err != nil {
		return c, "", err
	}
	if err := sameTenant(&c.TenantID, r); err != nil {
		return c, "", err
	}
	if scope := value(in.Scope); scope != "" {
		if len(c.Scopes) > 0 && strings.Join(c.Scopes, " ") != scope {
			return c, "", invalid("scope", "says something else than scopes; send one of them")
		}
		c.Scopes = strings.Fields(scope)
	}
	if value(in.JwksURI) != "" {
		return c, "", invalid("jwks_uri", "is not fetched by this server; send the keys themselves in jwks")
	}
	if t := value(in.SubjectType); t != "" && t != "public" {
		return c, "", invalid("subject_type", "must be public")
	}
	return c, value(in.ClientSecret), nil
}

func invalid(member, what string) error {
	e := control.Errorf(control.Invalid, "", "%s %s", member, what)
	e.Fields = map[string]string{member: what}
	return e
}

// applicationType is what kind of application a client is, by how it gets its tokens: one that acts for itself only is a
// service, one that keeps no secret runs in a browser, any other is a web server.
func applicationType(c control.Client) string {
	switch {
	case !slices.Contains(c.GrantTypes, "authorization_code"):
		return "service"
	case c.AuthMethod == "none":
		return "single_page"
	}
	return "server_web"
}

// clientFilter narrows a list by what is derived from a client: application_types, and client_types, which is confidential
// or public (RFC 6749 2.1). Every client has the type web; none is the answer to another.
func clientFilter(r *http.Request) (f control.ClientFilter, none bool, err error) {
	f = control.ClientFilter{ApplicationTypes: queryList(r, "application_types"), Kinds: queryList(r, "client_types")}
	application := queryList(r, "type")
	for _, p := range []struct {
		name         string
		sent, values []string
	}{
		{"application_types", f.ApplicationTypes, []string{"single_page", "server_web", "mobile_desktop", "service", "legacy", "dcr"}},
		{"client_types", f.Kinds, []string{"confidential", "public"}},
		{"type", application, []string{"web", "native"}},
	} {
		for _, v := range p.sent {
			if !slices.Contains(p.values, v) {
				return f, false, badParameter(p.name, "must be some of "+strings.Join(p.values, ", "))
			}
		}
	}
	return f, len(application) > 0 && !slices.Contains(application, "web"), nil
}

func (a *API) listClients(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	f, none, err := clientFilter(r)
	if err != nil {
		return err
	}
	p, err := pageOf(r, "client")
	if err != nil {
		return err
	}
	page, err := a.Admin.PageClients(r.Context(), actor, r.PathValue("wid"), f, p)
	if err != nil {
		return err
	}
	if none {
		page = nil
	}
	out := struct {
		Clients []client `json:"clients"`
	}{make([]client, 0, len(page))}
	for _, c := range page {
		out.Clients = append(out.Clients, a.clientOf(c, ""))
	}
	return reply(w, http.StatusOK, out)
}

func (a *API) createClient(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	in, secret, err := decodeClient(r)
	if err != nil {
		return no400(err)
	}
	c, secret, err := a.Admin.CreateClient(r.Context(), actor, in, secret)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", etag(a.clientOf(c, "")))
	return reply(w, http.StatusCreated, a.clientOf(c, secret))
}

// clientNow is the client without its secret; the ETag is made of it, for who may read the secret and who may not.
func (a *API) clientNow(r *http.Request, actor control.Actor) (any, error) {
	c, err := a.Admin.GetClient(r.Context(), actor, r.PathValue("cid"))
	return a.clientOf(c, ""), err
}

// getClient shows the secret to who may read secrets.
func (a *API) getClient(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	c, err := a.Admin.GetClient(r.Context(), actor, r.PathValue("cid"))
	if err != nil {
		return err
	}
	secret, err := a.Admin.ClientSecret(r.Context(), actor, c.ID)
	if err != nil && control.KindOf(err) != control.Forbidden {
		return err
	}
	w.Header().Set("ETag", etag(a.clientOf(c, "")))
	return reply(w, http.StatusOK, a.clientOf(c, secret))
}

// updateClient changes everything but the secret, which has its own operation; the present secret may be sent along.
func (a *API) updateClient(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	in, secret, err := decodeClient(r)
	if err != nil {
		return err
	}
	if err := sameID(&in.ID, "client_id", r.PathValue("cid")); err != nil {
		return err
	}
	if r, err = precondition(r, actor, a.clientNow); err != nil {
		return err
	}
	if secret != "" {
		same, err := a.Admin.IsClientSecret(r.Context(), actor, in.ID, secret)
		if err != nil {
			return err
		}
		if !same {
			return invalid("client_secret", "is not changed here; use POST /clients/{cid}/rotateSecret")
		}
	}
	c, err := a.Admin.UpdateClient(r.Context(), actor, in)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", etag(a.clientOf(c, "")))
	return reply(w, http.StatusOK, a.clientOf(c, secret))
}

func (a *API) deleteClient(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	r, err := precondition(r, actor, a.clientNow)
	if err != nil {
		return err
	}
	if err := a.Admin.DeleteClient(r.Context(), actor, r.PathValue("cid")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// rotateSecret gives the client a new secret. The old one works for auto_revoke_after more, e.g. "1h"; without it, it ends
// at once.
func (a *API) rotateSecret(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	var keep time.Duration
	if s := r.URL.Query().Get("auto_revoke_after"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return badParameter("auto_revoke_after", "must be a duration such as 1h30m")
		}
		keep = d
	}
	secret, err := a.Admin.RotateClientSecretKeeping(r.Context(), actor, r.PathValue("cid"), keep)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, openapi.RotateClientSecretResponse{Secret: secret})
}

func (a *API) revokeRotatedSecrets(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
	if err := a.Admin.RevokeRotatedSecrets(r.Context(), actor, r.PathValue("cid")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
