package discover

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"portcullis/aws/signed"
)

// TestLargeAccount: 600 REST APIs of 300 resources, on a simulated clock, in slices of a short function time-out, at the
// pace that the sync keeps and at the one that AWS allows an account. A pass takes no longer than 1.2 times what the pace
// allows, never goes above it, asks for nothing twice, and what it leaves in memory fits a small function.
func TestLargeAccount(t *testing.T) {
	ours := signed.Rates{APIGateway: signed.RateAPIGateway, GetResources: signed.RateGetResources, Lambda: signed.RateLambda}
	aws := signed.Rates{APIGateway: 10, GetResources: 2.5, Lambda: 15} // "Amazon API Gateway quotas", "Lambda quotas"
	for name, rates := range map[string]signed.Rates{"the sync's pace": ours, "AWS's own limits": aws} {
		t.Run(name, func(t *testing.T) { largeAccount(t, rates) })
	}
}

func largeAccount(t *testing.T, rates signed.Rates) {
	const apis = 600
	resources := 300
	if os.Getenv("PORTCULLIS_TEST_RACE") != "" { // decoding takes ten times as long; the calls are the same, up to 500 resources
		resources = 30
	}
	const latency = 40 * time.Millisecond // of a call
	now := time.Unix(1e9, 0)
	sleep := func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil }
	type item = map[string]any
	list := make([]item, apis)
	for i := range list {
		list[i] = item{"id": fmt.Sprintf("api%03d", i), "name": fmt.Sprint("API ", i)}
	}
	res := make([]item, resources)
	summary := item{}
	for i := range res {
		path := fmt.Sprint("/r/", i)
		res[i] = item{"id": fmt.Sprint("r", i), "path": path, "resourceMethods": item{"GET": item{"authorizationType": "NONE"}}}
		summary[path] = item{"GET": item{"authorizationType": "NONE"}}
	}
	encode := func(v any) []byte { b, _ := json.Marshal(v); return b }
	answers := map[string][]byte{
		"resources": encode(item{"item": res}), "stages": encode(item{"item": []item{{"stageName": "dev", "deploymentId": "d"}}}),
		"deployments": encode(item{"apiSummary": summary}), "authorizers": []byte(`{"item":[]}`),
	}
	var times []time.Time
	calls := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		times = append(times, now)
		now = now.Add(latency)
		calls[r.URL.String()]++
		parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
		if len(parts) == 1 {
			page := list[:500]
			out := item{"item": page, "position": "p2"}
			if r.URL.Query().Get("position") == "p2" {
				out = item{"item": list[500:]}
			}
			_, _ = w.Write(encode(out))
			return
		}
		_, _ = w.Write(answers[parts[2]])
	}))
	defer s.Close()
	env := map[string]string{"AWS_ENDPOINT_URL": s.URL, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"}
	c := signed.New("eu-west-1")
	c.Getenv = func(k string) string { return env[k] }
	c.Now, c.Sleep = func() time.Time { return now }, sleep
	pacer := signed.NewPacerAt(rates, c.Now, sleep)
	// The function's time-out, on the simulated clock: each slice ends 30 s after it began.
	var end time.Time
	c.Pace = func(ctx context.Context, service, operation string) error {
		if now.After(end) {
			return context.DeadlineExceeded
		}
		return pacer.Wait(ctx, service, operation)
	}
	scanner := &Scanner{Client: c}
	start := now
	slices := 0
	var r Result
	for !r.Complete {
		if slices++; slices > 1000 {
			t.Fatal("never complete")
		}
		end = now.Add(30 * time.Second)
		var err error
		if r, err = scanner.Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	took := now.Sub(start).Seconds()
	least := max(float64(len(times))/rates.APIGateway, apis/rates.GetResources)
	groups := Groups(r.APIs, functionARN, "eu-west-1", "123456789012")
	var ms runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&ms)
	t.Logf("%d calls in %d slices, %.0f s simulated, %.0f s at least: %.2f times; %d MB on the heap with %d methods in the inventory", len(times), slices, took, least,
		took/least, ms.HeapAlloc>>20, len(groups)*len(groups[0].APIs))
	if took > 1.2*least {
		t.Errorf("took %.0f s, the rates allow %.0f s", took, least)
	}
	if ms.HeapAlloc > 64<<20 {
		t.Errorf("%d MB on the heap", ms.HeapAlloc>>20)
	}
	if len(r.APIs) != apis || slices < 7 {
		t.Errorf("%d APIs in %d slices", len(r.APIs), slices)
	}
	for u, n := range calls {
		if n > 1+slices/apis && !strings.Contains(u, "stages") && !strings.Contains(u, "resources") && !strings.Contains(u, "authorizers") {
			t.Errorf("%s was asked %d times", u, n)
		}
	}
	if extra := len(times) - (2 + 4*apis); extra > 3*slices {
		t.Errorf("%d calls more than needed", extra)
	}
	// Never above the rate: any second holds at most the burst and the rate.
	for i, j := 0, 0; i < len(times); i++ {
		for times[i].Sub(times[j]) >= time.Second {
			j++
		}
		if n := i - j + 1; n > 8+int(rates.APIGateway)+1 {
			t.Fatalf("%d calls within a second", n)
		}
	}
}
