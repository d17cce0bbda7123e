package local

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"path"
	"slices"
	"strconv"
	"sync"
	"time"

	"portcullis/aws/local/wire"
)

// Fault is something that goes wrong on request. What a request must match is the conjunction of the members that are
// set; path takes wildcards as path.Match has them.
type Fault struct {
	ID        string `json:"id"`                  // given by the server
	Kind      string `json:"kind"`                // see faultKinds
	Service   string `json:"service,omitempty"`   // signing name, or "execute-api" for the data plane
	Operation string `json:"operation,omitempty"` // "PutRule", "CreateRole"
	Method    string `json:"method,omitempty"`
	Path      string `json:"path,omitempty"` // "/restapis/*/resources"
	Account   string `json:"account,omitempty"`
	Region    string `json:"region,omitempty"`

	Status     int    `json:"status,omitempty"`      // of error and applied; 0: 500
	Code       string `json:"code,omitempty"`        // error code; "": what AWS has for the kind
	Message    string `json:"message,omitempty"`     // likewise
	RetryAfter int    `json:"retry_after,omitempty"` // seconds, of throttle
	Latency    string `json:"latency,omitempty"`     // "250ms", of latency
	Every      int    `json:"every,omitempty"`       // each n-th matching request; 0: each
	Times      int    `json:"times,omitempty"`       // that often; 0: until it is removed

	seen, played int
	latency      time.Duration
}

// faultKinds says what there is.
var faultKinds = map[string]string{
	"throttle": "the answer of a service whose request rate was exceeded",
	"error":    "a 5xx answer; nothing has happened",
	"applied":  "a 5xx answer, but the request has taken effect",
	"latency":  "the request is served later",
	"reset":    "the connection is reset; nothing has happened",
	"lost":     "the connection is reset, but the request has taken effect",
	"stale":    "a read answers what the same read answered last time, if there was one",
	"expired":  "the credentials have expired",
}

const (
	maxFaults     = 100
	maxLatency    = 5 * time.Minute
	maxRemembered = 500      // answers kept for stale reads
	maxStaleBody  = 64 << 10 // larger ones are not kept
)

// faults holds the planned faults and the answers that stale reads repeat.
type faults struct {
	mu      sync.Mutex
	list    []*Fault
	next    int
	answers map[string]*answered
	order   []string // keys of answers, oldest first
}

// answered is a complete answer.
type answered struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func newFaults() *faults { return &faults{answers: map[string]*answered{}} }

// add plans a fault.
func (f *faults) add(in Fault) (Fault, error) {
	if faultKinds[in.Kind] == "" {
		kinds := make([]string, 0, len(faultKinds))
		for k := range faultKinds {
			kinds = append(kinds, k)
		}
		slices.Sort(kinds)
		return in, fmt.Errorf("kind %q is not one of %v", in.Kind, kinds)
	}
	if in.Path != "" {
		if _, err := path.Match(in.Path, "/"); err != nil {
			return in, fmt.Errorf("path %q: %w", in.Path, err)
		}
	}
	if in.Kind == "latency" {
		d, err := time.ParseDuration(in.Latency)
		if err != nil || d <= 0 || d > maxLatency {
			return in, fmt.Errorf("latency %q is not a duration up to %v, such as 250ms", in.Latency, maxLatency)
		}
		in.latency = d
	}
	if in.Status != 0 && (in.Status < 400 || in.Status > 599) || in.Every < 0 || in.Times < 0 || in.RetryAfter < 0 {
		return in, fmt.Errorf("status is 400 to 599, and every, times and retry_after are not negative")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) >= maxFaults {
		return in, fmt.Errorf("there are %d faults already; remove some", maxFaults)
	}
	f.next++
	in.ID = "fault-" + strconv.Itoa(f.next)
	f.list = append(f.list, &in)
	return in, nil
}

func (f *faults) all() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []Fault{}
	for _, x := range f.list {
		out = append(out, *x)
	}
	return out
}

// remove takes one fault away, or with "" all of them, and reports whether there was one.
func (f *faults) remove(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := len(f.list)
	f.list = slices.DeleteFunc(f.list, func(x *Fault) bool { return id == "" || x.ID == id })
	return len(f.list) < before
}

func (f *faults) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list, f.answers, f.order = nil, map[string]*answered{}, nil
}

// due takes the faults that this request runs into.
func (f *faults) due(c *wire.Call) []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Fault
	for _, x := range f.list {
		if !x.matches(c) {
			continue
		}
		if x.seen++; x.Every > 1 && x.seen%x.Every != 0 {
			continue
		}
		x.played++
		out = append(out, *x)
	}
	f.list = slices.DeleteFunc(f.list, func(x *Fault) bool { return x.Times > 0 && x.played >= x.Times })
	return out
}

func (x *Fault) matches(c *wire.Call) bool {
	if x.Service != "" && x.Service != c.Service || x.Method != "" && x.Method != c.Request.Method ||
		x.Account != "" && x.Account != c.Account || x.Region != "" && x.Region != c.Region ||
		x.Operation != "" && x.Operation != operationOf(c) {
		return false
	}
	if x.Path == "" {
		return true
	}
	ok, err := path.Match(x.Path, c.Request.URL.Path)
	return ok && err == nil
}

// play serves a request with whatever faults are planned for it and returns the kind of the last one, "" for none.
func (f *faults) play(w http.ResponseWriter, c *wire.Call, serve func(http.ResponseWriter)) (kind string) {
	protocol := wire.ProtocolOf(c.Service)
	fail := func(err *wire.Error) { wire.WriteErrorFor(w, c, protocol, inProtocol(err, protocol)) }
	key := c.Account + " " + c.Region + " " + c.Service + " " + c.Request.Method + " " + c.Request.URL.RequestURI() + " " + c.Request.Header.Get("X-Amz-Target") + " " + string(c.Body[:min(len(c.Body), 1024)])
	for _, x := range f.due(c) {
		kind = x.Kind
		switch x.Kind {
		case "latency":
			timer := time.NewTimer(x.latency)
			select {
			case <-timer.C:
			case <-c.Request.Context().Done():
				timer.Stop()
				return kind
			}
		case "throttle":
			fail(x.throttle(protocol, c.Service))
			return kind
		case "expired":
			fail(failure(http.StatusForbidden, "ExpiredTokenException", "The security token included in the request is expired"))
			return kind
		case "error":
			fail(x.serverError())
			return kind
		case "applied":
			serve(&answered{header: http.Header{}})
			fail(x.serverError())
			return kind
		case "reset":
			reset(w)
			return kind
		case "lost":
			serve(&answered{header: http.Header{}})
			reset(w)
			return kind
		case "stale":
			if a := f.last(key); a != nil {
				a.copyTo(w)
				return kind
			}
		}
	}
	if !reads(c) {
		serve(w)
		return kind
	}
	a := &answered{header: http.Header{}}
	serve(a)
	a.copyTo(w)
	f.remember(key, a)
	return kind
}

// reads says whether a request only reads, as far as its form tells.
func reads(c *wire.Call) bool {
	if c.Service == "execute-api" || c.Service == "s3" {
		return false // answers of any size, streamed
	}
	op := operationOf(c)
	for _, prefix := range []string{"GET ", "Get", "List", "Describe"} {
		if len(op) > len(prefix) && op[:len(prefix)] == prefix {
			return true
		}
	}
	return false
}

func (f *faults) last(key string) *answered {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.answers[key]
}

func (f *faults) remember(key string, a *answered) {
	if a.body.Len() > maxStaleBody || a.status >= 300 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.answers[key] == nil {
		f.order = append(f.order, key)
	}
	f.answers[key] = a
	if len(f.order) > maxRemembered {
		delete(f.answers, f.order[0])
		f.order = f.order[1:]
	}
}

func (a *answered) Header() http.Header { return a.header }

func (a *answered) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answered) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

func (a *answered) copyTo(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.WriteHeader(max(a.status, http.StatusOK))
	w.Write(a.body.Bytes())
}

func (x *Fault) serverError() *wire.Error {
	e := failure(x.Status, x.Code, x.Message)
	if e.Status == 0 {
		e.Status = http.StatusInternalServerError
	}
	if e.Code == "" {
		e.Code = "InternalFailure"
	}
	if e.Message == "" {
		e.Message = "The request processing has failed because of an unknown error, exception or failure."
	}
	return e
}

// throttle is what the services answer when there were too many requests.
func (x *Fault) throttle(p wire.Protocol, service string) *wire.Error {
	e := failure(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
	switch {
	case service == "apigateway" || service == "execute-api":
		e = failure(http.StatusTooManyRequests, "TooManyRequestsException", "Too Many Requests")
	case service == "lambda":
		e = failure(http.StatusTooManyRequests, "TooManyRequestsException", "Rate exceeded")
	case service == "s3":
		e = failure(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	case p == wire.Query:
		e = failure(http.StatusBadRequest, "Throttling", "Rate exceeded")
	}
	e.RetryAfter = x.RetryAfter
	if x.Code != "" {
		e.Code = x.Code
	}
	if x.Message != "" {
		e.Message = x.Message
	}
	return e
}

// reset ends the connection without an answer, with a TCP reset where there is TCP.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: the stream is aborted
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}
