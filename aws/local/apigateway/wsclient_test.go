package apigateway_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v2 "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"portcullis/aws/local/apigateway"
	"portcullis/aws/local/wire"
)

// wsBench is a WebSocket API that selects routes by "action", with an automatically deployed stage dev.
type wsBench struct {
	*bench
	c  *v2.Client
	id string
}

func newWSBench(t *testing.T, change func(*apigateway.Options)) *wsBench {
	t.Helper()
	b := newBench(t, change)
	t.Cleanup(b.svc.Close)
	h := &wsBench{bench: b, c: b.sdkv2()}
	api, err := h.c.CreateApi(t.Context(), &v2.CreateApiInput{Name: aws.String("Chat"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action")})
	if err != nil {
		t.Fatal(err)
	}
	h.id = *api.ApiId
	if *api.ApiEndpoint != "wss://"+h.id+".execute-api.eu-west-1.amazonaws.com" {
		t.Errorf("endpoint %s", *api.ApiEndpoint)
	}
	if _, err := h.c.CreateStage(t.Context(), &v2.CreateStageInput{ApiId: &h.id, StageName: aws.String("dev"), AutoDeploy: aws.Bool(true), StageVariables: map[string]string{"k": "v"}}); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *wsBench) integration(in *v2.CreateIntegrationInput) string {
	h.t.Helper()
	in.ApiId = &h.id
	out, err := h.c.CreateIntegration(h.t.Context(), in)
	if err != nil {
		h.t.Fatal(err)
	}
	return "integrations/" + *out.IntegrationId
}

// lambda is an integration with a function of the bench.
func (h *wsBench) lambda(name string) string {
	h.t.Helper()
	return h.integration(&v2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeAwsProxy, IntegrationUri: aws.String(strings.Replace(functionURI, "my-function", name, 1))})
}

func (h *wsBench) route(key, target string, change func(*v2.CreateRouteInput)) string {
	h.t.Helper()
	in := &v2.CreateRouteInput{ApiId: &h.id, RouteKey: &key, Target: &target}
	if change != nil {
		change(in)
	}
	r, err := h.c.CreateRoute(h.t.Context(), in)
	if err != nil {
		h.t.Fatal(err)
	}
	return *r.RouteId
}

// twoWay lets a route's answer go back to the client.
func (h *wsBench) twoWay(key, target string) {
	h.t.Helper()
	id := h.route(key, target, func(in *v2.CreateRouteInput) { in.RouteResponseSelectionExpression = aws.String("$default") })
	if _, err := h.c.CreateRouteResponse(h.t.Context(), &v2.CreateRouteResponseInput{ApiId: &h.id, RouteId: &id, RouteResponseKey: aws.String("$default")}); err != nil {
		h.t.Fatal(err)
	}
}

// handler registers a function that sees every event and answers with what answer returns.
func (h *wsBench) handler(name string, answer func(event string) string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.functions[name] = func(in wire.Invocation) (wire.InvokeResult, error) {
		return wire.InvokeResult{Payload: []byte(answer(string(in.Payload)))}, nil
	}
}

// wsClient is the client's half of RFC 6455, without manners: it sends what a test tells it to.
type wsClient struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	res  *http.Response
	body string // of a refusal
}

const sampleKey = "dGhlIHNhbXBsZSBub25jZQ==" // RFC 6455, section 1.3

// dial sends an opening handshake. Headers are pairs; a value "-" leaves a header out.
func (h *wsBench) dial(target string, headers ...string) *wsClient {
	h.t.Helper()
	u, err := url.Parse(h.url)
	if err != nil {
		h.t.Fatal(err)
	}
	conn, err := net.DialTimeout("tcp", u.Host, 5*time.Second)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		h.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+"/_aws/execute-api/"+h.id+target, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header = http.Header{"Connection": {"keep-alive, Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {sampleKey}}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "-" {
			req.Header.Del(headers[i])
		}
	}
	if err := req.Write(conn); err != nil {
		h.t.Fatal(err)
	}
	c := &wsClient{t: h.t, conn: conn, r: bufio.NewReader(conn)}
	if c.res, err = http.ReadResponse(c.r, req); err != nil {
		h.t.Fatal(err)
	}
	if c.res.StatusCode != http.StatusSwitchingProtocols {
		b, err := io.ReadAll(c.res.Body)
		if err != nil {
			h.t.Fatal(err)
		}
		c.body = string(b)
	}
	return c
}

// connect dials and expects to be let in.
func (h *wsBench) connect(target string, headers ...string) *wsClient {
	h.t.Helper()
	c := h.dial(target, headers...)
	if c.res.StatusCode != http.StatusSwitchingProtocols || c.res.Header.Get("Sec-Websocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		h.t.Fatalf("handshake answered %d %v %s", c.res.StatusCode, c.res.Header, c.body)
	}
	return c
}

// frame writes one masked frame.
func (c *wsClient) frame(first byte, payload string) {
	c.t.Helper()
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	mask := [4]byte{1, 2, 3, 4}
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	c.raw(b)
}

func (c *wsClient) raw(b []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *wsClient) send(message string) { c.t.Helper(); c.frame(0x81, message) }

// next reads one frame, which a server must not mask.
func (c *wsClient) next() (first byte, payload string) {
	c.t.Helper()
	read := func(n int) []byte {
		b := make([]byte, n)
		if _, err := io.ReadFull(c.r, b); err != nil {
			c.t.Fatalf("reading a frame: %v", err)
		}
		return b
	}
	head := read(2)
	n := int(head[1])
	switch n {
	case 126:
		n = int(binary.BigEndian.Uint16(read(2)))
	case 127:
		n = int(binary.BigEndian.Uint64(read(8)))
	}
	if head[1]&0x80 != 0 || n > 32<<10 {
		c.t.Fatalf("a server's frame of %d bytes, first bytes %x", n, head)
	}
	return head[0], string(read(n))
}

// message reads a whole text message.
func (c *wsClient) message() string {
	c.t.Helper()
	first, text := c.next()
	if first&0x0f != 1 {
		c.t.Fatalf("got frame %x %q, want text", first, text)
	}
	for first&0x80 == 0 {
		var more string
		first, more = c.next()
		text += more
	}
	return text
}

// wantClose reads a close frame and the end of the connection.
func (c *wsClient) wantClose(code int, reason string) {
	c.t.Helper()
	first, p := c.next()
	if first != 0x88 || len(p) < 2 || int(binary.BigEndian.Uint16([]byte(p))) != code || reason != "" && p[2:] != reason {
		c.t.Fatalf("got frame %x %q, want close %d %s", first, p, code, reason)
	}
	c.conn.(*net.TCPConn).CloseWrite()
	if _, err := c.r.ReadByte(); err == nil {
		c.t.Error("the connection goes on after its close frame")
	}
}
