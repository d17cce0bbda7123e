package policy

import (
	"slices"
	"strings"

	"portcullis/edge/waist"
)

// Reads says which parts of the input can change the outcome of a policy. What is not listed cannot: exact for visual
// policies up to what constants decide, never too small for Rego and Cedar. The zero value reads nothing.
type Reads struct {
	All bool `json:"all,omitempty"` // the input as a whole; the other members mean nothing then

	Claims      []string `json:"claims,omitempty"` // top-level claims of authn_ctx
	AllClaims   bool     `json:"all_claims,omitempty"`
	Contexts    []string `json:"contexts,omitempty"` // members of contexts
	AllContexts bool     `json:"all_contexts,omitempty"`

	Method         bool     `json:"method,omitempty"`
	Path           bool     `json:"path,omitempty"`
	Body           bool     `json:"body,omitempty"`
	MTLS           bool     `json:"mtls,omitempty"`
	SourceIP       bool     `json:"source_ip,omitempty"`
	API            bool     `json:"api,omitempty"`     // service, template and tags
	Headers        []string `json:"headers,omitempty"` // lower case
	AllHeaders     bool     `json:"all_headers,omitempty"`
	PathParams     []string `json:"path_params,omitempty"`
	AllPathParams  bool     `json:"all_path_params,omitempty"`
	QueryParams    []string `json:"query_params,omitempty"`
	AllQueryParams bool     `json:"all_query_params,omitempty"`

	Time bool `json:"time,omitempty"` // the decision's clock
}

// TokenOnly reports whether the outcome depends on nothing but the verified token: its claims, and the contexts
// (scopes, client, developer) that follow from them.
func (r Reads) TokenOnly() bool {
	return !r.All && !r.Method && !r.Path && !r.Body && !r.MTLS && !r.SourceIP && !r.API && !r.Time &&
		len(r.Headers) == 0 && !r.AllHeaders && len(r.PathParams) == 0 && !r.AllPathParams &&
		len(r.QueryParams) == 0 && !r.AllQueryParams
}

// List names the parts, sorted: "authn_ctx.sub", "request.headers.x-tenant", "request.method", "time". A "*" stands
// for all members; "*" alone for the whole input.
func (r Reads) List() []string {
	if r.All {
		return []string{"*"}
	}
	var out []string
	group := func(prefix string, names []string, all bool) {
		if all {
			names = []string{"*"}
		}
		for _, n := range names {
			out = append(out, prefix+n)
		}
	}
	group("authn_ctx.", r.Claims, r.AllClaims)
	group("contexts.", r.Contexts, r.AllContexts)
	group("request.headers.", r.Headers, r.AllHeaders)
	group("request.path_params.", r.PathParams, r.AllPathParams)
	group("request.query_params.", r.QueryParams, r.AllQueryParams)
	for _, f := range [...]struct {
		on   bool
		name string
	}{
		{r.Method, "request.method"}, {r.Path, "request.path"}, {r.Body, "request.body"}, {r.MTLS, "request.mtls"},
		{r.SourceIP, "request.source_ip"}, {r.API, "request.api"}, {r.Time, "time"},
	} {
		if f.on {
			out = append(out, f.name)
		}
	}
	slices.Sort(out)
	return out
}

// normalise sorts the lists and drops doubles and what an All… covers.
func (r *Reads) normalise() {
	if r.All {
		*r = Reads{All: true}
		return
	}
	for _, l := range [...]struct {
		names *[]string
		all   bool
	}{
		{&r.Claims, r.AllClaims}, {&r.Contexts, r.AllContexts}, {&r.Headers, r.AllHeaders},
		{&r.PathParams, r.AllPathParams}, {&r.QueryParams, r.AllQueryParams},
	} {
		if l.all || len(*l.names) == 0 {
			*l.names = nil
			continue
		}
		slices.Sort(*l.names)
		*l.names = slices.Compact(*l.names)
	}
}

func (r *Reads) merge(o Reads) {
	r.All = r.All || o.All
	r.Claims, r.AllClaims = append(r.Claims, o.Claims...), r.AllClaims || o.AllClaims
	r.Contexts, r.AllContexts = append(r.Contexts, o.Contexts...), r.AllContexts || o.AllContexts
	r.Headers, r.AllHeaders = append(r.Headers, o.Headers...), r.AllHeaders || o.AllHeaders
	r.PathParams, r.AllPathParams = append(r.PathParams, o.PathParams...), r.AllPathParams || o.AllPathParams
	r.QueryParams, r.AllQueryParams = append(r.QueryParams, o.QueryParams...), r.AllQueryParams || o.AllQueryParams
	r.Method, r.Path, r.Body = r.Method || o.Method, r.Path || o.Path, r.Body || o.Body
	r.MTLS, r.SourceIP, r.API, r.Time = r.MTLS || o.MTLS, r.SourceIP || o.SourceIP, r.API || o.API, r.Time || o.Time
	r.normalise()
}

func (r *Reads) addClaim(name string, named bool) {
	if !named {
		r.AllClaims = true
		return
	}
	r.Claims = append(r.Claims, name)
}

func (r *Reads) addContext(name string, named bool) {
	if !named {
		r.AllContexts = true
		return
	}
	r.Contexts = append(r.Contexts, name)
}

// addRequest adds request.<second>.<third>; not named means that the part is not a constant or not there. A member
// that does not exist reads nothing: it is absent in every input.
func (r *Reads) addRequest(second string, ok bool, third string, named bool) {
	if !ok {
		r.Method, r.Path, r.Body, r.MTLS, r.SourceIP, r.API = true, true, true, true, true, true
		r.AllHeaders, r.AllPathParams, r.AllQueryParams = true, true, true
		return
	}
	switch second {
	case "method":
		r.Method = true
	case "path":
		r.Path = true
	case "body":
		r.Body = true
	case "mtls":
		r.MTLS = true
	case "source_ip":
		r.SourceIP = true
	case "service", "template", "tags":
		r.API = true
	case "headers":
		if !named {
			r.AllHeaders = true
		} else {
			r.Headers = append(r.Headers, strings.ToLower(third))
		}
	case "path_params":
		if !named {
			r.AllPathParams = true
		} else {
			r.PathParams = append(r.PathParams, third)
		}
	case "query_params":
		if !named {
			r.AllQueryParams = true
		} else {
			r.QueryParams = append(r.QueryParams, third)
		}
	}
}

// Inputs says which parts of the input can change the outcome of p. others finds the policies it embeds; nil, or one
// that is not found, makes no difference to the reads: a policy that cannot be evaluated denies whatever the input.
// A policy that does not compile reads nothing: it always denies.
func Inputs(p waist.Policy, others func(id string) (waist.Policy, bool)) Reads {
	seen := map[string]bool{p.ID: true}
	return inputs(p, func(id string) (waist.Policy, bool) {
		if others == nil || seen[id] { // what a policy reads counts once, also when it is embedded twice or in itself
			return waist.Policy{}, false
		}
		seen[id] = true
		return others(id)
	})
}

// Inputs is Inputs for a policy of the set; it reports false when there is none with this id.
func (s *Set) Inputs(policyID string) (Reads, bool) {
	if s == nil {
		return Reads{}, false
	}
	e, ok := s.entries[policyID]
	if !ok {
		return Reads{}, false
	}
	e.compile()
	switch {
	case e.err != "": // always denies
		return Reads{}, true
	case e.cedar != nil:
		return e.cedar.reads, true
	case e.policy.Language == waist.LanguageRego:
		if p := s.rego.get(policyID); p != nil && p.err == "" {
			return p.reads, true
		}
		return Reads{}, true
	}
	return Inputs(e.policy, s.lookup), true
}

func (s *Set) lookup(id string) (waist.Policy, bool) {
	e, ok := s.entries[id]
	if !ok {
		return waist.Policy{}, false
	}
	return e.policy, true
}

func inputs(p waist.Policy, others lookup) Reads {
	var r Reads
	var ps problems
	switch p.Language {
	case waist.LanguageVisual:
		v := compileVisual(p.Validators, &ps)
		if ps.failed() {
			return Reads{}
		}
		readSteps(&r, v.steps, yes, others)
	case waist.LanguageRego:
		if c := compileRego([]waist.Policy{p}, regoOptions{})[p.ID]; c.err == "" {
			return c.reads
		}
	case waist.LanguageCedar:
		c := compileCedar(p.Definition, &ps)
		if ps.failed() {
			return Reads{}
		}
		return c.reads
	}
	r.normalise()
	return r
}

// readSteps adds what an AND (unit yes) or OR (unit no) of steps reads: nothing when constants decide it.
func readSteps(r *Reads, steps []namedStep, unit outcome, others lookup) {
	if _, ok := foldSteps(steps, unit); ok {
		return
	}
	for i := range steps {
		if _, ok := steps[i].constant(); !ok {
			steps[i].reads(r, others)
		}
	}
}

func (f *field) reads(r *Reads) {
	switch f.root {
	case rootClaims:
		r.addClaim(f.path[0].name, true)
	case rootContexts:
		r.addContext(f.path[0].name, true)
	case rootMethod:
		r.Method = true
	case rootPath:
		r.Path = true
	case rootBody:
		r.Body = true
	case rootMTLS:
		r.MTLS = true
	case rootSourceIP:
		r.SourceIP = true
	case rootService, rootTemplate, rootTags:
		r.API = true
	case rootHeader:
		r.Headers = append(r.Headers, strings.ToLower(f.path[0].name))
	case rootPathParam:
		r.PathParams = append(r.PathParams, f.path[0].name)
	case rootQueryParam:
		r.QueryParams = append(r.QueryParams, f.path[0].name)
	case rootNow:
		r.Time = true
	}
}

func (o *operand) reads(r *Reads) {
	for i := range o.elems {
		if ref := o.elems[i].ref; ref != nil {
			ref.reads(r)
		}
	}
}

func (s *fieldsStep) reads(r *Reads, _ lookup) {
	for i := range s.rows {
		s.rows[i].field.reads(r)
		s.rows[i].right.reads(r)
	}
}

func (s *scopesStep) reads(r *Reads, _ lookup) {
	r.addContext("scopes", true)
	for i := range s.rows {
		if !s.rows[i].dynamic {
			r.addClaim("scp", true)
			r.addClaim("scope", true)
		}
		s.rows[i].right.reads(r)
	}
}

func (s *timeStep) reads(r *Reads, _ lookup) { r.Time = true }

func (g *group) reads(r *Reads, others lookup) {
	if g.op == "any" {
		readSteps(r, g.steps, no, others)
		return
	}
	readSteps(r, g.steps, yes, others)
}

func (b *branch) reads(r *Reads, others lookup) {
	cond, ok := allConstant(b.cond)
	if !ok {
		readSteps(r, b.cond, yes, others)
	}
	if !ok || cond == yes {
		readSteps(r, b.then, yes, others)
	}
	if !ok || cond == no {
		readSteps(r, b.other, yes, others)
	}
}

func (m *embedded) reads(r *Reads, others lookup) {
	if p, ok := others(m.id); ok {
		r.merge(inputs(p, others))
	}
}
