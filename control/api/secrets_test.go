package api

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSecrets(t *testing.T) {
	w := newWorld(t)
	var made, changed obj
	w.call("POST", "/servers/default/secrets", obj{"secret": "upstream", "value": "v1"}, 201, &made)
	if made["value"] != nil {
		t.Errorf("the value comes back: %v", made)
	}
	w.call("POST", "/servers/default/secrets", obj{"secret": "upstream", "value": "v1"}, 409, nil)
	w.call("POST", "/servers/default/secrets", obj{"secret": "empty"}, 422, nil)
	var list struct{ Secrets []obj }
	w.call("GET", "/servers/default/secrets", nil, 200, &list)
	if len(list.Secrets) != 1 || list.Secrets[0]["value"] != nil {
		t.Errorf("%v", list)
	}
	const path = "/api/system/default/servers/default/secrets"
	reader, writer := w.automation("read_secrets"), w.automation("manage_secrets")
	w.callAs(reader, "POST", path, obj{"secret": "x", "value": "y"}, 403, nil)
	w.callAs(writer, "GET", path, nil, 403, nil)
	id := made["id"].(string)
	w.now = w.now.Add(time.Second)
	tag := w.callAs(writer, "PUT", path+"/"+id, obj{"secret": "upstream", "value": "v2"}, 201, &changed).Get("ETag")
	w.callAs(writer, "PUT", path+"/"+id, obj{"value": "v3"}, 412, nil, "If-Match", `"other"`)
	w.callAs(reader, "GET", path, nil, 200, &list)
	if len(list.Secrets) != 1 || list.Secrets[0]["value"] != "v2" {
		t.Errorf("%v", list)
	}
	w.callAs(writer, "POST", path, obj{"secret": "second", "value": "y", "id": "second"}, 201, nil)
	w.callAs(writer, "DELETE", path+"/"+id, nil, 204, nil, "If-Match", tag)
	w.callAs(writer, "DELETE", path+"/"+id, nil, 404, nil)
	w.callAs(w.root, "GET", path, nil, 401, nil) // a token of another workspace
}

func TestSystemAutomation(t *testing.T) {
	w := newWorld(t)
	var app struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	w.call("POST", "/clients", obj{"authorization_server_id": "default", "client_name": "App", "grant_types": []string{"client_credentials"}}, 201, &app)
	const system = "/api/system/default"
	token := w.automation("view_clients", "manage_clients", "view_scopes", "view_audit_events")
	var clients struct{ Clients []obj }
	w.callAs(token, "GET", system+"/clients/default", nil, 200, &clients)
	if len(clients.Clients) != 1 || clients.Clients[0]["client_id"] != app.ID {
		t.Errorf("%v", clients)
	}
	var one obj
	w.callAs(token, "GET", system+"/client/"+app.ID, nil, 200, &one)
	if one["client_secret"] != nil {
		t.Error("view_clients shows a secret")
	}
	var rotated struct{ Secret string }
	w.callAs(token, "POST", system+"/client/"+app.ID+"/rotateSecret?auto_revoke_after=1h", nil, 200, &rotated)
	if w.tokenStatus("default", app.ID, rotated.Secret) != 200 || w.tokenStatus("default", app.ID, app.Secret) != 200 {
		t.Error("one of the two secrets does not work")
	}
	w.callAs(token, "POST", system+"/client/"+app.ID+"/revokeRotatedSecrets", nil, 204, nil)
	if w.tokenStatus("default", app.ID, app.Secret) != 401 {
		t.Error("the old secret still works")
	}
	w.callAs(token, "POST", system+"/client/"+rootID+"/rotateSecret", nil, 403, nil)
	w.callAs(token, "GET", system+"/scopes/default", nil, 200, nil)
	w.callAs(token, "GET", system+"/servers/default/audit-events", nil, 200, nil)
	none := w.automation("read_secrets")
	for _, p := range []string{"/clients/default", "/client/" + app.ID, "/scopes/default", "/servers/default/audit-events"} {
		w.callAs(none, "GET", system+p, nil, 403, nil)
	}
}

// TestRevokeTokens: what was issued until then is over, by client or all at once; what comes later works.
func TestRevokeTokens(t *testing.T) {
	w := newWorld(t)
	const system = "/api/system/default"
	token := w.automation("revoke_tokens")
	_, gateway := w.gateway()
	var app, other struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	in := obj{"authorization_server_id": "default", "client_name": "App", "grant_types": []string{"client_credentials"}}
	w.call("POST", "/clients", in, 201, &app)
	w.call("POST", "/clients", in, 201, &other)
	active := func(token string) bool {
		var out struct{ Active bool }
		w.now = w.now.Add(time.Second) // beyond what a node believes without asking
		w.callAs(gateway, "POST", system+"/gateways/introspect", url.Values{"token": {token}}.Encode(), 200, &out, "Content-Type", "application/x-www-form-urlencoded")
		return out.Active
	}
	first, second := w.token("default", app.ID, app.Secret), w.token("default", other.ID, other.Secret)
	if !active(first) || !active(second) {
		t.Fatal("the tokens do not work")
	}
	w.callAs(token, "DELETE", system+"/servers/default/tokens", obj{"client": app.ID}, 422, nil)
	w.callAs(token, "DELETE", system+"/servers/default/tokens", obj{"client_id": "nobody"}, 404, nil)
	w.callAs(token, "DELETE", system+"/servers/default/tokens", obj{"client_id": app.ID}, 204, nil)
	if active(first) || !active(second) {
		t.Error("not exactly the tokens of the client are over")
	}
	if later := w.token("default", app.ID, app.Secret); !active(later) {
		t.Error("a token issued after the revocation is refused")
	}
	w.callAs(token, "DELETE", system+"/servers/default/tokens", obj{}, 204, nil)
	if active(second) {
		t.Error("a token of the workspace is still active")
	}
	w.callAs(gateway, "DELETE", system+"/servers/default/tokens", obj{}, 403, nil)
}

func TestWorkspaceExtras(t *testing.T) {
	w := newWorld(t)
	w.call("POST", "/servers?with_demo_client=maybe", obj{"name": "No"}, 400, nil)
	w.call("POST", "/servers?with_demo_client=true", obj{"name": "Shop", "id": "shop"}, 201, nil)
	var clients struct{ Clients []obj }
	for query, want := range map[string]int{"": 1, "?application_types=service": 1, "?application_types=single_page,server_web": 0, "?client_types=public": 0,
		"?client_types=confidential": 1, "?type=web": 1, "?type=native": 0} {
		w.call("GET", "/servers/shop/clients"+query, nil, 200, &clients)
		if len(clients.Clients) != want {
			t.Errorf("%s: %v", query, clients)
		}
	}
	w.call("GET", "/servers/shop/clients?client_types=secret", nil, 400, nil)

	var ws obj
	tag := w.call("GET", "/workspaces/shop", nil, 200, &ws).Get("ETag")
	w.call("PUT", "/workspaces/shop/metadata", obj{"team": "payments", "tier": 1}, 200, &ws, "If-Match", tag)
	w.call("PUT", "/workspaces/shop/metadata", obj{"team": "x"}, 412, nil, "If-Match", tag)
	w.call("PUT", "/workspaces/shop/metadata", `[]`, 400, nil)
	w.call("GET", "/workspaces/shop", nil, 200, &ws)
	if diff := cmp.Diff(map[string]any{"team": "payments", "tier": 1.0}, ws["metadata"]); diff != "" {
		t.Error(diff)
	}

	var page struct {
		Workspaces []obj
		Cursor     string
	}
	var seen []string
	for path := "/user/workspaces?limit=3"; ; path = "/user/workspaces?limit=3&cursor=" + page.Cursor {
		page.Cursor = ""
		w.call("GET", path, nil, 200, &page)
		for _, x := range page.Workspaces {
			seen = append(seen, x["id"].(string))
		}
		if page.Cursor == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"admin", "default", "shop", "system"}, seen); diff != "" {
		t.Error(diff)
	}
	w.call("GET", "/user/workspaces?cursor=nonsense!", nil, 400, nil)

	var service, api obj
	w.call("POST", "/services", obj{"authorization_server_id": "shop", "name": "Pets"}, 201, &service)
	w.call("POST", "/apis", obj{"server_id": "shop", "service_id": service["id"], "method": "GET", "path": "/pets"}, 201, &api)
	var points struct {
		Points []obj `json:"execution_points"`
	}
	tag = w.call("GET", "/servers/shop/policy-execution-points", nil, 200, &points).Get("ETag")
	point := obj{"type": "api", "target_fk": api["id"], "policy_id": "block_shop_api"}
	w.call("PUT", "/servers/shop/policy-execution-points", obj{"execution_points": []obj{point}}, 200, &points, "If-Match", tag)
	if len(points.Points) != 1 || points.Points[0]["server_id"] != "shop" {
		t.Errorf("%v", points)
	}
	w.call("PUT", "/servers/shop/policy-execution-points", obj{"execution_points": []obj{point}}, 412, nil, "If-Match", tag)
	point["type"] = "server_user_token"
	w.call("PUT", "/servers/shop/policy-execution-points", obj{"execution_points": []obj{point}}, 422, nil)
}
