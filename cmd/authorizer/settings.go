package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"portcullis/aws/attach"
)

// settings are the environment variables of the function. A malformed value stops the start: a typo in a security
// setting must not silently become its default.
type settings struct {
	ClientID     string // ACP_CLIENT_ID
	ClientSecret string // ACP_CLIENT_SECRET: the value, or the ARN of a Secrets Manager secret or SSM parameter
	IssuerURL    string // ACP_ISSUER_URL

	RefreshInterval time.Duration // CONFIG_REFRESH_INTERVAL or ACP_RELOAD_INTERVAL: "5", "5s", "5 seconds"
	MaxStaleness    time.Duration // CONFIG_MAX_STALENESS
	NoAnalytics     bool          // DISABLE_ANALYTICS, or ANALYTICS_ENABLED=false
	InjectContext   bool          // INJECT_CONTEXT or AWS_INJECT_CONTEXT
	AllowUnknown    bool          // ENFORCEMENT_ALLOW_UNKNOWN
	LogLevel        slog.Level    // LOGGING_LEVEL: error, warn, info, debug, trace
	SimpleResponses bool          // AWS_HTTP_API_RESPONSE: "iam" or "simple"

	CreateAuthorizer   bool   // AWS_CREATE_AUTHORIZER
	ReplaceAuthorizers bool   // AWS_REPLACE_AUTHORIZERS
	AttachUnbound      bool   // AWS_ATTACH_UNBOUND_STAGES
	AuthorizerARN      string // AWS_AUTHORIZER_ARN: whom the authorizers call; empty means this function, unqualified
	AuthorizerTTL      int    // AWS_AUTHORIZER_TTL: for how many seconds API Gateway may keep answers at most; "auto" is autoTTL
	DiscoverV2         bool   // AWS_DISCOVER_HTTP_APIS: HTTP and WebSocket APIs become API groups as well
	LocalConfiguration string // AWS_LOCAL_CONFIGURATION: a directory or s3://bucket/prefix

	RootCA             string // HTTP_CLIENT_ROOT_CA: PEM, or the path of a file that holds it
	InsecureSkipVerify bool   // HTTP_CLIENT_INSECURE_SKIP_VERIFY

	Region     string // AWS_REGION
	RuntimeAPI string // AWS_LAMBDA_RUNTIME_API
	// Concurrency is AWS_LAMBDA_MAX_CONCURRENCY: how many invocations Lambda gives this environment at a time; 0 or 1
	// everywhere but on Managed Instances.
	Concurrency int
	// MemoryMB is AWS_LAMBDA_FUNCTION_MEMORY_SIZE, 0 when it is not known.
	MemoryMB int
}

// readSettings reads all of them and reports every mistake at once.
func readSettings(getenv func(string) string) (settings, error) {
	r := reader{getenv: getenv}
	s := settings{
		ClientID: r.required("ACP_CLIENT_ID"), ClientSecret: r.required("ACP_CLIENT_SECRET"), IssuerURL: r.required("ACP_ISSUER_URL"),
		RefreshInterval: r.duration(5*time.Second, time.Second, 10*time.Minute, "CONFIG_REFRESH_INTERVAL", "ACP_RELOAD_INTERVAL"),
		MaxStaleness:    r.duration(time.Hour, time.Second, 30*24*time.Hour, "CONFIG_MAX_STALENESS"),
		NoAnalytics:     r.flag(false, "DISABLE_ANALYTICS"),
		InjectContext:   r.flag(false, "INJECT_CONTEXT", "AWS_INJECT_CONTEXT"),
		AllowUnknown:    r.flag(false, "ENFORCEMENT_ALLOW_UNKNOWN"),
		LogLevel:        r.level("LOGGING_LEVEL"),
		SimpleResponses: r.choice("AWS_HTTP_API_RESPONSE", "iam", "simple") == "simple",

		CreateAuthorizer:   r.flag(true, "AWS_CREATE_AUTHORIZER"),
		ReplaceAuthorizers: r.flag(false, "AWS_REPLACE_AUTHORIZERS"),
		AttachUnbound:      r.flag(false, "AWS_ATTACH_UNBOUND_STAGES"),
		AuthorizerARN:      r.text("AWS_AUTHORIZER_ARN"),
		AuthorizerTTL:      r.ttl("AWS_AUTHORIZER_TTL"),
		DiscoverV2:         r.flag(false, "AWS_DISCOVER_HTTP_APIS"),
		LocalConfiguration: r.text("AWS_LOCAL_CONFIGURATION"),

		RootCA: r.text("HTTP_CLIENT_ROOT_CA"), InsecureSkipVerify: r.flag(false, "HTTP_CLIENT_INSECURE_SKIP_VERIFY"),
		Region: getenv("AWS_REGION"), RuntimeAPI: getenv("AWS_LAMBDA_RUNTIME_API"),
	}
	s.Concurrency, _ = strconv.Atoi(getenv("AWS_LAMBDA_MAX_CONCURRENCY")) // Lambda's own: unset or a number
	s.MemoryMB, _ = strconv.Atoi(getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	if s.Region == "" {
		s.Region = getenv("AWS_DEFAULT_REGION")
	}
	if r.text("DISABLE_ANALYTICS") == "" {
		s.NoAnalytics = !r.flag(true, "ANALYTICS_ENABLED")
	}
	if s.MaxStaleness < s.RefreshInterval {
		r.mistake("CONFIG_MAX_STALENESS", "is shorter than the refresh interval: every request would be denied between two polls")
	}
	return s, errors.Join(r.mistakes...)
}

type reader struct {
	getenv   func(string) string
	mistakes []error
}

// mistake records what is wrong with a variable. The value is not repeated: it may be a secret in the wrong place.
func (r *reader) mistake(name, what string) {
	r.mistakes = append(r.mistakes, fmt.Errorf("%s %s", name, what))
}

func (r *reader) text(name string) string { return strings.TrimSpace(r.getenv(name)) }

func (r *reader) required(name string) string {
	v := r.text(name)
	if v == "" {
		r.mistake(name, "is not set; copy it from the SETTINGS tab of the gateway")
	}
	return v
}

// first returns the first of the names that is set, so that the guide's names win over later ones.
func (r *reader) first(names []string) (name, value string) {
	for _, n := range names {
		if v := r.text(n); v != "" {
			return n, v
		}
	}
	return names[0], ""
}

func (r *reader) flag(def bool, names ...string) bool {
	name, v := r.first(names)
	switch strings.ToLower(v) {
	case "":
		return def
	case "true", "1", "yes", "on":
		return true
	case "false", "0", "no", "off":
		return false
	}
	r.mistake(name, "must be true or false")
	return def
}

func (r *reader) choice(name string, options ...string) string {
	v := strings.ToLower(r.text(name))
	if v == "" {
		return options[0]
	}
	for _, o := range options {
		if v == o {
			return o
		}
	}
	r.mistake(name, "must be one of "+strings.Join(options, ", "))
	return options[0]
}

func (r *reader) duration(def, least, most time.Duration, names ...string) time.Duration {
	name, v := r.first(names)
	if v == "" {
		return def
	}
	d, ok := parseDuration(v)
	switch {
	case !ok:
		r.mistake(name, `must be a duration such as "5", "5s", "5 seconds" or "1m30s"`)
	case d < least || d > most:
		r.mistake(name, fmt.Sprintf("must lie between %s and %s", least, most))
	default:
		return d
	}
	return def
}

// autoTTL is API Gateway's own default, in seconds.
const autoTTL = 300

func (r *reader) ttl(name string) int {
	switch v := strings.ToLower(r.text(name)); v {
	case "":
		return 0
	case "auto":
		return autoTTL
	default:
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > attach.MaxTTL {
			r.mistake(name, fmt.Sprintf("must be 0, auto, or a number of seconds up to %d", attach.MaxTTL))
			return 0
		}
		return n
	}
}

// parseDuration reads Go durations, bare seconds, and a number with a unit in words ("5 seconds", "1 minute").
func parseDuration(v string) (time.Duration, bool) {
	if d, err := time.ParseDuration(v); err == nil {
		return d, true
	}
	number, unit, _ := strings.Cut(v, " ")
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n < 0 || n > 1e9 {
		return 0, false
	}
	units := map[string]time.Duration{"": time.Second, "second": time.Second, "minute": time.Minute, "hour": time.Hour, "sec": time.Second, "min": time.Minute, "s": time.Second, "m": time.Minute, "h": time.Hour}
	u, ok := units[strings.TrimSuffix(strings.ToLower(strings.TrimSpace(unit)), "s")]
	if !ok {
		u, ok = units[strings.ToLower(strings.TrimSpace(unit))]
	}
	return time.Duration(n * float64(u)), ok
}

func (r *reader) level(name string) slog.Level {
	switch strings.ToLower(r.text(name)) {
	case "error":
		return slog.LevelError
	case "warn", "warning":
		return slog.LevelWarn
	case "", "info":
		return slog.LevelInfo
	case "debug":
		return slog.LevelDebug
	case "trace":
		return slog.LevelDebug - 4
	}
	r.mistake(name, "must be one of error, warn, info, debug, trace")
	return slog.LevelInfo
}
