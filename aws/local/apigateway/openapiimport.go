package apigateway

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"portcullis/aws/local/wire"
)

// importRestAPI makes a new API from an OpenAPI 3.0 or Swagger 2.0 document.
func (s *Service) importRestAPI(q *request) (any, error) {
	d := s.blankAPI("")
	delete(d.Models, "Empty") // an import brings its own models
	delete(d.Models, "Error")
	if err := s.importInto(q, d); err != nil {
		return nil, err
	}
	a, err := s.addAPI(q, d)
	if err != nil {
		return nil, err
	}
	return a.edited.API, nil
}

// putRestAPI merges a document into an API or replaces its definition. It works on a copy: an import that fails leaves
// the API as it was.
func (s *Service) putRestAPI(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	mode := q.query.Get("mode")
	if mode == "" {
		mode = "merge"
	}
	d := clone(a.edited)
	switch mode {
	case "merge":
	case "overwrite":
		root := d.Resources[d.API.RootResourceID]
		keep := restAPI{ID: d.API.ID, Name: d.API.Name, CreatedDate: d.API.CreatedDate, RootResourceID: root.ID, Tags: d.API.Tags, APIKeySource: "HEADER",
			EndpointConfiguration: d.API.EndpointConfiguration, SecurityPolicy: d.API.SecurityPolicy, EndpointAccessMode: d.API.EndpointAccessMode}
		d = newDefinition()
		d.API = keep
		d.Resources[root.ID] = &resource{ID: root.ID, Path: "/"}
	default:
		return nil, validation("1 validation error detected: Value '" + mode + "' at 'mode' failed to satisfy constraint: Member must satisfy enum value set: [merge, overwrite]")
	}
	if err := s.importInto(q, d); err != nil {
		return nil, err
	}
	a.edited = d
	return d.API, nil
}

// importer reads one document into one definition, collecting what goes wrong.
type importer struct {
	svc        *Service
	d          *definition
	doc        map[string]any
	v3         bool
	schemes    map[string]scheme // :: security scheme name → what it means here
	validators map[string]string // :: name in the document → validator id
	basePath   string
	errors     []string
	warnings   []string
}

// scheme is what a security scheme means to API Gateway.
type scheme struct {
	authorizerID string
	cognito      bool
	apiKey       bool
	iam          bool
}

// object is a member that should be an object; nil when it is absent or something else.
func object(m map[string]any, keys ...string) map[string]any {
	for _, k := range keys {
		m, _ = m[k].(map[string]any)
	}
	return m
}

func text(m map[string]any, key string) string {
	switch v := m[key].(type) {
	case string:
		return v
	case nil:
		return ""
	default:
		return fmt.Sprint(v)
	}
}

func (s *Service) importInto(q *request, d *definition) error {
	doc, err := parseDocument(q.Body)
	if err != nil {
		return badRequest("Unable to parse API definition because of a malformed document: " + err.Error())
	}
	im := &importer{svc: s, d: d, doc: doc, schemes: map[string]scheme{}, validators: map[string]string{}}
	switch {
	case text(doc, "swagger") == "2.0":
	case strings.HasPrefix(text(doc, "openapi"), "3.0"):
		im.v3 = true
	default:
		return badRequest("Invalid API document: only Swagger 2.0 and OpenAPI 3.0 can be imported")
	}
	if text(object(doc, "info"), "title") == "" && d.API.Name == "" {
		return badRequest("Errors found during import:\n\tInvalid API document: info.title is missing")
	}
	im.apiSettings(q)
	im.models()
	im.requestValidators()
	im.securitySchemes()
	im.gatewayResponses()
	im.paths()
	if len(im.errors) > 0 {
		return badRequest("Errors found during import:\n\t" + strings.Join(im.errors, "\n\t"))
	}
	if len(im.warnings) > 0 && q.query.Get("failonwarnings") == "true" {
		return badRequest("Warnings found during import:\n\t" + strings.Join(im.warnings, "\n\t"))
	}
	d.API.Warnings = im.warnings
	return nil
}

// parseDocument reads JSON or YAML and makes every key a string.
func parseDocument(b []byte) (map[string]any, error) {
	var v any
	if json.Valid(b) {
		if err := json.Unmarshal(b, &v); err != nil {
			return nil, err
		}
	} else {
		if err := yaml.Unmarshal(b, &v); err != nil {
			return nil, err
		}
		v = plain(v)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("it is no object")
	}
	return m, nil
}

func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = plain(e)
		}
		return v
	case map[any]any:
		out := map[string]any{}
		for k, e := range v {
			out[fmt.Sprint(k)] = plain(e)
		}
		return out
	case []any:
		for i, e := range v {
			v[i] = plain(e)
		}
		return v
	}
	return v
}

// into decodes a piece of the document into a typed value by its JSON form.
func into(v, to any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, to)
}

func (im *importer) errorf(format string, args ...any) {
	im.errors = append(im.errors, fmt.Sprintf(format, args...))
}

func (im *importer) warnf(format string, args ...any) {
	im.warnings = append(im.warnings, fmt.Sprintf(format, args...))
}

// awsMessage is the message of an error of ours without its code.
func awsMessage(err error) string {
	if e, ok := err.(*wire.Error); ok {
		return e.Message
	}
	return err.Error()
}

func (im *importer) apiSettings(q *request) {
	info, api := object(im.doc, "info"), &im.d.API
	if t := text(info, "title"); t != "" {
		api.Name = t
	}
	if t := text(info, "description"); t != "" {
		api.Description = t
	}
	if t := text(info, "version"); t != "" {
		api.Version = t
	}
	if t := text(im.doc, "x-amazon-apigateway-api-key-source"); t != "" {
		api.APIKeySource = strings.ToUpper(t)
	}
	if b, ok := im.doc["x-amazon-apigateway-binary-media-types"]; ok {
		if into(b, &api.BinaryMediaTypes) != nil {
			im.errorf("x-amazon-apigateway-binary-media-types must be a list of strings")
		}
	}
	if n, ok := im.doc["x-amazon-apigateway-minimum-compression-size"]; ok {
		size := 0
		if into(n, &size) != nil || size < 0 || size > 10485760 {
			im.errorf("%s", badCompression)
		}
		api.MinimumCompressionSize = &size
	}
	if p, ok := im.doc["x-amazon-apigateway-policy"]; ok {
		b, _ := json.Marshal(p)
		if _, err := parsePolicy(b); err != nil {
			im.errorf("Invalid policy document. Please check the policy syntax and ensure that Principals are valid. (%v)", err)
		}
		api.Policy = string(b)
	}
	endpointDoc := object(im.doc, "x-amazon-apigateway-endpoint-configuration")
	if servers, ok := im.doc["servers"].([]any); ok && len(servers) > 0 {
		first, _ := servers[0].(map[string]any)
		if e := object(first, "x-amazon-apigateway-endpoint-configuration"); e != nil {
			endpointDoc = e
		}
		im.basePath = serverPath(first)
	}
	if !im.v3 {
		im.basePath = text(im.doc, "basePath")
	}
	if endpointDoc != nil {
		if v, ok := endpointDoc["disableExecuteApiEndpoint"].(bool); ok {
			api.DisableExecuteAPIEndpoint = v
		}
	}
	if t := q.query.Get("endpointConfigurationTypes"); t != "" {
		api.EndpointConfiguration.Types = []string{t}
		if err := checkEndpoint(api.EndpointConfiguration); err != nil {
			im.errorf("%s", awsMessage(err))
		}
	}
	switch mode := q.query.Get("basepath"); mode {
	case "", "ignore":
		im.basePath = ""
	case "prepend":
	case "split":
		parts := strings.SplitN(strings.Trim(im.basePath, "/"), "/", 2)
		im.basePath = ""
		if len(parts) == 2 {
			im.basePath = "/" + parts[1]
		}
	default:
		im.errorf("Invalid basepath mode %q. Must be one of ignore, prepend, split", mode)
	}
	im.basePath = strings.TrimSuffix(im.basePath, "/")
}

// serverPath is the path of the first server with its variables at their defaults; a variable basePath is the path.
func serverPath(server map[string]any) string {
	raw := text(server, "url")
	for name, v := range object(server, "variables") {
		def := text(asObject(v), "default")
		if name == "basePath" {
			def = strings.TrimPrefix(def, "/")
		}
		raw = strings.ReplaceAll(raw, "{"+name+"}", def)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.Path, "/")
}

func asObject(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

var notAlphanumeric = regexp.MustCompile(`[^a-zA-Z0-9]`)

func (im *importer) models() {
	schemas := object(im.doc, "definitions")
	if im.v3 {
		schemas = object(im.doc, "components", "schemas")
	}
	for _, name := range sortedKeys(schemas) {
		clean := notAlphanumeric.ReplaceAllString(name, "")
		b, err := json.Marshal(im.modelRefs(schemas[name]))
		if err != nil || clean == "" {
			im.errorf("Unable to create model for '%s'", name)
			continue
		}
		m := &model{ID: newID(6), Name: clean, ContentType: "application/json", Schema: string(b)}
		if old := im.d.Models[clean]; old != nil {
			m.ID = old.ID
		}
		im.d.Models[clean] = m
	}
}

// modelRefs rewrites references between schemas into references between models.
func (im *importer) modelRefs(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if ref, ok := e.(string); ok && k == "$ref" {
				out[k] = "https://apigateway.amazonaws.com/restapis/" + im.d.API.ID + "/models/" + refName(ref)
				continue
			}
			out[k] = im.modelRefs(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = im.modelRefs(e)
		}
		return out
	}
	return v
}

func refName(ref string) string {
	return notAlphanumeric.ReplaceAllString(ref[strings.LastIndex(ref, "/")+1:], "")
}

func (im *importer) requestValidators() {
	list := object(im.doc, "x-amazon-apigateway-request-validators")
	for _, name := range sortedKeys(list) {
		v := &validator{}
		if err := into(list[name], v); err != nil {
			im.errorf("Unable to create request validator '%s': %v", name, err)
			continue
		}
		v.Name = name
		for id, old := range im.d.Validators {
			if old.Name == name {
				v.ID = id
			}
		}
		if v.ID != "" {
			im.d.Validators[v.ID] = v
		} else {
			im.d.addValidator(v)
		}
		im.validators[name] = v.ID
	}
}

func (im *importer) securitySchemes() {
	list := object(im.doc, "securityDefinitions")
	if im.v3 {
		list = object(im.doc, "components", "securitySchemes")
	}
	for _, name := range sortedKeys(list) {
		def := asObject(list[name])
		ext := object(def, "x-amazon-apigateway-authorizer")
		authtype := text(def, "x-amazon-apigateway-authtype")
		switch {
		case ext != nil:
			im.authorizer(name, def, ext, authtype)
		case strings.EqualFold(authtype, "awsSigv4"):
			im.schemes[name] = scheme{iam: true}
		case text(def, "type") == "apiKey" && strings.EqualFold(text(def, "name"), "x-api-key") && text(def, "in") == "header":
			im.schemes[name] = scheme{apiKey: true}
		default:
			im.schemes[name] = scheme{}
			im.warnf("Security scheme '%s' is not supported by API Gateway and was ignored", name)
		}
	}
}

// authorizer makes an authorizer of a security scheme, or updates the one of the same name.
func (im *importer) authorizer(name string, def, ext map[string]any, authtype string) {
	z := &authorizer{Name: name, Type: strings.ToUpper(text(ext, "type")), AuthType: authtype, AuthorizerURI: text(ext, "authorizerUri"),
		AuthorizerCredentials: text(ext, "authorizerCredentials"), IdentitySource: text(ext, "identitySource"),
		IdentityValidationExpression: text(ext, "identityValidationExpression")}
	ttl := 300
	if v, ok := ext["authorizerResultTtlInSeconds"]; ok && into(v, &ttl) != nil {
		im.errorf("Unable to create authorizer '%s': authorizerResultTtlInSeconds must be a number", name)
		return
	}
	z.TTL = &ttl
	if v, ok := ext["providerARNs"]; ok && into(v, &z.ProviderARNs) != nil {
		im.errorf("Unable to create authorizer '%s': providerARNs must be a list of ARNs", name)
		return
	}
	if z.IdentitySource == "" && z.Type == "TOKEN" {
		z.IdentitySource = "method.request.header." + text(def, "name")
	}
	if err := checkAuthorizer(z); err != nil {
		im.errorf("Unable to create authorizer '%s': %s", name, awsMessage(err))
		return
	}
	if old := im.d.authorizerByName(name); old != nil {
		z.ID = old.ID
		if z.AuthType == "" {
			z.AuthType = old.AuthType
		}
		im.d.Authorizers[z.ID] = z
	} else if err := im.svc.addAuthorizer(im.d, z); err != nil {
		im.errorf("Unable to create authorizer '%s': %s", name, awsMessage(err))
		return
	}
	im.schemes[name] = scheme{authorizerID: z.ID, cognito: z.Type == "COGNITO_USER_POOLS"}
}

func (im *importer) gatewayResponses() {
	list := object(im.doc, "x-amazon-apigateway-gateway-responses")
	for _, t := range sortedKeys(list) {
		if _, ok := responseKinds[t]; !ok {
			im.errorf("Unable to put gateway response: unknown type '%s'", t)
			continue
		}
		g := &gatewayResponse{}
		raw := asObject(list[t])
		if code := text(raw, "statusCode"); code != "" {
			raw["statusCode"] = code // a number in many documents
		}
		if err := into(raw, g); err != nil {
			im.errorf("Unable to put gateway response '%s': %v", t, err)
			continue
		}
		g.ResponseType = t
		if err := completeGatewayResponse(g); err != nil {
			im.errorf("Unable to put gateway response '%s': %s", t, awsMessage(err))
			continue
		}
		im.d.GatewayResponses[t] = g
	}
}
