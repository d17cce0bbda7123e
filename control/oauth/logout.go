package oauth

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/control/web"

	"github.com/go-jose/go-jose/v4"
)

// ending is one request to log out, read and checked once.
type ending struct {
	ws       control.Workspace
	client   control.Client // zero: nobody said whose it is
	subject  string         // whom the ID token names; empty without a hint
	redirect string         // registered; empty: our own page
	state    string
}

// logout is the end session endpoint of OpenID Connect RP-Initiated Logout 1.0 2. Any site can send a browser here, so the
// session ends without a question only when an ID token of ours names the very user who is logged in.
func (i *Issuer) logout(w http.ResponseWriter, r *http.Request) {
	e, ok := i.readEnding(w, r)
	if !ok {
		return
	}
	token := web.IssuerCookie(e.ws.TenantID, e.ws.ID).Value(r)
	session, err := i.session(r, e.ws)
	switch {
	case err != nil && control.KindOf(err) != control.Unauthenticated:
		i.problemPage(w, r, err)
	// A form of another site comes without the cookie (SameSite=Lax): then we do not know, and ask.
	case token == "" && r.Method == http.MethodPost:
		i.logoutPage(w, r, e, "")
	case err != nil:
		i.loggedOut(w, r, e)
	case session.User.ID == e.subject:
		i.endSession(w, r, e)
	default:
		i.logoutPage(w, r, e, session.User.Username)
	}
}

// logoutForm takes the answer of the page. It is behind web.CrossOrigin: a form of another site does not get here.
func (i *Issuer) logoutForm(w http.ResponseWriter, r *http.Request) {
	if e, ok := i.readEnding(w, r); ok {
		i.endSession(w, r, e)
	}
}

func (i *Issuer) endSession(w http.ResponseWriter, r *http.Request, e ending) {
	cookie := web.IssuerCookie(e.ws.TenantID, e.ws.ID)
	if token := cookie.Value(r); token != "" {
		if err := i.admin.Logout(r.Context(), token); err != nil {
			i.problemPage(w, r, err)
			return
		}
	}
	cookie.Clear(w, i.secure())
	i.loggedOut(w, r, e)
}

// loggedOut sends the browser where it was asked to be sent (3), or says that it is done.
func (i *Issuer) loggedOut(w http.ResponseWriter, r *http.Request, e ending) {
	if e.redirect == "" {
		i.render(w, r, http.StatusOK, page{Kind: "done", Title: "You are logged out", Problem: "You can close this window."})
		return
	}
	u, err := url.Parse(e.redirect)
	if err != nil {
		i.problemPage(w, r, err)
		return
	}
	if e.state != "" {
		q := u.Query()
		q.Set("state", e.state)
		u.RawQuery = q.Encode()
	}
	noStore(w.Header())
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	redirect(w, u.String(), status)
}

// logoutPage asks. The form repeats what is needed for the way back, but not the ID token: who answers is asked directly.
func (i *Issuer) logoutPage(w http.ResponseWriter, r *http.Request, e ending, username string) {
	i.allowForm(w, authorization{redirectURI: e.redirect})
	i.render(w, r, http.StatusOK, page{Kind: "logout", Title: "Log out", Client: e.client.Name, Workspace: e.ws.Name, Username: username,
		Target: "/" + e.ws.TenantID + "/" + e.ws.ID + "/logout", Hidden: map[string]string{"client_id": e.client.ID, "post_logout_redirect_uri": e.redirect, "state": e.state}})
}

// readEnding answers itself when the request is not good: always the person, as the client is not known to be one of ours.
func (i *Issuer) readEnding(w http.ResponseWriter, r *http.Request) (ending, bool) {
	event := web.Event(r.Context())
	event.Tenant, event.Workspace = r.PathValue("tid"), r.PathValue("wid")
	e, err := i.endingOf(r)
	event.ActorID = e.client.ID
	if err != nil {
		i.problemPage(w, r, err)
		return e, false
	}
	return e, true
}

func (i *Issuer) endingOf(r *http.Request) (e ending, err error) {
	r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
	if err := r.ParseForm(); err != nil || len(r.URL.RawQuery) > maxQuery {
		return e, refuse(errInvalidRequest, "the request to log out could not be read, or is too long")
	}
	q := r.URL.Query()
	if r.Method == http.MethodPost {
		q = r.PostForm
	}
	for name, vs := range q {
		if len(vs) > 1 {
			return e, refuse(errInvalidRequest, "a parameter comes more than once: "+clip(name))
		}
	}
	ctx := r.Context()
	if e.ws, err = i.admin.Workspace(ctx, r.PathValue("tid"), r.PathValue("wid")); err != nil {
		return e, err
	}
	clientID := q.Get("client_id")
	if hint := q.Get("id_token_hint"); hint != "" {
		id, err := i.hintOf(r, e.ws, hint)
		if err != nil {
			return e, err
		}
		if clientID != "" && clientID != id.Audience { // 2: they must match
			return e, refuse(errInvalidRequest, "client_id is not the one that the ID token was issued to")
		}
		e.subject, clientID = id.Subject, id.Audience
	}
	if clientID != "" {
		e.client, err = i.store.Client(ctx, e.ws.TenantID, clientID)
		if errors.Is(err, store.ErrNotFound) || err == nil && (e.client.WorkspaceID != e.ws.ID || e.client.Status != "active") {
			return ending{}, refuse(errInvalidClient, "the application that sent you here is not known in this workspace (client_id)")
		}
		if err != nil {
			return e, err
		}
	}
	if e.redirect = q.Get("post_logout_redirect_uri"); e.redirect != "" && !slices.Contains(e.client.PostLogoutRedirectURIs, e.redirect) {
		return e, refuse(errInvalidRequest, "post_logout_redirect_uri is not one that the application has registered; it also needs id_token_hint or client_id")
	}
	if e.state = q.Get("state"); len(e.state) > 1024 {
		return e, refuse(errInvalidRequest, "state is too long")
	}
	return e, nil
}

// hintOf is the ID token of a hint: ours, by a current key, expired or not (4).
func (i *Issuer) hintOf(r *http.Request, ws control.Workspace, hint string) (id idToken, err error) {
	bad := refuse(errInvalidRequest, "id_token_hint is not an ID token of this workspace")
	keys, err := i.admin.SigningKeys(r.Context(), ws.TenantID, ws.ID)
	if err != nil {
		return id, err
	}
	if !compact(hint) {
		return id, bad
	}
	jws, err := jose.ParseSignedCompact(hint, algorithms)
	if err != nil || len(jws.Signatures) != 1 {
		return id, bad
	}
	h := jws.Signatures[0].Protected
	if typ, _ := h.ExtraHeaders[jose.HeaderType].(string); typ != idTokenType { // an access token is no ID token
		return id, bad
	}
	for _, k := range keys {
		if k.ID != h.KeyID || k.Algorithm != h.Algorithm {
			continue
		}
		payload, err := jws.Verify(k.Private.Public())
		if err != nil || json.Unmarshal(payload, &id) != nil || id.Issuer != i.issuerURL(ws.TenantID, ws.ID) || id.Subject == "" || id.Audience == "" {
			return idToken{}, bad
		}
		return id, nil
	}
	return id, bad
}
