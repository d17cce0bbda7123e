package authorizer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// planned is the answer to {"portcullis":"plan","format":…}, and the member "plan" of {"portcullis":"self-check","plan":…}.
type planned struct {
	Format   string           `json:"format"`
	Plan     string           `json:"plan"`
	Caching  []plannedCaching `json:"caching,omitempty"`
	Notes    []string         `json:"notes,omitempty"`
	Problems []string         `json:"problems,omitempty"`
}

// plannedCaching says what API Gateway may keep of a bound group's answers, whether or not AWS_AUTHORIZER_TTL lets it.
type plannedCaching struct {
	APIGroup string `json:"api_group"`
	Key      string `json:"key"` // "none", "request" (the token and what is asked for), "token"
	Why      string `json:"why"`
}

var cacheKeyNames = map[CacheKey]string{CacheNothing: "none", CacheRequest: "request", CacheToken: "token"}

// plan answers {"portcullis":"plan","format":…}: what attaching would do, as commands or as code. It reads the account and
// the configuration, and changes and sends nothing.
func (a *Authorizer) plan(ctx context.Context, format string) []byte {
	b, err := json.Marshal(a.planIn(ctx, format))
	if err != nil {
		return []byte(`{}`)
	}
	return b
}

func (a *Authorizer) planIn(ctx context.Context, format string) planned {
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, left-min(syncMargin, left/5))
		defer cancel()
	}
	out := planned{Format: format}
	if err := a.fillPlan(ctx, &out); err != nil {
		out.Problems = append(out.Problems, err.Error())
	}
	out.Problems, out.Notes = firstOf(out.Problems), firstOf(out.Notes)
	return out
}

func (a *Authorizer) fillPlan(ctx context.Context, out *planned) error {
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
	want := a.wanted(ctx, snap)
	if want.Caching == nil { // nothing is kept; the plan says what could be
		want.Caching = a.caching(ctx, snap)
	}
	for id, c := range want.Caching {
		out.Caching = append(out.Caching, plannedCaching{APIGroup: id, Key: cacheKeyNames[c.Key], Why: c.Why})
	}
	slices.SortFunc(out.Caching, func(x, y plannedCaching) int { return cmp.Compare(x.APIGroup, y.APIGroup) })
	out.Plan, out.Notes, err = s.Plan(ctx, want, out.Format)
	return err
}
