package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"portcullis/aws/discover"
	"portcullis/aws/signed"
)

// clientSecret resolves a reference to a secret: the ARN of a Secrets Manager secret (its text, or the member
// "ACP_CLIENT_SECRET" of a JSON object) or of an SSM parameter. Anything else is the secret itself. Errors name the ARN,
// never a value.
func clientSecret(ctx context.Context, aws *signed.Client, v string) (string, error) {
	if !strings.HasPrefix(v, "arn:") {
		return v, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	parts := strings.SplitN(v, ":", 6)
	if len(parts) != 6 {
		return "", errors.New("looks like an ARN and is none")
	}
	regional := *aws
	regional.Region = parts[3]
	switch parts[2] {
	case "secretsmanager":
		return secretsManager(ctx, &regional, v)
	case "ssm":
		return parameter(ctx, &regional, v, parts[5])
	}
	return "", fmt.Errorf("is an ARN of %s; only secretsmanager and ssm hold secrets", parts[2])
}

// target makes a call of the JSON protocol: one path, the operation in a header.
func target(service, operation, header string, body any, action string) signed.Call {
	return signed.Call{Service: service, Operation: operation, Method: http.MethodPost, Path: "/", Body: body,
		ContentType: "application/x-amz-json-1.1", Target: header + "." + operation, Action: action}
}

func secretsManager(ctx context.Context, aws *signed.Client, arn string) (string, error) {
	var out struct {
		SecretString string
	}
	call := target("secretsmanager", "GetSecretValue", "secretsmanager", map[string]string{"SecretId": arn}, "secretsmanager:GetSecretValue on "+arn)
	if err := aws.Do(ctx, call, &out); err != nil {
		return "", err
	}
	if s, ok := member(out.SecretString, "ACP_CLIENT_SECRET"); ok {
		return s, nil
	}
	if out.SecretString == "" {
		return "", fmt.Errorf("the secret %s has no text", arn)
	}
	return out.SecretString, nil
}

func parameter(ctx context.Context, aws *signed.Client, arn, resource string) (string, error) {
	name, ok := strings.CutPrefix(resource, "parameter/")
	if !ok {
		return "", fmt.Errorf("%s is not the ARN of a parameter", arn)
	}
	var out struct {
		Parameter struct{ Value string }
	}
	// "parameter/acp/secret" is the parameter "/acp/secret"; one without slashes is named as it stands.
	if strings.Contains(name, "/") {
		name = "/" + name
	}
	call := target("ssm", "GetParameter", "AmazonSSM", map[string]any{"Name": name, "WithDecryption": true}, "ssm:GetParameter on "+arn)
	if err := aws.Do(ctx, call, &out); err != nil {
		return "", err
	}
	if out.Parameter.Value == "" {
		return "", fmt.Errorf("the parameter %s is empty", arn)
	}
	return out.Parameter.Value, nil
}

// accountOf is the account in an ARN, "" if there is none.
func accountOf(arn string) string {
	if p := strings.Split(discover.Unqualified(arn), ":"); len(p) > 4 {
		return p[4]
	}
	return ""
}
