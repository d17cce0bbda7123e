package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// The names the guide uses.
const (
	functionName = "cloudentity-microperimeter-authorizer"
	handlerName  = "cloudentity-mp-aws-gw-authorizer"
	ruleName     = "every-minute"
	roleName     = "portcullis-authorizer"
	workspace    = "default" // the first regular workspace
	stage        = "dev"
)

// walk is one run through the guide and what it has learnt on the way.
type walk struct {
	flags flags
	world *world
	shop  *petStore
	out   io.Writer
	acp   *controlPlane
	http  *http.Client // the guide's curl

	gateway *apigateway.Client
	lambda  *lambda.Client
	events  *eventbridge.Client
	iam     *iam.Client

	restAPIID, invokeURL           string
	gatewayID, groupID, serviceID  string
	acpClientID, acpSecret, acpURL string
	packageArch                    string
	functionARN, roleARN           string
	policyID, regoPolicyID         string
	appID, appSecret, appToken     string
	assigned                       time.Time // when the policies were
	number                         int       // of the step being printed
}

func newWalk(f flags, world *world, shop *petStore, out io.Writer) *walk {
	cfg := aws.Config{
		Region:       f.AWSRegion,
		BaseEndpoint: aws.String(world.awsURL),
		// The local AWS takes a twelve-digit access key id as that account's administrator.
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: f.AWSAccount, SecretAccessKey: "demo"}, nil
		}),
	}
	arch := "x86_64"
	if runtime.GOARCH == "arm64" {
		arch = "arm64"
	}
	return &walk{flags: f, world: world, shop: shop, out: out, acp: newControlPlane(world.portalURL),
		http:    &http.Client{Timeout: 30 * time.Second},
		gateway: apigateway.NewFromConfig(cfg), lambda: lambda.NewFromConfig(cfg),
		events: eventbridge.NewFromConfig(cfg), iam: iam.NewFromConfig(cfg), packageArch: arch}
}

// run walks through the guide, section by section.
func (w *walk) run(ctx context.Context) error {
	sections := []struct {
		title string
		steps []step
	}{
		{"Before the guide: an API in Amazon API Gateway", w.prerequisites()},
		{"Select workspace", w.selectWorkspace()},
		{"Create AWS GW", w.createGateway()},
		{"Configure AWS Lambda", w.configureLambda()},
		{"Connect a service", w.connectService()},
		{"Apply a sample policy", w.applyPolicy()},
		{"Confirm the enforcement", w.confirm()},
	}
	for _, s := range sections {
		fmt.Fprintf(w.out, "\n%s\n", s.title)
		for _, step := range s.steps {
			w.number++
			started := time.Now()
			what, err := step.do(ctx)
			if err != nil {
				fmt.Fprintf(w.out, "  %2d. %s\n      FAILED: %v\n", w.number, step.title, err)
				return fmt.Errorf("step %d (%s) was not as expected: %w", w.number, step.title, err)
			}
			fmt.Fprintf(w.out, "  %2d. %s  (%d ms)\n", w.number, step.title, time.Since(started).Milliseconds())
			for line := range strings.SplitSeq(what, "\n") {
				fmt.Fprintf(w.out, "      %s\n", line)
			}
		}
	}
	return nil
}

// step is one instruction of the guide. do carries it out and says what happened.
type step struct {
	title string
	do    func(ctx context.Context) (what string, err error)
}

// eventually calls check until it answers true, an error, or the time is up.
func eventually(ctx context.Context, limit time.Duration, what string, check func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		ok, err := check(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %v for this: %s", limit, what)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// reply is what a curl printed.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) String() string {
	body := strings.TrimSpace(r.body)
	if len(body) > 300 {
		body = body[:300] + "…"
	}
	return fmt.Sprintf("%d %s  %s", r.status, http.StatusText(r.status), body)
}

// curl calls the invoke URL; an empty token sends no Authorization header.
func (w *walk) curl(ctx context.Context, method, path, token string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, w.invokeURL+path, nil)
	if err != nil {
		return reply{}, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := w.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return reply{resp.StatusCode, resp.Header, string(body)}, err
}

// expect is curl with an expectation on the status and a part of the body.
func (w *walk) expect(ctx context.Context, method, path, token string, status int, part string) (string, error) {
	r, err := w.curl(ctx, method, path, token)
	if err != nil {
		return "", err
	}
	if r.status != status || !strings.Contains(r.body, part) {
		return "", fmt.Errorf("%s %s%s answered %v; expected %d with %q", method, w.invokeURL, path, r, status, part)
	}
	return r.String(), nil
}

// printSummary says how to go on by hand.
func (w *walk) printSummary() {
	fmt.Fprintf(w.out, `
Every step was as expected. Now by hand:

  Portal      %[1]s/app/   (user admin, password %[2]s)
  Invoke URL  %[3]s
  Local AWS   AWS_ACCESS_KEY_ID=%[4]s AWS_SECRET_ACCESS_KEY=demo AWS_DEFAULT_REGION=%[5]s \
                aws --endpoint-url %[6]s apigateway get-rest-apis

  # denied: the token is not one
  curl -v %[3]s/pets -H "Authorization: Bearer invalid_token"

  # allowed: a token from the workspace's token endpoint
  TOKEN=$(curl -s -u '%[7]s:%[8]s' -d grant_type=client_credentials %[1]s/default/%[9]s/oauth2/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -v %[3]s/pets -H "Authorization: Bearer $TOKEN"

  # open: this method has no policy yet (APIs › AUTHORIZATION shows it as None)
  curl -v %[3]s/files/readme.txt
`, w.world.portalURL, w.world.adminPassword, w.invokeURL, w.flags.AWSAccount, w.flags.AWSRegion, w.world.awsURL,
		w.appID, w.appSecret, workspace)
}
