package store

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// Request is a request that named itself by an idempotency key.
type Request struct {
	TenantID, ActorID, KeyHash string
	RequestHash                string // of what was asked for
	Claim                      string // who holds it works on the request
	ClaimedUntil               time.Time
	CarriedOut                 bool   // its change is committed
	Answer                     string // sealed; "" while there is none
	CreatedAt, ExpiresAt       time.Time
}

func scanRequest(s scanner) (r Request, err error) {
	return r, s.Scan(&r.TenantID, &r.ActorID, &r.KeyHash, &r.RequestHash, &r.Claim, at{&r.ClaimedUntil}, &r.CarriedOut, &r.Answer, at{&r.CreatedAt}, at{&r.ExpiresAt})
}

// ClaimRequest stores a request that nobody has stored, or returns the one that is there: of two that come at once, one
// stores it. What is over is removed on the way, and all but the newest keep requests of the actor.
func (tx *Tx) ClaimRequest(ctx context.Context, want Request, keep int) (have Request, claimed bool, err error) {
	if _, err := tx.count(ctx, `DELETE FROM idempotent_requests WHERE tenant_id = $1 AND actor_id = $2 AND key_hash = $3 AND expires_at <= $4`,
		want.TenantID, want.ActorID, want.KeyHash, micros(want.CreatedAt)); err != nil {
		return have, false, err
	}
	if _, err := tx.count(ctx, `DELETE FROM idempotent_requests WHERE (tenant_id, actor_id, key_hash) IN
		(SELECT tenant_id, actor_id, key_hash FROM idempotent_requests WHERE expires_at <= $1 ORDER BY tenant_id, actor_id, key_hash LIMIT `+pruneAtOnce+`)`,
		micros(want.CreatedAt)); err != nil {
		return have, false, err
	}
	if _, err := tx.count(ctx, `DELETE FROM idempotent_requests WHERE tenant_id = $1 AND actor_id = $2 AND created_at < (SELECT MIN(created_at) FROM
		(SELECT created_at FROM idempotent_requests WHERE tenant_id = $3 AND actor_id = $4 ORDER BY created_at DESC LIMIT `+strconv.Itoa(keep)+`) newest)`,
		want.TenantID, want.ActorID, want.TenantID, want.ActorID); err != nil {
		return have, false, err
	}
	n, err := tx.count(ctx, `INSERT INTO idempotent_requests (tenant_id, actor_id, key_hash, request_hash, claim, claimed_until, carried_out, answer, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, $9) ON CONFLICT (tenant_id, actor_id, key_hash) DO NOTHING`,
		want.TenantID, want.ActorID, want.KeyHash, want.RequestHash, want.Claim, micros(want.ClaimedUntil), false, micros(want.CreatedAt), micros(want.ExpiresAt))
	if err != nil || n > 0 {
		return want, n > 0, err
	}
	have, err = one(ctx, tx.q, scanRequest, `SELECT tenant_id, actor_id, key_hash, request_hash, claim, claimed_until, carried_out, answer, created_at, expires_at
		FROM idempotent_requests WHERE tenant_id = $1 AND actor_id = $2 AND key_hash = $3`, want.TenantID, want.ActorID, want.KeyHash)
	return have, false, err
}

// TakeOver gives a request to somebody else whose turn it is, because its claim ran out and nothing was carried out;
// ErrNotFound when that is no longer so.
func (tx *Tx) TakeOver(ctx context.Context, have Request, claim string, until time.Time) error {
	return tx.exec(ctx, `UPDATE idempotent_requests SET claim = $1, claimed_until = $2 WHERE tenant_id = $3 AND actor_id = $4 AND key_hash = $5 AND claim = $6 AND NOT carried_out`,
		claim, micros(until), have.TenantID, have.ActorID, have.KeyHash, have.Claim)
}

// SetAnswer stores what a request was answered; ErrNotFound when the claim has passed to somebody else.
func (tx *Tx) SetAnswer(ctx context.Context, r Request, answer string) error {
	return tx.exec(ctx, "UPDATE idempotent_requests SET answer = $1 WHERE tenant_id = $2 AND actor_id = $3 AND key_hash = $4 AND claim = $5",
		answer, r.TenantID, r.ActorID, r.KeyHash, r.Claim)
}

// ReleaseRequest ends the claim on a request that has no answer to keep: one that changed nothing is forgotten, so that it
// may be tried again at once, and one that was carried out stays that.
func (tx *Tx) ReleaseRequest(ctx context.Context, r Request) error {
	const mine = " WHERE tenant_id = $1 AND actor_id = $2 AND key_hash = $3 AND claim = $4 AND "
	_, err := tx.count(ctx, "DELETE FROM idempotent_requests"+mine+"NOT carried_out", r.TenantID, r.ActorID, r.KeyHash, r.Claim)
	if err != nil {
		return err
	}
	_, err = tx.count(ctx, "UPDATE idempotent_requests SET claimed_until = 0"+mine+"carried_out", r.TenantID, r.ActorID, r.KeyHash, r.Claim)
	return err
}

type (
	requestKey struct{}
	withinKey  struct{}
)

// ErrClaimLost is what a transaction answers when the request that it works for was given to somebody else meanwhile.
var ErrClaimLost = errors.New("store: the request was taken over")

// Working is a context in which every transaction marks a claimed request as carried out, as the last thing it does: the
// change and that it was made are one commit.
func Working(ctx context.Context, r Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// carryOut marks the request of the context.
func (tx *Tx) carryOut(ctx context.Context) error {
	r, ok := ctx.Value(requestKey{}).(Request)
	if !ok {
		return nil
	}
	err := tx.exec(ctx, "UPDATE idempotent_requests SET carried_out = $1 WHERE tenant_id = $2 AND actor_id = $3 AND key_hash = $4 AND claim = $5",
		true, r.TenantID, r.ActorID, r.KeyHash, r.Claim)
	if errors.Is(err, ErrNotFound) {
		return ErrClaimLost
	}
	return err
}

// Within is a context in which the Store that tx belongs to reads inside tx, so that what was read outside can be read
// again under the transaction's locks. It ends with the transaction.
func (tx *Tx) Within(ctx context.Context) context.Context {
	return context.WithValue(ctx, withinKey{}, tx)
}

func within(ctx context.Context) *Tx {
	tx, _ := ctx.Value(withinKey{}).(*Tx)
	return tx
}
