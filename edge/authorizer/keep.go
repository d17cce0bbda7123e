package authorizer

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"portcullis/edge/acp"
)

// Keep stores the last good configuration outside the environment, for a cold start while the control plane is away
// (AWS_LOCAL_CONFIGURATION). The scheduled sync saves; an environment without a usable configuration loads.
//
// Whoever can write to the store is not trusted: a copy counts only with a seal made with a key that is derived from the
// client secret, which the control plane and this gateway's functions share and nobody else has. The seal covers the
// exact bytes of the configuration, whose it is, its revision, and when the control plane last vouched for it. From that
// moment CONFIG_MAX_STALENESS runs, so that an old copy put back is of no use after it, and an environment that knows a
// newer revision refuses it before.
type Keep struct {
	Save func(ctx context.Context, sealed []byte) error
	// Load returns nil bytes when nothing is stored.
	Load func(ctx context.Context) ([]byte, error)
	// Secret is the client secret; ClientID and Issuer tell the gateways of one store apart.
	Secret, ClientID, Issuer string
}

// seal is the first line of a copy; the configuration's bytes follow.
type seal struct {
	Format    int       `json:"format"`
	Tenant    string    `json:"tenant"`
	Server    string    `json:"server"`
	ClientID  string    `json:"client_id"`
	Issuer    string    `json:"issuer"`
	Revision  int64     `json:"revision"`
	ETag      string    `json:"etag,omitempty"`
	Confirmed time.Time `json:"confirmed"` // when the control plane last sent it, or said that it is unchanged
	NotAfter  time.Time `json:"not_after"`
	Size      int       `json:"size"` // of what follows
}

const (
	sealFormat  = 1
	maxSealLine = 4096
	keepTimeout = 3 * time.Second
)

var errSeal = errors.New("the seal does not fit: the stored configuration was not written by this gateway, was altered, or the client secret changed since")

func (k *Keep) mac(header string, body []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, []byte(k.Secret), nil, "portcullis stored configuration v1", sha256.Size)
	if err != nil {
		return nil, err
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte(header))
	m.Write([]byte{'\n'})
	m.Write(body)
	return m.Sum(nil), nil
}

// wrap seals a configuration: "{header}.{mac}\n{bytes}", both in base64url.
func (k *Keep) wrap(s seal, raw []byte) ([]byte, error) {
	s.Format, s.ClientID, s.Issuer, s.Size = sealFormat, k.ClientID, k.Issuer, len(raw)
	h, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	header := base64.RawURLEncoding.EncodeToString(h)
	mac, err := k.mac(header, raw)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(header)+64+len(raw))
	out = append(append(out, header...), '.')
	out = base64.RawURLEncoding.AppendEncode(out, mac)
	return append(append(out, '\n'), raw...), nil
}

// unwrap checks a copy and returns what it holds. Nothing in it is looked at before its seal was found good.
func (k *Keep) unwrap(sealed []byte, now time.Time) (seal, []byte, error) {
	line, raw, ok := bytes.Cut(sealed, []byte{'\n'})
	header, macText, ok2 := bytes.Cut(line, []byte{'.'})
	if !ok || !ok2 || len(line) > maxSealLine {
		return seal{}, nil, errSeal
	}
	mac, err := base64.RawURLEncoding.DecodeString(string(macText))
	if err != nil {
		return seal{}, nil, errSeal
	}
	want, err := k.mac(string(header), raw)
	if err != nil || !hmac.Equal(mac, want) {
		return seal{}, nil, errSeal
	}
	h, err := base64.RawURLEncoding.DecodeString(string(header))
	if err != nil {
		return seal{}, nil, errSeal
	}
	var s seal
	if err := json.Unmarshal(h, &s); err != nil || s.Format != sealFormat || s.Size != len(raw) {
		return seal{}, nil, errSeal
	}
	switch {
	case s.ClientID != k.ClientID || s.Issuer != k.Issuer:
		return seal{}, nil, errors.New("the stored configuration is that of another gateway")
	case !now.Before(s.NotAfter):
		return seal{}, nil, fmt.Errorf("the stored configuration was last confirmed at %s and may be used until %s only", s.Confirmed.UTC().Format(time.RFC3339), s.NotAfter.UTC().Format(time.RFC3339))
	case s.Confirmed.After(now.Add(5 * time.Minute)):
		return seal{}, nil, errors.New("the stored configuration was confirmed in the future; a clock is wrong")
	}
	return s, raw, nil
}

// save stores the configuration in use; the sync calls it.
func (f *freshness) save(ctx context.Context) error {
	f.mu.Lock()
	snap, checked := f.snap, f.checked
	f.mu.Unlock()
	if f.keep == nil || snap == nil || len(snap.raw) == 0 {
		return nil
	}
	sealed, err := f.keep.wrap(seal{Tenant: snap.cfg.TenantID, Server: snap.cfg.ServerID, Revision: snap.cfg.Revision, ETag: snap.etag,
		Confirmed: checked.Round(0), NotAfter: checked.Round(0).Add(f.maxStaleness)}, snap.raw)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	if err := f.keep.Save(ctx, sealed); err != nil {
		return fmt.Errorf("store the configuration (AWS_LOCAL_CONFIGURATION): %w", err)
	}
	return nil
}

// load reads the stored copy. before is the snapshot in use, which may be too old; a copy of an older revision is a
// roll-back and refused.
func (f *freshness) load(ctx context.Context, before *snapshot) (*snapshot, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	sealed, err := f.keep.Load(ctx)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read the stored configuration (AWS_LOCAL_CONFIGURATION): %w", err)
	}
	if sealed == nil {
		return nil, time.Time{}, errors.New("no configuration is stored yet")
	}
	s, raw, err := f.keep.unwrap(sealed, f.now().Round(0))
	if err != nil {
		return nil, time.Time{}, err
	}
	cfg, err := acp.Decode(raw)
	if err != nil {
		return nil, time.Time{}, err
	}
	if err := acceptable(acp.Fetched{Configuration: cfg}, f.tenant, before, true); err != nil {
		return nil, time.Time{}, fmt.Errorf("the stored configuration is refused: %w", err)
	}
	next, _ := prepare(cfg, s.ETag, f.host, f.tokens, before)
	next.raw = raw
	return next, s.Confirmed, nil
}
