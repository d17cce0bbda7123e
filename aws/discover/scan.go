package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"portcullis/aws/signed"
)

// Bounds. An account may hold 600 + 600 + 120 REST APIs of 300 resources; both limits can be raised by AWS.
const (
	maxAPIs      = 5000
	maxResources = 20000
	pageSize     = 500
)

// Scanner reads the account. It remembers how far a pass came, so that a function with a short time-out gets through a
// large account in several invocations, and deployment summaries, which never change.
type Scanner struct {
	Client *signed.Client
	// V2 reads HTTP and WebSocket APIs as well.
	V2 bool

	mu      sync.Mutex
	pass    *pass
	last    map[string]API                          // by id, of the last pass
	summary map[string]map[string]map[string]string // "{api}/{deployment}" -> path -> verb -> type
	exports map[string]exported                     // by "{api}/{deployment}"
	sets    sets
}

// pass is one walk through the account.
type pass struct {
	listed   []API // id, name and tags
	next     int   // index of the first one not yet read
	read     []API
	problems []string
	broken   bool // an API could not be read, and it is not known what it held before
}

// Result of a Scan. Unless Complete, APIs is what a former pass found, or nothing.
type Result struct {
	APIs     []API
	Complete bool
	Read     int // APIs read so far in this pass
	Listed   int
	Problems []string
}

// Scan goes on with the pass under way, or starts one. It ends when the pass is complete or the context has no time
// left for the next call; the next Scan goes on there. An error means that nothing could be listed.
func (s *Scanner) Scan(ctx context.Context) (Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pass == nil {
		listed, err := s.list(ctx)
		if err != nil {
			return Result{}, err
		}
		s.pass = &pass{listed: listed}
	}
	p := s.pass
	for p.next < len(p.listed) {
		api, err := s.read(ctx, p.listed[p.next])
		switch {
		case err == nil:
			if before, known := s.last[api.ID]; known && same(&before, &api) {
				api.Tags, api.Resources, api.Authorizers = before.Tags, before.Resources, before.Authorizers
			}
			p.read = append(p.read, api)
		case outOfTime(ctx, err):
			return Result{Read: p.next, Listed: len(p.listed), Problems: p.problems}, nil
		case signed.IsThrottled(err): // as often as was tried: something else needs the account's calls
			problem := fmt.Sprintf("the account's API Gateway takes no more calls for now; the next event goes on: %v", err)
			return Result{Read: p.next, Listed: len(p.listed), Problems: append(slices.Clone(p.problems), problem)}, nil
		case signed.IsNotFound(err): // deleted since it was listed
		default:
			p.fail(s.last, p.listed[p.next], err)
		}
		p.next++
	}
	s.pass = nil
	if len(p.read) == 0 && len(p.problems) > 0 {
		// A role that may list and may not read has lost a permission; it is not one that hides every API on purpose. An
		// empty inventory would take every group away.
		p.broken = true
	}
	s.last = make(map[string]API, len(p.read))
	for _, a := range p.read {
		s.last[a.ID] = a
	}
	s.forget(p.read)
	return Result{APIs: p.read, Complete: !p.broken, Read: p.next, Listed: len(p.listed), Problems: p.problems}, nil
}

// fail keeps what was known of an API that cannot be read now. An API that IAM hides and that was never seen is left
// out: that is how a role limits what is discovered.
func (p *pass) fail(last map[string]API, a API, err error) {
	p.problems = append(p.problems, fmt.Sprintf("%s API %s (%s): %v", cmp.Or(a.Protocol, "REST"), a.Name, a.ID, err))
	if before, known := last[a.ID]; known {
		p.read = append(p.read, before)
	} else if !signed.IsDenied(err) {
		p.broken = true
	}
}

func outOfTime(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// forget drops summaries of deployments that no stage uses any more.
func (s *Scanner) forget(apis []API) {
	used := map[string]bool{}
	for i := range apis {
		for _, st := range apis[i].Stages {
			used[apis[i].ID+"/"+st.DeploymentID] = true
		}
	}
	for k := range s.summary {
		if !used[k] {
			delete(s.summary, k)
		}
	}
	for k := range s.exports {
		if !used[k] {
			delete(s.exports, k)
		}
	}
}

type page[T any] struct {
	Position string `json:"position"`
	Item     []T    `json:"item"`
}

// pages reads a paginated list.
func pages[T any](ctx context.Context, c *signed.Client, call signed.Call, limit int) ([]T, error) {
	var all []T
	query := call.Query
	for position := ""; ; {
		q := url.Values{"limit": {strconv.Itoa(pageSize)}}
		for k, v := range query {
			q[k] = v
		}
		if position != "" {
			q.Set("position", position)
		}
		call.Query = q
		var p page[T]
		if err := c.Do(ctx, call, &p); err != nil {
			return nil, err
		}
		all = append(all, p.Item...)
		if len(all) > limit {
			return nil, fmt.Errorf("%s: more than %d items", call.Operation, limit)
		}
		if p.Position == "" || p.Position == position {
			return all, nil
		}
		position = p.Position
	}
}

func (s *Scanner) get(operation, path string) signed.Call {
	return signed.Call{Service: "apigateway", Operation: operation, Method: http.MethodGet, Path: path, Action: s.Client.APIGatewayAction(http.MethodGet, path)}
}

func (s *Scanner) list(ctx context.Context) ([]API, error) {
	type item struct {
		ID   string            `json:"id"`
		Name string            `json:"name"`
		Tags map[string]string `json:"tags"`
	}
	items, err := pages[item](ctx, s.Client, s.get("GetRestApis", "/restapis"), maxAPIs)
	if err != nil {
		return nil, err
	}
	apis := make([]API, len(items))
	for i, it := range items {
		apis[i] = API{ID: it.ID, Name: it.Name, Tags: it.Tags}
	}
	if !s.V2 {
		return apis, nil
	}
	more, err := s.listV2(ctx)
	return append(apis, more...), err
}

// read fills in stages, deployments, resources and, where a method has a custom authorizer, authorizers.
func (s *Scanner) read(ctx context.Context, a API) (API, error) {
	if a.Protocol != "" {
		return s.readV2(ctx, a)
	}
	base := "/restapis/" + url.PathEscape(a.ID)
	if err := s.stages(ctx, base, &a); err != nil {
		return a, err
	}
	type method struct {
		AuthorizationType string `json:"authorizationType"`
		AuthorizerID      string `json:"authorizerId"`
	}
	type resource struct {
		ID      string            `json:"id"`
		Path    string            `json:"path"`
		Methods map[string]method `json:"resourceMethods"`
	}
	call := s.get("GetResources", base+"/resources")
	call.Query = url.Values{"embed": {"methods"}}
	resources, err := pages[resource](ctx, s.Client, call, maxResources)
	if err != nil {
		return a, err
	}
	paths := map[string]string{} // one text for a path, edited and deployed
	for i := range a.Stages {
		for path := range a.Stages[i].Deployed {
			paths[path] = path
		}
	}
	a.Resources = make([]Resource, 0, len(resources))
	for _, r := range resources {
		methods := make(map[string]Method, len(r.Methods))
		for verb, m := range r.Methods {
			methods[verbName(verb)] = Method(m)
		}
		if path, known := paths[r.Path]; known {
			r.Path = path
		}
		a.Resources = append(a.Resources, Resource{ID: r.ID, Path: r.Path, Methods: s.sets.ofMethods(methods)})
	}
	a.Authorizers, err = pages[Authorizer](ctx, s.Client, s.get("GetAuthorizers", base+"/authorizers"), 1000)
	if err != nil {
		return a, err
	}
	for i := range a.Stages {
		if st := &a.Stages[i]; needsExport(&a, st) || a.Tags[TagCaching] != "" {
			if err := s.export(ctx, base, &a, st); err != nil {
				return a, err
			}
		}
	}
	return a, nil
}

func (s *Scanner) stages(ctx context.Context, base string, a *API) error {
	var list struct {
		Item []struct {
			Name         string `json:"stageName"`
			DeploymentID string `json:"deploymentId"`
			Canary       struct {
				DeploymentID string `json:"deploymentId"`
			} `json:"canarySettings"`
		} `json:"item"`
	}
	if err := s.Client.Do(ctx, s.get("GetStages", base+"/stages"), &list); err != nil {
		return err
	}
	a.Stages = nil
	for _, st := range list.Item {
		stage := Stage{Name: st.Name, DeploymentID: st.DeploymentID}
		gone := false
		for _, id := range []string{st.DeploymentID, st.Canary.DeploymentID} {
			if id == "" {
				continue
			}
			sum, err := s.deployed(ctx, base, a.ID, id)
			if signed.IsNotFound(err) {
				gone = gone || id == st.DeploymentID
				continue
			}
			if err != nil {
				return err
			}
			if stage.Deployed == nil {
				stage.Deployed = sum
			} else {
				stage.Deployed = merge(stage.Deployed, sum)
			}
		}
		if stage.Deployed == nil {
			stage.Deployed = map[string]map[string]string{}
		}
		if !gone {
			a.Stages = append(a.Stages, stage)
		}
	}
	return nil
}

// deployed reads a deployment's summary: path -> verb -> authorization type.
func (s *Scanner) deployed(ctx context.Context, base, apiID, deployment string) (map[string]map[string]string, error) {
	key := apiID + "/" + deployment
	if sum, known := s.summary[key]; known {
		return sum, nil
	}
	var d struct {
		Summary map[string]map[string]struct {
			AuthorizationType string `json:"authorizationType"`
		} `json:"apiSummary"`
	}
	call := s.get("GetDeployment", base+"/deployments/"+url.PathEscape(deployment))
	call.Query = url.Values{"embed": {"apisummary"}}
	if err := s.Client.Do(ctx, call, &d); err != nil {
		return nil, err
	}
	sum := make(map[string]map[string]string, len(d.Summary))
	for path, verbs := range d.Summary {
		types := make(map[string]string, len(verbs))
		for verb, m := range verbs {
			types[verbName(verb)] = m.AuthorizationType
		}
		sum[path] = s.sets.ofTypes(types)
	}
	if s.summary == nil {
		s.summary = map[string]map[string]map[string]string{}
	}
	s.summary[key] = sum
	return sum, nil
}

// merge adds a canary's methods: a part of the stage's traffic meets them. Where both have a method, the weaker
// authorization counts, since some callers get it.
func merge(stage, canary map[string]map[string]string) map[string]map[string]string {
	out := maps.Clone(stage)
	for path, verbs := range canary {
		both := maps.Clone(out[path]) // what was read is shared
		if both == nil {
			both = map[string]string{}
		}
		for verb, t := range verbs {
			if before, there := both[verb]; !there || before != t && (t == "NONE" || t == "") {
				both[verb] = t
			}
		}
		out[path] = both
	}
	return out
}

// verbName maps the OpenAPI spelling of ANY.
func verbName(verb string) string {
	if verb == "x-amazon-apigateway-any-method" {
		return "ANY"
	}
	return verb
}
