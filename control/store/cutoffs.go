package store

import (
	"context"
	"time"
)

// EndTokens makes every access token of a workspace that was issued until now count as revoked, and ends the grants behind
// them with their codes and refresh tokens: those of a client, of a subject (a user), of both at once, or, where both are
// empty, all. expires is when the last of those tokens ends by itself.
func (tx *Tx) EndTokens(ctx context.Context, tenant, workspace, client, subject string, now, expires time.Time) error {
	_, err := tx.count(ctx, `INSERT INTO token_cutoffs (tenant_id, workspace_id, client_id, subject, issued_until, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (tenant_id, workspace_id, client_id, subject) DO UPDATE SET issued_until = excluded.issued_until, expires_at = excluded.expires_at`,
		tenant, workspace, client, subject, micros(now), micros(expires))
	if err != nil {
		return err
	}
	var w where
	w.add("tenant_id = ?", tenant)
	w.add("workspace_id = ?", workspace)
	if client != "" {
		w.add("client_id = ?", client)
	}
	if subject != "" {
		w.add("user_id = ?", subject)
	}
	_, err = tx.count(ctx, "DELETE FROM grants"+w.String(), w.args...)
	return err
}

// TokensEnded reports whether a token of a client for a subject, issued at a time, was ended by EndTokens.
func (r Reader) TokensEnded(ctx context.Context, tenant, workspace, client, subject string, issued time.Time) (bool, error) {
	var n int
	err := r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM token_cutoffs WHERE tenant_id = $1 AND workspace_id = $2
		AND (client_id = '' OR client_id = $3) AND (subject = '' OR subject = $4) AND issued_until >= $5`,
		tenant, workspace, client, subject, micros(issued)).Scan(&n)
	return n > 0, wrap(err)
}

// PruneCutoffs forgets what concerns only tokens that have ended by themselves.
func (tx *Tx) PruneCutoffs(ctx context.Context, now time.Time) error {
	_, err := tx.count(ctx, "DELETE FROM token_cutoffs WHERE expires_at < $1", micros(now))
	return err
}
