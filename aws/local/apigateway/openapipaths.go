package apigateway

import (
	"slices"
	"strings"
)

// This file imports the paths of a document: resources, methods, integrations.

func (im *importer) paths() {
	paths := object(im.doc, "paths")
	for _, p := range sortedKeys(paths) {
		if strings.HasPrefix(p, "x-") {
			continue
		}
		if !strings.HasPrefix(p, "/") {
			im.errorf("Invalid path '%s': a path starts with a slash", p)
			continue
		}
		r, err := im.ensureResource(im.basePath + p)
		if err != nil {
			im.errorf("Unable to create resource at path '%s': %s", im.basePath+p, awsMessage(err))
			continue
		}
		item := asObject(paths[p])
		for _, key := range sortedKeys(item) {
			verb := strings.ToUpper(key)
			if key == "x-amazon-apigateway-any-method" {
				verb = "ANY"
			} else if !slices.Contains(verbs, verb) || verb == "ANY" {
				continue
			}
			im.method(r, verb, asObject(item[key]), item)
		}
	}
}

// ensureResource returns the resource of a path and creates it with its missing parents.
func (im *importer) ensureResource(path string) (*resource, error) {
	r := im.d.Resources[im.d.API.RootResourceID]
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if part == "" {
			continue
		}
		child := im.d.resourceByPath(joinPath(r.Path, part))
		if child == nil {
			var err error
			if child, err = im.svc.addResource(im.d, r, part); err != nil {
				return nil, err
			}
		}
		r = child
	}
	return r, nil
}

func (im *importer) method(r *resource, verb string, op, item map[string]any) {
	m := &method{HTTPMethod: verb, AuthorizationType: "NONE", OperationName: text(op, "operationId")}
	im.security(m, op)
	im.parameters(m, op, item)
	im.responses(m, op)
	name := text(op, "x-amazon-apigateway-request-validator")
	if name == "" {
		name = text(im.doc, "x-amazon-apigateway-request-validator")
	}
	if name != "" {
		id, ok := im.validators[name]
		if !ok {
			im.errorf("Unable to put method '%s' on resource at path '%s': Invalid Request Validator identifier specified", verb, r.Path)
			return
		}
		m.RequestValidatorID = id
	}
	if err := checkMethod(im.d, m); err != nil {
		im.errorf("Unable to put method '%s' on resource at path '%s': %s", verb, r.Path, awsMessage(err))
		return
	}
	if ext := object(op, "x-amazon-apigateway-integration"); ext != nil {
		if err := im.integration(m, r, ext); err != nil {
			im.errorf("Unable to put integration on '%s' for resource at path '%s': %s", verb, r.Path, awsMessage(err))
			return
		}
	}
	if r.Methods == nil {
		r.Methods = map[string]*method{}
	}
	r.Methods[verb] = m
}

// security applies the operation's security, or the document's. An empty list means none.
func (im *importer) security(m *method, op map[string]any) {
	reqs, ok := op["security"].([]any)
	if !ok {
		reqs, _ = im.doc["security"].([]any)
	}
	for _, req := range reqs {
		for _, name := range sortedKeys(asObject(req)) {
			sc, known := im.schemes[name]
			switch {
			case !known:
				im.errorf("Security scheme '%s' is not defined", name)
			case sc.authorizerID != "":
				m.AuthorizationType, m.AuthorizerID = "CUSTOM", sc.authorizerID
				if sc.cognito {
					m.AuthorizationType = "COGNITO_USER_POOLS"
					into(asObject(req)[name], &m.AuthorizationScopes) // a value that is no list of scopes adds none
				}
			case sc.iam:
				m.AuthorizationType = "AWS_IAM"
			case sc.apiKey:
				m.APIKeyRequired = true
			}
		}
	}
	if auth := object(op, "x-amazon-apigateway-auth"); auth != nil {
		if t := strings.ToUpper(text(auth, "type")); t == "NONE" || t == "AWS_IAM" {
			m.AuthorizationType, m.AuthorizerID = t, ""
		}
	}
}

// deref follows one local reference.
func (im *importer) deref(m map[string]any) map[string]any {
	ref := text(m, "$ref")
	if !strings.HasPrefix(ref, "#/") {
		return m
	}
	at := im.doc
	for key := range strings.SplitSeq(ref[2:], "/") {
		at = object(at, unescapePointer(key))
	}
	if at == nil {
		im.errorf("Unable to resolve the reference '%s'", ref)
	}
	return at
}

func (im *importer) parameters(m *method, op, item map[string]any) {
	all, _ := item["parameters"].([]any)
	own, _ := op["parameters"].([]any)
	for _, raw := range slices.Concat(all, own) {
		p := im.deref(asObject(raw))
		name, required := text(p, "name"), p["required"] == true
		kind := map[string]string{"query": "querystring", "header": "header", "path": "path"}[text(p, "in")]
		if kind != "" && name != "" {
			if m.RequestParameters == nil {
				m.RequestParameters = map[string]bool{}
			}
			m.RequestParameters["method.request."+kind+"."+name] = required
		}
		if text(p, "in") == "body" {
			im.requestModel(m, im.consumes(op), object(p, "schema"))
		}
	}
	for ct, media := range object(im.deref(object(op, "requestBody")), "content") {
		im.requestModel(m, []string{ct}, object(asObject(media), "schema"))
	}
}

func (im *importer) consumes(op map[string]any) []string {
	for _, from := range []map[string]any{op, im.doc} {
		var types []string
		if v, ok := from["consumes"]; ok && into(v, &types) == nil && len(types) > 0 {
			return types
		}
	}
	return []string{"application/json"}
}

func (im *importer) requestModel(m *method, types []string, schema map[string]any) {
	ref := text(schema, "$ref")
	if ref == "" {
		return
	}
	for _, ct := range types {
		if m.RequestModels == nil {
			m.RequestModels = map[string]string{}
		}
		m.RequestModels[ct] = refName(ref)
	}
}

func (im *importer) responses(m *method, op map[string]any) {
	list := object(op, "responses")
	for _, code := range sortedKeys(list) {
		if !statusCode.MatchString(code) {
			continue
		}
		def := im.deref(asObject(list[code]))
		mr := &methodResponse{StatusCode: code}
		for _, h := range sortedKeys(object(def, "headers")) {
			if mr.ResponseParameters == nil {
				mr.ResponseParameters = map[string]bool{}
			}
			mr.ResponseParameters["method.response.header."+h] = false
		}
		model := func(ct string, schema map[string]any) {
			if ref := text(schema, "$ref"); ref != "" {
				if mr.ResponseModels == nil {
					mr.ResponseModels = map[string]string{}
				}
				mr.ResponseModels[ct] = refName(ref)
			}
		}
		model("application/json", object(def, "schema"))
		for ct, media := range object(def, "content") {
			model(ct, object(asObject(media), "schema"))
		}
		if m.MethodResponses == nil {
			m.MethodResponses = map[string]*methodResponse{}
		}
		m.MethodResponses[code] = mr
	}
}

// integration reads an x-amazon-apigateway-integration.
func (im *importer) integration(m *method, r *resource, ext map[string]any) error {
	copied := map[string]any{}
	for k, v := range ext {
		if k != "responses" {
			copied[k] = v
		}
	}
	in := &integration{}
	if err := into(copied, in); err != nil {
		return badRequest("Unable to parse the integration: " + err.Error())
	}
	in.HTTPMethod = strings.ToUpper(in.HTTPMethod)
	in.PassthroughBehavior = strings.ToUpper(in.PassthroughBehavior)
	in.ContentHandling = strings.ToUpper(in.ContentHandling)
	if err := completeIntegration(in, r); err != nil {
		return err
	}
	responses := object(ext, "responses")
	for _, pattern := range sortedKeys(responses) {
		def := asObject(responses[pattern])
		ir := &integrationResponse{}
		if code := text(def, "statusCode"); code != "" {
			def["statusCode"] = code
		}
		if err := into(def, ir); err != nil {
			return badRequest("Unable to parse the integration response '" + pattern + "': " + err.Error())
		}
		if pattern != "default" {
			ir.SelectionPattern = pattern
		}
		if !statusCode.MatchString(ir.StatusCode) {
			return badRequest("Invalid status code specified: " + ir.StatusCode)
		}
		if m.MethodResponses[ir.StatusCode] == nil {
			return badRequest("No method response exists for method.")
		}
		if err := checkIntegrationResponse(m, ir); err != nil {
			return err
		}
		if in.IntegrationResponses == nil {
			in.IntegrationResponses = map[string]*integrationResponse{}
		}
		in.IntegrationResponses[ir.StatusCode] = ir
	}
	m.MethodIntegration = in
	return nil
}
