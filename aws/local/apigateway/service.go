package apigateway

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"portcullis/aws/local/wire"
)

// Options configure a Service. Every field has a usable zero value, except that without Invoke every call of a
// function fails as if the function did not exist.
type Options struct {
	Now        func() time.Time // nil: time.Now
	Invoke     wire.Invoke      // calls a function as apigateway.amazonaws.com
	PublicURL  func() string    // base of data-plane URLs shown in exports, for example "http://127.0.0.1:4566"; "": not shown
	HTTPClient *http.Client     // for HTTP and HTTP_PROXY integrations; nil: a client that follows no redirect
	Logger     *slog.Logger     // one line for every answer of the gateway's own; nil: discarded

	// ExecutionLog takes the lines of the execution log of stages whose methods have a logging level. Nil: discarded.
	ExecutionLog func(wire.LogLine)

	// UserPools says who issues the tokens of Amazon Cognito user pools, which are not here. :: ARN of a user pool → issuer URL.
	UserPools map[string]string

	// ControlThrottles applies the documented request rates of the control plane (10 requests per second with bursts
	// of 40, GetResources 5 per 2 s, CreateDeployment 1 per 5 s …) per account and region. Off by default.
	ControlThrottles bool

	// Quotas of the control plane; 0 means the documented default.
	MaxResources   int // resources per API, 300
	MaxStages      int // stages per API, 10
	MaxAuthorizers int // authorizers per API, 10
	MaxAPIs        int // REST APIs per account and region, 600

	Switches

	VerifyIAM VerifyIAM // nil: every request that has to be signed is refused
}

// Service is one simulated API Gateway for all accounts and regions. Its methods may be called concurrently.
type Service struct {
	opt       Options
	routes    []route
	cache     *cache[cacheKey, *authAnswer] // what authorizers answered
	responses *cache[responseKey, answer]   // what integrations answered, of stages with a cache
	control   *throttles                    // control-plane budget
	traffic   *throttles                    // data-plane budgets of stages and usage plans
	sockets   *sockets                      // open WebSocket connections
	issuers   *issuers                      // signing keys for JWT authorizers

	mu       sync.RWMutex
	accounts map[scope]*account     // :: account and region → what they hold
	apis     map[string]*api        // :: API id → REST API, across accounts and regions
	httpAPIs map[string]*httpAPI    // :: API id → HTTP or WebSocket API, likewise
	domains  map[string]*domainName // :: name → custom domain, likewise: a Host header tells no account
}

// scope is where an API lives.
type scope struct{ Partition, Account, Region string }

type account struct {
	scope
	settings   accountSettings
	apis       map[string]*api       // :: API id → REST API
	httpAPIs   map[string]*httpAPI   // :: API id → HTTP API
	keys       map[string]*apiKey    // :: key id → API key
	usagePlans map[string]*usagePlan // :: plan id → usage plan

	certificates map[string]*clientCertificate // :: certificate id → client certificate
	domains      map[string]*domainName        // :: name → custom domain
}

// api is one REST API: what is being edited, what was deployed, and the stages.
type api struct {
	scope
	edited      *definition
	deployments map[string]*deployment // :: deployment id → snapshot
	stages      map[string]*stage      // :: stage name → stage; a *stage is replaced, never changed

	documentation documentation
}

// New returns a Service without APIs.
func New(opt Options) *Service {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Invoke == nil {
		opt.Invoke = func(context.Context, wire.Invocation) (wire.InvokeResult, error) {
			return wire.InvokeResult{}, &wire.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "there is no Lambda service behind this API Gateway"}
		}
	}
	if opt.HTTPClient == nil {
		opt.HTTPClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	opt.MaxResources = orDefault(opt.MaxResources, 300)
	opt.MaxStages = orDefault(opt.MaxStages, 10)
	opt.MaxAuthorizers = orDefault(opt.MaxAuthorizers, 10)
	opt.MaxAPIs = orDefault(opt.MaxAPIs, 600)
	if opt.AuthorizerTimeout == 0 {
		opt.AuthorizerTimeout = 30 * time.Second
	}
	if opt.VerifyIAM == nil {
		opt.VerifyIAM = refuseAll
	}
	if opt.PublicURL == nil {
		opt.PublicURL = func() string { return "" }
	}
	return &Service{
		opt:       opt,
		routes:    slices.Concat(restRoutes(), accountRoutes(), httpControlRoutes()),
		cache:     newCache[cacheKey, *authAnswer](opt.Now, maxCachedAnswers),
		responses: newCache[responseKey, answer](opt.Now, maxCachedResponses),
		control:   newThrottles(opt.Now),
		traffic:   newThrottles(opt.Now),
		sockets:   newSockets(),
		issuers:   &issuers{keys: map[string]issuerKeys{}},
		accounts:  map[scope]*account{},
		apis:      map[string]*api{},
		httpAPIs:  map[string]*httpAPI{},
		domains:   map[string]*domainName{},
	}
}

// maxItems bounds every list for which AWS documents no smaller quota: deployments, models and validators of one API, API
// keys of one account and region. 300 usage plans is documented.
const (
	maxItems      = 10_000
	maxUsagePlans = 300
)

// full refuses one more of what.
func full(have, most int, what string) error {
	if have < most {
		return nil
	}
	return limitExceeded("Maximum number of " + what + " has been reached")
}

func orDefault(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}

// Reset forgets every API, key, plan, cached authorizer answer and used budget, and ends every connection.
func (s *Service) Reset() {
	s.endSockets("Going away", func(*wsConn) bool { return true })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts = map[scope]*account{}
	s.apis = map[string]*api{}
	s.httpAPIs = map[string]*httpAPI{}
	s.domains = map[string]*domainName{}
	s.cache.reset()
	s.responses.reset()
	s.issuers.reset()
	s.control.reset()
	s.traffic.reset()
}

// account returns the account and region of a call, creating it on first use. The caller holds s.mu for writing.
func (s *Service) account(sc scope) *account {
	a := s.accounts[sc]
	if a == nil {
		a = &account{scope: sc, settings: newAccountSettings(), apis: map[string]*api{}, httpAPIs: map[string]*httpAPI{}, keys: map[string]*apiKey{}, usagePlans: map[string]*usagePlan{},
			certificates: map[string]*clientCertificate{}, domains: map[string]*domainName{}}
		s.accounts[sc] = a
	}
	return a
}

func badRequest(message string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "BadRequestException", Message: message}
}

func notFound(message string) error {
	return &wire.Error{Status: http.StatusNotFound, Code: "NotFoundException", Message: message}
}

func conflict(message string) error {
	return &wire.Error{Status: http.StatusConflict, Code: "ConflictException", Message: message}
}

func validation(message string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "ValidationException", Message: message}
}

func limitExceeded(message string) error {
	return &wire.Error{Status: http.StatusTooManyRequests, Code: "LimitExceededException", Message: message}
}
