package oauth

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/control/web"
)

// revoke is RFC 7009: a client ends a token that was issued to it. What is unknown, over, or another client's is answered
// like a success (2.2), and nothing happens. A revoked access token is refused here and by introspection at once; an
// authorizer that verifies it by itself takes it until it expires.
func (i *Issuer) revoke(w http.ResponseWriter, r *http.Request) {
	f, err := parseForm(r)
	event := web.Event(r.Context())
	event.Tenant, event.Workspace = f.tenant, f.workspace
	var client control.Client
	if err == nil {
		client, err = i.authenticate(r.Context(), f)
	}
	if err == nil && f.values["token"] == "" {
		err = refuse(errInvalidRequest, "token is missing (RFC 7009 2.1)")
	}
	if err == nil {
		event.ActorID = client.ID
		err = i.revokeToken(r, f, client)
	}
	if err != nil {
		writeError(w, r, err)
		return
	}
	noStore(w.Header())
	w.WriteHeader(http.StatusOK)
}

func (i *Issuer) revokeToken(r *http.Request, f form, client control.Client) error {
	ctx, token := r.Context(), f.values["token"]
	family, _, _ := strings.Cut(token, ".")
	g, err := i.store.GrantOfFamily(ctx, hashOf(family))
	if err == nil {
		if g.ClientID != client.ID || g.TenantID != f.tenant || g.WorkspaceID != f.workspace {
			return nil
		}
		return i.endGrant(r, g, "")
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	c, err := i.verify(ctx, f.tenant, f.workspace, token)
	if control.KindOf(err) == control.Unauthenticated && err != nil || err == nil && c.ClientID != client.ID {
		return nil
	}
	if err != nil {
		return err
	}
	defer i.good.forget()
	return i.store.Tx(ctx, func(tx *store.Tx) error {
		return tx.RevokeToken(ctx, c.Tenant, c.Workspace, c.ID, time.Unix(c.Expiry, 0))
	})
}
