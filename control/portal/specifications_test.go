package portal_test

import (
	"bytes"
	"mime/multipart"
	"strings"
	"testing"

	"portcullis/control"
)

const petSpec = "openapi: 3.0.3\npaths:\n  /pets: {get: {}, post: {}}\n  /pets/{petId}: {get: {}}\n"

// upload posts a form of multipart/form-data; a name that begins with @ is a file's.
func (b *browser) upload(path string, fields ...string) page {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := 0; i+1 < len(fields); i += 2 {
		if name, isFile := strings.CutPrefix(fields[i], "@"); isFile {
			part := must(w.CreateFormFile(name, "petstore.yaml"))(b.t)
			must(part.Write([]byte(fields[i+1])))(b.t)
		} else if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			b.t.Fatal(err)
		}
	}
	w.Close()
	return b.send("POST", path, body.String(), "Content-Type", w.FormDataContentType())
}

// TestImportOpenAPI: look, import, change, and take away again, with a file and with pasted text.
func TestImportOpenAPI(t *testing.T) {
	w := newWorld(t)
	svc := must(w.admin.CreateService(t.Context(), w.operator, control.Service{WorkspaceID: "default", Name: "Pets to be"}))(t)
	b := w.signedIn("admin", password)
	address := "/app/default/services/" + svc.ID + "/import"
	b.get("/app/default/apis/authorization").wants(200, "Pets to be").has(`href="` + address + `"`)
	b.get(address).wants(200, "Import OpenAPI", "Pets to be", "Show what changes").lacks("Remove specification")

	// Looking changes nothing, and brings the document along.
	p := b.upload(address, "@file", petSpec, "url", "", "text", "", "action", "preview")
	p.wants(200, "What changes", "New 3", "/pets/{petId}", "petstore.yaml", "0 APIs unchanged").has("/pets: {get: {}, post: {}}", `name="source" value="petstore.yaml"`)
	if _, ok := find(t, w, svc.ID, "GET", "/pets"); ok {
		t.Fatal("looking imported it")
	}
	p = b.upload(address, "text", petSpec, "source", "petstore.yaml", "url", "", "action", "import")
	if !strings.HasPrefix(p.path, "/app/default/apis/authorization") {
		t.Errorf("after the import the browser is at %s", p.path)
	}
	p.wants(200, "Specification imported.", "From a specification")
	api, ok := find(t, w, svc.ID, "GET", "/pets/{petId}")
	if !ok {
		t.Fatal("nothing was imported")
	}
	must(w.admin.UpdateAPI(t.Context(), w.operator, api.ID, control.APIUpdate{PolicyID: "block_default_api"}))(t)

	b.upload(address, "text", "openapi: 3.0.3\npaths: {/pets: {get: {}}}", "action", "preview").
		wants(200, "Set aside 1", "block_default_api", "Removed 1", "1 API unchanged")
	b.upload(address, "text", "openapi: 3.0.3\npaths: {/pets: {get: {}}}", "action", "import")
	b.get("/app/default/apis/authorization").wants(200, "Gone, kept for its policy")
	b.upload(address, "text", "openapi: 3.0.3\npaths: {/pets: {get: {}}}", "action", "preview").wants(200, "Nothing: the service has the 1 API")

	for _, c := range []struct {
		fields []string
		status int
		words  string
	}{
		{[]string{"text", ""}, 422, "Paste a document, choose a file, or give a URL."},
		{[]string{"text", petSpec, "@file", petSpec}, 422, "leave one of them out"},
		{[]string{"text", petSpec, "url", "https://example.com/"}, 422, "leave one of them out"},
		{[]string{"text", "openapi: 3.0.3\npaths:\n  pets: {get: {}}\n"}, 422, "line 3: path must begin with /"},
		{[]string{"url", "https://10.0.0.1/spec"}, 422, "not a public one"},
		{[]string{"url", "http://example.com/spec"}, 422, "https://"},
		{[]string{"text", strings.Repeat(" ", 14<<20)}, 413, "too large"},
	} {
		b.upload(address, append(c.fields, "action", "import")...).wants(c.status, c.words)
	}
	// Without a file the form may come as any other.
	b.post(address, "text", petSpec, "action", "preview").wants(200, "New 2")
	b.send("POST", address, "--x", "Content-Type", "multipart/form-data; boundary=x").wants(400, "could not be read")

	b.get(address).wants(200, "Remove specification").lacks("/specification/delete")
	b.get(address+"?ask=remove").wants(200, "Remove the specification of Pets to be?").has("/specification/delete")
	b.post("/app/default/services/"+svc.ID+"/specification/delete").wants(200, "Specification removed")
	if _, ok := find(t, w, svc.ID, "GET", "/pets"); ok {
		t.Error("the specification's APIs are still there")
	}
	b.post("/app/default/services/"+svc.ID+"/specification/delete").wants(400, "No specification was imported")
}

// TestImportOpenAPIIsForManagers: others are refused, and nobody reaches a service through another workspace.
func TestImportOpenAPIIsForManagers(t *testing.T) {
	w := newWorld(t)
	_, bound := petStore(t, w)
	must(w.admin.CreateWorkspace(t.Context(), w.operator, control.Workspace{ID: "other", Name: "Other"}))(t)
	svc := must(w.admin.CreateService(t.Context(), w.operator, control.Service{WorkspaceID: "default", Name: "Pets to be"}))(t)
	must(w.admin.CreateUser(t.Context(), w.operator, control.User{Username: "mia", Roles: map[string]control.Role{"default": control.Member}}, password))(t)
	member := w.signedIn("mia", password)
	member.get("/app/default/services/" + svc.ID + "/import").wants(403)
	member.upload("/app/default/services/"+svc.ID+"/import", "text", petSpec, "action", "import").wants(403)
	member.post("/app/default/services/" + svc.ID + "/specification/delete").wants(403)
	b := w.signedIn("admin", password)
	b.get("/app/other/services/" + svc.ID + "/import").wants(404)
	b.upload("/app/other/services/"+svc.ID+"/import", "text", petSpec, "action", "import").wants(404)
	b.upload("/app/default/services/"+bound.ID+"/import", "text", petSpec, "action", "import").wants(400, "unbind it first")
	if _, ok := find(t, w, svc.ID, "GET", "/pets"); ok {
		t.Error("somebody imported it")
	}
}

func find(t *testing.T, w *world, sid, method, path string) (control.API, bool) {
	t.Helper()
	for _, a := range must(w.admin.ListAPIsByService(t.Context(), w.operator, sid))(t) {
		if a.Method == method && a.Path == path {
			return a, true
		}
	}
	return control.API{}, false
}
