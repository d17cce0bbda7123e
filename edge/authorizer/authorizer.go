package authorizer

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"time"

	"portcullis/edge/acp"
	"portcullis/edge/policy"
	"portcullis/edge/token"
	"portcullis/edge/waist"
)

// Options of an Authorizer. Client is required.
type Options struct {
	Client *acp.Client
	Now    func() time.Time // nil means time.Now
	Log    *slog.Logger     // nil logs nothing

	RefreshInterval time.Duration // CONFIG_REFRESH_INTERVAL; 0 means 5 s
	MaxStaleness    time.Duration // CONFIG_MAX_STALENESS; 0 means 1 h
	AllowUnknown    bool          // ENFORCEMENT_ALLOW_UNKNOWN
	InjectContext   bool          // INJECT_CONTEXT
	NoAnalytics     bool          // DISABLE_ANALYTICS
	SimpleResponses bool          // AWS_HTTP_API_RESPONSE=simple: HTTP APIs (payload 2.0) get {"isAuthorized": …}

	// Caching says that API Gateway may keep answers (AWS_AUTHORIZER_TTL is not 0): they then carry how far they go.
	Caching bool

	// Keep stores the last good configuration outside the environment; nil stores nothing.
	Keep *Keep
	// Sync is what a scheduled event runs; nil means that scheduled events only refresh the configuration.
	Sync *Sync
}

// Authorizer answers events. Make one per environment with New. Safe for concurrent use.
type Authorizer struct {
	o     Options
	now   func() time.Time
	log   *slog.Logger
	fresh *freshness
	queue *queue
	logs  sampler
	syncs syncState
	// afterAnswer is true when something else (the extension) calls AfterAnswer.
	afterAnswer bool
}

// answerMargin is kept of the invocation's time for writing the answer: a deny in time beats a time-out, which API
// Gateway turns into a 500.
const answerMargin = 300 * time.Millisecond

// New makes an Authorizer. It does no I/O: call Warm for that.
func New(o Options) *Authorizer {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.RefreshInterval == 0 {
		o.RefreshInterval = 5 * time.Second
	}
	if o.MaxStaleness == 0 {
		o.MaxStaleness = time.Hour
	}
	return &Authorizer{
		o: o, now: o.Now, log: o.Log,
		fresh: &freshness{
			fetch: o.Client.GetConfiguration, verify: o.Client.Verify, tenant: o.Client.Tenant(), host: o.Client.Host(),
			interval: o.RefreshInterval, maxStaleness: o.MaxStaleness, now: o.Now, log: o.Log, keep: o.Keep,
			tokens: token.Options{Now: o.Now, Introspect: o.Client.Introspect, HTTPClient: o.Client.KeySets()},
		},
		queue: &queue{push: o.Client.PushEvents, now: o.Now, log: o.Log},
	}
}

// Warm loads the configuration before the first event. A failure is not one of the environment: the next event tries
// again and denies meanwhile.
func (a *Authorizer) Warm(ctx context.Context) error { return a.fresh.refresh(ctx, firstTimeout) }

// Handle answers one event. It returns an answer for whatever it is given: an event that is none gets a Deny.
func (a *Authorizer) Handle(ctx context.Context, payload []byte) []byte {
	answer, _ := a.Answer(ctx, payload)
	return answer
}

// ErrUnauthorized is the one error that API Gateway answers with 401, by its exact text.
var ErrUnauthorized = errors.New("Unauthorized") // the text is API Gateway's

// Answer is Handle where answers may be kept (Options.Caching): with the Deny comes ErrUnauthorized when the Deny must
// not outlive this request, because it is owed to an outage and not to the caller. An error is never kept.
func (a *Authorizer) Answer(ctx context.Context, payload []byte) (answer []byte, err error) {
	started := a.now()
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("the authorizer failed on an event", "panic", panicText(p))
			answer = []byte(denyEverything)
			if a.o.Caching {
				err = ErrUnauthorized
			}
		}
	}()
	e, k, bad := decodeEvent(payload)
	switch {
	case bad != nil || k == kindUnknown:
		a.log.Warn("an event was not understood and denied", "reason", ReasonEventMalformed)
		return []byte(denyEverything), nil
	case k == kindSchedule:
		return a.runSync(ctx), nil
	case k == kindSelfCheck:
		return a.selfCheck(ctx, e.Plan), nil
	case k == kindPlan:
		return a.plan(ctx, e.Format), nil
	}
	answer, err = a.authorize(ctx, e, k, started)
	if !a.afterAnswer {
		a.flushInline(ctx)
	}
	return answer, err
}

// panicText keeps values out of the log: a panic may quote what it choked on.
func panicText(p any) string {
	if err, ok := p.(interface{ RuntimeError() }); ok {
		if e, ok := err.(error); ok {
			return e.Error()
		}
	}
	return "panic"
}

// authorize walks through one call: parse, configuration, API, token, policy, decision, answer, record.
func (a *Authorizer) authorize(ctx context.Context, e *event, k kind, started time.Time) ([]byte, error) {
	ctx, cancel := a.within(ctx)
	defer cancel()
	r, sound := e.request(k)
	d := decision{id: newID(), request: r, started: started}
	snap, state := a.fresh.current(ctx)
	d.facts = facts{config: state, allowUnknown: a.o.AllowUnknown}
	if state == configUsable {
		d.revision = snap.cfg.Revision
		a.findAPI(snap, &d, sound)
		a.checkToken(ctx, snap, &d)
		if d.facts.token == tokenVerified && a.bindsToRequest(snap, &d) {
			d.facts.token, d.facts.tokenReason = tokenUnverified, string(token.BindingUnsupported)
		}
		if d.facts.needsPolicy() {
			d.facts.policy = snap.policies.Evaluate(ctx, d.api.PolicyID, a.policyInput(snap, &d))
		}
	}
	d.verdict = decide(&d.facts)
	if _, safe := resourceFor(r); d.verdict.allow && !safe {
		d.verdict = verdict{reason: ReasonEventMalformed}
	}
	d.duration = a.now().Sub(started)
	a.record(snap, &d)
	answer := render(r, d.verdict, a.reachOf(snap, &d), principalOf(d.claims),
		backendContext(r, d.id, d.revision, d.claims, d.facts.policy.Output, a.o.InjectContext && d.verdict.allow), a.o.SimpleResponses)
	if a.o.Caching && r.rest && transient[d.verdict.reason] {
		return answer, ErrUnauthorized
	}
	return answer, nil
}

// decision is one call on its way to its answer; it is also what the record is made from.
type decision struct {
	id       string
	request  *request
	group    *group
	api      *waist.API
	claims   map[string]any // of a verified token, else nil
	facts    facts
	verdict  verdict
	revision int64
	started  time.Time
	duration time.Duration
}

// within leaves answerMargin, or a fifth, of the invocation's remaining time for the answer.
func (a *Authorizer) within(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithTimeout(ctx, firstTimeout+refreshTimeout)
	}
	left := time.Until(deadline)
	return context.WithTimeout(ctx, left-min(answerMargin, left/5))
}

// findAPI looks the call up by what API Gateway matched; a TOKEN event has only its path.
func (a *Authorizer) findAPI(snap *snapshot, d *decision, sound bool) {
	r, f := d.request, &d.facts
	if !sound {
		f.lookup = ReasonEventMalformed
		return
	}
	if r.kind == kindToken {
		d.group = snap.index.groups[groupKey{r.apiID, r.stage}]
		if d.group != nil {
			var ambiguous bool
			if d.api, ambiguous = d.group.routeByPath(r.method, r.path); ambiguous {
				f.lookup = ReasonPathAmbiguous
				return
			}
		}
	} else {
		d.group, d.api = snap.index.find(r.apiID, r.stage, r.method, r.template)
	}
	switch {
	case d.group == nil:
		f.lookup = ReasonUnbound
	case d.api == nil:
		f.lookup = ReasonUnknownAPI
	default:
		f.found = true
		f.hasPolicy = d.api.PolicyID != ""
	}
}

// checkToken verifies what the caller presented. A token that fails is only held against the caller where a policy
// asks for one; decide knows that.
func (a *Authorizer) checkToken(ctx context.Context, snap *snapshot, d *decision) {
	f, r := &d.facts, d.request
	switch {
	case r.credentialErr != "":
		f.tokenReason = r.credentialErr
		return
	case r.credential.absent():
		f.token = tokenAbsent
		return
	case d.group == nil:
		return // nothing to be meant for
	}
	claims, err := snap.verifier.Verify(ctx, r.credential.raw, token.Expect{Audiences: d.group.audiences})
	if err != nil {
		f.tokenReason = string(token.ReasonOf(err))
		return
	}
	if reason := bound(claims, thumbprint(r.cert)); reason != "" {
		f.tokenReason = reason
		return
	}
	f.token, d.claims = tokenVerified, claims
}

// policyInput is the document that policies see.
func (a *Authorizer) policyInput(snap *snapshot, d *decision) *policy.Input {
	r := d.request
	in := &policy.Input{
		AuthnCtx: d.claims,
		Contexts: map[string]any{"scopes": policy.ScopesContext(scopesOf(d.claims), snap.cfg.Scopes, separator(snap.cfg))},
		Request: policy.Request{
			Method: r.method, Path: r.path, Headers: r.headers, PathParams: r.pathParams, QueryParams: r.query,
			SourceIP: r.sourceIP, Service: d.group.service.Name, Template: d.api.Path, Tags: tagsOf(d.api),
		},
		Now: d.started,
	}
	if in.AuthnCtx == nil {
		in.AuthnCtx = map[string]any{}
	}
	if id, ok := d.claims["client_id"].(string); ok && id != "" {
		in.Contexts["client"] = map[string]any{"client_id": id}
	}
	if t := thumbprint(r.cert); t != "" {
		in.Request.MTLS = map[string]any{"x5t#S256": t}
	}
	return in
}

// tagsOf makes the API's data classifications the tags that policies see: each is present, with the value "true".
func tagsOf(api *waist.API) map[string]string {
	if len(api.DataClassifications) == 0 {
		return nil
	}
	tags := make(map[string]string, len(api.DataClassifications))
	for _, name := range api.DataClassifications {
		tags[name] = "true"
	}
	return tags
}

func separator(cfg *waist.Configuration) string {
	if cfg.DynamicScopeSeparator == "" {
		return "."
	}
	return cfg.DynamicScopeSeparator
}

// newID is 16 random bytes in base64url, 22 characters.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// NewEnvironmentID makes the random id of one Lambda environment (waist.HeaderEnvironment).
func NewEnvironmentID() string { return newID() }
