package deploy

import (
	"fmt"
	"strings"
)

// Step is one step in the AWS console. Code is what is entered or pasted there; it may be empty.
type Step struct{ Title, Text, Code string }

// Steps are the guide's steps for the AWS of today. The policy works in every region and account where these are not
// known: a role reaches nothing outside its account by it.
func Steps(v Values) ([]Step, error) {
	v, err := v.forRender()
	if err != nil {
		return nil, err
	}
	if v.Function == "" {
		v.Function = DefaultFunction
	}
	parts := []Part{Discover, Attach}
	secret := "(copy it from SETTINGS)"
	if v.SecretARN != "" {
		parts, secret = append(parts, Secret), v.SecretARN
	}
	variables := "ACP_CLIENT_ID=" + v.ClientID + "\nACP_CLIENT_SECRET=" + secret + "\nACP_ISSUER_URL=" + v.IssuerURL
	if v.Store != "" {
		parts, variables = append(parts, Store), variables+"\nAWS_LOCAL_CONFIGURATION="+v.Store
	}
	of := v
	if of.Region == "" {
		of.Region = "*"
	}
	if of.Account == "" {
		of.Account = "*"
	}
	policy, err := RolePolicy(of, parts...)
	if err != nil {
		return nil, err
	}
	architecture := "the architecture to that of the zip"
	if v.Architecture != "" {
		architecture = "the architecture to " + v.Architecture
	}
	return []Step{
		{"Create the function", "In AWS Lambda select Functions, Create function, Author from scratch. Enter the function name, set the runtime to Amazon Linux 2023 (provided.al2023) and " + architecture + ".", v.Function},
		{"Upload the code", "In the section Code source select Upload from, .zip file, and take the zip as it was downloaded.", ""},
		{"Set the handler", "In the section Runtime settings select Edit and set the handler. Any name works; this is the guide's.", Handler},
		{"Set the time-out", "In Configuration, General configuration, set the timeout to 10 seconds: three, which Lambda proposes, are short for discovery.", "10 sec"},
		{"Set the environment variables", "In Configuration, Environment variables, add these. ACP_CLIENT_SECRET may also be the ARN of a Secrets Manager secret that holds it. Optional: CONFIG_REFRESH_INTERVAL (5s) and DISABLE_ANALYTICS (false).", variables},
		{"Add a trigger", "Select Add trigger, EventBridge (CloudWatch Events), Create a new rule. Rule name " + RuleName + ", rule type Schedule expression, then Add.", "rate(1 minute)"},
		{"Give it permissions", "In Configuration, Permissions, open the role, then Add permissions, Create inline policy, JSON. It is what discovery and attachment need, and nothing else.", string(policy)},
	}, nil
}

func renderSteps(v Values) ([]byte, error) {
	steps, err := Steps(v)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for i, s := range steps {
		fmt.Fprintf(&b, "%d. %s. %s\n", i+1, s.Title, s.Text)
		if s.Code != "" {
			b.WriteString("\n   " + strings.ReplaceAll(s.Code, "\n", "\n   ") + "\n")
		}
		b.WriteString("\n")
	}
	return []byte(strings.TrimRight(b.String(), "\n") + "\n"), nil
}
