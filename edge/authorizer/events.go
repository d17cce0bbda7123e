package authorizer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"portcullis/edge/waist"
)

// Bounds of the queue of request events.
const (
	maxQueuedEvents = 2000
	maxQueuedBytes  = 4 << 20
	flushEvery      = time.Second // on average
	flushBurst      = 5           // in a row behind answers: what a few requests by hand did is shown at once, not with the next one
	flushTimeout    = 5 * time.Second
	batchPause      = 200 * time.Millisecond // between two pushes of one flush: five a second at most
)

// queue holds request events until they can be sent after an answer. It never blocks a decision: what does not fit is
// dropped and counted.
type queue struct {
	push func(context.Context, waist.RequestEvents) (waist.RequestEventsResult, error)
	now  func() time.Time
	log  *slog.Logger

	mu      sync.Mutex
	events  []waist.RequestEvent
	bytes   int
	dropped int64     // not yet reported to the control plane
	total   int64     // dropped since the start
	logged  int64     // of total, those that the log has
	paid    time.Time // until when flushes have used up their share of time, one flushEvery each
	failed  time.Time // last push that failed; zero when the last one went well

	second time.Time // the second that inSecond counts
	inSec  int

	flushing sync.Mutex
}

// add queues an event within the limits: perSecond (0 means no limit), number and bytes.
func (q *queue) add(e waist.RequestEvent, perSecond int) {
	size := eventSize(&e)
	now := q.now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if s := now.Truncate(time.Second); !s.Equal(q.second) {
		q.second, q.inSec = s, 0
	}
	if perSecond > 0 && q.inSec >= perSecond || len(q.events) >= maxQueuedEvents || q.bytes+size > maxQueuedBytes {
		q.dropped++
		q.total++
		return
	}
	q.inSec++
	q.events = append(q.events, e)
	q.bytes += size
}

// eventSize is the size on the wire, near enough.
func eventSize(e *waist.RequestEvent) int {
	n := 400 + len(e.UserAgent) + len(e.XForwardedFor) + len(e.Path)
	for k, v := range e.Output {
		n += len(k) + len(v)
	}
	for k, v := range e.InvocationCtx {
		n += len(k) + valueSize(v)
	}
	for _, f := range e.Result.Failure {
		n += len(f.Validator) + len(f.Message) + len(f.Details)
	}
	return n
}

// valueSize estimates a claim's JSON text.
func valueSize(v any) int {
	switch v := v.(type) {
	case string:
		return len(v) + 6
	case []any:
		n := 2
		for _, x := range v {
			n += valueSize(x)
		}
		return n
	case map[string]any:
		n := 2
		for k, x := range v {
			n += len(k) + 4 + valueSize(x)
		}
		return n
	}
	return 20
}

// due reports whether there is something to send and not more than burst flushes have begun faster than one in flushEvery.
func (q *queue) due(burst int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	if len(q.events) == 0 { // drops go with the next events: what was dropped was not the only one
		return false
	}
	if !q.failed.IsZero() && age(now, q.failed) < 5*flushEvery {
		return false
	}
	ahead := q.paid.Sub(now)
	return ahead <= time.Duration(burst-1)*flushEvery || ahead > flushBurst*flushEvery // the clock was set back
}

// flush sends what is queued, in batches, until it is empty, the context ends, or a push fails. A batch that failed goes
// back to the front of the queue. One flush runs at a time; a second caller returns at once.
func (q *queue) flush(ctx context.Context) {
	if !q.flushing.TryLock() {
		return
	}
	defer q.flushing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	q.mu.Lock()
	if now := q.now(); q.paid.Before(now) || q.paid.Sub(now) > flushBurst*flushEvery {
		q.paid = now
	}
	q.paid = q.paid.Add(flushEvery)
	q.mu.Unlock()
	for first := true; ; first = false {
		q.mu.Lock()
		n := min(len(q.events), waist.MaxEventsPerPush)
		batch := append([]waist.RequestEvent(nil), q.events[:n]...)
		dropped, total, fresh := q.dropped, q.total, q.total-q.logged
		q.logged = q.total
		q.mu.Unlock()
		if fresh > 0 {
			q.log.Warn("request events were dropped", "dropped", fresh, "dropped_total", total)
		}
		if n == 0 {
			return
		}
		if !first && !wait(ctx, batchPause) {
			return
		}
		_, err := q.push(ctx, waist.RequestEvents{Events: batch, Dropped: dropped})
		q.mu.Lock()
		if err != nil {
			q.failed = q.now()
			q.mu.Unlock()
			q.log.Warn("request events could not be sent", "error", err.Error(), "queued", n)
			return
		}
		q.failed = time.Time{}
		q.dropped -= dropped
		for i := range q.events[:n] {
			q.bytes -= eventSize(&q.events[i])
		}
		q.events = append(q.events[:0], q.events[n:]...)
		q.mu.Unlock()
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
