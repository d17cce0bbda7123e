package authorizer

import (
	"net/url"
	"sort"
	"strings"

	"portcullis/edge/waist"
)

// template is one resource path of a group with its methods. Only TOKEN events need it: they carry the request path
// inside methodArn and nothing else, so API Gateway's routing has to be repeated here.
type template struct {
	path     string
	segments []string
	methods  map[string]*waist.API
}

func compileTemplates(routes map[routeKey]*waist.API) []template {
	byPath := map[string]map[string]*waist.API{}
	for k, a := range routes {
		if byPath[k.path] == nil {
			byPath[k.path] = map[string]*waist.API{}
		}
		byPath[k.path][k.method] = a
	}
	out := make([]template, 0, len(byPath))
	for p, m := range byPath {
		out = append(out, template{path: p, segments: segments(p), methods: m})
	}
	// More specific first: segment by segment, literal before {param} before {proxy+}; then by text, for a stable order.
	sort.Slice(out, func(i, j int) bool { return moreSpecific(&out[i], &out[j]) })
	return out
}

func moreSpecific(a, b *template) bool {
	for i := 0; i < len(a.segments) && i < len(b.segments); i++ {
		if ra, rb := rank(a.segments[i]), rank(b.segments[i]); ra != rb {
			return ra < rb
		}
	}
	if len(a.segments) != len(b.segments) {
		return len(a.segments) > len(b.segments)
	}
	return a.path < b.path
}

func rank(segment string) int {
	switch {
	case strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "+}"):
		return 2
	case strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}"):
		return 1
	}
	return 0
}

func segments(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// match reports whether the request path, cut into segments, fits the template.
func (t *template) match(request []string) bool {
	for i, s := range t.segments {
		switch r := rank(s); {
		case r == 2:
			return len(request) > i
		case i >= len(request):
			return false
		case r == 0 && s != request[i]:
			return false
		case r == 1 && request[i] == "":
			return false
		}
	}
	return len(request) == len(t.segments)
}

// route repeats API Gateway's choice for a request path: the most specific template that serves the verb (a template
// without the verb is passed over, in favour of a greedy one).
func (g *group) route(method string, request []string) *waist.API {
	templates := g.templates()
	for i := range templates {
		t := &templates[i]
		if !t.match(request) {
			continue
		}
		if a := t.methods[method]; a != nil {
			return a
		}
		if a := t.methods[anyVerb]; a != nil {
			return a
		}
	}
	return nil
}

// routeByPath finds the API of a TOKEN event. What methodArn does with a trailing slash, empty segments and percent
// encoding is not documented, so every reading of the path is tried; unless all of them lead to the same API the path
// is ambiguous.
func (g *group) routeByPath(method, path string) (api *waist.API, ambiguous bool) {
	readings := []string{path, strings.TrimSuffix(path, "/"), squeeze(path)}
	if plain, err := url.PathUnescape(path); err != nil {
		return nil, true
	} else if plain != path {
		readings = append(readings, plain, squeeze(plain))
	}
	for i, r := range readings {
		a := g.route(method, segments(r))
		if i > 0 && a != api {
			return nil, true
		}
		api = a
	}
	for _, s := range segments(squeeze(readings[len(readings)-1])) {
		if s == "." || s == ".." {
			return nil, true
		}
	}
	return api, false
}

// squeeze makes runs of slashes one.
func squeeze(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}
