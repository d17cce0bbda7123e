package control

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// StaticIDP is the id of a workspace's own list of users; a workspace has at most one.
const StaticIDP = "static"

// Methods of identity providers.
const (
	MethodStatic = "static"
	MethodOIDC   = "oidc"
)

// IDP is an identity provider of a workspace. Whoever runs it says who the users are, with which methods they proved it,
// and, where Roles says so, what they may do.
type IDP struct {
	ID          string        `json:"id"`
	TenantID    string        `json:"tenant_id"`
	WorkspaceID string        `json:"server_id"`
	Name        string        `json:"name"`   // on the button of the log-in page
	Method      string        `json:"method"` // static, oidc
	Disabled    bool          `json:"disabled"`
	OIDC        *OIDCSettings `json:"oidc,omitempty"` // of method oidc
	CreatedAt   time.Time     `json:"created_at"`
	UpdatedAt   time.Time     `json:"updated_at"`
}

// OIDCSettings say how we are a client of another OpenID provider. The client secret is kept apart, sealed.
type OIDCSettings struct {
	IssuerURL  string   `json:"issuer_url"` // exactly as its metadata and its ID tokens have it
	ClientID   string   `json:"client_id"`
	AuthMethod string   `json:"token_endpoint_auth_method"` // client_secret_basic (default), client_secret_post, none
	Scopes     []string `json:"scopes"`                     // "openid" is always among them
	Algorithms []string `json:"id_token_signing_algs"`      // what ID tokens may be signed with
	UserInfo   bool     `json:"fetch_userinfo"`             // ask the userinfo endpoint for claims that the ID token lacks
	// Mappings say which claims go on into our tokens; an empty list means DefaultMappings.
	Mappings []ClaimMapping `json:"mappings"`
	// Roles say what users of the workspace admin may do, anew with each log-in; the highest that fits holds. Where there
	// is no rule, an administrator gives roles by hand. Only in the workspace admin.
	Roles []RoleRule `json:"roles"`
}

// ClaimMapping copies a claim. Source is a claim's name, or a path of names with dots ("realm_access.roles"); Target is
// the claim in our tokens, of which "preferred_username", "name" and "email" are the user's own.
type ClaimMapping struct {
	Source string `json:"source"`
	Target string `json:"target"`
}

// RoleRule gives a role to users whose claim is, or as a list holds, the value. The zero rule gives none.
type RoleRule struct {
	Claim       string `json:"claim"` // as Source of a mapping
	Value       string `json:"value"`
	Role        Role   `json:"role"`
	WorkspaceID string `json:"server_id"` // empty: in every workspace
}

// DefaultMappings hold where an identity provider has none of its own (OpenID Connect Core 5.1).
func DefaultMappings() []ClaimMapping {
	return []ClaimMapping{{"preferred_username", "preferred_username"}, {"name", "name"}, {"email", "email"},
		{"email_verified", "email_verified"}, {"groups", "groups"}}
}

// IDTokenAlgorithms are all that an ID token may be signed with: never "none", never a shared secret (RFC 8725 3.1).
func IDTokenAlgorithms() []string {
	return []string{"RS256", "ES256", "PS256", "EdDSA", "RS384", "RS512", "ES384", "ES512", "PS384", "PS512"}
}

var (
	idpID     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	claimName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)
)

// Bounds of what an identity provider may be told, and may tell us.
const (
	MaxIDPs       = 20
	maxAttributes = 8 << 10 // bytes of JSON; API Gateway passes on headers of 10,240 bytes in all
)

// ReservedClaim reports whether a claim of our tokens is one that no attribute may stand for.
func ReservedClaim(name string) bool {
	switch name {
	case "azp", "nonce", "at_hash", "c_hash", "s_hash", "cnf", "act", "may_act", "typ", "sid", "st", "idp_sub", "idpm", "events", "active", "token_type", "username", "tenant_id", "server_id", "authorization_details":
		return true
	}
	return slices.Contains(IssuedClaims[:], name)
}

// Validate checks an identity provider, all mistakes at once.
func (p IDP) Validate() error {
	var c Checks
	c.matches("id", p.ID, idpID, "1 to 63 small letters, digits or - and begin with a letter or digit")
	c.name("name", p.Name)
	c.oneOf("method", p.Method, MethodStatic, MethodOIDC)
	switch {
	case p.Method == MethodStatic && p.ID != StaticIDP, p.Method != MethodStatic && p.ID == StaticIDP:
		c.Add("id", `must be "static" for the method static, and for no other`)
	case p.Method == MethodStatic && p.OIDC != nil:
		c.Add("oidc", "must be left out for the method static")
	case p.Method == MethodOIDC && p.OIDC == nil:
		c.Add("oidc", "must say where the identity provider is")
	case p.Method == MethodOIDC:
		p.OIDC.check(&c, p.WorkspaceID)
	}
	return c.Err("identity provider")
}

func (s OIDCSettings) check(c *Checks, workspace string) {
	if !IssuerAddress(s.IssuerURL) {
		c.Add("issuer_url", "must be https:// and a host, without query and fragment, as the provider's metadata has it") // OpenID Connect Discovery 1.0 3
	}
	c.name("client_id", s.ClientID)
	c.oneOf("token_endpoint_auth_method", s.AuthMethod, AuthBasic, AuthPost, AuthNone)
	for _, list := range []struct {
		name string
		len  int
	}{{"scopes", len(s.Scopes)}, {"mappings", len(s.Mappings)}, {"roles", len(s.Roles)}} {
		if list.len > maxList {
			c.Add(list.name, "has more than 200 entries")
		}
	}
	for _, scope := range s.Scopes {
		c.matches("scopes", scope, scopeName, "a list of scope names")
	}
	if !slices.Contains(s.Scopes, "openid") {
		c.Add("scopes", `must hold "openid"`) // OpenID Connect Core 3.1.2.1
	}
	if len(s.Algorithms) == 0 {
		c.Add("id_token_signing_algs", "must name at least one algorithm")
	}
	for _, a := range s.Algorithms {
		c.oneOf("id_token_signing_algs", a, IDTokenAlgorithms()...)
	}
	for i, m := range s.Mappings {
		at := fmt.Sprintf("mappings[%d]", i)
		c.name(at, m.Source)
		switch m.Target {
		case "name", "email", "preferred_username":
			continue
		}
		if !claimName.MatchString(m.Target) {
			c.Add(at, "needs a target of letters, digits and _")
		} else if ReservedClaim(m.Target) {
			c.Add(at, "cannot set "+m.Target+": it is this issuer's own claim")
		}
	}
	if len(s.Roles) > 0 && workspace != AdminWorkspace {
		c.Add("roles", "are for the workspace admin only: users of other workspaces have none in the portal")
	}
	for i, r := range s.Roles {
		at := fmt.Sprintf("roles[%d]", i)
		c.name(at, r.Claim)
		c.name(at, r.Value)
		if r.Role <= NoRole || r.Role > Admin {
			c.Add(at, "must give one of: member, auditor, manager, admin")
		}
		if r.Role == Admin && r.WorkspaceID != "" {
			c.Add(at, "can give admin in every workspace only: administrators are the tenant's")
		}
		if r.WorkspaceID != "" && !workspaceID.MatchString(r.WorkspaceID) {
			c.Add(at, "does not name a workspace")
		}
	}
}

// IssuerAddress reports whether a text can be the URL of an issuer (RFC 8414 2): https, a host, no query, no fragment. On
// a loopback address, which no network reaches, http passes.
func IssuerAddress(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.RawQuery != "" || strings.Contains(s, "?") {
		return false
	}
	if u.Scheme == "http" && u.User == nil && u.Fragment == "" && len(s) <= maxPath && (u.Hostname() == "127.0.0.1" || u.Hostname() == "::1" || u.Hostname() == "localhost") {
		return true
	}
	return webURL(s)
}

// Claim finds a claim by its name, or by a path of names with dots; false when it is not there.
func Claim(claims map[string]json.RawMessage, path string) (json.RawMessage, bool) {
	if v, ok := claims[path]; ok { // "https://example.com/groups" is one name
		return v, string(v) != "null"
	}
	first, rest, found := strings.Cut(path, ".")
	if !found {
		return nil, false
	}
	var inner map[string]json.RawMessage
	if json.Unmarshal(claims[first], &inner) != nil {
		return nil, false
	}
	return Claim(inner, rest)
}

// RolesOf are the roles that the rules give to a user with these claims.
func RolesOf(rules []RoleRule, claims map[string]json.RawMessage) (everywhere Role, in map[string]Role) {
	in = map[string]Role{}
	for _, r := range rules {
		v, ok := Claim(claims, r.Claim)
		if !ok || !holds(v, r.Value) {
			continue
		}
		if r.WorkspaceID == "" {
			everywhere = max(everywhere, r.Role)
		} else {
			in[r.WorkspaceID] = max(in[r.WorkspaceID], r.Role)
		}
	}
	for wid, r := range in {
		if r <= everywhere { // a rule for one workspace gives, it does not take away
			delete(in, wid)
		}
	}
	return everywhere, in
}

// holds reports whether a claim is the value, or a list with it.
func holds(claim json.RawMessage, value string) bool {
	var one any
	if json.Unmarshal(claim, &one) != nil {
		return false
	}
	list, ok := one.([]any)
	if !ok {
		list = []any{one}
	}
	for _, v := range list {
		switch v := v.(type) {
		case string:
			if v == value {
				return true
			}
		case bool:
			if fmt.Sprint(v) == value {
				return true
			}
		}
	}
	return false
}

// attributes checks what is to become claims of a user's tokens.
func (c *Checks) attributes(all map[string]json.RawMessage) {
	size := 0
	for name, v := range all {
		size += len(name) + len(v)
		switch {
		case !claimName.MatchString(name):
			c.Add("attributes", "has a name that is not letters, digits and _")
		case ReservedClaim(name), name == "name", name == "email", name == "preferred_username":
			c.Add("attributes", "must not hold "+name+": it is this issuer's own claim")
		case !json.Valid(v):
			c.Add("attributes", "has a value that is not JSON")
		}
	}
	if size > maxAttributes {
		c.Add("attributes", "has more than 8 kB")
	}
}
