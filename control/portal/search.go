package portal

import (
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"portcullis/control"
)

// found is one thing of the workspace that a search has found.
type found struct {
	name, text string
	method     string // of an API
	address    templ.SafeURL
}

// foundKind is what was found of one kind, at most maxFound; more says that there are others.
type foundKind struct {
	title, icon string
	list        []found
	more        int
}

const maxFound = 20

// search looks for every word of the query in names, ids, paths and descriptions of the workspace. It finds only what
// the actor may list anyway.
func (p *portal) search(r *request) error {
	v := searchPage{query: clip(strings.TrimSpace(r.query("q")), 128)}
	words := strings.Fields(strings.ToLower(v.query))
	if len(words) > 0 {
		for _, look := range []func(*request, func(...string) bool) (foundKind, error){findAPIs, findPolicies, findGateways, findApplications, findScopes} {
			k, err := look(r, func(texts ...string) bool {
				all := strings.ToLower(strings.Join(texts, " "))
				for _, w := range words {
					if !strings.Contains(all, w) {
						return false
					}
				}
				return true
			})
			if err != nil {
				return err
			}
			v.n += len(k.list) + k.more
			if len(k.list) > 0 {
				v.kinds = append(v.kinds, k)
			}
		}
	}
	return r.render(http.StatusOK, searchView(r.frame("Search", ""), v))
}

func (k *foundKind) add(x found) {
	if len(k.list) == maxFound {
		k.more++
		return
	}
	k.list = append(k.list, x)
}

// findAPIs looks at services and their APIs.
func findAPIs(r *request, says func(...string) bool) (foundKind, error) {
	k := foundKind{title: "Services and APIs", icon: "gate"}
	services, err := r.p.admin.ListServiceAPIs(r.ctx(), r.actor, r.wid())
	if err != nil {
		return k, err
	}
	at := in(r.wid(), "apis", "authorization")
	for _, s := range services {
		if says(s.Service.Name, s.Service.ID, s.Service.Description) {
			k.add(found{name: s.Service.Name, text: "Service", address: at + "#service-" + pathEscape(s.Service.ID)})
		}
		for _, a := range s.APIs {
			if says(a.Method, a.Path, a.ID, s.Service.Name) {
				k.add(found{name: a.Path, method: a.Method, text: s.Service.Name, address: at + "#api-" + pathEscape(a.ID)})
			}
		}
	}
	return k, nil
}

func findPolicies(r *request, says func(...string) bool) (foundKind, error) {
	k := foundKind{title: "Policies", icon: "shield"}
	list, err := r.p.admin.ListPolicies(r.ctx(), r.actor, r.wid(), nil)
	for _, x := range list {
		if says(x.PolicyName, x.ID, languageName(x.Language)) {
			k.add(found{name: nameOr(x.PolicyName, x.ID), text: languageName(x.Language) + " · " + x.ID, address: in(r.wid(), "policies", x.ID)})
		}
	}
	return k, err
}

// findGateways looks at gateways and their API groups.
func findGateways(r *request, says func(...string) bool) (foundKind, error) {
	k := foundKind{title: "Gateways and API groups", icon: "cloud"}
	list, err := r.p.admin.ListGateways(r.ctx(), r.actor, r.wid())
	if err != nil {
		return k, err
	}
	for _, g := range list {
		if says(g.Name, g.ID, g.ClientID, g.Description) {
			k.add(found{name: g.Name, text: gatewayTypeName(g.Type), address: in(r.wid(), "gateways", g.ID)})
		}
		groups, err := r.p.admin.ListGroups(r.ctx(), r.actor, g.ID)
		if err != nil {
			return k, err
		}
		for _, x := range groups {
			if says(x.Name, x.ID, groupPlace(x)) {
				k.add(found{name: x.Name, text: groupPlace(x), address: in(r.wid(), "gateways", g.ID, "apis")})
			}
		}
	}
	return k, nil
}

func findApplications(r *request, says func(...string) bool) (foundKind, error) {
	k := foundKind{title: "Applications", icon: "app"}
	list, err := r.p.admin.ListClients(r.ctx(), r.actor, r.wid())
	if control.KindOf(err) == control.Forbidden {
		return k, nil
	}
	for _, x := range list {
		if says(x.Name, x.ID, x.Description) {
			k.add(found{name: nameOr(x.Name, x.ID), text: x.ID, address: in(r.wid(), "applications", x.ID)})
		}
	}
	return k, err
}

func findScopes(r *request, says func(...string) bool) (foundKind, error) {
	k := foundKind{title: "Scopes", icon: "key"}
	list, err := r.p.admin.ListScopes(r.ctx(), r.actor, r.wid())
	for _, x := range list {
		if says(x.Name, x.DisplayName, x.Description) {
			k.add(found{name: x.Name, text: x.DisplayName, address: with(in(r.wid(), "scopes"), "edit", x.ID)})
		}
	}
	return k, err
}
