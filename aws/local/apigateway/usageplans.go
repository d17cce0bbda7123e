package apigateway

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

type apiKey struct {
	ID              string            `json:"id"`
	Value           string            `json:"value,omitempty"`
	Name            string            `json:"name,omitempty"`
	CustomerID      string            `json:"customerId,omitempty"`
	Description     string            `json:"description,omitempty"`
	Enabled         bool              `json:"enabled"`
	CreatedDate     int64             `json:"createdDate"`
	LastUpdatedDate int64             `json:"lastUpdatedDate"`
	StageKeys       []string          `json:"stageKeys"`
	Tags            map[string]string `json:"tags,omitempty"`
}

type throttleSettings struct {
	BurstLimit int     `json:"burstLimit"`
	RateLimit  float64 `json:"rateLimit"`
}

type quotaSettings struct {
	Limit  int    `json:"limit"`
	Offset int    `json:"offset"`
	Period string `json:"period"` // DAY, WEEK or MONTH
}

type planStage struct {
	APIID    string                      `json:"apiId"`
	Stage    string                      `json:"stage"`
	Throttle map[string]throttleSettings `json:"throttle,omitempty"` // :: "/pets/GET" → settings
}

type usagePlan struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	APIStages   []planStage       `json:"apiStages"`
	Throttle    *throttleSettings `json:"throttle,omitempty"`
	Quota       *quotaSettings    `json:"quota,omitempty"`
	ProductCode string            `json:"productCode,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`

	keys []string // ids of its API keys
}

// shown is a key without its value unless asked for.
func (k *apiKey) shown(withValue bool) apiKey {
	out := *k
	if !withValue {
		out.Value = ""
	}
	return out
}

func (q *request) apiKey() (*apiKey, error) {
	k := q.account.keys[q.params["api_key"]]
	if k == nil {
		return nil, notFound("Invalid API Key identifier specified")
	}
	return k, nil
}

func (s *Service) getAPIKeys(q *request) (any, error) {
	keys := map[string]*apiKey{}
	for id, k := range q.account.keys {
		if strings.HasPrefix(k.Name, q.query.Get("name")) && (q.query.Get("customerId") == "" || k.CustomerID == q.query.Get("customerId")) {
			keys[id] = k
		}
	}
	return page(q, keys, func(k *apiKey) any { return k.shown(q.query.Get("includeValues") == "true") })
}

func (s *Service) getAPIKey(q *request) (any, error) {
	k, err := q.apiKey()
	if err != nil {
		return nil, err
	}
	return k.shown(q.query.Get("includeValue") == "true"), nil
}

func (s *Service) createAPIKey(q *request) (any, error) {
	var in struct {
		apiKey
		StageKeys []struct {
			RestAPIID string `json:"restApiId"`
			StageName string `json:"stageName"`
		} `json:"stageKeys"`
	}
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	k := in.apiKey
	k.StageKeys = []string{}
	for _, st := range in.StageKeys {
		k.StageKeys = append(k.StageKeys, st.RestAPIID+"/"+st.StageName)
	}
	if err := s.addKey(q.account, &k); err != nil {
		return nil, err
	}
	return k, nil
}

// addKey takes a key whose value nobody has; an empty value is made up.
func (s *Service) addKey(acct *account, k *apiKey) error {
	if k.Value != "" && (len(k.Value) < 20 || len(k.Value) > 128) {
		return badRequest("API Key value should be at least 20 characters")
	}
	if k.Value == "" {
		k.Value = newID(40)
	}
	for _, other := range acct.keys {
		if other.Value == k.Value {
			return conflict("API Key already exists")
		}
	}
	if err := full(len(acct.keys), maxItems, "API keys"); err != nil {
		return err
	}
	k.ID = freshID(10, func(id string) bool { return acct.keys[id] != nil })
	k.CreatedDate = s.opt.Now().Unix()
	k.LastUpdatedDate = k.CreatedDate
	acct.keys[k.ID] = k
	return nil
}

func (s *Service) updateAPIKey(q *request) (any, error) {
	old, err := q.apiKey()
	if err != nil {
		return nil, err
	}
	k := clone(old)
	err = q.patch([]patchRule{
		setString("/name", &k.Name), setString("/description", &k.Description), setString("/customerId", &k.CustomerID), setBool("/enabled", &k.Enabled),
		{"/stages", "add,remove", func(op patchOp, _ []string) error { return inSet("/{}", &k.StageKeys).apply(op, []string{op.Value}) }},
	})
	if err != nil {
		return nil, err
	}
	k.LastUpdatedDate = s.opt.Now().Unix()
	q.account.keys[k.ID] = k
	return k.shown(false), nil
}

func (s *Service) deleteAPIKey(q *request) (any, error) {
	k, err := q.apiKey()
	if err != nil {
		return nil, err
	}
	for _, p := range q.account.usagePlans {
		p.keys = slices.DeleteFunc(p.keys, func(id string) bool { return id == k.ID })
	}
	delete(q.account.keys, k.ID)
	return nil, nil
}

func (q *request) usagePlan() (*usagePlan, error) {
	p := q.account.usagePlans[q.params["plan_id"]]
	if p == nil {
		return nil, notFound("Invalid Usage Plan ID specified")
	}
	return p, nil
}

func (s *Service) getUsagePlans(q *request) (any, error) {
	plans := map[string]*usagePlan{}
	for id, p := range q.account.usagePlans {
		if key := q.query.Get("keyId"); key == "" || slices.Contains(p.keys, key) {
			plans[id] = p
		}
	}
	return page(q, plans, same)
}

func (s *Service) getUsagePlan(q *request) (any, error) {
	p, err := q.usagePlan()
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (s *Service) createUsagePlan(q *request) (any, error) {
	p := &usagePlan{}
	if err := q.decode(p); err != nil {
		return nil, err
	}
	if p.APIStages == nil {
		p.APIStages = []planStage{}
	}
	if err := checkPlan(q.account, p); err != nil {
		return nil, err
	}
	if err := full(len(q.account.usagePlans), maxUsagePlans, "usage plans"); err != nil {
		return nil, err
	}
	p.ID = freshID(6, func(id string) bool { return q.account.usagePlans[id] != nil })
	q.account.usagePlans[p.ID] = p
	return p, nil
}

func checkPlan(acct *account, p *usagePlan) error {
	if p.Name == "" {
		return badRequest("Usage Plan name cannot be blank")
	}
	seen := map[string]bool{}
	for _, st := range p.APIStages {
		a := acct.apis[st.APIID]
		if a == nil || a.stages[st.Stage] == nil {
			return notFound("API Stage not found: " + st.APIID + ":" + st.Stage)
		}
		if seen[st.APIID+":"+st.Stage] {
			return conflict("API Stage already exists in the Usage Plan: " + st.APIID + ":" + st.Stage)
		}
		seen[st.APIID+":"+st.Stage] = true
	}
	if p.Quota != nil && (p.Quota.Limit <= 0 || !slices.Contains([]string{"DAY", "WEEK", "MONTH"}, p.Quota.Period)) {
		return badRequest("Usage Plan quota limit must be greater than 0 and the period one of DAY, WEEK, MONTH")
	}
	if p.Throttle != nil && (p.Throttle.BurstLimit < 0 || p.Throttle.RateLimit < 0) {
		return badRequest("Usage Plan throttle limits must not be negative")
	}
	return nil
}

func (s *Service) updateUsagePlan(q *request) (any, error) {
	old, err := q.usagePlan()
	if err != nil {
		return nil, err
	}
	p := clone(old)
	p.keys = old.keys
	throttle := func() *throttleSettings {
		if p.Throttle == nil {
			p.Throttle = &throttleSettings{}
		}
		return p.Throttle
	}
	quota := func() *quotaSettings {
		if p.Quota == nil {
			p.Quota = &quotaSettings{Period: "DAY"}
		}
		return p.Quota
	}
	err = q.patch([]patchRule{
		setString("/name", &p.Name), setString("/description", &p.Description), setString("/productCode", &p.ProductCode),
		{"/apiStages", "add,remove", func(op patchOp, _ []string) error { return patchPlanStages(p, op) }},
		{"/apiStages/{}/throttle/{}/{}/{}", "add,replace", func(op patchOp, seg []string) error { return patchPlanThrottle(p, op, seg) }},
		{"/throttle", "remove", func(patchOp, []string) error { p.Throttle = nil; return nil }},
		{"/throttle/rateLimit", "add,replace", func(op patchOp, _ []string) error { return setFloat(op.Path, &throttle().RateLimit).apply(op, nil) }},
		{"/throttle/burstLimit", "add,replace", func(op patchOp, _ []string) error { return setInt(op.Path, &throttle().BurstLimit).apply(op, nil) }},
		{"/quota", "remove", func(patchOp, []string) error { p.Quota = nil; return nil }},
		{"/quota/limit", "add,replace", func(op patchOp, _ []string) error { return setInt(op.Path, &quota().Limit).apply(op, nil) }},
		{"/quota/offset", "add,replace", func(op patchOp, _ []string) error { return setInt(op.Path, &quota().Offset).apply(op, nil) }},
		{"/quota/period", "add,replace", func(op patchOp, _ []string) error { quota().Period = op.Value; return nil }},
	})
	if err != nil {
		return nil, err
	}
	if err := checkPlan(q.account, p); err != nil {
		return nil, err
	}
	q.account.usagePlans[p.ID] = p
	return p, nil
}

// patchPlanStages adds or removes "<api id>:<stage>".
func patchPlanStages(p *usagePlan, op patchOp) error {
	id, stage, ok := strings.Cut(op.Value, ":")
	if !ok {
		return badRequest("Invalid API Stage specified: " + op.Value)
	}
	if op.Op == "remove" {
		p.APIStages = slices.DeleteFunc(p.APIStages, func(st planStage) bool { return st.APIID == id && st.Stage == stage })
		return nil
	}
	p.APIStages = append(p.APIStages, planStage{APIID: id, Stage: stage})
	return nil
}

// patchPlanThrottle sets one number of a method throttle: api:stage, /path, verb, rateLimit or burstLimit.
func patchPlanThrottle(p *usagePlan, op patchOp, seg []string) error {
	i := slices.IndexFunc(p.APIStages, func(st planStage) bool { return st.APIID+":"+st.Stage == seg[0] })
	if i < 0 {
		return notFound("API Stage not found: " + seg[0])
	}
	n, err := strconv.ParseFloat(op.Value, 64)
	if err != nil {
		return badRequest(fmt.Sprintf("Invalid number '%s' for %s", op.Value, op.Path))
	}
	if p.APIStages[i].Throttle == nil {
		p.APIStages[i].Throttle = map[string]throttleSettings{}
	}
	key := seg[1] + "/" + seg[2]
	t := p.APIStages[i].Throttle[key]
	switch seg[3] {
	case "rateLimit":
		t.RateLimit = n
	case "burstLimit":
		t.BurstLimit = int(n)
	default:
		return badRequest("Invalid patch path " + op.Path)
	}
	p.APIStages[i].Throttle[key] = t
	return nil
}

func (s *Service) deleteUsagePlan(q *request) (any, error) {
	p, err := q.usagePlan()
	if err != nil {
		return nil, err
	}
	if len(p.APIStages) > 0 {
		return nil, badRequest("Cannot delete usage plan with associated API stages. Please disassociate them first")
	}
	delete(q.account.usagePlans, p.ID)
	return nil, nil
}

func (acct *account) planKey(id string) any {
	k := acct.keys[id]
	if k == nil {
		return nil
	}
	return map[string]any{"id": k.ID, "type": "API_KEY", "value": k.Value, "name": k.Name}
}

func (s *Service) getUsagePlanKeys(q *request) (any, error) {
	p, err := q.usagePlan()
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for _, id := range p.keys {
		if k := q.account.keys[id]; k != nil && strings.HasPrefix(k.Name, q.query.Get("name")) {
			ids[id] = id
		}
	}
	return page(q, ids, q.account.planKey)
}

func (s *Service) createUsagePlanKey(q *request) (any, error) {
	p, err := q.usagePlan()
	if err != nil {
		return nil, err
	}
	var in struct {
		KeyID   string `json:"keyId"`
		KeyType string `json:"keyType"`
	}
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	if in.KeyType != "API_KEY" {
		return nil, badRequest("Invalid key type specified: " + in.KeyType)
	}
	if q.account.keys[in.KeyID] == nil {
		return nil, notFound("Invalid API Key identifier specified")
	}
	if slices.Contains(p.keys, in.KeyID) {
		return nil, conflict("Usage Plan key already exists")
	}
	p.keys = append(p.keys, in.KeyID)
	return q.account.planKey(in.KeyID), nil
}

func (s *Service) getUsagePlanKey(q *request) (any, error) {
	p, err := q.usagePlan()
	if err != nil {
		return nil, err
	}
	if id := q.params["key_id"]; slices.Contains(p.keys, id) {
		return q.account.planKey(id), nil
	}
	return nil, notFound("Invalid Usage Plan Key specified")
}

func (s *Service) deleteUsagePlanKey(q *request) (any, error) {
	p, err := q.usagePlan()
	if err != nil {
		return nil, err
	}
	id := q.params["key_id"]
	if !slices.Contains(p.keys, id) {
		return nil, notFound("Invalid Usage Plan Key specified")
	}
	p.keys = slices.DeleteFunc(p.keys, func(k string) bool { return k == id })
	return nil, nil
}
