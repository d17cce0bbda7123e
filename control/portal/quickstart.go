package portal

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	"portcullis/control"
	"portcullis/control/web"
)

// consoleStep is one step in the AWS console: the guide's, for the AWS of today.
type consoleStep struct{ title, text, code string }

func (p *portal) quickStart(r *request) error {
	gw, err := r.gateway()
	if err != nil {
		return err
	}
	v := quickStartPage{gateway: gw, console: consoleSteps(gw), cli: cliScript(gw)}
	links, err := p.links()
	v.packages = links
	if err != nil {
		v.problem = problemText(err)
	}
	return r.render(http.StatusOK, quickStartView(r.frame("Quick start", "apis"), clock{p.now()}, v))
}

// packageLinks describes the packages of this build; they are hashed once, not for every page.
func packageLinks(packages web.Packages) func() ([]packageLink, error) {
	return sync.OnceValues(func() (links []packageLink, missing error) {
		for _, arch := range []string{"x86_64", "arm64"} {
			zip, sum, err := packages.Open(arch)
			if err != nil {
				missing = err
				continue
			}
			links = append(links, packageLink{arch: arch, sha256: sum, size: fmt.Sprintf("%.1f MB", float64(len(zip))/1e6)})
		}
		return links, missing
	})
}

// gatewayProgress is the check marks alone, for the script that keeps them current.
func (p *portal) gatewayProgress(r *request) error {
	gw, err := r.gateway()
	if err != nil {
		return err
	}
	return r.render(http.StatusOK, progressMarks(r.frame("", ""), clock{p.now()}, gw.Gateway))
}

// The names that the guide proposes.
const (
	functionName = "cloudentity-microperimeter-authorizer"
	handlerName  = "cloudentity-mp-aws-gw-authorizer"
	ruleName     = "every-minute"
)

func consoleSteps(gw control.GatewayWithClient) []consoleStep {
	return []consoleStep{
		{"Create the function", "In AWS Lambda select Functions, Create function, Author from scratch. Enter the function name, set the runtime to Amazon Linux 2023 (provided.al2023) and the architecture to that of the zip.", functionName},
		{"Upload the code", "In the section Code source select Upload from, .zip file, and take the zip as it was downloaded.", ""},
		{"Set the handler", "In the section Runtime settings select Edit and set the handler. Any name works; this is the guide's.", handlerName},
		{"Set the environment variables", "In Configuration, Environment variables, add ACP_CLIENT_ID, ACP_CLIENT_SECRET (copy it from SETTINGS) and ACP_ISSUER_URL. Optional: CONFIG_REFRESH_INTERVAL (5s) and DISABLE_ANALYTICS (false).",
			"ACP_CLIENT_ID=" + gw.ClientID + "\nACP_CLIENT_SECRET=(from SETTINGS)\nACP_ISSUER_URL=" + gw.IssuerURL},
		{"Add a trigger", "Select Add trigger, EventBridge (CloudWatch Events), Create a new rule. Rule name " + ruleName + ", rule type Schedule expression, then Add.", "rate(1 minute)"},
		{"Give it permissions", "In Configuration, Permissions, open the role, then Add permissions, Create inline policy, JSON. Put your region, account and function into the last ARN.", rolePolicy("arn:aws:lambda:eu-west-1:111122223333:function:" + functionName)},
	}
}

// rolePolicy is the least that the function's role needs: to read REST APIs, to create its authorizer and put it on
// methods, to note in the API's tags what stood there before, and to let API Gateway invoke the function.
func rolePolicy(functionARN string) string {
	return `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Discover",
      "Effect": "Allow",
      "Action": "apigateway:GET",
      "Resource": ["arn:aws:apigateway:*::/restapis", "arn:aws:apigateway:*::/restapis/*"]
    },
    {
      "Sid": "Attach",
      "Effect": "Allow",
      "Action": ["apigateway:POST", "apigateway:PATCH"],
      "Resource": [
        "arn:aws:apigateway:*::/restapis/*/authorizers",
        "arn:aws:apigateway:*::/restapis/*/authorizers/*",
        "arn:aws:apigateway:*::/restapis/*/resources/*/methods/*"
      ]
    },
    {
      "Sid": "Remember",
      "Effect": "Allow",
      "Action": ["apigateway:PUT", "apigateway:DELETE"],
      "Resource": "arn:aws:apigateway:*::/tags/*"
    },
    {
      "Sid": "BeInvoked",
      "Effect": "Allow",
      "Action": "lambda:AddPermission",
      "Resource": "` + functionARN + `"
    }
  ]
}`
}

// cliScript does what the console steps do. The secret is asked for, so that it is neither in the page nor in a history.
func cliScript(gw control.GatewayWithClient) string {
	policy := rolePolicy("arn:aws:lambda:$AWS_REGION:$ACCOUNT:function:$FUNCTION")
	return strings.NewReplacer("{client}", gw.ClientID, "{issuer}", gw.IssuerURL, "{function}", functionName, "{handler}", handlerName,
		"{rule}", ruleName, "{policy}", policy).Replace(cliText)
}

const cliText = `set -eu
export AWS_REGION="${AWS_REGION:-eu-west-1}"   # the region of your REST APIs
ARCH=x86_64                                    # or arm64: that of the zip
FUNCTION={function}
ACCOUNT=$(aws sts get-caller-identity --query Account --output text)
printf 'ACP_CLIENT_SECRET: '; stty -echo; read -r ACP_CLIENT_SECRET; stty echo; echo

# The role of the function
aws iam create-role --role-name "$FUNCTION" --assume-role-policy-document \
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
aws iam attach-role-policy --role-name "$FUNCTION" \
  --policy-arn arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
aws iam put-role-policy --role-name "$FUNCTION" --policy-name authorizer --policy-document "$(cat <<EOF
{policy}
EOF
)"
sleep 10   # until AWS knows the role everywhere

# The function
aws lambda create-function --function-name "$FUNCTION" --runtime provided.al2023 --architectures "$ARCH" \
  --handler {handler} --role "arn:aws:iam::$ACCOUNT:role/$FUNCTION" \
  --timeout 10 --memory-size 128 --zip-file "fileb://authorizer-$ARCH.zip" \
  --environment "Variables={ACP_CLIENT_ID={client},ACP_CLIENT_SECRET=$ACP_CLIENT_SECRET,ACP_ISSUER_URL={issuer}}"
unset ACP_CLIENT_SECRET

# The trigger
aws events put-rule --name {rule} --schedule-expression 'rate(1 minute)'
aws lambda add-permission --function-name "$FUNCTION" --statement-id {rule} \
  --action lambda:InvokeFunction --principal events.amazonaws.com \
  --source-arn "arn:aws:events:$AWS_REGION:$ACCOUNT:rule/{rule}"
aws events put-targets --rule {rule} \
  --targets "Id=authorizer,Arn=arn:aws:lambda:$AWS_REGION:$ACCOUNT:function:$FUNCTION"`
