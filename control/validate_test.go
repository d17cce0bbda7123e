package control_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"portcullis/control"
)

// fields are the members that an Invalid error names.
func fields(t *testing.T, err error) map[string]string {
	t.Helper()
	if err == nil {
		return nil
	}
	var e *control.Error
	if !errors.As(err, &e) || e.Kind != control.Invalid {
		t.Fatalf("%v is not Invalid", err)
	}
	return e.Fields
}

// TestValidate: each case spoils one member of a valid noun; exactly that member is named.
func TestValidate(t *testing.T) {
	long := strings.Repeat("x", 3000)
	workspace := func(f func(*control.Workspace)) error {
		w := control.Workspace{ID: "demo", Name: "Demo", Color: "#007FFF", Type: "regular", KeyType: "ecdsa", AccessTokenStrategy: "jwt",
			AccessTokenTTL: control.Duration(time.Hour), DynamicScopeSep: "."}
		f(&w)
		return w.Validate()
	}
	service := func(f func(*control.Service)) error {
		s := control.Service{ID: "s1", Name: "PetStore", Type: "user", CustomAudience: "https://api.example.com"}
		f(&s)
		return s.Validate()
	}
	scope := func(name string) error { return control.Scope{ID: "x1", Name: name}.Validate() }
	api := func(method, path string) error {
		return control.ValidateAPI(control.API{ID: "a1", Method: method, Path: path, APIType: "rest"})
	}
	client := func(f func(*control.Client)) error {
		c := control.Client{ID: "c1", Name: "App", GrantTypes: []string{"client_credentials"}, AuthMethod: "client_secret_basic", Status: "active",
			RedirectURIs: []string{"https://app.example.com/callback"}, Scopes: []string{"pets.read", "users.*"}}
		f(&c)
		return c.Validate()
	}
	policy := func(f func(*control.Policy)) error {
		p := control.Policy{ID: "demo-block", PolicyName: "Block", Type: "api", Language: "rego", Definition: "package acp.authz"}
		f(&p)
		return control.ValidatePolicy(p)
	}
	user := func(f func(*control.User)) error {
		u := control.User{WorkspaceID: control.AdminWorkspace, IDPID: control.StaticIDP, Username: "joe@example.com", Role: control.Manager}
		f(&u)
		return u.Validate()
	}
	for name, c := range map[string]struct {
		err   error
		field string // "" when valid
	}{
		"workspace":                   {workspace(func(w *control.Workspace) {}), ""},
		"workspace id upper case":     {workspace(func(w *control.Workspace) { w.ID = "Demo" }), "id"},
		"workspace id with a slash":   {workspace(func(w *control.Workspace) { w.ID = "a/b" }), "id"},
		"workspace id with a newline": {workspace(func(w *control.Workspace) { w.ID = "demo\n" }), "id"},
		"workspace without name":      {workspace(func(w *control.Workspace) { w.Name = " " }), "name"},
		"workspace name, control":     {workspace(func(w *control.Workspace) { w.Name = "a\x00b" }), "name"},
		"workspace name too long":     {workspace(func(w *control.Workspace) { w.Name = long }), "name"},
		"workspace name in UTF-8":     {workspace(func(w *control.Workspace) { w.Name = "Zahlungsverkehr – Prüfstand 支払い" }), ""},
		"workspace name not UTF-8":    {workspace(func(w *control.Workspace) { w.Name = "\xff" }), "name"},
		"workspace colour":            {workspace(func(w *control.Workspace) { w.Color = "blue" }), "color"},
		"workspace key type":          {workspace(func(w *control.Workspace) { w.KeyType = "dsa" }), "key_type"},
		"workspace opaque tokens":     {workspace(func(w *control.Workspace) { w.AccessTokenStrategy = "opaque" }), ""},
		"system with opaque tokens":   {workspace(func(w *control.Workspace) { w.ID, w.AccessTokenStrategy = "system", "opaque" }), "access_token_strategy"},
		"workspace token strategy":    {workspace(func(w *control.Workspace) { w.AccessTokenStrategy = "paseto" }), "access_token_strategy"},
		"workspace with Ed25519":      {workspace(func(w *control.Workspace) { w.KeyType = "eddsa" }), ""},
		"workspace token for a week":  {workspace(func(w *control.Workspace) { w.AccessTokenTTL = control.Duration(168 * time.Hour) }), "access_token_ttl"},
		"workspace token of a second": {workspace(func(w *control.Workspace) { w.AccessTokenTTL = control.Duration(time.Second) }), "access_token_ttl"},
		"workspace separator":         {workspace(func(w *control.Workspace) { w.DynamicScopeSep = "*" }), "dynamic_scope_separator"},

		"service":                  {service(func(s *control.Service) {}), ""},
		"service description":      {service(func(s *control.Service) { s.Description = long }), "description"},
		"service audience spaces":  {service(func(s *control.Service) { s.CustomAudience = "a b" }), "custom_audience"},
		"service audience by name": {service(func(s *control.Service) { s.CustomAudience = "pet-store" }), ""},

		"scope":                  {scope("pets.read"), ""},
		"dynamic scope":          {scope("users.*"), ""},
		"scope with a space":     {scope("a b"), "name"},
		"scope with a quote":     {scope(`a"b`), "name"},
		"scope with two stars":   {scope("a.*.*"), "name"},
		"scope, star in between": {scope("a.*.b"), "name"},
		"scope in UTF-8":         {scope("prüfen"), "name"},

		"api":                  {api("GET", "/pets/{petId}"), ""},
		"api greedy":           {api("ANY", "/{proxy+}"), ""},
		"api method lower":     {api("get", "/pets"), "method"},
		"api path without /":   {api("GET", "pets"), "path"},
		"api path with query":  {api("GET", "/pets?x"), "path"},
		"a route with a verb":  {api("GET", "$default"), "method"},
		"another route":        {api("ANY", "$disconnect"), "path"},
		"api path, control":    {api("GET", "/pets\r\nx"), "path"},
		"api path of 3,000 x":  {api("GET", "/"+long), "path"},
		"client":               {client(func(c *control.Client) {}), ""},
		"client grant":         {client(func(c *control.Client) { c.GrantTypes = []string{"password"} }), "grant_types"},
		"client without grant": {client(func(c *control.Client) { c.GrantTypes = nil }), "grant_types"},
		"client redirect":      {client(func(c *control.Client) { c.RedirectURIs = []string{"/callback"} }), "redirect_uris"},
		"client redirect #":    {client(func(c *control.Client) { c.RedirectURIs = []string{"https://a/b#c"} }), "redirect_uris"},
		"client redirect *":    {client(func(c *control.Client) { c.RedirectURIs = []string{"https://*.example.com/"} }), "redirect_uris"},
		"client status":        {client(func(c *control.Client) { c.Status = "asleep" }), "client_status"},
		"client auth method":   {client(func(c *control.Client) { c.AuthMethod = "client_secret_jwt" }), "token_endpoint_auth_method"},
		"client 201 scopes":    {client(func(c *control.Client) { c.Scopes = strings.Split(strings.Repeat("x ", 200)+"x", " ") }), "scopes"},

		"policy":             {policy(func(p *control.Policy) {}), ""},
		"policy id":          {policy(func(p *control.Policy) { p.ID = "../x" }), "id"},
		"policy type":        {policy(func(p *control.Policy) { p.Type = "nonsense" }), "type"},
		"policy language":    {policy(func(p *control.Policy) { p.Language = "lua" }), "language"},
		"policy env version": {policy(func(p *control.Policy) { p.EnvVersion = "v2" }), "env_version"},
		"policy of 300 KB":   {policy(func(p *control.Policy) { p.Definition = strings.Repeat(long, 100) }), "definition"},
		"policy with NUL":    {policy(func(p *control.Policy) { p.Definition = "a\x00" }), "definition"},

		"user":             {user(func(u *control.User) {}), ""},
		"user name spaces": {user(func(u *control.User) { u.Username = "joe smith" }), "username"},
		"user role":        {user(func(u *control.User) { u.Role = 9 }), "role"},
		"user local role":  {user(func(u *control.User) { u.Roles = map[string]control.Role{"x": -1} }), "roles"},

		"password":            {control.ValidatePassword("correct horse"), ""},
		"password of 11":      {control.ValidatePassword("elevenchars"), "password"},
		"password of 201":     {control.ValidatePassword(strings.Repeat("x", 201)), "password"},
		"password, 12 in all": {control.ValidatePassword("支払い支払い支払い支払い"), ""},
	} {
		got := fields(t, c.err)
		if c.field == "" && len(got) == 0 {
			continue
		}
		if len(got) != 1 || got[c.field] == "" {
			t.Errorf("%s: fields %v, want %q", name, got, c.field)
		}
	}
	all := fields(t, control.Workspace{}.Validate())
	if len(all) < 6 {
		t.Errorf("not every mistake is listed at once: %v", all)
	}
}

func TestSlug(t *testing.T) {
	for in, want := range map[string]string{
		"Deny All!": "deny-all", "  PetStore/dev ": "petstore-dev", "": "", "支払い": "", "--": "", "a--b": "a-b", "Prüfen 2": "pr-fen-2",
		strings.Repeat("ab ", 100): strings.Repeat("ab-", 20)[:59], strings.Repeat("x", 100): strings.Repeat("x", 60),
	} {
		if got := control.Slug(in); got != want {
			t.Errorf("Slug(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{`""`: 0, `"0s"`: 0, `"1h10m30s"`: 70*time.Minute + 30*time.Second, `"720h0m0s"`: 720 * time.Hour} {
		var d control.Duration
		if err := json.Unmarshal([]byte(in), &d); err != nil || time.Duration(d) != want {
			t.Errorf("%s: %v, %v", in, time.Duration(d), err)
		}
	}
	for _, in := range []string{`"-1s"`, `"soon"`, `5`, `null1`, `{}`} {
		var d control.Duration
		if err := json.Unmarshal([]byte(in), &d); err == nil {
			t.Errorf("%s is taken for %v", in, time.Duration(d))
		}
	}
	if b, _ := json.Marshal(control.Duration(time.Hour)); string(b) != `"1h0m0s"` {
		t.Errorf("%s", b)
	}
}

// TestZeroActorMayNothing: roles are ordered, names round-trip, and what is not set is nothing.
func TestRoles(t *testing.T) {
	var a control.Actor
	if a.RoleIn("demo") != control.NoRole || a.HasScope("") {
		t.Error("the zero actor has a role or a scope")
	}
	a.Role, a.Roles = control.Admin, map[string]control.Role{"demo": control.NoRole}
	if a.RoleIn("demo") != control.NoRole || a.RoleIn("other") != control.Admin {
		t.Error("a role in one workspace does not take precedence")
	}
	for r := control.NoRole; r <= control.Admin; r++ {
		text, _ := r.MarshalText()
		var back control.Role
		if err := back.UnmarshalText(text); err != nil || back != r {
			t.Errorf("%s: %v, %v", text, back, err)
		}
	}
	var r control.Role
	if err := r.UnmarshalText([]byte("root")); err == nil || control.Role(99).String() != "none" || control.Role(-1).String() != "none" {
		t.Error("an unknown role is something")
	}
}
