package signed

import (
	"context"
	"sync"
	"time"
)

// Pacer keeps calls of some operations below a rate. API Gateway's management API allows an account 10 requests a second
// and 5 GetResources in 2 s, shared with everything else that manages APIs there ("Amazon API Gateway quotas"); this
// takes well under half of it.
type Pacer struct {
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error

	mu      sync.Mutex
	buckets map[string]*bucket
}

// Rates of the default pacer, per second.
const (
	RateAPIGateway   = 4.0
	RateGetResources = 1.0
	RateLambda       = 2.0
)

// Rates are calls a second: of API Gateway's management in all, of GetResources among them, of Lambda's management.
type Rates struct{ APIGateway, GetResources, Lambda float64 }

type bucket struct {
	rate, burst float64
	tokens      float64
	at          time.Time
}

// NewPacer makes the pacer for the sync.
func NewPacer(now func() time.Time, sleep func(context.Context, time.Duration) error) *Pacer {
	return NewPacerAt(Rates{RateAPIGateway, RateGetResources, RateLambda}, now, sleep)
}

// NewPacerAt makes a pacer with other rates, for an account in which nothing else manages APIs.
func NewPacerAt(r Rates, now func() time.Time, sleep func(context.Context, time.Duration) error) *Pacer {
	return &Pacer{Now: now, Sleep: sleep, buckets: map[string]*bucket{
		"apigateway":              {rate: r.APIGateway, burst: 8, tokens: 8},
		"apigateway/GetResources": {rate: r.GetResources, burst: 3, tokens: 3},
		"lambda":                  {rate: r.Lambda, burst: 2, tokens: 2},
	}}
}

// Wait returns when the call may be made; it fits Client.Pace. Where the context would end first it returns at once, so
// that the time left goes to something else.
func (p *Pacer) Wait(ctx context.Context, service, operation string) error {
	for _, name := range [...]string{service, service + "/" + operation} {
		d, ok := p.reserve(name)
		if !ok || d <= 0 {
			continue
		}
		if deadline, has := ctx.Deadline(); has && p.Now().Add(d).After(deadline) {
			p.refund(name)
			return context.DeadlineExceeded
		}
		if err := p.Sleep(ctx, d); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (p *Pacer) reserve(name string) (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.buckets[name]
	if b == nil {
		return 0, false
	}
	now := p.Now()
	if !b.at.IsZero() {
		b.tokens = min(b.burst, b.tokens+max(0, now.Sub(b.at).Seconds())*b.rate)
	}
	b.at = now
	b.tokens--
	if b.tokens >= 0 {
		return 0, true
	}
	return time.Duration(-b.tokens / b.rate * float64(time.Second)), true
}

// refund gives a reservation back that was not used.
func (p *Pacer) refund(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buckets[name].tokens++
}
