package apigateway

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// authorizerEvent is the input of a Lambda authorizer. A TOKEN event has exactly three members; a REQUEST event carries
// the whole request but its body. Source: Developer Guide, "Input to an API Gateway Lambda authorizer".
func (x *exchange) authorizerEvent(z *authorizer) map[string]any {
	arn := x.methodARN()
	if z.Type == "TOKEN" {
		return map[string]any{"type": "TOKEN", "methodArn": arn,
			"authorizationToken": x.header.Get(strings.TrimPrefix(z.IdentitySource, "method.request.header."))}
	}
	headers, multi := x.eventHeaders()
	query, multiQuery := x.eventQuery()
	request, path := x.requestContext(), x.eventPath()
	if x.svc.opt.AuthorizerPathWithoutBase && x.domain != "" {
		request["path"], path = "/"+x.stage.StageName+x.path, x.path
	}
	return map[string]any{
		"type": "REQUEST", "methodArn": arn,
		"resource": x.match.resource.Path, "path": path, "httpMethod": x.verb,
		"headers": headers, "multiValueHeaders": multi,
		"queryStringParameters": query, "multiValueQueryStringParameters": multiQuery,
		"pathParameters": orEmpty(x.match.params), "stageVariables": orEmpty(x.vars),
		"requestContext": request,
	}
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// eventHeaders are the request's headers with what API Gateway adds. Of repeated ones the single form has the last.
func (x *exchange) eventHeaders() (map[string]string, map[string][]string) {
	all := x.forwardedHeaders()
	single, multi := map[string]string{}, map[string][]string{}
	for k, v := range all {
		if x.svc.opt.LowerCaseHeaders {
			k = strings.ToLower(k)
		}
		single[k], multi[k] = lastOf(v), v
	}
	return single, multi
}

// forwardedHeaders adds Host and the X-Forwarded family; hop-by-hop headers stay behind.
func (x *exchange) forwardedHeaders() http.Header {
	h := x.header.Clone()
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Te", "Trailer", "Upgrade"} {
		h.Del(name)
	}
	h.Set("Host", x.ctx.Host)
	forwarded := x.sourceIP()
	if prior := h.Get("X-Forwarded-For"); prior != "" {
		forwarded = prior + ", " + forwarded
	}
	h.Set("X-Forwarded-For", forwarded)
	h.Set("X-Forwarded-Proto", "https")
	h.Set("X-Forwarded-Port", "443")
	if h.Get("X-Amzn-Trace-Id") == "" {
		h.Set("X-Amzn-Trace-Id", "Root=1-"+strconv.FormatInt(x.start.Unix(), 16)+"-"+strings.ReplaceAll(x.requestID, "-", "")[:24])
	}
	return h
}

// eventQuery decodes the query: the last value of each name, and all of them.
func (x *exchange) eventQuery() (map[string]string, map[string][]string) {
	single, multi := map[string]string{}, map[string][]string{}
	for k, v := range x.query {
		single[k], multi[k] = lastOf(v), v
	}
	return single, multi
}

// requestContext is shared by authorizer events and proxy events.
func (x *exchange) requestContext() map[string]any {
	id := x.def.API.ID
	identity := map[string]any{
		"sourceIp": x.sourceIP(), "userAgent": nullable(x.header.Get("User-Agent")),
		"accessKey": nil, "accountId": nil, "caller": nil, "user": nil, "userArn": nil, "principalOrgId": nil,
		"cognitoIdentityPoolId": nil, "cognitoIdentityId": nil, "cognitoAuthenticationType": nil, "cognitoAuthenticationProvider": nil,
	}
	if c := x.caller; c != nil {
		identity["accessKey"], identity["accountId"], identity["caller"], identity["user"], identity["userArn"] = c.AccessKey, c.Account, c.UserID, c.UserID, c.ARN
	}
	if k := x.presentedKey(); k != "" {
		identity["apiKey"] = k
		if x.apiKey != nil {
			identity["apiKeyId"] = x.apiKey.ID
		}
	}
	if x.ctx.TLS != nil && len(x.ctx.TLS.PeerCertificates) > 0 {
		identity["clientCert"] = clientCert(x.ctx.TLS.PeerCertificates[0])
	}
	return map[string]any{
		"resourceId": x.match.resource.ID, "resourcePath": x.match.resource.Path, "httpMethod": x.verb, "path": x.rawPath,
		"accountId": x.scope.Account, "apiId": id, "stage": x.stage.StageName, "protocol": x.ctx.Proto,
		"requestId": x.requestID, "extendedRequestId": x.extendedID,
		"domainName": x.domainName(), "domainPrefix": domainPrefix(x.domainName()), "deploymentId": x.depID,
		"requestTime": x.start.UTC().Format("02/Jan/2006:15:04:05 -0700"), "requestTimeEpoch": x.start.UnixMilli(),
		"identity": identity,
	}
}

func domainPrefix(domain string) string {
	prefix, _, _ := strings.Cut(domain, ".")
	return prefix
}

// presentedKey is the API key of the request where the API reads keys from the header.
func (x *exchange) presentedKey() string {
	if x.def.API.APIKeySource == "AUTHORIZER" {
		if x.auth != nil {
			return x.auth.usageKey
		}
		return ""
	}
	return x.header.Get("X-Api-Key")
}

// clientCert describes a client certificate as the events do.
func clientCert(c *x509.Certificate) map[string]any {
	const layout = "Jan _2 15:04:05 2006 GMT"
	return map[string]any{
		"clientCertPem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})),
		"subjectDN":     c.Subject.String(), "issuerDN": c.Issuer.String(), "serialNumber": c.SerialNumber.String(),
		"validity": map[string]any{"notBefore": c.NotBefore.UTC().Format(layout), "notAfter": c.NotAfter.UTC().Format(layout)},
	}
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// contextValue is one $context variable as text; ok is false for a name that does not exist.
// Source: Developer Guide, "Variables for data models, authorizers, mapping templates, and CloudWatch access logging".
func (x *exchange) contextValue(name string) (value string, ok bool) {
	if key, is := strings.CutPrefix(name, "authorizer.claims."); is && x.claims != nil {
		return x.claims[key], true
	}
	if key, is := strings.CutPrefix(name, "authorizer."); is {
		if x.auth == nil {
			return "", true
		}
		if key == "principalId" {
			return x.auth.principal, true
		}
		if v := x.auth.context[key]; v != nil {
			return *v, true
		}
		if key == "integrationLatency" || key == "latency" {
			return strconv.FormatInt(x.authMS, 10), true
		}
		return "", true
	}
	if key, is := strings.CutPrefix(name, "error."); is {
		return x.errorValue(key)
	}
	if key, is := strings.CutPrefix(name, "requestOverride."); is {
		return "", key != ""
	}
	switch name {
	case "status":
		return strconv.Itoa(x.status), true
	case "awsEndpointRequestId", "webaclArn", "wafResponseCode", "xrayTraceId", "integrationLatency", "responseLatency":
		return "", true
	}
	var at any = x.contextTree()
	for part := range strings.SplitSeq(name, ".") {
		m, is := at.(map[string]any)
		if !is {
			return "", false
		}
		if at, is = m[part]; !is {
			return "", m["sourceIp"] != nil // any member of identity may be absent
		}
	}
	return contextText(at), true
}

func contextText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return ""
}

// contextTree is requestContext, or what of it exists before a method was found.
func (x *exchange) contextTree() map[string]any {
	if x.socket != nil {
		return x.socket
	}
	if x.def == nil {
		return map[string]any{"requestId": x.requestID, "extendedRequestId": x.extendedID, "requestTimeEpoch": x.start.UnixMilli()}
	}
	if x.match.resource == nil {
		y := *x
		y.match.resource = &resource{}
		return y.requestContext()
	}
	return x.requestContext()
}

func (x *exchange) errorValue(key string) (string, bool) {
	f := x.fail
	if f == nil {
		return "", true
	}
	switch key {
	case "message":
		if f.message != nil {
			return *f.message, true
		}
		return "", true
	case "messageString":
		if f.message != nil {
			return jsonString(*f.message), true
		}
		return "null", true
	case "responseType":
		return f.kind, true
	case "validationErrorString":
		return f.detail, true
	}
	return "", false
}

// testRequest is the input of TestInvokeMethod and TestInvokeAuthorizer.
type testRequest struct {
	Headers             map[string]string   `json:"headers"`
	MultiValueHeaders   map[string][]string `json:"multiValueHeaders"`
	PathWithQueryString string              `json:"pathWithQueryString"`
	Body                string              `json:"body"`
	StageVariables      map[string]string   `json:"stageVariables"`
	AdditionalContext   map[string]string   `json:"additionalContext"`
}

// testExchange is an exchange on a copy of the edited state, with the stage name that such tests show.
func (s *Service) testExchange(q *request, in *testRequest) (*exchange, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a := s.apis[q.params["restapi_id"]]
	if a == nil || a.Account != q.Account || a.Region != q.Region {
		return nil, notFound("Invalid API identifier specified " + q.Account + ":" + q.params["restapi_id"])
	}
	target := in.PathWithQueryString
	if target == "" {
		target = "/"
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, badRequest("Invalid pathWithQueryString: " + target)
	}
	r, err := http.NewRequestWithContext(q.Request.Context(), http.MethodGet, "https://testPrefix.testDomainName"+u.RequestURI(), nil)
	if err != nil {
		return nil, badRequest("Invalid pathWithQueryString: " + target)
	}
	r.RemoteAddr = "127.0.0.1:0"
	for k, v := range in.Headers {
		r.Header.Set(k, v)
	}
	for k, v := range in.MultiValueHeaders {
		r.Header[http.CanonicalHeaderKey(k)] = v
	}
	x := &exchange{svc: s, ctx: r, scope: a.scope, def: clone(a.edited), stage: newStage("test-invoke-stage", "", s.opt.Now().Unix()),
		vars: in.StageVariables, verb: http.MethodGet, path: u.EscapedPath(), rawPath: u.EscapedPath(), rawQ: u.RawQuery,
		header: r.Header, body: []byte(in.Body), requestID: newRequestID(), extendedID: newExtendedID(), start: s.opt.Now()}
	x.query = u.Query()
	x.match = match{resource: &resource{Path: "/"}, method: &method{}}
	return x, nil
}

// log is the text that the Test… operations return.
func (x *exchange) log() string {
	var b strings.Builder
	b.WriteString("Execution log for request " + x.requestID + "\n")
	for _, n := range x.notes {
		b.WriteString(x.svc.opt.Now().UTC().Format(time.UnixDate) + " : " + n + "\n")
	}
	return b.String()
}
