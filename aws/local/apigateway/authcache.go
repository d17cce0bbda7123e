package apigateway

import (
	"sync"
	"time"
)

// cacheKey names one cached authorizer answer: the values of the identity sources, per API, stage and authorizer. The
// method is no part of it.
type cacheKey struct{ api, stage, authorizer, identity string }

// maxCached bounds the cache. Above it expired answers go first, then the ones closest to expiry.
const maxCached = 10_000

type authCache struct {
	now func() time.Time

	mu      sync.Mutex
	entries map[cacheKey]cachedAnswer
}

type cachedAnswer struct {
	answer  *authAnswer
	expires time.Time
}

func newAuthCache(now func() time.Time) *authCache {
	return &authCache{now: now, entries: map[cacheKey]cachedAnswer{}}
}

func (c *authCache) get(k cacheKey) *authAnswer {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[k]
	if !ok || !c.now().Before(e.expires) {
		delete(c.entries, k)
		return nil
	}
	return e.answer
}

func (c *authCache) put(k cacheKey, a *authAnswer, ttl time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= maxCached {
		c.shrink()
	}
	c.entries[k] = cachedAnswer{a, c.now().Add(ttl)}
}

// shrink makes room. The caller holds c.mu.
func (c *authCache) shrink() {
	now := c.now()
	var first cacheKey
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
	if len(c.entries) >= maxCached {
		delete(c.entries, first)
	}
}

func (c *authCache) flush(which func(cacheKey) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.entries {
		if which(k) {
			delete(c.entries, k)
		}
	}
}

func (c *authCache) reset() { c.flush(func(cacheKey) bool { return true }) }
