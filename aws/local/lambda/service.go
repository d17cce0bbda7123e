package lambda

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"portcullis/aws/local/wire"
)

// Options of a Service. Assume is required; every other member has a usable zero value.
type Options struct {
	Now    func() time.Time      // nil: time.Now
	Assume wire.AssumeForService // credentials of the functions' roles

	// AllowRole decides on invocations that a service makes with a role; nil: there are none.
	AllowRole wire.AllowForService

	Endpoint func() string // AWS_ENDPOINT_URL of the functions; nil or "": not set
	Dir      string        // where code is unpacked; "": a temporary directory that Close removes
	HostArch string        // what this machine can run: "x86_64" or "arm64"; "": as built
	Logger   *slog.Logger  // nil: no log
	Log      func(LogLine) // every line of every function; nil: kept only for the tail

	// FetchObject reads a deployment package from S3, for a caller whose permission to read it has been checked; nil:
	// functions cannot come from S3.
	FetchObject func(account, bucket, key string) ([]byte, error)

	InitTimeout     time.Duration   // 0: 10 s, as AWS
	RetryDelays     []time.Duration // between attempts of an asynchronous invocation; nil: 1 min, 2 min
	MaxEnvironments int             // processes at once, all functions together; 0: 100
	ColdStarts      func() bool     // true: no environment is used twice

	// SettleTime is how long a new function is Pending, and an update of one InProgress, on the clock of Now. Meanwhile a new
	// function cannot be invoked, and neither can be changed. 0: they are done at once.
	SettleTime time.Duration
}

// LogLine is one line that a function, or the platform on its behalf, wrote.
type LogLine = wire.LogLine

// Service is Lambda of all accounts and regions.
type Service struct {
	o       Options
	now     func() time.Time
	log     *slog.Logger
	dir     string
	ownDir  bool
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	spawner *spawner

	interpreters *interpreters
	queue        chan struct{} // a slot per asynchronous invocation

	mu        sync.Mutex
	closed    bool
	functions map[string]*function // by account/region/name
	envs      map[*environment]bool
	starting  int // environments that are not among envs yet
	codeCount int
	codeKey   [32]byte // signs the addresses of deployment packages

	attempts   map[string]*attempt // of asynchronous invocations, by request id
	attemptIDs []string            // the same, oldest first
}

// asyncLimit bounds asynchronous invocations that wait or run.
const asyncLimit = 1000

// New returns a Lambda without functions. The error is that of the directory for code.
func New(o Options) (*Service, error) {
	s := &Service{o: o, now: o.Now, log: o.Logger, dir: o.Dir, functions: map[string]*function{}, envs: map[*environment]bool{}, queue: make(chan struct{}, asyncLimit), attempts: map[string]*attempt{}}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.o.InitTimeout == 0 {
		s.o.InitTimeout = 10 * time.Second
	}
	if s.o.RetryDelays == nil {
		s.o.RetryDelays = []time.Duration{time.Minute, 2 * time.Minute}
	}
	if s.o.MaxEnvironments == 0 {
		s.o.MaxEnvironments = 100
	}
	if s.o.HostArch == "" {
		s.o.HostArch = map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	}
	rand.Read(s.codeKey[:])
	var err error
	if s.dir == "" {
		s.dir, err = os.MkdirTemp("", "local-lambda-")
		s.ownDir = true
	} else {
		err = os.MkdirAll(s.dir, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("the directory for function code: %w", err)
	}
	if s.interpreters, err = newInterpreters(s.dir); err != nil {
		return nil, fmt.Errorf("the directory for function code: %w", err)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.spawner = newSpawner()
	return s, nil
}

// Close ends every function process and waits for it. It may be called more than once.
func (s *Service) Close() {
	s.mu.Lock()
	already := s.closed
	s.closed = true
	envs := make([]*environment, 0, len(s.envs))
	for e := range s.envs {
		envs = append(envs, e)
	}
	s.mu.Unlock()
	if already {
		return
	}
	s.cancel()
	var wg sync.WaitGroup
	for _, e := range envs {
		wg.Go(e.shutdown)
	}
	wg.Wait()
	s.wg.Wait()
	s.spawner.close()
	if s.ownDir {
		os.RemoveAll(s.dir)
	}
}

// call is one API request being answered.
type call struct {
	*wire.Call
	s    *Service
	w    http.ResponseWriter
	args []string // what the {} of the route matched

	conditions map[string][]string // condition keys of this call, beside those that every call has
}

// reply is an answer: a status and a JSON body, nil for none. Handlers that wrote the answer themselves return written.
type reply struct {
	status int
	body   any
}

var written = reply{}

type route struct {
	method, pattern string // {} matches one path segment
	operation       string // the IAM action without "lambda:"
	handle          func(*call) (reply, error)
}

// routes is all that this Lambda answers.
var routes = []route{
	{"POST", "/2015-03-31/functions", "CreateFunction", createFunction},
	{"GET", "/2015-03-31/functions", "ListFunctions", listFunctions},
	{"GET", "/2015-03-31/functions/{}", "GetFunction", getFunction},
	{"DELETE", "/2015-03-31/functions/{}", "DeleteFunction", deleteFunction},
	{"GET", "/2015-03-31/functions/{}/configuration", "GetFunctionConfiguration", getConfiguration},
	{"PUT", "/2015-03-31/functions/{}/configuration", "UpdateFunctionConfiguration", updateConfiguration},
	{"PUT", "/2015-03-31/functions/{}/code", "UpdateFunctionCode", updateCode},
	{"POST", "/2015-03-31/functions/{}/invocations", "InvokeFunction", invoke},
	{"GET", "/2015-03-31/functions/{}/policy", "GetPolicy", getPolicy},
	{"POST", "/2015-03-31/functions/{}/policy", "AddPermission", addPermission},
	{"DELETE", "/2015-03-31/functions/{}/policy/{}", "RemovePermission", removePermission},
	{"GET", "/2015-03-31/functions/{}/versions", "ListVersionsByFunction", listVersions},
	{"POST", "/2015-03-31/functions/{}/versions", "PublishVersion", publishVersion},
	{"GET", "/2015-03-31/functions/{}/aliases", "ListAliases", listAliases},
	{"POST", "/2015-03-31/functions/{}/aliases", "CreateAlias", createAlias},
	{"GET", "/2015-03-31/functions/{}/aliases/{}", "GetAlias", getAlias},
	{"PUT", "/2015-03-31/functions/{}/aliases/{}", "UpdateAlias", updateAlias},
	{"DELETE", "/2015-03-31/functions/{}/aliases/{}", "DeleteAlias", deleteAlias},
	{"PUT", "/2017-10-31/functions/{}/concurrency", "PutFunctionConcurrency", putConcurrency},
	{"GET", "/2019-09-30/functions/{}/concurrency", "GetFunctionConcurrency", getConcurrency},
	{"DELETE", "/2017-10-31/functions/{}/concurrency", "DeleteFunctionConcurrency", deleteConcurrency},
	{"GET", "/2017-03-31/tags/{}", "ListTags", listTags},
	{"POST", "/2017-03-31/tags/{}", "TagResource", tagResource},
	{"DELETE", "/2017-03-31/tags/{}", "UntagResource", untagResource},
	{"GET", "/2016-08-19/account-settings", "GetAccountSettings", getAccountSettings},
	{"GET", "/2020-06-30/functions/{}/code-signing-config", "GetFunctionCodeSigningConfig", getCodeSigning},
}

func (r *route) match(method string, segments []string) ([]string, bool) {
	want := strings.Split(strings.Trim(r.pattern, "/"), "/")
	if method != r.method || len(want) != len(segments) {
		return nil, false
	}
	var args []string
	for i, w := range want {
		if w == "{}" {
			args = append(args, segments[i])
		} else if w != segments[i] {
			return nil, false
		}
	}
	return args, true
}

// ServeAWS answers one call of the Lambda API.
func (s *Service) ServeAWS(w http.ResponseWriter, wc *wire.Call) {
	segments := strings.Split(strings.Trim(wc.Request.URL.EscapedPath(), "/"), "/")
	for i := range segments {
		if u, err := url.PathUnescape(segments[i]); err == nil {
			segments[i] = u
		}
	}
	for i := range routes {
		r := &routes[i]
		args, ok := r.match(wc.Request.Method, segments)
		if !ok {
			continue
		}
		rep, err := r.handle(&call{Call: wc, s: s, w: w, args: args})
		switch {
		case err != nil:
			wire.WriteError(w, wc, err)
		case rep.status == 0: // written
		case rep.body == nil:
			w.Header().Set("X-Amzn-RequestId", wc.RequestID)
			w.WriteHeader(rep.status)
		default:
			wire.WriteJSON(w, wc, rep.status, rep.body)
		}
		return
	}
	wire.WriteError(w, wc, wire.NotImplemented("lambda", wc.Request.Method+" "+wc.Request.URL.Path))
}

func failure(status int, code, format string, args ...any) error {
	return &wire.Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...), Fields: map[string]any{"Type": "User"}}
}

func invalidValue(format string, args ...any) error {
	return failure(400, "InvalidParameterValueException", format, args...)
}

// body reads the request into v, refusing members that AWS has and this Lambda lacks when they hold something.
func (c *call) body(v any, lacks ...string) error {
	if err := c.Decode(v); err != nil {
		return err
	}
	if len(lacks) == 0 || len(c.Body) == 0 {
		return nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(c.Body, &all); err != nil {
		return nil // Decode has already judged the body
	}
	for _, name := range lacks {
		if !empty(all[name]) {
			return &wire.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "the local AWS has no " + name + " of Lambda functions"}
		}
	}
	return nil
}

// empty says whether a JSON value holds nothing: absent, null, "", false, 0, or only such values.
func empty(raw json.RawMessage) bool {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return true
	}
	return hollow(v)
}

func hollow(v any) bool {
	switch x := v.(type) {
	case map[string]any:
		for _, m := range x {
			if !hollow(m) {
				return false
			}
		}
		return true
	case []any:
		return len(x) == 0
	case string:
		return x == ""
	case bool:
		return !x
	case float64:
		return x == 0
	}
	return v == nil
}
