package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"portcullis/edge/acp"
	"portcullis/edge/authorizer"
	"portcullis/edge/waist"
)

// HTTP and WebSocket APIs from an inventory to the answer. The sync that pushes such inventories is tested in aws/discover;
// here is what the server makes of them, and the authorizer of that.
func TestHTTPAPIs(t *testing.T) {
	key := environment(t)
	s := start(t, "--database", "sqlite://"+filepath.Join(t.TempDir(), "portcullis.db"), "--master-key-file", key)
	admin := s.token("admin", testClient, testSecret)
	var gw struct {
		id
		ClientID string `json:"client_id"`
		Client   struct {
			Secret string `json:"client_secret"`
		} `json:"client"`
	}
	s.call(admin, "POST", "/api/admin/default/gateways", map[string]any{"name": "AWS", "type": "aws", "server_id": "default", "create_and_bind_services_automatically": true}, 201, &gw)
	group := func(id, api, stage string, routes ...string) waist.APIGroup {
		g := waist.APIGroup{ID: id, Name: id, Metadata: waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: api, APIName: id, Stage: stage, Region: "eu-west-1"}}}
		for i := 0; i < len(routes); i += 2 {
			g.APIs = append(g.APIs, waist.GatewayAPI{Method: routes[i], Path: routes[i+1]})
		}
		return g
	}
	inventory := waist.Inventory{APIGroups: []waist.APIGroup{group("http123-~default", "http123", "$default", "GET", "/pets", "ANY", "$default"), group("chat123-prod", "chat123", "prod", "ANY", "$connect")}}
	s.call(s.token("system", gw.ClientID, gw.Client.Secret), "POST", "/api/system/default/gateways/configuration", inventory, 200, nil)

	client, err := acp.New(acp.Options{IssuerURL: s.url + "/default/system", ClientID: gw.ClientID, ClientSecret: gw.Client.Secret})
	if err != nil {
		t.Fatal(err)
	}
	a := authorizer.New(authorizer.Options{Client: client, SimpleResponses: true})
	const arn = "arn:aws:execute-api:eu-west-1:123456789012:"
	http := func(route, method, path string) map[string]any {
		return map[string]any{"version": "2.0", "type": "REQUEST", "routeArn": arn + "http123/$default/" + method + path, "routeKey": route, "rawPath": path,
			"requestContext": map[string]any{"apiId": "http123", "stage": "$default", "routeKey": route, "http": map[string]any{"method": method, "path": path}}}
	}
	for _, c := range []struct {
		name  string
		event map[string]any
		want  string
	}{
		{"a route", http("GET /pets", "GET", "/pets"), `{"isAuthorized":true`},
		{"the route for everything else", http("$default", "POST", "/anything"), `{"isAuthorized":true`},
		{"a route that nobody named", http("GET /toys", "GET", "/toys"), `{"isAuthorized":false`},
		{"a connection", map[string]any{"type": "REQUEST", "methodArn": arn + "chat123/prod/$connect", "requestContext": map[string]any{"apiId": "chat123", "stage": "prod", "routeKey": "$connect", "eventType": "CONNECT"}},
			`"Effect":"Allow"`},
	} {
		payload, err := json.Marshal(c.event)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Handle(t.Context(), payload); !bytes.Contains(got, []byte(c.want)) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}
