package discover

import (
	"sort"
	"strings"

	"portcullis/edge/waist"
)

// API is one REST API as it was read; or, with a Protocol, one HTTP or WebSocket API.
type API struct {
	ID, Name    string
	Protocol    string // "" for REST; "HTTP", "WEBSOCKET"
	Tags        map[string]string
	Resources   []Resource // edited state
	Stages      []Stage
	Authorizers []Authorizer
}

// Resource is one edited resource. Resources with the same methods share the map: to change one, replace it.
type Resource struct {
	ID, Path string
	Methods  map[string]Method // by verb, "ANY" included
}

// Method is the edited authorization of a method.
type Method struct {
	AuthorizationType string // NONE, AWS_IAM, CUSTOM, COGNITO_USER_POOLS
	AuthorizerID      string
}

// Stage is one stage. Deployed holds the authorization type of every deployed method: path -> verb -> type. URIs holds the
// authorizer URI of the CUSTOM ones where several authorizers have to be told apart; nil means not known.
type Stage struct {
	Name         string
	DeploymentID string
	Deployed     map[string]map[string]string
	// Unsure is true where Deployed is what is edited, and nobody knows what is live.
	Unsure bool
	URIs   map[string]map[string]string
	// Caches are the settings of the deployed authorizers by the function that they call. Only read where TagCaching says
	// that our authorizer may keep answers; nil means not known.
	Caches map[string]Cache
}

// Cache is how long the answers of an authorizer are kept, in seconds, and by what key.
type Cache struct {
	TTL            int
	IdentitySource string
}

// TagCaching marks a REST API some deployment of which may keep our answers. It is written before the authorizer gets a
// TTL, and taken away when no stage has one any more.
const TagCaching = "portcullis:caching"

// Authorizer is one authorizer of a REST API.
type Authorizer struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	Type           string `json:"type"`
	URI            string `json:"authorizerUri"`
	IdentitySource string `json:"identitySource"`
	TTL            *int   `json:"authorizerResultTtlInSeconds"`
}

// Ours reports whether the authorizer calls the function, by any alias or version of it.
func (a *Authorizer) Ours(functionARN string) bool {
	return functionARN != "" && FunctionOf(a.URI) == Unqualified(functionARN)
}

// FunctionOf reads the function from an authorizer URI
// (arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations), without its qualifier.
func FunctionOf(uri string) string {
	_, rest, ok := strings.Cut(uri, "/functions/")
	if !ok {
		return ""
	}
	fn, ok := strings.CutSuffix(rest, "/invocations")
	if !ok {
		return ""
	}
	return Unqualified(fn)
}

// Unqualified drops an alias or version: arn:aws:lambda:{region}:{account}:function:{name}[:{qualifier}].
func Unqualified(arn string) string {
	p := strings.Split(arn, ":")
	if len(p) == 8 && p[0] == "arn" && p[5] == "function" {
		return strings.Join(p[:7], ":")
	}
	return arn
}

// Groups makes the inventory: one group per REST API and stage with a deployment, holding the deployed methods.
func Groups(apis []API, functionARN, region, account string) []waist.APIGroup {
	groups := []waist.APIGroup{}
	for i := range apis {
		a := &apis[i]
		for j := range a.Stages {
			if s := &a.Stages[j]; s.DeploymentID != "" {
				groups = append(groups, group(a, s, functionARN, region, account))
			}
		}
	}
	sort.Slice(groups, func(i, j int) bool { return groups[i].ID < groups[j].ID })
	return groups
}

func group(a *API, s *Stage, functionARN, region, account string) waist.APIGroup {
	g := waist.APIGroup{
		ID: waist.GroupID(a.ID, s.Name), Name: a.Name + "/" + s.Name, APIs: []waist.GatewayAPI{},
		Metadata: waist.GroupMetadata{Type: waist.GatewayTypeAWS, AWS: &waist.AWSMetadata{
			APIID: a.ID, APIName: a.Name, Stage: s.Name, Region: region, Account: account}},
	}
	edited := map[string]map[string]Method{}
	for i := range a.Resources {
		edited[a.Resources[i].Path] = a.Resources[i].Methods
	}
	for path, verbs := range s.Deployed {
		for verb, deployed := range verbs {
			api := waist.GatewayAPI{APIType: "rest", Method: verb, Path: path}
			if m, there := edited[path][verb]; there {
				api.Authorizer = a.InFront(m, functionARN)
				live, known := sameType(m.AuthorizationType, deployed), true
				if api.Authorizer == waist.AuthorizerOurs {
					live, known = a.DeployedOurs(s, path, verb, functionARN)
				}
				if known && !s.Unsure {
					api.Deployed = &live
				}
			} else {
				api.Authorizer = inFrontDeployed(deployed)
			}
			g.APIs = append(g.APIs, api)
		}
	}
	sort.Slice(g.APIs, func(i, j int) bool {
		if g.APIs[i].Path != g.APIs[j].Path {
			return g.APIs[i].Path < g.APIs[j].Path
		}
		return g.APIs[i].Method < g.APIs[j].Method
	})
	return g
}

// InFront says what stands in front of a method in the edited API.
func (a *API) InFront(m Method, functionARN string) string {
	switch m.AuthorizationType {
	case "", "NONE":
		return waist.AuthorizerNone
	case "CUSTOM":
		for i := range a.Authorizers {
			if a.Authorizers[i].ID == m.AuthorizerID && a.Authorizers[i].Ours(functionARN) {
				return waist.AuthorizerOurs
			}
		}
	}
	return waist.AuthorizerOther
}

// inFrontDeployed speaks of a method that is deployed but no longer edited: only its type is known, and CUSTOM does not
// say whose authorizer it is.
func inFrontDeployed(authorizationType string) string {
	switch authorizationType {
	case "", "NONE":
		return waist.AuthorizerNone
	case "CUSTOM":
		return ""
	}
	return waist.AuthorizerOther
}

// sameType compares what is edited with what is deployed, by type: enough for everything but our own authorizer.
func sameType(edited, deployed string) bool {
	if edited == "" {
		edited = "NONE"
	}
	if deployed == "" {
		deployed = "NONE"
	}
	return edited == deployed
}
