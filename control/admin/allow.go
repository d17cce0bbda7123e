package admin

import (
	"portcullis/control"
)

// needs is what a verb asks of its actor. The zero value denies everybody.
type needs struct {
	role   control.Role // people, clients and operators: at least this role …
	tenant bool         // … in the tenant as a whole, not only in one workspace
	scope  string       // clients of the system workspace: this scope of the access token; without a role they alone may
}

// allowed is the authorisation table. A verb that is not in it is denied to everybody.
var allowed = map[string]needs{ // :: verb → what it needs
	"ListWorkspaces":  {role: control.NoRole + 1}, // and shows only those in which the actor has a role
	"GetWorkspace":    {role: control.Member},
	"CreateWorkspace": {role: control.Admin, tenant: true},
	"UpdateWorkspace": {role: control.Manager},
	"DeleteWorkspace": {role: control.Admin, tenant: true},

	"ListTrustedIssuers": {role: control.Member},
	"SetTrustedIssuers":  {role: control.Admin},

	"FetchIssuer": {role: control.Admin}, // makes this server call an address

	// Whoever runs an identity provider decides who logs in.
	"ListIDPs":  {role: control.Member},
	"GetIDP":    {role: control.Member},
	"CreateIDP": {role: control.Admin},
	"UpdateIDP": {role: control.Admin},
	"DeleteIDP": {role: control.Admin},

	"ListServices":  {role: control.Member, scope: control.ScopeViewScopes},
	"GetService":    {role: control.Member},
	"CreateService": {role: control.Manager},
	"UpdateService": {role: control.Manager},
	"DeleteService": {role: control.Manager},

	"ListScopes":  {role: control.Member, scope: control.ScopeViewScopes},
	"GetScope":    {role: control.Member},
	"CreateScope": {role: control.Manager},
	"UpdateScope": {role: control.Manager},
	"DeleteScope": {role: control.Manager},

	"ListAPIsByService": {role: control.Member},
	"ListAPIs":          {role: control.Member},
	"ListServiceAPIs":   {role: control.Member},
	"GetAPI":            {role: control.Member},
	"CreateAPI":         {role: control.Manager},
	"UpdateAPI":         {role: control.Manager},
	"AssignPolicy":      {role: control.Manager},
	"DeleteAPI":         {role: control.Manager},

	"ImportSpecification":        {role: control.Manager},
	"ImportSpecificationFromURL": {role: control.Manager},
	"RemoveSpecification":        {role: control.Manager},

	"ListGateways":          {role: control.Member},
	"GetGateway":            {role: control.Member}, // without the secret
	"ListEnvironments":      {role: control.Member},
	"CreateGateway":         {role: control.Manager},
	"UpdateGateway":         {role: control.Manager},
	"DeleteGateway":         {role: control.Manager},
	"ListGroups":            {role: control.Member},
	"BindGroup":             {role: control.Manager},
	"BindGroupToNewService": {role: control.Manager},
	"UnbindGroup":           {role: control.Manager},

	"ListPolicies": {role: control.Member},
	"GetPolicy":    {role: control.Member},
	"CreatePolicy": {role: control.Manager},
	"UpdatePolicy": {role: control.Manager},
	"DeletePolicy": {role: control.Manager},
	"TestPolicy":   {role: control.Member},

	"RunPolicyCases": {role: control.Member},

	"PolicyWarnings": {role: control.Member},
	"APIWarnings":    {role: control.Member},
	"CheckPolicy":    {role: control.Member},
	"PolicyMembers":  {role: control.Member},
	"PolicyGallery":  {role: control.Member},

	"ListClients":          {role: control.Member, scope: control.ScopeViewClients},
	"GetClient":            {role: control.Member, scope: control.ScopeViewClients},
	"CreateClient":         {role: control.Manager},
	"UpdateClient":         {role: control.Manager},
	"DeleteClient":         {role: control.Manager},
	"ClientSecret":         {role: control.Manager},
	"RotateClientSecret":   {role: control.Manager, scope: control.ScopeManageClients},
	"RevokeRotatedSecrets": {role: control.Manager, scope: control.ScopeManageClients},

	"ListKeys":  {role: control.Auditor},
	"RotateKey": {role: control.Admin},
	"RevokeKey": {role: control.Admin},

	"ListSecrets":   {role: control.Manager, scope: control.ScopeReadSecrets},
	"GetSecret":     {role: control.Manager, scope: control.ScopeManageSecrets},
	"RevealSecrets": {role: control.Manager, scope: control.ScopeReadSecrets},
	"CreateSecret":  {role: control.Manager, scope: control.ScopeManageSecrets},
	"UpdateSecret":  {role: control.Manager, scope: control.ScopeManageSecrets},
	"DeleteSecret":  {role: control.Manager, scope: control.ScopeManageSecrets},

	"ListPolicyExecutionPoints": {role: control.Member},
	"SetPolicyExecutionPoints":  {role: control.Manager},
	"WorkspaceMetadata":         {role: control.Member},
	"SetWorkspaceMetadata":      {role: control.Manager},
	"RevokeTokens":              {role: control.Manager, scope: control.ScopeRevokeTokens},

	"ListUsers":   {role: control.Admin, tenant: true},
	"CreateUser":  {role: control.Admin, tenant: true},
	"UpdateUser":  {role: control.Admin, tenant: true},
	"SetPassword": {role: control.Admin, tenant: true},
	"DeleteUser":  {role: control.Admin, tenant: true},

	// Of a regular workspace, for its own issuer; those above are the portal's.
	"ListWorkspaceUsers":   {role: control.Manager},
	"GetWorkspaceUser":     {role: control.Manager},
	"CreateWorkspaceUser":  {role: control.Manager},
	"UpdateWorkspaceUser":  {role: control.Manager},
	"SetWorkspacePassword": {role: control.Manager},
	"DeleteWorkspaceUser":  {role: control.Manager},

	"ListAudit":     {role: control.Auditor, scope: control.ScopeViewAudit},
	"GetAudit":      {role: control.Auditor},
	"ExportAudit":   {role: control.Auditor, scope: control.ScopeViewAudit},
	"ResealSecrets": {role: control.Admin, tenant: true},

	// Secrets need the scope manage_configuration, and a new workspace the role that CreateWorkspace needs.
	"ExportWorkspace": {role: control.Manager, scope: control.ScopeReadTree},
	"ExportTenant":    {role: control.Admin, tenant: true, scope: control.ScopeReadTree},
	"DumpTenant":      {role: control.Admin, tenant: true, scope: control.ScopeReadTree},
	"ImportWorkspace": {role: control.Manager, scope: control.ScopeManageTree},
	"ImportTenant":    {role: control.Admin, tenant: true, scope: control.ScopeManageTree},
	"ImportDump":      {role: control.Admin, tenant: true, scope: control.ScopeManageTree},
	"PatchWorkspace":  {role: control.Manager, scope: control.ScopeManageTree},
	"PatchTenant":     {role: control.Admin, tenant: true, scope: control.ScopeManageTree},
	"PatchDump":       {role: control.Admin, tenant: true, scope: control.ScopeManageTree},

	"Configuration": {scope: control.ScopeReadConfiguration},
	"SetInventory":  {scope: control.ScopeWriteConfiguration},

	"ProtectedWorkspace": {scope: control.ScopeIntrospect},
	"TokenExchange":      {scope: control.ScopeExchange},
}

// allow is the first statement of every verb: whether the actor may use it in the workspace ("" for the tenant).
//
// An actor without any role in a workspace is told that there is no such workspace. What lies in the admin and the
// system workspace — the clients of administrators and gateways — is for tenant-wide roles only.
func (a *Admin) allow(actor control.Actor, verb, workspace string) error {
	n, ok := allowed[verb]
	switch {
	case !ok || actor.Kind == control.Anonymous || actor.TenantID == "":
		return control.Errorf(control.Unauthenticated, "unauthenticated", "log in, or present an access token")
	case n.scope != "" && (n.role == control.NoRole || actor.Kind == control.GatewayActor):
		if actor.Kind != control.GatewayActor {
			return control.Errorf(control.Forbidden, "gateway_only", "only a gateway's client may do this")
		}
		if !actor.HasScope(n.scope) && (n.scope != control.ScopeReadTree || !actor.HasScope(control.ScopeManageTree)) { // who may write may read
			return control.Errorf(control.Forbidden, "insufficient_scope", "the access token lacks the scope %s; request it at the token endpoint", n.scope)
		}
		return nil
	case n.role == control.NoRole || actor.Kind == control.GatewayActor:
		return control.Errorf(control.Forbidden, "forbidden", "a gateway's client may not do this")
	}
	role := actor.RoleIn(workspace)
	if n.tenant || workspace == control.AdminWorkspace || workspace == control.SystemWorkspace {
		role = actor.Role
	}
	if verb == "ListWorkspaces" {
		return nil
	}
	if role == control.NoRole && workspace != "" {
		return control.Errorf(control.NotFound, "not_found", "there is no workspace %q", workspace)
	}
	if role < n.role {
		return control.Errorf(control.Forbidden, "insufficient_role", "this needs the role %s; you have %s", n.role, role)
	}
	return nil
}
