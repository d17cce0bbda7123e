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

// Login starts a session at the issuer of a workspace for one of its static users, and returns its token, which is nowhere
// stored but as a hash. The error says the same whether the user or the password was wrong. After five failures of a
// username from one address further tries are TooMany.
func (a *Admin) Login(ctx context.Context, tenant, wid, username, password, ip, userAgent string) (token string, s control.Session, err error) {
	now := a.now()
	k := key(tenant, wid, username, ip)
	if err := a.throttled(k, "too many failed log-ins"); err != nil {
		return "", s, err
	}
	if len(username) > 100 || len(password) > 1000 || printable(username) != username {
		username, password = "", ""
	}
	user, hash, err := a.store.UserOf(ctx, tenant, wid, control.StaticIDP, username)
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
	if known && ok {
		if _, err := a.LoginIDP(ctx, tenant, wid, control.StaticIDP); err != nil {
			if control.KindOf(err) != control.NotFound {
				return "", s, err
			}
			ok = false
		}
	}
	if !ok || !known || user.Disabled {
		a.throttle.fail(k, now)
		if known {
			a.loginRejected(ctx, user, ip, userAgent)
		}
		return "", s, control.Errorf(control.Unauthenticated, "login_failed", "wrong username or password")
	}
	a.throttle.forget(k)
	return a.startSession(ctx, store.Session{User: user, Kind: store.IssuerSession, IP: ip, UserAgent: userAgent,
		Authentication: control.Authentication{Methods: []string{"pwd"}, At: now}}, func(c *change) error {
		return c.TouchUser(ctx, tenant, user.ID, now)
	})
}

// throttled is the error TooMany for a pair of user and address that must wait.
func (a *Admin) throttled(k, what string) error {
	wait := a.throttle.wait(k, a.now())
	if wait <= 0 {
		return nil
	}
	e := control.Errorf(control.TooMany, "too_many_logins", "%s; try again in %s", what, wait.Round(time.Second))
	e.RetryAfter = int(wait/time.Second) + 1
	return e
}

// startSession stores a session with a new token, after f and with the audit in one transaction. s.ID is kept where it is
// set: the session then belongs to a log-in that was before.
func (a *Admin) startSession(ctx context.Context, s store.Session, f func(*change) error) (string, control.Session, error) {
	now, token := a.now(), randomSecret()
	s.TokenHash, s.IP, s.UserAgent, s.CreatedAt, s.SeenAt = tokenHash(token), cut(printable(s.IP), 100), cut(printable(s.UserAgent), 500), now, now
	if s.ID == "" {
		s.ID = store.NewID()
	}
	actor := control.Actor{Kind: control.UserActor, ID: s.User.ID, Name: s.User.Username, TenantID: s.User.TenantID, IP: s.IP, UserAgent: s.UserAgent}
	err := a.change(ctx, actor, "", func(c *change) error {
		if err := f(c); err != nil {
			return err
		}
		if err := c.PruneSessions(ctx, now.Add(-sessionIdle), now.Add(-sessionAbsolute)); err != nil {
			return err
		}
		if err := c.AddSession(ctx, s); err != nil {
			return err
		}
		c.workspace = s.User.WorkspaceID
		return c.audit(ctx, "login", "accepted", s.User.ID, nil, map[string]any{"idp_id": s.User.IDPID, "session": s.Kind, "amr": s.Authentication.Methods})
	})
	if err != nil {
		return "", control.Session{}, err
	}
	return token, session(s), nil
}

// loginRejected audits that a known user was not let in. Its failure does not change the answer.
func (a *Admin) loginRejected(ctx context.Context, user control.User, ip, userAgent string) {
	actor := control.Actor{Kind: control.Anonymous, TenantID: user.TenantID, Name: user.Username, IP: ip, UserAgent: userAgent}
	err := a.change(ctx, actor, "", func(c *change) error {
		c.workspace = user.WorkspaceID
		return c.audit(ctx, "login", "rejected", user.ID, nil, map[string]any{"idp_id": user.IDPID})
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
	if s.Authentication.Methods == nil {
		s.Authentication.Methods = []string{}
	}
	return control.Session{ID: s.ID, User: s.User, Authentication: s.Authentication, CreatedAt: s.CreatedAt, ExpiresAt: expires}
}

// PortalLogin starts a session of the portal for a user whom the issuer of the workspace admin has just vouched for; sid
// is that log-in. Whoever calls it has verified the ID token.
func (a *Admin) PortalLogin(ctx context.Context, tenant, uid, sid, ip, userAgent string) (string, control.Session, error) {
	user, err := a.store.User(ctx, tenant, uid)
	if err != nil {
		return "", control.Session{}, notFound(err, "user", uid)
	}
	if user.WorkspaceID != control.AdminWorkspace || user.Disabled || !user.AnyRole() {
		a.loginRejected(ctx, user, ip, userAgent)
		return "", control.Session{}, control.Errorf(control.Forbidden, "no_role", "%s has no role here; an administrator can give one", user.Username)
	}
	return a.startSession(ctx, store.Session{User: user, Kind: store.PortalSession, ID: sid, IP: ip, UserAgent: userAgent,
		Authentication: control.Authentication{At: a.now()}}, func(*change) error { return nil })
}

// Session is the portal session of a token and who it acts for, with the user's roles as they are now; Unauthenticated
// when it is unknown or over. Using it keeps it alive.
func (a *Admin) Session(ctx context.Context, token string) (control.Actor, control.Session, error) {
	s, err := a.session(ctx, token, store.PortalSession)
	if err != nil {
		return control.Actor{}, control.Session{}, err
	}
	return control.Actor{Kind: control.UserActor, ID: s.User.ID, Name: s.User.Username, TenantID: s.User.TenantID, Role: s.User.Role, Roles: s.User.Roles},
		session(s), nil
}

// IssuerSession is the session of a token at the issuer of a workspace; Unauthenticated when it is unknown, over or
// another issuer's. Using it keeps it alive.
func (a *Admin) IssuerSession(ctx context.Context, tenant, wid, token string) (control.Session, error) {
	s, err := a.session(ctx, token, store.IssuerSession)
	if err != nil {
		return control.Session{}, err
	}
	if s.User.TenantID != tenant || s.User.WorkspaceID != wid {
		return control.Session{}, errSessionOver()
	}
	return session(s), nil
}

func errSessionOver() error {
	return control.Errorf(control.Unauthenticated, "session_over", "the session is over; log in again")
}

func (a *Admin) session(ctx context.Context, token, kind string) (store.Session, error) {
	if token == "" || len(token) > 200 {
		return store.Session{}, errSessionOver()
	}
	s, err := a.store.Session(ctx, tokenHash(token))
	if err != nil {
		if errors.Is(err, store.ErrNotFound) {
			err = errSessionOver()
		}
		return store.Session{}, internal(err)
	}
	now := a.now()
	if s.Kind != kind || s.User.Disabled || !now.Before(session(s).ExpiresAt) {
		return store.Session{}, errSessionOver()
	}
	if now.Sub(s.SeenAt) >= sessionTouch {
		s.SeenAt = now
		err := a.store.Tx(ctx, func(tx *store.Tx) error { return tx.TouchSession(ctx, s.TokenHash, now) })
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return store.Session{}, internal(err)
		}
	}
	return s, nil
}

// Logout ends a session with all others of the same log-in: those of the portal and of the issuer. One that is unknown or
// over is no error.
func (a *Admin) Logout(ctx context.Context, token string) error {
	s, err := a.store.Session(ctx, tokenHash(token))
	if err != nil {
		return internal(notFoundOnly(err))
	}
	actor := control.Actor{Kind: control.UserActor, ID: s.User.ID, Name: s.User.Username, TenantID: s.User.TenantID}
	return a.change(ctx, actor, "", func(c *change) error {
		return notFoundOnly(c.RemoveSession(ctx, s.User.TenantID, s.ID))
	})
}

// EndSession ends one portal session that another one of the same browser has followed; the log-in goes on.
func (a *Admin) EndSession(ctx context.Context, token string) error {
	return internal(a.store.Tx(ctx, func(tx *store.Tx) error { return notFoundOnly(tx.RemoveToken(ctx, tokenHash(token))) }))
}

// ChangePassword gives the user of a portal session a new password. The present one must be given too, and is throttled as
// in Login. All sessions of the user end, this one included, whose browser gets the new one that is returned.
func (a *Admin) ChangePassword(ctx context.Context, token, current, next, ip, userAgent string) (string, error) {
	actor, s, err := a.Session(ctx, token)
	if err != nil {
		return "", err
	}
	if !s.User.Static() {
		return "", control.Errorf(control.Malformed, "external_user", "your password is kept by the identity provider %q; change it there", s.User.IDPID)
	}
	actor.IP, actor.UserAgent = ip, userAgent
	now, k := a.now(), key(actor.TenantID, control.AdminWorkspace, s.User.Username, ip)
	if err := a.throttled(k, "too many wrong passwords"); err != nil {
		return "", err
	}
	user, hash, err := a.store.UserOf(ctx, actor.TenantID, control.AdminWorkspace, control.StaticIDP, s.User.Username)
	if err != nil {
		return "", notFound(err, "user", s.User.Username)
	}
	ok := len(current) <= 1000
	if ok {
		if ok, err = a.hasher.check(ctx, current, hash); err != nil {
			return "", internal(err)
		}
	}
	if !ok {
		a.throttle.fail(k, now)
		var check control.Checks
		check.Add("current", "is not your present password")
		return "", check.Err("password")
	}
	if err := control.ValidatePassword(next); err != nil {
		return "", err
	}
	if hash, err = a.hasher.hash(ctx, next); err != nil {
		return "", internal(err)
	}
	err = a.users(ctx, actor, user.ID, func(c *change, _ control.User) error {
		if err := c.SetPassword(ctx, actor.TenantID, user.ID, hash); err != nil {
			return err
		}
		return c.audit(ctx, "credential", "updated", user.ID, nil, nil)
	})
	if err != nil {
		return "", err
	}
	token, _, err = a.PortalLogin(ctx, actor.TenantID, user.ID, "", ip, userAgent)
	return token, err
}
