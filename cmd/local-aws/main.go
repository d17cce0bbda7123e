package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"portcullis/aws/local"
	"portcullis/aws/local/apigateway"
	"portcullis/aws/local/lambda"
)

type flags struct {
	Addr       string            `help:"Address of the AWS endpoint." default:"127.0.0.1:4566" env:"LOCAL_AWS_ADDR"`
	Management string            `help:"Address of the management API (faults, history, clock, reset), for example 127.0.0.1:4567; by default there is none." env:"LOCAL_AWS_MANAGEMENT" placeholder:"ADDR"`
	Account    string            `help:"Account of access keys that are neither issued here nor an account number." default:"123456789012"`
	HostArch   string            `help:"What bootstraps this machine can run: x86_64 or arm64; by default what this program was built for." enum:",x86_64,arm64" default:""`
	LenientIAM bool              `help:"Let every signed caller do everything, instead of enforcing roles' and users' policies." name:"lenient-iam"`
	Dir        string            `help:"Directory for the functions' code; by default a temporary one that is removed at the end." placeholder:"DIR"`
	Settle     time.Duration     `help:"How long a new function is Pending and an update of one InProgress, for example 2s; by default they are done at once."`
	UserPool   map[string]string `help:"Issuer that stands for an Amazon Cognito user pool, whose tokens COGNITO_USER_POOLS authorizers check: ARN=URL; several with semicolons or by repeating the flag." placeholder:"ARN=URL"`
	Throttle   bool              `help:"Apply API Gateway's control-plane request rates (10 per second, GetResources 5 per 2 s …)." name:"throttle"`
	Switch     map[string]string `help:"Take another variant of what is not known about API Gateway, for example SkipSourceCheckUncached=true; several with semicolons or by repeating the flag. docs/reference/local-aws-apigateway.md lists them." placeholder:"NAME=VALUE"`
	LogLevel   string            `help:"debug shows every call and every line that a function writes." enum:"debug,info,warn,error" default:"info"`
}

func main() {
	var f flags
	kong.Parse(&f, kong.Name("local-aws"), kong.Description("A small AWS on this machine: API Gateway, Lambda, IAM, STS, EventBridge."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, f, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "local-aws:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, and returns when every function process has ended.
func run(ctx context.Context, f flags, out, logs io.Writer) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.LogLevel)); err != nil {
		return err
	}
	var switches apigateway.Switches
	for name, value := range f.Switch {
		if err := switches.Set(name, value); err != nil {
			return fmt.Errorf("--switch: %w", err)
		}
	}
	listener, err := listen("--addr", f.Addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	var management net.Listener
	if f.Management != "" {
		if management, err = listen("--management", f.Management); err != nil {
			return err
		}
		defer management.Close()
	}
	endpoint := "http://" + listener.Addr().String()
	aws, err := local.New(local.Options{
		PublicURL:      endpoint,
		DefaultAccount: f.Account,
		LenientIAM:     f.LenientIAM,
		Logger:         slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: level})),
		APIGateway:     apigateway.Options{ControlThrottles: f.Throttle, Switches: switches, UserPools: f.UserPool},
		Lambda:         lambda.Options{HostArch: f.HostArch, Dir: f.Dir, SettleTime: f.Settle},
	})
	if err != nil {
		return err
	}
	defer aws.Close()
	servers := []*http.Server{newServer(aws.Handler())}
	failed := make(chan error, 2)
	go func() { failed <- servers[0].Serve(listener) }()
	if management != nil {
		servers = append(servers, newServer(aws.Management()))
		go func() { failed <- servers[1].Serve(management) }()
	}
	fmt.Fprintf(out, "local AWS on %s (account %s; signed with an account number as access key: that account)\n", endpoint, f.Account)
	fmt.Fprintf(out, "  AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 aws --endpoint-url %s apigateway get-rest-apis\n", endpoint)
	if management != nil {
		fmt.Fprintf(out, "management on http://%s\n", management.Addr())
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for _, s := range servers {
		if err := s.Shutdown(end); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
	return nil
}

func newServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
}

// listen opens a port; the error of one that is taken names the flag that changes it.
func listen(flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program; choose another address with %s", addr, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s (%s): %w", addr, flag, err)
	}
	return l, nil
}
