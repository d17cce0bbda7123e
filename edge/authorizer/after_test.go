package authorizer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portcullis/edge/waist"
)

// TestRequestEvents: one event per decision, complete, without a token, sent after the answer.
func TestRequestEvents(t *testing.T) {
	b := newBench(t, nil)
	b.a.HasExtension()
	tok := b.sign(nil)
	b.ask(get("/pets", "Bearer "+tok).event())
	b.ask(get("/pets", "Bearer invalid_token").event())
	b.ask(get("/nowhere").event())
	if len(b.events) != 0 {
		t.Fatal("sent before the answer")
	}
	b.a.AfterAnswer(t.Context())
	if len(b.events) != 3 {
		t.Fatalf("%d events", len(b.events))
	}
	e := b.events[0]
	if e.APIID != "a-list" || e.Result.Result != waist.ResultAuthorized || e.Reason != ReasonAllowed || e.PolicyID != "has-token" || e.GroupID != "abc123-dev" ||
		len(e.DecisionID) != 22 || e.Revision != 1 || !e.Time.Equal(b.clock.Now()) || e.RequestID != "req-1" || e.InvocationCtx["sub"] != "joe" || len(e.TokenHash) != 16 || e.UserAgent != "curl/8" {
		t.Errorf("event: %+v", e)
	}
	if e.InvocationCtx["address"] != nil {
		t.Errorf("a claim that is not on the list left: %v", e.InvocationCtx)
	}
	if e := b.events[1]; e.Result.Result != waist.ResultUnauthorized || e.Reason != "token_inactive" || e.TokenHash == "" || e.InvocationCtx != nil {
		t.Errorf("event: %+v", e)
	}
	if e := b.events[2]; e.APIID != "" || e.Reason != ReasonUnknownAPI || e.Path != "/nowhere" || e.Method != "GET" {
		t.Errorf("event: %+v", e)
	}
	raw, _ := json.Marshal(b.events)
	if strings.Contains(string(raw), tok[:40]) || strings.Contains(string(raw), "invalid_token") || b.events[0].Token != "" {
		t.Error("a token left")
	}
}

func TestAnalyticsOff(t *testing.T) {
	b := newBench(t, func(o *Options) { o.NoAnalytics = true })
	b.ask(get("/open").event())
	b.a.AfterAnswer(t.Context())
	b.a.Flush(t.Context())
	if len(b.events) != 0 {
		t.Errorf("%d events", len(b.events))
	}
}

// TestQueueBounds: events_per_second, number and bytes are limits, and every drop is counted and reported.
func TestQueueBounds(t *testing.T) {
	b := newBench(t, nil)
	b.cfg.EventsPerSecond = 5
	b.a.HasExtension()
	for range 8 {
		b.ask(get("/open").event())
	}
	b.clock.Add(time.Second)
	b.ask(get("/open").event())
	b.a.AfterAnswer(t.Context())
	if len(b.events) != 6 || b.dropped != 3 || !strings.Contains(b.log.String(), `"dropped":3,"dropped_total":3`) {
		t.Errorf("%d events; log %s", len(b.events), b.log)
	}
	q := &queue{now: b.clock.Now, log: b.a.log, push: func(context.Context, waist.RequestEvents) (waist.RequestEventsResult, error) {
		return waist.RequestEventsResult{}, errors.New("down")
	}}
	for range maxQueuedEvents + 7 {
		q.add(waist.RequestEvent{}, 0)
	}
	if q.dropped != 7 || len(q.events) != maxQueuedEvents {
		t.Errorf("by number: %d dropped", q.dropped)
	}
	q.flush(t.Context())
	if len(q.events) != maxQueuedEvents || q.dropped != 7 || q.total != 7 {
		t.Errorf("a failed push must keep the events and the count: %d, %d", len(q.events), q.dropped)
	}
	if q.due(flushBurst) {
		t.Error("due right after a failure")
	}
	big := &queue{now: b.clock.Now, log: b.a.log}
	for range 100 {
		big.add(waist.RequestEvent{Path: strings.Repeat("x", 100<<10)}, 0)
	}
	if big.bytes > maxQueuedBytes || big.dropped == 0 {
		t.Errorf("by bytes: %d bytes, %d dropped", big.bytes, big.dropped)
	}
}

// TestFlushes: a few requests in a row are reported at once, many of them once a second, and a clock that is set back stops
// nothing.
func TestFlushes(t *testing.T) {
	b := newBench(t, nil)
	b.a.HasExtension()
	request := func(sent int) {
		t.Helper()
		b.ask(get("/open").event())
		b.a.AfterAnswer(t.Context())
		if len(b.events) != sent {
			t.Errorf("%d events have left, not %d", len(b.events), sent)
		}
	}
	for i := range flushBurst {
		request(i + 1)
	}
	request(flushBurst)
	request(flushBurst)
	b.clock.Add(flushEvery)
	request(flushBurst + 3)
	request(flushBurst + 3)
	b.clock.Add(-time.Hour)
	request(flushBurst + 5)
}

// TestRecordedOutput: a request event has what a policy says in words, within bounds.
func TestRecordedOutput(t *testing.T) {
	b := newBench(t, nil)
	b.a.HasExtension()
	b.ask(get("/rego", "Bearer "+b.sign(nil)).event())
	b.a.AfterAnswer(t.Context())
	if d := cmp.Diff(map[string]string{"role": "keeper"}, b.events[0].Output); d != "" {
		t.Error(d)
	}
	many := map[string]any{"number": 1, strings.Repeat("n", 65): "x", "a": strings.Repeat("ł", 200)}
	for i := range 40 {
		many[fmt.Sprintf("v%02d", i)] = "x"
	}
	got := recordedOutput(many)
	if len(got) != maxOutputs || got["a"] != strings.Repeat("ł", 128) || got["v14"] != "x" || got["v15"] != "" {
		t.Errorf("%d: %v", len(got), got)
	}
}

// TestPushFails: a control plane that takes no events costs no decision, and gets them later.
func TestPushFails(t *testing.T) {
	b := newBench(t, nil) // no extension: the flush is inline
	b.eventsBroken = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }
	if got := b.ask(get("/open").event()); !got.Allow {
		t.Fatal(got)
	}
	b.eventsBroken = nil
	b.clock.Add(2 * time.Second)
	b.ask(get("/open").event())
	if len(b.events) != 0 {
		t.Error("tried again too soon")
	}
	b.clock.Add(4 * time.Second)
	b.ask(get("/open").event())
	if len(b.events) != 3 {
		t.Errorf("%d events", len(b.events))
	}
}

// TestSteadyTrafficNeverWaits: with the extension, the configuration is renewed after answers, so that no request of a
// steady stream polls, and a change is enforced within the interval.
func TestSteadyTrafficNeverWaits(t *testing.T) {
	b := newBench(t, nil)
	b.a.HasExtension()
	b.ask(get("/open").event())
	b.a.AfterAnswer(t.Context())
	changed := time.Time{}
	for i := range 200 {
		b.clock.Add(100 * time.Millisecond)
		if i == 100 {
			b.change(func(c *waist.Configuration) { c.APIs[0].PolicyID = "block" })
			changed = b.clock.Now()
		}
		before, _ := b.counts()
		got := b.ask(get("/open").event())
		if after, _ := b.counts(); after != before {
			t.Fatalf("request %d waited for a poll", i)
		}
		if !changed.IsZero() && got.Allow && b.clock.Now().Sub(changed) > 5*time.Second {
			t.Fatalf("still allowed %s after the change", b.clock.Now().Sub(changed))
		}
		b.a.AfterAnswer(t.Context())
	}
	if p, u := b.counts(); p < 7 || p > 10 || u != p-2 {
		t.Errorf("%d polls, %d unchanged in 20 s", p, u)
	}
}

func TestSync(t *testing.T) {
	group := waist.APIGroup{ID: "abc123-dev", Name: "PetStore/dev", Metadata: waist.GroupMetadata{Type: "aws"}, APIs: []waist.GatewayAPI{{Method: "GET", Path: "/pets"}}}
	var bound []string
	found := Discovery{Groups: []waist.APIGroup{group}, Complete: true}
	var findErr error
	b := newBench(t, func(o *Options) {
		o.Sync = &Sync{
			Discover: func(context.Context) (Discovery, error) { return found, findErr },
			Attach: func(_ context.Context, w Wanted) (Attachment, error) {
				bound = w.Bound
				return Attachment{Changed: 1, Redeploy: []string{"PetStore/dev"}, Complete: true}, nil
			},
		}
	})
	event := []byte(`{"version":"0","id":"1","detail-type":"Scheduled Event","source":"aws.events","account":"123456789012","time":"2026-01-01T00:00:00Z","region":"eu-west-1","resources":["arn:aws:events:eu-west-1:123456789012:rule/every-minute"],"detail":{}}`)
	run := func() syncReport {
		var r syncReport
		if err := json.Unmarshal(b.a.Handle(t.Context(), event), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := run()
	if !r.OK || !r.Complete || r.Groups != 1 || r.Added != 1 || r.Bound != 1 || r.Changed != 1 || len(r.Redeploy) != 1 || r.Revision != 1 {
		t.Errorf("report: %+v", r)
	}
	if len(b.inventory) != 1 || b.inventory[0].APIGroups[0].ID != "abc123-dev" || len(bound) != 1 || bound[0] != "abc123-dev" {
		t.Errorf("inventory %v, bound %v", b.inventory, bound)
	}
	// The same inventory is not pushed again, but for every five minutes; a changed one is.
	run()
	if len(b.inventory) != 1 {
		t.Errorf("an unchanged inventory was pushed")
	}
	b.clock.Add(5 * time.Minute)
	run()
	if len(b.inventory) != 2 {
		t.Errorf("not pushed again after five minutes")
	}
	found.Groups = []waist.APIGroup{group, {ID: "def456-dev", Name: "Other/dev", Metadata: waist.GroupMetadata{Type: "aws"}}}
	run()
	if len(b.inventory) != 3 {
		t.Errorf("a changed inventory was not pushed")
	}
	b.inventory = b.inventory[:1]
	// An incomplete discovery is not pushed: it would remove what was not read yet. Nothing is attached on its word.
	found.Complete, bound = false, nil
	if r = run(); r.Complete || len(b.inventory) != 1 || bound != nil {
		t.Errorf("incomplete: %+v, %d inventories, bound %v", r, len(b.inventory), bound)
	}
	// A discovery that fails is reported; the configuration is fetched all the same.
	findErr = errors.New("apigateway:GET is missing")
	b.change(func(*waist.Configuration) {})
	if r = run(); r.OK || r.Revision != 2 || len(r.Problems) != 1 {
		t.Errorf("failed: %+v", r)
	}
}

func TestSelfCheck(t *testing.T) {
	b := newBench(t, nil)
	raw := string(b.a.Handle(t.Context(), []byte(`{"portcullis":"self-check"}`)))
	for _, want := range []string{`"reachable":true`, `"state":"usable"`, `"revision":1`, `"tenant":"default"`} {
		if !strings.Contains(raw, want) {
			t.Errorf("%s is missing in %s", want, raw)
		}
	}
	if strings.Contains(raw, clientSecret) {
		t.Error("the secret is in the answer")
	}
	b.a.o.Sync = &Sync{Discover: func(context.Context) (Discovery, error) { return Discovery{}, errors.New("needs apigateway:GET on x") }}
	b.a.Handle(t.Context(), schedule)
	if raw = string(b.a.Handle(t.Context(), []byte(`{"portcullis":"self-check"}`))); !strings.Contains(raw, "needs apigateway:GET on x") {
		t.Errorf("the last sync's problem is missing in %s", raw)
	}
	b.breakPolls(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) })
	raw = string(b.a.Handle(t.Context(), []byte(`{"portcullis":"self-check"}`)))
	if !strings.Contains(raw, `"reachable":false`) || !strings.Contains(raw, "lacks a scope") {
		t.Errorf("%s", raw)
	}
}

// TestPoliciesSettleAfterAnswers: the Rego compiler's work on the whole configuration is done between two events.
func TestPoliciesSettleAfterAnswers(t *testing.T) {
	b := newBench(t, nil)
	b.change(func(c *waist.Configuration) {
		for i := range 10 {
			id := fmt.Sprintf("more-%d", i)
			c.Policies = append(c.Policies, waist.Policy{ID: id, Language: "rego", Type: "api", Definition: "package acp.authz\n\ndefault allow = false\n"})
			c.APIs = append(c.APIs, waist.API{ID: id, ServiceID: "s1", Method: "GET", Path: "/" + id, PolicyID: id})
		}
	})
	for i := range 10 {
		if b.ask(get(fmt.Sprintf("/more-%d", i)).event()).Allow {
			t.Fatal("allowed")
		}
	}
	if !b.a.fresh.snap.policies.Unsettled() {
		t.Fatal("an answer waited for the whole configuration")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	b.a.settle(ended) // no time left: it goes on by itself
	b.a.AfterAnswer(t.Context())
	for b.a.fresh.snap.policies.Unsettled() {
		runtime.Gosched()
	}
	if b.ask(get("/more-3").event()).Allow {
		t.Error("allowed")
	}
}
