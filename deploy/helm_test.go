package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"text/template"

	"go.yaml.in/yaml/v3"
)

// helm renders the chart. The functions are those of Helm's that the chart uses, no more: a template that needs another
// one does not parse here.
func helm(values map[string]any) (objects []map[string]any, err error) {
	t := template.New("chart").Option("missingkey=error")
	t.Funcs(template.FuncMap{
		"include": func(name string, data any) (string, error) {
			var out bytes.Buffer
			err := t.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
		"required": func(message string, v any) (any, error) {
			if v == nil || v == "" {
				return nil, errors.New(message)
			}
			return v, nil
		},
		"fail":       func(message string) (string, error) { return "", errors.New(message) },
		"quote":      func(v any) string { return fmt.Sprintf("%q", fmt.Sprint(v)) },
		"int":        func(v any) int { return v.(int) },
		"contains":   func(part, s string) bool { return strings.Contains(s, part) },
		"trunc":      func(n int, s string) string { return s[:min(n, len(s))] },
		"trimSuffix": func(suffix, s string) string { return strings.TrimSuffix(s, suffix) },
		"nindent": func(n int, s string) string {
			pad := "\n" + strings.Repeat(" ", n)
			return pad + strings.ReplaceAll(s, "\n", pad)
		},
		"join": func(sep string, v []any) string {
			var parts []string
			for _, part := range v {
				parts = append(parts, fmt.Sprint(part))
			}
			return strings.Join(parts, sep)
		},
		"toYaml": func(v any) (string, error) {
			out, err := yaml.Marshal(v)
			return strings.TrimSpace(string(out)), err
		},
		"urlParse": func(s string) (map[string]any, error) {
			u, err := url.Parse(s)
			if err != nil {
				return nil, err
			}
			return map[string]any{"hostname": u.Hostname()}, nil
		},
	})
	if t, err = t.ParseGlob("helm/templates/*"); err != nil {
		return nil, err
	}
	data := map[string]any{"Values": values, "Release": map[string]any{"Name": "gate", "Namespace": "default", "Service": "Helm"}}
	for _, name := range []string{"server.yaml", "service.yaml", "ingress.yaml", "NOTES.txt"} {
		var out bytes.Buffer
		if err := t.ExecuteTemplate(&out, name, data); err != nil {
			return nil, err
		}
		if name == "NOTES.txt" {
			continue
		}
		for d := yaml.NewDecoder(&out); ; {
			var object map[string]any
			if err := d.Decode(&object); err == io.EOF {
				break
			} else if err != nil {
				return nil, fmt.Errorf("%s: %w in %s", name, err, out.String())
			}
			if object != nil {
				objects = append(objects, object)
			}
		}
	}
	return objects, nil
}

// chartValues are the chart's defaults with the given ones in their places.
func chartValues(t *testing.T, set map[string]any) map[string]any {
	t.Helper()
	text, err := os.ReadFile("helm/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	for path, v := range set {
		at, parts := values, strings.Split(path, ".")
		for _, part := range parts[:len(parts)-1] {
			at = at[part].(map[string]any)
		}
		if _, there := at[parts[len(parts)-1]]; !there {
			t.Fatalf("values.yaml has no %s", path)
		}
		at[parts[len(parts)-1]] = v
	}
	return values
}

func TestHelmChart(t *testing.T) {
	needed := map[string]any{"image.repository": "registry.example.com/portcullis", "publicURL": "https://portcullis.example.com", "masterKey.secretName": "portcullis-master-key"}
	for _, c := range []struct {
		name    string
		set     map[string]any
		without string // of what is needed
		kinds   []string
		refused string
	}{
		{name: "sqlite", kinds: []string{"StatefulSet", "Service"}},
		{name: "postgres", set: map[string]any{"database.kind": "postgres", "database.secretName": "database", "replicas": 3}, kinds: []string{"Deployment", "Service"}},
		{name: "ingress", set: map[string]any{"ingress.enabled": true, "ingress.tlsSecretName": "tls", "ingress.className": "nginx", "trustedProxies": []any{"10.0.0.0/8"},
			"settings": map[string]any{"PORTCULLIS_AWS_GATEWAYS_PER_WORKSPACE": 2}, "nodeSelector": map[string]any{"kubernetes.io/arch": "arm64"}}, kinds: []string{"StatefulSet", "Service", "Ingress"}},
		{name: "two servers on one SQLite file", set: map[string]any{"replicas": 2}, refused: "several replicas need"},
		{name: "an unknown database", set: map[string]any{"database.kind": "mysql"}, refused: "database.kind is"},
		{name: "no database secret", set: map[string]any{"database.kind": "postgres"}, refused: "database.secretName"},
		{name: "ingress without TLS", set: map[string]any{"ingress.enabled": true}, refused: "ingress.tlsSecretName"},
		{name: "no image", without: "image.repository", refused: "image.repository"},
		{name: "no public URL", without: "publicURL", refused: "publicURL"},
		{name: "no master key", without: "masterKey.secretName", refused: "masterKey.secretName"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := map[string]any{}
			for _, from := range []map[string]any{needed, c.set} {
				for k, v := range from {
					set[k] = v
				}
			}
			delete(set, c.without)
			objects, err := helm(chartValues(t, set))
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("rendered with %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var kinds []string
			for _, o := range objects {
				kinds = append(kinds, o["kind"].(string))
				if name := o["metadata"].(map[string]any)["name"]; name != "gate-portcullis" {
					t.Errorf("%s is called %v", o["kind"], name)
				}
			}
			if !slices.Equal(kinds, c.kinds) {
				t.Errorf("objects %v", kinds)
			}
			text, _ := yaml.Marshal(objects)
			for _, must := range []string{"readOnlyRootFilesystem: true", "runAsNonRoot: true", "path: /readyz", "https://portcullis.example.com"} {
				if !strings.Contains(string(text), must) {
					t.Errorf("no %q in\n%s", must, text)
				}
			}
		})
	}
}
