package apigateway

func (q *request) deployment() (*api, *deployment, error) {
	a, err := q.api()
	if err != nil {
		return nil, nil, err
	}
	d := a.deployments[q.params["deployment_id"]]
	if d == nil {
		return nil, nil, notFound("Invalid Deployment identifier specified")
	}
	return a, d, nil
}

func (s *Service) getDeployments(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	return page(q, a.deployments, same)
}

// getDeployment shows with embed=apisummary what was deployed: per path and verb the authorization type and whether an
// API key is needed. Which authorizer it is only an export tells.
func (s *Service) getDeployment(q *request) (any, error) {
	_, d, err := q.deployment()
	if err != nil {
		return nil, err
	}
	out := map[string]any{"id": d.ID, "createdDate": d.CreatedDate}
	if d.Description != "" {
		out["description"] = d.Description
	}
	for _, e := range q.embed() {
		if e != "apisummary" {
			continue
		}
		summary := map[string]map[string]any{}
		d.frozen.eachMethod(func(r *resource, m *method) {
			if summary[r.Path] == nil {
				summary[r.Path] = map[string]any{}
			}
			summary[r.Path][m.HTTPMethod] = map[string]any{"authorizationType": m.AuthorizationType, "apiKeyRequired": m.APIKeyRequired}
		})
		out["apiSummary"] = summary
	}
	return out, nil
}

func (s *Service) createDeployment(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	var in struct {
		StageName           string            `json:"stageName"`
		StageDescription    string            `json:"stageDescription"`
		Description         string            `json:"description"`
		CacheClusterEnabled bool              `json:"cacheClusterEnabled"`
		CacheClusterSize    string            `json:"cacheClusterSize"`
		Variables           map[string]string `json:"variables"`
		CanarySettings      *canarySettings   `json:"canarySettings"`
		TracingEnabled      bool              `json:"tracingEnabled"`
	}
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	if err := deployable(a.edited); err != nil {
		return nil, err
	}
	if in.StageName != "" && !stageName.MatchString(in.StageName) {
		return nil, badRequest(badStageName)
	}
	if err := checkVariables(in.Variables); err != nil {
		return nil, err
	}
	old := a.stages[in.StageName]
	if in.CanarySettings != nil {
		if in.StageName == "" {
			return nil, badRequest("Invalid deployment content specified.Non null and non empty stageName must be provided for canary deployment. Provided value is null")
		}
		if old == nil {
			return nil, badRequest("Invalid deployment content specified.Stage " + in.StageName + " must already be created before making a canary release deployment")
		}
		if p := in.CanarySettings.PercentTraffic; p < 0 || p > 100 {
			return nil, badRequest("Percent traffic must be between 0.0 and 100.0")
		}
	}
	if in.StageName != "" && old == nil && len(a.stages) >= s.opt.MaxStages {
		return nil, limitExceeded("Maximum number of stages for this API has been reached. Please contact AWS if you need additional stages.")
	}
	if err := full(len(a.deployments), maxItems, "deployments for this API"); err != nil {
		return nil, err
	}
	frozen := clone(a.edited)
	d := &deployment{ID: freshID(6, func(id string) bool { return a.deployments[id] != nil }), Description: in.Description,
		CreatedDate: s.opt.Now().Unix(), frozen: frozen, router: newRouter(frozen)}
	a.deployments[d.ID] = d
	if in.StageName == "" {
		return d, nil
	}
	now := s.opt.Now().Unix()
	st := newStage(in.StageName, d.ID, now)
	if old != nil {
		st = clone(old)
		st.LastUpdatedDate = now
	}
	if in.CanarySettings != nil { // the base of the stage stays
		in.CanarySettings.DeploymentID = d.ID
		st.CanarySettings = in.CanarySettings
	} else {
		st.DeploymentID = d.ID
	}
	if in.StageDescription != "" {
		st.Description = in.StageDescription
	}
	if in.Variables != nil && in.CanarySettings == nil {
		st.Variables = in.Variables
	}
	if old == nil {
		st.TracingEnabled = in.TracingEnabled
		st.CacheClusterEnabled, st.CacheClusterSize = in.CacheClusterEnabled, in.CacheClusterSize
		st.settleCache()
	}
	a.stages[in.StageName] = st
	return d, nil
}

// deployable refuses what AWS refuses: an API without methods, and methods without an integration.
func deployable(d *definition) error {
	methods, bare := 0, false
	d.eachMethod(func(_ *resource, m *method) {
		methods++
		bare = bare || m.MethodIntegration == nil
	})
	if methods == 0 {
		return badRequest("The REST API doesn't contain any methods")
	}
	if bare {
		return badRequest("No integration defined for method")
	}
	return nil
}

func (s *Service) updateDeployment(q *request) (any, error) {
	_, d, err := q.deployment()
	if err != nil {
		return nil, err
	}
	desc := d.Description
	if err := q.patch([]patchRule{setString("/description", &desc)}); err != nil {
		return nil, err
	}
	d.Description = desc
	return d, nil
}

func (s *Service) deleteDeployment(q *request) (any, error) {
	a, d, err := q.deployment()
	if err != nil {
		return nil, err
	}
	for _, st := range a.stages {
		if st.DeploymentID == d.ID || st.CanarySettings != nil && st.CanarySettings.DeploymentID == d.ID {
			return nil, badRequest("Active stages pointing to this deployment must be moved or deleted")
		}
	}
	delete(a.deployments, d.ID)
	return nil, nil
}
