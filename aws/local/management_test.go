package local_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"portcullis/aws/local"
)

// managed asks the management API and decodes the answer into v.
func (w *world) managed(method, path, body string, v any) int {
	w.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	rec := httptest.NewRecorder()
	w.s.Management().ServeHTTP(rec, r)
	if v != nil {
		if err := json.Unmarshal(rec.Body.Bytes(), v); err != nil {
			w.t.Fatalf("%s %s: %s", method, path, rec.Body)
		}
	}
	return rec.Code
}

func (w *world) fault(body string) {
	w.t.Helper()
	if status := w.managed("POST", "/_aws/faults", body, nil); status != http.StatusCreated {
		w.t.Fatalf("fault %s: %d", body, status)
	}
}

func TestFaults(t *testing.T) {
	w := start(t, local.Options{})
	ctx := t.Context()
	gateway := apigateway.NewFromConfig(w.admin())
	list := func() (int, error) {
		out, err := gateway.GetRestApis(ctx, &apigateway.GetRestApisInput{})
		if err != nil {
			return 0, err
		}
		return len(out.Items), nil
	}
	create := func() error {
		_, err := gateway.CreateRestApi(ctx, &apigateway.CreateRestApiInput{Name: aws.String("PetStore")})
		return err
	}

	w.fault(`{"kind":"throttle","service":"apigateway","retry_after":3,"times":1}`)
	_, err := list()
	expect(t, err, "TooManyRequestsException", "Too Many Requests")
	if n, err := list(); n != 0 || err != nil {
		t.Fatalf("once was asked for: %d, %v", n, err)
	}
	w.fault(`{"kind":"throttle","service":"sts","times":1}`)
	_, err = sts.NewFromConfig(w.admin()).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	expect(t, err, "Throttling", "Rate exceeded")
	w.fault(`{"kind":"expired","service":"events","operation":"ListRules","times":1}`)
	_, err = eventbridge.NewFromConfig(w.admin()).ListRules(ctx, &eventbridge.ListRulesInput{})
	expect(t, err, "ExpiredTokenException", "expired")

	w.fault(`{"kind":"error","method":"POST","path":"/restapis","status":503,"code":"ServiceUnavailableException","times":1}`)
	expect(t, create(), "ServiceUnavailableException", "")
	if n, _ := list(); n != 0 {
		t.Error("a request that failed has taken effect")
	}
	w.fault(`{"kind":"applied","method":"POST","path":"/restapis","times":1}`)
	expect(t, create(), "InternalFailure", "")
	if n, _ := list(); n != 1 {
		t.Errorf("a request that was applied and then failed: %d APIs", n)
	}
	w.fault(`{"kind":"reset","method":"POST","path":"/restapis","times":1}`)
	if err := create(); err == nil || code(err) != "" {
		t.Errorf("a reset connection: %v", err)
	}
	w.fault(`{"kind":"lost","method":"POST","path":"/restapis","times":1}`)
	if err := create(); err == nil || code(err) != "" {
		t.Errorf("a lost answer: %v", err)
	}
	if n, _ := list(); n != 2 {
		t.Errorf("%d APIs after one lost answer and one reset, want 2", n)
	}
	if err := create(); err != nil {
		t.Fatal(err)
	}
	w.fault(`{"kind":"stale","service":"apigateway","times":1}`)
	if n, _ := list(); n != 2 {
		t.Errorf("a stale read saw %d APIs, not the 2 of before", n)
	}
	if n, _ := list(); n != 3 {
		t.Errorf("the read after it saw %d APIs", n)
	}
	w.fault(`{"kind":"error","service":"apigateway","every":2}`)
	var failures []bool
	for range 4 {
		_, err := list()
		failures = append(failures, err != nil)
	}
	if !cmp.Equal(failures, []bool{false, true, false, true}) {
		t.Errorf("every second request: %v", failures)
	}
	if status := w.managed("DELETE", "/_aws/faults", "", nil); status != http.StatusNoContent {
		t.Error(status)
	}
	began := time.Now()
	w.fault(`{"kind":"latency","service":"apigateway","latency":"60ms","times":1}`)
	if n, err := list(); n != 3 || err != nil || time.Since(began) < 60*time.Millisecond {
		t.Errorf("%d, %v after %v", n, err, time.Since(began))
	}
	for _, bad := range []string{`{"kind":"nonsense"}`, `{"kind":"latency"}`, `{"kind":"error","status":200}`, `{"kind":"error","sevrice":"x"}`, `{`} {
		if status := w.managed("POST", "/_aws/faults", bad, nil); status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, status)
		}
	}
}

func TestRequestHistory(t *testing.T) {
	w := start(t, local.Options{})
	ctx := t.Context()
	if _, err := apigateway.NewFromConfig(w.admin()).GetRestApis(ctx, &apigateway.GetRestApisInput{}); err != nil {
		t.Fatal(err)
	}
	iam.NewFromConfig(w.admin()).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("nobody")}) // fails, which is recorded
	resp, err := httpClient.Post(w.url+"/_aws/execute-api/abcdefghij/dev/pets", "text/plain", bytes.NewReader([]byte("x")))
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	var got struct {
		Total    int
		Requests []local.Record
	}
	w.managed("GET", "/_aws/requests", "", &got)
	type short struct {
		Service, Account, Region, Operation, Code string
		Status                                    int
	}
	var have []short
	for _, r := range got.Requests {
		have = append(have, short{r.Service, r.Account, r.Region, r.Operation, r.ErrorCode, r.Status})
	}
	want := []short{
		{"apigateway", "111122223333", region, "GET /restapis", "", 200},
		{"iam", "111122223333", region, "GetRole", "NoSuchEntity", 404},
		{"execute-api", "", "", "POST /_aws/execute-api/abcdefghij/dev/pets", "ForbiddenException", 403},
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Error(d)
	}
	w.managed("GET", "/_aws/requests?service=iam&limit=1", "", &got)
	if len(got.Requests) != 1 || got.Total != 3 {
		t.Errorf("%+v", got)
	}
}

func TestClock(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", nil)
	w.schedule("every-minute", "rate(1 minute)", "my-function", "")
	var now struct{ Now, Offset string }
	if status := w.managed("POST", "/_aws/clock", `{"advance":"61s"}`, &now); status != 200 || now.Offset != "1m1s" {
		t.Errorf("%d %+v", status, now)
	}
	eventually(t, "the rule fires when the clock is moved", func() bool {
		for _, e := range environments(w) {
			if strings.HasSuffix(e.Function, ":my-function") {
				return true
			}
		}
		return false
	})
	if status := w.managed("POST", "/_aws/clock", `{"set":"2026-12-24T18:00:00Z"}`, &now); status != 200 || !strings.HasPrefix(now.Now, "2026-12-24T18:00:0") {
		t.Errorf("%d %+v", status, now)
	}
	for _, bad := range []string{`{}`, `{"advance":"soon"}`, `{"advance":"1h","reset":true}`, `{"advance":"100000h"}`} {
		if status := w.managed("POST", "/_aws/clock", bad, nil); status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, status)
		}
	}
	if status := w.managed("POST", "/_aws/clock", `{"reset":true}`, &now); status != 200 || now.Offset != "0s" {
		t.Errorf("%d %+v", status, now)
	}
}

type environment struct {
	Function, State string
	PID             int
	Idle            bool
}

func environments(w *world) []environment {
	var out struct{ Environments []environment }
	w.managed("GET", "/_aws/lambda/environments", "", &out)
	return out.Environments
}

func TestFreezeNowAndColdStarts(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(60) })
	done := make(chan *lambda.InvokeOutput, 1)
	event, release := w.held()
	go func() { done <- w.invoke("my-function", event) }()
	eventually(t, "the function runs", func() bool { l := environments(w); return len(l) == 1 && l[0].State == "running" && l[0].PID > 0 })
	var n map[string]int
	w.managed("POST", "/_aws/lambda/freeze", "", &n)
	if n["frozen"] != 1 || environments(w)[0].State != "frozen" {
		t.Errorf("%v %v", n, environments(w))
	}
	w.managed("POST", "/_aws/lambda/thaw", "", &n)
	if n["thawed"] != 1 {
		t.Errorf("%v", n)
	}
	release()
	if out := <-done; out.FunctionError != nil {
		t.Errorf("%s", out.Payload)
	}
	first := w.pid("my-function")
	if status := w.managed("POST", "/_aws/lambda/cold-starts", `{"every_time":true}`, nil); status != 200 {
		t.Error(status)
	}
	second := w.pid("my-function") // still the environment of before, its last time
	third := w.pid("my-function")
	if second.Pid == third.Pid || third.Invocations != 1 {
		t.Errorf("%+v %+v %+v", first, second, third)
	}
}

func TestReset(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", nil)
	p := w.pid("my-function")
	jane := w.user("jane", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	w.schedule("every-minute", "rate(1 minute)", "my-function", "")
	if status := w.managed("POST", "/_aws/reset", "", nil); status != 200 {
		t.Fatal(status)
	}
	ctx := t.Context()
	fns, err := lambda.NewFromConfig(w.admin()).ListFunctions(ctx, &lambda.ListFunctionsInput{})
	if err != nil || len(fns.Functions) != 0 {
		t.Errorf("%v, %v", fns, err)
	}
	rules, err := eventbridge.NewFromConfig(w.admin()).ListRules(ctx, &eventbridge.ListRulesInput{})
	if err != nil || len(rules.Rules) != 0 {
		t.Errorf("%v, %v", rules, err)
	}
	_, err = sts.NewFromConfig(jane).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	expect(t, err, "InvalidClientTokenId", "The security token included in the request is invalid.")
	eventually(t, "its process ends", func() bool { return !alive(p.Pid) })
}
