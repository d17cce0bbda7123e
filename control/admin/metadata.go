package admin

import (
	"context"
	"encoding/json"

	"portcullis/control"
)

// maxMetadata bounds what may be noted about a workspace, in bytes of JSON.
const maxMetadata = 64 << 10

// WorkspaceMetadata is the JSON object that was noted about a workspace; {} when nothing was.
func (a *Admin) WorkspaceMetadata(ctx context.Context, actor control.Actor, wid string) (json.RawMessage, error) {
	if err := a.allow(actor, "WorkspaceMetadata", wid); err != nil {
		return nil, err
	}
	text, err := a.store.WorkspaceMetadata(ctx, actor.TenantID, wid)
	return json.RawMessage(text), notFound(err, "workspace", wid)
}

// SetWorkspaceMetadata notes a JSON object about a workspace in place of what was noted before. Nothing here reads it.
func (a *Admin) SetWorkspaceMetadata(ctx context.Context, actor control.Actor, wid string, metadata json.RawMessage) error {
	if err := a.allow(actor, "SetWorkspaceMetadata", wid); err != nil {
		return err
	}
	var check control.Checks
	var object map[string]any
	if len(metadata) > maxMetadata {
		check.Add("metadata", "must be at most 64 KiB")
	} else if err := json.Unmarshal(metadata, &object); err != nil || object == nil {
		check.Add("metadata", "must be a JSON object")
	}
	if err := check.Err("workspace"); err != nil {
		return err
	}
	canonical, err := json.Marshal(object)
	if err != nil {
		return internal(err)
	}
	return a.change(ctx, actor, wid, func(c *change) error {
		old, err := c.WorkspaceMetadata(ctx, actor.TenantID, wid)
		if err != nil {
			return err
		}
		if err := c.SetWorkspaceMetadata(ctx, actor.TenantID, wid, string(canonical)); err != nil {
			return err
		}
		return c.audit(ctx, "server", "updated", wid, map[string]any{"metadata": json.RawMessage(old)}, map[string]any{"metadata": json.RawMessage(canonical)})
	})
}
