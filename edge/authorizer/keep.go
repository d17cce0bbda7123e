package authorizer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"portcullis/edge/acp"
	"portcullis/edge/waist"
)

// Keep stores the last good configuration outside the environment, for a cold start while the control plane is away
// (AWS_LOCAL_CONFIGURATION). The scheduled sync saves; an environment without a usable configuration loads.
//
// Whoever can write to the store is not trusted: a copy counts only with the control plane's signature over its exact
// bytes (waist.ConfigurationSignature), made for this gateway's client secret, which nobody else has. The signature says
// whose the configuration is, its revision, and when the control plane vouched for it. From that moment
// CONFIG_MAX_STALENESS runs, so that an old copy put back is of no use after it, and an environment that knows a newer
// revision refuses it before.
//
// What the control plane did not sign is not stored.
type Keep struct {
	Save func(ctx context.Context, copied []byte) error
	// Load returns nil bytes when nothing is stored.
	Load func(ctx context.Context) ([]byte, error)
}

const keepTimeout = 3 * time.Second

// clockSkew is by how much the control plane's clock may be ahead of this one.
const clockSkew = 5 * time.Minute

// A copy is the signatures, one a line, an empty line, and the configuration's bytes.
func writeCopy(signatures []string, raw []byte) []byte {
	return append([]byte(strings.Join(signatures, "\n")+"\n\n"), raw...)
}

func readCopy(b []byte) (signatures []string, raw []byte, err error) {
	head, raw, ok := bytes.Cut(b, []byte("\n\n"))
	if !ok || len(head) > waist.MaxSignatures*(waist.MaxSignature+1) {
		return nil, nil, errors.New("the stored configuration is not signed")
	}
	signatures = strings.SplitN(string(head), "\n", waist.MaxSignatures+1)
	return signatures[:min(len(signatures), waist.MaxSignatures)], raw, nil
}

// speaksOf compares a signature with what the document says of itself.
func speaksOf(s waist.ConfigurationSignature, cfg *waist.Configuration) error {
	if s.TenantID != cfg.TenantID || s.ServerID != cfg.ServerID || s.Revision != cfg.Revision {
		return fmt.Errorf("the signature speaks of revision %d of workspace %q, the configuration of revision %d of %q", s.Revision, s.ServerID, cfg.Revision, cfg.ServerID)
	}
	return nil
}

// goodUntil is when a signature ends: by its own word, or by CONFIG_MAX_STALENESS.
func goodUntil(s waist.ConfigurationSignature, maxStaleness time.Duration) time.Time {
	end, own := time.Unix(s.IssuedAt, 0).Add(maxStaleness), time.Unix(s.NotAfter, 0)
	if own.Before(end) {
		return own
	}
	return end
}

// save stores the configuration in use with its signatures; the sync calls it.
func (f *freshness) save(ctx context.Context) error {
	f.mu.Lock()
	snap, signatures := f.snap, f.signatures
	f.mu.Unlock()
	if f.keep == nil || snap == nil {
		return nil
	}
	if len(signatures) == 0 || len(snap.raw) == 0 {
		return errors.New("AWS_LOCAL_CONFIGURATION: the control plane does not sign its configuration, so it is not stored")
	}
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	if err := f.keep.Save(ctx, writeCopy(signatures, snap.raw)); err != nil {
		return fmt.Errorf("store the configuration (AWS_LOCAL_CONFIGURATION): %w", err)
	}
	return nil
}

// kept is what was found in the store.
type kept struct {
	snap       *snapshot
	signatures []string
	confirmed  time.Time
}

// load reads the stored copy. before is the snapshot in use, which may be too old; a copy of an older revision is a
// roll-back and refused. Nothing in the copy is looked at before its signature was found good.
func (f *freshness) load(ctx context.Context, before *snapshot) (kept, error) {
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	b, err := f.keep.Load(ctx)
	if err != nil {
		return kept{}, fmt.Errorf("read the stored configuration (AWS_LOCAL_CONFIGURATION): %w", err)
	}
	if b == nil {
		return kept{}, errors.New("no configuration is stored yet")
	}
	signatures, raw, err := readCopy(b)
	if err != nil {
		return kept{}, err
	}
	s, err := f.verify(signatures, raw)
	if err != nil {
		return kept{}, err
	}
	now, issued, end := f.now().Round(0), time.Unix(s.IssuedAt, 0), goodUntil(s, f.maxStaleness)
	switch {
	case !now.Before(end):
		return kept{}, fmt.Errorf("the stored configuration was last confirmed at %s and may be used until %s only", issued.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339))
	case issued.After(now.Add(clockSkew)):
		return kept{}, errors.New("the stored configuration was confirmed in the future; a clock is wrong")
	}
	cfg, err := acp.Decode(raw)
	if err == nil {
		err = errors.Join(speaksOf(s, cfg), acceptable(acp.Fetched{Configuration: cfg}, f.tenant, before, true))
	}
	if err != nil {
		return kept{}, fmt.Errorf("the stored configuration is refused: %w", err)
	}
	next, _ := prepare(cfg, s.ETag, f.host, f.tokens, before)
	next.raw = raw
	return kept{snap: next, signatures: signatures, confirmed: issued}, nil
}
