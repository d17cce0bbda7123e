package lambda

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"portcullis/aws/local/policy"
	"portcullis/aws/local/wire"
)

// resourcePolicy says who beside the function's own account may invoke it. It is kept per qualifier: a permission for
// an alias does not cover $LATEST, nor the other way round.
type resourcePolicy struct {
	revision   string
	statements []statement
}

// maxPolicy is the size of a function policy as AWS measures it, in bytes of its JSON.
const maxPolicy = 20480

type statement struct {
	Sid       string
	Effect    string
	Principal any // "*" or {"Service": …} or {"AWS": …}
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

func (p *resourcePolicy) text() string {
	b, _ := json.Marshal(struct {
		Version   string
		Id        string
		Statement []statement
	}{"2012-10-17", "default", p.statements}) // strings and maps of strings always marshal
	return string(b)
}

var (
	sidForm       = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,100}$`)
	actionForm    = regexp.MustCompile(`^(lambda:[*]|lambda:[a-zA-Z]+|[*])$`)
	principalForm = regexp.MustCompile(`^(\*|\d{12}|arn:[a-z-]+:(iam|sts)::\d{12}:.+|[a-z0-9.-]+\.amazonaws\.com(\.cn)?)$`)
	accountForm   = regexp.MustCompile(`^\d{12}$`)
)

type permission struct {
	StatementId         string
	Action              string
	Principal           string
	SourceArn           string
	SourceAccount       string
	EventSourceToken    string
	PrincipalOrgID      string
	FunctionUrlAuthType string
	RevisionId          string
}

// statement turns the request into what the policy will hold.
func (in permission) statement(resource string) (statement, error) {
	st := statement{Sid: in.StatementId, Effect: "Allow", Action: in.Action, Resource: resource}
	switch {
	case !sidForm.MatchString(in.StatementId):
		return st, constraint(in.StatementId, "statementId", `Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)`)
	case !actionForm.MatchString(in.Action):
		return st, constraint(in.Action, "action", `Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])`)
	case !principalForm.MatchString(in.Principal):
		return st, invalidValue("The provided principal was invalid. Please check the principal and try again.")
	case in.SourceAccount != "" && !accountForm.MatchString(in.SourceAccount):
		return st, constraint(in.SourceAccount, "sourceAccount", `Member must satisfy regular expression pattern: \d{12}`)
	case in.SourceArn != "" && !strings.HasPrefix(in.SourceArn, "arn:"):
		return st, constraint(in.SourceArn, "sourceArn", `Member must satisfy regular expression pattern: arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}(-gov)?(-iso([a-z])?)?-[a-z]+-\d{1})?:(\d{12})?:(.*)`)
	}
	switch {
	case in.Principal == "*":
		st.Principal = "*"
	case strings.Contains(in.Principal, ".amazonaws.com"):
		st.Principal = map[string]string{"Service": in.Principal}
	case accountForm.MatchString(in.Principal):
		st.Principal = map[string]string{"AWS": "arn:aws:iam::" + in.Principal + ":root"}
	default:
		st.Principal = map[string]string{"AWS": in.Principal}
	}
	add := func(operator, key, value string) {
		if value == "" {
			return
		}
		if st.Condition == nil {
			st.Condition = map[string]map[string]string{}
		}
		if st.Condition[operator] == nil {
			st.Condition[operator] = map[string]string{}
		}
		st.Condition[operator][key] = value
	}
	add("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	add("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	add("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	add("StringEquals", "lambda:FunctionUrlAuthType", in.FunctionUrlAuthType)
	add("ArnLike", "AWS:SourceArn", in.SourceArn)
	return st, nil
}

func addPermission(c *call) (reply, error) {
	var in permission
	if err := c.body(&in); err != nil {
		return reply{}, err
	}
	c.condition("lambda:Principal", in.Principal)
	c.condition("lambda:FunctionUrlAuthType", in.FunctionUrlAuthType)
	t, err := c.target("AddPermission")
	if err != nil {
		return reply{}, err
	}
	if t.qualifier == "$LATEST" {
		return reply{}, invalidValue("We currently do not support adding policies for $LATEST.")
	}
	st, err := in.statement(t.qualified(c.Partition))
	if err != nil {
		return reply{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	f, err := c.s.find(t, c.Partition)
	if err != nil {
		return reply{}, err
	}
	if _, err := f.resolve(t, c.Partition); err != nil {
		return reply{}, err
	}
	p := f.policies[t.qualifier]
	if p == nil {
		p = &resourcePolicy{}
	}
	if err := p.expect(in.RevisionId); err != nil {
		return reply{}, err
	}
	for _, old := range p.statements {
		if old.Sid == st.Sid {
			return reply{}, failure(409, "ResourceConflictException", "The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", st.Sid)
		}
	}
	next := &resourcePolicy{wire.NewID(), append(p.statements[:len(p.statements):len(p.statements)], st)}
	if n := len(next.text()); n > maxPolicy {
		return reply{}, failure(400, "PolicyLengthExceededException", "The final policy size (%d) is bigger than the limit (%d).", n, maxPolicy)
	}
	f.policies[t.qualifier] = next
	text, _ := json.Marshal(st)
	return reply{201, map[string]string{"Statement": string(text)}}, nil
}

func (p *resourcePolicy) expect(revision string) error {
	if revision != "" && revision != p.revision {
		return failure(412, "PreconditionFailedException", "The RevisionId provided does not match the latest RevisionId. Call the GetPolicy API to retrieve the latest RevisionId")
	}
	return nil
}

// principal is whom a statement lets invoke, as the caller of AddPermission named it.
func (st statement) principal() string {
	switch p := st.Principal.(type) {
	case string:
		return p
	case map[string]string:
		return p["Service"] + p["AWS"]
	}
	return ""
}

// principalOf is the principal of the statement that a call of RemovePermission is about; "" when there is none.
func (c *call) principalOf(sid string) string {
	t, err := parseTarget(c.args[0], c.Account, c.Region)
	if err != nil {
		return "" // target will say so
	}
	if q := c.Request.URL.Query().Get("Qualifier"); q != "" {
		t.qualifier = q
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	f := c.s.functions[t.key()]
	if f == nil || f.policies[t.qualifier] == nil {
		return ""
	}
	for _, st := range f.policies[t.qualifier].statements {
		if st.Sid == sid {
			return st.principal()
		}
	}
	return ""
}

func removePermission(c *call) (reply, error) {
	c.condition("lambda:Principal", c.principalOf(c.args[1]))
	return c.held("RemovePermission", func(t target, f *function) (reply, error) {
		p := f.policies[t.qualifier]
		if p == nil {
			return reply{}, failure(404, "ResourceNotFoundException", "No policy is associated with the given resource.")
		}
		if err := p.expect(c.Request.URL.Query().Get("RevisionId")); err != nil {
			return reply{}, err
		}
		i := slices.IndexFunc(p.statements, func(st statement) bool { return st.Sid == c.args[1] })
		if i < 0 {
			return reply{}, failure(404, "ResourceNotFoundException", "Statement %s is not found in resource policy.", c.args[1])
		}
		rest := slices.Delete(slices.Clone(p.statements), i, i+1)
		if len(rest) == 0 {
			delete(f.policies, t.qualifier)
		} else {
			f.policies[t.qualifier] = &resourcePolicy{wire.NewID(), rest}
		}
		return reply{status: 204}, nil
	})
}

func getPolicy(c *call) (reply, error) {
	return c.held("GetPolicy", func(t target, f *function) (reply, error) {
		p := f.policies[t.qualifier]
		if p == nil {
			return reply{}, failure(404, "ResourceNotFoundException", "The resource you requested does not exist.")
		}
		return reply{200, map[string]string{"Policy": p.text(), "RevisionId": p.revision}}, nil
	})
}

// permitsRole asks the resource policy of a qualifier about a role whose own policies allow the call: inside the account it
// may only deny, for a role of another account it must allow. The caller holds mu.
func (f *function) permitsRole(qualifier, arn string, in wire.Invocation) error {
	account := strings.SplitN(in.Role+":::::", ":", 6)[4]
	v := f.permits(qualifier, policy.Request{Action: "lambda:InvokeFunction", Resource: arn, Principal: in.Role, RoleARN: in.Role, Account: account})
	if v == policy.Allow || v == policy.ImplicitDeny && account == strings.SplitN(arn, ":", 6)[4] {
		return nil
	}
	return failure(403, "AccessDeniedException", "User: %s is not authorized to perform: lambda:InvokeFunction on resource: %s because the function's resource-based policy does not allow it", in.Role, arn)
}

// permits says whether the resource policy of a qualifier lets req invoke the function. The caller holds mu.
func (f *function) permits(qualifier string, req policy.Request) policy.Verdict {
	p := f.policies[qualifier]
	if p == nil {
		return policy.ImplicitDeny
	}
	doc, err := policy.Parse([]byte(p.text()), policy.Resource)
	if err != nil {
		return policy.ImplicitDeny
	}
	return policy.Evaluate(req, doc)
}
