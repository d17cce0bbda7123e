package admin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"portcullis/control"
	"portcullis/control/store"
)

// How requests with an idempotency key are kept.
const (
	keepAnswers   = 24 * time.Hour
	maxAnswers    = 10_000 // per actor; the oldest go first
	maxAnswerSize = 64 << 10
	// claimTime is how long one node may work on a request before another may try; longer than any request lasts.
	claimTime = 3 * time.Minute
)

// Request is a request with an idempotency key that is being worked on.
type Request struct{ row store.Request }

// Answer is what a request was answered.
type Answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	Body   []byte            `json:"-"`
}

func requestUnderWay() error {
	e := control.Errorf(control.Conflict, "request_under_way", "the first request with this idempotency key is still being worked on; try again shortly")
	e.RetryAfter = 1
	return e
}

// BeginRequest says whether a request with an idempotency key is a repetition, on whichever node the first one was. For a
// new one, ctx is the context to work on it with: every transaction under it marks the request as carried out in the same
// commit, so that nothing is done twice even when a node dies before it can answer. The caller ends it by EndRequest. For a
// repetition, answer is that of the first.
//
// It authorises nothing: an actor (its id) is shown what the same actor was answered. what identifies what is asked for.
func (a *Admin) BeginRequest(ctx context.Context, tenant, actor, key string, what [sha256.Size]byte) (work context.Context, request *Request, answer *Answer, err error) {
	now := a.now()
	sum := sha256.Sum256([]byte(key))
	want := store.Request{TenantID: tenant, ActorID: actor, KeyHash: hex.EncodeToString(sum[:]), RequestHash: hex.EncodeToString(what[:]),
		Claim: store.NewID(), ClaimedUntil: now.Add(claimTime), CreatedAt: now, ExpiresAt: now.Add(keepAnswers)}
	var have store.Request
	err = a.store.Tx(ctx, func(tx *store.Tx) error {
		var claimed bool
		have, claimed, err = tx.ClaimRequest(ctx, want, maxAnswers)
		switch {
		case err != nil || claimed:
			return err
		case have.RequestHash != want.RequestHash:
			return control.Errorf(control.Invalid, "idempotency_key_reused", "this idempotency key was used for another request in the last 24 hours; use a new key for a new request")
		case have.Answer != "":
			return nil
		case now.Before(have.ClaimedUntil):
			return requestUnderWay()
		case have.CarriedOut:
			return answerLost()
		}
		if err := tx.TakeOver(ctx, have, want.Claim, want.ClaimedUntil); err != nil {
			if errors.Is(err, store.ErrNotFound) {
				return requestUnderWay()
			}
			return err
		}
		have = want
		return nil
	})
	if err != nil {
		return nil, nil, nil, internal(err)
	}
	if have.Claim == want.Claim {
		return store.Working(ctx, have), &Request{have}, nil, nil
	}
	if answer, err = a.openAnswer(have); err != nil {
		return nil, nil, nil, err
	}
	return nil, nil, answer, nil
}

func answerLost() error {
	return control.Errorf(control.Conflict, "answer_not_kept", "the first request with this idempotency key was carried out, and its answer was not kept; read what it made instead of repeating it")
}

// EndRequest keeps the answer of a request for its repetitions, sealed, because it may hold a secret. Without an answer
// (nil), or with one that is too large to be kept, a request that changed something stays carried out, and one that changed
// nothing may be tried again.
func (a *Admin) EndRequest(ctx context.Context, r *Request, answer *Answer) error {
	if answer == nil || len(answer.Body) > maxAnswerSize {
		return internal(a.store.Tx(ctx, func(tx *store.Tx) error { return tx.ReleaseRequest(ctx, r.row) }))
	}
	head, err := json.Marshal(answer)
	if err != nil {
		return internal(err)
	}
	sealed := a.keyring.seal(requestPlace(r.row), append(append(head, '\n'), answer.Body...))
	err = a.store.Tx(ctx, func(tx *store.Tx) error { return tx.SetAnswer(ctx, r.row, sealed) })
	return internal(notFoundOnly(err)) // taken over meanwhile: that one's answer counts
}

// openAnswer opens a kept answer. One that was sealed with a key that is gone is lost.
func (a *Admin) openAnswer(r store.Request) (*Answer, error) {
	text, err := a.keyring.open(requestPlace(r), r.Answer)
	if err != nil {
		a.log.Warn("the answer to a repeated request cannot be read", "error", err.Error())
		return nil, answerLost()
	}
	head, body, _ := bytes.Cut(text, []byte{'\n'})
	var out Answer
	if err := json.Unmarshal(head, &out); err != nil {
		return nil, internal(err)
	}
	out.Body = body
	return &out, nil
}

func requestPlace(r store.Request) string {
	return "idempotent_requests/" + r.TenantID + "/" + r.ActorID + "/" + r.KeyHash + "/" + r.Claim
}
