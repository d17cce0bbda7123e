package apigateway_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"

	"portcullis/aws/local/wire"
)

// policyFor is a resource policy with one statement on GET /pets.
func policyFor(effect, path string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/` + path + `"}]}`
}

func unhandled(message string) func(wire.Invocation) (wire.InvokeResult, error) {
	return func(wire.Invocation) (wire.InvokeResult, error) {
		return wire.InvokeResult{FunctionError: "Unhandled", Payload: []byte(`{"errorMessage":"` + message + `","errorType":"errorString"}`)}, nil
	}
}

func refused(status int, code string) func(wire.Invocation) (wire.InvokeResult, error) {
	return func(wire.Invocation) (wire.InvokeResult, error) {
		return wire.InvokeResult{}, &wire.Error{Status: status, Code: code, Message: "refused"}
	}
}

// withIntegration puts another integration in place of the mock.
func withIntegration(doc, in string) string {
	i := strings.Index(doc, "        type: mock\n")
	return doc[:i] + in
}

// cause sets up one way to fail and returns the API and the request.
type cause func(b *bench) (id, verb, target string, headers []string)

func causes(t *testing.T) map[string]cause {
	guarded := func(z string, f func(wire.Invocation) (wire.InvokeResult, error), headers ...string) cause {
		return func(b *bench) (string, string, string, []string) {
			b.functions["my-function"] = f
			return b.importAPI(document([]string{"GET /pets"}, z)), "GET", "/dev/pets", headers
		}
	}
	open := func(change func(b *bench, id string), edit func(doc string) string, headers ...string) cause {
		return func(b *bench) (string, string, string, []string) {
			doc := document([]string{"GET /pets"}, "")
			if edit != nil {
				doc = edit(doc)
			}
			id := b.importAPI(doc)
			if change != nil {
				change(b, id)
				b.deploy(id, "dev")
			}
			return id, "GET", "/dev/pets", headers
		}
	}
	answers := func(resource string) func(wire.Invocation) (wire.InvokeResult, error) {
		return func(wire.Invocation) (wire.InvokeResult, error) {
			return wire.InvokeResult{Payload: []byte(`{"principalId":"u","policyDocument":{"Statement":[` + resource + `]}}`)}, nil
		}
	}
	proxy := func(f func(wire.Invocation) (wire.InvokeResult, error)) cause {
		return func(b *bench) (string, string, string, []string) {
			b.functions["my-function"] = f
			return b.importAPI(withIntegration(document([]string{"GET /pets"}, ""), "        type: aws_proxy\n        httpMethod: POST\n        timeoutInMillis: 50\n        uri: "+functionURI+"\n")), "GET", "/dev/pets", nil
		}
	}
	policy := func(p string) cause {
		return open(func(b *bench, id string) {
			b.must("PATCH", "/restapis/"+id, map[string]any{"patchOperations": []any{map[string]any{"op": "replace", "path": "/policy", "value": p}}})
		}, nil)
	}
	plan := func(quota, throttle map[string]any, spend bool) cause {
		return func(b *bench) (string, string, string, []string) {
			doc := strings.Replace(document([]string{"GET /pets"}, ""), "paths:\n", "components:\n  securitySchemes:\n    api_key: {type: apiKey, name: x-api-key, in: header}\nsecurity: [{api_key: []}]\npaths:\n", 1)
			id := b.importAPI(doc)
			key := b.must("POST", "/apikeys", map[string]any{"name": "k", "enabled": true, "value": "wJalrXUtnFEMIK7MDENGbPxRfiCY"})["id"]
			body := map[string]any{"name": "p", "apiStages": []any{map[string]any{"apiId": id, "stage": "dev"}}}
			if quota != nil {
				body["quota"] = quota
			}
			if throttle != nil {
				body["throttle"] = throttle
			}
			p := b.must("POST", "/usageplans", body)["id"].(string)
			b.must("POST", "/usageplans/"+p+"/keys", map[string]any{"keyId": key, "keyType": "API_KEY"})
			if !spend {
				return id, "GET", "/dev/pets", nil
			}
			wantReply(b.t, b.call(id, "GET", "/dev/pets", "", "X-Api-Key", "wJalrXUtnFEMIK7MDENGbPxRfiCY"), 200, "GET /pets")
			return id, "GET", "/dev/pets", []string{"X-Api-Key", "wJalrXUtnFEMIK7MDENGbPxRfiCY"}
		}
	}
	validated := func(extra string) cause {
		return open(nil, func(doc string) string {
			doc = strings.Replace(doc, "paths:\n", "x-amazon-apigateway-request-validators: {all: {validateRequestBody: true, validateRequestParameters: true}}\nx-amazon-apigateway-request-validator: all\ncomponents: {schemas: {Pet: {type: object, required: [name]}}}\npaths:\n", 1)
			return strings.Replace(doc, "    get:\n", "    get:\n"+extra, 1)
		})
	}
	const allowAll = `{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}`
	return map[string]cause{
		"unknown route": func(b *bench) (string, string, string, []string) {
			return b.importAPI(document([]string{"GET /pets"}, "")), "GET", "/dev/other", nil
		},
		"identity source missing":             guarded(byHeader, nil),
		"token does not match":                guarded(`{type: token, identityValidationExpression: "Bearer .+", authorizerUri: "`+functionURI+`"}`, nil, "Authorization", "Basic x"),
		"function says Unauthorized":          guarded(uncached, unhandled("Unauthorized")),
		"function says unauthorized":          guarded(uncached, unhandled("unauthorized")),
		"function says Unauthorized: expired": guarded(uncached, unhandled("Unauthorized: expired")),
		"function panics":                     guarded(uncached, unhandled("runtime error")),
		"no invoke permission":                guarded(uncached, refused(403, "AccessDeniedException")),
		"function throttled":                  guarded(uncached, refused(429, "TooManyRequestsException")),
		"implicit deny":                       guarded(uncached, answers("")),
		"explicit deny":                       guarded(uncached, answers(strings.Replace(allowAll, "Allow", "Deny", 1))),
		"resource policy denies":              policy(policyFor("Deny", "*")),
		"resource policy is silent":           policy(policyFor("Allow", "dev/POST/*")),
		"no API key":                          plan(nil, nil, false),
		"throttled":                           plan(nil, map[string]any{"rateLimit": 0.1, "burstLimit": 1}, true),
		"quota used up":                       plan(map[string]any{"limit": 1, "period": "DAY"}, nil, true),
		"integration function fails":          proxy(unhandled("no")),
		"integration answer malformed": proxy(func(wire.Invocation) (wire.InvokeResult, error) {
			return wire.InvokeResult{Payload: []byte(`"text"`)}, nil
		}),
		"integration without permission": proxy(refused(403, "AccessDeniedException")),
		"integration too slow":           proxy(func(wire.Invocation) (wire.InvokeResult, error) { return wire.InvokeResult{}, context.DeadlineExceeded }),
		"endpoint unreachable": open(nil, func(doc string) string {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close() // nobody listens there afterwards
			return withIntegration(doc, "        type: http_proxy\n        httpMethod: GET\n        uri: http://"+l.Addr().String()+"/\n")
		}),
		"method ARN above 1600 bytes": func(b *bench) (string, string, string, []string) {
			return b.importAPI(document([]string{"GET /{proxy+}"}, uncached)), "GET", "/dev/" + strings.Repeat("a", 1600), nil
		},
		"parameter missing": validated("      parameters: [{name: type, in: query, required: true, schema: {type: string}}]\n"),
		"body invalid":      validated("      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}\n"),
		"media type not taken": open(nil, func(doc string) string {
			return strings.Replace(doc, "        type: mock\n", "        type: mock\n        passthroughBehavior: never\n", 1)
		}, "Content-Type", "text/plain"),
	}
}

func TestFailures(t *testing.T) {
	type row struct {
		Cause, Source, Body, Error, Type string
		Status                           int
	}
	all := causes(t)
	for _, r := range load[row](t, "failures.yaml") {
		t.Run(r.Cause, func(t *testing.T) {
			set := all[r.Cause]
			if set == nil || r.Source == "" {
				t.Fatalf("no cause %q, source %q", r.Cause, r.Source)
			}
			delete(all, r.Cause)
			b := newBench(t, nil)
			id, verb, target, headers := set(b)
			got := b.call(id, verb, target, "", headers...)
			wantReply(t, got, r.Status, strings.ReplaceAll(r.Body, "{api}", id))
			h := got.header
			if h.Get("X-Amzn-Errortype") != r.Error || h.Get("Content-Type") != "application/json" || h.Get("X-Amzn-Requestid") == "" || h.Get("X-Amz-Apigw-Id") == "" {
				t.Errorf("headers %v, want the error type %s", h, r.Error)
			}

			// The same failure with the type customised: status, headers and template are the user's. Not before a deployment.
			fallback := "DEFAULT_4XX"
			if r.Status >= 500 {
				fallback = "DEFAULT_5XX"
			}
			custom := map[string]any{"statusCode": "418", "responseParameters": map[string]any{"gatewayresponse.header.Access-Control-Allow-Origin": "'*'", "gatewayresponse.header.X-Type": "context.error.responseType"},
				"responseTemplates": map[string]any{"application/json": `{"type":"$context.error.responseType","message":$context.error.messageString,"at":"$context.stage"}`}}
			for _, kind := range slices.Compact([]string{fallback, r.Type}) { // the fall-back applies first, then the type's own
				if kind != fallback {
					custom["statusCode"] = "419"
				}
				b.must("PUT", "/restapis/"+id+"/gatewayresponses/"+kind, custom)
				if again := b.call(id, verb, target, "", headers...); kind == fallback && again.status != r.Status {
					t.Errorf("a gateway response showed before the deployment: %d", again.status)
				}
				b.deploy(id, "dev")
				again := b.call(id, verb, target, "", headers...)
				wantStatus := 418
				if kind != fallback {
					wantStatus = 419
				}
				if again.status != wantStatus || again.header.Get("Access-Control-Allow-Origin") != "*" || again.header.Get("X-Type") != r.Type ||
					!strings.HasPrefix(again.body, `{"type":"`+r.Type+`","message":`) || !strings.HasSuffix(again.body, `,"at":"dev"}`) {
					t.Errorf("customised %s: %d %s %v", kind, again.status, again.body, again.header)
				}
			}
		})
	}
	for name := range all {
		t.Errorf("no row in failures.yaml for %q", name)
	}
}
