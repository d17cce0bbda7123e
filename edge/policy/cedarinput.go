package policy

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
)

// cedarRequest builds the request and the entities of a Cedar evaluation:
//
//	principal  User::"<sub>", Client::"<client_id>" or Anonymous::"", with the claims as attributes, in Group::"…" and Role::"…"
//	action     Action::"GET", in Action::"read" (GET, HEAD, OPTIONS) or Action::"write"
//	resource   API::"<service>/<METHOD> <template>" with service, method, template, path, path_params and tags, in Service::"<service>"
//	context    headers, query, path_params, scopes, scope_params, claims, client, developer, login, method, path, body, mtls, source_ip, now, weekday (mon … sun, UTC)
//
// Parts that the policy cannot read are left out. A part that it can read and that Cedar cannot represent is an error.
func cedarRequest(e *env, p *cedarPolicy) (cedar.Request, types.EntityGetter, error) {
	in, r := e.in, &p.reads
	claims, err := cedarClaims(in.AuthnCtx, r)
	if err != nil {
		return cedar.Request{}, nil, err
	}
	principal := cedarPrincipal(in.AuthnCtx)
	method := strings.ToUpper(in.Request.Method)
	resource := cedarUID(cedarAPI, in.Request.Service+"/"+method+" "+in.Request.Template)
	context, err := cedarContext(e, p, claims)
	if err != nil {
		return cedar.Request{}, nil, err
	}
	req := cedar.Request{Principal: principal, Action: cedarUID(cedarAction, method), Resource: resource, Context: context}
	entities := cedarEntities{req: &req, principal: cedar.Entity{UID: principal, Attributes: claims}}
	if p.identity {
		entities.principal.Parents = cedarParents(in.AuthnCtx)
	}
	entities.resource = cedar.Entity{UID: resource}
	if r.All || r.API {
		entities.resource.Parents = cedar.NewEntityUIDSet(cedarServiceUID(&in.Request))
	}
	if r.All || r.API || r.Path || r.Method || r.AllPathParams || len(r.PathParams) > 0 {
		m := cedar.RecordMap{"method": types.String(method), "path": types.String(in.Request.Path)}
		if r.All || r.AllPathParams || len(r.PathParams) > 0 {
			m["path_params"] = cedarTexts(in.Request.PathParams)
		}
		if r.All || r.API {
			entities.resource.Tags = cedarTexts(in.Request.Tags)
			m["tags"] = entities.resource.Tags
			m["service"], m["template"] = types.String(in.Request.Service), types.String(in.Request.Template)
		}
		entities.resource.Attributes = cedar.NewRecord(m)
	}
	return req, &entities, nil
}

// cedarEntities is the three entities of one request, and nothing else.
type cedarEntities struct {
	req                 *cedar.Request
	principal, resource cedar.Entity
}

func (c *cedarEntities) Get(uid cedar.EntityUID) (cedar.Entity, bool) {
	switch uid {
	case c.req.Principal:
		return c.principal, true
	case c.req.Resource:
		return c.resource, true
	case c.req.Action:
		group := "write"
		switch uid.ID {
		case "GET", "HEAD", "OPTIONS":
			group = "read"
		}
		return cedar.Entity{UID: uid, Parents: cedar.NewEntityUIDSet(cedarUID(cedarAction, group))}, true
	}
	return cedar.Entity{}, false
}

// identityClaims are the claims that cedarPrincipal and cedarParents read.
var identityClaims = []string{"azp", "cid", "client_id", "group", "groups", "role", "roles", "sub"}

// cedarPrincipal is the user when the token has a subject that is not the client itself (RFC 9068 section 2.2 has
// "sub" repeat the client for client credentials), else the client, else nobody.
func cedarPrincipal(claims map[string]any) cedar.EntityUID {
	sub, _ := claims["sub"].(string)
	client := ""
	for _, name := range [...]string{"client_id", "azp", "cid"} {
		if client, _ = claims[name].(string); client != "" {
			break
		}
	}
	switch {
	case sub != "" && sub != client:
		return cedarUID(cedarUser, sub)
	case client != "":
		return cedarUID(cedarClient, client)
	}
	return cedarUID(cedarAnonymous, "")
}

func cedarParents(claims map[string]any) cedar.EntityUIDSet {
	var parents []cedar.EntityUID
	for _, c := range [...]struct {
		name string
		typ  cedar.EntityType
	}{{"groups", cedarGroup}, {"group", cedarGroup}, {"roles", cedarRole}, {"role", cedarRole}} {
		v := valueOf(claims[c.name])
		for i := range v.size() {
			if item := v.at(i); item.kind == kindText && item.s != "" {
				parents = append(parents, cedarUID(c.typ, item.s))
			}
		}
	}
	return cedar.NewEntityUIDSet(parents...)
}

func cedarClaims(claims map[string]any, r *Reads) (cedar.Record, error) {
	if r.All || r.AllClaims {
		return cedarRecord(claims, "claim")
	}
	m := make(cedar.RecordMap, len(r.Claims))
	for _, name := range r.Claims {
		v, err := cedarValue(claims[name])
		if err != nil {
			return cedar.Record{}, fmt.Errorf("claim %s: %w", clip(name), err)
		}
		if v != nil {
			m[types.String(name)] = v
		}
	}
	return cedar.NewRecord(m), nil
}

func cedarContext(e *env, p *cedarPolicy, claims cedar.Record) (cedar.Record, error) {
	in, r := e.in, &p.reads
	m := cedar.RecordMap{"claims": claims}
	if r.All || r.Method || r.Path || r.Body {
		m["method"] = types.String(strings.ToUpper(in.Request.Method))
		m["path"] = types.String(in.Request.Path)
		m["body"] = types.String(in.Request.Body)
	}
	if r.All || r.Time {
		m["now"] = cedar.NewDatetime(e.now)
		m["weekday"] = types.String(strings.ToLower(e.now.UTC().Weekday().String()[:3]))
	}
	if r.All || r.AllHeaders || len(r.Headers) > 0 {
		m["headers"] = cedarHeaders(&in.Request, p)
	}
	if r.All || r.AllQueryParams || len(r.QueryParams) > 0 {
		q := make(cedar.RecordMap, len(in.Request.QueryParams))
		for k, vs := range in.Request.QueryParams {
			q[types.String(k)] = cedarTextSet(vs)
		}
		m["query"] = cedar.NewRecord(q)
	}
	if p.contextParams {
		m["path_params"] = cedarTexts(in.Request.PathParams)
	}
	if (r.All || r.MTLS) && in.Request.MTLS != nil {
		v, err := cedarRecord(in.Request.MTLS, "mtls")
		if err != nil {
			return cedar.Record{}, err
		}
		m["mtls"] = v
	}
	if addr, err := netip.ParseAddr(in.Request.SourceIP); (r.All || r.SourceIP) && err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		m["source_ip"] = types.IPAddr(netip.PrefixFrom(addr, addr.BitLen()))
	}
	if r.All || r.AllContexts || len(r.Contexts) > 0 {
		if err := cedarContexts(in, r, m); err != nil {
			return cedar.Record{}, err
		}
	}
	return cedar.NewRecord(m), nil
}

// cedarContexts adds scopes, scope_params and what else of contexts the policy reads.
func cedarContexts(in *Input, r *Reads, m cedar.RecordMap) error {
	for _, name := range [...]string{"client", "developer", "login"} {
		if !r.All && !r.AllContexts && !slices.Contains(r.Contexts, name) {
			continue
		}
		v, err := cedarValue(in.Contexts[name])
		if err != nil {
			return fmt.Errorf("contexts.%s: %w", name, err)
		}
		if v != nil {
			m[types.String(name)] = v
		}
	}
	var names []types.Value
	params := cedar.RecordMap{}
	eachScope(in.AuthnCtx, func(s string) bool {
		names = append(names, types.String(s))
		return true
	})
	scopes, _ := in.Contexts["scopes"].(map[string]any)
	for name, x := range scopes {
		grants := valueOf(x)
		if grants.kind == kindAbsent || grants.kind == kindList && grants.size() == 0 {
			continue
		}
		if !strings.HasSuffix(name, "*") {
			names = append(names, types.String(name))
			continue
		}
		params[types.String(name)] = cedarTextSet(dynamicParams(in, name, 0))
	}
	m["scopes"] = cedar.NewSet(names...)
	m["scope_params"] = cedar.NewRecord(params)
	return nil
}

// cedarHeaders holds the headers that the policy names, as it spells them, or all of them in lower case. Values are
// sets: a header may come several times.
func cedarHeaders(req *Request, p *cedarPolicy) cedar.Record {
	m := cedar.RecordMap{}
	if p.reads.All || p.reads.AllHeaders {
		for k := range req.Headers {
			k = strings.ToLower(k)
			m[types.String(k)] = cedarTextSet(req.header(k))
		}
	}
	for _, name := range p.headers {
		if vs := req.header(name); len(vs) > 0 {
			m[types.String(name)] = cedarTextSet(vs)
		}
	}
	return cedar.NewRecord(m)
}

func cedarTexts(m map[string]string) cedar.Record {
	out := make(cedar.RecordMap, len(m))
	for k, v := range m {
		out[types.String(k)] = types.String(v)
	}
	return cedar.NewRecord(out)
}

func cedarTextSet(vs []string) cedar.Set {
	values := make([]types.Value, len(vs))
	for i, v := range vs {
		values[i] = types.String(v)
	}
	return cedar.NewSet(values...)
}

func cedarRecord(members map[string]any, what string) (cedar.Record, error) {
	m := make(cedar.RecordMap, len(members))
	for k, x := range members {
		v, err := cedarValue(x)
		if err != nil {
			return cedar.Record{}, fmt.Errorf("%s %s: %w", what, clip(k), err)
		}
		if v != nil {
			m[types.String(k)] = v
		}
	}
	return cedar.NewRecord(m), nil
}

// cedarValue converts what a JSON decoder made: whole numbers to Long, others to decimal when four places hold them,
// lists to sets, null to nothing.
func cedarValue(x any) (types.Value, error) {
	if m, ok := x.(map[string]any); ok {
		return cedarRecord(m, "member")
	}
	v := valueOf(x)
	switch v.kind {
	case kindAbsent:
		return nil, nil
	case kindBool:
		return types.Boolean(v.b), nil
	case kindText:
		return types.String(v.s), nil
	case kindNumber:
		if v.n.whole {
			return types.Long(v.n.i), nil
		}
		if v.n.rough {
			return nil, errors.New("the number has more digits than can be told apart")
		}
		if d, err := cedar.NewDecimal(int64(math.Round(v.n.f*1e4)), -4); err == nil && math.Abs(v.n.f) < 1e14 && math.Round(v.n.f*1e4)/1e4 == v.n.f {
			return d, nil
		}
		return nil, errors.New("the number is neither a Long nor a decimal with four places")
	case kindList:
		if v.texts != nil {
			return cedarTextSet(v.texts), nil
		}
		values := make([]types.Value, 0, len(v.list))
		for _, item := range v.list {
			w, err := cedarValue(item)
			if err != nil {
				return nil, err
			}
			if w != nil {
				values = append(values, w)
			}
		}
		return cedar.NewSet(values...), nil
	}
	return nil, errors.New("no type of Cedar fits")
}
