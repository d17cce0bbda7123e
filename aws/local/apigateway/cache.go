package apigateway

import (
	"sync"
	"time"
)

// cacheKey names one cached authorizer answer: the values of the identity sources, per API, stage and authorizer. The
// method is no part of it.
type cacheKey struct{ api, stage, authorizer, identity string }

// How much is kept. Above it expired entries go first, then the ones closest to expiry.
const (
	maxCachedAnswers   = 10_000 // of authorizers
	maxCachedResponses = 256    // of integrations, 1 MB each at most
)

// cache keeps values for a time, on the injected clock.
type cache[K comparable, V any] struct {
	now  func() time.Time
	most int

	mu      sync.Mutex
	entries map[K]cached[V]
}

type cached[V any] struct {
	value   V
	expires time.Time
}

func newCache[K comparable, V any](now func() time.Time, most int) *cache[K, V] {
	return &cache[K, V]{now: now, most: most, entries: map[K]cached[V]{}}
}

func (c *cache[K, V]) get(k K) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[k]
	if !ok || !c.now().Before(e.expires) {
		delete(c.entries, k)
		return v, false
	}
	return e.value, true
}

func (c *cache[K, V]) put(k K, v V, ttl time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= c.most {
		c.shrink()
	}
	c.entries[k] = cached[V]{v, c.now().Add(ttl)}
}

// shrink makes room. The caller holds c.mu.
func (c *cache[K, V]) shrink() {
	now := c.now()
	var first K
	var soonest time.Time
	for k, e := range c.entries {
		if !now.Before(e.expires) {
			delete(c.entries, k)
			continue
		}
		if soonest.IsZero() || e.expires.Before(soonest) {
			first, soonest = k, e.expires
		}
	}
	if len(c.entries) >= c.most {
		delete(c.entries, first)
	}
}

func (c *cache[K, V]) flush(which func(K) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.entries {
		if which(k) {
			delete(c.entries, k)
		}
	}
}

func (c *cache[K, V]) reset() { c.flush(func(K) bool { return true }) }
