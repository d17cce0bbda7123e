package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"portcullis/aws/attach"
	"portcullis/aws/discover"
	"portcullis/aws/signed"
	"portcullis/edge/acp"
	"portcullis/edge/authorizer"
	"portcullis/edge/runtimeapi"
)

// version is set at build time: -ldflags "-X main.version=1.2.3".
var version = "dev"

func main() {
	if err := run(context.Background(), os.Getenv); err != nil {
		fmt.Fprintf(os.Stderr, "{\"level\":\"ERROR\",\"msg\":\"the authorizer did not start\",\"error\":%q}\n", err.Error())
		os.Exit(1)
	}
}

// run reads the settings, wires everything and serves events until the environment ends.
func run(ctx context.Context, getenv func(string) string) error {
	s, err := readSettings(getenv)
	if err != nil {
		return err
	}
	if s.RuntimeAPI == "" {
		return errors.New("AWS_LAMBDA_RUNTIME_API is not set: this program runs inside AWS Lambda (or a local one)")
	}
	if s.MemoryMB > 0 { // Lambda kills what outgrows the function: collect garbage harder before that
		debug.SetMemoryLimit(int64(s.MemoryMB) << 20 * 85 / 100)
	}
	log := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: s.LogLevel}))
	aws := signed.New(s.Region)

	secret, err := clientSecret(ctx, aws, s.ClientSecret)
	if err != nil {
		return fmt.Errorf("ACP_CLIENT_SECRET: %w", err)
	}
	roots, err := rootCAs(s.RootCA)
	if err != nil {
		return fmt.Errorf("HTTP_CLIENT_ROOT_CA: %w", err)
	}
	client, err := acp.New(acp.Options{
		IssuerURL: s.IssuerURL, ClientID: s.ClientID, ClientSecret: secret, RootCAs: roots, InsecureSkipVerify: s.InsecureSkipVerify,
		Environment: authorizer.NewEnvironmentID(), Version: version,
	})
	if err != nil {
		return fmt.Errorf("ACP_ISSUER_URL, ACP_CLIENT_ID, ACP_CLIENT_SECRET: %w", err)
	}
	if s.InsecureSkipVerify {
		log.Warn("HTTP_CLIENT_INSECURE_SKIP_VERIFY is on: whoever stands between here and the control plane decides who gets in")
	}
	keep, err := keepAt(aws, s)
	if err != nil {
		return err
	}
	work := &syncWork{
		scanner:  &discover.Scanner{Client: aws, V2: s.DiscoverV2},
		attacher: &attach.Attacher{Client: aws, Apply: s.CreateAuthorizer, Replace: s.ReplaceAuthorizers, UnboundStages: s.AttachUnbound, TTL: s.AuthorizerTTL},
		arn:      s.AuthorizerARN, region: s.Region,
	}
	aws.Pace = signed.NewPacer(time.Now, aws.Sleep).Wait
	a := authorizer.New(authorizer.Options{
		Client: client, Log: log,
		RefreshInterval: s.RefreshInterval, MaxStaleness: s.MaxStaleness,
		AllowUnknown: s.AllowUnknown, InjectContext: s.InjectContext, NoAnalytics: s.NoAnalytics, SimpleResponses: s.SimpleResponses, Keep: keep,
		Caching: s.AuthorizerTTL > 0,
		Sync:    &authorizer.Sync{Discover: work.discover, Attach: work.attach, Plan: work.plan},
	})

	// The configuration is fetched while the extension registers: both are questions to others.
	warm := make(chan error, 1)
	go func() { warm <- a.Warm(ctx) }()
	loop := runtimeapi.Loop{Addr: s.RuntimeAPI, Handle: a.Answer, Concurrency: s.Concurrency}
	if s.Concurrency > 1 {
		a.Background(ctx)
	} else if x, err := runtimeapi.Register(ctx, s.RuntimeAPI, a.AfterAnswer, log); err != nil {
		log.Warn("no work after answers in this environment; request events are sent during invocations", "error", err.Error())
	} else {
		a.HasExtension()
		loop.Answered = x.Answered
		go func() {
			if err := x.Run(ctx); err != nil {
				log.Warn("the extension ended", "error", err.Error())
			}
		}()
	}
	loop.Connect(ctx)
	if err := <-warm; err != nil {
		log.Warn("started without a configuration; everything is denied until one is loaded", "error", err.Error())
	}
	go flushAtEnd(a)
	return loop.Run(ctx)
}

// flushAtEnd sends the last request events when Lambda takes the environment down; with an internal extension it gives
// half a second for that.
func flushAtEnd(a *authorizer.Authorizer) {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	<-end
	ctx, cancel := context.WithTimeout(context.Background(), 400*time.Millisecond)
	defer cancel()
	a.Flush(ctx)
	os.Exit(0)
}

// rootCAs takes PEM text, or the path of a file that holds it.
func rootCAs(v string) ([]byte, error) {
	if v == "" {
		return nil, nil
	}
	if strings.Contains(v, "-----BEGIN") {
		return []byte(strings.ReplaceAll(v, `\n`, "\n")), nil
	}
	return os.ReadFile(v)
}
