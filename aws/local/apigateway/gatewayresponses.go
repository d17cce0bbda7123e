package apigateway

import (
	"encoding/json"
	"strings"
)

// responseKind is one type of gateway response: the status it has unless customised and the code that goes to the
// x-amzn-ErrorType header.
type responseKind struct {
	status    string // "" for the two fall-backs, which keep the status of the error
	errorType string
}

// responseKinds are the 21 types of the service model. Source: API Gateway Developer Guide, "Gateway response types".
var responseKinds = map[string]responseKind{
	"DEFAULT_4XX":                    {},
	"DEFAULT_5XX":                    {},
	"ACCESS_DENIED":                  {"403", "AccessDeniedException"},
	"API_CONFIGURATION_ERROR":        {"500", "InternalServerErrorException"},
	"AUTHORIZER_CONFIGURATION_ERROR": {"500", "AuthorizerConfigurationException"},
	"AUTHORIZER_FAILURE":             {"500", "AuthorizerFailureException"},
	"BAD_REQUEST_BODY":               {"400", "BadRequestException"},
	"BAD_REQUEST_PARAMETERS":         {"400", "BadRequestException"},
	"EXPIRED_TOKEN":                  {"403", "ExpiredTokenException"},
	"INTEGRATION_FAILURE":            {"504", "InternalServerErrorException"},
	"INTEGRATION_TIMEOUT":            {"504", "InternalServerErrorException"},
	"INVALID_API_KEY":                {"403", "ForbiddenException"},
	"INVALID_SIGNATURE":              {"403", "InvalidSignatureException"},
	"MISSING_AUTHENTICATION_TOKEN":   {"403", "MissingAuthenticationTokenException"},
	"QUOTA_EXCEEDED":                 {"429", "LimitExceededException"},
	"REQUEST_TOO_LARGE":              {"413", "RequestTooLargeException"},
	"RESOURCE_NOT_FOUND":             {"404", "NotFoundException"},
	"THROTTLED":                      {"429", "TooManyRequestsException"},
	"UNAUTHORIZED":                   {"401", "UnauthorizedException"},
	"UNSUPPORTED_MEDIA_TYPE":         {"415", "BadRequestException"},
	"WAF_FILTERED":                   {"403", "ForbiddenException"},
}

// responseTypeOrder is the order in which the service's validation text names the types.
const responseTypeOrder = "REQUEST_TOO_LARGE, RESOURCE_NOT_FOUND, AUTHORIZER_CONFIGURATION_ERROR, MISSING_AUTHENTICATION_TOKEN, BAD_REQUEST_BODY, INVALID_SIGNATURE, INVALID_API_KEY, BAD_REQUEST_PARAMETERS, AUTHORIZER_FAILURE, UNAUTHORIZED, " +
	"INTEGRATION_TIMEOUT, ACCESS_DENIED, DEFAULT_4XX, DEFAULT_5XX, WAF_FILTERED, QUOTA_EXCEEDED, THROTTLED, API_CONFIGURATION_ERROR, UNSUPPORTED_MEDIA_TYPE, INTEGRATION_FAILURE, EXPIRED_TOKEN"

const defaultTemplate = `{"message":$context.error.messageString}`

func (q *request) gatewayResponse() (*api, string, error) {
	a, err := q.api()
	if err != nil {
		return nil, "", err
	}
	t := q.params["response_type"]
	if _, ok := responseKinds[t]; !ok {
		return nil, "", validation("1 validation error detected: Value '" + t + "' at 'responseType' failed to satisfy constraint: Member must satisfy enum value set: [" + responseTypeOrder + "]")
	}
	return a, t, nil
}

// effectiveResponse is the customised response, or the default one.
func (d *definition) effectiveResponse(t string) *gatewayResponse {
	if g := d.GatewayResponses[t]; g != nil {
		return g
	}
	return &gatewayResponse{ResponseType: t, StatusCode: responseKinds[t].status, DefaultResponse: true,
		ResponseParameters: map[string]string{}, ResponseTemplates: map[string]string{"application/json": defaultTemplate}}
}

func (s *Service) getGatewayResponses(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	all := map[string]*gatewayResponse{}
	for t := range responseKinds {
		all[t] = a.edited.effectiveResponse(t)
	}
	return page(q, all, same)
}

func (s *Service) getGatewayResponse(q *request) (any, error) {
	a, t, err := q.gatewayResponse()
	if err != nil {
		return nil, err
	}
	return a.edited.effectiveResponse(t), nil
}

func (s *Service) putGatewayResponse(q *request) (any, error) {
	a, t, err := q.gatewayResponse()
	if err != nil {
		return nil, err
	}
	g := &gatewayResponse{}
	if err := q.decode(g); err != nil {
		return nil, err
	}
	g.ResponseType = t
	if err := completeGatewayResponse(g); err != nil {
		return nil, err
	}
	a.edited.GatewayResponses[t] = g
	return g, nil
}

func completeGatewayResponse(g *gatewayResponse) error {
	g.DefaultResponse = false
	if g.StatusCode == "" {
		g.StatusCode = responseKinds[g.ResponseType].status
	}
	if g.StatusCode != "" && !statusCode.MatchString(g.StatusCode) {
		return badRequest("Invalid status code specified: " + g.StatusCode)
	}
	if g.ResponseTemplates == nil {
		g.ResponseTemplates = map[string]string{"application/json": defaultTemplate}
	}
	if g.ResponseParameters == nil {
		g.ResponseParameters = map[string]string{}
	}
	for to, from := range g.ResponseParameters {
		if !strings.HasPrefix(to, "gatewayresponse.header.") {
			return badRequest("Invalid gateway response parameter specified: " + to)
		}
		if !gatewaySource(from) {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: " + from + "]")
		}
	}
	return nil
}

func gatewaySource(from string) bool {
	return len(from) >= 2 && from[0] == '\'' && from[len(from)-1] == '\'' || strings.HasPrefix(from, "method.request.") ||
		strings.HasPrefix(from, "context.") || strings.HasPrefix(from, "stageVariables.")
}

func (s *Service) updateGatewayResponse(q *request) (any, error) {
	a, t, err := q.gatewayResponse()
	if err != nil {
		return nil, err
	}
	g := clone(a.edited.effectiveResponse(t))
	err = q.patchAs([]patchRule{
		setString("/statusCode", &g.StatusCode),
		notEmpty("responseParameters", present(inMap("/responseParameters/{}", &g.ResponseParameters), func(k string) bool { _, ok := g.ResponseParameters[k]; return ok }, noParameter)),
		notEmpty("responseTemplates", inMap("/responseTemplates/{}", &g.ResponseTemplates)),
	}, pathRefusal)
	if err != nil {
		return nil, err
	}
	if err := completeGatewayResponse(g); err != nil {
		return nil, err
	}
	a.edited.GatewayResponses[t] = g
	return g, nil
}

// notEmpty refuses to set an entry to nothing.
func notEmpty(member string, rule patchRule) patchRule {
	return patchRule{rule.path, rule.ops, func(op patchOp, seg []string) error {
		if err := rule.apply(op, seg); err != nil {
			return err
		}
		if op.Op != "remove" && op.Value == "" {
			return badRequest("Invalid null or empty value in " + member)
		}
		return nil
	}}
}

func (s *Service) deleteGatewayResponse(q *request) (any, error) {
	a, t, err := q.gatewayResponse()
	if err != nil {
		return nil, err
	}
	if a.edited.GatewayResponses[t] == nil {
		return nil, notFound("Gateway response type not defined on api")
	}
	delete(a.edited.GatewayResponses, t)
	return nil, nil
}

// jsonString is s as a JSON string.
func jsonString(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
