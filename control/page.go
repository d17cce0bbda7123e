package control

// Page is a bounded part of a list: what lies behind or in front of one of its objects, by a key that does not move when
// others are added or removed. The zero value is the beginning of the list, by id.
type Page struct {
	Search string // part of the name or id, letter case ignored
	ByName bool   // ordered by name, letter case ignored, and then by id; otherwise by id
	After  string // id of an object: the page begins behind it
	Before string // id of an object: the page ends right in front of it
	Desc   bool   // the other way round
	Limit  int    // 0 means as many as a list may have
	// Types narrows lists of workspaces and services to these types; empty means all.
	Types []string
}

// ClientFilter narrows a list of clients by what is derived from them; empty members mean all.
type ClientFilter struct {
	// ApplicationTypes: service, for a client that acts for itself only; single_page, for one that users log in at and
	// that keeps no secret; server_web, for any other.
	ApplicationTypes []string
	Kinds            []string // confidential or public (RFC 6749 2.1)
}
