package iam

import (
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"portcullis/aws/local/policy"
	"portcullis/aws/local/wire"
)

const (
	namespaceIAM = "https://iam.amazonaws.com/doc/2010-05-08/"
	namespaceSTS = "https://sts.amazonaws.com/doc/2011-06-15/"
)

// Options of a Service. Every member has a usable zero value.
type Options struct {
	Now     func() time.Time // nil: time.Now
	Lenient bool             // every signed principal may do everything; off by default
}

// Service is IAM and STS of all accounts.
type Service struct {
	now     func() time.Time
	lenient bool

	mu       sync.Mutex
	accounts map[string]*account
	keys     map[string]*Key // by access key id; sessions too
}

type account struct {
	roles    map[string]*entity
	users    map[string]*entity
	policies map[string]*managed // by ARN
}

// entity is a role or a user.
type entity struct {
	name, path, arn, id string
	description         string
	created             time.Time
	inline              map[string]document
	attached            map[string]bool // ARNs of managed policies

	trust      document // roles only
	maxSession time.Duration
}

// document is a policy as it was written and as it is read.
type document struct {
	text   string
	parsed *policy.Document
}

// managed is a customer managed policy.
type managed struct {
	arn, name, path, id string
	created             time.Time
	doc                 document
}

// New returns an IAM without roles or users.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{now: o.Now, lenient: o.Lenient, accounts: map[string]*account{}, keys: map[string]*Key{}}
}

// Reset forgets every role, user, policy and key.
func (s *Service) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts, s.keys = map[string]*account{}, map[string]*Key{}
}

// account returns the account, which comes into being with its first use. The caller holds mu.
func (s *Service) account(id string) *account {
	a := s.accounts[id]
	if a == nil {
		a = &account{roles: map[string]*entity{}, users: map[string]*entity{}, policies: map[string]*managed{}}
		s.accounts[id] = a
	}
	return a
}

// call is one IAM or STS request being answered.
type call struct {
	*wire.Call
	s    *Service
	acct *account
	form url.Values
}

func (c *call) get(name string) string { return c.form.Get(name) }

// operation answers with the content of <OpResult>, nil for none. It runs with mu held.
type operation func(*call) (any, error)

var iamOperations = map[string]operation{
	"CreateRole":                  createRole,
	"GetRole":                     getRole,
	"ListRoles":                   listRoles,
	"DeleteRole":                  deleteRole,
	"UpdateAssumeRolePolicy":      updateTrust,
	"PutRolePolicy":               putInline,
	"GetRolePolicy":               getInline,
	"ListRolePolicies":            listInline,
	"DeleteRolePolicy":            deleteInline,
	"AttachRolePolicy":            attach,
	"DetachRolePolicy":            detach,
	"ListAttachedRolePolicies":    listAttached,
	"ListInstanceProfilesForRole": listInstanceProfiles,
	"CreateUser":                  createUser,
	"GetUser":                     getUser,
	"ListUsers":                   listUsers,
	"DeleteUser":                  deleteUser,
	"PutUserPolicy":               putInline,
	"GetUserPolicy":               getInline,
	"ListUserPolicies":            listInline,
	"DeleteUserPolicy":            deleteInline,
	"AttachUserPolicy":            attach,
	"DetachUserPolicy":            detach,
	"ListAttachedUserPolicies":    listAttached,
	"CreateAccessKey":             createAccessKey,
	"ListAccessKeys":              listAccessKeys,
	"DeleteAccessKey":             deleteAccessKey,
	"CreatePolicy":                createPolicy,
	"GetPolicy":                   getPolicy,
	"GetPolicyVersion":            getPolicyVersion,
	"ListPolicyVersions":          listPolicyVersions,
	"DeletePolicy":                deletePolicy,
}

var stsOperations = map[string]operation{
	"GetCallerIdentity": getCallerIdentity,
	"AssumeRole":        assumeRole,
}

// ServeAWS answers a Query call of IAM or STS.
func (s *Service) ServeAWS(w http.ResponseWriter, wc *wire.Call) {
	form, err := wc.Form()
	if err != nil {
		wire.WriteQueryError(w, wc, err)
		return
	}
	operations, namespace := iamOperations, namespaceIAM
	if wc.Service == "sts" {
		operations, namespace = stsOperations, namespaceSTS
	}
	action := form.Get("Action")
	op, ok := operations[action]
	if !ok {
		wire.WriteQueryError(w, wc, wire.NotImplemented(wc.Service, action))
		return
	}
	result, err := s.run(op, wc, form)
	if err != nil {
		wire.WriteQueryError(w, wc, err)
		return
	}
	wire.WriteQuery(w, wc, namespace, action, result)
}

func (s *Service) run(op operation, wc *wire.Call, form url.Values) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return op(&call{Call: wc, s: s, acct: s.account(wc.Account), form: form})
}

// allow checks the caller's own permission for an IAM action.
func (c *call) allow(resource string) error {
	conditions := map[string][]string{}
	if action := c.get("Action"); strings.HasPrefix(action, "Attach") || strings.HasPrefix(action, "Detach") {
		conditions["iam:PolicyARN"] = []string{c.get("PolicyArn")}
	}
	return c.s.authorize(c.Call, c.Service+":"+c.get("Action"), resource, conditions)
}

func (c *call) arn(kind, path, name string) string {
	return "arn:" + c.Partition + ":iam::" + c.Account + ":" + kind + path + name
}

func failure(status int, code, message string) error {
	return &wire.Error{Status: status, Code: code, Message: message}
}

// page cuts one page out of sorted names by the Marker and MaxItems parameters (1 to 1000, default 100).
func (c *call) page(names []string) (page []string, marker string, err error) {
	sort.Strings(names)
	limit := 100
	if m := c.get("MaxItems"); m != "" {
		if limit, err = strconv.Atoi(m); err != nil || limit < 1 || limit > 1000 {
			return nil, "", failure(400, "ValidationError", "MaxItems must be a number from 1 to 1000")
		}
	}
	after := c.get("Marker")
	from := sort.Search(len(names), func(i int) bool { return names[i] > after })
	names = names[from:]
	if len(names) > limit {
		return names[:limit], names[limit-1], nil
	}
	return names, "", nil
}
