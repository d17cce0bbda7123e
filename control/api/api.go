package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/analytics"
	"portcullis/control/web"
)

// Options of New. Admin, Analytics and Authenticate are required; without Introspect and Exchange those endpoints answer 501.
type Options struct {
	Admin     *admin.Admin
	Analytics *analytics.Analytics
	Packages  web.Packages
	// Authenticate turns a bearer token of the issuer {tenant}/{workspace} into the actor; the tenant is the token's own.
	Authenticate func(ctx context.Context, workspace, bearer string) (control.Actor, error)
	// Introspect says what an access token of a workspace is worth; the answer is the body (RFC 7662 2.2).
	Introspect func(ctx context.Context, tenant, workspace, token string) (any, error)
	// Exchange answers for a token that the client of a gateway hands in; the answer is the body.
	Exchange  func(ctx context.Context, x control.Exchange, token string) (any, error)
	PublicURL string
	Now       func() time.Time
	Logger    *slog.Logger
}

// API serves /api/admin, /api/system, /api/hub and /api/analytics.
type API struct {
	Options
	mux      *http.ServeMux
	patterns []string // of every operation that is built
}

// New makes the handler.
func New(o Options) *API {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &API{Options: o, mux: http.NewServeMux()}
	a.routes()
	return a
}

// verb is a handler that knows who asks. What it returns is written by web.WriteError.
type verb func(w http.ResponseWriter, r *http.Request, actor control.Actor) error

func (a *API) routes() {
	admin := func(pattern string, v verb) { a.handle("/api/admin/{tid}", control.AdminWorkspace, pattern, v) }
	system := func(pattern string, v verb) { a.handle("/api/system/{tid}", control.SystemWorkspace, pattern, v) }
	metrics := func(pattern string, v verb) { a.handle("/api/analytics/{tid}", control.AdminWorkspace, pattern, v) }
	hub := func(pattern string, v verb) { a.handle("/api/hub/{tid}", control.SystemWorkspace, pattern, v) }

	admin("GET /servers", a.listServers)
	admin("POST /servers", a.createServer)
	admin("GET /servers/{wid}", a.getServer)
	admin("PUT /servers/{wid}", a.updateServer)
	admin("DELETE /servers/{wid}", a.deleteServer)
	admin("GET /workspaces", a.listWorkspaces)
	admin("GET /workspaces/{wid}", a.getWorkspace)
	admin("PUT /workspaces/{wid}/metadata", a.updateMetadata)
	admin("GET /user/workspaces", a.listUserWorkspaces)

	admin("GET /servers/{wid}/trusted-issuers", a.listTrustedIssuers)
	admin("PUT /servers/{wid}/trusted-issuers", a.setTrustedIssuers)

	admin("GET /servers/{wid}/services", a.listServices)
	admin("POST /services", a.createService)
	admin("GET /services/{sid}", a.getService)
	admin("PUT /services/{sid}", a.updateService)
	admin("DELETE /services/{sid}", a.deleteService)
	admin("GET /servers/{wid}/scopes", a.listScopes)
	admin("POST /scopes", a.createScope)
	admin("GET /scopes/{scp}", a.getScope)
	admin("PUT /scopes/{scp}", a.updateScope)
	admin("DELETE /scopes/{scp}", a.deleteScope)

	admin("GET /services/{sid}/apis", a.listAPIsByService)
	admin("GET /servers/{wid}/apis", a.listAPIsByServer)
	admin("POST /apis", a.createAPI)
	admin("POST /apis/test", a.testAPI)
	admin("GET /apis/{api}", a.getAPI)
	admin("PUT /apis/{api}", a.updateAPI)
	admin("DELETE /apis/{api}", a.deleteAPI)
	admin("POST /services/{sid}/apis/import/file", a.importFile)
	admin("POST /services/{sid}/apis/import/text", a.importText)
	admin("POST /services/{sid}/apis/import/url", a.importURL)
	admin("DELETE /services/{sid}/apis", a.removeSpecification)

	admin("GET /servers/{wid}/gateways", a.listGateways)
	admin("POST /gateways", a.createGateway)
	admin("GET /gateways/{gw}", a.getGateway)
	admin("PUT /gateways/{gw}", a.updateGateway)
	admin("DELETE /gateways/{gw}", a.deleteGateway)
	admin("GET /gateways/{gw}/groups", a.listGroups)
	admin("POST /gateways/{gw}/groups/{apiGroup}/bind", a.bindGroup)
	admin("DELETE /gateways/{gw}/groups/{apiGroup}/unbind", a.unbindGroup)
	admin("GET /gateways/{gw}/package", a.getPackage)

	admin("GET /servers/{wid}/policies", a.listPolicies)
	admin("POST /policies", a.createPolicy)
	admin("POST /policies/test", a.testPolicy)
	admin("GET /policies/{pid}", a.getPolicy)
	admin("PUT /policies/{pid}", a.updatePolicy)
	admin("DELETE /policies/{pid}", a.deletePolicy)
	admin("GET /policies/{pid}/warnings", a.policyWarnings)
	admin("GET /apis/{api}/warnings", a.apiWarnings)
	admin("GET /servers/{wid}/policy-gallery", a.policyGallery)

	admin("GET /servers/{wid}/clients", a.listClients)
	admin("POST /clients", a.createClient)
	admin("GET /clients/{cid}", a.getClient)
	admin("PUT /clients/{cid}", a.updateClient)
	admin("DELETE /clients/{cid}", a.deleteClient)
	admin("POST /clients/{cid}/rotateSecret", a.rotateSecret)
	admin("POST /clients/{cid}/revokeRotatedSecrets", a.revokeRotatedSecrets)
	admin("GET /servers/{wid}/keys", a.getKeys)
	admin("POST /servers/{wid}/keys/rotate", a.rotateKey)
	admin("POST /servers/{wid}/keys/revoke/{kid}", a.revokeKey)
	admin("GET /servers/{wid}/audit-events", a.listAudit)
	admin("GET /servers/{wid}/audit-events/export", a.exportAudit)
	admin("GET /servers/{wid}/secrets", a.listSecrets(false))
	admin("POST /servers/{wid}/secrets", a.createSecret)
	admin("GET /servers/{wid}/policy-execution-points", a.listPoints)
	admin("PUT /servers/{wid}/policy-execution-points", a.setPoints)

	system("GET /gateways/configuration", a.getConfiguration)
	system("POST /gateways/configuration", a.setInventory)
	system("POST /gateways/requests", a.pushRequests)
	system("POST /gateways/introspect", a.introspect)
	system("POST /gateways/exchange", a.exchange)
	system("GET /clients/{wid}", a.listClients)
	system("GET /client/{cid}", a.getClient)
	system("POST /client/{cid}/rotateSecret", a.rotateSecret)
	system("POST /client/{cid}/revokeRotatedSecrets", a.revokeRotatedSecrets)
	system("GET /scopes/{wid}", a.listScopes)
	system("GET /servers/{wid}/audit-events", a.listAudit)
	system("GET /servers/{wid}/secrets", a.listSecrets(true))
	system("POST /servers/{wid}/secrets", a.createSecret)
	system("PUT /servers/{wid}/secrets/{sid}", a.updateSecret)
	system("DELETE /servers/{wid}/secrets/{sid}", a.deleteSecret)
	system("DELETE /servers/{wid}/tokens", a.revokeTokens)

	metrics("GET /gateway-requests", a.metrics(false))
	metrics("GET /gateway-requests/{group}", a.metrics(false))
	metrics("GET /policy-validations", a.metrics(true))
	metrics("GET /policy-validations/{group}", a.metrics(true))
	metrics("GET /servers/{wid}/gateway-requests", a.metrics(false))
	metrics("GET /servers/{wid}/gateway-requests/{group}", a.metrics(false))
	metrics("GET /servers/{wid}/policy-validations", a.metrics(true))
	metrics("GET /servers/{wid}/policy-validations/{group}", a.metrics(true))

	system("GET /configuration", a.dumpTenant)
	system("PUT /configuration", a.importDump())
	system("PATCH /configuration", a.patchDump())
	hub("GET /promote/config", a.exportTenant)
	hub("POST /promote/config", a.importTenant())
	hub("PATCH /promote/config-rfc6902", a.patchTenant(control.JSONPatch))
	hub("PATCH /promote/config-rfc7396", a.patchTenant(mergePatch))
	hub("GET /workspaces/{wid}/promote/config", a.exportWorkspace)
	hub("POST /workspaces/{wid}/promote/config", a.importWorkspace())
	hub("PATCH /workspaces/{wid}/promote/config-rfc6902", a.patchWorkspace(control.JSONPatch))
	hub("PATCH /workspaces/{wid}/promote/config-rfc7396", a.patchWorkspace(mergePatch))
}

// handle registers a verb behind authentication by a token of the tenant's workspace.
func (a *API) handle(base, workspace, pattern string, v verb) {
	method, path, _ := strings.Cut(pattern, " ")
	if method == http.MethodPost {
		v = a.retried(v)
	}
	a.patterns = append(a.patterns, method+" "+base+path)
	a.mux.HandleFunc(method+" "+base+path, func(w http.ResponseWriter, r *http.Request) {
		actor, err := a.authenticate(w, r, workspace)
		if err != nil {
			web.WriteError(w, r, err)
			return
		}
		if err := v(w, r, actor); err != nil {
			var e *control.Error
			if errors.As(err, &e) && e.Code == "insufficient_scope" {
				w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope"`) // RFC 6750 3.1
			}
			web.WriteError(w, r, err)
		}
	})
}

func (a *API) authenticate(w http.ResponseWriter, r *http.Request, workspace string) (control.Actor, error) {
	event := web.Event(r.Context())
	event.Tenant, event.Workspace = r.PathValue("tid"), r.PathValue("wid")
	scheme, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || bearer == "" {
		w.Header().Set("WWW-Authenticate", "Bearer") // RFC 6750 3: no error code without credentials
		return control.Actor{}, control.Errorf(control.Unauthenticated, "", "an access token is required: send Authorization: Bearer with a token of %s/%s/%s", a.PublicURL, r.PathValue("tid"), workspace)
	}
	actor, err := a.Authenticate(r.Context(), workspace, strings.TrimSpace(bearer))
	if err != nil {
		if control.KindOf(err) == control.Unauthenticated {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		}
		return control.Actor{}, err
	}
	if actor.TenantID == "" || actor.TenantID != r.PathValue("tid") {
		return control.Actor{}, control.Errorf(control.NotFound, "", "there is no tenant %q here", r.PathValue("tid"))
	}
	actor.IP, actor.UserAgent = web.ClientIP(r), event.UserAgent
	event.ActorID = actor.ID
	return actor, nil
}

// ServeHTTP answers unknown paths and methods in JSON, and everything else by its route.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch status, allow := web.Unrouted(a.mux, r); status {
	case 0:
		a.mux.ServeHTTP(w, r)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", allow)
		web.WriteError(w, r, control.Errorf(control.Malformed, "method_not_allowed", "%s is not possible here; this path knows %s", r.Method, allow))
	default:
		web.WriteError(w, r, control.Errorf(control.NotFound, "", "there is nothing at this path"))
	}
}
