package lambda

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// target is a function as a caller names it: by name, by a partial or a whole ARN, each with or without a qualifier.
type target struct {
	account, region, name string
	qualifier             string // version, alias, "$LATEST" or ""
}

var (
	nameForm      = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)
	qualifierForm = regexp.MustCompile(`^(\$LATEST|[a-zA-Z0-9-_]{1,128})$`)
)

// parseTarget reads a function name. The account and region of the caller fill what it leaves out.
func parseTarget(s, account, region string) (target, error) {
	t := target{account: account, region: region}
	rest := s
	if strings.HasPrefix(rest, "arn:") {
		parts := strings.SplitN(rest, ":", 7)
		if len(parts) != 7 || parts[2] != "lambda" || parts[5] != "function" {
			return t, badName(s)
		}
		t.region, t.account, rest = parts[3], parts[4], parts[6]
	} else if parts := strings.SplitN(rest, ":", 3); len(parts) == 3 && parts[1] == "function" {
		t.account, rest = parts[0], parts[2]
	} else if after, ok := strings.CutPrefix(rest, "function:"); ok {
		rest = after
	}
	t.name, t.qualifier, _ = strings.Cut(rest, ":")
	if !nameForm.MatchString(t.name) || t.qualifier != "" && !qualifierForm.MatchString(t.qualifier) {
		return t, badName(s)
	}
	return t, nil
}

func badName(s string) error {
	return failure(400, "ValidationException", `1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`, s)
}

func (t target) key() string { return t.account + "/" + t.region + "/" + t.name }

// arn is the function's ARN without a qualifier.
func (t target) arn(partition string) string {
	return "arn:" + partition + ":lambda:" + t.region + ":" + t.account + ":function:" + t.name
}

// qualified is the ARN with the qualifier, when there is one.
func (t target) qualified(partition string) string {
	if t.qualifier == "" {
		return t.arn(partition)
	}
	return t.arn(partition) + ":" + t.qualifier
}

// target reads the first path argument and the Qualifier of the query, and checks the caller's permission.
func (c *call) target(action string) (target, error) {
	t, err := parseTarget(c.args[0], c.Account, c.Region)
	if err != nil {
		return t, err
	}
	if q := c.Request.URL.Query().Get("Qualifier"); q != "" {
		if !qualifierForm.MatchString(q) {
			return t, failure(400, "ValidationException", "1 validation error detected: Value '%s' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: (|[a-zA-Z0-9$_-]+)", q)
		}
		if t.qualifier != "" && t.qualifier != q {
			return t, invalidValue("The derived qualifier from the function name does not match the specified qualifier.")
		}
		t.qualifier = q
	}
	if err := c.Allow("lambda:"+action, t.qualified(c.Partition), c.conditionsOf(t)); err != nil {
		return t, err
	}
	if t.account != c.Account && action != "InvokeFunction" {
		return t, failure(403, "AccessDeniedException", "User: %s is not authorized to perform: lambda:%s on resource: %s because no resource-based policy allows the lambda:%s action", c.Principal.ARN, action, t.qualified(c.Partition), action)
	}
	return t, nil
}

// conditionsOf are the condition keys of a call about a function: those that its handler has set, and the function's tags.
// Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Lambda".
func (c *call) conditionsOf(t target) map[string][]string {
	out := map[string][]string{}
	maps.Copy(out, c.conditions)
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if f := c.s.functions[t.key()]; f != nil {
		for k, v := range f.tags {
			out["aws:ResourceTag/"+k] = []string{v}
		}
	}
	return out
}

// sets notes the tags that a call sets as condition keys.
func (c *call) sets(tags map[string]string) {
	for k, v := range tags {
		c.condition("aws:RequestTag/"+k, v)
	}
	c.condition("aws:TagKeys", slices.Sorted(maps.Keys(tags))...)
}

// condition notes a condition key of the call; without a value there is no key.
func (c *call) condition(key string, values ...string) {
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return
	}
	if c.conditions == nil {
		c.conditions = map[string][]string{}
	}
	c.conditions[key] = values
}

// find returns the function; the caller holds mu.
func (s *Service) find(t target, partition string) (*function, error) {
	f := s.functions[t.key()]
	if f == nil {
		return nil, failure(404, "ResourceNotFoundException", "Function not found: %s", t.qualified(partition))
	}
	return f, nil
}

// resolve returns the revision behind the qualifier; the caller holds mu.
func (f *function) resolve(t target, partition string) (*revision, error) {
	switch a := f.aliases[t.qualifier]; {
	case t.qualifier == "" || t.qualifier == "$LATEST":
		return f.latest, nil
	case a != nil:
		return f.versions[a.FunctionVersion], nil
	case f.versions[t.qualifier] != nil:
		return f.versions[t.qualifier], nil
	}
	return nil, failure(404, "ResourceNotFoundException", "Function not found: %s", t.qualified(partition))
}
