package policy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"portcullis/edge/policy"
	"portcullis/edge/waist"
)

// TestReadsOfGenerated: what Inputs does not list changes no decision, for policies made at random of what each language
// has: rules in rules, functions, comprehensions, quantifiers, with, aliases and computed names in Rego; has, like, in,
// is, tags, records and if in Cedar; groups, branches and references in visual policies.
func TestReadsOfGenerated(t *testing.T) {
	for language, draw := range map[string]func(*rapid.T) waist.Policy{
		waist.LanguageVisual: drawVisual, waist.LanguageRego: drawRego, waist.LanguageCedar: drawCedar,
	} {
		t.Run(language, func(t *testing.T) {
			var compiled, all, allowed, denied, changed int
			rapid.Check(t, func(t *rapid.T) {
				p := draw(t)
				for _, problem := range policy.Check(p, nil) {
					if !problem.Warning {
						return // a refused policy reads nothing
					}
				}
				compiled++
				set := policy.Compile([]waist.Policy{p}, policy.Options{Timeout: time.Minute})
				reads, _ := set.Inputs(p.ID)
				if reads.All {
					all++
					return
				}
				for i := range 4 {
					a, b := drawTagged(t, fmt.Sprint("a", i)), drawTagged(t, fmt.Sprint("b", i))
					x, y := set.Evaluate(context.Background(), p.ID, a), set.Evaluate(context.Background(), p.ID, keep(a, b, reads))
					if x.Decision != y.Decision {
						before, _ := json.Marshal(a)
						after, _ := json.Marshal(keep(a, b, reads))
						source, _ := json.Marshal(p.Validators)
						t.Fatalf("reads %v, yet the decision changes from %v %s to %v %s:\n%s%s\n%s\n%s", reads.List(), x.Decision, x.Reason, y.Decision, y.Reason, p.Definition, source, before, after)
					}
					if x.Decision == policy.Allow {
						allowed++
					} else {
						denied++
					}
					if set.Evaluate(context.Background(), p.ID, b).Decision != x.Decision {
						changed++
					}
				}
			})
			t.Logf("%d compiled, %d read everything; %d allowed, %d denied, %d pairs differed", compiled, all, allowed, denied, changed)
			if compiled < 50 || all*3 > compiled*2 || allowed < 20 || denied < 20 || changed < 10 {
				t.Error("the generated policies do not exercise the property")
			}
		})
	}
}

func drawTagged(t *rapid.T, label string) *policy.Input {
	in := rapid.Custom(drawInput).Draw(t, label)
	if tag := rapid.SampledFrom([]string{"", "yes", "no"}).Draw(t, label+" tag"); tag != "" {
		in.Request.Tags = map[string]string{"pii": tag}
	}
	return in
}

// maker draws the parts of one policy, so many deep.
type maker struct {
	t       *rapid.T
	left    int      // parts that may still be drawn
	helpers []string // rules and functions of a Rego policy
}

func (m *maker) pick(list ...string) string { return rapid.SampledFrom(list).Draw(m.t, "part") }

func (m *maker) number(n int) int { return rapid.IntRange(0, n-1).Draw(m.t, "kind") }

// leaf reports whether the next part must have no parts.
func (m *maker) leaf(depth int) bool { m.left--; return depth <= 0 || m.left <= 0 }

func drawRego(t *rapid.T) waist.Policy {
	m := &maker{t: t, left: 24}
	var b strings.Builder
	b.WriteString("package acp.authz\n\nimport input.authn_ctx as me\nimport input.request as req\n\n")
	if m.number(3) == 0 {
		b.WriteString("default allow := " + m.pick("false", "true") + "\n\n")
	}
	for range 1 + m.number(3) {
		b.WriteString("allow if {\n\t" + m.regoBody(3) + "\n}\n\n")
	}
	for _, h := range m.helpers {
		b.WriteString(h + "\n\n")
	}
	return waist.Policy{ID: "x", Type: "api", Language: waist.LanguageRego, Definition: b.String()}
}

func (m *maker) regoBody(depth int) string {
	parts := make([]string, 1+m.number(2))
	for i := range parts {
		parts[i] = m.regoCondition(depth)
	}
	return strings.Join(parts, "\n\t")
}

// helper adds a rule or function and returns its name.
func (m *maker) helper(format string, args ...any) string {
	name := fmt.Sprintf("h%d", len(m.helpers))
	m.helpers = append(m.helpers, "") // keep the name while parts are drawn
	m.helpers[len(m.helpers)-1] = strings.ReplaceAll(fmt.Sprintf(format, args...), "NAME", name)
	return name
}

func (m *maker) regoCondition(depth int) string {
	if m.leaf(depth) {
		return m.regoText(0) + " " + m.pick("==", "!=", "==") + " " + m.pick(`"joe"`, `"acme"`, `"GET"`, `"/admin"`, `"prod"`)
	}
	v := fmt.Sprintf("v%d", m.left)
	switch m.number(16) {
	case 0:
		return "not " + m.regoCondition(0)
	case 1:
		return "not " + m.helper("NAME if {\n\t%s\n}", m.regoBody(depth-1))
	case 2:
		return m.pick("", "data.acp.authz.") + m.helper("NAME if {\n\t%s\n}\n\nNAME if {\n\t%s\n}", m.regoBody(depth-1), m.regoBody(depth-1))
	case 3:
		return m.regoText(depth-1) + " in " + m.regoList(depth-1)
	case 4:
		return "every " + v + " in " + m.regoList(depth-1) + " { " + v + " != " + m.pick(`"banned"`, `"users"`, `"pwd"`) + " }"
	case 5:
		return "count([" + v + " | some " + v + " in " + m.regoList(depth-1) + "; " + v + " != " + m.pick(`"users"`, `"pwd"`, m.regoText(0)) + "]) > " + m.pick("0", "1")
	case 6:
		return m.helper("NAME(c) if c.%s == %s", m.pick("sub", "tenant", "role"), m.pick(`"joe"`, `"acme"`, `"editor"`)) + "(" + m.pick("input.authn_ctx", "me", `object.union(me, {"x": 1})`) + ")"
	case 7:
		return m.helper("NAME := true if {\n\t%s\n} else := %s if {\n\t%s\n}", m.regoBody(depth-1), m.pick("true", "false"), m.regoBody(depth-1))
	case 8:
		inner := m.helper("NAME if {\n\t%s\n}", m.regoBody(depth-1))
		return inner + " with " + m.pick(`input.authn_ctx.sub as "joe"`, `input.request.method as "GET"`, "input.authn_ctx as input.authn_ctx", `input as {"authn_ctx": {"sub": input.authn_ctx.tenant}, "request": {}}`,
			"time.now_ns as 5", inner+" as true")
	case 9:
		return "time.now_ns() " + m.pick("<", ">") + " " + m.pick("1768478400000000000", "1769900000000000000", "me.auth_time * 1000000000")
	case 10:
		return v + " := " + m.pick("input.request", "req", "input.authn_ctx", "me") + "\n\t" + v + m.pick(".method", ".sub", `["path"]`, ".headers") + " != " + m.regoText(0)
	case 11:
		return "startswith(" + m.regoText(depth-1) + ", " + m.pick(`"/admin"`, `"j"`, `"a"`) + ")"
	case 12:
		return "some " + v + ", _ in " + m.pick("req.headers", "input.request.query_params", "me", "input.contexts.scopes", "{\"a\": me.sub}") + "\n\t" + v + " == " + m.pick(`"X-Env"`, `"view"`, `"sub"`, `"users.*"`, `"a"`)
	case 13:
		return "object.get(" + m.pick("me", "input.authn_ctx", "input") + ", " + m.pick(`"sub"`, `["authn_ctx", "role"]`, `"tenant"`) + `, "none") ` + m.pick("==", "!=") + " " + m.pick(`"joe"`, `"none"`, `"editor"`)
	case 14:
		return "walk(" + m.pick("me.cnf", "req.mtls", "input.contexts.client") + ", [_, " + v + "])\n\t" + v + " == " + m.pick(`"abc"`, `"gold"`)
	}
	return m.regoText(depth-1) + " == " + m.regoText(depth-1)
}

func (m *maker) regoText(depth int) string {
	simple := []string{"input.authn_ctx.sub", `input.authn_ctx["tenant"]`, "me.role", "me.email", "req.method", "input.request.path", `req.path_params.userId`, `input.request.headers["X-Tenant"][0]`,
		`req.headers["x-env"][0]`, `input.request.query_params.view[_]`, `input["authn_ctx"].sub`, "input.request.source_ip", "req.service", "input.request.tags.pii", `req.mtls["x5t#S256"]`,
		`me.cnf["x5t#S256"]`, "input.contexts.client.tier", `input.scopes["users.*"][_].params[0]`, `input.contexts.scopes["users.*"][0].requested_name`, "req.template", "req.body"}
	if m.leaf(depth) {
		return m.pick(simple...)
	}
	v := fmt.Sprintf("w%d", m.left)
	switch m.number(8) {
	case 0:
		return m.pick("lower", "upper", "trim_space") + "(" + m.regoText(depth-1) + ")"
	case 1:
		return `concat("", [` + m.regoText(depth-1) + ", " + m.regoText(0) + "])"
	case 2:
		return m.helper("NAME := %s", m.regoText(depth-1))
	case 3:
		return `me[` + m.pick(`"sub"`, `lower("SUB")`, "req.path_params.userId") + "]"
	case 4:
		return `[` + v + ` | some ` + v + ` in [` + m.regoText(depth-1) + `]][0]`
	case 5:
		return `{"k": ` + m.regoText(depth-1) + `}.k`
	case 6:
		return `$"{` + m.pick(simple...) + `}"`
	}
	return m.pick(simple...)
}

func (m *maker) regoList(depth int) string {
	simple := []string{"me.groups", `input.authn_ctx["amr"]`, "me.scp", "me.children", `req.headers["X-Tenant"]`, `input.request.query_params.view`, `{"joe", "ann"}`, `["GET", "acme"]`}
	if m.leaf(depth) {
		return m.pick(simple...)
	}
	v := fmt.Sprintf("l%d", m.left)
	switch m.number(4) {
	case 0:
		return "{" + v + " | some " + v + " in " + m.regoList(depth-1) + "}"
	case 1:
		return "array.concat(" + m.pick("me.groups", "me.amr") + ", " + m.pick("me.scp", "me.children") + ")"
	case 2:
		name := m.helper("NAME contains y if some y in %s", m.regoList(depth-1))
		return name
	}
	return m.pick(simple...)
}

func drawCedar(t *rapid.T) waist.Policy {
	m := &maker{t: t, left: 24}
	var b strings.Builder
	for i := range 1 + m.number(3) {
		effect := "permit"
		if i > 0 {
			effect = m.pick("permit", "forbid")
		}
		principal := m.pick("principal", "principal", "principal is User", `principal in Group::"admins"`, `principal == User::"joe"`, `principal is User in Group::"users"`)
		action := m.pick("action", "action", `action == Action::"GET"`, `action in [Action::"read", Action::"POST"]`)
		resource := m.pick("resource", "resource", `resource in Service::"PetStore"`, `resource == API::"PetStore/GET /pets"`, "resource is API")
		fmt.Fprintf(&b, "%s(%s, %s, %s)", effect, principal, action, resource)
		if m.number(4) > 0 {
			fmt.Fprintf(&b, "\nwhen { %s }", m.cedarCondition(3))
		}
		if m.number(3) == 0 {
			fmt.Fprintf(&b, "\nunless { %s }", m.cedarCondition(2))
		}
		b.WriteString(";\n")
	}
	return waist.Policy{ID: "x", Type: "api", Language: waist.LanguageCedar, Definition: b.String()}
}

func (m *maker) cedarCondition(depth int) string {
	if m.leaf(depth) {
		claim := m.pick("sub", "tenant", "role", "email")
		of := m.pick("context.claims", "principal")
		return m.pick(
			of+" has "+claim+" && "+of+"."+claim+" == "+m.pick(`"joe"`, `"acme"`, `"editor"`),
			"context.claims has email && context.claims.email like "+m.pick(`"*@example.com"`, `"joe*"`, `"*"`),
			`principal in `+m.pick(`Group::"admins"`, `Role::"editor"`, `User::"joe"`, `[Group::"users", Group::"ops"]`),
			`principal `+m.pick(`is User`, `is Client`, `is User in Group::"admins"`, `== User::"joe"`),
			m.pick(`User::"joe"`, `User::"eve"`)+` in Group::"admins"`,
			`resource.path_params has userId && resource.path_params.userId == "joe"`,
			`context.path_params has userId && context.path_params["userId"] == "ann"`,
			`resource `+m.pick(`in Service::"PetStore"`, `== API::"PetStore/GET /pets"`, `in API::"PetStore/GET /pets"`),
			`resource.hasTag("pii") && resource.getTag("pii") == "yes"`,
			`resource.tags has pii`, `resource.`+m.pick("service", "template", "path", "method")+` == `+m.pick(`"PetStore"`, `"/pets"`, `"/admin"`, `"GET"`),
			`context.headers has "`+m.pick("X-Tenant", "x-env", "X-ENV")+`"`,
			`context.headers has "x-tenant" && context.headers["x-tenant"].contains("acme")`,
			`context.query has view && context.query.view`+m.pick(`.containsAny(["long"])`, `== ["short"]`, `.isEmpty()`),
			`context.scopes.`+m.pick(`contains("pets.read")`, `containsAll(["pets.read", "pets.write"])`, `isEmpty()`),
			`context.scope_params has "users.*" && context.scope_params["users.*"].contains("joe")`,
			`context has source_ip && context.source_ip.isInRange(ip("192.0.2.0/24"))`,
			`context has mtls && context.mtls has "x5t#S256" && context.mtls["x5t#S256"] == "abc"`,
			`context has client && context.client.tier == "gold"`,
			`context.now < datetime("2026-01-25T00:00:00Z")`, `["sat", "sun"].contains(context.weekday)`,
			`context.method == "GET"`, `action in Action::"read"`, `action == Action::"POST"`,
			`context.claims has groups && context.claims.groups.contains("admins")`,
			`context.claims has level && context.claims.level > 2`, `context.claims has cnf && context.claims.cnf has "x5t#S256"`)
	}
	inner := func() string { return "(" + m.cedarCondition(depth-1) + ")" }
	switch m.number(7) {
	case 0:
		return "!" + inner()
	case 1:
		return inner() + " || " + inner()
	case 2:
		return inner() + " && " + inner()
	case 3:
		return "if " + inner() + " then " + inner() + " else " + inner()
	case 4:
		if m.number(3) > 0 { // a member of anything but a variable counts as reading everything, so only a few
			return inner()
		}
		return `{"a": ` + inner() + `, "b": ` + m.pick("true", "resource", "context.claims") + `}.a`
	case 5:
		return `[` + inner() + `, ` + m.pick("true", "false") + `].contains(` + m.pick("true", "false") + `)`
	}
	return `(if ` + inner() + ` then principal else ` + m.pick("resource", `User::"joe"`) + `) == ` + m.pick(`User::"joe"`, "principal", "resource")
}

func drawVisual(t *rapid.T) waist.Policy {
	m := &maker{t: t, left: 24}
	p := waist.Policy{ID: "x", Type: "api", Language: waist.LanguageVisual}
	text, err := json.Marshal(m.visualList(3))
	if err == nil {
		err = json.Unmarshal(text, &p.Validators)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (m *maker) visualList(depth int) []any {
	out := make([]any, 1+m.number(2))
	for i := range out {
		out[i] = m.visualStep(depth)
	}
	return out
}

func (m *maker) visualStep(depth int) any {
	step := func(name string, conf any) any { return map[string]any{"name": name, "conf": conf} }
	if m.leaf(depth) {
		field := m.pick("authnCtx.sub", "authnCtx.tenant", "authnCtx.groups", "authnCtx.amr", "authnCtx.level", "authnCtx.cnf.x5t#S256", "request.method", "request.path", "request.headers.x-tenant",
			"request.headers.X-ENV", "request.pathParams.userId", "request.queryParams.view", "request.sourceIp", "request.service", "request.template", "request.tags.pii", "request.mtls.x5t#S256",
			"contexts.client.tier", "now", "authnCtx.auth_time", "authnCtx.groups[0]")
		comparator := m.pick("equals", "not_equals", "in", "not_in", "contains", "not_contains", "contains_any", "present", "absent", "starts_with", "matches", "greater_than", "less_or_equal", "in_cidr")
		var value any
		switch comparator {
		case "present", "absent":
		case "in_cidr":
			value = "192.0.2.0/24"
		case "greater_than", "less_or_equal":
			value = m.pick("3", "$now", "$now-10m", "$authnCtx.level", "2026-01-20T00:00:00Z")
		default:
			value = m.pick("joe", "acme", "a*", "GET", "admins", "yes", "$authnCtx.sub", "$request.pathParams.userId", "$request.headers.x-tenant", "$contexts.client.tier", "$request.mtls.x5t#S256")
		}
		switch m.number(6) {
		case 0:
			return step("scopes", map[string]any{"fields": []any{map[string]any{"field": m.pick("pets.read", "pets.write"), "comparator": m.pick("present", "absent")}}})
		case 1:
			return step("dynamic-scopes", map[string]any{"fields": []any{map[string]any{"field": "users.*", "comparator": "contains", "value": m.pick("joe", "$request.pathParams.userId", "$authnCtx.sub")}}})
		case 2:
			return step("time", map[string]any{"days": []string{m.pick("mon", "thu"), "fri", "sun"}})
		}
		return step("attributes", map[string]any{"fields": []any{map[string]any{"field": field, "comparator": comparator, "value": value}}})
	}
	switch m.number(6) {
	case 0:
		return step(m.pick("true", "false"), nil)
	case 1:
		return step("if-else", map[string]any{"if": m.visualList(depth - 1), "then": m.visualList(depth - 1), "else": m.visualList(depth - 1)})
	}
	return step(m.pick("all", "any", "not"), map[string]any{"validators": m.visualList(depth - 1)})
}
