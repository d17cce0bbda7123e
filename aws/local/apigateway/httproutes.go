package apigateway

import (
	"regexp"
	"strings"

	"portcullis/aws/local/wire"
)

type httpRoute struct {
	APIKeyRequired      bool     `json:"apiKeyRequired"`
	AuthorizationScopes []string `json:"authorizationScopes,omitempty"`
	AuthorizationType   string   `json:"authorizationType"`
	AuthorizerID        string   `json:"authorizerId,omitempty"`
	OperationName       string   `json:"operationName,omitempty"`
	RouteID             string   `json:"routeId"`
	RouteKey            string   `json:"routeKey"`
	Target              string   `json:"target,omitempty"` // "integrations/<id>"

	// Only of WebSocket APIs.
	ModelSelection         string            `json:"modelSelectionExpression,omitempty"`
	RequestModels          map[string]string `json:"requestModels,omitempty"`
	RouteResponseSelection string            `json:"routeResponseSelectionExpression,omitempty"`
}

type httpIntegration struct {
	ConnectionID         string                       `json:"connectionId,omitempty"`
	ConnectionType       string                       `json:"connectionType"`
	CredentialsARN       string                       `json:"credentialsArn,omitempty"`
	Description          string                       `json:"description,omitempty"`
	IntegrationID        string                       `json:"integrationId"`
	IntegrationMethod    string                       `json:"integrationMethod,omitempty"`
	IntegrationSubtype   string                       `json:"integrationSubtype,omitempty"`
	IntegrationType      string                       `json:"integrationType"`
	IntegrationURI       string                       `json:"integrationUri,omitempty"`
	PayloadFormatVersion string                       `json:"payloadFormatVersion"`
	RequestParameters    map[string]string            `json:"requestParameters,omitempty"`
	ResponseParameters   map[string]map[string]string `json:"responseParameters,omitempty"`
	TimeoutInMillis      int                          `json:"timeoutInMillis"`

	// Only of WebSocket APIs.
	ContentHandling              string            `json:"contentHandlingStrategy,omitempty"`
	IntegrationResponseSelection string            `json:"integrationResponseSelectionExpression,omitempty"`
	PassthroughBehavior          string            `json:"passthroughBehavior,omitempty"`
	RequestTemplates             map[string]string `json:"requestTemplates,omitempty"`
	TemplateSelection            string            `json:"templateSelectionExpression,omitempty"`
}

var routeKey = regexp.MustCompile(`^(\$default|(ANY|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) /[^\s]*)$`)

func (q *request) route() (*httpAPI, *httpRoute, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, nil, err
	}
	r := a.edited.Routes[q.params["route_id"]]
	if r == nil {
		return nil, nil, httpNotFound("Route", "Unable to find Route by key "+q.params["route_id"]+" within the provided API")
	}
	return a, r, nil
}

func (s *Service) getRoutes(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	return httpPage(q, a.edited.Routes)
}

func (s *Service) getRoute(q *request) (any, error) {
	_, r, err := q.route()
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (s *Service) createRoute(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	r := &httpRoute{AuthorizationType: "NONE"}
	if err := q.decode(r); err != nil {
		return nil, err
	}
	r.RouteID = freshID(7, func(id string) bool { return a.edited.Routes[id] != nil })
	if err := checkRoute(a.edited, r); err != nil {
		return nil, err
	}
	if err := full(len(a.edited.Routes), s.opt.MaxResources, "routes for this API"); err != nil {
		return nil, err
	}
	a.edited.Routes[r.RouteID] = r
	s.autoDeploy(a)
	return r, nil
}

func checkRoute(d *httpDefinition, r *httpRoute) error {
	if d.API.ProtocolType == "WEBSOCKET" {
		if err := checkSocketRoute(r); err != nil {
			return err
		}
	} else if !routeKey.MatchString(r.RouteKey) {
		return badRequest("The provided route key is not formatted properly for HTTP protocol. Format should be \"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\"")
	}
	for _, other := range d.Routes {
		if other.RouteKey == r.RouteKey && other.RouteID != r.RouteID {
			return conflict("Route with key " + r.RouteKey + " already exists for this API")
		}
	}
	switch r.AuthorizationType {
	case "NONE", "AWS_IAM":
		r.AuthorizerID, r.AuthorizationScopes = "", nil
	case "CUSTOM", "JWT":
		z := d.Authorizers[r.AuthorizerID]
		if z == nil || (z.AuthorizerType == "JWT") != (r.AuthorizationType == "JWT") {
			return badRequest("Invalid authorizer ID specified. Setting the authorization type to CUSTOM or JWT requires a valid authorizer.")
		}
		if r.AuthorizationType == "CUSTOM" {
			r.AuthorizationScopes = nil
		}
	default:
		return badRequest("Invalid authorization type specified: " + r.AuthorizationType)
	}
	if r.Target != "" {
		id, ok := strings.CutPrefix(r.Target, "integrations/")
		if !ok || d.Integrations[id] == nil {
			return badRequest("Target is invalid. It must name an integration of this API: integrations/<id>")
		}
	}
	return nil
}

func (s *Service) updateRoute(q *request) (any, error) {
	a, old, err := q.route()
	if err != nil {
		return nil, err
	}
	r, err := overlay(q, old)
	if err != nil {
		return nil, err
	}
	r.RouteID = old.RouteID
	if err := checkRoute(a.edited, r); err != nil {
		return nil, err
	}
	a.edited.Routes[r.RouteID] = r
	s.autoDeploy(a)
	return r, nil
}

func (s *Service) deleteRoute(q *request) (any, error) {
	a, r, err := q.route()
	if err != nil {
		return nil, err
	}
	delete(a.edited.Routes, r.RouteID)
	delete(a.edited.RouteResponses, r.RouteID)
	s.autoDeploy(a)
	return nil, nil
}

// referenced names the first route for which used holds.
func (d *httpDefinition) referenced(used func(*httpRoute) bool) string {
	for _, id := range sortedKeys(d.Routes) {
		if used(d.Routes[id]) {
			return d.Routes[id].RouteKey
		}
	}
	return ""
}

func (q *request) httpIntegration() (*httpAPI, *httpIntegration, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, nil, err
	}
	in := a.edited.Integrations[q.params["integration_id"]]
	if in == nil {
		return nil, nil, httpNotFound("Integration", "Invalid Integration identifier specified")
	}
	return a, in, nil
}

func (s *Service) getHTTPIntegrations(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	return httpPage(q, a.edited.Integrations)
}

func (s *Service) getHTTPIntegration(q *request) (any, error) {
	_, in, err := q.httpIntegration()
	if err != nil {
		return nil, err
	}
	return in, nil
}

func (s *Service) createHTTPIntegration(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	in := &httpIntegration{}
	if err := q.decode(in); err != nil {
		return nil, err
	}
	if err := checkHTTPIntegration(a.edited, in); err != nil {
		return nil, err
	}
	if err := full(len(a.edited.Integrations), s.opt.MaxResources, "integrations for this API"); err != nil {
		return nil, err
	}
	in.IntegrationID = freshID(7, func(id string) bool { return a.edited.Integrations[id] != nil })
	a.edited.Integrations[in.IntegrationID] = in
	s.autoDeploy(a)
	return in, nil
}

func checkHTTPIntegration(d *httpDefinition, in *httpIntegration) error {
	if d.API.ProtocolType == "WEBSOCKET" {
		return checkSocketIntegration(in)
	}
	switch in.IntegrationType {
	case "AWS_PROXY":
		if in.IntegrationSubtype != "" {
			return wire.NotImplemented("apigatewayv2", "integrations with an AWS service ("+in.IntegrationSubtype+")")
		}
		if _, ok := lambdaARN(in.IntegrationURI); !ok && !strings.Contains(in.IntegrationURI, "${stageVariables.") {
			return badRequest("Invalid function ARN or invalid uri")
		}
	case "HTTP_PROXY":
		if in.IntegrationMethod == "" || !strings.HasPrefix(in.IntegrationURI, "http://") && !strings.HasPrefix(in.IntegrationURI, "https://") {
			return badRequest("HTTP_PROXY integrations need an IntegrationMethod and an http or https URI")
		}
		if in.PayloadFormatVersion == "2.0" {
			return badRequest("PayloadFormatVersion 2.0 is only supported for AWS_PROXY integrations")
		}
	default:
		return badRequest("IntegrationType " + in.IntegrationType + " is not supported for HTTP APIs")
	}
	switch in.PayloadFormatVersion {
	case "":
		in.PayloadFormatVersion = "1.0"
	case "1.0", "2.0":
	default:
		return badRequest("PayloadFormatVersion must be 1.0 or 2.0")
	}
	if len(in.RequestParameters) > 0 || len(in.ResponseParameters) > 0 {
		return wire.NotImplemented("apigatewayv2", "parameter mapping")
	}
	return checkIntegrationReach(in, 30000)
}

// checkIntegrationReach checks how a backend is reached and how long it may take, at most most milliseconds.
func checkIntegrationReach(in *httpIntegration, most int) error {
	if in.ConnectionType == "" {
		in.ConnectionType = "INTERNET"
	}
	if in.ConnectionType != "INTERNET" {
		return wire.NotImplemented("apigatewayv2", "VPC links")
	}
	if in.TimeoutInMillis == 0 {
		in.TimeoutInMillis = most
	}
	if in.TimeoutInMillis < 50 || in.TimeoutInMillis > most {
		return badRequest(sprintf("Timeout should be between 50 ms and %d ms", most))
	}
	return nil
}

// lambdaARN accepts a function's ARN or the invocation URI that REST APIs use.
func lambdaARN(uri string) (string, bool) {
	if arn, ok := functionARN(uri); ok {
		return arn, true
	}
	p := strings.Split(uri, ":")
	return uri, len(p) >= 7 && p[0] == "arn" && p[2] == "lambda" && p[5] == "function"
}

func (s *Service) updateHTTPIntegration(q *request) (any, error) {
	a, old, err := q.httpIntegration()
	if err != nil {
		return nil, err
	}
	in, err := overlay(q, old)
	if err != nil {
		return nil, err
	}
	in.IntegrationID = old.IntegrationID
	if err := checkHTTPIntegration(a.edited, in); err != nil {
		return nil, err
	}
	a.edited.Integrations[in.IntegrationID] = in
	s.autoDeploy(a)
	return in, nil
}

func (s *Service) deleteHTTPIntegration(q *request) (any, error) {
	a, in, err := q.httpIntegration()
	if err != nil {
		return nil, err
	}
	if key := a.edited.referenced(func(r *httpRoute) bool { return r.Target == "integrations/"+in.IntegrationID }); key != "" {
		return nil, conflict("Cannot delete Integration '" + in.IntegrationID + "', is referenced in route: " + key)
	}
	delete(a.edited.Integrations, in.IntegrationID)
	delete(a.edited.IntegrationResponses, in.IntegrationID)
	s.autoDeploy(a)
	return nil, nil
}
