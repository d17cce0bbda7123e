package discover

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"portcullis/aws/signed"
)

// HTTP and WebSocket APIs (the management API's version 2). They are read into the same model as REST APIs, so that one
// inventory holds all; aws/attach leaves them alone.
//
// What a stage without automatic deployment has deployed cannot be read method by method: for those the edited routes are
// listed, and whether they are live is not reported.

// routeKeys without a path. Of a WebSocket API only $connect asks an authorizer.
const (
	routeDefault = "$default"
	routeConnect = "$connect"
)

func (s *Scanner) getV2(operation, path string) signed.Call {
	return signed.Call{Service: "apigateway", Operation: operation, Method: http.MethodGet, Path: "/v2" + path, Action: s.Client.APIGatewayAction(http.MethodGet, path)}
}

// pagesV2 reads a paginated list.
func pagesV2[T any](ctx context.Context, c *signed.Client, call signed.Call, limit int) ([]T, error) {
	var all []T
	for token := ""; ; {
		call.Query = url.Values{"maxResults": {"500"}}
		if token != "" {
			call.Query.Set("nextToken", token)
		}
		var p struct {
			Items []T    `json:"items"`
			Next  string `json:"nextToken"`
		}
		if err := c.Do(ctx, call, &p); err != nil {
			return nil, err
		}
		all = append(all, p.Items...)
		if len(all) > limit {
			return nil, fmt.Errorf("%s: more than %d items", call.Operation, limit)
		}
		if p.Next == "" || p.Next == token {
			return all, nil
		}
		token = p.Next
	}
}

func (s *Scanner) listV2(ctx context.Context) ([]API, error) {
	type item struct {
		ID       string            `json:"apiId"`
		Name     string            `json:"name"`
		Protocol string            `json:"protocolType"`
		Tags     map[string]string `json:"tags"`
	}
	items, err := pagesV2[item](ctx, s.Client, s.getV2("GetApis", "/apis"), maxAPIs)
	if err != nil {
		return nil, err
	}
	apis := make([]API, len(items))
	for i, it := range items {
		apis[i] = API{ID: it.ID, Name: it.Name, Tags: it.Tags, Protocol: it.Protocol}
	}
	return apis, nil
}

// readV2 fills in routes, stages and authorizers.
func (s *Scanner) readV2(ctx context.Context, a API) (API, error) {
	base := "/apis/" + url.PathEscape(a.ID)
	type route struct {
		Key               string `json:"routeKey"`
		AuthorizationType string `json:"authorizationType"`
		AuthorizerID      string `json:"authorizerId"`
	}
	routes, err := pagesV2[route](ctx, s.Client, s.getV2("GetRoutes", base+"/routes"), maxResources)
	if err != nil {
		return a, err
	}
	byPath := map[string]map[string]Method{}
	deployed := map[string]map[string]string{}
	a.Resources = nil
	for _, r := range routes {
		verb, path, ok := strings.Cut(r.Key, " ")
		switch {
		case a.Protocol == "WEBSOCKET" && r.Key == routeConnect, a.Protocol != "WEBSOCKET" && r.Key == routeDefault:
			verb, path = "ANY", r.Key
		case a.Protocol == "WEBSOCKET" || !ok:
			continue
		}
		if byPath[path] == nil {
			byPath[path], deployed[path] = map[string]Method{}, map[string]string{}
			a.Resources = append(a.Resources, Resource{ID: path, Path: path, Methods: byPath[path]})
		}
		byPath[path][verb] = Method{AuthorizationType: r.AuthorizationType, AuthorizerID: r.AuthorizerID}
		deployed[path][verb] = r.AuthorizationType
	}
	type stage struct {
		Name         string `json:"stageName"`
		DeploymentID string `json:"deploymentId"`
		AutoDeploy   bool   `json:"autoDeploy"`
	}
	stages, err := pagesV2[stage](ctx, s.Client, s.getV2("GetStages", base+"/stages"), 1000)
	if err != nil {
		return a, err
	}
	a.Stages = nil
	for _, st := range stages {
		if st.DeploymentID != "" || st.AutoDeploy && len(a.Resources) > 0 {
			a.Stages = append(a.Stages, Stage{Name: st.Name, DeploymentID: "v2:" + st.DeploymentID, Deployed: deployed, Unsure: !st.AutoDeploy})
		}
	}
	type authorizer struct {
		ID   string `json:"authorizerId"`
		Name string `json:"name"`
		Type string `json:"authorizerType"`
		URI  string `json:"authorizerUri"`
	}
	authorizers, err := pagesV2[authorizer](ctx, s.Client, s.getV2("GetAuthorizers", base+"/authorizers"), 1000)
	if err != nil {
		return a, err
	}
	a.Authorizers = nil
	for _, z := range authorizers {
		a.Authorizers = append(a.Authorizers, Authorizer{ID: z.ID, Name: z.Name, Type: z.Type, URI: z.URI})
	}
	return a, nil
}
