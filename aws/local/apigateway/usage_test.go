package apigateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsapi "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"
)

// TestUsage: requests and what is left of the quota, day by day, across the end of a period.
// Source: API reference, GetUsage.
func TestUsage(t *testing.T) {
	b := newBench(t, nil)
	ctx, c := t.Context(), b.sdk()
	id := b.importAPI(`
openapi: 3.0.1
info: {title: PetStore, version: "1"}
components: {securitySchemes: {key: {type: apiKey, name: x-api-key, in: header}}}
paths:
  /pets:
    get:
      security: [{key: []}]
      responses: {"200": {description: ok}}
      x-amazon-apigateway-integration: {type: mock, requestTemplates: {application/json: '{"statusCode":200}'}, responses: {default: {statusCode: "200"}}}
`)
	plan, err := c.CreateUsagePlan(ctx, &awsapi.CreateUsagePlanInput{Name: aws.String("p"), ApiStages: []types.ApiStage{{ApiId: &id, Stage: aws.String("dev")}}, Quota: &types.QuotaSettings{Limit: 3, Period: types.QuotaPeriodTypeWeek}})
	if err != nil {
		t.Fatal(err)
	}
	var keys []*awsapi.CreateApiKeyOutput
	for _, name := range []string{"busy", "quiet"} {
		k, err := c.CreateApiKey(ctx, &awsapi.CreateApiKeyInput{Name: &name, Enabled: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateUsagePlanKey(ctx, &awsapi.CreateUsagePlanKeyInput{UsagePlanId: plan.Id, KeyId: k.Id, KeyType: aws.String("API_KEY")}); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	call := func(want int) {
		t.Helper()
		if r := b.call(id, "GET", "/dev/pets", "", "x-api-key", *keys[0].Value); r.status != want {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	b.advance(-24 * time.Hour) // Friday
	call(200)
	b.advance(24 * time.Hour)
	call(200)
	call(200)
	call(429)
	b.advance(24 * time.Hour) // Sunday: a new week
	call(200)
	usage := func(in awsapi.GetUsageInput) (map[string][][]int64, error) {
		in.UsagePlanId = plan.Id
		out, err := c.GetUsage(ctx, &in)
		if err != nil {
			return nil, err
		}
		return out.Items, nil
	}
	got, err := usage(awsapi.GetUsageInput{StartDate: aws.String("2026-03-12"), EndDate: aws.String("2026-03-16")})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][][]int64{*keys[0].Id: {{0, 3}, {1, 2}, {2, 0}, {1, 2}, {0, 2}}, *keys[1].Id: {{0, 3}, {0, 3}, {0, 3}, {0, 3}, {0, 3}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got, err = usage(awsapi.GetUsageInput{StartDate: aws.String("2026-03-14"), EndDate: aws.String("2026-03-14"), KeyId: keys[0].Id})
	if d := cmp.Diff(map[string][][]int64{*keys[0].Id: {{2, 0}}}, got); err != nil || d != "" {
		t.Error(err, d)
	}
	for _, days := range [][2]string{{"2026-03-14", "2026-03-13"}, {"yesterday", "2026-03-13"}, {"2025-03-14", "2026-03-14"}} {
		_, err := usage(awsapi.GetUsageInput{StartDate: &days[0], EndDate: &days[1]})
		wantError(t, err, "BadRequestException", "")
	}
	_, err = usage(awsapi.GetUsageInput{StartDate: aws.String("2026-03-14"), EndDate: aws.String("2026-03-14"), KeyId: aws.String("nope")})
	wantError(t, err, "NotFoundException", "")

	if _, err := c.FlushStageCache(ctx, &awsapi.FlushStageCacheInput{RestApiId: &id, StageName: aws.String("dev")}); err != nil {
		t.Error(err)
	}
	_, err = c.FlushStageCache(ctx, &awsapi.FlushStageCacheInput{RestApiId: &id, StageName: aws.String("nope")})
	wantError(t, err, "NotFoundException", "")
}

// planned is an API with a key, and a usage plan of it with a quota of n a day.
func (b *bench) planned(n int) (api, plan string) {
	b.t.Helper()
	api = b.importAPI(strings.Replace(document([]string{"GET /pets"}, ""), "paths:\n", "components:\n  securitySchemes:\n    api_key: {type: apiKey, name: x-api-key, in: header}\nsecurity: [{api_key: []}]\npaths:\n", 1))
	plan = b.must("POST", "/usageplans", map[string]any{"name": "p", "apiStages": []any{map[string]any{"apiId": api, "stage": "dev"}}, "quota": map[string]any{"limit": n, "period": "DAY"}})["id"].(string)
	return api, plan
}

// TestUpdateUsage: a key gets more, or less, until the period ends. Source: API reference, UpdateUsage.
func TestUpdateUsage(t *testing.T) {
	b := newBench(t, nil)
	ctx, c := t.Context(), b.sdk()
	id, plan := b.planned(1)
	value := "wJalrXUtnFEMIK7MDENGbPxRfiCY"
	key := b.must("POST", "/apikeys", map[string]any{"name": "k", "enabled": true, "value": value})["id"].(string)
	b.must("POST", "/usageplans/"+plan+"/keys", map[string]any{"keyId": key, "keyType": "API_KEY"})
	call := func(want int) {
		t.Helper()
		if r := b.call(id, "GET", "/dev/pets", "", "x-api-key", value); r.status != want {
			t.Errorf("%d %s, want %d", r.status, r.body, want)
		}
	}
	remaining := func(n string) (*awsapi.UpdateUsageOutput, error) {
		return c.UpdateUsage(ctx, &awsapi.UpdateUsageInput{UsagePlanId: &plan, KeyId: &key, PatchOperations: []types.PatchOperation{{Op: types.OpReplace, Path: aws.String("/remaining"), Value: &n}}})
	}
	call(200)
	call(429)
	out, err := remaining("2")
	if d := cmp.Diff(map[string][][]int64{key: {{1, 2}}}, out.Items); err != nil || d != "" || *out.StartDate != "2026-03-14" {
		t.Error(err, d)
	}
	call(200)
	call(200)
	call(429)
	b.advance(24 * time.Hour)
	call(200)
	call(429)
	if _, err := remaining("0"); err != nil {
		t.Error(err)
	}
	_, err = remaining("many")
	wantError(t, err, "BadRequestException", "")
	_, err = c.UpdateUsage(ctx, &awsapi.UpdateUsageInput{UsagePlanId: &plan, KeyId: aws.String("zzzzzzzzzz")})
	wantError(t, err, "NotFoundException", "Invalid Usage Plan Key specified")
}

// TestImportAPIKeys: columns in any order and any case; rows that cannot be used are warnings, or all is refused.
func TestImportAPIKeys(t *testing.T) {
	b := newBench(t, nil)
	ctx, c := t.Context(), b.sdk()
	id, plan := b.planned(10)
	const first, second = "apikey1234abcdefghij0123456789", "apikey2345abcdefghij0123456789"
	file := "Name,key,description,Enabled,usageplanIds\nfirst," + first + ",An imported key,TRUE,\"" + plan + ",zzzzzz\"\nsecond," + second + ",,FALSE," + plan + "\nshort,abc,,TRUE,\n"
	_, err := c.ImportApiKeys(ctx, &awsapi.ImportApiKeysInput{Body: []byte(file), Format: types.ApiKeysFormatCsv, FailOnWarnings: true})
	wantError(t, err, "BadRequestException", "")
	if all, err := c.GetApiKeys(ctx, &awsapi.GetApiKeysInput{}); err != nil || len(all.Items) != 0 {
		t.Errorf("a refused import left %+v %v", all, err)
	}
	out, err := c.ImportApiKeys(ctx, &awsapi.ImportApiKeysInput{Body: []byte(file), Format: types.ApiKeysFormatCsv})
	if err != nil || len(out.Ids) != 2 || len(out.Warnings) != 2 {
		t.Fatalf("%+v %v", out, err)
	}
	wantReply(t, b.call(id, "GET", "/dev/pets", "", "x-api-key", first), 200, "GET /pets")
	wantReply(t, b.call(id, "GET", "/dev/pets", "", "x-api-key", second), 403, `{"message":"Forbidden"}`) // disabled
	for _, bad := range []string{"", "name,description\na,b\n"} {
		_, err := c.ImportApiKeys(ctx, &awsapi.ImportApiKeysInput{Body: []byte(bad), Format: types.ApiKeysFormatCsv})
		wantError(t, err, "BadRequestException", "")
	}
}
