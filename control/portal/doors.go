package portal

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"portcullis/control"
	"portcullis/control/analytics"
	"portcullis/edge/waist"
)

// door is one method that callers reach without a policy of ours deciding, as far as the gateway's last report says.
type door struct {
	kind          string // of doorKinds
	method, path  string
	api           string // id; empty when its group is not connected
	service       control.Service
	gateway       control.Gateway
	group         *control.APIGroup // nil for APIs that were made by hand
	policy        string            // name of the policy that is assigned and not enforced
	authorizer    string
	deployed      *bool
	total         analytics.Total
	counted       bool     // its calls pass an authorizer of ours, so that total is known
	misses        []string // protected paths whose near misses ("/pets/", "/PETS") arrive here, at most three
	missesBesides int      // and so many more
}

// The kinds of doors, in the order in which they are told apart and explained.
const (
	doorOpen       = "open"       // connected, no policy
	doorUnenforced = "unenforced" // a policy is assigned, but AWS does not ask us
	doorUnbound    = "unbound"    // the group is not connected to a service
	doorOptions    = "options"    // CORS preflight, left open on purpose
)

var doorKinds = []struct{ name, label, text string }{
	{doorOpen, "Without a policy", "Connected to a service, and nobody has assigned a policy."},
	{doorUnenforced, "Policy not enforced", "A policy is assigned, but API Gateway does not ask our authorizer yet."},
	{doorUnbound, "Group not connected", "The API group has no service, so no policy can be assigned."},
	{doorOptions, "OPTIONS", "CORS preflight requests carry no token; they are left open."},
}

// doorSpan is the time whose traffic orders the doors.
const doorSpan = 7 * 24 * time.Hour

// doors finds every open door of the workspace, the most used first.
func (p *portal) doors(r *request) ([]door, error) {
	services, err := p.admin.ListServiceAPIs(r.ctx(), r.actor, r.wid())
	if err != nil {
		return nil, err
	}
	traffic, err := p.analytics.ByAPI(r.ctx(), r.actor, r.wid(), p.now().Add(-doorSpan))
	if err != nil {
		return nil, err
	}
	var out []door
	for _, s := range services {
		out = append(out, doorsOf(s, traffic)...)
	}
	gateways, err := p.admin.ListGateways(r.ctx(), r.actor, r.wid())
	if err != nil {
		return nil, err
	}
	for _, g := range gateways {
		groups, err := p.admin.ListGroups(r.ctx(), r.actor, g.ID)
		if err != nil {
			return nil, err
		}
		for i := range groups {
			out = append(out, doorsOfGroup(g.Gateway, &groups[i])...)
		}
	}
	rank := func(d door) int {
		return slices.IndexFunc(doorKinds, func(k struct{ name, label, text string }) bool { return k.name == d.kind })
	}
	slices.SortStableFunc(out, func(a, b door) int {
		return cmp.Or(cmp.Compare(b.total.Decisions(), a.total.Decisions()), cmp.Compare(rank(a), rank(b)),
			cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method))
	})
	return out, nil
}

// doorsOf are the open doors of a service.
func doorsOf(s control.ServiceAPIs, traffic map[string]analytics.Total) []door {
	var out []door
	for _, a := range s.APIs {
		if a.Gone {
			continue
		}
		d := door{kind: doorOpen, method: a.Method, path: a.Path, api: a.ID, service: s.Service, group: s.Group, authorizer: a.Authorizer,
			deployed: a.Deployed, total: traffic[a.ID]}
		if s.Gateway != nil {
			d.gateway = *s.Gateway
		}
		d.counted = a.Authorizer == waist.AuthorizerOurs || d.total.Decisions() > 0
		switch {
		case a.PolicyID != "" && !bypassed(a):
			continue
		case a.Method == http.MethodOptions:
			d.kind = doorOptions
		case a.PolicyID != "":
			d.kind, d.policy = doorUnenforced, nameOr(a.PolicyName, a.PolicyID)
		default:
			for _, other := range s.APIs {
				if other.PolicyID == "" || other.Gone || !catches(a.Path, other.Path) {
					continue
				}
				switch {
				case slices.Contains(d.misses, other.Path):
				case len(d.misses) < 3:
					d.misses = append(d.misses, other.Path)
				default:
					d.missesBesides++
				}
			}
		}
		out = append(out, d)
	}
	return out
}

// bypassed reports that a request reaches the backend although a policy is assigned: the gateway reported that something
// other than our authorizer, or nothing, decides at the stage. What was never reported is not known to be bypassed.
func bypassed(a control.APIState) bool {
	switch a.Authorizer {
	case "":
		return false
	case waist.AuthorizerOurs:
		return a.Deployed != nil && !*a.Deployed
	}
	return true
}

// doorsOfGroup are the doors of a group that is not connected: every method but those that our authorizer, which denies
// what is not connected, still stands in front of.
func doorsOfGroup(gw control.Gateway, g *control.APIGroup) []door {
	if g.ServiceID != "" || g.Gone {
		return nil
	}
	var out []door
	for _, a := range g.APIs {
		if a.Authorizer == waist.AuthorizerOurs && (a.Deployed == nil || *a.Deployed) {
			continue
		}
		d := door{kind: doorUnbound, method: a.Method, path: a.Path, gateway: gw, group: g, authorizer: a.Authorizer, deployed: a.Deployed}
		if a.Method == http.MethodOptions {
			d.kind = doorOptions
		}
		out = append(out, d)
	}
	return out
}

// catches reports whether a path template with parameters also matches what another template is meant for, so that a
// request which misses that one — another spelling, a trailing slash, a further segment — arrives here.
func catches(wide, narrow string) bool {
	if wide == narrow || !strings.Contains(wide, "{") {
		return false
	}
	ws, ns := strings.Split(strings.Trim(wide, "/"), "/"), strings.Split(strings.Trim(narrow, "/"), "/")
	for i, w := range ws {
		if strings.HasSuffix(w, "+}") {
			return len(ns) > i
		}
		if i >= len(ns) || w != ns[i] && !strings.HasPrefix(w, "{") {
			return false
		}
	}
	return len(ws) == len(ns)
}

// maxDoors bounds one page.
const maxDoors = 200

// openDoors is APIs › OPEN DOORS.
func (p *portal) openDoors(r *request) error {
	all, err := p.doors(r)
	if err != nil {
		return err
	}
	v := doorsPage{query: clip(strings.TrimSpace(r.query("q")), 128), counts: map[string]int{}, all: len(all)}
	for _, k := range doorKinds {
		if k.name == r.query("kind") {
			v.kind = k.name
		}
	}
	for _, d := range all {
		v.counts[d.kind]++
	}
	list := slices.DeleteFunc(all, func(d door) bool { return v.kind != "" && d.kind != v.kind || !d.says(v.query) })
	v.found = len(list)
	v.list = list[:min(len(list), maxDoors)]
	return r.render(http.StatusOK, doorsView(r.frame("Open doors", "apis"), v))
}

// says reports whether a door has every word of a search.
func (d door) says(query string) bool {
	text := strings.ToLower(d.method + " " + d.path + " " + d.place() + " " + d.policy)
	for _, word := range strings.Fields(strings.ToLower(query)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// place is the service, or the group that has none.
func (d door) place() string {
	if d.api == "" && d.group != nil {
		return d.group.Name
	}
	return d.service.Name
}

func (d door) label() string {
	for _, k := range doorKinds {
		if k.name == d.kind {
			return k.label
		}
	}
	return d.kind
}

// front says in words what stands in front of the method in AWS.
func (d door) front() string {
	switch {
	case d.authorizer == "":
		return "Not reported"
	case d.authorizer == waist.AuthorizerOther:
		return "Another authorizer"
	case d.authorizer == waist.AuthorizerNone:
		return "Nothing"
	case d.deployed != nil && !*d.deployed:
		return "Nothing until Deploy API"
	}
	return "Our authorizer"
}

func (p *portal) openDoorsCSV(r *request) error {
	all, err := p.doors(r)
	if err != nil {
		return err
	}
	rows := [][]string{{"method", "path", "kind", "service_or_group", "in_front", "policy", "allowed_7d", "denied_7d", "also_catches"}}
	for _, d := range all {
		allowed, denied := "", ""
		if d.counted {
			allowed, denied = i64(d.total.Allowed), i64(d.total.Denied)
		}
		rows = append(rows, []string{cell(d.method), cell(d.path), d.kind, cell(d.place()), d.front(), cell(d.policy), allowed, denied, cell(strings.Join(d.misses, " "))})
	}
	return r.sendCSV("open-doors", rows)
}
