package runtimeapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Loop serves invocations.
type Loop struct {
	Addr string // AWS_LAMBDA_RUNTIME_API, host:port
	// Handle answers one event. Its context ends with the invocation and knows the FunctionARN. An error is the
	// function's: its text goes to whoever invoked it.
	Handle func(ctx context.Context, event []byte) ([]byte, error)
	// Answered is called when an answer or an error has been posted; nil calls nothing.
	Answered func()
	// Concurrency is how many invocations the environment takes at a time (AWS_LAMBDA_MAX_CONCURRENCY); 0 means 1.
	Concurrency int

	conn *conn // made by Connect
}

const invocations = "/2018-06-01/runtime/invocation/"

// Connect makes the first connection ahead of Run, while something else is waited for. Whether it went well shows in Run.
func (l *Loop) Connect(ctx context.Context) {
	l.conn = &conn{addr: l.Addr}
	_ = l.conn.connect(ctx)
}

// Run serves until ctx ends or Lambda gives an answer that nothing can follow; then the process has to end, and Lambda
// starts another one. The error is never nil.
func (l *Loop) Run(ctx context.Context) error {
	first := l.conn
	if first == nil {
		first = &conn{addr: l.Addr}
	}
	if l.Concurrency <= 1 {
		return l.serve(ctx, first)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for i := range l.Concurrency {
		c := first
		if i > 0 {
			c = &conn{addr: l.Addr}
		}
		group.Go(func() { cancel(l.serve(ctx, c)) })
	}
	group.Wait()
	return context.Cause(ctx)
}

func (l *Loop) serve(ctx context.Context, c *conn) error {
	defer c.close()
	for {
		next, err := c.do(ctx, call{method: http.MethodGet, path: invocations + "next", endless: true})
		if err != nil {
			return err
		}
		if next.status != http.StatusOK {
			return fmt.Errorf("wait for the next event: the Runtime API answered %d", next.status)
		}
		if err := l.one(ctx, c, next); err != nil {
			return err
		}
	}
}

// one handles an invocation and posts what came of it.
func (l *Loop) one(ctx context.Context, c *conn, next answer) error {
	base := invocations + next.header.Get("Lambda-Runtime-Aws-Request-Id")
	out, err := l.call(ctx, next)
	q := call{method: http.MethodPost, path: base + "/response", body: out}
	if err != nil {
		q.path, q.body = base+"/error", errorBody(err)
	}
	posted, postErr := c.do(ctx, q)
	if postErr != nil {
		return postErr
	}
	if posted.status != http.StatusAccepted {
		return fmt.Errorf("post the answer: the Runtime API answered %d", posted.status)
	}
	if l.Answered != nil {
		l.Answered()
	}
	if errors.As(err, new(panicked)) {
		return err // what the panic left behind is not to be trusted
	}
	return nil
}

func (l *Loop) call(ctx context.Context, next answer) (out []byte, err error) {
	ms, err := strconv.ParseInt(next.header.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	if err != nil {
		return nil, errors.New("the Runtime API gave the invocation no deadline")
	}
	ctx, cancel := context.WithDeadline(ctx, time.UnixMilli(ms))
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = panicked{}
		}
	}()
	return l.Handle(context.WithValue(ctx, arnKey{}, next.header.Get("Lambda-Runtime-Invoked-Function-Arn")), next.body)
}

// panicked is a panic in Handle. It does not say of what: the value may quote the event.
type panicked struct{}

func (panicked) Error() string { return "the function panicked" }

// errorBody is the error object of the Runtime API.
func errorBody(err error) []byte {
	kind := "Error"
	if errors.As(err, new(panicked)) {
		kind = "Panic"
	}
	b, _ := json.Marshal(struct { // two texts always marshal
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{err.Error(), kind})
	return b
}

type arnKey struct{}

// FunctionARN is the ARN by which the running invocation called the function, with alias or version if it named one;
// "" outside of an invocation.
func FunctionARN(ctx context.Context) string {
	arn, _ := ctx.Value(arnKey{}).(string)
	return arn
}
