package secrets

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"time"
)

type parameter struct {
	name, kind, value, description string
	version                        int64
	modified                       time.Time
}

var parameterName = regexp.MustCompile(`^[a-zA-Z0-9_./-]+$`)

const maxParameter = 4096

// parameterJSON is Parameter of the SSM API.
type parameterJSON struct {
	Name             string
	Type             string
	Value            string
	Version          int64
	LastModifiedDate float64
	ARN              string
	DataType         string
}

func (c *call) parameterARN(name string) string {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	return "arn:" + c.Partition + ":ssm:" + c.Region + ":" + c.Account + ":parameter" + name
}

// json shows a parameter; a SecureString only with decryption.
func (c *call) json(p *parameter, decrypt bool) parameterJSON {
	v := p.value
	if p.kind == "SecureString" && !decrypt {
		sum := sha256.Sum256([]byte(v))
		v = "AQICAH" + base64.StdEncoding.EncodeToString(sum[:])
	}
	return parameterJSON{p.name, p.kind, v, p.version, seconds(p.modified), c.parameterARN(p.name), "text"}
}

// find returns a parameter by name or ARN, nil when there is none, with the caller's permission checked.
func (c *call) find(name string) (*parameter, error) {
	if rest, ok := strings.CutPrefix(name, "arn:"+c.Partition+":ssm:"+c.Region+":"+c.Account+":parameter/"); ok {
		name = rest
		if strings.Contains(rest, "/") || c.s.parameters[c.key(rest)] == nil {
			name = "/" + rest
		}
	}
	if err := c.allow(c.parameterARN(name)); err != nil {
		return nil, err
	}
	return c.s.parameters[c.key(name)], nil
}

func putParameter(c *call) (any, error) {
	var in struct {
		Name, Value, Type, Description, KeyID, Tier, DataType string
		Overwrite                                             bool
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if len(in.Name) > 1011 || !parameterName.MatchString(in.Name) || strings.Contains(in.Name, "/") && !strings.HasPrefix(in.Name, "/") {
		return nil, failure("ValidationException", "Parameter name must be a fully qualified name.")
	}
	old, err := c.find(in.Name)
	if err != nil {
		return nil, err
	}
	if in.Type == "" && old != nil {
		in.Type = old.kind
	}
	switch {
	case old != nil && !in.Overwrite:
		return nil, failure("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	case in.Type != "String" && in.Type != "StringList" && in.Type != "SecureString":
		return nil, failure("ValidationException", "1 validation error detected: Value '"+in.Type+"' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [SecureString, StringList, String]")
	case in.Value == "" || len(in.Value) > maxParameter:
		return nil, failure("ValidationException", "Standard tier parameters support a maximum parameter value of 4096 characters, and a value is needed.")
	case old == nil && len(c.s.parameters) >= maxItems:
		return nil, failure("ParameterLimitExceeded", "the local AWS holds no more parameters")
	}
	p := &parameter{in.Name, in.Type, in.Value, in.Description, 1, c.s.now()}
	if old != nil {
		p.version = old.version + 1
	}
	c.s.parameters[c.key(in.Name)] = p
	return map[string]any{"Version": p.version, "Tier": "Standard"}, nil
}

func getParameter(c *call) (any, error) {
	var in struct {
		Name           string
		WithDecryption bool
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	p, err := c.find(in.Name)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, failure("ParameterNotFound", "Parameter "+in.Name+" not found.")
	}
	return map[string]any{"Parameter": c.json(p, in.WithDecryption)}, nil
}

func getParameters(c *call) (any, error) {
	var in struct {
		Names          []string
		WithDecryption bool
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if len(in.Names) == 0 || len(in.Names) > 10 {
		return nil, failure("ValidationException", "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and 10")
	}
	found, missing := []parameterJSON{}, []string{}
	for _, n := range in.Names {
		p, err := c.find(n)
		if err != nil {
			return nil, err
		}
		if p == nil {
			missing = append(missing, n)
			continue
		}
		found = append(found, c.json(p, in.WithDecryption))
	}
	return map[string]any{"Parameters": found, "InvalidParameters": missing}, nil
}

func getParametersByPath(c *call) (any, error) {
	var in struct {
		Path                      string
		Recursive, WithDecryption bool
		NextToken                 string
		MaxResults                int
		ParameterFilters          []any
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(in.Path, "/") || len(in.ParameterFilters) > 0 {
		return nil, failure("ValidationException", "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\"; the local AWS has no ParameterFilters.")
	}
	if err := c.allow(c.parameterARN(in.Path)); err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(in.Path, "/") + "/"
	found, next, err := listed(c, c.s.parameters, func(p *parameter) bool {
		rest, ok := strings.CutPrefix(p.name, base)
		return ok && (in.Recursive || !strings.Contains(rest, "/"))
	}, in.NextToken, in.MaxResults, 10)
	if err != nil {
		return nil, err
	}
	out := struct {
		Parameters []parameterJSON
		NextToken  string `json:",omitempty"`
	}{[]parameterJSON{}, next}
	for _, p := range found {
		out.Parameters = append(out.Parameters, c.json(p, in.WithDecryption))
	}
	return out, nil
}

func deleteParameter(c *call) (any, error) {
	var in struct{ Name string }
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	p, err := c.find(in.Name)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, failure("ParameterNotFound", "Parameter "+in.Name+" not found.")
	}
	delete(c.s.parameters, c.key(p.name))
	return struct{}{}, nil
}
