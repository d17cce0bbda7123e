package authorizer

import (
	"errors"
	"fmt"

	"portcullis/edge/acp"
	"portcullis/edge/policy"
	"portcullis/edge/token"
	"portcullis/edge/waist"
)

// snapshot is one configuration made ready: everything a decision needs, immutable but for the token cache.
type snapshot struct {
	cfg      *waist.Configuration
	etag     string
	raw      []byte // as it was fetched; kept only where it is stored
	index    *index
	policies *policy.Set
	verifier *token.Verifier
}

// prepare makes a snapshot of a fetched configuration. before is the one in use, nil at first; from it come the fetched
// keys of unchanged issuers. Problems are worth a log line; they cost the feature they name (an issuer's tokens), not
// the configuration.
func prepare(cfg *waist.Configuration, etag, host string, o token.Options, before *snapshot) (s *snapshot, problems []error) {
	issuers := make([]token.Issuer, 0, 1+len(cfg.TrustedIssuers))
	issuers = append(issuers, token.Issuer{URL: cfg.IssuerURL, JWKSURL: cfg.JWKSURL, JWKS: inline(cfg.JWKS)})
	for _, t := range cfg.TrustedIssuers {
		issuers = append(issuers, token.Issuer{URL: t.IssuerURL, JWKSURL: t.JWKSURL, JWKS: inline(t.JWKS), Audiences: t.Audiences})
	}
	s = &snapshot{cfg: cfg, etag: etag, index: newIndex(cfg, host)}
	if before == nil {
		s.verifier, problems = token.New(o, issuers)
	} else {
		s.verifier, problems = before.verifier.Next(issuers)
	}
	s.policies = policy.Compile(cfg.Policies, policy.Options{})
	return s, problems
}

// inline is the key set, or nothing for a JSON null.
func inline(jwks []byte) []byte {
	if string(jwks) == "null" {
		return nil
	}
	return jwks
}

// Refusals of a configuration that was fetched whole and readable.
var errOlderRevision = errors.New("it is older than the one in use")

// acceptable says whether a fetched configuration may follow the one in use. It must belong to our tenant and to the
// workspace of the first one; a lower revision is refused while a newer one is still usable.
func acceptable(f acp.Fetched, tenant string, before *snapshot, usable bool) error {
	cfg := f.Configuration
	if cfg.TenantID != tenant {
		return fmt.Errorf("it belongs to tenant %q, this authorizer to %q", cfg.TenantID, tenant)
	}
	if before == nil {
		return nil
	}
	if cfg.ServerID != before.cfg.ServerID {
		return fmt.Errorf("it belongs to workspace %q, the one before to %q", cfg.ServerID, before.cfg.ServerID)
	}
	if usable && cfg.Revision < before.cfg.Revision {
		return fmt.Errorf("%w: revision %d after %d", errOlderRevision, cfg.Revision, before.cfg.Revision)
	}
	return nil
}
