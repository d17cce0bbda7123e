package signed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Limits of one call.
const (
	callTimeout    = 15 * time.Second
	maxBody        = 32 << 20
	maxAttempts    = 5
	maxRetryAfter  = 20 * time.Second
	defaultBackoff = 400 * time.Millisecond
)

// Client calls AWS services in one region. Safe for concurrent use. Make one with New.
type Client struct {
	Region string
	// Getenv reads the environment: credentials, AWS_ENDPOINT_URL and its forms per service. New sets os.Getenv.
	Getenv func(string) string
	HTTP   *http.Client
	Now    func() time.Time
	// Sleep waits or returns the context's error; tests replace it together with Now.
	Sleep func(context.Context, time.Duration) error
	// Pace is asked before each attempt and may wait; nil means no pace.
	Pace func(ctx context.Context, service, operation string) error

	signer *v4.Signer
}

// New makes a client for a region ("eu-west-1").
func New(region string) *Client {
	return &Client{
		Region: region,
		Getenv: os.Getenv,
		Now:    time.Now,
		Sleep:  sleep,
		HTTP: &http.Client{
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				DialContext:         (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
				TLSHandshakeTimeout: 3 * time.Second,
				IdleConnTimeout:     20 * time.Second, // a frozen environment finds its connections dead
				MaxIdleConnsPerHost: 4,
				ForceAttemptHTTP2:   true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		signer: v4.NewSigner(),
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Call is one request. Path is absolute and escaped; Body is marshalled as JSON unless it is nil.
type Call struct {
	Service   string // "apigateway", "lambda": endpoint prefix and signing name
	Operation string // "GetResources": for pace and error texts
	Action    string // IAM action and resource that the call needs, for error texts: "apigateway:GET on /restapis"
	Method    string
	Path      string
	Query     url.Values
	Body      any
	// Raw replaces Body and skips JSON on both ways (S3).
	Raw         []byte
	ContentType string
	Target      string // X-Amz-Target, for the JSON protocol
}

// Error is an AWS error answer.
type Error struct {
	Operation string
	Action    string
	Status    int
	Code      string // "NotFoundException"
	Message   string
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: AWS answered %d", e.Operation, e.Status)
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Denied() && e.Action != "" {
		s += " (the function's role needs " + e.Action + ")"
	}
	return s
}

// Denied reports whether IAM refused the call.
func (e *Error) Denied() bool {
	return e.Status == http.StatusForbidden || strings.HasPrefix(e.Code, "AccessDenied")
}

// Throttled reports whether the account's rate was exceeded.
func (e *Error) Throttled() bool {
	return e.Status == http.StatusTooManyRequests && e.Code != "LimitExceededException" || strings.HasPrefix(e.Code, "Throttl") || e.Code == "TooManyRequestsException"
}

// Is helpers for callers: what the error says, whatever wraps it.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

// IsConflict reports a 409: the thing is already there, or being changed.
func IsConflict(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusConflict
}

// IsThrottled reports that the account's rate was exceeded, and stayed so however long was waited.
func IsThrottled(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Throttled()
}

// IsDenied reports that IAM refused.
func IsDenied(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Denied()
}

// Do performs a call and decodes a JSON answer into out (nil ignores it). Throttling, 5xx answers and connections that
// fail are retried with growing pauses, or after Retry-After, as long as the context lasts. An *Error is AWS's answer.
func (c *Client) Do(ctx context.Context, call Call, out any) error {
	_, err := c.DoRaw(ctx, call, out)
	return err
}

// DoRaw is Do that also returns the answer's bytes.
func (c *Client) DoRaw(ctx context.Context, call Call, out any) ([]byte, error) {
	body := call.Raw
	if call.Body != nil {
		b, err := json.Marshal(call.Body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", call.Operation, err)
		}
		body = b
	}
	for attempt := 1; ; attempt++ {
		if c.Pace != nil {
			if err := c.Pace(ctx, call.Service, call.Operation); err != nil {
				return nil, fmt.Errorf("%s: %w", call.Operation, err)
			}
		}
		answer, retryAfter, err := c.once(ctx, call, body)
		if err == nil {
			if out != nil {
				if err := json.Unmarshal(answer, out); err != nil {
					return nil, fmt.Errorf("%s: the answer is not readable: %w", call.Operation, err)
				}
			}
			return answer, nil
		}
		if attempt == maxAttempts || ctx.Err() != nil || !retryable(err, call.Method) {
			return nil, err
		}
		pause := defaultBackoff << (attempt - 1)
		if retryAfter > 0 {
			pause = min(retryAfter, maxRetryAfter)
		}
		if err := c.Sleep(ctx, pause); err != nil {
			return nil, fmt.Errorf("%s: %w", call.Operation, err)
		}
	}
}

// retryable: a throttled call did nothing; a 5xx or a broken connection may have done something, and every call of
// ours is idempotent or answers 409 when repeated.
func retryable(err error, method string) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Throttled() || e.Status >= 500
	}
	return method == http.MethodGet || method == http.MethodPut || method == http.MethodPatch || method == http.MethodDelete
}

func (c *Client) once(ctx context.Context, call Call, body []byte) (answer []byte, retryAfter time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	u, err := url.Parse(c.endpoint(call.Service) + call.Path)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", call.Operation, err)
	}
	u.RawQuery = call.Query.Encode()
	req, err := http.NewRequestWithContext(ctx, call.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", call.Operation, err)
	}
	req.Header.Set("Accept", "application/json") // without it API Gateway answers in HAL
	switch {
	case call.ContentType != "":
		req.Header.Set("Content-Type", call.ContentType)
	case body != nil:
		req.Header.Set("Content-Type", "application/json")
	}
	if call.Target != "" {
		req.Header.Set("X-Amz-Target", call.Target)
	}
	credentials := aws.Credentials{AccessKeyID: c.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: c.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: c.Getenv("AWS_SESSION_TOKEN")}
	if credentials.AccessKeyID == "" || credentials.SecretAccessKey == "" {
		return nil, 0, fmt.Errorf("%s: no AWS credentials in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)", call.Operation)
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	if call.Service == "s3" {
		req.Header.Set("X-Amz-Content-Sha256", hash)
	}
	err = c.signer.SignHTTP(ctx, credentials, req, hash, call.Service, c.Region, c.Now(), func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = call.Service == "s3" // S3 signs the path as it is sent
	})
	if err != nil {
		return nil, 0, fmt.Errorf("%s: sign: %w", call.Operation, err)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, 0, fmt.Errorf("%s: %s is not reachable: %w", call.Operation, u.Host, err)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return nil, 0, fmt.Errorf("%s: the answer broke off: %w", call.Operation, err)
	}
	if len(answer) > maxBody {
		return nil, 0, fmt.Errorf("%s: the answer is larger than %d bytes", call.Operation, maxBody)
	}
	if res.StatusCode/100 == 2 {
		return answer, 0, nil
	}
	return nil, parseRetryAfter(res.Header.Get("Retry-After")), decodeError(call, res, answer)
}

// decodeError reads the error forms of REST-JSON: the type in x-amzn-ErrorType, "code" or "__type", the text in
// "message" or "Message"; and those of S3, STS and IAM: XML with the elements Code and Message.
func decodeError(call Call, res *http.Response, answer []byte) error {
	e := &Error{Operation: call.Operation, Action: call.Action, Status: res.StatusCode, Code: res.Header.Get("X-Amzn-Errortype")}
	var body map[string]any
	if json.Unmarshal(answer, &body) != nil && bytes.HasPrefix(bytes.TrimSpace(answer), []byte("<")) {
		body = map[string]any{"code": element(answer, "Code"), "message": element(answer, "Message")}
	}
	for _, name := range [...]string{"code", "Code", "__type"} {
		if s, ok := body[name].(string); ok && e.Code == "" {
			e.Code = s
		}
	}
	for _, name := range [...]string{"message", "Message"} {
		if s, ok := body[name].(string); ok && e.Message == "" {
			e.Message = s
		}
	}
	e.Code, _, _ = strings.Cut(e.Code, ":") // "NotFoundException:http://internal.amazon.com/…"
	if i := strings.LastIndexByte(e.Code, '#'); i >= 0 {
		e.Code = e.Code[i+1:]
	}
	if len(e.Message) > 500 {
		e.Message = strings.ToValidUTF8(e.Message[:500], "")
	}
	return e
}

// element is the text of the first element of a name. AWS's error documents have neither attributes nor sections in
// those that matter here, and what is read is shown to people only: that is no reason to link an XML decoder.
func element(document []byte, name string) string {
	_, rest, ok := strings.Cut(string(document), "<"+name+">")
	text, _, closed := strings.Cut(rest, "</"+name+">")
	if !ok || !closed || strings.Contains(text, "<") {
		return ""
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&#39;", "'", "&#34;", `"`, "&amp;", "&").Replace(strings.TrimSpace(text))
}

func parseRetryAfter(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(min(n, 3600)) * time.Second
}
