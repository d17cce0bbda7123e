package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"portcullis/control"
	"portcullis/control/store"
)

// ImportWorkspace takes the document of a workspace in, which is made when it is not there. Objects that the document
// does not have stay. Everything or nothing happens, and every mistake is named at once.
func (a *Admin) ImportWorkspace(ctx context.Context, actor control.Actor, wid string, document any, o control.ImportOptions) error {
	if err := a.allow(actor, "ImportWorkspace", wid); err != nil {
		return err
	}
	in := &importing{claimed: map[string]string{}}
	want := control.ReadTreeServer(document, "", &in.check)
	return a.importTrees(ctx, actor, []treeChange{{wid: wid, want: want}}, in, o, false)
}

// ImportTenant is ImportWorkspace for every workspace in the document.
func (a *Admin) ImportTenant(ctx context.Context, actor control.Actor, document any, o control.ImportOptions) error {
	if err := a.allow(actor, "ImportTenant", ""); err != nil {
		return err
	}
	in := &importing{claimed: map[string]string{}}
	return a.importTenant(ctx, actor, document, in, o)
}

// ImportDump is ImportTenant for a dump.
func (a *Admin) ImportDump(ctx context.Context, actor control.Actor, document any, o control.ImportOptions) error {
	if err := a.allow(actor, "ImportDump", ""); err != nil {
		return err
	}
	in := &importing{claimed: map[string]string{}}
	tree := control.Undump(actor.TenantID, document, &in.check)
	return a.importTenant(ctx, actor, tree, in, o)
}

func (a *Admin) importTenant(ctx context.Context, actor control.Actor, document any, in *importing, o control.ImportOptions) error {
	t := control.ReadTreeTenant(document, &in.check)
	var list []treeChange
	for _, wid := range keys(t.Servers) {
		list = append(list, treeChange{wid: wid, at: "servers." + wid + ".", want: t.Servers[wid]})
	}
	return a.importTrees(ctx, actor, list, in, o, false)
}

// PatchWorkspace changes a workspace by patching its document: what the outcome does not have is removed. It happens in
// the transaction that read the document, so that nobody's change in between is lost.
func (a *Admin) PatchWorkspace(ctx context.Context, actor control.Actor, wid string, patch control.Patch, o control.ImportOptions) error {
	if err := a.allow(actor, "PatchWorkspace", wid); err != nil {
		return err
	}
	in := &importing{claimed: map[string]string{}}
	read := func(now map[string]control.TreeServer, in *importing) ([]treeChange, error) {
		document, err := control.TreeDocument(now[wid])
		if err != nil {
			return nil, err
		}
		if document, err = patch(document); err != nil {
			return nil, err
		}
		return []treeChange{{wid: wid, want: control.ReadTreeServer(document, "", &in.check)}}, nil
	}
	return a.patchTrees(ctx, actor, []string{wid}, read, in, o)
}

// PatchTenant is PatchWorkspace for the tenant. Workspaces are neither removed nor renamed by a patch.
func (a *Admin) PatchTenant(ctx context.Context, actor control.Actor, patch control.Patch, o control.ImportOptions) error {
	if err := a.allow(actor, "PatchTenant", ""); err != nil {
		return err
	}
	return a.patchTenant(ctx, actor, patch, o, func(tree any) any { return tree }, func(document any, _ *importing) any { return document })
}

// PatchDump is PatchTenant for a patch of the dump.
func (a *Admin) PatchDump(ctx context.Context, actor control.Actor, patch control.Patch, o control.ImportOptions) error {
	if err := a.allow(actor, "PatchDump", ""); err != nil {
		return err
	}
	return a.patchTenant(ctx, actor, patch, o, func(tree any) any { return control.Dump(actor.TenantID, tree) },
		func(document any, in *importing) any { return control.Undump(actor.TenantID, document, &in.check) })
}

func (a *Admin) patchTenant(ctx context.Context, actor control.Actor, patch control.Patch, o control.ImportOptions, show func(tree any) any,
	back func(document any, in *importing) any) error {
	ids, err := a.store.WorkspaceIDs(ctx, actor.TenantID)
	if err != nil {
		return internal(err)
	}
	read := func(now map[string]control.TreeServer, in *importing) ([]treeChange, error) {
		tree, err := control.TreeDocument(control.TreeTenant{Servers: now})
		if err != nil {
			return nil, err
		}
		document, err := patch(show(tree))
		if err != nil {
			return nil, err
		}
		t := control.ReadTreeTenant(back(document, in), &in.check)
		var list []treeChange
		for _, wid := range keys(t.Servers) {
			list = append(list, treeChange{wid: wid, at: "servers." + wid + ".", want: t.Servers[wid]})
		}
		for _, wid := range keys(now) {
			if _, ok := t.Servers[wid]; !ok {
				in.check.Add("servers."+wid, "a workspace is not removed by a patch; delete it")
			}
		}
		return list, nil
	}
	return a.patchTrees(ctx, actor, ids, read, &importing{claimed: map[string]string{}}, o)
}

// treeChange is what a document says of one workspace.
type treeChange struct {
	wid, at string
	want    control.TreeServer
}

// errDryRun ends the transaction of a dry run.
var errDryRun = errors.New("admin: dry run")

func (a *Admin) importTrees(ctx context.Context, actor control.Actor, list []treeChange, in *importing, o control.ImportOptions, whole bool) error {
	if err := modeOf(o); err != nil {
		return err
	}
	checked := in.check
	err := a.store.Tx(ctx, func(tx *store.Tx) error {
		again := &importing{check: checked.Copy(), claimed: map[string]string{}}
		return a.takeTrees(ctx, tx, actor, list, again, o, whole)
	})
	return a.imported(actor, err)
}

func (a *Admin) patchTrees(ctx context.Context, actor control.Actor, ids []string, read func(map[string]control.TreeServer, *importing) ([]treeChange, error),
	in *importing, o control.ImportOptions) error {
	if err := modeOf(o); err != nil {
		return err
	}
	sort.Strings(ids)
	err := a.store.Tx(ctx, func(tx *store.Tx) error {
		again := &importing{claimed: map[string]string{}}
		now := map[string]control.TreeServer{}
		for _, wid := range ids {
			if err := tx.LockWorkspace(ctx, actor.TenantID, wid); err != nil {
				return notFound(err, "workspace", wid)
			}
			t, err := tx.Tree(ctx, actor.TenantID, wid)
			if err != nil {
				return err
			}
			if now[wid], err = a.tree(t, false, false); err != nil {
				return err
			}
		}
		list, err := read(now, again)
		if err != nil {
			return err
		}
		return a.takeTrees(ctx, tx, actor, list, again, o, true)
	})
	return a.imported(actor, err)
}

func modeOf(o control.ImportOptions) error {
	if !slices.Contains([]string{control.ImportIgnore, control.ImportFail, control.ImportUpdate}, o.Mode) {
		e := control.Errorf(control.Invalid, "invalid_configuration", "mode must be ignore, fail or update")
		e.Fields = map[string]string{"mode": "must be one of: ignore, fail, update"}
		return e
	}
	return nil
}

func (a *Admin) imported(actor control.Actor, err error) error {
	if errors.Is(err, errDryRun) {
		return nil
	}
	a.cache.forget(actor.TenantID, "")
	return internal(err)
}

// takeTrees plans every workspace, then writes all of them.
func (a *Admin) takeTrees(ctx context.Context, tx *store.Tx, actor control.Actor, list []treeChange, in *importing, o control.ImportOptions, whole bool) error {
	sort.Slice(list, func(i, j int) bool { return list[i].wid < list[j].wid }) // locks are taken in one order
	if err := hasTenant(ctx, tx.Reader, actor); err != nil {
		return err
	}
	var plans []*plan
	for _, t := range list {
		if err := tenantAdmin(actor, t.wid); err != nil {
			return err
		}
		c := &change{Tx: tx, admin: a, actor: actor, workspace: t.wid}
		p := &plan{change: c, ctx: ctx, opts: o, whole: whole, at: t.at, in: in, want: t.want}
		if err := p.read(); err != nil {
			return err
		}
		if err := p.make(); err != nil {
			return err
		}
		plans = append(plans, p)
	}
	if err := in.check.Err("configuration"); err != nil {
		return err
	}
	if err := in.conflicts.Err("configuration"); err != nil {
		var e *control.Error
		errors.As(err, &e)
		c := control.Errorf(control.Conflict, "configuration_exists", "the import was to fail when something is there already, and %d things are; nothing was changed", len(e.Fields))
		c.Fields = e.Fields
		return c
	}
	for _, p := range plans {
		if err := p.checkBudget(); err != nil {
			return err
		}
	}
	if err := in.check.Err("configuration"); err != nil {
		return err
	}
	for _, p := range plans {
		if err := p.apply(); err != nil {
			return err
		}
	}
	if o.DryRun {
		return errDryRun
	}
	return nil
}

// read locks and reads the workspace; one that is not there is new.
func (p *plan) read() error {
	tenant, wid := p.actor.TenantID, p.change.workspace
	err := p.LockWorkspace(p.ctx, tenant, wid)
	if err == nil {
		p.have, err = p.Tree(p.ctx, tenant, wid)
		return err
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	// The scope manage_configuration is enough to make a workspace; a role must be the one that makes them otherwise.
	if p.actor.Kind != control.GatewayActor {
		if err := p.admin.allow(p.actor, "CreateWorkspace", ""); err != nil {
			return err
		}
	}
	p.fresh = true
	p.have = store.Tree{Workspace: control.Workspace{TenantID: tenant, ID: wid, CreatedAt: p.change.at(), UpdatedAt: p.change.at()}}
	if p.want.Policies == nil { // a workspace is born with them, unless the document says which it has
		p.want.Policies = map[string]control.TreePolicy{}
		for _, x := range defaultPolicies(tenant, wid) {
			p.want.Policies[x.ID] = treePolicy(x)
		}
	}
	if p.want.IDPs == nil && wid != control.SystemWorkspace {
		p.want.IDPs = map[string]control.TreeIDP{control.StaticIDP: treeIDP(ownUsers(tenant, wid))}
	}
	return nil
}

// asControl is errors.As for a *control.Error.
func asControl(err error, e **control.Error) bool { return errors.As(err, e) }

// forAutomation says whether a client may be made in the system workspace by hand: one without the scopes of a gateway.
func forAutomation(c control.Client) bool {
	clientDefaults(&c)
	return len(c.Scopes) > 0 && systemScopes(c) == nil
}

// systemScopes refuses clients of the system workspace that could pass for gateways.
func systemScopes(c control.Client) error {
	if c.WorkspaceID != control.SystemWorkspace {
		return nil
	}
	for _, s := range c.Scopes {
		if !slices.Contains(control.AutomationScopes(), s) {
			return fmt.Errorf("must be some of %s: other clients of the system workspace come with a gateway", strings.Join(control.AutomationScopes(), ", "))
		}
	}
	if !slices.Equal(c.GrantTypes, []string{"client_credentials"}) {
		return fmt.Errorf("go with the grant type client_credentials only")
	}
	return nil
}
