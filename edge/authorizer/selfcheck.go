package authorizer

import (
	"context"
	"encoding/json"
	"time"
)

// selfCheck answers {"portcullis":"self-check"}: what is configured, whether the control plane answers, how old the
// configuration is, and how the last synchronisation in this environment went; and, in the format that is named, the plan.
// No secret and no token is in it.
func (a *Authorizer) selfCheck(ctx context.Context, planFormat string) []byte {
	started := time.Now()
	err := a.fresh.refresh(ctx, firstTimeout)
	took := time.Since(started)
	a.fresh.mu.Lock()
	snap, state, checked := a.fresh.snap, a.fresh.state(), a.fresh.checked
	a.fresh.mu.Unlock()
	out := map[string]any{
		"control_plane": map[string]any{"reachable": err == nil, "host": a.o.Client.Host(), "tenant": a.o.Client.Tenant(), "ms": took.Milliseconds()},
		"settings": map[string]any{
			"refresh_interval": a.o.RefreshInterval.String(), "max_staleness": a.o.MaxStaleness.String(),
			"allow_unknown": a.o.AllowUnknown, "inject_context": a.o.InjectContext, "analytics": !a.o.NoAnalytics,
			"stores_configuration": a.o.Keep != nil, "answers_kept": a.o.Caching,
			"discovers": a.o.Sync != nil && a.o.Sync.Discover != nil, "attaches": a.o.Sync != nil && a.o.Sync.Attach != nil,
		},
		"state": map[configState]string{configNone: "none", configStale: "stale", configUsable: "usable"}[state],
	}
	if err != nil {
		out["problem"] = err.Error()
	}
	if snap != nil {
		out["configuration"] = map[string]any{"revision": snap.cfg.Revision, "age_seconds": int64(age(a.now(), checked) / time.Second),
			"services": len(snap.cfg.Services), "apis": len(snap.cfg.APIs), "policies": len(snap.cfg.Policies), "workspace": snap.cfg.ServerID}
	}
	a.syncs.Lock()
	if a.syncs.last != nil { // its problems name the permissions that are missing
		out["last_sync"] = map[string]any{"age_seconds": int64(age(a.now(), a.syncs.at) / time.Second), "report": a.syncs.last}
	}
	a.syncs.Unlock()
	if planFormat != "" {
		out["plan"] = a.planIn(ctx, planFormat)
	}
	b, err := json.Marshal(out)
	if err != nil {
		return []byte(`{}`)
	}
	return b
}
