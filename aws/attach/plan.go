package attach

import (
	"fmt"
	"sort"

	"portcullis/aws/discover"
	"portcullis/edge/waist"
)

// Name is the name of the authorizer that is created in each REST API.
const Name = "portcullis"

// Step is one method whose authorization changes.
type Step struct {
	ResourceID, Path, Verb string
	From, To               discover.Method
}

// Plan is what has to happen to one REST API.
type Plan struct {
	API *discover.API
	// Authorizer is the id of our authorizer; empty when it has to be created first. Steps that attach then have an
	// empty To.AuthorizerID.
	Authorizer string
	Create     bool
	// Cache is how our authorizer keeps answers; the zero value is not at all. Repair is true when it exists and is set to
	// something else.
	Cache  discover.Cache
	Repair bool
	Attach []Step
	Detach []Step
	bound  bool // a deployed stage is bound
	// Notes say what was left alone, or will happen, and why.
	Notes []string
	// Caching says stage by stage what API Gateway may keep, and why.
	Caching []string
}

// Empty reports that there is nothing to do.
func (p *Plan) Empty() bool {
	return !p.Create && !p.Repair && len(p.Attach) == 0 && len(p.Detach) == 0
}

// Options of planning.
type Options struct {
	FunctionARN string // whom the authorizer calls, qualified if AWS_AUTHORIZER_ARN is
	// Replace allows to take the place of other authorizers, IAM and Cognito (AWS_REPLACE_AUTHORIZERS).
	Replace bool
	// UnboundStages allows the first attachment to a REST API although a deployed stage of it is not bound
	// (AWS_ATTACH_UNBOUND_STAGES).
	UnboundStages bool
	// Wanted and TTL decide what API Gateway may keep of the answers.
	Wanted *Wanted
	TTL    int
	// Previous is what stood in front of methods before they were replaced: "{resource id}/{verb}" -> method.
	Previous map[string]discover.Method
}

// Make plans one REST API. bound holds the ids of all bound API groups.
//
// Methods are edited per REST API, but groups are bound per stage: whatever is attached reaches every stage with its
// next deployment, and a stage that is not bound denies everything. Therefore the first attachment waits until every
// deployed stage is bound, unless UnboundStages is set; an API that already has our authorizer is kept up to date,
// since detaching would open the bound stage.
func Make(api *discover.API, bound map[string]bool, o Options) Plan {
	p := Plan{API: api}
	var boundStages, unbound []string
	for _, s := range api.Stages {
		switch {
		case s.DeploymentID == "":
		case bound[waist.GroupID(api.ID, s.Name)]:
			boundStages = append(boundStages, s.Name)
		default:
			unbound = append(unbound, s.Name)
		}
	}
	ours := findOurs(api, o.FunctionARN)
	if ours != nil {
		p.Authorizer = ours.ID
	}
	if len(boundStages) == 0 {
		p.detachAll(ours, o)
		return p
	}
	p.bound = true
	if len(unbound) > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%s: stages %v are not bound; they deny every request once they are deployed with the authorizer", api.Name, unbound))
		if !o.UnboundStages && !p.anyAttached(o.FunctionARN) {
			p.Notes = append(p.Notes, fmt.Sprintf("%s: not attached, because stages %v are not bound: bind them, or set AWS_ATTACH_UNBOUND_STAGES=true", api.Name, unbound))
			return p
		}
	}
	if named := findNamed(api); ours == nil && named != nil {
		p.Notes = append(p.Notes, fmt.Sprintf("%s: an authorizer named %q calls another function; not attached. Delete or rename it", api.Name, Name))
		return p
	}
	p.Create = ours == nil
	if o.Wanted != nil {
		p.Cache, p.Caching = cacheOf(api, o.Wanted, o.TTL)
	}
	// With a TTL of 0 an identity source would still turn callers without it away.
	unmarked := p.Cache.TTL > 0 && api.Tags[discover.TagCaching] == ""
	p.Repair = ours != nil && (unmarked || !sameCache(edited(ours), p.Cache) || ours.IdentitySource != "" && p.Cache.TTL == 0)
	p.attachAll(o)
	if len(p.Attach) == 0 && ours == nil { // nothing to put in front of
		p.Create = false
	}
	return p
}

func findNamed(api *discover.API) *discover.Authorizer {
	for i := range api.Authorizers {
		if api.Authorizers[i].Name == Name {
			return &api.Authorizers[i]
		}
	}
	return nil
}

// findOurs is the authorizer of our name that calls our function.
func findOurs(api *discover.API, functionARN string) *discover.Authorizer {
	if a := findNamed(api); a != nil && a.Ours(functionARN) {
		return a
	}
	return nil
}

func (p *Plan) anyAttached(functionARN string) bool {
	found := false
	p.each(func(_ *discover.Resource, _ string, m discover.Method) {
		found = found || p.API.InFront(m, functionARN) == waist.AuthorizerOurs
	})
	return found
}

// each walks through the methods in a stable order.
func (p *Plan) each(visit func(r *discover.Resource, verb string, m discover.Method)) {
	order := make([]int, len(p.API.Resources))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return p.API.Resources[order[i]].Path < p.API.Resources[order[j]].Path })
	for _, i := range order {
		r := &p.API.Resources[i]
		verbs := make([]string, 0, len(r.Methods))
		for v := range r.Methods {
			verbs = append(verbs, v)
		}
		sort.Strings(verbs)
		for _, v := range verbs {
			visit(r, v, r.Methods[v])
		}
	}
}

func (p *Plan) attachAll(o Options) {
	others := 0
	p.each(func(r *discover.Resource, verb string, m discover.Method) {
		if verb == "OPTIONS" { // browsers send preflights without credentials
			return
		}
		front := p.API.InFront(m, o.FunctionARN)
		if front == waist.AuthorizerOurs {
			return
		}
		if front == waist.AuthorizerOther && !o.Replace {
			others++
			return
		}
		p.Attach = append(p.Attach, Step{ResourceID: r.ID, Path: r.Path, Verb: verb, From: m,
			To: discover.Method{AuthorizationType: "CUSTOM", AuthorizerID: p.Authorizer}})
	})
	if others > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%s: %d methods keep the authorization that they have (AWS_REPLACE_AUTHORIZERS=true replaces it)", p.API.Name, others))
	}
}

// detachAll restores every method that has the authorizer of our name. Methods that somebody attached to our function by
// an authorizer of another name are theirs.
func (p *Plan) detachAll(ours *discover.Authorizer, o Options) {
	if ours == nil {
		return
	}
	p.each(func(r *discover.Resource, verb string, m discover.Method) {
		if m.AuthorizationType != "CUSTOM" || m.AuthorizerID != ours.ID {
			return
		}
		to, remembered := o.Previous[r.ID+"/"+verb]
		if !remembered {
			to = discover.Method{AuthorizationType: "NONE"}
		}
		p.Detach = append(p.Detach, Step{ResourceID: r.ID, Path: r.Path, Verb: verb, From: m, To: to})
	})
}

// Redeploy lists the stages ("{API name}/{stage}") whose deployment differs from what is edited now.
func Redeploy(api *discover.API, functionARN string, bound map[string]bool) []string {
	named := findOurs(api, functionARN)
	var out []string
	for i := range api.Stages {
		s := &api.Stages[i]
		if s.DeploymentID == "" {
			continue
		}
		isBound := bound[waist.GroupID(api.ID, s.Name)]
		differs := false
		for j := range api.Resources {
			r := &api.Resources[j]
			for verb, m := range r.Methods {
				deployed, there := s.Deployed[r.Path][verb]
				if !there {
					continue
				}
				switch ours := api.InFront(m, functionARN) == waist.AuthorizerOurs; {
				case ours && isBound:
					// Where it is not known whose authorizer is deployed, saying nothing would be the wrong mistake.
					live, known := api.DeployedOurs(s, r.Path, verb, functionARN)
					differs = differs || !known || !live
				case !ours && named != nil: // detached, and the stage still asks us
					differs = differs || deployed == "CUSTOM" && m.AuthorizationType != "CUSTOM"
				}
			}
		}
		if differs {
			out = append(out, api.Name+"/"+s.Name)
		}
	}
	return out
}
