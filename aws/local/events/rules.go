package events

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"sort"
	"strings"
	"time"

	"portcullis/aws/local/wire"
)

var nameForm = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)

func notFound(name string) error {
	return &wire.Error{Status: 400, Code: "ResourceNotFoundException", Message: "Rule " + name + " does not exist on EventBus default."}
}

// named is what most operations take.
type named struct {
	Name         string
	Rule         string
	EventBusName string
	Force        bool
}

// bus refuses every bus but the default one, which may be given by name or ARN.
func (n named) bus() error {
	if b := n.EventBusName; b != "" && b != "default" && !strings.HasSuffix(b, ":event-bus/default") {
		return &wire.Error{Status: 400, Code: "ResourceNotFoundException", Message: "Event bus " + b + " does not exist."}
	}
	return nil
}

// rule reads the request and finds its rule, with the caller's permission checked.
func (c *call) rule(in any, n *named) (*rule, error) {
	if err := c.Decode(in); err != nil {
		return nil, err
	}
	if err := n.bus(); err != nil {
		return nil, err
	}
	name := n.Name
	if name == "" {
		name = n.Rule
	}
	if !nameForm.MatchString(name) {
		return nil, invalid(`1 validation error detected: Value '` + name + `' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+`)
	}
	if err := c.Allow("events:"+wire.Target(c.Request), "arn:"+c.Partition+":events:"+c.Region+":"+c.Account+":rule/"+name, nil); err != nil {
		return nil, err
	}
	r := c.s.rules[key(c.Account, c.Region, name)]
	if r == nil {
		return nil, notFound(name)
	}
	return r, nil
}

func putRule(c *call) (any, error) {
	var in struct {
		named
		ScheduleExpression string
		EventPattern       string
		State              string
		Description        string
		RoleArn            string
	}
	r, err := c.rule(&in, &in.named)
	if err != nil {
		if e, ok := err.(*wire.Error); !ok || e.Code != "ResourceNotFoundException" || in.bus() != nil {
			return nil, err
		}
	}
	if in.EventPattern != "" {
		return nil, wire.NotImplemented("events", "PutRule with EventPattern")
	}
	if in.ScheduleExpression == "" {
		return nil, invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	sched, err := parseSchedule(in.ScheduleExpression)
	if err != nil {
		return nil, invalid("Parameter ScheduleExpression is not valid.")
	}
	switch in.State {
	case "", "ENABLED", "DISABLED":
	default:
		return nil, invalid("1 validation error detected: Value '" + in.State + "' at 'state' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED]")
	}
	if len(in.Description) > 512 {
		return nil, invalid("1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 512")
	}
	now := c.s.now()
	if r == nil {
		if len(c.s.sortedRules(c.Account, c.Region)) >= maxRules {
			return nil, &wire.Error{Status: 400, Code: "LimitExceededException", Message: "The requested resource exceeds the maximum number allowed."}
		}
		r = &rule{account: c.Account, region: c.Region, partition: c.Partition, name: in.Name}
		c.s.rules[key(c.Account, c.Region, in.Name)] = r
	}
	if r.expression != in.ScheduleExpression {
		r.schedule, r.expression = sched, in.ScheduleExpression
		r.restart(now)
	}
	r.setDisabled(in.State == "DISABLED", now)
	r.description, r.role = in.Description, in.RoleArn
	return map[string]string{"RuleArn": r.arn()}, nil
}

// restart lets the schedule begin now: a rate rule fires after its first interval.
func (r *rule) restart(now time.Time) {
	r.next = now.Add(r.schedule.every)
	r.last = now.UTC().Truncate(time.Minute)
}

func (r *rule) setDisabled(disabled bool, now time.Time) {
	if r.disabled && !disabled {
		r.restart(now)
	}
	r.disabled = disabled
}

// ruleJSON is Rule of the EventBridge API.
type ruleJSON struct {
	Name               string
	Arn                string
	ScheduleExpression string
	State              string
	Description        string `json:",omitempty"`
	RoleArn            string `json:",omitempty"`
	EventBusName       string
}

func (r *rule) json() ruleJSON {
	return ruleJSON{r.name, r.arn(), r.expression, r.state(), r.description, r.role, "default"}
}

func describeRule(c *call) (any, error) {
	var in named
	r, err := c.rule(&in, &in)
	if err != nil {
		return nil, err
	}
	return struct {
		ruleJSON
		CreatedBy string
	}{r.json(), r.account}, nil
}

// page cuts items by NextToken and Limit (1 to 100, default 100).
func page[T any](items []T, key func(T) string, token string, limit int) ([]T, string, error) {
	if limit == 0 {
		limit = 100
	}
	if limit < 1 || limit > 100 {
		return nil, "", invalid("1 validation error detected: Value at 'limit' failed to satisfy constraint: Member must be between 1 and 100")
	}
	if token != "" {
		after, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, "", invalid("NextToken is not valid.")
		}
		items = items[sort.Search(len(items), func(i int) bool { return key(items[i]) > string(after) }):]
	}
	if len(items) > limit {
		return items[:limit], base64.RawURLEncoding.EncodeToString([]byte(key(items[limit-1]))), nil
	}
	return items, "", nil
}

func listRules(c *call) (any, error) {
	var in struct {
		named
		NamePrefix string
		NextToken  string
		Limit      int
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if err := in.bus(); err != nil {
		return nil, err
	}
	if err := c.Allow("events:ListRules", "arn:"+c.Partition+":events:"+c.Region+":"+c.Account+":rule/*", nil); err != nil {
		return nil, err
	}
	var found []*rule
	for _, r := range c.s.sortedRules(c.Account, c.Region) {
		if strings.HasPrefix(r.name, in.NamePrefix) {
			found = append(found, r)
		}
	}
	rules, next, err := page(found, func(r *rule) string { return r.name }, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	out := struct {
		Rules     []ruleJSON
		NextToken string `json:",omitempty"`
	}{Rules: []ruleJSON{}, NextToken: next}
	for _, r := range rules {
		out.Rules = append(out.Rules, r.json())
	}
	return out, nil
}

func deleteRule(c *call) (any, error) {
	var in named
	r, err := c.rule(&in, &in)
	if e, ok := err.(*wire.Error); ok && e.Code == "ResourceNotFoundException" && in.bus() == nil {
		return nil, nil // deleting what is not there succeeds at AWS
	}
	if err != nil {
		return nil, err
	}
	if len(r.targets) > 0 {
		return nil, invalid("Rule can't be deleted since it has targets.")
	}
	delete(c.s.rules, key(r.account, r.region, r.name))
	return nil, nil
}

func enableRule(c *call) (any, error)  { return c.enable(true) }
func disableRule(c *call) (any, error) { return c.enable(false) }

func (c *call) enable(on bool) (any, error) {
	var in named
	r, err := c.rule(&in, &in)
	if err != nil {
		return nil, err
	}
	r.setDisabled(!on, c.s.now())
	return nil, nil
}

func listTags(c *call) (any, error) {
	// Rules cannot be given tags here (TagResource is not in the menu), so none has any.
	var in struct{ ResourceARN string }
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if err := c.Allow("events:ListTagsForResource", in.ResourceARN, nil); err != nil {
		return nil, err
	}
	return map[string]any{"Tags": []any{}}, nil
}

// scheduledEvent is the event that a rule with a schedule sends.
func scheduledEvent(r *rule, now time.Time) []byte {
	b, _ := json.Marshal(struct {
		Version    string         `json:"version"`
		ID         string         `json:"id"`
		DetailType string         `json:"detail-type"`
		Source     string         `json:"source"`
		Account    string         `json:"account"`
		Time       string         `json:"time"`
		Region     string         `json:"region"`
		Resources  []string       `json:"resources"`
		Detail     map[string]any `json:"detail"`
	}{"0", wire.NewID(), "Scheduled Event", "aws.events", r.account, now.UTC().Format(time.RFC3339), r.region, []string{r.arn()}, map[string]any{}})
	return b
}
