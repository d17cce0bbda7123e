package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/control/web"
)

const (
	codeTTL    = time.Minute         // RFC 6749 4.1.2: at most ten minutes; the redirect takes seconds
	refreshTTL = 30 * 24 * time.Hour // since the last use
	pushedTTL  = 5 * time.Minute     // a user may have to log in meanwhile
	maxQuery   = 8 << 10             // bytes of an authorization request
)

// Error codes of the authorization endpoint (RFC 6749 4.1.2.1, OpenID Connect Core 3.1.2.6, RFC 9126).
const (
	errAccessDenied            = "access_denied"
	errUnsupportedResponseType = "unsupported_response_type"
	errLoginRequired           = "login_required"
	errConsentRequired         = "consent_required"
	errInvalidGrant            = "invalid_grant"
)

// authorization is one authorization request, read and checked once.
type authorization struct {
	ws          control.Workspace
	client      control.Client
	redirectURI string // where the answer goes: one that is registered
	sentURI     string // as sent; the token request must repeat it (RFC 6749 4.1.3)
	state       string
	nonce       string
	challenge   string // S256; empty without PKCE
	scopes      []string
	resources   []string
	prompts     []string
	maxAge      time.Duration // -1: none
	pushed      string        // hash of the request_uri that it was pushed under
}

// oidcScopes may be asked for by every client: they are about the user who is asked, not about a service.
var oidcScopes = []string{"openid", "profile", "email", "offline_access"}

// authorizationOf reads the request of an authorization or a pushed authorization. Until the redirect URI is known to be
// the client's, an error is for the person in front of the browser; afterwards it is a *protocolError for the client.
// known says which of the two holds.
func (i *Issuer) authorizationOf(ctx context.Context, tenant, wid string, q url.Values) (a authorization, known bool, err error) {
	for name, vs := range q {
		if len(vs) > 1 && name != "resource" {
			return a, false, refuse(errInvalidRequest, "a parameter comes more than once: "+clip(name)) // RFC 6749 3.1
		}
	}
	if a.ws, err = i.admin.Workspace(ctx, tenant, wid); err != nil {
		return a, false, err
	}
	a.client, err = i.store.Client(ctx, tenant, q.Get("client_id"))
	if errors.Is(err, store.ErrNotFound) || err == nil && (a.client.WorkspaceID != wid || a.client.Status != "active") {
		return a, false, refuse(errInvalidClient, "the application that sent you here is not known in this workspace (client_id)")
	}
	if err != nil {
		return a, false, err
	}
	a.sentURI = q.Get("redirect_uri")
	if a.redirectURI, err = redirectOf(a.client, a.sentURI); err != nil {
		return a, false, err
	}
	a.state = q.Get("state")
	return a, true, a.read(q)
}

// read takes the parameters whose errors the client is told.
func (a *authorization) read(q url.Values) error {
	a.nonce, a.challenge, a.resources, a.maxAge = q.Get("nonce"), q.Get("code_challenge"), q["resource"], -1
	if !slices.Contains(a.client.GrantTypes, "authorization_code") {
		return refuse(errUnauthorizedClient, "this client may not use the authorization code; add it to the client's grant types")
	}
	if q.Get("response_type") != "code" {
		return refuse(errUnsupportedResponseType, "response_type must be code")
	}
	if m := q.Get("response_mode"); m != "" && m != "query" {
		return refuse(errInvalidRequest, "response_mode must be query")
	}
	if q.Get("request") != "" {
		return refuse("request_not_supported", "request objects are not supported; push the request instead (RFC 9126)")
	}
	if a.client.AuthMethod == control.AuthNone && a.challenge == "" { // RFC 7636 4.4.1, RFC 9700 2.1.1
		return refuse(errInvalidRequest, "this client is public and must use PKCE: code_challenge and code_challenge_method=S256")
	}
	// RFC 9700 2.1.1: S256, and nothing weaker. "plain" is the default of RFC 7636 4.3, so the method must be said.
	if method := q.Get("code_challenge_method"); a.challenge != "" && method != "S256" || a.challenge == "" && method != "" {
		return refuse(errInvalidRequest, "PKCE needs code_challenge and code_challenge_method=S256")
	}
	if a.challenge != "" && (len(a.challenge) != 43 || !compactPart(a.challenge)) {
		return refuse(errInvalidRequest, "code_challenge must be the base64url SHA-256 of the verifier")
	}
	if len(a.state) > 1024 || len(a.nonce) > 512 {
		return refuse(errInvalidRequest, "state or nonce is too long")
	}
	if s := q.Get("max_age"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			return refuse(errInvalidRequest, "max_age must be a number of seconds")
		}
		a.maxAge = time.Duration(n) * time.Second
	}
	a.prompts = strings.Fields(q.Get("prompt"))
	if slices.Contains(a.prompts, "none") && len(a.prompts) > 1 {
		return refuse(errInvalidRequest, "prompt=none excludes other values")
	}
	allowed := a.client.Scopes
	if q.Get("scope") != "" {
		allowed = slices.Concat(allowed, oidcScopes)
	}
	var err error
	a.scopes, err = grantScopes(q.Get("scope"), allowed, a.ws.DynamicScopeSep)
	if err == nil && slices.Contains(a.scopes, "offline_access") && !slices.Contains(a.client.GrantTypes, "refresh_token") {
		err = refuse(errInvalidScope, "offline_access needs the grant type refresh_token")
	}
	return err
}

// redirectOf is the registered redirect URI that was asked for: equal character by character (RFC 9700 2.1), but for the
// port of a loopback address (RFC 8252 7.3). Without one, the only one that is registered.
func redirectOf(c control.Client, sent string) (string, error) {
	if sent == "" {
		if len(c.RedirectURIs) == 1 {
			sent = c.RedirectURIs[0]
		} else {
			return "", refuse(errInvalidRequest, "redirect_uri is missing, and the application has registered more than one or none")
		}
	}
	u, err := url.Parse(sent)
	if err != nil || slices.Contains([]string{"javascript", "data", "vbscript", "file", "blob", "about", ""}, strings.ToLower(u.Scheme)) {
		return "", refuse(errInvalidRequest, "redirect_uri is not an address to send a browser to")
	}
	for _, r := range c.RedirectURIs {
		if r == sent || sameButPort(r, u) {
			return sent, nil
		}
	}
	return "", refuse(errInvalidRequest, "redirect_uri is not one that the application has registered")
}

func sameButPort(registered string, sent *url.URL) bool {
	r, err := url.Parse(registered)
	if err != nil || r.Scheme != "http" || sent.User != nil {
		return false
	}
	ip, err := netip.ParseAddr(r.Hostname())
	if err != nil || !ip.IsLoopback() {
		return false
	}
	s := *sent
	s.Host = r.Host
	return s.String() == registered && sent.Hostname() == r.Hostname()
}

// step is what an authorization request needs next. The zero value goes nowhere.
type step int

const (
	stepNone    step = iota
	stepLogin        // the log-in page
	stepConsent      // the consent page
	stepCode         // nothing: the code may be issued
	stepRefuse       // the client is told why not
)

// session is the browser's at the issuer of a workspace.
func (i *Issuer) session(r *http.Request, ws control.Workspace) (control.Session, error) {
	return i.admin.IssuerSession(r.Context(), ws.TenantID, ws.ID, web.IssuerCookie(ws.TenantID, ws.ID).Value(r))
}

// mayUse reports whether a user may get tokens of a workspace: one of its own, and in the workspace admin one with a role.
func mayUse(u control.User, ws control.Workspace) bool {
	return u.TenantID == ws.TenantID && u.WorkspaceID == ws.ID && !u.Disabled && (ws.ID != control.AdminWorkspace || u.AnyRole())
}

// decide says what comes next, given the session of the browser.
func (i *Issuer) decide(r *http.Request, a authorization) (step, control.Session, error) {
	session, err := i.session(r, a.ws)
	if err != nil && control.KindOf(err) != control.Unauthenticated {
		return stepNone, session, err
	}
	fresh := err == nil && (a.maxAge < 0 || i.now().Sub(session.Authentication.At) <= a.maxAge)
	if slices.Contains(a.prompts, "login") {
		fresh = fresh && i.now().Sub(session.CreatedAt) <= time.Minute && i.loggedInFor(r, a)
	}
	silent := slices.Contains(a.prompts, "none")
	switch {
	case !fresh && silent:
		return stepRefuse, session, refuse(errLoginRequired, "the user is not logged in")
	case !fresh:
		return stepLogin, session, nil
	case !mayUse(session.User, a.ws):
		return stepRefuse, session, errNoRole
	case a.client.Trusted && !(a.client.AuthMethod == control.AuthNone && localRedirect(a.redirectURI)) && !slices.Contains(a.prompts, "consent"):
		return stepCode, session, nil
	case silent:
		return stepRefuse, session, refuse(errConsentRequired, "the user has to be asked")
	}
	return stepConsent, session, nil
}

var errNoRole = refuse(errAccessDenied, "the user has no role here")

// loginMark is a parameter of our own at the end of a request: that the session was begun for this very request, and so is
// the log-in that prompt=login asks for. It is made of the session's token, which only this browser has.
const loginMark = "&portcullis_login="

// onward is where a browser goes after a log-in for an authorization request.
func (i *Issuer) onward(a authorization, query, token string) string {
	query, _, _ = strings.Cut(query, loginMark)
	return i.authorizePath(a) + "?" + query + loginMark + hashOf(token+" "+query)
}

func (i *Issuer) loggedInFor(r *http.Request, a authorization) bool {
	query, mark, _ := strings.Cut(r.URL.RawQuery, loginMark)
	want := hashOf(web.IssuerCookie(a.ws.TenantID, a.ws.ID).Value(r) + " " + query)
	return subtle.ConstantTimeCompare([]byte(mark), []byte(want)) == 1
}

// authorize is the authorization endpoint (RFC 6749 3.1). It shows nothing itself: it sends the browser back to the client,
// or to our page that asks the user.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	a, ok := i.readAuthorization(w, r)
	if !ok {
		return
	}
	next, session, err := i.decide(r, a)
	switch next {
	case stepCode:
		i.issueCode(w, r, a, session)
	case stepRefuse:
		i.sendBack(w, r, a, errorParams(err))
	case stepLogin, stepConsent:
		noStore(w.Header())
		redirect(w, i.pagePath(a)+"?"+r.URL.RawQuery, http.StatusFound)
	default:
		i.problemPage(w, r, err)
	}
}

// readAuthorization answers itself when the request is not good.
func (i *Issuer) readAuthorization(w http.ResponseWriter, r *http.Request) (authorization, bool) {
	event := web.Event(r.Context())
	event.Tenant, event.Workspace = r.PathValue("tid"), r.PathValue("wid")
	a, known, err := i.authorizationRequest(r.Context(), r.PathValue("tid"), r.PathValue("wid"), r.URL.RawQuery)
	event.ActorID = a.client.ID
	switch {
	case err == nil:
		return a, true
	case known:
		i.sendBack(w, r, a, errorParams(err))
	default:
		i.problemPage(w, r, err)
	}
	return a, false
}

// pagePath is where the log-in and consent pages are; the request is their query, too.
func (i *Issuer) pagePath(a authorization) string {
	return "/" + a.ws.TenantID + "/" + a.ws.ID + "/login"
}

func (i *Issuer) authorizePath(a authorization) string {
	return "/" + a.ws.TenantID + "/" + a.ws.ID + "/oauth2/authorize"
}

// authorizationRequest reads the request from the URL, or what was pushed under its request_uri (RFC 9126 4).
func (i *Issuer) authorizationRequest(ctx context.Context, tenant, wid, query string) (authorization, bool, error) {
	if len(query) > maxQuery {
		return authorization{}, false, refuse(errInvalidRequest, "the request is too long; push it instead (RFC 9126)")
	}
	q, err := url.ParseQuery(query)
	if err != nil {
		return authorization{}, false, refuse(errInvalidRequest, "the address is not well formed")
	}
	uri := q.Get("request_uri")
	if uri == "" {
		return i.authorizationOf(ctx, tenant, wid, q)
	}
	over := refuse("invalid_request_uri", "the request has expired or was used; go back to the application and start again")
	p, err := i.store.PushedRequest(ctx, hashOf(uri))
	if errors.Is(err, store.ErrNotFound) || err == nil && (p.TenantID != tenant || p.WorkspaceID != wid || p.ClientID != q.Get("client_id") || !i.now().Before(p.ExpiresAt)) {
		return authorization{}, false, over
	}
	if err != nil {
		return authorization{}, false, err
	}
	if q, err = url.ParseQuery(p.Query); err != nil {
		return authorization{}, false, err
	}
	a, known, err := i.authorizationOf(ctx, tenant, wid, q)
	a.pushed = p.Hash
	return a, known, err
}

// issueCode ends the walk: grant and code are stored, the browser carries the code (RFC 6749 4.1.2, RFC 9207).
func (i *Issuer) issueCode(w http.ResponseWriter, r *http.Request, a authorization, session control.Session) {
	if _, err := i.audience(r.Context(), a.ws, a.client, a.scopes, a.resources); err != nil {
		i.sendBack(w, r, a, errorParams(err))
		return
	}
	code, now := randomToken(), i.now()
	g := store.Grant{TenantID: a.ws.TenantID, ID: store.NewID(), WorkspaceID: a.ws.ID, ClientID: a.client.ID, UserID: session.User.ID,
		Scopes: a.scopes, Resources: a.resources, CodeHash: hashOf(code), FamilyHash: hashOf(randomToken()),
		SessionID: session.ID, Authentication: session.Authentication, CreatedAt: now, ExpiresAt: now.Add(2 * codeTTL)}
	err := i.store.Tx(r.Context(), func(tx *store.Tx) error {
		if err := tx.PruneGrants(r.Context(), now); err != nil {
			return err
		}
		if a.pushed != "" {
			if _, err := tx.TakePushedRequest(r.Context(), a.pushed); errors.Is(err, store.ErrNotFound) {
				return refuse("invalid_request_uri", "the request was used already; go back to the application and start again")
			} else if err != nil {
				return err
			}
		}
		if err := tx.AddGrant(r.Context(), g, store.Code{RedirectURI: a.sentURI, Challenge: a.challenge, Nonce: a.nonce, ExpiresAt: now.Add(codeTTL)}); err != nil {
			return err
		}
		return tx.Audit(r.Context(), i.record(r, g, actorOf(session.User), "authorization_code", "issued"))
	})
	if err != nil {
		i.problemPage(w, r, err)
		return
	}
	i.sendBack(w, r, a, url.Values{"code": {code}})
}

func actorOf(u control.User) control.Actor {
	return control.Actor{Kind: control.UserActor, ID: u.ID, Name: u.Username, TenantID: u.TenantID}
}

// record is the audit record of something that happened to a grant.
func (i *Issuer) record(r *http.Request, g store.Grant, actor control.Actor, subject, action string) control.AuditEvent {
	now := i.now()
	after, err := json.Marshal(map[string]string{"client_id": g.ClientID, "user_id": g.UserID})
	if err != nil { // of strings: does not happen
		after = nil
	}
	return control.AuditEvent{ID: store.NewTimeID(now), TenantID: g.TenantID, WorkspaceID: g.WorkspaceID, Subject: subject, Action: action,
		TargetID: g.ID, ActorKind: actor.Kind, ActorID: actor.ID, ActorName: actor.Name, IP: web.ClientIP(r),
		UserAgent: web.Event(r.Context()).UserAgent, Timestamp: now,
		After: after}
}

// sendBack answers the client through the browser, with state and iss.
func (i *Issuer) sendBack(w http.ResponseWriter, r *http.Request, a authorization, params url.Values) {
	u, err := url.Parse(a.redirectURI)
	if err != nil {
		i.problemPage(w, r, err)
		return
	}
	q := u.Query()
	for name, vs := range params {
		q[name] = vs
	}
	if a.state != "" {
		q.Set("state", a.state)
	}
	q.Set("iss", i.issuerURL(a.ws.TenantID, a.ws.ID))
	u.RawQuery = q.Encode()
	noStore(w.Header())
	w.Header().Set("Referrer-Policy", "no-referrer")
	status := http.StatusFound
	if r.Method == http.MethodPost { // RFC 9700 4.12: never repeat a POST with its password
		status = http.StatusSeeOther
	}
	redirect(w, u.String(), status)
}

// redirect has no body: what is in the address need not be on a page.
func redirect(w http.ResponseWriter, to string, status int) {
	w.Header().Set("Location", to)
	w.WriteHeader(status)
}

func errorParams(err error) url.Values {
	var pe *protocolError
	if errors.As(err, &pe) {
		return url.Values{"error": {pe.code}, "error_description": {pe.description}}
	}
	if p := web.ProblemOf(err); p.Status == http.StatusServiceUnavailable {
		return url.Values{"error": {errTemporarily}}
	}
	return url.Values{"error": {errServerError}}
}

// hashOf is how codes, refresh tokens and request URIs are stored.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
