package portal_test

import (
	"strings"
	"testing"

	"portcullis/control"
	"portcullis/edge/waist"
)

// TestGuide walks the portal's share of the guide by forms alone, in the guide's order.
func TestGuide(t *testing.T) {
	w := newWorld(t)
	b := w.browser()

	b.fill(b.get("/app/").wants(200, "Log in", "Username", "Password"), "admin", password).wants(200, "Workspace Directory", "Default", "Admin", "System")
	b.get("/app/default").wants(200, "Overview", "APIs", "Policies", "Applications", "Settings", "No gateway yet")

	b.get("/app/default/apis").wants(200, "AUTHORIZATION", "GATEWAYS")
	b.get("/app/default/gateways").wants(200, "ADD GATEWAY", "No gateways yet")
	b.get("/app/default/gateways/new").wants(200, "Amazon API Gateway", "Name", "Description", "NEXT")
	quick := b.post("/app/default/gateways", "type", "aws", "name", "Pet gateway", "description", "eu-west-1")
	quick.wants(200, "Gateway Management", "QUICK START", "APIS", "SETTINGS", "DOWNLOAD AUTHORIZER", "x86_64", "arm64", "SHA-256",
		"provided.al2023", "CONNECT TO YOUR APIS", "Waiting for the authorizer to authenticate")
	gid := quick.element(4)
	gateway := "/app/default/gateways/" + gid
	gw := w.gateway(gid)
	quick.wants(200, gw.ClientID, gw.IssuerURL).lacks(gw.ClientSecret)

	zip := b.get(gateway + "/package?arch=arm64")
	zip.wants(200)
	if zip.body != zipText+" arm64" || !strings.Contains(zip.header.Get("Content-Disposition"), "arm64.zip") {
		t.Errorf("DOWNLOAD AUTHORIZER answered %q as %s", zip.body, zip.header.Get("Content-Disposition"))
	}

	b.get(gateway+"/settings").wants(200, "ACP_CLIENT_ID", "ACP_CLIENT_SECRET", "ACP_ISSUER_URL", "Save").has(gw.ClientID, gw.IssuerURL).lacks(gw.ClientSecret)
	b.post(gateway + "/settings/secret").wants(200).has(gw.ClientSecret)
	b.post(gateway+"/settings", "name", "Pet gateway 2", "description", "").wants(200, "Settings saved.", "Pet gateway 2")

	b.get(gateway+"/apis").wants(200, "No API groups yet")
	w.discover(gid, "", nil)
	b.get(gateway+"/apis").wants(200, "PetStore/dev", "PetStore/prod", "5 APIs", "Not connected", "New service")
	b.get(gateway+"/progress").wants(200, "API groups have been discovered")

	// From the gateway: the drop-down's new service opens a popup, which connects.
	b.post(gateway+"/groups/abc123-dev/bind", "service", "+new").wants(200, "Connect to new service", "Name", "Connect").has(`value="PetStore/dev"`)
	b.post(gateway+"/groups/abc123-dev/bind", "service", "+new", "name", "Pet store", "description", "").wants(200, "API group connected.", "Deploy API", "Pet store", "Unbind")

	// From the service.
	auth := b.post("/app/default/services", "name", "Pet store, live", "description", "").wants(200, "Service created.", "ADD GATEWAY API")
	live := serviceID(t, w, "Pet store, live")
	auth.has("connect=" + live)
	b.get("/app/default/apis/authorization?connect="+live).wants(200, "Add Gateway API Groups", "Pet gateway 2", "PetStore/prod", "Connect").lacks(">PetStore/dev (")
	b.post("/app/default/services/"+live+"/connect", "gateway", gid, "group", "abc123-prod").wants(200, "API group connected.", "Pet store, live", "/pets/{petId}")

	// A policy, and its assignment.
	b.get("/app/default/policies/new").wants(200, "Policy name", "Visual", "REGO")
	pol := b.post("/app/default/policies", "policy_name", "Known caller", "id", "", "language", "cloudentity").wants(200, "Policy created.")
	if got := pol.element(4); got != "default-known-caller" {
		t.Errorf("the policy's id is %q, want it made from the workspace and the name", got)
	}
	b.post("/app/default/policies/default-known-caller", "policy_name", "Known caller",
		"text", "validators:\r\n  - name: identity-context\r\n    conf:\r\n      fields:\r\n        - {field: client_id, comparator: present, value: ''}\r\n").wants(200, "Policy saved.", "identity-context")
	api := apiOf(t, w, "Pet store", "GET", "/pets")
	b.get("/app/default/apis/authorization").wants(200, "None", "Open 10", "Protected 0")
	b.get("/app/default/apis/authorization?edit="+api).wants(200, "Edit API", "Policy", "None", "Known caller", "Update")
	b.post("/app/default/apis/"+api+"/policy", "policy_id", "default-known-caller").wants(200, "Policy assignment updated.", "Known caller", "Open 9", "Protected 1")
	if got := must(w.admin.GetAPI(t.Context(), w.operator, api))(t); got.PolicyID != "default-known-caller" {
		t.Errorf("the API has policy %q", got.PolicyID)
	}
	b.get("/app/default/apis/authorization?show=protected").wants(200, "Known caller").lacks("/pets/{petId}")
	b.get("/app/default/policies/default-known-caller").wants(200, "Used by 1 API", "Pet store")

	// What AWS reports later: attached, and not deployed yet; then deployed.
	no, yes := false, true
	w.discover(gid, waist.AuthorizerOurs, &no)
	b.get(gateway+"/apis").wants(200, "Needs Deploy API")
	b.get("/app/default/apis").wants(200, "Needs Deploy API", "Left open (CORS)")
	w.discover(gid, waist.AuthorizerOurs, &yes)
	b.get(gateway+"/apis").wants(200, "Enforced")
	b.get(gateway+"/progress").wants(200, "The authorizer is attached to an API").lacks("data-live")

	b.get("/app/default/apis/authorization?unbind="+live).wants(200, "Unbind Pet store, live?")
	b.post("/app/default/services/"+live+"/unbind", "gateway", gid, "group", "abc123-prod").wants(200, "API group disconnected.")
	b.post("/app/logout").wants(200, "Log in")
	b.get("/app/default/overview").wants(200, "Log in").lacks("Pet gateway")
}

func serviceID(t *testing.T, w *world, name string) string {
	t.Helper()
	for _, s := range must(w.admin.ListServices(t.Context(), w.operator, "default"))(t) {
		if s.Name == name {
			return s.ID
		}
	}
	t.Fatalf("there is no service %q", name)
	return ""
}

func apiOf(t *testing.T, w *world, service, method, path string) string {
	t.Helper()
	for _, s := range must(w.admin.ListServiceAPIs(t.Context(), w.operator, "default"))(t) {
		for _, a := range s.APIs {
			if s.Service.Name == service && a.Method == method && a.Path == path {
				return a.ID
			}
		}
	}
	t.Fatalf("%s has no %s %s", service, method, path)
	return ""
}

// petStore is a gateway with the pet store discovered and group dev bound to a new service.
func petStore(t testing.TB, w *world) (gateway control.GatewayWithClient, service control.Service) {
	t.Helper()
	gateway = must(w.admin.CreateGateway(t.Context(), w.operator, control.GatewayCreate{WorkspaceID: "default", Name: "Pet gateway", Type: "aws"}))(t)
	w.discover(gateway.ID, "", nil)
	service = must(w.admin.BindGroupToNewService(t.Context(), w.operator, gateway.ID, "abc123-dev", control.Service{WorkspaceID: "default", Name: "Pet store"}))(t)
	return gateway, service
}
