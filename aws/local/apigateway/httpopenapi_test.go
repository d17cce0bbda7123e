package apigateway_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v2 "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/google/go-cmp/cmp"
)

const httpDocument = `
openapi: 3.0.1
info: {title: PetStore, version: "7", description: all pets}
x-amazon-apigateway-cors: {allowOrigins: ["https://example.com"], allowMethods: [GET], maxAge: 60}
security: [{guard: []}]
components:
  x-amazon-apigateway-integrations:
    backend: {type: AWS_PROXY, httpMethod: POST, payloadFormatVersion: "2.0", uri: "arn:aws:lambda:eu-west-1:111122223333:function:backend"}
  securitySchemes:
    guard:
      type: apiKey
      name: Authorization
      in: header
      x-amazon-apigateway-authorizer: {type: request, identitySource: "$request.header.A, $request.querystring.b", authorizerPayloadFormatVersion: "2.0", enableSimpleResponses: true, authorizerResultTtlInSeconds: 60,
        authorizerUri: "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111122223333:function:my-function/invocations"}
    tokens:
      type: oauth2
      flows: {}
      x-amazon-apigateway-authorizer: {type: jwt, identitySource: $request.header.Authorization, jwtConfiguration: {issuer: "https://issuer.example", audience: [pets]}}
    signed: {type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: awsSigv4}
    unknown: {type: http, scheme: basic}
paths:
  /open: {get: {security: [], operationId: open, x-amazon-apigateway-integration: {$ref: "#/components/x-amazon-apigateway-integrations/backend"}}}
  /pets: {get: {x-amazon-apigateway-integration: {$ref: "#/components/x-amazon-apigateway-integrations/backend"}}}
  /signed: {put: {security: [{signed: []}], x-amazon-apigateway-integration: {$ref: "#/components/x-amazon-apigateway-integrations/backend"}}}
  "/tokens/{id}":
    x-amazon-apigateway-any-method: {security: [{tokens: [read, write]}], x-amazon-apigateway-integration: {type: http_proxy, httpMethod: ANY, uri: "https://example.com/{id}", payloadFormatVersion: "1.0", timeoutInMillis: 5000}}
  /$default: {x-amazon-apigateway-any-method: {security: [], x-amazon-apigateway-integration: {$ref: "#/components/x-amazon-apigateway-integrations/backend"}}}
`

// TestHTTPImportAndExport: what is imported serves; what is exported and imported again is the same; what cannot be
// imported changes nothing.
func TestHTTPImportAndExport(t *testing.T) {
	h := newHTTPBench(t, nil)
	h.returns("my-function", map[string]any{"isAuthorized": true})
	ctx := t.Context()
	api, err := h.c.ImportApi(ctx, &v2.ImportApiInput{Body: aws.String(httpDocument)})
	if err != nil {
		t.Fatal(err)
	}
	if *api.Name != "PetStore" || *api.Version != "7" || *api.Description != "all pets" || len(api.ImportInfo) != 1 || !strings.Contains(api.ImportInfo[0], "'unknown'") {
		t.Errorf("imported %+v", api)
	}
	id := api.ApiId
	if _, err := h.c.CreateStage(ctx, &v2.CreateStageInput{ApiId: id, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	for req, want := range map[string]int{"GET /open": 200, "GET /pets?b=1": 200, "GET /pets": 401, "PUT /signed": 403, "PATCH /tokens/7": 401, "GET /else": 200} {
		verb, path, _ := strings.Cut(req, " ")
		if r := h.call(*id, verb, path, "", "A", "x"); r.status != want {
			t.Errorf("%s: %d %s", req, r.status, r.body)
		}
	}
	volatile := regexp.MustCompile(`https://[a-z0-9]{10}\.execute-api`)
	export := func(id *string, in v2.ExportApiInput) map[string]any {
		t.Helper()
		in.ApiId, in.Specification = id, aws.String("OAS30")
		if in.OutputType == nil {
			in.OutputType = aws.String("JSON")
		}
		out, err := h.c.ExportApi(ctx, &in)
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := json.Unmarshal([]byte(volatile.ReplaceAllString(string(out.Body), "https://execute-api")), &doc); err != nil {
			t.Fatal(err)
		}
		return doc
	}
	first := export(id, v2.ExportApiInput{StageName: aws.String("$default")})
	text, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.c.ImportApi(ctx, &v2.ImportApiInput{Body: aws.String(string(text)), FailOnWarnings: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, export(again.ApiId, v2.ExportApiInput{})); d != "" {
		t.Error(d)
	}
	bare := export(id, v2.ExportApiInput{IncludeExtensions: aws.Bool(false)})
	if text, err := json.Marshal(bare); err != nil || strings.Contains(string(text), "x-amazon") || strings.Contains(string(text), "security") || bare["paths"].(map[string]any)["/pets"] == nil {
		t.Errorf("without extensions: %s", text)
	}
	yes, err := h.c.ExportApi(ctx, &v2.ExportApiInput{ApiId: id, Specification: aws.String("OAS30"), OutputType: aws.String("YAML")})
	if err != nil || !strings.Contains(string(yes.Body), "openapi: 3.0.1") {
		t.Errorf("%v %s", err, yes.Body)
	}

	_, err = h.c.ReimportApi(ctx, &v2.ReimportApiInput{ApiId: id, Body: aws.String(httpDocument), FailOnWarnings: aws.Bool(true)})
	wantError(t, err, "BadRequestException", "Warnings found during import:\n\tSecurity scheme 'unknown' has no authorizer and is ignored")
	for name, c := range map[string]struct{ body, code string }{
		"not YAML":          {"{", "BadRequestException"},
		"Swagger":           {"swagger: '2.0'", "BadRequestException"},
		"no title":          {"openapi: 3.0.0", "BadRequestException"},
		"parameter mapping": {strings.Replace(httpDocument, "timeoutInMillis: 5000", "requestParameters: {'overwrite:path': '/'}", 1), "NotImplemented"},
		"bad authorizer":    {strings.Replace(httpDocument, "audience: [pets]", "audience: []", 1), "BadRequestException"},
	} {
		_, err := h.c.ReimportApi(ctx, &v2.ReimportApiInput{ApiId: id, Body: aws.String(c.body)})
		t.Log(name)
		wantError(t, err, c.code, "")
	}
	if d := cmp.Diff(first, export(id, v2.ExportApiInput{StageName: aws.String("$default")})); d != "" {
		t.Errorf("a failed import changed the API: %s", d)
	}
	if _, err := h.c.ReimportApi(ctx, &v2.ReimportApiInput{ApiId: id, Body: aws.String(strings.Replace(httpDocument, "/open:", "/opened:", 1))}); err != nil {
		t.Fatal(err)
	}
	routes, err := h.c.GetRoutes(ctx, &v2.GetRoutesInput{ApiId: id})
	if err != nil || len(routes.Items) != 5 {
		t.Errorf("%v %d routes", err, len(routes.Items))
	}
	wantReply(t, h.call(*id, "GET", "/opened", ""), 200, "GET /opened")

	ws, err := h.c.CreateApi(ctx, &v2.CreateApiInput{Name: aws.String("Chat"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.c.ExportApi(ctx, &v2.ExportApiInput{ApiId: ws.ApiId, Specification: aws.String("OAS30"), OutputType: aws.String("JSON")})
	wantError(t, err, "BadRequestException", "")
}
