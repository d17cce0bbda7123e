package apigateway

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"mime"
	"slices"
	"strings"
)

// meter checks the API key with its usage plan and the stage's throttling.
func (x *exchange) meter() error {
	if x.match.method.APIKeyRequired {
		if err := x.charge(); err != nil {
			return err
		}
	}
	if set, key, ok := x.methodSetting(); ok {
		name := "stage/" + x.def.API.ID + "/" + x.stage.StageName + "/" + key
		if _, ok := x.svc.traffic.take(name, set.ThrottlingRateLimit, float64(set.ThrottlingBurstLimit)); !ok {
			return fail("THROTTLED", "Too Many Requests", "the stage's throttling of "+key)
		}
	}
	return nil
}

// charge finds the key and its plan for this stage, and charges the plan.
func (x *exchange) charge() error {
	forbidden := func(detail string) error { return fail("INVALID_API_KEY", "Forbidden", detail) }
	value := x.presentedKey()
	if value == "" {
		return forbidden("no API key")
	}
	key, plan := x.svc.findKey(x, value)
	if key == nil || !key.Enabled {
		return forbidden("the API key is unknown or disabled")
	}
	x.apiKey = key
	if plan == nil {
		return forbidden("the API key is in no usage plan of this stage")
	}
	at := slices.IndexFunc(plan.APIStages, func(st planStage) bool { return st.APIID == x.def.API.ID && st.Stage == x.stage.StageName })
	limit, name := plan.Throttle, "plan/"+plan.ID+"/"+key.ID
	if t, ok := plan.APIStages[at].Throttle[x.match.resource.Path+"/"+x.match.method.HTTPMethod]; ok {
		limit, name = &t, name+x.match.resource.Path+"/"+x.match.method.HTTPMethod
	}
	if limit != nil {
		if _, ok := x.svc.traffic.take(name, limit.RateLimit, float64(limit.BurstLimit)); !ok {
			return fail("THROTTLED", "Too Many Requests", "the usage plan's throttling")
		}
	}
	if q := plan.Quota; q != nil && !x.svc.traffic.count("plan/"+plan.ID+"/"+key.ID, q.Limit, q.Period) {
		return fail("QUOTA_EXCEEDED", "Limit Exceeded", "the usage plan's quota")
	}
	return nil
}

// findKey returns copies of the key with this value and of a plan that holds it and serves the stage.
func (s *Service) findKey(x *exchange, value string) (*apiKey, *usagePlan) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	acct := s.accounts[x.scope]
	if acct == nil {
		return nil, nil
	}
	for _, k := range acct.keys {
		if subtle.ConstantTimeCompare([]byte(k.Value), []byte(value)) != 1 {
			continue
		}
		for _, id := range sortedKeys(acct.usagePlans) {
			p := acct.usagePlans[id]
			if slices.Contains(p.keys, k.ID) && slices.ContainsFunc(p.APIStages, func(st planStage) bool { return st.APIID == x.def.API.ID && st.Stage == x.stage.StageName }) {
				return clone(k), clone(p)
			}
		}
		return clone(k), nil
	}
	return nil, nil
}

// validate applies the method's request validator.
func (x *exchange) validate() error {
	v := x.def.Validators[x.match.method.RequestValidatorID]
	if v == nil {
		return nil
	}
	if v.ValidateRequestParameters {
		var missing []string
		for _, p := range sortedKeys(x.match.method.RequestParameters) {
			if x.match.method.RequestParameters[p] && x.source(p) == "" {
				missing = append(missing, p[strings.LastIndex(p, ".")+1:])
			}
		}
		if len(missing) > 0 {
			msg := "Missing required request parameters: [" + strings.Join(missing, ", ") + "]"
			return spaced("BAD_REQUEST_PARAMETERS", 0, msg, msg)
		}
	}
	if !v.ValidateRequestBody || len(x.match.method.RequestModels) == 0 {
		return nil
	}
	name, ok := x.match.method.RequestModels[x.contentType()]
	if !ok {
		if name, ok = x.match.method.RequestModels["$default"]; !ok {
			return nil
		}
	}
	m := x.def.Models[name]
	if m == nil {
		return internalError(500, "the model "+name+" is not part of the deployment")
	}
	var schema, body any
	if err := json.Unmarshal([]byte(m.Schema), &schema); err != nil {
		return internalError(500, "the model "+name+": "+err.Error())
	}
	invalid := func(detail string) error { return spaced("BAD_REQUEST_BODY", 0, "Invalid request body", detail) }
	if err := json.Unmarshal(x.body, &body); err != nil {
		return invalid("the body is not JSON")
	}
	if err := x.conforms(schema, body, "$", 0); err != nil {
		return invalid(err.Error())
	}
	return nil
}

// contentType is the media type of the request without parameters; application/json when there is none.
func (x *exchange) contentType() string {
	ct := x.header.Get("Content-Type")
	if ct == "" {
		return "application/json"
	}
	if t, _, err := mime.ParseMediaType(ct); err == nil {
		return t
	}
	return ct
}

// conforms checks a value against the part of JSON Schema draft 4 that models commonly use: type, required, properties,
// additionalProperties, items, enum, lengths, bounds and $ref to another model. Other keywords do not constrain.
func (x *exchange) conforms(schema, v any, at string, depth int) error {
	s, ok := schema.(map[string]any)
	if !ok || depth > 50 {
		return nil
	}
	if ref, ok := s["$ref"].(string); ok {
		name := ref[strings.LastIndex(ref, "/")+1:]
		m := x.def.Models[name]
		var target any
		if m == nil || json.Unmarshal([]byte(m.Schema), &target) != nil {
			return fmt.Errorf("%s: the schema refers to %s, which is no model of the API", at, ref)
		}
		return x.conforms(target, v, at, depth+1)
	}
	if t, ok := s["type"]; ok && !typeMatches(t, v) {
		return fmt.Errorf("%s: instance type does not match %v", at, t)
	}
	if enum, ok := s["enum"].([]any); ok {
		b, _ := json.Marshal(v)
		if !slices.ContainsFunc(enum, func(e any) bool { eb, _ := json.Marshal(e); return string(eb) == string(b) }) {
			return fmt.Errorf("%s: instance value not found in enum", at)
		}
	}
	switch v := v.(type) {
	case map[string]any:
		return x.conformsObject(s, v, at, depth)
	case []any:
		if n, ok := s["minItems"].(float64); ok && float64(len(v)) < n {
			return fmt.Errorf("%s: array is too short", at)
		}
		if n, ok := s["maxItems"].(float64); ok && float64(len(v)) > n {
			return fmt.Errorf("%s: array is too long", at)
		}
		for i, e := range v {
			if err := x.conforms(s["items"], e, fmt.Sprintf("%s[%d]", at, i), depth+1); err != nil {
				return err
			}
		}
	case string:
		n := float64(len([]rune(v)))
		if least, ok := s["minLength"].(float64); ok && n < least {
			return fmt.Errorf("%s: string is too short", at)
		}
		if most, ok := s["maxLength"].(float64); ok && n > most {
			return fmt.Errorf("%s: string is too long", at)
		}
	case float64:
		if least, ok := s["minimum"].(float64); ok && v < least {
			return fmt.Errorf("%s: number is below the minimum", at)
		}
		if most, ok := s["maximum"].(float64); ok && v > most {
			return fmt.Errorf("%s: number is above the maximum", at)
		}
	}
	return nil
}

func (x *exchange) conformsObject(s, v map[string]any, at string, depth int) error {
	required, _ := s["required"].([]any)
	for _, r := range required {
		if name, _ := r.(string); v[name] == nil {
			if _, there := v[name]; !there {
				return fmt.Errorf("%s: object has missing required properties ([%q])", at, name)
			}
		}
	}
	props, _ := s["properties"].(map[string]any)
	for _, k := range sortedKeys(v) {
		if p, ok := props[k]; ok {
			if err := x.conforms(p, v[k], at+"."+k, depth+1); err != nil {
				return err
			}
			continue
		}
		switch extra := s["additionalProperties"].(type) {
		case bool:
			if !extra {
				return fmt.Errorf("%s: object instance has properties which are not allowed by the schema: [%q]", at, k)
			}
		case map[string]any:
			if err := x.conforms(extra, v[k], at+"."+k, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func typeMatches(t, v any) bool {
	if many, ok := t.([]any); ok {
		return slices.ContainsFunc(many, func(one any) bool { return typeMatches(one, v) })
	}
	switch v := v.(type) {
	case nil:
		return t == "null"
	case bool:
		return t == "boolean"
	case string:
		return t == "string"
	case float64:
		return t == "number" || t == "integer" && v == float64(int64(v))
	case []any:
		return t == "array"
	case map[string]any:
		return t == "object"
	}
	return false
}
