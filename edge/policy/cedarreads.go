package policy

import (
	"slices"
	"strings"

	cedarast "github.com/cedar-policy/cedar-go/x/exp/ast"
)

// cedarReader finds what a Cedar policy can read of the input, never less than it does: every attribute path counts,
// whether or not it is ever evaluated, and a variable that is used as a whole counts as a whole.
type cedarReader struct {
	r       Reads
	headers []string
	claims  []string // that the policy names, without those that make up the principal
	unknown []string // paths that no input has

	principal, contextParams bool // the principal itself and context.path_params are read
}

func (c *cedarReader) policy(p *cedarast.Policy) {
	if _, all := p.Principal.(cedarast.ScopeTypeAll); !all {
		c.identity()
	}
	if _, all := p.Action.(cedarast.ScopeTypeAll); !all {
		c.r.Method = true
	}
	switch s := p.Resource.(type) {
	case cedarast.ScopeTypeAll:
	case cedarast.ScopeTypeIs: // the type of the resource is always API
	case cedarast.ScopeTypeIn:
		c.r.API = true
		if s.Entity.Type == cedarAPI {
			c.r.Method = true
		}
	default:
		c.r.API, c.r.Method = true, true
	}
	for _, cond := range p.Conditions {
		c.node(cond.Body)
	}
}

func (c *cedarReader) identity() {
	c.principal = true
	c.r.Claims = append(c.r.Claims, identityClaims...)
}

func (c *cedarReader) node(n cedarast.IsNode) {
	cedarast.Inspect(cedarast.NewNode(n), func(n cedarast.IsNode) bool {
		switch n := n.(type) {
		case cedarast.NodeTypeAccess:
			return !c.path(n.Arg, string(n.Value))
		case cedarast.NodeTypeHas:
			return !c.path(n.Arg, string(n.Value))
		case cedarast.NodeTypeGetTag:
			return c.tag(n.Left)
		case cedarast.NodeTypeHasTag:
			return c.tag(n.Left)
		case cedarast.NodeTypeIn:
			c.literalIn(n.Left)
		case cedarast.NodeTypeIsIn:
			c.literalIn(n.Left)
		case cedarast.NodeTypeVariable:
			c.whole(string(n.Name))
		}
		return true
	})
}

// literalIn covers `User::"joe" in Group::"g"`: the answer depends on whether joe is the principal.
func (c *cedarReader) literalIn(left cedarast.IsNode) {
	if _, ok := left.(cedarast.NodeTypeVariable); !ok {
		c.identity()
		c.r.API, c.r.Method = true, true
	}
}

// tag covers getTag and hasTag: only the resource has tags. Its argument may be any expression.
func (c *cedarReader) tag(left cedarast.IsNode) bool {
	if v, ok := left.(cedarast.NodeTypeVariable); ok && v.Name == "resource" {
		c.r.API, c.r.Method = true, true
		return true
	}
	c.r.All = true
	return true
}

// whole is a variable that is not the start of a path.
func (c *cedarReader) whole(name string) {
	switch name {
	case "principal":
		c.identity()
	case "action":
		c.r.Method = true
	case "resource":
		c.r.API, c.r.Method = true, true
	default:
		c.r.All = true
	}
}

// path adds <variable>.a.b.<last> and reports whether it was one. An attribute of anything but a variable, such as
// User::"joe".email or (if x then principal else resource).y, counts as reading everything.
func (c *cedarReader) path(arg cedarast.IsNode, last string) bool {
	names := []string{last}
	for {
		switch n := arg.(type) {
		case cedarast.NodeTypeAccess:
			names = append(names, string(n.Value))
			arg = n.Arg
			continue
		case cedarast.NodeTypeVariable:
			slices.Reverse(names)
			c.member(string(n.Name), names)
			return true
		}
		c.r.All = true
		return false
	}
}

func (c *cedarReader) member(variable string, names []string) {
	second, ok := "", len(names) > 1
	if ok {
		second = names[1]
	}
	switch variable {
	case "principal":
		c.identity() // a claim counts as an attribute of whoever the principal is
		c.r.addClaim(names[0], true)
		c.claims = append(c.claims, names[0])
	case "resource":
		switch names[0] {
		case "path":
			c.r.Path = true
		case "method":
			c.r.Method = true
		case "path_params":
			c.r.addRequest("path_params", true, second, ok)
		case "service", "template", "tags":
			c.r.API = true
		default:
			c.r.API = true
			c.unknown = append(c.unknown, "resource."+names[0])
		}
	case "action":
		c.r.Method = true
	case "context":
		c.context(names[0], second, ok)
	}
}

func (c *cedarReader) context(name, second string, named bool) {
	switch name {
	case "claims":
		c.r.addClaim(second, named)
		if named {
			c.claims = append(c.claims, second)
		}
	case "headers":
		if !named {
			c.r.AllHeaders = true
			return
		}
		c.r.Headers = append(c.r.Headers, strings.ToLower(second))
		if !slices.Contains(c.headers, second) {
			c.headers = append(c.headers, second)
		}
	case "query":
		c.r.addRequest("query_params", true, second, named)
	case "scopes", "scope_params":
		c.r.addContext("scopes", true)
		c.r.Claims = append(c.r.Claims, "scope", "scp")
	case "now", "weekday":
		c.r.Time = true
	case "client", "developer", "login":
		c.r.addContext(name, true)
	case "method", "path", "body", "mtls", "source_ip", "path_params":
		c.r.addRequest(name, true, second, named)
		c.contextParams = c.contextParams || name == "path_params"
	default:
		c.unknown = append(c.unknown, "context."+name)
	}
}
