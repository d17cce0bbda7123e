package store

import (
	"context"

	"portcullis/edge/waist"
)

// TrustedIssuers are the other issuers that a workspace trusts; never nil.
func (r Reader) TrustedIssuers(ctx context.Context, tenant, workspace string) ([]waist.TrustedIssuer, error) {
	return one(ctx, r.q, func(s scanner) ([]waist.TrustedIssuer, error) {
		out := []waist.TrustedIssuer{}
		return out, s.Scan(fromJSON{&out})
	}, "SELECT trusted_issuers_json FROM workspaces WHERE tenant_id = $1 AND id = $2", tenant, workspace)
}

// SetTrustedIssuers replaces them.
func (tx *Tx) SetTrustedIssuers(ctx context.Context, tenant, workspace string, all []waist.TrustedIssuer) error {
	return tx.exec(ctx, "UPDATE workspaces SET trusted_issuers_json = $1 WHERE tenant_id = $2 AND id = $3", jsonList(all), tenant, workspace)
}
