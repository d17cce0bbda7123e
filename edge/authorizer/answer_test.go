package authorizer

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// response is the IAM form of an answer as API Gateway reads it.
type response struct {
	PrincipalID    string         `json:"principalId"`
	PolicyDocument policyDocument `json:"policyDocument"`
	Context        map[string]any `json:"context,omitempty"`
}

type policyDocument struct {
	Version   string      `json:"Version"`
	Statement []statement `json:"Statement"`
}

type statement struct {
	Action    string                       `json:"Action"`
	Effect    string                       `json:"Effect"`
	Resource  string                       `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

// simpleResponse is the other form.
type simpleResponse struct {
	IsAuthorized bool           `json:"isAuthorized"`
	Context      map[string]any `json:"context,omitempty"`
}

// TestRender: whatever is in an answer, it is JSON, and encoding/json reads it back as it was meant.
func TestRender(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Z0-9_<>&"\\\\/\x00-\x1f\x7f]{0,20}`))
	rapid.Check(t, func(t *rapid.T) {
		r := &request{kind: rapid.SampledFrom([]kind{kindRequest, kindToken, kindHTTP2, kindWebSocket}).Draw(t, "kind"), template: "/pets/{petId}"}
		r.arn, _ = parseARN("arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/GET/pets/" + text.Draw(t, "path"))
		v := verdict{allow: rapid.Bool().Draw(t, "allow")}
		far := reach{stage: rapid.Bool().Draw(t, "stage"), open: rapid.Bool().Draw(t, "open"), until: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "until"), 0)}
		principal, simple := text.Draw(t, "principal"), rapid.Bool().Draw(t, "simple")
		context := map[string]any{}
		for i := range rapid.IntRange(0, 20).Draw(t, "members") {
			switch i % 3 {
			case 0:
				context[text.Draw(t, "name")] = text.Draw(t, "value")
			case 1:
				context[text.Draw(t, "name")] = rapid.Bool().Draw(t, "value")
			default:
				context[text.Draw(t, "name")] = rapid.Int64().Draw(t, "value")
			}
		}
		raw := render(r, v, far, principal, context, simple)

		resource, _ := resourceFor(r)
		st := statement{Action: "execute-api:Invoke", Effect: "Deny", Resource: resource}
		if v.allow {
			st.Effect = "Allow"
			if far.stage {
				st.Resource = "arn:aws:execute-api:eu-west-1:123456789012:abc123/dev/*"
			}
			if !far.open {
				st.Condition = map[string]map[string]string{"DateLessThan": {"aws:CurrentTime": far.until.UTC().Format(time.RFC3339)}}
			}
		}
		if principal == "" {
			principal = "anonymous"
		}
		var want any = response{PrincipalID: principal, Context: context, PolicyDocument: policyDocument{Version: "2012-10-17", Statement: []statement{st}}}
		if simple && r.kind == kindHTTP2 {
			want = simpleResponse{IsAuthorized: v.allow, Context: context}
		}
		expected, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := json.Unmarshal(raw, &a); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		_ = json.Unmarshal(expected, &b)
		if d := cmp.Diff(b, a); d != "" {
			t.Fatalf("%s\n%s", raw, d)
		}
	})
}
