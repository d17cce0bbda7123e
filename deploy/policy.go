package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Part is one thing that the authorizer does with its role. Each is a file of iam: a complete policy document with
// placeholders.
type Part string

// The parts. Discover alone is a role that reads; with AWS_CREATE_AUTHORIZER=true, which is the default, Attach is needed
// as well.
const (
	Discover Part = "discover" // read REST APIs, stages, deployments, resources, authorizers, exports
	Attach   Part = "attach"   // create the authorizer, put it on methods, let API Gateway call the function
	Replace  Part = "replace"  // AWS_REPLACE_AUTHORIZERS: note in tags of a REST API what stood there before
	Cache    Part = "cache"    // AWS_AUTHORIZER_TTL: note in a tag that answers are kept, empty the caches of stages
	Store    Part = "store"    // AWS_LOCAL_CONFIGURATION in S3; needs Values.Store
	Secret   Part = "secret"   // ACP_CLIENT_SECRET as an ARN; needs Values.SecretARN
)

// Parts are all of them, in the order in which a policy has them.
func Parts() []Part { return []Part{Discover, Attach, Replace, Cache, Store, Secret} }

// RolePolicy is the inline policy that the function's role needs for these parts and nothing else, as indented JSON.
// Writing logs is not among them: the managed policy AWSLambdaBasicExecutionRole covers that. Without a part, with an
// unknown one, or with a value missing or malformed there is no policy.
func RolePolicy(v Values, parts ...Part) ([]byte, error) {
	if err := v.check(); err != nil {
		return nil, err
	}
	names := map[string]string{"partition": v.partition(), "region": v.Region, "account": v.Account, "function": v.Function, "secret": v.SecretARN}
	if v.Store != "" {
		names["bucket"], names["prefix"], _ = v.store() // check has read it
	}
	return policy(names, parts, paramForm.MatchString(v.SecretARN))
}

// document is a policy whose statements keep their wording.
type document struct {
	Version   string
	Statement []json.RawMessage
}

// placeholder is the only syntax of the templates.
var placeholder = regexp.MustCompile(`\{\{([a-z_]+)\}\}`)

// policy fills the templates in. A prefix may be empty, everything else must be there.
func policy(names map[string]string, parts []Part, parameter bool) ([]byte, error) {
	if len(parts) == 0 {
		return nil, errors.New("deploy: a role policy needs at least one part")
	}
	for _, p := range parts {
		if !slices.Contains(Parts(), p) {
			return nil, fmt.Errorf("deploy: there is no part %q; there are %v", p, Parts())
		}
	}
	var all document
	for _, p := range Parts() {
		if !slices.Contains(parts, p) {
			continue
		}
		file := string(p)
		if p == Secret && parameter {
			file = "parameter"
		}
		text, err := files.ReadFile("iam/" + file + ".json")
		if err != nil {
			return nil, fmt.Errorf("deploy: %w", err)
		}
		filled, err := fill(string(text), names)
		if err != nil {
			return nil, fmt.Errorf("deploy: the policy for %q: %w", p, err)
		}
		var one document
		if err := json.Unmarshal([]byte(filled), &one); err != nil {
			return nil, fmt.Errorf("deploy: iam/%s.json: %w", file, err)
		}
		all.Version, all.Statement = one.Version, append(all.Statement, one.Statement...)
	}
	return json.MarshalIndent(all, "", "  ")
}

// fill replaces every placeholder; one without a value is an error that names it.
func fill(text string, names map[string]string) (string, error) {
	var missing []string
	out := placeholder.ReplaceAllStringFunc(text, func(m string) string {
		name := strings.Trim(m, "{}")
		value, known := names[name]
		if (!known || value == "" && name != "prefix") && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
		return value
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("no value for %s", strings.Join(missing, ", "))
	}
	return out, nil
}
