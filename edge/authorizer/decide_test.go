package authorizer

import (
	"testing"

	"portcullis/edge/policy"
)

// TestDecide goes through every branch of the decision, the zero value first.
func TestDecide(t *testing.T) {
	ok := func(edit func(*facts)) facts {
		f := facts{config: configUsable, found: true, hasPolicy: true, token: tokenVerified, policy: policy.Result{Decision: policy.Allow}}
		edit(&f)
		return f
	}
	cases := []struct {
		name  string
		f     facts
		allow bool
		want  string
	}{
		{"zero", facts{}, false, ReasonNoConfig},
		{"no configuration beats everything", ok(func(f *facts) { f.config = configNone; f.allowUnknown = true; f.hasPolicy = false }), false, ReasonNoConfig},
		{"a state nobody defined", ok(func(f *facts) { f.config = 17 }), false, ReasonNoConfig},
		{"stale", ok(func(f *facts) { f.config = configStale; f.hasPolicy = false }), false, ReasonStale},
		{"unbound", facts{config: configUsable, lookup: ReasonUnbound}, false, ReasonUnbound},
		{"unbound, unknown allowed", facts{config: configUsable, lookup: ReasonUnbound, allowUnknown: true}, true, ReasonUnknownAllowed},
		{"unknown", facts{config: configUsable, lookup: ReasonUnknownAPI}, false, ReasonUnknownAPI},
		{"unknown, unknown allowed", facts{config: configUsable, lookup: ReasonUnknownAPI, allowUnknown: true}, true, ReasonUnknownAllowed},
		{"not looked up", facts{config: configUsable, allowUnknown: true}, false, ReasonUnknownAPI},
		{"ambiguous is not unknown", facts{config: configUsable, lookup: ReasonPathAmbiguous, allowUnknown: true}, false, ReasonPathAmbiguous},
		{"malformed is not unknown", facts{config: configUsable, lookup: ReasonEventMalformed, allowUnknown: true}, false, ReasonEventMalformed},
		{"open, no token", facts{config: configUsable, found: true, token: tokenAbsent}, true, ReasonOpen},
		{"open, bad token", facts{config: configUsable, found: true, tokenReason: "token_expired"}, true, ReasonOpen},
		{"policy, unchecked token", ok(func(f *facts) { f.token = tokenUnverified }), false, reasonTokenUnchecked},
		{"policy, bad token, policy would allow", ok(func(f *facts) { f.token = tokenUnverified; f.tokenReason = "token_expired" }), false, "token_expired"},
		{"policy allows", ok(func(f *facts) {}), true, ReasonAllowed},
		{"policy allows anonymous", ok(func(f *facts) { f.token = tokenAbsent }), true, ReasonAllowed},
		{"policy denies", ok(func(f *facts) { f.policy = policy.Result{Reason: policy.ReasonDenied} }), false, policy.ReasonDenied},
		{"policy not evaluated", ok(func(f *facts) { f.policy = policy.Result{} }), false, policy.ReasonError},
		{"policy timed out", ok(func(f *facts) { f.policy = policy.Result{Reason: policy.ReasonTimeout} }), false, policy.ReasonTimeout},
		{"an allow with a reason is not clean", ok(func(f *facts) { f.policy.Reason = policy.ReasonError }), false, policy.ReasonError},
		{"a decision nobody defined", ok(func(f *facts) { f.policy.Decision = 2 }), false, policy.ReasonError},
	}
	for _, c := range cases {
		if got := decide(&c.f); got.allow != c.allow || got.reason != c.want {
			t.Errorf("%s: %+v, want allow=%v reason=%s", c.name, got, c.allow, c.want)
		}
	}
}

// TestEveryDecision holds decide against the table of the design, row by row, over every combination of facts: each
// condition of each branch is met both ways.
func TestEveryDecision(t *testing.T) {
	unknown := map[string]bool{ReasonUnbound: true, ReasonUnknownAPI: true}
	rows := []struct {
		name  string
		holds func(f *facts) bool
		allow func(f *facts) bool
	}{
		{"no usable configuration", func(f *facts) bool { return f.config != configUsable }, nil},
		{"not in the configuration", func(f *facts) bool { return !f.found }, func(f *facts) bool { return f.allowUnknown && unknown[f.lookup] }},
		{"no policy", func(f *facts) bool { return !f.hasPolicy }, func(*facts) bool { return true }},
		{"a token that does not verify", func(f *facts) bool { return f.token != tokenAbsent && f.token != tokenVerified }, nil},
		{"a clean allow", func(f *facts) bool { return f.policy.Decision == policy.Allow && f.policy.Reason == "" }, func(*facts) bool { return true }},
		{"anything else", func(*facts) bool { return true }, nil},
	}
	seen := map[string]int{}
	n := 0
	for _, config := range []configState{configNone, configStale, configUsable, 17} {
		for _, lookup := range []string{"", ReasonUnbound, ReasonUnknownAPI, ReasonPathAmbiguous, ReasonEventMalformed} {
			for _, token := range []tokenState{tokenUnverified, tokenAbsent, tokenVerified} {
				for _, tokenReason := range []string{"", "token_expired"} {
					for _, decision := range []policy.Decision{policy.Deny, policy.Allow, 2} {
						for _, reason := range []string{"", policy.ReasonDenied, policy.ReasonTimeout} {
							for bits := range 8 {
								f := facts{config: config, lookup: lookup, token: token, tokenReason: tokenReason, policy: policy.Result{Decision: decision, Reason: reason},
									allowUnknown: bits&1 != 0, found: bits&2 != 0, hasPolicy: bits&4 != 0}
								got := decide(&f)
								n++
								for _, row := range rows {
									if !row.holds(&f) {
										continue
									}
									want := row.allow != nil && row.allow(&f)
									if got.allow != want || got.reason == "" {
										t.Errorf("%s: %+v: %+v", row.name, f, got)
									}
									seen[row.name]++
									break
								}
								// What is not evaluated must not be needed, and what is needed must be evaluated.
								without := f
								without.policy = policy.Result{}
								if !f.needsPolicy() && decide(&without).allow != got.allow {
									t.Errorf("the policy mattered and was not asked: %+v", f)
								}
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d combinations: %v", n, seen)
	if len(seen) != len(rows) {
		t.Error("some row of the table was never met")
	}
}
