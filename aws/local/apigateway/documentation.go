package apigateway

import (
	"encoding/json"
	"maps"
	"slices"

	"portcullis/aws/local/wire"
)

// documentation is what an API says about itself: parts as they are being edited, and the versions that were made of
// them. Exports carry neither, so a version is no more than its name here.
type documentation struct {
	parts    map[string]*documentationPart    // :: part id → part
	versions map[string]*documentationVersion // :: version → description
}

type documentationPart struct {
	ID         string                `json:"id"`
	Location   documentationLocation `json:"location"`
	Properties string                `json:"properties"` // JSON
}

// documentationLocation says what a part is about. It is a value, and no two parts of an API have the same.
type documentationLocation struct {
	Type       string `json:"type"`
	Path       string `json:"path,omitempty"`
	Method     string `json:"method,omitempty"`
	StatusCode string `json:"statusCode,omitempty"`
	Name       string `json:"name,omitempty"`
}

type documentationVersion struct {
	Version     string `json:"version"`
	CreatedDate int64  `json:"createdDate"`
	Description string `json:"description,omitempty"`
}

const (
	badDocumentationPart    = "Invalid Documentation part identifier specified"
	badDocumentationVersion = "Invalid Documentation version identifier specified"
	maxDocumentationParts   = 2000 // per API: "Amazon API Gateway quotas"
)

var documentationTypes = []string{"API", "AUTHORIZER", "MODEL", "RESOURCE", "METHOD", "PATH_PARAMETER", "QUERY_PARAMETER", "REQUEST_HEADER", "REQUEST_BODY", "RESPONSE", "RESPONSE_HEADER", "RESPONSE_BODY"}

// add takes a part whose location is free. The defaults of a location are those of the API reference.
func (d *documentation) add(p *documentationPart) error {
	if !slices.Contains(documentationTypes, p.Location.Type) {
		return badRequest("Invalid documentation part type specified: " + p.Location.Type)
	}
	if !json.Valid([]byte(p.Properties)) {
		return badRequest("Invalid documentation properties specified: they must be a JSON text")
	}
	p.Location = p.Location.complete()
	if d.at(p.Location) != nil {
		return conflict("Documentation part already exists for the specified location: type '" + p.Location.Type + "'.")
	}
	if err := full(len(d.parts), maxDocumentationParts, "documentation parts for this API"); err != nil {
		return err
	}
	if d.parts == nil {
		d.parts = map[string]*documentationPart{}
	}
	p.ID = freshID(6, func(id string) bool { return d.parts[id] != nil })
	d.parts[p.ID] = p
	return nil
}

// complete fills in what a location of its type has when it is not said: the path "/", any method, any status.
func (l documentationLocation) complete() documentationLocation {
	if slices.Contains([]string{"API", "AUTHORIZER", "MODEL"}, l.Type) {
		return l
	}
	if l.Path == "" {
		l.Path = "/"
	}
	if l.Method == "" && l.Type != "RESOURCE" {
		l.Method = "*"
	}
	if l.StatusCode == "" && slices.Contains([]string{"RESPONSE", "RESPONSE_HEADER", "RESPONSE_BODY"}, l.Type) {
		l.StatusCode = "*"
	}
	return l
}

func (d *documentation) at(l documentationLocation) *documentationPart {
	for _, p := range d.parts {
		if p.Location == l {
			return p
		}
	}
	return nil
}

func (s *Service) createDocumentationPart(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	p := &documentationPart{}
	if err := q.decode(p); err != nil {
		return nil, err
	}
	if err := a.documentation.add(p); err != nil {
		return nil, err
	}
	return p, nil
}

func (s *Service) getDocumentationParts(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	if status := q.query.Get("locationStatus"); status == "UNDOCUMENTED" {
		return nil, wire.NotImplemented("apigateway", "GetDocumentationParts with locationStatus "+status)
	}
	found := map[string]*documentationPart{}
	for id, p := range a.documentation.parts {
		matches := func(name, value string) bool { w := q.query.Get(name); return w == "" || w == value }
		if matches("type", p.Location.Type) && matches("path", p.Location.Path) && matches("name", p.Location.Name) {
			found[id] = p
		}
	}
	return page(q, found, same)
}

func (q *request) documentationPart() (*api, *documentationPart, error) {
	a, err := q.api()
	if err != nil {
		return nil, nil, err
	}
	p := a.documentation.parts[q.params["part_id"]]
	if p == nil {
		return nil, nil, notFound(badDocumentationPart)
	}
	return a, p, nil
}

func (s *Service) getDocumentationPart(q *request) (any, error) {
	_, p, err := q.documentationPart()
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (s *Service) updateDocumentationPart(q *request) (any, error) {
	a, old, err := q.documentationPart()
	if err != nil {
		return nil, err
	}
	p := clone(old)
	if err := q.patch([]patchRule{setString("/properties", &p.Properties)}); err != nil {
		return nil, err
	}
	if !json.Valid([]byte(p.Properties)) {
		return nil, badRequest("Invalid documentation properties specified: they must be a JSON text")
	}
	a.documentation.parts[p.ID] = p
	return p, nil
}

func (s *Service) deleteDocumentationPart(q *request) (any, error) {
	a, p, err := q.documentationPart()
	if err != nil {
		return nil, err
	}
	delete(a.documentation.parts, p.ID)
	return nil, nil
}

// importDocumentationParts reads the extension x-amazon-apigateway-documentation of an OpenAPI document. It works on a copy.
func (s *Service) importDocumentationParts(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	doc, err := parseDocument(q.Body)
	if err != nil {
		return nil, badRequest("Unable to parse API definition because of a malformed document: " + err.Error())
	}
	list, _ := object(doc, "x-amazon-apigateway-documentation")["documentationParts"].([]any)
	work := documentation{parts: map[string]*documentationPart{}}
	if q.query.Get("mode") != "overwrite" {
		work.parts = maps.Clone(a.documentation.parts)
	}
	ids, warnings := []string{}, []string{}
	for _, item := range list {
		var in struct {
			Location   documentationLocation `json:"location"`
			Properties json.RawMessage       `json:"properties"`
		}
		b, err := json.Marshal(item)
		if err == nil {
			err = json.Unmarshal(b, &in)
		}
		if err != nil {
			warnings = append(warnings, "A documentation part could not be read: "+err.Error())
			continue
		}
		p := &documentationPart{Location: in.Location, Properties: string(in.Properties)}
		if known := work.at(in.Location.complete()); known != nil { // merge: the document has the last word
			p.ID, p.Location = known.ID, known.Location
			work.parts[p.ID] = p
		} else if err := work.add(p); err != nil {
			warnings = append(warnings, err.Error())
			continue
		}
		ids = append(ids, p.ID)
	}
	if len(warnings) > 0 && q.query.Get("failonwarnings") == "true" {
		return nil, badRequest("Warnings found during import: " + warnings[0])
	}
	a.documentation.parts = work.parts
	return map[string]any{"ids": ids, "warnings": warnings}, nil
}

// createDocumentationVersion makes a version; with a stage name, the stage shows it.
func (s *Service) createDocumentationVersion(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	var in struct {
		Version     string `json:"documentationVersion"`
		StageName   string `json:"stageName"`
		Description string `json:"description"`
	}
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	d := &a.documentation
	switch {
	case in.Version == "":
		return nil, badRequest("Documentation version must be non-empty")
	case d.versions[in.Version] != nil:
		return nil, conflict("Documentation version already exists: " + in.Version)
	case len(d.parts) == 0:
		return nil, badRequest("The REST API doesn't contain any documentation parts")
	case in.StageName != "" && a.stages[in.StageName] == nil:
		return nil, notFound(badStage)
	}
	if err := full(len(d.versions), maxItems, "documentation versions for this API"); err != nil {
		return nil, err
	}
	v := &documentationVersion{Version: in.Version, Description: in.Description, CreatedDate: s.opt.Now().Unix()}
	if d.versions == nil {
		d.versions = map[string]*documentationVersion{}
	}
	d.versions[v.Version] = v
	if in.StageName != "" {
		st := clone(a.stages[in.StageName])
		st.DocumentationVer = v.Version
		a.stages[in.StageName] = st
	}
	return v, nil
}

func (s *Service) getDocumentationVersions(q *request) (any, error) {
	a, err := q.api()
	if err != nil {
		return nil, err
	}
	return page(q, a.documentation.versions, same)
}

func (q *request) documentationVersion() (*api, *documentationVersion, error) {
	a, err := q.api()
	if err != nil {
		return nil, nil, err
	}
	v := a.documentation.versions[q.params["doc_version"]]
	if v == nil {
		return nil, nil, notFound(badDocumentationVersion)
	}
	return a, v, nil
}

func (s *Service) getDocumentationVersion(q *request) (any, error) {
	_, v, err := q.documentationVersion()
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (s *Service) updateDocumentationVersion(q *request) (any, error) {
	a, v, err := q.documentationVersion()
	if err != nil {
		return nil, err
	}
	n := *v
	if err := q.patch([]patchRule{setString("/description", &n.Description)}); err != nil {
		return nil, err
	}
	a.documentation.versions[n.Version] = &n
	return &n, nil
}

func (s *Service) deleteDocumentationVersion(q *request) (any, error) {
	a, v, err := q.documentationVersion()
	if err != nil {
		return nil, err
	}
	for _, st := range a.stages {
		if st.DocumentationVer == v.Version {
			return nil, badRequest("Documentation version " + v.Version + " is used by stage " + st.StageName + " and must be removed from it first")
		}
	}
	delete(a.documentation.versions, v.Version)
	return nil, nil
}
