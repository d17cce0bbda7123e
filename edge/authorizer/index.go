package authorizer

import (
	"strings"
	"sync"

	"portcullis/edge/policy"
	"portcullis/edge/waist"
)

// index finds an API by what API Gateway says was matched: REST API and stage, then resource template and verb. A
// look-up makes no allocation.
type index struct {
	groups map[groupKey]*group
}

type groupKey struct{ apiID, stage string }

// group is one bound API group.
type group struct {
	id      string
	service *waist.ConnectedService
	// audiences are what a token for the service may carry in "aud".
	audiences []string
	routes    map[routeKey]*waist.API
	templates func() []template      // for TOKEN events, which carry no template; made on first use
	keys      func(*policy.Set) keys // what the policies read; made on first use
}

type routeKey struct{ method, path string }

// any is the verb of a method that API Gateway serves for every verb without a method of its own.
const anyVerb = "ANY"

// newIndex builds the index. host is the control plane's, for audiences that it does not spell out. Services whose group
// names no REST API and stage are of no use to this authorizer and left out.
func newIndex(cfg *waist.Configuration, host string) *index {
	ix := &index{groups: make(map[groupKey]*group, len(cfg.Services))}
	byService := make(map[string]*group, len(cfg.Services))
	for i := range cfg.Services {
		s := &cfg.Services[i]
		k, ok := keyOf(s)
		if !ok {
			continue
		}
		g := &group{id: s.APIGroupID, service: s, audiences: audiencesOf(cfg, s, host), routes: map[routeKey]*waist.API{}}
		ix.groups[k] = g
		byService[s.ID] = g
	}
	for i := range cfg.APIs {
		a := &cfg.APIs[i]
		if a.APIType != "" && a.APIType != "rest" {
			continue
		}
		if g := byService[a.ServiceID]; g != nil {
			k := routeKey{strings.ToUpper(a.Method), a.Path}
			if before := g.routes[k]; before == nil || a.Position < before.Position {
				g.routes[k] = a
			}
		}
	}
	for _, g := range ix.groups {
		g.keys = keysOnce(g)
		g.templates = sync.OnceValue(func() []template { return compileTemplates(g.routes) })
	}
	return ix
}

// keyOf reads the REST API and stage from the metadata, or from the id that our own inventory gave the group.
func keyOf(s *waist.ConnectedService) (groupKey, bool) {
	if m := s.APIGroupMetadata.AWS; m != nil && m.APIID != "" && m.Stage != "" {
		return groupKey{m.APIID, m.Stage}, true
	}
	api, stage, ok := strings.Cut(s.APIGroupID, "-")
	return groupKey{api, strings.Replace(stage, "~", "$", 1)}, ok && api != "" && stage != ""
}

// audiencesOf is what the control plane says; else the service's own audience; else the one that ACP computes,
// spiffe://{host}/{tenant}/{workspace}/{service}.
func audiencesOf(cfg *waist.Configuration, s *waist.ConnectedService, host string) []string {
	switch {
	case s.Audience != "":
		return []string{s.Audience}
	case s.CustomAudience != "":
		return []string{s.CustomAudience}
	case host != "":
		return []string{"spiffe://" + host + "/" + cfg.TenantID + "/" + cfg.ServerID + "/" + s.ID}
	}
	return nil
}

// find returns the group and the API: the API's specific verb beats ANY. Either may be nil.
func (ix *index) find(apiID, stage, method, path string) (*group, *waist.API) {
	g := ix.groups[groupKey{apiID, stage}]
	if g == nil {
		return nil, nil
	}
	if a := g.routes[routeKey{method, path}]; a != nil {
		return g, a
	}
	return g, g.routes[routeKey{anyVerb, path}]
}
