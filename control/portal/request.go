package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"portcullis/control"
	"portcullis/control/web"
)

// request is one signed-in request: who asks, and for which workspace. Handlers return an error for the error page;
// what is wrong with a form they show beside the form themselves.
type request struct {
	*http.Request
	w         http.ResponseWriter
	p         *portal
	actor     control.Actor
	user      control.User       // of the session
	workspace *control.Workspace // set by inWorkspace
}

func (r *request) ctx() context.Context { return r.Context() }

// wid is the workspace's id.
func (r *request) wid() string { return r.workspace.ID }

// manages reports whether the actor may change the workspace. It decides which buttons are shown; package admin decides
// what happens.
func (r *request) manages() bool {
	return r.workspace != nil && r.actor.RoleIn(r.workspace.ID) >= control.Manager
}

// audits reports whether the actor may read the workspace's audit.
func (r *request) audits() bool {
	return r.workspace != nil && r.actor.RoleIn(r.workspace.ID) >= control.Auditor
}

// signedIn finds the session, or sends the browser to the login page and back here afterwards.
func (p *portal) signedIn(h func(*request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		token := web.PortalCookie.Value(hr)
		actor, session, err := p.admin.Session(hr.Context(), token)
		if err != nil {
			if control.KindOf(err) != control.Unauthenticated {
				p.plainProblem(w, hr, err)
				return
			}
			p.toLogin(w, hr, token != "")
			return
		}
		actor.IP, actor.UserAgent = web.ClientIP(hr), hr.UserAgent()
		event := web.Event(hr.Context())
		event.ActorID, event.Tenant = actor.ID, actor.TenantID
		r := &request{Request: hr, w: w, p: p, actor: actor, user: session.User}
		if hr.Method == http.MethodPost {
			if err := r.parseForm(); err != nil {
				r.problem(err)
				return
			}
		}
		if err := h(r); err != nil {
			r.problem(err)
		}
	})
}

// inWorkspace loads the workspace of the address.
func (p *portal) inWorkspace(h func(*request) error) func(*request) error {
	return func(r *request) error {
		ws, err := p.admin.GetWorkspace(r.ctx(), r.actor, r.PathValue("wid"))
		if err != nil {
			if control.KindOf(err) == control.NotFound {
				return control.Errorf(control.NotFound, "", "There is no workspace %q, or you are not a member of it.", clip(r.PathValue("wid"), 64))
			}
			return err
		}
		r.workspace = &ws
		web.Event(r.ctx()).Workspace = ws.ID
		return h(r)
	}
}

// to sends the browser to another page of the workspace.
func to(elements ...string) func(*request) error {
	return func(r *request) error {
		r.seeOther(in(r.wid(), elements...))
		return nil
	}
}

func (r *request) parseForm() error {
	most := int64(maxForm)
	if multipartForm(r.Request) {
		most = maxDocument // its handler reads it, and may take less
	}
	r.Body = http.MaxBytesReader(r.w, r.Body, most)
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return control.Errorf(control.Malformed, "", "The form holds more than %d MB. Nothing was changed; go back and shorten it.", maxForm>>20)
		}
		return control.Errorf(control.Malformed, "", "The form could not be read. Nothing was changed; go back and try again.")
	}
	return nil
}

// value is a posted member without surrounding space.
func (r *request) value(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }

// query is a query member.
func (r *request) query(name string) string { return r.URL.Query().Get(name) }

// notices are the messages that a page may show after the action that led to it; an address can only name one of them.
var notices = map[string]string{
	"workspace-created":      "Workspace created.",
	"workspace-saved":        "Settings saved.",
	"workspace-deleted":      "Workspace deleted.",
	"gateway-created":        "Gateway created. Follow the steps below to connect it.",
	"gateway-saved":          "Settings saved.",
	"gateway-deleted":        "Gateway deleted.",
	"group-bound":            "API group connected. In AWS, deploy the API to this stage: Resources › Actions › Deploy API.",
	"group-unbound":          "API group disconnected. In AWS, deploy the API to this stage for the change to take effect.",
	"service-created":        "Service created.",
	"service-saved":          "Service saved.",
	"service-deleted":        "Service deleted.",
	"specification-imported": "Specification imported. New APIs have no policy yet.",
	"specification-removed":  "Specification removed, with its APIs.",
	"api-updated":            "Policy assignment updated. Authorizers pick it up within their refresh interval.",
	"apis-updated":           "Policy assigned. Authorizers pick it up within their refresh interval.",
	"policy-created":         "Policy created.",
	"policy-saved":           "Policy saved. Authorizers pick it up within their refresh interval.",
	"policy-deleted":         "Policy deleted.",
	"application-created":    "Application created.",
	"application-saved":      "Application saved.",
	"application-deleted":    "Application deleted.",
	"scope-created":          "Scope created.",
	"scope-saved":            "Scope saved.",
	"scope-deleted":          "Scope deleted.",
	"user-created":           "User created.",
	"user-saved":             "User saved.",
	"user-deleted":           "User deleted.",
	"idp-created":            "Identity provider connected.",
	"idp-saved":              "Identity provider saved.",
	"idp-deleted":            "Identity provider removed.",
	"issuer-trusted":         "The issuer is trusted. Authorizers pick it up within their refresh interval.",
	"issuer-removed":         "The issuer is no longer trusted. Authorizers pick it up within their refresh interval.",
	"password-changed":       "Password changed. Your other sessions have ended.",
	"password-set":           "Password set. The user's sessions have ended.",
	"key-rotated":            "New signing key made. Tokens signed with the old ones stay valid until you revoke those keys.",
	"key-revoked":            "Key revoked. Tokens signed with it are no longer accepted.",
}

// done sends the browser on after a successful POST; notice is a key of notices.
func (r *request) done(address templ.SafeURL, notice string) error {
	path, fragment, _ := strings.Cut(string(address), "#")
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	path += sep + "done=" + notice
	if fragment != "" {
		path += "#" + fragment
	}
	r.seeOther(templ.SafeURL(path))
	return nil
}

func (r *request) seeOther(address templ.SafeURL) {
	http.Redirect(r.w, r.Request, string(address), http.StatusSeeOther)
}

func (r *request) frame(title, section string) frame {
	return frame{
		title: title, theme: theme(r.Request), nonce: web.Nonce(r.ctx()), user: nameOr(r.user.Name, r.user.Username),
		workspace: r.workspace, section: section, notice: notices[r.query("done")], here: here(r.Request),
		manage: r.manages(), audit: r.audits(), admin: r.actor.Role >= control.Admin, assets: r.p.assets,
	}
}

// here is the address that a form on this page comes back to.
func here(r *http.Request) string {
	if r.Method != http.MethodGet {
		return r.URL.Path
	}
	q := r.URL.Query()
	q.Del("done")
	if len(q) == 0 {
		return r.URL.Path
	}
	return r.URL.Path + "?" + q.Encode()
}

// render writes a page; a failure half-way can only be logged.
func (r *request) render(status int, c templ.Component) error {
	r.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	r.w.WriteHeader(status)
	if err := c.Render(r.ctx(), r.w); err != nil && r.ctx().Err() == nil {
		web.Event(r.ctx()).Err = fmt.Errorf("write page: %w", err)
	}
	return nil
}

// problem shows an error as a page with a way back.
func (r *request) problem(err error) {
	status, page := problemOf(err)
	if status >= http.StatusInternalServerError {
		web.Event(r.ctx()).Err = err
		page.request = web.Event(r.ctx()).RequestID
	}
	page.back, page.backLabel = "/app/", "Workspace Directory"
	if r.workspace != nil {
		page.back, page.backLabel = string(in(r.wid(), "overview")), "Back to "+nameOr(r.workspace.Name, r.wid())
	}
	var limited *control.Error
	if errors.As(err, &limited) && limited.RetryAfter > 0 {
		r.w.Header().Set("Retry-After", itoa(limited.RetryAfter))
	}
	_ = r.render(status, problemView(r.frame(page.heading, ""), page))
}

// plainProblem is problem for a request whose session could not be looked at.
func (p *portal) plainProblem(w http.ResponseWriter, hr *http.Request, err error) {
	status, page := problemOf(err)
	web.Event(hr.Context()).Err = err
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = loginView(loginPage{theme: theme(hr), nonce: web.Nonce(hr.Context()), problem: page.text, assets: p.assets}).Render(hr.Context(), w)
}

// problemOf is how an error is put to a person: the message of a control.Error, and nothing of any other.
func problemOf(err error) (status int, page problemPage) {
	status = statusOf(err)
	page.text = sentence(web.ProblemOf(err).Message)
	switch control.KindOf(err) {
	case control.NotFound:
		page.heading = "Not found"
	case control.Forbidden:
		page.heading = "Not allowed"
	case control.Conflict:
		page.heading = "That does not fit what is there"
	case control.Invalid, control.Malformed, control.PreconditionFailed:
		page.heading = "That did not work"
		var e *control.Error
		if errors.As(err, &e) {
			page.text = formErrorsOf(e).whole()
		}
	case control.TooMany:
		page.heading = "Too many requests"
	case control.NotImplemented:
		page.heading = "Not available"
	case control.Unavailable:
		page.heading = "Temporarily unavailable"
	default:
		page.heading = "Something went wrong here"
		page.text = "The request could not be completed. Nothing is known to have changed; try again, and if it persists give the request id below to the operator."
	}
	return status, page
}

// statusOf is the HTTP status of an error.
func statusOf(err error) int { return web.ProblemOf(err).Status }

// formErrors is what is wrong with a form: text for the whole, fields by name. The zero value: nothing.
type formErrors struct {
	text   string
	fields map[string]string
}

func (e formErrors) at(field string) string { return e.fields[field] }

// whole is the text with every field's, for pages that have no such fields.
func (e formErrors) whole() string {
	parts := []string{e.text}
	for _, k := range sortedKeys(e.fields) {
		parts = append(parts, k+": "+e.fields[k])
	}
	return strings.TrimSpace(strings.Join(parts, "\n"))
}

func formErrorsOf(e *control.Error) formErrors {
	return formErrors{text: sentence(e.Message), fields: e.Fields}
}

// formProblem splits an error: what the person can correct in the form is shown there (status, errors, true); anything
// else belongs on the error page. known are the names of the form's fields; an error of any other goes to the text.
func formProblem(err error, known ...string) (status int, errs formErrors, ok bool) {
	var e *control.Error
	if !errors.As(err, &e) {
		return 0, formErrors{}, false
	}
	switch e.Kind {
	case control.Invalid, control.Malformed, control.Conflict, control.PreconditionFailed, control.TooMany:
	default:
		return 0, formErrors{}, false
	}
	errs = formErrors{fields: map[string]string{}}
	var rest []string
	for _, k := range sortedKeys(e.Fields) {
		placed := false
		for _, name := range known {
			if k == name {
				errs.fields[k], placed = sentence(e.Fields[k]), true
			}
		}
		if !placed {
			rest = append(rest, k+": "+e.Fields[k])
		}
	}
	if len(errs.fields) == 0 || len(rest) > 0 {
		errs.text = sentence(e.Message)
		if len(e.Fields) > 1 || len(errs.fields) > 0 {
			errs.text = sentence(strings.Join(rest, "\n")) // the message names a single field by itself
		}
	}
	return statusOf(err), errs, true
}

// theme is the browser's choice: light, dark or "" for what the system says.
func theme(r *http.Request) string {
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == "light" || c.Value == "dark") {
		return c.Value
	}
	return ""
}

const themeCookie = "portcullis-theme"

func (p *portal) setTheme(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	choice := r.PostFormValue("theme")
	if choice != "light" && choice != "dark" {
		choice = ""
	}
	c := &http.Cookie{Name: themeCookie, Value: choice, Path: "/app/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteLaxMode, Secure: p.secure, HttpOnly: true}
	if choice == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
	http.Redirect(w, r, local(r.PostFormValue("back")), http.StatusSeeOther)
}

// local is an address of the portal, or the Workspace Directory: a form cannot send the browser elsewhere.
func local(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/app/") ||
		strings.Contains(u.Path, "//") || strings.ContainsAny(address, "\\\r\n\t") || strings.HasPrefix(u.Path, "/app/login") {
		return "/app/"
	}
	return u.RequestURI()
}

func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n] + "…"
	}
	return strings.ToValidUTF8(s, "?")
}
