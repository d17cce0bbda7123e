package admin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/store/storetest"
	"portcullis/edge/policy"
	"portcullis/edge/waist"
)

var updating = control.ImportOptions{Mode: control.ImportUpdate}

// parsed is JSON as an import takes it.
func parsed(t *testing.T, text string) any {
	t.Helper()
	v, err := control.ParseTree([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func document(t *testing.T, v any) any {
	t.Helper()
	return must(control.TreeDocument(v))(t)
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wrongs are the paths that an import refused, with what it said.
func wrongs(t *testing.T, err error) map[string]string {
	t.Helper()
	var e *control.Error
	if err == nil || !errors.As(err, &e) || e.Kind != control.Invalid {
		t.Fatalf("%v is not Invalid", err)
	}
	return e.Fields
}

// full is a workspace with one of everything: a bound group with a method that is gone, policies in three languages that
// embed each other, scopes of a service and of none, clients.
func (w *world) full() {
	t := w.t
	t.Helper()
	for _, p := range []control.Policy{
		{ID: "default-base", PolicyName: "Base", Validators: []waist.Validator{{Name: "identity-context", Conf: json.RawMessage(`{"fields":[{"value":"joe","field":"sub","comparator":"equals"}]}`)}}},
		{ID: "default-embeds", PolicyName: "Embeds", Validators: []waist.Validator{{Name: "embedded-policy", Conf: json.RawMessage(`{"policy_id":"default-base"}`)}}},
		{ID: "default-rego", PolicyName: "Rego", Language: "rego", Definition: "package acp.authz\n\ndefault allow = false\n"},
		{ID: "default-cedar", PolicyName: "Cedar", Language: "cedar", Definition: "permit (principal, action, resource);"},
	} {
		p.ServerID = "default"
		must(w.CreatePolicy(ctx, w.root, p))(t)
	}
	g, authorizer := w.gateway(func(c *control.GatewayCreate) { c.DefaultPolicyID = "block_default_api" })
	must(w.SetInventory(ctx, authorizer, inventory(petStore("GET", "/pets", "GET", "/pets/{petId}", "ANY", "/{proxy+}"))))(t)
	svc := must(w.BindGroupToNewService(ctx, w.root, g.ID, "a1b2c3-dev", control.Service{ID: "petstore", Name: "PetStore", CustomAudience: "https://pets.example.com"}))(t)
	get, _ := w.api(svc.ID, "GET", "/pets")
	must(w.UpdateAPI(ctx, w.root, get.ID, control.APIUpdate{PolicyID: "default-rego", DataClassifications: []string{"PII"}}))(t)
	must(w.SetInventory(ctx, authorizer, inventory(petStore("GET", "/pets", "ANY", "/{proxy+}"))))(t)
	hand := must(w.CreateService(ctx, w.root, control.Service{ID: "by-hand", WorkspaceID: "default", Name: "By hand"}))(t)
	must(w.CreateAPI(ctx, w.root, control.API{ServiceID: hand.ID, Method: "POST", Path: "/a", PolicyID: "default-embeds"}))(t)
	must(w.CreateAPI(ctx, w.root, control.API{ServiceID: hand.ID, Method: "ANY", Path: "/{proxy+}"}))(t)
	must(w.CreateScope(ctx, w.root, control.Scope{WorkspaceID: "default", ServiceID: svc.ID, Name: "pets.read", DisplayName: "Read"}))(t)
	must(w.CreateScope(ctx, w.root, control.Scope{WorkspaceID: "default", Name: "users.*", Implicit: true}))(t)
	if _, _, err := w.CreateClient(ctx, w.root, control.Client{ID: "app", WorkspaceID: "default", Name: "App", Scopes: []string{"pets.read"}, RedirectURIs: []string{"https://app.example.com/cb"},
		GrantTypes: []string{"authorization_code", "refresh_token"}}, ""); err != nil {
		t.Fatal(err)
	}
	must(w.UpdateWorkspace(ctx, w.root, control.Workspace{ID: "default", Name: "Demo", Description: "of pets", DynamicScopeSep: ":"}))(t)
	must(w.SetTrustedIssuers(ctx, w.root, "default", []waist.TrustedIssuer{{IssuerURL: "https://idp.example.com", Audiences: []string{"pets"},
		JWKS: json.RawMessage(`{"keys":[{"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kty":"OKP","crv":"Ed25519","kid":"k","use":"sig","alg":"EdDSA"}]}`)}}))(t)
	must(w.CreateSecret(ctx, w.root, control.Secret{ID: "pepper", WorkspaceID: "default", Name: "pepper"}, "a pinch"))(t)
	must(w.CreateIDP(ctx, w.root, oidcIDP("default"), "what proves us there"))(t)
	must(w.UpdateGateway(ctx, w.root, g.ID, control.GatewayUpdate{Name: "AWS", DefaultPolicyID: "block_default_api",
		TokenExchange: &control.TokenExchange{Enabled: true, TrustedIDPs: []string{"example-login"}}}))(t)
}

// pair runs f with two worlds on each engine.
func pair(t *testing.T, f func(t *testing.T, a, b *world)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, newWorld(t, storetest.SQLite(t)), newWorld(t, storetest.SQLite(t))) })
	t.Run("postgres", func(t *testing.T) { f(t, newWorld(t, storetest.Postgres(t)), newWorld(t, storetest.Postgres(t))) })
}

func (w *world) revisionOf(wid string) int64 {
	w.t.Helper()
	n, _, err := w.st.Revision(ctx, control.DefaultTenant, wid)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) audits(wid string) int {
	w.t.Helper()
	all, err := w.st.AuditEvents(ctx, control.DefaultTenant, wid, control.AuditFilter{Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(all)
}

// TestTreeRoundTrip: what one database exports, another one takes in and exports again, as a workspace, a tenant and a dump.
func TestTreeRoundTrip(t *testing.T) {
	pair(t, func(t *testing.T, a, b *world) {
		a.full()
		want := must(a.ExportWorkspace(ctx, a.root, "default", true))(t)
		if len(want.Services["petstore"].APIs) != 3 || len(want.Gateways) != 1 || len(want.Clients["app"].Secret) < 32 {
			t.Fatalf("%s", jsonOf(t, want))
		}
		if err := b.ImportWorkspace(ctx, b.root, "default", document(t, want), updating); err != nil {
			t.Fatalf("%v: %v", err, wrongs(t, err))
		}
		got := must(b.ExportWorkspace(ctx, b.root, "default", true))(t)
		if diff := cmp.Diff(jsonOf(t, want), jsonOf(t, got)); diff != "" {
			t.Errorf("the other database has another workspace:\n%s", diff)
		}
		unchanged(t, b, "default", func() error { return b.ImportWorkspace(ctx, b.root, "default", document(t, want), updating) })
		unchanged(t, b, "default", func() error {
			return b.ImportWorkspace(ctx, b.root, "default", document(t, want), control.ImportOptions{Mode: control.ImportIgnore})
		})
		// The gateway's client moved with its secret: a deployed authorizer goes on working.
		for gid, g := range want.Gateways {
			must(b.AuthenticateClient(ctx, "default", "system", g.Client.ID, g.Client.Secret))(t)
			if groups := must(b.ListGroups(ctx, b.root, gid))(t); len(groups) != 1 || groups[0].ServiceID != "petstore" {
				t.Errorf("%+v", groups)
			}
		}

		tenant := must(a.ExportTenant(ctx, a.root, false))(t)
		if err := b.ImportTenant(ctx, b.root, document(t, tenant), updating); err != nil {
			t.Fatalf("%v: %v", err, wrongs(t, err))
		}
		delete(tenant.Servers["admin"].Clients, a.boot.ClientID) // random in each
		back := must(b.ExportTenant(ctx, b.root, false))(t)
		delete(back.Servers["admin"].Clients, a.boot.ClientID)
		if diff := cmp.Diff(jsonOf(t, tenant), jsonOf(t, back)); diff != "" {
			t.Errorf("the tenant:\n%s", diff)
		}
		dump := must(a.DumpTenant(ctx, a.root, "", true))(t)
		unchanged(t, a, "default", func() error { return a.ImportDump(ctx, a.root, document(t, dump), updating) })
		one := must(a.DumpTenant(ctx, a.root, "default", false))(t)
		if len(one["servers"].([]any)) != 1 || strings.Contains(jsonOf(t, one), "client_secret\"") {
			t.Errorf("%s", jsonOf(t, one))
		}
	})
}

// unchanged runs an import that says what is there: one audit record, and nothing else.
func unchanged(t *testing.T, w *world, wid string, f func() error) {
	t.Helper()
	before := must(w.ExportWorkspace(ctx, w.root, wid, true))(t)
	revision, audits := w.revisionOf(wid), w.audits(wid)
	w.clock.Add(1e9)
	if err := f(); err != nil {
		var e *control.Error
		errors.As(err, &e)
		t.Fatalf("%v %+v", err, e)
	}
	if n := w.revisionOf(wid); n != revision {
		t.Errorf("an import of what is there made revision %d of %d", n, revision)
	}
	if n := w.audits(wid); n != audits+1 && audits < 99 {
		t.Errorf("an import of what is there wrote %d audit records", n-audits)
	}
	if diff := cmp.Diff(jsonOf(t, before), jsonOf(t, must(w.ExportWorkspace(ctx, w.root, wid, true))(t))); diff != "" {
		t.Errorf("an import of what is there changed it:\n%s", diff)
	}
}

// TestTreeListsEveryMistake: one import, all its mistakes by path, and nothing of it is written.
func TestTreeListsEveryMistake(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.full()
		before := jsonOf(t, must(w.ExportTenant(ctx, w.root, true))(t))
		err := w.ImportWorkspace(ctx, w.root, "default", parsed(t, `{"nmae":"x","color":"blue","description":5,"claims":[{"name":"x"}],"access_token_ttl":"soon","type":"admin",
			"policy_execution_points":{"server_user_token":"p"},
			"policies":{"default-new":{"policy_name":"New","language":"rego","definition":"package x {"},
				"nameless":{"validators":[{"name":"true"}]},
				"other":{"id":"another","policy_name":"x","validators":[{"name":"true","cnof":null}]},
				"block_admin_api":{"policy_name":"Taken","validators":[{"name":"false"}]},
				"default-base":{"policy_name":"Base","validators":[{"name":"embedded-policy","conf":{"policy_id":"default-embeds"}}]}},
			"services":{"s1":{"name":"S","type":"oidc"},
				"s2":{"name":"S2","apis":{"a":{"method":"get","path":"/"},"b":{"method":"GET","path":"/b","policy_id":"nope"},"c":{"method":"GET","path":"/b"},
					"d":{"method":"GET","path":"/d","position":"first"}},"scopes":{"users.*":{},"a b":{}}},
				"petstore":{"name":"PetStore","apis":{"e":{"method":"PUT","path":"/typo"}}},"s3":null},
			"scopes_without_service":{"users.*":{}},
			"clients":{"c1":{"client_name":"C","client_secret":"short","jwks_uri":"https://example.com","grant_types":["password"]}},
			"gateways":{"g2":{"name":"G","type":"aws","default_policy_id":"nope","gateway_api_groups":{"x":{"service_id":"nope","metadata":{"type":"azure"}}}}}}`), updating)
		got := wrongs(t, err)
		for _, path := range []string{"nmae", "color", "description", "claims", "access_token_ttl", "type", "policy_execution_points.server_user_token",
			"policies.default-new.definition", "policies.nameless.policy_name", "policies.other.id", "policies.other.validators[0].cnof", "policies.block_admin_api",
			"services.s1.type", "services.s2.apis.a.method", "services.s2.apis.b.policy_id", "services.s2.apis.c", "services.s2.apis.d.position",
			"services.s2.scopes.a b.name", "services.petstore.apis.e", "services.s3", "scopes_without_service.users.*",
			"clients.c1.client_secret", "clients.c1.jwks_uri", "clients.c1.grant_types",
			"gateways.g2", "gateways.g2.default_policy_id", "gateways.g2.gateway_api_groups.x.metadata.type", "gateways.g2.gateway_api_groups.x.service_id"} {
			if got[path] == "" {
				t.Errorf("%s is not named", path)
			}
			delete(got, path)
		}
		for path, problem := range got {
			if !strings.HasPrefix(path, "policies.default-") { // the cycle, at whichever of its policies
				t.Errorf("unexpected: %s %s", path, problem)
			}
		}
		if len(got) == 0 {
			t.Error("the cycle of embedded policies is not named")
		}
		if after := jsonOf(t, must(w.ExportTenant(ctx, w.root, true))(t)); after != before {
			t.Error("a refused import changed something")
		}
	})
}

// TestTreeModes: what is there already stays, stops the import, or becomes as the document says.
func TestTreeModes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.full()
		text := `{"services":{"by-hand":{"name":"Renamed"},"new":{"name":"New"}}}`
		refusedBy := func(mode string) error {
			return w.ImportWorkspace(ctx, w.root, "default", parsed(t, text), control.ImportOptions{Mode: mode})
		}
		refused(t, refusedBy(""), control.Invalid, "invalid_configuration")
		err := refusedBy(control.ImportFail)
		refused(t, err, control.Conflict, "configuration_exists")
		var e *control.Error
		if errors.As(err, &e); len(e.Fields) != 1 || e.Fields["services.by-hand"] == "" {
			t.Errorf("%+v", e)
		}
		if _, _, err := w.GetService(ctx, w.root, "new"); err == nil {
			t.Error("mode fail made a service")
		}
		if err := w.ImportWorkspace(ctx, w.root, "default", parsed(t, text), control.ImportOptions{Mode: control.ImportUpdate, DryRun: true}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.GetService(ctx, w.root, "new"); err == nil {
			t.Error("a dry run made a service")
		}
		if err := refusedBy(control.ImportIgnore); err != nil {
			t.Fatal(err)
		}
		name := func(id string) string {
			s, _, err := w.GetService(ctx, w.root, id)
			if err != nil {
				t.Fatal(err)
			}
			return s.Name
		}
		if name("by-hand") != "By hand" || name("new") != "New" {
			t.Errorf("mode ignore: %s, %s", name("by-hand"), name("new"))
		}
		before := w.revisionOf("default")
		if err := refusedBy(control.ImportUpdate); err != nil {
			t.Fatal(err)
		}
		if name("by-hand") != "Renamed" || w.revisionOf("default") != before+1 {
			t.Errorf("mode update: %s, revision %d after %d", name("by-hand"), w.revisionOf("default"), before)
		}
		if len(must(w.ListAPIsByService(ctx, w.root, "by-hand"))(t)) != 2 {
			t.Error("an import removed APIs that it does not name")
		}
	})
}

// TestTreePatch: a merge patch adds, changes and removes; a JSON patch does the same by operations; the dump by its lists.
func TestTreePatch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.full()
		merge := func(text string) error {
			return w.PatchWorkspace(ctx, w.root, "default", control.MergePatch(parsed(t, text)), updating)
		}
		unchanged(t, w, "default", func() error { return merge(`{}`) })
		// Clients of the published product send zero values.
		unchanged(t, w, "default", func() error {
			return merge(`{"authorization_code_ttl":"0s","cookie_max_age":"0s","idps":null,"claims":[],"policies":{"default-rego":{"definition":"package acp.authz\n\ndefault allow = false"}},
				"services":{"petstore":{"updated_at":"0001-01-01T00:00:00.000Z"}},"clients":{"app":{"created_at":"0001-01-01T00:00:00.000Z","token_ttls":{"access_token_ttl":"0s"}}}}`)
		})
		before := w.revisionOf("default")
		if err := merge(`{"description":"","policies":{"default-cedar":null},"services":{"by-hand":{"apis":null,"scopes":{"hand.read":{"description":"x"}}}},"clients":{"app":null}}`); err != nil {
			t.Fatalf("%v %v", err, wrongs(t, err))
		}
		got := must(w.ExportWorkspace(ctx, w.root, "default", false))(t)
		if *got.Description != "" || len(got.Policies) != 15 || len(got.Services["by-hand"].APIs) != 0 || len(got.Services["by-hand"].Scopes) != 1 || len(got.Clients) != 0 ||
			w.revisionOf("default") != before+1 {
			t.Errorf("%s", jsonOf(t, got))
		}
		wrong := wrongs(t, merge(`{"policies":{"default-rego":null,"default-base":null},"gateways":{`+gatewayKey(got)+`:{"gateway_api_groups":{"a1b2c3-dev":null}}}}`))
		if wrong["policies.default-rego"] == "" || wrong["policies.default-embeds.validators[0].conf.policy_id"] == "" && len(wrong) < 3 || len(wrong) < 3 {
			t.Errorf("%v", wrong)
		}

		op := func(text string) error {
			patch, err := control.JSONPatch(parsed(t, text))
			if err != nil {
				return err
			}
			return w.PatchWorkspace(ctx, w.root, "default", patch, updating)
		}
		if err := op(`[{"op":"test","path":"/name","value":"Demo"},{"op":"replace","path":"/name","value":"Demo 2"},{"op":"copy","from":"/policies/default-rego","path":"/policies/default-copy"},
			{"op":"remove","path":"/policies/default-embeds"}]`); err != nil {
			t.Fatalf("%v %v", err, wrongs(t, err))
		}
		refused(t, op(`[{"op":"test","path":"/name","value":"Demo"}]`), control.Invalid, "invalid_patch")
		if err := w.PatchTenant(ctx, w.root, control.MergePatch(parsed(t, `{"servers":{"default":{"color":"#112233"}}}`)), updating); err != nil {
			t.Fatal(err)
		}
		if wrong := wrongs(t, w.PatchTenant(ctx, w.root, control.MergePatch(parsed(t, `{"servers":{"default":null}}`)), updating)); wrong["servers.default"] == "" {
			t.Errorf("%v", wrong)
		}
		dumpPatch := must(control.JSONPatch(parsed(t, `[{"op":"add","path":"/services/-","value":{"id":"fresh","authorization_server_id":"default","name":"Fresh","apis":[{"method":"GET","path":"/f"}]}}]`)))(t)
		if err := w.PatchDump(ctx, w.root, dumpPatch, updating); err != nil {
			t.Fatalf("%v %v", err, wrongs(t, err))
		}
		got = must(w.ExportWorkspace(ctx, w.root, "default", false))(t)
		if *got.Name != "Demo 2" || *got.Color != "#112233" || got.Policies["default-copy"].Language != "rego" || len(got.Services["fresh"].APIs) != 1 {
			t.Errorf("%s", jsonOf(t, got))
		}
	})
}

func gatewayKey(t control.TreeServer) string {
	for id := range t.Gateways {
		return fmt.Sprintf("%q", id)
	}
	return ""
}

// TestTreeUnbindsAndRebinds: the binding is the group's service_id; what was protected stays so.
func TestTreeUnbindsAndRebinds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.full()
		gid := gatewayKey(must(w.ExportWorkspace(ctx, w.root, "default", false))(t))
		bind := func(service string) error {
			return w.ImportWorkspace(ctx, w.root, "default", parsed(t, `{"gateways":{`+gid+`:{"name":"AWS","type":"aws","default_policy_id":"block_default_api",
				"gateway_api_groups":{"a1b2c3-dev":{"service_id":"`+service+`"}}}}}`), updating)
		}
		if err := bind("by-hand"); err != nil {
			t.Fatalf("%v %v", err, wrongs(t, err))
		}
		if all := must(w.ListAPIsByService(ctx, w.root, "petstore"))(t); len(all) != 0 {
			t.Errorf("the service that lost its group has %+v", all)
		}
		if x, ok := w.api("by-hand", "GET", "/pets"); !ok || x.PolicyID != "default-rego" {
			t.Errorf("binding opened %+v", x)
		}
		if _, ok := w.api("by-hand", "POST", "/a"); ok {
			t.Error("an API made by hand is still there")
		}
		if err := bind(""); err != nil {
			t.Fatal(err)
		}
		if all := must(w.ListAPIsByService(ctx, w.root, "by-hand"))(t); len(all) != 0 {
			t.Errorf("after unbinding: %+v", all)
		}
	})
}

// TestTreeMakesWorkspace: with the default policies, unless the document says which it has; only for who may make one.
func TestTreeMakesWorkspace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if err := w.ImportWorkspace(ctx, w.root, "born", parsed(t, `{"name":"Born","services":{"b":{"name":"B"}}}`), control.ImportOptions{Mode: control.ImportFail}); err != nil {
			t.Fatal(err)
		}
		if all := must(w.ListPolicies(ctx, w.root, "born", nil))(t); len(all) != 12 {
			t.Errorf("%+v", all)
		}
		if keys := must(w.SigningKeys(ctx, "default", "born"))(t); len(keys) == 0 {
			t.Error("no signing key")
		}
		if err := w.ImportWorkspace(ctx, w.root, "bare", parsed(t, `{"policies":{}}`), updating); err != nil {
			t.Fatal(err)
		}
		if all := must(w.ListPolicies(ctx, w.root, "bare", nil))(t); len(all) != 0 {
			t.Errorf("%+v", all)
		}
		if wrong := wrongs(t, w.ImportWorkspace(ctx, w.root, "Not An Id", parsed(t, `{}`), updating)); wrong["id"] == "" {
			t.Errorf("%v", wrong)
		}
		manager := control.Actor{Kind: control.UserActor, ID: "m", TenantID: "default", Role: control.Manager}
		refused(t, w.ImportWorkspace(ctx, manager, "mine", parsed(t, `{}`), updating), control.Forbidden, "insufficient_role")
		refused(t, w.ImportWorkspace(ctx, manager, "admin", parsed(t, `{"clients":{"mine":{"client_name":"x"}}}`), updating), control.Forbidden, "insufficient_role")
		_, err := w.ExportWorkspace(ctx, manager, "system", true)
		refused(t, err, control.Forbidden, "insufficient_role")
	})
}

// TestTreeScopes: a client of the system workspace reads with one scope and writes with the other.
func TestTreeScopes(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	with := func(scopes ...string) control.Actor {
		return control.Actor{Kind: control.GatewayActor, ID: "ci", TenantID: "default", Scopes: scopes}
	}
	reader, writer, gateway := with(control.ScopeReadTree), with(control.ScopeManageTree), with(gateWayScopes...)
	must(w.ExportWorkspace(ctx, reader, "default", false))(t)
	must(w.ExportTenant(ctx, writer, true))(t)
	must(w.DumpTenant(ctx, writer, "", true))(t)
	_, err := w.ExportWorkspace(ctx, reader, "default", true)
	refused(t, err, control.Forbidden, "insufficient_scope")
	_, err = w.DumpTenant(ctx, reader, "", true)
	refused(t, err, control.Forbidden, "insufficient_scope")
	_, err = w.ExportTenant(ctx, gateway, false)
	refused(t, err, control.Forbidden, "insufficient_scope")
	for _, a := range []control.Actor{reader, gateway} {
		refused(t, w.ImportTenant(ctx, a, map[string]any{}, updating), control.Forbidden, "insufficient_scope")
		refused(t, w.ImportWorkspace(ctx, a, "default", map[string]any{}, updating), control.Forbidden, "insufficient_scope")
	}
	if err := w.ImportWorkspace(ctx, writer, "admin", parsed(t, `{"clients":{"mine":{"client_name":"x"}}}`), updating); err != nil {
		t.Error(err)
	}
	if wrong := wrongs(t, w.ImportWorkspace(ctx, writer, "system", parsed(t, `{"clients":{"fake":{"client_name":"x","scopes":["read_gateway_configuration"]}}}`), updating)); wrong["clients.fake.scopes"] == "" {
		t.Errorf("%v", wrong)
	}
}

// TestTreeClientsWithoutSecret: a client that becomes public loses its secret, one that stops being public gets one.
func TestTreeClientsWithoutSecret(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		take := func(method, more string) error {
			return w.ImportWorkspace(ctx, w.root, "default", parsed(t, `{"clients":{"app":{"client_name":"App","token_endpoint_auth_method":"`+method+`","grant_types":["authorization_code"],
				"redirect_uris":["https://app.example.com/cb"]`+more+`}}}`), updating)
		}
		secret := func() string { return must(w.ClientSecret(ctx, w.root, "app"))(t) }
		if err := take("none", ""); err != nil {
			t.Fatalf("%v %v", err, wrongs(t, err))
		}
		if secret() != "" {
			t.Error("a public client has a secret")
		}
		if err := take("client_secret_basic", ""); err != nil || len(secret()) < 32 {
			t.Errorf("%v, secret of %d characters", err, len(secret()))
		}
		if err := take("none", ""); err != nil || secret() != "" {
			t.Errorf("%v", err)
		}
		if wrong := wrongs(t, take("none", `,"client_secret":"a secret of 32 characters, at the least"`)); wrong["clients.app.client_secret"] == "" {
			t.Errorf("%v", wrong)
		}
	})
}

// TestTreeKeepsTheBudget: an import is no way around what a workspace's policies may cost.
func TestTreeKeepsTheBudget(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t), func(o *admin.Options) { o.PolicyBudget = policy.Budget{Bytes: 2000, Steps: 500} })
	take := func(definition string) error {
		return w.ImportWorkspace(ctx, w.root, "default", map[string]any{"policies": map[string]any{"p": map[string]any{"policy_name": "P", "language": "rego", "definition": definition}}}, updating)
	}
	const start = "package acp.authz\n\ndefault allow = false\n"
	if err := take(start); err != nil {
		t.Fatal(err)
	}
	if wrong := wrongs(t, take(start+strings.Repeat("# long\n", 400))); wrong["policies"] == "" {
		t.Errorf("%v", wrong)
	}
	loops := start + "allow {\n\tx := numbers.range(1, 100)[_]\n\ty := numbers.range(1, 100)[_]\n\tx + y == 500\n}\n"
	if wrong := wrongs(t, take(loops)); wrong["policies.p.definition"] == "" {
		t.Errorf("%v", wrong)
	}
	if p := must(w.GetPolicy(ctx, w.root, "p"))(t); p.Definition != start {
		t.Errorf("a refused import changed the policy to %q", p.Definition)
	}
}

// TestConfigurationClients: only admins make and see the clients that may replace the configuration of the tenant.
func TestConfigurationClients(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	in := control.Client{WorkspaceID: "system", Name: "CI", Scopes: []string{control.ScopeManageTree}}
	manager := control.Actor{Kind: control.UserActor, ID: "m", TenantID: "default", Role: control.Manager}
	_, _, err := w.CreateClient(ctx, manager, in, "")
	refused(t, err, control.Forbidden, "insufficient_role")
	c, _, err := w.CreateClient(ctx, w.root, in, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.ClientSecret(ctx, manager, c.ID)
	refused(t, err, control.Forbidden, "insufficient_role")
	must(w.ClientSecret(ctx, w.root, c.ID))(t)
	for _, scopes := range [][]string{nil, {control.ScopeReadConfiguration}, {control.ScopeManageTree, control.ScopeWriteConfiguration}} {
		in.Scopes = scopes
		_, _, err := w.CreateClient(ctx, w.root, in, "")
		refused(t, err, control.Malformed, "system_workspace")
	}
}

// TestTreeHasEveryMember: a member that a noun gains is in the tree, or listed here as one that does not belong there.
func TestTreeHasEveryMember(t *testing.T) {
	elsewhere := map[string]string{
		"Workspace": "id tenant_id created_at updated_at", "Service": "id tenant_id authorization_server_id updated_at audience",
		"Scope": "id tenant_id authorization_server_id service_id name", "Client": "client_id tenant_id authorization_server_id system created_at updated_at",
		"IDP": "id tenant_id server_id created_at updated_at",
		"API": "id tenant_id server_id service_id", "Policy": "id tenant_id server_id",
		"Gateway":  "id tenant_id authorization_server_id client_id last_active",
		"APIGroup": "id tenant_id server_id gateway_id last_seen",
	}
	for _, p := range [][2]reflect.Type{
		{reflect.TypeFor[control.Workspace](), reflect.TypeFor[control.TreeServer]()},
		{reflect.TypeFor[control.Service](), reflect.TypeFor[control.TreeService]()},
		{reflect.TypeFor[control.Scope](), reflect.TypeFor[control.TreeScope]()},
		{reflect.TypeFor[control.Client](), reflect.TypeFor[control.TreeClient]()},
		{reflect.TypeFor[control.IDP](), reflect.TypeFor[control.TreeIDP]()},
		{reflect.TypeFor[control.API](), reflect.TypeFor[control.TreeAPI]()},
		{reflect.TypeFor[control.Policy](), reflect.TypeFor[control.TreePolicy]()},
		{reflect.TypeFor[control.Gateway](), reflect.TypeFor[control.TreeGateway]()},
		{reflect.TypeFor[control.APIGroup](), reflect.TypeFor[control.TreeGroup]()},
	} {
		have := map[string]bool{}
		for i := range p[1].NumField() {
			name, _, _ := strings.Cut(p[1].Field(i).Tag.Get("json"), ",")
			have[name] = true
		}
		for _, name := range strings.Fields(elsewhere[p[0].Name()]) {
			have[name] = true
		}
		for i := range p[0].NumField() {
			if name, _, _ := strings.Cut(p[0].Field(i).Tag.Get("json"), ","); name != "-" && !have[name] {
				t.Errorf("%s has the member %s, which its tree does not have", p[0].Name(), name)
			}
		}
	}
}

// drawTree is a workspace that is valid in itself.
func drawTree(t *rapid.T) control.TreeServer {
	word := rapid.StringMatching(`[a-z][a-z0-9]{0,8}`)
	text := rapid.StringMatching(`[A-Za-zäöü"'<&% ]{0,12}`)
	name := rapid.StringMatching(`[A-Za-zäöü"'<&%][A-Za-zäöü"'<&% ]{0,12}`)
	some := func(label string) map[string]bool {
		out := map[string]bool{}
		for _, id := range rapid.SliceOfN(word, 0, 4).Draw(t, label) {
			out[label+id] = true
		}
		return out
	}
	tree := control.TreeServer{Services: map[string]control.TreeService{}, Policies: map[string]control.TreePolicy{}, Clients: map[string]control.TreeClient{},
		Gateways: map[string]control.TreeGateway{}, ScopesWithoutService: map[string]control.TreeScope{}}
	n, d := name.Draw(t, "name"), text.Draw(t, "description")
	tree.Name, tree.Description = &n, &d
	policyIDs := []string{""}
	for id := range some("p") {
		p := control.TreePolicy{PolicyName: name.Draw(t, "policy"), Language: "cloudentity", Type: "api",
			Validators: []waist.Validator{{Name: "attributes", Conf: json.RawMessage(`{"fields":[{"field":"authnCtx.sub","comparator":"equals","value":` + jsonString(text.Draw(t, "value")) + `}]}`)}}}
		if rapid.Bool().Draw(t, "rego") {
			p = control.TreePolicy{PolicyName: p.PolicyName, Language: "rego", Type: "api", Definition: "package acp.authz\n\ndefault allow = false\n# " + text.Draw(t, "comment") + "\n"}
		}
		tree.Policies[id] = p
		policyIDs = append(policyIDs, id)
	}
	one := func() string { return rapid.SampledFrom(policyIDs).Draw(t, "policy id") }
	for id := range some("s") {
		s := control.TreeService{Name: name.Draw(t, "service"), Description: text.Draw(t, "of service"), APIs: map[string]control.TreeAPI{}, Scopes: map[string]control.TreeScope{}}
		for i, path := range rapid.SliceOfNDistinct(word, 0, 5, func(s string) string { return s }).Draw(t, "paths") {
			s.APIs[fmt.Sprintf("%s-%d", id, i)] = control.TreeAPI{Method: rapid.SampledFrom([]string{"GET", "ANY", "POST"}).Draw(t, "method"), Path: "/" + path + "/{id}", PolicyID: one(),
				DataClassifications: []string{"PII"}[:rapid.IntRange(0, 1).Draw(t, "classes")]}
		}
		s.Scopes[id+".read"] = control.TreeScope{DisplayName: text.Draw(t, "display"), Implicit: rapid.Bool().Draw(t, "implicit")}
		tree.Services[id] = s
	}
	for id := range some("c") {
		tree.Clients[id] = control.TreeClient{Name: name.Draw(t, "client"), Scopes: []string{"x"}, Secret: "a secret of 32 characters, at the least", Trusted: rapid.Bool().Draw(t, "trusted")}
	}
	if rapid.Bool().Draw(t, "gateway") {
		g := control.TreeGateway{Name: name.Draw(t, "gateway"), Type: "aws", AutoBind: rapid.Bool().Draw(t, "auto"), DefaultPolicyID: one(), Groups: map[string]control.TreeGroup{}}
		for id, s := range tree.Services {
			if !rapid.Bool().Draw(t, "bound") {
				continue
			}
			group := control.TreeGroup{Name: id + "/dev", ServiceID: id, Metadata: waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: "api" + id, Stage: "dev", Region: "eu-west-1"}}}
			for _, x := range s.APIs {
				group.APIs = append(group.APIs, waist.GatewayAPI{Method: x.Method, Path: x.Path})
			}
			g.Groups["api"+id+"-dev"] = group
		}
		tree.Gateways["g1"] = g
	}
	return tree
}

func jsonString(s string) string { b, _ := json.Marshal(s); return string(b) }

// TestTreeRoundTripProperty: any workspace, taken in by one database and exported, is the same in another, and taking it in
// again changes nothing.
func TestTreeRoundTripProperty(t *testing.T) {
	pair(t, func(t *testing.T, a, b *world) {
		rapid.Check(t, func(rt *rapid.T) {
			tree := drawTree(rt)
			take := func(w *world, v any) {
				if err := w.ImportWorkspace(ctx, w.root, "drawn", document(t, v), updating); err != nil {
					var e *control.Error
					errors.As(err, &e)
					rt.Fatalf("%v %+v\n%s", err, e, jsonOf(t, v))
				}
			}
			take(a, tree)
			want := must(a.ExportWorkspace(ctx, a.root, "drawn", true))(t)
			if len(want.Policies) != len(tree.Policies) || len(want.Services) != len(tree.Services) || len(want.Clients) != len(tree.Clients) {
				rt.Fatalf("something was lost:\n%s", jsonOf(t, want))
			}
			take(b, want)
			if diff := cmp.Diff(jsonOf(t, want), jsonOf(t, must(b.ExportWorkspace(ctx, b.root, "drawn", true))(t))); diff != "" {
				rt.Fatalf("%s", diff)
			}
			revision := b.revisionOf("drawn")
			take(b, want)
			if n := b.revisionOf("drawn"); n != revision {
				rt.Fatalf("taken in again it is revision %d after %d", n, revision)
			}
			for _, w := range []*world{a, b} {
				if err := w.DeleteWorkspace(ctx, w.root, "drawn"); err != nil {
					rt.Fatal(err)
				}
			}
		})
	})
}
