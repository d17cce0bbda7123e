package apigateway

import (
	"slices"

	"portcullis/aws/local/wire"
)

// httpDeployment is a snapshot of an HTTP API.
type httpDeployment struct {
	AutoDeployed bool   `json:"autoDeployed"`
	CreatedDate  string `json:"createdDate"`
	DeploymentID string `json:"deploymentId"`
	Status       string `json:"deploymentStatus"`
	Description  string `json:"description,omitempty"`

	frozen *httpDefinition
	router *router
}

type httpStage struct {
	AutoDeploy   bool              `json:"autoDeploy"`
	CreatedDate  string            `json:"createdDate"`
	Defaults     *routeSettings    `json:"defaultRouteSettings"`
	DeploymentID string            `json:"deploymentId,omitempty"`
	Description  string            `json:"description,omitempty"`
	LastUpdated  string            `json:"lastUpdatedDate"`
	LastStatus   string            `json:"lastDeploymentStatusMessage,omitempty"`
	Settings     map[string]any    `json:"routeSettings"`
	StageName    string            `json:"stageName"`
	Variables    map[string]string `json:"stageVariables"`
	Tags         map[string]string `json:"tags"`
}

type routeSettings struct {
	DataTraceEnabled       bool    `json:"dataTraceEnabled,omitempty"`
	DetailedMetricsEnabled bool    `json:"detailedMetricsEnabled"`
	LoggingLevel           string  `json:"loggingLevel,omitempty"`
	ThrottlingBurstLimit   int     `json:"throttlingBurstLimit,omitempty"`
	ThrottlingRateLimit    float64 `json:"throttlingRateLimit,omitempty"`
}

func (s *Service) deployHTTP(a *httpAPI, description string, auto bool) *httpDeployment {
	frozen := clone(a.edited)
	d := &httpDeployment{AutoDeployed: auto, CreatedDate: iso(s.opt.Now()), Status: "DEPLOYED", Description: description, frozen: frozen, router: newHTTPRouter(frozen),
		DeploymentID: freshID(6, func(id string) bool { return a.deployments[id] != nil })}
	a.deployments[d.DeploymentID] = d
	return d
}

// autoDeploy publishes the edited state to the stages that ask for it. Their former automatic deployment goes, so that a
// busy API does not fill the list.
func (s *Service) autoDeploy(a *httpAPI) {
	var d *httpDeployment
	for name, old := range a.stages {
		if !old.AutoDeploy {
			continue
		}
		if d == nil {
			d = s.deployHTTP(a, "Automatic deployment triggered by changes to the Api configuration", true)
		}
		st := *old
		st.DeploymentID, st.LastUpdated = d.DeploymentID, d.CreatedDate
		st.LastStatus = "Successfully deployed stage with deployment ID '" + d.DeploymentID + "'"
		a.stages[name] = &st
	}
	for id, old := range a.deployments {
		if old.AutoDeployed && !a.inUse(id) {
			delete(a.deployments, id)
		}
	}
}

func (a *httpAPI) inUse(deployment string) bool {
	for _, st := range a.stages {
		if st.DeploymentID == deployment {
			return true
		}
	}
	return false
}

func (q *request) httpStage() (*httpAPI, *httpStage, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, nil, err
	}
	st := a.stages[q.params["stage_name"]]
	if st == nil {
		return nil, nil, httpNotFound("Stage", "Unable to find Stage by name "+q.params["stage_name"]+" within the provided API")
	}
	return a, st, nil
}

func (s *Service) getHTTPStages(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	return httpPage(q, a.stages)
}

func (s *Service) getHTTPStage(q *request) (any, error) {
	_, st, err := q.httpStage()
	if err != nil {
		return nil, err
	}
	return st, nil
}

func (s *Service) createHTTPStage(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	st := &httpStage{}
	if err := q.decode(st); err != nil {
		return nil, err
	}
	st.CreatedDate, st.LastStatus = iso(s.opt.Now()), ""
	st.LastUpdated = st.CreatedDate
	if err := checkHTTPStage(a, st); err != nil {
		return nil, err
	}
	if a.stages[st.StageName] != nil {
		return nil, conflict("Stage already exists")
	}
	if err := full(len(a.stages), s.opt.MaxStages, "stages for this API"); err != nil {
		return nil, err
	}
	a.stages[st.StageName] = st
	s.autoDeploy(a)
	return a.stages[st.StageName], nil
}

func checkHTTPStage(a *httpAPI, st *httpStage) error {
	if (st.StageName != "$default" || a.edited.API.ProtocolType == "WEBSOCKET") && !stageName.MatchString(st.StageName) {
		return badRequest("Stage name only allows a-zA-Z0-9_- or, for HTTP APIs, $default")
	}
	if err := checkVariables(st.Variables); err != nil {
		return err
	}
	if st.DeploymentID != "" && a.deployments[st.DeploymentID] == nil {
		return badRequest("Deployment id does not exist")
	}
	if len(st.Settings) > 0 {
		return wire.NotImplemented("apigatewayv2", "routeSettings")
	}
	if st.Defaults == nil {
		st.Defaults = &routeSettings{}
	}
	if st.Settings == nil {
		st.Settings = map[string]any{}
	}
	if st.Variables == nil {
		st.Variables = map[string]string{}
	}
	if st.Tags == nil {
		st.Tags = map[string]string{}
	}
	return nil
}

func (s *Service) updateHTTPStage(q *request) (any, error) {
	a, old, err := q.httpStage()
	if err != nil {
		return nil, err
	}
	st, err := overlay(q, old)
	if err != nil {
		return nil, err
	}
	st.StageName, st.CreatedDate, st.Tags = old.StageName, old.CreatedDate, old.Tags
	if old.AutoDeploy && st.AutoDeploy && st.DeploymentID != old.DeploymentID {
		return nil, badRequest("Deployment ID cannot be set on a stage with automatic deployment enabled")
	}
	if err := checkHTTPStage(a, st); err != nil {
		return nil, err
	}
	st.LastUpdated = iso(s.opt.Now())
	a.stages[st.StageName] = st
	if st.AutoDeploy && !old.AutoDeploy {
		s.autoDeploy(a)
	}
	return a.stages[st.StageName], nil
}

func (s *Service) deleteHTTPStage(q *request) (any, error) {
	a, st, err := q.httpStage()
	if err != nil {
		return nil, err
	}
	delete(a.stages, st.StageName)
	s.flushStage(a.edited.API.APIID, st.StageName)
	s.endSockets("Going away", func(c *wsConn) bool { return c.api == a.edited.API.APIID && c.stage == st.StageName })
	return nil, nil
}

func (s *Service) resetAuthorizersCache(q *request) (any, error) {
	a, st, err := q.httpStage()
	if err != nil {
		return nil, err
	}
	s.flushStage(a.edited.API.APIID, st.StageName)
	return nil, nil
}

func (s *Service) getHTTPDeployments(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	return httpPage(q, a.deployments)
}

func (s *Service) getHTTPDeployment(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	if d := a.deployments[q.params["deployment_id"]]; d != nil {
		return d, nil
	}
	return nil, httpNotFound("Deployment", "Invalid Deployment identifier specified")
}

func (s *Service) createHTTPDeployment(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	var in struct {
		Description string `json:"description"`
		StageName   string `json:"stageName"`
	}
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	if len(a.edited.Routes) == 0 {
		return nil, badRequest("At least one route is required before deploying the Api.")
	}
	if !slices.ContainsFunc(sortedKeys(a.edited.Routes), func(id string) bool { return a.edited.Routes[id].Target != "" }) {
		return nil, badRequest("At least one route with a target is required before deploying the Api.")
	}
	st := a.stages[in.StageName]
	if in.StageName != "" && st == nil {
		return nil, httpNotFound("Stage", "Unable to find Stage by name "+in.StageName+" within the provided API")
	}
	if st != nil && st.AutoDeploy {
		return nil, badRequest("Deployment cannot be created for a stage with automatic deployment enabled")
	}
	if err := full(len(a.deployments), maxItems, "deployments for this API"); err != nil {
		return nil, err
	}
	d := s.deployHTTP(a, in.Description, false)
	if st != nil {
		n := *st
		n.DeploymentID, n.LastUpdated = d.DeploymentID, d.CreatedDate
		a.stages[in.StageName] = &n
	}
	return d, nil
}

func (s *Service) deleteHTTPDeployment(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	id := q.params["deployment_id"]
	if a.deployments[id] == nil {
		return nil, httpNotFound("Deployment", "Invalid Deployment identifier specified")
	}
	if a.inUse(id) {
		return nil, badRequest("Active stages pointing to this deployment must be moved or deleted")
	}
	delete(a.deployments, id)
	return nil, nil
}
