package apigateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"portcullis/aws/local/wire"
)

// maxWSAuthorizer bounds what an authorizer of a WebSocket API may answer.
// Source: "Quotas for configuring and running a WebSocket API in API Gateway".
const maxWSAuthorizer = 8 << 10

// wsExchange is one event of a connection: CONNECT, MESSAGE or DISCONNECT. Its requestId is the extended one, as
// recorded events have it.
type wsExchange struct {
	*exchange
	conn      *wsConn
	frozen    *httpDefinition
	route     *httpRoute
	event     string
	messageID string
	end       *closed // for DISCONNECT
}

// serveSocketAPI answers a request to a WebSocket API: the opening handshake, or the connection management API.
func (s *Service) serveSocketAPI(w http.ResponseWriter, r *http.Request, id, path string) {
	stage, rest, _ := strings.Cut(strings.TrimLeft(path, "/"), "/")
	if connection, ok := strings.CutPrefix(rest, "@connections/"); ok {
		s.serveConnections(w, r, id, stage, connection)
		return
	}
	conn := &wsConn{svc: s, id: newExtendedID(), api: id, stage: stage, request: r, opened: s.opt.Now(), connected: make(chan struct{})}
	conn.touch()
	x := s.newSocketExchange(r.Context(), conn, "CONNECT")
	out, err := x.connect(rest)
	if err != nil {
		out = x.refusal(err)
	}
	h := w.Header()
	for k, v := range out.header {
		h[k] = v
	}
	h["x-amz-apigw-id"] = []string{x.extendedID}
	h["x-amzn-RequestId"] = []string{x.requestID}
	if err == nil && out.status >= 200 && out.status <= 299 && s.upgrade(w, conn, out.header.Get("Sec-WebSocket-Protocol")) {
		return
	}
	if err == nil && out.status >= 200 && out.status <= 299 {
		out = x.refusal(httpFailure(http.StatusTooManyRequests, "Too Many Requests", "no more connections are taken"))
	}
	h.Del("Sec-WebSocket-Protocol")
	h.Set("Content-Length", strconv.Itoa(len(out.body)))
	w.WriteHeader(out.status)
	w.Write(out.body)
}

// newSocketExchange begins an event. ctx bounds what the event causes.
func (s *Service) newSocketExchange(ctx context.Context, conn *wsConn, event string) *wsExchange {
	r := conn.request.WithContext(ctx)
	x := &wsExchange{exchange: &exchange{svc: s, ctx: r, start: s.opt.Now(), requestID: newRequestID(), extendedID: newExtendedID(), header: http.Header{}, verb: http.MethodGet,
		auth: conn.auth, authMS: conn.authMS}, conn: conn, event: event}
	x.match = match{resource: &resource{}, method: &method{}}
	if event == "CONNECT" {
		x.header, x.rawQ = r.Header.Clone(), r.URL.RawQuery
		x.query, _ = url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, ";", "%3B"))
	}
	return x
}

// snapshot takes what the connection's stage serves now.
func (x *wsExchange) snapshot() bool {
	s := x.svc
	s.mu.RLock()
	defer s.mu.RUnlock()
	a := s.httpAPIs[x.conn.api]
	if a == nil || a.stages[x.conn.stage] == nil {
		return false
	}
	st := a.stages[x.conn.stage]
	d := a.deployments[st.DeploymentID]
	if d == nil {
		return false
	}
	x.frozen = d.frozen
	x.serveFrom(a, st, x.conn.api)
	return !d.frozen.API.DisableExecuteAPIEndpoint
}

// connect decides on a handshake: stage, protocol, authorization, and then the $connect route's integration, whose
// status below 300 lets the client in. An API without that route lets everybody in.
func (x *wsExchange) connect(rest string) (*answer, error) {
	if !x.snapshot() || rest != "" {
		return nil, httpFailure(http.StatusForbidden, "Forbidden", "no such stage, nothing deployed to it, or a path below it")
	}
	if status, why := wsHandshake(x.ctx); status != 0 {
		return nil, httpFailure(status, why, "not an opening handshake of the WebSocket protocol, version 13")
	}
	if x.stageThrottled() {
		return nil, httpFailure(http.StatusTooManyRequests, "Too Many Requests", "the stage's throttling")
	}
	out := &answer{status: http.StatusOK, header: http.Header{}}
	if x.route = x.frozen.routeByKey("$connect"); x.route == nil {
		return out, nil
	}
	x.tree()
	if err := x.authorizeConnect(); err != nil {
		return nil, err
	}
	x.conn.auth, x.conn.authMS = x.auth, x.authMS
	if x.route.Target == "" {
		return out, nil
	}
	got, err := x.integrateSocket()
	if err != nil {
		return nil, err
	}
	if p := got.header.Get("Sec-WebSocket-Protocol"); p != "" && hasToken(x.header["Sec-Websocket-Protocol"], p) {
		out.header.Set("Sec-WebSocket-Protocol", p)
	}
	if out.status = got.status; got.status >= 300 || got.status < 200 {
		out.body, out.header = got.body, http.Header{"Content-Type": {"application/json"}}
	}
	return out, nil
}

// upgrade takes the connection over and serves it. False: no more connections are taken, and nothing was written.
func (s *Service) upgrade(w http.ResponseWriter, conn *wsConn, protocol string) bool {
	if !s.addSocket(conn) {
		return false
	}
	conn.request = conn.request.WithContext(s.sockets.ctx) // the request's own ends with the handshake
	conn.request.Body = http.NoBody
	h := w.Header()
	h.Set("Upgrade", "websocket")
	h.Set("Connection", "Upgrade")
	h.Set("Sec-WebSocket-Accept", wsAccept(conn.request.Header.Get("Sec-WebSocket-Key")))
	if protocol != "" {
		h.Set("Sec-WebSocket-Protocol", protocol)
	}
	w.WriteHeader(http.StatusSwitchingProtocols)
	c, rw, err := http.NewResponseController(w).Hijack()
	if err == nil {
		err = c.SetDeadline(time.Time{})
	}
	if err != nil {
		close(conn.connected)
		s.removeSocket(conn)
		s.opt.Logger.Info("websocket handshake failed", "connectionId", conn.id, "detail", err.Error())
		return true
	}
	conn.sock = &socket{conn: c, r: rw.Reader, active: conn.touch}
	s.sockets.wg.Go(conn.run) // before connected is closed: a Close that already waits, waits for hanging up, and that for connected
	close(conn.connected)
	return true
}

// refusal is the answer to a handshake that fails, and the message to a client whose message could not be served.
func (x *wsExchange) refusal(err error) *answer {
	f := x.failure(err)
	a := &answer{status: f.status, header: http.Header{"Content-Type": {"application/json"}}, body: x.failureBody(f)}
	if f.status == http.StatusUpgradeRequired { // RFC 9110, section 15.5.22; RFC 6455, section 4.4
		a.header.Set("Upgrade", "websocket")
		a.header.Set("Sec-WebSocket-Version", "13")
	}
	return a
}

func (x *wsExchange) failure(err error) *failure {
	var f *failure
	if !errors.As(err, &f) || f.message == nil || f.status == 0 {
		f = httpFailure(http.StatusInternalServerError, "Internal server error", err.Error())
	}
	x.svc.opt.Logger.Info("websocket api response", "status", f.status, "detail", f.detail, "event", x.event, "connectionId", x.conn.id, "requestId", x.extendedID)
	return f
}

func (x *wsExchange) failureBody(f *failure) []byte {
	return []byte(`{"message": ` + jsonString(*f.message) + `, "connectionId":` + jsonString(x.conn.id) + `, "requestId":` + jsonString(x.extendedID) + `}`)
}

// authorizeConnect is the only authorization there is: on $connect.
func (x *wsExchange) authorizeConnect() error {
	switch x.route.AuthorizationType {
	case "NONE":
		return nil
	case "AWS_IAM":
		return x.forbidden(x.routeARN())
	}
	z := x.frozen.Authorizers[x.route.AuthorizerID]
	if z == nil {
		return errors.New("the route's authorizer " + x.route.AuthorizerID + " is not part of the deployment")
	}
	for _, src := range z.IdentitySource {
		if x.source(socketSourceName(src)) == "" {
			return httpFailure(401, "Unauthorized", "identity source "+src+" is missing")
		}
	}
	answer, err := x.invokeSocketAuthorizer(z)
	if err != nil {
		return err
	}
	x.auth = answer
	v, err := answer.policy.evaluate(x.routeARN(), x.facts(), nil)
	if err != nil {
		return err
	}
	if v != allowed {
		return httpFailure(403, "Forbidden", "authorizer "+z.Name+" does not allow "+x.routeARN())
	}
	x.tree() // once more: now with the authorizer's context
	return nil
}

func (x *wsExchange) invokeSocketAuthorizer(z *httpAuthorizer) (*authAnswer, error) {
	payload, err := x.askAuthorizer(question{id: z.AuthorizerID, name: z.Name, uri: z.AuthorizerURI, role: z.AuthorizerCredentialsARN, event: x.socketAuthorizerEvent(), wait: x.svc.opt.AuthorizerTimeout})
	if errors.Is(err, errUnauthorized) {
		return nil, httpFailure(401, "Unauthorized", "authorizer "+z.Name+" "+err.Error())
	}
	if err != nil {
		return nil, err
	}
	if len(payload) > maxWSAuthorizer {
		return nil, errors.New("the answer of authorizer " + z.Name + " is above 8 KB")
	}
	a, err := x.svc.parseAuthAnswer(payload)
	if err != nil {
		return nil, errors.New("the answer of authorizer " + z.Name + ": " + err.Error())
	}
	return a, nil
}

// serveMessage routes one message and sends back what its route answers.
func (s *Service) serveMessage(conn *wsConn, message []byte) {
	x := s.newSocketExchange(s.sockets.ctx, conn, "MESSAGE")
	x.messageID, x.body = newExtendedID(), message
	out, err := x.message()
	if s.sockets.ctx.Err() != nil {
		return
	}
	if err != nil {
		out = x.failureBody(x.failure(err))
	}
	if len(out) == 0 {
		return
	}
	if err := conn.send(opText, out); err != nil {
		s.opt.Logger.Debug("websocket answer not sent", "connectionId", conn.id, "detail", err.Error())
	}
}

func (x *wsExchange) message() ([]byte, error) {
	if !x.snapshot() {
		return nil, httpFailure(http.StatusForbidden, "Forbidden", "the stage is gone or has no deployment")
	}
	if x.stageThrottled() {
		return nil, httpFailure(http.StatusTooManyRequests, "Too Many Requests", "the stage's throttling")
	}
	key := selectRoute(x.frozen.API.RouteSelection, x.body)
	if !strings.HasPrefix(key, "$") { // a client cannot name $connect or $disconnect
		x.route = x.frozen.routeByKey(key)
	}
	if x.route == nil {
		x.route = x.frozen.routeByKey("$default")
	}
	if x.route == nil {
		return nil, httpFailure(http.StatusForbidden, "Forbidden", "no route "+strconv.Quote(key)+" and no $default")
	}
	if x.route.Target == "" {
		return nil, errors.New("the route has no target")
	}
	x.tree()
	got, err := x.integrateSocket()
	if err != nil {
		return nil, err
	}
	return x.routeResponse(got)
}

var selection = regexp.MustCompile(`\$\{request\.body\.([^{}\s]+)\}|\$request\.body\.([A-Za-z0-9_.\-\[\]]+)`)

// selectRoute evaluates a route selection expression against a message; "" when it has no value, which no route is
// called. Source: Developer Guide, "WebSocket selection expressions in API Gateway".
func selectRoute(expression string, message []byte) string {
	missing := false
	key := selection.ReplaceAllStringFunc(expression, func(e string) string {
		m := selection.FindStringSubmatch(e)
		v, ok := bodyValue(message, "."+m[1]+m[2])
		missing = missing || !ok
		return v
	})
	if missing {
		return ""
	}
	return key
}

// serveDisconnect tells the $disconnect route, when there is one. Nobody waits for its answer.
func (s *Service) serveDisconnect(conn *wsConn, end *closed) {
	x := s.newSocketExchange(s.sockets.ctx, conn, "DISCONNECT")
	x.end = end
	if !x.snapshot() {
		return
	}
	if x.route = x.frozen.routeByKey("$disconnect"); x.route == nil || x.route.Target == "" {
		return
	}
	x.tree()
	if _, err := x.integrateSocket(); err != nil && s.sockets.ctx.Err() == nil {
		x.failure(err)
	}
}

func (d *httpDefinition) routeByKey(key string) *httpRoute {
	for _, r := range d.Routes {
		if r.RouteKey == key {
			return r
		}
	}
	return nil
}

var connectionID = regexp.MustCompile(`^[A-Za-z0-9_-]{15}=$`)

// serveConnections is the connection management API: backends send to a connection, ask about it, end it. Requests are
// signed. Source: Developer Guide, "Use @connections commands in your backend service".
func (s *Service) serveConnections(w http.ResponseWriter, r *http.Request, api, stage, escaped string) {
	requestID := newRequestID()
	answerWith := func(status int, errorType string, body []byte) {
		h := w.Header()
		h["x-amzn-RequestId"] = []string{requestID}
		if errorType != "" {
			h["x-amzn-ErrorType"] = []string{errorType}
		}
		h.Set("Content-Type", "application/json")
		if status != http.StatusNoContent {
			h.Set("Content-Length", strconv.Itoa(len(body)))
		}
		w.WriteHeader(status)
		w.Write(body)
	}
	refuse := func(status int, errorType, message string) {
		answerWith(status, errorType, []byte(`{"message":`+jsonString(message)+`}`))
	}
	id, err := url.PathUnescape(escaped)
	x := &wsExchange{exchange: &exchange{svc: s}, conn: &wsConn{svc: s, api: api, stage: stage}}
	if err != nil || !x.snapshot() || !slices.Contains([]string{http.MethodPost, http.MethodGet, http.MethodDelete}, r.Method) {
		refuse(http.StatusForbidden, "ForbiddenException", "Forbidden")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Request Too Long")
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err := x.mayManage(r, id); err != nil {
		var e *wire.Error
		if !errors.As(err, &e) {
			e = &wire.Error{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: err.Error()}
		}
		refuse(e.Status, e.Code, e.Message)
		return
	}
	if !connectionID.MatchString(id) {
		refuse(http.StatusBadRequest, "BadRequestException", "Invalid connectionId: "+id)
		return
	}
	if len(body) > maxMessage {
		refuse(http.StatusRequestEntityTooLarge, "PayloadTooLargeException", "Message too long")
		return
	}
	conn := s.socket(r.Context(), api, stage, id)
	if conn == nil || conn.ended(nil) != nil {
		answerWith(http.StatusGone, "GoneException", nil)
		return
	}
	switch r.Method {
	case http.MethodGet:
		out, _ := json.Marshal(conn.describe()) // strings only
		answerWith(http.StatusOK, "", out)
	case http.MethodDelete:
		conn.hangUp(&closed{code: closeNormal, reason: "Connection Closed Normally"})
		answerWith(http.StatusNoContent, "", nil)
	case http.MethodPost:
		if conn.send(messageKind(body), body) != nil {
			answerWith(http.StatusGone, "GoneException", nil)
			return
		}
		answerWith(http.StatusOK, "", nil)
	}
}

// mayManage asks IAM for execute-api:ManageConnections on …/{stage}/{VERB}/@connections/{id}.
func (x *wsExchange) mayManage(r *http.Request, id string) error {
	caller, err := x.svc.opt.VerifyIAM(r, "execute-api:ManageConnections", x.executeARN()+"/"+x.stage.StageName+"/"+r.Method+"/@connections/"+id)
	if err == nil && caller.Account != x.scope.Account {
		err = errors.New("User: " + caller.ARN + " is of another account than the API")
	}
	return err
}
