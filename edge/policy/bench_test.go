package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"portcullis/edge/waist"
)

// The figures that the design holds itself to, each next to its baseline in the same run:
//
//	go test -run xxx -bench . ./edge/policy
//
// Visual ≤ 1.5 × hand-written Go; Rego ≤ 0.6 × rego.Eval with a map as input. The requirement is issuer, scope, tenant
// and owner of the path, in all of them.

func benchInput() *Input {
	return &Input{
		AuthnCtx: decoded(map[string]any{
			"iss": "https://issuer.example", "sub": "joe", "tenant": "acme", "level": json.Number("3"), "exp": json.Number("1768478400"),
			"iat": json.Number("1768474800"), "jti": "8f14e45f", "aud": []any{"api", "spiffe://acme/pets"}, "amr": []any{"pwd", "mfa"},
			"scp": []any{"openid", "pets.write", "pets.read"}, "groups": []any{"users", "ops"}, "email": "joe@example.com", "idp": "local", "client_id": "app",
		}),
		Contexts: map[string]any{"scopes": map[string]any{"pets.read": []any{map[string]any{"params": []any{}, "requested_name": "pets.read"}}}},
		Request: Request{
			Method: "GET", Path: "/users/joe", PathParams: map[string]string{strings.Clone("userId"): strings.Clone("joe")}, QueryParams: map[string][]string{"limit": {"10"}},
			Headers: map[string][]string{
				"Accept": {"*/*"}, "Host": {"abc123.execute-api.eu-central-1.amazonaws.com"}, "User-Agent": {"curl/8.5.0"}, "X-Amzn-Trace-Id": {"Root=1-5e1b4151"},
				"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Port": {"443"}, "X-Forwarded-Proto": {"https"}, "x-tenant": {"acme"},
			},
			SourceIP: "192.0.2.7", Service: "PetStore", Template: "/users/{userId}",
		},
		Now: time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC),
	}
}

func benchPolicies(language string, n int) []waist.Policy {
	out := make([]waist.Policy, n)
	for i := range out {
		p := waist.Policy{ID: fmt.Sprintf("p%d", i), Language: language}
		iss := "https://issuer.example"
		if i > 0 {
			iss = fmt.Sprintf("https://issuer%d.example", i)
		}
		switch language {
		case waist.LanguageVisual:
			p.Validators = []waist.Validator{{Name: "attributes", Conf: json.RawMessage(`{"fields":[
				{"field":"authnCtx.iss","comparator":"equals","value":"` + iss + `"},
				{"field":"authnCtx.scp","comparator":"contains","value":"pets.read"},
				{"field":"authnCtx.tenant","comparator":"equals","value":"acme"},
				{"field":"request.pathParams.userId","comparator":"equals","value":"$authnCtx.sub"}]}`)}}
		case waist.LanguageRego:
			p.Definition = benchRego("acp.authz", iss)
		case waist.LanguageCedar:
			p.Definition = benchCedar(iss)
		}
		out[i] = p
	}
	return out
}

func benchRego(pkg, iss string) string {
	return "package " + pkg + "\n\nimport rego.v1\n\ndefault allow := false\n\nallow if {\n  input.authn_ctx.iss == \"" + iss + "\"\n" +
		"  \"pets.read\" in input.authn_ctx.scp\n  input.authn_ctx.tenant == \"acme\"\n  input.request.path_params.userId == input.authn_ctx.sub\n}\n"
}

func benchCedar(iss string) string {
	return `permit(principal, action, resource) when { context.claims.iss == "` + iss + `" && context.claims.scp.contains("pets.read") && ` +
		`context.claims.tenant == "acme" && resource.path_params.userId == context.claims.sub };`
}

func benchSet(b *testing.B, language string, n int) (*Set, *Input) {
	b.Helper()
	s := Compile(benchPolicies(language, n), Options{Timeout: time.Minute})
	s.Warm()
	in := benchInput()
	if r := s.Evaluate(context.Background(), "p0", in); r.Decision != Allow {
		b.Fatalf("%+v", r)
	}
	b.ReportAllocs()
	return s, in
}

func BenchmarkEvaluate(b *testing.B) {
	ctx := context.Background()
	b.Run("go/1", func(b *testing.B) {
		in := benchInput()
		b.ReportAllocs()
		for b.Loop() {
			if !handWritten(in) {
				b.Fatal("denied")
			}
		}
	})
	for _, l := range []struct{ name, language string }{{"visual", waist.LanguageVisual}, {"rego", waist.LanguageRego}, {"cedar", waist.LanguageCedar}} {
		for _, n := range []int{1, 1000} {
			b.Run(fmt.Sprintf("%s/%d", l.name, n), func(b *testing.B) {
				s, in := benchSet(b, l.language, n)
				for b.Loop() {
					s.Evaluate(ctx, "p0", in)
				}
			})
		}
	}
	b.Run("bare-opa-map/1", func(b *testing.B) {
		eval := bareOPA(b)
		b.ReportAllocs()
		for b.Loop() {
			eval()
		}
	})
	b.Run("bare-cedar/1", func(b *testing.B) {
		eval := bareCedar(b)
		b.ReportAllocs()
		for b.Loop() {
			eval()
		}
	})
}

// bareOPA is rego.Eval as OPA's documentation shows it, with a map as input.
func bareOPA(b *testing.B) func() {
	b.Helper()
	ctx := context.Background()
	q, err := rego.New(rego.Query("data.acp.authz.allow"), rego.Module("x.rego", benchRego("acp.authz", "https://issuer.example"))).PrepareForEval(ctx)
	if err != nil {
		b.Fatal(err)
	}
	in := mapInput(b)
	return func() {
		rs, err := q.Eval(ctx, rego.EvalInput(in))
		if err != nil || !rs.Allowed() {
			b.Fatal(err, rs)
		}
	}
}

// bareCedar is cedar-go with only those parts of the request made into entities that the policy reads.
func bareCedar(b *testing.B) func() {
	b.Helper()
	set, err := cedar.NewPolicySetFromBytes("x", []byte(benchCedar("https://issuer.example")))
	if err != nil {
		b.Fatal(err)
	}
	in := benchInput()
	return func() {
		resource := cedar.NewEntityUID("API", "x")
		claims := cedar.RecordMap{}
		for k, v := range in.AuthnCtx {
			if s, ok := v.(string); ok {
				claims[types.String(k)] = types.String(s)
			}
		}
		claims["scp"] = cedar.NewSet(types.String("openid"), types.String("pets.write"), types.String("pets.read"))
		req := cedar.Request{Principal: cedar.NewEntityUID("User", "joe"), Action: cedar.NewEntityUID("Action", "GET"), Resource: resource,
			Context: cedar.NewRecord(cedar.RecordMap{"claims": cedar.NewRecord(claims)})}
		entities := cedar.EntityMap{resource: cedar.Entity{UID: resource, Attributes: cedar.NewRecord(cedar.RecordMap{
			"path_params": cedar.NewRecord(cedar.RecordMap{"userId": types.String("joe")})})}}
		if d, diag := cedar.Authorize(set, entities, req); d != cedar.Allow {
			b.Fatal(diag)
		}
	}
}

// BenchmarkFigures measures each language next to its baseline in turns of a few milliseconds, so that a busy machine
// slows both alike, and reports the medians and the median of the ratios:
//
//	go test -run xxx -bench Figures -benchtime 1x ./edge/policy
func BenchmarkFigures(b *testing.B) {
	ctx := context.Background()
	rego, cedar := bareOPA(b), bareCedar(b)
	for _, language := range allLanguages {
		for _, n := range []int{1, 1000} {
			baseline := map[string]func(){waist.LanguageVisual: handWrittenSet(b, n), waist.LanguageRego: rego, waist.LanguageCedar: cedar}
			b.Run(fmt.Sprintf("%s/%d", language, n), func(b *testing.B) {
				s, in := benchSet(b, language, n)
				ours := func() { s.Evaluate(ctx, "p0", in) }
				const rounds = 101
				var own, bare, ratios []float64
				for b.Loop() {
					for range rounds {
						x, y := slice(ours), slice(baseline[language])
						own, bare, ratios = append(own, x), append(bare, y), append(ratios, x/y)
					}
				}
				b.ReportMetric(median(own), "ns/eval")
				b.ReportMetric(median(bare), "ns/baseline")
				b.ReportMetric(median(ratios), "×baseline")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// handWrittenSet is n requirements without an engine. One is called; of several the right one has to be found by its id,
// as the authorizer finds a policy.
func handWrittenSet(b *testing.B, n int) func() {
	in := benchInput()
	check := func(ok bool) {
		if !ok {
			b.Fatal("denied")
		}
	}
	if n == 1 {
		return func() { check(handWritten(in)) }
	}
	byID := make(map[string]func(*Input) bool, n)
	for i := range n {
		byID[fmt.Sprintf("p%d", i)] = handWritten
	}
	return func() { check(byID["p0"](in)) }
}

// decoded is x after its way over the wire: texts of a token share no memory with those of a program, which would make
// comparing them look cheaper than it is.
func decoded(x map[string]any) map[string]any {
	text, err := json.Marshal(x)
	if err != nil {
		panic(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var out map[string]any
	if err := dec.Decode(&out); err != nil {
		panic(err)
	}
	return out
}

// slice is the time of one call, measured over two milliseconds.
func slice(f func()) float64 {
	n := 0
	start := time.Now()
	for {
		for range 16 {
			f()
		}
		n += 16
		if d := time.Since(start); d > 2*time.Millisecond {
			return float64(d.Nanoseconds()) / float64(n)
		}
	}
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// BenchmarkDeny is what a caller who knocks at the wrong door costs, the explanation included.
func BenchmarkDeny(b *testing.B) {
	for _, language := range allLanguages {
		b.Run(language, func(b *testing.B) {
			s, in := benchSet(b, language, 1)
			in.Request.PathParams["userId"] = "eve"
			for b.Loop() {
				if s.Evaluate(context.Background(), "p0", in).Decision == Allow {
					b.Fatal("allowed")
				}
			}
		})
	}
}

// BenchmarkCompile is a cold start with everything compiled; first is what the first request of one waits for.
func BenchmarkCompile(b *testing.B) {
	for _, language := range allLanguages {
		for _, n := range []int{1, 50, 1000} {
			policies := benchPolicies(language, n)
			b.Run(fmt.Sprintf("%s/%d", language, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					Compile(policies, Options{}).Warm()
				}
			})
			if bare := bareCompile(b, language, n); bare != nil {
				b.Run(fmt.Sprintf("%s/%d/bare", language, n), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						bare()
					}
				})
			}
			b.Run(fmt.Sprintf("%s/%d/first", language, n), func(b *testing.B) {
				in := benchInput()
				b.ReportAllocs()
				for b.Loop() {
					if Compile(policies, Options{Timeout: time.Minute}).Evaluate(context.Background(), "p0", in).Decision != Allow {
						b.Fatal("denied")
					}
				}
			})
		}
	}
}

// bareCompile is what the engine alone takes to parse and compile the same policies: OPA's own compiler over n modules,
// cedar-go's parser over n policies. Hand-written Go is compiled by Go.
func bareCompile(b *testing.B, language string, n int) func() {
	switch language {
	case waist.LanguageRego:
		return func() {
			modules := make(map[string]*ast.Module, n)
			for i := range n {
				name := fmt.Sprintf("p%d", i)
				m, err := ast.ParseModule(name, benchRego("acp."+name, "https://issuer.example"))
				if err != nil {
					b.Fatal(err)
				}
				modules[name] = m
			}
			c := ast.NewCompiler()
			if c.Compile(modules); c.Failed() {
				b.Fatal(c.Errors)
			}
		}
	case waist.LanguageCedar:
		return func() {
			for range n {
				if _, err := cedar.NewPolicySetFromBytes("x", []byte(benchCedar("https://issuer.example"))); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	return nil
}

// handWritten is the requirement as somebody would write it without a policy engine, over the same input.
func handWritten(in *Input) bool {
	if iss, _ := in.AuthnCtx["iss"].(string); iss != "https://issuer.example" {
		return false
	}
	scopes, _ := in.AuthnCtx["scp"].([]any)
	found := false
	for _, s := range scopes {
		if s == "pets.read" {
			found = true
		}
	}
	if !found {
		return false
	}
	if tenant, _ := in.AuthnCtx["tenant"].(string); tenant != "acme" {
		return false
	}
	sub, ok := in.AuthnCtx["sub"].(string)
	return ok && sub != "" && in.Request.PathParams["userId"] == sub
}

func mapInput(b *testing.B) any {
	b.Helper()
	text, err := json.Marshal(benchInput())
	if err != nil {
		b.Fatal(err)
	}
	var in any
	if err := json.Unmarshal(text, &in); err != nil {
		b.Fatal(err)
	}
	return in
}
