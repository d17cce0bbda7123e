package local_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"portcullis/aws/local"
	locallambda "portcullis/aws/local/lambda"
)

// TestCodeLocation: GetFunction gives an address at which the deployment package can be fetched for ten minutes.
func TestCodeLocation(t *testing.T) {
	c := &clock{time.Now()}
	w := start(t, local.Options{Now: c.now})
	w.function("my-function", nil)
	api := lambda.NewFromConfig(w.admin())
	out, err := api.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("my-function")})
	if err != nil {
		t.Fatal(err)
	}
	get := func(u string) (int, []byte) {
		t.Helper()
		resp, err := httpClient.Get(u)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, b
	}
	u := aws.ToString(out.Code.Location)
	if status, b := get(u); status != http.StatusOK || !bytes.Equal(b, fnZip(t)) {
		t.Errorf("%s: %d, %d bytes", u, status, len(b))
	}
	for name, changed := range map[string]string{"another package": strings.Replace(u, "/code-1?", "/code-2?", 1), "a later end": strings.Replace(u, "Expires=", "Expires=9", 1), "unsigned": strings.Split(u, "?")[0]} {
		if status, _ := get(changed); changed == u || status != http.StatusForbidden {
			t.Errorf("%s: %d", name, status)
		}
	}
	c.t = c.t.Add(11 * time.Minute)
	if status, b := get(u); status != http.StatusForbidden {
		t.Errorf("after its time: %d %s", status, b)
	}
	c.t = c.t.Add(-11 * time.Minute)
	if _, err := api.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("my-function")}); err != nil {
		t.Fatal(err)
	}
	if status, _ := get(u); status != http.StatusNotFound {
		t.Errorf("of a deleted function: %d", status)
	}
}

// TestSettleTime: with the switch a new function is Pending and an update InProgress for a while, and what comes too early is
// refused. Source: Lambda Developer Guide, "Lambda function states".
func TestSettleTime(t *testing.T) {
	c := &clock{time.Now()}
	w := start(t, local.Options{Now: c.now, Lambda: locallambda.Options{SettleTime: time.Minute}})
	api, ctx, name := lambda.NewFromConfig(w.admin()), t.Context(), aws.String("my-function")
	made, err := api.CreateFunction(ctx, &lambda.CreateFunctionInput{FunctionName: name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("any"), Role: aws.String(w.role("my-role", "")),
		Code: &types.FunctionCode{ZipFile: fnZip(t)}})
	if err != nil {
		t.Fatal(err)
	}
	if made.State != types.StatePending || made.StateReasonCode != types.StateReasonCodeCreating || made.LastUpdateStatus != "" {
		t.Errorf("created %s %s %s", made.State, made.StateReasonCode, made.LastUpdateStatus)
	}
	update := func() (*lambda.UpdateFunctionConfigurationOutput, error) {
		return api.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: name, Description: aws.String("d")})
	}
	const pending = "The operation cannot be performed at this time. The function is currently in the following state: Pending"
	_, err = api.Invoke(ctx, &lambda.InvokeInput{FunctionName: name})
	expect(t, err, "ResourceConflictException", pending)
	_, err = update()
	expect(t, err, "ResourceConflictException", pending)
	_, err = api.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: name})
	expect(t, err, "ResourceConflictException", pending)
	if _, err := api.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: name, StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("apigateway.amazonaws.com")}); err != nil {
		t.Errorf("a permission can be given before: %v", err)
	}
	c.t = c.t.Add(time.Minute)
	if out := w.invoke("my-function", `{"do":"echo"}`); out.FunctionError != nil {
		t.Errorf("active: %s", out.Payload)
	}
	updated, err := update()
	if err != nil || updated.State != types.StateActive || updated.LastUpdateStatus != types.LastUpdateStatusInProgress {
		t.Fatalf("updated %+v, %v", updated, err)
	}
	_, err = update()
	expect(t, err, "ResourceConflictException", "The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:eu-west-1:111122223333:function:my-function")
	if out := w.invoke("my-function", `{"do":"echo"}`); out.FunctionError != nil {
		t.Errorf("during an update: %s", out.Payload)
	}
	c.t = c.t.Add(time.Minute)
	got, err := api.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: name})
	if err != nil || got.LastUpdateStatus != types.LastUpdateStatusSuccessful {
		t.Errorf("in the end %+v, %v", got, err)
	}
}

// TestAccountSettings: what an account may have of Lambda in a region, and what it has.
func TestAccountSettings(t *testing.T) {
	w := start(t, local.Options{})
	w.function("my-function", nil)
	api, ctx := lambda.NewFromConfig(w.admin()), t.Context()
	if _, err := api.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("my-function"), ReservedConcurrentExecutions: aws.Int32(10)}); err != nil {
		t.Fatal(err)
	}
	out, err := api.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if l, u := out.AccountLimit, out.AccountUsage; l.ConcurrentExecutions != 1000 || *l.UnreservedConcurrentExecutions != 990 || u.FunctionCount != 1 || u.TotalCodeSize != int64(len(fnZip(t))) {
		t.Errorf("%+v %+v", l, u)
	}
}
