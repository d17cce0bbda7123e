package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"portcullis/control"
)

func (p *portal) applications(r *request) error {
	list, err := p.admin.ListClients(r.ctx(), r.actor, r.wid())
	if err != nil {
		return err
	}
	return r.render(http.StatusOK, applicationsView(r.frame("Applications", "applications"), clock{p.now()}, list))
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "None"
	}
	return strings.Join(list, ", ")
}

// scopeChoices are the workspace's scopes, the chosen ones ticked; one that is chosen and no longer there stays visible.
func (p *portal) scopeChoices(r *request, chosen []string) ([]scopeChoice, error) {
	scopes, err := p.admin.ListScopes(r.ctx(), r.actor, r.wid())
	if err != nil {
		return nil, err
	}
	var out []scopeChoice
	for _, s := range scopes {
		out = append(out, scopeChoice{name: s.Name, text: nameOr(s.DisplayName, s.Description), chosen: slices.Contains(chosen, s.Name)})
	}
	for _, name := range chosen {
		if !slices.ContainsFunc(out, func(c scopeChoice) bool { return c.name == name }) {
			out = append(out, scopeChoice{name: name, text: "not a scope of this workspace", chosen: true})
		}
	}
	return out, nil
}

func (p *portal) newApplication(r *request) error {
	if err := r.needManager(); err != nil {
		return err
	}
	return p.renderNewApplication(r, http.StatusOK, applicationForm{}, nil)
}

func (p *portal) renderNewApplication(r *request, status int, v applicationForm, chosen []string) error {
	var err error
	if v.scopes, err = p.scopeChoices(r, chosen); err != nil {
		return err
	}
	return r.render(status, newApplicationView(r.frame("Create application", "applications"), v))
}

func (p *portal) createApplication(r *request) error {
	v := applicationForm{name: r.value("client_name"), description: r.value("description")}
	scopes := r.PostForm["scopes"]
	created, _, err := p.admin.CreateClient(r.ctx(), r.actor, control.Client{
		WorkspaceID: r.wid(), Name: v.name, Description: v.description, GrantTypes: []string{"client_credentials"}, Scopes: scopes,
	}, "")
	if err != nil {
		status, errs, ok := formProblem(err, "client_name", "description", "scopes")
		if !ok {
			return err
		}
		v.errs = errs
		return p.renderNewApplication(r, status, v, scopes)
	}
	return r.done(in(r.wid(), "applications", created.ID), "application-created")
}

// client is the application of the address, which must be one of the workspace.
func (r *request) client() (control.Client, error) {
	c, err := r.p.admin.GetClient(r.ctx(), r.actor, r.PathValue("client"))
	if err == nil && c.WorkspaceID != r.wid() {
		err = control.Errorf(control.NotFound, "", "There is no application %q in this workspace.", clip(r.PathValue("client"), 128))
	}
	return c, err
}

func (p *portal) application(r *request) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	v := applicationPage{client: c, form: clientForm(c)}
	if ask := r.query("ask"); ask == "rotate" && c.HasSecret() || ask == "delete" {
		if err := r.needManager(); err != nil {
			return err
		}
		v.popup = ask
	}
	return p.renderApplication(r, http.StatusOK, v, c.Scopes)
}

func clientForm(c control.Client) applicationForm {
	return applicationForm{name: c.Name, description: c.Description, active: c.Status != "inactive"}
}

func (p *portal) renderApplication(r *request, status int, v applicationPage, scopes []string) error {
	v.token = p.admin.IssuerURL(r.actor.TenantID, r.wid()) + "/oauth2/token"
	if v.client.HasSecret() && slices.Contains(v.client.GrantTypes, "client_credentials") {
		v.curl = tokenCommand(v)
	}
	// The Content-Security-Policy lets forms be posted to this host only.
	if u, err := url.Parse(v.token); err == nil {
		v.tokenPath = u.Path
	}
	var err error
	if v.form.scopes, err = p.scopeChoices(r, scopes); err != nil {
		return err
	}
	return r.render(status, applicationView(r.frame(nameOr(v.client.Name, v.client.ID), "applications"), v))
}

// proofOf says how a client without a secret proves itself.
func proofOf(c control.Client) string {
	if c.AuthMethod == control.AuthPrivateKeyJWT {
		return "This application has no secret: it signs with a key of its own (private_key_jwt), whose public part is registered."
	}
	return "This application has no secret: it is public, as a program in a browser or on a phone is, and proves itself by PKCE alone."
}

// tokenCommand is a command that gets a token. HTTP Basic carries the id and the secret form-encoded (RFC 6749 2.3.1).
func tokenCommand(v applicationPage) string {
	secret := "$CLIENT_SECRET"
	if v.secret != "" {
		secret = url.QueryEscape(v.secret)
	}
	lines := []string{`curl -s -u "` + url.QueryEscape(v.client.ID) + ":" + secret + `"`, "-d grant_type=client_credentials"}
	if len(v.client.Scopes) > 0 {
		lines = append(lines, `--data-urlencode "scope=`+strings.Join(v.client.Scopes, " ")+`"`)
	}
	return strings.Join(append(lines, v.token), " \\\n  ")
}

func (p *portal) saveApplication(r *request) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	next := c
	next.Name, next.Description, next.Scopes, next.Status = r.value("client_name"), r.value("description"), r.PostForm["scopes"], "inactive"
	if r.value("active") != "" {
		next.Status = "active"
	}
	if _, err := p.admin.UpdateClient(r.ctx(), r.actor, next); err != nil {
		status, errs, ok := formProblem(err, "client_name", "description", "scopes")
		if !ok {
			return err
		}
		v := applicationPage{client: c, form: clientForm(next)}
		v.form.errs = errs
		return p.renderApplication(r, status, v, next.Scopes)
	}
	return r.done(in(r.wid(), "applications", c.ID), "application-saved")
}

// showApplicationSecret answers the POST itself, as showGatewaySecret does and for the same reason.
func (p *portal) showApplicationSecret(r *request) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	secret, err := p.admin.ClientSecret(r.ctx(), r.actor, c.ID)
	if err != nil {
		return err
	}
	if plain(r) {
		return r.plainText(secret)
	}
	return p.renderApplication(r, http.StatusOK, applicationPage{client: c, form: clientForm(c), secret: secret}, c.Scopes)
}

func (p *portal) rotateApplicationSecret(r *request) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	secret, err := p.admin.RotateClientSecret(r.ctx(), r.actor, c.ID)
	if err != nil {
		return err
	}
	return p.renderApplication(r, http.StatusOK, applicationPage{client: c, form: clientForm(c), secret: secret, rotated: true}, c.Scopes)
}

func (p *portal) deleteApplication(r *request) error {
	c, err := r.client()
	if err != nil {
		return err
	}
	if err := p.admin.DeleteClient(r.ctx(), r.actor, c.ID); err != nil {
		return err
	}
	return r.done(in(r.wid(), "applications"), "application-deleted")
}
