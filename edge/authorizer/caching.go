package authorizer

import (
	"context"
	"fmt"
	"net/http"
	"sort"
	"sync"
	"time"

	"portcullis/edge/policy"
	"portcullis/edge/token"
	"portcullis/edge/waist"
)

// API Gateway may keep an answer and use it again: for every request of the stage whose identity sources have the same
// values. Two things keep that from changing a decision. The sync asks Caching what key, if any, is fine enough for a
// stage, and aws/attach sets it; but a key takes effect with a deployment, and policies change without one. Therefore
// an answer itself never grants more than it may, whatever the key: it names exactly what it is for, ends when its token
// does, and where it depends on something that no key holds it ends at once. A key that is too coarse for the policies
// of today then costs requests (403), it opens nothing. docs/decisions/0013 has the reasoning.

// CacheKey is the coarsest key under which the answers of a stage may be kept. The zero value keeps nothing.
type CacheKey int

// The keys, each coarser than the one before.
const (
	CacheNothing CacheKey = iota
	CacheRequest          // Authorization, and what was asked for: verb, path and resource
	CacheToken            // Authorization alone
)

// Caching says what of a stage's answers may be kept, and why not more.
type Caching struct {
	Key CacheKey
	Why string
	// Known reports whether the configuration has the method ("GET", "/pets/{petId}"): answers for the whole stage are
	// not for a stage with methods of which nothing is known.
	Known func(verb, path string) bool
}

// keptOnce is how long an answer is good that may not be used again: API Gateway evaluates it at once, on a clock that
// has full seconds and is not ours.
const keptOnce = 3 * time.Second

// reach is what one answer may cover beyond its own request. The zero value is that request, at this moment.
type reach struct {
	stage bool      // the whole stage: every method has the same policy, and it reads the token only
	open  bool      // no time limit: the answer depends on nothing that passes
	until time.Time // else the answer ends here
}

// reachOf says how far an answer goes. A Deny that is kept denies what it is asked for, and by its silence the rest.
func (a *Authorizer) reachOf(snap *snapshot, d *decision) reach {
	if !a.o.Caching || !d.request.rest || !d.verdict.allow {
		return reach{open: true}
	}
	once := reach{until: d.started.Add(keptOnce)}
	if snap == nil || d.group == nil || d.api == nil {
		return once
	}
	if d.verdict.reason == ReasonOpen {
		return reach{open: true}
	}
	k := d.group.keys(snap.policies)
	if !k.byRequest[d.api.PolicyID] {
		return once
	}
	r := reach{stage: k.wholeStage}
	if d.claims == nil { // an anonymous caller has no key; the answer is for this request
		return once
	}
	var ok bool
	if r.until, ok = token.Expiry(d.claims); !ok {
		return once
	}
	return r
}

// bindsToRequest refuses a token that is bound to a client certificate where answers are kept: the certificate is not in
// the key, and who has stolen the token would be let in by the owner's answer.
func (a *Authorizer) bindsToRequest(snap *snapshot, d *decision) bool {
	if !a.o.Caching || !d.request.rest || d.claims["cnf"] == nil || d.api == nil || d.api.PolicyID == "" {
		return false
	}
	return d.group.keys(snap.policies).byRequest[d.api.PolicyID]
}

// keys is what the policies of a group read, as far as it matters to keys.
type keys struct {
	byRequest  map[string]bool // policy id -> its outcome is decided by token, verb, path and resource
	wholeStage bool            // one policy for every method, decided by the token alone
}

// readsOf says what a policy reads; a policy that is not there reads nothing, since it always denies.
func readsOf(set *policy.Set, id string) policy.Reads {
	r, _ := set.Inputs(id)
	return r
}

// withinRequest reports whether the key "request" holds everything that is read: path parameters, service, template and
// tags follow from the path and the resource.
func withinRequest(r policy.Reads) bool {
	r.Method, r.Path, r.API, r.PathParams, r.AllPathParams = false, false, false, nil, false
	return r.TokenOnly()
}

func makeKeys(g *group, set *policy.Set) keys {
	k := keys{byRequest: map[string]bool{}, wholeStage: len(g.routes) > 0}
	first := ""
	for _, api := range g.routes {
		if api.PolicyID == "" {
			k.wholeStage = false
			continue
		}
		if first == "" {
			first = api.PolicyID
		}
		if _, known := k.byRequest[api.PolicyID]; !known {
			r := readsOf(set, api.PolicyID)
			k.byRequest[api.PolicyID] = withinRequest(r)
			k.wholeStage = k.wholeStage && r.TokenOnly()
		}
		k.wholeStage = k.wholeStage && api.PolicyID == first
	}
	return k
}

// keysOnce makes the keys of a group on first use.
func keysOnce(g *group) func(*policy.Set) keys {
	var once sync.Once
	var k keys
	return func(set *policy.Set) keys {
		once.Do(func() { k = makeKeys(g, set) })
		return k
	}
}

// transient are denies that say nothing of the key; the next request with the same one may well be allowed: an outage, or
// Authorization twice, of which API Gateway takes one value for the key, maybe that of a good token. Where answers are kept
// they must not be, and the only answer that API Gateway does not keep is an error.
var transient = map[string]bool{
	ReasonNoConfig: true, ReasonStale: true, ReasonInternal: true, policy.ReasonTimeout: true,
	string(token.KeysUnavailable): true, string(token.IntrospectionFailed): true, string(token.Ambiguous): true,
}

// Caching says for every bound group what may be kept. It costs a few evaluations per policy; only a sync asks.
func (a *Authorizer) caching(ctx context.Context, snap *snapshot) map[string]Caching {
	out := make(map[string]Caching, len(snap.index.groups))
	proofs := map[string]bool{} // policy id -> it denies anonymous callers, where that follows from the policy alone
	for _, g := range snap.index.groups {
		if a.o.AllowUnknown {
			out[g.id] = Caching{Why: "ENFORCEMENT_ALLOW_UNKNOWN lets anonymous callers in"}
			continue
		}
		out[g.id] = a.cachingOf(ctx, snap, g, proofs)
	}
	return out
}

// cachingOf looks for the first method, in a stable order, that forbids keeping answers.
func (a *Authorizer) cachingOf(ctx context.Context, snap *snapshot, g *group, proofs map[string]bool) Caching {
	routes := make([]routeKey, 0, len(g.routes))
	for k := range g.routes {
		routes = append(routes, k)
	}
	sort.Slice(routes, func(i, j int) bool {
		return routes[i].path < routes[j].path || routes[i].path == routes[j].path && routes[i].method < routes[j].method
	})
	k := g.keys(snap.policies)
	for _, route := range routes {
		api := g.routes[route]
		at := route.method + " " + route.path
		if api.PolicyID == "" {
			return Caching{Why: at + " has no policy: it lets anonymous callers in, and with a cache they need a token"}
		}
		if !k.byRequest[api.PolicyID] {
			return Caching{Why: fmt.Sprintf("%s has policy %s, which reads %v", at, api.PolicyID, outsideKey(readsOf(snap.policies, api.PolicyID)))}
		}
		if !a.deniesAnonymous(ctx, snap, g, api, proofs) {
			return Caching{Why: fmt.Sprintf("%s has policy %s, which may let anonymous callers in, and with a cache they need a token", at, api.PolicyID)}
		}
	}
	c := Caching{Key: CacheRequest, Why: "every policy is decided by the token and what is asked for"}
	if len(routes) == 0 {
		c.Why = "everything is denied"
	}
	if k.wholeStage {
		c = Caching{Key: CacheToken, Why: "every method has the same policy, and it reads the token only",
			Known: func(verb, path string) bool { return g.routes[routeKey{verb, path}] != nil }}
	}
	return c
}

// outsideKey names what a policy reads that no key holds.
func outsideKey(r policy.Reads) []string {
	out := policy.Reads{All: r.All, Body: r.Body, MTLS: r.MTLS, SourceIP: r.SourceIP, Headers: r.Headers, AllHeaders: r.AllHeaders,
		QueryParams: r.QueryParams, AllQueryParams: r.AllQueryParams, Time: r.Time}
	return out.List()
}

// verbs are what an ANY method serves.
var verbs = [...]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

// deniesAnonymous proves that nobody without a token gets in, whatever they ask for. It evaluates the policy without a
// token where all that it reads then can be tried out; of a visual policy, which is an AND, one step that can be tried
// and fails is enough. What cannot be proved counts as not so.
func (a *Authorizer) deniesAnonymous(ctx context.Context, snap *snapshot, g *group, api *waist.API, proofs map[string]bool) bool {
	if proved, known := proofs[api.PolicyID]; known && proved {
		return true
	}
	try := func(set *policy.Set, id string) bool {
		r := readsOf(set, id)
		r.Method, r.API = false, false
		if !r.TokenOnly() {
			return false
		}
		methods := verbs[:]
		if api.Method != anyVerb {
			methods = []string{api.Method}
		}
		for _, m := range methods {
			in := a.policyInput(snap, &decision{request: &request{method: m}, group: g, api: api, started: a.now()})
			if res := set.Evaluate(ctx, id, in); res.Decision != policy.Deny || res.Reason != policy.ReasonDenied && res.Reason != policy.ReasonInvalid && res.Reason != policy.ReasonUnknown {
				return false
			}
		}
		return true
	}
	if try(snap.policies, api.PolicyID) {
		proofs[api.PolicyID] = readsOf(snap.policies, api.PolicyID).TokenOnly()
		return true
	}
	for i := range snap.cfg.Policies {
		p := &snap.cfg.Policies[i]
		if p.ID != api.PolicyID || p.Language != waist.LanguageVisual {
			continue
		}
		for j := range p.Validators {
			step := *p
			step.Validators = p.Validators[j : j+1]
			one := policy.Compile([]waist.Policy{step}, policy.Options{})
			// A step alone may embed policies that are not in this set, which denies for another reason.
			if r := readsOf(one, p.ID); r.TokenOnly() && !embeds(&step) && try(one, p.ID) {
				proofs[p.ID] = true
				return true
			}
		}
	}
	return false
}

// embeds reports whether the policy may ask another one.
func embeds(p *waist.Policy) bool {
	for _, v := range p.Validators {
		switch v.Name {
		case "attributes", "identity-context", "scopes", "false":
		default:
			return true
		}
	}
	return false
}
