package admin

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"portcullis/control/outbound"
	"portcullis/control/store"
	"portcullis/edge/policy"
)

// Options are what an Admin needs. Store and Keyring are required.
type Options struct {
	Store *store.Store
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// PublicURL is where callers reach the control plane, e.g. "https://acp.example.com". It is the base of issuers and
	// default audiences; a slash at its end is dropped.
	PublicURL string
	// Keyring seals secrets at rest.
	Keyring *Keyring
	// AWSGatewaysPerWorkspace bounds the gateways of type aws in a workspace; 0 means 1.
	AWSGatewaysPerWorkspace int
	// PolicyBudget is what the policies of one workspace may cost; a zero member means that of policy.DefaultBudget.
	PolicyBudget policy.Budget
	// Outbound makes the calls to addresses that a person typed; nil means outbound.Client with its zero options.
	Outbound *http.Client
	// Logger receives what no caller can act on; nil means slog.Default.
	Logger *slog.Logger
}

// Admin is the control plane's verbs over one store. It is safe for concurrent use.
type Admin struct {
	store     *store.Store
	now       func() time.Time
	publicURL string
	keyring   *Keyring
	awsLimit  int
	log       *slog.Logger
	budget    policy.Budget
	outbound  *http.Client
	measuring chan struct{} // held by the one that measures what policies cost

	cache    cache
	presence presence
	hasher   hasher
	throttle throttle
	counters counters
}

// New makes the verbs.
func New(o Options) *Admin {
	a := &Admin{store: o.Store, now: o.Now, publicURL: strings.TrimRight(o.PublicURL, "/"), keyring: o.Keyring,
		awsLimit: o.AWSGatewaysPerWorkspace, log: o.Logger, hasher: newHasher(), budget: o.PolicyBudget, measuring: make(chan struct{}, 1)}
	if a.now == nil {
		a.now = time.Now
	}
	if a.awsLimit <= 0 {
		a.awsLimit = 1
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.outbound = o.Outbound; a.outbound == nil {
		a.outbound = outbound.Client(outbound.Options{})
	}
	return a
}
