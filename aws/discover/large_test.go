package discover

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"portcullis/aws/signed"
)

// TestLargeAccount: 600 REST APIs of 300 resources, on a simulated clock, in slices of a short function time-out. The
// whole pass takes no longer than 1.2 times what our rates allow, never goes above them, and asks for nothing twice.
func TestLargeAccount(t *testing.T) {
	const apis, resources = 600, 30 // up to 500 resources fit a page: 300 make the same calls
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
	pacer := signed.NewPacer(c.Now, sleep)
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
	least := max(float64(len(times))/signed.RateAPIGateway, apis/signed.RateGetResources)
	t.Logf("%d calls in %d slices, %.0f s simulated, %.0f s at least", len(times), slices, took, least)
	if took > 1.2*least {
		t.Errorf("took %.0f s, the rates allow %.0f s", took, least)
	}
	if len(r.APIs) != apis || slices < 10 {
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
		if n := i - j + 1; n > 8+int(signed.RateAPIGateway)+1 {
			t.Fatalf("%d calls within a second", n)
		}
	}
}
