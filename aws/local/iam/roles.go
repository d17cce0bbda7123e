package iam

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"portcullis/aws/local/policy"
)

var (
	nameForm    = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	pathForm    = regexp.MustCompile(`^/([!-~]{1,510}/)?$`)
	timeForm    = "2006-01-02T15:04:05Z"
	inlineLimit = map[string]int{"Role": 10240, "User": 2048} // characters of all inline policies together
)

type roleXML struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	ARN                      string `xml:"Arn"`
	CreateDate               string
	AssumeRolePolicyDocument string
	Description              string `xml:",omitempty"`
	MaxSessionDuration       int
}

func (r *entity) roleXML() roleXML {
	return roleXML{r.path, r.name, r.id, r.arn, r.created.UTC().Format(timeForm), encode(r.trust.text), r.description, int(r.maxSession / time.Second)}
}

// encode is the percent-encoding (RFC 3986) in which IAM shows policy documents: a space is %20, never a plus sign.
func encode(document string) string { return strings.ReplaceAll(url.QueryEscape(document), "+", "%20") }

func invalid(member, value, constraint string) error {
	return failure(400, "ValidationError", fmt.Sprintf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, member, constraint))
}

// newEntity reads the name and path that CreateRole and CreateUser share.
func (c *call) newEntity(kind string) (*entity, error) {
	name, path := c.get(kind+"Name"), c.get("Path")
	if path == "" {
		path = "/"
	}
	if !nameForm.MatchString(name) {
		return nil, invalid(strings.ToLower(kind)+"Name", name, `Member must satisfy regular expression pattern: [\w+=,.@-]+ (1 to 64 characters)`)
	}
	if !pathForm.MatchString(path) {
		return nil, invalid("path", path, "Member must begin and end with /")
	}
	e := &entity{name: name, path: path, arn: c.arn(strings.ToLower(kind), path, name), created: c.s.now(),
		inline: map[string]document{}, attached: map[string]bool{}, maxSession: time.Hour}
	prefix := "AROA"
	if kind == "User" {
		prefix = "AIDA"
	}
	e.id = prefix + randomID(17)
	return e, c.allow(e.arn)
}

func parse(text string, kind policy.Kind) (document, error) {
	d, err := policy.Parse([]byte(text), kind)
	if err != nil {
		return document{}, failure(400, "MalformedPolicyDocument", "Syntax errors in policy: "+err.Error())
	}
	return document{text: text, parsed: d}, nil
}

func createRole(c *call) (any, error) {
	r, err := c.newEntity("Role")
	if err != nil {
		return nil, err
	}
	if r.trust, err = parse(c.get("AssumeRolePolicyDocument"), policy.Trust); err != nil {
		return nil, err
	}
	r.description = c.get("Description")
	if d := c.get("MaxSessionDuration"); d != "" {
		n, err := strconv.Atoi(d)
		if err != nil || n < 3600 || n > 43200 {
			return nil, invalid("maxSessionDuration", d, "Member must be a number from 3600 to 43200")
		}
		r.maxSession = time.Duration(n) * time.Second
	}
	if c.acct.roles[r.name] != nil {
		return nil, failure(409, "EntityAlreadyExists", "Role with name "+r.name+" already exists.")
	}
	c.acct.roles[r.name] = r
	return struct{ Role roleXML }{r.roleXML()}, nil
}

// target finds the role or user that an operation names; the kind is in the operation's name.
func (c *call) target() (*entity, string, error) {
	kind, entities := "Role", c.acct.roles
	if strings.Contains(c.get("Action"), "User") || strings.Contains(c.get("Action"), "AccessKey") {
		kind, entities = "User", c.acct.users
	}
	name := c.get(kind + "Name")
	e := entities[name]
	arn := c.arn(strings.ToLower(kind), "/", name)
	if e != nil {
		arn = e.arn
	}
	if err := c.allow(arn); err != nil {
		return nil, kind, err
	}
	if e == nil {
		return nil, kind, failure(404, "NoSuchEntity", "The "+strings.ToLower(kind)+" with name "+name+" cannot be found.")
	}
	return e, kind, nil
}

func getRole(c *call) (any, error) {
	r, _, err := c.target()
	if err != nil {
		return nil, err
	}
	return struct{ Role roleXML }{r.roleXML()}, nil
}

func listRoles(c *call) (any, error) {
	if err := c.allow(c.arn("role", "/", "*")); err != nil {
		return nil, err
	}
	var names []string
	for n, r := range c.acct.roles {
		if strings.HasPrefix(r.path, c.get("PathPrefix")) {
			names = append(names, n)
		}
	}
	names, marker, err := c.page(names)
	if err != nil {
		return nil, err
	}
	out := struct {
		Roles       []roleXML `xml:"Roles>member"`
		IsTruncated bool
		Marker      string `xml:",omitempty"`
	}{IsTruncated: marker != "", Marker: marker}
	for _, n := range names {
		out.Roles = append(out.Roles, c.acct.roles[n].roleXML())
	}
	return out, nil
}

// deletable is the rule for roles and users: their policies go first.
func (e *entity) deletable() error {
	if len(e.inline) > 0 {
		return failure(409, "DeleteConflict", "Cannot delete entity, must delete policies first.")
	}
	if len(e.attached) > 0 {
		return failure(409, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	}
	return nil
}

func deleteRole(c *call) (any, error) {
	r, _, err := c.target()
	if err != nil {
		return nil, err
	}
	if err := r.deletable(); err != nil {
		return nil, err
	}
	delete(c.acct.roles, r.name)
	return nil, nil
}

func updateTrust(c *call) (any, error) {
	// The operation is called UpdateAssumeRolePolicy: its parameter is RoleName.
	r, _, err := c.target()
	if err != nil {
		return nil, err
	}
	doc, err := parse(c.get("PolicyDocument"), policy.Trust)
	if err != nil {
		return nil, err
	}
	r.trust = doc
	return nil, nil
}

func listInstanceProfiles(c *call) (any, error) {
	if _, _, err := c.target(); err != nil {
		return nil, err
	}
	// There is no EC2 here, so no role is in an instance profile.
	return struct {
		InstanceProfiles string
		IsTruncated      bool
	}{}, nil
}
