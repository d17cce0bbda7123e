package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/analytics"
	"portcullis/control/api"
	"portcullis/control/oauth"
	"portcullis/control/outbound"
	"portcullis/control/portal"
	"portcullis/control/store"
	"portcullis/control/web"
	"portcullis/docs/reference"
)

// serveCmd is the configuration of the server; the help text is the manual.
type serveCmd struct {
	Listen                  string        `default:"127.0.0.1:8080" env:"PORTCULLIS_LISTEN" help:"Address and port to listen on; port 0 takes a free one."`
	TLSCert                 string        `name:"tls-cert" env:"PORTCULLIS_TLS_CERT" placeholder:"FILE" help:"Certificate chain (PEM) to serve https with, TLS 1.2 or newer; needs --tls-key. Changed files are taken up without a restart."`
	TLSKey                  string        `name:"tls-key" env:"PORTCULLIS_TLS_KEY" placeholder:"FILE" help:"Private key (PEM) of --tls-cert."`
	MetricsListen           string        `env:"PORTCULLIS_METRICS_LISTEN" placeholder:"ADDRESS" help:"Address and port to serve /metrics on, in the text format of Prometheus; off without it. Whoever reaches it may read it: use one that only your monitoring reaches."`
	AuditRetention          time.Duration `default:"9600h" env:"PORTCULLIS_AUDIT_RETENTION" help:"How long audit records are kept; 9600h are 400 days, 0 is for ever."`
	PublicURL               string        `name:"public-url" env:"PORTCULLIS_PUBLIC_URL" help:"Where browsers and authorizers reach this server, e.g. https://portcullis.example.com. It is in every token: changing it ends their validity. Default: http:// (https:// with --tls-cert) and the listening address."`
	AllowHTTP               bool          `name:"allow-http" env:"PORTCULLIS_ALLOW_HTTP" help:"Accept a public URL with http:// that is not this machine. Secrets and tokens then cross the network in clear."`
	Database                string        `default:"sqlite://portcullis.db" env:"PORTCULLIS_DATABASE" help:"sqlite:///path/file.db or postgres://user@host/database."`
	MasterKeyFile           string        `env:"PORTCULLIS_MASTER_KEY_FILE" placeholder:"FILE" help:"The key that seals secrets at rest, made by portcullis keygen. PORTCULLIS_MASTER_KEY may hold the key itself instead."`
	AWSGatewaysPerWorkspace int           `name:"aws-gateways-per-workspace" default:"1" env:"PORTCULLIS_AWS_GATEWAYS_PER_WORKSPACE" help:"How many AWS gateways a workspace may have."`
	TrustedProxies          []string      `env:"PORTCULLIS_TRUSTED_PROXIES" placeholder:"CIDR" help:"Networks whose X-Forwarded-For is believed, e.g. 10.0.0.0/8."`
	DecisionRetention       time.Duration `default:"168h" env:"PORTCULLIS_DECISION_RETENTION" help:"How long single decisions are kept. Their sums per minute are kept for 90 days."`
	DecisionLimit           int           `default:"1000000" env:"PORTCULLIS_DECISION_LIMIT" help:"How many single decisions a workspace keeps at most (about 1 KB each); the oldest go first."`
	OutboundNetworks        []string      `env:"PORTCULLIS_OUTBOUND_NETWORKS" placeholder:"CIDR" help:"Networks that are not public, in which identity providers and other issuers may be asked for metadata, keys and tokens, e.g. 10.20.0.0/16."`
	LogLevel                string        `default:"info" enum:"debug,info,warn,error" env:"PORTCULLIS_LOG_LEVEL" help:"debug, info, warn or error. Logs are JSON lines on standard error."`
}

// Limits of the server.
const (
	drainTime      = 10 * time.Second // for requests under way when the server is told to stop
	requestTime    = 60 * time.Second // for one request, database included
	readHeaderTime = 10 * time.Second
	idleTime       = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// Run wires the server, serves until ctx ends, and stops in order.
func (c *serveCmd) Run(ctx context.Context, o *output) error {
	logger := slog.New(slog.NewJSONHandler(o.err, &slog.HandlerOptions{Level: logLevel(c.LogLevel)}))
	proxies, err := networks("--trusted-proxies", c.TrustedProxies)
	if err != nil {
		return err
	}
	reachable, err := networks("--outbound-networks", c.OutboundNetworks)
	if err != nil {
		return err
	}
	keyring, err := c.keyring()
	if err != nil {
		return err
	}
	if c.AuditRetention != 0 && c.AuditRetention < 24*time.Hour {
		return fmt.Errorf("--audit-retention %s is less than a day; give at least 24h, or 0 to keep all", c.AuditRetention)
	}
	listener, err := c.listen(logger)
	if err != nil {
		return err
	}
	defer listener.Close()
	publicURL, err := c.publicURL(listener.Addr())
	if err != nil {
		return err
	}
	st, err := store.Open(ctx, c.Database)
	if err != nil {
		return err
	}
	defer st.Close()

	adm := admin.New(admin.Options{Store: st, PublicURL: publicURL, Keyring: keyring, AWSGatewaysPerWorkspace: c.AWSGatewaysPerWorkspace, Logger: logger,
		Outbound: outbound.Client(outbound.Options{Networks: reachable})})
	born, err := adm.Bootstrap(ctx, admin.BootstrapOptions{
		AdminPassword: os.Getenv("PORTCULLIS_BOOTSTRAP_ADMIN_PASSWORD"),
		ClientID:      os.Getenv("PORTCULLIS_BOOTSTRAP_CLIENT_ID"),
		ClientSecret:  os.Getenv("PORTCULLIS_BOOTSTRAP_CLIENT_SECRET"),
	})
	if err != nil {
		return fmt.Errorf("the database could not be prepared: %w", err)
	}
	events := analytics.New(analytics.Options{Store: st, Retention: c.DecisionRetention, KeepDecisions: c.DecisionLimit, Logger: logger})

	metrics, stopMetrics, err := c.metrics(st, adm, events, logger, o.out)
	if err != nil {
		return err
	}
	defer stopMetrics()
	defer c.keepAudit(ctx, adm, logger)()

	handler := c.handler(st, adm, events, publicURL, logger)
	server := &http.Server{
		Handler: web.Secure(handler, web.Options{Logger: logger, HTTPS: strings.HasPrefix(publicURL, "https://"), TrustedProxies: proxies, Timeout: requestTime, Metrics: metrics}),
		// The body of a slow client ends with the request's time; the answer may take as long again.
		ReadHeaderTimeout: readHeaderTime, ReadTimeout: requestTime, WriteTimeout: 2 * requestTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	greet(o.out, listener.Addr(), publicURL, born)
	logger.Info("serving", "listen", listener.Addr().String(), "public_url", publicURL, "version", version)

	select {
	case err = <-served:
		err = fmt.Errorf("the server stopped by itself: %w", err)
	case <-ctx.Done():
		logger.Info("stopping", "drain", drainTime.String())
	}
	// A context of its own: the one we were given has ended.
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if serr := server.Shutdown(stop); serr != nil {
		logger.Warn("requests were cut off after the drain time", "error", serr.Error())
		server.Close()
	}
	flush, cancelFlush := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancelFlush()
	if cerr := events.Close(flush); cerr != nil {
		err = errors.Join(err, fmt.Errorf("request events were not all written: %w", cerr))
	}
	return err
}

// handler is every route of the server. Tenants live at the root, so their ids cannot be "api", "app", "healthz",
// "readyz", "openapi.yaml" or start with a dot; package admin sees to it.
func (c *serveCmd) handler(st *store.Store, adm *admin.Admin, events *analytics.Analytics, publicURL string, logger *slog.Logger) http.Handler {
	packages := authorizerPackages()
	issuer := oauth.New(oauth.Options{Admin: adm, Store: st, PublicURL: publicURL, Logger: logger})

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { ready(w, r, st) })
	mux.HandleFunc("GET /openapi.yaml", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		w.Write(reference.OpenAPI())
	})
	mux.Handle("/api/", api.New(api.Options{
		Admin: adm, Analytics: events, Packages: packages, PublicURL: publicURL, Logger: logger,
		Authenticate: issuer.Actor,
		Introspect: func(ctx context.Context, tenant, workspace, token string) (any, error) {
			return issuer.Introspect(ctx, tenant, workspace, token)
		},
		Exchange: func(ctx context.Context, x control.Exchange, token string) (any, error) {
			return issuer.Exchange(ctx, x, token)
		},
	}))
	mux.Handle("/app/", portal.New(portal.Options{Admin: adm, Analytics: events, Issuer: issuer.Handler(), Packages: packages, PublicURL: publicURL, Logger: logger}))
	mux.Handle("GET /{$}", http.RedirectHandler("/app/", http.StatusSeeOther))
	mux.Handle("/", issuer.Handler())
	return mux
}

func ready(w http.ResponseWriter, r *http.Request, st *store.Store) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := st.Ping(ctx); err != nil {
		web.Event(r.Context()).Err = err
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, "ready\n")
}

// greet says where the server is and, once in the life of a database, the credentials that were made for it.
func greet(w io.Writer, addr net.Addr, publicURL string, born admin.BootstrapResult) {
	fmt.Fprintf(w, "portcullis %s is listening on %s\n", version, addr)
	if born.AdminPassword != "" {
		fmt.Fprintf(w, "A new database was made. Log in as admin with this password, which is shown only now: %s\n", born.AdminPassword)
	}
	if born.ClientSecret != "" {
		fmt.Fprintf(w, "Client for automation (issuer %s/%s/%s), shown only now: client id %s, secret %s\n",
			publicURL, control.DefaultTenant, control.AdminWorkspace, born.ClientID, born.ClientSecret)
	}
	fmt.Fprintf(w, "Portal: %s/app/\n", publicURL)
}

func (c *serveCmd) keyring() (*admin.Keyring, error) {
	text, from := os.Getenv("PORTCULLIS_MASTER_KEY"), "PORTCULLIS_MASTER_KEY"
	if c.MasterKeyFile != "" {
		b, err := os.ReadFile(c.MasterKeyFile)
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("the master key file %s does not exist; make one with: portcullis keygen %s", c.MasterKeyFile, c.MasterKeyFile)
		}
		if err != nil {
			return nil, fmt.Errorf("the master key could not be read: %w", err)
		}
		text, from = string(b), c.MasterKeyFile
	}
	if text == "" {
		return nil, errors.New("there is no master key, and secrets are not stored without one; run: portcullis keygen master.key, then start with --master-key-file master.key")
	}
	k, err := admin.ParseKeyring(text)
	if err != nil {
		return nil, fmt.Errorf("the master key in %s is not usable: %w", from, err)
	}
	return k, nil
}

// publicURL checks --public-url or derives it from where we listen.
func (c *serveCmd) publicURL(addr net.Addr) (string, error) {
	if c.PublicURL == "" {
		host, port, err := net.SplitHostPort(addr.String())
		if err != nil {
			return "", err
		}
		if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
			return "", fmt.Errorf("listening on %s needs --public-url: the URL by which browsers and authorizers reach this server", addr)
		}
		return c.scheme() + "://" + net.JoinHostPort(host, port), nil
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("--public-url %q must be https:// (or http://) and a host, with nothing behind it", c.PublicURL)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) && !c.AllowHTTP {
		return "", fmt.Errorf("--public-url %s would send secrets and tokens in clear over the network; use https://, or add --allow-http", c.PublicURL)
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func networks(flag string, list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not a network such as 10.0.0.0/8", flag, s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken by another program; choose another address with --listen", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", addr, err)
	}
	return l, nil
}

func logLevel(s string) slog.Level {
	var l slog.Level
	if l.UnmarshalText([]byte(s)) != nil {
		return slog.LevelInfo
	}
	return l
}
