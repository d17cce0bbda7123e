package authorizer

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"portcullis/edge/acp"
	"portcullis/edge/waist"
)

// TestPollsByAge: within the interval nothing is asked; past it one conditional GET.
func TestPollsByAge(t *testing.T) {
	b := newBench(t, nil)
	steps := []struct {
		after            time.Duration
		polls, unchanged int
	}{
		{0, 1, 0}, {time.Second, 1, 0}, {3 * time.Second, 1, 0}, {time.Second, 2, 1}, {4 * time.Second, 2, 1}, {time.Hour - time.Second, 3, 2},
	}
	for i, s := range steps {
		b.clock.Add(s.after)
		if got := b.ask(get("/open").event()); !got.Allow {
			t.Fatalf("step %d: %+v", i, got)
		}
		if p, u := b.counts(); p != s.polls || u != s.unchanged {
			t.Errorf("step %d: %d polls, %d unchanged; want %d, %d", i, p, u, s.polls, s.unchanged)
		}
	}
	if h := b.headers; h.Get(waist.HeaderEnvironment) != "env-1" || h.Get(waist.HeaderVersion) != "test" || h.Get(waist.HeaderRevision) != "1" || h.Get(waist.HeaderAge) != "3603" {
		t.Errorf("poll headers: %v", h)
	}
}

// TestChangeIsEnforced: a policy that changed applies after the interval, and at once after an hour's freeze.
func TestChangeIsEnforced(t *testing.T) {
	for _, frozen := range []time.Duration{5 * time.Second, time.Hour, 100 * time.Hour} {
		b := newBench(t, nil)
		if got := b.ask(get("/open").event()); !got.Allow {
			t.Fatal(got)
		}
		b.change(func(c *waist.Configuration) { c.APIs[0].PolicyID = "block" })
		b.clock.Add(frozen)
		if got := b.ask(get("/open").event()); got.Allow || got.Context["revision"] != float64(2) {
			t.Errorf("after %s: %+v", frozen, got)
		}
	}
}

// TestMaxStaleness is honoured to the second, and ends when the control plane is back.
func TestMaxStaleness(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MaxStaleness = 10 * time.Minute })
	b.ask(get("/open").event())
	b.breakPolls(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	b.clock.Add(10 * time.Minute)
	if got := b.ask(get("/open").event()); !got.Allow {
		t.Errorf("at the limit: %+v", got)
	}
	b.clock.Add(time.Second)
	if got := b.ask(get("/open").event()); got.Allow || got.Reason != ReasonStale {
		t.Errorf("a second later: %+v", got)
	}
	b.breakPolls(nil)
	b.clock.Add(5 * time.Second)
	if got := b.ask(get("/open").event()); !got.Allow {
		t.Errorf("after the outage: %+v", got)
	}
}

// TestBadPolls: whatever a poll brings that is not a configuration of ours leaves the last good one in force.
func TestBadPolls(t *testing.T) {
	full := func(b *bench, edit func(*waist.Configuration)) []byte {
		c := b.cfg
		c.APIs = nil // so that it would be noticed
		edit(&c)
		raw, _ := json.Marshal(c)
		return raw
	}
	write := func(raw []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw) }
	}
	cases := map[string]func(b *bench) http.HandlerFunc{
		"500": func(*bench) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }
		},
		"403": func(*bench) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }
		},
		"garbage":      func(*bench) http.HandlerFunc { return write([]byte("<html>login</html>")) },
		"empty":        func(*bench) http.HandlerFunc { return write(nil) },
		"null":         func(*bench) http.HandlerFunc { return write([]byte("null")) },
		"empty object": func(*bench) http.HandlerFunc { return write([]byte("{}")) },
		"two documents": func(b *bench) http.HandlerFunc {
			return write(append(full(b, func(c *waist.Configuration) { c.Revision = 9 }), "{}"...))
		},
		"truncated": func(b *bench) http.HandlerFunc {
			r := full(b, func(c *waist.Configuration) { c.Revision = 9 })
			return write(r[:len(r)-2])
		},
		"other tenant": func(b *bench) http.HandlerFunc {
			return write(full(b, func(c *waist.Configuration) { c.TenantID, c.Revision = "other", 9 }))
		},
		"other workspace": func(b *bench) http.HandlerFunc {
			return write(full(b, func(c *waist.Configuration) { c.ServerID, c.Revision = "other", 9 }))
		},
		"older revision": func(b *bench) http.HandlerFunc {
			return write(full(b, func(c *waist.Configuration) { c.Revision = 4 }))
		},
		"redirect": func(b *bench) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }
		},
		"connection cut": func(*bench) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
		},
		"body cut": func(b *bench) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100000")
				_, _ = w.Write(full(b, func(c *waist.Configuration) { c.Revision = 9 }))
				panic(http.ErrAbortHandler)
			}
		},
	}
	for name, make := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			b.cfg.Revision = 5
			if got := b.ask(get("/open").event()); !got.Allow {
				t.Fatal(got)
			}
			b.breakPolls(make(b))
			b.clock.Add(6 * time.Second)
			if got := b.ask(get("/open").event()); !got.Allow || got.Context["revision"] != float64(5) {
				t.Errorf("%+v", got)
			}
			if !strings.Contains(b.log.String(), "could not be refreshed") {
				t.Error("nothing in the log")
			}
			b.breakPolls(nil)
			b.change(func(c *waist.Configuration) { c.APIs[0].PolicyID = "block" })
			b.clock.Add(6 * time.Second)
			if got := b.ask(get("/open").event()); got.Allow || got.Context["revision"] != float64(6) {
				t.Errorf("afterwards: %+v", got)
			}
		})
	}
}

// TestOlderRevisionAfterStaleness: a control plane restored from a backup is believed once the newer configuration may
// not be used any more.
func TestOlderRevisionAfterStaleness(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MaxStaleness = time.Minute })
	b.cfg.Revision = 5
	b.ask(get("/open").event())
	b.cfg.Revision = 3
	b.clock.Add(50 * time.Second)
	if got := b.ask(get("/open").event()); !got.Allow || got.Context["revision"] != float64(5) {
		t.Errorf("while usable: %+v", got)
	}
	b.clock.Add(11 * time.Second)
	if got := b.ask(get("/open").event()); !got.Allow || got.Context["revision"] != float64(3) {
		t.Errorf("when stale: %+v", got)
	}
}

// TestHangingPoll: one invocation waits its bounded time, the next ones do not wait again within the interval, and
// requests at the same time share one poll.
func TestHangingPoll(t *testing.T) {
	b := newBench(t, nil)
	b.ask(get("/open").event())
	release := make(chan struct{})
	var once sync.Once
	free := func() { once.Do(func() { close(release) }) }
	defer free()
	entered := make(chan struct{}, 100)
	b.breakPolls(func(http.ResponseWriter, *http.Request) { entered <- struct{}{}; <-release })
	b.clock.Add(6 * time.Second)
	var wg sync.WaitGroup
	results := make(chan outcomeOrPanic, 10)
	for range 10 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			raw := b.a.Handle(t.Context(), get("/open").event())
			results <- outcomeOrPanic{string(raw)}
		}()
	}
	<-entered
	free()
	wg.Wait()
	close(results)
	for r := range results {
		if !strings.Contains(r.raw, `"Allow"`) {
			t.Errorf("answer: %s", r.raw)
		}
	}
	if p, _ := b.counts(); p > 3 { // the first one, and the flight (a late goroutine may start another one after an empty answer)
		t.Errorf("%d polls", p)
	}
	before, _ := b.counts()
	b.ask(get("/open").event())
	if after, _ := b.counts(); after != before {
		t.Errorf("polled again at once after a failure")
	}
}

type outcomeOrPanic struct{ raw string }

// TestClockJumps: a clock that is set back makes nothing younger than the monotonic clock says, and breaks nothing.
func TestClockJumps(t *testing.T) {
	base := time.Now()
	cases := []struct {
		name    string
		now, at time.Time
		want    time.Duration
	}{
		{"plain", base.Add(time.Minute), base, time.Minute},
		{"wall clock ahead (thaw)", base.Round(0).Add(time.Hour), base.Round(0), time.Hour},
		{"wall clock set back", base.Round(0).Add(-time.Hour), base.Round(0), 0},
	}
	for _, c := range cases {
		if got := age(c.now, c.at); got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}

// TestKeysRotate: the key set that comes with a configuration replaces the one before, and cached tokens with it.
func TestKeysRotate(t *testing.T) {
	b := newBench(t, nil)
	tok := "Bearer " + b.sign(nil)
	if got := b.ask(get("/pets", tok).event()); !got.Allow {
		t.Fatal(got)
	}
	b.change(func(c *waist.Configuration) { c.JWKS = json.RawMessage(`{"keys":[]}`) })
	b.clock.Add(6 * time.Second)
	if got := b.ask(get("/pets", tok).event()); got.Allow || got.Reason != "token_keys_unavailable" {
		t.Errorf("%+v", got)
	}
	b.change(func(c *waist.Configuration) { c.JWKS = json.RawMessage(`"nonsense"`) })
	b.clock.Add(6 * time.Second)
	if got := b.ask(get("/pets", tok).event()); got.Allow {
		t.Errorf("%+v", got)
	}
	if got := b.ask(get("/open").event()); !got.Allow || got.Context["revision"] != float64(3) {
		t.Errorf("unusable keys must cost tokens only: %+v", got)
	}
}

// TestTokenDropped: a token that the control plane refuses is replaced once per call; what stays refused is reported.
func TestTokenDropped(t *testing.T) {
	b := newBench(t, nil)
	b.ask(get("/open").event())
	refused := 0
	b.breakPolls(func(w http.ResponseWriter, r *http.Request) {
		refused++
		if refused == 1 {
			w.WriteHeader(401)
			return
		}
		fmt.Fprint(w, `not json`)
	})
	b.clock.Add(6 * time.Second)
	b.ask(get("/open").event())
	if b.tokens != 2 || refused != 2 {
		t.Errorf("%d tokens, %d polls", b.tokens, refused)
	}
}

// TestHangingPollHoldsNoEnvironment: a poll that ran out of time is not tried again after an answer, where it would keep
// the environment from its next event; requests try it once per interval, counted from its end.
func TestHangingPollHoldsNoEnvironment(t *testing.T) {
	b := newBench(t, nil)
	b.a.HasExtension()
	b.ask(get("/open").event())
	asked := 0
	b.a.fresh.fetch = func(context.Context, acp.Poll) (acp.Fetched, error) {
		asked++
		b.clock.Add(6 * time.Second) // longer than the interval
		return acp.Fetched{}, fmt.Errorf("fetch the configuration: %w", context.DeadlineExceeded)
	}
	b.clock.Add(6 * time.Second)
	for i, want := range []int{1, 1, 1} {
		if got := b.ask(get("/open").event()); !got.Allow || asked != want {
			t.Errorf("request %d: %+v, asked %d times", i, got, asked)
		}
		b.clock.Add(time.Second)
		if b.a.AfterAnswer(t.Context()); asked != want {
			t.Errorf("after answer %d: asked %d times", i, asked)
		}
	}
	b.clock.Add(5 * time.Second)
	if b.ask(get("/open").event()); asked != 2 {
		t.Errorf("an interval later: asked %d times", asked)
	}
}
