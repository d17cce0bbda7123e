package runtimeapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// lambdaAPI is an Extensions API that hands out events when told to.
type lambdaAPI struct {
	server   *httptest.Server
	events   chan string
	waiting  chan struct{}
	register int
}

func newLambdaAPI(t *testing.T, register int) *lambdaAPI {
	l := &lambdaAPI{events: make(chan string), waiting: make(chan struct{}, 10), register: register}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2020-01-01/extension/register", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Lambda-Extension-Name") == "" {
			w.WriteHeader(400)
			return
		}
		w.Header().Set("Lambda-Extension-Identifier", "id-1")
		w.WriteHeader(l.register)
	})
	mux.HandleFunc("GET /2020-01-01/extension/event/next", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Lambda-Extension-Identifier") != "id-1" {
			w.WriteHeader(403)
			return
		}
		l.waiting <- struct{}{}
		select {
		case e := <-l.events:
			fmt.Fprint(w, e)
		case <-r.Context().Done():
		}
	})
	l.server = httptest.NewServer(mux)
	t.Cleanup(l.server.Close)
	return l
}

func (l *lambdaAPI) addr() string { return strings.TrimPrefix(l.server.URL, "http://") }

// TestExtension: work happens after each answer and before the next event is asked for; an invocation without an answer
// ends at its deadline; a panic in the work does not end the loop.
func TestExtension(t *testing.T) {
	api := newLambdaAPI(t, 200)
	log := slog.New(slog.DiscardHandler)
	var runs atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	x, err := Register(ctx, api.addr(), func(context.Context) {
		if runs.Add(1) == 2 {
			panic("defect")
		}
	}, log)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	invoke := fmt.Sprintf(`{"eventType":"INVOKE","deadlineMs":%d}`, time.Now().Add(time.Minute).UnixMilli())
	for i := range 3 {
		<-api.waiting
		api.events <- invoke
		if n := runs.Load(); n != int32(i) {
			t.Fatalf("work before the answer: %d", n)
		}
		x.Answered()
	}
	<-api.waiting
	if runs.Load() != 3 {
		t.Errorf("%d runs", runs.Load())
	}
	api.events <- fmt.Sprintf(`{"eventType":"INVOKE","deadlineMs":%d}`, time.Now().UnixMilli()) // never answered
	<-api.waiting
	if runs.Load() != 3 {
		t.Errorf("worked without an answer")
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("Run ended without an error")
	}
	if _, err := Register(t.Context(), newLambdaAPI(t, 403).addr(), nil, log); err == nil {
		t.Error("a refused registration went through")
	}
}
