package iam

import "strings"

type userXML struct {
	Path       string
	UserName   string
	UserID     string `xml:"UserId"`
	ARN        string `xml:"Arn"`
	CreateDate string
}

func (u *entity) userXML() userXML {
	return userXML{u.path, u.name, u.id, u.arn, u.created.UTC().Format(timeForm)}
}

func createUser(c *call) (any, error) {
	u, err := c.newEntity("User")
	if err != nil {
		return nil, err
	}
	if c.acct.users[u.name] != nil {
		return nil, failure(409, "EntityAlreadyExists", "User with name "+u.name+" already exists.")
	}
	c.acct.users[u.name] = u
	return struct{ User userXML }{u.userXML()}, nil
}

func getUser(c *call) (any, error) {
	u, _, err := c.target()
	if err != nil {
		return nil, err
	}
	return struct{ User userXML }{u.userXML()}, nil
}

func listUsers(c *call) (any, error) {
	if err := c.allow(c.arn("user", "/", "*")); err != nil {
		return nil, err
	}
	var names []string
	for n, u := range c.acct.users {
		if strings.HasPrefix(u.path, c.get("PathPrefix")) {
			names = append(names, n)
		}
	}
	names, marker, err := c.page(names)
	if err != nil {
		return nil, err
	}
	out := struct {
		Users       []userXML `xml:"Users>member"`
		IsTruncated bool
		Marker      string `xml:",omitempty"`
	}{IsTruncated: marker != "", Marker: marker}
	for _, n := range names {
		out.Users = append(out.Users, c.acct.users[n].userXML())
	}
	return out, nil
}

func deleteUser(c *call) (any, error) {
	u, _, err := c.target()
	if err != nil {
		return nil, err
	}
	if err := u.deletable(); err != nil {
		return nil, err
	}
	if len(c.s.userKeys(u)) > 0 {
		return nil, failure(409, "DeleteConflict", "Cannot delete entity, must delete access keys first.")
	}
	delete(c.acct.users, u.name)
	return nil, nil
}
