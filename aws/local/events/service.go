package events

import (
	"context"
	"log/slog"
	"net/http"
	"sort"
	"sync"
	"time"

	"portcullis/aws/local/wire"
)

// Options of a Service. Invoke is required.
type Options struct {
	Now    func() time.Time // nil: time.Now
	Invoke wire.Invoke
	Logger *slog.Logger
}

// Service is EventBridge of all accounts and regions.
type Service struct {
	now    func() time.Time
	invoke wire.Invoke
	log    *slog.Logger

	mu    sync.Mutex
	rules map[string]*rule // by account/region/name
}

// rule is one rule of the default bus. Guarded by Service.mu.
type rule struct {
	account, region, partition string
	name, description, role    string
	expression                 string
	schedule                   schedule
	disabled                   bool
	next                       time.Time // when a rate rule fires
	last                       time.Time // the last minute a cron rule was looked at
	targets                    []target
}

// target is a Lambda function that a rule invokes. Input, when set, replaces the event.
type target struct {
	Id    string
	Arn   string
	Input string `json:",omitempty"`
}

// Limits of EventBridge.
const (
	maxRules   = 300 // per bus
	maxTargets = 5   // per rule
	maxInput   = 8192
)

// New returns an EventBridge without rules.
func New(o Options) *Service {
	s := &Service{now: o.Now, invoke: o.Invoke, log: o.Logger, rules: map[string]*rule{}}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Reset forgets every rule.
func (s *Service) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = map[string]*rule{}
}

func (r *rule) arn() string {
	return "arn:" + r.partition + ":events:" + r.region + ":" + r.account + ":rule/" + r.name
}

func (r *rule) state() string {
	if r.disabled {
		return "DISABLED"
	}
	return "ENABLED"
}

// call is one request being answered.
type call struct {
	*wire.Call
	s *Service
}

var operations = map[string]func(*call) (any, error){
	"PutRule":             putRule,
	"DescribeRule":        describeRule,
	"ListRules":           listRules,
	"DeleteRule":          deleteRule,
	"EnableRule":          enableRule,
	"DisableRule":         disableRule,
	"PutTargets":          putTargets,
	"ListTargetsByRule":   listTargets,
	"RemoveTargets":       removeTargets,
	"ListTagsForResource": listTags,
}

// ServeAWS answers one AWS-JSON call.
func (s *Service) ServeAWS(w http.ResponseWriter, wc *wire.Call) {
	wire.ServeAWSJSON(w, wc, operations, &call{wc, s}, &s.mu)
}

func invalid(text string) error {
	return &wire.Error{Status: 400, Code: "ValidationException", Message: text}
}

func key(account, region, name string) string { return account + "/" + region + "/" + name }

// sortedRules returns the rules of an account and region by name; the caller holds mu.
func (s *Service) sortedRules(account, region string) []*rule {
	var found []*rule
	for _, r := range s.rules {
		if r.account == account && r.region == region {
			found = append(found, r)
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].name < found[j].name })
	return found
}

// Run fires what is due until ctx ends.
func (s *Service) Run(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			s.Tick(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// Tick fires every rule that is due by now, once, however many times it has been missed.
func (s *Service) Tick(ctx context.Context) {
	now := s.now()
	s.mu.Lock()
	var due []*rule
	for _, r := range s.rules {
		if r.due(now) && !r.disabled {
			due = append(due, r.copy())
		}
	}
	s.mu.Unlock()
	sort.Slice(due, func(i, j int) bool { return due[i].arn() < due[j].arn() })
	for _, r := range due {
		s.fire(ctx, r, now)
	}
}

func (r *rule) copy() *rule {
	c := *r
	c.targets = append([]target(nil), r.targets...)
	return &c
}

// due says whether the rule should have fired by now and moves its clock on. The caller holds mu.
func (r *rule) due(now time.Time) bool {
	if r.schedule.every > 0 {
		if now.Before(r.next) {
			return false
		}
		missed := now.Sub(r.next) / r.schedule.every
		r.next = r.next.Add((missed + 1) * r.schedule.every)
		return true
	}
	minute := now.UTC().Truncate(time.Minute)
	from := r.last.Add(time.Minute)
	if minute.Sub(from) > 24*time.Hour { // a clock that jumped is not walked through minute by minute
		from = minute.Add(-24 * time.Hour)
	}
	hit := false
	for m := from; !m.After(minute); m = m.Add(time.Minute) {
		hit = hit || r.schedule.cron.matches(m)
	}
	if minute.After(r.last) {
		r.last = minute
	}
	return hit
}

// Fire invokes the targets of one rule at once, whatever its schedule. It is the management API's; a disabled rule
// fires too. It returns the request ids of the invocations; the error says that the rule does not exist, or what the
// first target that failed answered.
func (s *Service) Fire(ctx context.Context, account, region, name string) ([]string, error) {
	s.mu.Lock()
	r := s.rules[key(account, region, name)]
	if r != nil {
		r = r.copy()
	}
	s.mu.Unlock()
	if r == nil {
		return nil, notFound(name)
	}
	return s.fire(ctx, r, s.now())
}

// fire invokes the targets of a copied rule asynchronously.
func (s *Service) fire(ctx context.Context, r *rule, now time.Time) (requests []string, first error) {
	for _, t := range r.targets {
		payload := []byte(t.Input)
		if t.Input == "" {
			payload = scheduledEvent(r, now)
		}
		res, err := s.invoke(ctx, wire.Invocation{Function: t.Arn, Principal: "events.amazonaws.com", SourceARN: r.arn(), SourceAccount: r.account, Payload: payload, Async: true})
		if err != nil {
			s.log.Warn("a rule's target could not be invoked", "rule", r.arn(), "target", t.Arn, "error", err)
			if first == nil {
				first = err
			}
			continue
		}
		requests = append(requests, res.RequestID)
	}
	return requests, first
}
