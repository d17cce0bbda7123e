package lambda

import (
	"regexp"
	"sort"

	"portcullis/aws/local/wire"
)

// alias is AliasConfiguration of the Lambda API.
type alias struct {
	AliasArn        string
	Name            string
	FunctionVersion string
	Description     string
	RevisionId      string
}

var digits = regexp.MustCompile(`^[0-9]+$`)

func createAlias(c *call) (reply, error) {
	var in struct{ Name, FunctionVersion, Description string }
	if err := c.body(&in, "RoutingConfig"); err != nil {
		return reply{}, err
	}
	if !qualifierForm.MatchString(in.Name) || digits.MatchString(in.Name) || in.Name == "$LATEST" {
		return reply{}, constraint(in.Name, "name", `Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)`)
	}
	f, _, err := c.one("CreateAlias")
	if err != nil {
		return reply{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	arn := f.arn(f.partition) + ":" + in.Name
	if f.aliases[in.Name] != nil {
		return reply{}, failure(409, "ResourceConflictException", "Alias already exists: %s", arn)
	}
	if err := f.hasVersion(in.FunctionVersion); err != nil {
		return reply{}, err
	}
	a := &alias{arn, in.Name, in.FunctionVersion, in.Description, wire.NewID()}
	f.aliases[in.Name] = a
	return reply{201, *a}, nil
}

func (f *function) hasVersion(v string) error {
	if f.versions[v] == nil {
		return failure(404, "ResourceNotFoundException", "Function not found: %s:%s (an alias points to a published version)", f.arn(f.partition), v)
	}
	return nil
}

// alias finds the alias that the second path argument names; then runs with mu held.
func (c *call) alias(action string, then func(*function, *alias) (reply, error)) (reply, error) {
	f, _, err := c.one(action)
	if err != nil {
		return reply{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	a := f.aliases[c.args[1]]
	if a == nil {
		return reply{}, failure(404, "ResourceNotFoundException", "Cannot find alias arn: %s:%s", f.arn(f.partition), c.args[1])
	}
	return then(f, a)
}

func getAlias(c *call) (reply, error) {
	return c.alias("GetAlias", func(_ *function, a *alias) (reply, error) { return reply{200, *a}, nil })
}

func updateAlias(c *call) (reply, error) {
	var in struct {
		FunctionVersion, Description *string
		RevisionId                   string
	}
	if err := c.body(&in, "RoutingConfig"); err != nil {
		return reply{}, err
	}
	return c.alias("UpdateAlias", func(f *function, a *alias) (reply, error) {
		if in.RevisionId != "" && in.RevisionId != a.RevisionId {
			return reply{}, failure(412, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
		}
		if in.FunctionVersion != nil {
			if err := f.hasVersion(*in.FunctionVersion); err != nil {
				return reply{}, err
			}
			a.FunctionVersion = *in.FunctionVersion
		}
		if in.Description != nil {
			a.Description = *in.Description
		}
		a.RevisionId = wire.NewID()
		return reply{200, *a}, nil
	})
}

func deleteAlias(c *call) (reply, error) {
	return c.alias("DeleteAlias", func(f *function, a *alias) (reply, error) {
		delete(f.aliases, a.Name)
		delete(f.policies, a.Name)
		return reply{status: 204}, nil
	})
}

func listAliases(c *call) (reply, error) {
	f, _, err := c.one("ListAliases")
	if err != nil {
		return reply{}, err
	}
	version := c.Request.URL.Query().Get("FunctionVersion")
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	var found []alias
	for _, a := range f.aliases {
		if version == "" || a.FunctionVersion == version {
			found = append(found, *a)
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Name < found[j].Name })
	page, next, err := paginate(c, found, func(a alias) string { return a.Name })
	if err != nil {
		return reply{}, err
	}
	if page == nil {
		page = []alias{}
	}
	return reply{200, struct {
		Aliases    []alias
		NextMarker string `json:",omitempty"`
	}{page, next}}, nil
}
