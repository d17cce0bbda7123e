package lambda

import (
	"context"
	"time"

	"portcullis/aws/local/wire"
)

// enqueue accepts an asynchronous invocation. A function error or a throttle is tried again after the configured
// delays; then the event is dropped, which is logged. The qualifier is resolved at each attempt, as an alias may move.
func (s *Service) enqueue(t target, partition, id string, payload []byte, clientContext string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return failure(503, "ServiceUnavailableException", "the local AWS is shutting down")
	}
	select {
	case s.queue <- struct{}{}:
	default:
		return throttled("CallerRateLimitExceeded")
	}
	first := &attempt{done: make(chan struct{})}
	s.attempts[id] = first
	if s.attemptIDs = append(s.attemptIDs, id); len(s.attemptIDs) > maxAttempts {
		delete(s.attempts, s.attemptIDs[0])
		s.attemptIDs = s.attemptIDs[1:]
	}
	s.wg.Go(func() {
		defer func() { <-s.queue }()
		s.attempt(t, partition, id, payload, clientContext, first)
	})
	return nil
}

// maxAttempts is how many asynchronous invocations are remembered.
const maxAttempts = 2 * asyncLimit

// attempt is the first try of an asynchronous invocation, for those who want to wait for it.
type attempt struct {
	done chan struct{}
	out  outcome
	err  error
}

// FirstAttempt waits until the first attempt of an asynchronous invocation has ended and returns what the function
// answered. It is for the management API; the Lambda API has no such thing. ok is false for an invocation that is not
// remembered: the last maxAttempts are.
func (s *Service) FirstAttempt(ctx context.Context, requestID string) (res wire.InvokeResult, ok bool, err error) {
	s.mu.Lock()
	a := s.attempts[requestID]
	s.mu.Unlock()
	if a == nil {
		return wire.InvokeResult{}, false, nil
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		return wire.InvokeResult{}, true, ctx.Err()
	}
	res = wire.InvokeResult{RequestID: requestID, Payload: a.out.payload}
	if a.out.failed {
		res.FunctionError = "Unhandled"
	}
	return res, true, a.err
}

func (s *Service) attempt(t target, partition, id string, payload []byte, clientContext string, first *attempt) {
	for try := 0; ; try++ {
		s.mu.Lock()
		rev, err := s.revisionFor(t, partition)
		s.mu.Unlock()
		var out outcome
		if err == nil {
			out, err = s.run(context.WithoutCancel(s.ctx), rev, t.qualified(partition), id, payload, clientContext, false)
		}
		if try == 0 {
			first.out, first.err = out, err
			close(first.done)
		}
		if err == nil && !out.failed {
			return
		}
		if try >= len(s.o.RetryDelays) {
			s.log.Warn("an asynchronous event was dropped after its last attempt", "function", t.qualified(partition), "request", id, "attempts", try+1, "error", err)
			return
		}
		timer := time.NewTimer(s.o.RetryDelays[try])
		select {
		case <-timer.C:
		case <-s.ctx.Done():
			timer.Stop()
			return
		}
	}
}
