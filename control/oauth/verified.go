package oauth

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"portcullis/control/admin"
	"portcullis/control/store"
)

// maxVerified bounds what each of the two memories below holds; a full one starts anew.
const maxVerified = 10_000

// verifiedTokens remembers what a signature was found to cover, so that a caller who comes every few seconds with the same
// token costs one verification in the token's life. It says nothing about time or revocation, which are looked at anew
// each time, and holds only for as long as the key that signed is one of the workspace's.
// What it returns is shared: read it, do not change it.
type verifiedTokens struct {
	mu   sync.Mutex
	seen map[[sha256.Size]byte]verifiedToken // :: hash of workspace and token
}

type verifiedToken struct {
	tenant string // whose key it was
	kid    string
	claims Claims
}

func verifiedKey(wid, bearer string) [sha256.Size]byte {
	return sha256.Sum256([]byte(wid + "\x00" + bearer))
}

// tenantOf is TenantOf for a token that comes again, without taking it apart.
func (v *verifiedTokens) tenantOf(wid, bearer string) string {
	v.mu.Lock()
	t, ok := v.seen[verifiedKey(wid, bearer)]
	v.mu.Unlock()
	if ok {
		return t.tenant
	}
	return TenantOf(bearer)
}

func (v *verifiedTokens) find(tenant, wid, bearer string, keys []admin.SigningKey) (Claims, bool) {
	v.mu.Lock()
	t, ok := v.seen[verifiedKey(wid, bearer)]
	v.mu.Unlock()
	if !ok || t.tenant != tenant {
		return Claims{}, false
	}
	for _, k := range keys {
		if k.ID == t.kid { // the id of a key is the hash of its public part
			return t.claims, true
		}
	}
	return Claims{}, false
}

func (v *verifiedTokens) remember(tenant, wid, bearer, kid string, c Claims) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen == nil || len(v.seen) >= maxVerified {
		v.seen = map[[sha256.Size]byte]verifiedToken{}
	}
	v.seen[verifiedKey(wid, bearer)] = verifiedToken{tenant, kid, c}
}

// notRevoked asks the store whether the token or its grant was ended; what was good is believed for goodFor.
func (i *Issuer) notRevoked(ctx context.Context, c Claims) error {
	now := i.now()
	if i.good.recently(c.ID, now) {
		return nil
	}
	revoked, err := i.store.Revoked(ctx, c.Tenant, c.Workspace, c.ID)
	if err != nil {
		return err
	}
	if !revoked && c.Grant != "" {
		_, err := i.store.Grant(ctx, c.Tenant, c.Grant)
		if revoked = errors.Is(err, store.ErrNotFound); err != nil && !revoked {
			return err
		}
	}
	if !revoked {
		if revoked, err = i.store.TokensEnded(ctx, c.Tenant, c.Workspace, c.ClientID, c.Subject, time.Unix(c.IssuedAt, 0)); err != nil {
			return err
		}
	}
	if revoked {
		return errToken
	}
	i.good.remember(c.ID, now)
	return nil
}

// goodFor is how long a revocation on another node may stay unseen.
const goodFor = 500 * time.Millisecond

// goodTokens remembers tokens that were not revoked a moment ago, so that a busy caller costs one read per moment.
type goodTokens struct {
	mu   sync.Mutex
	seen map[string]time.Time // :: jti → when the store was asked
}

func (g *goodTokens) recently(id string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at, ok := g.seen[id]
	return ok && now.Sub(at) < goodFor
}

func (g *goodTokens) remember(id string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen == nil || len(g.seen) >= maxVerified {
		g.seen = map[string]time.Time{}
	}
	g.seen[id] = now
}

// forget is called where something is revoked on this node.
func (g *goodTokens) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen = nil
}
