package apigateway_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v2 "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/google/go-cmp/cmp"

	"portcullis/aws/local/apigateway"
	"portcullis/aws/local/wire"
)

var socketIDs = regexp.MustCompile(`"(connectionId|requestId)":"[A-Za-z0-9_-]{15}="`)

// masked hides the identifiers of a failure.
func masked(body string) string { return socketIDs.ReplaceAllString(body, `"$1":"…"`) }

func refusal(message string) string {
	return fmt.Sprintf(`{"message": %q, "connectionId":"…", "requestId":"…"}`, message)
}

// TestSocketRouting: a message goes to the route that its action names, else to $default; $connect and $disconnect
// cannot be named. Source: Developer Guide, "Create routes for WebSocket APIs in API Gateway".
func TestSocketRouting(t *testing.T) {
	h := newWSBench(t, nil)
	h.handler("backend", func(event string) string {
		var ev struct {
			RequestContext struct {
				RouteKey string `json:"routeKey"`
			} `json:"requestContext"`
		}
		if json.Unmarshal([]byte(event), &ev) != nil {
			return "no event"
		}
		return fmt.Sprintf(`{"statusCode":200,"body":%q}`, ev.RequestContext.RouteKey)
	})
	target := h.lambda("backend")
	for _, key := range []string{"$connect", "$disconnect"} {
		h.route(key, target, nil)
	}
	for _, key := range []string{"join", "7", "a.b"} {
		h.twoWay(key, target)
	}
	c := h.connect("/dev")
	for _, message := range []string{`{"action":"other"}`, `not JSON`, `{"action":"$connect"}`, `{}`, `{"action":null}`} {
		c.send(message)
		if got := masked(c.message()); got != refusal("Forbidden") {
			t.Errorf("without $default, %s got %s", message, got)
		}
	}
	h.twoWay("$default", target)
	for message, want := range map[string]string{`{"action":"join"}`: "join", `{"action":7}`: "7", `{"action":"a.b"}`: "a.b", `{"action":"JOIN"}`: "$default",
		`{"action":"$disconnect"}`: "$default", `[1]`: "$default", `{"action":{"a":1}}`: "$default", ``: "$default"} {
		c.send(message)
		if got := c.message(); got != want {
			t.Errorf("%s went to %s, want %s", message, got, want)
		}
	}
}

// TestSocketEvents: what the functions of $connect, a message and $disconnect see.
func TestSocketEvents(t *testing.T) {
	h := newWSBench(t, nil)
	seen := make(chan string, 3)
	h.handler("backend", func(event string) string { seen <- event; return `{"statusCode":200}` })
	target := h.lambda("backend")
	for _, key := range []string{"$connect", "$disconnect", "join"} {
		h.route(key, target, nil)
	}
	c := h.connect("/dev?a=1&a=2", "User-Agent", "tiny", "X-Custom", "x")
	c.send(`{"action":"join"}`)
	var events []map[string]any
	next := func() map[string]any {
		t.Helper()
		var ev map[string]any
		if err := json.Unmarshal([]byte(<-seen), &ev); err != nil {
			t.Fatal(err)
		}
		events = append(events, ev)
		return ev
	}
	next()
	next()
	c.frame(0x88, "\x03\xe9bye")
	c.wantClose(1001, "bye")
	next()
	var want []map[string]any
	shared := `"apiId":"` + h.id + `","stage":"dev","messageDirection":"IN","connectedAt":1773480413000,"requestTimeEpoch":1773480413000,"requestTime":"14/Mar/2026:09:26:53 +0000",` +
		`"domainName":"` + h.id + `.execute-api.eu-west-1.amazonaws.com","identity":{"sourceIp":"127.0.0.1","userAgent":"tiny"}`
	for _, text := range []string{
		`{"requestContext":{` + shared + `,"routeKey":"$connect","eventType":"CONNECT"},"queryStringParameters":{"a":"2"},"multiValueQueryStringParameters":{"a":["1","2"]},"stageVariables":{"k":"v"},"isBase64Encoded":false}`,
		`{"requestContext":{` + shared + `,"routeKey":"join","eventType":"MESSAGE"},"body":"{\"action\":\"join\"}","stageVariables":{"k":"v"},"isBase64Encoded":false}`,
		`{"requestContext":{` + shared + `,"routeKey":"$disconnect","eventType":"DISCONNECT","disconnectStatusCode":1001,"disconnectReason":"bye"},"stageVariables":{"k":"v"},"isBase64Encoded":false}`,
	} {
		var ev map[string]any
		if err := json.Unmarshal([]byte(text), &ev); err != nil {
			t.Fatal(err)
		}
		want = append(want, ev)
	}
	id := events[0]["requestContext"].(map[string]any)["connectionId"]
	if headers := events[0]["headers"].(map[string]any); headers["X-Custom"] != "x" || headers["Upgrade"] != nil || headers["X-Forwarded-For"] != "127.0.0.1" {
		t.Errorf("$connect has the headers %v", headers)
	}
	for i, ev := range events {
		ctx := ev["requestContext"].(map[string]any)
		if ctx["connectionId"] != id || ctx["requestId"] != ctx["extendedRequestId"] || i == 1 && ctx["messageId"] == nil || i == 1 && ev["headers"] != nil {
			t.Errorf("event %d: %v", i, ev)
		}
		for _, k := range []string{"connectionId", "requestId", "extendedRequestId", "messageId"} {
			delete(ctx, k)
		}
		delete(ev, "headers")
		delete(ev, "multiValueHeaders")
	}
	if d := cmp.Diff(want, events); d != "" {
		t.Error(d)
	}
	var sources []string
	for _, in := range h.calls {
		sources = append(sources, strings.TrimPrefix(in.SourceARN, "arn:aws:execute-api:eu-west-1:111122223333:"+h.id))
	}
	if d := cmp.Diff([]string{"/dev/$connect", "/dev/join", "/dev/$disconnect"}, sources); d != "" {
		t.Error(d)
	}
}

// TestSocketAuthorizer: the authorizer of $connect decides on the handshake, its context stays with the connection.
// Source: Developer Guide, "Create a Lambda REQUEST authorizer function for WebSocket APIs".
func TestSocketAuthorizer(t *testing.T) {
	const iam = `{"principalId":"user|123","policyDocument":{"Statement":[{"Action":"execute-api:Invoke","Effect":"%s","Resource":"%s"}]},"context":{"n":7%s}}`
	for _, c := range []struct {
		name, token, out, failure string
		status                    int
		body                      string
	}{
		{"allowed", "good", fmt.Sprintf(iam, "Allow", "arn:aws:execute-api:eu-west-1:111122223333:*/dev/$connect", ""), "", 101, ""},
		{"denied", "good", fmt.Sprintf(iam, "Deny", "*", ""), "", 403, refusal("Forbidden")},
		{"another route", "good", fmt.Sprintf(iam, "Allow", "*/join", ""), "", 403, refusal("Forbidden")},
		{"no token", "-", fmt.Sprintf(iam, "Allow", "*", ""), "", 401, refusal("Unauthorized")},
		{"Unauthorized", "good", `{"errorMessage":"Unauthorized"}`, "Unhandled", 401, refusal("Unauthorized")},
		{"failure", "good", `{"errorMessage":"Unauthorized."}`, "Unhandled", 500, refusal("Internal server error")},
		{"no policy", "good", `{"principalId":"u"}`, "", 500, refusal("Internal server error")},
		{"nested context", "good", fmt.Sprintf(iam, "Allow", "*", `,"l":[1]`), "", 500, refusal("Internal server error")},
		{"above 8 KB", "good", fmt.Sprintf(iam, "Allow", "*", `,"l":"`+strings.Repeat("x", 8<<10)+`"`), "", 500, refusal("Internal server error")},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newWSBench(t, nil)
			h.handler("backend", func(string) string { return `{"statusCode":200}` })
			h.functions["my-function"] = func(wire.Invocation) (wire.InvokeResult, error) {
				return wire.InvokeResult{Payload: []byte(c.out), FunctionError: c.failure}, nil
			}
			z, err := h.c.CreateAuthorizer(t.Context(), &v2.CreateAuthorizerInput{ApiId: &h.id, Name: aws.String("guard"), AuthorizerType: types.AuthorizerTypeRequest,
				AuthorizerUri: aws.String(functionURI), IdentitySource: []string{"route.request.header.X-Token", "route.request.querystring.q"}})
			if err != nil {
				t.Fatal(err)
			}
			h.route("$connect", h.lambda("backend"), func(in *v2.CreateRouteInput) {
				in.AuthorizationType, in.AuthorizerId = types.AuthorizationTypeCustom, z.AuthorizerId
			})
			w := h.dial("/dev?q=1", "X-Token", c.token)
			if w.res.StatusCode != c.status || masked(w.body) != c.body {
				t.Errorf("answered %d %s", w.res.StatusCode, w.body)
			}
			switch {
			case c.token == "-":
				if h.called() != 0 {
					t.Error("the authorizer was asked without its identity source")
				}
			case c.status != 101:
				if h.called() != 1 {
					t.Errorf("%d calls; a refused client reaches no integration", h.called())
				}
				ev := h.lastEvent()
				ctx := ev["requestContext"].(map[string]any)
				if ev["type"] != "REQUEST" || ev["methodArn"] != "arn:aws:execute-api:eu-west-1:111122223333:"+h.id+"/dev/$connect" || ctx["routeKey"] != "$connect" || ctx["eventType"] != "CONNECT" ||
					ctx["connectionId"] == nil || ev["resource"] != nil || ev["path"] != nil || ev["httpMethod"] != nil || ev["pathParameters"] != nil || ev["body"] != nil ||
					ev["headers"].(map[string]any)["X-Token"] != "good" || ev["queryStringParameters"].(map[string]any)["q"] != "1" {
					t.Errorf("the authorizer saw %v", ev)
				}
			default:
				want := map[string]any{"principalId": "user|123", "n": "7", "integrationLatency": 0.0}
				if d := cmp.Diff(want, h.lastEvent()["requestContext"].(map[string]any)["authorizer"]); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

// TestSocketHandshake: what is not a handshake of version 13 at a stage's root is refused, and so is what the $connect
// integration refuses.
func TestSocketHandshake(t *testing.T) {
	h := newWSBench(t, nil)
	answer := `{"statusCode":200}`
	h.handler("backend", func(string) string { return answer })
	h.route("$connect", h.lambda("backend"), nil)
	for _, c := range []struct {
		name, target, answer string
		headers              []string
		status               int
		body                 string
	}{
		{"no upgrade", "/dev", "", []string{"Upgrade", "-"}, 426, refusal("Upgrade Required")},
		{"no connection", "/dev", "", []string{"Connection", "close"}, 426, refusal("Upgrade Required")},
		{"version", "/dev", "", []string{"Sec-WebSocket-Version", "8"}, 426, refusal("Upgrade Required")},
		{"short key", "/dev", "", []string{"Sec-WebSocket-Key", "dGhl"}, 400, refusal("Bad Request")},
		{"no such stage", "/prod", "", nil, 403, refusal("Forbidden")},
		{"below the stage", "/dev/room", "", nil, 403, refusal("Forbidden")},
		{"refused", "/dev", `{"statusCode":401,"body":"no"}`, nil, 401, "no"},
		{"no status", "/dev", `{}`, nil, 502, refusal("Internal server error")},
		{"trailing slash", "/dev/", "", nil, 101, ""},
	} {
		answer = `{"statusCode":200}`
		if c.answer != "" {
			answer = c.answer
		}
		w := h.dial(c.target, c.headers...)
		if w.res.StatusCode != c.status || masked(w.body) != c.body || c.status == 426 && (w.res.Header.Get("Upgrade") != "websocket" || w.res.Header.Get("Sec-Websocket-Version") != "13") {
			t.Errorf("%s: answered %d %v %s", c.name, w.res.StatusCode, w.res.Header, w.body)
		}
	}
	answer = `{"statusCode":200,"headers":{"Sec-WebSocket-Protocol":"soap"}}`
	if p := h.connect("/dev", "Sec-WebSocket-Protocol", "wamp, soap").res.Header.Get("Sec-Websocket-Protocol"); p != "soap" {
		t.Errorf("protocol %q", p)
	}
	if p := h.connect("/dev", "Sec-WebSocket-Protocol", "wamp").res.Header.Get("Sec-Websocket-Protocol"); p != "" {
		t.Errorf("a protocol that was not asked for: %q", p)
	}
}

// TestSocketHostileFrames: each violation of RFC 6455 and of the quotas ends the connection with its close code, before
// memory is taken for it.
func TestSocketHostileFrames(t *testing.T) {
	h := newWSBench(t, nil)
	frame := func(first byte, payload string) func(*wsClient) { return func(c *wsClient) { c.frame(first, payload) } }
	raw := func(b ...byte) func(*wsClient) { return func(c *wsClient) { c.raw(b) } }
	for name, c := range map[string]struct {
		send func(*wsClient)
		code int
	}{
		"not masked":               {raw(0x81, 1, 'x'), 1002},
		"reserved bit":             {frame(0xc1, "x"), 1002},
		"unknown data opcode":      {frame(0x83, "x"), 1002},
		"unknown control opcode":   {frame(0x8b, "x"), 1002},
		"continuation of nothing":  {frame(0x80, "x"), 1002},
		"message in a message":     {func(c *wsClient) { c.frame(0x01, "x"); c.frame(0x81, "y") }, 1002},
		"fragmented ping":          {frame(0x09, "x"), 1002},
		"long ping":                {frame(0x89, strings.Repeat("x", 126)), 1002},
		"length not shortest, 16":  {raw(0x81, 0x80|126, 0, 5), 1002},
		"length not shortest, 64":  {raw(0x81, 0x80|127, 0, 0, 0, 0, 0, 0, 1, 0), 1002},
		"length above 63 bits":     {raw(0x81, 0x80|127, 0x80, 0, 0, 0, 0, 0, 0, 0), 1002},
		"a frame of many terabyte": {raw(0x81, 0x80|127, 0, 0xff, 0, 0, 0, 0, 0, 0), 1009},
		"a frame above 32 KB":      {frame(0x81, strings.Repeat("x", 32<<10+1)), 1009},
		"a message above 128 KB": {func(c *wsClient) {
			c.frame(0x01, strings.Repeat("x", 32<<10))
			for range 3 {
				c.frame(0x00, strings.Repeat("x", 32<<10))
			}
			c.frame(0x80, "x")
		}, 1009},
		"text that is not UTF-8":    {frame(0x81, "\xff"), 1007},
		"binary":                    {frame(0x82, "x"), 1003},
		"close of one byte":         {frame(0x88, "\x03"), 1002},
		"close with a code for use": {frame(0x88, "\x03\xed"), 1002}, // 1005
		"close, reason not UTF-8":   {frame(0x88, "\x03\xe8\xff"), 1007},
	} {
		t.Run(name, func(t *testing.T) {
			w := h.connect("/dev")
			c.send(w)
			w.wantClose(c.code, "")
		})
	}
	t.Run("cut short", func(t *testing.T) {
		w := h.connect("/dev")
		w.raw([]byte{0x81, 0x85, 1, 2})
		w.conn.Close()
	})
}

// TestSocketFrames: fragments with a ping between them are one message; the largest message passes, in frames of 32 KB
// both ways; a close is answered with its own code.
func TestSocketFrames(t *testing.T) {
	h := newWSBench(t, nil)
	h.handler("backend", func(event string) string {
		var ev struct {
			Body string `json:"body"`
		}
		if json.Unmarshal([]byte(event), &ev) != nil {
			return "no event"
		}
		return fmt.Sprintf(`{"statusCode":200,"body":%q}`, ev.Body)
	})
	h.twoWay("$default", h.lambda("backend"))
	c := h.connect("/dev")
	c.frame(0x01, "Hello, \xc3")
	c.frame(0x89, "are you there")
	c.frame(0x00, "")
	c.frame(0x80, "\xa4")
	if first, p := c.next(); first != 0x8a || p != "are you there" {
		t.Errorf("ping answered %x %q", first, p)
	}
	if got := c.message(); got != "Hello, ä" {
		t.Errorf("got %q", got)
	}
	c.frame(0x8a, "") // a pong that nobody asked for
	large := strings.Repeat("0123456789abcdef", 2048)
	c.frame(0x01, large)
	c.frame(0x00, large)
	c.frame(0x00, large)
	c.frame(0x80, large)
	if got := c.message(); got != strings.Repeat(large, 4) {
		t.Errorf("%d bytes came back", len(got))
	}
	c.frame(0x88, "")
	if first, p := c.next(); first != 0x88 || p != "" {
		t.Errorf("close answered %x %q", first, p)
	}
}

// signedBy is a verifier that lets only the word in Authorization pass, and notes what it was asked.
func signedBy(asked *[]string) func(*apigateway.Options) {
	return func(o *apigateway.Options) {
		o.VerifyIAM = func(r *http.Request, action, resource string) (*apigateway.Caller, error) {
			*asked = append(*asked, action+" "+resource)
			caller := &apigateway.Caller{Principal: wire.Principal{ARN: "arn:aws:iam::" + testAccount + ":user/jane", UserID: "AIDAJANE"}, Account: testAccount, AccessKey: "AKIAIOSFODNN7EXAMPLE"}
			switch r.Header.Get("Authorization") {
			case "":
				return nil, &wire.Error{Status: 403, Code: "MissingAuthenticationTokenException", Message: "Missing Authentication Token"}
			case "good":
				return caller, nil
			}
			return caller, errors.New("not allowed")
		}
	}
}

// connection asks the function of $connect for the id of the connection that c is.
func (h *wsBench) connection() (c *wsClient, id string) {
	h.t.Helper()
	c = h.connect("/dev")
	return c, h.lastEvent()["requestContext"].(map[string]any)["connectionId"].(string)
}

// TestConnectionsAPI: backends send to a connection, ask about it and end it, signed.
// Source: Developer Guide, "Use @connections commands in your backend service".
func TestConnectionsAPI(t *testing.T) {
	var asked []string
	h := newWSBench(t, signedBy(&asked))
	gone := make(chan string, 1)
	h.handler("backend", func(event string) string {
		if strings.Contains(event, `"DISCONNECT"`) {
			gone <- event
		}
		return `{"statusCode":200}`
	})
	h.route("$connect", h.lambda("backend"), nil)
	h.route("$disconnect", h.lambda("backend"), nil)
	c, id := h.connection()
	target := "/dev/@connections/" + strings.TrimSuffix(id, "=") + "%3D"
	call := func(verb, target, body, by string) reply {
		return h.call(h.id, verb, target, body, "Authorization", by)
	}

	wantReply(t, h.call(h.id, "POST", target, "x"), 403, `{"message":"Missing Authentication Token"}`)
	wantReply(t, call("POST", target, "x", "bad"), 403, `{"message":"not allowed"}`)
	wantReply(t, call("PUT", target, "x", "good"), 403, `{"message":"Forbidden"}`)
	wantReply(t, call("POST", "/dev/@connections/short", "x", "good"), 400, `{"message":"Invalid connectionId: short"}`)
	wantReply(t, call("POST", "/dev/@connections/AAAAAAAAAAAAAAA=", "x", "good"), 410, "")
	wantReply(t, call("POST", "/prod/@connections/"+id, "x", "good"), 403, `{"message":"Forbidden"}`)
	wantReply(t, call("POST", target, strings.Repeat("x", 128<<10+1), "good"), 413, `{"message":"Message too long"}`)
	asked = nil
	h.advance(time.Minute)
	wantReply(t, call("POST", target, "hello", "good"), 200, "")
	if got := c.message(); got != "hello" {
		t.Errorf("the client got %q", got)
	}
	arn := "arn:aws:execute-api:eu-west-1:111122223333:" + h.id + "/dev/"
	wantReply(t, call("GET", target, "", "good"), 200,
		`{"connectedAt":"2026-03-14T09:26:53Z","identity":{"sourceIp":"127.0.0.1","userAgent":"Go-http-client/1.1"},"lastActiveAt":"2026-03-14T09:27:53Z"}`)
	wantReply(t, call("DELETE", target, "", "good"), 204, "")
	if d := cmp.Diff([]string{"execute-api:ManageConnections " + arn + "POST/@connections/" + id, "execute-api:ManageConnections " + arn + "GET/@connections/" + id,
		"execute-api:ManageConnections " + arn + "DELETE/@connections/" + id}, asked); d != "" {
		t.Error(d)
	}
	first, p := c.next()
	if first != 0x88 || binary.BigEndian.Uint16([]byte(p)) != 1000 {
		t.Errorf("deleting ends with %x %q", first, p)
	}
	r := call("POST", target, "x", "good")
	wantReply(t, r, 410, "")
	if r.header.Get("X-Amzn-Errortype") != "GoneException" {
		t.Errorf("%v", r.header)
	}
	c.frame(0x88, p) // the client's half
	if ev := <-gone; !strings.Contains(ev, `"disconnectStatusCode":1000`) || !strings.Contains(ev, "Connection Closed Normally") {
		t.Errorf("$disconnect saw %s", ev)
	}
}

// TestSocketTime: ten minutes without a frame, or two hours at all, end a connection, on the injected clock.
func TestSocketTime(t *testing.T) {
	h := newWSBench(t, nil)
	ping := func(c *wsClient) {
		t.Helper()
		c.frame(0x89, "")
		if first, _ := c.next(); first != 0x8a {
			t.Errorf("got frame %x", first)
		}
	}
	idle, busy := h.connect("/dev"), h.connect("/dev")
	h.advance(9 * time.Minute)
	ping(busy)
	h.advance(time.Minute)
	h.svc.Tick()
	idle.wantClose(1001, "Going away")
	ping(busy)
	for range 12 {
		h.advance(9 * time.Minute)
		h.svc.Tick()
		ping(busy)
	}
	h.advance(2 * time.Minute)
	h.svc.Tick()
	busy.wantClose(1001, "Going away")
}

// TestSocketsEndWithTheirStage: deleting a stage, an API or everything ends the connections; Close refuses new ones.
func TestSocketsEndWithTheirStage(t *testing.T) {
	for name, end := range map[string]func(*wsBench) error{
		"stage": func(h *wsBench) error {
			_, err := h.c.DeleteStage(t.Context(), &v2.DeleteStageInput{ApiId: &h.id, StageName: aws.String("dev")})
			return err
		},
		"api": func(h *wsBench) error {
			_, err := h.c.DeleteApi(t.Context(), &v2.DeleteApiInput{ApiId: &h.id})
			return err
		},
		"reset": func(h *wsBench) error { h.svc.Reset(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			h := newWSBench(t, nil)
			c := h.connect("/dev")
			if err := end(h); err != nil {
				t.Fatal(err)
			}
			c.wantClose(1001, "Going away")
		})
	}
	h := newWSBench(t, nil)
	c := h.connect("/dev")
	h.svc.Close()
	c.wantClose(1001, "Going away")
	if r := h.dial("/dev"); r.res.StatusCode != 429 || masked(r.body) != refusal("Too Many Requests") {
		t.Errorf("after Close: %d %s", r.res.StatusCode, r.body)
	}
}

// TestSocketMockAndHTTP: the integrations that are no functions.
func TestSocketMockAndHTTP(t *testing.T) {
	var got []string
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, r.Method+" "+r.URL.String()+" "+string(body)+" "+r.Header.Get("X-Action")+" "+fmt.Sprint(r.Header.Get("X-Connection") != ""))
		io.WriteString(w, "thanks")
	}))
	defer backend.Close()
	h := newWSBench(t, nil)
	h.route("$connect", h.integration(&v2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeMock, RequestTemplates: map[string]string{"200": `{"statusCode": 200}`}, TemplateSelectionExpression: aws.String("200")}), nil)
	h.twoWay("http", h.integration(&v2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("POST"), IntegrationUri: aws.String(backend.URL + "/{who}"),
		RequestParameters: map[string]string{"integration.request.header.X-Action": "route.request.body.action", "integration.request.header.X-Connection": "context.connectionId",
			"integration.request.path.who": "'me'", "integration.request.querystring.v": "stageVariables.k"}}))
	mock := h.integration(&v2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeMock, RequestTemplates: map[string]string{"$default": `{"statusCode": $input.path('$.status'), "who": "$context.routeKey"}`}, TemplateSelectionExpression: aws.String(`\$default`)})
	id := strings.TrimPrefix(mock, "integrations/")
	for key, template := range map[string]string{"$default": `fine $input.path('$.who')`, "/4\\d\\d/": `bad`} {
		if _, err := h.c.CreateIntegrationResponse(t.Context(), &v2.CreateIntegrationResponseInput{ApiId: &h.id, IntegrationId: &id, IntegrationResponseKey: &key, ResponseTemplates: map[string]string{"$default": template}}); err != nil {
			t.Fatal(err)
		}
	}
	h.twoWay("mock", mock)
	c := h.connect("/dev")
	for message, want := range map[string]string{`{"action":"mock","status":200}`: "fine mock", `{"action":"mock","status":404}`: "bad", `{"action":"mock"}`: refusal("Internal server error"), `{"action":"http"}`: "thanks"} {
		c.send(message)
		if answer := masked(c.message()); answer != want {
			t.Errorf("%s got %s, want %s", message, answer, want)
		}
	}
	if d := cmp.Diff([]string{`POST /me?v=v {"action":"http"} http true`}, got); d != "" {
		t.Error(d)
	}
}

// TestSocketControlPlane: what the control plane of WebSocket APIs refuses.
func TestSocketControlPlane(t *testing.T) {
	h := newWSBench(t, nil)
	ctx := t.Context()
	target := h.lambda("backend")
	for name, in := range map[string]*v2.CreateApiInput{
		"no selection":   {Name: aws.String("x"), ProtocolType: types.ProtocolTypeWebsocket},
		"HTTP selection": {Name: aws.String("x"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.method $request.path")},
		"constant":       {Name: aws.String("x"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("always")},
		"CORS":           {Name: aws.String("x"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.a"), CorsConfiguration: &types.Cors{}},
	} {
		if _, err := h.c.CreateApi(ctx, in); err == nil {
			t.Errorf("%s: created", name)
		} else {
			wantError(t, err, "BadRequestException", "")
		}
	}
	z, err := h.c.CreateAuthorizer(ctx, &v2.CreateAuthorizerInput{ApiId: &h.id, Name: aws.String("guard"), AuthorizerType: types.AuthorizerTypeRequest, AuthorizerUri: aws.String(functionURI), IdentitySource: []string{"route.request.header.A"}})
	if err != nil {
		t.Fatal(err)
	}
	h.route("join", target, nil)
	for name, c := range map[string]struct {
		in            *v2.CreateRouteInput
		code, message string
	}{
		"authorization elsewhere": {&v2.CreateRouteInput{RouteKey: aws.String("send"), AuthorizationType: types.AuthorizationTypeCustom, AuthorizerId: z.AuthorizerId}, "BadRequestException", "Currently, authorization is restricted to the $connect route only"},
		"reserved key":            {&v2.CreateRouteInput{RouteKey: aws.String("$other")}, "BadRequestException", ""},
		"twice":                   {&v2.CreateRouteInput{RouteKey: aws.String("join")}, "ConflictException", ""},
		"API key":                 {&v2.CreateRouteInput{RouteKey: aws.String("$connect"), ApiKeyRequired: aws.Bool(true)}, "NotImplemented", ""},
		"response selection":      {&v2.CreateRouteInput{RouteKey: aws.String("x"), RouteResponseSelectionExpression: aws.String("$x")}, "BadRequestException", ""},
	} {
		c.in.ApiId = &h.id
		_, err := h.c.CreateRoute(ctx, c.in)
		t.Log(name)
		wantError(t, err, c.code, c.message)
	}
	for name, c := range map[string]struct {
		in   *v2.CreateIntegrationInput
		code string
	}{
		"AWS":          {&v2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeAws}, "NotImplemented"},
		"version":      {&v2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeMock, PayloadFormatVersion: aws.String("2.0")}, "BadRequestException"},
		"a plain ARN":  {&v2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeAwsProxy, IntegrationUri: aws.String("arn:aws:lambda:eu-west-1:111122223333:function:f")}, "BadRequestException"},
		"30 s":         {&v2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeMock, TimeoutInMillis: aws.Int32(29001)}, "BadRequestException"},
		"bad mapping":  {&v2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("GET"), IntegrationUri: aws.String("http://x"), RequestParameters: map[string]string{"integration.request.header.A": "method.request.header.B"}}, "BadRequestException"},
		"mock mapping": {&v2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeMock, RequestParameters: map[string]string{"integration.request.header.A": "'x'"}}, "NotImplemented"},
	} {
		c.in.ApiId = &h.id
		_, err := h.c.CreateIntegration(ctx, c.in)
		t.Log(name)
		wantError(t, err, c.code, "")
	}
	for name, in := range map[string]*v2.CreateAuthorizerInput{
		"JWT":         {AuthorizerType: types.AuthorizerTypeJwt},
		"TTL":         {AuthorizerType: types.AuthorizerTypeRequest, AuthorizerResultTtlInSeconds: aws.Int32(300)},
		"HTTP source": {AuthorizerType: types.AuthorizerTypeRequest, IdentitySource: []string{"$request.header.A"}},
	} {
		in.ApiId, in.Name, in.AuthorizerUri = &h.id, &name, aws.String(functionURI)
		if in.IdentitySource == nil {
			in.IdentitySource = []string{}
		}
		_, err := h.c.CreateAuthorizer(ctx, in)
		t.Log(name)
		wantError(t, err, "BadRequestException", "")
	}
	_, err = h.c.CreateStage(ctx, &v2.CreateStageInput{ApiId: &h.id, StageName: aws.String("$default")})
	wantError(t, err, "BadRequestException", "")

	// Without automatic deployment, what is edited goes live by a deployment only.
	if _, err := h.c.CreateStage(ctx, &v2.CreateStageInput{ApiId: &h.id, StageName: aws.String("prod")}); err != nil {
		t.Fatal(err)
	}
	if r := h.dial("/prod"); r.res.StatusCode != 403 {
		t.Errorf("a stage without deployment answered %d", r.res.StatusCode)
	}
	if _, err := h.c.CreateDeployment(ctx, &v2.CreateDeploymentInput{ApiId: &h.id, StageName: aws.String("prod")}); err != nil {
		t.Fatal(err)
	}
	h.handler("backend", func(string) string { return `{"statusCode":403}` })
	h.route("$connect", target, nil)
	h.connect("/prod")
	if r := h.dial("/dev"); r.res.StatusCode != 403 {
		t.Errorf("the automatically deployed stage answered %d", r.res.StatusCode)
	}
}
