package portal

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/analytics"
	"portcullis/control/web"
)

// Options of New. Admin, Issuer and PublicURL are required.
type Options struct {
	Admin     *admin.Admin
	Analytics *analytics.Analytics
	Packages  web.Packages // of the authorizer, for DOWNLOAD AUTHORIZER
	Issuer    http.Handler // of the workspaces' issuers, in this process: log-ins end there
	PublicURL string       // "https://gate.example.com": decides whether the session cookie is a secure one
	Now       func() time.Time
	Logger    *slog.Logger
}

type portal struct {
	admin     *admin.Admin
	analytics *analytics.Analytics
	packages  web.Packages
	links     func() ([]packageLink, error)
	now       func() time.Time
	logger    *slog.Logger
	issuer    http.Handler
	publicURL string // without a slash at its end
	secure    bool   // browsers reach us over https
	assets    *assets
	streams   chan struct{} // holds one of each open live view
	checks    chan struct{} // holds one of each text that is being checked
}

// maxForm is the most bytes a form may have: a large policy text fits.
const maxForm = 2 << 20

// New makes the handler of /app/. It refuses state-changing requests that a browser sends from another site; the caller
// wraps it in web.Secure with the rest of the server.
func New(o Options) http.Handler {
	p := &portal{
		admin: o.Admin, analytics: o.Analytics, packages: o.Packages, links: packageLinks(o.Packages), now: o.Now, logger: o.Logger,
		issuer: o.Issuer, publicURL: strings.TrimRight(o.PublicURL, "/"), secure: strings.HasPrefix(o.PublicURL, "https://"), assets: loadAssets(), streams: make(chan struct{}, liveStreams),
		checks: make(chan struct{}, checksAtOnce),
	}
	if p.now == nil {
		p.now = time.Now
	}
	if p.logger == nil {
		p.logger = slog.New(slog.DiscardHandler)
	}
	// As web.CrossOrigin, but the refusal is a page.
	same := http.NewCrossOriginProtection()
	same.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.plainProblem(w, r, control.Errorf(control.Forbidden, "cross_origin",
			"This request came from another site and was refused. Open the page from the portal and try again."))
	}))
	return same.Handler(p.routes())
}

// routes is every address of the portal. The workspace routes have a mux of their own because "/app/{wid}/overview" and
// "/app/assets/{file}" would overlap in one.
func (p *portal) routes() http.Handler {
	top := http.NewServeMux()
	top.Handle("GET "+assetPrefix, p.assets)
	top.HandleFunc("GET /app/login", p.login)
	top.HandleFunc("GET /app/login/callback", p.loginCallback)
	top.HandleFunc("POST /app/logout", p.logout)
	top.HandleFunc("POST /app/theme", p.setTheme)
	top.Handle("GET /app/{$}", p.signedIn(p.directory))
	top.Handle("GET /app/workspaces/new", p.signedIn(p.newWorkspace))
	top.Handle("POST /app/workspaces", p.signedIn(p.createWorkspace))

	top.Handle("GET /app/account", p.signedIn(p.account))
	top.Handle("POST /app/account/password", p.signedIn(p.changePassword))
	top.Handle("GET /app/users", p.signedIn(p.users))
	top.Handle("GET /app/users/new", p.signedIn(p.newUser))
	top.Handle("POST /app/users", p.signedIn(p.createUser))
	top.Handle("GET /app/users/{user}", p.signedIn(p.editUser))
	top.Handle("POST /app/users/{user}", p.signedIn(p.saveUser))
	top.Handle("POST /app/users/{user}/password", p.signedIn(p.setPassword))
	top.Handle("POST /app/users/{user}/delete", p.signedIn(p.deleteUser))

	ws := http.NewServeMux()
	for pattern, h := range map[string]func(*request) error{
		"GET /app/{wid}":          to("overview"),
		"GET /app/{wid}/{$}":      to("overview"),
		"GET /app/{wid}/overview": p.overview,

		"GET /app/{wid}/search":             p.search,
		"GET /app/{wid}/settings":           p.workspaceSettings,
		"POST /app/{wid}/settings":          p.saveWorkspace,
		"POST /app/{wid}/settings/delete":   p.deleteWorkspace,
		"POST /app/{wid}/keys":              p.rotateKey,
		"POST /app/{wid}/keys/{key}/revoke": p.revokeKey,

		"GET /app/{wid}/users":                   p.workspaceUsers,
		"GET /app/{wid}/users/new":               p.newWorkspaceUser,
		"POST /app/{wid}/users":                  p.createWorkspaceUser,
		"GET /app/{wid}/users/{user}":            p.editWorkspaceUser,
		"POST /app/{wid}/users/{user}":           p.saveWorkspaceUser,
		"POST /app/{wid}/users/{user}/password":  p.setWorkspacePassword,
		"POST /app/{wid}/users/{user}/delete":    p.deleteWorkspaceUser,
		"GET /app/{wid}/idps":                    p.idps,
		"GET /app/{wid}/idps/new":                p.newIDP,
		"POST /app/{wid}/idps":                   p.createIDP,
		"GET /app/{wid}/idps/{idp}":              p.editIDP,
		"POST /app/{wid}/idps/{idp}":             p.saveIDP,
		"POST /app/{wid}/idps/{idp}/delete":      p.deleteIDP,
		"GET /app/{wid}/trusted-issuers":         p.trustedIssuers,
		"POST /app/{wid}/trusted-issuers":        p.addTrusted,
		"POST /app/{wid}/trusted-issuers/remove": p.removeTrusted,

		"GET /app/{wid}/scopes":                 p.scopes,
		"GET /app/{wid}/scopes.csv":             p.scopesCSV,
		"POST /app/{wid}/scopes":                p.createScope,
		"POST /app/{wid}/scopes/{scope}":        p.saveScope,
		"POST /app/{wid}/scopes/{scope}/delete": p.deleteScope,
		"GET /app/{wid}/analytics":              p.decisions,
		"GET /app/{wid}/analytics.csv":          p.analyticsCSV,
		"GET /app/{wid}/analytics/live":         p.live,
		"GET /app/{wid}/analytics/events":       p.liveEvents,
		"GET /app/{wid}/decisions/{decision}":   p.decision,
		"GET /app/{wid}/audit":                  p.audit,
		"GET /app/{wid}/audit/export":           p.exportAudit,
		"GET /app/{wid}/audit/{event}":          p.auditEvent,

		"GET /app/{wid}/apis":                                     to("apis", "authorization"),
		"GET /app/{wid}/apis/authorization":                       p.authorization,
		"GET /app/{wid}/apis/authorization.csv":                   p.authorizationCSV,
		"GET /app/{wid}/apis/open-doors":                          p.openDoors,
		"GET /app/{wid}/apis/open-doors.csv":                      p.openDoorsCSV,
		"POST /app/{wid}/apis/{api}/policy":                       p.updateAPI,
		"POST /app/{wid}/apis/policy":                             p.updateAPIs,
		"POST /app/{wid}/services":                                p.createService,
		"POST /app/{wid}/services/{service}":                      p.saveService,
		"POST /app/{wid}/services/{service}/delete":               p.deleteService,
		"POST /app/{wid}/services/{service}/connect":              p.connectGroup,
		"GET /app/{wid}/services/{service}/import":                p.showImport,
		"POST /app/{wid}/services/{service}/import":               p.importSpecification,
		"POST /app/{wid}/services/{service}/specification/delete": p.removeSpecification,
		"POST /app/{wid}/services/{service}/unbind":               p.unbindFromService,

		"GET /app/{wid}/gateways":                                  p.gateways,
		"GET /app/{wid}/gateways.csv":                              p.gatewaysCSV,
		"GET /app/{wid}/gateways/{gateway}/apis.csv":               p.groupsCSV,
		"GET /app/{wid}/gateways/new":                              p.newGateway,
		"POST /app/{wid}/gateways":                                 p.createGateway,
		"GET /app/{wid}/gateways/{gateway}":                        p.gatewayHome,
		"GET /app/{wid}/gateways/{gateway}/quick-start":            p.quickStart,
		"GET /app/{wid}/gateways/{gateway}/install":                p.gatewayInstall,
		"GET /app/{wid}/gateways/{gateway}/progress":               p.gatewayProgress,
		"GET /app/{wid}/gateways/{gateway}/package":                p.gatewayPackage,
		"GET /app/{wid}/gateways/{gateway}/apis":                   p.gatewayGroups,
		"POST /app/{wid}/gateways/{gateway}/groups/{group}/bind":   p.bindGroup,
		"POST /app/{wid}/gateways/{gateway}/groups/{group}/unbind": p.unbindGroup,
		"GET /app/{wid}/gateways/{gateway}/settings":               p.gatewaySettings,
		"POST /app/{wid}/gateways/{gateway}/settings":              p.saveGateway,
		"POST /app/{wid}/gateways/{gateway}/settings/secret":       p.showGatewaySecret,
		"POST /app/{wid}/gateways/{gateway}/settings/rotate":       p.rotateGatewaySecret,
		"POST /app/{wid}/gateways/{gateway}/settings/delete":       p.deleteGateway,
		"GET /app/{wid}/policies":                                  p.policies,
		"GET /app/{wid}/policies.csv":                              p.policiesCSV,
		"GET /app/{wid}/policies/{policy}/versions/{event}":        p.policyVersion,
		"GET /app/{wid}/policies/new":                              p.newPolicy,
		"POST /app/{wid}/policies":                                 p.createPolicy,
		"GET /app/{wid}/policies/{policy}":                         p.editPolicy,
		"POST /app/{wid}/policies/{policy}":                        p.savePolicy,
		"GET /app/{wid}/policies/{policy}/visual":                  p.editCards,
		"POST /app/{wid}/policies/{policy}/visual":                 p.postCards,
		"GET /app/{wid}/policies/{policy}/download":                p.downloadPolicy,
		"POST /app/{wid}/policies/{policy}/upload":                 p.uploadPolicy,
		"POST /app/{wid}/policies/{policy}/check":                  p.checkPolicy,
		"POST /app/{wid}/policies/{policy}/test":                   p.testPolicy,
		"POST /app/{wid}/policies/{policy}/cases":                  p.runPolicyCases,
		"POST /app/{wid}/policies/{policy}/delete":                 p.deletePolicy,
		"GET /app/{wid}/applications":                              p.applications,
		"GET /app/{wid}/applications.csv":                          p.applicationsCSV,
		"GET /app/{wid}/applications/new":                          p.newApplication,
		"POST /app/{wid}/applications":                             p.createApplication,
		"GET /app/{wid}/applications/{client}":                     p.application,
		"POST /app/{wid}/applications/{client}":                    p.saveApplication,
		"POST /app/{wid}/applications/{client}/secret":             p.showApplicationSecret,
		"POST /app/{wid}/applications/{client}/rotate":             p.rotateApplicationSecret,
		"POST /app/{wid}/applications/{client}/delete":             p.deleteApplication,
	} {
		ws.Handle(pattern, p.signedIn(p.inWorkspace(h)))
	}
	ws.Handle("/app/", p.signedIn(func(*request) error {
		return control.Errorf(control.NotFound, "", "There is no page at this address.")
	}))
	top.Handle("/app/", ws)
	return top
}
