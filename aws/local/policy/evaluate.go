package policy

import "strings"

// Verdict is what a set of policies says.
type Verdict int

const (
	ImplicitDeny Verdict = iota // nothing allows it
	Allow
	ExplicitDeny // a Deny statement applies; nothing can outweigh it
)

// Request is what is asked. Context keys are matched without regard to case.
type Request struct {
	Action   string // "apigateway:GET"
	Resource string // an ARN
	Context  map[string][]string

	// Who asks; only resource and trust policies look at it.
	Principal string // ARN of a user, role or role session
	RoleARN   string // of a role session: its role
	Account   string
	Service   string // "apigateway.amazonaws.com" when an AWS service asks
}

// Evaluate applies the documents together: an explicit deny wins, then an allow, and nothing at all denies.
func Evaluate(req Request, docs ...*Document) Verdict {
	ctx := make(map[string][]string, len(req.Context))
	for k, v := range req.Context {
		ctx[strings.ToLower(k)] = v
	}
	req.Context = ctx
	verdict := ImplicitDeny
	for _, d := range docs {
		if d == nil {
			continue
		}
		for i := range d.Statements {
			s := &d.Statements[i]
			if !s.applies(d.Version, &req) {
				continue
			}
			if s.Deny {
				return ExplicitDeny
			}
			verdict = Allow
		}
	}
	return verdict
}

func (s *Statement) applies(version string, req *Request) bool {
	if s.Principals != nil && s.Principals.match(req) == s.NotPrincipal {
		return false
	}
	if !s.matchAction(req.Action) || !s.matchResource(version, req) {
		return false
	}
	for _, c := range s.Conditions {
		if !c.holds(version, req.Context) {
			return false
		}
	}
	return true
}

func (s *Statement) matchAction(action string) bool {
	patterns, want := s.Actions, true
	if len(patterns) == 0 {
		patterns, want = s.NotActions, false
	}
	for _, p := range patterns {
		if match(literal(strings.ToLower(p)), strings.ToLower(action)) {
			return want
		}
	}
	return !want
}

func (s *Statement) matchResource(version string, req *Request) bool {
	patterns, want := s.Resources, true
	if len(patterns) == 0 {
		if len(s.NotResources) == 0 {
			return true // a trust policy: the role itself is meant
		}
		patterns, want = s.NotResources, false
	}
	for _, p := range patterns {
		// An ARN with fewer than six parts is completed with wildcards.
		if n := strings.Count(p, ":"); n < 5 && p != "*" {
			p += strings.Repeat(":*", 5-n)
		}
		pattern, ok := expand(p, version, req.Context)
		if ok && match(pattern, req.Resource) {
			return want
		}
	}
	return !want
}

func (p *Principals) match(req *Request) bool {
	if p.Anyone {
		return true
	}
	if req.Service != "" {
		for _, s := range p.Services {
			if s == req.Service {
				return true
			}
		}
		return false
	}
	for _, a := range p.AWS {
		switch {
		case a == "*", a == req.Account && a != "", a == req.Principal && a != "", a == req.RoleARN && a != "":
			return true
		case strings.HasPrefix(a, "arn:") && strings.HasSuffix(a, ":iam::"+req.Account+":root") && req.Account != "":
			return true
		}
	}
	return false
}
