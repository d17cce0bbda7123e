package apigateway

import (
	"regexp"
	"slices"
	"strings"
)

const (
	badMethod     = "Invalid Method identifier specified"
	badAuthorizer = "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer."
)

var (
	verbs      = []string{"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY"}
	statusCode = regexp.MustCompile(`^[1-5]\d\d$`)
	parameter  = regexp.MustCompile(`^method\.request\.(querystring|path|header|multivaluequerystring|multivalueheader)\.[a-zA-Z0-9._$\-\[\]]+$`)
)

func (q *request) method() (*api, *resource, *method, error) {
	a, r, err := q.resource()
	if err != nil {
		return nil, nil, nil, err
	}
	m := r.Methods[q.params["http_method"]]
	if m == nil {
		return nil, nil, nil, notFound(badMethod)
	}
	return a, r, m, nil
}

func (s *Service) putMethod(q *request) (any, error) {
	a, r, err := q.resource()
	if err != nil {
		return nil, err
	}
	verb := q.params["http_method"]
	m := &method{}
	if err := q.decode(m); err != nil {
		return nil, err
	}
	m.HTTPMethod, m.MethodIntegration, m.MethodResponses = verb, nil, nil
	if err := checkMethod(a.edited, m); err != nil {
		return nil, err
	}
	if r.Methods[verb] != nil {
		return nil, conflict("Method already exists for this resource")
	}
	if r.Methods == nil {
		r.Methods = map[string]*method{}
	}
	r.Methods[verb] = m
	return m, nil
}

// checkMethod is what the service validates on every write of a method. It drops an authorizerId that the type makes
// meaningless, as the service does.
func checkMethod(d *definition, m *method) error {
	if !slices.Contains(verbs, m.HTTPMethod) {
		return badRequest("Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY")
	}
	switch m.AuthorizationType {
	case "NONE", "AWS_IAM":
		m.AuthorizerID, m.AuthorizationScopes = "", nil
	case "CUSTOM", "COGNITO_USER_POOLS":
		a := d.Authorizers[m.AuthorizerID]
		if a == nil || (a.Type == "COGNITO_USER_POOLS") != (m.AuthorizationType == "COGNITO_USER_POOLS") {
			return badRequest(badAuthorizer)
		}
	case "":
		return badRequest("Authorization type cannot be null or empty")
	default:
		return badRequest("Invalid authorization type specified. Valid options are: [NONE, AWS_IAM, CUSTOM, COGNITO_USER_POOLS]")
	}
	if m.RequestValidatorID != "" && d.Validators[m.RequestValidatorID] == nil {
		return badRequest("Invalid Request Validator identifier specified")
	}
	for _, name := range m.RequestModels {
		if d.Models[name] == nil {
			return badRequest("Invalid model identifier specified: " + name)
		}
	}
	seen := map[string]bool{}
	for p := range m.RequestParameters {
		if !parameter.MatchString(p) {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Parameter name should match the following regular expression: ^[a-zA-Z0-9._$-]+$]")
		}
		name := strings.SplitN(p, ".", 4)[3]
		if seen[name] {
			return badRequest("Parameter names must be unique across querystring, header and path")
		}
		seen[name] = true
	}
	return nil
}

func (s *Service) getMethod(q *request) (any, error) {
	_, _, m, err := q.method()
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (s *Service) updateMethod(q *request) (any, error) {
	a, r, old, err := q.method()
	if err != nil {
		return nil, err
	}
	m := clone(old)
	authType, authID := m.AuthorizationType, m.AuthorizerID
	err = q.patch([]patchRule{
		setBool("/apiKeyRequired", &m.APIKeyRequired),
		setString("/authorizationType", &authType),
		setString("/authorizerId", &authID),
		{"/authorizationScopes", "add,remove,replace", func(op patchOp, _ []string) error {
			return inSet("/{}", &m.AuthorizationScopes).apply(op, []string{op.Value})
		}},
		setString("/operationName", &m.OperationName),
		setString("/requestValidatorId", &m.RequestValidatorID),
		present(inMap("/requestModels/{}", &m.RequestModels), func(k string) bool { _, ok := m.RequestModels[k]; return ok }, noContentType),
		present(inBoolMap("/requestParameters/{}", &m.RequestParameters), func(k string) bool { _, ok := m.RequestParameters[k]; return ok }, noParameter),
	})
	if err != nil {
		return nil, err
	}
	m.AuthorizationType, m.AuthorizerID = authType, authID
	switch authType {
	case "NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS":
	default: // the service answers an unknown type with the same text
		return nil, badRequest(badAuthorizer)
	}
	if err := checkMethod(a.edited, m); err != nil {
		return nil, err
	}
	r.Methods[m.HTTPMethod] = m
	return m, nil
}

func (s *Service) deleteMethod(q *request) (any, error) {
	_, r, m, err := q.method()
	if err != nil {
		return nil, err
	}
	delete(r.Methods, m.HTTPMethod)
	return nil, nil
}

func (s *Service) putMethodResponse(q *request) (any, error) {
	a, _, m, err := q.method()
	if err != nil {
		return nil, err
	}
	code := q.params["status_code"]
	if !statusCode.MatchString(code) {
		return nil, invalid([]string{wrongStatusCode(code)})
	}
	if m.MethodResponses[code] != nil {
		return nil, conflict("Response already exists for this resource")
	}
	mr := &methodResponse{}
	if err := q.decode(mr); err != nil {
		return nil, err
	}
	mr.StatusCode = code
	if err := checkMethodResponse(a.edited, mr); err != nil {
		return nil, err
	}
	if m.MethodResponses == nil {
		m.MethodResponses = map[string]*methodResponse{}
	}
	m.MethodResponses[code] = mr
	return mr, nil
}

func checkMethodResponse(d *definition, mr *methodResponse) error {
	for _, name := range mr.ResponseModels {
		if d.Models[name] == nil {
			return badRequest("Invalid model identifier specified: " + name)
		}
	}
	for p := range mr.ResponseParameters {
		if !strings.HasPrefix(p, "method.response.header.") {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: " + p + "]")
		}
	}
	return nil
}

func (q *request) methodResponse() (*api, *method, *methodResponse, error) {
	if !statusCode.MatchString(q.params["status_code"]) {
		if err := q.patch(nil); err != nil { // names the status code, after whatever else violates a constraint
			return nil, nil, nil, err
		}
	}
	a, _, m, err := q.method()
	if err != nil {
		return nil, nil, nil, err
	}
	mr := m.MethodResponses[q.params["status_code"]]
	if mr == nil {
		return nil, nil, nil, notFound("Invalid Response status code specified")
	}
	return a, m, mr, nil
}

func (s *Service) getMethodResponse(q *request) (any, error) {
	_, _, mr, err := q.methodResponse()
	if err != nil {
		return nil, err
	}
	return mr, nil
}

func (s *Service) updateMethodResponse(q *request) (any, error) {
	a, m, old, err := q.methodResponse()
	if err != nil {
		return nil, err
	}
	mr := clone(old)
	err = q.patch([]patchRule{
		present(inMap("/responseModels/{}", &mr.ResponseModels), func(k string) bool { _, ok := mr.ResponseModels[k]; return ok }, noContentType),
		present(inBoolMap("/responseParameters/{}", &mr.ResponseParameters), func(k string) bool { _, ok := mr.ResponseParameters[k]; return ok }, noParameter),
	})
	if err != nil {
		return nil, err
	}
	if err := checkMethodResponse(a.edited, mr); err != nil {
		return nil, err
	}
	m.MethodResponses[mr.StatusCode] = mr
	return mr, nil
}

func (s *Service) deleteMethodResponse(q *request) (any, error) {
	_, m, mr, err := q.methodResponse()
	if err != nil {
		return nil, err
	}
	delete(m.MethodResponses, mr.StatusCode)
	return nil, nil
}
