package analytics

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"portcullis/control"
	"portcullis/control/store"
)

// Options are what Analytics needs; Store is required.
type Options struct {
	Store     *store.Store
	Now       func() time.Time // nil means time.Now
	Retention time.Duration    // of single decisions; 0 means 7 days
	Minutes   time.Duration    // of the per-minute counts; 0 means 90 days
	// KeepDecisions and KeepMinutes bound what one workspace keeps besides: rows of single decisions (about 1 KB each; 0 means
	// 1,000,000) and of per-minute counts (0 means 2,000,000). The oldest go first.
	KeepDecisions, KeepMinutes int
	Queue                      int          // events waiting to be written; 0 means 20,000
	Logger                     *slog.Logger // nil means slog.Default
}

// Analytics takes in and answers. It runs two goroutines, which Close ends. It is safe for concurrent use.
type Analytics struct {
	store             *store.Store
	now               func() time.Time
	retention         time.Duration
	minutes           time.Duration
	keep, keepMinutes int
	queue             int64
	log               *slog.Logger

	mu      sync.RWMutex // held for reading while a batch is handed over, for writing to close
	closed  bool
	batches chan *batch
	queued  atomic.Int64  // events in batches, and batches without any
	full    chan struct{} // the janitor is to look
	stop    func()        // ends the janitor
	running sync.WaitGroup

	stamped                      atomic.Int64 // up to which microsecond ids of events are taken
	accepted, dropped, shortened atomic.Int64

	gateways gatewayCache
}

// Stats count events since the start of this process.
type Stats struct {
	Accepted  int64 // durable
	Dropped   int64 // refused with TooMany or lost to an error of the database
	Shortened int64 // stored without members that were too large
	Queued    int64 // waiting just now
}

// New starts the writer and the janitor.
func New(o Options) *Analytics {
	a := &Analytics{store: o.Store, now: o.Now, retention: o.Retention, minutes: o.Minutes, queue: int64(o.Queue), log: o.Logger,
		keep: o.KeepDecisions, keepMinutes: o.KeepMinutes, full: make(chan struct{}, 1)}
	if a.now == nil {
		a.now = time.Now
	}
	if a.retention <= 0 {
		a.retention = 7 * 24 * time.Hour
	}
	if a.minutes <= 0 {
		a.minutes = 90 * 24 * time.Hour
	}
	if a.keep <= 0 {
		a.keep = 1_000_000
	}
	if a.keepMinutes <= 0 {
		a.keepMinutes = 2_000_000
	}
	if a.queue <= 0 {
		a.queue = 20_000
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	a.batches = make(chan *batch, a.queue) // a batch weighs one at least, so sending never waits
	var ctx context.Context
	ctx, a.stop = context.WithCancel(context.Background())
	a.running.Add(2)
	go a.write()
	go a.tidy(ctx)
	return a
}

// Close refuses new events, writes what is queued, and stops the writer. It waits until ctx ends at most.
func (a *Analytics) Close(ctx context.Context) error {
	a.mu.Lock()
	if !a.closed {
		a.closed = true
		close(a.batches)
	}
	a.mu.Unlock()
	finished := make(chan struct{})
	go func() { a.running.Wait(); close(finished) }()
	select {
	case <-finished:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stats reads the counters.
func (a *Analytics) Stats() Stats {
	return Stats{Accepted: a.accepted.Load(), Dropped: a.dropped.Load(), Shortened: a.shortened.Load(), Queued: a.queued.Load()}
}

// batch is one push on its way to the database.
type batch struct {
	rows    []store.Decision
	dropped store.Dropped // none when it counts none
	done    chan error    // gets one value
}

// weight is what a batch takes of the queue: its events, and one place where it has none.
func (b *batch) weight() int64 { return max(1, int64(len(b.rows))) }

// One transaction takes in what has come together while the last one was being written, up to a bound.
const (
	maxTransaction = 4_000
	writeTimeout   = 10 * time.Second
	pruneEvery     = 10 * time.Minute
	pruneAtOnce    = 2_000 // rows of one table in one transaction
)

// write is the writer: it ends when batches is closed and empty.
func (a *Analytics) write() {
	defer a.running.Done()
	defer a.stop() // the janitor's context
	fresh := int64(0)
	for first := range a.batches {
		together := []*batch{first}
		rows := first.rows
	more:
		for len(rows) < maxTransaction {
			select {
			case b, ok := <-a.batches:
				if !ok {
					break more
				}
				together = append(together, b)
				rows = append(rows, b.rows...)
			default:
				break more
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
		err := a.store.Tx(ctx, func(tx *store.Tx) error {
			for _, b := range together {
				if b.dropped.Dropped == 0 {
					continue
				}
				if err := tx.AddDropped(ctx, b.dropped); err != nil {
					return err
				}
			}
			return tx.AddDecisions(ctx, rows)
		})
		cancel()
		n := int64(len(rows))
		for _, b := range together {
			a.queued.Add(-b.weight())
		}
		if err != nil {
			a.dropped.Add(n)
			a.log.Error("request events were lost", "events", n, "error", err)
		} else {
			a.accepted.Add(n)
		}
		for _, b := range together {
			b.done <- err
		}
		if fresh += n; fresh >= int64(a.keep/10) {
			fresh = 0
			select {
			case a.full <- struct{}{}:
			default: // the janitor is at it
			}
		}
	}
}

// tidy is the janitor: it prunes every ten minutes, and whenever a tenth of what a workspace may keep has come in. Its small
// transactions take turns with the writer's.
func (a *Analytics) tidy(ctx context.Context) {
	defer a.running.Done()
	every := time.NewTicker(pruneEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		case <-a.full:
		}
		if err := a.Prune(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("old request events were not removed", "error", err)
		}
	}
}

// Prune removes what is older than the retention, and the oldest of what is more than a workspace keeps.
func (a *Analytics) Prune(ctx context.Context) error {
	all, err := a.store.AllWorkspaces(ctx)
	if err != nil {
		return err
	}
	now := a.now()
	bounds := store.DecisionBounds{Decisions: now.Add(-a.retention), Minutes: now.Add(-a.minutes), MaxDecisions: a.keep, MaxMinutes: a.keepMinutes}
	for _, w := range all {
		cut, err := a.store.DecisionCut(ctx, w[0], w[1], bounds)
		if err != nil {
			return err
		}
		for n := int64(1); n > 0; {
			err := a.store.Tx(ctx, func(tx *store.Tx) (err error) {
				n, err = tx.PruneDecisions(ctx, w[0], w[1], cut, pruneAtOnce)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// gatewayCache remembers which gateway a client belongs to, for half a second: a deleted gateway's events are refused
// soon after.
type gatewayCache struct {
	mu   sync.Mutex
	seen map[[2]string]gatewayEntry // :: tenant, client → gateway
}

type gatewayEntry struct {
	gateway, workspace string
	at                 time.Time
}

func (a *Analytics) gatewayOf(ctx context.Context, actor control.Actor) (gatewayEntry, error) {
	k := [2]string{actor.TenantID, actor.ID}
	now := a.now()
	a.gateways.mu.Lock()
	e, ok := a.gateways.seen[k]
	a.gateways.mu.Unlock()
	if age := now.Sub(e.at); ok && age >= 0 && age < 500*time.Millisecond {
		return e, nil
	}
	s, err := a.store.StateOfClient(ctx, actor.TenantID, actor.ID)
	if err != nil {
		return gatewayEntry{}, err
	}
	e = gatewayEntry{s.GatewayID, s.WorkspaceID, now}
	a.gateways.mu.Lock()
	defer a.gateways.mu.Unlock()
	if a.gateways.seen == nil || len(a.gateways.seen) > 10_000 {
		a.gateways.seen = map[[2]string]gatewayEntry{}
	}
	a.gateways.seen[k] = e
	return e, nil
}
