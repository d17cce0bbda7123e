package authorizer

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"portcullis/edge/acp"
	"portcullis/edge/policy"
	"portcullis/edge/waist"
)

// The branches of a decision that the other tests do not come by. `make test` fails when a statement between an event and
// its answer is met by no test of this package (.ci/decision).

// TestAnswerForms: an answer is a statement or a boolean, and goes as far as it may and no further.
func TestAnswerForms(t *testing.T) {
	text := "arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/GET/pets/1"
	ofPath := func(path, template string) *request {
		a, ok := parseARN("arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/GET" + path)
		if !ok {
			t.Fatal(path)
		}
		return &request{kind: kindRequest, arn: a, template: template}
	}
	plainOne := ofPath("/pets/1", "/pets/{petId}")
	http2 := &request{kind: kindHTTP2, arn: plainOne.arn}
	lost := &request{kind: kindRequest}
	yes, no := verdict{allow: true, reason: ReasonAllowed}, verdict{reason: policy.ReasonDenied}
	until := time.Date(2026, 11, 22, 10, 0, 3, 0, time.UTC)
	deny := `"Effect":"Deny"`
	long := "/" + strings.Repeat("x", 600)
	for _, c := range []struct {
		name    string
		r       *request
		v       verdict
		far     reach
		context map[string]any
		simple  bool
		want    []string
	}{
		{"allow", plainOne, yes, reach{open: true}, nil, false, []string{`"Effect":"Allow"`, `"Resource":"` + text + `"`, `"principalId":"anonymous"`}},
		{"deny", plainOne, no, reach{open: true}, nil, false, []string{deny, `"Resource":"` + text + `"`}},
		{"the zero verdict", plainOne, verdict{}, reach{}, nil, false, []string{deny}},
		{"the whole stage, for a time", plainOne, yes, reach{stage: true, until: until}, nil, false, []string{`"Resource":"arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/*"`,
			`"Condition":{"DateLessThan":{"aws:CurrentTime":"2026-11-22T10:00:03Z"}}`}},
		{"a deny goes nowhere else and has no end", plainOne, no, reach{stage: true, until: until}, nil, false, []string{deny, `"Resource":"` + text + `"}]`}},
		{"simple, allow", http2, yes, reach{open: true}, map[string]any{"n": int64(1)}, true, []string{`{"isAuthorized":true,"context":{"n":1}}`}},
		{"simple, deny", http2, no, reach{}, nil, true, []string{`{"isAuthorized":false}`}},
		{"simple is for HTTP APIs only", plainOne, yes, reach{open: true}, nil, true, []string{`"Effect":"Allow"`}},
		{"no readable ARN", lost, yes, reach{open: true}, nil, false, []string{deny, `"Resource":"*"`}},
		{"an ARN that is a pattern", &request{kind: kindRequest, arn: arn{apiID: "abc*", stage: "dev", verb: "GET"}}, yes, reach{open: true}, nil, false, []string{deny, `"Resource":"*"`}},
		{"a path that is a pattern", ofPath("/pets/*", "/pets/{petId}"), yes, reach{open: true}, nil, false, []string{`/dev/GET/pets/*"`}},
		{"a pattern without a template", ofPath("/pets/*", ""), yes, reach{open: true}, nil, false, []string{`/dev/GET/*"`}},
		{"a pattern under the root", ofPath("/*", "/"), yes, reach{open: true}, nil, false, []string{`/dev/GET/"`}},
		{"a variable", ofPath("/pets/${aws:username}", "/pets/{petId}"), yes, reach{open: true}, nil, false, []string{`/dev/GET/pets/*"`}},
		{"a long template", ofPath(long, long), yes, reach{open: true}, nil, false, []string{`xxx*"`}},
		{"what no context holds", plainOne, yes, reach{open: true}, map[string]any{"x": make(chan int)}, false, []string{`"context":{"x":""}`}},
	} {
		got := string(render(c.r, c.v, c.far, "", c.context, c.simple))
		for _, w := range c.want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: %q is missing in %s", c.name, w, got)
			}
		}
		if strings.Contains(got, `"Deny"`) && strings.Contains(got, "Condition") {
			t.Errorf("%s: %s", c.name, got)
		}
		var r response
		if err := json.Unmarshal([]byte(got), &r); err != nil || len(r.PolicyDocument.Statement) == 1 && len(r.PolicyDocument.Statement[0].Resource) > maxResource {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestReach: where answers are kept, an Allow covers what it was decided for, and no other moment than its token's.
func TestReach(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Caching = true })
	b.cfg.Services = append(b.cfg.Services, waist.ConnectedService{ID: "s2", Name: "Token", APIGroupID: "def456-dev", Audience: audience,
		APIGroupMetadata: waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: "def456", Stage: "dev"}}})
	b.cfg.APIs = append(b.cfg.APIs, waist.API{ID: "t1", ServiceID: "s2", Method: "GET", Path: "/", PolicyID: "has-token"})
	if err := b.a.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	snap, _ := b.a.fresh.current(t.Context())
	now := b.clock.Now()
	of := func(apiID, path string) (g *group, api *waist.API) { return snap.index.find(apiID, "dev", "GET", path) }
	rest := &request{kind: kindRequest, rest: true}
	claims := map[string]any{"exp": float64(now.Add(time.Hour).Unix())}
	allowed := facts{}
	for _, c := range []struct {
		name      string
		r         *request
		api, path string
		reason    string
		allow     bool
		claims    map[string]any
		want      reach
	}{
		{"not a REST API", &request{kind: kindHTTP2}, "def456", "/", ReasonAllowed, true, claims, reach{open: true}},
		{"a deny", rest, "def456", "/", policy.ReasonDenied, false, claims, reach{open: true}},
		{"an unknown method that is allowed", rest, "nowhere", "/", ReasonUnknownAllowed, true, claims, reach{until: now.Add(keptOnce)}},
		{"an open API", rest, "abc123", "/open", ReasonOpen, true, nil, reach{open: true}},
		{"a policy that reads what no key holds", rest, "abc123", "/mtls", ReasonAllowed, true, claims, reach{until: now.Add(keptOnce)}},
		{"an anonymous caller", rest, "abc123", "/pets", ReasonAllowed, true, nil, reach{until: now.Add(keptOnce)}},
		{"a token without an end", rest, "def456", "/", ReasonAllowed, true, map[string]any{"sub": "joe"}, reach{until: now.Add(keptOnce)}},
		{"one of several policies", rest, "abc123", "/pets", ReasonAllowed, true, claims, reach{until: now.Add(time.Hour + time.Minute)}},
		{"one policy that reads the token", rest, "def456", "/", ReasonAllowed, true, claims, reach{stage: true, until: now.Add(time.Hour + time.Minute)}},
	} {
		d := &decision{request: c.r, claims: c.claims, facts: allowed, verdict: verdict{allow: c.allow, reason: c.reason}, started: now}
		d.group, d.api = of(c.api, c.path)
		if got := b.a.reachOf(snap, d); got.stage != c.want.stage || got.open != c.want.open || !got.until.Equal(c.want.until) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	if got := b.a.reachOf(nil, &decision{request: rest, verdict: verdict{allow: true}, started: now}); got.open || got.stage {
		t.Errorf("without a configuration: %+v", got)
	}
	// A token that is bound to a certificate is refused where its answer could be kept, and only there.
	certPEM, thumb := certificate(t)
	cnf := func(c map[string]any) { c["cnf"] = map[string]any{"x5t#S256": thumb} }
	withCert := func(c call) call {
		c.edit = func(e map[string]any) {
			e["requestContext"].(map[string]any)["identity"].(map[string]any)["clientCert"] = map[string]any{"clientCertPem": certPEM}
		}
		return c
	}
	if got := b.ask(withCert(get("/pets", "Bearer "+b.plane.sign(cnf))).event()); got.Allow || got.Reason != "token_binding_unsupported" {
		t.Errorf("%+v", got)
	}
	if got := b.ask(withCert(get("/mtls", "Bearer "+b.plane.sign(cnf))).event()); !got.Allow {
		t.Errorf("%+v", got)
	}
	// What an outage denies is the one error that API Gateway keeps no answer for; so is a refusal of two tokens.
	for name, payload := range map[string][]byte{"two tokens": get("/pets", "Bearer a", "Bearer b").event()} {
		if _, err := b.a.Answer(t.Context(), payload); !errors.Is(err, ErrUnauthorized) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.breakPolls(outage)
	b.clock.Add(2 * time.Hour)
	if _, err := b.a.Answer(t.Context(), get("/open").event()); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("an outage: %v", err)
	}
}

// TestDefects: a panic anywhere on the way is a Deny with a line in the log that quotes nothing of the event.
func TestDefects(t *testing.T) {
	for _, caching := range []bool{false, true} {
		b := newBench(t, func(o *Options) { o.Caching = caching })
		b.a.fresh = nil // a defect
		answer, err := b.a.Answer(t.Context(), get("/pets", "Bearer "+b.plane.sign(nil)).event())
		if string(answer) != denyEverything || (err != nil) != caching || err != nil && err.Error() != "Unauthorized" {
			t.Errorf("caching %t: %s %v", caching, answer, err)
		}
		if !strings.Contains(b.log.String(), "nil pointer dereference") {
			t.Errorf("%s", b.log)
		}
	}
	if got := panicText("Bearer secret"); got != "panic" {
		t.Errorf("a panic with a text: %q", got)
	}
	if got := panicText(runtimeError{}); got != "panic" {
		t.Errorf("a runtime error without a text: %q", got)
	}
}

type runtimeError struct{}

func (runtimeError) RuntimeError() {}

// TestDefaults: what is left out of the options, and how much of an invocation's time a decision may take.
func TestDefaults(t *testing.T) {
	client, err := acp.New(acp.Options{IssuerURL: "http://127.0.0.1:1/default/system", ClientID: "c", ClientSecret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	a := New(Options{Client: client})
	if a.o.RefreshInterval != 5*time.Second || a.o.MaxStaleness != time.Hour || a.now == nil || a.log == nil {
		t.Errorf("%+v", a.o)
	}
	for left, want := range map[time.Duration]time.Duration{10 * time.Second: 10*time.Second - answerMargin, time.Second: 800 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		in, cancelIn := a.within(ctx)
		if at, ok := in.Deadline(); !ok || time.Until(at) > want || time.Until(at) < want-100*time.Millisecond {
			t.Errorf("of %s: %s", left, time.Until(at))
		}
		cancelIn()
		cancel()
	}
	if one, two := NewEnvironmentID(), NewEnvironmentID(); len(one) != 22 || one == two {
		t.Errorf("%q %q", one, two)
	}
	if separator(&waist.Configuration{}) != "." || separator(&waist.Configuration{DynamicScopeSeparator: ":"}) != ":" {
		t.Error("the separator of dynamic scopes")
	}
}

// TestOddConfigurations: what a configuration may say that ours does not.
func TestOddConfigurations(t *testing.T) {
	b := newBench(t, nil)
	b.change(func(c *waist.Configuration) {
		c.JWKS = append(json.RawMessage(nil), c.JWKS...)
		c.TrustedIssuers = []waist.TrustedIssuer{{IssuerURL: "https://issuer.example.com", JWKSURL: "https://issuer.example.com/keys", JWKS: json.RawMessage("null")}}
		c.Services = append(c.Services, waist.ConnectedService{ID: "lost", APIGroupID: "no stage"}) // of no API group
		c.APIs = append(c.APIs, waist.API{ID: "x", ServiceID: "lost", Method: "GET", Path: "/x"}, waist.API{ID: "y", ServiceID: "nobody", Method: "GET", Path: "/y"})
	})
	if got := b.ask(get("/pets", "Bearer "+b.plane.sign(nil)).event()); !got.Allow {
		t.Errorf("%+v", got)
	}
	if got := audiencesOf(&b.cfg, &waist.ConnectedService{ID: "s"}, ""); got != nil {
		t.Errorf("an audience out of nothing: %q", got)
	}
	// A token for an API group that is not bound is meant for nobody: it is not looked at.
	other := get("/pets", "Bearer "+b.plane.sign(nil))
	other.edit = func(e map[string]any) {
		e["methodArn"] = "arn:aws:execute-api:eu-west-1:123456789012:zzz999/dev/GET/pets"
		e["requestContext"].(map[string]any)["apiId"] = "zzz999"
	}
	if got := b.ask(other.event()); got.Allow || got.Reason != ReasonUnbound || got.Principal != anonymous {
		t.Errorf("%+v", got)
	}
	// HTTP APIs with payload 1.0 may name the route by its key only.
	v1 := get("/pets", "Bearer "+b.plane.sign(nil))
	v1.edit = func(e map[string]any) {
		e["version"], e["resource"] = "1.0", ""
		rc := e["requestContext"].(map[string]any)
		rc["routeKey"], rc["resourcePath"] = "GET /pets", ""
	}
	if got := b.ask(v1.event()); !got.Allow {
		t.Errorf("%+v", got)
	}
	for cnf, want := range map[string]string{`{"x5t#S256":""}`: "", `{"x5t#S256":null,"jkt":null}`: "", `{"x5t#S256":"x"}`: "token_binding_mismatch", `{"x5t#S256":1}`: "token_binding_mismatch", `{"jkt":"x"}`: "token_binding_unsupported"} {
		var c map[string]any
		if err := json.Unmarshal([]byte(cnf), &c); err != nil {
			t.Fatal(err)
		}
		if got := bound(map[string]any{"cnf": c}, ""); got != want {
			t.Errorf("cnf %s: %q, want %q", cnf, got, want)
		}
	}
	if got := segments("/"); got != nil {
		t.Errorf("%q", got)
	}
	if got := text(make(chan int)); got != "" {
		t.Errorf("%q", got)
	}
}

// TestWhatMayBeKept: per bound group, the coarsest key and the reason why not more.
func TestWhatMayBeKept(t *testing.T) {
	policies := []waist.Policy{
		visual("joe", `[{"name":"identity-context","conf":{"fields":[{"field":"sub","comparator":"equals","value":"joe"}]}}]`),
		visual("joe-here", `[{"name":"attributes","conf":{"fields":[{"field":"request.path","comparator":"equals","value":"/a"}]}},{"name":"identity-context","conf":{"fields":[{"field":"sub","comparator":"equals","value":"joe"}]}}]`),
		visual("here", `[{"name":"attributes","conf":{"fields":[{"field":"request.path","comparator":"equals","value":"/a"}]}}]`),
		visual("header", `[{"name":"attributes","conf":{"fields":[{"field":"request.headers.X-Tenant","comparator":"equals","value":"a"}]}}]`),
		visual("inner", `[{"name":"policy","conf":{"fields":[{"field":"policy","comparator":"equals","value":"joe"}]}}]`),
		visual("sometimes", `[{"name":"any","conf":{"validators":[{"name":"attributes","conf":{"fields":[{"field":"request.path","comparator":"equals","value":"/a"}]}},{"name":"identity-context","conf":{"fields":[{"field":"sub","comparator":"equals","value":"joe"}]}}]}}]`),
		{ID: "rego-path", Language: "rego", Type: "api", Definition: "package acp.authz\n\ndefault allow = false\n\nallow { input.request.path == \"/a\" }\n"},
	}
	for _, c := range []struct {
		name         string
		use          []string // "GET /a joe"
		allowUnknown bool
		key          CacheKey
		why          string
	}{
		{"the token alone", []string{"GET /a joe", "POST /a joe"}, false, CacheToken, "every method has the same policy, and it reads the token only"},
		{"two policies", []string{"GET /a joe", "POST /a joe-here"}, false, CacheRequest, "every policy is decided by the token and what is asked for"},
		{"no method", nil, false, CacheRequest, "everything is denied"},
		{"an open method", []string{"GET /a joe", "POST /a "}, false, CacheNothing, "POST /a has no policy"},
		{"an anonymous caller at one path", []string{"GET /a here"}, false, CacheNothing, "GET /a has policy here, which may let anonymous callers in"},
		{"one of two", []string{"ANY /a sometimes"}, false, CacheNothing, "ANY /a has policy sometimes, which may let anonymous callers in"},
		{"a header", []string{"GET /a header"}, false, CacheNothing, "GET /a has policy header, which reads [request.headers.x-tenant]"},
		{"Rego is not taken apart", []string{"GET /a rego-path"}, false, CacheNothing, "GET /a has policy rego-path, which may let anonymous callers in"},
		{"unknown methods are allowed", []string{"GET /a joe"}, true, CacheNothing, "ENFORCEMENT_ALLOW_UNKNOWN"},
	} {
		b := newBench(t, func(o *Options) { o.AllowUnknown = c.allowUnknown })
		b.cfg.Policies, b.cfg.APIs = policies, nil
		for _, u := range c.use {
			p := strings.SplitN(u, " ", 3)
			b.cfg.APIs = append(b.cfg.APIs, waist.API{ID: u, ServiceID: "s1", Method: p[0], Path: p[1], PolicyID: p[2]})
		}
		if err := b.a.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		snap, _ := b.a.fresh.current(t.Context())
		if got := b.a.caching(t.Context(), snap)["abc123-dev"]; got.Key != c.key || !strings.Contains(got.Why, c.why) {
			t.Errorf("%s: key %d, %q", c.name, got.Key, got.Why)
		}
	}
}
