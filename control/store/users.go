package store

import (
	"context"
	"time"

	"portcullis/control"
)

const userColumns = "u.tenant_id, u.id, u.username, u.name, u.role, u.roles_json, u.created_at"

func userDest(u *control.User) []any {
	return []any{&u.TenantID, &u.ID, &u.Username, &u.Name, &u.Role, fromJSON{&u.Roles}, at{&u.CreatedAt}}
}

func scanUser(s scanner) (u control.User, err error) { return u, s.Scan(userDest(&u)...) }

// User reads one.
func (r Reader) User(ctx context.Context, tenant, id string) (control.User, error) {
	return one(ctx, r.q, scanUser, "SELECT "+userColumns+" FROM users u WHERE u.tenant_id = $1 AND u.id = $2", tenant, id)
}

// UserByName reads a user and the hash of the password.
func (r Reader) UserByName(ctx context.Context, tenant, username string) (u control.User, hash string, err error) {
	u, err = one(ctx, r.q, func(s scanner) (u control.User, err error) { return u, s.Scan(append(userDest(&u), &hash)...) },
		"SELECT "+userColumns+", u.password_hash FROM users u WHERE u.tenant_id = $1 AND u.username = $2", tenant, username)
	return u, hash, err
}

// Users lists the users of a tenant, by id.
func (r Reader) Users(ctx context.Context, tenant string, p Page) ([]control.User, error) {
	var w where
	w.add("u.tenant_id = ?", tenant)
	return page(ctx, r.q, scanUser, "SELECT "+userColumns+" FROM users u", &w, "u.id", "u.username", p)
}

// AddUser makes a user; ErrExists when the username is taken.
func (tx *Tx) AddUser(ctx context.Context, u control.User, hash string) error {
	return tx.exec(ctx, "INSERT INTO users (tenant_id, id, username, name, role, roles_json, password_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		u.TenantID, u.ID, u.Username, u.Name, int64(u.Role), rolesJSON(u.Roles), hash, micros(u.CreatedAt))
}

// SetUser changes name and roles.
func (tx *Tx) SetUser(ctx context.Context, u control.User) error {
	return tx.exec(ctx, "UPDATE users SET name = $1, role = $2, roles_json = $3 WHERE tenant_id = $4 AND id = $5",
		u.Name, int64(u.Role), rolesJSON(u.Roles), u.TenantID, u.ID)
}

func rolesJSON(m map[string]control.Role) string {
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
	_, err := tx.count(ctx, "DELETE FROM sessions WHERE tenant_id = $1 AND user_id = $2", tenant, id)
	return err
}

// RemoveUser removes a user with the sessions.
func (tx *Tx) RemoveUser(ctx context.Context, tenant, id string) error {
	return tx.exec(ctx, "DELETE FROM users WHERE tenant_id = $1 AND id = $2", tenant, id)
}

// Session is a stored session of a user.
type Session struct {
	User              control.User
	TokenHash         string
	IP, UserAgent     string
	CreatedAt, SeenAt time.Time
}

// AddSession starts a session.
func (tx *Tx) AddSession(ctx context.Context, s Session) error {
	return tx.exec(ctx, "INSERT INTO sessions (tenant_id, token_hash, user_id, ip, user_agent, created_at, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		s.User.TenantID, s.TokenHash, s.User.ID, s.IP, s.UserAgent, micros(s.CreatedAt), micros(s.SeenAt))
}

// Session reads a session by the hash of its token, with the user as it is now.
func (r Reader) Session(ctx context.Context, tokenHash string) (Session, error) {
	return one(ctx, r.q, func(sc scanner) (s Session, err error) {
		return s, sc.Scan(append(userDest(&s.User), &s.TokenHash, &s.IP, &s.UserAgent, at{&s.CreatedAt}, at{&s.SeenAt})...)
	}, "SELECT "+userColumns+`, s.token_hash, s.ip, s.user_agent, s.created_at, s.seen_at FROM sessions s
		JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id WHERE s.token_hash = $1`, tokenHash)
}

// TouchSession extends a session.
func (tx *Tx) TouchSession(ctx context.Context, tokenHash string, now time.Time) error {
	return tx.exec(ctx, "UPDATE sessions SET seen_at = $1 WHERE token_hash = $2", micros(now), tokenHash)
}

// RemoveSession ends a session.
func (tx *Tx) RemoveSession(ctx context.Context, tokenHash string) error {
	return tx.exec(ctx, "DELETE FROM sessions WHERE token_hash = $1", tokenHash)
}

// PruneSessions removes sessions that are idle since, or older than, the given times.
func (tx *Tx) PruneSessions(ctx context.Context, idleSince, bornBefore time.Time) error {
	_, err := tx.count(ctx, "DELETE FROM sessions WHERE seen_at < $1 OR created_at < $2", micros(idleSince), micros(bornBefore))
	return err
}
