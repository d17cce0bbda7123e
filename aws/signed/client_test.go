package signed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// clock is moved by its own Sleep.
type clock struct {
	t     time.Time
	slept []time.Duration
}

func (c *clock) Now() time.Time { return c.t }
func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.slept = append(c.slept, d)
	c.t = c.t.Add(d)
	return ctx.Err()
}

func client(t *testing.T, h http.HandlerFunc) (*Client, *clock) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c := New("eu-west-1")
	k := &clock{t: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	c.Now, c.Sleep = k.Now, k.Sleep
	env := map[string]string{"AWS_ENDPOINT_URL": s.URL, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "the-secret-key", "AWS_SESSION_TOKEN": "the-session-token"}
	c.Getenv = func(k string) string { return env[k] }
	return c, k
}

var read = Call{Service: "apigateway", Operation: "GetRestApis", Method: "GET", Path: "/restapis", Action: "apigateway:GET on /restapis"}

func TestRequest(t *testing.T) {
	var got *http.Request
	c, _ := client(t, func(w http.ResponseWriter, r *http.Request) { got = r; fmt.Fprint(w, `{"x":1}`) })
	call := read
	call.Query = url.Values{"limit": {"500"}, "a b": {"c/d"}}
	var out struct{ X int }
	if err := c.Do(t.Context(), call, &out); err != nil || out.X != 1 {
		t.Fatal(out, err)
	}
	auth := got.Header.Get("Authorization")
	if !strings.HasPrefix(auth, "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261122/eu-west-1/apigateway/aws4_request") || got.Header.Get("X-Amz-Security-Token") != "the-session-token" {
		t.Errorf("signature: %v", got.Header)
	}
	if got.Header.Get("Accept") != "application/json" || got.URL.RawQuery != "a%20b=c%2Fd&limit=500" {
		t.Errorf("request: %s %v", got.URL, got.Header)
	}
	c.Getenv = func(string) string { return "" }
	if err := c.Do(t.Context(), read, nil); err == nil || !strings.Contains(err.Error(), "no AWS credentials") {
		t.Errorf("without credentials: %v", err)
	}
}

// TestRetries: what is repeated, how often, and after how long.
func TestRetries(t *testing.T) {
	type answer struct {
		status     int
		retryAfter string
		code       string
	}
	cases := []struct {
		name    string
		method  string
		answers []answer
		calls   int
		slept   string
		ok      bool
	}{
		{"success", "GET", []answer{{200, "", ""}}, 1, "[]", true},
		{"throttled twice", "GET", []answer{{429, "", "TooManyRequestsException"}, {429, "3", "TooManyRequestsException"}, {200, "", ""}}, 3, "[400ms 3s]", true},
		{"throttled for ever", "PATCH", []answer{{429, "", "TooManyRequestsException"}}, 5, "[400ms 800ms 1.6s 3.2s]", false},
		{"a long Retry-After is cut", "GET", []answer{{429, "86400", ""}, {200, "", ""}}, 2, "[20s]", true},
		{"a limit is no throttle", "POST", []answer{{429, "", "LimitExceededException"}}, 1, "[]", false},
		{"503", "POST", []answer{{503, "1", ""}, {200, "", ""}}, 2, "[1s]", true},
		{"403", "GET", []answer{{403, "", "AccessDeniedException"}}, 1, "[]", false},
		{"404", "GET", []answer{{404, "", "NotFoundException"}}, 1, "[]", false},
		{"409", "POST", []answer{{409, "", "ConflictException"}}, 1, "[]", false},
	}
	for _, c := range cases {
		var n atomic.Int64 // the handler runs in the server's goroutine
		cl, k := client(t, func(w http.ResponseWriter, _ *http.Request) {
			a := c.answers[min(int(n.Add(1)), len(c.answers))-1]
			if a.retryAfter != "" {
				w.Header().Set("Retry-After", a.retryAfter)
			}
			if a.code != "" {
				w.Header().Set("X-Amzn-Errortype", a.code)
			}
			w.WriteHeader(a.status)
			fmt.Fprint(w, `{"message":"made up"}`)
		})
		call := read
		call.Method = c.method
		err := cl.Do(t.Context(), call, nil)
		if int(n.Load()) != c.calls || fmt.Sprint(k.slept) != c.slept || (err == nil) != c.ok {
			t.Errorf("%s: %d calls, slept %v, %v", c.name, n.Load(), k.slept, err)
		}
	}
	// A connection that breaks is tried again, except for a POST: it may have created something.
	for method, calls := range map[string]int64{"GET": 5, "PATCH": 5, "POST": 1} {
		var n atomic.Int64
		cl, _ := client(t, func(http.ResponseWriter, *http.Request) { n.Add(1); panic(http.ErrAbortHandler) })
		cl.HTTP.Transport.(*http.Transport).DisableKeepAlives = true
		call := read
		call.Method = method
		if err := cl.Do(t.Context(), call, nil); err == nil || n.Load() != calls || strings.Contains(err.Error(), "the-secret") {
			t.Errorf("%s: %d calls, %v", method, n.Load(), err)
		}
	}
}

func TestErrors(t *testing.T) {
	cases := []struct {
		status       int
		header, body string
		want         string
		is           func(error) bool
	}{
		{404, "NotFoundException:http://internal.amazon.com/coral/", `{"message":"Invalid API identifier specified 111122223333:abc"}`, "GetRestApis: AWS answered 404 NotFoundException: Invalid API identifier specified 111122223333:abc", IsNotFound},
		{400, "", `{"__type":"com.amazonaws.ssm#ParameterNotFound","Message":"x"}`, "GetRestApis: AWS answered 400 ParameterNotFound: x", nil},
		{403, "", `{"code":"AccessDeniedException","message":"User: x is not authorized"}`, "GetRestApis: AWS answered 403 AccessDeniedException: User: x is not authorized (the function's role needs apigateway:GET on /restapis)", IsDenied},
		{409, "ConflictException", `not json`, "GetRestApis: AWS answered 409 ConflictException", IsConflict},
		{302, "", ``, "GetRestApis: AWS answered 302", nil},
		// S3, with IAM's text; STS and IAM wrap it once more.
		{403, "", `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>User: arn:aws:sts::123456789012:assumed-role/authorizer/x is not authorized to perform: s3:PutObject on resource: &quot;arn:aws:s3:::amzn-s3-demo-bucket/a&amp;b&quot; because no identity-based policy allows the s3:PutObject action</Message><RequestId>A</RequestId><HostId>B</HostId></Error>`,
			`GetRestApis: AWS answered 403 AccessDenied: User: arn:aws:sts::123456789012:assumed-role/authorizer/x is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::amzn-s3-demo-bucket/a&b" because no identity-based policy allows the s3:PutObject action (the function's role needs apigateway:GET on /restapis)`, IsDenied},
		{404, "", `<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>`, "GetRestApis: AWS answered 404 NoSuchBucket: The specified bucket does not exist", IsNotFound},
		{403, "", "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n    <Code>ExpiredToken</Code>\n    <Message>The security token is expired</Message>\n  </Error>\n</ErrorResponse>",
			"GetRestApis: AWS answered 403 ExpiredToken: The security token is expired (the function's role needs apigateway:GET on /restapis)", IsDenied},
		{502, "", `<html><body>Bad Gateway</body></html>`, "GetRestApis: AWS answered 502", nil},
	}
	for _, c := range cases {
		cl, _ := client(t, func(w http.ResponseWriter, _ *http.Request) {
			if c.header != "" {
				w.Header().Set("X-Amzn-ErrorType", c.header)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
		})
		err := cl.Do(t.Context(), read, nil)
		var e *Error
		if !errors.As(err, &e) || err.Error() != c.want || c.is != nil && !c.is(fmt.Errorf("wrapped: %w", err)) {
			t.Errorf("%d: %v", c.status, err)
		}
	}
	cl, _ := client(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `<html>`) })
	if err := cl.Do(t.Context(), read, &struct{}{}); err == nil {
		t.Error("an unreadable answer was taken")
	}
}

func TestEndpoints(t *testing.T) {
	env := map[string]string{}
	c := New("eu-west-1")
	c.Getenv = func(k string) string { return env[k] }
	for region, want := range map[string]string{
		"eu-west-1": "https://apigateway.eu-west-1.amazonaws.com", "cn-north-1": "https://apigateway.cn-north-1.amazonaws.com.cn", "us-gov-west-1": "https://apigateway.us-gov-west-1.amazonaws.com",
		"us-iso-east-1": "https://apigateway.us-iso-east-1.c2s.ic.gov", "us-isob-east-1": "https://apigateway.us-isob-east-1.sc2s.sgov.gov", "eusc-de-east-1": "https://apigateway.eusc-de-east-1.amazonaws.eu",
	} {
		c.Region = region
		if got := c.endpoint("apigateway"); got != want {
			t.Errorf("%s: %s", region, got)
		}
	}
	for region, want := range map[string]string{"eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-east-1": "aws-us-gov", "us-iso-east-1": "aws-iso", "us-isob-east-1": "aws-iso-b", "": "aws"} {
		if got := Partition(region); got != want {
			t.Errorf("%s: %s", region, got)
		}
	}
	env["AWS_ENDPOINT_URL"] = "http://127.0.0.1:4566/"
	if got := c.endpoint("lambda"); got != "http://127.0.0.1:4566" {
		t.Errorf("general: %s", got)
	}
	env["AWS_ENDPOINT_URL_API_GATEWAY"] = "http://127.0.0.1:1"
	if got := c.endpoint("apigateway"); got != "http://127.0.0.1:1" {
		t.Errorf("specific: %s", got)
	}
	env["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
	if got := c.endpoint("apigateway"); !strings.HasPrefix(got, "https://") {
		t.Errorf("ignored: %s", got)
	}
}

// TestPacer: calls of the whole service and of single operations stay below their rates, over any stretch of time.
func TestPacer(t *testing.T) {
	k := &clock{t: time.Unix(1e9, 0)}
	p := NewPacer(k.Now, k.Sleep)
	start := k.t
	for range 100 {
		if err := p.Wait(t.Context(), "apigateway", "GetStages"); err != nil {
			t.Fatal(err)
		}
	}
	if d := k.t.Sub(start).Seconds(); d < (100-8)/RateAPIGateway-0.01 || d > 100/RateAPIGateway {
		t.Errorf("100 calls took %.1f s", d)
	}
	start = k.t
	for range 50 {
		_ = p.Wait(t.Context(), "apigateway", "GetResources")
	}
	if d := k.t.Sub(start).Seconds(); d < (50-3)/RateGetResources-0.01 || d > 50/RateGetResources {
		t.Errorf("50 GetResources took %.1f s", d)
	}
	k.slept = nil
	if err := p.Wait(t.Context(), "s3", "GetObject"); err != nil || k.slept != nil {
		t.Errorf("a service without a rate: %v, slept %v", err, k.slept)
	}
	// A wait that the deadline would cut short is not begun, and costs no token.
	ctx, cancel := context.WithDeadline(t.Context(), k.t.Add(100*time.Millisecond))
	defer cancel()
	before := p.buckets["apigateway/GetResources"].tokens
	if err := p.Wait(ctx, "apigateway", "GetResources"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if after := p.buckets["apigateway/GetResources"].tokens; after < before {
		t.Errorf("tokens %f, before %f", after, before)
	}
}
