package iam

import (
	"strings"

	"portcullis/aws/local/policy"
)

// awsManaged are the policies of AWS itself that a Lambda or API Gateway user attaches, by their path and name.
var awsManaged = map[string]string{
	"service-role/AWSLambdaBasicExecutionRole": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}`,
	"AmazonAPIGatewayAdministrator":            `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["apigateway:*"],"Resource":"arn:aws:apigateway:*::/*"}]}`,
	"AmazonAPIGatewayInvokeFullAccess":         `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["execute-api:Invoke","execute-api:ManageConnections"],"Resource":"arn:aws:execute-api:*:*:*"}]}`,
	"AdministratorAccess":                      `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
}

// managedPolicy finds a policy by ARN: one of the account or one of AWS.
func (a *account) managedPolicy(arn string) (*managed, error) {
	if p := a.policies[arn]; p != nil {
		return p, nil
	}
	if _, rest, ok := strings.Cut(arn, ":iam::aws:policy/"); ok {
		if text, ok := awsManaged[rest]; ok {
			doc, err := parse(text, policy.Identity)
			if err != nil {
				return nil, err
			}
			slash := strings.LastIndexByte(rest, '/') + 1
			return &managed{arn: arn, name: rest[slash:], path: "/" + rest[:slash], id: "ANPAAWSMANAGEDPOLICY", doc: doc}, nil
		}
	}
	return nil, failure(404, "NoSuchEntity", "Policy "+arn+" does not exist or is not attachable.")
}

func putInline(c *call) (any, error) {
	e, kind, err := c.target()
	if err != nil {
		return nil, err
	}
	name := c.get("PolicyName")
	if len(name) > 128 || !nameForm.MatchString(name[:min(len(name), 64)]) {
		return nil, invalid("policyName", name, `Member must satisfy regular expression pattern: [\w+=,.@-]+ (1 to 128 characters)`)
	}
	doc, err := parse(c.get("PolicyDocument"), policy.Identity)
	if err != nil {
		return nil, err
	}
	size := 0
	for n, d := range e.inline {
		if n != name {
			size += len(d.text)
		}
	}
	if limit := inlineLimit[kind]; size+len(doc.text) > limit {
		return nil, failure(409, "LimitExceeded", "Maximum policy size of "+itoa(limit)+" bytes exceeded for "+strings.ToLower(kind)+" "+e.name)
	}
	e.inline[name] = doc
	return nil, nil
}

func getInline(c *call) (any, error) {
	e, kind, err := c.target()
	if err != nil {
		return nil, err
	}
	name := c.get("PolicyName")
	doc, ok := e.inline[name]
	if !ok {
		return nil, noInline(kind, name)
	}
	out := struct {
		RoleName       string `xml:",omitempty"`
		UserName       string `xml:",omitempty"`
		PolicyName     string
		PolicyDocument string
	}{PolicyName: name, PolicyDocument: encode(doc.text)}
	if kind == "User" {
		out.UserName = e.name
	} else {
		out.RoleName = e.name
	}
	return out, nil
}

func noInline(kind, name string) error {
	return failure(404, "NoSuchEntity", "The "+strings.ToLower(kind)+" policy with name "+name+" cannot be found.")
}

func listInline(c *call) (any, error) {
	e, _, err := c.target()
	if err != nil {
		return nil, err
	}
	var names []string
	for n := range e.inline {
		names = append(names, n)
	}
	names, marker, err := c.page(names)
	if err != nil {
		return nil, err
	}
	return struct {
		PolicyNames []string `xml:"PolicyNames>member"`
		IsTruncated bool
		Marker      string `xml:",omitempty"`
	}{names, marker != "", marker}, nil
}

func deleteInline(c *call) (any, error) {
	e, kind, err := c.target()
	if err != nil {
		return nil, err
	}
	name := c.get("PolicyName")
	if _, ok := e.inline[name]; !ok {
		return nil, noInline(kind, name)
	}
	delete(e.inline, name)
	return nil, nil
}

func attach(c *call) (any, error) {
	e, kind, err := c.target()
	if err != nil {
		return nil, err
	}
	arn := c.get("PolicyArn")
	if _, err := c.acct.managedPolicy(arn); err != nil {
		return nil, err
	}
	if !e.attached[arn] && len(e.attached) >= 10 {
		return nil, failure(409, "LimitExceeded", "Cannot exceed quota for PoliciesPer"+kind+": 10")
	}
	e.attached[arn] = true
	return nil, nil
}

func detach(c *call) (any, error) {
	e, _, err := c.target()
	if err != nil {
		return nil, err
	}
	arn := c.get("PolicyArn")
	if !e.attached[arn] {
		return nil, failure(404, "NoSuchEntity", "Policy "+arn+" was not found.")
	}
	delete(e.attached, arn)
	return nil, nil
}

func listAttached(c *call) (any, error) {
	e, _, err := c.target()
	if err != nil {
		return nil, err
	}
	var arns []string
	for a := range e.attached {
		arns = append(arns, a)
	}
	arns, marker, err := c.page(arns)
	if err != nil {
		return nil, err
	}
	type attached struct{ PolicyName, PolicyArn string }
	out := struct {
		AttachedPolicies []attached `xml:"AttachedPolicies>member"`
		IsTruncated      bool
		Marker           string `xml:",omitempty"`
	}{IsTruncated: marker != "", Marker: marker}
	for _, a := range arns {
		out.AttachedPolicies = append(out.AttachedPolicies, attached{a[strings.LastIndexByte(a, '/')+1:], a})
	}
	return out, nil
}

type policyXML struct {
	PolicyName       string
	PolicyID         string `xml:"PolicyId"`
	ARN              string `xml:"Arn"`
	Path             string
	DefaultVersionID string `xml:"DefaultVersionId"`
	AttachmentCount  int
	IsAttachable     bool
	CreateDate       string
	UpdateDate       string
}

func (c *call) policyXML(p *managed) policyXML {
	n := 0
	for _, entities := range []map[string]*entity{c.acct.roles, c.acct.users} {
		for _, e := range entities {
			if e.attached[p.arn] {
				n++
			}
		}
	}
	at := p.created.UTC().Format(timeForm)
	return policyXML{p.name, p.id, p.arn, p.path, "v1", n, true, at, at}
}

func createPolicy(c *call) (any, error) {
	name, path := c.get("PolicyName"), c.get("Path")
	if path == "" {
		path = "/"
	}
	if !nameForm.MatchString(name) {
		return nil, invalid("policyName", name, `Member must satisfy regular expression pattern: [\w+=,.@-]+`)
	}
	if !pathForm.MatchString(path) {
		return nil, invalid("path", path, "Member must begin and end with /")
	}
	arn := c.arn("policy", path, name)
	if err := c.allow(arn); err != nil {
		return nil, err
	}
	text := c.get("PolicyDocument")
	doc, err := parse(text, policy.Identity)
	if err != nil {
		return nil, err
	}
	if len(text) > 6144 {
		return nil, failure(409, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
	}
	if c.acct.policies[arn] != nil {
		return nil, failure(409, "EntityAlreadyExists", "A policy called "+name+" already exists. Duplicate names are not allowed.")
	}
	p := &managed{arn: arn, name: name, path: path, id: "ANPA" + randomID(17), created: c.s.now(), doc: doc}
	c.acct.policies[arn] = p
	return struct{ Policy policyXML }{c.policyXML(p)}, nil
}

func (c *call) policyTarget() (*managed, error) {
	arn := c.get("PolicyArn")
	if err := c.allow(arn); err != nil {
		return nil, err
	}
	return c.acct.managedPolicy(arn)
}

func getPolicy(c *call) (any, error) {
	p, err := c.policyTarget()
	if err != nil {
		return nil, err
	}
	return struct{ Policy policyXML }{c.policyXML(p)}, nil
}

type versionXML struct {
	Document         string `xml:",omitempty"`
	VersionID        string `xml:"VersionId"`
	IsDefaultVersion bool
	CreateDate       string
}

func getPolicyVersion(c *call) (any, error) {
	p, err := c.policyTarget()
	if err != nil {
		return nil, err
	}
	if v := c.get("VersionId"); v != "v1" {
		return nil, failure(404, "NoSuchEntity", "Policy "+p.arn+" version "+v+" does not exist or is not attachable.")
	}
	return struct{ PolicyVersion versionXML }{versionXML{encode(p.doc.text), "v1", true, p.created.UTC().Format(timeForm)}}, nil
}

func listPolicyVersions(c *call) (any, error) {
	p, err := c.policyTarget()
	if err != nil {
		return nil, err
	}
	return struct {
		Versions    []versionXML `xml:"Versions>member"`
		IsTruncated bool
	}{Versions: []versionXML{{VersionID: "v1", IsDefaultVersion: true, CreateDate: p.created.UTC().Format(timeForm)}}}, nil
}

func deletePolicy(c *call) (any, error) {
	p, err := c.policyTarget()
	if err != nil {
		return nil, err
	}
	if c.acct.policies[p.arn] == nil {
		return nil, failure(403, "AccessDenied", "Policy "+p.arn+" belongs to AWS and cannot be deleted.")
	}
	if c.policyXML(p).AttachmentCount > 0 {
		return nil, failure(409, "DeleteConflict", "Cannot delete a policy attached to entities.")
	}
	delete(c.acct.policies, p.arn)
	return nil, nil
}
