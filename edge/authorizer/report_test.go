package authorizer

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"portcullis/edge/waist"
)

// TestPlan: a plan by itself or with a self-check is in the format that was asked for, and says for each bound stage what
// API Gateway could keep, and why not more, whatever AWS_AUTHORIZER_TTL says.
func TestPlan(t *testing.T) {
	var asked Wanted
	b := newBench(t, func(o *Options) {
		o.Sync = &Sync{
			Discover: func(context.Context) (Discovery, error) { return Discovery{Complete: true}, nil },
			Plan: func(_ context.Context, w Wanted, format string) (string, []string, error) {
				asked = w
				if format == "pulumi" {
					return "", nil, fmt.Errorf("unknown format %q", format)
				}
				return "text in " + format, []string{"a note"}, nil
			},
		}
	})
	b.cfg.Services = append(b.cfg.Services,
		waist.ConnectedService{ID: "s2", Name: "Token", APIGroupID: "def456-dev", Audience: audience, APIGroupMetadata: waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: "def456", Stage: "dev"}}},
		waist.ConnectedService{ID: "s3", Name: "Method", APIGroupID: "ghi789-dev", Audience: audience, APIGroupMetadata: waist.GroupMetadata{Type: "aws", AWS: &waist.AWSMetadata{APIID: "ghi789", Stage: "dev"}}})
	b.cfg.APIs = append(b.cfg.APIs, waist.API{ID: "t1", ServiceID: "s2", Method: "GET", Path: "/", PolicyID: "has-token"},
		waist.API{ID: "m1", ServiceID: "s3", Method: "GET", Path: "/", PolicyID: "has-token"}, waist.API{ID: "m2", ServiceID: "s3", Method: "GET", Path: "/none", PolicyID: "block"})
	want := map[string][2]string{
		"abc123-dev": {"none", "ANY $connect has policy allow, which may let anonymous callers in"},
		"def456-dev": {"token", "every method has the same policy"},
		"ghi789-dev": {"request", "decided by the token and what is asked for"},
	}
	for _, ask := range []struct {
		payload string
		read    func(t *testing.T, raw []byte) (out planned)
	}{
		{`{"portcullis":"plan","format":"terraform"}`, func(t *testing.T, raw []byte) (out planned) {
			if err := json.Unmarshal(raw, &out); err != nil {
				t.Fatal(err)
			}
			return out
		}},
		{`{"portcullis":"self-check","plan":"terraform"}`, func(t *testing.T, raw []byte) planned {
			var out struct {
				State string
				Plan  planned
			}
			if err := json.Unmarshal(raw, &out); err != nil || out.State != "usable" {
				t.Fatalf("%s, %v", raw, err)
			}
			return out.Plan
		}},
	} {
		p := ask.read(t, b.a.Handle(t.Context(), []byte(ask.payload)))
		if p.Format != "terraform" || p.Plan != "text in terraform" || fmt.Sprint(p.Notes) != "[a note]" || p.Problems != nil || len(p.Caching) != len(want) {
			t.Errorf("%s: %+v", ask.payload, p)
		}
		for _, c := range p.Caching {
			if w := want[c.APIGroup]; c.Key != w[0] || !strings.Contains(c.Why, w[1]) {
				t.Errorf("%+v, want %q", c, w)
			}
		}
		if len(asked.Bound) != 3 || asked.Caching["def456-dev"].Key != CacheToken || !asked.Caching["def456-dev"].Known("GET", "/") {
			t.Errorf("%+v", asked)
		}
	}
	raw := string(b.a.Handle(t.Context(), []byte(`{"portcullis":"self-check","plan":"pulumi"}`)))
	if !strings.Contains(raw, `unknown format \"pulumi\"`) || !strings.Contains(raw, `"reachable":true`) {
		t.Errorf("%s", raw)
	}
	if raw := string(b.a.Handle(t.Context(), []byte(`{"portcullis":"self-check"}`))); strings.Contains(raw, `"plan"`) {
		t.Errorf("a plan that nobody asked for: %s", raw)
	}
}

// TestReportIsBounded: an account with a thousand problems makes a report that can be read and logged.
func TestReportIsBounded(t *testing.T) {
	b := newBench(t, func(o *Options) {
		o.Sync = &Sync{Discover: func(context.Context) (d Discovery, err error) {
			for i := range 1000 {
				d.Problems = append(d.Problems, fmt.Sprint("problem ", i))
			}
			return d, nil
		}}
	})
	var r syncReport
	if err := json.Unmarshal(b.a.Handle(t.Context(), schedule), &r); err != nil || r.OK || len(r.Problems) != 201 || r.Problems[0] != "problem 0" || r.Problems[200] != "and 800 more" {
		t.Errorf("%+v %v", r, err)
	}
}
