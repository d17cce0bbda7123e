package authorizer

import (
	"encoding/json"
	"strings"
	"time"
)

// maxResource is the longest Resource that API Gateway accepts in a returned statement ("Output from an API Gateway
// Lambda authorizer").
const maxResource = 512

// response is the IAM form of an answer. Always one statement: the size limit is undocumented, and one is enough.
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

// simpleResponse is the other form, for HTTP APIs with enableSimpleResponses.
type simpleResponse struct {
	IsAuthorized bool           `json:"isAuthorized"`
	Context      map[string]any `json:"context,omitempty"`
}

// render writes the answer. An allow for which no safe resource can be named becomes a deny.
func render(r *request, v verdict, far reach, principal string, context map[string]any, simple bool) []byte {
	resource, ok := resourceFor(r)
	if v.allow && !ok {
		v.allow = false
	}
	var out any
	if simple && r.kind == kindHTTP2 {
		out = simpleResponse{IsAuthorized: v.allow, Context: context}
	} else {
		effect := "Deny"
		if v.allow {
			effect = "Allow"
		}
		if principal == "" {
			principal = anonymous
		}
		st := statement{Action: "execute-api:Invoke", Effect: effect, Resource: resource}
		if far.stage && v.allow {
			st.Resource = r.arn.ofStage() + "*"
		}
		if !far.open && v.allow {
			st.Condition = map[string]map[string]string{"DateLessThan": {"aws:CurrentTime": far.until.UTC().Format(time.RFC3339)}}
		}
		out = response{PrincipalID: principal, Context: context, PolicyDocument: policyDocument{Version: "2012-10-17", Statement: []statement{st}}}
	}
	b, err := json.Marshal(out)
	if err != nil { // strings, numbers and booleans always marshal
		return []byte(denyEverything)
	}
	return b
}

// denyEverything is the answer of last resort.
const denyEverything = `{"principalId":"anonymous","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Deny","Resource":"*"}]}}`

// resourceFor is the Resource of the statement: the exact method ARN where that is safe to repeat.
//
// The path in it is the caller's. A literal "*" or "?" there would be a wildcard in our policy, "${" a policy variable,
// and a long path would break the 512-character limit. In these cases the ARN is built from parts that the caller does
// not control: the resource template with each parameter replaced by "*", which covers this route and nothing else of
// the same depth prefix. With a TTL of 0 the policy is used for this one request anyway; where somebody turned caching
// on, the exact form grants the least, and the template form no more than its route.
//
// Without a readable ARN the answer can only be a Deny, on everything; ok is then false.
func resourceFor(r *request) (resource string, ok bool) {
	if r.arn.apiID == "" || !plain(r.arn.apiID+r.arn.stage+r.arn.verb+r.arn.region+r.arn.account+r.arn.partition) {
		return "*", false
	}
	if len(r.arn.text) <= maxResource && plain(r.arn.text) {
		return r.arn.text, true
	}
	resource = r.arn.ofStage() + r.arn.verb + "/" + starred(r.template)
	if len(resource) > maxResource {
		resource = resource[:maxResource-1] + "*"
	}
	return resource, true
}

// starred makes a pattern of a template: "/pets/{petId}" is "pets/*". No template (a TOKEN event) is "*".
func starred(template string) string {
	if template == "" {
		return "*"
	}
	parts := segments(template)
	for i, p := range parts {
		if rank(p) > 0 || !plain(p) {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, "/")
}

// plain reports whether every character is one that IAM matches literally and that needs no second thought.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-._~!&'()+,;=:@/%", c) >= 0:
		case c == '$' && (i+1 == len(s) || s[i+1] != '{'): // "$default", "$connect"
		default:
			return false
		}
	}
	return true
}
