package apigateway

import (
	"regexp"
	"strings"
)

type httpAuthorizer struct {
	AuthorizerCredentialsARN string `json:"authorizerCredentialsArn,omitempty"`
	AuthorizerID             string `json:"authorizerId"`
	PayloadFormatVersion     string `json:"authorizerPayloadFormatVersion,omitempty"`
	TTL                      int    `json:"authorizerResultTtlInSeconds"`
	AuthorizerType           string `json:"authorizerType"`
	AuthorizerURI            string `json:"authorizerUri,omitempty"`
	EnableSimpleResponses    bool   `json:"enableSimpleResponses"`

	JWT *jwtConfiguration `json:"jwtConfiguration,omitempty"` // of type JWT

	IdentitySource []string `json:"identitySource,omitempty"`
	Name           string   `json:"name"`
}

func (q *request) httpAuthorizer() (*httpAPI, *httpAuthorizer, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, nil, err
	}
	z := a.edited.Authorizers[q.params["authorizer_id"]]
	if z == nil {
		return nil, nil, httpNotFound("Authorizer", badAuthorizerID)
	}
	return a, z, nil
}

func (s *Service) getHTTPAuthorizers(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	return httpPage(q, a.edited.Authorizers)
}

func (s *Service) getHTTPAuthorizer(q *request) (any, error) {
	_, z, err := q.httpAuthorizer()
	if err != nil {
		return nil, err
	}
	return z, nil
}

func (s *Service) createHTTPAuthorizer(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	z := &httpAuthorizer{}
	if err := q.decode(z); err != nil {
		return nil, err
	}
	z.AuthorizerID = freshID(6, func(id string) bool { return a.edited.Authorizers[id] != nil })
	if err := checkHTTPAuthorizer(a.edited, z); err != nil {
		return nil, err
	}
	if err := full(len(a.edited.Authorizers), s.opt.MaxAuthorizers, "authorizers for this API"); err != nil {
		return nil, err
	}
	a.edited.Authorizers[z.AuthorizerID] = z
	s.autoDeploy(a)
	return z, nil
}

var httpSource = regexp.MustCompile(`^\$(request\.header|request\.querystring|context|stageVariables)\.[^\s,]+$`)

func checkHTTPAuthorizer(d *httpDefinition, z *httpAuthorizer) error {
	if z.Name == "" {
		return badRequest("Authorizer name cannot be empty")
	}
	for _, other := range d.Authorizers {
		if other.Name == z.Name && other.AuthorizerID != z.AuthorizerID {
			return badRequest("Authorizer name must be unique. Authorizer " + z.Name + " already exists in this API.")
		}
	}
	if d.API.ProtocolType == "WEBSOCKET" {
		return checkSocketAuthorizer(z)
	}
	switch z.AuthorizerType {
	case "REQUEST":
	case "JWT":
		return checkJWTAuthorizer(z)
	default:
		return badRequest("Invalid authorizer type specified. Must be one of [REQUEST, JWT]")
	}
	if _, ok := functionARN(z.AuthorizerURI); !ok && !strings.Contains(z.AuthorizerURI, "${stageVariables.") {
		return badRequest("Invalid Authorizer URI: " + z.AuthorizerURI + ". Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.")
	}
	if z.PayloadFormatVersion != "1.0" && z.PayloadFormatVersion != "2.0" {
		return badRequest("AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer and must be 1.0 or 2.0")
	}
	if z.EnableSimpleResponses && z.PayloadFormatVersion != "2.0" {
		return badRequest("EnableSimpleResponses is only supported with AuthorizerPayloadFormatVersion 2.0")
	}
	if z.TTL < 0 || z.TTL > 3600 {
		return badRequest("Authorizer result TTL must be between 0 and 3600 seconds")
	}
	if z.TTL > 0 && len(z.IdentitySource) == 0 {
		return badRequest("To cache authorization decisions, at least one identity source must be specified")
	}
	for _, src := range z.IdentitySource {
		if !httpSource.MatchString(src) {
			return badRequest("Invalid identity source specified: " + src)
		}
	}
	return nil
}

func (s *Service) updateHTTPAuthorizer(q *request) (any, error) {
	a, old, err := q.httpAuthorizer()
	if err != nil {
		return nil, err
	}
	z, err := overlay(q, old)
	if err != nil {
		return nil, err
	}
	z.AuthorizerID = old.AuthorizerID
	if err := checkHTTPAuthorizer(a.edited, z); err != nil {
		return nil, err
	}
	a.edited.Authorizers[z.AuthorizerID] = z
	s.autoDeploy(a)
	return z, nil
}

func (s *Service) deleteHTTPAuthorizer(q *request) (any, error) {
	a, z, err := q.httpAuthorizer()
	if err != nil {
		return nil, err
	}
	if key := a.edited.referenced(func(r *httpRoute) bool { return r.AuthorizerID == z.AuthorizerID }); key != "" {
		return nil, conflict("Cannot delete authorizer '" + z.Name + "', is referenced in route: " + key)
	}
	delete(a.edited.Authorizers, z.AuthorizerID)
	s.autoDeploy(a)
	return nil, nil
}
