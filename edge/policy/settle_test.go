package policy

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"portcullis/edge/waist"
)

func regoSetOf(n int) *Set {
	list := make([]waist.Policy, n)
	for i := range list {
		list[i] = waist.Policy{ID: fmt.Sprintf("r%03d", i), Language: waist.LanguageRego, Type: "api",
			Definition: fmt.Sprintf("package acp.authz\n\nimport rego.v1\n\ndefault allow := false\n\nallow if input.request.path == \"/%d\"\n", i)}
	}
	return Compile(list, Options{})
}

// decides holds the i-th policy to what it says.
func decides(t *testing.T, s *Set, i int) {
	t.Helper()
	for _, path := range []string{fmt.Sprintf("/%d", i), "/x"} {
		r := s.Evaluate(context.Background(), fmt.Sprintf("r%03d", i), &Input{Request: Request{Path: path}})
		if r.Reason == ReasonTimeout {
			continue // a busy machine
		}
		if (r.Decision == Allow) != (path != "/x") {
			t.Errorf("policy %d on %s: %+v", i, path, r)
		}
	}
}

// TestSettle: requests compile what they need and nothing else, however many policies they use; what was compiled alone
// is brought together between them, and decides the same.
func TestSettle(t *testing.T) {
	s := regoSetOf(100)
	for i := range fewAlone {
		decides(t, s, i)
	}
	if s.Unsettled() {
		t.Error("a few are too many")
	}
	s.Settle() // nothing to do
	for i := fewAlone; i < 20; i++ {
		decides(t, s, i)
	}
	if s.rego.together.Load() != nil || len(s.rego.alone) != 20 {
		t.Errorf("%d policies compiled alone", len(s.rego.alone))
	}
	if !s.Unsettled() {
		t.Error("nothing to settle")
	}
	var group sync.WaitGroup
	for n := range 3 {
		group.Go(func() {
			s.Settle()
			decides(t, s, n)
		})
	}
	group.Wait()
	if all := s.rego.together.Load(); all == nil || len(*all) != 100 || s.rego.alone != nil || s.Unsettled() {
		t.Error("not settled")
	}
	for _, i := range []int{0, 7, 99} {
		decides(t, s, i)
	}
	if (*Set)(nil).Unsettled() {
		t.Error("no set has something to settle")
	}
	(*Set)(nil).Settle()
}

// TestNeverSettled: where nobody calls Settle, the memory of policies compiled alone is bounded all the same.
func TestNeverSettled(t *testing.T) {
	s := regoSetOf(manyAlone + 10)
	for i := range manyAlone + 10 {
		decides(t, s, i)
	}
	if s.rego.together.Load() == nil || s.rego.alone != nil {
		t.Errorf("%d policies compiled alone", len(s.rego.alone))
	}
}
