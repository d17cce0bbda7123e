package policy

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEvaluate(t *testing.T) {
	for _, c := range []struct {
		name     string
		policies []string
		action   string
		resource string
		context  map[string][]string
		want     Verdict
	}{
		{name: "no policy", action: "apigateway:GET", resource: "arn:aws:apigateway:eu-west-1::/restapis", want: ImplicitDeny},
		{name: "wildcard action", policies: []string{`{"Effect":"Allow","Action":"apigateway:*","Resource":"*"}`}, action: "apigateway:GET", resource: "arn:aws:apigateway:eu-west-1::/restapis", want: Allow},
		{name: "action without regard to case", policies: []string{`{"Effect":"Allow","Action":"APIGateway:get","Resource":"*"}`}, action: "apigateway:GET", resource: "arn:aws:apigateway:eu-west-1::/restapis", want: Allow},
		{name: "another action", policies: []string{`{"Effect":"Allow","Action":"apigateway:GET","Resource":"*"}`}, action: "apigateway:PATCH", resource: "arn:aws:apigateway:eu-west-1::/restapis", want: ImplicitDeny},
		{name: "wildcard crosses slashes", policies: []string{`{"Effect":"Allow","Action":"apigateway:GET","Resource":"arn:aws:apigateway:eu-west-1::/restapis/*"}`}, action: "apigateway:GET", resource: "arn:aws:apigateway:eu-west-1::/restapis/abc/resources", want: Allow},
		{name: "resource in another region", policies: []string{`{"Effect":"Allow","Action":"apigateway:GET","Resource":"arn:aws:apigateway:us-east-1::/*"}`}, action: "apigateway:GET", resource: "arn:aws:apigateway:eu-west-1::/restapis", want: ImplicitDeny},
		{name: "resource case counts", policies: []string{`{"Effect":"Allow","Action":"lambda:*","Resource":"arn:aws:lambda:eu-west-1:111122223333:function:My"}`}, action: "lambda:GetFunction", resource: "arn:aws:lambda:eu-west-1:111122223333:function:my", want: ImplicitDeny},
		{name: "incomplete ARN", policies: []string{`{"Effect":"Allow","Action":"lambda:*","Resource":"arn:aws:lambda"}`}, action: "lambda:GetFunction", resource: "arn:aws:lambda:eu-west-1:111122223333:function:my", want: Allow},
		{name: "explicit deny wins", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*"}`, `{"Effect":"Deny","Action":"lambda:DeleteFunction","Resource":"*"}`}, action: "lambda:DeleteFunction", resource: "arn:aws:lambda:eu-west-1:111122223333:function:my", want: ExplicitDeny},
		{name: "NotAction", policies: []string{`{"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"}`}, action: "iam:CreateRole", resource: "arn:aws:iam::111122223333:role/x", want: ImplicitDeny},
		{name: "NotAction of another", policies: []string{`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`}, action: "lambda:GetFunction", resource: "arn:aws:lambda:eu-west-1:111122223333:function:my", want: Allow},
		{name: "NotResource", policies: []string{`{"Effect":"Deny","Action":"*","NotResource":"arn:aws:lambda:eu-west-1:*:function:mine*"}`}, action: "lambda:GetFunction", resource: "arn:aws:lambda:eu-west-1:111122223333:function:yours", want: ExplicitDeny},
		{name: "NotResource of the resource itself", policies: []string{`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:lambda:eu-west-1:*:function:mine*"}`}, action: "lambda:GetFunction", resource: "arn:aws:lambda:eu-west-1:111122223333:function:mine1", want: ImplicitDeny},
		{name: "condition holds", policies: []string{`{"Effect":"Allow","Action":"apigateway:POST","Resource":"*","Condition":{"StringLike":{"apigateway:Request/AuthorizerUri":"*function:ours*"}}}`}, action: "apigateway:POST", resource: "arn:aws:apigateway:eu-west-1::/restapis/a/authorizers",
			context: map[string][]string{"apigateway:Request/AuthorizerUri": {"arn:aws:apigateway:eu-west-1:lambda:path/…/function:ours/invocations"}}, want: Allow},
		{name: "condition key is matched without regard to case", policies: []string{`{"Effect":"Allow","Action":"apigateway:POST","Resource":"*","Condition":{"StringEquals":{"APIGATEWAY:request/authorizertype":"REQUEST"}}}`}, action: "apigateway:POST", resource: "arn:aws:apigateway:eu-west-1::/restapis/a/authorizers",
			context: map[string][]string{"apigateway:Request/AuthorizerType": {"REQUEST"}}, want: Allow},
		{name: "condition fails", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a:b":"x"}}}`}, action: "a:c", resource: "*", context: map[string][]string{"a:b": {"y"}}, want: ImplicitDeny},
		{name: "condition key missing", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a:b":"x"}}}`}, action: "a:c", resource: "*", want: ImplicitDeny},
		{name: "negated operator without the key", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"a:b":"x"}}}`}, action: "a:c", resource: "*", want: Allow},
		{name: "IfExists without the key", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqualsIfExists":{"a:b":"x"}}}`}, action: "a:c", resource: "*", want: Allow},
		{name: "IfExists with another value", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqualsIfExists":{"a:b":"x"}}}`}, action: "a:c", resource: "*", context: map[string][]string{"a:b": {"y"}}, want: ImplicitDeny},
		{name: "Null: the key must be absent", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Null":{"a:b":true}}}`}, action: "a:c", resource: "*", context: map[string][]string{"a:b": {"y"}}, want: ImplicitDeny},
		{name: "StringEquals takes wildcards literally", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a:b":"x*"}}}`}, action: "a:c", resource: "*", context: map[string][]string{"a:b": {"xyz"}}, want: ImplicitDeny},
		{name: "ArnLike does not cross parts", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:execute-api:*:abc/authorizers/*"}}}`}, action: "a:c", resource: "*",
			context: map[string][]string{"aws:SourceArn": {"arn:aws:execute-api:eu-west-1:111122223333:abc/authorizers/x"}}, want: ImplicitDeny},
		{name: "ArnLike", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:execute-api:eu-west-1:111122223333:*/authorizers/*"}}}`}, action: "a:c", resource: "*",
			context: map[string][]string{"aws:SourceArn": {"arn:aws:execute-api:eu-west-1:111122223333:abc/authorizers/x"}}, want: Allow},
		{name: "an authorizer is not an integration", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:execute-api:eu-west-1:111122223333:abc/*/GET/pets"}}}`}, action: "a:c", resource: "*",
			context: map[string][]string{"aws:SourceArn": {"arn:aws:execute-api:eu-west-1:111122223333:abc/authorizers/x"}}, want: ImplicitDeny},
		{name: "ForAnyValue", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"a:b":["x","y"]}}}`}, action: "a:c", resource: "*", context: map[string][]string{"a:b": {"z", "y"}}, want: Allow},
		{name: "ForAllValues", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"a:b":["x","y"]}}}`}, action: "a:c", resource: "*", context: map[string][]string{"a:b": {"z", "y"}}, want: ImplicitDeny},
		{name: "numbers and networks", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericLessThan":{"a:n":10},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"DateLessThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"},"Bool":{"a:t":"true"}}}`}, action: "a:c", resource: "*",
			context: map[string][]string{"a:n": {"9"}, "aws:SourceIp": {"10.1.2.3"}, "aws:CurrentTime": {"2026-11-22T10:00:00Z"}, "a:t": {"true"}}, want: Allow},
		{name: "policy variable", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::bucket/${aws:username}/*"}`}, action: "s3:GetObject", resource: "arn:aws:s3:::bucket/jane/x", context: map[string][]string{"aws:username": {"jane"}}, want: Allow},
		{name: "a wildcard in a variable's value is literal", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::bucket/${aws:username}/*"}`}, action: "s3:GetObject", resource: "arn:aws:s3:::bucket/jane/x", context: map[string][]string{"aws:username": {"*"}}, want: ImplicitDeny},
		{name: "unknown variable", policies: []string{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::bucket/${aws:nothing}/*"}`}, action: "s3:GetObject", resource: "arn:aws:s3:::bucket//x", want: ImplicitDeny},
	} {
		t.Run(c.name, func(t *testing.T) {
			var docs []*Document
			for _, st := range c.policies {
				d, err := Parse([]byte(`{"Version":"2012-10-17","Statement":`+st+`}`), Identity)
				if err != nil {
					t.Fatal(err)
				}
				docs = append(docs, d)
			}
			if got := Evaluate(Request{Action: c.action, Resource: c.resource, Context: c.context}, docs...); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestPrincipals(t *testing.T) {
	jane := Request{Action: "sts:AssumeRole", Resource: "arn:aws:iam::111122223333:role/x", Principal: "arn:aws:iam::111122223333:user/jane", Account: "111122223333"}
	events := Request{Action: "sts:AssumeRole", Resource: "arn:aws:iam::111122223333:role/x", Service: "events.amazonaws.com"}
	for principal, want := range map[string][2]Verdict{
		`"*"`:         {Allow, Allow},
		`{"AWS":"*"}`: {Allow, ImplicitDeny},
		`{"AWS":"arn:aws:iam::111122223333:root"}`:                    {Allow, ImplicitDeny},
		`{"AWS":"111122223333"}`:                                      {Allow, ImplicitDeny},
		`{"AWS":["444455556666","arn:aws:iam::1:user/x"]}`:            {ImplicitDeny, ImplicitDeny},
		`{"AWS":"arn:aws:iam::111122223333:user/jane"}`:               {Allow, ImplicitDeny},
		`{"Service":["lambda.amazonaws.com","events.amazonaws.com"]}`: {ImplicitDeny, Allow},
		`{"Service":"lambda.amazonaws.com"}`:                          {ImplicitDeny, ImplicitDeny},
	} {
		d, err := Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":`+principal+`,"Action":"sts:AssumeRole"}]}`), Trust)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]Verdict{Evaluate(jane, d), Evaluate(events, d)}; got != want {
			t.Errorf("%s: got %v, want %v", principal, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		kind Kind
		doc  string
	}{
		"no statement":        {Identity, `{"Version":"2012-10-17"}`},
		"unknown version":     {Identity, `{"Version":"2030-01-01","Statement":[]}`},
		"text after":          {Identity, `{"Statement":[]} x`},
		"action and not":      {Identity, `{"Statement":[{"Effect":"Allow","Action":"a:b","NotAction":"a:c","Resource":"*"}]}`},
		"no action":           {Identity, `{"Statement":[{"Effect":"Allow","Resource":"*"}]}`},
		"action without verb": {Identity, `{"Statement":[{"Effect":"Allow","Action":"lambda","Resource":"*"}]}`},
		"no resource":         {Identity, `{"Statement":[{"Effect":"Allow","Action":"a:b"}]}`},
		"resource no ARN":     {Identity, `{"Statement":[{"Effect":"Allow","Action":"a:b","Resource":"bucket"}]}`},
		"trust with resource": {Trust, `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}]}`},
		"trust for nobody":    {Trust, `{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}`},
		"too long":            {Identity, `{"Statement":[{"Effect":"Allow","Action":"a:b","Resource":"arn:` + strings.Repeat("x", maxDocument) + `"}]}`},
	} {
		if _, err := Parse([]byte(c.doc), c.kind); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// slowMatch is the definition of wildcards, written to be read.
func slowMatch(p []rune, s string) bool {
	if len(p) == 0 {
		return s == ""
	}
	switch {
	case p[0] == anyN:
		for i := range len(s) + 1 {
			if slowMatch(p[1:], s[i:]) {
				return true
			}
		}
		return false
	case s == "":
		return false
	}
	return (p[0] == any1 || p[0] == rune(s[0])) && slowMatch(p[1:], s[1:])
}

func TestMatchAgreesWithItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab]{0,10}`).Draw(t, "text")
		if got, want := match(literal(pattern), s), slowMatch(literal(pattern), s); got != want {
			t.Fatalf("match(%q, %q) = %v", pattern, s, got)
		}
	})
}
