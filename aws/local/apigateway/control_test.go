package apigateway_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsapi "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"

	"portcullis/aws/local/apigateway"
)

func op(kind types.Op, path, value string) types.PatchOperation {
	return types.PatchOperation{Op: kind, Path: &path, Value: &value}
}

func TestAPIsOfOtherAccountsAndRegionsAreInvisible(t *testing.T) {
	b := newBench(t, nil)
	ctx := t.Context()
	mine, other, elsewhere := b.sdk(), b.client("444455556666", testRegion), b.client(testAccount, "us-east-1")
	out, err := mine.CreateRestApi(ctx, &awsapi.CreateRestApiInput{Name: aws.String("PetStore"), Description: aws.String("d"), Tags: map[string]string{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(*out.Id) != 10 || len(*out.RootResourceId) != 10 || out.ApiKeySource != types.ApiKeySourceTypeHeader || out.CreatedDate.Unix() != b.clock().Unix() ||
		cmp.Diff([]types.EndpointType{types.EndpointTypeEdge}, out.EndpointConfiguration.Types) != "" || out.Tags["a"] != "b" {
		t.Errorf("created %+v", out)
	}
	for name, c := range map[string]*awsapi.Client{"account": other, "region": elsewhere} {
		if l, err := c.GetRestApis(ctx, &awsapi.GetRestApisInput{}); err != nil || len(l.Items) != 0 {
			t.Errorf("another %s sees %v %v", name, l, err)
		}
		_, err := c.GetRestApi(ctx, &awsapi.GetRestApiInput{RestApiId: out.Id})
		wantError(t, err, "NotFoundException", "")
		_, err = c.TestInvokeAuthorizer(ctx, &awsapi.TestInvokeAuthorizerInput{RestApiId: out.Id, AuthorizerId: aws.String("a")})
		wantError(t, err, "NotFoundException", "")
		_, err = c.DeleteRestApi(ctx, &awsapi.DeleteRestApiInput{RestApiId: out.Id})
		wantError(t, err, "NotFoundException", "")
	}
}

// TestPagination: pages of every size together show everything once, whatever is deleted and created in between.
func TestPagination(t *testing.T) {
	b := newBench(t, nil)
	ctx, c := t.Context(), b.sdk()
	want := map[string]bool{}
	for i := range 31 {
		o, err := c.CreateRestApi(ctx, &awsapi.CreateRestApiInput{Name: aws.String(fmt.Sprintf("api-%d", i))})
		if err != nil {
			t.Fatal(err)
		}
		want[*o.Id] = true
	}
	for _, limit := range []int32{1, 7, 31, 500, 0} {
		got := map[string]bool{}
		pages := 0
		p := awsapi.NewGetRestApisPaginator(c, &awsapi.GetRestApisInput{}, func(o *awsapi.GetRestApisPaginatorOptions) { o.Limit = limit })
		for p.HasMorePages() {
			out, err := p.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			pages++
			for _, a := range out.Items {
				if got[*a.Id] {
					t.Errorf("limit %d: %s twice", limit, *a.Id)
				}
				got[*a.Id] = true
			}
		}
		size := int(limit)
		if size == 0 {
			size = 25 // the default
		}
		if d := cmp.Diff(want, got); d != "" || pages != (31+size-1)/size {
			t.Errorf("limit %d: %d pages, %s", limit, pages, d)
		}
	}
	first, err := c.GetRestApis(ctx, &awsapi.GetRestApisInput{Limit: aws.Int32(10)})
	if err != nil {
		t.Fatal(err)
	}
	last := first.Items[9].Id
	if _, err := c.DeleteRestApi(ctx, &awsapi.DeleteRestApiInput{RestApiId: last}); err != nil {
		t.Fatal(err)
	}
	second, err := c.GetRestApis(ctx, &awsapi.GetRestApisInput{Limit: aws.Int32(500), Position: first.Position})
	if err != nil || len(second.Items) != 21 || second.Position != nil {
		t.Errorf("after a deletion: %d items, position %v, %v", len(second.Items), second.Position, err)
	}
}

// TestHAL: a client that does not ask for application/json gets HAL, as from the service.
func TestHAL(t *testing.T) {
	b := newBench(t, nil)
	b.must("POST", "/restapis", map[string]any{"name": "PetStore"})
	for _, items := range []string{"one", "many"} {
		res, err := http.Get(b.url + "/restapis")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var body strings.Builder
		if _, err := fmt.Fprint(&body, readAll(t, res.Body)); err != nil {
			t.Fatal(err)
		}
		want := `"_embedded":{"item":{"`
		if items == "many" {
			want = `"_embedded":{"item":[{"`
		}
		if res.Header.Get("Content-Type") != "application/hal+json" || !strings.Contains(body.String(), want) || !strings.Contains(body.String(), `"_links"`) {
			t.Errorf("%s: %s", items, body.String())
		}
		b.must("POST", "/restapis", map[string]any{"name": "PetStore2"})
	}
}

func TestIAMIsAskedWithVerbAndPath(t *testing.T) {
	b := newBench(t, nil)
	ctx, c := t.Context(), b.sdk()
	id := b.importAPI(document([]string{"GET /pets"}, ""))
	b.denied["apigateway:POST arn:aws:apigateway:eu-west-1::/restapis/"+id+"/authorizers"] = true
	_, err := c.CreateAuthorizer(ctx, &awsapi.CreateAuthorizerInput{RestApiId: &id, Name: aws.String("a"), Type: types.AuthorizerTypeRequest, AuthorizerUri: aws.String(functionURI), AuthorizerResultTtlInSeconds: aws.Int32(0)})
	wantError(t, err, "AccessDeniedException", "User: x is not authorized to perform: apigateway:POST on resource: arn:aws:apigateway:eu-west-1::/restapis/"+id+"/authorizers")
	facts := b.facts[len(b.facts)-1]
	if d := cmp.Diff(map[string][]string{"apigateway:Request/AuthorizerUri": {functionURI}, "apigateway:Request/AuthorizerType": {"REQUEST"}}, facts); d != "" {
		t.Error(d)
	}
	if l, err := c.GetAuthorizers(ctx, &awsapi.GetAuthorizersInput{RestApiId: &id}); err != nil || len(l.Items) != 0 {
		t.Errorf("a refused call left %v %v", l, err)
	}
	if _, err := c.GetTags(ctx, &awsapi.GetTagsInput{ResourceArn: aws.String("arn:aws:apigateway:eu-west-1::/restapis/" + id)}); err != nil {
		t.Fatal(err)
	}
	if got := b.asked[len(b.asked)-1]; got != "apigateway:GET arn:aws:apigateway:eu-west-1::/tags/arn:aws:apigateway:eu-west-1::/restapis/"+id {
		t.Errorf("asked %s", got)
	}
}

func TestStages(t *testing.T) {
	b := newBench(t, nil)
	ctx, c := t.Context(), b.sdk()
	id := b.importAPI(document([]string{"GET /pets"}, ""))
	first, err := c.GetStage(ctx, &awsapi.GetStageInput{RestApiId: &id, StageName: aws.String("dev")})
	if err != nil {
		t.Fatal(err)
	}
	second := b.deploy(id, "dev")
	b.advance(time.Minute)
	b.must("PATCH", "/account", map[string]any{"patchOperations": []any{map[string]any{"op": "replace", "path": "/cloudwatchRoleArn", "value": "arn:aws:iam::111122223333:role/logs"}}})
	st, err := c.UpdateStage(ctx, &awsapi.UpdateStageInput{RestApiId: &id, StageName: aws.String("dev"), PatchOperations: []types.PatchOperation{
		op(types.OpReplace, "/deploymentId", *first.DeploymentId),
		op(types.OpReplace, "/variables/url", "example.com"),
		op(types.OpReplace, "/description", "d"),
		op(types.OpReplace, "/tracingEnabled", "true"),
		op(types.OpReplace, "/*/*/throttling/rateLimit", "5.5"),
		op(types.OpReplace, "/~1pets/GET/logging/loglevel", "INFO"),
		op(types.OpReplace, "/accessLogSettings/format", "$context.requestId"),
		op(types.OpReplace, "/canarySettings/percentTraffic", "10"),
		op(types.OpReplace, "/canarySettings/deploymentId", second),
		op(types.OpReplace, "/canarySettings/stageVariableOverrides/url", "canary.example.com"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if *st.DeploymentId != *first.DeploymentId || st.Variables["url"] != "example.com" || !st.TracingEnabled || st.MethodSettings["*/*"].ThrottlingRateLimit != 5.5 ||
		*st.MethodSettings["pets/GET"].LoggingLevel != "INFO" || st.CanarySettings.PercentTraffic != 10 || st.LastUpdatedDate.Sub(*st.CreatedDate) != time.Minute {
		t.Errorf("updated %+v %+v", st, st.MethodSettings)
	}
	for _, c := range []struct {
		op      types.PatchOperation
		message string
	}{
		{op(types.OpReplace, "/deploymentId", "zzzzzz"), "Deployment id does not exist"},
		{op(types.OpAdd, "/description", "x"), "Invalid add operation with path: /description"},
		{op(types.OpAdd, "/canarySettings/deploymentId", "x"), "Invalid add operation with path: /canarySettings/deploymentId"},
		{op(types.OpRemove, "/canarySettings/badPath", ""), "Cannot remove method setting canarySettings/badPath because there is no method setting for this method "},
		{op(types.OpRemove, "/*/GET", ""), "Cannot remove method setting */GET because there is no method setting for this method "},
		{op(types.OpReplace, "/stageName", "x"), stagePaths("/stageName")},
		{op(types.OpReplace, "/canarySettings/badPath", "x"), stagePaths("/canarySettings/badPath")},
		{op(types.OpReplace, "/*/*/throttling/wrong", "1"), stagePaths("/*/*/throttling/wrong")},
		{op(types.OpReplace, "/canarySettings/percentTraffic", "101"), "Percent traffic must be between 0.0 and 100.0"},
	} {
		_, err := b.sdk().UpdateStage(ctx, &awsapi.UpdateStageInput{RestApiId: &id, StageName: aws.String("dev"), PatchOperations: []types.PatchOperation{op(types.OpReplace, "/description", "half"), c.op}})
		wantError(t, err, "BadRequestException", c.message)
	}
	if st, err = c.UpdateStage(ctx, &awsapi.UpdateStageInput{RestApiId: &id, StageName: aws.String("dev"), PatchOperations: []types.PatchOperation{
		{Op: types.OpCopy, Path: aws.String("/deploymentId"), From: aws.String("/canarySettings/deploymentId")},
		{Op: types.OpCopy, Path: aws.String("/variables"), From: aws.String("/canarySettings/stageVariableOverrides")},
		{Op: types.OpRemove, Path: aws.String("/canarySettings")},
		{Op: types.OpRemove, Path: aws.String("/~1pets/GET")},
	}}); err != nil || *st.Description != "d" || *st.DeploymentId != second || st.Variables["url"] != "canary.example.com" || st.CanarySettings != nil || len(st.MethodSettings) != 1 {
		t.Errorf("promoted %+v %v", st, err)
	}
	if _, err := c.CreateStage(ctx, &awsapi.CreateStageInput{RestApiId: &id, StageName: aws.String("prod"), DeploymentId: &second, Variables: map[string]string{"a": "b"}}); err != nil {
		t.Fatal(err)
	}
	all, err := c.GetStages(ctx, &awsapi.GetStagesInput{RestApiId: &id})
	if err != nil || len(all.Item) != 2 {
		t.Errorf("stages %+v %v", all, err)
	}
	some, err := c.GetStages(ctx, &awsapi.GetStagesInput{RestApiId: &id, DeploymentId: first.DeploymentId})
	if err != nil || len(some.Item) != 0 {
		t.Errorf("stages of the first deployment %+v %v", some, err)
	}
	wantReply(t, b.call(id, "GET", "/prod/pets", ""), 200, "GET /pets")
	if _, err := c.DeleteStage(ctx, &awsapi.DeleteStageInput{RestApiId: &id, StageName: aws.String("prod")}); err != nil {
		t.Fatal(err)
	}
	wantReply(t, b.call(id, "GET", "/prod/pets", ""), 403, `{"message":"Forbidden"}`)
	if _, err := c.DeleteDeployment(ctx, &awsapi.DeleteDeploymentInput{RestApiId: &id, DeploymentId: first.DeploymentId}); err != nil {
		t.Errorf("deleting a deployment that no stage uses: %v", err)
	}
}

// stagePaths is the text that was recorded for a path that a stage does not have (LocalStack, test_apigateway_canary, 2025-05).
func stagePaths(path string) string {
	return "Invalid method setting path: " + path + ". Must be one of: [/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, /accessLogSettings, /accessLogSettings/destinationArn, /accessLogSettings/format, " +
		"/{resourcePath}/{httpMethod}/metrics/enabled, /{resourcePath}/{httpMethod}/logging/dataTrace, /{resourcePath}/{httpMethod}/logging/loglevel, /{resourcePath}/{httpMethod}/throttling/burstLimit/{resourcePath}/{httpMethod}/throttling/rateLimit/{resourcePath}/{httpMethod}/caching/ttlInSeconds, " +
		"/{resourcePath}/{httpMethod}/caching/enabled, /{resourcePath}/{httpMethod}/caching/dataEncrypted, /{resourcePath}/{httpMethod}/caching/requireAuthorizationForCacheControl, /{resourcePath}/{httpMethod}/caching/unauthorizedCacheControlHeaderStrategy, " +
		"/*/*/metrics/enabled, /*/*/logging/dataTrace, /*/*/logging/loglevel, /*/*/throttling/burstLimit /*/*/throttling/rateLimit /*/*/caching/ttlInSeconds, /*/*/caching/enabled, /*/*/caching/dataEncrypted, /*/*/caching/requireAuthorizationForCacheControl, " +
		"/*/*/caching/unauthorizedCacheControlHeaderStrategy, /variables/{variable_name}, /tracingEnabled]"
}

// TestCanary: with all traffic on the canary its deployment and its variables serve.
func TestCanary(t *testing.T) {
	b := newBench(t, nil)
	doc := strings.ReplaceAll(document([]string{"GET /pets"}, ""), `"GET /pets"`, `"$stageVariables.color"`)
	id := b.importAPI(doc)
	b.must("PATCH", "/restapis/"+id+"/stages/dev", map[string]any{"patchOperations": []any{map[string]any{"op": "replace", "path": "/variables/color", "value": "blue"}}})
	wantReply(t, b.call(id, "GET", "/dev/pets", ""), 200, "blue")
	d := b.must("POST", "/restapis/"+id+"/deployments", map[string]any{"stageName": "dev", "canarySettings": map[string]any{"percentTraffic": 100, "stageVariableOverrides": map[string]any{"color": "green"}}})
	wantReply(t, b.call(id, "GET", "/dev/pets", ""), 200, "green")
	st := b.must("GET", "/restapis/"+id+"/stages/dev", nil)
	if st["deploymentId"] == d["id"] || st["canarySettings"].(map[string]any)["deploymentId"] != d["id"] {
		t.Errorf("stage %v", st)
	}
	r, _ := b.rest("DELETE", "/restapis/"+id+"/deployments/"+d["id"].(string), nil)
	if r.status != 400 {
		t.Errorf("the canary's deployment could be deleted: %d", r.status)
	}
}

func TestUsagePlansAndKeys(t *testing.T) {
	b := newBench(t, nil)
	ctx, c := t.Context(), b.sdk()
	id := b.importAPI(document([]string{"GET /pets"}, ""))
	key, err := c.CreateApiKey(ctx, &awsapi.CreateApiKeyInput{Name: aws.String("k"), Enabled: true})
	if err != nil || len(*key.Value) != 40 {
		t.Fatal(err, key)
	}
	if k, err := c.GetApiKey(ctx, &awsapi.GetApiKeyInput{ApiKey: key.Id}); err != nil || k.Value != nil {
		t.Errorf("a value shown without being asked for: %+v %v", k, err)
	}
	if k, err := c.GetApiKey(ctx, &awsapi.GetApiKeyInput{ApiKey: key.Id, IncludeValue: aws.Bool(true)}); err != nil || *k.Value != *key.Value {
		t.Errorf("%+v %v", k, err)
	}
	if l, err := c.GetApiKeys(ctx, &awsapi.GetApiKeysInput{NameQuery: aws.String("k"), IncludeValues: aws.Bool(true)}); err != nil || len(l.Items) != 1 || *l.Items[0].Value != *key.Value {
		t.Errorf("%+v %v", l, err)
	}
	_, err = c.CreateUsagePlan(ctx, &awsapi.CreateUsagePlanInput{Name: aws.String("p"), ApiStages: []types.ApiStage{{ApiId: &id, Stage: aws.String("nope")}}})
	wantError(t, err, "NotFoundException", "")
	plan, err := c.CreateUsagePlan(ctx, &awsapi.CreateUsagePlanInput{Name: aws.String("p"), Throttle: &types.ThrottleSettings{BurstLimit: 2, RateLimit: 1}})
	if err != nil {
		t.Fatal(err)
	}
	up, err := c.UpdateUsagePlan(ctx, &awsapi.UpdateUsagePlanInput{UsagePlanId: plan.Id, PatchOperations: []types.PatchOperation{
		op(types.OpAdd, "/apiStages", id+":dev"), op(types.OpReplace, "/quota/limit", "10"), op(types.OpReplace, "/quota/period", "WEEK"),
		op(types.OpReplace, "/apiStages/"+id+":dev/throttle/~1pets/GET/rateLimit", "7"), op(types.OpReplace, "/throttle/rateLimit", "2.5"),
	}})
	if err != nil || up.Quota.Limit != 10 || up.ApiStages[0].Throttle["/pets/GET"].RateLimit != 7 || up.Throttle.RateLimit != 2.5 {
		t.Fatalf("%+v %v", up, err)
	}
	if _, err := c.CreateUsagePlanKey(ctx, &awsapi.CreateUsagePlanKeyInput{UsagePlanId: plan.Id, KeyId: key.Id, KeyType: aws.String("API_KEY")}); err != nil {
		t.Fatal(err)
	}
	_, err = c.CreateUsagePlanKey(ctx, &awsapi.CreateUsagePlanKeyInput{UsagePlanId: plan.Id, KeyId: key.Id, KeyType: aws.String("API_KEY")})
	wantError(t, err, "ConflictException", "")
	if ks, err := c.GetUsagePlanKeys(ctx, &awsapi.GetUsagePlanKeysInput{UsagePlanId: plan.Id}); err != nil || len(ks.Items) != 1 {
		t.Errorf("%+v %v", ks, err)
	}
	if ps, err := c.GetUsagePlans(ctx, &awsapi.GetUsagePlansInput{KeyId: key.Id}); err != nil || len(ps.Items) != 1 {
		t.Errorf("%+v %v", ps, err)
	}
	_, err = c.DeleteRestApi(ctx, &awsapi.DeleteRestApiInput{RestApiId: &id})
	wantError(t, err, "BadRequestException", "")
	_, err = c.DeleteUsagePlan(ctx, &awsapi.DeleteUsagePlanInput{UsagePlanId: plan.Id})
	wantError(t, err, "BadRequestException", "")
	if _, err := c.DeleteApiKey(ctx, &awsapi.DeleteApiKeyInput{ApiKey: key.Id}); err != nil {
		t.Fatal(err)
	}
	if ks, err := c.GetUsagePlanKeys(ctx, &awsapi.GetUsagePlanKeysInput{UsagePlanId: plan.Id}); err != nil || len(ks.Items) != 0 {
		t.Errorf("a deleted key stays in the plan: %+v %v", ks, err)
	}
	if _, err := c.UpdateUsagePlan(ctx, &awsapi.UpdateUsagePlanInput{UsagePlanId: plan.Id, PatchOperations: []types.PatchOperation{op(types.OpRemove, "/apiStages", id+":dev")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteUsagePlan(ctx, &awsapi.DeleteUsagePlanInput{UsagePlanId: plan.Id}); err != nil {
		t.Fatal(err)
	}
}

// TestKeysFromTheAuthorizer: with apiKeySource AUTHORIZER the key comes from usageIdentifierKey.
// Source: Developer Guide, "Choose an API key source".
func TestKeysFromTheAuthorizer(t *testing.T) {
	b := newBench(t, nil)
	doc := strings.Replace(document([]string{"GET /pets"}, uncached), "security: [{guard: []}]\n", "    api_key: {type: apiKey, name: x-api-key, in: header}\nsecurity: [{guard: [], api_key: []}]\nx-amazon-apigateway-api-key-source: AUTHORIZER\n", 1)
	id := b.importAPI(doc)
	const value = "wJalrXUtnFEMIK7MDENGbPxRfiCY"
	key := b.must("POST", "/apikeys", map[string]any{"name": "k", "enabled": true, "value": value})["id"]
	plan := b.must("POST", "/usageplans", map[string]any{"name": "p", "apiStages": []any{map[string]any{"apiId": id, "stage": "dev"}}})["id"].(string)
	out := allow("*")
	out["usageIdentifierKey"] = value
	b.returns("my-function", out)
	wantReply(t, b.call(id, "GET", "/dev/pets", ""), 403, `{"message":"Forbidden"}`) // the key is in no plan
	b.must("POST", "/usageplans/"+plan+"/keys", map[string]any{"keyId": key, "keyType": "API_KEY"})
	wantReply(t, b.call(id, "GET", "/dev/pets", ""), 200, "GET /pets")
	out["usageIdentifierKey"] = "unknown"
	b.returns("my-function", out)
	wantReply(t, b.call(id, "GET", "/dev/pets", "", "X-Api-Key", value), 403, `{"message":"Forbidden"}`) // the header does not count
	out["usageIdentifierKey"] = value
	b.returns("my-function", out)
	b.must("PATCH", "/apikeys/"+key.(string), map[string]any{"patchOperations": []any{map[string]any{"op": "replace", "path": "/enabled", "value": "false"}}})
	wantReply(t, b.call(id, "GET", "/dev/pets", ""), 403, `{"message":"Forbidden"}`)
}

// TestControlThrottles: the documented budgets, on the injected clock.
func TestControlThrottles(t *testing.T) {
	b := newBench(t, func(o *apigateway.Options) { o.ControlThrottles = true })
	ctx, c := t.Context(), b.sdk()
	api, err := c.CreateRestApi(ctx, &awsapi.CreateRestApiInput{Name: aws.String("a")})
	if err != nil {
		t.Fatal(err)
	}
	resources := func() error {
		_, err := c.GetResources(ctx, &awsapi.GetResourcesInput{RestApiId: api.Id})
		return err
	}
	for range 5 {
		if err := resources(); err != nil {
			t.Fatal(err)
		}
	}
	err = resources()
	wantError(t, err, "TooManyRequestsException", "Too Many Requests")
	var tooMany *types.TooManyRequestsException
	if !errors.As(err, &tooMany) || tooMany.RetryAfterSeconds == nil || *tooMany.RetryAfterSeconds != "1" {
		t.Errorf("Retry-After: %+v", tooMany)
	}
	b.advance(400 * time.Millisecond) // 5 per 2 s
	if err := resources(); err != nil {
		t.Error(err)
	}
	b.advance(time.Hour)
	for i := range 40 {
		if _, err := c.GetRestApi(ctx, &awsapi.GetRestApiInput{RestApiId: api.Id}); err != nil {
			t.Fatalf("call %d of the burst: %v", i, err)
		}
	}
	_, err = c.GetRestApi(ctx, &awsapi.GetRestApiInput{RestApiId: api.Id})
	wantError(t, err, "TooManyRequestsException", "")
	if _, err := b.client(testAccount, "us-east-1").GetRestApis(ctx, &awsapi.GetRestApisInput{}); err != nil {
		t.Errorf("the budget is per region: %v", err)
	}
	b.advance(100 * time.Millisecond)
	if _, err := c.GetRestApi(ctx, &awsapi.GetRestApiInput{RestApiId: api.Id}); err != nil {
		t.Error(err)
	}
}

func TestQuotas(t *testing.T) {
	b := newBench(t, func(o *apigateway.Options) { o.MaxAPIs, o.MaxResources, o.MaxStages, o.MaxAuthorizers = 1, 3, 1, 1 })
	id := b.importAPI(document([]string{"GET /a", "GET /b"}, uncached))
	root := b.must("GET", "/restapis/"+id, nil)["rootResourceId"].(string)
	for path, body := range map[string]map[string]any{
		"/restapis":                              {"name": "second"},
		"/restapis/" + id + "/resources/" + root: {"pathPart": "c"},
		"/restapis/" + id + "/deployments":       {"stageName": "prod"},
		"/restapis/" + id + "/authorizers":       {"name": "second", "type": "REQUEST", "authorizerUri": functionURI, "authorizerResultTtlInSeconds": 0},
	} {
		if r, _ := b.rest("POST", path, body); r.status != 429 || r.header.Get("X-Amzn-Errortype") != "LimitExceededException" {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}

func TestTagsAndAccount(t *testing.T) {
	b := newBench(t, nil)
	ctx, c := t.Context(), b.sdk()
	id := b.importAPI(document([]string{"GET /a"}, ""))
	for _, arn := range []string{"arn:aws:apigateway:eu-west-1::/restapis/" + id, "arn:aws:apigateway:eu-west-1::/restapis/" + id + "/stages/dev"} {
		if _, err := c.TagResource(ctx, &awsapi.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"a": "1", "b": "2"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.UntagResource(ctx, &awsapi.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a"}}); err != nil {
			t.Fatal(err)
		}
		got, err := c.GetTags(ctx, &awsapi.GetTagsInput{ResourceArn: &arn})
		if err != nil || cmp.Diff(map[string]string{"b": "2"}, got.Tags) != "" {
			t.Errorf("%s: %+v %v", arn, got, err)
		}
	}
	_, err := c.GetTags(ctx, &awsapi.GetTagsInput{ResourceArn: aws.String("arn:aws:apigateway:eu-west-1::/restapis/zzz")})
	wantError(t, err, "NotFoundException", "")
	acct, err := c.UpdateAccount(ctx, &awsapi.UpdateAccountInput{PatchOperations: []types.PatchOperation{op(types.OpReplace, "/cloudwatchRoleArn", "arn:aws:iam::111122223333:role/logs")}})
	if err != nil || *acct.CloudwatchRoleArn != "arn:aws:iam::111122223333:role/logs" || acct.ThrottleSettings.BurstLimit != 5000 {
		t.Errorf("%+v %v", acct, err)
	}
	if a, err := c.GetAccount(ctx, &awsapi.GetAccountInput{}); err != nil || a.CloudwatchRoleArn == nil {
		t.Errorf("%+v %v", a, err)
	}
}

// TestFailedPatchChangesNothing: the operations before the wrong one leave no trace.
func TestFailedPatchChangesNothing(t *testing.T) {
	b := newBench(t, nil)
	names := fixtures(b)
	for _, at := range []string{"/restapis/{api}", "/restapis/{api}/resources/{pets}", "/restapis/{api}/resources/{pets}/methods/GET", "/restapis/{api}/resources/{pets}/methods/GET/integration",
		"/restapis/{api}/resources/{pets}/methods/GET/integration/responses/200", "/restapis/{api}/resources/{pets}/methods/GET/responses/200", "/restapis/{api}/authorizers/{used}",
		"/restapis/{api}/stages/dev", "/restapis/{api}/deployments/{dep}", "/restapis/{api}/models/Pet", "/restapis/{api}/requestvalidators/{validator}", "/restapis/{api}/gatewayresponses/UNAUTHORIZED", "/account"} {
		path := names.Replace(at)
		before, _ := b.rest("GET", path, nil)
		if before.status != 200 {
			t.Fatalf("%s: %d %s", at, before.status, before.body)
		}
		for _, good := range []string{"/name", "/description", "/pathPart", "/operationName", "/timeoutInMillis", "/selectionPattern", "/schema", "/statusCode", "/cloudwatchRoleArn", "/responseModels/application~1json"} {
			value := "500"
			r, _ := b.rest("PATCH", path, map[string]any{"patchOperations": []any{map[string]any{"op": "replace", "path": good, "value": value}, map[string]any{"op": "replace", "path": "/no/such/path", "value": "x"}}})
			if r.status < 400 {
				t.Errorf("%s took /no/such/path", at)
			}
		}
		after, _ := b.rest("GET", path, nil)
		if after.body != before.body {
			t.Errorf("%s changed:\n%s\n%s", at, before.body, after.body)
		}
	}
}
