package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"portcullis/control"
	"portcullis/control/store"
)

// change is one write in progress: the transaction, the workspace it locks, and the audit records that go with it.
type change struct {
	*store.Tx
	admin     *Admin
	actor     control.Actor
	workspace string
	revise    bool // an authorizer must see this change
}

// change runs f in a transaction that holds the workspace's lock ("" for changes of the tenant itself), makes the
// revision grow if f asked for it, and drops what this process remembers of the workspace.
func (a *Admin) change(ctx context.Context, actor control.Actor, workspace string, f func(*change) error) error {
	err := a.store.Tx(ctx, func(tx *store.Tx) error {
		c := &change{Tx: tx, admin: a, actor: actor, workspace: workspace}
		if workspace != "" {
			if err := tx.LockWorkspace(ctx, actor.TenantID, workspace); err != nil {
				return notFound(err, "workspace", workspace)
			}
		}
		if err := only(ctx, tx); err != nil {
			return err
		}
		if err := f(c); err != nil {
			return err
		}
		if c.revise {
			if _, err := tx.Revise(ctx, actor.TenantID, workspace, a.now()); err != nil {
				return err
			}
		}
		return nil
	})
	a.cache.forget(actor.TenantID, workspace)
	return internal(err)
}

type onlyKey struct{}

// OnlyIf is a context in which a change is made only if check, which is run in the change's transaction under the lock of
// its workspace, finds nothing against it. What check reads by the Admin with the context that it is given is what the
// change will find; it must change nothing.
func OnlyIf(ctx context.Context, check func(context.Context) error) context.Context {
	return context.WithValue(ctx, onlyKey{}, check)
}

func only(ctx context.Context, tx *store.Tx) error {
	check, ok := ctx.Value(onlyKey{}).(func(context.Context) error)
	if !ok {
		return nil
	}
	return check(tx.Within(ctx))
}

// audit records what was done to what. before and after are nouns without secrets; nil where there is none.
func (c *change) audit(ctx context.Context, subject, action, target string, before, after any) error {
	now := c.admin.now()
	e := control.AuditEvent{ID: store.NewTimeID(now), TenantID: c.actor.TenantID, WorkspaceID: c.workspace, Subject: subject, Action: action,
		TargetID: target, ActorKind: c.actor.Kind, ActorID: c.actor.ID, ActorName: printable(c.actor.Name), IP: cut(printable(c.actor.IP), 100), UserAgent: cut(printable(c.actor.UserAgent), 500),
		Timestamp: now}
	var err error
	if e.Before, err = auditJSON(before); err != nil {
		return err
	}
	if e.After, err = auditJSON(after); err != nil {
		return err
	}
	return c.Audit(ctx, e)
}

func auditJSON(v any) ([]byte, error) {
	if v == nil {
		return nil, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return b, nil
}

// cut shortens s to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// notFound turns the store's "not found" into a reply about a noun and leaves other errors alone.
func notFound(err error, noun, id string) error {
	if errors.Is(err, store.ErrNotFound) {
		return control.Errorf(control.NotFound, "not_found", "there is no %s %q", noun, id)
	}
	return internal(err)
}

// exists turns the store's "exists" into a reply.
func exists(err error, code, format string, args ...any) error {
	if errors.Is(err, store.ErrExists) {
		return control.Errorf(control.Conflict, code, format, args...)
	}
	return err
}

// internal leaves errors that a caller can act on and says of others where they came from.
func internal(err error) error {
	if errors.Is(err, store.ErrClaimLost) {
		return requestUnderWay()
	}
	var e *control.Error
	if err == nil || errors.As(err, &e) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("admin: %w", err)
}

// notFoundOnly is nil for the store's "not found" and err otherwise.
func notFoundOnly(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
