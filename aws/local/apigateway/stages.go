package apigateway

import (
	"regexp"
	"slices"
	"strings"
)

const (
	badStage     = "Invalid Stage identifier specified"
	badStageName = "Stage name only allows a-zA-Z0-9_"
)

var (
	stageName     = regexp.MustCompile(`^[a-zA-Z0-9_\-]{1,128}$`)
	variableName  = regexp.MustCompile(`^[a-zA-Z0-9_]+$`)
	variableValue = regexp.MustCompile(`^[A-Za-z0-9\-._~:/?#&=,]*$`)
)

func newStage(name, deployment string, now int64) *stage {
	return &stage{StageName: name, DeploymentID: deployment, CacheClusterStatus: "NOT_AVAILABLE", MethodSettings: map[string]methodSetting{},
		CreatedDate: now, LastUpdatedDate: now}
}

func checkVariables(vars map[string]string) error {
	for k, v := range vars {
		if !variableName.MatchString(k) {
			return badRequest("Stage variable name cannot have special characters: " + k)
		}
		if !variableValue.MatchString(v) {
			return badRequest("Stage variable value has invalid characters: " + k)
		}
	}
	return nil
}

func (q *request) stage() (*api, *stage, error) {
	a, err := q.api()
	if err != nil {
		return nil, nil, err
	}
	st := a.stages[q.params["stage_name"]]
	if st == nil {
		return nil, nil, notFound(badStage)
	}
	return a, st, nil
}

// getStages is not paginated.
func (s *Service) getStages(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	list := []*stage{}
	want := q.query.Get("deploymentId")
	for _, name := range sortedKeys(a.stages) {
		if st := a.stages[name]; want == "" || st.DeploymentID == want {
			list = append(list, st)
		}
	}
	return map[string]any{"item": list}, nil
}

func (s *Service) getStage(q *request) (any, error) {
	_, st, err := q.stage()
	if err != nil {
		return nil, err
	}
	return st, nil
}

func (s *Service) createStage(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	st := newStage("", "", s.opt.Now().Unix())
	if err := q.decode(st); err != nil {
		return nil, err
	}
	st.CreatedDate = s.opt.Now().Unix()
	st.LastUpdatedDate, st.MethodSettings = st.CreatedDate, map[string]methodSetting{}
	if st.CacheClusterSize != "" && !slices.Contains(cacheSizes, st.CacheClusterSize) {
		return nil, badRequest("Invalid value '" + st.CacheClusterSize + "' for /cacheClusterSize. Must be one of: [" + strings.Join(cacheSizes, ", ") + "]")
	}
	st.settleCache()
	if !stageName.MatchString(st.StageName) {
		return nil, badRequest(badStageName)
	}
	if err := checkVariables(st.Variables); err != nil {
		return nil, err
	}
	if a.deployments[st.DeploymentID] == nil {
		return nil, badRequest("Deployment id does not exist")
	}
	if c := st.CanarySettings; c != nil && a.deployments[c.DeploymentID] == nil {
		return nil, badRequest("Deployment id does not exist")
	}
	if err := q.stageRefers(a, &stage{}, st); err != nil {
		return nil, err
	}
	if a.stages[st.StageName] != nil {
		return nil, conflict("Stage already exists")
	}
	if len(a.stages) >= s.opt.MaxStages {
		return nil, limitExceeded("Maximum number of stages for this API has been reached. Please contact AWS if you need additional stages.")
	}
	a.stages[st.StageName] = st
	return st, nil
}

// stageRefers checks that what a stage newly refers to exists.
func (q *request) stageRefers(a *api, old, st *stage) error {
	if id := st.ClientCertificateID; id != "" && id != old.ClientCertificateID && q.account.certificates[id] == nil {
		return badRequest(badCertificate)
	}
	if v := st.DocumentationVer; v != "" && v != old.DocumentationVer && a.documentation.versions[v] == nil {
		return badRequest(badDocumentationVersion)
	}
	return nil
}

func (s *Service) updateStage(q *request) (any, error) {
	a, old, err := q.stage()
	if err != nil {
		return nil, err
	}
	st := clone(old)
	err = q.patchAs(slices.Concat(canaryRules(a, st), stageRules(a, st)), stageRefusal)
	if err != nil {
		return nil, err
	}
	if err := checkVariables(st.Variables); err != nil {
		return nil, err
	}
	if err := q.stageRefers(a, old, st); err != nil {
		return nil, err
	}
	for key, m := range st.MethodSettings {
		if (m.LoggingLevel == "ERROR" || m.LoggingLevel == "INFO") && m.LoggingLevel != old.MethodSettings[key].LoggingLevel && q.account.settings.CloudwatchRoleARN == "" {
			return nil, badRequest(noCloudWatchRole)
		}
	}
	st.LastUpdatedDate = s.opt.Now().Unix()
	st.settleCache()
	if !st.CacheClusterEnabled {
		s.flushResponses(a.edited.API.ID, st.StageName) // its cluster is gone
	}
	a.stages[st.StageName] = st
	return st, nil
}

// cacheSizes are the sizes of a cache cluster in GB. They do not matter here.
var cacheSizes = []string{"0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237"}

// settleCache says of the cache cluster what its being enabled means. It takes no time here.
func (st *stage) settleCache() {
	st.CacheClusterStatus = "NOT_AVAILABLE"
	if st.CacheClusterEnabled {
		st.CacheClusterStatus = "AVAILABLE"
		if st.CacheClusterSize == "" {
			st.CacheClusterSize = "0.5"
		}
	}
}

// stageRules are the patch rules of a stage but for its canary.
func stageRules(a *api, st *stage) []patchRule {
	logs := func() *accessLogSettings {
		if st.AccessLogSettings == nil {
			st.AccessLogSettings = &accessLogSettings{}
		}
		return st.AccessLogSettings
	}
	return []patchRule{
		{"/deploymentId", "replace,copy", func(op patchOp, _ []string) error {
			id := op.Value
			if op.Op == "copy" {
				if op.From != "/canarySettings/deploymentId" || st.CanarySettings == nil {
					return badRequest("Invalid copy source " + op.From)
				}
				id = st.CanarySettings.DeploymentID
			}
			st.DeploymentID = id
			return a.knownDeployment(id)
		}},
		setString("/description", &st.Description),
		setString("/clientCertificateId", &st.ClientCertificateID),
		setString("/documentationVersion", &st.DocumentationVer),
		setBool("/cacheClusterEnabled", &st.CacheClusterEnabled),
		oneOf("/cacheClusterSize", &st.CacheClusterSize, cacheSizes...),
		setBool("/tracingEnabled", &st.TracingEnabled),
		{"/variables/{}", "replace,remove,add", inMap("", &st.Variables).apply},
		{"/variables", "copy", func(op patchOp, _ []string) error {
			if op.From != "/canarySettings/stageVariableOverrides" || st.CanarySettings == nil {
				return badRequest("Invalid copy source " + op.From)
			}
			if st.Variables == nil {
				st.Variables = map[string]string{}
			}
			for k, v := range st.CanarySettings.StageVariableOverrides {
				st.Variables[k] = v
			}
			return nil
		}},
		{"/accessLogSettings", "remove", func(patchOp, []string) error { st.AccessLogSettings = nil; return nil }},
		{"/accessLogSettings/destinationArn", "replace,add", via(func() patchRule { return setString("", &logs().DestinationARN) })},
		{"/accessLogSettings/format", "replace,add", via(func() patchRule { return setString("", &logs().Format) })},
		{"/{}/{}/{}/{}", "replace", func(op patchOp, seg []string) error { return methodSettingPatch(st, op, seg) }},
		{"/{}/{}", "remove", func(op patchOp, seg []string) error {
			key := settingKey(seg[0], seg[1])
			if _, ok := st.MethodSettings[key]; !ok {
				return badRequest("Cannot remove method setting " + strings.TrimPrefix(op.Path, "/") + " because there is no method setting for this method ")
			}
			delete(st.MethodSettings, key)
			return nil
		}},
	}
}

// canaryRules come before the ones of method settings, whose paths have the same form.
func canaryRules(a *api, st *stage) []patchRule {
	canary := func() *canarySettings {
		if st.CanarySettings == nil {
			st.CanarySettings = &canarySettings{DeploymentID: st.DeploymentID}
		}
		return st.CanarySettings
	}
	return []patchRule{
		{"/canarySettings", "remove", func(patchOp, []string) error { st.CanarySettings = nil; return nil }},
		{"/canarySettings/percentTraffic", "replace", func(op patchOp, _ []string) error {
			if err := setFloat("/percentTraffic", &canary().PercentTraffic).apply(op, nil); err != nil {
				return err
			}
			if p := st.CanarySettings.PercentTraffic; p < 0 || p > 100 {
				return badRequest("Percent traffic must be between 0.0 and 100.0")
			}
			return nil
		}},
		{"/canarySettings/deploymentId", "replace", func(op patchOp, _ []string) error {
			canary().DeploymentID = op.Value
			return a.knownDeployment(op.Value)
		}},
		{"/canarySettings/useStageCache", "replace", via(func() patchRule { return setBool("", &canary().UseStageCache) })},
		{"/canarySettings/stageVariableOverrides/{}", "add,remove,replace", via(func() patchRule { return inMap("", &canary().StageVariableOverrides) })},
	}
}

// via is for a target that exists only when its rule applies.
func via(rule func() patchRule) func(patchOp, []string) error {
	return func(op patchOp, seg []string) error { return rule().apply(op, seg) }
}

func (a *api) knownDeployment(id string) error {
	if a.deployments[id] == nil {
		return badRequest("Deployment id does not exist")
	}
	return nil
}

// stageRefusal names the paths of a stage as the service does, its slips of punctuation included.
func stageRefusal(op patchOp, rule *patchRule, _ []patchRule) string {
	if rule != nil && op.Op != "replace" && rule.path != "/{}/{}" {
		return "Invalid " + op.Op + " operation with path: " + op.Path
	}
	paths := []string{"/deploymentId", "/description", "/cacheClusterEnabled", "/cacheClusterSize", "/clientCertificateId", "/accessLogSettings",
		"/accessLogSettings/destinationArn", "/accessLogSettings/format"}
	for _, of := range []struct{ prefix, gap string }{{"/{resourcePath}/{httpMethod}", ""}, {"/*/*", " "}} {
		paths = append(paths, of.prefix+"/metrics/enabled", of.prefix+"/logging/dataTrace", of.prefix+"/logging/loglevel",
			of.prefix+"/throttling/burstLimit"+of.gap+of.prefix+"/throttling/rateLimit"+of.gap+of.prefix+"/caching/ttlInSeconds",
			of.prefix+"/caching/enabled", of.prefix+"/caching/dataEncrypted", of.prefix+"/caching/requireAuthorizationForCacheControl",
			of.prefix+"/caching/unauthorizedCacheControlHeaderStrategy")
	}
	paths = append(paths, "/variables/{variable_name}", "/tracingEnabled")
	return "Invalid method setting path: " + op.Path + ". Must be one of: [" + strings.Join(paths, ", ") + "]"
}

// settingKey is the key of a method setting: "*/*", or the path with its slashes as ~1 and the verb.
func settingKey(path, verb string) string {
	return strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "~1") + "/" + verb
}

// methodSettingPatch handles /{path}/{verb}/{group}/{name}, for example /*/*/throttling/rateLimit.
func methodSettingPatch(st *stage, op patchOp, seg []string) error {
	key := settingKey(seg[0], seg[1])
	m, ok := st.MethodSettings[key]
	if !ok {
		m = methodSetting{ThrottlingBurstLimit: 5000, ThrottlingRateLimit: 10000, CacheTTLInSeconds: 300, RequireAuthorizationForCacheControl: true,
			UnauthorizedCacheControlHeaderStrategy: "SUCCEED_WITH_RESPONSE_HEADER"}
	}
	rules := map[string]patchRule{
		"metrics/enabled":                                setBool("", &m.MetricsEnabled),
		"logging/loglevel":                               oneOf("/logging/loglevel", &m.LoggingLevel, "OFF", "ERROR", "INFO"),
		"logging/dataTrace":                              setBool("", &m.DataTraceEnabled),
		"throttling/burstLimit":                          setInt("/throttling/burstLimit", &m.ThrottlingBurstLimit),
		"throttling/rateLimit":                           setFloat("/throttling/rateLimit", &m.ThrottlingRateLimit),
		"caching/enabled":                                setBool("", &m.CachingEnabled),
		"caching/ttlInSeconds":                           cacheTTL(&m.CacheTTLInSeconds),
		"caching/dataEncrypted":                          setBool("", &m.CacheDataEncrypted),
		"caching/requireAuthorizationForCacheControl":    setBool("", &m.RequireAuthorizationForCacheControl),
		"caching/unauthorizedCacheControlHeaderStrategy": oneOf("/caching/unauthorizedCacheControlHeaderStrategy", &m.UnauthorizedCacheControlHeaderStrategy, "FAIL_WITH_403", "SUCCEED_WITH_RESPONSE_HEADER", "SUCCEED_WITHOUT_RESPONSE_HEADER"),
	}
	r, ok := rules[seg[2]+"/"+seg[3]]
	if !ok {
		return badRequest(stageRefusal(op, nil, nil))
	}
	if err := r.apply(op, nil); err != nil {
		return err
	}
	st.MethodSettings[key] = m
	return nil
}

// cacheTTL takes 0 to 3600 seconds; 0 means that nothing is kept.
func cacheTTL(to *int) patchRule {
	n := -1
	rule := setInt("", &n)
	return patchRule{rule.path, rule.ops, func(op patchOp, seg []string) error {
		if err := rule.apply(op, seg); err != nil {
			return err
		}
		if n < 0 || n > 3600 {
			return badRequest("Invalid cache TTL specified: " + op.Value + ". It must be between 0 and 3600 seconds")
		}
		*to = n
		return nil
	}}
}

func (s *Service) deleteStage(q *request) (any, error) {
	a, st, err := q.stage()
	if err != nil {
		return nil, err
	}
	for _, p := range q.account.usagePlans {
		for _, ps := range p.APIStages {
			if ps.APIID == a.edited.API.ID && ps.Stage == st.StageName {
				return nil, badRequest("Stage " + st.StageName + " is used by usage plan " + p.ID + " and must be removed from it first")
			}
		}
	}
	delete(a.stages, st.StageName)
	s.flushStage(a.edited.API.ID, st.StageName)
	s.flushResponses(a.edited.API.ID, st.StageName)
	return nil, nil
}

func (s *Service) flushStageAuthorizersCache(q *request) (any, error) {
	a, st, err := q.stage()
	if err != nil {
		return nil, err
	}
	s.flushStage(a.edited.API.ID, st.StageName)
	return nil, nil
}

func (s *Service) flushStageCache(q *request) (any, error) {
	a, st, err := q.stage()
	if err != nil {
		return nil, err
	}
	s.flushResponses(a.edited.API.ID, st.StageName)
	return nil, nil
}

func (s *Service) flushResponses(apiID, stage string) {
	s.responses.flush(func(k responseKey) bool { return k.api == apiID && k.stage == stage })
}

func (s *Service) flushStage(apiID, stage string) {
	s.cache.flush(func(k cacheKey) bool { return k.api == apiID && k.stage == stage })
}
