package apigateway

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

const badResource = "Invalid Resource identifier specified"

var pathPart = regexp.MustCompile(`^[a-zA-Z0-9._\-:$+,@!~'*;=&()%]+$`)
var pathVariable = regexp.MustCompile(`^\{[a-zA-Z0-9._\-:]+\+?\}$`)

// resource returns the API and the resource that the path names. An unknown API is answered like an unknown resource.
func (q *request) resource() (*api, *resource, error) {
	a := q.account.apis[q.params["restapi_id"]]
	if a == nil {
		return nil, nil, notFound(badResource)
	}
	id := q.params["resource_id"]
	if id == "" {
		id = q.params["parent_id"]
	}
	r := a.edited.Resources[id]
	if r == nil {
		return nil, nil, notFound(badResource)
	}
	return a, r, nil
}

// resourceView shows methods in full with embed=methods, else only their verbs with empty bodies.
func (q *request) resourceView(r *resource) any {
	if len(r.Methods) == 0 || slices.Contains(q.embed(), "methods") {
		return r
	}
	verbs := map[string]any{}
	for v := range r.Methods {
		verbs[v] = map[string]any{}
	}
	out := map[string]any{"id": r.ID, "path": r.Path, "resourceMethods": verbs}
	if r.ParentID != "" {
		out["parentId"], out["pathPart"] = r.ParentID, r.PathPart
	}
	return out
}

// embed is the list of the query parameter, given repeatedly or with commas.
func (q *request) embed() []string {
	var out []string
	for _, v := range q.query["embed"] {
		out = append(out, strings.Split(v, ",")...)
	}
	return out
}

func (s *Service) getResources(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	return page(q, a.edited.Resources, q.resourceView)
}

func (s *Service) getResource(q *request) (any, error) {
	_, r, err := q.resource()
	if err != nil {
		return nil, err
	}
	return q.resourceView(r), nil
}

func (s *Service) createResource(q *request) (any, error) {
	a, parent, err := q.resource()
	if err != nil {
		return nil, err
	}
	var in struct {
		PathPart string `json:"pathPart"`
	}
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	r, err := s.addResource(a.edited, parent, in.PathPart)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (s *Service) addResource(d *definition, parent *resource, part string) (*resource, error) {
	if err := checkPathPart(d, parent, part, nil); err != nil {
		return nil, err
	}
	if len(d.Resources) >= s.opt.MaxResources {
		return nil, limitExceeded("Maximum number of resources for this API has been reached. Please contact AWS if you need additional resources for your API.")
	}
	r := &resource{ID: freshID(6, func(id string) bool { return d.Resources[id] != nil }), ParentID: parent.ID, PathPart: part}
	r.Path = joinPath(parent.Path, part)
	d.Resources[r.ID] = r
	return r, nil
}

func joinPath(parent, part string) string { return strings.TrimSuffix(parent, "/") + "/" + part }

// checkPathPart says whether a child of parent may be called part; self is the resource that is being renamed.
func checkPathPart(d *definition, parent *resource, part string, self *resource) error {
	variable := pathVariable.MatchString(part)
	if !variable && !pathPart.MatchString(part) {
		return badRequest("Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.")
	}
	if isGreedy(parent.PathPart) {
		return badRequest("Cannot create a child of a resource with a greedy path variable: " + parent.PathPart)
	}
	for _, r := range d.sortedResources() {
		if r == self || r.ParentID != parent.ID {
			continue
		}
		if r.PathPart == part {
			return conflict("Another resource with the same parent already has this name: " + part)
		}
		if variable && pathVariable.MatchString(r.PathPart) {
			return badRequest("A sibling (" + r.PathPart + ") of this resource already has a variable path part -- only one is allowed")
		}
	}
	return nil
}

func isGreedy(part string) bool { return strings.HasSuffix(part, "+}") }

func (s *Service) updateResource(q *request) (any, error) {
	a, r, err := q.resource()
	if err != nil {
		return nil, err
	}
	d := a.edited
	parentID, part := r.ParentID, r.PathPart
	err = q.patchAs([]patchRule{
		{"/parentId", "replace", func(op patchOp, _ []string) error {
			if r.ParentID == "" {
				parentID = op.Value
				return nil
			}
			p := d.Resources[op.Value]
			if p == nil {
				return notFound(badResource)
			}
			for up := p; up != nil; up = d.Resources[up.ParentID] {
				if up == r {
					return badRequest("Resources cannot be cyclical.")
				}
			}
			parentID = op.Value
			return nil
		}},
		setString("/pathPart", &part),
	}, listedRefusal)
	if err != nil {
		return nil, err
	}
	if r.ParentID == "" {
		if part != "" {
			return nil, badRequest("Root resource cannot update its pathPart.")
		}
		if parentID != "" {
			return nil, badRequest("Root resource cannot update its parentId.")
		}
		return q.resourceView(r), nil
	}
	if err := checkPathPart(d, d.Resources[parentID], part, r); err != nil {
		return nil, err
	}
	r.ParentID, r.PathPart = parentID, part
	d.repath(r)
	return q.resourceView(r), nil
}

// repath rebuilds the paths of r and of everything below it.
func (d *definition) repath(r *resource) {
	r.Path = joinPath(d.Resources[r.ParentID].Path, r.PathPart)
	for _, c := range d.Resources {
		if c.ParentID == r.ID {
			d.repath(c)
		}
	}
}

func (s *Service) deleteResource(q *request) (any, error) {
	a, r, err := q.resource()
	if err != nil {
		return nil, err
	}
	if r.ParentID == "" {
		return nil, badRequest("Cannot delete root resource.")
	}
	a.edited.removeResource(r.ID)
	return nil, nil
}

// removeResource deletes a resource with everything below it.
func (d *definition) removeResource(id string) {
	delete(d.Resources, id)
	for _, c := range slices.Collect(maps.Values(d.Resources)) {
		if c.ParentID == id {
			d.removeResource(c.ID)
		}
	}
}
