package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// The exit statuses of diff.
const (
	filesDiffer  = 1
	filesUnknown = 2
)

// read reads the files of the workspaces that the command is about. :: workspace id → files
func (r *remote) read() (map[string]*workspaceFiles, error) {
	out := map[string]*workspaceFiles{}
	ids := []string{r.Workspace}
	top := filepath.Join(r.Dir, "workspaces")
	if r.Tenant {
		entries, err := os.ReadDir(top)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		ids = nil
		for _, e := range entries {
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
				ids = append(ids, e.Name())
			}
		}
	}
	for _, id := range ids {
		w, err := readWorkspace(filepath.Join(top, id))
		if err != nil {
			return nil, err
		}
		out[id] = w
	}
	return out, nil
}

type pullCmd struct {
	remote
	WithSecrets bool `help:"Write client secrets into the files, too. Whoever reads them can act as those clients."`
}

// Run writes the server's configuration to the files.
func (c *pullCmd) Run(ctx context.Context, o *output) error {
	if err := c.connect(ctx); err != nil {
		return err
	}
	trees, err := c.export(ctx, c.WithSecrets)
	if err != nil {
		return err
	}
	files, err := c.read()
	if err != nil {
		return err
	}
	n := 0
	for _, wid := range sorted(trees) {
		w := files[wid]
		if w == nil {
			w = &workspaceFiles{dir: filepath.Join(c.Dir, "workspaces", wid), tree: map[string]any{}, files: map[string]string{}}
		}
		changed, err := w.write(trees[wid])
		for _, path := range changed {
			fmt.Fprintln(o.out, path)
		}
		n += len(changed)
		if err != nil {
			return err
		}
	}
	fmt.Fprintf(o.out, "%d files changed\n", n)
	return nil
}

type pushCmd struct {
	remote
	Method      string `default:"patch" enum:"patch,import" help:"patch sends what differs, import sends everything. Both are all or nothing."`
	Mode        string `default:"update" enum:"ignore,fail,update" help:"What happens to an object that is there already: ignore keeps it, fail changes nothing at all, update overwrites it."`
	Prune       bool   `help:"With patch: remove what the server has and the files do not."`
	DryRun      bool   `help:"Let the server check everything and change nothing."`
	Out         string `placeholder:"FILE" help:"Write what is sent to a file, - for standard output. With --dry-run it shows what a push would do."`
	WithSecrets bool   `help:"Compare client secrets, too, so that those that are the same are not sent."`
}

// Run sends the files to the server.
func (c *pushCmd) Run(ctx context.Context, o *output) error {
	if c.Prune && c.Method != "patch" {
		return errors.New("--prune goes with --method patch: an import removes nothing")
	}
	files, err := c.read()
	if err != nil {
		return err
	}
	for wid, w := range files {
		if len(w.tree) == 0 {
			return fmt.Errorf("%s: there is no configuration of the workspace %s; pull it first, or name the directory with --dir", w.dir, wid)
		}
	}
	if len(files) == 0 {
		return fmt.Errorf("%s: there is no workspace in it; pull first, or name the directory with --dir", c.Dir)
	}
	if err := c.connect(ctx); err != nil {
		return err
	}
	method, path := http.MethodPost, c.path()
	documents := map[string]any{}
	for wid, w := range files {
		documents[wid] = w.tree
	}
	if c.Method == "patch" {
		method, path = http.MethodPatch, c.path()+"-rfc7396"
		trees, err := c.export(ctx, c.WithSecrets)
		if err != nil {
			return err
		}
		for wid, w := range files {
			patch := patchOf(trees[wid], w.tree, c.Prune)
			if documents[wid] = patch; len(patch) == 0 && c.Tenant {
				delete(documents, wid)
			}
		}
	}
	var document any = documents[c.Workspace]
	if c.Tenant {
		document = map[string]any{"servers": documents}
	}
	if err := c.show(document, o); err != nil {
		return err
	}
	path += "?mode=" + c.Mode
	if c.DryRun {
		path += "&dry_run=true"
	}
	if _, err := c.call(ctx, method, path, document); err != nil {
		return err
	}
	if c.DryRun {
		fmt.Fprintln(o.err, "The server would take it; nothing was changed.")
	} else {
		fmt.Fprintln(o.err, "The server has taken it.")
	}
	return nil
}

func (c *pushCmd) show(document any, o *output) error {
	if c.Out == "" {
		return nil
	}
	b, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return err
	}
	b = append(b, '\n')
	if c.Out == "-" {
		_, err = o.out.Write(b)
		return err
	}
	return replaceFile(c.Out, b)
}

type diffCmd struct {
	remote
	OnlyPresent bool   `help:"Compare only what the files have."`
	WithSecrets bool   `help:"Compare client secrets, too. They are not shown."`
	Out         string `placeholder:"FILE" help:"Write the differences to a file instead of standard output."`
}

// Help is the end of the help text.
func (diffCmd) Help() string {
	return "The lines say what a push would do: + adds, ~ changes, - is on the server only. The exit status is 0 when nothing differs, 1 when something does, and 2 when that could not be found out."
}

// Run compares the files with the server.
func (c *diffCmd) Run(ctx context.Context, o *output) error {
	n, err := c.diff(ctx, o)
	if err != nil {
		return &failure{err, filesUnknown}
	}
	if n > 0 {
		return &failure{fmt.Errorf("%d differences", n), filesDiffer}
	}
	return nil
}

func (c *diffCmd) diff(ctx context.Context, o *output) (n int, err error) {
	files, err := c.read()
	if err != nil {
		return 0, err
	}
	if err := c.connect(ctx); err != nil {
		return 0, err
	}
	trees, err := c.export(ctx, c.WithSecrets)
	if err != nil {
		return 0, err
	}
	var w strings.Builder
	all := map[string]bool{}
	for wid := range trees {
		all[wid] = true
	}
	for wid := range files {
		all[wid] = true
	}
	for _, wid := range sorted(all) {
		local := map[string]any{}
		if f := files[wid]; f != nil {
			local = f.tree
		}
		if !c.WithSecrets {
			withoutSecrets(local)
		}
		server := trees[wid]
		if c.OnlyPresent {
			server = object(present(server, local))
		}
		at := ""
		if c.Tenant {
			at = "servers." + wid
		}
		n += difference(&w, at, server, local)
	}
	if c.Out != "" {
		return n, replaceFile(c.Out, []byte(w.String()))
	}
	_, err = io.WriteString(o.out, w.String())
	return n, err
}

// present is a without the members that b does not have.
func present(a, b any) any {
	x, ok := a.(map[string]any)
	y, ok2 := b.(map[string]any)
	if !ok || !ok2 {
		return a
	}
	out := map[string]any{}
	for k, v := range x {
		if _, there := y[k]; there {
			out[k] = present(v, y[k])
		}
	}
	return out
}

// withoutSecrets takes the secrets out of a tree.
func withoutSecrets(tree map[string]any) {
	for _, c := range object(tree["clients"]) {
		delete(object(c), "client_secret")
	}
	for _, g := range object(tree["gateways"]) {
		delete(object(object(g)["client"]), "client_secret")
	}
	for _, p := range object(tree["idps"]) {
		delete(object(p), "client_secret")
	}
	for _, s := range object(tree["secrets"]) {
		delete(object(s), "value")
	}
}
