package iam

import (
	"net"
	"strconv"
	"strings"
	"time"

	"portcullis/aws/local/policy"
	"portcullis/aws/local/wire"
)

// Authorize decides whether the caller may do action on resource by the caller's identity policies. It is the
// Authorize member of every Call. The error is what AWS answers: AccessDenied for Query and XML services,
// AccessDeniedException for the others.
func (s *Service) Authorize(c *wire.Call, action, resource string, conditions map[string][]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.authorize(c, action, resource, conditions)
}

// authorize is Authorize with mu held.
func (s *Service) authorize(c *wire.Call, action, resource string, conditions map[string][]string) error {
	if c.Principal.Admin || s.lenient {
		return nil
	}
	req := policy.Request{Action: action, Resource: resource, Context: requestContext(c, conditions), Principal: c.Principal.ARN, RoleARN: c.Principal.RoleARN, Account: c.Account}
	verdict := policy.Evaluate(req, s.policiesOf(c.Principal)...)
	if verdict == policy.Allow {
		return nil
	}
	why := "because no identity-based policy allows the " + action + " action"
	if verdict == policy.ExplicitDeny {
		why = "with an explicit deny in an identity-based policy"
	}
	code := "AccessDeniedException"
	if p := wire.ProtocolOf(c.Service); p == wire.Query || p == wire.RESTXML {
		code = "AccessDenied"
	}
	return &wire.Error{Status: 403, Code: code, Message: "User: " + c.Principal.ARN + " is not authorized to perform: " + action + " on resource: " + resource + " " + why}
}

// policiesOf collects the identity policies of a principal. A role or user that is gone has none. The caller holds mu.
func (s *Service) policiesOf(p wire.Principal) []*policy.Document {
	arn := p.ARN
	if p.RoleARN != "" {
		arn = p.RoleARN
	}
	a := s.accounts[accountOf(arn)]
	if a == nil {
		return nil
	}
	name := arn[strings.LastIndexByte(arn, '/')+1:]
	e := a.users[name]
	if p.RoleARN != "" {
		e = a.roles[name]
	}
	if e == nil || e.arn != arn {
		return nil
	}
	var docs []*policy.Document
	for _, d := range e.inline {
		docs = append(docs, d.parsed)
	}
	for attached := range e.attached {
		if m, err := a.managedPolicy(attached); err == nil {
			docs = append(docs, m.doc.parsed)
		}
	}
	return docs
}

// requestContext adds the keys that every request has to those of the service.
func requestContext(c *wire.Call, conditions map[string][]string) map[string][]string {
	kind := "User"
	if c.Principal.RoleARN != "" {
		kind = "AssumedRole"
	}
	principal := c.Principal.ARN
	if c.Principal.RoleARN != "" {
		principal = c.Principal.RoleARN
	}
	ctx := map[string][]string{
		"aws:PrincipalArn":     {principal},
		"aws:PrincipalAccount": {c.Account},
		"aws:PrincipalType":    {kind},
		"aws:userid":           {c.Principal.UserID},
		"aws:CurrentTime":      {c.Now.UTC().Format(time.RFC3339)},
		"aws:EpochTime":        {strconv.FormatInt(c.Now.Unix(), 10)},
		"aws:RequestedRegion":  {c.Region},
	}
	if kind == "User" {
		ctx["aws:username"] = []string{c.Principal.ARN[strings.LastIndexByte(c.Principal.ARN, '/')+1:]}
	}
	if c.Request != nil {
		ctx["aws:SecureTransport"] = []string{strconv.FormatBool(c.Request.TLS != nil)}
		if host, _, err := net.SplitHostPort(c.Request.RemoteAddr); err == nil {
			ctx["aws:SourceIp"] = []string{host}
		}
		if ua := c.Request.UserAgent(); ua != "" {
			ctx["aws:UserAgent"] = []string{ua}
		}
	}
	for k, v := range conditions {
		ctx[k] = v
	}
	return ctx
}

// accountOf is the account number in an ARN.
func accountOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[4]
}
