package admin

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"portcullis/control"
	"portcullis/control/store"
)

// ListClients lists the clients of a workspace.
func (a *Admin) ListClients(ctx context.Context, actor control.Actor, wid string) ([]control.Client, error) {
	return a.PageClients(ctx, actor, wid, control.ClientFilter{}, control.Page{})
}

// PageClients is a page of ListClients, narrowed by a filter.
func (a *Admin) PageClients(ctx context.Context, actor control.Actor, wid string, f control.ClientFilter, p control.Page) ([]control.Client, error) {
	if err := a.allow(actor, "ListClients", wid); err != nil {
		return nil, err
	}
	if _, err := a.store.Workspace(ctx, actor.TenantID, wid); err != nil {
		return nil, notFound(err, "workspace", wid)
	}
	out, err := a.store.Clients(ctx, actor.TenantID, wid, f, p)
	return out, internal(err)
}

// GetClient reads one client, without its secret.
func (a *Admin) GetClient(ctx context.Context, actor control.Actor, cid string) (control.Client, error) {
	return a.client(ctx, actor, "GetClient", cid)
}

// client reads a client for a verb. The client of a gateway counts as one of the gateway's workspace, whose managers
// show and rotate its secret; what lies in the admin workspace opens the whole tenant and is for its admins.
func (a *Admin) client(ctx context.Context, actor control.Actor, verb, cid string) (control.Client, error) {
	if err := a.known(actor, verb); err != nil {
		return control.Client{}, err
	}
	c, err := a.store.Client(ctx, actor.TenantID, cid)
	if err != nil {
		return control.Client{}, notFound(err, "client", cid)
	}
	workspace := c.WorkspaceID
	if workspace == control.SystemWorkspace {
		switch g, err := a.store.GatewayOfClient(ctx, actor.TenantID, cid); {
		case err == nil:
			workspace = g.WorkspaceID
		case !errors.Is(err, store.ErrNotFound):
			return control.Client{}, internal(err)
		}
	}
	if err := a.allowOn(actor, verb, workspace, "client", cid); err != nil {
		return control.Client{}, err
	}
	if err := adminOnly(actor, verb, workspace); err != nil {
		return control.Client{}, err
	}
	return c, nil
}

// adminOnly refuses to let less than an admin change or reveal clients of the admin workspace, and those of the system
// workspace that belong to no gateway: what they open is open in the whole tenant.
func adminOnly(actor control.Actor, verb, workspace string) error {
	if (workspace == control.AdminWorkspace || workspace == control.SystemWorkspace) && allowed[verb].role > control.Member && actor.Role < control.Admin {
		return control.Errorf(control.Forbidden, "insufficient_role", "clients of the workspace %q act in the whole tenant: this needs the role admin", workspace)
	}
	return nil
}

// clientDefaults fills in what a client may leave out.
func clientDefaults(c *control.Client) {
	if len(c.GrantTypes) == 0 {
		c.GrantTypes = []string{"client_credentials"}
	}
	if c.AuthMethod == "" {
		c.AuthMethod = control.AuthBasic
	}
	if c.Status == "" {
		c.Status = "active"
	}
	for _, list := range []*[]string{&c.RedirectURIs, &c.Scopes, &c.Audience, &c.PostLogoutRedirectURIs} {
		if *list == nil {
			*list = []string{}
		}
	}
	var tidy bytes.Buffer
	if json.Compact(&tidy, c.JWKS) == nil { // what is no JSON, Validate refuses
		c.JWKS = tidy.Bytes()
	}
	if text := string(c.JWKS); text == "" || text == "null" || text == "{}" {
		c.JWKS = nil
	}
}

// CreateClient makes a client and returns it with its secret; id and secret are random when they are left out. A secret
// of one's own needs at least 32 characters. A client that proves itself otherwise, or not at all, has none.
func (a *Admin) CreateClient(ctx context.Context, actor control.Actor, in control.Client, secret string) (control.Client, string, error) {
	if err := a.allow(actor, "CreateClient", in.WorkspaceID); err != nil {
		return control.Client{}, "", err
	}
	if err := adminOnly(actor, "CreateClient", in.WorkspaceID); err != nil {
		return control.Client{}, "", err
	}
	if in.WorkspaceID == control.SystemWorkspace && !forAutomation(in) {
		return control.Client{}, "", control.Errorf(control.Malformed, "system_workspace", "clients of the system workspace are made by creating a gateway, or for automation with some of the scopes %s", strings.Join(control.AutomationScopes(), ", "))
	}
	var out control.Client
	err := a.change(ctx, actor, in.WorkspaceID, func(c *change) (err error) {
		out, secret, err = c.createClient(ctx, in, secret)
		return err
	})
	if err != nil {
		return control.Client{}, "", err
	}
	return out, secret, nil
}

func (c *change) createClient(ctx context.Context, in control.Client, secret string) (control.Client, string, error) {
	clientDefaults(&in)
	if in.ID == "" {
		in.ID = store.NewID()
	}
	in.TenantID, in.WorkspaceID, in.System, in.CreatedAt, in.UpdatedAt = c.actor.TenantID, c.workspace, false, c.at(), c.at()
	if err := in.Validate(); err != nil {
		return in, "", err
	}
	if n := utf8.RuneCountInString(secret); secret != "" && (n < 32 || n > 200 || !utf8.ValidString(secret)) {
		var check control.Checks
		check.Add("client_secret", "must have 32 to 200 characters; leave it out for a random one")
		return in, "", check.Err("client")
	}
	if secret != "" && !in.HasSecret() {
		var check control.Checks
		check.Add("client_secret", "must be left out: a client with token_endpoint_auth_method "+in.AuthMethod+" has no secret")
		return in, "", check.Err("client")
	}
	if err := c.AddClient(ctx, in); err != nil {
		return in, "", exists(err, "client_exists", "there is a client %q already; choose another id, or leave it out", in.ID)
	}
	if !in.HasSecret() {
		return in, "", c.audit(ctx, "client", "created", in.ID, nil, in)
	}
	if secret == "" {
		secret = randomSecret()
	}
	if err := c.addSecret(ctx, in.ID, secret); err != nil {
		return in, "", err
	}
	return in, secret, c.audit(ctx, "client", "created", in.ID, nil, in)
}

// randomSecret is 256 random bits in base64url.
func randomSecret() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func secretPlace(tenant, client, id string) string {
	return "client_secrets/" + tenant + "/" + client + "/" + id
}

// newSecret gives a client a random secret.
func (c *change) newSecret(ctx context.Context, client string) (string, error) {
	secret := randomSecret()
	return secret, c.addSecret(ctx, client, secret)
}

func (c *change) addSecret(ctx context.Context, client, secret string) error {
	id := store.NewID()
	return c.AddClientSecret(ctx, store.ClientSecret{TenantID: c.actor.TenantID, ClientID: client, ID: id,
		Sealed: c.admin.keyring.seal(secretPlace(c.actor.TenantID, client, id), []byte(secret)), CreatedAt: c.at()})
}

// readSecret opens the current secret of a client.
func (a *Admin) readSecret(ctx context.Context, tenant, client string) (string, error) {
	all, err := a.store.ClientSecrets(ctx, tenant, client)
	if err != nil {
		return "", err
	}
	for _, s := range all {
		if s.ExpiresAt.IsZero() {
			text, err := a.keyring.open(secretPlace(tenant, client, s.ID), s.Sealed)
			return string(text), err
		}
	}
	return "", errors.New("the client " + client + " has no secret; rotate it")
}

// ClientSecret reveals the current secret of a client; "" for one that has none. That somebody read it
// is in the audit.
func (a *Admin) ClientSecret(ctx context.Context, actor control.Actor, cid string) (string, error) {
	found, err := a.client(ctx, actor, "ClientSecret", cid)
	if err != nil || !found.HasSecret() {
		return "", err
	}
	secret, err := a.readSecret(ctx, actor.TenantID, cid)
	if err != nil {
		return "", internal(err)
	}
	return secret, a.revealed(ctx, actor, found.WorkspaceID, cid)
}

// UpdateClient changes a client; a gateway's client keeps its scopes, grants and status. A client that no longer proves
// itself by a secret loses all it had; one that begins to gets a random one.
func (a *Admin) UpdateClient(ctx context.Context, actor control.Actor, in control.Client) (control.Client, error) {
	found, err := a.client(ctx, actor, "UpdateClient", in.ID)
	if err != nil {
		return control.Client{}, err
	}
	if found.System {
		return control.Client{}, control.Errorf(control.Malformed, "system_client", "the client %q belongs to a gateway; change the gateway", found.ID)
	}
	clientDefaults(&in)
	in.WorkspaceID = found.WorkspaceID
	if err := systemScopes(in); err != nil {
		return control.Client{}, control.Errorf(control.Malformed, "system_workspace", "the client of the system workspace has scopes or grants that it cannot have: they %s", err)
	}
	var out control.Client
	err = a.change(ctx, actor, found.WorkspaceID, func(c *change) error {
		old, err := c.Client(ctx, actor.TenantID, in.ID)
		if err != nil {
			return notFound(err, "client", in.ID)
		}
		out = in
		out.TenantID, out.WorkspaceID, out.System, out.CreatedAt, out.UpdatedAt = old.TenantID, old.WorkspaceID, old.System, old.CreatedAt, c.at()
		if err := out.Validate(); err != nil {
			return err
		}
		if err := c.SetClient(ctx, out); err != nil {
			return err
		}
		switch {
		case old.HasSecret() && !out.HasSecret():
			_, err = c.RemoveClientSecrets(ctx, actor.TenantID, out.ID, true)
		case !old.HasSecret() && out.HasSecret():
			_, err = c.newSecret(ctx, out.ID)
		}
		if err != nil {
			return err
		}
		return c.audit(ctx, "client", "updated", in.ID, old, out)
	})
	return out, err
}

// DeleteClient removes a client. A gateway's client goes with its gateway.
func (a *Admin) DeleteClient(ctx context.Context, actor control.Actor, cid string) error {
	found, err := a.client(ctx, actor, "DeleteClient", cid)
	if err != nil {
		return err
	}
	if found.System {
		return control.Errorf(control.Malformed, "system_client", "the client %q belongs to a gateway; delete the gateway", found.ID)
	}
	return a.change(ctx, actor, found.WorkspaceID, func(c *change) error {
		if err := c.RemoveClient(ctx, actor.TenantID, cid); err != nil {
			return notFound(err, "client", cid)
		}
		return c.audit(ctx, "client", "deleted", cid, found, nil)
	})
}

// RotateClientSecret gives a client a new random secret; the old one stops working at once.
func (a *Admin) RotateClientSecret(ctx context.Context, actor control.Actor, clientID string) (secret string, err error) {
	return a.RotateClientSecretKeeping(ctx, actor, clientID, 0)
}

// maxRotated bounds the old secrets that a client keeps.
const maxRotated = 10

// RotateClientSecretKeeping gives a client a new random secret; the old ones go on working for keep (at most 30 days),
// so that an authorizer can be given the new one without a gap.
func (a *Admin) RotateClientSecretKeeping(ctx context.Context, actor control.Actor, clientID string, keep time.Duration) (secret string, err error) {
	found, err := a.client(ctx, actor, "RotateClientSecret", clientID)
	if err != nil {
		return "", err
	}
	if !found.HasSecret() {
		return "", control.Errorf(control.Malformed, "no_secret", "the client %q has no secret to rotate: its token_endpoint_auth_method is %s", clientID, found.AuthMethod)
	}
	if keep < 0 || keep > 30*24*time.Hour {
		var check control.Checks
		check.Add("auto_revoke_after", "must be between 0s and 720h")
		return "", check.Err("rotation")
	}
	err = a.change(ctx, actor, found.WorkspaceID, func(c *change) error {
		all, err := c.ClientSecrets(ctx, actor.TenantID, clientID)
		if err != nil {
			return err
		}
		if keep == 0 || len(all) > maxRotated {
			if _, err := c.RemoveClientSecrets(ctx, actor.TenantID, clientID, true); err != nil {
				return err
			}
			all = nil
		}
		for _, s := range all {
			if s.ExpiresAt.IsZero() {
				s.ExpiresAt = c.at().Add(keep)
				if err := c.SetClientSecret(ctx, s); err != nil {
					return err
				}
			}
		}
		if secret, err = c.newSecret(ctx, clientID); err != nil {
			return err
		}
		return c.audit(ctx, "client", "generated", clientID, nil, map[string]any{"client_id": clientID, "old_secrets_work_for": keep.String()})
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// RevokeRotatedSecrets ends the old secrets of a client at once.
func (a *Admin) RevokeRotatedSecrets(ctx context.Context, actor control.Actor, clientID string) error {
	found, err := a.client(ctx, actor, "RevokeRotatedSecrets", clientID)
	if err != nil {
		return err
	}
	return a.change(ctx, actor, found.WorkspaceID, func(c *change) error {
		n, err := c.RemoveClientSecrets(ctx, actor.TenantID, clientID, false)
		if err != nil {
			return err
		}
		return c.audit(ctx, "client", "revoked", clientID, nil, map[string]any{"client_id": clientID, "secrets": n})
	})
}

// errClient is what every failed client authentication answers, so that nobody learns which part was wrong.
func errClient() error {
	return control.Errorf(control.Unauthenticated, "client_refused", "client authentication failed: the client is unknown or inactive, or the secret is wrong")
}

// AuthenticateClient checks a client's id and secret. Any mismatch is the same Unauthenticated error, and takes the same
// time up to one comparison.
func (a *Admin) AuthenticateClient(ctx context.Context, tenant, wid, clientID, secret string) (control.Client, error) {
	var client control.Client
	var secrets []store.ClientSecret
	var found bool
	err := a.store.Snapshot(ctx, func(r store.Reader) (err error) {
		if client, err = r.Client(ctx, tenant, clientID); err != nil {
			return err
		}
		secrets, err = r.ClientSecrets(ctx, tenant, clientID)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return control.Client{}, internal(err)
	}
	if err == nil && client.WorkspaceID == wid && client.Status == "active" && client.HasSecret() {
		found = true
	}
	given := sha256.Sum256([]byte(secret))
	match := 0
	for _, s := range secrets {
		if !s.ExpiresAt.IsZero() && !a.now().Before(s.ExpiresAt) {
			continue
		}
		text, err := a.keyring.open(secretPlace(tenant, clientID, s.ID), s.Sealed)
		if err != nil {
			return control.Client{}, internal(err)
		}
		want := sha256.Sum256(text)
		match |= subtle.ConstantTimeCompare(given[:], want[:])
	}
	if !found || match != 1 || secret == "" {
		return control.Client{}, errClient()
	}
	return client, nil
}
