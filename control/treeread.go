package control

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"

	"portcullis/edge/waist"
)

// treeTable is what a tree may hold besides the fields of its types. :: type → members
var treeTable = map[reflect.Type]treeMembers{
	reflect.TypeFor[TreeTenant]():          treeTenantMembers,
	reflect.TypeFor[TreeServer]():          treeServerMembers,
	reflect.TypeFor[TreeService]():         treeServiceMembers,
	reflect.TypeFor[TreeScope]():           treeScopeMembers,
	reflect.TypeFor[TreeAPI]():             treeAPIMembers,
	reflect.TypeFor[TreePolicy]():          treePolicyMembers,
	reflect.TypeFor[TreeSecret]():          treeSecretMembers,
	reflect.TypeFor[TreeIDP]():             treeIDPMembers,
	reflect.TypeFor[TreeClient]():          treeClientMembers,
	reflect.TypeFor[TreeGateway]():         treeGatewayMembers,
	reflect.TypeFor[TreeGatewayClient]():   treeGatewayClientMembers,
	reflect.TypeFor[TreeGroup]():           treeGroupMembers,
	reflect.TypeFor[waist.GatewayAPI]():    treeGroupAPIMembers,
	reflect.TypeFor[waist.GroupMetadata](): treeMetadataMembers,
}

// ParseTree reads a JSON document of a tree or dump, numbers kept as they are written. Whoever calls it has checked that
// it is JSON.
func ParseTree(document []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, Errorf(Malformed, "malformed_json", "the document is not JSON: %v", err)
	}
	return v, nil
}

// ReadTreeServer turns a parsed document into the tree of one workspace. Everything that does not belong there is added
// to c under its path, which begins with at.
func ReadTreeServer(document any, at string, c *Checks) TreeServer {
	var t TreeServer
	treeReader{c}.value(at, document, reflect.ValueOf(&t).Elem())
	return t
}

// ReadTreeTenant is ReadTreeServer for a tenant.
func ReadTreeTenant(document any, c *Checks) TreeTenant {
	var t TreeTenant
	treeReader{c}.value("", document, reflect.ValueOf(&t).Elem())
	return t
}

// TreeDocument is the tree as ParseTree would read it.
func TreeDocument(tree any) (any, error) {
	b, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	return ParseTree(b)
}

// Copy is a Checks of its own with what was found so far.
func (c *Checks) Copy() Checks { return Checks{fields: maps.Clone(c.fields)} }

// ValidateID reports whether an id of a client, gateway, policy or service has the right form.
func ValidateID(id string) bool { return objectID.MatchString(id) }

type treeReader struct{ c *Checks }

// at joins a path and a member.
func at(path, member string) string {
	if path == "" {
		return member
	}
	return path + "." + member
}

// value fills v, which is zero, from raw.
func (r treeReader) value(path string, raw any, v reflect.Value) {
	if raw == nil {
		return
	}
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		b, err := json.Marshal(raw)
		if err != nil {
			r.wrong(path, "is not JSON")
			return
		}
		v.SetBytes(b)
		return
	}
	if u, ok := v.Addr().Interface().(json.Unmarshaler); ok {
		b, err := json.Marshal(raw)
		if err == nil {
			err = u.UnmarshalJSON(b)
		}
		if err != nil {
			r.wrong(path, err.Error())
		}
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if s, isText := raw.(string); !isText {
			r.wrong(path, "must be a string")
		} else if err := u.UnmarshalText([]byte(s)); err != nil {
			r.wrong(path, err.Error())
		}
		return
	}
	ok := true
	switch v.Kind() {
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		r.value(path, raw, p.Elem())
		v.Set(p)
	case reflect.Struct:
		var m map[string]any
		if m, ok = raw.(map[string]any); ok {
			r.object(path, m, v)
		}
	case reflect.Map:
		var m map[string]any
		if m, ok = raw.(map[string]any); ok {
			r.keyed(path, m, v)
		}
	case reflect.Slice:
		var l []any
		if l, ok = raw.([]any); ok {
			v.Set(reflect.MakeSlice(v.Type(), len(l), len(l)))
			for i := range l {
				r.value(fmt.Sprintf("%s[%d]", path, i), l[i], v.Index(i))
			}
		}
	case reflect.String:
		var s string
		if s, ok = raw.(string); ok {
			v.SetString(s)
		}
	case reflect.Bool:
		var b bool
		if b, ok = raw.(bool); ok {
			v.SetBool(b)
		}
	case reflect.Int:
		var n json.Number
		if n, ok = raw.(json.Number); ok {
			i, err := n.Int64()
			if ok = err == nil; ok {
				v.SetInt(i)
			}
		}
	}
	if !ok {
		r.wrong(path, "must be "+kindName(v.Kind()))
	}
}

func kindName(k reflect.Kind) string {
	switch k {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice:
		return "an array"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	}
	return "a whole number"
}

func (r treeReader) wrong(path, problem string) {
	if path == "" {
		path = "document"
	}
	r.c.Add(path, problem)
}

// keyed fills a map; an object that repeats its key must repeat it rightly.
func (r treeReader) keyed(path string, m map[string]any, v reflect.Value) {
	v.Set(reflect.MakeMapWithSize(v.Type(), len(m)))
	repeats := treeTable[v.Type().Elem()].key
	for _, k := range sortedKeys(m) {
		if m[k] == nil && v.Type().Elem().Kind() == reflect.Struct {
			r.wrong(at(path, k), "is null; leave it out, or remove it with a patch")
			continue
		}
		if o, ok := m[k].(map[string]any); ok && repeats != "" {
			if said, ok := o[repeats].(string); ok && said != "" && said != k {
				r.wrong(at(at(path, k), repeats), fmt.Sprintf("is %q, and the key is %q", said, k))
			}
		}
		e := reflect.New(v.Type().Elem()).Elem()
		r.value(at(path, k), m[k], e)
		v.SetMapIndex(reflect.ValueOf(k), e)
	}
}

func (r treeReader) object(path string, m map[string]any, v reflect.Value) {
	table := treeTable[v.Type()]
	for _, name := range sortedKeys(m) {
		if i, ok := fieldOf(v.Type(), name); ok {
			r.value(at(path, name), m[name], v.Field(i))
			continue
		}
		if name == table.key || slices.Contains(table.ignored, name) {
			continue
		}
		further, known := table.neutral[name]
		switch {
		case !known:
			r.wrong(at(path, name), "is not a member of the configuration")
		case !EmptyValue(m[name]) && !slices.Contains(further, canonical(m[name])):
			r.wrong(at(path, name), "is not supported by this server; leave it out")
		}
	}
}

// fieldOf finds the field of a JSON member.
func fieldOf(t reflect.Type, name string) (int, bool) {
	for i := range t.NumField() {
		tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if tag == name {
			return i, true
		}
	}
	return 0, false
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// canonical is the JSON of a parsed value, members in order.
func canonical(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// EmptyValue reports whether a parsed JSON value, its numbers as they are written, says nothing: null, false, 0, "", "0s", the zero time, and lists and objects of such.
func EmptyValue(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == "" || v == "0s" || strings.HasPrefix(v, "0001-01-01T00:00:00")
	case json.Number:
		return v.String() == "0"
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, m := range v {
			if !EmptyValue(m) {
				return false
			}
		}
		return true
	}
	return false
}
