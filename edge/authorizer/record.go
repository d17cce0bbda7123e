package authorizer

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"portcullis/edge/waist"
)

// recordedClaims are the only claims that leave with a request event: who called, never what a token says of a person.
var recordedClaims = [...]string{"sub", "client_id", "iss", "aud", "scp", "scope", "idp", "jti", "exp", "acr", "amr"}

// record writes the decision's log line and queues its request event.
func (a *Authorizer) record(snap *snapshot, d *decision) {
	a.logDecision(d)
	if a.o.NoAnalytics {
		return
	}
	r := d.request
	e := waist.RequestEvent{
		DecisionID: d.id, Time: d.started, Revision: d.revision, Reason: d.verdict.reason,
		DurationMS: d.duration.Milliseconds(), DurationUS: d.duration.Microseconds(),
		UserAgent: short(r.userAgent, 256), XForwardedFor: short(first(valuesOf(r.headers, "X-Forwarded-For")), 256),
		XRealIP: short(r.sourceIP, 64), Method: r.method, Path: short(r.template, 512),
		GroupID: waist.GroupID(r.apiID, r.stage), TokenHash: r.credential.hash(), RequestID: short(r.id, 64),
		Result: waist.Validation{Result: waist.ResultUnauthorized, Failure: d.facts.policy.Failures, Recovery: d.facts.policy.Recovery},
	}
	if d.verdict.allow {
		e.Result.Result = waist.ResultAuthorized
	}
	if d.group != nil && d.group.id != "" {
		e.GroupID = d.group.id
	}
	if d.api != nil {
		e.APIID, e.PolicyID, e.Path = d.api.ID, d.api.PolicyID, d.api.Path
	}
	for _, name := range recordedClaims {
		if v, there := d.claims[name]; there {
			if e.InvocationCtx == nil {
				e.InvocationCtx = make(map[string]any, len(recordedClaims))
			}
			e.InvocationCtx[name] = v
		}
	}
	e.Output = recordedOutput(d.facts.policy.Output)
	perSecond := 0
	if snap != nil {
		perSecond = snap.cfg.EventsPerSecond
	}
	a.queue.add(e, perSecond)
}

// Bounds of what a policy may say in a request event.
const (
	maxOutputs     = 16
	maxOutputName  = 64
	maxOutputValue = 256
)

// recordedOutput is what a policy says besides its decision, as far as it is text: the first few by name, cut in length.
func recordedOutput(output map[string]any) map[string]string {
	var out map[string]string
	for _, name := range slices.Sorted(maps.Keys(output)) {
		value, isText := output[name].(string)
		if !isText || len(name) > maxOutputName {
			continue
		}
		if len(out) == maxOutputs {
			break
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = short(value, maxOutputValue)
	}
	return out
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func short(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "")
	}
	return s
}

// AfterAnswer does what can wait until the answer has left: refresh the configuration before it is due, send request
// events, put the compiled policies in order. The extension calls it; ctx ends before the invocation's deadline.
func (a *Authorizer) AfterAnswer(ctx context.Context) {
	a.fresh.refreshEarly(ctx)
	if a.queue.due(flushBurst) {
		a.queue.flush(ctx)
	}
	a.settle(ctx)
}

// settle lets the policies in use settle. What takes longer than ctx allows goes on beside later requests.
func (a *Authorizer) settle(ctx context.Context) {
	a.fresh.mu.Lock()
	snap := a.fresh.snap
	a.fresh.mu.Unlock()
	if snap == nil || !snap.policies.Unsettled() {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		snap.policies.Settle()
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Background does the work of AfterAnswer on a timer, until ctx ends: for environments that serve several invocations at
// a time and are never frozen (Lambda Managed Instances), where the Extensions API has no INVOKE events.
func (a *Authorizer) Background(ctx context.Context) {
	a.HasExtension()
	go func() {
		t := time.NewTicker(flushEvery / 2)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				a.AfterAnswer(ctx)
			case <-ctx.Done():
				return
			}
		}
	}()
}

// HasExtension tells the Authorizer that AfterAnswer is called by an extension, so that no answer waits for a flush.
func (a *Authorizer) HasExtension() { a.afterAnswer = true }

// Flush sends the queued request events at once, for the end of the environment.
func (a *Authorizer) Flush(ctx context.Context) { a.queue.flush(ctx) }

// flushInline is the fall-back where no extension runs: at most once a second an answer waits for a push, not longer
// than half a second.
func (a *Authorizer) flushInline(ctx context.Context) {
	if !a.queue.due(1) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	a.queue.flush(ctx)
}

// logDecision writes one line per decision at debug; at info, a sample of them.
func (a *Authorizer) logDecision(d *decision) {
	ctx := context.Background()
	level := slog.LevelDebug
	if !a.log.Enabled(ctx, level) {
		level = slog.LevelInfo
		if !a.log.Enabled(ctx, level) || !a.logs.take(d.started) {
			return
		}
	}
	result := "DENIED"
	if d.verdict.allow {
		result = "AUTHORIZED"
	}
	r := d.request
	attrs := []slog.Attr{
		slog.String("decision_id", d.id), slog.String("status", result), slog.String("reason", d.verdict.reason),
		slog.String("api_id", r.apiID), slog.String("stage", r.stage), slog.String("method", r.method),
		slog.String("resource", short(r.template, 256)), slog.Int64("revision", d.revision), slog.Int64("us", d.duration.Microseconds()),
	}
	if d.api != nil {
		attrs = append(attrs, slog.String("api", d.api.ID), slog.String("policy_id", d.api.PolicyID))
	}
	if r.id != "" {
		attrs = append(attrs, slog.String("request_id", short(r.id, 64)))
	}
	a.log.LogAttrs(ctx, level, "decision", attrs...)
}

// sampler lets a few lines a second through.
type sampler struct {
	mu     sync.Mutex
	second int64
	taken  int
}

const linesPerSecond = 10

func (s *sampler) take(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := now.Unix(); n != s.second {
		s.second, s.taken = n, 0
	}
	s.taken++
	return s.taken <= linesPerSecond
}
