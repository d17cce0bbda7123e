package control

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The forms that ids and names take. Every pattern is anchored and has no nested repetition.
var (
	workspaceID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
	objectID    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$`)
	groupID     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:~-]{0,199}$`)
	colour      = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)
	methodName  = regexp.MustCompile(`^[A-Z]{3,20}$`)
	// RFC 6749 section 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
	scopeName = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]{1,200}$`)
	apiID     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,255}$`)
	userName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,99}$`)
)

const (
	maxName        = 200  // characters
	maxDescription = 2000 // characters
	maxPath        = 2048 // bytes
	maxDefinition  = 256 << 10
	maxList        = 200
	minTTL         = 10 * time.Second
	maxTTL         = 24 * time.Hour
)

// Checks collects what is wrong with a noun, by JSON member. The zero value is ready.
type Checks struct{ fields map[string]string }

// Add records a problem of a member; the first one of a member stays.
func (c *Checks) Add(member, problem string) {
	if c.fields == nil {
		c.fields = map[string]string{}
	}
	if _, ok := c.fields[member]; !ok {
		c.fields[member] = problem
	}
}

// Err is nil, or the Invalid error of a noun with all that was found.
func (c *Checks) Err(noun string) error {
	if len(c.fields) == 0 {
		return nil
	}
	e := Errorf(Invalid, "invalid_"+strings.ReplaceAll(noun, " ", "_"), "the %s is not valid", noun)
	if len(c.fields) == 1 {
		for member, problem := range c.fields {
			e.Message = "the " + noun + " is not valid: " + member + " " + problem
		}
	}
	e.Fields = c.fields
	return e
}

// name checks a text that people read in one line.
func (c *Checks) name(member, s string) {
	switch {
	case strings.TrimSpace(s) == "":
		c.Add(member, "must not be empty")
	default:
		c.line(member, s, maxName)
	}
}

// line checks a text of at most max characters without control characters; empty is fine.
func (c *Checks) line(member, s string, max int) {
	if !utf8.ValidString(s) {
		c.Add(member, "is not UTF-8")
		return
	}
	if utf8.RuneCountInString(s) > max {
		c.Add(member, "is too long")
	}
	for _, r := range s {
		if unicode.IsControl(r) && (r != '\n' && r != '\t' || max == maxName) {
			c.Add(member, "contains a control character")
		}
	}
}

func (c *Checks) matches(member, s string, re *regexp.Regexp, form string) {
	if !re.MatchString(s) {
		c.Add(member, "must be "+form)
	}
}

func (c *Checks) oneOf(member, s string, allowed ...string) {
	for _, a := range allowed {
		if s == a {
			return
		}
	}
	c.Add(member, "must be one of: "+strings.Join(allowed, ", "))
}

const objectIDForm = "1 to 128 letters, digits or any of - _ . : and begin with a letter or digit"

// Slug is an id made from a name: lower-case letters, digits and single hyphens, at most 60; "" when nothing is left.
func Slug(name string) string {
	var b strings.Builder
	hyphen := false
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			hyphen = hyphen && b.Len() > 0
			if b.Len() >= 60 || hyphen && b.Len() >= 59 {
				break
			}
			if hyphen {
				b.WriteByte('-')
				hyphen = false
			}
			b.WriteRune(r)
			continue
		}
		hyphen = true
	}
	return b.String()
}

// Validate checks a workspace whose defaults are filled in.
func (w Workspace) Validate() error {
	var c Checks
	c.matches("id", w.ID, workspaceID, "1 to 63 lower-case letters, digits, - or _ and begin with a letter or digit")
	c.name("name", w.Name)
	c.line("description", w.Description, maxDescription)
	c.matches("color", w.Color, colour, "a colour such as #007FFF")
	c.oneOf("type", w.Type, "admin", "system", "regular")
	c.oneOf("key_type", w.KeyType, "ecdsa", "rsa", "ps", "eddsa")
	c.oneOf("access_token_strategy", w.AccessTokenStrategy, TokensJWT, TokensOpaque)
	if w.AccessTokenStrategy == TokensOpaque && (w.ID == AdminWorkspace || w.ID == SystemWorkspace) {
		c.Add("access_token_strategy", "must be jwt in the workspaces admin and system, whose tokens say which tenant they are for")
	}
	if d := w.AccessTokenTTL; d < Duration(minTTL) || d > Duration(maxTTL) {
		c.Add("access_token_ttl", "must be between 10s and 24h")
	}
	c.oneOf("dynamic_scope_separator", w.DynamicScopeSep, ".", ":", "/")
	return c.Err("workspace")
}

// Validate checks a service.
func (s Service) Validate() error {
	var c Checks
	c.matches("id", s.ID, objectID, objectIDForm)
	c.name("name", s.Name)
	c.line("description", s.Description, maxDescription)
	c.oneOf("type", s.Type, "user", "system")
	if s.CustomAudience != "" {
		if u, err := url.Parse(s.CustomAudience); err != nil || strings.ContainsAny(s.CustomAudience, " \t\n\"\\") || len(s.CustomAudience) > maxPath || u.Fragment != "" {
			c.Add("custom_audience", "must be a URI or a name without spaces, such as https://api.example.com")
		}
	}
	return c.Err("service")
}

// Validate checks a scope.
func (s Scope) Validate() error {
	var c Checks
	c.matches("id", s.ID, objectID, objectIDForm)
	c.matches("name", s.Name, scopeName, "1 to 200 printable ASCII characters without space, quote and backslash (RFC 6749 section 3.3)")
	if strings.Count(s.Name, "*") > 1 || strings.Contains(s.Name, "*") && !strings.HasSuffix(s.Name, "*") {
		c.Add("name", "may have one *, at its end")
	}
	c.line("display_name", s.DisplayName, maxName)
	c.line("description", s.Description, maxDescription)
	return c.Err("scope")
}

// routeKeys are routes of HTTP and WebSocket APIs that have no path: whatever no other route serves, and opening a connection.
var routeKeys = []string{"$default", "$connect"}

// ValidateMethod reports what is wrong with a method and path template of an API; "" means nothing.
func ValidateMethod(method, path string) string {
	switch {
	case slices.Contains(routeKeys, path):
		if method != "ANY" {
			return "method must be ANY for the route " + path
		}
		return ""
	case !methodName.MatchString(method):
		return "method must be upper-case letters, or ANY"
	case !strings.HasPrefix(path, "/"):
		return "path must begin with /"
	case len(path) > maxPath || !utf8.ValidString(path):
		return "path is too long or not UTF-8"
	case strings.ContainsFunc(path, func(r rune) bool { return unicode.IsControl(r) || r == '?' || r == '#' }):
		return "path must be a template without query, fragment and control characters"
	}
	return ""
}

// ValidateAPI checks an API that is made by hand.
func ValidateAPI(a API) error {
	var c Checks
	c.matches("id", a.ID, apiID, "1 to 256 letters, digits or any of - _ . :")
	if p := ValidateMethod(a.Method, a.Path); p != "" {
		member, rest, _ := strings.Cut(p, " ")
		c.Add(member, rest)
	}
	c.oneOf("api_type", a.APIType, "rest")
	c.classifications(a.DataClassifications)
	return c.Err("api")
}

// Validate checks what an update of an API carries.
func (u APIUpdate) Validate() error {
	var c Checks
	c.classifications(u.DataClassifications)
	return c.Err("api")
}

func (c *Checks) classifications(list []string) {
	if len(list) > maxList {
		c.Add("data_classifications", "has more than 200 entries")
	}
	for _, s := range list {
		c.name("data_classifications", s)
	}
}

// Validate checks name, description and type of a gateway.
func (g Gateway) Validate() error {
	var c Checks
	c.name("name", g.Name)
	c.line("description", g.Description, maxDescription)
	c.oneOf("type", g.Type, "aws")
	return c.Err("gateway")
}

// ValidateGroupID reports whether a group's id is safe in a URL path.
func ValidateGroupID(id string) bool { return groupID.MatchString(id) }

// ValidatePolicy checks all of a policy but its body, which edge/policy checks.
func ValidatePolicy(p Policy) error {
	var c Checks
	c.matches("id", p.ID, objectID, objectIDForm)
	c.name("policy_name", p.PolicyName)
	c.oneOf("type", p.Type, PolicyTypes[:]...)
	c.oneOf("language", p.Language, "cloudentity", "rego", "cedar")
	c.oneOf("env_version", p.EnvVersion, "", "v0", "v1")
	if n := len(p.Definition); n > maxDefinition {
		c.Add("definition", "has "+strconv.Itoa(n)+" bytes; "+strconv.Itoa(maxDefinition)+" are allowed")
	}
	if !utf8.ValidString(p.Definition) {
		c.Add("definition", "is not UTF-8")
	}
	if strings.ContainsRune(p.Definition, 0) {
		c.Add("definition", "contains a NUL character")
	}
	if len(p.Validators) > maxList {
		c.Add("validators", "has "+strconv.Itoa(len(p.Validators))+" entries; "+strconv.Itoa(maxList)+" are allowed")
	}
	size := 0
	for _, v := range p.Validators {
		size += len(v.Conf)
	}
	if size > maxDefinition {
		c.Add("validators", "has "+strconv.Itoa(size)+" bytes; "+strconv.Itoa(maxDefinition)+" are allowed")
	}
	return c.Err("policy")
}

// Validate checks a client.
func (cl Client) Validate() error {
	var c Checks
	c.matches("client_id", cl.ID, objectID, objectIDForm)
	c.name("client_name", cl.Name)
	c.line("description", cl.Description, maxDescription)
	c.oneOf("token_endpoint_auth_method", cl.AuthMethod, AuthBasic, AuthPost, AuthPrivateKeyJWT, AuthNone)
	c.oneOf("client_status", cl.Status, "active", "inactive")
	if len(cl.GrantTypes) == 0 {
		c.Add("grant_types", "must not be empty")
	}
	for _, g := range cl.GrantTypes {
		c.oneOf("grant_types", g, "client_credentials", "authorization_code", "refresh_token")
	}
	cl.checkProof(&c)
	for _, s := range cl.Scopes {
		c.matches("scopes", s, scopeName, "a list of scope names")
	}
	for _, u := range cl.RedirectURIs {
		p, err := url.Parse(u)
		if err != nil || !p.IsAbs() || p.Fragment != "" || len(u) > maxPath || strings.Contains(u, "*") || p.User != nil {
			c.Add("redirect_uris", "must be absolute URIs without fragment (RFC 6749 section 3.1.2)")
		}
	}
	for _, u := range cl.PostLogoutRedirectURIs {
		p, err := url.Parse(u)
		if err != nil || p.Scheme != "https" && p.Scheme != "http" || p.Host == "" || p.Fragment != "" || len(u) > maxPath || strings.Contains(u, "*") || p.User != nil {
			c.Add("post_logout_redirect_uris", "must be https:// (or http://) URIs without fragment")
		}
	}
	for _, a := range cl.Audience {
		c.line("audience", a, maxName)
	}
	for member, list := range map[string][]string{"grant_types": cl.GrantTypes, "scopes": cl.Scopes, "redirect_uris": cl.RedirectURIs, "audience": cl.Audience,
		"post_logout_redirect_uris": cl.PostLogoutRedirectURIs} {
		if len(list) > maxList {
			c.Add(member, "has more than 200 entries")
		}
	}
	return c.Err("client")
}

// Validate checks a user.
func (u User) Validate() error {
	var c Checks
	if u.IDPID == StaticIDP {
		c.matches("username", u.Username, userName, "1 to 100 letters, digits or any of - _ . @ + and begin with a letter or digit")
	} else { // what another provider says, for people to read
		c.line("username", u.Username, maxName)
		if u.Subject == "" || len(u.Subject) > 255 || !utf8.ValidString(u.Subject) || strings.Contains(u.Subject, "\x00") { // OpenID Connect Core 2
			c.Add("subject", "must have 1 to 255 bytes")
		}
	}
	c.line("name", u.Name, maxName)
	c.line("email", u.Email, maxName)
	c.attributes(u.Attributes)
	if u.WorkspaceID != AdminWorkspace && (u.Role != NoRole || len(u.Roles) > 0) {
		c.Add("role", "is for users of the workspace admin only")
	}
	if u.Role < NoRole || u.Role > Admin {
		c.Add("role", "must be one of: none, member, auditor, manager, admin")
	}
	for _, r := range u.Roles {
		if r < NoRole || r > Admin {
			c.Add("roles", "must be one of: none, member, auditor, manager, admin")
		}
	}
	return c.Err("user")
}

// ValidatePassword checks a new password: 12 to 200 characters.
func ValidatePassword(password string) error {
	var c Checks
	if n := utf8.RuneCountInString(password); n < 12 || n > 200 || !utf8.ValidString(password) {
		c.Add("password", "must have 12 to 200 characters")
	}
	return c.Err("password")
}
