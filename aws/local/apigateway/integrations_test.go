package apigateway_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsapi "github.com/aws/aws-sdk-go-v2/service/apigateway"

	"portcullis/aws/local/wire"
)

// templated is GET and POST /t/{id} as mocks with this request and response template.
func templated(request, response string) string {
	r, _ := json.Marshal(request)
	s, _ := json.Marshal(response)
	in := fmt.Sprintf(`{"type":"mock","passthroughBehavior":"when_no_match","requestTemplates":{"application/json":%s},"responses":{"default":{"statusCode":"200","responseTemplates":{"application/json":%s}},"404":{"statusCode":"404","responseTemplates":{"application/json":"gone"}}}}`, r, s)
	op := `{"parameters":[{"name":"id","in":"path","required":true,"type":"string"}],"responses":{"200":{"description":"ok"},"404":{"description":"no"}},"x-amazon-apigateway-integration":` + in + `}`
	return `{"swagger":"2.0","info":{"title":"T","version":"1"},"paths":{"/t/{id}":{"get":` + op + `,"post":` + op + `}}}`
}

// TestTemplates: the part of the template language that mapping templates use.
// Source: Developer Guide, "Mapping template transformations"; Velocity user guide for #set, #if, #foreach.
func TestTemplates(t *testing.T) {
	const ok = `{"statusCode": 200}`
	for _, c := range []struct{ name, request, response, want string }{
		{"parameters", ok, `$input.params('id') $input.params('q') $input.params('X-H') [$input.params('none')]`, "42 7 h []"},
		{"all parameters", ok, `#foreach($k in $input.params().keySet())$k #end$input.params().path.id $input.params().querystring.q $input.params().header.get('X-H')`, "header path querystring 42 7 h"},
		{"braces and quiet", ok, `${context.stage}x $!{nothing}$!nothing.`, "devx ."},
		{"undefined prints itself", ok, `$nothing ${nothing.else}`, "$nothing ${nothing.else}"},
		{"context", ok, `$context.httpMethod $context.resourcePath $context.identity.sourceIp $context.apiId.length()`, "POST /t/{id} 127.0.0.1 10"},
		{"unset context is empty", ok, `[$context.authorizer.principalId]#if($context.authorizer.principalId)yes#{else}no#end`, "[]no"},
		{"set and arithmetic", ok, "#set($n = 2 * (3 + 4) % 5)\n#set( $s = \"n is $n\" )\n$s", "n is 4"},
		{"if elseif else", ok, `#if($input.params('q') == "8")a#elseif($input.params('q') == '7' && !false)b#{else}c#end`, "b"},
		{"comparisons", ok, `#if(1 < 2 && 2 >= 2 && 3 != 4 || false)t#end`, "t"},
		{"foreach", ok, `#foreach($i in [1, 2, 3])$i#if($foreach.hasNext),#end#end`, "1,2,3"},
		{"count", ok, `#foreach($i in ['a','b'])$velocityCount$foreach.index$i #end`, "10a 21b "},
		{"maps", ok, `#set($m = {"a": 1, 'b': [2]})$m.a $m.b[0] $m.get("a") $m.size() $m["a"]#set($m.c = 3)$m.c`, "1 2 1 2 13"},
		{"strings", ok, `#set($s = 'a,b')$s.toUpperCase() $s.split(',').size() $s.replace(',', ';') $s.contains('b') $s.substring(0,1) $s.length()`, "A,B 2 a;b true a 3"},
		{"comments and escapes", ok, "a## to the end\nb#* in\nside *#c \\$d #notadirective #eee", "ab"[:1] + "bc $d #notadirective #eee"},
		{"utilities", ok, `$util.urlEncode('a b/c') $util.base64Encode('hi') $util.base64Decode('aGk=') $util.urlDecode('a%20b') $util.parseJson('{"k":[1]}').k[0]`, "a+b%2Fc aGk= hi a b 1"},
		{"escapeJavaScript", ok, `$util.escapeJavaScript("say ""hi"" it's")`, `say \"hi\" it\'s`},
		{"stage variables", ok, `[$stageVariables.none][$!stageVariables.get('none')]`, "[][]"},
		{"doubled quotes", ok, `#set($q = 'it''s')$q`, "it's"},
		{"override", ok, `#set($context.responseOverride.status = 201)#set($context.responseOverride.header.X-Made = "by hand")made`, "made"},
		{"selected by status", `{"statusCode": 404}`, "x", "gone"},
		{"request template sees the body", `{"statusCode": #if($input.json('$.a.b[1]') == '"y"')404#{else}200#end}`, "x", "gone"},
		{"bare names", `{statusCode: 200}`, "x", "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, nil)
			id := b.importAPI(templated(c.request, c.response))
			r := b.call(id, "POST", "/dev/t/42?q=7", `{"a":{"b":["x","y"]}}`, "Content-Type", "application/json", "X-H", "h", "User-Agent", "u")
			if r.body != c.want {
				t.Errorf("%d %q, want %q", r.status, r.body, c.want)
			}
			if c.name == "override" && (r.status != 201 || r.header.Get("X-Made") != "by hand") {
				t.Errorf("override: %d %v", r.status, r.header)
			}
		})
	}
}

// TestTemplateErrors: what is not supported is a 500, never an answer that looks right.
func TestTemplateErrors(t *testing.T) {
	for _, response := range []string{"#macro(x)a#end", "#if($a)", "#end", "#set($a)", "#set($a = )", "$input.xpath('a')", "$util.qr('a')", "#foreach($i in 5)a#end", "$input.path('$..a')",
		"#parse('x')", "${context.stage", "#set($x = 'a)", "#set($x = 1 / 0)", "$input.body.reverse()", strings.Repeat("#if(true)", 60) + strings.Repeat("#end", 60),
		"#set($l=[1,2,3,4,5,6,7,8,9,10])" + strings.Repeat("#foreach($i in $l)", 6) + "x" + strings.Repeat("#end", 6)} {
		b := newBench(t, nil)
		id := b.importAPI(templated(`{"statusCode": 200}`, response))
		wantReply(t, b.call(id, "GET", "/dev/t/42", ""), 500, `{"message": "Internal server error"}`)
	}
	b := newBench(t, nil)
	id := b.importAPI(templated(`{"status": 200}`, "x"))
	wantReply(t, b.call(id, "GET", "/dev/t/42", ""), 500, `{"message": "Internal server error"}`)
}

func TestHTTPIntegrations(t *testing.T) {
	var seen *http.Request
	var seenBody string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen, seenBody = r, string(body)
		w.Header().Set("X-From", "backend")
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case "/missing":
			w.WriteHeader(404)
			fmt.Fprint(w, `{"why":"no"}`)
		default:
			fmt.Fprint(w, `{"name":"cat"}`)
		}
	}))
	defer srv.Close()
	doc := func(kind, path, extra string) string {
		return `{"swagger":"2.0","info":{"title":"T","version":"1"},"paths":{"/p/{id}":{"x-amazon-apigateway-any-method":{
			"responses":{"200":{"description":"ok","headers":{"X-Got":{"type":"string"},"X-Name":{"type":"string"}}},"404":{"description":"no"}},
			"x-amazon-apigateway-integration":{"type":"` + kind + `","httpMethod":"ANY","uri":"` + srv.URL + path + `"` + extra + `}}}}}`
	}
	b := newBench(t, nil)
	params := `,"requestParameters":{"integration.request.path.id":"method.request.path.id","integration.request.header.X-Stage":"context.stage","integration.request.header.X-Fixed":"'v'",
		"integration.request.querystring.who":"method.request.header.X-Who","integration.request.header.X-Body":"method.request.body.a.b"}`
	id := b.importAPI(doc("http_proxy", "/b/{id}", params))
	r := b.call(id, "PUT", "/dev/p/4%2F2?x=1&x=2", `{"a":{"b":"c"}}`, "X-Who", "me", "Content-Type", "application/json", "Authorization", "Bearer x")
	wantReply(t, r, 200, `{"name":"cat"}`)
	if seen.Method != "PUT" || seen.URL.EscapedPath() != "/b/4%2F2" || seen.URL.RawQuery != "who=me&x=1&x=2" || seenBody != `{"a":{"b":"c"}}` || seen.Header.Get("X-Stage") != "dev" ||
		seen.Header.Get("X-Fixed") != "v" || seen.Header.Get("X-Body") != "c" || seen.Header.Get("Authorization") != "Bearer x" || seen.Header.Get("X-Amzn-Apigateway-Api-Id") != id || seen.Header.Get("X-Forwarded-For") != "127.0.0.1" {
		t.Errorf("the backend saw %s %s %s %v", seen.Method, seen.URL, seenBody, seen.Header)
	}
	if r.header.Get("X-From") != "backend" || r.header.Get("X-Amzn-Remapped-Date") == "" {
		t.Errorf("headers %v", r.header)
	}
	if r := b.call(b.importAPI(doc("http_proxy", "/redirect", "")), "GET", "/dev/p/1", ""); r.status != 302 {
		t.Errorf("a redirect is the caller's business: %d", r.status)
	}
	if r := b.call(b.importAPI(doc("http_proxy", "/b/{id}", "")), "GET", "/dev/p/1", ""); r.status != 500 {
		t.Errorf("an unmapped path variable: %d %s", r.status, r.body)
	}

	id = b.importAPI(doc("http", "/c", `,"requestTemplates":{"application/json":"{\"id\":\"$input.params('id')\"}"},"responses":{
		"default":{"statusCode":"200","responseParameters":{"method.response.header.X-Got":"integration.response.header.X-From","method.response.header.X-Name":"integration.response.body.name"},"responseTemplates":{"application/json":"<$input.path('$.name')>"}},
		"404":{"statusCode":"404"}}`))
	r = b.call(id, "POST", "/dev/p/9", `{}`, "Content-Type", "application/json", "Authorization", "Bearer x")
	wantReply(t, r, 200, "<cat>")
	if seenBody != `{"id":"9"}` || seen.Header.Get("Authorization") != "" || r.header.Get("X-Got") != "backend" || r.header.Get("X-Name") != "cat" || r.header.Get("X-From") != "" {
		t.Errorf("custom: %s %v %v", seenBody, seen.Header, r.header)
	}
	id = b.importAPI(doc("http", "/missing", `,"responses":{"default":{"statusCode":"200"},"4\\d\\d":{"statusCode":"404"}}`))
	wantReply(t, b.call(id, "GET", "/dev/p/9", ""), 404, `{"why":"no"}`)
	id = b.importAPI(doc("http", "/missing", `,"responses":{"2\\d\\d":{"statusCode":"200"}}`))
	wantReply(t, b.call(id, "GET", "/dev/p/9", ""), 500, `{"message": "Internal server error"}`)

	// The host may come from a stage variable.
	id = b.importAPI(strings.Replace(doc("http_proxy", "/d", ""), srv.URL, "http://${stageVariables.backend}", 1))
	b.must("PATCH", "/restapis/"+id+"/stages/dev", map[string]any{"patchOperations": []any{map[string]any{"op": "replace", "path": "/variables/backend", "value": strings.TrimPrefix(srv.URL, "http://")}}})
	wantReply(t, b.call(id, "GET", "/dev/p/1", ""), 200, `{"name":"cat"}`)
}

func lambdaDoc(kind, extra string) string {
	return `{"swagger":"2.0","info":{"title":"T","version":"1"},"x-amazon-apigateway-binary-media-types":["image/png"],"paths":{"/p/{id}":{"x-amazon-apigateway-any-method":{"responses":{"200":{"description":"ok"},"400":{"description":"bad"}},
		"x-amazon-apigateway-integration":{"type":"` + kind + `","httpMethod":"POST","uri":"` + functionURI + `"` + extra + `}}}}}`
}

// TestLambdaProxy: answers of functions and what becomes of them.
// Source: Developer Guide, "Output format of a Lambda function for proxy integration".
func TestLambdaProxy(t *testing.T) {
	b := newBench(t, nil)
	id := b.importAPI(lambdaDoc("aws_proxy", ""))
	for _, c := range []struct {
		name, out string
		status    int
		body      string
	}{
		{"all members", `{"statusCode":201,"headers":{"X-A":"b","X-N":5},"multiValueHeaders":{"Set-Cookie":["a=1","b=2"]},"body":"made","isBase64Encoded":false}`, 201, "made"},
		{"status as text", `{"statusCode":"202"}`, 202, ""},
		{"no status", `{"body":"x"}`, 200, "x"},
		{"null body", `{"statusCode":204,"body":null}`, 204, ""},
		{"body that is no text", `{"statusCode":200,"body":{"a":1}}`, 502, `{"message": "Internal server error"}`},
		{"not an object", `[1]`, 502, `{"message": "Internal server error"}`},
		{"null", `null`, 502, `{"message": "Internal server error"}`},
		{"status out of range", `{"statusCode":42}`, 502, `{"message": "Internal server error"}`},
		{"header that is an object", `{"statusCode":200,"headers":{"a":{}}}`, 502, `{"message": "Internal server error"}`},
		{"base64 that nobody asked to decode", `{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`, 200, "aGk="},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.returns("my-function", c.out)
			r := b.call(id, "GET", "/dev/p/1", "")
			wantReply(t, r, c.status, c.body)
			if c.name == "all members" && (r.header.Get("X-A") != "b" || r.header.Get("X-N") != "5" || len(r.header.Values("Set-Cookie")) != 2) {
				t.Errorf("headers %v", r.header)
			}
		})
	}
	b.returns("my-function", `{"statusCode":200,"body":"`+base64.StdEncoding.EncodeToString([]byte{1, 2})+`","isBase64Encoded":true,"headers":{"Content-Type":"image/png"}}`)
	wantReply(t, b.call(id, "POST", "/dev/p/1", "\x00\x01", "Accept", "image/png", "Content-Type", "image/png"), 200, "\x01\x02")
	ev := b.lastEvent()
	if ev["body"] != "AAE=" || ev["isBase64Encoded"] != true || ev["queryStringParameters"] != nil || ev["stageVariables"] != nil || ev["resource"] != "/p/{id}" {
		t.Errorf("event %v", ev)
	}
	b.mu.Lock()
	last := b.calls[len(b.calls)-1]
	b.mu.Unlock()
	if want := "arn:aws:execute-api:eu-west-1:111122223333:" + id + "/dev/POST/p/{id}"; last.SourceARN != want {
		t.Errorf("source ARN %s, want %s", last.SourceARN, want)
	}
	get := strings.Replace(lambdaDoc("aws_proxy", ""), `"httpMethod":"POST"`, `"httpMethod":"GET"`, 1)
	wantReply(t, b.call(b.importAPI(get), "GET", "/dev/p/1", ""), 500, `{"message": "Internal server error"}`) // Lambda takes POST only
}

func TestLambdaCustom(t *testing.T) {
	b := newBench(t, nil)
	id := b.importAPI(lambdaDoc("aws", `,"requestTemplates":{"application/json":"{\"id\":\"$input.params('id')\",\"b\":$input.json('$')}"},"responses":{
		"default":{"statusCode":"200"},".*invalid.*":{"statusCode":"400","responseTemplates":{"application/json":"$input.path('$.errorMessage')"}}}`))
	b.functions["my-function"] = func(in wire.Invocation) (wire.InvokeResult, error) {
		return wire.InvokeResult{Payload: in.Payload}, nil
	}
	wantReply(t, b.call(id, "POST", "/dev/p/7", `{"x":1}`), 200, `{"id":"7","b":{"x":1}}`)
	b.functions["my-function"] = unhandled("an invalid id")
	wantReply(t, b.call(id, "POST", "/dev/p/7", `{}`), 400, "an invalid id")
	b.functions["my-function"] = unhandled("boom") // matches no pattern: the default response, as on AWS
	wantReply(t, b.call(id, "POST", "/dev/p/7", `{}`), 200, `{"errorMessage":"boom","errorType":"errorString"}`)
}

func TestTestInvokeMethod(t *testing.T) {
	b := newBench(t, nil)
	id := b.importAPI(templated(`{"statusCode": 200}`, "$input.params('id')"))
	var resource string
	rs, err := b.sdk().GetResources(t.Context(), &awsapi.GetResourcesInput{RestApiId: &id})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs.Items {
		if *r.Path == "/t/{id}" {
			resource = *r.Id
		}
	}
	for path, want := range map[string]string{"/t/7?a=b": "7", "": "{id}", "/random/test": ""} { // recorded by LocalStack, 2025-09
		in := &awsapi.TestInvokeMethodInput{RestApiId: &id, ResourceId: &resource, HttpMethod: aws.String("GET"), PathWithQueryString: &path, Headers: map[string]string{"A": "b"}}
		out, err := b.sdk().TestInvokeMethod(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if out.Status != 200 || *out.Body != want || !strings.Contains(*out.Log, "Successfully completed execution\n") || !strings.Contains(*out.Log, " : HTTP Method: GET, Resource Path: ") {
			t.Errorf("%q: %d %q %s", path, out.Status, *out.Body, *out.Log)
		}
	}
	_, err = b.sdk().TestInvokeMethod(t.Context(), &awsapi.TestInvokeMethodInput{RestApiId: &id, ResourceId: &resource, HttpMethod: aws.String("PUT")})
	wantError(t, err, "NotFoundException", "Invalid Method identifier specified")
}

// TestBodyValidation: the JSON Schema keywords that models use.
func TestBodyValidation(t *testing.T) {
	doc := `{"swagger":"2.0","info":{"title":"T","version":"1"},"x-amazon-apigateway-request-validators":{"all":{"validateRequestBody":true,"validateRequestParameters":false}},"x-amazon-apigateway-request-validator":"all",
	"definitions":{"Pet":{"type":"object","required":["name"],"additionalProperties":false,"properties":{"name":{"type":"string","minLength":2},"age":{"type":"integer","minimum":0,"maximum":30},"kind":{"enum":["cat","dog"]},"toys":{"type":"array","maxItems":1,"items":{"$ref":"#/definitions/Toy"}}}},"Toy":{"type":["object","null"],"required":["id"]}},
	"paths":{"/p":{"post":{"consumes":["application/json"],"parameters":[{"in":"body","name":"Pet","schema":{"$ref":"#/definitions/Pet"}}],"responses":{"200":{"description":"ok"}},
	"x-amazon-apigateway-integration":{"type":"mock","passthroughBehavior":"when_no_match","requestTemplates":{"application/json":"{statusCode: 200}"},"responses":{"default":{"statusCode":"200"}}}}}}}`
	b := newBench(t, nil)
	id := b.importAPI(doc)
	for body, ok := range map[string]bool{
		`{"name":"Rex"}`: true, `{"name":"Rex","age":3,"kind":"dog","toys":[{"id":1}]}`: true, `{"name":"Rex","toys":[null]}`: true,
		``: false, `[]`: false, `{}`: false, `{"name":"R"}`: false, `{"name":5}`: false, `{"name":"Rex","age":1.5}`: false, `{"name":"Rex","age":-1}`: false, `{"name":"Rex","age":31}`: false,
		`{"name":"Rex","kind":"cow"}`: false, `{"name":"Rex","x":1}`: false, `{"name":"Rex","toys":[{}]}`: false, `{"name":"Rex","toys":[null,null]}`: false,
	} {
		r := b.call(id, "POST", "/dev/p", body, "Content-Type", "application/json; charset=utf-8")
		if ok != (r.status == 200) || !ok && r.body != `{"message": "Invalid request body"}` {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
}
