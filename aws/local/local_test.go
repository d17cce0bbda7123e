package local_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"portcullis/aws/local"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if fnDir != "" {
		os.RemoveAll(fnDir)
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			os.Stderr.WriteString("goroutines left behind: " + err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}

var (
	fnOnce sync.Once
	fnDir  string
	fnPath string
	fnErr  error
)

// bootstrap returns the test function's binary, built once.
func bootstrap(t *testing.T) []byte {
	t.Helper()
	fnOnce.Do(func() {
		if fnDir, fnErr = os.MkdirTemp("", "local-fn-"); fnErr != nil {
			return
		}
		fnPath = filepath.Join(fnDir, "bootstrap")
		cmd := exec.Command("go", "build", "-ldflags", "-s -w", "-o", fnPath, "./testdata/fn")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		var out []byte
		if out, fnErr = cmd.CombinedOutput(); fnErr != nil {
			fnErr = errors.New(string(out))
		}
	})
	if fnErr != nil {
		t.Fatalf("building the test function: %v", fnErr)
	}
	b, err := os.ReadFile(fnPath)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type file struct {
	name string
	mode os.FileMode
	body []byte
}

func zipOf(t *testing.T, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		h.SetMode(f.mode)
		fw, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fw.Write(f.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var (
	fnZipOnce sync.Once
	fnZipped  []byte
)

func fnZip(t *testing.T) []byte {
	b := bootstrap(t)
	fnZipOnce.Do(func() { fnZipped = zipOf(t, file{"bootstrap", 0o755, b}) })
	return fnZipped
}

// world is a local AWS on a port of its own.
type world struct {
	t   *testing.T
	s   *local.Server
	url string
}

func start(t *testing.T, o local.Options) *world {
	t.Helper()
	o.ManualSchedule = true
	s, err := local.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	s.SetPublicURL(h.URL)
	t.Cleanup(func() {
		s.Close()
		h.CloseClientConnections()
		h.Close()
	})
	return &world{t, s, h.URL}
}

const region = "eu-west-1"

// config is that of a client that signs with the given keys.
func (w *world) config(key, secret, token string) aws.Config {
	return aws.Config{Region: region, BaseEndpoint: aws.String(w.url), Credentials: credentials.NewStaticCredentialsProvider(key, secret, token),
		RetryMaxAttempts: 1, HTTPClient: httpClient}
}

// admin is the administrator of the account 111122223333.
func (w *world) admin() aws.Config { return w.config("111122223333", "any", "") }

const trustLambda = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// role creates a role that Lambda may assume, with an inline policy unless it is "".
func (w *world) role(name, policy string) string {
	w.t.Helper()
	c := iam.NewFromConfig(w.admin())
	ctx := w.t.Context()
	out, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(name), AssumeRolePolicyDocument: aws.String(trustLambda)})
	if err != nil {
		w.t.Fatal(err)
	}
	if policy != "" {
		if _, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String(name), PolicyName: aws.String("inline"), PolicyDocument: aws.String(policy)}); err != nil {
			w.t.Fatal(err)
		}
	}
	return aws.ToString(out.Role.Arn)
}

// function creates a function of the test binary and waits until it is active.
func (w *world) function(name string, change func(*lambda.CreateFunctionInput)) *lambda.CreateFunctionOutput {
	w.t.Helper()
	in := &lambda.CreateFunctionInput{FunctionName: aws.String(name), Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("any"), Timeout: aws.Int32(10),
		Code: &lambdatypes.FunctionCode{ZipFile: fnZip(w.t)}}
	if change != nil {
		change(in)
	}
	if in.Role == nil {
		in.Role = aws.String(w.role(name+"-role", ""))
	}
	c := lambda.NewFromConfig(w.admin())
	out, err := c.CreateFunction(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := lambda.NewFunctionActiveV2Waiter(c).Wait(w.t.Context(), &lambda.GetFunctionInput{FunctionName: in.FunctionName}, time.Minute); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) invoke(name, event string) *lambda.InvokeOutput {
	w.t.Helper()
	out, err := lambda.NewFromConfig(w.admin()).Invoke(w.t.Context(), &lambda.InvokeInput{FunctionName: aws.String(name), Payload: []byte(event)})
	if err != nil {
		w.t.Fatalf("invoke %s: %v", event, err)
	}
	return out
}

// code is the error code of an API error, "" for none.
func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

// expect fails the test unless err is the API error with this code and a message that holds the text.
func expect(t *testing.T, err error, wantCode, wantText string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s: %s", err, wantCode, wantText)
	}
	if e.ErrorCode() != wantCode || !bytes.Contains([]byte(e.ErrorMessage()), []byte(wantText)) {
		t.Errorf("got %s: %s\nwant %s: …%s…", e.ErrorCode(), e.ErrorMessage(), wantCode, wantText)
	}
}

// eventually waits for something another process does; it polls, because that process tells nobody.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("never happened: " + what)
		}
	}
}
