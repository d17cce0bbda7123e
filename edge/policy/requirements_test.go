package policy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"portcullis/edge/policy"
	"portcullis/edge/waist"
)

// requirement is one entry of testdata/requirements.yaml.
type requirement struct {
	Name   string `yaml:"name"`
	Visual any    `yaml:"visual"`
	Rego   string `yaml:"rego"`
	Rules  string `yaml:"rules"`
	Cedar  string `yaml:"cedar"`
}

func requirements(t testing.TB) []requirement {
	t.Helper()
	src, err := os.ReadFile("testdata/requirements.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var list []requirement
	if err := yaml.Unmarshal(src, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// policies are the requirement in the three languages, with ids "<name>/<language>".
func (r requirement) policies(t testing.TB) []waist.Policy {
	t.Helper()
	text, err := json.Marshal(r.Visual)
	if err != nil {
		t.Fatal(err)
	}
	visual := waist.Policy{ID: r.Name + "/visual", Language: waist.LanguageVisual, Type: "api"}
	if err := json.Unmarshal(text, &visual.Validators); err != nil {
		t.Fatal(err)
	}
	rego := "package acp.authz\n\nallow if {\n" + r.Rego + "\n}\n\n" + r.Rules
	return []waist.Policy{
		visual,
		{ID: r.Name + "/rego", Language: waist.LanguageRego, Type: "api", Definition: rego},
		{ID: r.Name + "/cedar", Language: waist.LanguageCedar, Type: "api", Definition: "permit(principal, action, resource) when {\n" + r.Cedar + "\n};"},
	}
}

var languages = []string{"visual", "rego", "cedar"}

// TestRequirements: the same requirement in the three languages gives the same decision, over generated inputs.
func TestRequirements(t *testing.T) {
	list := requirements(t)
	if len(list) < 60 {
		t.Fatalf("%d requirements, at least 60 are wanted", len(list))
	}
	var all []waist.Policy
	for _, r := range list {
		all = append(all, r.policies(t)...)
	}
	for _, p := range all {
		for _, problem := range policy.Check(p, nil) {
			t.Errorf("%s: %s", p.ID, problem)
		}
	}
	set := policy.Compile(all, policy.Options{Timeout: time.Minute})
	allowed, denied := map[string]int{}, map[string]int{}
	agree := func(t interface{ Fatalf(string, ...any) }, in *policy.Input) {
		for _, r := range list {
			var results [3]policy.Result
			for i, l := range languages {
				results[i] = set.Evaluate(context.Background(), r.Name+"/"+l, in)
				if results[i].Reason != "" && results[i].Reason != policy.ReasonDenied {
					t.Fatalf("%s/%s: %+v", r.Name, l, results[i])
				}
			}
			if results[0].Decision != results[1].Decision || results[0].Decision != results[2].Decision {
				text, _ := json.Marshal(in)
				t.Fatalf("%s: visual %v, rego %v, cedar %v for %s", r.Name, results[0].Decision, results[1].Decision, results[2].Decision, text)
			}
			if results[0].Decision == policy.Allow {
				allowed[r.Name]++
			} else {
				denied[r.Name]++
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) { agree(t, drawInput(t)) })
	examples := rapid.Custom(drawInput)
	for seed := range 300 { // always the same ones, so that the counts below do not depend on luck
		agree(t, examples.Example(seed))
	}
	for _, r := range list { // a requirement that never allows, or never denies, shows nothing
		if allowed[r.Name] == 0 && r.Name != "nobody" || denied[r.Name] == 0 && r.Name != "everybody" {
			t.Errorf("%s: allowed %d times, denied %d times: the generated inputs do not exercise it", r.Name, allowed[r.Name], denied[r.Name])
		}
	}
}

// TestReads: what Inputs does not list never changes the decision. Two inputs are drawn; the second one keeps what the
// policy reads of the first.
func TestReads(t *testing.T) {
	list := requirements(t)
	var all []waist.Policy
	for _, r := range list {
		all = append(all, r.policies(t)...)
	}
	set := policy.Compile(all, policy.Options{Timeout: time.Minute})
	reads := map[string]policy.Reads{}
	for _, p := range all {
		reads[p.ID], _ = set.Inputs(p.ID)
		if reads[p.ID].All {
			t.Errorf("%s reads everything", p.ID)
		}
	}
	changed := 0
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawInput(t), drawInput(t)
		for _, p := range all {
			mixed := keep(a, b, reads[p.ID])
			x, y := set.Evaluate(context.Background(), p.ID, a), set.Evaluate(context.Background(), p.ID, mixed)
			if x.Decision != y.Decision {
				before, _ := json.Marshal(a)
				after, _ := json.Marshal(mixed)
				t.Fatalf("%s reads %v, yet the decision changes from %v to %v:\n%s\n%s", p.ID, reads[p.ID].List(), x.Decision, y.Decision, before, after)
			}
			if set.Evaluate(context.Background(), p.ID, b).Decision != x.Decision {
				changed++
			}
		}
	})
	if changed == 0 {
		t.Error("no pair of inputs differed in its decision: the property was not exercised")
	}
}

// keep is b with the parts of a that r lists.
func keep(a, b *policy.Input, r policy.Reads) *policy.Input {
	out := *b
	out.AuthnCtx, out.Contexts = pick(a.AuthnCtx, b.AuthnCtx, r.Claims, r.AllClaims), pick(a.Contexts, b.Contexts, r.Contexts, r.AllContexts)
	out.Request.Headers = map[string][]string{}
	for k, v := range b.Request.Headers {
		if !r.AllHeaders && !slices.Contains(r.Headers, strings.ToLower(k)) {
			out.Request.Headers[k] = v
		}
	}
	for k, v := range a.Request.Headers {
		if r.AllHeaders || slices.Contains(r.Headers, strings.ToLower(k)) {
			out.Request.Headers[k] = v
		}
	}
	out.Request.PathParams = pick(a.Request.PathParams, b.Request.PathParams, r.PathParams, r.AllPathParams)
	out.Request.QueryParams = pick(a.Request.QueryParams, b.Request.QueryParams, r.QueryParams, r.AllQueryParams)
	if r.Method {
		out.Request.Method = a.Request.Method
	}
	if r.Path {
		out.Request.Path = a.Request.Path
	}
	if r.Body {
		out.Request.Body = a.Request.Body
	}
	if r.MTLS {
		out.Request.MTLS = a.Request.MTLS
	}
	if r.SourceIP {
		out.Request.SourceIP = a.Request.SourceIP
	}
	if r.API {
		out.Request.Service, out.Request.Template, out.Request.Tags = a.Request.Service, a.Request.Template, a.Request.Tags
	}
	if r.Time {
		out.Now = a.Now
	}
	return &out
}

func pick[V any](a, b map[string]V, names []string, all bool) map[string]V {
	out := map[string]V{}
	for k, v := range b {
		if !all && !slices.Contains(names, k) {
			out[k] = v
		}
	}
	for k, v := range a {
		if all || slices.Contains(names, k) {
			out[k] = v
		}
	}
	return out
}

// drawInput draws a well-typed input: every claim has its type or is absent.
func drawInput(t *rapid.T) *policy.Input {
	claims := map[string]any{}
	text := func(name string, values ...string) {
		if v := rapid.SampledFrom(append(values, "")).Draw(t, name); v != "" {
			claims[name] = v
		}
	}
	list := func(name string, values ...string) {
		n := rapid.IntRange(-1, 3).Draw(t, name+" size")
		if n < 0 {
			return
		}
		items := make([]any, 0, n)
		for i := range n {
			items = append(items, rapid.SampledFrom(values).Draw(t, fmt.Sprint(name, i)))
		}
		claims[name] = items
	}
	text("sub", "joe", "ann", "eve", "app")
	text("client_id", "app", "cli")
	text("tenant", "acme", "globex")
	text("role", "auditor", "editor", "guest")
	text("email", "joe@example.com", "ann@example.org", "jim@example.com.evil.example")
	list("groups", "admins", "users", "ops", "banned")
	list("amr", "mfa", "pwd", "otp")
	list("scp", "pets.read", "pets.write", "users.joe")
	list("children", "joe", "ann")
	if rapid.Bool().Draw(t, "has level") {
		claims["level"] = json.Number(fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "level")))
	}
	if rapid.Bool().Draw(t, "has verified") {
		claims["verified"] = rapid.Bool().Draw(t, "verified")
	}
	day := time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC)
	now := day.Add(time.Duration(rapid.IntRange(0, 30*24*60).Draw(t, "minutes")) * time.Minute)
	if rapid.Bool().Draw(t, "has auth_time") {
		claims["auth_time"] = now.Unix() - int64(rapid.IntRange(0, 1800).Draw(t, "auth age"))
	}
	if x := rapid.SampledFrom([]string{"", "abc", "abd"}).Draw(t, "cnf"); x != "" {
		claims["cnf"] = map[string]any{"x5t#S256": x}
	}
	in := &policy.Input{AuthnCtx: claims, Contexts: drawContexts(t), Now: now}
	in.Request = policy.Request{
		Method:      rapid.SampledFrom([]string{"GET", "HEAD", "POST", "DELETE"}).Draw(t, "method"),
		Path:        rapid.SampledFrom([]string{"/public/a", "/admin", "/admin/x", "/users/joe", "/"}).Draw(t, "path"),
		Headers:     map[string][]string{},
		PathParams:  map[string]string{},
		QueryParams: map[string][]string{},
		Body:        rapid.SampledFrom([]string{"", "{}"}).Draw(t, "body"),
		SourceIP:    rapid.SampledFrom([]string{"", "192.0.2.7", "198.51.100.7", "203.0.113.7", "2001:db8::7"}).Draw(t, "ip"),
		Service:     rapid.SampledFrom([]string{"PetStore", "Other"}).Draw(t, "service"),
		Template:    rapid.SampledFrom([]string{"/pets", "/users/{userId}"}).Draw(t, "template"),
	}
	header := func(name string, values ...string) {
		n := rapid.IntRange(0, 2).Draw(t, name+" lines")
		for i := range n {
			in.Request.Headers[name] = append(in.Request.Headers[name], rapid.SampledFrom(values).Draw(t, fmt.Sprint(name, i)))
		}
	}
	header(rapid.SampledFrom([]string{"X-Tenant", "x-tenant", "X-TENANT"}).Draw(t, "spelling"), "acme", "globex")
	header("X-Env", "prod", "stage", "dev")
	header("x-debug", "1")
	if p := rapid.SampledFrom([]string{"", "joe", "ann"}).Draw(t, "userId"); p != "" {
		in.Request.PathParams["userId"] = p
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "views") {
		in.Request.QueryParams["view"] = append(in.Request.QueryParams["view"], rapid.SampledFrom([]string{"short", "long"}).Draw(t, fmt.Sprint("view", i)))
	}
	if x := rapid.SampledFrom([]string{"", "abc", "abd"}).Draw(t, "mtls"); x != "" {
		in.Request.MTLS = map[string]any{"x5t#S256": x}
	}
	return in
}

func drawContexts(t *rapid.T) map[string]any {
	out := map[string]any{}
	if x := rapid.SampledFrom([]string{"", "gold", "free"}).Draw(t, "tier"); x != "" {
		out["client"] = map[string]any{"tier": x}
	}
	if n := rapid.IntRange(0, 2).Draw(t, "dynamic"); n > 0 {
		var grants []any
		for i := range n {
			user := rapid.SampledFrom([]string{"joe", "ann"}).Draw(t, fmt.Sprint("grant", i))
			grants = append(grants, map[string]any{"params": []any{user}, "requested_name": "users." + user})
		}
		out["scopes"] = map[string]any{"users.*": grants}
	}
	return out
}
