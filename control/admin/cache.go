package admin

import (
	"strings"
	"sync"
	"time"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/waist"
)

// fresh is how long this process believes what it read: a change made on another node is seen after that time at the
// latest. Changes made here are seen at once, because they empty the cache.
const fresh = 500 * time.Millisecond

// The cache's bounds. A full map is emptied: it fills again with what is asked for.
const (
	maxPolls     = 10_000
	maxDocuments = 64
	maxKeySets   = 1_000
)

// cache holds what polls and token checks read again and again. The zero value is ready.
//
//	polls, clients, secrets, workspaces   read from the store, believed for fresh
//	documents, keys                       belong to one revision of a workspace, valid for as long as it is the latest
type cache struct {
	mu         sync.Mutex
	generation int64 // grows with every change made here, so that a read from before it is not remembered after it
	polls      map[string]timed[store.GatewayState]
	clients    map[string]timed[control.Client]
	secrets    map[string]timed[[]store.ClientSecret] // sealed
	workspaces map[string]timed[control.Workspace]
	keys       map[string]revised[[]SigningKey]
	documents  map[string]revised[*document]
	building   map[string]*building
}

type timed[T any] struct {
	value T
	at    time.Time
}

type revised[T any] struct {
	value    T
	revision int64
}

// document is a configuration with its JSON form and ETag.
type document struct {
	config  *waist.Configuration
	json    []byte
	etag    string
	gateway string
	signed  signed
}

// building is one document in the making; others that want it wait for done.
type building struct {
	revision int64
	done     chan struct{}
	doc      *document
	err      error
}

func key(parts ...string) string {
	return strings.Join(parts, "\x00")
}

// forget drops what was read before a change.
func (c *cache) forget(tenant, workspace string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	clear(c.polls)
	clear(c.clients)
	clear(c.secrets)
	clear(c.workspaces)
}

// recall answers from a timed map, or reads and remembers.
func recall[T any](c *cache, m *map[string]timed[T], k string, now time.Time, read func() (T, error)) (T, error) {
	c.mu.Lock()
	e, ok := (*m)[k]
	generation := c.generation
	c.mu.Unlock()
	if age := now.Sub(e.at); ok && age >= 0 && age < fresh {
		return e.value, nil
	}
	v, err := read()
	if err != nil {
		var zero T
		return zero, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation == generation {
		if *m == nil {
			*m = map[string]timed[T]{}
		}
		if len(*m) >= maxPolls {
			clear(*m)
		}
		(*m)[k] = timed[T]{v, now}
	}
	return v, nil
}
