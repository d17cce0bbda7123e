package admin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"portcullis/control"
	"portcullis/control/store/storetest"
	"portcullis/edge/waist"
)

func embedding(id string) []waist.Validator {
	return []waist.Validator{{Name: "embedded-policy", Conf: json.RawMessage(`{"policy_id":"` + id + `"}`)}}
}

// TestPolicyProblemsAreNamed: what does not compile is refused with its place, and nothing is written.
func TestPolicyProblemsAreNamed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			p           control.Policy
			field, text string
		}{
			"rego":       {control.Policy{Language: "rego", Definition: "package acp.authz\n\nallow {\n  input.x = \n}\n"}, "definition", "line 5"},
			"no package": {control.Policy{Language: "rego", Definition: "package other\n"}, "definition", ""},
			"cedar":      {control.Policy{Language: "cedar", Definition: "permit(principal, action"}, "definition", "line 1"},
			"validator":  {control.Policy{Validators: []waist.Validator{{Name: "true"}, {Name: "no-such"}}}, "validators[1].name", "no-such"},
			"comparator": {control.Policy{Validators: []waist.Validator{{Name: "attributes", Conf: json.RawMessage(`{"fields":[{"field":"authnCtx.sub","comparator":"is","value":"x"}]}`)}}},
				"validators[0].conf.fields[0].comparator", ""},
			"language": {control.Policy{Language: "lua"}, "language", ""},
		} {
			before := lastAudit(t, w)
			c.p.ServerID, c.p.PolicyName = "default", name
			_, err := w.CreatePolicy(ctx, w.root, c.p)
			refused(t, err, control.Invalid, "invalid_policy")
			var e *control.Error
			if errors.As(err, &e); !strings.Contains(e.Fields[c.field], c.text) || e.Fields[c.field] == "" {
				t.Errorf("%s: fields %v, want %q with %q", name, e.Fields, c.field, c.text)
			}
			if _, err := w.GetPolicy(ctx, w.root, "default-"+name); control.KindOf(err) != control.NotFound || lastAudit(t, w) != before {
				t.Errorf("%s: something was written", name)
			}
		}
		// An update that does not compile leaves the policy as it was.
		_, err := w.UpdatePolicy(ctx, w.root, control.Policy{ID: "block_default_api", PolicyName: "Block", Validators: []waist.Validator{{Name: "no-such"}}})
		refused(t, err, control.Invalid, "invalid_policy")
		if p := must(w.GetPolicy(ctx, w.root, "block_default_api"))(t); p.Validators[0].Name != "false" {
			t.Errorf("%+v", p)
		}
	})
}

// TestEmbeddedPolicies: an embedded policy travels with the one that embeds it, cannot be deleted, and cannot turn into
// a circle.
func TestEmbeddedPolicies(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, authorizer, sid := w.bound("GET", "/pets")
		outer := control.Policy{ServerID: "default", PolicyName: "Outer", Validators: embedding("block_default_api")}
		if _, err := w.CreatePolicy(ctx, w.root, outer); err != nil {
			t.Fatalf("%v", err)
		}
		w.assign(sid, "GET", "/pets", "default-outer")
		if cfg := w.configuration(authorizer); len(cfg.Policies) != 2 || cfg.Policies[0].ID != "block_default_api" {
			t.Errorf("%+v", cfg.Policies)
		}
		err := w.DeletePolicy(ctx, w.root, "block_default_api")
		refused(t, err, control.Malformed, "policy_in_use")
		if !strings.Contains(err.Error(), "policy default-outer") {
			t.Errorf("%v", err)
		}
		_, err = w.UpdatePolicy(ctx, w.root, control.Policy{ID: "block_default_api", PolicyName: "Block", Validators: embedding("default-outer")})
		refused(t, err, control.Invalid, "invalid_policy")
		_, err = w.CreatePolicy(ctx, w.root, control.Policy{ServerID: "default", PolicyName: "Lost", Validators: embedding("nowhere")})
		refused(t, err, control.Invalid, "invalid_policy")
		// A policy of another workspace is not there for this one.
		must(w.CreateWorkspace(ctx, w.root, control.Workspace{Name: "Other"}))(t)
		_, err = w.CreatePolicy(ctx, w.root, control.Policy{ServerID: "default", PolicyName: "Foreign", Validators: embedding("block_other_api")})
		refused(t, err, control.Invalid, "invalid_policy")
		x, _ := w.api(sid, "GET", "/pets")
		_, err = w.UpdateAPI(ctx, w.root, x.ID, control.APIUpdate{PolicyID: "block_other_api"})
		refused(t, err, control.Invalid, "invalid_api")
		// No longer embedded, no longer assigned: free to go.
		must(w.UpdatePolicy(ctx, w.root, control.Policy{ID: "default-outer", PolicyName: "Outer", Validators: []waist.Validator{{Name: "true"}}}))(t)
		if err := w.DeletePolicy(ctx, w.root, "block_default_api"); err != nil {
			t.Error(err)
		}
	})
}

// TestEmbeddingStaysInBounds: an inner policy cannot grow so that one far above it is too deep or too large.
func TestEmbeddingStaysInBounds(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	many := func(id string, n int) (list []waist.Validator) {
		for range n {
			list = append(list, embedding(id)...)
		}
		return list
	}
	create := func(id string, validators []waist.Validator) {
		t.Helper()
		must(w.CreatePolicy(ctx, w.root, control.Policy{ID: id, ServerID: "default", PolicyName: id, Validators: validators}))(t)
	}
	update := func(id string, validators []waist.Validator) error {
		_, err := w.UpdatePolicy(ctx, w.root, control.Policy{ID: id, PolicyName: id, Validators: validators})
		return err
	}
	create("leaf", []waist.Validator{{Name: "true"}})
	create("e0", []waist.Validator{{Name: "true"}})
	for i := 1; i <= 8; i++ {
		create(fmt.Sprint("e", i), many(fmt.Sprint("e", i-1), 1))
	}
	err := update("e0", many("leaf", 1))
	refused(t, err, control.Invalid, "invalid_policy")
	if !strings.Contains(err.Error(), `"e8"`) || !strings.Contains(err.Error(), "embeds policies 9 deep; 8 are allowed") {
		t.Errorf("%v", err)
	}
	create("mid", many("leaf", 10))
	create("top", many("mid", 20))
	err = update("mid", many("leaf", 20))
	refused(t, err, control.Invalid, "invalid_policy")
	if !strings.Contains(err.Error(), `"top" can evaluate 420 embedded policies for one decision; 256 are allowed`) {
		t.Errorf("%v", err)
	}
}

func TestPolicyIDs(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	create := func(p control.Policy) (control.Policy, error) {
		p.ServerID, p.Validators = "default", []waist.Validator{{Name: "true"}}
		return w.CreatePolicy(ctx, w.root, p)
	}
	first := must(create(control.Policy{PolicyName: "Same name"}))(t)
	second := must(create(control.Policy{PolicyName: "Same name"}))(t)
	if first.ID != "default-same-name" || second.ID == first.ID || !strings.HasPrefix(second.ID, "default-") {
		t.Errorf("%q, %q", first.ID, second.ID)
	}
	if p := must(create(control.Policy{PolicyName: "支払い"}))(t); !strings.HasPrefix(p.ID, "default-") || len(p.ID) < 20 {
		t.Errorf("%q", p.ID)
	}
	_, err := create(control.Policy{ID: first.ID, PolicyName: "Other"})
	refused(t, err, control.Conflict, "policy_exists")
}

func TestTestPolicy(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	test := control.PolicyTest{WorkspaceID: "default"}
	test.Policy.Language, test.Policy.Definition = "rego", "package acp.authz\n\ndefault allow = false\n\nallow { input.authn_ctx.sub == \"joe\" }\n\nwho = input.authn_ctx.sub\n"
	test.Input.AuthnCtx = map[string]any{"sub": "joe"}
	r := must(w.TestPolicy(ctx, w.root, test))(t)
	if !r.Status || r.Result != waist.ResultAuthorized || r.Output["who"] != "joe" || r.Failures == nil || r.Recovery == nil {
		t.Errorf("%+v", r)
	}
	test.Input.AuthnCtx["sub"] = "jim"
	if r := must(w.TestPolicy(ctx, w.root, test))(t); r.Status || r.Result != waist.ResultUnauthorized || len(r.Failures) == 0 {
		t.Errorf("%+v", r)
	}
	test.Policy.Definition = "package acp.authz\nallow {"
	_, err := w.TestPolicy(ctx, w.root, test)
	refused(t, err, control.Invalid, "invalid_policy")
	test.Policy.Language, test.Policy.Definition, test.Policy.Validators = "", "", embedding("block_default_api")
	if r := must(w.TestPolicy(ctx, w.root, test))(t); r.Status {
		t.Errorf("%+v", r)
	}
	test.WorkspaceID = "nowhere"
	_, err = w.TestPolicy(ctx, w.root, test)
	refused(t, err, control.NotFound, "not_found")
}

// TestPolicyTypes: policies of every published type are stored, listed by type, tested and carried by documents; only those
// of type api can be assigned anywhere, and no others reach an authorizer.
func TestPolicyTypes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g, authorizer, sid := w.bound("GET", "/pets")
		list := func(types ...string) (ids []string) {
			for _, p := range must(w.ListPolicies(ctx, w.root, "default", types))(t) {
				ids = append(ids, p.ID)
			}
			return ids
		}
		born := []string{"block_default_user", "mfa_default_user", "nist-aal-1_default_user", "nist-aal-2_default_user", "nist-aal-3_default_user"}
		if got := list("user"); !slices.Equal(got, born) {
			t.Errorf("born with %v", got)
		}
		if all, api := list(), list("api"); len(all) != 12 || len(api) != 4 {
			t.Errorf("born with %v", all)
		}
		x, _ := w.api(sid, "GET", "/pets")
		for _, typ := range control.PolicyTypes[1:] {
			p := must(w.CreatePolicy(ctx, w.root, control.Policy{ServerID: "default", PolicyName: "My " + typ, Type: typ, Validators: []waist.Validator{{Name: "true"}}}))(t)
			if list := must(w.PolicyWarnings(ctx, w.root, p.ID))(t); len(list) != 1 || list[0].Path != "type" || !strings.Contains(list[0].Message, "nothing asks this one") {
				t.Errorf("%s: %s", typ, messages(list))
			}
			_, err := w.UpdateAPI(ctx, w.root, x.ID, control.APIUpdate{PolicyID: p.ID})
			refused(t, err, control.Invalid, "invalid_api")
			if !strings.Contains(err.Error(), "of type "+typ) {
				t.Errorf("%v", err)
			}
			_, err = w.UpdateGateway(ctx, w.root, g, control.GatewayUpdate{Name: "AWS", DefaultPolicyID: p.ID})
			refused(t, err, control.Invalid, "invalid_gateway")
			_, err = w.AssignPolicy(ctx, w.root, "default", []string{x.ID}, p.ID)
			if control.KindOf(err) != control.Invalid {
				t.Errorf("several at once: %v", err)
			}
			for _, point := range []string{control.PointAPI, "server_user_token"} {
				err = w.SetPolicyExecutionPoints(ctx, w.root, "default", []control.PolicyExecutionPoint{{Type: point, Target: x.ID, PolicyID: p.ID}})
				refused(t, err, control.Invalid, "invalid_execution_points")
			}
			err = w.ImportWorkspace(ctx, w.root, "default", parsed(t, `{"services":{"`+sid+`":{"name":"PetStore","apis":{"`+x.ID+`":{"method":"GET","path":"/pets","policy_id":"`+p.ID+`"}}}}}`), updating)
			if got := wrongs(t, err); !strings.Contains(got["services."+sid+".apis."+x.ID+".policy_id"], typ) {
				t.Errorf("%v", got)
			}
			_, err = w.CreatePolicy(ctx, w.root, control.Policy{ServerID: "default", PolicyName: "Embeds", Validators: embedding(p.ID)})
			refused(t, err, control.Invalid, "invalid_policy")
			// What an API has cannot become something that no API takes.
			_, err = w.UpdatePolicy(ctx, w.root, control.Policy{ID: "block_default_api", PolicyName: "Block", Type: typ, Validators: []waist.Validator{{Name: "true"}}})
			refused(t, err, control.Invalid, "invalid_policy")
			err = w.ImportWorkspace(ctx, w.root, "default", parsed(t, `{"policies":{"block_default_api":{"policy_name":"Block","type":"`+typ+`","validators":[{"name":"true"}]}}}`), updating)
			if got := wrongs(t, err); got["policies.block_default_api.type"] == "" {
				t.Errorf("%v", got)
			}
			// A policy of a type embeds others of the same type, also in a test.
			must(w.CreatePolicy(ctx, w.root, control.Policy{ServerID: "default", PolicyName: "Outer " + typ, Type: typ, Validators: embedding(p.ID)}))(t)
			test := control.PolicyTest{WorkspaceID: "default"}
			test.Policy.Type, test.Policy.Validators = typ, embedding(p.ID)
			if r := must(w.TestPolicy(ctx, w.root, test))(t); !r.Status {
				t.Errorf("%s: %+v", typ, r)
			}
			if got := list(typ); !slices.Contains(got, p.ID) || len(got) < 3 {
				t.Errorf("%s: %v", typ, got)
			}
		}
		must(w.UpdateGateway(ctx, w.root, g, control.GatewayUpdate{Name: "AWS", DefaultPolicyID: "block_default_api"}))(t)
		w.assign(sid, "GET", "/pets", "block_default_api")
		if cfg := w.configuration(authorizer); len(cfg.Policies) != 1 || cfg.Policies[0].ID != "block_default_api" {
			t.Errorf("%+v", cfg.Policies)
		}
		doc := must(w.ExportWorkspace(ctx, w.root, "default", false))(t)
		if p := doc.Policies["mfa_default_user"]; p.Type != "user" || len(p.Validators) != 1 || p.Validators[0].Name != "authentication-factors" || p.Validators[0].Recovery[0].Type != "mfa" {
			t.Errorf("%+v", p)
		}
		unchanged(t, w, "default", func() error { return w.ImportWorkspace(ctx, w.root, "default", document(t, doc), updating) })
		_, err := w.CreatePolicy(ctx, w.root, control.Policy{ServerID: "default", PolicyName: "X", Type: "login", Validators: []waist.Validator{{Name: "true"}}})
		refused(t, err, control.Invalid, "invalid_policy")
	})
}
