package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"portcullis/control"
)

const userColumns = "u.tenant_id, u.id, u.workspace_id, u.idp_id, u.identity, u.username, u.name, u.email, u.attributes_json, u.disabled, u.role, u.roles_json, u.created_at, u.login_at"

func userDest(u *control.User) []any {
	return []any{&u.TenantID, &u.ID, &u.WorkspaceID, &u.IDPID, &u.Subject, &u.Username, &u.Name, &u.Email, fromJSON{&u.Attributes}, &u.Disabled,
		&u.Role, fromJSON{&u.Roles}, at{&u.CreatedAt}, at{&u.LoginAt}}
}

// identityOf is what a user is found by: unique in the tenant. Ids of workspaces and providers hold no "/".
func identityOf(workspace, idp, subject string) string { return workspace + "/" + idp + "/" + subject }

// scannedUser takes the subject out of the identity that was scanned into it.
func scannedUser(u *control.User) {
	u.Subject = strings.TrimPrefix(u.Subject, identityOf(u.WorkspaceID, u.IDPID, ""))
}

func scanUser(s scanner) (u control.User, err error) {
	err = s.Scan(userDest(&u)...)
	scannedUser(&u)
	return u, err
}

// User reads one.
func (r Reader) User(ctx context.Context, tenant, id string) (control.User, error) {
	return one(ctx, r.q, scanUser, "SELECT "+userColumns+" FROM users u WHERE u.tenant_id = $1 AND u.id = $2", tenant, id)
}

// UserOf reads the user that a provider of a workspace knows by a subject, and the hash of the password.
func (r Reader) UserOf(ctx context.Context, tenant, workspace, idp, subject string) (u control.User, hash string, err error) {
	u, err = one(ctx, r.q, func(s scanner) (u control.User, err error) {
		err = s.Scan(append(userDest(&u), &hash)...)
		scannedUser(&u)
		return u, err
	}, "SELECT "+userColumns+", u.password_hash FROM users u WHERE u.tenant_id = $1 AND u.identity = $2", tenant, identityOf(workspace, idp, subject))
	return u, hash, err
}

// Users lists the users of a workspace, by id.
func (r Reader) Users(ctx context.Context, tenant, workspace string, p Page) ([]control.User, error) {
	var w where
	w.add("u.tenant_id = ?", tenant)
	w.add("u.workspace_id = ?", workspace)
	return page(ctx, r.q, scanUser, "SELECT "+userColumns+" FROM users u", &w, "u.id", "u.username", p)
}

// UsersOf are the ids of a provider's users.
func (r Reader) UsersOf(ctx context.Context, tenant, workspace, idp string) ([]string, error) {
	return list(ctx, r.q, func(s scanner) (id string, err error) { return id, s.Scan(&id) },
		"SELECT id FROM users WHERE tenant_id = $1 AND workspace_id = $2 AND idp_id = $3", tenant, workspace, idp)
}

// AttributeNames are the names of the attributes that some users of a workspace have.
func (r Reader) AttributeNames(ctx context.Context, tenant, workspace string) ([]string, error) {
	all, err := list(ctx, r.q, func(s scanner) (m map[string]json.RawMessage, err error) { return m, s.Scan(fromJSON{&m}) },
		"SELECT DISTINCT attributes_json FROM users WHERE tenant_id = $1 AND workspace_id = $2 AND attributes_json <> '{}' LIMIT 1000", tenant, workspace)
	var out []string
	for _, m := range all {
		for name := range m {
			out = append(out, name)
		}
	}
	return out, err
}

// AddUser makes a user; ErrExists when the provider's subject is taken. hash is "" for users without a password here.
func (tx *Tx) AddUser(ctx context.Context, u control.User, hash string) error {
	return tx.exec(ctx, `INSERT INTO users (tenant_id, id, workspace_id, idp_id, identity, username, name, email, attributes_json, disabled, role, roles_json, password_hash, created_at, login_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		u.TenantID, u.ID, u.WorkspaceID, u.IDPID, identityOf(u.WorkspaceID, u.IDPID, u.Subject), u.Username, u.Name, u.Email, jsonMap(u.Attributes), u.Disabled,
		int64(u.Role), jsonMap(u.Roles), hash, micros(u.CreatedAt), micros(u.LoginAt))
}

// SetUser changes everything but ids, provider, subject, password and the time of birth.
func (tx *Tx) SetUser(ctx context.Context, u control.User) error {
	return tx.exec(ctx, "UPDATE users SET username = $1, name = $2, email = $3, attributes_json = $4, disabled = $5, role = $6, roles_json = $7, login_at = $8 WHERE tenant_id = $9 AND id = $10",
		u.Username, u.Name, u.Email, jsonMap(u.Attributes), u.Disabled, int64(u.Role), jsonMap(u.Roles), micros(u.LoginAt), u.TenantID, u.ID)
}

// TouchUser writes down when a user logged in.
func (tx *Tx) TouchUser(ctx context.Context, tenant, id string, at time.Time) error {
	return tx.exec(ctx, "UPDATE users SET login_at = $1 WHERE tenant_id = $2 AND id = $3", micros(at), tenant, id)
}

// jsonMap stores a map as JSON text, nil as "{}".
func jsonMap[V any](m map[string]V) string {
	if m == nil {
		return "{}"
	}
	return jsonText(m)
}

// SetPassword changes the hash and ends the user's sessions.
func (tx *Tx) SetPassword(ctx context.Context, tenant, id, hash string) error {
	if err := tx.exec(ctx, "UPDATE users SET password_hash = $1 WHERE tenant_id = $2 AND id = $3", hash, tenant, id); err != nil {
		return err
	}
	return tx.RemoveSessionsOf(ctx, tenant, id)
}

// RemoveUser removes a user with the sessions and grants.
func (tx *Tx) RemoveUser(ctx context.Context, tenant, id string) error {
	return tx.exec(ctx, "DELETE FROM users WHERE tenant_id = $1 AND id = $2", tenant, id)
}

// Kinds of sessions.
const (
	PortalSession = "portal"
	IssuerSession = "issuer" // of the user's workspace
)

// Session is a stored session of a user.
type Session struct {
	User              control.User
	TokenHash         string
	Kind              string // portal, issuer
	ID                string // what the sessions of one log-in share
	Authentication    control.Authentication
	IP, UserAgent     string
	CreatedAt, SeenAt time.Time
}

// AddSession starts a session.
func (tx *Tx) AddSession(ctx context.Context, s Session) error {
	return tx.exec(ctx, "INSERT INTO sessions (tenant_id, token_hash, user_id, kind, sid, auth_at, authn_json, ip, user_agent, created_at, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		s.User.TenantID, s.TokenHash, s.User.ID, s.Kind, s.ID, micros(s.Authentication.At), jsonText(s.Authentication), s.IP, s.UserAgent, micros(s.CreatedAt), micros(s.SeenAt))
}

// Session reads a session by the hash of its token, with the user as it is now.
func (r Reader) Session(ctx context.Context, tokenHash string) (Session, error) {
	return one(ctx, r.q, func(sc scanner) (s Session, err error) {
		err = sc.Scan(append(userDest(&s.User), &s.TokenHash, &s.Kind, &s.ID, fromJSON{&s.Authentication}, at{&s.Authentication.At}, &s.IP, &s.UserAgent, at{&s.CreatedAt}, at{&s.SeenAt})...)
		scannedUser(&s.User)
		return s, err
	}, "SELECT "+userColumns+`, s.token_hash, s.kind, s.sid, s.authn_json, s.auth_at, s.ip, s.user_agent, s.created_at, s.seen_at FROM sessions s
		JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id WHERE s.token_hash = $1`, tokenHash)
}

// TouchSession extends a session.
func (tx *Tx) TouchSession(ctx context.Context, tokenHash string, now time.Time) error {
	return tx.exec(ctx, "UPDATE sessions SET seen_at = $1 WHERE token_hash = $2", micros(now), tokenHash)
}

// RemoveSession ends the sessions of one log-in.
func (tx *Tx) RemoveSession(ctx context.Context, tenant, sid string) error {
	return tx.exec(ctx, "DELETE FROM sessions WHERE tenant_id = $1 AND sid = $2", tenant, sid)
}

// RemoveToken ends a single session.
func (tx *Tx) RemoveToken(ctx context.Context, tokenHash string) error {
	return tx.exec(ctx, "DELETE FROM sessions WHERE token_hash = $1", tokenHash)
}

// RemoveSessionsOf ends all sessions of a user.
func (tx *Tx) RemoveSessionsOf(ctx context.Context, tenant, user string) error {
	_, err := tx.count(ctx, "DELETE FROM sessions WHERE tenant_id = $1 AND user_id = $2", tenant, user)
	return err
}

// PruneSessions removes sessions that are idle since, or older than, the given times.
func (tx *Tx) PruneSessions(ctx context.Context, idleSince, bornBefore time.Time) error {
	_, err := tx.count(ctx, "DELETE FROM sessions WHERE seen_at < $1 OR created_at < $2", micros(idleSince), micros(bornBefore))
	return err
}
