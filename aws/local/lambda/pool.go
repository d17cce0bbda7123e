package lambda

import (
	"net/http"
	"slices"
	"time"

	"portcullis/aws/local/wire"
)

// credentialMargin is how long an environment's credentials must still be good for it to be used again.
const credentialMargin = 15 * time.Minute

func throttled(reason string) error {
	return &wire.Error{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Rate Exceeded.", Fields: map[string]any{"Reason": reason, "Type": "User"}}
}

// acquire takes a frozen environment of the revision, or starts one, within the limits of the function, the account and
// this machine. It adds one to s.wg for the invocation that follows.
func (s *Service) acquire(rev *revision) (*environment, error) {
	f := rev.fn
	s.awaitSettling(f)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, failure(503, "ServiceUnavailableException", "the local AWS is shutting down")
	}
	if f.reserved != nil && f.busy >= *f.reserved {
		s.mu.Unlock()
		return nil, throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
	}
	var stale []*environment
	var e *environment
	for i := len(f.idle) - 1; i >= 0 && e == nil; i-- {
		candidate := f.idle[i]
		if candidate.rev != rev {
			continue
		}
		f.idle = slices.Delete(f.idle, i, i+1)
		if candidate.gone() || candidate.creds.Expires.Sub(s.now()) < credentialMargin {
			stale = append(stale, candidate)
			continue
		}
		e = candidate
	}
	evicted, ok := (*environment)(nil), true
	if e == nil && len(s.envs)+s.starting-len(stale) >= s.o.MaxEnvironments {
		evicted, ok = s.evict()
	}
	if !ok {
		s.mu.Unlock()
		s.end(stale...)
		return nil, throttled("ConcurrentInvocationLimitExceeded")
	}
	f.busy++
	s.wg.Add(1)
	fresh := e == nil
	if fresh {
		rev.code.refs++ // the environment's
		s.starting++
	}
	s.mu.Unlock()
	s.end(stale...)
	if evicted != nil {
		s.end(evicted)
	}
	if fresh {
		e = s.begin(rev)
	}
	return e, nil
}

// settleTime is how long an invocation waits for an environment that has just answered another one and is about to
// become free. A caller that sends one request after the other is served by one environment then, as it is at AWS,
// where the way to the caller and back takes longer than a runtime's way to its next call.
const settleTime = 100 * time.Millisecond

// markSettling notes that an environment has answered and has no extension that works on after the answer.
func (s *Service) markSettling(e *environment) bool {
	e.mu.Lock()
	for _, x := range e.extensions {
		if x.invoke {
			e.mu.Unlock()
			return false
		}
	}
	e.mu.Unlock()
	s.mu.Lock()
	e.rev.fn.settling++
	s.mu.Unlock()
	return true
}

// awaitSettling waits until every environment that was settling has been put back, or settleTime.
func (s *Service) awaitSettling(f *function) {
	limit := time.NewTimer(settleTime)
	defer limit.Stop()
	for {
		s.mu.Lock()
		free, returned := len(f.idle) > 0 || f.settling == 0 || s.closed, f.returned
		s.mu.Unlock()
		if free {
			return
		}
		select {
		case <-returned:
		case <-limit.C:
			return
		}
	}
}

// begin starts an environment that has been counted: its reference to the code, and among those starting.
func (s *Service) begin(rev *revision) *environment {
	e := s.start(rev)
	s.mu.Lock()
	s.starting--
	s.envs[e] = true
	closed := s.closed
	s.mu.Unlock()
	if closed {
		e.shutdown()
	}
	return e
}

// restart replaces an environment whose init failed.
func (s *Service) restart(e *environment) *environment {
	s.mu.Lock()
	e.rev.code.refs++
	s.starting++
	s.mu.Unlock()
	e.shutdown()
	return s.begin(e.rev)
}

// evict takes the longest idle environment of any function out of its pool; the caller holds mu and ends it.
func (s *Service) evict() (*environment, bool) {
	var owner *function
	for _, f := range s.functions {
		if len(f.idle) > 0 && (owner == nil || len(f.idle) > len(owner.idle)) {
			owner = f
		}
	}
	if owner == nil {
		return nil, false
	}
	e := owner.idle[0]
	owner.idle = slices.Delete(owner.idle, 0, 1)
	return e, true
}

// putBack returns an environment after an invocation: frozen into the pool, or to its end when it is no longer usable.
func (s *Service) putBack(e *environment, reusable, settling bool) {
	if reusable {
		e.freeze()
	}
	f := e.rev.fn
	cold := s.o.ColdStarts != nil && s.o.ColdStarts()
	s.mu.Lock()
	f.busy--
	if settling {
		f.settling--
	}
	keep := reusable && !cold && !s.closed && !e.gone() && s.functions[f.key()] == f && f.current(e.rev)
	if keep {
		f.idle = append(f.idle, e)
	}
	close(f.returned)
	f.returned = make(chan struct{})
	s.mu.Unlock()
	if !keep {
		e.shutdown()
	}
}

// current says whether invocations can still reach the revision.
func (f *function) current(r *revision) bool {
	return r == f.latest || f.versions[r.config.Version] == r
}

// gone says whether the process has ended.
func (e *environment) gone() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.exited || e.stopping
}

// retire ends the idle environments of a function; busy ones end when they are put back. The caller holds mu.
func (s *Service) retire(f *function) {
	s.endLater(f.idle)
	f.idle = nil
}

// retireRevision ends the idle environments of one revision. The caller holds mu.
func (s *Service) retireRevision(f *function, r *revision) {
	var old []*environment
	f.idle = slices.DeleteFunc(f.idle, func(e *environment) bool {
		if e.rev == r {
			old = append(old, e)
		}
		return e.rev == r
	})
	s.endLater(old)
}

func (s *Service) endLater(envs []*environment) {
	envs = slices.Clone(envs)
	if len(envs) == 0 || s.closed {
		return // Close ends what is left
	}
	s.wg.Go(func() { s.end(envs...) })
}

func (s *Service) end(envs ...*environment) {
	for _, e := range envs {
		e.shutdown()
	}
}

func (s *Service) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
