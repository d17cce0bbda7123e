package apigateway

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"portcullis/aws/local/wire"
)

// This file and the others named http… simulate HTTP APIs (the apigatewayv2 API), and the control plane that WebSocket APIs
// share with them. What only WebSocket APIs have is in the files named ws….

// httpAPI is one HTTP or WebSocket API: the edited state, the deployments, the stages.
type httpAPI struct {
	scope
	edited      *httpDefinition
	deployments map[string]*httpDeployment
	stages      map[string]*httpStage // a *httpStage is replaced, never changed
}

// httpDefinition is what a deployment of an HTTP API freezes.
type httpDefinition struct {
	API          httpAPIInfo
	Routes       map[string]*httpRoute
	Integrations map[string]*httpIntegration
	Authorizers  map[string]*httpAuthorizer

	// Only of WebSocket APIs.
	RouteResponses       map[string]map[string]*routeResponse             // :: route id → response id → response
	IntegrationResponses map[string]map[string]*socketIntegrationResponse // :: integration id → response id → response
}

type httpAPIInfo struct {
	APIID                     string            `json:"apiId"`
	APIEndpoint               string            `json:"apiEndpoint"`
	APIKeySelection           string            `json:"apiKeySelectionExpression"`
	CORS                      *corsSettings     `json:"corsConfiguration,omitempty"`
	CreatedDate               string            `json:"createdDate"`
	Description               string            `json:"description,omitempty"`
	DisableExecuteAPIEndpoint bool              `json:"disableExecuteApiEndpoint"`
	ImportInfo                []string          `json:"importInfo,omitempty"` // warnings of the last import
	IPAddressType             string            `json:"ipAddressType"`
	Name                      string            `json:"name"`
	ProtocolType              string            `json:"protocolType"`
	RouteSelection            string            `json:"routeSelectionExpression"`
	Tags                      map[string]string `json:"tags"`
	Version                   string            `json:"version,omitempty"`
}

type corsSettings struct {
	AllowCredentials bool     `json:"allowCredentials"`
	AllowHeaders     []string `json:"allowHeaders,omitempty"`
	AllowMethods     []string `json:"allowMethods,omitempty"`
	AllowOrigins     []string `json:"allowOrigins,omitempty"`
	ExposeHeaders    []string `json:"exposeHeaders,omitempty"`
	MaxAge           int      `json:"maxAge"`
}

const routeSelection = "$request.method $request.path"

// iso is a time as this API writes it.
func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// overlay returns old with the members that body sets, whole member by whole member, as the PATCH of this API does.
func overlay[T any](q *request, old *T) (*T, error) {
	var changes map[string]json.RawMessage
	if err := q.decode(&changes); err != nil {
		return nil, err
	}
	b, err := json.Marshal(old)
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	maps.Copy(all, changes)
	if b, err = json.Marshal(all); err != nil {
		return nil, err
	}
	n := new(T)
	if err := json.Unmarshal(b, n); err != nil {
		return nil, badRequest("Invalid request body: " + err.Error())
	}
	return n, nil
}

// httpPage is page for the lists of this API: "items", "nextToken", maxResults.
func httpPage[T any](q *request, items map[string]T) (any, error) {
	limit := 100
	if l := q.query.Get("maxResults"); l != "" {
		n, err := strconv.Atoi(l)
		if err != nil || n < 1 || n > 500 {
			return nil, badRequest("maxResults must be between 1 and 500")
		}
		limit = n
	}
	after, err := base64.RawURLEncoding.DecodeString(q.query.Get("nextToken"))
	if err != nil {
		return nil, badRequest("Invalid nextToken")
	}
	last, list := string(after), []any{}
	out := map[string]any{}
	for _, id := range sortedKeys(items) {
		if last != "" && id <= last {
			continue
		}
		if len(list) == limit {
			out["nextToken"] = base64.RawURLEncoding.EncodeToString([]byte(last))
			break
		}
		list = append(list, items[id])
		last = id
	}
	out["items"] = list
	return out, nil
}

func (q *request) httpAPI() (*httpAPI, error) {
	id := q.params["api_id"]
	if a := q.account.httpAPIs[id]; a != nil {
		return a, nil
	}
	return nil, httpNotFound("Api", "Invalid API identifier specified "+q.Account+":"+id)
}

func httpNotFound(kind, message string) error {
	return &wire.Error{Status: 404, Code: "NotFoundException", Message: message, Fields: map[string]any{"resourceType": kind}}
}

func (s *Service) getHTTPAPIs(q *request) (any, error) {
	infos := map[string]httpAPIInfo{}
	for id, a := range q.account.httpAPIs {
		infos[id] = a.edited.API
	}
	return httpPage(q, infos)
}

func (s *Service) getHTTPAPI(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	return a.edited.API, nil
}

func (s *Service) createHTTPAPI(q *request) (any, error) {
	var in struct {
		httpAPIInfo
		Target   string `json:"target"`
		RouteKey string `json:"routeKey"`
	}
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	if in.Target != "" || in.RouteKey != "" {
		return nil, wire.NotImplemented("apigatewayv2", "CreateApi with target (quick create)")
	}
	info := in.httpAPIInfo
	info.ImportInfo = nil
	if err := checkHTTPAPI(&info); err != nil {
		return nil, err
	}
	a, err := s.addHTTPAPI(q, info)
	if err != nil {
		return nil, err
	}
	return a.edited.API, nil
}

// newHTTPDefinition is an API without routes.
func newHTTPDefinition(info httpAPIInfo) *httpDefinition {
	return &httpDefinition{API: info, Routes: map[string]*httpRoute{}, Integrations: map[string]*httpIntegration{}, Authorizers: map[string]*httpAuthorizer{},
		RouteResponses: map[string]map[string]*routeResponse{}, IntegrationResponses: map[string]map[string]*socketIntegrationResponse{}}
}

// addHTTPAPI gives a checked API its identity and a place in the account.
func (s *Service) addHTTPAPI(q *request, info httpAPIInfo) (*httpAPI, error) {
	if err := full(len(q.account.httpAPIs), s.opt.MaxAPIs, "APIs"); err != nil {
		return nil, err
	}
	info.APIID = freshID(10, func(id string) bool { return s.apis[id] != nil || s.httpAPIs[id] != nil })
	info.APIEndpoint = "https://" + info.APIID + ".execute-api." + q.Region + ".amazonaws.com"
	if info.ProtocolType == "WEBSOCKET" {
		info.APIEndpoint = "wss://" + strings.TrimPrefix(info.APIEndpoint, "https://")
	}
	info.CreatedDate = iso(s.opt.Now())
	if info.Tags == nil {
		info.Tags = map[string]string{}
	}
	a := &httpAPI{scope: q.account.scope, deployments: map[string]*httpDeployment{}, stages: map[string]*httpStage{}, edited: newHTTPDefinition(info)}
	q.account.httpAPIs[info.APIID] = a
	s.httpAPIs[info.APIID] = a
	return a, nil
}

func checkHTTPAPI(info *httpAPIInfo) error {
	if info.Name == "" || len(info.Name) > 128 {
		return badRequest("Name must have between 1 and 128 characters")
	}
	if info.ProtocolType == "WEBSOCKET" {
		return checkSocketAPI(info)
	}
	if info.ProtocolType != "HTTP" {
		return badRequest("Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]")
	}
	if info.RouteSelection == "" {
		info.RouteSelection = routeSelection
	}
	if info.RouteSelection != routeSelection && info.RouteSelection != "${request.method} ${request.path}" {
		return badRequest("HTTP APIs only support a routeSelectionExpression of " + routeSelection)
	}
	info.APIKeySelection = "$request.header.x-api-key"
	if info.IPAddressType == "" {
		info.IPAddressType = "ipv4"
	}
	if c := info.CORS; c != nil && c.AllowCredentials && slices.Contains(c.AllowOrigins, "*") {
		return badRequest("Allow-Origin cannot be * when credentials are allowed")
	}
	return nil
}

func (s *Service) updateHTTPAPI(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	n, err := overlay(q, &a.edited.API)
	if err != nil {
		return nil, err
	}
	old := a.edited.API
	n.APIID, n.APIEndpoint, n.CreatedDate, n.ProtocolType, n.Tags = old.APIID, old.APIEndpoint, old.CreatedDate, old.ProtocolType, old.Tags
	n.ImportInfo = old.ImportInfo
	if err := checkHTTPAPI(n); err != nil {
		return nil, err
	}
	a.edited.API = *n
	s.autoDeploy(a)
	return *n, nil
}

func (s *Service) deleteCORS(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	a.edited.API.CORS = nil
	s.autoDeploy(a)
	return nil, nil
}

func (s *Service) deleteHTTPAPI(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	id := a.edited.API.APIID
	delete(q.account.httpAPIs, id)
	delete(s.httpAPIs, id)
	s.cache.flush(func(k cacheKey) bool { return k.api == id })
	s.endSockets("Going away", func(c *wsConn) bool { return c.api == id })
	return nil, nil
}

// httpControlRoutes are the operations on HTTP and WebSocket APIs.
func httpControlRoutes() []route {
	const api = "/v2/apis/{api_id}"
	return []route{
		{verb: "GET", path: "/v2/apis", operation: "GetApis", status: 200, handle: (*Service).getHTTPAPIs},
		{verb: "POST", path: "/v2/apis", operation: "CreateApi", status: 201, handle: (*Service).createHTTPAPI},
		{verb: "PUT", path: "/v2/apis", operation: "ImportApi", status: 201, handle: (*Service).importHTTPAPI},
		{verb: "PUT", path: api, operation: "ReimportApi", status: 201, handle: (*Service).reimportHTTPAPI},
		{verb: "GET", path: api + "/exports/{specification}", operation: "ExportApi", status: 200, handle: (*Service).exportHTTPAPI},
		{verb: "GET", path: api, operation: "GetApi", status: 200, handle: (*Service).getHTTPAPI},
		{verb: "PATCH", path: api, operation: "UpdateApi", status: 200, handle: (*Service).updateHTTPAPI},
		{verb: "DELETE", path: api, operation: "DeleteApi", status: 204, handle: (*Service).deleteHTTPAPI},
		{verb: "DELETE", path: api + "/cors", operation: "DeleteCorsConfiguration", status: 204, handle: (*Service).deleteCORS},

		{verb: "GET", path: "/v2/tags/{resource_arn}", operation: "GetTags", status: 200, handle: (*Service).getTags},
		{verb: "POST", path: "/v2/tags/{resource_arn}", operation: "TagResource", status: 201, handle: (*Service).tagHTTPResource},
		{verb: "DELETE", path: "/v2/tags/{resource_arn}", operation: "UntagResource", status: 204, handle: (*Service).untagResource},

		{verb: "GET", path: api + "/routes", operation: "GetRoutes", status: 200, handle: (*Service).getRoutes},
		{verb: "POST", path: api + "/routes", operation: "CreateRoute", status: 201, handle: (*Service).createRoute},
		{verb: "GET", path: api + "/routes/{route_id}", operation: "GetRoute", status: 200, handle: (*Service).getRoute},
		{verb: "PATCH", path: api + "/routes/{route_id}", operation: "UpdateRoute", status: 200, handle: (*Service).updateRoute},
		{verb: "DELETE", path: api + "/routes/{route_id}", operation: "DeleteRoute", status: 204, handle: (*Service).deleteRoute},

		{verb: "GET", path: api + "/integrations", operation: "GetIntegrations", status: 200, handle: (*Service).getHTTPIntegrations},
		{verb: "POST", path: api + "/integrations", operation: "CreateIntegration", status: 201, handle: (*Service).createHTTPIntegration},
		{verb: "GET", path: api + "/integrations/{integration_id}", operation: "GetIntegration", status: 200, handle: (*Service).getHTTPIntegration},
		{verb: "PATCH", path: api + "/integrations/{integration_id}", operation: "UpdateIntegration", status: 200, handle: (*Service).updateHTTPIntegration},
		{verb: "DELETE", path: api + "/integrations/{integration_id}", operation: "DeleteIntegration", status: 204, handle: (*Service).deleteHTTPIntegration},

		{verb: "GET", path: api + "/authorizers", operation: "GetAuthorizers", status: 200, handle: (*Service).getHTTPAuthorizers},
		{verb: "POST", path: api + "/authorizers", operation: "CreateAuthorizer", status: 201, handle: (*Service).createHTTPAuthorizer},
		{verb: "GET", path: api + "/authorizers/{authorizer_id}", operation: "GetAuthorizer", status: 200, handle: (*Service).getHTTPAuthorizer},
		{verb: "PATCH", path: api + "/authorizers/{authorizer_id}", operation: "UpdateAuthorizer", status: 200, handle: (*Service).updateHTTPAuthorizer},
		{verb: "DELETE", path: api + "/authorizers/{authorizer_id}", operation: "DeleteAuthorizer", status: 204, handle: (*Service).deleteHTTPAuthorizer},

		{verb: "GET", path: api + "/routes/{route_id}/routeresponses", operation: "GetRouteResponses", status: 200, handle: (*Service).getRouteResponses},
		{verb: "POST", path: api + "/routes/{route_id}/routeresponses", operation: "CreateRouteResponse", status: 201, handle: (*Service).createRouteResponse},
		{verb: "GET", path: api + "/routes/{route_id}/routeresponses/{response_id}", operation: "GetRouteResponse", status: 200, handle: (*Service).getRouteResponse},
		{verb: "DELETE", path: api + "/routes/{route_id}/routeresponses/{response_id}", operation: "DeleteRouteResponse", status: 204, handle: (*Service).deleteRouteResponse},
		{verb: "GET", path: api + "/integrations/{integration_id}/integrationresponses", operation: "GetIntegrationResponses", status: 200, handle: (*Service).getIntegrationResponses},
		{verb: "POST", path: api + "/integrations/{integration_id}/integrationresponses", operation: "CreateIntegrationResponse", status: 201, handle: (*Service).createSocketIntegrationResponse},
		{verb: "GET", path: api + "/integrations/{integration_id}/integrationresponses/{response_id}", operation: "GetIntegrationResponse", status: 200, handle: (*Service).getSocketIntegrationResponse},
		{verb: "PATCH", path: api + "/integrations/{integration_id}/integrationresponses/{response_id}", operation: "UpdateIntegrationResponse", status: 200, handle: (*Service).updateSocketIntegrationResponse},
		{verb: "DELETE", path: api + "/integrations/{integration_id}/integrationresponses/{response_id}", operation: "DeleteIntegrationResponse", status: 204, handle: (*Service).deleteSocketIntegrationResponse},

		{verb: "GET", path: api + "/stages", operation: "GetStages", status: 200, handle: (*Service).getHTTPStages},
		{verb: "POST", path: api + "/stages", operation: "CreateStage", status: 201, handle: (*Service).createHTTPStage},
		{verb: "GET", path: api + "/stages/{stage_name}", operation: "GetStage", status: 200, handle: (*Service).getHTTPStage},
		{verb: "PATCH", path: api + "/stages/{stage_name}", operation: "UpdateStage", status: 200, handle: (*Service).updateHTTPStage},
		{verb: "DELETE", path: api + "/stages/{stage_name}", operation: "DeleteStage", status: 204, handle: (*Service).deleteHTTPStage},
		{verb: "DELETE", path: api + "/stages/{stage_name}/cache/authorizers", operation: "ResetAuthorizersCache", status: 204, handle: (*Service).resetAuthorizersCache},

		{verb: "GET", path: api + "/deployments", operation: "GetDeployments", status: 200, handle: (*Service).getHTTPDeployments},
		{verb: "POST", path: api + "/deployments", operation: "CreateDeployment", status: 201, handle: (*Service).createHTTPDeployment},
		{verb: "GET", path: api + "/deployments/{deployment_id}", operation: "GetDeployment", status: 200, handle: (*Service).getHTTPDeployment},
		{verb: "DELETE", path: api + "/deployments/{deployment_id}", operation: "DeleteDeployment", status: 204, handle: (*Service).deleteHTTPDeployment},
	}
}

// httpPath is the resource path that IAM sees: without the version.
func httpPath(path string) string {
	if rest, ok := strings.CutPrefix(path, "/v2/"); ok {
		return "/" + rest
	}
	return path
}
