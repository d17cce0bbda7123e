package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"portcullis/aws/signed"
)

// TestSecretReferences: the value itself, Secrets Manager (text and JSON), SSM, and every way to fail.
func TestSecretReferences(t *testing.T) {
	const sm, ssm = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:acp-AbCdEf", "arn:aws:ssm:eu-west-1:123456789012:parameter/"
	var asked string
	answer := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 1000)
		n, _ := r.Body.Read(b)
		asked = r.Header.Get("X-Amz-Target") + " " + string(b[:n]) + " " + strings.SplitN(r.Header.Get("Authorization"), "/", 5)[2]
		if answer == "" {
			w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
			w.WriteHeader(400)
			return
		}
		fmt.Fprint(w, answer)
	}))
	defer s.Close()
	aws := signed.New("eu-west-1")
	env := map[string]string{"AWS_ENDPOINT_URL": s.URL, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"}
	aws.Getenv = func(k string) string { return env[k] }
	cases := []struct{ ref, answer, asked, want string }{
		{"plain-secret", "", "", "plain-secret"},
		{sm, `{"SecretString":"s1"}`, `secretsmanager.GetSecretValue {"SecretId":"` + sm + `"} eu-central-1`, "s1"},
		{sm, `{"SecretString":"{\"ACP_CLIENT_SECRET\":\"s2\",\"other\":1}"}`, "", "s2"},
		{sm, `{"SecretBinary":"AAAA"}`, "", ""},
		{sm, "", "", ""},
		{ssm + "acp/secret", `{"Parameter":{"Value":"s3"}}`, `AmazonSSM.GetParameter {"Name":"/acp/secret","WithDecryption":true} eu-west-1`, "s3"},
		{ssm + "acp-secret", `{"Parameter":{"Value":"s4"}}`, `AmazonSSM.GetParameter {"Name":"acp-secret","WithDecryption":true} eu-west-1`, "s4"},
		{ssm + "x", `{"Parameter":{}}`, "", ""},
		{"arn:aws:ssm:eu-west-1:123456789012:document/x", `{"Parameter":{"Value":"x"}}`, "", ""},
		{"arn:aws:s3:::bucket/key", `{}`, "", ""},
		{"arn:short", `{}`, "", ""},
	}
	for _, c := range cases {
		asked, answer = "", c.answer
		got, err := clientSecret(t.Context(), aws, c.ref)
		if got != c.want || (err == nil) != (c.want != "") || c.asked != "" && asked != c.asked {
			t.Errorf("%s: %q %v, asked %q", c.ref, got, err, asked)
		}
	}
	answer = ""
	if _, err := clientSecret(t.Context(), aws, sm); err == nil || !strings.Contains(err.Error(), "secretsmanager:GetSecretValue on "+sm) {
		t.Errorf("the missing permission is not named: %v", err)
	}
}
