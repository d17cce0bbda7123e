package events

import (
	"encoding/json"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"portcullis/aws/local/wire"
)

var (
	targetForm   = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)
	functionForm = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[a-zA-Z0-9-_]{1,64}(:(\$LATEST|[a-zA-Z0-9-_]+))?$`)
)

// targetIn is one target as PutTargets has it; the members this EventBridge lacks are named to be refused.
type targetIn struct {
	target
	InputPath        string
	InputTransformer json.RawMessage
	RoleArn          string
	DeadLetterConfig json.RawMessage
	RetryPolicy      json.RawMessage
}

// failed is one entry of FailedEntries.
type failed struct{ TargetId, ErrorCode, ErrorMessage string }

func putTargets(c *call) (any, error) {
	var in struct {
		named
		Targets []targetIn
	}
	r, err := c.rule(&in, &in.named)
	if err != nil {
		return nil, err
	}
	if len(in.Targets) == 0 {
		return nil, invalid("1 validation error detected: Value '[]' at 'targets' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	next := append([]target(nil), r.targets...)
	for _, t := range in.Targets {
		switch {
		case !targetForm.MatchString(t.Id):
			return nil, invalid("1 validation error detected: Value '" + t.Id + "' at 'targets.1.member.id' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+")
		case !functionForm.MatchString(t.Arn):
			if strings.HasPrefix(t.Arn, "arn:") && !strings.Contains(t.Arn, ":lambda:") {
				return nil, wire.NotImplemented("events", "PutTargets with a target that is not a Lambda function")
			}
			return nil, invalid("Parameter " + t.Arn + " is not valid. Reason: Provided Arn is not in correct format.")
		case t.InputPath != "" || len(t.InputTransformer) > 0 || len(t.DeadLetterConfig) > 0 || len(t.RetryPolicy) > 0:
			return nil, wire.NotImplemented("events", "PutTargets with InputPath, InputTransformer, DeadLetterConfig or RetryPolicy")
		case t.Input != "" && (len(t.Input) > maxInput || !json.Valid([]byte(t.Input))):
			return nil, invalid("Parameter Input for target " + t.Id + " is not valid: it must be JSON of at most " + strconv.Itoa(maxInput) + " bytes.")
		}
		replaced := false
		for i := range next {
			if next[i].Id == t.Id {
				next[i], replaced = t.target, true
			}
		}
		if !replaced {
			next = append(next, t.target)
		}
	}
	if len(next) > maxTargets {
		return nil, &wire.Error{Status: 400, Code: "LimitExceededException", Message: "The requested resource exceeds the maximum number allowed."}
	}
	r.targets = next
	return map[string]any{"FailedEntryCount": 0, "FailedEntries": []failed{}}, nil
}

func listTargets(c *call) (any, error) {
	var in struct {
		named
		NextToken string
		Limit     int
	}
	r, err := c.rule(&in, &in.named)
	if err != nil {
		return nil, err
	}
	all := append([]target(nil), r.targets...)
	sort.Slice(all, func(i, j int) bool { return all[i].Id < all[j].Id })
	found, next, err := page(all, func(t target) string { return t.Id }, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	if found == nil {
		found = []target{}
	}
	return struct {
		Targets   []target
		NextToken string `json:",omitempty"`
	}{found, next}, nil
}

func removeTargets(c *call) (any, error) {
	var in struct {
		named
		Ids []string
	}
	r, err := c.rule(&in, &in.named)
	if err != nil {
		return nil, err
	}
	entries := []failed{}
	for _, id := range in.Ids {
		found := false
		for i, t := range r.targets {
			if t.Id == id {
				r.targets = append(r.targets[:i:i], r.targets[i+1:]...)
				found = true
				break
			}
		}
		if !found {
			entries = append(entries, failed{id, "ResourceNotFoundException", "Rule " + r.name + " does not have target(s) with Id(s): " + id + "."})
		}
	}
	return map[string]any{"FailedEntryCount": len(entries), "FailedEntries": entries}, nil
}
