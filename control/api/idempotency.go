package api

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/http"
	"sync"
	"time"

	"portcullis/control"
)

// Header names of retries, as published.
const (
	idempotencyKey     = "X-Idempotency-Key"
	idempotencyReplays = "X-Idempotent-Replayed"
)

const (
	replayWindow  = time.Minute
	maxReplays    = 10_000   // answers kept
	maxReplayBody = 64 << 10 // bytes; a larger request is refused with a key, a larger answer is not kept
)

// replays remembers the answers to POSTs that came with an X-Idempotency-Key, for a minute: a retry gets the same answer
// and changes nothing. Each node remembers its own.
type replays struct {
	now func() time.Time
	mu  sync.Mutex
	m   map[replayKey]*replay
	// order holds the keys as they came, oldest first.
	order []replayKey
}

type replayKey struct{ tenant, actor, path, key string }

type replay struct {
	at     time.Time
	body   [sha256.Size]byte // of the request
	done   bool
	status int
	header http.Header
	answer []byte
}

func newReplays(now func() time.Time) *replays {
	return &replays{now: now, m: map[replayKey]*replay{}}
}

// wrap makes a verb answer a retry. Only answers below 500 are remembered: a failure of ours may be tried again.
func (s *replays) wrap(v verb) verb {
	return func(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
		key := r.Header.Get(idempotencyKey)
		if key == "" {
			return v(w, r, actor)
		}
		if len(key) < 32 || len(key) > 255 {
			return control.Errorf(control.Malformed, "", "%s must have 32 to 255 characters", idempotencyKey)
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, maxReplayBody+1))
		if err != nil || len(body) > maxReplayBody {
			return control.Errorf(control.Malformed, "body_too_large", "with %s the body may have %d bytes", idempotencyKey, maxReplayBody)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		k := replayKey{actor.TenantID, actor.ID, r.URL.Path + "?" + r.URL.RawQuery, key}
		old, err := s.begin(k, sha256.Sum256(body))
		if err != nil {
			return err
		}
		if old != nil {
			for name, vs := range old.header {
				w.Header()[name] = vs
			}
			w.Header().Set(idempotencyReplays, "true")
			w.WriteHeader(old.status)
			w.Write(old.answer)
			return nil
		}
		rec := &replayRecorder{ResponseWriter: w}
		kept := false
		defer func() { s.end(k, rec, kept) }()
		if err := v(rec, r, actor); err != nil {
			return err // nothing was changed, and the next try may do better
		}
		kept = rec.status < 500 && rec.body.Len() <= maxReplayBody
		return nil
	}
}

// begin returns the answer of an earlier call, or claims the key.
func (s *replays) begin(k replayKey, body [sha256.Size]byte) (*replay, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for len(s.order) > 0 {
		e := s.m[s.order[0]]
		if e != nil && now.Sub(e.at) < replayWindow {
			break
		}
		delete(s.m, s.order[0])
		s.order = s.order[1:]
	}
	if e := s.m[k]; e != nil {
		if e.body != body {
			return nil, control.Errorf(control.Invalid, "", "this %s was used a moment ago with another body; use a new key for a new request", idempotencyKey)
		}
		if !e.done {
			return nil, control.Errorf(control.Conflict, "", "the first request with this %s is still being worked on; try again shortly", idempotencyKey)
		}
		return e, nil
	}
	if len(s.m) >= maxReplays {
		return nil, &control.Error{Kind: control.TooMany, Message: "too many requests with an idempotency key in one minute", RetryAfter: 10}
	}
	s.m[k] = &replay{at: now, body: body}
	s.order = append(s.order, k)
	return nil, nil
}

func (s *replays) end(k replayKey, rec *replayRecorder, kept bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.m[k]
	if e == nil {
		return
	}
	if !kept {
		delete(s.m, k)
		for i := range s.order {
			if s.order[i] == k {
				s.order = append(s.order[:i:i], s.order[i+1:]...)
				break
			}
		}
		return
	}
	e.done, e.status, e.answer = true, rec.status, rec.body.Bytes()
	e.header = http.Header{}
	for _, name := range []string{"Content-Type", "Etag", "Cache-Control"} {
		if vs := rec.Header()[name]; vs != nil {
			e.header[name] = vs
		}
	}
}

type replayRecorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (w *replayRecorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *replayRecorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if w.body.Len() <= maxReplayBody {
		w.body.Write(b)
	}
	return w.ResponseWriter.Write(b)
}
