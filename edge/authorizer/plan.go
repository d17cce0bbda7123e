package authorizer

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// plan answers {"portcullis":"plan","format":…}: what attaching would do, as commands or as code. It reads the account and
// the configuration, and changes and sends nothing.
func (a *Authorizer) plan(ctx context.Context, format string) []byte {
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, left-min(syncMargin, left/5))
		defer cancel()
	}
	var out struct {
		Format   string   `json:"format"`
		Plan     string   `json:"plan"`
		Notes    []string `json:"notes,omitempty"`
		Problems []string `json:"problems,omitempty"`
	}
	out.Format = format
	if err := func() error {
		s := a.o.Sync
		if s == nil || s.Plan == nil || s.Discover == nil {
			return errors.New("this authorizer makes no plans")
		}
		found, err := s.Discover(ctx)
		out.Problems = append(out.Problems, found.Problems...)
		if err != nil {
			return err
		}
		if !found.Complete {
			return errors.New("the account is not read completely yet; ask again")
		}
		if err := a.fresh.refresh(ctx, firstTimeout); err != nil {
			return err
		}
		a.fresh.mu.Lock()
		snap, state := a.fresh.snap, a.fresh.state()
		a.fresh.mu.Unlock()
		if state != configUsable {
			return errors.New("there is no usable configuration")
		}
		out.Plan, out.Notes, err = s.Plan(ctx, a.wanted(ctx, snap), format)
		return err
	}(); err != nil {
		out.Problems = append(out.Problems, err.Error())
	}
	b, err := json.Marshal(out)
	if err != nil {
		return []byte(`{}`)
	}
	return b
}
