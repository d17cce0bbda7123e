package admin_test

import (
	"fmt"
	"reflect"
	"testing"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store"
	"portcullis/control/store/storetest"
	"portcullis/edge/waist"
)

// fixture is what the verbs below work on: one object for each.
type fixture struct {
	w                               *world
	workspace, service, scope, api  string
	gateway, client, policy, user   string
	specified                       string // a service
	spare, sparePolicy, spareClient string // for deleting
	spareUser, spareKey             string
	secret                          string
	idp, person, sparePerson        string
}

func newFixture(t *testing.T, w *world) *fixture {
	f := &fixture{w: w, workspace: "default"}
	g, authorizer := w.gateway()
	f.gateway = g.ID
	must(w.SetInventory(ctx, authorizer, inventory(petStore("GET", "/pets"))))(t)
	f.service = must(w.CreateService(ctx, w.root, control.Service{WorkspaceID: "default", Name: "Service"}))(t).ID
	f.specified = must(w.CreateService(ctx, w.root, control.Service{WorkspaceID: "default", Name: "Specified"}))(t).ID
	f.api = must(w.CreateAPI(ctx, w.root, control.API{ServiceID: f.service, Method: "GET", Path: "/a"}))(t).ID
	f.scope = must(w.CreateScope(ctx, w.root, control.Scope{WorkspaceID: "default", Name: "read"}))(t).ID
	f.policy, f.sparePolicy = "block_default_api", "nist-aal-1_default_api"
	client := func() string {
		c, _, err := w.CreateClient(ctx, w.root, control.Client{WorkspaceID: "default", Name: "App"}, "")
		if err != nil {
			t.Fatal(err)
		}
		return c.ID
	}
	f.client, f.spareClient = client(), client()
	f.spare = must(w.CreateWorkspace(ctx, w.root, control.Workspace{Name: "Spare"}))(t).ID
	f.user = must(w.CreateUser(ctx, w.root, control.User{Username: "joe"}, "a password of joe"))(t).ID
	f.spareUser = must(w.CreateUser(ctx, w.root, control.User{Username: "jim"}, "a password of jim"))(t).ID
	f.idp = must(w.CreateIDP(ctx, w.root, oidcIDP("default"), "a secret"))(t).ID
	f.person = must(w.CreateWorkspaceUser(ctx, w.root, control.User{WorkspaceID: "default", Username: "joe"}, "a password of joe"))(t).ID
	f.sparePerson = must(w.CreateWorkspaceUser(ctx, w.root, control.User{WorkspaceID: "default", Username: "jim"}, "a password of jim"))(t).ID
	f.secret = must(w.CreateSecret(ctx, w.root, control.Secret{WorkspaceID: "default", Name: "API key"}, "value"))(t).ID
	must(w.RotateKey(ctx, w.root, "default"))(t)
	for _, k := range must(w.ListKeys(ctx, w.root, "default"))(t) {
		if !k.Active {
			f.spareKey = k.ID
		}
	}
	return f
}

// gatewayVerbs are for gateways, by scope; everything else is for people, by role. notVerbs take no actor or need none.
var gatewayVerbs = map[string]string{
	"Configuration":      control.ScopeReadConfiguration,
	"ConfigurationJSON":  control.ScopeReadConfiguration,
	"SetInventory":       control.ScopeWriteConfiguration,
	"ProtectedWorkspace": control.ScopeIntrospect,
	"TokenExchange":      control.ScopeExchange,
}

const (
	member  = control.Member
	auditor = control.Auditor
	manager = control.Manager
	root    = control.Admin
)

// verbs are all verbs for people in the order they are tried; tenant means that a role in one workspace is not enough.
var verbs = []struct {
	name   string
	least  control.Role
	tenant bool
	call   func(f *fixture, a control.Actor) error
}{
	{"ListWorkspaces", member, false, func(f *fixture, a control.Actor) error {
		list, err := f.w.ListWorkspaces(ctx, a)
		if err == nil && len(list) == 0 { // the list is open to everybody and shows what the actor may see
			return control.Errorf(control.NotFound, "not_found", "an empty list")
		}
		return err
	}},
	{"PageWorkspaces", member, false, func(f *fixture, a control.Actor) error {
		list, err := f.w.PageWorkspaces(ctx, a, control.Page{Limit: 1})
		if err == nil && len(list) == 0 {
			return control.Errorf(control.NotFound, "not_found", "an empty list")
		}
		return err
	}},
	{"PageServices", member, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.PageServices(ctx, a, f.workspace, control.Page{Limit: 1})
		return err
	}},
	{"PagePolicies", member, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.PagePolicies(ctx, a, f.workspace, nil, control.Page{Limit: 1})
		return err
	}},
	{"PageClients", member, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.PageClients(ctx, a, f.workspace, control.ClientFilter{}, control.Page{Limit: 1})
		return err
	}},
	{"GetWorkspace", member, false, func(f *fixture, a control.Actor) error { _, err := f.w.GetWorkspace(ctx, a, f.workspace); return err }},
	{"CreateWorkspace", root, true, func(f *fixture, a control.Actor) error {
		_, err := f.w.CreateWorkspace(ctx, a, control.Workspace{Name: "New"})
		return err
	}},
	{"CreateDemoWorkspace", root, true, func(f *fixture, a control.Actor) error {
		_, err := f.w.CreateDemoWorkspace(ctx, a, control.Workspace{Name: "Demo"})
		return err
	}},
	{"UpdateWorkspace", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.UpdateWorkspace(ctx, a, control.Workspace{ID: f.workspace, Name: "Renamed"})
		return err
	}},
	{"DeleteWorkspace", root, true, func(f *fixture, a control.Actor) error { return f.w.DeleteWorkspace(ctx, a, f.spare) }},
	{"ListTrustedIssuers", member, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.ListTrustedIssuers(ctx, a, f.workspace)
		return err
	}},
	{"SetTrustedIssuers", root, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.SetTrustedIssuers(ctx, a, f.workspace, nil)
		return err
	}},
	{"FetchIssuer", root, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.FetchIssuer(ctx, a, f.workspace, "https://127.0.0.1/")
		if control.KindOf(err) == control.Invalid { // it was allowed, and then not reached
			return nil
		}
		return err
	}},
	{"ListIDPs", member, false, func(f *fixture, a control.Actor) error { _, err := f.w.ListIDPs(ctx, a, f.workspace); return err }},
	{"GetIDP", member, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.GetIDP(ctx, a, f.workspace, control.StaticIDP)
		return err
	}},
	{"CreateIDP", root, false, func(f *fixture, a control.Actor) error {
		p := oidcIDP(f.workspace)
		p.ID = fmt.Sprintf("p%d-%d-%d", a.Role, a.Kind, len(a.Roles))
		_, err := f.w.CreateIDP(ctx, a, p, "a secret")
		return err
	}},
	{"UpdateIDP", root, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.UpdateIDP(ctx, a, control.IDP{ID: control.StaticIDP, WorkspaceID: f.workspace, Name: "Ours"}, "")
		return err
	}},
	{"DeleteIDP", root, false, func(f *fixture, a control.Actor) error { return f.w.DeleteIDP(ctx, a, f.workspace, f.idp) }},
	{"ListServices", member, false, func(f *fixture, a control.Actor) error { _, err := f.w.ListServices(ctx, a, f.workspace); return err }},
	{"GetService", member, false, func(f *fixture, a control.Actor) error { _, _, err := f.w.GetService(ctx, a, f.service); return err }},
	{"CreateService", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.CreateService(ctx, a, control.Service{WorkspaceID: f.workspace, Name: "New"})
		return err
	}},
	{"UpdateService", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.UpdateService(ctx, a, control.Service{ID: f.service, Name: "Renamed"})
		return err
	}},
	{"ListScopes", member, false, func(f *fixture, a control.Actor) error { _, err := f.w.ListScopes(ctx, a, f.workspace); return err }},
	{"GetScope", member, false, func(f *fixture, a control.Actor) error { _, err := f.w.GetScope(ctx, a, f.scope); return err }},
	{"CreateScope", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.CreateScope(ctx, a, control.Scope{WorkspaceID: f.workspace, Name: fmt.Sprintf("new-%s-%d-%d", a.Role, a.Kind, len(a.Roles))})
		return err
	}},
	{"UpdateScope", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.UpdateScope(ctx, a, control.Scope{ID: f.scope, Name: "write"})
		return err
	}},
	{"DeleteScope", manager, false, func(f *fixture, a control.Actor) error { return f.w.DeleteScope(ctx, a, f.scope) }},
	{"ListAPIsByService", member, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.ListAPIsByService(ctx, a, f.service)
		return err
	}},
	{"ListAPIs", member, false, func(f *fixture, a control.Actor) error { _, err := f.w.ListAPIs(ctx, a, f.workspace); return err }},
	{"ImportSpecification", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.ImportSpecification(ctx, a, f.specified, control.SpecificationImport{Text: []byte("{\"openapi\":\"3.1.0\",\"paths\":{\"/" + store.NewID() + "\":{\"get\":{}}}}")})
		return err
	}},
	{"ImportSpecificationFromURL", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.ImportSpecificationFromURL(ctx, a, f.specified, "http://127.0.0.1/", false)
		if control.KindOf(err) == control.Invalid { // let in, and the URL refused
			return nil
		}
		return err
	}},
	{"RemoveSpecification", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.RemoveSpecification(ctx, a, f.specified)
		return err
	}},
	{"ListServiceAPIs", member, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.ListServiceAPIs(ctx, a, f.workspace)
		return err
	}},
	{"GetAPI", member, false, func(f *fixture, a control.Actor) error { _, err := f.w.GetAPI(ctx, a, f.api); return err }},
	{"CreateAPI", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.CreateAPI(ctx, a, control.API{ServiceID: f.service, Method: "GET", Path: fmt.Sprintf("/%s/%d/%d", a.Role, a.Kind, len(a.Roles))})
		return err
	}},
	{"UpdateAPI", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.UpdateAPI(ctx, a, f.api, control.APIUpdate{PolicyID: f.policy})
		return err
	}},
	{"AssignPolicy", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.AssignPolicy(ctx, a, f.workspace, []string{f.api}, f.policy)
		return err
	}},
	{"APIWarnings", member, false, func(f *fixture, a control.Actor) error { _, err := f.w.APIWarnings(ctx, a, f.api); return err }},
	{"DeleteAPI", manager, false, func(f *fixture, a control.Actor) error { return f.w.DeleteAPI(ctx, a, f.api) }},
	{"ListGateways", member, false, func(f *fixture, a control.Actor) error { _, err := f.w.ListGateways(ctx, a, f.workspace); return err }},
	{"GetGateway", member, false, func(f *fixture, a control.Actor) error { _, err := f.w.GetGateway(ctx, a, f.gateway); return err }},
	{"ListEnvironments", member, false, func(f *fixture, a control.Actor) error { _, err := f.w.ListEnvironments(ctx, a, f.gateway); return err }},
	{"UpdateGateway", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.UpdateGateway(ctx, a, f.gateway, control.GatewayUpdate{Name: "Renamed"})
		return err
	}},
	{"ListGroups", member, false, func(f *fixture, a control.Actor) error { _, err := f.w.ListGroups(ctx, a, f.gateway); return err }},
	{"BindGroupToNewService", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.BindGroupToNewService(ctx, a, f.gateway, "a1b2c3-dev", control.Service{Name: "Bound"})
		return err
	}},
	{"BindGroup", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.BindGroup(ctx, a, f.gateway, "a1b2c3-dev", f.service)
		return err
	}},
	{"UnbindGroup", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.UnbindGroup(ctx, a, f.gateway, "a1b2c3-dev")
		return err
	}},
	{"DeleteService", manager, false, func(f *fixture, a control.Actor) error { return f.w.DeleteService(ctx, a, f.service) }},
	{"ListPolicies", member, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.ListPolicies(ctx, a, f.workspace, nil)
		return err
	}},
	{"GetPolicy", member, false, func(f *fixture, a control.Actor) error { _, err := f.w.GetPolicy(ctx, a, f.policy); return err }},
	{"CreatePolicy", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.CreatePolicy(ctx, a, control.Policy{ServerID: f.workspace, PolicyName: "New", Validators: []waist.Validator{{Name: "true"}}})
		return err
	}},
	{"UpdatePolicy", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.UpdatePolicy(ctx, a, control.Policy{ID: f.policy, PolicyName: "Renamed", Validators: []waist.Validator{{Name: "false"}}})
		return err
	}},
	{"DeletePolicy", manager, false, func(f *fixture, a control.Actor) error { return f.w.DeletePolicy(ctx, a, f.sparePolicy) }},
	{"TestPolicy", member, false, func(f *fixture, a control.Actor) error {
		test := control.PolicyTest{WorkspaceID: f.workspace}
		test.Policy.Validators = []waist.Validator{{Name: "true"}}
		_, err := f.w.TestPolicy(ctx, a, test)
		return err
	}},
	{"RunPolicyCases", member, false, func(f *fixture, a control.Actor) error {
		p := control.Policy{ID: "unsaved", ServerID: f.workspace, PolicyName: "Unsaved", Validators: []waist.Validator{{Name: "true"}}}
		_, err := f.w.RunPolicyCases(ctx, a, p, "cases:\n- policy: unsaved\n  allow: true\n")
		return err
	}},
	{"PolicyWarnings", member, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.PolicyWarnings(ctx, a, f.policy)
		return err
	}},
	{"CheckPolicy", member, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.CheckPolicy(ctx, a, control.Policy{ServerID: f.workspace, Validators: []waist.Validator{{Name: "true"}}})
		return err
	}},
	{"PolicyMembers", member, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.PolicyMembers(ctx, a, f.workspace, f.policy)
		return err
	}},
	{"PolicyGallery", member, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.PolicyGallery(ctx, a, f.workspace)
		return err
	}},
	{"ListClients", member, false, func(f *fixture, a control.Actor) error { _, err := f.w.ListClients(ctx, a, f.workspace); return err }},
	{"GetClient", member, false, func(f *fixture, a control.Actor) error { _, err := f.w.GetClient(ctx, a, f.client); return err }},
	{"CreateClient", manager, false, func(f *fixture, a control.Actor) error {
		_, _, err := f.w.CreateClient(ctx, a, control.Client{WorkspaceID: f.workspace, Name: "New"}, "")
		return err
	}},
	{"UpdateClient", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.UpdateClient(ctx, a, control.Client{ID: f.client, Name: "Renamed"})
		return err
	}},
	{"ClientSecret", manager, false, func(f *fixture, a control.Actor) error { _, err := f.w.ClientSecret(ctx, a, f.client); return err }},
	{"RotateClientSecret", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.RotateClientSecret(ctx, a, f.client)
		return err
	}},
	{"RotateClientSecretKeeping", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.RotateClientSecretKeeping(ctx, a, f.client, 1)
		return err
	}},
	{"RevokeRotatedSecrets", manager, false, func(f *fixture, a control.Actor) error { return f.w.RevokeRotatedSecrets(ctx, a, f.client) }},
	{"DeleteClient", manager, false, func(f *fixture, a control.Actor) error { return f.w.DeleteClient(ctx, a, f.spareClient) }},
	{"DeleteGateway", manager, false, func(f *fixture, a control.Actor) error { return f.w.DeleteGateway(ctx, a, f.gateway) }},
	{"CreateGateway", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.CreateGateway(ctx, a, control.GatewayCreate{WorkspaceID: f.workspace, Name: "New", Type: "aws"})
		return err
	}},
	{"ExportWorkspace", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.ExportWorkspace(ctx, a, f.workspace, true)
		return err
	}},
	{"ExportTenant", root, true, func(f *fixture, a control.Actor) error { _, err := f.w.ExportTenant(ctx, a, true); return err }},
	{"DumpTenant", root, true, func(f *fixture, a control.Actor) error { _, err := f.w.DumpTenant(ctx, a, "", true); return err }},
	{"ImportWorkspace", manager, false, func(f *fixture, a control.Actor) error {
		return f.w.ImportWorkspace(ctx, a, f.workspace, map[string]any{"description": "new"}, updating)
	}},
	{"ImportTenant", root, true, func(f *fixture, a control.Actor) error {
		return f.w.ImportTenant(ctx, a, map[string]any{"servers": map[string]any{"default": map[string]any{}}}, updating)
	}},
	{"ImportDump", root, true, func(f *fixture, a control.Actor) error { return f.w.ImportDump(ctx, a, map[string]any{}, updating) }},
	{"PatchWorkspace", manager, false, func(f *fixture, a control.Actor) error {
		return f.w.PatchWorkspace(ctx, a, f.workspace, control.MergePatch(map[string]any{"color": "#000000"}), updating)
	}},
	{"PatchTenant", root, true, func(f *fixture, a control.Actor) error {
		return f.w.PatchTenant(ctx, a, control.MergePatch(map[string]any{}), updating)
	}},
	{"PatchDump", root, true, func(f *fixture, a control.Actor) error {
		return f.w.PatchDump(ctx, a, control.MergePatch(map[string]any{}), updating)
	}},
	{"ListKeys", auditor, false, func(f *fixture, a control.Actor) error { _, err := f.w.ListKeys(ctx, a, f.workspace); return err }},
	{"RevokeKey", root, false, func(f *fixture, a control.Actor) error { return f.w.RevokeKey(ctx, a, f.workspace, f.spareKey) }},
	{"RotateKey", root, false, func(f *fixture, a control.Actor) error { _, err := f.w.RotateKey(ctx, a, f.workspace); return err }},
	{"ListUsers", root, true, func(f *fixture, a control.Actor) error { _, err := f.w.ListUsers(ctx, a); return err }},
	{"CreateUser", root, true, func(f *fixture, a control.Actor) error {
		_, err := f.w.CreateUser(ctx, a, control.User{Username: fmt.Sprint("u", a.Kind)}, "a long password")
		return err
	}},
	{"UpdateUser", root, true, func(f *fixture, a control.Actor) error {
		_, err := f.w.UpdateUser(ctx, a, control.User{ID: f.user, Name: "J"})
		return err
	}},
	{"SetPassword", root, true, func(f *fixture, a control.Actor) error { return f.w.SetPassword(ctx, a, f.user, "another long one") }},
	{"DeleteUser", root, true, func(f *fixture, a control.Actor) error { return f.w.DeleteUser(ctx, a, f.spareUser) }},
	{"ListWorkspaceUsers", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.ListWorkspaceUsers(ctx, a, f.workspace, "", 0)
		return err
	}},
	{"GetWorkspaceUser", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.GetWorkspaceUser(ctx, a, f.workspace, f.person)
		return err
	}},
	{"CreateWorkspaceUser", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.CreateWorkspaceUser(ctx, a, control.User{WorkspaceID: f.workspace, Username: fmt.Sprintf("p%d-%d-%d", a.Role, a.Kind, len(a.Roles))}, "a long password")
		return err
	}},
	{"UpdateWorkspaceUser", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.UpdateWorkspaceUser(ctx, a, control.User{ID: f.person, WorkspaceID: f.workspace, Name: "P"})
		return err
	}},
	{"SetWorkspacePassword", manager, false, func(f *fixture, a control.Actor) error {
		return f.w.SetWorkspacePassword(ctx, a, f.workspace, f.person, "another long one")
	}},
	{"DeleteWorkspaceUser", manager, false, func(f *fixture, a control.Actor) error {
		return f.w.DeleteWorkspaceUser(ctx, a, f.workspace, f.sparePerson)
	}},
	{"ListAudit", auditor, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.ListAudit(ctx, a, f.workspace, control.AuditFilter{})
		return err
	}},
	{"ExportAudit", auditor, false, func(f *fixture, a control.Actor) error {
		return f.w.ExportAudit(ctx, a, f.workspace, control.AuditFilter{}, func([]control.AuditEvent) error { return nil })
	}},
	{"GetAudit", auditor, false, func(f *fixture, a control.Actor) error {
		all, err := f.w.ListAudit(ctx, f.w.root, f.workspace, control.AuditFilter{Limit: 1})
		if err != nil || len(all) != 1 {
			return fmt.Errorf("no record to read: %v", err)
		}
		_, err = f.w.GetAudit(ctx, a, f.workspace, all[0].ID)
		return err
	}},
	{"ListSecrets", manager, false, func(f *fixture, a control.Actor) error { _, err := f.w.ListSecrets(ctx, a, f.workspace); return err }},
	{"RevealSecrets", manager, false, func(f *fixture, a control.Actor) error { _, err := f.w.RevealSecrets(ctx, a, f.workspace); return err }},
	{"GetSecret", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.GetSecret(ctx, a, f.workspace, f.secret)
		return err
	}},
	{"CreateSecret", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.CreateSecret(ctx, a, control.Secret{WorkspaceID: f.workspace, Name: fmt.Sprint(a.Role, a.Kind, len(a.Roles))}, "v")
		return err
	}},
	{"UpdateSecret", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.UpdateSecret(ctx, a, control.Secret{WorkspaceID: f.workspace, ID: f.secret}, "v")
		return err
	}},
	{"DeleteSecret", manager, false, func(f *fixture, a control.Actor) error { return f.w.DeleteSecret(ctx, a, f.workspace, f.secret) }},
	{"IsClientSecret", manager, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.IsClientSecret(ctx, a, f.client, "x")
		return err
	}},
	{"ListPolicyExecutionPoints", member, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.ListPolicyExecutionPoints(ctx, a, f.workspace)
		return err
	}},
	{"SetPolicyExecutionPoints", manager, false, func(f *fixture, a control.Actor) error {
		return f.w.SetPolicyExecutionPoints(ctx, a, f.workspace, nil)
	}},
	{"WorkspaceMetadata", member, false, func(f *fixture, a control.Actor) error {
		_, err := f.w.WorkspaceMetadata(ctx, a, f.workspace)
		return err
	}},
	{"SetWorkspaceMetadata", manager, false, func(f *fixture, a control.Actor) error {
		return f.w.SetWorkspaceMetadata(ctx, a, f.workspace, []byte(`{"a":1}`))
	}},
	{"RevokeTokens", manager, false, func(f *fixture, a control.Actor) error { return f.w.RevokeTokens(ctx, a, f.workspace, "", "") }},
	{"ResealSecrets", root, true, func(f *fixture, a control.Actor) error { _, err := f.w.ResealSecrets(ctx, a); return err }},
}

// TestEveryVerbAndRole walks every verb with every kind of actor and role, the least first, so that what an allowed call
// takes away is still there for the denied ones.
func TestEveryVerbAndRole(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	f := newFixture(t, w)
	actor := func(kind control.ActorKind, role control.Role) control.Actor {
		return control.Actor{Kind: kind, ID: "x", Name: "x", TenantID: control.DefaultTenant, Role: role}
	}
	local := func(role control.Role) control.Actor {
		a := actor(control.UserActor, control.NoRole)
		a.Roles = map[string]control.Role{"default": role}
		return a
	}
	takenAway := actor(control.UserActor, control.Admin)
	takenAway.Roles = map[string]control.Role{"default": control.NoRole}
	foreign := actor(control.UserActor, control.Admin)
	foreign.TenantID = "other"

	for _, v := range verbs {
		denied := func(who string, a control.Actor) {
			t.Helper()
			before := lastAudit(t, w)
			err := v.call(f, a)
			switch kind := control.KindOf(err); {
			case err == nil:
				t.Errorf("%s: %s was let in", v.name, who)
			case kind != control.Forbidden && kind != control.NotFound && kind != control.Unauthenticated:
				t.Errorf("%s: %s got %v, want a denial", v.name, who, err)
			}
			if lastAudit(t, w) != before {
				t.Errorf("%s: %s was denied and changed something", v.name, who)
			}
		}
		allowed := func(who string, a control.Actor) {
			t.Helper()
			if err := v.call(f, a); err != nil {
				t.Errorf("%s: %s got %v", v.name, who, err)
			}
		}
		denied("the zero actor", control.Actor{})
		denied("an anonymous actor with a role", actor(control.Anonymous, control.Admin))
		gw := actor(control.GatewayActor, control.Admin)
		gw.Scopes = gateWayScopes
		denied("a gateway with a role and all scopes", gw)
		if !v.tenant && v.name != "ListWorkspaces" && v.name != "PageWorkspaces" {
			denied("an admin whose role was taken away here", takenAway)
		}
		if v.name != "CreateWorkspace" && v.name != "CreateDemoWorkspace" && v.name != "ListUsers" && v.name != "CreateUser" && v.name != "ResealSecrets" {
			denied("an admin of another tenant", foreign)
		}
		for role := control.NoRole; role < v.least; role++ {
			denied("a user with the role "+role.String(), actor(control.UserActor, role))
			denied("a client with the role "+role.String(), actor(control.ClientActor, role))
			denied("a user with the local role "+role.String(), local(role))
		}
		if v.tenant {
			denied("an admin of one workspace", local(control.Admin))
			allowed("a user with the role "+v.least.String(), actor(control.UserActor, v.least))
			continue
		}
		allowed("a user with the local role "+v.least.String(), local(v.least))
	}
}

var gateWayScopes = []string{control.ScopeExchange, control.ScopeIntrospect, control.ScopePushRequests, control.ScopeReadConfiguration, control.ScopeWriteConfiguration}

// lastAudit changes with every audit record of the first workspaces.
func lastAudit(t *testing.T, w *world) string {
	t.Helper()
	ids := ""
	for _, wid := range []string{"admin", "system", "default"} {
		all, err := w.st.AuditEvents(ctx, control.DefaultTenant, wid, control.AuditFilter{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			ids += e.ID + " "
		}
	}
	return ids
}

func TestGatewayVerbsNeedTheirScope(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	g, authorizer := w.gateway()
	w.exchanging(g.ID)
	calls := map[string]func(a control.Actor) error{
		"Configuration":      func(a control.Actor) error { _, _, err := w.Configuration(ctx, a, control.GatewayPoll{}); return err },
		"ProtectedWorkspace": func(a control.Actor) error { _, err := w.ProtectedWorkspace(ctx, a); return err },
		"TokenExchange":      func(a control.Actor) error { _, err := w.TokenExchange(ctx, a); return err },
		"ConfigurationJSON": func(a control.Actor) error {
			_, err := w.ConfigurationJSON(ctx, a, control.GatewayPoll{})
			return err
		},
		"SetInventory": func(a control.Actor) error { _, err := w.SetInventory(ctx, a, inventory()); return err },
	}
	for name, scope := range gatewayVerbs {
		call := calls[name]
		refused(t, call(control.Actor{}), control.Unauthenticated, "unauthenticated")
		refused(t, call(w.root), control.Forbidden, "gateway_only")
		a := authorizer
		a.Scopes = nil
		for _, s := range gateWayScopes {
			if s != scope {
				a.Scopes = append(a.Scopes, s)
			}
		}
		refused(t, call(a), control.Forbidden, "insufficient_scope")
		a.Scopes = []string{scope}
		if err := call(a); err != nil {
			t.Errorf("%s with its scope: %v", name, err)
		}
		a.ID = "nobody"
		refused(t, call(a), control.NotFound, "not_found")
	}
}

// TestNoVerbIsForgotten: every method that takes an actor is in one of the tables above.
func TestNoVerbIsForgotten(t *testing.T) {
	known := map[string]bool{}
	for _, v := range verbs {
		known[v.name] = true
	}
	for name := range gatewayVerbs {
		known[name] = true
	}
	typ := reflect.TypeOf(&admin.Admin{})
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		takes := m.Type.NumIn() > 2 && m.Type.In(2) == reflect.TypeOf(control.Actor{})
		if takes != known[m.Name] {
			t.Errorf("%s takes an actor: %v, is in the tables: %v", m.Name, takes, known[m.Name])
		}
	}
}

// TestAdminWorkspaceIsForTenantRoles: a role for the workspaces admin or system alone opens nothing there, and a
// tenant's manager cannot make or reveal an administrator's credentials.
func TestAdminWorkspaceIsForTenantRoles(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	for _, wid := range []string{"admin", "system"} {
		a := control.Actor{Kind: control.UserActor, ID: "x", TenantID: "default", Roles: map[string]control.Role{wid: control.Admin}}
		_, err := w.ListClients(ctx, a, wid)
		refused(t, err, control.NotFound, "not_found")
	}
	m := control.Actor{Kind: control.UserActor, ID: "x", TenantID: "default", Role: control.Manager}
	_, _, err := w.CreateClient(ctx, m, control.Client{WorkspaceID: "admin", Name: "Mine"}, "")
	refused(t, err, control.Forbidden, "insufficient_role")
	_, err = w.ClientSecret(ctx, m, w.boot.ClientID)
	refused(t, err, control.Forbidden, "insufficient_role")
	_, err = w.RotateClientSecret(ctx, m, w.boot.ClientID)
	refused(t, err, control.Forbidden, "insufficient_role")
	_, err = w.UpdateClient(ctx, m, control.Client{ID: w.boot.ClientID, Name: "Mine"})
	refused(t, err, control.Forbidden, "insufficient_role")

	g, _ := w.gateway()
	local := control.Actor{Kind: control.UserActor, ID: "x", TenantID: "default", Roles: map[string]control.Role{"default": control.Manager}}
	if s := must(w.RotateClientSecret(ctx, local, g.ClientID))(t); s == "" || s == g.ClientSecret {
		t.Error("a manager of the gateway's workspace cannot rotate its secret")
	}
	looker := control.Actor{Kind: control.UserActor, ID: "x", TenantID: "default", Role: control.Auditor}
	if seen := must(w.GetGateway(ctx, looker, g.ID))(t); seen.ClientSecret != "" {
		t.Error("reading a gateway shows its secret, without a word in the audit")
	}
	_, err = w.ClientSecret(ctx, looker, g.ClientID)
	refused(t, err, control.Forbidden, "insufficient_role")
}
