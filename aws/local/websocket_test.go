package local_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"portcullis/aws/local"
)

// Through the front door: a client connects, a role with the right policy sends to it, the history has both.
func TestWebSocketThroughTheFrontDoor(t *testing.T) {
	w := start(t, local.Options{})
	ctx := t.Context()
	c := apigatewayv2.NewFromConfig(w.admin())
	api, err := c.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("Chat"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action")})
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{ApiId: api.ApiId, IntegrationType: types.IntegrationTypeMock})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: api.ApiId, RouteKey: aws.String("$default"), Target: aws.String("integrations/" + *in.IntegrationId), RouteResponseSelectionExpression: aws.String("$default")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: api.ApiId, RouteId: r.RouteId, RouteResponseKey: aws.String("$default")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateIntegrationResponse(ctx, &apigatewayv2.CreateIntegrationResponseInput{ApiId: api.ApiId, IntegrationId: in.IntegrationId, IntegrationResponseKey: aws.String("$default"),
		ResponseTemplates: map[string]string{"$default": "$context.connectionId"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: aws.String("dev"), AutoDeploy: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(w.url, "http://"), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "GET /dev HTTP/1.1\r\nHost: "+*api.ApiId+".execute-api.eu-west-1.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"+
		"\x81\x82\x00\x00\x00\x00{}") // the first message, before the handshake was answered
	br := bufio.NewReader(conn)
	res, err := http.ReadResponse(br, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", res, err)
	}
	frame := func() string {
		t.Helper()
		head := make([]byte, 2)
		if _, err := io.ReadFull(br, head); err != nil {
			t.Fatal(err)
		}
		payload := make([]byte, head[1])
		if _, err := io.ReadFull(br, payload); err != nil {
			t.Fatal(err)
		}
		return string(payload)
	}
	id := frame()
	if len(id) != 16 {
		t.Fatalf("the connection's id is %q", id)
	}
	post := func(cfg aws.Config) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/_aws/execute-api/"+*api.ApiId+"/dev/@connections/"+strings.TrimSuffix(id, "=")+"%3D", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		creds, err := cfg.Credentials.Retrieve(ctx)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte("hello"))
		if err := v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), "execute-api", cfg.Region, time.Now()); err != nil {
			t.Fatal(err)
		}
		res, err := httpClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	arn := "arn:aws:execute-api:" + region + ":111122223333:" + *api.ApiId + "/dev/POST/@connections/*"
	may := w.user("sender", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:ManageConnections","Resource":"`+arn+`"}]}`)
	mayNot := w.user("invoker", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}]}`)
	if status, body := post(mayNot); status != 403 || !strings.Contains(body, "is not authorized to perform: execute-api:ManageConnections on resource: "+strings.TrimSuffix(arn, "*")+id) {
		t.Errorf("without the permission: %d %s", status, body)
	}
	if status, body := post(may); status != 200 || body != "" {
		t.Errorf("with it: %d %s", status, body)
	}
	if got := frame(); got != "hello" {
		t.Errorf("the client got %q", got)
	}
	w.s.Advance(ctx, 10*time.Minute)
	if got := frame(); got != "\x03\xe9Going away" {
		t.Errorf("after ten minutes the client got %q", got)
	}
	// The record of the handshake is written when its handler returns, which may be after the client's next requests.
	eventually(t, "the history has the handshake and both requests", func() bool {
		var statuses []int
		for _, r := range w.s.Requests("execute-api") {
			statuses = append(statuses, r.Status)
		}
		slices.Sort(statuses)
		return slices.Equal(statuses, []int{101, 200, 403})
	})
}
