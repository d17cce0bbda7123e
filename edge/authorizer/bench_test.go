package authorizer

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"portcullis/edge/acp"
	"portcullis/edge/waist"
)

// large is a configuration of n APIs in one group, half of them with a visual policy.
func large(p *plane, n int) *waist.Configuration {
	cfg := p.cfg
	cfg.APIs = make([]waist.API, n)
	for i := range cfg.APIs {
		cfg.APIs[i] = waist.API{ID: fmt.Sprint("a", i), ServiceID: "s1", Method: "GET", Path: fmt.Sprintf("/v1/things%d/{id}/parts/{part}", i)}
		if i%2 == 0 {
			cfg.APIs[i].PolicyID = "has-token"
		}
	}
	return &cfg
}

// TestRoutingAllocatesNothing is the figure that can be tested rather than timed.
func TestRoutingAllocatesNothing(t *testing.T) {
	ix := newIndex(large(newPlane(t), 10000), "")
	if n := testing.AllocsPerRun(100, func() {
		if _, a := ix.find("abc123", "dev", "GET", "/v1/things777/{id}/parts/{part}"); a == nil {
			t.Fatal("not found")
		}
		ix.find("abc123", "dev", "POST", "/v1/things777/{id}/parts/{part}")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRouting10000(b *testing.B) {
	ix := newIndex(large(newPlane(&testing.T{}), 10000), "")
	b.ReportAllocs()
	for b.Loop() {
		if _, a := ix.find("abc123", "dev", "GET", "/v1/things777/{id}/parts/{part}"); a == nil {
			b.Fatal("not found")
		}
	}
}

// BenchmarkDecision is one whole call, event bytes in, answer bytes out.
func BenchmarkDecision(b *testing.B) {
	for _, c := range []struct {
		name, template string
		token          bool
	}{{"open", "/open", false}, {"visual/repeated token", "/pets", true}, {"rego/repeated token", "/rego", true}} {
		b.Run(c.name, func(b *testing.B) {
			p := newPlane(&testing.T{})
			defer p.server.Close()
			client, err := acp.New(acp.Options{IssuerURL: p.server.URL + "/default/system", ClientID: clientID, ClientSecret: clientSecret, Now: p.clock.Now})
			if err != nil {
				b.Fatal(err)
			}
			a := New(Options{Client: client, Now: p.clock.Now, Log: slog.New(slog.NewJSONHandler(io.Discard, nil))})
			a.HasExtension()
			call := get(c.template)
			if c.token {
				call = get(c.template, "Bearer "+p.sign(nil))
			}
			payload := call.event()
			if err := a.Warm(context.Background()); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				a.Handle(context.Background(), payload)
			}
		})
	}
}

// BenchmarkConfiguration is the way from the bytes of a configuration of 10,000 APIs to the first decision by it.
func BenchmarkConfiguration10000(b *testing.B) {
	p := newPlane(&testing.T{})
	defer p.server.Close()
	raw, err := json.Marshal(large(p, 10000))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		cfg, err := acp.Decode(raw)
		if err != nil {
			b.Fatal(err)
		}
		f := &freshness{now: time.Now}
		if s, _ := prepare(cfg, "", "", f.tokens, nil); s == nil {
			b.Fatal("no snapshot")
		}
	}
}

// BenchmarkPropagation prints how long a change takes to be enforced in 1,000 warm, busy environments: each is an
// Authorizer of its own with a request every 100 ms, started at another moment, on a simulated clock, in front of one
// control plane over HTTP. What the clock leaves out is the poll itself (control/api, BenchmarkPollUnchanged).
func BenchmarkPropagation(b *testing.B) {
	for b.Loop() { // what is measured below is simulated time
	}
	const environments, step, changes = 1000, 50 * time.Millisecond, 5
	p := newPlane(&testing.T{})
	defer p.server.Close()
	random := mathrand.New(mathrand.NewPCG(1, 2))
	type environment struct {
		a       *Authorizer
		starts  int // step of its first event; afterwards every second one
		refused bool
	}
	envs := make([]*environment, environments)
	for i := range envs {
		client, err := acp.New(acp.Options{IssuerURL: p.server.URL + "/default/system", ClientID: clientID, ClientSecret: clientSecret, Now: p.clock.Now})
		if err != nil {
			b.Fatal(err)
		}
		e := &environment{a: New(Options{Client: client, Now: p.clock.Now, NoAnalytics: true}), starts: random.IntN(200)}
		e.a.HasExtension()
		envs[i] = e
	}
	payload := get("/open").event()
	var delays []time.Duration
	var changed time.Time
	refused, at := false, 300
	for n := 0; len(delays) < environments*changes; n++ {
		if n > 10_000 {
			b.Fatalf("%d of %d environments follow", len(delays), environments*changes)
		}
		if n == at { // the last change has reached everybody by now
			refused, changed, at = !refused, p.clock.Now(), at+150+random.IntN(100)
			p.mu.Lock()
			p.cfg.APIs[0].PolicyID = map[bool]string{true: "block"}[refused]
			p.cfg.Revision++
			p.mu.Unlock()
		}
		for _, e := range envs {
			if n < e.starts || (n-e.starts)%2 != 0 {
				continue
			}
			now := strings.Contains(string(e.a.Handle(context.Background(), payload)), `"Deny"`)
			e.a.AfterAnswer(context.Background())
			if now != e.refused {
				e.refused = now
				delays = append(delays, p.clock.Now().Sub(changed))
			}
		}
		p.clock.Add(step)
	}
	slices.Sort(delays)
	b.ReportMetric(delays[len(delays)/2].Seconds(), "p50-s")
	b.ReportMetric(delays[len(delays)*99/100].Seconds(), "p99-s")
	b.ReportMetric(delays[len(delays)-1].Seconds(), "max-s")
	b.ReportMetric(5, "interval-s")
	b.ReportMetric(0, "ns/op")
}
