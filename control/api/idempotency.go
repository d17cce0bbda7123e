package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
)

// Header names of retries, as published.
const (
	idempotencyKey     = "X-Idempotency-Key"
	idempotencyReplays = "X-Idempotent-Replayed"
)

// endTime is how long the answer of a request may take to be kept after the request itself is over.
const endTime = 5 * time.Second

// keptHeaders are those of an answer that its repetition carries as well.
var keptHeaders = []string{"Content-Type", "Etag", "Cache-Control"}

// retried makes a verb answer a repetition, which names itself by an X-Idempotency-Key, as it answered the first request,
// and change nothing. Only what was answered below 400 is kept: what failed may be tried again.
func (a *API) retried(v verb) verb {
	return func(w http.ResponseWriter, r *http.Request, actor control.Actor) error {
		key := r.Header.Get(idempotencyKey)
		if key == "" {
			return v(w, r, actor)
		}
		if len(key) < 32 || len(key) > 255 {
			return control.Errorf(control.Malformed, "", "%s must have 32 to 255 characters", idempotencyKey)
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, maxInventory+1))
		if err != nil {
			return control.Errorf(control.Malformed, "", "the body could not be read to its end; send it again")
		}
		if len(body) > maxInventory {
			return control.Errorf(control.Malformed, "body_too_large", "the body may have %d bytes", maxInventory)
		}
		what := sha256.New()
		io.WriteString(what, r.Method+" "+r.URL.Path+"?"+r.URL.RawQuery+"\n"+r.Header.Get("Content-Type")+"\n")
		what.Write(body)
		work, request, old, err := a.Admin.BeginRequest(r.Context(), actor.TenantID, actor.ID, key, [sha256.Size]byte(what.Sum(nil)))
		if err != nil {
			return err
		}
		if old != nil {
			for name, value := range old.Header {
				w.Header().Set(name, value)
			}
			w.Header().Set(idempotencyReplays, "true")
			w.WriteHeader(old.Status)
			w.Write(old.Body)
			return nil
		}
		end := func(answer *admin.Answer) {
			// Not under work, which would mark the request once more, and also when the caller has gone.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), endTime)
			defer cancel()
			if err := a.Admin.EndRequest(ctx, request, answer); err != nil {
				a.Logger.WarnContext(ctx, "the answer to a request with an idempotency key was not kept", "error", err.Error())
			}
		}
		again := r.WithContext(work)
		again.Body = io.NopCloser(bytes.NewReader(body))
		held := &heldAnswer{header: w.Header()}
		answered := false
		defer func() {
			if !answered { // an error, or a panic
				end(nil)
			}
		}()
		if err := v(held, again, actor); err != nil {
			return err
		}
		answered = true
		if held.status < 400 {
			answer := &admin.Answer{Status: held.status, Header: map[string]string{}, Body: held.body.Bytes()}
			for _, name := range keptHeaders {
				if value := w.Header().Get(name); value != "" {
					answer.Header[name] = value
				}
			}
			end(answer)
		} else {
			end(nil)
		}
		w.WriteHeader(held.status)
		w.Write(held.body.Bytes())
		return nil
	}
}

// heldAnswer holds an answer back until it is kept: who has seen it may rely on it.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *heldAnswer) Header() http.Header { return h.header }

func (h *heldAnswer) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *heldAnswer) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(b)
}
