package oauth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store"
	"portcullis/control/web"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	externalTTL   = 15 * time.Minute // for a log-in at another provider
	maxIDToken    = 64 << 10         // bytes
	idTokenSkew   = 5 * time.Minute
	maxAMR        = 20
	maxMethodName = 64
)

// errLostLogin is the one answer to a callback that belongs to no log-in of this browser.
var errLostLogin = refuse(errInvalidRequest, "this log-in cannot go on: it took too long, has ended already, or began in another browser. Go back to the application and start again")

// The secrets of a log-in that is under way are made of what only this browser has (the cookie) and the state; of both, the
// store knows the hashes.
func derived(browser, state, what string) string {
	m := hmac.New(sha256.New, []byte(browser))
	m.Write([]byte(what + ":" + state))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// callbackURL is where a provider sends browsers back to. Each provider has its own, so that one cannot answer for
// another (RFC 9700 4.4.2.2).
func (i *Issuer) callbackURL(tenant, wid, idp string) string {
	return admin.CallbackURL(i.issuerURL(tenant, wid), idp)
}

// startExternal sends a browser to another OpenID provider. Its query is the authorization request to go on with.
func (i *Issuer) startExternal(w http.ResponseWriter, r *http.Request) {
	a, ok := i.readAuthorization(w, r)
	if !ok {
		return
	}
	idp, err := i.admin.LoginIDP(r.Context(), a.ws.TenantID, a.ws.ID, r.PathValue("idp"))
	if err == nil && idp.OIDC == nil {
		err = control.Errorf(control.NotFound, "not_found", "the identity provider %q has its log-in form on the log-in page", idp.ID)
	}
	if err != nil {
		i.problemPage(w, r, err)
		return
	}
	p, err := i.provider(r.Context(), idp)
	if err != nil {
		i.unreachable(w, r, a, r.URL.RawQuery, idp, err)
		return
	}
	browser := web.LoginCookie.Value(r)
	if browser == "" {
		browser = randomToken()
		web.LoginCookie.Set(w, browser, i.secure())
	}
	state, now := randomToken(), i.now()
	err = i.store.Tx(r.Context(), func(tx *store.Tx) error {
		return tx.AddExternalLogin(r.Context(), store.ExternalLogin{StateHash: hashOf(state), TenantID: a.ws.TenantID, WorkspaceID: a.ws.ID, IDPID: idp.ID,
			BrowserHash: hashOf(browser), Query: r.URL.RawQuery, ExpiresAt: now.Add(externalTTL)}, now)
	})
	if err != nil {
		i.problemPage(w, r, err)
		return
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(derived(browser, state, "nonce")), oauth2.S256ChallengeOption(derived(browser, state, "pkce"))}
	if slices.Contains(a.prompts, "login") {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"))
	}
	if a.maxAge >= 0 {
		options = append(options, oauth2.SetAuthURLParam("max_age", fmt.Sprint(int(a.maxAge.Seconds()))))
	}
	if hint := r.URL.Query().Get("login_hint"); hint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", hint))
	}
	config := oauth2.Config{ClientID: idp.OIDC.ClientID, Endpoint: p.endpoint, RedirectURL: i.callbackURL(a.ws.TenantID, a.ws.ID, idp.ID), Scopes: idp.OIDC.Scopes}
	noStore(w.Header())
	w.Header().Set("Referrer-Policy", "no-referrer")
	redirect(w, config.AuthCodeURL(state, options...), http.StatusFound)
}

// external is where another provider sends the browser back to. The state is consumed first: whatever it comes with, it
// does so once.
func (i *Issuer) external(w http.ResponseWriter, r *http.Request) {
	tenant, wid := r.PathValue("tid"), r.PathValue("wid")
	event := web.Event(r.Context())
	event.Tenant, event.Workspace = tenant, wid
	q, login, browser, err := i.takeExternal(r)
	if err != nil {
		i.problemPage(w, r, err)
		return
	}
	a, known, err := i.authorizationRequest(r.Context(), tenant, wid, login.Query)
	if err != nil { // what was good a moment ago; the client may have been changed meanwhile
		if known {
			i.sendBack(w, r, a, errorParams(err))
			return
		}
		i.problemPage(w, r, err)
		return
	}
	idp, err := i.admin.LoginIDP(r.Context(), tenant, wid, login.IDPID)
	if err != nil || idp.OIDC == nil {
		i.problemPage(w, r, errors.Join(errLostLogin, err))
		return
	}
	identity, err := i.identify(r.Context(), idp, q, browser, q.Get("state"))
	var bad *identityError
	if errors.As(err, &bad) {
		i.logger.WarnContext(r.Context(), "an identity provider's answer was refused", "idp", idp.ID, "workspace", wid, "reason", bad.reason, "request_id", event.RequestID)
		i.loginPage(w, r, a, login.Query, "", idp.Name+": "+bad.shown)
		return
	}
	if err != nil {
		i.unreachable(w, r, a, login.Query, idp, err)
		return
	}
	token, _, err := i.admin.LoginExternal(r.Context(), identity, web.ClientIP(r), r.UserAgent())
	if err != nil {
		if kind := control.KindOf(err); kind == control.Forbidden || kind == control.Unauthenticated || kind == control.Invalid {
			i.render(w, r, http.StatusForbidden, page{Kind: "problem", Title: "You cannot log in here", Problem: web.ProblemOf(err).Message, Action: i.pagePath(a) + "?" + asOther(login.Query)})
			return
		}
		i.problemPage(w, r, err)
		return
	}
	i.begin(w, r, a.ws, token)
	noStore(w.Header())
	redirect(w, i.onward(a, login.Query, token), http.StatusFound)
}

// asOther is an authorization request that the session of nobody satisfies.
func asOther(query string) string {
	q, err := url.ParseQuery(query)
	if err != nil {
		return query
	}
	q.Set("prompt", "login")
	return q.Encode()
}

// unreachable is the log-in page again, because a provider does not answer: there may be other ways in.
func (i *Issuer) unreachable(w http.ResponseWriter, r *http.Request, a authorization, query string, idp control.IDP, err error) {
	if control.KindOf(err) != control.Internal {
		i.problemPage(w, r, err)
		return
	}
	i.logger.WarnContext(r.Context(), "an identity provider does not answer", "idp", idp.ID, "workspace", a.ws.ID, "error", err.Error(), "request_id", web.Event(r.Context()).RequestID)
	i.loginPage(w, r, a, query, "", idp.Name+" does not answer as it should. Try again, or choose another way to log in.")
}

// takeExternal finds the log-in that a callback belongs to.
func (i *Issuer) takeExternal(r *http.Request) (q url.Values, login store.ExternalLogin, browser string, err error) {
	if len(r.URL.RawQuery) > maxQuery {
		return nil, login, "", errLostLogin
	}
	if q, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return nil, login, "", errLostLogin
	}
	for _, vs := range q {
		if len(vs) > 1 { // RFC 6749 3.1
			return nil, login, "", errLostLogin
		}
	}
	state := q.Get("state")
	err = i.store.Tx(r.Context(), func(tx *store.Tx) (err error) {
		login, err = tx.TakeExternalLogin(r.Context(), hashOf(state))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, login, "", errLostLogin
	}
	if err != nil {
		return nil, login, "", err
	}
	browser = web.LoginCookie.Value(r)
	if login.TenantID != r.PathValue("tid") || login.WorkspaceID != r.PathValue("wid") || login.IDPID != r.PathValue("idp") || // RFC 9700 4.4.2.2
		!i.now().Before(login.ExpiresAt) || subtle.ConstantTimeCompare([]byte(hashOf(browser)), []byte(login.BrowserHash)) != 1 { // RFC 6749 10.12
		return nil, login, "", errLostLogin
	}
	return q, login, browser, nil
}

// identityError is an answer of a provider that proves nothing. shown is for the person, reason for the operator's log;
// neither holds anything of a token.
type identityError struct{ shown, reason string }

func (e *identityError) Error() string { return e.reason }

func refuseIdentity(reason string) *identityError {
	return &identityError{"the answer of the identity provider could not be trusted, and you are not logged in.", reason}
}

// identify turns an authorization response into who the user is: code for tokens, and the ID token checked as OpenID
// Connect Core 3.1.3.7 wants it.
func (i *Issuer) identify(ctx context.Context, idp control.IDP, q url.Values, browser, state string) (id admin.Identity, err error) {
	p, err := i.provider(ctx, idp)
	if err != nil {
		return id, err
	}
	// RFC 9207 2.4, before anything else of the answer is used.
	if iss := q.Get("iss"); iss != "" && iss != idp.OIDC.IssuerURL || iss == "" && p.sendsIss {
		return id, refuseIdentity("the authorization response is from another issuer, or does not say from which")
	}
	if code := q.Get("error"); code != "" {
		shown := "the log-in was refused (" + clip(code) + ")."
		if code == errAccessDenied {
			shown = "you refused, or may not log in there."
		}
		return id, &identityError{shown, "it answered " + clip(code)}
	}
	if q.Get("code") == "" {
		return id, refuseIdentity("the authorization response has no code")
	}
	secret, err := i.admin.IDPSecret(ctx, idp.TenantID, idp.WorkspaceID, idp.ID)
	if err != nil {
		return id, err
	}
	ctx = oidc.ClientContext(ctx, i.admin.Outbound())
	config := oauth2.Config{ClientID: idp.OIDC.ClientID, ClientSecret: secret, Endpoint: p.endpoint, RedirectURL: i.callbackURL(idp.TenantID, idp.WorkspaceID, idp.ID)}
	tokens, err := config.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(derived(browser, state, "pkce")))
	if err != nil {
		var answered *oauth2.RetrieveError
		if errors.As(err, &answered) { // its text holds the body of the answer: not for the log
			return id, refuseIdentity("its token endpoint answered " + fmt.Sprint(answered.Response.StatusCode) + " " + clip(answered.ErrorCode))
		}
		var call *url.Error
		if errors.As(err, &call) {
			return id, fmt.Errorf("token endpoint: %w", call.Err)
		}
		return id, refuseIdentity("its token endpoint answered something else than tokens")
	}
	raw, _ := tokens.Extra("id_token").(string)
	if raw == "" || len(raw) > maxIDToken {
		return id, refuseIdentity("its token endpoint sent no ID token, or a huge one")
	}
	verifier := p.oidc.VerifierContext(ctx, &oidc.Config{ClientID: idp.OIDC.ClientID, SupportedSigningAlgs: idp.OIDC.Algorithms, Now: i.now})
	token, err := verifier.Verify(ctx, raw)
	if err != nil {
		return id, refuseIdentity("the ID token is not valid: " + clip100(err.Error()))
	}
	return i.claimsOf(ctx, p, idp, tokens, token, derived(browser, state, "nonce"))
}

// claimsOf makes the checks of OpenID Connect Core 3.1.3.7 that are the client's, and collects what is said of the user.
func (i *Issuer) claimsOf(ctx context.Context, p *provider, idp control.IDP, tokens *oauth2.Token, token *oidc.IDToken, nonce string) (id admin.Identity, err error) {
	var claims map[string]json.RawMessage
	if err := token.Claims(&claims); err != nil {
		return id, refuseIdentity("the ID token's claims are not an object")
	}
	var own struct {
		AZP      string          `json:"azp"`
		AuthTime int64           `json:"auth_time"`
		ACR      string          `json:"acr"`
		AMR      json.RawMessage `json:"amr"`
	}
	if err := token.Claims(&own); err != nil {
		return id, refuseIdentity("the ID token's claims are not of their types")
	}
	now := i.now()
	switch {
	case subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) != 1: // 3.1.3.7 (11)
		return id, refuseIdentity("the ID token has another nonce")
	case len(token.Audience) > 1 && own.AZP == "", own.AZP != "" && own.AZP != idp.OIDC.ClientID: // (4), (5)
		return id, refuseIdentity("the ID token was issued to another client (azp)")
	case token.Subject == "" || len(token.Subject) > 255: // OpenID Connect Core 2
		return id, refuseIdentity("the ID token has no subject, or a huge one")
	case token.IssuedAt.After(now.Add(idTokenSkew)): // (10)
		return id, refuseIdentity("the ID token is from the future")
	case token.AccessTokenHash != "" && token.VerifyAccessToken(tokens.AccessToken) != nil: // 3.1.3.8
		return id, refuseIdentity("the ID token belongs to another access token (at_hash)")
	}
	if idp.OIDC.UserInfo {
		info, err := p.oidc.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
		if err != nil {
			return id, refuseIdentity("its userinfo endpoint does not answer as it should")
		}
		if info.Subject != token.Subject { // OpenID Connect Core 5.3.2
			return id, refuseIdentity("its userinfo endpoint speaks of another user")
		}
		var more map[string]json.RawMessage
		if err := info.Claims(&more); err != nil {
			return id, refuseIdentity("its userinfo endpoint answers something else than claims")
		}
		for name, v := range more {
			if _, ok := claims[name]; !ok {
				claims[name] = v
			}
		}
	}
	at := now
	if own.AuthTime > 0 && time.Unix(own.AuthTime, 0).Before(now) {
		at = time.Unix(own.AuthTime, 0)
	}
	return admin.Identity{IDP: idp, Subject: token.Subject, Claims: claims,
		Authentication: control.Authentication{Methods: methodsOf(own.AMR), Class: clip(own.ACR), At: at}}, nil
}

// methodsOf are the methods of RFC 8176; some providers send one as a string.
func methodsOf(raw json.RawMessage) []string {
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		var one string
		if json.Unmarshal(raw, &one) == nil && one != "" {
			list = []string{one}
		}
	}
	out := []string{}
	for _, m := range list[:min(len(list), maxAMR)] {
		if m != "" && len(m) <= maxMethodName {
			out = append(out, clip(m))
		}
	}
	return out
}

// clip100 is clip for a longer text.
func clip100(s string) string {
	var out strings.Builder
	for len(s) > 0 && out.Len() < 200 {
		n := min(len(s), 64)
		out.WriteString(clip(s[:n]))
		s = s[n:]
	}
	return out.String()
}
