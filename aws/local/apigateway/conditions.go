package apigateway

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
)

// allow asks IAM: the verb is the action, the path is the resource, and there is no account in it.
func (s *Service) allow(q *request, sc scope) error {
	path := httpPath(q.Request.URL.Path)
	facts := q.conditions()
	maps.Copy(facts, s.resourceConditions(sc, strings.Split(strings.Trim(q.Request.URL.EscapedPath(), "/"), "/")))
	return q.Allow("apigateway:"+q.Request.Method, "arn:"+sc.Partition+":apigateway:"+q.Region+"::"+path, facts)
}

// tagConditions are the keys for tags that a request sets or names.
func tagConditions(facts map[string][]string, tags map[string]string) {
	for k, v := range tags {
		facts["aws:RequestTag/"+k] = []string{v}
	}
	if len(tags) > 0 {
		facts["aws:TagKeys"] = append(facts["aws:TagKeys"], sortedKeys(tags)...)
	}
}

// conditions are the condition keys that a request carries: apigateway:Request/… from the members of a body or the paths of
// a patch, and its tags. A body that does not parse has none.
// Source: Service Authorization Reference, "Condition keys for Amazon API Gateway Management" and "… Management V2".
func (q *request) conditions() map[string][]string {
	out := map[string][]string{}
	if keys := q.query["tagKeys"]; len(keys) > 0 && q.Request.Method == "DELETE" {
		out["aws:TagKeys"] = keys
	}
	var body map[string]any
	if len(q.Body) == 0 || json.Unmarshal(q.Body, &body) != nil {
		return out
	}
	tags := map[string]string{}
	for k, v := range object(body, "tags") {
		if text, ok := v.(string); ok {
			tags[k] = text
		}
	}
	tagConditions(out, tags)
	path := q.Request.URL.Path
	add := func(key string, v any) {
		switch v := v.(type) {
		case string:
			out["apigateway:Request/"+key] = []string{v}
		case bool:
			out["apigateway:Request/"+key] = []string{strconv.FormatBool(v)}
		case []any:
			for _, one := range v {
				if text, ok := one.(string); ok {
					out["apigateway:Request/"+key] = append(out["apigateway:Request/"+key], text)
				}
			}
		}
	}
	keys := map[string]string{"apiKeyRequired": "ApiKeyRequired", "disableExecuteApiEndpoint": "DisableExecuteApiEndpoint", "stageName": "StageName", "securityPolicy": "SecurityPolicy",
		"accessLogSettings/destinationArn": "AccessLoggingDestination", "accessLogSettings/format": "AccessLoggingFormat", "endpointConfiguration/types": "EndpointType"}
	if seg := strings.Split(strings.Trim(strings.TrimPrefix(path, "/v2"), "/"), "/"); (seg[0] == "restapis" || seg[0] == "apis") && len(seg) <= 2 {
		keys["name"] = "ApiName"
	}
	if strings.Contains(path, "/routes") || strings.Contains(path, "/methods/") && !strings.Contains(path, "/integration") {
		keys["authorizationType"] = "RouteAuthorizationType"
	}
	if strings.Contains(path, "/authorizers") {
		keys["authorizerUri"], keys["type"], keys["authorizerType"] = "AuthorizerUri", "AuthorizerType", "AuthorizerType"
	}
	for member, key := range keys {
		if group, name, nested := strings.Cut(member, "/"); nested {
			add(key, object(body, group)[name])
		} else {
			add(key, body[member])
		}
	}
	ops, _ := body["patchOperations"].([]any)
	for _, o := range ops {
		op, _ := o.(map[string]any)
		p, _ := op["path"].(string)
		if key := keys[strings.TrimPrefix(p, "/")]; key != "" {
			add(key, op["value"])
		}
	}
	return out
}

// known collects the condition keys of what a request is about.
type known map[string][]string

func (k known) tags(tags map[string]string) {
	for name, v := range tags {
		k["aws:ResourceTag/"+name] = []string{v}
	}
}

func (k known) say(key, value string) {
	if value != "" {
		k["apigateway:Resource/"+key] = []string{value}
	}
}

// resourceConditions are the condition keys of what a request is about, as it is now: aws:ResourceTag/… (what is in an API
// inherits the tags of the API), and for methods, routes and authorizers apigateway:Resource/….
// Source: Developer Guide, "Tag inheritance in the Amazon API Gateway V1 API".
func (s *Service) resourceConditions(sc scope, path []string) map[string][]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := known{}
	acct := s.accounts[sc]
	if acct == nil {
		return out
	}
	if path[0] == "v2" {
		path = path[1:]
	}
	path = append(path, make([]string, 6)...) // so that every segment that is asked for is there
	switch path[0] {
	case "restapis":
		if a := acct.apis[path[1]]; a != nil {
			a.known(out, path[2:])
		}
	case "apis":
		if a := acct.httpAPIs[path[1]]; a != nil {
			a.known(out, path[2:])
		}
	case "apikeys":
		if k := acct.keys[path[1]]; k != nil {
			out.tags(k.Tags)
		}
	case "usageplans":
		if p := acct.usagePlans[path[1]]; p != nil {
			out.tags(p.Tags)
		}
	case "clientcertificates":
		if c := acct.certificates[path[1]]; c != nil {
			out.tags(c.Tags)
		}
	case "domainnames":
		if d := acct.domains[path[1]]; d != nil {
			out.tags(d.Tags)
		}
	}
	return out
}

// known adds what is known of the API and of what in it the rest of the path names.
func (a *api) known(k known, path []string) {
	k.tags(a.edited.API.Tags)
	switch path[0] {
	case "stages":
		if st := a.stages[path[1]]; st != nil {
			k.tags(st.Tags)
		}
	case "authorizers":
		if z := a.edited.Authorizers[path[1]]; z != nil {
			k.say("AuthorizerUri", z.AuthorizerURI)
			k.say("AuthorizerType", z.Type)
		}
	case "resources":
		if r := a.edited.Resources[path[1]]; r != nil && path[2] == "methods" && r.Methods[path[3]] != nil {
			k.say("RouteAuthorizationType", r.Methods[path[3]].AuthorizationType)
			k.say("ApiKeyRequired", strconv.FormatBool(r.Methods[path[3]].APIKeyRequired))
		}
	}
}

func (a *httpAPI) known(k known, path []string) {
	k.tags(a.edited.API.Tags)
	switch path[0] {
	case "stages":
		if st := a.stages[path[1]]; st != nil {
			k.tags(st.Tags)
		}
	case "authorizers":
		if z := a.edited.Authorizers[path[1]]; z != nil {
			k.say("AuthorizerUri", z.AuthorizerURI)
			k.say("AuthorizerType", z.AuthorizerType)
		}
	case "routes":
		if r := a.edited.Routes[path[1]]; r != nil {
			k.say("RouteAuthorizationType", r.AuthorizationType)
		}
	}
}
