package openapitest

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Validate fails the test when an exchange breaks the contract. target is path and query as sent, request the body that
// was sent (JSON or a form; nil for none).
func Validate(t testing.TB, method, target string, request []byte, status int, header http.Header, body []byte) {
	t.Helper()
	requestType := "application/json"
	if len(request) > 0 && request[0] != '{' && request[0] != '[' {
		requestType = "application/x-www-form-urlencoded"
	}
	report(t, Exchange{method, target, requestType, request, status, header, body})
}

// NotBuilt are the operations that the document marks as not built, as "METHOD /path/{template}".
func NotBuilt() ([]string, error) {
	return operations(func(op map[string]any) bool { return op["x-portcullis-built"] == false })
}

// Operations lists every operation of the document, as NotBuilt does.
func Operations() ([]string, error) {
	return operations(func(map[string]any) bool { return true })
}

func operations(keep func(operation map[string]any) bool) ([]string, error) {
	c, err := loaded()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range c.routes {
		for method, v := range r.item {
			if op := object(v); op["operationId"] != nil && keep(op) {
				out = append(out, strings.ToUpper(method)+" "+r.template)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// answered are the statuses that operations were answered with in this process. :: operation → statuses
var answered = struct {
	sync.Mutex
	of map[string]map[int]bool
}{of: map[string]map[int]bool{}}

// Answered reports whether an operation, "GET /path/{parameter}", was answered by success, and whether it was refused, in
// any exchange that this process has checked.
func Answered(operation string) (success, refused bool) {
	answered.Lock()
	defer answered.Unlock()
	for status := range answered.of[operation] {
		success = success || status < 400
		refused = refused || status >= 400 && status < 500 && status != http.StatusUnauthorized
	}
	return success, refused
}

func record(x Exchange) {
	c, err := loaded()
	u, perr := url.ParseRequestURI(x.Target)
	if err != nil || perr != nil {
		return
	}
	r, found := c.find(u.EscapedPath())
	if !found {
		return
	}
	answered.Lock()
	defer answered.Unlock()
	op := x.Method + " " + r.template
	if answered.of[op] == nil {
		answered.of[op] = map[int]bool{}
	}
	answered.of[op][x.Status] = true
}

func report(t testing.TB, x Exchange) {
	t.Helper()
	record(x)
	problems, err := Check(x)
	if err != nil {
		t.Errorf("%s %s: %v", x.Method, x.Target, err)
		return
	}
	for _, p := range problems {
		t.Errorf("%s %s → %d breaks docs/reference/openapi.yaml: %s\n%s", x.Method, x.Target, x.Status, p, excerpt(x.Body))
	}
}

func excerpt(body []byte) []byte {
	const most = 1000
	if len(body) > most {
		return append(body[:most:most], "…"...)
	}
	return body
}

// RoundTripper passes requests to next (nil: http.DefaultTransport) and fails the test on every answer that breaks the
// contract, and on every request that was accepted and should not have been. Answers reach the caller unchanged, read to
// their end.
func RoundTripper(t testing.TB, next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return roundTripper{t, next}
}

type roundTripper struct {
	t    testing.TB
	next http.RoundTripper
}

func (rt roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	rt.t.Helper()
	x := Exchange{Method: r.Method, Target: r.URL.RequestURI(), RequestType: r.Header.Get("Content-Type")}
	if r.Body != nil {
		sent, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
		x.Request = sent
		r = r.Clone(r.Context()) // a RoundTripper must not change the request
		r.Body = io.NopCloser(bytes.NewReader(sent))
		if r.ContentLength <= 0 && len(sent) > 0 {
			r.ContentLength = int64(len(sent))
		}
	}
	resp, err := rt.next.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	x.Status, x.Header, x.Body = resp.StatusCode, resp.Header, answer
	report(rt.t, x)
	return resp, nil
}
