package apigateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"portcullis/aws/local/apigateway"
	"portcullis/aws/local/wire"
)

// counting answers every call with the number of the call.
func counting(b *bench) {
	n := 0
	b.functions["my-function"] = func(wire.Invocation) (wire.InvokeResult, error) {
		n++
		return wire.InvokeResult{Payload: fmt.Appendf(nil, `{"statusCode":200,"headers":{"X-N":"%d"},"body":"%d"}`, n, n)}, nil
	}
}

// cachedAPI is an API with a counting backend behind GET and POST /items/{id}, whose key is the variable and a query
// parameter, and a stage with a cache cluster.
func cachedAPI(b *bench, settings ...string) string {
	b.t.Helper()
	counting(b)
	in := "        type: aws_proxy\n        httpMethod: POST\n        uri: " + functionURI + "\n        cacheKeyParameters: [method.request.path.id, method.request.querystring.page]\n"
	responses := "      responses: {'200': {description: ok}}\n      x-amazon-apigateway-integration:\n"
	id := b.importAPI("openapi: 3.0.1\ninfo: {title: Case, version: '1'}\npaths:\n  /items/{id}:\n    get:\n" + responses + in + "    post:\n" + responses + in + "  /other/{id}:\n    get:\n" + responses + strings.Split(in, "        cacheKey")[0])
	cacheSettings(b, id, append([]string{"/cacheClusterEnabled", "true"}, settings...)...)
	return id
}

func cacheSettings(b *bench, id string, settings ...string) {
	b.t.Helper()
	var ops []any
	for i := 0; i+1 < len(settings); i += 2 {
		ops = append(ops, map[string]any{"op": "replace", "path": settings[i], "value": settings[i+1]})
	}
	b.must("PATCH", "/restapis/"+id+"/stages/dev", map[string]any{"patchOperations": ops})
}

// TestResponseCache: what is one response and what another, how long, and what ends it.
// Source: Developer Guide, "Cache settings for REST APIs in API Gateway".
func TestResponseCache(t *testing.T) {
	b := newBench(t, nil)
	id := cachedAPI(b, "/*/*/caching/enabled", "true")
	if st := b.must("GET", "/restapis/"+id+"/stages/dev", nil); st["cacheClusterStatus"] != "AVAILABLE" || st["cacheClusterSize"] != "0.5" {
		t.Errorf("stage %v", st)
	}
	get := func(name, target, want string, headers ...string) {
		t.Helper()
		if r := b.call(id, "GET", target, "", headers...); r.status != 200 || r.body != want || r.header.Get("X-N") != want {
			t.Errorf("%s: %d %s %s, want %s", name, r.status, r.body, r.header.Get("X-N"), want)
		}
	}
	get("the first", "/dev/items/1", "1")
	get("the same", "/dev/items/1", "1")
	get("the same with what is no key", "/dev/items/1?sort=up", "1", "X-Any", "x")
	get("another variable", "/dev/items/2", "2")
	get("another parameter", "/dev/items/1?page=2", "3")
	get("the first still", "/dev/items/1", "1")
	get("no key parameters: one response for all", "/dev/other/1", "4")
	get("whatever the path", "/dev/other/2", "4")
	for _, want := range []string{"5", "6"} {
		if r := b.call(id, "POST", "/dev/items/1", ""); r.body != want {
			t.Errorf("a POST was answered from the cache: %s, want %s", r.body, want)
		}
	}
	b.advance(299 * time.Second)
	get("before the end", "/dev/items/1", "1")
	b.advance(time.Second)
	get("after it", "/dev/items/1", "7")
	b.must("DELETE", "/restapis/"+id+"/stages/dev/cache/data", nil)
	get("flushed", "/dev/items/1", "8")
	cacheSettings(b, id, "/~1items~1{id}/GET/caching/enabled", "false")
	get("off for the method", "/dev/items/1", "9")
	get("off for the method, again", "/dev/items/1", "10")
	cacheSettings(b, id, "/~1items~1{id}/POST/caching/enabled", "true", "/~1items~1{id}/POST/caching/ttlInSeconds", "10")
	for range 2 {
		if r := b.call(id, "POST", "/dev/items/1", ""); r.body != "11" {
			t.Errorf("a POST whose own setting is on: %s", r.body)
		}
	}
	cacheSettings(b, id, "/cacheClusterEnabled", "false")
	get("without a cluster", "/dev/other/1", "12")
	cacheSettings(b, id, "/cacheClusterEnabled", "true")
	get("a new cluster is empty", "/dev/other/1", "13")
	for path, value := range map[string]string{"/cacheClusterSize": "1", "/*/*/caching/ttlInSeconds": "3601", "/*/*/caching/unauthorizedCacheControlHeaderStrategy": "IGNORE"} {
		if r, _ := b.rest("PATCH", "/restapis/"+id+"/stages/dev", map[string]any{"patchOperations": []any{map[string]any{"op": "replace", "path": path, "value": value}}}); r.status != 400 {
			t.Errorf("%s=%s: %d %s", path, value, r.status, r.body)
		}
	}
}

// TestResponseCacheKeepsOnlySuccess: a failure of the backend is asked for again.
func TestResponseCacheKeepsOnlySuccess(t *testing.T) {
	b := newBench(t, nil)
	id := cachedAPI(b, "/*/*/caching/enabled", "true")
	b.returns("my-function", map[string]any{"statusCode": 404, "body": "none"})
	wantReply(t, b.call(id, "GET", "/dev/items/1", ""), 404, "none")
	b.returns("my-function", map[string]any{"statusCode": 200, "body": strings.Repeat("x", 1048577)})
	for range 2 {
		if r := b.call(id, "GET", "/dev/items/1", ""); r.status != 200 {
			t.Errorf("%d", r.status)
		}
	}
	if b.called() != 3 {
		t.Errorf("%d calls: a response above 1 MB was cached", b.called())
	}
}

// TestCacheInvalidation: who may ask for a fresh response, and what happens to the others.
func TestCacheInvalidation(t *testing.T) {
	const fresh, kept = "2", "1"
	signed := func(o *apigateway.Options) {
		o.VerifyIAM = func(r *http.Request, action, arn string) (*apigateway.Caller, error) {
			caller := &apigateway.Caller{Account: testAccount}
			if r.Header.Get("Authorization") != "good" || action != "execute-api:InvalidateCache" || !strings.HasSuffix(arn, "/dev/GET/items/1") {
				return caller, &wire.Error{Status: 403, Code: "AccessDeniedException", Message: "no"}
			}
			return caller, nil
		}
	}
	for _, c := range []struct {
		name, require, strategy string
		change                  func(*apigateway.Options)
		headers                 []string
		status                  int
		body                    string
		warning                 bool
	}{
		{"anybody may", "false", "", nil, []string{"Cache-Control", "max-age=0"}, 200, fresh, false},
		{"nobody asks", "false", "", nil, []string{"Cache-Control", "max-age=60"}, 200, kept, false},
		{"one of several directives", "false", "", nil, []string{"Cache-Control", "no-transform, max-age=0"}, 200, fresh, false},
		{"unsigned, refused", "true", "FAIL_WITH_403", nil, []string{"Cache-Control", "max-age=0"}, 403, `{"Message":"User is not authorized to access this resource"}`, false},
		{"unsigned, warned", "true", "SUCCEED_WITH_RESPONSE_HEADER", nil, []string{"Cache-Control", "max-age=0"}, 200, kept, true},
		{"unsigned, ignored", "true", "SUCCEED_WITHOUT_RESPONSE_HEADER", nil, []string{"Cache-Control", "max-age=0"}, 200, kept, false},
		{"signed, may", "true", "FAIL_WITH_403", signed, []string{"Cache-Control", "max-age=0", "Authorization", "good"}, 200, fresh, false},
		{"signed, may not", "true", "FAIL_WITH_403", signed, []string{"Cache-Control", "max-age=0", "Authorization", "bad"}, 403, `{"Message":"User is not authorized to access this resource"}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.change)
			id := cachedAPI(b, "/*/*/caching/enabled", "true", "/*/*/caching/requireAuthorizationForCacheControl", c.require)
			if c.strategy != "" {
				cacheSettings(b, id, "/*/*/caching/unauthorizedCacheControlHeaderStrategy", c.strategy)
			}
			wantReply(t, b.call(id, "GET", "/dev/items/1", ""), 200, kept)
			r := b.call(id, "GET", "/dev/items/1", "", c.headers...)
			wantReply(t, r, c.status, c.body)
			if (r.header.Get("Warning") != "") != c.warning {
				t.Errorf("warning %q", r.header.Get("Warning"))
			}
			if c.status == 200 {
				wantReply(t, b.call(id, "GET", "/dev/items/1", ""), 200, c.body)
			}
		})
	}
}

// TestCacheComesAfterAuthorization: a cached response is not for who may not have it.
func TestCacheComesAfterAuthorization(t *testing.T) {
	b := newBench(t, nil)
	doc := strings.Replace(document([]string{"GET /a"}, uncached), "type: mock\n", "type: aws_proxy\n        httpMethod: POST\n        uri: "+strings.Replace(functionURI, "my-function", "backend", 1)+"\n", 1)
	id := b.importAPI(doc[:strings.Index(doc, "        requestTemplates:")])
	cacheSettings(b, id, "/cacheClusterEnabled", "true", "/*/*/caching/enabled", "true")
	b.returns("backend", map[string]any{"statusCode": 200, "body": "secret"})
	b.returns("my-function", allow("*"))
	wantReply(t, b.call(id, "GET", "/dev/a", ""), 200, "secret")
	b.returns("my-function", `{"principalId":"u","policyDocument":{"Statement":[]}}`)
	wantReply(t, b.call(id, "GET", "/dev/a", ""), 403, `{"Message":"User is not authorized to access this resource"}`)
}
