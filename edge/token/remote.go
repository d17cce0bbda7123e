package token

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The clockwork of key sets. A key set is fetched when it was never had, when a token names a key that is not in it,
// and when it has grown old; never more often than the pause since the last try.
const (
	keysPauseAfterFailure = 5 * time.Second
	keysPauseUnknownKid   = 30 * time.Second // a flood of made-up kids costs one fetch per pause
	keysRefreshAfter      = time.Hour
	keysTimeout           = 2 * time.Second
	maxKeySetBytes        = 512 << 10
)

// keySource holds the keys of one issuer: those that came with the configuration, replaced by fetched ones when a URL
// is known and a reason to fetch turns up. Old keys stay in use while a fetch fails.
type keySource struct {
	url    string
	inline [sha256.Size]byte // of the key set that came with the configuration
	client *http.Client
	now    func() time.Time

	generation atomic.Int64 // grows when keys changes; cached verdicts of older generations are void

	mu      sync.Mutex
	keys    []key
	fetched time.Time // zero: never fetched, the keys are inline ones
	tried   time.Time
	failed  bool
	flight  chan struct{} // closed when the fetch under way ends
}

func newKeySource(is Issuer, client *http.Client, now func() time.Time) (*keySource, error) {
	s := &keySource{url: is.JWKSURL, inline: sha256.Sum256(is.JWKS), client: client, now: now}
	if len(is.JWKS) == 0 {
		return s, nil
	}
	keys, err := parseKeys(is.JWKS)
	if err != nil {
		return s, fmt.Errorf("keys of issuer %s: %w", is.URL, err)
	}
	s.keys = keys
	return s, nil
}

// find returns the keys that fit kid and alg, fetching where that may help.
func (s *keySource) find(ctx context.Context, kid, alg string) ([]*key, error) {
	s.mu.Lock()
	keys, due := s.keys, s.due()
	s.mu.Unlock()
	found := candidates(keys, kid, alg)
	if s.url != "" && (len(found) == 0 || due) {
		s.refresh(ctx, len(found) == 0)
		s.mu.Lock()
		keys = s.keys
		s.mu.Unlock()
		found = candidates(keys, kid, alg)
	}
	switch {
	case len(found) > 0:
		return found, nil
	case len(keys) == 0:
		return nil, refuse(KeysUnavailable, "the issuer's keys could not be had")
	}
	return nil, refuse(UnknownKey, "no key of the issuer fits kid and alg")
}

func (s *keySource) due() bool {
	return !s.fetched.IsZero() && s.now().Sub(s.fetched) >= keysRefreshAfter
}

// refresh fetches the key set unless one of the pauses forbids it. One fetch runs at a time; others wait for it.
func (s *keySource) refresh(ctx context.Context, missing bool) {
	s.mu.Lock()
	if flight := s.flight; flight != nil {
		s.mu.Unlock()
		select {
		case <-flight:
		case <-ctx.Done():
		}
		return
	}
	pause := keysPauseUnknownKid
	if s.failed || len(s.keys) == 0 {
		pause = keysPauseAfterFailure
	}
	if !s.tried.IsZero() && s.now().Sub(s.tried) < pause || !missing && !s.due() {
		s.mu.Unlock()
		return
	}
	s.tried = s.now()
	flight := make(chan struct{})
	s.flight = flight
	s.mu.Unlock()

	keys, err := s.fetch(ctx)

	s.mu.Lock()
	s.failed = err != nil
	if err == nil {
		s.keys, s.fetched = keys, s.now()
		s.generation.Add(1)
	}
	s.flight = nil
	s.mu.Unlock()
	close(flight)
}

func (s *keySource) fetch(ctx context.Context) ([]key, error) {
	ctx, cancel := context.WithTimeout(ctx, keysTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxKeySetBytes+1))
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("GET %s: status %d", s.url, res.StatusCode)
	case len(body) > maxKeySetBytes:
		return nil, fmt.Errorf("GET %s: key set larger than %d bytes", s.url, maxKeySetBytes)
	}
	keys, err := parseKeys(body)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("GET %s: empty key set", s.url)
	}
	return keys, nil
}
