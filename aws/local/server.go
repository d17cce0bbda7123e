package local

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"portcullis/aws/local/apigateway"
	"portcullis/aws/local/events"
	"portcullis/aws/local/iam"
	"portcullis/aws/local/lambda"
	"portcullis/aws/local/logs"
	"portcullis/aws/local/s3"
	"portcullis/aws/local/secrets"
	"portcullis/aws/local/wire"
)

// DefaultAccount is the account of access keys that neither were issued here nor are an account number themselves.
const DefaultAccount = "123456789012"

// Options of a Server. Every member has a usable zero value.
type Options struct {
	Now            func() time.Time // nil: time.Now
	PublicURL      string           // "http://127.0.0.1:4566"; may also be set later, with SetPublicURL
	DefaultAccount string           // "": DefaultAccount
	Logger         *slog.Logger     // nil: no log
	LenientIAM     bool             // every signed caller may do everything
	ManualSchedule bool             // rules fire only by Tick and Fire, not by the passing of time

	// Settings of single services. Members that the server itself fills (Now, Logger, Invoke, …) are ignored.
	APIGateway apigateway.Options
	Lambda     lambda.Options
}

// Server is a whole local AWS.
type Server struct {
	o        Options
	log      *slog.Logger
	offset   atomic.Int64 // nanoseconds that the clock was moved by the management API
	public   atomic.Pointer[string]
	iam      *iam.Service
	lambda   *lambda.Service
	events   *events.Service
	gateway  *apigateway.Service
	s3       *s3.Service
	secrets  *secrets.Service
	logs     *logs.Service
	services map[string]wire.Service // by signing name
	history  *history
	faults   *faults
	cold     atomic.Bool // no environment is used twice

	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// New starts an empty AWS. Close ends it.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.DefaultAccount == "" {
		o.DefaultAccount = DefaultAccount
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o, log: o.Logger, history: &history{}, faults: newFaults()}
	s.SetPublicURL(o.PublicURL)
	s.iam = iam.New(iam.Options{Now: s.now, Lenient: o.LenientIAM})

	s.s3 = s3.New(s3.Options{Now: s.now})
	s.secrets = secrets.New(secrets.Options{Now: s.now})
	s.logs = logs.New()

	lo := o.Lambda
	lo.FetchObject = s.s3.Object
	lo.Log = func(l wire.LogLine) {
		s.logs.Append(l)
		if o.Lambda.Log != nil {
			o.Lambda.Log(l)
		}
	}
	lo.Now, lo.Logger, lo.Assume, lo.Endpoint = s.now, o.Logger, s.iam.AssumeForService, s.PublicURL
	lo.ColdStarts = s.cold.Load
	lo.AllowRole = s.iam.AllowForService
	var err error
	if s.lambda, err = lambda.New(lo); err != nil {
		return nil, fmt.Errorf("starting Lambda: %w", err)
	}
	s.events = events.New(events.Options{Now: s.now, Invoke: s.lambda.Invoke, Logger: o.Logger})

	ao := o.APIGateway
	ao.VerifyIAM, ao.ExecutionLog = s.verifyExecute, s.logs.Append
	ao.Now, ao.Logger, ao.Invoke, ao.PublicURL = s.now, o.Logger, s.lambda.Invoke, s.PublicURL
	s.gateway = apigateway.New(ao)

	s.services = map[string]wire.Service{
		"apigateway":     s.gateway,
		"events":         s.events,
		"iam":            s.iam,
		"lambda":         s.lambda,
		"logs":           s.logs,
		"s3":             s.s3,
		"secretsmanager": s.secrets,
		"ssm":            s.secrets,
		"sts":            s.iam,
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	if !o.ManualSchedule {
		s.wg.Go(func() { s.events.Run(ctx) })
	}
	return s, nil
}

// Close stops the scheduler and ends every function process. It may be called more than once.
func (s *Server) Close() {
	s.cancel()
	s.wg.Wait()
	s.gateway.Close()
	s.lambda.Close()
}

func (s *Server) now() time.Time { return s.o.Now().Add(time.Duration(s.offset.Load())) }

// SetPublicURL tells functions (AWS_ENDPOINT_URL) and exports of APIs where this AWS is, for a server whose port is known
// only once it listens. Environments started before keep what they were told.
func (s *Server) SetPublicURL(u string) {
	u = strings.TrimRight(u, "/")
	s.public.Store(&u)
}

// PublicURL is the base URL of this AWS, "" while it is unknown.
func (s *Server) PublicURL() string { return *s.public.Load() }

// Tick does what is due on the server's clock: EventBridge rules fire, WebSocket connections whose time is over end.
func (s *Server) Tick(ctx context.Context) {
	s.gateway.Tick()
	s.events.Tick(ctx)
}

// Handler is the AWS endpoint: the service APIs, the data plane of API Gateway, and /_aws/….
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_aws/health", s.health)
	mux.HandleFunc("POST /_aws/events/fire", s.fireRule)
	mux.HandleFunc("GET "+lambda.CodePath+"{name}", s.lambda.ServeCode)
	mux.HandleFunc("/_aws/", notHere)
	own := sameOrigin(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.gateway.ServesHost(r.Host), strings.HasPrefix(r.URL.Path, "/_aws/execute-api/"):
			// Beside the mux, which would clean the path: paths are API Gateway's business.
			s.serveExecute(w, r)
		case strings.HasPrefix(r.URL.Path, "/_aws/"):
			own.ServeHTTP(w, r)
		default:
			s.serveService(w, r)
		}
	})
}
