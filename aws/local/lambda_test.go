package local_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"portcullis/aws/local"
	locallambda "portcullis/aws/local/lambda"
)

var httpClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func env(vars map[string]string) func(*lambda.CreateFunctionInput) {
	return func(in *lambda.CreateFunctionInput) { in.Environment = &types.Environment{Variables: vars} }
}

type pidReply struct{ Pid, Invocations, Ticks int }

func (w *world) pid(name string) pidReply {
	w.t.Helper()
	out := w.invoke(name, `{"do":"pid"}`)
	var r pidReply
	if err := json.Unmarshal(out.Payload, &r); err != nil || r.Pid == 0 {
		w.t.Fatalf("not a pid: %s", out.Payload)
	}
	return r
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// state is the process state letter of Linux: T is stopped.
func state(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return rest[:1]
}

func TestFunctionRunsAndItsEnvironmentIsReused(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", nil)
	out := w.invoke("my-function", `{"do":"echo","text":"hello"}`)
	if string(out.Payload) != `{"do":"echo","text":"hello"}` || out.FunctionError != nil || aws.ToString(out.ExecutedVersion) != "$LATEST" {
		t.Errorf("got %s, error %v, version %v", out.Payload, out.FunctionError, aws.ToString(out.ExecutedVersion))
	}
	first := w.pid("my-function")
	second := w.pid("my-function")
	if first.Pid != second.Pid || second.Invocations != first.Invocations+1 {
		t.Errorf("a second invocation found another environment: %+v, %+v", first, second)
	}
}

func TestEnvironmentVariablesAndHeaders(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", env(map[string]string{"GREETING": "hello", "AWS_INJECT_CONTEXT": "true"}))
	var vars map[string]string
	if err := json.Unmarshal(w.invoke("my-function", `{"do":"env"}`).Payload, &vars); err != nil {
		t.Fatal(err)
	}
	for k, want := range map[string]string{"GREETING": "hello", "AWS_INJECT_CONTEXT": "true", "_HANDLER": "any", "AWS_REGION": region, "AWS_LAMBDA_FUNCTION_NAME": "my-function",
		"AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_ENDPOINT_URL": w.url, "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"} {
		if vars[k] != want {
			t.Errorf("%s is %q, want %q", k, vars[k], want)
		}
	}
	for _, k := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LAMBDA_TASK_ROOT", "AWS_LAMBDA_RUNTIME_API"} {
		if vars[k] == "" {
			t.Errorf("%s is not set", k)
		}
	}
	if vars["HOME"] != "" {
		t.Error("the environment of the test leaked into the function")
	}
	var h http.Header
	if err := json.Unmarshal(w.invoke("my-function", `{"do":"headers"}`).Payload, &h); err != nil {
		t.Fatal(err)
	}
	if got := h.Get("Lambda-Runtime-Invoked-Function-Arn"); got != "arn:aws:lambda:eu-west-1:111122223333:function:my-function" {
		t.Errorf("invoked ARN %q", got)
	}
	if !strings.HasPrefix(h.Get("Lambda-Runtime-Trace-Id"), "Root=1-") || len(h.Get("Lambda-Runtime-Deadline-Ms")) != 13 {
		t.Errorf("trace %q, deadline %q", h.Get("Lambda-Runtime-Trace-Id"), h.Get("Lambda-Runtime-Deadline-Ms"))
	}
}

func TestFunctionErrors(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(1) })
	for _, c := range []struct{ event, kind, text string }{
		{`{"do":"fail"}`, "Fn.Failed", "as asked"},
		{`{"do":"exit"}`, "Runtime.ExitError", "Runtime exited with error: exit status 3"},
		{`{"do":"sleep","ms":60000}`, "Sandbox.Timedout", "Task timed out after 1.00 seconds"},
		{`{"do":"big"}`, "Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size"},
	} {
		t.Run(c.event, func(t *testing.T) {
			out := w.invoke("my-function", c.event)
			var e struct{ ErrorType, ErrorMessage string }
			if err := json.Unmarshal(out.Payload, &e); err != nil {
				t.Fatalf("%.200s: %v", out.Payload, err)
			}
			if aws.ToString(out.FunctionError) != "Unhandled" || e.ErrorType != c.kind || !strings.Contains(e.ErrorMessage, c.text) {
				t.Errorf("got %s %+v", aws.ToString(out.FunctionError), e)
			}
			if got := w.invoke("my-function", `{"do":"echo"}`); got.FunctionError != nil {
				t.Errorf("the invocation after it fails too: %s", got.Payload)
			}
		})
	}
}

func TestInitFailures(t *testing.T) {
	for _, c := range []struct {
		init, kind, text string
		limit            time.Duration
		timeout          int32
	}{
		{"exit", "Runtime.ExitError", "exit status 7", 10 * time.Second, 10},
		{"error", "Fn.BadConfig", "FN_INIT is error", 10 * time.Second, 10},
		{"hang", "Sandbox.Timedout", "Task timed out after 1.00 seconds", 100 * time.Millisecond, 1},
	} {
		t.Run(c.init, func(t *testing.T) {
			w := start(t, local.Options{Lambda: locallambda.Options{InitTimeout: c.limit}})
			w.function("init-"+c.init, func(in *lambda.CreateFunctionInput) {
				in.Timeout = aws.Int32(c.timeout)
				env(map[string]string{"FN_INIT": c.init})(in)
			})
			out := w.invoke("init-"+c.init, `{}`)
			if aws.ToString(out.FunctionError) != "Unhandled" || !strings.Contains(string(out.Payload), c.kind) || !strings.Contains(string(out.Payload), c.text) {
				t.Errorf("got %s %s", aws.ToString(out.FunctionError), out.Payload)
			}
		})
	}
}

func TestFreezeBetweenInvocations(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	w := start(t, local.Options{})
	w.function("my-function", nil)
	p := w.pid("my-function")
	eventually(t, "the process is stopped after its answer", func() bool { return state(p.Pid) == "T" })
	q := w.pid("my-function")
	if q.Pid != p.Pid {
		t.Fatal("thawing started another process")
	}
}

func TestExtensionWorksOnAfterTheAnswerAndIsFrozenLater(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	term := filepath.Join(t.TempDir(), "term")
	var mu sync.Mutex
	var lines []string
	w := start(t, local.Options{Lambda: locallambda.Options{Log: func(l locallambda.LogLine) {
		mu.Lock()
		lines = append(lines, l.Text)
		mu.Unlock()
	}}})
	w.function("my-function", env(map[string]string{"FN_INIT": "extension", "FN_LINGER": "800ms", "FN_TERM": term}))
	began := time.Now()
	p := w.pid("my-function")
	if state(p.Pid) == "T" {
		t.Error("the environment was frozen while the extension still worked")
	}
	logged := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return strings.Contains(strings.Join(lines, "\n"), `extension saw {"deadlineMs"`)
	}
	if logged() {
		t.Errorf("the answer came after %v, when the extension was done, not before", time.Since(began))
	}
	eventually(t, "the extension finishes", logged)
	eventually(t, "the environment is frozen then", func() bool { return state(p.Pid) == "T" })
	w.s.Close()
	if b, _ := os.ReadFile(term); string(b) != "terminated" {
		t.Error("a function with an extension gets SIGTERM before its end")
	}
}

func TestCloseLeavesNoProcess(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", nil)
	var child struct{ Pid int }
	if err := json.Unmarshal(w.invoke("my-function", `{"do":"child"}`).Payload, &child); err != nil || child.Pid == 0 {
		t.Fatal("no child process", err)
	}
	p := w.pid("my-function")
	w.s.Close()
	eventually(t, "function and its child are gone", func() bool { return !alive(p.Pid) && (!alive(child.Pid) || state(child.Pid) == "Z") })
}

func TestOneInvocationPerEnvironment(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(60) })
	event, release := w.held()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if out := w.invoke("my-function", event); out.FunctionError != nil {
				t.Errorf("%s", out.Payload)
			}
		})
	}
	eventually(t, "three environments run at once", func() bool {
		pids := map[int]bool{}
		for _, e := range environments(w) {
			if e.State == "running" && e.PID > 0 {
				pids[e.PID] = true
			}
		}
		return len(pids) == 3
	})
	release()
	wg.Wait()
}

// held returns an event whose invocation lasts until release is called.
func (w *world) held() (event string, release func()) {
	path := filepath.Join(w.t.TempDir(), "release")
	return `{"do":"wait","text":"` + path + `"}`, func() {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			w.t.Error(err)
		}
	}
}

func TestReservedConcurrency(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", nil)
	c := lambda.NewFromConfig(w.admin())
	name := aws.String("my-function")
	if _, err := c.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(0)}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: name})
	expect(t, err, "TooManyRequestsException", "Rate Exceeded.")
	if _, err := c.DeleteFunctionConcurrency(t.Context(), &lambda.DeleteFunctionConcurrencyInput{FunctionName: name}); err != nil {
		t.Fatal(err)
	}
	w.invoke("my-function", `{}`)
	_, err = c.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(901)})
	expect(t, err, "InvalidParameterValueException", "below its minimum value of [100]")
}

func TestLogTail(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", nil)
	out, err := lambda.NewFromConfig(w.admin()).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("my-function"), LogType: types.LogTypeTail, Payload: []byte(`{"do":"log","text":"a line of the function"}`)})
	if err != nil {
		t.Fatal(err)
	}
	b, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil {
		t.Fatal(err)
	}
	at := -1
	for _, want := range []string{"START RequestId: ", "a line of the function\n", "unfinished\n", "END RequestId: ", "REPORT RequestId: ", "Memory Size: 128 MB", "Init Duration: "} {
		i := strings.Index(string(b), want)
		if i <= at {
			t.Errorf("%q is missing or out of order in:\n%s", want, b)
		}
		at = i
	}
}

func TestInvokeIsStrict(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", nil)
	c := lambda.NewFromConfig(w.admin())
	_, err := c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("my-function"), Payload: []byte(`{not json`)})
	expect(t, err, "InvalidRequestContentException", "Could not parse request body into json")
	_, err = c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("nobody")})
	expect(t, err, "ResourceNotFoundException", "Function not found: arn:aws:lambda:eu-west-1:111122223333:function:nobody")
	_, err = c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("my-function"), Qualifier: aws.String("7")})
	expect(t, err, "ResourceNotFoundException", "my-function:7")
	_, err = c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("my-function"), Payload: []byte(`"` + strings.Repeat("x", 6<<20) + `"`)})
	expect(t, err, "RequestEntityTooLargeException", "payload is too large for the RequestResponse invocation type")
	out, err := c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("my-function"), InvocationType: types.InvocationTypeDryRun})
	if err != nil || out.StatusCode != 204 {
		t.Errorf("dry run: %v, %v", out, err)
	}
}

// script is a bootstrap small enough for tests that never run it.
var script = file{"bootstrap", 0o755, []byte("#!/bin/sh\nexit 0\n")}

func TestCreateFunctionIsStrict(t *testing.T) {
	w := start(t, local.Options{})
	role := w.role("good", "")
	w.function("taken", func(in *lambda.CreateFunctionInput) { in.Role = aws.String(role) })
	c := lambda.NewFromConfig(w.admin())
	big := map[string]string{"BIG": strings.Repeat("x", 4096)}
	for name, tc := range map[string]struct {
		change     func(*lambda.CreateFunctionInput)
		code, text string
	}{
		"retired runtime":   {func(in *lambda.CreateFunctionInput) { in.Runtime = types.RuntimeGo1x }, "InvalidParameterValueException", "The runtime parameter of go1.x is no longer supported for creating or updating AWS Lambda functions."},
		"blocked runtime":   {func(in *lambda.CreateFunctionInput) { in.Runtime = types.RuntimeProvidedal2 }, "InvalidParameterValueException", "The runtime parameter of provided.al2 is no longer supported"},
		"other runtime":     {func(in *lambda.CreateFunctionInput) { in.Runtime = types.RuntimeJava21 }, "NotImplemented", "java21"},
		"no such runtime":   {func(in *lambda.CreateFunctionInput) { in.Runtime = "cobol" }, "InvalidParameterValueException", "cobol"},
		"no handler":        {func(in *lambda.CreateFunctionInput) { in.Handler = nil }, "InvalidParameterValueException", "Runtime and Handler are mandatory parameters"},
		"taken name":        {func(in *lambda.CreateFunctionInput) { in.FunctionName = aws.String("taken") }, "ResourceConflictException", "Function already exist: taken"},
		"no such role":      {func(in *lambda.CreateFunctionInput) { in.Role = aws.String("arn:aws:iam::111122223333:role/nobody") }, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."},
		"other account":     {func(in *lambda.CreateFunctionInput) { in.Role = aws.String("arn:aws:iam::123456789012:role/x") }, "AccessDeniedException", "Cross-account pass role is not allowed."},
		"long timeout":      {func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(901) }, "ValidationException", "Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"},
		"little memory":     {func(in *lambda.CreateFunctionInput) { in.MemorySize = aws.Int32(64) }, "ValidationException", "Member must have value greater than or equal to 128"},
		"large environment": {func(in *lambda.CreateFunctionInput) { in.Environment = &types.Environment{Variables: big} }, "InvalidParameterValueException", "exceeded the 4KB limit"},
		"reserved variable": {func(in *lambda.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"AWS_REGION": "x"}}
		}, "InvalidParameterValueException", "Reserved keys used in this request: AWS_REGION"},
		"not a zip":      {func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = []byte("hello") }, "InvalidParameterValueException", "Could not unzip uploaded file."},
		"path traversal": {func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = zipOf(t, file{"../evil", 0o644, nil}) }, "InvalidParameterValueException", "leads out of it"},
		"layers": {func(in *lambda.CreateFunctionInput) {
			in.Layers = []string{"arn:aws:lambda:eu-west-1:111122223333:layer:x:1"}
		}, "NotImplemented", "Layers"},
	} {
		t.Run(name, func(t *testing.T) {
			in := &lambda.CreateFunctionInput{FunctionName: aws.String("my-function"), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"), Role: aws.String(role),
				Code: &types.FunctionCode{ZipFile: zipOf(t, script)}}
			tc.change(in)
			_, err := c.CreateFunction(t.Context(), in)
			expect(t, err, tc.code, tc.text)
			if _, err := c.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("my-function")}); code(err) != "ResourceNotFoundException" {
				t.Errorf("something of the refused function is there: %v", err)
			}
		})
	}
}

func TestCodeThatCannotStart(t *testing.T) {
	w := start(t, local.Options{})
	other := map[string]types.Architecture{"amd64": types.ArchitectureArm64, "arm64": types.ArchitectureX8664}[runtime.GOARCH]
	role := aws.String(w.role("r", ""))
	for name, tc := range map[string]struct {
		zip  []byte
		arch []types.Architecture
		text string
	}{
		"no bootstrap":       {zipOf(t, file{"main", 0o755, []byte("x")}), nil, "Couldn't find valid bootstrap(s)"},
		"in a folder":        {zipOf(t, file{"dist/bootstrap", 0o755, script.body}), nil, "Couldn't find valid bootstrap(s)"},
		"not executable":     {zipOf(t, file{"bootstrap", 0o644, script.body}), nil, "permission denied"},
		"other architecture": {fnZip(t), []types.Architecture{other}, "exec format error (bootstrap is built for"},
		"not a program":      {zipOf(t, file{"bootstrap", 0o755, []byte("just text")}), nil, "exec format error"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{t, w.s, w.url}
			fn := strings.ReplaceAll(name, " ", "-")
			w.function(fn, func(in *lambda.CreateFunctionInput) {
				in.Role, in.Code.ZipFile, in.Architectures = role, tc.zip, tc.arch
			})
			out := w.invoke(fn, `{}`)
			if !strings.Contains(string(out.Payload), "Runtime.InvalidEntrypoint") || !strings.Contains(string(out.Payload), tc.text) {
				t.Errorf("got %s", out.Payload)
			}
		})
	}
}

func TestUpdateReplacesEnvironments(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", env(map[string]string{"COLOUR": "blue"}))
	before := w.pid("my-function")
	c := lambda.NewFromConfig(w.admin())
	name := aws.String("my-function")
	out, err := c.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: name, Timeout: aws.Int32(7), Environment: &types.Environment{Variables: map[string]string{"COLOUR": "red"}}})
	if err != nil || aws.ToInt32(out.Timeout) != 7 || aws.ToString(out.Handler) != "any" {
		t.Fatalf("%+v, %v", out, err)
	}
	after := w.pid("my-function")
	if after.Pid == before.Pid {
		t.Error("the old environment went on")
	}
	eventually(t, "the old process ends", func() bool { return !alive(before.Pid) })
	if got := string(w.invoke("my-function", `{"do":"env"}`).Payload); !strings.Contains(got, `"COLOUR":"red"`) {
		t.Errorf("not the new variables: %s", got)
	}
	_, err = c.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: zipOf(t, file{"x", 0o644, nil}), RevisionId: aws.String("11111111-1111-1111-1111-111111111111")})
	expect(t, err, "PreconditionFailedException", "Revision Id")
	if _, err := c.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: name}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its process ends with the function", func() bool { return !alive(after.Pid) })
}

func TestVersionsAndAliases(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", env(map[string]string{"COLOUR": "blue"}))
	c := lambda.NewFromConfig(w.admin())
	ctx, name := t.Context(), aws.String("my-function")
	v1, err := c.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: name})
	if err != nil || aws.ToString(v1.Version) != "1" {
		t.Fatalf("%v, %v", v1, err)
	}
	again, err := c.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: name})
	if err != nil || aws.ToString(again.Version) != "1" {
		t.Fatalf("publishing without a change made version %v (%v)", aws.ToString(again.Version), err)
	}
	if _, err := c.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: name, Name: aws.String("live"), FunctionVersion: aws.String("1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: name, Environment: &types.Environment{Variables: map[string]string{"COLOUR": "red"}}}); err != nil {
		t.Fatal(err)
	}
	for qualifier, want := range map[string]string{"live": "blue", "1": "blue", "$LATEST": "red"} {
		out, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: name, Qualifier: aws.String(qualifier), Payload: []byte(`{"do":"env"}`)})
		if err != nil || !strings.Contains(string(out.Payload), `"COLOUR":"`+want+`"`) {
			t.Errorf("%s: %v", qualifier, err)
		}
	}
	_, err = c.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: name, Qualifier: aws.String("1")})
	expect(t, err, "ResourceConflictException", "live")
	list, err := c.ListVersionsByFunction(ctx, &lambda.ListVersionsByFunctionInput{FunctionName: name})
	if err != nil || len(list.Versions) != 2 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestPermissions(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", nil)
	c := lambda.NewFromConfig(w.admin())
	ctx, name := t.Context(), aws.String("my-function")
	add := func(sid, source string) error {
		_, err := c.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: name, StatementId: aws.String(sid), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("apigateway.amazonaws.com"),
			SourceArn: aws.String(source), SourceAccount: aws.String("111122223333")})
		return err
	}
	_, err := c.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: name})
	expect(t, err, "ResourceNotFoundException", "The resource you requested does not exist.")
	if err := add("one", "arn:aws:execute-api:eu-west-1:111122223333:*/authorizers/*"); err != nil {
		t.Fatal(err)
	}
	expect(t, add("one", "arn:aws:execute-api:eu-west-1:111122223333:*"), "ResourceConflictException", "The statement id (one) provided already exists.")
	var full error
	for i := 0; full == nil && i < 200; i++ {
		full = add(fmt.Sprintf("more-%d", i), "arn:aws:execute-api:eu-west-1:111122223333:abcdefghij/authorizers/klmnop")
	}
	expect(t, full, "PolicyLengthExceededException", "is bigger than the limit (20480).")
	got, err := c.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: name})
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Statement []struct {
			Sid       string
			Resource  string
			Principal struct{ Service string }
			Condition map[string]map[string]string
		}
	}
	if err := json.Unmarshal([]byte(aws.ToString(got.Policy)), &doc); err != nil {
		t.Fatal(err)
	}
	st := doc.Statement[0]
	if st.Sid != "one" || st.Principal.Service != "apigateway.amazonaws.com" || st.Condition["ArnLike"]["AWS:SourceArn"] == "" || st.Condition["StringEquals"]["AWS:SourceAccount"] != "111122223333" {
		t.Errorf("%+v", st)
	}
	if _, err := c.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: name, StatementId: aws.String("one")}); err != nil {
		t.Fatal(err)
	}
	_, err = c.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: name, StatementId: aws.String("one")})
	expect(t, err, "ResourceNotFoundException", "Statement one is not found in resource policy.")
}

// The function's own credentials are those of its role, and its role's policy is all they can do.
func TestFunctionHasItsRolesCredentials(t *testing.T) {
	w := start(t, local.Options{})
	role := w.role("reader", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"apigateway:GET","Resource":"arn:aws:apigateway:eu-west-1::/restapis"}]}`)
	w.function("my-function", func(in *lambda.CreateFunctionInput) { in.Role = aws.String(role) })
	var vars map[string]string
	if err := json.Unmarshal(w.invoke("my-function", `{"do":"env"}`).Payload, &vars); err != nil {
		t.Fatal(err)
	}
	inside := w.config(vars["AWS_ACCESS_KEY_ID"], vars["AWS_SECRET_ACCESS_KEY"], vars["AWS_SESSION_TOKEN"])
	if _, err := apigateway.NewFromConfig(inside).GetRestApis(t.Context(), &apigateway.GetRestApisInput{}); err != nil {
		t.Error(err)
	}
	_, err := apigateway.NewFromConfig(inside).CreateRestApi(t.Context(), &apigateway.CreateRestApiInput{Name: aws.String("PetStore")})
	expect(t, err, "AccessDeniedException", "User: arn:aws:sts::111122223333:assumed-role/reader/my-function is not authorized to perform: apigateway:POST on resource: arn:aws:apigateway:eu-west-1::/restapis")
	_, err = lambda.NewFromConfig(inside).GetPolicy(t.Context(), &lambda.GetPolicyInput{FunctionName: aws.String("my-function")})
	expect(t, err, "AccessDeniedException", "lambda:GetPolicy on resource: arn:aws:lambda:eu-west-1:111122223333:function:my-function")
}

// An environment whose credentials are about to end is replaced by one with fresh ones.
func TestCredentialsAreFresh(t *testing.T) {
	at := &clock{time.Now()}
	w := start(t, local.Options{Now: at.now})
	w.function("my-function", nil)
	before := w.pid("my-function")
	at.t = at.t.Add(7 * time.Hour)
	if after := w.pid("my-function"); after.Pid == before.Pid {
		t.Error("an environment went on with credentials that have expired")
	}
}

func TestAsynchronousInvocationIsRetried(t *testing.T) {
	var mu sync.Mutex
	attempts := map[string]int{}
	w := start(t, local.Options{Lambda: locallambda.Options{RetryDelays: []time.Duration{0, 0}, Log: func(l locallambda.LogLine) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(l.Text, "event ") {
			attempts[l.Text]++
		}
	}}})
	w.function("my-function", env(map[string]string{"FN_SHOW": "1"}))
	c := lambda.NewFromConfig(w.admin())
	for _, event := range []string{`{"do":"fail"}`, `{"do":"echo"}`} {
		out, err := c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("my-function"), InvocationType: types.InvocationTypeEvent, Payload: []byte(event)})
		if err != nil || out.StatusCode != 202 {
			t.Fatalf("%v, %v", out, err)
		}
	}
	count := func(event string) int {
		mu.Lock()
		defer mu.Unlock()
		return attempts["event "+event]
	}
	eventually(t, "three attempts of the one that fails", func() bool { return count(`{"do":"fail"}`) == 3 })
	eventually(t, "one attempt of the other", func() bool { return count(`{"do":"echo"}`) == 1 })
	w.s.Close() // waits for all attempts
	if f, e := count(`{"do":"fail"}`), count(`{"do":"echo"}`); f != 3 || e != 1 {
		t.Errorf("%d and %d attempts, want 3 and 1", f, e)
	}
	_, err := c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("my-function"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`"` + strings.Repeat("x", 1<<20) + `"`)})
	expect(t, err, "RequestEntityTooLargeException", "payload is too large for the Event invocation type")
}

func TestInvokeByOthers(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", nil)
	arn := aws.String("arn:aws:lambda:eu-west-1:111122223333:function:my-function")
	other := lambda.NewFromConfig(w.config("444455556666", "any", ""))
	_, err := other.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: arn})
	expect(t, err, "AccessDeniedException", "no resource-based policy allows the lambda:InvokeFunction action")
	jane := lambda.NewFromConfig(w.user("jane", ""))
	_, err = jane.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: arn})
	expect(t, err, "AccessDeniedException", "no identity-based policy allows the lambda:InvokeFunction action")
	for sid, principal := range map[string]string{"account": "444455556666", "jane": "arn:aws:iam::111122223333:user/jane"} {
		if _, err := lambda.NewFromConfig(w.admin()).AddPermission(t.Context(), &lambda.AddPermissionInput{FunctionName: arn, StatementId: aws.String(sid), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String(principal)}); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]*lambda.Client{"another account": other, "a user": jane} {
		if _, err := c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: arn}); err != nil {
			t.Errorf("%s that the function's policy names: %v", name, err)
		}
	}
	_, err = other.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: arn})
	expect(t, err, "AccessDeniedException", "lambda:GetFunction")
}

// With as many processes as there may be, the longest idle one makes room; when all are at work, callers are throttled.
func TestEnvironmentsAreBounded(t *testing.T) {
	w := start(t, local.Options{Lambda: locallambda.Options{MaxEnvironments: 1}})
	role := w.role("r", "")
	for _, name := range []string{"one", "two"} {
		w.function(name, func(in *lambda.CreateFunctionInput) { in.Role, in.Timeout = aws.String(role), aws.Int32(60) })
	}
	p := w.pid("one")
	if state := environments(w); len(state) != 1 {
		t.Errorf("%v", state)
	}
	eventually(t, "the first environment is idle", func() bool { return environments(w)[0].Idle })
	w.pid("two")
	if alive(p.Pid) || len(environments(w)) != 1 {
		t.Errorf("the idle environment did not make room: %v", environments(w))
	}
	eventually(t, "the second environment is idle", func() bool { return environments(w)[0].Idle })
	done := make(chan *lambda.InvokeOutput, 1)
	event, release := w.held()
	go func() { done <- w.invoke("two", event) }()
	eventually(t, "the only environment is at work", func() bool { l := environments(w); return len(l) == 1 && l[0].State == "running" })
	_, err := lambda.NewFromConfig(w.admin()).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("one")})
	expect(t, err, "TooManyRequestsException", "Rate Exceeded.")
	release()
	if out := <-done; out.FunctionError != nil {
		t.Errorf("%s", out.Payload)
	}
}
