package discover

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"portcullis/aws/local"
	"portcullis/aws/local/apigateway"
	"portcullis/aws/signed"
)

// TestUnderTheAccountsLimits scans an account whose API Gateway enforces the documented request rates. Paced as the sync
// paces itself no call is refused; without pacing calls are refused, Retry-After is honoured, and the scan still ends.
func TestUnderTheAccountsLimits(t *testing.T) {
	const apis = 25
	var mu sync.Mutex
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	sleep := func(_ context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
		return nil
	}

	aws, err := local.New(local.Options{Now: clock, ManualSchedule: true, APIGateway: apigateway.Options{ControlThrottles: true}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(aws.Handler())
	t.Cleanup(func() { server.Close(); aws.Close() })
	aws.SetPublicURL(server.URL)
	env := map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
	client := func() *signed.Client {
		c := signed.New("eu-west-1")
		c.Getenv = func(k string) string { return env[k] }
		c.Now, c.Sleep = clock, sleep
		return c
	}

	a := &account{t: t, server: server, client: client()}
	for i := range apis {
		id := a.importAPI(fmt.Sprint("API ", i))
		_ = sleep(t.Context(), 10*time.Second) // creating is limited too
		a.do("POST", "/restapis/"+id+"/deployments", nil, map[string]string{"stageName": "dev"}, nil)
		_ = sleep(t.Context(), 10*time.Second)
	}

	scan := func(c *signed.Client) (refused int) {
		seen := len(aws.Requests("apigateway"))
		r, err := (&Scanner{Client: c}).Scan(t.Context())
		if err != nil || !r.Complete || len(r.APIs) != apis {
			t.Fatalf("complete %v, %d APIs: %v", r.Complete, len(r.APIs), err)
		}
		for _, call := range aws.Requests("apigateway")[seen:] {
			if call.Status == http.StatusTooManyRequests {
				refused++
			}
		}
		return refused
	}
	paced := client()
	paced.Pace = signed.NewPacer(clock, sleep).Wait
	if n := scan(paced); n != 0 {
		t.Errorf("%d calls of a paced scan were refused", n)
	}
	_ = sleep(t.Context(), time.Minute)
	if n := scan(client()); n == 0 {
		t.Error("no call was refused without pacing: the limits are not in force")
	}
}
