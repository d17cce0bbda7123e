package admin

import (
	"context"
	"fmt"

	"portcullis/control"
)

// ListPolicyExecutionPoints lists where policies of a workspace are asked: the APIs that have one, by service and position.
func (a *Admin) ListPolicyExecutionPoints(ctx context.Context, actor control.Actor, wid string) ([]control.PolicyExecutionPoint, error) {
	if err := a.allow(actor, "ListPolicyExecutionPoints", wid); err != nil {
		return nil, err
	}
	if _, err := a.store.Workspace(ctx, actor.TenantID, wid); err != nil {
		return nil, notFound(err, "workspace", wid)
	}
	all, err := a.store.APIs(ctx, actor.TenantID, wid)
	out := []control.PolicyExecutionPoint{}
	for _, x := range present(all) {
		if x.PolicyID != "" {
			out = append(out, control.PolicyExecutionPoint{TenantID: x.TenantID, WorkspaceID: x.ServerID, Type: control.PointAPI, Target: x.ID, PolicyID: x.PolicyID})
		}
	}
	return out, internal(err)
}

// maxPoints bounds one assignment.
const maxPoints = 10_000

// SetPolicyExecutionPoints assigns policies to APIs of a workspace, all or none. An API that is not among the points keeps
// what it has, so that a list that was cut short opens nothing; an empty policy opens an API.
func (a *Admin) SetPolicyExecutionPoints(ctx context.Context, actor control.Actor, wid string, points []control.PolicyExecutionPoint) error {
	if err := a.allow(actor, "SetPolicyExecutionPoints", wid); err != nil {
		return err
	}
	if len(points) > maxPoints {
		return control.Errorf(control.Invalid, "", "%d execution points in one request; at most %d", len(points), maxPoints)
	}
	return a.change(ctx, actor, wid, func(c *change) error {
		var check control.Checks
		seen := map[string]bool{}
		for i, p := range points {
			at := fmt.Sprintf("execution_points[%d].", i)
			switch {
			case p.Type != control.PointAPI:
				check.Add(at+"type", "must be api: this server asks policies at APIs only")
				continue
			case p.TenantID != "" && p.TenantID != actor.TenantID:
				check.Add(at+"tenant_id", "differs from the path")
			case p.WorkspaceID != "" && p.WorkspaceID != wid:
				check.Add(at+"server_id", "differs from the path")
			case seen[p.Target]:
				check.Add(at+"target_fk", "comes twice")
			}
			seen[p.Target] = true
			old, err := c.API(ctx, actor.TenantID, p.Target)
			if notFoundOnly(err) != nil {
				return err
			}
			if err != nil || old.ServerID != wid {
				check.Add(at+"target_fk", "names no API of this workspace")
				continue
			}
			if err := c.policyFits(ctx, "execution points", at+"policy_id", p.PolicyID); err != nil {
				if control.KindOf(err) != control.Invalid {
					return err
				}
				check.Add(at+"policy_id", "names no policy of this workspace that an API takes")
				continue
			}
			if old.PolicyID == p.PolicyID {
				continue
			}
			if !old.CanHavePolicy {
				check.Add(at+"target_fk", "names an API whose policy is assigned in its specification")
				continue
			}
			x := old
			x.PolicyID = p.PolicyID
			c.revise = true
			if err := c.SetAPI(ctx, x); err != nil {
				return err
			}
			if err := c.audit(ctx, "gateway_policy", "updated", x.ID, old.API, x.API); err != nil {
				return err
			}
		}
		return check.Err("execution points")
	})
}
