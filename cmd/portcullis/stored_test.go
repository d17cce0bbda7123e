package main

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portcullis/edge/acp"
	"portcullis/edge/authorizer"
	"portcullis/edge/waist"
)

// What a real server signs, a real authorizer stores; when the server is gone, a new environment decides by the copy, and
// refuses it when a single byte of it was changed.
func TestStoredConfiguration(t *testing.T) {
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

	var stored []byte
	keep := &authorizer.Keep{Save: func(_ context.Context, b []byte) error { stored = bytes.Clone(b); return nil },
		Load: func(context.Context) ([]byte, error) { return stored, nil }}
	environment := func() *authorizer.Authorizer {
		c, err := acp.New(acp.Options{IssuerURL: s.url + "/default/system", ClientID: gw.ClientID, ClientSecret: gw.Client.Secret})
		if err != nil {
			t.Fatal(err)
		}
		return authorizer.New(authorizer.Options{Client: c, Keep: keep, Sync: &authorizer.Sync{Discover: func(context.Context) (authorizer.Discovery, error) {
			return authorizer.Discovery{Complete: true, Groups: []waist.APIGroup{{ID: "abc123-dev", Name: "PetStore/dev",
				Metadata: waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: "abc123", APIName: "PetStore", Stage: "dev"}},
				APIs:     []waist.GatewayAPI{{Method: "GET", Path: "/pets"}}}}}, nil
		}}})
	}
	request := []byte(`{"type":"REQUEST","methodArn":"arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/GET/pets","resource":"/pets","path":"/pets","httpMethod":"GET",
		"requestContext":{"resourcePath":"/pets","httpMethod":"GET","apiId":"abc123","stage":"dev"}}`)
	allowed := func(a *authorizer.Authorizer) bool {
		return strings.Contains(string(a.Handle(t.Context(), request)), `"Effect":"Allow"`)
	}

	a := environment()
	for range 2 { // the second one finds everything as it is, and has it vouched for again
		var report struct {
			OK       bool
			Problems []string
		}
		before := stored
		if err := json.Unmarshal(a.Handle(t.Context(), []byte(`{"portcullis":"sync"}`)), &report); err != nil || !report.OK || len(stored) == 0 {
			t.Fatalf("%+v, %v", report, err)
		}
		if bytes.Equal(before, stored) {
			t.Error("the second copy is the first one")
		}
		for now := time.Now().Unix(); time.Now().Unix() == now; time.Sleep(10 * time.Millisecond) { // signatures say the second
		}
	}
	if !allowed(a) {
		t.Error("with the server")
	}
	s.stop()
	if !allowed(environment()) {
		t.Error("a cold start without the server")
	}
	stored = bytes.Replace(stored, []byte(`"method":"GET"`), []byte(`"method":"PUT"`), 1)
	if allowed(environment()) {
		t.Error("a cold start with an altered copy")
	}
}
