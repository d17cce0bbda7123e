package oauth

import (
	"net/http"
	"net/url"
	"strings"

	"portcullis/control/store"
	"portcullis/control/web"
)

// push is RFC 9126 2: the client sends the authorization request itself, authenticated unless it is public, and gets a reference that works
// once and for a few minutes.
func (i *Issuer) push(w http.ResponseWriter, r *http.Request) {
	f, err := parseForm(r)
	event := web.Event(r.Context())
	event.Tenant, event.Workspace = f.tenant, f.workspace
	if err != nil {
		writeError(w, r, err)
		return
	}
	client, err := i.authenticate(r.Context(), f)
	if err != nil {
		writeError(w, r, err)
		return
	}
	event.ActorID = client.ID
	q := url.Values{}
	for name, v := range f.values {
		if !strings.HasPrefix(name, "client_") { // secret and assertion; client_id is set below
			q.Set(name, v)
		}
	}
	q.Set("client_id", client.ID)
	if len(f.resources) > 0 {
		q["resource"] = f.resources
	}
	if q.Get("request_uri") != "" { // RFC 9126 2.1
		err = refuse(errInvalidRequest, "request_uri must not be pushed")
	} else if query := q.Encode(); len(query) > maxQuery {
		err = refuse(errInvalidRequest, "the request is too long")
	} else {
		_, _, err = i.authorizationOf(r.Context(), f.tenant, f.workspace, q)
	}
	if err != nil {
		writeError(w, r, err)
		return
	}
	uri := "urn:ietf:params:oauth:request_uri:" + randomToken()
	now := i.now()
	err = i.store.Tx(r.Context(), func(tx *store.Tx) error {
		if err := tx.PruneGrants(r.Context(), now); err != nil {
			return err
		}
		return tx.AddPushedRequest(r.Context(), store.PushedRequest{Hash: hashOf(uri), TenantID: f.tenant, WorkspaceID: f.workspace,
			ClientID: client.ID, Query: q.Encode(), ExpiresAt: now.Add(pushedTTL)})
	})
	if err != nil {
		writeError(w, r, err)
		return
	}
	noStore(w.Header())
	web.WriteJSON(w, http.StatusCreated, struct {
		RequestURI string `json:"request_uri"`
		ExpiresIn  int64  `json:"expires_in"`
	}{uri, int64(pushedTTL.Seconds())})
}
