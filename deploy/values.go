package deploy

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Values are what the texts are filled in with. Which ones are needed depends on the text; an empty one that is needed is
// an error, an empty one that is not is left to whoever runs the result.
type Values struct {
	// Region of the REST APIs and the function ("eu-west-1"), Account of the function (12 digits). "*" in a role policy
	// means every one; the role reaches no other account by that, since the other account would have to agree.
	Region, Account string
	// Function is the name of the Lambda function; with an alias or version (AWS_AUTHORIZER_ARN) "name:alias".
	Function string

	// The gateway, from its SETTINGS. There is no member for its secret.
	ClientID, IssuerURL string
	// SecretARN names the Secrets Manager secret or SSM parameter that holds ACP_CLIENT_SECRET.
	SecretARN string

	// Architecture is that of the zip: "x86_64" or "arm64".
	Architecture string

	// Store is AWS_LOCAL_CONFIGURATION in S3: "s3://bucket/prefix".
	Store string
}

// Names that the guide proposes.
const (
	DefaultFunction = "cloudentity-microperimeter-authorizer"
	Handler         = "cloudentity-mp-aws-gw-authorizer" // any word: provided.al2023 starts the bootstrap of the zip
	RuleName        = "every-minute"
)

// forms of the values. They are strict because the values end up in JSON, YAML, HCL and shell: none can hold a quote, a
// backslash, a dollar sign, white space or a line end. The patterns of ids and ARNs are those of the services.
var (
	regionForm   = regexp.MustCompile(`^([a-z]{2,4}(-[a-z]+){1,3}-[0-9]{1,2}|\*)$`)
	accountForm  = regexp.MustCompile(`^([0-9]{12}|\*)$`)
	functionForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_-]{1,128})?$`)
	clientForm   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)
	issuerForm   = regexp.MustCompile(`^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/?$`)
	secretForm   = regexp.MustCompile(`^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]{1,519}$`)
	paramForm    = regexp.MustCompile(`^arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[A-Za-z0-9/_.-]{1,900}$`)
	bucketForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	prefixForm   = regexp.MustCompile(`^[A-Za-z0-9/_.=-]{0,512}$`)
	archForm     = regexp.MustCompile(`^(x86_64|arm64)$`)
)

// check reports every value that is set and has the wrong form. It names the member and never repeats the value: a secret
// pasted into the wrong field must not come back in an error.
func (v Values) check() error {
	var errs []error
	for _, c := range []struct {
		name, value string
		form        *regexp.Regexp
		what        string
	}{
		{"Region", v.Region, regionForm, "an AWS region, like eu-west-1"},
		{"Account", v.Account, accountForm, "an AWS account number of 12 digits"},
		{"Function", v.Function, functionForm, "a Lambda function's name of at most 64 letters, digits, - and _"},
		{"ClientID", v.ClientID, clientForm, "a client id"},
		{"IssuerURL", v.IssuerURL, issuerForm, "a URL, like https://portcullis.example.com/default/system"},
		{"Architecture", v.Architecture, archForm, "x86_64 or arm64"},
	} {
		if c.value != "" && !c.form.MatchString(c.value) {
			errs = append(errs, fmt.Errorf("deploy: %s must be %s", c.name, c.what))
		}
	}
	if v.SecretARN != "" && !secretForm.MatchString(v.SecretARN) && !paramForm.MatchString(v.SecretARN) {
		errs = append(errs, errors.New("deploy: SecretARN must be the ARN of a Secrets Manager secret or of an SSM parameter"))
	}
	if v.Store != "" {
		if _, _, err := v.store(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// store takes s3://bucket/prefix apart; prefix is empty or ends in a slash, as cmd/authorizer puts it before its file.
func (v Values) store() (bucket, prefix string, err error) {
	bad := errors.New("deploy: Store must look like s3://bucket/prefix")
	u, err := url.Parse(v.Store)
	if err != nil || u.Scheme != "s3" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || !bucketForm.MatchString(u.Host) {
		return "", "", bad
	}
	prefix = strings.Trim(u.Path, "/")
	if !prefixForm.MatchString(prefix) {
		return "", "", bad
	}
	if prefix != "" {
		prefix += "/"
	}
	return u.Host, prefix, nil
}

// partitions: name by the region's prefix; anything else is "aws".
var partitions = []struct{ prefix, name string }{
	{"cn-", "aws-cn"}, {"us-gov-", "aws-us-gov"}, {"us-isob-", "aws-iso-b"}, {"us-iso-", "aws-iso"}, {"eusc-", "aws-eusc"},
}

// partition of the region: "aws", "aws-cn", "aws-us-gov", …
func (v Values) partition() string {
	for _, p := range partitions {
		if strings.HasPrefix(v.Region, p.prefix) {
			return p.name
		}
	}
	return "aws"
}
