package policy

// Member is one part of the input document under the name that each language has for it; an empty name: the language
// does not have it. Where a name ends in a placeholder in angle brackets, that stands for the name of a claim, header,
// parameter, tag or scope.
type Member struct {
	Visual string // "authnCtx.sub"
	Rego   string // "input.authn_ctx.sub"
	Cedar  string // "context.claims.sub"
	Text   string // what it is
}

// Members is the input document, member by member, in the order of the reference: docs/reference/policies.md has the
// same list, and editors complete from it.
func Members() []Member {
	return []Member{
		{"authnCtx.sub", "input.authn_ctx.sub", "context.claims.sub", "Subject of the token: the user, or the client itself"},
		{"authnCtx.client_id", "input.authn_ctx.client_id", "context.claims.client_id", "Client that the token was issued to"},
		{"authnCtx.scp", "input.authn_ctx.scp", "context.scopes", "Granted scopes"},
		{"authnCtx.amr", "input.authn_ctx.amr", "context.claims.amr", "How the user authenticated: pwd, mfa, otp, face"},
		{"authnCtx.acr", "input.authn_ctx.acr", "context.claims.acr", "Authentication context class"},
		{"authnCtx.auth_time", "input.authn_ctx.auth_time", "context.claims.auth_time", "When the user authenticated, Unix seconds"},
		{"authnCtx.groups", "input.authn_ctx.groups", "context.claims.groups", "Groups of the user"},
		{"authnCtx.roles", "input.authn_ctx.roles", "context.claims.roles", "Roles of the user"},
		{"authnCtx.email", "input.authn_ctx.email", "context.claims.email", "E-mail address"},
		{"authnCtx.idp", "input.authn_ctx.idp", "context.claims.idp", "Identity provider that authenticated the user; empty for a client's own token"},
		{"authnCtx.iss", "input.authn_ctx.iss", "context.claims.iss", "Issuer of the token"},
		{"authnCtx.aud", "input.authn_ctx.aud", "context.claims.aud", "Audiences of the token"},
		{"authnCtx.exp", "input.authn_ctx.exp", "context.claims.exp", "When the token expires, Unix seconds"},
		{"authnCtx.iat", "input.authn_ctx.iat", "context.claims.iat", "When the token was issued, Unix seconds"},
		{"authnCtx.tid", "input.authn_ctx.tid", "context.claims.tid", "Tenant of the issuer"},
		{"authnCtx.aid", "input.authn_ctx.aid", "context.claims.aid", "Authorization server (workspace) of the issuer"},
		{"authnCtx.cnf.x5t#S256", `input.authn_ctx.cnf["x5t#S256"]`, `context.claims.cnf["x5t#S256"]`, "Certificate that the token is bound to (RFC 8705)"},
		{"authnCtx.<claim>", "input.authn_ctx.<claim>", "context.claims.<claim>", "Any other claim"},
		{"request.method", "input.request.method", "context.method", "HTTP method, upper case"},
		{"request.path", "input.request.path", "context.path", "Path as it was called"},
		{"request.template", "input.request.template", "resource.template", "Path of the API, such as /pets/{petId}"},
		{"request.service", "input.request.service", "resource.service", "Name of the service"},
		{"request.headers.<name>", `input.request.headers["<name>"]`, `context.headers["<name>"]`, "Values of a header; case does not matter"},
		{"request.pathParams.<name>", "input.request.path_params.<name>", `resource.path_params["<name>"]`, "Path parameter"},
		{"request.queryParams.<name>", "input.request.query_params.<name>", `context.query["<name>"]`, "Values of a query parameter"},
		{"request.body", "input.request.body", "context.body", "Body, where the gateway passes it on"},
		{"request.sourceIp", "input.request.source_ip", "context.source_ip", "Caller's address as API Gateway saw it"},
		{"request.mtls.x5t#S256", `input.request.mtls["x5t#S256"]`, `context.mtls["x5t#S256"]`, "Certificate that the caller presented"},
		{"request.tags.<name>", "input.request.tags.<name>", `resource.tags["<name>"]`, "Data classification of the API"},
		{"contexts.scopes.<scope>", `input.contexts.scopes["<scope>"]`, `context.scope_params["<scope>"]`, "Grants of a scope, with the parameters of a dynamic one"},
		{"contexts.client.<name>", "input.contexts.client.<name>", "context.client.<name>", "What is known of the client"},
		{"contexts.developer.<name>", "input.contexts.developer.<name>", "context.developer.<name>", "What is known of the client's developer"},
		{"now", "time.now_ns()", "context.now", "Moment of the decision"},
	}
}
