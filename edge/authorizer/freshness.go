package authorizer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"portcullis/edge/acp"
	"portcullis/edge/token"
	"portcullis/edge/waist"
)

// How long an invocation may wait for the control plane. The first wait is longer, since without a configuration there
// is nothing to answer but a deny.
const (
	refreshTimeout = 2 * time.Second
	firstTimeout   = 6 * time.Second
	retryFirst     = time.Second // pause between tries while there is no configuration
)

// freshness holds the configuration in use and knows its age. A frozen environment runs no timers, so age is looked at
// on every invocation; nothing here runs by itself.
type freshness struct {
	fetch        func(context.Context, acp.Poll) (acp.Fetched, error)
	verify       func(signatures []string, raw []byte) (waist.ConfigurationSignature, error)
	tenant, host string
	interval     time.Duration // how old the configuration may be without asking
	maxStaleness time.Duration // how old it may be when asking fails
	tokens       token.Options
	keep         *Keep // nil: nothing is stored
	now          func() time.Time
	log          *slog.Logger

	mu         sync.Mutex
	snap       *snapshot
	signatures []string  // over snap.raw, the latest; only where it is stored
	checked    time.Time // last time the control plane confirmed snap
	tried      time.Time // last try, successful or not
	err        error     // of the last try
	flight     chan struct{}
}

// age is the time since t by the clock that saw more of it: the monotonic clock may stand still while the environment
// is frozen, the wall clock may be set back.
func age(now, t time.Time) time.Duration {
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)), 0)
}

// current returns the configuration to decide by. Within the interval it is the one in use; past it the control plane
// is asked, once, for as long as refreshTimeout; when that fails the last good one serves until maxStaleness.
func (f *freshness) current(ctx context.Context) (*snapshot, configState) {
	f.mu.Lock()
	snap, due := f.snap, f.due(f.interval)
	// Who has nothing to decide by waits for the question that is under way.
	due = due || f.flight != nil && f.state() != configUsable
	f.mu.Unlock()
	if due {
		limit := refreshTimeout
		if snap == nil {
			limit = firstTimeout
		}
		f.refresh(ctx, limit)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.snap, f.state()
}

// state judges the snapshot in use; mu is held.
func (f *freshness) state() configState {
	switch {
	case f.snap == nil:
		return configNone
	case age(f.now(), f.checked) > f.maxStaleness:
		return configStale
	}
	return configUsable
}

// due reports whether the configuration is older than limit and the last try is long enough ago; mu is held.
func (f *freshness) due(limit time.Duration) bool {
	now := f.now()
	if f.snap == nil {
		return f.tried.IsZero() || age(now, f.tried) >= retryFirst
	}
	return age(now, f.checked) >= limit && (age(now, f.tried) >= limit || f.checked.Equal(f.tried))
}

// refreshEarly renews the configuration after an answer when it has lived half its interval, so that steady traffic
// never waits for it.
//
// The environment takes no event meanwhile: Lambda starts another one, which has no configuration yet. So it does not
// wait long, and while the control plane takes questions without answering them it does not ask here at all; the next
// request that finds the interval over does, once per interval.
func (f *freshness) refreshEarly(ctx context.Context) {
	f.mu.Lock()
	due := f.due(f.interval/2) && !errors.Is(f.err, context.DeadlineExceeded)
	f.mu.Unlock()
	if due {
		f.refresh(ctx, refreshTimeout)
	}
}

// refresh asks the control plane once. Callers that come while a question is under way wait for its answer instead of
// asking again. The result is in the fields; the error is returned for those who want it.
func (f *freshness) refresh(ctx context.Context, limit time.Duration) error {
	_, err := f.question(ctx, limit, false)
	return err
}

// refreshSigned is refresh for who stores the configuration afterwards: the control plane is to vouch for it anew, though
// it may not have changed.
func (f *freshness) refreshSigned(ctx context.Context, limit time.Duration) error {
	joined, err := f.question(ctx, limit, f.keep != nil)
	if joined && err == nil && f.keep != nil { // the question of somebody else, who asked for no signature
		_, err = f.question(ctx, limit, true)
	}
	return err
}

// question is one question to the control plane, or joined, the one that is under way.
func (f *freshness) question(ctx context.Context, limit time.Duration, sign bool) (joined bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	f.mu.Lock()
	if flight := f.flight; flight != nil {
		f.mu.Unlock()
		select {
		case <-flight:
			f.mu.Lock()
			defer f.mu.Unlock()
			return true, f.err
		case <-ctx.Done():
			return true, ctx.Err()
		}
	}
	flight := make(chan struct{})
	f.flight = flight
	f.tried = f.now()
	before, poll := f.snap, acp.Poll{}
	if before != nil {
		poll = acp.Poll{ETag: before.etag, Revision: before.cfg.Revision, Age: age(f.tried, f.checked), Sign: sign}
	}
	usable := f.state() == configUsable
	f.mu.Unlock()

	next, signatures, err := f.ask(ctx, poll, before, usable)
	var confirmed time.Time
	if err == nil {
		confirmed = f.now()
	} else if f.keep != nil && !usable {
		k := f.fallBack(before)
		next, signatures, confirmed = k.snap, k.signatures, k.confirmed
	}

	f.mu.Lock()
	f.err = err
	if next != nil {
		if f.keep != nil && (len(signatures) > 0 || next != f.snap) {
			f.signatures = signatures
		}
		f.snap, f.checked = next, confirmed
	}
	if f.tried = f.now(); err == nil { // a try that failed counts from its end: it may have taken longer than the interval
		f.tried = confirmed
	}
	f.flight = nil
	f.mu.Unlock()
	close(flight)
	if err != nil {
		f.log.Warn("the configuration could not be refreshed", "error", err.Error(), "has_last_good", before != nil)
	}
	return false, err
}

// fallBack loads the stored configuration when the control plane gave none and the one in use, if any, is too old. It
// has time of its own: the question to the control plane may have used up the caller's.
func (f *freshness) fallBack(before *snapshot) (k kept) {
	defer func() {
		if p := recover(); p != nil {
			f.log.Error("the stored configuration could not be prepared", "panic", panicText(p))
			k = kept{}
		}
	}()
	k, err := f.load(context.Background(), before)
	if err != nil {
		f.log.Warn("the stored configuration is of no use", "error", err.Error())
		return kept{}
	}
	f.log.Warn("the stored configuration is used, because the control plane gave none", "revision", k.snap.cfg.Revision, "confirmed", k.confirmed)
	return k
}

// ask fetches and prepares. It returns before itself when the control plane says that nothing changed, and the signatures
// over the snapshot where there are new ones. A signature that does not fit makes the answer garbage; that there is none
// does not, since not every control plane signs.
func (f *freshness) ask(ctx context.Context, poll acp.Poll, before *snapshot, usable bool) (s *snapshot, signatures []string, err error) {
	defer func() {
		if p := recover(); p != nil { // a configuration that our own code cannot digest must not stop the answers
			s, err = nil, fmt.Errorf("preparing the configuration failed: %v", p)
		}
	}()
	got, err := f.fetch(ctx, poll)
	switch {
	case err != nil:
		return nil, nil, err
	case got.NotModified && before != nil:
		if before.raw == nil { // not stored: nobody asked for a signature
			return before, nil, nil
		}
		got.Raw, got.Configuration = before.raw, before.cfg
	case got.Configuration == nil:
		return nil, nil, errors.New("the control plane sent no configuration")
	}
	if err := acceptable(got, f.tenant, before, usable); err != nil {
		return nil, nil, fmt.Errorf("the configuration that was fetched is refused: %w", err)
	}
	if len(got.Signatures) > 0 {
		signed, err := f.verify(got.Signatures, got.Raw)
		if err == nil {
			err = speaksOf(signed, got.Configuration)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("the configuration that was fetched is refused: %w", err)
		}
	}
	if got.NotModified {
		return before, got.Signatures, nil
	}
	s, problems := prepare(got.Configuration, got.ETag, f.host, f.tokens, before)
	if f.keep != nil {
		s.raw = got.Raw
	}
	for _, p := range problems {
		f.log.Warn("part of the configuration is unusable", "error", p.Error(), "revision", got.Configuration.Revision)
	}
	f.log.Info("configuration loaded", "revision", got.Configuration.Revision, "apis", len(got.Configuration.APIs),
		"policies", len(got.Configuration.Policies), "services", len(got.Configuration.Services))
	return s, got.Signatures, nil
}
