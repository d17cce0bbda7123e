package control

import "fmt"

// A dump is a tenant as flat lists: what a tree says by nesting, its entries say by naming their workspace, service,
// gateway. Both directions work on parsed JSON, so that a mistake in a dump is reported like one in a tree.

// dumpLists are the lists of a dump that hold objects of a workspace. :: list → member of the tree
var dumpLists = []struct{ list, member, id, workspace string }{
	{"policies", "policies", "id", "server_id"},
	{"services", "services", "id", "authorization_server_id"},
	{"clients", "clients", "client_id", "authorization_server_id"},
	{"gateways", "gateways", "id", "authorization_server_id"},
	{"scopes_without_service", "scopes_without_service", "name", "authorization_server_id"},
	{"idps", "idps", "id", "authorization_server_id"},
}

// Dump is the dump of a tree, whose document is left as it is. Services carry their scopes; APIs are a list of their own.
func Dump(tenant string, tree any) map[string]any {
	out := map[string]any{"tenants": []any{map[string]any{"id": tenant}}}
	for _, l := range []string{"servers", "services", "scopes_without_service", "apis", "policies", "policy_execution_points", "clients", "gateways",
		"gateway_api_groups", "idps", "cross_tenant_api_policy_bindings"} {
		out[l] = []any{}
	}
	add := func(list string, o map[string]any) { out[list] = append(out[list].([]any), o) }
	servers := child(tree, "servers")
	for _, wid := range sortedKeys(servers) {
		server := copyObject(servers[wid])
		for _, l := range dumpLists {
			objects := child(server, l.member)
			for _, id := range sortedKeys(objects) {
				o := copyObject(objects[id])
				o["tenant_id"], o[l.workspace], o[l.id] = tenant, wid, id
				switch l.list {
				case "services":
					dumpService(o, tenant, wid, id, add)
				case "gateways":
					dumpGateway(o, tenant, wid, id, add)
				}
				add(l.list, o)
			}
			delete(server, l.member)
		}
		delete(server, "policy_execution_points")
		server["id"], server["tenant_id"] = wid, tenant
		add("servers", server)
	}
	return out
}

func dumpService(o map[string]any, tenant, wid, id string, add func(string, map[string]any)) {
	apis := child(o, "apis")
	for _, k := range sortedKeys(apis) {
		x := copyObject(apis[k])
		x["id"], x["tenant_id"], x["server_id"], x["service_id"] = k, tenant, wid, id
		add("apis", x)
	}
	delete(o, "apis")
	list := []any{}
	scopes := child(o, "scopes")
	for _, k := range sortedKeys(scopes) {
		x := copyObject(scopes[k])
		x["name"], x["tenant_id"], x["authorization_server_id"], x["service_id"] = k, tenant, wid, id
		list = append(list, x)
	}
	o["scopes"] = list
}

func dumpGateway(o map[string]any, tenant, wid, id string, add func(string, map[string]any)) {
	groups := child(o, "gateway_api_groups")
	for _, k := range sortedKeys(groups) {
		x := copyObject(groups[k])
		x["id"], x["tenant_id"], x["server_id"], x["gateway_id"] = k, tenant, wid, id
		add("gateway_api_groups", x)
	}
	delete(o, "gateway_api_groups")
	client := copyObject(o["client"])
	delete(o, "client")
	o["client_id"] = client["client_id"]
	client["tenant_id"], client["authorization_server_id"], client["client_name"], client["system"] = tenant, SystemWorkspace, o["name"], true
	add("clients", client)
}

// Undump is the tree of a dump. What cannot be placed is added to c.
func Undump(tenant string, dump any, c *Checks) any {
	d, ok := dump.(map[string]any)
	if !ok {
		c.Add("document", "must be an object")
		return map[string]any{}
	}
	u := undumper{tenant: tenant, dump: d, c: c, servers: map[string]any{}}
	known := map[string]bool{"tenants": true, "servers": true, "apis": true, "gateway_api_groups": true}
	u.each("tenants", func(path string, o map[string]any) {
		if id, _ := o["id"].(string); id != tenant {
			c.Add(path+".id", fmt.Sprintf("must be %q, the tenant of the path", tenant))
		}
	})
	u.each("servers", func(path string, o map[string]any) {
		id, ok := o["id"].(string)
		if !ok || id == "" {
			c.Add(path+".id", "is missing")
			return
		}
		s := u.server(id)
		for k, v := range o {
			if _, there := s[k]; !there {
				s[k] = v
			}
		}
	})
	if _, listed := dump.(map[string]any)["idps"].([]any); listed { // without the list they stay as they are
		for wid := range u.servers {
			members(u.server(wid), "idps")
		}
	}
	gatewayClients := u.gatewayClients()
	for _, l := range dumpLists {
		known[l.list] = true
		u.each(l.list, func(path string, o map[string]any) { u.place(path, l.member, l.id, l.workspace, o, gatewayClients) })
	}
	u.each("apis", func(path string, o map[string]any) {
		wid, service := text(o, "server_id"), text(o, "service_id")
		if s := u.object(wid, "services", service); s == nil {
			c.Add(path+".service_id", fmt.Sprintf("names no service of the dump in the workspace %q", wid))
		} else {
			u.put(path, members(s, "apis"), text(o, "id"), o)
		}
	})
	u.each("gateway_api_groups", func(path string, o map[string]any) {
		if g := u.object(text(o, "server_id"), "gateways", text(o, "gateway_id")); g == nil {
			c.Add(path+".gateway_id", "names no gateway of the dump in the same workspace")
		} else {
			u.put(path, members(g, "gateway_api_groups"), text(o, "id"), o)
		}
	})
	for _, k := range sortedKeys(d) {
		if !known[k] && !EmptyValue(d[k]) {
			c.Add(k, "is not supported by this server; leave it out")
		}
	}
	return map[string]any{"servers": u.servers}
}

type undumper struct {
	tenant  string
	dump    map[string]any
	c       *Checks
	servers map[string]any
}

// each goes through a list of the dump; it may be absent or null.
func (u *undumper) each(list string, f func(path string, o map[string]any)) {
	if u.dump[list] == nil {
		return
	}
	l, ok := u.dump[list].([]any)
	if !ok {
		u.c.Add(list, "must be an array")
		return
	}
	for i, v := range l {
		path := fmt.Sprintf("%s[%d]", list, i)
		o, ok := v.(map[string]any)
		if !ok {
			u.c.Add(path, "must be an object")
			continue
		}
		f(path, copyObject(o))
	}
}

func (u *undumper) server(wid string) map[string]any {
	s, ok := u.servers[wid].(map[string]any)
	if !ok {
		s = map[string]any{}
		u.servers[wid] = s
	}
	return s
}

func (u *undumper) object(wid, member, id string) map[string]any {
	s, _ := u.servers[wid].(map[string]any)
	o, _ := child(s, member)[id].(map[string]any)
	return o
}

// members is the object of a member, which is made when it is not there.
func members(o map[string]any, member string) map[string]any {
	m, ok := o[member].(map[string]any)
	if !ok {
		m = map[string]any{}
		o[member] = m
	}
	return m
}

// put places an object under its id, once.
func (u *undumper) put(path string, into map[string]any, id string, o map[string]any) {
	switch _, twice := into[id]; {
	case id == "":
		u.c.Add(path+".id", "is missing")
	case twice:
		u.c.Add(path+".id", fmt.Sprintf("comes twice: %q", id))
	default:
		into[id] = o
	}
}

// gatewayClients are the ids of the clients that belong to gateways of the dump. :: client id → where its entry goes
func (u *undumper) gatewayClients() map[string]map[string]any {
	out := map[string]map[string]any{}
	u.each("gateways", func(path string, o map[string]any) {
		if id := text(o, "client_id"); id != "" {
			out[id] = map[string]any{"client_id": id}
		}
	})
	return out
}

// place puts an entry of a list where it belongs in the tree.
func (u *undumper) place(path, member, idMember, workspaceMember string, o map[string]any, gatewayClients map[string]map[string]any) {
	wid, id := text(o, workspaceMember), text(o, idMember)
	if wid == "" {
		u.c.Add(path+"."+workspaceMember, "is missing")
		return
	}
	if member == "clients" && gatewayClients[id] != nil {
		if wid != SystemWorkspace {
			u.c.Add(path+"."+workspaceMember, "must be "+SystemWorkspace+", because it is the client of a gateway")
		}
		for k, v := range o {
			gatewayClients[id][k] = v
		}
		return
	}
	u.put(path, members(u.server(wid), member), id, o)
	switch member {
	case "services":
		u.keyed(path, o, "apis", "id")
		u.keyed(path, o, "scopes", "name")
	case "gateways":
		if c := gatewayClients[text(o, "client_id")]; c != nil {
			if o["client"] != nil {
				for k, v := range copyObject(o["client"]) {
					c[k] = v
				}
			}
			o["client"] = c
		}
	}
}

// keyed turns a list inside an entry into an object by key. APIs without an id are keyed by method and path.
func (u *undumper) keyed(path string, o map[string]any, member, key string) {
	if o[member] == nil {
		delete(o, member)
		return
	}
	l, ok := o[member].([]any)
	if !ok {
		u.c.Add(path+"."+member, "must be an array")
		delete(o, member)
		return
	}
	out := map[string]any{}
	for i, v := range l {
		at := fmt.Sprintf("%s.%s[%d]", path, member, i)
		x, ok := v.(map[string]any)
		if !ok {
			u.c.Add(at, "must be an object")
			continue
		}
		id := text(x, key)
		if id == "" && member == "apis" {
			id = text(x, "method") + " " + text(x, "path")
		}
		if id == "" || out[id] != nil {
			u.c.Add(at+"."+key, "is missing, or comes twice")
			continue
		}
		out[id] = x
	}
	o[member] = out
}

func text(o map[string]any, member string) string { s, _ := o[member].(string); return s }

func child(v any, member string) map[string]any {
	o, _ := v.(map[string]any)
	m, _ := o[member].(map[string]any)
	return m
}

func copyObject(v any) map[string]any {
	o, _ := v.(map[string]any)
	out := make(map[string]any, len(o)+4)
	for k, x := range o {
		out[k] = x
	}
	return out
}
