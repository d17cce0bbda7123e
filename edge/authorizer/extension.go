package authorizer

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Extension is an internal Lambda extension ("Lambda Extensions API"): it keeps the environment awake after an answer
// has left, for the work that the answer must not wait for.
//
// Lambda calls an environment free when the runtime and every extension have asked for the next event; the caller has
// the answer as soon as the runtime posted it. The work in between costs billed time and no latency.
type Extension struct {
	base     string
	id       string
	client   *http.Client
	answered chan struct{}
	after    func(context.Context)
	log      *slog.Logger
}

// extensionMargin is kept of the invocation's time: work that overruns it would be cut off with the environment.
const extensionMargin = 500 * time.Millisecond

// RegisterExtension registers at the Extensions API for INVOKE. It must be called before the runtime asks for its first
// event. runtimeAPI is AWS_LAMBDA_RUNTIME_API, "host:port". Where registration is refused the caller goes on without.
func RegisterExtension(ctx context.Context, runtimeAPI string, after func(context.Context), log *slog.Logger) (*Extension, error) {
	x := &Extension{
		base:   "http://" + runtimeAPI + "/2020-01-01/extension/",
		client: &http.Client{}, // waiting for the next event has no time limit
		after:  after, log: log,
		answered: make(chan struct{}, 64),
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, x.base+"register", strings.NewReader(`{"events":["INVOKE"]}`))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Lambda-Extension-Name", "portcullis-after-answer")
	req.Header.Set("Content-Type", "application/json")
	res, err := x.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("register the extension: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("register the extension: the Extensions API answered %d", res.StatusCode)
	}
	if x.id = res.Header.Get("Lambda-Extension-Identifier"); x.id == "" {
		return nil, fmt.Errorf("register the extension: no identifier in the answer")
	}
	return x, nil
}

// Answered tells the extension that an answer was posted. Call it once per invocation.
func (x *Extension) Answered() {
	select {
	case x.answered <- struct{}{}:
	default: // 64 answers ahead of the events: the loop has ended
	}
}

// Run serves events until ctx ends or the API fails. Each invocation gets one event here and one Answered.
func (x *Extension) Run(ctx context.Context) error {
	for {
		deadline, err := x.next(ctx)
		if err != nil {
			return err
		}
		work, cancel := context.WithDeadline(ctx, deadline.Add(-extensionMargin))
		select {
		case <-x.answered:
			x.work(work)
		case <-work.Done():
		}
		cancel()
	}
}

func (x *Extension) work(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			x.log.Error("the work after an answer failed", "panic", panicText(p))
		}
	}()
	x.after(ctx)
}

// next waits for the next INVOKE and returns its deadline.
func (x *Extension) next(ctx context.Context) (time.Time, error) {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, x.base+"event/next", nil)
		if err != nil {
			return time.Time{}, err
		}
		req.Header.Set("Lambda-Extension-Identifier", x.id)
		res, err := x.client.Do(req)
		if err != nil {
			return time.Time{}, fmt.Errorf("wait for the next event: %w", err)
		}
		body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
		res.Body.Close()
		if err != nil {
			return time.Time{}, fmt.Errorf("wait for the next event: %w", err)
		}
		if res.StatusCode != http.StatusOK {
			return time.Time{}, fmt.Errorf("wait for the next event: the Extensions API answered %d", res.StatusCode)
		}
		var e struct {
			EventType  string `json:"eventType"`
			DeadlineMS int64  `json:"deadlineMs"`
		}
		if err := json.Unmarshal(body, &e); err != nil {
			return time.Time{}, fmt.Errorf("wait for the next event: %w", err)
		}
		if e.EventType == "INVOKE" {
			return time.UnixMilli(e.DeadlineMS), nil
		}
	}
}

// HasExtension tells the Authorizer that AfterAnswer is called by an extension, so that no answer waits for a flush.
func (a *Authorizer) HasExtension() { a.afterAnswer = true }
