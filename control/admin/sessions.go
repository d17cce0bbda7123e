package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"portcullis/control"
	"portcullis/control/store"
)

// A session ends an hour after its last use, and twelve hours after the log-in at the latest.
const (
	sessionIdle     = time.Hour
	sessionAbsolute = 12 * time.Hour
	sessionTouch    = time.Minute // a use is written down at most this often
)

// noUser is what a password is compared with when there is no such user, so that the answer takes as long.
const noUser = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// Login starts a session and returns its token, which is nowhere stored but as a hash. The error says the same whether
// the user or the password was wrong. After five failures of a username from one address further tries are TooMany.
func (a *Admin) Login(ctx context.Context, tenant, username, password, ip, userAgent string) (token string, s control.Session, err error) {
	now := a.now()
	k := key(tenant, username, ip)
	if wait := a.throttle.wait(k, now); wait > 0 {
		e := control.Errorf(control.TooMany, "too_many_logins", "too many failed log-ins; try again in %s", wait.Round(time.Second))
		e.RetryAfter = int(wait/time.Second) + 1
		return "", s, e
	}
	if len(username) > 100 || len(password) > 1000 || printable(username) != username {
		username, password = "", ""
	}
	user, hash, err := a.store.UserByName(ctx, tenant, username)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", s, internal(err)
	}
	known := err == nil
	if !known {
		hash = noUser
	}
	ok, err := a.hasher.check(ctx, password, hash)
	if err != nil {
		return "", s, internal(err)
	}
	if !ok || !known {
		a.throttle.fail(k, now)
		if known {
			a.loginFailed(ctx, user, ip, userAgent)
		}
		return "", s, control.Errorf(control.Unauthenticated, "login_failed", "wrong username or password")
	}
	a.throttle.forget(k)
	token = randomSecret()
	stored := store.Session{User: user, TokenHash: tokenHash(token), IP: cut(printable(ip), 100), UserAgent: cut(printable(userAgent), 500), CreatedAt: now, SeenAt: now}
	actor := control.Actor{Kind: control.UserActor, ID: user.ID, Name: user.Username, TenantID: tenant, IP: ip, UserAgent: userAgent}
	err = a.change(ctx, actor, "", func(c *change) error {
		if err := c.PruneSessions(ctx, now.Add(-sessionIdle), now.Add(-sessionAbsolute)); err != nil {
			return err
		}
		if err := c.AddSession(ctx, stored); err != nil {
			return err
		}
		c.workspace = control.AdminWorkspace
		return c.audit(ctx, "login", "accepted", user.ID, nil, nil)
	})
	if err != nil {
		return "", control.Session{}, err
	}
	return token, session(stored), nil
}

// loginFailed audits a wrong password for a known user. Its failure does not change the answer.
func (a *Admin) loginFailed(ctx context.Context, user control.User, ip, userAgent string) {
	actor := control.Actor{Kind: control.Anonymous, TenantID: user.TenantID, Name: user.Username, IP: ip, UserAgent: userAgent}
	err := a.change(ctx, actor, "", func(c *change) error {
		c.workspace = control.AdminWorkspace
		return c.audit(ctx, "login", "rejected", user.ID, nil, nil)
	})
	if err != nil {
		a.log.ErrorContext(ctx, "a failed log-in was not audited", "user", user.ID, "error", err)
	}
}

func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func session(s store.Session) control.Session {
	expires := s.SeenAt.Add(sessionIdle)
	if end := s.CreatedAt.Add(sessionAbsolute); end.Before(expires) {
		expires = end
	}
	return control.Session{User: s.User, CreatedAt: s.CreatedAt, ExpiresAt: expires}
}

// Session is the session of a token and who it acts for, with the user's roles as they are now; Unauthenticated when it
// is unknown or over. Using it keeps it alive.
func (a *Admin) Session(ctx context.Context, token string) (control.Actor, control.Session, error) {
	over := control.Errorf(control.Unauthenticated, "session_over", "the session is over; log in again")
	if token == "" || len(token) > 200 {
		return control.Actor{}, control.Session{}, over
	}
	s, err := a.store.Session(ctx, tokenHash(token))
	if err != nil {
		if errors.Is(err, store.ErrNotFound) {
			err = over
		}
		return control.Actor{}, control.Session{}, internal(err)
	}
	now := a.now()
	if !now.Before(session(s).ExpiresAt) {
		return control.Actor{}, control.Session{}, over
	}
	if now.Sub(s.SeenAt) >= sessionTouch {
		s.SeenAt = now
		err := a.store.Tx(ctx, func(tx *store.Tx) error { return tx.TouchSession(ctx, s.TokenHash, now) })
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return control.Actor{}, control.Session{}, internal(err)
		}
	}
	return control.Actor{Kind: control.UserActor, ID: s.User.ID, Name: s.User.Username, TenantID: s.User.TenantID, Role: s.User.Role, Roles: s.User.Roles},
		session(s), nil
}

// Logout ends a session; one that is unknown or over is no error.
func (a *Admin) Logout(ctx context.Context, token string) error {
	s, err := a.store.Session(ctx, tokenHash(token))
	if err != nil {
		return internal(notFoundOnly(err))
	}
	actor := control.Actor{Kind: control.UserActor, ID: s.User.ID, Name: s.User.Username, TenantID: s.User.TenantID}
	return a.change(ctx, actor, "", func(c *change) error {
		return notFoundOnly(c.RemoveSession(ctx, s.TokenHash))
	})
}

// ChangePassword gives the user of a session a new password. The present one must be given too, and is throttled as in
// Login. All sessions of the user end, this one included.
func (a *Admin) ChangePassword(ctx context.Context, token, current, next, ip, userAgent string) error {
	actor, s, err := a.Session(ctx, token)
	if err != nil {
		return err
	}
	actor.IP, actor.UserAgent = ip, userAgent
	now, k := a.now(), key(actor.TenantID, s.User.Username, ip)
	if wait := a.throttle.wait(k, now); wait > 0 {
		e := control.Errorf(control.TooMany, "too_many_logins", "too many wrong passwords; try again in %s", wait.Round(time.Second))
		e.RetryAfter = int(wait/time.Second) + 1
		return e
	}
	user, hash, err := a.store.UserByName(ctx, actor.TenantID, s.User.Username)
	if err != nil {
		return notFound(err, "user", s.User.Username)
	}
	ok := len(current) <= 1000
	if ok {
		if ok, err = a.hasher.check(ctx, current, hash); err != nil {
			return internal(err)
		}
	}
	if !ok {
		a.throttle.fail(k, now)
		var check control.Checks
		check.Add("current", "is not your present password")
		return check.Err("password")
	}
	if err := control.ValidatePassword(next); err != nil {
		return err
	}
	if hash, err = a.hasher.hash(ctx, next); err != nil {
		return internal(err)
	}
	return a.users(ctx, actor, user.ID, func(c *change, _ control.User) error {
		if err := c.SetPassword(ctx, actor.TenantID, user.ID, hash); err != nil {
			return err
		}
		return c.audit(ctx, "credential", "updated", user.ID, nil, nil)
	})
}
