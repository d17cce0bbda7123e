package policy

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"portcullis/edge/waist"
)

var allLanguages = []string{waist.LanguageVisual, waist.LanguageRego, waist.LanguageCedar}

// TestGallery: every example compiles without a remark in all languages, lets in whom it should, and the languages
// decide alike.
func TestGallery(t *testing.T) {
	cases := map[string]struct{ allow, deny []string }{
		"has-scope": {
			[]string{`{"authn_ctx":{"scp":["pets.read"]}}`, `{"authn_ctx":{"scope":"a pets.read"}}`, `{"contexts":{"scopes":{"pets.read":[{"params":[]}]}}}`},
			[]string{`{}`, `{"authn_ctx":{"scp":["pets.reader"]}}`, `{"authn_ctx":{"scope":"pets.readwrite"}}`, `{"contexts":{"scopes":{"pets.read":[]}}}`},
		},
		"owner": {
			[]string{`{"authn_ctx":{"sub":"joe"},"request":{"path_params":{"userId":"joe"}}}`},
			[]string{`{}`, `{"authn_ctx":{"sub":"joe"}}`, `{"request":{"path_params":{"userId":"joe"}}}`, `{"authn_ctx":{"sub":"joe"},"request":{"path_params":{"userId":"eve"}}}`},
		},
		"office-hours": {
			[]string{`{"now":"2026-01-15T08:00:00Z"}`, `{"now":"2026-01-16T17:59:59Z"}`},
			[]string{`{"now":"2026-01-15T07:59:59Z"}`, `{"now":"2026-01-15T18:00:00Z"}`, `{"now":"2026-01-17T12:00:00Z"}`, `{"now":"2026-01-18T12:00:00Z"}`},
		},
		"source-network": {
			[]string{`{"request":{"source_ip":"192.0.2.200"}}`},
			[]string{`{}`, `{"request":{"source_ip":"192.0.3.1"}}`, `{"request":{"source_ip":"203.0.113.1","headers":{"X-Forwarded-For":["192.0.2.1"]}}}`},
		},
		"machines-only": {
			[]string{`{"authn_ctx":{"client_id":"app"}}`, `{"authn_ctx":{"client_id":"app","sub":"app"}}`},
			[]string{`{}`, `{"authn_ctx":{"sub":"joe"}}`, `{"authn_ctx":{"client_id":"app","sub":"joe"}}`},
		},
		"mtls-bound": {
			[]string{`{"authn_ctx":{"cnf":{"x5t#S256":"a"}},"request":{"mtls":{"x5t#S256":"a"}}}`},
			[]string{`{}`, `{"authn_ctx":{"cnf":{"x5t#S256":"a"}}}`, `{"request":{"mtls":{"x5t#S256":"a"}}}`, `{"authn_ctx":{"cnf":{}},"request":{"mtls":{}}}`, `{"authn_ctx":{"cnf":{"x5t#S256":"a"}},"request":{"mtls":{"x5t#S256":"b"}}}`},
		},
		"tenant-match": {
			[]string{`{"authn_ctx":{"tenant":"acme"},"request":{"path_params":{"tenantId":"acme"}}}`},
			[]string{`{}`, `{"authn_ctx":{"tenant":"acme"},"request":{"path_params":{"tenantId":"globex"}}}`},
		},
		"read-only-role": {
			[]string{`{"authn_ctx":{"role":"auditor"},"request":{"method":"GET"}}`, `{"authn_ctx":{"role":"editor"},"request":{"method":"DELETE"}}`},
			[]string{`{}`, `{"authn_ctx":{"role":"auditor"},"request":{"method":"POST"}}`, `{"request":{"method":"GET"}}`},
		},
	}
	if len(Gallery()) != len(cases) {
		t.Errorf("%d examples, %d with cases", len(Gallery()), len(cases))
	}
	for _, x := range Gallery() {
		for _, language := range allLanguages {
			p, ok := x.Policy(language)
			if !ok {
				t.Errorf("%s has no policy in %s", x.ID, language)
				continue
			}
			if problems := Check(p, nil); len(problems) > 0 {
				t.Errorf("%s in %s: %v", x.ID, language, problemTexts(problems))
			}
			s := Compile([]waist.Policy{p}, Options{})
			for i, inputs := range [][]string{cases[x.ID].allow, cases[x.ID].deny} {
				for _, text := range inputs {
					var in Input
					if err := json.Unmarshal([]byte(text), &in); err != nil {
						t.Fatal(err)
					}
					r := s.Evaluate(context.Background(), p.ID, &in)
					if (r.Decision == Allow) != (i == 0) || r.Reason != "" && r.Reason != ReasonDenied {
						t.Errorf("%s in %s: %s: %+v", x.ID, language, text, r)
					}
				}
			}
		}
	}
}

// TestExplain: what the test bench shows of each language.
func TestExplain(t *testing.T) {
	policies := []waist.Policy{
		visualPolicy(t, `[{"name":"any","conf":{"validators":[{"name":"identity-context","conf":{"fields":[{"field":"sub","comparator":"equals","value":"$request.pathParams.userId"}]}},
			{"name":"header","conf":{"fields":[{"field":"Authorization","comparator":"present"}]}}]}}]`),
		{ID: "rego", Language: waist.LanguageRego, Definition: "package acp.authz\n\ndefault allow := false\n\nallow if {\n  print(\"method\", input.request.method)\n  input.request.method == \"POST\"\n}\n\nallow if input.authn_ctx.access_token == \"x\"\n"},
		{ID: "cedar", Language: waist.LanguageCedar, Definition: "permit(principal, action, resource);\n@id(\"no joe\")\nforbid(principal == User::\"joe\", action, resource);\nforbid(principal, action, resource) when { context.claims.banned };"},
	}
	in := &Input{AuthnCtx: map[string]any{"sub": "joe", "access_token": "sesame-open"}, Request: Request{Method: "GET", PathParams: map[string]string{"userId": "eve"}}}
	s := Compile(policies, Options{})
	want := map[string][]string{
		"x": {`sub equals $request.pathParams.userId does not hold: sub is "joe", request.pathParams.userId is "eve"`, "none of the alternatives holds",
			`"path":"validators[0].conf.validators[1].conf.fields[0]"`, "request.headers.Authorization is absent"},
		"rego":  {`line 7 does not hold: input.request.method == "POST"; input.request.method is "GET"`, "input.authn_ctx.access_token is (redacted)", `"prints":["method GET"]`, `"path":"allow","line":5`, "the default"},
		"cedar": {`"path":"no joe","line":2,"outcome":"holds","message":"forbid applies"`, `"path":"statement 1","line":1,"outcome":"holds"`, `"outcome":"unknown","message":"forbid failed`},
	}
	for id, parts := range want {
		x := s.Explain(context.Background(), id, in)
		var buf strings.Builder
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(x); err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(buf.String(), `\"`, `"`)
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s lacks %s:\n%s", id, part, text)
			}
		}
		if strings.Contains(text, "sesame") || x.Decision != Deny || x.Duration <= 0 || len(x.Reads.List()) == 0 {
			t.Errorf("%s: %+v", id, x)
		}
	}
	if x := s.Explain(context.Background(), "nowhere", nil); x.Reason != ReasonUnknown || x.Steps != nil {
		t.Errorf("%+v", x)
	}
}

// TestSecretsStayInside: no explanation shows a header, claim or parameter that may be a secret.
func TestSecretsStayInside(t *testing.T) {
	const secret = "sesame-open"
	in := &Input{
		AuthnCtx: map[string]any{"access_token": secret, "client_secret": secret, "nested": map[string]any{"password": secret}},
		Request: Request{
			Headers:     map[string][]string{"Authorization": {"Bearer " + secret}, "Cookie": {secret}, "X-Api-Key": {secret}, "X-Amz-Security-Token": {secret}},
			QueryParams: map[string][]string{"access_token": {secret}, "code": {secret}}, Body: secret,
		},
	}
	for _, f := range []string{"authnCtx.access_token", "authnCtx.client_secret", "authnCtx.nested.password", "request.headers.authorization", "request.headers.cookie",
		"request.headers.x-api-key", "request.headers.x-amz-security-token", "request.queryParams.access_token", "request.queryParams.code", "request.body"} {
		p := visualPolicy(t, `[{"name":"attributes","conf":{"fields":[{"field":"`+f+`","comparator":"equals","value":"x"},{"field":"request.method","comparator":"equals","value":"$`+f+`"}]}}]`)
		text, err := json.Marshal(Compile([]waist.Policy{p}, Options{}).Explain(context.Background(), "x", in))
		if err != nil || strings.Contains(string(text), "sesame") || !strings.Contains(string(text), "not hold") {
			t.Errorf("%s: %v %s", f, err, text)
		}
	}
}

// TestNoAllocations: a visual policy that allows costs no allocation, nor does one that compares scalars of any kind.
func TestNoAllocations(t *testing.T) {
	p := visualPolicy(t, `[{"name":"attributes","conf":{"fields":[
		{"field":"authnCtx.iss","comparator":"equals","value":"https://issuer.example"},
		{"field":"authnCtx.scp","comparator":"contains","value":"pets.read"},
		{"field":"authnCtx.sub","comparator":"equals","value":"$request.pathParams.userId"},
		{"field":"authnCtx.level","comparator":"greater_or_equal","value":3},
		{"field":"request.headers.x-tenant","comparator":"starts_with","value":"ac*e"},
		{"field":"request.sourceIp","comparator":"in_cidr","value":"192.0.2.0/24"}]}},
		{"name":"any","conf":{"validators":[{"name":"false"},{"name":"time","conf":{"zone":"Europe/Berlin","from":"00:00","to":"24:00"}}]}}]`)
	s := Compile([]waist.Policy{p}, Options{})
	in := benchInput()
	if r := s.Evaluate(context.Background(), "x", in); r.Decision != Allow {
		t.Fatalf("%+v", r)
	}
	if n := testing.AllocsPerRun(100, func() { s.Evaluate(context.Background(), "x", in) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
