package apigateway_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsapi "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"portcullis/aws/local/apigateway"
)

// at calls the data plane by a host name.
func (b *bench) at(host, target string, headers ...string) reply {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), "GET", b.url+target, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Host = host
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(data)}
}

func (b *bench) domain(name string) {
	b.t.Helper()
	b.must("POST", "/domainnames", map[string]any{"domainName": name, "regionalCertificateArn": "arn:aws:acm:eu-west-1:111122223333:certificate/x", "endpointConfiguration": map[string]any{"types": []string{"REGIONAL"}}})
}

func (b *bench) mapTo(domain, base, api, stage string) {
	b.t.Helper()
	b.must("POST", "/domainnames/"+domain+"/basepathmappings", map[string]any{"basePath": base, "restApiId": api, "stage": stage})
}

// TestCustomDomains: what a request to a custom domain reaches and what events say of its path, for the four kinds of
// mappings. Source: localstack#12295 and PR#12296, measured on AWS. Whether an authorizer's event says the same is not known.
func TestCustomDomains(t *testing.T) {
	const host = "api.example.com"
	for _, c := range []struct {
		name, base, stage, request string
		path                       string // of the event; and requestContext.path
	}{
		{"base path and stage", "v1", "dev", "/v1/items/42", "/v1/items/42"},
		{"base path only", "v1", "", "/v1/dev/items/42", "/v1/dev/items/42"},
		{"stage only", "", "dev", "/items/42", "/items/42"},
		{"neither", "", "", "/dev/items/42", "/dev/items/42"},
	} {
		for _, without := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				b := newBench(t, func(o *apigateway.Options) { o.AuthorizerPathWithoutBase = without })
				b.returns("my-function", allow("*"))
				id := b.importAPI(document([]string{"GET /items/{id}"}, uncached))
				b.domain(host)
				wantReply(t, b.at(host, c.request), 403, `{"message":"Forbidden"}`) // no mapping yet
				b.mapTo(host, c.base, id, c.stage)
				wantReply(t, b.at(host+":4566", c.request), 200, "GET /items/{id}")
				ev := b.lastEvent()
				ctx := ev["requestContext"].(map[string]any)
				path, full := c.path, c.path
				if without {
					path, full = "/items/42", "/dev/items/42"
				}
				if ev["path"] != path || ctx["path"] != full || ctx["domainName"] != host || ctx["domainPrefix"] != "api" || ctx["stage"] != "dev" {
					t.Errorf("path %v, context %v", ev["path"], ctx)
				}
				if want := "arn:aws:execute-api:eu-west-1:111122223333:" + id + "/dev/GET/items/42"; ev["methodArn"] != want || ev["pathParameters"].(map[string]any)["id"] != "42" {
					t.Errorf("methodArn %v, want %s; %v", ev["methodArn"], want, ev["pathParameters"])
				}
			})
		}
	}
}

// TestCustomDomainProxyEvent: the backend of a custom domain sees the path as the caller sent it, whatever the switch.
func TestCustomDomainProxyEvent(t *testing.T) {
	b := newBench(t, func(o *apigateway.Options) { o.AuthorizerPathWithoutBase = true })
	b.returns("my-function", map[string]any{"statusCode": 200, "body": "ok"})
	id := b.importAPI(withIntegration(document([]string{"GET /items/{id}"}, ""), "        type: aws_proxy\n        httpMethod: POST\n        uri: "+functionURI+"\n"))
	b.domain("api.example.com")
	b.mapTo("api.example.com", "v1", id, "dev")
	wantReply(t, b.at("api.example.com", "/v1/items/42/"), 200, "ok")
	ev := b.lastEvent()
	if ctx := ev["requestContext"].(map[string]any); ev["path"] != "/v1/items/42/" || ctx["path"] != "/v1/items/42/" || ev["resource"] != "/items/{id}" {
		t.Errorf("event %v", ev)
	}
}

// TestDomainsAndTheDefaultEndpoint: a custom domain serves an API whose default endpoint is disabled, several base paths
// serve several APIs, and what was removed serves no more.
func TestDomainsAndTheDefaultEndpoint(t *testing.T) {
	b := newBench(t, nil)
	first, second := b.importAPI(document([]string{"GET /a"}, "")), b.importAPI(document([]string{"GET /b"}, ""))
	b.must("PATCH", "/restapis/"+first, map[string]any{"patchOperations": []any{map[string]any{"op": "replace", "path": "/disableExecuteApiEndpoint", "value": "true"}}})
	b.deploy(first, "dev")
	b.domain("api.example.com")
	b.mapTo("api.example.com", "", first, "dev")
	b.mapTo("api.example.com", "second", second, "dev")
	wantReply(t, b.call(first, "GET", "/dev/a", ""), 403, `{"message":"Forbidden"}`)
	wantReply(t, b.at("API.example.com", "/a"), 200, "GET /a")
	wantReply(t, b.at("api.example.com", "//second/b"), 200, "GET /b")
	wantReply(t, b.at("api.example.com", "/second/a"), 403, `{"message":"Missing Authentication Token"}`)
	wantReply(t, b.call(second, "GET", "/dev/b", ""), 200, "GET /b") // the address without a host stays
	b.must("DELETE", "/domainnames/api.example.com/basepathmappings/second", nil)
	wantReply(t, b.at("api.example.com", "/second/b"), 403, `{"message":"Missing Authentication Token"}`)
	b.must("DELETE", "/domainnames/api.example.com", nil)
	if b.svc.ServesHost("api.example.com") {
		t.Error("a deleted domain is still served")
	}
}

func TestDomainNamesControl(t *testing.T) {
	b := newBench(t, nil)
	ctx, c := t.Context(), b.sdk()
	id := b.importAPI(document([]string{"GET /a"}, ""))
	edge, err := c.CreateDomainName(ctx, &awsapi.CreateDomainNameInput{DomainName: aws.String("edge.example.com"), CertificateArn: aws.String("arn:aws:acm:us-east-1:111122223333:certificate/x"), Tags: map[string]string{"team": "a"}})
	if err != nil || edge.DomainNameStatus != types.DomainNameStatusAvailable || !strings.HasSuffix(aws.ToString(edge.DistributionDomainName), ".cloudfront.net") || edge.RegionalDomainName != nil || edge.SecurityPolicy != types.SecurityPolicyTls12 {
		t.Fatalf("%+v %v", edge, err)
	}
	tags, err := c.GetTags(ctx, &awsapi.GetTagsInput{ResourceArn: edge.DomainNameArn})
	if err != nil || tags.Tags["team"] != "a" {
		t.Errorf("%v %v", tags, err)
	}
	moved, err := c.UpdateDomainName(ctx, &awsapi.UpdateDomainNameInput{DomainName: edge.DomainName, PatchOperations: []types.PatchOperation{
		{Op: types.OpAdd, Path: aws.String("/endpointConfiguration/types"), Value: aws.String("REGIONAL")},
		{Op: types.OpReplace, Path: aws.String("/regionalCertificateArn"), Value: aws.String("arn:aws:acm:eu-west-1:111122223333:certificate/y")}}})
	if err != nil || !strings.Contains(aws.ToString(moved.RegionalDomainName), ".execute-api.eu-west-1.") || aws.ToString(moved.DistributionDomainName) != aws.ToString(edge.DistributionDomainName) {
		t.Errorf("%+v %v", moved, err)
	}
	wantReply(t, b.at(aws.ToString(moved.RegionalDomainName), "/a"), 403, `{"message":"Forbidden"}`)
	m, err := c.CreateBasePathMapping(ctx, &awsapi.CreateBasePathMappingInput{DomainName: edge.DomainName, RestApiId: &id})
	if err != nil || aws.ToString(m.BasePath) != "(none)" || m.Stage != nil {
		t.Errorf("%+v %v", m, err)
	}
	changed, err := c.UpdateBasePathMapping(ctx, &awsapi.UpdateBasePathMappingInput{DomainName: edge.DomainName, BasePath: aws.String("(none)"), PatchOperations: []types.PatchOperation{
		{Op: types.OpReplace, Path: aws.String("/basePath"), Value: aws.String("pets")}, {Op: types.OpReplace, Path: aws.String("/stage"), Value: aws.String("dev")}}})
	if err != nil || aws.ToString(changed.BasePath) != "pets" || aws.ToString(changed.Stage) != "dev" {
		t.Errorf("%+v %v", changed, err)
	}
	list, err := c.GetBasePathMappings(ctx, &awsapi.GetBasePathMappingsInput{DomainName: edge.DomainName})
	if err != nil || len(list.Items) != 1 {
		t.Errorf("%+v %v", list, err)
	}

	mapping := func(base, api, stage string) error {
		_, err := c.CreateBasePathMapping(ctx, &awsapi.CreateBasePathMappingInput{DomainName: edge.DomainName, BasePath: &base, RestApiId: &api, Stage: &stage})
		return err
	}
	wantError(t, mapping("pets", id, "dev"), "ConflictException", "Base path already exists for this domain name")
	wantError(t, mapping("a/b", id, "dev"), "BadRequestException", "API Gateway V1 doesn't support the slash character (/) in base path mappings. To create a multi-level base path mapping, use API Gateway V2.")
	wantError(t, mapping("b", "zzzzzzzzzz", "dev"), "BadRequestException", "Invalid REST API identifier specified")
	wantError(t, mapping("b", id, "prod"), "BadRequestException", "Invalid stage identifier specified")
	_, err = c.GetBasePathMapping(ctx, &awsapi.GetBasePathMappingInput{DomainName: edge.DomainName, BasePath: aws.String("none")})
	wantError(t, err, "NotFoundException", "Invalid base path mapping identifier specified")
	_, err = c.GetDomainName(ctx, &awsapi.GetDomainNameInput{DomainName: aws.String("none.example.com")})
	wantError(t, err, "NotFoundException", "Invalid domain name identifier specified")
	_, err = b.client("444455556666", testRegion).GetDomainName(ctx, &awsapi.GetDomainNameInput{DomainName: edge.DomainName})
	wantError(t, err, "NotFoundException", "Invalid domain name identifier specified")
	for name, want := range map[string]string{"edge.example.com": "The domain name you provided already exists.", "localhost": "Invalid domain name specified: localhost", "127.0.0.1": "Invalid domain name specified: 127.0.0.1",
		"x.execute-api.eu-west-1.amazonaws.com": "Invalid domain name specified: x.execute-api.eu-west-1.amazonaws.com", "new.example.com": "A certificateArn or certificateName must be specified for an EDGE domain name"} {
		_, err := c.CreateDomainName(ctx, &awsapi.CreateDomainNameInput{DomainName: &name})
		wantError(t, err, "BadRequestException", want)
	}
	_, err = c.CreateDomainName(ctx, &awsapi.CreateDomainNameInput{DomainName: aws.String("mtls.example.com"), MutualTlsAuthentication: &types.MutualTlsAuthenticationInput{TruststoreUri: aws.String("s3://bucket/key")}})
	wantError(t, err, "NotImplemented", "the local AWS has no apigateway:CreateDomainName with mutualTlsAuthentication")
	if _, err := c.DeleteDomainName(ctx, &awsapi.DeleteDomainNameInput{DomainName: edge.DomainName}); err != nil {
		t.Error(err)
	}
	if all, err := c.GetDomainNames(ctx, &awsapi.GetDomainNamesInput{}); err != nil || len(all.Items) != 0 {
		t.Errorf("%+v %v", all, err)
	}
}

// lacking are the operations of the service model that answer 501.
var lacking = map[string][2]string{
	"CreateVpcLink":                     {"POST", "/vpclinks"},
	"GetVpcLinks":                       {"GET", "/vpclinks"},
	"GetVpcLink":                        {"GET", "/vpclinks/x"},
	"UpdateVpcLink":                     {"PATCH", "/vpclinks/x"},
	"DeleteVpcLink":                     {"DELETE", "/vpclinks/x"},
	"GetSdk":                            {"GET", "/restapis/x/stages/x/sdks/x"},
	"GetSdkType":                        {"GET", "/sdktypes/x"},
	"GetSdkTypes":                       {"GET", "/sdktypes"},
	"CreateDomainNameAccessAssociation": {"POST", "/domainnameaccessassociations"},
	"GetDomainNameAccessAssociations":   {"GET", "/domainnameaccessassociations"},
	"DeleteDomainNameAccessAssociation": {"DELETE", "/domainnameaccessassociations/x"},
	"RejectDomainNameAccessAssociation": {"POST", "/rejectdomainnameaccessassociations"},
}

// TestLackingOperations: what is not there says so, and the page names it.
func TestLackingOperations(t *testing.T) {
	page, err := os.ReadFile("../../../docs/reference/local-aws-apigateway.md")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, nil)
	for name, call := range lacking {
		r, body := b.rest(call[0], call[1], nil)
		if r.status != 501 || r.header.Get("X-Amzn-Errortype") != "NotImplemented" || body["message"] != "the local AWS has no apigateway:"+call[0]+" "+call[1] {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("the page does not say that %s is lacking", name)
		}
	}
}
