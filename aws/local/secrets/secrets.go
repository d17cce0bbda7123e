package secrets

import (
	"crypto/rand"
	"regexp"
	"strings"
	"time"

	"portcullis/aws/local/wire"
)

type secret struct {
	name, arn, description string
	created, changed       time.Time
	deleted                time.Time // marked for deletion; zero: no
	current, previous      *value
}

// value is one version of a secret: text or bytes.
type value struct {
	id      string
	text    *string
	binary  []byte
	created time.Time
}

var secretName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)

const maxSecret = 65536

// valueIn is how a value comes in.
type valueIn struct {
	SecretString       *string
	SecretBinary       []byte
	ClientRequestToken string
}

func (in valueIn) value(now time.Time) (*value, error) {
	switch {
	case in.SecretString != nil && in.SecretBinary != nil:
		return nil, failure("InvalidParameterException", "You can't specify both a binary secret value and a string secret value in the same secret.")
	case in.SecretString != nil && len(*in.SecretString) > maxSecret, len(in.SecretBinary) > maxSecret:
		return nil, failure("ValidationException", "1 validation error detected: Value at 'secretString' failed to satisfy constraint: Member must have length less than or equal to 65536")
	case in.SecretString == nil && in.SecretBinary == nil:
		return nil, nil
	}
	id := in.ClientRequestToken
	if id == "" {
		id = wire.NewID()
	}
	return &value{id, in.SecretString, in.SecretBinary, now}, nil
}

func (x *secret) put(v *value, now time.Time) {
	if x.current != nil {
		x.previous = x.current
	}
	x.current, x.changed = v, now
}

// suffix is the six random characters at the end of a secret's ARN.
func suffix() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab"
	b := make([]byte, 6)
	rand.Read(b)
	for i := range b {
		b[i] = letters[b[i]&63]
	}
	return string(b)
}

type reference struct {
	ARN       string
	Name      string
	VersionID string `json:"VersionId,omitempty"`
}

func (x *secret) reference() reference {
	r := reference{ARN: x.arn, Name: x.name}
	if x.current != nil {
		r.VersionID = x.current.id
	}
	return r
}

func createSecret(c *call) (any, error) {
	var in struct {
		valueIn
		Name, Description, KmsKeyID string
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if !secretName.MatchString(in.Name) {
		return nil, failure("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	if err := c.allow("arn:" + c.Partition + ":secretsmanager:" + c.Region + ":" + c.Account + ":secret:" + in.Name); err != nil {
		return nil, err
	}
	if old := c.s.secrets[c.key(in.Name)]; old != nil {
		if !old.deleted.IsZero() {
			return nil, failure("InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")
		}
		return nil, failure("ResourceExistsException", "The operation failed because the secret "+in.Name+" already exists.")
	}
	if len(c.s.secrets) >= maxItems {
		return nil, failure("LimitExceededException", "the local AWS holds no more secrets")
	}
	now := c.s.now()
	v, err := in.value(now)
	if err != nil {
		return nil, err
	}
	x := &secret{name: in.Name, description: in.Description, created: now, arn: "arn:" + c.Partition + ":secretsmanager:" + c.Region + ":" + c.Account + ":secret:" + in.Name + "-" + suffix()}
	if v != nil {
		x.put(v, now)
	}
	c.s.secrets[c.key(in.Name)] = x
	return x.reference(), nil
}

// secret finds a secret by name, ARN, or ARN without its six characters, and checks the caller's permission on it. One
// that is marked for deletion is found only with dead.
func (c *call) secret(id string, dead bool) (*secret, error) {
	name := id
	account, region := c.Account, c.Region
	if parts := strings.SplitN(id, ":", 7); len(parts) == 7 && parts[0] == "arn" && parts[2] == "secretsmanager" && parts[5] == "secret" {
		region, account, name = parts[3], parts[4], parts[6]
	}
	var x *secret
	if account == c.Account && region == c.Region {
		if x = c.s.secrets[c.key(name)]; x == nil && name != id && len(name) > 7 && name[len(name)-7] == '-' {
			if x = c.s.secrets[c.key(name[:len(name)-7])]; x != nil && x.arn != id {
				x = nil
			}
		}
	}
	arn := id
	if x != nil {
		arn = x.arn
	} else if name == id {
		arn = "arn:" + c.Partition + ":secretsmanager:" + c.Region + ":" + c.Account + ":secret:" + name
	}
	if err := c.allow(arn); err != nil {
		return nil, err
	}
	if x == nil {
		return nil, failure("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	if !x.deleted.IsZero() && !dead {
		return nil, failure("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")
	}
	return x, nil
}

// given finds the secret that a call changes and reads the value that it brings, nil when it brings none.
func (c *call) given(id string, in valueIn) (*secret, *value, error) {
	x, err := c.secret(id, false)
	if err != nil {
		return nil, nil, err
	}
	v, err := in.value(c.s.now())
	return x, v, err
}

func getSecretValue(c *call) (any, error) {
	var in struct{ SecretID, VersionID, VersionStage string }
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	x, err := c.secret(in.SecretID, false)
	if err != nil {
		return nil, err
	}
	stage := in.VersionStage
	if stage == "" && in.VersionID == "" {
		stage = "AWSCURRENT"
	}
	var v *value
	for label, candidate := range map[string]*value{"AWSCURRENT": x.current, "AWSPREVIOUS": x.previous} {
		if candidate != nil && (stage == "" || stage == label) && (in.VersionID == "" || in.VersionID == candidate.id) {
			v, stage = candidate, label
			break
		}
	}
	if v == nil {
		if in.VersionID != "" {
			return nil, failure("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for VersionId: "+in.VersionID)
		}
		return nil, failure("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: "+stage)
	}
	return struct {
		ARN           string
		Name          string
		VersionID     string  `json:"VersionId"`
		SecretString  *string `json:",omitempty"`
		SecretBinary  []byte  `json:",omitempty"`
		VersionStages []string
		CreatedDate   float64
	}{x.arn, x.name, v.id, v.text, v.binary, []string{stage}, seconds(v.created)}, nil
}

func putSecretValue(c *call) (any, error) {
	var in struct {
		valueIn
		SecretID string
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	x, v, err := c.given(in.SecretID, in.valueIn)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, failure("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
	}
	x.put(v, v.created)
	return struct {
		reference
		VersionStages []string
	}{x.reference(), []string{"AWSCURRENT"}}, nil
}

func updateSecret(c *call) (any, error) {
	var in struct {
		valueIn
		SecretID    string
		Description *string
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	x, v, err := c.given(in.SecretID, in.valueIn)
	if err != nil {
		return nil, err
	}
	if v != nil {
		x.put(v, v.created)
	}
	if in.Description != nil {
		x.description, x.changed = *in.Description, c.s.now()
	}
	return x.reference(), nil
}

type description struct {
	ARN                string
	Name               string
	Description        string `json:",omitempty"`
	CreatedDate        float64
	LastChangedDate    float64             `json:",omitempty"`
	DeletedDate        float64             `json:",omitempty"`
	VersionIdsToStages map[string][]string `json:",omitempty"`
}

func (x *secret) describe() description {
	d := description{ARN: x.arn, Name: x.name, Description: x.description, CreatedDate: seconds(x.created), VersionIdsToStages: map[string][]string{}}
	if !x.changed.IsZero() {
		d.LastChangedDate = seconds(x.changed)
	}
	if !x.deleted.IsZero() {
		d.DeletedDate = seconds(x.deleted)
	}
	if x.current != nil {
		d.VersionIdsToStages[x.current.id] = []string{"AWSCURRENT"}
	}
	if x.previous != nil && x.previous.id != x.current.id {
		d.VersionIdsToStages[x.previous.id] = []string{"AWSPREVIOUS"}
	}
	return d
}

func describeSecret(c *call) (any, error) {
	var in struct{ SecretID string }
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	x, err := c.secret(in.SecretID, true)
	if err != nil {
		return nil, err
	}
	return x.describe(), nil
}

func deleteSecret(c *call) (any, error) {
	var in struct {
		SecretID                   string
		RecoveryWindowInDays       int
		ForceDeleteWithoutRecovery bool
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	x, err := c.secret(in.SecretID, in.ForceDeleteWithoutRecovery)
	if err != nil {
		return nil, err
	}
	switch days := in.RecoveryWindowInDays; {
	case in.ForceDeleteWithoutRecovery && days != 0:
		return nil, failure("InvalidParameterException", "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case days != 0 && (days < 7 || days > 30):
		return nil, failure("InvalidParameterException", "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	now := c.s.now()
	if in.ForceDeleteWithoutRecovery {
		delete(c.s.secrets, c.key(x.name))
	} else {
		x.deleted = now
	}
	return struct {
		ARN          string
		Name         string
		DeletionDate float64
	}{x.arn, x.name, seconds(now)}, nil
}

func restoreSecret(c *call) (any, error) {
	var in struct{ SecretID string }
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	x, err := c.secret(in.SecretID, true)
	if err != nil {
		return nil, err
	}
	x.deleted = time.Time{}
	return reference{ARN: x.arn, Name: x.name}, nil
}

func listSecrets(c *call) (any, error) {
	var in struct {
		MaxResults int
		NextToken  string
		Filters    []any
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if len(in.Filters) > 0 {
		return nil, wire.NotImplemented("secretsmanager", "ListSecrets with Filters")
	}
	if err := c.allow("*"); err != nil {
		return nil, err
	}
	found, next, err := listed(c, c.s.secrets, func(x *secret) bool { return x.deleted.IsZero() }, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := struct {
		SecretList []description
		NextToken  string `json:",omitempty"`
	}{[]description{}, next}
	for _, x := range found {
		d := x.describe()
		d.VersionIdsToStages = nil // ListSecrets has it under another name, which nobody here reads
		out.SecretList = append(out.SecretList, d)
	}
	return out, nil
}
