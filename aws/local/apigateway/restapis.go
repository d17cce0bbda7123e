package apigateway

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"portcullis/aws/local/wire"
)

const badCompression = "Invalid minimum compression size, must be between 0 and 10485760"

func (s *Service) getRestAPIs(q *request) (any, error) {
	return page(q, q.account.apis, func(a *api) any { return a.edited.API })
}

func (s *Service) getRestAPI(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	return a.edited.API, nil
}

func (s *Service) createRestAPI(q *request) (any, error) {
	in := struct {
		Name                      string            `json:"name"`
		Description               *string           `json:"description"`
		Version                   string            `json:"version"`
		CloneFrom                 string            `json:"cloneFrom"`
		BinaryMediaTypes          []string          `json:"binaryMediaTypes"`
		MinimumCompressionSize    *int              `json:"minimumCompressionSize"`
		APIKeySource              string            `json:"apiKeySource"`
		EndpointConfiguration     *endpoint         `json:"endpointConfiguration"`
		Policy                    string            `json:"policy"`
		Tags                      map[string]string `json:"tags"`
		DisableExecuteAPIEndpoint bool              `json:"disableExecuteApiEndpoint"`
		SecurityPolicy            string            `json:"securityPolicy"`
		EndpointAccessMode        string            `json:"endpointAccessMode"`
	}{}
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	if in.Name == "" {
		return nil, badRequest("Name cannot be null or empty")
	}
	if in.Description != nil && *in.Description == "" {
		return nil, badRequest("Description cannot be an empty string")
	}
	if n := in.MinimumCompressionSize; n != nil && (*n < 0 || *n > 10485760) {
		return nil, badRequest(badCompression)
	}
	if in.APIKeySource != "" && in.APIKeySource != "HEADER" && in.APIKeySource != "AUTHORIZER" {
		return nil, validation("1 validation error detected: Value '" + in.APIKeySource + "' at 'createRestApiInput.apiKeySource' failed to satisfy constraint: Member must satisfy enum value set: [HEADER, AUTHORIZER]")
	}
	if in.Policy != "" {
		if _, err := parsePolicy([]byte(in.Policy)); err != nil {
			return nil, badRequest("Invalid policy document. Please check the policy syntax and ensure that Principals are valid.")
		}
	}
	d := s.blankAPI(in.Name)
	if in.CloneFrom != "" {
		from := q.account.apis[in.CloneFrom]
		if from == nil {
			return nil, badRequest("Invalid REST API identifier specified")
		}
		id, created := d.API.ID, d.API.CreatedDate
		d = clone(from.edited)
		d.API.ID, d.API.CreatedDate, d.API.Name = id, created, in.Name
	}
	r := &d.API
	if in.Description != nil {
		r.Description = *in.Description
	}
	r.Version, r.Tags, r.Policy, r.MinimumCompressionSize = in.Version, in.Tags, in.Policy, in.MinimumCompressionSize
	r.DisableExecuteAPIEndpoint, r.SecurityPolicy, r.EndpointAccessMode = in.DisableExecuteAPIEndpoint, in.SecurityPolicy, in.EndpointAccessMode
	if len(in.BinaryMediaTypes) > 0 {
		r.BinaryMediaTypes = in.BinaryMediaTypes
	}
	if in.APIKeySource != "" {
		r.APIKeySource = in.APIKeySource
	}
	if in.EndpointConfiguration != nil {
		if err := checkEndpoint(*in.EndpointConfiguration); err != nil {
			return nil, err
		}
		r.EndpointConfiguration = *in.EndpointConfiguration
		if r.EndpointConfiguration.IPAddressType == "" {
			r.EndpointConfiguration.IPAddressType = "ipv4"
		}
	}
	a, err := s.addAPI(q, d)
	if err != nil {
		return nil, err
	}
	return a.edited.API, nil
}

func checkEndpoint(e endpoint) error {
	var wrong []string
	for _, t := range e.Types {
		if !slices.Contains([]string{"EDGE", "REGIONAL", "PRIVATE"}, t) {
			wrong = append(wrong, "Value '["+strings.Join(e.Types, ", ")+"]' at 'createRestApiInput.endpointConfiguration.types' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [PRIVATE, EDGE, REGIONAL]]")
			break
		}
	}
	if t := e.IPAddressType; t != "" && t != "ipv4" && t != "dualstack" {
		wrong = append(wrong, "Value '"+t+"' at 'createRestApiInput.endpointConfiguration.ipAddressType' failed to satisfy constraint: Member must satisfy enum value set: [ipv4, dualstack]")
	}
	if err := invalid(wrong); err != nil {
		return err
	}
	switch len(e.Types) {
	case 1:
		return nil
	case 0:
		return badRequest("REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.")
	}
	return badRequest("Cannot create an api with multiple Endpoint Types.")
}

// blankAPI is a new REST API with a root resource and the two models that every API is born with.
func (s *Service) blankAPI(name string) *definition {
	d := newDefinition()
	root := newID(10)
	d.API = restAPI{
		ID: freshID(10, func(id string) bool { return s.apis[id] != nil || s.httpAPIs[id] != nil }), Name: name, CreatedDate: s.opt.Now().Unix(), APIKeySource: "HEADER",
		EndpointConfiguration: endpoint{Types: []string{"EDGE"}, IPAddressType: "ipv4"}, RootResourceID: root,
	}
	d.Resources[root] = &resource{ID: root, Path: "/"}
	d.Models["Empty"] = &model{ID: newID(6), Name: "Empty", Description: "This is a default empty schema model", ContentType: "application/json",
		Schema: "{\n  \"$schema\": \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Empty Schema\",\n  \"type\" : \"object\"\n}"}
	d.Models["Error"] = &model{ID: newID(6), Name: "Error", Description: "This is a default error schema model", ContentType: "application/json",
		Schema: "{\n  \"$schema\" : \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Error Schema\",\n  \"type\" : \"object\",\n  \"properties\" : {\n    \"message\" : { \"type\" : \"string\" }\n  }\n}"}
	return d
}

func (s *Service) addAPI(q *request, d *definition) (*api, error) {
	if len(q.account.apis) >= s.opt.MaxAPIs {
		return nil, limitExceeded("Maximum number of Regional APIs per account has been reached. Please contact AWS if you need additional APIs.")
	}
	a := &api{scope: q.account.scope, edited: d, deployments: map[string]*deployment{}, stages: map[string]*stage{}}
	q.account.apis[d.API.ID] = a
	s.apis[d.API.ID] = a
	return a, nil
}

func (s *Service) updateRestAPI(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	r := clone(&a.edited.API)
	apiType := patchRule{"/endpointConfiguration/types/{}", "replace,add,remove", func(op patchOp, seg []string) error {
		if op.Op == "replace" {
			r.EndpointConfiguration.Types = []string{op.Value}
			return checkEndpoint(r.EndpointConfiguration)
		}
		return badRequest("Invalid patch operation specified. Must be one of: [replace]")
	}}
	compression := patchRule{"/minimumCompressionSize", "replace", func(op patchOp, _ []string) error {
		if op.Value == "" {
			r.MinimumCompressionSize = nil
			return nil
		}
		n, err := strconv.Atoi(op.Value)
		if err != nil || n < 0 || n > 10485760 {
			return badRequest(badCompression)
		}
		r.MinimumCompressionSize = &n
		return nil
	}}
	err = q.patch([]patchRule{
		{"/name", "replace", func(op patchOp, _ []string) error {
			if op.Value == "" {
				return badRequest("Name cannot be null or empty")
			}
			r.Name = op.Value
			return nil
		}},
		{"/description", "replace,remove", func(op patchOp, _ []string) error { r.Description = op.Value; return nil }},
		setString("/version", &r.Version),
		compression,
		inSet("/binaryMediaTypes/{}", &r.BinaryMediaTypes),
		oneOf("/apiKeySource", &r.APIKeySource, "HEADER", "AUTHORIZER"),
		apiType,
		oneOf("/endpointConfiguration/ipAddressType", &r.EndpointConfiguration.IPAddressType, "ipv4", "dualstack"),
		{"/endpointConfiguration/vpcEndpointIds", "add,remove", func(op patchOp, _ []string) error {
			return inSet("/{}", &r.EndpointConfiguration.VPCEndpointIDs).apply(op, []string{op.Value})
		}},
		{"/policy", "replace,remove", func(op patchOp, _ []string) error {
			if op.Op == "replace" && op.Value != "" {
				if _, err := parsePolicy([]byte(op.Value)); err != nil {
					return badRequest("Invalid policy document. Please check the policy syntax and ensure that Principals are valid.")
				}
			}
			r.Policy = op.Value
			return nil
		}},
		setBool("/disableExecuteApiEndpoint", &r.DisableExecuteAPIEndpoint),
		setString("/securityPolicy", &r.SecurityPolicy),
		setString("/endpointAccessMode", &r.EndpointAccessMode),
	})
	if err != nil {
		return nil, err
	}
	a.edited.API = *r
	return a.edited.API, nil
}

// oneOf is setString with a closed set of values.
func oneOf(path string, to *string, values ...string) patchRule {
	return patchRule{path, "replace", func(op patchOp, _ []string) error {
		if !slices.Contains(values, op.Value) {
			b, _ := json.Marshal(values)
			return badRequest("Invalid value '" + op.Value + "' for " + path + ". Must be one of: " + string(b))
		}
		*to = op.Value
		return nil
	}}
}

func (s *Service) deleteRestAPI(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	id := a.edited.API.ID
	for _, p := range q.account.usagePlans {
		for _, st := range p.APIStages {
			if st.APIID == id {
				return nil, badRequest("API Stages in usage plans must be removed before deleting the API: " + id + ":" + st.Stage)
			}
		}
	}
	delete(q.account.apis, id)
	delete(s.apis, id)
	s.cache.flush(func(k cacheKey) bool { return k.api == id })
	s.responses.flush(func(k responseKey) bool { return k.api == id })
	return nil, nil
}

// accountSettings are what GetAccount shows.
type accountSettings struct {
	CloudwatchRoleARN string           `json:"cloudwatchRoleArn,omitempty"`
	ThrottleSettings  throttleSettings `json:"throttleSettings"`
	Features          []string         `json:"features"`
	APIKeyVersion     string           `json:"apiKeyVersion"`
}

func newAccountSettings() accountSettings {
	return accountSettings{ThrottleSettings: throttleSettings{BurstLimit: 5000, RateLimit: 10000}, Features: []string{"UsagePlans"}, APIKeyVersion: "4"}
}

var roleARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$`)

func (s *Service) getAccount(q *request) (any, error) { return q.account.settings, nil }

func (s *Service) updateAccount(q *request) (any, error) {
	n := clone(&q.account.settings)
	err := q.patch([]patchRule{
		{"/cloudwatchRoleArn", "replace", func(op patchOp, _ []string) error {
			if op.Value != "" && !roleARN.MatchString(op.Value) {
				return badRequest("Invalid ARN specified in the request")
			}
			n.CloudwatchRoleARN = op.Value
			return nil
		}},
		{"/features", "add,remove", func(op patchOp, _ []string) error {
			return inSet("/{}", &n.Features).apply(op, []string{op.Value})
		}},
	})
	if err != nil {
		return nil, err
	}
	q.account.settings = *n
	return *n, nil
}

// tagged finds the tags that an ARN of API Gateway names, and how to replace them.
func (q *request) tagged() (tags map[string]string, set func(map[string]string), err error) {
	arn := q.params["resource_arn"]
	seg, ok := arnPath(arn)
	fail := notFound("Invalid resource ARN specified: " + arn)
	if !ok {
		return nil, nil, fail
	}
	switch {
	case len(seg) == 2 && seg[0] == "restapis":
		if a := q.account.apis[seg[1]]; a != nil {
			return a.edited.API.Tags, func(t map[string]string) { a.edited.API.Tags = t }, nil
		}
	case len(seg) == 4 && seg[0] == "restapis" && seg[2] == "stages":
		if a := q.account.apis[seg[1]]; a != nil && a.stages[seg[3]] != nil {
			return a.stages[seg[3]].Tags, func(t map[string]string) {
				n := *a.stages[seg[3]]
				n.Tags = t
				a.stages[seg[3]] = &n
			}, nil
		}
	case len(seg) == 2 && seg[0] == "apis":
		if a := q.account.httpAPIs[seg[1]]; a != nil {
			return a.edited.API.Tags, func(t map[string]string) { a.edited.API.Tags = t }, nil
		}
	case len(seg) == 4 && seg[0] == "apis" && seg[2] == "stages":
		if a := q.account.httpAPIs[seg[1]]; a != nil && a.stages[seg[3]] != nil {
			return a.stages[seg[3]].Tags, func(t map[string]string) {
				n := *a.stages[seg[3]]
				n.Tags = t
				a.stages[seg[3]] = &n
			}, nil
		}
	case len(seg) == 2 && seg[0] == "apikeys":
		if k := q.account.keys[seg[1]]; k != nil {
			return k.Tags, func(t map[string]string) { k.Tags = t }, nil
		}
	case len(seg) == 2 && seg[0] == "usageplans":
		if p := q.account.usagePlans[seg[1]]; p != nil {
			return p.Tags, func(t map[string]string) { p.Tags = t }, nil
		}
	case len(seg) == 2 && seg[0] == "clientcertificates":
		if c := q.account.certificates[seg[1]]; c != nil {
			return c.Tags, func(t map[string]string) { c.Tags = t }, nil
		}
	case len(seg) == 2 && seg[0] == "domainnames":
		if d := q.account.domains[seg[1]]; d != nil {
			return d.Tags, func(t map[string]string) { d.Tags = t }, nil
		}
	}
	return nil, nil, fail
}

func (s *Service) getTags(q *request) (any, error) {
	tags, _, err := q.tagged()
	if err != nil {
		return nil, err
	}
	if tags == nil {
		tags = map[string]string{}
	}
	return map[string]any{"tags": tags}, nil
}

func (s *Service) tagResource(q *request) (any, error) {
	tags, set, err := q.tagged()
	if err != nil {
		return nil, err
	}
	var in struct {
		Tags map[string]string `json:"tags"`
	}
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	all := map[string]string{}
	maps.Copy(all, tags)
	maps.Copy(all, in.Tags)
	if len(all) > 50 {
		return nil, &wire.Error{Status: 400, Code: "BadRequestException", Message: "A resource can have at most 50 tags"}
	}
	set(all)
	return nil, nil
}

func (s *Service) untagResource(q *request) (any, error) {
	tags, set, err := q.tagged()
	if err != nil {
		return nil, err
	}
	left := maps.Clone(tags)
	for _, k := range q.query["tagKeys"] {
		delete(left, k)
	}
	set(left)
	return nil, nil
}

// tagHTTPResource is tagResource as apigatewayv2 has it.
func (s *Service) tagHTTPResource(q *request) (any, error) {
	_, err := s.tagResource(q)
	return struct{}{}, err
}
