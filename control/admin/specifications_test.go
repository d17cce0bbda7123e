package admin_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"portcullis/control"
	"portcullis/control/admin"
	"portcullis/control/outbound"
	"portcullis/control/store/storetest"
)

// openAPI writes an OpenAPI document of "GET /pets" and the like.
func openAPI(methods ...string) control.SpecificationImport {
	var b strings.Builder
	b.WriteString("openapi: 3.0.0\ninfo: {title: PetStore}\npaths:\n")
	byPath := map[string][]string{}
	for _, m := range methods {
		method, path, _ := strings.Cut(m, " ")
		byPath[path] = append(byPath[path], method)
	}
	for path, all := range byPath {
		fmt.Fprintf(&b, "  %q:\n", path)
		for _, m := range all {
			fmt.Fprintf(&b, "    %s: {}\n", strings.ToLower(m))
		}
	}
	return control.SpecificationImport{Text: []byte(b.String()), Source: "petstore.yaml"}
}

func names(apis []control.API) string {
	out := []string{}
	for _, x := range apis {
		out = append(out, strings.TrimSpace(x.Method+" "+x.Path+" "+x.PolicyID))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// service makes a service of the workspace default.
func (w *world) service(name string) control.Service {
	w.t.Helper()
	return must(w.CreateService(ctx, w.root, control.Service{WorkspaceID: "default", Name: name}))(w.t)
}

// protect assigns the policy that blocks.
func (w *world) protect(sid, method, path string) {
	w.t.Helper()
	x, ok := w.api(sid, method, path)
	if !ok {
		w.t.Fatalf("%s %s is not there", method, path)
	}
	must(w.UpdateAPI(ctx, w.root, x.ID, control.APIUpdate{PolicyID: "block_default_api", DataClassifications: []string{"PII"}}))(w.t)
}

// TestSpecification walks the life of a specification: imported, changed, changed back, removed.
func TestSpecification(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sid := w.service("PetStore").ID
		must(w.CreateAPI(ctx, w.root, control.API{ServiceID: sid, Method: "GET", Path: "/by-hand"}))(t)
		must(w.CreateAPI(ctx, w.root, control.API{ServiceID: sid, Method: "GET", Path: "/pets", PolicyID: "block_default_api"}))(t)

		first := openAPI("GET /pets", "POST /pets", "GET /pets/{petId}")
		dry := first
		dry.DryRun = true
		preview := must(w.ImportSpecification(ctx, w.root, sid, dry))(t)
		if !preview.DryRun || names(preview.CreatedAPIs) != "GET /pets/{petId}, POST /pets" || names(preview.RemovedAPIs) != "GET /by-hand" || preview.UnchangedAPIs != 1 {
			t.Errorf("dry run: %+v", preview)
		}
		if s, _, _ := w.GetService(ctx, w.root, sid); s.WithSpecification || len(must(w.ListAPIsByService(ctx, w.root, sid))(t)) != 2 {
			t.Error("a dry run changed something")
		}
		w.clock.Add(time.Second)
		got := must(w.ImportSpecification(ctx, w.root, sid, first))(t)
		if names(got.CreatedAPIs) != names(preview.CreatedAPIs) || names(got.RemovedAPIs) != names(preview.RemovedAPIs) || got.DryRun {
			t.Errorf("%+v, previewed %+v", got, preview)
		}
		all := must(w.ListAPIsByService(ctx, w.root, sid))(t)
		if names(all) != "GET /pets block_default_api, GET /pets/{petId}, POST /pets" {
			t.Errorf("%s", names(all))
		}
		for i, x := range all {
			if x.Position != i+1 || x.ServerID != "default" || !x.CanHavePolicy {
				t.Errorf("%+v", x)
			}
		}
		if s, _, _ := w.GetService(ctx, w.root, sid); !s.WithSpecification {
			t.Error("with_specification is not set")
		}
		events := must(w.st.AuditEvents(ctx, "default", "default", control.AuditFilter{Limit: 1}))(t)
		if e := events[0]; e.Subject != "service" || e.Action != "specification_imported" || e.TargetID != sid || !strings.Contains(string(e.After), `"petstore.yaml"`) ||
			!strings.Contains(string(e.After), `"GET /by-hand"`) {
			t.Errorf("%+v %s", e, e.After)
		}
		// The same again writes nothing.
		w.clock.Add(time.Second)
		if again := must(w.ImportSpecification(ctx, w.root, sid, first))(t); again.UnchangedAPIs != 3 || len(again.CreatedAPIs)+len(again.RemovedAPIs) != 0 {
			t.Errorf("%+v", again)
		}
		if now := must(w.st.AuditEvents(ctx, "default", "default", control.AuditFilter{Limit: 1}))(t); now[0].ID != events[0].ID {
			t.Error("an import that changes nothing is audited")
		}

		// What the specification made is its own.
		_, err := w.CreateAPI(ctx, w.root, control.API{ServiceID: sid, Method: "GET", Path: "/more"})
		refused(t, err, control.Malformed, "specification_imported")
		x, _ := w.api(sid, "POST", "/pets")
		refused(t, w.DeleteAPI(ctx, w.root, x.ID), control.Malformed, "specification_imported")

		// A protected method that vanishes is set aside and returns protected.
		w.protect(sid, "GET", "/pets/{petId}")
		got = must(w.ImportSpecification(ctx, w.root, sid, openAPI("GET /pets")))(t)
		if names(got.RemovedAPIs) != "POST /pets" || names(got.SetAsideAPIs) != "GET /pets/{petId} block_default_api" || len(got.NotRemovedPolicies) != 1 {
			t.Errorf("%+v", got)
		}
		if names(must(w.ListAPIsByService(ctx, w.root, sid))(t)) != "GET /pets block_default_api" {
			t.Errorf("%s", names(must(w.ListAPIsByService(ctx, w.root, sid))(t)))
		}
		refused(t, w.DeletePolicy(ctx, w.root, "block_default_api"), control.Malformed, "policy_in_use")
		got = must(w.ImportSpecification(ctx, w.root, sid, first))(t)
		if names(got.CreatedAPIs) != "GET /pets/{petId} block_default_api, POST /pets" {
			t.Errorf("%+v", got)
		}
		if x, _ := w.api(sid, "GET", "/pets/{petId}"); x.PolicyID != "block_default_api" || !slices.Equal(x.DataClassifications, []string{"PII"}) {
			t.Errorf("%+v", x)
		}

		// One that is set aside may be deleted by hand.
		must(w.ImportSpecification(ctx, w.root, sid, openAPI("GET /pets", "POST /pets")))(t)
		gone := x
		for _, s := range must(w.ListServiceAPIs(ctx, w.root, "default"))(t) {
			for _, a := range s.APIs {
				if a.Gone {
					gone = a.API
				}
			}
		}
		if err := w.DeleteAPI(ctx, w.root, gone.ID); err != nil {
			t.Error(err)
		}
		got = must(w.ImportSpecification(ctx, w.root, sid, first))(t)
		if names(got.CreatedAPIs) != "GET /pets/{petId}" {
			t.Errorf("after deleting it: %s", names(got.CreatedAPIs))
		}

		removed := must(w.RemoveSpecification(ctx, w.root, sid))(t)
		if names(removed.RemovedAPIs) != "GET /pets block_default_api, GET /pets/{petId}, POST /pets" || len(removed.NotRemovedPolicies) != 1 || len(removed.RemovedPolicies) != 0 {
			t.Errorf("%+v", removed)
		}
		if s, _, _ := w.GetService(ctx, w.root, sid); s.WithSpecification || len(must(w.ListAPIsByService(ctx, w.root, sid))(t)) != 0 {
			t.Error("something is left")
		}
		_, err = w.RemoveSpecification(ctx, w.root, sid)
		refused(t, err, control.Malformed, "no_specification")
		must(w.CreateAPI(ctx, w.root, control.API{ServiceID: sid, Method: "GET", Path: "/more"}))(t)
	})
}

// TestSpecificationRefused: nothing changes when the document or the service cannot be used.
func TestSpecificationRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sid := w.service("PetStore").ID
		must(w.ImportSpecification(ctx, w.root, sid, openAPI("GET /pets")))(t)
		_, err := w.ImportSpecification(ctx, w.root, sid, openAPI("GET /pets", "GET /a{"))
		refused(t, err, control.Invalid, "invalid_specification")
		_, err = w.ImportSpecification(ctx, w.root, sid, control.SpecificationImport{Text: []byte("hello")})
		refused(t, err, control.Invalid, "invalid_specification")
		if names(must(w.ListAPIsByService(ctx, w.root, sid))(t)) != "GET /pets" {
			t.Error("a refused document changed something")
		}
		_, err = w.ImportSpecification(ctx, w.root, "nowhere", openAPI("GET /pets"))
		refused(t, err, control.NotFound, "not_found")

		g, authorizer := w.gateway()
		group := petStore("GET", "/pets")
		must(w.SetInventory(ctx, authorizer, inventory(group)))(t)
		bound := w.service("Bound").ID
		must(w.BindGroup(ctx, w.root, g.ID, group.ID, bound))(t)
		_, err = w.ImportSpecification(ctx, w.root, bound, openAPI("GET /pets"))
		refused(t, err, control.Malformed, "service_bound")
		_, err = w.RemoveSpecification(ctx, w.root, bound)
		refused(t, err, control.Malformed, "service_bound")
		for _, s := range must(w.ListServices(ctx, w.root, "default"))(t) {
			if s.System {
				_, err = w.ImportSpecification(ctx, w.root, s.ID, openAPI("GET /pets"))
				refused(t, err, control.Malformed, "system_service")
			}
		}
	})
}

// TestSpecificationThenBound: policies assigned to a specification's APIs are in force once the real API is bound, although
// its parameters have other names; what was set aside counts too.
func TestSpecificationThenBound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sid := w.service("PetStore").ID
		must(w.ImportSpecification(ctx, w.root, sid, openAPI("GET /pets", "GET /pets/{id}", "DELETE /pets/{id}")))(t)
		w.protect(sid, "GET", "/pets/{id}")
		w.protect(sid, "DELETE", "/pets/{id}")
		must(w.ImportSpecification(ctx, w.root, sid, openAPI("GET /pets", "GET /pets/{id}")))(t)

		g, authorizer := w.gateway()
		group := petStore("GET", "/pets", "GET", "/pets/{petId}", "DELETE", "/pets/{petId}")
		must(w.SetInventory(ctx, authorizer, inventory(group)))(t)
		must(w.BindGroup(ctx, w.root, g.ID, group.ID, sid))(t)
		if got := names(must(w.ListAPIsByService(ctx, w.root, sid))(t)); got != "DELETE /pets/{petId} block_default_api, GET /pets, GET /pets/{petId} block_default_api" {
			t.Errorf("%s", got)
		}
		if s, _, _ := w.GetService(ctx, w.root, sid); s.WithSpecification {
			t.Error("the specification is not dropped by binding")
		}
	})
}

// TestSpecificationInTree: a workspace with a specification, and a method set aside, is exported and imported unchanged.
func TestSpecificationInTree(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sid := w.service("PetStore").ID
		must(w.ImportSpecification(ctx, w.root, sid, openAPI("GET /pets", "GET /pets/{id}")))(t)
		w.protect(sid, "GET", "/pets/{id}")
		must(w.ImportSpecification(ctx, w.root, sid, openAPI("GET /pets")))(t)
		tree := must(w.ExportWorkspace(ctx, w.root, "default", false))(t)
		if !tree.Services[sid].WithSpecification || len(tree.Services[sid].APIs) != 2 {
			t.Fatalf("%+v", tree.Services[sid])
		}
		var left int
		for _, x := range tree.Services[sid].APIs {
			if x.Gone {
				left++
			}
		}
		if left != 1 {
			t.Fatalf("%+v", tree.Services[sid].APIs)
		}
		unchanged(t, w, "default", func() error { return w.ImportWorkspace(ctx, w.root, "default", document(t, tree), updating) })
		got := must(w.ImportSpecification(ctx, w.root, sid, openAPI("GET /pets", "GET /pets/{id}")))(t)
		if names(got.CreatedAPIs) != "GET /pets/{id} block_default_api" {
			t.Errorf("%+v", got)
		}
	})
}

// TestSpecificationFromURL: authorised before anything is fetched, and audited without the URL's query.
func TestSpecificationFromURL(t *testing.T) {
	asked := 0
	site := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked++
		rw.Write(openAPI("GET /pets").Text)
	}))
	t.Cleanup(site.Close)
	client := outbound.Client(outbound.Options{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, TLS: site.Client().Transport.(*http.Transport).TLSClientConfig})
	w := newWorld(t, storetest.SQLite(t), func(o *admin.Options) { o.Outbound = client })
	sid := w.service("PetStore").ID
	auditor := control.Actor{Kind: control.UserActor, ID: "x", TenantID: control.DefaultTenant, Role: control.Auditor}
	_, err := w.ImportSpecificationFromURL(ctx, auditor, sid, site.URL, true)
	refused(t, err, control.Forbidden, "insufficient_role")
	_, err = w.ImportSpecificationFromURL(ctx, w.root, "nowhere", site.URL, true)
	refused(t, err, control.NotFound, "not_found")
	if asked != 0 {
		t.Fatal("fetched for somebody who may not")
	}
	if r := must(w.ImportSpecificationFromURL(ctx, w.root, sid, site.URL+"/spec?token=secret", true))(t); names(r.CreatedAPIs) != "GET /pets" || !r.DryRun {
		t.Errorf("%+v", r)
	}
	w.clock.Add(time.Second)
	must(w.ImportSpecificationFromURL(ctx, w.root, sid, site.URL+"/spec?token=secret", false))(t)
	e := must(w.st.AuditEvents(ctx, "default", "default", control.AuditFilter{Limit: 1}))(t)[0]
	if !strings.Contains(string(e.After), site.URL+"/spec") || strings.Contains(string(e.After), "secret") {
		t.Errorf("%s", e.After)
	}
	_, err = newWorld(t, storetest.SQLite(t)).ImportSpecificationFromURL(context.Background(), w.root, sid, site.URL, true)
	if control.KindOf(err) != control.NotFound { // another world: no such service, and no fetch
		t.Error(err)
	}
	w = newWorld(t, storetest.SQLite(t))
	_, err = w.ImportSpecificationFromURL(ctx, w.root, w.service("PetStore").ID, site.URL, true)
	refused(t, err, control.Invalid, "specification_not_fetched")
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}
