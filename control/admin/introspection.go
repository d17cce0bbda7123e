package admin

import (
	"context"

	"portcullis/control"
)

// ProtectedWorkspace is the workspace whose tokens a gateway's client may ask about: the one that its gateway protects.
func (a *Admin) ProtectedWorkspace(ctx context.Context, actor control.Actor) (string, error) {
	if err := a.allow(actor, "ProtectedWorkspace", ""); err != nil {
		return "", err
	}
	s, err := a.state(ctx, actor)
	return s.WorkspaceID, err
}
