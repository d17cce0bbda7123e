package oauth

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/control/web"
)

// userinfo is OpenID Connect Core 5.3: who the user of an access token with the scope openid is.
func (i *Issuer) userinfo(w http.ResponseWriter, r *http.Request) {
	tenant, wid := r.PathValue("tid"), r.PathValue("wid")
	event := web.Event(r.Context())
	event.Tenant, event.Workspace = tenant, wid
	scheme, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || bearer == "" {
		w.Header().Set("WWW-Authenticate", "Bearer") // RFC 6750 3
		writeError(w, r, control.Errorf(control.Unauthenticated, "", "an access token is required"))
		return
	}
	c, err := i.verify(r.Context(), tenant, wid, strings.TrimSpace(bearer))
	if err != nil {
		if control.KindOf(err) == control.Unauthenticated {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		}
		writeError(w, r, err)
		return
	}
	event.ActorID = c.Subject
	if c.Grant == "" || !slices.Contains(c.Scopes, "openid") {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="openid"`)
		writeError(w, r, control.Errorf(control.Forbidden, "insufficient_scope", "the access token lacks the scope openid"))
		return
	}
	user, err := i.store.User(r.Context(), tenant, c.Subject)
	if err == nil && (user.WorkspaceID != wid || user.Disabled) {
		err = store.ErrNotFound
	}
	if errors.Is(err, store.ErrNotFound) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		err = errToken
	}
	if err != nil {
		writeError(w, r, err)
		return
	}
	out := map[string]any{"sub": user.ID}
	if slices.Contains(c.Scopes, "email") && user.Email != "" {
		out["email"] = user.Email
	}
	if slices.Contains(c.Scopes, "profile") {
		for name, value := range user.Attributes {
			out[name] = value
		}
		out["preferred_username"] = user.Username
		if user.Name != "" {
			out["name"] = user.Name
		}
	}
	noStore(w.Header())
	web.WriteJSON(w, http.StatusOK, out)
}
