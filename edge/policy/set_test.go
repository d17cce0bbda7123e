package policy

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"portcullis/edge/waist"
)

// The JSON of these policies is as published: it must be read unchanged.
const publishedPolicies = `[
 {"id":"block","language":"cloudentity","type":"api","definition":"","validators":[{"name":"false","conf":null,"recovery":null}]},
 {"id":"open","language":"cloudentity","type":"api","validators":[{"name":"true","conf":null,"recovery":null}]},
 {"id":"aal1","language":"cloudentity","type":"api","validators":[{"name":"identity-context","conf":{"fields":[{"comparator":"contains_all","field":"amr","value":["pwd"]}]},"recovery":null}]},
 {"id":"aal3","language":"cloudentity","type":"api","validators":[{"name":"identity-context","conf":{"fields":[
   {"comparator":"contains_all","field":"amr","value":["mfa","pwd"]},{"comparator":"contains_any","field":"amr","value":["face","retina","sc","vbm"]}]},"recovery":null}]},
 {"id":"mfa","language":"cloudentity","type":"user","validators":[{"name":"authentication-factors","conf":{"fields":[{"comparator":"contains","field":"login.verified_recovery_methods","value":["mfa"]}]},"recovery":[{"type":"mfa"}]}]},
 {"id":"mtls","language":"cloudentity","type":"api","validators":[{"name":"attributes","conf":{"fields":[{"comparator":"equals","field":"request.mtls.x5t#S256","value":"$authnCtx.cnf.x5t#S256"}]},"recovery":null}]},
 {"id":"pyron","language":"cloudentity","type":"api","validators":[
   {"name":"attributes","conf":{"fields":[{"comparator":"equals","field":"authnCtx.cnf.x5t#S256","value":"$request.headers.x-ssl-cert-hash"}]},"recovery":null},
   {"name":"attributes","conf":{"fields":[{"comparator":"present","field":"authnCtx.cnf.x5t#S256","value":""}]},"recovery":null}]},
 {"id":"issuer","language":"cloudentity","type":"api","validators":[{"name":"identity-context","conf":{"fields":[{"comparator":"equals","field":"authnCtx.iss","value":"https://localhost:8443/default/default"}]},"recovery":null}]},
 {"id":"cidr","language":"rego","type":"api","definition":"package acp.authz\n\ndefault allow = false\n\nallowedCidrRange = [\"10.0.0.0/8\"]\n\nallow {\n  net.cidr_contains(allowedCidrRange[i], input.request.headers[\"X-Custom-User-IP\"][_])\n}\n"},
 {"id":"dashboard","language":"rego","type":"api","definition":"package acp.authz\n\ndefault allow = false\n\nallow {\n  input.request.method == \"GET\"\n  id := input.scopes[\"dashboard.read.*\"][_].params[0]\n  input.request.path == sprintf(\"/%v/dashboard/%v\", [input.authn_ctx.tid, id])\n}\n\npermissions = {\"joe\": [\"read\"]}[input.authn_ctx.sub]\n"},
 {"id":"machine","language":"rego","type":"api","definition":"package acp.authz\n\ndefault allow = false\n\nallow { input.authn_ctx.idp == \"\" }\n"},
 {"id":"skeleton","language":"rego","type":"api","definition":"package acp.authz\n\ndefault allow = false\n"}
]`

func publishedSet(t *testing.T) *Set {
	t.Helper()
	var policies []waist.Policy
	if err := json.Unmarshal([]byte(publishedPolicies), &policies); err != nil {
		t.Fatal(err)
	}
	for _, p := range policies {
		for _, problem := range Check(p, nil) {
			t.Errorf("%s: %s", p.ID, problem)
		}
	}
	return Compile(policies, Options{Timeout: time.Minute})
}

func TestPublishedPolicies(t *testing.T) {
	s := publishedSet(t)
	cases := []struct {
		policy, input string
		allow         bool
	}{
		{"block", `{}`, false},
		{"open", `{}`, true},
		{"aal1", `{"authn_ctx":{"amr":["pwd","otp"]}}`, true},
		{"aal1", `{"authn_ctx":{"amr":["otp"]}}`, false},
		{"aal1", `{}`, false},
		{"aal3", `{"authn_ctx":{"amr":["pwd","mfa","face"]}}`, true},
		{"aal3", `{"authn_ctx":{"amr":["pwd","mfa"]}}`, false},
		{"aal3", `{"authn_ctx":{"amr":["pwd","face"]}}`, false},
		{"mfa", `{"contexts":{"login":{"verified_recovery_methods":["mfa"]}}}`, true},
		{"mfa", `{"contexts":{"login":{"verified_recovery_methods":[]}}}`, false},
		{"mtls", `{"authn_ctx":{"cnf":{"x5t#S256":"abc"}},"request":{"mtls":{"x5t#S256":"abc"}}}`, true},
		{"mtls", `{"authn_ctx":{"cnf":{"x5t#S256":"abc"}},"request":{"mtls":{"x5t#S256":"abd"}}}`, false},
		{"mtls", `{"authn_ctx":{},"request":{}}`, false},
		{"mtls", `{"authn_ctx":{"cnf":{"x5t#S256":"abc"}}}`, false},
		{"pyron", `{"authn_ctx":{"cnf":{"x5t#S256":"abc"}},"request":{"headers":{"X-Ssl-Cert-Hash":["abc"]}}}`, true},
		{"pyron", `{"authn_ctx":{"cnf":{"x5t#S256":""}},"request":{"headers":{"X-Ssl-Cert-Hash":[""]}}}`, false},
		{"pyron", `{"authn_ctx":{"cnf":{"x5t#S256":"abc"}},"request":{"headers":{"X-Ssl-Cert-Hash":["*"]}}}`, false},
		{"pyron", `{"authn_ctx":{"cnf":{"x5t#S256":"abc"}},"request":{"headers":{"X-Ssl-Cert-Hash":["abc","other"]}}}`, false},
		{"issuer", `{"authn_ctx":{"iss":"https://localhost:8443/default/default"}}`, true},
		{"issuer", `{"authn_ctx":{"iss":"https://localhost:8443/default/other"}}`, false},
		{"cidr", `{"request":{"headers":{"x-custom-user-ip":["10.1.2.3"]}}}`, true},
		{"cidr", `{"request":{"headers":{"X-Custom-User-Ip":["11.1.2.3"]}}}`, false},
		{"dashboard", `{"authn_ctx":{"tid":"acme","sub":"joe"},"contexts":{"scopes":{"dashboard.read.*":[{"params":["7"],"requested_name":"dashboard.read.7"}]}},"request":{"method":"GET","path":"/acme/dashboard/7"}}`, true},
		{"dashboard", `{"authn_ctx":{"tid":"acme","sub":"joe"},"contexts":{"scopes":{"dashboard.read.*":[{"params":["8"],"requested_name":"dashboard.read.8"}]}},"request":{"method":"GET","path":"/acme/dashboard/7"}}`, false},
		{"machine", `{"authn_ctx":{"idp":""}}`, true},
		{"machine", `{"authn_ctx":{"idp":"google"}}`, false},
		{"skeleton", `{"authn_ctx":{"sub":"joe"}}`, false},
		{"nobody", `{}`, false},
	}
	for _, c := range cases {
		var in Input
		if err := json.Unmarshal([]byte(c.input), &in); err != nil {
			t.Fatal(err)
		}
		r := s.Evaluate(context.Background(), c.policy, &in)
		if (r.Decision == Allow) != c.allow {
			t.Errorf("%s %s: %v, want allow=%v: %+v", c.policy, c.input, r.Decision, c.allow, r)
		}
		if (r.Reason == "") != (r.Decision == Allow) {
			t.Errorf("%s: reason %q with decision %v", c.policy, r.Reason, r.Decision)
		}
	}
}

func TestRegoOutput(t *testing.T) {
	s := publishedSet(t)
	r := s.Evaluate(context.Background(), "dashboard", &Input{AuthnCtx: map[string]any{"sub": "joe"}})
	if got, ok := r.Output["permissions"].([]any); !ok || len(got) != 1 || got[0] != "read" {
		t.Errorf("output %#v", r.Output)
	}
}

func TestZeroValuesDeny(t *testing.T) {
	var s Set
	var nilSet *Set
	for _, r := range []Result{{}, s.Evaluate(context.Background(), "x", nil), nilSet.Evaluate(context.Background(), "x", nil)} {
		if r.Decision != Deny {
			t.Errorf("%+v", r)
		}
	}
}

// TestSetInputs: the set says of its policies what Inputs says of them alone.
func TestSetInputs(t *testing.T) {
	s := publishedSet(t)
	for id, e := range s.entries {
		got, ok := s.Inputs(id)
		if want := Inputs(e.policy, s.lookup); !ok || !slices.Equal(got.List(), want.List()) {
			t.Errorf("%s: %v, alone %v", id, got.List(), want.List())
		}
	}
	for id, tokenOnly := range map[string]bool{"aal3": true, "block": true, "machine": true, "mtls": false, "dashboard": false} {
		if r, _ := s.Inputs(id); r.TokenOnly() != tokenOnly {
			t.Errorf("%s: token only is %v", id, r.TokenOnly())
		}
	}
	if _, ok := s.Inputs("nobody"); ok {
		t.Error("a policy that does not exist reads something")
	}
}
