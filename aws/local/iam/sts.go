package iam

import (
	"regexp"
	"strconv"
	"time"

	"portcullis/aws/local/policy"
)

func getCallerIdentity(c *call) (any, error) {
	// Every signed caller may ask who it is; no policy can take that away.
	return struct {
		Arn, UserId, Account string
	}{c.Principal.ARN, c.Principal.UserID, c.Account}, nil
}

var sessionForm = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

func assumeRole(c *call) (any, error) {
	arn, session := c.get("RoleArn"), c.get("RoleSessionName")
	if !sessionForm.MatchString(session) {
		return nil, invalid("roleSessionName", session, `Member must satisfy regular expression pattern: [\w+=,.@-]* (2 to 64 characters)`)
	}
	if c.get("Policy") != "" || c.get("PolicyArns.member.1.arn") != "" {
		return nil, failure(501, "NotImplemented", "the local AWS has no session policies (Policy, PolicyArns of sts:AssumeRole)")
	}
	lifetime := time.Hour
	if d := c.get("DurationSeconds"); d != "" {
		n, err := strconv.Atoi(d)
		if err != nil || n < 900 || n > 43200 {
			return nil, invalid("durationSeconds", d, "Member must be a number from 900 to 43200")
		}
		lifetime = time.Duration(n) * time.Second
	}
	denied := failure(403, "AccessDenied", "User: "+c.Principal.ARN+" is not authorized to perform: sts:AssumeRole on resource: "+arn)
	r := c.s.role(arn)
	if r == nil {
		return nil, denied
	}
	ctx := map[string][]string{"sts:RoleSessionName": {session}}
	if id := c.get("ExternalId"); id != "" {
		ctx["sts:ExternalId"] = []string{id}
	}
	req := policy.Request{Action: "sts:AssumeRole", Resource: arn, Context: ctx, Principal: c.Principal.ARN, RoleARN: c.Principal.RoleARN, Account: c.Account}
	if policy.Evaluate(req, r.trust.parsed) != policy.Allow {
		return nil, denied
	}
	if !c.Principal.Admin && !c.s.lenient {
		switch policy.Evaluate(req, c.s.policiesOf(c.Principal)...) {
		case policy.ExplicitDeny:
			return nil, denied
		case policy.ImplicitDeny:
			// Inside one account a trust policy that names the caller itself is enough; one that names the account
			// leaves the decision to the caller's own policies.
			req.Account = ""
			if c.Account != accountOf(arn) || policy.Evaluate(req, r.trust.parsed) != policy.Allow {
				return nil, denied
			}
		}
	}
	if c.Principal.RoleARN != "" && lifetime > time.Hour {
		return nil, failure(400, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	if lifetime > r.maxSession {
		return nil, failure(400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	k, err := c.s.session(r, session, lifetime)
	if err != nil {
		return nil, err
	}
	type credentials struct{ AccessKeyId, SecretAccessKey, SessionToken, Expiration string }
	type user struct{ AssumedRoleId, Arn string }
	return struct {
		Credentials     credentials
		AssumedRoleUser user
	}{credentials{k.ID, k.Secret, k.SessionToken, k.Expires.UTC().Format(timeForm)}, user{k.Principal.UserID, k.Principal.ARN}}, nil
}
