package apigateway

import (
	"math"
	"net/http"
	"sync"
	"time"

	"portcullis/aws/local/wire"
)

// throttles are token buckets by name, on the injected clock. The table is bounded: full buckets are as good as new
// ones, so they are dropped when it grows.
type throttles struct {
	now func() time.Time

	mu      sync.Mutex
	buckets map[string]*bucket
	counts  map[string]*counter // :: usage plan and key → requests in the period
}

type bucket struct {
	tokens, rate, burst float64
	at                  time.Time
}

type counter struct {
	since time.Time
	used  int
	days  map[string]dayUse // :: "2006-01-02" → use, for GetUsage
}

const maxBuckets = 10_000

func newThrottles(now func() time.Time) *throttles {
	return &throttles{now: now, buckets: map[string]*bucket{}, counts: map[string]*counter{}}
}

func (t *throttles) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buckets, t.counts = map[string]*bucket{}, map[string]*counter{}
}

// take removes one token from the bucket. When there is none it says how long until there is.
func (t *throttles) take(name string, rate, burst float64) (wait time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	b := t.buckets[name]
	if b == nil || b.rate != rate || b.burst != burst {
		if len(t.buckets) >= maxBuckets {
			for k, o := range t.buckets {
				if o.tokens+now.Sub(o.at).Seconds()*o.rate >= o.burst {
					delete(t.buckets, k)
				}
			}
		}
		b = &bucket{tokens: burst, rate: rate, burst: burst, at: now}
		t.buckets[name] = b
	}
	if d := now.Sub(b.at).Seconds(); d > 0 {
		b.tokens = math.Min(b.burst, b.tokens+d*b.rate)
		b.at = now
	}
	if b.tokens < 1 {
		if b.rate <= 0 {
			return time.Hour, false
		}
		return time.Duration((1 - b.tokens) / b.rate * float64(time.Second)), false
	}
	b.tokens--
	return 0, true
}

// count adds one to a quota counter and reports whether it stays within limit for this period.
func (t *throttles) count(name string, limit int, period string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	start := periodStart(t.now().UTC(), period)
	c := t.counts[name]
	if c == nil {
		c = &counter{since: start}
		t.counts[name] = c
	}
	if c.since.Before(start) {
		c.since, c.used = start, 0
	}
	if c.used >= limit {
		return false
	}
	c.used++
	c.note(t.now().UTC(), 1, limit-c.used)
	return true
}

func periodStart(now time.Time, period string) time.Time {
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	switch period {
	case "WEEK":
		return day.AddDate(0, 0, -int(day.Weekday()))
	case "MONTH":
		return day.AddDate(0, 0, 1-day.Day())
	}
	return day
}

// operationRates are the documented rates of single operations: requests, per seconds.
// Source: "Amazon API Gateway quotas", table of management API throttles.
var operationRates = map[string][2]float64{
	"GetResources":     {5, 2},
	"CreateDeployment": {1, 5},
	"CreateResource":   {5, 1},
	"DeleteResource":   {5, 1},
	"PutRestApi":       {1, 1},
	"ImportRestApi":    {1, 3},
	"CreateRestApi":    {1, 3},
	"DeleteRestApi":    {1, 30},
	"UpdateUsagePlan":  {1, 20},
	"UpdateAccount":    {1, 20},
}

// takeControl charges one call to the account's budget in this region, and to the operation's own where it has one.
func (t *throttles) takeControl(sc scope, operation string) error {
	prefix := sc.Partition + "/" + sc.Account + "/" + sc.Region + "/"
	if r, ok := operationRates[operation]; ok {
		if wait, ok := t.take(prefix+operation, r[0]/r[1], r[0]); !ok {
			return tooMany(wait)
		}
	}
	if wait, ok := t.take(prefix, 10, 40); !ok {
		return tooMany(wait)
	}
	return nil
}

func tooMany(wait time.Duration) error {
	seconds := max(1, int(math.Ceil(wait.Seconds())))
	return &wire.Error{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Too Many Requests", RetryAfter: seconds}
}
