package apigateway

import (
	"errors"
	"net/http"
	"strings"

	"portcullis/aws/local/policy"
	"portcullis/aws/local/wire"
)

// Caller is who signed a request of the data plane.
type Caller struct {
	wire.Principal
	Account   string // 12 digits
	AccessKey string
}

// VerifyIAM checks the Signature Version 4 of a request of the data plane and asks IAM whether the caller's identity
// policies allow action on resource. Without a good signature there is no caller, and the error says what is wrong with it;
// with a caller, an error is a denial. execute-api:Invoke is asked for methods and routes of type AWS_IAM,
// execute-api:ManageConnections for the connection management API.
type VerifyIAM func(r *http.Request, action, resource string) (*Caller, error)

// refuseAll is the VerifyIAM of a Service that was given none.
func refuseAll(*http.Request, string, string) (*Caller, error) {
	return nil, &wire.Error{Status: http.StatusForbidden, Code: "MissingAuthenticationTokenException", Message: "Missing Authentication Token"}
}

// authorizeIAM combines the caller's identity policies with the API's resource policy: in the API's own account one of them
// has to allow, for a caller of another account both; a denial of either wins.
// Source: Developer Guide, "How API Gateway resource policies affect authorization workflow", tables A and B.
func (x *exchange) authorizeIAM() error {
	caller, identity := x.svc.opt.VerifyIAM(x.ctx, "execute-api:Invoke", x.methodARN())
	if caller == nil {
		return unsigned(identity)
	}
	x.caller = caller
	resource, err := x.policyForCaller()
	if err != nil {
		return err
	}
	denied := identity != nil && strings.Contains(identity.Error(), "explicit deny") || resource == policy.ExplicitDeny
	allows := identity == nil || resource == policy.Allow
	if caller.Account != x.scope.Account {
		allows = identity == nil && resource == policy.Allow
	}
	if allows && !denied {
		return nil
	}
	text := "User: " + caller.ARN + " is not authorized to perform: execute-api:Invoke on resource: " + x.maskedARN()
	if denied {
		text += " with an explicit deny"
	}
	return x.accessDenied(text, "AWS_IAM: "+text)
}

// unsigned is the answer to a request without a good signature.
func unsigned(err error) *failure {
	var e *wire.Error
	if !errors.As(err, &e) {
		return internalError(http.StatusInternalServerError, "AWS_IAM: "+err.Error())
	}
	detail := "AWS_IAM: " + e.Message
	switch e.Code {
	case "MissingAuthenticationTokenException":
		return fail("MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token", detail)
	case "InvalidSignatureException":
		return fail("INVALID_SIGNATURE", e.Message, detail)
	case "ExpiredTokenException":
		return fail("EXPIRED_TOKEN", e.Message, detail)
	}
	f := fail("DEFAULT_4XX", e.Message, detail) // IncompleteSignature and UnrecognizedClient have no type of their own
	f.status, f.errorType = http.StatusForbidden, e.Code
	return f
}

// policyForCaller is what the API's resource policy says of the caller.
func (x *exchange) policyForCaller() (policy.Verdict, error) {
	if x.def.API.Policy == "" {
		return policy.ImplicitDeny, nil
	}
	doc, err := policy.Parse([]byte(x.policyText()), policy.Resource)
	if err != nil {
		return policy.ImplicitDeny, internalError(http.StatusInternalServerError, "resource policy: "+err.Error())
	}
	c := x.caller
	principal := c.ARN
	if c.RoleARN != "" {
		principal = c.RoleARN
	}
	context := map[string][]string{"aws:PrincipalArn": {principal}, "aws:PrincipalAccount": {c.Account}}
	for k, v := range x.facts() {
		context[k] = []string{v}
	}
	return policy.Evaluate(policy.Request{Action: "execute-api:Invoke", Resource: x.methodARN(), Principal: c.ARN, RoleARN: c.RoleARN, Account: c.Account, Context: context}, doc), nil
}

// policyText is the resource policy with its short resources (execute-api:/…) written out.
func (x *exchange) policyText() string {
	return strings.ReplaceAll(x.def.API.Policy, `"execute-api:/`, `"`+x.executeARN()+`/`)
}

// forbidden is authorizeIAM for routes of HTTP and WebSocket APIs, which have no resource policies and say less.
func (x *exchange) forbidden(arn string) error {
	caller, err := x.svc.opt.VerifyIAM(x.ctx, "execute-api:Invoke", arn)
	if caller == nil {
		return httpFailure(http.StatusForbidden, "Forbidden", "AWS_IAM: "+err.Error())
	}
	x.caller = caller
	if caller.Account != x.scope.Account {
		return httpFailure(http.StatusForbidden, "Forbidden", "AWS_IAM: "+caller.ARN+" is of another account than the API")
	}
	if err != nil {
		return httpFailure(http.StatusForbidden, "Forbidden", "AWS_IAM: "+err.Error())
	}
	return nil
}
