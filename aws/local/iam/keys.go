package iam

import (
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"portcullis/aws/local/policy"
	"portcullis/aws/local/wire"
)

// Key is an access key issued here: of a user, or of a role session, which has a token and an end.
type Key struct {
	ID           string
	Secret       string
	SessionToken string
	Expires      time.Time // zero: never
	Account      string
	Principal    wire.Principal
	created      time.Time
}

// Issued keys are recognisable, so that one that has been forgotten (after a restart) is refused rather than taken for
// an administrator's.
const (
	userKeyPrefix    = "AKIALOCAL"
	sessionKeyPrefix = "ASIALOCAL"
	maxKeys          = 100_000
)

// Key looks up an issued key. ours is true for every key of the form issued here, found or not.
func (s *Service) Key(id string) (k Key, found, ours bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.keys[id]; p != nil {
		return *p, true, true
	}
	return Key{}, false, strings.HasPrefix(id, userKeyPrefix) || strings.HasPrefix(id, sessionKeyPrefix)
}

// Administrator is who signs with a key that was not issued here.
func Administrator(partition, account string) wire.Principal {
	return wire.Principal{ARN: "arn:" + partition + ":iam::" + account + ":user/administrator", UserID: "AIDALOCALADMINISTRATR", Admin: true}
}

// session issues keys for one role session. The caller holds mu.
func (s *Service) session(r *entity, name string, lifetime time.Duration) (*Key, error) {
	now := s.now()
	for id, k := range s.keys { // expired sessions are remembered for a day, to be told so
		if !k.Expires.IsZero() && now.Sub(k.Expires) > 24*time.Hour {
			delete(s.keys, id)
		}
	}
	if len(s.keys) >= maxKeys {
		return nil, failure(400, "LimitExceeded", "the local AWS holds at most "+itoa(maxKeys)+" access keys; delete some or restart it")
	}
	parts := strings.Split(r.arn, ":")
	account := parts[4]
	k := &Key{ID: sessionKeyPrefix + randomID(11), Secret: randomSecret(30), SessionToken: randomSecret(120), Expires: now.Add(lifetime), Account: account, created: now,
		Principal: wire.Principal{ARN: "arn:" + parts[1] + ":sts::" + account + ":assumed-role/" + r.name + "/" + name, RoleARN: r.arn, UserID: r.id + ":" + name}}
	s.keys[k.ID] = k
	return k, nil
}

// role finds a role by ARN in any account. The caller holds mu.
func (s *Service) role(arn string) *entity {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "iam" || !strings.HasPrefix(parts[5], "role/") {
		return nil
	}
	a := s.accounts[parts[4]]
	if a == nil {
		return nil
	}
	r := a.roles[arn[strings.LastIndexByte(arn, '/')+1:]]
	if r == nil || r.arn != arn {
		return nil
	}
	return r
}

// serviceSession is how long keys last that a service receives for its functions.
const serviceSession = 6 * time.Hour

// AssumeForService issues keys of a role to an AWS service, when the role's trust policy names it.
func (s *Service) AssumeForService(roleARN, session, service string) (wire.Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.role(roleARN)
	if r == nil {
		return wire.Credentials{}, failure(404, "NoSuchEntity", "The role "+roleARN+" cannot be found.")
	}
	if err := r.mayBeAssumedBy(service); err != nil {
		return wire.Credentials{}, err
	}
	k, err := s.session(r, session, serviceSession)
	if err != nil {
		return wire.Credentials{}, err
	}
	return wire.Credentials{AccessKeyID: k.ID, SecretAccessKey: k.Secret, SessionToken: k.SessionToken, Expires: k.Expires}, nil
}

// AllowForService decides whether a service may assume a role and whether the role's policies then allow action on
// resource.
func (s *Service) AllowForService(roleARN, service, action, resource string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.role(roleARN)
	if r == nil {
		return failure(404, "NoSuchEntity", "The role "+roleARN+" cannot be found.")
	}
	if err := r.mayBeAssumedBy(service); err != nil {
		return err
	}
	parts := strings.Split(r.arn, ":")
	session := "arn:" + parts[1] + ":sts::" + parts[4] + ":assumed-role/" + r.name + "/" + strings.TrimSuffix(service, ".amazonaws.com")
	target := strings.SplitN(resource, ":", 6)
	c := &wire.Call{Service: "lambda", Partition: parts[1], Account: parts[4], Now: s.now(), Principal: wire.Principal{ARN: session, RoleARN: r.arn, UserID: r.id}}
	if len(target) == 6 {
		c.Region = target[3]
		c.Service = target[2]
	}
	return s.authorize(c, action, resource, nil)
}

// mayBeAssumedBy asks the role's trust policy about a service.
func (r *entity) mayBeAssumedBy(service string) error {
	account := strings.Split(r.arn, ":")[4]
	v := policy.Evaluate(policy.Request{Action: "sts:AssumeRole", Resource: r.arn, Service: service,
		Context: map[string][]string{"aws:SourceAccount": {account}}}, r.trust.parsed)
	if v != policy.Allow {
		return failure(403, "AccessDenied", "The trust policy of "+r.arn+" does not let "+service+" assume the role.")
	}
	return nil
}

func (s *Service) userKeys(u *entity) []*Key {
	var keys []*Key
	for _, k := range s.keys {
		if k.Principal.ARN == u.arn {
			keys = append(keys, k)
		}
	}
	return keys
}

func createAccessKey(c *call) (any, error) {
	u, _, err := c.target()
	if err != nil {
		return nil, err
	}
	if len(c.s.userKeys(u)) >= 2 {
		return nil, failure(409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
	}
	k := &Key{ID: userKeyPrefix + randomID(11), Secret: randomSecret(30), Account: c.Account, created: c.s.now(),
		Principal: wire.Principal{ARN: u.arn, UserID: u.id}}
	c.s.keys[k.ID] = k
	type accessKey struct{ UserName, AccessKeyId, Status, SecretAccessKey, CreateDate string }
	return struct{ AccessKey accessKey }{accessKey{u.name, k.ID, "Active", k.Secret, k.created.UTC().Format(timeForm)}}, nil
}

func listAccessKeys(c *call) (any, error) {
	u, _, err := c.target()
	if err != nil {
		return nil, err
	}
	type metadata struct{ UserName, AccessKeyId, Status, CreateDate string }
	out := struct {
		AccessKeyMetadata []metadata `xml:"AccessKeyMetadata>member"`
		IsTruncated       bool
	}{}
	for _, k := range c.s.userKeys(u) {
		out.AccessKeyMetadata = append(out.AccessKeyMetadata, metadata{u.name, k.ID, "Active", k.created.UTC().Format(timeForm)})
	}
	return out, nil
}

func deleteAccessKey(c *call) (any, error) {
	u, _, err := c.target()
	if err != nil {
		return nil, err
	}
	id := c.get("AccessKeyId")
	if k := c.s.keys[id]; k == nil || k.Principal.ARN != u.arn {
		return nil, failure(404, "NoSuchEntity", "The Access Key with id "+id+" cannot be found.")
	}
	delete(c.s.keys, id)
	return nil, nil
}

func randomID(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = letters[b[i]&31]
	}
	return string(b)
}

func randomSecret(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

func itoa(n int) string { return strconv.Itoa(n) }
