package apigateway

import (
	"regexp"
	"strings"

	"portcullis/aws/local/wire"
)

// What the control plane of WebSocket APIs has beside that of HTTP APIs: its rules for routes, integrations and
// authorizers, route responses and integration responses.

type routeResponse struct {
	RouteResponseID  string `json:"routeResponseId"`
	RouteResponseKey string `json:"routeResponseKey"`
	ModelSelection   string `json:"modelSelectionExpression,omitempty"`
}

type socketIntegrationResponse struct {
	IntegrationResponseID  string            `json:"integrationResponseId"`
	IntegrationResponseKey string            `json:"integrationResponseKey"`
	ResponseTemplates      map[string]string `json:"responseTemplates,omitempty"`
	TemplateSelection      string            `json:"templateSelectionExpression,omitempty"`
}

var (
	// What selects a route: text with at least one member of the message in it.
	socketSelection = regexp.MustCompile(`^([^$\s]|\$\{request\.body\.[^{}\s]+\}|\$request\.body\.[A-Za-z0-9_.\-\[\]]+)+$`)
	socketRouteKey  = regexp.MustCompile(`^(\$connect|\$disconnect|\$default|[^$\s]\S{0,127})$`)
	socketSource    = regexp.MustCompile(`^(route\.request\.(header|querystring)|context|stageVariables)\.[^\s,]+$`)
)

func checkSocketAPI(info *httpAPIInfo) error {
	if !socketSelection.MatchString(info.RouteSelection) || !selection.MatchString(info.RouteSelection) {
		return badRequest("Invalid routeSelectionExpression specified. For WebSocket APIs it selects from the message, as $request.body.action does")
	}
	if info.CORS != nil {
		return badRequest("CORS configuration is not supported for WebSocket APIs")
	}
	if info.APIKeySelection == "" {
		info.APIKeySelection = "$request.header.x-api-key"
	}
	if info.IPAddressType == "" {
		info.IPAddressType = "ipv4"
	}
	return nil
}

func checkSocketRoute(r *httpRoute) error {
	if !socketRouteKey.MatchString(r.RouteKey) {
		return badRequest("The provided route key is not formatted properly for WEBSOCKET protocol. It should be $connect, $disconnect, $default or a custom key")
	}
	if r.AuthorizationType != "NONE" && r.RouteKey != "$connect" {
		return badRequest("Currently, authorization is restricted to the $connect route only")
	}
	if r.APIKeyRequired {
		return wire.NotImplemented("apigatewayv2", "WebSocket routes that need an API key")
	}
	if e := r.RouteResponseSelection; e != "" && e != "$default" {
		return badRequest("Invalid routeResponseSelectionExpression specified. Only $default is supported")
	}
	if len(r.RequestModels) > 0 || r.ModelSelection != "" {
		return wire.NotImplemented("apigatewayv2", "models of WebSocket routes")
	}
	return nil
}

func checkSocketIntegration(in *httpIntegration) error {
	switch in.IntegrationType {
	case "MOCK":
	case "AWS_PROXY":
		if _, ok := functionARN(in.IntegrationURI); !ok && !strings.Contains(in.IntegrationURI, "${stageVariables.") {
			return badRequest("Invalid integration URI specified. It should be the invocation URI of a Lambda function")
		}
		if in.IntegrationMethod != "" && in.IntegrationMethod != "POST" {
			return badRequest("Lambda functions are called with POST")
		}
		in.IntegrationMethod = "POST"
	case "HTTP_PROXY":
		if in.IntegrationMethod == "" || !strings.HasPrefix(in.IntegrationURI, "http://") && !strings.HasPrefix(in.IntegrationURI, "https://") && !strings.HasPrefix(in.IntegrationURI, "${stageVariables.") {
			return badRequest("HTTP_PROXY integrations need an IntegrationMethod and an http or https URI")
		}
	case "AWS", "HTTP":
		return wire.NotImplemented("apigatewayv2", "WebSocket integrations of type "+in.IntegrationType)
	default:
		return badRequest("Invalid integration type specified: " + in.IntegrationType)
	}
	if in.IntegrationSubtype != "" || in.PayloadFormatVersion != "" && in.PayloadFormatVersion != "1.0" {
		return badRequest("IntegrationSubtype and PayloadFormatVersion 2.0 are only supported for HTTP APIs")
	}
	for to, from := range in.RequestParameters {
		_, lit := literal(from)
		if !strings.HasPrefix(to, "integration.request.") || !lit && !socketSource.MatchString(from) && !strings.HasPrefix(from, "route.request.body") {
			return badRequest("Invalid mapping expression specified: " + to + " from " + from)
		}
	}
	if len(in.RequestParameters) > 0 && in.IntegrationType != "HTTP_PROXY" {
		return wire.NotImplemented("apigatewayv2", "parameter mapping of "+in.IntegrationType+" integrations")
	}
	if len(in.ResponseParameters) > 0 {
		return badRequest("ResponseParameters of integrations are only supported for HTTP APIs")
	}
	if in.ContentHandling != "" {
		return wire.NotImplemented("apigatewayv2", "contentHandlingStrategy")
	}
	if in.IntegrationResponseSelection == "" {
		in.IntegrationResponseSelection = "${integration.response.statuscode}"
	}
	if in.PassthroughBehavior == "" {
		in.PassthroughBehavior = "WHEN_NO_MATCH"
	}
	in.PayloadFormatVersion = "1.0"
	return checkIntegrationReach(in, 29000)
}

func checkSocketAuthorizer(z *httpAuthorizer) error {
	if z.AuthorizerType != "REQUEST" {
		return badRequest("Invalid authorizer type specified. WebSocket APIs support REQUEST authorizers only")
	}
	if _, ok := functionARN(z.AuthorizerURI); !ok && !strings.Contains(z.AuthorizerURI, "${stageVariables.") {
		return badRequest("Invalid Authorizer URI: " + z.AuthorizerURI + ". Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.")
	}
	if z.PayloadFormatVersion != "" || z.EnableSimpleResponses || z.TTL != 0 {
		return badRequest("AuthorizerPayloadFormatVersion, EnableSimpleResponses and AuthorizerResultTtlInSeconds are only supported for HTTP APIs")
	}
	for _, src := range z.IdentitySource {
		if !socketSource.MatchString(src) {
			return badRequest("Invalid identity source specified: " + src)
		}
	}
	return nil
}

// socketRoute finds the WebSocket API and route of the path.
func (q *request) socketRoute() (*httpAPI, *httpRoute, error) {
	a, r, err := q.route()
	if err == nil && a.edited.API.ProtocolType != "WEBSOCKET" {
		err = badRequest("Route responses are not supported for HTTP APIs")
	}
	return a, r, err
}

func (s *Service) getRouteResponses(q *request) (any, error) {
	a, r, err := q.socketRoute()
	if err != nil {
		return nil, err
	}
	return httpPage(q, a.edited.RouteResponses[r.RouteID])
}

func (s *Service) getRouteResponse(q *request) (any, error) {
	a, r, err := q.socketRoute()
	if err != nil {
		return nil, err
	}
	if got := a.edited.RouteResponses[r.RouteID][q.params["response_id"]]; got != nil {
		return got, nil
	}
	return nil, httpNotFound("RouteResponse", "Invalid RouteResponse identifier specified")
}

func (s *Service) createRouteResponse(q *request) (any, error) {
	a, r, err := q.socketRoute()
	if err != nil {
		return nil, err
	}
	n := &routeResponse{}
	if err := q.decode(n); err != nil {
		return nil, err
	}
	all := a.edited.RouteResponses[r.RouteID]
	if n.RouteResponseKey != "$default" {
		return nil, badRequest("Invalid routeResponseKey specified. Only $default is supported")
	}
	if len(all) > 0 {
		return nil, conflict("RouteResponse with key $default already exists for this Route")
	}
	n.RouteResponseID = freshID(7, func(id string) bool { return all[id] != nil })
	a.edited.RouteResponses[r.RouteID] = map[string]*routeResponse{n.RouteResponseID: n}
	s.autoDeploy(a)
	return n, nil
}

func (s *Service) deleteRouteResponse(q *request) (any, error) {
	if _, err := s.getRouteResponse(q); err != nil {
		return nil, err
	}
	a, r, err := q.socketRoute()
	if err != nil {
		return nil, err
	}
	delete(a.edited.RouteResponses[r.RouteID], q.params["response_id"])
	s.autoDeploy(a)
	return nil, nil
}

func (q *request) socketIntegration() (*httpAPI, *httpIntegration, error) {
	a, in, err := q.httpIntegration()
	if err == nil && a.edited.API.ProtocolType != "WEBSOCKET" {
		err = badRequest("Integration responses are not supported for HTTP APIs")
	}
	return a, in, err
}

func (s *Service) getIntegrationResponses(q *request) (any, error) {
	a, in, err := q.socketIntegration()
	if err != nil {
		return nil, err
	}
	return httpPage(q, a.edited.IntegrationResponses[in.IntegrationID])
}

func (s *Service) getSocketIntegrationResponse(q *request) (any, error) {
	a, in, err := q.socketIntegration()
	if err != nil {
		return nil, err
	}
	if got := a.edited.IntegrationResponses[in.IntegrationID][q.params["response_id"]]; got != nil {
		return got, nil
	}
	return nil, httpNotFound("IntegrationResponse", "Invalid IntegrationResponse identifier specified")
}

func (s *Service) createSocketIntegrationResponse(q *request) (any, error) {
	a, in, err := q.socketIntegration()
	if err != nil {
		return nil, err
	}
	n := &socketIntegrationResponse{}
	if err := q.decode(n); err != nil {
		return nil, err
	}
	all := a.edited.IntegrationResponses[in.IntegrationID]
	if err := checkSocketIntegrationResponse(all, in, n); err != nil {
		return nil, err
	}
	if err := full(len(all), s.opt.MaxResources, "integration responses for this integration"); err != nil {
		return nil, err
	}
	n.IntegrationResponseID = freshID(7, func(id string) bool { return all[id] != nil })
	if all == nil {
		all = map[string]*socketIntegrationResponse{}
		a.edited.IntegrationResponses[in.IntegrationID] = all
	}
	all[n.IntegrationResponseID] = n
	s.autoDeploy(a)
	return n, nil
}

func checkSocketIntegrationResponse(all map[string]*socketIntegrationResponse, in *httpIntegration, n *socketIntegrationResponse) error {
	if in.IntegrationType != "MOCK" {
		return badRequest("Integration responses are not supported for proxy integrations")
	}
	key := n.IntegrationResponseKey
	if key != "$default" {
		if len(key) < 3 || !strings.HasPrefix(key, "/") || !strings.HasSuffix(key, "/") {
			return badRequest("Invalid integrationResponseKey specified. It should be $default or an expression between slashes")
		}
		if _, err := regexp.Compile(strings.Trim(key, "/")); err != nil {
			return badRequest("Invalid integrationResponseKey specified: " + err.Error())
		}
	}
	for _, other := range all {
		if other.IntegrationResponseKey == key && other.IntegrationResponseID != n.IntegrationResponseID {
			return conflict("IntegrationResponse with key " + key + " already exists for this Integration")
		}
	}
	return nil
}

func (s *Service) updateSocketIntegrationResponse(q *request) (any, error) {
	got, err := s.getSocketIntegrationResponse(q)
	if err != nil {
		return nil, err
	}
	a, in, err := q.socketIntegration()
	if err != nil {
		return nil, err
	}
	old := got.(*socketIntegrationResponse)
	n, err := overlay(q, old)
	if err != nil {
		return nil, err
	}
	n.IntegrationResponseID = old.IntegrationResponseID
	all := a.edited.IntegrationResponses[in.IntegrationID]
	if err := checkSocketIntegrationResponse(all, in, n); err != nil {
		return nil, err
	}
	all[n.IntegrationResponseID] = n
	s.autoDeploy(a)
	return n, nil
}

func (s *Service) deleteSocketIntegrationResponse(q *request) (any, error) {
	if _, err := s.getSocketIntegrationResponse(q); err != nil {
		return nil, err
	}
	a, in, err := q.socketIntegration()
	if err != nil {
		return nil, err
	}
	delete(a.edited.IntegrationResponses[in.IntegrationID], q.params["response_id"])
	s.autoDeploy(a)
	return nil, nil
}
