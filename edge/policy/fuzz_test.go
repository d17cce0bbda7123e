package policy

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"portcullis/edge/waist"
)

// fuzzInput has something of everything.
const fuzzInput = `{"authn_ctx":{"sub":"joe","groups":["admins"],"level":3,"score":0.5,"cnf":{"x5t#S256":"abc"},"n":null,"a":1,"b":true},
 "contexts":{"scopes":{"users.*":[{"params":["joe"],"requested_name":"users.joe"}]},"client":{"tier":"gold"}},
 "request":{"method":"GET","path":"/pets/1","headers":{"X-Tenant":["acme"]},"path_params":{"petId":"1"},"query_params":{"q":["1","2"]},"body":"{}","source_ip":"192.0.2.1","service":"PetStore","template":"/pets/{petId}"}}`

// fuzzed is fuzzInput as it is evaluated: nothing writes to it.
var fuzzed = sync.OnceValue(func() *Input {
	in := &Input{Now: time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)}
	if err := json.Unmarshal([]byte(fuzzInput), in); err != nil {
		panic(err)
	}
	return in
})

// fuzzTimeout is short because the policies that fuzzing likes best are those that never end, and each is evaluated
// several times.
const fuzzTimeout = 5 * time.Millisecond

// fuzzPolicy checks what must hold for every policy whatever is in it: nothing panics, the check on save and the
// evaluation agree on whether it compiles, the evaluation ends near its deadline, and it is deterministic. A third of the
// policies, always the same ones, are explained as well, which costs as much as all the rest.
func fuzzPolicy(t *testing.T, p waist.Policy) {
	in := fuzzed()
	valid := true
	for _, problem := range Check(p, nil) {
		if strings.Contains(problem.Message, "panicked") {
			t.Fatalf("check: %s", problem)
		}
		valid = valid && problem.Warning
	}
	s := Compile([]waist.Policy{p}, Options{Timeout: fuzzTimeout})
	s.Warm()
	s.Inputs(p.ID)
	start := time.Now()
	a := s.Evaluate(context.Background(), p.ID, in)
	if d := time.Since(start); d > 2*time.Second {
		t.Fatalf("the evaluation took %v", d)
	}
	b := s.Evaluate(context.Background(), p.ID, in)
	if a.Reason == ReasonTimeout || b.Reason == ReasonTimeout {
		return // how far it got by then is not deterministic
	}
	if a.Decision != b.Decision || a.Reason != b.Reason {
		t.Fatalf("%v %s, then %v %s", a.Decision, a.Reason, b.Decision, b.Reason)
	}
	for _, f := range a.Failures {
		if strings.Contains(f.Message+f.Details, "panicked") {
			t.Fatalf("evaluation: %+v", f)
		}
	}
	if !valid && a.Decision == Allow || valid && a.Reason == ReasonInvalid {
		t.Fatalf("the check says valid=%v, the evaluation %v %s %+v", valid, a.Decision, a.Reason, a.Failures)
	}
	if len(p.Definition)%3 != 0 {
		return
	}
	if x := s.Explain(context.Background(), p.ID, in); x.Decision != a.Decision && x.Reason != ReasonTimeout {
		t.Fatalf("explained %v, evaluated %v", x.Decision, a.Decision)
	}
}

func FuzzVisual(f *testing.F) {
	var policies []waist.Policy
	if err := json.Unmarshal([]byte(publishedPolicies), &policies); err != nil {
		f.Fatal(err)
	}
	for _, p := range policies {
		if text, err := json.Marshal(p.Validators); err == nil && p.Language == waist.LanguageVisual {
			f.Add(string(text))
		}
	}
	f.Add(`[{"name":"not","conf":{"validators":[{"name":"scopes","conf":{"fields":[{"field":"users.*[0]","comparator":"contains","value":["$request.pathParams.petId","*"]}]}}]}}]`)
	f.Add(`[{"name":"if-else","conf":{"if":[{"name":"time","conf":{"zone":"Europe/Berlin","days":["mon"],"from":"22:00","to":"06:00"}}],"then":[{"name":"true"}]}}]`)
	f.Add(`[{"name":"attributes","conf":{"fields":[{"field":"authnCtx[\"a.b\"][0].c","comparator":"less_than","value":"$now-15m"}]}}]`)
	f.Add(`[{"name":"embedded-policy","conf":{"policy_id":"x"}}]`)
	f.Fuzz(func(t *testing.T, validators string) {
		p := waist.Policy{ID: "x", Language: waist.LanguageVisual}
		if json.Unmarshal([]byte(validators), &p.Validators) != nil {
			return
		}
		fuzzPolicy(t, p)
	})
}

func FuzzRego(f *testing.F) {
	for _, body := range hostile {
		f.Add(regoPolicyOf(body).Definition, "")
	}
	addDefinitions(f, waist.LanguageRego, func(d string) { f.Add(d, "") })
	f.Add("package acp.authz\n\ndefault allow = false\n\nallow { input.authn_ctx.sub == \"joe\" }\n", "v0")
	f.Fuzz(func(t *testing.T, definition, version string) {
		fuzzPolicy(t, waist.Policy{ID: "x", Language: waist.LanguageRego, Definition: definition, EnvVersion: version})
	})
}

func FuzzCedar(f *testing.F) {
	addDefinitions(f, waist.LanguageCedar, func(d string) { f.Add(d) })
	f.Fuzz(func(t *testing.T, definition string) {
		fuzzPolicy(t, waist.Policy{ID: "x", Language: waist.LanguageCedar, Definition: definition})
	})
}

// addDefinitions seeds with the golden policies of a language: their definitions are JSON strings at the end of a line.
func addDefinitions(f *testing.F, language string, add func(string)) {
	n := 0
	for _, file := range []string{"rego.yaml", "cedar.yaml", "traps.yaml"} {
		src, err := os.ReadFile(filepath.Join("testdata", "cases", file))
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.SplitSeq(string(src), "\n") {
			_, text, ok := strings.Cut(line, "definition: ")
			if !ok || !strings.Contains(line, "language: "+language) {
				continue
			}
			var d string
			if json.Unmarshal([]byte(strings.TrimSuffix(text, "}")), &d) == nil {
				add(d)
				n++
			}
		}
	}
	if n < 40 {
		f.Fatalf("%d seeds in %s", n, language)
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("a*c", "abc")
	f.Add(`\*`, "*")
	f.Fuzz(func(t *testing.T, src, text string) {
		p := parsePattern(src)
		if p.match(text) && !(p.prefix(text) && p.suffix(text) && p.within(text)) {
			t.Errorf("%q matches %q, which must then start with, end in and contain it", src, text)
		}
		quoted := strings.NewReplacer(`\`, `\\`, "*", `\*`).Replace(text)
		if q := parsePattern(quoted); q.wild() || !q.match(text) {
			t.Errorf("%q quoted is %q, which does not match it", text, quoted)
		}
		if p.wild() && len(text) <= 64 && len(p.parts) <= 6 && p.match(text) != slowMatch(p.parts, text) {
			t.Errorf("%q against %q: %v, trying every place says otherwise", src, text, p.match(text))
		}
	})
}

// slowMatch tries every place for every part.
func slowMatch(parts []string, s string) bool {
	var try func(parts []string, s string) bool
	try = func(parts []string, s string) bool {
		if len(parts) == 1 {
			return strings.HasSuffix(s, parts[0])
		}
		for i := 0; i <= len(s); i++ {
			if strings.HasPrefix(s[i:], parts[0]) && try(parts[1:], s[i+len(parts[0]):]) {
				return true
			}
		}
		return false
	}
	return strings.HasPrefix(s, parts[0]) && try(parts[1:], s[len(parts[0]):])
}
