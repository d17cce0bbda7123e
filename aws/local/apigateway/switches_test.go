package apigateway_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portcullis/aws/local/apigateway"
	"portcullis/aws/local/wire"
)

// TestUnansweredAuthorizer: what triggers AUTHORIZER_FAILURE is not documented, nor its header and body. By default nothing
// does; with the switch, a function that gave no result. What it did answer is a configuration error in both variants.
func TestUnansweredAuthorizer(t *testing.T) {
	const configuration, failure = "AuthorizerConfigurationException", "AuthorizerFailureException"
	slow := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	aws := func(status int, code string) func(context.Context) error {
		return func(context.Context) error { return &wire.Error{Status: status, Code: code, Message: "refused"} }
	}
	for name, c := range map[string]struct {
		err         func(context.Context) error // nil: the function itself fails
		switched    string                      // error type with the switch
		description string
	}{
		"too slow":             {slow, failure, "AUTHORIZER_FAILURE"},
		"throttled":            {aws(429, "TooManyRequestsException"), failure, "AUTHORIZER_FAILURE"},
		"Lambda fails":         {aws(500, "ServiceException"), failure, "AUTHORIZER_FAILURE"},
		"no permission":        {aws(403, "AccessDeniedException"), configuration, "AUTHORIZER_CONFIGURATION_ERROR"},
		"no such function":     {aws(404, "ResourceNotFoundException"), configuration, "AUTHORIZER_CONFIGURATION_ERROR"},
		"the function panics":  {nil, configuration, "AUTHORIZER_CONFIGURATION_ERROR"},
		"the caller went away": {aws(499, "ClientClosedRequest"), failure, "AUTHORIZER_FAILURE"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, on := range []bool{false, true} {
				b := newBench(t, func(o *apigateway.Options) {
					o.AuthorizerTimeout, o.UnansweredIsFailure = 20*time.Millisecond, on
					o.Invoke = func(ctx context.Context, in wire.Invocation) (wire.InvokeResult, error) {
						if c.err == nil {
							return unhandled("boom")(in)
						}
						return wire.InvokeResult{}, c.err(ctx)
					}
				})
				id := b.importAPI(document([]string{"GET /pets"}, uncached))
				b.must("PUT", "/restapis/"+id+"/gatewayresponses/DEFAULT_5XX", map[string]any{"responseParameters": map[string]any{"gatewayresponse.header.X-Type": "context.error.responseType"}})
				got := b.call(id, "GET", "/dev/pets", "")
				wantReply(t, got, 500, `{"message":null}`)
				want, kind := configuration, "AUTHORIZER_CONFIGURATION_ERROR"
				if on {
					want, kind = c.switched, c.description
				}
				if e := got.header.Get("X-Amzn-Errortype"); e != want {
					t.Errorf("switch %v: error type %q, want %q", on, e, want)
				}
				b.deploy(id, "dev")
				if got := b.call(id, "GET", "/dev/pets", ""); got.header.Get("X-Type") != kind {
					t.Errorf("switch %v: the gateway response is %q, want %q", on, got.header.Get("X-Type"), kind)
				}
			}
		})
	}
	t.Run("header and body", func(t *testing.T) {
		b := newBench(t, func(o *apigateway.Options) {
			o.UnansweredIsFailure, o.FailureErrorType, o.FailureMessage = true, "InternalServerErrorException", "Internal server error"
		})
		b.functions["my-function"] = refused(429, "TooManyRequestsException")
		got := b.call(b.importAPI(document([]string{"GET /pets"}, uncached)), "GET", "/dev/pets", "")
		wantReply(t, got, 500, `{"message":"Internal server error"}`)
		if e := got.header.Get("X-Amzn-Errortype"); e != "InternalServerErrorException" {
			t.Errorf("error type %q", e)
		}
	})
}

// TestEscapedWildcards: whether ${*} in an authorizer's policy is IAM's escape or only text with a wildcard is not known.
func TestEscapedWildcards(t *testing.T) {
	policy := func(version, resource string) string {
		return `{"principalId":"u","policyDocument":{` + version + `"Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"` + resource + `"}]}}`
	}
	const current = `"Version":"2012-10-17",`
	for _, c := range []struct {
		name, out, target string
		plain, escaped    int
	}{
		{"the star itself", policy(current, "arn:*/dev/GET/items/${*}"), "/dev/items/*", 403, 200},
		{"no other character", policy(current, "arn:*/dev/GET/items/${*}"), "/dev/items/42", 403, 403},
		{"the question mark is one, too", policy(current, "arn:*/dev/GET/items/a${?}"), "/dev/items/ab", 403, 403},
		{"a dollar", policy(current, "arn:*/dev/GET/items/${$}"), "/dev/items/$", 403, 200},
		{"what the braces match as text", policy(current, "arn:*/dev/GET/items/${*}"), "/dev/items/${x}", 200, 403},
		{"an older version knows no variables", policy("", "arn:*/dev/GET/items/${*}"), "/dev/items/*", 403, 403},
		{"a wildcard stays one", policy(current, "arn:*/dev/GET/items/*"), "/dev/items/42", 200, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			for on, want := range map[bool]int{false: c.plain, true: c.escaped} {
				b := newBench(t, func(o *apigateway.Options) { o.EscapedWildcards, o.NormalizeMethodARN = on, true })
				b.returns("my-function", c.out)
				id := b.importAPI(document([]string{"GET /items/{id}"}, uncached))
				if got := b.call(id, "GET", c.target, ""); got.status != want {
					t.Errorf("EscapedWildcards %v: %d %s, want %d", on, got.status, got.body, want)
				}
			}
		})
	}
}

// TestPolicySize: reports disagree on how large the policy of an authorizer may be: 6 MB, or denied from some 8 KB on.
func TestPolicySize(t *testing.T) {
	statements := func(n int) string {
		return `{"principalId":"u","policyDocument":{"Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}` +
			strings.Repeat(`,{"Action":"execute-api:Invoke","Effect":"Deny","Resource":"arn:aws:execute-api:eu-west-1:111122223333:another/dev/GET/items"}`, n) + `]}}`
	}
	for _, c := range []struct{ most, statements, status int }{{0, 1000, 200}, {8192, 1000, 403}, {8192, 10, 200}} {
		b := newBench(t, func(o *apigateway.Options) { o.MaxAuthorizerPolicy = c.most })
		b.returns("my-function", statements(c.statements))
		got := b.call(b.importAPI(document([]string{"GET /a"}, uncached)), "GET", "/dev/a", "")
		if got.status != c.status || c.status == 403 && got.body != `{"Message":"User is not authorized to access this resource"}` {
			t.Errorf("limit %d, %d statements: %d %s", c.most, c.statements, got.status, got.body)
		}
	}
}

// TestDenialText: pages and captures disagree on the member's name, and the text may have changed since the captures.
func TestDenialText(t *testing.T) {
	for _, c := range []struct {
		change func(*apigateway.Options)
		effect string
		body   string
	}{
		{nil, "Deny", `{"Message":"User is not authorized to access this resource with an explicit deny"}`},
		{func(o *apigateway.Options) { o.DenialMember = "message" }, "Deny", `{"message":"User is not authorized to access this resource with an explicit deny"}`},
		{func(o *apigateway.Options) { o.DenialSuffix = " in an identity-based policy" }, "Deny", `{"Message":"User is not authorized to access this resource with an explicit deny in an identity-based policy"}`},
		{func(o *apigateway.Options) { o.DenialMember, o.DenialSuffix = "message", " more" }, "", `{"message":"User is not authorized to access this resource"}`},
	} {
		b := newBench(t, c.change)
		statement := ""
		if c.effect != "" {
			statement = `{"Action":"execute-api:Invoke","Effect":"` + c.effect + `","Resource":"*"}`
		}
		b.returns("my-function", `{"principalId":"u","policyDocument":{"Statement":[`+statement+`]}}`)
		wantReply(t, b.call(b.importAPI(document([]string{"GET /a"}, uncached)), "GET", "/dev/a", ""), 403, c.body)
	}
}

// TestHeaderNames: functions meet names in the canonical spelling or in lower case, whatever the caller wrote; an identity source
// is found all the same. Source: aws-sdk-js#2719, localstack#12688; RFC 9113, section 8.2.
func TestHeaderNames(t *testing.T) {
	for lower, names := range map[bool][2]string{false: {"Authorization", "X-My-Header"}, true: {"authorization", "x-my-header"}} {
		b := newBench(t, func(o *apigateway.Options) { o.LowerCaseHeaders = lower })
		b.returns("my-function", allow("*"))
		id := b.importAPI(document([]string{"GET /a"}, byHeader))
		wantReply(t, b.call(id, "GET", "/dev/a", "", "authorization", "x", "X-MY-header", "1"), 200, "GET /a")
		ev := b.lastEvent()
		headers, multi := ev["headers"].(map[string]any), ev["multiValueHeaders"].(map[string]any)
		if headers[names[0]] != "x" || headers[names[1]] != "1" || multi[names[1]] == nil {
			t.Errorf("LowerCaseHeaders %v: %v", lower, headers)
		}
	}
}

// logBook collects the lines of execution logs.
type logBook struct {
	mu    sync.Mutex
	lines []wire.LogLine
}

func (l *logBook) add(line wire.LogLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

func (l *logBook) take() []wire.LogLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.lines
	l.lines = nil
	return out
}

// TestExecutionLog: levels, groups and phrases; and whether a refused token is in it at all, which sources contradict.
// Source: Developer Guide, "Set up CloudWatch logging for REST APIs"; re:Post article on 403 of Lambda authorizers.
func TestExecutionLog(t *testing.T) {
	for _, logged := range []bool{false, true} {
		book := &logBook{}
		b := newBench(t, func(o *apigateway.Options) { o.ExecutionLog, o.LogMissingIdentity = book.add, logged })
		id := b.importAPI(document([]string{"GET /a"}, byHeader))
		level := func(path, value string) map[string]any {
			return map[string]any{"patchOperations": []any{map[string]any{"op": "replace", "path": path + "/logging/loglevel", "value": value}}}
		}
		if r, body := b.rest("PATCH", "/restapis/"+id+"/stages/dev", level("/*/*", "INFO")); r.status != 400 || body["message"] != "CloudWatch Logs role ARN must be set in account settings to enable logging" {
			t.Errorf("without a role: %d %v", r.status, body)
		}
		b.must("PATCH", "/account", map[string]any{"patchOperations": []any{map[string]any{"op": "replace", "path": "/cloudwatchRoleArn", "value": "arn:aws:iam::111122223333:role/logs"}}})
		texts := func(headers ...string) []string {
			t.Helper()
			b.call(id, "GET", "/dev/a", "", headers...)
			var out []string
			for _, l := range book.take() {
				if l.Account != testAccount || l.Region != testRegion || l.Group != "API-Gateway-Execution-Logs_"+id+"/dev" || len(l.Stream) != 32 {
					t.Errorf("line %+v", l)
				}
				_, text, _ := strings.Cut(l.Text, ") ")
				out = append(out, text)
			}
			return out
		}
		b.functions["my-function"] = unhandled("boom")
		if got := texts("Authorization", "x"); got != nil {
			t.Errorf("logged without a level: %q", got)
		}
		b.must("PATCH", "/restapis/"+id+"/stages/dev", level("/*/*", "ERROR"))
		if got := texts("Authorization", "x"); len(got) != 2 || !strings.HasPrefix(got[0], "Execution failed due to configuration error: authorizer guard failed") || got[1] != "Method completed with status: 500" {
			t.Errorf("level ERROR: %q", got)
		}
		refusal := texts()
		if want := []string{"Unauthorized request: ", "Method completed with status: 401"}; logged && (len(refusal) != 2 || !strings.HasPrefix(refusal[0], want[0]) || refusal[1] != want[1]) || !logged && refusal != nil {
			t.Errorf("identity source missing, LogMissingIdentity %v: %q", logged, refusal)
		}
		b.returns("my-function", `{"principalId":"u","policyDocument":{"Statement":[]}}`)
		if got := texts("Authorization", "y"); !slices.Equal(got, []string{"The client is not authorized to perform this operation.", "Method completed with status: 403"}) {
			t.Errorf("denied: %q", got)
		}
		b.returns("my-function", allow("*"))
		if got := texts("Authorization", "z"); got != nil {
			t.Errorf("level ERROR shows what went well: %q", got)
		}
		b.must("PATCH", "/restapis/"+id+"/stages/dev", level("/~1a/GET", "INFO"))
		if got := texts("Authorization", "zz"); len(got) != 4 || !strings.HasPrefix(got[2], "Starting authorizer: ") || got[3] != "Method completed with status: 200" {
			t.Errorf("level INFO: %q", got)
		}
	}
}

// TestSetSwitches: every switch can be turned by its name.
func TestSetSwitches(t *testing.T) {
	var s apigateway.Switches
	v := reflect.ValueOf(&s).Elem()
	for i := range v.NumField() {
		name, value := v.Type().Field(i).Name, "true"
		switch v.Field(i).Interface().(type) {
		case string:
			value = "text"
		case int:
			value = "8192"
		case time.Duration:
			value = "29s"
		}
		if err := s.Set(name, value); err != nil || v.Field(i).IsZero() {
			t.Errorf("%s=%s: %v, value %v", name, value, err, v.Field(i))
		}
	}
	if err := s.Set("NormalizeMethodARN", "false"); err != nil || s.NormalizeMethodARN {
		t.Error("a switch cannot be turned back", err)
	}
	for name, value := range map[string]string{"Unknown": "true", "EscapedWildcards": "maybe", "MaxAuthorizerPolicy": "8 KB", "AuthorizerTimeout": "29"} {
		if s.Set(name, value) == nil {
			t.Errorf("%s=%s was taken", name, value)
		}
	}
}

// TestSwitchesAreDocumented: the page has one row for each switch, and the test that the row names is here.
func TestSwitchesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../docs/reference/local-aws-apigateway.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(b)
	}
	row := regexp.MustCompile("(?m)^\\|[^|]+\\| `(\\w+)` \\|.*\\| `(Test\\w+)` \\|$")
	rows := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		rows[m[1]] = m[2]
		if !strings.Contains(source.String(), "func "+m[2]+"(") {
			t.Errorf("%s: there is no %s", m[1], m[2])
		}
	}
	for f := range reflect.TypeFor[apigateway.Switches]().Fields() {
		if rows[f.Name] == "" {
			t.Errorf("the page has no row for %s", f.Name)
		}
		delete(rows, f.Name)
	}
	for name := range rows {
		t.Errorf("the page has a row for %s, which is no switch", name)
	}
}
