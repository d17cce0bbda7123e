package authorizer

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxResource is the longest Resource that API Gateway accepts in a returned statement ("Output from an API Gateway
// Lambda authorizer").
const maxResource = 512

// render writes the answer. An allow for which no safe resource can be named becomes a deny.
//
// There are two forms: an IAM policy with always one statement (the size limit is undocumented, and one is enough), and
// for HTTP APIs with enableSimpleResponses {"isAuthorized":…,"context":{…}}. It is written by hand because encoding/json
// learns types at the first use, which is the answer that a cold start waits for.
func render(r *request, v verdict, far reach, principal string, context map[string]any, simple bool) []byte {
	resource, ok := resourceFor(r)
	if v.allow && !ok {
		v.allow = false
	}
	b := make([]byte, 0, 512)
	if simple && r.kind == kindHTTP2 {
		b = append(b, `{"isAuthorized":`...)
		b = strconv.AppendBool(b, v.allow)
		return append(appendContext(b, context), '}')
	}
	effect := "Deny"
	if v.allow {
		effect = "Allow"
		if far.stage {
			resource = r.arn.ofStage() + "*"
		}
	}
	if principal == "" {
		principal = anonymous
	}
	b = append(b, `{"principalId":`...)
	b = appendText(b, principal)
	b = append(b, `,"policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"`...)
	b = append(b, effect...)
	b = append(b, `","Resource":`...)
	b = appendText(b, resource)
	if !far.open && v.allow {
		b = append(b, `,"Condition":{"DateLessThan":{"aws:CurrentTime":"`...)
		b = far.until.UTC().AppendFormat(b, time.RFC3339)
		b = append(b, `"}}`...)
	}
	b = append(b, `}]}`...)
	return append(appendContext(b, context), '}')
}

// appendContext writes the context member, in the order of its names; nothing for an empty one.
func appendContext(b []byte, context map[string]any) []byte {
	if len(context) == 0 {
		return b
	}
	var room [16]string
	names := slices.AppendSeq(room[:0], maps.Keys(context))
	slices.Sort(names)
	b = append(b, `,"context":`...)
	next := byte('{')
	for _, name := range names {
		b = appendText(append(b, next), name)
		b = append(b, ':')
		switch v := context[name].(type) {
		case string:
			b = appendText(b, v)
		case bool:
			b = strconv.AppendBool(b, v)
		case int64:
			b = strconv.AppendInt(b, v, 10)
		default: // backendContext makes no others
			b = append(b, `""`...)
		}
		next = ','
	}
	return append(b, '}')
}

// appendText writes a JSON string. All but plain text is left to encoding/json.
func appendText(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			text, _ := json.Marshal(s) // strings always marshal
			return append(b, text...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
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
