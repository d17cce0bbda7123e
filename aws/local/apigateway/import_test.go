package apigateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsapi "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"
)

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// shape is what an API looks like to GetResources, without identifiers.
func shape(t *testing.T, b *bench, id string) map[string]map[string]types.Method {
	t.Helper()
	rs, err := b.sdk().GetResources(t.Context(), &awsapi.GetResourcesInput{RestApiId: &id, Embed: []string{"methods"}, Limit: aws.Int32(500)})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]types.Method{}
	for _, r := range rs.Items {
		out[*r.Path] = map[string]types.Method{}
		for v, m := range r.ResourceMethods {
			if m.AuthorizerId != nil {
				m.AuthorizerId = aws.String("an authorizer")
			}
			if m.RequestValidatorId != nil {
				m.RequestValidatorId = aws.String("a validator")
			}
			if m.MethodIntegration != nil {
				m.MethodIntegration.CacheNamespace = nil
			}
			out[*r.Path][v] = m
		}
	}
	return out
}

var sameMethods = cmp.FilterPath(func(p cmp.Path) bool { return strings.HasSuffix(p.String(), "noSmithyDocumentSerde") }, cmp.Ignore())

// TestImportOfBothDialects: the Swagger 2.0 and the OpenAPI 3.0 document of testdata mean the same API.
func TestImportOfBothDialects(t *testing.T) {
	b := newBench(t, nil)
	read := func(name string) []byte {
		doc, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	var shapes []map[string]map[string]types.Method
	for _, name := range []string{"petstore-swagger.json", "petstore-openapi.yaml"} {
		out, err := b.sdk().ImportRestApi(t.Context(), &awsapi.ImportRestApiInput{Body: read(name), FailOnWarnings: true})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if *out.Name != "PetStore" || *out.Version != "1.0" || out.ApiKeySource != types.ApiKeySourceTypeHeader {
			t.Errorf("%s: %+v", name, out)
		}
		shapes = append(shapes, shape(t, b, *out.Id))
	}
	if d := cmp.Diff(shapes[0], shapes[1], sameMethods); d != "" {
		t.Errorf("the two documents differ (-swagger +openapi):\n%s", d)
	}
	get := shapes[0]["/pets/{petId}"]["GET"]
	if *get.AuthorizationType != "CUSTOM" || !*get.ApiKeyRequired || get.RequestParameters["method.request.path.petId"] != true || *get.OperationName != "getPet" {
		t.Errorf("GET /pets/{petId}: %+v", get)
	}
	if in := get.MethodIntegration; in.Type != types.IntegrationTypeAwsProxy || *in.Uri != functionURI || *in.HttpMethod != "POST" || in.TimeoutInMillis != 29000 {
		t.Errorf("integration %+v", in)
	}
	post := shapes[0]["/pets"]["POST"]
	if post.RequestModels["application/json"] != "Pet" || post.RequestValidatorId == nil || *post.AuthorizationType != "AWS_IAM" {
		t.Errorf("POST /pets: %+v", post)
	}
	if r := post.MethodIntegration.IntegrationResponses["400"]; *r.SelectionPattern != "4\\d{2}" || r.ResponseTemplates["application/json"] != `{"error":true}` {
		t.Errorf("responses %+v", post.MethodIntegration.IntegrationResponses)
	}
	if _, ok := shapes[0]["/shops"]; !ok || len(shapes[0]["/shops"]) != 0 {
		t.Error("the missing parent /shops was not created")
	}
	if m := shapes[0]["/shops/{proxy+}"]["ANY"]; *m.AuthorizationType != "NONE" {
		t.Errorf("security: [] is %+v", m)
	}
}

// TestExportImportsAgain: an export with all extensions, imported, is the same API. Both formats, both media types.
func TestExportImportsAgain(t *testing.T) {
	doc, err := os.ReadFile("testdata/petstore-openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"oas30", "swagger"} {
		for _, accept := range []string{"application/json", "application/yaml"} {
			t.Run(kind+" "+accept, func(t *testing.T) {
				b := newBench(t, nil)
				id := b.importAPI(string(doc))
				req, err := http.NewRequestWithContext(t.Context(), "GET", b.url+"/restapis/"+id+"/stages/dev/exports/"+kind+"?extensions=apigateway", nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Accept", accept) // aws-sdk-go-v2 asks for JSON whatever Accepts says
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				body := readAll(t, res.Body)
				if res.Header.Get("Content-Type") != accept || !strings.HasPrefix(res.Header.Get("Content-Disposition"), `attachment; filename="`+kind) || json.Valid([]byte(body)) != (accept == "application/json") {
					t.Errorf("%v %s", res.Header, body)
				}
				again := b.importAPI(body)
				want, got := shape(t, b, id), shape(t, b, again)
				delete(want, "/shops") // a resource without methods is not in an export, but its child makes it
				delete(got, "/shops")
				if d := cmp.Diff(want, got, sameMethods); d != "" {
					t.Errorf("(-imported +exported and imported):\n%s", d)
				}
				plain, err := b.sdk().GetExport(t.Context(), &awsapi.GetExportInput{RestApiId: &id, StageName: aws.String("dev"), ExportType: &kind, Accepts: &accept})
				if err != nil {
					t.Fatal(err)
				}
				if s := string(plain.Body); strings.Contains(s, "x-amazon-apigateway-integration") || strings.Contains(s, "x-amazon-apigateway-authorizer") {
					t.Error("extensions that were not asked for")
				}
			})
		}
	}
}

func TestPutRestApi(t *testing.T) {
	b := newBench(t, nil)
	ctx, c := t.Context(), b.sdk()
	id := b.importAPI(document([]string{"GET /a", "GET /b"}, byHeader))
	authorizers := func() string {
		zs, err := c.GetAuthorizers(ctx, &awsapi.GetAuthorizersInput{RestApiId: &id})
		if err != nil || len(zs.Items) != 1 {
			t.Fatal(zs, err)
		}
		return *zs.Items[0].Id
	}
	before := authorizers()
	put := func(mode types.PutMode, doc string) error {
		_, err := c.PutRestApi(ctx, &awsapi.PutRestApiInput{RestApiId: &id, Mode: mode, Body: []byte(doc)})
		return err
	}
	verbs := func() []string {
		var out []string
		for path, ms := range shape(t, b, id) {
			for v := range ms {
				out = append(out, v+" "+path)
			}
		}
		return out
	}
	set := cmp.Transformer("set", func(s []string) map[string]bool {
		m := map[string]bool{}
		for _, k := range s {
			m[k] = true
		}
		return m
	})
	if err := put(types.PutModeMerge, document([]string{"POST /a", "GET /c/d"}, byHeader)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"GET /a", "POST /a", "GET /b", "GET /c/d"}, verbs(), set); d != "" {
		t.Error(d)
	}
	if authorizers() != before {
		t.Error("a merge replaced the authorizer of the same name")
	}
	wantReply(t, b.call(id, "POST", "/dev/a", "", "Authorization", "x"), 403, `{"message":"Missing Authentication Token"}`) // not deployed
	err := put(types.PutModeOverwrite, strings.Replace(document([]string{"GET /z"}, ""), "type: mock", "type: moc", 1))
	wantError(t, err, "BadRequestException", "")
	if !strings.Contains(err.Error(), "Errors found during import:\n\tUnable to put integration on 'GET' for resource at path '/z'") {
		t.Error(err)
	}
	if len(verbs()) != 4 {
		t.Error("a failed import changed the API")
	}
	if err := put(types.PutModeOverwrite, document([]string{"GET /z"}, byHeader)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"GET /z"}, verbs(), set); d != "" {
		t.Error(d)
	}
}

func TestImportErrors(t *testing.T) {
	base := document([]string{"GET /a"}, byHeader)
	for name, c := range map[string]struct{ doc, message string }{
		"not a document":      {"{", "malformed"},
		"a list":              {"[]", "it is no object"},
		"another version":     {"openapi: 3.1.0\ninfo: {title: a}", "only Swagger 2.0 and OpenAPI 3.0"},
		"no title":            {"openapi: 3.0.1\ninfo: {}", "info.title is missing"},
		"caching, no source":  {strings.Replace(base, "identitySource: method.request.header.Authorization", "identitySource: ''", 1), "Unable to create authorizer 'guard': Invalid request input"},
		"authorizer URI":      {strings.Replace(base, functionURI, "arn:aws:lambda:x", 1), "Unable to create authorizer 'guard': Invalid Authorizer URI"},
		"unknown scheme":      {strings.Replace(base, "security: [{guard: []}]", "security: [{other: []}]", 1), "Security scheme 'other' is not defined"},
		"path without slash":  {strings.Replace(base, `"/a"`, `"a"`, 1), "a path starts with a slash"},
		"child of greedy":     {document([]string{"GET /{proxy+}/a"}, ""), "Cannot create a child of a resource with a greedy path variable: {proxy+}"},
		"two variables":       {document([]string{"GET /{a}", "GET /{b}"}, ""), "only one is allowed"},
		"undeclared response": {strings.Replace(base, "responses: {'200': {description: ok}}\n", "responses: {'201': {description: ok}}\n", 1), "No method response exists for method."},
		"undeclared header":   {strings.Replace(base, "default: {statusCode: '200', ", "default: {statusCode: '200', responseParameters: {method.response.header.X: \"'a'\"}, ", 1), "Invalid mapping expression parameter specified: method.response.header.X"},
		"unknown validator":   {base + "x-amazon-apigateway-request-validator: nope\n", "Invalid Request Validator identifier specified"},
		"gateway response":    {base + "x-amazon-apigateway-gateway-responses: {NOPE: {}}\n", "unknown type 'NOPE'"},
		"policy":              {base + "x-amazon-apigateway-policy: {Statement: [{Effect: Maybe}]}\n", "Invalid policy document"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			_, err := b.sdk().ImportRestApi(t.Context(), &awsapi.ImportRestApiInput{Body: []byte(c.doc)})
			wantError(t, err, "BadRequestException", "")
			if err != nil && !strings.Contains(err.Error(), c.message) {
				t.Errorf("%v\nwant %s", err, c.message)
			}
			if l, err := b.sdk().GetRestApis(t.Context(), &awsapi.GetRestApisInput{}); err != nil || len(l.Items) != 0 {
				t.Errorf("a failed import left %v %v", l, err)
			}
		})
	}
}

func TestBasePathModes(t *testing.T) {
	b := newBench(t, nil)
	for mode, want := range map[string]string{"ignore": "/a", "prepend": "/v1/shop/a", "split": "/shop/a"} {
		for dialect, doc := range map[string]string{
			"openapi": document([]string{"GET /a"}, "") + "servers: [{url: 'https://example.com/v1/shop'}]\n",
			"swagger": strings.Replace(document([]string{"GET /a"}, ""), "openapi: 3.0.1\n", "swagger: '2.0'\nbasePath: /v1/shop\n", 1),
		} {
			out, err := b.sdk().ImportRestApi(t.Context(), &awsapi.ImportRestApiInput{Body: []byte(doc), Parameters: map[string]string{"basepath": mode, "endpointConfigurationTypes": "REGIONAL"}})
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := shape(t, b, *out.Id)[want]; !ok || out.EndpointConfiguration.Types[0] != types.EndpointTypeRegional {
				t.Errorf("%s %s: no %s, %+v", dialect, mode, want, out.EndpointConfiguration)
			}
		}
	}
}
