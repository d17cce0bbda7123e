package admin

import (
	"context"
	"encoding/json"
	"slices"
	"sort"
	"strings"

	"portcullis/control"
	"portcullis/control/store"
	"portcullis/edge/waist"
)

// ExportWorkspace is a workspace as one document; client secrets only with credentials. It is the same for the same
// configuration: times, states and random ids that mean nothing elsewhere are not in it.
func (a *Admin) ExportWorkspace(ctx context.Context, actor control.Actor, wid string, credentials bool) (control.TreeServer, error) {
	if err := a.allow(actor, "ExportWorkspace", wid); err != nil {
		return control.TreeServer{}, err
	}
	if err := mayReveal(actor, credentials); err != nil {
		return control.TreeServer{}, err
	}
	if credentials {
		if err := tenantAdmin(actor, wid); err != nil {
			return control.TreeServer{}, err
		}
	}
	var out control.TreeServer
	err := a.revealedTree(ctx, actor, wid, credentials)
	if err != nil {
		return out, err
	}
	err = a.store.Snapshot(ctx, func(r store.Reader) error {
		t, err := r.Tree(ctx, actor.TenantID, wid)
		if err != nil {
			return notFound(err, "workspace", wid)
		}
		// Who may not connect an identity provider does not get what proves us there.
		out, err = a.tree(t, credentials, credentials && a.mayConnect(actor, wid) == nil)
		return err
	})
	return out, internal(err)
}

// ExportTenant is every workspace of the tenant as one document.
func (a *Admin) ExportTenant(ctx context.Context, actor control.Actor, credentials bool) (control.TreeTenant, error) {
	if err := a.allow(actor, "ExportTenant", ""); err != nil {
		return control.TreeTenant{}, err
	}
	if err := mayReveal(actor, credentials); err != nil {
		return control.TreeTenant{}, err
	}
	return a.exportTenant(ctx, actor, "", credentials)
}

// DumpTenant is the tenant, or one workspace of it, as flat lists.
func (a *Admin) DumpTenant(ctx context.Context, actor control.Actor, wid string, credentials bool) (map[string]any, error) {
	if err := a.allow(actor, "DumpTenant", ""); err != nil {
		return nil, err
	}
	if err := mayReveal(actor, credentials); err != nil {
		return nil, err
	}
	t, err := a.exportTenant(ctx, actor, wid, credentials)
	if err != nil {
		return nil, err
	}
	document, err := control.TreeDocument(t)
	if err != nil {
		return nil, err
	}
	return control.Dump(actor.TenantID, document), nil
}

// mayReveal refuses secrets to a token that may only read.
func mayReveal(actor control.Actor, credentials bool) error {
	if credentials && actor.Kind == control.GatewayActor && !actor.HasScope(control.ScopeManageTree) {
		return control.Errorf(control.Forbidden, "insufficient_scope", "secrets need the scope %s; request it at the token endpoint, or ask without secrets", control.ScopeManageTree)
	}
	return nil
}

// tenantAdmin refuses to let less than an admin reveal or change what lies in the workspaces admin and system: whoever has
// the secrets of their clients is an admin.
func tenantAdmin(actor control.Actor, workspace string) error {
	if actor.Kind == control.GatewayActor || actor.Role >= control.Admin || workspace != control.AdminWorkspace && workspace != control.SystemWorkspace {
		return nil
	}
	return control.Errorf(control.Forbidden, "insufficient_role", "clients of the workspace %q are administrators: this needs the role admin", workspace)
}

// hasTenant refuses an actor whose tenant is not there.
func hasTenant(ctx context.Context, r store.Reader, actor control.Actor) error {
	switch there, err := r.HasTenant(ctx, actor.TenantID); {
	case err != nil:
		return err
	case !there:
		return control.Errorf(control.NotFound, "not_found", "there is no tenant %q here", actor.TenantID)
	}
	return nil
}

// revealedTree records that the actor takes the secrets of a workspace, or of the tenant (""), before they are handed out.
func (a *Admin) revealedTree(ctx context.Context, actor control.Actor, wid string, credentials bool) error {
	if !credentials {
		return nil
	}
	at := wid
	if at == "" {
		at = control.AdminWorkspace
	}
	return a.change(ctx, actor, at, func(c *change) error {
		return c.audit(ctx, "configuration", "revealed", wid, nil, map[string]any{"secrets": true})
	})
}

// exportTenant reads all workspaces, or the one named.
func (a *Admin) exportTenant(ctx context.Context, actor control.Actor, wid string, credentials bool) (control.TreeTenant, error) {
	out := control.TreeTenant{Servers: map[string]control.TreeServer{}}
	if err := a.revealedTree(ctx, actor, wid, credentials); err != nil {
		return out, err
	}
	err := a.store.Snapshot(ctx, func(r store.Reader) error {
		if err := hasTenant(ctx, r, actor); err != nil {
			return err
		}
		ids, err := r.WorkspaceIDs(ctx, actor.TenantID)
		if err != nil {
			return err
		}
		if wid != "" {
			if !slices.Contains(ids, wid) {
				return control.Errorf(control.NotFound, "not_found", "there is no workspace %q", wid)
			}
			ids = []string{wid}
		}
		for _, id := range ids {
			t, err := r.Tree(ctx, actor.TenantID, id)
			if err != nil {
				return err
			}
			if out.Servers[id], err = a.tree(t, credentials, credentials); err != nil {
				return err
			}
		}
		return nil
	})
	return out, internal(err)
}

// tree turns what is stored into the document: with the secrets of clients and those that policies read, and with those of
// identity providers.
func (a *Admin) tree(t store.Tree, credentials, ofIDPs bool) (control.TreeServer, error) {
	w := t.Workspace
	out := control.TreeServer{Name: &w.Name, Description: &w.Description, Color: &w.Color, Type: &w.Type, KeyType: &w.KeyType,
		AccessTokenStrategy: &w.AccessTokenStrategy, AccessTokenTTL: &w.AccessTokenTTL, DynamicScopeSep: &w.DynamicScopeSep,
		Services: map[string]control.TreeService{}, ScopesWithoutService: map[string]control.TreeScope{}, Policies: map[string]control.TreePolicy{},
		Clients: map[string]control.TreeClient{}, Gateways: map[string]control.TreeGateway{}, ExecutionPoints: map[string]string{}}
	issuers := treeTrust(t.TrustedIssuers)
	out.TrustedIssuers, out.Secrets = &issuers, map[string]control.TreeSecret{}
	if err := a.treeIDPs(&out, t.IDPs, ofIDPs); err != nil {
		return out, err
	}
	for _, s := range t.Kept {
		x := control.TreeSecret{Name: s.Name}
		if credentials {
			value, err := a.keyring.open(workspaceSecretPlace(s.TenantID, s.WorkspaceID, s.ID), s.Sealed)
			if err != nil {
				return out, err
			}
			x.Value = string(value)
		}
		out.Secrets[s.ID] = x
	}
	for _, p := range t.Policies {
		out.Policies[p.ID] = treePolicy(p)
	}
	for _, s := range t.Services {
		out.Services[s.ID] = control.TreeService{Name: s.Name, Description: s.Description, CustomAudience: s.CustomAudience, Type: s.Type, System: s.System,
			WithSpecification: s.WithSpecification, GatewayID: s.GatewayID, Scopes: map[string]control.TreeScope{}, APIs: map[string]control.TreeAPI{}}
	}
	for _, x := range t.APIs {
		can := x.CanHavePolicy
		out.Services[x.ServiceID].APIs[x.ID] = control.TreeAPI{Method: x.Method, Path: x.Path, PolicyID: x.PolicyID, APIType: x.APIType, CanHavePolicy: &can,
			Position: x.Position, DataClassifications: x.DataClassifications, Gone: x.Gone}
	}
	for _, s := range t.Scopes {
		x := control.TreeScope{DisplayName: s.DisplayName, Description: s.Description, Implicit: s.Implicit}
		if s.ServiceID == "" {
			out.ScopesWithoutService[s.Name] = x
		} else {
			out.Services[s.ServiceID].Scopes[s.Name] = x
		}
	}
	secret := func(client string) (string, error) {
		s, ok := t.Secrets[client]
		if !credentials || !ok {
			return "", nil
		}
		text, err := a.keyring.open(secretPlace(w.TenantID, client, s.ID), s.Sealed)
		return string(text), err
	}
	for _, c := range t.Clients {
		text, err := secret(c.ID)
		if err != nil {
			return out, err
		}
		x := treeClient(c)
		x.Secret = text
		out.Clients[c.ID] = x
	}
	for _, g := range t.Gateways {
		text, err := secret(g.ClientID)
		if err != nil {
			return out, err
		}
		out.Gateways[g.ID] = control.TreeGateway{Name: g.Name, Description: g.Description, Type: g.Type, AutoBind: g.AutoBind, DefaultPolicyID: g.DefaultPolicyID,
			Client: control.TreeGatewayClient{ID: g.ClientID, Secret: text}, Groups: map[string]control.TreeGroup{}}
		if x := out.Gateways[g.ID]; g.TokenExchange.Enabled || len(g.TokenExchange.TrustedIDPs) > 0 {
			x.TokenExchange = g.TokenExchange
			out.Gateways[g.ID] = x
		}
	}
	for _, g := range t.Groups {
		out.Gateways[g.GatewayID].Groups[g.ID] = control.TreeGroup{Name: g.Name, Metadata: g.Metadata, APIs: methodsOf(g.APIs), ServiceID: g.ServiceID, Gone: g.Gone}
	}
	return out, nil
}

func treePolicy(p control.Policy) control.TreePolicy {
	return control.TreePolicy{PolicyName: p.PolicyName, Type: p.Type, Language: p.Language, Definition: p.Definition,
		Validators: orderedConf(p.Validators), EnvVersion: p.EnvVersion}
}

func treeClient(c control.Client) control.TreeClient {
	return control.TreeClient{Name: c.Name, Description: c.Description, GrantTypes: c.GrantTypes, RedirectURIs: c.RedirectURIs, Scopes: c.Scopes,
		Audience: c.Audience, AuthMethod: c.AuthMethod, Status: c.Status, Trusted: c.Trusted, JWKS: ordered(c.JWKS),
		PostLogoutRedirectURIs: c.PostLogoutRedirectURIs}
}

// ordered is JSON with the members of its objects in order; what is no JSON stays.
func ordered(raw json.RawMessage) json.RawMessage {
	if parsed, err := control.ParseTree(raw); err == nil {
		if b, err := json.Marshal(parsed); err == nil {
			return b
		}
	}
	return raw
}

// orderedConf brings the members of every conf into one order.
func orderedConf(in []waist.Validator) []waist.Validator {
	out := make([]waist.Validator, len(in))
	for i, v := range in {
		v.Conf = ordered(v.Conf)
		if len(v.Recovery) == 0 {
			v.Recovery = []waist.Recovery{}
		}
		out[i] = v
	}
	return out
}

// methodsOf are a group's methods in order, without what stands in front of them: that is a state, not configuration.
func methodsOf(in []waist.GatewayAPI) []waist.GatewayAPI {
	out := make([]waist.GatewayAPI, len(in))
	for i, m := range in {
		out[i] = waist.GatewayAPI{APIType: m.APIType, Method: m.Method, Path: m.Path}
		if out[i].APIType == "" {
			out[i].APIType = "rest"
		}
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].Path < out[j].Path || out[i].Path == out[j].Path && out[i].Method < out[j].Method
	})
	return out
}

// samePolicy compares two policies as documents: the order of members and line ends after the last line of a definition
// are no difference.
func samePolicy(a, b control.Policy) bool {
	a.Definition, b.Definition = strings.TrimRight(a.Definition, "\r\n"), strings.TrimRight(b.Definition, "\r\n")
	return sameJSON(treePolicy(a), treePolicy(b))
}
