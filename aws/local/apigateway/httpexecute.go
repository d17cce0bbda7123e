package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"portcullis/aws/local/wire"
)

// httpAuthorizerTimeout is fixed for HTTP APIs. Source: "Amazon API Gateway quotas", HTTP APIs.
const httpAuthorizerTimeout = 10 * time.Second

// httpExchange is one request to a deployed HTTP API. What it shares with REST APIs is in exchange.
type httpExchange struct {
	*exchange
	frozen  *httpDefinition
	route   *httpRoute
	rawPath string // with a named stage in front
	sources []string
	jwt     *jwtAnswer // of a route with a JWT authorizer
}

func newHTTPRouter(d *httpDefinition) *router {
	root := &node{}
	if d.API.ProtocolType == "WEBSOCKET" {
		return &router{root: root} // messages have no paths
	}
	for _, r := range d.Routes {
		verb, path, ok := strings.Cut(r.RouteKey, " ")
		if !ok {
			continue // $default is what remains when nothing matches
		}
		n := root
		if path != "/" {
			for part := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
				n = n.child(part)
			}
		}
		if n.resource == nil {
			n.resource = &resource{Path: path, Methods: map[string]*method{}}
		}
		n.resource.Methods[verb] = &method{HTTPMethod: verb, OperationName: r.RouteID}
	}
	return &router{root: root}
}

// protocol is HTTP or WEBSOCKET for an API of apigatewayv2, "" for any other id.
func (s *Service) protocol(id string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if a := s.httpAPIs[id]; a != nil {
		return a.edited.API.ProtocolType
	}
	return ""
}

// httpFailure is an answer of the API itself: {"message":…}.
func httpFailure(status int, message, detail string) *failure {
	return &failure{status: status, message: &message, detail: detail}
}

func (s *Service) serveHTTPAPI(w http.ResponseWriter, r *http.Request, id, path string) {
	x := &httpExchange{exchange: &exchange{svc: s, ctx: r, start: s.opt.Now(), requestID: newRequestID(), extendedID: newExtendedID(), header: r.Header.Clone(), rawQ: r.URL.RawQuery, verb: r.Method}}
	x.query, _ = url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, ";", "%3B"))
	out, err := x.serveHTTP(w, id, "/"+strings.TrimLeft(path, "/"))
	if err != nil {
		var f *failure
		if !errors.As(err, &f) || f.message == nil || f.status == 0 {
			f = httpFailure(500, "Internal Server Error", err.Error())
		}
		s.opt.Logger.Info("http api response", "status", f.status, "detail", f.detail, "method", x.verb, "path", path, "requestId", x.requestID)
		out = &answer{status: f.status, header: http.Header{"Content-Type": {"application/json"}}, body: []byte(`{"message":` + jsonString(*f.message) + `}`)}
		for k, v := range f.header {
			out.header[k] = v
		}
	}
	x.cors(out)
	h := w.Header()
	for k, v := range out.header {
		h[k] = v
	}
	h["apigw-requestid"] = []string{x.extendedID}
	h.Set("Content-Length", strconv.Itoa(len(out.body)))
	w.WriteHeader(out.status)
	if r.Method != http.MethodHead {
		w.Write(out.body)
	}
}

func (x *httpExchange) serveHTTP(w http.ResponseWriter, id, path string) (*answer, error) {
	router, ok := x.pick(id, path)
	if !ok {
		return nil, httpFailure(404, "Not Found", "no such stage, or nothing deployed to it")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, x.ctx.Body, maxBody))
	if err != nil {
		return nil, httpFailure(413, "Request Entity Too Large", err.Error())
	}
	x.body = body
	x.ctx.Body = io.NopCloser(strings.NewReader(string(body)))
	if x.frozen.API.CORS != nil && x.verb == http.MethodOptions && x.header.Get("Origin") != "" && x.header.Get("Access-Control-Request-Method") != "" {
		return &answer{status: http.StatusNoContent, header: http.Header{}}, nil
	}
	if m, found := router.findExact(x.path, x.verb); found {
		x.match, x.route = m, x.frozen.Routes[m.method.OperationName]
	} else {
		x.match = match{resource: &resource{}, method: &method{}, params: map[string]string{}}
		for _, r := range x.frozen.Routes {
			if r.RouteKey == "$default" {
				x.route = r
			}
		}
	}
	if x.route == nil {
		return nil, httpFailure(404, "Not Found", "no route for "+x.verb+" "+x.path)
	}
	if err := x.authorizeHTTP(); err != nil {
		return nil, err
	}
	return x.integrateHTTP()
}

// pick finds the stage: the one that the first segment names, else $default, whose paths have no stage in front.
func (x *httpExchange) pick(id, path string) (*router, bool) {
	x.svc.mu.RLock()
	defer x.svc.mu.RUnlock()
	a := x.svc.httpAPIs[id]
	if a == nil {
		return nil, false
	}
	x.rawPath, x.path = path, path
	name, rest, _ := strings.Cut(path[1:], "/")
	st := a.stages[name]
	if st != nil && name != "" {
		x.path = "/" + rest
	} else if st = a.stages["$default"]; st == nil {
		return nil, false
	}
	d := a.deployments[st.DeploymentID]
	if d == nil || d.frozen.API.DisableExecuteAPIEndpoint {
		return nil, false
	}
	x.frozen = d.frozen
	x.serveFrom(a, st, id)
	x.exchange.rawPath = path
	return d.router, true
}

// serveFrom takes what a stage of an HTTP or WebSocket API serves from. The caller holds the lock of the service.
func (x *exchange) serveFrom(a *httpAPI, st *httpStage, id string) {
	x.scope, x.vars, x.depID = a.scope, st.Variables, st.DeploymentID
	x.def = &definition{API: restAPI{ID: id}}
	x.stage = &stage{StageName: st.StageName}
	if t := st.Defaults; t != nil && t.ThrottlingRateLimit > 0 {
		x.stage.MethodSettings = map[string]methodSetting{"*/*": {ThrottlingRateLimit: t.ThrottlingRateLimit, ThrottlingBurstLimit: t.ThrottlingBurstLimit}}
	}
}

// stageThrottled takes one request from the budget of such a stage.
func (x *exchange) stageThrottled() bool {
	set, ok := x.stage.MethodSettings["*/*"]
	if !ok {
		return false
	}
	_, ok = x.svc.traffic.take("http/"+x.def.API.ID+"/"+x.stage.StageName, set.ThrottlingRateLimit, float64(set.ThrottlingBurstLimit))
	return !ok
}

func (x *httpExchange) authorizeHTTP() error {
	if x.stageThrottled() {
		return httpFailure(429, "Too Many Requests", "the stage's throttling")
	}
	switch x.route.AuthorizationType {
	case "NONE":
		return nil
	case "AWS_IAM":
		return x.forbidden(x.methodARN())
	}
	z := x.frozen.Authorizers[x.route.AuthorizerID]
	if z == nil {
		return fmt.Errorf("the route's authorizer %s is not part of the deployment", x.route.AuthorizerID)
	}
	if z.AuthorizerType == "JWT" {
		return x.authorizeJWT(z)
	}
	var key strings.Builder
	for _, src := range z.IdentitySource {
		v := x.source(httpSourceName(src))
		if v == "" {
			return httpFailure(401, "Unauthorized", "identity source "+src+" is missing")
		}
		x.sources = append(x.sources, v)
		fmt.Fprintf(&key, "%d:%s,", len(v), v)
	}
	ck := cacheKey{x.def.API.ID, x.stage.StageName, z.AuthorizerID, key.String()}
	var answer *authAnswer
	if z.TTL > 0 {
		answer, _ = x.svc.cache.get(ck)
	}
	if answer == nil {
		var err error
		if answer, err = x.invokeHTTPAuthorizer(z); err != nil {
			return err
		}
		if z.TTL > 0 {
			x.svc.cache.put(ck, answer, time.Duration(z.TTL)*time.Second)
		}
	}
	x.auth = answer
	if answer.simple != nil {
		if !*answer.simple {
			return httpFailure(403, "Forbidden", "authorizer "+z.Name+" says no")
		}
		return nil
	}
	v, err := answer.policy.evaluate(x.methodARN(), x.facts(), nil)
	if err != nil {
		return err
	}
	if v != allowed {
		return httpFailure(403, "Forbidden", "authorizer "+z.Name+" does not allow "+x.methodARN())
	}
	return nil
}

// httpSourceName is a source of this API in the words of REST APIs.
func httpSourceName(src string) string {
	src = strings.TrimPrefix(src, "$")
	if strings.HasPrefix(src, "request.") {
		return "method." + src
	}
	return src
}

func (x *httpExchange) invokeHTTPAuthorizer(z *httpAuthorizer) (*authAnswer, error) {
	payload, err := x.askAuthorizer(question{id: z.AuthorizerID, name: z.Name, uri: z.AuthorizerURI, role: z.AuthorizerCredentialsARN, event: x.httpAuthorizerEvent(z), wait: httpAuthorizerTimeout})
	if errors.Is(err, errUnauthorized) && x.svc.opt.HTTPUnauthorizedError {
		return nil, httpFailure(401, "Unauthorized", "authorizer "+z.Name+" "+err.Error())
	}
	if err != nil {
		return nil, err
	}
	if !z.EnableSimpleResponses {
		return x.svc.parsePolicyAnswer(payload)
	}
	var simple struct {
		IsAuthorized *bool                      `json:"isAuthorized"`
		Context      map[string]json.RawMessage `json:"context"`
	}
	if err := json.Unmarshal(payload, &simple); err != nil || simple.IsAuthorized == nil {
		return nil, errors.New("the answer of authorizer " + z.Name + " has no boolean isAuthorized")
	}
	return &authAnswer{simple: simple.IsAuthorized, rawContext: simple.Context}, nil
}

// integrateHTTP calls the route's target.
func (x *httpExchange) integrateHTTP() (*answer, error) {
	in := x.frozen.Integrations[strings.TrimPrefix(x.route.Target, "integrations/")]
	if in == nil {
		return nil, errors.New("the route has no target")
	}
	if in.IntegrationType == "HTTP_PROXY" {
		return x.httpProxyV2(in)
	}
	fn, ok := lambdaARN(x.substituteVariables(in.IntegrationURI))
	if !ok {
		return nil, errors.New("the integration's URI names no function: " + in.IntegrationURI)
	}
	event := x.proxyEventV2()
	if in.PayloadFormatVersion == "1.0" {
		event = x.proxyEventV1()
	}
	payload, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(x.ctx.Context(), time.Duration(in.TimeoutInMillis)*time.Millisecond)
	defer cancel()
	_, keyPath, _ := strings.Cut(x.route.RouteKey, " ")
	res, err := x.svc.opt.Invoke(ctx, wire.Invocation{Function: fn, Principal: "apigateway.amazonaws.com", Payload: payload, SourceAccount: x.scope.Account, Role: in.CredentialsARN,
		SourceARN: x.executeARN() + "/" + x.stage.StageName + "/" + x.sourceVerb() + keyPath})
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return nil, httpFailure(503, "Service Unavailable", "calling "+fn+": "+err.Error())
		}
		return nil, fmt.Errorf("calling %s: %w", fn, err)
	}
	if res.FunctionError != "" {
		return nil, errors.New("the function failed: " + cut(res.Payload))
	}
	return httpProxyAnswer(res.Payload, in.PayloadFormatVersion)
}

// sourceVerb is the verb in the source ARN of an integration: the concrete one for ANY, and the route key itself for
// $default.
func (x *httpExchange) sourceVerb() string {
	verb, _, _ := strings.Cut(x.route.RouteKey, " ")
	if verb == "ANY" {
		return x.verb
	}
	return verb
}

// httpProxyV2 passes the request on. {name} in the URI stands for the path variable.
func (x *httpExchange) httpProxyV2(in *httpIntegration) (*answer, error) {
	m := mappedRequest{path: x.match.params}
	rest := &integration{URI: in.IntegrationURI, HTTPMethod: in.IntegrationMethod, TimeoutInMillis: in.TimeoutInMillis}
	header := x.forwardedHeaders()
	header.Del("Host")
	header.Del("Content-Length")
	b, err := x.callHTTP(rest, m, header, x.query, string(x.body))
	if err != nil {
		var f *failure
		if errors.As(err, &f) && f.status == 504 {
			return nil, httpFailure(503, "Service Unavailable", f.detail)
		}
		return nil, err
	}
	out := &answer{status: b.status, header: http.Header{}, body: b.body}
	for k, v := range b.header {
		switch k {
		case "Connection", "Content-Length", "Transfer-Encoding", "Keep-Alive", "Trailer", "Upgrade":
		default:
			out.header[k] = v
		}
	}
	return out, nil
}

// cors adds the headers of the API's CORS configuration and takes away what the backend sent of them.
func (x *httpExchange) cors(out *answer) {
	if x.frozen == nil || x.frozen.API.CORS == nil {
		return
	}
	c, origin := x.frozen.API.CORS, x.header.Get("Origin")
	for k := range out.header {
		if strings.HasPrefix(k, "Access-Control-") {
			out.header.Del(k)
		}
	}
	allowedOrigin := ""
	switch {
	case origin == "":
	case slices.Contains(c.AllowOrigins, "*"):
		allowedOrigin = "*"
	case slices.ContainsFunc(c.AllowOrigins, func(o string) bool {
		return o == origin || strings.HasSuffix(o, "://*") && strings.HasPrefix(origin, strings.TrimSuffix(o, "*"))
	}):
		allowedOrigin = origin
	}
	if allowedOrigin == "" {
		return
	}
	set := func(name, value string) {
		if value != "" {
			out.header.Set("Access-Control-"+name, value)
		}
	}
	set("Allow-Origin", allowedOrigin)
	if c.AllowCredentials {
		set("Allow-Credentials", "true")
	}
	if x.verb == http.MethodOptions && x.header.Get("Access-Control-Request-Method") != "" {
		set("Allow-Methods", strings.Join(c.AllowMethods, ","))
		set("Allow-Headers", strings.Join(c.AllowHeaders, ","))
		if c.MaxAge != 0 {
			set("Max-Age", strconv.Itoa(c.MaxAge))
		}
		return
	}
	set("Expose-Headers", strings.Join(c.ExposeHeaders, ","))
}
