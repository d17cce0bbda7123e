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

// resourceConditions are the condition keys of what a request is about, as it is now: aws:ResourceTag/… (what is in an API
// inherits the tags of the API), and for methods, routes and authorizers apigateway:Resource/….
// Source: Developer Guide, "Tag inheritance in the Amazon API Gateway V1 API".
func (s *Service) resourceConditions(sc scope, path []string) map[string][]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[string][]string{}
	acct := s.accounts[sc]
	if acct == nil {
		return out
	}
	tag := func(tags map[string]string) {
		for k, v := range tags {
			out["aws:ResourceTag/"+k] = []string{v}
		}
	}
	say := func(key, value string) {
		if value != "" {
			out["apigateway:Resource/"+key] = []string{value}
		}
	}
	at := func(i int) string {
		if i < len(path) {
			return path[i]
		}
		return ""
	}
	if at(0) == "v2" {
		path = path[1:]
	}
	authorizer := func(uri, kind string) {
		say("AuthorizerUri", uri)
		say("AuthorizerType", kind)
	}
	switch at(0) {
	case "restapis":
		a := acct.apis[at(1)]
		if a == nil {
			break
		}
		tag(a.edited.API.Tags)
		if st := a.stages[at(3)]; st != nil && at(2) == "stages" {
			tag(st.Tags)
		}
		if z := a.edited.Authorizers[at(3)]; z != nil && at(2) == "authorizers" {
			authorizer(z.AuthorizerURI, z.Type)
		}
		if r := a.edited.Resources[at(3)]; r != nil && at(2) == "resources" && at(4) == "methods" && r.Methods[at(5)] != nil {
			say("RouteAuthorizationType", r.Methods[at(5)].AuthorizationType)
			say("ApiKeyRequired", strconv.FormatBool(r.Methods[at(5)].APIKeyRequired))
		}
	case "apis":
		a := acct.httpAPIs[at(1)]
		if a == nil {
			break
		}
		tag(a.edited.API.Tags)
		if st := a.stages[at(3)]; st != nil && at(2) == "stages" {
			tag(st.Tags)
		}
		if z := a.edited.Authorizers[at(3)]; z != nil && at(2) == "authorizers" {
			authorizer(z.AuthorizerURI, z.AuthorizerType)
		}
		if r := a.edited.Routes[at(3)]; r != nil && at(2) == "routes" {
			say("RouteAuthorizationType", r.AuthorizationType)
		}
	case "apikeys":
		if k := acct.keys[at(1)]; k != nil {
			tag(k.Tags)
		}
	case "usageplans":
		if p := acct.usagePlans[at(1)]; p != nil {
			tag(p.Tags)
		}
	case "clientcertificates":
		if c := acct.certificates[at(1)]; c != nil {
			tag(c.Tags)
		}
	case "domainnames":
		if d := acct.domains[at(1)]; d != nil {
			tag(d.Tags)
		}
	}
	return out
}
