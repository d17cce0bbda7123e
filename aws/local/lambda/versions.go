package lambda

import (
	"sort"
	"strconv"

	"portcullis/aws/local/wire"
)

// publish makes the next version out of $LATEST, or returns the last one when nothing has changed since. The caller
// holds mu.
func (f *function) publish(description string) *revision {
	if last := f.versions[strconv.Itoa(f.published)]; last != nil && last.code == f.latest.code && same(last.config, f.latest.config) {
		return last
	}
	f.published++
	cfg := f.latest.config
	cfg.Version = strconv.Itoa(f.published)
	cfg.FunctionArn = f.arn(f.partition) + ":" + cfg.Version
	cfg.RevisionId = wire.NewID()
	if description != "" {
		cfg.Description = description
	}
	f.latest.code.refs++
	r := &revision{config: cfg, code: f.latest.code, fn: f, settled: f.latest.settled, created: f.latest.created}
	f.versions[cfg.Version] = r
	return r
}

// same compares what a version is made of; LastModified changes with every update, so it stands for the rest.
func same(a, b Configuration) bool { return a.LastModified == b.LastModified }

func publishVersion(c *call) (reply, error) {
	var in struct{ CodeSha256, Description, RevisionId string }
	if err := c.body(&in); err != nil {
		return reply{}, err
	}
	f, r, err := c.latest("PublishVersion", in.RevisionId)
	if err != nil {
		return reply{}, err
	}
	if in.CodeSha256 != "" && in.CodeSha256 != r.config.CodeSha256 {
		return reply{}, invalidValue("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", in.CodeSha256, r.config.CodeSha256)
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return reply{201, c.s.shown(f.publish(in.Description))}, nil
}

func listVersions(c *call) (reply, error) {
	f, _, err := c.one("ListVersionsByFunction")
	if err != nil {
		return reply{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	found := []*revision{f.latest}
	for _, v := range f.versions {
		found = append(found, v)
	}
	sort.Slice(found, func(i, j int) bool { return order(found[i]) < order(found[j]) })
	page, next, err := paginate(c, found, order)
	if err != nil {
		return reply{}, err
	}
	out := struct {
		Versions   []Configuration
		NextMarker string `json:",omitempty"`
	}{NextMarker: next}
	for _, r := range page {
		out.Versions = append(out.Versions, c.s.shown(r))
	}
	return reply{200, out}, nil
}

// deleteVersion removes one published version; the caller holds mu.
func (s *Service) deleteVersion(f *function, t target) error {
	r := f.versions[t.qualifier]
	if t.qualifier == "$LATEST" {
		return invalidValue("$LATEST version cannot be deleted without deleting the function.")
	}
	if f.aliases[t.qualifier] != nil {
		return invalidValue("the qualifier %s is an alias; DeleteAlias removes it", t.qualifier)
	}
	if r == nil {
		return failure(404, "ResourceNotFoundException", "Function not found: %s", t.qualified(f.partition))
	}
	for _, a := range f.aliases {
		if a.FunctionVersion == t.qualifier {
			return failure(409, "ResourceConflictException", "Aliases (%s) point to version %s; delete them first.", a.Name, t.qualifier)
		}
	}
	delete(f.versions, t.qualifier)
	delete(f.policies, t.qualifier)
	s.retireRevision(f, r)
	s.release(r.code)
	return nil
}
