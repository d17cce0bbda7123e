package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"portcullis/aws/local/wire"
)

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// authAnswer is the valid output of a Lambda authorizer. This is what the cache holds: the policy, not the decision.
type authAnswer struct {
	principal string
	policy    *policyDoc
	raw       json.RawMessage    // the policy document as returned
	context   map[string]*string // :: key → value as a string; nil is null
	usageKey  string

	rawContext map[string]json.RawMessage // as returned; HTTP APIs pass it on with its types
	simple     *bool                      // the answer of a simple response, which has no policy
}

const (
	deniedImplicitly = "User is not authorized to access this resource"
	deniedExplicitly = "User is not authorized to access this resource with an explicit deny"
)

// accessDenied has a capital M, unlike every other default body.
func (x *exchange) accessDenied(message, detail string) *failure {
	member := "Message"
	if m := x.svc.opt.DenialMember; m != "" {
		member = m
	}
	return &failure{kind: "ACCESS_DENIED", message: &message, body: `{` + jsonString(member) + `:` + jsonString(message) + `}`, detail: detail}
}

// authorize runs the resource policy and the method's authorization. nil means: go on.
func (x *exchange) authorize() error {
	res, err := x.resourcePolicy()
	if err != nil {
		return err
	}
	m := x.match.method
	switch m.AuthorizationType {
	case "NONE":
		return nil
	case "CUSTOM", "COGNITO_USER_POOLS":
		z := x.def.Authorizers[m.AuthorizerID]
		if z == nil {
			return configurationError("the method's authorizer " + m.AuthorizerID + " is not part of the deployment")
		}
		if z.Type == "COGNITO_USER_POOLS" {
			return x.cognitoAuthorizer(z)
		}
		return x.lambdaAuthorizer(z, res)
	case "AWS_IAM":
		return x.authorizeIAM()
	}
	return configurationError("authorization type " + m.AuthorizationType + " is not evaluated by this simulator")
}

// resourcePolicy evaluates the API's own policy for an anonymous caller. For a method without authorization it must
// allow; for others its verdict is combined with the authorizer's.
func (x *exchange) resourcePolicy() (verdict, error) {
	if x.def.API.Policy == "" {
		return implicitDeny, nil
	}
	p, err := parsePolicy([]byte(x.policyText()))
	if err != nil {
		return 0, internalError(500, "resource policy: "+err.Error())
	}
	arn := x.methodARN()
	v, err := p.evaluate(arn, x.facts(), func(st statement) bool { return st.anyone })
	if err != nil {
		return 0, internalError(500, "resource policy: "+err.Error())
	}
	text := "User: anonymous is not authorized to perform: execute-api:Invoke on resource: " + x.maskedARN()
	if v == explicitDeny {
		return v, x.accessDenied(text+" with an explicit deny", "the resource policy denies "+arn)
	}
	if v == implicitDeny && x.match.method.AuthorizationType == "NONE" {
		return v, x.accessDenied(text, "the resource policy does not allow "+arn)
	}
	return v, nil
}

// maskedARN shows only the last four digits of the account, as denials do.
func (x *exchange) maskedARN() string {
	acct := x.scope.Account
	if len(acct) > 4 {
		acct = strings.Repeat("*", len(acct)-4) + acct[len(acct)-4:]
	}
	return strings.Replace(x.methodARN(), ":"+x.scope.Account+":", ":"+acct+":", 1)
}

func (x *exchange) facts() facts {
	return facts{
		"aws:sourceip":        x.sourceIP(),
		"aws:useragent":       x.header.Get("User-Agent"),
		"aws:referer":         x.header.Get("Referer"),
		"aws:securetransport": strconv.FormatBool(x.ctx.TLS != nil),
		"aws:currenttime":     x.svc.opt.Now().UTC().Format(time.RFC3339),
		"aws:epochtime":       strconv.FormatInt(x.svc.opt.Now().Unix(), 10),
	}
}

// lambdaAuthorizer gets the authorizer's answer, from the cache or the function, and applies it to this method.
func (x *exchange) lambdaAuthorizer(z *authorizer, res verdict) error {
	identity, complete, err := x.identity(z)
	if err != nil {
		return err
	}
	if !complete {
		f := fail("UNAUTHORIZED", "Unauthorized", "an identity source of authorizer "+z.Name+" is missing")
		f.unlogged = !x.svc.opt.LogMissingIdentity
		return f
	}
	key := cacheKey{x.def.API.ID, x.stage.StageName, z.ID, identity}
	ttl := time.Duration(z.ttl()) * time.Second
	var answer *authAnswer
	if ttl > 0 {
		answer, _ = x.svc.cache.get(key)
	}
	if answer == nil {
		x.note("Starting authorizer: %s for request: %s", z.ID, x.requestID)
		if answer, err = x.invokeAuthorizer(z); err != nil {
			return err
		}
		if ttl > 0 {
			x.svc.cache.put(key, answer, ttl)
		}
	}
	x.auth = answer
	v, err := answer.policy.evaluate(x.methodARN(), x.facts(), nil)
	if err != nil {
		return configurationError("the policy of authorizer " + z.Name + ": " + err.Error())
	}
	switch {
	case v == explicitDeny:
		return x.accessDenied(deniedExplicitly+x.svc.opt.DenialSuffix, "authorizer "+z.Name+" denies "+x.methodARN())
	case v == allowed || res == allowed:
		return nil
	}
	return x.accessDenied(deniedImplicitly, "authorizer "+z.Name+" does not allow "+x.methodARN())
}

// identity reads the identity sources. The string is the cache key; complete is false when the request must be refused
// with 401 before the function is asked.
func (x *exchange) identity(z *authorizer) (key string, complete bool, err error) {
	if z.Type == "TOKEN" {
		v := x.header.Get(strings.TrimPrefix(z.IdentitySource, "method.request.header."))
		if v == "" {
			return "", false, nil
		}
		if e := z.IdentityValidationExpression; e != "" {
			re, err := regexp.Compile("^(?:" + e + ")$")
			if err != nil {
				return "", false, configurationError("identityValidationExpression of " + z.Name + ": " + err.Error())
			}
			if !re.MatchString(v) {
				return "", false, nil
			}
		}
		return v, true, nil
	}
	var b strings.Builder
	for _, src := range z.sources() {
		v := x.source(src)
		if v == "" && (z.ttl() > 0 || !x.svc.opt.SkipSourceCheckUncached) {
			return "", false, nil
		}
		fmt.Fprintf(&b, "%d:%s,", len(v), v)
	}
	return b.String(), true, nil
}

// source reads one identity source or mapping source of the request; "" when it is missing.
func (x *exchange) source(src string) string {
	switch {
	case strings.HasPrefix(src, "method.request.header."):
		return lastOf(x.headerValues(strings.TrimPrefix(src, "method.request.header.")))
	case strings.HasPrefix(src, "method.request.multivalueheader."):
		return strings.Join(x.headerValues(strings.TrimPrefix(src, "method.request.multivalueheader.")), ",")
	case strings.HasPrefix(src, "method.request.querystring."):
		return lastOf(x.query[strings.TrimPrefix(src, "method.request.querystring.")])
	case strings.HasPrefix(src, "method.request.multivaluequerystring."):
		return strings.Join(x.query[strings.TrimPrefix(src, "method.request.multivaluequerystring.")], ",")
	case strings.HasPrefix(src, "method.request.path."):
		return x.match.params[strings.TrimPrefix(src, "method.request.path.")]
	case strings.HasPrefix(src, "stageVariables."):
		return x.vars[strings.TrimPrefix(src, "stageVariables.")]
	case strings.HasPrefix(src, "context."):
		v, _ := x.contextValue(strings.TrimPrefix(src, "context."))
		return v
	}
	return ""
}

func (x *exchange) headerValues(name string) []string {
	if strings.EqualFold(name, "Host") {
		return []string{x.ctx.Host}
	}
	return x.header.Values(name)
}

func lastOf(v []string) string {
	if len(v) == 0 {
		return ""
	}
	return v[len(v)-1]
}

// invokeAuthorizer calls the function and checks what it returned.
func (x *exchange) invokeAuthorizer(z *authorizer) (*authAnswer, error) {
	payload, err := x.askAuthorizer(question{id: z.ID, name: z.Name, uri: z.AuthorizerURI, role: z.AuthorizerCredentials, event: x.authorizerEvent(z), wait: x.svc.opt.AuthorizerTimeout})
	var none *notCalled
	switch {
	case errors.As(err, &none):
		return nil, x.svc.opt.unanswered(none)
	case errors.Is(err, errUnauthorized):
		return nil, fail("UNAUTHORIZED", "Unauthorized", "authorizer "+z.Name+" "+err.Error())
	case err != nil:
		return nil, configurationError(err.Error())
	}
	a, err := x.svc.parseAuthAnswer(payload)
	if err != nil {
		return nil, configurationError("the answer of authorizer " + z.Name + ": " + err.Error())
	}
	return a, nil
}

// question is one call of the function of a Lambda authorizer, of whichever kind of API.
type question struct {
	id, name, uri, role string
	event               map[string]any
	wait                time.Duration
}

// errUnauthorized: the function failed with exactly the error "Unauthorized", which authorizers use to say 401.
var errUnauthorized = errors.New("failed with the error Unauthorized")

// notCalled: the call of an authorizer's function gave no result at all.
type notCalled struct {
	function string
	err      error
}

func (n *notCalled) Error() string { return "calling " + n.function + ": " + n.err.Error() }
func (n *notCalled) Unwrap() error { return n.err }

// askAuthorizer calls the function of an authorizer and returns what it answered. The error is a *notCalled,
// errUnauthorized, or says what else went wrong.
func (x *exchange) askAuthorizer(q question) ([]byte, error) {
	payload, err := json.Marshal(q.event)
	if err != nil {
		return nil, fmt.Errorf("encoding the authorizer event: %w", err)
	}
	fn, ok := functionARN(x.substituteVariables(q.uri))
	if !ok {
		return nil, errors.New("the URI of authorizer " + q.name + " names no function: " + q.uri)
	}
	ctx, cancel := context.WithTimeout(x.ctx.Context(), q.wait)
	defer cancel()
	began := x.svc.opt.Now()
	res, err := x.svc.opt.Invoke(ctx, wire.Invocation{
		Function: fn, Principal: "apigateway.amazonaws.com", Payload: payload,
		SourceARN: x.executeARN() + "/authorizers/" + q.id, SourceAccount: x.scope.Account, Role: q.role,
	})
	x.authMS = x.svc.opt.Now().Sub(began).Milliseconds()
	if err != nil {
		return nil, &notCalled{fn, err}
	}
	if res.FunctionError != "" {
		var e struct {
			Message string `json:"errorMessage"`
		}
		if json.Unmarshal(res.Payload, &e) == nil && e.Message == "Unauthorized" {
			return nil, errUnauthorized
		}
		return nil, errors.New("authorizer " + q.name + " failed: " + cut(res.Payload))
	}
	return res.Payload, nil
}

// parseAuthAnswer validates an authorizer's output: principal, policy, flat context.
func (s *Service) parseAuthAnswer(payload []byte) (*authAnswer, error) {
	a, err := s.parsePolicyAnswer(payload)
	if err != nil {
		return nil, err
	}
	if most := s.opt.MaxAuthorizerPolicy; most > 0 && len(a.raw) > most {
		a.policy = &policyDoc{}
	}
	for k, raw := range a.rawContext {
		v, err := contextString(raw)
		if err != nil {
			return nil, fmt.Errorf("context %q: %w", k, err)
		}
		a.context[k] = v
	}
	return a, nil
}

// parsePolicyAnswer is parseAuthAnswer without a rule for the context, which HTTP APIs take as it is.
func (s *Service) parsePolicyAnswer(payload []byte) (*authAnswer, error) {
	var out struct {
		PrincipalID        json.RawMessage            `json:"principalId"`
		PolicyDocument     json.RawMessage            `json:"policyDocument"`
		Context            map[string]json.RawMessage `json:"context"`
		UsageIdentifierKey *string                    `json:"usageIdentifierKey"`
	}
	if err := json.Unmarshal(payload, &out); err != nil {
		return nil, fmt.Errorf("not the JSON object that an authorizer returns: %w", err)
	}
	a := &authAnswer{raw: out.PolicyDocument, context: map[string]*string{}, rawContext: out.Context}
	if json.Unmarshal(out.PrincipalID, &a.principal) != nil || a.principal == "" {
		if !s.opt.AllowMissingPrincipal {
			return nil, errors.New("principalId is missing or not a string")
		}
	}
	if len(out.PolicyDocument) == 0 || string(out.PolicyDocument) == "null" {
		return nil, errors.New("policyDocument is missing")
	}
	policy, err := parsePolicy(out.PolicyDocument)
	if err != nil {
		return nil, err
	}
	kept := policy.statements[:0]
	for _, st := range policy.statements {
		long := false
		for _, r := range st.resources {
			long = long || len(r) > 512
		}
		if long && !s.opt.IgnoreLongResource {
			return nil, errors.New("a Resource of the policy is longer than 512 characters")
		}
		if !long {
			kept = append(kept, s.opt.withLiterals(st, policy.version))
		}
	}
	policy.statements = kept
	a.policy = policy
	if out.UsageIdentifierKey != nil {
		a.usageKey = *out.UsageIdentifierKey
	}
	return a, nil
}

// contextString turns a context value into the string that reaches the backend. Numbers keep the digits they were sent
// with; null stays null.
func contextString(raw json.RawMessage) (*string, error) {
	text := strings.TrimSpace(string(raw))
	switch {
	case text == "null":
		return nil, nil
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return nil, errors.New("only strings, numbers and booleans are allowed")
	case strings.HasPrefix(text, `"`):
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, err
		}
		return &s, nil
	}
	return &text, nil
}

// cut keeps the execution log readable, and what a function says in it short.
func cut(payload []byte) string {
	const most = 300
	if len(payload) > most {
		return string(payload[:most]) + "…"
	}
	return string(payload)
}

// substituteVariables replaces ${stageVariables.name}.
func (x *exchange) substituteVariables(s string) string {
	return stageVariable.ReplaceAllStringFunc(s, func(v string) string {
		return x.vars[strings.TrimSuffix(strings.TrimPrefix(v, "${stageVariables."), "}")]
	})
}

var stageVariable = regexp.MustCompile(`\$\{stageVariables\.[a-zA-Z0-9_]+\}`)

// testInvokeAuthorizer runs an authorizer of the edited state without cache, as the console's Test button does.
func (s *Service) testInvokeAuthorizer(q *request) (any, error) {
	var in testRequest
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	x, err := s.testExchange(q, &in)
	if err != nil {
		return nil, err
	}
	z := x.def.Authorizers[q.params["authorizer_id"]]
	if z == nil {
		return nil, notFound(badAuthorizerID)
	}
	out := map[string]any{}
	a, err := x.testAuthorizer(z)
	var f *failure
	switch {
	case err == nil && a == nil:
		out["clientStatus"], out["claims"] = 0, x.claims
		x.note("Successfully completed authorizer execution")
	case err == nil:
		out["clientStatus"], out["principalId"], out["policy"] = 0, a.principal, string(a.raw)
		claims := map[string]string{}
		for k, v := range a.context {
			if v != nil {
				claims[k] = *v
			}
		}
		out["claims"] = claims
		x.note("Successfully completed authorizer execution")
	case errors.As(err, &f):
		status, _ := strconv.Atoi(responseKinds[f.kind].status)
		out["clientStatus"] = status
		x.note("Execution failed due to configuration error: %s", f.detail)
	default:
		return nil, &wire.Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: err.Error()}
	}
	out["latency"] = x.authMS
	out["log"] = x.log()
	return out, nil
}

// testAuthorizer asks an authorizer; the answer of a Cognito authorizer is in x.claims.
func (x *exchange) testAuthorizer(z *authorizer) (*authAnswer, error) {
	if z.Type == "COGNITO_USER_POOLS" {
		return nil, x.cognitoAuthorizer(z)
	}
	_, complete, err := x.identity(z)
	if err != nil {
		return nil, err
	}
	if !complete {
		return nil, fail("UNAUTHORIZED", "Unauthorized", "an identity source is missing")
	}
	return x.invokeAuthorizer(z)
}
