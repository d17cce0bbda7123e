package apigateway_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsapi "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

func TestDocumentation(t *testing.T) {
	b := newBench(t, nil)
	ctx, c := t.Context(), b.sdk()
	id := b.importAPI(document([]string{"GET /a"}, ""))
	part := func(kind types.DocumentationPartType, path, properties string) (*awsapi.CreateDocumentationPartOutput, error) {
		l := &types.DocumentationPartLocation{Type: kind}
		if path != "" {
			l.Path = &path
		}
		return c.CreateDocumentationPart(ctx, &awsapi.CreateDocumentationPartInput{RestApiId: &id, Location: l, Properties: &properties})
	}
	version := func(v, stage string) error {
		in := &awsapi.CreateDocumentationVersionInput{RestApiId: &id, DocumentationVersion: &v}
		if stage != "" {
			in.StageName = &stage
		}
		_, err := c.CreateDocumentationVersion(ctx, in)
		return err
	}
	wantError(t, version("1", ""), "BadRequestException", "The REST API doesn't contain any documentation parts")
	api, err := part("API", "", `{"description":"pets"}`)
	if err != nil {
		t.Fatal(err)
	}
	method, err := part("METHOD", "/a", `{"summary":"s"}`)
	if err != nil || aws.ToString(method.Location.Method) != "*" {
		t.Fatalf("%+v %v", method, err)
	}
	_, err = part("API", "", `{}`)
	wantError(t, err, "ConflictException", "Documentation part already exists for the specified location: type 'API'.")
	_, err = part("API", "", `{`)
	wantError(t, err, "BadRequestException", "Invalid documentation properties specified: they must be a JSON text")
	found, err := c.GetDocumentationParts(ctx, &awsapi.GetDocumentationPartsInput{RestApiId: &id, Type: types.DocumentationPartTypeMethod, Path: aws.String("/a")})
	if err != nil || len(found.Items) != 1 || aws.ToString(found.Items[0].Id) != aws.ToString(method.Id) {
		t.Errorf("%+v %v", found, err)
	}
	if _, err := c.UpdateDocumentationPart(ctx, &awsapi.UpdateDocumentationPartInput{RestApiId: &id, DocumentationPartId: api.Id, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/properties"), Value: aws.String(`{"description":"new"}`)}}}); err != nil {
		t.Error(err)
	}
	if err := version("1", "dev"); err != nil {
		t.Error(err)
	}
	wantError(t, version("1", ""), "ConflictException", "Documentation version already exists: 1")
	st, err := c.GetStage(ctx, &awsapi.GetStageInput{RestApiId: &id, StageName: aws.String("dev")})
	if err != nil || aws.ToString(st.DocumentationVersion) != "1" {
		t.Errorf("%+v %v", st, err)
	}
	_, err = c.UpdateStage(ctx, &awsapi.UpdateStageInput{RestApiId: &id, StageName: aws.String("dev"), PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/documentationVersion"), Value: aws.String("2")}}})
	wantError(t, err, "BadRequestException", "Invalid Documentation version identifier specified")
	_, err = c.DeleteDocumentationVersion(ctx, &awsapi.DeleteDocumentationVersionInput{RestApiId: &id, DocumentationVersion: aws.String("1")})
	wantError(t, err, "BadRequestException", "Documentation version 1 is used by stage dev and must be removed from it first")

	doc := `{"swagger":"2.0","x-amazon-apigateway-documentation":{"documentationParts":[
		{"location":{"type":"API"},"properties":{"description":"imported"}},
		{"location":{"type":"RESOURCE","path":"/a"},"properties":{"description":"a"}},
		{"location":{"type":"NOTHING"},"properties":{}}]}}`
	importParts := func(mode types.PutMode, strict bool) (*awsapi.ImportDocumentationPartsOutput, error) {
		return c.ImportDocumentationParts(ctx, &awsapi.ImportDocumentationPartsInput{RestApiId: &id, Body: []byte(doc), Mode: mode, FailOnWarnings: strict})
	}
	texts := func() map[string]string {
		t.Helper()
		all, err := c.GetDocumentationParts(ctx, &awsapi.GetDocumentationPartsInput{RestApiId: &id})
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, p := range all.Items {
			out[string(p.Location.Type)] = aws.ToString(p.Properties)
		}
		return out
	}
	_, err = importParts(types.PutModeMerge, true)
	wantError(t, err, "BadRequestException", "Warnings found during import: BadRequestException: Invalid documentation part type specified: NOTHING")
	if got := texts(); got["API"] != `{"description":"new"}` || len(got) != 2 {
		t.Errorf("a refused import changed %v", got)
	}
	merged, err := importParts(types.PutModeMerge, false)
	if got := texts(); err != nil || len(merged.Ids) != 2 || merged.Ids[0] != *api.Id || len(merged.Warnings) != 1 || got["API"] != `{"description":"imported"}` || len(got) != 3 {
		t.Errorf("%+v %v: %v", merged, err, got)
	}
	if _, err := importParts(types.PutModeOverwrite, false); err != nil || len(texts()) != 2 {
		t.Errorf("%v: %v", err, texts())
	}
}

// TestModelTemplate: the template renders to a JSON value that fits its model.
func TestModelTemplate(t *testing.T) {
	b := newBench(t, nil)
	ctx, c := t.Context(), b.sdk()
	id := b.importAPI(document([]string{"GET /a"}, ""))
	for name, schema := range map[string]string{
		"Owner": `{"type":"object","properties":{"name":{"type":"string"}}}`,
		"Pet": `{"type":"object","properties":{"id":{"type":"integer"},"price":{"type":"number"},"sold":{"type":"boolean"},"owner":{"$ref":"https://apigateway.amazonaws.com/restapis/x/models/Owner"},
			"tags":{"type":"array","items":{"type":"string"}}}}`,
	} {
		if _, err := c.CreateModel(ctx, &awsapi.CreateModelInput{RestApiId: &id, Name: &name, ContentType: aws.String("application/json"), Schema: &schema}); err != nil {
			t.Fatal(err)
		}
	}
	out, err := c.GetModelTemplate(ctx, &awsapi.GetModelTemplateInput{RestApiId: &id, ModelName: aws.String("Pet")})
	if err != nil || !strings.HasPrefix(aws.ToString(out.Value), "#set($inputRoot = $input.path('$'))\n{\n  \"id\" : 42,\n") {
		t.Fatalf("%v %v", aws.ToString(out.Value), err)
	}
	doc := withIntegration(document([]string{"POST /a"}, ""), "        type: mock\n        requestTemplates: {application/json: '{\"statusCode\": 200}'}\n        responses: {default: {statusCode: '200'}}\n")
	other := b.importAPI(doc)
	rs, err := c.GetResources(ctx, &awsapi.GetResourcesInput{RestApiId: &other})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs.Items {
		if aws.ToString(r.Path) == "/a" {
			if _, err := c.PutIntegrationResponse(ctx, &awsapi.PutIntegrationResponseInput{RestApiId: &other, ResourceId: r.Id, HttpMethod: aws.String("POST"), StatusCode: aws.String("200"), ResponseTemplates: map[string]string{"application/json": *out.Value}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.deploy(other, "dev")
	got := b.call(other, "POST", "/dev/a", `{"tags":["a","b"]}`)
	var pet struct {
		ID    int
		Owner struct{ Name string }
		Tags  []string
	}
	if err := json.Unmarshal([]byte(got.body), &pet); err != nil || pet.ID != 42 || pet.Owner.Name != "foo" {
		t.Errorf("%d %s: %v", got.status, got.body, err)
	}
	_, err = c.GetModelTemplate(ctx, &awsapi.GetModelTemplateInput{RestApiId: &id, ModelName: aws.String("None")})
	wantError(t, err, "NotFoundException", "Invalid model name specified: None")
}
