package deploy

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Kind is a way to install the authorizer.
type Kind string

// The kinds that Render knows.
const (
	Console   Kind = "console"   // steps in the AWS console, as plain text; Steps has them one by one
	CLI       Kind = "cli"       // a shell script that uses the AWS CLI
	SAM       Kind = "sam"       // a CloudFormation template with the SAM transform
	Terraform Kind = "terraform" // a root module that uses the module in terraform/
)

// Kinds are all of them, in the order in which they are offered.
func Kinds() []Kind { return []Kind{Console, CLI, SAM, Terraform} }

//go:embed iam cli sam terraform
var files embed.FS

// Files are the embedded files under the names that they have here: iam, cli, sam, terraform. The Terraform module reads
// ../iam, so both have to be handed out together.
func Files() fs.FS { return files }

// filling is one default of a file and the value that takes its place. old occurs once in the file; a test says so.
type filling struct{ old, new, value string }

// Render fills in a way to install the authorizer. ClientID and IssuerURL are needed; what else is empty, "*" included,
// stays for whoever runs the result to say. The result never holds the client secret: the script asks for it or reads a
// file, the template takes a NoEcho parameter or an ARN, the Terraform module takes an ARN.
func Render(kind Kind, v Values) ([]byte, error) {
	v, err := v.forRender()
	if err != nil {
		return nil, err
	}
	switch kind {
	case Console:
		return renderSteps(v)
	case CLI:
		return v.fillIn("cli/install.sh", []filling{
			{`ACP_CLIENT_ID="${ACP_CLIENT_ID:-}"`, `ACP_CLIENT_ID="${ACP_CLIENT_ID:-%s}"`, v.ClientID},
			{`ACP_ISSUER_URL="${ACP_ISSUER_URL:-}"`, `ACP_ISSUER_URL="${ACP_ISSUER_URL:-%s}"`, v.IssuerURL},
			{`ACP_CLIENT_SECRET_ARN="${ACP_CLIENT_SECRET_ARN:-}"`, `ACP_CLIENT_SECRET_ARN="${ACP_CLIENT_SECRET_ARN:-%s}"`, v.SecretARN},
			{`REGION="${AWS_REGION:-${AWS_DEFAULT_REGION:-}}"`, `REGION="${AWS_REGION:-${AWS_DEFAULT_REGION:-%s}}"`, v.Region},
			{`ARCH="${ARCH:-x86_64}"`, `ARCH="${ARCH:-%s}"`, v.Architecture},
			{`FUNCTION="${FUNCTION:-` + DefaultFunction + `}"`, `FUNCTION="${FUNCTION:-%s}"`, v.Function},
			{`STORE="${AWS_LOCAL_CONFIGURATION:-}"`, `STORE="${AWS_LOCAL_CONFIGURATION:-%s}"`, v.Store},
		})
	case SAM:
		if v.Store != "" || paramForm.MatchString(v.SecretARN) {
			return nil, errors.New("deploy: the SAM template takes no Store but ConfigurationBucket, and secrets of Secrets Manager only")
		}
		return v.fillIn("sam/template.yaml", []filling{
			{"  ClientId:\n", "  ClientId:\n    Default: %s\n", quoted(v.ClientID)},
			{"  IssuerUrl:\n", "  IssuerUrl:\n    Default: %s\n", quoted(v.IssuerURL)},
			{"secretsmanager:[^\\s*?]+)?$\n    Default: \"\"\n", "secretsmanager:[^\\s*?]+)?$\n    Default: %s\n", quoted(v.SecretARN)},
			{"    Default: " + DefaultFunction + "\n", "    Default: %s\n", quoted(v.Function)},
			{"    Default: x86_64\n", "    Default: %s\n", v.Architecture},
		})
	case Terraform:
		return v.fillIn("terraform/example/main.tf", []filling{
			{"provider \"aws\" {\n  region = \"eu-west-1\"", "provider \"aws\" {\n  region = \"%s\"", v.Region},
			{`  region            = "eu-west-1"`, `  region            = "%s"`, v.Region},
			{`"c0ffee0123456789"`, `"%s"`, v.ClientID},
			{`"https://portcullis.example.com/default/system"`, `"%s"`, v.IssuerURL},
			{`"arn:aws:secretsmanager:eu-west-1:111122223333:secret:portcullis/authorizer-AbCdEf"`, `"%s"`, v.SecretARN},
			{`"` + DefaultFunction + `"`, `"%s"`, v.Function},
			{`"x86_64"`, `"%s"`, v.Architecture},
			{`"authorizer-x86_64.zip"`, `"authorizer-%s.zip"`, v.Architecture},
			{`source = "../" # where the module is`, `source = "%s" # where the module is`, "./portcullis/terraform"},
		})
	}
	return nil, fmt.Errorf("deploy: there is no kind %q; there are %v", kind, Kinds())
}

// forRender checks the values and drops "*", which only a policy can use.
func (v Values) forRender() (Values, error) {
	if v.Region == "*" {
		v.Region = ""
	}
	if v.Account == "*" {
		v.Account = ""
	}
	if err := v.check(); err != nil {
		return v, err
	}
	if v.ClientID == "" || v.IssuerURL == "" {
		return v, errors.New("deploy: ClientID and IssuerURL are needed")
	}
	if strings.Contains(v.Function, ":") {
		return v, errors.New("deploy: Function must be without an alias: it is what will be created")
	}
	return v, nil
}

// fillIn replaces the defaults of a file. An empty value leaves the default.
func (v Values) fillIn(name string, fillings []filling) ([]byte, error) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("deploy: %w", err)
	}
	out := string(text)
	for _, f := range fillings {
		if n := strings.Count(out, f.old); n != 1 {
			return nil, fmt.Errorf("deploy: %s has %q %d times, not once", name, f.old, n)
		}
		if f.value != "" && f.value != `""` {
			out = strings.Replace(out, f.old, strings.Replace(f.new, "%s", f.value, 1), 1)
		}
	}
	return []byte(out), nil
}

// quoted is a YAML string; the forms of the values leave nothing to escape.
func quoted(s string) string { return `"` + s + `"` }
