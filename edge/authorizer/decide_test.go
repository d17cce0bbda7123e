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
