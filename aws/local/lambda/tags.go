package lambda

const maxTags = 50

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return invalidValue("Tag quota exceeded: a function has at most %d tags", maxTags)
	}
	for k, v := range tags {
		if len(k) == 0 || len(k) > 128 || len(v) > 256 {
			return invalidValue("a tag has a key of 1 to 128 and a value of up to 256 characters")
		}
	}
	return nil
}

func listTags(c *call) (reply, error) {
	f, _, err := c.one("ListTags")
	if err != nil {
		return reply{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	tags := clone(f.tags)
	if tags == nil {
		tags = map[string]string{}
	}
	return reply{200, map[string]any{"Tags": tags}}, nil
}

func tagResource(c *call) (reply, error) {
	var in struct{ Tags map[string]string }
	if err := c.body(&in); err != nil {
		return reply{}, err
	}
	c.sets(in.Tags)
	f, _, err := c.one("TagResource")
	if err != nil {
		return reply{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	merged := clone(f.tags)
	if merged == nil {
		merged = map[string]string{}
	}
	for k, v := range in.Tags {
		merged[k] = v
	}
	if err := checkTags(merged); err != nil {
		return reply{}, err
	}
	f.tags = merged
	return reply{status: 204}, nil
}

func untagResource(c *call) (reply, error) {
	c.condition("aws:TagKeys", c.Request.URL.Query()["tagKeys"]...)
	f, _, err := c.one("UntagResource")
	if err != nil {
		return reply{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	f.tags = clone(f.tags)
	for _, k := range c.Request.URL.Query()["tagKeys"] {
		delete(f.tags, k)
	}
	return reply{status: 204}, nil
}
