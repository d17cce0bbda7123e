package deploy

import (
	"encoding/json"
	"strings"
	"testing"
)

// example values, as in AWS's documentation.
var example = Values{
	Region: "eu-west-1", Account: "111122223333", Function: DefaultFunction, Architecture: "arm64",
	ClientID: "c0ffee0123456789", IssuerURL: "https://portcullis.example.com/default/system",
	SecretARN: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:portcullis/authorizer-AbCdEf", Store: "s3://my-bucket/conf/",
}

func TestRolePolicyByParts(t *testing.T) {
	for _, c := range []struct {
		parts []Part
		sids  string
	}{
		{[]Part{Discover}, "Discover"},
		{[]Part{Attach, Discover}, "Discover CreateAuthorizer RepairAuthorizer AttachToMethods BeInvoked"},
		{[]Part{Discover, Discover}, "Discover"},
		{[]Part{Replace}, "RememberWhatWasThere"},
		{[]Part{Cache, Secret, Store}, "EmptyCaches MarkCaching KeepConfiguration TellAbsentFromRefused ReadSecret"},
	} {
		text, err := RolePolicy(example, c.parts...)
		if err != nil {
			t.Errorf("%v: %v", c.parts, err)
			continue
		}
		var p struct {
			Version   string
			Statement []struct{ Sid, Effect string }
		}
		if err := json.Unmarshal(text, &p); err != nil || p.Version != "2012-10-17" {
			t.Errorf("%v: %v in %s", c.parts, err, text)
		}
		var sids []string
		for _, s := range p.Statement {
			sids = append(sids, s.Sid)
		}
		if got := strings.Join(sids, " "); got != c.sids {
			t.Errorf("%v: statements %s, want %s", c.parts, got, c.sids)
		}
		if strings.Contains(string(text), "{{") {
			t.Errorf("%v: a placeholder is left in %s", c.parts, text)
		}
	}
}

func TestRolePolicyNamesItsValues(t *testing.T) {
	v := example
	v.Region, v.Function = "cn-north-1", "my-function:live"
	text, err := RolePolicy(v, Attach)
	if err != nil || !strings.Contains(string(text), `"arn:aws-cn:lambda:cn-north-1:111122223333:function:my-function:live"`) ||
		!strings.Contains(string(text), "arn:aws-cn:apigateway:cn-north-1:lambda:path/2015-03-31/functions/arn:aws-cn:lambda:cn-north-1:111122223333:function:my-function:live/invocations") {
		t.Errorf("%v in %s", err, text)
	}
	v = example
	v.SecretARN = "arn:aws:ssm:eu-west-1:111122223333:parameter/portcullis/authorizer"
	if text, err = RolePolicy(v, Secret); err != nil || !strings.Contains(string(text), `"ssm:GetParameter"`) || strings.Contains(string(text), "secretsmanager") {
		t.Errorf("%v in %s", err, text)
	}
	v.Store = "s3://my-bucket"
	if text, err = RolePolicy(v, Store); err != nil || !strings.Contains(string(text), `"arn:aws:s3:::my-bucket/portcullis-*.conf"`) {
		t.Errorf("%v in %s", err, text)
	}
	// Every inline policy of a role together may have 10,240 characters without white space (IAM quotas).
	if text, err = RolePolicy(example, Parts()...); err != nil || len(text) > 10240 {
		t.Errorf("%v, %d characters", err, len(text))
	}
}

func TestRolePolicyWithoutWhatItNeeds(t *testing.T) {
	change := func(f func(*Values)) Values { v := example; f(&v); return v }
	for _, c := range []struct {
		name   string
		values Values
		parts  []Part
		want   string
	}{
		{"no part", example, nil, "at least one part"},
		{"unknown part", example, []Part{"everything"}, `no part "everything"`},
		{"nothing known", Values{}, []Part{Attach}, "no value for region, account, function"},
		{"no store", change(func(v *Values) { v.Store = "" }), []Part{Store}, "no value for bucket"},
		{"no secret", change(func(v *Values) { v.SecretARN = "" }), []Part{Secret}, "no value for secret"},
		{"a quote", change(func(v *Values) { v.Function = `x","Action":"*` }), []Part{Attach}, "Function must be"},
		{"a wildcard", change(func(v *Values) { v.Function = "*" }), []Part{Attach}, "Function must be"},
		{"a placeholder", change(func(v *Values) { v.Region = "{{account}}" }), []Part{Attach}, "Region must be"},
		{"a bucket of everybody", change(func(v *Values) { v.Store = "s3://*/" }), []Part{Store}, "Store must look like"},
		{"a prefix with a wildcard", change(func(v *Values) { v.Store = "s3://my-bucket/*" }), []Part{Store}, "Store must look like"},
		{"a secret of any name", change(func(v *Values) { v.SecretARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:*" }), []Part{Secret}, "SecretARN must be"},
	} {
		text, err := RolePolicy(c.values, c.parts...)
		if err == nil || !strings.Contains(err.Error(), c.want) || text != nil {
			t.Errorf("%s: %v, %s", c.name, err, text)
		}
	}
	// A secret in the wrong field does not come back in the error.
	v := example
	v.SecretARN = "the-secret-itself-wJalrXUtnFEMI"
	if _, err := RolePolicy(v, Discover); err == nil || strings.Contains(err.Error(), "wJalr") {
		t.Errorf("%v", err)
	}
}
