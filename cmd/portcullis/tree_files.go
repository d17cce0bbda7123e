package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"
	"unicode"

	"go.yaml.in/yaml/v3"

	"portcullis/control"
)

// The directory of configuration as code: data/workspaces/{wid}/server.yaml holds the members of the workspace itself, other
// files beside it one member each, and each folder one file for each object.

// treeFolders are the members that are folders. :: member → the members of an object that give its key and its file's name
var treeFolders = map[string][2]string{
	"policies": {"id", "policy_name"},
	"services": {"id", "name"},
	"clients":  {"client_id", "client_name"},
	"gateways": {"id", "name"},
	"idps":     {"id", "name"},
}

// treeFileNames are the files whose name is not that of their member. :: file → member
var treeFileNames = map[string]string{"scopes": "scopes_without_service", "consent": "server_consent", "ciba": "ciba_authentication_service"}

// sources are the extensions of policies' texts. :: language → extension
var sources = map[string]string{"rego": ".rego", "cedar": ".cedar"}

// workspaceFiles is a workspace as it lies on disk.
type workspaceFiles struct {
	dir   string
	tree  map[string]any
	files map[string]string // :: "policies/{id}" → file
}

// readWorkspace reads a workspace's directory; it is empty when there is none.
func readWorkspace(dir string) (*workspaceFiles, error) {
	w := &workspaceFiles{dir: dir, tree: map[string]any{}, files: map[string]string{}}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		name, isYAML := strings.CutSuffix(e.Name(), ".yaml")
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir():
			if err := w.readFolder(path, e.Name()); err != nil {
				return nil, err
			}
		case isYAML && name == "server":
			o, err := readObject(path)
			if err != nil {
				return nil, err
			}
			for k, v := range o {
				if k != "id" && k != "tenant_id" {
					w.tree[k] = v
				}
			}
		case isYAML:
			v, err := readYAML(path)
			if err != nil {
				return nil, err
			}
			if member := treeFileNames[name]; member != "" {
				name = member
			}
			w.tree[name] = v
		}
	}
	w.tree = tidyServer(w.tree)
	return w, nil
}

func (w *workspaceFiles) readFolder(dir, member string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	objects := map[string]any{}
	keyMember := "id"
	if f, ok := treeFolders[member]; ok {
		keyMember = f[0]
	}
	for _, e := range entries {
		name, isYAML := strings.CutSuffix(e.Name(), ".yaml")
		if e.IsDir() || !isYAML || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		o, err := readObject(path)
		if err != nil {
			return err
		}
		id, ok := o[keyMember].(string)
		if !ok || id == "" {
			id = name
		}
		delete(o, keyMember)
		delete(o, "tenant_id")
		if _, twice := objects[id]; twice {
			return fmt.Errorf("%s: there is %s in %s already", path, id, w.files[member+"/"+id])
		}
		objects[id] = o
		w.files[member+"/"+id] = path
	}
	w.tree[member] = objects
	return nil
}

func readObject(path string) (map[string]any, error) {
	v, err := readYAML(path)
	if err != nil {
		return nil, err
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: it must hold an object, members with values", path)
	}
	return o, nil
}

// maxFile bounds what one file may be, in bytes.
const maxFile = 16 << 20

// readYAML reads a file as a template that may include files of its own folder, then as YAML.
func readYAML(path string) (any, error) {
	text, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	t, err := template.New(filepath.Base(path)).Option("missingkey=error").Funcs(template.FuncMap{
		"include": func(name string) (string, error) {
			if name != filepath.Base(name) || name == ".." || name == "." {
				return "", fmt.Errorf("%q must be a file of the same folder", name)
			}
			b, err := readBounded(filepath.Join(filepath.Dir(path), name))
			return strings.TrimRight(string(b), "\r\n"), err
		},
		"indent":  func(n int, s string) string { return indent(n, s) },
		"nindent": func(n int, s string) string { return "\n" + indent(n, s) },
		"env": func(name string) (string, error) {
			v, ok := os.LookupEnv(name)
			if !ok {
				return "", fmt.Errorf("the environment variable %s is not set", name)
			}
			return v, nil
		},
	}).Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, nil); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var v any
	if err := yaml.Unmarshal(b.Bytes(), &v); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	text, err = json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%s: keys must be texts: %w", path, err)
	}
	return control.ParseTree(text)
}

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}

func indent(n int, s string) string {
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(s, "\n", "\n"+pad)
}

// write brings the directory to the tree of the server: files whose content says the same stay as they are, comments
// included; files of objects that are gone go. It returns the files it wrote and removed.
func (w *workspaceFiles) write(tree map[string]any) (changed []string, err error) {
	put := func(path string, v any) error {
		text, err := yamlOf(v)
		if err == nil {
			err = replaceFile(path, text)
		}
		changed = append(changed, path)
		return err
	}
	server, single := map[string]any{}, map[string]any{}
	for k, v := range tree {
		if _, folder := treeFolders[k]; folder {
			continue
		}
		if _, isObject := v.(map[string]any); isObject {
			single[k] = v
		} else if _, isList := v.([]any); isList {
			single[k] = v
		} else {
			server[k] = v
		}
	}
	have := map[string]any{}
	for k, v := range w.tree {
		if _, there := server[k]; there {
			have[k] = v
		}
	}
	if !same(server, have) {
		if err := put(filepath.Join(w.dir, "server.yaml"), server); err != nil {
			return changed, err
		}
	}
	for _, k := range sorted(single) {
		if same(single[k], w.tree[k]) {
			continue
		}
		name := k
		for file, member := range treeFileNames {
			if member == k {
				name = file
			}
		}
		if err := put(filepath.Join(w.dir, name+".yaml"), single[k]); err != nil {
			return changed, err
		}
	}
	for _, member := range sorted(treeFolders) {
		more, err := w.writeFolder(member, object(tree[member]))
		changed = append(changed, more...)
		if err != nil {
			return changed, err
		}
	}
	return changed, nil
}

func (w *workspaceFiles) writeFolder(member string, objects map[string]any) (changed []string, err error) {
	dir := filepath.Join(w.dir, member)
	have := object(w.tree[member])
	taken := map[string]bool{}
	for k, path := range w.files {
		if id, ok := strings.CutPrefix(k, member+"/"); ok && objects[id] != nil {
			taken[strings.ToLower(filepath.Base(path))] = true
		}
	}
	for _, id := range sorted(objects) {
		o := object(objects[id])
		if have[id] != nil && same(o, have[id]) {
			continue
		}
		path := w.files[member+"/"+id]
		if path == "" {
			path = filepath.Join(dir, fileName(text(o[treeFolders[member][1]]), id, taken)+".yaml")
		}
		if err := writeObject(path, treeFolders[member][0], id, o); err != nil {
			return changed, err
		}
		changed = append(changed, path)
	}
	for _, k := range sorted(w.files) {
		id, ok := strings.CutPrefix(k, member+"/")
		if !ok || objects[id] != nil {
			continue
		}
		path := w.files[k]
		changed = append(changed, path)
		if err := os.Remove(path); err != nil {
			return changed, err
		}
		for _, extension := range sources {
			if err := os.Remove(strings.TrimSuffix(path, ".yaml") + extension); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return changed, err
			}
		}
	}
	return changed, nil
}

// fileName makes a file's name of an object's: letters, digits, - and . stay, all else becomes an underscore. Two names
// that differ in letter case only are one file on some systems.
func fileName(name, id string, taken map[string]bool) string {
	clean := func(s string) string {
		s = strings.Map(func(r rune) rune {
			if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '.') {
				return r
			}
			return '_'
		}, s)
		s = strings.TrimLeft(s, ".")
		return s[:min(len(s), 100)]
	}
	base := clean(name)
	if strings.Trim(base, "_") == "" {
		base = clean(id)
	}
	for n, try := 2, base; ; n++ {
		if !taken[strings.ToLower(try+".yaml")] {
			taken[strings.ToLower(try+".yaml")] = true
			return try
		}
		try = fmt.Sprintf("%s_%d", base, n)
	}
}

// writeObject writes an object with its key first. The text of a policy goes to a file beside it.
func writeObject(path, keyMember, id string, o map[string]any) error {
	rest := map[string]any{}
	for k, v := range o {
		rest[k] = v
	}
	include := ""
	definition, extension := text(o["definition"]), sources[text(o["language"])]
	if definition != "" && extension != "" && plain(definition) {
		source := strings.TrimSuffix(path, ".yaml") + extension
		if err := replaceFile(source, []byte(strings.TrimRight(definition, "\n")+"\n")); err != nil {
			return err
		}
		delete(rest, "definition")
		include = fmt.Sprintf("definition: |2-{{ include %q | nindent 2 }}\n", filepath.Base(source))
	}
	first, err := yamlOf(map[string]any{keyMember: id})
	if err != nil {
		return err
	}
	body, err := yamlOf(rest)
	if err != nil {
		return err
	}
	return replaceFile(path, append(append(first, body...), include...))
}

// plain reports whether a text survives as a block of YAML.
func plain(s string) bool {
	for _, r := range s {
		if r != '\n' && r != '\t' && (!unicode.IsPrint(r) && r != ' ') || r == '\uFEFF' {
			return false
		}
	}
	return strings.TrimRight(s, "\n") != ""
}

// yamlOf is a value as YAML whose braces the reader does not take for a template.
func yamlOf(v any) ([]byte, error) {
	if o, ok := v.(map[string]any); ok && len(o) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(node(v)); err != nil {
		return nil, err
	}
	return []byte(strings.ReplaceAll(b.String(), "{{", `{{ "{{" }}`)), nil
}

// node is a value for the encoder. A text of more than one plain line is quoted: the encoder's own choice of a block is not
// always one that reads back.
func node(v any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch x := v.(type) {
	case map[string]any:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		for _, k := range sorted(x) {
			n.Content = append(n.Content, node(k), node(x[k]))
		}
		if len(x) == 0 {
			n.Style = yaml.FlowStyle
		}
	case []any:
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		for _, m := range x {
			n.Content = append(n.Content, node(m))
		}
		if len(x) == 0 {
			n.Style = yaml.FlowStyle
		}
	case string:
		n.Tag, n.Value = "!!str", x
		if strings.ContainsFunc(x, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.TrimSpace(x) != x {
			n.Style = yaml.DoubleQuotedStyle
		}
	case json.Number:
		n.Tag, n.Value = "!!int", x.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(x)
	default:
		n.Tag, n.Value = "!!null", "null"
	}
	return n
}

// replaceFile replaces a file as a whole. Files may hold secrets: others do not read them.
func replaceFile(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

func object(v any) map[string]any { o, _ := v.(map[string]any); return o }

func text(v any) string { s, _ := v.(string); return s }

func sorted[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// same compares two values that are tidy.
func same(a, b any) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(x, y)
}
