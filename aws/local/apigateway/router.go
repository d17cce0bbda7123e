package apigateway

import (
	"net/url"
	"strings"
)

// router finds the method that serves a request. It is built once per deployment and never changes.
type router struct {
	root *node
}

type node struct {
	resource *resource
	literal  map[string]*node
	variable *node // {name}: one segment
	greedy   *node // {name+}: one or more segments
	name     string
}

func newRouter(d *definition) *router {
	root := &node{}
	for _, r := range d.Resources {
		n := root
		if r.Path != "/" {
			for part := range strings.SplitSeq(strings.TrimPrefix(r.Path, "/"), "/") {
				n = n.child(part)
			}
		}
		n.resource = r
	}
	return &router{root: root}
}

func (n *node) child(part string) *node {
	switch {
	case strings.HasSuffix(part, "+}"):
		if n.greedy == nil {
			n.greedy = &node{name: strings.TrimSuffix(strings.TrimPrefix(part, "{"), "+}")}
		}
		return n.greedy
	case strings.HasPrefix(part, "{"):
		if n.variable == nil {
			n.variable = &node{name: strings.TrimSuffix(strings.TrimPrefix(part, "{"), "}")}
		}
		return n.variable
	}
	if n.literal == nil {
		n.literal = map[string]*node{}
	}
	if n.literal[part] == nil {
		n.literal[part] = &node{}
	}
	return n.literal[part]
}

// match is what a request was routed to.
type match struct {
	resource *resource
	method   *method
	params   map[string]string // :: path variable → value, percent-encoding as sent
}

// find resolves the pair of path and verb: a literal beats a variable beats a greedy one, a specific verb beats ANY, and
// a resource without a method for the verb counts as absent, so that the request falls to the most specific greedy
// resource that serves it. path starts with one slash; a trailing slash does not matter.
func (rt *router) find(path, verb string) (match, bool) {
	segs := strings.Split(strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/"), "/")
	if len(segs) == 1 && segs[0] == "" {
		segs = nil
	}
	m := match{params: map[string]string{}}
	if !rt.root.walk(segs, verb, &m) {
		return match{}, false
	}
	return m, true
}

// findExact is find for HTTP APIs, where a trailing slash makes another path.
func (rt *router) findExact(path, verb string) (match, bool) {
	var segs []string
	if p := strings.TrimPrefix(path, "/"); p != "" {
		segs = strings.Split(p, "/")
	}
	m := match{params: map[string]string{}}
	if !rt.root.walk(segs, verb, &m) {
		return match{}, false
	}
	return m, true
}

func (n *node) walk(segs []string, verb string, m *match) bool {
	if len(segs) == 0 {
		if n.resource == nil {
			return false
		}
		if m.method = n.resource.Methods[verb]; m.method == nil {
			m.method = n.resource.Methods["ANY"]
		}
		m.resource = n.resource
		return m.method != nil
	}
	// A literal is compared decoded, so that /p%65ts reaches /pets; %2F stays inside its segment.
	lit, err := url.PathUnescape(segs[0])
	if err != nil {
		lit = segs[0]
	}
	if next := n.literal[lit]; next != nil && next.walk(segs[1:], verb, m) {
		return true
	}
	if n.variable != nil && segs[0] != "" {
		if n.variable.walk(segs[1:], verb, m) {
			m.params[n.variable.name] = segs[0]
			return true
		}
	}
	if n.greedy != nil {
		if n.greedy.walk(nil, verb, m) {
			m.params[n.greedy.name] = strings.Join(segs, "/")
			return true
		}
	}
	return false
}
