package apigateway

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"portcullis/aws/local/wire"
)

// Imports and exports of HTTP APIs: OpenAPI 3.0 with the x-amazon-apigateway extensions that HTTP APIs have.
// Source: Developer Guide, "Use OpenAPI definitions for HTTP APIs in API Gateway".

const (
	extIntegration  = "x-amazon-apigateway-integration"
	extIntegrations = "x-amazon-apigateway-integrations"
	extAuthorizer   = "x-amazon-apigateway-authorizer"
	extAnyMethod    = "x-amazon-apigateway-any-method"
	extCORS         = "x-amazon-apigateway-cors"
)

func (s *Service) importHTTPAPI(q *request) (any, error) {
	info := httpAPIInfo{ProtocolType: "HTTP"}
	d, warnings, err := s.readHTTPDocument(q, info)
	if err != nil {
		return nil, err
	}
	info = d.API
	info.ImportInfo = warnings
	a, err := s.addHTTPAPI(q, info)
	if err != nil {
		return nil, err
	}
	d.API = a.edited.API
	a.edited = d
	return a.edited.API, nil
}

// reimportHTTPAPI replaces the whole definition. One that cannot be read leaves the API as it was.
func (s *Service) reimportHTTPAPI(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	if a.edited.API.ProtocolType != "HTTP" {
		return nil, badRequest("Only HTTP APIs can be imported")
	}
	old := a.edited.API
	d, warnings, err := s.readHTTPDocument(q, httpAPIInfo{APIID: old.APIID, APIEndpoint: old.APIEndpoint, CreatedDate: old.CreatedDate, ProtocolType: "HTTP", Tags: old.Tags,
		DisableExecuteAPIEndpoint: old.DisableExecuteAPIEndpoint, IPAddressType: old.IPAddressType})
	if err != nil {
		return nil, err
	}
	d.API.ImportInfo = warnings
	a.edited = d
	s.autoDeploy(a)
	return d.API, nil
}

// httpImporter reads one document.
type httpImporter struct {
	svc      *Service
	doc      map[string]any
	d        *httpDefinition
	schemes  map[string]*httpRoute // :: security scheme → the authorization that it means
	warnings []string
}

func (s *Service) readHTTPDocument(q *request, info httpAPIInfo) (*httpDefinition, []string, error) {
	var in struct {
		Body string `json:"body"`
	}
	if err := q.decode(&in); err != nil {
		return nil, nil, err
	}
	if b := strings.ToLower(q.query.Get("basepath")); b != "" && b != "ignore" {
		return nil, nil, wire.NotImplemented("apigatewayv2", "imports with basepath="+b)
	}
	doc, err := parseDocument([]byte(in.Body))
	if err != nil {
		return nil, nil, badRequest("Unable to parse API definition because of a malformed document: " + err.Error())
	}
	if !strings.HasPrefix(text(doc, "openapi"), "3.0") {
		return nil, nil, badRequest("Only OpenAPI 3.0 definitions are supported for HTTP APIs")
	}
	about := object(doc, "info")
	info.Name, info.Version, info.Description = text(about, "title"), text(about, "version"), text(about, "description")
	im := &httpImporter{svc: s, doc: doc, schemes: map[string]*httpRoute{}, d: newHTTPDefinition(info)}
	if c := object(doc, extCORS); c != nil {
		im.d.API.CORS = &corsSettings{}
		if err := into(c, im.d.API.CORS); err != nil {
			return nil, nil, badRequest("Unable to parse " + extCORS + ": " + err.Error())
		}
	}
	if err := checkHTTPAPI(&im.d.API); err != nil {
		return nil, nil, err
	}
	if err := im.securitySchemes(); err != nil {
		return nil, nil, err
	}
	if err := im.paths(); err != nil {
		return nil, nil, err
	}
	if len(im.warnings) > 0 && strings.EqualFold(q.query.Get("failOnWarnings"), "true") {
		return nil, nil, badRequest("Warnings found during import:\n\t" + strings.Join(im.warnings, "\n\t"))
	}
	return im.d, im.warnings, nil
}

var listSeparator = regexp.MustCompile(`\s*,\s*`)

func (im *httpImporter) securitySchemes() error {
	schemes := object(im.doc, "components", "securitySchemes")
	for _, name := range sortedKeys(schemes) {
		def := asObject(schemes[name])
		ext := object(def, extAuthorizer)
		if ext == nil {
			if text(def, "x-amazon-apigateway-authtype") == "awsSigv4" {
				im.schemes[name] = &httpRoute{AuthorizationType: "AWS_IAM"}
			} else {
				im.warnings = append(im.warnings, "Security scheme '"+name+"' has no authorizer and is ignored")
			}
			continue
		}
		z := &httpAuthorizer{Name: name, AuthorizerType: strings.ToUpper(text(ext, "type")), AuthorizerURI: text(ext, "authorizerUri"), AuthorizerCredentialsARN: text(ext, "authorizerCredentials"),
			PayloadFormatVersion: text(ext, "authorizerPayloadFormatVersion")}
		members := struct {
			JWT    *jwtConfiguration `json:"jwtConfiguration"`
			TTL    int               `json:"authorizerResultTtlInSeconds"`
			Simple bool              `json:"enableSimpleResponses"`
		}{}
		if err := into(ext, &members); err != nil {
			return badRequest("Unable to parse the authorizer of security scheme '" + name + "': " + err.Error())
		}
		z.JWT, z.TTL, z.EnableSimpleResponses = members.JWT, members.TTL, members.Simple
		if src := text(ext, "identitySource"); src != "" {
			z.IdentitySource = listSeparator.Split(src, -1)
		}
		if err := full(len(im.d.Authorizers), im.svc.opt.MaxAuthorizers, "authorizers for this API"); err != nil {
			return err
		}
		z.AuthorizerID = freshID(6, func(id string) bool { return im.d.Authorizers[id] != nil })
		if err := checkHTTPAuthorizer(im.d, z); err != nil {
			return badRequest("Security scheme '" + name + "': " + awsMessage(err))
		}
		im.d.Authorizers[z.AuthorizerID] = z
		im.schemes[name] = &httpRoute{AuthorizationType: map[string]string{"REQUEST": "CUSTOM", "JWT": "JWT"}[z.AuthorizerType], AuthorizerID: z.AuthorizerID}
	}
	return nil
}

func (im *httpImporter) paths() error {
	paths := object(im.doc, "paths")
	for _, path := range sortedKeys(paths) {
		item := asObject(paths[path])
		for _, verb := range sortedKeys(item) {
			op, key := asObject(item[verb]), strings.ToUpper(verb)+" "+path
			switch {
			case verb == extAnyMethod && path == "/$default":
				key = "$default"
			case verb == extAnyMethod:
				key = "ANY " + path
			case !slices.Contains([]string{"get", "put", "post", "delete", "options", "head", "patch"}, verb):
				continue
			}
			if err := im.route(key, op); err != nil {
				return err
			}
		}
	}
	return nil
}

func (im *httpImporter) route(key string, op map[string]any) error {
	r := &httpRoute{RouteKey: key, AuthorizationType: "NONE", OperationName: text(op, "operationId")}
	security, ok := op["security"].([]any)
	if !ok {
		security, _ = im.doc["security"].([]any)
	}
	for _, s := range security {
		for name, scopes := range asObject(s) {
			means := im.schemes[name]
			if means == nil || r.AuthorizationType != "NONE" {
				im.warnings = append(im.warnings, "Security requirement '"+name+"' of "+key+" is ignored")
				continue
			}
			r.AuthorizationType, r.AuthorizerID = means.AuthorizationType, means.AuthorizerID
			if err := into(scopes, &r.AuthorizationScopes); err != nil {
				return badRequest("The scopes of " + key + " are not a list of strings")
			}
		}
	}
	ext := object(op, extIntegration)
	if ref, ok := strings.CutPrefix(text(ext, "$ref"), "#/components/"+extIntegrations+"/"); ok {
		ext = object(im.doc, "components", extIntegrations, ref)
	}
	if ext == nil {
		im.warnings = append(im.warnings, "No integration for "+key)
	} else {
		in := &httpIntegration{IntegrationType: strings.ToUpper(text(ext, "type")), IntegrationMethod: text(ext, "httpMethod"), IntegrationURI: text(ext, "uri"), PayloadFormatVersion: text(ext, "payloadFormatVersion"),
			ConnectionType: text(ext, "connectionType"), CredentialsARN: text(ext, "credentials"), IntegrationSubtype: text(ext, "integrationSubtype")}
		members := struct {
			Request  map[string]string            `json:"requestParameters"`
			Response map[string]map[string]string `json:"responseParameters"`
			Timeout  int                          `json:"timeoutInMillis"`
		}{}
		if err := into(ext, &members); err != nil {
			return badRequest("Unable to parse the integration of " + key + ": " + err.Error())
		}
		in.RequestParameters, in.ResponseParameters, in.TimeoutInMillis = members.Request, members.Response, members.Timeout
		if err := checkHTTPIntegration(im.d, in); err != nil {
			return err
		}
		in.IntegrationID = freshID(7, func(id string) bool { return im.d.Integrations[id] != nil })
		im.d.Integrations[in.IntegrationID] = in
		r.Target = "integrations/" + in.IntegrationID
	}
	if err := full(len(im.d.Routes), im.svc.opt.MaxResources, "routes for this API"); err != nil {
		return err
	}
	r.RouteID = freshID(7, func(id string) bool { return im.d.Routes[id] != nil })
	if err := checkRoute(im.d, r); err != nil {
		return err
	}
	im.d.Routes[r.RouteID] = r
	return nil
}

// exportHTTPAPI shows what a stage serves, or without a stage what is being edited.
func (s *Service) exportHTTPAPI(q *request) (any, error) {
	a, err := q.httpAPI()
	if err != nil {
		return nil, err
	}
	if a.edited.API.ProtocolType != "HTTP" || q.params["specification"] != "OAS30" {
		return nil, badRequest("Only HTTP APIs can be exported, as OAS30")
	}
	d := a.edited
	if name := q.query.Get("stageName"); name != "" {
		st := a.stages[name]
		if st == nil || a.deployments[st.DeploymentID] == nil {
			return nil, httpNotFound("Stage", "Unable to find Stage by name "+name+" within the provided API")
		}
		d = a.deployments[st.DeploymentID].frozen
	}
	doc := d.openAPI(!strings.EqualFold(q.query.Get("includeExtensions"), "false"))
	switch q.query.Get("outputType") {
	case "JSON":
		body, err := json.MarshalIndent(doc, "", "  ")
		return raw{contentType: "application/json", body: body}, err
	case "YAML":
		body, err := yaml.Marshal(doc)
		return raw{contentType: "application/yaml", body: body}, err
	}
	return nil, badRequest("Invalid outputType specified. Must be one of [YAML, JSON]")
}

var routeVariable = regexp.MustCompile(`\{([^{}+]+)\+?\}`)

func (d *httpDefinition) openAPI(extensions bool) map[string]any {
	info := map[string]any{"title": d.API.Name, "version": d.API.Version}
	if d.API.Version == "" {
		info["version"] = d.API.CreatedDate
	}
	if d.API.Description != "" {
		info["description"] = d.API.Description
	}
	paths := map[string]any{}
	for _, id := range sortedKeys(d.Routes) {
		r := d.Routes[id]
		verb, path, ok := strings.Cut(r.RouteKey, " ")
		if !ok {
			verb, path = "ANY", "/$default"
		}
		key := strings.ToLower(verb)
		if verb == "ANY" {
			if key = extAnyMethod; !extensions {
				continue // there is no other word for it
			}
		}
		item := asObject(paths[path])
		if item == nil {
			item = map[string]any{}
			paths[path] = item
		}
		op := map[string]any{"responses": map[string]any{"default": map[string]any{"description": "Default response for " + r.RouteKey}}}
		if verb == "ANY" && path == "/$default" {
			op["isDefaultRoute"] = true
		}
		if r.OperationName != "" {
			op["operationId"] = r.OperationName
		}
		if z := d.Authorizers[r.AuthorizerID]; z != nil {
			op["security"] = []any{map[string]any{z.Name: append([]string{}, r.AuthorizationScopes...)}}
		} else if r.AuthorizationType == "AWS_IAM" {
			op["security"] = []any{map[string]any{"sigv4": []string{}}}
		}
		if in := d.Integrations[strings.TrimPrefix(r.Target, "integrations/")]; in != nil && extensions {
			op[extIntegration] = in.openAPI()
		}
		item[key] = op
		var parameters []any
		for _, m := range routeVariable.FindAllStringSubmatch(path, -1) {
			parameters = append(parameters, map[string]any{"name": m[1], "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
		}
		if parameters != nil {
			item["parameters"] = parameters
		}
	}
	doc := map[string]any{"openapi": "3.0.1", "info": info, "paths": paths, "servers": []any{map[string]any{"url": d.API.APIEndpoint}}}
	if !extensions {
		for _, item := range paths { // without the extensions nothing says what the schemes mean
			for _, op := range asObject(item) {
				delete(asObject(op), "security")
			}
		}
		return doc
	}
	doc["x-amazon-apigateway-importexport-version"] = "1.0"
	if d.API.CORS != nil {
		doc[extCORS] = plainJSON(d.API.CORS)
	}
	if schemes := d.openAPISchemes(); len(schemes) > 0 {
		doc["components"] = map[string]any{"securitySchemes": schemes}
	}
	return doc
}

func (d *httpDefinition) openAPISchemes() map[string]any {
	schemes := map[string]any{}
	for _, r := range d.Routes {
		if r.AuthorizationType == "AWS_IAM" {
			schemes["sigv4"] = map[string]any{"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4"}
		}
	}
	for _, z := range d.Authorizers {
		ext := map[string]any{"type": strings.ToLower(z.AuthorizerType)}
		if len(z.IdentitySource) > 0 {
			ext["identitySource"] = strings.Join(z.IdentitySource, ", ")
		}
		if z.AuthorizerType == "JWT" {
			ext["jwtConfiguration"] = plainJSON(z.JWT)
			schemes[z.Name] = map[string]any{"type": "oauth2", "flows": map[string]any{}, extAuthorizer: ext}
			continue
		}
		ext["authorizerUri"], ext["authorizerPayloadFormatVersion"] = z.AuthorizerURI, z.PayloadFormatVersion
		ext["authorizerResultTtlInSeconds"], ext["enableSimpleResponses"] = z.TTL, z.EnableSimpleResponses
		if z.AuthorizerCredentialsARN != "" {
			ext["authorizerCredentials"] = z.AuthorizerCredentialsARN
		}
		schemes[z.Name] = map[string]any{"type": "apiKey", "name": "Authorization", "in": "header", extAuthorizer: ext}
	}
	return schemes
}

func (in *httpIntegration) openAPI() map[string]any {
	ext := map[string]any{"type": strings.ToLower(in.IntegrationType), "uri": in.IntegrationURI, "payloadFormatVersion": in.PayloadFormatVersion, "connectionType": in.ConnectionType, "timeoutInMillis": in.TimeoutInMillis}
	for k, v := range map[string]string{"httpMethod": in.IntegrationMethod, "credentials": in.CredentialsARN} {
		if v != "" {
			ext[k] = v
		}
	}
	return ext
}

// plainJSON is v as maps and lists, which both encoders write with the same names.
func plainJSON(v any) any {
	var out any
	if err := into(v, &out); err != nil {
		return nil
	}
	return out
}
