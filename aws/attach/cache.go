package attach

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"portcullis/aws/discover"
	"portcullis/aws/signed"
	"portcullis/edge/waist"
)

// Our authorizer keeps nothing at API Gateway unless it is told that it may. One authorizer serves all stages of a REST
// API, so the most careful of its bound stages decides; the cache itself is per stage. Settings reach a stage with its
// deployment: until then the report says "deploy", and the stage's cache is emptied at every run.

// Key is by what API Gateway may keep answers. The zero value keeps nothing.
type Key int

// The keys.
const (
	KeyNone    Key = iota
	KeyRequest     // the token and what is asked for
	KeyToken       // the token alone
)

// Identity sources of the two keys. All of them are there in every request but Authorization; without that, API Gateway
// answers 401 by itself. resourcePath tells apart what two custom domains call by the same path.
const (
	sourceToken   = "method.request.header.Authorization"
	sourceRequest = sourceToken + ",context.httpMethod,context.path,context.resourcePath"
)

// Caching says what may be kept of the answers for one API group, and why.
type Caching struct {
	Key   Key
	Why   string
	Known func(verb, path string) bool // with KeyToken: whether the configuration has the method
}

// MaxTTL is API Gateway's limit, in seconds.
const MaxTTL = 3600

// kept says in words what a key allows.
var kept = [...]string{"no answer may be kept", "answers may be kept by token, method and path", "answers may be kept by token alone"}

// cacheOf decides how our authorizer of a REST API keeps answers. notes say why, stage by stage; also where a TTL of 0
// keeps nothing, if the caller gives w.Caching all the same.
func cacheOf(api *discover.API, w *Wanted, ttl int) (c discover.Cache, notes []string) {
	if w.Caching == nil {
		return discover.Cache{}, nil
	}
	key, most, off := KeyToken, KeyNone, ""
	if ttl <= 0 {
		off = " (AWS_AUTHORIZER_TTL is 0: none are kept)"
	}
	for i := range api.Stages {
		s := &api.Stages[i]
		id := waist.GroupID(api.ID, s.Name)
		if s.DeploymentID == "" || !w.Bound[id] {
			continue // an unbound stage denies everything, and so does a cache
		}
		g := w.Caching[id]
		if g.Key == KeyToken {
			if at := unknownMethod(s, g.Known); at != "" {
				g = Caching{Key: KeyRequest, Why: at + " is not in the configuration yet"}
			}
		}
		key, most = min(key, g.Key), max(most, g.Key)
		notes = append(notes, fmt.Sprintf("%s/%s: %s: %s%s", api.Name, s.Name, kept[g.Key], g.Why, off))
	}
	if len(notes) > 1 && key != most {
		notes = append(notes, fmt.Sprintf("%s: its stages share one authorizer, so the most careful of them decides for all: %s", api.Name, kept[key]))
	}
	switch {
	case ttl <= 0 || key == KeyNone || len(notes) == 0:
		return discover.Cache{}, notes
	case key == KeyToken:
		return discover.Cache{TTL: min(ttl, MaxTTL), IdentitySource: sourceToken}, notes
	}
	return discover.Cache{TTL: min(ttl, MaxTTL), IdentitySource: sourceRequest}, notes
}

// unknownMethod finds a deployed method behind an authorizer of which the configuration knows nothing: its Deny must not
// be kept for the others.
func unknownMethod(s *discover.Stage, known func(verb, path string) bool) string {
	for _, path := range slices.Sorted(maps.Keys(s.Deployed)) {
		for _, verb := range slices.Sorted(maps.Keys(s.Deployed[path])) {
			if s.Deployed[path][verb] == "CUSTOM" && (known == nil || !known(verb, path)) {
				return verb + " " + path
			}
		}
	}
	return ""
}

func sameCache(a, b discover.Cache) bool {
	return a.TTL == b.TTL && (a.TTL == 0 || slices.Equal(sources(a), sources(b)))
}

func sources(c discover.Cache) []string {
	list := strings.Split(c.IdentitySource, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	slices.Sort(list)
	return list
}

// edited is how an authorizer keeps answers in the edited API.
func edited(a *discover.Authorizer) discover.Cache {
	c := discover.Cache{TTL: 300, IdentitySource: a.IdentitySource}
	if a.TTL != nil {
		c.TTL = *a.TTL
	}
	return c
}

// mark notes in a tag that answers of this REST API are kept from now on. It comes before the authorizer's TTL: without
// the tag a later run would not know which caches to empty.
func (a *Attacher) mark(ctx context.Context, api *discover.API) error {
	if api.Tags[discover.TagCaching] != "" {
		return nil
	}
	if err := a.Client.Do(ctx, a.call("TagResource", http.MethodPut, a.tagPath(api), map[string]any{"tags": map[string]string{discover.TagCaching: "true"}}), nil); err != nil {
		return err
	}
	if api.Tags == nil {
		api.Tags = map[string]string{}
	}
	api.Tags[discover.TagCaching] = "true"
	return nil
}

func (a *Attacher) unmark(ctx context.Context, api *discover.API) error {
	call := a.call("UntagResource", http.MethodDelete, a.tagPath(api), nil)
	call.Query = url.Values{"tagKeys": {discover.TagCaching}}
	if err := a.Client.Do(ctx, call, nil); err != nil {
		return err
	}
	delete(api.Tags, discover.TagCaching)
	return nil
}

// flushed is what a stage's cache was last emptied for.
type flushed struct {
	revision int64
	times    int
}

// flushTwice: the first time on seeing a new revision, when other environments may still answer by the one before; the
// second time when none can.
const flushTwice = 2

// settle looks after the caches of the deployed stages of a REST API: which have to be deployed, which to be emptied.
func (a *Attacher) settle(ctx context.Context, p *Plan, w *Wanted, rep *Report) error {
	api := p.API
	marked := api.Tags[discover.TagCaching] != ""
	if !marked && p.Cache.TTL == 0 {
		return nil
	}
	keeping := false
	for i := range api.Stages {
		s := &api.Stages[i]
		if s.DeploymentID == "" {
			continue
		}
		deployed, known := s.Caches[discover.Unqualified(w.FunctionARN)]
		if s.Caches != nil && !known { // the deployment does not ask us
			continue
		}
		keeps := !known || deployed.TTL > 0
		keeping = keeping || keeps
		differs := !known || !sameCache(deployed, p.Cache)
		name := api.Name + "/" + s.Name
		if known && differs {
			rep.Notes = append(rep.Notes, fmt.Sprintf("%s: answers are kept for %d s by (%s), and should be for %d s by (%s): deploy the stage; its cache is emptied at every run until then", name, deployed.TTL, deployed.IdentitySource, p.Cache.TTL, p.Cache.IdentitySource))
			if !slices.Contains(rep.Redeploy, name) {
				rep.Redeploy = append(rep.Redeploy, name)
			}
		}
		if keeps {
			if err := a.flush(ctx, api, s, w.Revision, differs, rep); err != nil {
				return err
			}
		}
	}
	if marked && !keeping && p.Cache.TTL == 0 && a.Apply {
		if err := a.unmark(ctx, api); err != nil {
			if outOfTime(ctx, err) {
				return err
			}
			rep.Problems = append(rep.Problems, fmt.Sprintf("REST API %s (%s): %v", api.Name, api.ID, err))
		}
	}
	return nil
}

// flush empties a stage's cache when the configuration has changed, or always. Its error means that the time ran out.
func (a *Attacher) flush(ctx context.Context, api *discover.API, s *discover.Stage, revision int64, always bool, rep *Report) error {
	id := waist.GroupID(api.ID, s.Name)
	a.mu.Lock()
	last := a.emptied[id]
	a.mu.Unlock()
	if last.revision != revision {
		last = flushed{revision: revision}
	}
	if last.times >= flushTwice && !always {
		return nil
	}
	path := "/restapis/" + url.PathEscape(api.ID) + "/stages/" + url.PathEscape(s.Name) + "/cache/authorizers"
	if err := a.Client.Do(ctx, a.call("FlushStageAuthorizersCache", http.MethodDelete, path, nil), nil); err != nil {
		if outOfTime(ctx, err) {
			return err
		}
		if !signed.IsNotFound(err) {
			rep.Problems = append(rep.Problems, fmt.Sprintf("%s/%s: the kept answers could not be discarded, they go on for up to their TTL: %v", api.Name, s.Name, err))
		}
		return nil
	}
	rep.Flushed++
	last.times++
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.emptied == nil {
		a.emptied = map[string]flushed{}
	}
	a.emptied[id] = last
	return nil
}
