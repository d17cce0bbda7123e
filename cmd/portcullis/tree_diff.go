package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"portcullis/control"
)

// A tidy tree has no member that says nothing: what is empty, what holds by default, and what follows from other members is
// left out, so that files stay short and a difference is one that somebody made.

// treeKinds are the maps of objects in a tree and in its objects. :: member → the kind of its objects
var treeKinds = map[string]string{"services": "service", "policies": "policy", "clients": "client", "gateways": "gateway",
	"scopes_without_service": "scope", "scopes": "scope", "apis": "api", "gateway_api_groups": "group",
	"idps": "idp", "secrets": "secret"}

// within are the kinds that hold maps of objects themselves. :: kind → those members
var within = map[string][]string{"service": {"scopes", "apis"}, "gateway": {"gateway_api_groups"}}

// derived are the members of a kind that follow from others, or change by themselves.
var derived = map[string][]string{"service": {"gateway_id", "updated_at", "audience"}, "api": {"position"}, "gateway": {"last_active"},
	"client": {"created_at", "updated_at"}}

// usual are the values that hold when a member is left out. :: kind → member → value
var usual = map[string]map[string]any{"api": {"api_type": "rest", "can_have_policy": true},
	"oidc":    {"token_endpoint_auth_method": "client_secret_basic", "scopes": []any{"openid", "profile", "email"}, "id_token_signing_algs": []any{"RS256", "ES256", "PS256", "EdDSA"}},
	"policy":  {"language": "cloudentity", "type": "api"},
	"service": {"type": "user"}, "client": {"grant_types": []any{"client_credentials"}, "token_endpoint_auth_method": "client_secret_basic", "client_status": "active"}}

// tidyServer is a tidy tree of a workspace. Its own plain members stay: leaving one out means that it is to stay as it is.
func tidyServer(tree map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range tree {
		switch _, isObject := v.(map[string]any); {
		case isObject && treeKinds[k] != "":
			out[k] = tidyMap(treeKinds[k], object(v))
		case v == nil, nothing(v) && (isObject || isArray(v)):
		default:
			out[k] = v
		}
		if o := object(out[k]); o != nil && len(o) == 0 {
			delete(out, k)
		}
	}
	return out
}

func isArray(v any) bool { _, ok := v.([]any); return ok }

func tidyMap(kind string, objects map[string]any) map[string]any {
	out := map[string]any{}
	for id, v := range objects {
		if o := object(v); o != nil {
			out[id] = tidyObject(kind, o)
		} else if v == nil {
			out[id] = map[string]any{}
		} else {
			out[id] = v // the server says what is wrong with it
		}
	}
	return out
}

func tidyObject(kind string, o map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range o {
		out[k] = v
	}
	for _, k := range derived[kind] {
		delete(out, k)
	}
	for k, v := range usual[kind] {
		if same(out[k], v) {
			delete(out, k)
		}
	}
	for _, k := range within[kind] {
		if m := object(out[k]); len(m) > 0 {
			out[k] = tidyMap(treeKinds[k], m)
		}
	}
	if kind == "policy" {
		out["definition"] = strings.TrimRight(text(out["definition"]), "\r\n")
		out["validators"] = tidyList(out["validators"], "policy validator")
	}
	if kind == "idp" && object(out["oidc"]) != nil {
		out["oidc"] = tidyObject("oidc", object(out["oidc"]))
	}
	if kind == "group" {
		out["apis"] = tidyList(out["apis"], "api")
	}
	for k, v := range out {
		if len(object(v)) > 0 && treeKinds[k] != "" {
			continue
		}
		if nothing(v) {
			delete(out, k)
		}
	}
	return out
}

// tidyList tidies the objects of a list; conf of a validator stays as it is unless it is null.
func tidyList(v any, kind string) any {
	l, ok := v.([]any)
	if !ok {
		return v
	}
	out := make([]any, len(l))
	for i, x := range l {
		o := object(x)
		if o == nil {
			out[i] = x
			continue
		}
		t := map[string]any{}
		for k, m := range o {
			if u, has := usual[kind][k]; !nothing(m) && (!has || !same(u, m)) || k == "conf" && m != nil {
				t[k] = m
			}
		}
		out[i] = t
	}
	return out
}

// nothing reports whether a value is empty.
func nothing(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case bool:
		return !x
	case string:
		return x == "" || x == "0s"
	case json.Number:
		return x.String() == "0"
	case []any:
		return len(x) == 0
	case map[string]any:
		for _, m := range x {
			if !nothing(m) {
				return false
			}
		}
		return true
	}
	return false
}

// difference writes what makes b out of a, one line each: "+" and "-" for what only one side has, "~" for a changed value.
// It returns how many lines it wrote. Secrets are not shown.
func difference(w io.Writer, path string, a, b any) int {
	x, ok := a.(map[string]any)
	y, ok2 := b.(map[string]any)
	if !ok || !ok2 {
		if same(a, b) {
			return 0
		}
		fmt.Fprintf(w, "~ %s: %s → %s\n", path, short(path, a), short(path, b))
		return 1
	}
	n := 0
	all := map[string]any{}
	for k := range x {
		all[k] = nil
	}
	for k := range y {
		all[k] = nil
	}
	for _, k := range sorted(all) {
		at := k
		if path != "" {
			at = path + "." + k
		}
		from, there := x[k]
		to, here := y[k]
		switch {
		case there && here:
			n += difference(w, at, from, to)
		case here:
			n += list(w, "+", at, to)
		default:
			n += list(w, "-", at, from)
		}
	}
	return n
}

// list writes one line for a value, or one for each object of a map of objects.
func list(w io.Writer, sign, path string, v any) int {
	last := path[strings.LastIndex(path, ".")+1:]
	if m := object(v); treeKinds[last] != "" && len(m) > 0 {
		for _, k := range sorted(m) {
			fmt.Fprintf(w, "%s %s.%s\n", sign, path, k)
		}
		return len(m)
	}
	if object(v) != nil {
		fmt.Fprintf(w, "%s %s\n", sign, path)
	} else {
		fmt.Fprintf(w, "%s %s: %s\n", sign, path, short(path, v))
	}
	return 1
}

// short is a value on one line.
func short(path string, v any) string {
	if strings.HasSuffix(path, "client_secret") || strings.HasSuffix(path, ".value") && (strings.HasPrefix(path, "secrets.") || strings.Contains(path, ".secrets.")) {
		return "(a secret)"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	if r := []rune(string(b)); len(r) > 160 {
		return string(r[:160]) + "…"
	}
	return string(b)
}

// patchOf is the merge patch (RFC 7396) that makes the local tree out of the remote one. Objects that only the server has
// stay, unless prune is set; API groups and the methods of bound services always stay, because gateways report them. So do
// identity providers, with which their users would go, and the secrets that policies read where the files have none at all:
// they may be older than that.
func patchOf(remote, local map[string]any, prune bool) map[string]any {
	patch := object(control.MergePatchBetween(remote, local))
	for k, v := range patch {
		if treeKinds[k] == "" && v == nil {
			delete(patch, k) // the workspace's own members stay when the files do not name them
		}
	}
	keep(patch, remote, prune)
	return patch
}

func keep(patch, remote map[string]any, prune bool) {
	bound := map[string]bool{}
	for _, g := range object(remote["gateways"]) {
		for _, x := range object(object(g)["gateway_api_groups"]) {
			bound[text(object(x)["service_id"])] = true
		}
	}
	for member, kind := range treeKinds {
		changes, there := patch[member]
		if !there {
			continue
		}
		if changes == nil && (member == "idps" || member == "secrets") {
			delete(patch, member)
			continue
		}
		if changes == nil { // the files have none of them
			changes = removals(object(remote[member]))
		}
		m := object(changes)
		for id, v := range m {
			if v == nil && !prune {
				delete(m, id)
				continue
			}
			for _, inner := range within[kind] {
				o := object(v)
				now := object(object(object(remote[member])[id])[inner])
				inside, there := o[inner]
				if !there {
					continue
				}
				if inside == nil {
					inside = removals(now)
				}
				im := object(inside)
				for k, v := range im {
					if v == nil && (!prune || inner == "gateway_api_groups" || inner == "apis" && bound[id]) {
						delete(im, k)
					}
				}
				o[inner] = im
				if len(im) == 0 {
					delete(o, inner)
				}
			}
			if o := object(v); v != nil && len(o) == 0 && object(remote[member])[id] != nil {
				delete(m, id)
			}
		}
		patch[member] = m
		if len(m) == 0 {
			delete(patch, member)
		}
	}
}

func removals(m map[string]any) map[string]any {
	out := map[string]any{}
	for k := range m {
		out[k] = nil
	}
	return out
}
