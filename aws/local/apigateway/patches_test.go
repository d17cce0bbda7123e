package apigateway_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// member reads "a.b.0" of an answer. A name may itself hold dots and slashes: the longest member that exists wins.
func member(v any, name string) any {
	if name == "" {
		return v
	}
	if l, ok := v.([]any); ok {
		head, rest, _ := strings.Cut(name, ".")
		i, err := strconv.Atoi(head)
		if err != nil || i >= len(l) {
			return nil
		}
		return member(l[i], rest)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	for end := len(name); end > 0; end = strings.LastIndex(name[:end], ".") {
		if e, ok := m[name[:end]]; ok {
			return member(e, strings.TrimPrefix(name[end:], "."))
		}
	}
	return nil
}

func TestPatches(t *testing.T) {
	type patch struct{ Op, Path, Value string }
	type row struct {
		At          string
		Ops, Refuse []patch
		Want        map[string]any
	}
	b := newBench(t, nil)
	for i, r := range load[row](t, "patches.yaml") {
		t.Run(strconv.Itoa(i)+" "+r.At, func(t *testing.T) {
			names := fixtures(b)
			defer b.svc.Reset()
			path := names.Replace(r.At)
			send := func(ops []patch) (reply, map[string]any) {
				list := []any{}
				for _, o := range ops {
					m := map[string]any{"op": o.Op, "path": o.Path}
					if o.Value != "" {
						m["value"] = names.Replace(o.Value)
					}
					list = append(list, m)
				}
				return b.rest("PATCH", path, map[string]any{"patchOperations": list})
			}
			got, m := send(r.Ops)
			if got.status >= 300 {
				t.Fatalf("%d %s", got.status, got.body)
			}
			after, again := b.rest("GET", path, nil)
			for name, want := range r.Want {
				if s, ok := want.(string); ok {
					want = names.Replace(s)
				}
				w, _ := json.Marshal(want)
				for where, answer := range map[string]any{"PATCH": m, "GET": again} {
					if g, _ := json.Marshal(member(answer, name)); string(g) != string(w) {
						t.Errorf("%s: %s is %s, want %s", where, name, g, w)
					}
				}
			}
			for _, o := range r.Refuse {
				if got, _ := send([]patch{o}); got.status < 400 || got.status >= 500 {
					t.Errorf("%+v was answered %d %s", o, got.status, got.body)
				}
			}
			if now, _ := b.rest("GET", path, nil); now.body != after.body {
				t.Errorf("a refused operation changed\n%s\nto\n%s", after.body, now.body)
			}
		})
	}
}

// TestDeletions: what is deleted is gone with everything below it, and what is missing is a 404.
func TestDeletions(t *testing.T) {
	b := newBench(t, nil)
	names := fixtures(b)
	b.must("POST", names.Replace("/restapis/{api}/resources/{pets}"), map[string]any{"pathPart": "{petId}"})
	b.must("PATCH", names.Replace("/restapis/{api}/resources/{pets}"), map[string]any{"patchOperations": []any{map[string]any{"op": "replace", "path": "/pathPart", "value": "dogs"}}})
	count := func(list string) int {
		return len(b.must("GET", names.Replace(list), nil)["item"].([]any))
	}
	found := false
	for _, r := range b.must("GET", names.Replace("/restapis/{api}/resources"), nil)["item"].([]any) {
		found = found || r.(map[string]any)["path"] == "/dogs/{petId}"
	}
	if !found {
		t.Error("renaming a resource did not move its children")
	}
	for _, path := range []string{
		"/restapis/{api}/resources/{pets}/methods/GET/integration/responses/200",
		"/restapis/{api}/resources/{pets}/methods/GET/integration",
		"/restapis/{api}/resources/{pets}/methods/GET/responses/200",
		"/restapis/{api}/resources/{pets}/methods/GET",
		"/restapis/{api}/authorizers/{used}",
		"/restapis/{api}/models/Pet",
		"/restapis/{api}/requestvalidators/{validator}",
		"/restapis/{api}/resources/{pets}",
		"/restapis/{api}/stages/dev",
		"/restapis/{api}/deployments/{dep}",
		"/restapis/{api}",
	} {
		if path == "/restapis/{api}/resources/{pets}" {
			if n := count("/restapis/{api}/resources"); n != 4 {
				t.Errorf("%d resources", n)
			}
		}
		b.must("DELETE", names.Replace(path), nil)
		if r, _ := b.rest("GET", names.Replace(path), nil); r.status != 404 {
			t.Errorf("%s is still there: %d", path, r.status)
		}
		if r, _ := b.rest("DELETE", names.Replace(path), nil); r.status != 404 {
			t.Errorf("%s could be deleted twice: %d", path, r.status)
		}
		if path == "/restapis/{api}/resources/{pets}" {
			if n := count("/restapis/{api}/resources"); n != 2 {
				t.Errorf("%d resources are left, want / and /{proxy+}", n)
			}
		}
	}
	if n := count("/restapis"); n != 1 {
		t.Errorf("%d APIs are left", n)
	}
}

func TestLists(t *testing.T) {
	b := newBench(t, nil)
	names := fixtures(b)
	for path, want := range map[string]int{"/restapis": 2, "/restapis/{api}/models": 3, "/restapis/{api}/requestvalidators": 1, "/restapis/{api}/gatewayresponses": 21, "/restapis/{api}/deployments": 1,
		"/restapis/{api}/stages": 1, "/restapis/{api}/authorizers": 2, "/restapis/{api}/resources": 3, "/apikeys": 0, "/usageplans": 0} {
		m := b.must("GET", names.Replace(path), nil)
		if items := m["item"].([]any); len(items) != want || m["position"] != nil {
			t.Errorf("%s: %d items, position %v, want %d", path, len(items), m["position"], want)
		}
	}
}
