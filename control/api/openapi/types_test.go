package openapi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"portcullis/docs/reference"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

// structs are the struct types of types.gen.go with the JSON names of their members; an optional one ends in "?".
func structs(t *testing.T) map[string][]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "types.gen.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			continue
		}
		for _, spec := range g.Specs {
			ts := spec.(*ast.TypeSpec)
			s, ok := ts.Type.(*ast.StructType)
			if !ok {
				continue
			}
			members := []string{}
			for _, field := range s.Fields.List {
				if field.Tag == nil {
					continue
				}
				tag := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json")
				name, options, _ := strings.Cut(tag, ",")
				if name == "-" { // additionalProperties
					continue
				}
				if strings.Contains(options, "omitempty") {
					name += "?"
				}
				members = append(members, name)
			}
			slices.Sort(members)
			out[ts.Name.Name] = members
		}
	}
	return out
}

// members of a schema and of those it is made of.
func members(s *openapi3.Schema) map[string]bool { // :: name → required
	out := map[string]bool{}
	for _, part := range s.AllOf {
		maps.Copy(out, members(part.Value))
	}
	for name := range s.Properties {
		if _, ok := out[name]; !ok {
			out[name] = false
		}
	}
	for _, name := range s.Required {
		out[name] = true
	}
	return out
}

// The generated types are those of the document as it is now. When this fails: go generate ./control/api/openapi
func TestTypesAreCurrent(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(reference.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	have := structs(t)
	compared := 0
	for name, ref := range doc.Components.Schemas {
		want := []string{}
		for member, required := range members(ref.Value) {
			if p := property(ref.Value, member); !required || p.ReadOnly {
				member += "?"
			}
			want = append(want, member)
		}
		if len(want) == 0 || ref.Ref != "" {
			continue
		}
		got, ok := have[name]
		if !ok {
			t.Errorf("types.gen.go has no struct %s; run go generate ./control/api/openapi", name)
			continue
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s is not current; run go generate ./control/api/openapi (-document +types.gen.go)\n%s", name, diff)
		}
		compared++
	}
	if compared < 60 {
		t.Errorf("only %d types were compared", compared)
	}
}

func property(s *openapi3.Schema, name string) *openapi3.Schema {
	if p := s.Properties[name]; p != nil {
		return p.Value
	}
	for _, part := range s.AllOf {
		if p := property(part.Value, name); p != nil {
			return p
		}
	}
	return &openapi3.Schema{}
}
