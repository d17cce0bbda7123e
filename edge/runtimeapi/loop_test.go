package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lambdaRuntime is a Runtime API: it hands out events and takes what came of them.
type lambdaRuntime struct {
	server *httptest.Server
	conns  atomic.Int32 // connections made so far
	events chan string
	posts  chan string // "response 1 {…}"
	status int         // of posts

	chunked, closing bool   // how events are framed; whether the connection ends with each
	noDeadline       bool   // events without Lambda-Runtime-Deadline-Ms
	deadline         string // of events; "" means in a minute

	mu sync.Mutex
	n  int
}

func newRuntime(t *testing.T) *lambdaRuntime {
	r := &lambdaRuntime{events: make(chan string, 100), posts: make(chan string, 100), status: http.StatusAccepted}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", r.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{what}", func(w http.ResponseWriter, q *http.Request) {
		b, _ := io.ReadAll(q.Body)
		if q.Header.Get("Content-Type") != "application/json" || q.ContentLength != int64(len(b)) || q.Host == "" {
			t.Errorf("headers %v", q.Header)
		}
		w.WriteHeader(r.status)
		r.posts <- q.PathValue("what") + " " + q.PathValue("id") + " " + string(b)
	})
	r.server = httptest.NewUnstartedServer(mux)
	r.server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			r.conns.Add(1)
		}
	}
	r.server.Start()
	t.Cleanup(func() {
		r.server.CloseClientConnections()
		r.server.Close()
	})
	return r
}

func (r *lambdaRuntime) next(w http.ResponseWriter, q *http.Request) {
	select {
	case e := <-r.events:
		r.mu.Lock()
		r.n++
		id := r.n
		r.mu.Unlock()
		if e == "dead" { // the sandbox is taken down
			w.WriteHeader(500)
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprint(id))
		if !r.noDeadline {
			d := r.deadline
			if d == "" {
				d = fmt.Sprint(time.Now().Add(time.Minute).UnixMilli())
			}
			w.Header().Set("Lambda-Runtime-Deadline-Ms", d)
		}
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:my-function:live")
		if r.closing {
			w.Header().Set("Connection", "close")
		}
		half := len(e) / 2
		_, _ = io.WriteString(w, e[:half])
		if r.chunked {
			w.(http.Flusher).Flush()
		}
		_, _ = io.WriteString(w, e[half:])
	case <-q.Context().Done():
	}
}

func (r *lambdaRuntime) addr() string { return strings.TrimPrefix(r.server.URL, "http://") }

// run serves until the Runtime API says 500, and returns how it ended.
func (r *lambdaRuntime) run(t *testing.T, l Loop) error {
	t.Helper()
	l.Addr = r.addr()
	done := make(chan error, 1)
	go func() { done <- l.Run(t.Context()) }()
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("the loop did not end")
		return nil
	}
}

func (r *lambdaRuntime) posted() []string {
	var out []string
	for {
		select {
		case p := <-r.posts:
			out = append(out, p)
		default:
			return out
		}
	}
}

func echo(_ context.Context, b []byte) ([]byte, error) { return b, nil }

// TestLoop: every event has its answer under its id, on one connection however events are framed, and on a new one each
// time when Lambda closes it.
func TestLoop(t *testing.T) {
	large := `{"x":"` + strings.Repeat("y", 300_000) + `"}`
	for _, c := range []struct {
		name             string
		chunked, closing bool
		conns            int32
	}{{"with a length", false, false, 1}, {"chunked", true, false, 1}, {"closed after each", false, true, 4}} {
		t.Run(c.name, func(t *testing.T) {
			r := newRuntime(t)
			r.chunked, r.closing = c.chunked, c.closing
			for _, e := range []string{`{"a":1}`, large, `{}`, "dead"} {
				r.events <- e
			}
			answered := 0
			err := r.run(t, Loop{Handle: echo, Answered: func() { answered++ }})
			if err == nil || !strings.Contains(err.Error(), "500") {
				t.Errorf("ended with %v", err)
			}
			if d := cmp.Diff([]string{`response 1 {"a":1}`, "response 2 " + large, "response 3 {}"}, r.posted()); d != "" {
				t.Error(d)
			}
			if answered != 3 || r.conns.Load() != c.conns {
				t.Errorf("%d answers, %d connections", answered, r.conns.Load())
			}
		})
	}
}

// TestLoopContext: a handler knows until when it has time, and by which ARN it was called.
func TestLoopContext(t *testing.T) {
	r := newRuntime(t)
	r.deadline = "4102444800123" // 2100-01-01
	r.events <- "{}"
	r.events <- "dead"
	_ = r.run(t, Loop{Handle: func(ctx context.Context, _ []byte) ([]byte, error) {
		if d, ok := ctx.Deadline(); !ok || d.UnixMilli() != 4102444800123 {
			t.Errorf("deadline %v", d)
		}
		return []byte(FunctionARN(ctx)), nil
	}})
	if d := cmp.Diff([]string{"response 1 arn:aws:lambda:eu-west-1:123456789012:function:my-function:live"}, r.posted()); d != "" {
		t.Error(d)
	}
	if FunctionARN(t.Context()) != "" {
		t.Error("an ARN outside of an invocation")
	}
}

// TestLoopErrors: an error is the invocation's, with the handler's exact text, and the next event follows; a panic is
// reported without what it says, and ends the loop, since nobody knows what it left behind.
func TestLoopErrors(t *testing.T) {
	r := newRuntime(t)
	r.events <- "error"
	r.events <- "fine"
	r.events <- "panic"
	r.events <- "never"
	err := r.run(t, Loop{Handle: func(_ context.Context, b []byte) ([]byte, error) {
		switch string(b) {
		case "error":
			return nil, errors.New("Unauthorized")
		case "panic":
			panic("secret")
		}
		return b, nil
	}})
	if !errors.As(err, new(panicked)) {
		t.Errorf("ended with %v", err)
	}
	if d := cmp.Diff([]string{`error 1 {"errorMessage":"Unauthorized","errorType":"Error"}`, "response 2 fine",
		`error 3 {"errorMessage":"the function panicked","errorType":"Panic"}`}, r.posted()); d != "" {
		t.Error(d)
	}
}

// TestLoopRefusals: what cannot be followed by anything ends the loop with a reason.
func TestLoopRefusals(t *testing.T) {
	t.Run("no deadline", func(t *testing.T) {
		r := newRuntime(t)
		r.noDeadline = true
		r.events <- "{}"
		r.events <- "dead"
		_ = r.run(t, Loop{Handle: func(context.Context, []byte) ([]byte, error) {
			t.Error("called without a deadline")
			return nil, nil
		}})
		if p := r.posted(); len(p) != 1 || !strings.HasPrefix(p[0], "error 1 ") {
			t.Errorf("%q", p)
		}
	})
	t.Run("answer refused", func(t *testing.T) {
		r := newRuntime(t)
		r.status = 413
		r.events <- "{}"
		if err := r.run(t, Loop{Handle: echo}); err == nil || !strings.Contains(err.Error(), "413") {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("too large", func(t *testing.T) {
		for _, chunked := range []bool{false, true} {
			r := newRuntime(t)
			r.chunked = chunked
			r.events <- strings.Repeat("x", maxBody+1)
			if err := r.run(t, Loop{Handle: echo}); err == nil || !strings.Contains(err.Error(), "larger than") {
				t.Errorf("ended with %v", err)
			}
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		r := newRuntime(t)
		r.server.Close()
		if err := r.run(t, Loop{Handle: echo}); err == nil {
			t.Error("no error")
		}
	})
	t.Run("not HTTP", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = io.WriteString(c, "SSH-2.0\r\n\r\n")
				_ = c.Close()
			}
		}()
		if err := (&Loop{Addr: l.Addr().String(), Handle: echo}).Run(t.Context()); err == nil {
			t.Error("no error")
		}
	})
}

// TestLoopEnds: several loops share the events, over the connection that was made ahead among others; the end of the context ends the wait for an event.
func TestLoopEnds(t *testing.T) {
	r := newRuntime(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	l := &Loop{Addr: r.addr(), Handle: echo, Concurrency: 3}
	l.Connect(ctx)
	go func() { done <- l.Run(ctx) }()
	for range 5 {
		r.events <- "{}"
	}
	for range 5 {
		<-r.posts
	}
	cancel()
	select {
	case err := <-done:
		if err == nil {
			t.Error("ended without an error")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("still waiting")
	}
	if n := r.conns.Load(); n != 3 {
		t.Errorf("%d connections", n)
	}
}

// TestStaleConnection: a connection that was closed while it was kept costs one more, and no error.
func TestStaleConnection(t *testing.T) {
	r := newRuntime(t)
	c := &conn{addr: r.addr()}
	defer c.close()
	r.events <- "{}"
	get := call{method: http.MethodGet, path: invocations + "next"}
	if _, err := c.do(t.Context(), get); err != nil {
		t.Fatal(err)
	}
	r.server.CloseClientConnections()
	r.events <- "{}"
	if a, err := c.do(t.Context(), get); err != nil || string(a.body) != "{}" {
		t.Errorf("%q, %v", a.body, err)
	}
}

// TestRequestAllocatesNothing: a request is written into memory that the connection keeps.
func TestRequestAllocatesNothing(t *testing.T) {
	c := &conn{addr: "127.0.0.1:9001"}
	q := call{method: http.MethodPost, path: invocations + "1/response", body: []byte("{}")}
	if n := testing.AllocsPerRun(100, func() { c.request(q) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
