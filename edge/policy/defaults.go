package policy

import (
	"encoding/json"

	"portcullis/edge/waist"
)

// DefaultPolicies are the policies that every workspace is born with: block, nist-aal-1 to 3 and mfa, with the ids and
// bodies of published exports, e.g. "nist-aal-2_demo_api" for the workspace "demo".
func DefaultPolicies(workspaceID string) []waist.Policy {
	var out []waist.Policy
	add := func(prefix, name, typ string, validators ...waist.Validator) {
		out = append(out, waist.Policy{
			ID: prefix + "_" + workspaceID + "_" + typ, ServerID: workspaceID, PolicyName: name + " " + typeLabels[typ],
			Language: waist.LanguageVisual, Type: typ, Validators: validators,
		})
	}
	for _, typ := range [...]string{"api", "dcr", "developer", "machine", "user"} {
		add("block", "Block", typ, waist.Validator{Name: "false"})
	}
	amr := func(conf string) waist.Validator {
		return waist.Validator{Name: "identity-context", Conf: json.RawMessage(conf)}
	}
	for _, typ := range [...]string{"api", "user"} {
		add("nist-aal-1", "NIST-AAL-1", typ, amr(`{"fields":[{"comparator":"contains_all","field":"amr","value":["pwd"]}]}`))
		add("nist-aal-2", "NIST-AAL-2", typ, amr(`{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]}]}`))
		add("nist-aal-3", "NIST-AAL-3", typ, amr(`{"fields":[{"comparator":"contains_all","field":"amr","value":["mfa","pwd"]},`+
			`{"comparator":"contains_any","field":"amr","value":["face","retina","sc","vbm"]}]}`))
	}
	add("mfa", "MFA", "user", waist.Validator{
		Name:     "authentication-factors",
		Conf:     json.RawMessage(`{"fields":[{"comparator":"contains","field":"login.verified_recovery_methods","value":["mfa"]}]}`),
		Recovery: []waist.Recovery{{Type: "mfa"}},
	})
	return out
}

var typeLabels = map[string]string{"api": "API", "dcr": "DCR", "developer": "Developer", "machine": "Machine", "user": "User"}

// Example is one entry of the gallery that users start a policy from, in all three languages.
type Example struct {
	ID          string // "has-scope"
	Title       string
	Description string // what it asks for, and what to change
	Visual      string // JSON of the validators
	Rego        string
	Cedar       string
}

// Policy is the example as a policy of one language, without ids of tenant and workspace.
func (x Example) Policy(language string) (waist.Policy, bool) {
	p := waist.Policy{ID: x.ID, PolicyName: x.Title, Type: "api", Language: language}
	switch language {
	case waist.LanguageVisual:
		return p, json.Unmarshal([]byte(x.Visual), &p.Validators) == nil
	case waist.LanguageRego:
		p.Definition = x.Rego
	case waist.LanguageCedar:
		p.Definition = x.Cedar
	default:
		return p, false
	}
	return p, true
}

// Gallery is the policies to start from. The languages of one example decide alike.
func Gallery() []Example {
	return []Example{
		{
			ID: "has-scope", Title: "Has a scope",
			Description: "The token carries the scope pets.read. Change the name of the scope.",
			Visual:      `[{"name":"scopes","conf":{"fields":[{"field":"pets.read","comparator":"present"}]}}]`,
			Rego: `package acp.authz

default allow := false

allow if "pets.read" in granted

granted contains s if some s in input.authn_ctx.scp

granted contains s if some s in split(input.authn_ctx.scope, " ")

granted contains s if {
	some s, grants in input.contexts.scopes
	count(grants) > 0
}
`,
			Cedar: `permit(principal, action, resource)
when { context.scopes.contains("pets.read") };
`,
		},
		{
			ID: "owner", Title: "Owner of the resource",
			Description: "The path parameter userId is the subject of the token. Change the name of the parameter.",
			Visual:      `[{"name":"identity-context","conf":{"fields":[{"field":"sub","comparator":"equals","value":"$request.pathParams.userId"}]}}]`,
			Rego: `package acp.authz

default allow := false

allow if input.authn_ctx.sub == input.request.path_params.userId
`,
			Cedar: `permit(principal, action, resource)
when {
  context.claims has sub &&
  resource.path_params has userId &&
  context.claims.sub == resource.path_params.userId
};
`,
		},
		{
			ID: "office-hours", Title: "Office hours",
			Description: "Monday to Friday, 08:00 to 18:00. The visual and the Rego policy follow the time zone's summer time; Cedar knows UTC only.",
			Visual:      `[{"name":"time","conf":{"zone":"UTC","days":["mon","tue","wed","thu","fri"],"from":"08:00","to":"18:00"}}]`,
			Rego: `package acp.authz

zone := "UTC"

default allow := false

allow if {
	now := [time.now_ns(), zone]
	not time.weekday(now) in {"Saturday", "Sunday"}
	[hour, _, _] := time.clock(now)
	hour >= 8
	hour < 18
}
`,
			Cedar: `permit(principal, action, resource)
when {
  context.now.toTime() >= duration("8h") &&
  context.now.toTime() < duration("18h")
}
unless { ["sat", "sun"].contains(context.weekday) };
`,
		},
		{
			ID: "source-network", Title: "Source network",
			Description: "The connection comes from 192.0.2.0/24, as API Gateway saw it. Headers such as X-Forwarded-For are not asked: a caller can write them.",
			Visual:      `[{"name":"attributes","conf":{"fields":[{"field":"request.sourceIp","comparator":"in_cidr","value":["192.0.2.0/24"]}]}}]`,
			Rego: `package acp.authz

default allow := false

networks := ["192.0.2.0/24"]

allow if {
	some network in networks
	net.cidr_contains(network, input.request.source_ip)
}
`,
			Cedar: `permit(principal, action, resource)
when { context has source_ip && context.source_ip.isInRange(ip("192.0.2.0/24")) };
`,
		},
		{
			ID: "machines-only", Title: "Machine clients only",
			Description: "The token was issued to a client for itself, and to no user: it has a client_id, and no other subject.",
			Visual: `[{"name":"identity-context","conf":{"fields":[{"field":"client_id","comparator":"present"}]}},
{"name":"any","conf":{"validators":[
  {"name":"identity-context","conf":{"fields":[{"field":"sub","comparator":"absent"}]}},
  {"name":"identity-context","conf":{"fields":[{"field":"sub","comparator":"equals","value":"$authnCtx.client_id"}]}}]}}]`,
			Rego: `package acp.authz

default allow := false

allow if {
	input.authn_ctx.client_id != ""
	object.get(input.authn_ctx, "sub", "") in {"", input.authn_ctx.client_id}
}
`,
			Cedar: `permit(principal is Client, action, resource);
`,
		},
		{
			ID: "mtls-bound", Title: "Token bound to a client certificate",
			Description: "The caller's certificate is the one that the token was issued for (RFC 8705).",
			Visual:      `[{"name":"attributes","conf":{"fields":[{"field":"request.mtls.x5t#S256","comparator":"equals","value":"$authnCtx.cnf.x5t#S256"}]}}]`,
			Rego: `package acp.authz

default allow := false

allow if input.request.mtls["x5t#S256"] == input.authn_ctx.cnf["x5t#S256"]
`,
			Cedar: `permit(principal, action, resource)
when {
  context has mtls && context.mtls has "x5t#S256" &&
  context.claims has cnf && context.claims.cnf has "x5t#S256" &&
  context.mtls["x5t#S256"] == context.claims.cnf["x5t#S256"]
};
`,
		},
		{
			ID: "tenant-match", Title: "Tenant match",
			Description: "The path parameter tenantId is the claim tenant of the token. Change the names of both.",
			Visual:      `[{"name":"identity-context","conf":{"fields":[{"field":"tenant","comparator":"equals","value":"$request.pathParams.tenantId"}]}}]`,
			Rego: `package acp.authz

default allow := false

allow if input.authn_ctx.tenant == input.request.path_params.tenantId
`,
			Cedar: `permit(principal, action, resource)
when {
  context.claims has tenant &&
  resource.path_params has tenantId &&
  context.claims.tenant == resource.path_params.tenantId
};
`,
		},
		{
			ID: "read-only-role", Title: "Read-only for a role",
			Description: "Auditors may read, editors may do everything. Change the names of the roles.",
			Visual: `[{"name":"if-else","conf":{
  "if":[{"name":"identity-context","conf":{"fields":[{"field":"role","comparator":"equals","value":"auditor"}]}}],
  "then":[{"name":"attributes","conf":{"fields":[{"field":"request.method","comparator":"in","value":["GET","HEAD"]}]}}],
  "else":[{"name":"identity-context","conf":{"fields":[{"field":"role","comparator":"equals","value":"editor"}]}}]}}]`,
			Rego: `package acp.authz

default allow := false

allow if {
	input.authn_ctx.role == "auditor"
	input.request.method in {"GET", "HEAD"}
}

allow if input.authn_ctx.role == "editor"
`,
			Cedar: `permit(principal, action in [Action::"GET", Action::"HEAD"], resource)
when { context.claims has role && context.claims.role == "auditor" };

permit(principal, action, resource)
when { context.claims has role && context.claims.role == "editor" };
`,
		},
	}
}
