package apigateway

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const badIntegration = "Invalid Integration identifier specified"

func (q *request) integration() (*resource, *method, *integration, error) {
	_, r, m, err := q.method()
	if err != nil {
		return nil, nil, nil, err
	}
	if m.MethodIntegration == nil {
		return nil, nil, nil, notFound(badIntegration)
	}
	return r, m, m.MethodIntegration, nil
}

func (s *Service) putIntegration(q *request) (any, error) {
	_, r, m, err := q.method()
	if err != nil {
		return nil, err
	}
	in := &integration{}
	if err := q.decode(in); err != nil {
		return nil, err
	}
	in.IntegrationResponses = nil
	if err := completeIntegration(in, r); err != nil {
		return nil, err
	}
	m.MethodIntegration = in
	return in, nil
}

// completeIntegration validates an integration and fills what the service fills.
func completeIntegration(in *integration, r *resource) error {
	in.Type = strings.ToUpper(in.Type)
	switch in.Type {
	case "MOCK":
		in.HTTPMethod, in.URI = "", ""
	case "HTTP", "HTTP_PROXY":
		if in.HTTPMethod == "" {
			return badRequest("Enumeration value for HttpMethod must be non-empty")
		}
		if in.ConnectionType == "" {
			in.ConnectionType = "INTERNET"
		}
		u, err := url.Parse(strings.NewReplacer("{", "x", "}", "x", "${", "x").Replace(in.URI))
		if in.ConnectionType != "VPC_LINK" && (err != nil || (u.Scheme != "http" && u.Scheme != "https") && !strings.HasPrefix(in.URI, "${stageVariables.")) || in.URI == "" {
			return badRequest("Invalid HTTP endpoint specified for URI")
		}
	case "AWS", "AWS_PROXY":
		if in.HTTPMethod == "" {
			return badRequest("Enumeration value for HttpMethod must be non-empty")
		}
		if !strings.HasPrefix(in.URI, "arn:") {
			return badRequest("Invalid ARN specified in the request")
		}
		if in.Type == "AWS_PROXY" && !strings.Contains(in.URI, ":lambda:path/") && !strings.Contains(in.URI, ":firehose:") {
			return badRequest("Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.")
		}
		if _, ok := functionARN(in.URI); !ok && strings.Contains(in.URI, ":lambda:path/") && !strings.Contains(in.URI, "${stageVariables.") {
			return badRequest("Invalid function ARN or invalid uri")
		}
	default:
		return validation("1 validation error detected: Value '" + in.Type + "' at 'putIntegrationInput.type' failed to satisfy constraint: Member must satisfy enum value set: [HTTP, MOCK, AWS_PROXY, HTTP_PROXY, AWS]")
	}
	if in.Credentials != "" && !strings.HasPrefix(in.Credentials, "arn:") {
		return badRequest("Invalid ARN specified in the request")
	}
	switch in.PassthroughBehavior {
	case "":
		in.PassthroughBehavior = "WHEN_NO_MATCH"
	case "WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER":
	default:
		return badRequest("Invalid value for passthroughBehavior. Allowed values are WHEN_NO_MATCH, NEVER and WHEN_NO_TEMPLATES")
	}
	if in.TimeoutInMillis == 0 {
		in.TimeoutInMillis = 29000
	}
	if in.TimeoutInMillis < 50 || in.TimeoutInMillis > 29000 {
		return badRequest("Timeout should be between 50 ms and 29000 ms")
	}
	if in.CacheNamespace == "" {
		in.CacheNamespace = r.ID
	}
	if in.CacheKeyParameters == nil {
		in.CacheKeyParameters = []string{}
	}
	for to, from := range in.RequestParameters {
		if !strings.HasPrefix(to, "integration.request.") {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: " + to + "]")
		}
		if !validSource(from) {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: " + from + "]")
		}
	}
	return nil
}

var requestSource = regexp.MustCompile(`^(method\.request\.(header|querystring|path|multivalueheader|multivaluequerystring|body)[.A-Za-z0-9_\-\[\]$*]*|context\..+|stageVariables\..+|'.*')$`)

func validSource(s string) bool { return requestSource.MatchString(s) }

// functionARN reads the ARN of the function from the URI of an integration or authorizer,
// arn:aws:apigateway:<region>:lambda:path/2015-03-31/functions/<function ARN>/invocations.
func functionARN(uri string) (string, bool) {
	_, rest, ok := strings.Cut(uri, ":lambda:path/")
	if !ok || !strings.HasPrefix(uri, "arn:") {
		return "", false
	}
	_, rest, ok = strings.Cut(rest, "/functions/")
	if !ok {
		return "", false
	}
	arn, ok := strings.CutSuffix(rest, "/invocations")
	parts := strings.Split(arn, ":")
	if !ok || len(parts) < 7 || parts[0] != "arn" || parts[2] != "lambda" || parts[5] != "function" || parts[6] == "" {
		return "", false
	}
	return arn, true
}

func (s *Service) getIntegration(q *request) (any, error) {
	_, _, in, err := q.integration()
	if err != nil {
		return nil, err
	}
	return in, nil
}

func (s *Service) updateIntegration(q *request) (any, error) {
	r, m, old, err := q.integration()
	if err != nil {
		return nil, err
	}
	in := clone(old)
	tls := tlsConfig{}
	if in.TLSConfig != nil {
		tls = *in.TLSConfig
	}
	err = q.patch([]patchRule{
		{"/cacheKeyParameters/{}", "add,remove", inSet("", &in.CacheKeyParameters).apply},
		setString("/cacheNamespace", &in.CacheNamespace),
		setString("/connectionId", &in.ConnectionID),
		oneOf("/connectionType", &in.ConnectionType, "INTERNET", "VPC_LINK"),
		{"/contentHandling", "replace,remove", func(op patchOp, _ []string) error { in.ContentHandling = op.Value; return nil }},
		setString("/credentials", &in.Credentials),
		setString("/httpMethod", &in.HTTPMethod),
		setString("/passthroughBehavior", &in.PassthroughBehavior),
		inMap("/requestParameters/{}", &in.RequestParameters),
		inMap("/requestTemplates/{}", &in.RequestTemplates),
		setInt("/timeoutInMillis", &in.TimeoutInMillis),
		setString("/uri", &in.URI),
		setString("/responseTransferMode", &in.ResponseTransferMode),
		setString("/integrationTarget", &in.IntegrationTarget),
		{"/tlsConfig/insecureSkipVerification", "replace", func(op patchOp, _ []string) error {
			tls.InsecureSkipVerification = strings.EqualFold(op.Value, "true")
			in.TLSConfig = &tls
			return nil
		}},
	})
	if err != nil {
		return nil, err
	}
	if err := completeIntegration(in, r); err != nil {
		return nil, err
	}
	m.MethodIntegration = in
	return in, nil
}

func (s *Service) deleteIntegration(q *request) (any, error) {
	_, m, _, err := q.integration()
	if err != nil {
		return nil, err
	}
	m.MethodIntegration = nil
	return nil, nil
}

func (q *request) integrationResponse() (*method, *integration, *integrationResponse, error) {
	_, m, in, err := q.integration()
	if err != nil {
		if awsMessage(err) == badMethod { // an absent method is answered like an absent integration here
			err = notFound(badIntegration)
		}
		return nil, nil, nil, err
	}
	ir := in.IntegrationResponses[q.params["status_code"]]
	if ir == nil {
		return nil, nil, nil, notFound("Invalid Response status code specified")
	}
	return m, in, ir, nil
}

func (s *Service) putIntegrationResponse(q *request) (any, error) {
	_, m, in, err := q.integration()
	if err != nil {
		return nil, err
	}
	ir := &integrationResponse{}
	if err := q.decode(ir); err != nil {
		return nil, err
	}
	ir.StatusCode = q.params["status_code"]
	if !statusCode.MatchString(ir.StatusCode) {
		return nil, invalid([]string{wrongStatusCode(ir.StatusCode)})
	}
	if m.MethodResponses[ir.StatusCode] == nil { // first the method's response, then the integration's
		return nil, notFound("Invalid Response status code specified")
	}
	if err := checkIntegrationResponse(m, ir); err != nil {
		return nil, err
	}
	if in.IntegrationResponses == nil {
		in.IntegrationResponses = map[string]*integrationResponse{}
	}
	in.IntegrationResponses[ir.StatusCode] = ir
	return ir, nil
}

var responseSource = regexp.MustCompile(`^(integration\.response\.(header|multivalueheader|body)[.A-Za-z0-9_\-\[\]$*]*|context\..+|stageVariables\..+|'.*')$`)

func checkIntegrationResponse(m *method, ir *integrationResponse) error {
	if _, err := regexp.Compile(ir.SelectionPattern); err != nil {
		return badRequest("Invalid selection pattern specified: " + ir.SelectionPattern)
	}
	for to, from := range ir.ResponseParameters {
		var declared bool
		if mr := m.MethodResponses[ir.StatusCode]; mr != nil {
			_, declared = mr.ResponseParameters[to]
		}
		if !declared {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: " + to + "]")
		}
		if !responseSource.MatchString(from) {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: " + from + "]")
		}
	}
	return nil
}

func (s *Service) getIntegrationResponse(q *request) (any, error) {
	_, _, ir, err := q.integrationResponse()
	if err != nil {
		return nil, err
	}
	return ir, nil
}

func (s *Service) updateIntegrationResponse(q *request) (any, error) {
	m, in, old, err := q.integrationResponse()
	if err != nil {
		return nil, err
	}
	ir := clone(old)
	err = q.patch([]patchRule{
		setString("/selectionPattern", &ir.SelectionPattern),
		inMap("/responseParameters/{}", &ir.ResponseParameters),
		inMap("/responseTemplates/{}", &ir.ResponseTemplates),
		{"/contentHandling", "replace,remove", func(op patchOp, _ []string) error { ir.ContentHandling = op.Value; return nil }},
	})
	if err != nil {
		return nil, err
	}
	if err := checkIntegrationResponse(m, ir); err != nil {
		return nil, err
	}
	in.IntegrationResponses[ir.StatusCode] = ir
	return ir, nil
}

func (s *Service) deleteIntegrationResponse(q *request) (any, error) {
	_, in, ir, err := q.integrationResponse()
	if err != nil {
		return nil, err
	}
	delete(in.IntegrationResponses, ir.StatusCode)
	return nil, nil
}

// arnPath returns the segments after "::" of an ARN of API Gateway's control plane, "arn:aws:apigateway:<region>::/restapis/a".
func arnPath(arn string) ([]string, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "apigateway" || !strings.HasPrefix(parts[5], "/") {
		return nil, false
	}
	seg := strings.Split(strings.Trim(parts[5], "/"), "/")
	return seg, !slices.Contains(seg, "")
}
