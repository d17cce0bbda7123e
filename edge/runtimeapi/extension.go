package runtimeapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"portcullis/edge/scan"
)

// Extension is an internal Lambda extension: it keeps the environment awake after an answer has left, for the work that
// the answer must not wait for.
//
// Lambda calls an environment free when the runtime and every extension have asked for the next event; the caller has
// the answer as soon as the runtime posted it. The work in between costs billed time and no latency.
type Extension struct {
	conn     conn
	header   string // identifies the extension
	answered chan struct{}
	after    func(context.Context)
	log      *slog.Logger
}

// extensionMargin is kept of the invocation's time: work that overruns it would be cut off with the environment.
const extensionMargin = 500 * time.Millisecond

const extensions = "/2020-01-01/extension/"

// Register registers at the Extensions API for INVOKE. It must be called before the loop asks for its first event. addr
// is AWS_LAMBDA_RUNTIME_API, host:port. Where registration is refused the caller goes on without.
func Register(ctx context.Context, addr string, after func(context.Context), log *slog.Logger) (*Extension, error) {
	x := &Extension{conn: conn{addr: addr}, after: after, log: log, answered: make(chan struct{}, 64)}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	a, err := x.conn.do(ctx, call{method: http.MethodPost, path: extensions + "register",
		header: "Lambda-Extension-Name: portcullis-after-answer\r\n", body: []byte(`{"events":["INVOKE"]}`)})
	if err != nil {
		return nil, fmt.Errorf("register the extension: %w", err)
	}
	if a.status != http.StatusOK {
		x.conn.close()
		return nil, fmt.Errorf("register the extension: the Extensions API answered %d", a.status)
	}
	id := a.header.Get("Lambda-Extension-Identifier")
	if id == "" {
		x.conn.close()
		return nil, errors.New("register the extension: no identifier in the answer")
	}
	x.header = "Lambda-Extension-Identifier: " + id + "\r\n"
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
	defer x.conn.close()
	for {
		deadline, err := x.next(ctx)
		if err != nil {
			return fmt.Errorf("wait for the next event: %w", err)
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
		if p := recover(); p != nil { // its text may quote what it choked on
			x.log.Error("the work after an answer failed", "panic", fmt.Sprintf("%T", p))
		}
	}()
	x.after(ctx)
}

// readEvent reads what decides of an event: its type, and its deadline in milliseconds since 1970.
func readEvent(body []byte) (kind string, deadline int64, err error) {
	t := scan.Of(string(body))
	for name := range t.Fields([]string{"eventType", "deadlineMs"}) {
		if name == "eventType" {
			kind = t.String()
		} else {
			deadline = t.Int()
		}
	}
	if t.Done() {
		return kind, deadline, nil
	}
	var e struct {
		Kind     string `json:"eventType"`
		Deadline int64  `json:"deadlineMs"`
	}
	err = json.Unmarshal(body, &e)
	return e.Kind, e.Deadline, err
}

// next waits for the next INVOKE and returns its deadline.
func (x *Extension) next(ctx context.Context) (time.Time, error) {
	for {
		a, err := x.conn.do(ctx, call{method: http.MethodGet, path: extensions + "event/next", header: x.header, endless: true})
		if err != nil {
			return time.Time{}, err
		}
		if a.status != http.StatusOK {
			return time.Time{}, fmt.Errorf("the Extensions API answered %d", a.status)
		}
		kind, deadline, err := readEvent(a.body)
		if err != nil {
			return time.Time{}, err
		}
		if kind == "INVOKE" {
			return time.UnixMilli(deadline), nil
		}
	}
}
