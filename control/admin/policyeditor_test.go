package admin_test

import (
	"encoding/json"
	"strings"
	"testing"

	"portcullis/control"
)

// TestCheckPolicy: what an editor hears while a policy is typed is what a save would say, and the policy as typed takes
// the place of the stored one.
func TestCheckPolicy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		must(w.CreatePolicy(ctx, w.root, control.Policy{ID: "outer", ServerID: "default", PolicyName: "Outer", Validators: embedding("block_default_api")}))(t)
		must(w.CreatePolicy(ctx, w.root, control.Policy{ID: "inner", ServerID: "default", PolicyName: "Inner", Validators: field("authnCtx.sub")}))(t)
		for _, c := range []struct {
			name    string
			policy  control.Policy
			line    int
			warning bool
			text    string // "" means that there is nothing to say
		}{
			{"fine", control.Policy{Language: "rego", Definition: "package acp.authz\n\nallow if input.authn_ctx.sub == \"joe\"\n"}, 0, false, ""},
			{"no Rego", control.Policy{Language: "rego", Definition: "package acp.authz\n\nallow if {"}, 3, false, ""},
			{"no Cedar", control.Policy{Language: "cedar", Definition: "permit (principal, action, resource)\nwhen { context.x ++ };"}, 2, false, ""},
			{"unknown member", control.Policy{Language: "rego", Definition: "package acp.authz\n\nallow if input.reqest.method == \"GET\"\n"}, 3, true, "reqest"},
			{"claim that no token carries", control.Policy{Validators: field("authnCtx.departmnt")}, 0, true, "departmnt"},
			{"embeds itself", control.Policy{ID: "inner", Validators: embedding("inner")}, 0, false, "inner"},
			{"embeds itself through another", control.Policy{ID: "block_default_api", Validators: embedding("outer")}, 0, false, "outer"},
			{"unknown language", control.Policy{Language: "basic"}, 0, false, "basic"},
		} {
			t.Run(c.name, func(t *testing.T) {
				c.policy.ServerID = "default"
				list := must(w.CheckPolicy(ctx, w.root, c.policy))(t)
				if c.name == "fine" {
					if len(list) != 0 || list == nil {
						t.Errorf("%+v", list)
					}
					return
				}
				if len(list) == 0 || list[0].Warning != c.warning || !strings.Contains(list[0].Message, c.text) || c.line > 0 && list[0].Line != c.line {
					t.Errorf("%+v", list)
				}
			})
		}
	})
}

// TestPolicyMembers: the input with what this workspace calls its claims, scopes and parameters.
func TestPolicyMembers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, _, sid := w.bound("GET", "/pets/{petId}", "GET", "/users/{userId}/{rest+}")
		must(w.CreateScope(ctx, w.root, control.Scope{WorkspaceID: "default", Name: "pay.*"}))(t)
		w.assign(sid, "GET", "/users/{userId}/{rest+}", "block_default_api")
		list := must(w.PolicyMembers(ctx, w.root, "default", "block_default_api"))(t)
		text, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"authnCtx.sub"`, `"context.claims.sub"`, `"input.request.path_params.userId"`, `"request.pathParams.rest"`, `"contexts.scopes.pay.*"`, `"authnCtx.jti"`} {
			if !strings.Contains(string(text), want) {
				t.Errorf("the members lack %s", want)
			}
		}
		if strings.Contains(string(text), "petId\"") {
			t.Error("a parameter of an API that does not use the policy is among the members")
		}
		seen := map[string]bool{}
		for _, m := range list {
			if seen[m.Visual] {
				t.Errorf("%s is there twice", m.Visual)
			}
			seen[m.Visual] = true
		}
		if _, err := w.PolicyMembers(ctx, w.root, "nowhere", ""); control.KindOf(err) != control.NotFound {
			t.Errorf("%v", err)
		}
	})
}
