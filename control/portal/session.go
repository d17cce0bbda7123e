package portal

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/web"
)

// The portal is an OpenID Connect client of the workspace admin: its log-in page is that issuer's, and so are the other
// ways to log in that are connected there. This file is the client; it never sees a password.

// loginTime is how long a log-in may take.
const loginTime = time.Hour

// toLogin sends a browser without a session to the log-in. After a GET it comes back here; what a POST carried is lost,
// so that it is never replayed by another user.
func (p *portal) toLogin(w http.ResponseWriter, r *http.Request, ended bool) {
	q := url.Values{}
	if r.Method == http.MethodGet && r.URL.Path != "/app/" {
		q.Set("next", here(r))
	}
	if ended {
		web.PortalCookie.Clear(w, p.secure)
	}
	address := "/app/login"
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
}

// login begins a log-in: it sends the browser to the issuer with an authorization request (RFC 6749 4.1.1) that only this
// browser can end. Nothing is stored: what the callback must know is in the state, and what proves it to be ours is made
// of a secret that is this browser's cookie.
func (p *portal) login(w http.ResponseWriter, r *http.Request) {
	next := local(r.URL.Query().Get("next"))
	other := r.URL.Query().Has("other") // log in as somebody else than the one who is logged in
	if token := web.PortalCookie.Value(r); token != "" && !other {
		if _, _, err := p.admin.Session(r.Context(), token); err == nil {
			http.Redirect(w, r, next, http.StatusSeeOther)
			return
		}
	}
	client, err := p.client(r.Context())
	if err != nil {
		p.plainProblem(w, r, err)
		return
	}
	browser := web.LoginCookie.Value(r)
	if browser == "" {
		browser = random()
		web.LoginCookie.Set(w, browser, p.secure)
	}
	state := newState(browser, next, p.now())
	w.Header().Set("Cache-Control", "no-store")
	options := []oauth2.AuthCodeOption{oidc.Nonce(keyed(browser, "nonce", state)), oauth2.S256ChallengeOption(keyed(browser, "pkce", state))}
	if other {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"))
	}
	if idp := r.URL.Query().Get("idp"); idp != "" { // that is to be tried
		options = append(options, oauth2.SetAuthURLParam("idp_hint", clip(idp, 63)))
	}
	http.Redirect(w, r, client.config.AuthCodeURL(state, options...), http.StatusSeeOther)
}

// loginCallback ends a log-in (RFC 6749 4.1.2): the code becomes an ID token, and the ID token a session.
func (p *portal) loginCallback(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	q := r.URL.Query()
	browser := web.LoginCookie.Value(r)
	next, ok := readState(browser, q.Get("state"), p.now())
	if !ok || len(q["code"]) > 1 || len(q["error"]) > 1 || len(q["iss"]) > 1 {
		p.loginProblem(w, r, http.StatusBadRequest, "The log-in could not be completed. It took too long, or began in another browser.", "/app/")
		return
	}
	// RFC 9207 2.4: our issuer always says who it is.
	if q.Get("iss") != p.admin.IssuerURL(control.DefaultTenant, control.AdminWorkspace) {
		p.loginProblem(w, r, http.StatusBadRequest, "The log-in could not be completed: the answer is from another issuer.", next)
		return
	}
	if code := q.Get("error"); code != "" {
		switch code {
		case "access_denied":
			p.loginProblem(w, r, http.StatusForbidden, "You are logged in, but have no role here. An administrator can give you one; then log in again.", next)
		default:
			p.loginProblem(w, r, http.StatusBadRequest, "The log-in was refused ("+clip(code, 64)+").", next)
		}
		return
	}
	id, err := p.redeem(r.Context(), q.Get("code"), keyed(browser, "pkce", q.Get("state")), keyed(browser, "nonce", q.Get("state")))
	if err != nil {
		web.Event(r.Context()).Err = err
		p.loginProblem(w, r, http.StatusBadRequest, "The log-in could not be completed. Its code was used already, or is too old.", next)
		return
	}
	token, _, err := p.admin.PortalLogin(r.Context(), control.DefaultTenant, id.Subject, id.session, web.ClientIP(r), r.UserAgent())
	if err != nil {
		status, page := problemOf(err)
		if status >= http.StatusInternalServerError {
			web.Event(r.Context()).Err = err
		}
		p.loginProblem(w, r, status, page.text, next)
		return
	}
	// A session that this browser already had ends here: a log-in always means a new one.
	if old := web.PortalCookie.Value(r); old != "" {
		if err := p.admin.EndSession(r.Context(), old); err != nil {
			web.Event(r.Context()).Err = err
		}
	}
	web.PortalCookie.Set(w, token, p.secure)
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// logout ends the session here and at the issuer, which the browser then visits to lose its cookie there, too (OpenID
// Connect RP-Initiated Logout 1.0 2). The session has ended by then, so that nothing is asked.
func (p *portal) logout(w http.ResponseWriter, r *http.Request) {
	if token := web.PortalCookie.Value(r); token != "" {
		if err := p.admin.Logout(r.Context(), token); err != nil {
			p.plainProblem(w, r, err)
			return
		}
	}
	web.PortalCookie.Clear(w, p.secure)
	id, _, err := p.admin.PortalClient(r.Context(), control.DefaultTenant)
	if err != nil {
		p.plainProblem(w, r, err)
		return
	}
	q := url.Values{"client_id": {id}, "post_logout_redirect_uri": {p.publicURL + admin.PortalHome}}
	http.Redirect(w, r, p.admin.IssuerURL(control.DefaultTenant, control.AdminWorkspace)+"/oidc/logout?"+q.Encode(), http.StatusSeeOther)
}

// loginProblem is a page for somebody without a session.
func (p *portal) loginProblem(w http.ResponseWriter, r *http.Request, status int, text, next string) {
	again := url.Values{}
	if next = local(next); next != "/app/" {
		again.Set("next", next)
	}
	if status == http.StatusForbidden { // trying again would find the same person
		again.Set("other", "1")
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = loginView(loginPage{theme: theme(r), nonce: web.Nonce(r.Context()), problem: text, again: "/app/login?" + again.Encode(), assets: p.assets}).Render(r.Context(), w)
}

// relyingParty is what it takes to be a client of the issuer.
type relyingParty struct {
	config   oauth2.Config
	verifier *oidc.IDTokenVerifier
	http     *http.Client
}

// client asks the issuer for its metadata. The issuer is part of this process: nothing goes over a network, and a server
// that does not reach its own public address can be logged in to all the same.
func (p *portal) client(ctx context.Context) (relyingParty, error) {
	id, secret, err := p.admin.PortalClient(ctx, control.DefaultTenant)
	if err != nil {
		return relyingParty{}, err
	}
	here := &http.Client{Transport: inProcess{p.issuer}, Timeout: 10 * time.Second}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, here), p.admin.IssuerURL(control.DefaultTenant, control.AdminWorkspace))
	if err != nil {
		return relyingParty{}, fmt.Errorf("the issuer of the workspace admin: %w", err)
	}
	endpoint := found.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	return relyingParty{http: here, verifier: found.Verifier(&oidc.Config{ClientID: id, Now: p.now}),
		config: oauth2.Config{ClientID: id, ClientSecret: secret, Endpoint: endpoint, RedirectURL: p.publicURL + admin.PortalCallback, Scopes: []string{oidc.ScopeOpenID}}}, nil
}

type verified struct {
	*oidc.IDToken
	session string // sid
}

// redeem exchanges a code (RFC 6749 4.1.3, RFC 7636 4.5) and checks the ID token (OpenID Connect Core 3.1.3.7).
func (p *portal) redeem(ctx context.Context, code, verifier, nonce string) (verified, error) {
	client, err := p.client(ctx)
	if err != nil {
		return verified{}, err
	}
	ctx = oidc.ClientContext(ctx, client.http)
	tokens, err := client.config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		var answered *oauth2.RetrieveError
		if errors.As(err, &answered) { // the whole of it holds the body
			err = errors.New("the token endpoint answered " + answered.ErrorCode)
		}
		return verified{}, err
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := client.verifier.Verify(ctx, raw)
	if err != nil {
		return verified{}, err
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return verified{}, errors.New("the ID token has another nonce")
	}
	var more struct {
		Session string `json:"sid"`
	}
	if err := id.Claims(&more); err != nil {
		return verified{}, err
	}
	if more.Session == "" {
		return verified{}, errors.New("the ID token names no session")
	}
	return verified{id, more.Session}, nil
}

// newState is what comes back with the callback: when, a random part, where to go on, and a proof that this browser
// began it (RFC 6749 10.12, RFC 9700 4.7.1).
func newState(browser, next string, now time.Time) string {
	body := strconv.FormatInt(now.Unix(), 36) + "." + random() + "." + base64.RawURLEncoding.EncodeToString([]byte(clipped(next)))
	return body + "." + keyed(browser, "state", body)
}

// clipped leaves out an address that would make the state too long for the issuer.
func clipped(next string) string {
	if len(next) > 600 {
		return "/app/"
	}
	return next
}

// readState is where to go on; false for a state that is old or not this browser's.
func readState(browser, state string, now time.Time) (next string, ok bool) {
	i := strings.LastIndexByte(state, '.')
	if browser == "" || i < 0 || subtle.ConstantTimeCompare([]byte(state[i+1:]), []byte(keyed(browser, "state", state[:i]))) != 1 {
		return "", false
	}
	parts := strings.Split(state[:i], ".")
	if len(parts) != 3 {
		return "", false
	}
	at, err := strconv.ParseInt(parts[0], 36, 64)
	address, err2 := base64.RawURLEncoding.DecodeString(parts[2])
	if age := now.Sub(time.Unix(at, 0)); err != nil || err2 != nil || age < -time.Minute || age > loginTime {
		return "", false
	}
	return local(string(address)), true
}

// keyed makes a secret for one purpose of the browser's.
func keyed(browser, purpose, text string) string {
	m := hmac.New(sha256.New, []byte(browser))
	m.Write([]byte(purpose + ":" + text))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func random() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// inProcess calls a handler of this process instead of a network.
type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &answer{header: http.Header{}}
	// With a context that ends as r's does, and carries nothing of the request that a browser sent.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer context.AfterFunc(r.Context(), cancel)()
	in := r.Clone(ctx)
	in.RequestURI = r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	t.handler.ServeHTTP(w, in)
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return &http.Response{Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.header,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r}, nil
}

// answer is what the handler wrote.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}
