package api

import (
	"encoding/json"
	"strings"
	"testing"

	"portcullis/control"
)

// automation makes a client of the system workspace with the given scopes and returns its token.
func (w *world) automation(scopes ...string) string {
	w.t.Helper()
	var c obj
	w.call("POST", "/clients", obj{"authorization_server_id": "system", "client_name": "CI", "scopes": scopes}, 201, &c)
	return w.token("system", c["client_id"].(string), c["client_secret"].(string))
}

// TestHub walks configuration as code over HTTP: export, import, both kinds of patch, of a workspace, a tenant and a dump.
func TestHub(t *testing.T) {
	w := newWorld(t)
	writer, reader := w.automation(control.ScopeManageTree), w.automation(control.ScopeReadTree)
	gw, _ := w.gateway()
	gateway := w.token("system", gw.ClientID, gw.Client.Secret)
	const tenant, workspace, system = "/api/hub/default/promote/config", "/api/hub/default/workspaces/default/promote/config", "/api/system/default/configuration"

	for _, path := range []string{tenant, workspace, system} {
		var first, second []byte
		w.callAs(writer, "GET", path, nil, 200, &first)
		w.callAs(reader, "GET", path, nil, 200, &second)
		if string(first) != string(second) || strings.Contains(string(first), gw.Client.Secret) {
			t.Errorf("%s: %s", path, first)
		}
		var secrets []byte
		with := path + "?with_credentials=true"
		if path == system {
			with = path + "?with_data=true"
		}
		w.callAs(writer, "GET", with, nil, 200, &secrets)
		if !strings.Contains(string(secrets), gw.Client.Secret) {
			t.Errorf("%s does not have the gateway's secret", with)
		}
		h := w.callAs(reader, "GET", with, nil, 403, nil)
		if !strings.Contains(h.Get("WWW-Authenticate"), "insufficient_scope") {
			t.Errorf("%s", h.Get("WWW-Authenticate"))
		}
		w.callAs(gateway, "GET", path, nil, 403, nil)
		w.callAs(w.root, "GET", path, nil, 401, nil) // a token of another workspace
		method := "POST"
		if path == system {
			method = "PUT"
		}
		for _, suffix := range []string{"", "?mode=update", "?mode=ignore&dry_run=true"} {
			w.callAs(writer, method, path+suffix, json.RawMessage(secrets), 204, nil)
		}
		w.callAs(writer, method, path+"?mode=fail", json.RawMessage(secrets), 409, nil)
		w.callAs(writer, method, path+"?mode=merge", json.RawMessage(secrets), 400, nil)
		w.callAs(writer, method, path+"?dry_run=perhaps", json.RawMessage(secrets), 400, nil)
		w.callAs(reader, method, path, json.RawMessage(secrets), 403, nil)
		w.callAs(writer, method, path, `{"servers":{},"servers":{}}`, 400, nil)
		w.callAs(writer, method, path, `[]`, 422, nil)
	}

	w.callAs(writer, "PATCH", workspace+"-rfc7396?mode=update", obj{"policies": obj{"default-new": obj{"policy_name": "New", "validators": []obj{{"name": "true"}}}}}, 204, nil,
		"Content-Type", "application/merge-patch+json")
	w.callAs(writer, "PATCH", workspace+"-rfc6902", []obj{{"op": "replace", "path": "/policies/default-new/policy_name", "value": "Newer"}}, 204, nil,
		"Content-Type", "application/json-patch+json")
	w.callAs(writer, "PATCH", tenant+"-rfc7396", obj{"servers": obj{"default": obj{"description": "patched"}}}, 204, nil)
	w.callAs(writer, "PATCH", tenant+"-rfc6902", []obj{{"op": "replace", "path": "/servers/default/color", "value": "#112233"}}, 204, nil)
	w.callAs(writer, "PATCH", system, []obj{{"op": "add", "path": "/services/-", "value": obj{"id": "s1", "authorization_server_id": "default", "name": "S"}}}, 204, nil)
	var got control.TreeServer
	w.callAs(writer, "GET", workspace, nil, 200, &got)
	if got.Policies["default-new"].PolicyName != "Newer" || *got.Description != "patched" || *got.Color != "#112233" || got.Services["s1"].Name != "S" {
		t.Errorf("%+v", got)
	}

	var refused struct {
		Code    string `json:"error_code"`
		Details struct {
			Fields map[string]string `json:"fields"`
		} `json:"details"`
	}
	w.callAs(writer, "POST", workspace, obj{"color": "blue", "policies": obj{"p": obj{"policy_nmae": "x"}}}, 422, &refused)
	if refused.Code != "invalid_configuration" || len(refused.Details.Fields) < 3 || refused.Details.Fields["policies.p.policy_nmae"] == "" {
		t.Errorf("%+v", refused)
	}
	w.callAs(writer, "PATCH", workspace+"-rfc6902", []obj{{"op": "remove", "path": "/policies/nope"}}, 422, &refused)
	if refused.Code != "invalid_patch" {
		t.Errorf("%+v", refused)
	}
	w.callAs(writer, "PATCH", workspace+"-rfc6902", obj{}, 422, nil)
	w.callAs(writer, "GET", "/api/hub/default/workspaces/nope/promote/config", nil, 404, nil)
	w.callAs(writer, "PATCH", "/api/hub/default/workspaces/nope/promote/config-rfc7396", obj{}, 404, nil)
	w.callAs(writer, "GET", "/api/hub/other/promote/config", nil, 404, nil)
	w.callAs(writer, "GET", system+"?workspace_id=nope", nil, 404, nil)
	w.callAs(writer, "POST", "/api/hub/default/workspaces/born/promote/config?mode=fail", obj{"name": "Born"}, 204, nil)
	if h := w.callAs(writer, "GET", "/api/hub/default/workspaces/born/promote/config", nil, 200, nil); h.Get("ETag") == "" || !strings.HasPrefix(h.Get("Content-Type"), "application/json") {
		t.Errorf("%v", h)
	}
}
