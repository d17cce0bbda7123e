package oauth

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store"
	"portcullis/control/web"
)

// Options of New. Admin, Store and PublicURL are required.
type Options struct {
	Admin     *admin.Admin
	Store     *store.Store // for grants, codes and refresh tokens, which are this package's own
	PublicURL string       // without a trailing slash; issuers start with it
	Now       func() time.Time
	Logger    *slog.Logger
}

// Issuer serves every workspace of every tenant.
type Issuer struct {
	admin     *admin.Admin
	store     *store.Store
	publicURL string
	now       func() time.Time
	logger    *slog.Logger
	verified  verifiedTokens
	good      goodTokens
	providers providers
}

// New makes the issuer.
func New(o Options) *Issuer {
	i := &Issuer{admin: o.Admin, store: o.Store, publicURL: strings.TrimSuffix(o.PublicURL, "/"), now: o.Now, logger: o.Logger}
	if i.now == nil {
		i.now = time.Now
	}
	if i.logger == nil {
		i.logger = slog.New(slog.DiscardHandler)
	}
	return i
}

// Handler serves the paths below /{tid}/{wid} and the RFC 8414 form of the metadata's path.
func (i *Issuer) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{tid}/{wid}/.well-known/openid-configuration", i.metadata)
	mux.HandleFunc("GET /{tid}/{wid}/.well-known/oauth-authorization-server", i.metadata)
	mux.HandleFunc("GET /{tid}/{wid}/.well-known/jwks.json", i.jwks)
	mux.HandleFunc("POST /{tid}/{wid}/oauth2/token", openToBrowsers(i.token))
	mux.HandleFunc("OPTIONS /{tid}/{wid}/oauth2/token", preflight("POST"))
	mux.HandleFunc("POST /{tid}/{wid}/oauth2/introspect", i.introspect)
	mux.HandleFunc("POST /{tid}/{wid}/oauth2/revoke", openToBrowsers(i.revoke))
	mux.HandleFunc("OPTIONS /{tid}/{wid}/oauth2/revoke", preflight("POST"))
	mux.HandleFunc("GET /{tid}/{wid}/oauth2/authorize", i.authorize)
	mux.HandleFunc("GET /{tid}/{wid}/login", i.ask)
	mux.Handle("POST /{tid}/{wid}/login", web.CrossOrigin(http.HandlerFunc(i.answerForm)))
	mux.HandleFunc("GET /{tid}/{wid}/login/{idp}", i.startExternal)
	mux.HandleFunc("GET /{tid}/{wid}/login/{idp}/callback", i.external)
	mux.HandleFunc("POST /{tid}/{wid}/par", openToBrowsers(i.push))
	mux.HandleFunc("OPTIONS /{tid}/{wid}/par", preflight("POST"))
	mux.HandleFunc("GET /{tid}/{wid}/userinfo", openToBrowsers(i.userinfo))
	mux.HandleFunc("POST /{tid}/{wid}/userinfo", openToBrowsers(i.userinfo))
	mux.HandleFunc("OPTIONS /{tid}/{wid}/userinfo", preflight("GET, POST"))
	mux.HandleFunc("GET /{tid}/{wid}/oidc/logout", i.logout)
	mux.HandleFunc("POST /{tid}/{wid}/oidc/logout", i.logout)
	mux.Handle("POST /{tid}/{wid}/logout", web.CrossOrigin(http.HandlerFunc(i.logoutForm)))

	// In the published contract, not in the metadata, not built.
	for _, p := range []string{"/oauth2/register", "/device/authorization", "/backchannel/authentication"} {
		mux.HandleFunc("/{tid}/{wid}"+p, func(w http.ResponseWriter, r *http.Request) {
			writeError(w, r, notBuilt(p))
		})
	}

	// Of its own, because net/http cannot order this path among those with the tenant in front.
	inserted := http.NewServeMux()
	inserted.HandleFunc("GET /.well-known/oauth-authorization-server/{tid}/{wid}", i.metadata) // RFC 8414 3.1

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := mux
		if strings.HasPrefix(r.URL.Path, "/.well-known/") {
			m = inserted
		}
		switch status, allow := web.Unrouted(m, r); status {
		case 0:
			m.ServeHTTP(w, r)
		case http.StatusMethodNotAllowed:
			w.Header().Set("Allow", allow)
			writeError(w, r, &protocolError{code: errInvalidRequest, description: "this path knows only " + allow, status: status})
		default:
			writeError(w, r, control.Errorf(control.NotFound, "", "there is nothing at this path"))
		}
	})
}

func (i *Issuer) issuerURL(tenant, workspace string) string {
	return i.publicURL + "/" + tenant + "/" + workspace
}
