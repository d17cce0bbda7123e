package admin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store/storetest"
)

func TestLoginAndSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, s, err := w.Login(ctx, "default", "admin", "correct horse battery", "192.0.2.1", "Firefox")
		if err != nil || s.User.Username != "admin" || !s.ExpiresAt.Equal(w.clock.Now().Add(time.Hour)) {
			t.Fatalf("%+v, %v", s, err)
		}
		actor, _, err := w.Session(ctx, token)
		if err != nil || actor.Kind != control.UserActor || actor.Role != control.Admin || actor.TenantID != "default" {
			t.Fatalf("%+v, %v", actor, err)
		}
		// Used every half hour it lives for twelve hours, and not longer.
		for range 23 {
			w.clock.Add(30 * time.Minute)
			if _, _, err := w.Session(ctx, token); err != nil {
				t.Fatalf("after %v: %v", w.clock.Now(), err)
			}
		}
		w.clock.Add(30 * time.Minute)
		_, _, err = w.Session(ctx, token)
		refused(t, err, control.Unauthenticated, "session_over")

		token, _, _ = w.Login(ctx, "default", "admin", "correct horse battery", "192.0.2.1", "Firefox")
		w.clock.Add(time.Hour)
		_, _, err = w.Session(ctx, token)
		refused(t, err, control.Unauthenticated, "session_over")

		token, _, _ = w.Login(ctx, "default", "admin", "correct horse battery", "192.0.2.1", "Firefox")
		if err := errors.Join(w.Logout(ctx, token), w.Logout(ctx, token), w.Logout(ctx, "unknown")); err != nil {
			t.Error(err)
		}
		for _, token := range []string{token, "", "x", strings.Repeat("x", 1000)} {
			_, _, err = w.Session(ctx, token)
			refused(t, err, control.Unauthenticated, "session_over")
		}
	})
}

func TestLoginThrottle(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	try := func(user, password, ip string) error {
		_, _, err := w.Login(ctx, "default", user, password, ip, "")
		return err
	}
	for range 5 {
		refused(t, try("admin", "wrong", "192.0.2.1"), control.Unauthenticated, "login_failed")
	}
	err := try("admin", "correct horse battery", "192.0.2.1")
	refused(t, err, control.TooMany, "too_many_logins")
	var e *control.Error
	if errors.As(err, &e); e.RetryAfter < 1 {
		t.Errorf("%+v", e)
	}
	if err := try("admin", "correct horse battery", "192.0.2.2"); err != nil {
		t.Errorf("from another address: %v", err)
	}
	w.clock.Add(time.Duration(e.RetryAfter) * time.Second)
	refused(t, try("admin", "wrong", "192.0.2.1"), control.Unauthenticated, "login_failed")
	refused(t, try("admin", "wrong", "192.0.2.1"), control.TooMany, "too_many_logins")
	w.clock.Add(15 * time.Minute)
	if err := try("admin", "correct horse battery", "192.0.2.1"); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	// The same answer for a user that does not exist.
	unknown, known := try("nobody", "wrong", "192.0.2.9"), try("admin", "wrong", "192.0.2.9")
	if unknown == nil || known == nil || unknown.Error() != known.Error() {
		t.Errorf("%v, %v", unknown, known)
	}
	for _, user := range []string{"", "a\x00b", strings.Repeat("x", 500), "\xff"} {
		refused(t, try(user, "wrong", "192.0.2.10"), control.Unauthenticated, "login_failed")
	}
}

func TestUsers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := must(w.CreateUser(ctx, w.root, control.User{Username: "joe@example.com", Name: "Joe", Roles: map[string]control.Role{"default": control.Manager}}, "the password of joe"))(t)
		_, err := w.CreateUser(ctx, w.root, control.User{Username: "joe@example.com"}, "the password of joe")
		refused(t, err, control.Conflict, "user_exists")
		_, err = w.CreateUser(ctx, w.root, control.User{Username: "no spaces"}, "the password of joe")
		refused(t, err, control.Invalid, "invalid_user")
		_, err = w.CreateUser(ctx, w.root, control.User{Username: "jim"}, "short")
		refused(t, err, control.Invalid, "invalid_password")

		token, _, err := w.Login(ctx, "default", "joe@example.com", "the password of joe", "192.0.2.1", "")
		if err != nil {
			t.Fatal(err)
		}
		joe, _, err := w.Session(ctx, token)
		if err != nil || joe.RoleIn("default") != control.Manager || joe.RoleIn("admin") != control.NoRole {
			t.Fatalf("%+v, %v", joe, err)
		}
		if list := must(w.ListWorkspaces(ctx, joe))(t); len(list) != 1 || list[0].ID != "default" {
			t.Errorf("%+v", list)
		}
		// A role that is taken away is gone with the next request; a new password ends the sessions.
		u.Roles = nil
		must(w.UpdateUser(ctx, w.root, u))(t)
		if joe, _, _ = w.Session(ctx, token); joe.RoleIn("default") != control.NoRole {
			t.Errorf("%+v", joe)
		}
		if err := w.SetPassword(ctx, w.root, u.ID, "another password of joe"); err != nil {
			t.Fatal(err)
		}
		_, _, err = w.Session(ctx, token)
		refused(t, err, control.Unauthenticated, "session_over")

		all := must(w.ListUsers(ctx, w.root))(t)
		for _, x := range all {
			if x.Username != "admin" {
				continue
			}
			refused(t, w.DeleteUser(ctx, w.root, x.ID), control.Malformed, "last_admin")
			x.Role = control.Manager
			_, err := w.UpdateUser(ctx, w.root, x)
			refused(t, err, control.Malformed, "last_admin")
		}
		if err := w.DeleteUser(ctx, w.root, u.ID); err != nil {
			t.Fatal(err)
		}
		refused(t, w.DeleteUser(ctx, w.root, u.ID), control.NotFound, "not_found")
	})
}

func TestBootstrapOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if !w.boot.Created || w.boot.AdminPassword != "" || w.boot.ClientSecret == "" || w.boot.ClientID != "admin-automation" {
			t.Errorf("%+v", w.boot)
		}
		again, err := w.Bootstrap(ctx, admin.BootstrapOptions{AdminPassword: "another password"})
		if err != nil || again != (admin.BootstrapResult{}) {
			t.Errorf("%+v, %v", again, err)
		}
		must(w.AuthenticateClient(ctx, "default", "admin", w.boot.ClientID, w.boot.ClientSecret))(t)
		a := must(w.ActorForToken(ctx, "default", "admin", w.boot.ClientID, nil))(t)
		if a.Kind != control.ClientActor || a.Role != control.Admin {
			t.Errorf("%+v", a)
		}
		// A client of a regular workspace is nobody here.
		c, _, err := w.CreateClient(ctx, w.root, control.Client{WorkspaceID: "default", Name: "App"}, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, wid := range []string{"default", "admin", "system"} {
			_, err = w.ActorForToken(ctx, "default", wid, c.ID, nil)
			refused(t, err, control.Unauthenticated, "invalid_token")
		}
		if p := must(w.ListPolicies(ctx, w.root, "default", []string{"api"}))(t); len(p) != 4 || p[0].ID != "block_default_api" {
			t.Errorf("%+v", p)
		}
	})
}
