package token

import (
	"crypto/sha256"
	"sync"
	"time"
)

// cache is a least-recently-used map from SHA-256(token) to what was found out about it. It holds no token. Safe for
// concurrent use. The zero value stores nothing.
type cache struct {
	mu         sync.Mutex
	max        int
	entries    map[[sha256.Size]byte]*entry
	head, tail *entry // head is the most recently used
}

// entry is a verified token (claims set), or a refusal that is worth remembering for a short while (err set).
type entry struct {
	key        [sha256.Size]byte
	claims     map[string]any
	issuer     *issuer
	generation int64 // of the issuer's keys
	err        error
	until      time.Time // never used after this
	prev, next *entry
}

func newCache(max int) *cache {
	return &cache{max: max, entries: make(map[[sha256.Size]byte]*entry)}
}

// get returns the entry for key unless it has run out.
func (c *cache) get(key [sha256.Size]byte, now time.Time) (*entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if !ok {
		return nil, false
	}
	if !now.Before(e.until) {
		c.drop(e)
		return nil, false
	}
	if e != c.head {
		c.unlink(e)
		c.push(e)
	}
	return e, true
}

func (c *cache) put(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.max <= 0 {
		return
	}
	if old, ok := c.entries[e.key]; ok {
		c.drop(old)
	}
	for len(c.entries) >= c.max {
		c.drop(c.tail)
	}
	c.entries[e.key] = e
	c.push(e)
}

func (c *cache) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

func (c *cache) drop(e *entry) {
	delete(c.entries, e.key)
	c.unlink(e)
}

func (c *cache) unlink(e *entry) {
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		c.head = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	} else {
		c.tail = e.prev
	}
	e.prev, e.next = nil, nil
}

func (c *cache) push(e *entry) {
	e.next = c.head
	if c.head != nil {
		c.head.prev = e
	}
	c.head = e
	if c.tail == nil {
		c.tail = e
	}
}
