package admin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"

	"portcullis/control"
)

// The cost of a password hash: argon2id with 2 passes over 19 MiB, one lane (OWASP Password Storage Cheat Sheet).
const (
	argonTime    = 2
	argonMemory  = 19 << 10 // KiB
	argonThreads = 1
	argonKey     = 32
)

// hasher hashes passwords, two at a time: each takes 19 MiB for some 50 ms.
type hasher struct{ slots chan struct{} }

func newHasher() hasher { return hasher{make(chan struct{}, 2)} }

func (h hasher) enter(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		e := control.Errorf(control.Unavailable, "busy", "too many log-ins at once; try again")
		e.RetryAfter = 1
		return e
	}
}

func (h hasher) leave() { <-h.slots }

// hash makes a PHC string: $argon2id$v=19$m=…,t=…,p=…$salt$key
func (h hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	var salt [16]byte
	rand.Read(salt[:])
	k := argon2.IDKey([]byte(password), salt[:], argonTime, argonMemory, argonThreads, argonKey)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, b64(salt[:]), b64(k)), nil
}

// check compares a password with a PHC string.
func (h hasher) check(ctx context.Context, password, phc string) (bool, error) {
	parts := strings.Split(phc, "$")
	var version, memory, passes, lanes int
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errors.New("password hash: not argon2id")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, errors.New("password hash: unknown version")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil || memory < 8 || memory > 1<<20 || passes < 1 || passes > 100 || lanes < 1 || lanes > 16 {
		return false, errors.New("password hash: bad parameters")
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) < 16 {
		return false, errors.New("password hash: damaged")
	}
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer h.leave()
	got := argon2.IDKey([]byte(password), salt, uint32(passes), uint32(memory), uint8(lanes), uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// throttle slows down who guesses passwords: after freeTries failures for one pair of username and address, each further
// one doubles the wait, up to maxWait. A success forgets the pair. It is per process and bounded; the zero value is ready.
type throttle struct {
	mu      sync.Mutex
	seen    map[string]tries // :: tenant, username, ip → tries
	refused int64            // how often somebody had to wait
}

type tries struct {
	failed int
	next   time.Time // not before
	last   time.Time
}

const (
	freeTries = 5
	maxWait   = 15 * time.Minute
	maxSeen   = 10_000
)

// wait is how long a pair must still wait.
func (t *throttle) wait(k string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	wait := t.seen[k].next.Sub(now)
	if wait > 0 {
		t.refused++
	}
	return wait
}

// refusals is how often somebody had to wait, since the process started.
func (t *throttle) refusals() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refused
}

func (t *throttle) fail(k string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen = map[string]tries{}
	}
	if len(t.seen) >= maxSeen {
		t.evict(now)
	}
	e := t.seen[k]
	if now.Sub(e.last) > time.Hour {
		e = tries{}
	}
	e.failed++
	e.last = now
	if over := e.failed - freeTries; over >= 0 {
		e.next = now.Add(min(maxWait, time.Second<<min(over, 20)))
	}
	t.seen[k] = e
}

// evict makes room: pairs that have been quiet, or, when all are busy, the one that has been quiet longest.
func (t *throttle) evict(now time.Time) {
	oldest, at := "", now
	for k, e := range t.seen {
		if now.Sub(e.last) > time.Hour {
			delete(t.seen, k)
		} else if !e.last.After(at) {
			oldest, at = k, e.last
		}
	}
	if len(t.seen) >= maxSeen {
		delete(t.seen, oldest)
	}
}

func (t *throttle) forget(k string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.seen, k)
}
