package apigateway

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// getExport writes what the stage serves, not what is edited, as OpenAPI 3.0 or Swagger 2.0 in JSON or YAML. Which
// authorizer guards a method shows only with extensions=authorizers (or apigateway).
func (s *Service) getExport(q *request) (any, error) {
	a, st, err := q.stage()
	if err != nil {
		return nil, err
	}
	kind := q.params["export_type"]
	if kind != "oas30" && kind != "swagger" {
		return nil, badRequest("Invalid export type specified: " + kind + ". Must be one of: [swagger, oas30]")
	}
	dep := a.deployments[st.DeploymentID]
	if dep == nil {
		return nil, notFound(badStage)
	}
	e := &exporter{d: dep.frozen, stage: st, v3: kind == "oas30", public: strings.TrimRight(s.opt.PublicURL(), "/")}
	e.host = a.edited.API.ID + ".execute-api." + a.Region + ".amazonaws.com"
	for _, list := range []string{q.query.Get("extensions"), q.query.Get("parameters.extensions")} {
		for ext := range strings.SplitSeq(list, ",") {
			switch strings.TrimSpace(ext) {
			case "apigateway":
				e.authorizers, e.integrations, e.settings = true, true, true
			case "authorizers":
				e.authorizers = true
			case "integrations":
				e.integrations = true
			}
		}
	}
	doc := e.document(time.Unix(dep.CreatedDate, 0))
	name := kind + "_" + time.Unix(dep.CreatedDate, 0).UTC().Format("2006-01-02T15:04:05Z")
	if strings.Contains(q.Request.Header.Get("Accept"), "yaml") {
		body, err := yaml.Marshal(doc)
		return raw{"application/yaml", `attachment; filename="` + name + `.yaml"`, body}, err
	}
	body, err := json.MarshalIndent(doc, "", "  ")
	return raw{"application/json", `attachment; filename="` + name + `.json"`, body}, err
}

type exporter struct {
	d      *definition
	stage  *stage
	v3     bool
	host   string
	public string

	authorizers, integrations, settings bool
	iam, key                            bool // schemes that methods turned out to need
}

func (e *exporter) document(created time.Time) map[string]any {
	version := e.d.API.Version
	if version == "" {
		version = created.UTC().Format("2006-01-02T15:04:05Z")
	}
	info := map[string]any{"title": e.d.API.Name, "version": version}
	if e.d.API.Description != "" {
		info["description"] = e.d.API.Description
	}
	doc := map[string]any{"info": info}
	paths := map[string]any{}
	e.d.eachMethod(func(r *resource, m *method) {
		item, _ := paths[r.Path].(map[string]any)
		if item == nil {
			item = map[string]any{}
			paths[r.Path] = item
		}
		verb := strings.ToLower(m.HTTPMethod)
		if verb == "any" {
			verb = "x-amazon-apigateway-any-method"
		}
		item[verb] = e.operation(m)
	})
	doc["paths"] = paths
	schemas, schemes := e.schemas(), e.schemes()
	if e.v3 {
		doc["openapi"] = "3.0.1"
		doc["servers"] = e.servers()
		components := map[string]any{}
		if len(schemas) > 0 {
			components["schemas"] = schemas
		}
		if len(schemes) > 0 {
			components["securitySchemes"] = schemes
		}
		doc["components"] = components
	} else {
		doc["swagger"] = "2.0"
		doc["host"], doc["basePath"], doc["schemes"] = e.host, "/"+e.stage.StageName, []string{"https"}
		if len(schemas) > 0 {
			doc["definitions"] = schemas
		}
		if len(schemes) > 0 {
			doc["securityDefinitions"] = schemes
		}
	}
	if e.settings {
		e.apiSettings(doc)
	}
	return doc
}

func (e *exporter) servers() []any {
	servers := []any{map[string]any{"url": "https://" + e.host + "/{basePath}",
		"variables": map[string]any{"basePath": map[string]any{"default": e.stage.StageName}}}}
	if e.public != "" {
		servers = append(servers, map[string]any{"url": e.public + executePrefix + e.d.API.ID + "/" + e.stage.StageName})
	}
	return servers
}

func (e *exporter) apiSettings(doc map[string]any) {
	if len(e.d.API.BinaryMediaTypes) > 0 {
		doc["x-amazon-apigateway-binary-media-types"] = e.d.API.BinaryMediaTypes
	}
	if e.d.API.APIKeySource == "AUTHORIZER" {
		doc["x-amazon-apigateway-api-key-source"] = "AUTHORIZER"
	}
	if e.d.API.Policy != "" {
		doc["x-amazon-apigateway-policy"] = json.RawMessage(e.d.API.Policy)
		var v any
		if json.Unmarshal([]byte(e.d.API.Policy), &v) == nil {
			doc["x-amazon-apigateway-policy"] = v
		}
	}
	responses := map[string]any{}
	for t, g := range e.d.GatewayResponses {
		responses[t] = map[string]any{"statusCode": g.StatusCode, "responseParameters": g.ResponseParameters, "responseTemplates": g.ResponseTemplates}
	}
	if len(responses) > 0 {
		doc["x-amazon-apigateway-gateway-responses"] = responses
	}
	validators := map[string]any{}
	for _, v := range e.d.Validators {
		validators[v.Name] = map[string]any{"validateRequestBody": v.ValidateRequestBody, "validateRequestParameters": v.ValidateRequestParameters}
	}
	if len(validators) > 0 {
		doc["x-amazon-apigateway-request-validators"] = validators
	}
}

func (e *exporter) schemas() map[string]any {
	out := map[string]any{}
	for name, m := range e.d.Models {
		var v any
		if json.Unmarshal([]byte(m.Schema), &v) == nil {
			out[name] = e.localRefs(v)
		}
	}
	return out
}

// localRefs turns references between models back into references inside the document.
func (e *exporter) localRefs(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if ref, ok := x.(string); ok && k == "$ref" {
				v[k] = e.ref(ref[strings.LastIndex(ref, "/")+1:])
				continue
			}
			v[k] = e.localRefs(x)
		}
	case []any:
		for i := range v {
			v[i] = e.localRefs(v[i])
		}
	}
	return v
}

func (e *exporter) ref(model string) string {
	if e.v3 {
		return "#/components/schemas/" + model
	}
	return "#/definitions/" + model
}

// schemes are the security schemes: authorizers by name, sigv4 and api_key as far as methods use them.
func (e *exporter) schemes() map[string]any {
	out := map[string]any{}
	if e.key {
		out["api_key"] = map[string]any{"type": "apiKey", "name": "x-api-key", "in": "header"}
	}
	if e.iam {
		out["sigv4"] = map[string]any{"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4"}
	}
	used := map[string]bool{}
	e.d.eachMethod(func(_ *resource, m *method) { used[m.AuthorizerID] = true })
	for id, z := range e.d.Authorizers {
		if !used[id] {
			continue
		}
		name := "Unused" // AWS writes this for authorizers that read more than one header
		if z.Type == "TOKEN" || len(z.sources()) == 1 && strings.HasPrefix(z.IdentitySource, "method.request.header.") {
			name = z.IdentitySource[strings.LastIndex(z.IdentitySource, ".")+1:]
		}
		def := map[string]any{"type": "apiKey", "name": name, "in": "header", "x-amazon-apigateway-authtype": z.AuthType}
		if e.authorizers {
			ext := map[string]any{"type": strings.ToLower(z.Type)}
			set := func(k, v string) {
				if v != "" {
					ext[k] = v
				}
			}
			set("authorizerUri", z.AuthorizerURI)
			set("authorizerCredentials", z.AuthorizerCredentials)
			set("identityValidationExpression", z.IdentityValidationExpression)
			if z.Type == "REQUEST" {
				set("identitySource", z.IdentitySource)
			}
			if z.TTL != nil {
				ext["authorizerResultTtlInSeconds"] = *z.TTL
			}
			if len(z.ProviderARNs) > 0 {
				ext["providerARNs"] = z.ProviderARNs
			}
			def["x-amazon-apigateway-authorizer"] = ext
		}
		out[z.Name] = def
	}
	return out
}

func (e *exporter) operation(m *method) map[string]any {
	op := map[string]any{}
	if m.OperationName != "" {
		op["operationId"] = m.OperationName
	}
	if params := e.parameters(m); len(params) > 0 {
		op["parameters"] = params
	}
	if e.v3 && len(m.RequestModels) > 0 {
		content := map[string]any{}
		for ct, name := range m.RequestModels {
			content[ct] = map[string]any{"schema": map[string]any{"$ref": e.ref(name)}}
		}
		op["requestBody"] = map[string]any{"content": content, "required": true}
	}
	responses := map[string]any{}
	for code, mr := range m.MethodResponses {
		responses[code] = e.response(mr)
	}
	if len(responses) > 0 || !e.v3 {
		op["responses"] = responses
	}
	var security []any
	if z := e.d.Authorizers[m.AuthorizerID]; z != nil {
		security = append(security, map[string]any{z.Name: slices.Concat([]string{}, m.AuthorizationScopes)})
	}
	if m.AuthorizationType == "AWS_IAM" {
		e.iam = true
		security = append(security, map[string]any{"sigv4": []string{}})
	}
	if m.APIKeyRequired {
		e.key = true
		security = append(security, map[string]any{"api_key": []string{}})
	}
	if security != nil {
		op["security"] = security
	}
	if v := e.d.Validators[m.RequestValidatorID]; v != nil && e.settings {
		op["x-amazon-apigateway-request-validator"] = v.Name
	}
	if e.integrations && m.MethodIntegration != nil {
		op["x-amazon-apigateway-integration"] = exportIntegration(m.MethodIntegration)
	}
	return op
}

func (e *exporter) parameters(m *method) []any {
	var out []any
	for _, p := range sortedKeys(m.RequestParameters) {
		part := strings.SplitN(p, ".", 4)
		in := map[string]string{"querystring": "query", "header": "header", "path": "path"}[part[2]]
		if in == "" {
			continue
		}
		def := map[string]any{"name": part[3], "in": in}
		if m.RequestParameters[p] || in == "path" {
			def["required"] = true
		}
		if e.v3 {
			def["schema"] = map[string]any{"type": "string"}
		} else {
			def["type"] = "string"
		}
		out = append(out, def)
	}
	if !e.v3 {
		for _, ct := range sortedKeys(m.RequestModels) {
			name := m.RequestModels[ct]
			out = append(out, map[string]any{"in": "body", "name": name, "required": true, "schema": map[string]any{"$ref": e.ref(name)}})
			break
		}
	}
	return out
}

func (e *exporter) response(mr *methodResponse) map[string]any {
	def := map[string]any{"description": mr.StatusCode + " response"}
	headers := map[string]any{}
	for p := range mr.ResponseParameters {
		h := map[string]any{"type": "string"}
		if e.v3 {
			h = map[string]any{"schema": map[string]any{"type": "string"}}
		}
		headers[strings.TrimPrefix(p, "method.response.header.")] = h
	}
	if len(headers) > 0 {
		def["headers"] = headers
	}
	content := map[string]any{}
	for _, ct := range sortedKeys(mr.ResponseModels) {
		ref := map[string]any{"$ref": e.ref(mr.ResponseModels[ct])}
		content[ct] = map[string]any{"schema": ref}
		if !e.v3 {
			def["schema"] = ref
		}
	}
	if e.v3 {
		def["content"] = content
	}
	return def
}

// exportIntegration is an integration in the form of the extension: lower-case enumerations, responses by pattern.
func exportIntegration(in *integration) map[string]any {
	out := map[string]any{}
	if into(in, &out) != nil {
		return nil
	}
	for _, k := range []string{"integrationResponses", "cacheNamespace", "cacheKeyParameters"} {
		delete(out, k)
	}
	out["type"] = strings.ToLower(in.Type)
	if in.PassthroughBehavior != "" {
		out["passthroughBehavior"] = strings.ToLower(in.PassthroughBehavior)
	}
	if in.TimeoutInMillis == 29000 {
		delete(out, "timeoutInMillis")
	}
	if in.ConnectionType == "INTERNET" {
		delete(out, "connectionType")
	}
	responses := map[string]any{}
	for code, ir := range in.IntegrationResponses {
		def := map[string]any{"statusCode": code}
		if len(ir.ResponseParameters) > 0 {
			def["responseParameters"] = ir.ResponseParameters
		}
		if len(ir.ResponseTemplates) > 0 {
			def["responseTemplates"] = ir.ResponseTemplates
		}
		key := ir.SelectionPattern
		if key == "" {
			key = "default"
		}
		responses[key] = def
	}
	if len(responses) > 0 {
		out["responses"] = responses
	}
	return out
}
