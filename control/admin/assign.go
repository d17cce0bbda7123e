package admin

import (
	"context"
	"errors"

	"portcullis/control"
	"portcullis/control/store"
)

// maxAssign bounds what one call of AssignPolicy changes.
const maxAssign = 1000

// AssignPolicy assigns one policy (empty: none) to several APIs of a workspace in one transaction: all of them or, when
// one is not there or cannot take it, none. It answers how many it changed; those that had the policy already are left
// alone and not audited. Authorizers see one new revision.
func (a *Admin) AssignPolicy(ctx context.Context, actor control.Actor, wid string, apis []string, policy string) (changed int, err error) {
	if err := a.allow(actor, "AssignPolicy", wid); err != nil {
		return 0, err
	}
	if len(apis) == 0 || len(apis) > maxAssign {
		return 0, control.Errorf(control.Invalid, "invalid_assignment", "name 1 to %d APIs; %d were named", maxAssign, len(apis))
	}
	err = a.change(ctx, actor, wid, func(c *change) error {
		if err := c.policyFits(ctx, "assignment", "policy_id", policy); err != nil {
			return err
		}
		for _, id := range apis {
			old, err := c.API(ctx, actor.TenantID, id)
			if err == nil && old.ServerID != wid {
				err = store.ErrNotFound
			}
			if errors.Is(err, store.ErrNotFound) {
				return control.Errorf(control.NotFound, "not_found", "there is no API %q in this workspace; nothing was changed", id)
			}
			if err != nil {
				return err
			}
			if old.PolicyID == policy {
				continue
			}
			if !old.CanHavePolicy {
				return control.Errorf(control.Malformed, "policy_declared", "the policy of %s %s is assigned in its specification and cannot be changed here; nothing was changed", old.Method, old.Path)
			}
			next := old
			next.PolicyID = policy
			if err := c.SetAPI(ctx, next); err != nil {
				return err
			}
			if err := c.audit(ctx, "gateway_policy", "updated", id, old.API, next.API); err != nil {
				return err
			}
			changed++
		}
		c.revise = changed > 0
		return nil
	})
	if err != nil {
		return 0, err
	}
	return changed, nil
}
