package admin

import (
	"context"
	"encoding/json"
	"errors"

	"portcullis/control"
	"portcullis/control/store"
)

// Identity is who another provider says a user is, from a verified ID token.
type Identity struct {
	IDP            control.IDP
	Subject        string
	Claims         map[string]json.RawMessage // of the ID token, and of userinfo where that was asked
	Authentication control.Authentication
}

// LoginExternal starts a session at the issuer of a provider's workspace for a user whom that provider vouches for, and
// returns its token. The user is made at the first log-in and brought up to date with each: name, attributes, and, where
// the provider has rules for them, roles. Whoever calls it has verified the ID token.
func (a *Admin) LoginExternal(ctx context.Context, id Identity, ip, userAgent string) (string, control.Session, error) {
	var user control.User
	prepare := func(c *change) error {
		p, err := c.IDP(ctx, id.IDP.TenantID, id.IDP.WorkspaceID, id.IDP.ID)
		if err != nil || p.Disabled || p.OIDC == nil {
			return control.Errorf(control.Unauthenticated, "login_failed", "the identity provider was removed or switched off meanwhile")
		}
		old, _, err := c.UserOf(ctx, p.TenantID, p.WorkspaceID, p.ID, id.Subject)
		known := err == nil
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		user = old
		if !known {
			user = control.User{ID: store.NewID(), TenantID: p.TenantID, WorkspaceID: p.WorkspaceID, IDPID: p.ID, Subject: id.Subject, CreatedAt: c.at()}
		}
		take(&user, *p.OIDC, id.Claims)
		user.LoginAt = c.at()
		if err := user.Validate(); err != nil {
			return err
		}
		c.workspace = p.WorkspaceID
		if !known {
			if err := c.AddUser(ctx, user, ""); err != nil {
				return err
			}
			return c.audit(ctx, "user", "created", user.ID, nil, user)
		}
		if err := c.SetUser(ctx, user); err != nil {
			return err
		}
		old.LoginAt = user.LoginAt
		if sameUser(old, user) {
			return nil
		}
		return c.audit(ctx, "user", "updated", user.ID, old, user)
	}
	// The user first, in a change of its own: one who is then refused for want of a role is there for an administrator to see.
	actor := control.Actor{Kind: control.OperatorActor, ID: id.IDP.ID, Name: id.IDP.Name, TenantID: id.IDP.TenantID, IP: ip, UserAgent: userAgent}
	for try := 0; ; try++ {
		err := a.change(ctx, actor, "", prepare)
		if errors.Is(err, store.ErrExists) && try == 0 { // the first two log-ins at once
			continue
		}
		if err != nil {
			return "", control.Session{}, err
		}
		break
	}
	if user.Disabled {
		a.loginRejected(ctx, user, ip, userAgent)
		return "", control.Session{}, control.Errorf(control.Forbidden, "user_disabled", "%s is switched off here; an administrator can change that", user.Username)
	}
	if user.WorkspaceID == control.AdminWorkspace && !user.AnyRole() {
		a.loginRejected(ctx, user, ip, userAgent)
		return "", control.Session{}, control.Errorf(control.Forbidden, "no_role", "you are %s at %s, and have no role here. An administrator can give you one; then log in again", user.Username, id.IDP.Name)
	}
	return a.startSession(ctx, store.Session{User: user, Kind: store.IssuerSession, Authentication: id.Authentication, IP: ip, UserAgent: userAgent},
		func(*change) error { return nil })
}

func sameUser(a, b control.User) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}

// take brings a user up to what a provider says.
func take(u *control.User, s control.OIDCSettings, claims map[string]json.RawMessage) {
	mappings := s.Mappings
	if len(mappings) == 0 {
		mappings = control.DefaultMappings()
	}
	u.Username, u.Name, u.Email, u.Attributes = "", "", "", map[string]json.RawMessage{}
	for _, m := range mappings {
		v, ok := control.Claim(claims, m.Source)
		if !ok {
			continue
		}
		own := map[string]*string{"preferred_username": &u.Username, "name": &u.Name, "email": &u.Email}[m.Target]
		if own == nil {
			u.Attributes[m.Target] = v
			continue
		}
		var text string
		if json.Unmarshal(v, &text) == nil {
			*own = cut(printable(text), 200)
		}
	}
	if u.Username == "" {
		u.Username = u.Email
	}
	if u.Username == "" {
		u.Username = cut(printable(u.Subject), 200)
	}
	if len(s.Roles) > 0 {
		u.Role, u.Roles = control.RolesOf(s.Roles, claims)
	}
}
