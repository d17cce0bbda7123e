package local_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"portcullis/aws/local"
)

func TestObjects(t *testing.T) {
	w := start(t, local.Options{})
	// A user rather than the administrator, so that the SDK's S3 signatures are verified.
	c, ctx := s3.NewFromConfig(w.user("jane", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)), t.Context()
	bucket := aws.String("amzn-s3-demo-bucket")
	if _, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: region}}); err != nil {
		t.Fatal(err)
	}
	key := aws.String("a folder/key+ä.txt")
	put := func(body string, change func(*s3.PutObjectInput)) (*s3.PutObjectOutput, error) {
		in := &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader(body), ContentType: aws.String("text/plain"), Metadata: map[string]string{"colour": "blue"}}
		if change != nil {
			change(in)
		}
		return c.PutObject(ctx, in)
	}
	first, err := put("hello", nil)
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(first.ETag) != `"5d41402abc4b2a76b9719d911017c592"` {
		t.Errorf("ETag %s", aws.ToString(first.ETag))
	}
	got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(got.Body)
	if err != nil || string(b) != "hello" || aws.ToString(got.ContentType) != "text/plain" || got.Metadata["colour"] != "blue" || aws.ToString(got.ETag) != aws.ToString(first.ETag) {
		t.Errorf("%q, %v, %+v", b, err, got)
	}
	_, err = put("again", func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") })
	expect(t, err, "PreconditionFailed", "pre-conditions")
	_, err = put("again", func(in *s3.PutObjectInput) { in.IfMatch = aws.String(`"0"`) })
	expect(t, err, "PreconditionFailed", "pre-conditions")
	if _, err = put("again", func(in *s3.PutObjectInput) { in.IfMatch = first.ETag }); err != nil {
		t.Errorf("a write with the right ETag: %v", err)
	}
	if _, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, IfMatch: first.ETag}); code(err) != "PreconditionFailed" {
		t.Errorf("a read with the old ETag: %v", err)
	}
	part, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, Range: aws.String("bytes=1-2")})
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(part.Body); string(b) != "ga" {
		t.Errorf("range: %q", b)
	}
	for _, k := range []string{"b/1", "b/2", "b/3", "c"} {
		if _, err := put("x", func(in *s3.PutObjectInput) { in.Key = aws.String(k) }); err != nil {
			t.Fatal(err)
		}
	}
	var seen []string
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: bucket, Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)})
	for pages.HasMorePages() {
		p, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range p.Contents {
			seen = append(seen, aws.ToString(o.Key))
		}
		for _, o := range p.CommonPrefixes {
			seen = append(seen, aws.ToString(o.Prefix))
		}
	}
	if d := cmp.Diff([]string{"a folder/", "b/", "c"}, seen); d != "" {
		t.Error(d)
	}
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	expect(t, err, "BucketNotEmpty", "not empty")
	if _, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &s3types.Delete{Objects: []s3types.ObjectIdentifier{{Key: key}, {Key: aws.String("c")}}}}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	expect(t, err, "NoSuchKey", "The specified key does not exist.")
	_, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: key})
	if code(err) != "NotFound" {
		t.Errorf("HEAD of what is not there: %v", err)
	}
	blind := s3.NewFromConfig(w.user("blind", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::amzn-s3-demo-bucket/*"}]}`))
	_, err = blind.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	expect(t, err, "AccessDenied", "s3:ListBucket")
	_, err = s3.NewFromConfig(w.config("444455556666", "any", "")).GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("b/1")})
	expect(t, err, "AccessDenied", "Access Denied")
	_, err = c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	expect(t, err, "NotImplemented", "uploads")
}

func TestFunctionFromS3(t *testing.T) {
	w := start(t, local.Options{})
	c, ctx, bucket := s3.NewFromConfig(w.admin()), t.Context(), aws.String("amzn-s3-demo-bucket")
	if _, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("fn.zip"), Body: strings.NewReader(string(fnZip(t)))}); err != nil {
		t.Fatal(err)
	}
	w.function("my-function", func(in *lambda.CreateFunctionInput) {
		in.Code = &lambdatypes.FunctionCode{S3Bucket: bucket, S3Key: aws.String("fn.zip")}
	})
	if out := w.invoke("my-function", `{}`); out.FunctionError != nil {
		t.Errorf("%s", out.Payload)
	}
	_, err := lambda.NewFromConfig(w.admin()).UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("my-function"), S3Bucket: bucket, S3Key: aws.String("nothing")})
	expect(t, err, "InvalidParameterValueException", "Error occurred while GetObject. S3 Error Code: NoSuchKey.")
}

func TestSecrets(t *testing.T) {
	w := start(t, local.Options{})
	c, ctx := secretsmanager.NewFromConfig(w.admin()), t.Context()
	created, err := c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("acp/client"), SecretString: aws.String(`{"ACP_CLIENT_SECRET":"one"}`)})
	if err != nil {
		t.Fatal(err)
	}
	arn := aws.ToString(created.ARN)
	if !strings.HasPrefix(arn, "arn:aws:secretsmanager:eu-west-1:111122223333:secret:acp/client-") || len(arn) != len("arn:aws:secretsmanager:eu-west-1:111122223333:secret:acp/client-")+6 {
		t.Errorf("ARN %s", arn)
	}
	_, err = c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("acp/client"), SecretString: aws.String("x")})
	expect(t, err, "ResourceExistsException", "already exists")
	if _, err := c.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: created.Name, SecretString: aws.String("two")}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"acp/client", arn, arn[:len(arn)-7]} {
		got, err := c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(id)})
		if err != nil || aws.ToString(got.SecretString) != "two" || got.CreatedDate == nil || got.CreatedDate.Year() < 2020 {
			t.Errorf("%s: %+v, %v", id, got, err)
		}
	}
	before, err := c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(arn), VersionStage: aws.String("AWSPREVIOUS")})
	if err != nil || aws.ToString(before.SecretString) != `{"ACP_CLIENT_SECRET":"one"}` {
		t.Errorf("%+v, %v", before, err)
	}
	reader := secretsmanager.NewFromConfig(w.user("reader", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:acp/*"}]}`))
	if _, err := reader.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String("acp/client")}); err != nil {
		t.Error(err)
	}
	_, err = reader.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String("other")})
	expect(t, err, "AccessDeniedException", "secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-west-1:111122223333:secret:other")
	if _, err := c.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: aws.String(arn)}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(arn)})
	expect(t, err, "InvalidRequestException", "marked for deletion")
	_, err = c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String("nothing")})
	expect(t, err, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

func TestParameters(t *testing.T) {
	w := start(t, local.Options{})
	c, ctx := ssm.NewFromConfig(w.admin()), t.Context()
	in := &ssm.PutParameterInput{Name: aws.String("/acp/secret"), Value: aws.String("one"), Type: ssmtypes.ParameterTypeSecureString}
	if _, err := c.PutParameter(ctx, in); err != nil {
		t.Fatal(err)
	}
	_, err := c.PutParameter(ctx, in)
	expect(t, err, "ParameterAlreadyExists", "To overwrite this value, set the overwrite option")
	in.Overwrite, in.Value = aws.Bool(true), aws.String("two")
	out, err := c.PutParameter(ctx, in)
	if err != nil || out.Version != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	for _, name := range []string{"/acp/secret", "arn:aws:ssm:eu-west-1:111122223333:parameter/acp/secret"} {
		got, err := c.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(name), WithDecryption: aws.Bool(true)})
		if err != nil || aws.ToString(got.Parameter.Value) != "two" || aws.ToString(got.Parameter.ARN) != "arn:aws:ssm:eu-west-1:111122223333:parameter/acp/secret" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	closed, err := c.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/acp/secret")})
	if err != nil || strings.Contains(aws.ToString(closed.Parameter.Value), "two") {
		t.Errorf("without decryption: %+v, %v", closed, err)
	}
	_, err = c.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/nothing")})
	expect(t, err, "ParameterNotFound", "")
	tree, err := c.GetParametersByPath(ctx, &ssm.GetParametersByPathInput{Path: aws.String("/acp")})
	if err != nil || len(tree.Parameters) != 1 {
		t.Errorf("%+v, %v", tree, err)
	}
}

// There is no SDK of CloudWatch Logs among the module's dependencies: the AWS CLI reads the logs.
func TestLogsOverTheCommandLine(t *testing.T) {
	t.Parallel()
	w := start(t, local.Options{})
	c := newCLI(t, w)
	w.function("my-function", nil)
	w.invoke("my-function", `{"do":"log","text":"a line of the function"}`)
	var found struct {
		Events []struct {
			Message   string
			Timestamp int64
		}
	}
	eventually(t, "the line is in the log", func() bool {
		c.run(&found, "logs", "filter-log-events", "--log-group-name", "/aws/lambda/my-function", "--filter-pattern", "function")
		return len(found.Events) == 1
	})
	if e := found.Events[0]; e.Message != "a line of the function" || time.Since(time.UnixMilli(e.Timestamp)) > time.Minute {
		t.Errorf("%+v", e)
	}
}
