package portal_test

import (
	"testing"

	"portcullis/control"
)

// TestSearch: every kind of thing in the workspace is found by words of it, with a link to it, and nothing of another
// workspace is.
func TestSearch(t *testing.T) {
	w := newWorld(t)
	_, svc := petStore(t, w)
	must(w.admin.CreateScope(t.Context(), w.operator, control.Scope{WorkspaceID: "default", ServiceID: svc.ID, Name: "pets.read", DisplayName: "Read pets"}))(t)
	client, _, err := w.admin.CreateClient(t.Context(), w.operator, control.Client{WorkspaceID: "default", Name: "Pet shop"}, "")
	if err != nil {
		t.Fatal(err)
	}
	must(w.admin.CreateWorkspace(t.Context(), w.operator, control.Workspace{ID: "other", Name: "Other"}))(t)
	b := w.signedIn("admin", password)
	get := apiOf(t, w, "Pet store", "GET", "/pets")
	b.get("/app/default/search?q=PET").wants(200, "Pet store", "/pets/{petId}", "Pet gateway", "PetStore/prod", "Pet shop", "pets.read").
		has(`apis/authorization#api-`+get, `applications/`+client.ID, `data-find`)
	b.get("/app/default/search?q=block+api+visual").wants(200, "Block API", "1 result for")
	b.get("/app/default/search?q=zzz+pet").wants(200, "0 results", "Nothing in this workspace")
	b.get("/app/default/search?q=").wants(200, "Names, ids, methods and paths")
	b.get("/app/other/search?q=pet").wants(200, "0 results")
	b.get("/app/default/search?q=%3Cscript%3E").wants(200).lacks("<script>")
	b.get("/app/default/policies/block_default_api").has(`aria-label="Breadcrumb"`, `aria-current="page">Block API`)
}

// TestOwnPassword: it takes the present one, this browser stays logged in and others do not.
func TestOwnPassword(t *testing.T) {
	w := newWorld(t)
	must(w.admin.CreateUser(t.Context(), w.operator, control.User{Username: "mia", Roles: map[string]control.Role{"default": control.Member}}, password))(t)
	b, other := w.signedIn("mia", password), w.signedIn("mia", password)
	const next = "an entirely new password"
	b.get("/app/account").wants(200, "Change password", "mia")
	change := func(current, password, again string) page {
		return b.post("/app/account/password", "current", current, "password", password, "again", again)
	}
	change(password, next, next+"!").wants(422, "not the same").lacks(next)
	change("wrong", next, next).wants(422, "not your present password")
	change(password, "short", "short").wants(422, "12").lacks(`"short"`)
	change(password, next, next).wants(200, "Password changed.")
	b.get("/app/default/overview").wants(200, "Overview")
	other.get("/app/default/overview").wants(200, "Log in")
	w.signedIn("mia", next)
}
