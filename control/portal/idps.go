package portal

import (
	"fmt"
	"net/http"
	"strings"

	"portcullis/control"
	"portcullis/control/admin"
)

func (p *portal) idps(r *request) error {
	list, err := p.admin.ListIDPs(r.ctx(), r.actor, r.wid())
	if err != nil {
		return err
	}
	return r.render(http.StatusOK, idpsView(r.frame("Identity providers", "users"), list))
}

// idpForm is an identity provider as it is typed.
type idpForm struct {
	idp             control.IDP
	new             bool
	scopes          string
	mappings, roles string // a line each
	callback        string // our redirect URI there
	try             string // where logging in with it can be tried; empty: nowhere
	found           *control.IssuerMetadata
	errs            formErrors
	deleting        bool
	admins          bool // of the workspace admin: it gives roles
}

func (p *portal) newIDP(r *request) error {
	if err := r.needAdminHere(); err != nil {
		return err
	}
	return p.renderIDP(r, http.StatusOK, idpForm{new: true, idp: control.IDP{Method: control.MethodOIDC, OIDC: &control.OIDCSettings{}}, scopes: "openid profile email"})
}

// needAdminHere is needAdmin for one workspace.
func (r *request) needAdminHere() error {
	if role := r.actor.RoleIn(r.wid()); role < control.Admin {
		return control.Errorf(control.Forbidden, "", "Only an administrator can do this: whoever runs an identity provider decides who logs in. Your role is %s.", role)
	}
	return nil
}

func (p *portal) renderIDP(r *request, status int, v idpForm) error {
	v.admins = r.wid() == control.AdminWorkspace
	id := v.idp.ID
	if v.new && id == "" {
		id = control.Slug(v.idp.Name)
	}
	if id != "" {
		v.callback = admin.CallbackURL(p.admin.IssuerURL(r.actor.TenantID, r.wid()), id)
	}
	if v.admins && !v.new && !v.idp.Disabled {
		v.try = "/app/login?other=1&idp=" + id
	}
	title := "Connect identity provider"
	if !v.new {
		title = v.idp.Name
	}
	return r.render(status, idpView(r.frame(title, "users"), v))
}

func (p *portal) editIDP(r *request) error {
	if err := r.needAdminHere(); err != nil {
		return err
	}
	found, err := p.admin.GetIDP(r.ctx(), r.actor, r.wid(), r.PathValue("idp"))
	if err != nil {
		return err
	}
	v := idpFormOf(found)
	v.deleting = r.query("ask") == "delete"
	return p.renderIDP(r, http.StatusOK, v)
}

func idpFormOf(idp control.IDP) idpForm {
	v := idpForm{idp: idp}
	if idp.OIDC == nil {
		return v
	}
	v.scopes = strings.Join(idp.OIDC.Scopes, " ")
	for _, m := range idp.OIDC.Mappings {
		v.mappings += m.Source + " -> " + m.Target + "\n"
	}
	for _, rule := range idp.OIDC.Roles {
		v.roles += rule.Claim + " = " + rule.Value + " -> " + rule.Role.String()
		if rule.WorkspaceID != "" {
			v.roles += " in " + rule.WorkspaceID
		}
		v.roles += "\n"
	}
	return v
}

// typedIDP reads the form; the checks are those of lines that cannot be read.
func typedIDP(r *request, old control.IDP) (idpForm, *control.Checks) {
	var check control.Checks
	v := idpForm{idp: old, scopes: r.value("scopes"), mappings: r.PostForm.Get("mappings"), roles: r.PostForm.Get("roles")}
	v.idp.WorkspaceID, v.idp.Name, v.idp.Disabled = r.wid(), r.value("name"), r.value("enabled") == ""
	if v.idp.Method == control.MethodStatic {
		return v, &check
	}
	s := control.OIDCSettings{}
	if old.OIDC != nil {
		s = *old.OIDC
	}
	s.IssuerURL, s.ClientID, s.AuthMethod = r.value("issuer_url"), r.value("client_id"), r.value("token_endpoint_auth_method")
	s.Scopes, s.UserInfo = strings.Fields(v.scopes), r.value("fetch_userinfo") != ""
	s.Mappings, s.Roles = []control.ClaimMapping{}, []control.RoleRule{}
	for n, line := range linesOf(v.mappings) {
		source, target, ok := strings.Cut(line, "->")
		if !ok {
			check.Add("mappings", fmt.Sprintf("line %d must be: claim there -> claim here", n+1))
			continue
		}
		s.Mappings = append(s.Mappings, control.ClaimMapping{Source: strings.TrimSpace(source), Target: strings.TrimSpace(target)})
	}
	for n, line := range linesOf(v.roles) {
		rule, ok := ruleOf(line)
		if !ok {
			check.Add("roles", fmt.Sprintf("line %d must be: claim = value -> role, or: claim = value -> role in workspace; roles are member, auditor, manager and admin", n+1))
			continue
		}
		s.Roles = append(s.Roles, rule)
	}
	v.idp.OIDC = &s
	return v, &check
}

// linesOf are the lines of a text that say something.
func linesOf(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

func ruleOf(line string) (control.RoleRule, bool) {
	i := strings.LastIndex(line, "->")
	if i < 0 {
		return control.RoleRule{}, false
	}
	claim, value, ok := strings.Cut(line[:i], "=")
	words := strings.Fields(line[i+2:])
	if !ok || len(words) != 1 && (len(words) != 3 || words[1] != "in") {
		return control.RoleRule{}, false
	}
	rule := control.RoleRule{Claim: strings.TrimSpace(claim), Value: strings.TrimSpace(value), Role: roleNamed(words[0])}
	if len(words) == 3 {
		rule.WorkspaceID = words[2]
	}
	return rule, rule.Role > control.NoRole
}

// idpFields are those of the form; errors of any other go above it.
var idpFields = []string{"name", "issuer_url", "client_id", "client_secret", "scopes", "mappings", "roles", "token_endpoint_auth_method"}

// refuseIDP shows the form with what is wrong.
func (p *portal) refuseIDP(r *request, v idpForm, err error) error {
	status, errs, ok := formProblem(err, idpFields...)
	if !ok {
		return err
	}
	v.errs = errs
	return p.renderIDP(r, status, v)
}

// checkIDP asks the provider for its metadata and shows the form with what it said.
func (p *portal) checkIDP(r *request, v idpForm) error {
	found, err := p.admin.FetchIssuer(r.ctx(), r.actor, r.wid(), v.idp.OIDC.IssuerURL)
	if err != nil {
		return p.refuseIDP(r, v, err)
	}
	v.found = &found
	return p.renderIDP(r, http.StatusOK, v)
}

func (p *portal) createIDP(r *request) error {
	if err := r.needAdminHere(); err != nil {
		return err
	}
	v, check := typedIDP(r, control.IDP{Method: control.MethodOIDC})
	v.new = true
	if err := check.Err("identity provider"); err != nil {
		return p.refuseIDP(r, v, err)
	}
	if r.value("do") == "check" {
		return p.checkIDP(r, v)
	}
	made, err := p.admin.CreateIDP(r.ctx(), r.actor, v.idp, r.PostForm.Get("client_secret"))
	if err != nil {
		return p.refuseIDP(r, v, err)
	}
	return r.done(in(r.wid(), "idps", made.ID), "idp-created")
}

func (p *portal) saveIDP(r *request) error {
	if err := r.needAdminHere(); err != nil {
		return err
	}
	old, err := p.admin.GetIDP(r.ctx(), r.actor, r.wid(), r.PathValue("idp"))
	if err != nil {
		return err
	}
	v, check := typedIDP(r, old)
	if err := check.Err("identity provider"); err != nil {
		return p.refuseIDP(r, v, err)
	}
	if r.value("do") == "check" && v.idp.OIDC != nil {
		return p.checkIDP(r, v)
	}
	if _, err := p.admin.UpdateIDP(r.ctx(), r.actor, v.idp, r.PostForm.Get("client_secret")); err != nil {
		return p.refuseIDP(r, v, err)
	}
	return r.done(in(r.wid(), "idps", old.ID), "idp-saved")
}

func (p *portal) deleteIDP(r *request) error {
	if err := p.admin.DeleteIDP(r.ctx(), r.actor, r.wid(), r.PathValue("idp")); err != nil {
		return err
	}
	return r.done(in(r.wid(), "idps"), "idp-deleted")
}

// authMethodOptions are the ways in which we prove ourselves to a provider.
func authMethodOptions(chosen string) []option {
	var out []option
	for _, o := range []option{{value: control.AuthBasic, text: "Secret in the header (client_secret_basic)"}, {value: control.AuthPost, text: "Secret in the form (client_secret_post)"}, {value: control.AuthNone, text: "No secret: public client with PKCE (none)"}} {
		o.chosen = o.value == chosen
		out = append(out, o)
	}
	return out
}

func methodName(method string) string {
	if method == control.MethodStatic {
		return "Own users"
	}
	return "OpenID Connect"
}
