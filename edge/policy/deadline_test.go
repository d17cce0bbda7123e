package policy

import (
	"context"
	"testing"
	"time"

	"portcullis/edge/waist"
)

func regoPolicyOf(body string) waist.Policy {
	return waist.Policy{ID: "x", Language: waist.LanguageRego, Definition: "package acp.authz\n\nallow if {\n" + body + "\n}\n"}
}

// hostile are policies that would run for minutes, or for ever.
var hostile = []string{
	`count(numbers.range(1, 1000000000)) > 0`,
	`count(net.cidr_expand("10.0.0.0/8")) > 0`,
	"some a in numbers.range(1, 100000)\nsome b in numbers.range(1, 100000)\na + b < 0",
	"x := concat(\"\", [\"aaaaaaaaaa\" | some i in numbers.range(1, 100000)])\ny := replace(x, \"a\", x)\ncount(y) > 0",
	`regex.match("(a*)*b", concat("", ["a" | some i in numbers.range(1, 1000000)]))`,
	"a := 9999999999999999\nb := a * a\nc := b * b\nd := c * c\ne := d * d\nf := e * e\ng := f * f\nh := g * g\ni := h * h\nj := i * i\n" +
		"k := j * j\nl := k * k\nm := l * l\nn := m * m\no := n * n\np := o * o\nq := p * p\nr := q * q\ns := r * r\nt := s * s\nt > 0",
}

func TestRegoDeadline(t *testing.T) {
	for _, body := range hostile {
		s := Compile([]waist.Policy{regoPolicyOf(body)}, Options{Timeout: 5 * time.Millisecond})
		s.Warm()
		start := time.Now()
		r := s.Evaluate(context.Background(), "x", nil)
		if r.Decision != Deny || r.Reason != ReasonTimeout {
			t.Errorf("%s: %+v", body, r)
		}
		// The bound is generous for a busy machine; without the deadline each of these takes at least ten times as long.
		if d := time.Since(start); d > 500*time.Millisecond {
			t.Errorf("%s: ended after %v", body, d)
		}
	}
}

// TestContextDeadline: the caller's deadline counts as well, for every language.
func TestContextDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := Compile([]waist.Policy{
		regoPolicyOf(hostile[2]),
		{ID: "visual", Language: waist.LanguageVisual, Validators: []waist.Validator{{Name: "true"}}},
		{ID: "cedar", Language: waist.LanguageCedar, Definition: "permit(principal, action, resource);"},
	}, Options{Timeout: time.Hour})
	s.Warm()
	time.AfterFunc(5*time.Millisecond, cancel)
	if r := s.Evaluate(ctx, "x", nil); r.Reason != ReasonTimeout {
		t.Errorf("a cancelled context: %+v", r)
	}
	for _, id := range []string{"x", "visual", "cedar"} {
		if r := s.Evaluate(ctx, id, nil); r.Decision != Deny || r.Reason != ReasonTimeout {
			t.Errorf("%s after the deadline: %+v", id, r)
		}
	}
}

// TestEmbeddingIsBounded: eight policies that each embed the next one many times end soon, and deny.
func TestEmbeddingIsBounded(t *testing.T) {
	var policies []waist.Policy
	for i := range 8 {
		p := waist.Policy{ID: string(rune('a' + i)), Language: waist.LanguageVisual}
		for range 30 {
			p.Validators = append(p.Validators, waist.Validator{Name: "embedded-policy", Conf: []byte(`{"policy_id":"` + string(rune('b'+i)) + `"}`)})
		}
		policies = append(policies, p)
	}
	policies = append(policies, waist.Policy{ID: "i", Language: waist.LanguageVisual, Validators: []waist.Validator{{Name: "true"}}})
	s := Compile(policies, Options{})
	if r := s.Evaluate(context.Background(), "a", nil); r.Decision != Deny || r.Reason != ReasonTimeout {
		t.Errorf("%v %s", r.Decision, r.Reason)
	}
	if r := s.Evaluate(context.Background(), "h", nil); r.Decision != Allow {
		t.Errorf("thirty embedded policies: %+v", r)
	}
}

// TestOneBadModule: a policy that does not compile denies, and takes no other policy with it.
func TestOneBadModule(t *testing.T) {
	policies := []waist.Policy{regoPolicyOf("true")}
	for id, definition := range map[string]string{
		"syntax":    "package acp.authz\n\nallow if {",
		"unsafe":    "package acp.authz\n\nallow if x == 1",
		"type":      "package acp.authz\n\nallow if startswith(1, 2)",
		"recursive": "package acp.authz\n\nallow if a\n\na if allow",
		"package":   "package portcullis.x\n\nallow := true",
		"other":     "package acp.authz\n\nallow if data.portcullis.x.allow",
	} {
		policies = append(policies, waist.Policy{ID: id, Language: waist.LanguageRego, Definition: definition})
	}
	s := Compile(policies, Options{Timeout: time.Minute})
	for range 2 { // alone, and together
		for _, p := range policies {
			r := s.Evaluate(context.Background(), p.ID, nil)
			if p.ID == "x" && r.Decision != Allow || p.ID != "x" && (r.Decision != Deny || r.Reason != ReasonInvalid) {
				t.Errorf("%s: %+v", p.ID, r)
			}
		}
		s.Warm()
	}
}

func TestDuplicateIDs(t *testing.T) {
	open := waist.Policy{ID: "a", Language: waist.LanguageVisual, Validators: []waist.Validator{{Name: "true"}}}
	s := Compile([]waist.Policy{open, open}, Options{})
	if r := s.Evaluate(context.Background(), "a", nil); r.Decision != Deny || r.Reason != ReasonInvalid {
		t.Errorf("%+v", r)
	}
}

// TestConcurrentUse is for the race detector: first use, Warm and evaluation at the same time.
func TestConcurrentUse(t *testing.T) {
	s := publishedSet(t)
	in := &Input{AuthnCtx: map[string]any{"idp": "", "amr": []any{"pwd"}}}
	done := make(chan Decision)
	for i := range 8 {
		go func() {
			if i == 3 {
				s.Warm()
			}
			s.Inputs("dashboard")
			s.Evaluate(context.Background(), "dashboard", in)
			s.Evaluate(context.Background(), "cidr", in)
			s.Evaluate(context.Background(), "aal1", in)
			done <- s.Evaluate(context.Background(), "machine", in).Decision
		}()
	}
	for range 8 {
		if d := <-done; d != Allow {
			t.Error(d)
		}
	}
}
