package authorizer

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"portcullis/edge/waist"
)

// TestHostileCallers: whatever a caller puts into path, headers and query, the answer is well formed, an API that blocks
// stays blocked, and the resource of an Allow matches nothing but its route.
func TestHostileCallers(t *testing.T) {
	b := newBench(t, nil)
	joe := "Bearer " + b.sign(nil)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z*?$\{\}%./:\\-]{0,40}`), rapid.SampledFrom([]string{"*", "?", "${aws:username}", "..", "%2e%2e", "//", "\x00", strings.Repeat("a", 700)}))
		template := rapid.SampledFrom([]string{"/open", "/block", "/pets/{petId}", "/files/{proxy+}", "/nowhere"}).Draw(t, "template")
		c := call{method: "GET", template: template, path: strings.NewReplacer("{petId}", text.Draw(t, "id"), "{proxy+}", text.Draw(t, "rest")).Replace(template)}
		headers := rapid.MapOfN(text, text, 0, 5).Draw(t, "headers")
		query := rapid.MapOfN(text, rapid.SliceOfN(text, 0, 3), 0, 3).Draw(t, "query")
		auth := rapid.SampledFrom([]string{"", joe, "Bearer x", "bearer", "Basic x", joe + " ", joe + ",x", "Bearer  " + joe}).Draw(t, "authorization")
		c.edit = func(e map[string]any) {
			e["headers"], e["multiValueQueryStringParameters"], e["multiValueHeaders"] = headers, query, nil
			if auth != "" {
				headers["authorization"] = auth
			}
		}
		raw := b.a.Handle(context.Background(), c.event())
		var r response
		if err := json.Unmarshal(raw, &r); err != nil || len(r.PolicyDocument.Statement) != 1 || r.PrincipalID == "" {
			t.Fatalf("%s (%v)", raw, err)
		}
		st := r.PolicyDocument.Statement[0]
		if len(st.Resource) > maxResource {
			t.Fatalf("%d characters", len(st.Resource))
		}
		if st.Effect != "Allow" {
			return
		}
		if template == "/block" || template == "/nowhere" {
			t.Fatalf("allowed: %s", raw)
		}
		prefix := "arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/GET/"
		rest, ok := strings.CutPrefix(st.Resource, prefix)
		fixed := map[string]string{"/open": "open", "/pets/{petId}": "pets/", "/files/{proxy+}": "files/"}[template]
		if !ok || !strings.HasPrefix(rest, fixed) {
			t.Fatalf("resource %q", st.Resource)
		}
		if i := strings.IndexAny(rest, "*?"); i >= 0 && rest[i:] != "*" || strings.Contains(rest, "${") {
			t.Fatalf("a wildcard of the caller's in %q", st.Resource)
		}
	})
}

// FuzzHandle: no payload makes the function fail, and none that is no event of a known API is allowed.
func FuzzHandle(f *testing.F) {
	b := newBench(&testing.T{}, nil)
	f.Cleanup(b.server.Close)
	f.Add(get("/open").event())
	f.Add([]byte(`{"type":"TOKEN","authorizationToken":"Bearer x","methodArn":"arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/GET/pets"}`))
	f.Add([]byte(`{"version":"2.0","type":"REQUEST","routeArn":"arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/GET/pets","routeKey":"GET /pets","requestContext":{"apiId":"abc123","stage":"dev","http":{"method":"GET"}}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		raw := b.a.Handle(context.Background(), payload)
		if !json.Valid(raw) {
			t.Errorf("%q -> %q", payload, raw)
		}
		if strings.Contains(string(raw), `"Effect":"Allow"`) && !strings.Contains(string(raw), ":abc123/dev/") {
			t.Errorf("%q -> %s", payload, raw)
		}
	})
}

// TestConcurrentRequests: decisions, refreshes and flushes at the same time, for the race detector and for environments
// that serve several invocations at once.
func TestConcurrentRequests(t *testing.T) {
	b := newBench(t, nil)
	joe := "Bearer " + b.sign(nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.a.Background(ctx)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := range 30 {
				template := []string{"/open", "/pets", "/rego", "/block"}[(i+j)%4]
				raw := string(b.a.Handle(ctx, get(template, joe).event()))
				// On a busy machine Rego may run out of its 50 ms, and then denies.
				if allowed := strings.Contains(raw, `"Allow"`); allowed == (template == "/block") && template != "/rego" || !json.Valid([]byte(raw)) {
					t.Errorf("%s: %s", template, raw)
				}
				b.clock.Add(300 * time.Millisecond)
				if j%10 == 0 {
					b.a.AfterAnswer(ctx)
				}
			}
		}()
	}
	wg.Wait()
}

// TestContextBudget: what does not fit is left out as a whole and said so.
func TestContextBudget(t *testing.T) {
	claims := map[string]any{"sub": "joe", "groups": strings.Repeat("g", 7000)}
	r := &request{kind: kindWebSocket}
	c := backendContext(r, "d", 1, claims, map[string]any{"flag": true, "nothing": nil, "text": "x"}, true)
	if c["authn_ctx"] != nil || c["context_incomplete"] != true || c["sub"] != "joe" || c["output_flag"] != "true" || c["output_text"] != "x" {
		t.Errorf("%v", c)
	}
	if _, there := c["output_nothing"]; there {
		t.Error("a null left its name")
	}
	r.kind = kindRequest
	if c = backendContext(r, "d", 1, claims, nil, true); c["authn_ctx"] == nil || c["context_incomplete"] != nil {
		t.Errorf("REST: %v", c)
	}
	for in, want := range map[string]string{"joe": "joe", "a\nb\x00c\x7f": "abc", strings.Repeat("x", 600): strings.Repeat("x", 512), "\n": "fallback"} {
		if got := principalOf(map[string]any{"sub": in, "client_id": "fallback"}); got != want {
			t.Errorf("principal %q: %q", in, got)
		}
	}
}

// TestInfoLogIsSampled: ten decisions a second at info, all of them at debug, none at warn.
func TestInfoLogIsSampled(t *testing.T) {
	for level, want := range map[slog.Level]int{slog.LevelDebug: 30, slog.LevelInfo: 10, slog.LevelWarn: 0} {
		b := newBench(t, func(o *Options) { o.NoAnalytics = true })
		b.a.log = slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: level}))
		for range 30 {
			b.a.Handle(t.Context(), get("/open").event())
		}
		if n := strings.Count(b.log.String(), `"msg":"decision"`); n != want {
			t.Errorf("%s: %d lines", level, n)
		}
	}
}

// TestGroupKeys: where the metadata is missing the id of our own inventory serves; what names no stage is left out.
func TestGroupKeys(t *testing.T) {
	meta := func(id, stage string) waist.GroupMetadata {
		return waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: id, Stage: stage}}
	}
	for _, c := range []struct {
		s    waist.ConnectedService
		want groupKey
		ok   bool
	}{
		{waist.ConnectedService{APIGroupID: "whatever", APIGroupMetadata: meta("abc123", "dev")}, groupKey{"abc123", "dev"}, true},
		{waist.ConnectedService{APIGroupID: "abc123-my-stage"}, groupKey{"abc123", "my-stage"}, true},
		{waist.ConnectedService{APIGroupID: "abc123-dev", APIGroupMetadata: meta("", "")}, groupKey{"abc123", "dev"}, true},
		{waist.ConnectedService{APIGroupID: "abc123"}, groupKey{}, false},
		{waist.ConnectedService{APIGroupID: "-dev"}, groupKey{}, false},
		{waist.ConnectedService{}, groupKey{}, false},
	} {
		if got, ok := keyOf(&c.s); ok != c.ok || ok && got != c.want {
			t.Errorf("%+v: %v %v", c.s, got, ok)
		}
	}
	// ANY of a service that is bound elsewhere, GraphQL APIs and positions.
	cfg := &waist.Configuration{Services: []waist.ConnectedService{{ID: "s", APIGroupID: "abc123-dev", CustomAudience: "https://api.example.com"}},
		APIs: []waist.API{{ID: "late", ServiceID: "s", Method: "get", Path: "/x", Position: 2}, {ID: "early", ServiceID: "s", Method: "GET", Path: "/x", Position: 1},
			{ID: "graph", ServiceID: "s", Method: "GET", Path: "/g", APIType: "graphql"}, {ID: "stranger", ServiceID: "t", Method: "GET", Path: "/y"}}}
	ix := newIndex(cfg, "")
	g, a := ix.find("abc123", "dev", "GET", "/x")
	if a == nil || a.ID != "early" || g.audiences[0] != "https://api.example.com" {
		t.Errorf("%+v", a)
	}
	for _, path := range []string{"/g", "/y"} {
		if _, a := ix.find("abc123", "dev", "GET", path); a != nil {
			t.Errorf("%s: %+v", path, a)
		}
	}
}
