package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/edge/waist"
)

const policyColumns = "p.tenant_id, p.id, p.workspace_id, p.name, p.language, p.type, p.definition, p.validators_json, p.env_version"

func policyDest(p *control.Policy) []any {
	p.Validators = []waist.Validator{}
	return []any{&p.TenantID, &p.ID, &p.ServerID, &p.PolicyName, &p.Language, &p.Type, &p.Definition, fromJSON{&p.Validators}, &p.EnvVersion}
}

func scanPolicy(s scanner) (p control.Policy, err error) { return p, s.Scan(policyDest(&p)...) }

// Policy reads one.
func (r Reader) Policy(ctx context.Context, tenant, id string) (control.Policy, error) {
	return one(ctx, r.q, scanPolicy, "SELECT "+policyColumns+" FROM policies p WHERE p.tenant_id = $1 AND p.id = $2", tenant, id)
}

// Policies lists the policies of a workspace with how many APIs use each; types empty means all.
func (r Reader) Policies(ctx context.Context, tenant, workspace string, types []string, p Page) ([]control.PolicySummary, error) {
	var w where
	w.add("p.tenant_id = ?", tenant)
	w.add("p.workspace_id = ?", workspace)
	w.in("p.type", types)
	return page(ctx, r.q, func(s scanner) (x control.PolicySummary, err error) {
		return x, s.Scan(append(policyDest(&x.Policy), &x.UsedBy)...)
	}, "SELECT "+policyColumns+`,
		(SELECT COUNT(*) FROM apis a WHERE a.tenant_id = p.tenant_id AND a.policy_id = p.id) FROM policies p`, &w, "p.id", "p.name", p)
}

// PoliciesOf lists the whole policies of a workspace, by id.
func (r Reader) PoliciesOf(ctx context.Context, tenant, workspace string) ([]control.Policy, error) {
	return list(ctx, r.q, scanPolicy, "SELECT "+policyColumns+" FROM policies p WHERE p.tenant_id = $1 AND p.workspace_id = $2 ORDER BY p.id LIMIT "+
		strconv.Itoa(MaxPage), tenant, workspace)
}

// in adds "column IN (…)" unless values is empty.
func (w *where) in(column string, values []string) {
	if len(values) == 0 {
		return
	}
	cond := column + " IN ("
	args := make([]any, len(values))
	for i, v := range values {
		if i > 0 {
			cond += ", "
		}
		cond += "?"
		args[i] = v
	}
	w.add(cond+")", args...)
}

// any adds one of several conditions by their names, joined by OR; unknown names match nothing, no names everything.
func (w *where) any(names []string, conditions map[string]string) {
	if len(names) == 0 {
		return
	}
	parts := []string{"1 = 0"}
	for _, n := range names {
		if c, ok := conditions[n]; ok && !slices.Contains(parts, c) {
			parts = append(parts, c)
		}
	}
	w.conds = append(w.conds, "("+strings.Join(parts, " OR ")+")")
}

// AddPolicy makes a policy; ErrExists when the id is taken in the tenant.
func (tx *Tx) AddPolicy(ctx context.Context, p control.Policy, now time.Time) error {
	return tx.exec(ctx, `INSERT INTO policies (tenant_id, id, workspace_id, name, language, type, definition, validators_json, env_version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		p.TenantID, p.ID, p.ServerID, p.PolicyName, p.Language, p.Type, p.Definition, jsonList(p.Validators), p.EnvVersion, micros(now), micros(now))
}

// SetPolicy changes a policy's name and body.
func (tx *Tx) SetPolicy(ctx context.Context, p control.Policy, now time.Time) error {
	return tx.exec(ctx, `UPDATE policies SET name = $1, language = $2, type = $3, definition = $4, validators_json = $5, env_version = $6, updated_at = $7
		WHERE tenant_id = $8 AND id = $9`,
		p.PolicyName, p.Language, p.Type, p.Definition, jsonList(p.Validators), p.EnvVersion, micros(now), p.TenantID, p.ID)
}

// SetEmbeds records which policies a policy embeds; ErrReferenced when one of them is not there.
func (tx *Tx) SetEmbeds(ctx context.Context, tenant, policy string, embedded []string) error {
	if _, err := tx.count(ctx, "DELETE FROM policy_embeds WHERE tenant_id = $1 AND policy_id = $2", tenant, policy); err != nil {
		return err
	}
	for _, id := range embedded {
		if err := tx.exec(ctx, "INSERT INTO policy_embeds (tenant_id, policy_id, embedded_id) VALUES ($1, $2, $3)", tenant, policy, id); err != nil {
			return err
		}
	}
	return nil
}

// Embeds are the pairs (policy, embedded policy) of a workspace.
func (r Reader) Embeds(ctx context.Context, tenant, workspace string) ([][2]string, error) {
	return list(ctx, r.q, func(s scanner) (e [2]string, err error) { return e, s.Scan(&e[0], &e[1]) },
		`SELECT e.policy_id, e.embedded_id FROM policies p JOIN policy_embeds e ON e.tenant_id = p.tenant_id AND e.policy_id = p.id
		WHERE p.tenant_id = $1 AND p.workspace_id = $2 ORDER BY e.policy_id, e.embedded_id`, tenant, workspace)
}

// EmbeddersOf are the ids of at most limit policies that embed a policy.
func (r Reader) EmbeddersOf(ctx context.Context, tenant, policy string, limit int) ([]string, error) {
	return list(ctx, r.q, scanString, "SELECT policy_id FROM policy_embeds WHERE tenant_id = $1 AND embedded_id = $2 ORDER BY policy_id LIMIT "+strconv.Itoa(limit), tenant, policy)
}

func scanString(s scanner) (v string, err error) { return v, s.Scan(&v) }

// RemovePolicy removes a policy; ErrReferenced while it is in use.
func (tx *Tx) RemovePolicy(ctx context.Context, tenant, id string) error {
	return tx.exec(ctx, "DELETE FROM policies WHERE tenant_id = $1 AND id = $2", tenant, id)
}
