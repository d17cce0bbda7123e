package admin

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/waist"
)

// signed holds the signatures over one document. They say when they were made, to the second, and are made again when
// somebody asks in another second, or when the client's secrets have changed.
type signed struct {
	mu      sync.Mutex
	second  int64
	secrets []string // ids of those that were signed for
	lines   []string
}

// signatures vouches for a document, once for each secret with which the gateway's client may identify itself: during a
// rotation some functions have the old one. A document that cannot be signed is sent without; what is missing then is
// the stored copy of a function, not its policies.
func (a *Admin) signatures(ctx context.Context, actor control.Actor, doc *document) []string {
	now := a.now()
	lines, err := func() ([]string, error) {
		all, err := recall(&a.cache, &a.cache.secrets, key(actor.TenantID, actor.ID), now, func() ([]store.ClientSecret, error) {
			return a.store.ClientSecrets(ctx, actor.TenantID, actor.ID)
		})
		if err != nil {
			return nil, err
		}
		valid := make([]store.ClientSecret, 0, len(all))
		ids := make([]string, 0, len(all))
		for _, s := range all {
			if (s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt)) && len(valid) < waist.MaxSignatures {
				valid, ids = append(valid, s), append(ids, s.ID)
			}
		}
		doc.signed.mu.Lock()
		defer doc.signed.mu.Unlock()
		if doc.signed.second == now.Unix() && slices.Equal(doc.signed.secrets, ids) {
			return doc.signed.lines, nil
		}
		lines, err := a.sign(actor, doc, valid, now)
		if err != nil {
			return nil, err
		}
		doc.signed.second, doc.signed.secrets, doc.signed.lines = now.Unix(), ids, lines
		return lines, nil
	}()
	if err != nil {
		a.log.WarnContext(ctx, "a configuration was sent without signatures", "gateway", doc.gateway, "error", err)
		return nil
	}
	return lines
}

func (a *Admin) sign(actor control.Actor, doc *document, secrets []store.ClientSecret, now time.Time) ([]string, error) {
	what := waist.ConfigurationSignature{TenantID: doc.config.TenantID, ServerID: doc.config.ServerID, GatewayID: doc.gateway, ClientID: actor.ID,
		Revision: doc.config.Revision, ETag: doc.etag, IssuedAt: now.Unix(), NotAfter: now.Add(waist.ConfigurationValidity).Unix()}
	lines := make([]string, len(secrets))
	for i, s := range secrets {
		secret, err := a.keyring.open(secretPlace(s.TenantID, s.ClientID, s.ID), s.Sealed)
		if err != nil {
			return nil, err
		}
		if lines[i], err = what.Sign(string(secret), doc.json); err != nil {
			return nil, fmt.Errorf("admin: %w", err)
		}
	}
	return lines, nil
}
