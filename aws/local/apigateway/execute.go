package apigateway

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// executePrefix is where the data plane lives when the Host header does not name the API.
const executePrefix = "/_aws/execute-api/"

const (
	maxBody      = 10 << 20 // 10 MB: "Amazon API Gateway quotas", payload size
	maxMethodARN = 1600     // bytes, for methods with authorization
)

// exchange is one request to a deployed API, from routing to the answer. It reads the snapshot, never the edited state.
type exchange struct {
	svc   *Service
	ctx   *http.Request
	scope scope
	def   *definition
	find  *router
	stage *stage
	depID string
	vars  map[string]string // stage variables, with the canary's overrides when the canary serves

	verb    string
	rawPath string // with the stage, as sent; of a custom domain, all of it: requestContext.path
	path    string // without stage and base path: what is routed
	domain  string // the custom domain that was called, else ""
	base    string // its base path with a slash in front, else ""
	query   url.Values
	rawQ    string
	header  http.Header
	body    []byte
	match   match

	requestID, extendedID string
	start                 time.Time

	auth   *authAnswer       // nil without a Lambda authorizer
	authMS int64             // integrationLatency of the authorizer; 0 when it came from the cache
	claims map[string]string // of a user pool's token; nil without a Cognito authorizer
	apiKey *apiKey           // the key that was presented and found

	caller *Caller // who signed; nil where nobody had to

	certificate *clientCertificate // of the stage; nil without one
	fail        *failure           // set when a gateway response answers
	status      int
	notes       []string // execution log, for the Test… operations

	socket map[string]any // requestContext of an event of a WebSocket API; nil elsewhere
}

// failure is a request that API Gateway answers itself.
type failure struct {
	kind    string // gateway response type
	status  int    // 0: the type's default
	message *string
	body    string // exact default body; "" is {"message":…}
	detail  string // for the execution log, never sent
	header  http.Header

	errorType string // "": the type's own
	unlogged  bool   // not in the execution log
}

func (f *failure) Error() string { return f.kind + ": " + f.detail }

func fail(kind, message, detail string) *failure {
	return &failure{kind: kind, message: &message, detail: detail}
}

// configurationError is the answer to an authorizer that does not work: 500 {"message":null}.
func configurationError(detail string) *failure {
	return &failure{kind: "AUTHORIZER_CONFIGURATION_ERROR", body: `{"message":null}`, detail: detail}
}

// spaced is a body of the integration layer, which writes a space after the colon.
func spaced(kind string, status int, message, detail string) *failure {
	return &failure{kind: kind, status: status, message: &message, body: `{"message": ` + jsonString(message) + `}`, detail: detail}
}

func internalError(status int, detail string) *failure {
	kind := "API_CONFIGURATION_ERROR"
	if status == http.StatusBadGateway {
		kind = "DEFAULT_5XX"
	}
	return spaced(kind, status, "Internal server error", detail)
}

// ServeExecute answers a request to a deployed API: /_aws/execute-api/{apiId}/{stage}/…, or /{stage}/… with the host
// {apiId}.execute-api.…. The request must not have passed a router that cleans paths.
func (s *Service) ServeExecute(w http.ResponseWriter, r *http.Request) {
	id, path := executeAPI(r)
	switch s.protocol(id) { // custom domains lead to REST APIs only
	case "HTTP":
		s.serveHTTPAPI(w, r, id, path)
		return
	case "WEBSOCKET":
		s.serveSocketAPI(w, r, id, path)
		return
	}
	x := &exchange{svc: s, ctx: r, start: s.opt.Now(), requestID: newRequestID(), extendedID: newExtendedID(), header: r.Header.Clone(), rawQ: r.URL.RawQuery}
	x.query, _ = url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, ";", "%3B"))
	err := x.prepare(w)
	var out *answer
	if err == nil {
		out, err = x.serve()
	}
	if err != nil {
		out = x.gatewayResponse(err)
	}
	x.logExecution(out, err)
	x.write(w, out)
}

// prepare finds API, stage and method, and reads the body.
func (x *exchange) prepare(w http.ResponseWriter) error {
	t := x.svc.target(x.ctx)
	x.rawPath, x.domain, x.base = t.shown, t.domain, t.base
	if !x.svc.snapshot(x, t.api, t.stage) {
		return fail("INVALID_API_KEY", "Forbidden", "no such API or stage: "+t.api+"/"+t.stage)
	}
	x.path = "/" + strings.TrimLeft(t.rest, "/")
	x.verb = x.ctx.Method
	if v := x.header.Get("X-HTTP-Method-Override"); v != "" && !x.svc.opt.IgnoreMethodOverride {
		x.verb = strings.ToUpper(v)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, x.ctx.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return fail("REQUEST_TOO_LARGE", "Request Too Long", "the body is above 10 MB")
		}
		return fail("DEFAULT_4XX", "Bad Request", "reading the body: "+err.Error())
	}
	x.body = body
	x.ctx.Body = io.NopCloser(bytes.NewReader(body)) // for VerifyIAM, whose signature covers it, and which leaves it as it was
	return nil
}

// executeAPI splits a request into API id and the path below it.
func executeAPI(r *http.Request) (id, path string) {
	path = r.URL.EscapedPath()
	if p, ok := strings.CutPrefix(path, executePrefix); ok {
		id, path, _ = strings.Cut(p, "/")
		return id, path
	}
	id, _, _ = strings.Cut(r.Host, ".")
	return id, path
}

// executeHost reports whether a Host header names an API of the data plane: {apiId}.execute-api.{region}.….
func executeHost(host string) bool {
	id, rest, ok := strings.Cut(host, ".")
	return ok && id != "" && strings.HasPrefix(rest, "execute-api.")
}

// snapshot takes what the stage serves now.
func (s *Service) snapshot(x *exchange, id, stageName string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a := s.apis[id]
	if a == nil || a.stages[stageName] == nil {
		return false
	}
	st := a.stages[stageName]
	x.scope, x.stage, x.depID, x.vars = a.scope, st, st.DeploymentID, st.Variables
	if c := st.CanarySettings; c != nil && rand.Float64()*100 < c.PercentTraffic {
		x.depID = c.DeploymentID
		x.vars = map[string]string{}
		for k, v := range st.Variables {
			x.vars[k] = v
		}
		for k, v := range c.StageVariableOverrides {
			x.vars[k] = v
		}
	}
	d := a.deployments[x.depID]
	if d == nil {
		return false
	}
	x.def, x.find = d.frozen, d.router
	if acct := s.accounts[x.scope]; acct != nil {
		x.certificate = acct.certificates[st.ClientCertificateID]
	}
	return x.domain != "" || !d.frozen.API.DisableExecuteAPIEndpoint
}

// serve runs the checks in API Gateway's order and then the integration.
// Order: resource policy denial, authorizer with resource policy, API key and usage plan, throttling, validation.
// Source: API Gateway Developer Guide, "How API Gateway resource policies affect authorization workflow".
func (x *exchange) serve() (*answer, error) {
	m, ok := x.find.find(x.path, x.verb)
	if !ok {
		return nil, fail("MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token", "no method for "+x.verb+" "+x.path)
	}
	x.match = m
	if m.method.AuthorizationType != "NONE" && len(x.methodARN()) > maxMethodARN {
		return nil, spaced("DEFAULT_4XX", http.StatusRequestURITooLong, "Request URI too long", "the method ARN is above 1600 bytes")
	}
	if err := x.authorize(); err != nil {
		return nil, err
	}
	if err := x.meter(); err != nil {
		return nil, err
	}
	if err := x.validate(); err != nil {
		return nil, err
	}
	return x.response()
}

// methodARN is arn:<partition>:execute-api:<region>:<account>:<api>/<stage>/<VERB>/<path>, with the path of the request.
func (x *exchange) methodARN() string {
	path := strings.TrimPrefix(x.path, "/")
	if x.svc.opt.NormalizeMethodARN {
		path = strings.TrimSuffix(path, "/")
		if p, err := url.PathUnescape(path); err == nil {
			path = p
		}
	}
	return x.executeARN() + "/" + x.stage.StageName + "/" + x.verb + "/" + path
}

// executeARN names the API in the execute-api namespace.
func (x *exchange) executeARN() string {
	return "arn:" + x.scope.Partition + ":execute-api:" + x.scope.Region + ":" + x.scope.Account + ":" + x.def.API.ID
}

func (x *exchange) sourceIP() string {
	host, _, err := net.SplitHostPort(x.ctx.RemoteAddr)
	if err != nil {
		return x.ctx.RemoteAddr
	}
	return host
}

func (x *exchange) domainName() string {
	if x.domain != "" {
		return x.domain
	}
	return x.def.API.ID + ".execute-api." + x.scope.Region + ".amazonaws.com"
}

// eventPath is the path that events show: below the stage, or for a custom domain all that the caller sent.
func (x *exchange) eventPath() string {
	if x.domain != "" {
		return x.rawPath
	}
	return x.path
}

// note writes a line of the execution log.
func (x *exchange) note(format string, args ...any) {
	x.notes = append(x.notes, sprintf(format, args...))
}
