package apigateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsapi "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/smithy-go"

	"portcullis/aws/local/apigateway"
	"portcullis/aws/local/wire"
)

const (
	testAccount = "111122223333"
	testRegion  = "eu-west-1"
	functionURI = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111122223333:function:my-function/invocations"
)

// bench is one simulated API Gateway behind a front door that a test can follow: the account is the access key's, the
// region comes from the credential scope, every function is a Go function.
type bench struct {
	t   *testing.T
	svc *apigateway.Service
	url string

	mu        sync.Mutex
	now       time.Time
	functions map[string]func(wire.Invocation) (wire.InvokeResult, error) // :: function name → what it does
	calls     []wire.Invocation
	denied    map[string]bool // "action resource" that IAM refuses
	asked     []string        // "action resource" that IAM was asked
	facts     []map[string][]string
}

func newBench(t *testing.T, change func(*apigateway.Options)) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC), functions: map[string]func(wire.Invocation) (wire.InvokeResult, error){}, denied: map[string]bool{}}
	opt := apigateway.Options{Now: b.clock, Invoke: b.invoke}
	if change != nil {
		change(&opt)
	}
	b.svc = apigateway.New(opt)
	srv := httptest.NewServer(http.HandlerFunc(b.frontDoor))
	t.Cleanup(srv.Close)
	b.url = srv.URL
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) invoke(_ context.Context, in wire.Invocation) (wire.InvokeResult, error) {
	b.mu.Lock()
	b.calls = append(b.calls, in)
	name := in.Function[strings.LastIndex(in.Function, ":function:")+len(":function:"):]
	f := b.functions[name]
	b.mu.Unlock()
	if f == nil {
		return wire.InvokeResult{}, &wire.Error{Status: 404, Code: "ResourceNotFoundException", Message: "Function not found: " + in.Function}
	}
	return f(in)
}

// returns registers a function that always answers v.
func (b *bench) returns(name string, v any) {
	var payload []byte
	if s, ok := v.(string); ok {
		payload = []byte(s)
	} else {
		p, err := json.Marshal(v)
		if err != nil {
			b.t.Fatal(err)
		}
		payload = p
	}
	// A caller may be another process (boto3), which the race detector cannot see: hence the lock.
	b.mu.Lock()
	defer b.mu.Unlock()
	b.functions[name] = func(wire.Invocation) (wire.InvokeResult, error) {
		return wire.InvokeResult{Payload: payload}, nil
	}
}

func (b *bench) called() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.calls)
}

func (b *bench) lastEvent() map[string]any {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.calls) == 0 {
		b.t.Fatal("no function was called")
	}
	var ev map[string]any
	if err := json.Unmarshal(b.calls[len(b.calls)-1].Payload, &ev); err != nil {
		b.t.Fatal(err)
	}
	return ev
}

func (b *bench) frontDoor(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_aws/execute-api/") || b.svc.ServesHost(r.Host) {
		b.svc.ServeExecute(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Error(err)
	}
	c := &wire.Call{Service: "apigateway", Partition: "aws", Region: testRegion, Account: testAccount, RequestID: "00000000-0000-4000-8000-000000000000",
		Now: b.clock(), Request: r, Body: body}
	if _, cred, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		scope := strings.Split(cred, "/")
		c.Region = scope[2]
		if n, ok := strings.CutPrefix(scope[0], "AKIA"); ok && len(n) == 12 {
			c.Account = n
		}
	}
	c.Authorize = func(_ *wire.Call, action, resource string, cond map[string][]string) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.asked = append(b.asked, action+" "+resource)
		b.facts = append(b.facts, cond)
		if b.denied[action+" "+resource] {
			return &wire.Error{Status: 403, Code: "AccessDeniedException", Message: "User: x is not authorized to perform: " + action + " on resource: " + resource}
		}
		return nil
	}
	b.svc.ServeAWS(w, c)
}

// client is an SDK client of one account and region, without retries.
func (b *bench) client(account, region string) *awsapi.Client {
	return awsapi.New(awsapi.Options{Region: region, BaseEndpoint: aws.String(b.url), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIA" + account, SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, nil
		})})
}

func (b *bench) sdk() *awsapi.Client { return b.client(testAccount, testRegion) }

// importAPI imports a document and deploys it to stage dev.
func (b *bench) importAPI(doc string) (id string) {
	b.t.Helper()
	ctx := b.t.Context()
	out, err := b.sdk().ImportRestApi(ctx, &awsapi.ImportRestApiInput{Body: []byte(doc)})
	if err != nil {
		b.t.Fatal(err)
	}
	b.deploy(*out.Id, "dev")
	return *out.Id
}

func (b *bench) deploy(id, stage string) string {
	b.t.Helper()
	d, err := b.sdk().CreateDeployment(b.t.Context(), &awsapi.CreateDeploymentInput{RestApiId: &id, StageName: &stage})
	if err != nil {
		b.t.Fatal(err)
	}
	return *d.Id
}

// reply is what the data plane answered.
type reply struct {
	status int
	header http.Header
	body   string
}

// call sends a request to the data plane. target is "/dev/pets?x=1"; headers are pairs.
func (b *bench) call(id, verb, target, body string, headers ...string) reply {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), verb, b.url+"/_aws/execute-api/"+id+target, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(data)}
}

// wantReply compares status and exact body.
func wantReply(t *testing.T, r reply, status int, body string) {
	t.Helper()
	if r.status != status || r.body != body {
		t.Errorf("answered %d %s (%s), want %d %s", r.status, r.body, r.header.Get("X-Amzn-Errortype"), status, body)
	}
}

// wantError compares the code and, when not empty, the exact message of an SDK error.
func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Errorf("got error %v, want %s: %s", err, code, message)
		return
	}
	if api.ErrorCode() != code || message != "" && api.ErrorMessage() != message {
		t.Errorf("got  %s: %s\nwant %s: %s", api.ErrorCode(), api.ErrorMessage(), code, message)
	}
}

func allow(resource string) map[string]any {
	return map[string]any{"principalId": "user|123", "policyDocument": map[string]any{"Version": "2012-10-17",
		"Statement": []any{map[string]any{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": resource}}}}
}
